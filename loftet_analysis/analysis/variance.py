"""How much of the answers' variance lies between schools, wave by wave."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from loftet_analysis.names import POST, PRE, SCHOOL, VARIANCE, WAVE
from loftet_analysis.stats.reliability import intraclass_correlation


def variance(
    clean: pd.DataFrame, outcomes: Iterable[str], *, population: str, region: str
) -> pd.DataFrame:
    """Return the SD and the intraclass correlation of every outcome before and after.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes.
    outcomes : iterable of str
        Scales; those that the frame does not have are passed over.
    population, region : str
        For the columns of these names.

    Returns
    -------
    DataFrame
        ``names.VARIANCE``, a row per outcome and wave with answers: `n` people in `n_clusters`
        schools, `sd` (n − 1) and `icc`, the share of the variance between schools (0–1, the
        analysis of variance estimator; empty where every school has one answer).

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": "pre", "school_id": list("aabb"), "joy": [1.0, 2, 4, 5]})
    >>> variance(clean, ["joy"], population="pupils", region="oslo").iloc[:, 4:].round(3)
       n  n_clusters     sd    icc
    0  4           2  1.826  0.895
    """
    rows = []
    for outcome in outcomes:
        if outcome not in clean:
            continue
        for wave in (PRE, POST):
            given = clean.loc[(clean[WAVE] == wave).fillna(False), [SCHOOL, outcome]].dropna()
            if len(given):
                school = pd.factorize(given[SCHOOL])[0]
                y = given[outcome].to_numpy(dtype=float)
                sd = y.std(ddof=1) if len(y) > 1 else np.nan
                icc = intraclass_correlation(y, school)
                rows.append((region, population, outcome, wave, len(y), school.max() + 1, sd, icc))
    return pd.DataFrame(rows, columns=VARIANCE)
