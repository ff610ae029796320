"""Reliability: Cronbach's alpha and omega with their intervals, and the intraclass correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from loftet_analysis.stats import factor
from loftet_analysis.stats.inputs import Floats, check_level, clusters, numbers
from loftet_analysis.stats.result import NotEstimableError


def omega(complete: ArrayLike, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return McDonald's omega (total) of one factor with an interval.

    (Σλ)² / ((Σλ)² + Σθ) from maximum likelihood on the covariances. The interval is Wald's on the
    logit of omega, its variance by the delta method from the expected information (Raykov &
    Marcoulides 2011); it takes people for independent, as Feldt's does for alpha.

    Parameters
    ----------
    complete : array-like of shape (n, k)
        One column per item, one row per person, nothing missing.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    dict
        `omega`, `omega_ci_low`, `omega_ci_high`; empty with fewer than three items that vary, and
        where there is no proper solution (not converged, or a negative residual variance).

    References
    ----------
    McDonald 1999, Test Theory; Raykov & Marcoulides 2011, Introduction to Psychometric Theory.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.normal(size=(400, 1)) + rng.normal(size=(400, 4))
    >>> {key: round(value, 2) for key, value in omega(answers).items()}
    {'omega': 0.78, 'omega_ci_low': 0.74, 'omega_ci_high': 0.81}
    """
    check_level(ci_level)
    complete = _varying(complete)
    n, k = complete.shape
    if k < 3 or n <= k:
        return {}
    one_factor = factor.model(k, 1, factor.CONFIGURAL, linked=False)
    try:
        fit = factor.fit(one_factor, [factor.moments(complete)], proper=True)
    except NotEstimableError:
        return {}
    unique = fit.theta[one_factor.uniquenesses]
    common, rest = fit.theta[one_factor.loadings].sum() ** 2, unique.sum()
    if (unique < 0).any() or not common > 0:
        return {}
    share = common / (common + rest)
    # logit(omega) = 2 log Σλ − log Σθ
    slope = np.zeros(len(fit.theta))
    slope[one_factor.loadings] = 2 / fit.theta[one_factor.loadings].sum()
    slope[one_factor.uniquenesses] = -1 / rest
    half = stats.norm.isf((1 - ci_level) / 2) * np.sqrt(slope @ fit.vcov @ slope)
    low, high = special.expit(special.logit(share) + np.array([-half, half]))
    return {"omega": float(share), "omega_ci_low": float(low), "omega_ci_high": float(high)}


def alpha(complete: ArrayLike, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return Cronbach's alpha with Feldt's interval.

    k/(k − 1) (1 − Σ s_i² / s²), s² the variance of the sum of k items. Feldt's interval is
    1 − (1 − α) F with F the quantiles of F(n − 1, (n − 1)(k − 1)); pingouin rounds it to three
    decimals.

    Parameters
    ----------
    complete : array-like of shape (n, k)
        One column per item, one row per person, nothing missing.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    dict
        `alpha`, `alpha_ci_low`, `alpha_ci_high`; empty where alpha is not defined.

    References
    ----------
    Feldt, Woodruff & Salih 1987, Applied Psychological Measurement 11(1), 93–103.

    Examples
    --------
    >>> alpha([[1, 2, 1], [2, 2, 3], [3, 4, 3], [4, 4, 5]])
    {'alpha': 0.933..., 'alpha_ci_low': 0.560..., 'alpha_ci_high': 0.995...}
    """
    check_level(ci_level)
    complete = _varying(complete)
    n, k = complete.shape
    if k < 2 or n < 2 or np.isclose(complete.sum(axis=1).std(), 0, atol=1e-12):
        return {}
    c = np.cov(complete, rowvar=False)
    coefficient = float(k / (k - 1) * (1 - np.trace(c) / c.sum()))
    tails = stats.f.isf([(1 - ci_level) / 2, (1 + ci_level) / 2], n - 1, (n - 1) * (k - 1))
    low, high = 1 - (1 - coefficient) * np.asarray(tails)
    return {"alpha": coefficient, "alpha_ci_low": float(low), "alpha_ci_high": float(high)}


def intraclass_correlation(values: ArrayLike, cluster: ArrayLike) -> float:
    """Return the share of the variance that lies between clusters, at least 0.

    The analysis of variance estimator for clusters of unequal size, (MSB − MSW) / (MSB +
    (n₀ − 1) MSW), n₀ = (N − Σ n_j²/N) / (J − 1) (Donner 1986, International Statistical Review
    54(1), 67–82). Empty where clusters have one person each, or there is one cluster.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite numbers.
    cluster : array-like of shape (n,)
        Codes from 0, or labels.

    Examples
    --------
    >>> round(float(intraclass_correlation([1.0, 2, 4, 5], ["a", "a", "b", "b"])), 4)
    0.8947
    """
    squares = _mean_squares(values, cluster)
    if squares is None:
        return np.nan
    between, within, typical, _, _ = squares
    whole = between + (typical - 1) * within
    return max(0.0, (between - within) / whole) if whole > 0 else np.nan


def intraclass_interval(
    values: ArrayLike, cluster: ArrayLike, *, ci_level: float = 0.95
) -> tuple[float, float]:
    """Return an interval of the share of the variance that lies between clusters.

    From F = MSB/MSW with J − 1 and N − J degrees of freedom: each end is (F/f − 1)/(F/f + n₀ − 1),
    f a quantile of F, and at least 0. Exact for normal answers in clusters of one size, with n₀ of
    `intraclass_correlation` an approximation elsewhere (Donner 1986, International Statistical
    Review 54(1), 67–82). The lower end is above 0 where the F test finds that clusters differ.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite numbers.
    cluster : array-like of shape (n,)
        Codes from 0, or labels.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    tuple of float
        Empty where `intraclass_correlation` is.

    Examples
    --------
    >>> ends = intraclass_interval([1.0, 2, 4, 5, 2, 4], ["a", "a", "b", "b", "c", "c"])
    >>> [round(end, 3) for end in ends]
    [0.0, 0.989]
    """
    check_level(ci_level)
    squares = _mean_squares(values, cluster)
    if squares is None or not max(squares[:2]) > 0:
        return np.nan, np.nan
    between, within, typical, *df = squares
    if within == 0:
        return 1.0, 1.0
    quantiles = stats.f.ppf([(1 + ci_level) / 2, (1 - ci_level) / 2], *df)
    ratio = between / within / quantiles
    low, high = np.clip((ratio - 1) / (ratio + typical - 1), 0, 1)
    return float(low), float(high)


def _mean_squares(
    values: ArrayLike, cluster: ArrayLike
) -> tuple[float, float, float, int, int] | None:
    """Return MSB, MSW, n₀ and both degrees of freedom; None where one of these is 0."""
    values = numbers("values", values)
    cluster = np.unique(clusters("cluster", cluster, len(values))[0], return_inverse=True)[1]
    sizes = np.bincount(cluster)
    n, j = len(values), len(sizes)
    if j < 2 or n == j:
        return None
    centre = np.bincount(cluster, values) / sizes
    between = float(sizes @ (centre - values.mean()) ** 2) / (j - 1)
    residual = values - centre[cluster]
    within = float(residual @ residual) / (n - j)
    typical = (n - (sizes**2).sum() / n) / (j - 1)
    return between, within, typical, j - 1, n - j


def _varying(complete: ArrayLike) -> Floats:
    """Return the columns that vary: as psych, since a constant item measures nothing."""
    values = numbers("answers", complete, ndim=2)
    if not len(values):
        return values[:, :0]
    varies = values.max(axis=0) > values.min(axis=0)
    return values if varies.all() else values[:, varies]
