"""From exports to clean data, end to end on a study that can be read at a glance."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from loftet_analysis import schema
from loftet_analysis.cleaning.chain import attend, clean, link, quarantine, read, score
from loftet_analysis.cleaning.prepare import _alike_regions, _alike_schools, prepare
from loftet_analysis.cleaning.pseudonyms import pseudonym
from loftet_analysis.cleaning.sheets import sheet_counts
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import load_study
from tests.long import long_but
from tests.tiny_study import LABELS, STUDY, build, sheets, write_csv

KEY = b"k" * 32
HERE = Path(__file__).parents[1]
PRE = sheets(
    "1|0301|5|abcd|Ja|Enig|Uenig|Helt enig",
    "2|Bø skole|7. trinn|EFGH|Ja|4|9|",
    "3|Ås ungdomsskole|8|ijkl|Nei|Enig|Enig|Enig",
    "4|TEST|7|test|Ja|Enig|Enig|Enig",
    "5|Nes skole|7|mnop|Ja|Enig|Enig|Enig",
    "6|0302|7|qrst|Ja|Enig|Enig|Enig",
    "7|0400|9|uvwx|Ja|Vet ikke||",
    "8|0301|5|ABCD|Ja|Helt enig|Uenig|Helt enig",
    "9|0400|6|abcd|Ja|Enig|Helt enig|Vet ikke",
    "10||||||| ",
)
POST = sheets(
    "1|0301|7|abcd|Ja|Helt enig|Helt uenig|Helt enig",
    "2|0302|9|efgh|Ja|Enig|Uenig|Enig",
    "3|0400|8|abcd|Ja|Uenig|Enig|Uenig",
    wave="post",
)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Write a study's answers and prepare it."""
    root = tmp_path / "Løftet {test}"
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path / "keys"))

    def run(pre: pd.DataFrame = PRE, post: pd.DataFrame = POST, study: str = STUDY) -> Prepared:
        folder = build(root, study=study)
        write_csv(folder, "pre", pre)
        write_csv(folder, "post", post)
        return prepare(load_study("tiny"), key=KEY)

    run.folder = build(root)
    return run


def test_every_sheet_goes_where_it_belongs(tiny):
    prepared = tiny()
    pupils, aside = prepared.clean["pupils"], prepared.set_aside["pupils"]
    assert list(pupils.columns) == [
        "person_id", "wave", "region", "school_id", "grade", "submitted", "serial",
        "linked_by", "link_state", "seconds_per_item", "missing_share", "careless",
        "effort_1", "effort_2", "effort_3", "after_1", "effort", "afterwards",
    ]  # fmt: skip
    assert pupils[["wave", "region", "school_id", "grade", "serial"]].values.tolist() == [
        ["pre", "nordland", "0301", 7, "2"],
        ["pre", "nordland", "0301", 5, "8"],
        ["post", "nordland", "0301", 7, "1"],
        ["post", "nordland", "0302", 9, "2"],
        ["pre", "oslo", "0400", 6, "9"],
        ["post", "oslo", "0400", 8, "3"],
    ]
    assert aside[["serial", "reason"]].sort_values("serial").values.tolist() == [
        ["1", "duplicate"],
        ["4", "test_answer"],
        ["5", "unknown_school"],
        ["6", "impossible_grade"],
        ["7", "no_answers"],
    ]
    assert list(aside.columns) == ["reason", *pupils.columns]
    # the first sheet of the person who answered twice keeps its answers
    assert aside.loc[aside["serial"] == "1", "effort"].to_list() == [(3 + 3 + 4) / 3]


def test_answers_are_scored_and_turned_once(tiny):
    pupils = tiny().clean["pupils"].set_index(["wave", "serial"])
    answers = pupils[["effort_1", "effort_2", "effort_3", "after_1", "effort", "afterwards"]]
    nan = np.nan
    expected = {
        ("pre", "2"): [4, nan, nan, nan, nan, nan],  # 9 is out of range; one of three answered
        ("pre", "8"): [4, 3, 4, nan, 11 / 3, nan],
        ("post", "1"): [4, 4, 4, 3, 4, 3],
        ("post", "2"): [3, 3, 3, 3, 3, 3],
        ("pre", "9"): [3, 1, nan, nan, 2, nan],
        ("post", "3"): [2, 2, 2, 3, 2, 3],
    }
    np.testing.assert_allclose(answers.to_numpy(), list(expected.values()))
    assert answers.index.to_list() == list(expected)


