"""Pre/post effects: one row per estimate of the plan, in scale points and in SD.

Every estimand of the plan becomes one row of ``names.EFFECTS`` (several where it has several
contrasts): the change in scale points with CR2 and Satterthwaite df, the same in units of the
study's SD, and what can be said of it. What cannot be estimated is a row too, with its reason and
without numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from loftet_analysis.analysis.changes import (
    BASELINE_ADJUST,
    BASELINE_APART,
    Case,
    Estimand,
    Found,
    estimands,
    unit_sample,
)
from loftet_analysis.analysis.equity import spread_estimands
from loftet_analysis.analysis.panel import People, answers, arrange, subgroup_rows
from loftet_analysis.analysis.verdicts import judged
from loftet_analysis.cleaning.units import TOTAL
from loftet_analysis.names import EFFECTS, GRADE, OUTCOME, POPULATION
from loftet_analysis.stats.cr2 import standardise
from loftet_analysis.stats.result import NotEstimableError

REASONS = {
    "no_outcome": "the data have no such scale",
    "no_subgroup": "the data have no such column for the subgroup",
    "no_grade": "the data have no grades",
    "no_role": "the data have no such role",
    "no_answers": "nobody has a valid answer",
    "no_pairs": "nobody, or nobody of one role, has a valid answer in both waves",
    "no_common_cells": "no grade of a school has enough answers in both waves",
    "no_cohort": "no cohort is met in both waves, or the waves have no dates",
    "no_comparison": "the register names no comparison schools, or no others",
    "baseline_differs": "the groups were more than .25 SD apart before",
    "no_attendance": "no register of attendance can be joined to people; that takes ids",
    "no_range": "attendance hardly differs",
    "one_cluster": "without some one cluster there would be no estimate",
    "no_variance": "the clusters do not differ, so chance cannot be judged",
    "not_estimable": "the comparison cannot be told from the other effects in the model",
    "no_unit": "there is no standard deviation to standardise by",
    "at_the_end_of_the_scale": "so many are at an end of the scale that the percentile cannot move",
    "no_unique_quantile": "the answers do not say where the percentile lies",
    "few_schools": "fewer than 20 schools, too few for a spread between them",
    "groups_overlap": "the groups that are compared are not apart",
    "nobody_low": "nobody, or everybody, answered below the lowest fifth's limit before",
    "no_reliability": "the scale's reliability before is not known",
    "unknown_estimand": "no such estimand",
}
LOW_DF = 4
FEW_CLUSTERS = 6

COUNTS = ("n_pre", "n_post", "n_pairs", "n_clusters", "n_schools_dropped")
TEXTS = (
    "region", "school_id", "population", "outcome", "question", "estimand", "contrast",
    "subgroup", "weighting", "cluster", "family", "plan_role", "verdict", "evidence",
    "measurement_warning", "flags", "method", "reason",
)  # fmt: skip


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
    years: int = 0,
    comparison: Collection[str] = (),
    warnings: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the rows of effects for every row of the plan.

    Estimands, always later − earlier; pairs are formed by person before missing answers drop out:

    - ``linked_change``: mean of post − pre over people with both. Pupils' clusters are feeder
      groups, teachers' the school before.
    - ``same_grade``: y ~ wave + school × grade over the cells present in both waves, cells
      weighted by their share of both waves together: Σ (n_c/N)(ȳ_post,c − ȳ_pre,c).
    - ``school_change``: every school counts once. Of pupils with grades the school's mean
      same-grade difference over cells of at least 5 in each wave, of all others its mean linked
      change; t with schools − 1 df.
    - ``cohort_change``: y ~ wave + cohort without using links, over the cohorts met in both
      waves; clusters feeder groups, or schools where nobody is linked.
    - ``participants``, ``colleagues``: linked change within the role held before.
    - ``participants_vs_colleagues``: change ~ role, clusters schools; `mean_pre` and `mean_post`
      are then the difference between the roles in each wave, SDs and r are taken within role.
    - ``programme_vs_comparison``: change ~ role of the school.
    - ``level``: what is asked once, its mean and the share of people above the middle.
    - ``dose``: linked change by gatherings and by interim work, straight and as a spline.
    - the set about all pupils, see :mod:`loftet_analysis.analysis.equity`.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of one region, or of the whole study: `wave`, `school_id`, the outcomes, and
        where the population has them `person_id`, `grade`, `role`, `gatherings`, `interim_work`.
    plan_rows : DataFrame
        `population, outcome, question, estimand, subgroup, family, plan_role`, and as needed
        `contrast`, `drift` (expected change in SD) and `flags`; rows of other populations are
        passed over. A subgroup is ``all`` or ``column=value``, taken before for pairs and as it
        stands otherwise.
    population, region : str
        For the columns of these names.
    units : DataFrame
        ``names.UNITS``.
    ci_level : float, default .95
        Level of both intervals.
    sesoi : float, default .10
        Smallest effect of interest, in SD.
    unit_is_sample : bool, default False
        Whether `clean` holds the very answers whose SD is the unit (national rows): their
        uncertainty is then part of `se`, `ci_low` and `ci_high`. In rows of subgroups the unit
        counts as fixed.
    years : int, default 0
        School years from pre to post.
    comparison : collection of str, default ()
        Ids of the schools outside the programme.
    warnings : mapping of str to str, optional
        What the study has found about an outcome's measurement, by outcome.

    Returns
    -------
    DataFrame
        ``names.EFFECTS``. `n_pre`, `n_post`, means and SDs are those of the people compared: the
        pairs, or everybody in the cells used. `n_schools_dropped` counts schools with valid
        answers (before, where people are paired) that contribute nothing. `icc_change` is the
        share of the variance of linked changes that lies between clusters; `design_effect` the
        squared `change_se` over what it would be if people were independent. `reason` is a key of
        ``REASONS``; then all numbers are empty. `flags` holds ``low_df`` (below 4),
        ``few_clusters`` (below 6), ``baseline_adjust`` and ``baseline_apart`` (groups more than
        .05 and .25 SD apart before), and what the estimand adds, joined by ";". Verdict, MDES and
        adjusted p-values are those of :func:`~loftet_analysis.analysis.verdicts.judged`.

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
    >>> row[["change", "change_se", "df", "estimate", "mdes", "verdict"]].round(3)
       change  change_se   df  estimate   mdes  verdict
    0     1.0      0.408  3.0      1.25  2.123  unclear
    """
    people = arrange(clean, years=years, comparison=comparison)
    settled = rulers(units, population)
    known = estimands(population, by_grade=population == "pupils" and GRADE in clean)
    known |= spread_estimands(population)
    rows = []
    for plan in plan_rows[plan_rows[POPULATION] == population].to_dict("records"):
        row = {key: plan[key] for key in EFFECTS if key in plan}
        row |= {"region": region, "ci_level": ci_level, "sesoi": sesoi}
        row["measurement_warning"] = (warnings or {}).get(plan[OUTCOME], "")
        if plan["estimand"] not in known:
            rows.append({**row, "reason": "unknown_estimand"})
        ruler = settled.get(plan[OUTCOME], {})
        for estimand in known.get(plan["estimand"], ()):
            rows.append(_row(row, people, estimand, ruler, unit_is_sample, ci_level))
    return judged(_table(rows))


