"""Which column of a table is which: only what a study names goes on, everything else stays."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis.cleaning.identifiers import (
    holds_identifiers,
    looks_like_identifier_heading,
    redact_text,
)
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.sheets import Raw, Sheets, by_text
from loftet_analysis.cleaning.wordings import told_wordings
from loftet_analysis.errors import Problem, at_rows, named, refuse_any
from loftet_analysis.study import ExportFile, Population, normalise_label
from loftet_analysis.study.checks import BACKGROUND
from loftet_analysis.study.study import LINK
from loftet_analysis.study.yamlfile import nearest

_IDENTIFYING_ROLES = frozenset(
    {"name", "email", "phone", "ip", "coordinates", "username", "national_id"}
)

# what a matrix puts before the text of a row
_PART = re.compile(r"\S\s*\[([^\[\]]+)\]\s*$|\S\s+[-–]\s+(\S.*)$", re.DOTALL)
# what a spreadsheet shows where a formula fails, in its languages
_ERROR = re.compile(r"#(?:DIV/0!|N/A|I/T|[A-ZÆØÅÄÖ_]{3,}[!?])")
_CODE = re.compile(r"-?\d+(?:[.,]0*)?")
# tools that keep labels beside the codes
_WITH_LABELS = frozenset({"surveyxact", "redcap", "spss", "stata", "sas"})
_DIGITS = re.compile(r"\d{5}")
_LONGEST, _SHOWN = 40, 15  # signs of a heading, and headings in a message
_MOST_NEAR = 3
_WAYS = ("columns", "name", "wording")  # by which an item is found, the first first


class Headings:
    """The headings of an export, a list or a register; case, blanks and HTML do not count.

    A column's own heading comes before the question texts of others, and these before parts of
    them: the row of a matrix (``How much do you agree? [I like numbers]``, ``… - I like numbers``).

    Parameters
    ----------
    columns : iterable of str
        The table's columns.
    questions : mapping of str to str, optional
        The question text of a column, by which it may be named too.
    where : str
        The table's name, for messages.
    twice : mapping of str to str, optional
        The heading in the file of columns that were told apart, which is their name too.

    Examples
    --------
    >>> headings = Headings(["Skole ", "V1"], {"V1": "Jeg <b>prøver</b>."})
    >>> headings.find(["skole"]), headings.find(["u1", "jeg prøver."]), headings.find(["trinn"])
    (['Skole '], ['V1'], [])
    """

    def __init__(
        self,
        columns: Iterable[str],
        questions: Mapping[str, str] | None = None,
        where: str = "",
        twice: Mapping[str, str] | None = None,
    ) -> None:
        self.where = where
        ranks: tuple[dict[str, list[str]], ...] = ({}, {}, {})
        self._written: dict[str, str] = {}
        for column in columns:
            question = (questions or {}).get(column, column)
            part = _PART.search(question)
            own = ((twice or {}).get(column, column), column)
            texts_of = own, (question,), part.groups() if part else ()
            for rank, texts in zip(ranks, texts_of, strict=True):
                written = {normalise_label(text): text.strip() for text in texts if text}
                for heading in written:
                    rank.setdefault(heading, []).append(column)
                self._written = written | self._written
        self._columns = ranks[2] | ranks[1] | ranks[0]

    def __iter__(self) -> Iterator[str]:
        """Go through the headings in the one form in which they are compared."""
        return iter(self._columns)

    def find(self, wanted: Iterable[str]) -> list[str]:
        """Return the columns that bear the first of the wanted headings that is there."""
        normal = map(normalise_label, wanted)
        return next((self._columns[text] for text in normal if text in self._columns), [])

    def nearest(self, wanted: Iterable[str]) -> str:
        """Return the headings that resemble most the first wanted one that has such, or ``""``."""
        near = next(filter(None, (nearest(normalise_label(w), self) for w in wanted)), [])
        return "” or “".join(self._written[heading] for heading in near[:_MOST_NEAR])

    def one_each(self, wanted: Iterable[Sequence[str]]) -> list[str]:
        """Return the column of each of several headings, which may be written in several ways.

        Raises
        ------
        InputError
            For headings that no column bears, or several.
        """
        wanted = [*wanted]
        found = [self.find(texts) for texts in wanted]
        refuse_any(
            self.twice(columns) if columns else self.absent(texts)
            for texts, columns in zip(wanted, found, strict=True)
            if len(columns) != 1
        )
        return [columns[0] for columns in found]

    def absent(self, wanted: Sequence[str], *, found: str = "", todo: str = "") -> Problem:
        """Return the problem of a column that none of the headings names."""
        close = self.nearest(wanted[:1])
        names_of = " or ".join(f"“{text}”" for text in wanted)
        near = f"the nearest heading is “{close}”" if close else "nothing like it"
        todo = todo or "correct the column's name in study.yml, or export the form again"
        what = f"no column {names_of}; {found or near}"
        return Problem("column not found", what, "a heading of the file", self.where, todo)

    def twice(self, columns: Sequence[str]) -> Problem:
        """Return the problem of a needed heading that several columns bear."""
        what, allowed = "heading that stands twice", "each needed heading once"
        todo = "export the form with its codebook, so that every question has a name of its own"
        return Problem(what, ", ".join(columns), allowed, self.where, todo)


def match_columns(
    export: Export, population: Population, *, wave: str, file: ExportFile | None = None
) -> tuple[Raw, dict]:
    """Find the columns that a study names in one wave of an export.

    Items are found by their name or codes, else by their wording in any language, earlier ones
    included. In a wide file (pattern ``Pre.{}``) items carry the pattern; other columns may do
    without, where both waves share them.

    Returns
    -------
    raw : Raw
    found : dict
        What :class:`~loftet_analysis.cleaning.sheets.Sheets` holds as `where`, `labels`,
        `sources`, `unused` and `wordings`.

    Raises
    ------
    InputError
        For items that are asked in this wave and not found (one problem for all of them), a
        missing standard column, a background column of direct identifiers, and headings that
        stand twice.
    """
    file = file or population.files[wave][0]
    where = f"{export.name} ({population.name}, {wave})"
    headings = Headings(export.frame.columns, export.questions, where, export.headings)
    wanted = {name: population.headers(name, wave, file) for name in population.column_names}
    found = {name: headings.find(texts) for name, texts in wanted.items() if texts}
    problems = [headings.absent(wanted[name]) for name, columns in found.items() if not columns]
    missing = {}
    by: dict[str, list[str]] = {}
    for name, (scale, item) in population.instrument.columns.items():
        if not scale.asks(name, wave):
            continue
        for way, texts in zip(_WAYS, (item.columns, (name,), item.wordings), strict=True):
            found[name] = headings.find(map(file.header, texts))
            if found[name]:
                by.setdefault(way, []).append(name)
                break
        asked = not (scale.roles and population.roles) or {*scale.roles} & {*population.roles}
        if not found[name] and asked:
            missing[name] = (*item.codes, *item.wordings)
    if missing:
        problems.append(_no_items(missing, headings))
    otherwise, noted = _found_otherwise(by, found, population, headings)
    problems += otherwise
    found = {name: columns for name, columns in found.items() if columns}
    problems += _direct_identifiers(export, population, found, where)
    problems += [headings.twice(columns) for columns in found.values() if len(columns) > 1]
    sources = {name: columns[0] for name, columns in found.items()}
    problems += _for_several(sources, population, where)
    # answers are few different texts
    cells = {
        name: export.frame[column].astype(
            "category" if name in population.instrument.columns else "str"
        )
        for name, column in sources.items()
    }
    problems += _error_values(export, cells, sources, where)
    refuse_any(problems)
    frame = pd.DataFrame(cells)
    if population.link.by == "row":
        place = population.export_files.index(file.file)
        frame[LINK] = [f"file{place}row{row}" for row in export.rows]
    labels = {name: export.labels.get(column, {}) for name, column in sources.items()}
    told = (*noted, *_without_labels(export, population, cells, sources, where))
    remarks = (*export.remarks, *told)
    export = replace(export, remarks=remarks)
    raw = Raw(
        export,
        frame,
        any_answer(export.frame, file.pattern),
        time_format=population.time_format_in(file),
    )
    idle = _unused(export, file, sources, headings)
    of_items = {name: c for name, c in sources.items() if name in population.instrument.items}
    return raw, {
        "where": where,
        "labels": labels,
        "sources": sources,
        "unused": idle,
        "wordings": told_wordings(export.questions, of_items),
    }


def _for_several(
    sources: Mapping[str, str], population: Population, where: str
) -> Iterator[Problem]:
    """Yield the columns that are read for several items or background columns."""
    names_of: dict[str, list[str]] = defaultdict(list)
    for name, column in sources.items():
        if name in population.columns or name in population.instrument.columns:
            names_of[column].append(name)
    for column, several in names_of.items():
        if len(several) > 1:
            what, allowed = "one column for several things", "a column of its own for each"
            todo = "correct the columns in study.yml, or those of the items in the instrument"
            yield Problem(what, f"{column} for {', '.join(several)}", allowed, where, todo)


def _error_values(
    export: Export, cells: Mapping[str, pd.Series], sources: Mapping[str, str], where: str
) -> Iterator[Problem]:
    """Yield the needed columns in which a formula of a spreadsheet has failed; ids name nobody."""
    for name, column in cells.items():
        few = isinstance(column.dtype, pd.CategoricalDtype)
        if name == LINK or not (few or column.str.contains("#", regex=False).any()):
            continue
        texts = column.cat.categories if few else column.unique()
        errors = [text for text in texts if _ERROR.fullmatch(text.strip())]
        if errors:
            rows = at_rows(export.rows[column.isin(errors).to_numpy()])
            found = f"{', '.join(errors[:3])} in {sources[name]}, {rows}"
            todo = "mend the formula where the form was made, and export it again"
            yield Problem("error values", found, "texts, numbers and dates", where, todo)


def _without_labels(
    export: Export,
    population: Population,
    cells: Mapping[str, pd.Series],
    sources: Mapping[str, str],
    where: str,
) -> list[Problem]:
    """Return a remark where a tool that keeps labels gives codes without any."""
    if export.tool not in _WITH_LABELS:
        return []
    items = {name: sources[name] for name in population.instrument.items if name in sources}
    alone = []
    for name, column in items.items():
        texts = [text.strip() for text in cells[name].cat.categories if text.strip()]
        if texts and not export.labels.get(column) and all(map(_CODE.fullmatch, texts)):
            alone.append(name)
    if not alone:
        return []
    what = "codes without their labels: read as the instrument numbers its answers"
    found = f"{len(alone)} of {len(items)} items: {named(alone, 5)}"
    todo = "export the labels too, or look whether the codes run the same way as in the instrument"
    return [Problem(what, found, "labels beside the codes", where, todo)]


def _unused(
    export: Export, file: ExportFile, sources: Mapping[str, str], headings: Headings
) -> dict[str, str]:
    """Return the columns that nothing is read from, with what may be shown of their headings."""
    apart = [rows.column for rows in (file.only, file.wave) if rows]
    joined = [file.then.reference, file.then.serial] if file.then else []
    used = {*sources.values(), *joined, *(c for name in apart for c in headings.find([name]))}
    unused = {}
    for column in export.frame:
        kind, role = identifier_kind(export, column), export.roles.get(column, "")
        if column in used or (role and not kind):
            continue
        heading = " ".join(export.questions.get(column, column).split())
        safe = not kind and redact_text(heading)[0] == heading and not _DIGITS.search(heading)
        unused[column] = heading[:_LONGEST] if safe else ""
    return unused


def unused_columns(parts: Iterable[Sheets]) -> list[Problem]:
    """Return a remark for each file that has columns which no population or wave uses."""
    by_file: dict[str, dict[str, str]] = {}
    for part in parts:
        known = by_file.setdefault(part.file, dict(part.unused))
        by_file[part.file] = {c: text for c, text in known.items() if c in part.unused}
    remarks = []
    for file, unused in by_file.items():
        shown = list(dict.fromkeys(filter(None, unused.values())))
        hidden, told = list(unused.values()).count(""), [named(shown, _SHOWN)]
        told += [f"{hidden} of identifiers, which are not named"] if hidden else []
        if unused:
            found = f"{len(unused)}: {'; '.join(filter(None, told))}"
            todo = "nothing, if they are not wanted; else name them in study.yml or an instrument"
            what = "columns that study.yml does not use"
            remarks.append(Problem(what, found, where=file, todo=todo))
    return remarks


def _no_items(missing: Mapping[str, Sequence[str]], headings: Headings) -> Problem:
    rows = []
    for name, texts in missing.items():
        close = headings.nearest(texts)
        rows.append(f"{name} (nearest: “{close}”)" if close else name)
    what = "items not found" if len(rows) > 1 else "item not found"
    allowed = "the item's name, one of its columns, or one of its wordings as heading"
    todo = "add the export's heading to the item's `columns` in the instrument, "
    todo += "or the wording of this wave to `earlier`"
    return Problem(what, "; ".join(rows), allowed, headings.where, todo)


def _found_otherwise(
    by: Mapping[str, Sequence[str]],
    found: Mapping[str, Sequence[str]],
    population: Population,
    headings: Headings,
) -> tuple[list[Problem], list[Problem]]:
    """Return what is said of items that were not found by the columns named for them.

    That stops where others of the file were found so. A file that has none of these columns (of
    another tool, or exported without its codes) is read by names and wordings, which is noted.

    Parameters
    ----------
    by : mapping of str to sequence of str
        The items by the way in which they were found (``_WAYS``).
    found : mapping of str to sequence of str
        The columns of each item.
    population : Population
    headings : Headings

    Returns
    -------
    problems, remarks : list of Problem
    """
    items = population.instrument.columns
    others = [name for way in _WAYS[1:] for name in by.get(way, ())]
    named_otherwise = [name for name in others if items[name][1].columns]
    if named_otherwise and by.get(_WAYS[0]):
        what = "a column that the instrument names is not in the file"
        each = [
            f"{' or '.join(items[name][1].columns)} (of {name}; {found[name][0][:_LONGEST]} "
            "has its name or wording)"
            for name in named_otherwise
        ]
        todo = "correct `columns` of the item in the instrument, or add the heading of this file"
        allowed = "one of the item's `columns`, as for the other items of the file"
        return [Problem(what, named(each), allowed, headings.where, todo)], []
    remarks = []
    for way in _WAYS[1:]:
        told = [name for name in by.get(way, ()) if way == _WAYS[2] or items[name][1].columns]
        if told:
            what = f"items found by their {way}"
            n = sum(map(len, by.values()))
            count = f"{len(told)} of {n}: {named(told)}"
            if set(told) & {*named_otherwise}:
                count += "; none of the `columns` that the instrument names is in the file"
            todo = "look whether these are the right questions, or name their columns"
            remarks.append(Problem(what, count, where=headings.where, todo=todo))
    return [], remarks


def _direct_identifiers(
    export: Export, population: Population, found: Mapping[str, list[str]], where: str
) -> Iterator[Problem]:
    """Yield the background columns of the study's own that hold names, addresses and the like.

    A heading alone is no identifier: a column *email* may say how often somebody writes one.
    """
    for name, columns in found.items():
        if name not in population.columns or name in BACKGROUND:
            continue
        listed = bool(population.values.get(name))
        kinds = {
            kind
            for column in columns
            if (kind := identifier_kind(export, column))
            and holds_identifiers(_labelled(export, column), kind, listed=listed)
        }
        if kinds:
            what = "a background column that holds direct identifiers"
            told = f"{name}: {', '.join(columns)} ({', '.join(sorted(kinds))})"
            todo = (
                "take it out of study.yml; an id to link by belongs under `link`; where it tells "
            )
            todo += "nobody apart, name its texts under `values`"
            yield Problem(what, told, "nothing that names a person", where, todo)


def _labelled(export: Export, column: str) -> pd.Series:
    """Return a column's texts, or the labels that a tool stores for them."""
    labels = export.labels.get(column, {})
    return by_text(export.frame[column], lambda text: labels.get(text, text)).astype("str")


def identifier_kind(export: Export, column: str) -> str:
    """Return the kind of direct identifier that a column holds by its role, or ``""``."""
    role = export.roles.get(column, "")
    if role in _IDENTIFYING_ROLES:
        return role
    return looks_like_identifier_heading(export.questions.get(column, column))


def any_answer(frame: pd.DataFrame, pattern: str = "{}") -> np.ndarray:
    """Return whether each row has anything in the columns of a pattern."""
    before, _, after = pattern.partition("{}")
    answered = np.zeros(len(frame), dtype=bool)
    for column in frame.columns:
        if column.startswith(before) and column.endswith(after):
            unanswered = np.flatnonzero(~answered)
            cells = frame[column].iloc[unanswered]
            answered[unanswered] = cells.str.strip().ne("").to_numpy()
    return answered
