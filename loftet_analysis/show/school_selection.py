"""Workbooks for the interviews: which schools to visit, and a joint display to fill in.

Both are internal: their numbers of single schools are exact.

References
----------
Guetterman, Fetters & Creswell 2015, Annals of Family Medicine 13(6), 554–561,
doi:10.1370/afm.1865 (joint displays). Fetters, Curry & Creswell 2013, Health Services Research
48(6), 2134–2156, doi:10.1111/1475-6773.12117 (whether results fit).
"""

from __future__ import annotations

import filecmp
import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from xlsxwriter import Workbook

from loftet_analysis import names, paths
from loftet_analysis.analysis.school_effects import school_effects
from loftet_analysis.analysis.school_selection import (
    CHOSEN,
    EMPTY,
    MAXIMUM_VARIATION,
    PAIRED,
    PRACTICE,
    SUPPORT,
    TYPICAL,
    school_criteria,
    school_levels,
    select_schools,
    without_criteria,
)
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError
from loftet_analysis.schema import Row
from loftet_analysis.show import word
from loftet_analysis.show.languages import Words, joined, label
from loftet_analysis.show.layout import ABSENT, laid_out
from loftet_analysis.show.session import OpenStudy
from loftet_analysis.show.workbook import add_sheet, workbook
from loftet_analysis.study.schools import NO, YES

BEFORE_AND_AFTER = (names.PRE, names.POST)


@dataclass(frozen=True)
class Selected:
    """Schools for interviews.

    Attributes
    ----------
    schools : DataFrame
        Every school of the programme, as
        :func:`~loftet_analysis.analysis.school_selection.school_criteria` gives them.
    rows : DataFrame
        As :func:`~loftet_analysis.analysis.school_selection.select_schools` gives them.
    measured : dict of str to tuple of str
        Of `practice` and `support`, as far as they were asked: population, outcome, and the wave
        whose level it is, or ``""`` for a change.
    seed : int
        Of all that was left to chance.
    """

    schools: pd.DataFrame
    rows: pd.DataFrame
    measured: dict[str, tuple[str, str, str]]
    seed: int

    @property
    def chosen(self) -> list[str]:
        """The schools to be visited, each once."""
        return [*dict.fromkeys(self.rows.loc[self.rows["state"] == CHOSEN, names.SCHOOL])]

    def told(self) -> Iterator[str]:
        """Say in counts what was found."""
        contact = self.schools["contact"].value_counts()
        asked = {"may be contacted": YES, "may not": NO, "have not said": ""}
        parts = ", ".join(f"{contact.get(code, 0)} {text}" for text, code in asked.items())
        yield f"{len(self.schools)} schools: {parts}"
        if n := int(without_criteria(self.schools).sum()):
            yield f"{n} are in no list, since region, grades or answers are lacking"
        for strategy, rows in self.rows.groupby("strategy", sort=False):
            n, places = (rows["state"] == CHOSEN).sum(), (rows["place"] > 0).sum()
            yield f"{strategy}: {n} of {places} places"


def selection(study: OpenStudy) -> Selected:
    """Return the schools that a study's description asks to be visited.

    Parameters
    ----------
    study : OpenStudy
        Of all regions, from :func:`~loftet_analysis.show.session.open_study`.

    Raises
    ------
    InputError
        Where study.yml does not say how, there are no clean data, or only a region is open.
    """
    wanted = study.description.selection
    if wanted is None:
        raise InputError(
            "study.yml does not say how schools are selected",
            found="no key selection",
            allowed="selection: {seed: …, practice: …, support: …, schools: {typical: 4, …}}",
            todo="see data_raw/demo/study.yml, which explains every key",
        )
    if study.region != names.NATIONAL:
        raise InputError("schools are selected of all regions", study.region, "no region")
    measured: dict[str, tuple[str, str, str]] = {}
    rows: dict[str, pd.DataFrame] = {}
    for measure, outcome in ((PRACTICE, wanted.practice), (SUPPORT, wanted.support)):
        found = _measure(study, measure, outcome)
        if found:
            rows[measure], measured[measure] = found
    schools = school_criteria(study.description.schools, rows.get(PRACTICE), rows.get(SUPPORT))
    chosen = select_schools(
        schools, wanted.schools, seed=wanted.seed, substitutes=wanted.substitutes
    )
    return Selected(schools, chosen, measured, wanted.seed)


