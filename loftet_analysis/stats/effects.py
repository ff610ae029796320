"""Pre/post effects: who is compared with whom, and the row that says what was found.

Every estimand of the plan becomes one row of ``names.EFFECTS``: the change in scale points with
CR2 and Satterthwaite df, then the same in units of the study's SD. What cannot be estimated is a
row too, with its reason and without numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loftet_analysis.data.units import TOTAL, WITHIN_ROLE
from loftet_analysis.names import COLLEAGUE, EFFECTS, GRADE, OUTCOME, PARTICIPANT, POPULATION
from loftet_analysis.stats.clustered import (
    Clustered,
    Floats,
    NotEstimableError,
    contrast,
    mean,
    standardised,
)
from loftet_analysis.stats.people import (
    Codes,
    Mask,
    People,
    answers,
    arrange,
    complete_pairs,
    rows_of_role,
    subgroup_rows,
)

REASONS = {
    "no_outcome": "the data have no such scale",
    "no_subgroup": "the data have no such column for the subgroup",
    "no_grade": "the data have no grades",
    "no_role": "the data have no such role",
    "no_pairs": "nobody, or nobody of one role, has a valid answer in both waves",
    "no_common_cells": "no grade of a school has enough answers in both waves",
    "one_cluster": "without some one cluster there would be no estimate",
    "no_variance": "the clusters do not differ, so chance cannot be judged",
    "not_estimable": "the comparison cannot be told from the other effects in the model",
    "no_unit": "there is no standard deviation to standardise by",
    "unknown_estimand": "no such estimand",
}
DESCRIPTIVE = "descriptive (single group)"
CONTAMINATED = "within-school contrast, contaminated by design"
SMALLEST_CELL = 5
LOW_DF = 4
FEW_CLUSTERS = 6
CR2 = "CR2, Satterthwaite df"

COUNTS = ("n_pre", "n_post", "n_pairs", "n_clusters", "n_schools_dropped")
TEXTS = (
    "region", "school_id", "population", "outcome", "question", "estimand", "contrast",
    "subgroup", "weighting", "cluster", "family", "plan_role", "verdict", "evidence",
    "measurement_warning", "flags", "method", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What an estimand gives before it is standardised; fields are named as in the table.

    ``cluster_of_school`` gives each school's cluster where that is not the school itself.
    """

    raw: Clustered
    n_pre: int
    n_post: int
    n_schools_dropped: int
    mean_pre: float
    mean_post: float
    sd_pre: float
    sd_post: float
    n_pairs: int | None = None
    r_pre_post: float = np.nan
    cluster_of_school: Codes | None = None


@dataclass(frozen=True)
class Estimand:
    """How a row is computed and what its fixed texts say."""

    method: str
    find: Callable[[People, Floats, Mask], Found]
    contrast: str = "post - pre"
    weighting: str = "person"
    cluster: str = "school"
    unit: str = TOTAL
    evidence: str = DESCRIPTIVE