def test_people_are_linked_where_region_and_cohort_agree(tiny):
    prepared = tiny()
    pupils = prepared.clean["pupils"]
    same = pupils.groupby("person_id")["serial"].agg(list).to_list()
    assert sorted(same) == [["2", "2"], ["8", "1"], ["9", "3"]]
    assert prepared.linkage[["region", "wave", "state", "n"]].values.tolist() == [
        ["nordland", "post", "linked", 2],
        ["nordland", "pre", "linked", 2],
        ["oslo", "post", "linked", 1],
        ["oslo", "pre", "linked", 1],
    ]


def test_the_ledger_follows_the_sheets_step_by_step(tiny):
    ledger = tiny().ledger
    assert list(ledger.columns) == list(schema.LEDGER)
    assert (ledger["n_in"] == ledger["n_out"] + ledger["n_set_aside"]).all()
    for _, steps in ledger.groupby(["population", "wave", "region"]):
        assert steps["n_in"].to_list()[1:] == steps["n_out"].to_list()[:-1]
    pre = ledger[ledger["wave"] == "pre"].groupby("reason", sort=False)["n_set_aside"].sum()
    assert pre.to_dict() == {
        "blank_row": 0, "no_consent": 2, "test_answer": 1, "wrong_form": 0, "unknown_school": 1,
        "impossible_grade": 1, "no_answers": 1, "duplicate": 1,
    }  # fmt: skip
    assert sheet_counts(ledger).to_dict() == {"sheets": 13, "set_aside": 5, "counted_only": 2}


def test_single_values_that_are_lost_are_listed(tiny):
    values = tiny().values
    lost = values.loc[values["reason"] == "out_of_range"]
    assert lost.drop(columns="file").values.tolist() == [
        ["pupils", "pre", "nordland", "effort_2", "9", "out_of_range", 1]
    ]


def test_codes_and_ids_are_nowhere_in_what_is_kept(tiny):
    prepared = tiny()
    tables = [*prepared.clean.values(), *prepared.set_aside.values(), prepared.values,
              prepared.ledger, prepared.linkage, prepared.units, prepared.mask]  # fmt: skip
    text = "".join(table.to_csv() for table in tables).casefold()
    for code in ("abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx"):
        assert code not in text


def test_units_and_mask_are_settled_for_the_study(tiny):
    prepared = tiny()
    assert prepared.units["outcome"].to_list() == ["effort", "afterwards"]
    np.testing.assert_allclose(prepared.units["sd_unit"], [np.std([11 / 3, 2], ddof=1), np.nan])
    np.testing.assert_allclose(prepared.units["low_fifth"], [2 + (11 / 3 - 2) / 5, np.nan])
    assert prepared.units["n"].to_list() == [2, 0]
    mask = prepared.mask
    assert mask["suppressed"].all()
    row = mask[(mask["region"] == "national") & (mask["subgroup"] == "all")]
    assert row.set_index(["wave", "outcome"])["n"].to_dict() == {
        ("pre", "effort"): 2, ("post", "effort"): 3, ("linked", "effort"): 2,
        ("post", "afterwards"): 3,
    }  # fmt: skip


def test_progress_is_told_and_nothing_is_written(tiny):
    tiny()
    before = sorted(path for path in tiny.folder.parents[1].rglob("*"))
    told = []
    prepare(load_study("tiny"), key=KEY, progress=told.append)
    assert told == ["read pupils", "link pupils", "settle"]
    assert sorted(path for path in tiny.folder.parents[1].rglob("*")) == before


