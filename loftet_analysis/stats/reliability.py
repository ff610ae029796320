"""Internal consistency of the scales, wave by wave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
from scipy import stats

from loftet_analysis.names import ALL, RELIABILITY, WAVE, WAVES
from loftet_analysis.study import Instrument


def reliability(
    clean: pd.DataFrame,
    instrument: Instrument,
    *,
    population: str,
    region: str,
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return Cronbach's alpha of every scale in every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, and the items, reversed already.
    instrument : Instrument
        Says which items make a scale, and in which waves it is asked.
    population, region : str
        For the columns of these names.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        ``names.RELIABILITY``, a row per scale × wave in the frame. `n` counts people who answered
        every item. Where alpha cannot be had (one item, fewer than two complete answers, no
        variance) the row is there without it. `omega` columns are empty.

    See Also
    --------
    alpha : the coefficient and its interval.
    """
    present = [wave for wave in WAVES if (clean[WAVE] == wave).any()]
    rows = []
    for name, scale in instrument.scales.items():
        for wave in present:
            if wave not in scale.waves:
                continue
            items = [item for item in scale.items if item in clean]
            complete = clean.loc[clean[WAVE] == wave, items].astype(float).dropna()
            rows.append(
                {
                    "region": region,
                    "population": population,
                    "scale": name,
                    "wave": wave,
                    "subgroup": ALL,
                    "n_items": len(items),
                    "n": len(complete) if items else 0,
                    **alpha(complete, ci_level=ci_level),
                }
            )
    return pd.DataFrame(rows, columns=RELIABILITY).astype(
        {column: float for column in RELIABILITY if column.startswith(("alpha", "omega"))}
    )


def alpha(complete: pd.DataFrame, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return Cronbach's alpha with Feldt's interval.

    pingouin gives alpha. Its interval is rounded to three decimals, so Feldt's is computed here:
    1 − (1 − α) F with F the quantiles of F(n − 1, (n − 1)(k − 1)).

    Parameters
    ----------
    complete : DataFrame
        One column per item, one row per person, nothing missing.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    dict
        `alpha`, `alpha_ci_low`, `alpha_ci_high`; empty where alpha is not defined.

    References
    ----------
    Feldt, Woodruff & Salih 1987, Applied Psychological Measurement 11(1), 93–103.

    Examples
    --------
    >>> alpha(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [1, 3, 3, 5]}))
    {'alpha': 0.933..., 'alpha_ci_low': 0.560..., 'alpha_ci_high': 0.995...}
    """
    complete = complete.loc[:, complete.nunique() > 1]  # as psych: a constant item measures nothing
    n, k = complete.shape
    if k < 2 or n < 2 or np.isclose(complete.sum(axis=1).std(), 0, atol=1e-12):
        return {}
    coefficient = float(pingouin.cronbach_alpha(data=complete)[0])
    tails = stats.f.isf([(1 - ci_level) / 2, (1 + ci_level) / 2], n - 1, (n - 1) * (k - 1))
    low, high = 1 - (1 - coefficient) * np.asarray(tails)
    return {"alpha": coefficient, "alpha_ci_low": float(low), "alpha_ci_high": float(high)}
