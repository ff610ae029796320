"""What an outsider sees of a study, and what every published number says of the answers.

A row of a table is turned into an equation: a sum over sheets, each with a weight, that lies within
the number's rounding. The weights follow from who is where, which the outsider is given; the
answers are not here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.analysis.panel import (
    Panel,
    arrange,
    complete_pairs,
    could_be_found,
    subgroup_rows,
)
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.estimands import contrast_of_waves, waves_of
from loftet_analysis.stats import missing
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study import Study

# what is seen


@dataclass(frozen=True)
class Number:
    """A published number as what it says of the answers: low ≤ Σ weight × answer ≤ high.

    ``weights`` has an entry per sheet and item of the scale (`Scale.answered`), flat, and then one
    per sheet for whether the score is above the middle of the scale.
    """

    weights: np.ndarray
    low: float
    high: float
    row: str


@dataclass(frozen=True)
class Scale:
    """A scale of a population: which answers there are, and how they make the score."""

    population: str
    name: str
    minimum: float
    maximum: float
    answered: np.ndarray  # (sheets, items), by item
    scored: np.ndarray  # (sheets,)

    @property
    def width(self) -> float:
        return self.maximum - self.minimum

    def of_scores(self, weights: np.ndarray) -> np.ndarray:
        """Return weights of scores as weights of the answers that they are the mean of."""
        share = self.answered / np.maximum(self.answered.sum(axis=1, keepdims=True), 1)
        return self.of_answers(weights[:, None] * share)

    def of_answers(self, weights: np.ndarray) -> np.ndarray:
        """Return weights of answers, an entry per sheet and item, in the form of a `Number`."""
        return np.concatenate([weights.ravel(), np.zeros(len(self.scored))])

    def above(self, weights: np.ndarray) -> np.ndarray:
        """Return weights of whether scores are above the middle in the form of a `Number`."""
        return np.concatenate([np.zeros(self.answered.size), weights])


@dataclass(frozen=True)
class View:
    """What an attacker has: published tables, and everything of people but their answers.

    Attributes
    ----------
    tables : dict of str to DataFrame
        As read from the folder, by file name; beside each number, as ``step_…``, how coarsely it
        is rounded, from the folder *steps* beside it.
    members : dict of str to DataFrame
        By population, a row per sheet: keys, and for every item and scale whether it is there.
    study : Study
        The description, without exports.
    profile : str
    """

    tables: Mapping[str, pd.DataFrame]
    members: Mapping[str, pd.DataFrame]
    study: Study
    profile: str
    earlier: View | None = None
    kept: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        folder: Path,
        clean: Mapping[str, pd.DataFrame],
        study: Study,
        earlier: View | None = None,
        kept: Mapping[str, np.ndarray] | None = None,
    ) -> View:
        """Read a folder; of what was published before (`earlier`) the sheets `kept` are left."""
        tables = {}
        for path in sorted(folder.glob("*.csv")):
            table = pd.read_csv(path, dtype=dict.fromkeys(schema.of_kind("text"), "str"))
            table = table.fillna(dict.fromkeys(schema.of_kind("text") & {*table}, ""))
            steps = folder.with_name("steps") / path.name
            if steps.exists():
                table = table.join(pd.read_csv(steps).add_prefix("step_"))
            tables[path.stem] = table
        return cls.made(tables, clean, study, earlier, kept)

    @classmethod
    def made(
        cls,
        tables: Mapping[str, pd.DataFrame],
        clean: Mapping[str, pd.DataFrame],
        study: Study,
        earlier: View | None = None,
        kept: Mapping[str, np.ndarray] | None = None,
    ) -> View:
        """Return the view of tables, without the answers of the clean frames."""
        members = {}
        for name, frame in clean.items():
            instrument = study.populations[name].instrument
            answers = [*instrument.items, *instrument.scales]
            members[name] = frame.assign(**{c: frame[c].notna() for c in answers})
        return cls(tables, members, study, study.disclosure, earlier, kept or {})

    @property
    def limit(self) -> int:
        return LIMITS[self.profile]

    def scales(self) -> Iterator[Scale]:
        for population, about in self.study.populations.items():
            for name, scale in about.instrument.scales.items():
                options = about.instrument.response_set(name)
                frame = self.members[population]
                items = frame[list(scale.items)].to_numpy(bool)
                yield Scale(
                    population, name, options.minimum, options.maximum, items,
                    frame[name].to_numpy(bool),
                )  # fmt: skip

    def scale(self, population: str, name: str) -> Scale:
        """Return a scale by its name."""
        return next(s for s in self.scales() if (s.population, s.name) == (population, name))

    @cached_property
    def _panels(self) -> dict[tuple[str, str, str], tuple[np.ndarray, Panel]]:
        return {}

    def panel(self, population: str, region: str, contrast: str = "") -> tuple[np.ndarray, Panel]:
        """Return the rows of a place, and these arranged for two waves."""
        key = (population, region, contrast)
        if key not in self._panels:
            frame = self.members[population]
            here = np.ones(len(frame), dtype=bool)
            if region != names.NATIONAL:
                here = (frame[names.REGION] == region).to_numpy(bool)
            waves = waves_of(contrast)
            years = self.study.years_between(population, waves)
            rows = frame[here].reset_index(drop=True)
            self._panels[key] = (np.flatnonzero(here), arrange(rows, years=years, waves=waves))
        return self._panels[key]

    @cached_property
    def numbers(self) -> dict[tuple[str, str], list[Number]]:
        """What the tables say of each scale's answers, as far as it is linear in them."""
        return {(s.population, s.name): list(_numbers(self, s)) for s in self.scales()}


