"""How outcomes moved outside the study: figures by grade and calendar year, with their sources."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study.instrument import normalise_label
from loftet_analysis.study.schools import LAST_GRADE, unreadable, wrong_columns
from loftet_analysis.study.yamlfile import shown
from loftet_analysis.tabular import headings_told, read_table
from loftet_analysis.tabular.cells import decimal, plain, repaired

_REQUIRED = ("outcome", "grade", "year", "value", "source", "date")
_KNOWN = (*_REQUIRED, "se")
_MOST = 5  # SD from wherever the source has its zero; points of a test are no SD
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Figure:
    """What a source outside the study says of one outcome, grade and calendar year.

    Attributes
    ----------
    outcome : str
    grade : int or None
        None where the figure is of all grades.
    year : int
        Calendar year.
    value : float
        The mean in that year, in SD (-5 to 5); only differences between years are used.
    se : float or None
        Its standard error in SD, above 0, where the source gives one.
    source, date : str
        Where it is from, and when that was published.
    where : str
        File and row.
    """

    outcome: str
    grade: int | None
    year: int
    value: float
    se: float | None
    source: str
    date: str
    where: str = ""


@dataclass(frozen=True)
class Trend:
    """The figures of one outcome in two calendar years.

    Attributes
    ----------
    earlier, later : tuple of Figure
        Those of the two years.
    """

    earlier: tuple[Figure, ...]
    later: tuple[Figure, ...]

    def over(self, share: Mapping[int, float]) -> tuple[float, float, str]:
        """Return how far the outcome moved, weighted over grades.

        A grade takes its own figures where it has them for both years, else those of all grades.
        Figures of different grades and years are independent; one that stands for several grades
        counts once, with their weights together.

        Parameters
        ----------
        share : mapping of int to float
            The weight of each grade; they sum to 1.

        Returns
        -------
        change : float
            Later − earlier, in SD; NaN where a grade has no figures.
        se : float
            NaN where a figure that is used has no standard error.
        sources : str
            Each with its date.

        Examples
        --------
        >>> figure = Figure("joy", None, 2025, 0.10, 0.03, "Invented survey", "2026")
        >>> later = Figure("joy", None, 2027, 0.02, 0.04, "Invented survey", "2028")
        >>> change, se, sources = Trend((figure,), (later,)).over({7: 0.4, 8: 0.6})
        >>> round(change, 3), round(se, 3), sources
        (-0.08, 0.05, 'Invented survey, 2026; Invented survey, 2028')
        """
        weight: dict[Figure, float] = defaultdict(float)
        for grade, part in share.items():
            pair = self._pair(grade)
            if pair is None:
                return math.nan, math.nan, ""
            for figure, sign in zip(pair, (-1, 1), strict=True):
                weight[figure] += sign * part
        change = sum(part * figure.value for figure, part in weight.items())
        errors = [math.nan if f.se is None else part * f.se for f, part in weight.items()]
        sources = dict.fromkeys(f"{figure.source}, {figure.date}" for figure in weight)
        return change, math.hypot(*errors), "; ".join(sources)

    def _pair(self, grade: int) -> tuple[Figure, Figure] | None:
        for of in (grade, None):
            one, other = (next((f for f in side if f.grade == of), None)
                          for side in (self.earlier, self.later))  # fmt: skip
            if one and other:
                return one, other
        return None


def trend_between(figures: Iterable[Figure], outcome: str, years: tuple[int, int]) -> Trend | None:
    """Return the trend of an outcome between two calendar years; None where one has no figure.

    Within one calendar year there is none.
    """
    own = [figure for figure in figures if figure.outcome == outcome]
    sides = [tuple(figure for figure in own if figure.year == year) for year in years]
    return Trend(*sides) if all(sides) and years[0] < years[1] else None


def read_trend(path: Path) -> tuple[tuple[Figure, ...], list[Problem]]:
    """Read a file of external trends.

    Parameters
    ----------
    path : Path
        A workbook, or text in any encoding and with any delimiter that an export may have, with
        the columns ``outcome``, ``grade`` (empty or ``all`` for all grades), ``year``, ``value``,
        ``source`` and ``date``, and, where the sources give it, ``se``. Decimals may have a point
        or a comma.

    Returns
    -------
    figures : tuple of Figure
        In the order of the file, without the rows that are wrong.
    problems : list of Problem
        Everything that is wrong, with rows.
    """
    file = shown(path)
    try:
        table = read_table(path)
    except InputError as error:
        what, allowed = "file of trends cannot be read", ", ".join(_KNOWN)
        todo = "write it, or correct analysis: trend: in study.yml"
        return (), unreadable(error, path, what, f"a workbook or text with {allowed}", todo)
    headings = [normalise_label(heading) for heading in table.questions.values()]
    required = dict(zip(_REQUIRED, _REQUIRED, strict=True))
    problems = [*wrong_columns(headings, required, _KNOWN, file)]
    unknown = [heading for heading in headings if heading not in _KNOWN]
    if unknown:
        known = [heading for heading in headings if heading in _KNOWN]
        found = headings_told(unknown, known) or f"{len(unknown)} without a heading"
        what, allowed = "unknown column of a file of trends", ", ".join(_KNOWN)
        problems.append(Problem(what, found, allowed, file))
    if problems:
        return (), problems
    figures: dict[tuple, Figure] = {}
    for row, cells in zip(table.rows, table.frame.to_numpy(), strict=True):
        where = f"{file}, row {row}"
        cell = {heading: " ".join(text.split()) for heading, text in
                zip(headings, cells, strict=True)}  # fmt: skip
        wrong = list(_wrong_cells(cell, where))
        problems += wrong
        if wrong:
            continue
        figure = _figure(cell, where)
        key = (figure.outcome, figure.grade, figure.year)
        if key in figures:
            found = f"{figure.outcome}, grade {figure.grade or names.ALL}, {figure.year}"
            found += f" (first in {figures[key].where.rpartition(', ')[2]})"
            problems.append(Problem("duplicate figure of a trend", found, "each once", where))
        figures.setdefault(key, figure)
    sources: dict[tuple, dict[str, str]] = defaultdict(dict)
    for figure in figures.values():
        sources[figure.outcome, figure.grade].setdefault(figure.source, figure.where)
    for (outcome, grade), at in sources.items():
        if len(at) > 1:
            what = "figures of one outcome and grade from several sources"
            told = f"{outcome}, grade {grade or names.ALL}: {', '.join(at)}"
            allowed = "one source, since each has its own zero"
            problems.append(Problem(what, told, allowed, [*at.values()][1]))
    if not len(table.rows):
        problems.append(Problem("no figure in the file of trends", "no rows", where=file))
    return tuple(figures.values()), problems


def _wrong_cells(cell: Mapping[str, str], where: str) -> Iterator[Problem]:
    for column in ("outcome", "source", "date"):
        if not cell[column]:
            yield Problem(f"{column} is empty", "nothing", "a text", where)
    grade, year, value = _grade(cell), repaired(plain(cell["year"])), decimal(cell["value"])
    if grade and not (grade.isdecimal() and 1 <= int(grade) <= LAST_GRADE):
        allowed = f"1 to {LAST_GRADE}; {names.ALL} or nothing for all grades"
        yield Problem("grade not understood", cell["grade"], allowed, where)
    if not _YEAR.fullmatch(year):
        found, allowed = cell["year"] or "nothing", "a calendar year such as 2025"
        yield Problem("year not understood", found, allowed, where)
    if value is None or abs(value) > _MOST:
        found, allowed = cell["value"] or "nothing", f"a number from -{_MOST} to {_MOST}, in SD"
        yield Problem("value is not a number of SDs", found, allowed, where)
    if plain(cell.get("se", "")) and not (decimal(cell["se"]) or 0) > 0:
        allowed = "a number above 0, in SD; nothing where the source gives none"
        yield Problem("se is not a standard error", cell["se"], allowed, where)


def _grade(cell: Mapping[str, str]) -> str:
    grade = repaired(plain(cell["grade"]))
    return "" if normalise_label(grade) == names.ALL else grade


def _figure(cell: Mapping[str, str], where: str) -> Figure:
    grade, year = _grade(cell), int(repaired(plain(cell["year"])))
    value = decimal(cell["value"]) or 0.0  # that it is a number, `_wrong_cells` has looked at
    se, about = decimal(cell.get("se", "")), (cell["source"], cell["date"], where)
    return Figure(cell["outcome"], int(grade) if grade else None, year, value, se, *about)
