"""The whole way from exports to clean data, in memory: every sheet accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd

from loftet_analysis import names
from loftet_analysis.data import clean, link
from loftet_analysis.data.columns import match_columns
from loftet_analysis.data.ledger import BLANK, COUNTS, REASON, count_only, sheet_counts
from loftet_analysis.data.readers import Export, read_export
from loftet_analysis.data.score import VALUES, score_items, score_scales
from loftet_analysis.data.units import study_units
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.privacy.disclosure import decide
from loftet_analysis.privacy.pseudonyms import load_key
from loftet_analysis.study import ExportFile, Instrument, Population, Study, missing_exports
from loftet_analysis.study.study import CONSENT


@dataclass(frozen=True)
class Prepared:
    """Everything that cleaning makes of a study.

    Attributes
    ----------
    clean : dict of str to DataFrame
        By population, one row per respondent and wave, sorted by region, school and wave:
        ``person_id`` (missing where unlinkable), ``wave, region, school_id``, ``grade``,
        ``role`` and other background where there is any, ``submitted`` (day), ``gatherings`` and
        ``interim_work`` where there is a register, items (reversed already), scales.
    set_aside : dict of str to DataFrame
        By population, the sheets that are not in, with ``reason`` and the same columns; answers
        that were not understood on them are missing.
    values : DataFrame
        ``population, wave, file, region, column, value, reason, n``: single answers set to
        missing.
    ledger : DataFrame
        ``names.LEDGER``: the account of the sheets, step by step, by region (empty while the
        school is unknown); reason *blank_row* counts rows that are no sheets. A row without a
        wave is the account of a register.
    linkage : DataFrame
        ``population, region, wave, state, n``.
    units : DataFrame
        ``names.UNITS``.
    mask : DataFrame
        ``names.MASK``.
    """

    clean: dict[str, pd.DataFrame]
    set_aside: dict[str, pd.DataFrame]
    values: pd.DataFrame
    ledger: pd.DataFrame
    linkage: pd.DataFrame
    units: pd.DataFrame
    mask: pd.DataFrame


@dataclass(frozen=True)
class _Wave:
    """The sheets of one wave of one population before they are linked."""

    sheets: pd.DataFrame
    values: pd.DataFrame
    ledger: list[pd.DataFrame]
    n_sheets: int


def prepare(
    study: Study, *, key: bytes | None = None, progress: Callable[[str], None] | None = None
) -> Prepared:
    """Read, clean, link and score a study's exports, and settle its units and its mask.

    Nothing is written, except that a study without a pseudonym key gets one once its exports
    have been found to be without a fault.

    Parameters
    ----------
    study : Study
        As loaded.
    key : bytes, optional
        The pseudonym key; by default the study's own (:func:`load_key`).
    progress : callable, optional
        Told what is being done, as a short text.

    Raises
    ------
    InputError
        With everything that is wrong with any of the exports.
    """
    tell = progress or (lambda text: None)
    problems = missing_exports(study)
    absent = {problem.found for problem in problems}
    waves: dict[str, dict[str, _Wave]] = {}
    registers: dict[str, Export] = {}
    for name, population in study.populations.items():
        tell(f"read {name}")
        with _collecting(problems):
            registers |= _read_register(study, population, absent)
        waves[name] = _read_waves(study, population, problems, absent)
    if problems:
        raise InputError(problems)

    key = load_key(study) if key is None else key
    parts: dict[str, dict[str, pd.DataFrame]] = {}
    for name, population in study.populations.items():
        tell(f"link {name}")
        with _collecting(problems):
            parts[name] = _join(study, population, waves.pop(name), registers.get(name), key)
    if problems:
        raise InputError(problems)

    tell("settle")
    cleaned = {name: part["clean"] for name, part in parts.items()}
    instruments = {name: population.instrument for name, population in study.populations.items()}
    return Prepared(
        clean=cleaned,
        set_aside={name: part["set_aside"] for name, part in parts.items()},
        values=pd.concat([part["values"] for part in parts.values()], ignore_index=True),
        ledger=pd.concat([part["ledger"] for part in parts.values()], ignore_index=True),
        linkage=pd.concat([part["linkage"] for part in parts.values()], ignore_index=True),
        units=study_units(cleaned, instruments),
        mask=decide(study, cleaned),
    )


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    """Go on after a fault of the input, and keep its problems."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def _read_register(study: Study, population: Population, absent: set[str]) -> dict[str, Export]:
    attendance = population.attendance
    if attendance is None or attendance.file in absent:
        return {}
    if population.link.by != "id":
        raise InputError(
            Problem(
                "a register of attendance without ids to join it by",
                found=f"link by {population.link.by}",
                allowed="link: {by: id, …}",
                where=f"study.yml, {population.name}",
                todo="take the register out, or link by the id that it holds",
            )
        )
    tool = "excel" if attendance.file.lower().endswith(".xlsx") else "table"
    file = ExportFile(tool=tool, file=attendance.file)
    return {population.name: read_export(study.export_path(attendance.file), file)}


