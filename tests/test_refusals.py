"""Every public verb answers what cannot be right with an InputError, never with a traceback.

Columns of a clean frame, and of a plan, are spoilt in many ways and given to every verb that takes
them; what comes back is a refusal with words, or rows with their reasons.
"""

import numpy as np
import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis.errors import InputError
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire
from tests.long import long_but

TEACHER = load_instrument("teacher")
OUTCOME = "beliefs_inquiry"
ITEMS = list(TEACHER.scales[OUTCOME].items)
ASKED = Questionnaire("teachers", "oslo", TEACHER, by=("role",), gender="girl")
CHOICES = ("all_schools", "school_weights", "register_weights", "imputation", "naive",
           "tipping_point: increase", "without_careless", "response_by_school")  # fmt: skip
EQUITY = ("same_grade_quantile", "share_below", "gap_change", "lowest_fifth", "spread_ratio")
N = 60
RESPONSE = pd.DataFrame(
    {"population": ["teachers"], "wave": ["pre"], "subgroup": ["all"], "n_invited": [40]}
)


def clean_frame() -> pd.DataFrame:
    rng, person = np.random.default_rng(1), np.arange(N)
    people = pd.DataFrame({
        "person_id": [f"p{i}" for i in person], "school_id": [f"s{i % 10}" for i in person],
        "region": "oslo", "grade": 6.0 + person % 3, "role": ["participant", "colleague"] * 30,
        "gender": ["girl", "girl", "boy"] * 20, "gatherings": person % 7 + 3.0,
        "interim_work": person % 6 + 1.0, "comparison": person % 20 >= 10,
        "link_state": "linked", "submitted": pd.Timestamp("2025-09-15"), "careless": "",
        "seconds_per_item": 5.0,
    })  # fmt: skip
    waves = []
    for wave in ("pre", "post"):
        answers = pd.DataFrame(rng.integers(1, 7, (N, len(ITEMS))).astype(float), columns=ITEMS)
        score = answers.mean(axis=1).rename(OUTCOME)
        waves.append(pd.concat([people.assign(wave=wave), answers, score], axis=1))
    return pd.concat(waves, ignore_index=True)


def plan(*estimands: str) -> pd.DataFrame:
    settled = {
        "region": "oslo", "population": "teachers", "outcome": OUTCOME, "question": "Q5",
        "subgroup": "all", "family": "", "plan_role": "exploratory", "flags": "",
        "sd_unit": 0.8, "sd_within_role": 0.8, "low_fifth": 2.5, "midpoint": 3.5, "alpha": 0.8,
        "drift": None, "ci_level": 0.95, "sesoi": 0.1, "years": 0, "measurement_warning": "",
    }  # fmt: skip
    groups = {"gap_change": "gender=girl - gender=boy"}
    rows = [{"estimand": e, "contrast": groups.get(e, ""), **settled} for e in estimands]
    for row in rows:
        row["wave"] = "post" if row["estimand"] == "level" else ""
    return pd.DataFrame(rows)


def by_pairs(verb):
    return lambda clean, rows: verb(la.pairs(clean, rows), rows)


