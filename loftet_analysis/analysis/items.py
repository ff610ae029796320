"""What each item adds to its scale: means, item–rest correlations, alpha without it, the ends."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loftet_analysis import schema
from loftet_analysis.analysis.reliability import is_asked, parts
from loftet_analysis.names import WAVE
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire


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
        responses = asked.instrument.response_set(name)
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
