"""SurveyXact: the answers as codes, with structure and labels in files or sheets beside them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.tabular import workbook
from loftet_analysis.tabular.delimited import read_delimited, read_rows
from loftet_analysis.tabular.export import Export, unreadable

#: The sheet, or sheets, of a workbook that hold the answers.
DATASET = re.compile(r"datas(?:et|ett|æt|æt+) ?(\(\d+\))?", re.IGNORECASE)
_PARTS = {"structure": r"stru[ck]tur\w*", "labels": r"labels?|etiket\w*|værdi\w*|verdi\w*"}
_WORDS = re.compile("|".join((*_PARTS.values(), r"datas\w+t+|data|rådata")), re.IGNORECASE)
_LARGEST = 20_000_000  # bytes of a file with labels


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read a data set of SurveyXact.

    Of a workbook the sheets Dataset (or Dataset(1), Dataset(2), … side by side), Structure and
    Labels are read; of any other file also the structure and the labels that lie beside it
    (:func:`beside`).

    Raises
    ------
    InputError
        For a workbook without a data set, and parts of it with different numbers of rows.
    """
    if workbook.is_workbook(path):
        sheets = {name.casefold(): rows for name, rows in workbook.read_sheets(path).items()}
        if any(DATASET.fullmatch(name) for name in sheets):
            frame = _side_by_side(sheets, path)
            named = {part: [n for n in sheets if re.fullmatch(f, n)] for part, f in _PARTS.items()}
            parts = {part: sheets[found[0]] for part, found in named.items() if found}
            return _labelled(Export(frame, path.name), parts)
        return with_labels(workbook.read(path), path)
    return with_labels(read_delimited(path, delimiter=delimiter, encoding=encoding), path)


def with_labels(export: Export, path: Path) -> Export:
    """Return an export with the texts and labels of the files beside it, where there are any."""
    files = beside(path, export.frame.columns)
    if not files:
        return export
    return _labelled(export, {part: _rows(file) for part, file in files.items()})


def beside(path: Path, headings: Iterable[str]) -> dict[str, Path]:
    """Return the files with structure and labels of a data set, by what is in them.

    Labels have rows of variable, value and label, and no headings; structure has the headings
    *variableName* and *questionText* or *choiceValue*. They may have any name, but where several
    fit, or there are other data sets, it must be like that of the data set but for the words.

    Raises
    ------
    InputError
        Where several files fit equally.
    """
    known = {heading.strip().casefold() for heading in headings} - {""}
    others = [file for file in sorted(path.parent.iterdir()) if _may_be_part(file) and file != path]
    part_of = {file: _part(file, known) for file in others}
    own = _base(path)
    taken = {_base(file) for file, part in part_of.items() if not part} - {own, ""}
    found: dict[str, Path] = {}
    problems = []
    for part in _PARTS:
        fitting = {file: _base(file) for file in others if part_of[file] == part}
        ranks = [own], [""], [base for base in fitting.values() if base not in taken]
        best = next(filter(None, ([f for f, b in fitting.items() if b in r] for r in ranks)), [])
        if len(best) > 1:
            names = ", ".join(file.name for file in best)
            what, allowed = f"several files with {part} of one data set", "one beside each data set"
            todo = "give them the name of the data set, or put each data set into its own folder"
            problems.append(Problem(what, names, allowed, path.name, todo))
        found |= {part: best[0]} if best else {}
    refuse_any(problems)
    return found


def _may_be_part(file: Path) -> bool:
    kinds = (".csv", ".txt", ".tsv", ".xlsx", ".xls")
    return file.is_file() and file.suffix.lower() in kinds and file.stat().st_size <= _LARGEST


def _base(file: Path) -> str:
    """Return a file's name without what says which part it is."""
    name = unicodedata.normalize("NFC", file.stem.casefold())
    return re.sub(r"[\W_]+", "", _WORDS.sub("", name))


def _part(file: Path, known: set[str]) -> str:
    """Return which part of a data set with these headings a file is, or ``""``."""
    try:
        rows = _rows(file, most=100)
    except InputError:
        return ""
    first = {cell.strip().casefold() for cell in rows[0]} if rows else set()
    if "variablename" in first and first & {"questiontext", "choicevalue", "choicetext"}:
        return "structure"
    short = [[cell.strip() for cell in row] for row in rows]
    three = [row for row in short if len(row) >= 3 and all(row[:3]) and not any(row[3:])]
    fits = sum(row[0].casefold() in known for row in three)
    return "labels" if three and len(three) >= len(rows) - 1 and 2 * fits >= len(three) else ""


def _rows(file: Path, most: int | None = None) -> list[list[str]]:
    is_workbook = workbook.is_workbook(file)
    rows = workbook.read_rows(file) if is_workbook else read_rows(file, most=most)
    return [cells for _, cells in rows]


def _side_by_side(sheets: dict[str, list[list[str]]], path: Path) -> pd.DataFrame:
    named = [name for name in sheets if DATASET.fullmatch(name)]
    named.sort(key=lambda name: int((re.findall(r"\d+", name) or ["0"])[0]))
    tables = [sheets[name] for name in named if sheets[name]]
    if not tables:
        raise unreadable(path.name, "sheets " + ", ".join(sheets))
    lengths = {len(rows) for rows in tables}
    if len(lengths) > 1:
        found = ", ".join(f"{n}: {len(sheets[n])} rows" for n in named)
        raise unreadable(path.name, found)
    columns: dict[str, list[str]] = {}
    for rows in tables:
        for heading, cells in zip(rows[0], zip(*rows[1:], strict=True), strict=True):
            if heading.strip():
                columns.setdefault(heading, list(cells))  # the key stands in every part
    return pd.DataFrame(columns, dtype="str")


def _labelled(export: Export, parts: Mapping[str, list[list[str]]]) -> Export:
    frame, questions = export.frame, dict(export.questions)
    questions = {column: questions.get(column, column) for column in frame}
    columns = {column.casefold(): column for column in reversed(list(frame))}
    labels: dict[str, dict[str, str]] = {}
    for variable, value, label in (row[:3] for row in parts.get("labels", ()) if len(row) >= 3):
        if label.strip():
            labels.setdefault(variable.strip().casefold(), {})[value.strip()] = label
    names, *rows = parts.get("structure") or [[]]
    heads = [name.strip().casefold() for name in names]
    for row in rows:
        cells = defaultdict(str, zip(heads, row, strict=False))
        variable, text = cells["variablename"].strip().casefold(), cells["questiontext"]
        if text.strip() and variable in columns:
            questions[columns[variable]] = text
        value, choice = cells["choicevalue"], cells["choicetext"]
        if value.strip() and choice.strip():
            labels.setdefault(variable, {}).setdefault(value, choice)
    known = {columns[name]: texts for name, texts in labels.items() if name in columns}
    return replace(export, questions=questions, labels=known)
