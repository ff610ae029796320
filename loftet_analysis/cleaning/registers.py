"""The register of attendance: gatherings and interim work, by person or school."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.account import others_not_shown, tellable_texts
from loftet_analysis.cleaning.codes import number, times
from loftet_analysis.cleaning.headings import Headings
from loftet_analysis.cleaning.ids import normal
from loftet_analysis.cleaning.pseudonyms import passing_key, pseudonym
from loftet_analysis.cleaning.readers import Export, read_table
from loftet_analysis.cleaning.score import MANY_TEXTS
from loftet_analysis.cleaning.sheets import COUNTS, Sheets
from loftet_analysis.cleaning.times import read_moments
from loftet_analysis.errors import Problem, at_rows, named, refuse_any
from loftet_analysis.study import Population, Study, missing_exports, normalise_label
from loftet_analysis.study.schools import find_school
from loftet_analysis.study.study import DAY_FIRST, Attendance
from loftet_analysis.study.yamlfile import did_you_mean
from loftet_analysis.tabular.cells import SAYS_NO, SAYS_YES, repaired

#: Marks of a gathering, in Bokmål, Nynorsk and English, as labels are compared; a date is a yes.
THERE = SAYS_YES | frozenset(
    {
        "møtt", "møtte", "oppmøtt", "oppmøte", "frammøtt", "fremmøtt", "til stede",
        "tilstede", "til stades", "tilstades", "deltok", "deltatt", "delteke", "deltar",
        "deltek", "present", "attended", "here", "fysisk", "digitalt", "digital", "på nett",
        "på nettet", "online",
    }
)  # fmt: skip
NOT_THERE = SAYS_NO | frozenset(
    {
        "ikke møtt",
        "ikkje møtt", "møtte ikke", "møtte ikkje", "ikke til stede", "ikkje til stades",
        "ikke tilstede", "ikkje tilstades", "deltok ikke", "deltok ikkje", "ikke deltatt",
        "ikkje delteke", "not present", "not attended", "did not attend", "absent", "away",
        "fravær", "fråvær", "fraværende", "fråverande", "borte", "syk", "sjuk", "sykdom",
        "sjukdom", "sykt barn", "sjukt barn", "sick", "ill", "forfall", "meldt forfall",
        "avbud", "permisjon", "leave", "excused", "no show",
    }
)  # fmt: skip
MANY_WITHOUT = 0.5  # of a register, before it is a warning that they have no sheet
_MOST_DIGITS = 16  # of an id


def open_register(study: Study, population: Population) -> Export | None:
    """Read the register of attendance as text, where the population has one that is not to come.

    Raises
    ------
    InputError
        Where the file is missing or cannot be read.
    """
    if population.attendance is None:
        return None
    file = population.attendance.file
    refuse_any(problem for problem in missing_exports(study) if problem.found == file)
    path = study.export_path(file)
    return read_table(path) if path.is_file() else None


def attend(sheets: Sheets, register: Export | None = None, *, key: bytes | None = None) -> Sheets:
    """Add gatherings and interim work, from the register of attendance, to linked questionnaires.

    Parameters
    ----------
    sheets : Sheets
        Linked.
    register : Export, optional
        The register, where it has been read already.
    key : bytes, optional
        The key by which the questionnaires were linked; as for
        :func:`~loftet_analysis.cleaning.link.link`.

    Raises
    ------
    InputError
        As :func:`read_attendance`.
    """
    study, population = sheets.study, sheets.population
    register = register or open_register(study, population)
    attendance = population.attendance
    if register is None or attendance is None:
        counts = attendance.columns if attendance else ()
        return replace(sheets, frame=sheets.frame.assign(**dict.fromkeys(counts, float("nan"))))
    key = passing_key(study) if key is None else key
    attended, remarks = read_attendance(
        register,
        attendance,
        population=population,
        key=key,
        schools=study.school_ids,
        people=frozenset(sheets.frame.get(names.PERSON, pd.Series(dtype="str")).dropna()),
        digits=sheets.digits,
    )
    owner, *counts = attended
    still_in = sheets.still_in
    # sheets that were set aside stay without counts
    found = int(attended[owner].isin(sheets.frame.loc[still_in, owner]).sum())
    row: dict[str, Any] = dict.fromkeys(schema.LEDGER, "")
    row |= {"population": population.name, "file": register.name}
    row |= {"step": "attendance", "reason": "no_sheet"}
    row |= dict(zip(COUNTS, (len(attended), found, len(attended) - found), strict=True))
    frame = sheets.frame.merge(attended, on=owner, how="left").set_axis(sheets.frame.index)
    frame[counts] = frame[counts].where(still_in)
    ledger = pd.concat([sheets.ledger, pd.DataFrame([row])], ignore_index=True)
    if len(attended) > found:
        n, whom = len(attended) - found, "people" if owner == names.PERSON else "schools"
        what = f"{whom} of the register without a questionnaire"
        what = f"warning: {what}" if n >= MANY_WITHOUT * len(attended) else what
        told = f"{n} of {len(attended)} {whom} in {register.name} have no questionnaire"
        remarks.append(Problem(what, told, "", register.name))
    return replace(sheets, frame=frame, ledger=ledger).remarking(*remarks)


def read_attendance(
    export: Export,
    attendance: Attendance,
    *,
    population: Population,
    key: bytes,
    schools: Mapping[str, str],
    people: Collection[str] = (),
    digits: int = 0,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a register of attendance under pseudonyms, or by school; faults name rows, never ids.

    Parameters
    ----------
    export : Export
        The register as text.
    attendance : Attendance
        How the study describes it.
    population : Population
        Whose register it is.
    key : bytes
        The study's key.
    schools : mapping of str to str
        ``school_id`` by normalised id or name.
    people : collection of str
        The pseudonyms of those who answered.
    digits : int
        How many digits ids of digits have, where some have lost zeros.

    Returns
    -------
    attended : DataFrame
        One row per person or school: ``person_id`` or ``school_id``, and the counts that the
        study names, as float.
    remarks : list of Problem
        How many ids were found with other zeros before them, and how many rows have no mark.

    Raises
    ------
    InputError
        For a column that is not there; an id that is blank, lost digits, stands twice or is no
        school; a count that is no whole number from 0 to the number of gatherings; a mark of a
        single gathering that is neither yes nor no (`THERE`, `NOT_THERE`).
    """
    owner = names.PERSON if attendance.id else names.SCHOOL
    headings = Headings(export.frame.columns, where=export.name)
    wanted: dict[str, tuple[str, ...]] = {owner: (attendance.id or attendance.school or "",)}
    wanted.update(attendance.columns.items())
    found = {column: headings.find([column]) for columns in wanted.values() for column in columns}
    there, advice = ", ".join(export.frame.columns), "correct `attendance` in study.yml"
    problems = [
        headings.absent([column], found=there, todo=did_you_mean(column, headings) or advice)
        for column, columns in found.items()
        if not columns
    ]
    problems += [headings.twice(columns) for columns in found.values() if len(columns) > 1]
    refuse_any(problems)
    text = {
        name: export.frame[[found[column][0] for column in columns]]
        for name, columns in wanted.items()
    }
    ids = text.pop(owner).iloc[:, 0]
    what, whom, remarks = "school", "schools", []
    if attendance.id is None:
        ids = ids.map(lambda cell: find_school(schools, cell))
    else:
        what, whom = "id", "people"
        ids = ids.map(normal(population.link, digits))
        ids, n = _people(ids, population, key, frozenset(people))
        told = f"{n} ids with more or fewer zeros before them than in the exports"
        lost = Problem("ids of the register that had lost zeros", told, "", export.name)
        remarks += [lost] if n else []
    most = population.gatherings
    marks = {name: columns for name, columns in text.items() if columns.shape[1] > 1}
    refuse_any(_unknown_marks([*marks.values()], export.name, export.rows))
    remarks += _without_marks(marks, whom, export.name)
    counts = pd.DataFrame({name: _counts(columns) for name, columns in text.items()})
    unclear = ids.fillna("").eq("") | ids.duplicated(keep=False)
    odd = {f"{what} that is blank, unknown or stands twice": (unclear, f"each {what} once")}
    for name, columns in text.items():
        whole = counts[name].between(0, most) & counts[name].mod(1).eq(0)
        given = columns.ne("").any(axis=1)
        odd[f"{name} that cannot be"] = given & ~whole, f"0 to {most}, or blank"
    todo = "correct the register, or `attendance: of:` in study.yml"
    refuse_any(
        Problem(fault, at_rows(export.rows[rows]), allowed, export.name, todo)
        for fault, (rows, allowed) in odd.items()
        if rows.any()
    )
    return counts.assign(**{owner: ids.astype("str")})[[owner, *counts]], remarks