def test_attendance_is_joined_by_id(tiny):
    study = STUDY.replace("link: {by: code, column: kode}", "link: {by: id, column: kode}")
    study += "    attendance: {file: a.csv, id: kode, columns: {gatherings: moter}}\n"
    (tiny.folder / "a.csv").write_text("kode;moter\nefgh;9\nzzzz;3\n", encoding="utf-8")
    prepared = tiny(study=study)
    pupils = prepared.clean["pupils"].set_index(["wave", "serial"])["gatherings"]
    assert pupils.dropna().to_dict() == {("pre", "2"): 9, ("post", "2"): 9}
    (row,) = prepared.ledger[prepared.ledger["step"] == "attendance"].to_dict("records")
    assert (row["n_in"], row["n_out"], row["n_set_aside"]) == (2, 1, 1)
    (tiny.folder / "a.csv").unlink()
    with pytest.raises(InputError) as caught:
        tiny(study=study)
    assert [problem.what for problem in caught.value.problems] == ["export is missing"]
    by_code = study.replace("by: id", "by: code")
    with pytest.raises(InputError, match="without ids to join it by"):
        tiny(study=by_code)


def test_a_study_whose_sheets_are_all_set_aside_or_still_to_come_is_prepared(tiny):
    with pytest.raises(InputError, match="many answers from before the wave's first day"):
        tiny(PRE.assign(tid="2025-01-01"), POST.assign(tid="2025-01-01"))
    tried = STUDY.replace(", to: ", ", trials_from: 2025-01-01, to: ")
    early = tiny(PRE.assign(tid="2025-01-01"), POST.assign(tid="2025-01-01"), study=tried)
    assert len(early.clean["pupils"]) == 0
    assert set(early.set_aside["pupils"]["reason"]) == {"test_answer"}
    assert early.clean["pupils"].dtypes.equals(tiny().clean["pupils"].dtypes)
    first = tiny(study=STUDY.replace("      post: {tool: table, file: post.csv}\n", ""))
    assert set(first.linkage["state"]) == {"absent"}
    assert first.mask.loc[first.mask["wave"] == "post", "n"].sum() == 0


def test_answers_dated_after_today_are_kept_and_said(tiny):
    assert not [r for r in tiny().remarks if "after today" in r.what]
    wrong = PRE.assign(tid=["2099-01-02", "2098-12-31", *PRE["tid"].iloc[2:]])
    prepared = tiny(wrong)
    assert len(prepared.clean["pupils"]) == len(tiny().clean["pupils"])
    (told,) = [r for r in prepared.remarks if r.what == "warning: answers dated after today"]
    assert told.found == "2 of 6 questionnaires, the latest 2099-01-02"
    assert "pre.csv" in told.where
    # of a wave that has not begun every answer is invented
    later = STUDY.replace("2025-", "2097-").replace("2027-", "2099-")
    invented = tiny(PRE.assign(tid="2097-10-01"), POST.assign(tid="2099-10-01"), study=later)
    assert not [r for r in invented.remarks if "after today" in r.what]


# the chain, step by step


def test_the_chain_is_the_way_that_cleaning_goes(tiny):
    prepared, study = tiny(), load_study("tiny")
    pre, post = (
        read(study, "pupils", wave).pipe(quarantine).pipe(clean) for wave in ("pre", "post")
    )
    pupils = pre.pipe(link, post, key=KEY).pipe(attend).pipe(score)
    kept = pupils.frame[pupils.still_in].drop(columns="reason").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, prepared.clean["pupils"])
    for table in ("ledger", "values", "linkage", "response"):
        pd.testing.assert_frame_equal(getattr(pupils, table), getattr(prepared, table))
    # the order in which the waves are given does not matter
    turned = post.pipe(link, pre, key=KEY).pipe(score)
    pd.testing.assert_frame_equal(turned.frame, pupils.frame)
    with pytest.raises(InputError, match="unknown answer"):
        replace(pre, problems=(Problem("unknown answer"),)).pipe(link, post, key=KEY)


