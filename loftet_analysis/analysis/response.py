"""What came in: people step by step, day by day, careless signs, and who differed before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.careless import FAST, SAME, UNANSWERED
from loftet_analysis.cleaning.response import COULD_BE_FOUND, LINKED_NEAR
from loftet_analysis.stats.missing import baseline_flags, standardised_differences
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

#: Of so many a share is told; of fewer, numbers of people that are rounded move it too far.
FOR_A_SHARE = 100
#: Of so many it can be told at least whether most of them answered: every class is two numbers or
#: more.
FOR_A_CLASS = 7
#: Invited of whom a quarter is no number of few people.
FOR_A_QUARTER = 24
SIGNS = (SAME, FAST, UNANSWERED)


def totals(response: pd.DataFrame, *, region: str, schools: bool = False) -> pd.DataFrame:
    """Return the response of a region, or of the country, summed over its schools.

    Parameters
    ----------
    response : DataFrame
        ``schema.RESPONSE`` by school.
    region : str
        A slug, or ``national``.
    schools : bool, default False
        Whether also the schools that have anybody left are counted step by step.

    Returns
    -------
    DataFrame
        ``schema.RESPONSE`` with an empty `school_id`, and `n_schools` (where anybody answered);
        a count that no school has is missing, and `n_invited` where a school with answers lacks
        it. With `schools` also ``schools_invited`` to ``schools_linked``, missing where the people
        are.

    Examples
    --------
    >>> rows = pd.DataFrame({"population": "pupils", "wave": "pre", "region": "oslo",
    ...     "school_id": ["a", "b"], "subgroup": "all", "n_invited": [40, 30],
    ...     "n_answered": [35, 0], "n_consented": [34, 0], "n_kept": [33, 0],
    ...     "n_linkable": pd.NA, "n_linked": pd.NA})
    >>> totals(rows, region="oslo")[["n_invited", "n_answered", "n_linked", "n_schools"]]
       n_invited  n_answered  n_linked  n_schools
    0         70          35      <NA>          1
    """
    here = response if region == names.NATIONAL else response[response[names.REGION] == region]
    keys = [names.POPULATION, names.WAVE, names.SUBGROUP]
    counts = here[keys].join(here[[*schema.STEPS]].astype("Int64"))
    groups = counts.groupby(keys, sort=False)
    summed = groups[[*schema.STEPS]].sum(min_count=1)
    # a sum over the schools that the register knows would be set against answers from all
    answering = counts["n_consented"].gt(0) & counts["n_invited"].isna()
    partly = answering.groupby([counts[key] for key in keys], sort=False).any()
    summed["n_invited"] = summed["n_invited"].mask(partly)
    summed["n_schools"] = counts["n_answered"].gt(0).groupby([counts[k] for k in keys]).sum()
    columns = [*schema.RESPONSE, "n_schools"]
    if schools:
        there = counts[[*schema.STEPS]].gt(0).astype("Int64")
        at_step = there.groupby([counts[key] for key in keys], sort=False).sum()
        for step, column in zip(schema.STEPS, schema.SCHOOLS_BY_STEP, strict=True):
            summed[column] = at_step[step].mask(summed[step].isna())
        columns += schema.SCHOOLS_BY_STEP
    found = summed.reset_index().assign(**{names.REGION: region, names.SCHOOL: ""})
    return found[columns]


def share_of(part: float, whole: float) -> float | None:
    """Return a share of people, or nothing where it would be of fewer than `FOR_A_SHARE`.

    Examples
    --------
    >>> share_of(90, 120), share_of(60, 66)
    (0.75, None)
    """
    if pd.isna(part) or pd.isna(whole) or whole < FOR_A_SHARE:
        return None
    return float(part) / float(whole)


def answered_class(answered: pd.Series, invited: pd.Series) -> pd.Series:
    """Return how many of the invited answered, in classes that tell of no few people.

    Returns
    -------
    Series of str
        ``hardly`` (below a quarter, of 24 invited or more), ``some`` (below half), ``most``; empty
        where fewer than seven were invited or a number is missing.

    Examples
    --------
    >>> answered_class(pd.Series([5, 1, 3, 4, 2]), pd.Series([24, 8, 8, 8, 3])).tolist()
    ['hardly', 'some', 'some', 'most', '']
    """
    asked = invited.astype("Float64").where(invited.ge(FOR_A_CLASS).fillna(False))
    share = (answered.astype("Float64") / asked).astype(float)
    known = share.notna()
    hardly = (share < 0.25) & asked.ge(FOR_A_QUARTER).fillna(False).astype(bool)
    found = np.select([~known, hardly, share < 0.5], ["", "hardly", "some"], "most")
    return pd.Series(found, index=answered.index, dtype="str")


@checked
def missing_answers(items: pd.DataFrame) -> pd.DataFrame:
    """Return how many of the answers to each scale's items are missing.

    Parameters
    ----------
    items : DataFrame
        ``schema.ITEMS``, exact.

    Returns
    -------
    DataFrame
        ``schema.MISSING_ANSWERS``: `n` people who answered any item of the scale, `n_cells` answers
        that they could have given, `share_missing` of these, and `share_most` of the item that
        most people left out.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": "oslo", "population": "pupils", "scale": "joy",
    ...     "item": ["a", "b", ""], "wave": "pre", "subgroup": "all", "n": [90, 80, 95],
    ...     "missing_share": [0.1, 0.2, 0.05]})
    >>> missing_answers(rows)[["n", "n_cells", "share_missing", "share_most"]].round(2)
         n  n_cells  share_missing  share_most
    0  100      200           0.15         0.2
    """
    single = items[items["item"] != ""].astype({"n": float})
    # an item that nobody answered says nothing of how many could have
    reached = (single["n"] / (1 - single["missing_share"])).round()
    keys = list(schema.MISSING_ANSWERS[:5])
    table = single[keys].assign(reached=reached, share=single["missing_share"])
    groups = table.groupby(keys, sort=False)
    found = groups.agg(n=("reached", "max"), k=("share", "size"), share_missing=("share", "mean"),
                       share_most=("share", "max")).reset_index()  # fmt: skip
    found = found.assign(n_cells=found["n"] * found["k"])
    return found.astype({"n": "Int64", "n_cells": "Int64"})[list(schema.MISSING_ANSWERS)]


@checked
def arrivals(clean: pd.DataFrame, asked: Questionnaire, response: pd.DataFrame) -> pd.DataFrame:
    """Return how many questionnaires had come in by the end of each day.

    Parameters
    ----------
    clean : DataFrame
        Clean frame with `wave` and `submitted`.
    asked : Questionnaire
        From ``study[population]``.
    response : DataFrame
        From `totals`: how many were invited.

    Returns
    -------
    DataFrame
        ``schema.ARRIVALS``: `n` counts the questionnaires up to and with the day, `n_final` all of
        the wave; `n_invited` is given where it is large enough for a share. No row where the data
        have no dates.

    Examples
    --------
    >>> asked = Questionnaire("pupils", "oslo")
    >>> clean = pd.DataFrame({"wave": "pre", "submitted": pd.to_datetime(["2025-09-15"] * 2 +
    ...                       ["2025-09-17"])})
    >>> response = pd.DataFrame({"population": ["pupils"], "wave": ["pre"], "subgroup": ["all"],
    ...                          "n_invited": [140]})
    >>> arrivals(clean, asked, response)[["wave", "day", "n", "n_final", "n_invited"]]
      wave        day  n  n_final  n_invited
    0  pre 2025-09-15  2        3        140
    1  pre 2025-09-17  3        3        140
    """
    if names.SUBMITTED not in clean or clean.empty:
        return pd.DataFrame(columns=[*schema.ARRIVALS])
    counts = clean.groupby([names.WAVE, names.SUBMITTED], sort=True).size()
    table = counts.groupby(level=0).cumsum().rename("n").reset_index()
    table = table.rename(columns={names.SUBMITTED: "day"})
    table[names.WAVE] = pd.Categorical(table[names.WAVE], names.WAVES)
    table = table.sort_values([names.WAVE, "day"], ignore_index=True)
    table = table.astype({names.WAVE: "str"}).assign(**asked.place)
    everybody = response[response[names.SUBGROUP] == names.ALL]
    invited = everybody[[names.POPULATION, names.WAVE, "n_invited"]]
    table = table.merge(invited, on=[names.POPULATION, names.WAVE], how="left")
    final = table.groupby(names.WAVE, sort=False)["n"].transform("max")
    told = table["n_invited"].where(table["n_invited"] >= FOR_A_SHARE)
    return table.assign(n_final=final, n_invited=told)[[*schema.ARRIVALS]]


@checked
def careless_signs(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Count the questionnaires with each sign of careless answering.

    Parameters
    ----------
    clean : DataFrame
        Clean frame with `wave`, `careless` and `seconds_per_item`.
    asked : Questionnaire
        From ``study[population]``.

    Returns
    -------
    DataFrame
        ``schema.CARELESS``; `n` questionnaires, those for which the sign could be seen (for *fast*
        those whose time is known).

    Examples
    --------
    >>> asked = Questionnaire("pupils", "oslo")
    >>> clean = pd.DataFrame({"wave": "pre", "careless": ["", "fast", "same_answer;fast"],
    ...                       "seconds_per_item": [6.0, 1.5, 1.0]})
    >>> careless_signs(clean, asked).iloc[:, 2:]
      wave          sign  n  n_flagged
    0  pre   same_answer  3          1
    1  pre          fast  3          2
    2  pre  half_missing  3          0
    """
    rows = []
    for wave in names.WAVES:
        here = clean[(clean[names.WAVE] == wave).fillna(False)]
        if here.empty or names.CARELESS not in here:
            continue
        flags = here[names.CARELESS].fillna("").str.split(";")
        for sign in SIGNS:
            seconds = here.get(names.SECONDS, pd.Series(np.nan, here.index))
            seen = seconds.notna() if sign == FAST else pd.Series(True, here.index)
            flagged = flags.map(lambda told, sign=sign: sign in told)
            counts = (int(seen.sum()), int(flagged.sum()))
            rows.append((asked.population, asked.region, wave, sign, *counts))
    return pd.DataFrame(rows, columns=[*schema.CARELESS])


