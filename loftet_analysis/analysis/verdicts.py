"""What is said around an estimate: smallest visible change, adjusted p-values, and the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from loftet_analysis.estimands import ESTIMANDS, names_where
from loftet_analysis.names import ESTIMAND, OUTCOME, POPULATION, REGION
from loftet_analysis.stats.result import less_known
from loftet_analysis.study.families import (
    adjusted_p,
    is_dominated,
    tested_together,
    without_direction,
)
from loftet_analysis.study.frames import checked

INCREASE, DECREASE, NEGLIGIBLE, UNCLEAR, REFUSED = VERDICTS = (
    "increase", "decrease", "negligible", "unclear", "refused",
)  # fmt: skip
POWER = 0.80


@checked
def verdicts(effects: pd.DataFrame) -> pd.DataFrame:
    """Fill what depends on an estimate and its interval, or on the other rows.

    - `mdes` = (t(1 − α/2, df) + t(.80, df)) SE_raw / sd_unit, the smallest change in SD that
      would be seen with a power of 80 %.
    - `p_adjusted`: Holm within each family of national rows, and of the rows of a region that is
      the whole study (flag ``whole_study``); else Benjamini and Hochberg over the regions of one
      population, outcome, estimand, contrast and subgroup, where there are two regions or more.
      `gate` adjusts anew over the tests that are shown. `n_tests` is how many were adjusted
      together; it is for the gate and is not published.
    - `estimate_vs_drift` = estimate − drift, where a drift is expected.
    - `estimate_vs_trend` = estimate − trend, where there is an external trend, and
      `vs_trend_ci_low`, `vs_trend_ci_high`, its interval of `ci_level`: variances of estimate and
      trend added, df of Welch and Satterthwaite with those of the trend infinite. Where the trend
      has no standard error the interval takes it as known.
    - `verdict`, of the estimate less its drift or its trend, the first that holds: ``refused`` (no
      estimate); ``negligible`` (the 1 − 2α interval lies inside ±SESOI, two one-sided tests with
      the same df; `flags` then name a direction where the interval excludes 0); ``increase`` or
      ``decrease`` (the interval of `ci_level` excludes 0, and in a family also `p_adjusted` < α, α
      = 1 − `ci_level`); else ``unclear``, and so is every row with the flag ``one_dominates``,
      whose interval cannot be trusted. Rows without an SD unit are judged in their own units and
      never negligible, and neither are those that the SESOI is not meant for (`dose`, see
      ``estimands.Estimand.has_sesoi``); what is no change (`p_value` empty) has no verdict.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``schema.EFFECTS``, of one verb or of several one below the other; they may have
        verdicts already.

    Returns
    -------
    DataFrame
        The same rows with these columns filled; of each region and population outcome by outcome,
        and of each outcome in the order of ``estimands.ESTIMANDS``.

    References
    ----------
    Bloom 1995, Evaluation Review 19(5) (MDES); Schuirmann 1987, doi:10.1007/BF01068419;
    Holm 1979, Scandinavian Journal of Statistics 6(2); Benjamini & Hochberg 1995, Journal of the
    Royal Statistical Society B 57(1).

    Examples
    --------
    >>> row = {"region": "oslo", "population": "pupils", "outcome": "joy", "subgroup": "all",
    ...        "estimand": "same_grade", "contrast": "post - pre", "family": "", "flags": "",
    ...        "change": 0.08, "change_se": 0.02, "df": 9.0, "p_value": 0.003, "sd_unit": 0.8,
    ...        "estimate": 0.10, "se": 0.025, "ci_level": 0.95, "sesoi": 0.1, "drift": None}
    >>> verdicts(pd.DataFrame([row]))[["mdes", "verdict"]].round(3)
        mdes   verdict
    0  0.079  increase
    """
    rows = _in_order(effects)
    alpha = (1 - rows["ci_level"]).astype(float)
    df = rows["df"].astype(float)
    drift = rows["drift"].astype(float)
    trend, trend_se = (
        rows[column].astype(float) if column in rows else drift * np.nan
        for column in ("trend", "trend_se")
    )
    reach = stats.t.isf(alpha / 2, df) + stats.t.ppf(POWER, df)
    standardised = rows["estimate"].notna()
    estimate = rows["estimate"].where(standardised, rows["change"]).astype(float)
    se = rows["se"].where(standardised, rows["change_se"]).astype(float)
    # only same-grade changes have a trend, and only those of people who grow older a drift
    apart = estimate - drift.fillna(0) - trend.fillna(0)
    se, df = less_known(se, df, trend_se.fillna(0))
    p = rows["p_value"].astype(float)
    p = p.where(drift.isna() & trend.isna(), 2 * stats.t.sf((apart / se).abs(), df))
    together, n_tests, in_family = tested_together(rows, p)
    adjusted = adjusted_p(p, together, in_family)

    half, half_two = (stats.t.isf(tail, df) * se for tail in (alpha / 2, alpha))
    excludes_zero = apart.abs() > half
    meant = ~rows[ESTIMAND].isin(names_where(has_sesoi=False))
    negligible = standardised & meant & (apart.abs() + half_two < rows["sesoi"].astype(float))
    seen = excludes_zero & (~in_family | (adjusted < alpha))
    direction = pd.Series(np.where(apart > 0, INCREASE, DECREASE), index=rows.index)
    flags = without_direction(rows["flags"].fillna(""))
    dominated = is_dominated(flags)
    verdict = np.select(
        [estimate.isna(), p.isna(), dominated, negligible, seen],
        [REFUSED, "", UNCLEAR, NEGLIGIBLE, direction],
        UNCLEAR,
    )
    noted = excludes_zero & negligible & p.notna() & ~dominated
    flags = flags.where(~noted, (flags + ";direction=" + direction).str.removeprefix(";"))
    return rows.assign(
        mdes=(reach * rows["change_se"].astype(float) / rows["sd_unit"].astype(float)).where(
            p.notna()
        ),
        p_adjusted=adjusted,
        n_tests=n_tests,
        estimate_vs_drift=apart.where(drift.notna() & standardised),
        estimate_vs_trend=apart.where(trend.notna() & standardised),
        vs_trend_ci_low=(apart - half).where(trend.notna() & standardised),
        vs_trend_ci_high=(apart + half).where(trend.notna() & standardised),
        verdict=pd.Series(verdict, index=rows.index, dtype="str"),
        flags=flags.astype("str"),
    )


def _in_order(effects: pd.DataFrame) -> pd.DataFrame:
    """Return rows of each region and population together, by outcome and then by estimand."""
    effects = effects.reset_index(drop=True)
    place = {name: order for order, name in enumerate(ESTIMANDS)}
    keys = [effects.get(c, pd.Series("", effects.index)) for c in (REGION, POPULATION, OUTCOME)]
    row = effects.index.to_series()
    first = [row.groupby(keys[:n], dropna=False).transform("min") for n in (2, 3)]
    estimand = effects[ESTIMAND].map(place).fillna(len(place))
    return effects.iloc[np.lexsort([estimand, *first[::-1]])].reset_index(drop=True)
