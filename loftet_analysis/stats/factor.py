"""One-factor models by maximum likelihood: the same factor at several occasions or in groups.

An *occasion* is a wave of the same people (their answers side by side, the same item's residuals
correlated) or a group of people. Item i at occasion o is y = ν + λη + ε, so that a group's moments
are Σ = ΛΦΛ' + Θ and μ = ν + Λα. The first occasion's factor has mean 0 and variance 1; those of the
others are free as soon as loadings (variance) and intercepts (mean) are held equal.

The answers enter as means and covariances alone, so the number of people does not matter. With
S* = S + (m − μ)(m − μ)' the likelihood is −½ Σ n [log|Σ| + tr Σ⁻¹S*]; Fisher scoring with halved
steps ends when the score is zero, and a fit whose information, expected or observed, is not
positive definite is refused. χ² is n times the discrepancy with covariances over n, the baseline
has free means and variances and no covariances, and CFI, TLI, RMSEA (times √groups) and SRMR (with
the means) are as in lavaan.
Cluster-robust standard errors put the clusters' sums of people's scores between two inverses of
the observed information, as lavaan's MLR with clusters (Yuan & Bentler 2000). What an equality
costs is told by its score test, without another fit.

semopy fits groups one by one, without equal loadings or intercepts over them, and factor_analyzer
knows one group without constraints; neither gives cluster-robust errors of a latent mean.

References
----------
Bollen 1989, Structural Equations with Latent Variables, doi:10.1002/9781118619179;
Rosseel 2012, Journal of Statistical Software 48(2), doi:10.18637/jss.v048.i02;
Meredith 1993, Psychometrika 58(4), 525–543, doi:10.1007/BF02294825;
Yuan & Bentler 2000, Sociological Methodology 30(1), 165–200, doi:10.1111/0081-1750.00078.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from loftet_analysis.stats.result import Floats, NotEstimableError

CONFIGURAL, METRIC, SCALAR, STRICT = LEVELS = ("configural", "metric", "scalar", "strict")
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Moments:
    """What the likelihood needs of one group of complete answers.

    Attributes
    ----------
    n : int
    mean : ndarray of shape (p,)
    cov : ndarray of shape (p, p)
        With divisor n.
    """

    n: int
    mean: Floats
    cov: Floats

    @cached_property
    def log_det(self) -> float:
        """Log of the determinant of `cov`."""
        return float(np.linalg.slogdet(self.cov)[1])


@dataclass(frozen=True)
class Group:
    """Where each element of one group's matrices stands in θ; −1 where it is fixed.

    ``loadings`` (p, m), ``factors`` (m, m), ``residuals`` (p, p), ``intercepts`` (p,), ``means``
    (m,); fixed loadings, residuals, intercepts and means are 0, fixed factor variances 1.
    """

    loadings: Index
    factors: Index
    residuals: Index
    intercepts: Index
    means: Index

    @cached_property
    def _elements(self) -> tuple[Index, ...]:
        """Places in θ followed by 0 and 1, of loadings, factors, residuals, intercepts, means."""
        zero, one = -2, -1
        fixed = np.where(np.eye(len(self.factors), dtype=bool), one, zero)
        others = (self.loadings, self.residuals, self.intercepts, self.means)
        loadings, residuals, intercepts, means = (np.where(x < 0, zero, x) for x in others)
        factors = np.where(self.factors < 0, fixed, self.factors)
        return loadings, factors, residuals, intercepts, means

    @cached_property
    def _free(self) -> tuple[tuple[Index, ...], ...]:
        """Where loadings, factors, residuals, intercepts and means are free."""
        every = (self.loadings, self.factors, self.residuals, self.intercepts, self.means)
        return tuple(np.nonzero(x >= 0) for x in every)

    def matrices(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return Λ, Φ, Σ and μ."""
        values = np.concatenate((theta, (0.0, 1.0)))
        loadings, factors, residuals, intercepts, means = (values[x] for x in self._elements)
        sigma = loadings @ factors @ loadings.T + residuals
        return loadings, factors, sigma, intercepts + loadings @ means

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return Σ, μ, dΣ (K, p, p) and dμ (K, p) by the elements of θ."""
        loadings, factors, sigma, mu = self.matrices(theta)
        sigmas, mus = np.zeros((len(theta), *sigma.shape)), np.zeros((len(theta), len(sigma)))
        of_loadings, of_factors, of_residuals, of_intercepts, of_means = self._free
        sigmas[self.residuals[of_residuals], *of_residuals] = 1
        mus[self.intercepts[of_intercepts], *of_intercepts] = 1
        # an item has one loading, so no element is added to twice
        i, j = of_loadings
        k, along = self.loadings[i, j], factors[j] @ loadings.T
        sigmas[k, i] += along
        sigmas[k, :, i] += along
        mus[k, i] = np.concatenate((theta, (0.0,)))[self.means[j]]
        for i, j in zip(*of_factors, strict=True):
            sigmas[self.factors[i, j]] += np.outer(loadings[:, i], loadings[:, j])
        for j in of_means[0]:
            mus[self.means[j]] += loadings[:, j]
        return sigma, mu, sigmas, mus


@dataclass(frozen=True)
class Model:
    """Groups with their free elements; ``latent_mean`` is θ's place of the last factor's mean."""

    groups: tuple[Group, ...]
    n_free: int
    latent_mean: int
    loadings: Index
    uniquenesses: Index


@dataclass(frozen=True)
class FactorFit:
    """A converged fit.

    Attributes
    ----------
    theta : ndarray of shape (K,)
    information : ndarray of shape (K, K)
        Expected, of the whole sample.
    observed : ndarray of shape (K, K)
        Observed, of the whole sample.
    chisq, cfi, tli, rmsea, srmr : float
    df : int
    """

    theta: Floats
    information: Floats
    observed: Floats
    chisq: float
    df: int
    cfi: float
    tli: float
    rmsea: float
    srmr: float

    @property
    def p_value(self) -> float:
        """p-value of χ²; empty for a saturated model."""
        return float(stats.chi2.sf(self.chisq, self.df)) if self.df else np.nan

    @property
    def vcov(self) -> Floats:
        """Covariances of θ̂."""
        return np.linalg.inv(self.information)


def moments(answers: ArrayLike) -> Moments:
    """Return the moments of complete answers of shape (n, p)."""
    answers = np.asarray(answers, dtype=float)
    mean = answers.mean(axis=0)
    centred = answers - mean
    return Moments(len(answers), mean, centred.T @ centred / len(answers))


def model(
    n_items: int,
    n_occasions: int,
    level: str,
    *,
    linked: bool,
    free: Collection[int] = (),
    free_loadings: Collection[int] = (),
) -> Model:
    """Return a one-factor model of some invariance over occasions.

    Parameters
    ----------
    n_items, n_occasions : int
    level : {"configural", "metric", "scalar", "strict"}
        Equal over occasions: nothing; loadings; also intercepts; also residual variances.
    linked : bool
        Whether the occasions are waves of the same people (one group, answers side by side by
        occasion) or groups.
    free, free_loadings : collection of int
        Items whose intercept (and loading) stays free at every occasion.

    Returns
    -------
    Model
    """
    reach = LEVELS.index(level)
    count = 0

    def new(shape: tuple[int, ...]) -> Index:
        nonlocal count
        found = count + np.arange(int(np.prod(shape))).reshape(shape)
        count += found.size
        return found

    def over_occasions(equal: bool, kept_free: Collection[int]) -> Index:
        index = np.tile(new((n_items,)), (n_occasions, 1))
        for o in range(1, n_occasions):
            apart = [i for i in range(n_items) if not equal or i in kept_free]
            index[o, apart] = new((len(apart),))
        return index

    loadings = over_occasions(reach >= 1, free_loadings)
    intercepts = over_occasions(reach >= 2, {*free, *free_loadings})
    uniquenesses = over_occasions(reach >= 3, ())
    variances, means = np.full(n_occasions, -1), np.full(n_occasions, -1)
    if reach >= 1:
        variances[1:] = new((n_occasions - 1,))
    if reach >= 2:
        means[1:] = new((n_occasions - 1,))
    if linked:
        k, m = n_items, n_occasions
        wide, residuals = np.full((k * m, m), -1), np.full((k * m, k * m), -1)
        factors = np.diag(variances) + np.eye(m, dtype=int) - 1
        for o in range(m):
            here = np.arange(k) + o * k
            wide[here, o] = loadings[o]
            residuals[here, here] = uniquenesses[o]
            for p in range(o):
                residuals[here, here - (o - p) * k] = shared = new((k,))
                residuals[here - (o - p) * k, here] = shared
                factors[o, p] = factors[p, o] = new((1,))[0]
        for o in range(m):
            factors[o, o] = variances[o]
        groups = (Group(wide, factors, residuals, intercepts.ravel(), means),)
    else:
        groups = tuple(
            Group(
                loadings[o][:, None],
                variances[[o]][:, None],
                np.where(np.eye(n_items, dtype=bool), uniquenesses[o], -1),
                intercepts[o],
                means[[o]],
            )
            for o in range(n_occasions)
        )
    return Model(groups, count, int(means[-1]), loadings[0], uniquenesses[0])


def fit(described: Model, samples: Sequence[Moments], *, proper: bool = False) -> FactorFit:
    """Fit a model to the moments of its groups by maximum likelihood.

    Parameters
    ----------
    described : Model
    samples : sequence of Moments
    proper : bool, default False
        Whether only a solution without negative residual variances is of use: then the search
        ends where one falls below minus the item's variance, from where it hardly ever returns.

    Raises
    ------
    NotEstimableError
        ``no_variance`` (an item or a combination of items does not vary), ``not_estimable`` (more
        free elements than moments) or ``not_converged``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.normal(size=(500, 1)) + rng.normal(size=(500, 4))
    >>> found = fit(model(4, 1, "configural", linked=False), [moments(answers)])
    >>> found.df, round(float(found.theta[:4].mean()), 1)
    (2, 0.9)
    """
    p = len(samples[0].mean)
    df = len(samples) * p * (p + 3) // 2 - described.n_free
    if df < 0:
        raise NotEstimableError("not_estimable")
    for sample in samples:
        spread = np.sqrt(np.diag(sample.cov))
        if not spread.all() or np.linalg.eigvalsh(sample.cov / np.outer(spread, spread))[0] < 1e-8:
            raise NotEstimableError("no_variance")
    theta = _start(described, samples)
    value = _discrepancy(described, samples, theta)
    for _ in range(200):
        score, information = _score(described, samples, theta)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            raise NotEstimableError("not_converged") from None
        length = 1.0
        while (after := _discrepancy(described, samples, theta + length * step)) > value:
            length /= 2
            if length < 1e-8:
                break
        if length < 1e-8 or float(score @ step) < 1e-12:
            break
        theta, value = theta + length * step, after
        if proper and (theta[described.uniquenesses] < -np.diag(samples[0].cov)).any():
            raise NotEstimableError("not_converged")
    score, information = _score(described, samples, theta)
    if not _is_positive(information) or float(score @ np.linalg.solve(information, score)) > 1e-8:
        raise NotEstimableError("not_converged")
    observed = _observed(described, samples, theta)
    if not _is_positive(observed):
        raise NotEstimableError("not_converged")
    value = max(value, 0.0)
    indices = _indices(described, samples, theta, value, df)
    return FactorFit(theta, information, observed, value, df, *indices)


def _is_positive(information: Floats) -> bool:
    scale = np.sqrt(np.abs(np.diag(information)))
    return bool(scale.all() and np.linalg.eigvalsh(information / np.outer(scale, scale))[0] > 1e-9)


def _start(described: Model, samples: Sequence[Moments]) -> Floats:
    theta = np.ones(described.n_free)
    for group, sample in zip(reversed(described.groups), reversed(samples), strict=True):
        variances = np.diag(sample.cov)
        i, j = np.nonzero(group.loadings >= 0)
        theta[group.loadings[i, j]] = 0.7 * np.sqrt(variances[i])
        i, j = np.nonzero(group.residuals >= 0)
        theta[group.residuals[i, j]] = np.where(i == j, 0.5 * variances[i], 0.0)
        i, j = np.nonzero(group.factors >= 0)
        theta[group.factors[i, j]] = np.where(i == j, 1.0, 0.5)
        theta[group.intercepts] = sample.mean
        theta[group.means[group.means >= 0]] = 0.0
    return theta


def _discrepancy(described: Model, samples: Sequence[Moments], theta: Floats) -> float:
    """Return χ², infinite where a covariance matrix is not positive definite."""
    total = 0.0
    for group, sample in zip(described.groups, samples, strict=True):
        _, _, sigma, mu = group.matrices(theta)
        try:
            root = np.linalg.cholesky(sigma)
        except np.linalg.LinAlgError:
            return np.inf
        apart = sample.mean - mu
        inverse = np.linalg.inv(sigma)
        trace = float(np.sum(inverse * sample.cov) + apart @ inverse @ apart)
        log_det = 2 * np.log(np.diag(root)).sum() - sample.log_det
        total += sample.n * (log_det + trace - len(mu))
    return float(total)


def _score(described: Model, samples: Sequence[Moments], theta: Floats) -> tuple[Floats, Floats]:
    """Return the derivatives of the log likelihood and the expected information."""
    score, information = np.zeros(len(theta)), np.zeros((len(theta),) * 2)
    for group, sample in zip(described.groups, samples, strict=True):
        sigma, mu, sigmas, mus = group.derivatives(theta)
        inverse, apart = np.linalg.inv(sigma), sample.mean - mu
        inner = inverse @ (sample.cov + np.outer(apart, apart) - sigma) @ inverse
        flat = sigmas.reshape(len(theta), -1)
        score += sample.n * (flat @ inner.ravel() / 2 + mus @ inverse @ apart)
        between = (inverse @ sigmas @ inverse).reshape(flat.shape)
        information += sample.n * (between @ flat.T / 2 + mus @ inverse @ mus.T)
    return score, information


def _observed(described: Model, samples: Sequence[Moments], theta: Floats) -> Floats:
    """Return minus the second derivatives of the log likelihood.

    With W = Σ⁻¹, T = S*, b = W(m − μ) and subscripts for derivatives, n times
    tr(WΣ_j WT WΣ_i) − ½ tr(WΣ_j WΣ_i) + μ_i'Wμ_j + μ_i'WΣ_j b + μ_j'WΣ_i b − ½ tr(AΣ_ij) − b'μ_ij,
    where A = WTW − W.
    """
    information = np.zeros((len(theta),) * 2)
    for group, sample in zip(described.groups, samples, strict=True):
        sigma, mu, sigmas, mus = group.derivatives(theta)
        inverse, apart = np.linalg.inv(sigma), sample.mean - mu
        ratio = inverse @ (sample.cov + np.outer(apart, apart))
        b, scaled = inverse @ apart, inverse @ sigmas
        crossed = sigmas @ b @ inverse @ mus.T
        spread = scaled @ (ratio - np.eye(len(mu)) / 2)
        information += sample.n * (
            np.tensordot(spread, scaled, axes=([1, 2], [2, 1]))
            + (mus @ inverse @ mus.T + crossed + crossed.T)
            - _curvature(group, theta, (ratio - np.eye(len(mu))) @ inverse, b)
        )
    return information


def _curvature(group: Group, theta: Floats, a: Floats, b: Floats) -> Floats:
    """Return ½ tr(AΣ_ij) + b'μ_ij: loadings with loadings, factor covariances and means."""
    loadings, factors, _, _ = group.matrices(theta)
    found = np.zeros((len(theta),) * 2)
    item, of = np.nonzero(group.loadings >= 0)
    place = group.loadings[item, of]
    np.add.at(found, np.ix_(place, place), a[np.ix_(item, item)] * factors[np.ix_(of, of)])
    mixed = np.zeros_like(found)
    along = a @ loadings
    for j, k in np.argwhere(group.factors >= 0):
        here = of == j  # the transposed element adds the other half
        np.add.at(mixed, (place[here], group.factors[j, k]), along[item[here], k])
    here = group.means[of] >= 0
    np.add.at(mixed, (place[here], group.means[of[here]]), b[item[here]])
    return found + mixed + mixed.T


