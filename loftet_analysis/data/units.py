"""The units of effects: one SD per outcome for the whole study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.study import Instrument

TOTAL, WITHIN_ROLE = "total", "within_role"


def population_units(
    clean: pd.DataFrame, *, instrument: Instrument, population: str
) -> pd.DataFrame:
    """Return the unit SDs of one population from all its valid pre answers.

    Parameters
    ----------
    clean : DataFrame
        The whole study's clean data.
    instrument : Instrument
        The scales; those not asked at pre have no unit.
    population : str
        For the table.

    Returns
    -------
    DataFrame
        ``population, outcome, unit, sd_unit, n``. Unit *total*: SD with n − 1. Unit
        *within_role* (where people of two roles are known): √(SS_within / (n − n_roles)), centred
        within role. ``sd_unit`` is nan where it cannot be computed.
    """
    pre = clean[clean[names.WAVE] == names.PRE]
    rows = []
    for name, scale in instrument.scales.items():
        if names.PRE not in scale.waves:
            continue
        scores = pre[name].dropna()
        rows.append((population, name, TOTAL, scores.std(ddof=1), len(scores)))
        if names.ROLE in pre and pre[names.ROLE].nunique() > 1:
            roles = pre.loc[scores.index, names.ROLE].dropna()
            by_role = scores[roles.index].groupby(roles)
            spare = len(roles) - by_role.ngroups
            ss = ((scores[roles.index] - by_role.transform("mean")) ** 2).sum()
            sd = np.sqrt(ss / spare) if spare > 0 else np.nan
            rows.append((population, name, WITHIN_ROLE, sd, len(roles)))
    return pd.DataFrame(rows, columns=list(names.UNITS))


def study_units(
    clean: Mapping[str, pd.DataFrame], instruments: Mapping[str, Instrument]
) -> pd.DataFrame:
    """Return the unit SDs of all populations."""
    tables = [
        population_units(frame, instrument=instruments[name], population=name)
        for name, frame in clean.items()
    ]
    return pd.concat(tables, ignore_index=True)