def effects(
    clean: pd.DataFrame,
    plan_rows: pd.DataFrame,
    *,
    population: str,
    region: str,
    units: pd.DataFrame,
    ci_level: float = 0.95,
    sesoi: float = 0.10,
    unit_is_sample: bool = False,
) -> pd.DataFrame:
    """Return one row of effects for every row of the plan.

    Estimands, always later − earlier; pairs are formed by person before missing answers drop out:

    - ``linked_change``: mean of post − pre over people with both. Pupils' clusters are feeder
      groups, teachers' the school before.
    - ``same_grade``: y ~ wave + school × grade over the cells present in both waves, cells
      weighted by their share of both waves together: Σ (n_c/N)(ȳ_post,c − ȳ_pre,c).
    - ``school_change``: every school counts once. Of pupils with grades the school's mean
      same-grade difference over cells of at least 5 in each wave, of all others its mean linked
      change; t with schools − 1 df.
    - ``participants``, ``colleagues``: linked change within the role held before.
    - ``participants_vs_colleagues``: change ~ role, clusters schools; `mean_pre` and `mean_post`
      are then the difference between the roles in each wave, SDs and r are taken within role.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of one region, or of the whole study: `wave`, `school_id`, the outcomes, and
        where the population has them `person_id`, `grade`, `role`.
    plan_rows : DataFrame
        `population, outcome, question, estimand, subgroup, family, plan_role`; rows of other
        populations are passed over. A subgroup is ``all`` or ``column=value``, taken before for
        pairs and as it stands otherwise.
    population, region : str
        For the columns of these names.
    units : DataFrame
        ``names.UNITS``.
    ci_level : float, default .95
        Level of both intervals.
    sesoi : float, default .10
        Smallest effect of interest, in SD; carried along.
    unit_is_sample : bool, default False
        Whether `clean` holds the very answers whose SD is the unit (national rows): their
        uncertainty is then part of `se`, `ci_low` and `ci_high`.

    Returns
    -------
    DataFrame
        ``names.EFFECTS``. `n_pre`, `n_post`, means and SDs are those of the people compared: the
        pairs, or everybody in the cells used. `n_schools_dropped` counts schools with valid
        answers (before, where people are paired) that contribute nothing. `reason` is a key of
        ``REASONS``; then all numbers are empty. `flags` holds ``low_df`` (below 4) and
        ``few_clusters`` (below 6), joined by ";".

    Raises
    ------
    InputError
        Where the frame lacks `wave` or `school_id`, or holds a person twice in a wave.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 4, "school_id": list("aabbccdd"),
    ...                       "person_id": list("11223344"), "joy": [1, 2, 2, 4, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "question": "Q1",
    ...     "estimand": "linked_change", "subgroup": "all", "family": "", "plan_role": "primary"}])
    >>> unit = pd.DataFrame([{"population": "pupils", "outcome": "joy", "unit": "total",
    ...                       "sd_unit": 0.8}])
    >>> row = effects(clean, plan, population="pupils", region="oslo", units=unit)
    >>> row[["change", "change_se", "df", "estimate", "flags"]].round(3)
       change  change_se   df  estimate                flags
    0     1.0      0.408  3.0      1.25  low_df;few_clusters
    """
    people = arrange(clean)
    unit = units.set_index([POPULATION, OUTCOME, "unit"])["sd_unit"].to_dict()
    estimands = _estimands(population, by_grade=population == "pupils" and GRADE in clean)
    rows = []
    for plan in plan_rows[plan_rows[POPULATION] == population].to_dict("records"):
        estimand = estimands.get(plan["estimand"])
        row = {key: plan[key] for key in EFFECTS if key in plan}
        row |= {"region": region, "ci_level": ci_level, "sesoi": sesoi}
        if estimand is None:
            rows.append({**row, "reason": "unknown_estimand"})
            continue
        row |= {
            key: getattr(estimand, key)
            for key in ("contrast", "weighting", "cluster", "evidence", "method")
        }
        sd = unit.get((population, plan[OUTCOME], estimand.unit), np.nan)
        try:
            y = answers(people, plan[OUTCOME])
            valid = subgroup_rows(people, plan["subgroup"]) & np.isfinite(y)
            found = estimand.find(people, y, valid)
            if not sd > 0:
                raise NotEstimableError("no_unit")
            sample = _unit_sample(people, y, found, estimand.unit) if unit_is_sample else {}
            rows.append(row | _numbers(found, sd, standardised(found.raw, sd, **sample), ci_level))
        except NotEstimableError as refusal:
            rows.append({**row, "reason": refusal.reason})
    return _table(rows)


def _estimands(population: str, *, by_grade: bool) -> dict[str, Estimand]:
    """Return the estimands that rest on this kind of data, by name."""
    linked = partial(Estimand, f"mean of linked changes; {CR2}")
    everybody, by_school = linked(_linked_change), partial(Estimand, weighting="school")
    if population == "pupils":
        by_group = partial(_linked_change, by_feeder_group=True)
        everybody = linked(by_group, cluster="feeder_group")
    if by_grade:
        method = f"mean of schools' same-grade changes (cells of {SMALLEST_CELL} or more); t(S - 1)"
        school_change = by_school(method, _school_change_by_grade)
    else:
        method = "mean of schools' mean linked changes; t(S - 1)"
        school_change = by_school(method, _school_change_by_pairs)
    return {
        "linked_change": everybody,
        "same_grade": Estimand(
            f"weighted least squares on wave + school x grade; {CR2}",
            _same_grade,
            weighting="pooled_cell_share",
        ),
        "school_change": school_change,
        "participants": linked(partial(_linked_change, role=PARTICIPANT)),
        "colleagues": linked(partial(_linked_change, role=COLLEAGUE)),
        "participants_vs_colleagues": Estimand(
            f"least squares of linked change on role; {CR2}",
            _participants_vs_colleagues,
            contrast="participant - colleague",
            unit=WITHIN_ROLE,
            evidence=CONTAMINATED,
        ),
    }


