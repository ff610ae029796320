"""The ruler of a study: one SD per outcome, computed once from all pre answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from loftet_analysis.names import OUTCOME, POPULATION, PRE, ROLE, UNITS, WAVE
from loftet_analysis.study import Instrument

TOTAL = "total"
WITHIN_ROLE = "within_role"


def units(clean: pd.DataFrame, scales: Iterable[str], population: str) -> pd.DataFrame:
    """Return the standard deviations by which changes are standardised.

    ``total`` is the SD (n − 1) of all valid pre answers of the study. ``within_role``, where the
    answers come from two roles or more, pools over roles and is centred within role:
    sqrt(SS_within / (n − number of roles)).

    Parameters
    ----------
    clean : DataFrame
        The clean frame of the whole study: `wave`, `role` where the population has roles, and
        the scales.
    scales : iterable of str
        Names of the scales; those not asked before get n = 0 and no SD.
    population : str
        For the column of that name.

    Returns
    -------
    DataFrame
        ``names.UNITS``: `population, outcome, unit, sd_unit, n`.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": "pre", "role": ["participant"] * 2 + ["colleague"] * 2,
    ...                       "prepared": [1.0, 3.0, 4.0, 6.0]})
    >>> units(clean, ["prepared"], "teachers")
      population   outcome         unit   sd_unit  n
    0   teachers  prepared        total  2.081666  4
    1   teachers  prepared  within_role  1.414214  4
    """
    before = clean[(clean[WAVE] == PRE).fillna(False)].reset_index(drop=True)
    rows = []
    for scale in scales:
        answers = before.loc[before[scale].notna()] if scale in before else before.iloc[:0]
        x = answers[scale].astype(float) if scale in answers else pd.Series(dtype=float)
        rows.append((population, scale, TOTAL, x.std(ddof=1), len(x)))
        roles = answers[ROLE].replace("", None).dropna() if ROLE in answers else x.iloc[:0]
        if roles.nunique() > 1:
            x = x[roles.index]
            by_role = x.groupby(roles.astype(str))
            squares = ((x - by_role.transform("mean")) ** 2).sum()
            spare = len(x) - by_role.ngroups
            sd = np.sqrt(squares / spare) if spare else np.nan
            rows.append((population, scale, WITHIN_ROLE, sd, len(x)))
    return pd.DataFrame(rows, columns=UNITS).astype({POPULATION: str, OUTCOME: str})


def study_units(
    clean: Mapping[str, pd.DataFrame], instruments: Mapping[str, Instrument]
) -> pd.DataFrame:
    """Return the units of every scale that is asked before, population by population."""
    tables = []
    for population, frame in clean.items():
        scales = instruments[population].scales.items()
        asked = [name for name, scale in scales if PRE in scale.waves]
        tables.append(units(frame, asked, population))
    return pd.concat(tables, ignore_index=True)
