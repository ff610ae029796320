"""Regions together: in two stages from their estimates, and in one stage from their people.

Two stages. The regions' estimates y with variances v follow y_i ~ N(x_i'β, v_i + τ²), where x is
the constant alone or the constant with moderators. τ² is found by restricted maximum likelihood
(REML); β by least squares with weights 1/(v_i + τ²). Knapp and Hartung's covariance of β is then
s² (X'WX)⁻¹ with s² = Σ w_i e_i² / (k − p), the ordinary one of weighted least squares, and t has
k − p degrees of freedom; the ad hoc guard takes max(s², 1), so that regions which happen to agree
do not make the interval narrower than their own standard errors allow. Q-profile intervals of τ²
hold the values under which the weighted residual sum of squares Q(τ²) lies between the quantiles
of χ²(k − p).

One stage. All people are pooled and the regions are the clusters of CR2.

``statsmodels`` gives the weighted fits; its ``combine_effects`` lacks REML, the guard, prediction
intervals, intervals of τ² and moderators.

References
----------
Viechtbauer 2005, doi:10.3102/10769986030003261 (REML); 2007, doi:10.1002/sim.2514 (Q-profile).
Knapp & Hartung 2003, doi:10.1002/sim.1482. Higgins & Thompson 2002, doi:10.1002/sim.1186 (I²).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, optimize, stats
from statsmodels.regression.linear_model import WLS

from loftet_analysis.analysis.changes import Case, common_cells
from loftet_analysis.analysis.effects import REASONS
from loftet_analysis.analysis.panel import Codes, answers, arrange, complete_pairs
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.names import (
    ALL,
    ESTIMAND,
    NATIONAL,
    OUTCOME,
    POOLED,
    POPULATION,
    REGION,
    SUBGROUP,
)
from loftet_analysis.stats.cr2 import (
    TOLERANCE,
    Clustered,
    Floats,
    NotEstimableError,
    mean,
    standardised,
)

METHOD = "REML, Knapp–Hartung with max(KH, model), t(k − 1)"
REFUSED = "not pooled: fewer than two regions with an estimate"
REGRESSION = "REML, Knapp–Hartung with max(KH, model), t(k − p)"
UNGUARDED = "REML, Knapp–Hartung, t(k − p)"
NOT_REGRESSED = "not fitted: too few regions for the moderators, or moderators that do not differ"
ONE_STAGE = "one stage: all people, CR2 over regions, Satterthwaite df"
NOT_IN_ONE_STAGE = "one stage, not estimated: {}"

KEYS = (POPULATION, OUTCOME, ESTIMAND, SUBGROUP, "contrast")
HETEROGENEITY = ("tau2", "tau2_ci_low", "tau2_ci_high", "i2", "q", "q_p")
POOLED_EACH = (
    "k", "estimate", "se", "df", "ci_low", "ci_high", "pi_low", "pi_high", *HETEROGENEITY,
    "method",
)  # fmt: skip
LEFT_OUT = ("left_out", "k", "estimate", "se", "df", "ci_low", "ci_high", "tau2", "method")
REGRESSED = (
    "term", "k", "estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high", "f", "f_p",
    *HETEROGENEITY, "method",
)  # fmt: skip
NOT_NUMBERS = {*KEYS, "left_out", "term", "k", "method"}


def pool(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean of the regions' standardised estimates.

    As `pool_each`, whole populations only.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``names.EFFECTS``. National rows, subgroups, and rows without an estimate (refused
        or suppressed) are left out.
    ci_level : float, default .95
        Level of both intervals.

    Returns
    -------
    DataFrame
        ``names.POOLED``, a row per population × outcome × estimand in the order of `effects`; an
        estimand with several contrasts has as many rows, which `pool_each` tells apart. `i2` is a
        share (0–1). With fewer than two regions the numbers but `k` are empty and `method` says so.

    Raises
    ------
    InputError
        As `pool_each`.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool(rows)[["k", "estimate", "se", "tau2", "i2"]].round(3).to_dict("records")
    [{'k': 3, 'estimate': 0.315, 'se': 0.141, 'tau2': 0.044, 'i2': 0.771}]
    """
    return pool_each(effects[effects[SUBGROUP] == ALL], ci_level=ci_level)[list(POOLED)]


