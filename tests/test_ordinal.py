"""Ordinal analyses: against R, scipy, statsmodels and the definitions."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingouin import compute_effsize
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from loftet_analysis.stats.cr2 import mean
from loftet_analysis.stats.ordinal import ordered_logit, superiority, superiority_of_pairs
from loftet_analysis.stats.result import NotEstimableError
from tests.conftest import reason

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "sensitivity.json").read_text())
DATA = pd.read_csv(REFERENCE / "ordinal.csv")
why = partial(reason, ordered_logit)


@pytest.mark.parametrize(("name", "group"), [("logit", None), ("graded", DATA["grade"])])
def test_the_ordered_logit_and_its_jackknife_agree_with_r(name, group):
    found = ordered_logit(DATA["y"], DATA["wave"], DATA["school"], group)
    assert found.estimate == pytest.approx(R[name]["estimate"], abs=1e-5)
    assert found.se == pytest.approx(R[name]["se"], rel=1e-4)
    assert (found.df, found.n_clusters) == (11, 12)


def test_the_ordered_logit_is_that_of_statsmodels():
    x = np.column_stack([DATA["wave"], DATA["grade"] == 6, DATA["grade"] == 7]).astype(float)
    y = pd.Series(pd.Categorical(DATA["y"], ordered=True))
    theirs = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=0, gtol=1e-9, maxiter=500)
    ours = ordered_logit(DATA["y"], DATA["wave"], DATA["school"], DATA["grade"])
    assert ours.estimate == pytest.approx(theirs.params.iloc[0], abs=1e-6)


def test_turning_waves_or_answers_around_turns_the_sign():
    one = ordered_logit(DATA["y"], DATA["wave"], DATA["school"])
    swapped = ordered_logit(DATA["y"], 1 - DATA["wave"], DATA["school"])
    reversed_ = ordered_logit(5 - DATA["y"], DATA["wave"], DATA["school"])
    assert swapped.estimate == pytest.approx(-one.estimate)
    assert reversed_.estimate == pytest.approx(-one.estimate)
    assert swapped.se == pytest.approx(one.se)


def test_superiority_is_mann_and_whitneys():
    pre = DATA["wave"] == 0
    found = superiority(DATA["y"][pre], DATA["y"][~pre], DATA["school"][pre], DATA["school"][~pre])
    assert found.estimate + 0.5 == pytest.approx(R["superiority"], abs=1e-12)
    u = stats.mannwhitneyu(DATA["y"][~pre], DATA["y"][pre]).statistic
    assert found.estimate + 0.5 == pytest.approx(u / pre.sum() / (~pre).sum())
    cles = compute_effsize(DATA["y"][~pre], DATA["y"][pre], paired=False, eftype="CLES")
    assert found.estimate + 0.5 == pytest.approx(cles, abs=1e-12)


def test_the_error_of_superiority_is_cr2_of_the_placements_as_in_clubsandwich():
    pre = DATA["wave"] == 0
    found = superiority(DATA["y"][pre], DATA["y"][~pre], DATA["school"][pre], DATA["school"][~pre])
    known = R["placements"]
    assert 2 * (found.estimate + 0.5) == pytest.approx(known["estimate"], rel=1e-12)
    assert (found.se, found.df) == pytest.approx((known["se"], known["df"]), rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_superiority_turns_its_sign_with_the_waves_and_knows_order_only(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.integers(1, 5, 80), rng.integers(1, 5, 90)
    one, other = np.arange(80) % 6, np.arange(90) % 6
    found = superiority(before, after, one, other)
    swapped = superiority(after, before, other, one)
    assert swapped.estimate == pytest.approx(-found.estimate, abs=1e-12)
    assert (swapped.se, swapped.df) == pytest.approx((found.se, found.df))
    stretched = superiority(np.exp(before), np.exp(after), one, other)
    assert (stretched.estimate, stretched.se) == (found.estimate, found.se)


def test_the_error_of_superiority_is_brunner_and_munzels_where_people_are_alone():
    rng = np.random.default_rng(3)
    before, after = rng.integers(1, 5, 300), rng.integers(1, 5, 260)
    alone = np.arange(560)
    found = superiority(before, after, alone[:300], alone[300:])
    theirs = stats.brunnermunzel(before, after)
    assert found.statistic == pytest.approx(theirs.statistic, rel=0.01)


def test_superiority_of_pairs_is_a_mean_of_signs():
    rng = np.random.default_rng(5)
    before, after, school = (
        rng.integers(1, 5, 200),
        rng.integers(1, 5, 200),
        rng.integers(0, 9, 200),
    )
    found = superiority_of_pairs(before, after, school)
    share = (after > before).mean() + 0.5 * (after == before).mean()
    assert found.estimate == pytest.approx(share - 0.5)
    raw = mean(np.sign(after - before) / 2, school)
    assert (found.se, found.df) == (raw.se, raw.df)
    squared = superiority_of_pairs(before**3.0, after**3.0, school)
    assert squared.estimate == found.estimate  # only the order counts


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_of_superiority_cover(seed):
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(200):
        school = np.repeat(np.arange(15), 20)
        level, change = rng.normal(0, 0.5, 15), rng.normal(0, 0.3, 15)
        before = level[school] + rng.normal(size=300)
        after = (level + change)[school] + rng.normal(size=300)
        low, high = superiority(before, after, school, school).interval()
        hits += low <= 0 <= high
    assert 180 <= hits <= 199


def test_what_cannot_be_ordered_is_refused():
    y, wave, school = [1, 2, 1, 2], [0, 0, 1, 1], [0, 1, 0, 1]
    assert why(y, wave, [0, 0, 0, 0]) == "one_cluster"
    assert why([1, 1, 1, 1], wave, school) == "no_variance"
    assert why(y, [0, 0, 0, 0], school) == "no_variance"
    assert why([1, 2, 1, 2], [0, 1, 0, 1], school) == "one_cluster"  # one school per wave
    with pytest.raises(NotEstimableError):
        superiority([], [1.0], [], [0])


@pytest.mark.parametrize(("name", "group"), [("logit", None), ("graded", DATA["grade"])])
def test_the_ordered_logit_and_its_jackknife_are_those_of_clm(name, group):
    found = ordered_logit(DATA["y"], DATA["wave"], DATA["school"], group)
    known = R["clm"][name]
    assert found.estimate == pytest.approx(known["estimate"], abs=1e-9)
    assert found.se == pytest.approx(known["se"], rel=1e-9)


def test_an_answer_and_a_grade_of_one_school_alone_leave_with_it():
    known = R["clm"]["rare"]
    found = ordered_logit(R["rare"]["y"], DATA["wave"], DATA["school"], R["rare"]["grade"])
    assert found.estimate == pytest.approx(known["estimate"], abs=1e-9)
    assert found.se == pytest.approx(known["se"], rel=1e-9)
    others = DATA["school"] != 7
    one = ordered_logit(DATA["y"][others], DATA["wave"][others], DATA["school"][others],
                        np.array(R["rare"]["grade"])[others])  # fmt: skip
    same = ordered_logit(DATA["y"][others], DATA["wave"][others], DATA["school"][others],
                         DATA["grade"][others])  # fmt: skip
    assert one.estimate == same.estimate


def test_a_grade_in_which_everybody_ticks_the_highest_tells_nothing_of_the_change():
    more = pd.concat([DATA, pd.DataFrame({"school": [0, 1, 2, 3] * 2, "wave": [0, 1] * 4,
                                          "grade": 8, "y": 4})])  # fmt: skip
    found = ordered_logit(more["y"], more["wave"], more["school"], more["grade"])
    known = R["clm"]["graded"]
    assert found.estimate == pytest.approx(known["estimate"], abs=1e-8)
    assert found.se == pytest.approx(known["se"], rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_neither_the_order_of_rows_nor_labels_nor_copies_move_the_ordered_logit(seed):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(DATA))
    other = DATA.iloc[rows]
    found = ordered_logit(DATA["y"], DATA["wave"], DATA["school"], DATA["grade"])
    moved = ordered_logit(other["y"] ** 2, other["wave"], 2 * other["school"], -other["grade"])
    twice = pd.concat([DATA, DATA])
    copied = ordered_logit(twice["y"], twice["wave"], twice["school"], twice["grade"])
    for same in (moved, copied):
        assert (same.estimate, same.se) == pytest.approx((found.estimate, found.se), rel=1e-7)


def test_an_ordered_logit_that_hangs_on_too_little_says_on_what():
    rng = np.random.default_rng(6)
    y, school, wave = rng.integers(1, 5, 120), np.arange(120) % 6, np.arange(120) // 6 % 2
    assert why(y, wave, school, wave) == "not_estimable"
    assert why(y, (school > 0).astype(int), school) == "one_cluster"
    assert why(np.where(school == 0, y, 2), wave, school) == "one_cluster"
    assert why(wave + 1, wave, school) == "not_converged"
    copies = np.tile([1, 2, 3, 2, 3, 3], 6)
    assert why(copies, np.tile([0, 0, 0, 1, 1, 1], 6), np.repeat(range(6), 6)) == "no_variance"