def _read_waves(
    study: Study, population: Population, problems: list[Problem], absent: set[str]
) -> dict[str, _Wave]:
    exports: dict[str, Export] = {}  # a wide file serves several waves
    waves: dict[str, _Wave] = {}
    for wave, file in population.files.items():
        if file.file in absent:
            continue
        with _collecting(problems):
            if file.file not in exports:
                exports[file.file] = read_export(study.export_path(file.file), file)
            waves[wave] = _clean_wave(study, population, wave, exports[file.file], problems)
    return waves


def _clean_wave(
    study: Study, population: Population, wave: str, export: Export, problems: list[Problem]
) -> _Wave:
    """Clean one wave as far as it goes without the other waves."""
    matched = match_columns(export, population, wave=wave)
    labels, where, schools = matched.labels, matched.where, study.schools
    frame = clean.place_schools(
        matched.frame, schools=schools, labels=labels[names.SCHOOL], where=where
    )
    frame, blank = count_only(frame, ~pd.Series(matched.answered), step="read", reason=BLANK)
    ledger = [blank]
    values = pd.DataFrame(columns=list(VALUES))
    if population.consent:
        with _collecting(problems):
            frame, counted = clean.keep_consenting(
                frame, yes=population.consent.yes, labels=labels[CONSENT], where=where
            )
            ledger.append(counted)
    if names.SUBMITTED in frame:
        text, frame = frame, frame.assign(**{names.SUBMITTED: pd.NaT})
        with _collecting(problems):
            frame = clean.read_submitted(text, where=where)
    frame, tests = clean.set_aside_tests(frame, start=study.waves[wave].start)
    frame, unknown = clean.set_aside_unknown_schools(frame)
    ledger += [tests, unknown]
    with _collecting(problems):
        frame = clean.recode(
            frame,
            values={names.ROLE: dict.fromkeys(names.ROLES, ()), **population.values},
            labels=labels,
            columns=[c for c in population.columns if c not in (names.SCHOOL, names.SUBMITTED)],
            where=where,
        )
    if names.ROLE not in population.columns and population.roles:
        frame = frame.assign(**{names.ROLE: population.roles[0]})
    if names.GRADE in population.columns:
        with _collecting(problems):
            frame, grades = clean.read_grades(frame, schools=schools, where=where)
            ledger.append(grades)
    with _collecting(problems):
        frame, values = score_items(
            frame,
            instrument=population.instrument,
            wave=wave,
            labels=labels,
            sources=matched.sources,
            where=where,
        )
        frame, empty = clean.set_aside_empty(frame, items=list(population.instrument.items))
        ledger.append(empty)
    return _Wave(frame, values, ledger, int(matched.answered.sum()))


