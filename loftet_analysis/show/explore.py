"""One result at a time, for whoever explores: choices of the plan, what they show, and menus."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning import store
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError, LoftetError, Problem
from loftet_analysis.show.languages import (
    Words,
    estimand_label,
    population_label,
    subgroup_label,
    wave_label,
)
from loftet_analysis.show.publish import Published, publish
from loftet_analysis.show.session import OpenStudy, open_study
from loftet_analysis.study import plan

try:
    import ipywidgets as widgets
except ImportError:
    widgets = None

#: What is chosen, in the order in which a choice narrows those after it.
KINDS = (
    names.POPULATION, names.REGION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP, names.WAVE,
)  # fmt: skip
_OF_PLAN = (names.OUTCOME, names.ESTIMAND, names.SUBGROUP)
_DRAWN_WAVES = (names.PRE, names.POST)


@dataclass(frozen=True)
class Choices:
    """What can be chosen, and what is.

    Attributes
    ----------
    options : mapping of str to mapping of str to str
        For each of `KINDS` the values that fit the choices before it, with the reader's labels.
    chosen : mapping of str to str
        One value of each.
    labels : mapping of str to str
        What the reader calls each of `KINDS`.
    """

    options: Mapping[str, Mapping[str, str]]
    chosen: Mapping[str, str]
    labels: Mapping[str, str]

    def _published(self) -> Published:
        rows, lines = [], []
        for kind in KINDS:
            offered = self.options[kind].items()
            values = "".join(
                f"<li><code>{html.escape(value)}</code> {html.escape(label)}</li>"
                for value, label in offered
            )
            head = f"<code>{kind}</code> {html.escape(self.labels[kind])}"
            rows.append(f"<dt>{head}</dt><dd><ul>{values}</ul></dd>")
            lines += [kind, *(f"    {value}: {label}" for value, label in offered)]
        return Published(f'<dl class="choices">{"".join(rows)}</dl>', "\n".join(lines))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None):
        return self._published()._repr_mimebundle_()


def choices(
    study: OpenStudy,
    *,
    population: str | None = None,
    region: str | None = None,
    outcome: str | None = None,
    estimand: str | None = None,
    subgroup: str | None = None,
    wave: str | None = None,
) -> Choices:
    """Return what can be looked at in a study, given what is chosen already.

    Parameters
    ----------
    study : OpenStudy
        Its plan says what was asked of whom.
    population, outcome, estimand, subgroup : str, optional
        As in the plan; default: the first that goes with the other choices.
    region : str, optional
        A slug, or ``national``; default: the study's.
    wave : str, optional
        Whose answers are drawn: ``pre``, ``post``, or ``all`` for both.

    Raises
    ------
    InputError
        For a choice that the plan does not have.

    Examples
    --------
    >>> found = choices(open_study("sats"), estimand="school_change")
    >>> found.chosen["outcome"], found.chosen["estimand"], found.chosen["region"]
    ('effort', 'school_change', 'national')
    >>> found.options["wave"]
    {'all': 'both times', 'pre': 'before', 'post': 'after'}
    """
    given = (population, region, outcome, estimand, subgroup, wave)
    found, problem = _Offers(study).settled(dict(zip(KINDS, given, strict=True)))
    if problem:
        raise InputError(problem)
    return found


def look(
    study: OpenStudy,
    *,
    population: str | None = None,
    region: str | None = None,
    outcome: str | None = None,
    estimand: str | None = None,
    subgroup: str | None = None,
    wave: str | None = None,
) -> Published:
    """Return one result of the plan as sentence, figure, table and distribution of the answers.

    All of it passes the study's gate, and no figure is saved.

    Parameters
    ----------
    study : OpenStudy
        Where `region` is another than its own, that region is opened beside it.
    population, region, outcome, estimand, subgroup, wave : str, optional
        As in `choices`.

    Returns
    -------
    Published
        What is not in standard deviations comes without a figure of the change. Answers are drawn
        of everybody in one region: the drawing of a group, or of the country, less the others
        would tell of a few.

    Raises
    ------
    InputError
        For a choice that the plan does not have, or where there are no clean data.
    """
    found = choices(
        study,
        population=population,
        region=region,
        outcome=outcome,
        estimand=estimand,
        subgroup=subgroup,
        wave=wave,
    )
    return _Results(study).look(found)


def explorer(study: OpenStudy) -> object:
    """Return menus for every choice, and beneath them what `look` shows for it.

    A menu offers only what goes with those before it. Results of a population in a region are
    computed once.

    Parameters
    ----------
    study : OpenStudy
        The first choices are of its region.

    Returns
    -------
    ipywidgets.VBox or Published
        Without ipywidgets a line that says so; `look` needs none.
    """
    if widgets is None:
        said = study.words.text("No menus can be shown here. The next cells do the same in code.")
        return Published(f"<p>{html.escape(said)}</p>", said)
    return _Menus(study).box


class _Offers:
    """What a study offers to choose, each kind narrowed by those before it."""

    def __init__(self, study: OpenStudy) -> None:
        self._study = study
        self._plan = plan(study.study)

    def settled(self, wanted: Mapping[str, str | None]) -> tuple[Choices, Problem | None]:
        """Return the choices with what is wanted, else the first; and the first that cannot be."""
        options: dict[str, dict[str, str]] = {}
        chosen: dict[str, str] = {}
        problem = None
        for kind in KINDS:
            offered = options[kind] = self._offered(kind, chosen)
            value = wanted[kind]
            if value is not None and value not in offered and problem is None:
                problem = Problem(
                    f"unknown {kind}",
                    found=value,
                    allowed=", ".join(offered),
                    where=", ".join([f"the plan of {self._study.study.name}", *chosen.values()]),
                    todo="name one of these",
                )
            chosen[kind] = value if value in offered else self._first(offered, chosen, wanted)
        return Choices(options, chosen, _kind_labels(self._study.words)), problem

    def _offered(self, kind: str, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return the values that go with the choices before, with the reader's labels."""
        words = self._study.words
        if kind == names.REGION:
            slugs = (names.NATIONAL, *self._study.study.regions[names.REGION])
            return {slug: words.region(slug) for slug in slugs}
        if kind == names.WAVE:
            waves = {wave: wave_label(wave, words) for wave in self._waves(chosen)}
            return waves if len(waves) == 1 else {names.ALL: words.text("both times"), **waves}
        label = {
            names.POPULATION: lambda value: population_label(value, words),
            names.OUTCOME: lambda value: words.outcome(chosen[names.POPULATION], value),
            names.ESTIMAND: lambda value: estimand_label(value, words),
            names.SUBGROUP: lambda value: subgroup_label(value, words) or words.text("everybody"),
        }[kind]
        return {value: label(value) for value in self._asked(chosen)[kind].unique()}

    def _first(
        self, offered: Iterable[str], chosen: Mapping[str, str], wanted: Mapping[str, str | None]
    ) -> str:
        """Return the first value that goes with what is wanted after it, else the first of all."""
        kind = KINDS[len(chosen)]
        if kind == names.REGION:
            return self._study.region
        later = {key: value for key, value in wanted.items() if value is not None}
        fitting = (value for value in offered if len(self._asked({**later, **chosen, kind: value})))
        return next(fitting, next(iter(offered)))

    def _asked(self, chosen: Mapping[str, str]) -> pd.DataFrame:
        """Return the rows of the plan that are left by what is chosen."""
        rows = self._plan
        if chosen.get(names.REGION, self._study.region) != names.NATIONAL:
            rows = rows[~rows[names.ESTIMAND].isin(names.NATIONAL_ONLY)]
        for kind in (names.POPULATION, *_OF_PLAN):
            if kind in chosen:
                rows = rows[rows[kind] == chosen[kind]]
        return rows

    def _waves(self, chosen: Mapping[str, str]) -> list[str]:
        instrument = self._study.study.populations[chosen[names.POPULATION]].instrument
        asked = {*instrument.scales[chosen[names.OUTCOME]].waves} & {*self._study.study.waves}
        return [wave for wave in _DRAWN_WAVES if wave in asked]


