"""Quantiles, spread between and within clusters, and those who were lowest: with influences.

Quantiles
    A score is the mean of a few answers, so its ordinary quantile jumps from score to score. The
    mid-distribution function G(y_k) = P(y < y_k) + P(y = y_k)/2, drawn straight between the
    scores, has no jumps (Ma, Genton & Parzen 2011). On scores one step δ apart it is exactly what
    one gets by spreading every score evenly over y ± δ,

        H(y) = Σ w_i U((y − y_i)/δ) / Σ w_i,   U(t) = (t + 1)/2 kept within 0 and 1,

    and H is what is used here: G makes a knot of every score that occurs once, so that one
    person with a missing item (2.333 between 2.25 and 2.5) bends it, and its slope is anything
    between two such scores. H is continuous in the scores and its slope h(q) = P(|y − q| < δ)/2δ
    rests on everybody within a step. The quantile solves H(q) = p, and each person's influence on
    it is ψ_i = −[U((q − y_i)/δ) − p]/h(q). ψ sums to zero, so q + ψ_i may stand for an answer in
    any mean or contrast, and CR2 judges its chance.
Spread between and within clusters
    y ~ grade + school with schools random, by analysis of variance (Henderson's method 3): within
    schools σ_W² is the residual mean square, between schools σ_B² is the sum of squares of
    schools beyond grades, less σ_W² for every degree of freedom, over N − Σ_g Σ_j n_jg²/n_g.
Those who were lowest before
    People chosen for a low answer move up by regression to the mean alone. With reliability ρ
    those below the cut are expected to change by d̄ + (ρ − 1)(x̄_low − x̄) (Kelley 1947), so that
    θ = d̄_low − d̄ − (ρ − 1)(x̄_low − x̄) = z̄_low − z̄, z = y_post − ρ y_pre, is zero when everybody
    moves alike. With π the share below, θ is 1 − π times the coefficient in z ~ 1 + low, which
    has an exact CR2; −(low_i − π) θ/(1 − π) adds that π is a share of a sample.

Libraries: R's ``Qtools`` has mid-quantiles for independent people without weights; statsmodels
(``DescrStatsW.quantile``) and SciPy have weighted quantiles that jump; statsmodels' ``MixedLM`` is
slow and can fail silently on schools of this number. None gives influence values by cluster.

References
----------
Ma, Genton & Parzen 2011, Annals of the Institute of Statistical Mathematics 63(2), 227-243;
Searle, Casella & McCulloch 1992, Variance Components, ch. 5; Kelley 1947, Fundamentals of
Statistics.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from loftet_analysis.stats.cr2 import contrast, means_by
from loftet_analysis.stats.inputs import Floats, clusters, flags, number, numbers, refuse
from loftet_analysis.stats.result import NotEstimableError, Result

# Scores that fewer have are no guide to the step of a scale, and steps that are small beside the
# spread need no more smoothing than this.
SELDOM, NARROWEST = 0.005, 0.1
TOLERANCE = 1e-9


def mid_quantile(y: ArrayLike, weight: ArrayLike, p: float, step: float) -> tuple[float, Floats]:
    """Return the weighted quantile of scores spread evenly over ± step, and its influences.

    Parameters
    ----------
    y : array-like of shape (n,)
        Scores.
    weight : array-like of shape (n,)
        Greater than zero.
    p : float
        Between 0 and 1.
    step : float
        What lies between neighbouring scores, see `scale_step`.

    Returns
    -------
    quantile : float
    influence : ndarray of shape (n,)
        ψ of the module's text; its weighted sum is zero.

    Raises
    ------
    NotEstimableError
        ``no_answers``, or ``no_unique_quantile``: p falls between two heaps of scores far apart.

    Examples
    --------
    >>> q, influence = mid_quantile([1.0, 2, 2, 4], np.ones(4), 0.5, 1.0)
    >>> q, influence.round(3).tolist()
    (2.0, [-1.6, 0.0, 0.0, 1.6])
    """
    y = numbers("y", y)
    weight = numbers("weight", weight, len(y), above=0)
    number("p", p, above=0, below=1)
    number("step", step, above=0)
    if not len(y):
        raise NotEstimableError("no_answers")
    whose, scores = pd.factorize(y, sort=True)
    share = np.bincount(whose, weight) / weight.sum()
    bends = np.concatenate([scores - step, scores + step])
    order = np.argsort(bends, kind="stable")
    bends = bends[order]
    slope = np.cumsum(np.concatenate([share, -share])[order])[:-1].clip(min=0) / (2 * step)
    gained = slope * np.diff(bends)
    below = np.concatenate([[0], np.cumsum(gained)])
    level = (gained <= TOLERANCE) & (np.diff(bends) > TOLERANCE * step)
    if (level & (np.abs(below[1:] - p) <= TOLERANCE)).any():
        raise NotEstimableError("no_unique_quantile")
    q = float(np.interp(p, below, bends))
    reach = (q - scores) / step
    inside = (np.abs(reach) < 1 - TOLERANCE) + 0.5 * (np.abs(np.abs(reach) - 1) <= TOLERANCE)
    density = float(share @ inside) / (2 * step)
    return q, ((p - ((reach + 1) / 2).clip(0, 1)) / density)[whose]


def scale_step(y: ArrayLike) -> float:
    """Return the step of the scores, at least a tenth of their SD.

    It is the difference that most often lies between two people with different scores, looking
    no further than one SD where two scores are that near: the scores of people without missing
    items lie on a grid, and neighbours on it are the most frequent pairs.

    Raises
    ------
    NotEstimableError
        ``no_answers``, or ``no_variance`` where all scores are the same.

    Examples
    --------
    >>> scale_step(np.repeat([2.0, 2.25, 7 / 3, 2.5, 2.75, 3.0], [9, 12, 1, 15, 11, 8]))
    0.25
    """
    y = numbers("y", y)
    if not len(y):
        raise NotEstimableError("no_answers")
    sd = float(y.std())
    if not sd > 0:
        raise NotEstimableError("no_variance")
    whose, scores = pd.factorize(y, sort=True)
    n = np.bincount(whose)
    usual = n >= SELDOM * len(y)
    scores, share = scores[usual], n[usual] / len(y)
    one, other = np.triu_indices(len(scores), 1)
    apart = scores[other] - scores[one]
    near = apart <= max(sd, apart.min(initial=np.inf)) * (1 + TOLERANCE)
    if not near.any():
        return NARROWEST * sd
    one, other, apart = one[near], other[near], apart[near]
    _, example, kind = np.unique((apart / sd).round(6), return_index=True, return_inverse=True)
    often = np.bincount(kind, share[one] * share[other])
    most = np.flatnonzero(often >= often.max() * (1 - TOLERANCE))[0]
    return max(float(apart[example[most]]), NARROWEST * sd)


def kelley_contrast(z: ArrayLike, low: ArrayLike, cluster: ArrayLike) -> Result:
    """Return the mean of those who are low less the mean of all, who low people are part of.

    With z = after − ρ before this is what the lowest rose beyond regression to the mean.

    Parameters
    ----------
    z : array-like of shape (n,)
    low : array-like of bool, shape (n,)
        Some, not all.
    cluster : array-like of shape (n,)
        Codes from 0, or labels.

    Returns
    -------
    Result

    Raises
    ------
    NotEstimableError
        ``nobody_low`` (nobody, or everybody), and those of ``cr2.contrast``.

    Examples
    --------
    >>> before, after = np.array([1, 1, 2, 4, 3, 5.0]), np.array([2, 1, 3, 4, 3, 4.0])
    >>> found = kelley_contrast(after - 0.8 * before, before < 2.5, [0, 1, 2, 0, 1, 2])
    >>> round(found.estimate, 3), round(found.se, 3)
    (0.233, 0.26)
    """
    z = numbers("z", z)
    low = flags("low", low, len(z))
    cluster, labels = clusters("cluster", cluster, len(z))
    if not low.any() or low.all():
        raise NotEstimableError("nobody_low")
    cell, (means,) = means_by(2 * cluster + low, z)
    counts = np.bincount(2 * cluster + low)[cell]
    x = np.column_stack([np.ones(len(cell)), cell % 2])
    apart = contrast(means, x, [0, 1], cell // 2, counts=counts)
    share, sizes = low.mean(), np.bincount(cluster)
    chance = np.bincount(cluster, low - share) / len(low) / np.sqrt(1 - sizes / len(low))
    scores = (1 - share) * apart.scores - apart.estimate * chance
    estimate = float((1 - share) * apart.estimate)
    return Result.from_scores(estimate, scores, apart.df, apart.n_clusters, labels)


def variance_components(n: ArrayLike, sums: ArrayLike, squares: ArrayLike) -> tuple[Floats, Floats]:
    """Return the variances between and within schools, of all schools and without each of them.

    Parameters
    ----------
    n, sums : array-like of shape (schools, grades)
        Counts and sums of the answers; every school has some.
    squares : array-like of shape (schools,)
        Sums of squared answers.

    Returns
    -------
    between, within : ndarray of shape (schools + 1,)
        All schools first; −inf where there are no degrees of freedom.

    Examples
    --------
    >>> n, sums = np.full((3, 1), 2), np.array([[3.0], [7.0], [11.0]])
    >>> between, within = variance_components(n, sums, np.array([5.0, 25.0, 61.0]))
    >>> between.round(2).tolist(), within.round(2).tolist()
    ([3.75, 1.75, 7.75, 1.75], [0.5, 0.5, 0.5, 0.5])
    """
    n = numbers("n", n, ndim=2, least=0)
    sums = numbers("sums", sums, len(n), ndim=2)
    squares = numbers("squares", squares, len(n), least=0)
    size, total = n.sum(axis=1), sums.sum(axis=1)
    if sums.shape != n.shape or not size.all():
        raise refuse(
            "counts and sums do not fit each other",
            f"{n.shape} and {sums.shape}, {np.count_nonzero(size == 0)} schools without answers",
            "the same schools and grades, answers in every school",
        )
    n_schools = np.full(len(n) + 1, len(n) - 1)
    n_schools[0] = len(n)
    # Schools taken out of the grades' dummies and of the answers: both add up over schools.
    normal = n[:, :, None] * np.eye(n.shape[1]) - n[:, :, None] * n[:, None] / size[:, None, None]
    values, vectors = np.linalg.eigh(_also_without_each(normal))
    kept = values > TOLERANCE * np.maximum(values[:, -1:], 1)
    along = np.matvec(vectors.mT, _also_without_each(sums - n * (total / size)[:, None]))
    by_grade = np.divide(along**2, values, out=np.zeros_like(values), where=kept)
    people = _also_without_each(size)
    rest = _also_without_each(squares - total**2 / size) - by_grade.sum(axis=1)
    within = _over(rest, people - n_schools - kept.sum(axis=1))

    of_grade = _also_without_each(n)
    there = of_grade > TOLERANCE
    means = np.divide(1, of_grade, out=np.zeros(there.shape), where=there)
    grades_only = _also_without_each(squares) - (_also_without_each(sums) ** 2 * means).sum(axis=1)
    df = n_schools + kept.sum(axis=1) - there.sum(axis=1)
    weight = people - (_also_without_each(n**2) * means).sum(axis=1)
    beyond = grades_only - rest - df * np.maximum(within, 0)
    return _over(beyond, np.where((df > 0) & (within >= 0), weight, 0)), within


def _also_without_each(x: Floats) -> Floats:
    """Return the sum over the first axis, and then the sums without each of its members."""
    whole = x.sum(axis=0)
    return np.concatenate([whole[None], whole - x])


def _over(x: Floats, y: Floats) -> Floats:
    """Divide, giving −inf where the divisor is not positive."""
    return np.divide(x, y, out=np.full(len(x), -np.inf), where=y > TOLERANCE)