def pool_each(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean over regions, subgroups each for themselves.

    The prediction interval is μ ± t(k − 1) sqrt(SE² + τ²), as in metafor; it is a little short
    where τ is small. I² = τ²/(τ² + s²), s² the typical variance of Higgins and Thompson.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``names.EFFECTS``; national rows and rows without an estimate are left out.
    ci_level : float, default .95
        Level of all intervals.

    Returns
    -------
    DataFrame
        A row per population × outcome × estimand × subgroup × contrast: these, and
        ``POOLED_EACH``. The interval of τ² is (0, 0) where even τ² = 0 leaves less difference
        between regions than chance does with probability (1 − ci_level)/2, as in metafor.

    Raises
    ------
    InputError
        Where a region has several rows for one synthesis.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "grade=7",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool_each(rows)[["subgroup", "k", "tau2", "tau2_ci_low", "tau2_ci_high"]].round(3)
      subgroup  k   tau2  tau2_ci_low  tau2_ci_high
    0  grade=7  3  0.044        0.001         2.485
    """
    rows = [{**key, **_pooled(*_numbers(group), ci_level)} for key, group in _groups(effects)]
    return _table(rows, [*_keys(effects), *POOLED_EACH])


def leave_one_out(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return what is pooled when each region in turn is left out.

    Parameters
    ----------
    effects : DataFrame
        As for `pool_each`.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        The keys of `pool_each` and ``LEFT_OUT``: a row per region that has an estimate, named in
        `left_out`; `k` counts the regions that remain.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> leave_one_out(rows)[["left_out", "k", "estimate", "se", "tau2"]].round(3)
      left_out  k  estimate     se   tau2
    0        a  2     0.429  0.149  0.029
    1        b  2     0.337  0.250  0.109
    2        c  2     0.200  0.100  0.010
    """
    rows = []
    for key, group in _groups(effects):
        for region in group[REGION]:
            y, v = _numbers(group[group[REGION] != region])
            rows.append({**key, "left_out": region, **_pooled(y, v, ci_level)})
    return _table(rows, [*_keys(effects), *LEFT_OUT])


def meta_regression(
    effects: pd.DataFrame, moderators: pd.DataFrame, *, ci_level: float = 0.95, guard: bool = True
) -> pd.DataFrame:
    """Return how the regions' estimates go with moderators that were declared beforehand.

    Parameters
    ----------
    effects : DataFrame
        As for `pool_each`.
    moderators : DataFrame
        Numbers, a column per moderator, indexed by region.
    ci_level : float, default .95
        Level of all intervals.
    guard : bool, default True
        Whether Knapp and Hartung's factor is at least one.

    Returns
    -------
    DataFrame
        The keys of `pool_each` and ``REGRESSED``, a row per term, ``intercept`` first. `f` and
        `f_p` test all moderators together, F(p − 1, k − p); τ², I² and Q are what remains between
        regions. Where the regions are too few, or the moderators do not differ or depend on each
        other, the numbers are empty and `method` says so.

    Raises
    ------
    InputError
        Where a moderator is not numeric, or is missing for a region that has an estimate.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abcd"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6, 0.2], "se": [0.1, 0.1, 0.15, 0.1]})
    >>> urban = pd.DataFrame({"urban": [0, 1, 1, 0]}, index=list("abcd"))
    >>> meta_regression(rows, urban)[["term", "estimate", "se", "df", "p_value"]].round(3)
            term  estimate     se   df  p_value
    0  intercept     0.150  0.097  2.0    0.262
    1      urban     0.259  0.146  2.0    0.219
    """
    terms = ["intercept", *map(str, moderators.columns)]
    rows = []
    for key, group in _groups(effects):
        y, v = _numbers(group)
        x = np.column_stack([np.ones(len(y)), _moderators_of(group[REGION], moderators)])
        if len(y) <= len(terms) or _rank(x) < len(terms):
            found = [{"k": len(y), "method": NOT_REGRESSED}] * len(terms)
        else:
            found = _regressed(_fit(y, v, x, ci_level, guard=guard), ci_level)
            found = [{**row, "method": REGRESSION if guard else UNGUARDED} for row in found]
        rows += [{**key, "term": term, **row} for term, row in zip(terms, found, strict=True)]
    return _table(rows, [*_keys(effects), *REGRESSED])


def tau2_reml(y: Floats, v: Floats, x: Floats | None = None) -> float:
    """Return the between-region variance by restricted maximum likelihood.

    The root of τ²'s score, 2 dl/dτ² = Σ w²e² − Σ w (1 − h) with w = 1/(v + τ²), e the weighted
    fit's residuals and h its leverages; zero where the likelihood falls from there on. Of several
    roots the most likely one is taken.

    Parameters
    ----------
    y, v : ndarray of shape (k,)
        Estimates and their variances.
    x : ndarray of shape (k, p), optional
        Constant and moderators, p < k; the constant alone by default.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tau2_reml(np.array([0.1, 0.3, 0.6]), np.array([0.01, 0.01, 0.0225])), 4)
    0.0435
    """
    x = np.ones((len(y), 1)) if x is None else x

    def score(tau2: ArrayLike) -> Floats:
        w, h, e, _ = _weighted(y, v, x, tau2)
        return (w * (e**2 - 1 + h)).sum(axis=-1)

    def deviance(tau2: float) -> float:
        w, _, e, log_det = _weighted(y, v, x, tau2)
        return float((e**2 - np.log(w)).sum() + log_det)

    widest = float(np.ptp(y) ** 2 + v.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * v.min(), widest, 400)])
    slopes = score(grid)
    peaks = [0.0]
    for i in np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0)):
        peaks.append(optimize.brentq(score, grid[i], grid[i + 1], xtol=1e-16, rtol=1e-14))
    return min(peaks, key=deviance)


