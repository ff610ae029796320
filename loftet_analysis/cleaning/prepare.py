"""The whole way from exports to clean data, in memory: every sheet accounted for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.account import account
from loftet_analysis.cleaning.chain import attend, clean, link, quarantine, read, score
from loftet_analysis.cleaning.codes import bare_beside_labels
from loftet_analysis.cleaning.directions import directions
from loftet_analysis.cleaning.headings import any_answer, unused_columns
from loftet_analysis.cleaning.lists import rows_of_nobody, without_sheets
from loftet_analysis.cleaning.pseudonyms import load_key
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.registers import open_register
from loftet_analysis.cleaning.selection import NoRowYetError, rows_of
from loftet_analysis.cleaning.sheets import (
    OPEN_WAVE,
    REASON,
    VALUES,
    Sheets,
    sheet_counts,
    together,
)
from loftet_analysis.cleaning.store import Prepared, closed_by_hand
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import (
    CLOSED,
    OPEN,
    TO_COME,
    Population,
    Study,
    in_waves,
    missing_exports,
    missing_register,
    wave_states,
    waves_in,
)
from loftet_analysis.study.columns import nobody
from loftet_analysis.study.phases import Phases, exports_there
from loftet_analysis.study.yamlfile import shown


def prepare(
    study: Study,
    *,
    key: bytes | None = None,
    progress: Callable[[str], None] | None = None,
    close: bool = False,
) -> Prepared:
    """Read, clean, link and score a study's exports, and settle its units and its mask.

    Nothing is written, except that a study without a pseudonym key gets one once its exports
    have been found to be without a fault. Of an open wave sheets are only counted: they are in no
    clean frame, link, unit or mask. Waves that are still to come are not looked for.

    Parameters
    ----------
    study : Study
        As loaded.
    key : bytes, optional
        The pseudonym key; by default the study's own (:func:`load_key`).
    progress : callable, optional
        Told what is being done, as a short text.
    close : bool
        Whether what is open is closed, before its last day.

    Raises
    ------
    InputError
        With everything that is wrong with any of the exports; its note is the account of the
        sheets as far as they came.
    """
    tell = progress or (lambda text: None)
    by_hand = closed_by_hand(study.name)
    if close:
        by_hand |= {place for place, state in wave_states(study).items() if state == OPEN}
    states = wave_states(study, by_hand=by_hand)
    problems = missing_exports(study, states) or _no_answers(study, states)
    if unregistered := missing_register(study):  # without it every school would be unknown
        raise InputError([*unregistered, *problems])
    waves: dict[str, list[Sheets]] = {}  # by population, a part per file of a wave
    registers: dict[str, Export | None] = {}
    for name, population in study.populations.items():
        tell(f"read {name}")
        with _collecting(problems):
            registers[name] = open_register(study, population)
        waves[name] = _cleaned(study, name, states, problems, tell)
    everything = [part for parts in waves.values() for part in parts]
    problems += without_sheets(study, everything)
    doubtful, unsure = bare_beside_labels([each for part in everything for each in part.codings])
    problems += doubtful
    unmeant = rows_of_nobody(study, everything)
    said = [*study.remarks, *_outside(study), *_not_closed(study, states), *unsure, *unmeant]
    remarks = dict.fromkeys([*said, *unused_columns(everything)])
    del everything
    told = {name: _told(parts) for name, parts in waves.items()}
    if problems:
        raise _with_account(problems, told)

    key = load_key(study) if key is None else key
    cleaned, aside, said = {}, {}, {}
    tables = {table: [] for table in ("values", "ledger", "linkage", "response", "days")}
    for name in study.populations:
        tell(f"link {name}")
        cleaned[name] = nobody(study.populations[name])
        aside[name], said[name] = cleaned[name].iloc[:0], ()
        with _collecting(problems):
            for sheets in _settled(waves.pop(name), states, registers[name], key):
                _check_nothing_lost(sheets)
                whole, away = _split(sheets)
                cleaned[name] = together(cleaned[name], whole)
                aside[name] = together(aside[name], away)
                said[name] += sheets.remarks
                for table, parts in tables.items():
                    parts.append(getattr(sheets, table))
                del sheets, whole, away  # the largest things in memory
    if problems:
        raise _with_account(problems, told)

    tell("settle")
    days = together(*tables.pop("days"))
    asked = in_waves(study, waves_in(states, CLOSED))
    instruments = {name: population.instrument for name, population in asked.populations.items()}
    with ThreadPoolExecutor() as pool:
        units = pool.submit(study_units, cleaned, instruments)
        mask = pool.submit(decide, asked, cleaned)
        found = {
            name: pool.submit(directions, frame, asked.populations[name])
            for name, frame in cleaned.items()
        }
    for name, own in said.items():
        remarks |= dict.fromkeys((*own, *found[name].result()))
    return Prepared(
        clean=cleaned,
        set_aside=aside,
        units=units.result(),
        mask=mask.result(),
        waves=_states(study, states, by_hand, days),
        remarks=tuple(remarks),
        days=days,
        **{table: together(*parts) for table, parts in tables.items()},
    )


def _outside(study: Study) -> list[Problem]:
    """Return a remark on exports and lists that lie outside the study's folder."""
    own = study.folder.resolve()
    there = [study.export_path(file).resolve() for file in study.export_files]
    folders = dict.fromkeys(path.parent for path in there if not path.is_relative_to(own))
    if not folders:
        return []
    todo = "nothing where that is meant; who may read them is settled there"
    found = ", ".join(map(str, folders))
    where = shown(study.folder / "study.yml")
    return [Problem("exports outside the study's folder", found, "", where, todo)]


