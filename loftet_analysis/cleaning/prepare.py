"""The whole way from exports to clean data, in memory: every sheet accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning import clean, link
from loftet_analysis.cleaning.careless import with_flags
from loftet_analysis.cleaning.columns import match_columns, seconds_taken
from loftet_analysis.cleaning.consent import consenting, surely_old_enough
from loftet_analysis.cleaning.ledger import BLANK, COUNTS, REASON, count_only, sheet_counts
from loftet_analysis.cleaning.lists import CORRECTION, Listing, correct, listed, read_list
from loftet_analysis.cleaning.prepared import Prepared
from loftet_analysis.cleaning.pseudonyms import load_key
from loftet_analysis.cleaning.quarantine import quarantine
from loftet_analysis.cleaning.readers import Export, chained, read_export
from loftet_analysis.cleaning.registers import read_attendance
from loftet_analysis.cleaning.response import response
from loftet_analysis.cleaning.score import VALUES, score_items, score_scales
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import ExportFile, Instrument, Population, Study, missing_exports
from loftet_analysis.study.study import CONSENT, GUARDIAN


@dataclass(frozen=True)
class _Wave:
    """The sheets of one wave of one population before they are linked."""

    sheets: pd.DataFrame
    values: pd.DataFrame
    ledger: list[pd.DataFrame]
    n_sheets: int
    declined: pd.DataFrame  # as text, in memory only: those of whom only the count is kept


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
    lists = _read_lists(study, problems, absent)
    for name, population in study.populations.items():
        tell(f"read {name}")
        with _collecting(problems):
            registers |= _read_register(study, population, absent)
        waves[name] = _read_waves(study, population, lists, problems, absent, tell)
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
        response=pd.concat([part["response"] for part in parts.values()], ignore_index=True),
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
    tool = "excel" if attendance.file.lower().endswith(".xlsx") else "table"
    file = ExportFile(tool=tool, file=attendance.file)
    return {population.name: read_export(study.export_path(attendance.file), file)}


def _read_lists(study: Study, problems: list[Problem], absent: set[str]) -> dict[str, Listing]:
    """Read withdrawals, corrections, and the lists that the populations' consent names."""
    everybody = tuple(study.populations.values())
    wanted = {study.withdrawn: (everybody, ()), study.corrections: (everybody, CORRECTION)}
    for population in everybody:
        for consent in population.consent.values():
            wanted |= dict.fromkeys(consent.lists, ((population,), ()))
    lists = {}
    for file, (populations, also) in wanted.items():
        if file and file not in absent:
            with _collecting(problems):
                lists[file] = read_list(study, file, populations, also)
    return lists


def _read_waves(
    study: Study,
    population: Population,
    lists: Mapping[str, Listing],
    problems: list[Problem],
    absent: set[str],
    tell: Callable[[str], None],
) -> dict[str, _Wave]:
    exports: dict[tuple[str, ...], Export] = {}  # a wide file serves several waves
    waves: dict[str, _Wave] = {}
    for wave, file in population.files.items():
        if set(file.files) & absent:
            continue
        with _collecting(problems):
            if file.files not in exports:
                exports[file.files] = _read_chain(study, file)
                if exports[file.files].recognised:
                    export = exports[file.files]
                    tell(f"{export.name} is read as {export.tool}: {export.recognised}")
            export = exports[file.files]
            waves[wave] = _clean_wave(study, population, wave, export, lists, problems)
    return waves


def _read_chain(study: Study, file: ExportFile) -> Export:
    """Read an export, and join the form in which the same people went on."""
    export = read_export(study.export_path(file.file), file)
    if file.then is None:
        return export
    second = ExportFile(
        tool=file.tool, file=file.then.file, delimiter=file.delimiter, encoding=file.encoding
    )
    return chained(export, read_export(study.export_path(second.file), second), file.then)


