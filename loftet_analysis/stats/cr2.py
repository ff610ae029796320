"""Cluster-robust inference that holds with few, unequal schools: CR2 with Satterthwaite df.

One engine, :func:`contrast`, serves every estimate that is a coefficient of a (weighted) least
squares fit; a mean is the fit of a constant, :func:`mean`. It gives what ``clubSandwich`` gives
for ``vcovCR(lm(...), type = "CR2")`` and ``coef_test(..., test = "Satterthwaite")``, working
model: independent people of equal variance, weights that are not inverse variances.

With design X, weights W, M = (X'WX)⁻¹, H = X M X'W and e = (I − H)y, cluster j adds
u_j = c'M X_j'W_j A_j e_j to the estimate's error, and the variance is Σ u_j². The adjustment
A_j = G_j^(−1/2), G_j the block of (I − H)(I − H)' that belongs to j, makes this unbiased under the
working model; where G_j is singular (fixed effects) the root of the pseudo-inverse is meant. With
a_j = A_j W_j X_j M c and P_jk = a_j' [(I − H)(I − H)']_jk a_k, df = (tr P)² / Σ P_jk².

Three facts keep the cost at O(n) with small blocks, never n × n nor n_j × n_j:

- G_j differs from the identity only inside span[X_j, W_j X_j], and W_j X_j lies in it, so each
  cluster may be rotated to an orthonormal basis of that span. For people with the same design row
  and weight the basis is known: one row, their mean times √count.
- Effects of cells nested in clusters (school × grade) are local: after the other columns are made
  W-orthogonal to them (Frisch, Waugh, Lovell), they never leave their cluster.
- Off its diagonal P then has rank 2q (q the number of shared columns), so that it can be made and
  summed a few rows at a time.

References
----------
Bell & McCaffrey 2002, Survey Methodology 28(2); Pustejovsky & Tipton 2018, Journal of Business &
Economic Statistics 36(4), 672–683, doi:10.1080/07350015.2016.1247004.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from loftet_analysis.errors import InputError, Problem
from loftet_analysis.stats.result import Floats, NotEstimableError, Result

TOLERANCE = 1e-12
BLOCK = 512


def mean(values: ArrayLike, cluster: ArrayLike) -> Result:
    """Return the mean of values, each person counting once.

    `contrast` of a constant in closed form. With h_j = n_j/N a cluster's adjustment is
    (1 − h_j)^(−1/2), and P_jj = h_j/N, P_jk² = s_j s_k with s_j = h_j²/(N(1 − h_j)).

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite numbers; influence values as well as answers.
    cluster : array-like of int, shape (n,)
        Codes from 0; codes without rows are allowed.

    Returns
    -------
    Result

    Raises
    ------
    NotEstimableError
        ``one_cluster`` or ``no_variance``.

    Examples
    --------
    >>> found = mean([1, 2, 3, 5, 4, 9], [0, 0, 1, 1, 2, 2])
    >>> found.estimate, round(found.se, 4), round(found.df, 4)
    (4.0, 1.4434, 2.0)
    """
    values, cluster = np.asarray(values, dtype=float), np.asarray(cluster)
    n, total, estimate = np.bincount(cluster), len(values), float(values.mean())
    h, others = n / total, (total - n) / total
    if others.min() < TOLERANCE:
        raise NotEstimableError("one_cluster")
    adjusted = 1 / np.sqrt(others) / total
    # each pair of clusters once: a difference of sums would cancel
    s = h**2 / others / total
    squares = h @ h / total**2 + 2 * s[1:] @ np.cumsum(s)[:-1]
    n_clusters = int(np.count_nonzero(n))
    scores = adjusted * np.bincount(cluster, values - estimate)
    found = Result.from_scores(estimate, scores, float(1 / (total**2 * squares)), n_clusters)
    if found.se <= TOLERANCE * (adjusted @ np.abs(np.bincount(cluster, values))):
        raise NotEstimableError("no_variance")
    return found


def contrast(
    y: ArrayLike,
    x: ArrayLike,
    c: ArrayLike,
    cluster: ArrayLike,
    *,
    cells: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    counts: ArrayLike | None = None,
) -> Result:
    """Return c'β of the weighted least squares fit ``y ~ 0 + x + cells``.

    Parameters
    ----------
    y : array-like of shape (n,)
        Outcome; with `counts` the mean of each group of identical rows.
    x : array-like of shape (n, q)
        Columns that clusters share (a constant too, unless there are cells).
    c : array-like of shape (q,)
        The contrast of the coefficients of `x`.
    cluster : array-like of int, shape (n,)
        Codes from 0; codes without rows are allowed.
    cells : array-like, shape (n,), optional
        Labels of fixed effects nested in clusters.
    weights : array-like of shape (n,), optional
        Positive weight of each person in the row.
    counts : array-like of int, shape (n,), optional
        How many people with the same `x`, cell, weight and cluster a row stands for.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where a cell reaches over more than one cluster.
    NotEstimableError
        ``one_cluster`` (without some one cluster there is no estimate), ``no_variance`` or
        ``not_estimable`` (columns of `x` depend on each other, given the cells).

    Examples
    --------
    >>> y, wave, school = [1, 2, 2, 4, 3, 3.5], [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]
    >>> found = contrast(y, np.reshape(wave, (-1, 1)), [1], school, cells=school)
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 4)
    (1.1667, 0.441, 2.0)
    """
    cluster, c = np.asarray(cluster), np.asarray(c, dtype=float)
    n_clusters = len(np.unique(cluster))
    if n_clusters < 2:
        raise NotEstimableError("one_cluster")
    y, x, wx, d, wd = _blocks(y, x, cluster, cells, weights, counts)
    total = y

    # Cells: scaled so that d'Wd = I, then taken out of the shared columns and the outcome.
    size = np.sqrt((d * wd).sum(axis=1, keepdims=True))
    d = np.divide(d, size, out=np.zeros_like(d), where=size > 0)
    wd = np.divide(wd, size, out=np.zeros_like(wd), where=size > 0)
    inside = _t(wd) @ x
    normal = (wx * x).sum(axis=(0, 1))
    x, wx, y = x - d @ inside, wx - wd @ inside, y - _times(d, _times(_t(wd), y))
    within = (_t(wx) @ x).sum(axis=0)
    scale = np.sqrt(np.outer(normal, normal))
    if not scale.all() or np.linalg.eigvalsh(within / scale)[0] < TOLERANCE:
        raise NotEstimableError("not_estimable")
    if _hangs_on_one_cluster(within - _t(wx) @ x, c, normal):
        raise NotEstimableError("one_cluster")
    m = np.linalg.inv(within)
    beta = m @ _times(_t(wx), y).sum(axis=0)
    residual = y - x @ beta

    # G_j = I − H_jj − H_jj' + (HH')_jj, all columns side by side: the cells' part of M is I.
    u, wu = np.concatenate([d, x], axis=2), np.concatenate([wd, wx], axis=2)
    meat = _t(wu) @ wu
    q, k = x.shape[2], d.shape[2]
    omega = meat[:, k:, k:].sum(axis=0)
    meat[:, k:, k:] = omega
    um = np.concatenate([d, x @ m], axis=2)
    hat = um @ _t(wu)
    g = np.eye(u.shape[1]) - hat - _t(hat) + um @ meat @ _t(um)
    values, vectors = np.linalg.eigh(g)
    kept = values > TOLERANCE * np.maximum(1, values[:, -1:])
    root = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
    a = _times(vectors, root * _times(_t(vectors), wx @ (m @ c)))

    # P: its diagonal exactly, what lies off it as F C F'.
    own = (a * _times(g, a)).sum(axis=1)
    beyond_cells = a - _times(wd, _times(_t(d), a))
    f = np.concatenate([_times(_t(x), a), _times(_t(wx), beyond_cells)], axis=1)
    core = np.block([[m @ omega @ m, -m], [-m, np.zeros((q, q))]])
    squares = own @ own + _off_diagonal_squares(f, core)

    scores = (a * residual).sum(axis=1)
    found = Result.from_scores(float(c @ beta), scores, float(own.sum() ** 2 / squares), n_clusters)
    if found.se <= TOLERANCE * np.abs(a * total).sum():
        raise NotEstimableError("no_variance")
    return found


def standardise(
    raw: Result,
    sd: float,
    x: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    *,
    group: ArrayLike | None = None,
) -> Result:
    """Return ``raw`` in units of ``sd``, with the uncertainty of the SD where answers are given.

    θ = estimate/s, and cluster j contributes
    u_j/s − θ/(2s²) (1 − n_xj/N_x)^(−1/2) Σ_{i∈j} [(x_i − x̄)² − m₂] / N_x, m₂ = Σ (x − x̄)² / N_x,
    the influence of the mean and of the variance (Hampel 1974); the df stay those of the contrast.

    Parameters
    ----------
    raw : Result
        The estimate in scale points.
    sd : float
        The unit, greater than zero.
    x : array-like of shape (n,), optional
        The answers whose SD the unit is. Without them the unit counts as a fixed number.
    cluster : array-like of int, shape (n,), optional
        Their clusters, in the codes of `raw`; clusters that have only such answers are allowed.
    group : array-like, shape (n,), optional
        Groups within which the SD is centred; one mean for all by default.

    Returns
    -------
    Result

    Raises
    ------
    NotEstimableError
        ``one_cluster``, where all answers lie in one.

    Examples
    --------
    >>> raw = mean([1, 2, 3, 5, 4, 9], [0, 0, 1, 1, 2, 2])
    >>> fixed = standardise(raw, 2.0)
    >>> sampled = standardise(raw, 2.0, [1, 3, 3, 5, 5, 7], [0, 0, 1, 1, 2, 2])
    >>> fixed.estimate, round(fixed.se, 4), round(sampled.se, 4)
    (2.0, 0.7217, 0.7949)
    """
    estimate = raw.estimate / sd
    if x is not None:
        scores = raw.scores / sd
        x, cluster = np.asarray(x, dtype=float), np.asarray(cluster)
        member = np.unique(np.zeros(len(x)) if group is None else group, return_inverse=True)[1]
        centre = np.bincount(member, x) / np.bincount(member)
        square = (x - centre[member]) ** 2
        sizes = np.bincount(cluster, minlength=len(scores))
        if sizes.max() == len(x):
            raise NotEstimableError("one_cluster")
        sums = np.bincount(cluster, square - square.mean(), minlength=len(scores))
        spread = sums / len(x) / np.sqrt(1 - sizes / len(x))
        scores = np.pad(scores, (0, len(sizes) - len(scores))) - estimate / (2 * sd**2) * spread
    elif raw.scores is None:
        return Result(estimate, raw.se / sd, raw.df, raw.n_clusters)
    else:
        scores = raw.scores / sd
    return Result.from_scores(estimate, scores, raw.df, raw.n_clusters)


def change_over_cells(y: ArrayLike, cell: ArrayLike, post: ArrayLike, person: ArrayLike) -> Result:
    """Return the mean over cells of the difference of the waves' means, persons being clusters.

    With G cells a person adds u = Σ ± (y_i − ȳ_c)/(G n_c) · √(n_c/(n_c − 1)) over her answers, c
    the cell in the wave of the answer, and the variance is Σ u²; that is CR2 of the fit of all
    cell means. A person who was in one grade before and is in another after has two answers in u.
    Satterthwaite's df are (Σ k_c)² / Σ k_c²/(n_c − 1), k_c = 1/n_c, where nobody has two, and n − 1
    where all n people have two in the one cell there is. In general u has the covariances P_jj =
    Σ k_c/n_c and P_jk = −Σ k_c/(n_c (n_c − 1)) over the cells of j, or those that j and k share (in
    units of a person's variance over G²), and df are (Σ P_jj)² / Σ P_jk².

    Parameters
    ----------
    y : array-like of shape (n,)
        Finite answers.
    cell : array-like of int, shape (n,)
        Codes; every cell has two answers or more in each wave, of different persons.
    post : array-like of bool, shape (n,)
        Whether the answer was given after.
    person : array-like of int, shape (n,)
        Codes.

    Returns
    -------
    Result

    Raises
    ------
    NotEstimableError
        ``no_variance``, or ``not_estimable`` (a cell with fewer answers in a wave).

    Examples
    --------
    >>> found = change_over_cells([1, 2, 3, 3, 3, 6], [5] * 6, [False] * 3 + [True] * 3, range(6))
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 4)
    (2.0, 1.1547, 4.0)
    >>> found = change_over_cells([1, 2, 3, 3, 3, 6], [5] * 6, [False] * 3 + [True] * 3,
    ...                           [0, 1, 2, 0, 1, 2])
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 4)
    (2.0, 0.5774, 2.0)
    """
    y, (place, cells) = np.asarray(y, dtype=float), pd.factorize(np.asarray(cell))
    persons, people = pd.factorize(np.asarray(person))
    code = 2 * place + np.asarray(post, dtype=int)
    n = np.bincount(code, minlength=2 * len(cells))
    if n.min() < 2:
        raise NotEstimableError("not_estimable")
    sign = np.tile([-1.0, 1.0], len(cells)) / len(cells)
    centre = np.bincount(code, y) / n
    part = sign / np.sqrt(n * (n - 1))
    scores = np.bincount(persons, part[code] * (y - centre[code]))
    own, shared = np.bincount(persons, (1 / n**2)[code]), 1 / (n**2 * (n - 1))
    # how many people have an answer in both of two cells: the rest of Σ P_jk² is their own
    has = np.zeros((len(people), len(n)))
    has[persons, code] = 1
    squares = shared @ (has.T @ has) ** 2 @ shared - (has @ shared) @ (has @ shared) + own @ own
    found = Result.from_scores(
        float(sign @ centre), scores, float(own.sum() ** 2 / squares), len(people)
    )
    if found.se <= TOLERANCE * np.abs(part[code] * y).sum():
        raise NotEstimableError("no_variance")
    return found


def means_by(code: NDArray[np.intp], *columns: Floats) -> tuple[NDArray[np.intp], list[Floats]]:
    """Return the codes that occur and each column's mean by code."""
    n = np.bincount(code)
    used = np.flatnonzero(n)
    return used, [np.bincount(code, column)[used] / n[used] for column in columns]


