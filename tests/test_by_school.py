"""Schools' own changes against clubSandwich and their definition.

Those drawn to their mean against the same model integrated in R, and closed forms.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from loftet_analysis.analysis.school_effects import school_effects
from loftet_analysis.errors import InputError
from loftet_analysis.schema import SCHOOLS as BY_SCHOOL
from loftet_analysis.show.labels import LABELS
from loftet_analysis.stats.cr2 import change_over_cells
from loftet_analysis.stats.shrinkage import shrink
from tests.test_effects import answers, codes, pairs_of, plan, row, unit

REFERENCE = json.loads((Path(__file__).parent / "reference" / "by_school.json").read_text())
SETS, SCHOOLS = REFERENCE["sets"], REFERENCE["schools"]
SEEDS = st.integers(0, 2**32 - 1)
NUMBERS = [*BY_SCHOOL[BY_SCHOOL.index("n_pre") : BY_SCHOOL.index("ci_level")]]
SHRUNKEN = ["shrunk", "shrunk_low", "shrunk_high", "tau2"]


def schools(clean, population="pupils", outcomes=None, units=None, **options):
    asked = outcomes or {"y": "Q1"}
    rows = plan(
        *["school_change"] * len(asked), population=population, outcome=list(asked),
        question=list(asked.values()), units=units, **options,
    )  # fmt: skip
    found = school_effects(clean, rows)
    assert list(found.columns) == list(BY_SCHOOL)
    return found


@pytest.fixture
def pupils():
    return pd.DataFrame(REFERENCE["pupils"]).rename(
        columns={"school": "school_id", "person": "person_id"}
    )


def test_changes_within_schools_are_clubsandwich_s(pupils):
    found = schools(pupils, units=unit(REFERENCE["sd_unit"]))
    assert found["school_id"].tolist() == SCHOOLS["school"]
    expected = {"estimate": "change", "se": "se", "ci_low": "ci_low", "ci_high": "ci_high"}
    for column, key in expected.items():
        reference = np.array(SCHOOLS[key]) / REFERENCE["sd_unit"]
        np.testing.assert_allclose(found[column], reference, rtol=1e-9, atol=1e-9, err_msg=column)
    assert found[["n_pre", "n_post"]].to_numpy().T.tolist() == [SCHOOLS["n_pre"], SCHOOLS["n_post"]]
    assert found["n_pairs"].isna().all()
    assert (found["sd_unit"] == REFERENCE["sd_unit"]).all()
    for key in SHRUNKEN:
        reference = REFERENCE["shrunken_schools"][key]
        np.testing.assert_allclose(found[key], reference, atol=1e-7, err_msg=key)


def test_df_within_a_school_are_clubsandwich_s(pupils):
    for school, df in zip(SCHOOLS["school"], SCHOOLS["df"], strict=True):
        part = pupils[pupils["school_id"] == school]
        n = part.groupby("grade")["wave"].value_counts().unstack(fill_value=0)
        part = part[part["grade"].isin(n.index[(n >= 5).all(axis=1)])]
        post = part["wave"] == "post"
        found = change_over_cells(part["y"], part["grade"], post, codes(part["person_id"]))
        assert found.df == pytest.approx(df, rel=1e-8)


@pytest.mark.parametrize(("key", "level"), [("shrunken", 0.95), ("shrunken_at_80", 0.8)])
@pytest.mark.parametrize("name", SETS)
def test_shrunken_estimates_are_those_integrated_in_r(name, key, level):
    found = shrink(SETS[name]["yi"], SETS[name]["vi"], ci_level=level)
    for column in SHRUNKEN:
        reference = REFERENCE[key][name][column]
        np.testing.assert_allclose(found[column], reference, rtol=1e-8, atol=1e-8, err_msg=column)


def test_where_reml_sees_no_differences_schools_keep_a_little_of_their_own():
    y, v = (np.array(SETS["no_heterogeneity"][key]) for key in ("yi", "vi"))
    found = shrink(y, v)
    assert (found["tau2"] == 0).all()
    centre, half = np.average(y, weights=1 / v), 1.959963985 / np.sqrt((1 / v).sum())
    kept = (found["shrunk"] - centre) / (y - centre)
    far = np.abs(y - centre) > np.median(np.abs(y - centre))
    assert kept[far].between(0.02, 0.6).all()
    assert (found["shrunk_low"] < centre - half).all()
    assert (found["shrunk_high"] > centre + half).all()


def test_two_estimates_do_not_say_how_far_apart_estimates_are():
    with pytest.raises(InputError, match=r"(?s)too few estimates.*found:   2"):
        shrink([0.1, 0.2], [0.01, 0.01])


@given(seed=SEEDS, k=st.integers(3, 15), scale=st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_shrinking_in_other_units_turned_round_and_in_another_order(seed, k, scale):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.005, 0.05, k)
    y, order = rng.normal(0.2, np.sqrt(v + 0.03)), rng.permutation(k)
    found = shrink(y, v)
    turned = shrink(1 - scale * y[order], scale**2 * v[order])
    plain = found.iloc[order].reset_index(drop=True)
    close = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(turned["shrunk"], 1 - scale * plain["shrunk"], **close)
    np.testing.assert_allclose(turned["shrunk_low"], 1 - scale * plain["shrunk_high"], **close)
    np.testing.assert_allclose(turned["shrunk_high"], 1 - scale * plain["shrunk_low"], **close)
    np.testing.assert_allclose(turned["tau2"], scale**2 * plain["tau2"], **close)
    centres = [np.average(y, weights=1 / (v + tau2)) for tau2 in (0, *np.geomspace(1e-5, 1e3, 99))]
    assert (found["shrunk"] >= np.minimum(y, min(centres)) - 1e-6).all()
    assert (found["shrunk"] <= np.maximum(y, max(centres)) + 1e-6).all()


@pytest.mark.parametrize("v", [0.0001, 0.04, 2.0])
def test_equal_variances_are_shrunk_alike_and_to_the_plain_mean(v):
    y = np.array([0.1, 0.9, 0.3, -0.2, 0.5])
    found = shrink(y, np.full(5, v), ci_level=0.9)
    np.testing.assert_allclose(found["tau2"], max(y.var(ddof=1) - v, 0))  # REML's
    squares = ((y - y.mean()) ** 2).sum()

    def mean(f):
        def times_p(tau):
            all_ = tau**2 + v
            return f(all_) * np.exp(-squares / all_ / 2) / all_**2

        pieces = pairwise([0, 0.05, 0.2, 0.4, 0.7, 1, 2, 5, np.inf])
        return sum(integrate.quad(times_p, *ends, epsabs=0, epsrel=1e-10)[0] for ends in pieces)

    own = 1 - v * mean(lambda all_: 1 / all_) / mean(np.ones_like)
    np.testing.assert_allclose(found["shrunk"] - y.mean(), own * (y - y.mean()), rtol=1e-7)
    for column, share in (("shrunk_low", 0.05), ("shrunk_high", 0.95)):
        for own_y, end in zip(y, found[column], strict=True):

            def below(all_, own_y=own_y, end=end):
                at = own_y - v / all_ * (own_y - y.mean())
                return stats.norm.cdf(end, at, np.sqrt(v - v**2 / all_ * 0.8))

            assert mean(below) / mean(np.ones_like) == pytest.approx(share, rel=1e-6)


def test_schools_far_apart_keep_their_own_estimates():
    rng = np.random.default_rng(3)
    y, v = rng.normal(0, 100, 9), rng.uniform(0.01, 0.02, 9)
    found = shrink(y, v)
    np.testing.assert_allclose(found["shrunk"], y, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["shrunk_high"] - y, 1.959963985 * np.sqrt(v), rtol=1e-2)


# Where schools do not differ at all the interval is longer than it need be: a flat prior on τ puts
# nothing on 0 itself.
@pytest.mark.parametrize(
    ("tau", "at_least", "at_most"), [(0, 0.98, 0.999), (0.05, 0.95, 0.98), (0.1, 0.93, 0.97)]
)
def test_shrunken_estimates_are_closer_to_the_truth_and_their_intervals_hold_it(
    tau, at_least, at_most
):
    rng = np.random.default_rng(5)
    held, squares = [], []
    for _ in range(150):
        truth, n = rng.normal(0.1, tau, 11), rng.integers(40, 151, 11)
        v = 1.15**2 / n * rng.chisquare(n - 1) / (n - 1)
        y = rng.normal(truth, 1.15 / np.sqrt(n))
        found = shrink(y, v)
        held.append((found["shrunk_low"] <= truth) & (truth <= found["shrunk_high"]))
        squares.append([((found["shrunk"] - truth) ** 2).mean(), ((y - truth) ** 2).mean()])
    shrunken, own = np.mean(squares, axis=0)
    assert shrunken < 0.6 * own
    assert at_least < np.mean(held) < at_most


def by_hand(part):
    """Estimate and SE of a school from the definition of its persons' influence values."""
    n = part.groupby(["grade", "wave"])["y"].transform("size")
    both = part.assign(n=n).groupby("grade")["n"].min().ge(5)
    both &= part.groupby("grade")["wave"].nunique().eq(2)
    part = part[part["grade"].isin(both.index[both])]
    influence, estimate = {}, 0.0
    for (_, wave), cell in part.groupby(["grade", "wave"]):
        sign, n, centre = {"pre": -1, "post": 1}[wave], len(cell), cell["y"].mean()
        estimate += sign * centre / both.sum()
        for place, person, y in zip(cell.index, cell["person_id"], cell["y"], strict=True):
            who = place if person is None or person is np.nan else person
            u = sign * (y - centre) / (both.sum() * n) * np.sqrt(n / (n - 1))
            influence[who] = influence.get(who, 0.0) + u
    return estimate, np.sqrt(sum(u**2 for u in influence.values()))


