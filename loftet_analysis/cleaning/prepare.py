"""The whole way from exports to clean data, in memory: every questionnaire accounted for."""

from __future__ import annotations

import re
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
from loftet_analysis.cleaning.coverage import coverage
from loftet_analysis.cleaning.directions import directions
from loftet_analysis.cleaning.headings import any_answer, unused_columns
from loftet_analysis.cleaning.lists import rows_of_nobody, without_sheets
from loftet_analysis.cleaning.plausibility import plausibility
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
from loftet_analysis.cleaning.wordings import other_wordings
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import InputError, Problem, once_each
from loftet_analysis.study import CLOSED, OPEN, TO_COME, Population, Study, furthest, wave_states
from loftet_analysis.study.columns import nobody
from loftet_analysis.study.load import (
    missing_exports,
    missing_register,
    repeated_exports,
    unnamed_exports,
)
from loftet_analysis.study.phases import Phases, exports_there, in_waves, waves_in
from loftet_analysis.study.schools import n_schools, resembling_pairs, written_otherwise
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
    have been found to be without a fault. Of an open wave questionnaires are only counted: they are
    in no clean frame, link, unit or mask. Waves that are still to come are not looked for.

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
        questionnaires as far as they came.
    """
    tell = progress or (lambda text: None)
    by_hand = closed_by_hand(study.name)
    if close:
        by_hand |= {place for place, state in wave_states(study).items() if state == OPEN}
    states = wave_states(study, by_hand=by_hand)
    at_most = furthest(states)
    problems = missing_exports(study, states) or _no_answers(study, states)
    problems += repeated_exports(study)
    if unregistered := missing_register(study):  # without it every school would be unknown
        raise InputError([*unregistered, *problems])
    waves: dict[str, list[Sheets]] = {}  # by population, a part per file of a wave
    registers: dict[str, Export | None] = {}
    for name, population in study.populations.items():
        tell(f"read {name}")
        with _collecting(problems):
            registers[name] = open_register(study, population)
        waves[name] = _cleaned(study, name, states, at_most, problems, tell)
    everything = [part for parts in waves.values() for part in parts]
    problems += without_sheets(study, everything)
    doubtful, unsure = bare_beside_labels([each for part in everything for each in part.codings])
    problems += doubtful
    for parts in waves.values():
        others, unlike = other_wordings(parts)
        problems += others
        unsure += unlike
    unmeant = rows_of_nobody(study, everything)
    said = [*study.remarks, *_outside(study), *unnamed_exports(study), *_alike_regions(study)]
    said += [*_not_closed(study, states), *unsure, *unmeant]
    remarks = dict.fromkeys([*said, *unused_columns(everything)])
    del everything
    told = {name: _told(parts) for name, parts in waves.items()}
    if problems:
        raise _with_account(problems, told)

    key = load_key(study) if key is None else key
    cleaned: dict[str, pd.DataFrame] = {}
    aside: dict[str, pd.DataFrame] = {}
    told_of: dict[str, tuple[Problem, ...]] = {}
    tables: dict[str, list[pd.DataFrame]] = {
        table: [] for table in ("values", "ledger", "linkage", "response", "days")
    }
    for name in study.populations:
        tell(f"link {name}")
        cleaned[name] = nobody(study.populations[name], cohorts=bool(study.cohorts))
        aside[name], told_of[name] = cleaned[name].iloc[:0], ()
        with _collecting(problems):
            n_sheets = 0
            for sheets in _settled(waves.pop(name), states, registers[name], key):
                n_sheets += sheets.n_sheets
                whole, away = _split(sheets)
                cleaned[name] = together(cleaned[name], whole)
                aside[name] = together(aside[name], away)
                told_of[name] += sheets.remarks
                for table, of_table in tables.items():
                    of_table.append(getattr(sheets, table))
                del sheets, whole, away  # the largest things in memory
            n_rows = len(cleaned[name]) + len(aside[name])
            _check_nothing_lost(name, n_sheets, n_rows, together(*tables["ledger"]))
    if problems:
        raise _with_account(problems, told)
    silent = coverage(study, states, together(*tables["response"]))
    alike = _alike_schools(study, cleaned)
    remarks |= dict.fromkeys((*_no_sheet(study, states, cleaned), *silent, *alike))

    tell("settle")
    days, values = together(*tables.pop("days")), together(*tables["values"])
    asked = in_waves(study, waves_in(at_most, CLOSED))
    instruments = {name: population.instrument for name, population in asked.populations.items()}
    with ThreadPoolExecutor() as pool:
        units = pool.submit(study_units, first_cohort(study, cleaned), instruments)
        mask = pool.submit(decide, asked, cleaned)
        found = {
            name: [
                pool.submit(directions, frame, asked.populations[name]),
                pool.submit(plausibility, frame, asked.populations[name], values),
            ]
            for name, frame in cleaned.items()
        }
    for name, own in told_of.items():
        remarks |= dict.fromkeys((*own, *(each for one in found[name] for each in one.result())))
    return Prepared(
        clean=cleaned,
        set_aside=aside,
        units=units.result(),
        mask=mask.result(),
        waves=_states(study, states, by_hand, days),
        remarks=tuple(once_each(remarks)),
        days=days,
        **{table: together(*parts) for table, parts in tables.items()},
    )


def first_cohort(study: Study, clean: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """Return the clean data of the first cohort, by which units and invariance are settled.

    A later cohort then changes no number of those before it. Without cohorts it is everybody.
    """
    if not study.cohorts:
        return clean
    first = study.cohorts[0]
    return {name: frame[frame[names.COHORT].eq(first)] for name, frame in clean.items()}


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


def _alike_regions(study: Study) -> Iterator[Problem]:
    """Yield a warning of each two regions of nearly the same name."""
    sizes = study.schools.groupby("region_name")[names.SCHOOL].nunique()
    # an official name in several languages by its first one
    first = {re.split(r"\s+[-–]\s+|[/(]", name)[0]: name for name in sizes.index}
    for one, other in resembling_pairs(first):
        found = ", ".join(
            f"“{name}” ({n_schools(sizes[name])})"
            for name in sorted((first[one], first[other]), key=sizes.get)
        )
        what = "warning: two regions of nearly the same name"
        todo = "if they are one region, write its name alike for all its schools"
        allowed, where = "a name of its own for each region", "the register of schools"
        yield Problem(what, found, allowed, where, todo)


def _alike_schools(study: Study, clean: Mapping[str, pd.DataFrame]) -> Iterator[Problem]:
    """Yield a warning of each two schools of nearly the same name that answered in other waves.

    They are of one region and cohort.
    """
    sheets = [frame[[names.SCHOOL, names.WAVE]].assign(**{names.POPULATION: who})
              for who, frame in clean.items()]  # fmt: skip
    counts = pd.concat(sheets).astype(str).value_counts().rename("n").reset_index()
    own = study.schools[[names.SCHOOL, "school", names.REGION, names.COHORT]]
    for _, group in counts.merge(own, on=names.SCHOOL).groupby([names.REGION, names.COHORT]):
        for found in written_otherwise(group):
            what = "warning: two schools of nearly the same name, of which one lacks answers"
            allowed = "a name of its own for each school, and one name for each"
            todo = "if they are one school, write the wrong name into the column earlier of the "
            todo += "right one in the register (add the column where there is none), and take the "
            todo += "row of the wrong one out"
            found = f"questionnaires of {found}"
            yield Problem(what, found, allowed, "the register of schools", todo)


def _settled(
    parts: Sequence[Sheets], states: Phases, register: Export | None, key: bytes
) -> Iterator[Sheets]:
    """Yield a population's sheets: of closed waves, linked; then of each open one, only counted."""
    halves = [_by_state(part, states) for part in parts]
    closed, goes_on = ([each for half in halves for each in half[place]] for place in (0, 1))
    del parts, halves
    if closed:
        # not named, since nothing may hold on to the largest things in memory
        yield _of_those_asked(
            link(*closed, key=key).pipe(attend, register, key=key).pipe(score), states, (CLOSED,)
        )
    del closed
    for wave in dict.fromkeys(part.wave for part in goes_on):
        sheets = link(*(part for part in goes_on if part.wave == wave), key=key).pipe(score)
        sheets = replace(sheets, wave=wave, linkage=sheets.linkage.iloc[:0])
        sheets = _of_those_asked(sheets, states, (OPEN,))
        yield sheets.count_only(sheets.still_in, step="close", reason=OPEN_WAVE)


