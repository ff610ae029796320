"""Which tool wrote an export, and the columns that it filled in by itself, by heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from loftet_analysis.cleaning.readers import labelled, qualtrics, surveyxact
from loftet_analysis.errors import InputError
from loftet_analysis.tabular import workbook
from loftet_analysis.tabular.delimited import read_rows

# headings by which a tool is recognised, where all of one text are there
_SIGNS = {
    "nettskjema": ("$submission_id", "$created", "$answer_time_ms", "$answer_time"),
    "surveymonkey": (
        "respondent id, collector id", "respondentid, collectorid",
        "respondent id, start date, end date", "respondentid, startdate, enddate",
    ),
    "qualtrics": ("startdate, responseid", "startdate, recordeddate"),
    "limesurvey": ("submitdate, lastpage", "id, lastpage, startlanguage"),
    "msforms": ("id, starttidspunkt, fullføringstidspunkt", "id, start time, completion time"),
    "redcap": (
        "redcap_event_name", "redcap_repeat_instrument", "redcap_data_access_group",
        "redcap_survey_identifier", "record id, event name", "record id, repeat instrument",
        "record id, survey identifier", "record id, complete?",
    ),
    "kobo": ("_id, _uuid", "_uuid, _submission_time", "_id, _submission_time"),
}  # fmt: skip
_SURVEYXACT = re.compile(r"stat(?:internal|creation|distribution|source|collect|overall)_\w+")
_REDCAP_FORM = re.compile(r"\w+_complete")
# the first heading of an export of Google Forms, which has no other sign
_GOOGLE = frozenset(
    {"timestamp", "tidsmerke", "tidsstempel", "tidspunkt", "tidsstämpel", "zeitstempel",
     "aikaleima"}
)  # fmt: skip
LANGUAGE = "language"  # the role of the column that says in which language a form was shown
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
        "preview": r"status|distributionchannel",
        "status": r"progress|finished|responseset|.+_do(?:_.+)?",
        LANGUAGE: r"userlanguage",
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
        LANGUAGE: r"startlanguage",
        "status": r"lastpage|seed|datestamp|completed|refurl|"
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
        "status": r"tidspunkt for siste endring|tidspunkt for siste endringen|last modified time",
        LANGUAGE: r"språk|language",
        "email": r"e-post|e-postadresse|email",
        "name": r"navn|namn|name",
    },
    "googleforms": {
        "submitted": "|".join(sorted(_GOOGLE)),
        "status": r"score|poengsum|poeng",
        "email": r"email address|e-postadresse|e-post|epost|username|brukernavn",
    },
    "surveymonkey": {
        "serial": r"respondent ?id",
        "started": r"start ?date|date created|startdato",
        "submitted": r"end ?date|date modified|sluttdato",
        "status": r"collector ?id|innsamler-?id",
        "ip": r"ip ?address|ip-adresse",
        "email": r"email ?address|e-postadresse",
        "name": r"first ?name|last ?name|fornavn|etternavn",
        "username": r"custom ?data ?\d*|egendefinerte data ?\d*",
    },
    "kobo": {
        "serial": r"_id",
        "submitted": r"end",
        "started": r"start",
        "status": r"_submission_time|today|_uuid|_index|_status|_validation_status|_notes|_tags|"
        r"_?_version_{0,2}|formhub/uuid|meta/\w+|_?rootuuid|instanceid",
        "username": r"username|_submitted_by|deviceid|simserial|simid|subscriberid|devicephonenum",
        "phone": r"phonenumber",
        "coordinates": r"_?geolocation|gps\w*|_\w+_(?:latitude|longitude|altitude|precision)",
    },
    "redcap": {
        "serial": r"record[_ ]id",
        "submitted": r"\w+_timestamp|survey timestamp",
        "status": r"redcap_\w+|event name|repeat instrument|repeat instance|complete\?|"
        r"\w+_complete|data access group",
        "username": r"redcap_survey_identifier|survey identifier",
    },
}
#: Of tools that write a time in UTC without saying so: its column.
IN_UTC = {"kobo": "_submission_time"}
_OTHER_KINDS = {
    b"%pdf": "a PDF", b"\x89png": "a picture", b"\xff\xd8\xff": "a picture", b"gif8": "a picture",
    b"<!doctype html": "a web page", b"<html": "a web page",
}  # fmt: skip
_DOCUMENTS = {
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf", ".pages", ".md"), "a text"),
    **dict.fromkeys((".ppt", ".pptx", ".odp", ".key"), "slides"),
    **dict.fromkeys((".zip", ".7z", ".rar"), "a packed folder"),
}
_ONCE = frozenset({"serial", "started", "submitted", "milliseconds", "seconds"})
_PROGRAMS = {"spss": "SPSS", "stata": "Stata", "sas": "SAS"}


def tool_of(headings: Iterable[str]) -> tuple[str, str]:
    """Return the tool whose own headings are there, and these; or two empty texts.

    Examples
    --------
    >>> tool_of(["$submission_id", "$created", "u1"])
    ('nettskjema', 'its headings hold $submission_id')
    """
    given = [" ".join(heading.split()).strip("\ufeff") for heading in headings]
    bare = [heading.casefold() for heading in given]
    codes = {re.split(r"\. ", heading)[0] for heading in bare}
    for tool, signs in _SIGNS.items():
        for sign in signs:
            wanted = {*sign.split(", ")}
            if wanted <= {*bare} or wanted <= codes:
                return tool, "its headings hold " + " and ".join(sorted(wanted))
    forms = [heading for heading in bare if _REDCAP_FORM.fullmatch(heading)]
    if forms and bare[:1] in (["record_id"], ["record id"], ["study_id"]):
        return "redcap", f"its headings hold {bare[0]} and {forms[0]}"
    own = [heading for heading in bare if _SURVEYXACT.fullmatch(heading)]
    if "respondentid" in bare and own:
        return "surveyxact", f"its headings hold respondentid and {own[0]}"
    if given[:1] == ["respondentid"]:
        return "surveyxact", "its headings begin with respondentid"
    if bare[:1] and bare[0] in _GOOGLE:
        return "googleforms", f"its headings begin with {given[0]}"
    return "", ""


def recognise(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None
) -> tuple[str, str]:
    """Return the tool that wrote a file, and by what it was recognised.

    Parameters
    ----------
    path : Path
        The export.
    delimiter, encoding : str, optional
        Of text, where they are known.

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
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(11)
    if start[:4] in (b"$FL2", b"$FL3"):
        return "spss", "it is an SPSS file"
    if start == b"<stata_dta>" or suffix in labelled.PROGRAMS:
        program = labelled.PROGRAMS.get(suffix, "stata")
        return program, f"it is a file of {_PROGRAMS[program]}"
    if workbook.is_workbook(path):
        sheets = workbook.read_sheets(path)
        if any(surveyxact.DATASET.fullmatch(name) for name in sheets):
            return "surveyxact", "it has a sheet named Dataset"
        tables = [[row for row in rows if any(row)][:2] for rows in sheets.values()]
        plain = "excel", "it is a workbook without a tool's headings"
    else:
        numbered = read_rows(path, delimiter=delimiter, encoding=encoding, most=2)
        tables = [[cells for _, cells in numbered]]
        plain = "table", "it is text without a tool's headings"
    head, below = (*next(filter(None, tables), ()), (), ())[:2]
    tool, reason = tool_of(head)
    if tool:
        return tool, reason
    if qualtrics.is_legacy(dict(zip(head, below, strict=False))):
        return "qualtrics", "its heading V1 has ResponseID below it"
    beside = surveyxact.beside(path, head)
    if beside:
        names = " and ".join(other.name for other in beside.values())
        return "surveyxact", f"its columns stand in {names}"
    return plain


