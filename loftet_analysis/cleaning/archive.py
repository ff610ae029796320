"""Clean data for the archive: SPSS and Parquet files that explain themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def write_archive(study: Study, folder: Path) -> list[Path]:
    """Write each population's clean data as ``.sav`` and ``.parquet``, with labels.

    Parameters
    ----------
    study : Study
        Its first language is that of the labels.
    folder : Path
        Made where it is not there.

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
        turned = about["reversed"].map({True: " (reversed)", False: ""})
        questions = (about["meaning"] + turned).reindex(frame.columns).to_dict()
        answers = {c: v for c, v in value_labels(population, language).items() if c in frame}
        written += [
            _write_sav(frame, folder / f"{name}.sav", questions, answers),
            _write_parquet(frame, folder / f"{name}.parquet", questions, answers),
        ]
    return written


def _write_sav(
    frame: pd.DataFrame, path: Path, questions: Mapping[str, str], answers: Mapping[str, dict]
) -> Path:
    plain = frame.copy()
    for column in plain:
        if pd.api.types.is_integer_dtype(plain[column].dtype):
            plain[column] = plain[column].astype("Float64").astype(float)
        elif not pd.api.types.is_numeric_dtype(plain[column].dtype) and column != names.SUBMITTED:
            plain[column] = plain[column].astype(object).where(plain[column].notna(), "")
    ordinal = dict.fromkeys(answers, "ordinal")
    with paths.written_whole(path) as temporary:
        pyreadstat.write_sav(
            plain,
            temporary,
            column_labels=[questions[column] for column in plain],
            variable_value_labels=dict(answers),
            variable_measure={c: ordinal.get(c, _measure(plain[c])) for c in plain},
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
    fields = [
        field.with_metadata(
            {
                "label": questions[field.name],
                "values": json.dumps(answers.get(field.name, {}), ensure_ascii=False),
            }
        )
        for field in table.schema
    ]
    schema = pa.schema(fields, metadata=table.schema.metadata)
    with paths.written_whole(path) as temporary:
        pq.write_table(table.cast(schema), temporary, compression="zstd")
    return path
