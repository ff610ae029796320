"""One reader per survey tool, each to the same frame of text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loftet_analysis.cleaning.readers import (
    excel,
    limesurvey,
    msforms,
    nettskjema,
    qualtrics,
    spss,
    surveyxact,
    table,
)
from loftet_analysis.cleaning.readers.chain import chained
from loftet_analysis.cleaning.readers.export import Export
from loftet_analysis.cleaning.readers.recognise import recognise, resembles
from loftet_analysis.cleaning.readers.system import system_roles
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import ExportFile

__all__ = ["Export", "chained", "read_export", "recognise"]

_TEXT_READERS = {
    "limesurvey": limesurvey,
    "msforms": msforms,
    "nettskjema": nettskjema,
    "qualtrics": qualtrics,
    "surveyxact": surveyxact,
    "table": table,
}


def read_export(path: Path, file: ExportFile) -> Export:
    """Read one export as text, with the reader of the tool that study.yml names or that is seen.

    Parameters
    ----------
    path : Path
        Where the file lies (``Study.export_path``).
    file : ExportFile
        Its tool, where it is named, and delimiter and encoding where they are given.

    Returns
    -------
    Export
        Every row and column of the file, nothing interpreted.

    Raises
    ------
    InputError
        Where the file is missing, empty, damaged, not text in the encoding that it should be, or
        not of the tool that is named.
    """
    if not path.is_file():
        raise InputError(_no_file(path))
    tool, reason = (file.tool, "") if file.tool else recognise(path, encoding=file.encoding)
    if tool == "spss":
        export = spss.read(path, encoding=file.encoding)
    elif tool == "excel":
        export = excel.read(path)
    else:
        export = _TEXT_READERS[tool].read(path, delimiter=file.delimiter, encoding=file.encoding)
    other = resembles(export.frame)
    if file.tool and other and other != tool and tool not in ("table", "excel", "spss"):
        raise InputError(_other_tool(path, tool, other))
    roles = system_roles(other or tool, export.frame.columns)
    return replace(export, roles=roles, tool=tool, recognised=reason)


def _other_tool(path: Path, tool: str, other: str) -> Problem:
    return Problem(
        "export of another tool",
        found=f"the headings of {other}",
        allowed=tool,
        where=path.name,
        todo=f"write tool: {other} in study.yml, or put the right file there",
    )


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
