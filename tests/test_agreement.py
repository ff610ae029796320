"""Teachers and leaders of the same schools: against R, by definition, and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.analysis.agreement import agreement, reliability_of_means, within_groups
from loftet_analysis.errors import InputError
from loftet_analysis.schema import AGREEMENT
from loftet_analysis.show.labels import LABELS
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire

REFERENCE = json.loads((Path(__file__).parent / "reference" / "agreement.json").read_text())
INSTRUMENT = load_instrument("teacher")
ASKED = Questionnaire("teachers", "oslo", INSTRUMENT)
NUMBERS = [*AGREEMENT[AGREEMENT.index("n_schools") : AGREEMENT.index("ci_level")]]
NUMBERS += ["r_schools", "icc1", "icc2", "rwg"]
ITEMS = list(INSTRUMENT.scales["prepared"].items)
FIVE = [1, 2, 3, 4, 5]


def answered(school, y, wave="post", outcome="prepared"):
    return pd.DataFrame({"wave": wave, "school_id": list(school), outcome: y})


def sides(name):
    given = REFERENCE["sets"][name]
    teachers, leaders = (answered(given[who]["school"], given[who]["y"]) for who in given)
    return [
        teachers.assign(**given["teachers"]["items"]).astype(dict.fromkeys(ITEMS, float)),
        leaders,
    ]


def at_random(rng, groups, size, items=4):
    answers = pd.DataFrame(rng.integers(1, 6, (groups * size, items)).astype(float))
    return answers, pd.Series(np.repeat(np.arange(groups), size))


def compared(teachers, leaders, outcomes=("prepared",), **options):
    found = agreement(teachers, leaders, ASKED, outcomes=outcomes, **options)
    assert list(found.columns) == list(AGREEMENT)
    return found


def one(teachers, leaders, **options):
    return compared(teachers, leaders, **options).iloc[0]


@pytest.mark.parametrize("name", REFERENCE["sets"])
def test_everything_is_what_r_gives(name):
    found, reference = one(*sides(name)), REFERENCE["agreement"][name]
    for key in NUMBERS:
        expected = np.nan if reference[key] is None else reference[key]
        assert found[key] == pytest.approx(expected, abs=1e-10, nan_ok=True), key
    assert found[["region", "outcome", "question", "reason"]].tolist() == [
        "oslo", "prepared", "Q7", "",
    ]  # fmt: skip


def test_the_references_reach_the_corners():
    found = REFERENCE["agreement"]
    assert found["alike"]["icc1"] == 0
    assert found["three"]["r_schools"] is None
    assert 0 < found["disagreeing"]["rwg_truncated"] < found["disagreeing"]["rwg_schools"]
    eleven = sides("eleven")[0]
    assert eleven[ITEMS].isna().any(axis=None)
    assert found["eleven"]["rwg_schools"] < (eleven["school_id"].value_counts() > 1).sum()


def test_level_of_the_interval():
    narrow, wide = (one(*sides("eleven"), ci_level=level) for level in (0.8, 0.95))
    assert wide["ci_high"] - wide["difference"] == pytest.approx(2.306004135 * wide["se"])
    assert narrow["ci_high"] - narrow["difference"] == pytest.approx(1.396815310 * narrow["se"])
    assert narrow["ci_level"] == 0.8


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_row_order_rescaling_and_turning_round(seed):
    rng = np.random.default_rng(seed)
    teachers, leaders = (
        answered(rng.permutation(np.r_[:6, rng.integers(0, 6, n)]).astype(str), None).assign(
            **dict(zip(ITEMS, rng.integers(1, 6, (4, 6 + n)), strict=True)),
            prepared=lambda frame: frame[ITEMS].mean(axis=1),
        )
        for n in (20, 5)
    )
    found = one(teachers, leaders)
    shuffled = one(*(side.sample(frac=1, random_state=1) for side in (teachers, leaders)))
    pd.testing.assert_series_equal(shuffled, found)
    turned = one(*(side.assign(**(6 - side[["prepared", *ITEMS]])) for side in (teachers, leaders)))
    same = ["n_schools", "n_teachers", "n_leaders", "se", "df", "r_schools", "icc1", "icc2", "rwg"]
    for key in same:
        assert turned[key] == pytest.approx(found[key], abs=1e-9), key
    assert turned["mean_teachers"] == pytest.approx(6 - found["mean_teachers"])
    assert turned["difference"] == pytest.approx(-found["difference"])
    assert turned["ci_low"] == pytest.approx(-found["ci_high"])
    assert found["difference"] == pytest.approx(found["mean_teachers"] - found["mean_leaders"])
    swapped = one(leaders, teachers)
    assert swapped["difference"] == pytest.approx(-found["difference"])
    assert swapped[["n_teachers", "n_leaders"]].tolist() == [*found[["n_leaders", "n_teachers"]]]


def test_every_school_counts_once():
    teachers, leaders = sides("eleven")
    found = one(teachers, leaders)
    first = teachers[teachers["school_id"] == "s01"]
    more = one(pd.concat([teachers, first, first]), leaders)
    assert more["n_teachers"] == found["n_teachers"] + 2 * len(first)
    for key in ("mean_teachers", "difference", "se", "r_schools"):
        assert more[key] == pytest.approx(found[key])


def test_other_schools_count_for_the_teachers_alone():
    teachers, leaders = sides("eleven")
    found = one(teachers, leaders)
    new = answered("zzz", [1.0, 2.0, 5.0])
    new = new.assign(**dict.fromkeys(ITEMS, new["prepared"]))
    more = one(pd.concat([teachers, new]), leaders)
    between = [*NUMBERS[: NUMBERS.index("ci_high") + 1], "r_schools"]
    pd.testing.assert_series_equal(more[between], found[between])
    assert (more[["icc1", "icc2", "rwg"]] != found[["icc1", "icc2", "rwg"]]).all()
    assert more["rwg"] == pytest.approx(found["rwg"] * 8 / 9)  # theirs is 0
    pd.testing.assert_series_equal(one(teachers, pd.concat([leaders, new])), found)


def test_only_valid_answers_after_count():
    teachers, leaders = sides("eleven")
    ones = dict.fromkeys(ITEMS, 1.0)
    before = answered(["s01"] * 3, [1.0, 1, 1], wave="pre").assign(**ones)
    missing = answered(["s05", "s99"], [np.nan, np.nan])
    nobody = answered([None], [1.0]).assign(**ones)
    found = one(*(pd.concat([side, before, missing, nobody]) for side in (teachers, leaders)))
    pd.testing.assert_series_equal(found, one(teachers, leaders))


def test_nullable_columns_are_the_same():
    given = sides("eleven")
    nullable = [side.astype({"prepared": "Float64", "school_id": "category"}) for side in given]
    nullable[0] = nullable[0].astype(dict.fromkeys(ITEMS, "Int64"))
    assert nullable[0][ITEMS].isna().any(axis=None)
    pd.testing.assert_series_equal(one(*nullable), one(*given))


def test_agreement_within_schools_by_hand():
    answers = pd.DataFrame({"one": [3.0, 4, 1, 5, 2, 2, 4], "two": [3.0, 3, 2, 4, 5, 5, 1]})
    group = pd.Series(list("aabbccd"))
    # mean variances .25, 5 and 0; of random answers 2, or 35/12 with six to choose from
    expected = (2 * 0.875 / (2 * 0.875 + 0.125) + 0 + 1) / 3
    assert within_groups(answers, group, FIVE) == pytest.approx(expected)
    assert within_groups(answers - 1, group, [0, 1, 2, 3, 4]) == pytest.approx(expected)
    ratio = 0.25 / (35 / 12)
    six = (2 * (1 - ratio) / (2 * (1 - ratio) + ratio) + 0 + 1) / 3
    assert within_groups(answers, group, [1, 2, 3, 4, 5, 6]) == pytest.approx(six)
    single = (0.75 + 0 + 1) / 3  # one item: the form for a single answer
    assert within_groups(answers[["one"]], group, FIVE) == pytest.approx(single)
    assert np.isnan(within_groups(answers, pd.Series(list("abcdefg")), FIVE))


def test_only_complete_answers_agree():
    answers = pd.DataFrame({"one": [3.0, 4, 1, 5, 2], "two": [3.0, 3, 2, np.nan, 5]})
    group = pd.Series(list("aabba"))
    without = within_groups(answers.drop(index=3), group.drop(index=3), FIVE)
    assert within_groups(answers, group, FIVE) == without
    assert np.isnan(within_groups(answers[2:4], group[2:4], FIVE))
    assert np.isnan(within_groups(answers.assign(two=np.nan), group, FIVE))


def test_without_an_item_agreement_within_schools_is_empty():
    teachers, leaders = sides("eleven")
    found = one(teachers, leaders)
    for item in ITEMS:
        fewer = one(teachers.drop(columns=item), leaders)
        assert np.isnan(fewer["rwg"])
        pd.testing.assert_series_equal(fewer.drop("rwg"), found.drop("rwg"))


@given(seed=st.integers(0, 2**32 - 1), n_items=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_agreement_within_schools_by_its_properties(seed, n_items):
    rng = np.random.default_rng(seed)
    answers, group = at_random(rng, groups=8, size=4, items=n_items)
    group = pd.Series(rng.permutation(group))
    found = within_groups(answers, group, FIVE)
    assert 0 <= found <= 1
    order = rng.permutation(len(group))
    assert within_groups(answers.iloc[order], group.iloc[order], FIVE) == pytest.approx(found)
    items = rng.permutation(n_items)
    assert within_groups(answers[items], group, FIVE) == pytest.approx(found)
    turned = answers.copy()
    turned[0] = 6 - turned[0]
    assert within_groups(turned, group, FIVE) == pytest.approx(found)
    alike = answers.groupby(group).transform("first")
    assert within_groups(alike, group, FIVE) == 1
    ends = np.where(group.groupby(group).cumcount() % 2, 1.0, 5.0)
    apart = pd.DataFrame(dict.fromkeys(range(n_items), ends))
    assert within_groups(apart, group, FIVE) == 0


@pytest.mark.parametrize(
    ("size", "groups", "expected", "within"),
    [(2, 40_000, 0.37, 0.006), (5, 20_000, 0.22, 0.006), (5_000, 40, 0.0, 0.02)],
)
def test_what_answers_at_random_give(size, groups, expected, within):
    answers, group = at_random(np.random.default_rng(6), groups, size)
    assert within_groups(answers, group, FIVE) == pytest.approx(expected, abs=within)


def test_reliability_of_means():
    assert reliability_of_means(0.3, 1) == pytest.approx(0.3)
    assert reliability_of_means(0.0, 7) == 0
    twice = reliability_of_means(reliability_of_means(0.2, 3), 2)
    assert twice == pytest.approx(reliability_of_means(0.2, 6))


def test_one_teacher_at_each_school():
    found = one(answered("abcd", [1.0, 3, 2, 5]), answered("abcd", [2.0, 3, 1, 4]))
    assert found["r_schools"] == pytest.approx(np.corrcoef([1, 3, 2, 5], [2, 3, 1, 4])[0, 1])
    assert found[["icc1", "icc2", "rwg"]].isna().all()
    flat = one(answered("abcd", [1.0, 3, 2, 5]), answered("abcd", [0.1 + 0.2, 0.3, 0.3, 0.3]))
    assert np.isnan(flat["r_schools"])
    assert flat["se"] > 0


def test_what_cannot_be_compared_says_why():
    teachers, leaders = sides("eleven")
    two = leaders[leaders["school_id"].isin(["s01", "s02"])]
    nobody = pd.DataFrame({"wave": pd.Series(dtype=str), "region": pd.Series(dtype=str)})
    apart = teachers.groupby("school_id", as_index=False)["prepared"].mean().assign(wave="post")
    for ours, theirs, reason in (
        (teachers, nobody, "no_answers"),
        (nobody, leaders, "no_answers"),
        (nobody, nobody, "no_answers"),
        (teachers, pd.DataFrame(), "no_answers"),
        (teachers, leaders.assign(prepared=np.nan), "no_answers"),
        (teachers.assign(wave="pre"), leaders, "no_answers"),
        (teachers, leaders.drop(columns="prepared"), "no_answers"),
        (teachers, two, "few_schools"),
        (teachers, leaders.assign(school_id="x" + leaders["school_id"]), "few_schools"),
        (teachers, apart.assign(prepared=apart["prepared"] + 0.1), "no_variance"),
    ):
        found = one(ours, theirs)
        assert found["reason"] == reason
        assert found[NUMBERS].isna().all()
        assert reason in LABELS["reason"]
        assert found[["region", "outcome", "question"]].tolist() == ["oslo", "prepared", "Q7"]


def test_outcomes_are_rows_in_their_order():
    teachers, leaders = (
        side.assign(felt_support=6 - side["prepared"], anchoring=np.nan) for side in sides("eleven")
    )
    asked = ["felt_support", "anchoring", "prepared"]
    found = compared(teachers, leaders, asked)
    assert found["outcome"].tolist() == asked
    questions = [INSTRUMENT.scales[outcome].question for outcome in asked]
    assert found["question"].tolist() == questions
    assert found["reason"].tolist() == ["", "no_answers", ""]
    assert found["difference"].iloc[0] == pytest.approx(-found["difference"].iloc[2])
    none = compared(teachers, leaders, [])
    assert none.empty
    assert none.dtypes.equals(found.dtypes)


def test_an_outcome_that_is_no_scale_is_refused():
    with pytest.raises(InputError, match=r"(?s)no scales of the teachers.*mood"):
        compared(*sides("eleven"), ["prepared", "mood"])
