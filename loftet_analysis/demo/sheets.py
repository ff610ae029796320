"""The questionnaires of a region: who answered what and when, with the dirt of real forms."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import pandas as pd

from loftet_analysis.demo.people import (
    YEARS,
    draw_leaders,
    draw_moves,
    draw_pupils,
    draw_teachers,
    stream,
)
from loftet_analysis.demo.regions import Region, following, preceding
from loftet_analysis.demo.traits import (
    PLANTED,
    SchoolEffects,
    as_worded,
    draw_answers,
    draw_school_effects,
    draw_support,
    draw_traits,
    thresholds,
)
from loftet_analysis.names import PARTICIPANT, POST, PRE
from loftet_analysis.study import Instrument, load_instrument
from loftet_analysis.study.instrument import INSTRUMENTS

ASKED = {"pupils": (PRE, POST), "teachers": (PRE, POST), "leaders": (POST,)}
# the Mondays on which the forms opened; all sheets come in within six weeks
OPENED = {PRE: "2025-09-15", POST: f"{2025 + YEARS}-09-13"}

WRONG_ELEMENT = 0.065  # drawn anew, so now and then right after all
NO_ID = 0.02
DUPLICATES = 0.015
EMPTY = 0.005
NO_CONSENT = 0.008

# what pupils are asked for in their code: two letters of a parent's first name, day of birth,
# number of older siblings, one letter each of place of birth, own first name and own surname
_PARENT = "ANINMAKALISIMOHEEVTOBEGRRAELUNTRSOASKRHAJOMESTWEBJGUJAVIRISA"
_LETTERS = np.array(list("ABDEFGHIJKLMNORSTUVØ"))
_ELEMENTS = 6


@cache
def instrument_of(population: str) -> Instrument:
    """Return the shipped instrument of a population."""
    return load_instrument(INSTRUMENTS[population])


def region_sheets(region: Region, seed: int) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the clean questionnaires of a region, before anything goes wrong with them.

    Returns
    -------
    dict of DataFrame
        By population and wave. One row per questionnaire: ``school`` (place in the region's list),
        ``id`` (pupils' code, teachers' staff number, "" for leaders), ``grade``, ``boy`` or
        ``participant`` where the population has them, ``submitted``, and the items as worded
        (float, NaN where left out or not asked).
    """
    sheets = {}
    for population in INSTRUMENTS:
        people = region_people(region, seed, population)
        waves = _answer_waves(people, population, region, region, seed)
        if population != "leaders":
            leaving = _moved_sheets(region, seed)[population]
            coming = _moved_sheets(preceding(region), seed)[population]
            waves[PRE] = pd.concat([waves[PRE], leaving[PRE]], ignore_index=True)
            waves[POST] = pd.concat([waves[POST], coming[POST]], ignore_index=True)
        for wave in ASKED[population]:
            rng = stream(seed, region.slug, "times", population, wave)
            sheets[population, wave] = _with_times(waves[wave], wave, rng)
    return sheets


def region_people(region: Region, seed: int, population: str) -> pd.DataFrame:
    """Return the people of a region who do not move to another, with their ids.

    ``id_pre`` and ``id_post`` differ where a pupil got one element of the code wrong.
    """
    rng = stream(seed, region.slug, "people", population)
    ids = stream(seed, region.slug, "ids", population)
    if population == "pupils":
        return _with_codes(draw_pupils(region, rng), ids)
    if population == "teachers":
        return _with_staff_numbers(draw_teachers(region, rng), region, ids)
    return draw_leaders(region, rng).assign(id_pre="", id_post="")


@lru_cache(maxsize=32)
def _moved_sheets(origin: Region, seed: int) -> dict[str, dict[str, pd.DataFrame]]:
    """Return the questionnaires of those who move from ``origin`` to the region after it."""
    rng = stream(seed, origin.slug, "moves")
    moves = draw_moves(origin, rng)
    people = {
        "pupils": _with_codes(moves["pupils"], rng),
        "teachers": _with_staff_numbers(moves["teachers"], origin, rng, first=9000),
    }
    return {
        population: _answer_waves(moved, population, origin, following(origin), seed)
        for population, moved in people.items()
    }


def _school_effects(region: Region, seed: int, population: str, outcome: str) -> SchoolEffects:
    support = draw_support(region, stream(seed, region.slug, "support"))
    rng = stream(seed, region.slug, "schools", population, outcome)
    return draw_school_effects(region, population, outcome, support, rng)


def _answer_waves(
    people: pd.DataFrame, population: str, before: Region, after: Region, seed: int
) -> dict[str, pd.DataFrame]:
    """Let people answer in the waves in which they do, at ``before`` and then ``after``."""
    instrument = instrument_of(population)
    pair = [] if before is after else [after.slug]
    rng = stream(seed, before.slug, "general", population, *pair)
    general = rng.standard_normal(len(people))
    items: dict[str, dict[str, np.ndarray]] = {PRE: {}, POST: {}}
    for outcome, scale in instrument.scales.items():
        responses = instrument.responses[scale.responses]
        process = thresholds(scale, responses, PLANTED[population][outcome].mean)
        rng = stream(seed, before.slug, "answers", population, outcome, *pair)
        traits = draw_traits(
            people,
            population,
            outcome,
            general,
            _school_effects(before, seed, population, outcome),
            _school_effects(after, seed, population, outcome),
            rng,
        )
        for wave in (wave for wave in scale.waves if wave in items):
            own = stream(seed, before.slug, "answers", population, outcome, wave, *pair)
            answers = draw_answers(traits[wave], process, own)
            if scale.roles == (PARTICIPANT,) and population == "teachers":
                answers[:, ~people["participant"].to_numpy()] = np.nan
            worded = as_worded(answers, list(scale.items.values()), responses)
            items[wave] |= dict(zip(scale.items, worded, strict=True))
    return {wave: _sheet(people, wave, answered) for wave, answered in items.items()}


