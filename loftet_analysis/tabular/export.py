"""What every reader hands on: one frame of text, and what is known of its columns and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loftet_analysis.errors import InputError, Problem, at_rows, refuse_any

#: Signs of one cell; a spreadsheet has room for 32,767.
LONGEST_CELL = 250_000
_FEWER_DIGITS = 2**53  # from here on whole numbers share a float


@dataclass(frozen=True)
class Export:
    """One export, as text and nothing but text.

    Attributes
    ----------
    frame : DataFrame
        One row per row of the export, every cell a string as it stands there, ``""`` where it
        is blank. Columns that share a heading are told apart: ``u1``, ``u1 (2)``.
    name : str
        The file's name, for messages.
    questions : mapping of str to str
        Column → its heading or question text, as the tool wrote it.
    labels : mapping of str to (mapping of str to str)
        Column → code → label, where the tool stores labels beside the codes.
    roles : mapping of str to str
        Column → what the tool itself fills in: *serial, submitted, started, milliseconds,
        seconds, status, preview, forwarded*, and the identifiers *name, email, phone, ip,
        coordinates, username, national_id*.
    tool : str
        What it was read as.
    recognised : str
        By what the tool was recognised, where study.yml does not name it.
    zones : mapping of str to str
        Column → the time zone (``America/Denver``) in which the tool writes its times, where it
        says so.
    remarks : tuple of Problem
        What was guessed, repaired or left out in reading; nothing of it stops a run.
    rows : ndarray of int
        The number that a spreadsheet shows beside each row of the frame: headings and blank rows
        are counted. By default the rows follow one row of headings.
    headings : mapping of str to str
        Column → its heading as it stands in the file, where that is another: one that stands
        twice.
    """

    frame: pd.DataFrame
    name: str
    questions: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    tool: str = ""
    recognised: str = ""
    remarks: tuple[Problem, ...] = ()
    rows: np.ndarray = field(default_factory=lambda: np.arange(0))
    zones: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill in the rows' numbers: where the reader does not say, one row of headings."""
        if not len(self.rows):
            object.__setattr__(self, "rows", np.arange(2, len(self.frame) + 2))

    def zone(self, column: str) -> ZoneInfo | None:
        """Return the time zone in which the tool writes the times of a column, if it says so."""
        return ZoneInfo(self.zones[column]) if column in self.zones else None

    def renamed(self, columns: Mapping[str, str]) -> Export:
        """Return the export with other names of its columns, which stand by the names of now."""
        about: dict[str, Any] = {
            name: {columns[column]: told for column, told in getattr(self, name).items()}
            for name in ("questions", "labels", "roles", "zones", "headings")
        }
        return replace(self, frame=self.frame.rename(columns=columns), **about)

    def below(self, n: int) -> Export:
        """Return the export without its first rows, which are headings."""
        frame = self.frame.iloc[n:].reset_index(drop=True)
        return replace(self, frame=pd.DataFrame(frame, dtype="str"), rows=self.rows[n:])


def bounded(export: Export) -> Export:
    """Return the export; the time that a search for identifiers takes grows with a cell's length.

    Raises
    ------
    InputError
        Where a cell or a heading has more than `LONGEST_CELL` signs: all the columns that hold
        such, by their numbers, with the first row.
    """
    problems = []
    for place, name in enumerate(export.frame, 1):
        lengths = pc.utf8_length(pa.array(export.frame[name], pa.large_string()))
        rows = [1] if len(export.questions.get(name, name)) > LONGEST_CELL else []
        rows += export.rows[np.flatnonzero(pc.greater(lengths, LONGEST_CELL))].tolist()
        if rows:
            allowed = f"at most {LONGEST_CELL:,} signs"
            where = f"{export.name}, column {place}, row {rows[0]}"
            todo = "look at this cell; an export that was cut or joined wrongly does this"
            problems.append(Problem("a cell that is too long", "", allowed, where, todo))
    refuse_any(problems)
    return export