#: The verbs that take a plan, with the estimands of theirs; and those that take what was asked.
PLANNED = {
    "pairs": (la.pairs, ("linked_change",)),
    "linked_change": (by_pairs(la.linked_change), ("linked_change",)),
    "participants_vs_colleagues": (
        by_pairs(la.participants_vs_colleagues), ("participants_vs_colleagues",)
    ),
    "dose": (by_pairs(la.dose), ("dose",)),
    "same_grade": (la.same_grade, ("same_grade",)),
    "school_change": (la.school_change, ("school_change",)),
    "cohort_change": (la.cohort_change, ("cohort_change",)),
    "programme_vs_comparison": (la.programme_vs_comparison, ("programme_vs_comparison",)),
    "level": (la.level, ("level",)),
    "equity": (la.equity, EQUITY),
    "estimates": (la.estimates, ("linked_change", "participants", "same_grade")),
    "school_effects": (la.school_effects, ("school_change",)),
    "verdicts": (lambda clean, rows: la.verdicts(la.estimates(clean, rows)), ("linked_change",)),
    "sensitivity": (
        lambda clean, rows: la.sensitivity(
            clean, la.verdicts(la.estimates(clean, rows)), rows, ASKED, only=CHOICES
        ),
        ("linked_change", "same_grade"),
    ),
}  # fmt: skip
ASKING = {
    "reliability": la.reliability,
    "items": la.items,
    "variance": la.variance,
    "attrition": la.attrition,
    "careless_signs": la.careless_signs,
    "missing_answers": lambda clean, asked: la.missing_answers(la.items(clean, asked)),
    "arrivals": lambda clean, asked: la.arrivals(clean, asked, RESPONSE),
    "agreement": lambda clean, asked: la.agreement(clean, clean, asked, outcomes=[OUTCOME]),
    "histogram": la.histogram,
    "item_histogram": la.item_histogram,
    "attendance_histogram": la.attendance_histogram,
}
CLEAN = clean_frame()
CALLS = {
    name: (lambda clean, verb=verb, estimands=estimands: verb(clean, plan(*estimands)))
    for name, (verb, estimands) in PLANNED.items()
} | {name: (lambda clean, verb=verb: verb(clean, ASKED)) for name, verb in ASKING.items()}


def one_cell(column: str, value: object) -> pd.DataFrame:
    cells = CLEAN[column].astype(object).copy()
    cells.iloc[3] = value
    return CLEAN.assign(**{column: cells})


SPOILT = {
    "words": lambda column: CLEAN.assign(**{column: "seven"}),
    "one word": lambda column: one_cell(column, "seven"),
    "one infinite": lambda column: one_cell(column, np.inf),
    "one missing": lambda column: one_cell(column, None),
    "all missing": lambda column: CLEAN.assign(**{column: None}),
    "as text": lambda column: CLEAN.assign(**{column: CLEAN[column].astype(str)}),
    "as categories": lambda column: CLEAN.assign(**{column: CLEAN[column].astype("category")}),
    "dates": lambda column: CLEAN.assign(**{column: pd.Timestamp("2025-01-01")}),
    "lists": lambda column: CLEAN.assign(**{column: [[1]] * len(CLEAN)}),
    "other numbers": lambda column: CLEAN.assign(**{column: np.arange(len(CLEAN)) * 1.5}),
    "not there": lambda column: CLEAN.drop(columns=column),
    "twice": lambda column: pd.concat([CLEAN, CLEAN[[column]]], axis=1),
}
COLUMNS = [column for column in CLEAN if column not in ITEMS[1:]]
#: What no column of numbers may hold.
NO_NUMBERS = ("words", "one word", "one infinite", "as text", "dates", "lists")


@pytest.mark.parametrize("name", CALLS)
def test_a_sound_frame_gives_rows(name):
    assert len(CALLS[name](CLEAN))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", long_but([*SPOILT][1::2], SPOILT))
def test_a_spoilt_column_is_refused_or_gives_rows_with_reasons(name, how):
    for column in COLUMNS[list(CALLS).index(name) % 4 :: 4]:  # each meets several verbs
        refused = ""
        try:
            found = CALLS[name](SPOILT[how](column))
        except InputError as refusal:
            refused = str(refusal)
        if column != "region":
            assert "seven" not in refused  # no cell is told
        assert refused or (isinstance(found, pd.DataFrame) and how != "twice"), column


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", NO_NUMBERS)
def test_no_verb_takes_words_for_grades_or_answers(name, how):
    asks_items = name in ASKING and name not in ("arrivals", "careless_signs")
    for column in ("grade", OUTCOME, *(ITEMS[:1] if asks_items else ())):
        with pytest.raises(InputError, match=f"not numbers: column {column}"):
            CALLS[name](SPOILT[how](column))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("frame", [None, {}, [], CLEAN["grade"], "demo", 3])
def test_what_is_no_frame_is_refused(name, frame):
    with pytest.raises(InputError, match="no DataFrame"):
        CALLS[name](frame)