def test_of_what_is_only_read_no_row_is_shown(tiny):
    tiny(PRE.assign(Navn="Kvitterhild"))
    sheets = read(load_study("tiny"), "pupils", "pre")
    assert len(sheets.frame) == 0
    assert sheets.sources["effort_1"] == "u1"
    assert "10 rows of pre.csv, read as table" in repr(sheets)
    safe = sheets.pipe(quarantine)
    assert safe.raw is None
    with pytest.raises(InputError, match="the export is not kept after the quarantine"):
        safe.pipe(quarantine)
    for shown in (repr(sheets), repr(sheets.raw), repr(safe), safe.frame.to_csv()):
        assert "abcd" not in shown.casefold()
        assert "kvitterhild" not in shown.casefold()
    assert "link" not in safe.frame
    assert not {"3", "10"} & {*safe.frame["serial"]}  # who said no is gone before rows are seen
    for asked, what in (
        (("parents", "pre"), "unknown population"),
        (("pupils", "mid"), "no export"),
    ):
        with pytest.raises(InputError, match=what):
            read(load_study("tiny"), *asked)


def test_the_cleaning_notebook_walks_a_wave_and_writes_nothing(tiny, monkeypatch):
    tiny()
    notebook = nbformat.read(HERE / "notebooks" / "00_cleaning.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    monkeypatch.chdir(tiny.folder)
    root = tiny.folder.parents[1]
    before = sorted(root.rglob("*"))
    found = {}
    for cell in cells:
        exec(cell.source.replace('"demo"', '"tiny"'), found)
    assert sorted(root.rglob("*")) == before
    assert not (root.parent / "keys").exists()
    assert found["scored"].linkage["state"].to_list() == ["linked"] * 4
    assert found["safe"].raw is None
    assert list(found["people"]["region"].unique()) == ["nordland"]


# properties


def rows_of(answers: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple]]:
    row = st.tuples(
        st.sampled_from(["0301", "bø skole", "0302", "0400", "TEST", "Nes skole", ""]),
        st.sampled_from(["5", "6. trinn", "7", "8", "99", ""]),
        st.sampled_from(["abcd", "ABCD ", "efgh", "ijkl", "ab", ""]),
        st.sampled_from(["Ja", "Ja", "Ja", "Nei", ""]),
        answers,
        answers,
        answers,
    )
    return st.lists(row, max_size=14)


