"""Estimands beyond the plain changes: against formulas by hand, regressions, and their refusals."""

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loftet_analysis.analysis.panel import networks
from loftet_analysis.cleaning.units import units
from loftet_analysis.stats.cr2 import contrast
from loftet_analysis.stats.reliability import intraclass_correlation
from tests.test_effects import answers, codes, effects, in_two_waves, pairs_of, plan, row, unit


def older(clean, years=2):
    """Everybody of the later wave has moved up."""
    return clean.assign(grade=clean["grade"] + years * (clean["wave"] == "post"))


def test_cohort_change_weighs_cohorts_by_their_share_of_both_waves():
    clean = older(answers(31, n=600))
    found = row(clean, "cohort_change", years=2)
    given = clean.dropna(subset=["y"])
    start = given["grade"].astype(int) - 2 * (given["wave"] == "post")
    cells = given.groupby([start.rename("start"), "wave"])["y"]
    n, means = cells.size().unstack(), cells.mean().unstack()
    share = n.sum(axis=1) / n.sum().sum()
    assert found["change"] == pytest.approx((share * (means["post"] - means["pre"])).sum())
    assert found["mean_post"] - found["mean_pre"] == pytest.approx(found["change"])
    assert found["n_pre"] + found["n_post"] == len(given)


def test_cohort_change_is_its_weighted_regression():
    clean = older(answers(32, n=500))
    found = row(clean, "cohort_change", years=2)
    given = clean.dropna(subset=["y"])
    wave = (given["wave"] == "post").to_numpy(float)
    start = (given["grade"].astype(int) - 2 * wave).to_numpy(int)
    n = pd.crosstab(start, wave)
    weight = n.sum(axis=1)[start].to_numpy() / n.to_numpy()[start - 5, wave.astype(int)]
    x = np.column_stack([wave, *(start == each for each in (5, 6, 7))]).astype(float)
    moves = pd.DataFrame({
        wave: clean[clean["wave"] == wave].set_index("person_id")["school_id"].loc[lambda s:
            s.index.notna()] for wave in ("pre", "post")
    }).dropna()  # fmt: skip
    groups = moves.groupby("pre")["post"].agg(lambda posts: posts.value_counts().sort_index()
        .sort_values(ascending=False, kind="stable").index[0])  # fmt: skip
    cluster = given["school_id"].map(groups).fillna(given["school_id"])
    raw = contrast(given["y"], x, [1, 0, 0, 0], codes(cluster), weights=weight)
    assert found["change"] == pytest.approx(raw.estimate)
    assert found["change_se"] == pytest.approx(raw.se)
    assert found["df"] == pytest.approx(raw.df)


def test_cohort_change_without_links_says_that_feeders_are_unknown():
    clean = older(answers(33, n=500)).assign(person_id=None)
    found = row(clean, "cohort_change", years=2)
    assert "feeders_unknown" in found["flags"]
    assert found["n_clusters"] == clean["school_id"].nunique()
    assert row(clean, "cohort_change")["reason"] == "no_cohort"
    assert row(clean.drop(columns="grade"), "cohort_change", years=2)["reason"] == "no_cohort"
    assert row(clean, "cohort_change", years=9)["reason"] == "no_cohort"


def test_programme_and_comparison_schools_are_compared_in_their_change():
    clean = answers(34, n=400, schools=12)
    comparison = ["s00", "s03", "s05", "s07"]
    people = pairs_of(clean)
    inside = (~people["school"].isin(comparison)).to_numpy(float)
    x = np.column_stack([np.ones(len(people)), inside])
    raw = contrast(people["post"] - people["pre"], x, [0, 1], codes(people["school"]))
    options = {"comparison": comparison, "units": unit(50, "teachers")}
    found = row(clean, "programme_vs_comparison", "teachers", **options)
    assert found["change"] == pytest.approx(raw.estimate)
    assert found["change_se"] == pytest.approx(raw.se)
    assert found["evidence"] == "quasi-experimental"
    assert found["mean_post"] - found["mean_pre"] == pytest.approx(found["change"])


