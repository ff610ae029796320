"""Schools, grades and questionnaires that one wave has and another lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import permutations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.account import MOST_LEFT_OUT
from loftet_analysis.errors import Problem, named
from loftet_analysis.study import CLOSED, Study
from loftet_analysis.study.phases import Phases

_LACKING = "schools without a questionnaire in one wave, with answers in another"
_NAMED = 10  # schools that a message names
_FEWEST_AT_SCHOOL = 5  # answers of a school in one wave, that has none in another
_FEWEST = 20  # questionnaires of a grade, or of a wave
_SHARE = 0.6  # of the questionnaires of another wave


def coverage(study: Study, states: Phases, response: pd.DataFrame) -> list[Problem]:
    """Return what is said of the schools, grades and numbers of questionnaires of closed waves.

    Schools of the register without a questionnaire; a warning of those that have answers in another
    wave (where they are up to 2 % of that wave, a remark), of a grade that must be there after so
    many years and is not, and of a wave with fewer than 60 % of another's questionnaires at the
    schools and in the grades that both have. Schools that have not been invited, or are there for
    comparison, are passed over, and so are schools whose grades a wave does not ask.

    Parameters
    ----------
    study : Study
    states : mapping
        State of each population in each wave.
    response : DataFrame
        ``schema.RESPONSE``.
    """
    over = {place[:2] for place, state in states.items() if state == CLOSED}
    places = zip(response[names.POPULATION], response[names.WAVE], strict=True)
    response = response[[place in over for place in places]]
    warned: dict[tuple[str, str, str], str] = {}
    remarks: list[Problem] = []
    share = 0.0
    for who, table in response.groupby(names.POPULATION, sort=False):
        own = table[~table[names.SCHOOL].isin(study.comparison)]
        n = _counts(own)
        years = study.years(who)
        remarks += _fewer(who, n)
        remarks += _grades_lacking(who, n, years)
        for place, other, count in _schools_lacking(study, own, n, years):
            warned[who, *place] = f"{count} in {other}"
            share = max(share, count / n.xs(other, level=names.WAVE).sum())
    return [*_silent_schools(study, response, warned, many=share > MOST_LEFT_OUT), *remarks]


def _counts(table: pd.DataFrame) -> pd.Series:
    """Return how many answered, by wave, school and grade; without grades their place is 0."""
    by_grade = table[names.SUBGROUP].str.startswith(f"{names.GRADE}=")
    rows = table[by_grade] if by_grade.any() else table[table[names.SUBGROUP].eq(names.ALL)]
    grade = rows[names.SUBGROUP].str.extract(r"=(\d+)$")[0].fillna("0").astype(int)
    keys = [rows[names.WAVE], rows[names.SCHOOL], grade.rename(names.GRADE)]
    n = rows["n_answered"].fillna(0).astype(int).groupby(keys, sort=False).sum()
    return n[n > 0]


def _grades(n: pd.Series, wave: str, fewest: int = 1) -> set[int]:
    """Return the grades of which so many people of a wave answered."""
    if wave not in n.index.get_level_values(names.WAVE):
        return set()
    counts = n.xs(wave, level=names.WAVE).groupby(names.GRADE).sum()
    return {*counts.index[counts >= fewest]}


def _schools_lacking(
    study: Study, table: pd.DataFrame, n: pd.Series, years: Mapping[str, int]
) -> Iterator[tuple[tuple[str, str], str, int]]:
    """Yield wave and school without answers, another wave, and the school's answers there."""
    everybody = table[table[names.SUBGROUP].eq(names.ALL)].set_index([names.WAVE, names.SCHOOL])
    answered = everybody["n_answered"].fillna(0)
    invited = everybody["n_invited"].ne(0).fillna(True)
    spans = study.schools.set_index(names.SCHOOL)["grades"].str.extract(r"(\d+)\D*(\d+)?")
    last = spans[1].fillna(spans[0]).astype(float)
    for wave, school in answered.index[answered.eq(0) & invited]:
        asked = _grades(n, wave)
        for other in answered.xs(school, level=names.SCHOOL).index:
            count = int(answered[other, school])
            if count < _FEWEST_AT_SCHOOL or (other, school) not in n.index.droplevel(names.GRADE):
                continue
            there = {*n.loc[other, school].index}
            risen = {grade + years[wave] - years[other] for grade in there if grade}
            if there & asked or {grade for grade in risen & asked if grade <= last[school]}:
                yield (wave, school), other, count
                break


