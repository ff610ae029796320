"""The numbers of a figure as a file that a spreadsheet opens: the gated frame that was drawn."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.show.languages import Words, named

#: Columns beside which their values are named in the reader's language.
_NAMED = (
    names.POPULATION, names.REGION, names.SCHOOL, names.OUTCOME, "scale", "item", names.WAVE,
    names.SUBGROUP, names.ESTIMAND, "contrast", "state", "verdict", "reason",
)  # fmt: skip
#: How a text begins that a spreadsheet would compute.
_FORMULA = r"^(?=\s*[=+\-@＝＋－＠])"
#: What stands between values, and the decimal sign, as spreadsheets of a language expect them.
_SIGNS = {"en": (",", ".")}
_NORWEGIAN = (";", ",")


def as_csv(frame: pd.DataFrame, words: Words) -> str:
    r"""Return a gated frame as CSV for spreadsheets of the reader's language.

    Values are separated by semicolons and decimals by a comma, in English by commas and a point.
    It begins with a byte order mark, by which Excel knows UTF-8.

    Parameters
    ----------
    frame : DataFrame
        As it may be seen. Columns without any value are left out, and ``suppressed`` where nothing
        is hidden.
    words : Words
        The reader's language: beside the codes of populations, outcomes, groups and the like stand
        their names, in a column ``<column>_label``.

    Returns
    -------
    str
        Headings as in the study's tables; texts that a spreadsheet would take for a formula begin
        with an apostrophe; numbers have at most twelve digits.

    Examples
    --------
    >>> frame = pd.DataFrame({"wave": ["pre"], "n": [12], "mean": [2.5], "mine": ["=1+1"]})
    >>> as_csv(frame, Words("nb")).lstrip("\ufeff").splitlines()
    ['wave;wave_label;n;mean;mine', "pre;før;12;2,5;'=1+1"]
    """
    shown = frame.reset_index(drop=True)
    empty = shown.isna() | shown.eq("")
    kept = [column for column in shown if not empty[column].all()]
    if "suppressed" in kept and not shown["suppressed"].any():
        kept.remove("suppressed")
    columns = {}
    for column in kept:
        columns[column] = _harmless(shown[column])
        called = _called(shown, column, words) if column in _NAMED else columns[column]
        if called.ne("").any() and not called.equals(columns[column]):
            columns[f"{column}_label"] = _harmless(called)
    table = pd.DataFrame(columns, index=shown.index)
    table.columns = _harmless(pd.Series([*table], dtype=object))
    separator, decimal = _SIGNS.get(words.locale, _NORWEGIAN)
    text = table.to_csv(
        index=False, sep=separator, decimal=decimal, float_format="%.12g", lineterminator="\n"
    )
    return f"\ufeff{text}"


def _called(frame: pd.DataFrame, column: str, words: Words) -> pd.Series:
    """Return what the values of a column are called; a researcher's own are called as they are."""

    def called(row: dict) -> str:
        if pd.isna(row[column]) or row[column] == "":
            return ""
        try:
            return named(row, column, words)
        except KeyError:
            return str(row[column])

    return pd.Series([called(row) for row in frame.to_dict("records")], frame.index, dtype=object)


def _harmless(values: pd.Series) -> pd.Series:
    """Return texts as a spreadsheet leaves them, and numbers without a negative zero."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        return values + 0
    texts = values.map(lambda each: isinstance(each, str))
    guarded = values[texts].astype(str).str.replace(r"[\t\r\n]+", " ", regex=True)
    guarded = guarded.str.replace(_FORMULA, "'", regex=True)
    return values.astype(object).where(~texts, guarded.reindex(values.index))
