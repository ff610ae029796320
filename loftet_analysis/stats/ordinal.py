"""Changes that use only the order of the answers: probability of superiority, ordered logit.

The distances between "disagree" and "agree" may not be equal. Two measures do without them: the
probability that an answer after is higher than one before (ties count half; ½ is no change), and
the odds ratio of a higher answer, taken as the same at every cut of the scale. Both stand beside
the mean change, to see whether the conclusion hangs on the distances.

A probability of superiority is a mean of influence values, so that CR2 holds for it as it stands.
The ordered logit has one regressor of interest, the wave; its likelihood depends on counts of
wave × grade × answer alone, and leaving a school out only takes its counts away. All refits of the
jackknife then go through Fisher scoring together, from the estimate of all schools, which takes as
long as there are schools, not people.

Looked at: scipy's ``mannwhitneyu`` and ``brunnermunzel`` and pingouin's CLES give the same
probability but take people for independent; statsmodels' ``OrderedModel`` works on rows of people
with numerical search, and its errors know no clusters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from loftet_analysis.stats.cr2 import contrast, mean
from loftet_analysis.stats.inputs import Floats, clusters, flags, numbers, refuse
from loftet_analysis.stats.result import NotEstimableError, Result

STEPS, STEP_TOLERANCE, SCORE_TOLERANCE = 100, 1e-10, 1e-8
MOST_POINTS = 100


def superiority_of_pairs(before: ArrayLike, after: ArrayLike, cluster: ArrayLike) -> Result:
    """Return P(after > before) + ½ P(equal) of the same people, less ½.

    Parameters
    ----------
    before, after : array-like of shape (n,)
        Finite numbers.
    cluster : array-like of shape (n,)
        Codes from 0, or labels.

    Returns
    -------
    Result
        From −½ to ½, zero where as many rise as fall; CR2 of the indicator's mean.

    Examples
    --------
    >>> superiority_of_pairs([1, 2, 3, 4], [2, 2, 4, 3], [0, 0, 1, 1]).estimate
    0.125
    """
    before = numbers("before", before)
    sign = np.sign(numbers("after", after, len(before)) - before)
    return mean(sign / 2, cluster)


def superiority(
    before: ArrayLike, after: ArrayLike, cluster_before: ArrayLike, cluster_after: ArrayLike
) -> Result:
    """Return Mann and Whitney's P(after > before) + ½ P(equal) of different people, less ½.

    The influence of an answer is the share of the other wave's answers that it beats (its
    placement, half of the ties counted); CR2 on the two waves' placements.

    Parameters
    ----------
    before, after : array-like of shape (n,), (m,)
    cluster_before, cluster_after : array-like of shape (n,), (m,)
        Their clusters, in codes from 0 or labels that both share.

    Returns
    -------
    Result
        From −½ to ½.

    Raises
    ------
    NotEstimableError
        ``no_answers`` of a wave, and those of `contrast`.

    References
    ----------
    Brunner & Munzel 2000, Biometrical Journal 42(1), 17–25; Rosner & Grove 1999, Statistics in
    Medicine 18(11), 1387–1400.

    Examples
    --------
    >>> superiority([1, 2, 3, 4], [2, 3, 4, 4], [0, 0, 1, 1], [0, 0, 1, 1]).estimate
    0.1875
    """
    before, after = numbers("before", before), numbers("after", after)
    clusters("cluster_before", cluster_before, len(before))
    clusters("cluster_after", cluster_after, len(after))
    if not len(before) or not len(after):
        raise NotEstimableError("no_answers")
    cluster = [np.asarray(each) for each in (cluster_before, cluster_after)]
    if (cluster[0].dtype.kind in "iubf") != (cluster[1].dtype.kind in "iubf"):
        found, allowed = " and ".join(str(each.dtype) for each in cluster), "both of one kind"
        raise refuse("the waves have clusters of different kinds", found, allowed)
    beats = _placements(after, before)
    beaten = 1 - _placements(before, after)
    wave = np.repeat([0.0, 1.0], [len(before), len(after)])
    both = contrast(
        np.concatenate([beaten, beats]),
        np.column_stack([1 - wave, wave]),
        [1, 1],
        np.concatenate(cluster),
    )
    return replace(both, estimate=both.estimate / 2 - 0.5)


def _placements(values: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    to = np.searchsorted(ordered, values, side="right")
    return (below + to) / (2 * len(ordered))


def ordered_logit(
    y: ArrayLike, wave: ArrayLike, cluster: ArrayLike, group: ArrayLike | None = None
) -> Result:
    """Return the log odds ratio of a higher answer later, in a proportional odds model.

    logit P(y ≤ k) = a_k − β wave − γ_group. Only counts of wave × group × answer matter, so that
    the model is fitted again without each cluster at once; the variance is the jackknife's,
    (J − 1)/J Σ (β₍ⱼ₎ − β̄)², with t(J − 1). Answers and groups that only one cluster has drop out
    with it, which leaves β as it is without them.

    Parameters
    ----------
    y : array-like of shape (n,)
        Whole numbers, the answer points.
    wave : array-like, shape (n,)
        0 before, 1 after.
    cluster : array-like of shape (n,)
        Codes from 0, or labels.
    group : array-like, shape (n,), optional
        Grades, each with an effect of its own.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where lengths differ, answers are no whole numbers (or over 100 different ones), `wave` is
        not 0 or 1, or labels are missing.
    NotEstimableError
        ``one_cluster`` (without some one cluster no group has both waves, or all answers are
        alike), ``no_variance`` (one answer only, one wave only, or clusters that do not differ),
        ``not_estimable`` (no group has both waves) or ``not_converged`` (the waves' answers do not
        overlap, so that the odds ratio has no bound).

    References
    ----------
    McCullagh 1980, Journal of the Royal Statistical Society B 42(2), 109–142.

    Examples
    --------
    >>> y = [1, 2, 3, 2, 3, 2, 1, 2, 3, 3, 1, 3, 1, 2, 2, 1, 3, 3]
    >>> wave = [0, 0, 0, 1, 1, 1] * 3
    >>> found = ordered_logit(y, wave, np.repeat([0, 1, 2], 6))
    >>> round(found.estimate, 3), round(found.se, 3), found.df
    (1.091, 0.335, 2.0)
    """
    points, code = np.unique(numbers("y", y), return_inverse=True)
    if len(points) > MOST_POINTS or (points % 1).any():
        raise refuse(
            "y is no scale of answer points",
            f"{len(points)} different values, the highest {points[-1]:g}",
            f"whole numbers, at most {MOST_POINTS} different ones",
            "round scores to answer points first",
        )
    n = len(code)
    group = np.zeros(n, dtype=int) if group is None else clusters("group", group, n)[0]
    groups, member = np.unique(group, return_inverse=True)
    cluster, labels = clusters("cluster", cluster, n)
    used, place = np.unique(cluster, return_inverse=True)
    wave = flags("wave", wave, n).astype(int)
    k, g, j = len(points), len(groups), len(used)
    if j < 2:
        raise NotEstimableError("one_cluster")
    if k < 2 or len(np.unique(wave)) < 2:
        raise NotEstimableError("no_variance")
    cell = ((place * 2 + wave) * g + member) * k + code
    counts = np.bincount(cell, minlength=j * 2 * g * k).reshape(j, 2 * g, k)
    whole = counts.sum(axis=0)[None]
    if not _has_contrast(whole).all():
        raise NotEstimableError("not_estimable")
    without = whole - counts
    if not _has_contrast(without).all() or ((without.sum(axis=1) > 0).sum(axis=1) < 2).any():
        raise NotEstimableError("one_cluster")
    first = np.argmax((counts.reshape(j, 2, g, k).sum(axis=(1, 3)) > 0).sum(axis=0))
    effects = np.delete(np.eye(g), first, axis=1)  # against the group that most clusters have
    design = np.column_stack([np.repeat([0.0, 1.0], g), np.tile(effects, (2, 1))])
    share = np.cumsum(whole.sum(axis=1), axis=1)[:, :-1] / whole.sum()
    theta = _proportional_odds(
        whole, design, np.column_stack([special.logit(share), np.zeros((1, design.shape[1]))])
    )
    refits = _without_empty_answers(without, design, theta[0])
    scores = np.zeros(int(used.max()) + 1)
    scores[used] = np.sqrt((j - 1) / j) * (refits - refits.mean())
    if not np.abs(scores).max() > 1e-10:
        raise NotEstimableError("no_variance")
    return Result.from_scores(float(theta[0, k - 1]), scores, j - 1.0, j, labels)


def _has_contrast(counts: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return for each table (B, 2 G, K) whether some group has answers in both waves."""
    people = counts.sum(axis=2).reshape(len(counts), 2, -1)
    return (people > 0).all(axis=1).any(axis=1)


