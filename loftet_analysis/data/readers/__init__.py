"""One reader per survey tool, each to the same frame of text."""

from __future__ import annotations

from pathlib import Path

from loftet_analysis.data.readers import excel, nettskjema, spss, table
from loftet_analysis.data.readers.chain import chained
from loftet_analysis.data.readers.export import Export
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import ExportFile

__all__ = ["Export", "chained", "read_export"]


def read_export(path: Path, file: ExportFile) -> Export:
    """Read one export as text, with the reader that study.yml names.

    Parameters
    ----------
    path : Path
        Where the file lies (``Study.export_path``).
    file : ExportFile
        Its tool, and delimiter and encoding where they are given.

    Returns
    -------
    Export
        Every row and column of the file, nothing interpreted.

    Raises
    ------
    InputError
        Where the file is missing, empty, damaged or not text in the encoding that it should be.
    """
    if not path.is_file():
        raise InputError(_no_file(path))
    if file.tool == "spss":
        return spss.read(path, encoding=file.encoding)
    if file.tool == "excel":
        return excel.read(path)
    reader = nettskjema if file.tool == "nettskjema" else table
    return reader.read(path, delimiter=file.delimiter, encoding=file.encoding)


def _no_file(path: Path) -> Problem:
    beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    files = [other.name for other in beside if other.is_file()]
    return Problem(
        "export is missing",
        found="in its folder: " + (", ".join(files[:10]) or "nothing"),
        allowed=path.name,
        where=str(path.parent),
        todo="put the export there, or correct its name in study.yml",
    )
