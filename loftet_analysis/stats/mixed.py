"""Nested mixed models by restricted maximum likelihood, on sufficient statistics.

y = Xβ + Z u_school + v_person + e, people nested in schools; u_school ~ N(0, Ψ) with an intercept
and, where asked, a slope, all others with one variance. The slope of wave lets change differ
between schools; without it intervals are far too narrow.

With relative factors θ (Ψ = σ²LL', person σ²λ²) the model of one school is
V/σ² = I + λ²J_person + ZLL'Z'. For A = [X, y, 1], each level downdates the cross products A'V⁻¹A of
the level below (Woodbury; Henderson):

- people: A'A − Σ_p λ²/(1 + n_p λ²) s_p s_p', s_p the sums of a person's rows. People with
  equally many rows share the factor, so that their Σ s_p s_p' is made once;
- schools: C − C_Z L (I + L'C_ZZ L)⁻¹ L'C_Z', 1 × 1 or 2 × 2 inverses.

So the data are read once, O(n), and every step costs O(schools). The deviance is had at many θ at
once: what a derivative takes is one call. β and σ² are profiled out. X is
made orthonormal and y reduced to its residuals of SD 1 beforehand, so that no digits are lost. The
optimum is found from several starts by L-BFGS-B with bounds and finished by Newton steps with
central differences; a fit whose gradient is not zero (or does not point out at a bound), or whose
Hessian is not positive on the free parameters, is refused. Degrees of freedom are Satterthwaite's
as in lmerTest: 2 (c'Vc)² / (g'Ag), g the derivatives of c'Vc by the variance parameters and A
twice the inverse Hessian of the deviance (directions without curvature left out).

``statsmodels.MixedLM`` fits such models one school at a time: minutes where this takes a second,
without Satterthwaite df, and it can report convergence without a solution.

References
----------
Bates, Mächler, Bolker & Walker 2015, Journal of Statistical Software 67(1),
doi:10.18637/jss.v067.i01; Kuznetsova, Brockhoff & Christensen 2017, Journal of Statistical
Software 82(13), doi:10.18637/jss.v082.i13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from loftet_analysis.stats.inputs import Codes, Floats, clusters, contrast_vector, numbers
from loftet_analysis.stats.result import NotEstimableError, Result

Deviance = Callable[[Floats], Floats]  # of every row of parameters

GRADIENT = 1e-4
STARTS = (0.3, 1.0, 0.03)
FEWEST_REPEATED = 3  # people with several rows
ZERO = np.zeros(1)  # what a sum of arrays begins with


@dataclass(frozen=True)
class Multilevel:
    """A converged fit.

    Attributes
    ----------
    coefficients : ndarray of shape (q,)
    vcov : ndarray of shape (q, q)
    components : dict of str to float
        Variances ``school_intercept``, ``school_slope``, ``person``, ``residual`` and the
        covariance ``school_covariance``, as far as they are in the model.
    deviance : float
        −2 log restricted likelihood, lme4's REML criterion.
    n_schools : int
    """

    coefficients: Floats
    vcov: Floats
    components: dict[str, float]
    deviance: float
    n_schools: int
    _by_parameter: Floats
    _of_parameters: Floats

    def contrast(self, c: ArrayLike) -> Result:
        """Return c'β with its standard error and Satterthwaite's df."""
        c = contrast_vector(c, len(self.coefficients))
        variance = float(c @ self.vcov @ c)
        gradient = np.einsum("i,kij,j->k", c, self._by_parameter, c)
        spread = float(gradient @ self._of_parameters @ gradient)
        df = 2 * variance**2 / spread if spread > 0 else np.inf
        return Result(float(c @ self.coefficients), float(np.sqrt(variance)), df, self.n_schools)


def fit(
    y: ArrayLike,
    x: ArrayLike,
    school: ArrayLike,
    *,
    slope: ArrayLike | None = None,
    person: ArrayLike | None = None,
) -> Multilevel:
    """Fit a nested model by REML.

    Parameters
    ----------
    y : array-like of shape (n,)
    x : array-like of shape (n, q)
        Fixed effects, a constant among them where one is wanted.
    school : array-like, shape (n,)
        Labels of the schools: a random intercept each.
    slope : array-like of shape (n,), optional
        A covariate (wave) whose slope differs between schools, correlated with the intercept.
    person : array-like, shape (n,), optional
        Labels of people, each in one school: a random intercept each.

    Returns
    -------
    Multilevel

    Raises
    ------
    InputError
        Where lengths differ, numbers are not finite or labels missing.
    NotEstimableError
        ``one_cluster``, ``not_estimable`` (dependent columns, a slope of a constant, too few rows,
        or fewer than three people with several rows: what differs between people and within them
        is then a ridge of equal deviances), ``not_nested``, ``no_variance`` or ``not_converged``.

    Examples
    --------
    >>> y, school = [1.0, 2, 2, 4, 3, 5, 5, 8], [0, 0, 1, 1, 2, 2, 3, 3]
    >>> found = fit(y, np.ones((8, 1)), school).contrast([1])
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 4)
    (3.75, 1.0508, 3.0)
    """
    problem = _Problem(y, x, school, slope, person)
    return problem.finished(_optimum(problem))


class _Problem:
    """The sufficient statistics of a model, and its deviance at given relative factors."""

    def __init__(
        self,
        y: ArrayLike,
        x: ArrayLike,
        school: ArrayLike,
        slope: ArrayLike | None,
        person: ArrayLike | None,
    ) -> None:
        y = numbers("y", y)
        x = numbers("x", x, len(y), ndim=2)
        self.n, self.q = x.shape
        school, self.n_schools = self._levels("school", school)
        if self.n_schools < 2:
            raise NotEstimableError("one_cluster")
        self.has_slope = slope is not None
        scale = np.abs(x).max(axis=0, initial=0)
        if self.n <= self.q or not scale.all() or np.linalg.matrix_rank(x / scale) < self.q:
            raise NotEstimableError("not_estimable")
        basis, self.triangle = np.linalg.qr(x)
        self.start = basis.T @ y
        residual = y - basis @ self.start
        self.scale = float(np.sqrt(residual @ residual / (self.n - self.q)))
        if not self.scale > 1e-10 * np.abs(y).max():
            raise NotEstimableError("no_variance")
        z: list[Floats] = [np.ones(self.n)]
        if slope is not None:
            slope = numbers("slope", slope, self.n)
            if not slope.std() > 1e-12 * np.abs(slope).max():
                raise NotEstimableError("not_estimable")
            z.append(slope)
        a = np.column_stack([basis, residual / self.scale, *z])
        self.z = list(range(self.q + 1, a.shape[1]))
        order = np.argsort(school, kind="stable")
        starts = np.searchsorted(school[order], np.arange(self.n_schools))
        whole = _outer_sums(a[order], starts)
        by_size = np.empty((0, *whole.shape))
        self.sizes: Codes = np.empty(0, dtype=int)
        self.counts: Codes = np.empty(0, dtype=int)
        self.has_person = person is not None
        if person is not None:
            by_size = self._people(a, school, self._levels("person", person)[0])
        # reduceat adds in pairs, which loses fewer digits than row upon row
        self.of_all = np.add.reduceat(whole, [0])[0]
        self.by_size_of_all = np.add.reduceat(by_size, [0], axis=1)[:, 0]
        # schools last among the axes, and of them only the columns that Z needs
        self.whole = np.ascontiguousarray(whole[..., self.z].transpose(2, 1, 0))
        self.by_size = np.ascontiguousarray(by_size[..., self.z].transpose(0, 3, 2, 1))

    def _levels(self, name: str, labels: ArrayLike) -> tuple[Codes, int]:
        """Return a code for each label, in the order in which they come, and how many there are."""
        codes, known = pd.factorize(clusters(name, labels, self.n)[0])
        return codes, len(known)

    def _people(self, a: Floats, school: Codes, person: Codes) -> Floats:
        """Return each school's Σ s_p s_p' by the size of people, (sizes, schools, a, a)."""
        order = np.argsort(person, kind="stable")
        n_people = person.max() + 1
        sizes = np.bincount(person, minlength=n_people)
        if sizes.max() == 1:
            raise NotEstimableError("not_estimable")
        starts = np.cumsum(sizes) - sizes
        home = school[order][starts]
        if (home[person] != school).any():
            raise NotEstimableError("not_nested")
        if (sizes > 1).sum() < FEWEST_REPEATED:
            raise NotEstimableError("not_estimable")
        sums = np.add.reduceat(a[order], starts)
        self.sizes, self.counts = np.unique(sizes, return_counts=True)
        parts = []
        for size in self.sizes:
            here = np.flatnonzero(sizes == size)
            here = here[np.argsort(home[here], kind="stable")]
            part = np.zeros((self.n_schools, a.shape[1], a.shape[1]))
            used, first = np.unique(home[here], return_index=True)
            part[used] = _outer_sums(sums[here], first)
            parts.append(part)
        return np.array(parts)

    @property
    def lower(self) -> Floats:
        """Lower bounds of θ: diagonal elements and other levels are not negative."""
        slope = [-np.inf, 0.0] if self.has_slope else []
        return np.array([0.0, *slope, *[0.0] * self.has_person])

    def crossproducts(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return [X y]'V⁻¹[X y] and log |V|, V relative to σ², for every row of θ (m, k)."""
        log_det = np.zeros(len(theta))
        c, total = self.whole[None], self.of_all[None]
        if self.has_person:
            lam = theta[:, -1:] ** 2
            share = lam / (1 + lam * self.sizes)
            c = c - np.tensordot(share, self.by_size, axes=1)
            total = total - np.tensordot(share, self.by_size_of_all, axes=1)
            log_det += np.log1p(lam * self.sizes) @ self.counts
        # columns w with Σ w w' = C_Z L (I + L'C_ZZ L)⁻¹ L'C_Z', one column of L at a time
        columns: list[Floats] = []
        for loading in self._factor(theta):
            column = sum((part[..., None] * c[:, k] for k, part in enumerate(loading)), ZERO)
            for w in columns:
                column = column - w * self._along(loading, w)
            pivot = self._along(loading, column)
            log_det += np.log1p(pivot[:, 0]).sum(axis=-1)
            columns.append(column / np.sqrt(1 + pivot))
        total = total - sum((w @ w.mT for w in columns), ZERO)
        kept = self.q + 1
        return total[:, :kept, :kept], log_det

    def _factor(self, theta: Floats) -> list[list[Floats]]:
        """Return the columns of L, their elements of shape (m, 1)."""
        if not self.has_slope:
            return [[theta[:, [0]]]]
        return [[theta[:, [0]], theta[:, [1]]], [np.zeros((len(theta), 1)), theta[:, [2]]]]

    def _along(self, loading: list[Floats], w: Floats) -> Floats:
        """Return l'w_Z with a column l of L, of every θ and school, (m, 1, schools)."""
        parts = (part * w[:, at] for part, at in zip(loading, self.z, strict=True))
        return sum(parts, ZERO)[:, None]

    def parts(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return β, (X'V⁻¹X)⁻¹, the residual sum of squares, log |V| + log |X'V⁻¹X| for each θ."""
        c, log_det = self.crossproducts(theta)
        xx, xy, yy = c[:, :-1, :-1], c[:, :-1, -1], c[:, -1, -1]
        inverse = np.linalg.inv(xx)
        beta = np.einsum("mij,mj->mi", inverse, xy)
        rss = yy - np.einsum("mi,mi->m", beta, xy)
        return beta, inverse, rss, log_det + np.linalg.slogdet(xx)[1]

    def deviance(self, theta: Floats) -> Floats:
        """Return the profiled restricted deviance for every row of θ."""
        *_, rss, log_det = self.parts(theta)
        df = self.n - self.q
        return log_det + df * (1 + np.log(2 * np.pi * rss / df))

    def deviance_at(self, parameters: Floats) -> Floats:
        """Return the restricted deviance for every row of θ and σ, not profiled."""
        *_, rss, log_det = self.parts(parameters[:, :-1])
        df, sigma2 = self.n - self.q, parameters[:, -1] ** 2
        return log_det + df * np.log(2 * np.pi * sigma2) + rss / sigma2

    def finished(self, theta: Floats) -> Multilevel:
        """Return the fit at the optimum, with what Satterthwaite's df need."""
        (beta,), (inverse,), (rss,), _ = self.parts(theta[None])
        sigma = np.sqrt(rss / (self.n - self.q))
        parameters = np.append(theta, sigma)
        _, hessian = _derivatives(self.deviance_at, parameters)
        values, vectors = np.linalg.eigh(hessian)
        kept = values > 1e-8 * max(1.0, values.max())
        spread = 2 * (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
        h = 1e-4 * np.maximum(np.abs(parameters), 0.1)
        ends = parameters + np.array([1, -1])[:, None, None] * np.diag(h)
        above, below = (self.parts(end[:, :-1])[1] * end[:, -1, None, None] ** 2 for end in ends)
        by_parameter = (above - below) / (2 * h[:, None, None])
        back = np.linalg.inv(self.triangle)
        df = self.n - self.q
        units = 2 * df * np.log(self.scale) + 2 * np.log(np.abs(np.diag(self.triangle))).sum()
        return Multilevel(
            coefficients=back @ (self.start + self.scale * beta),
            vcov=self.scale**2 * sigma**2 * back @ inverse @ back.T,
            components=self._components(theta, (self.scale * sigma) ** 2),
            deviance=float(self.deviance(theta[None])[0]) + units,
            n_schools=self.n_schools,
            _by_parameter=self.scale**2 * back @ by_parameter @ back.T,
            _of_parameters=spread,
        )

    def _components(self, theta: Floats, sigma2: float) -> dict[str, float]:
        """Return the variances, and the covariance of intercept and slope."""
        at = {"school_intercept": theta[0] ** 2}
        if self.has_slope:
            at["school_covariance"] = theta[0] * theta[1]
            at["school_slope"] = theta[1] ** 2 + theta[2] ** 2
        if self.has_person:
            at["person"] = theta[-1] ** 2
        at["residual"] = 1.0
        return {key: float(sigma2 * value) for key, value in at.items()}


def _outer_sums(rows: Floats, starts: NDArray[np.intp]) -> Floats:
    """Return Σ r r' of the rows from each start to the next."""
    k = rows.shape[1]
    sums = np.empty((len(starts), k, k))
    for i in range(k):
        for j in range(i, k):
            sums[:, i, j] = sums[:, j, i] = np.add.reduceat(rows[:, i] * rows[:, j], starts)
    return sums


def _optimum(problem: _Problem) -> Floats:
    """Return the θ of the least deviance, checked."""
    lower, tried = problem.lower, []
    for start in STARTS:
        search = optimize.minimize(
            lambda theta: _gradient(problem.deviance, theta),
            np.where(lower == 0, start, 0.0),
            jac=True,
            method="L-BFGS-B",
            bounds=[(low, None) for low in lower],
            options={"ftol": 1e-13},
        )
        tried.append((float(search.fun), search.x))
    # the least is polished; another only where that turns out to be no optimum
    for value, x in sorted(tried, key=lambda pair: pair[0]):
        theta = _polished(problem.deviance, x, lower)
        gradient, hessian = _derivatives(problem.deviance, theta)
        free = theta > lower
        # flat, and curved upwards, wherever θ is free to go; rising from its bounds
        if (
            np.isfinite(value)
            and np.abs(gradient[free]).max(initial=0) < GRADIENT
            and gradient[~free].min(initial=0) > -GRADIENT
            and np.linalg.eigvalsh(hessian[np.ix_(free, free)]).min(initial=1) > -1e-6
        ):
            return theta
    raise NotEstimableError("not_converged")


def _polished(deviance: Deviance, theta: Floats, lower: Floats) -> Floats:
    """Return θ after Newton steps in the parameters that are not held at a bound."""
    theta = np.where(theta < lower + 1e-6, lower, theta)
    for _ in range(30):
        free = theta > lower
        gradient, hessian = _derivatives(deviance, theta)
        values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
        step = np.zeros_like(theta)
        step[free] = -vectors @ ((vectors.T @ gradient[free]) / np.maximum(np.abs(values), 1e-8))
        here, scale = deviance(theta[None]), 1.0
        while scale > 1e-6 and deviance(np.maximum(theta + scale * step, lower)[None]) > here:
            scale /= 2
        if scale <= 1e-6:
            return theta
        theta = np.maximum(theta + scale * step, lower)
        if np.abs(scale * step).max() < 1e-8:
            return theta
    return theta


def _gradient(function: Deviance, at: Floats) -> tuple[float, Floats]:
    """Return value and gradient, the latter by central differences of the fourth order."""
    h = 1e-3 * np.maximum(np.abs(at), 0.1)
    here, *around = function(at + np.vstack([np.zeros((1, len(at))), _along_axes(h)]))
    return float(here), np.reshape(around, (4, -1)).T @ np.array([1.0, -8.0, 8.0, -1.0]) / (12 * h)


def _derivatives(function: Deviance, at: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian by central differences of the fourth and second order."""
    k = len(at)
    h = 1e-3 * np.maximum(np.abs(at), 0.1)
    i, j = np.tril_indices(k, -1)
    steps = np.diag(h)
    corners = np.concatenate([s * steps[i] + t * steps[j] for s in (-1, 1) for t in (-1, 1)])
    values = function(at + np.vstack([np.zeros((1, k)), _along_axes(h), corners]))
    here, one = values[0], values[1 : 4 * k + 1].reshape(4, k).T
    gradient = (one @ np.array([1.0, -8.0, 8.0, -1.0])) / (12 * h)
    hessian = np.diag((one @ np.array([-1.0, 16.0, 16.0, -1.0]) - 30 * here) / (12 * h**2))
    mixed = np.array([1.0, -1.0, -1.0, 1.0]) @ values[4 * k + 1 :].reshape(4, -1)
    hessian[i, j] = hessian[j, i] = mixed / (4 * h[i] * h[j])
    return gradient, hessian


def _along_axes(h: Floats) -> Floats:
    """Return two steps back to two steps on along every axis, (4 k, k)."""
    return np.concatenate([m * np.diag(h) for m in (-2, -1, 1, 2)])
