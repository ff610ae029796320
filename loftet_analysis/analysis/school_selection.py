"""Which schools to visit for interviews: four strategies, over criteria that all schools have.

Every strategy makes lists of schools without looking at their consent: who stands where depends on
criteria and seed alone. A list has a number of places, and they go to the first of its schools that
may be contacted. So a consent that is given or taken back moves places in the school's own list,
and in no other.

References
----------
Patton 2015, Qualitative Research & Evaluation Methods, 4th ed., module 40 (maximum variation,
typical and extreme cases). Gower 1971, Biometrics 27(4), 857–871, doi:10.2307/2528823 (the
distance). Gonzalez 1985, Theoretical Computer Science 38, 293–306 (profiles far from each other).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from loftet_analysis import names
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.shrinkage import FEWEST, shrink
from loftet_analysis.study.schools import COMPARISON, CONTACT, NO, YES

MAXIMUM_VARIATION, TYPICAL, EXTREME, PAIRED = names.STRATEGIES
SCHOOL_TYPE, PRACTICE, SUPPORT = "school_type", "practice", "support"
GROUPS, MEASURES = (names.REGION, SCHOOL_TYPE), (PRACTICE, SUPPORT)
CHOSEN, SUBSTITUTE, PASSED_OVER, EMPTY = "chosen", "substitute", "passed_over", "empty"
#: Why a school stands where it does, or a place is empty.
FIRST, NEXT, OTHER_PROFILE, REFUSED, NOT_ASKED, PARTNER, NOBODY, NO_SCHOOL = (
    "first", "next", "other_profile", "contact_no", "contact_unknown", "partner", "nobody",
    "no_school",
)  # fmt: skip
COLUMNS = ("strategy", "part", "place", names.SCHOOL, "state", "reason", "alike", "unlike")
HIGH, LOW, ALL = "high", "low", "all"
_NEAR = 1 / 3  # of all ranks: measures closer than that count as alike


def priority(seed: int, school: str) -> int:
    """Return the place of a school in a random order that depends on nothing but seed and id.

    Examples
    --------
    >>> priority(1, "0301") == priority(1, "0301"), priority(1, "0301") == priority(2, "0301")
    (True, False)
    """
    return int.from_bytes(hashlib.sha256(f"{seed}:{school}".encode()).digest()[:8])


def school_type(grades: str) -> str:
    """Return the kind of a school by its first and last grade; empty where they are not known.

    Examples
    --------
    >>> [school_type(grades) for grades in ("1-7", "8-10", "1-10", "")]
    ['primary', 'lower_secondary', 'combined', '']
    """
    if not grades:
        return ""
    first, last = int(grades.split("-")[0]), int(grades.split("-")[-1])
    return "primary" if last <= 7 else "lower_secondary" if first >= 8 else "combined"


def school_criteria(
    register: pd.DataFrame,
    practice: pd.DataFrame | None = None,
    support: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the schools of the programme with what they are selected by.

    Parameters
    ----------
    register : DataFrame
        The study's schools: `school_id, school, region, grades, role, contact`.
    practice, support : DataFrame, optional
        From :func:`~loftet_analysis.analysis.school_effects.school_effects` (of one outcome) or
        :func:`school_levels`: `school_id`, `shrunk` and `n_pairs`, or `n`. Shrunken values, since
        the highest and lowest of the schools' own are mostly those of few people.

    Returns
    -------
    DataFrame
        `school_id, school, region, school_type, practice, support, contact`, and how many people
        the measures rest on: `n_practice`, `n_support` (0 where there is no value).
    """
    schools = register.loc[register["role"] != COMPARISON].reset_index(drop=True)
    found = schools[[names.SCHOOL, "school", names.REGION]].assign(
        school_type=schools["grades"].map(school_type).astype(str)
    )
    for measure, rows in ((PRACTICE, practice), (SUPPORT, support)):
        values = pd.DataFrame(columns=["shrunk", "n"], dtype=float)
        if rows is not None:
            n = rows["n_pairs"] if "n_pairs" in rows else rows["n"]
            values = rows.assign(n=n).set_index(names.SCHOOL)[["shrunk", "n"]]
        values = values.reindex(found[names.SCHOOL]).astype(float)
        there = values["shrunk"].notna()
        found[measure] = values["shrunk"].to_numpy()
        found[f"n_{measure}"] = values["n"].where(there, 0).fillna(0).astype(int).to_numpy()
    return found.assign(contact=schools[CONTACT])


