"""Whether a school's teachers and leaders see the same thing, and its teachers among themselves.

Both are asked the same after the programme. Schools are what is compared: the mean of a school's
teachers with the mean of its leaders. Whether a school's teachers speak for their school is asked
of the teachers alone: ICC(1), the share of the variance between schools; ICC(2), how reliable the
mean of a school's teachers is; and r_wg(J), how much closer their answers to a scale's J items are
to each other than answers at random would be.

References
----------
Bliese 2000, in Klein & Kozlowski (eds.), Multilevel theory, research, and methods in
organizations, 349–381 (ICC). James, Demaree & Wolf 1984, doi:10.1037/0021-9010.69.1.85 (r_wg(J)).
LeBreton & Senter 2008, doi:10.1177/1094428106296642 (both).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import schema
from loftet_analysis.errors import InputError
from loftet_analysis.names import OUTCOME, POST, SCHOOL, WAVE
from loftet_analysis.stats.cr2 import TOLERANCE, mean
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

FEWEST_SCHOOLS = 3
FEWEST_FOR_R = 4


@checked
def agreement(
    teachers: pd.DataFrame,
    leaders: pd.DataFrame,
    asked: Questionnaire,
    *,
    outcomes: Collection[str],
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return how far teachers and leaders of the same schools agree after the programme.

    Parameters
    ----------
    teachers, leaders : DataFrame
        Clean frames of one region: `wave`, `school_id`, the outcomes and, of teachers, their items,
        reversed already. What a frame does not have counts as not answered.
    asked : Questionnaire
        The teachers', from ``study["teachers"]``, for the items and the answers that could be
        chosen.
    outcomes : collection of str
        Scales of both questionnaires that are asked after.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        ``schema.AGREEMENT``, a row per outcome, in scale points, wave ``post`` only. Over the
        `n_schools` with an answer of a teacher and of a leader: `n_teachers` and `n_leaders` who
        answered there; `mean_teachers` and `mean_leaders`, every school counting once;
        `difference`, the mean of teachers − leaders over schools, with `se` and the interval of
        t(`n_schools` − 1); `r_schools`, Pearson's r of the schools' two means, from 4 schools on
        and where both vary. Over all schools with teachers' answers: `icc1` (0–1, negative
        estimates are 0), `icc2` and `rwg` (0–1), see `reliability_of_means` and `within_groups`;
        `rwg` is of those who answered every item, and empty where no school has two.
        `reason` is ``no_answers`` (no teacher, or no leader), ``few_schools`` (fewer than 3 with
        both) or ``no_variance`` (the same difference at every school); then all numbers are empty.

    Raises
    ------
    InputError
        Where an outcome is no scale of the instrument.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> instrument = load_instrument("teacher")
    >>> asked = ["prepared", *instrument.scales["prepared"].items]
    >>> teachers = pd.DataFrame({"wave": "post", "school_id": list("aabbccdd"),
    ...                          **dict.fromkeys(asked, [3, 4, 2, 3, 5, 5, 4, 4.0])})
    >>> leaders = pd.DataFrame({"wave": "post", "school_id": list("abcd"),
    ...                         "prepared": [4, 3, 4, 4.5]})
    >>> of_teachers = Questionnaire("teachers", "oslo", instrument)
    >>> found = agreement(teachers, leaders, of_teachers, outcomes=["prepared"])
    >>> found[["difference", "se", "df", "r_schools", "icc1", "icc2", "rwg"]].round(3)
       difference     se   df  r_schools   icc1   icc2    rwg
    0      -0.125  0.375  3.0        0.7  0.793  0.885  0.962
    """
    _refuse_unknown(outcomes, asked)
    rows = []
    for outcome in outcomes:
        question = asked.scales[outcome].question or ""
        row: dict[str, Any] = {"region": asked.region, "outcome": outcome, "question": question}
        row |= {"ci_level": ci_level}
        items = list(asked.scales[outcome].items)
        options = list(asked.own.response_set(outcome).options)
        try:
            ours, theirs = _given(teachers, outcome, items), _given(leaders, outcome)
            row |= _between(ours, theirs, ci_level) | _among_teachers(ours, items, options)
        except NotEstimableError as refusal:
            row["reason"] = refusal.reason
        rows.append(row)
    return schema.table(rows, schema.AGREEMENT)


def reliability_of_means(icc1: float, size: float) -> float:
    """Return ICC(2), the reliability of the means of groups of a size, by Spearman and Brown.

    k ICC(1) / (1 + (k − 1) ICC(1)) (Bliese 2000).

    Parameters
    ----------
    icc1 : float
        Share of the variance between groups (0–1).
    size : float
        Mean number k of people in a group.

    Returns
    -------
    float

    Examples
    --------
    >>> round(reliability_of_means(0.2, 6), 3)
    0.6
    """
    return size * icc1 / (1 + (size - 1) * icc1)


