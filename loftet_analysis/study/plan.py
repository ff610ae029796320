"""The plan: every estimate that a study asks for, as rows."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.study.study import Population, Study

COLUMNS = (
    names.POPULATION, names.OUTCOME, names.QUESTION, names.ESTIMAND, names.SUBGROUP,
    "family", "plan_role",
)  # fmt: skip
PRIMARY, SECONDARY = "primary", "secondary"


def plan(study: Study) -> pd.DataFrame:
    """Return the estimates of change that a study asks for.

    Parameters
    ----------
    study : Study
        As loaded.

    Returns
    -------
    DataFrame
        One row per population, outcome and estimand, in the order of study.yml, of the
        instrument and of ``names.ESTIMANDS``; scales asked both before and after, roles that
        were asked. Columns ``population, outcome, question`` (empty where the scale names
        none), ``estimand, subgroup`` (``all``), ``family`` (empty, or "pupils: primary"),
        ``plan_role`` (primary, secondary).

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> plan(load_study("sats"))[["outcome", "estimand", "plan_role"]].head(2)
       outcome       estimand  plan_role
    0  effort  linked_change  secondary
    1  effort  school_change  secondary
    """
    rows = []
    for population in study.populations.values():
        family = study.analysis.primary.get(population.name)
        for scale in population.instrument.scales.values():
            if not {names.PRE, names.POST} <= set(scale.waves):
                continue
            for estimand in _estimands(population, scale.roles):
                primary = (
                    family is not None
                    and scale.name in family.outcomes
                    and estimand in family.estimands
                )
                rows.append(
                    (
                        population.name,
                        scale.name,
                        scale.question or "",
                        estimand,
                        names.ALL,
                        f"{population.name}: {PRIMARY}" if primary else "",
                        PRIMARY if primary else SECONDARY,
                    )
                )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def _estimands(population: Population, roles: tuple[str, ...] | None) -> list[str]:
    """Return the population's estimands without those about roles that were not asked."""
    about = {
        "participants": {names.PARTICIPANT},
        "colleagues": {names.COLLEAGUE},
        "participants_vs_colleagues": {names.PARTICIPANT, names.COLLEAGUE},
    }
    asked = set(names.ROLES if roles is None else roles)
    return [name for name in population.estimands if about.get(name, set()) <= asked]