def test_groups_that_differ_before_are_adjusted_or_refused():
    clean = answers(34, n=400, schools=12)
    comparison = ["s00", "s03", "s05", "s07"]
    people = pairs_of(clean)
    inside = (~people["school"].isin(comparison)).to_numpy(float)
    apart = abs(people["pre"][inside == 1].mean() - people["pre"][inside == 0].mean())
    x = np.column_stack([np.ones(len(people)), inside, people["pre"]])
    raw = contrast(people["post"] - people["pre"], x, [0, 1, 0], codes(people["school"]))

    def found(sd):
        return row(clean, "programme_vs_comparison", "teachers", comparison=comparison,
                   units=unit(sd, "teachers"))  # fmt: skip

    adjusted = found(apart / 0.15)
    assert adjusted["change"] == pytest.approx(raw.estimate)
    assert adjusted["change_se"] == pytest.approx(raw.se)
    assert {"adjusted_for_pre", "baseline_adjust"} <= set(adjusted["flags"].split(";"))
    assert found(apart / 0.3)["reason"] == "baseline_differs"
    assert "adjusted" not in found(apart / 0.01)["flags"]


def test_without_links_programme_schools_are_compared_by_grade():
    clean = answers(35, n=900, schools=14).assign(person_id=None)
    comparison = ["s00", "s02", "s04", "s06", "s01"]
    found = row(clean, "programme_vs_comparison", comparison=comparison, units=unit(50))
    outside = clean["school_id"].isin(comparison)
    one, other = (row(clean[part], "same_grade") for part in (~outside, outside))
    assert found["change"] == pytest.approx(one["change"] - other["change"])
    variance = one["change_se"] ** 2 + other["change_se"] ** 2  # no school is in both
    assert found["change_se"] == pytest.approx(np.sqrt(variance))
    assert row(clean, "programme_vs_comparison")["reason"] == "no_comparison"
    everywhere = list(clean["school_id"].unique())
    refused = row(clean, "programme_vs_comparison", comparison=everywhere)
    assert refused["reason"] == "no_comparison"


def levels(clean, **settled):
    return effects(clean, plan("level", population="teachers", **settled))


def intercept_only(y, school):
    """CR2 and Satterthwaite df of a mean by their definition, with matrices of n x n."""
    n = len(y)
    resid = np.eye(n) - np.full((n, n), 1 / n)
    of_school = []
    for each in np.unique(school):
        rows = np.flatnonzero(school == each)
        values, vectors = np.linalg.eigh(resid[np.ix_(rows, rows)])
        a = np.zeros(n)
        a[rows] = (vectors @ np.diag(values**-0.5) @ vectors.T).sum(axis=0) / n
        of_school.append(resid @ a)
    p = np.array([[g @ h for h in of_school] for g in of_school])
    u = np.array([g @ y for g in of_school])
    return np.sqrt((u**2).sum()), np.trace(p) ** 2 / (p**2).sum()


@pytest.mark.parametrize(("wave", "side"), [("pre", "pre"), ("mid", "post"), ("post", "post")])
def test_a_level_is_the_mean_of_its_wave_and_the_share_above_the_middle(wave, side):
    clean = answers(36).replace({"wave": {"post": "mid"}}) if wave == "mid" else answers(36)
    here = clean[clean["wave"] == wave].dropna(subset=["y"])
    found = levels(clean, midpoint=3.0, wave=wave)
    assert found["contrast"].tolist() == ["mean", "share"]
    assert found["wave"].tolist() == [wave, wave]
    reach = {}
    for y, each in zip((here["y"], (here["y"] > 3) * 1.0), found.to_dict("records"), strict=True):
        se, df = intercept_only(y.to_numpy(float), here["school_id"].to_numpy())
        assert each["change"] == each[f"mean_{side}"] == pytest.approx(y.mean())
        assert (each["change_se"], each["df"]) == pytest.approx((se, df))
        reach[each["contrast"]] = stats.t.ppf(0.975, df) * se
        assert each[f"n_{side}"] == len(here)
        assert each["n_schools"] == here["school_id"].nunique()
        assert pd.isna(each["n_post" if side == "pre" else "n_pre"])
        assert pd.isna(each["p_value"])  # there is no zero to test against
        assert pd.isna(each["estimate"])
        assert each["verdict"] == ""
    ends = found[["change_ci_low", "change_ci_high"]].to_numpy(float)
    assert ends[0] - here["y"].mean() == pytest.approx([-reach["mean"], reach["mean"]])
    share = (here["y"] > 3).mean()
    logits = np.log(ends[1] / (1 - ends[1])) - np.log(share / (1 - share))
    half = reach["share"] / (share * (1 - share))
    assert logits == pytest.approx([-half, half])