def within_groups(
    answers: pd.DataFrame, group: pd.Series, options: list[int], *, fewest: int = 2
) -> float:
    """Return the mean of r_wg(J) over the groups with enough complete answers.

    J (1 − q) / (J (1 − q) + q) with q = s̄²/σ², and 0 where q ≥ 1: s̄² is the mean over the J items
    of the (n − 1) variance of the answers in the group, σ² the variance of answers chosen at
    random, all alike likely: (A² − 1)/12 for A answers one point apart (James, Demaree & Wolf
    1984). People who did not answer all J items are left out.

    By chance q is below 1 in some groups and above 1, which counts as 0, in others, so answers at
    random do not give 0. With J = 4 and A = 5 their simulated mean is .37 in groups of two and .22
    in groups of five; it approaches 0 as groups grow. At the same q the value is higher the more
    items there are.

    Parameters
    ----------
    answers : DataFrame
        A column per item, reversed already.
    group : Series
        The group of each row, with the same index.
    options : list of int
        The values that could be chosen.
    fewest : int, default 2
        Complete answers that a group has at least.

    Returns
    -------
    float
        Empty where there is no such group.

    Examples
    --------
    >>> answers = pd.DataFrame({"item_1": [3, 4, 1, 5], "item_2": [3, 3, 2, 4]})
    >>> round(within_groups(answers, pd.Series(list("aabb")), [1, 2, 3, 4, 5]), 3)
    0.467
    """
    complete = answers.notna().all(axis=1)
    by_group = answers[complete].groupby(group[complete])
    spread = by_group.var(ddof=1)[by_group.size() >= fewest].mean(axis=1)
    ratio = (spread / np.var(options)).clip(upper=1)
    closer = answers.shape[1] * (1 - ratio)
    return float((closer / (closer + ratio)).mean())


def _refuse_unknown(outcomes: Collection[str], asked: Questionnaire) -> None:
    unknown = [outcome for outcome in outcomes if outcome not in asked.scales]
    if unknown:
        raise InputError(
            f"outcomes that are no scales of the {asked.population}",
            found=", ".join(unknown),
            allowed=", ".join(asked.scales),
            todo="compare scales that teachers and leaders are both asked",
        )


def _given(frame: pd.DataFrame, outcome: str, items: Sequence[str] = ()) -> pd.DataFrame:
    """Return school, `outcome` and items (perhaps missing) of those who have the outcome after."""
    if not {WAVE, SCHOOL, outcome} <= set(frame.columns):
        raise NotEstimableError("no_answers")
    after = (frame[WAVE] == POST).fillna(False).to_numpy(bool)
    answers = frame.reindex(columns=[outcome, *items]).astype(float)
    given = answers.rename(columns={outcome: OUTCOME}).assign(**{SCHOOL: frame[SCHOOL]})[after]
    given = given.dropna(subset=[SCHOOL, OUTCOME])
    if given.empty:
        raise NotEstimableError("no_answers")
    return given


def _between(teachers: pd.DataFrame, leaders: pd.DataFrame, ci_level: float) -> dict[str, Any]:
    """Return the comparison of the schools' two means."""
    sides = [side.groupby(SCHOOL)[OUTCOME].agg(["mean", "size"]) for side in (teachers, leaders)]
    common = sides[0].index.intersection(sides[1].index)
    if len(common) < FEWEST_SCHOOLS:
        raise NotEstimableError("few_schools")
    (ours, n_teachers), (theirs, n_leaders) = (side.loc[common].to_numpy().T for side in sides)
    raw = mean(ours - theirs, np.arange(len(common)))
    low, high = raw.interval(ci_level)
    return {
        "n_schools": len(common),
        "n_teachers": n_teachers.sum(),
        "n_leaders": n_leaders.sum(),
        "mean_teachers": ours.mean(),
        "mean_leaders": theirs.mean(),
        "difference": raw.estimate,
        "se": raw.se,
        "df": raw.df,
        "ci_low": low,
        "ci_high": high,
        "r_schools": _correlation(ours, theirs),
    }


def _among_teachers(
    teachers: pd.DataFrame, items: list[str], options: list[int]
) -> dict[str, float]:
    """Return how alike the answers of a school's teachers are."""
    school, schools = pd.factorize(teachers[SCHOOL])
    icc1 = intraclass_correlation(teachers[OUTCOME].to_numpy(), school)
    return {
        "icc1": icc1,
        "icc2": reliability_of_means(icc1, len(teachers) / len(schools)),
        "rwg": within_groups(teachers[items], teachers[SCHOOL], options),
    }


def _correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's r, empty for few schools or where one side does not vary."""
    varying = all(np.ptp(side) > TOLERANCE * np.abs(side).max() for side in (x, y))
    return float(np.corrcoef(x, y)[0, 1]) if len(x) >= FEWEST_FOR_R and varying else np.nan
