"""Attack what a study publishes: whose answers can be told from everything that is shown?

The attacker sees the tables of ``reports/<study>/tables/`` and what pages show beside them, and
knows what is public: schools, questionnaire, response scale, how numbers are rounded. Beyond that
he is given more than anybody has: who is in which school, grade, gender and role, who answered
what and when, and who was linked; everything but the answers. The answers serve for scoring alone.

A claim is recovered where it is of fewer people than the profile's limit, is true, and leaves them
less than a fifth of the response scale, while the published mean of their region alone leaves more.

    python benchmarks/attack.py                     # 100 random studies, three profiles
    python benchmarks/attack.py --studies 5 --seed 7 --verbose

A new attack is one function with `@attack`: it takes a `View` and yields `Claim`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import optimize, sparse

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from clean import write_down
from outsider import Number, Scale, View, half, of_role, people_of

from loftet_analysis import names
from loftet_analysis.estimands import CONTRASTS
from loftet_analysis.study import load_study
from loftet_analysis.study.study import grade_bands

if TYPE_CHECKING:
    from tests.random_study import RandomStudy

PROFILES, STUDIES = ("internal", "school", "public"), 100
#: Known more closely than this share of the response scale: recovered.
NEAR = 0.2
#: Groups that one system of numbers is asked for: after so many recovered the rest is not asked.
MOST = 15


# what is claimed


@dataclass(frozen=True)
class Claim:
    """That Σ weight × score lies in these intervals; the weights are a mean, or a mean change.

    ``people`` counts whom it is of; ``region`` is where they are, whose mean may be guessed.
    """

    population: str
    outcome: str
    what: str
    weights: np.ndarray
    people: int
    region: str
    intervals: tuple[tuple[float, float], ...]
    by: str = ""
    of_earlier: bool = False

    @property
    def span(self) -> float:
        return sum(high - low for low, high in self.intervals)

    def is_true(self, truth: float) -> bool:
        return any(low - 1e-6 <= truth <= high + 1e-6 for low, high in self.intervals)


ATTACKS: dict[str, Callable[[View], Iterable[Claim]]] = {}


def attack(find: Callable[[View], Iterable[Claim]]) -> Callable[[View], Iterable[Claim]]:
    """Enter an attack."""
    ATTACKS[find.__name__] = find
    return find


@dataclass(frozen=True)
class Target:
    """Somebody's mean: weights of scores, how many people, where, and in words."""

    weights: np.ndarray
    people: int
    region: str
    what: str


def _targets(view: View, scale: Scale) -> list[Target]:
    """Return every group of fewer people than the limit that a cell, or the rest of one, may be.

    Groups of the study, a region or a school, by role, grade, band or gender, in a wave, or of
    those who answered twice; and single people.
    """
    frame = view.members[scale.population]
    person = _persons(frame)
    found: dict[bytes, Target] = {}
    keys = [c for c in (names.ROLE, names.GRADE, names.GRADE_BAND, names.GENDER) if c in frame or
            (c == names.GRADE_BAND and names.GRADE in frame)]  # fmt: skip
    keyed = frame.assign(person=person, **{names.ALL: names.ALL})
    if names.GRADE_BAND in keys:
        keyed[names.GRADE_BAND] = grade_bands(frame[names.GRADE])
    places = [(), (names.REGION,), (names.REGION, names.SCHOOL)]
    sides = [(wave,) for wave in frame[names.WAVE].unique()]
    sides += [w for w in CONTRASTS.values() if {*w} <= {*frame[names.WAVE]}]
    scored = keyed[scale.scored]
    for side in sides:
        table = scored[scored[names.WAVE] == side[0]]
        later = None
        if len(side) == 2:
            other = scored[scored[names.WAVE] == side[1]]
            later = pd.Series(other.index, other["person"])
            table = table[table["person"].isin(later.index)]
        for place, key in itertools.product(places, [names.ALL, *keys, names.PERSON]):
            by = [*place, "person" if key == names.PERSON else key]
            if key == names.PERSON and place:
                continue
            for label, rows in table.groupby(by, observed=True):
                if len(rows) >= view.limit:
                    continue
                w = np.zeros(len(frame))
                w[rows.index] = 1 / len(rows) if later is None else -1 / len(rows)
                if later is not None:
                    w[later[rows["person"]].to_numpy()] = 1 / len(rows)
                regions = rows[names.REGION].unique()
                region = regions[0] if len(regions) == 1 else names.NATIONAL
                words = "a person" if key == names.PERSON else " ".join(map(str, label))
                what = f"{words} {' to '.join(side)}"
                found.setdefault(w.tobytes(), Target(w, len(rows), region, what))
    return list(found.values())


