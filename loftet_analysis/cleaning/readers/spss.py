"""SPSS files: codes as text, and the value labels beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from loftet_analysis.tabular.export import Export, cell_text, empty, unreadable


def read(path: Path, *, encoding: str | None = None) -> Export:
    """Read a ``.sav`` or ``.zsav``; values that SPSS declares missing are blank.

    Raises
    ------
    InputError
        For an empty or truncated file, or one in another encoding than it says.
    """
    if path.stat().st_size == 0:
        raise empty(path.name, "0 bytes")
    try:
        frame, meta = pyreadstat.read_sav(path, encoding=encoding)
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError) as error:
        raise unreadable(path.name, str(error)) from error
    if frame.empty:
        raise empty(path.name, "no row of answers")
    text = pd.DataFrame({name: as_text(frame[name]) for name in frame}, dtype="str")
    labels = {
        name: {cell_text(value): str(label) for value, label in labels.items()}
        for name, labels in meta.variable_value_labels.items()
    }
    questions = {name: label or name for name, label in meta.column_names_to_labels.items()}
    return Export(text, path.name, questions, labels)


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text: whole numbers without a decimal point, ``""`` where missing.

    Examples
    --------
    >>> as_text(pd.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', '']
    """
    if pd.api.types.is_numeric_dtype(column):
        codes, values = pd.factorize(column.to_numpy(dtype=float))
        texts = np.array([*map(cell_text, values), ""], dtype=object)  # the last for code −1
        return pd.Series(texts[codes], index=column.index, dtype="str")
    return column.map(lambda cell: "" if pd.isna(cell) else cell_text(cell))
