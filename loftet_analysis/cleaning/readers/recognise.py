"""Which tool wrote an export, to judge by its first bytes and its headings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from loftet_analysis.cleaning.readers import excel
from loftet_analysis.cleaning.readers.table import decoded, first_rows

_SIGNS = {
    "nettskjema": ({"$submission_id"}, {"$created"}, {"$answer_time_ms"}, {"$answer_time"}),
    "surveyxact": ({"respondentid"},),
    "qualtrics": ({"startdate", "responseid"}, {"startdate", "recordeddate"}, {"v1", "v2", "v3"}),
    "limesurvey": ({"submitdate", "lastpage"}, {"id", "lastpage", "startlanguage"}),
    "msforms": (
        {"id", "starttidspunkt", "fullføringstidspunkt"},
        {"id", "start time", "completion time"},
    ),
}
_SHEETS = re.compile(r"dataset ?(\(\d+\))?", re.IGNORECASE)


def _tool_of(headings: Iterable[str]) -> tuple[str, str]:
    """Return the tool whose own headings are there, and these; or two empty texts."""
    bare = {" ".join(heading.split()).strip("\ufeff").casefold() for heading in headings}
    codes = {re.split(r"\. ", heading)[0] for heading in bare}
    for tool, signs in _SIGNS.items():
        for sign in signs:
            if sign <= bare or sign <= codes:
                return tool, "its headings hold " + " and ".join(sorted(sign))
    return "", ""


def resembles(frame: pd.DataFrame) -> str:
    """Return the tool that a frame's headings are of, or ``""``.

    Examples
    --------
    >>> resembles(pd.DataFrame(columns=["$submission_id", "$created", "u1"]))
    'nettskjema'
    """
    return _tool_of(frame.columns)[0]


def recognise(path: Path, *, encoding: str | None = None) -> tuple[str, str]:
    """Return the tool that wrote a file, and by what it was recognised.

    Parameters
    ----------
    path : Path
        The export.
    encoding : str, optional
        Of text, where it is known.

    Returns
    -------
    tool : str
        *table* or *excel* where the headings are of no tool that is known.
    reason : str
        A clause for people.

    Raises
    ------
    InputError
        For what cannot be read at all.
    """
    start = path.open("rb").read(4)
    if start in (b"$FL2", b"$FL3") or path.suffix.lower() in (".sav", ".zsav"):
        return "spss", "it is an SPSS file"
    if start.startswith(b"PK") or path.suffix.lower() == ".xlsx":
        sheets = excel.read_sheets(path)
        if any(_SHEETS.fullmatch(name) for name in sheets):
            return "surveyxact", "it has a sheet named Dataset"
        heads = [rows[0] for rows in sheets.values() if rows]
        tool, reason = _tool_of(heads[0] if heads else ())
        return (tool, reason) if tool else ("excel", "it is a workbook without a tool's headings")
    for row in first_rows(decoded(path, encoding)):
        tool, reason = _tool_of(row)
        if tool:
            return tool, reason
    return "table", "it is text without a tool's headings"
