"""Labelled data and the codebook; chained forms, registers by school, a wave in the middle."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.archive import write_archive
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.readers import Export, chained
from loftet_analysis.errors import InputError
from loftet_analysis.show.codebook import write_codebook
from loftet_analysis.study import load_study
from loftet_analysis.study.columns import value_labels
from loftet_analysis.study.study import Continuation
from tests.tiny_study import INSTRUMENT, STUDY, build, sheets, write_csv

KEY = b"k" * 32
PEOPLE = [f"{n}|0301|{{}}|abc{n:02}|Ja|{a}|Uenig|Enig" for n, a in
          enumerate(["Enig", "Helt enig", "Uenig"] * 6, start=10)]  # fmt: skip
PRE = sheets(*(row.format(5) for row in PEOPLE))
POST = sheets(*(row.format(7) for row in PEOPLE), wave="post")


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = build(tmp_path)
    text = INSTRUMENT.replace("nb: Jeg prøver.", "nb: <script>alert(1)</script> Jeg prøver.")
    (folder / "instruments" / "tiny.yml").write_text(text, encoding="utf-8")
    write_csv(folder, "pre", PRE)
    write_csv(folder, "post", POST)
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    loaded = load_study("tiny")
    store.write(prepare(loaded, key=KEY), loaded)
    return loaded


def test_archived_files_give_back_the_clean_data_and_explain_it(study, tmp_path):
    written = write_archive(study, tmp_path / "archive")
    assert [path.name for path in written] == ["pupils.sav", "pupils.parquet"]
    clean = store.read("tiny", "pupils")
    back, meta = pyreadstat.read_sav(written[0])
    assert list(back) == list(clean)
    for item in ("effort_1", "effort_2", "effort"):
        assert back[item].to_list() == clean[item].to_list()
    assert meta.column_names_to_labels["effort_2"] == "Jeg gir opp. (reversed)"
    # reversed items are stored turned, and so are their labels
    assert meta.variable_value_labels["effort_1"][1.0] == "Helt uenig"
    assert meta.variable_value_labels["effort_2"][1.0] == "Helt enig"
    pd.testing.assert_frame_equal(pd.read_parquet(written[1]), clean)
    field = pq.read_schema(written[1]).field("effort_2")
    assert json.loads(field.metadata[b"values"])["4"] == "Helt uenig"
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_archive(study, tmp_path / "again")] == before


def test_stored_values_keep_the_meaning_of_what_was_ticked(study):
    labels = value_labels(study.populations["pupils"], "en")
    assert labels["effort_1"] == {
        1: "Strongly disagree", 2: "Disagree", 3: "Agree", 4: "Strongly agree",
    }  # fmt: skip
    assert list(labels["effort_2"].values()) == list(labels["effort_1"].values())[::-1]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_codebook_is_escaped_gated_and_the_same_every_time(study, tmp_path, language):
    page, book = write_codebook(study, tmp_path / "archive", language)
    text = page.read_text(encoding="utf-8")
    assert f'lang="{language}"' in text
    assert "<script>" not in text
    if language == "nb":
        assert "&lt;script&gt;" in text
        assert "Jeg fortsetter." in text  # the wording that the item had before
        assert "3,00" in text
    assert "33 %" in text.replace("\N{NO-BREAK SPACE}", " ") or "33%" in text
    again = write_codebook(study, tmp_path / "again", language)
    assert [path.read_bytes() for path in again] == [page.read_bytes(), book.read_bytes()]


def test_nothing_is_told_of_few(study, tmp_path, monkeypatch):
    few = store.read("tiny", "pupils").groupby("wave").head(5)
    monkeypatch.setattr(store, "read", lambda *given, **options: few)
    page, _ = write_codebook(study, tmp_path / "archive", "en")
    assert 'class="bar"' not in page.read_text(encoding="utf-8")


def test_forms_that_lead_to_another_are_one_sheet():
    first = Export(pd.DataFrame({"$submission_id": ["7", "8", "9"], "skole": ["a", "b", "c"]},
                                dtype="str"), "a.txt")  # fmt: skip
    second = Export(pd.DataFrame({"$submission_id": ["1", "2", "3"], "ref": ["9", "7", "55"],
                                  "u1": ["3", "1", "4"]}, dtype="str"), "b.txt")  # fmt: skip
    joined = chained(first, second, Continuation(file="b.txt", reference="ref"))
    assert joined.name == "a.txt and b.txt"
    assert joined.frame[["$submission_id", "skole", "u1"]].to_numpy().tolist() == [
        ["7", "a", "1"], ["8", "b", ""], ["9", "c", "3"], ["", "", "4"],
    ]  # fmt: skip
    assert "$submission_id (2)" in joined.frame
    twice = Export(second.frame.assign(ref="7"), "b.txt")
    with pytest.raises(InputError, match="goes on twice"):
        chained(first, twice, Continuation(file="b.txt", reference="ref"))
    with pytest.raises(InputError, match="column not found"):
        chained(first, second, Continuation(file="b.txt", reference="referanse"))


def test_a_chained_form_is_cleaned_like_any_other(tmp_path, monkeypatch):
    then = "{tool: table, file: pre.csv, then: {file: more.csv, reference: ref, serial: nr}}"
    folder = build(tmp_path, study=STUDY.replace("{tool: table, file: pre.csv}", then))
    write_csv(folder, "pre", PRE.drop(columns=["u1", "u2", "u3"]))
    more = (
        PRE[["nr", "u1", "u2", "u3"]].rename(columns={"nr": "ref"}).sample(frac=1, random_state=1)
    )
    write_csv(folder, "more", more)
    write_csv(folder, "post", POST)
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    found = prepare(load_study("tiny"), key=KEY).clean["pupils"]
    write_csv(folder, "pre", PRE)
    (folder / "study.yml").write_text(STUDY, encoding="utf-8")
    pd.testing.assert_frame_equal(found, prepare(load_study("tiny"), key=KEY).clean["pupils"])


def test_leaders_get_the_gatherings_of_their_school(tmp_path, monkeypatch):
    study = STUDY.replace("  pupils:", "  leaders:").replace(
        "columns: {school_id: skole, grade: trinn, submitted: tid, serial: nr}\n"
        "    values: {serial: {}}",
        "columns: {school_id: skole}\n    attendance: {file: a.csv, school: skule, "
        "columns: {gatherings: [s1, s2, s3]}}",
    ).replace("{by: code, column: kode}", "{by: none}")  # fmt: skip
    folder = build(tmp_path, study=study)
    write_csv(folder, "pre", PRE)
    write_csv(folder, "post", POST)
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    (folder / "a.csv").write_text("skule;s1;s2;s3\nBø skole;x;;ja\n0302;x;nei;0\n", "utf-8")
    prepared = prepare(load_study("tiny"), key=KEY)
    assert prepared.clean["leaders"]["gatherings"].unique().tolist() == [2.0]
    told = prepared.ledger[prepared.ledger["step"] == "attendance"]
    assert told[["n_in", "n_out"]].to_numpy().tolist() == [[2, 1]]
    (folder / "a.csv").write_text("skule;s1;s2;s3\nNes;x;x;x\n", "utf-8")
    with pytest.raises(InputError, match="school that is blank, unknown or stands twice"):
        prepare(load_study("tiny"), key=KEY)


def test_a_wave_in_the_middle_is_linked_to_both(tmp_path, monkeypatch):
    study = STUDY.replace(
        "  post: {from", "  mid: {from: 2026-09-14, to: 2026-10-30}\n  post: {from"
    ).replace("      post: {tool", "      mid: {tool: table, file: mid.csv}\n      post: {tool")
    folder = build(tmp_path, study=study)
    middle = sheets(*(row.format(6) for row in PEOPLE[:9])).assign(tid="2026-09-20T10:00:00")
    write_csv(folder, "pre", PRE)
    write_csv(folder, "mid", middle)
    write_csv(folder, "post", POST)
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    prepared = prepare(load_study("tiny"), key=KEY)
    waves = prepared.clean["pupils"].groupby("person_id")["wave"].agg(frozenset)
    assert waves.value_counts().to_dict() == {
        frozenset({"pre", "mid", "post"}): 9, frozenset({"pre", "post"}): 9,
    }  # fmt: skip
    assert prepared.clean["pupils"].groupby("wave")["grade"].unique().map(list).to_dict() == {
        "mid": [6], "post": [7], "pre": [5],
    }  # fmt: skip
