"""What those who are missing could change: weights, imputations, and how far they may differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from loftet_analysis.stats.clustered import Clustered, Floats, NotEstimableError

TRIM = 0.99
IMPUTATIONS, WARM_UP, BETWEEN = 20, 20, 4


def inverse_probability(was_linked: ArrayLike, covariates: ArrayLike) -> Floats:
    """Return 1 / P(linked) of everybody, from a logit on what is known before.

    Parameters
    ----------
    was_linked : array-like of bool, shape (n,)
        Of all who could have been found again.
    covariates : array-like of shape (n, k)
        Nothing missing; columns that do not vary are left out.

    Returns
    -------
    ndarray of shape (n,)
        At least 1, cut at the 99th percentile of the linked.

    Raises
    ------
    NotEstimableError
        ``nobody_missing``, ``no_pairs`` or ``separated`` (a covariate tells the linked from the
        others without error).

    Examples
    --------
    >>> pre = [[4], [3], [2], [3], [1], [2], [1], [1]]
    >>> weight = inverse_probability([1, 1, 1, 0, 1, 0, 0, 0], pre)
    >>> bool(weight[0] < weight[4])  # who scored low was linked less often
    True
    """
    was_linked, x = np.asarray(was_linked, dtype=bool), np.asarray(covariates, dtype=float)
    if was_linked.all():
        raise NotEstimableError("nobody_missing")
    if not was_linked.any():
        raise NotEstimableError("no_pairs")
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        try:
            found = sm.GLM(was_linked * 1.0, sm.add_constant(x), sm.families.Binomial()).fit()
        except (np.linalg.LinAlgError, ValueError):
            raise NotEstimableError("separated") from None
    probability = found.fittedvalues
    if not found.converged or np.abs(found.params).max() > 15:
        raise NotEstimableError("separated")
    weight = 1 / probability
    return np.minimum(weight, np.quantile(weight[was_linked], TRIM))


def effective_size(weights: ArrayLike) -> float:
    """Return Kish's effective number of people, (Σw)² / Σw².

    Examples
    --------
    >>> effective_size([1, 1, 2])
    2.66...
    """
    w = np.asarray(weights, dtype=float)
    return float(w.sum() ** 2 / (w @ w))


def pool_imputations(found: Sequence[Clustered]) -> Clustered:
    """Return the estimates of several imputations as one, by Rubin's rules.

    T = W + (1 + 1/m) B with the df of Barnard and Rubin, the complete-data df being the mean of
    the imputations' Satterthwaite df.

    References
    ----------
    Rubin 1987, Multiple Imputation for Nonresponse in Surveys; Barnard & Rubin 1999, Biometrika
    86(4), 948–955, doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> each = [Clustered(e, np.array([0.2]), 40.0, 10) for e in (0.1, 0.2, 0.3)]
    >>> one = pool_imputations(each)
    >>> round(one.estimate, 2), round(one.se, 4), round(one.df, 2)
    (0.2, 0.2309, 15.1)
    """
    m = len(found)
    estimates = np.array([each.estimate for each in found])
    within = float(np.mean([each.se**2 for each in found]))
    between = float(estimates.var(ddof=1))
    total = within + (1 + 1 / m) * between
    complete = float(np.mean([each.df for each in found]))
    share = (1 + 1 / m) * between / total
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    df = observed if share == 0 else 1 / (1 / ((m - 1) / share**2) + 1 / observed)
    return Clustered(float(estimates.mean()), np.array([np.sqrt(total)]), df, found[0].n_clusters)


def imputed(
    y: ArrayLike,
    x: ArrayLike,
    school: ArrayLike,
    analyse: Callable[[Floats], Clustered],
    *,
    rng: np.random.Generator,
    imputations: int = IMPUTATIONS,
) -> Clustered:
    """Return an estimate over multiple imputations of a two-level model.

    Each column of y is drawn in turn from y_j = [x, the other columns]γ + u_school + e, u and e
    normal: a Gibbs sampler of coefficients, school effects and variances on the observed rows,
    then the missing ones (chained equations as in van Buuren 2018, §7; the sampler of Zeger &
    Karim 1991). One chain, kept at every fourth cycle after a warm-up of twenty. statsmodels'
    ``MICE`` and scikit-learn's ``IterativeImputer`` know one level only.

    Parameters
    ----------
    y : array-like of shape (n, v)
        NaN where missing; every row has one answer at least, or x tells enough.
    x : array-like of shape (n, k)
        A constant and further predictors, nothing missing.
    school : array-like of int, shape (n,)
        Codes from 0.
    analyse : callable
        Takes a completed y of shape (n, v).
    rng : Generator
        Of the imputations.
    imputations : int, default 20

    Returns
    -------
    Clustered

    Raises
    ------
    NotEstimableError
        ``nobody_missing``, or ``too_few_people`` to fit the model.
    """
    y, x = np.array(y, dtype=float), np.asarray(x, dtype=float)
    school = np.asarray(school)
    gaps = ~np.isfinite(y)
    if not gaps.any():
        raise NotEstimableError("nobody_missing")
    if (len(y) - gaps.sum(axis=0)).min() < x.shape[1] + y.shape[1] + 5:
        raise NotEstimableError("too_few_people")
    for j in range(y.shape[1]):
        y[gaps[:, j], j] = rng.choice(y[~gaps[:, j], j], gaps[:, j].sum())
    state = [[0.1 * y[:, j].var(), y[:, j].var(), np.zeros(school.max() + 1)]
             for j in range(y.shape[1])]  # fmt: skip
    found = []
    for cycle in range(WARM_UP + BETWEEN * imputations):
        for j in np.flatnonzero(gaps.any(axis=0)):
            predictors = np.column_stack([x, np.delete(y, j, axis=1)])
            y[:, j] = _draw(y[:, j], predictors, school, gaps[:, j], state[j], rng)
        if cycle >= WARM_UP and (cycle - WARM_UP) % BETWEEN == 0:
            found.append(analyse(y))
    return pool_imputations(found)


def _draw(
    y: Floats,
    x: Floats,
    school: NDArray[np.intp],
    gap: NDArray[np.bool_],
    state: list,
    rng: np.random.Generator,
) -> Floats:
    """Return y with its gaps drawn anew; `state` holds τ², σ² and the schools' effects."""
    tau2, sigma2, u = state
    seen, n_schools = ~gap, len(u)
    ys, xs, at = y[seen], x[seen], school[seen]
    root = np.linalg.cholesky(xs.T @ xs + 1e-9 * np.eye(x.shape[1]) * len(ys))
    centre = np.linalg.solve(root.T, np.linalg.solve(root, xs.T @ (ys - u[at])))
    beta = centre + np.sqrt(sigma2) * np.linalg.solve(root.T, rng.normal(size=x.shape[1]))
    residual = ys - xs @ beta
    n = np.bincount(at, minlength=n_schools)
    spread = 1 / (n / sigma2 + 1 / tau2)
    u = spread * np.bincount(at, residual, n_schools) / sigma2
    u = u + np.sqrt(spread) * rng.normal(size=n_schools)
    error = residual - u[at]
    sigma2 = float(error @ error) / rng.chisquare(len(ys) - 1)
    tau2 = (float(u @ u) + 1e-4 * sigma2) / rng.chisquare(max(n_schools - 1, 1))
    state[:] = [tau2, sigma2, u]
    drawn = x[gap] @ beta + u[school[gap]] + np.sqrt(sigma2) * rng.normal(size=gap.sum())
    y = y.copy()
    y[gap] = drawn
    return y


