"""The verbs of cleaning, each on a handful of rows."""

from dataclasses import replace
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.cleaning import clean, times
from loftet_analysis.cleaning.consent import consenting
from loftet_analysis.cleaning.headings import match_columns
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.score import KINDS, answers, read_answers, score_scales
from loftet_analysis.cleaning.sheets import REASON, Sheets, sheet_counts
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.errors import InputError
from loftet_analysis.study import Instrument, Population, ResponseSet
from loftet_analysis.study.schools import school_lookup
from loftet_analysis.study.study import Wave

SCHOOLS = pd.DataFrame(
    {
        "school_id": ["0301", "0302", "0400", "0500"],
        "school": ["Bø skole", "Ås skole", "Vik skole", "Vik skole"],
        "region": ["nordland", "nordland", "oslo", "troms"],
        "grades": ["1-7", "8-10", "", "5"],
        "earlier": ["", "0303 | Ås gamle skole", "", ""],
    }
)
AGREE = ResponseSet.model_validate(
    {
        "1": {"nb": "Helt uenig"},
        "2": {"nb": "Uenig"},
        "3": {"nb": "Enig"},
        "4": {"nb": "Helt enig", "also": ["Svært enig"]},
        "missing": ["Vet ikke"],
    }
)


def scale(label: str, items: dict, **more) -> dict:
    return {"label": {"nb": label}, "responses": "agree4", "items": items, **more}


INSTRUMENT = Instrument.model_validate(
    {
        "<name>": "small",
        "responses": {"agree4": AGREE},
        "scales": {
            "effort": scale(
                "Innsats",
                {
                    "effort_1": {"nb": "Jeg prøver.", "columns": ["u1"]},
                    "effort_2": {"nb": "Jeg gir opp.", "columns": ["u2"], "reversed": "true"},
                    "effort_3": {
                        "nb": "Jeg står på.",
                        "nn": "Eg står på.",
                        "earlier": [{"waves": ["pre"], "nb": "Jeg fortsetter."}],
                    },
                },
            ),
            "support": scale(
                "Støtte", {"support_1": {"nb": "Jeg får støtte."}}, roles=["participant"]
            ),
            "after": scale("Etterpå", {"after_1": {"nb": "Det hjalp."}}, waves=["post"]),
        },
    }
)


def population(**more) -> Population:
    given = {
        "<name>": "pupils",
        "instrument": INSTRUMENT,
        "columns": {"school_id": "skole", "grade": "trinn"},
        "files": {
            "pre": {"tool": "table", "file": "pre.csv"},
            "post": {"tool": "table", "file": "post.csv"},
        },
    }
    return Population.model_validate(given | more)


def export(*headings: str, rows: tuple = (), **known: dict) -> Export:
    cells = rows or (("x",) * len(headings),)
    return Export(pd.DataFrame(cells, columns=list(headings), dtype="str"), "pre.csv", **known)


WAVES = {"pre": Wave(), "post": Wave()}


def working(given: dict | None = None, waves: dict = WAVES, labels=(), **columns) -> Sheets:
    """Return sheets of the first wave; `given` are the population's own keys."""
    study = SimpleNamespace(
        name="tiny", schools=SCHOOLS, school_ids=school_lookup(SCHOOLS), waves=waves,
        zone=ZoneInfo("Europe/Oslo"), wave_dates=lambda *place: waves, cohorts=(), cohort_of={},
        spans=lambda population, wave: [(w.start, w.end) for w in [waves[wave]] if w.start],
    )  # fmt: skip
    frame = pd.DataFrame(columns)
    marks = {c: v for c, v in {"region": "oslo", REASON: ""}.items() if c not in frame}
    people = population(**given or {})
    named = {"labels": dict(labels), "file": "pre.csv", "where": "f"}
    return Sheets(study, people, "pre", frame.assign(**marks), **named)


def steps(sheets: Sheets) -> list[list]:
    return sheets.ledger[["region", "n_in", "n_out", "n_set_aside"]].values.tolist()


