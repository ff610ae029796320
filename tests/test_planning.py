"""MDES and power against PowerUpR's formulas, t-tests, and what the engine does in simulations."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from loftet_analysis.errors import InputError
from loftet_analysis.stats.cr2 import contrast, mean
from loftet_analysis.stats.power import (
    COLUMNS,
    DESIGNS,
    Design,
    degrees_of_freedom,
    mdes,
    power,
    schools_needed,
    standard_error,
    table,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "planning.json").read_text())
REPLICATIONS = 2000
few = settings(max_examples=40, deadline=None)


def as_same_grade(case):
    return Design(
        "same_grade", case["J"], case["n"] / 2, case["rho2"] * case["omega2"], icc=case["rho2"],
        r2_people=case.get("r21", 0), r2_schools=case.get("r2t2", 0), covariates=case.get("g2", 0),
    )  # fmt: skip


def as_linked(case):
    """Each person their own control: what the second answer shares with the first is R²."""
    v = case["rho2"] * case["omega2"]
    unexplained = 2 * (1 - case["rho2"]) * (1 - case.get("r21", 0))
    return Design(
        "linked_change", case["J"], case["n"] / 2, v, r=1 - (unexplained + v) / 2,
        r2_schools=case.get("r2t2", 0), covariates=case.get("g2", 0),
    )  # fmt: skip


def as_roles(case):
    """Changes with variance 1 (r = .5), of which ρ₂ lies between schools."""
    return Design(
        "participants_vs_colleagues", case["J"], case["n"], case["rho2"], r=0.5,
        share=case.get("p", 0.5), contrast_variance=case["rho2"] * case["omega2"],
        r2_people=case.get("r21", 0), r2_schools=case.get("r2t2", 0), covariates=case.get("g2", 0),
    )  # fmt: skip


HALVES = [case for case in REFERENCE["bira2r1"] if case["p"] == 0.5]


@pytest.mark.parametrize(
    ("as_design", "case"),
    [
        *((as_roles, case) for case in REFERENCE["bira2r1"]),
        *((as_same_grade, case) for case in HALVES),
        *((as_linked, case) for case in HALVES),
    ],
)
def test_formulas_are_those_of_powerup(as_design, case):
    design = as_design(case)
    assert standard_error(design) == pytest.approx(case["se"], rel=1e-12)
    assert degrees_of_freedom(design) == case["df"]
    assert mdes(design) == pytest.approx(case["mdes"], rel=1e-10)
    assert power(design, case["es"]) == pytest.approx(case["power"], abs=1e-10)


def test_people_lost_after_make_arms_of_unequal_size():
    case = next(case for case in REFERENCE["bira2r1"] if case["p"] == 0.6)
    before = case["n"] * case["p"]
    design = Design(
        "same_grade", case["J"], before, case["rho2"] * case["omega2"], icc=case["rho2"],
        attrition=1 - (1 - case["p"]) / case["p"], r2_people=case["r21"],
    )  # fmt: skip
    assert standard_error(design) == pytest.approx(case["se"], rel=1e-3)
    assert degrees_of_freedom(design) == pytest.approx(case["df"], rel=0.01)


@pytest.mark.parametrize("as_design", [as_same_grade, as_linked, as_roles])
def test_what_powerupr_prints(as_design):
    first, *others = REFERENCE["published"]
    design = as_design(first)
    assert round(standard_error(design), 3) == first["se"]
    assert round(mdes(design), 3) == first["mdes"]
    assert schools_needed(design, first["mdes"]) == first["J"]
    for case in others:
        assert round(power(as_design(case), case["es"]), 4) == case["power"]


@pytest.mark.parametrize("case", REFERENCE["paired"])
def test_one_person_per_school_is_the_paired_t_test(case):
    design = Design("linked_change", case["n"], 1, 0.0, r=case["r"])
    assert power(design, case["effect"]) == pytest.approx(case["power"], abs=1e-8)
    assert power(replace(design, change_variance=0.1), case["effect"]) == pytest.approx(
        case["power"], abs=1e-8
    )
    d_z = case["effect"] / np.sqrt(2 * (1 - case["r"]))
    other = TTestPower().power(d_z, nobs=case["n"], alpha=0.05)
    assert power(design, case["effect"]) == pytest.approx(other, abs=1e-8)


@pytest.mark.parametrize(
    ("people", "r", "icc_change", "known", "with_10"),
    [
        (100, 0.6, 0.03, (0.16, 0.07, 0.05), 0.18),
        (100, 0.5, 0.05, (0.22, 0.10, 0.07), 0.24),
        (3, 0.6, 0.10, (0.50, 0.22, 0.16), 0.56),
    ],
)
def test_figures_of_the_methods_are_those_of_many_schools(people, r, icc_change, known, with_10):
    """They take the multiplier of many df, 2.8, also with 10 schools, where t(9) makes it 3.15."""
    for schools, figure in zip((10, 50, 100), known, strict=True):
        design = Design("linked_change", schools, people, icc_change * 2 * (1 - r), r=r)
        assert round(2.8 * standard_error(design), 2) == figure
        assert mdes(design) == pytest.approx(figure, rel=0.15)
    assert round(mdes(replace(design, schools=10)), 2) == with_10


def test_seven_linked_participants_show_about_one_sd():
    assert mdes(Design("linked_change", 7, 1, 0.0, r=0.65)) == pytest.approx(1.05, abs=0.02)


def sizes_of(design):
    """Schools of two sizes with the design's mean and CV."""
    signs = np.tile([-1, 1], design.schools // 2)
    return np.rint(design.people * (1 + signs * design.cv)).astype(int)


def two_answers(design, school, rng):
    """Answers before and after of the same people, of variance 1 and correlation r, and V."""
    s, icc, v = design.schools, design.icc, design.change_variance
    shared = [[icc, icc - v / 2], [icc - v / 2, icc]]
    own = np.array([[1.0, design.r], [design.r, 1.0]]) - shared
    level = rng.multivariate_normal([0, 0], shared, s, method="cholesky")
    return level[school] + rng.multivariate_normal([0, 0], own, len(school), method="cholesky")


def linked(design, effect, rng):
    school = np.repeat(np.arange(design.schools), sizes_of(design))
    before, after = two_answers(design, school, rng).T
    kept = rng.uniform(size=len(school)) >= design.attrition
    return mean((after - before + effect)[kept], school[kept])


def roles(design, effect, rng):
    sizes = sizes_of(design)
    school = np.repeat(np.arange(design.schools), sizes)
    role = np.concatenate([np.arange(n) < round(design.share * n) for n in sizes]).astype(float)
    before, after = two_answers(design, school, rng).T
    apart = effect + np.sqrt(design.contrast_variance) * rng.normal(size=design.schools)
    change = after - before + role * apart[school]
    return contrast(change, np.column_stack([np.ones(len(role)), role]), [0, 1], school)


def same_grade(design, effect, rng):
    """Two grades per school, other people in each wave, cells weighted by their share."""
    n = np.repeat(sizes_of(design) // 2, 2)
    school = np.repeat(np.arange(design.schools), 2)
    n = np.column_stack([n, np.maximum(1, rng.binomial(n, 1 - design.attrition))])
    change = effect + np.sqrt(design.change_variance) * rng.normal(size=design.schools)
    means = rng.normal(size=(design.schools, 2)).ravel()[:, None] + np.sqrt(
        (1 - design.icc) / n
    ) * rng.normal(size=n.shape)
    means[:, 1] += change[school]
    cells = np.arange(len(n))
    return contrast(
        means.ravel(), np.tile([[0.0], [1.0]], (len(n), 1)), [1], np.repeat(school, 2),
        cells=np.repeat(cells, 2), counts=n.ravel(),
        weights=(n.sum(axis=1, keepdims=True) / n).ravel(),
    )  # fmt: skip


SIMULATED = [
    (linked, Design("linked_change", 8, 30, 0.03), 0.28),
    (linked, Design("linked_change", 12, 20, 0.05, r=0.5, cv=0.5, attrition=0.3), 0.32),
    (linked, Design("linked_change", 20, 4, 0.08, cv=0.25, attrition=0.25), 0.0),
    (same_grade, Design("same_grade", 10, 40, 0.03, attrition=0.2), 0.25),
    (same_grade, Design("same_grade", 16, 60, 0.02, cv=0.6, icc=0.1), 0.18),
    (roles, Design("participants_vs_colleagues", 10, 12, 0.05, share=0.25), 0.6),
    (roles, Design("participants_vs_colleagues", 12, 12, 0.05, cv=1 / 3, contrast_variance=0.1),
     0.45),
]  # fmt: skip


@pytest.mark.parametrize(("simulate", "design", "effect"), SIMULATED)
def test_the_engine_has_the_power_that_was_planned(simulate, design, effect):
    rng = np.random.default_rng(20270401)
    found = [simulate(design, effect, rng) for _ in range(REPLICATIONS)]
    planned = power(design, effect)
    rate = np.mean([each.p_value < design.alpha for each in found])
    assert rate == pytest.approx(planned, abs=3 * np.sqrt(planned / REPLICATIONS) + 0.02)
    spread = np.std([each.estimate for each in found])
    assert standard_error(design) == pytest.approx(spread, rel=0.06)
    df = np.mean([each.df for each in found])
    assert degrees_of_freedom(design) == pytest.approx(df, rel=0.06)


@given(seed=st.integers(0, 2**32 - 1), schools=st.integers(4, 60))
@few
def test_planned_df_are_satterthwaite_s_or_a_little_fewer(seed, schools):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 60, schools)
    cv = sizes.std() / sizes.mean()
    design = Design("linked_change", schools, sizes.mean(), 0.05, cv=cv)
    school = np.repeat(np.arange(schools), sizes)
    found = mean(rng.normal(size=len(school)), school)
    assert degrees_of_freedom(design) <= found.df * (1 + 1e-9)
    if schools >= 10:
        assert degrees_of_freedom(design) > 0.9 * found.df
    equal = replace(design, cv=0.0)
    balanced = mean(rng.normal(size=4 * schools), np.repeat(np.arange(schools), 4))
    assert degrees_of_freedom(equal) == pytest.approx(balanced.df)


designs = st.builds(
    Design,
    estimand=st.sampled_from(DESIGNS),
    schools=st.integers(4, 200),
    people=st.floats(1, 200),
    change_variance=st.floats(0.001, 0.1),
    r=st.floats(0, 0.9),
    icc=st.floats(0, 0.3),
    attrition=st.floats(0, 0.5),
    cv=st.floats(0, 0.8),
    share=st.floats(0.1, 0.9),
    contrast_variance=st.floats(0, 0.1),
)


@given(design=designs)
@few
def test_more_of_everything_shows_more(design):
    seen = mdes(design)
    assert mdes(replace(design, schools=design.schools + 1)) < seen
    assert mdes(replace(design, people=2 * design.people)) < seen
    assert mdes(replace(design, attrition=design.attrition + 0.2)) > seen
    assert mdes(replace(design, cv=design.cv + 0.2)) > seen
    assert mdes(replace(design, r2_people=0.5)) < seen
    assert mdes(design, 0.9) > seen
    assert mdes(replace(design, alpha=0.10)) < seen


@given(design=designs, effect=st.floats(0.05, 1))
@few
def test_power_mdes_and_schools_agree(design, effect):
    assert power(design, 0) == pytest.approx(design.alpha, abs=1e-9)
    assert power(design, -effect) == pytest.approx(power(design, effect))
    if degrees_of_freedom(design) > 4:
        assert power(design, mdes(design)) == pytest.approx(0.80, abs=0.012)
    enough = replace(design, schools=schools_needed(design, effect))
    assert mdes(enough) <= effect
    if degrees_of_freedom(enough) > 1.1:
        assert mdes(replace(enough, schools=enough.schools - 1)) > effect


def test_an_effect_far_above_the_mdes_is_found():
    assert power(Design("linked_change", 117, 2, 0.0625, r=0.0), 1.0) == pytest.approx(1)
    assert power(Design("linked_change", 2, 100, 0.01), 20.0) == pytest.approx(1, abs=0.01)


def test_many_people_leave_what_lies_between_schools():
    design = Design("same_grade", 30, 1e9, 0.04)
    assert standard_error(design) == pytest.approx(np.sqrt(0.04 / 30), rel=1e-6)
    roles_alike = Design("participants_vs_colleagues", 30, 1e9, 0.04)
    assert standard_error(roles_alike) == pytest.approx(0, abs=1e-4)


def test_grid_has_a_row_per_schools_and_people():
    design = Design("same_grade", 2, 1, 0.03)
    found = table(design, schools=[10, 20], people=[25, 50, 100], effect=0.2)
    assert tuple(found.columns) == COLUMNS
    assert found["schools"].tolist() == [10, 10, 10, 20, 20, 20]
    assert found["people"].tolist() == [25, 50, 100] * 2
    last = replace(design, schools=20, people=100)
    assert found["mdes"].iloc[-1] == mdes(last)
    assert found["power"].iloc[-1] == power(last, 0.2)
    assert table(design, schools=iter([10]), people=iter([25]))["power"].isna().all()


def test_impossible_designs_tell_all_that_is_wrong():
    with pytest.raises(InputError) as error:
        Design("linked", 1, 0, -0.1, r=1.0, icc=1.0, attrition=1.0, cv=-1, share=0.0, alpha=0.0)
    said = [problem.what.split()[0] for problem in error.value.problems]
    assert said == [
        "estimand", "schools", "people", "r", "change_variance", "icc", "attrition", "cv",
        "share", "alpha",
    ]  # fmt: skip
    with pytest.raises(InputError, match="no degrees of freedom are left"):
        Design("linked_change", 4, 20, 0.05, covariates=3)
    with pytest.raises(InputError, match="change_variance"):
        Design("linked_change", 4, 20, 0.5, r=0.8)
    with pytest.raises(InputError, match="cv is out of range"):
        Design("linked_change", 4, 20, 0.05, cv=1.8)
    with pytest.raises(InputError, match="no number of schools can show no effect"):
        schools_needed(Design("linked_change", 4, 20, 0.05), 0.0)