def _measure(
    study: OpenStudy, measure: str, outcome: str | None
) -> tuple[pd.DataFrame, tuple[str, str, str]] | None:
    """Return the schools' values of a measure, and what they are; None where nobody answered."""
    for population in ("teachers",) if measure == PRACTICE else ("teachers", "leaders"):
        people = study.description.populations.get(population)
        if people is None or outcome not in people.instrument.scales:
            continue
        clean = study.read(population, items=False, optional=True)
        if outcome not in clean or clean[outcome].isna().all():
            continue
        if measure == PRACTICE:
            plan = study.plan(population)
            changes = school_effects(clean, plan[plan[names.OUTCOME] == outcome])
            if changes["shrunk"].notna().any():
                return changes, (population, outcome, "")
        given = clean.loc[clean[outcome].notna(), names.WAVE].unique()
        wave = [wave for wave in names.WAVES if wave in given][-1]
        return school_levels(clean, outcome, wave), (population, outcome, wave)
    return None


def write_selection(study: OpenStudy, selected: Selected) -> Path:
    """Write ``data_clean/<study>/selection.xlsx`` in the study's first language.

    It goes when clean data are made anew, since who was in them may have withdrawn.

    Returns
    -------
    Path
    """
    words = study.words
    _ = words.text
    target = paths.clean(study.description.name) / "selection.xlsx"
    schools = selected.schools.set_index(names.SCHOOL)
    heads = [
        _("School"), _("School number"), _("Region"), _("Kind of school"),
        *_measures(selected, words), _("May be contacted"),
    ]  # fmt: skip
    lists = [_("Strategy"), _("List"), _("Place"), _("Status")]
    why = [_("Why"), _("Like the first of the list, or its partner"), _("Unlike it")]
    by_school = selected.rows[selected.rows["state"] != EMPTY].groupby(names.SCHOOL)
    states = {
        school: "; ".join(
            f"{label('strategy', row['strategy'], words)}: {label('selected', row['state'], words)}"
            for row in rows.to_dict("records")
        )
        for school, rows in by_school
    }
    lacking = without_criteria(selected.schools).to_numpy()
    with workbook(target) as book:
        rows = [
            [
                label("strategy", row["strategy"], words), _list_name(row, words),
                row["place"] or None, label("selected", row["state"], words),
                *_about_school(schools, row[names.SCHOOL], words),
                label("selected_why", row["reason"], words),
                *(_criteria(row[key], words) for key in ("alike", "unlike")),
            ]
            for row in selected.rows.to_dict("records")
        ]  # fmt: skip
        add_sheet(book, _("Selection"), [*lists, *heads, *why], rows)
        rows = [
            [
                *_about_school(schools, school, words),
                states.get(school, ""),
                _("a criterion is not known") if lacks else "",
            ]
            for school, lacks in zip(schools.index, lacking, strict=True)
        ]
        add_sheet(book, _("Schools"), [*heads, _("Status"), _("Why in no list")], rows)
        add_sheet(book, _("How"), [_("How the schools were found")], _how(study, selected, words))
    return target


def _measures(selected: Selected, words: Words) -> Iterator[str]:
    """Give the headings of the measures and of the people that they rest on."""
    for measure in (PRACTICE, SUPPORT):
        name = label("selected_by", measure, words)
        yield f"{name} ({_what(selected, measure, words)})"
        yield words.text("people ({measure})", measure=name)


def _what(selected: Selected, measure: str, words: Words) -> str:
    if measure not in selected.measured:
        return words.text("not asked")
    population, outcome, wave = selected.measured[measure]
    when = label("wave", wave, words) if wave else words.text("change in SD")
    return f"{words.outcome(population, outcome)}, {when}"