def named_apart(headings: Iterable[str]) -> list[str]:
    """Return the headings, those that have been used before with a number.

    Examples
    --------
    >>> named_apart(["kode", "u1", "u1", "u1 (2)"])
    ['kode', 'u1', 'u1 (2)', 'u1 (2) (2)']
    """
    taken: dict[str, None] = {}
    for heading in headings:
        name, number = heading, 1
        while name in taken:
            number += 1
            name = f"{heading} ({number})"
        taken[name] = None
    return list(taken)


def from_columns(
    columns: Sequence,
    headings: Sequence[str],
    path: Path,
    rows: np.ndarray,
    remarks: tuple[Problem, ...] = (),
) -> Export:
    """Put columns of text, their headings, and the rows' numbers together.

    Raises
    ------
    InputError
        Where there is a heading but not one row, or the headings stand again further down.
    """
    names = named_apart(headings)
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)), dtype="str")
    if frame.empty:
        raise empty(path.name, "no row below the headings")
    again = rows[_headings_again(frame, headings)]
    if len(again):
        allowed = "the headings in the first row alone"
        todo = "take these rows out; two exports seem to have been put together"
        what = "the headings stand again among the answers"
        raise InputError(what, at_rows(again), allowed, path.name, todo)
    questions = dict(zip(names, headings, strict=True))
    twice = {name: heading for name, heading in questions.items() if name != heading}
    return Export(frame, path.name, questions, remarks=remarks, rows=rows, headings=twice)


def _headings_again(frame: pd.DataFrame, headings: Sequence[str]) -> np.ndarray:
    """Return the places of rows that repeat the headings, in whatever order of the columns."""
    known = {heading.strip() for heading in headings} - {""}
    if len(headings) < 2 or not known:
        return np.zeros(0, dtype=int)
    suspect = frame.iloc[:, :3].isin(known).any(axis=1).to_numpy()
    rows = frame[suspect].apply(lambda cells: cells.str.strip()) if suspect.any() else frame[:0]
    are_headings, filled = rows.isin(known), rows.ne("")
    own = rows.eq([heading.strip() for heading in headings])
    # an option that was ticked may stand under its own heading
    elsewhere = (are_headings & ~own).sum(axis=1)
    alike = (own | ~filled).all(axis=1) & (own.sum(axis=1) > len(known) / 2)
    alike |= (elsewhere > 1) & (are_headings.sum(axis=1) >= filled.sum(axis=1) / 2)
    return np.flatnonzero(suspect)[alike.to_numpy()]


def empty(file: str, found: str) -> InputError:
    """Return the error of an export without answers."""
    todo = "export the form again, and look at the file before it is put here"
    return InputError("empty export", found, "at least one row of answers", file, todo)


def unreadable(file: str, found: str) -> InputError:
    """Return the error of a file that is damaged or of another kind."""
    allowed = "a whole file of the kind that study.yml names"
    todo = "export or copy the file again, or correct its tool in study.yml"
    return InputError("unreadable export", found, allowed, file, todo)


def cell_text(cell: object) -> str:
    """Return what a cell says: whole numbers without a decimal point, dates as ISO 8601.

    Whole numbers of 2^53 and more, which a cell does not hold to the last digit, are given with 15
    digits and a power of ten (:func:`~loftet_analysis.tabular.cells.is_shortened`).

    Examples
    --------
    >>> [cell_text(cell) for cell in (3.0, 2.5, "0301", date(2025, 9, 15), True, "")]
    ['3', '2.5', '0301', '2025-09-15', 'TRUE', '']
    >>> cell_text(2.0**53)
    '9.00719925474099E+15'
    """
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        if abs(cell) >= _FEWER_DIGITS and cell.is_integer():
            return f"{cell:.14E}"
        return str(int(cell)) if cell.is_integer() else repr(float(cell))
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
