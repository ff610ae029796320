"""How much of the answers' variance lies between schools, wave by wave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from loftet_analysis import schema
from loftet_analysis.errors import InputError
from loftet_analysis.names import POST, PRE, SCHOOL, WAVE
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire


@checked
def variance(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return the SD and the intraclass correlation of every outcome before and after.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes.
    asked : Questionnaire
        From ``study[population]``; scales that the frame does not have are passed over.

    Returns
    -------
    DataFrame
        ``schema.VARIANCE``, a row per outcome and wave with answers: `n` people in `n_clusters`
        schools, `sd` (n − 1) and `icc`, the share of the variance between schools (0–1, the
        analysis of variance estimator; empty where every school has one answer).

    Raises
    ------
    InputError
        Where the frame has no `school_id`, or words among its answers.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "pre", "school_id": list("aabb"),
    ...                       "persistence": [1.0, 2, 4, 5]})
    >>> variance(clean, asked).iloc[:, 4:].round(3)
       n  n_clusters     sd    icc
    0  4           2  1.826  0.895
    """
    if SCHOOL not in clean and len(clean):
        raise InputError(f"no column {SCHOOL}", ", ".join(map(str, clean)), where="clean")
    rows = []
    for outcome in asked.scales:
        if outcome not in clean:
            continue
        for wave in (PRE, POST):
            given = clean.loc[(clean[WAVE] == wave).fillna(False), [SCHOOL, outcome]].dropna()
            if len(given):
                school = pd.factorize(given[SCHOOL])[0]
                y = given[outcome].to_numpy(dtype=float)
                sd = y.std(ddof=1) if len(y) > 1 else np.nan
                icc = intraclass_correlation(y, school)
                row = {**asked.place, "outcome": outcome, "wave": wave, "n": len(y)}
                rows.append({**row, "n_clusters": school.max() + 1, "sd": sd, "icc": icc})
    return schema.table(rows, schema.VARIANCE)
