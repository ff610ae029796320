"""How much of the answers' variance lies between schools, wave by wave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import schema
from loftet_analysis.analysis.agreement import reliability_of_means, within_groups
from loftet_analysis.errors import InputError
from loftet_analysis.names import POST, PRE, SCHOOL, WAVE
from loftet_analysis.stats.reliability import intraclass_correlation, intraclass_interval
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

#: Schools of fewer people say nothing of how far these agree.
FEWEST_AGREEING = 5
#: What is no small effect of the school, and an agreement that is good enough (LeBreton & Senter
#: 2008).
SMALL_ICC, GOOD_RWG = 0.01, 0.70


@checked
def variance(clean: pd.DataFrame, asked: Questionnaire, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how every outcome is spread before and after, and whether schools share it.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes, and their items where they are there.
    asked : Questionnaire
        From ``study[population]``; scales that the frame does not have are passed over.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        ``schema.VARIANCE``, a row per outcome and wave with answers: `n` people in `n_clusters`
        schools, `sd` (n − 1) and `icc`, ICC(1), the share of the variance between schools (0–1, the
        analysis of variance estimator; empty where every school has one answer), with the interval
        of its F test; `icc2`, ICC(2), the reliability of the mean of as many people as a school has
        on average; `rwg`, the mean of r_wg(J) over the `rwg_schools` schools where 5 or more
        answered every item, see `agreement.within_groups`. `shared` is true where the
        people of a school share it: the interval of ICC(1) begins at .01 or above, or r_wg(J) is
        .70 or more; false where they do not: the interval ends below .01, or ICC(1) is 0 and
        r_wg(J) below .70; else missing, since it cannot be told.

    Raises
    ------
    InputError
        Where the frame has no `school_id`, or words among its answers.

    References
    ----------
    Bliese 2000, in Klein & Kozlowski (eds.), Multilevel theory, research, and methods in
    organizations, 349–381. LeBreton & Senter 2008, doi:10.1177/1094428106296642.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "pre", "school_id": list("aabb"),
    ...                       "persistence": [1.0, 2, 4, 5]})
    >>> found = variance(clean, asked)
    >>> found[["n", "n_clusters", "sd", "icc", "icc_low", "icc_high", "icc2"]].round(3)
       n  n_clusters     sd    icc  icc_low  icc_high   icc2
    0  4           2  1.826  0.895      0.0       1.0  0.944
    """
    if SCHOOL not in clean and len(clean):
        raise InputError(f"no column {SCHOOL}", ", ".join(map(str, clean)), where="clean")
    rows = []
    for outcome in asked.scales:
        if outcome not in clean:
            continue
        for wave in (PRE, POST):
            of_wave = clean[(clean[WAVE] == wave).fillna(False).to_numpy(bool)]
            of_wave = of_wave[of_wave[[SCHOOL, outcome]].notna().all(axis=1)]
            if len(of_wave):
                row = {**asked.place, "outcome": outcome, "wave": wave, "ci_level": ci_level}
                row |= _between(of_wave[outcome], of_wave[SCHOOL], ci_level)
                row |= _within(of_wave, asked, outcome, wave)
                rows.append(row | {"shared": _is_shared(row)})
    return schema.table(rows, schema.VARIANCE)


def _between(answers: pd.Series, school: pd.Series, ci_level: float) -> dict[str, float]:
    """Return how far the answers are spread, and how much of it lies between schools."""
    y, cluster = answers.to_numpy(dtype=float), pd.factorize(school)[0]
    n, n_clusters = len(y), int(cluster.max()) + 1
    icc = intraclass_correlation(y, cluster)
    low, high = intraclass_interval(y, cluster, ci_level=ci_level)
    return {
        "n": n, "n_clusters": n_clusters, "sd": y.std(ddof=1) if n > 1 else np.nan, "icc": icc,
        "icc_low": low, "icc_high": high, "icc2": reliability_of_means(icc, n / n_clusters),
    }  # fmt: skip


def _within(
    of_wave: pd.DataFrame, asked: Questionnaire, outcome: str, wave: str
) -> dict[str, float]:
    """Return how far the people of schools with five or more agree, if the items are there."""
    scale = asked.scales[outcome]
    items = [*scale.items_in(wave)]
    if scale.as_is or not items or not {*items} <= {*of_wave}:
        return {}
    school = of_wave[SCHOOL]
    complete = of_wave[items].notna().all(axis=1)
    options = [*asked.own.response_set(outcome).options]
    return {
        "rwg": within_groups(of_wave[items], school, options, fewest=FEWEST_AGREEING),
        "rwg_schools": int((complete.groupby(school).sum() >= FEWEST_AGREEING).sum()),
    }


def _is_shared(row: dict[str, Any]) -> bool | None:
    """Return whether the people of a school share it; None where that cannot be told."""
    rwg = row.get("rwg", np.nan)
    if np.isnan(row["icc"]):
        return None
    if row["icc_high"] < SMALL_ICC or (row["icc"] == 0 and rwg < GOOD_RWG):
        return False
    return True if row["icc_low"] >= SMALL_ICC or rwg >= GOOD_RWG else None
