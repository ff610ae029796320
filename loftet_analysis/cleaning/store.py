"""Clean data on disk: one folder per study, written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loftet_analysis import names, paths, schema
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Study

TABLES = {
    "ledger": "ledger.csv",
    "values": "values.csv",
    "linkage": "linkage.csv",
    "response": "response.csv",
    "waves": "waves.csv",
    "days": "days.csv",
    "units": "units.csv",
    "invariance": "invariance.parquet",
    "disclosure": "disclosure.parquet",
}
_COUNTED = ("ledger", "values", "linkage", "response", "waves", "days", "units")
MADE_LATER = ("results", "notebooks", "failed", "manifest.json")
_STAGED = "staged-"
_NUMBERS = (
    "n", "n_in", "n_out", "n_set_aside", "sd_unit", "low_fifth", "midpoint", "alpha",
    "n_items", "alpha_post", "alpha_part", "floor_share", "ceiling_share", "n_invited",
    "n_answered", "n_consented", "n_kept", "n_linkable", "n_linked",
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Everything that cleaning makes of a study.

    Attributes
    ----------
    clean : dict of str to DataFrame
        By population, one row per respondent and wave, sorted by region, school and wave:
        ``person_id`` (missing where unlinkable), ``wave, region, school_id``, ``grade``,
        ``role`` and other background where there is any, ``submitted`` (day), ``gatherings`` and
        ``interim_work`` where there is a register, ``linked_by``, ``link_state``,
        ``seconds_per_item``, ``missing_share``, ``careless``, items (reversed already), scales.
    set_aside : dict of str to DataFrame
        By population, the sheets that are not in, with ``reason`` and the same columns; answers
        that were not understood on them are missing.
    values : DataFrame
        ``population, wave, file, region, column, value, reason, n``: single cells that were set
        to missing, corrected, redacted or left behind, and earlier names of schools.
    ledger : DataFrame
        ``schema.LEDGER``: the account of the sheets, step by step, by region (empty while the
        school is unknown); reason *blank_row* counts rows that are no sheets. A row without a
        wave is the account of a register.
    linkage : DataFrame
        ``schema.LINKAGE``.
    response : DataFrame
        ``schema.RESPONSE``.
    waves : DataFrame
        ``schema.WAVES``: a row per population, wave and region; `state` is *closed*, *open* (its
        sheets are only counted) or *to_come*.
    days : DataFrame
        ``schema.DAYS``: the sheets of closed and open waves by day (text), as far as it is known.
    units : DataFrame
        ``schema.UNITS``.
    mask : DataFrame
        ``schema.MASK``.
    remarks : tuple of Problem
        What was guessed, repaired or looks wrong, and does not stop a run.
    """

    clean: dict[str, pd.DataFrame]
    set_aside: dict[str, pd.DataFrame]
    values: pd.DataFrame
    ledger: pd.DataFrame
    linkage: pd.DataFrame
    response: pd.DataFrame
    waves: pd.DataFrame
    days: pd.DataFrame
    units: pd.DataFrame
    mask: pd.DataFrame
    remarks: tuple[Problem, ...] = ()


def write(prepared: Prepared, study: Study, invariance: pd.DataFrame | None = None) -> Path:
    """Write clean data in the place of what was there; what notebooks made of it stays.

    Everything is written to a folder beside first, then that folder takes the old one's place.

    Parameters
    ----------
    prepared : Prepared
        As made by :func:`~loftet_analysis.cleaning.prepare.prepare`.
    study : Study
        Every region of its register gets a part of every population, also an empty one.
    invariance : DataFrame, optional
        ``schema.INVARIANCE``: what was found of the scales' measurement.

    Returns
    -------
    Path
        ``data_clean/<study>/``.
    """
    target, workroom = paths.clean(study.name), paths.workroom(study.name)
    workroom.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workroom, prefix=_STAGED) as room:
        staged, old = Path(room) / "new", Path(room) / "old"
        for population, frame in prepared.clean.items():
            by_region = dict(list(frame.groupby(names.REGION)))
            regions = list(study.regions[names.REGION])
            parts = (
                by_region.get(region, frame.iloc[:0]).drop(columns=names.REGION)
                for region in regions
            )
            places = (_part(staged, population, region) for region in regions)
            with ThreadPoolExecutor() as pool:
                list(pool.map(_write_parquet, parts, places))
        for population, frame in prepared.set_aside.items():
            _write_parquet(frame, staged / "set_aside" / f"{population}.parquet")
        for name in _COUNTED:
            table: pd.DataFrame = getattr(prepared, name)
            table.to_csv(staged / TABLES[name], index=False, lineterminator="\n")
        _write_parquet(prepared.mask, staged / TABLES["disclosure"])
        examined = pd.DataFrame(columns=schema.INVARIANCE) if invariance is None else invariance
        _write_parquet(examined, staged / TABLES["invariance"])
        for name in MADE_LATER:
            if (target / name).is_dir():
                shutil.copytree(target / name, staged / name)
            elif (target / name).exists():
                shutil.copy2(target / name, staged / name)
        if target.exists():
            target.rename(old)
        try:
            staged.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    return target


