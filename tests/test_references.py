"""The public functions against R (levels, course, dose, trend, verdicts) and published tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loftet_analysis as la
from loftet_analysis.cleaning.units import units
from loftet_analysis.stats.reliability import (
    alpha,
    intraclass_correlation,
    intraclass_interval,
    omega,
)
from loftet_analysis.study.questionnaire import Questionnaire
from loftet_analysis.study.trends import Figure, Trend
from tests.test_effects import answers, in_two_waves, plan, unit

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "estimates.json").read_text())
PUBLISHED = json.loads((REFERENCE / "published.json").read_text())
LINKED = pd.read_csv(REFERENCE / "linked_wide.csv")
REGION8 = pd.read_csv(REFERENCE / "region8.csv")
TEACHERS = pd.read_csv(REFERENCE / "teachers30.csv")
SEEDS = st.integers(0, 2**32 - 1)


def number(text):
    return text.str.extract(r"(\d+)$")[0].astype(int)


def in_waves(data, **columns):
    """Clean rows of people who stay at their school."""
    at = {"school_pre": data["school"], "school_post": data["school"]}
    return in_two_waves(pd.DataFrame({**at, "pre": data["pre"], "post": data["post"], **columns}))


def attending(data=LINKED):
    """Pupils of linked_wide.csv; roles and attendance by their numbers."""
    pupil, school = number(data["pupil"]), number(data["school"])
    return in_waves(
        data,
        role=np.where(pupil % 3 == 0, "participant", "colleague"),
        gatherings=((pupil + 2 * school) % 11).astype(float),
        interim_work=((pupil // 3 + school) % 3).astype(float),
    )


def in_grades():
    data = pd.read_csv(REFERENCE / "same_grade.csv").rename(columns={"school": "school_id"})
    return data.assign(wave=data["wave"].map({0: "pre", 1: "post"}))


def asked(*estimands, **more):
    return plan(*estimands, **{"population": "teachers", **more})


def assert_agrees(row, reference):
    for name, value in reference.items():
        assert row[name] == pytest.approx(value, rel=1e-8, abs=1e-9), name


@pytest.mark.parametrize("case", R["level"])
def test_levels_are_those_of_clubsandwich(case):
    reference, (file, wave) = R["level"][case], case.split("_")
    clean = in_waves(REGION8 if file == "region8" else LINKED)
    wave = wave if wave in ("pre", "post") else "post"
    rows = la.level(clean, asked("level", wave=wave, midpoint=reference["middle"]))
    for _, row in rows.iterrows():
        assert_agrees(row, reference[row["contrast"]])
    assert rows["contrast"].tolist() == ["mean", "share"]


@pytest.mark.parametrize("people", R["dose"])
def test_dose_is_the_regression_and_the_spline_of_r(people):
    clean = attending()
    clean = clean.drop(columns="role") if people == "everybody" else clean
    rows = la.dose(la.pairs(clean, asked("dose")), asked("dose"))
    expected = [R["dose"][people][column][curve] for column in ("gatherings", "interim_work")
                for curve in ("slope", "spline")]  # fmt: skip
    for (_, row), reference in zip(rows.iterrows(), expected, strict=True):
        assert_agrees(row, reference)
        assert row["estimate"] == pytest.approx(row["change"] / 0.8)
    assert rows["contrast"].tolist() == [
        "per gathering", "gathering: 90th - 10th percentile",
        "per interim work", "interim work: 90th - 10th percentile",
    ]  # fmt: skip


@given(seed=SEEDS, a=st.floats(0.1, 10), b=st.floats(0.1, 10), shift=st.floats(-5, 5),
       sign=st.sampled_from([-1, 1]))  # fmt: skip
@settings(max_examples=5, deadline=None)
def test_dose_turns_with_its_scales_and_not_with_the_order_of_rows(seed, a, b, shift, sign):
    clean = attending(LINKED.sample(120, random_state=seed))
    turned = clean.sample(frac=1, random_state=seed).assign(
        y=lambda d: a * d["y"] + shift, gatherings=lambda d: sign * b * d["gatherings"] + shift
    )
    one, other = (la.dose(la.pairs(each, asked("dose")), asked("dose")) for each in (clean, turned))
    factor = np.array([sign * a / b, sign * a, a, a])
    np.testing.assert_allclose(other["change"], factor * one["change"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other["change_se"], abs(factor) * one["change_se"], rtol=1e-7)
    np.testing.assert_allclose(other["df"], one["df"], rtol=1e-6)


def in_three_waves():
    """Pupils of linked_wide.csv, of whom some do not answer midway, and others afterwards."""
    pupil = number(LINKED["pupil"])
    columns = {
        "pre": LINKED["pre"],
        "mid": ((LINKED["post1"] + LINKED["post2"]) / 2).where(pupil % 5 > 0),
        "post": LINKED["post"].where(pupil % 7 > 0),
    }
    return pd.concat([
        pd.DataFrame({"wave": wave, "school_id": LINKED["school"], "person_id": LINKED["pupil"],
                      "y": y})
        for wave, y in columns.items()
    ], ignore_index=True)  # fmt: skip


COURSE = {"change": "mean", "change_se": "se", "change_ci_low": "ci_low",
          "change_ci_high": "ci_high"}  # fmt: skip


def test_the_course_is_that_of_clubsandwich():
    rows = asked("linked_change", "linked_change", contrast=["", "mid - pre"])
    found = la.course(in_three_waves(), rows).set_index(["who", "wave"])
    assert len(found) == 6
    for (who, wave), row in found.iterrows():
        reference = R["course"][who][wave]
        assert_agrees(row, {COURSE.get(name, name): value for name, value in reference.items()})


@given(seed=SEEDS, factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(max_examples=5, deadline=None)
def test_the_course_turns_with_its_scale_and_not_with_the_order_of_rows(seed, factor, shift):
    rows = asked("linked_change", "linked_change", contrast=["", "mid - pre"])
    clean = in_three_waves()
    turned = clean.assign(y=shift - factor * clean["y"]).sample(frac=1, random_state=seed)
    one, other = la.course(clean, rows), la.course(turned, rows)
    np.testing.assert_allclose(other["mean"], shift - factor * one["mean"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other["ci_low"], shift - factor * one["ci_high"], atol=1e-8)
    np.testing.assert_allclose(other["df"], one["df"], rtol=1e-9)


def figures(year, side):
    return tuple(
        Figure("y", None if each["grade"] == "all" else int(each["grade"]), year, each[side],
               each[f"se_{side}"], "Invented survey", "2028")
        for each in R["trend"]["figures"]
    )  # fmt: skip


def test_a_change_beside_a_trend_and_its_verdict_are_those_of_r():
    trend = Trend(figures(2025, "earlier"), figures(2027, "later"))
    rows = asked("same_grade", population="pupils", trend=[trend])
    for sesoi, verdict in zip(R["trend_sesoi"], R["trend"]["verdict"], strict=True):
        found = la.verdicts(la.same_grade(in_grades(), rows.assign(sesoi=sesoi))).iloc[0]
        assert found["verdict"] == verdict, sesoi
    columns = ("trend", "trend_se", "estimate_vs_trend", "vs_trend_ci_low", "vs_trend_ci_high")
    assert_agrees(found, {name: R["trend"][name] for name in columns})
    assert found["mdes"] == pytest.approx(R["mdes"]["same_grade"], rel=1e-8)
    assert {"unclear", "negligible"} == set(R["trend"]["verdict"])


def of_people(data, sesoi):
    rows = asked("linked_change", sesoi=sesoi)
    return la.verdicts(la.linked_change(la.pairs(in_waves(data), rows), rows)).iloc[0]


@pytest.mark.parametrize("case", R["t_tests"], ids=lambda case: str(case["sesoi"]))
def test_negligible_is_what_two_t_tests_of_r_say(case):
    found = of_people(TEACHERS.assign(school=TEACHERS["teacher"]), case["sesoi"])
    assert found["verdict"] == case["verdict"]
    assert ("direction=increase" in found["flags"]) == (case["verdict"] == "negligible")
    assert found["mdes"] == pytest.approx(R["mdes"]["teachers"], rel=1e-9)


def test_negligible_with_few_schools_has_the_df_of_the_change():
    for sesoi, verdict in zip(*R["few_schools"].values(), strict=True):
        found = of_people(REGION8, sesoi)
        assert found["verdict"] == verdict, sesoi
    assert found["mdes"] == pytest.approx(R["mdes"]["region8"], rel=1e-8)


def test_design_effects_are_ratios_of_the_variances_of_r():
    people = attending()
    rows = asked("linked_change", "participants_vs_colleagues")
    found = {
        "region8": of_people(REGION8, 0.1)["design_effect"],
        **dict(zip(("linked", "participants_vs_colleagues"),
                   la.estimates(people, rows)["design_effect"], strict=True)),
        "same_grade": la.same_grade(in_grades(), asked("same_grade"))["design_effect"][0],
    }  # fmt: skip
    assert found == pytest.approx(R["design_effect"], rel=1e-8)


@pytest.mark.parametrize("case", R["school_change"])
def test_school_change_is_a_t_test_of_r(case):
    clean, population = in_waves(LINKED), "teachers"
    if case == "same_grade":
        clean, population = in_grades(), "pupils"
    rows = asked("school_change", population=population)
    assert_agrees(la.school_change(clean, rows).iloc[0], R["school_change"][case])


@given(seed=SEEDS, factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(max_examples=5, deadline=None)
def test_changes_turn_with_their_scale_and_not_with_the_order_of_rows(seed, factor, shift):
    clean = answers(seed % 1000, n=300, schools=12)
    later = 2 * (clean["wave"] == "post")
    clean = clean.assign(grade=clean["grade"] + later, comparison=clean["school_id"] > "s05")
    turned = clean.assign(y=shift - factor * clean["y"]).sample(frac=1, random_state=seed)
    both = ["cohort_change", "programme_vs_comparison"]
    rows = asked(*both, years=2, units=unit(500, population="teachers"))
    of_schools = asked("school_change")
    one, other = (pd.concat([la.estimates(each, rows), la.school_change(each, of_schools)])
                  for each in (clean, turned))  # fmt: skip
    assert one["change"].notna().all()
    np.testing.assert_allclose(other["change"], -factor * one["change"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other["change_se"], factor * one["change_se"], rtol=1e-7)
    np.testing.assert_allclose(other["df"], one["df"], rtol=1e-7)


@given(seed=SEEDS, factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(max_examples=10, deadline=None)
def test_omega_and_icc_do_not_hang_on_units_or_the_order_of_rows(seed, factor, shift):
    order = np.random.default_rng(seed).permutation(len(LINKED))
    four = LINKED[[f"pre{i}" for i in range(1, 5)]].to_numpy(float)
    turned = omega(shift - factor * four[order][:, ::-1])
    assert turned == pytest.approx(omega(four), abs=1e-6)
    y, school = LINKED["pre"].to_numpy(), pd.factorize(LINKED["school"])[0]
    for icc in (intraclass_correlation, intraclass_interval):
        turned = icc(shift - factor * y[order], school[order])
        assert turned == pytest.approx(icc(y, school), abs=1e-9)


@pytest.mark.parametrize("data", [REGION8, LINKED], ids=["region8", "linked"])
def test_a_change_in_its_own_sd_has_the_error_of_its_influence_values(data):
    reference = R["own_sd"]["region8" if data is REGION8 else "linked"]
    sd = unit(data["pre"].std(), population="teachers")
    rows = asked("linked_change", units=sd, region="national", unit_is_sample=True)
    assert_agrees(la.estimates(in_waves(data), rows).iloc[0], reference)


# Published tables


def with_covariance(covariance, n, seed=1):
    """Rows with exactly these covariances: alpha and its interval hang on nothing else."""
    drawn = np.random.default_rng(seed).normal(size=(n, len(covariance)))
    white = np.linalg.qr(drawn - drawn.mean(axis=0))[0] * np.sqrt(n - 1)
    return white @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize(
    ("trait", "printed"), [("A", 0.70), ("C", 0.72), ("E", 0.76), ("N", 0.81), ("O", 0.60)]
)
def test_alpha_of_bfi_is_that_of_psych(trait, printed):
    reference = PUBLISHED["bfi"][trait]
    found = alpha(with_covariance(reference["covariance"], reference["n"]))
    assert found["alpha"] == pytest.approx(printed, abs=0.005)
    for name in ("alpha", "alpha_ci_low", "alpha_ci_high"):
        assert found[name] == pytest.approx(reference[name], abs=1e-9), name


def test_pooled_schools_of_konstantopoulos():
    reference = PUBLISHED["konstantopoulos"]
    effects = pd.DataFrame({
        "region": [f"r{i}" for i in range(56)], "population": "pupils", "outcome": "y",
        "estimand": "same_grade", "subgroup": "all", "estimate": reference["yi"],
        "se": np.sqrt(reference["vi"]),
    })  # fmt: skip
    found = la.pool(effects).iloc[0]
    assert found[["estimate", "se", "tau2"]].tolist() == pytest.approx(
        [0.1279, 0.0439, 0.0884], abs=5e-5
    )
    for name in ("estimate", "se", "tau2", "q", "ci_low", "ci_high"):
        assert found[name] == pytest.approx(reference[name], rel=1e-7), name


def in_groups(treated, control):
    """Pairs with exactly these means, SDs and correlations, of whom each is a cluster."""
    parts = []
    for role, group in (("participant", treated), ("colleague", control)):
        sd = np.array([group["sd_pre"], group["sd_post"]])
        covariance = np.outer(sd, sd) * [[1, group["r"]], [group["r"], 1]]
        means = np.array([group["m_pre"], group["m_post"]])
        y = means + with_covariance(covariance, int(group["n"]))
        parts.append(pd.DataFrame(y, columns=["pre", "post"]).assign(role=role))
    people = pd.concat(parts, ignore_index=True)
    people["school"] = [f"s{i:03d}" for i in range(len(people))]
    return in_waves(people, role=people["role"])


@pytest.mark.parametrize("study", range(5))
def test_groups_of_morris_2008(study):
    """d_ppc2 of Table 5, and each group's change in its own SD (Becker 1988)."""
    morris = PUBLISHED["morris"]
    sides = [{key: column[study] for key, column in morris[side].items()}
             for side in ("treated", "control")]  # fmt: skip
    clean = in_groups(*sides)
    rows = asked("participants_vs_colleagues", "participants", "colleagues",
                 units=units(clean, ["y"], "teachers"))  # fmt: skip
    effects = la.estimates(clean, rows)
    d_ppc2 = morris["j"][study] * effects["estimate"][0]
    assert d_ppc2 == pytest.approx((0.77, 0.80, 1.20, 1.05, 0.44)[study], abs=0.005)
    assert d_ppc2 == pytest.approx(morris["d_ppc2"][study], rel=1e-9)
    other = la.sensitivity(clean, la.verdicts(effects), rows, Questionnaire("teachers", "oslo"))
    g = other[other["analysis"] == "hedges_g"].set_index("estimand")["estimate"]
    assert [g["participants"], g["colleagues"]] == pytest.approx(
        [morris["smcr"]["treated"][study], morris["smcr"]["control"][study]], rel=1e-9, abs=1e-9
    )
