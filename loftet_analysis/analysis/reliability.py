"""Reliability of scales, wave by wave: Cronbach's alpha and omega with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loftet_analysis import schema
from loftet_analysis.names import ALL, ROLE, ROLES, WAVE, WAVES
from loftet_analysis.stats.reliability import alpha, omega
from loftet_analysis.study import Scale
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire


@checked
def reliability(
    clean: pd.DataFrame, asked: Questionnaire, *, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return Cronbach's alpha and omega of every scale in every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, and the items, reversed already.
    asked : Questionnaire
        From ``study[population]``: which items make a scale, in which waves it is asked, and
        columns (``grade``, ``role``) whose groups get rows of their own.
    ci_level : float, default .95
        Level of the intervals.

    Returns
    -------
    DataFrame
        ``schema.RELIABILITY``, a row per scale × wave × group in the frame. `n` counts people who
        answered every item that was asked; `n_items` is lower than the instrument's where an item
        has no answer at all in a wave or group, and the coefficients are then of the others. Roles
        that are not asked a scale have no row. Where a coefficient cannot be had (one item, fewer
        than two complete answers, no variance; below three items for omega) the row is there
        without it.

    See Also
    --------
    loftet_analysis.stats.reliability : the coefficients and their intervals.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "pre", "persist_1": [3, 4, 1, 3, 4],
    ...                       "persist_2": [2, 4, 2, 3, 3], "persist_3": [3, 4, 2, 2, 4]})
    >>> row = reliability(clean, asked).query("scale == 'persistence'")
    >>> row[["wave", "subgroup", "n_items", "n", "alpha", "omega"]].round(2)
      wave subgroup  n_items  n  alpha  omega
    2  pre      all        3  5   0.88   0.91
    """
    rows = []
    single = [c for c in clean if any(c in scale.items for scale in asked.scales.values())]
    frame = clean[[c for c in clean if c in {WAVE, *asked.by, *single}]]
    groups = list(parts(frame.astype(dict.fromkeys(single, float)), asked.by))
    for name, scale in asked.scales.items():
        for wave, subgroup, part in groups:
            if not is_asked(scale, wave, subgroup):
                continue
            complete = _complete(part[[item for item in scale.items_in(wave) if item in part]])
            rows.append(
                {
                    **asked.place,
                    "scale": name,
                    "wave": wave,
                    "subgroup": subgroup,
                    "n_items": complete.shape[1],
                    "n": len(complete) if complete.shape[1] else 0,
                    **alpha(complete, ci_level=ci_level),
                    **omega(complete, ci_level=ci_level),
                }
            )
    return schema.table(rows, schema.RELIABILITY)


