"""Weights, imputations and tipping points: against R, by hand, and in simulations."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from loftet_analysis.stats.cr2 import contrast, mean
from loftet_analysis.stats.missing import (
    effective_size,
    imputed,
    inverse_probability,
    linked_and_unlinked,
    pool_imputations,
    register_weights,
    standardised_differences,
    tipping_points,
)
from loftet_analysis.stats.result import Result
from tests.conftest import reason

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "sensitivity.json").read_text())
LINKAGE = pd.read_csv(REFERENCE / "linkage.csv")
ORDINAL = pd.read_csv(REFERENCE / "ordinal.csv")


def numbers(values):
    return np.array([np.nan if value is None else value for value in values], dtype=float)


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
        Result(q, np.sqrt(u), 41.0, 12)
        for q, u in zip(R["rubin"]["q"], R["rubin"]["u"], strict=True)
    ]
    found = pool_imputations(each)
    assert found.estimate == pytest.approx(R["rubin"]["estimate"], abs=1e-12)
    assert found.se**2 == pytest.approx(R["rubin"]["variance"], abs=1e-12)
    assert found.df == pytest.approx(R["rubin"]["df"], rel=1e-10)


def test_imputations_that_agree_add_nothing():
    same = [Result(0.2, 0.1, 1000.0, 9)] * 20
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
    flat = np.where(np.isfinite(y), 3.0, np.nan)
    assert reason(imputed, flat, x, school, analyse, rng=None) == "no_variance"


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
    assert reason(tipping_points, 0.1, se, df, 0.0, sesoi) == "no_pairs"


def test_people_like_whom_nobody_was_linked_are_out_of_reach_or_refuse():
    rng = np.random.default_rng(8)
    pre, cell = rng.normal(size=2000), np.arange(2000)
    was_linked = rng.random(2000) < 0.6
    few, many = cell < 20, cell < 400
    weight = inverse_probability(was_linked & ~few, np.column_stack([pre, few]))
    assert weight[~few].max() < 3
    rest = inverse_probability(was_linked[~few], pre[~few, None])
    np.testing.assert_allclose(weight[~few], rest, rtol=1e-5)
    found = reason(inverse_probability, was_linked & ~many, np.column_stack([pre, many]))
    assert found == "separated"
    all_linked = inverse_probability(was_linked | many, np.column_stack([pre, many]))
    np.testing.assert_allclose(all_linked[many], 1, atol=1e-6)


def test_the_weighted_change_has_the_cr2_of_clubsandwich():
    known, was_linked = R["weighted_change"], LINKAGE["linked"] == 1
    weight = inverse_probability(was_linked, LINKAGE[["pre", "girl"]])[was_linked]
    ones = np.ones((len(weight), 1))
    found = contrast(known["change"], ones, [1], known["school"], weights=weight)
    expected = [known[key] for key in ("estimate", "se", "df")]
    assert [found.estimate, found.se, found.df] == pytest.approx(expected, rel=1e-10)


def test_register_weights_are_invited_over_answered():
    found = register_weights([0, 0, 1, 1, 1, 3], [10, 30, 40, 20])
    assert found.weights == pytest.approx([5, 5, 10, 10, 10, 19.5])  # cut at the 99th percentile
    assert found.uncovered == 0.4


def test_register_weights_that_cannot_be_had_say_why():
    assert reason(register_weights, [], [3]) == "no_answers"
    assert reason(register_weights, [0, 1], [3]) == "no_register"
    assert reason(register_weights, [0, 1], [3, 0]) == "no_register"
    assert reason(register_weights, [0, 1], [3, np.nan]) == "no_register"


def test_pooling_allows_endless_df_as_mice_does():
    pairs = zip(R["rubin"]["q"], R["rubin"]["u"], strict=True)
    each = [Result(q, np.sqrt(u), np.inf, 12) for q, u in pairs]
    assert pool_imputations(each).df == pytest.approx(R["rubin"]["df_of_many"], rel=1e-10)
    same = [Result(0.2, 0.1, np.inf, 9)] * 5
    assert pool_imputations(same).df == np.inf
    still = [Result(0.2, 0.0, 9.0, 9)] * 5
    assert reason(pool_imputations, still) == "no_variance"


def test_imputations_agree_with_lme4_and_mice_but_for_chance():
    known = R["imputed"]
    data = {name: numbers(column) for name, column in known["data"].items()}
    school, y = data["school"].astype(int), np.column_stack([data["pre"], data["post"]])
    x = np.column_stack([np.ones(len(school)), data["girl"]])
    analyse, rng = partial(mean_change, school), np.random.default_rng(20261)
    found = imputed(y, x, school, analyse, rng=rng, imputations=200)
    chance = np.sqrt(known["mice"]["between"] / 200)
    assert abs(found.estimate - known["estimate"]) < 4 * chance  # prediction by lmer, no chance
    assert abs(found.estimate - known["mice"]["estimate"]) < 4 * np.sqrt(2) * chance
    assert found.se**2 == pytest.approx(known["mice"]["variance"], rel=0.1)


def test_a_predictor_that_nobody_with_an_answer_has_does_no_harm():
    _, y, school, rng = with_gaps(3)
    alone = np.zeros(len(y))
    alone[np.flatnonzero(np.isnan(y[:, 1]))[:5]] = 1
    x = np.column_stack([np.ones(len(y)), alone, alone])
    analyse = partial(mean_change, school)
    found = imputed(y, x, school, analyse, rng=rng)
    plain = imputed(y, x[:, :1], school, analyse, rng=np.random.default_rng(1))
    assert found.estimate == pytest.approx(plain.estimate, abs=0.05)
    assert found.se == pytest.approx(plain.se, rel=0.3)


def test_imputation_in_two_schools_stays_in_bounds():
    _, y, _, rng = with_gaps(5, n=80)
    school = np.repeat([3, 9], 40)  # codes without rows in between
    x = np.ones((80, 1))
    found = imputed(y, x, school, lambda full: mean(full[:, 1] - full[:, 0], school), rng=rng)
    assert abs(found.estimate - 0.2) < 1
    assert found.se < 1


def test_everybody_together_is_the_coefficient_of_wave_in_r():
    data = pd.read_csv(REFERENCE / "unlinked.csv")
    known = json.loads((REFERENCE / "clubsandwich.json").read_text())["unlinked_wave"]
    found = linked_and_unlinked(data["y"], data["wave"], pd.factorize(data["school"])[0])
    expected = [known[key][1] for key in ("estimate", "se", "df")]
    assert [found.estimate, found.se, found.df] == pytest.approx(expected, rel=1e-8)


def test_everybody_together_is_the_linked_change_where_all_are_linked():
    whole, _, school, _ = with_gaps(2)
    y, wave = whole.T.ravel(), np.repeat([0, 1], len(whole))
    found = linked_and_unlinked(y, wave, np.tile(school, 2))
    linked = mean(whole[:, 1] - whole[:, 0], school)
    assert found.estimate == pytest.approx(linked.estimate)
    assert found.se == pytest.approx(linked.se, rel=1e-8)  # clusters alike in both waves
    turned = linked_and_unlinked(y, 1 - wave, np.tile(school, 2))
    assert turned.estimate == pytest.approx(-found.estimate)
    assert reason(linked_and_unlinked, y, np.zeros(len(y)), np.tile(school, 2)) == "not_estimable"


def test_standardised_differences_are_cohens_d():
    found = standardised_differences(LINKAGE["linked"], LINKAGE[["pre", "girl"]])
    assert list(found) == [
        "variable", "n_linked", "n_unlinked", "mean_linked", "mean_unlinked", "smd"
    ]  # fmt: skip
    one, other = (LINKAGE[LINKAGE["linked"] == value] for value in (1, 0))
    for row in found.to_dict("records"):
        name = row["variable"]
        d = pingouin.compute_effsize(one[name], other[name], paired=False, eftype="cohen")
        assert row["smd"] == pytest.approx(d, rel=1e-12)
        assert (row["n_linked"], row["n_unlinked"]) == (len(one), len(other))
        assert row["mean_linked"] == pytest.approx(one[name].mean())


def test_standardised_differences_leave_out_gaps_and_stay_empty_without_a_group():
    frame = pd.DataFrame({"a": [1, np.nan, 3, 4.0], "b": [2.0] * 4, "c": [np.nan, np.nan, 1, 2]})
    found = standardised_differences([1, 1, 0, 0], frame).set_index("variable")
    assert found["n_linked"].tolist() == [1, 2, 0]
    assert found["smd"].isna().tolist() == [False, True, True]
    everybody = standardised_differences(np.ones(4), frame)
    assert everybody["n_unlinked"].tolist() == [0, 0, 0]
    assert everybody["smd"].isna().all()