def _persons(frame: pd.DataFrame) -> np.ndarray:
    """Return a code per person; who is not linked is somebody else in every wave."""
    known = frame[names.PERSON].notna()
    own = pd.Series([f"sheet {i}" for i in range(len(frame))], frame.index)
    return pd.factorize(frame[names.PERSON].where(known, own))[0]


def _merged(numbers: list[Number]) -> list[Number]:
    """Return one number per set of weights, as narrow as all that say the same allow."""
    found: dict[bytes, Number] = {}
    for each in numbers:
        if not np.abs(each.weights).max() > 1e-12:
            continue
        key = each.weights.round(9).tobytes()
        old = found.get(key)
        if old is None:
            found[key] = each
            continue
        low, high = max(old.low, each.low), min(old.high, each.high)
        row = old.row if old.high - old.low <= each.high - each.low else each.row
        found[key] = Number(old.weights, low, high, row)
    return list(found.values())


@attack
def rows(view: View) -> Iterator[Claim]:
    """Any row less any other, where what is left is of a few people."""
    for scale in view.scales():
        yield from _rests(view, scale, _merged(view.numbers[scale.population, scale.name]))


def _rests(view: View, scale: Scale, numbers: list[Number]) -> Iterator[Claim]:
    """Yield what any number less any other tells of the few who are not in both."""
    if not numbers:
        return
    persons = _persons(view.members[scale.population])
    person = np.concatenate([np.repeat(persons, scale.answered.shape[1]), persons])
    weights = np.array([each.weights for each in numbers])
    there = np.abs(weights) > 1e-12
    # how many people a number is of, and how many of these two have in common
    of = sparse.csr_array((np.ones(len(person)), (np.arange(len(person)), person)))
    whose = ((sparse.csr_array(there.astype(float)) @ of) > 0).toarray().astype(int)
    size, common = whose.sum(axis=1), whose @ whose.T
    for a, b in zip(*np.nonzero(common == size[None, :]), strict=True):
        if a == b or (size[a] == size[b] and a > b):
            continue
        inside = there[b]
        ratios = (weights[a, inside] / weights[b, inside]).round(9)
        values, times = np.unique(ratios, return_counts=True)
        # what most of the people count, so that they cancel out
        ratio = values[times.argmax()]
        rest = weights[a] - ratio * weights[b]
        rest[np.abs(rest) < 1e-8] = 0
        left = np.unique(person[rest != 0])
        if not 0 < len(left) < view.limit:
            continue
        claim = _of_rest(view, scale, rest, len(left), numbers[a], numbers[b], ratio)
        if claim is not None:
            yield claim


def _of_rest(view, scale, rest, people, one, other, ratio) -> Claim | None:
    """Return the claim that a difference of two rows makes, where it is a mean or a mean change."""
    if rest[scale.answered.size :].any():
        return None
    by_sheet = rest[: scale.answered.size].reshape(scale.answered.shape)
    k = scale.answered.sum(axis=1)
    w = by_sheet.sum(axis=1)
    even = np.abs(by_sheet - np.where(scale.answered, w[:, None] / np.maximum(k, 1)[:, None], 0))
    if even.max() > 1e-9:
        return None
    used = w[np.abs(w) > 1e-9]
    if np.ptp(np.abs(used)) > 1e-9 * np.abs(used).max() + 1e-12:
        return None
    frame = view.members[scale.population]
    of_wave = {wave: w[(frame[names.WAVE] == wave).to_numpy(bool)] for wave in names.WAVES}
    sign = {wave: np.sign(part[np.abs(part) > 1e-9]) for wave, part in of_wave.items()}
    waves = [wave for wave, s in sign.items() if len(s)]
    if len(waves) > 2 or any(len({*s}) > 1 for s in sign.values()):
        return None
    if len(waves) == 2 and (
        sign[waves[0]][0] == sign[waves[1]][0] or len(sign[waves[0]]) != len(sign[waves[1]])
    ):
        return None
    factor = sign[waves[-1]][0] * np.abs(w[np.abs(w) > 1e-9]).max() * len(sign[waves[-1]])
    ends = [(a - ratio * b) / factor for a in (one.low, one.high) for b in (other.low, other.high)]
    regions = frame.loc[np.abs(w) > 1e-9, names.REGION].unique()
    region = regions[0] if len(regions) == 1 else names.NATIONAL
    by = f"{one.row} | less | {other.row}"
    what = f"{people} people {' to '.join(waves)}"
    return Claim(
        scale.population, scale.name, what, w / factor, int(people), region,
        ((min(ends), max(ends)),), by,
    )  # fmt: skip


