"""The register of attendance: gatherings and interim work, by person or school."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.link import normal_id
from loftet_analysis.cleaning.pseudonyms import pseudonym
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.score import number
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Population, normalise_label
from loftet_analysis.study.yamlfile import did_you_mean

MOST = {"leaders": 7}  # gatherings, three of them digital
MOST_OF_OTHERS = 10
_NOT_THERE = frozenset({"", "0", "nei", "no", "-", "–", "fravær", "fråvær", "absent"})


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
    headings = {normalise_label(column): column for column in export.frame.columns}
    wanted = {owner: (attendance.id or attendance.school,), **attendance.columns}
    problems = [
        Problem(
            "column not found",
            found=", ".join(export.frame.columns),
            allowed=column,
            where=export.name,
            todo=did_you_mean(column, headings) or "correct `attendance` in study.yml",
        )
        for columns in wanted.values()
        for column in columns
        if normalise_label(column) not in headings
    ]
    if problems:
        raise InputError(problems)
    text = {
        name: export.frame[[headings[normalise_label(column)] for column in columns]]
        for name, columns in wanted.items()
    }
    ids = text.pop(owner).iloc[:, 0]
    ids = (
        ids.map(normal_id) if attendance.id else ids.map(lambda t: schools.get(normalise_label(t)))
    )
    most = attendance.of or MOST.get(population.name, MOST_OF_OTHERS)
    counts = pd.DataFrame({name: _counts(columns) for name, columns in text.items()})
    given = pd.DataFrame({name: columns.ne("").any(axis=1) for name, columns in text.items()})
    what = "id" if attendance.id else "school"
    odd = {
        f"{what} that is blank, unknown or stands twice": (
            ids.fillna("").eq("") | ids.duplicated(keep=False),
            f"each {what} once",
        )
    }
    for name in counts:
        whole = counts[name].between(0, most) & counts[name].mod(1).eq(0)
        odd[f"{name} that cannot be"] = given[name] & ~whole, f"0 to {most}, or blank"
    problems = [
        Problem(
            fault,
            found="rows " + ", ".join(str(row + 2) for row in ids.index[rows][:5]),
            allowed=allowed,
            where=export.name,
            todo="correct the register, or `attendance: of:` in study.yml",
        )
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