def _by_state(part: Sheets, states: Phases) -> tuple[list[Sheets], list[Sheets]]:
    """Return the questionnaires of one file of a wave of which the wave is closed, and the others.

    Of cohorts one may be closed and another open. The account goes with those that are closed, and
    so do questionnaires of no cohort.
    """
    place, cohort_of = (part.population.name, part.wave), part.study.cohort_of
    if not cohort_of:
        return ([part], []) if states[place] == CLOSED else ([], [part])
    closed = {cohort for cohort in part.study.cohorts if states.get((*place, cohort)) == CLOSED}
    goes_on, gone = (
        frame[names.SCHOOL].map(cohort_of).fillna("").isin([*closed, ""]).eq(False)
        for frame in (part.frame, part.declined)
    )
    if not closed:
        return [], [part]
    if not (goes_on.any() or gone.any()):
        return [part], []
    done = replace(
        part, frame=part.frame[~goes_on], apart=part.apart[~goes_on], declined=part.declined[~gone]
    )
    others = replace(
        part, frame=part.frame[goes_on], apart=part.apart[goes_on], declined=part.declined[gone],
        ledger=part.ledger.iloc[:0], values=part.values.iloc[:0], n_sheets=0, remarks=(),
    )  # fmt: skip
    return [done], [others]


