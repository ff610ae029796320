"""Effects: every estimand against R or its definition, the unit, feeder groups and refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.analysis.estimates import estimates
from loftet_analysis.analysis.panel import feeder_groups
from loftet_analysis.analysis.verdicts import VERDICTS, verdicts
from loftet_analysis.cleaning.units import units
from loftet_analysis.errors import InputError
from loftet_analysis.schema import EFFECTS, UNITS, of_kind
from loftet_analysis.show.labels import LABELS
from loftet_analysis.stats.cr2 import contrast, mean

REFERENCE = Path(__file__).parent / "reference"
CLUBSANDWICH = json.loads((REFERENCE / "clubsandwich.json").read_text())
R_GRADES = json.loads((REFERENCE / "r_values.json").read_text())["grades"]
RAW = {
    "estimate": "change",
    "se": "change_se",
    "statistic": "statistic",
    "df": "df",
    "p_value": "p_value",
    "ci_low": "change_ci_low",
    "ci_high": "change_ci_high",
}
MEANS = (
    "linked_change", "same_grade", "school_change", "participants", "colleagues",
    "participants_vs_colleagues",
)  # fmt: skip
NUMBERS = [
    name for name in EFFECTS if name not in {*of_kind("text"), "ci_level", "sesoi", "suppressed"}
]


def unit(sd=0.8, population="pupils", outcome="y", names=("total", "within_role")):
    return pd.DataFrame([(population, outcome, name, sd, 100) for name in names], columns=UNITS[:5])


def plan(*estimands, population="pupils", outcome="y", subgroup="all", units=None, **more):
    """What `study.plan` returns of a population, with the units that are given."""
    rows = pd.DataFrame({
        "population": population, "outcome": outcome, "question": "Q1",
        "estimand": list(estimands), "subgroup": subgroup, "family": "", "plan_role": "secondary",
        "region": "oslo", "ci_level": 0.95, "sesoi": 0.1, "years": 0, "unit_is_sample": False,
        "wave": ["post" if each == "level" else "" for each in estimands],
    })  # fmt: skip
    known = unit(population=population) if units is None else units
    sds = known.pivot(index="outcome", columns="unit", values="sd_unit")
    sds = sds.reindex(columns=["total", "within_role"])
    by_outcome = known.drop_duplicates("outcome").set_index("outcome").reindex(columns=UNITS[5:8])
    rows = rows.assign(
        sd_unit=rows["outcome"].map(sds["total"]),
        sd_within_role=rows["outcome"].map(sds["within_role"]),
        **{name: rows["outcome"].map(by_outcome[name]) for name in by_outcome},
    )
    return rows.assign(**more)


def effects(clean, plan):
    return verdicts(estimates(clean, plan))


def row(clean, estimand, population="pupils", *, comparison=None, **options):
    if comparison is not None:
        clean = clean.assign(comparison=clean["school_id"].isin(comparison))
    found = effects(clean, plan(estimand, population=population, **options))
    assert tuple(found.columns) == (*EFFECTS, "answers_pre", "answers_post", "n_tests")
    return found.iloc[0]


def in_two_waves(people):
    """Clean rows of people given by school_pre, school_post, pre, post and further columns."""
    people = people.assign(person_id=[f"p{i:05d}" for i in range(len(people))])
    rest = people.drop(columns=["school_pre", "school_post", "pre", "post"])
    before, after = (
        rest.assign(wave=wave, school_id=people[f"school_{wave}"], y=people[wave])
        for wave in ("pre", "post")
    )
    return pd.concat([before, after], ignore_index=True)


def answers(seed, n=240, schools=7):
    """People of unequal schools with grade and role; some miss an answer, some a wave."""
    rng = np.random.default_rng(seed)
    school = rng.integers(0, schools, n) // rng.integers(1, 3, n)
    pre = rng.normal(3, 0.8, n)
    people = pd.DataFrame({
        "school_pre": [f"s{j:02d}" for j in school],
        "school_post": [f"s{j:02d}" for j in np.where(rng.random(n) < 0.2, 0, school)],
        "grade": pd.array(rng.integers(5, 8, n), dtype="Int64"),
        "role": rng.choice(["participant", "colleague"], n, p=[0.3, 0.7]),
        "pre": pre,
        "post": 0.5 * pre + 1.7 + rng.normal(0, 0.5, n) + 0.05 * school,
    })  # fmt: skip
    clean = in_two_waves(people)
    clean.loc[rng.random(len(clean)) < 0.1, "y"] = np.nan
    clean.loc[rng.random(len(clean)) < 0.1, "person_id"] = None
    return clean[rng.random(len(clean)) > 0.1].reset_index(drop=True)


def pairs_of(clean):
    wide = clean.dropna(subset=["person_id"]).pivot(index="person_id", columns="wave")
    both = wide["y"].dropna()
    wide = wide.loc[both.index]
    return pd.DataFrame({
        "pre": both["pre"], "post": both["post"], "school": wide["school_id"]["pre"],
        "school_post": wide["school_id"]["post"], "role": wide["role"]["pre"],
    })  # fmt: skip


def codes(column):
    return pd.factorize(column, sort=True)[0]


def assert_raw(found, raw):
    low, high = raw.interval()
    expected = [raw.estimate, raw.se, raw.statistic, raw.df, raw.p_value, low, high]
    assert found[list(RAW.values())].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.fixture
def region8():
    data = pd.read_csv(REFERENCE / "region8.csv")
    return in_two_waves(
        pd.DataFrame({
            "school_pre": data["school"], "school_post": data["school"],
            "pre": data["pre"], "post": data["post"],
        })
    )  # fmt: skip


@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_region8_agrees_with_clubsandwich(region8, population):
    found = row(region8, "linked_change", population)
    for key, column in RAW.items():
        reference = CLUBSANDWICH["region8_change"][key][0]
        assert found[column] == pytest.approx(reference, abs=1e-8, rel=1e-8)
    assert found["flags"] == "low_df"
    assert found["cluster"] == {"pupils": "feeder_group", "teachers": "school"}[population]
    assert found[["n_pre", "n_post", "n_pairs", "n_clusters"]].tolist() == [496, 496, 496, 8]
    assert found["estimate"] == pytest.approx(found["change"] / 0.8)
    assert found["ci_low"] == pytest.approx(found["change_ci_low"] / 0.8)
    assert found["change"] == pytest.approx(found["mean_post"] - found["mean_pre"])
    assert found[["evidence", "reason"]].tolist() == ["descriptive (single group)", ""]


def test_same_grade_agrees_with_r():
    data = pd.read_csv(REFERENCE / "same_grade.csv")
    clean = data.rename(columns={"school": "school_id"})
    clean["wave"] = clean["wave"].map({0: "pre", 1: "post"})
    found = row(clean, "same_grade")
    for key, column in RAW.items():
        assert found[column] == pytest.approx(R_GRADES["same_grade"][key], abs=1e-8, rel=1e-8)
    assert found["weighting"] == "pooled_cell_share"
    counts = data.groupby(["school", "grade"])["wave"].agg(["sum", "size"])
    used = counts[(counts["sum"] > 0) & (counts["sum"] < counts["size"])]
    assert found["n_post"] == used["sum"].sum()
    assert found["n_pre"] == used["size"].sum() - used["sum"].sum()
    assert found["n_clusters"] == used.reset_index()["school"].nunique()
    assert found["n_schools_dropped"] == 8 - found["n_clusters"]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_same_grade_is_the_weighted_mean_of_cell_differences(seed):
    clean = answers(seed)
    found = row(clean, "same_grade")
    cells = clean.dropna(subset=["y"]).groupby(["school_id", "grade", "wave"])["y"]
    n, means = cells.size().unstack().dropna(), cells.mean().unstack().dropna()
    share = n.sum(axis=1) / n.sum().sum()
    assert found["change"] == pytest.approx((share * (means["post"] - means["pre"])).sum())
    assert found["mean_pre"] == pytest.approx((share * means["pre"]).sum())
    assert found["mean_post"] - found["mean_pre"] == pytest.approx(found["change"])


def test_linked_change_of_pupils_is_clustered_on_feeder_groups():
    clean = answers(11)
    movers = clean.loc[clean["school_id"] == "s02", "person_id"].dropna()
    moved = clean["person_id"].isin(movers) & (clean["wave"] == "post")
    clean.loc[moved, "school_id"] = "s01"
    found = row(clean, "linked_change")
    both = clean.dropna(subset=["person_id"]).pivot(
        index="person_id", columns="wave", values="school_id"
    )
    moves = both.dropna().set_axis(["school_post", "school_pre"], axis=1)
    people = pairs_of(clean)
    groups = people["school"].map(feeder_groups(moves))
    assert groups.nunique() < people["school"].nunique()
    assert_raw(found, mean(people["post"] - people["pre"], codes(groups)))
    assert found["n_clusters"] == groups.nunique()
    assert found["r_pre_post"] == pytest.approx(np.corrcoef(people["pre"], people["post"])[0, 1])
    assert found["sd_pre"] == pytest.approx(people["pre"].std())


def test_roles_and_their_contrast():
    clean = answers(5)
    people = pairs_of(clean).assign(change=lambda d: d["post"] - d["pre"])
    for role, estimand in (("participant", "participants"), ("colleague", "colleagues")):
        group = people[people["role"] == role]
        found = row(clean, estimand, "teachers")
        assert_raw(found, mean(group["change"], codes(group["school"])))
        assert found["n_pairs"] == len(group)
    takes_part = (people["role"] == "participant").to_numpy(float)
    x = np.column_stack([np.ones(len(people)), takes_part])
    found = row(clean, "participants_vs_colleagues", "teachers")
    assert_raw(found, contrast(people["change"], x, [0, 1], codes(people["school"])))
    assert found["contrast"] == "participant - colleague"
    assert found["evidence"] == "within-school contrast, contaminated by design"
    assert found["mean_post"] - found["mean_pre"] == pytest.approx(found["change"])
    by_role = people.groupby("role")["pre"]
    assert found["mean_pre"] == pytest.approx(np.diff(by_role.mean().to_numpy())[0])
    pooled = np.sqrt((by_role.var() * (by_role.size() - 1)).sum() / (len(people) - 2))
    assert found["sd_pre"] == pytest.approx(pooled)


def test_contrast_is_standardised_within_role():
    clean = answers(5)
    ruler = pd.concat([unit(0.5, "teachers", names=["total"]), unit(2, "teachers")])
    ruler = ruler.drop_duplicates("unit")
    found = row(clean, "participants_vs_colleagues", "teachers", units=ruler)
    assert found["sd_unit"] == 2
    assert row(clean, "participants", "teachers", units=ruler)["sd_unit"] == 0.5


def test_school_change_without_grades_is_a_t_test_of_school_means():
    clean = answers(8).drop(columns="grade")
    people = pairs_of(clean)
    by_school = (people["post"] - people["pre"]).groupby(people["school"]).mean()
    found = row(clean, "school_change", "teachers")
    assert found["change"] == pytest.approx(by_school.mean())
    assert found["change_se"] == pytest.approx(by_school.sem())
    assert found["df"] == pytest.approx(len(by_school) - 1)
    assert found["n_clusters"] == len(by_school)
    assert found["mean_post"] - found["mean_pre"] == pytest.approx(found["change"])
    assert "linked" in found["method"]


def test_school_change_with_grades_needs_five_in_each_cell():
    clean = answers(8)
    cells = clean.dropna(subset=["y"]).groupby(["school_id", "grade", "wave"])["y"]
    n, means = cells.size().unstack(fill_value=0), cells.mean().unstack()
    used = means[(n >= 5).all(axis=1)]
    by_school = (used["post"] - used["pre"]).groupby("school_id").mean()
    found = row(clean, "school_change")
    assert found["change"] == pytest.approx(by_school.mean())
    assert found["change_se"] == pytest.approx(by_school.sem())
    assert found["df"] == pytest.approx(len(by_school) - 1)
    assert found["n_schools_dropped"] == clean["school_id"].nunique() - len(by_school) > 0
    assert found[["weighting", "cluster"]].tolist() == ["school", "school"]
    assert "same-grade" in found["method"]


@pytest.mark.parametrize("estimand", ["linked_change", "same_grade", "school_change"])
def test_a_unit_from_the_sample_adds_its_uncertainty(estimand):
    clean = answers(21)
    before = clean[clean["wave"] == "pre"].dropna(subset=["y"])
    sd = before["y"].std()
    options = {"units": unit(sd), "region": "national"}
    fixed = row(clean, estimand, **options)
    sampled = row(clean, estimand, **options, unit_is_sample=True)
    assert sampled["estimate"] == fixed["estimate"]
    assert sampled["se"] != fixed["se"]
    assert sampled[list(RAW.values())].tolist() == fixed[list(RAW.values())].tolist()
    half = (sampled["ci_high"] - sampled["ci_low"]) / (fixed["ci_high"] - fixed["ci_low"])
    assert half == pytest.approx(sampled["se"] / fixed["se"])


def test_the_uncertainty_of_the_unit_by_hand():
    clean = answers(21)
    people = pairs_of(clean)
    before = clean[clean["wave"] == "pre"].dropna(subset=["y"])
    x, sd = before["y"], before["y"].std()
    found = row(clean, "linked_change", "teachers", units=unit(sd, "teachers"), unit_is_sample=True)
    change = people["post"] - people["pre"]
    theta = change.mean() / sd
    square = (x - x.mean()) ** 2 - x.var(ddof=0)
    variance = 0.0
    for school in sorted(clean["school_id"].unique()):
        d = (change - change.mean())[people["school"] == school]
        inside = square[before["school_id"] == school]
        score = d.sum() / len(change) / sd / np.sqrt(1 - len(d) / len(change))
        score -= theta / (2 * sd**2) * inside.sum() / len(x) / np.sqrt(1 - len(inside) / len(x))
        variance += score**2
    assert found["se"] == pytest.approx(np.sqrt(variance))


def test_the_unit_within_roles_is_centred_within_roles():
    clean = answers(21)
    clean["y"] += 50 * (clean["role"] == "participant")
    ruler = units(clean, ["y"], "teachers")
    options = {"units": ruler, "unit_is_sample": True, "region": "national"}
    found = row(clean, "participants_vs_colleagues", "teachers", **options)
    clean["y"] -= 50 * (clean["role"] == "participant")
    without = row(clean, "participants_vs_colleagues", "teachers", **options)
    assert found["se"] == pytest.approx(without["se"])


def test_feeder_groups_join_a_lower_secondary_school_and_its_feeders():
    moves = {"a": "zzzccb", "b": "bbz", "c": "cccz", "e": "eeeeez", "z": "z", "d": "yx"}
    pairs = pd.DataFrame(
        [(pre, post) for pre, posts in moves.items() for post in posts],
        columns=["school_pre", "school_post"],
    )
    expected = {"a": "z", "b": "z", "c": "c", "d": "x", "e": "e", "z": "z"}
    assert feeder_groups(pairs).to_dict() == expected
    assert feeder_groups(pairs.iloc[::-1]).to_dict() == expected
    assert feeder_groups(pairs.iloc[:0]).empty


def test_pairs_over_a_border_count_nationally_only():
    clean = answers(3)
    clean["region"] = np.where(clean["school_id"] < "s03", "oslo", "viken")
    nation = row(clean, "linked_change", region="national")
    regions = [
        row(part, "linked_change", region=region) for region, part in clean.groupby("region")
    ]
    assert nation["n_pairs"] == len(pairs_of(clean))
    assert 0 < sum(part["n_pairs"] for part in regions) < nation["n_pairs"]


def test_pairs_are_formed_before_missing_answers_drop_out():
    clean = answers(13)
    clean["mood"] = clean["y"].where(np.arange(len(clean)) % 3 > 0)
    ruler = pd.concat([unit(), unit(outcome="mood")])
    rows = plan("linked_change", "linked_change", outcome=["y", "mood"], units=ruler)
    both = effects(clean, rows)
    assert both["n_pairs"][0] > both["n_pairs"][1]
    sparse = clean.assign(y=clean["mood"])
    assert both["change"][1] == row(sparse, "linked_change")["change"]


def test_subgroups_take_people_as_they_were_before():
    clean = answers(17)
    older = clean["wave"] == "post"
    clean.loc[older, "grade"] = clean.loc[older, "grade"] + 2
    found = row(clean, "linked_change", subgroup="grade=6")
    first = clean[(clean["wave"] == "pre") & (clean["grade"] == 6)]["person_id"].dropna()
    people = pairs_of(clean)
    assert found["n_pairs"] == people.index.isin(first).sum()
    assert found["subgroup"] == "grade=6"
    same = row(clean, "same_grade", subgroup="grade=7")
    own = clean[(clean["grade"] == 7)].dropna(subset=["y"]).groupby(["school_id", "wave"]).size()
    assert same["n_pre"] == own.unstack().dropna()["pre"].sum()


def test_other_waves_and_row_order_change_nothing():
    clean = answers(2)
    extra = clean[clean["wave"] == "pre"].assign(wave="mid", y=99.0)
    mixed = pd.concat([clean, extra]).sample(frac=1, random_state=1)
    rows = plan("linked_change", "same_grade", "school_change")
    plain, shuffled = effects(clean, rows), effects(mixed, rows)
    pd.testing.assert_frame_equal(plain, shuffled, rtol=1e-10)


def test_few_clusters_are_flagged():
    clean = answers(2, schools=3)
    found = row(clean, "same_grade")
    assert found["n_clusters"] == 3
    assert found["flags"] == "low_df;few_clusters"
    assert row(answers(2, n=900, schools=40), "linked_change", "teachers")["flags"] == ""


def test_rows_follow_the_plan_and_carry_it():
    rows = plan(*MEANS, population="teachers", ci_level=0.9, sesoi=0.2)
    rows.loc[0, ["family", "plan_role", "question"]] = ["teachers: primary", "primary", "Q5"]
    found = effects(answers(4), rows)
    assert (found["region"] == "oslo").all()
    assert found["estimand"].tolist() == list(MEANS)
    assert (found["ci_level"] == 0.9).all()
    assert (found["sesoi"] == 0.2).all()
    assert found.loc[0, ["family", "plan_role", "question"]].tolist() == [
        "teachers: primary", "primary", "Q5",
    ]  # fmt: skip
    assert (found["reason"] == "").all()
    assert found["change"].notna().all()
    assert found[["p_adjusted", "drift", "estimate_vs_drift"]].isna().all().all()
    assert found["suppressed"].isna().all()
    assert found["verdict"].isin(VERDICTS).all()
    counts = [name for name in EFFECTS if name in of_kind("count")]
    assert (found[counts].dtypes == "Int64").all()


def refusal(clean, estimand, population="pupils", **options):
    found = row(clean, estimand, population, **options)
    assert found[NUMBERS].isna().all()
    assert found["reason"] in LABELS["reason"]
    assert found["method"] or found["reason"] == "unknown_estimand"
    return found["reason"]


def test_refusals_are_rows_with_a_reason():
    clean = answers(6)
    pre, post = clean["wave"] == "pre", clean["wave"] == "post"
    alone = clean.assign(school_id="s00")
    assert refusal(clean.drop(columns="y"), "linked_change") == "no_outcome"
    assert refusal(clean.assign(y=np.nan), "linked_change") == "no_pairs"
    assert refusal(clean.drop(columns="person_id"), "linked_change") == "no_pairs"
    assert refusal(clean[pre], "linked_change") == "no_pairs"
    assert refusal(clean[:0], "linked_change") == "no_pairs"
    assert refusal(alone, "linked_change") == "one_cluster"
    assert refusal(alone, "same_grade") == "one_cluster"
    assert refusal(alone, "school_change") == "one_cluster"
    assert refusal(clean.assign(y=2.0), "linked_change") == "no_variance"
    assert refusal(clean.assign(y=2.0), "same_grade") == "no_variance"
    assert refusal(clean[post], "same_grade") == "no_common_cells"
    assert refusal(clean[:0], "same_grade") == "no_grade"
    assert refusal(clean.drop(columns="grade"), "same_grade") == "no_grade"
    assert refusal(clean.assign(grade=pd.NA), "same_grade") == "no_grade"
    assert refusal(clean.head(30), "school_change") == "no_common_cells"
    assert refusal(clean.drop(columns="role"), "participants", "teachers") == "no_role"
    only = clean[clean["role"] == "colleague"]
    assert refusal(only, "participants_vs_colleagues", "teachers") == "no_role"
    split = clean[~(post & (clean["role"] == "participant"))]
    assert refusal(split, "participants_vs_colleagues", "teachers") == "no_pairs"
    assert refusal(clean, "linked_change", units=unit(np.nan)) == "no_unit"
    assert refusal(clean, "linked_change", units=unit(0.0)) == "no_unit"
    assert refusal(clean, "linked_change", units=unit(outcome="other")) == "no_unit"
    assert refusal(clean, "linked_change", subgroup="gender=f") == "no_subgroup"
    assert refusal(clean, "linked_change", subgroup="grade=11") == "no_pairs"
    assert refusal(clean, "months_of_progress") == "unknown_estimand"


def test_every_number_of_an_estimate_is_there():
    of_others = {"p_adjusted", "drift", "estimate_vs_drift", "trend", "trend_se"}
    of_others |= {"estimate_vs_trend", "vs_trend_ci_low", "vs_trend_ci_high"}
    of_others |= {"n_smaller", "n_on_a_side"}  # of two groups
    lacking = {
        "same_grade": {"n_pairs", "r_pre_post", "icc_change"},
        "school_change": {"design_effect"},
    }
    clean = answers(9)
    for estimand in MEANS:
        found = row(clean, estimand, "teachers")
        empty = {name for name in NUMBERS if pd.isna(found[name])} - of_others
        assert empty == lacking.get(estimand, set())


def test_broken_clean_data_are_told():
    clean = answers(6)
    with pytest.raises(InputError, match="no column school_id in the clean data"):
        row(clean.drop(columns="school_id"), "linked_change")
    with pytest.raises(InputError, match="answers without a school"):
        row(clean.assign(school_id=None), "linked_change")
    with pytest.raises(InputError, match="a person more than once in a wave"):
        row(pd.concat([clean, clean]), "linked_change")


def test_units_pool_over_roles_and_keep_scales_without_pre_answers():
    clean = answers(1)
    found = units(clean.assign(late=clean["y"].where(clean["wave"] == "post")), ["y", "late"], "t")
    before = clean[clean["wave"] == "pre"].dropna(subset=["y"])
    by_role = before.groupby("role")["y"]
    within = np.sqrt((by_role.var() * (by_role.size() - 1)).sum() / (len(before) - 2))
    assert list(found.columns) == list(UNITS)
    assert found["unit"].tolist() == ["total", "within_role", "total"]
    assert found["n"].tolist() == [len(before), len(before), 0]
    assert found["sd_unit"].tolist()[:2] == pytest.approx([before["y"].std(), within])
    assert np.isnan(found["sd_unit"][2])


def test_a_role_of_a_single_school_is_refused():
    clean = answers(3)
    lone = clean["role"].eq("participant") & clean["school_id"].ne("s01")
    found = row(clean[~lone], "participants_vs_colleagues", "teachers")
    assert found["reason"] == "one_cluster"
    assert pd.isna(found["change_se"])
    both_schools = clean["role"].eq("participant") & ~clean["school_id"].isin(["s01", "s02"])
    assert row(clean[~both_schools], "participants_vs_colleagues", "teachers")["reason"] == ""


def test_subgroups_are_found_in_grades_that_a_file_made_floats():
    clean = answers(5)
    options = {"subgroup": "grade=6"}
    whole = row(clean, "linked_change", **options)
    read_back = row(clean.astype({"grade": float}), "linked_change", **options)
    assert whole["n_pairs"] > 0
    assert read_back["n_pairs"] == whole["n_pairs"]
    assert read_back["change"] == whole["change"]


def test_school_change_of_teachers_rests_on_pairs_even_with_grades():
    clean = answers(7)
    found = row(clean, "school_change", "teachers")
    assert found["n_pairs"] > 0
    assert (
        found["change"] == row(clean.drop(columns="grade"), "school_change", "teachers")["change"]
    )
    no_grades = clean.assign(grade=pd.array([pd.NA] * len(clean), dtype="Int64"))
    assert row(no_grades, "school_change", "pupils")["reason"] == "no_grade"