def _kind_labels(words: Words) -> dict[str, str]:
    _ = words.text
    return {
        names.POPULATION: _("Population"),
        names.REGION: _("Region"),
        names.OUTCOME: _("Outcome"),
        names.ESTIMAND: _("Comparison"),
        names.SUBGROUP: _("Subgroup"),
        names.WAVE: _("Answers drawn"),
    }


@dataclass(frozen=True)
class _Place:
    """A population in a region: the study opened there, its effects, its answers in bins."""

    study: OpenStudy
    effects: pd.DataFrame
    answers: pd.DataFrame


class _Results:
    """The results of each population and region, computed once."""

    def __init__(self, study: OpenStudy) -> None:
        self.study = study
        self._places: dict[tuple[str, str], _Place] = {}

    def look(self, found: Choices) -> Published:
        """Return what the choice shows, its parts one beneath the other."""
        chosen = found.chosen
        place = self._place(chosen[names.POPULATION], chosen[names.REGION])
        title = " · ".join(found.options[kind][chosen[kind]] for kind in KINDS[:-1])
        parts = [
            Published(f'<p class="place">{html.escape(title)}</p>', title),
            *_of_effects(place, chosen),
            _of_answers(place, chosen),
        ]
        return Published("\n".join(p.html for p in parts), "\n".join(p.text for p in parts))

    def _place(self, population: str, region: str) -> _Place:
        if (population, region) not in self._places:
            # its own region is read through the study itself, which then tells of its data
            there = self.study if region == self.study.region else _opened(self.study, region)
            clean = there.read(population)
            self._places[population, region] = _Place(
                there, there.effects(population, clean), there.distribution({population: clean})
            )
        return self._places[population, region]


