"""Nested REML: against lme4 and lmerTest, its own dense likelihood, algebra, and its refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.stats.mixed import fit
from loftet_analysis.stats.result import NotEstimableError
from tests.conftest import reason

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "multilevel.json").read_text())
LME4 = json.loads((REFERENCE / "lme4.json").read_text())
NESTED = pd.read_csv(REFERENCE / "nested.csv")
ONE = np.ones(len(NESTED))


def constant(frame):
    return np.ones((len(frame), 1))


def with_wave(frame):
    return np.column_stack([np.ones(len(frame)), frame["wave"]])


MODELS = {
    "intercept": {"x": with_wave(NESTED)},
    "slope": {"x": with_wave(NESTED), "slope": NESTED["wave"]},
    "slope_person": {"x": with_wave(NESTED), "slope": NESTED["wave"], "person": NESTED["person"]},
    "covariate": {
        "x": np.column_stack(
            [ONE, NESTED["wave"], NESTED["girl"], NESTED["wave"] * NESTED["girl"]]
        ),
        "slope": NESTED["wave"],
        "person": NESTED["person"],
    },
    "person_only_intercept": {"x": with_wave(NESTED), "person": NESTED["person"]},
}
NAMES = {
    ("school", "(Intercept)", None): "school_intercept",
    ("school", "wave", None): "school_slope",
    ("school", "(Intercept)", "wave"): "school_covariance",
    ("person", "(Intercept)", None): "person",
    ("Residual", None, None): "residual",
}


def assert_agrees(found, said):
    contrasts = [found.contrast(row) for row in np.eye(len(found.coefficients))]
    assert found.deviance == pytest.approx(said["deviance"], abs=1e-5)
    assert [c.estimate for c in contrasts] == pytest.approx(np.ravel(said["estimate"]), abs=1e-5)
    assert [c.se for c in contrasts] == pytest.approx(np.ravel(said["se"]), rel=1e-4)
    assert [c.df for c in contrasts] == pytest.approx(np.ravel(said["df"]), rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_nested_models_agree_with_lme4_and_lmertest(name):
    found = fit(NESTED["y"], school=NESTED["school"], **MODELS[name])
    assert_agrees(found, R[name])
    for part in R[name]["components"]:
        key = NAMES[part["group"], part.get("one"), part.get("two")]
        assert found.components[key] == pytest.approx(part["value"], abs=2e-4)


def test_high_school_and_beyond():
    hsb = pd.read_csv(REFERENCE / "hsb.csv")
    found = fit(hsb["y"], constant(hsb), hsb["school"])
    assert found.contrast([1]).estimate == pytest.approx(12.6370, abs=5e-5)
    assert found.components["school_intercept"] == pytest.approx(8.6140, abs=5e-5)
    assert found.components["residual"] == pytest.approx(39.148, abs=5e-4)
    assert_agrees(found, R["hsb"])


REGION8 = pd.read_csv(REFERENCE / "region8.csv")
UNLINKED = pd.read_csv(REFERENCE / "unlinked.csv")
LINKED = pd.read_csv(REFERENCE / "linked_wide.csv")
FILES = {
    "region8_change_2level": (REGION8, "change", constant(REGION8), {}),
    "linked_change_2level": (LINKED, "change", constant(LINKED), {}),
    "linked_change_regionFE": (
        LINKED, "change", pd.get_dummies(LINKED["region"]).to_numpy(float), {}
    ),
    "unlinked_school": (UNLINKED, "y", with_wave(UNLINKED), {}),
    "unlinked_slope": (UNLINKED, "y", with_wave(UNLINKED), {"slope": UNLINKED["wave"]}),
    "ancova": (LINKED, "post", np.column_stack([np.ones(len(LINKED)), LINKED["pre"]]), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_reference_files_agree_with_lme4_at_its_tight_optimum(name):
    data, y, x, more = FILES[name]
    found = fit(data[y], x, data["school"], **more)
    assert_agrees(found, LME4[name])
    for part in LME4[name]["components"]:
        key = NAMES[part["group"], part.get("one"), part.get("two")]
        assert found.components[key] == pytest.approx(part["value"], abs=1e-5), key


def dense_deviance(y, x, school, wave, person, found):
    """The restricted likelihood written out with n x n matrices."""
    parts = found.components
    psi = np.array([[parts["school_intercept"], parts["school_covariance"]],
                    [parts["school_covariance"], parts["school_slope"]]])  # fmt: skip
    z = np.column_stack([np.ones(len(y)), wave])
    same_school = school[:, None] == school[None, :]
    same_person = person[:, None] == person[None, :]
    v = same_school * (z @ psi @ z.T) + same_person * parts["person"]
    v = v + np.eye(len(y)) * parts["residual"]
    inverse = np.linalg.inv(v)
    xvx = x.T @ inverse @ x
    beta = np.linalg.solve(xvx, x.T @ inverse @ y)
    e = y - x @ beta
    q = x.shape[1]
    return (
        np.linalg.slogdet(v)[1] + np.linalg.slogdet(xvx)[1] + e @ inverse @ e
        + (len(y) - q) * np.log(2 * np.pi)
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_deviance_is_that_of_the_dense_likelihood_and_the_least_there_is(seed):
    rng = np.random.default_rng(seed)
    n, n_schools = 60, 7
    school = rng.integers(0, n_schools, n)
    y0 = rng.normal(0, 1, n) + rng.normal(0, 0.5, n_schools)[school]
    y1 = y0 * 0.5 + rng.normal(0, 1, n) + rng.normal(0, 0.4, n_schools)[school]
    y, wave = np.concatenate([y0, y1]), np.repeat([0.0, 1.0], n)
    school, person = np.tile(school, 2), np.tile(np.arange(n), 2)
    kept = rng.random(2 * n) > 0.2
    y, wave, school, person = y[kept], wave[kept], school[kept], person[kept]
    x = np.column_stack([np.ones(len(y)), wave])
    found = fit(y, x, school, slope=wave, person=person)
    exact = dense_deviance(y, x, school, wave, person, found)
    assert found.deviance == pytest.approx(exact, abs=1e-6)
    for name in found.components:
        if name == "school_covariance":
            continue
        more = {**found.components, name: found.components[name] * 1.02 + 1e-4}
        moved = type("Fit", (), {"components": more})
        assert dense_deviance(y, x, school, wave, person, moved) >= exact - 1e-7


def test_balanced_data_give_the_analysis_of_variance():
    rng = np.random.default_rng(4)
    values = rng.normal(0, 1, (9, 6)) + rng.normal(0, 1, (9, 1))
    found = fit(values.ravel(), np.ones((54, 1)), np.repeat(np.arange(9), 6))
    between = 6 * values.mean(axis=1).var(ddof=1)
    within = values.var(axis=1, ddof=1).mean()
    assert found.components["residual"] == pytest.approx(within, rel=1e-5)
    assert found.components["school_intercept"] == pytest.approx((between - within) / 6, rel=1e-5)
    mean = found.contrast([1])
    assert mean.se == pytest.approx(np.sqrt(between / 54), rel=1e-6)
    assert mean.df == pytest.approx(8, rel=1e-3)


@pytest.mark.parametrize("factor", [-3.0, 1e-4, 1e6])
def test_other_units_change_nothing_but_the_units(factor):
    model = MODELS["slope_person"]
    one = fit(NESTED["y"], school=NESTED["school"], **model).contrast([0, 1])
    other = fit(factor * NESTED["y"] + 7, school=NESTED["school"], **model).contrast([0, 1])
    assert other.estimate == pytest.approx(factor * one.estimate, rel=1e-4)
    assert other.se == pytest.approx(abs(factor) * one.se, rel=1e-4)
    assert other.df == pytest.approx(one.df, rel=1e-3)


def test_a_slope_of_a_constant_is_refused():
    with pytest.raises(NotEstimableError, match="not_estimable"):
        fit(NESTED["y"], with_wave(NESTED), NESTED["school"], slope=np.full(len(NESTED), 2023.0))


def test_row_order_and_labels_change_nothing():
    order = np.random.default_rng(1).permutation(len(NESTED))
    mixed = NESTED.iloc[order]
    one = fit(NESTED["y"], school=NESTED["school"], **MODELS["slope_person"]).contrast([0, 1])
    other = fit(
        mixed["y"],
        with_wave(mixed),
        mixed["school"].map("s{}".format),
        slope=mixed["wave"],
        person=mixed["person"].map("p{}".format),
    ).contrast([0, 1])
    assert (other.estimate, other.se, other.df) == pytest.approx(
        (one.estimate, one.se, one.df), rel=1e-5
    )


def test_an_interval_is_that_of_t():
    found = fit(NESTED["y"], school=NESTED["school"], **MODELS["slope"]).contrast([0, 1])
    low, high = found.interval(0.9)
    assert (low + high) / 2 == pytest.approx(found.estimate)
    assert found.p_value < 0.05
    assert found.statistic == pytest.approx(found.estimate / found.se)


def test_what_cannot_be_fitted_is_refused_with_its_reason():
    y, school = np.array([1.0, 2, 3, 5, 4, 6]), np.array([0, 0, 1, 1, 2, 2])
    x, person = np.ones((6, 1)), np.array([0, 1, 2, 3, 4, 5])
    assert reason(fit, y, x, np.zeros(6)) == "one_cluster"
    assert reason(fit, np.full(6, 2.0), x, school) == "no_variance"
    assert reason(fit, y, np.ones((6, 2)), school) == "not_estimable"
    assert reason(fit, y, np.eye(6), school) == "not_estimable"
    assert reason(fit, y, x, school, person=np.array([0, 1, 0, 1, 2, 3])) == "not_nested"
    assert reason(fit, y, x, school, person=person) == "not_estimable"  # everybody has one row


@pytest.mark.parametrize(("repeated", "told"), [(0, True), (2, True), (12, False)])
def test_people_of_whom_hardly_anybody_answered_twice_tell_nothing_about_people(repeated, told):
    rng = np.random.default_rng(3)
    person = np.r_[np.arange(36), np.arange(repeated)]
    school = person % 6
    y = rng.normal(size=len(person)) + rng.normal(size=36)[person]
    x = np.ones((len(person), 1))
    if told:
        with pytest.raises(NotEstimableError, match="not_estimable"):
            fit(y, x, school, person=person)
    else:
        assert fit(y, x, school, person=person).contrast([1]).se > 0
