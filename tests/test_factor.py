"""One-factor models: against lavaan, algebra, and what cannot be fitted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.stats import factor
from loftet_analysis.stats.cr2 import mean
from tests.conftest import reason

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "lavaan.json").read_text())
LINKED = pd.read_csv(REFERENCE / "linked_wide.csv")
WAVES = pd.read_csv(REFERENCE / "waves.csv")
GROUPS = pd.read_csv(REFERENCE / "groups.csv")
GRADES = pd.read_csv(REFERENCE / "grades.csv")


def linked(k, data=LINKED):
    names = [f"{wave}{i}" for wave in ("pre", "post") for i in range(1, k + 1)]
    return data[names].to_numpy(float)


def grouped(k, data=GROUPS):
    items = [f"i{i}" for i in range(1, k + 1)]
    return [part[items].to_numpy(float) for _, part in data.groupby("group")]


def assert_agrees(found, described, said, last):
    assert found.df == said["df"]
    assert found.chisq == pytest.approx(said["chisq"], abs=1e-6)
    for name in ("cfi", "tli", "rmsea", "srmr"):
        assert getattr(found, name) == pytest.approx(said[name], abs=1e-6), name
    if found.df:
        assert found.p_value == pytest.approx(said["pvalue"], abs=1e-7)
    if described.latent_mean >= 0:
        place = described.latent_mean
        assert found.theta[place] == pytest.approx(said["means"]["est"][last], abs=1e-5)
        se = np.sqrt(found.vcov[place, place])
        assert se == pytest.approx(said["means"]["se"][last], abs=1e-6)


OF_PEOPLE = [(LINKED, 3, R["linked3"]), (LINKED, 4, R["linked4"])]
OF_PEOPLE += [(WAVES, int(k), said) for k, said in R["waves"].items()]
OF_GROUPS = [
    *((GROUPS, k, level, R["groups"][f"{level}{k}"])
      for k in (3, 5) for level in factor.LEVELS if f"{level}{k}" in R["groups"]),
    *((GRADES, int(k), level, R["grades"][k][level]) for k in "356" for level in factor.LEVELS),
]  # fmt: skip
LESS = {"metric": "free_loadings", "scalar": "free"}


def assert_score_tests_agree(found, samples, said, k, occasions, level, **kind):
    """The test of each item's equalities, all of them given up together."""
    described = factor.model(k, occasions, level, **kind)
    tests = []
    for item in range(k):
        freer = factor.model(k, occasions, level, **{LESS[level]: (item,)}, **kind)
        tests.append(factor.score_test(described, found, freer, samples))
    assert tests == pytest.approx(said["scores"], rel=1e-5, abs=1e-6)


def assert_people_agree(data, k, level, said, **free):
    described = factor.model(k, 2, level, linked=True, **free)
    answers = linked(k, data)
    found = factor.fit(described, [factor.moments(answers)])
    assert_agrees(found, described, said, last=1)
    if described.latent_mean >= 0:
        values = factor.influence(described, found, [answers], described.latent_mean)
        sums = pd.Series(values).groupby(data["school"].to_numpy()).sum()
        mlr = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1))
        assert mlr == pytest.approx(said["clustered"]["se"], rel=1e-6)
    return found, [factor.moments(answers)]


@pytest.mark.parametrize(("data", "k", "said"), OF_PEOPLE)
@pytest.mark.parametrize("level", factor.LEVELS)
def test_two_waves_of_the_same_people_agree_with_lavaan(data, k, said, level):
    fitted = assert_people_agree(data, k, level, said[level])
    if level in LESS:
        assert_score_tests_agree(*fitted, said[level], k, 2, level, linked=True)


def test_two_waves_with_a_free_intercept_agree_with_lavaan():
    assert_people_agree(LINKED, 4, "scalar", R["linked_partial4"], free=(2,))
    assert_people_agree(WAVES, 6, "scalar", R["waves_partial6"], free=(4,))


def fit_of_groups(data, k, level, **free):
    answers = grouped(k, data)
    described = factor.model(k, len(answers), level, linked=False, **free)
    samples = [factor.moments(part) for part in answers]
    return described, factor.fit(described, samples), samples


