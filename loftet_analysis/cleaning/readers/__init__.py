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
from typing import Any

import pandas as pd

from loftet_analysis.cleaning.readers import (
    kobo,
    labelled,
    limesurvey,
    qualtrics,
    redcap,
    surveymonkey,
    surveyxact,
)
from loftet_analysis.cleaning.readers.recognise import (
    IN_UTC,
    recognise,
    refuse_other_kinds,
    system_roles,
    tool_of,
)
from loftet_analysis.errors import InputError, Problem, at_rows, refuse_any
from loftet_analysis.study import ExportFile
from loftet_analysis.study.study import Continuation
from loftet_analysis.tabular import Export, read_table, workbook
from loftet_analysis.tabular.delimited import read_delimited
from loftet_analysis.tabular.export import bounded, named_apart

__all__ = ["Export", "chained", "read_export", "read_table", "recognise"]

_ADAPTED = {
    "kobo": kobo.adapted,
    "limesurvey": limesurvey.adapted,
    "qualtrics": qualtrics.adapted,
    "redcap": redcap.adapted,
    "surveymonkey": surveymonkey.adapted,
}
# how many rows of headings a tool writes below the first
_HEADING_ROWS = {"qualtrics": qualtrics.heading_rows, "surveymonkey": surveymonkey.has_second_row}


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
    refuse_other_kinds(path)
    given = {"delimiter": file.delimiter, "encoding": file.encoding}
    tool, reason = (file.tool, "") if file.tool else recognise(path, **given)
    if path.suffix.lower() in labelled.PROGRAMS or tool in labelled.PROGRAMS.values():
        export = labelled.read(path, encoding=file.encoding)
    elif tool in ("surveyxact", "table"):
        export = surveyxact.read(path, **given)
    elif workbook.is_workbook(path):
        export = workbook.read(path)
    else:
        export = read_delimited(path, **given)
    export = bounded(export)
    if tool == "table" and export.labels:
        found = ", ".join(other.name for other in surveyxact.beside(path, export.frame).values())
        remark = Problem("codes are read by the labels beside them", found, where=export.name)
        export = replace(export, remarks=(*export.remarks, remark))
    other = tool_of(export.headings.get(column, column) for column in export.frame)[0]
    if not other and len(export.frame) and qualtrics.is_legacy(export.frame.iloc[0]):
        other = "qualtrics"
    if tool in ("table", "excel") and other in _HEADING_ROWS:
        export = _without_heading_rows(export, other)
    elif tool in _ADAPTED:
        export = _ADAPTED[tool](export)
    plain = ("table", "excel", *labelled.PROGRAMS.values())
    if file.tool and other not in ("", tool, "googleforms") and tool not in plain:
        todo = f"write tool: {other} in study.yml, or put the right file there"
        found = f"the headings of {other}"
        raise InputError("export of another tool", found, tool, path.name, todo)
    if "redcap" in (tool, other) and not (file.only or file.wave):
        export = redcap.joined(export)
    roles = system_roles(other or tool, export.frame.columns)
    in_utc = {column: "UTC" for column in export.frame if column == IN_UTC.get(tool)}
    zones = {**in_utc, **export.zones}
    return replace(export, roles=roles, tool=tool, recognised=reason, zones=zones)


def _without_heading_rows(export: Export, tool: str) -> Export:
    """Take a tool's further rows of headings out of an export that is read as a plain table."""
    n = _HEADING_ROWS[tool](export.frame)
    if not n:
        return export
    if tool != "qualtrics":
        what, found = "a second row of headings in a plain table", f"the headings of {tool}"
        todo = f"write tool: {tool} in study.yml; its columns then bear names"
        raise InputError(what, found, "one row of headings", export.name, todo)
    what = "rows of headings are no questionnaires, and were left out"
    found = f"{n} rows below the headings, as {tool} writes them"
    remark = Problem(what, found, where=export.name)
    return replace(qualtrics.adapted(export), remarks=(*export.remarks, remark))


def chained(first: Export, second: Export, then: Continuation) -> Export:
    """Join the form in which people went on to the one in which they began.

    Rows of the second form that belong to none of the first stay, with the first form's columns
    blank; whether they can be used is judged later like anything else.

    Parameters
    ----------
    first, second : Export
        The two forms as read.
    then : Continuation
        The column of the second with the number of the first form's submission.

    Returns
    -------
    Export
        The first form's columns, then the second's; headings that both have are told apart. Rows
        are numbered as in the first form; those of the second alone have the number 0.

    Raises
    ------
    InputError
        Where one of the two columns is not there, or a submission was continued twice.
    """
    todo = "correct `then` in study.yml"
    refuse_any(
        Problem("column not found", ", ".join([*export.frame][:20]), column, export.name, todo)
        for export, column in ((first, then.serial), (second, then.reference))
        if column not in export.frame
    )
    names = named_apart([*first.frame, *second.frame])[len(first.frame.columns) :]
    renamed = dict(zip(second.frame, names, strict=True))
    second = second.renamed(renamed)
    keys = second.frame[renamed[then.reference]].str.strip()
    twice = keys.ne("") & keys.duplicated(keep=False)
    if twice.any():
        what, found = "a submission that goes on twice", at_rows(second.rows[twice])
        allowed = "each submission of the first form once"
        todo = "take out the row that does not count"
        raise InputError(what, found, allowed, second.name, todo)
    left = first.frame.assign(**{"<key>": first.frame[then.serial].str.strip()})
    left["<row>"] = first.rows
    right = second.frame.assign(**{"<key>": keys.where(keys.ne(""), "<none>")})
    others = right[~right["<key>"].isin(left["<key>"])].assign(**{"<row>": 0})
    whole = pd.concat([left.merge(right, on="<key>", how="left"), others])
    rows = whole["<row>"].to_numpy()
    frame = whole.drop(columns=["<key>", "<row>"]).fillna("").reset_index(drop=True)
    about = ("questions", "labels", "roles", "zones")
    of_both: dict[str, Any] = {
        name: {**getattr(second, name), **getattr(first, name)} for name in about
    }
    headings = {name: second.headings.get(name, column) for column, name in renamed.items()}
    headings |= first.headings
    return replace(
        first, frame=pd.DataFrame(frame, dtype="str"), name=f"{first.name} and {second.name}",
        remarks=(*first.remarks, *second.remarks), rows=rows, headings=headings, **of_both,
    )  # fmt: skip
