"""Workbooks for Excel: the same bytes for the same content, written whole or not at all."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format

from loftet_analysis import paths, schema
from loftet_analysis.show.glossary import column_meanings
from loftet_analysis.show.languages import Words, label

#: Text stays text, whatever it looks like.
AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_ROWS = 10_000  # of a table, made ready at a time
_LOOKED_AT = 200  # rows by which the width of a column is chosen
_FIXED = datetime(2000, 1, 1, tzinfo=UTC)


@contextmanager
def workbook(target: Path, *, by_row: bool = False) -> Iterator[Workbook]:
    """Give a workbook to fill, and write it when the block succeeds.

    `by_row` holds one row at a time: sheets are filled one after the other, from the top.
    """
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as room:
        kept = {"constant_memory": True, "tmpdir": room} if by_row else {"in_memory": True}
        book = Workbook(content, {**AS_TEXT, **kept})
        book.set_properties({"created": _FIXED})
        yield book
        try:
            book.close()
        except FileCreateError as error:  # the error of the disk, in another class
            raise error.args[0] from None
    with paths.written_whole(target) as path:
        path.write_bytes(content.getvalue())


def add_sheet(book: Workbook, name: str, heads: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Add a table to a workbook: bold headings that stay in sight, columns as wide as needed."""
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, heads, book.add_format({"bold": True}))
    for number, row in enumerate(rows, start=1):
        sheet.write_row(number, 0, row)
    for place, cells in enumerate(zip(heads, *rows, strict=True)):
        widest = max(len(str(cell)) for cell in cells)
        sheet.set_column(place, place, min(max(widest + 2, 8), 70))


def write_workbook(tables: Mapping[str, pd.DataFrame], target: Path, words: Words) -> None:
    """Write tables into one workbook, a sheet each, after one that says what they hold.

    Numbers are numbers and texts texts, whatever they look like. A heading's note says what its
    column means, and so does the last sheet.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Gated tables by name.
    target : Path
    words : Words
        The language of what is said about them; names of columns are the same in all.
    """
    said = column_meanings(words)
    with workbook(target, by_row=True) as book:
        heads = [words.text("Table"), words.text("What it holds"), words.text("Rows")]
        add_sheet(book, words.text("About"), heads, _about(tables, words))
        bold, formats = book.add_format({"bold": True}), _formats(book)
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, len(table), max(len(table.columns) - 1, 0))
            for place, column in enumerate(table):
                wide = table[column].iloc[:_LOOKED_AT].astype(str).str.len().max()
                width = min(max(len(column) + 3, 0 if pd.isna(wide) else wide + 1), 44)
                sheet.set_column(place, place, width, formats.get(_kind(column)))
            sheet.write_row(0, 0, list(table), bold)
            for place, column in enumerate(table):
                if column in said:
                    sheet.write_comment(0, place, said[column])
            for start in range(0, len(table), _ROWS):
                part = table.iloc[start : start + _ROWS]
                cells = part.astype(object).where(part.notna(), None)
                cells = cells.replace({np.inf: "inf", -np.inf: "-inf"})
                for number, row in enumerate(cells.itertuples(index=False), start=start + 1):
                    sheet.write_row(number, 0, row)
        columns = {column: None for table in tables.values() for column in table}
        meanings = [[name, _kind(name), said[name]] for name in columns if name in said]
        heads = [words.text("Column"), words.text("Type"), words.text("Meaning")]
        add_sheet(book, words.text("Columns"), heads, meanings)


def _about(tables: Mapping[str, pd.DataFrame], words: Words) -> list[list]:
    """Return what each sheet holds, and how cells are read."""
    _ = words.text
    notes = [
        _(
            "Names of columns and codes are the same in all languages; the last sheet explains "
            "them."
        ),
        _(
            "Everything is as the study's disclosure profile allows: rounded, and empty where it "
            "would tell of few people. The column suppressed says so, and reason says why a row "
            "has no numbers."
        ),
        _("An empty cell elsewhere is a number that does not exist."),
        _("Numbers are numbers: the decimal sign is that of your own Excel."),
    ]
    sheets = [[name, label("download", name, words), len(table)] for name, table in tables.items()]
    return [*sheets, *(["", note, ""] for note in notes)]


def _kind(column: str) -> str:
    return schema.COLUMNS[column].kind if column in schema.COLUMNS else "text"


def _formats(book: Workbook) -> dict[str, Format]:
    """Return how cells of each kind are displayed; their numbers stay as they are."""
    shapes = {"count": "#,##0", "number": "0.00##"}
    return {kind: book.add_format({"num_format": shape}) for kind, shape in shapes.items()}