def only_problem(call, *arguments, **options):
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    (problem,) = caught.value.problems
    return problem


# the account


def test_a_sheet_leaves_once_and_every_sheet_is_counted():
    sheets = working(region=["oslo", "oslo", "", "troms"])
    first = sheets.set_aside(
        pd.Series([True, False, True, False]), step="tests", reason="test_answer"
    )
    second = first.set_aside(pd.Series([True, True, True, False]), step="schools", reason="other")
    assert second.frame[REASON].to_list() == ["test_answer", "other", "test_answer", ""]
    assert steps(first) == [["", 1, 0, 1], ["oslo", 2, 1, 1], ["troms", 1, 1, 0]]
    assert steps(second)[3:] == [["oslo", 1, 0, 1], ["troms", 1, 1, 0]]
    assert (first.ledger["file"] == "pre.csv").all()
    # what was made before stays as it was
    assert sheets.ledger.empty
    assert (sheets.frame[REASON] == "").all()


def test_counted_only_rows_are_gone_but_counted():
    rows = pd.Series([True, False, True])
    left = working(answer=["a", "b", "c"]).count_only(rows, step="consent", reason="no_consent")
    assert left.frame["answer"].to_list() == ["b"]
    assert steps(left) == [["oslo", 3, 1, 2]]
    assert sheet_counts(left.ledger)["counted_only"] == 2


def test_a_chain_goes_on_after_a_fault_and_tells_all_of_them():
    sheets = working(grade=["Jente"], school_id=["0301"], submitted=["i går"])
    found = sheets.through([times.read_times, clean.set_aside_tests, clean.read_grades])
    assert [p.what for p in found.problems] == [
        "time of submission not understood", "no grade is understood",
    ]  # fmt: skip
    assert "“a aaa”" in repr(found)
    # without a school nothing can be counted by region: what comes later is passed over
    lost = working(grade=["Jente"], school_id=["Nes"])
    found = lost.through([clean.place_schools, clean.read_grades])
    assert [p.what for p in found.problems] == ["no school of the register in the export"]


# columns


def test_items_are_found_by_code_name_and_any_wording():
    given = export(
        "skole", "TRINN ", "U1 ", "u2", "Jeg <b>fortsetter</b>.&nbsp;", "Jeg får støtte.", "x"
    )
    raw, matched = match_columns(given, population(), wave="pre")
    assert matched["sources"] == {
        "school_id": "skole",
        "grade": "TRINN ",
        "effort_1": "U1 ",
        "effort_2": "u2",
        "effort_3": "Jeg <b>fortsetter</b>.&nbsp;",
        "support_1": "Jeg får støtte.",
    }
    assert list(raw.frame) == list(matched["sources"])


def test_a_named_column_that_is_not_there_is_not_replaced_by_a_name_or_a_wording():
    for other in ("effort_2", "Jeg gir opp."):
        given = export("skole", "trinn", "u1", other, "effort_3", "support_1")
        found = only_problem(match_columns, given, population(), wave="pre")
        assert found.what == "a column that the instrument names is not in the file"
        assert found.found == f"u2 (of effort_2; {other} has its name or wording)"
    # the column that is named comes before one of the item's name
    given = export("skole", "trinn", "u1", "effort_2", "u2", "effort_3", "support_1")
    sources = match_columns(given, population(), wave="pre")[1]["sources"]
    assert sources["effort_2"] == "u2"


def test_what_is_found_by_name_or_wording_in_a_file_without_named_columns_is_noted():
    given = export("skole", "trinn", "effort_1", "Jeg gir opp.", "Eg står på.", "support_1")
    raw, _ = match_columns(given, population(), wave="pre")
    told = [(remark.what, remark.found) for remark in raw.export.remarks]
    without = "; none of the `columns` that the instrument names is in the file"
    assert told == [
        ("items found by their name", f"1 of 4: effort_1{without}"),
        ("items found by their wording", f"2 of 4: effort_2, effort_3{without}"),
    ]


