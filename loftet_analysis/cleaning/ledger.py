"""The account of every answer sheet: what leaves at a step leaves with a reason.

An answer sheet is a row of an export with any answer in the columns of a wave. A working frame
has one row per sheet, with its region (``""`` while the school is unknown) and the reason why
it was set aside (``""`` while it is still in).
"""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names

REASON = "reason"
# of these only the count is kept, never the row
COUNTED_ONLY = ("no_consent", "opted_out", "withdrawn")
BLANK = "blank_row"  # a row without any answer is no sheet
COUNTS = ["n_in", "n_out", "n_set_aside"]


def set_aside(
    frame: pd.DataFrame, rows: pd.Series, *, step: str, reason: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mark the sheets that leave at this step, unless they have left before.

    Parameters
    ----------
    frame : DataFrame
        Sheets, with ``region`` and ``reason``.
    rows : Series of bool
        The sheets that leave, aligned with ``frame``.
    step, reason : str
        What the ledger says.

    Returns
    -------
    frame : DataFrame
        The same sheets, ``reason`` filled in where one leaves here.
    ledger : DataFrame
        ``region, step, reason, n_in, n_out, n_set_aside``, one row per region.

    Examples
    --------
    >>> sheets = pd.DataFrame({"region": ["oslo", "oslo", "troms"], "reason": ["", "", ""]})
    >>> sheets, ledger = set_aside(
    ...     sheets, pd.Series([True, False, False]), step="grades", reason="impossible_grade"
    ... )
    >>> sheets["reason"].to_list()
    ['impossible_grade', '', '']
    >>> ledger[["region", "n_in", "n_out", "n_set_aside"]].values.tolist()
    [['oslo', 2, 1, 1], ['troms', 1, 1, 0]]
    """
    leaving = rows & frame[REASON].eq("")
    marked = frame.assign(**{REASON: frame[REASON].mask(leaving, reason)})
    return marked, _account(frame, leaving, step=step, reason=reason)


def count_only(
    frame: pd.DataFrame, rows: pd.Series, *, step: str, reason: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Remove rows of which only the count is kept; returns as :func:`set_aside` does."""
    kept = frame[~rows] if rows.any() else frame
    return kept, _account(frame, rows, step=step, reason=reason)


def _account(frame: pd.DataFrame, leaving: pd.Series, *, step: str, reason: str) -> pd.DataFrame:
    counts = pd.DataFrame({"n_in": frame[REASON].eq(""), "n_set_aside": leaving})
    counts = counts.groupby(frame[names.REGION], sort=True).sum().reset_index()
    counts = counts[counts["n_in"] > 0].assign(
        step=step, reason=reason, n_out=lambda table: table["n_in"] - table["n_set_aside"]
    )
    return counts[[names.REGION, "step", "reason", *COUNTS]]


def sheet_counts(ledger: pd.DataFrame) -> pd.Series:
    """Return sheets in, set aside and counted only, as the ledger has them.

    Examples
    --------
    >>> ledger = pd.DataFrame({
    ...     "wave": "pre", "step": ["read", "consent", "schools"],
    ...     "reason": ["blank_row", "no_consent", "unknown_school"],
    ...     "n_in": [9, 8, 6], "n_out": [8, 6, 5], "n_set_aside": [1, 2, 1]})
    >>> sheet_counts(ledger).to_dict()
    {'sheets': 8, 'set_aside': 1, 'counted_only': 2}
    """
    sheets = ledger[ledger[names.WAVE] != ""]
    first = sheets["reason"] == BLANK
    counted = sheets["reason"].isin(COUNTED_ONLY)
    return pd.Series(
        {
            "sheets": sheets.loc[first, "n_out"].sum(),
            "set_aside": sheets.loc[~first & ~counted, "n_set_aside"].sum(),
            "counted_only": sheets.loc[counted, "n_set_aside"].sum(),
        }
    ).astype(int)