def _people(
    ids: pd.Series, population: Population, key: bytes, people: frozenset[str]
) -> tuple[pd.Series, int]:
    """Return the pseudonyms of ids, and how many were known with other zeros before them only."""
    n = 0

    def person(one: str) -> str:
        nonlocal n
        own = pseudonym(key, population.name, "id", one) if one else ""
        if own in people or not one.isdecimal():
            return own
        bare = one.lstrip("0") or "0"
        others = [bare, *(bare.zfill(length) for length in range(2, _MOST_DIGITS))]
        persons = {pseudonym(key, population.name, "id", other) for other in others} & people
        n += len(persons) == 1
        return persons.pop() if len(persons) == 1 else own

    return ids.map(person), n


def _counts(columns: pd.DataFrame) -> pd.Series:
    """Return the count that one column holds, or of the gatherings attended in several."""
    if columns.shape[1] == 1:
        cells = columns.iloc[:, 0]
        return cells.map(lambda cell: number(cell) if cell.strip() else None).astype(float)
    return columns.map(lambda cell: bool(_attended(cell))).sum(axis=1) * 1.0


@cache
def _attended(cell: str) -> bool | None:
    """Return whether a mark of a gathering means yes; None where it means neither.

    Examples
    --------
    >>> [_attended(cell) for cell in ("SANN", "0,0", "", "ikke møtt", "12.03.2026", "kanskje")]
    [True, False, False, False, True, None]
    """
    mark = normalise_label(repaired(cell)).rstrip(".")
    if not mark or mark in NOT_THERE:
        return False
    if mark in THERE:
        return True
    moments, problem = read_moments(pd.Series([cell]), zone=UTC, form=DAY_FIRST)
    return True if problem is None and moments.notna().all() else None