def tau2_interval(
    y: Floats, v: Floats, x: Floats | None = None, *, ci_level: float = 0.95
) -> tuple[float, float]:
    """Return the Q-profile interval of the between-region variance.

    Q(τ²) = Σ e²/(v + τ²) falls with τ²; the ends are where it crosses the upper and the lower
    (1 − ci_level)/2 quantile of χ²(k − p), or zero where it never does.

    Parameters
    ----------
    y, v, x
        As for `tau2_reml`.
    ci_level : float, default .95

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> y, v = np.array([0.1, 0.3, 0.6]), np.array([0.01, 0.01, 0.0225])
    >>> tuple(round(end, 4) for end in tau2_interval(y, v))
    (0.0009, 2.4845)
    """
    x = np.ones((len(y), 1)) if x is None else x
    spread = float(WLS(y, x).fit().ssr)
    ends = []
    for probability in ((1 + ci_level) / 2, (1 - ci_level) / 2):
        quantile = float(stats.chi2.ppf(probability, len(y) - x.shape[1]))

        def above(tau2: float, quantile: float = quantile) -> float:
            return float((_weighted(y, v, x, tau2)[2] ** 2).sum() - quantile)

        none = above(0.0) <= 0
        ends.append(
            0.0 if none else optimize.brentq(above, 0, spread / quantile, xtol=1e-16, rtol=1e-14)
        )
    return ends[0], ends[1]