def _clean_wave(
    study: Study,
    population: Population,
    wave: str,
    export: Export,
    lists: Mapping[str, Listing],
    problems: list[Problem],
) -> _Wave:
    """Clean one wave as far as it goes without the other waves."""
    matched = match_columns(export, population, wave=wave)
    labels, where, schools = matched.labels, matched.where, study.schools
    lookup = clean.school_lookup(schools)
    frame, values = matched.frame, []
    if study.corrections in lists:
        rows = lists[study.corrections].of(population.name, wave)
        with _collecting(problems):
            frame, made = correct(frame, rows, population=population, schools=lookup, where=where)
            values.append(made)
    frame, found = quarantine(frame, export, population, lookup)
    frame, renamed = clean.place_schools(
        frame, schools=schools, labels=labels[names.SCHOOL], where=where
    )
    values += [found, renamed]
    frame, blank = count_only(frame, ~pd.Series(matched.answered), step="read", reason=BLANK)
    ledger = [blank]
    before = frame
    with _collecting(problems):
        frame, counted = _keep_allowed(study, population, wave, frame, lists, labels, where)
        ledger += counted
    declined = before.loc[before.index.difference(frame.index)]
    if names.SUBMITTED in frame:
        text, frame = frame, frame.assign(**{names.SUBMITTED: pd.NaT})
        with _collecting(problems):
            frame = clean.read_submitted(text, where=where)
    dates = study.waves[wave]
    marks = population.trial.texts if population.trial else ()
    frame, tests = clean.set_aside_tests(frame, start=dates.start, marks=marks)
    windows = {name: (w.start, w.end) for name, w in study.waves.items() if w.start}
    frame, forms = clean.set_aside_wrong_forms(frame, wave=wave, windows=windows)
    frame, unknown = clean.set_aside_unknown_schools(frame)
    ledger += [tests, forms, unknown]
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
        frame, odd = score_items(
            frame,
            instrument=population.instrument,
            wave=wave,
            labels=labels,
            sources=matched.sources,
            where=where,
        )
        values.append(odd)
        taken = seconds_taken(export)
        if taken is not None:
            frame = frame.assign(seconds=taken.reindex(frame.index))
        frame = with_flags(frame, instrument=population.instrument, wave=wave)
        frame, empty = clean.set_aside_empty(frame, items=list(population.instrument.items))
        ledger.append(empty)
    with _collecting(problems):
        clean.refuse_most_set_aside(ledger, n=len(before), where=where)
    told = pd.concat([table for table in values if len(table)] or values[:1], ignore_index=True)
    return _Wave(frame, told, ledger, int(matched.answered.sum()), declined)


