"""Lists that people keep beside the exports: who opted out or withdrew, and corrections.

A list is a table (CSV or workbook) whose columns carry the standard names: ``population``,
``wave``, ``file``, ``id`` (the id or code), ``school_id`` and any other background column of the
population. A row means the questionnaires that agree with it in every cell that it fills.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.headings import Headings
from loftet_analysis.cleaning.ids import id_length, normal, normal_id
from loftet_analysis.cleaning.readers import read_table
from loftet_analysis.cleaning.sheets import Sheets, by_text
from loftet_analysis.errors import InputError, Problem, at_rows, refuse_any
from loftet_analysis.study import Population, Study, normalise_label
from loftet_analysis.study.schools import find_school
from loftet_analysis.study.study import LINK
from loftet_analysis.study.yamlfile import did_you_mean
from loftet_analysis.tabular import headings_told
from loftet_analysis.tabular.cells import form_of
from loftet_analysis.tabular.export import Export

ID = "id"
FILE = "file"  # the export, where a wave has several
FREE = ("date", "note", "reason")  # for people; nothing is done with them
ROW = "row"  # place in the export as a spreadsheet numbers it
CORRECTION = ("column", "from", "to")


def read_list(
    study: Study, file: str, populations: Sequence[Population], also: Sequence[str] = ()
) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame
        Its rows as text, under the standard names; the index is the rows' numbers.

    Raises
    ------
    InputError
        For columns that are unknown, absent or twice, rows that are too long, an unknown wave or
        population, and rows that fill nothing by which questionnaires are found.
    """
    table = read_table(study.export_path(file))
    header = [*table.questions.values()]
    headings = Headings(header, where=file)
    background = dict.fromkeys(c for p in populations for c in p.columns)
    locators = (ID, *background, *((ROW,) if also else ()))
    allowed = (names.POPULATION, names.WAVE, FILE, *locators, *also, *FREE)
    standard = {normalise_label(name): name for name in allowed}
    given, known = [*map(normalise_label, header)], ", ".join(allowed)
    there = headings_told(given, standard.keys() & {*given})
    if there and not standard.keys() & {*given}:
        todo = "look whether this is the file"
        raise InputError("no list of people or corrections", there, known, file, todo)
    problems = []
    for heading in headings:
        if heading not in standard:
            found, todo = headings_told([heading], allowed), did_you_mean(heading, allowed)
            problems.append(Problem("unknown column of a list", found, known, file, todo))
        if len(headings.find([heading])) > 1:
            problems.append(Problem("column stands twice", heading, "each column once", file))
    for column in also:
        if not headings.find([column]):
            found = there or "an empty file"
            problems.append(Problem(f"missing column: {column}", found, where=file))
    if not any(headings.find([column]) for column in locators):
        what = "a list without anything to find questionnaires by"
        problems.append(Problem(what, there, ", ".join(locators), file))
    refuse_any(problems)
    columns = [standard[normalise_label(heading)] for heading in header]
    frame = table.frame.set_axis(columns, axis=1).set_axis(table.rows)
    _refuse_rows(frame, study, populations, locators, file)
    return frame


def rows_about(rows: pd.DataFrame, population: str, wave: str, file: str) -> pd.DataFrame:
    """Return the rows that speak of a population, wave and file: those that name it, or none."""
    about = np.ones(len(rows), dtype=bool)
    for column, own in ((names.POPULATION, population), (names.WAVE, wave), (FILE, file)):
        if column in rows:
            about &= rows[column].isin(["", own]).to_numpy()
    return rows[about]


