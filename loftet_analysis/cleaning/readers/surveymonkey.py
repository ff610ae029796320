"""SurveyMonkey: two rows of headings; below a question stand its rows, options or *Response*."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from loftet_analysis.study import normalise_label
from loftet_analysis.tabular.export import Export, empty, named_apart

_ANY_ANSWER = frozenset(
    {"", "response", "open-ended response", "svar", "åpent svar", "åpne svar", "fritekstsvar"}
)
_IDS = frozenset({"respondentid", "collectorid"})


def adapted(export: Export) -> Export:
    """Take the second row of headings out of the answers; every part of a matrix gets a name.

    A column below a question of its own has that as name; another is called by both texts
    (``How much do you agree? - I like numbers``), and by the second as its question.
    """
    if not has_second_row(export.frame):
        return export
    given = [export.questions[column].strip() for column in export.frame]
    below = export.frame.iloc[0].str.strip().to_list()
    names, questions, question = [], [], ""
    for place, (text, part) in enumerate(zip(given, below, strict=True)):
        question = text or question
        several = not text or (place + 1 < len(given) and not given[place + 1])
        own = normalise_label(part) not in _ANY_ANSWER
        names.append(f"{question} - {part}" if several and own else question)
        questions.append(part if own else question)
    columns = named_apart(names)
    answers = export.below(1)
    if answers.frame.empty:
        raise empty(export.name, "no row below the headings")
    return replace(
        answers,
        frame=answers.frame.set_axis(columns, axis=1),
        questions=dict(zip(columns, questions, strict=True)),
        headings=dict(zip(columns, names, strict=True)),
    )


def has_second_row(frame: pd.DataFrame) -> bool:
    """Whether the first row below the headings names parts of questions, and no respondent."""
    ids = [c for c in frame if normalise_label(c).replace(" ", "") in _IDS]
    return bool(len(frame)) and bool(ids) and frame.iloc[0][ids].str.strip().eq("").all()
