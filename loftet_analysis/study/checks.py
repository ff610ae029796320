"""What can be wrong between the parts of a study whose parts are well formed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, combinations, pairwise

import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem, named
from loftet_analysis.study.instrument import RESERVED, normalise_label
from loftet_analysis.study.phases import exports_there
from loftet_analysis.study.schools import COMPARISON
from loftet_analysis.study.study import (
    DAY_FIRST,
    EXCEL,
    MONTH_FIRST,
    WAVE_HEADING,
    ExportFile,
    Family,
    Population,
    Study,
    Wave,
    WithColumns,
    row_text,
    school_year,
)
from loftet_analysis.study.yamlfile import RESEMBLES, Document, did_you_mean, nearest
from loftet_analysis.tabular.delimited import read_rows
from loftet_analysis.tabular.workbook import is_workbook

_SHOWN = 8  # cohorts in a message
_GROUPED_BY = ("subgroups", "gaps")
BACKGROUND = (names.SCHOOL, names.GRADE, names.ROLE, names.GENDER, names.SUBMITTED)


def check_study(study: Study, document: Document) -> None:
    """Report what is wrong between waves, populations, columns, values and the analysis.

    Parameters
    ----------
    study : Study
        Whole; an instrument without scales is not checked against.
    document : Document
        Its study.yml, to which the problems are reported.
    """
    _check_waves(study, document)
    _check_shared_files(study, document)
    for population in study.populations.values():
        steps = ("populations", population.name)
        _check_files(population, study, document, (*steps, "files"))
        _check_columns(population, study, document, steps)
        _check_times(population, study, document, steps)
        _check_people(population, document, steps)
        _check_values(population, document, (*steps, "values"))
        _check_estimands(population, population.declared or (), document, (*steps, "estimands"))
    _check_labels(study, document)
    _check_analysis(study, document)
    _check_selection(study, document)


def _check_labels(study: Study, document: Document) -> None:
    """Report names of columns and groups that no population has."""
    known: dict[str, None] = {}
    for population in study.populations.values():
        for column in (each for each in population.columns if each not in BACKGROUND):
            known |= {column: None}
            known |= {f"{column}={value}": None for value in population.values.get(column, ())}
    for name in study.labels:
        what = "a label of what is no background column of the study's own, nor a group of one"
        document.expect(("labels", name), what, name, known)


def _check_waves(study: Study, document: Document) -> None:
    if names.PRE not in study.waves:
        what, todo = f"missing key: waves.{names.PRE}", f"add {names.PRE}; others may come later"
        document.report(["waves"], what, ", ".join(study.waves), "pre, mid, post", todo)
    _check_dates(study.waves, document, ("waves",))
    _check_cohorts(study, document)
    if len(set(study.languages)) < len(study.languages):
        found = ", ".join(study.languages)
        document.report(["languages"], "a language stands twice", found, "each once")


def _check_cohorts(study: Study, document: Document) -> None:
    """Report what is wrong between the cohorts of the register and those of `waves`."""
    register, there = study.schools, study.schools[names.COHORT]
    if not study.windows:
        if there.ne("").any():
            met = named([*filter(None, dict.fromkeys(there))], _SHOWN)
            found = f"{met} in the register, and waves without cohorts"
            todo = "write waves: {2025: {pre: {from: …, to: …}, …}, …}, a part for each cohort"
            what, allowed = "cohorts without windows", "windows of the waves for every cohort"
            document.report(("waves",), what, found, allowed, f"{todo}; or take the column out")
        return
    outside = register["role"].eq(COMPARISON)
    spelt = {normalise_label(name): name for name in study.windows}
    met = there.map(normalise_label)
    # a comparison school may never begin
    known = met.isin([*spelt, *([COMPARISON] if outside.any() else [])])
    told = []
    if there.eq("").all():
        told.append("no cohorts in the register (column cohort, pulje or kull)")
    elif not known.all():
        strange = there[~known & there.ne("")]
        counts = ", ".join(f"{name} ({n} schools)" for name, n in strange.value_counts().items())
        told += [f"only in the register: {counts}"] if counts else []
    idle = [spelt[name] for name in spelt if not met.eq(name).any() and name != COMPARISON]
    if idle and not there.eq("").all():
        told.append(f"only in waves: {named(idle, _SHOWN)}")
    inside = there[met.eq(COMPARISON) & ~outside]
    if len(inside):
        told.append(f"{len(inside)} schools of cohort {COMPARISON} whose role is programme")
    if COMPARISON in study.windows and not outside.any():
        told.append(f"windows of {COMPARISON}, and no school with role {COMPARISON}")
    if told and len(register):
        allowed = "the same names in both; of comparison schools also " + COMPARISON
        todo = "correct the register, or the names below waves"
        document.report(("waves",), "cohorts that do not agree", "; ".join(told), allowed, todo)
    _check_windows(study, document)


def _check_windows(study: Study, document: Document) -> None:
    """Report windows of cohorts that lack a wave or dates, and waves too far apart."""
    for cohort, waves in study.windows.items():
        if names.PRE not in waves:
            what, todo = f"missing key: waves.{cohort}.{names.PRE}", f"add {names.PRE}"
            document.report(("waves", cohort), what, ", ".join(waves), "pre, mid, post", todo)
        undated = [wave for wave, each in waves.items() if not each.start]
        if undated:
            what, allowed = "windows without dates", "from and to in every window of a cohort"
            document.report(("waves", cohort), what, f"{cohort}: {', '.join(undated)}", allowed)
        else:
            _check_dates(waves, document, ("waves", cohort))
    for name, population in study.populations.items():
        steps = ("populations", name, "waves")
        for cohort in population.windows:
            what = f"windows of a cohort that the study does not have ({name})"
            document.expect((*steps, cohort), what, cohort, study.windows)
            if cohort in study.windows:
                _check_dates(study.wave_dates(name, cohort), document, (*steps, cohort))
        if names.COHORT in population.columns:
            what = f"a background column of {name} with a name that is taken"
            todo = "give it another name: the clean data say the cohort of the school"
            where = ("populations", name, "columns", names.COHORT)
            document.report(where, what, names.COHORT, todo=todo)
        if any(wave.start for wave in population.waves.values()):
            what, found = f"dates without a cohort ({name})", ", ".join(population.waves)
            allowed = "windows by cohort, as the study has them"
            document.report(steps, what, found, allowed)
    for name in study.populations:
        for wave, years in _years_from_first(study, name).items():
            if len({*years.values()}) > 1:
                what = f"cohorts whose waves are not as far apart ({name})"
                found = ", ".join(f"{n} ({cohort})" for cohort, n in years.items())
                allowed = f"one number of school years from {names.PRE} to {wave}"
                todo = "grades that follow each other would differ; take them as two studies"
                document.report(("waves",), what, found, allowed, todo)
                return


def _years_from_first(study: Study, population: str) -> dict[str, dict[str, int]]:
    """Return the school years from the first wave to each wave, by wave and cohort."""
    years: dict[str, dict[str, int]] = defaultdict(dict)
    for cohort in study.windows:
        dates = study.wave_dates(population, cohort)
        first = dates[names.PRE].start if names.PRE in dates else None
        for wave, each in dates.items():
            if first and each.start:
                years[wave][cohort] = school_year(each.start) - school_year(first)
    return years


def _check_dates(waves: Mapping[str, Wave], document: Document, steps: tuple) -> None:
    dated = [(name, of.start, of.end) for name, of in waves.items() if of.start and of.end]
    if 0 < len(dated) < len(waves):
        found = "dates for " + ", ".join(name for name, *_ in dated)
        document.report(steps, "waves with and without dates", found, "dates for all, or none")
    for (earlier, _, end), (later, start, _) in pairwise(dated):
        if end >= start:
            found = f"{earlier} ends {end}, {later} begins {start}"
            allowed = f"{earlier} before {later}"
            document.report((*steps, later, "from"), "waves out of order", found, allowed)


def _check_times(population: Population, study: Study, document: Document, steps: tuple) -> None:
    """Report what is wrong with a population's own dates, and with how it says times are written.

    A form of times has to hold year, month and day, so that a day that is written in it is the
    same day when it is read.
    """
    if population.windows and not study.windows:
        what, allowed = f"windows by cohort ({population.name})", "waves of the study by cohort too"
        document.report((*steps, "waves"), what, ", ".join(population.windows), allowed)
    for wave in () if population.windows else population.waves:
        what = f"dates of a wave that the study does not have ({population.name})"
        document.expect((*steps, "waves", wave), what, wave, study.waves)
    if population.waves and not study.windows:
        _check_dates(study.wave_dates(population.name), document, (*steps, "waves"))
    places: list[tuple[tuple, WithColumns]] = [(steps, population)]
    places += [
        ((*steps, "files", wave, place), file)
        for wave, files in population.files.items()
        for place, file in enumerate(files)
    ]
    for place, described in places:
        form = described.time_format
        if form and form not in (DAY_FIRST, MONTH_FIRST, EXCEL) and not _is_time_format(form):
            where = (*place, "columns", names.SUBMITTED, "format")
            allowed = f"{DAY_FIRST}, {MONTH_FIRST}, {EXCEL}, or codes such as %d/%m/%Y %H:%M"
            document.report(where, "format of times not understood", form, allowed)


def _is_time_format(form: str) -> bool:
    probe = datetime(2025, 10, 23, 13, 45, 59, tzinfo=UTC)
    try:
        return pd.to_datetime(probe.strftime(form), format=form).date() == probe.date()
    except (ValueError, TypeError):
        return False


def _check_shared_files(study: Study, document: Document) -> None:
    entries = [
        (population.name, wave, place, file)
        for population in study.populations.values()
        for wave, files in population.files.items()
        for place, file in enumerate(files)
    ]
    reported = set()
    for (name, wave, _, file), (other_name, other_wave, place, other) in combinations(entries, 2):
        if (file.file, file.pattern) != (other.file, other.pattern):
            continue
        if name == other_name and file.by_dates and other.by_dates:
            continue
        mine, others = file.chosen(wave), other.chosen(other_wave)
        if any(mine[column].isdisjoint(others[column]) for column in mine.keys() & others.keys()):
            continue
        # each is named once, beside the first that it meets
        if (other_name, other_wave, place) in reported:
            continue
        reported.add((other_name, other_wave, place))
        steps = ("populations", other_name, "files", other_wave, place, "file")
        found = f"{file.file} ({name} {wave}; {other_name} {other_wave})"
        allowed = "a file each, a pattern per wave, or rows that a column tells apart"
        if name == other_name:
            column = _wave_column(study, file)
            told = f"column {column} seems to tell" if column else "where a column tells"
            rows = f"wave: {{column: {column or '…'}, values: {{pre: […], post: […]}}}}"
            todo = f"{told} the wave of a row, write files: {{file: {file.file}, {rows}}}"
        else:
            of = f"for {name} and {other_name}"
            todo = (
                f"where a column tells who answered, write: only: {{column: …, values: […]}} {of}"
            )
        document.report(steps, "one export for two waves or populations", found, allowed, todo)


def _wave_column(study: Study, file: ExportFile) -> str:
    """Return the heading by which a file of text seems to tell the wave of a row, or ``""``."""
    path, rows = study.export_path(file.file), []
    with suppress(InputError):
        if path.is_file() and not is_workbook(path):
            rows = read_rows(path, delimiter=file.delimiter, encoding=file.encoding, most=1)
    headings = rows[0][1] if rows else []
    return next((h.strip() for h in headings if WAVE_HEADING.fullmatch(normalise_label(h))), "")


def _check_files(population: Population, study: Study, document: Document, steps: tuple) -> None:
    for wave, files in population.files.items():
        later = {*study.waves}.intersection(names.WAVES[names.WAVES.index(wave) + 1 :])
        lacking = wave not in study.waves
        if lacking and (later or exports_there(study, population, wave)):
            what = f"files of a wave that the study does not have ({population.name})"
            allowed, todo = ", ".join(study.waves), f"add {wave} to waves"
            document.report((*steps, wave), what, wave, allowed, todo)
        for place, file in enumerate(files):
            for column in file.columns:
                what = f"a file renames a column that {population.name} does not have"
                known, way = population.column_names, (*steps, wave, place, "columns", column)
                document.expect(way, what, column, known)
            _check_rows(population, wave, file, document, (*steps, wave, place))
            if file.by_dates and not study.spans(population.name):
                what, allowed = "waves told by dates, and none has any", "waves with from and to"
                document.report((*steps, wave, place, "wave"), what, file.file, allowed)
            if file.by_dates and names.SUBMITTED not in population.columns:
                what = f"missing key: {'.'.join(steps[:-1])}.columns.{names.SUBMITTED}"
                todo = "name the column of the time, by which the wave of a questionnaire is told"
                document.report((*steps[:-1], "columns"), what, file.file, todo=todo)


def _check_rows(
    population: Population, wave: str, file: ExportFile, document: Document, steps: tuple
) -> None:
    """Report what is wrong with the columns that tell waves and populations in one file."""
    links = {*map(normalise_label, population.headers("link", wave, file))}
    for key, rows in (("wave", file.wave), ("only", file.only)):
        if rows and normalise_label(rows.column) in links:
            what, todo = "ids or codes that should tell rows apart", f"correct the column of {key}"
            document.report((*steps, key, "column"), what, rows.column, todo=todo)
    if file.wave is None:
        return
    if wave not in file.wave.values:
        what, allowed = f"a file of {wave} without a text for {wave}", f"values: {{{wave}: …}}"
        found = ", ".join(file.wave.values)
        document.report((*steps, "wave", "values"), what, found, allowed)
    owners: dict[str, str] = {}
    for each, texts in file.wave.values.items():
        if file.file not in [other.file for other in population.files.get(each, ())]:
            what, found = f"texts of a wave whose files lack the file ({population.name})", each
            todo = f"write files: {{file: {file.file}, wave: …}}, or name the file below {each} too"
            document.report((*steps, "wave", "values", each), what, found, todo=todo)
        for text in texts:
            other = owners.setdefault(row_text(text), each)
            if other != each:
                what, found = "one text for two waves", f"{text} ({other}; {each})"
                document.report((*steps, "wave", "values", each), what, found, "each text once")


def _check_columns(population: Population, study: Study, document: Document, steps: tuple) -> None:
    """Report columns that lack, or have a name that is taken or that nothing declares."""
    columns, instrument = population.columns, population.instrument
    if names.SCHOOL not in columns:
        what = f"missing key: {'.'.join(steps)}.columns.{names.SCHOOL}"
        todo = "name the export column of the school"
        document.report((*steps, "columns"), what, ", ".join(columns), todo=todo)
    taken = {*RESERVED, *instrument.scales, *instrument.items} - {*BACKGROUND}
    for column in columns:
        if column in taken:
            what = f"a background column of {population.name} with a name that is taken"
            allowed = ", ".join(BACKGROUND) + ", or a new name"
            document.report((*steps, "columns", column), what, column, allowed)
    free = [name for name in BACKGROUND if name not in columns]
    by_groups = [getattr(study.analysis, key).get(population.name, ()) for key in _GROUPED_BY]
    declared = {*BACKGROUND, *taken, *population.values, *chain.from_iterable(by_groups)}
    for column in columns:
        if column not in {*declared, names.COHORT}:
            what = f"a column of {population.name} that nothing declares"
            allowed = f"{', '.join(BACKGROUND)}, or a background column with `values`"
            own = f"a background column of the study's own: values: {{{column}: {{…}}}} says what "
            own += f"its texts mean, values: {{{column}: {{}}}} keeps them"
            todo = f"{did_you_mean(column, free)} {own}".strip()
            document.report((*steps, "columns", column), what, column, allowed, todo)
    if population.role and names.ROLE in columns:
        what = f"one role for all and a column of roles ({population.name})"
        document.report((*steps, "role"), what, population.role, todo="keep one of them")


def _check_people(population: Population, document: Document, steps: tuple) -> None:
    """Report consent, links and attendance that do not fit a population or each other."""
    link, register = population.link, population.attendance
    if population.name != "pupils" and any(c.guardian for c in population.consent.values()):
        what, todo = "a guardian's consent for grown-ups", "take guardian out"
        document.report((*steps, "consent"), what, population.name, "pupils", todo)
    if len(link.elements) == 1 or (link.elements and link.by != "code"):
        what, found = "elements of what is no code of several", f"by: {link.by}"
        allowed = "by: code, and the signs of each element"
        todo = "such as elements: [2, 2, 1, 1, 1, 1]"
        document.report((*steps, "link"), what, found, allowed, todo)
    files = [file for of in population.files.values() for file in of]
    waves = Counter(file.file for file in files)
    alone = [file.file for file in files if waves[file.file] == 1 or file.pattern == "{}"]
    if link.by == "row" and alone:
        what, found = "linked by row, and a file that holds no waves side by side", ", ".join(alone)
        allowed = '{file: …, pre: "Pre.{}", post: "Post.{}"}, or link by id or code'
        document.report((*steps, "link"), what, found, allowed)
    if register and register.id and link.by != "id":
        what, found = "a register of attendance without ids to join it by", f"link by {link.by}"
        allowed = "link: {by: id, …}, or a register by school"
        todo = "take the register out, or link by the id that it holds"
        document.report((*steps, "attendance"), what, found, allowed, todo)


def _check_values(population: Population, document: Document, steps: tuple) -> None:
    unknown = [name for name in population.columns if name not in BACKGROUND]
    for column, texts in population.values.items():
        what = f"values of a column that {population.name} does not have"
        if not nearest(column, unknown, RESEMBLES):  # then that one is reported
            document.expect((*steps, column), what, column, population.columns)
        owners: dict[str, str] = {}
        for value, labels in texts.items():
            place = (*steps, column, value)
            if column == names.ROLE:
                document.expect(place, "unknown role", value, names.ROLES)
            if column == names.GRADE and not value.isdigit():
                document.report(place, "grade is not a number", value, "a whole number")
            for label in labels:
                other = owners.setdefault(normalise_label(label), value)
                if other != value:
                    what = f"one text for two values of {column}"
                    found = f"{label} ({other}; {value})"
                    document.report(place, what, found, "each text once")


def _check_analysis(study: Study, document: Document) -> None:
    """Report what is wrong with what was declared beforehand, by population."""
    for key in ("primary", "subgroups", "gaps", "drift", "trend"):
        for name, declared in getattr(study.analysis, key).items():
            steps, population = ("analysis", key, name), study.populations.get(name)
            if population is None:
                what = f"{'primary outcomes' if key == 'primary' else key} of an absent population"
                document.report(steps, what, name, ", ".join(study.populations))
            elif key == "primary":
                _check_primary(population, declared, document, steps)
            elif key == "drift":
                _check_drift(study, population, declared, document, steps)
            elif key == "trend":
                _check_trend(study, population, document, steps)
            else:
                what = f"{key} by a column whose groups are not known"
                for index, column in enumerate(declared):
                    todo = f"name the column's values (populations.{name}.values.{column})"
                    document.expect((*steps, index), what, column, population.groupings, todo)


def _check_selection(study: Study, document: Document) -> None:
    """Report what schools are to be selected by and nobody is asked."""
    if study.selection is None:
        return
    people = study.populations
    teachers, leaders = (
        [*people[who].instrument.scales] if who in people else [] for who in ("teachers", "leaders")
    )
    asked = {"practice": teachers, "support": [*teachers, *leaders]}
    for key, allowed in asked.items():
        outcome = getattr(study.selection, key)
        if outcome is not None:
            what = f"an outcome that schools cannot be selected by ({key})"
            document.expect(("selection", key), what, outcome, allowed)


def _check_primary(
    population: Population, family: Family, document: Document, steps: tuple
) -> None:
    scales = population.instrument.scales
    for index, outcome in enumerate(family.outcomes if scales else ()):
        what = f"primary outcome that the instrument of {population.name} does not have"
        if outcome in scales:
            what = "primary outcome that is not asked both before and after"
        document.expect((*steps, "outcomes", index), what, outcome, _asked_twice(population))
    _check_estimands(population, family.estimands, document, (*steps, "estimands"))


def _asked_twice(population: Population) -> list[str]:
    scales = population.instrument.scales.items()
    return [name for name, scale in scales if {names.PRE, names.POST} <= {*scale.waves}]


def _check_drift(
    study: Study, population: Population, outcomes: Sequence, document: Document, steps: tuple
) -> None:
    name = population.name
    if names.POST in study.waves and not study.years_between(name):
        allowed, todo = "waves in different school years", "give the waves their dates"
        document.report(steps, "drift without dates", name, allowed, todo)
    elif population.instrument.scales:
        what = f"drift of an outcome that {name} are not asked both before and after"
        for outcome in outcomes:
            document.expect((*steps, outcome), what, outcome, _asked_twice(population))


def _check_trend(study: Study, population: Population, document: Document, steps: tuple) -> None:
    """Report trends that nothing can be set beside; of the file each outcome once."""
    name = population.name
    if "same_grade" not in population.estimands:
        what, allowed = f"trend without same_grade ({name})", "a population with same_grade"
        found = ", ".join(population.estimands) or "no estimands"
        document.report(steps, what, found, allowed, "take the trend out")
    dated = [study.wave_dates(name, cohort) for cohort in study.cohorts or ("",)]
    if not all(wave.start for dates in dated for wave in dates.values()):
        allowed, todo = "waves with dates", "give the waves their dates"
        document.report(steps, "trend without dates", name, allowed, todo)
    asked = _asked_twice(population)
    what = f"trend of an outcome that {name} are not asked both before and after"
    told: set[str] = set()
    for figure in study.trends.get(name, ()) if population.instrument.scales else ():
        if figure.outcome not in (*asked, *told):
            told.add(figure.outcome)
            todo = did_you_mean(figure.outcome, asked)
            allowed = ", ".join(asked) or "none"
            document.problems.append(Problem(what, figure.outcome, allowed, figure.where, todo))


def uncovered(study: Study) -> list[Problem]:
    """Return what is to be said of trends that lack a year of the waves, or a grade in it."""
    remarks = []
    for population, figures in study.trends.items():
        years = sorted({first.year for first, _ in study.spans(population)})
        for outcome in dict.fromkeys(figure.outcome for figure in figures):
            there = {(f.grade, f.year) for f in figures if f.outcome == outcome}
            grades = [
                grade
                for grade in study.grades
                if not any({(of, year) for year in years} <= there for of in (grade, None))
            ]
            if grades:
                missing = ", ".join(map(str, grades))
                found = f"{outcome}: not both of {' and '.join(map(str, years))}"
                if len(years) != 2:
                    found = f"{outcome}: not all of {', '.join(map(str, years))}"
                what = "a trend that does not cover the years of the waves"
                allowed = "a row for the grade, or for all grades, in each of these years"
                file = next(f.where for f in figures if f.outcome == outcome).rpartition(", ")[0]
                todo = "add the rows when they are published; until then there is no trend"
                remarks.append(Problem(what, f"{found} in grade {missing}", allowed, file, todo))
    return remarks


def untranslated(study: Study) -> list[Problem]:
    """Return what is to be said of texts that lack one of the study's languages."""
    texts = {("study.yml", "title"): study.title}
    texts |= {("study.yml", f"question {name}"): text for name, text in study.questions.items()}
    texts |= {("study.yml", f"label {name}"): text for name, text in study.labels.items()}
    for instrument in (population.instrument for population in study.populations.values()):
        place = f"instrument {instrument.name}"
        for scale in instrument.scales.values():
            texts[place, f"scale {scale.name}"] = scale.label
            texts |= {(place, f"item {i.name}"): i.text for i in scale.items.values()}
        for name, answers in instrument.responses.items():
            texts |= {(place, f"answer {v} of {name}"): t for v, t in answers.labels.items()}
    texts = {k: of for k, of in texts.items() if re.search(r"[^\W\d_]", "".join(of.values()))}
    remarks = []
    for place in dict.fromkeys(place for place, _ in texts):
        for language in study.languages:
            lacking = [
                name for (at, name), of in texts.items() if at == place and language not in of
            ]
            if lacking:
                what = f"texts without a translation into {language}"
                found, allowed = f"{len(lacking)}: {named(lacking, 5)}", ", ".join(study.languages)
                todo = f"add {language}; until then pages show another language there"
                remarks.append(Problem(what, found, f"each in {allowed}", place, todo))
    return remarks


def _check_estimands(
    population: Population, wanted: Sequence[str], document: Document, steps: tuple
) -> None:
    possible = population.possible_estimands
    for index, estimand in enumerate(wanted):
        if estimand not in possible:
            what = f"estimand that the columns of {population.name} do not allow"
            allowed = ", ".join(possible) or "none without a link or a grade"
            todo = "same_grade needs a grade, linked_change a link, the others a link and both "
            todo += "roles"
            document.report((*steps, index), what, estimand, allowed, todo)
