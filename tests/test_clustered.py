"""The CR2 engine against clubSandwich, against R's and its own dense formulas, and its algebra."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.errors import InputError
from loftet_analysis.stats.cr2 import contrast, mean, standardise
from loftet_analysis.stats.result import NotEstimableError

REFERENCE = Path(__file__).parent / "reference"
CLUBSANDWICH = json.loads((REFERENCE / "clubsandwich.json").read_text())
R_GRADES = json.loads((REFERENCE / "r_values.json").read_text())["grades"]
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def codes(column):
    return pd.factorize(column, sort=True)[0]


def numbers(found):
    low, high = found.interval()
    return {
        "estimate": found.estimate,
        "se": found.se,
        "statistic": found.statistic,
        "df": found.df,
        "p_value": found.p_value,
        "ci_low": low,
        "ci_high": high,
    }


def assert_reference(found, reference, place=0):
    for key, value in numbers(found).items():
        wanted = reference[key][place] if isinstance(reference[key], list) else reference[key]
        assert value == pytest.approx(wanted, abs=1e-8, rel=1e-8), key


def dense(y, x, c, cluster, weights=None):
    """CR2 and Satterthwaite df from n × n matrices; returns estimate, scores and df."""
    w = np.diag(np.ones(len(y)) if weights is None else weights)
    bread = np.linalg.inv(x.T @ w @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T @ w
    spread = maker @ maker.T
    rows = []
    for j in np.unique(cluster):
        inside = cluster == j
        values, vectors = np.linalg.eigh(spread[np.ix_(inside, inside)])
        root = np.array([v**-0.5 if v > 1e-12 else 0 for v in values])
        a = np.zeros(len(y))
        a[inside] = vectors @ np.diag(root) @ vectors.T @ (w @ x @ bread @ c)[inside]
        rows.append(a)
    p = np.array(rows) @ spread @ np.array(rows).T
    return c @ bread @ x.T @ w @ y, np.array(rows) @ maker @ y, np.trace(p) ** 2 / (p**2).sum()


def dummies(labels):
    return (np.asarray(labels)[:, None] == np.unique(labels)).astype(float)


def school_data(seed, schools=None):
    """People of unequal schools with grades and waves: singletons, cells in one wave, a school
    without variance, a school in one wave only."""
    rng = np.random.default_rng(seed)
    schools = schools or int(rng.integers(5, 9))
    frames = []
    for j in range(schools):
        n = int(rng.integers(4, 25))
        frame = pd.DataFrame({
            "school": j,
            "grade": rng.integers(5, 8, n),
            "wave": 1 if j == 1 else rng.integers(0, 2, n),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.3, 3, n),
        })  # fmt: skip
        slope = rng.normal(0.2, 0.3)
        frame["y"] = 3.0 if j == 0 else rng.normal(size=n) + slope * frame["wave"]
        frames.append(frame)
    data = pd.concat(frames, ignore_index=True)
    data["cell"] = 10 * data["school"] + data["grade"]
    return data.sample(frac=1, random_state=seed % 2**31).reset_index(drop=True)


def unequal(seed):
    """Values of people in 3 to 8 unequal clusters, each of them with a person."""
    rng = np.random.default_rng(seed)
    n_clusters = int(rng.integers(3, 9))
    cluster = np.concatenate([np.arange(n_clusters), rng.integers(0, n_clusters, 30)])
    return rng.normal(size=len(cluster)) + rng.normal(size=n_clusters)[cluster], cluster


def test_mean_is_clubsandwich_s_intercept():
    data = pd.read_csv(REFERENCE / "region8.csv")
    found = mean(data["change"], codes(data["school"]))
    assert_reference(found, CLUBSANDWICH["region8_change"])
    assert found.df < 4
    assert found.n_clusters == 8


@pytest.mark.parametrize("place", [0, 1])
def test_regression_on_wave_is_clubsandwich_s(place):
    data = pd.read_csv(REFERENCE / "unlinked.csv")
    x = np.column_stack([np.ones(len(data)), data["wave"]])
    found = contrast(data["y"], x, np.eye(2)[place], codes(data["school"]))
    assert_reference(found, CLUBSANDWICH["unlinked_wave"], place)


def test_fixed_effects_of_clusters_are_clubsandwich_s():
    data = pd.read_csv(REFERENCE / "unlinked.csv")
    school, wave = codes(data["school"]), data[["wave"]].to_numpy()
    reference = CLUBSANDWICH["unlinked_schoolFE_wave"]
    assert_reference(contrast(data["y"], wave, [1], school, cells=school), reference)
    x = np.column_stack([wave, dummies(school)])
    assert_reference(contrast(data["y"], x, np.eye(x.shape[1])[0], school), reference)


@pytest.mark.parametrize("place", range(6))
def test_effects_above_clusters_are_clubsandwich_s(place):
    data = pd.read_csv(REFERENCE / "linked_wide.csv")
    found = contrast(
        data["change"], dummies(data["region"]), np.eye(6)[place], codes(data["school"])
    )
    assert_reference(found, CLUBSANDWICH["linked_regionFE"], place)


def test_weights_cells_and_covariates_give_what_r_gives():
    data = pd.read_csv(REFERENCE / "same_grade.csv")
    school, cell = codes(data["school"]), codes(data["school"] + data["grade"].astype(str))
    y, wave = data["y"], data[["wave"]].to_numpy()
    assert_reference(contrast(y, wave, [1], school, cells=cell), R_GRADES["unweighted"])
    for place in (0, 1):
        found = contrast(
            y, data[["wave", "x"]], np.eye(2)[place], school, cells=cell, weights=data["w"]
        )
        assert_reference(found, R_GRADES["covariate"], place)
    x = np.column_stack([np.ones(len(data)), data[["wave", "x"]]])
    for place in range(3):
        found = contrast(y, x, np.eye(3)[place], school, weights=data["w"])
        assert_reference(found, R_GRADES["no_cells"], place)


@given(seed=SEEDS, weighted=st.booleans(), with_cells=st.booleans())
@few
def test_engine_is_the_dense_formula(seed, weighted, with_cells):
    data = school_data(seed)
    weights = data["w"].to_numpy() if weighted else None
    shared = data[["wave", "x"]].to_numpy()
    c = np.array([1.0, 0.5])
    if with_cells:
        x, cells = np.column_stack([shared, dummies(data["cell"])]), data["cell"]
        c_dense = np.r_[c, np.zeros(x.shape[1] - 2)]
    else:
        shared = np.column_stack([shared, np.ones(len(data))])
        x, cells, c = shared, None, np.r_[c, 0.0]
        c_dense = c
    found = contrast(data["y"], shared, c, data["school"], cells=cells, weights=weights)
    estimate, scores, df = dense(
        data["y"].to_numpy(), x, c_dense, data["school"].to_numpy(), weights
    )
    assert found.estimate == pytest.approx(estimate, rel=1e-9, abs=1e-10)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-7, atol=1e-10)
    assert found.df == pytest.approx(df, rel=1e-7)


@given(seed=SEEDS)
@few
def test_counted_rows_stand_for_their_people(seed):
    data = school_data(seed)
    data["w"] = np.random.default_rng(seed).uniform(0.5, 2, 1000)[2 * data["cell"] + data["wave"]]
    rows = data.groupby(["cell", "wave"]).agg(
        y=("y", "mean"), w=("w", "first"), school=("school", "first"), n=("y", "size")
    )
    rows = rows.reset_index()
    short = contrast(
        rows["y"], rows[["wave"]], [1], rows["school"],
        cells=rows["cell"], weights=rows["w"], counts=rows["n"],
    )  # fmt: skip
    long = contrast(
        data["y"], data[["wave"]], [1], data["school"], cells=data["cell"], weights=data["w"]
    )
    np.testing.assert_allclose(short.scores, long.scores, rtol=1e-8, atol=1e-12)
    assert numbers(short) == pytest.approx(numbers(long), rel=1e-8, abs=1e-12)


@given(seed=SEEDS)
@few
def test_mean_adjusts_each_cluster_by_its_share(seed):
    values, cluster = unequal(seed)
    share = np.bincount(cluster) / len(cluster)
    sums = np.bincount(cluster, values - values.mean()) / len(values)
    np.testing.assert_allclose(mean(values, cluster).scores, sums / np.sqrt(1 - share), atol=1e-12)


@given(seed=SEEDS, scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@few
def test_order_rescaling_and_sign(seed, scale, shift):
    values, cluster = unequal(seed)
    found = mean(values, cluster)
    order = np.random.default_rng(seed).permutation(len(values))
    assert numbers(mean(values[order], cluster[order])) == pytest.approx(numbers(found))
    turned = mean(shift - scale * values, cluster)
    assert turned.estimate == pytest.approx(shift - scale * found.estimate, abs=1e-9)
    assert turned.se == pytest.approx(scale * found.se)
    assert turned.df == pytest.approx(found.df)
    unit = standardise(found, 2.0, values, cluster)
    rescaled = standardise(
        mean(-scale * values, cluster), 2 * scale, shift - scale * values, cluster
    )
    assert (rescaled.estimate, rescaled.se) == pytest.approx((-unit.estimate, unit.se))


@given(seed=SEEDS, times=st.integers(2, 4))
@few
def test_the_same_people_again_inside_their_clusters_add_nothing(seed, times):
    values, cluster = unequal(seed)
    once, more = mean(values, cluster), mean(np.repeat(values, times), np.repeat(cluster, times))
    assert numbers(more) == pytest.approx(numbers(once))
    data = school_data(seed)
    again = data.loc[data.index.repeat(times)]
    first, second = (
        contrast(d["y"], d[["wave", "x"]], [1, 0], d["school"], cells=d["cell"], weights=d["w"])
        for d in (data, again)
    )
    assert numbers(second) == pytest.approx(numbers(first), rel=1e-7)


@given(seed=SEEDS, size=st.integers(1, 6), n_clusters=st.integers(2, 12))
@few
def test_equal_clusters_are_a_t_test_of_their_means(seed, size, n_clusters):
    values = np.random.default_rng(seed).normal(size=(n_clusters, size))
    found = mean(values.ravel(), np.repeat(np.arange(n_clusters), size))
    assert found.se == pytest.approx(values.mean(axis=1).std(ddof=1) / np.sqrt(n_clusters))
    assert found.df == pytest.approx(n_clusters - 1)


@given(seed=SEEDS)
@few
def test_scores_conserve_cr0(seed):
    values, cluster = unequal(seed)

    def cr0(values, cluster):
        share = np.bincount(cluster) / len(cluster)
        return mean(values, cluster).scores * np.sqrt(1 - share)

    assert cr0(values, cluster).sum() == pytest.approx(0, abs=1e-12)
    copies = cr0(np.tile(values, 2), np.r_[cluster, cluster + cluster.max() + 1])
    assert copies @ copies == pytest.approx((cr0(values, cluster) ** 2).sum() / 2)


def test_cr0_of_the_reference():
    data = pd.read_csv(REFERENCE / "region8.csv")
    school = codes(data["school"])
    scores = mean(data["change"], school).scores * np.sqrt(1 - np.bincount(school) / len(school))
    assert np.sqrt(scores @ scores) == pytest.approx(
        CLUBSANDWICH["region8_change"]["cr0_se"], abs=1e-10
    )


def test_codes_without_rows_change_nothing():
    values, cluster = unequal(3)
    gaps = mean(values, 3 * cluster + 2)
    assert numbers(gaps) == pytest.approx(numbers(mean(values, cluster)))
    assert gaps.n_clusters == cluster.max() + 1


def test_sd_enters_through_person_level_influence_values():
    """psi_i = (d_i − d)/s − θ/(2s²) [(x_i − x)² − m2], summed by cluster, each sum adjusted."""
    data = pd.read_csv(REFERENCE / "region8.csv")
    school, d, x = codes(data["school"]), data["change"], data["pre"]
    s, theta = x.std(), d.mean() / x.std()
    psi = (d - d.mean()) / s - theta / (2 * s**2) * ((x - x.mean()) ** 2 - x.var(ddof=0))
    found, by_influence = standardise(mean(d, school), s, x, school), mean(psi, school)
    assert found.estimate == pytest.approx(theta)
    np.testing.assert_allclose(found.scores, by_influence.scores, atol=1e-12)
    assert found.df == pytest.approx(by_influence.df, rel=1e-10)
    assert found.se != pytest.approx(standardise(mean(d, school), s).se, rel=1e-3)


@given(seed=SEEDS)
@few
def test_influence_is_the_derivative_by_a_school_s_weight(seed):
    data = school_data(seed, schools=6)
    school, x, d = (data[name].to_numpy() for name in ("school", "x", "y"))
    role = data["wave"].to_numpy()

    def theta(weight):
        w = weight[school]
        centre = np.bincount(role, w * x) / np.bincount(role, w)
        variance = np.average((x - centre[role]) ** 2, weights=w)
        return np.average(d, weights=w) / np.sqrt(variance)

    sd = np.sqrt(np.mean((x - (np.bincount(role, x) / np.bincount(role))[role]) ** 2))
    found = standardise(mean(d, school), sd, x, school, group=role)
    assert found.estimate == pytest.approx(theta(np.ones(6)))
    unadjusted = found.scores * np.sqrt(1 - np.bincount(school) / len(school))
    step = 1e-5 * np.eye(6)
    slopes = [(theta(1 + h) - theta(1 - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(unadjusted, slopes, atol=1e-7)


def test_schools_that_only_inform_the_sd_enter_the_variance():
    raw = mean([1.0, 2.0, 4.0], [0, 1, 2])
    found = standardise(raw, 1.5, [1.0, 2.0, 3.0, 6.0], [0, 1, 2, 4])
    assert len(found.scores) == 5
    assert found.scores[3] == 0
    assert found.scores[4] != 0
    assert found.df == raw.df


@pytest.mark.parametrize(
    ("y", "x", "cluster", "cells", "reason"),
    [
        ([1, 2, 3.0], np.ones((3, 1)), [0, 0, 0], None, "one_cluster"),
        ([1, 2, 3, 4.0], [[0], [1], [0], [0]], [0, 0, 1, 1], [0, 0, 1, 1], "one_cluster"),
        ([0.1, 0.1, 0.1], np.ones((3, 1)), [0, 1, 2], None, "no_variance"),
        ([0, 0, 0], np.ones((3, 1)), [0, 1, 2], None, "no_variance"),
        ([1, 2, 3.0], [[1, 2], [1, 2], [1, 2]], [0, 1, 2], None, "not_estimable"),
        ([1, 2, 3.0], [[0], [0], [1]], [0, 1, 2], [0, 1, 2], "not_estimable"),
        ([1, 2, 3.0], [[0], [0], [0]], [0, 1, 2], None, "not_estimable"),
    ],
)
def test_what_cannot_be_estimated_says_why(y, x, cluster, cells, reason):
    with pytest.raises(NotEstimableError) as refusal:
        contrast(y, x, [1, 0][: np.shape(x)[1]], cluster, cells=cells)
    assert refusal.value.reason == reason


def test_unit_from_one_cluster_is_refused():
    with pytest.raises(NotEstimableError, match="one_cluster"):
        standardise(mean([1, 2, 4.0], [0, 1, 2]), 1.0, [1, 2, 3.0], [0, 0, 0])


def test_cells_must_lie_in_clusters():
    with pytest.raises(InputError, match="cells reach over several clusters"):
        contrast([1, 2, 3.0, 5], [[0], [1], [0], [1]], [1], [0, 0, 1, 1], cells=[7, 7, 7, 8])


def test_a_contrast_that_one_cluster_carries_is_refused():
    x = np.array([[1], [1], [0], [1], [1], [1], [1.0]])
    cluster, cells = [0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 3, 3, 3]
    with pytest.raises(NotEstimableError, match="one_cluster"):
        contrast([3, 2, 5, 4, 3, 4, 1.0], x, [1], cluster, cells=cells)


def test_df_keep_their_digits_where_one_cluster_dominates():
    x, weights = [[1, 3], [1, 0], [1, 1], [1, 1], [1, 2]], [10, 100, 0.01, 100, 0.01]
    found = contrast([4, 2, 4, 5, 3.0], x, [0, 1], [0, 0, 1, 1, 2], weights=weights)
    # in 40 digits
    assert found.df == pytest.approx(1.55653, abs=5e-6)
    big = np.r_[np.zeros(10**6, dtype=int), 1]
    assert mean(np.r_[np.tile([1.0, 2.0], 10**6 // 2), 3.0], big).df == pytest.approx(1, abs=1e-8)
