"""MDES and power against PowerUpR's formulas, t-tests, and what the engine does in simulations."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from benchmarks import planning as bench
from loftet_analysis.errors import InputError
from loftet_analysis.stats.cr2 import mean
from loftet_analysis.stats.power import (
    DESIGNS,
    Design,
    computed,
    degrees_of_freedom,
    mdes,
    power,
    schools_needed,
    standard_error,
)

REFERENCE = json.loads((Path(__file__).parent / "reference" / "planning.json").read_text())
few = settings(max_examples=40, deadline=None)


def as_same_grade(case):
    """What covariates explain of people is no part of the variance within schools."""
    return Design(
        "same_grade", case["J"], case["n"] / 2, between(case, "omega2"), icc=1 - within(case)
    )


def as_linked(case):
    """Each person their own control: what the second answer shares with the first is R²."""
    v = between(case, "omega2")
    return Design("linked_change", case["J"], case["n"] / 2, v, r=1 - (2 * within(case) + v) / 2)


def as_roles(case):
    """Changes with variance 1 (r = .5), of which ρ₂ lies between schools."""
    return Design(
        "participants_vs_colleagues", case["J"], case["n"], case["rho2"],
        r=1 - (within(case) + case["rho2"]) / 2,
        participants=case.get("p", 0.5), contrast_variance=between(case, "omega2"),
    )  # fmt: skip


def within(case):
    return (1 - case["rho2"]) * (1 - case.get("r21", 0))


def between(case, omega2):
    return case["rho2"] * case[omega2] * (1 - case.get("r2t2", 0))


#: Covariates of schools, which cost degrees of freedom, are no part of what is planned here.
POWERUP = [case for case in REFERENCE["bira2r1"] if not case["g2"]]
HALVES = [case for case in POWERUP if case["p"] == 0.5]


@pytest.mark.parametrize(
    ("as_design", "case"),
    [
        *((as_roles, case) for case in POWERUP),
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
    case = next(case for case in POWERUP if case["p"] == 0.6)
    design = replace(
        as_same_grade(case), people=case["n"] * case["p"],
        attrition=1 - (1 - case["p"]) / case["p"],
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


CELLS = [(design, size, unequal) for design, size, unequal in bench.cells()]


@pytest.mark.parametrize(
    ("design", "size"),
    [
        pytest.param(d, s, marks=[pytest.mark.long] if n else [])
        for n, (d, s, _) in enumerate(CELLS)
    ],
    ids=[f"{d.estimand}-{d.schools}-{'unequal' if u else 'equal'}" for d, _, u in CELLS],
)
def test_the_engine_has_the_power_that_was_planned(design, size):
    """A small version of the table of benchmarks/README.md, whose seeds are fixed."""
    draws = 1000 if design.schools < 100 else 400
    found = bench.compared(design, size, draws, seed=20270401)
    assert found["found"] == pytest.approx(found["planned"], abs=3 * found["error"] + 0.02)
    assert found["false"] == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / draws) + 0.01)
    assert found["se_ratio"] == pytest.approx(1, abs=0.05 + 2 / np.sqrt(2 * draws))
    assert found["df_ratio"] == pytest.approx(1, abs=0.03)


def test_a_plan_that_forgets_the_schools_promises_what_is_not_found():
    design, size, _ = CELLS[2]
    naive = replace(design, change_variance=0.0)
    found = bench.compared(design, size, 400, seed=3)
    assert mdes(naive) < 0.8 * found["mdes"]
    assert power(design, mdes(naive)) < 0.6


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
    participants=st.floats(0.1, 0.9),
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
    assert mdes(design, 0.9) > seen
    assert mdes(replace(design, ci_level=0.90)) < seen


@given(design=designs, effect=st.floats(0.05, 1))
@few
def test_power_mdes_and_schools_agree(design, effect):
    assert power(design, 0) == pytest.approx(1 - design.ci_level, abs=1e-9)
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


def test_designs_in_rows_have_what_each_alone_has():
    design = Design("same_grade", 20, 100, 0.03)
    rows = [design, replace(design, schools=10), design]
    given = [{"mark": n, **vars(each), "effect": 0.2} for n, each in enumerate(rows)]
    given[2]["effect"] = np.nan
    found = computed(pd.DataFrame(given, index=[7, 5, 6]))
    assert [*found.columns] == [*given[0], "se", "df", "mdes", "power"]
    assert found["mark"].tolist() == [0, 1, 2]
    assert found.index.tolist() == [7, 5, 6]
    assert found["mdes"].tolist() == [mdes(each) for each in rows]
    assert found["se"].tolist() == [standard_error(each) for each in rows]
    assert found["df"].tolist() == [degrees_of_freedom(each) for each in rows]
    assert found["power"].tolist()[:2] == [power(each, 0.2) for each in rows[:2]]
    assert found["power"].isna().tolist() == [False, False, True]


def test_impossible_designs_tell_all_that_is_wrong():
    with pytest.raises(InputError) as error:
        Design(
            "linked",
            1,
            0,
            -0.1,
            r=1.0,
            icc=1.0,
            attrition=1.0,
            cv=-1,
            participants=0.0,
            ci_level=1.0,
        )
    said = [problem.what.split()[0] for problem in error.value.problems]
    assert said == [
        "estimand", "schools", "people", "r", "change_variance", "icc", "attrition", "cv",
        "participants", "ci_level",
    ]  # fmt: skip
    with pytest.raises(InputError, match="no degrees of freedom are left"):
        Design("linked_change", 2, 20, 0.05, cv=1.0)
    with pytest.raises(InputError, match="change_variance"):
        Design("linked_change", 4, 20, 0.5, r=0.8)
    with pytest.raises(InputError, match="cv is out of range"):
        Design("linked_change", 4, 20, 0.05, cv=1.8)
    with pytest.raises(InputError, match="no number of schools can show no effect"):
        schools_needed(Design("linked_change", 4, 20, 0.05), 0.0)
