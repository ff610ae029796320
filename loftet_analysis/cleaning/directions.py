"""Answers that seem to run the wrong way, to be shifted, or to be of other people.

People are taken for independent, which they are not within schools: so an interval of 99.9 per cent
has to lie below zero before anything is said, and what is said is a question, not a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, permutations

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import Problem
from loftet_analysis.study import Population, Scale

FEWEST_PEOPLE = 50
FEWEST_ANSWERS = 100  # of a wave, to all items of a response set
_COMMON = 1e-6  # the chance that nobody of a wave chooses an end that people of another do
_BEYOND = 3.29  # standard errors of Fisher's z: 99.9 per cent
_MIRRORED = 0.25  # of the distance between two waves that is left when one is turned
_FAR = 1.0  # standard deviations between two waves
UNLIKE = 0.2  # agreement of what stays the same for a person; it is 0 for pairs by chance
_FEWEST_FOUND = 20  # people found again whose schools are compared
_UNRELATED = 0.3  # correlation of a scale with itself in another wave


def directions(clean: pd.DataFrame, population: Population) -> list[Problem]:
    """Return a remark for what looks as if it ran the wrong way.

    Items that clearly correlate negatively with the rest of their scale; scales whose score and
    items correlate negatively between two waves of the same people; where hardly anybody is
    linked, scales whose answers in one wave are the mirror image of those in the wave before;
    an end of a response set that so many people of one wave give that hardly by chance (one in a
    million) nobody of the next does; and
    people found again whose school, gender or answers agree no better than those of pairs by
    chance (:func:`agreement` below 0.2; every correlation of a scale with itself below 0.3), or
    most of whom are at another school though their own has answers of the grade that they are in.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of a population: `wave`, `person_id`, items (reversed already) and scales.
    population : Population

    Returns
    -------
    list of Problem
        Nothing is said of fewer than 50 people; of an end, of fewer than 100 answers; of schools,
        of fewer than 20 people.

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> pupils = load_study("sats").populations["pupils"]
    >>> up = np.tile([1.0, 2, 3, 4, 5, 6], 10)
    >>> items = dict.fromkeys(pupils.instrument.scales["effort"].items, up)
    >>> clean = pd.DataFrame({"wave": "pre", "person_id": None, **items, "effort_2": 7 - up})
    >>> print(directions(clean, pupils)[0])
    warning: items that go against the rest of their scale
        where:   pupils, pre
        found:   effort_2 of effort (r = -1.00, 60 people)
        allowed: answers that go together once the reversed items are turned
        to do:   is one of them reversed? see `reversed` in the instrument, and its codes
    """
    wave = clean[names.WAVE].to_numpy(dtype=object, na_value="")
    rows = {name: np.flatnonzero(wave == name) for name in population.files}
    rows = {name: found for name, found in rows.items() if len(found)}
    remarks = []

    def say(found: Iterable[str], waves: str, what: str, allowed: str, todo: str) -> None:
        if told := ", ".join(found):
            where = f"{population.name}, {waves}"
            remarks.append(Problem(what, told, allowed, where, todo))

    fits = {name: _with_the_rest(clean, own, population, name) for name, own in rows.items()}
    for name, items in fits.items():
        against = [item for item, (r, n, _) in items.items() if _below_zero(r, n)]
        elsewhere = {
            item: [other for other in fits if _above_zero(*fits[other].get(item, (0, 0, ""))[:2])]
            for item in against
        }
        what = "warning: items that go against the rest of their scale"
        allowed = "answers that go together once the reversed items are turned"
        for others in dict.fromkeys(map(tuple, elsewhere.values())):
            todo = "is one of them reversed? see `reversed` in the instrument, and its codes"
            if others:
                todo = f"in {' and '.join(others)} they go with the rest: look at the export of "
                todo += f"{name} (columns that changed places, other codes); turn no item for it"
            found = [
                f"{item} of {items[item][2]} (r = {items[item][0]:.2f}, {items[item][1]} people)"
                for item in against
                if tuple(elsewhere[item]) == others
            ]
            say(found, name, what, allowed, todo)
    for (before, one), (after, other) in pairwise(rows.items()):
        scales = [scale for scale in _asked(population, before) if after in scale.waves]
        both, pairs = f"{before} and {after}", same_people(clean, one, other)
        what = "warning: scales that run the other way in another wave"
        allowed = "answers of both waves that run alike"
        todo = "look whether the codes of both exports have the same meaning"
        say(_turned(clean, one, other, pairs, scales, population), both, what, allowed, todo)
        what = "warning: an end answer that nobody gives in another wave"
        allowed = "answers of both waves to the same items from the same codes"
        todo = "are its codes shifted? compare the exports, or export the labels of the answers"
        say(_ends_gone(clean, {before: one, after: other}, population), both, what, allowed, todo)
        what = "warning: people found again do not look like the same people"
        allowed = "the same person under the same id or code in both waves"
        todo = "does the column of `link` number the rows of each export? see `link` in study.yml"
        say(_strangers(clean, *pairs, scales), both, what, allowed, todo)
        what = "warning: people found again at another school, though their own has answers"
        allowed = "a few who moved"
        todo = "do the names or numbers of schools mean the same in both exports?"
        say(_at_other_schools(clean, *pairs, other), both, what, allowed, todo)
    return remarks


def agreement(before: pd.Series, after: pd.Series) -> float:
    """Return how well two namings of the same people agree, corrected for chance.

    Parameters
    ----------
    before, after : Series
        A name (a school, a gender) per person in each of two waves, in the same order; pairs with
        a missing one are left out.

    Returns
    -------
    float
        ``(A - C) / (1 - C)``: A is the share of pairs of people alike before that are alike
        after, C that of all pairs of people. It is 1 where all of one name before have one name
        after, another one perhaps (a school that feeds into one school), and 0 in expectation
        where people are put together by chance. It is NaN where C or A cannot be computed, or C
        is above 0.9.

    Examples
    --------
    >>> agreement(pd.Series(list("aabb")), pd.Series(list("ccdd")))
    1.0
    """
    told = before.notna().to_numpy() & after.notna().to_numpy()
    counts = pd.crosstab(before.to_numpy()[told], after.to_numpy()[told]).to_numpy()

    def pairs(n: np.ndarray) -> float:
        return float(np.sum(n * (n - 1.0)))

    if not pairs(counts.sum(axis=1)):
        return np.nan
    by_chance = pairs(counts.sum(axis=0)) / pairs(counts.sum())
    if by_chance > 0.9:
        return np.nan
    return (pairs(counts) / pairs(counts.sum(axis=1)) - by_chance) / (1 - by_chance)


def _strangers(
    clean: pd.DataFrame, first: np.ndarray, second: np.ndarray, scales: Sequence[Scale]
) -> Iterator[str]:
    """Say what of the people found again agrees no better than by chance."""
    if len(first) < FEWEST_PEOPLE:
        return
    for column in (names.SCHOOL, names.GENDER):
        if column in clean:
            told = clean[column].astype(object)
            share = agreement(told.iloc[first], told.iloc[second])
            if share < UNLIKE:
                yield f"{column} (agreement {share:.2f} of {len(first)} people, by chance 0)"
    found = [
        _correlation(*(_answers(clean, scale.name, rows) for rows in (first, second)))
        for scale in scales
    ]
    r = np.array([(each, n) for each, n in found if n >= FEWEST_PEOPLE and not np.isnan(each)])
    if not len(r):
        return
    highest = max(_highest(*each) for each in r)
    if 0 <= highest < _UNRELATED:  # below zero they are turned, which is told of the scales
        least, most = r[:, 0].min(), r[:, 0].max()
        yield f"answers (r from {least:.2f} to {most:.2f} of each scale with itself)"


def _at_other_schools(
    clean: pd.DataFrame, first: np.ndarray, second: np.ndarray, after: np.ndarray
) -> Iterator[str]:
    """Say how many have another school, though their own has answers of the grade they are in."""
    by = [names.SCHOOL, *([names.GRADE] if names.GRADE in clean else [])]
    places = clean[by].astype(object)
    then, now = places.iloc[first], places.iloc[second]
    stayed = now.assign(**{names.SCHOOL: then[names.SCHOOL].to_numpy()})
    there = pd.MultiIndex.from_frame(places.iloc[after])
    could = pd.MultiIndex.from_frame(stayed).isin(there)
    other = could & (then[names.SCHOOL].to_numpy() != now[names.SCHOOL].to_numpy())
    n, of = int(other.sum()), int(could.sum())
    if of >= _FEWEST_FOUND and n > of / 2:
        yield f"{n} of {of} people"


def _ends_gone(
    clean: pd.DataFrame, rows: dict[str, np.ndarray], population: Population
) -> Iterator[str]:
    """Say which ends of response sets are common in one of two waves, and absent in the other."""
    instrument = population.instrument
    for name, responses in instrument.responses.items():
        low, high = responses.minimum, responses.maximum
        counts = dict.fromkeys(rows, 0)
        people = {wave: np.zeros((len(places), 2), dtype=bool) for wave, places in rows.items()}
        for item, (scale, own) in instrument.items.items():
            asked = all(scale.asks(item, wave) for wave in rows)
            if scale.responses != name or item not in clean or not asked:
                continue
            for wave, places in rows.items():
                y = _answers(clean, item, places)
                ends = np.column_stack([y == low, y == high])
                people[wave] |= ends[:, ::-1] if own.reversed else ends
                counts[wave] += int(np.count_nonzero(np.isfinite(y)))
        if min(counts.values()) < FEWEST_ANSWERS:
            continue
        for here, there in permutations(rows, 2):
            for place, end in enumerate((low, high)):
                share = people[here][:, place].mean()
                by_chance = (1 - share) ** len(people[there])
                if by_chance < _COMMON and not people[there][:, place].any():
                    yield f"{end} of {name} ({share:.0%} of people in {here}, nobody in {there})"


def _asked(population: Population, wave: str) -> list[Scale]:
    return [scale for scale in population.instrument.scales.values() if wave in scale.waves]


def _answers(clean: pd.DataFrame, column: str, rows: np.ndarray) -> np.ndarray:
    return clean[column].to_numpy(dtype=float)[rows]


def _with_the_rest(
    clean: pd.DataFrame, rows: np.ndarray, population: Population, wave: str
) -> dict[str, tuple[float, int, str]]:
    """Return each item's correlation with the sum of the others, of how many, and its scale."""
    found: dict[str, tuple[float, int, str]] = {}
    for scale in _asked(population, wave):
        y = {item: _answers(clean, item, rows) for item in scale.items if item in clean}
        y = {item: answers for item, answers in y.items() if np.isfinite(answers).any()}
        if len(y) < 2:
            continue
        complete = np.logical_and.reduce([np.isfinite(answers) for answers in y.values()])
        n = int(np.count_nonzero(complete))
        if n < FEWEST_PEOPLE:
            continue
        c = np.cov([answers[complete] for answers in y.values()])
        own, with_all = np.diag(c), c.sum(axis=1)
        rest = c.sum() - 2 * with_all + own
        varied = (own > 0) & (rest > 0)
        r = (with_all - own) / np.sqrt(np.where(varied, own * rest, np.inf))
        found |= {item: (each, n, scale.name) for item, each in zip(y, r, strict=True)}
    return found