def school_levels(clean: pd.DataFrame, outcome: str, wave: str) -> pd.DataFrame:
    """Return each school's mean of a wave, drawn towards the mean of all schools.

    As ``shrunk`` of :func:`~loftet_analysis.analysis.school_effects.school_effects`: a mean of n
    people has the variance s²/n, with the variance s² within all schools.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id` and the outcome.
    outcome, wave : str

    Returns
    -------
    DataFrame
        `school_id`, `n` (people), `mean` and `shrunk` (scale points), in the order of the ids.
        Where fewer than 3 schools answered, or nobody of a school differs, `shrunk` is the mean.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": "post", "school_id": list("aabbcc"),
    ...                       "felt_support": [1, 2, 3, 4, 4, 5]})
    >>> school_levels(clean, "felt_support", "post").round(2)
      school_id  n  mean  shrunk
    0         a  2   1.5    1.60
    1         b  2   3.5    3.48
    2         c  2   4.5    4.42
    """
    given = clean[(clean[names.WAVE] == wave).fillna(False)].dropna(subset=[outcome])
    answers = given[outcome].astype(float).groupby(given[names.SCHOOL].astype(str))
    found = pd.DataFrame({"n": answers.size(), "mean": answers.mean()})
    squares = (answers.var() * (found["n"] - 1)).sum()
    within = squares / max((found["n"] - 1).sum(), 1)
    shrunk = found["mean"]
    if len(found) >= FEWEST and within > 0:
        shrunk = shrink(found["mean"], within / found["n"])["shrunk"].to_numpy()
    return found.assign(shrunk=shrunk).rename_axis(names.SCHOOL).reset_index()


def select_schools(
    schools: pd.DataFrame, places: Mapping[str, int], *, seed: int, substitutes: int = 2
) -> pd.DataFrame:
    """Return which schools to visit, and who takes the place of a school that cannot be visited.

    The strategies are alternatives: a school may stand in several. Measures count by their ranks
    over all schools.

    - ``maximum_variation``: as many profiles as places, each as far as can be from those before it
      (Gower's distance over region, type and measures; the first is drawn by the seed). A school
      belongs to the nearest profile; each profile has one place, for the school next to it.
    - ``typical``: places by type of school, in proportion; schools nearest to the middle of their
      type in the measures.
    - ``extreme``: half of the places for the highest `practice`, half for the lowest.
    - ``paired``: schools of the upper third of `practice`, each with one school of the lower third,
      so that the pairs are as alike as can be in region, type and `support` (assignment problem);
      the most alike pairs first. Both schools must be open to contact.

    Parameters
    ----------
    schools : DataFrame
        A row per school: `school_id`; `region`, `school_type` (text); `practice`, `support`
        (numbers, higher is more; a column that is wholly missing is no criterion); `contact`
        (``yes``, ``no``, or empty where nobody has asked). Schools that lack a criterion are in no
        list.
    places : mapping of str to int
        How many schools each strategy is to find; even for ``paired``.
    seed : int
    substitutes : int, default 2
        How many each list of schools names beyond its places (``paired``: pairs).

    Returns
    -------
    DataFrame
        Strategy by strategy, `part` (the profile's number, type of school, end, or pair) by
        `part`, in the order of the list: `place` (from 1 within the strategy; 0 for others),
        `school_id`, `state` (``chosen``, ``substitute``, ``passed_over``; ``empty`` for a place
        that nobody fills, with an empty id), `reason` (``first`` or ``next`` of the list,
        ``other_profile``: near, but it belongs to another profile; ``contact_no``,
        ``contact_unknown``, ``partner``: that one may not be contacted; of an empty place
        ``nobody``: none of the list that is left may be contacted, or ``no_school``: none has
        what the strategy needs), and the criteria in which it is `alike` and `unlike` the first
        school of its list, or its partner (measures: less or more than a third of all ranks).

    Examples
    --------
    >>> schools = pd.DataFrame({"school_id": list("abcdef"), "region": list("ooonnn"),
    ...     "school_type": "combined", "practice": [0.1, 0.5, 0.9, 0.2, 0.4, 0.8],
    ...     "support": [2, 3, 4, 2, 3, 4], "contact": ["yes", "yes", "no", "yes", "yes", "yes"]})
    >>> found = select_schools(schools, {"extreme": 2}, seed=1, substitutes=1)
    >>> found[["part", "place", "school_id", "state", "reason"]]
       part  place school_id        state      reason
    0  high      0         c  passed_over  contact_no
    1  high      1         f       chosen        next
    2  high      0         b   substitute        next
    3   low      2         a       chosen       first
    4   low      0         d   substitute        next
    """
    field, rows = _field(schools, seed), []
    for strategy in names.STRATEGIES:
        lists = list(_LISTS[strategy](field, n)) if (n := places.get(strategy, 0)) else []
        size = 2 if strategy == PAIRED else 1
        filled = [list(_filled(field, units, n, substitutes, size)) for _, units, n in lists]
        if strategy == MAXIMUM_VARIATION:
            taken = {row[names.SCHOOL] for found in filled for row in found if row["place"]}
            for (_, units, _), found in zip(lists, filled, strict=True):
                missing = substitutes - sum(row["state"] == SUBSTITUTE for row in found)
                found += islice(_of_other_profiles(field, units, taken), max(missing, 0))
        numbers = count(1)
        for (part, _, _), found in zip(lists, filled, strict=True):
            for row in found:
                own = part or f"{row['unit'] + 1:02}"
                place = next(numbers) if row["place"] else 0
                rows.append({**row, "strategy": strategy, "part": own, "place": place})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def without_criteria(schools: pd.DataFrame) -> pd.Series:
    """Return whether each school lacks a criterion, and so can be in no list (bool, its index)."""
    used = _criteria(schools)
    lacks = [schools[c].isna() | schools[c].astype(str).eq("") for c in used]
    return pd.concat(lacks, axis=1).any(axis=1) if lacks else pd.Series(False, schools.index)


