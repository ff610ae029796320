"""The sheets of one person: pseudonyms from ids or codes, and who can be found again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pandas as pd

from loftet_analysis import names
from loftet_analysis.data.readers import Export
from loftet_analysis.data.score import number
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.privacy.pseudonyms import pseudonym
from loftet_analysis.study import Attendance, Link, Study, normalise_label
from loftet_analysis.study.study import LINK
from loftet_analysis.study.yamlfile import did_you_mean

SHORTEST_CODE = 4  # signs; what is shorter tells too few people apart
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
        cohort = frame[names.GRADE].astype("Float64").astype(float) - wave.map(years).astype(float)
        spread = cohort.groupby(person).agg(["min", "max"])
        torn = spread.index[spread["min"] < spread["max"]]
        state = state.mask(person.isin(torn) & state.eq("not_found"), "grade_mismatch")
        unfindable = _unfindable(cohort, wave)
    kept = person.mask(state.isin(["ambiguous", "grade_mismatch"]))
    waves_of = wave.groupby(kept).nunique()
    linked = kept.isin(waves_of.index[waves_of > 1])
    state = state.mask(unfindable & ~linked, "structurally_impossible")
    state = state.mask(linked, names.LINKED)
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
    """Read a register of attendance under pseudonyms; faults name rows, never ids.

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
    headings = {name: by_heading.get(normalise_label(wanted[name])) for name in wanted}
    problems = [
        Problem(
            "column not found",
            found=", ".join(export.frame.columns),
            allowed=wanted[name],
            where=export.name,
            todo=did_you_mean(wanted[name], by_heading) or "correct `attendance` in study.yml",
        )
        for name, heading in headings.items()
        if heading is None
    ]
    if problems:
        raise InputError(problems)
    text = pd.DataFrame({name: export.frame[heading] for name, heading in headings.items()})
    ids = text[names.PERSON].map(_normal)
    odd = {"id that is blank or stands twice": ids.eq("") | ids.duplicated(keep=False)}
    counts = text[list(attendance.columns)].map(lambda t: number(t) if t.strip() else float("nan"))
    for name in counts:
        odd[f"{name} is not a number"] = counts[name].isna() & text[name].str.strip().ne("")
    problems = [
        Problem(
            what,
            found="rows " + ", ".join(str(row + 2) for row in text.index[rows][:5]),
            allowed="each id once" if "id" in what.split() else "0 or more, or blank",
            where=export.name,
        )
        for what, rows in odd.items()
        if rows.any()
    ]
    if problems:
        raise InputError(problems)
    persons = [pseudonym(key, population, "id", text) for text in ids]
    return counts.astype(float).assign(**{names.PERSON: persons})[list(wanted)]
