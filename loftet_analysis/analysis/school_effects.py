"""Each school's own change, and what remains of it once chance is taken into account.

Two estimates of the same thing. A school's own mean change has the standard error of its people,
with CR2 over persons: a school of few people jumps about. The shrunken estimate draws it towards
the mean of the region's schools, the more the less it says; see ``stats.shrinkage``. Schools are
shown, never ranked: both ends of a list sorted by the schools' own changes are mostly small
schools.

References
----------
Goldstein & Spiegelhalter 1996, doi:10.2307/2983325 (why not to rank).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from loftet_analysis import schema
from loftet_analysis.analysis.changes import SMALLEST_CELL, TOTAL, Answers, common_cells
from loftet_analysis.analysis.panel import Codes, answers, arrange, complete_pairs, persons
from loftet_analysis.estimands import MIDWAY
from loftet_analysis.names import (
    ALL,
    GRADE,
    NATIONAL,
    OUTCOME,
    POPULATION,
    PRE,
    REGION,
    SCHOOL,
    WAVE,
)
from loftet_analysis.stats.cr2 import change_over_cells, mean, standardise
from loftet_analysis.stats.result import NotEstimableError, Result
from loftet_analysis.stats.shrinkage import FEWEST, shrink
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

FEWEST_PAIRS = 2


@checked
def school_effects(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return each school's change, its own and drawn towards the region's schools.

    What ``school_change`` is the mean of, later − earlier. Of pupils with
    grades a school's change is the mean over its grades of the difference of the waves' means,
    over cells (school × grade) of at least 5 answers in each wave; see `change_over_cells`. Of all
    others it is the mean linked change of those who were at the school before, with SE sd/√n and
    t(n − 1); it takes 2 pairs, though one is enough there. Both are CR2 and Satterthwaite with
    persons for clusters.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of one region: `wave`, `school_id`, the outcomes, and where the population has
        them `person_id` and `grade`.
    plan : DataFrame
        From ``study.plan``: outcomes whose ``school_change`` it asks for, with their unit; outcomes
        that the frame does not have are passed over. The unit counts as fixed.

    Returns
    -------
    DataFrame
        ``schema.SCHOOLS``: outcome by outcome, a row for every school with a valid answer before
        or after, in the order of `school_id`. `n_pre` and `n_post` are the people in the cells
        used, or the pairs; `n_pairs` is empty where nobody is paired. `estimate`, `se`, `ci_low`
        and `ci_high` are in SD; `shrunk` with its interval, and `tau2` (REML, in SD²), as `shrink`
        has them over the schools with an estimate, empty where these are fewer than 3. There a
        school's variance is the squared `se`, or of n pairs s²/n with the variance s² within all
        schools, df Σ (n_j − 1), since a handful of people do not determine their own. So a shrunken
        interval may be the shorter one for this reason too. Where a school cannot be estimated all
        numbers are empty and `reason` is ``no_common_cells`` (``no_grade``, where no grade is
        known), ``no_pairs`` (fewer than 2), ``no_variance`` (all of each cell gave the same answer,
        or all changed alike) or ``no_unit``.

    Raises
    ------
    InputError
        As ``panel.arrange``.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 7, "school_id": list("aaaabbbbccccdd"),
    ...     "person_id": list("11223344556677"), "joy": [1, 2, 2, 4, 3, 3, 2, 3, 1, 1, 4, 3, 2, 3]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "school_change", "subgroup": "all", "sd_unit": 0.8, "region": "oslo"}])
    >>> found = school_effects(clean, plan)
    >>> found[["school_id", "n_pairs", "estimate", "se", "shrunk", "reason"]].round(3)
      school_id  n_pairs  estimate     se  shrunk    reason
    0         a        2     1.875  0.625   1.686
    1         b        2     0.625  0.625   0.625
    2         c        2    -0.625  0.625  -0.436
    3         d     <NA>       NaN    NaN     NaN  no_pairs
    """
    asked = plan[(plan["estimand"] == "school_change") & (plan["subgroup"] == "all")]
    if "contrast" in asked:
        asked = asked[~asked["contrast"].isin(MIDWAY)]
    rows = []
    if len(asked) and len(clean):
        panel, person = arrange(clean), persons(clean)
        codes, places = np.unique(panel.school, return_index=True)
        ids = dict(zip(codes.tolist(), clean[SCHOOL].iloc[places], strict=True))
    for row in asked.to_dict("records"):
        if row["outcome"] not in clean or clean.empty:
            continue
        by_grade = row["population"] == "pupils" and GRADE in clean
        ci_level = float(row.get("ci_level", 0.95))
        keys = ("region", "population", "outcome", "question", "estimand")
        fixed = {**{key: row.get(key) or "" for key in keys}, "ci_level": ci_level, "reason": ""}
        fixed["sesoi"] = row.get("sesoi")
        y = answers(panel, row["outcome"])
        case = Answers(panel, y, np.isfinite(y), row)
        of_outcome = [
            {**fixed, "school_id": ids[code]}
            | _school(case, code, person if by_grade else None, ci_level)
            for code in _schools(case)
        ]
        rows += _with_shrunk(of_outcome, None if by_grade else case, ci_level)
    return schema.table(rows, schema.SCHOOLS)


