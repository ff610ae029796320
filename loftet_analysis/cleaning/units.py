"""The ruler of a study: one SD per outcome, computed once from all pre answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from loftet_analysis.cleaning.directions import highest_correlations
from loftet_analysis.names import GRADE, OUTCOME, PERSON, POPULATION, POST, PRE, REGION, ROLE, WAVE
from loftet_analysis.schema import UNITS
from loftet_analysis.stats.reliability import alpha
from loftet_analysis.study import Instrument

TOTAL = "total"
WITHIN_ROLE = "within_role"
LOW_SHARE = 0.20


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
        ``schema.UNITS``: `population, outcome, unit, sd_unit, n`, `low_fifth` (20th percentile of
        the pre answers), and what :func:`study_units` fills: `midpoint`, `n_items`, `alpha`,
        `alpha_post`, `alpha_part`, `floor_share`, `ceiling_share` and `mean`.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": "pre", "role": ["participant"] * 2 + ["colleague"] * 2,
    ...                       "prepared": [1.0, 3.0, 4.0, 6.0]})
    >>> units(clean, ["prepared"], "teachers").iloc[:, 1:6]
        outcome         unit   sd_unit  n  low_fifth
    0  prepared        total  2.081666  4        2.2
    1  prepared  within_role  1.414214  4        2.2
    """
    scales = list(scales)
    needed = [column for column in (ROLE, *scales) if column in clean]
    before = clean.loc[(clean[WAVE] == PRE).fillna(False), needed].reset_index(drop=True)
    rows = []
    for scale in scales:
        x = before[scale].dropna().astype(float) if scale in before else pd.Series(dtype=float)
        low = x.quantile(LOW_SHARE)
        rows.append((population, scale, TOTAL, x.std(ddof=1), len(x), low))
        roles = before[ROLE][x.index].replace("", None).dropna() if ROLE in before else x.iloc[:0]
        if roles.nunique() > 1:
            x = x[roles.index]
            by_role = x.groupby(roles.astype(str))
            squares = ((x - by_role.transform("mean")) ** 2).sum()
            spare = len(x) - by_role.ngroups
            sd = np.sqrt(squares / spare) if spare else np.nan
            rows.append((population, scale, WITHIN_ROLE, sd, len(x), low))
    found = pd.DataFrame(rows, columns=UNITS[:6]).reindex(columns=UNITS)
    return found.astype({POPULATION: str, OUTCOME: str, **dict.fromkeys(UNITS[6:], float)})


def study_units(
    clean: Mapping[str, pd.DataFrame], instruments: Mapping[str, Instrument]
) -> pd.DataFrame:
    """Return the units of every scale with the middle of its answers, and how it measures.

    Cronbach's alpha before and after, and the upper end of its interval in the region, grade or
    role where that is lowest; the fewest items that were answered in a wave; the shares of people
    at the lowest and highest possible score before (after, where the scale is not asked before);
    the mean of all answers before; how highly the same people's scores of both may correlate.
    """
    tables = []
    for population, frame in clean.items():
        instrument = instruments[population]
        table = units(frame, instrument.scales, population)
        parts = (REGION, GRADE, ROLE)
        columns = [c for c in frame if c in {*instrument.items, *instrument.scales, *parts}]
        before, after = (
            frame.loc[(frame[WAVE] == wave).fillna(False), columns] for wave in (PRE, POST)
        )
        linked = PERSON in frame
        r_waves = highest_correlations(frame, instrument.scales, PRE, POST) if linked else {}
        found: dict[str, dict[str, float]] = {}
        for name, scale in instrument.scales.items():
            answers = instrument.response_set(name)
            asked = {w: [i for i in scale.items_in(w) if i in frame] for w in (PRE, POST)}
            scores = next((s for s in (before[name], after[name]) if s.notna().any()), before[name])
            scores = scores.dropna().astype(float)
            waves = [
                (wave, [item for item in asked[when] if wave[item].notna().any()])
                for when, wave in ((PRE, before), (POST, after))
                if wave[name].notna().any()
            ]
            found[name] = {
                "midpoint": (answers.minimum + answers.maximum) / 2,
                "n_items": min((len(items) for _, items in waves), default=np.nan),
                "alpha": _alpha(before[asked[PRE]]),
                "alpha_post": _alpha(after[asked[POST]]),
                "alpha_part": min((_highest_alphas(*each) for each in waves), default=np.nan),
                "floor_share": scores.le(answers.minimum).mean(),
                "ceiling_share": scores.ge(answers.maximum).mean(),
                "mean": before[name].dropna().astype(float).mean(),
                "r_waves": r_waves.get(name, np.nan),
            }
        settled = pd.DataFrame(found).T.reindex(table[OUTCOME]).set_axis(table.index)
        tables.append(table.assign(**settled))
    return pd.concat(tables, ignore_index=True)


def _alpha(answers: pd.DataFrame) -> float:
    complete = answers.to_numpy(dtype=float)
    return alpha(complete[np.isfinite(complete).all(axis=1)]).get("alpha", np.nan)


def _highest_alphas(frame: pd.DataFrame, items: list[str]) -> float:
    """Return the lowest of the upper ends of alpha's interval in regions, grades and roles."""
    answers = frame[items].to_numpy(dtype=float)
    whole = np.isfinite(answers).all(axis=1)
    ends = []
    for column in (REGION, GRADE, ROLE):
        if column in frame:
            group = pd.factorize(frame[column])[0]
            rows = np.flatnonzero(whole & (group >= 0))
            rows = rows[np.argsort(group[rows], kind="stable")]
            edges = np.flatnonzero(np.diff(group[rows])) + 1
            parts = np.split(np.asfortranarray(answers[rows]), edges)
            ends += [alpha(part).get("alpha_ci_high", np.inf) for part in parts if len(part)]
    return min(ends, default=np.inf)
