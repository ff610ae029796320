"""Files in the form in which survey tools write them, the same bytes every time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
from xlsxwriter import Workbook

from loftet_analysis.paths import written_whole

# clocks go back on the last Sunday of October
_WINTER_TIME = {2025: "2025-10-26 03:00", 2027: "2027-10-31 03:00"}
_WRITTEN = datetime(2027, 11, 4, 8, tzinfo=UTC)


def local_time(moments: pd.Series) -> pd.Series:
    """Return local times as Nettskjema writes them: ISO 8601 with the offset to UTC.

    Examples
    --------
    >>> local_time(pd.Series(pd.to_datetime(["2025-09-15 08:30:05", "2025-10-30 12:00:00"])))[1]
    '2025-10-30T12:00:00+01:00'
    """
    switch = moments.dt.year.map(_WINTER_TIME)
    offset = np.where(moments < pd.to_datetime(switch), "+02:00", "+01:00")
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S") + offset


def write_nettskjema(frame: pd.DataFrame, headings: list[str], path: Path) -> None:
    """Write text as Nettskjema does: every field quoted, ``;``, CRLF, UTF-8 with its mark.

    Parameters
    ----------
    frame : DataFrame
        Text, in the order of the file.
    headings : list of str
        One per column; they may repeat.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(zip(*(frame.iloc[:, i].tolist() for i in range(frame.shape[1])), strict=True))
    with written_whole(path) as temporary:
        temporary.write_bytes(text.getvalue().encode("utf-8-sig"))


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a register: comma-separated UTF-8."""
    with written_whole(path) as temporary:
        temporary.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode())


def write_sav(
    frame: pd.DataFrame,
    path: Path,
    *,
    questions: Mapping[str, str],
    labels: Mapping[str, Mapping[int, str]],
) -> None:
    """Write an SPSS file with variable and value labels.

    Parameters
    ----------
    frame : DataFrame
        Numbers (NaN where missing), text or moments.
    questions : mapping of str to str
        Question text by column.
    labels : mapping of str to (mapping of int to str)
        Label by code, by column.
    """
    with written_whole(path) as temporary:
        pyreadstat.write_sav(
            frame,
            temporary,
            column_labels=[questions.get(column, column) for column in frame],
            variable_value_labels=dict(labels),
            row_compress=True,
        )
        # the header's date and time (9 and 8 bytes from byte 92) are those of writing
        raw = bytearray(temporary.read_bytes())
        raw[92:109] = b"04 Nov 2708:00:00"
        temporary.write_bytes(raw)


def write_xlsx(rows: list[list[object]], path: Path) -> None:
    """Write rows to the one sheet of a workbook."""
    with (
        written_whole(path) as temporary,
        Workbook(temporary, {"strings_to_formulas": False, "strings_to_urls": False}) as book,
    ):
        book.set_properties({"created": _WRITTEN})
        sheet = book.add_worksheet("Svar")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
