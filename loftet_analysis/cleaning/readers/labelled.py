"""Files of SPSS, Stata and SAS: codes as text, and the value labels beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from loftet_analysis.tabular.export import Export, cell_text, empty, unreadable

_READERS: Mapping[str, tuple[str, Callable]] = {
    ".sav": ("spss", pyreadstat.read_sav),
    ".zsav": ("spss", pyreadstat.read_sav),
    ".por": ("spss", pyreadstat.read_por),
    ".dta": ("stata", pyreadstat.read_dta),
    ".sas7bdat": ("sas", pyreadstat.read_sas7bdat),
    ".xpt": ("sas", pyreadstat.read_xport),
}
#: The program that writes files of a suffix.
PROGRAMS = {suffix: program for suffix, (program, _) in _READERS.items()}


def read(path: Path, *, encoding: str | None = None) -> Export:
    """Read a file of SPSS, Stata or SAS; values that it declares missing are blank.

    Value labels of SAS are taken from the one catalogue (``.sas7bcat``) beside the file. Rows are
    numbered as the programs do it, from 1.

    Raises
    ------
    InputError
        For an empty or truncated file, or one in another encoding than it says.
    """
    if path.stat().st_size == 0:
        raise empty(path.name, "0 bytes")
    options = {"encoding": encoding} if encoding else {}
    suffix = path.suffix.lower() if path.suffix.lower() in _READERS else ".sav"
    catalogues = [*path.parent.glob("*.sas7bcat")] if suffix == ".sas7bdat" else []
    if len(catalogues) == 1:
        options["catalog_file"] = str(catalogues[0])
    try:
        frame, meta = _READERS[suffix][1](path, **options)
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise unreadable(path.name, str(error)) from error
    if frame.empty:
        raise empty(path.name, "no row of answers")
    text = pd.DataFrame({name: as_text(frame[name]) for name in frame}, dtype="str")
    labels = {
        name: {cell_text(value): str(label) for value, label in labels.items()}
        for name, labels in meta.variable_value_labels.items()
    }
    questions = {name: label or name for name, label in meta.column_names_to_labels.items()}
    return Export(text, path.name, questions, labels, rows=np.arange(1, len(text) + 1))


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
