"""The disclosure mask: which cells of the plan may be shown, decided once for the study.

It is decided from counts and answers, never from estimates, so pages drawn early and late cannot
contradict each other. Four rules, in the order of the reasons given:

*small_n*
    Fewer people than the profile's limit.
*homogeneous*
    Everybody in the cell has the same score (or the same change): the mean tells each answer.
*linked_wave*
    A change whose pre or post cell is hidden: together with the other it would give it away.
*complementary*
    Shown, it would let a hidden cell be computed: the national cell less the regions, a region
    less its schools, roles or grades, or any combination of these sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.study import Study
from loftet_analysis.study.grades import grade_bands

LIMITS = {"open": 1, "internal": 6, "school": 10, "public": 20}
NEVER_BY_SCHOOL = ("leaders",)  # a school has one or two of them
SMALL, SAME, CHANGE, COMPLEMENT = "small_n", "homogeneous", "linked_wave", "complementary"

_CELL = [names.REGION, names.SCHOOL, names.SUBGROUP, names.WAVE, names.OUTCOME]
_PLACE = [names.REGION, names.SCHOOL]
_ALWAYS = (names.ROLE, names.GRADE)


def decide(study: Study, clean: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Decide which cells may be shown.

    Parameters
    ----------
    study : Study
        Its profile, register, waves and instruments.
    clean : mapping of str to DataFrame
        Clean data of the whole study, by population.

    Returns
    -------
    DataFrame
        ``schema.MASK``, one row per cell: the study (region *national*), each region, with all,
        by role, by grade and by whatever else the study asks subgroups or gaps of, and each
        school, for every wave in which an outcome is asked and for *linked*. ``n`` counts people
        with a score; in *linked* those with one before and after, under their pre school, role
        and grade, in a region's cell only those who stayed
        in it. ``reason`` is empty where the cell may be shown.
    """
    masks = [
        _population_mask(study, name, frame).assign(**{names.POPULATION: name})
        for name, frame in clean.items()
    ]
    return pd.concat(masks, ignore_index=True)[list(schema.MASK)]


def _population_mask(study: Study, name: str, clean: pd.DataFrame) -> pd.DataFrame:
    scales, limit = study.populations[name].instrument.scales, LIMITS[study.disclosure]
    groups = list(dict.fromkeys((*_ALWAYS, *study.subgroups(name), *study.gaps(name))))
    outcomes = list(scales)
    keyed = _keyed(clean, outcomes, groups)
    counts = _counts(pd.concat([keyed, _pairs(keyed, outcomes)]), outcomes, groups)
    asked = [
        (wave, outcome)
        for outcome, scale in scales.items()
        for wave in _cell_waves(list(study.waves), scale.waves)
    ]
    by_school = name not in NEVER_BY_SCHOOL
    places = _places(study.schools, _subgroups(keyed, groups), by_school=by_school)
    grid = places.merge(pd.DataFrame(asked, columns=[names.WAVE, names.OUTCOME]), how="cross")
    mask = grid.merge(counts, on=_CELL, how="left")
    mask["n"] = mask["n"].fillna(0).astype(int)
    same = (mask["low"] == mask["high"]) & (limit > 1)
    mask["reason"] = np.select([mask["n"] < limit, same], [SMALL, SAME], "")
    mask["reason"] = _protect(mask, places, limit=limit, years=study.years_between(name))
    return mask.assign(suppressed=mask["reason"] != "")


def _cell_waves(waves: Sequence[str], asked: Sequence[str]) -> list[str]:
    shown = [wave for wave in waves if wave in asked]
    return [*shown, names.LINKED] if {names.PRE, names.POST} <= set(shown) else shown


def _keyed(clean: pd.DataFrame, outcomes: Sequence[str], groups: Sequence[str]) -> pd.DataFrame:
    """Return the scores with the keys of their cells as text, ``""`` where there is none."""
    keyed = clean.reindex(columns=[names.PERSON, *_PLACE, *groups, names.WAVE, *outcomes])
    if names.GRADE_BAND in groups:
        keyed[names.GRADE_BAND] = grade_bands(keyed[names.GRADE])
    for column in groups:
        keyed[column] = keyed[column].astype("str").fillna("")
    return keyed


