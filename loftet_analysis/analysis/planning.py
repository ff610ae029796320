"""Planning: what is assumed of a design, and which change it could show.

Assumptions are a study's own where its clean data hold them, else typical ones:

- **ICC, pupils**: of 43 school-level intraclass correlations of pupils' self-reports on
  mathematics (interest, enjoyment, self-concept, anxiety, effort …) in German probability samples,
  grades 4 to 13, the smallest is .01 and the largest .11; the means by stage of school and domain
  are .02 to .07 (Stallasch et al., doi:10.31234/osf.io/2znbq_v1, their database). Of achievement
  more lies between schools, .22 on average in the United States (Hedges & Hedberg 2007,
  doi:10.3102/0162373707299706), and how much varies widely over countries and outcomes (Brunner et
  al. 2018, doi:10.1080/19345747.2017.1375584).
- **r, pupils**: from the same database, as the root of the variance that the answer a year before
  explains: .51 to .76 for twelve months, .35 to .69 for two to four years. Achievement is steadier,
  .70 over two years (Scherrer, Breit & Preckel 2025, doi:10.1016/j.edurev.2025.100687).
- **Teachers and leaders**: no published value for their beliefs and practice is used. What stands
  here is a guess, and its range is wide.
- **How steady schools are** (`r_schools`), how many are found again, and how unequal schools are in
  size: guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.analysis.panel import FEEDER, arrange
from loftet_analysis.cleaning.response import COULD_BE_FOUND
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import ROLE_OF
from loftet_analysis.stats.power import (
    DESIGNS,
    LINKED_CHANGE,
    PARTICIPANTS_VS_COLLEAGUES,
    RESULTS,
    SAME_GRADE,
    Design,
    computed,
    mdes,
    schools_needed,
)
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study import Study
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

FORESEEN = (
    "region", "population", "outcome", "question", "estimand", "contrast", "subgroup", "wave",
    "n_pre", "n_post", "n_pairs", "n_clusters", "mdes", "flags", "reason", "suppressed",
)  # fmt: skip
FORESEEABLE = (LINKED_CHANGE, SAME_GRADE, *ROLE_OF, PARTICIPANTS_VS_COLLEAGUES)
#: What is assumed of each population, where nothing better is known.
TYPICAL = {
    "pupils": {"people": 50.0, "icc": 0.05, "r": 0.5, "attrition": 0.3},
    "teachers": {"people": 6.0, "icc": 0.10, "r": 0.6, "attrition": 0.3},
    "leaders": {"people": 2.0, "icc": 0.10, "r": 0.6, "attrition": 0.3},
}
R_SCHOOLS, CV, PARTICIPANTS, ANSWERING, FEWER_AFTER = 0.6, 0.5, 0.5, 0.8, 0.1
_MOST_UNEQUAL, _HIGHEST_R = 1.5, 0.99
ASSUMED = (
    names.POPULATION, names.ESTIMAND, "people", "icc", "r", "r_schools", "attrition", "cv",
    "participants", "ci_level", "own",
)  # fmt: skip


def assumptions(
    study: Study,
    spread: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    response: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what is assumed of each design that a study's description allows.

    Parameters
    ----------
    study : Study
        Its description, ``study.description``; exports need not be there.
    spread : DataFrame, optional
        Gated rows of `variance`: the ICC before, the median over the outcomes, and the number of
        people per school, are then the study's own.
    changes : DataFrame, optional
        Gated rows of linked changes of everybody: the correlation of the answers and how steady
        schools are, medians over the outcomes, are then the study's own.
    response : DataFrame, optional
        Gated rows of ``study.response()``: how many were found again, or answered after, are then
        the study's own.

    Returns
    -------
    DataFrame
        A row per population and design: `population`, `estimand`; `people` per school who answer
        before (else .8 of those whom the register says were invited, else a typical number);
        `icc`; `r`; `r_schools`, the correlation of the schools' true means before and after;
        `attrition` (of the same grades: how many fewer answer after); `cv` of the numbers of
        people per school; `participants`; `ci_level`; and `own`, which of them are the study's
        own, joined by ``;``. Any can be changed before `planned`.

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> assumptions(load_study("sats"))[["population", "estimand", "people", "icc", "r"]]
      population       estimand  people   icc    r
    0     pupils  linked_change    50.0  0.05  0.5
    """
    rows = []
    for name, population in study.populations.items():
        common = _invited(study, name) | _own(name, spread, changes)
        about = TYPICAL[name] | {"r_schools": R_SCHOOLS, "cv": CV, "participants": PARTICIPANTS}
        for design in DESIGNS:
            if design in population.estimands:
                own = common | _lost(name, design, response)
                fewer = {"attrition": FEWER_AFTER} if design == SAME_GRADE else {}
                row = {names.POPULATION: name, names.ESTIMAND: design, "own": ";".join(own)}
                rows.append({**row, **about, **fewer, **own})
    return pd.DataFrame(rows, columns=list(ASSUMED)).assign(ci_level=study.analysis.ci_level)