ROWS = rows_of(st.sampled_from(["", "Vet ikke", "9", *LABELS]))
SURE = "50|0400|9|sure|Ja|Enig|Enig|Enig"
# `make verify` takes twelve times as many (--hypothesis-profile=long)
REPEATED = settings(
    max_examples=settings().max_examples // 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def drawn(rows: list[tuple], wave: str) -> pd.DataFrame:
    texts = ["|".join((str(number + 10), *row)) for number, row in enumerate(rows)]
    frame = sheets(SURE, *texts, wave=wave)
    for item in ("u1", "u2", "u3"):
        no_answer = frame[item].eq("9")  # a code that no answer has; three of them stop a run
        frame.loc[no_answer & (no_answer.cumsum() > 2), item] = ""
    return frame


def taken(tiny, *answers: pd.DataFrame):
    """Prepare a study; examples with so many unknown schools or grades that it stops are left."""
    try:
        return tiny(*answers)
    except InputError as error:
        what = {problem.what for problem in error.problems}
        assume(what != {"many of a wave would be set aside"})
        raise


def content(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["wave", "serial"], ignore_index=True)


@REPEATED
@given(pre=ROWS, post=ROWS)
def test_no_sheet_is_lost_or_doubled(tiny, pre, post):
    given_pre, given_post = drawn(pre, "pre"), drawn(post, "post")
    prepared = taken(tiny, given_pre, given_post)
    kept, aside = prepared.clean["pupils"], prepared.set_aside["pupils"]
    for wave, answers in (("pre", given_pre), ("post", given_post)):
        seen = pd.concat([frame.loc[frame["wave"] == wave, "serial"] for frame in (kept, aside)])
        consenting = answers.loc[answers["samtykke"] == "Ja", "nr"]
        assert sorted(seen) == sorted(consenting)
    assert sheet_counts(prepared.ledger).to_dict() == {
        "sheets": len(given_pre) + len(given_post),
        "set_aside": len(aside),
        "counted_only": len(given_pre) + len(given_post) - len(kept) - len(aside),
    }
    assert not kept.dropna(subset="person_id").duplicated(["person_id", "wave"]).any()


@pytest.mark.long
@REPEATED
@given(pre=ROWS, post=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(tiny, pre, post, seed):
    given_pre, given_post = drawn(pre, "pre"), drawn(post, "post")
    one = taken(tiny, given_pre, given_post)
    other = tiny(
        given_pre.sample(frac=1, random_state=seed),
        given_post.sample(frac=1, random_state=seed + 1),
    )
    for part in ("clean", "set_aside"):
        first, second = (getattr(prepared, part)["pupils"] for prepared in (one, other))
        pd.testing.assert_frame_equal(content(first), content(second))
    pd.testing.assert_frame_equal(one.ledger, other.ledger)
    pd.testing.assert_frame_equal(one.mask, other.mask)


def as_table(answers: pd.DataFrame, folder: Path) -> str:
    write_csv(folder, "pre", answers.replace(LABELS))
    return "{tool: table, file: pre.csv}"


def as_nettskjema(answers: pd.DataFrame, folder: Path) -> str:
    """Without codebook: questions as headings, with HTML in them."""
    questions = {"u1": "Jeg <b>pr&oslash;ver</b>.", "u2": " I give up.", "u3": "Jeg fortsetter. "}
    text = answers.rename(columns=questions).to_csv(sep=";", index=False, quoting=1)
    (folder / "pre.txt").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    return "{tool: nettskjema, file: pre.txt}"


def as_workbook(answers: pd.DataFrame, folder: Path) -> str:
    codes = answers.replace(LABELS)
    for column in ("u1", "u2", "u3"):
        codes[column] = [int(cell) if cell.isdigit() else cell for cell in codes[column]]
    codes.to_excel(folder / "pre.xlsx", index=False)
    return "{tool: excel, file: pre.xlsx}"


def as_sav(answers: pd.DataFrame, folder: Path) -> str:
    """Codes that run against the values, told apart by their labels alone."""
    codes = {"Helt uenig": 8.0, "Uenig": 7.0, "Enig": 6.0, "Helt enig": 5.0, "Vet ikke": 4.0}
    items = ["u1", "u2", "u3"]
    frame = answers.assign(**{c: answers[c].map(codes | {"9": 9.0}) for c in items})
    labels = {code: label for label, code in codes.items()}
    pyreadstat.write_sav(
        frame, folder / "pre.sav", variable_value_labels=dict.fromkeys(items, labels)
    )
    return "{tool: spss, file: pre.sav}"


@pytest.mark.long
@settings(REPEATED, max_examples=settings().max_examples // 33)
@given(pre=rows_of(st.sampled_from(["", "Vet ikke", *LABELS])))
def test_the_same_answers_give_the_same_clean_data_from_every_tool(tiny, pre):
    answers = drawn(pre, "pre")
    labelled = taken(tiny, answers)
    for write in (as_table, as_nettskjema, as_workbook, as_sav):
        study = STUDY.replace("{tool: table, file: pre.csv}", write(answers, tiny.folder))
        build(tiny.folder.parents[1], study=study)
        coded = prepare(load_study("tiny"), key=KEY)
        for part in ("clean", "set_aside"):
            first, second = (getattr(prepared, part)["pupils"] for prepared in (labelled, coded))
            pd.testing.assert_frame_equal(first, second, obj=write.__name__)


@REPEATED
@given(answers=st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=8))
def test_turning_an_item_mirrors_it_once(tiny, answers):
    rows = [f"{i + 10}|0400|9|c{i:03}|Ja|{a}|{a}|{a}" for i, a in enumerate(answers)]
    pupils = tiny(sheets(*rows)).clean["pupils"]
    pre = pupils[pupils["wave"] == "pre"]
    assert pre["effort_1"].to_list() == answers
    assert (pre["effort_1"] + pre["effort_2"] == 1 + 4).all()
    np.testing.assert_allclose(pre["effort"], (pre["effort_1"] + 5) / 3)


# bad input


def fault(tiny, name: str) -> str:
    """Plant one fault; return what its message says."""
    folder, pre = tiny.folder, folder_text(tiny.folder / "pre.csv")
    if name == "missing export":
        (folder / "pre.csv").unlink()
        return "export is missing"
    if name == "wrong column name":
        (folder / "pre.csv").write_text(pre.replace("trinn;", "klasse;", 1), encoding="utf-8")
        return "column not found"
    if name == "wrong item name":
        (folder / "pre.csv").write_text(pre.replace(";u2", ";u22", 1), encoding="utf-8")
        return "item not found"
    if name == "unknown label":
        (folder / "pre.csv").write_text(pre.replace("Helt enig", "Heilt samd"), encoding="utf-8")
        return "unknown answer"
    if name == "unknown schools":
        (folder / "schools.csv").write_text("school_id,school,region\n1,A,Oslo\n", encoding="utf-8")
        return "no school of the register"
    (folder / "pre.csv").write_text("", encoding="utf-8")
    return "empty export"


def folder_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "missing export",
        "wrong column name",
        "wrong item name",
        "unknown label",
        "unknown schools",
        "empty file",
    ],
)
def test_bad_input_is_told_and_nothing_is_written(tiny, tmp_path, name):
    tiny()
    expected = fault(tiny, name)
    with pytest.raises(InputError, match=expected) as caught:
        prepare(load_study("tiny"))
    assert all(
        "pre.csv" in p.where + p.found or "post.csv" in p.where for p in caught.value.problems
    )
    assert not (tmp_path / "keys").exists()
    assert not (tiny.folder.parents[1] / "data_clean").exists()


