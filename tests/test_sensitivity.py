"""The sensitivity table: each choice against its definition, and what it says of the conclusion."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest

from loftet_analysis.analysis.estimates import linked_change, pairs
from loftet_analysis.analysis.invariance import invariance
from loftet_analysis.analysis.sensitivity import _ttest, sensitivity
from loftet_analysis.cleaning.careless import same_answer
from loftet_analysis.errors import InputError
from loftet_analysis.schema import SENSITIVITY
from loftet_analysis.stats.cr2 import contrast, correlation, mean
from loftet_analysis.stats.mixed import fit
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.questionnaire import Questionnaire
from tests.test_effects import answers, codes, effects, in_two_waves, pairs_of, plan, unit
from tests.test_invariance import answers as item_answers
from tests.test_invariance import instrument as instrument  # a fixture

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "effect_sizes.json").read_text())


def table(clean, *estimands, population="pupils", drift=None, **asked):
    rows = plan(*estimands, population=population, years=2).assign(drift=drift)
    of_population = Questionnaire(population, "oslo", **asked)
    found = sensitivity(clean, effects(clean, rows), rows, of_population)
    assert list(found.columns) == list(SENSITIVITY)
    return found.set_index(["estimand", "analysis"])


@pytest.fixture(scope="module")
def clean():
    people = answers(51, n=500, schools=10)
    return people.assign(grade=people["grade"] + 2 * (people["wave"] == "post"))


@pytest.fixture(scope="module")
def linked(clean):
    return table(clean, "linked_change").loc["linked_change"]


def test_what_is_not_in_standard_deviations_is_not_set_against_a_drift(clean, linked):
    far = table(clean, "linked_change", drift=5.0).loc["linked_change"]
    assert far.loc["own_unit", "verdict"] != linked.loc["own_unit", "verdict"]
    assert far.loc["superiority", "verdict"] == linked.loc["superiority", "verdict"] != ""


def assert_same(row, raw):
    assert row["change"] == pytest.approx(raw.estimate)
    assert row["change_se"] == pytest.approx(raw.se)
    assert row["df"] == pytest.approx(raw.df)


def test_schools_and_stayers_and_clusters(clean, linked):
    people = pairs_of(clean)
    change = people["post"] - people["pre"]
    by_school = change.groupby(people["school"]).mean()
    assert linked.loc["school_means", "change"] == pytest.approx(by_school.mean())
    assert linked.loc["school_means", "change_se"] == pytest.approx(by_school.sem())
    stay = people["school"] == people["school_post"]
    assert_same(linked.loc["stayers"], mean(change[stay], codes(people["school"][stay])))
    assert_same(linked.loc["cluster_school"], mean(change, codes(people["school"])))
    assert_same(linked.loc["cluster_post_school"], mean(change, codes(people["school_post"])))


def test_the_naive_result_is_pingouins_and_says_so(clean, linked):
    people = pairs_of(clean)
    theirs = pingouin.ttest(people["post"], people["pre"], paired=True).iloc[0]
    naive = linked.loc["naive"]
    assert naive["p_value"] == pytest.approx(theirs["p_val"])
    assert naive["df"] == theirs["dof"]
    low, high = naive["change"] + np.array([-1, 1]) * 0
    assert low == high == pytest.approx((people["post"] - people["pre"]).mean())
    assert "naive" in naive["method"]
    assert pd.isna(naive["n_clusters"])


def test_reml_of_pairs_is_the_model_of_stayers(clean, linked):
    people = pairs_of(clean)
    people = people[people["school"] == people["school_post"]]
    y = np.concatenate([people["pre"], people["post"]])
    wave = np.repeat([0.0, 1.0], len(people))
    model = fit(y, np.column_stack([np.ones(len(y)), wave]), np.tile(people["school"], 2),
                slope=wave, person=np.tile(np.arange(len(people)), 2))  # fmt: skip
    effect = model.contrast([0, 1])
    row = linked.loc["reml_slope"]
    assert row["change"] == pytest.approx(effect.estimate, abs=1e-6)
    assert row["change_se"] == pytest.approx(effect.se, rel=1e-4)


def test_units_of_other_samples(clean, linked):
    people = pairs_of(clean)
    before = clean.loc[clean["wave"] == "pre", "y"]
    change = (people["post"] - people["pre"]).mean()
    assert linked.loc["own_unit", "estimate"] == pytest.approx(change / before.std())
    assert linked.loc["linked_unit", "estimate"] == pytest.approx(change / people["pre"].std())
    average = np.sqrt((people["pre"].var() + people["post"].var()) / 2)
    assert linked.loc["average_unit", "estimate"] == pytest.approx(change / average)
    assert linked.loc["own_unit", "se"] != linked.loc["linked_unit", "se"]


def test_standardised_changes_are_those_of_metafor_and_effectsize():
    data = pd.read_csv(REFERENCE / "teachers30.csv")
    people = data.rename(columns={c: c.lower() for c in data})[["pre", "post"]]
    school = [f"s{i}" for i in range(len(people))]
    rows = in_two_waves(people.assign(school_pre=school, school_post=school))
    found = table(rows, "linked_change", population="teachers").loc["linked_change"]
    assert found.loc["hedges_g", "estimate"] == pytest.approx(R["SMCR"], abs=1e-10)
    assert found.loc["average_unit", "estimate"] == pytest.approx(R["d_av"], abs=1e-10)
    assert found.loc["superiority", "estimate"] != found.loc["superiority", "estimate"]


def weighted(people, number):
    """The mean change in which a school counts `number` (by school), by the definition."""
    change = people["post"] - people["pre"]
    weight = people["school"].map(number) / people["school"].map(people["school"].value_counts())
    weight = np.minimum(weight, np.quantile(weight, 0.99))
    one = np.ones((len(change), 1))
    return contrast(change, one, [1], codes(people["school"]), weights=weight)


def test_school_weights_count_schools_by_all_whom_they_had_before(clean):
    clean = clean.drop(columns="grade")
    found = table(clean, "linked_change", population="teachers")
    before = clean[clean["wave"].eq("pre") & clean["y"].notna()]["school_id"].value_counts()
    row = found.loc[("linked_change", "school_weights")]
    assert_same(row, weighted(pairs_of(clean), before))
    assert row["flags"].startswith("effective_n=")


def test_register_weights_count_schools_by_their_invited(clean):
    clean = clean.drop(columns="grade")
    invited = {school: 10.0 * (i + 1) for i, school in enumerate(sorted(set(clean["school_id"])))}
    found = table(clean, "linked_change", population="teachers", invited=invited)
    row = found.loc[("linked_change", "register_weights")]
    assert_same(row, weighted(pairs_of(clean), invited))
    assert row["flags"].split(";")[-2].startswith("effective_n=")
    assert row["flags"].endswith("uncovered=0.00")
    silent = table(clean, "linked_change", population="teachers",
                   invited=invited | {"nobody": sum(invited.values())})  # fmt: skip
    assert silent.loc[("linked_change", "register_weights"), "flags"].endswith("uncovered=0.50")
    none = table(clean, "linked_change", population="teachers")
    assert none.loc[("linked_change", "register_weights"), "reason"] == "no_register"


def test_school_weights_and_correlations_are_those_of_survey_and_clubsandwich():
    theirs = json.loads((REFERENCE / "schools.json").read_text())
    people = pd.DataFrame(theirs["data"]).astype({"pre": float, "post": float})
    school = people["school"].map("s{:02}".format)
    people = people.drop(columns="school").assign(school_pre=school, school_post=school)
    clean = in_two_waves(people)
    of_grades = table(clean, "same_grade").loc[("same_grade", "school_weights")]
    linked = table(clean.drop(columns="grade"), "linked_change", population="teachers")
    linked = linked.loc[("linked_change", "school_weights")]
    for row, reference in ((linked, theirs["linked"]), (of_grades, theirs["same_grade"])):
        got = row[["change", "change_se", "df"]].tolist()
        assert got == pytest.approx([reference[k] for k in ("estimate", "se", "df")], abs=1e-8)
        assert row["change"] == pytest.approx(reference["by_survey"], abs=1e-8)
    there = people["post"].notna()
    change = (people["post"] - people["pre"]).groupby(school).mean()
    share = there.groupby(school).mean()[change.notna()]
    place = share.index.str[1:].astype(int)
    for name, cluster in (("schools", place), ("regions", place % 8)):
        z = correlation(share, change[change.notna()], cluster)
        reference = theirs["correlation"][name]
        got = [z.estimate, z.se, z.df]
        assert got == pytest.approx([reference[k] for k in ("estimate", "se", "df")], abs=1e-8)


@pytest.mark.parametrize("linear", [(3.0, 2.0), (0.0, -1.0)])
def test_a_correlation_follows_the_sign_and_nothing_else_of_its_columns(linear):
    rng = np.random.default_rng(3)
    x, y, cluster = rng.normal(size=30), rng.normal(size=30), np.arange(30) % 12
    start, by = linear
    one, other = correlation(x, y, cluster), correlation(start + by * x, y, cluster)
    assert other.estimate == pytest.approx(np.sign(by) * one.estimate)
    assert (other.se, other.df) == pytest.approx((one.se, one.df))
    swapped, order = correlation(y, x, cluster), rng.permutation(30)
    assert swapped.estimate == pytest.approx(one.estimate)
    again = correlation(x[order], y[order], cluster[order])
    assert (again.estimate, again.se, again.df) == pytest.approx((one.estimate, one.se, one.df))
    for constant in (np.ones(30), 1e9 + np.zeros(30)):
        with pytest.raises(NotEstimableError, match="no_variance"):
            correlation(constant, y, cluster)
    with pytest.raises(NotEstimableError, match="no_variance"):
        correlation(x, 2 * x + 1, cluster)


def test_school_weights_change_nothing_where_every_school_kept_the_same_share():
    rng = np.random.default_rng(8)
    school = np.repeat([f"s{j:02}" for j in range(9)], 6)
    people = pd.DataFrame({"school_pre": school, "school_post": school})
    people["pre"] = rng.normal(3, 1, len(school))
    people["post"] = people["pre"] + rng.normal(0.2, 1, len(school))
    people["role"] = ""
    half = np.arange(len(school)) % 2 == 0
    clean = in_two_waves(people)
    gone = clean["wave"].eq("post") & ~np.tile(half, 2)
    found = table(clean[~gone], "linked_change", population="teachers").loc["linked_change"]
    main = mean((people["post"] - people["pre"])[half], codes(people["school_pre"][half]))
    assert_same(found.loc["school_weights"], main)
    invited = dict.fromkeys(set(school), 600.0)
    again = table(clean[~gone], "linked_change", population="teachers", invited=invited)
    assert_same(again.loc[("linked_change", "register_weights")], main)


def test_cells_count_all_whom_they_had_before():
    rng = np.random.default_rng(4)
    n = {"pre": 12, "post": 4}
    rows = [
        {"wave": wave, "school_id": f"s{j}", "grade": 7, "y": y}
        for wave, size in n.items()
        for j in range(10)
        for y in rng.normal(3 + 0.1 * j * (wave == "post"), 1, size if j else 2 * size)
    ]
    clean = pd.DataFrame(rows)
    row = table(clean, "same_grade").loc[("same_grade", "school_weights")]
    means = clean.groupby(["school_id", "wave"])["y"].mean().unstack()
    change = means["post"] - means["pre"]
    before = clean[clean["wave"] == "pre"].groupby("school_id").size()
    assert row["change"] == pytest.approx((before * change).sum() / before.sum())
    # all cells lose two thirds, so that the weights are the sizes, and the errors those of a mean
    raw = contrast(change * np.sqrt(before), np.sqrt(before).to_numpy()[:, None], [1], range(10))
    assert_same(row, raw)


@pytest.fixture(scope="module")
def selective():
    """Forty schools of which those that improve keep more people."""
    rng = np.random.default_rng(12)
    z = rng.normal(size=40)
    school = np.repeat(np.arange(40), 30)
    pre = rng.normal(3, 0.7, len(school))
    post = pre + 0.4 * z[school] + rng.normal(0, 0.4, len(school))
    kept = rng.random(len(school)) < 1 / (1 + np.exp(-1.2 * z[school]))
    rows = {"school_pre": [f"s{j:02}" for j in school], "pre": pre, "post": post}
    people = pd.DataFrame(rows).assign(post=post, role="", school_post=rows["school_pre"])
    clean = in_two_waves(people)
    return clean[~(clean["wave"].eq("post") & ~np.tile(kept, 2))].reset_index(drop=True)


def test_an_attrition_that_goes_with_the_change_of_schools_is_told(selective):
    rows = plan("linked_change", population="teachers")
    found = effects(selective, rows)
    assert "selective_linkage=more" in found["flags"][0].split(";")
    table_ = sensitivity(selective, found, rows, Questionnaire("teachers", "oslo"))
    row = table_.set_index("analysis").loc["linkage_by_school"]
    people = pairs_of(selective)
    change = (people["post"] - people["pre"]).groupby(people["school"]).mean()
    before = selective[selective["wave"] == "pre"].groupby("school_id").size()
    share = people.groupby("school").size() / before
    share = share[change.index]
    assert row["estimate"] == pytest.approx(np.corrcoef(share, change)[0, 1])
    assert 0 < row["ci_low"] < row["estimate"] < row["ci_high"] < 1
    assert row["verdict"] == ""
    assert row[["agrees", "change", "p_value"]].isna().all()
    weighted_row = table_.set_index("analysis").loc["school_weights"]
    assert weighted_row["change"] < found["change"][0] - 0.1
    turned = selective.assign(y=6 - selective["y"])
    assert "selective_linkage=less" in effects(turned, rows)["flags"][0].split(";")


def in_schools(lost, *, n=12, people=60, strength=0.8, up=0.0, seed=3):
    """Nobody changes but for `up`; the `lost` are those who were low (or high) in one answer."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n), people)
    trait = rng.normal(3, 0.6, len(school))
    pre, post = (trait + rng.normal(0, 0.6, len(school)) for _ in range(2))
    way = {"low": 1, "high": -1}[lost]
    kept = rng.random(len(school)) < 1 / (1 + np.exp(-way * strength * (pre - 3) / 0.85))
    rows = {"school_pre": [f"s{j:02}" for j in school], "pre": pre, "post": post + up}
    clean = in_two_waves(pd.DataFrame(rows).assign(role="", school_post=rows["school_pre"]))
    return clean[~(clean["wave"].eq("post") & ~np.tile(kept, 2))].reset_index(drop=True)


