"""Estimates drawn towards their common mean, each the more the less it says.

y_j ~ N(θ_j, v_j), θ_j ~ N(μ, τ²). From a dozen estimates little is known of τ, and intervals that
take it as found (empirical Bayes) hold 80–88 % of the true values instead of 95 % where these
differ; so it is integrated out.

References
----------
Rubin 1981, Journal of Educational Statistics 6(4), 377–401 (experiments in eight schools). Gelman,
Carlin, Stern, Dunson, Vehtari & Rubin 2013, Bayesian Data Analysis, 3rd ed., sections 5.4 (the
formulas) and 5.7 (the flat prior on τ). Raudenbush & Bryk 1985, Journal of Educational Statistics
10(2), 75–98 (empirical Bayes over studies).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from loftet_analysis.stats.inputs import Floats, check_level, numbers, refuse
from loftet_analysis.stats.meta import tau2_reml

FEWEST = 3
NODES = 400
HALVINGS = 40


def shrink(y: ArrayLike, v: ArrayLike, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return estimates drawn towards the mean of all, the spread of the true ones being unknown.

    y_j ~ N(θ_j, v_j) with v_j known, θ_j ~ N(μ, τ²), flat priors on μ and on τ ≥ 0. Given τ, with
    w_j = 1/(τ² + v_j), μ̂ = Σ w y / Σ w and B_j = τ² w_j, θ_j is normal with mean
    B_j y_j + (1 − B_j) μ̂ and variance B_j v_j + (1 − B_j)² / Σ w, and

        p(τ | y) ∝ (Σ w)^(−1/2) Π w_j^(1/2) exp(−w_j (y_j − μ̂)² / 2).

    `shrunk` is the mean of this mixture over τ; the interval lies between its quantiles, with
    (1 − ci_level)/2 on either side. τ runs over the whole half-line: τ = s x/(1 − x) with
    Gauss–Legendre nodes x in (0, 1), s² being REML's τ² plus the median v.

    In simulations with 11 schools of 40–150 people 95 % of the 95 % intervals hold the true change
    where τ is 0.1 SD, 98 % where it is 0.05 and 99 % where it is 0. That is the share of all
    schools; of those whose true change is the furthest from the mean 85–93 % are held. v counts as
    known: with 2–6 people 85–87 % are held where every school has a v of its own, and 96–99 % where
    v is pooled.

    Parameters
    ----------
    y, v : array-like of shape (k,)
        Estimates and their variances, greater than zero; k at least 3, since with fewer p(τ | y)
        has no finite integral.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        `shrunk`, `shrunk_low`, `shrunk_high` and `tau2`, a row per estimate. `tau2` is the REML
        estimate of τ², for description: the estimates do not follow from it, and keep something
        of their own where it is 0. (The posterior mean of τ² is infinite with 3 or 4 estimates.)

    Raises
    ------
    InputError
        With fewer than 3 estimates, or where numbers are not finite or variances not positive.

    Examples
    --------
    >>> shrink([0.1, 0.3, 0.6], [0.01, 0.01, 0.0225]).round(3)
       shrunk  shrunk_low  shrunk_high   tau2
    0   0.125      -0.075        0.324  0.044
    1   0.300       0.112        0.490  0.044
    2   0.543       0.242        0.851  0.044
    """
    check_level(ci_level)
    y = numbers("y", y)
    v = numbers("v", v, len(y), above=0)
    if len(y) < FEWEST:
        raise refuse("too few estimates to integrate over tau", len(y), f"{FEWEST} and more")
    tau2 = tau2_reml(y, v)
    x, share = _nodes()
    tau = np.sqrt(tau2 + np.median(v)) * x / (1 - x)
    w = 1 / (tau[:, None] ** 2 + v)
    total = w.sum(axis=1)
    centre = w @ y / total
    log_p = (np.log(w) - w * (y - centre[:, None]) ** 2).sum(axis=1) - np.log(total)
    p = share / (1 - x) ** 2 * np.exp((log_p - log_p.max()) / 2)
    p /= p.sum()
    to_centre = v * w
    at = y + to_centre * (centre[:, None] - y)
    sd = np.sqrt((1 - to_centre) * v + to_centre**2 / total[:, None])
    tail = (1 - ci_level) / 2
    ends = {
        "shrunk_low": _quantiles(tail, p, at, sd),
        "shrunk_high": _quantiles(1 - tail, p, at, sd),
    }
    return pd.DataFrame({"shrunk": p @ at, **ends, "tau2": tau2})


@cache
def _nodes() -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss and Legendre's rule on (0, 1)."""
    x, weight = np.polynomial.legendre.leggauss(NODES)
    return (1 + x) / 2, weight / 2


def _quantiles(level: float, p: Floats, at: Floats, sd: Floats) -> Floats:
    """Return a quantile of each column's mixture of normals, rows having probability p."""
    each = at + special.ndtri(level) * sd
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = p @ special.ndtr((middle - at) / sd) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
