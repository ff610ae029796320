"""SurveyXact: the answers as codes, with structure and labels in files or sheets beside them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pandas as pd

from loftet_analysis.tabular import workbook
from loftet_analysis.tabular.delimited import read_delimited, read_rows
from loftet_analysis.tabular.export import Export, unreadable

_PARTS = ("structure", "labels")


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read a data set of SurveyXact.

    Of a text file ``…dataset….csv`` the files ``…structure…`` and ``…labels…`` beside it are read
    too, where they are there; of a workbook the sheets Dataset (or Dataset(1), Dataset(2), … side
    by side), Structure and Labels.

    Raises
    ------
    InputError
        For a workbook without a data set, and parts of it with different numbers of rows.
    """
    if path.suffix.lower() == ".xlsx":
        sheets = {name.casefold(): rows for name, rows in workbook.read_sheets(path).items()}
        frame = _side_by_side(sheets, path)
        parts = {part: sheets.get(part, []) for part in _PARTS}
        return _labelled(frame, parts, path)
    export = read_delimited(path, delimiter=delimiter, encoding=encoding)
    parts = {part: _beside(path, part, delimiter, encoding) for part in _PARTS}
    return _labelled(export.frame, parts, path)


def _beside(path: Path, part: str, delimiter: str | None, encoding: str | None) -> list[list[str]]:
    name = re.sub("dataset", part, path.name, flags=re.IGNORECASE)
    beside = {other.name.casefold(): other for other in path.parent.iterdir()}
    other = beside.get(name.casefold())
    if name == path.name or other is None or not other.stat().st_size:
        return []
    return [cells for _, cells in read_rows(other, delimiter=delimiter, encoding=encoding)]


def _side_by_side(sheets: dict[str, list[list[str]]], path: Path) -> pd.DataFrame:
    named = [name for name in sheets if re.fullmatch(r"dataset ?(\(\d+\))?", name)]
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


def _labelled(frame: pd.DataFrame, parts: dict[str, list[list[str]]], path: Path) -> Export:
    questions = {column: column for column in frame}
    labels: dict[str, dict[str, str]] = {}
    for variable, value, label in (row[:3] for row in parts["labels"] if len(row) >= 3):
        labels.setdefault(variable, {})[value] = label
    names, *rows = parts["structure"] or [[]]
    heads = [name.strip().casefold() for name in names]
    for row in rows:
        cells = defaultdict(str, zip(heads, row, strict=False))
        variable, text = cells["variablename"], cells["questiontext"]
        if text.strip():
            questions[variable] = text
        value, choice = cells["choicevalue"], cells["choicetext"]
        if value.strip() and choice.strip():
            labels.setdefault(variable, {}).setdefault(value, choice)
    known = {column: texts for column, texts in labels.items() if column in frame}
    return Export(frame, path.name, {c: questions[c] for c in frame}, known)