@pytest.mark.parametrize(("lost", "flag", "way"), [("low", "lower", -1), ("high", "higher", 1)])
def test_dropout_by_the_answer_before_is_told_beside_the_change_it_makes(lost, flag, way):
    clean, rows = in_schools(lost), plan("linked_change", population="teachers")
    found = effects(clean, rows)
    assert {f"lost_apart={flag}", "lost_matter=zero"} <= {*found["flags"][0].split(";")}
    assert way * found["change"][0] > 0.1
    paired = pairs(clean, rows)
    assert linked_change(paired, rows)["flags"][0] == found["flags"][0]
    asked = Questionnaire("teachers", "oslo")
    (row,) = sensitivity(clean, found, rows, asked, only=["linkage_weights"]).to_dict("records")
    assert row["ci_low"] < 0 < row["ci_high"]
    # of few people nobody can tell, nor may a flag tell where a hidden interval lies
    few = clean[clean["school_id"] < "s07"].reset_index(drop=True)
    assert "lost_matter" not in effects(few, rows)["flags"][0]
    fewer = in_schools(lost, n=10, people=5)
    assert "lost" not in effects(fewer, rows)["flags"][0]


def test_losses_that_do_not_go_with_the_answer_before_raise_no_flag():
    clean, rows = (
        in_schools("low", strength=0.0, up=0.3),
        plan("linked_change", population="teachers"),
    )
    found = effects(clean, rows)
    assert found["verdict"][0] == "increase"
    assert "lost" not in found["flags"][0]


