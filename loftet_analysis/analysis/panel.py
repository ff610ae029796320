"""A clean frame arranged for many outcomes: waves, schools, pairs, feeder groups, cells, roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.study import grade_bands

SCHOOL_PRE = "school_pre"
SCHOOL_POST = "school_post"
LEAVING = 1 / 3  # share of leavers from which a school belongs to the school that they enter
SCHOOL, POST_SCHOOL, FEEDER, NETWORK = "school", "post_school", "feeder_group", "network"
REGION = "region"

Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Panel:
    """A clean frame with everything that its outcomes share.

    Attributes
    ----------
    frame : DataFrame
        The clean frame, n rows.
    pre, post : ndarray of bool, shape (n,)
        Rows of the earlier and of the later wave of those that are compared; of cohorts only
        those that answered in both.
    school : ndarray of int, shape (n,)
        Codes in the order of school_id.
    first, second : ndarray of int
        Positions of the pre and the post row of each linked person.
    feeder : ndarray of int
        Feeder group of each school code, in school codes.
    grade : ndarray of float, shape (n,)
        NaN where missing.
    n_grades : int
        0 where the frame has no grades.
    cell : ndarray of int, shape (n,)
        School code × n_grades + grade code; -1 where the grade is missing.
    role : ndarray of str, shape (n,)
        "" where missing.
    compared : ndarray of bool, shape (n,)
        Rows of schools outside the programme.
    years : int
        School years from the earlier wave to the later; 0 where that is not known.
    region : ndarray of int, shape (n,), or None
        Codes in the order of the regions' names, -1 where it is missing; None where the frame has
        no regions.
    given : mapping of str to ndarray of int, shape (n,)
        Clusters that a frame of pairs brings, by their kind.
    """

    frame: pd.DataFrame
    pre: Mask
    post: Mask
    school: Codes
    first: Codes
    second: Codes
    feeder: Codes
    grade: Floats
    n_grades: int
    cell: Codes
    role: NDArray[np.object_]
    compared: Mask
    years: int
    region: Codes | None = None
    given: Mapping[str, Codes] = field(default_factory=dict)
    # as every outcome asks for the same ones
    _rows: dict[str, Mask] = field(default_factory=dict, init=False, repr=False, compare=False)

    def clusters(self, kind: str) -> Codes:
        """Return each row's cluster: school, feeder group, network, region, or that after.

        Those that a frame of pairs brings go before.

        Raises
        ------
        InputError
            Where the clusters are regions and answers have none.
        """
        if kind in self.given:
            return self.given[kind]
        if kind == REGION:
            return self._with_region()
        if kind == FEEDER:
            return self.feeder[self.school]
        if kind == NETWORK:
            before, after = self.school[self.first], self.school[self.second]
            return networks(before, after, len(self.feeder))[self.school]
        if kind == POST_SCHOOL:
            codes = self.school.copy()
            codes[self.first] = self.school[self.second]
            return codes
        return self.school

    def rows_of_wave(self, wave: str) -> Mask:
        """Return the rows of a wave, whichever it is."""
        of_wave = self.frame[names.WAVE].eq(wave) if names.WAVE in self.frame else self.pre & False
        return np.asarray(pd.Series(of_wave).fillna(False), dtype=bool)

    @property
    def n_regions(self) -> int:
        """How many regions there are answers of, before or after."""
        if self.region is None:
            return 0
        there = self.region[(self.pre | self.post) & (self.region >= 0)]
        return len(np.unique(there))

    def cluster_of_school(self, kind: str) -> Codes:
        """Return each school's cluster: itself, its feeder group, or its region.

        Raises
        ------
        InputError
            Where answers have no region, or a school lies in two.
        """
        codes = np.arange(len(self.feeder))
        if kind != REGION:
            return self.feeder if kind == FEEDER else codes
        region = self._with_region()
        codes[self.school] = region
        astray = np.unique(self.school[codes[self.school] != region])
        if len(astray):
            raise InputError(
                "a school lies in two regions",
                found=f"{len(astray)} of {len(codes)} schools",
                allowed="every school in one region in both waves",
                todo="settle the schools' regions in cleaning",
            )
        return codes

    def _with_region(self) -> Codes:
        region = np.full(len(self.frame), -1) if self.region is None else self.region
        lacking = np.count_nonzero(region < 0)
        if lacking:
            raise InputError(
                "answers without a region",
                found=f"{lacking} rows",
                allowed=f"a {names.REGION} in every row of clean data",
                todo="set them aside in cleaning",
            )
        return region


def arrange(
    clean: pd.DataFrame,
    *,
    years: int = 0,
    waves: tuple[str, str] = (names.PRE, names.POST),
) -> Panel:
    """Return what all outcomes of a clean frame share.

    Parameters
    ----------
    clean : DataFrame
        Clean frame.
        A true `comparison` marks rows of schools outside the programme.
    years : int, default 0
        School years from the earlier wave to the later.
    waves : (str, str), default ("pre", "post")
        The earlier and the later wave.

    Raises
    ------
    InputError
        Where the frame lacks `wave` or `school_id`, or holds a person twice in a wave.

    Examples
    --------
    >>> people = arrange(pd.DataFrame({"wave": ["pre", "post", "pre"], "school_id": list("aba"),
    ...                                "person_id": ["x", "x", None]}))
    >>> people.first, people.second, people.feeder
    (array([0]), array([1]), array([1, 1]))
    """
    lacking = [name for name in (names.WAVE, names.SCHOOL) if name not in clean]
    if lacking:
        raise InputError(
            Problem(f"no column {name} in the clean data", found=", ".join(map(str, clean.columns)))
            for name in lacking
        )
    if clean[names.SCHOOL].isna().any():
        raise InputError(
            "answers without a school",
            found=f"{int(clean[names.SCHOOL].isna().sum())} rows",
            allowed=f"a {names.SCHOOL} in every row of clean data",
            todo="set them aside in cleaning",
        )
    pre, post = ((clean[names.WAVE] == wave).fillna(False).to_numpy(bool) for wave in waves)
    if names.COHORT in clean:
        cohort = pd.factorize(clean[names.COHORT])[0]
        in_both = np.intersect1d(cohort[pre], cohort[post])
        pre, post = (rows & np.isin(cohort, in_both) for rows in (pre, post))
    school, schools = pd.factorize(clean[names.SCHOOL], sort=True)
    first, second = _pairs(clean, dict(zip(waves, (pre, post), strict=True)))
    moves = pd.DataFrame({SCHOOL_PRE: school[first], SCHOOL_POST: school[second]})
    heads = feeder_groups(moves)
    feeder = np.arange(len(schools))
    feeder[heads.index.to_numpy(int)] = heads.to_numpy(int)
    grade = np.full(len(clean), np.nan)
    if names.GRADE in clean:
        grade = clean[names.GRADE].to_numpy(dtype=float, na_value=np.nan)
    code, grades = pd.factorize(grade, sort=True)
    region = None
    if names.REGION in clean:
        region = pd.factorize(clean[names.REGION], sort=True)[0]
    compared = np.zeros(len(clean), dtype=bool)
    if "comparison" in clean:
        compared = clean["comparison"].fillna(False).to_numpy(dtype=bool)
    return Panel(
        frame=clean,
        pre=pre,
        post=post,
        school=school,
        first=first,
        second=second,
        feeder=feeder,
        grade=grade,
        n_grades=len(grades),
        cell=np.where(code < 0, -1, school * len(grades) + code),
        role=roles(clean),
        compared=compared,
        years=years,
        region=region,
    )


def _pairs(clean: pd.DataFrame, waves: Mapping[str, Mask]) -> tuple[Codes, Codes]:
    """Return the rows of those who are in both waves, in the order of their earlier rows."""
    if names.PERSON not in clean:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    person, persons = pd.factorize(clean[names.PERSON])
    place = np.full((2, len(persons)), -1)
    for i, (wave, rows) in enumerate(waves.items()):
        here = np.flatnonzero(rows & (person >= 0))
        place[i, person[here]] = here
        surplus = len(here) - np.count_nonzero(place[i] >= 0)
        if surplus:
            raise InputError(
                "a person more than once in a wave",
                found=f"{surplus} rows too many in wave {wave}",
                allowed=f"one row per {names.PERSON} and wave",
                todo="settle duplicates in cleaning",
            )
    first, second = place[:, (place >= 0).all(axis=0)]
    order = np.argsort(first)
    return first[order], second[order]


def roles(frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return each row's role, empty where there is none."""
    role = frame.get(names.ROLE, pd.Series("", index=frame.index)).astype(object)
    return role.where(role.notna(), "").to_numpy()