def in_another_grade_after(clean, seed):
    """Two school years on: some of the pupils are met again in the same grade, some higher."""
    rng = np.random.default_rng(seed)
    after = clean["wave"] == "post"
    up = after & (rng.random(len(clean)) < 0.6)
    return clean.assign(grade=clean["grade"].mask(up, (clean["grade"] + 2).clip(upper=8)))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_people_in_two_grades_by_hand(seed):
    clean = in_another_grade_after(answers(seed), seed)
    found = schools(clean).set_index("school_id")
    asked = clean.dropna(subset=["y"]).astype({"person_id": object})
    refused = found["reason"] == "no_common_cells"
    assert sorted(found.index) == sorted(asked["school_id"].unique())
    assert refused.sum() < len(found)
    for school, part in asked.groupby("school_id"):
        if refused[school]:
            n = part.groupby("grade")["wave"].value_counts().unstack(fill_value=0)
            assert not (n.reindex(columns=["pre", "post"], fill_value=0) >= 5).all(axis=1).any()
            continue
        estimate, se = by_hand(part)
        assert found.loc[school, "estimate"] * 0.8 == pytest.approx(estimate, abs=1e-12)
        assert found.loc[school, "se"] * 0.8 == pytest.approx(se)


def test_to_know_who_is_who_matters_and_rows_without_an_id_are_people_of_their_own():
    clean = in_another_grade_after(answers(4), 4)
    known = schools(clean)
    alone = schools(clean.drop(columns="person_id"))
    pd.testing.assert_frame_equal(alone, schools(clean.assign(person_id=None)))
    np.testing.assert_allclose(known["estimate"], alone["estimate"])
    used = known["reason"] == ""
    assert (known["se"] != alone["se"])[used].all()