def score_test(
    described: Model, found: FactorFit, freer: Model, samples: Sequence[Moments]
) -> float:
    """Return the score (Lagrange multiplier) test of equalities that a freer model gives up.

    s'I⁻¹s with the score s and the expected information I of the freer model at the estimates of
    the fitted one; χ² with as many degrees of freedom as the freer model has more free elements.

    Parameters
    ----------
    described : Model
        The fitted model.
    found : FactorFit
        Its fit.
    freer : Model
        The same model with fewer equalities.
    samples : sequence of Moments

    Returns
    -------
    float
    """
    theta = np.zeros(freer.n_free)
    for ours, theirs in zip(described.groups, freer.groups, strict=True):
        for name in ("loadings", "factors", "residuals", "intercepts", "means"):
            place = getattr(theirs, name)
            free = place >= 0
            theta[place[free]] = found.theta[getattr(ours, name)[free]]
    score, information = _score(freer, samples, theta)
    return float(score @ np.linalg.solve(information, score))


def _indices(
    described: Model, samples: Sequence[Moments], theta: Floats, chisq: float, df: int
) -> tuple[float, float, float, float]:
    """Return CFI, TLI, RMSEA and SRMR."""
    n, p = sum(sample.n for sample in samples), len(samples[0].mean)
    base, base_df = 0.0, len(samples) * p * (p - 1) // 2
    srmr = 0.0
    for group, sample in zip(described.groups, samples, strict=True):
        _, _, sigma, mu = group.matrices(theta)
        variances = np.diag(sample.cov)
        base += sample.n * (np.log(variances).sum() - sample.log_det)
        spread = np.sqrt(variances)
        apart = (sample.cov - sigma) / np.outer(spread, spread)
        squares = (apart[np.tril_indices(p)] ** 2).sum() + (
            ((sample.mean - mu) / spread) ** 2
        ).sum()
        srmr += sample.n / n * np.sqrt(squares / (p * (p + 3) / 2))
    worse = max(chisq - df, base - base_df, 0.0)
    cfi = 1 - max(chisq - df, 0.0) / worse if worse else 1.0
    tli = (base / base_df - chisq / df) / (base / base_df - 1) if df else 1.0
    rmsea = np.sqrt(max(chisq - df, 0.0) / (n * df) * len(samples)) if df else 0.0
    return float(cfi), float(tli), float(rmsea), float(srmr)