# what published rows say


#: Half a step of numbers by what the schema says of their rounding, but for those by step.
_HALVES = {"": 0.005, "tenth": 0.05, "thousandth": 0.0005, "whole": 0.5}
_FINE = 0.01


def half(row: Mapping, column: str) -> float:
    """Return half a step of a number's rounding."""
    kind = schema.COLUMNS[column].rounding
    if kind == "standard_error":
        return 0.0005 if row["step_change"] < _FINE else 0.005
    if kind in _HALVES:
        return _HALVES[kind]
    own = row.get(f"step_{column}", np.nan)
    return (own if own > 0 else _FINE) / 2


@dataclass(frozen=True)
class People:
    """The people of a row as the library arranges them, without their answers."""

    panel: Panel
    valid: np.ndarray  # rows of the subgroup that have the outcome
    here: np.ndarray  # place of these rows among all sheets

    def pairs(self, valid: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        valid = self.valid if valid is None else valid
        y = np.where(self.panel.frame["_answered"].to_numpy(bool), 0.0, np.nan)
        return complete_pairs(self.panel, y, valid)


def _mean(n: int, rows: np.ndarray) -> np.ndarray:
    w = np.zeros(n)
    w[rows] = 1 / max(np.size(rows) if rows.dtype != bool else rows.sum(), 1)
    return w


def _change(n: int, first: np.ndarray, second: np.ndarray, weight: np.ndarray | None = None):
    """Return the weights of a mean change of pairs."""
    share = np.full(len(first), 1 / len(first)) if weight is None else weight / weight.sum()
    w = np.zeros(n)
    np.add.at(w, second, share)
    np.add.at(w, first, -share)
    return w


def _cells(panel: Panel, valid: np.ndarray, at_least: int = 1):
    """Return cells met in both waves with their counts (cells, 2)."""
    if not panel.n_grades:
        raise NotEstimableError("no_grade")
    rows = valid & (panel.pre | panel.post) & (panel.cell >= 0)
    code = 2 * panel.cell[rows] + panel.post[rows]
    n = np.bincount(code, minlength=2 * panel.cell.max() + 2).reshape(-1, 2)
    cells = np.flatnonzero((n >= at_least).all(axis=1))
    if not len(cells):
        raise NotEstimableError("no_common_cells")
    return cells, n[cells]


def _by_cell(panel, valid, cells, n, share) -> tuple[np.ndarray, np.ndarray]:
    """Return weights of the shared cell means before and after."""
    place = np.full(panel.cell.max() + 2, -1)
    place[cells] = np.arange(len(cells))
    at = place[panel.cell]
    sides = []
    for k, wave in enumerate((panel.pre, panel.post)):
        rows = valid & wave & (at >= 0)
        w = np.zeros(len(valid))
        w[rows] = share[at[rows]] / n[at[rows], k]
        sides.append(w)
    return sides[0], sides[1]


def _same_grade(panel, valid) -> tuple[np.ndarray, np.ndarray]:
    cells, n = _cells(panel, valid)
    return _by_cell(panel, valid, cells, n, n.sum(axis=1) / n.sum())


def _cohorts(panel, valid) -> tuple[np.ndarray, np.ndarray]:
    start = panel.grade - panel.years * panel.post
    rows = valid & (panel.pre | panel.post) & np.isfinite(start)
    met = set(start[rows & panel.pre]) & set(start[rows & panel.post])
    rows &= np.isin(start, sorted(met))
    if not rows.any() or not panel.years:
        raise NotEstimableError("no_cohort")
    sides = [np.zeros(len(valid)) for _ in range(2)]
    for cohort in met:
        inside = rows & (start == cohort)
        for w, wave in zip(sides, (panel.pre, panel.post), strict=True):
            w[inside & wave] = inside.sum() / rows.sum() / (inside & wave).sum()
    return sides[0], sides[1]


def _by_school_grades(panel, valid) -> tuple[np.ndarray, np.ndarray]:
    cells, n = _cells(panel, valid, at_least=5)
    school = cells // panel.n_grades
    per_school = np.bincount(school)
    share = 1 / per_school[school] / (per_school > 0).sum()
    return _by_cell(panel, valid, cells, n, share)


def _by_school_pairs(people: People) -> np.ndarray:
    first, second = people.pairs()
    n = np.bincount(people.panel.school[first])
    return _change(len(people.valid), first, second, 1 / n[people.panel.school[first]])


def of_role(people: People, role: str) -> np.ndarray:
    return people.valid & (people.panel.role == role)


def _of_effect(row: Mapping, people: People) -> tuple[np.ndarray, ...]:
    """Return the weights of `change`, and of `mean_pre` and `mean_post` where they are linear."""
    panel, valid, n = people.panel, people.valid, len(people.valid)
    estimand = row["estimand"]
    if estimand == "level":
        rows = valid & panel.rows_of_wave(row["wave"])
        return (_mean(n, rows),)
    if estimand == "linked_change":
        first, second = people.pairs()
        return (_change(n, first, second), _mean(n, first), _mean(n, second))
    if estimand in ("participants", "colleagues"):
        first, second = people.pairs(of_role(people, estimand.rstrip("s")))
        return (_change(n, first, second), _mean(n, first), _mean(n, second))
    if estimand == "participants_vs_colleagues":
        one, other = (people.pairs(of_role(people, each)) for each in names.ROLES[:2])
        return (_change(n, *one) - _change(n, *other),)
    if estimand == "school_change":
        if row["population"] == "pupils":
            before, after = _by_school_grades(panel, valid)
            return (after - before, before, after)
        return (_by_school_pairs(people),)
    if estimand == "dose" and row["contrast"].startswith("per"):
        column = names.GATHERINGS if "gathering" in row["contrast"] else names.INTERIM_WORK
        x = panel.frame[column].to_numpy(float)
        first, second = people.pairs(of_role(people, names.PARTICIPANT) & np.isfinite(x))
        x = x[first] - x[first].mean()
        w = np.zeros(n)
        w[second], w[first] = x / (x @ x), -x / (x @ x)
        return (w,)
    if estimand == "gap_change":
        sides = [
            _same_grade(panel, valid & subgroup_rows(panel, each))
            for each in row["contrast"].split(" - ")
        ]
        before, after = (sides[0][k] - sides[1][k] for k in range(2))
        return (after - before, before, after)
    of_cells = {"same_grade": _same_grade, "cohort_change": _cohorts}
    if estimand in of_cells:
        before, after = of_cells[estimand](panel, valid)
        return (after - before, before, after)
    raise NotEstimableError("not linear")


def _of_sensitivity(row: Mapping, people: People, view: View) -> np.ndarray:
    """Return the weights of `change` under another choice."""
    analysis, estimand = row["analysis"], row["estimand"]
    panel, n = people.panel, len(people.valid)
    linked = estimand in ("linked_change", "participants", "colleagues")
    if estimand in ("participants", "colleagues"):
        people = People(panel, of_role(people, estimand.rstrip("s")), people.here)
    valid = people.valid
    plain = {**row, "estimand": "linked_change"} if linked else row
    if analysis == "without_careless":
        kept = valid & ~panel.frame["_careless"].to_numpy(bool)
        return _of_effect(plain, People(panel, kept, people.here))[0]
    same = ("own_unit", "linked_unit", "average_unit", "hedges_g", "cluster_", "these_regions")
    if analysis.startswith(same) or (analysis == "naive" and estimand != "same_grade"):
        return _of_effect(plain, people)[0]
    if analysis == "naive":
        return _mean(n, valid & panel.post) - _mean(n, valid & panel.pre)
    if analysis == "school_means":
        return _by_school_pairs(people)
    if analysis == "stayers":
        first, second = people.pairs()
        stay = panel.school[first] == panel.school[second]
        return _change(n, first[stay], second[stay])
    if analysis == "all_schools":
        rows = valid & (panel.pre | panel.post) & np.isfinite(panel.grade)
        grade = np.unique(panel.grade[rows], return_inverse=True)[1]
        x = np.column_stack([panel.post[rows], np.eye(grade.max() + 1)[grade]]).astype(float)
        w = np.zeros(n)
        w[rows] = x @ np.linalg.pinv(x.T @ x)[:, 0]
        return w
    if analysis == "equal_grades":
        cells, counts = _cells(panel, valid)
        both, grade = counts.sum(axis=1), cells % panel.n_grades
        share = both / np.bincount(grade, both)[grade] / len(np.unique(grade))
        before, after = _by_cell(panel, valid, cells, counts, share)
        return after - before
    if analysis == "linked_and_unlinked":
        if row["population"] == "pupils":
            before, after = _cohorts(panel, valid)
            return after - before
        return _mean(n, valid & panel.post) - _mean(n, valid & panel.pre)
    if analysis in ("school_weights", "register_weights"):
        return _to_numbers(row, people, view, linked)
    if analysis == "school_effects":
        either = valid & np.isin(panel.role, names.ROLES[:2])
        first, second = people.pairs(either)
        role = (panel.role[first] == names.PARTICIPANT).astype(float)
        school = panel.school[first]
        size = np.bincount(school)
        within = role - (np.bincount(school, role) / np.maximum(size, 1))[school]
        w = np.zeros(n)
        w[second], w[first] = within / (within @ within), -within / (within @ within)
        return w
    raise NotEstimableError("not linear")


def _to_numbers(row: Mapping, people: People, view: View, linked: bool) -> np.ndarray:
    """Return the weights where schools weigh as many as answered before, or were invited."""
    panel, valid, n = people.panel, people.valid, len(people.valid)
    y = np.where(panel.frame["_answered"].to_numpy(bool), 0.0, np.nan)
    n_schools = panel.school.max() + 1
    invited = view.study.invited_by_school(row["population"], names.PRE).astype(float)
    ids = np.full(n_schools, "", dtype=object)
    ids[panel.school] = panel.frame[names.SCHOOL].to_numpy(object)
    of_school = invited.reindex(ids).to_numpy()
    if row["region"] == names.NATIONAL:
        place = view.study.schools[names.SCHOOL]
    else:
        there = view.study.schools[names.REGION] == row["region"]
        place = view.study.schools.loc[there, names.SCHOOL]
    silent = invited.reindex([s for s in place if s not in set(ids)]).dropna().to_numpy()
    if linked:
        first, second = people.pairs()
        found = could_be_found(panel, y, valid)
        asked = np.bincount(panel.school[found], minlength=n_schools).astype(float)
        if row["analysis"] == "register_weights":
            before = panel.pre & np.isfinite(y)
            answered = np.bincount(panel.school[before], minlength=n_schools)
            numbers = np.concatenate([np.nan_to_num(of_school), silent])
            share = np.full(len(numbers), found.sum() / before.sum())
            share[:n_schools] = asked / np.maximum(answered, 1)
            asked = numbers * share
        weight = missing.register_weights(panel.school[first], asked).weights
        return _change(n, first, second, weight)
    cells, counts = _cells(panel, valid)
    school, share = cells // panel.n_grades, counts[:, 0].astype(float)
    if row["analysis"] == "register_weights":
        share *= of_school[school] / np.bincount(school, share)[school]
    after = counts[:, 1]
    share = np.minimum(share / after, np.quantile(share / after, missing.TRIM)) * after
    before, after = _by_cell(panel, valid, cells, counts, share / share.sum())
    return after - before


def people_of(view: View, scale: Scale, row: Mapping) -> People:
    here, panel = view.panel(
        scale.population, row["region"], contrast_of_waves(row.get("contrast", ""))
    )
    panel.frame["_answered"] = scale.scored[here]
    panel.frame["_careless"] = panel.frame[names.CARELESS].str.contains("same_answer")
    valid = subgroup_rows(panel, row.get("subgroup") or names.ALL) & scale.scored[here]
    if row.get("school_id"):
        valid &= (panel.frame[names.SCHOOL] == row["school_id"]).to_numpy(bool)
    return People(panel, valid, here)


def _told(row: Mapping, columns: Iterable[str]) -> Iterator[tuple[str, float, float]]:
    """Yield the bounds of a change: as it stands, by its interval, and by its value in SD.

    What is said of the rounded change, and has no step of its own, tells nothing more.
    """
    if "change" in columns and pd.notna(row.get("change")):
        h = half(row, "change")
        yield "change", row["change"] - h, row["change"] + h
    ends = (row.get("change_ci_low", np.nan), row.get("change_ci_high", np.nan))
    if (
        "change_ci_low" in columns
        and np.isfinite(ends).all()
        and row.get("step_change_ci_low", 0) > 0
    ):
        middle, h = sum(ends) / 2, row["step_change_ci_low"] / 2
        yield "middle of change_ci", middle - h, middle + h
    in_sd, unit = row.get("estimate", np.nan), row.get("sd_unit", np.nan)
    if (
        "estimate" in columns
        and np.isfinite([in_sd, unit]).all()
        and row.get("step_estimate", 0) > 0
    ):
        h, d = row["step_estimate"] / 2, half(row, "sd_unit")
        signs = itertools.product((-1, 1), repeat=2)
        products = [(in_sd + a * h) * (unit + b * d) for a, b in signs]
        yield "estimate x sd_unit", min(products), max(products)


def estimand_is_share(row: Mapping) -> bool:
    """Whether a row is a share of people above the middle."""
    return row["estimand"] == "level" and row["contrast"] == "share"


_IN_SD_OF_OTHERS = ("hedges_g",)


def _numbers(view: View, scale: Scale) -> Iterator[Number]:
    """Yield everything that is linear in the answers to a scale."""
    n, place = len(scale.scored), (names.REGION, names.SCHOOL)

    def whole(weights: np.ndarray, here: np.ndarray) -> np.ndarray:
        w = np.zeros(n)
        w[here] = weights
        return scale.of_scores(w)

    for table in ("effects", "sensitivity", "school_levels", "school_beside"):
        if table not in view.tables:
            continue
        rows = view.tables[table]
        rows = rows[(rows["population"] == scale.population) & (rows["outcome"] == scale.name)]
        rows = rows[rows["change"].notna() | rows["estimate"].notna()]
        for row in rows.to_dict("records"):
            try:
                people = people_of(view, scale, row)
                if table == "sensitivity":
                    found = (_of_sensitivity(row, people, view),)
                else:
                    found = _of_effect(row, people)
            except NotEstimableError:
                continue
            said = " ".join(
                str(row[c])
                for c in (*place, "estimand", "analysis", "contrast", "wave", "subgroup")
                if row.get(c)
            )
            columns = tuple(rows)
            if row.get("analysis") in _IN_SD_OF_OTHERS:
                columns = tuple(c for c in columns if c != "estimate")
            weights = whole(found[0], people.here)
            if estimand_is_share(row):
                w = np.zeros(n)
                w[people.here] = found[0]
                weights, columns = scale.above(w), ("change",)
            for which, low, high in _told(row, columns):
                yield Number(weights, low, high, f"{table}: {said}: {which}")
            for w, column in zip(found[1:], ("mean_pre", "mean_post"), strict=False):
                if pd.notna(row.get(column)):
                    h = half(row, column)
                    low, high = row[column] - h, row[column] + h
                    yield Number(whole(w, people.here), low, high, f"{table}: {said}: {column}")
    yield from _of_items(view, scale)
    yield from _of_pages(view, scale)
    yield from _of_schools(view, scale)


def _of_items(view: View, scale: Scale) -> Iterator[Number]:
    rows = view.tables.get("items")
    if rows is None:
        return
    items = list(view.study.populations[scale.population].instrument.scales[scale.name].items)
    mine = (rows["population"] == scale.population) & (rows["scale"] == scale.name)
    for row in rows[mine & rows["mean"].notna()].to_dict("records"):
        here, panel = view.panel(scale.population, row["region"])
        of_wave = np.zeros(len(scale.scored), dtype=bool)
        of_wave[here] = panel.rows_of_wave(row["wave"])
        of_wave &= scale.answered.any(axis=1)
        if row["item"]:
            there = scale.answered & (np.array(items) == row["item"])[None, :] & of_wave[:, None]
            weights = scale.of_answers(there / max(there.sum(), 1))
        else:
            weights = scale.of_scores(_mean(len(of_wave), of_wave & scale.scored))
        h = half(row, "mean")
        said = f"items: {row['region']} {row['item'] or scale.name} {row['wave']}: mean"
        yield Number(weights, row["mean"] - h, row["mean"] + h, said)


def _of_pages(view: View, scale: Scale) -> Iterator[Number]:
    n = len(scale.scored)
    items = list(view.study.populations[scale.population].instrument.scales[scale.name].items)
    for table in ("course", "histogram", "item_histogram"):
        rows = view.tables.get(table)
        if rows is None:
            continue
        mine = (rows["population"] == scale.population) & (rows["outcome"] == scale.name)
        mine &= rows["mean"].notna()
        keys = [c for c in ("region", "subgroup", "item", "who", "wave") if c in rows]
        for row in rows[mine].drop_duplicates(keys).to_dict("records"):
            people = people_of(view, scale, row)
            rows_ = people.panel.rows_of_wave(row["wave"]) & people.valid
            if row.get("who") == names.LINKED:
                frame = people.panel.frame.assign(_valid=people.valid)
                known = frame[frame["_valid"] & frame[names.PERSON].notna()]
                times = known.groupby(names.PERSON)[names.WAVE].nunique()
                rows_ &= frame[names.PERSON].isin(times.index[times == 3]).to_numpy(bool)
            if row.get("item"):
                there = np.zeros_like(scale.answered)
                k = items.index(row["item"])
                of_wave = people.panel.rows_of_wave(row["wave"])
                there[people.here[of_wave], k] = scale.answered[people.here[of_wave], k]
                weights = scale.of_answers(there / max(there.sum(), 1))
            else:
                w = np.zeros(n)
                w[people.here] = _mean(len(rows_), rows_)
                weights = scale.of_scores(w)
            h = half(row, "mean")
            said = f"{table}: {' '.join(str(row[k]) for k in keys if row[k])}"
            yield Number(weights, row["mean"] - h, row["mean"] + h, f"{said}: mean")
            if "low" in rows and pd.notna(row["low"]):
                bins = rows[mine & np.logical_and.reduce([rows[k] == row[k] for k in keys])]
                n_people = int(there.sum()) if row.get("item") else int(rows_.sum())
                low, high = _of_bins(bins, n_people, view.limit, scale, bool(row.get("item")))
                yield Number(weights, low, high, f"{said}: bins")


def _of_bins(
    bins: pd.DataFrame, n: int, limit: int, scale: Scale, of_item: bool
) -> tuple[float, float]:
    """Return the least and the highest mean of people whose answers lie in bins.

    Of single items a bin's answers are whole numbers; scores lie anywhere in it.
    """
    inside = np.array([0.5, -0.5]) if of_item else np.zeros(2)
    ends = bins[["low", "high"]].to_numpy(float) + inside
    ends = ends.clip(scale.minimum, scale.maximum)
    counts, shares = bins["n"].to_numpy(float), bins["share"].to_numpy(float)
    off = bins["step_share"].to_numpy(float) / 2
    least = np.fmax(counts - limit / 2, (shares - off) * n).clip(0).round(6)
    most = np.fmin(counts + limit / 2, (shares + off) * n).round(6)
    found = []
    for values in (ends[:, 0], -ends[:, 1]):
        filled, left = np.ceil(least), n - np.ceil(least).sum()
        for k in np.argsort(values):
            more = min(max(np.floor(most[k]) - filled[k], 0), max(left, 0))
            filled[k] += more
            left -= more
        found.append(filled @ values / n if abs(left) < 1e-9 else np.nan)
    low, high = found[0], -found[1]
    wide = np.isnan([low, high]).any()
    return (scale.minimum, scale.maximum) if wide else (low - 1e-9, high + 1e-9)


def _of_schools(view: View, scale: Scale) -> Iterator[Number]:
    rows = [view.tables[name] for name in ("schools", "school_changes") if name in view.tables]
    if not rows:
        return
    rows = pd.concat(rows, ignore_index=True)
    mine = (rows["population"] == scale.population) & (rows["outcome"] == scale.name)
    for row in rows[mine & rows["estimate"].notna()].to_dict("records"):
        keys = ("region", "school_id")
        inside = people_of(view, scale, {key: row[key] for key in keys})
        try:
            if scale.population == "pupils":
                before, after = _by_school_grades(inside.panel, inside.valid)
                w = after - before
            else:
                w = _change(len(inside.valid), *inside.pairs())
        except NotEstimableError:
            continue
        weights = np.zeros(len(scale.scored))
        weights[inside.here] = w
        for which, low, high in _told(row, ("estimate", "sd_unit")):
            said = f"schools: {row['region']} {row['school_id']}: {which}"
            yield Number(scale.of_scores(weights), low, high, said)