@attack
def linear_programming(view: View) -> Iterator[Claim]:
    """All numbers about a scale at once: the least and the most that each small group can have."""
    for scale in view.scales():
        numbers = _merged(view.numbers[scale.population, scale.name])
        if numbers:
            rests = [
                Target(c.weights, c.people, c.region, c.what) for c in _rests(view, scale, numbers)
            ]
            yield from _solved(view, scale, numbers, [*_targets(view, scale), *rests])


@dataclass
class System:
    """Numbers as inequalities over as few unknowns as tell everybody apart who can be told.

    People whom every number counts alike are one unknown, of whom one is split off: whatever can
    be told of anybody can be told of that one.
    """

    scale: Scale
    numbers: list[Number]
    targets: list[Target]
    person: np.ndarray
    wave: np.ndarray
    _solution: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        scale, n_items = self.scale, self.scale.answered.shape[1]
        told = np.array([each.weights for each in self.numbers])
        groups = np.array([scale.of_scores(t.weights) for t in self.targets if t.people > 1])
        asked = np.concatenate([scale.answered.ravel(), scale.scored])
        asked[scale.answered.size :] &= told[:, scale.answered.size :].any()
        of_person = np.concatenate([np.repeat(self.person, n_items), self.person])
        columns = [told, groups] if len(groups) else [told]
        signature = np.concatenate(columns).T.round(9)
        code = np.unique(signature, axis=0, return_inverse=True)[1].ravel()
        n = len(scale.scored)
        item = np.concatenate([np.tile(np.arange(n_items), n), np.full(n, n_items)])
        of_wave = np.concatenate([np.repeat(self.wave, n_items), self.wave])
        frame = pd.DataFrame({"p": of_person, "w": of_wave, "i": item, "c": code})[asked]
        alike = frame.groupby("p").apply(
            lambda rows: tuple(sorted(zip(rows["w"], rows["i"], rows["c"], strict=True))),
            include_groups=False,
        )
        kind = pd.factorize(alike)[0]
        first = ~pd.Series(kind).duplicated().to_numpy()
        self.singles = set(alike.index[first])
        representative = pd.Series(np.where(first, alike.index, -1 - kind), alike.index)
        frame = frame.assign(who=frame["p"].map(representative))
        unknown, index = np.unique(frame[["who", "w", "i"]].to_numpy(), axis=0, return_inverse=True)
        count = np.bincount(index.ravel())
        where = np.flatnonzero(asked)
        self.spread = sparse.csr_array(  # answers to unknowns: the mean of those in it
            (1 / count[index.ravel()], (where, index.ravel())), (len(asked), len(unknown))
        )
        # unknowns are sums of answers that all numbers count alike
        self.a = sparse.csr_array(told) @ self.spread
        low = np.array([each.low for each in self.numbers])
        high = np.array([each.high for each in self.numbers])
        is_above = unknown[:, 2] == n_items
        ends = [np.where(is_above, end, at) for end, at in ((0, scale.minimum), (1, scale.maximum))]
        self.bounds = np.column_stack(ends) * count[:, None]
        tied, most = self._tied(unknown, count)
        self.a_ub = sparse.vstack([self.a, -self.a, tied]).tocsr()
        self.b_ub = np.concatenate([high, -low, most])
        self.wanted = [t for t in self.targets if t.people > 1 or self._is_single(t)]
        self.t = np.array([self.spread.T @ scale.of_scores(t.weights) for t in self.wanted])

    def _tied(self, unknown: np.ndarray, count: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
        """Return what ties scores to whether they are above the middle, as rows of ≤.

        With z people of m above it the sum of their scores is at most m · middle +
        z · (maximum − middle), and at least m · minimum + z · (middle − minimum).
        """
        scale, n_items = self.scale, self.scale.answered.shape[1]
        middle = (scale.minimum + scale.maximum) / 2
        rows, most = [], []
        for place in np.flatnonzero(unknown[:, 2] == n_items):
            same = (unknown[:, :2] == unknown[place, :2]).all(axis=1)
            same[place] = False
            score = np.where(same, 1 / max(same.sum(), 1), 0.0)
            z = np.zeros(len(unknown))
            z[place] = 1
            rows.append(score - (scale.maximum - middle) * z)
            rows.append((middle - scale.minimum) * z - score)
            most += [count[place] * middle, -count[place] * scale.minimum]
        return sparse.csr_array(np.reshape(rows, (len(rows), len(unknown)))), np.array(most)

    def _is_single(self, target: Target) -> bool:
        (whose,) = {*self.person[np.abs(target.weights) > 0]}
        return whose in self.singles

    def extreme(self, c: np.ndarray):
        """Return the solution of the least c · x."""
        return optimize.linprog(c, self.a_ub, self.b_ub, bounds=self.bounds, method="highs")


def _solved(
    view: View, scale: Scale, numbers: list[Number], targets: list[Target]
) -> Iterator[Claim]:
    frame = view.members[scale.population]
    if not targets or not numbers:
        return
    wave = frame[names.WAVE].map(names.WAVES.index).to_numpy()
    system = System(scale, numbers, targets, _persons(frame), wave)
    if not len(system.wanted):
        return
    rng = np.random.default_rng(1)
    least = np.full(len(system.wanted), np.inf)
    most = -least
    near = NEAR * scale.width

    def solve(c: np.ndarray):
        found = system.extreme(c)
        if found.x is None:
            return None
        values = system.t @ found.x
        np.minimum(least, values, out=least)
        np.maximum(most, values, out=most)
        return found

    # whatever is seen to vary need not be asked
    for _ in range(12):
        c = rng.normal(size=system.t.shape[1])
        if solve(c) is None:
            yield Claim(
                scale.population, scale.name, "no answers fit", np.zeros(len(frame)), 0, "", ()
            )
            return
    claims = 0
    order = np.argsort(most - least)
    for k in order:
        if most[k] - least[k] >= near:
            continue
        low = solve(system.t[k])
        if low is None or most[k] - least[k] >= near:
            continue
        high = solve(-system.t[k])
        if high is None or -high.fun - low.fun >= near:
            continue
        duals = np.abs(low.ineqlin.marginals) + np.abs(high.ineqlin.marginals)
        half = len(system.numbers)
        duals = duals[:half] + duals[half : 2 * half]
        used = np.argsort(-duals)[: min(8, int((duals > 1e-9).sum()))]
        by = " | ".join(system.numbers[i].row for i in used)
        target = system.wanted[k]
        yield Claim(
            scale.population, scale.name, target.what, target.weights, target.people,
            target.region, ((low.fun, -high.fun),), by,
        )  # fmt: skip
        claims += 1
        if claims >= MOST:
            return


@attack
def clusters(view: View) -> Iterator[Claim]:
    """Means of up to seven schools from estimates, standard errors, ICCs and design effects.

    Who is in which school is known, so the sizes are; without that the degrees of freedom give
    them. With m the schools' means every number is an equation: the mean Σ n m / N and its CR2
    error Σ (n/N)² e² / (1 − n/N), the mean of schools and its error, and by ICC and design effect
    the squares between schools. All that solve them, from many starts, are what is compatible.
    """
    for scale in view.scales():
        for said, weights, cluster, equations in _systems(view, scale):
            size = np.bincount(cluster)
            if not 2 <= len(size) <= 7 or size.min() >= view.limit or len(equations) < 2:
                continue
            is_change = any((w < 0).any() for w in weights)
            low = scale.minimum if not is_change else -scale.width
            high = scale.maximum if not is_change else scale.width
            found = _compatible(size, equations, low, high)
            for j in np.flatnonzero(size < view.limit):
                if not len(found):
                    continue
                intervals = _intervals(found[:, j], gap=0.05 * scale.width)
                w = weights[j]
                frame = view.members[scale.population]
                region = frame.loc[np.abs(w) > 0, names.REGION].iloc[0]
                what = f"a school's {size[j]} people {said}"
                by = "; ".join(f"{kind} {value:g}" for kind, value, _ in equations)
                yield Claim(
                    scale.population, scale.name, what, w, int(size[j]), region, intervals,
                    f"effects: {said} ({len(size)} schools: {by})",
                )  # fmt: skip


def _intervals(values: np.ndarray, gap: float) -> tuple[tuple[float, float], ...]:
    """Return the stretches that values lie in, where those within a gap belong together."""
    values = np.sort(values)
    cuts = np.flatnonzero(np.diff(values) > gap)
    return tuple((part[0], part[-1]) for part in np.split(values, cuts + 1))


def _systems(view: View, scale: Scale) -> Iterator[tuple]:
    """Yield what is said of the means of a set of schools: words, weights, sizes, equations."""
    effects = view.tables.get("effects")
    if effects is None:
        return
    mine = (effects["population"] == scale.population) & (effects["outcome"] == scale.name)
    shown = effects[mine & effects["change"].notna() & effects["change_se"].notna()]
    asked = ("linked_change", "participants", "colleagues", "level")
    for row in shown[shown["estimand"].isin(asked)].to_dict("records"):
        if row["contrast"] == "share" or row["cluster"] == names.REGION:
            continue
        people = people_of(view, scale, row)
        panel, estimand = people.panel, row["estimand"]
        if estimand == "level":
            first, second = np.flatnonzero(people.valid & panel.rows_of_wave(row["wave"])), None
        else:
            valid = people.valid if estimand == "linked_change" else of_role(people, estimand[:-1])
            first, second = people.pairs(valid)
        cluster = np.unique(panel.clusters(row["cluster"])[first], return_inverse=True)[1]
        n, size = len(scale.scored), np.bincount(cluster)
        weights = []
        for j in range(len(size)):
            w = np.zeros(n)
            inside = cluster == j
            if second is None:
                w[people.here[first[inside]]] = 1 / size[j]
            else:
                w[people.here[second[inside]]] = 1 / size[j]
                w[people.here[first[inside]]] = -1 / size[j]
            weights.append(w)
        equations = [
            ("mean", row["change"], half(row, "change")),
            ("cr2", row["change_se"], half(row, "change_se")),
        ]
        equations += _between(row, size)
        if estimand == "linked_change" and row["subgroup"] == names.ALL:
            equations += _of_typical_school(view, scale, row)
        words = " ".join(str(row[c]) for c in ("region", "estimand", "wave", "subgroup") if row[c])
        yield words, weights, cluster, equations


def _of_typical_school(view: View, scale: Scale, row: Mapping) -> list[tuple[str, float, float]]:
    """Return the mean of the schools' mean changes and its error, where schools are clusters."""
    if row["cluster"] != "school" or scale.population == "pupils":
        return []
    rows = view.tables["effects"]
    keys = ("population", "outcome", "region", "contrast", "subgroup")
    same = np.logical_and.reduce([rows[k] == row[k] for k in keys])
    found = rows[same & (rows["estimand"] == "school_change") & rows["change"].notna()]
    if found.empty:
        return []
    other = found.iloc[0]
    told = [("school mean", other["change"], half(other, "change"))]
    if pd.notna(other["change_se"]):
        told.append(("school se", other["change_se"], half(other, "change_se")))
    return told


def _between(row: Mapping, size: np.ndarray) -> list[tuple[str, float, float]]:
    """Return the squares between clusters that ICC and design effect give away."""
    icc, effect, se = (row.get(c) for c in ("icc_change", "design_effect", "change_se"))
    if any(pd.isna(v) for v in (icc, effect, se)) or not icc > 1e-4 or not effect > 0:
        return []
    n, j = size.sum(), len(size)
    n0 = (n - (size**2).sum() / n) / (j - 1)

    def squares(icc: float, effect: float, se: float) -> float:
        total = (n - 1) * se**2 * n / effect
        q = (1 + icc * (n0 - 1)) / max(1 - icc, 1e-9)
        return np.sqrt((j - 1) * q * total / ((j - 1) * q + n - j))

    exact = squares(icc, effect, se)
    h = [half(row, c) for c in ("icc_change", "design_effect", "change_se")]
    ends = [
        squares(icc + a * h[0], max(effect + b * h[1], 1e-9), se + c * h[2])
        for a, b, c in itertools.product((-1, 1), repeat=3)
    ]
    return [("between", exact, max(abs(end - exact) for end in ends) + 1e-9)]


def _compatible(
    size: np.ndarray, equations: list, low: float, high: float, starts: int = 400
) -> np.ndarray:
    """Return means of clusters that solve the equations within their rounding, a row each."""
    rng = np.random.default_rng(1)
    j, share = len(size), size / size.sum()
    kinds = [kind for kind, *_ in equations]
    half = np.array([h for *_, h in equations])
    value = np.array([v for _, v, _ in equations])

    def sides(m: np.ndarray) -> np.ndarray:
        mean = m @ share
        e, own = m - mean[:, None], m - m.mean(axis=1, keepdims=True)
        told = {
            "mean": mean,
            "cr2": np.sqrt(e**2 @ (share**2 / (1 - share)) + 1e-18),
            "school mean": m.mean(axis=1),
            "school se": np.sqrt((own**2).sum(axis=1) / (j * (j - 1)) + 1e-18),
            "between": np.sqrt(e**2 @ size + 1e-18),
        }
        return np.column_stack([told[kind] for kind in kinds])

    m = rng.uniform(low, high, (starts, j))
    # each start aims at a point of its own within the rounding
    aim = value + half * rng.uniform(-1, 1, (starts, len(value)))
    for _ in range(40):
        gap = aim - sides(m)
        steps = np.stack(
            [(sides(m + 1e-6 * np.eye(j)[k]) - sides(m)) / 1e-6 for k in range(j)], axis=2
        )
        move = np.einsum("nij,nj->ni", np.linalg.pinv(steps, rcond=1e-6), gap)
        m = m + np.clip(move, -0.5 * (high - low), 0.5 * (high - low))
    near = (np.abs(sides(m) - value) <= half + 1e-7).all(axis=1)
    near &= ((m >= low - 1e-6) & (m <= high + 1e-6)).all(axis=1)
    return m[near]


@attack
def releases(view: View) -> Iterator[Claim]:
    """What was published before beside what is published now: who left in between?"""
    before = view.earlier
    if before is None:
        return
    for scale, _now in zip(before.scales(), view.scales(), strict=True):
        key = (scale.population, scale.name)
        n_items = scale.answered.shape[1]
        kept = view.kept[scale.population]
        places = (kept[:, None] * n_items + np.arange(n_items)).ravel()
        places = np.concatenate([places, scale.answered.size + kept])
        numbers = list(before.numbers[key])
        for each in view.numbers[key]:
            w = np.zeros(scale.answered.size + len(scale.scored))
            w[places] = each.weights
            numbers.append(Number(w, each.low, each.high, f"now {each.row}"))
        gone = np.setdiff1d(np.arange(len(scale.scored)), kept)
        targets = [t for t in _targets(before, scale) if np.abs(t.weights[gone]).any()]
        for claim in _solved(before, scale, _merged(numbers), targets):
            yield replace(claim, of_earlier=True)


# how near the claims are


@dataclass
class Score:
    """What an attack claimed under a profile, and what of it is true and too near."""

    claims: int = 0
    groups: int = 0
    singles: int = 0
    alone: int = 0  # near, but so is what the region's mean alone says
    unfit: int = 0  # numbers that no answers fit: the attack reads the tables wrongly
    kinds: Counter = field(default_factory=Counter)

    @property
    def recovered(self) -> int:
        return self.groups + self.singles

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def truth_of(clean: Mapping[str, pd.DataFrame], population: str, outcome: str) -> np.ndarray:
    """Return the scores, 0 where there is none."""
    return clean[population][outcome].fillna(0).to_numpy(float)


def score(
    view: View,
    clean: Mapping[str, pd.DataFrame],
    verbose: bool = False,
    only: Iterable[str] | None = None,
) -> dict[str, Score]:
    """Return, by attack, what is recovered of answers that the attacker did not see."""
    scores = {}
    for name in only or ATTACKS:
        told = scores[name] = Score()
        for claim in ATTACKS[name](view):
            if not claim.intervals:
                told.unfit += 1
                continue
            told.claims += 1
            of = view.earlier if claim.of_earlier else view
            scale = of.scale(claim.population, claim.outcome)
            y = truth_of(clean, claim.population, claim.outcome)
            if not claim.of_earlier and view.earlier is not None:
                y = y[view.kept[claim.population]]
            near = claim.people < view.limit and claim.span < NEAR * scale.width
            if not near or not claim.is_true(float(claim.weights @ y)):
                continue
            if _by_region_alone(of, scale, claim, y) < NEAR * scale.width:
                told.alone += 1
                continue
            told.singles += claim.people == 1
            told.groups += claim.people > 1
            told.kinds[_kind(claim.by)] += 1
            if verbose:
                print(
                    f"    {name} {view.profile}: {claim.population} {claim.outcome} {claim.region}"
                    f" {claim.what}: {claim.intervals} truth {claim.weights @ y:.3f}\n"
                    + "\n".join(f"        {part}" for part in claim.by.split(" | "))
                )
    return scores


def _kind(by: str) -> str:
    """Return what sort of rows a claim rests on, without the places."""
    said = set()
    for part in by.split(" | "):
        table, _, rest = part.partition(": ")
        which = rest.rpartition(": ")[2]
        words = [
            w for w in rest.rpartition(": ")[0].split() if not w.startswith(("region-", "national"))
        ]
        words = [w.partition("=")[0] for w in words if not w.isdigit()]
        said.add(f"{table}/{' '.join(words)}/{which}" if rest else part)
    return " + ".join(sorted(said)[:4])


def _by_region_alone(view: View, scale: Scale, claim: Claim, y: np.ndarray) -> float:
    """Return how wide the claim would be from the mean of its region's people alone."""
    frame = view.members[claim.population]
    here = np.ones(len(frame), dtype=bool)
    if claim.region != names.NATIONAL:
        here = (frame[names.REGION] == claim.region).to_numpy(bool)
    w, width = claim.weights, 0.0
    for wave in frame[names.WAVE].unique():
        of_wave = (frame[names.WAVE] == wave).to_numpy(bool)
        g = int((np.abs(w[of_wave]) > 1e-12).sum())
        if not g:
            continue
        inside = here & of_wave & scale.scored
        mean, n = y[inside].mean() if inside.any() else scale.minimum, inside.sum()
        # the others at the ends of the scale
        low = max(scale.minimum, (n * mean - (n - g) * scale.maximum) / g)
        high = min(scale.maximum, (n * mean - (n - g) * scale.minimum) / g)
        width += max(high - low, 0)
    return width


def guesses(view: View, clean: Mapping[str, pd.DataFrame]) -> tuple[int, int]:
    """Return how many groups under the limit and people there are, and of how many guessing their
    region's mean (and no change, where it is a change) comes within a tenth of the scale.
    """
    near = total = 0
    for scale in view.scales():
        y = truth_of(clean, scale.population, scale.name)
        frame = view.members[scale.population]
        means = pd.Series(y, frame.index)[scale.scored].groupby(
            [frame[names.REGION][scale.scored], frame[names.WAVE][scale.scored]]
        ).transform("mean").reindex(frame.index).fillna(0).to_numpy()  # fmt: skip
        for target in _targets(view, scale):
            total += 1
            near += abs(target.weights @ y - target.weights @ means) <= NEAR / 2 * scale.width
    return near, total


# many studies


def one_study(seed: int, profiles: Sequence[str], verbose: bool = False) -> dict:
    """Return scores by profile and attack, and how near guessing comes, of one random study.

    Under one of the profiles a person of each population withdraws, and there is a second release.
    """
    from tests.random_study import RandomStudy

    warnings.simplefilter("ignore")
    found = {}
    with tempfile.TemporaryDirectory() as root:
        os.environ["LOFTET_ROOT"] = root
        (Path(root) / "data_raw").mkdir()
        study = RandomStudy(Path(root), seed)
        withdrawn = profiles[seed % len(profiles)]
        # the second release is the last, as it leaves other results behind
        for profile in sorted(profiles, key=lambda each: each == withdrawn):
            view = View.of(study.publish(profile), study.clean, study.study)
            scores = score(view, study.clean, verbose)
            if profile == withdrawn:
                again = _released_again(study, profile, np.random.default_rng(seed))
                scores |= score(again, study.clean, verbose, only=["releases"])
            found[profile] = (scores, guesses(view, study.clean))
    return found


def _released_again(study: RandomStudy, profile: str, rng: np.random.Generator) -> View:
    """Return the view of a second release beside the first, from which somebody has withdrawn."""
    gone, kept = {}, {}
    for name, frame in study.clean.items():
        known = frame["person_id"].dropna().unique()
        gone[name] = rng.choice(known) if len(known) else ""
        kept[name] = np.flatnonzero(frame["person_id"].ne(gone[name]).fillna(True))
    first, now = study.release_again(profile, gone)
    left = {
        name: frame.iloc[kept[name]].reset_index(drop=True) for name, frame in study.clean.items()
    }
    before = View.of(first, study.clean, study.study)
    return View.of(now, left, study.study, before, kept)


def shown_on_demo() -> pd.DataFrame | None:
    """Return the share of the demo's rows that have an interval, by profile; None without a demo.

    Of the main rows of the regions, of those of participants, and of the country's primary rows.
    """
    from loftet_analysis.analysis.verdicts import verdicts
    from loftet_analysis.cleaning import store
    from loftet_analysis.disclosure.gate import gate
    from loftet_analysis.disclosure.mask import decide
    from loftet_analysis.show.session import kept_results

    study = load_study("demo")
    if not store.is_there("demo"):
        return None
    places = [*study.regions[names.REGION], names.NATIONAL]
    exact = kept_results("demo", "effects", places)
    if exact is None:
        return None
    exact = verdicts(exact)
    exact = exact[exact["change_ci_low"].notna() & exact["subgroup"].eq(names.ALL)]
    clean = {name: store.read("demo", name) for name in study.populations}
    in_region = exact[names.REGION].ne(names.NATIONAL)
    groups = {
        "main rows of regions": in_region & exact["estimand"].ne("level"),
        "participants of regions": in_region & exact["estimand"].eq("participants"),
        "primary rows of the country": ~in_region & exact["plan_role"].eq("primary"),
    }
    table = {}
    for profile in PROFILES:
        like = study.model_copy(update={"disclosure": profile})
        shown = pd.DataFrame(gate(exact, decide(like, clean), profile))
        has = shown["change_ci_low"].notna().to_numpy()
        table[profile] = {
            name: f"{has[rows.to_numpy()].mean():.1%} of {int(rows.sum())}"
            for name, rows in groups.items()
            if rows.any()
        }
    return pd.DataFrame(table)


def report(totals: Mapping, near: Mapping, studies: int, demo: pd.DataFrame | None) -> str:
    """Return what is written down: by profile and attack what was claimed and what recovered."""
    lines = [
        f"{studies} random studies, three profiles.",
        "",
        "| profile | attack | claims | groups recovered | people recovered |",
        "|---|---|---|---|---|",
    ]
    for (profile, name), found in totals.items():
        said = name.replace("_", " ")
        lines.append(
            f"| {profile} | {said} | {found.claims:,} | {found.groups:,} | {found.singles:,} |"
        )
    lines += ["", "| profile | groups under the limit, and people | region's mean is as near |"]
    lines += ["|---|---|---|"]
    for profile, (hits, total) in near.items():
        lines.append(f"| {profile} | {total:,} | {hits / max(total, 1):.0%} |")
    if demo is not None:
        lines += ["", f"| on the demo, with an interval | {' | '.join(demo)} |"]
        lines += ["|---" * (len(demo.columns) + 1) + "|"]
        lines += [f"| {name} | {' | '.join(row)} |" for name, row in demo.iterrows()]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Attack random studies; 1 where anything is recovered, or no answers fit the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--seed", type=int, default=1, help="of the first study")
    parser.add_argument("--profile", action="append", choices=PROFILES)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", action="store_true", help="tell every claim that is too near")
    given = parser.parse_args(arguments)
    profiles = given.profile or PROFILES
    totals = {(p, a): Score() for p in profiles for a in ATTACKS}
    near = dict.fromkeys(profiles, (0, 0))
    seeds = range(given.seed, given.seed + given.studies)
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(one_study, seed, profiles, given.verbose) for seed in seeds]
        for seed, job in zip(seeds, jobs, strict=True):
            for profile, (scores, guessed) in job.result().items():
                near[profile] = tuple(map(sum, zip(near[profile], guessed, strict=True)))
                for name, found in scores.items():
                    totals[profile, name] += found
                    if found.recovered or found.unfit:
                        print(f"study {seed}, {profile}, {name}: {found}", flush=True)
            print(f"study {seed} of {seeds[-1]}", file=sys.stderr)
    told = report(totals, near, given.studies, shown_on_demo())
    print(told)
    if given.studies == STUDIES and profiles == PROFILES:
        write_down("attack", told)
    return int(any(found.recovered or found.unfit for found in totals.values()))


if __name__ == "__main__":
    sys.exit(main())