def _about_school(schools: pd.DataFrame, school: str, words: Words) -> list:
    if school not in schools.index:
        return ["", "", "", "", None, None, None, None, ""]
    row = schools.loc[school]
    values = [
        each
        for measure in (PRACTICE, SUPPORT)
        for each in (
            None if pd.isna(row[measure]) else round(float(row[measure]), 3),
            int(row[f"n_{measure}"]),
        )
    ]
    kind, contact = row["school_type"], row["contact"]
    return [
        row["school"], school, words.region(row[names.REGION]),
        label("school_type", kind, words), *values, label("contact", contact, words),
    ]  # fmt: skip


def _list_name(row: dict, words: Words) -> str:
    strategy, part = row["strategy"], row["part"]
    if strategy == MAXIMUM_VARIATION:
        return words.text("profile {number}", number=part)
    if strategy == PAIRED:
        return words.text("pair {number}", number=part)
    kind = "school_type" if strategy == TYPICAL and part != "all" else "list_end"
    return label(kind, part, words)


def _criteria(codes: str, words: Words) -> str:
    return ", ".join(label("selected_by", code, words) for code in codes.split(", ") if code)


def _how(study: OpenStudy, selected: Selected, words: Words) -> list[list[str]]:
    _ = words.text
    used = [
        f"{label('selected_by', measure, words)}: {_what(selected, measure, words)}"
        for measure in (PRACTICE, SUPPORT)
    ]
    lines = [
        _("Internal: the numbers of single schools are exact. Not to be passed on."),
        _("For those who select. Who interviews needs the schools' names, not these numbers."),
        _("Made anew by loftet select; keep notes elsewhere."),
        _("Seed: {seed}", seed=str(selected.seed)),
        _("Measures: {measures}", measures=joined(used, words)),
        _(
            "Practice and support are shrunk towards the mean of all schools, the more so the "
            "fewer people they rest on. With few people a school's own place is still uncertain."
        ),
        _(
            "Lists are made without looking at consent. Places go to the first schools of a list "
            "that agreed to be contacted, so a consent that changes moves places in its own list."
        ),
        _(
            "Maximum variation: profiles as far from each other as can be in region, kind of "
            "school, practice and support; each school belongs to the nearest profile."
        ),
        _("Typical: by kind of school, in proportion, those nearest to the middle of their kind."),
        _("Extreme: the highest and the lowest practice."),
        _(
            "Paired: a school of the upper third of practice with one of the lower third, as alike "
            "as can be in everything else."
        ),
    ]
    return [[line] for line in lines]


def joint_display(study: OpenStudy, schools: list[str]) -> pd.DataFrame:
    """Return what the questionnaires say of schools, beside region and country.

    Parameters
    ----------
    study : OpenStudy
        Of all regions.
    schools : list of str

    Returns
    -------
    DataFrame
        A row per school and outcome, in the order of the study's questions: `school_id, region,
        population, outcome, question`; means of everybody who answered, in scale points, and
        numbers of people: `mean_pre, mean_post, n_pre, n_post` of the school, and the means
        `region_pre, region_post, country_pre, country_post`. Missing where nobody was asked, and
        a school's mean where fewer answered than the study's profile asks for: who interviews a
        few teachers is not to know what they answered.
    """
    register = study.description.schools.set_index(names.SCHOOL)[names.REGION]
    asked = [*study.description.questions, ""]
    parts = []
    for name, population in study.description.populations.items():
        clean = study.read(name, items=False, optional=True)
        for outcome, scale in population.instrument.scales.items():
            if outcome not in clean or clean[outcome].isna().all():
                continue
            answers = clean[[names.SCHOOL, names.REGION, names.WAVE, outcome]].dropna()
            answers = answers.set_axis([names.SCHOOL, names.REGION, names.WAVE, "y"], axis=1)
            own = answers.groupby([names.SCHOOL, names.WAVE])["y"].agg(["mean", "count"])
            own["mean"] = own["mean"].where(own["count"] >= LIMITS[study.description.disclosure])
            own = own.unstack()
            place = answers.groupby([names.REGION, names.WAVE])["y"].mean().unstack()
            country = answers.groupby(names.WAVE)["y"].mean()
            rows = pd.DataFrame({names.SCHOOL: schools})
            rows[names.REGION] = rows[names.SCHOOL].map(register)
            rows = rows.assign(population=name, outcome=outcome, question=scale.question or "")
            of = own.reindex(schools)
            for wave in BEFORE_AND_AFTER:
                for column, what in (("mean", "mean"), ("n", "count")):
                    there = (what, wave) in of
                    rows[f"{column}_{wave}"] = of[what, wave].to_numpy() if there else None
                there = wave in place
                rows[f"region_{wave}"] = rows[names.REGION].map(place[wave]) if there else None
                rows[f"country_{wave}"] = country.get(wave)
            parts.append(rows)
    if not parts:
        return pd.DataFrame(columns=[names.SCHOOL, names.REGION])
    found = pd.concat([part.astype(object) for part in parts], ignore_index=True)
    order = {names.SCHOOL: schools, names.QUESTION: asked}
    return found.sort_values(
        [*order],
        key=lambda column: column.astype(pd.CategoricalDtype(order[column.name])),
        kind="stable",
        ignore_index=True,
    )