def refuse_other_kinds(path: Path) -> None:
    """Refuse a file that is no table of any kind, by its first bytes or its name.

    Raises
    ------
    InputError
        For a web page (what a tool sends to whoever is not logged in), a PDF, a picture, a text or
        slides.
    """
    with path.open("rb") as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kinds = [kind for sign, kind in _OTHER_KINDS.items() if start.startswith(sign)]
    kind = next(iter(kinds), _DOCUMENTS.get(path.suffix.lower()))
    if kind:
        todo = "leave it out, or keep it in another folder"
        if kind == "a web page":
            todo = "log in to the survey tool and export again; what was saved is its page"
        raise InputError("a file that is no export", kind, "a table of answers", path.name, todo)


def system_roles(tool: str, headings: Iterable[str]) -> dict[str, str]:
    """Return the role of each column that a tool fills in by itself.

    Examples
    --------
    >>> system_roles("nettskjema", ["$submission_id", "skole", "$answer_time_ms"])
    {'$submission_id': 'serial', '$answer_time_ms': 'milliseconds'}
    >>> system_roles("kobo", ["start", "_submission_time"])["_submission_time"]
    'submitted'
    >>> system_roles("kobo", ["_submission_time", "start", "end"])["_submission_time"]
    'status'
    """
    forms = {
        role: re.compile(pattern, re.IGNORECASE)
        for role, pattern in _HEADINGS.get(tool, {}).items()
    }
    found: dict[str, str] = {}
    for heading in headings:
        bare = " ".join(heading.split())
        role = next((role for role, form in forms.items() if form.fullmatch(bare)), "")
        if role and role not in (_ONCE & set(found.values())):
            found[heading] = role
    if "submitted" not in found.values():  # the time of the upload, where no other is there
        found |= {heading: "submitted" for heading in found if heading == IN_UTC.get(tool)}
    return found
