"""What each estimand is: who is compared with whom, in which model, and with which clusters.

Every estimand takes a :class:`Answers` (the people, one outcome's answers, the rows that count, the
study's ruler for the outcome) and gives a :class:`Estimate`: an estimate in scale points with its
clusters' contributions, and a description of the people that it rests on. What the data cannot
give raises :class:`NotEstimableError` with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from loftet_analysis.analysis.panel import (
    FEEDER,
    REGION,
    SCHOOL,
    Codes,
    Mask,
    Panel,
    complete_pairs,
    could_be_found,
    rows_of_role,
)
from loftet_analysis.estimands import FEWEST_REGIONS
from loftet_analysis.names import COLLEAGUE, GENDER, GRADE, NO_INTERVAL, PARTICIPANT, PRE, WAVE
from loftet_analysis.schema import FEWEST_ANSWERS
from loftet_analysis.stats.cr2 import (
    change_in_cells,
    contrast,
    correlation,
    mean,
    means_by,
    share_of,
)
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.missing import (
    BASELINE_ADJUST,
    BASELINE_APART,
    effective_size,
    inverse_probability,
    standardised_differences,
)
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.stats.result import NotEstimableError, Result

#: SDs that changes are divided by, as the plan names them: of all answers before, within roles.
TOTAL, WITHIN_ROLE = "sd_unit", "sd_within_role"
DESCRIPTIVE = "descriptive (single group)"
CONTAMINATED = "within-school contrast, contaminated by design"
QUASI_EXPERIMENTAL = "quasi-experimental"
CR2 = "CR2, Satterthwaite df"
SMALLEST_CELL = 5
TAILS = (0.1, 0.9)
#: From so many schools on their change is set against their linkage.
FEWEST_SCHOOLS = 20


@dataclass(frozen=True)
class Answers:
    """One outcome of some people, as an estimand takes it.

    Attributes
    ----------
    people : Panel
    y : ndarray of shape (n,)
        The outcome's answers, NaN where missing.
    valid : ndarray of bool, shape (n,)
        Rows of the subgroup with an answer.
    settled : mapping
        What the plan has settled for the outcome: `sd_unit` and `sd_within_role`,
        ``low_fifth``, ``midpoint``, ``alpha``.
    contrast : str
        What is subtracted from what, where the plan says so.
    schools : str
        The clusters that stand for schools where regions are the clusters: ICC and design effect
        are theirs.
    """

    people: Panel
    y: Floats
    valid: Mask
    settled: Mapping[str, Any] = field(default_factory=dict)
    contrast: str = ""
    schools: str = SCHOOL

    def at_schools(self, clusters: str) -> str:
        """Return the clusters of ICC and design effect where the error rests on `clusters`."""
        return self.schools if clusters == REGION else clusters

    def known(self, name: str) -> float:
        """Return what the study has settled of this name; it must be there."""
        value = self.settled.get(name, np.nan)
        if not np.isfinite(value):
            raise NotEstimableError("no_unit")
        return value


@dataclass(frozen=True)
class Estimate:
    """What an estimand gives before it is standardised; fields are named as in the table.

    ``cluster`` is each row's cluster where that is not its school; ``baseline`` is the difference
    of groups before, in scale points; ``n_schools`` are the schools of the people compared;
    ``n_in_both_waves`` are the clusters with answers before and after where ``raw`` counts others
    too; ``n_on_a_side`` are those of the group that lies in fewer, of two that are compared, and
    ``n_smaller`` the people of the smaller one, in the wave with fewer;
    ``grades`` is the weight of each grade, where these are weighted.
    """

    raw: Result
    n_pre: int | None = None
    n_post: int | None = None
    n_schools_dropped: int = 0
    mean_pre: float = np.nan
    mean_post: float = np.nan
    sd_pre: float = np.nan
    sd_post: float = np.nan
    n_pairs: int | None = None
    r_pre_post: float = np.nan
    icc_change: float = np.nan
    design_effect: float = np.nan
    cluster: Codes | None = None
    baseline: float = np.nan
    n_schools: int | None = None
    n_in_both_waves: int | None = None
    n_on_a_side: int | None = None
    n_smaller: int | None = None
    grades: Mapping[int, float] | None = None
    flags: tuple[str, ...] = ()


def linked_change(case: Answers, *, role: str = "", clusters: str = SCHOOL) -> Estimate:
    """Mean of post − pre over people with both, of one role or of all."""
    people, y, valid = case.people, case.y, case.valid
    if role:
        valid = valid & rows_of_role(people, role)
    first, second = complete_pairs(people, y, valid)
    change, cluster = y[second] - y[first], people.clusters(clusters)
    raw = mean(change, cluster[first])
    found = found_in_pairs(people, valid, raw, first, y[first], y[second])
    at = case.at_schools(clusters)
    school = people.clusters(at)[first]
    by_school = raw if at == clusters else mean(change, school)
    return replace(
        found,
        cluster=cluster,
        icc_change=intraclass_correlation(change, school),
        design_effect=_ratio(by_school.se**2, change.var(ddof=1) / len(change)),
    )


def school_change_by_pairs(case: Answers) -> Estimate:
    """Mean of the schools' mean linked changes."""
    people, y = case.people, case.y
    first, second = complete_pairs(people, y, case.valid)
    cluster = people.school[first]
    school, (before, after) = means_by(cluster, y[first], y[second])
    raw = mean(after - before, school)
    found = found_in_pairs(people, case.valid, raw, first, y[first], y[second])
    icc = intraclass_correlation(y[second] - y[first], cluster)
    return replace(found, mean_pre=before.mean(), mean_post=after.mean(), icc_change=icc)