def write_joint_display(study: OpenStudy, selected: Selected) -> list[Path]:
    """Write ``data_clean/<study>/joint_display.xlsx``, with places for what interviews find.

    The same stands in ``joint_display.docx``, a table for each school. A file that is there is the
    researchers', who have written in it: it stays, and a display that differs from it is written
    beside it as ``joint_display_new.xlsx`` or ``.docx``.

    Returns
    -------
    list of Path
        What was written, or what would have been the same.
    """
    folder = paths.clean(study.description.name)
    table = joint_display(study, selected.chosen)

    def book(target: Path) -> None:
        with workbook(target) as whole:
            _fill_joint_display(whole, study, table)

    def document(target: Path) -> None:
        page = _joint_page(study, table)
        paths.replace_all({target: word.document(page, internal=True, landscape=True)})

    return [
        _written_or_beside(folder / f"joint_display.{kind}", write)
        for kind, write in (("xlsx", book), ("docx", document))
    ]


def _written_or_beside(target: Path, write: Callable[[Path], None]) -> Path:
    beside = target.with_stem(f"{target.stem}_new")
    written = beside if target.exists() else target
    write(written)
    if written == beside and filecmp.cmp(target, beside, shallow=False):
        beside.unlink()
        return target
    return written


def _joint_page(study: OpenStudy, table: pd.DataFrame) -> str:
    """Return the joint display as a page: each school's numbers, beside cells to fill in."""
    words = study.words
    _ = words.text
    places = {"mean": _("School"), "region": _("Region"), "country": _("All regions")}
    when = " → ".join(label("wave", wave, words) for wave in BEFORE_AND_AFTER)

    def both(of: str) -> Callable[[Row], str]:
        digits = 0 if of == "n" else 2
        return lambda row: " → ".join(
            words.number(row[f"{of}_{wave}"], digits) or ABSENT for wave in BEFORE_AND_AFTER
        )

    columns: list[tuple] = [(name, both(of), "number", when) for of, name in places.items()]
    columns.append((_("people"), both("n"), "number", when))
    # a column without anything would be left out
    columns += [(heading, lambda _row: "\N{NO-BREAK SPACE}", "text") for heading in _to_fill(words)]
    of = study.description.text(study.description.title, words.locale)
    title = f"{_('Joint display')} – {of}"
    parts = [f"<h1>{html.escape(title)}</h1>"]
    parts += [f"<p>{html.escape(line)}</p>" for line in _how_to_fill(study)]
    for school, rows in table.groupby(names.SCHOOL, sort=False):
        region = words.region(rows[names.REGION].iloc[0])
        name = f"{words.schools[school]} ({region})"
        shown = laid_out(
            rows,
            columns,
            words,
            f"{words.schools[school]}, {school}",
            line=lambda row: (
                f"{label('population', row['population'], words)}: "
                f"{words.outcome(row['population'], row['outcome'])}"
            ),
        )
        parts += [f"<h2>{html.escape(name)}</h2>", shown.html]
    head = f'<html lang="{words.locale}"><head><title>{html.escape(title)}</title></head>'
    return f"{head}<body><main>{''.join(parts)}</main></body></html>"


