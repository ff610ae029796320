"""Regions together: random effects over the regions' estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

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

METHOD = "REML, Knapp–Hartung with max(KH, model), t(k − 1)"
REFUSED = "not pooled: fewer than two regions with an estimate"

Floats = NDArray[np.float64]


def pool(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean of the regions' standardised estimates.

    ``y_i ~ N(μ, v_i + τ²)``, τ² by REML; weights 1/(v_i + τ²); the standard error is the larger of
    Knapp and Hartung's and the model's (the ad hoc guard), with t(k − 1); the prediction interval
    is μ ± t(k − 1) sqrt(SE² + τ²), as in metafor; I² = τ²/(τ² + s²) with s² the typical variance of
    Higgins and Thompson.

    ``statsmodels.stats.meta_analysis.combine_effects`` gives Q, the mean and both standard errors
    at a given τ² (which goes into its variances); it lacks REML, the guard and prediction
    intervals. The prediction interval is a little short where τ is small.

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
        ``names.POOLED``, a row per population × outcome × estimand in the order of `effects`.
        `i2` is a share (0–1). With fewer than two regions the numbers but `k` are empty and
        `method` says so.

    References
    ----------
    Viechtbauer 2005, doi:10.3102/10769986030003261; Knapp & Hartung 2003, doi:10.1002/sim.1482;
    Higgins & Thompson 2002, doi:10.1002/sim.1186.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool(rows)[["k", "estimate", "se", "tau2", "i2"]].round(3).to_dict("records")
    [{'k': 3, 'estimate': 0.315, 'se': 0.141, 'tau2': 0.044, 'i2': 0.771}]
    """
    rows = effects[(effects[REGION] != NATIONAL) & (effects[SUBGROUP] == ALL)]
    keys = [POPULATION, OUTCOME, ESTIMAND]
    pooled = []
    for key, group in rows.groupby(keys, sort=False, observed=True):
        given = group[np.isfinite(group["estimate"]) & (group["se"] > 0)]
        if "suppressed" in given:
            given = given[~given["suppressed"].fillna(False).astype(bool)]
        y, v = given["estimate"].to_numpy(float), given["se"].to_numpy(float) ** 2
        found = _pooled(y, v, ci_level) if len(y) > 1 else {"method": REFUSED}
        pooled.append({**dict(zip(keys, key, strict=True)), "k": len(y), **found})
    numbers = [name for name in POOLED if name not in (*keys, "k", "method")]
    return pd.DataFrame(pooled, columns=POOLED).astype(dict.fromkeys(numbers, float))


def tau2_reml(y: Floats, v: Floats) -> float:
    """Return the between-region variance by restricted maximum likelihood.

    The root of τ²'s score, 2 dl/dτ² = Σw²(y − μ)² − Σw + Σw²/Σw with w = 1/(v + τ²); zero where
    the likelihood falls from there on. Of several roots the most likely one is taken.

    Parameters
    ----------
    y, v : ndarray of shape (k,)
        Estimates and their variances.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tau2_reml(np.array([0.1, 0.3, 0.6]), np.array([0.01, 0.01, 0.0225])), 4)
    0.0435
    """

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        error = y - np.average(y, weights=w)
        return float(w**2 @ error**2 - w.sum() + w @ w / w.sum())

    def deviance(tau2: float) -> float:
        w = 1 / (v + tau2)
        error = y - np.average(y, weights=w)
        return float(w @ error**2 - np.log(w).sum() + np.log(w.sum()))

    widest = float(np.ptp(y) ** 2 + v.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * v.min(), widest, 400)])
    slopes = np.array([score(tau2) for tau2 in grid])
    peaks = [0.0]
    for i in np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0)):
        peaks.append(optimize.brentq(score, grid[i], grid[i + 1], xtol=1e-16, rtol=1e-14))
    return min(peaks, key=deviance)


def _pooled(y: Floats, v: Floats, ci_level: float) -> dict[str, float | str]:
    """Return the numbers of one row."""
    k = len(y)
    tau2 = tau2_reml(y, v)
    random = combine_effects(y, v + tau2)
    estimate = float(random.mean_effect_fe)
    se = float(np.sqrt(max(random.var_hksj_fe, random.var_eff_w_fe)))
    t = float(stats.t.ppf((1 + ci_level) / 2, k - 1))
    half, wide = t * se, t * np.sqrt(se**2 + tau2)
    w = 1 / v
    q = float(w @ (y - np.average(y, weights=w)) ** 2)
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - w @ w)
    return {
        "estimate": estimate,
        "se": se,
        "df": k - 1,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "pi_low": estimate - wide,
        "pi_high": estimate + wide,
        "tau2": tau2,
        "i2": tau2 / (tau2 + typical),
        "q": q,
        "q_p": float(stats.chi2.sf(q, k - 1)),
        "method": METHOD,
    }
