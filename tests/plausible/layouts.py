"""What a file holds: several waves, several populations, a part of a wave."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pyreadstat

from tests.plausible import given, study

LONG = "files: {file: l.csv, wave: {column: event, values: {pre: [before], post: [after]}}}"
LONG_STUDY = study("file: l.csv", "wave: {column: event, values: {pre: [before], post: [after]}}")
HEAD = "id,event,school,q1,q2,q3\n"
TWICE = (
    "a1,before,101,Disagree,Disagree,Agree\n"
    "a1,after,101,Agree,Agree,Agree\n"
    "a2,before,102,Neutral,Neutral,Neutral\n"
    "a2,after,102,Agree,Neutral,Agree\n"
)
READ = {"joy_1": [2, 4, 3, 4], "wave": ["pre", "post", "pre", "post"]}


def sav(frame: pd.DataFrame, labels: dict | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sav"
        pyreadstat.write_sav(frame, path, variable_value_labels=labels or {})
        return path.read_bytes()


LABELLED = pd.DataFrame(
    {
        "id": ["a1", "a1", "a2", "a2"],
        "tid": [1.0, 2.0, 1.0, 2.0],
        "school": ["101", "101", "102", "102"],
        "q1": ["Disagree", "Agree", "Neutral", "Agree"],
        "q2": ["Disagree", "Agree", "Neutral", "Neutral"],
        "q3": ["Agree", "Agree", "Neutral", "Agree"],
    }
)

KINDS = {
    "a row per person and wave": {
        "given": given(
            "long_format",
            values={"joy_1": [4] * 6, "joy_3": [5] * 6},
            linked=3,
        ),
    },
}