def _to_fill(words: Words) -> list[str]:
    """Return the headings of what interviews find."""
    _ = words.text
    return [
        _("Teachers say"), _("Leaders say"), _("Pupils say"), _("Where in the material"),
        _("Do they fit?"), _("What both mean together"),
    ]  # fmt: skip


def _how_to_fill(study: OpenStudy) -> list[str]:
    """Return how a joint display is read and filled in."""
    words = study.words
    _ = words.text
    return [
        _("Internal: the numbers of single schools are exact. Not to be passed on."),
        _(
            "Means of everybody who answered, in points of the scale. They are no estimates of "
            "change: who answered differs between the waves, and a school's few answers are rough."
        ),
        _(
            "A school's mean is left out where fewer than {limit} answered, so that who interviews "
            "people does not know what they answered.",
            limit=words.count(LIMITS[study.description.disclosure]),
        ),
        _(
            "The empty cells are to be filled from the interviews: what was said, where it "
            "stands in the material, whether it confirms, expands or contradicts the numbers, and "
            "what both mean together. No names of people."
        ),
        _("loftet select leaves this file as it is and writes a new one beside it."),
    ]


def _fill_joint_display(book: Workbook, study: OpenStudy, table: pd.DataFrame) -> None:
    words = study.words
    _ = words.text
    when = [label("wave", wave, words) for wave in BEFORE_AND_AFTER]
    places = (_("School"), _("Region"), _("All regions"))
    heads = [
        _("School"), _("School number"), _("Region"), _("Question"), _("Who"), _("Outcome"),
        *(f"{place}, {each}" for place in places for each in when),
        *(_("people, {wave}", wave=each) for each in when),
    ]  # fmt: skip
    to_fill = _to_fill(words)
    fits = [_("confirms"), _("expands"), _("contradicts"), _("no answer")]
    sheet = book.add_worksheet(_("Joint display"))
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    cell = book.add_format({"text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "0.00", "valign": "top"})
    open_cell = book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#fff8dc"})
    sheet.write_row(0, 0, [*heads, *to_fill], bold)
    for line, row in enumerate(table.to_dict("records"), start=1):
        population, outcome, school = row["population"], row["outcome"], row[names.SCHOOL]
        texts = [
            words.schools[school], school, words.region(row[names.REGION]),
            words.questions.get(row["question"], ""), label("population", population, words),
            words.outcome(population, outcome),
        ]  # fmt: skip
        sheet.write_row(line, 0, texts, cell)
        columns = [f"{at}_{w}" for at in ("mean", "region", "country") for w in BEFORE_AND_AFTER]
        columns += [f"n_{wave}" for wave in BEFORE_AND_AFTER]
        for place, column in enumerate(columns, start=len(texts)):
            if not pd.isna(row[column]):
                count = column.startswith("n_")
                sheet.write_number(line, place, float(row[column]), cell if count else number)
        for place in range(len(heads), len(heads) + len(to_fill)):
            sheet.write_blank(line, place, None, open_cell)
    fit = len(heads) + to_fill.index(_("Do they fit?"))
    sheet.data_validation(1, fit, max(len(table), 1), fit, {"validate": "list", "source": fits})
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(table), 1), len(heads) + len(to_fill) - 1)
    for first, last, width in ((0, 5, 22), (6, len(heads) - 1, 11), (len(heads), fit - 1, 34)):
        sheet.set_column(first, last, width)
    sheet.set_column(fit, fit, 14)
    sheet.set_column(fit + 1, fit + 1, 40)
    how = [[line] for line in _how_to_fill(study)]
    add_sheet(book, _("How"), [_("How to read and fill it")], how)