def participants_vs_colleagues(case: Answers, *, clusters: str = SCHOOL) -> Estimate:
    """Difference of linked changes between the roles, which share schools."""
    people = case.people
    takes_part = rows_of_role(people, PARTICIPANT)
    valid = case.valid & (takes_part | rows_of_role(people, COLLEAGUE))
    return _difference_of_changes(case, valid, takes_part, clusters)


def programme_vs_comparison(case: Answers, *, clusters: str = SCHOOL) -> Estimate:
    """Difference of changes between programme and comparison schools.

    Of linked people where there are any, else of same grades. Groups more than .25 SD apart
    before are not compared; between .05 and .25 the linked change is adjusted for the answer
    before (What Works Clearinghouse, Standards 5.0).
    """
    people = case.people
    if not people.compared.any() or people.compared.all():
        raise NotEstimableError("no_comparison")
    if len(people.first):
        found = _difference_of_changes(case, case.valid, ~people.compared, clusters)
        apart = abs(found.baseline) / case.known(TOTAL)
        if BASELINE_ADJUST < apart <= BASELINE_APART:
            adjusted = _difference_of_changes(
                case, case.valid, ~people.compared, clusters, adjust=True
            )
            found = replace(adjusted, flags=("adjusted_for_pre",))
    else:
        found = difference_of_grades(case, ~people.compared, people.compared, clusters=clusters)
        apart = abs(found.baseline) / case.known(TOTAL)
    if apart > BASELINE_APART:
        raise NotEstimableError("baseline_differs")
    return found