def _of_those_asked(sheets: Sheets, states: Phases, wanted: Collection[str]) -> Sheets:
    """Return sheets that count who answered only at schools whose cohort's wave is in a state.

    Of a cohort of which one wave is closed nobody can say who could be found again.
    """
    cohort_of, table, name = sheets.study.cohort_of, sheets.response, sheets.population.name
    if not cohort_of or table.empty:
        return sheets
    cohorts = table[names.SCHOOL].map(cohort_of)
    places = zip(table[names.WAVE], cohorts, strict=True)
    table = table[[states.get((name, *place)) in wanted for place in places]]
    closed = pd.Series([each[2] for each, its in states.items() if each[0] == name
                        and its == CLOSED], dtype=object).value_counts()  # fmt: skip
    alone = table[names.SCHOOL].map(cohort_of).map(closed).fillna(0).lt(2)
    found = table[["n_linkable", "n_linked"]].mask(alone)
    return replace(sheets, response=table.assign(**found).reset_index(drop=True))


def _states(
    study: Study, states: Phases, by_hand: Collection[tuple[str, ...]], days: pd.DataFrame
) -> pd.DataFrame:
    """Return ``schema.WAVES``: each wave's state, and of open ones the newest answer's day."""
    newest = days.groupby([names.POPULATION, names.WAVE, names.REGION])["day"].max().to_dict()
    cohorts = study.schools[names.SCHOOL].map(study.cohort_of)
    there = {*zip(cohorts, study.schools[names.REGION], strict=True)}
    rows = []
    for place, state in states.items():
        of_wave, cohort = place[:2], place[2:]
        for region in study.regions[names.REGION]:
            if not study.cohorts or (*cohort, region) in there:
                day = newest.get((*of_wave, region), "") if state == OPEN else ""
                rows.append((*of_wave, region, state, place in by_hand, day, *cohort))
    own = [names.COHORT] if study.cohorts else []
    return pd.DataFrame(rows, columns=[*schema.WAVES, *own])


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
        for (population, wave, *cohort), its in states.items():
            dates = study.wave_dates(population, *cohort)
            end = dates[wave].end if wave in dates else None
            until = f" (until {end})" if end else ""
            of = "".join(f", cohort {each}" for each in cohort)
            found += [f"{wave} of {population}{of}{until}"] if its == state else []
        if found:
            todo = f"{todo}, or: loftet run {study.name} --close" if todo else ""
            yield Problem(what, ", ".join(found), where=study.name, todo=todo)