def clustered_vcov(
    described: Model, found: FactorFit, answers: Sequence[ArrayLike], clusters: Sequence[ArrayLike]
) -> Floats:
    """Return the cluster-robust covariances of θ̂, as lavaan's MLR with clusters.

    Parameters
    ----------
    described : Model
    found : FactorFit
    answers : sequence of array-like of shape (n, p)
        The groups' complete answers.
    clusters : sequence of array-like of int, shape (n,)
        Their clusters, in codes from 0 that the groups share.

    Returns
    -------
    ndarray of shape (K, K)
        With the factor J/(J − 1) for J clusters; empty (NaN) for one cluster.
    """
    scores = _cluster_scores(described, found.theta, answers, clusters)
    half = np.linalg.solve(found.observed, scores.T)
    return half @ half.T * _few_clusters(clusters)


def _few_clusters(clusters: Sequence[ArrayLike]) -> float:
    """Return J/(J − 1); empty for one cluster."""
    j = len(np.unique(np.concatenate([np.asarray(c) for c in clusters])))
    return j / (j - 1) if j > 1 else np.nan


def _cluster_scores(
    described: Model, theta: Floats, answers: Sequence[ArrayLike], clusters: Sequence[ArrayLike]
) -> Floats:
    """Return the derivatives of each cluster's log likelihood, (largest code + 1, K)."""
    scores = np.zeros((max(int(np.max(c)) for c in clusters) + 1, len(theta)))
    for group, rows, cluster in zip(described.groups, answers, clusters, strict=True):
        sigma, mu, sigmas, mus = group.derivatives(theta)
        inverse = np.linalg.inv(sigma)
        z = (np.asarray(rows, dtype=float) - mu) @ inverse
        used, sums, squares = _cluster_sums(z, np.asarray(cluster), inverse)
        scores[used] += np.tensordot(squares, sigmas, axes=([1, 2], [1, 2])) / 2 + sums @ mus.T
    return scores


def _cluster_sums(z: Floats, cluster: Index, expected: Floats) -> tuple[Index, Floats, Floats]:
    """Return the clusters that occur, and their Σz (J, p) and Σ(zz' − expected) (J, p, p)."""
    order = np.argsort(cluster, kind="stable")
    used, starts = np.unique(cluster[order], return_index=True)
    z = z[order]
    squares = np.add.reduceat(z[:, :, None] * z[:, None, :], starts)
    counts = np.diff(np.append(starts, len(z)))
    return used, np.add.reduceat(z, starts), squares - counts[:, None, None] * expected
