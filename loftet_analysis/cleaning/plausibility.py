"""Clean answers that look as if a column, a wave or a group had been mixed up.

Nothing is corrected: what is said is a question to whoever knows the exports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.directions import FEWEST_PEOPLE, same_people
from loftet_analysis.errors import Problem, named
from loftet_analysis.study import Population

_FEWEST = 20  # people of a wave, of a school, or met in two waves
_MORE_BLANK = 0.2  # share of blanks above that of the other items of the scale
_SAME = 0.5  # of people met twice: the share that may give the same answers to everything
_FEWEST_ITEMS = 5  # to which the same answers may be by chance
_OTHER_ROLE = 0.2  # of people met twice
_MOST_TEXTS = 10  # of a background column whose texts may be told
_SHOWN = 5


def plausibility(
    clean: pd.DataFrame, population: Population, values: pd.DataFrame
) -> list[Problem]:
    """Return a remark for what looks as if columns, waves or groups had been mixed up.

    Items that nobody answered in a wave in which they are asked, that are left blank far more often
    than the others of their scale, that everybody answers alike, or that hold the same answers as
    another item; scales that nobody of a school answered; people who give the same answers to all
    items in two waves, or change their role; background columns of which two waves share no text.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of a population.
    population : Population
    values : DataFrame
        Cells that were set to missing (``VALUES``): they are not blank.

    Returns
    -------
    list of Problem
        Of fewer than 20 people nothing is said, of items that all answer alike of fewer than 50.

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> pupils = load_study("sats").populations["pupils"]
    >>> answers = dict.fromkeys(pupils.instrument.items, [1.0, 2, 3, 4] * 5)
    >>> clean = pd.DataFrame({"wave": "pre", "school_id": "1", **answers, "effort_2": np.nan})
    >>> none = pd.DataFrame(columns=["population", "wave", "column", "reason", "n"])
    >>> print(plausibility(clean, pupils, none)[0])
    warning: questions that nobody has answered
        where:   pupils, pre
        found:   effort_2 (0 of 20)
        to do:   is the column the right one? was it asked? else write `waves` of the item
    """
    waves = {wave: clean[clean[names.WAVE].eq(wave)] for wave in population.files}
    waves = {wave: frame for wave, frame in waves.items() if len(frame) >= _FEWEST}
    found: list[Problem] = []
    for wave, frame in waves.items():
        lost = values[values[names.POPULATION].eq(population.name) & values[names.WAVE].eq(wave)]
        found += _of_items(frame, population, wave, lost.groupby("column")["n"].sum())
    for before, after in pairwise(waves):
        found += _of_two_waves(clean, population, before, after)
    return found


def _of_items(
    frame: pd.DataFrame, population: Population, wave: str, lost: pd.Series
) -> Iterator[Problem]:
    """Say of items of one wave what is blank, alike or twice the same."""
    where, silent, blank, alike, schools = f"{population.name}, {wave}", [], [], [], []
    same: dict[bytes, list[str]] = defaultdict(list)
    for scale in population.instrument.scales.values():
        asked = frame
        if scale.roles and names.ROLE in frame:
            asked = frame[frame[names.ROLE].isin(scale.roles)]
        items = [item for item in scale.items if item in frame and scale.asks(item, wave)]
        if len(asked) < _FEWEST or not items:
            continue
        answers = asked[items].astype(float)
        n = answers.notna().sum()
        taken = lost.reindex(items).fillna(0)
        silent += [f"{item} (0 of {len(asked)})" for item in items if not n[item] + taken[item]]
        share = (1 - (n + taken) / len(asked)).clip(lower=0)[n > 0]
        usual = share.median()
        blank += [
            f"{item} ({part:.0%} blank, the others of {scale.name} {usual:.0%})"
            for item, part in share.items()
            if len(share) > 1 and part > usual + _MORE_BLANK
        ]
        for item in answers.columns[n >= FEWEST_PEOPLE]:
            if answers[item].nunique() == 1:
                alike.append(f"{item} ({n[item]} answers, all {answers[item].max():g})")
            else:
                ends = population.instrument.response_set(scale.name)
                about = answers[item] - (ends.minimum + ends.maximum) / 2
                turn = np.sign(about[about.ne(0) & about.notna()].iloc[0])
                same[(about * turn + 0.0).fillna(np.inf).to_numpy().tobytes()].append(item)
        by_school = answers.notna().any(axis=1).groupby(asked[names.SCHOOL]).agg(["size", "sum"])
        empty = by_school[by_school["sum"].eq(0) & by_school["size"].ge(_FEWEST)]
        if len(empty) and by_school["sum"].sum():
            schools.append(f"{scale.name} ({named([*empty.index.astype(str)], _SHOWN)})")
    twice = [" = ".join(group) for group in same.values() if len(group) > 1]
    told = {
        "questions that nobody has answered": (
            silent,
            "is the column the right one? was it asked? else write `waves` of the item",
        ),
        "questions left blank far more often than the others of their scale": (
            blank,
            "has the export answers in a wrong column from some row on?",
        ),
        "questions that everybody answers alike": (alike, "is the column the right one?"),
        "questions whose answers are the same throughout": (twice, "was a column copied?"),
        "scales that nobody of a school has answered": (
            schools,
            "did the school get another form, or are its answers in other columns?",
        ),
    }
    for what, (found, todo) in told.items():
        if found:
            yield Problem(f"warning: {what}", named(found, _SHOWN), "", where, todo)


def _of_two_waves(
    clean: pd.DataFrame, population: Population, before: str, after: str
) -> Iterator[Problem]:
    """Say of two waves what is the same or other though it should not be."""
    where = f"{population.name}, {before} and {after}"
    wave = clean[names.WAVE].to_numpy(dtype=object, na_value="")
    rows = [np.flatnonzero(wave == each) for each in (before, after)]
    first, second = (clean.iloc[own] for own in same_people(clean, *rows))
    items = [
        item
        for item, (scale, _) in population.instrument.items.items()
        if item in clean and scale.asks(item, before) and scale.asks(item, after)
    ]
    one, two = (each[items].to_numpy(dtype=float) for each in (first, second))
    both = np.isfinite(one) & np.isfinite(two)
    judged = both.sum(axis=1) >= _FEWEST_ITEMS
    same = judged & ((one == two) | ~both).all(axis=1)
    if judged.sum() >= _FEWEST and same.sum() > _SAME * judged.sum():
        yield Problem(
            "warning: people who give the same answers to everything in two waves",
            f"{same.sum()} of {judged.sum()} who were found again",
            "hardly anybody",
            where,
            "does the export of one wave hold the answers of the other?",
        )
    if names.ROLE in clean and len(first) >= _FEWEST:
        roles = first[names.ROLE].to_numpy(dtype=object), second[names.ROLE].to_numpy(dtype=object)
        told = pd.notna(roles[0]) & pd.notna(roles[1])
        other = told & (roles[0] != roles[1])
        if other.sum() > _OTHER_ROLE * told.sum():
            yield Problem(
                "warning: people who have another role in another wave",
                f"{other.sum()} of {told.sum()} who were found again",
                f"few; up to {_OTHER_ROLE:.0%} are not told",
                where,
                "do the texts of the role mean the same in both exports? see `values: role`",
            )
    for column in population.columns:
        if (
            column in (names.SCHOOL, names.GRADE, names.ROLE, names.SUBMITTED)
            or column not in clean
        ):
            continue
        texts = [clean[column].iloc[own].dropna().astype(str) for own in rows]
        counts = [each[each.ne("")].value_counts().sort_index() for each in texts]
        if (
            min(each.sum() for each in counts) < _FEWEST
            or counts[0].index.isin(counts[1].index).any()
        ):
            continue
        if max(len(each) for each in counts) <= _MOST_TEXTS:
            found = "; ".join(
                f"{when}: {', '.join(f'“{text}” ({n})' for text, n in each.items())}"
                for when, each in zip((before, after), counts, strict=True)
            )
            yield Problem(
                f"warning: texts of {column} that two waves do not share",
                found,
                "the same texts for the same things",
                where,
                f"say under `values: {column}:` in study.yml what each text means",
            )
