"""LimeSurvey: sub-questions as ``code[SQ001]``, headings as codes or as full question texts."""

from __future__ import annotations

import re
from pathlib import Path

from loftet_analysis.cleaning.readers import excel
from loftet_analysis.cleaning.readers.export import Export
from loftet_analysis.cleaning.readers.table import read_delimited

_FULL = re.compile(r"(?P<code>[A-Za-z]\w*(?:\[\w+\])*)\. (?P<text>.+)", re.DOTALL)


def read(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Export:
    """Read an export of LimeSurvey: ``.csv`` or ``.xlsx``, answers short or long.

    Where headings hold code and text (``u1. Jeg prøver``) the code becomes the column and the text
    its question.
    """
    if path.suffix.lower() == ".xlsx":
        export = excel.read(path)
    else:
        export = read_delimited(
            path, delimiter=delimiter, encoding=encoding, delimiters=(",", ";", "\t")
        )
    split = {column: _FULL.fullmatch(export.questions[column].strip()) for column in export.frame}
    codes = {column: match["code"] for column, match in split.items() if match}
    if len(set(codes.values())) < len(codes) or set(codes.values()) & {*export.frame}:
        codes = {}
    questions = {
        codes.get(column, column): split[column]["text"] if column in codes else question
        for column, question in export.questions.items()
    }
    return Export(export.frame.rename(columns=codes), export.name, questions)
