"""Whose answers may be used: own consent, a guardian's, reservations and withdrawals.

Of those whose answers may not be used only the count is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import normalise_label

FIRST_GRADE_AGE = 5  # in grade g pupils turn g + 5 in the calendar year in which it begins


def consenting(
    texts: pd.Series,
    *,
    yes: Sequence[str],
    labels: Mapping[str, str] | None = None,
    where: str = "",
) -> pd.Series:
    """Return whose answer means yes.

    Parameters
    ----------
    texts : Series of str
        The answers as exported.
    yes : sequence of str
        The texts, or their codes, that mean yes.
    labels : mapping of str to str, optional
        Label by code, where the tool stores labels.

    Returns
    -------
    Series of bool

    Raises
    ------
    InputError
        Where nobody's answer means yes.
    """
    labels = labels or {}
    meant = {normalise_label(text) for text in yes}
    given = {
        text: bool({normalise_label(text), normalise_label(labels.get(text, ""))} & meant)
        for text in texts.unique()
    }
    consents = texts.map(given).astype(bool)
    if len(texts) and not consents.any():
        seen = sorted({labels.get(text, text)[:40] for text in given})
        raise InputError(
            Problem(
                "nobody consents",
                found=", ".join(f"“{text}”" for text in seen[:5]) if len(seen) <= 5
                else f"{len(seen)} different texts",
                allowed=", ".join(yes),
                where=where,
                todo="correct `consent: yes` in study.yml",
            )
        )  # fmt: skip
    return consents


def surely_old_enough(grades: pd.Series, *, limit: int, day: date | None) -> pd.Series:
    """Return who has reached an age on a day beyond doubt, to judge by grade.

    Who is in grade g turns g + 5 in the calendar year in which the school year begins (from
    August): before the new year some are still a year younger.

    Parameters
    ----------
    grades : Series
        Whole numbers; who has none counts as too young.
    limit : int
        The age in years.
    day : date or None
        The first day of the wave; without it the school year's beginning is assumed.

    Returns
    -------
    Series of bool

    Examples
    --------
    >>> grades = pd.Series([9, 10, None])
    >>> surely_old_enough(grades, limit=15, day=date(2025, 9, 15)).to_list()
    [False, False, False]
    >>> surely_old_enough(grades, limit=15, day=date(2027, 3, 1)).to_list()
    [False, True, False]
    """
    turned = day is not None and day.month < 8
    youngest = grades.astype("Float64").astype(float) + FIRST_GRADE_AGE - (0 if turned else 1)
    return youngest.ge(limit)