def _criteria(schools: pd.DataFrame) -> list[str]:
    there = [c for c in (*GROUPS, *MEASURES) if c in schools]
    return [c for c in there if (schools[c].notna() & schools[c].astype(str).ne("")).any()]


@dataclass(frozen=True)
class _Field:
    """The schools that can be selected, in the order of their priority.

    Attributes
    ----------
    school, contact : array of shape (n,)
    groups : dict of str to array of shape (n,)
        Codes of the groups of each grouping criterion.
    ranks : dict of str to array of shape (n,)
        Ranks of each measure, 0 to 1.
    kind : array of shape (n,)
        The types of schools.
    """

    school: np.ndarray
    contact: np.ndarray
    groups: dict[str, np.ndarray]
    ranks: dict[str, Floats]
    kind: np.ndarray

    def apart(self, criterion: str, one: int) -> Floats:
        """Return how far all are from one in a criterion, 0 to 1."""
        if criterion in self.groups:
            codes = self.groups[criterion]
            return (codes != codes[one]).astype(float)
        return np.abs(self.ranks[criterion] - self.ranks[criterion][one])

    def distance(self, one: int, but: Sequence[str] = ()) -> Floats:
        """Return Gower's distance of all from one, without some criteria."""
        used = [c for c in (*self.groups, *self.ranks) if c not in but]
        parts = [self.apart(criterion, one) for criterion in used]
        return np.mean(parts, axis=0) if parts else np.zeros(len(self.school))

    def compared(self, one: int, other: int) -> dict[str, str]:
        """Say in which criteria two are alike, and in which they are not."""
        near = {
            criterion: self.apart(criterion, other)[one] < _NEAR
            for criterion in (*self.groups, *self.ranks)
        }
        return {
            "alike": ", ".join(c for c, is_near in near.items() if is_near),
            "unlike": ", ".join(c for c, is_near in near.items() if not is_near),
        }


def _field(schools: pd.DataFrame, seed: int) -> _Field:
    used = _criteria(schools)
    there = schools[~without_criteria(schools)]
    order = there[names.SCHOOL].map(lambda school: priority(seed, school))
    there = there.loc[order.sort_values(kind="stable").index]
    n = max(len(there) - 1, 1)
    return _Field(
        there[names.SCHOOL].to_numpy(object),
        there[CONTACT].to_numpy(object),
        {c: pd.factorize(there[c])[0] for c in GROUPS if c in used},
        {c: ((there[c].rank() - 1) / n).to_numpy(float) for c in MEASURES if c in used},
        there[SCHOOL_TYPE].to_numpy(object) if SCHOOL_TYPE in used else np.repeat("", len(there)),
    )


#: A list: its name, its units in order (a school, or the two of a pair), and how many places.
_List = tuple[str, list[tuple[int, ...]], int]


def _profiles(field: _Field, n: int) -> Iterator[_List]:
    """Give a list per profile: schools nearer to it than to any other, the nearest first."""
    size = min(n, len(field.school))
    profiles = [0][:size]  # the first by priority, so by the seed
    away = [field.distance(profile) for profile in profiles]
    while len(profiles) < size:
        nearest, total = np.min(away, axis=0).round(9), np.sum(away, axis=0).round(9)
        nearest[profiles] = -1
        # the furthest from its nearest; of several the furthest from all of them
        profiles.append(int(np.lexsort((-total, -nearest))[0]))
        away.append(field.distance(profiles[-1]))
    apart = np.array(away).reshape(size, -1)
    apart[np.arange(size), profiles] = -1  # also where another school is just like it
    belongs = apart.argmin(axis=0) if size else np.zeros(0)
    for number in range(n):
        own = np.flatnonzero(belongs == number)
        order = own[np.argsort(apart[number][own], kind="stable")] if len(own) else own
        yield f"{number + 1:02}", [(int(each),) for each in order], 1