@checked
def school_levels(
    clean: pd.DataFrame, asked: Questionnaire, *, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return the mean of each school, region and the country in each wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of all regions: `wave`, `region`, `school_id` and the scales.
    asked : Questionnaire
        From ``study[population]``: its scales; those that the frame does not have are passed over.
    ci_level : float, default 0.95

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``, rows of ``level``: outcome by outcome and wave by wave the schools, the
        regions (`school_id` empty) and the country, as far as anybody answered. `change` is the
        mean in scale points. A school's interval is among its people, mean ± t(N − J) · s/√n, s the
        SD within schools of the N people at all J schools in that wave, and says nothing of other
        schools; `change_se` and ends are empty where all answered alike, and of regions and the
        country.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "national", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "post", "region": "oslo", "school_id": list("aaab"),
    ...                       "persistence": [1.0, 2, 3, 4]})
    >>> rows = school_levels(clean, asked)
    >>> rows[["region", "school_id", "n_post", "change", "change_ci_low"]].round(2)
         region school_id  n_post  change  change_ci_low
    0      oslo         a       3     2.0          -0.48
    1      oslo         b       1     4.0          -0.30
    2      oslo                 4     2.5            NaN
    3  national                 4     2.5            NaN
    """
    tables = [schema.table([], schema.EFFECTS)]
    for name in (name for name in asked.scales if name in clean):
        y = clean[name].astype(float)
        of_scale = {OUTCOME: name, "question": asked.scales[name].question or ""}
        for keys in ([REGION, SCHOOL], [REGION], []):
            rows = y.groupby([clean[key] for key in (*keys, WAVE)], sort=True, observed=True)
            found = rows.agg(n="count", change="mean", var="var").reset_index()
            found = found[found["n"] > 0].reset_index(drop=True)
            if SCHOOL in keys:
                # of one school's own few people it would tell who answered what
                within = found.assign(df=found["n"] - 1)
                within["squares"] = within["var"].fillna(0) * within["df"]
                pooled = within.groupby(WAVE)[["squares", "df"]].transform("sum")
                var = pooled["squares"] / pooled["df"].where(pooled["df"] > 0)
                found["change_se"] = np.sqrt(var.where(var > 0) / found["n"])
                half = found["change_se"] * stats.t.ppf((1 + ci_level) / 2, pooled["df"])
                found["change_ci_low"] = found["change"] - half
                found["change_ci_high"] = found["change"] + half
            n, is_pre = found.pop("n").astype("Int64"), found[WAVE].eq(PRE)
            fixed = {REGION: NATIONAL, SCHOOL: "", "ci_level": ci_level, "reason": ""}
            fixed |= {POPULATION: asked.population, **of_scale}
            fixed |= {"estimand": "level", "contrast": "mean", "subgroup": ALL}
            fixed = {key: value for key, value in fixed.items() if key not in keys}
            found = found.assign(n_pre=n.where(is_pre), n_post=n.mask(is_pre), **fixed)
            tables.append(schema.table(found.to_dict("records"), schema.EFFECTS))
    return pd.concat(tables, ignore_index=True)


def _schools(case: Answers) -> list[int]:
    """Return the codes of the schools with a valid answer before or after, in order."""
    people = case.people
    return np.unique(people.school[case.valid & (people.pre | people.post)]).tolist()


def _school(case: Answers, code: int, person: Codes | None, ci_level: float) -> dict[str, Any]:
    """Return the numbers of a school, by its grades where `person` is given, or why there are none.

    Everything is that of the school before and after, or before only where people are paired.
    """
    here = replace(case, valid=case.valid & (case.people.school == code))
    try:
        raw, n = _by_pairs(here) if person is None else _by_grades(here, person)
        sd = case.known(TOTAL)
        if not sd > 0:
            raise NotEstimableError("no_unit")
    except NotEstimableError as refusal:
        return {"reason": refusal.reason}
    scaled = standardise(raw, sd)
    low, high = scaled.interval(ci_level)
    numbers = {"sd_unit": sd, "estimate": scaled.estimate, "se": scaled.se}
    return {**n, **numbers, "ci_low": low, "ci_high": high}


def _by_grades(case: Answers, person: Codes) -> tuple[Result, dict[str, int]]:
    """Return a school's mean same-grade change and how many people it rests on."""
    people = case.people
    cells, n, _ = common_cells(case, at_least=SMALLEST_CELL)
    rows = case.valid & (people.pre | people.post) & np.isin(people.cell, cells)
    raw = change_over_cells(case.y[rows], people.cell[rows], people.post[rows], person[rows])
    before, after = n.sum(axis=0).tolist()
    return raw, {"n_pre": before, "n_post": after}


