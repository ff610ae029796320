"""The columns that survey tools fill in by themselves, by heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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


_ONCE = frozenset({"serial", "started", "submitted", "milliseconds", "seconds"})
