"""Clean data for the archive: SPSS and Parquet files that explain themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.study import Study
from loftet_analysis.study.columns import clean_columns, value_labels

_DATE = (92, 109)  # the bytes of an SPSS header that hold date and time of writing
_NAME, _LABEL, _VALUE_LABEL = 64, 256, 120  # bytes of UTF-8 that SPSS has room for
_RESERVED = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
)
_TURNED = " (reversed)"


def write_archive(
    study: Study, folder: Path, tell: Callable[[str], None] | None = None
) -> list[Path]:
    """Write each population's clean data as ``.sav`` and ``.parquet``, with labels.

    SPSS has room for names of 64 bytes, labels of 256 and labels of values of 120: what is longer
    is shortened there so that names, and labels of values, stay apart, and "(reversed)" stays.

    Parameters
    ----------
    study : Study
        Its first language is that of the labels.
    folder : Path
        Made where it is not there.
    tell : callable, optional
        Told of each name that is another in ``.sav``, as a short text.

    Returns
    -------
    list of Path
        The files; the same clean data give the same bytes.

    Raises
    ------
    InputError
        Where there are no clean data.
    """
    language, written = study.languages[0], []
    for name, population in study.populations.items():
        frame = store.read(study.name, name)
        about = clean_columns(study, name, language).set_index("column")
        turned = about["reversed"].map({True: _TURNED, False: ""})
        questions = (about["meaning"] + turned).reindex(frame.columns).to_dict()
        for column, short in spss_names(frame).items():
            if tell and short != column:
                tell(f"in {name}.sav {column} is {short}")
        answers = {c: v for c, v in value_labels(population, language).items() if c in frame}
        written += [
            _write_sav(frame, folder / f"{name}.sav", questions, answers),
            _write_parquet(frame, folder / f"{name}.parquet", questions, answers),
        ]
    return written


def spss_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the names that columns have in SPSS: 64 bytes, none reserved, apart in any case.

    Examples
    --------
    >>> spss_names(["joy", "Joy", "with", "joy_2"])
    {'joy': 'joy', 'Joy': 'Joy_3', 'with': 'with_2', 'joy_2': 'joy_2'}
    >>> [name[-3:] for name in spss_names(["x" * 64 + "1", "x" * 64 + "2"]).values()]
    ['xxx', 'x_2']
    """
    columns, found = list(columns), {}
    taken = set(_RESERVED)
    for is_last in (False, True):  # what fits keeps its name
        for column in columns:
            name, number = _cut(column, _NAME), 1
            if column in found or not (is_last or name == column):
                continue
            while name.casefold() in taken and is_last:
                number += 1
                name = _cut(column, _NAME, f"_{number}")
            if name.casefold() not in taken:
                found[column] = name
                taken.add(name.casefold())
    return {column: found[column] for column in columns}


def _cut(text: str, room: int, end: str = "") -> str:
    """Return a text with an end, shortened to as many bytes as there are."""
    left = room - len(end.encode())
    return text.encode()[:left].decode(errors="ignore") + end


def _fitted(text: str, room: int) -> str:
    """Return a text that has room, shortened with "…", and with "(reversed)" where it stood."""
    if len(text.encode()) <= room:
        return text
    end = _TURNED if text.endswith(_TURNED) else ""
    return _cut(text.removesuffix(end), room, f"…{end}")


def _fitted_apart(labels: Mapping[float, str]) -> dict[float, str]:
    """Return labels of values that have room; with the value first where they would be alike."""
    short = {value: _fitted(label, _VALUE_LABEL) for value, label in labels.items()}
    if len(set(short.values())) < len(set(labels.values())):
        return {v: _fitted(f"{v}: {label}", _VALUE_LABEL) for v, label in labels.items()}
    return short


def _write_sav(
    frame: pd.DataFrame, path: Path, questions: Mapping[str, str], answers: Mapping[str, dict]
) -> Path:
    plain = frame.copy()
    for column in plain:
        if pd.api.types.is_integer_dtype(plain[column].dtype):
            plain[column] = plain[column].astype("Float64").astype(float)
        elif not pd.api.types.is_numeric_dtype(plain[column].dtype) and column != names.SUBMITTED:
            plain[column] = plain[column].astype(object).where(plain[column].notna(), "")
    ordinal, short = dict.fromkeys(answers, "ordinal"), spss_names(plain)
    measures = {short[c]: ordinal.get(c, _measure(plain[c])) for c in plain}
    options = {short[c]: _fitted_apart(labels) for c, labels in answers.items()}
    with paths.written_whole(path) as temporary:
        pyreadstat.write_sav(
            plain.rename(columns=short),
            temporary,
            column_labels=[_fitted(questions[column], _LABEL) for column in plain],
            variable_value_labels=options,
            variable_measure=measures,
            row_compress=True,
        )
        raw = bytearray(temporary.read_bytes())
        raw[slice(*_DATE)] = b"01 Jan 0000:00:00"
        temporary.write_bytes(raw)
    return path


def _measure(column: pd.Series) -> str:
    return "scale" if pd.api.types.is_float_dtype(column.dtype) else "nominal"


def _write_parquet(
    frame: pd.DataFrame, path: Path, questions: Mapping[str, str], answers: Mapping[str, dict]
) -> Path:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    told = {c: json.dumps(answers.get(c, {}), ensure_ascii=False) for c in frame}
    fields = [
        field.with_metadata({"label": questions[field.name], "values": told[field.name]})
        for field in table.schema
    ]
    schema = pa.schema(fields, metadata=table.schema.metadata)
    with paths.written_whole(path) as temporary:
        pq.write_table(table.cast(schema), temporary, compression="zstd")
    return path
