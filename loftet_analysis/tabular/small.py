"""Small tables that people keep beside the exports: registers and lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.tabular import delimited, workbook
from loftet_analysis.tabular.export import Export, bounded, named_apart

_LONGEST = 40  # signs of a heading in a message
_NO_HEADING = re.compile(r"(?:\d\W{0,3}){5}|@")  # what may be of a person


def headings_told(headings: Sequence[str], known: Collection[str]) -> str:
    """Return the headings of a table for a message.

    Parameters
    ----------
    headings : sequence of str
        As they stand in its first row.
    known : collection of str
        Those of them that such a table may have.

    Returns
    -------
    str
        Only how many they are where none is known: then it is another file, whose first row may
        hold anything. None that may be a number or an address of a person.

    Examples
    --------
    >>> headings_told(["school_id", "Skole", "kari@example.no"], ["school_id"])
    'school_id, Skole, one that is not shown'
    >>> headings_told(["Kari Nordmann", "12345"], [])
    '2 columns, none with a known heading'
    """
    if not known:
        n = sum(map(bool, headings))
        return f"{n} column{'s' if n > 1 else ''}, none with a known heading" if n else ""
    return ", ".join(
        "one that is not shown"
        if _NO_HEADING.search(text)
        else text[:_LONGEST] or "one without heading"
        for text in headings
    )


def read_table(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read a small table: a register of schools or attendance, or a list.

    Its first row that is not blank holds the headings. Rows may be shorter than it, blank rows are
    left out, and a table without any row, or one column only, is none the worse.

    Parameters
    ----------
    path : Path
        Text with any delimiter in any encoding that an export may have, or a workbook.
    delimiter, encoding : str or None
        Of text, where they are known.

    Returns
    -------
    Export
        `frame` with every cell as text without blanks around it, `questions` with the headings
        as they stand there, and `rows` with the number that a spreadsheet shows for each row.

    Raises
    ------
    InputError
        For a missing or damaged file, an encoding or delimiter that cannot be told, more than one
        filled sheet of a workbook, and rows that are longer than the headings.
    """
    if not path.is_file():
        raise InputError("table is missing", "no such file", "a CSV file or a workbook", path.name)
    if workbook.is_workbook(path):
        numbered = workbook.read_rows(path)
    else:
        numbered = delimited.read_rows(path, delimiter=delimiter, encoding=encoding)
    cells = ((row, [cell.strip() for cell in cells]) for row, cells in numbered)
    filled = [(row, cells) for row, cells in cells if any(cells)]
    (_, headings), *rows = filled or [(0, [])]
    n, file = len(headings), path.name
    refuse_any(
        Problem("row too long", f"{len(cells)} cells", str(n), f"{file}, row {row}")
        for row, cells in rows
        if any(cells[n:])
    )
    places = (last for _, cells in filled for last, cell in enumerate(cells, 1) if cell)
    width = max(places, default=0)
    headings = headings[:width]
    names = named_apart(headings)
    full = [(cells + [""] * width)[:width] for _, cells in rows]
    frame = pd.DataFrame(full, columns=names, dtype="str")
    numbers = np.array([row for row, _ in rows], dtype=np.int64)
    questions = dict(zip(names, headings, strict=True))
    return bounded(Export(frame, path.name, questions, rows=numbers))