def test_items_are_found_by_the_question_that_a_tool_stores():
    given = export(
        "skole", "trinn", "V1", "V2", "V3", "V4",
        questions={"V1": "Jeg prøver.", "V2": "Jeg gir opp.", "V3": "Eg står på.",
                   "V4": "Jeg får støtte."},
    )  # fmt: skip
    sources = match_columns(given, population(), wave="pre")[1]["sources"]
    assert [sources[f"effort_{i}"] for i in (1, 2, 3)] == ["V1", "V2", "V3"]


def test_missing_items_are_one_problem_with_the_nearest_heading():
    given = export("skole", "trinn", "u1", "Jeg gir op.", "Jeg står på.")
    found = only_problem(match_columns, given, population(), wave="pre")
    assert found.what == "items not found"
    assert found.found == "effort_2 (nearest: “Jeg gir op.”); support_1"
    assert found.where == "pre.csv (pupils, pre)"


def test_a_missing_background_column_is_a_problem_with_the_nearest_heading():
    given = export("skole", "trin", "u1", "u2", "effort_3", "support_1")
    found = only_problem(match_columns, given, population(), wave="pre")
    assert found.what == "column not found"
    assert found.found.startswith("no column “trinn”")
    assert "“trin”" in found.found


def test_a_needed_heading_must_not_stand_twice():
    given = export(
        "skole", "trinn", "u1", "u1 (2)", "u2", "effort_3", "support_1", headings={"u1 (2)": "u1"}
    )
    found = only_problem(match_columns, given, population(), wave="pre")
    assert (found.what, found.found) == ("heading that stands twice", "u1, u1 (2)")


def test_items_not_asked_in_a_wave_or_of_a_role_may_be_absent():
    headings = ("skole", "trinn", "u1", "u2", "effort_3")
    leaders = population(role="leader")
    assert "support_1" not in match_columns(export(*headings), leaders, wave="pre")[0].frame
    found = only_problem(match_columns, export(*headings), leaders, wave="post")
    assert found.found.startswith("after_1")
    assert found.what == "item not found"


def test_a_wide_file_has_a_pattern_for_items_and_may_share_the_rest():
    wide = {"tool": "table", "file": "both.csv", "pre": "Pre.{}", "post": "Post.{}"}
    given = export(
        "skole", "Pre.trinn", "Pre.u1", "Pre.u2", "Pre.effort_3", "Pre.support_1", "Post.u1",
        rows=(("0301", "7", "", "", "", "", "4"), ("0301", "", " ", "", "", "", "4"),
              ("0301", "", "1", "", "", "", "")),
    )  # fmt: skip
    raw, matched = match_columns(given, population(files=wide), wave="pre")
    sources = matched["sources"]
    assert (sources["school_id"], sources["grade"]) == ("skole", "Pre.trinn")
    assert raw.answered.tolist() == [True, False, True]


# schools, consent, time, tests


def test_schools_are_found_by_id_or_by_a_name_that_is_unique():
    text = ["0301", " bØ SKOLE ", "Vik skole", "9999", "", "1"]
    placed = clean.place_schools(working(school_id=text)).frame
    assert placed["school_id"].to_list() == ["0301", "0301", "Vik skole", "9999", "", "1"]
    assert placed["region"].to_list() == ["nordland", "nordland", "", "", "", ""]
    given = working(school_id=text, labels={"school_id": {"1": "Ås skole"}})
    assert clean.place_schools(given).frame["school_id"].iloc[-1] == "0302"


def test_an_export_without_any_known_school_is_a_problem():
    found = only_problem(clean.place_schools, working(school_id=["Jente", "Gutt"]))
    assert found.what == "no school of the register in the export"
    assert found.found == "2 cells that are not shown"
    known = only_problem(clean.place_schools, working(school_id=["Vik skule", "Gutt"]))
    assert known.found == "“Vik skule”, 1 cells that are not shown"


