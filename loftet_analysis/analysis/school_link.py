"""Whether what teachers say they do goes with what their pupils say they meet, over the schools."""

from __future__ import annotations

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.estimands import FEWEST_REGIONS
from loftet_analysis.stats.cr2 import correlation
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.frames import checked

FEWEST_SCHOOLS = 20
COLUMNS = (
    "region", "population", "outcome", "question", "other_population", "other_outcome", "wave",
    "n_schools", "n_teachers", "n_pupils", "cluster", "r_schools", "ci_low", "ci_high", "ci_level",
    "reason", "suppressed",
)  # fmt: skip


@checked
def school_link(
    teachers: pd.DataFrame,
    pupils: pd.DataFrame,
    plan: pd.DataFrame,
    pairs: dict[str, str],
    *,
    wave: str = names.PRE,
) -> pd.DataFrame:
    """Return how schools' mean answers of teachers and of pupils go together.

    Pearson's r over the schools in which both answered, every school counting once; the interval
    is Fisher's with the CR2 error of the slope, regions being the clusters from 8 on, else schools
    (see :func:`~loftet_analysis.stats.cr2.correlation`). The means of few people are rough, which
    draws r towards zero.

    Parameters
    ----------
    teachers, pupils : DataFrame
        Clean frames: `wave`, `school_id`, `region`, the outcomes.
    plan : DataFrame
        From ``study.plan("teachers")``.
    pairs : dict of str to str
        Which scale of the teachers stands beside which of the pupils.
    wave : {"pre", "mid", "post"}, default "pre"

    Returns
    -------
    DataFrame
        A row per pair: `n_teachers` and `n_pupils` who answered in that wave, `n_schools` with
        both, `r_schools` with its interval. `reason` is ``no_answers``, ``few_schools`` (fewer
        than 20) or ``no_variance``.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> schools = pd.DataFrame({"wave": "pre", "region": "oslo",
    ...                         "school_id": [f"s{i:02}" for i in range(40)]})
    >>> does = rng.normal(size=40)
    >>> teachers = schools.assign(does=does)
    >>> pupils = schools.assign(meets=does + rng.normal(size=40))
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "does", "question": "Q6",
    ...                       "estimand": "level", "subgroup": "all", "region": "national"}])
    >>> row = school_link(teachers, pupils, plan, {"does": "meets"})
    >>> row[["n_schools", "r_schools", "ci_low", "ci_high"]].round(2)
       n_schools  r_schools  ci_low  ci_high
    0         40       0.76     0.5     0.89
    """
    about = plan.drop_duplicates(names.OUTCOME).set_index(names.OUTCOME)
    rows = []
    for outcome, other in pairs.items():
        if outcome not in about.index:
            continue
        of = about.loc[outcome]
        row = {
            "region": of.get(names.REGION, names.NATIONAL), "population": "teachers",
            "outcome": outcome, "question": of[names.QUESTION], "other_population": "pupils",
            "other_outcome": other, "wave": wave, "ci_level": of.get("ci_level", 0.95),
        }  # fmt: skip
        try:
            sides = _given(teachers, outcome, wave), _given(pupils, other, wave)
            row |= _together(*sides, row["ci_level"])
        except NotEstimableError as refusal:
            row["reason"] = refusal.reason
        rows.append(row)
    return schema.table(rows, COLUMNS)


def _given(frame: pd.DataFrame, outcome: str, wave: str) -> pd.DataFrame:
    if not {names.SCHOOL, outcome} <= {*frame}:
        raise NotEstimableError("no_answers")
    given = frame[(frame[names.WAVE] == wave).fillna(False)].dropna(subset=[outcome])
    if given.empty:
        raise NotEstimableError("no_answers")
    return given.assign(given=given[outcome].astype(float))


def _together(teachers: pd.DataFrame, pupils: pd.DataFrame, ci_level: float) -> dict[str, object]:
    one, other = (side.groupby(names.SCHOOL)["given"].mean() for side in (teachers, pupils))
    schools = one.index.intersection(other.index)
    row = {"n_schools": len(schools), "n_teachers": len(teachers), "n_pupils": len(pupils)}
    if len(schools) < FEWEST_SCHOOLS:
        raise NotEstimableError("few_schools")
    region = pupils.drop_duplicates(names.SCHOOL).set_index(names.SCHOOL).get(names.REGION)
    by_region = region is not None and region[schools].nunique() >= FEWEST_REGIONS
    cluster = pd.factorize(region[schools])[0] if by_region else np.arange(len(schools))
    z = correlation(one[schools], other[schools], cluster)
    low, high = np.tanh(z.interval(ci_level))
    return {
        **row,
        "cluster": names.REGION if by_region else "school",
        "r_schools": float(np.tanh(z.estimate)),
        "ci_low": float(low),
        "ci_high": float(high),
    }
