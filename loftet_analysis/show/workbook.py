"""Workbooks for Excel: the same bytes for the same content, written whole or not at all."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from loftet_analysis import paths

#: Text stays text, whatever it looks like.
AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
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