def _pairs(keyed: pd.DataFrame, outcomes: Sequence[str]) -> pd.DataFrame:
    """Return people's changes under their pre keys; without a region where they have moved."""
    person = pd.Index(pd.factorize(keyed[names.PERSON])[0], name=names.PERSON)
    known = keyed.drop(columns=names.PERSON).set_index(person)
    pre, post = (
        known[(known[names.WAVE] == wave).to_numpy(bool) & (person >= 0)]
        for wave in (names.PRE, names.POST)
    )
    pre = pre[pre.index.isin(post.index)]
    post = post.loc[pre.index]
    pairs = pre.assign(**{name: post[name] - pre[name] for name in outcomes})
    stayed = pre[names.REGION] == post[names.REGION]
    pairs[names.REGION] = pre[names.REGION].where(stayed, "")
    return pairs.assign(**{names.WAVE: names.LINKED}).reset_index()


def _counts(keyed: pd.DataFrame, outcomes: Sequence[str], groups: Sequence[str]) -> pd.DataFrame:
    """Return n, lowest and highest score of every cell that holds anybody."""
    grouped = keyed.groupby([*_PLACE, *groups, names.WAVE], sort=True)
    base = pd.concat(
        [
            grouped[name].agg(n="count", low="min", high="max").reset_index().assign(outcome=name)
            for name in outcomes
        ]
    )
    base = base[base["n"] > 0]
    keys = [*_PLACE, *groups, names.WAVE, names.OUTCOME]
    base = base.astype(dict.fromkeys(keys, "category"))
    regional = base[base[names.REGION] != ""]
    cells = []
    for rows, place in ((base, []), (regional, [names.REGION]), (regional, _PLACE)):
        for column in ("", *(groups if place != _PLACE else ())):
            known = rows[rows[column] != ""] if column else rows
            by = [*place, *([column] if column else []), names.WAVE, names.OUTCOME]
            cell = known.groupby(by, sort=True, observed=True).agg(
                n=("n", "sum"), low=("low", "min"), high=("high", "max")
            )
            cell = cell.reset_index().astype(dict.fromkeys(by, "str"))
            whole = {names.REGION: names.NATIONAL, names.SCHOOL: ""}
            cell = cell.assign(**{key: text for key, text in whole.items() if key not in place})
            cells.append(cell.assign(subgroup=f"{column}=" + cell[column] if column else names.ALL))
    return pd.concat(cells, ignore_index=True)[[*_CELL, "n", "low", "high"]]


