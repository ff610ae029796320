"""The whole way from exports to clean data, in memory: every sheet accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import pandas as pd

from loftet_analysis import schema
from loftet_analysis.cleaning.account import account
from loftet_analysis.cleaning.chain import attend, clean, link, quarantine, read, score
from loftet_analysis.cleaning.codes import bare_beside_labels
from loftet_analysis.cleaning.directions import directions
from loftet_analysis.cleaning.headings import unused_columns
from loftet_analysis.cleaning.lists import rows_of_nobody, without_sheets
from loftet_analysis.cleaning.pseudonyms import load_key
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.registers import open_register
from loftet_analysis.cleaning.sheets import REASON, VALUES, Sheets, sheet_counts, together
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Study, missing_exports


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
        With everything that is wrong with any of the exports; its note is the account of the
        sheets as far as they came.
    """
    tell = progress or (lambda text: None)
    problems = missing_exports(study)
    waves: dict[str, list[Sheets]] = {}  # by population, a part per file of a wave
    registers: dict[str, Export | None] = {}
    for name, population in study.populations.items():
        tell(f"read {name}")
        with _collecting(problems):
            registers[name] = open_register(study, population)
        waves[name] = _cleaned(study, name, problems, tell)
    everything = [part for parts in waves.values() for part in parts]
    problems += without_sheets(study, everything)
    doubtful, unsure = bare_beside_labels([each for part in everything for each in part.codings])
    problems += doubtful
    nobody = rows_of_nobody(study, everything)
    remarks = dict.fromkeys([*study.remarks, *unsure, *nobody, *unused_columns(everything)])
    del everything
    told = {name: _told(parts) for name, parts in waves.items()}
    if problems:
        raise _with_account(problems, told)

    key = load_key(study) if key is None else key
    cleaned, aside, said = {}, {}, {}
    tables = {table: [] for table in ("values", "ledger", "linkage", "response")}
    for name in study.populations:
        tell(f"link {name}")
        with _collecting(problems):
            sheets = link(*waves.pop(name), key=key).pipe(attend, registers[name], key=key)
            sheets = sheets.pipe(score)
            _check_nothing_lost(sheets)
            cleaned[name], aside[name] = _split(sheets)
            said[name] = sheets.remarks
            for table, parts in tables.items():
                parts.append(getattr(sheets, table))
            del sheets  # the largest thing in memory
    if problems:
        raise _with_account(problems, told)

    tell("settle")
    instruments = {name: population.instrument for name, population in study.populations.items()}
    with ThreadPoolExecutor() as pool:
        units = pool.submit(study_units, cleaned, instruments)
        mask = pool.submit(decide, study, cleaned)
        found = {
            name: pool.submit(directions, frame, study.populations[name])
            for name, frame in cleaned.items()
        }
    for name, own in said.items():
        remarks |= dict.fromkeys((*own, *found[name].result()))
    return Prepared(
        clean=cleaned,
        set_aside=aside,
        units=units.result(),
        mask=mask.result(),
        remarks=tuple(remarks),
        **{table: pd.concat(parts, ignore_index=True) for table, parts in tables.items()},
    )


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
    study: Study, population: str, problems: list[Problem], tell: Callable[[str], None]
) -> list[Sheets]:
    """Return the cleaned sheets of each wave's files; the exports are let go of."""
    opened: dict[tuple[str, ...], Export] = {}  # a file may serve several waves
    by_wave, parts = study.populations[population].files.items(), []
    entries = [(w, place, file) for w, files in by_wave for place, file in enumerate(files)]
    for n, (wave, place, _) in enumerate(entries, start=1):
        with _collecting(problems):
            sheets = read(study, population, wave, place, opened=opened, progress=tell)
            parts.append(sheets.pipe(quarantine).pipe(clean))
            problems += parts[-1].problems
        for done in opened.keys() - {file.files for *_, file in entries[n:]}:
            del opened[done]
    return parts


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
    aside = sheets.frame[~still_in].drop(columns=list(register.columns) if register else [])
    return kept.reset_index(drop=True), aside.reset_index(drop=True)


def _check_nothing_lost(sheets: Sheets) -> None:
    told, n = sheet_counts(sheets.ledger), len(sheets.frame)
    if not sheets.n_sheets == told["sheets"] == n + told["counted_only"]:
        raise RuntimeError(
            f"{sheets.population.name}: {sheets.n_sheets} sheets in, but {n} clean or set aside "
            f"and {told['counted_only']} counted only"
        )
