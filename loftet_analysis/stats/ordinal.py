"""Changes that use only the order of the answers: probability of superiority, ordered logit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from loftet_analysis.stats.clustered import Clustered, Floats, NotEstimableError, contrast, mean

STEPS = 100


def superiority_of_pairs(before: ArrayLike, after: ArrayLike, cluster: ArrayLike) -> Clustered:
    """Return P(after > before) + ½ P(equal) of the same people, less ½.

    Parameters
    ----------
    before, after : array-like of shape (n,)
    cluster : array-like of int, shape (n,)

    Returns
    -------
    Clustered
        Zero where as many rise as fall; CR2 of the indicator's mean.

    Examples
    --------
    >>> superiority_of_pairs([1, 2, 3, 4], [2, 2, 4, 3], [0, 0, 1, 1]).estimate
    0.125
    """
    sign = np.sign(np.asarray(after, dtype=float) - np.asarray(before, dtype=float))
    return mean(sign / 2, cluster)


def superiority(before: ArrayLike, after: ArrayLike, *clusters: ArrayLike) -> Clustered:
    """Return Mann and Whitney's P(after > before) + ½ P(equal) of different people, less ½.

    The influence of an answer is the share of the other wave's answers that it beats (its
    placement, half of the ties counted); CR2 on the two waves' placements.

    Parameters
    ----------
    before, after : array-like of shape (n,), (m,)
    *clusters : array-like of int
        Clusters of `before` and of `after`, in shared codes.

    Returns
    -------
    Clustered

    References
    ----------
    Brunner & Munzel 2000, Biometrical Journal 42(1), 17–25; Rosner & Grove 1999, Statistics in
    Medicine 18(11), 1387–1400.

    Examples
    --------
    >>> superiority([1, 2, 3, 4], [2, 3, 4, 4], [0, 0, 1, 1], [0, 0, 1, 1]).estimate
    0.1875
    """
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if not len(before) or not len(after):
        raise NotEstimableError("no_answers")
    beats = _placements(after, before)
    beaten = 1 - _placements(before, after)
    wave = np.repeat([0.0, 1.0], [len(before), len(after)])
    both = contrast(
        np.concatenate([beaten, beats]),
        np.column_stack([1 - wave, wave]),
        [1, 1],
        np.concatenate([np.asarray(c) for c in clusters]),
    )
    return Clustered(both.estimate / 2 - 0.5, both.scores, both.df, both.n_clusters)


def _placements(values: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    to = np.searchsorted(ordered, values, side="right")
    return (below + to) / (2 * len(ordered))


def ordered_logit(
    y: ArrayLike, wave: ArrayLike, cluster: ArrayLike, group: ArrayLike | None = None
) -> Clustered:
    """Return the log odds ratio of a higher answer later, in a proportional odds model.

    logit P(y ≤ k) = a_k − β wave − γ_group. Only counts of wave × group × answer matter, so that
    the model is fitted again without each cluster at once; the variance is the jackknife's,
    (J − 1)/J Σ (β₍ⱼ₎ − β̄)², with t(J − 1). Clusters whose absence empties a wave are refused.

    Parameters
    ----------
    y : array-like of shape (n,)
        Whole numbers, the answer points.
    wave : array-like, shape (n,)
        0 before, 1 after.
    cluster : array-like of int, shape (n,)
        Codes from 0.
    group : array-like, shape (n,), optional
        Grades, each with an effect of its own.

    Returns
    -------
    Clustered

    Raises
    ------
    NotEstimableError
        ``one_cluster``, ``no_variance`` (one answer only, or none of a wave) or
        ``not_converged``.

    References
    ----------
    McCullagh 1980, Journal of the Royal Statistical Society B 42(2), 109–142.
    """
    points, code = np.unique(np.asarray(y), return_inverse=True)
    labels = np.zeros(len(code)) if group is None else np.asarray(group)
    groups, member = np.unique(labels, return_inverse=True)
    used, place = np.unique(np.asarray(cluster), return_inverse=True)
    wave = np.asarray(wave).astype(int)
    k, g, j = len(points), len(groups), len(used)
    if j < 2:
        raise NotEstimableError("one_cluster")
    if k < 2 or len(np.unique(wave)) < 2:
        raise NotEstimableError("no_variance")
    cell = ((place * 2 + wave) * g + member) * k + code
    counts = np.bincount(cell, minlength=j * 2 * g * k).reshape(j, 2 * g, k)
    whole = counts.sum(axis=0)
    design = np.column_stack([np.repeat([0.0, 1.0], g), np.tile(np.eye(g)[:, 1:], (2, 1))])
    found = _proportional_odds(np.concatenate([whole[None], whole - counts]), design)
    apart = found[1:] - found[1:].mean()
    scores = np.zeros(int(used.max()) + 1)
    scores[used] = np.sqrt((j - 1) / j) * apart
    if not np.abs(scores).max() > 1e-10:
        raise NotEstimableError("no_variance")
    return Clustered(float(found[0]), scores, j - 1.0, j)


def _proportional_odds(counts: NDArray, design: Floats) -> Floats:
    """Return the first slope of each table of counts (B, rows, K) by Fisher scoring."""
    counts = counts.astype(float)
    b, _, k = counts.shape
    margin = counts.sum(axis=1)
    if (margin.sum(axis=1) == 0).any() or (margin == 0).any():
        raise NotEstimableError("no_variance")
    share = np.cumsum(margin, axis=1)[:, :-1] / margin.sum(axis=1, keepdims=True)
    q = design.shape[1]
    theta = np.concatenate([special.logit(share), np.zeros((b, q))], axis=1)
    totals = counts.sum(axis=2)
    lift = np.zeros((k, k - 1))  # p = lift @ γ plus the last category's 1
    lift[np.arange(k - 1), np.arange(k - 1)] = 1
    lift[np.arange(1, k), np.arange(k - 1)] = -1
    for _ in range(STEPS):
        gamma = special.expit(theta[:, None, : k - 1] - (theta[:, k - 1 :] @ design.T)[:, :, None])
        p = np.maximum(np.diff(gamma, axis=2, prepend=0, append=1), 1e-12)
        slope = gamma * (1 - gamma)
        by_threshold = lift[None, None] * slope[:, :, None, :]
        along = slope @ lift.T
        by_slope = -along[:, :, :, None] * design[None, :, None, :]
        derivative = np.concatenate([by_threshold, by_slope], axis=3)
        score = np.einsum("brk,brkm->bm", counts / p, derivative)
        scaled = derivative * np.sqrt(totals[:, :, None] / p)[..., None]
        information = np.einsum("brkm,brkl->bml", scaled, scaled)
        try:
            step = np.linalg.solve(information, score[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            raise NotEstimableError("not_converged") from None
        theta = theta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            return theta[:, k - 1]
    raise NotEstimableError("not_converged")
