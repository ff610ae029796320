"""The numbers of a figure as a file that a spreadsheet opens: the gated frame that was drawn."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.show.languages import Words, named_or_own

#: Columns beside which their values are named in the reader's language.
_NAMED = (
    names.POPULATION, names.REGION, names.SCHOOL, names.OUTCOME, "scale", "item", names.WAVE,
    names.SUBGROUP, names.ESTIMAND, "contrast", "state", "verdict", "reason",
)  # fmt: skip
#: Where a text begins that a spreadsheet would compute, also one of another language, which takes
#: what stands after the other sign for a cell of its own.
_FORMULA = r"(^|[;,])(?=\s*[=+\-@＝＋－＠])"
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
        is hidden. Of rows of results the columns of `schema.COLUMNS` are kept and no others; what
        was pivoted has none of these and is kept whole. Names of rows come first.
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
    >>> frame = pd.DataFrame({"wave": ["pre"], "n": [12], "mean": [2.5], "flags": ["=1+1"]})
    >>> as_csv(frame.assign(mine=1), Words("nb")).lstrip("\ufeff").splitlines()
    ['wave;wave_label;n;mean;flags', "pre;før;12;2,5;'=1+1"]
    >>> pivoted = frame.pivot(index="wave", columns="flags", values="n")
    >>> as_csv(pivoted, Words("en")).lstrip("\ufeff").splitlines()
    ["wave,wave_label,'=1+1", 'pre,before,12']
    """
    told = [
        (heading, values)
        for heading, values in _columns(frame)
        if not (values.isna() | values.eq("")).all() and (heading != "suppressed" or values.any())
    ]
    rows = pd.DataFrame(dict(told), dtype=object).to_dict("records")
    columns = []
    for heading, values in told:
        columns.append((heading, _harmless(values)))
        if heading in _NAMED:
            empty = values.isna() | values.eq("")
            called = [
                "" if nothing else named_or_own(row, heading, words)
                for row, nothing in zip(rows, empty, strict=True)
            ]
            called = pd.Series(called, dtype=object)
            if called.ne("").any() and not called.equals(columns[-1][1]):
                columns.append((f"{heading}_label", _harmless(called)))
    table = pd.concat([values for _, values in columns], axis=1) if columns else pd.DataFrame()
    table.columns = _harmless(pd.Series([heading for heading, _ in columns], dtype=object))
    separator, decimal = _SIGNS.get(words.locale, _NORWEGIAN)
    text = table.to_csv(
        index=False, sep=separator, decimal=decimal, float_format="%.12g", lineterminator="\n"
    )
    return f"\ufeff{text}"


def _columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return the headings and values of the names of rows and of the columns that are told."""
    levels = [frame.index.get_level_values(i) for i in range(frame.index.nlevels)]
    # the numbers of rows are no names
    levels = [level for level in levels if level.name is not None or level.dtype.kind not in "iu"]
    parts = [each if isinstance(each, tuple) else (each,) for each in frame.columns]
    declared = [any(part in schema.COLUMNS for part in each) for each in parts]
    kept = [
        (" ".join(map(str, each)), frame.iloc[:, i].reset_index(drop=True))
        for i, each in enumerate(parts)
        if declared[i] or not any(declared)
    ]
    headings = {heading for heading, _ in kept}
    beside = [
        (str(level.name or ""), level.to_series(index=range(len(frame))))
        for level in levels
        if level.name not in headings
    ]
    return [*beside, *kept]


def _harmless(values: pd.Series) -> pd.Series:
    """Return texts as a spreadsheet leaves them, and numbers without a negative zero."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        return values + 0
    texts = values.map(lambda each: isinstance(each, str))
    guarded = values[texts].astype(str).str.replace(r"[\t\r\n]+", " ", regex=True)
    guarded = guarded.str.replace(_FORMULA, r"\1'", regex=True)
    return values.astype(object).where(~texts, guarded.reindex(values.index))
