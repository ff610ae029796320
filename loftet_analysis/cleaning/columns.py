"""Which column of an export is which: only what a study names goes on, everything else stays."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.identifiers import looks_like_identifier_heading
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Item, Population, Scale, normalise_label

_STANDARD = (names.SCHOOL, names.GRADE, names.ROLE, names.GENDER, names.SUBMITTED)
_IDENTIFYING_ROLES = frozenset(
    {"name", "email", "phone", "ip", "coordinates", "username", "national_id"}
)


@dataclass(frozen=True)
class Matched:
    """The columns of one wave of an export under the names that the project uses.

    Attributes
    ----------
    frame : DataFrame
        Text, one row per row of the export: standard columns, ``link``, ``consent``, items.
    labels : mapping of str to (mapping of str to str)
        Labels by code, by column of ``frame``.
    sources : mapping of str to str
        The export's own heading, by column of ``frame``.
    answered : ndarray of bool
        Whether a row has anything in the columns of this wave.
    where : str
        File and wave, for messages.
    """

    frame: pd.DataFrame
    labels: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, str]
    answered: np.ndarray
    where: str


def match_columns(export: Export, population: Population, *, wave: str) -> Matched:
    """Find the columns that a study names in one wave of an export.

    Items are found by their name or codes, else by their wording in any language, earlier ones
    included; case, blanks and HTML do not count. In a wide file (pattern ``Pre.{}``) items carry
    the pattern; other columns may do without, where both waves share them.

    Raises
    ------
    InputError
        For items that are asked in this wave and not found (one problem for all of them), a
        missing standard column, and headings that stand twice.
    """
    file = population.files[wave]
    where = f"{export.name} ({population.name}, {wave})"
    by_heading = defaultdict(list)
    for column in export.frame.columns:
        for heading in {column, export.questions.get(column, column)}:
            by_heading[normalise_label(heading)].append(column)

    wanted = {name: population.headers(name, wave) for name in population.column_names}
    found = {name: _first(by_heading, headings) for name, headings in wanted.items() if headings}
    problems = [
        _no_column(wanted[name], by_heading, where)
        for name, columns in found.items()
        if not columns
    ]

    missing = {}
    for name, (scale, item) in population.instrument.items.items():
        if wave not in scale.waves:
            continue
        codes, wordings = ([file.header(t) for t in texts] for texts in (item.codes, item.wordings))
        found[name] = _first(by_heading, codes) or _first(by_heading, wordings)
        if not found[name] and _is_asked(scale, population):
            missing[name] = item
    if missing:
        problems.append(_no_items(missing, by_heading, where))
    found = {name: columns for name, columns in found.items() if columns}
    problems += list(_direct_identifiers(export, population, found, where))
    problems += [_twice(columns, where) for columns in found.values() if len(columns) > 1]
    if problems:
        raise InputError(problems)

    sources = {name: columns[0] for name, columns in found.items()}
    return Matched(
        pd.DataFrame({name: export.frame[column] for name, column in sources.items()}),
        {name: export.labels.get(column, {}) for name, column in sources.items()},
        sources,
        _any_answer(export.frame, file.pattern),
        where,
    )


def _direct_identifiers(
    export: Export, population: Population, found: Mapping[str, list[str]], where: str
) -> Iterator[Problem]:
    """Yield the background columns of the study's own that hold names, addresses and the like."""
    for name, columns in found.items():
        if name not in population.columns or name in _STANDARD:
            continue
        kinds = {identifier_kind(export, column) for column in columns} - {""}
        if kinds:
            yield Problem(
                "a background column that holds direct identifiers",
                found=f"{name}: {', '.join(columns)} ({', '.join(sorted(kinds))})",
                allowed="nothing that names a person",
                where=where,
                todo="take it out of study.yml; an id to link by belongs under `link`",
            )


def identifier_kind(export: Export, column: str) -> str:
    """Return the kind of direct identifier that a column holds by its role, or ``""``."""
    role = export.roles.get(column, "")
    if role in _IDENTIFYING_ROLES:
        return role
    return looks_like_identifier_heading(export.questions.get(column, column))


def _first(by_heading: Mapping[str, list[str]], headings: Iterable[str]) -> list[str]:
    normal = map(normalise_label, headings)
    return next((by_heading[heading] for heading in normal if heading in by_heading), [])


def _is_asked(scale: Scale, population: Population) -> bool:
    """Whether anybody in the population can have a role that the scale is asked of."""
    return not (scale.roles and population.roles) or bool(set(scale.roles) & set(population.roles))


def _any_answer(frame: pd.DataFrame, pattern: str) -> np.ndarray:
    before, _, after = pattern.partition("{}")
    answered = np.zeros(len(frame), dtype=bool)
    for column in frame.columns:
        if column.startswith(before) and column.endswith(after):
            answered |= frame[column].str.strip().ne("").to_numpy()
    return answered


def nearest(text: str, choices: Iterable[str]) -> str:
    """Return the choice that resembles a text most, or ``""``.

    Examples
    --------
    >>> nearest("trin", ["kode", "trinn"])
    'trinn'
    """
    return next(iter(difflib.get_close_matches(normalise_label(text), list(choices), 1)), "")


def _no_column(wanted: Sequence[str], headings: Iterable[str], where: str) -> Problem:
    close = nearest(wanted[0], headings)
    return Problem(
        "column not found",
        found=f"the nearest heading is “{close}”" if close else "nothing like it",
        allowed=" or ".join(wanted),
        where=where,
        todo="correct the column's name in study.yml, or export the form again",
    )


def _no_items(missing: Mapping[str, Item], headings: Iterable[str], where: str) -> Problem:
    rows = []
    for name, item in missing.items():
        near = (nearest(text, headings) for text in (*item.codes, *item.wordings))
        close = next(filter(None, near), "")
        rows.append(f"{name} (nearest: “{close}”)" if close else name)
    return Problem(
        "items not found" if len(rows) > 1 else "item not found",
        found="; ".join(rows),
        allowed="the item's name, one of its columns, or one of its wordings as heading",
        where=where,
        todo="add the export's heading to the item's `columns` in the instrument, "
        "or the wording of this wave to `earlier`",
    )


def _twice(columns: Sequence[str], where: str) -> Problem:
    return Problem(
        "heading that stands twice",
        found=", ".join(columns),
        allowed="each needed heading once",
        where=where,
        todo="export the form with its codebook, so that every question has a name of its own",
    )


def seconds_taken(export: Export) -> pd.Series | None:
    """Return how long each row took to fill in, where the tool measures it, in seconds."""
    by_role = {role: column for column, role in export.roles.items()}
    for role, unit in (("milliseconds", 1000), ("seconds", 1)):
        if role in by_role:
            text = export.frame[by_role[role]].str.replace(",", ".", regex=False)
            return pd.to_numeric(text, errors="coerce") / unit
    if {"started", "submitted"} <= by_role.keys():
        began, ended = (
            pd.to_datetime(export.frame[by_role[role]], format="ISO8601", errors="coerce", utc=True)
            for role in ("started", "submitted")
        )
        return (ended - began).dt.total_seconds()
    return None