def _typical(field: _Field, n: int) -> Iterator[_List]:
    """Give a list per type of school: those nearest to the middle of their type first."""
    kinds, counts = np.unique(field.kind.astype(str), return_counts=True)
    if not field.ranks or not len(kinds):
        yield "", [], n
        return
    exact = n * counts / counts.sum()
    share = np.floor(exact).astype(int)
    share[np.argsort(-(exact - share), kind="stable")[: n - share.sum()]] += 1
    for kind, places in zip(kinds, share.tolist(), strict=True):
        own = np.flatnonzero(field.kind == kind)
        away = [np.abs(ranks[own] - np.median(ranks[own])) for ranks in field.ranks.values()]
        order = own[np.argsort(np.mean(away, axis=0), kind="stable")]
        if places:
            yield kind or ALL, [(int(each),) for each in order], places


def _extreme(field: _Field, n: int) -> Iterator[_List]:
    """Give the schools from the highest practice downwards, and from the lowest upwards."""
    ranks = field.ranks.get(PRACTICE, np.zeros(0))
    half = len(ranks) // 2
    for part, by, size, places in (
        (HIGH, -ranks, len(ranks) - half, n - n // 2),
        (LOW, ranks, half, n // 2),
    ):
        order = np.argsort(by, kind="stable")[:size]
        if places:
            yield part, [(int(each),) for each in order], places


def _pairs(field: _Field, n: int) -> Iterator[_List]:
    """Give pairs of schools alike in all but practice, the most alike first, as one list."""
    ranks = field.ranks.get(PRACTICE, np.zeros(0))
    order = np.argsort(-ranks, kind="stable")
    third = len(order) // 3
    high, low = order[:third], order[len(order) - third :]
    cost = np.array([field.distance(each, [PRACTICE])[low] for each in high]).reshape(third, third)
    one, other = linear_sum_assignment(cost)
    contrast = ranks[high[one]] - ranks[low[other]]
    best = np.lexsort((-contrast.round(9), cost[one, other].round(9)))
    pairs: list[tuple[int, ...]] = [(int(high[one[each]]), int(low[other[each]])) for each in best]
    yield "", pairs, n // 2


_LISTS = {MAXIMUM_VARIATION: _profiles, TYPICAL: _typical, EXTREME: _extreme, PAIRED: _pairs}


def _filled(
    field: _Field, units: list[tuple[int, ...]], n: int, substitutes: int, size: int
) -> Iterator[dict[str, Any]]:
    """Give the rows of a list: its places, who was passed over for them, and substitutes."""
    chosen = further = 0
    for number, unit in enumerate(units):
        state = CHOSEN if chosen < n else SUBSTITUTE
        if state == SUBSTITUTE and further == substitutes:
            break
        reason = FIRST if state == CHOSEN and number < n else NEXT
        if any(field.contact[each] != YES for each in unit):
            if state == SUBSTITUTE:
                continue
            state = PASSED_OVER
        chosen, further = chosen + (state == CHOSEN), further + (state == SUBSTITUTE)
        for each in unit:
            beside = next((of for of in unit if of != each), units[0][0])
            row = {"unit": number, "place": state == CHOSEN, "state": state, "reason": reason}
            if state == PASSED_OVER:
                row["reason"] = _WHY_NOT.get(field.contact[each], NOT_ASKED)
            yield {names.SCHOOL: field.school[each], **row, **field.compared(each, beside)}
    why = NOBODY if units else NO_SCHOOL
    for number in range(n - chosen):
        empty = {"unit": len(units) + number, "place": True, "state": EMPTY, "reason": why}
        yield from [{names.SCHOOL: "", **empty, "alike": "", "unlike": ""}] * size


_WHY_NOT = {YES: PARTNER, NO: REFUSED}


def _of_other_profiles(
    field: _Field, units: list[tuple[int, ...]], taken: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Give the schools that belong to other profiles and have no place there, the nearest first."""
    own = {each for unit in units for each in unit}
    if not units:
        return
    profile = units[0][0]
    for each in np.argsort(field.distance(profile), kind="stable").tolist():
        if each not in own and field.contact[each] == YES and field.school[each] not in taken:
            row = {"unit": 0, "place": False, "state": SUBSTITUTE, "reason": OTHER_PROFILE}
            yield {names.SCHOOL: field.school[each], **row, **field.compared(each, profile)}
