"""Weights, imputations and tipping points: against R, by hand, and in simulations."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from loftet_analysis.stats.clustered import Clustered, NotEstimableError, mean
from loftet_analysis.stats.missing import (
    effective_size,
    imputed,
    inverse_probability,
    pool_imputations,
    tipping_points,
)

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "sensitivity.json").read_text())


def test_probabilities_are_those_of_the_logit_in_r():
    data = pd.read_csv(REFERENCE / "linkage.csv")
    weight = inverse_probability(data["linked"], data[["pre", "girl"]])
    top = np.quantile(weight[data["linked"] == 1], 0.99)
    expected = np.minimum(1 / np.array(R["probability"]), top + 1e-9)
    np.testing.assert_allclose(np.minimum(weight[:8], top), np.minimum(expected, top), rtol=1e-8)
    assert weight.min() >= 1


def test_weights_bring_the_linked_back_to_all():
    rng = np.random.default_rng(2)
    pre = rng.normal(size=20_000)
    was_linked = rng.random(20_000) < 1 / (1 + np.exp(-0.5 - pre))
    weight = inverse_probability(was_linked, pre[:, None])[was_linked]
    assert pre[was_linked].mean() > 0.2
    assert np.average(pre[was_linked], weights=weight) == pytest.approx(pre.mean(), abs=0.03)
    assert effective_size(weight) < was_linked.sum()
    assert effective_size(np.ones(7)) == 7


def reason(call, *args, **more):
    with pytest.raises(NotEstimableError) as error:
        call(*args, **more)
    return error.value.reason


def test_weights_that_cannot_be_had_say_why():
    x = np.arange(20.0)[:, None]
    assert reason(inverse_probability, np.ones(20), x) == "nobody_missing"
    assert reason(inverse_probability, np.zeros(20), x) == "no_pairs"
    assert reason(inverse_probability, np.arange(20) > 9, x) == "separated"
    constant = np.column_stack([x, np.ones(20)])
    mixed = np.tile([1, 0], 10)
    assert np.isfinite(inverse_probability(mixed, constant)).all()


def test_imputations_are_pooled_as_in_mice():
    each = [
        Clustered(q, np.array([np.sqrt(u)]), 41.0, 12)
        for q, u in zip(R["rubin"]["q"], R["rubin"]["u"], strict=True)
    ]
    found = pool_imputations(each)
    assert found.estimate == pytest.approx(R["rubin"]["estimate"], abs=1e-12)
    assert found.se**2 == pytest.approx(R["rubin"]["variance"], abs=1e-12)
    assert found.df == pytest.approx(R["rubin"]["df"], rel=1e-10)


def test_imputations_that_agree_add_nothing():
    same = [Clustered(0.2, np.array([0.1]), 1000.0, 9)] * 20
    found = pool_imputations(same)
    assert (found.estimate, found.se) == pytest.approx((0.2, 0.1))
    assert found.df == pytest.approx(1000 * 1001 / 1003)


def with_gaps(seed, n=600, schools=12):
    """Change is .2; who scored high before answers less often after."""
    rng = np.random.default_rng(seed)
    school = rng.integers(0, schools, n)
    level, change = rng.normal(0, 0.4, schools), rng.normal(0, 0.2, schools)
    pre = level[school] + rng.normal(size=n)
    post = 0.2 + 0.5 * pre + (0.5 * level + change)[school] + rng.normal(0, 0.8, n)
    whole = np.column_stack([pre, post])
    y = whole.copy()
    y[rng.random(n) < 1 / (1 + np.exp(1 - 1.2 * pre)), 1] = np.nan
    return whole, y, school, rng


def mean_change(school, full):
    return mean(full[:, 1] - full[:, 0], school)


def test_imputation_mends_what_complete_cases_get_wrong():
    errors, naive, hits = [], [], 0
    for seed in range(60):
        whole, y, school, rng = with_gaps(seed)
        analyse = partial(mean_change, school)
        found = imputed(y, np.ones((len(y), 1)), school, analyse, rng=rng, imputations=10)
        truth = (whole[:, 1] - whole[:, 0]).mean()
        errors.append(found.estimate - truth)
        naive.append(np.nanmean(y[:, 1] - y[:, 0]) - truth)
        low, high = found.interval()
        hits += low <= 0.2 <= high
    assert abs(np.mean(naive)) > 0.1
    assert abs(np.mean(errors)) < 0.03
    assert hits >= 51


def test_imputation_keeps_what_was_answered_and_repeats_itself():
    _, y, school, _ = with_gaps(1)
    seen = np.isfinite(y)

    def analyse(full):
        np.testing.assert_array_equal(full[seen], y[seen])
        assert np.isfinite(full).all()
        return mean(full[:, 1] - full[:, 0], school)

    x = np.ones((len(y), 1))
    found = [imputed(y, x, school, analyse, rng=np.random.default_rng(4)) for _ in range(2)]
    assert found[0].estimate == found[1].estimate
    assert found[0].se == found[1].se
    whole = np.nan_to_num(y)
    assert reason(imputed, whole, x, school, analyse, rng=None) == "nobody_missing"
    few = y[:8].copy()
    few[0, 0] = np.nan
    assert reason(imputed, few, x[:8], school[:8], analyse, rng=None) == "too_few_people"


@pytest.mark.parametrize("estimate", [-0.3, 0.0, 0.12])
def test_at_a_tipping_point_the_interval_meets_its_mark(estimate):
    se, df, share, sesoi = 0.05, 9.0, 0.7, 0.1
    half = stats.t.ppf(0.975, df) * se
    ends = {"increase": (-1, 0.0), "decrease": (1, 0.0), "beyond +SESOI": (-1, sesoi),
            "beyond -SESOI": (1, -sesoi)}  # fmt: skip
    found = tipping_points(estimate, se, df, share, sesoi)
    for name, (side, mark) in ends.items():
        whole = estimate + (1 - share) * found[name]
        assert whole + side * half == pytest.approx(mark)
    mirrored = tipping_points(-estimate, se, df, share, sesoi)
    assert mirrored["increase"] == pytest.approx(-found["decrease"])
    assert reason(tipping_points, 0.1, se, df, 1.0, sesoi) == "nobody_missing"