def test_without_shared_people_df_are_those_of_unequal_cells():
    rng = np.random.default_rng(8)
    n = np.array([[5, 90], [40, 12]])
    cell, post = np.repeat([0, 0, 1, 1], n.ravel()), np.repeat([0, 1, 0, 1], n.ravel())
    found = change_over_cells(rng.normal(size=n.sum()), cell, post, np.arange(n.sum()))
    k = 1 / n
    assert found.df == pytest.approx(k.sum() ** 2 / (k**2 / (n - 1)).sum())


def test_one_grade_whose_people_all_answered_twice_is_a_paired_test():
    rng = np.random.default_rng(9)
    before = rng.normal(size=9)
    after = 0.6 * before + rng.normal(size=9)
    who = np.r_[:9, rng.permutation(9)]
    y = np.r_[before, after[who[9:]]]
    found = change_over_cells(y, np.full(18, 7), np.repeat([0, 1], 9), who)
    paired = stats.ttest_rel(after, before)
    assert (found.statistic, found.df) == pytest.approx((paired.statistic, 8))
    assert found.interval() == pytest.approx(tuple(paired.confidence_interval()))


def test_linked_people_by_hand():
    clean = answers(8)
    found = schools(clean, "teachers", ci_level=0.9).set_index("school_id")
    change = pairs_of(clean).assign(change=lambda d: d["post"] - d["pre"]).groupby("school")
    expected = change["change"].agg(["mean", "sem", "size"])
    expected = expected[expected["size"] >= 2]
    given = found[found["reason"] == ""]
    assert given.index.tolist() == expected.index.tolist()
    for name in ("n_pre", "n_post", "n_pairs"):
        assert given[name].tolist() == expected["size"].tolist()
    np.testing.assert_allclose(given["estimate"] * 0.8, expected["mean"])
    np.testing.assert_allclose(given["se"] * 0.8, expected["sem"])
    assert (given["ci_level"] == 0.9).all()
    for school, part in change["change"]:
        if len(part) >= 2:
            interval = stats.ttest_1samp(part, 0).confidence_interval(0.9)
            ends = found.loc[school, ["ci_low", "ci_high"]].to_numpy(float) * 0.8
            assert tuple(ends) == pytest.approx(tuple(interval))


