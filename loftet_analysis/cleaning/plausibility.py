"""Clean answers that look as if a column, a wave or a group had been mixed up.

Nothing is corrected: what is said is a question to whoever knows the exports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.account import others_not_shown, tellable_texts
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
    remarks: list[Problem] = []
    for wave, frame in waves.items():
        lost = values[values[names.POPULATION].eq(population.name) & values[names.WAVE].eq(wave)]
        asked = _asked(frame, population, wave, lost.groupby("column")["n"].sum())
        for check, (what, to_do) in _OF_ONE_WAVE.items():
            if found := [*check(asked)]:
                where = f"{population.name}, {wave}"
                remarks.append(Problem(f"warning: {what}", named(found, _SHOWN), "", where, to_do))
    for before, after in pairwise(waves):
        remarks += _of_two_waves(clean, population, before, after)
    return remarks


class _Asked(NamedTuple):
    """The items of a scale that a wave asked, of the people who were asked."""

    name: str  # of the scale
    middle: float  # of its response set
    answers: pd.DataFrame  # a column per item
    blanked: pd.Series  # cells that were set to missing, per item
    schools: pd.Series  # of the people

    @property
    def n(self) -> pd.Series:
        """Answers per item."""
        return self.answers.notna().sum()


def _asked(frame: pd.DataFrame, population: Population, wave: str, lost: pd.Series) -> list[_Asked]:
    found = []
    for scale in population.instrument.scales.values():
        people = frame
        if scale.roles and names.ROLE in frame:
            people = frame[frame[names.ROLE].isin(scale.roles)]
        items = [item for item in scale.items if item in frame and scale.asks(item, wave)]
        if items and len(people) >= _FEWEST:
            ends = population.instrument.response_set(scale.name)
            found.append(
                _Asked(
                    scale.name,
                    (ends.minimum + ends.maximum) / 2,
                    people[items].astype(float),
                    lost.reindex(items).fillna(0),
                    people[names.SCHOOL],
                )
            )
    return found


def _silent(asked: list[_Asked]) -> Iterator[str]:
    for scale in asked:
        given = scale.n + scale.blanked
        yield from (f"{item} (0 of {len(scale.answers)})" for item in given.index[given.eq(0)])


def _blank(asked: list[_Asked]) -> Iterator[str]:
    for scale in asked:
        given = (scale.n + scale.blanked) / len(scale.answers)
        share = (1 - given).clip(lower=0)[scale.n > 0]
        usual = share.median()
        for item, part in share[share > usual + _MORE_BLANK].items():
            yield f"{item} ({part:.0%} blank, the others of {scale.name} {usual:.0%})"


def _alike(asked: list[_Asked]) -> Iterator[str]:
    for scale in asked:
        for item, answers in scale.answers.items():
            if answers.count() >= FEWEST_PEOPLE and answers.nunique() == 1:
                yield f"{item} ({answers.count()} answers, all {answers.max():g})"


def _copied(asked: list[_Asked]) -> Iterator[str]:
    same: dict[bytes, list[str]] = defaultdict(list)  # items, also of other scales
    for scale in asked:
        for item, answers in scale.answers.items():
            if answers.count() >= FEWEST_PEOPLE and answers.nunique() > 1:
                about = answers - scale.middle
                turn = np.sign(about[about.ne(0) & about.notna()].iloc[0])  # it may be turned
                same[(about * turn + 0.0).fillna(np.inf).to_numpy().tobytes()].append(str(item))
    yield from (" = ".join(items) for items in same.values() if len(items) > 1)


def _silent_schools(asked: list[_Asked]) -> Iterator[str]:
    for scale in asked:
        people = scale.answers.notna().any(axis=1).groupby(scale.schools).agg(["size", "sum"])
        silent = people[people["sum"].eq(0) & people["size"].ge(_FEWEST)]
        if len(silent) and people["sum"].sum():
            yield f"{scale.name} ({named([*silent.index.astype(str)], _SHOWN)})"


#: Checks of the items of one wave, what they find, and what to do.
_OF_ONE_WAVE: dict[Callable[[list[_Asked]], Iterator[str]], tuple[str, str]] = {
    _silent: (
        "questions that nobody has answered",
        "is the column the right one? was it asked? else write `waves` of the item",
    ),
    _blank: (
        "questions left blank far more often than the others of their scale",
        "has the export answers in a wrong column from some row on?",
    ),
    _alike: ("questions that everybody answers alike", "is the column the right one?"),
    _copied: ("questions whose answers are the same throughout", "was a column copied?"),
    _silent_schools: (
        "scales that nobody of a school has answered",
        "did the school get another form, or are its answers in other columns?",
    ),
}


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
    same, judged = _same_answers(first[items], second[items])
    if judged >= _FEWEST and same > _SAME * judged:
        yield Problem(
            "warning: people who give the same answers to everything in two waves",
            f"{same} of {judged} who were found again",
            "hardly anybody",
            where,
            "does the export of one wave hold the answers of the other?",
        )
    if names.ROLE in clean and len(first) >= _FEWEST:
        other, told = _other_roles(first[names.ROLE], second[names.ROLE])
        if other > _OTHER_ROLE * told:
            yield Problem(
                "warning: people who have another role in another wave",
                f"{other} of {told} who were found again",
                f"few; up to {_OTHER_ROLE:.0%} are not told",
                where,
                "do the texts of the role mean the same in both exports? see `values: role`",
            )
    free = set(population.columns) - {names.SCHOOL, names.GRADE, names.ROLE, names.SUBMITTED}
    for column in [column for column in population.columns if column in free & set(clean)]:
        if found := _no_text_shared(*(clean[column].iloc[own] for own in rows)):
            one, two = found
            yield Problem(
                f"warning: texts of {column} that two waves do not share",
                f"{before}: {one}; {after}: {two}",
                "the same texts for the same things",
                where,
                f"say under `values: {column}:` in study.yml what each text means",
            )


def _same_answers(first: pd.DataFrame, second: pd.DataFrame) -> tuple[int, int]:
    """Return how many people answer all alike in two waves, and of how many it can be said."""
    one, two = (answers.to_numpy(dtype=float) for answers in (first, second))
    both = np.isfinite(one) & np.isfinite(two)
    judged = both.sum(axis=1) >= _FEWEST_ITEMS
    same = judged & ((one == two) | ~both).all(axis=1)
    return int(same.sum()), int(judged.sum())


def _other_roles(first: pd.Series, second: pd.Series) -> tuple[int, int]:
    """Return how many people have another role in the second wave, and of how many it is known."""
    one, two = (roles.to_numpy(dtype=object) for roles in (first, second))
    told = pd.notna(one) & pd.notna(two)
    return int((told & (one != two)).sum()), int(told.sum())


def _no_text_shared(first: pd.Series, second: pd.Series) -> list[str]:
    """Return the texts of two waves with their counts, where none is in both and they are few."""
    texts = [each.dropna().astype(str) for each in (first, second)]
    counts = [each[each.ne("")].value_counts().sort_index() for each in texts]
    if (
        min(each.sum() for each in counts) < _FEWEST
        or counts[0].index.isin(counts[1].index).any()
        or max(len(each) for each in counts) > _MOST_TEXTS
    ):
        return []
    told = []
    for each in counts:
        shown, hidden = tellable_texts(each)
        parts = [f"“{text}” ({n})" for text, n in shown.items()]
        told.append(", ".join(parts + ([others_not_shown(hidden)] if len(hidden) else [])))
    return told
