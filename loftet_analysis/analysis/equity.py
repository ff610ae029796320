"""Whether all pupils moved along: percentiles, spread, gaps, and those who were lowest before.

Percentiles of the same grades
    A score is the mean of a few answers, so its ordinary quantile jumps from score to score. The
    mid-distribution function G(y_k) = P(y < y_k) + P(y = y_k)/2, drawn straight between the
    scores, has no jumps (Ma, Genton & Parzen 2011). On scores one step δ apart it is exactly what
    one gets by spreading every score evenly over y ± δ,

        H(y) = Σ w_i U((y − y_i)/δ) / Σ w_i,   U(t) = (t + 1)/2 kept within 0 and 1,

    and H is what is used here: G makes a knot of every score that occurs once, so that one
    person with a missing item (2.333 between 2.25 and 2.5) bends it, and its slope is anything
    between two such scores. H is continuous in the scores and its slope h(q) = P(|y − q| < δ)/2δ
    rests on everybody within a step. Each wave is weighted so that every cell (school × grade)
    has its share of both waves together, as in ``same_grade``. The quantile solves H(q) = p, and
    each person's influence on it is ψ_i = −[U((q − y_i)/δ) − p]/h(q). Then q + ψ_i goes through
    ``same_grade`` as if it were an answer; ψ sums to zero, so the change is that of the quantiles
    and CR2 judges its chance.
Spread between and within schools
    y ~ grade + school with schools random, by analysis of variance (Henderson's method 3): within
    schools σ_W² is the residual mean square, between schools σ_B² is the sum of squares of
    schools beyond grades, less σ_W² for every degree of freedom, over N − Σ_g Σ_j n_jg²/n_g.
    The log ratios of post to pre are judged by the jackknife that leaves out one school at a
    time, in both waves (Efron & Stein 1981). It needs a good number of schools, so it is refused
    below 20; that keeps it to whole countries and very large regions.
Those who were lowest before
    People chosen for a low answer move up by regression to the mean alone. With reliability ρ
    those below the cut are expected to change by d̄ + (ρ − 1)(x̄_low − x̄) (Kelley 1947), so that
    θ = d̄_low − d̄ − (ρ − 1)(x̄_low − x̄) = z̄_low − z̄, z = y_post − ρ y_pre, is zero when everybody
    moves alike. With π the share below, θ is 1 − π times the coefficient in z ~ 1 + low, which
    has an exact CR2; −(low_i − π) θ/(1 − π) adds that π is a share of a sample. Only unreliability
    is allowed for: where true scores correlate s < 1 between the waves, the lowest move up by
    (1 − s) ρ (x̄ − x̄_low) more than expected without any programme, .12 SD with s = .9 and .35 SD
    with s = .7 (ρ = .76); an alpha that is .01 off makes .015 SD.

Libraries: R's ``Qtools`` has mid-quantiles for independent people without weights; statsmodels
(``DescrStatsW.quantile``) and SciPy have weighted quantiles that jump; statsmodels' ``MixedLM`` is
slow and can fail silently on schools of this number. None gives influence values by cluster.

References
----------
Ma, Genton & Parzen 2011, Annals of the Institute of Statistical Mathematics 63(2), 227-243;
Searle, Casella & McCulloch 1992, Variance Components, ch. 5; Efron & Stein 1981, Annals of
Statistics 9(3), 586-596; Kelley 1947, Fundamentals of Statistics.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from loftet_analysis.analysis.changes import (
    CR2,
    Case,
    Estimand,
    Found,
    common_cells,
    difference_of_grades,
    found_in_cells,
    found_in_pairs,
    intraclass_correlation,
    means_by,
    same_grade,
)
from loftet_analysis.analysis.panel import (
    FEEDER,
    SCHOOL,
    Codes,
    Mask,
    complete_pairs,
    subgroup_rows,
)
from loftet_analysis.stats.cr2 import Clustered, Floats, NotEstimableError, contrast

PERCENTILES = (10, 25, 50, 75, 90)
FEWEST_SCHOOLS = 20
# Scores that fewer have are no guide to the step of a scale, and steps that are small beside the
# spread need no more smoothing than this.
SELDOM, NARROWEST = 0.005, 0.1
BETWEEN, WITHIN = "between schools", "within schools"
TOLERANCE = 1e-9


def spread_estimands(population: str) -> dict[str, tuple[Estimand, ...]]:
    """Return the rows of each estimand by its name.

    Parameters
    ----------
    population : str
        Pupils who were lowest before are clustered by feeder group, everybody else by school.

    Returns
    -------
    dict of str to tuple of Estimand
        ``same_grade_quantile``, ``share_below``, ``gap_change``, ``lowest_fifth`` and
        ``spread_ratio``.

    Examples
    --------
    >>> [row.contrast for row in spread_estimands("pupils")["spread_ratio"]]
    ['between schools', 'within schools']
    """
    group = FEEDER if population == "pupils" else SCHOOL
    by_cell = partial(Estimand, weighting="pooled_cell_share")
    return {
        "same_grade_quantile": tuple(
            by_cell(
                f"change of the mid-distribution quantile within the same grades; {CR2}",
                partial(same_grade_quantile, p=percent / 100),
                contrast=f"p{percent}",
            )
            for percent in PERCENTILES
        ),
        "share_below": (
            by_cell(
                f"same-grade change of the share below the lowest fifth's limit before; {CR2}",
                share_below,
                unit="",
            ),
        ),
        "gap_change": (
            by_cell(
                f"weighted least squares on wave x group + school x grade x group; {CR2}",
                gap_change,
                contrast="",
            ),
        ),
        "lowest_fifth": (
            Estimand(
                f"linked change of the lowest fifth beyond Kelley's expectation; {CR2}",
                partial(lowest_fifth, clusters=group),
                contrast="lowest fifth - expected",
                cluster=group,
                is_change=False,  # zero is not what to expect without a programme
            ),
        ),
        "spread_ratio": tuple(
            Estimand(
                f"log ratio (post/pre) of the SD {part}; analysis of variance on grade + school; "
                "jackknife over schools, t(S - 1)",
                partial(spread_ratio, part=part),
                contrast=part,
                unit="",
            )
            for part in (BETWEEN, WITHIN)
        ),
    }


def same_grade_quantile(case: Case, *, p: float) -> Found:
    """Change of a quantile over the cells present in both waves.

    Parameters
    ----------
    case : Case
    p : float
        Between 0 and 1.

    Returns
    -------
    Found
        In scale points; `mean_pre` and `mean_post` are the quantiles of the waves.

    Raises
    ------
    NotEstimableError
        ``at_the_end_of_the_scale`` (more than 2p, or 2(1 − p), have the lowest or highest score,
        so that the quantile could not move there), ``no_unique_quantile`` (it falls
        between two heaps of scores far apart), ``no_variance``, and those of ``same_grade``.

    References
    ----------
    Ma, Genton & Parzen 2011, doi:10.1007/s10463-008-0215-z.
    """
    people = case.people
    cells, n, _ = common_cells(case, at_least=1)
    here, cell = _in_cells(case, cells)
    y, after = case.y[here], people.post[here].astype(int)
    weight = (n.sum(axis=1, keepdims=True) / n)[cell, after]
    step = _step(y)
    recentred, found = np.zeros(len(case.y)), np.empty(2)
    for wave in (0, 1):
        mine = after == wave
        q, influence = _quantile(y[mine], weight[mine], p, step)
        edge = TOLERANCE * step
        if not y.min() - edge <= q <= y.max() + edge:
            raise NotEstimableError("at_the_end_of_the_scale")
        recentred[here[mine]], found[wave] = q + influence, q
    linear = same_grade(replace(case, y=recentred))
    described = found_in_cells(case, linear.raw, cells, found)
    return replace(described, design_effect=linear.design_effect)


def _quantile(y: Floats, weight: Floats, p: float, step: float) -> tuple[float, Floats]:
    """Return the weighted quantile of scores spread evenly over ± step, and its influences.

    Examples
    --------
    >>> q, influence = _quantile(np.array([1.0, 2, 2, 4]), np.ones(4), 0.5, 1.0)
    >>> q, influence.round(3).tolist()
    (2.0, [-1.6, 0.0, 0.0, 1.6])
    """
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


def _step(y: Floats) -> float:
    """Return the step of the scores, at least a tenth of their SD.

    It is the difference that most often lies between two people with different scores, looking
    no further than one SD where two scores are that near: the scores of people without missing
    items lie on a grid, and neighbours on it are the most frequent pairs.

    Examples
    --------
    >>> _step(np.repeat([2.0, 2.25, 7 / 3, 2.5, 2.75, 3.0], [9, 12, 1, 15, 11, 8]))
    0.25
    """
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


def share_below(case: Case) -> Found:
    """Same-grade change of the share strictly below ``low_fifth``, the limit fixed before.

    The limit is the 20th percentile of all pre answers of the study. Scores are discrete and the
    limit is one of them, so fewer than a fifth are below it before.

    Raises
    ------
    NotEstimableError
        ``nobody_low`` (nobody below it in either wave), and those of ``same_grade``.
    """
    low = _below(case.y, case.settled("low_fifth"))
    if not (low & case.valid).any():
        raise NotEstimableError("nobody_low")
    return same_grade(replace(case, y=low.astype(float)))


def _below(y: Floats, cut: float) -> Mask:
    """Return who is strictly below, scores that differ from the cut by rounding not among them."""
    return y < cut - TOLERANCE * max(1.0, abs(cut))


def gap_change(case: Case) -> Found:
    """Same-grade change of one group less that of another, as the plan's contrast names them.

    `mean_pre` and `mean_post` are the gap in each wave. The contrast reads
    ``gender=girl - gender=boy``.

    Raises
    ------
    NotEstimableError
        ``no_subgroup`` (no such contrast, column or value), ``groups_overlap``, and those of
        ``same_grade``.
    """
    named = re.fullmatch(r"(.+=.+) - ([^=]+=.+)", case.contrast)
    if named is None:
        raise NotEstimableError("no_subgroup")
    try:
        one, other = (subgroup_rows(case.people, group) for group in named.groups())
    except ValueError as unlike:  # a word where the column holds numbers
        raise NotEstimableError("no_subgroup") from unlike
    if not (one.any() and other.any()):
        raise NotEstimableError("no_subgroup")
    if (one & other).any():
        raise NotEstimableError("groups_overlap")
    used = np.zeros(len(case.y), dtype=bool)
    for group in (one, other):
        part = replace(case, valid=case.valid & group)
        used[_in_cells(part, common_cells(part, at_least=1)[0])[0]] = True
    found = difference_of_grades(replace(case, valid=used), one, other)
    school, in_a_wave = case.people.school, case.people.pre | case.people.post
    left = np.setdiff1d(school[case.valid & (one | other) & in_a_wave], school[used])
    return replace(found, n_schools_dropped=len(left), baseline=np.nan)


def lowest_fifth(case: Case, *, clusters: str = SCHOOL) -> Found:
    """Linked change of those strictly below ``low_fifth`` before, beyond regression to the mean.

    θ = d̄_low − d̄ − (ρ − 1)(x̄_low − x̄) with ρ = ``alpha``; means without index are over everybody
    linked. The limit and alpha count as fixed numbers: the interval leaves out their uncertainty.
    Zero is expected only when everybody's true score moves by the same amount. Where true scores
    change places in the meantime, as attitudes do over two years, the lowest rise above it
    without any programme (see the module's text), so that a rise alone proves nothing.

    Parameters
    ----------
    case : Case
    clusters : str, default "school"
        ``school`` or ``feeder_group``.

    Returns
    -------
    Found
        In scale points; numbers, means, SDs, r and ICC are those of the lowest fifth, so the
        change is `mean_post` − `mean_pre` less what was expected.

    Raises
    ------
    NotEstimableError
        ``no_pairs``, ``no_reliability`` (no alpha within 0 and 1), ``nobody_low`` (nobody, or
        everybody, below the limit before), ``one_cluster``, ``no_variance``, ``no_unit``.
    """
    people, y, reliability = case.people, case.y, case.ruler.get("alpha", np.nan)
    first, second = complete_pairs(people, y, case.valid)
    if not 0 < reliability <= 1:
        raise NotEstimableError("no_reliability")
    cut = case.settled("low_fifth")
    low = _below(y[first], cut)
    if not low.any() or low.all():
        raise NotEstimableError("nobody_low")
    cluster, group = people.school[first], people.clusters(clusters)
    if group is not None:
        cluster = group[cluster]
    raw = _beyond_all(y[second] - reliability * y[first], low, cluster)
    first, second = first[low], second[low]
    found = found_in_pairs(people, case.valid & _below(y, cut), raw, first, y[first], y[second])
    icc = intraclass_correlation(y[second] - y[first], cluster[low])
    return replace(found, cluster_of_school=group, icc_change=icc)


def _beyond_all(z: Floats, low: Mask, cluster: Codes) -> Clustered:
    """Return the mean of those who are low less the mean of all, who low people are part of."""
    cell, (means,) = means_by(2 * cluster + low, z)
    counts = np.bincount(2 * cluster + low)[cell]
    x = np.column_stack([np.ones(len(cell)), cell % 2])
    apart = contrast(means, x, [0, 1], cell // 2, counts=counts)
    share, sizes = low.mean(), np.bincount(cluster)
    chance = np.bincount(cluster, low - share) / len(low) / np.sqrt(1 - sizes / len(low))
    scores = (1 - share) * apart.scores - apart.estimate * chance
    return Clustered((1 - share) * apart.estimate, scores, apart.df, apart.n_clusters)


def spread_ratio(case: Case, *, part: str) -> Found:
    """Log ratio (post/pre) of the SD between or within schools, of the same schools and grades.

    Grades' means are taken out, and what sampling pupils adds to the differences of schools.
    Within schools stands what pupils differ by and how unreliably they answer.

    Parameters
    ----------
    case : Case
    part : str
        ``between schools`` or ``within schools``.

    Returns
    -------
    Found
        −.10 means an SD about 10 % smaller than before; `sd_pre` and `sd_post` are the SDs
        compared. The scores are those of the jackknife, df = S − 1.

    Raises
    ------
    NotEstimableError
        ``few_schools`` (fewer than 20 with a grade in both waves), ``no_variance`` (schools do
        not differ by more than chance in a wave, also without some one school), ``no_grade``,
        ``no_common_cells``.

    References
    ----------
    Searle, Casella & McCulloch 1992, ch. 5; Efron & Stein 1981, doi:10.1214/aos/1176345462.
    """
    people = case.people
    cells, n, means = common_cells(case, at_least=1)
    schools, row = np.unique(cells // people.n_grades, return_inverse=True)
    if len(schools) < FEWEST_SCHOOLS:
        raise NotEstimableError("few_schools")
    both = n.sum(axis=1)
    level = both @ means / both.sum()
    here, cell = _in_cells(case, cells)
    after = people.post[here].astype(int)
    square = (case.y[here] - level[after]) ** 2
    squares = np.bincount(2 * row[cell] + after, square).reshape(-1, 2)
    table = np.zeros((2, 2, len(schools), people.n_grades))
    table[:, :, row, cells % people.n_grades] = n.T, (n * (means - level)).T
    variances = np.array(
        [_variances(*table[:, wave], squares[:, wave])[part == WITHIN] for wave in (0, 1)]
    )
    if not (variances > TOLERANCE * squares.sum(axis=0)[:, None] / both.sum()).all():
        raise NotEstimableError("no_variance")
    ratio = np.diff(np.log(variances), axis=0)[0] / 2
    without = ratio[1:]
    scores = np.zeros(schools[-1] + 1)
    scores[schools] = np.sqrt(1 - 1 / len(schools)) * (without.mean() - without)
    raw = Clustered(float(ratio[0]), scores, len(schools) - 1.0, len(schools))
    sd_pre, sd_post = np.sqrt(variances[:, 0])
    return replace(found_in_cells(case, raw, cells, level), sd_pre=sd_pre, sd_post=sd_post)


def _in_cells(case: Case, cells: Codes) -> tuple[Codes, Codes]:
    """Return the rows of both waves that lie in these cells, and which cell each is in."""
    people = case.people
    place = np.full(people.cell.max() + 2, -1)
    place[cells] = np.arange(len(cells))
    of_row = place[people.cell]
    here = np.flatnonzero(case.valid & (people.pre | people.post) & (of_row >= 0))
    return here, of_row[here]


def _variances(n: Floats, sums: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return the variances between and within schools, of all schools and without each of them.

    Parameters
    ----------
    n, sums : ndarray of shape (schools, grades)
        Counts and sums of the answers.
    squares : ndarray of shape (schools,)
        Sums of squared answers.

    Returns
    -------
    between, within : ndarray of shape (schools + 1,)
        All schools first; −inf where there are no degrees of freedom.

    Examples
    --------
    >>> n, sums = np.full((3, 1), 2), np.array([[3.0], [7.0], [11.0]])
    >>> between, within = _variances(n, sums, np.array([5.0, 25.0, 61.0]))
    >>> between.round(2).tolist(), within.round(2).tolist()
    ([3.75, 1.75, 7.75, 1.75], [0.5, 0.5, 0.5, 0.5])
    """
    size, total = n.sum(axis=1), sums.sum(axis=1)
    n_schools = np.full(len(n) + 1, len(n) - 1)
    n_schools[0] = len(n)
    # Schools taken out of the grades' dummies and of the answers: both add up over schools.
    normal = n[:, :, None] * np.eye(n.shape[1]) - n[:, :, None] * n[:, None] / size[:, None, None]
    values, vectors = np.linalg.eigh(_also_without_each(normal))
    kept = values > TOLERANCE * np.maximum(values[:, -1:], 1)
    along = (
        vectors.transpose(0, 2, 1)
        @ _also_without_each(sums - n * (total / size)[:, None])[:, :, None]
    )
    by_grade = np.divide(along[:, :, 0] ** 2, values, out=np.zeros_like(values), where=kept)
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