def one_stage(
    clean: pd.DataFrame,
    plan_rows: pd.DataFrame,
    *,
    population: str,
    units: pd.DataFrame,
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return the mean over all people, with the regions as clusters.

    It stands beside `pool`: there every region's estimate is weighed by its precision, here every
    person counts once. Linked change and same-grade change are those of
    ``effects.effects``; only the clusters differ. A pair that crosses regions counts where it was
    before. The uncertainty of the unit is part of `se`, since `clean` holds the answers behind it.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of all regions that may take part: `region`, `wave`, `school_id`, the
        outcomes, and `person_id` or `grade`.
    plan_rows : DataFrame
        As for ``effects.effects``; rows of other populations, of subgroups and of estimands other
        than ``linked_change`` and ``same_grade`` are passed over.
    population : str
        For the column of this name.
    units : DataFrame
        ``names.UNITS``.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        ``names.POOLED``; `k` counts the regions that contribute. Prediction interval, τ², I² and
        Q belong to the two stages and stay empty. What cannot be estimated has `k` 0, no numbers,
        and the reason in `method`.

    Raises
    ------
    InputError
        Where a region is missing or a school's grade lies in two regions, and as
        ``people.arrange``.

    Examples
    --------
    >>> clean = pd.DataFrame({"region": list("aabbccdd"), "wave": ["pre", "post"] * 4,
    ...                       "school_id": list("ssttuuvv"), "person_id": list("11223344"),
    ...                       "joy": [1, 2, 2, 4, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "subgroup": "all",
    ...                       "estimand": "linked_change"}])
    >>> unit = pd.DataFrame([{"population": "pupils", "outcome": "joy", "unit": "total",
    ...                       "sd_unit": 0.8}])
    >>> found = one_stage(clean, plan, population="pupils", units=unit)
    >>> found[["k", "estimate", "se", "df"]].round(3).to_dict("records")
    [{'k': 4, 'estimate': 1.25, 'se': 0.737, 'df': 3.0}]
    """
    people, region = arrange(clean), _regions(clean)
    sds = units[units["unit"] == "total"].set_index([POPULATION, OUTCOME])["sd_unit"].to_dict()
    finds = {"linked_change": _linked_change, "same_grade": _same_grade}
    asked = plan_rows[(plan_rows[POPULATION] == population) & (plan_rows[SUBGROUP] == ALL)]
    rows = []
    for plan in asked[asked[ESTIMAND].isin(finds)].to_dict("records"):
        row = {key: plan[key] for key in (POPULATION, OUTCOME, ESTIMAND)}
        try:
            y = answers(people, plan[OUTCOME])
            raw = finds[plan[ESTIMAND]](Case(people, y, np.isfinite(y)), region)
            sd = sds.get((population, plan[OUTCOME]), np.nan)
            if not sd > 0:
                raise NotEstimableError("no_unit")
            before = people.pre & np.isfinite(y)
            found = standardised(raw, sd, y[before], region[before])
        except NotEstimableError as refusal:
            said = REASONS.get(refusal.reason, refusal.reason)
            rows.append({**row, "k": 0, "method": NOT_IN_ONE_STAGE.format(said)})
            continue
        low, high = found.interval(ci_level)
        numbers = {"estimate": found.estimate, "se": found.se, "df": found.df}
        ends = {"ci_low": low, "ci_high": high}
        rows.append({**row, "k": found.n_clusters, **numbers, **ends, "method": ONE_STAGE})
    return _table(rows, list(POOLED))


def change_in_cells(n: ArrayLike, means: ArrayLike, cluster: ArrayLike) -> Clustered:
    """Return the change of cells between two waves, for few clusters of very many cells.

    The same as ``clustered.contrast`` of ``y ~ wave + cells`` with weights that give each wave of
    a cell the cell's share of both waves together, without its blocks of rows and cells. That fit
    is a mean of cell differences, δ = Σ π_c d_c, π_c = n_c/Σ n_c. Under the working model d_c has
    variance v_c = 1/n_c0 + 1/n_c1 (in units of a person's variance), and the residuals d_c − δ of
    cluster j the covariance K_j = diag(v) − 1(πv)' − (πv)1' + κ11' with κ = Σ π²v over all cells.
    A person's residual is ± half of the cell's, so the rows of cell c have length ξ_c = √n_c / 2
    along it: G_j = ΞK_jΞ, and the cluster adds u_j = (π/ξ)' G_j^(−1/2) Ξ(d − δ). With
    b_j = ΞG_j^(−1/2)(π/ξ), P_jj = Σ (π/ξ)² and P_jk = κ (1'b_j)(1'b_k) − (1'b_j)(πv'b_k) −
    (πv'b_j)(1'b_k). Cells of one cluster with the same two counts share one row, their mean.

    Parameters
    ----------
    n : array-like of int, shape (cells, 2)
        People in each wave, at least one.
    means : array-like of shape (cells, 2)
        Means of each wave.
    cluster : array-like of int, shape (cells,)
        Codes from 0.

    Returns
    -------
    Clustered

    Raises
    ------
    NotEstimableError
        ``one_cluster`` or ``no_variance``.

    Examples
    --------
    >>> found = change_in_cells([[2, 2], [3, 1], [2, 4]], [[1, 2], [2, 4], [3, 3.5]], [0, 1, 2])
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 4)
    (1.0714, 0.4131, 1.924)
    """
    cluster = np.asarray(cluster)
    if len(np.unique(cluster)) < 2:
        raise NotEstimableError("one_cluster")
    kinds, kind, count = np.unique(
        np.column_stack([cluster, n]), axis=0, return_inverse=True, return_counts=True
    )
    kind, both = kind.ravel(), kinds[:, 1] + kinds[:, 2]
    before, after = (np.bincount(kind, column) / count for column in np.asarray(means, float).T)
    share = both / (both @ count)
    v = both / (kinds[:, 1] * kinds[:, 2])
    kappa = float(count @ (share**2 * v))
    estimate = float(count @ (share * (after - before)))

    scores, inside, ones, own = np.zeros((4, cluster.max() + 1))
    noise = 0.0
    for j in np.unique(cluster):
        here = kinds[:, 0] == j
        pi_v, length = share[here] * v[here], np.sqrt(both[here]) / 2
        along = length * np.sqrt(count[here])
        g = np.outer(along, along) * (kappa - pi_v - pi_v[:, None])
        g[np.diag_indices(len(g))] += length**2 * v[here]
        c = share[here] / length * np.sqrt(count[here])
        values, vectors = linalg.eigh(g)
        b = along * (vectors @ (vectors.T @ c / np.sqrt(values)))
        scores[j] = b @ (after - before - estimate)[here]
        inside[j], ones[j], own[j] = c @ c, b.sum(), b @ pi_v
        noise += float(np.abs(b) @ (np.abs(before) + np.abs(after))[here])
    p = kappa * np.outer(ones, ones) - np.outer(ones, own) - np.outer(own, ones)
    np.fill_diagonal(p, inside)
    df = float(inside.sum() ** 2 / (p**2).sum())
    found = Clustered(estimate, scores, df, len(np.unique(cluster)))
    if found.se <= TOLERANCE * noise:
        raise NotEstimableError("no_variance")
    return found


@dataclass(frozen=True)
class _Fit:
    """A random-effects fit: coefficients, their covariance, df, and what lies between regions."""

    k: int
    beta: Floats
    covariance: Floats
    df: int
    heterogeneity: dict[str, float]


def _fit(y: Floats, v: Floats, x: Floats, ci_level: float, *, guard: bool = True) -> _Fit:
    """Fit by REML with Knapp and Hartung's covariance; Q and I² as if τ² were zero."""
    tau2 = tau2_reml(y, v, x)
    random = WLS(y, x, weights=1 / (v + tau2)).fit()
    scale = max(random.scale, 1.0) if guard else random.scale
    w, h, e, _ = _weighted(y, v, x, 0.0)
    df = len(y) - x.shape[1]
    low, high = tau2_interval(y, v, x, ci_level=ci_level)
    q = float(e @ e)
    heterogeneity = {
        "tau2": tau2,
        "tau2_ci_low": low,
        "tau2_ci_high": high,
        "i2": tau2 / (tau2 + df / float(w @ (1 - h))),
        "q": q,
        "q_p": float(stats.chi2.sf(q, df)),
    }
    return _Fit(len(y), random.params, scale * random.normalized_cov_params, df, heterogeneity)


def _pooled(y: Floats, v: Floats, ci_level: float) -> dict[str, object]:
    """Return the numbers of one pooled row."""
    if len(y) < 2:
        return {"k": len(y), "method": REFUSED}
    fit = _fit(y, v, np.ones((len(y), 1)), ci_level)
    estimate, se = float(fit.beta[0]), float(np.sqrt(fit.covariance[0, 0]))
    t = float(stats.t.ppf((1 + ci_level) / 2, fit.df))
    half, wide = t * se, t * float(np.sqrt(se**2 + fit.heterogeneity["tau2"]))
    return {
        "k": fit.k,
        "estimate": estimate,
        "se": se,
        "df": fit.df,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "pi_low": estimate - wide,
        "pi_high": estimate + wide,
        **fit.heterogeneity,
        "method": METHOD,
    }


def _regressed(fit: _Fit, ci_level: float) -> list[dict[str, object]]:
    """Return the numbers of each term."""
    se = np.sqrt(np.diag(fit.covariance))
    half = stats.t.ppf((1 + ci_level) / 2, fit.df) * se
    slopes, m = fit.beta[1:], len(fit.beta) - 1
    f = float(slopes @ np.linalg.solve(fit.covariance[1:, 1:], slopes)) / m
    whole = {"k": fit.k, "df": fit.df, "f": f, "f_p": float(stats.f.sf(f, m, fit.df))}
    terms = pd.DataFrame({"estimate": fit.beta, "se": se, "statistic": fit.beta / se})
    terms["p_value"] = 2 * stats.t.sf(np.abs(terms["statistic"]), fit.df)
    terms["ci_low"], terms["ci_high"] = fit.beta - half, fit.beta + half
    return [{**whole, **term, **fit.heterogeneity} for term in terms.to_dict("records")]


def _weighted(
    y: Floats, v: Floats, x: Floats, tau2: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return weights, leverages, weighted residuals (..., k) and log det X'WX for each τ² (...).

    The most precise estimate becomes the origin, so that its residual keeps its digits.
    """
    y = y - y[v.argmin()]
    w = 1 / (v + np.asarray(tau2, dtype=float)[..., None])
    root = np.sqrt(w)
    q, r = np.linalg.qr(root[..., None] * x)
    e = root * y
    e = e - (q @ (np.swapaxes(q, -1, -2) @ e[..., None]))[..., 0]
    diagonal = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    return w, (q**2).sum(axis=-1), e, 2 * np.log(diagonal).sum(axis=-1)


def _keys(effects: pd.DataFrame) -> list[str]:
    """Return the columns that tell one synthesis from another, as far as they are there."""
    return [key for key in KEYS if key in effects]


def _groups(effects: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Yield each synthesis' keys and its regions' rows that have an estimate."""
    keys, rows = _keys(effects), effects[effects[REGION] != NATIONAL]
    for key, group in rows.groupby(keys, sort=False, observed=True, dropna=False):
        given = group[np.isfinite(group["estimate"]) & (group["se"] > 0)]
        if "suppressed" in given:
            given = given[~given["suppressed"].fillna(False).astype(bool)]
        twice = given[REGION][given[REGION].duplicated()].unique()
        if len(twice):
            raise InputError(
                Problem(
                    f"regions more than once in what is pooled: {', '.join(map(str, key))}",
                    found=", ".join(map(str, twice)),
                    allowed="one row per region",
                    todo="choose one weighting and one kind of clusters",
                )
            )
        yield dict(zip(keys, key, strict=True)), given


def _numbers(group: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return estimates and their variances."""
    return group["estimate"].to_numpy(float), group["se"].to_numpy(float) ** 2


def _moderators_of(regions: pd.Series, moderators: pd.DataFrame) -> Floats:
    """Return a row of moderators per region, all finite."""
    values = moderators.reindex(regions)
    problems = [
        Problem(
            f"the moderator {name} cannot be used",
            found=", ".join(map(str, values.index[~np.isfinite(column)])),
            allowed="a number for every region that has an estimate",
            todo="complete the table of moderators, or leave these regions out",
        )
        for name in values
        if not np.isfinite(column := pd.to_numeric(values[name], errors="coerce")).all()
    ]
    if problems:
        raise InputError(problems)
    return values.to_numpy(float)


def _rank(x: Floats) -> int:
    """Return the rank of x, whatever the units of its columns."""
    largest = np.abs(x).max(axis=0)
    return int(np.linalg.matrix_rank(x / np.where(largest > 0, largest, 1)))


def _regions(clean: pd.DataFrame) -> Codes:
    """Return a code per row for its region."""
    lacking = len(clean) if REGION not in clean else int(clean[REGION].isna().sum())
    if lacking:
        raise InputError(
            Problem(
                "answers without a region",
                found=f"{lacking} rows",
                allowed=f"a {REGION} in every row of clean data",
                todo="set them aside in cleaning",
            )
        )
    return pd.factorize(clean[REGION], sort=True)[0]


def _linked_change(case: Case, region: Codes) -> Clustered:
    """Mean linked change, clusters the regions before."""
    first, second = complete_pairs(case.people, case.y, case.valid)
    return mean(case.y[second] - case.y[first], region[first])


def _same_grade(case: Case, region: Codes) -> Clustered:
    """Same-grade change over the cells present in both waves, clusters the regions."""
    cells, n, means = common_cells(case, at_least=1)
    of_row = case.people.cell
    rows = np.flatnonzero(case.valid & np.isin(of_row, cells))
    home = np.zeros(of_row.max() + 1, dtype=int)
    home[of_row[rows]] = region[rows]
    astray = np.unique(of_row[rows][home[of_row[rows]] != region[rows]])
    if len(astray):
        raise InputError(
            Problem(
                "a school's grade lies in two regions",
                found=f"{len(astray)} of {len(cells)} grades of schools",
                allowed="every school in one region in both waves",
                todo="settle the schools' regions in cleaning",
            )
        )
    return change_in_cells(n, means, home[cells])


def _table(rows: list[dict[str, object]], columns: list[str]) -> pd.DataFrame:
    """Return the rows with these columns, numbers as floats."""
    numbers = [name for name in columns if name not in NOT_NUMBERS]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float))
