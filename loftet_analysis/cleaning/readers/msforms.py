"""Microsoft Forms: a workbook with question texts as headings and option texts in the cells."""

from __future__ import annotations

from pathlib import Path

from loftet_analysis.cleaning.readers import excel
from loftet_analysis.cleaning.readers.export import Export
from loftet_analysis.cleaning.readers.table import read_delimited


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read an export of Microsoft Forms: ``.xlsx``, or ``.csv`` saved from it.

    Answers with several options stay as they are, joined by ``;``.
    """
    if path.suffix.lower() == ".xlsx":
        return excel.read(path)
    return read_delimited(path, delimiter=delimiter, encoding=encoding, delimiters=(",", ";", "\t"))
