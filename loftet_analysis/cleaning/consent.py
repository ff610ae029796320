"""Whose answers may be used: own consent, a guardian's, reservations and withdrawals.

Of those whose answers may not be used only the count is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.account import others_not_shown, tellable_texts
from loftet_analysis.cleaning.clean import grade_numbers
from loftet_analysis.cleaning.lists import listed
from loftet_analysis.cleaning.selection import counted_texts, is_closed
from loftet_analysis.cleaning.sheets import Sheets, by_text
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import normalise_label
from loftet_analysis.study.study import CONSENT, GUARDIAN
from loftet_analysis.tabular.cells import SAYS_NO, SAYS_YES

_FEW = 5  # answers to consent that are told; where there are more it is free text
FIRST_GRADE_AGE = 5  # in grade g pupils turn g + 5 in the calendar year in which it begins


def keep_allowed(sheets: Sheets) -> Sheets:
    """Keep the questionnaires that may be used; of the others only the count.

    Those leave who have withdrawn, who opted out, who did not say yes, and whose guardian did not
    where the pupil is not surely old enough.
    """
    study, wave, lists = sheets.study, sheets.wave, sheets.original.lists
    consent, every = sheets.population.consent.get(wave), sheets.frame
    files = (study.withdrawn, *(consent.lists if consent else ()))
    # before anybody leaves: who stands in two lists is met by both
    met = {file: listed(sheets, lists[file]) for file in files if file and file in lists}
    sheets = replace(sheets, listed={file: means for file, (_, means) in met.items()})
    if study.withdrawn in met:
        gone, _ = met[study.withdrawn]
        sheets = sheets.count_only(gone, step="withdrawn", reason="withdrawn")
    if consent and consent.opt_out in met:
        gone = met[consent.opt_out][0][sheets.frame.index]
        sheets = sheets.count_only(gone, step="opt_out", reason="opted_out")
    if consent and consent.column:
        agreed = consenting(sheets, CONSENT, consent.yes)
        sheets = _saying_answers(sheets, CONSENT, consent.yes)
        sheets = sheets.count_only(~agreed, step="consent", reason="no_consent")
    guardian = consent.guardian if consent else None
    if guardian and (guardian.column or guardian.listed in met):
        if guardian.column:
            agreed = consenting(sheets, GUARDIAN, guardian.yes)
            sheets = _saying_answers(sheets, GUARDIAN, guardian.yes)
        elif guardian.listed:
            agreed = met[guardian.listed][0][sheets.frame.index]
        texts = sheets.frame.get(names.GRADE, pd.Series("", index=sheets.frame.index))
        grades, start = grade_numbers(texts), sheets.days_of(wave)[0]
        own = pd.Series(False, index=texts.index)
        for day, rows in start.groupby(start, dropna=False):
            first = None if pd.isna(day) else day.date()
            old = surely_old_enough(grades[rows.index], limit=guardian.below, day=first)
            own[rows.index] = old
        sheets = sheets.count_only(~agreed & ~own, step="guardian", reason="no_consent")
    declined = every.loc[every.index.difference(sheets.frame.index)]
    return replace(sheets, declined=declined)


def _saying_answers(sheets: Sheets, column: str, yes: Sequence[str]) -> Sheets:
    """Add the remark of the answers to consent that were met, where not all of them are yes."""
    labels = sheets.labels.get(column, {})
    met = sheets.frame[column].value_counts().rename("n").rename_axis("code").reset_index()
    met = met.assign(text=[labels.get(code, code).strip() for code in met["code"]], owner="")
    if {*map(normalise_label, met["text"])} <= {*map(normalise_label, yes)}:
        return sheets
    hidden = len(met) > _FEW or not is_closed([*met["text"]], len(sheets.frame))
    known = (*yes, *SAYS_YES, *SAYS_NO, *labels.values())
    told, others = tellable_texts(met.groupby("text")["n"].sum(), known)
    what = "answers to consent" if column == CONSENT else "answers of guardians to consent"
    found = counted_texts(met if hidden else met[met["text"].isin(told.index)], hidden=hidden)
    found += f"; {others_not_shown(others)}" if len(others) and not hidden else ""
    todo = "nothing, if all others mean no; else add them to `yes` under `consent` in study.yml"
    allowed = f"counted as yes: {', '.join(yes)}"
    return sheets.remarking(Problem(what, found, allowed, sheets.where, todo))


def consenting(sheets: Sheets, column: str, yes: Sequence[str]) -> pd.Series:
    """Return whose answer, or its label, means yes.

    Raises
    ------
    InputError
        Where nobody's answer means yes.
    """
    texts, labels = sheets.frame[column], sheets.labels.get(column, {})
    meant = {normalise_label(text) for text in yes}
    given = {
        text: bool({normalise_label(text), normalise_label(labels.get(text, ""))} & meant)
        for text in texts.unique()
    }
    consents = by_text(texts, given.get).astype(bool)
    if len(texts) and not consents.any():
        seen = by_text(texts, lambda text: labels.get(text, text).strip()).value_counts()
        told, hidden = tellable_texts(seen.sort_index(), [*yes, *labels.values()])
        shown = [f"“{text[:40]}”" for text in told.index]
        shown += [others_not_shown(hidden)] if len(hidden) else []
        found = ", ".join(shown) if len(seen) <= _FEW else f"{len(seen)} different texts"
        todo = "correct `consent: yes` in study.yml"
        raise InputError("nobody consents", found, ", ".join(yes), sheets.where, todo)
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
