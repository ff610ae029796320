"""Nettskjema: quoted text with ``;`` (or ``,`` by way of a secure disk), or the workbook.

With a codebook the headings are variable names and the cells codes; without one they are
question texts (with HTML in them, and repeated where a question is) and option texts. Both are
handed on as they stand: columns and answers are recognised by name or by text later.
"""

from __future__ import annotations

from pathlib import Path

from loftet_analysis.cleaning.readers.excel import read as read_workbook
from loftet_analysis.cleaning.readers.export import Export
from loftet_analysis.cleaning.readers.spss import read as read_spss
from loftet_analysis.cleaning.readers.table import read_delimited


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read an export of Nettskjema: ``.txt``/``.csv``, ``.xlsx`` or ``.sav``."""
    if path.suffix.lower() == ".xlsx":
        return read_workbook(path)
    if path.suffix.lower() in (".sav", ".zsav"):
        return read_spss(path, encoding=encoding)
    return read_delimited(path, delimiter=delimiter, encoding=encoding, delimiters=(";", ","))