def rulers(units: pd.DataFrame, population: str) -> dict[str, dict[str, float]]:
    """Return what is settled for each outcome: SDs by their names, and whatever stands beside."""
    of_population = units[units[POPULATION] == population]
    settled = [c for c in ("low_fifth", "midpoint", "alpha") if c in units]
    found: dict[str, dict[str, float]] = {}
    for row in of_population.to_dict("records"):
        ruler = found.setdefault(row[OUTCOME], {name: row[name] for name in settled})
        ruler[row["unit"]] = row["sd_unit"]
    return found


def _row(
    plan: dict[str, object],
    people: People,
    estimand: Estimand,
    ruler: Mapping[str, float],
    unit_is_sample: bool,
    ci_level: float,
) -> dict[str, object]:
    """Return one row: what was asked, and what was found or why not."""
    row = {
        key: getattr(estimand, key)
        for key in ("contrast", "weighting", "cluster", "evidence", "method")
    }
    row |= {key: value for key, value in plan.items() if key != "contrast" or value}
    try:
        y = answers(people, str(plan["outcome"]))
        valid = subgroup_rows(people, str(plan["subgroup"])) & np.isfinite(y)
        case = Case(people, y, valid, ruler, str(row["contrast"]))
        sd = case.settled(estimand.unit) if estimand.unit else np.nan
        found = estimand.find(case)
        if estimand.unit and not sd > 0:
            raise NotEstimableError("no_unit")
        whole = unit_is_sample and plan["subgroup"] == "all" and estimand.unit
        sample = unit_sample(people, y, found, estimand.unit) if whole else {}
        numbers = _numbers(found, estimand, ci_level)
        if estimand.unit:
            scaled = standardise(found.raw, sd, **sample)
            low, high = scaled.interval(ci_level)
            numbers |= {"sd_unit": sd, "estimate": scaled.estimate, "se": scaled.se}
            numbers |= {"ci_low": low, "ci_high": high}
    except NotEstimableError as refusal:
        return {**row, "flags": "", "drift": None, "reason": refusal.reason}
    flags = flags_of(found, sd if sd > 0 else ruler.get(TOTAL, np.nan))
    told = [flag for flag in (str(plan.get("flags") or ""), *flags) if flag]
    return row | numbers | {"flags": ";".join(told)}


def flags_of(found: Found, sd: float) -> list[str]:
    """Return what a reader of the row must know: few clusters, low df, groups apart before."""
    apart = abs(found.baseline) / sd
    raised = {
        "low_df": found.raw.df < LOW_DF,
        "few_clusters": found.raw.n_clusters < FEW_CLUSTERS,
        "baseline_adjust": BASELINE_ADJUST < apart <= BASELINE_APART,
        "baseline_apart": apart > BASELINE_APART,
    }
    return [*(flag for flag, is_raised in raised.items() if is_raised), *found.flags]


def _numbers(found: Found, estimand: Estimand, ci_level: float) -> dict[str, object]:
    """Return the numbers of a row in scale points."""
    raw = found.raw
    numbers = {key: value for key, value in vars(found).items() if key in EFFECTS}
    low, high = raw.interval(ci_level)
    numbers |= {
        "n_clusters": raw.n_clusters,
        "change": raw.estimate,
        "change_se": raw.se,
        "change_ci_low": low,
        "change_ci_high": high,
        "df": raw.df,
    }
    if estimand.is_change:
        numbers |= {"statistic": raw.statistic, "p_value": raw.p_value}
    return numbers


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