def test_attrition_by_school_is_not_judged_from_few_schools(selective):
    few = selective[selective["school_id"] < "s19"].reset_index(drop=True)
    rows = plan("linked_change", population="teachers")
    found = effects(few, rows)
    assert "selective" not in found["flags"][0]
    asked = Questionnaire("teachers", "oslo")
    (row,) = sensitivity(few, found, rows, asked, only=["linkage_by_school"]).to_dict("records")
    assert row["reason"] == "few_schools"
    with pytest.raises(InputError, match="unknown analysis"):
        sensitivity(few, found, rows, asked, only=["linkage"])


def test_from_eight_regions_on_these_are_the_clusters_of_the_correlation(selective):
    number = selective["school_id"].str[1:].astype(int)
    rows = plan("linked_change", population="teachers").assign(region="national")
    for regions, clusters in ((8, 8), (7, 40)):
        clean = selective.assign(region=(number % regions).astype(str))
        asked = Questionnaire("teachers", "national")
        found = effects(clean, rows)
        (row,) = sensitivity(clean, found, rows, asked, only=["linkage_by_school"]).to_dict(
            "records"
        )
        assert row["n_clusters"] == clusters


def test_response_after_is_set_against_the_change_of_the_same_grades(selective):
    clean = selective.assign(grade=7)
    rows = plan("same_grade")
    found = effects(clean, rows)
    assert "selective_response=more" in found["flags"][0].split(";")
    table_ = sensitivity(clean, found, rows, Questionnaire("pupils", "oslo"))
    row = table_.set_index("analysis").loc["response_by_school"]
    n = clean.groupby(["school_id", "wave"]).size().unstack()
    means = clean.groupby(["school_id", "wave"])["y"].mean().unstack()
    share, change = n["post"] / n.sum(axis=1), means["post"] - means["pre"]
    assert row["estimate"] == pytest.approx(np.corrcoef(share, change)[0, 1])