def _complete(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without gaps, of the columns that have any answer."""
    known = answers.notna().to_numpy()
    asked = known.any(axis=0)
    return answers.loc[known[:, asked].all(axis=1), asked]


def parts(clean: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Give everybody of each wave, and the groups of each column."""
    for wave in WAVES:
        here = clean[(clean[WAVE] == wave).fillna(False)]
        if here.empty:
            continue
        yield wave, ALL, here
        for column in by:
            if column in here:
                groups = list(here.groupby(column, sort=True, observed=True))
                if column == ROLE:
                    groups.sort(key=lambda pair: [*ROLES, pair[0]].index(pair[0]))
                for group, part in groups:
                    is_whole = isinstance(group, float) and group.is_integer()
                    yield wave, f"{column}={int(group) if is_whole else group}", part


def is_asked(scale: Scale, wave: str, subgroup: str) -> bool:
    """Return whether a scale is asked of a group of `parts`."""
    column, _, role = subgroup.partition("=")
    others = column == ROLE and scale.roles is not None and role not in scale.roles
    return wave in scale.waves and not others


@checked
def items(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return a row per item, and one per scale, of every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, the items (reversed already) and the scales.
    asked : Questionnaire
        From ``study[population]``.

    Returns
    -------
    DataFrame
        ``schema.ITEMS``. `n` answered the item; `missing_share` is of those who answered any item
        of the scale. `item_rest_r` (with the sum of the others) and `alpha_if_deleted` are of
        complete answers to the items that vary, as psych has them; `floor_share` and
        `ceiling_share` chose the lowest and highest answer (of a scale: all its answers were
        lowest, or highest). Rows without an item are the scale's.

    See Also
    --------
    loftet_analysis.analysis.reliability.reliability

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "pre", "persistence": [2.5, 4, 1.5, 3, 3.5],
    ...                       "persist_1": [3, 4, 1, 3, 4], "persist_2": [2, 4, 2, 3, 3]})
    >>> rows = items(clean, asked).query("scale == 'persistence'")
    >>> rows[["item", "n", "mean", "sd", "item_rest_r", "ceiling_share"]].round(2)
            item  n  mean    sd  item_rest_r  ceiling_share
    0  persist_1  5   3.0  1.22         0.73            0.0
    1  persist_2  5   2.8  0.84         0.73            0.0
    2             5   2.9  0.96          NaN            0.0
    """
    rows = []
    single = {item for scale in asked.scales.values() for item in scale.items}
    numbers = [c for c in clean if c in single or c in asked.scales]
    frame = clean[[WAVE, *numbers]]
    groups = list(parts(frame.astype(dict.fromkeys(numbers, float)), ()))
    for name, scale in asked.scales.items():
        responses = asked.own.response_set(name)
        ends = (responses.minimum, responses.maximum)
        for wave, subgroup, part in groups:
            if not is_asked(scale, wave, subgroup):
                continue
            key = {**asked.place, "scale": name, "wave": wave, "subgroup": subgroup}
            columns = [item for item in scale.items_in(wave) if item in part]
            answered = part[columns].to_numpy()
            # of a score as it is there are no items that could have been reached
            reached = ~np.isnan(answered).all(axis=1) | scale.as_is
            answered = answered[reached]
            told = [
                {"item": item, **_described(y, ends), **telling}
                for item, y, telling in zip(columns, answered.T, _in_scale(answered), strict=True)
            ]
            if name in part:
                told.append({"item": "", **_described(part[name].to_numpy()[reached], ends)})
            rows += [{**key, **each} for each in told]
    return schema.table(rows, schema.ITEMS)


def _described(y: NDArray[np.float64], ends: tuple[float, float]) -> dict[str, float]:
    given = y[~np.isnan(y)]
    n = len(given)
    return {
        "n": n,
        "missing_share": 1 - n / len(y) if len(y) else np.nan,
        "mean": given.mean() if n else np.nan,
        "sd": given.std(ddof=1) if n > 1 else np.nan,
        "floor_share": (given == ends[0]).mean() if n else np.nan,
        "ceiling_share": (given == ends[1]).mean() if n else np.nan,
    }


def _in_scale(asked: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return each item's item–rest r and alpha if deleted, from covariances of complete answers.

    With C the covariances and i the item left out, r = (C1 − C_ii) / sqrt(C_ii V), V the variance
    of the sum of the others, and alpha without it (k − 1)/(k − 2) (1 − Σ_j≠i C_jj / V).
    """
    found: list[dict[str, float]] = [{} for _ in asked.T]
    known = ~np.isnan(asked)
    there = known.any(axis=0)
    complete = asked[known[:, there].all(axis=1)]
    varies = there & (complete != complete[:1]).any(axis=0)
    complete = complete[:, varies]
    n, k = complete.shape
    if k < 2 or n < 2:
        return found
    c = np.cov(complete, rowvar=False)
    own, with_all = np.diag(c), c.sum(axis=1)
    others = c.sum() - 2 * with_all + own
    positive = (own > 0) & (others > 1e-12)
    scale = np.sqrt(np.where(positive, own * others, 1))
    r = np.where(positive, (with_all - own) / scale, np.nan)
    deleted = np.full(k, np.nan)
    if k > 2:
        safe = np.where(positive, others, np.nan)
        deleted = (k - 1) / (k - 2) * (1 - (own.sum() - own) / safe)
    for i, item in enumerate(np.flatnonzero(varies)):
        found[item] = {"item_rest_r": r[i], "alpha_if_deleted": deleted[i]}
    return found