def _settled(
    parts: Sequence[Sheets], states: Phases, register: Export | None, key: bytes
) -> Iterator[Sheets]:
    """Yield a population's sheets: of closed waves, linked; then of each open one, only counted."""
    closed = [part for part in parts if states[part.population.name, part.wave] == CLOSED]
    if closed:
        yield link(*closed, key=key).pipe(attend, register, key=key).pipe(score)
    goes_on = [part for part in parts if part not in closed]
    del parts, closed
    for wave in dict.fromkeys(part.wave for part in goes_on):
        sheets = link(*(part for part in goes_on if part.wave == wave), key=key).pipe(score)
        sheets = replace(sheets, wave=wave, linkage=sheets.linkage.iloc[:0])
        yield sheets.count_only(sheets.still_in, step="close", reason=OPEN_WAVE)


def _states(
    study: Study, states: Phases, by_hand: Collection[tuple[str, str]], days: pd.DataFrame
) -> pd.DataFrame:
    """Return ``schema.WAVES``: each wave's state, and of open ones the newest answer's day."""
    newest = days.groupby([names.POPULATION, names.WAVE, names.REGION])["day"].max().to_dict()
    rows = [
        (
            *place,
            region,
            state,
            place in by_hand,
            newest.get((*place, region), "") if state == OPEN else "",
        )
        for place, state in states.items()
        for region in study.regions[names.REGION]
    ]
    return pd.DataFrame(rows, columns=list(schema.WAVES))


def _no_answers(study: Study, states: Phases) -> list[Problem]:
    """Return the problem of a study without any export."""
    if {*states.values()} - {TO_COME}:
        return []
    what, found = "no answers yet", f"no export of {study.name}; every wave is still to come"
    todo = "put the exports into the folder when the first wave has begun"
    return [Problem(what, found, where=str(study.exports), todo=todo)]


def _not_closed(study: Study, states: Phases) -> Iterator[Problem]:
    """Say which waves are open, and which are still to come."""
    said = {
        OPEN: ("waves that are open", "their answers are shown when the last day has passed"),
        TO_COME: ("still to come", ""),
    }
    for state, (what, todo) in said.items():
        found = []
        for (population, wave), its in states.items():
            end = study.wave_dates(population)[wave].end if wave in study.waves else None
            until = f" (until {end})" if end else ""
            found += [f"{wave} of {population}{until}"] if its == state else []
        if found:
            todo = f"{todo}, or: loftet run {study.name} --close" if todo else ""
            yield Problem(what, ", ".join(found), where=study.name, todo=todo)


