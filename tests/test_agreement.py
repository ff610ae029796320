"""Teachers and leaders of the same schools: against base R, by definition, and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.errors import InputError
from loftet_analysis.names import AGREEMENT
from loftet_analysis.stats.agreement import agreement, reliability_of_means, within_groups
from loftet_analysis.stats.effects import REASONS
from loftet_analysis.study import load_instrument

REFERENCE = json.loads((Path(__file__).parent / "reference" / "agreement.json").read_text())
INSTRUMENT = load_instrument("teacher")
NUMBERS = [*AGREEMENT[AGREEMENT.index("n_schools") : AGREEMENT.index("ci_level")]]
NUMBERS += ["r_schools", "icc1", "icc2", "rwg"]


def answered(school, y, wave="post", outcome="prepared"):
    return pd.DataFrame({"wave": wave, "school_id": list(school), outcome: y})


def sides(name):
    given = REFERENCE["sets"][name]
    return [answered(given[who]["school"], given[who]["y"]) for who in ("teachers", "leaders")]


def compared(teachers, leaders, outcomes=None, **options):
    found = agreement(
        teachers, leaders, outcomes or {"prepared": "Q7"}, region="oslo",
        instrument=INSTRUMENT, **options,
    )  # fmt: skip
    assert list(found.columns) == list(AGREEMENT)
    return found


def one(teachers, leaders, **options):
    return compared(teachers, leaders, **options).iloc[0]


@pytest.mark.parametrize("name", REFERENCE["sets"])
def test_everything_is_what_base_r_gives(name):
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
    assert 0 < found["disagreeing"]["rwg_truncated"] < 4


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
            prepared=rng.integers(4, 21, 6 + n) / 4
        )
        for n in (20, 5)
    )
    found = one(teachers, leaders)
    shuffled = one(*(side.sample(frac=1, random_state=1) for side in (teachers, leaders)))
    pd.testing.assert_series_equal(shuffled, found)
    turned = one(*(side.assign(prepared=6 - side["prepared"]) for side in (teachers, leaders)))
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
    more = one(pd.concat([teachers, new]), leaders)
    between = [*NUMBERS[: NUMBERS.index("ci_high") + 1], "r_schools"]
    pd.testing.assert_series_equal(more[between], found[between])
    assert (more[["icc1", "icc2", "rwg"]] != found[["icc1", "icc2", "rwg"]]).all()
    pd.testing.assert_series_equal(one(teachers, pd.concat([leaders, new])), found)


def test_only_valid_answers_after_count():
    teachers, leaders = sides("eleven")
    before = answered(["s01"] * 3, [1.0, 1, 1], wave="pre")
    missing = answered(["s05", "s99"], [np.nan, np.nan])
    nobody = answered([None], [1.0])
    found = one(*(pd.concat([side, before, missing, nobody]) for side in (teachers, leaders)))
    pd.testing.assert_series_equal(found, one(teachers, leaders))


def test_nullable_columns_are_the_same():
    given = sides("eleven")
    nullable = [side.astype({"prepared": "Float64", "school_id": "category"}) for side in given]
    pd.testing.assert_series_equal(one(*nullable), one(*given))


def test_agreement_within_schools_by_hand():
    options = [1, 2, 3, 4, 5]
    y = pd.Series([3.0, 4, 1, 5, 2, 2, 4])
    group = pd.Series(list("aabbccd"))
    assert within_groups(y, group, options) == pytest.approx((0.75 + 0 + 1) / 3)
    assert within_groups(y - 1, group, [0, 1, 2, 3, 4]) == within_groups(y, group, options)
    six = (1 - 0.5 / (35 / 12) + 0 + 1) / 3
    assert within_groups(y, group, [1, 2, 3, 4, 5, 6]) == pytest.approx(six)
    assert np.isnan(within_groups(y, pd.Series(list("abcdefg")), options))


def test_teachers_answering_at_random_do_not_agree():
    rng = np.random.default_rng(6)
    group = pd.Series(np.repeat(np.arange(300), 80))
    y = pd.Series(rng.integers(1, 6, len(group)).astype(float))
    assert within_groups(y, group, [1, 2, 3, 4, 5]) == pytest.approx(0.04, abs=0.02)


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
        assert reason in REASONS
        assert found[["region", "outcome", "question"]].tolist() == ["oslo", "prepared", "Q7"]


def test_outcomes_are_rows_in_their_order():
    teachers, leaders = (
        side.assign(felt_support=6 - side["prepared"], anchoring=np.nan) for side in sides("eleven")
    )
    asked = {"felt_support": "Q7", "anchoring": "Q8", "prepared": "Q7"}
    found = compared(teachers, leaders, asked)
    assert found["outcome"].tolist() == list(asked)
    assert found["question"].tolist() == list(asked.values())
    assert found["reason"].tolist() == ["", "no_answers", ""]
    assert found["difference"].iloc[0] == pytest.approx(-found["difference"].iloc[2])
    none = agreement(teachers, leaders, {}, region="oslo", instrument=INSTRUMENT)
    assert none.empty
    assert none.dtypes.equals(found.dtypes)


def test_an_outcome_that_is_no_scale_is_refused():
    with pytest.raises(InputError, match=r"(?s)no scales of the instrument teacher.*mood"):
        compared(*sides("eleven"), {"prepared": "Q7", "mood": "Q7"})