def _difference_of_changes(
    case: Answers, valid: Mask, in_group: Mask, clusters: str, *, adjust: bool = False
) -> Estimate:
    """Change ~ group over linked people; means are then the difference of the groups."""
    people, y = case.people, case.y
    first, second = complete_pairs(people, y, valid)
    group = in_group[first].astype(int)
    if len(np.unique(group)) < 2:
        raise NotEstimableError("no_pairs")
    change, of_row = y[second] - y[first], people.clusters(clusters)

    def fitted(cluster: Codes) -> Result:
        if adjust:
            x = np.column_stack([np.ones(len(group)), group, y[first] - y[first].mean()])
            return contrast(change, x, [0, 1, 0], cluster)
        cell, (means,) = means_by(2 * cluster + group, change)
        x = np.column_stack([np.ones(len(cell)), cell % 2])
        counts = np.bincount(2 * cluster + group)[cell]
        return contrast(means, x, [0, 1], cell // 2, counts=counts)

    raw, at = fitted(of_row[first]), case.at_schools(clusters)
    school = people.clusters(at)[first]
    by_school = raw if at == clusters else fitted(school)
    centre = np.array([means_by(group, y[rows])[1][0] for rows in (first, second)])
    before, after = y[first] - centre[0, group], y[second] - centre[1, group]
    found = found_in_pairs(people, valid, raw, first, before, after)
    spare = len(group) - 2
    pooled = np.sqrt((spare + 1) / spare) if spare else np.nan
    within = change - means_by(group, change)[1][0][group]
    independent = (1 / np.bincount(group)).sum() * (within @ within) / spare if spare else np.nan
    apart = centre[:, 1] - centre[:, 0]
    return replace(
        found,
        mean_pre=apart[0],
        mean_post=apart[1],
        sd_pre=found.sd_pre * pooled,
        sd_post=found.sd_post * pooled,
        baseline=apart[0],
        icc_change=intraclass_correlation(within, school),
        design_effect=_ratio(by_school.se**2, independent),
        cluster=of_row,
        n_on_a_side=_on_a_side(of_row[first], group),
        n_smaller=int(np.bincount(group).min()),
    )


def same_grade(case: Answers, *, clusters: str = SCHOOL) -> Estimate:
    """Same-grade change, cells weighted by their share of both waves together."""
    people, y = case.people, case.y
    cells, n, means = common_cells(case, at_least=1)
    both, school = n.sum(axis=1), cells // people.n_grades
    by_school = raw = change_in_cells(means, n, both, school)
    if clusters != SCHOOL:
        raw = change_in_cells(means, n, both, people.cluster_of_school(clusters)[school])
    found = found_in_cells(case, raw, cells, both @ means / both.sum())
    grades = np.unique(people.grade[np.isfinite(people.grade)])
    share = np.bincount(cells % people.n_grades, both, minlength=len(grades)) / both.sum()
    independent = _independent(case, y, cells, n, both / both.sum())
    return replace(
        found,
        cluster=people.clusters(clusters),
        design_effect=_ratio(by_school.se**2, independent),
        grades={int(grade): part for grade, part in zip(grades, share, strict=True) if part},
    )


def _independent(case: Answers, y: Floats, cells: Codes, n: Codes, share: Floats) -> float:
    """Return the variance of Σ share (ȳ_post − ȳ_pre) if people were independent."""
    here, cell = rows_in_cells(case, cells)
    code = 2 * cell + case.people.post[here]
    _, (centre,) = means_by(code, y[here])
    spare = n.sum() - n.size
    if spare < 1:
        return np.nan
    within = ((y[here] - centre[code]) ** 2).sum() / spare
    return float(within * (share**2 @ (1 / n).sum(axis=1)))


def school_change_by_grade(case: Answers) -> Estimate:
    """Mean of the schools' mean same-grade changes."""
    cells, _, means = common_cells(case, at_least=SMALLEST_CELL)
    school, (mean_pre, mean_post) = means_by(cells // case.people.n_grades, *means.T)
    raw = mean(mean_post - mean_pre, school)
    return found_in_cells(case, raw, cells, np.array([mean_pre.mean(), mean_post.mean()]))


def difference_of_grades(
    case: Answers, in_group: Mask, in_other: Mask, *, clusters: str = SCHOOL
) -> Estimate:
    """Same-grade change of one group less that of another.

    y ~ wave + wave × group + school × grade × group over the cells present in both waves, each
    group's cells weighted by their share of the group; clusters schools or regions.
    """
    people = case.people
    changes, sides = [], []
    for side in (in_group, in_other):
        part = replace(case, valid=case.valid & side)
        cells, n, means = common_cells(part, at_least=1)
        both = n.sum(axis=1)
        changes.append((cells, n, means, both / both.sum()))
        sides.append(both @ means / both.sum())
    cells = np.concatenate([2 * cells + k for k, (cells, *_) in enumerate(changes)])
    n, means = (np.concatenate([change[i] for change in changes]) for i in (1, 2))
    share = np.concatenate([change[3] for change in changes])
    wave, cluster = np.tile([0.0, 1.0], len(cells)), people.cluster_of_school(clusters)
    cluster = cluster[cells // 2 // people.n_grades]
    raw = contrast(
        means.ravel(),
        np.column_stack([wave, wave * np.repeat(cells % 2 == 0, 2)]),
        [0, 1],
        np.repeat(cluster, 2),
        cells=np.repeat(cells, 2),
        weights=(share[:, None] / n).ravel(),
        counts=n.ravel(),
    )
    both_groups = replace(case, valid=case.valid & (in_group | in_other))
    before, after = (sides[0] - sides[1]).tolist()
    found = found_in_cells(both_groups, raw, np.unique(cells // 2), np.array([before, after]))
    return replace(
        found,
        baseline=before,
        cluster=people.clusters(clusters),
        n_on_a_side=_on_a_side(cluster, cells % 2),
        n_smaller=int(min(change[1].sum(axis=0).min() for change in changes)),
    )


def cohort_change(case: Answers, *, clusters: str = FEEDER) -> Estimate:
    """Change of the cohorts met in both waves, weighted by their share of both waves together."""
    people, y = case.people, case.y
    if not people.n_grades or not people.years:
        raise NotEstimableError("no_cohort")
    start = people.grade - people.years * people.post
    rows = case.valid & (people.pre | people.post) & np.isfinite(start)
    met = set(start[rows & people.pre]) & set(start[rows & people.post])
    rows &= np.isin(start, sorted(met))
    if not rows.any():
        raise NotEstimableError("no_cohort")
    cohort, cohorts = np.unique(start[rows], return_inverse=True)[::-1]
    of_row = people.clusters(clusters)
    wave, cluster = people.post[rows].astype(int), of_row[rows]
    n = np.bincount(2 * cohort + wave, minlength=2 * len(cohorts)).reshape(-1, 2)
    code = (cluster * len(cohorts) + cohort) * 2 + wave
    used, (means,) = means_by(code, y[rows])
    of_cohort, of_wave = used // 2 % len(cohorts), used % 2
    raw = contrast(
        means,
        np.column_stack([of_wave, np.eye(len(cohorts))[of_cohort]]),
        np.eye(len(cohorts) + 1)[0],
        used // 2 // len(cohorts),
        weights=(n.sum(axis=1, keepdims=True) / n)[of_cohort, of_wave],
        counts=np.bincount(code)[used],
    )
    before, after = y[rows & people.pre], y[rows & people.post]
    found = found_in(people, rows, raw, before, after, people.school[rows])
    share = n.sum(axis=1) / n.sum()
    totals = np.bincount(2 * cohort + wave, y[rows], minlength=n.size).reshape(-1, 2) / n
    return replace(
        found,
        mean_pre=float(share @ totals[:, 0]),
        mean_post=float(share @ totals[:, 1]),
        cluster=of_row,
        n_in_both_waves=len(np.intersect1d(cluster[wave == 0], cluster[wave == 1])),
        flags=("feeders_unknown",) if clusters == FEEDER and not len(people.first) else (),
    )


def level(case: Answers, *, above_middle: bool = False) -> Estimate:
    """Mean answer of a wave, or share of people above the middle of the answers.

    Where the schools cannot say how uncertain it is (a single school, or all with one mean) it
    stands without an interval, with the flag `NO_INTERVAL`.
    """
    wave = str(case.settled.get(WAVE) or "")
    rows = case.valid & case.people.rows_of_wave(wave)
    if not rows.any():
        raise NotEstimableError("no_answers")
    given, school = case.y[rows], case.people.school[rows]
    if above_middle:
        given = (given > case.known("midpoint")).astype(float)
    flags: tuple[str, ...] = ()
    try:
        raw = share_of(given, school) if above_middle else mean(given, school)
    except NotEstimableError:
        n_schools = len(np.unique(school))
        raw, flags = Result(float(given.mean()), np.nan, np.nan, n_schools), (NO_INTERVAL,)
    side = "pre" if wave == PRE else "post"  # what was asked midway counts with what came after
    numbers = {f"n_{side}": len(given), f"mean_{side}": given.mean(), f"sd_{side}": _sd(given)}
    return Estimate(
        raw,
        design_effect=_ratio(raw.se**2, _sd(given) ** 2 / len(given)),
        n_schools=len(np.unique(school)),
        flags=flags,
        **numbers,
    )


def dose(case: Answers, *, column: str, spline: bool, clusters: str = SCHOOL) -> Estimate:
    """Linked change by attendance: per unit, or along a spline from its 10th to 90th percentile.

    Teachers who take part, or everybody where the data have no roles. A flag gives the percentiles
    10 and 90 of the attendance: how narrow the range is that the slope rests on.
    """
    people, y, valid = case.people, case.y, case.valid
    if column not in people.frame:
        raise NotEstimableError("no_attendance")
    attended = people.frame[column].to_numpy(dtype=float, na_value=np.nan)
    valid = valid & np.isfinite(attended)
    if (people.role == PARTICIPANT).any():
        valid &= people.role == PARTICIPANT
    first, second = complete_pairs(people, y, valid)
    x = attended[first]
    if spline:
        columns, c = _along_spline(x)
    else:
        columns, c = np.column_stack([np.ones(len(x)), x]), np.array([0.0, 1.0])
    raw = contrast(y[second] - y[first], columns, c, people.clusters(clusters)[first])
    found = found_in_pairs(people, valid, raw, first, y[first], y[second])
    low, high = np.quantile(x, TAILS)
    return replace(found, flags=(f"range={low:g}-{high:g}",))


def _along_spline(x: Floats) -> tuple[Floats, Floats]:
    """Return a natural cubic spline's columns, and the contrast of the percentiles 90 and 10.

    Knots are the ends and the quantiles of the different values; the spline has 3 df, or as many
    as there are values less one.
    """
    values, ends = np.unique(x), np.quantile(x, TAILS)
    df = min(3, len(values) - 1)
    if df < 2 or ends[0] == ends[1]:
        raise NotEstimableError("no_range")
    knots = np.quantile(values, np.linspace(0, 1, df + 1))
    # the spline through 1 at one knot and 0 at the others, a column per knot; they sum to one
    basis = CubicSpline(knots, np.eye(df + 1), bc_type="natural")
    return basis(x), np.diff(basis(ends), axis=0)[0]


def linkage_by_school(case: Answers, *, role: str = "", clusters: str = SCHOOL) -> Result:
    """Fisher's z of the correlation over schools: share of people linked, and mean change.

    The share is of those who answered before and could have been found again; schools where nobody
    was have no change.
    """
    people, y, valid = case.people, case.y, case.valid
    if role:
        valid = valid & rows_of_role(people, role)
    first, second = complete_pairs(people, y, valid)
    asked = could_be_found(people, y, valid)
    n = np.bincount(people.school[asked], minlength=people.school.max() + 1)
    kept = asked[first]
    first, second = first[kept], second[kept]
    school, (change,) = means_by(people.school[first], y[second] - y[first])
    share = np.bincount(people.school[first])[school] / n[school]
    return over_schools(people, first, people.clusters(clusters), school, share, change)


def linkage_weighted(case: Answers, *, role: str = "", clusters: str = SCHOOL) -> Estimate:
    """Mean linked change of everybody who could have been found again, by weights of the linked.

    The weights are 1 / P(linked), from a logit on the answer before, the school's mean, grade and
    gender.
    """
    people, y, valid = case.people, case.y, case.valid
    if role:
        valid = valid & rows_of_role(people, role)
    rows = could_be_found(people, y, valid)
    case = replace(case, valid=valid & (rows | people.post))
    school = people.school[rows]
    centre = np.bincount(school, y[rows]) / np.maximum(np.bincount(school), 1)
    covariates = [y[rows], centre[school], *background(people, np.flatnonzero(rows))]
    weight = np.zeros(len(y))
    weight[rows] = inverse_probability(is_linked(case)[rows], np.column_stack(covariates))
    return weighted_change(case, weight, clusters=clusters)


def weighted_change(case: Answers, weight: Floats, *, clusters: str) -> Estimate:
    """Weighted mean linked change; `weight` of every row, those of rows before count."""
    people, y = case.people, case.y
    first, second = complete_pairs(people, y, case.valid)
    cluster, w = people.clusters(clusters), weight[first]
    raw = contrast(y[second] - y[first], np.ones((len(first), 1)), [1], cluster[first], weights=w)
    found = found_in_pairs(people, case.valid, raw, first, y[first], y[second])
    effective = f"effective_n={effective_size(w):.0f}"
    return replace(found, cluster=cluster, flags=(effective,))


def is_linked(case: Answers) -> Mask:
    """Return which rows before belong to people with an answer after."""
    linked = np.zeros(len(case.y), dtype=bool)
    linked[complete_pairs(case.people, case.y, case.valid)[0]] = True
    return linked


def background(people: Panel, rows: Codes) -> list[Floats]:
    """Return 0/1 columns of grade and gender, each but its first value; missing is a value."""
    found = []
    for column in (GRADE, GENDER):
        if column in people.frame:
            told = people.frame[column].iloc[rows].astype("str").fillna("")
            code = pd.factorize(told, sort=True)[0]
            found += [(code == each).astype(float) for each in range(1, code.max() + 1)]
    return found


def lost_apart(case: Answers, *, role: str = "") -> float:
    """Return by how many SD the linked were above the lost before; NaN where either are few."""
    valid = case.valid & rows_of_role(case.people, role) if role else case.valid
    rows = could_be_found(case.people, case.y, valid)
    linked = is_linked(replace(case, valid=valid & (rows | case.people.post)))[rows]
    (found,) = standardised_differences(linked, pd.DataFrame({"y": case.y[rows]})).to_dict(
        "records"
    )
    fewest = min(found["n_linked"], found["n_unlinked"])
    return found["smd"] if fewest >= FEWEST_ANSWERS else np.nan


def response_by_school(case: Answers) -> Result:
    """Fisher's z of the correlation over schools: share of answers after, and same-grade change.

    The share is of the answers of both waves, in the cells that `same_grade` compares.
    """
    people = case.people
    cells, n, means = common_cells(case, at_least=1)
    both, of_cell = n.sum(axis=1), cells // people.n_grades
    school = np.unique(of_cell)
    total = np.bincount(of_cell, both)[school]
    change = np.bincount(of_cell, both * (means[:, 1] - means[:, 0]))[school] / total
    share = np.bincount(of_cell, n[:, 1])[school] / total
    rows = np.flatnonzero(case.valid)
    return over_schools(people, rows, people.school, school, share, change)


def over_schools(
    people: Panel, rows: Codes, cluster: Codes, school: Codes, share: Floats, change: Floats
) -> Result:
    """Correlate what is known of schools; `cluster` of every row, `rows` show which a school has.

    Where these schools lie in regions enough these are the clusters, since linkage and change
    both differ between them.
    """
    if len(school) < FEWEST_SCHOOLS:
        raise NotEstimableError("few_schools")
    if REGION in people.frame:
        region = pd.factorize(people.frame[REGION], sort=True)[0]
        if len(np.unique(region[rows[np.isin(people.school[rows], school)]])) >= FEWEST_REGIONS:
            cluster = region
    of_school = np.zeros(people.school.max() + 1, dtype=int)
    of_school[people.school[rows]] = cluster[rows]
    return correlation(share, change, of_school[school])


def common_cells(case: Answers, *, at_least: int) -> tuple[Codes, Codes, Floats]:
    """Return codes, counts (cells, 2) and means (cells, 2) of the cells present in both waves."""
    people, y = case.people, case.y
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = case.valid & (people.pre | people.post) & (people.cell >= 0)
    code, size = 2 * people.cell[rows] + people.post[rows], 2 * people.cell.max() + 2
    n = np.bincount(code, minlength=size).reshape(-1, 2)
    sums = np.bincount(code, y[rows], minlength=size).reshape(-1, 2)
    cells = np.flatnonzero((n >= at_least).all(axis=1))
    if not len(cells):
        raise NotEstimableError("no_common_cells")
    return cells, n[cells], sums[cells] / n[cells]


def rows_in_cells(case: Answers, cells: Codes) -> tuple[Codes, Codes]:
    """Return the rows of both waves that lie in these cells, and which cell each is in."""
    people = case.people
    place = np.full(people.cell.max() + 2, -1)
    place[cells] = np.arange(len(cells))
    of_row = place[people.cell]
    here = np.flatnonzero(case.valid & (people.pre | people.post) & (of_row >= 0))
    return here, of_row[here]


def found_in_pairs(
    people: Panel, valid: Mask, raw: Result, first: Codes, before: Floats, after: Floats
) -> Estimate:
    """Describe pairs by their answers before and after."""
    found = found_in(people, valid & people.pre, raw, before, after, people.school[first])
    return replace(found, n_pairs=len(first), r_pre_post=_correlation(before, after))


def found_in_cells(case: Answers, raw: Result, cells: Codes, means: Floats) -> Estimate:
    """Describe the people in the cells used; `means` are those before and after."""
    people, y = case.people, case.y
    used = np.zeros(people.cell.max() + 2, dtype=bool)
    used[cells] = True
    inside = case.valid & used[people.cell]
    eligible = case.valid & (people.pre | people.post)
    before, after = y[inside & people.pre], y[inside & people.post]
    found = found_in(people, eligible, raw, before, after, cells // people.n_grades)
    return replace(found, mean_pre=means[0], mean_post=means[1])


def found_in(
    people: Panel, eligible: Mask, raw: Result, before: Floats, after: Floats, used: Codes
) -> Estimate:
    """Describe the answers compared, and the schools of eligible rows that are not among them."""
    left = np.bincount(people.school[eligible])
    left[used] = 0
    n_schools = len(np.unique(used))
    return Estimate(
        raw,
        n_pre=len(before),
        n_post=len(after),
        n_schools=n_schools,
        n_schools_dropped=int(np.count_nonzero(left)),
        mean_pre=before.mean(),
        mean_post=after.mean(),
        sd_pre=_sd(before),
        sd_post=_sd(after),
    )


def unit_sample(people: Panel, y: Floats, found: Estimate, unit: str) -> dict[str, NDArray]:
    """Return the answers behind the unit with their clusters, as `standardise` takes them."""
    rows = people.pre & np.isfinite(y)
    if unit == WITHIN_ROLE:
        rows &= people.role != ""
    cluster = people.school if found.cluster is None else found.cluster
    sample = {"x": y[rows], "cluster": cluster[rows]}
    return sample | ({"group": people.role[rows]} if unit == WITHIN_ROLE else {})


def _on_a_side(cluster: Codes, group: Codes) -> int:
    """Return how many clusters the group, coded 0 or 1, lies in that lies in fewer."""
    return min(len(np.unique(cluster[group == side])) for side in (0, 1))


def _ratio(clustered: float, independent: float) -> float:
    return clustered / independent if independent > 0 else np.nan


def _sd(x: Floats) -> float:
    """Return the SD with n − 1, empty for fewer than two."""
    return x.std(ddof=1) if len(x) > 1 else np.nan


def _correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's r, empty where one side does not vary."""
    return np.corrcoef(x, y)[0, 1] if len(x) > 2 and np.ptp(x) and np.ptp(y) else np.nan