def _told(parts: Sequence[Sheets]) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Problem, ...]]:
    """Return ledger, values and remarks of the waves of a population, as far as they came."""
    ledger = together(pd.DataFrame(columns=schema.LEDGER), *(part.ledger for part in parts))
    values = together(pd.DataFrame(columns=VALUES), *(part.values for part in parts))
    return ledger, values, tuple(remark for part in parts for remark in part.remarks)


def _with_account(problems: list[Problem], told: Mapping[str, tuple]) -> InputError:
    """Return the error of the problems; its note is the account of the sheets so far."""
    ledgers, values, remarks = zip(*told.values(), strict=True)
    error = InputError(problems)
    error.add_note(account(together(*ledgers), together(*values), chain.from_iterable(remarks)))
    return error


def _cleaned(
    study: Study,
    population: str,
    states: dict[tuple[str, str], str],
    problems: list[Problem],
    tell: Callable[[str], None],
) -> list[Sheets]:
    """Return the cleaned sheets of each wave's files that are there; the exports are let go of.

    An open wave without a row in the files that it shares with others is set to be still to come.
    """
    opened: dict[tuple[str, ...], Export] = {}  # a file may serve several waves
    people, parts = study.populations[population], []
    entries = [
        (wave, place, file)
        for wave, files in people.files.items()
        for place, file in enumerate(files)
        if states[population, wave] == CLOSED
        or (states[population, wave] == OPEN and file in exports_there(study, people, wave))
    ]
    without_row: set[str] = set()
    for n, (wave, place, _) in enumerate(entries, start=1):
        with _collecting(problems):
            try:
                sheets = read(study, population, wave, place, opened=opened, progress=tell)
            except NoRowYetError:
                if states[population, wave] != OPEN:
                    raise
                without_row.add(wave)
            else:
                parts.append(sheets.pipe(quarantine).pipe(clean))
                problems += parts[-1].problems
        for done in opened.keys() - {file.files for *_, file in entries[n:]}:
            problems += _too_early(study, people, states, done, opened.pop(done))
    for wave in without_row - {part.wave for part in parts}:
        states[population, wave] = TO_COME
    return parts


def _too_early(
    study: Study, people: Population, states: Phases, read: tuple[str, ...], whole: Export
) -> Iterator[Problem]:
    """Yield a problem for each wave still to come that has rows in a file read for another."""
    for wave, files in people.files.items():
        for file in files if states[people.name, wave] == TO_COME else ():
            if file.files != read:
                continue
            try:
                export = rows_of(whole, study, people, wave, file)
            except InputError:
                continue  # it has no row of the wave
            if n := int(any_answer(export.frame, file.pattern).sum()):
                begins = study.wave_dates(people.name)[wave].start if wave in study.waves else None
                allowed = f"none before its first day, {begins}" if begins else "waves of the study"
                todo = "correct the wave's dates in study.yml, or take its answers out of the file"
                where = f"{file.file} ({people.name}, {wave})"
                what = "answers of a wave that is still to come"
                yield Problem(what, f"{n} rows", allowed, where, todo)


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    """Go on after a fault of the input, and keep its problems."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def _split(sheets: Sheets) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sheets that are in, and those that were set aside, which have no attendance."""
    still_in, register = sheets.still_in, sheets.population.attendance
    kept = sheets.frame[still_in].drop(columns=REASON)
    attended = [*register.columns] if register else []
    aside = sheets.frame[~still_in].drop(columns=attended, errors="ignore")
    return kept.reset_index(drop=True), aside.reset_index(drop=True)


def _check_nothing_lost(sheets: Sheets) -> None:
    told, n = sheet_counts(sheets.ledger), len(sheets.frame)
    if not sheets.n_sheets == told["sheets"] == n + told["counted_only"]:
        raise RuntimeError(
            f"{sheets.population.name}: {sheets.n_sheets} sheets in, but {n} clean or set aside "
            f"and {told['counted_only']} counted only"
        )