def test_what_is_wrong_in_several_files_alike_is_told_once_with_all_of_them(tiny):
    with pytest.raises(InputError) as caught:
        tiny(study=STUDY.replace("school_id: skole", "school_id: Skolenavn"))
    (problem,) = caught.value.problems
    assert problem.found.startswith("no column “Skolenavn”")
    assert problem.where == "pre.csv (pupils, pre); post.csv (pupils, post)"


def test_files_of_waves_that_have_changed_places_are_told_as_such(tiny):
    pre = sheets(*(f"{n}|0301|5|abc{n:02}|Ja|Enig|Uenig|Enig" for n in range(10, 40)))
    post = sheets(*(f"{n}|0301|7|abc{n:02}|Ja|Enig|Uenig|Enig" for n in range(10, 40)), wave="post")
    with pytest.raises(InputError) as caught:
        tiny(post, pre.assign(u4="Enig"))
    todo = "look whether the files of two waves have changed places"
    assert [problem.todo for problem in caught.value.problems] == [todo, todo]


def test_many_sheets_of_an_unknown_school_stop_and_a_near_name_is_told(tiny):
    known = [f"{n}|0301|5|abc{n}|Ja|Enig|Uenig|Enig" for n in range(10, 54)]
    strange = [f"{n}|Viks skule|5|abc{n}|Ja|Enig|Uenig|Enig" for n in range(54, 60)]
    (near,) = [r for r in tiny(sheets(*known, *strange[:5])).remarks if "Viks" in r.found]
    assert (
        near.found == "“Viks skule” (5 questionnaires); “Vik skule” of the register has no answers"
    )
    assert near.what.startswith("warning: ")
    with pytest.raises(InputError) as caught:
        tiny(sheets(*known[:40], *strange))
    (problem,) = caught.value.problems
    assert (problem.what, problem.found) == (
        "many of a wave would be set aside", "6 of 46 questionnaires as unknown_school",
    )  # fmt: skip