def _silent_schools(
    study: Study,
    response: pd.DataFrame,
    warned: Mapping[tuple[str, str, str], str],
    *,
    many: bool,
) -> Iterator[Problem]:
    """Name the schools without a questionnaire of a wave, and those with more than invited."""
    spelt = study.schools.set_index(names.SCHOOL)["school"]
    everybody = response[response[names.SUBGROUP].eq(names.ALL)]
    silent = everybody["n_answered"].eq(0) & everybody["n_invited"].ne(0).fillna(True)
    plain: dict[str, list[str]] = {}
    elsewhere: dict[str, list[str]] = {}
    for row in everybody[silent].to_dict("records"):
        who, wave, school = row[names.POPULATION], row[names.WAVE], row[names.SCHOOL]
        name = spelt[school] or school
        if told := warned.get((who, wave, school)):
            elsewhere.setdefault(f"{who} {wave}", []).append(f"{name} ({told})")
        else:
            plain.setdefault(f"{who} {wave}", []).append(name)
    kinds = {
        "schools of the register without a questionnaire": plain,
        f"{'warning: ' if many else ''}{_LACKING}": elsewhere,
    }
    todo = "did it reach them, and are their answers under another name? is the export whole, and "
    todo += "no filter on? else write 0 as invited"
    for what, places in kinds.items():
        if places:
            found = "; ".join(f"{place}: {named(all_, _NAMED)}" for place, all_ in places.items())
            yield Problem(what, found, "", study.name, todo)
    more = everybody["n_answered"].gt(everybody["n_invited"]) & everybody["n_invited"].gt(0)
    rows = everybody[more.fillna(False).astype(bool)]
    if len(rows):
        many_of = [
            f"{spelt[row[names.SCHOOL]]} ({row[names.POPULATION]} {row[names.WAVE]}: "
            f"{row['n_answered']} of {row['n_invited']})"
            for row in rows.to_dict("records")
        ]
        what, todo = "schools where more have answered than were invited", "correct the register"
        yield Problem(what, named(many_of, _NAMED), "", study.name, f"{todo}, or look who answered")


def _grades_lacking(who: str, n: pd.Series, years: Mapping[str, int]) -> Iterator[Problem]:
    """Yield a warning of grades that a later wave must have, whichever grades it asks.

    A wave asks the same grades as the one before, or the same people, who have risen.
    """
    waves = [wave for wave in years if _grades(n, wave) - {0}]
    for place, after in enumerate(waves[1:], 1):
        before = waves[place - 1]
        there = _grades(n, after)
        same = _grades(n, before, _FEWEST)
        risen: set[int] = {grade + years[after] - years[before] for grade in same}
        highest = max(there | same, default=0)
        lacking = [{g for g in must if g <= highest} - there for must in (same, risen)]
        if all(lacking):
            fewer = min(lacking, key=len)
            what = "warning: a grade without a questionnaire, which another wave has"
            found = f"grade {', '.join(map(str, sorted(fewer)))}; {before} has {_spelt(same)}, "
            found += f"{after} {_spelt(there)}"
            todo = "is the export of this wave whole, and no filter on?"
            allowed = "the grades of the wave before, or those into which its people have risen"
            yield Problem(what, found, allowed, f"{who}, {after}", todo)


def _spelt(grades: Collection[int]) -> str:
    return ", ".join(map(str, sorted(grades))) or "none"


def _fewer(who: str, n: pd.Series) -> Iterator[Problem]:
    """Yield a warning of a wave with far fewer questionnaires than another, where both asked."""
    waves = list(dict.fromkeys(n.index.get_level_values(names.WAVE)))
    for few, many in permutations(waves, 2):
        here, there = (n.xs(wave, level=names.WAVE) for wave in (few, many))
        schools = {*here.index.get_level_values(names.SCHOOL)} & {
            *there.index.get_level_values(names.SCHOOL)
        }
        grades = _grades(n, few) & _grades(n, many)
        counts = [
            int(
                each[
                    each.index.isin(schools, level=names.SCHOOL)
                    & each.index.isin(grades, level=names.GRADE)
                ].sum()
            )
            for each in (here, there)
        ]
        if counts[1] >= _FEWEST and 0 < counts[0] < _SHARE * counts[1]:
            found = f"{counts[0]} in {few}, {counts[1]} in {many}, at the schools"
            found += (" and in the grades" if grades - {0} else "") + " that both have"
            what = "warning: a wave with far fewer questionnaires than another"
            todo = "is the export a whole one, from after the wave's last day, and no filter on?"
            yield Problem(what, found, f"at least {_SHARE:.0%}", f"{who}, {few}", todo)