def _without_marks(
    marks: Mapping[str, pd.DataFrame], whom: str, register: str
) -> Iterator[Problem]:
    """Yield a remark for each count of gatherings in which some have no mark at all."""
    for name, columns in marks.items():
        blank = int(columns.apply(lambda cells: cells.str.strip().eq("")).all(axis=1).sum())
        if blank:
            found = f"{blank} of {len(columns)} {whom} have no mark at all, and count as 0 {name}"
            yield Problem("marks of attendance that are all blank", found, "", register)


def _unknown_marks(marks: Sequence[pd.DataFrame], register: str, rows: np.ndarray) -> list[Problem]:
    """Return a problem for each mark that is neither yes nor no; what may be free text by rows."""
    counts: Counter[str] = Counter()
    columns: dict[str, dict[str, None]] = {}
    at: dict[str, list[int]] = {}
    for column, cells in (item for frame in marks for item in frame.items()):
        unknown = cells.map(_attended).isna().to_numpy()
        for cell, row in zip(cells[unknown], rows[unknown], strict=True):
            counts[cell] += 1
            columns.setdefault(cell, {})[column] = None
            at.setdefault(cell, []).append(int(row))
    allowed = "x, ja, 1, TRUE, møtt, a date …; or blank, nei, 0, FALSE, ikke møtt, syk, forfall …"
    what = "a mark of attendance that is neither yes nor no"
    todo = "write yes or no in these cells, or the count in a column of its own"
    if len(counts) > MANY_TEXTS:
        found = f"{len(counts)} different texts in {counts.total()} cells, which are not shown"
        return [Problem(what, found, allowed, register, todo)]
    by_text = pd.Series(dict(sorted(counts.items())), dtype=int)
    told, hidden = tellable_texts(by_text, THERE | NOT_THERE)
    found_each = [f"“{t}”, {times(n)}, in {named([*columns[t]], 5)}" for t, n in told.items()]
    if len(hidden):
        where = sorted({row for text in hidden.index for row in at[text]})
        found_each.append(f"{others_not_shown(hidden)}; {at_rows(where)}")
    return [Problem(what, found, allowed, register, todo) for found in found_each]
