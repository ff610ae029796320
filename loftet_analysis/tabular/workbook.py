"""Excel workbooks: the sheet that holds the answers, every cell as text."""

from __future__ import annotations

import re
import zipfile
import zlib
from functools import reduce
from pathlib import Path
from typing import IO

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook

from loftet_analysis.errors import InputError
from loftet_analysis.tabular.export import (
    Export,
    cell_text,
    empty,
    from_columns,
    unreadable,
)

MOST_UNPACKED = 1_500_000_000  # bytes
MOST_COLUMNS = 2_000
MOST_CELLS = 300_000_000
_CHUNK = 1 << 22
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # a workbook of Excel before 2007, or a locked one
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# a cell's reference, and whether it holds an error; the last row's number
_REFERENCE = re.compile(rb'<c [^>]*?r="([A-Z]{3,})(\d+)"')
_ERROR = re.compile(rb'<c (?=[^>]*\bt="e")[^>]*?\br="([A-Z]+\d+)"')
_ROW = re.compile(rb'<row [^>]*?r="(\d+)"')


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, by its name or its first bytes."""
    with path.open("rb") as file:
        start = file.read(8)
    return path.suffix.lower() in (".xlsx", ".xls") or start.startswith((b"PK\x03\x04", _OLD))


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Read the rows of the one sheet of a workbook that holds any, and their numbers.

    Raises
    ------
    InputError
        As :func:`read`, but for a sheet without answers.
    """
    sheets = {name: rows for name, rows in read_sheets(path).items() if rows}
    if len(sheets) > 1:
        what, allowed = "more than one filled sheet", "one sheet with the table"
        todo = "keep that sheet and save the others elsewhere"
        raise InputError(what, ", ".join(sheets), allowed, path.name, todo)
    return list(enumerate(next(iter(sheets.values()), []), 1))


def read(path: Path) -> Export:
    """Read the one sheet of a workbook that holds answers; its first row holds the headings.

    Raises
    ------
    InputError
        For an empty, truncated or locked workbook; one that holds error values (``#N/A``), more
        than one sheet of answers, or is larger unpacked than any survey.
    """
    sheets = {name: _below_blanks(rows) for name, rows in read_sheets(path).items() if rows}
    filled = [name for name, (_, rows) in sheets.items() if len(rows) > 1]
    if len(filled) > 1:
        what, allowed = "more than one sheet with answers", "one sheet with answers"
        todo = "keep the sheet with the answers and save the others elsewhere"
        raise InputError(what, ", ".join(filled), allowed, path.name, todo)
    above, rows = max(sheets.values(), key=lambda sheet: len(sheet[1]), default=(0, []))
    if len(rows) < 2:
        raise empty(path.name, f"{len(rows)} rows")
    headings, *answers = rows
    numbers = np.arange(above + 2, above + 2 + len(answers))
    return from_columns(list(zip(*answers, strict=True)), headings, path, numbers)


def _below_blanks(rows: list[list[str]]) -> tuple[int, list[list[str]]]:
    """Return how many blank rows stand above the first filled one, and the rows from there."""
    above = next((place for place, row in enumerate(rows) if any(row)), 0)
    return above, rows[above:]


def read_sheets(path: Path) -> dict[str, list[list[str]]]:
    """Return the rows of every sheet as text, by the sheet's name.

    Raises
    ------
    InputError
        As :func:`read`, of every sheet.
    """
    if path.stat().st_size == 0:
        raise empty(path.name, "0 bytes")
    _inspect(path)
    sheets: dict[str, list[list[str]]] = {}
    try:
        with CalamineWorkbook.from_path(path) as book:
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                while rows and not any(cell != "" for cell in rows[-1]):
                    rows.pop()
                sheets[name] = [[cell_text(cell) for cell in row] for row in rows]
    except (CalamineError, ValueError, OSError) as error:
        raise unreadable(path.name, str(error)) from error
    return sheets


def _inspect(path: Path) -> None:
    """Refuse what would be read wrongly or fill the memory, before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
            if size > MOST_UNPACKED:
                raise _too_large(path, f"{size / 1e9:.1f} GB when unpacked")
            for part in archive.namelist():
                if _SHEET.fullmatch(part):
                    with archive.open(part) as sheet:
                        _inspect_sheet(path, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        locked = path.read_bytes()[:8] == _OLD
        found = "a workbook with a password, or of Excel before 2007" if locked else str(error)
        raise unreadable(path.name, found) from error


def _inspect_sheet(path: Path, sheet: IO[bytes]) -> None:
    rest, widest, last, errors = b"", 0, 0, []
    while chunk := sheet.read(_CHUNK):
        text = rest + chunk
        cut = text.rfind(b"<") if len(chunk) == _CHUNK else len(text)
        text, rest = text[:cut], text[cut:]
        for letters in {match[1] for match in _REFERENCE.finditer(text)}:
            digits = (letter - 64 for letter in letters)
            widest = max(widest, reduce(lambda number, digit: number * 26 + digit, digits))
        numbers = _ROW.findall(text)
        last = max(last, int(numbers[-1])) if numbers else last
        errors += [match[1].decode() for match in _ERROR.finditer(text)]
    if widest > MOST_COLUMNS or last * max(widest, 1) > MOST_CELLS:
        raise _too_large(path, f"{last} rows, a cell in column number {widest}")
    if errors:
        more = f" and {len(errors) - 5} more" if len(errors) > 5 else ""
        found, allowed = "in " + ", ".join(errors[:5]) + more, "texts, numbers and dates"
        todo = "export the form again; a formula or a damaged cell does this"
        raise InputError("error values in a workbook", found, allowed, path.name, todo)


def _too_large(path: Path, found: str) -> InputError:
    allowed = f"{MOST_COLUMNS} columns and {MOST_UNPACKED / 1e9:.1f} GB when unpacked"
    todo = "delete stray cells far to the right or below, or export the form as CSV"
    return InputError("workbook larger than any survey", found, allowed, path.name, todo)
