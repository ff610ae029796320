"""The study's life: what has not been asked yet is still to come, and open waves only count."""

import pandas as pd
import pytest

from loftet_analysis import paths
from loftet_analysis.batch import cleaning
from loftet_analysis.batch.fingerprints import why_unclean
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.sheets import sheet_counts
from loftet_analysis.errors import InputError
from loftet_analysis.show.session import open_study
from loftet_analysis.study import load_study, missing_exports, wave_states
from tests.test_prepare import KEY, POST, PRE
from tests.tiny_study import STUDY, build_on_day, write_csv

POST_DATES = "  post: {from: 2027-09-13, to: 2027-10-29}\n"
POST_FILE = "      post: {tool: table, file: post.csv}\n"
ALONE = STUDY.replace(POST_DATES, "").replace(POST_FILE, "")
UNDATED = STUDY.replace(" {from: 2025-09-15, to: 2025-10-31}", "").replace(
    " {from: 2027-09-13, to: 2027-10-29}", ""
)


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Lay out the tiny study on a day, with the exports of some waves."""
    root = tmp_path / "Løftet test"
    monkeypatch.setenv("LOFTET_ROOT", str(root))

    def lay_out(day: str, *waves: str, study: str = STUDY):
        exports = {"pre": PRE, "post": POST}
        exports = {wave: frame if wave in waves else None for wave, frame in exports.items()}
        build_on_day(monkeypatch, root, day, study, **exports)
        return load_study("tiny")

    return lay_out


@pytest.mark.parametrize(
    ("day", "there", "study", "pre", "post"),
    [
        ("2025-12-01", "pre", STUDY, "closed", "to_come"),
        ("2025-12-01", "pre", STUDY.replace(POST_FILE, ""), "closed", "to_come"),
        ("2025-12-01", "pre", STUDY.replace(POST_DATES, ""), "closed", "to_come"),
        ("2025-12-01", "pre", ALONE, "closed", "to_come"),
        ("2025-10-31", "pre", STUDY, "open", "to_come"),
        ("2025-10-01", "", STUDY, "to_come", "to_come"),
        ("2027-09-13", "pre post", STUDY, "closed", "open"),
        ("2027-10-29", "pre post", STUDY, "closed", "open"),
        ("2027-10-30", "pre post", STUDY, "closed", "closed"),
        ("2027-10-30", "pre", STUDY, "closed", "closed"),
        ("2026-10-30", "pre post", STUDY, "closed", "closed"),
        ("2025-10-01", "post", STUDY, "closed", "closed"),
        ("2025-10-01", "pre post", UNDATED, "closed", "closed"),
        ("2025-10-01", "pre", UNDATED, "closed", "to_come"),
        ("2025-10-01", "", UNDATED, "closed", "to_come"),
    ],
)  # fmt: skip
def test_a_wave_is_closed_open_or_still_to_come(at, day, there, study, pre, post):
    found = wave_states(at(day, *there.split(), study=study))
    wanted = {("pupils", "pre"): pre, ("pupils", "post"): post}
    assert found == {place: state for place, state in wanted.items() if state}


LONG = STUDY.replace(
    POST_FILE, ""
).replace(
    "      pre: {tool: table, file: pre.csv}\n",
    "      {tool: table, file: pre.csv, "
    "wave: {column: runde, values: {pre: [Første], post: [Andre]}}}\n",
)  # fmt: skip


def long(folder, last: str = "Første") -> None:
    """Write one file of both waves, in which nobody has answered after."""
    write_csv(folder, "pre", PRE.assign(runde=["Første"] * (len(PRE) - 2) + [last, "Første"]))


def test_an_open_wave_without_a_row_in_a_file_of_several_is_still_to_come(at):
    study = at("2027-09-20", "pre", study=LONG)
    long(study.exports)
    prepared = prepare(study, key=KEY)
    assert {*zip(prepared.waves["wave"], prepared.waves["state"], strict=True)} == {
        ("pre", "closed"), ("post", "to_come"),
    }  # fmt: skip
    assert "post of pupils" in next(r.found for r in prepared.remarks if r.what == "still to come")
    assert set(prepared.clean["pupils"]["wave"]) == {"pre"}
    # a text that nothing explains may be how the file calls the wave
    long(study.exports, "Runde 2")
    with pytest.raises(InputError, match="no row of post"):
        prepare(study, key=KEY)
    study = at("2027-10-30", "pre", study=LONG)
    long(study.exports)
    with pytest.raises(InputError, match="no row of post"):
        prepare(study, key=KEY)


def test_an_export_is_missing_only_where_its_wave_is_over(at):
    assert missing_exports(at("2027-10-29", "pre")) == []
    (problem,) = missing_exports(at("2027-10-30", "pre"))
    assert (problem.what, problem.found) == ("export is missing", "post.csv")
    with pytest.raises(InputError, match="no answers yet"):
        prepare(at("2025-10-01"), key=KEY)


@pytest.mark.parametrize("study", [STUDY, ALONE, UNDATED])
def test_with_the_first_wave_alone_there_are_its_answers_and_no_word_of_change(at, study):
    description = at("2025-12-01", "pre", study=study)
    prepared = prepare(description, key=KEY)
    assert set(prepared.clean["pupils"]["wave"]) == {"pre"}
    assert prepared.units["outcome"].to_list() == ["effort"]
    assert set(prepared.mask["wave"]) == {"pre"}
    assert prepared.response["n_linked"].isna().all()
    told = [str(remark) for remark in prepared.remarks if remark.what == "still to come"]
    assert len(told) == 1
    cleaning.clean(description)
    opened = open_study("tiny")
    assert set(opened.plan("pupils")["estimand"]) == {"level"}
    assert opened["pupils"].asked("post") == []
    assert opened["pupils"].asked("pre") == ["effort"]


def test_of_an_open_wave_sheets_are_counted_and_nothing_else(at):
    prepared = prepare(at("2027-10-01", "pre", "post"), key=KEY)
    alone = prepare(at("2026-10-01", "pre"), key=KEY)
    for table in ("clean", "units", "mask", "linkage"):
        ours, theirs = getattr(prepared, table), getattr(alone, table)
        ours, theirs = (ours["pupils"], theirs["pupils"]) if table == "clean" else (ours, theirs)
        pd.testing.assert_frame_equal(ours, theirs)
    counts = sheet_counts(prepared.ledger)
    whole = prepare(at("2028-01-01", "pre", "post"), key=KEY)
    assert counts["sheets"] == sheet_counts(whole.ledger)["sheets"]
    kept = len(prepared.clean["pupils"]) + len(prepared.set_aside["pupils"])
    assert counts["sheets"] == kept + counts["counted_only"]
    here = ["wave", "school_id", "n_answered", "n_kept"]
    ours, theirs = (
        each.response.query("subgroup == 'all'")[here].reset_index(drop=True)
        for each in (prepared, whole)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    ours, theirs = (
        each.days.sort_values([*each.days], ignore_index=True) for each in (prepared, whole)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    newest = prepared.waves[prepared.waves["wave"] == "post"].set_index("region")
    assert newest["newest_answer"].to_dict() == {"nordland": "2027-09-20", "oslo": "2027-09-20"}
    assert set(newest["state"]) == {"open"}


def test_what_is_closed_by_hand_stays_closed(at):
    study = at("2027-10-01", "pre", "post")
    cleaning.clean(study)
    assert set(open_study("tiny").read("pupils")["wave"]) == {"pre"}
    cleaning.clean(study, close=True)
    assert set(open_study("tiny").read("pupils")["wave"]) == {"pre", "post"}
    cleaning.clean(study)
    assert set(open_study("tiny").read("pupils")["wave"]) == {"pre", "post"}
    assert store.closed_by_hand("tiny") == {("pupils", "post")}


def test_clean_data_are_stale_on_the_day_after_the_last(at):
    study = at("2027-10-29", "pre", "post")
    cleaning.clean(study)
    assert why_unclean(study) == ""
    assert why_unclean(at("2027-10-30", "pre", "post")) == "state of waves changed"


def test_the_follow_up_list_says_what_came_since_the_last_one(at):
    study = at("2025-10-20", "pre")
    folder = study.folder
    half = PRE.iloc[:4]
    write_csv(folder, "pre", half)
    cleaning.clean(study)
    book = paths.clean("tiny") / "follow_up.xlsx"
    first = book.read_bytes()
    assert not any("siden" in head for head in pd.read_excel(book, engine="calamine"))
    cleaning.clean(study)
    assert book.read_bytes() == first
    write_csv(folder, "pre", PRE)
    cleaning.clean(study)
    assert book.with_name("follow_up_last.xlsx").read_bytes() == first
    table = pd.read_excel(book, engine="calamine", dtype={"Skolenummer": str})
    new = table.set_index("Skolenummer")["Nye siden 20. september 2025"]
    # of ten rows after the fourth: an unknown school, a duplicate and an empty row are nobody
    assert new.to_dict() == {"0301": 0, "0302": 1, "0400": 2}
    last = book.read_bytes()
    cleaning.clean(study)
    assert book.read_bytes() == last