@pytest.mark.parametrize("name", CALLS)
def test_empty_frames_give_no_number(name):
    for empty in (CLEAN.iloc[:0], CLEAN.iloc[:1]):
        found = CALLS[name](empty)
        for column in ("change", "estimate", "shrunk", "difference"):
            if column in found and name != "pairs":
                assert found[column].isna().all()
    if name != "agreement":  # there may be no leaders at all
        with pytest.raises(InputError, match="no column wave"):
            CALLS[name](pd.DataFrame())


@pytest.mark.parametrize("name", [name for name in PLANNED if name not in ("pairs", "sensitivity")])
@pytest.mark.parametrize(
    "subgroup",
    ["grade=seven", "grade=", "grade", "=7", "grade=inf", "grade=nan", "grade_band=x", "gender=1",
     "comparison=x", "submitted=x", "person_id=nobody", None, 7, "nothing=1", "grade=7=8"],
)  # fmt: skip
def test_a_subgroup_that_is_not_there_has_a_reason_and_no_number(name, subgroup):
    verb, estimands = PLANNED[name]
    found = verb(CLEAN, plan(*estimands).assign(subgroup=subgroup))
    if name == "school_effects":
        assert found.empty
        return
    assert found["reason"].ne("").all()
    assert found[["change", "estimate", "p_value"]].isna().all(axis=None)


@pytest.mark.parametrize("name", PLANNED)
@pytest.mark.parametrize("column", ["ci_level", "sesoi", "years", "sd_unit", "midpoint", "drift"])
@pytest.mark.parametrize("value", ["x", np.inf, "0.95", [1]])
def test_settings_of_a_plan_are_numbers(name, column, value):
    verb, estimands = PLANNED[name]
    rows = plan(*estimands)
    with pytest.raises(InputError, match=f"not numbers: column {column}"):
        verb(CLEAN, rows.assign(**{column: [value] * len(rows)}))


@pytest.mark.parametrize("name", PLANNED)
@pytest.mark.parametrize(
    ("column", "value"),
    [("ci_level", 95), ("ci_level", 0), ("ci_level", None), ("ci_level", 1.0), ("sesoi", -0.1),
     ("sesoi", None), ("years", -1), ("years", 1.5), ("years", None)],
)  # fmt: skip
def test_settings_of_a_plan_lie_within_their_range(name, column, value):
    verb, estimands = PLANNED[name]
    with pytest.raises(InputError, match=f"out of range: column {column}"):
        verb(CLEAN, plan(*estimands).assign(**{column: value}))


@pytest.mark.parametrize("name", PLANNED)
def test_a_plan_without_its_columns_or_none_at_all_is_refused(name):
    verb, estimands = PLANNED[name]
    needed = ("population", "outcome") + (("estimand", "subgroup") if name != "pairs" else ())
    for column in needed:
        with pytest.raises(InputError, match=f"add {column}"):
            verb(CLEAN, plan(*estimands).drop(columns=column))
    for other in (None, [{}], {}):
        with pytest.raises(InputError, match="plan is no DataFrame"):
            verb(CLEAN, other)
    for outcome in ("gender", "school_id"):
        with pytest.raises(InputError, match=f"not numbers: column {outcome}"):
            verb(CLEAN, plan(*estimands).assign(outcome=outcome))


def test_units_that_are_not_there_or_not_positive_give_a_reason():
    for value in (0, -1, None, np.nan):
        rows = plan("linked_change", "same_grade").assign(sd_unit=value)
        found = la.estimates(CLEAN, rows)
        assert found["reason"].eq("no_unit").all()
        assert found["estimate"].isna().all()


@pytest.mark.parametrize("value", ["True", "x", 2, pd.Timestamp("2025-01-01")])
def test_comparison_is_true_or_false(value):
    with pytest.raises(InputError, match="not truth values: column comparison"):
        la.programme_vs_comparison(CLEAN.assign(comparison=value), plan("programme_vs_comparison"))


def test_all_problems_are_told_at_once():
    spoilt = CLEAN.assign(grade="seven", submitted=3)
    with pytest.raises(InputError) as refusal:
        la.same_grade(spoilt, plan("same_grade").assign(ci_level=95))
    told = [problem.what for problem in refusal.value.problems]
    assert told == [
        "not numbers: column grade", "not dates: column submitted", "out of range: column ci_level",
    ]  # fmt: skip
