"""Excel workbooks: the sheet that holds the answers, every cell as text."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from functools import reduce
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook

from loftet_analysis.errors import InputError, Problem
from loftet_analysis.tabular.export import Export, cell_text, empty, from_columns, unreadable

MOST_UNPACKED = 1_500_000_000  # bytes
MOST_COLUMNS = 2_000
MOST_CELLS = 300_000_000
_MOST_ABOVE, _FEWEST_COLUMNS = 5, 3  # rows of titles above the headings, and these
_CHUNK = 1 << 22
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # a workbook of Excel before 2007, or a locked one
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# a cell's reference, and whether it holds an error; the last row's number
_REFERENCE = re.compile(rb'<c [^>]*?r="([A-Z]{3,})\d+"')
_ERROR = re.compile(
    rb'<(?:\w+:)?c (?=[^>]*\bt="e")[^>]*?\br="([A-Z]+)(\d+)"[^>]*>'
    rb"(?:(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]*)</v>)?"
)
# a formula whose value nobody stored: the file was written by a program that does not calculate
_UNSOLVED = re.compile(
    rb'\br="([A-Z]+)(\d+)"(?![^>]*\bt="str")[^>]*>'
    rb"<(?:\w+:)?f(?:[^>]*/>|(?:\s[^>]*)?>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
_ROW = re.compile(rb'<row [^>]*?r="(\d+)"')
# the same of Excel before 2007: row and column of a cell with an error, or of a formula that gives
# one, and the error's code
_OLD_ERRORS = {
    b"\x00": "#NULL!", b"\x07": "#DIV/0!", b"\x0f": "#VALUE!", b"\x17": "#REF!",
    b"\x1d": "#NAME?", b"\x24": "#NUM!", b"\x2a": "#N/A",
}  # fmt: skip
_OLD_ERROR = re.compile(
    rb"\x05\x02\x08\x00(.{4})..([\x00\x07\x0f\x17\x1d\x24\x2a])\x01"
    rb"|\x06\x00..(.{4})..\x02.([\x00\x07\x0f\x17\x1d\x24\x2a])...\xff\xff",
    re.DOTALL,
)


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, by its first bytes or the name ``.xlsx``."""
    with path.open("rb") as file:
        start = file.read(8)
    return path.suffix.lower() == ".xlsx" or start.startswith((b"PK\x03\x04", _OLD))


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
        For an empty, truncated or locked workbook; one that holds more than one sheet of answers,
        or is larger unpacked than any survey.
    """
    sheets = {}
    for name, rows in read_sheets(path).items():
        above = _headings(rows)
        sheets[name] = above, sum(map(any, rows[:above])), rows[above:]
    filled = [name for name, (*_, rows) in sheets.items() if len(rows) > 1]
    if len(filled) > 1:
        what, allowed = "more than one sheet with answers", "one sheet with answers"
        todo = "keep the sheet with the answers and save the others elsewhere"
        raise InputError(what, ", ".join(filled), allowed, path.name, todo)
    above, titles, rows = max(sheets.values(), key=lambda each: len(each[-1]), default=(0, 0, []))
    if len(rows) < 2:
        raise empty(path.name, f"{len(rows)} rows")
    headings, *answers = rows
    numbers = np.arange(above + 2, above + 2 + len(answers))
    remark = Problem("rows of titles above the headings, passed over", str(titles), "", path.name)
    remarks = (remark,) if titles else ()
    return from_columns(list(zip(*answers, strict=True)), headings, path, numbers, remarks)


def _headings(rows: list[list[str]]) -> int:
    """Return where the headings stand: below blank rows, and titles that fill one cell of many."""
    filled = [sum(map(bool, row)) for row in rows[: _MOST_ABOVE + 1]]
    below = next((place for place, n in enumerate(filled) if n >= _FEWEST_COLUMNS), None)
    if below is not None and max(filled[:below], default=0) <= 1:
        return below
    return next((place for place, row in enumerate(rows) if any(row)), len(rows))


def read_sheets(path: Path) -> dict[str, list[list[str]]]:
    """Return the rows of every sheet as text, by the sheet's name; error values as they look.

    Raises
    ------
    InputError
        As :func:`read`, of every sheet.
    """
    raw = path.read_bytes()
    if not raw:
        raise empty(path.name, "0 bytes")
    errors = {} if raw.startswith(_OLD) else _inspect(path)
    if raw.startswith(_OLD):  # where they stand in any sheet
        errors[""] = [
            (*struct.unpack("<HH", match[1] or match[3]), _OLD_ERRORS[match[2] or match[4]])
            for match in _OLD_ERROR.finditer(raw)
        ]
    sheets: dict[str, list[list[str]]] = {}
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                for row, column, text in errors.get(name, errors.get("", ())):
                    if row < len(rows) and column < len(rows[row]):
                        rows[row][column] = text
                while rows and not any(cell != "" for cell in rows[-1]):
                    rows.pop()
                sheets[name] = [[cell_text(cell) for cell in row] for row in rows]
    except (CalamineError, ValueError, OSError) as error:
        locked = raw.startswith(_OLD)
        found = "a workbook with a password, or a damaged old one" if locked else str(error)
        raise unreadable(path.name, found) from error
    return sheets


def _inspect(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """Return where each sheet shows an error; refuse what would fill the memory."""
    errors = {}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
            if size > MOST_UNPACKED:
                raise _too_large(path, f"{size / 1e9:.1f} GB when unpacked")
            names = _sheet_names(archive)
            for part in archive.namelist():
                if _SHEET.fullmatch(part):
                    with archive.open(part) as sheet:
                        errors[names.get(part, part)] = _inspect_sheet(path, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, SyntaxError) as error:
        raise unreadable(path.name, str(error)) from error
    return errors


def _sheet_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the name of the sheet that each part of a workbook holds."""
    parts = ("xl/_rels/workbook.xml.rels", "xl/workbook.xml")
    if not {*parts} <= {*archive.namelist()}:
        return {}
    links, book = (ElementTree.fromstring(archive.read(part)) for part in parts)
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    names = {}
    for sheet in book.findall(".//{*}sheet"):
        linked = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
        target = targets.get(linked, "")
        names[target[1:] if target.startswith("/") else f"xl/{target}"] = sheet.get("name", "")
    return names