def recover(study: str) -> None:
    """Put clean data in their place that a killed process had ready, and remove what it left.

    To be called by whoever holds the study's lock.
    """
    target = paths.clean(study)
    for room in paths.workroom(study).glob(f"{_STAGED}*"):
        # the old data leave only when the new ones are complete
        if not target.exists() and (room / "old").exists():
            (room / "new").rename(target)
        shutil.rmtree(room)


def read(
    study: str, population: str, region: str | None = None, *, without: Collection[str] = ()
) -> pd.DataFrame:
    """Read clean data of one region, or of all.

    Parameters
    ----------
    study, population : str
        ``"demo"``, ``"pupils"``.
    region : str, optional
        A region's slug; all regions, in the order of their slugs, without it.
    without : collection of str, optional
        Columns to leave unread.

    Returns
    -------
    DataFrame
        As ``Prepared.clean``.

    Raises
    ------
    InputError
        Where there is no clean data yet, or none of that population or region.
    """
    folder = _existing(study, paths.clean(study)) / population
    if not folder.is_dir():
        there = [path.parent.name for path in sorted(folder.parent.glob("*/region=*"))]
        raise _unknown("population", population, sorted(set(there)), study)
    regions = sorted(path.name.removeprefix("region=") for path in folder.glob("region=*"))
    if region is not None and region not in regions:
        raise _unknown("region", region, regions, study)
    wanted = regions if region is None else [region]
    parts = [_read_part(_part(folder.parent, population, name), name, without) for name in wanted]
    frame = pa.concat_tables(parts).to_pandas(ignore_metadata=False)
    frame.insert(list(frame).index(names.WAVE) + 1, names.REGION, frame.pop(names.REGION))
    return frame


def read_table(study: str, name: str, **where: Collection[str]) -> pd.DataFrame:
    """Read one of the study's tables, by its key in ``TABLES``.

    Parameters
    ----------
    study, name : str
        ``"demo"``, ``"units"``.
    **where : collection of str
        Only rows that have one of these values in the column of that name.

    Raises
    ------
    InputError
        Where there is no clean data yet, or no such table.
    """
    if name not in TABLES:
        raise _unknown("table", name, list(TABLES), study)
    path = _existing(study, paths.clean(study) / TABLES[name])
    state = path.stat()
    table = _read_table(path, (state.st_ino, state.st_mtime_ns, state.st_size))
    rows = pd.Series(True, index=table.index)
    for column, values in where.items():
        rows &= table[column].isin(set(values))
    return table[rows].reset_index(drop=True)


@lru_cache(maxsize=32)
def _read_table(path: Path, state: tuple[int, ...]) -> pd.DataFrame:
    """Read a table once for as long as the file is the same."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    return text.assign(**{c: pd.to_numeric(text[c]) for c in text if c in _NUMBERS})


def closed_by_hand(study: str) -> set[tuple[str, str]]:
    """Return the populations and waves that were closed before their last day."""
    try:
        waves = read_table(study, "waves", by_hand=["True"])
    except InputError:
        return set()
    return {*zip(waves[names.POPULATION], waves[names.WAVE], strict=True)}


def _part(folder: Path, population: str, region: str) -> Path:
    return folder / population / f"region={region}" / "part.parquet"


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path, compression="zstd")


def _read_part(path: Path, region: str, without: Collection[str]) -> pa.Table:
    file = pq.ParquetFile(path)
    table = file.read(columns=[c for c in file.schema_arrow.names if c not in without])
    return table.append_column(names.REGION, pa.array([region] * len(table), pa.large_string()))


def _existing(study: str, path: Path) -> Path:
    if path.exists():
        return path
    found, todo = f"nothing at {path.name}", f"run: loftet clean {study}"
    raise InputError("no clean data", found, where=str(path.parent), todo=todo)


def _unknown(what: str, found: str, allowed: Sequence[str], study: str) -> InputError:
    return InputError(f"unknown {what}", found, ", ".join(allowed), f"clean data of {study}")
