"""Ordinal analyses: against R, scipy, statsmodels and the definitions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from loftet_analysis.stats.clustered import NotEstimableError, mean
from loftet_analysis.stats.ordinal import ordered_logit, superiority, superiority_of_pairs

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "sensitivity.json").read_text())
DATA = pd.read_csv(REFERENCE / "ordinal.csv")


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


def reason(*args):
    with pytest.raises(NotEstimableError) as error:
        ordered_logit(*args)
    return error.value.reason


def test_what_cannot_be_ordered_is_refused():
    y, wave, school = [1, 2, 1, 2], [0, 0, 1, 1], [0, 1, 0, 1]
    assert reason(y, wave, [0, 0, 0, 0]) == "one_cluster"
    assert reason([1, 1, 1, 1], wave, school) == "no_variance"
    assert reason(y, [0, 0, 0, 0], school) == "no_variance"
    assert reason([1, 2, 1, 2], [0, 1, 0, 1], school) in ("no_variance", "not_converged")
    with pytest.raises(NotEstimableError):
        superiority([], [1.0], [], [0])