def persons(clean: pd.DataFrame) -> Codes:
    """Return a code per row for its person; a row without an id is a person of its own."""
    if names.PERSON not in clean:
        return np.arange(len(clean))
    code, people = pd.factorize(clean[names.PERSON])
    return np.where(code < 0, len(people) + np.arange(len(clean)), code)


def answers(people: Panel, outcome: str) -> Floats:
    """Return an outcome's answers, NaN where missing."""
    if outcome not in people.frame:
        raise NotEstimableError("no_outcome")
    return people.frame[outcome].to_numpy(dtype=float, na_value=np.nan)


def subgroup_rows(people: Panel, subgroup: str) -> Mask:
    """Return the rows of a subgroup, ``all`` or ``column=value``; not to be written to."""
    if subgroup not in people._rows:
        rows = _subgroup_rows(people, subgroup)
        rows.flags.writeable = False
        people._rows[subgroup] = rows
    return people._rows[subgroup]


def _subgroup_rows(people: Panel, subgroup: str) -> Mask:
    if subgroup == names.ALL:
        return np.ones(len(people.frame), dtype=bool)
    column, _, value = subgroup.partition("=")
    frame = people.frame
    grades = frame.get(names.GRADE, pd.Series(dtype=float))
    if column == names.GRADE_BAND and column not in frame and grades.notna().any():
        return grade_bands(grades).eq(value).to_numpy(bool)
    if column not in frame:
        raise NotEstimableError("no_subgroup")
    shown = frame[column]
    if pd.api.types.is_numeric_dtype(shown):  # 7.0 where a file lost its whole numbers
        try:
            return (shown == float(value)).fillna(False).to_numpy(bool)
        except ValueError as unlike:  # a word where the column holds numbers
            raise NotEstimableError("no_subgroup") from unlike
    return shown.astype("string").eq(value).fillna(False).to_numpy(bool)