def test_only_a_yes_is_consent():
    sheets = working(consent=["Ja", " ja", "Nei", "", "1"], labels={"consent": {"1": "Ja"}})
    meant = consenting(sheets, "consent", ["Ja"])
    assert meant.to_list() == [True, True, False, False, True]
    assert only_problem(consenting, sheets, "consent", ["Yes"]).what == "nobody consents"


def test_times_are_those_of_the_study_whatever_offset_they_were_written_with():
    sheets = working(
        submitted=[
            "2025-09-15T00:00:00+02:00",
            "2023-08-29T10:52:11.828301592+02:00",
            "2025-09-14",
            "2025-09-14T23:30:00Z",
            "15.9.2025 08:30",
            "",
        ]
    )
    read = times.read_times(sheets)
    assert read.frame["submitted"].dt.strftime("%Y-%m-%d %H:%M").fillna("").to_list() == [
        "2025-09-15 00:00", "2023-08-29 10:52", "2025-09-14 00:00", "2025-09-15 01:30",
        "2025-09-15 08:30", "",
    ]  # fmt: skip
    assert read.apart["moment"].dt.strftime("%H:%M").to_list()[2:5] == ["22:00", "23:30", "06:30"]
    odd = only_problem(times.read_times, working(submitted=["2025-09-15", "i går", "kl. ni"]))
    assert odd.found == "a cell of the form “a aaa”, 2 such cells"


def test_tests_are_what_comes_before_the_wave_or_from_a_school_called_test():
    columns = {
        "school_id": ["0301", "0301", "Test ", "0400", "0301"],
        "region": ["nordland", "nordland", "", "oslo", "nordland"],
        "submitted": pd.to_datetime(
            ["2025-09-14 23:59", "2025-09-15", "2025-10-01", None, "2025-10-01"], format="ISO8601"
        ),
    }
    dated = {"pre": Wave.model_validate({"from": "2025-09-15", "to": "2025-10-31"})}
    marked = clean.set_aside_tests(working(waves=dated, **columns)).frame
    assert marked[REASON].to_list() == ["test_answer", "", "test_answer", "", ""]
    marked = clean.set_aside_tests(working(**columns)).frame
    assert marked[REASON].to_list() == ["", "", "test_answer", "", ""]


# background


def test_background_is_recoded_and_unknown_texts_are_named():
    own = {
        "columns": {"school_id": "skole", "role": "rolle", "language": "mål"},
        "values": {"role": {"participant": ["Ja"], "colleague": ["Nei"]}},
    }
    recoded = clean.recode(
        working(
            own,
            labels={"role": {"1": "Ja"}},
            role=["Ja", " nei ", "", "colleague", "1"],
            language=["nb", "", "nn ", "1", "1"],
        )
    ).frame
    assert recoded["role"].fillna("-").to_list() == [
        "participant", "colleague", "-", "colleague", "participant",
    ]  # fmt: skip
    assert recoded["language"].fillna("-").to_list() == ["nb", "-", "nn", "1", "1"]
    reason = ["", "", "", "test_answer"]
    found = only_problem(
        clean.recode,
        working(own, role=["Ja", "Coleague", "Coleague", "X"], language="", reason=reason),
    )
    assert (found.what, found.found) == ("unknown role", "“Coleague”, 2 times")
    assert "did you mean colleague?" in found.todo


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("7", 7),
        ("7.0", 7),
        ("7. trinn", 7),
        ("7A", 7),
        (" Trinn 7", 7),
        ("7. klasse", 7),
        ("10", 10),
    ],
)
def test_grades_are_read_from_text(text, grade):
    read = clean.read_grades(working(grade=[text], school_id=["0400"]))
    assert read.frame["grade"].to_list() == [grade]
    assert read.ledger["n_set_aside"].sum() == 0