def _opened(study: OpenStudy, region: str) -> OpenStudy:
    slug = None if region == names.NATIONAL else region
    return open_study(study, region=slug, language=study.words.language)


def _of_effects(place: _Place, chosen: Mapping[str, str]) -> list[Published]:
    """Return the sentence, the figure where there is one, and the table."""
    wanted = [chosen[kind] for kind in _OF_PLAN]
    rows = place.effects[(place.effects[[*_OF_PLAN]] == wanted).all(axis=1)]
    in_sd = rows["estimate"].notna().any() or rows["change"].isna().all()
    views = ["reading", "change", "effects_table"]
    if not in_sd:
        views.remove("change")
    return [_published(place.study, rows, view, _name(view, chosen)) for view in views]


def _of_answers(place: _Place, chosen: Mapping[str, str]) -> Published:
    """Return the distribution of the answers, where it cannot be set against others' to tell."""
    study = place.study
    whole = study.region != names.NATIONAL or LIMITS[study.study.disclosure] == 1
    if chosen[names.SUBGROUP] != names.ALL or not whole:
        said = study.words.text(
            "The answers themselves are drawn only for everybody in one region, so that no drawing "
            "set against another tells of a few people."
        )
        return Published(f'<p class="hidden">{html.escape(said)}</p>', said)
    waves = _DRAWN_WAVES if chosen[names.WAVE] == names.ALL else (chosen[names.WAVE],)
    rows = place.answers
    rows = rows[rows[names.OUTCOME].eq(chosen[names.OUTCOME]) & rows[names.WAVE].isin(waves)]
    return _published(study, rows, "distribution", _name("distribution", chosen))


def _name(view: str, chosen: Mapping[str, str]) -> str:
    """Return the id of a view of a choice: lower-case letters, digits and ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", "_".join([view, *chosen.values()]).lower())


def _published(study: OpenStudy, frame: pd.DataFrame, view: str, name: str) -> Published:
    """Show a result as ``study.publish`` does, but save no figure among the published ones."""
    return publish(
        frame,
        view,
        name=name,
        mask=store.read_table(study.study.name, "disclosure"),
        profile=study.study.disclosure,
        words=study.words,
        folder=None,
    )


class _Menus:
    """The menus, what they show, and the rule that every menu fits those before it."""

    def __init__(self, study: OpenStudy) -> None:
        self._offers = _Offers(study)
        self._results = _Results(study)
        self._settling = False
        self._output = widgets.Output()
        self._menus = {
            kind: widgets.Dropdown(
                description=label,
                style={"description_width": "9em"},
                layout=widgets.Layout(width="30em"),
            )
            for kind, label in _kind_labels(study.words).items()
        }
        row = widgets.Layout(flex_flow="row wrap")
        self.box = widgets.VBox([widgets.Box([*self._menus.values()], layout=row), self._output])
        self._settle(dict.fromkeys(KINDS))
        for menu in self._menus.values():
            menu.observe(self._changed, names="value")

    def _changed(self, _: object) -> None:
        if not self._settling:
            self._settle({kind: menu.value for kind, menu in self._menus.items()})

    def _settle(self, wanted: Mapping[str, str | None]) -> None:
        """Let every menu offer what goes with those before it, and show the choice."""
        found, _ = self._offers.settled(wanted)
        self._settling = True
        try:
            for kind, menu in self._menus.items():
                offered = tuple((label, value) for value, label in found.options[kind].items())
                if menu.options != offered:
                    menu.options = offered
                menu.value = found.chosen[kind]
        finally:
            self._settling = False
        self._output.outputs = (self._shown(found),)

    def _shown(self, found: Choices) -> dict[str, object]:
        try:
            data, metadata = self._results.look(found)._repr_mimebundle_()
        except LoftetError as error:
            # else it would be lost in the log of the front end
            return {"output_type": "stream", "name": "stderr", "text": str(error)}
        return {"output_type": "display_data", "data": data, "metadata": metadata}