def _inspect_sheet(path: Path, sheet: IO[bytes]) -> list[tuple[int, int, str]]:
    rest, widest, last, errors = b"", 0, 0, []
    while chunk := sheet.read(_CHUNK):
        text = rest + chunk
        whole = len(chunk) < _CHUNK
        cut = len(text) if whole else max(text.rfind(b"<c "), text.rfind(b"<row "), 0)
        text, rest = text[:cut], text[cut:]
        for letters in {match[1] for match in _REFERENCE.finditer(text)}:
            widest = max(widest, _column(letters))
        numbers = _ROW.findall(text)
        last = max(last, int(numbers[-1])) if numbers else last
        for match in _ERROR.finditer(text):
            shown = (match[3] or b"#N/A").decode()
            errors.append((int(match[2]) - 1, _column(match[1]) - 1, shown))
        for match in _UNSOLVED.finditer(text):
            errors.append((int(match[2]) - 1, _column(match[1]) - 1, "#N/A"))
    if widest > MOST_COLUMNS or last * max(widest, 1) > MOST_CELLS:
        raise _too_large(path, f"{last} rows, a cell in column number {widest}")
    return errors


def _column(letters: bytes) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    return reduce(lambda number, letter: number * 26 + letter - 64, letters, 0)


def _too_large(path: Path, found: str) -> InputError:
    allowed = f"{MOST_COLUMNS} columns and {MOST_UNPACKED / 1e9:.1f} GB when unpacked"
    todo = "delete stray cells far to the right or below, or export the form as CSV"
    return InputError("workbook larger than any survey", found, allowed, path.name, todo)