def _no_sheet(study: Study, states: Phases, clean: Mapping[str, pd.DataFrame]) -> Iterator[Problem]:
    """Say of which cohorts there is no questionnaire, although the wave is over."""
    lacking = [
        f"{wave} of {population}, cohort {cohort[0]}"
        for (population, wave, *cohort), state in states.items()
        if cohort and state == CLOSED
        for people in [clean[population]]
        if not (people[names.WAVE].eq(wave) & people[names.COHORT].eq(cohort[0])).any()
    ]
    if lacking:
        todo = "is their export there, and do the windows fit it?"
        found = "; ".join(lacking)
        yield Problem("cohorts without a questionnaire", found, where=study.name, todo=todo)


def _told(parts: Sequence[Sheets]) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Problem, ...]]:
    """Return ledger, values and remarks of the waves of a population, as far as they came."""
    ledger = together(pd.DataFrame(columns=schema.LEDGER), *(part.ledger for part in parts))
    values = together(pd.DataFrame(columns=VALUES), *(part.values for part in parts))
    return ledger, values, tuple(remark for part in parts for remark in part.remarks)


def _with_account(problems: list[Problem], told: Mapping[str, tuple]) -> InputError:
    """Return the error of the problems; its note is the account of the questionnaires so far."""
    ledgers, values, remarks = zip(*told.values(), strict=True)
    error = InputError(once_each(problems))
    said = once_each(chain.from_iterable(remarks))
    error.add_note(account(together(*ledgers), together(*values), said))
    return error


def _cleaned(
    study: Study,
    population: str,
    states: dict[tuple[str, ...], str],
    at_most: dict[tuple[str, ...], str],
    problems: list[Problem],
    tell: Callable[[str], None],
) -> list[Sheets]:
    """Return the cleaned sheets of each wave's files that are there; the exports are let go of.

    `at_most` are the states of the cohorts that are furthest. An open wave without a row in the
    files that it shares with others is set to be still to come, in both.
    """
    opened: dict[tuple[str, ...], Export] = {}  # a file may serve several waves
    people, parts = study.populations[population], []
    entries = [
        (wave, place, file)
        for wave, files in people.files.items()
        for place, file in enumerate(files)
        if at_most[population, wave] in (CLOSED, OPEN)
        and (
            (at_most[population, wave] == CLOSED and not study.cohorts)
            or file in exports_there(study, people, wave)
        )
    ]
    without_row: dict[str, InputError] = {}
    for n, (wave, place, _) in enumerate(entries, start=1):
        with _collecting(problems):
            try:
                sheets = read(study, population, wave, place, opened=opened, progress=tell)
            except NoRowYetError as error:
                if at_most[population, wave] != OPEN and not people.files[wave][place].by_dates:
                    raise
                without_row[wave] = error
            else:
                parts.append(sheets.pipe(quarantine).pipe(clean))
                problems += parts[-1].problems
        for done in opened.keys() - {file.files for *_, file in entries[n:]}:
            problems += _too_early(study, people, at_most, done, opened.pop(done))
    for wave in without_row.keys() - {part.wave for part in parts}:
        if at_most[population, wave] == CLOSED:
            problems += without_row[wave].problems
            continue
        for at in [(population, wave), *((population, wave, each) for each in study.cohorts)]:
            for of in (states, at_most):
                of |= {at: TO_COME} if at in of else {}
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
                begins = min(study.spans(people.name, wave), default=(None,))[0]
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
    """Return the sheets that are in, and those that were set aside, which have no attendance.

    Those that are in have their school's cohort, where the register has cohorts.
    """
    still_in, register = sheets.still_in, sheets.population.attendance
    kept = sheets.frame[still_in].drop(columns=REASON)
    if sheets.study.cohorts:
        cohort = kept[names.SCHOOL].map(sheets.study.cohort_of).astype("str")
        kept.insert(list(kept).index(names.SCHOOL) + 1, names.COHORT, cohort)
    attended = [*register.columns] if register else []
    aside = sheets.frame[~still_in].drop(columns=attended, errors="ignore")
    return kept.reset_index(drop=True), aside.reset_index(drop=True)


def _check_nothing_lost(population: str, n_sheets: int, n: int, ledger: pd.DataFrame) -> None:
    told = sheet_counts(ledger[ledger[names.POPULATION] == population])
    counted = told["counted_only"]
    if not n_sheets == told["sheets"] == n + counted:
        kept = f"{n} clean or set aside and {counted} counted only"
        raise RuntimeError(f"{population}: {n_sheets} questionnaires in, but {kept}")
