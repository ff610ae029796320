"""Which column of a table is which: only what a study names goes on, everything else stays."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.identifiers import looks_like_identifier_heading
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.sheets import Raw
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import ExportFile, Population, normalise_label

_STANDARD = (names.SCHOOL, names.GRADE, names.ROLE, names.GENDER, names.SUBMITTED)
_IDENTIFYING_ROLES = frozenset(
    {"name", "email", "phone", "ip", "coordinates", "username", "national_id"}
)


class Headings:
    """The headings of an export, a list or a register; case, blanks and HTML do not count.

    Parameters
    ----------
    columns : iterable of str
        The table's columns.
    questions : mapping of str to str, optional
        The question text of a column, by which it may be named too.
    where : str
        The table's name, for messages.

    Examples
    --------
    >>> headings = Headings(["Skole ", "V1"], {"V1": "Jeg <b>prøver</b>."})
    >>> headings.find(["skole"]), headings.find(["u1", "jeg prøver."]), headings.find(["trinn"])
    (['Skole '], ['V1'], [])
    """

    def __init__(
        self, columns: Iterable[str], questions: Mapping[str, str] | None = None, where: str = ""
    ) -> None:
        self.where = where
        self._columns: dict[str, list[str]] = {}
        for column in columns:
            texts = (column, (questions or {}).get(column, column))
            for heading in dict.fromkeys(map(normalise_label, texts)):
                self._columns.setdefault(heading, []).append(column)

    def __iter__(self) -> Iterator[str]:
        """Go through the headings in the one form in which they are compared."""
        return iter(self._columns)

    def find(self, wanted: Iterable[str]) -> list[str]:
        """Return the columns that bear the first of the wanted headings that is there."""
        normal = map(normalise_label, wanted)
        return next((self._columns[text] for text in normal if text in self._columns), [])

    def nearest(self, wanted: Iterable[str]) -> str:
        """Return the heading that resembles the first wanted one that has such, or ``""``."""
        near = (difflib.get_close_matches(normalise_label(w), [*self], 1) for w in wanted)
        return next((match[0] for match in near if match), "")

    def absent(self, wanted: Sequence[str], *, found: str = "", todo: str = "") -> Problem:
        """Return the problem of a column that none of the headings names."""
        close = self.nearest(wanted[:1])
        found = found or (f"the nearest heading is “{close}”" if close else "nothing like it")
        todo = todo or "correct the column's name in study.yml, or export the form again"
        return Problem("column not found", found, " or ".join(wanted), self.where, todo)

    def twice(self, columns: Sequence[str]) -> Problem:
        """Return the problem of a needed heading that several columns bear."""
        todo = "export the form with its codebook, so that every question has a name of its own"
        found = ", ".join(columns)
        return Problem(
            "heading that stands twice", found, "each needed heading once", self.where, todo
        )


def match_columns(
    export: Export, population: Population, *, wave: str, file: ExportFile | None = None
) -> tuple[Raw, dict]:
    """Find the columns that a study names in one wave of an export.

    Items are found by their name or codes, else by their wording in any language, earlier ones
    included. In a wide file (pattern ``Pre.{}``) items carry the pattern; other columns may do
    without, where both waves share them.

    Returns
    -------
    raw : Raw
    found : dict
        What :class:`~loftet_analysis.cleaning.sheets.Sheets` holds as `where`, `labels` and
        `sources`.

    Raises
    ------
    InputError
        For items that are asked in this wave and not found (one problem for all of them), a
        missing standard column, a background column of direct identifiers, and headings that
        stand twice.
    """
    file = file or population.files[wave][0]
    where = f"{export.name} ({population.name}, {wave})"
    headings = Headings(export.frame.columns, export.questions, where)
    wanted = {name: population.headers(name, wave, file) for name in population.column_names}
    found = {name: headings.find(texts) for name, texts in wanted.items() if texts}
    problems = [headings.absent(wanted[name]) for name, columns in found.items() if not columns]
    missing = {}
    for name, (scale, item) in population.instrument.columns.items():
        if not scale.asks(name, wave):
            continue
        texts = [file.header(text) for text in (*item.codes, *item.wordings)]
        found[name] = headings.find(texts)
        asked = not (scale.roles and population.roles) or {*scale.roles} & {*population.roles}
        if not found[name] and asked:
            missing[name] = (*item.codes, *item.wordings)
    if missing:
        problems.append(_no_items(missing, headings))
    found = {name: columns for name, columns in found.items() if columns}
    problems += _direct_identifiers(export, population, found, where)
    problems += [headings.twice(columns) for columns in found.values() if len(columns) > 1]
    if problems:
        raise InputError(problems)
    sources = {name: columns[0] for name, columns in found.items()}
    frame = pd.DataFrame({name: export.frame[column] for name, column in sources.items()})
    labels = {name: export.labels.get(column, {}) for name, column in sources.items()}
    raw = Raw(export, frame, _any_answer(export.frame, file.pattern))
    return raw, {"where": where, "labels": labels, "sources": sources}


def _no_items(missing: Mapping[str, Sequence[str]], headings: Headings) -> Problem:
    rows = []
    for name, texts in missing.items():
        close = headings.nearest(texts)
        rows.append(f"{name} (nearest: “{close}”)" if close else name)
    what = "items not found" if len(rows) > 1 else "item not found"
    allowed = "the item's name, one of its columns, or one of its wordings as heading"
    todo = (
        "add the export's heading to the item's `columns` in the instrument, "
        "or the wording of this wave to `earlier`"
    )
    return Problem(what, "; ".join(rows), allowed, headings.where, todo)


def _direct_identifiers(
    export: Export, population: Population, found: Mapping[str, list[str]], where: str
) -> Iterator[Problem]:
    """Yield the background columns of the study's own that hold names, addresses and the like."""
    for name, columns in found.items():
        if name not in population.columns or name in _STANDARD:
            continue
        kinds = {identifier_kind(export, column) for column in columns} - {""}
        if kinds:
            what = "a background column that holds direct identifiers"
            found = f"{name}: {', '.join(columns)} ({', '.join(sorted(kinds))})"
            todo = "take it out of study.yml; an id to link by belongs under `link`"
            yield Problem(what, found, "nothing that names a person", where, todo)


def identifier_kind(export: Export, column: str) -> str:
    """Return the kind of direct identifier that a column holds by its role, or ``""``."""
    role = export.roles.get(column, "")
    if role in _IDENTIFYING_ROLES:
        return role
    return looks_like_identifier_heading(export.questions.get(column, column))


def _any_answer(frame: pd.DataFrame, pattern: str) -> np.ndarray:
    before, _, after = pattern.partition("{}")
    answered = np.zeros(len(frame), dtype=bool)
    for column in frame.columns:
        if column.startswith(before) and column.endswith(after):
            unanswered = np.flatnonzero(~answered)
            if not len(unanswered):
                break
            cells = (
                frame[column] if len(unanswered) == len(frame) else frame[column].iloc[unanswered]
            )
            answered[unanswered] = cells.str.strip().ne("").to_numpy()
    return answered
