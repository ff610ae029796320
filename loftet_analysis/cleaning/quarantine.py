"""What leaves an export before anything is kept or seen: whatever tells who somebody is.

Columns that the study does not name never come this far; those of them that hold identifiers by
their role are only counted. In the others what is an identifier by its form is replaced by its
kind (``[email]``), and so is every name that stands in a name column of the export. The id or
code to link by is put apart until it is a pseudonym.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.clean import SUBMISSION, place_schools
from loftet_analysis.cleaning.consent import keep_allowed
from loftet_analysis.cleaning.headings import identifier_kind
from loftet_analysis.cleaning.identifiers import holds_free_text, redact, redact_names
from loftet_analysis.cleaning.ids import check_ids
from loftet_analysis.cleaning.lists import ROW, correct, row_numbers
from loftet_analysis.cleaning.readers.qualtrics import PREVIEW, previews
from loftet_analysis.cleaning.readers.unfinished import UNFINISHED, unfinished
from loftet_analysis.cleaning.sheets import BLANK, Sheets, by_text
from loftet_analysis.cleaning.times import MOMENT, SECONDS, read_times, seconds_taken
from loftet_analysis.errors import Problem
from loftet_analysis.study.schools import find_school
from loftet_analysis.study.study import CONSENT, GUARDIAN, LINK

_COLUMNS = ["column", "value", "reason", "n"]
_LONG_NUMBER = 6  # signs; shorter ones count the submissions of a form
# numbers of schools and of submissions are no telephone numbers
_OWN_NUMBERS = (names.SCHOOL, names.GRADE)


def quarantine(sheets: Sheets) -> Sheets:
    """Take out of an export what identifies people, and those who may not be used.

    Corrections are made first. Afterwards the rows may be seen: `frame` holds the needed columns
    as text (`submitted` as local time), each questionnaire's `region`, and an empty `reason`.

    Examples
    --------
    >>> from loftet_analysis.cleaning.chain import read
    >>> from loftet_analysis.study import load_study
    >>> safe = read(load_study("sats"), "pupils", "pre").pipe(quarantine)
    >>> safe.frame[["region", "school_id", "effort_14", "reason"]].head(2).values.tolist()
    [['fall-2007', '1', '5', ''], ['fall-2007', '1', '7', '']]
    """
    raw = sheets.original
    sheets = replace(sheets, frame=raw.frame, n_sheets=int(raw.answered.sum()))
    steps = (correct, redact_cells, place_schools, leave_blank, check_ids, keep_allowed, read_times)
    sheets = sheets.through(steps)
    frame, read, export = sheets.frame, sheets.apart, raw.export
    declared = sheets.sources.get(names.SUBMITTED) in export.roles
    form = raw.time_format if declared else ""
    taken, unread = seconds_taken(export, zone=sheets.study.zone, form=form, spans=sheets.spans)
    apart = {
        LINK: frame.get(LINK),
        SECONDS: None if taken is None else taken[frame.index],
        MOMENT: read.get(MOMENT),
        PREVIEW: previews(export)[frame.index],
        UNFINISHED: unfinished(export)[frame.index],
        SUBMISSION: submissions(sheets)[frame.index],
        ROW: row_numbers(export)[frame.index],
    }
    left = [LINK, CONSENT, GUARDIAN, *([names.SUBMITTED] if MOMENT not in read else [])]
    return replace(
        sheets,
        frame=frame.drop(columns=left, errors="ignore"),
        apart=pd.DataFrame({c: x for c, x in apart.items() if x is not None}, index=frame.index),
        remarks=(*sheets.remarks, *([unread] if unread else [])),
        raw=None,
    )


def submissions(sheets: Sheets) -> pd.Series:
    """Return a text per row that is the same where one submission stands in several exports.

    It is the number that the tool gave it; a short one is given by many forms, and goes together
    with all that is in the columns that are read. It is blank where the tool gave none.
    """
    raw = sheets.original
    serial = next((c for c, role in raw.export.roles.items() if role == "serial"), None)
    if serial is None:
        return pd.Series("", index=raw.frame.index, dtype="str")
    numbers = raw.export.frame[serial].str.strip()
    short = numbers.str.len().lt(_LONG_NUMBER) & numbers.ne("")
    if not short.any():
        return numbers
    cells = raw.frame.loc[short].astype("str").agg("\x1f".join, axis=1)
    return numbers.mask(short, numbers + "\x1f" + cells)


def leave_blank(sheets: Sheets) -> Sheets:
    """Remove the rows without any answer in this wave, which are no sheets."""
    answered = pd.Series(sheets.original.answered, index=sheets.frame.index)
    return sheets.count_only(~answered, step="read", reason=BLANK)


def redact_cells(sheets: Sheets) -> Sheets:
    """Replace identifiers in the cells, and count them and the whole columns that stay behind.

    An answer to an item that holds one is missing. The id or code to link by stays as it is. Free
    text goes, unless the study keeps it.
    """
    frame, population, export = sheets.frame, sheets.population, sheets.original.export
    # what the study uses has been found to tell nobody apart, but for the id to link by
    used = {column for name, column in sheets.sources.items() if name != LINK}
    others = [column for column in export.frame if column not in used]
    kinds = {column: kind for column in others if (kind := identifier_kind(export, column))}
    notes = _left_behind(sheets, kinds)
    named = [export.frame[column] for column, kind in kinds.items() if kind == "name"]
    people = set().union(*named)
    # background columns with values of their own can hold no free text
    own = [c for c in population.columns if c in frame and not population.values.get(c)]
    listed = (*_OWN_NUMBERS, names.SUBMITTED, *(c for c in own if sheets.labels.get(c)))
    drop = sheets.study.free_text == "drop"
    free = [c for c in own if drop and c not in listed and holds_free_text(frame[c])]
    serial = [export.frame[column] for column, role in export.roles.items() if role == "serial"]
    redacted, dropped = {}, {}
    # what `submitted` holds beside times goes no further than `read_times`
    for column in frame.columns.drop([LINK, names.SUBMITTED], errors="ignore"):
        text = frame[column]
        running = column in _OWN_NUMBERS or (column in own and any(map(text.equals, serial)))
        new, found = redact(text, bare_numbers=not running)
        if found and column in population.instrument.columns:
            new = new.where(new.eq(text.astype("str")), "")
        if people and column in own and column != names.GRADE:
            new, n = _without_people(new, people, sheets)
            found["name"] = found.get("name", 0) + n
        redacted[column] = new
        notes += [(column, f"[{kind}]", "redacted", n) for kind, n in found.items() if n]
        if column in free:
            redacted[column] = pd.Series("", index=text.index, dtype="str")
            dropped[column] = int(text.str.strip().ne("").sum())
            notes.append((column, "[free text]", "left_behind", dropped[column]))
    if dropped:
        todo = "list its texts under `values`, or write free_text: keep"
        told = ", ".join(f"{n} cells of {column}" for column, n in dropped.items())
        what, allowed = "free text is not kept", "numbers and closed lists"
        sheets = sheets.remarking(Problem(what, told, allowed, sheets.where, todo))
    return sheets.noting(pd.DataFrame(notes, columns=_COLUMNS), frame=frame.assign(**redacted))


def _left_behind(sheets: Sheets, kinds: Mapping[str, str]) -> list[tuple[str, str, str, int]]:
    """Count the cells of whole columns of identifiers, but for that of the link."""
    given = sheets.original.export.frame
    filled = {column: int(given[column].str.strip().ne("").sum()) for column in kinds}
    link = sheets.frame.get(LINK, pd.Series(dtype="str"))
    return [
        (column, f"[{kind}]", "left_behind", filled[column])
        for column, kind in kinds.items()
        if filled[column] and not link.equals(given[column])
    ]


def _without_people(text: pd.Series, people: set[str], sheets: Sheets) -> tuple[pd.Series, int]:
    """Replace people's names, but not in the name of a school, which may bear one."""
    hidden, n = redact_names(text, people)
    if text.name == names.SCHOOL:
        known = by_text(text, lambda t: find_school(sheets.study.school_ids, t) is not None)
        hidden = hidden.mask(known.astype(bool), text)
        n = int(hidden.ne(text).sum())
    return hidden, n
