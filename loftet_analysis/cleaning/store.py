"""Clean data on disk: one folder per study, written whole or not at all, read only if undamaged."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loftet_analysis import names, paths, schema
from loftet_analysis.errors import InputError, Problem, refuse_any
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
#: What was declared when the first answers were cleaned; never made anew.
PLAN_RECORD = "analysis_plan.json"
MADE_LATER = (
    PLAN_RECORD, "results", "notebooks", "failed", "manifest.json", "follow_up.xlsx",
    "follow_up_last.xlsx", "releases", "joint_display.xlsx", "joint_display_new.xlsx",
    "joint_display.docx", "joint_display_new.docx", "letters",
)  # fmt: skip
#: The SHA-256 of every file that cleaning wrote, as ``sha256sum --check`` reads it.
SUMS = "SHA256SUMS"
#: How folders inside the study's begin: of data that are being written, and of complete ones.
_STAGED, _READY = ".staged-", ".ready"
_NUMBERS = (
    "n", "n_in", "n_out", "n_set_aside", "sd_unit", "low_fifth", "midpoint", "alpha",
    "n_items", "alpha_post", "alpha_part", "floor_share", "ceiling_share", "mean", "r_waves",
    "n_invited", "n_answered", "n_consented", "n_kept", "n_linkable", "n_linked",
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Everything that cleaning makes of a study.

    Attributes
    ----------
    clean : dict of str to DataFrame
        By population, one row per respondent and wave, sorted by region, school and wave:
        ``person_id`` (missing where unlinkable), ``wave, region, school_id``, ``cohort`` (of the
        school, where the register has cohorts), ``grade``,
        ``role`` and other background where there is any, ``submitted`` (day), ``gatherings`` and
        ``interim_work`` where there is a register, ``linked_by``, ``link_state``,
        ``seconds_per_item``, ``missing_share``, ``careless``, items (reversed already), scales.
    set_aside : dict of str to DataFrame
        By population, the questionnaires that are not in, with ``reason`` and the same columns;
        answers that were not understood on them are missing.
    values : DataFrame
        ``population, wave, file, region, column, value, reason, n``: single cells that were set
        to missing, corrected, redacted or left behind, and earlier names of schools.
    ledger : DataFrame
        ``schema.LEDGER``: the account of the questionnaires, step by step, by region (empty while
        the school is unknown); reason *blank_row* counts rows that are no sheets. A row without a
        wave is the account of a register.
    linkage : DataFrame
        ``schema.LINKAGE``.
    response : DataFrame
        ``schema.RESPONSE``.
    waves : DataFrame
        ``schema.WAVES``: a row per population, wave and region (and, in a column `cohort`, cohort
        that the region has schools of); `state` is *closed*, *open* (its questionnaires are only
        counted) or *to_come*.
    days : DataFrame
        ``schema.DAYS``: the questionnaires of closed and open waves by day (text), as far as it is
        known.
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

    Everything is written to a folder inside the study's first. That folder gets the name that
    says it is complete when all of it is on the disk, and then its parts take their places one
    by one; after a kill or a power cut `recover` does the rest of it. The study's own folder is
    never replaced, so it may be a link, or where another disk is mounted.

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
    target = paths.clean(study.name)
    paths.make_folder(target)
    with tempfile.TemporaryDirectory(dir=target, prefix=_STAGED) as room:
        staged = Path(room) / "new"
        for population, frame in prepared.clean.items():
            regions, of_row = study.regions[names.REGION], frame[names.REGION]
            parts = (frame[of_row.eq(region)].drop(columns=names.REGION) for region in regions)
            folders = (staged / population / f"region={region}" for region in regions)
            places = (folder / "part.parquet" for folder in folders)
            with ThreadPoolExecutor() as pool:
                list(pool.map(_write_parquet, parts, places))
        for population, frame in prepared.set_aside.items():
            _write_parquet(frame, staged / "set_aside" / f"{population}.parquet")
        for name in _COUNTED:
            table: pd.DataFrame = getattr(prepared, name)
            file = paths.make_file(staged / TABLES[name])
            table.to_csv(file, index=False, lineterminator="\n")
        _write_parquet(prepared.mask, staged / TABLES["disclosure"])
        examined = pd.DataFrame(columns=schema.INVARIANCE) if invariance is None else invariance
        _write_parquet(examined, staged / TABLES["invariance"])
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        lines = [f"{paths.sha256(file)}  {file.relative_to(staged).as_posix()}" for file in files]
        paths.make_file(staged / SUMS).write_text("\n".join([*lines, ""]), encoding="utf-8")
        paths.sync(*staged.rglob("*"), staged)
        staged.rename(target / _READY)
        paths.sync(target)
    _take_place(target)
    return target


def recover(study: str) -> None:
    """Put clean data in their place that a killed process had ready, and remove what it left.

    To be called by whoever holds the study's lock.
    """
    target = paths.clean(study)
    if (target / _READY).exists():
        _take_place(target)
    paths.replace_all({}, outdated=target.glob(f"{_STAGED}*"))


def _take_place(target: Path) -> None:
    """Let complete new data take the place of the old; to be done again where it was not ended."""
    ready = target / _READY
    new = list(ready.iterdir())
    listed = sums_of(ready) or sums_of(target)  # it may have moved already
    kept = {*MADE_LATER, SUMS, _READY, *(name.partition("/")[0] for name in listed)}
    old = [path for path in target.iterdir() if path.name not in kept]
    paths.replace_all({}, outdated=[*old, *(target / path.name for path in new)])
    for path in new:
        path.rename(target / path.name)
    paths.sync(target)
    paths.replace_all({}, outdated=[ready])


def sums_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of clean data as it was written, by its place in them."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return {name: total for total, _, name in (line.partition("  ") for line in lines)}


def is_there(study: str) -> bool:
    """Return whether a study has clean data."""
    return (paths.clean(study) / TABLES["units"]).exists()


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
        Where there is no clean data yet, or none of that population or region; and for every file
        that is missing or is not what cleaning wrote.
    """
    folder = _existing(study)
    there = {path.relative_to(folder).as_posix() for path in folder.glob("*/region=*/*.parquet")}
    # what is lost is missed, and what was put there by somebody else is seen
    parts = sorted(there | {name for name in sums_of(folder) if "/region=" in name})
    places: dict[str, dict[str, str]] = {}  # by population and region
    for name in parts:
        who, where, _ = name.split("/")
        places.setdefault(who, {})[where.removeprefix("region=")] = name
    if population not in places:
        raise _unknown("population", population, list(places), study)
    of_region = places[population]
    if region is not None and region not in of_region:
        raise _unknown("region", region, list(of_region), study)
    wanted = of_region if region is None else {region: of_region[region]}
    whole = _whole(study, wanted.values())
    tables = [_part_read(whole[name], region, without) for region, name in wanted.items()]
    frame = pa.concat_tables(tables).to_pandas(ignore_metadata=False)
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
    path = _existing(study) / TABLES[name]
    state = path.stat() if path.exists() else None
    table = _read_table(study, path, state and (state.st_ino, state.st_mtime_ns, state.st_size))
    rows = pd.Series(True, index=table.index)
    for column, values in where.items():
        rows &= table[column].isin(set(values))
    return table[rows].reset_index(drop=True)