def _hangs_on_one_cluster(without: Floats, c: Floats, scale: Floats) -> bool:
    """Return whether c'β cannot be had once some one cluster is left out.

    `without` (J, q, q) holds X'WX without each cluster, `scale` the diagonal of the whole. Such a
    cluster fits its own answers, its residual says nothing, and CR2 would miss its variance.
    """
    unit = np.sqrt(scale)
    values, vectors = np.linalg.eigh(without / np.outer(unit, unit))
    along = (c / unit) @ vectors / np.linalg.norm(c / unit)
    return bool(((values < TOLERANCE) & (np.abs(along) > np.sqrt(TOLERANCE))).any())


def _off_diagonal_squares(f: Floats, core: Floats) -> float:
    """Return Σ P_jk² over j ≠ k, P = F C F', term by term: a difference of sums would cancel."""
    total = 0.0
    for start in range(0, len(f), BLOCK):
        rows = f[start : start + BLOCK] @ core @ f.T
        np.fill_diagonal(rows[:, start:], 0)
        total += float(np.einsum("jk,jk->", rows, rows))
    return total


def _t(block: Floats) -> Floats:
    """Transpose every matrix of a stack."""
    return block.transpose(0, 2, 1)


def _times(block: Floats, vector: Floats) -> Floats:
    """Multiply every matrix of a stack by its own vector."""
    return (block @ vector[:, :, None])[:, :, 0]