def _without_empty_answers(counts: NDArray[np.intp], design: Floats, theta: Floats) -> Floats:
    """Return the first slope of each table, answers that nobody gives left out of it."""
    given = counts.sum(axis=1) > 0
    patterns, which = np.unique(given, axis=0, return_inverse=True)
    slopes, k = np.empty(len(counts)), counts.shape[2]
    for i, kept in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == i)
        cuts = theta[np.flatnonzero(kept)[:-1]]
        start = np.tile(np.concatenate([cuts, theta[k - 1 :]]), (len(rows), 1))
        fitted = _proportional_odds(
            counts[np.ix_(rows, np.arange(len(design)), kept)], design, start
        )
        slopes[rows] = fitted[:, len(cuts)]
    return slopes


def _proportional_odds(counts: NDArray[np.intp], design: Floats, theta: Floats) -> Floats:
    """Return cuts and slopes of each table of counts (B, rows, K), by Fisher scoring from `theta`.

    A group whose people all give the lowest or the highest answer has no bound and tells nothing
    of the first slope: it is enough that this slope stands still and the likelihood is flat.
    """
    counts = counts.astype(float)
    k, totals = counts.shape[2], counts.sum(axis=2)
    lift = (np.eye(k) - np.eye(k, k=-1))[:, :-1]  # p = lift @ γ plus the last category's 1
    for _ in range(STEPS):
        gamma = special.expit(theta[:, None, : k - 1] - (theta[:, k - 1 :] @ design.T)[:, :, None])
        p = np.maximum(np.diff(gamma, axis=2, prepend=0, append=1), 1e-15)
        slope = gamma * (1 - gamma)
        by_threshold = lift[None, None] * slope[:, :, None, :]
        along = slope @ lift.T
        by_slope = -along[:, :, :, None] * design[None, :, None, :]
        derivative = np.concatenate([by_threshold, by_slope], axis=3)
        score = np.einsum("brk,brkm->bm", counts / p, derivative)
        scaled = derivative * np.sqrt(totals[:, :, None] / p)[..., None]
        scaled = scaled.reshape(len(counts), -1, scaled.shape[3])
        information = scaled.mT @ scaled
        diagonal = np.arange(information.shape[1])
        information[:, diagonal, diagonal] += information[:, diagonal, diagonal] == 0
        try:
            step = np.linalg.solve(information, score[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            raise NotEstimableError("not_converged") from None
        theta = theta + np.clip(step, -2, 2)
        flat = np.abs(score).max(axis=1) < SCORE_TOLERANCE * totals.sum(axis=1)
        if (flat & (np.abs(step[:, k - 1]) < STEP_TOLERANCE)).all():
            return theta
    raise NotEstimableError("not_converged")