def _keep_allowed(
    study: Study,
    population: Population,
    wave: str,
    frame: pd.DataFrame,
    lists: Mapping[str, Listing],
    labels: Mapping[str, Mapping[str, str]],
    where: str,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Keep the sheets that may be used; of the others only the count."""
    consent, ledger = population.consent.get(wave), []
    lookup = clean.school_lookup(study.schools)

    def in_list(file: str) -> pd.Series:
        rows = lists[file].of(population.name, wave)
        return listed(frame, rows, population=population, schools=lookup)[0].ge(0)

    def leave(rows: pd.Series, step: str, reason: str) -> pd.DataFrame:
        kept, counted = count_only(frame, rows, step=step, reason=reason)
        ledger.append(counted)
        return kept

    if study.withdrawn in lists:
        frame = leave(in_list(study.withdrawn), "withdrawn", "withdrawn")
    if consent and consent.opt_out in lists:
        frame = leave(in_list(consent.opt_out), "opt_out", "opted_out")
    if consent and consent.column:
        meant = consenting(frame[CONSENT], yes=consent.yes, labels=labels[CONSENT], where=where)
        frame = leave(~meant, "consent", "no_consent")
    guardian = consent.guardian if consent else None
    if guardian and (guardian.column or guardian.listed in lists):
        texts = frame.get(names.GRADE, pd.Series("", index=frame.index))
        own = surely_old_enough(
            clean.grade_numbers(texts), limit=guardian.below, day=study.waves[wave].start
        )
        if guardian.column:
            said = consenting(
                frame[GUARDIAN], yes=guardian.yes, labels=labels[GUARDIAN], where=where
            )
        else:
            said = in_list(guardian.listed)
        frame = leave(~said & ~own, "guardian", "no_consent")
    return frame.drop(columns=[CONSENT, GUARDIAN], errors="ignore"), ledger


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
    sheets, ledger, values, declined, gone_by_wave = [], [], [], {}, {}
    for wave in (name for name in study.waves if name in waves):
        part = waves[wave]
        stamp = {"population": population.name, "wave": wave, "file": population.files[wave].file}
        named = {"link": population.link, "key": key, "population": population.name}
        frame = link.assign_persons(part.sheets, years=years[wave], **named)
        gone = part.declined
        if names.GRADE in gone:
            grades = clean.grade_numbers(gone[names.GRADE].fillna("")).astype("Int64")
            gone = gone.assign(**{names.GRADE: grades})
        gone = link.assign_persons(gone, years=years[wave], **named)
        declined[wave], gone_by_wave[wave] = frozenset(gone[names.PERSON].dropna()), gone
        frame, duplicates = clean.set_aside_duplicates(
            frame, rule=population.duplicates, items=items
        )
        clean.refuse_most_set_aside([duplicates], n=len(frame), where=stamp["file"])
        sheets.append(frame.assign(**{names.WAVE: wave}))
        ledger += [table.assign(**stamp) for table in (*part.ledger, duplicates)]
        values.append(part.values.assign(**stamp))
    whole = pd.concat(sheets, ignore_index=True)
    still_in = whole[REASON].eq("")
    kept, linkage = link.link_waves(
        whole,
        years=years,
        population=population.name,
        link=population.link,
        areas=study.schools.set_index(names.SCHOOL)["municipality"].to_dict(),
        declined=declined,
    )
    if population.link.by == "none":
        linkage = linkage.iloc[:0]
        kept = kept.assign(**{names.LINK_STATE: pd.Series(pd.NA, index=kept.index, dtype="str")})
    counts = response(study, population.name, whole, kept, gone_by_wave)
    if register is not None and population.attendance:
        attended = read_attendance(
            register, population=population, key=key, schools=clean.school_lookup(study.schools)
        )
        ledger.append(_account_of_register(attended, kept, register, population.name))
        kept = kept.merge(attended, on=next(iter(attended)), how="left")
    aside = whole[~still_in].drop(columns=link.CODE)
    for column in (names.LINKED_BY, names.LINK_STATE):
        aside[column] = pd.Series(pd.NA, index=aside.index, dtype="str")
    tables = {
        "clean": _finished(kept, population),
        "set_aside": _finished(aside, population, REASON),
        "values": pd.concat(values, ignore_index=True)[list(VALUES)],
        "ledger": pd.concat(ledger, ignore_index=True)[list(names.LEDGER)],
        "linkage": linkage,
        "response": counts,
    }
    _check_nothing_lost(tables, sum(part.n_sheets for part in waves.values()), population.name)
    return tables


def _account_of_register(
    attended: pd.DataFrame, kept: pd.DataFrame, register: Export, population: str
) -> pd.DataFrame:
    owner = next(iter(attended))
    found = int(attended[owner].isin(kept[owner]).sum())
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
    signs = (names.LINKED_BY, names.LINK_STATE, names.SECONDS, names.MISSING, names.CARELESS)
    instrument: Instrument = population.instrument
    keys = (names.PERSON, names.WAVE, names.REGION, names.SCHOOL)
    ordered = (*keys, *known, *own, *register, *signs, *instrument.items, *instrument.scales)
    return [column for column in ordered if column in present]


def _check_nothing_lost(tables: Mapping[str, pd.DataFrame], sheets: int, population: str) -> None:
    told = sheet_counts(tables["ledger"])
    n_clean, n_aside = len(tables["clean"]), len(tables["set_aside"])
    if not sheets == told["sheets"] == n_clean + n_aside + told["counted_only"]:
        raise RuntimeError(
            f"{population}: {sheets} sheets in, but {n_clean} clean, {n_aside} set aside and "
            f"{told['counted_only']} counted only"
        )