def complete_pairs(people: Panel, y: Floats, valid: Mask) -> tuple[Codes, Codes]:
    """Return the pairs whose earlier row is valid and whose later answer is there too."""
    kept = valid[people.first] & np.isfinite(y[people.second])
    if not kept.any():
        raise NotEstimableError("no_pairs")
    return people.first[kept], people.second[kept]


def could_be_found(people: Panel, y: Floats, valid: Mask) -> Mask:
    """Return the valid rows before of people who could have been found again.

    Where the frame has grades, those of the grades before of which anybody was found: the oldest
    have left by then.
    """
    rows, (first, _) = valid & people.pre, complete_pairs(people, y, valid)
    if names.GRADE not in people.frame:
        return rows
    grade = people.frame[names.GRADE].to_numpy(dtype=float, na_value=np.nan)
    return rows & np.isin(grade, grade[first]) if np.isfinite(grade[first]).any() else rows


def rows_of_role(people: Panel, role: str) -> Mask:
    """Return the rows of a role that must be there."""
    rows = people.role == role
    if not rows.any():
        raise NotEstimableError("no_role")
    return rows


def feeder_groups(pairs: pd.DataFrame) -> pd.Series:
    """Return the feeder group of every pre school.

    Pupils who share the first or the second school are not independent. Each pre school joins
    the post school that most of its linked leavers enter; a lower secondary school and the
    primary schools that feed it are then one cluster. Stayers do not count, since movers are
    often harder to link; but a school with fewer than half as many leavers as stayers heads a
    group of its own. Ties go to the post school that comes first in the order of its id. A pair
    that crosses a border of regions belongs where its pre school belongs.

    Parameters
    ----------
    pairs : DataFrame
        One row per linked pupil, whatever the pupil answered: `school_pre`, `school_post`.

    Returns
    -------
    Series
        Indexed by pre school in order; values are the post school that names the group.

    Examples
    --------
    >>> pairs = pd.DataFrame({
    ...     "school_pre": ["01", "01", "01", "02", "02", "09", "09", "09", "09"],
    ...     "school_post": ["09", "09", "01", "08", "09", "09", "09", "09", "08"],
    ... })
    >>> feeder_groups(pairs).to_dict()
    {'01': '09', '02': '08', '09': '09'}
    """
    left = pairs[SCHOOL_PRE] != pairs[SCHOOL_POST]
    counted = pairs[left].groupby([SCHOOL_PRE, SCHOOL_POST], observed=True).size()
    ranked = counted.rename("n").reset_index()
    ranked = ranked.sort_values([SCHOOL_PRE, "n", SCHOOL_POST], ascending=[True, False, True])
    entered = ranked.drop_duplicates(SCHOOL_PRE).set_index(SCHOOL_PRE)[SCHOOL_POST]
    share = left.groupby(pairs[SCHOOL_PRE], observed=True).mean()
    own = share.index.to_series()
    return entered.reindex(share.index).where(share >= LEAVING, own).rename(SCHOOL_POST)


def networks(before: NDArray[np.intp], after: NDArray[np.intp], n_schools: int) -> NDArray[np.intp]:
    """Return each school's network: all schools that movers join, however far.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,)
        School codes of each linked person before and after.
    n_schools : int
        Number of school codes.

    Returns
    -------
    ndarray of int, shape (n_schools,)

    Examples
    --------
    >>> networks(np.array([0, 1, 3]), np.array([1, 2, 3]), 4).tolist()
    [0, 0, 0, 1]
    """
    moves = sparse.coo_array((np.ones(len(before)), (before, after)), (n_schools, n_schools))
    return sparse.csgraph.connected_components(moves, directed=False)[1]