def test_linkage_weights_answer_for_all_who_could_be_found(clean, linked):
    row = linked.loc["linkage_weights"]
    assert row["reason"] == ""
    assert row["n_pairs"] == linked.loc["naive", "n_pairs"]
    assert row["change"] != linked.loc["naive", "change"]


def test_tipping_points_have_no_interval_and_no_verdict(linked):
    points = linked.loc[[name for name in linked.index if name.startswith("tipping")]]
    assert len(points) == 4
    assert points["change_se"].isna().all()
    assert (points["verdict"] == "").all()
    assert points["agrees"].isna().all()
    assert points.loc["tipping_point: increase", "estimate"] > points.loc[
        "tipping_point: decrease", "estimate"
    ]  # fmt: skip


def test_imputation_runs_only_where_enough_is_missing(clean, linked):
    assert linked.loc["imputation", "reason"] == ""  # a tenth of the answers is missing
    full = clean.assign(y=clean["y"].fillna(3.0))
    found = table(full, "linked_change").loc[("linked_change", "imputation")]
    assert found["reason"] == "little_missing"


def test_same_grade_variants(clean):
    found = table(clean, "same_grade").loc["same_grade"]
    given = clean.dropna(subset=["y"])
    wave = (given["wave"] == "post").to_numpy(float)
    grades = pd.get_dummies(given["grade"]).to_numpy(float)
    x = np.column_stack([wave, grades])
    raw = contrast(given["y"], x, np.eye(x.shape[1])[0], codes(given["school_id"]))
    assert_same(found.loc["all_schools"], raw)
    cells = given.groupby(["school_id", "grade", "wave"])["y"]
    n, means = cells.size().unstack().dropna(), cells.mean().unstack().dropna()
    both = n.sum(axis=1)
    share = both / both.groupby("grade").transform("sum")
    by_grade = (share * (means["post"] - means["pre"])).groupby("grade").sum()
    assert found.loc["equal_grades", "change"] == pytest.approx(by_grade.mean())
    theirs = pingouin.ttest(given["y"][wave == 1], given["y"][wave == 0], correction=True)
    assert found.loc["naive", "p_value"] == pytest.approx(theirs["p_val"].iloc[0])
    for name in ("reml_slope", "superiority", "ordered_logit"):
        assert found.loc[name, "reason"] == ""
        assert np.isfinite(found.loc[name, "change_se"])
    assert found.loc[["superiority", "ordered_logit"], "estimate"].isna().all()