@checked
def attrition(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return how those who were followed differed from the others before, and the roles likewise.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of one region, or of all.
    asked : Questionnaire
        From ``study[population]``: scales asked before are compared, grade, and the share of its
        `gender`.

    Returns
    -------
    DataFrame
        ``schema.ATTRITION``: a row per comparison and variable. *linked - unlinked*: of those who
        could be found again, those who were and those who were not. *participant - colleague*:
        everybody of either role who answered before. `smd` in SD within the groups, see
        :func:`~loftet_analysis.stats.missing.standardised_differences`; `flags` is
        ``baseline_adjust`` above .05 and ``baseline_apart`` above .25 (What Works Clearinghouse,
        Standards 5.0).

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("teachers", "oslo", load_instrument("teacher"))
    >>> clean = pd.DataFrame({"wave": "pre", "role": ["participant", "colleague"] * 3,
    ...                       "beliefs_inquiry": [4.0, 3, 3, 2, 4, 3]})
    >>> differences = attrition(clean, asked)
    >>> differences[["comparison", "n_one", "n_other", "smd", "flags"]].round(2)
                    comparison  n_one  n_other   smd           flags
    0  participant - colleague      3        3  1.73  baseline_apart
    """
    before = clean[(clean[names.WAVE] == names.PRE).fillna(False)].reset_index(drop=True)
    scales = asked.asked(names.PRE)
    known = [name for name in scales if name in before and before[name].notna().any()]
    covariates = before[known].astype(float)
    if names.GRADE in before:
        covariates[names.GRADE] = before[names.GRADE].astype("Float64").astype(float)
    if asked.gender and names.GENDER in before:
        gender = before[names.GENDER]
        share = gender.eq(asked.gender).astype(float).where(gender.notna())
        covariates[f"{names.GENDER}={asked.gender}"] = share
    tables = [pd.DataFrame(columns=schema.ATTRITION)]
    for comparison, rows, one in _compared(before):
        if not rows.any() or not one[rows].any() or one[rows].all():
            continue
        table = standardised_differences(one[rows], covariates[rows])
        table = table.rename(
            columns={"variable": names.OUTCOME, "n_linked": "n_one", "n_unlinked": "n_other"}
        )
        place: dict[str, Any] = {"comparison": comparison, **asked.place}
        place |= {"flags": baseline_flags(table["smd"]), "reason": "", "suppressed": False}
        tables.append(table.assign(**place)[list(schema.ATTRITION)])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _compared(before: pd.DataFrame) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return each comparison with the rows that it is of, and which of all rows are the one."""
    found = []
    if names.LINK_STATE in before:
        state = before[names.LINK_STATE]
        linked = state.isin((names.LINKED, LINKED_NEAR)).to_numpy()
        found.append((names.LINKED_OR_NOT, state.isin(COULD_BE_FOUND).to_numpy(), linked))
    if names.ROLE in before:
        role = before[names.ROLE]
        both = role.isin((names.PARTICIPANT, names.COLLEAGUE)).to_numpy()
        found.append((names.BY_ROLE, both, role.eq(names.PARTICIPANT).fillna(False).to_numpy(bool)))
    return found
