"""What change a study will be able to see, from its own first answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.analysis.planning import R_SCHOOLS, TYPICAL
from loftet_analysis.errors import InputError
from loftet_analysis.stats.power import (
    LINKED_CHANGE,
    PARTICIPANTS_VS_COLLEAGUES,
    SAME_GRADE,
    Design,
    mdes,
)
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

COLUMNS = (
    "region", "population", "outcome", "question", "estimand", "contrast", "subgroup", "wave",
    "n_pre", "n_post", "n_pairs", "n_clusters", "mdes", "reason", "suppressed",
)  # fmt: skip
#: Estimands of one role, planned as linked change of its people.
_OF_ROLE = {"participants": names.PARTICIPANT, "colleagues": names.COLLEAGUE}
DESIGNS = (LINKED_CHANGE, SAME_GRADE, *_OF_ROLE, PARTICIPANTS_VS_COLLEAGUES)


@checked
def foreseen(
    clean: pd.DataFrame,
    asked: Questionnaire,
    *,
    estimands: Sequence[str],
    followed: float,
    r: float | None = None,
    r_schools: float = R_SCHOOLS,
) -> pd.DataFrame:
    """Return the smallest change that will be visible, from the answers of the first wave.

    The number of schools, how many answered at each, how unequal they are, the ICC of each outcome
    and the share of participants are those of the answers; what only the later wave can tell is
    assumed. See :mod:`loftet_analysis.stats.power` for the formulas.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes, and `role` where roles are compared.
    asked : Questionnaire
        From ``study[population]``; scales that are asked before are planned for.
    estimands : sequence of str
        Of ``linked_change``, ``same_grade``, ``participants``, ``colleagues`` and
        ``participants_vs_colleagues``.
    followed : float
        Share (0–1] of those who answered that will be met again with an answer.
    r : float, optional
        Correlation of a person's answers before and after; default: what is typical, see
        :mod:`~loftet_analysis.analysis.planning`.
    r_schools : float, default .6
        The same of the schools' means: with the ICC it gives the variance of change between
        schools, 2 ICC (1 − `r_schools`), and of two roles that of their difference.

    Returns
    -------
    DataFrame
        A row per outcome and estimand: `n_pre` people at `n_clusters` schools, and `mdes`, the
        smallest change that would be seen with a power of 80 %, in SD. Schools are the clusters.
        `reason` is ``no_answers``, or ``few_schools`` where no degrees of freedom are left.

    Raises
    ------
    InputError
        For an estimand that cannot be planned for, and numbers outside their range.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> rng = np.random.default_rng(1)
    >>> clean = pd.DataFrame({"wave": "pre", "school_id": np.repeat(list("abcdefgh"), 50),
    ...                       "persistence": rng.integers(1, 5, 400)})
    >>> rows = foreseen(clean, asked, estimands=["same_grade"], followed=1)
    >>> rows[["n_clusters", "mdes"]].round(2)
       n_clusters  mdes
    0           8  0.23
    """
    if unknown := [each for each in estimands if each not in DESIGNS]:
        raise InputError("no design for it", ", ".join(unknown), ", ".join(DESIGNS))
    before = clean[(clean[names.WAVE] == names.PRE).fillna(False)]
    typical = TYPICAL[asked.population]["r"] if r is None else r
    assumed = {"r": typical, "r_schools": r_schools}
    rows = []
    for outcome in asked.asked(names.PRE):
        if outcome not in before:
            continue
        given = before.dropna(subset=[outcome, names.SCHOOL])
        scale = asked.scales[outcome]
        about = {"outcome": outcome, "question": scale.question or "", "subgroup": names.ALL}
        for estimand in estimands:
            row = {**asked.place, **about, "estimand": estimand, "wave": names.PRE, "contrast": ""}
            row |= _smallest(given, outcome, estimand, followed, assumed)
            rows.append(row)
    return schema.table(rows, COLUMNS)


def _smallest(
    given: pd.DataFrame, outcome: str, estimand: str, followed: float, assumed: dict[str, float]
) -> dict[str, object]:
    """Return the numbers of one row."""
    more = {"r": assumed["r"]}
    if estimand in (*_OF_ROLE, PARTICIPANTS_VS_COLLEAGUES):
        takes_part = given.get(names.ROLE, pd.Series("", given.index)).eq(names.PARTICIPANT)
        more["participants"] = float(takes_part.mean()) if len(given) else 0.5
        if estimand in _OF_ROLE:
            given = given[takes_part if estimand == "participants" else ~takes_part]
            more.pop("participants")
    school, schools = pd.factorize(given[names.SCHOOL])
    row = {"n_pre": len(given), "n_clusters": len(schools)}
    if given.empty or not 0 < more.get("participants", 0.5) < 1:
        return {"reason": "no_answers"}
    sizes = np.bincount(school)
    icc = intraclass_correlation(given[outcome].to_numpy(dtype=float), school)
    icc = 0.0 if np.isnan(icc) else min(max(icc, 0.0), 0.99)
    between = 2 * icc * (1 - assumed["r_schools"])
    if estimand != SAME_GRADE:
        more["attrition"] = 1 - followed
        between = min(between, 2 * (1 - assumed["r"]))
    try:
        planned = Design(
            LINKED_CHANGE if estimand in _OF_ROLE else estimand,
            schools=len(schools),
            people=float(sizes.mean()),
            cv=float(sizes.std() / sizes.mean()),
            icc=icc,
            change_variance=between,
            contrast_variance=between,
            **more,
        )
    except InputError:
        if len(schools) > 3:  # not for want of schools
            raise
        return {"reason": "few_schools"}
    return {**row, "mdes": mdes(planned)}
