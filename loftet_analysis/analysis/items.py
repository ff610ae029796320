"""What each item adds to its scale: means, item–rest correlations, alpha without it, the ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loftet_analysis.analysis.reliability import is_asked, parts
from loftet_analysis.names import ITEMS, WAVE
from loftet_analysis.study import Instrument


def items(
    clean: pd.DataFrame,
    instrument: Instrument,
    *,
    population: str,
    region: str,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Return a row per item, and one per scale, of every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, the items (reversed already) and the scales.
    instrument : Instrument
    population, region : str
        For the columns of these names.
    by : sequence of str, optional
        Columns whose groups get rows of their own.

    Returns
    -------
    DataFrame
        ``names.ITEMS``. `n` answered the item; `missing_share` is of those who answered any item
        of the scale. `item_rest_r` (with the sum of the others) and `alpha_if_deleted` are of
        complete answers to the items that vary, as psych has them; `floor_share` and
        `ceiling_share` chose the lowest and highest answer (of a scale: all its answers were
        lowest, or highest). Rows without an item are the scale's.

    See Also
    --------
    loftet_analysis.analysis.reliability.reliability
    """
    rows = []
    numbers = [c for c in clean if c in instrument.items or c in instrument.scales]
    frame = clean[[c for c in clean if c in {WAVE, *by, *numbers}]]
    groups = list(parts(frame.astype(dict.fromkeys(numbers, float)), by))
    for name, scale in instrument.scales.items():
        answers = instrument.responses[scale.responses]
        ends = (answers.minimum, answers.maximum)
        for wave, subgroup, part in groups:
            if not is_asked(scale, wave, subgroup):
                continue
            key = {"region": region, "population": population, "scale": name, "wave": wave}
            key["subgroup"] = subgroup
            columns = [item for item in scale.items if item in part]
            asked = part[columns].to_numpy()
            reached = ~np.isnan(asked).all(axis=1)
            asked = asked[reached]
            told = [
                {"item": item, **_described(y, ends), **telling}
                for item, y, telling in zip(columns, asked.T, _in_scale(asked), strict=True)
            ]
            if name in part:
                told.append({"item": "", **_described(part[name].to_numpy()[reached], ends)})
            rows += [{**key, **each} for each in told]
    return pd.DataFrame(rows, columns=ITEMS).astype(
        dict.fromkeys(ITEMS[list(ITEMS).index("missing_share") :], float)
    )


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