def _blocks(
    y: ArrayLike,
    x: ArrayLike,
    cluster: NDArray[np.intp],
    cells: ArrayLike | None,
    weights: ArrayLike | None,
    counts: ArrayLike | None,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return y (J, r), x, Wx (J, r, q), d and Wd (J, r, k), one rotated block per cluster.

    d are the dummies of a cluster's own cells. Blocks are padded by rows of zeros, which change
    nothing: such a row has no residual and the identity as its part of G.
    """
    y, x = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    stretch = np.ones(len(y)) if counts is None else np.sqrt(np.asarray(counts, dtype=float))
    d = np.zeros((len(y), 0)) if cells is None else _dummies(cluster, cells)
    columns = np.column_stack([y, x, w[:, None] * x, d, w[:, None] * d]) * stretch[:, None]

    order = np.argsort(cluster, kind="stable")
    sizes = np.bincount(cluster)
    place = np.empty(len(y), dtype=int)
    place[order] = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    stack = np.zeros((len(sizes), sizes.max(), columns.shape[1]))
    stack[cluster, place] = columns
    if stack.shape[1] > stack.shape[2]:
        basis = np.linalg.qr(stack[:, :, 1:])[0]
        stack = _t(basis) @ stack
    q, k = x.shape[1], d.shape[1]
    blocks = np.split(stack, np.cumsum([1, q, q, k]), axis=2)
    return blocks[0][:, :, 0], *blocks[1:]


def _dummies(cluster: NDArray[np.intp], cells: ArrayLike) -> Floats:
    """Return one column per cell of a cluster, numbered afresh in every cluster."""
    cell = np.unique(np.asarray(cells), return_inverse=True)[1]
    home = np.zeros(cell.max() + 1, dtype=int)
    home[cell] = cluster
    if (home[cell] != cluster).any():
        raise InputError(
            Problem(
                "cells reach over several clusters",
                found=f"{len(np.unique(cell[home[cell] != cluster]))} of {len(home)} cells",
                allowed="every cell inside one cluster",
                todo="cluster on a level at or above the cells, or put the effects into x",
            )
        )
    order = np.argsort(home, kind="stable")
    sizes = np.bincount(home)
    rank = np.empty(len(home), dtype=int)
    rank[order] = np.arange(len(home)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.eye(sizes.max())[rank[cell]]
