"""Lists that people keep beside the exports: who opted out or withdrew, and corrections.

A list is a table (CSV or workbook) whose columns carry the standard names: ``population``,
``wave``, ``id`` (the id or code), ``school_id`` and any other background column of the
population. A row means the sheets that agree with it in every cell that it fills.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.link import normal_code, normal_id
from loftet_analysis.cleaning.readers import excel
from loftet_analysis.cleaning.readers.table import decoded
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Population, Study, normalise_label
from loftet_analysis.study.study import LINK
from loftet_analysis.study.yamlfile import did_you_mean

ID = "id"
FREE = ("date", "note", "reason")  # for people; nothing is done with them
ROW = "row"  # place in the export as a spreadsheet numbers it: the first answers are row 2
CORRECTION = ("column", "from", "to")


@dataclass(frozen=True)
class Listing:
    """A list as read.

    Attributes
    ----------
    rows : DataFrame
        Text; ``wave`` and ``population`` are filled in where the list has them.
    name : str
        The file's name, for messages.
    """

    rows: pd.DataFrame
    name: str

    def of(self, population: str, wave: str) -> pd.DataFrame:
        """Return the rows that speak of a population and wave: those that name it, or none."""
        about = np.ones(len(self.rows), dtype=bool)
        for column, own in ((names.POPULATION, population), (names.WAVE, wave)):
            if column in self.rows:
                about &= self.rows[column].isin(["", own]).to_numpy()
        return self.rows[about]


def read_list(
    study: Study, file: str, populations: Sequence[Population], also: Sequence[str] = ()
) -> Listing:
    """Read a list; one without any row is a list of nobody.

    Parameters
    ----------
    study : Study
        Where its exports lie, and its waves.
    file : str
        The file's name.
    populations : sequence of Population
        Those that it can speak of; their columns are the ones it may have.
    also : sequence of str
        Further columns that this list must have.

    Raises
    ------
    InputError
        For columns that are unknown, absent or twice, rows that are too long, an unknown wave or
        population, and rows that fill nothing by which sheets are found.
    """
    path = study.export_path(file)
    table = _table(path)
    header = [normalise_label(cell) for cell in (table[0] if table else [])]
    background = dict.fromkeys(c for p in populations for c in p.columns)
    locators = (ID, *background, *((ROW,) if also else ()))
    allowed = (names.POPULATION, names.WAVE, *locators, *also, *FREE)
    found = dict.fromkeys(header)
    problems = [
        Problem(
            "unknown column of a list",
            found=column or "a column without heading",
            allowed=", ".join(allowed),
            where=file,
            todo=did_you_mean(column, allowed),
        )
        for column in found
        if column not in allowed
    ]
    problems += [
        Problem("column stands twice", column, "each column once", file)
        for column in found
        if header.count(column) > 1
    ]
    problems += [
        Problem(f"missing column: {column}", ", ".join(header) or "an empty file", where=file)
        for column in also
        if column not in found
    ]
    if not set(locators) & set(found):
        what = "a list without anything to find sheets by"
        problems.append(Problem(what, ", ".join(header), ", ".join(locators), file))
    rows = [[cell.strip() for cell in row] for row in table[1:]]
    for place, row in enumerate(rows, start=2):
        if len(row) > len(header) and any(row[len(header) :]):
            what, where = "row too long", f"{file}, row {place}"
            problems.append(Problem(what, f"{len(row)} cells", str(len(header)), where))
    if problems:
        raise InputError(problems)
    filled = [(row + [""] * len(header))[: len(header)] for row in rows if any(row)]
    frame = pd.DataFrame(filled, columns=header, dtype="str")
    raise_any(_wrong_rows(frame, study, populations, locators, file))
    return Listing(frame, file)


def raise_any(problems: Sequence[Problem]) -> None:
    """Raise the problems together, if there are any."""
    if problems:
        raise InputError(problems)


def _table(path: Path) -> list[list[str]]:
    if path.suffix.lower() == ".xlsx":
        export = excel.read(path)
        headings = [export.questions.get(column, column) for column in export.frame]
        return [headings, *export.frame.to_numpy().tolist()]
    text = decoded(path, None)
    first = text.partition("\n")[0]
    separator = max(";,\t", key=first.count)
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]


def _wrong_rows(
    frame: pd.DataFrame,
    study: Study,
    populations: Sequence[Population],
    locators: Sequence[str],
    file: str,
) -> list[Problem]:
    known = {names.WAVE: tuple(study.waves), names.POPULATION: tuple(p.name for p in populations)}
    problems = [
        Problem(
            f"unknown {column} in a list",
            found="rows " + ", ".join(str(row + 2) for row in frame.index[wrong][:5]),
            allowed=", ".join(values) + ", or blank",
            where=file,
        )
        for column, values in known.items()
        if column in frame and (wrong := ~frame[column].isin(["", *values])).any()
    ]
    blank = frame[[c for c in locators if c in frame]].eq("").all(axis=1)
    if blank.any():
        rows = ", ".join(str(row + 2) for row in frame.index[blank][:5])
        what, allowed = "a row that means everybody", ", ".join(locators)
        problems.append(Problem(what, f"rows {rows}", f"one filled at least: {allowed}", file))
    return problems


def listed(
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    population: Population,
    schools: Mapping[str, str],
) -> tuple[pd.Series, pd.Series]:
    """Find the sheets that rows of a list mean.

    Parameters
    ----------
    frame : DataFrame
        Sheets as text, with standard names and ``link``; ``row`` is its index + 2.
    rows : DataFrame
        Rows of a list.
    population : Population
        How its ids or codes are compared.
    schools : mapping of str to str
        ``school_id`` by normalised id or name.

    Returns
    -------
    sheets : Series of int
        By sheet: the position in ``rows`` of the first row that means it, −1 for none.
    used : Series of bool
        By row of the list: whether it means a sheet.
    """
    columns = [c for c in rows if c in (ID, ROW, *population.columns)]
    code = normal_code if population.link.by == "code" else normal_id
    meaning: dict[str, Callable[[str], str]] = {
        ID: code,
        names.SCHOOL: lambda text: schools.get(normalise_label(text), normalise_label(text)),
        ROW: str.strip,
    }
    theirs = {column: rows[column].map(meaning.get(column, normalise_label)) for column in columns}
    filled = rows[columns].ne("")
    found = pd.Series(-1, index=frame.index)
    used = pd.Series(False, index=rows.index)
    mine: dict[str, pd.Series] = {}
    for pattern, part in filled.groupby(columns) if columns else ():
        by = [c for c, is_filled in zip(columns, np.atleast_1d(pattern), strict=True) if is_filled]
        if not by or any(c == ID and LINK not in frame for c in by):
            continue
        for column in by:
            if column not in mine:
                mine[column] = _own(frame, column, meaning.get(column, normalise_label))
        wanted = pd.MultiIndex.from_arrays([theirs[c][part.index] for c in by])
        there = pd.MultiIndex.from_arrays([mine[c] for c in by])
        place = pd.Series(rows.index.get_indexer(part.index), index=wanted)
        first = place[~place.index.duplicated()].reindex(there).fillna(-1).astype(int).to_numpy()
        found = found.where(found.ge(0), first)
        used[part.index] |= wanted.isin(there)
    return found, used


def _own(frame: pd.DataFrame, column: str, meaning: Callable[[str], str]) -> pd.Series:
    if column == ROW:
        return pd.Series((frame.index + 2).astype(str), index=frame.index)
    text = frame[LINK if column == ID else column]
    return text.map({cell: meaning(cell) for cell in text.unique()})


def correct(
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    population: Population,
    schools: Mapping[str, str],
    where: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put corrections in the place of cells.

    Parameters
    ----------
    frame : DataFrame
        Sheets as text, as matched.
    rows : DataFrame
        Corrections of this population and wave: what finds the sheets, ``column`` (a standard
        name, ``id`` or an item), ``from`` (what must stand there) and ``to``.

    Returns
    -------
    frame : DataFrame
    values : DataFrame
        ``region, column, value, reason, n``: the cells that were corrected, by column.

    Raises
    ------
    InputError
        For a column that is not there, a correction that means no sheet, and one whose ``from``
        does not stand there.
    """
    problems, notes, frame = [], [], frame.copy()
    for place, row in rows.iterrows():
        column = LINK if row["column"] == ID else row["column"]
        line = f"{where}, correction in row {place + 2}"
        if column not in frame:
            there = [ID if c == LINK else c for c in frame]
            what, todo = "correction of an unknown column", did_you_mean(row["column"], there)
            problems.append(Problem(what, row["column"], ", ".join(there), line, todo))
            continue
        sheets, _ = listed(
            frame, rows.loc[[place]].drop(columns=list(CORRECTION)), population=population,
            schools=schools,
        )  # fmt: skip
        meant = sheets.ge(0)
        if not meant.any():
            what, allowed = "correction of no sheet", "a row that means one or more sheets"
            problems.append(Problem(what, "nobody", allowed, line, "look at id, school and wave"))
            continue
        standing = frame.loc[meant, column].map(normalise_label)
        if standing.ne(normalise_label(row["from"])).any():
            what, todo = "correction of something else", "correct `from`, or take the row out"
            allowed = "what stands in the export"
            problems.append(Problem(what, "another text in `from`", allowed, line, todo))
            continue
        frame.loc[meant, column] = row["to"]
        notes.append({"column": row["column"], "n": int(meant.sum())})
    raise_any(problems)
    made = pd.DataFrame(notes, columns=["column", "n"]).groupby("column", as_index=False).sum()
    made = made.assign(**{names.REGION: "", "value": "", "reason": "corrected"})
    return frame, made[[names.REGION, "column", "value", "reason", "n"]]
