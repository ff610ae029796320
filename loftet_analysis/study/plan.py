"""The plan: every estimate that a study asks for, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd

from loftet_analysis import names
from loftet_analysis.estimands import (
    CONTRASTS,
    ESTIMANDS,
    MAIN,
    MIDWAY,
    WHOLE,
    contrast_of_waves,
    waves_of,
)
from loftet_analysis.study.instrument import Scale
from loftet_analysis.study.study import Population, Study, school_year
from loftet_analysis.study.trends import Trend

COLUMNS = (
    names.POPULATION, names.OUTCOME, names.QUESTION, names.ESTIMAND, "contrast", names.SUBGROUP,
    names.WAVE, "family", "plan_role", "drift", "trend", "flags",
)  # fmt: skip
#: Groups that a trend by grade is known of: everybody, and groups of grades.
WITH_TREND = (names.ALL, names.GRADE, names.GRADE_BAND)
PRIMARY, SECONDARY = "primary", "secondary"
_DAYS_PER_MONTH = 30.4375


def plan(study: Study) -> pd.DataFrame:
    """Return the estimates that a study asks for.

    Parameters
    ----------
    study : Study
        As loaded, or what of it closed waves allow (:func:`~loftet_analysis.study.in_waves`).

    Returns
    -------
    DataFrame
        One row per population, outcome, estimand and subgroup (and gap, and wave, or two waves), in
        the order of study.yml, of the instrument and of ``tuple(ESTIMANDS)``: changes of scales
        asked in two waves, and levels of every wave, for roles that were asked. From and to a wave
        midway are mean changes only (`Estimand.is_change`), and these are never primary. Columns
        ``population, outcome, question`` (empty where the scale names none), ``estimand, contrast``
        (of gaps, ``mid - pre`` and ``post - mid``; from before to after empty), ``subgroup``
        (``all``, ``grade=7``), ``wave`` (of levels, else empty), ``family`` (empty, or "pupils:
        primary"), ``plan_role`` (primary, secondary), ``drift`` (in SD between the two waves, where
        one is declared for an outcome of people who grow older), ``trend`` (of same-grade changes
        the :class:`~loftet_analysis.study.trends.Trend` between the calendar years of the two
        waves, where there is one; of everybody, of grades, and of each cohort between its own
        years), ``flags``
        (``programme_months=18`` of a grade's same-grade change, where the study declares a
        programme: how long the later wave's pupils of that grade can have had it).

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> plan(load_study("sats"))[["outcome", "estimand", "plan_role"]].head(2)
       outcome       estimand  plan_role
    0  effort  linked_change  secondary
    1  effort  school_change  secondary
    """
    rows = []
    for population in study.populations.values():
        family = study.analysis.primary.get(population.name)
        for scale in population.instrument.scales.values():
            for estimand, contrast, subgroup, wave in _asked(study, population, scale):
                declared = family and scale.name in family.outcomes and estimand in family.estimands
                primary = declared and subgroup == names.ALL and contrast not in MIDWAY
                rows.append(
                    {
                        names.POPULATION: population.name,
                        names.OUTCOME: scale.name,
                        names.QUESTION: scale.question or "",
                        names.ESTIMAND: estimand,
                        "contrast": contrast,
                        names.SUBGROUP: subgroup,
                        names.WAVE: wave,
                        "family": f"{population.name}: {PRIMARY}" if primary else "",
                        "plan_role": PRIMARY if primary else SECONDARY,
                        "drift": _drift(study, population.name, scale.name, estimand, contrast),
                        "trend": _trend(
                            study, population.name, scale.name, estimand, contrast, subgroup
                        ),
                        "flags": _programme_months(study, population, estimand, subgroup, contrast),
                    }
                )
    kinds = dict.fromkeys(COLUMNS, str) | {"drift": float, "trend": object}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(kinds)


def main_estimands(study: Study, population: str) -> tuple[str, ...]:
    """Return the comparisons that can stand for a change of a population in short, best first.

    Parameters
    ----------
    study : Study
    population : str

    Returns
    -------
    tuple of str
        The changes that study.yml declares primary, in its order; then `MAIN`. Where before and
        after are in one school year, the same grades are the same people, and `linked_change` is
        the first of these.

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> main_estimands(load_study("demo"), "pupils")
    ('same_grade', 'linked_change', 'participants', 'school_change')
    """
    family = study.analysis.primary.get(population)
    declared = family.estimands if family else ()
    changes = [e for e in declared if ESTIMANDS[e].is_change and not ESTIMANDS[e].is_difference]
    followed = [] if study.years_between(population) else ["linked_change"]
    return tuple(dict.fromkeys([*changes, *followed, *MAIN]))


def main_changes(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the change that stands for each outcome in short.

    Parameters
    ----------
    study : Study
    rows : DataFrame
        Effects, with `population, outcome, estimand, contrast, subgroup`, of one region or several.

    Returns
    -------
    DataFrame
        One row per region, population and outcome that has a change of everybody, in the order of
        the rows: the first of `main_estimands`; from before to after, or to midway where an outcome
        has no other.
    """
    order = {name: main_estimands(study, name) for name in study.populations}
    ranks = {
        (name, estimand, contrast): (midway, place)
        for name, estimands in order.items()
        for place, estimand in enumerate(estimands)
        for midway, contrast in enumerate((WHOLE, MIDWAY[0]))
    }
    waves = rows["contrast"].map(contrast_of_waves)
    keys = zip(rows[names.POPULATION], rows[names.ESTIMAND], waves, strict=True)
    place = pd.Series([ranks.get(key) for key in keys], dtype=object)
    place = place[rows[names.SUBGROUP].eq(names.ALL).to_numpy() & place.notna()].sort_values()
    outcomes = rows.iloc[place.index][[names.REGION, names.POPULATION, names.OUTCOME]]
    return rows.iloc[sorted(place.index[~outcomes.duplicated().to_numpy()])]


def closed_waves(study: Study, population: Population) -> tuple[str, ...]:
    """Return the waves of a population whose answers may be told, in their order."""
    return tuple(wave for wave in names.WAVES if wave in study.waves and wave in population.files)


def _asked(
    study: Study, population: Population, scale: Scale
) -> Iterator[tuple[str, str, str, str]]:
    """Give the estimands, contrasts, subgroups and waves of one scale."""
    closed = [wave for wave in closed_waves(study, population) if wave in scale.waves]
    for estimand in _estimands(study, population, scale.roles):
        if estimand == "level":
            levels = (names.ALL, *_groups_with_levels(study, population, scale.roles))
            yield from ((estimand, "", group, wave) for wave in closed for group in levels)
            continue
        contrasts = _contrasts(study, population, estimand, closed)
        if estimand == "gap_change":
            gaps = _gaps(study, population) if contrasts else ()
            yield from ((estimand, gap, names.ALL, "") for gap in gaps)
            continue
        for contrast in contrasts:
            yield estimand, contrast, names.ALL, ""
            groups = _groups_with_changes(study, population, estimand, contrast)
            yield from ((estimand, contrast, group, "") for group in groups)


def _contrasts(
    study: Study, population: Population, estimand: str, closed: Sequence[str]
) -> list[str]:
    """Return the pairs of waves that an estimand compares: the whole study, and midway."""
    whole = [""] if {names.PRE, names.POST} <= {*closed} else []
    if not ESTIMANDS[estimand].is_change:
        return whole
    midway = [each for each in MIDWAY if {*closed} >= {*CONTRASTS[each]}]
    if ESTIMANDS[estimand].needs_also == "years":  # within a school year nobody moves up
        midway = [e for e in midway if study.years_between(population.name, waves_of(e))]
    return whole + midway


def _gaps(study: Study, population: Population) -> Iterator[str]:
    """Give the differences between a group and the first one of its column."""
    for column in study.gaps(population.name):
        first, *others = study.groups(population.name, column) or ("",)
        yield from (f"{column}={other} - {column}={first}" for other in others)


def _groups_with_changes(
    study: Study, population: Population, estimand: str, contrast: str
) -> Iterator[str]:
    """Give the groups whose change is asked; of some estimands those of cohorts alone."""
    asked = ESTIMANDS[estimand]
    for column in study.planned_groups(population.name):
        by_cohort = column == names.COHORT and asked.is_change and not asked.is_difference
        if asked.by_subgroup or by_cohort:
            for group in study.groups(population.name, column):
                if _can_be_met(study, population, estimand, contrast, column, group):
                    yield f"{column}={group}"


def _groups_with_levels(
    study: Study, population: Population, roles: tuple[str, ...] | None
) -> Iterator[str]:
    """Give the groups whose levels are asked: the study's subgroups, and roles where several are.

    Of a scale that one role was asked that role is everybody.
    """
    for column in dict.fromkeys((*study.planned_groups(population.name), names.ROLE)):
        groups = study.groups(population.name, column)
        if column == names.ROLE:
            groups = tuple(group for group in groups if roles is None or group in roles)
            groups = groups if len(groups) > 1 else ()
        yield from (f"{column}={group}" for group in groups)


def _can_be_met(
    study: Study, population: Population, estimand: str, contrast: str, column: str, group: str
) -> bool:
    """Return whether a subgroup of linked people can be found again by its grade."""
    by_grade = column == names.GRADE and estimand == "linked_change"
    years = study.years_between(population.name, waves_of(contrast))
    return not by_grade or int(group) + years in study.grades


def _estimands(study: Study, population: Population, roles: tuple[str, ...] | None) -> list[str]:
    """Return the population's estimands without those that cannot be asked of a scale."""
    asked = set(names.ROLES if roles is None else roles)
    wanted = [name for name in population.estimands if set(ESTIMANDS[name].roles) <= asked]
    if population.declared is not None:
        return wanted
    # what nobody declared is asked only where the study can answer it
    there = {
        "": True,
        "comparison": bool(study.comparison),
        "years": any(study.years_between(population.name, w) for w in CONTRASTS.values()),
        "attendance": population.attendance is not None,
    }
    of_pupils = population.name == "pupils"
    return [
        name
        for name in wanted
        if there[ESTIMANDS[name].needs_also] and (of_pupils or not ESTIMANDS[name].is_equity)
    ]


def _drift(
    study: Study, population: str, outcome: str, estimand: str, contrast: str
) -> float | None:
    declared = study.analysis.drift.get(population, {}).get(outcome)
    if declared is None or not ESTIMANDS[estimand].people_grow_older:
        return None
    return declared.per_grade * study.years_between(population, waves_of(contrast))


def _trend(
    study: Study, population: str, outcome: str, estimand: str, contrast: str, subgroup: str
) -> Trend | None:
    by, _, group = subgroup.partition("=")
    if estimand != "same_grade" or by not in (*WITH_TREND, names.COHORT):
        return None
    cohort = group if by == names.COHORT else ""
    return study.trend(population, outcome, waves_of(contrast), cohort)


def _programme_months(
    study: Study, population: Population, estimand: str, subgroup: str, contrast: str
) -> str:
    """Say how long a grade's pupils of the later wave can have had the programme, if any."""
    column, _, grade = subgroup.partition("=")
    if not study.has_programme or estimand != "same_grade" or column != names.GRADE:
        return ""
    both = (names.PRE, waves_of(contrast)[1])
    months = set()
    for cohort in study.cohorts or ("",):
        waves = study.wave_dates(population.name, cohort)
        pre, post = (waves[wave].start if wave in waves else None for wave in both)
        if pre and post:
            year = school_year(post) - (int(grade) - names.GRADES[0])
            since = max(pre, date(year, 8, 1))
            months.add(round((post - since).days / _DAYS_PER_MONTH))
    return f"programme_months={months.pop()}" if len(months) == 1 else ""
