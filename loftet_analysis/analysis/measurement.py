"""What is known of a scale's measurement, as codes that every result on it carries, and one light.

Settled once for the study, so that the same scale has the same light in every region:

- *low_reliability*, *modest_reliability*: the lower of the alphas before and after is below .60,
  or below .70 (Nunnally & Bernstein 1994); *low_reliability_in_part*: in some region, grade or role
  the whole interval of alpha is.
- *single_item*, *reliability_unknown*: there is no alpha, since the scale is one question, or since
  nobody or too few answered all of it.
- *no_metric_invariance*, *no_scalar_invariance*, *invariance_not_examined*: see
  :mod:`loftet_analysis.analysis.invariance`; *metric_invariance_unsure* where equal loadings harm
  RMSEA alone, which with a few hundred people happens by chance.
- *waves_oppose*: people who score high before score low after (the whole 99.9 % interval of the
  correlation is below zero), as where the codes of one wave are turned;
- *items_differ*: other items were asked in one of the waves than in another;
- *wording_changed*: an item was worded otherwise in one of the waves.
- *floor_effect*, *ceiling_effect*: more than 15 % of the people have the lowest, or highest,
  possible score (Terwee et al. 2007).
- *measurement_unknown*: nothing was settled for the scale.

The light is *doubt* where a change on the scale need not be a change of what it measures
(no_metric_invariance, waves_oppose) or is mostly error (low_reliability), *care* with any other
code, else *good*.

References
----------
Nunnally & Bernstein 1994, Psychometric Theory, 3rd ed.; Terwee et al. 2007, Journal of Clinical
Epidemiology 60(1), 34-42, doi:10.1016/j.jclinepi.2006.03.012.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from loftet_analysis.analysis.invariance import LESS_CFI
from loftet_analysis.cleaning.units import TOTAL
from loftet_analysis.names import OUTCOME, POPULATION
from loftet_analysis.stats.factor import METRIC, SCALAR
from loftet_analysis.study import Study

LOW_ALPHA, MODEST_ALPHA = 0.60, 0.70
AT_THE_END = 0.15
GOOD, CARE, DOUBT = LIGHTS = ("good", "care", "doubt")
CODES = (
    "waves_oppose", "no_metric_invariance", "metric_invariance_unsure", "no_scalar_invariance",
    "invariance_not_examined", "low_reliability", "modest_reliability", "low_reliability_in_part",
    "single_item", "reliability_unknown", "items_differ", "wording_changed", "floor_effect",
    "ceiling_effect", "measurement_unknown",
)  # fmt: skip
UNKNOWN = CODES[-1]
_DOUBTS = frozenset({"waves_oppose", "no_metric_invariance", "low_reliability"})


def light(warning: str) -> str:
    """Return the light of a scale from its codes: good, care or doubt.

    Examples
    --------
    >>> light(""), light("floor_effect"), light("wording_changed;low_reliability")
    ('good', 'care', 'doubt')
    """
    codes = set(filter(None, warning.split(";")))
    return DOUBT if codes & _DOUBTS else CARE if codes else GOOD


def measurement_warnings(
    invariance_rows: pd.DataFrame,
    units: pd.DataFrame,
    reworded: Collection[tuple[str, str]] = (),
    differing: Collection[tuple[str, str]] = (),
) -> dict[tuple[str, str], str]:
    """Return what every result on a scale must carry, by (population, scale).

    Parameters
    ----------
    invariance_rows : DataFrame
        ``schema.INVARIANCE``.
    units : DataFrame
        ``schema.UNITS``.
    reworded : collection of (population, scale)
        Scales of which an item was worded otherwise in one of the waves.
    differing : collection of (population, scale)
        Scales that asked other items in one of the waves than in another.

    Returns
    -------
    dict
        Codes of ``CODES`` joined by ";"; "" for a scale without any.
    """
    codes: dict[tuple[str, str], set[str]] = {}
    for row in units[units["unit"] == TOTAL].to_dict("records"):
        told = codes.setdefault((row[POPULATION], row[OUTCOME]), set())
        alpha = np.nanmin([row["alpha"], row["alpha_post"], np.inf])
        is_single = row["n_items"] == 1
        raised = {
            "low_reliability": alpha < LOW_ALPHA,
            "modest_reliability": LOW_ALPHA <= alpha < MODEST_ALPHA,
            "low_reliability_in_part": alpha >= LOW_ALPHA > row["alpha_part"],
            "single_item": is_single,
            "waves_oppose": row["r_waves"] < 0,
            "reliability_unknown": np.isinf(alpha) and not is_single,
            "floor_effect": row["floor_share"] > AT_THE_END,
            "ceiling_effect": row["ceiling_share"] > AT_THE_END,
        }
        told |= {code for code, is_raised in raised.items() if is_raised}
    for key, rows in invariance_rows.groupby(["population", "scale"], sort=False):
        told = codes.setdefault(key, set())
        fell = rows[rows["holds"].eq(False).fillna(False)]
        if (fell["model"] == SCALAR).any():
            told.add("no_scalar_invariance")
        if (fell["model"] == METRIC).any():
            by_cfi = fell.loc[fell["model"] == METRIC, "delta_cfi"].lt(-LESS_CFI).any()
            told.add("no_metric_invariance" if by_cfi else "metric_invariance_unsure")
        if rows.loc[rows["model"] == SCALAR, "holds"].isna().all():
            told.add("invariance_not_examined")
    for code, scales in (("wording_changed", reworded), ("items_differ", differing)):
        for key in scales:
            codes.setdefault(key, set()).add(code)
    return {key: ";".join(code for code in CODES if code in told) for key, told in codes.items()}


def reworded_items(study: Study) -> list[tuple[str, str, str, str]]:
    """Return the (population, scale, item, wave) of items that were worded otherwise in a wave."""
    return [
        (population.name, scale.name, item.name, wave)
        for population in study.populations.values()
        for scale in population.instrument.scales.values()
        for item in scale.items.values()
        for earlier in item.earlier
        for wave in earlier.waves
        if wave in population.files
    ]


def differing_scales(study: Study) -> set[tuple[str, str]]:
    """Return the (population, scale) that asked other items in one wave than in another."""
    return {
        (population.name, scale.name)
        for population in study.populations.values()
        for scale in population.instrument.scales.values()
        if len(scale.forms(population.files)) > 1
    }
