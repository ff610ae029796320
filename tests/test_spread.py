"""All pupils: percentiles, shares, gaps, the lowest fifth and spread, against R and algebra."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loftet_analysis.analysis.changes import Answers, same_grade
from loftet_analysis.analysis.equity import (
    BETWEEN,
    PERCENTILES,
    WITHIN,
    gap_change,
    lowest_fifth,
    same_grade_quantile,
    share_below,
    spread_ratio,
)
from loftet_analysis.analysis.estimates import MODELS, estimates
from loftet_analysis.analysis.panel import arrange, subgroup_rows
from loftet_analysis.estimands import names_where
from loftet_analysis.stats.quantiles import mid_quantile, scale_step
from tests.conftest import reason

R = json.loads((Path(__file__).parent / "reference" / "spread.json").read_text())
RULER = {"sd_unit": 0.8, "low_fifth": R["low_cut"], "alpha": 0.8}
GAP = "girl=1 - girl=0"
FINDERS = {
    **{f"p{p}": partial(same_grade_quantile, p=p / 100) for p in PERCENTILES[:4]},
    "share_below": share_below,
    "gap_change": gap_change,
    "lowest_fifth": lowest_fifth,
    BETWEEN: partial(spread_ratio, part=BETWEEN),
    WITHIN: partial(spread_ratio, part=WITHIN),
}


def clean_rows(y="y"):
    rows = pd.DataFrame(R["people"]).rename(columns={"school": "school_id"})
    return rows.assign(
        wave=np.where(rows["wave"] == 1, "post", "pre"),
        school_id=[f"s{j:02d}" for j in rows["school_id"]],
        grade=rows["grade"].astype("Int64"),
        person_id=[f"{a}-{b}-{c}" for a, b, c in zip(
            rows["school_id"], rows["grade"],
            rows.groupby(["school_id", "grade", "wave"]).cumcount(), strict=True,
        )],
        y=rows[y],
    )  # fmt: skip


def case_of(clean, settled=RULER, contrast=GAP):
    y = clean["y"].to_numpy(float)
    return Answers(arrange(clean), y, np.isfinite(y), settled, contrast)


def pairs(before, after, school):
    person = [f"p{i:05d}" for i in range(len(before))]
    waves = {"pre": before, "post": after}
    frames = (
        pd.DataFrame({"wave": wave, "school_id": school, "person_id": person, "y": y})
        for wave, y in waves.items()
    )
    return pd.concat(frames, ignore_index=True)


def assert_as_r(raw, reference, rel=1e-8):
    found = [raw.estimate, raw.se, raw.df]
    assert found == pytest.approx([reference[key] for key in ("estimate", "se", "df")], rel=rel)


@pytest.mark.parametrize("k", range(4))
def test_on_a_regular_scale_quantiles_are_mid_quantiles_as_r_has_them(k):
    found = same_grade_quantile(case_of(clean_rows()), p=R["p"][k])
    reference = R["mid_quantile"][k]
    assert_as_r(found.raw, reference)
    assert [found.mean_pre, found.mean_post] == pytest.approx([reference["pre"], reference["post"]])


@pytest.mark.parametrize("k", range(4))
def test_quantiles_with_missing_items_agree_with_r(k):
    found = same_grade_quantile(case_of(clean_rows("y_missing")), p=R["p"][k])
    assert_as_r(found.raw, R["spread_quantile"][k], rel=1e-6)  # R's slope is a numerical derivative
    by_r = [R["spread_quantile"][k][wave] for wave in ("pre", "post")]
    assert [found.mean_pre, found.mean_post] == pytest.approx(by_r, rel=1e-12)


def test_share_below_and_gap_agree_with_clubsandwich():
    case = case_of(clean_rows())
    assert_as_r(share_below(case).raw, R["share_below"])
    assert_as_r(gap_change(case).raw, R["gap"])


def test_lowest_fifth_agrees_with_r():
    people = R["lowest"]["people"]
    clean = pairs(people["pre"], people["post"], [f"s{j:02d}" for j in people["school"]])
    ruler = {"low_fifth": R["lowest"]["cut"], "alpha": R["lowest"]["rho"]}
    found = lowest_fifth(case_of(clean, ruler))
    assert_as_r(found.raw, R["lowest"])
    assert found.n_pairs == found.n_pre == R["lowest"]["n_low"]


@pytest.mark.parametrize("part", [BETWEEN, WITHIN])
def test_spread_ratio_agrees_with_a_jackknife_loop_in_r(part):
    found, key, r = spread_ratio(case_of(clean_rows()), part=part), part.split()[0], R["spread"]
    assert found.raw.estimate == pytest.approx(r["estimate"][key], rel=1e-9)
    assert found.raw.se == pytest.approx(r["se"][key], rel=1e-9)
    assert [found.sd_pre, found.sd_post] == pytest.approx([r["pre"][key], r["post"][key]])
    assert found.raw.df == found.raw.n_clusters - 1 == r["schools"] - 1


def test_lowest_fifth_is_what_kelley_leaves():
    people = pd.DataFrame(R["lowest"]["people"])
    cut, rho = R["lowest"]["cut"], 0.7
    change, low = people["post"] - people["pre"], people["pre"] < cut
    expected = change.mean() + (rho - 1) * (people["pre"][low].mean() - people["pre"].mean())
    clean = pairs(people["pre"], people["post"], people["school"].astype(str))
    found = lowest_fifth(case_of(clean, {"low_fifth": cut, "alpha": rho}))
    assert found.raw.estimate == pytest.approx(change[low].mean() - expected)
    assert found.mean_post - found.mean_pre == pytest.approx(change[low].mean())
    assert found.sd_pre == pytest.approx(people["pre"][low].std())


@pytest.mark.parametrize("stability", [1.0, 0.7])
def test_the_lowest_rise_above_the_expectation_where_true_scores_change_places(stability):
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(2, 200_000))
    second = stability * first + np.sqrt(1 - stability**2) * second + 0.3
    before, after = (true + rng.normal(0, 0.5, len(true)) for true in (first, second))
    school = np.array([f"s{j}" for j in np.arange(200_000) % 50])
    cut = np.quantile(before, 0.2)
    found = lowest_fifth(case_of(pairs(before, after, school), {"low_fifth": cut, "alpha": 0.8}))
    rise = (1 - stability) * 0.8 * (before.mean() - before[before < cut].mean())
    assert found.raw.estimate == pytest.approx(rise, abs=0.012)


def test_chance_in_the_share_who_are_low_is_part_of_the_lowest_fifth():
    """Scores without CR2's adjustment are derivatives of the estimate in the people's weights."""
    rng = np.random.default_rng(4)
    school = np.repeat(np.arange(300), 2)
    before = rng.normal(size=600) + rng.normal(size=300)[school]
    after = before + 0.5 * (before < -1) + rng.normal(size=600)
    names = [f"s{j:03d}" for j in school]
    found = lowest_fifth(case_of(pairs(before, after, names), {"low_fifth": -1.0, "alpha": 0.8}))
    low, z = before < -1, after - 0.8 * before
    derivatives = []
    for j in range(300):
        w = np.ones(600) + 1e-5 * (school == j)
        moved = np.average(z[low], weights=w[low]) - np.average(z, weights=w)
        derivatives.append((moved - found.raw.estimate) / 1e-5)
    assert found.raw.scores == pytest.approx(np.array(derivatives), rel=0.02, abs=2e-4)


@given(seed=st.integers(0, 10_000), p=st.floats(0.15, 0.85))
@settings(max_examples=30, deadline=None)
def test_influences_are_derivatives_in_the_weights(seed, p):
    rng = np.random.default_rng(seed)
    y = rng.choice([2, 2.25, 7 / 3, 2.5, 2.75, 3, 3.25], 60)
    weight = rng.uniform(0.5, 2, 60)
    q, influence = mid_quantile(y, weight, p, 0.25)
    assert weight @ influence == pytest.approx(0, abs=1e-10)
    assume(np.abs(np.abs(q - y) - 0.25).min() > 1e-3)  # at a bend the slope is that of both sides
    for i in range(0, 60, 7):
        more = weight.copy()
        more[i] += 1e-6 * weight.sum()
        slope = (mid_quantile(y, more, p, 0.25)[0] - q) / 1e-6
        assert slope == pytest.approx(influence[i], rel=1e-3, abs=1e-4)


def test_one_person_with_a_missing_item_hardly_moves_a_quantile():
    y = np.repeat([1.5, 1.75, 2.0, 2.25, 2.5, 2.75], [10, 20, 40, 50, 40, 20])
    q, influence = mid_quantile(y, np.ones(len(y)), 0.5, scale_step(y))
    with_one = np.append(y, 13 / 6)
    assert scale_step(with_one) == scale_step(y) == 0.25
    other, other_influence = mid_quantile(with_one, np.ones(len(with_one)), 0.5, 0.25)
    assert other == pytest.approx(q, abs=0.002)
    assert np.abs(other_influence).max() == pytest.approx(np.abs(influence).max(), rel=0.02)


@pytest.mark.parametrize(
    ("y", "step"),
    [
        (np.repeat([1.0, 2, 3, 4], [5, 20, 40, 35]), 1.0),
        (np.repeat([0.0, 1.0], [30, 70]), 1.0),
        (np.repeat([1.0, 1.25, 1.5, 2.5, 3.75, 4], [40, 5, 5, 10, 15, 45]), 0.25),
        (np.arange(1000) / 1000, 0.1 * np.std(np.arange(1000) / 1000)),
    ],
)
def test_the_step_is_that_of_the_scale(y, step):
    assert scale_step(y) == pytest.approx(step)


@pytest.mark.parametrize("name", FINDERS)
def test_shifting_everybody_changes_nothing_and_a_scale_factor_is_a_unit(name):
    clean = clean_rows("y_missing")
    found = FINDERS[name](case_of(clean)).raw
    ruler = RULER | {"low_fifth": 3 * RULER["low_fifth"] - 5}
    moved = FINDERS[name](case_of(clean.assign(y=3 * clean["y"] - 5), ruler)).raw
    unit = 1 if name in ("share_below", BETWEEN, WITHIN) else 3
    assert moved.estimate == pytest.approx(unit * found.estimate, rel=1e-7)
    assert moved.se == pytest.approx(unit * found.se, rel=1e-7)
    assert moved.df == pytest.approx(found.df)


@pytest.mark.parametrize("name", [name for name in FINDERS if name != "lowest_fifth"])
def test_swapping_the_waves_turns_the_sign(name):
    clean = clean_rows("y_missing")
    swapped = clean.assign(wave=clean["wave"].map({"pre": "post", "post": "pre"}))
    found, other = (FINDERS[name](case_of(rows)).raw for rows in (clean, swapped))
    assert other.estimate == pytest.approx(-found.estimate)
    assert other.se == pytest.approx(found.se)


@pytest.mark.parametrize("name", FINDERS)
def test_the_order_of_rows_does_not_matter(name):
    clean = clean_rows("y_missing")
    found = FINDERS[name](case_of(clean))
    other = FINDERS[name](case_of(clean.sample(frac=1, random_state=3)))
    assert other.raw.estimate == pytest.approx(found.raw.estimate)
    assert other.raw.scores == pytest.approx(found.raw.scores, abs=1e-12)
    assert [other.n_pre, other.n_post, other.n_pairs] == [found.n_pre, found.n_post, found.n_pairs]


def test_swapping_the_groups_turns_the_gap():
    case = case_of(clean_rows())
    other = gap_change(replace(case, contrast="girl=0 - girl=1"))
    assert other.raw.estimate == pytest.approx(-gap_change(case).raw.estimate)
    assert np.isnan(other.baseline)


def test_share_below_is_the_same_grade_change_of_an_indicator():
    case = case_of(clean_rows())
    indicator = same_grade(replace(case, y=(case.y < R["low_cut"]).astype(float)))
    found = share_below(case)
    assert found.raw.scores.tolist() == indicator.raw.scores.tolist()
    assert 0 < found.mean_pre < 0.2
    assert found.mean_post - found.mean_pre == pytest.approx(found.raw.estimate)


def test_a_score_that_rounding_has_moved_is_not_below_the_cut():
    clean = clean_rows()
    found = share_below(case_of(clean)).raw.estimate
    nearly = clean.assign(y=np.nextafter(clean["y"], -np.inf))
    assert share_below(case_of(nearly)).raw.estimate == found


def test_the_gap_is_the_difference_of_two_same_grade_changes():
    case = case_of(clean_rows())
    alone = []
    for group in GAP.split(" - "):
        own = case.valid & subgroup_rows(case.people, group)
        alone.append(same_grade(replace(case, valid=own)))
    found = gap_change(case)
    assert found.raw.estimate == pytest.approx(alone[0].raw.estimate - alone[1].raw.estimate)
    assert found.mean_pre == pytest.approx(alone[0].mean_pre - alone[1].mean_pre)
    assert found.n_pre == alone[0].n_pre + alone[1].n_pre


def test_the_gap_counts_the_schools_that_are_in_one_wave_only():
    clean = clean_rows()
    gone = (clean["school_id"] == "s01") & (clean["wave"] == "post")
    found = gap_change(case_of(clean[~gone]))
    assert found.n_schools_dropped == gap_change(case_of(clean)).n_schools_dropped + 1


def test_a_gap_may_name_values_with_dashes():
    clean = clean_rows()
    region = np.where(clean["girl"] == 1, "Nordland - Nordlánnda", "Oslo")
    case = case_of(
        clean.assign(region=region), contrast="region=Nordland - Nordlánnda - region=Oslo"
    )
    assert gap_change(case).raw.estimate == gap_change(case_of(clean)).raw.estimate
    case = case_of(
        clean.assign(region=region), contrast="region=Oslo - region=Nordland - Nordlánnda"
    )
    assert gap_change(case).raw.estimate == pytest.approx(-gap_change(case_of(clean)).raw.estimate)
    bands = replace(case, contrast="grade_band=8-10 - grade_band=5-7")
    assert np.isfinite(gap_change(bands).raw.se)


def test_the_quantile_describes_the_scores_not_their_influences():
    case = case_of(clean_rows())
    found, plain = same_grade_quantile(case, p=0.25), same_grade(case)
    for column in ("n_pre", "n_post", "sd_pre", "sd_post", "n_schools_dropped"):
        assert getattr(found, column) == getattr(plain, column)
    assert found.mean_post - found.mean_pre == pytest.approx(found.raw.estimate, abs=1e-13)
    assert found.design_effect > 0


def test_a_plain_shift_of_all_schools_moves_every_quantile_and_no_spread():
    clean = clean_rows()
    before = clean[clean["wave"] == "pre"]
    after = before.assign(wave="post", y=before["y"] + 0.25 + 1e-3 * (before["girl"] - 0.5))
    case = case_of(pd.concat([before, after], ignore_index=True))
    for p in (0.25, 0.5, 0.75):
        assert same_grade_quantile(case, p=p).raw.estimate == pytest.approx(0.25, abs=2e-3)
    for part in (BETWEEN, WITHIN):
        assert spread_ratio(case, part=part).raw.estimate == pytest.approx(0, abs=2e-3)


def test_what_cannot_be_estimated_is_refused_with_its_reason():
    clean = clean_rows()
    case = case_of(clean)
    ceiling = case_of(clean.assign(y=clean["y"].where(clean.index % 2 == 0, 4.0)))
    quarter = partial(same_grade_quantile, p=0.25)
    few = case_of(clean[clean["school_id"] < "s20"])
    alike = clean.assign(y=clean.groupby("wave")["y"].transform("mean"))
    noise = clean.assign(y=np.random.default_rng(1).normal(size=len(clean)))
    assert reason(same_grade_quantile, ceiling, p=0.9) == "at_the_end_of_the_scale"
    assert reason(quarter, case_of(clean.assign(y=2.0))) == "no_variance"
    assert reason(quarter, case_of(clean.drop(columns="grade"))) == "no_grade"
    assert reason(quarter, case_of(clean[clean["wave"] == "pre"])) == "no_common_cells"
    assert reason(quarter, case_of(clean.assign(school_id="s"))) == "one_cluster"
    assert reason(spread_ratio, few, part=WITHIN) == "few_schools"
    assert reason(spread_ratio, case_of(alike), part=WITHIN) == "no_variance"
    assert reason(spread_ratio, case_of(noise), part=BETWEEN) == "no_variance"
    assert np.isfinite(spread_ratio(case_of(noise), part=WITHIN).raw.se)
    floor = replace(case, settled=RULER | {"low_fifth": 1.0})
    assert reason(share_below, floor) == reason(lowest_fifth, floor) == "nobody_low"
    assert reason(lowest_fifth, replace(case, settled=RULER | {"low_fifth": 9})) == "nobody_low"
    assert (
        reason(lowest_fifth, replace(case, settled=RULER | {"alpha": np.nan})) == "no_reliability"
    )
    assert reason(lowest_fifth, case_of(clean.drop(columns="person_id"))) == "no_pairs"
    assert reason(share_below, replace(case, settled={})) == "no_unit"


def test_a_quantile_between_two_heaps_that_are_far_apart_is_refused():
    y = np.repeat([1.0, 3.0, 3.1], [50, 25, 25])
    assert reason(mid_quantile, y, np.ones(100), 0.5, scale_step(y)) == "no_unique_quantile"


def test_one_person_in_every_cell_says_nothing_of_the_spread_within_schools():
    singles = clean_rows().drop_duplicates(["school_id", "grade", "wave"])
    one_grade = singles.drop_duplicates(["school_id", "wave"])
    assert reason(spread_ratio, case_of(one_grade), part=WITHIN) == "no_variance"


@pytest.mark.parametrize(
    "contrast",
    ["", "post - pre", "girl=1", "age=1 - age=2", "girl=1 - girl=7", "girl=yes - girl=no"],
)
def test_a_gap_without_two_groups_is_refused(contrast):
    assert reason(gap_change, replace(case_of(clean_rows()), contrast=contrast)) == "no_subgroup"


def test_groups_that_share_people_are_refused():
    case = replace(case_of(clean_rows()), contrast="girl=1 - grade=5")
    assert reason(gap_change, case) == "groups_overlap"


def test_a_lowest_fifth_of_a_single_school_is_refused():
    rng = np.random.default_rng(2)
    before, school = rng.normal(3, 0.5, 60), np.repeat(list("abcdef"), 10)
    before[school != "c"] += 4
    clean = pairs(before, before + rng.normal(0, 0.3, 60), school)
    assert reason(lowest_fifth, case_of(clean, {"low_fifth": 3.0, "alpha": 0.8})) == "one_cluster"


def test_pupils_who_move_are_clustered_by_feeder_group():
    rng = np.random.default_rng(5)
    school = np.repeat([f"a{j}" for j in range(9)], 20)
    before = rng.normal(3, 0.7, 180)
    clean = pairs(before, before + rng.normal(0, 0.5, 180), school)
    after = clean["wave"] == "post"
    clean.loc[after, "school_id"] = clean["school_id"].str.replace("a", "b").str.replace("1", "0")
    of_pupils, of_teachers = (
        estimates(clean, pd.DataFrame([{
            "population": population, "outcome": "y", "estimand": "lowest_fifth",
            "subgroup": "all", "sd_unit": 0.8, "low_fifth": 2.5, "alpha": 0.8,
        }])).iloc[0]
        for population in ("pupils", "teachers")
    )  # fmt: skip
    assert of_pupils[["cluster", "n_clusters"]].tolist() == ["feeder_group", 8]
    assert of_teachers[["cluster", "n_clusters"]].tolist() == ["school", 9]


def test_every_estimand_has_its_rows():
    found = {name: MODELS[name] for name in names_where(is_equity=True)}
    assert [e.contrast for e in found["same_grade_quantile"]] == ["p10", "p25", "p50", "p75", "p90"]
    assert [e.contrast for e in found["spread_ratio"]] == [BETWEEN, WITHIN]
    assert [len(rows) for rows in found.values()] == [5, 1, 1, 1, 2]
    assert {name for name, rows in found.items() if not rows[0].unit} == {
        "share_below", "spread_ratio",
    }  # fmt: skip


def scores(rng, true):
    """Mean of four items on four steps; one in eight people leaves one out."""
    noise = rng.normal(0, 1, (*true.shape, 4))
    items = np.searchsorted([-1.2, 0, 1.2], true[..., None] + noise) + 1.0
    items[..., 0][rng.random(true.shape) < 0.125] = np.nan
    return np.nanmean(items, axis=-1)


class World:
    """Schools of unequal size that differ in level and in change, as often drawn as asked for."""

    sizes = np.array([5, 8, 12, 16, 20, 24, 30, 36, 12, 8, 16, 20, 50, 30])

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        school = np.repeat(np.arange(len(self.sizes)), self.sizes)
        girl = np.tile([0, 1], len(school) // 2 + 1)[: len(school)]
        self.school, self.girl = school, girl
        self.people = arrange(
            pd.DataFrame({
                "wave": np.repeat(["pre", "post"], len(school)),
                "school_id": np.tile([f"s{j:02d}" for j in school], 2),
                "grade": np.tile(5 + np.arange(len(school)) // 2 % 2, 2),
                "girl": np.tile(girl, 2),
                "person_id": np.tile(np.arange(len(school)).astype(str), 2),
            })
        )  # fmt: skip

    def draw(self, school, girl, *, linked):
        """Return the scores (2, people) of people who are the same in both waves, or are not."""
        rng, n = self.rng, len(school)
        schools = rng.normal(0, 0.4, school.max() + 1)[school]
        drift = 0.2 + rng.normal(0, 0.25, school.max() + 1)[school] + 0.1 * girl
        before = rng.normal(size=n)
        after = before if linked else rng.normal(size=n)
        true = np.stack([before, after]) + schools + np.stack([np.zeros(n), drift])
        if linked:
            return true + rng.normal(0, 0.6, (2, n))
        return scores(rng, true)

    def cases(self, reps, ruler, *, linked):
        for _ in range(reps):
            y = self.draw(self.school, self.girl, linked=linked).ravel()
            yield Answers(self.people, y, np.ones(len(y), dtype=bool), ruler, GAP)

    def population(self, *, linked, n=300_000):
        """Return the scores of very many schools, ten people in each, and who is a girl."""
        school, girl = np.arange(n) // 10, np.arange(n) % 2
        return self.draw(school, girl, linked=linked), girl


def coverage(reps, seed=1):
    """Return the share of 95 % intervals that hold the truth, by name."""
    world, hits = World(seed), {}
    y, girl = world.population(linked=False)
    finders = {name: FINDERS[name] for name in ("p10", "p25", "p50", "p75", "gap_change")}
    ones = np.ones(y.shape[1])
    truth = {
        f"p{100 * p:g}": np.diff([mid_quantile(wave, ones, p, 0.25)[0] for wave in y])[0]
        for p in (0.1, 0.25, 0.5, 0.75)
    }
    change = y[1] - y[0]
    truth["gap_change"] = change[girl == 1].mean() - change[girl == 0].mean()
    for case in world.cases(reps, RULER, linked=False):
        for name, find in finders.items():
            hits.setdefault(name, []).append(holds(find(case).raw, truth[name]))
    (before, after), _ = world.population(linked=True)
    ruler = {"low_fifth": np.quantile(before, 0.2), "alpha": 1.16 / 1.52}
    z = after - ruler["alpha"] * before
    truth = z[before < ruler["low_fifth"]].mean() - z.mean()
    hits["lowest_fifth"] = [
        holds(lowest_fifth(case).raw, truth) for case in world.cases(reps, ruler, linked=True)
    ]
    return {name: np.mean(hit) for name, hit in hits.items()}


def holds(raw, truth):
    low, high = raw.interval()
    return low <= truth <= high


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    for name, share in coverage(400).items():
        assert 0.90 <= share <= 0.99, name