def test_levels_that_cannot_be_told_say_why_and_those_without_an_interval_stand_alone():
    clean = answers(36)
    assert levels(clean.assign(y=np.nan), midpoint=3.0)["reason"].tolist() == ["no_answers"] * 2
    assert levels(clean, midpoint=np.nan)["reason"].tolist() == ["", "no_unit"]
    alone = levels(clean[clean["school_id"] == "s00"], midpoint=3.0)
    alike = levels(clean.assign(y=clean.groupby("school_id").cumcount() % 2 + 2.0)[
        clean["school_id"].isin(["s00"])], midpoint=2.5)  # fmt: skip
    for rows in (alone, alike):
        assert rows["change"].notna().all()
        assert rows[["change_se", "change_ci_low", "change_ci_high", "df"]].isna().all(axis=None)
        assert rows["flags"].str.contains("no_interval").all()
        assert rows["reason"].eq("").all()


def test_a_share_of_none_or_all_has_the_interval_of_as_many_answers_as_schools():
    clean = pd.DataFrame({
        "wave": "post", "school_id": np.repeat([f"s{i:02}" for i in range(10)], 6),
        "person_id": None, "role": "colleague", "y": 4.0,
    })  # fmt: skip
    clean["y"] += np.arange(len(clean)) % 3 / 10
    everybody = levels(clean, midpoint=3.0).set_index("contrast").loc["share"]
    assert everybody["change"] == 1
    assert pd.isna(everybody["change_se"])
    exact = stats.binomtest(10, 10).proportion_ci(method="exact")
    assert everybody["change_ci_low"] == pytest.approx(exact.low)
    nobody = levels(clean, midpoint=5.0).set_index("contrast").loc["share"]
    assert (nobody["change"], nobody["change_ci_low"]) == (0, 0)
    assert nobody["change_ci_high"] == pytest.approx(1 - exact.low)


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(deadline=None, max_examples=25)
def test_a_level_turns_with_its_scale_and_not_with_the_order_of_rows(seed, factor, shift):
    clean = answers(seed % 1000).dropna(subset=["y"])
    once = levels(clean, midpoint=3.0)
    rng = np.random.default_rng(seed)
    turned = clean.assign(y=shift - factor * clean["y"]).iloc[rng.permutation(len(clean))]
    other = levels(turned, midpoint=shift - factor * 3.0)
    numbers = ["change_ci_low", "change", "change_ci_high"]
    assert other[numbers].iloc[0].tolist() == pytest.approx(
        [shift - factor * each for each in once[numbers].iloc[0].tolist()[::-1]], abs=1e-9
    )
    assert other["change_se"][0] == pytest.approx(factor * once["change_se"][0])
    assert other["df"][0] == pytest.approx(once["df"][0])
    on_the_middle = (clean.loc[clean["wave"] == "post", "y"] == 3.0).any()
    if not on_the_middle:  # then the share below is what the share above leaves
        assert other[numbers].iloc[1].tolist() == pytest.approx(
            [1 - each for each in once[numbers].iloc[1].tolist()[::-1]], abs=1e-9
        )


def doses(clean):
    return effects(clean, plan("dose", population="teachers")).set_index("contrast")


