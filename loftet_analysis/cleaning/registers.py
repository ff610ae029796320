"""The register of attendance: gatherings and interim work, by person or school."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.codes import number
from loftet_analysis.cleaning.headings import Headings
from loftet_analysis.cleaning.identifiers import normal_id
from loftet_analysis.cleaning.pseudonyms import passing_key, pseudonym
from loftet_analysis.cleaning.readers import Export, read_export
from loftet_analysis.cleaning.sheets import COUNTS, Sheets
from loftet_analysis.errors import InputError, Problem, at_rows
from loftet_analysis.study import ExportFile, Population, Study, missing_exports, normalise_label
from loftet_analysis.study.yamlfile import did_you_mean

_NOT_THERE = frozenset({"", "0", "nei", "no", "-", "–", "fravær", "fråvær", "absent"})


def open_register(study: Study, population: Population) -> Export | None:
    """Read the register of attendance as text, where the population has one.

    Raises
    ------
    InputError
        Where the file is missing or cannot be read.
    """
    if population.attendance is None:
        return None
    file = population.attendance.file
    missing = [problem for problem in missing_exports(study) if problem.found == file]
    if missing:
        raise InputError(missing)
    tool = "excel" if file.lower().endswith(".xlsx") else "table"
    return read_export(study.export_path(file), ExportFile(tool=tool, file=file))


def attend(sheets: Sheets, register: Export | None = None, *, key: bytes | None = None) -> Sheets:
    """Add the gatherings and interim work that the register of attendance has to linked sheets.

    Parameters
    ----------
    sheets : Sheets
        Linked.
    register : Export, optional
        The register, where it has been read already.
    key : bytes, optional
        The key by which the sheets were linked; as for :func:`~loftet_analysis.cleaning.link.link`.

    Raises
    ------
    InputError
        As :func:`read_attendance`.
    """
    study, population = sheets.study, sheets.population
    register = register or open_register(study, population)
    if register is None:
        return sheets
    key = passing_key(study) if key is None else key
    attended = read_attendance(register, population=population, key=key, schools=study.school_ids)
    owner, *counts = attended
    still_in = sheets.still_in
    # sheets that were set aside stay without counts
    found = int(attended[owner].isin(sheets.frame.loc[still_in, owner]).sum())
    row = dict.fromkeys(schema.LEDGER, "") | {"population": population.name, "file": register.name}
    row |= {"step": "attendance", "reason": "no_sheet"}
    row |= dict(zip(COUNTS, (len(attended), found, len(attended) - found), strict=True))
    frame = sheets.frame.merge(attended, on=owner, how="left").set_axis(sheets.frame.index)
    frame[counts] = frame[counts].where(still_in)
    ledger = pd.concat([sheets.ledger, pd.DataFrame([row])], ignore_index=True)
    return replace(sheets, frame=frame, ledger=ledger)


def read_attendance(
    export: Export, *, population: Population, key: bytes, schools: Mapping[str, str]
) -> pd.DataFrame:
    """Read a register of attendance under pseudonyms, or by school; faults name rows, never ids.

    Parameters
    ----------
    export : Export
        The register as text.
    population : Population
        With ``attendance``.
    key : bytes
        The study's key.
    schools : mapping of str to str
        ``school_id`` by normalised id or name.

    Returns
    -------
    DataFrame
        One row per person or school: ``person_id`` or ``school_id``, and the counts that the
        study names, as float.

    Raises
    ------
    InputError
        For a column that is not there; an id that is blank, stands twice or is no school; a
        count that is no whole number from 0 to the number of gatherings.
    """
    attendance = population.attendance
    owner = names.PERSON if attendance.id else names.SCHOOL
    headings = Headings(export.frame.columns, where=export.name)
    wanted = {owner: (attendance.id or attendance.school,), **attendance.columns}
    found = {column: headings.find([column]) for columns in wanted.values() for column in columns}
    there, advice = ", ".join(export.frame.columns), "correct `attendance` in study.yml"
    problems = [
        headings.absent([column], found=there, todo=did_you_mean(column, headings) or advice)
        for column, columns in found.items()
        if not columns
    ]
    problems += [headings.twice(columns) for columns in found.values() if len(columns) > 1]
    if problems:
        raise InputError(problems)
    text = {
        name: export.frame[[found[column][0] for column in columns]]
        for name, columns in wanted.items()
    }
    ids = text.pop(owner).iloc[:, 0]
    what, meaning = "school", lambda cell: schools.get(normalise_label(cell))
    if attendance.id:
        what, meaning = "id", normal_id
    ids = ids.map(meaning)
    most = population.gatherings
    counts = pd.DataFrame({name: _counts(columns) for name, columns in text.items()})
    unclear = ids.fillna("").eq("") | ids.duplicated(keep=False)
    odd = {f"{what} that is blank, unknown or stands twice": (unclear, f"each {what} once")}
    for name, columns in text.items():
        whole = counts[name].between(0, most) & counts[name].mod(1).eq(0)
        given = columns.ne("").any(axis=1)
        odd[f"{name} that cannot be"] = given & ~whole, f"0 to {most}, or blank"
    todo = "correct the register, or `attendance: of:` in study.yml"
    problems = [
        Problem(fault, at_rows(export.rows[rows]), allowed, export.name, todo)
        for fault, (rows, allowed) in odd.items()
        if rows.any()
    ]
    if problems:
        raise InputError(problems)
    if attendance.id:
        ids = ids.map(lambda one: pseudonym(key, population.name, "id", one))
    return counts.assign(**{owner: ids.astype("str")})[[owner, *counts]]


def _counts(columns: pd.DataFrame) -> pd.Series:
    """Return the count that one column holds, or of the filled cells of several."""
    if columns.shape[1] == 1:
        cells = columns.iloc[:, 0]
        return cells.map(lambda cell: number(cell) if cell.strip() else None).astype(float)
    return columns.map(lambda cell: cell.strip().casefold() not in _NOT_THERE).sum(axis=1) * 1.0