def tipping_points(
    estimate: float, se: float, df: float, share_linked: float, sesoi: float, level: float = 0.95
) -> dict[str, float]:
    """Return how far the non-linked must differ for the conclusion to turn.

    If those who were not linked changed by δ more than the linked, all changed by
    θ + (1 − π) δ, π the share that was linked; the interval moves along, its width that of the
    linked. The δ at which an end of it meets a mark follows at once.

    Parameters
    ----------
    estimate, se, df : float
        Of the linked, in SD.
    share_linked : float
        Of those who could have been found again, above 0 and below 1.
    sesoi : float
        Smallest effect of interest, in SD.
    level : float, default .95

    Returns
    -------
    dict of str to float
        δ in SD by what it leads to: ``increase`` (the lower end at 0), ``decrease`` (the upper end
        at 0), ``beyond +SESOI`` and ``beyond -SESOI``.

    Raises
    ------
    NotEstimableError
        ``nobody_missing``.

    Examples
    --------
    >>> found = tipping_points(0.20, 0.05, 20, share_linked=0.6, sesoi=0.1)
    >>> {key: round(value, 2) for key, value in found.items()}
    {'increase': -0.24, 'decrease': -0.76, 'beyond +SESOI': 0.01, 'beyond -SESOI': -1.01}
    """
    if share_linked >= 1:
        raise NotEstimableError("nobody_missing")
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    marks = {
        "increase": half,
        "decrease": -half,
        "beyond +SESOI": sesoi + half,
        "beyond -SESOI": -sesoi - half,
    }
    return {name: (mark - estimate) / (1 - share_linked) for name, mark in marks.items()}
