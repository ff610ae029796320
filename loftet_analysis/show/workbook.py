"""Workbooks for Excel: the same bytes for the same content, written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from xlsxwriter import Workbook

from loftet_analysis import paths

#: Text stays text, whatever it looks like.
AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FIXED = datetime(2000, 1, 1, tzinfo=UTC)


@contextmanager
def workbook(target: Path) -> Iterator[Workbook]:
    """Give a workbook to fill, and write it when the block succeeds."""
    content = io.BytesIO()
    with Workbook(content, {**AS_TEXT, "in_memory": True}) as book:
        book.set_properties({"created": _FIXED})
        yield book
    with paths.written_whole(target) as path:
        path.write_bytes(content.getvalue())