@pytest.mark.parametrize(("data", "k", "level", "said"), OF_GROUPS)
def test_groups_agree_with_lavaan(data, k, level, said):
    described, found, samples = fit_of_groups(data, k, level)
    assert_agrees(found, described, said, last=-1)
    if level in LESS:
        assert_score_tests_agree(found, samples, said, k, len(samples), level, linked=False)


@pytest.mark.parametrize(
    ("data", "k", "level", "free", "said"),
    [
        (GROUPS, 5, "scalar", {"free": (2,)}, R["groups"]["partial5"]),
        (GRADES, 6, "metric", {"free_loadings": (3,)}, R["grades"]["partial_metric6"]),
        (GRADES, 6, "scalar", {"free": (1,), "free_loadings": (3,)}, R["grades"]["partial6"]),
    ],
)
def test_groups_with_items_set_free_agree_with_lavaan(data, k, level, free, said):
    described, found, _ = fit_of_groups(data, k, level, **free)
    assert_agrees(found, described, said, last=-1)


def test_the_same_moments_give_the_same_fit_however_many_people():
    described = factor.model(4, 2, "scalar", linked=True)
    once = factor.moments(linked(4))
    twice = factor.moments(np.vstack([linked(4), linked(4)]))
    one, two = factor.fit(described, [once]), factor.fit(described, [twice])
    assert two.chisq == pytest.approx(2 * one.chisq)
    np.testing.assert_allclose(two.theta, one.theta, atol=1e-7)


def test_other_units_change_no_fit_and_no_latent_change():
    described = factor.model(4, 2, "scalar", linked=True)
    one = factor.fit(described, [factor.moments(linked(4))])
    other = factor.fit(described, [factor.moments(5 - 2 * linked(4))])
    assert other.chisq == pytest.approx(one.chisq)
    change = one.theta[described.latent_mean]
    assert abs(other.theta[described.latent_mean]) == pytest.approx(abs(change), abs=1e-6)


def test_influence_values_are_scores_before_the_inverse_of_the_information():
    described = factor.model(3, 1, "configural", linked=False)
    answers = linked(3)[:, :3]
    found = factor.fit(described, [factor.moments(answers)])
    step, scores = 1e-5, []
    for k in range(len(found.theta)):
        ends = []
        for sign in (-1, 1):
            theta = found.theta + sign * step * (np.arange(len(found.theta)) == k)
            *_, sigma, mu = described.groups[0].matrices(theta)
            apart = answers - mu
            log = np.linalg.slogdet(sigma)[1]
            ends.append(-0.5 * (log + np.einsum("ij,jk,ik->i", apart, np.linalg.inv(sigma), apart)))
        scores.append((ends[1] - ends[0]) / (2 * step))
    expected = np.linalg.solve(found.observed, np.array(scores))
    for k in range(len(found.theta)):
        values = factor.influence(described, found, [answers], k)
        np.testing.assert_allclose(values, expected[k], rtol=1e-4, atol=1e-7)
        assert values.sum() == pytest.approx(0, abs=1e-6)


def test_clusters_that_differ_make_the_latent_change_less_certain():
    described = factor.model(4, 2, "scalar", linked=True)
    answers = linked(4)
    found = factor.fit(described, [factor.moments(answers)])
    place = described.latent_mean
    values = len(answers) * factor.influence(described, found, [answers], place)
    by_school = mean(values, LINKED["school"].to_numpy())
    assert by_school.se**2 > 1.5 * found.vcov[place, place]


def refusal(*samples, items=3, occasions=1, level="configural"):
    described = factor.model(items, occasions, level, linked=False)
    return reason(factor.fit, described, list(map(factor.moments, samples)))


def test_what_cannot_be_fitted_is_refused_with_its_reason():
    rng = np.random.default_rng(1)
    answers = rng.normal(size=(300, 3))
    assert refusal(answers[:, :2], items=2) == "not_estimable"
    assert refusal(np.column_stack([answers[:, :2], np.ones(300)])) == "no_variance"
    same = np.column_stack([answers[:, :2], answers[:, 0]])
    assert refusal(same) == "no_variance"
