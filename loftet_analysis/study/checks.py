"""What can be wrong between the parts of a study whose parts are well formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from loftet_analysis import names
from loftet_analysis.errors import Problem
from loftet_analysis.study.instrument import RESERVED, normalise_label
from loftet_analysis.study.study import Population, Study
from loftet_analysis.study.yamlfile import Document, did_you_mean

BACKGROUND = (names.SCHOOL, names.GRADE, names.ROLE, names.GENDER, names.SUBMITTED)


def check_study(study: Study, document: Document) -> list[Problem]:
    """Return what is wrong between waves, populations, columns, values and the analysis.

    Parameters
    ----------
    study : Study
        Whole; an instrument without scales is not checked against.
    document : Document
        Its study.yml, for the lines.
    """
    problems = [*_check_waves(study, document), *_check_shared_files(study, document)]
    for population in study.populations.values():
        problems += _check_files(population, study, document)
        problems += _check_columns(population, document)
        problems += _check_lists(population, study, document)
        problems += _check_values(population, document)
        steps = ("populations", population.name, "estimands")
        problems += _check_estimands(population, population.declared or (), document, steps)
    problems += _check_primary(study, document)
    return [*problems, *_check_groupings(study, document), *_check_drift(study, document)]


def _check_waves(study: Study, document: Document) -> Iterator[Problem]:
    where, found = document.where("waves"), ", ".join(study.waves)
    for wave in (names.PRE, names.POST):
        if wave not in study.waves:
            todo = f"add {wave}, also when it is still to come"
            yield Problem(f"missing key: waves.{wave}", found, "pre, mid, post", where, todo)
    dated = [(name, wave) for name, wave in study.waves.items() if wave.start]
    if 0 < len(dated) < len(study.waves):
        found = "dates for " + ", ".join(name for name, _ in dated)
        yield Problem("waves with and without dates", found, "dates for all, or none", where)
    for (earlier, one), (later, other) in pairwise(dated):
        if one.end >= other.start:
            found = f"{earlier} ends {one.end}, {later} begins {other.start}"
            where = document.where("waves", later, "from")
            yield Problem("waves out of order", found, f"{earlier} before {later}", where)
    if len(set(study.languages)) < len(study.languages):
        found, where = ", ".join(study.languages), document.where("languages")
        yield Problem("a language stands twice", found, "each once", where)


def _check_shared_files(study: Study, document: Document) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for population in study.populations.values():
        for wave, file in population.files.items():
            owner = f"{population.name} {wave}"
            other = owners.setdefault((file.file, file.pattern), owner)
            if other != owner:
                yield Problem(
                    "one export for two waves or populations",
                    f"{file.file} ({other}; {owner})",
                    "a file each, or one wide file with a pattern per wave",
                    document.where("populations", population.name, "files", wave, "file"),
                )


def _check_files(population: Population, study: Study, document: Document) -> Iterator[Problem]:
    for wave, file in population.files.items():
        steps = ("populations", population.name, "files", wave)
        if wave not in study.waves:
            what = f"files of a wave that the study does not have ({population.name})"
            allowed = ", ".join(study.waves)
            yield Problem(what, wave, allowed, document.where(*steps), f"add {wave} to waves")
        for column in file.columns:
            if column not in population.column_names:
                yield Problem(
                    f"a file renames a column that {population.name} does not have",
                    column,
                    ", ".join(population.column_names),
                    document.where(*steps, "columns", column),
                    did_you_mean(column, population.column_names),
                )


def _check_columns(population: Population, document: Document) -> Iterator[Problem]:
    steps = ("populations", population.name, "columns")
    if names.SCHOOL not in population.columns:
        what = f"missing key: {'.'.join(steps)}.{names.SCHOOL}"
        found, where = ", ".join(population.columns), document.where(*steps)
        yield Problem(what, found, where=where, todo="name the export column of the school")
    instrument = population.instrument
    taken = {*RESERVED, *instrument.scales, *instrument.items} - {*BACKGROUND}
    for column in population.columns:
        if column in taken:
            yield Problem(
                f"a background column of {population.name} with a name that is taken",
                column,
                ", ".join(BACKGROUND) + ", or a new name",
                document.where(*steps, column),
            )
    if population.role and names.ROLE in population.columns:
        what = f"one role for all and a column of roles ({population.name})"
        where = document.where("populations", population.name, "role")
        yield Problem(what, population.role, where=where, todo="keep one of them")


def _check_lists(population: Population, study: Study, document: Document) -> Iterator[Problem]:
    steps = ("populations", population.name)
    for wave, consent in population.consent.items():
        if wave not in study.waves and {*population.consent} != {*names.WAVES}:
            what, allowed = f"consent in a wave without files ({population.name})", study.waves
            where = document.where(*steps, "consent", wave)
            yield Problem(what, wave, ", ".join(allowed), where, f"add {wave} to waves")
        if consent.guardian and population.name != "pupils":
            what, where = "a guardian's consent for grown-ups", document.where(*steps, "consent")
            yield Problem(what, population.name, "pupils", where, "take guardian out")
    if len(population.link.elements) == 1 or (
        population.link.elements and population.link.by != "code"
    ):
        what, where = "elements of what is no code of several", document.where(*steps, "link")
        found, allowed = f"by: {population.link.by}", "by: code, and the signs of each element"
        yield Problem(what, found, allowed, where, "such as elements: [2, 2, 1, 1, 1, 1]")
    register = population.attendance
    if register and register.id and population.link.by != "id":
        yield Problem(
            "a register of attendance without ids to join it by",
            found=f"link by {population.link.by}",
            allowed="link: {by: id, …}, or a register by school",
            where=document.where(*steps, "attendance"),
            todo="take the register out, or link by the id that it holds",
        )


def _check_values(population: Population, document: Document) -> Iterator[Problem]:
    for column, texts in population.values.items():
        steps = ("populations", population.name, "values", column)
        if column not in population.columns:
            what = f"values of a column that {population.name} does not have"
            allowed, todo = ", ".join(population.columns), did_you_mean(column, population.columns)
            yield Problem(what, column, allowed, document.where(*steps), todo)
        owners: dict[str, str] = {}
        for value, labels in texts.items():
            where = document.where(*steps, value)
            if column == names.ROLE and value not in names.ROLES:
                todo = did_you_mean(value, names.ROLES)
                yield Problem("unknown role", value, ", ".join(names.ROLES), where, todo)
            if column == names.GRADE and not value.isdigit():
                yield Problem("grade is not a number", value, "a whole number", where)
            for label in labels:
                other = owners.setdefault(normalise_label(label), value)
                if other != value:
                    found = f"{label} ({other}; {value})"
                    what = f"one text for two values of {column}"
                    yield Problem(what, found, "each text once", where)


def _check_primary(study: Study, document: Document) -> Iterator[Problem]:
    for name, family in study.analysis.primary.items():
        steps = ("analysis", "primary", name)
        population = study.populations.get(name)
        if population is None:
            what, there = "primary outcomes of an absent population", ", ".join(study.populations)
            yield Problem(what, name, there, document.where(*steps))
            continue
        scales, both = population.instrument.scales, _asked_twice(population)
        for index, outcome in enumerate(family.outcomes):
            if scales and outcome not in both:
                yield Problem(
                    f"primary outcome that the instrument of {name} does not have"
                    if outcome not in scales
                    else "primary outcome that is not asked both before and after",
                    outcome,
                    ", ".join(both),
                    document.where(*steps, "outcomes", index),
                    did_you_mean(outcome, both),
                )
        wanted = (*steps, "estimands")
        yield from _check_estimands(population, family.estimands, document, wanted)


def _asked_twice(population: Population) -> list[str]:
    scales = population.instrument.scales.items()
    return [name for name, scale in scales if {names.PRE, names.POST} <= {*scale.waves}]


def _check_groupings(study: Study, document: Document) -> Iterator[Problem]:
    for key in ("subgroups", "gaps"):
        for name, columns in getattr(study.analysis, key).items():
            steps = ("analysis", key, name)
            population = study.populations.get(name)
            if population is None:
                there = ", ".join(study.populations)
                yield Problem(f"{key} of an absent population", name, there, document.where(*steps))
                continue
            for index, column in enumerate(columns):
                if column not in population.groupings:
                    yield Problem(
                        f"{key} by a column whose groups are not known",
                        column,
                        ", ".join(population.groupings) or "none",
                        document.where(*steps, index),
                        did_you_mean(column, population.groupings)
                        or f"name the column's values (populations.{name}.values.{column})",
                    )


def _check_drift(study: Study, document: Document) -> Iterator[Problem]:
    for name, outcomes in study.analysis.drift.items():
        steps = ("analysis", "drift", name)
        population = study.populations.get(name)
        if population is None:
            what, there = "drift of an absent population", ", ".join(study.populations)
            yield Problem(what, name, there, document.where(*steps))
        elif not study.years_between:
            what, todo = "drift without dates", "give the waves their dates"
            yield Problem(
                what, name, "waves in different school years", document.where(*steps), todo
            )
        else:
            both = _asked_twice(population)
            for outcome in outcomes:
                if population.instrument.scales and outcome not in both:
                    yield Problem(
                        f"drift of an outcome that {name} are not asked both before and after",
                        outcome,
                        ", ".join(both),
                        document.where(*steps, outcome),
                        did_you_mean(outcome, both),
                    )


def _check_estimands(
    population: Population, wanted: Sequence[str], document: Document, steps: tuple[str, ...]
) -> Iterator[Problem]:
    for index, estimand in enumerate(wanted):
        if estimand not in population.possible_estimands:
            yield Problem(
                f"estimand that the columns of {population.name} do not allow",
                estimand,
                ", ".join(population.possible_estimands) or "none without a link or a grade",
                document.where(*steps, index),
                "same_grade needs a grade, linked_change a link, the others a link and both roles",
            )