def test_roles_adjusted_and_within_schools(clean):
    found = table(clean, "participants_vs_colleagues", population="teachers")
    found = found.loc["participants_vs_colleagues"]
    people = pairs_of(clean)
    takes_part = (people["role"] == "participant").to_numpy(float)
    x = np.column_stack([np.ones(len(people)), takes_part, people["pre"]])
    assert_same(
        found.loc["ancova"], contrast(people["post"], x, [0, 1, 0], codes(people["school"]))
    )
    school = codes(people["school"])
    raw = contrast(people["post"] - people["pre"], takes_part[:, None], [1], school, cells=school)
    assert_same(found.loc["school_effects"], raw)
    roles = table(clean, "participants", population="teachers").loc["participants"]
    assert roles.loc["naive", "n_pairs"] == takes_part.sum()


def test_careless_people_are_flagged_and_left_out(instrument):
    assert not same_answer(item_answers(50), instrument).any()  # nothing goes the other way here


def test_who_ticks_the_same_everywhere_is_careless(tmp_path):
    from loftet_analysis.study import load_instrument

    (tmp_path / "instruments").mkdir()
    lines = "".join(
        f"      q{i}: {{nb: Spørsmål {i}{', reversed: true' if i > 4 else ''}}}\n"
        for i in range(1, 8)
    )
    (tmp_path / "instruments" / "seven.yml").write_text(
        "responses: {agree: {1: {nb: Nei}, 2: {nb: Litt}, 3: {nb: Noe}, 4: {nb: Ja}}}\n"
        "scales:\n  seven:\n    label: {nb: Sju}\n    responses: agree\n    items:\n" + lines,
        encoding="utf-8",
    )
    seven = load_instrument("seven", tmp_path)
    # reversed already: the one who ticked 4 seven times has 4 and, of the reversed, 1
    rows = [[4] * 4 + [1] * 3, [4] * 7, [3, 3, 3, 3, 2, 2, 2], [4, 4, 4, 4, 1, np.nan, np.nan],
            [4, 4, 4] + [np.nan] * 4]  # fmt: skip
    clean = pd.DataFrame(rows, columns=[f"q{i}" for i in range(1, 8)], dtype=float)
    assert same_answer(clean, seven).tolist() == [True, False, True, False, False]


