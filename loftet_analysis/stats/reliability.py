"""Reliability: Cronbach's alpha and omega with their intervals, and the intraclass correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
from numpy.typing import NDArray
from scipy import special, stats

from loftet_analysis.stats import factor
from loftet_analysis.stats.result import Floats, NotEstimableError


def omega(complete: pd.DataFrame, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return McDonald's omega (total) of one factor with an interval.

    (Σλ)² / ((Σλ)² + Σθ) from maximum likelihood on the covariances. The interval is Wald's on the
    logit of omega, its variance by the delta method from the expected information (Raykov &
    Marcoulides 2011); it takes people for independent, as Feldt's does for alpha.

    Parameters
    ----------
    complete : DataFrame
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
    >>> answers = pd.DataFrame(rng.normal(size=(400, 1)) + rng.normal(size=(400, 4)))
    >>> {key: round(value, 2) for key, value in omega(answers).items()}
    {'omega': 0.78, 'omega_ci_low': 0.74, 'omega_ci_high': 0.81}
    """
    complete = _varying(complete)
    n, k = complete.shape
    if k < 3 or n <= k:
        return {}
    one_factor = factor.model(k, 1, factor.CONFIGURAL, linked=False)
    try:
        found = factor.fit(one_factor, [factor.moments(complete)], proper=True)
    except NotEstimableError:
        return {}
    unique = found.theta[one_factor.uniquenesses]
    common, rest = found.theta[one_factor.loadings].sum() ** 2, unique.sum()
    if (unique < 0).any() or not common > 0:
        return {}
    share = common / (common + rest)
    # logit(omega) = 2 log Σλ − log Σθ
    slope = np.zeros(len(found.theta))
    slope[one_factor.loadings] = 2 / found.theta[one_factor.loadings].sum()
    slope[one_factor.uniquenesses] = -1 / rest
    half = stats.norm.isf((1 - ci_level) / 2) * np.sqrt(slope @ found.vcov @ slope)
    low, high = special.expit(special.logit(share) + np.array([-half, half]))
    return {"omega": float(share), "omega_ci_low": float(low), "omega_ci_high": float(high)}


def alpha(complete: pd.DataFrame, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return Cronbach's alpha with Feldt's interval.

    pingouin gives alpha. Its interval is rounded to three decimals, so Feldt's is computed here:
    1 − (1 − α) F with F the quantiles of F(n − 1, (n − 1)(k − 1)).

    Parameters
    ----------
    complete : DataFrame
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
    >>> alpha(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [1, 3, 3, 5]}))
    {'alpha': 0.933..., 'alpha_ci_low': 0.560..., 'alpha_ci_high': 0.995...}
    """
    complete = _varying(complete)
    n, k = complete.shape
    if k < 2 or n < 2 or np.isclose(complete.to_numpy(float).sum(axis=1).std(), 0, atol=1e-12):
        return {}
    coefficient = float(pingouin.cronbach_alpha(data=complete)[0])
    tails = stats.f.isf([(1 - ci_level) / 2, (1 + ci_level) / 2], n - 1, (n - 1) * (k - 1))
    low, high = 1 - (1 - coefficient) * np.asarray(tails)
    return {"alpha": coefficient, "alpha_ci_low": float(low), "alpha_ci_high": float(high)}


def intraclass_correlation(values: Floats, cluster: NDArray[np.intp]) -> float:
    """Return the share of the variance that lies between clusters, at least 0.

    The analysis of variance estimator for clusters of unequal size, (MSB − MSW) / (MSB +
    (n₀ − 1) MSW), n₀ = (N − Σ n_j²/N) / (J − 1) (Donner 1986, International Statistical Review
    54(1), 67–82). Empty where clusters have one person each, or there is one cluster.

    Examples
    --------
    >>> round(float(intraclass_correlation(np.array([1.0, 2, 4, 5]), np.array([0, 0, 1, 1]))), 4)
    0.8947
    """
    sizes = np.bincount(cluster)
    used = np.flatnonzero(sizes)
    n, j = len(values), len(used)
    if j < 2 or n == j:
        return np.nan
    centre = np.bincount(cluster, values)[used] / sizes[used]
    between = float(sizes[used] @ (centre - values.mean()) ** 2) / (j - 1)
    place = np.zeros(len(sizes), dtype=int)
    place[used] = np.arange(j)
    residual = values - centre[place[cluster]]
    within = float(residual @ residual) / (n - j)
    typical = (n - (sizes[used] ** 2).sum() / n) / (j - 1)
    whole = between + (typical - 1) * within
    return max(0.0, (between - within) / whole) if whole > 0 else np.nan


def _varying(complete: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that vary: as psych, since a constant item measures nothing."""
    values = complete.to_numpy(dtype=float)
    varies = np.ptp(values, axis=0) > 0 if len(values) else np.zeros(values.shape[1], dtype=bool)
    return complete if varies.all() else complete.loc[:, varies]
