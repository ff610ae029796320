"""Which tool wrote an export, and the columns that it filled in by itself, by heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from loftet_analysis.tabular import workbook
from loftet_analysis.tabular.delimited import first_rows

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
# what each tool fills in by itself: role → heading
_HEADINGS: Mapping[str, Mapping[str, str]] = {
    "nettskjema": {
        "serial": r"\$submission_id",
        "submitted": r"\$created|opprettet|leveringstidspunkt",
        "milliseconds": r"\$answer_time_ms",
        "seconds": r"\$answer_time",
        "forwarded": r"\$forwarded_to_form",
        "name": r"\$signed",
    },
    "surveyxact": {
        "serial": r"respondentid",
        "submitted": r"statinternal_\w*(?:closed|completed|submitted)\w*|closetime",
        "status": r"stat(?:creation|distribution|source|collect|overall)_\d+|statinternal_\w+",
        "email": r"email|e-?post",
        "username": r"respondentkey|organization",
    },
    "qualtrics": {
        "serial": r"responseid",
        "started": r"startdate",
        "submitted": r"enddate|recordeddate",
        "seconds": r"duration \(in seconds\)|duration__in_seconds_",
        "status": r"status|progress|finished|distributionchannel|userlanguage",
        "ip": r"ipaddress",
        "name": r"recipient(?:first|last)name",
        "email": r"recipientemail",
        "username": r"externalreference|externaldatareference",
        "coordinates": r"location(?:latitude|longitude|accuracy)",
    },
    "limesurvey": {
        "serial": r"id|id\. response id",
        "started": r"startdate",
        "submitted": r"submitdate",
        "seconds": r"interviewtime",
        "status": r"lastpage|seed|startlanguage|datestamp|completed|refurl|"
        r"grouptime\d*|\w+time",
        "ip": r"ipaddr",
        "username": r"token",
        "name": r"firstname|lastname",
        "email": r"email",
    },
    "msforms": {
        "serial": r"id",
        "started": r"starttidspunkt|start time",
        "submitted": r"fullføringstidspunkt|completion time",
        "status": r"tidspunkt for siste endring|tidspunkt for siste endringen|last modified time|"
        r"språk|language",
        "email": r"e-post|e-postadresse|email",
        "name": r"navn|namn|name",
    },
}
_ONCE = frozenset({"serial", "started", "submitted", "milliseconds", "seconds"})
_SHEETS = re.compile(r"dataset ?(\(\d+\))?", re.IGNORECASE)


def tool_of(headings: Iterable[str]) -> tuple[str, str]:
    """Return the tool whose own headings are there, and these; or two empty texts.

    Examples
    --------
    >>> tool_of(["$submission_id", "$created", "u1"])
    ('nettskjema', 'its headings hold $submission_id')
    """
    bare = {" ".join(heading.split()).strip("\ufeff").casefold() for heading in headings}
    codes = {re.split(r"\. ", heading)[0] for heading in bare}
    for tool, signs in _SIGNS.items():
        for sign in signs:
            if sign <= bare or sign <= codes:
                return tool, "its headings hold " + " and ".join(sorted(sign))
    return "", ""


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
        sheets = workbook.read_sheets(path)
        if any(_SHEETS.fullmatch(name) for name in sheets):
            return "surveyxact", "it has a sheet named Dataset"
        heads = [rows[0] for rows in sheets.values() if rows]
        tool, reason = tool_of(heads[0] if heads else ())
        return (tool, reason) if tool else ("excel", "it is a workbook without a tool's headings")
    for row in first_rows(path, encoding=encoding)[:1]:
        tool, reason = tool_of(row)
        if tool:
            return tool, reason
    return "table", "it is text without a tool's headings"


def system_roles(tool: str, headings: Iterable[str]) -> dict[str, str]:
    """Return the role of each column that a tool fills in by itself.

    Examples
    --------
    >>> system_roles("nettskjema", ["$submission_id", "skole", "$answer_time_ms"])
    {'$submission_id': 'serial', '$answer_time_ms': 'milliseconds'}
    """
    forms = {
        role: re.compile(pattern, re.IGNORECASE)
        for role, pattern in _HEADINGS.get(tool, {}).items()
    }
    found = {}
    for heading in headings:
        bare = " ".join(heading.split())
        role = next((role for role, form in forms.items() if form.fullmatch(bare)), "")
        if role and role not in (_ONCE & set(found.values())):
            found[heading] = role
    return found