def _linked_change(
    people: People, y: Floats, valid: Mask, *, role: str = "", by_feeder_group: bool = False
) -> Found:
    """Mean linked change, of one role or of all; clusters the schools before or their groups."""
    if role:
        valid = valid & rows_of_role(people, role)
    first, second = complete_pairs(people, y, valid)
    cluster_of_school = people.feeder if by_feeder_group else None
    school = people.school[first]
    raw = mean(y[second] - y[first], people.feeder[school] if by_feeder_group else school)
    found = _found_in_pairs(people, valid, raw, first, y[first], y[second])
    return replace(found, cluster_of_school=cluster_of_school)


def _school_change_by_pairs(people: People, y: Floats, valid: Mask) -> Found:
    """Mean of the schools' mean linked changes."""
    first, second = complete_pairs(people, y, valid)
    school, (before, after) = _means_by(people.school[first], y[first], y[second])
    found = _found_in_pairs(people, valid, mean(after - before, school), first, y[first], y[second])
    return replace(found, mean_pre=before.mean(), mean_post=after.mean())


def _participants_vs_colleagues(people: People, y: Floats, valid: Mask) -> Found:
    """Difference of linked changes between the roles, which share schools."""
    takes_part = rows_of_role(people, PARTICIPANT)
    valid = valid & (takes_part | rows_of_role(people, COLLEAGUE))
    first, second = complete_pairs(people, y, valid)
    role, school = takes_part[first].astype(int), people.school[first]
    if len(np.unique(role)) < 2:
        raise NotEstimableError("no_pairs")
    group, (change,) = _means_by(2 * school + role, y[second] - y[first])
    x = np.column_stack([np.ones(len(group)), group % 2])
    counts = np.bincount(2 * school + role)[group]
    raw = contrast(change, x, [0, 1], group // 2, counts=counts)
    centre = np.array([_means_by(role, y[rows])[1][0] for rows in (first, second)])
    before, after = y[first] - centre[0, role], y[second] - centre[1, role]
    found = _found_in_pairs(people, valid, raw, first, before, after)
    pooled = np.sqrt((len(role) - 1) / (len(role) - 2)) if len(role) > 2 else np.nan
    return replace(
        found,
        mean_pre=centre[0, 1] - centre[0, 0],
        mean_post=centre[1, 1] - centre[1, 0],
        sd_pre=found.sd_pre * pooled,
        sd_post=found.sd_post * pooled,
    )


def _same_grade(people: People, y: Floats, valid: Mask) -> Found:
    """Same-grade change, cells weighted by their share of both waves together."""
    cells, n, means = _common_cells(people, y, valid, at_least=1)
    both = n.sum(axis=1)
    raw = contrast(
        means.ravel(),
        np.tile([[0.0], [1.0]], (len(cells), 1)),
        [1],
        np.repeat(cells // people.n_grades, 2),
        cells=np.repeat(cells, 2),
        weights=(both[:, None] / n).ravel(),
        counts=n.ravel(),
    )
    return _found_in_cells(people, y, valid, raw, cells, both @ means / both.sum())


def _school_change_by_grade(people: People, y: Floats, valid: Mask) -> Found:
    """Mean of the schools' mean same-grade changes."""
    cells, _, means = _common_cells(people, y, valid, at_least=SMALLEST_CELL)
    school, (mean_pre, mean_post) = _means_by(cells // people.n_grades, *means.T)
    raw = mean(mean_post - mean_pre, school)
    means = np.array([mean_pre.mean(), mean_post.mean()])
    return _found_in_cells(people, y, valid, raw, cells, means)


def _common_cells(
    people: People, y: Floats, valid: Mask, *, at_least: int
) -> tuple[Codes, Codes, Floats]:
    """Return codes, counts (cells, 2) and means (cells, 2) of the cells present in both waves."""
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = valid & (people.pre | people.post) & (people.cell >= 0)
    code, size = 2 * people.cell[rows] + people.post[rows], 2 * people.cell.max() + 2
    n = np.bincount(code, minlength=size).reshape(-1, 2)
    sums = np.bincount(code, y[rows], minlength=size).reshape(-1, 2)
    cells = np.flatnonzero((n >= at_least).all(axis=1))
    if not len(cells):
        raise NotEstimableError("no_common_cells")
    return cells, n[cells], sums[cells] / n[cells]


def _means_by(code: Codes, *columns: Floats) -> tuple[Codes, list[Floats]]:
    """Return the codes that occur and each column's mean by code."""
    n = np.bincount(code)
    used = np.flatnonzero(n)
    return used, [np.bincount(code, column)[used] / n[used] for column in columns]


def _found_in_pairs(
    people: People, valid: Mask, raw: Clustered, first: Codes, before: Floats, after: Floats
) -> Found:
    """Describe pairs by their answers before and after."""
    found = _found(people, valid & people.pre, raw, before, after, people.school[first])
    return replace(found, n_pairs=len(first), r_pre_post=_correlation(before, after))


def _found_in_cells(
    people: People, y: Floats, valid: Mask, raw: Clustered, cells: Codes, means: Floats
) -> Found:
    """Describe the people in the cells used; `means` are those before and after."""
    used = np.zeros(people.cell.max() + 2, dtype=bool)
    used[cells] = True
    inside = valid & used[people.cell]
    eligible = valid & (people.pre | people.post)
    before, after = y[inside & people.pre], y[inside & people.post]
    found = _found(people, eligible, raw, before, after, cells // people.n_grades)
    return replace(found, mean_pre=means[0], mean_post=means[1])


def _found(
    people: People, eligible: Mask, raw: Clustered, before: Floats, after: Floats, used: Codes
) -> Found:
    """Describe the answers compared, and the schools of eligible rows that are not among them."""
    left = np.bincount(people.school[eligible])
    left[used] = 0
    return Found(
        raw,
        n_pre=len(before),
        n_post=len(after),
        n_schools_dropped=np.count_nonzero(left),
        mean_pre=before.mean(),
        mean_post=after.mean(),
        sd_pre=_sd(before),
        sd_post=_sd(after),
    )


def _sd(x: Floats) -> float:
    """Return the SD with n − 1, empty for fewer than two."""
    return x.std(ddof=1) if len(x) > 1 else np.nan


def _correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's r, empty where one side does not vary."""
    return np.corrcoef(x, y)[0, 1] if len(x) > 2 and np.ptp(x) and np.ptp(y) else np.nan


def _unit_sample(people: People, y: Floats, found: Found, unit: str) -> dict[str, NDArray]:
    """Return the answers behind the unit with their clusters, as `standardised` takes them."""
    rows = people.pre & np.isfinite(y)
    if unit == WITHIN_ROLE:
        rows &= people.role != ""
    school, clusters = people.school[rows], found.cluster_of_school
    sample = {"x": y[rows], "cluster": school if clusters is None else clusters[school]}
    return sample | ({"group": people.role[rows]} if unit == WITHIN_ROLE else {})


def _numbers(found: Found, sd: float, scaled: Clustered, ci_level: float) -> dict[str, object]:
    """Return the numbers and flags of a row."""
    raw = found.raw
    described = {key: value for key, value in vars(found).items() if key in EFFECTS}
    change_low, change_high = raw.interval(ci_level)
    low, high = scaled.interval(ci_level)
    flags = {"low_df": raw.df < LOW_DF, "few_clusters": raw.n_clusters < FEW_CLUSTERS}
    return described | {
        "n_clusters": raw.n_clusters,
        "change": raw.estimate,
        "change_se": raw.se,
        "change_ci_low": change_low,
        "change_ci_high": change_high,
        "statistic": raw.statistic,
        "df": raw.df,
        "p_value": raw.p_value,
        "sd_unit": sd,
        "estimate": scaled.estimate,
        "se": scaled.se,
        "ci_low": low,
        "ci_high": high,
        "flags": ";".join(flag for flag, raised in flags.items() if raised),
    }


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return the rows with every column of the contract, each of its type."""
    types = dict.fromkeys(EFFECTS, "float64") | {"suppressed": "boolean"}
    types |= dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(TEXTS, "str")
    return pd.DataFrame(
        {
            name: pd.array([row.get(name, "" if kind == "str" else None) for row in rows], kind)
            for name, kind in types.items()
        }
    )