def _below_zero(r: float, n: int) -> bool:
    return n >= FEWEST_PEOPLE and r < 0 and _highest(r, n) < 0


def _above_zero(r: float, n: int) -> bool:
    return _below_zero(-r, n)


def _turned(
    clean: pd.DataFrame,
    one: np.ndarray,
    other: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    scales: Sequence[Scale],
    population: Population,
) -> list[str]:
    if len(pairs[0]) < FEWEST_PEOPLE:
        waves = (clean, one, other)
        return [text for scale in scales for text in _mirrored(*waves, scale, population)]
    found = []
    for scale in scales:
        columns = [scale.name, *(item for item in scale.items if item in clean)]
        r = [_correlation(*(_answers(clean, c, rows) for rows in pairs)) for c in columns]
        r = [r[0], *(each for each in r[1:] if not np.isnan(each[0]))]
        clear = [_below_zero(*each) for each in r]
        if all(each < 0 for each, _ in r) and (clear[0] or all(clear[1:])):
            of = f", as of each of its {len(r) - 1} items" if len(r) > 2 else ""
            found.append(f"{scale.name} (r = {r[0][0]:.2f} of {r[0][1]} people{of})")
    return found


def same_people(
    clean: pd.DataFrame, one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the same people in two waves, in the same order."""
    person = pd.factorize(clean[names.PERSON])[0]  # -1 where there is none
    place = np.full(person.max(initial=0) + 2, -1)
    place[person[other]] = other  # of somebody with several sheets, the last
    place[-1] = -1
    second = place[person[one]]
    return one[second >= 0], second[second >= 0]


def highest_correlations(
    clean: pd.DataFrame, columns: Iterable[str], before: str, after: str
) -> dict[str, float]:
    """Return the 99.9% upper ends of the correlations of the same people's answers in two waves.

    Missing of fewer than 50 people. Below zero the two waves run opposite ways.
    """
    wave = clean[names.WAVE].to_numpy(dtype=object, na_value="")
    rows = same_people(clean, *(np.flatnonzero(wave == each) for each in (before, after)))
    found = {c: _correlation(*(_answers(clean, c, own) for own in rows)) for c in columns}
    return {c: _highest(r, n) if n >= FEWEST_PEOPLE else np.nan for c, (r, n) in found.items()}


def _highest(r: float, n: int) -> float:
    """Return the 99.9% upper end of a correlation of so many people."""
    return float(np.tanh(np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)) + _BEYOND / np.sqrt(n - 3)))


def _correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 2 or not np.ptp(x) or not np.ptp(y):
        return np.nan, len(x)
    return float(np.corrcoef(x, y)[0, 1]), len(x)


def _mirrored(
    clean: pd.DataFrame, one: np.ndarray, other: np.ndarray, scale: Scale, population: Population
) -> Iterator[str]:
    """Say of a scale whose items are all far from the wave before, and near it once turned."""
    items = [item for item in scale.items if item in clean]
    if len(items) < 2 or min(len(one), len(other)) < FEWEST_PEOPLE:
        return
    ends = population.instrument.response_set(scale.name)
    first, second = clean[items].astype(float).iloc[one], clean[items].astype(float).iloc[other]
    before, after = first.mean(), second.mean()
    apart = (after - before).abs()
    turned = (ends.minimum + ends.maximum - after - before).abs()
    far = apart > _FAR * first.std(ddof=1)
    if (far & (turned < _MIRRORED * apart)).all():
        yield f"{scale.name} (every item is the mirror image of itself)"
