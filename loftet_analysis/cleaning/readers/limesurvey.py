"""LimeSurvey: sub-questions as ``code[SQ001]``, headings as codes or as full question texts."""

from __future__ import annotations

import re

from loftet_analysis.tabular.export import Export

_FULL = re.compile(r"(?P<code>[A-Za-z]\w*(?:\[\w+\])*)\. (?P<text>.+)", re.DOTALL)


def adapted(export: Export) -> Export:
    """Split headings that hold code and text (``u1. Jeg prøver``): column, and its question."""
    split = {column: _FULL.fullmatch(export.questions[column].strip()) for column in export.frame}
    codes = {column: match["code"] for column, match in split.items() if match}
    if len(set(codes.values())) < len(codes) or set(codes.values()) & {*export.frame}:
        codes = {}
    questions = {
        codes.get(column, column): split[column]["text"] if column in codes else question
        for column, question in export.questions.items()
    }
    return Export(export.frame.rename(columns=codes), export.name, questions)