def _by_pairs(case: Answers) -> tuple[Result, dict[str, int]]:
    """Return the mean linked change of a school's people and how many they are."""
    first, second = complete_pairs(case.people, case.y, case.valid)
    n = len(first)
    if n < FEWEST_PAIRS:
        raise NotEstimableError("no_pairs")
    raw = mean(case.y[second] - case.y[first], np.arange(n))
    return raw, dict.fromkeys(("n_pre", "n_post", "n_pairs"), n)


def _with_shrunk(
    rows: list[dict[str, Any]], paired: Answers | None, ci_level: float
) -> list[dict[str, Any]]:
    """Return the rows of an outcome with the shrunken estimates of those that have one.

    Where people are paired, a school of n pairs has the variance within schools over n.
    """
    given = [place for place, row in enumerate(rows) if not row["reason"]]
    if len(given) < FEWEST:
        return rows
    used = pd.DataFrame([rows[place] for place in given])
    v = used["se"] ** 2
    if paired is not None:
        v = _variance_within(paired) / used["sd_unit"] ** 2 / used["n_pairs"]
    shrunk = shrink(used["estimate"], v, ci_level=ci_level).to_dict("records")
    found = dict(zip(given, shrunk, strict=True))
    return [row | found.get(place, {}) for place, row in enumerate(rows)]


def _variance_within(case: Answers) -> float:
    """Return the variance of linked changes within schools, df = Σ (n_j − 1) over all schools.

    Schools whose people changed all alike count too: without them it would be too large.
    """
    first, second = complete_pairs(case.people, case.y, case.valid)
    change = pd.Series(case.y[second] - case.y[first]).groupby(case.people.school[first])
    squares, n = change.var() * (change.size() - 1), change.size()
    return float(squares.sum() / (n - 1).sum())