def test_a_file_that_study_yml_does_not_name_is_told(tiny, monkeypatch):
    def unnamed() -> list[str]:
        return [
            r.what for r in prepare(load_study("tiny"), key=KEY).remarks if "not name" in r.what
        ]

    tiny()
    assert unnamed() == []
    (tiny.folder / "more.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    (tiny.folder / "notes.md").write_text("…", encoding="utf-8")
    assert unnamed() == ["files beside the exports that study.yml does not name"]
    (tiny.folder / "more.csv").unlink()
    monkeypatch.setattr("loftet_analysis.study.phases.today", lambda study: date(2026, 1, 1))
    (tiny.folder / "post.csv").rename(tiny.folder / "posst.csv")
    assert unnamed() == ["warning: a file that study.yml does not name, and one that is not there"]


def test_regions_that_resemble_each_other_are_told(tiny):
    def alike(*regions: str) -> list[str]:
        study = load_study("tiny")
        rows = pd.concat([study.schools.head(1)] * len(regions), ignore_index=True)
        ids = [f"s{n}" for n in range(len(regions))]
        schools = rows.assign(region_name=[*regions], school_id=ids)
        study = study.model_copy(update={"schools": schools})
        return [each.found for each in _alike_regions(study)]

    tiny()
    told = ["“Norland” (1 school), “Nordland” (2 schools)"]
    assert alike("Nordland", "Nordland", "Norland") == told
    assert alike("Nordland", "Nordland", "Troms") == []
    assert alike("Region 1", "Region 1", "Region 2", "Region 2", "Region 3") == []
    assert alike("Nord-Trøndelag", "Sør-Trøndelag", "Østfold", "Vestfold", "Aust-Agder") == []
    for one, other in (
        ("Trøndelag", "Troendelag"),
        ("Trøndelag – Trööndelage", "Trondelage"),
        ("Ålesund", "Aalesund"),
        ("Nordland", "Nordland fylke"),
        ("Møre og Romsdal", "More-Romsdal"),
    ):
        (found,) = alike(one, one, other, other)
        assert {*found.split(", ")} == {f"“{one}” (2 schools)", f"“{other}” (2 schools)"}


ALIKE = {
    ("Fjellheim skole", "Fjelheim skole"): True,
    ("Fjellheim skole", "Fjellheim"): True,
    ("Tveit skule", "Tviet skule"): True,
    ("Åsen skole", "Aasen skole"): True,
    ("Vik skole 1", "Vik skole 2"): False,
    ("Vik skole A", "Vik skole B"): False,
    ("Nordvik skole", "Sørvik skole"): False,
    ("Solbakken skole nord", "Solbakken skole sør"): False,
    ("Fjellheim barneskole", "Fjellheim ungdomsskole"): False,
    ("Lia skole", "Lie skole"): False,
}


@pytest.mark.parametrize("two", long_but([*ALIKE][3:5], ALIKE), ids=" and ".join)
def test_schools_of_nearly_one_name_that_answered_in_other_waves_are_told(tiny, two):
    (one, other), is_told = two, ALIKE[two]
    tiny()
    study = load_study("tiny")
    rows = pd.concat([study.schools.head(1)] * 2, ignore_index=True)
    schools = rows.assign(school=[one, other], school_id=["a", "b"])

    def alike(pupils: str, schools: pd.DataFrame = schools, teachers: str = "") -> list[str]:
        """Return what is told; answers as school and first letter of the wave."""
        of = study.model_copy(update={"schools": schools})
        waves = {"0": "pre", "1": "post"}
        clean = {
            who: pd.DataFrame({
                "school_id": [each[0] for each in answers.split()],
                "wave": [waves[each[1]] for each in answers.split()],
            })
            for who, answers in (("pupils", pupils), ("teachers", teachers))
        }  # fmt: skip
        return [each.found for each in _alike_schools(of, clean)]

    told = f"“{one}” (pupils: 2 in pre, 0 in post), and “{other}” (pupils: 0 in pre, 1 in post)"
    assert alike("a0 a0 b1") == [f"questionnaires of {told}"] * is_told
    assert len(alike("a0 a1 b1")) == is_told  # some of the questionnaires
    assert len(alike("a0 a1", teachers="b0 b1")) == is_told  # all those of one population
    assert alike("a0 a1 b0 b1") == []
    assert alike("a0 a1 b0 b1", teachers="a0 a1") == []  # a school without teachers who answered
    assert alike("a0 a1") == []  # answers of one of them alone
    for column in ("region", "cohort"):
        assert alike("a0 b1", schools.assign(**{column: ["x", "y"]})) == []


def test_all_problems_of_all_exports_come_together(tiny):
    study = STUDY.replace("serial: nr", "serial: nr, gender: kjonn")
    study = study.replace("{serial: {}}", "{serial: {}, gender: {girl: [Jente]}}")
    pre = PRE.assign(kjonn="Gutt").replace({"Helt enig": "Heilt samd"})
    pre.loc[1, "tid"] = "i fjor"
    with pytest.raises(InputError) as caught:
        tiny(pre, POST.drop(columns=["u1", "trinn"]).assign(kjonn="Jente"), study)
    assert [problem.what for problem in caught.value.problems] == [
        "time of submission not understood",
        "unknown gender",
        "unknown answer",
        "column not found",
        "item not found",
    ]
    (tiny.folder / "post.csv").write_text("", encoding="utf-8")
    (tiny.folder / "pre.csv").unlink()
    with pytest.raises(InputError) as caught:
        prepare(load_study("tiny"))
    assert [problem.what for problem in caught.value.problems] == [
        "export is missing",
        "empty export",
    ]


# real data


@pytest.fixture(scope="module")
def sats():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(HERE))
        prepared = prepare(load_study("sats"), key=KEY)
    raw = pd.read_csv(HERE / "data_raw" / "sats" / "sats_s.csv", dtype={"StudentID": str})
    persons = [pseudonym(KEY, "pupils", "id", student) for student in raw["StudentID"]]
    return prepared.clean["pupils"], raw.set_axis(persons)