def _refuse_rows(
    frame: pd.DataFrame,
    study: Study,
    populations: Sequence[Population],
    locators: Sequence[str],
    file: str,
) -> None:
    problems = []
    files = [(p.name, w, f.file) for p in populations for w, fs in p.files.items() for f in fs]
    known = {
        names.WAVE: study.waves,
        names.POPULATION: [p.name for p in populations],
        FILE: dict.fromkeys(file for *_, file in files),
    }
    for column, values in known.items():
        wrong = ~frame.get(column, pd.Series(dtype="str")).isin(["", *values])
        if wrong.any():
            rows, allowed = at_rows(frame.index[wrong]), ", ".join(values) + ", or blank"
            problems.append(Problem(f"unknown {column} in a list", rows, allowed, file))
    if ID in frame:
        nobody = frame[ID].ne("") & frame[ID].map(normal_id).eq("")
        if nobody.any():
            what, allowed = "an id that is none, or has lost digits", "an id, or blank"
            form = form_of(frame.loc[nobody, ID].iloc[0])
            found = f"{at_rows(frame.index[nobody])}, such as {form}"
            problems.append(Problem(what, found, allowed, file))
    blank = frame[[c for c in locators if c in frame]].eq("").all(axis=1)
    if blank.any():
        rows, allowed = at_rows(frame.index[blank]), ", ".join(locators)
        allowed = f"one filled at least: {allowed}"
        problems.append(Problem("a row that means everybody", rows, allowed, file))
    if ROW in frame:
        problems += _rows_of_several_files(frame, files, file)
    refuse_any(problems)


def _rows_of_several_files(
    frame: pd.DataFrame, files: Sequence[tuple[str, str, str]], file: str
) -> Iterator[Problem]:
    """Yield the problem of row numbers that do not say in which file."""
    columns, unsure = [names.POPULATION, names.WAVE, FILE], []
    rows = frame[frame[ROW].ne("")].reindex(columns=columns, fill_value="")
    for place, *named in rows.itertuples(name=None):
        fits = [all(own in ("", one) for own, one in zip(named, of, strict=True)) for of in files]
        if len({file for (*_, file), fit in zip(files, fits, strict=True) if fit}) > 1:
            unsure.append(place)
    if unsure:
        found, todo = at_rows(unsure), "fill wave, population or file in these rows"
        allowed = "a row number of one export"
        yield Problem("a row number that may be of several exports", found, allowed, file, todo)


def row_numbers(export: Export) -> pd.Series:
    """Return the numbers that a spreadsheet shows beside the rows of an export."""
    return pd.Series(export.rows, index=export.frame.index)


