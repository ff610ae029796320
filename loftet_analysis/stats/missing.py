"""What those who are missing could change: weights, imputations, and how far they may differ.

Who was linked may differ from who was not. Five answers, each with an assumption of its own:

- Weights. With w = 1 / P(linked | what is known before) the linked stand for all who could have
  been found again, if those alike before changed alike, whether linked or not. With
  w = invited / answered, per cell or along margins, those who answered stand for the register. A
  weighted mean is ``contrast(y, ones, [1], cluster, weights=w)``; the weights count as given, so
  that the error of estimating them is left out.
- Imputation. What is missing is drawn from its distribution given the other wave, covariates and
  the school, several times; Rubin's rules add the spread between the draws to the variance.
- Everybody. The mean of all answers after less that of all before needs no links. It is the change
  of the same people only if those who come and go are alike.
- Tipping points. How far the non-linked must differ before the conclusion turns assumes nothing
  of them, and leaves the judgement to the reader.
- Standardised differences of what is known before tell whether there is reason to worry.

The logit is statsmodels' GLM. Its ``MICE`` and scikit-learn's ``IterativeImputer`` know one level
only, so that schools would be drawn together; statsmodels has no raking and no pooling with the df
of Barnard and Rubin.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning
from statsmodels.tools.tools import add_constant

from loftet_analysis.stats.cr2 import contrast, means_by
from loftet_analysis.stats.inputs import (
    Floats,
    check_level,
    clusters,
    flags,
    number,
    numbers,
    refuse,
)
from loftet_analysis.stats.result import NotEstimableError, Result

# What Works Clearinghouse, Standards 5.0: baseline differences up to .05 SD need nothing, up to
# .25 SD an adjustment, and beyond that two groups are not comparable.
BASELINE_ADJUST, BASELINE_APART = 0.05, 0.25
TRIM = 0.99
NEVER, OUT_OF_REACH = 1e-6, 0.05
IMPUTATIONS, WARM_UP, BETWEEN = 20, 20, 4
PRIOR_SHARE = 0.05


def inverse_probability(was_linked: ArrayLike, covariates: ArrayLike) -> Floats:
    """Return 1 / P(linked) of everybody, from a logit on what is known before.

    Parameters
    ----------
    was_linked : array-like of bool, shape (n,)
        Of all who could have been found again.
    covariates : array-like of shape (n, k)
        Columns that do not vary are left out.

    Returns
    -------
    ndarray of shape (n,)
        At least 1, cut at the 99th percentile of the linked.

    Raises
    ------
    InputError
        Where lengths differ, `was_linked` is not 0 or 1, or a covariate is not finite.
    NotEstimableError
        ``nobody_missing``, ``no_pairs`` or ``separated``: the covariates tell the linked from the
        others without error, or over 5 % of all are like people of whom nobody was linked. Fewer
        such people are out of reach of the weights, which then stand for the rest.

    Examples
    --------
    >>> pre = [[4], [3], [2], [3], [1], [2], [1], [1]]
    >>> weight = inverse_probability([1, 1, 1, 0, 1, 0, 0, 0], pre)
    >>> bool(weight[0] < weight[4])  # who scored low was linked less often
    True
    """
    was_linked = flags("was_linked", was_linked)
    covariates = numbers("covariates", covariates, len(was_linked), ndim=2)
    if was_linked.all():
        raise NotEstimableError("nobody_missing")
    if not was_linked.any():
        raise NotEstimableError("no_pairs")
    x = _standardised_columns(covariates)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        try:
            fit = GLM(was_linked * 1.0, add_constant(x), Binomial()).fit()
        except (np.linalg.LinAlgError, ValueError):
            raise NotEstimableError("separated") from None
    probability = fit.fittedvalues
    never = probability < NEVER
    if not fit.converged or never[~was_linked].all() or never.mean() > OUT_OF_REACH:
        raise NotEstimableError("separated")
    weight = 1 / np.maximum(probability, NEVER)
    return np.minimum(weight, np.quantile(weight[was_linked], TRIM))


def _standardised_columns(x: Floats) -> Floats:
    """Return columns of mean 0 and SD 1 that vary."""
    size, spread = np.abs(x).max(axis=0), x.std(axis=0)
    varies = spread > 1e-12 * size
    return ((x - x.mean(axis=0)) / np.where(varies, spread, 1))[:, varies]


def effective_size(weights: ArrayLike) -> float:
    """Return Kish's effective number of people, (Σw)² / Σw².

    Examples
    --------
    >>> effective_size([1, 1, 2])
    2.66...
    """
    w = numbers("weights", weights, above=0)
    if not len(w):
        raise NotEstimableError("no_answers")
    return float(w.sum() ** 2 / (w @ w))


@dataclass(frozen=True)
class RegisterWeights:
    """Weights by which those who answered stand for the register.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        How many of the invited each person stands for, cut at the 99th percentile.
    uncovered : float
        Share of the invited at schools where nobody answered.
    """

    weights: Floats
    uncovered: float


def register_weights(school: ArrayLike, invited: ArrayLike) -> RegisterWeights:
    """Return how many of the invited each of those who answered stands for.

    Invited over answered at every school; the largest weights are cut at the 99th percentile.

    Parameters
    ----------
    school : array-like of int, shape (n,)
        Every person's school, or another group, in codes from 0.
    invited : array-like of shape (schools,)
        The register's counts by code; of schools without answers too.

    Raises
    ------
    NotEstimableError
        ``no_answers``, or ``no_register`` (counts that are missing or negative, or none where
        somebody answered).

    Examples
    --------
    >>> found = register_weights([0, 0, 1, 1, 1], [40, 60, 25])
    >>> found.weights, found.uncovered
    (array([20., 20., 20., 20., 20.]), 0.2)
    """
    school, labels = clusters("school", school, np.size(school))
    invited = np.asarray(invited, dtype=float)
    if not len(school):
        raise NotEstimableError("no_answers")
    if labels is not None:  # codes say places in the counts, labels would not
        raise refuse("school: not codes", f"{labels[0]!r}", "whole numbers from 0")
    known = np.isfinite(invited).all() and (invited >= 0).all() and school.max() < len(invited)
    if not known or not (invited[school] > 0).all():
        raise NotEstimableError("no_register")
    answered = np.bincount(school, minlength=len(invited))
    weights = (invited / np.maximum(answered, 1))[school]
    uncovered = float(invited[answered == 0].sum() / invited.sum())
    return RegisterWeights(np.minimum(weights, np.quantile(weights, TRIM)), uncovered)


def linked_and_unlinked(y: ArrayLike, wave: ArrayLike, cluster: ArrayLike) -> Result:
    """Return the mean of all answers after less the mean of all before, linked or not.

    The coefficient of wave in y ~ 1 + wave over every answer. Who answered twice enters twice;
    the two answers lie in one cluster, so that their covariance is in the cluster's sum and needs
    no model of its own. Weights that would use the links better hang on correlations that few
    clusters cannot tell.

    Parameters
    ----------
    y : array-like of shape (n,)
        Every valid answer of everybody who is eligible.
    wave : array-like, shape (n,)
        0 before, 1 after.
    cluster : array-like of shape (n,)
        Codes from 0, or labels; both answers of a person in one cluster, so for movers feeder
        groups.

    Raises
    ------
    NotEstimableError
        As `contrast`; ``not_estimable`` where a wave has no answers.

    Examples
    --------
    >>> y, wave, school = [1, 2, 3, 3, 5, 4], [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]
    >>> linked_and_unlinked(y, wave, school).estimate
    2.0
    """
    y = numbers("y", y)
    cluster, labels = clusters("cluster", cluster, len(y))
    code = cluster * 2 + flags("wave", wave, len(y))
    used, (means,) = means_by(code, y)
    waves = np.column_stack([1 - used % 2, used % 2])
    change = contrast(means, waves, [-1, 1], used // 2, counts=np.bincount(code)[used])
    return replace(change, clusters=labels)


def standardised_differences(was_linked: ArrayLike, covariates: pd.DataFrame) -> pd.DataFrame:
    """Return how far the linked and the others were apart before, in SD.

    smd = (mean of the linked − mean of the others) / s, s² the variance within the two groups,
    pooled by their degrees of freedom.

    Parameters
    ----------
    was_linked : array-like of bool, shape (n,)
        Of all who could have been found again.
    covariates : DataFrame of n rows
        Numbers or 0/1 columns; NaN where missing, left out column by column.

    Returns
    -------
    DataFrame
        ``variable, n_linked, n_unlinked, mean_linked, mean_unlinked, smd``, a row per covariate;
        smd is empty where a group has nobody or nothing varies.

    Examples
    --------
    >>> before = pd.DataFrame({"pre": [4.0, 3, 3, 2, 1, 3]})
    >>> standardised_differences([1, 1, 1, 0, 0, 0], before).round(3)
      variable  n_linked  n_unlinked  mean_linked  mean_unlinked    smd
    0      pre         3           3        3.333            2.0  1.633
    """
    is_linked = flags("was_linked", was_linked, len(covariates))
    for name in covariates:
        numbers(str(name), covariates[name], gaps=True)
    x = covariates.astype(float)
    n, means, squares = {}, {}, 0.0
    for key, rows in (("linked", x[is_linked]), ("unlinked", x[~is_linked])):
        n[f"n_{key}"], means[f"mean_{key}"] = rows.count(), rows.mean()
        squares = squares + ((rows - rows.mean()) ** 2).sum()
    table = pd.DataFrame(n | means)
    counts = table[list(n)]
    df = counts.sum(axis=1) - 2
    pooled = (squares / df).where((df > 0) & (counts > 0).all(axis=1) & (squares > 0))
    table["smd"] = (table["mean_linked"] - table["mean_unlinked"]) / np.sqrt(pooled)
    return table.rename_axis("variable").reset_index()


def baseline_flags(smd: pd.Series) -> pd.Series:
    """Return what standardised differences mean for a comparison of two groups.

    Returns
    -------
    Series of str
        ``baseline_adjust`` above .05, ``baseline_apart`` above .25, else empty.

    Examples
    --------
    >>> baseline_flags(pd.Series([0.05, -0.25, 0.26])).tolist()
    ['', 'baseline_adjust', 'baseline_apart']
    """
    size, flags = smd.abs(), ["baseline_apart", "baseline_adjust"]
    found = np.select([size > BASELINE_APART, size > BASELINE_ADJUST], flags, "")
    return pd.Series(found, index=smd.index)


def pool_imputations(results: Sequence[Result]) -> Result:
    """Return the estimates of several imputations as one, by Rubin's rules.

    T = W + (1 + 1/m) B with the df of Barnard and Rubin, the complete-data df being the mean of
    the imputations' Satterthwaite df (infinite df are allowed).

    Parameters
    ----------
    results : sequence of Result
        The estimate in each completed data set, at least two.

    Returns
    -------
    Result
        Without scores: the imputations' part of the variance does not belong to a cluster.

    Raises
    ------
    InputError
        With fewer than two, or where an estimate, its error or its df are no numbers.
    NotEstimableError
        ``no_variance``, where neither part varies.

    References
    ----------
    Rubin 1987, Multiple Imputation for Nonresponse in Surveys; Barnard & Rubin 1999, Biometrika
    86(4), 948–955, doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> each = [Result(e, 0.2, 40.0, 10) for e in (0.1, 0.2, 0.3)]
    >>> one = pool_imputations(each)
    >>> round(one.estimate, 2), round(one.se, 4), round(one.df, 2)
    (0.2, 0.2309, 15.1)
    """
    m = len(results)
    if m < 2:
        raise refuse("too few imputations to pool", m, "two and more")
    estimates = numbers("estimates", [each.estimate for each in results])
    within = float(np.mean(numbers("se", [each.se for each in results], least=0) ** 2))
    if not all(each.df > 0 for each in results):
        raise refuse("df out of range", min(each.df for each in results), "numbers above 0")
    between = float(estimates.var(ddof=1))
    total = within + (1 + 1 / m) * between
    if not total > 0:
        raise NotEstimableError("no_variance")
    complete = float(np.mean([each.df for each in results]))
    share = (1 + 1 / m) * between / total
    observed = (1 + 1 / complete) / (1 + 3 / complete) * complete * (within / total)
    both = share**2 / (m - 1) + 1 / observed
    df = 1 / both if both > 0 else np.inf
    return Result(float(estimates.mean()), float(np.sqrt(total)), df, results[0].n_clusters)


def imputed(
    y: ArrayLike,
    x: ArrayLike,
    school: ArrayLike,
    analyse: Callable[[Floats], Result],
    *,
    rng: np.random.Generator,
    imputations: int = IMPUTATIONS,
) -> Result:
    """Return an estimate over multiple imputations of a two-level model.

    Each column of y is drawn in turn from y_j = [x, z, z̄_school]γ + u_school + e, with z the other
    columns, u ~ N(0, τ²) and e ~ N(0, σ²): chained equations by a Gibbs sampler, each cycle
    drawing (γ, u) together, then σ² and τ², then what is missing. The school means of z let
    schools differ otherwise than their people do (Grund, Lüdtke & Robitzsch 2018). Priors: flat
    for γ, 1/σ² for σ², and for τ² what one school with a share of 5 % between schools would say.
    One chain, kept at every fourth cycle after a warm-up of twenty. A predictor that does not vary
    among those who answered has no effect.

    Parameters
    ----------
    y : array-like of shape (n, v)
        NaN where missing; every row has one answer at least, or x tells enough.
    x : array-like of shape (n, k)
        A constant and further predictors, nothing missing.
    school : array-like of shape (n,)
        Codes or labels.
    analyse : callable
        Takes a completed y of shape (n, v).
    rng : Generator
        Of the imputations.
    imputations : int, default 20
        At least two.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where lengths differ, numbers are infinite, x has gaps or schools are missing.
    NotEstimableError
        ``nobody_missing``, ``too_few_people`` to fit the model, or ``no_variance``.

    References
    ----------
    van Buuren 2018, Flexible Imputation of Missing Data, 2nd ed., chapter 7; Grund, Lüdtke &
    Robitzsch 2018, Organizational Research Methods 21(1), 111–149.
    """
    y = numbers("y", y, ndim=2, gaps=True).copy()
    x = numbers("x", x, len(y), ndim=2)
    school = np.unique(clusters("school", school, len(y))[0], return_inverse=True)[1]
    number("imputations", imputations, above=1)
    gaps = ~np.isfinite(y)
    if not gaps.any():
        raise NotEstimableError("nobody_missing")
    if (len(y) - gaps.sum(axis=0)).min() < x.shape[1] + y.shape[1] + 5:
        raise NotEstimableError("too_few_people")
    size = np.bincount(school)
    variances = [y[~gaps[:, j], j].var() for j in range(y.shape[1])]
    if not all(variance > 0 for variance in variances):
        raise NotEstimableError("no_variance")
    for j in range(y.shape[1]):
        y[gaps[:, j], j] = rng.choice(y[~gaps[:, j], j], gaps[:, j].sum())
    state = [(PRIOR_SHARE * v, v, PRIOR_SHARE * v) for v in variances]
    results = []
    for cycle in range(WARM_UP + BETWEEN * imputations):
        for j in np.flatnonzero(gaps.any(axis=0)).tolist():
            others = np.delete(y, j, axis=1)
            means = [(np.bincount(school, z) / size)[school] for z in others.T]
            predictors = np.column_stack([x, others, *means])
            y[:, j], state[j] = _draw(y[:, j], predictors, school, gaps[:, j], state[j], rng)
        if cycle >= WARM_UP and (cycle - WARM_UP) % BETWEEN == 0:
            results.append(analyse(y.copy()))
    return pool_imputations(results)


def _draw(
    y: Floats,
    x: Floats,
    school: NDArray[np.intp],
    gap: NDArray[np.bool_],
    state: tuple[float, float, float],
    rng: np.random.Generator,
) -> tuple[Floats, tuple[float, float, float]]:
    """Return y with its gaps drawn anew, and the new (τ², σ², scale of the prior of τ²).

    With κ_j = τ²/(σ² + n_j τ²), (I σ² + 11' τ²)⁻¹ = (I − κ_j 11')/σ² in school j: the coefficients'
    posterior given the variances needs the schools' sums only.
    """
    tau2, sigma2, prior = state
    seen, n_schools = ~gap, int(school.max()) + 1
    ys, xs, at = y[seen], x[seen], school[seen]
    n, total = np.bincount(at, minlength=n_schools), np.bincount(at, ys, n_schools)
    sums = np.column_stack([np.bincount(at, column, n_schools) for column in xs.T])
    shrunk = sums * (tau2 / (sigma2 + n * tau2))[:, None]
    size = np.sqrt((xs**2).sum(axis=0))
    size = np.where(size > 0, size, 1)
    values, vectors = np.linalg.eigh((xs.T @ xs - shrunk.T @ sums) / np.outer(size, size))
    kept = values > 1e-9 * values[-1]
    root = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
    right = vectors.T @ ((xs.T @ ys - shrunk.T @ total) / size)
    noise = np.sqrt(sigma2) * rng.normal(size=len(root))
    beta = vectors @ (root * (root * right + noise)) / size
    spread = 1 / (n / sigma2 + 1 / tau2)
    u = spread * (total - sums @ beta) / sigma2 + np.sqrt(spread) * rng.normal(size=n_schools)
    error = ys - xs @ beta - u[at]
    sigma2 = max(float(error @ error) / rng.chisquare(len(ys)), 1e-12 * prior)
    tau2 = (float(u @ u) + prior) / rng.chisquare(n_schools + 1)
    drawn = y.copy()
    drawn[gap] = x[gap] @ beta + u[school[gap]] + np.sqrt(sigma2) * rng.normal(size=gap.sum())
    return drawn, (tau2, sigma2, prior)


def tipping_points(
    estimate: float, se: float, df: float, share_linked: float, sesoi: float, level: float = 0.95
) -> dict[str, float]:
    """Return how far the non-linked must differ for the conclusion to turn.

    If those who were not linked changed by δ more than the linked, all changed by
    θ + (1 − π) δ, π the share that was linked; the interval moves along, its width that of the
    linked. The δ at which an end of it meets a mark follows at once. Assumed: the error of all is
    that of the linked, and π counts as known, since both are small beside what δ may be.

    Parameters
    ----------
    estimate, se, df : float
        Of the linked, in SD; se and df above 0.
    share_linked : float
        Of those who could have been found again, above 0 and below 1.
    sesoi : float
        Smallest effect of interest, in SD, above 0.
    level : float, default .95

    Returns
    -------
    dict of str to float
        δ in SD by what it leads to: ``increase`` (the lower end at 0), ``decrease`` (the upper end
        at 0), ``beyond +SESOI`` and ``beyond -SESOI``.

    Raises
    ------
    InputError
        Where a number is outside its range.
    NotEstimableError
        ``nobody_missing``, or ``no_pairs`` where nobody was linked.

    Examples
    --------
    >>> found = tipping_points(0.20, 0.05, 20, share_linked=0.6, sesoi=0.1)
    >>> {key: round(value, 2) for key, value in found.items()}
    {'increase': -0.24, 'decrease': -0.76, 'beyond +SESOI': 0.01, 'beyond -SESOI': -1.01}
    """
    number("share_linked", share_linked, above=-1e-12, below=1 + 1e-12)
    if share_linked >= 1:
        raise NotEstimableError("nobody_missing")
    if share_linked <= 0:
        raise NotEstimableError("no_pairs")
    check_level(level)
    number("estimate", estimate)
    number("sesoi", sesoi, above=0)
    if not (se > 0 and df > 0):
        raise refuse("se and df out of range", f"{se}, {df}", "numbers above 0")
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    marks = {
        "increase": half,
        "decrease": -half,
        "beyond +SESOI": sesoi + half,
        "beyond -SESOI": -sesoi - half,
    }
    return {name: (mark - estimate) / (1 - share_linked) for name, mark in marks.items()}