def test_grades_that_a_school_does_not_have_are_set_aside():
    school = ["0301", "0301", "0302", "0400", "0400", "0500", "0301"]
    sheets = working(grade=["7", "8", "VG1", "14", "13", "6", None], school_id=school)
    read = clean.read_grades(sheets).frame
    assert (read[REASON] != "").to_list() == [False, True, True, True, False, True, False]
    assert str(read["grade"].dtype) == "Int64"
    assert read["grade"].isna().to_list() == [False, False, True, False, False, False, True]


def test_a_column_without_any_grade_is_a_problem():
    sheets = working(grade=["Jente", "Gutt"], school_id=["0301", "0301"])
    assert only_problem(clean.read_grades, sheets).what == "no grade is understood"


# answers


def test_answers_are_read_by_label_then_as_numbers():
    text = [
        "Helt  ENIG",
        "svært enig",
        "4",
        "4,0",
        "2.5",
        "0",
        "-1",
        "Vet ikke",
        "",
        " ",
        "Nja",
        "nan",
    ]
    values, kinds = read_answers(text, AGREE, {})
    np.testing.assert_array_equal(values[:4], [4, 4, 4, 4])
    assert np.isnan(values[4:]).all()
    assert [KINDS[kind] for kind in kinds[4:]] == [
        "out_of_range", "out_of_range", "out_of_range", "declared_missing", "", "", "unknown",
        "unknown",
    ]  # fmt: skip


def test_codes_are_read_by_their_labels_whatever_their_order():
    labels = {"1": "Helt enig", "2": "Enig", "8": "Vet ikke"}
    values, kinds = read_answers(["1", "2", "3", "8"], AGREE, labels)
    np.testing.assert_array_equal(values, [4, 3, np.nan, np.nan])
    # 3 has no label, and the labelled codes run otherwise than the instrument: not to be guessed
    assert [KINDS[kind] for kind in kinds] == ["", "", "unknown", "declared_missing"]
    ends = {"1": "Helt uenig", "4": "Helt enig"}
    np.testing.assert_array_equal(read_answers(["3"], AGREE, ends)[0], [3])


def test_items_are_turned_once_and_what_is_lost_is_counted():
    sheets = working(
        region=["oslo", "oslo", "troms"],
        role=["participant", "colleague", None],
        effort_1=["Enig", "9", "9"],
        effort_2=["Helt enig", "1", "Vet ikke"],
        support_1=["1", "1", "1"],
    )
    done = answers(sheets)
    scored, lost = done.frame, ["region", "column", "value", "reason", "n"]
    assert scored["effort_2"].fillna(0).to_list() == [1, 4, 0]
    assert scored["support_1"].fillna(0).to_list() == [1, 0, 1]
    assert scored[["effort_3", "after_1"]].isna().all(axis=None)
    assert done.values[lost].values.tolist() == [
        ["oslo", "effort_1", "9", "out_of_range", 1],
        ["oslo", "support_1", "1", "not_asked", 1],
        ["troms", "effort_1", "9", "out_of_range", 1],
        ["troms", "effort_2", "Vet ikke", "declared_missing", 1],
    ]


def test_unknown_answers_are_named_once_per_label_and_only_of_sheets_still_in():
    sheets = working(
        effort_1=["Heilt samd", "Heilt samd", "tull"],
        effort_2=["Helt enik", "1", "tull"],
        reason=["", "", "test_answer"],
    )
    with pytest.raises(InputError) as caught:
        answers(replace(sheets, sources={"effort_1": "u1"}))
    first, second = caught.value.problems
    assert first.found == "“Helt enik”, 1 time, in effort_2"
    assert "did you mean helt enig?" in first.todo
    hidden = "1 text in 2 cells, not shown, since they may be free text, in u1"
    assert second.found == hidden
    assert "helt uenig, uenig, enig, helt enig" in second.allowed