def listed(sheets: Sheets, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return whether each sheet is meant by a row of a list, and whether each row means a sheet.

    Parameters
    ----------
    sheets : Sheets
        As text, with ``link``, before the quarantine has been passed; ``row`` is the number that a
        spreadsheet shows beside it.
    rows : DataFrame
        Rows of a list.
    """
    frame, population = sheets.frame, sheets.population
    columns = [c for c in rows if c in (ID, ROW, *population.columns)]
    schools, digits = sheets.study.school_ids, 0
    if ID in columns and LINK in frame:
        digits = id_length([frame[LINK], rows[ID]], population.link, sheets.where)
    meaning: dict[str, Callable[[str], str]] = dict.fromkeys(columns, normalise_label) | {
        ID: normal(population.link, digits),
        names.SCHOOL: lambda text: find_school(schools, text) or normalise_label(text),
        ROW: str.strip,
    }
    own = {ID: frame.get(LINK)}
    if ROW in columns:
        own[ROW] = row_numbers(sheets.original.export).reindex(frame.index).astype(str)
    texts = {column: own.get(column, frame.get(column)) for column in columns}
    mine = {c: by_text(text, meaning[c]) for c, text in texts.items() if text is not None}
    meant, means = np.zeros(len(frame), dtype=bool), pd.Series(False, index=rows.index)
    for pattern, part in rows[columns].ne("").groupby(columns) if columns else ():
        by = [c for c, is_filled in zip(columns, np.atleast_1d(pattern), strict=True) if is_filled]
        if not by or not mine.keys() >= {*by}:
            continue
        wanted = rows.loc[part.index, by].apply(lambda cells: cells.map(meaning[cells.name]))
        there = pd.MultiIndex.from_frame(pd.DataFrame({c: mine[c] for c in by}))
        wanted = pd.MultiIndex.from_frame(wanted)
        meant |= there.isin(wanted)
        means[part.index] = wanted.isin(there)
    return pd.Series(meant, index=frame.index), means


def correct(sheets: Sheets) -> Sheets:
    """Put the study's corrections of this population and wave in the place of cells.

    A correction has what finds the questionnaires, ``column`` (a standard name, ``id`` or an item),
    ``from`` (what must stand there) and ``to``.

    Put into `problems` are a column that is not there, and a correction whose ``from`` does not
    stand there. How many questionnaires each means is kept in `corrected`: one that means none in
    any file is a fault (:func:`without_sheets`).
    """
    rows = sheets.original.lists.get(sheets.study.corrections or "")
    if rows is None:
        return sheets
    problems, frame = [], sheets.frame.copy()
    made: Counter[str] = Counter()
    meaning: dict[int, int] = {}
    corrected = replace(sheets, frame=frame)
    for place, row in rows.iterrows():
        column = LINK if row["column"] == ID else row["column"]
        line = f"{sheets.where}, correction in row {place}"
        if column not in frame:
            there = [ID if c == LINK else c for c in frame]
            what, todo = "correction of an unknown column", did_you_mean(row["column"], there)
            problems.append(Problem(what, row["column"], ", ".join(there), line, todo))
            continue
        meant, _ = listed(corrected, rows.loc[[place]].drop(columns=list(CORRECTION)))
        meaning[place] = int(meant.sum())
        standing = frame.loc[meant, column].astype("str").map(normalise_label)
        if standing.ne(normalise_label(row["from"])).any():
            what, todo = "correction of something else", "correct `from`, or take the row out"
            allowed = "what stands in the export"
            problems.append(Problem(what, "another text in `from`", allowed, line, todo))
        else:
            frame[column] = frame[column].astype("str").mask(meant, row["to"])
            made[row["column"]] += meaning[place]
    counts = pd.DataFrame(sorted((+made).items()), columns=["column", "n"])
    noted = counts.assign(value="", reason="corrected")
    told = (*sheets.problems, *problems)
    return corrected.noting(noted, corrected=meaning, problems=told)


def without_sheets(study: Study, sheets: Iterable[Sheets]) -> list[Problem]:
    """Return a problem for each correction that means no sheet of any file that it speaks of."""
    found: Counter[int] = Counter()
    for each in sheets:
        found.update(each.corrected)
    what, allowed = "correction of no questionnaire", "a row that means one or more questionnaires"
    todo = "look at id, row, school and wave"
    return [
        Problem(what, "nobody", allowed, f"{study.corrections}, row {row}", todo)
        for row, n in sorted(found.items())
        if not n
    ]


def rows_of_nobody(study: Study, sheets: Iterable[Sheets]) -> list[Problem]:
    """Return a remark for each list of people with rows that mean no questionnaire of any file.

    Rows count that speak of an export that is there; they are named by number, never by id.
    """
    means: dict[str, pd.Series] = {}
    for each in sheets:
        for file, own in each.listed.items():
            means[file] = own if file not in means else means[file].combine(own, max, False)
    remarks = []
    for file, own in means.items():
        empty = own.index[~own.astype(bool)]
        what = "rows of a list that mean no questionnaire"
        todo = "look at id, school and wave in these rows"
        if file == study.withdrawn:
            what = "warning: withdrawals that mean no questionnaire"
            todo += "; what these people answered may still be among the data"
        rows = f"rows of {file} mean no questionnaire: {at_rows(sorted(empty))}"
        found = f"{len(empty)} of {len(own)} {rows}"
        remarks += [Problem(what, found, "", file, todo)] if len(empty) else []
    return remarks
