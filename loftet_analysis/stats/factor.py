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
Influence values (people's scores before the inverse of the observed information) make standard
errors cluster-robust: their sums within clusters are those of lavaan's MLR (Yuan & Bentler 2000).
What an equality costs is told by its score test, without another fit.

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

from loftet_analysis.stats.inputs import Floats, numbers, refuse
from loftet_analysis.stats.result import NotEstimableError

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

    ``places`` are those of loadings (p, m), factor covariances (m, m), residuals (p, p),
    intercepts (p,) and means (m,); fixed loadings, residuals, intercepts and means are 0, fixed
    factor variances 1.
    """

    places: tuple[Index, ...]
    n_free: int

    @cached_property
    def slopes(self) -> tuple[Floats, ...]:
        """Derivatives of loadings, factors, residuals, intercepts and means by θ, (K, ...) each."""
        unit = np.eye(self.n_free + 1)[:, :-1]  # an element that is fixed depends on nothing
        return tuple(np.moveaxis(unit[place], -1, 0) for place in self.places)

    def matrices(self, theta: Floats) -> tuple[Floats, ...]:
        """Return Λ, Φ, α, Σ and μ."""
        values = np.append(theta, 0.0)
        loadings, factors, residuals, intercepts, means = (values[place] for place in self.places)
        factors = factors + np.diag(1.0 * (np.diag(self.places[1]) < 0))
        sigma = loadings @ factors @ loadings.T + residuals
        return loadings, factors, means, sigma, intercepts + loadings @ means

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return Σ, μ, dΣ (K, p, p) and dμ (K, p) by the elements of θ."""
        loadings, factors, means, sigma, mu = self.matrices(theta)
        of_loadings, of_factors, of_residuals, of_intercepts, of_means = self.slopes
        half = of_loadings @ factors @ loadings.T
        sigmas = half + half.swapaxes(1, 2) + loadings @ of_factors @ loadings.T + of_residuals
        return sigma, mu, sigmas, of_loadings @ means + of_means @ loadings.T + of_intercepts


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
    """Return the moments of complete answers of shape (n, p).

    Examples
    --------
    >>> moments([[1, 2], [3, 2], [2, 5]]).mean
    array([2., 3.])
    """
    answers = numbers("answers", answers, ndim=2)
    if not answers.size:
        raise NotEstimableError("no_answers")
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

    Raises
    ------
    InputError
        Where there is no such level, no item or occasion, or no such item to set free.
    """
    named = {*free, *free_loadings}
    if level not in LEVELS or min(n_items, n_occasions) < 1 or not named <= set(range(n_items)):
        raise refuse(
            "no such factor model",
            f"{n_items} items, {n_occasions} occasions, {level}, items set free: {sorted(named)}",
            f"{', '.join(LEVELS)}; items from 0 to {n_items - 1}",
        )
    reach = LEVELS.index(level)
    count = 0

    def new(n: int) -> Index:
        nonlocal count
        count += n
        return count - n + np.arange(n)

    def over_occasions(equal: bool, apart: Collection[int]) -> Index:
        index = np.tile(new(n_items), (n_occasions, 1))
        own = [i for i in range(n_items) if not equal or i in apart]
        for o in range(1, n_occasions):
            index[o, own] = new(len(own))
        return index

    loadings = over_occasions(reach >= 1, free_loadings)
    intercepts = over_occasions(reach >= 2, named).ravel()
    uniquenesses = over_occasions(reach >= 3, ())
    variances, means = np.full(n_occasions, -1), np.full(n_occasions, -1)
    if reach >= 1:
        variances[1:] = new(n_occasions - 1)
    if reach >= 2:
        means[1:] = new(n_occasions - 1)
    # all occasions side by side: one group where they are linked, else a group for each block
    item = np.arange(n_items * n_occasions).reshape(n_occasions, n_items)
    wide, residuals = np.full((item.size, n_occasions), -1), np.full((item.size, item.size), -1)
    factors = np.where(np.eye(n_occasions, dtype=bool), variances, -1)
    for o in range(n_occasions):
        wide[item[o], o] = loadings[o]
        residuals[item[o], item[o]] = uniquenesses[o]
        for p in range(o if linked else 0):
            residuals[item[o], item[p]] = residuals[item[p], item[o]] = new(n_items)
            factors[o, p] = factors[p, o] = new(1)[0]
    occasions = np.arange(n_occasions)
    blocks = [(item.ravel(), occasions)] if linked else zip(item, occasions[:, None], strict=True)
    groups = []
    for i, at in blocks:
        covariances = factors[np.ix_(at, at)], residuals[np.ix_(i, i)]
        groups.append(Group((wide[np.ix_(i, at)], *covariances, intercepts[i], means[at]), count))
    return Model(tuple(groups), count, int(means[-1]), loadings[0], uniquenesses[0])


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
    InputError
        Where samples and groups of the model do not fit each other.
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
    _check_fits(described, [len(sample.mean) for sample in samples])
    p = len(samples[0].mean)
    df = len(samples) * p * (p + 3) // 2 - described.n_free
    if df < 0:
        raise NotEstimableError("not_estimable")
    if not all(_is_positive(sample.cov, 1e-8) for sample in samples):
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
    observed = _observed(described, samples, theta)
    is_optimum = _is_positive(information, 1e-9) and _is_positive(observed, 1e-9)
    if not is_optimum or float(score @ np.linalg.solve(information, score)) > 1e-8:
        raise NotEstimableError("not_converged")
    value = max(value, 0.0)
    indices = _indices(described, samples, theta, value, df)
    return FactorFit(theta, information, observed, value, df, *indices)


def _check_fits(described: Model, items: Sequence[int]) -> None:
    """Raise an error where the groups' numbers of items are not those of the model."""
    wanted = [len(group.places[0]) for group in described.groups]
    if list(items) != wanted:
        raise refuse(
            "samples and groups of the model do not fit each other",
            f"{len(items)} samples of {', '.join(map(str, items))} items",
            f"{len(wanted)} of {', '.join(map(str, wanted))}",
            "put the waves of the same people side by side where the model is linked",
        )


def _is_positive(matrix: Floats, least: float) -> bool:
    """Return whether a matrix scaled to a diagonal of ±1 has no eigenvalue up to `least`."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    return bool(scale.all() and np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > least)


def _start(described: Model, samples: Sequence[Moments]) -> Floats:
    theta = np.ones(described.n_free)
    for group, sample in zip(reversed(described.groups), reversed(samples), strict=True):
        variances, m = np.diag(sample.cov), len(group.places[1])
        loadings = np.tile(0.7 * np.sqrt(variances)[:, None], m)
        start = loadings, (1 + np.eye(m)) / 2, np.diag(variances / 2), sample.mean, np.zeros(m)
        for place, values in zip(group.places, start, strict=True):
            theta[place[place >= 0]] = values[place >= 0]
    return theta


def _discrepancy(described: Model, samples: Sequence[Moments], theta: Floats) -> float:
    """Return χ², infinite where a covariance matrix is not positive definite."""
    total = 0.0
    for group, sample in zip(described.groups, samples, strict=True):
        *_, sigma, mu = group.matrices(theta)
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
    loadings, factors, *_ = group.matrices(theta)
    of_loadings, of_factors, _, _, of_means = group.slopes
    both = np.tensordot(a @ of_loadings @ factors, of_loadings, axes=([1, 2], [1, 2]))
    along = (a @ loadings) @ of_factors + b[:, None] * of_means[:, None, :]
    mixed = np.tensordot(of_loadings, along, axes=([1, 2], [1, 2]))
    return both + mixed + mixed.T


def score_test(
    described: Model, fitted: FactorFit, freer: Model, samples: Sequence[Moments]
) -> float:
    """Return the score (Lagrange multiplier) test of equalities that a freer model gives up.

    s'I⁻¹s with the score s and the expected information I of the freer model at the estimates of
    the fitted one; χ² with as many degrees of freedom as the freer model has more free elements.

    Parameters
    ----------
    described : Model
        The fitted model.
    fitted : FactorFit
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
        for old, new in zip(ours.places, theirs.places, strict=True):
            theta[new[new >= 0]] = fitted.theta[old[new >= 0]]
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
        *_, sigma, mu = group.matrices(theta)
        variances = np.diag(sample.cov)
        base += sample.n * (np.log(variances).sum() - sample.log_det)
        spread = np.sqrt(variances)
        apart = (sample.cov - sigma) / np.outer(spread, spread)
        residuals = np.append(apart[np.tril_indices(p)], (sample.mean - mu) / spread)
        srmr += sample.n / n * np.sqrt((residuals**2).mean())
    worse = max(chisq - df, base - base_df, 0.0)
    cfi = 1 - max(chisq - df, 0.0) / worse if worse else 1.0
    tli = (base / base_df - chisq / df) / (base / base_df - 1) if df else 1.0
    rmsea = np.sqrt(max(chisq - df, 0.0) / (n * df) * len(samples)) if df else 0.0
    return float(cfi), float(tli), float(rmsea), float(srmr)


def influence(
    described: Model, fitted: FactorFit, answers: Sequence[ArrayLike], element: int
) -> Floats:
    """Return each person's influence on an element of θ̂: the sum over people is zero.

    A person's score before the inverse of the observed information. Summed within clusters, squared
    and added they are the cluster-robust variance of lavaan's MLR but for its factor J/(J − 1).

    Parameters
    ----------
    described : Model
    fitted : FactorFit
    answers : sequence of array-like of shape (n, p)
        The groups' complete answers.
    element : int
        Which element of θ, such as ``described.latent_mean``.

    Returns
    -------
    ndarray of shape (N,)
        The people of all groups, one group after the other.

    Raises
    ------
    InputError
        Where answers and groups of the model do not fit each other.
    """
    rows = [numbers("answers", part, ndim=2) for part in answers]
    _check_fits(described, [part.shape[1] for part in rows])
    weights = np.linalg.solve(fitted.observed, np.eye(len(fitted.theta))[element])
    found = []
    for group, part in zip(described.groups, rows, strict=True):
        sigma, mu, sigmas, mus = group.derivatives(fitted.theta)
        inverse = np.linalg.inv(sigma)
        z = (part - mu) @ inverse
        of_cov, of_mean = np.tensordot(weights, sigmas, axes=1), weights @ mus
        squares = np.einsum("ij,jk,ik->i", z, of_cov, z) - (inverse * of_cov).sum()
        found.append(squares / 2 + z @ of_mean)
    return np.concatenate(found)
