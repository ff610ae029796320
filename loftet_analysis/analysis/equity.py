"""Whether all pupils moved along: percentiles, spread, gaps, and those who were lowest before.

Percentiles of the same grades
    The mid-distribution quantile of ``stats.quantiles``, each wave weighted so that every cell
    (school × grade) has its share of both waves together, as in ``same_grade``. Quantile plus
    influence, q + ψ_i, goes through ``same_grade`` as if it were an answer; ψ sums to zero, so the
    change is that of the quantiles and CR2 judges its chance.
Spread between and within schools
    The log ratios of post to pre are judged by the jackknife that leaves out one school at a
    time, in both waves (Efron & Stein 1981). It needs a good number of schools, so it is refused
    below 20; that keeps it to whole countries and very large regions.
Those who were lowest before
    What they rose beyond regression to the mean (Kelley 1947). Only unreliability is allowed for:
    where true scores correlate s < 1 between the waves, the lowest move up by
    (1 − s) ρ (x̄ − x̄_low) more than expected without any programme, .12 SD with s = .9 and .35 SD
    with s = .7 (ρ = .76); an alpha that is .01 off makes .015 SD.

References
----------
Efron & Stein 1981, Annals of Statistics 9(3), 586-596; Kelley 1947, Fundamentals of Statistics.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from loftet_analysis.analysis.changes import (
    Answers,
    Estimate,
    common_cells,
    difference_of_grades,
    found_in_cells,
    found_in_pairs,
    rows_in_cells,
    same_grade,
)
from loftet_analysis.analysis.panel import SCHOOL, Mask, complete_pairs, subgroup_rows
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.quantiles import (
    TOLERANCE,
    kelley_contrast,
    mid_quantile,
    scale_step,
    variance_components,
)
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.stats.result import NotEstimableError, Result

PERCENTILES = (10, 25, 50, 75, 90)
FEWEST_SCHOOLS = 20
BETWEEN, WITHIN = "between schools", "within schools"


def same_grade_quantile(case: Answers, *, p: float) -> Estimate:
    """Change of a quantile over the cells present in both waves.

    Parameters
    ----------
    case : Answers
    p : float
        Between 0 and 1.

    Returns
    -------
    Estimate
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
    here, cell = rows_in_cells(case, cells)
    y, after = case.y[here], people.post[here].astype(int)
    weight = (n.sum(axis=1, keepdims=True) / n)[cell, after]
    step = scale_step(y)
    recentred, found = np.zeros(len(case.y)), np.empty(2)
    for wave in (0, 1):
        mine = after == wave
        q, influence = mid_quantile(y[mine], weight[mine], p, step)
        edge = TOLERANCE * step
        if not y.min() - edge <= q <= y.max() + edge:
            raise NotEstimableError("at_the_end_of_the_scale")
        recentred[here[mine]], found[wave] = q + influence, q
    linear = same_grade(replace(case, y=recentred))
    described = found_in_cells(case, linear.raw, cells, found)
    return replace(described, design_effect=linear.design_effect)


def share_below(case: Answers) -> Estimate:
    """Same-grade change of the share strictly below ``low_fifth``, the limit fixed before.

    The limit is the 20th percentile of all pre answers of the study. Scores are discrete and the
    limit is one of them, so fewer than a fifth are below it before.

    Raises
    ------
    NotEstimableError
        ``nobody_low`` (nobody below it in either wave), and those of ``same_grade``.
    """
    low = _below(case.y, case.known("low_fifth"))
    if not (low & case.valid).any():
        raise NotEstimableError("nobody_low")
    return same_grade(replace(case, y=low.astype(float)))


def _below(y: Floats, cut: float) -> Mask:
    """Return who is strictly below, scores that differ from the cut by rounding not among them."""
    return y < cut - TOLERANCE * max(1.0, abs(cut))


