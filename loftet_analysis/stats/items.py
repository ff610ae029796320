"""What each item adds to its scale: means, item–rest correlations, alpha without it, the ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from loftet_analysis.names import ITEMS
from loftet_analysis.stats.reliability import is_asked, parts
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
    loftet_analysis.stats.reliability.reliability
    """
    rows = []
    for name, scale in instrument.scales.items():
        answers = instrument.responses[scale.responses]
        ends = (answers.minimum, answers.maximum)
        for wave, subgroup, part in parts(clean, by):
            if not is_asked(scale, wave, subgroup):
                continue
            key = {"region": region, "population": population, "scale": name, "wave": wave}
            key["subgroup"] = subgroup
            asked = part[[item for item in scale.items if item in part]].astype(float)
            reached = asked.notna().any(axis=1)
            asked = asked[reached]
            columns = [*asked, *([name] if name in part else [])]
            whole = asked.assign(**{name: part.loc[reached, name]}) if name in part else asked
            telling = _in_scale(asked)
            for column in columns:
                row = _described(whole[column].astype(float), ends)
                item = "" if column == name else column
                rows.append({**key, "item": item, **row, **telling.get(column, {})})
    return pd.DataFrame(rows, columns=ITEMS).astype(
        dict.fromkeys(ITEMS[list(ITEMS).index("missing_share") :], float)
    )


def _described(y: pd.Series, ends: tuple[float, float]) -> dict[str, float]:
    given = y.dropna()
    return {
        "n": len(given),
        "missing_share": 1 - len(given) / len(y) if len(y) else np.nan,
        "mean": given.mean(),
        "sd": given.std(ddof=1),
        "floor_share": (given == ends[0]).mean(),
        "ceiling_share": (given == ends[1]).mean(),
    }


def _in_scale(asked: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return item–rest r and alpha if deleted, from the covariances of complete answers.

    With C the covariances and i the item left out, r = (C1 − C_ii) / sqrt(C_ii V), V the variance
    of the sum of the others, and alpha without it (k − 1)/(k − 2) (1 − Σ_j≠i C_jj / V).
    """
    complete = asked.dropna(axis=1, how="all").dropna()
    complete = complete.loc[:, complete.nunique() > 1]
    n, k = complete.shape
    if k < 2 or n < 2:
        return {}
    c = np.cov(complete.to_numpy(), rowvar=False)
    own, with_all = np.diag(c), c.sum(axis=1)
    others = c.sum() - 2 * with_all + own
    positive = (own > 0) & (others > 1e-12)
    scale = np.sqrt(np.where(positive, own * others, 1))
    r = np.where(positive, (with_all - own) / scale, np.nan)
    deleted = np.full(k, np.nan)
    if k > 2:
        safe = np.where(positive, others, np.nan)
        deleted = (k - 1) / (k - 2) * (1 - (own.sum() - own) / safe)
    return {
        item: {"item_rest_r": r[i], "alpha_if_deleted": deleted[i]}
        for i, item in enumerate(complete)
    }
