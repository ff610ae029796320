"""The sheets of one person: pseudonyms from ids or codes, and who can be found again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pandas as pd

from loftet_analysis import names
from loftet_analysis.data.columns import nearest
from loftet_analysis.data.readers import Export
from loftet_analysis.data.score import number
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.privacy.pseudonyms import pseudonym
from loftet_analysis.study import Attendance, Link, Study
from loftet_analysis.study.instrument import normalise_label
from loftet_analysis.study.study import LINK

SHORTEST_CODE = 4  # signs; what is shorter tells too few people apart
COHORT = "<cohort>"
LINKED = "linked"
LINKAGE = ("population", "region", "wave", "state", "n")


def years_since_start(study: Study) -> dict[str, int]:
    """Return the school years from the first wave to each; a school year begins on 1 August."""
    years = {
        name: wave.start.year - (wave.start.month < 8) if wave.start else 0
        for name, wave in study.waves.items()
    }
    return {name: year - next(iter(years.values())) for name, year in years.items()}


def assign_persons(
    frame: pd.DataFrame, *, link: Link, key: bytes, population: str, years: int = 0
) -> pd.DataFrame:
    """Put a pseudonym in the place of the id or code.

    Parameters
    ----------
    frame : DataFrame
        Sheets of one wave with ``region``, ``link`` as text where the study has one, and
        ``grade`` where the population has one.
    link : Link
        By id: the same id is the same person everywhere. By code: within a region and a cohort
        (``grade`` minus ``years``), so that only grades that can follow each other meet.
    key : bytes
        The study's key.
    population : str
        Ids of two populations are two people.
    years : int
        School years from the first wave to this one.

    Returns
    -------
    DataFrame
        ``person_id`` in place of ``link``, missing where the cell is blank, a code has fewer
        than four signs, or its grade is not known.
    """
    if link.by == "none":
        return frame.assign(**{names.PERSON: pd.Series(pd.NA, index=frame.index, dtype="str")})
    codes = frame[LINK].map({text: _normal(text) for text in frame[LINK].unique()})
    usable = codes.str.len() >= (SHORTEST_CODE if link.by == "code" else 1)
    block = pd.Series("", index=frame.index, dtype="str")
    if link.by == "code":
        block = frame[names.REGION] + "\x1f"
        if names.GRADE in frame:
            usable &= frame[names.GRADE].notna()
            block = block + (frame[names.GRADE] - years).astype("str").fillna("") + "\x1f"
    whole = (block + codes).where(usable)
    persons = {text: pseudonym(key, population, link.by, text) for text in whole.dropna().unique()}
    return frame.drop(columns=LINK).assign(**{names.PERSON: whole.map(persons).astype("str")})


def _normal(code: str) -> str:
    return unicodedata.normalize("NFC", code.strip().casefold())


def link_waves(
    frame: pd.DataFrame, *, years: Mapping[str, int], population: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the pseudonyms that stand for one person beyond doubt, and say why others are unlinked.

    Parameters
    ----------
    frame : DataFrame
        The sheets of all waves with ``person_id``, ``wave``, ``region`` and, where there is
        one, ``grade``.
    years : mapping of str to int
        School years from the first wave, by wave.
    population : str
        For the summary.

    Returns
    -------
    frame : DataFrame
        The same sheets; ``person_id`` is missing where it stood on two sheets of one wave
        (*ambiguous*), or on grades that cannot follow each other (*grade_mismatch*).
    linkage : DataFrame
        ``population, region, wave, state, n``: *linked* (to any other wave),
        *structurally_impossible* (no other wave has the cohort's grade), *no_code* (nothing to
        link by), *ambiguous*, *grade_mismatch*, *not_found*.
    """
    person, wave = frame[names.PERSON], frame[names.WAVE]
    state = pd.Series("not_found", index=frame.index, dtype="str").mask(person.isna(), "no_code")
    twice = frame[person.notna() & frame.duplicated([names.PERSON, names.WAVE], keep=False)]
    state = state.mask(person.isin(twice[names.PERSON]), "ambiguous")
    unfindable = pd.Series(False, index=frame.index)
    if names.GRADE in frame:
        cohort = (frame[names.GRADE] - wave.map(years)).astype("Float64").astype(float)
        spread = cohort.groupby(person).agg(["min", "max"])
        torn = spread.index[spread["min"] < spread["max"]]
        state = state.mask(person.isin(torn) & state.eq("not_found"), "grade_mismatch")
        unfindable = _unfindable(cohort, wave)
    kept = person.mask(state.isin(["ambiguous", "grade_mismatch"]))
    waves_of = wave.groupby(kept).nunique()
    linked = kept.isin(waves_of.index[waves_of > 1])
    state = state.mask(unfindable & ~linked, "structurally_impossible").mask(linked, LINKED)
    keys = [frame[names.REGION], wave, state.rename("state")]
    linkage = frame.groupby(keys, sort=True).size().rename("n").reset_index()
    linkage.insert(0, names.POPULATION, population)
    return frame.assign(**{names.PERSON: kept}), linkage[list(LINKAGE)]


def _unfindable(cohort: pd.Series, wave: pd.Series) -> pd.Series:
    """Whether the cohort of a sheet lies outside the cohorts of every other wave."""
    spans = cohort.groupby(wave).agg(["min", "max"])
    unfindable = cohort.notna() & (len(spans) > 1)
    for name, (low, high) in spans.iterrows():
        unfindable &= wave.eq(name) | ~cohort.between(low, high)
    return unfindable


def read_attendance(
    export: Export, *, attendance: Attendance, key: bytes, population: str
) -> pd.DataFrame:
    """Read a register of attendance under pseudonyms.

    Returns
    -------
    DataFrame
        One row per person: ``person_id`` and the counts that the study names, as float.

    Raises
    ------
    InputError
        For a column that is not there, an id that stands twice or not at all, and counts that
        are not numbers.
    """
    by_heading = {normalise_label(column): column for column in export.frame.columns}
    wanted = {names.PERSON: attendance.id, **attendance.columns}
    absent = [column for column in wanted.values() if normalise_label(column) not in by_heading]
    if absent:
        raise InputError(
            Problem(
                "column not found",
                found=f"no heading {column}",
                allowed=", ".join(export.frame.columns),
                where=export.name,
                todo=f"is it “{nearest(column, by_heading)}”? Correct `attendance` in study.yml",
            )
            for column in absent
        )
    register = pd.DataFrame(
        {name: export.frame[by_heading[normalise_label(c)]] for name, c in wanted.items()}
    )
    ids = register[names.PERSON].map(_normal)
    odd = ids.eq("") | ids.duplicated(keep=False)
    problems = []
    if odd.any():
        found = ", ".join(sorted(set(register.loc[odd, names.PERSON]))[:5])
        problems.append(
            Problem("id that is blank or stands twice", found, "each id once", export.name)
        )
    for name in attendance.columns:
        counts = register[name].map(lambda text: number(text) if text.strip() else float("nan"))
        if counts.isna().sum() > register[name].str.strip().eq("").sum():
            found = register.loc[counts.isna() & register[name].str.strip().ne(""), name].iloc[0]
            problems.append(Problem(f"{name} is not a number", found, "0 or more", export.name))
        register[name] = counts.astype(float)
    if problems:
        raise InputError(problems)
    persons = [pseudonym(key, population, "id", text) for text in ids]
    return register.assign(**{names.PERSON: persons})
