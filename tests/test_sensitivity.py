"""The sensitivity table: each choice against its definition, and what it says of the conclusion."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest

from loftet_analysis.analysis.invariance import invariance
from loftet_analysis.analysis.sensitivity import sensitivity
from loftet_analysis.cleaning.careless import same_answer
from loftet_analysis.schema import SENSITIVITY
from loftet_analysis.stats.cr2 import contrast, mean
from loftet_analysis.stats.mixed import fit
from loftet_analysis.study.questionnaire import Questionnaire
from tests.test_effects import answers, codes, effects, in_two_waves, pairs_of, plan, unit
from tests.test_invariance import answers as item_answers
from tests.test_invariance import instrument as instrument  # a fixture

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "effect_sizes.json").read_text())


def table(clean, *estimands, population="pupils", **asked):
    rows = plan(*estimands, population=population, years=2)
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


def test_register_weights_count_schools_by_their_invited(clean):
    invited = {school: 10.0 * (i + 1) for i, school in enumerate(sorted(set(clean["school_id"])))}
    found = table(clean, "linked_change", population="teachers", invited=invited)
    people = pairs_of(clean)
    change = people["post"] - people["pre"]
    n = people.groupby("school")["pre"].size()
    weight = people["school"].map(invited) / people["school"].map(n)
    weight = np.minimum(weight, np.quantile(weight, 0.99))
    raw = contrast(change, np.ones((len(change), 1)), [1], codes(people["school"]), weights=weight)
    row = found.loc[("linked_change", "register_weights")]
    assert_same(row, raw)
    assert row["flags"].split(";")[-2].startswith("effective_n=")
    assert row["flags"].endswith("uncovered=0.00")
    none = table(clean, "linked_change", population="teachers")
    assert none.loc[("linked_change", "register_weights"), "reason"] == "no_register"


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