def test_a_scale_is_the_mean_of_its_answered_items_where_enough_are():
    nan = np.nan
    frame = pd.DataFrame(
        {
            "effort_1": [1, 2, nan, nan],
            "effort_2": [4.0, nan, nan, nan],
            "effort_3": [4, 3, 3, nan],
            "support_1": [2, nan, 1, nan],
            "after_1": nan,
        }
    )
    scored = score_scales(frame, instrument=INSTRUMENT)
    np.testing.assert_array_equal(scored["effort"], [3, 2.5, nan, nan])
    np.testing.assert_array_equal(scored["support"], [2, nan, 1, nan])


# empty sheets and duplicates


def test_sheets_without_a_valid_answer_are_set_aside():
    marked = answers(working(effort_1=["Enig", "Vet ikke"], effort_3=["", " "])).frame
    assert marked[REASON].to_list() == ["", "no_answers"]


def items(*columns: list) -> dict[str, list]:
    asked = dict(zip(INSTRUMENT.items, columns, strict=False))
    return {item: asked.get(item, np.nan) for item in INSTRUMENT.items}


@pytest.mark.parametrize(("rule", "kept"), [("latest", 1), ("first", 2), ("most_complete", 0)])
def test_one_of_several_sheets_of_a_person_counts(rule, kept):
    sheets = working(
        {"duplicates": rule},
        person_id=["p", "p", "p", "p", None, None],
        school_id=["s", "s", "s", "t", "s", "s"],
        grade=pd.array([7, 7, 7, 7, 7, 7], dtype="Int64"),
        submitted=["2025-10-02", "2025-10-03", "2025-10-01", "2025-10-04", "", ""],
        **items([1, 1, 1, 1, 1, 1.0], [1, np.nan, np.nan, 1, 1, 1]),
    ).pipe(times.read_times)
    (marked,) = clean.set_aside_duplicates(sheets)
    assert set(marked.frame.index[marked.still_in]) == {kept, 3, 4, 5}
    assert marked.ledger["n_set_aside"].sum() == 2


@pytest.mark.parametrize(("rule", "kept"), [("latest", 1), ("first", 0), ("most_complete", 1)])
def test_where_no_time_tells_sheets_apart_their_place_does_and_that_is_said(rule, kept):
    several = {"person_id": ["p", "p", "q"], "school_id": ["s"] * 3, **items([1.0] * 3)}
    sheets = working({"duplicates": rule}, submitted=["2025-10-02"] * 3, **several)
    (marked,) = clean.set_aside_duplicates(sheets.pipe(times.read_times))
    assert marked.frame.index[marked.still_in].to_list() == [kept, 2]
    (remark,) = marked.remarks
    assert (remark.what, remark.found) == (
        "questionnaires of one person that no time tells apart", "1 people",
    )  # fmt: skip
    # without any time a rule that goes by time cannot be kept
    untimed = working({"duplicates": rule}, **several)
    if rule == "most_complete":
        assert clean.set_aside_duplicates(untimed)[0].ledger["n_set_aside"].sum() == 1
    else:
        found = only_problem(clean.set_aside_duplicates, untimed)
        assert found.what == f"no time to tell the {rule} questionnaire by"


# units


def test_units_are_the_sd_of_all_pre_answers():
    frame = pd.DataFrame(
        {
            "wave": ["pre"] * 5 + ["post"],
            "role": ["participant", "participant", "colleague", "colleague", None, "colleague"],
            "effort": [1.0, 3.0, 2.0, 4.0, np.nan, 9.0],
            "support": [2.0] + [np.nan] * 5,
            "after": np.nan,
        }
    )
    units = study_units({"teachers": frame}, {"teachers": INSTRUMENT})
    assert units[["outcome", "unit", "n"]].values.tolist() == [
        ["effort", "total", 4],
        ["effort", "within_role", 4],
        ["support", "total", 1],
        ["after", "total", 0],
    ]
    np.testing.assert_allclose(units["sd_unit"], [np.sqrt(5 / 3), np.sqrt(2), np.nan, np.nan])
