"""Qualtrics: names, question texts and import ids above the answers; or, older, two rows."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

import pandas as pd

from loftet_analysis.tabular.export import Export, empty, unreadable

_IMPORT = '{"importid"'
_ZONE = re.compile(r"""["']timezone["']\s*:\s*["']([\w/+-]+)["']""", re.IGNORECASE)


def adapted(export: Export) -> Export:
    """Take the rows of question texts and of import ids out of the answers.

    The texts become the columns' questions.

    Raises
    ------
    InputError
        Where neither a row of import ids nor the legacy columns ``V1, V2, …`` are there.
    """
    frame = export.frame
    skipped = heading_rows(frame)
    if not skipped:
        raise unreadable(export.name, "neither import ids below the headings nor V1, V2, …")
    questions = dict(zip(frame, frame.iloc[0].str.strip(), strict=True))
    answers = frame.iloc[skipped:]
    if answers.empty:
        raise empty(export.name, "no row below the headings")
    blank = [c for c in frame if c.strip() == "" and answers[c].str.strip().eq("").all()]
    answers = answers.drop(columns=blank)
    return Export(
        pd.DataFrame(answers.reset_index(drop=True), dtype="str"),
        export.name,
        {column: questions[column] or column for column in answers},
        zones=_zones(frame.iloc[skipped - 1]),
    )


def _zones(import_ids: pd.Series) -> dict[str, str]:
    """Return the time zones that stand beside the import ids."""
    named = import_ids.str.extract(_ZONE)[0].dropna().replace("Z", "UTC")
    return named[named.isin(available_timezones())].to_dict()


def heading_rows(frame: pd.DataFrame) -> int:
    """Return how many rows below the first are headings: 2, in legacy files 1, else 0."""
    if len(frame) > 1 and frame.iloc[1].str.strip().str.casefold().str.startswith(_IMPORT).any():
        return 2
    return 1 if len(frame) and {"V1", "V2", "V3"} <= {*frame} else 0