@pytest.mark.parametrize("population", ["pupils", "teachers"])
@pytest.mark.parametrize("seed", [8, 21, 30])
def test_the_mean_of_the_schools_is_school_change(population, seed):
    clean = answers(seed)
    found = schools(clean, population)
    whole = row(clean, "school_change", population)
    given = found[found["reason"] == ""]
    assert len(given) == whole["n_clusters"]
    assert given["estimate"].mean() == pytest.approx(whole["estimate"])
    assert given["n_pre"].sum() == whole["n_pre"]
    assert given["n_post"].sum() == whole["n_post"]
    assert (given["sd_unit"] == whole["sd_unit"]).all()
    assert len(found) - len(given) == whole["n_schools_dropped"]


@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_row_order_rescaling_and_sign(population):
    clean = answers(12)
    found = schools(clean, population)
    shuffled = schools(clean.sample(frac=1, random_state=2), population)
    pd.testing.assert_frame_equal(shuffled, found)
    turned = schools(clean.assign(y=7 - 3 * clean["y"]), population)
    for one, other in (("estimate", "estimate"), ("ci_low", "ci_high"), ("shrunk", "shrunk"),
                       ("shrunk_low", "shrunk_high")):  # fmt: skip
        np.testing.assert_allclose(turned[one], -3 * found[other], rtol=1e-6, err_msg=one)
    np.testing.assert_allclose(turned["tau2"], 9 * found["tau2"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(turned["se"], 3 * found["se"])


def test_schools_of_one_outcome_follow_those_of_the_other():
    clean = answers(8).assign(z=lambda d: d["y"] * 2)
    units = pd.concat([unit(), unit(1.6, outcome="z")])
    found = schools(clean, outcomes={"z": "Q2", "absent": "Q3", "y": "Q1"}, units=units)
    ids = sorted(clean["school_id"].unique())
    assert found["outcome"].tolist() == ["z"] * len(ids) + ["y"] * len(ids)
    assert found["school_id"].tolist() == ids * 2
    assert found["question"].tolist() == ["Q2"] * len(ids) + ["Q1"] * len(ids)
    fixed = ["region", "population", "estimand"]
    assert found[fixed].drop_duplicates().to_numpy().tolist() == [
        ["oslo", "pupils", "school_change"]
    ]
    z, y = (found[found["outcome"] == name].reset_index(drop=True) for name in "zy")
    numbers = [*NUMBERS, *SHRUNKEN]
    numbers.remove("sd_unit")
    pd.testing.assert_frame_equal(z[numbers], y[numbers])
    pd.testing.assert_frame_equal(schools(clean).astype(object), y.astype(object))


def people_at(*schools_of):
    """Linked people: (school before, school after, answer before, answer after)."""
    rows = []
    for place, (before, after, first, second) in enumerate(schools_of):
        rows += [("pre", before, f"p{place}", first), ("post", after, f"p{place}", second)]
    return pd.DataFrame(rows, columns=["wave", "school_id", "person_id", "y"])


def test_a_pair_counts_at_the_school_before():
    clean = people_at(("a", "a", 1, 2), ("a", "c", 1, 4), ("b", "b", 2, 2), ("b", "b", 1, 3))
    found = schools(clean, "teachers", units=unit(1, "teachers")).set_index("school_id")
    assert found["estimate"].tolist() == pytest.approx([2, 1, np.nan], nan_ok=True)
    assert found["reason"].tolist() == ["", "", "no_pairs"]


def test_two_schools_are_too_few_to_shrink():
    clean = people_at(("a", "a", 1, 2), ("a", "a", 1, 4), ("b", "b", 2, 2), ("b", "b", 1, 3))
    found = schools(clean, "teachers")
    assert found["se"].notna().all()
    assert found[SHRUNKEN].isna().all(axis=None)
    third = people_at(("c", "c", 1, 2), ("c", "c", 1, 3)).replace({"p0": "p8", "p1": "p9"})
    assert schools(pd.concat([clean, third]), "teachers")[SHRUNKEN].notna().all(axis=None)


def test_a_school_that_cannot_be_estimated_says_why_and_does_not_touch_the_others():
    plain = people_at(*(
        (school, school, before, after)
        for school, change in zip("bdf", (1.0, 0.2, -0.5), strict=True)
        for before, after in ((1, 1 + change), (2, 2.5 + change), (3, 2.5 + change))
    ))  # fmt: skip
    odd = people_at(
        ("a", "a", 1, np.nan), ("c", "c", 2, 3),
        ("e", "e", 1, 1.1), ("e", "e", 2, 2.1), ("g", "g", np.nan, np.nan),
    )  # fmt: skip
    odd["person_id"] = "q" + odd["person_id"]
    found = schools(pd.concat([odd, plain]), "teachers").set_index("school_id")
    assert found["reason"].to_dict() == {
        "a": "no_pairs", "b": "", "c": "no_pairs", "d": "", "e": "no_variance", "f": "",
    }  # fmt: skip
    assert set(found["reason"]) - {""} <= set(LABELS["reason"])
    assert found.loc[list("ace"), [*NUMBERS, *SHRUNKEN]].isna().all(axis=None)
    kept = found.loc[list("bdf")].reset_index()[list(BY_SCHOOL)].drop(columns=SHRUNKEN)
    pd.testing.assert_frame_equal(kept, schools(plain, "teachers").drop(columns=SHRUNKEN))


def test_linked_people_are_shrunk_with_the_variance_within_all_schools():
    rng = np.random.default_rng(7)
    size = {"a": 2, "b": 3, "c": 6, "d": 1, "e": 2, "f": 12}
    school = np.repeat(list(size), list(size.values()))
    before, change = rng.normal(3, 0.5, len(school)), rng.normal(0.2, 0.6, len(school))
    change[school == "e"] = 0.25
    clean = people_at(*zip(school, school, before, before + change, strict=True))
    # all of e change alike: no estimate of its own, but what varies within schools counts it too
    found = schools(clean, "teachers", units=unit(0.7, "teachers"))
    assert found["reason"].tolist() == ["", "", "", "no_pairs", "no_variance", ""]
    design = (school[:, None] == list(size)).astype(float)
    squares = np.linalg.lstsq(design, change)[1].sum()
    v = squares / (len(school) - len(size)) / 0.7**2 / np.array([2, 3, 6, 12])
    used = found[found["reason"] == ""].reset_index(drop=True)
    expected = shrink(used["estimate"], v)
    pd.testing.assert_frame_equal(used[SHRUNKEN], expected, rtol=1e-9)
    assert not np.allclose(used["se"] ** 2, v, rtol=0.1)


def test_grades_that_are_too_small_missing_or_all_alike():
    rng = np.random.default_rng(5)
    clean = pd.DataFrame({
        "wave": np.tile(["pre", "post"], 30), "school_id": np.repeat(list("abc"), 20),
        "grade": 7.0, "y": rng.integers(4, 17, 60) / 4,
    })  # fmt: skip
    clean.loc[clean["school_id"] == "c", "y"] = 0.1
    assert schools(clean)["reason"].tolist() == ["", "", "no_variance"]
    few = clean["school_id"].eq("a") & (clean.groupby(["school_id", "wave"]).cumcount() >= 4)
    assert schools(clean.assign(y=clean["y"].mask(few)))["reason"].iloc[0] == "no_common_cells"
    five = clean["school_id"].eq("a") & (clean.groupby(["school_id", "wave"]).cumcount() >= 5)
    found = schools(clean.assign(y=clean["y"].mask(five))).iloc[0]
    assert (found["n_pre"], found["n_post"], found["reason"]) == (5, 5, "")
    assert (schools(clean.assign(grade=np.nan))["reason"] == "no_grade").all()
    assert (schools(clean[clean["wave"] == "pre"])["reason"] == "no_common_cells").all()
    assert (schools(clean.drop(columns="grade"))["reason"] == "no_pairs").all()


def test_without_a_unit_or_an_answer():
    clean = answers(8)
    found = schools(clean)
    for units in (unit()[:0], unit(0.0), unit(np.nan)):
        without = schools(clean, units=units)
        assert set(without["reason"]) == {"no_unit", "no_common_cells"}
        assert without[[*NUMBERS, *SHRUNKEN]].isna().all(axis=None)
    assert schools(clean.assign(y=np.nan)).empty
    assert schools(clean[:0]).dtypes.equals(found.dtypes)


def test_answers_between_the_waves_do_not_count():
    clean = answers(8)
    middle = clean[clean["wave"] == "pre"].assign(wave="mid", y=lambda d: d["y"] + 5)
    new = middle.assign(school_id="zz", person_id=None)
    for population in ("pupils", "teachers"):
        found = schools(pd.concat([clean, middle, new]), population)
        pd.testing.assert_frame_equal(found, schools(clean, population))
