"""Excel workbooks: the first sheet that holds anything, every cell as text."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from loftet_analysis.data.readers.export import Export, empty, from_columns, unreadable
from loftet_analysis.errors import InputError


def read(path: Path) -> Export:
    """Read a workbook whose first row holds the headings.

    Raises
    ------
    InputError
        For an empty, truncated or locked workbook.
    """
    if path.stat().st_size == 0:
        raise InputError(empty(path, "0 bytes"))
    try:
        with CalamineWorkbook.from_path(path) as book:
            sheets = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
            rows = next((sheet for sheet in sheets if sheet), [])
    except CalamineError as error:
        raise InputError(unreadable(path, str(error))) from error
    if len(rows) < 2:
        raise InputError(empty(path, f"{len(rows)} rows"))
    headings, *answers = ([cell_text(cell) for cell in row] for row in rows)
    return from_columns(list(zip(*answers, strict=True)), headings, path)


def cell_text(cell: object) -> str:
    """Return what a cell says: whole numbers without a decimal point, dates as ISO 8601.

    Examples
    --------
    >>> [cell_text(cell) for cell in (3.0, 2.5, "0301", date(2025, 9, 15), True, "")]
    ['3', '2.5', '0301', '2025-09-15', 'TRUE', '']
    """
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)
