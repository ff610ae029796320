"""LimeSurvey: sub-questions as ``code[SQ001]``, headings as codes or as full question texts."""

from __future__ import annotations

import re
from dataclasses import replace

from loftet_analysis.errors import Problem
from loftet_analysis.tabular.export import Export, named_apart

_FULL = re.compile(r"(?P<code>[A-Za-z]\w*(?:\[\w+\])*)\. (?P<text>.+)", re.DOTALL)
# what a survey without date stamp writes as time of submission, in every form of its dates
_NO_TIME = re.compile(
    r"(?:1980[-/.]0?1[-/.]0?1|0?1[-/.]0?1[-/.](?:19)?80)(?:[ T]0?0:00(?::00)?)?(?: ?Z)?"
)


def adapted(export: Export) -> Export:
    """Split headings that hold code and text (``u1. Jeg prøver``): column, and its question.

    The time of submission of a survey that keeps none is blank.
    """
    split = {column: _FULL.fullmatch(export.questions[column].strip()) for column in export.frame}
    headings = [match["code"] if match else column for column, match in split.items()]
    columns = dict(zip(export.frame, named_apart(headings), strict=True))
    texts = {columns[column]: match["text"] for column, match in split.items() if match}
    export = export.renamed(columns)
    told_apart = dict(zip(export.frame, headings, strict=True))
    return _without_times(
        replace(export, questions={**export.questions, **texts}, headings=told_apart)
    )


def _without_times(export: Export) -> Export:
    column = next((c for c in export.frame if c.casefold() == "submitdate"), None)
    if column is None:
        return export
    cells = export.frame[column].str.strip()
    without = cells.isin([text for text in cells.unique() if _NO_TIME.fullmatch(text)])
    if not without.any():
        return export
    found = f"{column} is 1980-01-01 in {without.sum()} of {len(cells)} rows"
    todo = "no wave dates, rule `latest` or time series can be had from them"
    what = "a survey without date stamp: its questionnaires have no time of submission"
    remark = Problem(what, found, where=export.name, todo=todo)
    frame = export.frame.assign(**{column: export.frame[column].mask(without, "")})
    return replace(export, frame=frame, remarks=(*export.remarks, remark))