def gap_change(case: Answers) -> Estimate:
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
    one, other = (subgroup_rows(case.people, group) for group in named.groups())
    if not (one.any() and other.any()):
        raise NotEstimableError("no_subgroup")
    if (one & other).any():
        raise NotEstimableError("groups_overlap")
    used = np.zeros(len(case.y), dtype=bool)
    for group in (one, other):
        part = replace(case, valid=case.valid & group)
        used[rows_in_cells(part, common_cells(part, at_least=1)[0])[0]] = True
    found = difference_of_grades(replace(case, valid=used), one, other)
    school, in_a_wave = case.people.school, case.people.pre | case.people.post
    left = np.setdiff1d(school[case.valid & (one | other) & in_a_wave], school[used])
    return replace(found, n_schools_dropped=len(left), baseline=np.nan)


def lowest_fifth(case: Answers, *, clusters: str = SCHOOL) -> Estimate:
    """Linked change of those strictly below ``low_fifth`` before, beyond regression to the mean.

    θ = d̄_low − d̄ − (ρ − 1)(x̄_low − x̄) with ρ = ``alpha``; means without index are over everybody
    linked. The limit and alpha count as fixed numbers: the interval leaves out their uncertainty.
    Zero is expected only when everybody's true score moves by the same amount. Where true scores
    change places in the meantime, as attitudes do over two years, the lowest rise above it
    without any programme (see the module's text), so that a rise alone proves nothing.

    Parameters
    ----------
    case : Answers
    clusters : str, default "school"
        ``school`` or ``feeder_group``.

    Returns
    -------
    Estimate
        In scale points; numbers, means, SDs, r and ICC are those of the lowest fifth, so the
        change is `mean_post` − `mean_pre` less what was expected.

    Raises
    ------
    NotEstimableError
        ``no_pairs``, ``no_reliability`` (no alpha within 0 and 1), ``nobody_low`` (nobody, or
        everybody, below the limit before), ``one_cluster``, ``no_variance``, ``no_unit``.
    """
    people, y, reliability = case.people, case.y, case.settled.get("alpha", np.nan)
    first, second = complete_pairs(people, y, case.valid)
    if not 0 < reliability <= 1:
        raise NotEstimableError("no_reliability")
    cut = case.known("low_fifth")
    low = _below(y[first], cut)
    if not low.any() or low.all():
        raise NotEstimableError("nobody_low")
    of_row = people.clusters(clusters)
    cluster = of_row[first]
    raw = kelley_contrast(y[second] - reliability * y[first], low, cluster)
    first, second = first[low], second[low]
    found = found_in_pairs(people, case.valid & _below(y, cut), raw, first, y[first], y[second])
    icc = intraclass_correlation(y[second] - y[first], cluster[low])
    return replace(found, cluster=of_row, icc_change=icc)


def spread_ratio(case: Answers, *, part: str) -> Estimate:
    """Log ratio (post/pre) of the SD between or within schools, of the same schools and grades.

    Grades' means are taken out, and what sampling pupils adds to the differences of schools.
    Within schools stands what pupils differ by and how unreliably they answer.

    Parameters
    ----------
    case : Answers
    part : str
        ``between schools`` or ``within schools``.

    Returns
    -------
    Estimate
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
    here, cell = rows_in_cells(case, cells)
    after = people.post[here].astype(int)
    square = (case.y[here] - level[after]) ** 2
    squares = np.bincount(2 * row[cell] + after, square).reshape(-1, 2)
    table = np.zeros((2, 2, len(schools), people.n_grades))
    table[:, :, row, cells % people.n_grades] = n.T, (n * (means - level)).T
    waves = ((*table[:, wave], squares[:, wave]) for wave in (0, 1))
    variances = np.array(
        [variance_components(n, sums, of)[part == WITHIN] for n, sums, of in waves]
    )
    if not (variances > TOLERANCE * squares.sum(axis=0)[:, None] / both.sum()).all():
        raise NotEstimableError("no_variance")
    ratio = np.diff(np.log(variances), axis=0)[0] / 2
    without = ratio[1:]
    scores = np.zeros(schools[-1] + 1)
    scores[schools] = np.sqrt(1 - 1 / len(schools)) * (without.mean() - without)
    raw = Result.from_scores(float(ratio[0]), scores, len(schools) - 1.0, len(schools))
    sd_pre, sd_post = np.sqrt(variances[:, 0])
    return replace(found_in_cells(case, raw, cells, level), sd_pre=sd_pre, sd_post=sd_post)