def attended(seed=37, low=0):
    clean = answers(seed, n=400, schools=14)
    rng = np.random.default_rng(seed)
    given = pd.Series(rng.integers(low, 11, clean["person_id"].nunique()),
                      index=clean["person_id"].dropna().unique(), dtype=float)  # fmt: skip
    return clean.assign(gatherings=clean["person_id"].map(given))


def test_dose_is_the_slope_of_the_participants_change():
    clean = attended()
    people = pairs_of(clean).assign(
        x=clean.dropna(subset=["person_id"])
        .drop_duplicates("person_id")
        .set_index("person_id")["gatherings"]
    )
    people = people[people["role"] == "participant"]
    x = sm.add_constant(people["x"].to_numpy())
    slope = sm.OLS(people["post"] - people["pre"], x).fit().params.iloc[1]
    raw = contrast(people["post"] - people["pre"], x, [0, 1], codes(people["school"]))
    found = doses(clean).loc["per gathering"]
    assert found["change"] == pytest.approx(slope)
    assert found["change_se"] == pytest.approx(raw.se)
    assert found["n_pairs"] == len(people)
    low, high = np.quantile(people["x"], [0.1, 0.9])
    assert f"range={low:g}-{high:g}" in found["flags"]


def test_a_spline_of_a_straight_line_is_the_line():
    clean = attended()
    post = clean["wave"] == "post"
    first = clean[~post].drop_duplicates("person_id").set_index("person_id")["y"]
    straight = clean["person_id"].map(first) + 0.1 * clean["gatherings"]
    noise = np.random.default_rng(1).normal(0, 1e-6, len(clean))
    clean["y"] = clean["y"].where(~post, straight + noise)
    found = doses(clean)
    low, high = (float(x) for x in found["flags"].iloc[1].split("range=")[1].split("-"))
    assert found.loc["per gathering", "change"] == pytest.approx(0.1, abs=1e-5)
    along = found.loc["gathering: 90th - 10th percentile", "change"]
    assert along == pytest.approx(0.1 * (high - low), abs=1e-5)


@pytest.mark.parametrize("values", [11, 4, 3])
def test_the_spline_is_that_of_truncated_cubes(values):
    """Hastie, Tibshirani & Friedman 2009, eq. 5.4-5.5: 1, x and d_k(x) - d_last(x)."""
    clean = attended()
    clean["gatherings"] = clean["gatherings"] % values
    people = pairs_of(clean)
    x = clean.dropna(subset=["person_id"]).drop_duplicates("person_id").set_index("person_id")
    people = people.assign(x=x["gatherings"])[people["role"] == "participant"]
    df = min(3, values - 1)
    knots = np.quantile(people["x"].unique(), np.arange(df + 1) / df)

    def columns(x):
        cubes = np.maximum(np.subtract.outer(x, knots), 0) ** 3
        d = (cubes[:, :-1] - cubes[:, [-1]]) / (knots[-1] - knots[:-1])
        return np.column_stack([np.ones(len(x)), x, d[:, :-1] - d[:, [-1]]])

    low, high = columns(np.quantile(people["x"], [0.1, 0.9]))
    change, school = people["post"] - people["pre"], codes(people["school"])
    raw = contrast(change, columns(people["x"].to_numpy()), high - low, school)
    found = doses(clean).loc["gathering: 90th - 10th percentile"]
    assert found["change"] == pytest.approx(raw.estimate, rel=1e-9)
    assert found["change_se"] == pytest.approx(raw.se, rel=1e-9)
    assert found["df"] == pytest.approx(raw.df, rel=1e-9)