def test_items_that_moved_by_themselves_are_left_out(instrument):
    clean = item_answers(400, bent=0.8)
    clean["joy"] = clean[[f"j{i}" for i in range(1, 6)]].mean(axis=1)
    rows = plan("linked_change", outcome="joy", units=unit(outcome="joy"))
    asked = Questionnaire("pupils", "oslo", instrument)
    examined = invariance(clean, instrument, population="pupils")
    found = sensitivity(clean, effects(clean, rows), rows, asked, examined)
    row = found.set_index("analysis").loc["without_failing_items"]
    kept = clean[["j1", "j2", "j4", "j5"]].mean(axis=1)
    wide = clean.assign(kept=kept).pivot(index="person_id", columns="wave", values="kept")
    assert row["change"] == pytest.approx((wide["post"] - wide["pre"]).mean())
    assert row["change"] < row["main_estimate"] * 0.8
    assert "without j3" in row["method"]


def test_whether_a_conclusion_hangs_on_a_choice_is_seen_at_a_glance(linked):
    tested = linked[linked["p_value"].notna()]
    main = tested["main_verdict"].iloc[0]
    seen = tested["p_value"] < 0.05
    assert tested["agrees"].notna().all()
    if main == "increase":
        assert (tested["agrees"] == (seen & (tested["change"] > 0))).all()
    assert linked["main_estimate"].nunique() == 1


def test_refused_main_rows_and_empty_plans_give_no_conclusion(clean):
    alone = clean.assign(school_id="s00")
    found = table(alone, "linked_change").loc["linked_change"]
    assert (found["main_verdict"] == "refused").all()
    assert found["agrees"].isna().all()
    assert found.loc["school_means", "reason"] == "one_cluster"
    nothing = table(clean, "school_change")
    assert nothing.empty


def test_a_naive_change_of_zero_has_its_standard_error():
    change = np.array([1.0, -1.0, 2.0, -2.0])
    found = _ttest(change, 0.0)
    assert (found.estimate, found.df) == (0, 3)
    assert found.se == pytest.approx(change.std(ddof=1) / 2)
