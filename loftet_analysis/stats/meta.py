"""Estimates of several studies together: random effects by REML with Knapp and Hartung's errors.

The estimates y with variances v follow y_i ~ N(x_i'β, v_i + τ²), where x is the constant alone or
the constant with moderators. τ² is found by restricted maximum likelihood (REML); β by least
squares with weights 1/(v_i + τ²). Knapp and Hartung's covariance of β is then s² (X'WX)⁻¹ with
s² = Σ w_i e_i² / (k − p), the ordinary one of weighted least squares, and t has k − p degrees of
freedom; the ad hoc guard takes max(s², 1), so that studies which happen to agree do not make the
interval narrower than their own standard errors allow.

In one stage, with everybody's answers at hand, the studies are the clusters of ``cr2.mean`` or
``cr2.contrast``.

``statsmodels`` gives the weighted fits; its ``combine_effects`` lacks REML, the guard, prediction
intervals and moderators. PyMARE has REML and Knapp and Hartung's errors, but no
prediction interval, and of a likelihood with two peaks it may take the lower.

References
----------
Viechtbauer 2005, doi:10.3102/10769986030003261 (REML). Knapp & Hartung 2003,
doi:10.1002/sim.1482. Higgins & Thompson 2002, doi:10.1002/sim.1186 (I²).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from statsmodels.regression.linear_model import WLS

from loftet_analysis.stats.inputs import Floats, numbers
from loftet_analysis.stats.result import NotEstimableError, Result


@dataclass(frozen=True)
class RandomEffects:
    """A random-effects fit.

    Attributes
    ----------
    terms : tuple of Result
        A coefficient per column of x, df k − p; `n_clusters` is k.
    tau2 : float
        Variance between studies (with moderators: what remains of it), by REML.
    i2 : float
        τ²/(τ² + s²), s² the typical variance of Higgins and Thompson; 0 to 1.
    q, q_p : float
        Cochran's Q (weighted residual sum of squares at τ² = 0) and its p-value of χ²(k − p).
    """

    terms: tuple[Result, ...]
    tau2: float
    i2: float
    q: float
    q_p: float

    def prediction_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return μ ± t(k − 1) sqrt(SE² + τ²), as metafor has it; short with few studies.

        Of the first term: what the true value of one more study (with moderators 0) would be.
        """
        mean = self.terms[0]
        wide = Result(mean.estimate, float(np.sqrt(mean.se**2 + self.tau2)), mean.df)
        return wide.interval(level)


def random_effects(y: ArrayLike, v: ArrayLike, x: ArrayLike | None = None) -> RandomEffects:
    """Fit by REML with Knapp and Hartung's covariance, their factor at least one.

    Parameters
    ----------
    y, v : array-like of shape (k,)
        Estimates and their variances, greater than zero.
    x : array-like of shape (k, p), optional
        Constant and moderators; the constant alone by default.

    Returns
    -------
    RandomEffects

    Raises
    ------
    InputError
        Where lengths differ, numbers are not finite or variances not positive.
    NotEstimableError
        ``not_estimable``: no more studies than terms, or terms that depend on each other.

    Examples
    --------
    >>> fit = random_effects([0.1, 0.3, 0.6], [0.01, 0.01, 0.0225])
    >>> round(fit.terms[0].estimate, 3), round(fit.terms[0].se, 3), round(fit.tau2, 3)
    (0.315, 0.141, 0.044)
    """
    y, v, x = _studies(y, v, x)
    largest = np.abs(x).max(axis=0, initial=0)
    unit = np.where(largest > 0, largest, 1)
    if np.linalg.matrix_rank(x / unit) < x.shape[1]:
        raise NotEstimableError("not_estimable")
    tau2 = tau2_reml(y, v, x)
    random = WLS(y, x, weights=1 / (v + tau2)).fit()
    covariance = max(random.scale, 1.0) * random.normalized_cov_params
    w, h, e, _ = _weighted(y, v, x, 0.0)
    df, q = len(y) - x.shape[1], float(e @ e)
    return RandomEffects(
        terms=tuple(
            Result(float(estimate), float(se), df, len(y))
            for estimate, se in zip(random.params, np.sqrt(np.diag(covariance)), strict=True)
        ),
        tau2=tau2,
        i2=tau2 / (tau2 + df / float(w @ (1 - h))),
        q=q,
        q_p=float(stats.chi2.sf(q, df)),
    )


def tau2_reml(y: ArrayLike, v: ArrayLike, x: ArrayLike | None = None) -> float:
    """Return the between-region variance by restricted maximum likelihood.

    The root of τ²'s score, 2 dl/dτ² = Σ w²e² − Σ w (1 − h) with w = 1/(v + τ²), e the weighted
    fit's residuals and h its leverages; zero where the likelihood falls from there on. Of several
    roots the most likely one is taken.

    Parameters
    ----------
    y, v : array-like of shape (k,)
        Estimates and their variances, greater than zero.
    x : array-like of shape (k, p), optional
        Constant and moderators, p < k; the constant alone by default.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tau2_reml([0.1, 0.3, 0.6], [0.01, 0.01, 0.0225]), 4)
    0.0435
    """
    y, v, x = _studies(y, v, x)

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


def _studies(y: ArrayLike, v: ArrayLike, x: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """Return checked estimates, variances and terms; more studies than terms."""
    y = numbers("y", y)
    v = numbers("v", v, len(y), above=0)
    x = np.ones((len(y), 1)) if x is None else numbers("x", x, len(y), ndim=2)
    if len(y) <= x.shape[1]:
        raise NotEstimableError("not_estimable")
    return y, v, x


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