@lru_cache(maxsize=32)
def _read_table(study: str, path: Path, state: tuple[int, ...] | None) -> pd.DataFrame:
    """Read a table once for as long as the file is the same."""
    content = BytesIO(_whole(study, [path.name])[path.name])
    if path.suffix == ".parquet":
        return pd.read_parquet(content)
    text = pd.read_csv(content, dtype=str, keep_default_na=False)
    return text.assign(**{c: pd.to_numeric(text[c]) for c in text if c in _NUMBERS})


def closed_by_hand(study: str) -> set[tuple[str, ...]]:
    """Return the populations and waves (and cohorts) that were closed before their last day."""
    try:
        waves = read_table(study, "waves", by_hand=["True"])
    except InputError:
        return set()
    keys = [c for c in (names.POPULATION, names.WAVE, names.COHORT) if c in waves]
    return {*waves[keys].itertuples(index=False, name=None)}


def _whole(study: str, wanted: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of files of clean data that are as cleaning wrote them.

    Raises
    ------
    InputError
        For every other.
    """
    folder = paths.clean(study)
    listed, contents, problems = sums_of(folder), {}, []
    for name in wanted:
        path = folder / name
        content = path.read_bytes() if path.is_file() else None
        if content is not None and hashlib.sha256(content).hexdigest() == listed.get(name):
            contents[name] = content
            continue
        found = "no such file"
        if content is not None:
            found = f"{len(content)} bytes whose SHA-256 is not that in {SUMS}"
        todo = f"run: loftet clean {study}"
        problems.append(Problem("clean data are damaged", found, where=str(path), todo=todo))
    refuse_any(problems)
    return contents


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    # the same bytes, however pandas keeps texts in this process
    kept = pd.StringDtype("pyarrow", na_value=np.nan)
    texts = [c for c, dtype in frame.dtypes.items() if isinstance(dtype, pd.StringDtype)]
    frame = frame.astype(dict.fromkeys((c for c in texts if frame[c].dtype != kept), kept))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, paths.make_file(path), compression="zstd")


def _part_read(content: bytes, region: str, without: Collection[str]) -> pa.Table:
    file = pq.ParquetFile(pa.BufferReader(content))
    table = file.read(columns=[c for c in file.schema_arrow.names if c not in without])
    return table.append_column(names.REGION, pa.array([region] * len(table), pa.large_string()))


def _existing(study: str) -> Path:
    folder = paths.clean(study)
    if (folder / SUMS).exists():
        return folder
    found, todo = f"nothing at {SUMS}", f"run: loftet clean {study}"
    raise InputError("no clean data", found, where=str(folder), todo=todo)


def _unknown(what: str, found: str, allowed: Sequence[str], study: str) -> InputError:
    return InputError(f"unknown {what}", found, ", ".join(allowed), f"clean data of {study}")