def _subgroups(keyed: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    found = [names.ALL]
    for column in groups:
        there = set(keyed[column].unique()) - {""}
        if column == names.ROLE:
            levels = [role for role in names.ROLES if role in there]
            levels = levels if levels != [names.LEADER] else []  # leaders have one role
        else:
            levels = sorted(there, key=int if column == names.GRADE else None)
        found += [f"{column}={level}" for level in levels]
    return found


def _places(schools: pd.DataFrame, subgroups: Sequence[str], *, by_school: bool) -> pd.DataFrame:
    """Return the cells of a population but for wave and outcome, each after what it is part of."""
    regions = [names.NATIONAL, *schools[names.REGION].drop_duplicates()]
    rows = [(region, "", subgroup) for region in regions for subgroup in subgroups]
    if by_school:
        pairs = schools[[names.REGION, names.SCHOOL]].itertuples(index=False)
        rows += [(region, school, names.ALL) for region, school in pairs]
    return pd.DataFrame(rows, columns=_CELL[:3])


def _protect(mask: pd.DataFrame, places: pd.DataFrame, *, limit: int, years: int) -> np.ndarray:
    """Hide what would give hidden cells away, until nothing more has to be hidden."""
    shape = (len(places), len(mask) // len(places))  # places × (wave, outcome)
    flat_n, flat = mask["n"].to_numpy(), mask["reason"].to_numpy(dtype=object)
    n, reason = flat_n.reshape(shape), flat.reshape(shape)
    sums = _sums(places)
    linked, *parts = _changes(mask, years)
    while True:
        before = reason.copy()
        for part in parts:
            gives_away = (part >= 0) & (flat[part] != "") & (flat_n[part] > 0)
            flat[linked[gives_away & (flat[linked] == "")]] = CHANGE
        for column in range(shape[1]):
            reason[_few_together(n[:, column], reason[:, column], sums, limit), column] = COMPLEMENT
            reason[_solvable(n[:, column], reason[:, column], sums), column] = COMPLEMENT
        if (reason == before).all():
            return flat


def _sums(places: pd.DataFrame) -> np.ndarray:
    """Return the sum rules: a row per whole, with 1 for it and −1 for each of its parts."""
    region, school, subgroup = (places[column] for column in _CELL[:3])
    regions = school.eq("") & region.ne(names.NATIONAL)
    divisions = [(regions, {names.REGION: names.NATIONAL}), (school.ne(""), {names.SCHOOL: ""})]
    columns = dict.fromkeys(g.partition("=")[0] for g in subgroup if g != names.ALL)
    divisions += [(subgroup.str.startswith(c + "="), {names.SUBGROUP: names.ALL}) for c in columns]
    if names.GRADE_BAND in columns:
        band = grade_bands(subgroup.str.extract(rf"^{names.GRADE}=(\d+)$")[0].astype(float))
        divisions += [
            (band.eq(one), {names.SUBGROUP: f"{names.GRADE_BAND}={one}"})
            for one in sorted(set(band.dropna()))
        ]
    rules = [np.zeros((0, len(places)))]
    for parts, whole in divisions:
        wholes = _positions(places, places[parts].assign(**whole), _CELL[:3])
        rule = np.zeros((len(places), len(places)))
        rule[wholes, np.flatnonzero(parts)] = -1
        rule[wholes, wholes] = 1
        rules.append(rule[np.unique(wholes)])
    return np.concatenate(rules)


def _few_together(n: np.ndarray, reason: np.ndarray, sums: np.ndarray, limit: int) -> list[int]:
    """Return the next parts to hide where a shown whole less its shown parts is only a few.

    People who belong to no part (no role known, moved to another region) count with the hidden.
    """
    hidden, parts = reason != "", sums < 0
    rest = parts @ np.where(hidden, n, 0) + sums @ n
    shown_whole = (sums > 0) @ ~hidden > 0
    few = shown_whole & (rest > 0) & (rest < limit)
    able = parts[few] & ~hidden & (n > 0)
    return [_smallest(n, row) for row in able if row.any()]


def _solvable(n: np.ndarray, reason: np.ndarray, sums: np.ndarray) -> list[int]:
    """Return the next cell to hide where the sum rules can be solved for a hidden one.

    The unknowns are the hidden cells that hold anybody; a rule with people outside its parts
    binds nothing. With A the rules and A⁺ its pseudo-inverse, unknown i is determined where
    (A⁺A)ᵢᵢ = 1, and row i of A⁺ says by which rules.
    """
    unknown = np.flatnonzero((reason != "") & (n > 0))
    binding = sums[(sums @ n == 0) & (sums[:, unknown] != 0).any(axis=1)]
    if not len(binding):
        return []
    inverse = np.linalg.pinv(binding[:, unknown])
    solved = np.einsum("ij,ji->i", inverse, binding[:, unknown]) > 1 - 1e-9
    solved &= reason[unknown] != COMPLEMENT
    if not solved.any():
        return []
    rules = binding[np.abs(inverse[np.flatnonzero(solved)[0]]) > 1e-9]
    return [_smallest(n, (rules != 0).any(axis=0) & (reason == "") & (n > 0))]


def _smallest(n: np.ndarray, able: np.ndarray) -> int:
    """Return the cell with fewest people; of equals the last, which is the smaller place."""
    cells = np.flatnonzero(able)[::-1]
    return int(cells[np.argmin(n[cells])])


def _changes(mask: pd.DataFrame, years: int) -> list[np.ndarray]:
    """Return positions of the linked cells, and of the pre and post cells of the same people."""
    linked = mask[mask[names.WAVE] == names.LINKED]
    pre, post = (linked.assign(**{names.WAVE: wave}) for wave in (names.PRE, names.POST))
    grade = post[names.SUBGROUP].str.extract(rf"{names.GRADE}=(\d+)")[0].dropna().astype(int)
    post.loc[grade.index, names.SUBGROUP] = f"{names.GRADE}=" + (grade + years).astype("str")
    return [_positions(mask, cells, _CELL) for cells in (linked, pre, post)]


def _positions(table: pd.DataFrame, cells: pd.DataFrame, keys: Sequence[str]) -> np.ndarray:
    index = pd.MultiIndex.from_frame(table[keys])
    return index.get_indexer(pd.MultiIndex.from_frame(cells[keys]))
