"""What leaves an export before anything is kept: direct identifiers, by column and by content."""

from __future__ import annotations

from collections.abc import Container

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.columns import identifier_kind
from loftet_analysis.cleaning.identifiers import redact, redact_names
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.study import Population, normalise_label
from loftet_analysis.study.study import LINK

COLUMNS = (names.REGION, "column", "value", "reason", "n")
# numbers of schools and of submissions are no telephone numbers
_MOMENT = r"\d{4}-\d\d-\d\d[T ]?[\d:.]*(?:[+-]\d\d:?\d\d|Z)?|"
_OWN_NUMBERS = (names.SCHOOL, names.GRADE, names.SUBMITTED)


def quarantine(
    frame: pd.DataFrame, export: Export, population: Population, schools: Container[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take direct identifiers out of the cells of a matched export.

    Columns that the study does not name never come this far; those of them that hold identifiers
    by their role are only counted. In the others what is an identifier by its form is replaced
    by its kind (``[email]``), and so is every name that stands in a name column of the export; an
    answer to an item that holds one is missing.
    The id or code to link by stays until it is a pseudonym.

    Parameters
    ----------
    frame : DataFrame
        Text under standard names.
    export : Export
        The export that it is from.
    population : Population
        Its own background columns may hold free text.
    schools : container of str
        The normalised ids and names of the register.

    Returns
    -------
    frame : DataFrame
    values : DataFrame
        ``region, column, value, reason, n``: cells *redacted*, by kind, and cells of whole columns
        that were *left_behind*.
    """
    notes, kept = [], {}
    kinds = {column: identifier_kind(export, column) for column in export.frame}
    for column, kind in kinds.items():
        filled = int(export.frame[column].str.strip().ne("").sum()) if kind else 0
        if filled and not (LINK in frame and frame[LINK].equals(export.frame[column])):
            notes.append(("", column, f"[{kind}]", "left_behind", filled))
    people = {
        text
        for column, kind in kinds.items()
        if kind == "name"
        for text in export.frame[column].unique()
    }
    own = [c for c in population.columns if c in frame and c not in population.values]
    serial = {column for column, role in export.roles.items() if role == "serial"}
    for column in frame:
        if column == LINK:
            continue
        text = frame[column]
        numbers = column in _OWN_NUMBERS or any(
            text.equals(export.frame[one]) for one in serial if column in own
        )
        if column == names.SUBMITTED and text.str.fullmatch(_MOMENT).all():
            continue
        text, found = redact(text, bare_numbers=not numbers)
        if found and column in population.instrument.items:
            text = text.where(text.eq(frame[column]), "")  # no answer, whatever it was
        if people and column in own and column not in (names.GRADE, names.SUBMITTED):
            hidden, named = redact_names(text, people)
            if column == names.SCHOOL:  # a school may bear a person's name
                known = text.map({t: normalise_label(t) in schools for t in text.unique()})
                hidden = hidden.mask(known.astype(bool), text)
                named = int(hidden.ne(text).sum())
            text = hidden
            found = {**found, **({"name": found.get("name", 0) + named} if named else {})}
        kept[column] = text
        notes += [("", column, f"[{kind}]", "redacted", n) for kind, n in found.items() if n]
    return frame.assign(**kept), pd.DataFrame(notes, columns=list(COLUMNS))