STORED = {
    "affect": "Affect",
    "cognitive_competence": "CogComp",
    "value": "Value",
    "difficulty": "Diff",
    "interest": "Interest",
    "effort": "Effort",
}


@pytest.mark.parametrize("wave", ["pre", "post"])
@pytest.mark.parametrize("scale", list(STORED))
def test_stored_scale_scores_of_real_data_are_reproduced(sats, scale, wave):
    clean, raw = sats
    ours = clean[clean["wave"] == wave].set_index("person_id")[scale].reindex(raw.index)
    stored = raw[f"{wave.capitalize()}.{STORED[scale]}"]
    assert stored.notna().sum() > 2000
    # the file holds fifteen digits
    np.testing.assert_allclose(ours, stored, rtol=1e-14)


MEAN_CHANGES = {
    "affect": 0.13,
    "cognitive_competence": 0.07,
    "difficulty": 0.12,
    "value": -0.25,
    "interest": -0.42,
    "effort": -0.39,
}


def test_mean_changes_of_real_data_are_those_of_its_readme(sats):
    clean, _ = sats
    by_wave = clean.pivot(index="person_id", columns="wave", values=list(STORED))
    changes = {name: (by_wave[name]["post"] - by_wave[name]["pre"]).mean() for name in STORED}
    assert {name: round(change, 2) for name, change in changes.items()} == MEAN_CHANGES


def test_items_of_real_data_are_those_that_its_alphas_were_computed_from(sats):
    clean, raw = sats
    study_items = {"A": "affect", "C": "competence", "V": "value", "D": "difficulty",
                   "I": "interest", "E": "effort"}  # fmt: skip
    for wave in ("pre", "post"):
        ours = clean[clean["wave"] == wave].set_index("person_id").reindex(raw.index)
        headings = [c for c in raw if c.startswith(f"{wave.capitalize()}.") and c[-1].isdigit()]
        assert len(headings) == 36
        for heading in headings:
            code = heading.split(".")[1]
            item = ours[f"{study_items[code[0]]}_{code[1:]}"]
            np.testing.assert_array_equal(item, raw[heading])
    assert clean.groupby("wave")["affect_3"].count().to_dict() == {"pre": 3479, "post": 2849}
    counted = clean.groupby("person_id")["affect_3"].count()
    assert (counted == 2).sum() == 2609