def _lost(population: str, design: str, response: pd.DataFrame | None) -> dict[str, float]:
    """Return the share that was not found again, or of the same grades how many fewer answered."""
    if response is None or response.empty:
        return {}
    whole = (response[names.POPULATION] == population) & (response[names.SUBGROUP] == names.ALL)
    by_wave = response[whole].drop_duplicates(names.WAVE).set_index(names.WAVE)
    n = {wave: by_wave.loc[wave] for wave in (names.PRE, names.POST) if wave in by_wave.index}
    if len(n) < 2:
        return {}
    again = n[names.POST]["n_kept"] if design == SAME_GRADE else n[names.PRE]["n_linked"]
    before = n[names.PRE]["n_kept"]
    if pd.isna(again) or pd.isna(before) or not again > 0 or not before > 0:
        return {}
    return {"attrition": round(max(0.0, 1 - float(again) / float(before)), 2)}


def _invited(study: Study, population: str) -> dict[str, float]:
    """Return the people per school and their variation, where the register tells them."""
    invited = study.invited_by_school(population, names.PRE).dropna().astype(float)
    invited = invited[invited > 0]
    if len(invited) < 2:
        return {}
    cv = min(invited.std(ddof=0) / invited.mean(), _MOST_UNEQUAL)
    return {"people": round(ANSWERING * invited.mean(), 1), "cv": round(cv, 2)}


def _own(
    population: str, spread: pd.DataFrame | None, changes: pd.DataFrame | None
) -> dict[str, float]:
    """Return what a study's own gated results say; medians over its outcomes."""
    own: dict[str, float] = {}
    if spread is not None and len(spread):
        before = (spread[names.POPULATION] == population) & (spread[names.WAVE] == names.PRE)
        icc, people = spread.loc[before, "icc"], spread["n"] / spread["n_clusters"]
        own["icc"] = icc.astype(float).clip(lower=0).median()
        own["people"] = people[before].astype(float).median()
    if changes is not None and len(changes):
        rows = changes[changes[names.POPULATION] == population]
        r = rows["r_pre_post"].astype(float)
        variance = rows["icc_change"].astype(float).clip(lower=0) * 2 * (1 - r)
        icc = own.get("icc", TYPICAL[population]["icc"])
        own["r"] = min(r.median(), _HIGHEST_R)
        own["r_schools"] = np.clip(1 - variance.median() / (2 * icc), 0, 1) if icc else np.nan
    return {key: round(float(value), 2) for key, value in own.items() if not pd.isna(value)}


def planned(
    assumed: pd.DataFrame,
    *,
    schools: Iterable[int] | None = None,
    effect: float = np.nan,
    **grid: Iterable[float],
) -> pd.DataFrame:
    """Return which change designs could show.

    The variance of change between schools is 2 ICC (1 − `r_schools`), at most that of the people's
    own changes, and as much is taken to lie between schools in the difference of participants and
    colleagues.

    Parameters
    ----------
    assumed : DataFrame
        From `assumptions`.
    schools : iterable of int, optional
        Numbers of schools; without it, as many as are needed to find the effect with a power of
        .80.
    effect : float, optional
        In SD; without it `power` is empty.
    **grid : iterable of float
        Values to try in place of a column's: ``people``, ``icc``, ``r``, ``attrition`` …

    Returns
    -------
    DataFrame
        ``schema.PLANNED``, a row per design and combination, that of the schools fastest: `se`
        and `mdes` (with a power of .80) in SD, `df`, `power`. They rest on nobody, so that the
        gate lets them pass as they are.

    Raises
    ------
    InputError
        Where an assumption is out of its range, and without both schools and effect.

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> assumed = assumptions(load_study("sats"))
    >>> planned(assumed, effect=0.10)["schools"].to_list()
    [64]
    >>> planned(assumed, schools=[10, 50])["mdes"].round(2).to_list()
    [0.29, 0.11]
    """
    rows = []
    for row in assumed.to_dict("records"):
        for values in product(*map(list, grid.values())):
            each = row | dict(zip(grid, values, strict=True))
            design = _design(each)
            sizes = [schools_needed(design, effect)] if schools is None else schools
            about = {names.POPULATION: row[names.POPULATION], "own": row["own"], "effect": effect}
            rows += [about | vars(replace(design, schools=int(size))) for size in sizes]
    designs = pd.DataFrame(rows, columns=[c for c in schema.PLANNED if c not in RESULTS])
    return computed(designs)[list(schema.PLANNED)]


