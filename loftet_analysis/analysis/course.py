"""The course of the answers over three waves: means of all, and of those who answered each time."""

from __future__ import annotations

from typing import Any

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.estimands import WHOLE, contrast_of_waves, names_where
from loftet_analysis.stats.cr2 import mean
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.frames import checked

#: Whose means they are: all who answered the wave, and those who answered in all three.
ANSWERED, LINKED = PEOPLE = ("answered", names.LINKED)


@checked
def course(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each outcome in each of three waves, with its interval.

    Of two sets of people: all who answered the wave, and those who answered in all three. CR2 over
    the schools of the wave, Satterthwaite df; the interval is about schools like these.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes, and `person_id` for those in all waves.
    plan : DataFrame
        From ``study.plan``: outcomes whose changes it asks for both from before to after and from
        or to the wave midway.

    Returns
    -------
    DataFrame
        ``schema.COURSE``: a row per outcome, set of people and wave. `mean`, `se` and the interval
        are in scale points; what cannot be estimated is a row with its `reason`. No rows where
        the study has not asked in three waves.

    Examples
    --------
    >>> import numpy as np
    >>> clean = pd.DataFrame({"wave": ["pre", "mid", "post"] * 4, "school_id": list("aaabbbcccddd"),
    ...                       "person_id": list("111222333444"),
    ...                       "joy": [1, 2, 2, 3, 3, 4, 2, 2, 3, 1, 2, np.nan]})
    >>> plan = pd.DataFrame({"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "linked_change", "contrast": ["", "mid - pre"], "subgroup": "all"})
    >>> course(clean, plan)[["who", "wave", "n", "mean", "se"]].round(3)
              who  wave  n   mean     se
    0  answered   pre  4  1.750  0.479
    1  answered   mid  4  2.250  0.250
    2  answered  post  3  3.000  0.577
    3    linked   pre  3  2.000  0.577
    4    linked   mid  3  2.333  0.333
    5    linked  post  3  3.000  0.577
    """
    changes = plan[plan["estimand"].isin(names_where(is_change=True))]
    between = changes.get("contrast", pd.Series("", changes.index)).map(contrast_of_waves)
    times = between.eq(WHOLE).groupby(changes["outcome"]).agg(["any", "all"])
    asked = changes[changes["outcome"].isin(times.index[times["any"] & ~times["all"]])]
    rows = []
    for row in asked.drop_duplicates("outcome").to_dict("records"):
        about = {key: row.get(key) or "" for key in ("population", "outcome", "question")}
        about |= {"region": row.get("region") or names.NATIONAL}
        ci_level = float(row.get("ci_level", 0.95))
        about |= {"ci_level": ci_level, "reason": ""}
        given = _answers(clean, row["outcome"])
        for people in PEOPLE:
            kept = given if people == ANSWERED else given[_in_all(given)]
            rows += [
                {**about, "who": people, "wave": wave, **_mean(kept, wave, ci_level)}
                for wave in names.WAVES
            ]
    return schema.table(rows, schema.COURSE)


def _answers(clean: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the rows that answer an outcome: `wave`, `school_id`, `person_id`, `y`."""
    given = clean.reindex(columns=[names.WAVE, names.SCHOOL, names.PERSON, outcome])
    given = given.rename(columns={outcome: "y"})
    return given[given["y"].notna() & given[names.WAVE].isin(names.WAVES)]


def _in_all(given: pd.DataFrame) -> pd.Series:
    """Return which rows are of people who answered in all three waves."""
    return given.groupby(names.PERSON)[names.WAVE].transform("nunique").eq(len(names.WAVES))


def _mean(given: pd.DataFrame, wave: str, ci_level: float) -> dict[str, Any]:
    """Return the numbers of a wave, or why there are none."""
    given = given[given[names.WAVE] == wave]
    y = given["y"].to_numpy(dtype=float)
    if not len(y):
        return {"reason": "no_answers"}
    try:
        found = mean(y, pd.factorize(given[names.SCHOOL])[0])
    except NotEstimableError as refusal:
        return {"reason": refusal.reason}
    low, high = found.interval(ci_level)
    return {
        "n": len(y), "n_clusters": found.n_clusters, "mean": found.estimate, "se": found.se,
        "df": found.df, "ci_low": low, "ci_high": high,
    }  # fmt: skip
