"""Qualtrics: names, question texts and import ids above the answers; or, older, two rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from loftet_analysis.cleaning.readers import excel
from loftet_analysis.cleaning.readers.export import Export, empty, unreadable
from loftet_analysis.cleaning.readers.table import read_delimited
from loftet_analysis.errors import InputError

_IMPORT = '{"importid"'


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read an export of Qualtrics: ``.csv``, ``.tsv`` or ``.xlsx``.

    The rows of question texts and of import ids leave the answers; the texts become the columns'
    questions.

    Raises
    ------
    InputError
        Where neither a row of import ids nor the legacy columns ``V1, V2, …`` are there.
    """
    if path.suffix.lower() == ".xlsx":
        export = excel.read(path)
    else:
        export = read_delimited(
            path, delimiter=delimiter, encoding=encoding, delimiters=(",", "\t", ";")
        )
    frame = export.frame
    skipped = heading_rows(frame)
    if not skipped:
        raise InputError(unreadable(path, "neither import ids below the headings nor V1, V2, …"))
    questions = dict(zip(frame, frame.iloc[0].str.strip(), strict=True))
    answers = frame.iloc[skipped:]
    if answers.empty:
        raise InputError(empty(path, "no row below the headings"))
    blank = [c for c in frame if c.strip() == "" and answers[c].str.strip().eq("").all()]
    answers = answers.drop(columns=blank)
    return Export(
        pd.DataFrame(answers.reset_index(drop=True), dtype="str"),
        export.name,
        {column: questions[column] or column for column in answers},
    )


def heading_rows(frame: pd.DataFrame) -> int:
    """Return how many rows below the first are headings: 2, in legacy files 1, else 0."""
    if len(frame) > 1 and frame.iloc[1].str.strip().str.casefold().str.startswith(_IMPORT).any():
        return 2
    return 1 if len(frame) and {"V1", "V2", "V3"} <= {*frame} else 0