def _design(row: dict) -> Design:
    between = 2 * row["icc"] * (1 - row["r_schools"])
    if row[names.ESTIMAND] != SAME_GRADE:
        between = min(between, 2 * (1 - row["r"]))
    given = {key: row[key] for key in ("people", "icc", "r", "attrition", "cv", "participants")}
    enough = 10**6  # schools; how many there are is told later
    return Design(
        row[names.ESTIMAND],
        enough,
        change_variance=between,
        contrast_variance=between,
        ci_level=row["ci_level"],
        **given,
    )


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

    The number of clusters, how many answered at each, how unequal they are, the ICC of each outcome
    and the share of participants are those of the answers; what only the later wave can tell is
    assumed. See :mod:`loftet_analysis.stats.power` for the formulas.

    Changes of linked people are planned for those who can be found again, where `link_state` tells
    who they are. Their clusters are schools, of pupils the feeder groups that those who are linked
    already make. Where nobody is, schools stand in their place, ``feeders_unknown`` is among the
    flags, and what is foreseen is too small. The country's changes of eight regions or more will
    rest on the regions, which is not foreseen either.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of all waves: `wave`, `school_id`, the outcomes, `role` where roles are
        compared, and `person_id` and `link_state` where people are linked.
    asked : Questionnaire
        From ``study[population]``; scales that are asked before are planned for.
    estimands : sequence of str
        Of ``linked_change``, ``same_grade``, ``participants``, ``colleagues`` and
        ``participants_vs_colleagues``.
    followed : float
        Share (0–1] of those who can be found again that will answer.
    r : float, optional
        Correlation of a person's answers before and after; default: what is typical, see
        :mod:`~loftet_analysis.analysis.planning`.
    r_schools : float, default .6
        The same of the schools' means: with the ICC it gives the variance of change between
        schools, 2 ICC (1 − `r_schools`), and of two roles that of their difference.

    Returns
    -------
    DataFrame
        A row per outcome and estimand: `n_pre` people in `n_clusters` clusters, and `mdes`, the
        smallest change that would be seen with a power of 80 %, in SD.
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
    if unknown := [each for each in estimands if each not in FORESEEABLE]:
        raise InputError("no design for it", ", ".join(unknown), ", ".join(FORESEEABLE))
    clean = clean.dropna(subset=[names.SCHOOL]).reset_index(drop=True)
    people = arrange(clean)
    clean = clean.assign(**{FEEDER: people.clusters(FEEDER)})
    before = clean[(clean[names.WAVE] == names.PRE).fillna(False)]
    typical = TYPICAL[asked.population]["r"] if r is None else r
    assumed = {"r": typical, "r_schools": r_schools}
    of_groups = asked.population == "pupils"  # only they change school
    rows = []
    for outcome in asked.asked(names.PRE):
        if outcome not in before:
            continue
        given = before.dropna(subset=[outcome])
        scale = asked.scales[outcome]
        about = {"outcome": outcome, "question": scale.question or "", "subgroup": names.ALL}
        for estimand in estimands:
            row = {**asked.place, **about, "estimand": estimand, "wave": names.PRE, "contrast": ""}
            linked = estimand != SAME_GRADE
            cluster = FEEDER if linked and of_groups else names.SCHOOL
            if cluster == FEEDER and not len(people.first):
                row["flags"] = "feeders_unknown"
            answered = given
            if linked and names.LINK_STATE in given:
                answered = given[given[names.LINK_STATE].isin(COULD_BE_FOUND)]
            row |= _smallest(answered, outcome, estimand, followed, assumed, cluster)
            rows.append(row)
    return schema.table(rows, FORESEEN)


def _smallest(
    given: pd.DataFrame,
    outcome: str,
    estimand: str,
    followed: float,
    assumed: dict[str, float],
    clusters: str,
) -> dict[str, Any]:
    """Return the numbers of one row."""
    more = {"r": assumed["r"]}
    if estimand in (*ROLE_OF, PARTICIPANTS_VS_COLLEAGUES):
        takes_part = given.get(names.ROLE, pd.Series("", given.index)).eq(names.PARTICIPANT)
        more["participants"] = float(takes_part.mean()) if len(given) else 0.5
        if estimand in ROLE_OF:
            given = given[takes_part if estimand == "participants" else ~takes_part]
            more.pop("participants")
    cluster, found = pd.factorize(given[clusters])
    row = {"n_pre": len(given), "n_clusters": len(found)}
    if given.empty or not 0 < more.get("participants", 0.5) < 1:
        return {"reason": "no_answers"}
    sizes = np.bincount(cluster)
    icc = intraclass_correlation(given[outcome].to_numpy(dtype=float), cluster)
    icc = 0.0 if np.isnan(icc) else min(max(icc, 0.0), 0.99)
    between = 2 * icc * (1 - assumed["r_schools"])
    if estimand != SAME_GRADE:
        more["attrition"] = 1 - followed
        between = min(between, 2 * (1 - assumed["r"]))
    try:
        planned = Design(
            LINKED_CHANGE if estimand in ROLE_OF else estimand,
            schools=len(found),
            people=float(sizes.mean()),
            cv=float(sizes.std() / sizes.mean()),
            icc=icc,
            change_variance=between,
            contrast_variance=between,
            **more,
        )
    except InputError:
        if len(found) > 3:  # not for want of schools
            raise
        return {"reason": "few_schools"}
    return {**row, "mdes": mdes(planned)}