def _join(
    study: Study,
    population: Population,
    waves: Mapping[str, _Wave],
    register: Export | None,
    key: bytes,
) -> dict[str, pd.DataFrame]:
    """Link the waves of a population, and split what is in from what is set aside."""
    years = link.years_since_start(study)
    items = list(population.instrument.items)
    sheets, ledger, values = [], [], []
    for wave in (name for name in study.waves if name in waves):
        part = waves[wave]
        stamp = {"population": population.name, "wave": wave, "file": population.files[wave].file}
        frame = link.assign_persons(
            part.sheets,
            link=population.link,
            key=key,
            population=population.name,
            years=years[wave],
        )
        frame, duplicates = clean.set_aside_duplicates(
            frame, rule=population.duplicates, items=items
        )
        sheets.append(frame.assign(**{names.WAVE: wave}))
        ledger += [table.assign(**stamp) for table in (*part.ledger, duplicates)]
        values.append(part.values.assign(**stamp))
    whole = pd.concat(sheets, ignore_index=True)
    still_in = whole[REASON].eq("")
    kept, linkage = link.link_waves(
        whole[still_in].drop(columns=REASON), years=years, population=population.name
    )
    if population.link.by == "none":
        linkage = linkage.iloc[:0]
    if register is not None and population.attendance:
        attended = link.read_attendance(
            register, attendance=population.attendance, key=key, population=population.name
        )
        ledger.append(_account_of_register(attended, kept, register, population.name))
        kept = kept.merge(attended, on=names.PERSON, how="left")
    aside = whole[~still_in]
    tables = {
        "clean": _finished(kept, population),
        "set_aside": _finished(aside, population, REASON),
        "values": pd.concat(values, ignore_index=True)[list(VALUES)],
        "ledger": pd.concat(ledger, ignore_index=True)[list(names.LEDGER)],
        "linkage": linkage,
    }
    _check_nothing_lost(tables, sum(part.n_sheets for part in waves.values()), population.name)
    return tables


def _account_of_register(
    attended: pd.DataFrame, kept: pd.DataFrame, register: Export, population: str
) -> pd.DataFrame:
    found = int(attended[names.PERSON].isin(kept[names.PERSON]).sum())
    counts = dict(zip(COUNTS, (len(attended), found, len(attended) - found), strict=True))
    row = {"wave": "", "file": register.name, "region": "", "step": "attendance"}
    return pd.DataFrame([{"population": population, **row, "reason": "no_sheet", **counts}])


def _finished(frame: pd.DataFrame, population: Population, *first: str) -> pd.DataFrame:
    """Put the columns of a population's frame and its rows, which come by wave, in order."""
    scored = score_scales(frame, instrument=population.instrument)
    if names.SUBMITTED in scored:
        days = scored[names.SUBMITTED].dt.normalize().astype("datetime64[ms]")
        scored = scored.assign(**{names.SUBMITTED: days})
    scored = scored.sort_values([names.REGION, names.SCHOOL], kind="stable", ignore_index=True)
    return scored[[*first, *_columns(population, list(scored))]]


def _columns(population: Population, present: list[str]) -> list[str]:
    known = (names.GRADE, names.ROLE, names.GENDER)
    own = [column for column in population.columns if column not in (*known, names.SCHOOL)]
    register = (names.GATHERINGS, names.INTERIM_WORK)
    instrument: Instrument = population.instrument
    keys = (names.PERSON, names.WAVE, names.REGION, names.SCHOOL)
    ordered = (*keys, *known, *own, *register, *instrument.items, *instrument.scales)
    return [column for column in ordered if column in present]


def _check_nothing_lost(tables: Mapping[str, pd.DataFrame], sheets: int, population: str) -> None:
    told = sheet_counts(tables["ledger"])
    n_clean, n_aside = len(tables["clean"]), len(tables["set_aside"])
    if not sheets == told["sheets"] == n_clean + n_aside + told["counted_only"]:
        raise RuntimeError(
            f"{population}: {sheets} sheets in, but {n_clean} clean, {n_aside} set aside and "
            f"{told['counted_only']} counted only"
        )
