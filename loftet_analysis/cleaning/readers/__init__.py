"""Exports of every survey tool, read to the same frame of text.

What a tool does in a way of its own stands in a file of its name. Nettskjema and Microsoft Forms
do nothing of the kind: with a codebook the headings are variable names and the cells codes,
without one question texts (with HTML in them, and repeated where a question is) and option texts;
both are handed on as they stand, and recognised by name or by text later.

Registers and lists are read by :func:`~loftet_analysis.tabular.read_table` of the floor
`loftet_analysis.tabular`, from which the register of schools is read as well.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loftet_analysis.cleaning.readers import limesurvey, qualtrics, spss, surveyxact
from loftet_analysis.cleaning.readers.chain import chained
from loftet_analysis.cleaning.readers.recognise import recognise, system_roles, tool_of
from loftet_analysis.errors import InputError
from loftet_analysis.study import ExportFile
from loftet_analysis.tabular import Export, read_table, workbook
from loftet_analysis.tabular.delimited import read_delimited

__all__ = ["Export", "chained", "read_export", "read_table", "recognise"]

_ADAPTED = {"limesurvey": limesurvey.adapted, "qualtrics": qualtrics.adapted}


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
        beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
        files = [other.name for other in beside if other.is_file()]
        found = "in its folder: " + (", ".join(files[:10]) or "nothing")
        todo = "put the export there, or correct its name in study.yml"
        raise InputError("export is missing", found, path.name, str(path.parent), todo)
    tool, reason = (file.tool, "") if file.tool else recognise(path, encoding=file.encoding)
    suffix = path.suffix.lower()
    if tool == "surveyxact":
        export = surveyxact.read(path, delimiter=file.delimiter, encoding=file.encoding)
    elif tool == "spss" or (tool == "nettskjema" and suffix in (".sav", ".zsav")):
        export = spss.read(path, encoding=file.encoding)
    elif tool == "excel" or (suffix == ".xlsx" and tool != "table"):
        export = workbook.read(path)
    else:
        export = read_delimited(path, delimiter=file.delimiter, encoding=file.encoding)
    if tool in _ADAPTED:
        export = _ADAPTED[tool](export)
    other = tool_of(export.frame.columns)[0]
    if file.tool and other and other != tool and tool not in ("table", "excel", "spss"):
        todo = f"write tool: {other} in study.yml, or put the right file there"
        found = f"the headings of {other}"
        raise InputError("export of another tool", found, tool, path.name, todo)
    roles = system_roles(other or tool, export.frame.columns)
    return replace(export, roles=roles, tool=tool, recognised=reason)
