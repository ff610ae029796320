"""Qualtrics: names, question texts and import ids above the answers; or, older, two rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import available_timezones

import pandas as pd

from loftet_analysis.tabular.export import Export, empty, unreadable

_IMPORT = re.compile(r"""\{\s*['"]importid['"]""", re.IGNORECASE)
_ZONE = re.compile(r"""["']timezone["']\s*:\s*["']([\w/+-]+)["']""", re.IGNORECASE)
_TIMES = frozenset({"startdate", "enddate", "recordeddate"})
#: The role of columns that tell previews, tests and spam from answers.
PREVIEW = "preview"
# texts of Status and DistributionChannel; as a number Status adds up 1 (preview), 2 (test),
# 4 (imported), 8 (spam), 16 (offline) and 32 (made up by Qualtrics)
_NO_ANSWER = re.compile(r"preview|\btest|spam|synthetic|forh[åa]ndsvis|søppel", re.IGNORECASE)
_NO_ANSWER_BITS = 1 | 2 | 8 | 32


def adapted(export: Export) -> Export:
    """Take the rows of question texts and of import ids out of the answers.

    The texts become the columns' questions.

    Raises
    ------
    InputError
        Where the headings are not those of Qualtrics.
    """
    frame, skipped = export.frame, heading_rows(export.frame)
    bare = {column.casefold() for column in frame}
    if not (skipped or {"startdate", "responseid"} <= bare):
        found = "neither import ids below the headings nor ResponseID below V1"
        raise unreadable(export.name, found)
    texts = [frame.iloc[place] for place in range(skipped)]
    questions = dict(export.questions)
    for row in texts[:1]:
        if not row.map(lambda cell: bool(_IMPORT.match(cell.strip()))).any():
            questions |= {column: text.strip() for column, text in row.items() if text.strip()}
    answers = export.below(skipped)
    if answers.frame.empty:
        raise empty(export.name, "no row below the headings")
    blank = [
        column
        for column in frame
        if column.strip() == "" and answers.frame[column].str.strip().eq("").all()
    ]
    answers = replace(answers, frame=answers.frame.drop(columns=blank))
    questions = {column: questions[column] for column in answers.frame}
    return replace(answers, questions=questions, zones=_zones(texts[-1]) if texts else {})


def _zones(import_ids: pd.Series) -> dict[str, str]:
    """Return the time zones that stand beside the import ids."""
    named = import_ids.str.extract(_ZONE)[0].dropna().replace("Z", "UTC")
    return named[named.isin(available_timezones())].to_dict()


def heading_rows(frame: pd.DataFrame) -> int:
    """Return how many of the first two rows are headings: they hold import ids, or no dates."""
    times = [column for column in frame if column.strip().casefold() in _TIMES]
    n = 0
    for place in range(min(2, len(frame))):
        row = frame.iloc[place].str.strip()
        words = len(times) > 0 and all(text and not re.search(r"\d", text) for text in row[times])
        if words or row.map(lambda cell: bool(_IMPORT.match(cell))).any():
            n = place + 1
    return n or int(len(frame) > 0 and is_legacy(frame.iloc[0]))


def is_legacy(row: Mapping[str, str]) -> bool:
    """Whether the row below the headings is that of the old format, in which V1 is the id.

    Examples
    --------
    >>> is_legacy({"V1": "ResponseID", "V2": "ResponseSet"}), is_legacy({"V1": "4", "V2": "2"})
    (True, False)
    """
    return row.get("V1", "").strip().casefold() == "responseid"


def previews(export: Export) -> pd.Series:
    """Return which rows the tool itself marks as previews, tests or spam."""
    found = pd.Series(False, index=export.frame.index)
    for column in (column for column, role in export.roles.items() if role == PREVIEW):
        labels = export.labels.get(column, {})
        for text in export.frame[column].unique():
            label = labels.get(text, text).strip()
            number = int(label) if re.fullmatch(r"\d{1,3}", label) else 0
            if number & _NO_ANSWER_BITS or _NO_ANSWER.search(label):
                found |= export.frame[column].eq(text)
    return found