def test_a_dose_needs_a_register_and_a_range():
    clean = attended()
    found = doses(clean)
    assert found.loc["per interim work", "reason"] == "no_attendance"
    same = doses(clean.assign(gatherings=7.0))
    assert same.loc["per gathering", "reason"] == "not_estimable"
    assert same.loc["gathering: 90th - 10th percentile", "reason"] == "no_range"
    two = doses(clean.assign(gatherings=clean["gatherings"].gt(5) * 1.0))
    assert two.loc["gathering: 90th - 10th percentile", "reason"] == "no_range"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_intraclass_correlation_of_equal_clusters_is_that_of_pingouin(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (12, 5)) + rng.normal(0, 0.8, (12, 1))
    long = pd.DataFrame({
        "cluster": np.repeat(np.arange(12), 5), "rater": np.tile(np.arange(5), 12),
        "y": values.ravel(),
    })  # fmt: skip
    theirs = pingouin.intraclass_corr(long, targets="cluster", raters="rater", ratings="y")
    ours = intraclass_correlation(values.ravel(), long["cluster"].to_numpy())
    assert ours == pytest.approx(theirs["ICC"].iloc[0], abs=1e-12)
    shuffled = rng.permutation(60)
    again = intraclass_correlation(values.ravel()[shuffled], long["cluster"].to_numpy()[shuffled])
    assert again == pytest.approx(ours)


def test_intraclass_correlations_that_cannot_be_had_are_empty_and_none_is_negative():
    assert np.isnan(intraclass_correlation(np.arange(3.0), np.arange(3)))
    assert np.isnan(intraclass_correlation(np.arange(3.0), np.zeros(3, dtype=int)))
    assert np.isnan(intraclass_correlation(np.ones(4), np.array([0, 0, 1, 1])))
    assert intraclass_correlation(np.array([1.0, 3, 1, 3]), np.array([0, 0, 1, 1])) == 0


@pytest.mark.parametrize("estimand", ["linked_change", "same_grade", "participants_vs_colleagues"])
def test_the_design_effect_of_people_in_schools_of_their_own_is_one(estimand):
    n, found = 400, []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        school = [f"s{i:03d}" for i in range(n)]
        people = pd.DataFrame({
            "school_pre": school, "school_post": school, "grade": 7,
            "role": np.where(rng.random(n) < 0.4, "participant", "colleague"),
            "pre": rng.normal(3, 1, n), "post": rng.normal(3, 1, n),
        })  # fmt: skip
        clean = in_two_waves(people)
        if estimand == "same_grade":  # cells of one have no variance inside, so pair the schools
            clean["school_id"] = "s" + (clean.index % n // 2).astype(str)
        found.append(row(clean, estimand, "teachers")["design_effect"])
    assert np.mean(found) == pytest.approx(1, abs=0.12)


def test_bands_of_grades_are_a_subgroup_without_a_column():
    clean = answers(41, n=400).assign(grade=lambda d: d["grade"] + 1)  # 6, 7, 8
    young = row(clean, "same_grade", subgroup="grade_band=5-7")
    assert young["change"] == row(clean[clean["grade"] < 8], "same_grade")["change"]
    old = row(clean, "same_grade", subgroup="grade_band=8-10")
    assert old["change"] == row(clean[clean["grade"] == 8], "same_grade")["change"]
    no_grades = clean.drop(columns="grade")
    assert row(no_grades, "linked_change", subgroup="grade_band=5-7")["reason"] == "no_subgroup"


def test_networks_join_whatever_movers_join():
    before, after = np.array([0, 1, 1, 3, 5]), np.array([1, 1, 2, 4, 5])
    found = networks(before, after, 6)
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4]
    assert len({found[0], found[3], found[5]}) == 3


def test_measurement_warnings_and_drift_are_carried_into_the_row():
    rows = plan(
        "linked_change", drift=-0.11, flags="programme_months=18", contrast="",
        measurement_warning="low_reliability",
    )  # fmt: skip
    (found,) = effects(answers(42), rows).to_dict("records")
    assert found["measurement_warning"] == "low_reliability"
    assert found["estimate_vs_drift"] == pytest.approx(found["estimate"] + 0.11)
    assert found["flags"].split(";")[0] == "programme_months=18"
    assert found["contrast"] == "post - pre"


def test_units_hold_the_lowest_fifth_of_the_answers_before():
    clean = answers(43)
    found = units(clean, ["y"], "teachers")
    before = clean.loc[clean["wave"] == "pre", "y"]
    assert found["low_fifth"].tolist() == pytest.approx([before.quantile(0.2)] * 2)