def _sheet(people: pd.DataFrame, wave: str, items: dict[str, np.ndarray]) -> pd.DataFrame:
    sheet = pd.DataFrame({"school": people[f"school_{wave}"], "id": people[f"id_{wave}"]})
    if "boy" in people:
        sheet["grade"], sheet["boy"] = people[f"grade_{wave}"], people["boy"]
    if "participant" in people:
        sheet["participant"] = people["participant"]
    sheet = pd.concat([sheet, pd.DataFrame(items, index=people.index)], axis=1)
    return sheet[people[f"answers_{wave}"]].reset_index(drop=True)


def _with_codes(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give pupils their code in each wave."""
    n = len(people)
    codes = _code_elements(n, rng)
    again = codes.copy()
    wrong = np.flatnonzero(rng.random(n) < WRONG_ELEMENT)
    other, which = _code_elements(len(wrong), rng), rng.integers(_ELEMENTS, size=len(wrong))
    again[wrong, which] = other[np.arange(len(wrong)), which]
    return people.assign(id_pre=codes.sum(axis=1), id_post=again.sum(axis=1))


def _code_elements(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the six elements of n codes, letters by frequencies that fall like names' do."""
    falling = 1 / (3 + np.arange(len(_LETTERS)))
    letters = [
        rng.choice(rng.permutation(_LETTERS), n, p=falling / falling.sum()) for _ in range(3)
    ]
    days = rng.choice([f"{day:02}" for day in range(1, 32)], n)
    siblings = rng.choice(list("01234"), n, p=[0.42, 0.34, 0.16, 0.06, 0.02])
    parents = [_PARENT[i : i + 2] for i in range(0, len(_PARENT), 2)]
    columns = [rng.choice(parents, n), days, siblings, *letters]
    return np.array(columns, dtype=object).T.reshape(n, _ELEMENTS)


def _with_staff_numbers(
    people: pd.DataFrame, region: Region, rng: np.random.Generator, *, first: int = 1000
) -> pd.DataFrame:
    """Give teachers an invented staff number: the county's number and four digits."""
    numbers = first + rng.permutation(len(people))
    ids = np.array([f"{region.county}-{number}" for number in numbers], dtype=object)
    return people.assign(id_pre=ids, id_post=ids)


def _with_times(sheet: pd.DataFrame, wave: str, rng: np.random.Generator) -> pd.DataFrame:
    """Say when each sheet came in: a school's pupils on one day, stragglers a week later."""
    n, n_schools = len(sheet), int(sheet["school"].max()) + 1
    week, weekday = rng.integers(5, size=n_schools), rng.integers(5, size=n_schools)
    day = (7 * week + weekday)[sheet["school"]] + 7 * (rng.random(n) < 0.1)
    minute = 8 * 60 + 20 + rng.integers(0, 30, n)
    if "grade" in sheet:
        minute = minute + 45 * (sheet["grade"].to_numpy() - 5)
    else:
        minute = minute + rng.integers(0, 11 * 60, n)
    seconds = (day * 1440 + minute) * 60 + rng.integers(0, 60, n)
    submitted = pd.Timestamp(OPENED[wave]) + pd.to_timedelta(seconds, unit="s")
    return sheet.assign(submitted=submitted).sort_values(
        "submitted", kind="stable", ignore_index=True
    )


def with_dirt(sheet: pd.DataFrame, items: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Return the questionnaires as they really come in.

    Some were sent twice (the earlier one often unfinished), some are empty, some lack the code or
    staff number, and some people say no to taking part but answer all the same: never for a
    reason that has to do with the answers.

    Returns
    -------
    DataFrame
        With ``consent`` (bool); more rows than before, in the order in which they came in.
    """
    n, answers = len(sheet), sheet[items].to_numpy(copy=True)
    sheet = sheet.drop(columns=items).assign(
        consent=rng.random(n) >= NO_CONSENT, id=sheet["id"].where(rng.random(n) >= NO_ID, "")
    )
    coded = np.flatnonzero(sheet["id"] != "")
    twice = np.sort(rng.permutation(coded)[: round(DUPLICATES * len(coded))])
    before = pd.to_timedelta(rng.integers(90, 900, len(twice)), unit="s")
    earlier = sheet.iloc[twice].assign(submitted=sheet["submitted"].iloc[twice] - before)
    stops = np.where(rng.random(len(twice)) < 0.6, rng.integers(3, len(items), len(twice)), 999)
    unfinished = np.where(np.arange(len(items)) < stops[:, None], answers[twice], np.nan)
    answers[rng.random(n) < EMPTY] = np.nan
    everything = pd.concat([sheet, earlier], ignore_index=True)
    filled_in = pd.DataFrame(np.vstack([answers, unfinished]), columns=items)
    everything = pd.concat([everything, filled_in], axis=1)
    return everything.sort_values("submitted", kind="stable", ignore_index=True)
