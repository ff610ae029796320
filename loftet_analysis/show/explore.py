"""One result at a time: what of a study can be chosen, what a choice shows, and menus for it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from IPython.display import display

from loftet_analysis import names
from loftet_analysis.analysis.estimates import estimates
from loftet_analysis.analysis.planning import assumptions, planned
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.disclosure.gate import Gated
from loftet_analysis.disclosure.histograms import histogram
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError, LoftetError, Problem
from loftet_analysis.estimands import names_where
from loftet_analysis.show import figures, tables
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.sentences import answer, how_many
from loftet_analysis.show.session import OpenStudy, gate, open_study
from loftet_analysis.show.shown import Shown
from loftet_analysis.study import plan

try:
    import ipywidgets as widgets
except ImportError:
    widgets = None

#: What is chosen, in the order in which a choice narrows those after it.
CHOICES = (
    names.POPULATION, names.REGION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP, names.WAVE,
)  # fmt: skip
#: What is assumed and can be chosen, and the values that are offered beside those assumed.
_ASSUMED = ("people", "icc", "r", "attrition")
_TRIED = {
    "schools": (8, 12, 20, 30, 50, 80, 150),
    "people": (2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 50.0, 80.0, 120.0),
    "icc": (0.01, 0.02, 0.05, 0.1, 0.15, 0.2),
    "r": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "attrition": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
}
_OF_PLAN = tuple(kind for kind in CHOICES if kind not in (names.REGION, names.WAVE))


class _Chooser(ABC):
    """Choices that narrow one another, with menus or in code, and what is shown for them."""

    kinds: tuple[str, ...] = ()

    def __init__(self, study: OpenStudy) -> None:
        self._study = study

    def choices(self, **chosen: object) -> pd.DataFrame:
        """Return what can be chosen next to what is chosen already.

        Parameters
        ----------
        **chosen
            As for `look`.

        Returns
        -------
        DataFrame
            ``choice, value, label, chosen``: the name and the word or number to write, what it
            means to the reader, and whether it is chosen, or what goes with the others.

        Raises
        ------
        InputError
            For what does not go with the choices before it.
        """
        options, settled = self._settled(chosen)
        rows = [
            (kind, value, said, settled[kind] == value)
            for kind, offered in options.items()
            for value, said in offered.items()
        ]
        return pd.DataFrame(rows, columns=["choice", "value", "label", "chosen"])

    def menus(self) -> widgets.VBox:
        """Return a menu for each choice, and beneath them what `look` shows for it."""
        looks = {"style": {"description_width": "9em"}, "layout": widgets.Layout(width="30em")}
        menus = {
            kind: widgets.Dropdown(description=self._called(kind), **looks) for kind in self.kinds
        }
        output = widgets.Output()

        def settle(_: object = None) -> None:
            wanted = {kind: menu.value for kind, menu in menus.items() if menu.value is not None}
            options, chosen = self._settled(wanted, strict=False)
            for kind, menu in menus.items():
                menu.unobserve(settle, "value")  # or a menu that is being filled would settle anew
                menu.options = [(said, value) for value, said in options[kind].items()]
                menu.value = chosen[kind]
                menu.observe(settle, "value")
            try:
                shown = [each._repr_mimebundle_() for each in self._shown(chosen)]
            except LoftetError as error:  # else it would be lost in the log of the front end
                said = {"output_type": "stream", "name": "stderr", "text": str(error)}
                output.outputs = (said,)
            else:
                kind = {"output_type": "display_data", "metadata": {}}
                output.outputs = tuple({**kind, "data": data} for data in shown)

        for menu in menus.values():
            menu.observe(settle, "value")
        settle()
        row = widgets.Box([*menus.values()], layout=widgets.Layout(flex_flow="row wrap"))
        return widgets.VBox([row, output])

    def _ipython_display_(self) -> None:
        if widgets is not None:
            display(self.menus())
            return
        no_menus = self._study.words.text(
            "No menus can be shown here. The next cells do the same in code."
        )
        print(no_menus)

    def _settled(
        self, wanted: Mapping[str, object], *, strict: bool = True
    ) -> tuple[dict[str, dict], dict[str, object]]:
        """Return what each choice offers after those before it, with labels, and what is chosen."""
        options: dict[str, dict] = {}
        chosen: dict[str, object] = {}
        problem = Problem("unknown choice", "", ", ".join(self.kinds), todo="name one of these")
        if unknown := sorted(set(wanted) - set(self.kinds)):
            raise InputError(replace(problem, found=unknown[0]))
        for kind in self.kinds:
            options[kind] = offered = self._offered(kind, chosen)
            value = wanted.get(kind)
            if strict and kind in wanted and value not in offered:
                so_far = map(str, chosen.values())
                where = ", ".join([f"the plan of {self._study.description.name}", *so_far])
                told = {"what": f"unknown {kind}", "found": str(value), "where": where}
                raise InputError(replace(problem, **told, allowed=", ".join(map(str, offered))))
            chosen[kind] = value if value in offered else self._first(kind, wanted, chosen, offered)
        return options, chosen

    def _first(
        self, kind: str, wanted: Mapping[str, object], chosen: Mapping[str, object], offered: dict
    ) -> object:
        """Return what is chosen where nothing is wanted that goes with the rest."""
        return next(iter(offered))

    def _called(self, kind: str) -> str:
        """Return what a choice is called in the reader's language."""
        return label("column", kind, self._study.words)

    @abstractmethod
    def _offered(self, kind: str, chosen: Mapping[str, object]) -> dict:
        """Return the values that go with the choices before, with the reader's labels."""

    @abstractmethod
    def _shown(self, chosen: Mapping[str, object]) -> list[Shown]:
        """Return what is shown of what is chosen."""


class Explorer(_Chooser):
    """The results of a study one at a time: with menus, or in code.

    In a notebook it shows itself as menus. `look` shows the same in code, and `choices` says what
    can be written there. Everything shown has passed the gate.
    """

    kinds = CHOICES

    def __init__(self, study: OpenStudy) -> None:
        super().__init__(study)
        self._plan = plan(study.description)
        self._results: dict[tuple[str, str], tuple[OpenStudy, Gated, Gated]] = {}

    def look(self, **chosen: str) -> None:
        """Show one result of the plan: sentence, figure, table, and the answers themselves.

        What is not in standard deviations has no figure of its change. Answers are drawn of
        everybody in one region only.

        Parameters
        ----------
        **chosen : str
            ``population``, ``region`` (a slug or ``national``), ``outcome``, ``estimand``,
            ``subgroup``, and ``wave`` whose answers are drawn (``pre``, ``post``, or ``all``).
            What is left out is the first that goes with the others; the region is the study's.

        Raises
        ------
        InputError
            For a word that does not go with those before it, or where there are no clean data.
        """
        display(*self._shown(self._settled(chosen)[1]))

    def planner(self, assumed: pd.DataFrame | None = None) -> Planner:
        """Return menus of what can be planned, for which clean data need not be there.

        Parameters
        ----------
        assumed : DataFrame, optional
            From `assumptions`; without it, what the study's description allows one to assume.

        Returns
        -------
        Planner
            As the last line of a cell it shows the menus: schools, people per school, ICC, r and
            how many are found again. ``explorer(study).planner().look(schools=…)`` shows one
            choice without them, ``choices()`` lists what can be written.

        Examples
        --------
        >>> from loftet_analysis import open_study
        >>> offered = explorer(open_study("sats")).planner().choices(schools=20)
        >>> offered.query("chosen")[["choice", "value"]].to_numpy().tolist()[2:]
        [['schools', 20], ['people', 50.0], ['icc', 0.05], ['r', 0.5], ['attrition', 0.3]]
        """
        if assumed is None:
            assumed = assumptions(self._study.description)
        return Planner(self._study, assumed)

    def _first(
        self, kind: str, wanted: Mapping[str, str], chosen: Mapping[str, str], offered: dict
    ) -> str:
        if kind == names.REGION:
            return self._study.region
        if kind not in _OF_PLAN:
            return next(iter(offered))
        # the first that goes with what is wanted after it
        others = {key: each for key, each in wanted.items() if key != kind}
        return next(iter([*self._asked({**others, **chosen})[kind], *offered]))

    def _called(self, kind: str) -> str:
        words = self._study.words
        return words.text("Answers drawn") if kind == names.WAVE else label("column", kind, words)

    def _offered(self, kind: str, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return the values that go with the choices before, with the reader's labels."""
        if kind == names.REGION:
            values = [names.NATIONAL, *self._study.description.regions[names.REGION]]
        elif kind == names.WAVE:
            about = self._study.description.populations[chosen[names.POPULATION]]
            asked = about.instrument.scales[chosen[names.OUTCOME]].waves
            values = [wave for wave in (names.PRE, names.POST)
                      if wave in asked and wave in self._study.description.waves]  # fmt: skip
            values = [names.ALL, *values] if len(values) > 1 else values
        else:
            values = self._asked(chosen)[kind].unique()
        population = chosen.get(names.POPULATION, "")
        return {value: _label(kind, value, population, self._study.words) for value in values}

    def _asked(self, chosen: Mapping[str, str]) -> pd.DataFrame:
        """Return the rows of the plan that are left by what is chosen."""
        rows = self._plan
        if chosen.get(names.REGION, self._study.region) != names.NATIONAL:
            rows = rows[~rows[names.ESTIMAND].isin(names_where(national_only=True))]
        for kind in set(_OF_PLAN) & set(chosen):
            rows = rows[rows[kind] == chosen[kind]]
        return rows

    def _found(self, population: str, region: str) -> tuple[OpenStudy, Gated, Gated]:
        """Return the study opened there, its effects, and its answers in bins; computed once."""
        if (population, region) not in self._results:
            study = self._study  # its own region is read through it, so that `about` tells of it
            if region != study.region:
                slug = None if region == names.NATIONAL else region
                study = open_study(study, region=slug, language=study.words.language)
            clean = study.read(population)
            effects = gate(verdicts(estimates(clean, study.plan(population))), study)
            answers = gate(histogram(clean, study[population]), study)
            self._results[population, region] = study, effects, answers
        return self._results[population, region]

    def _shown(self, chosen: Mapping[str, str]) -> list[Shown]:
        population, region = chosen[names.POPULATION], chosen[names.REGION]
        study, effects, answers = self._found(population, region)
        of_effects = [names.OUTCOME, names.ESTIMAND, names.SUBGROUP]
        rows = effects[(effects[of_effects] == [chosen[c] for c in of_effects]).all(axis=1)]
        waves = [chosen[names.WAVE]] if chosen[names.WAVE] != names.ALL else [*names.WAVES]
        rows = rows[rows[names.WAVE].isin(["", *waves])]
        bins = answers[answers[names.OUTCOME] == chosen[names.OUTCOME]]
        bins = bins[bins[names.WAVE].isin(waves)]

        def place(frame: pd.DataFrame, *, words: Words) -> str:
            kinds = CHOICES[:-1]
            return " · ".join(_label(kind, chosen[kind], population, words) for kind in kinds)

        drawn = [(rows, figures.change), (rows, tables.effects)]
        if chosen[names.ESTIMAND] == "level":
            drawn = [(rows, figures.levels), (rows, tables.levels)]
        elif rows["estimate"].isna().all() and rows["change"].notna().any():
            drawn.pop(0)  # a share: nothing in standard deviations to draw
        draws = [(rows, place), (rows, answer), *drawn]
        whole = region != names.NATIONAL or LIMITS[study.description.disclosure] == 1
        is_open = chosen[names.SUBGROUP] == names.ALL and whole
        draws.append((bins, figures.distribution) if is_open else (rows, _no_answers))
        stem = re.sub(r"[^a-z0-9]+", "_", "_".join(chosen.values()).lower())
        study.forget_said()
        return [
            study.render(frame, draw, name=f"{stem}_{i}") for i, (frame, draw) in enumerate(draws)
        ]


class Planner(_Chooser):
    """Which change a study could show: with menus, or in code. It takes no clean data.

    In a notebook it shows itself as menus. `look` shows the same in code, and `choices` says what
    can be written there.
    """

    kinds = (names.POPULATION, names.ESTIMAND, "schools", *_ASSUMED)

    def __init__(self, study: OpenStudy, assumed: pd.DataFrame) -> None:
        super().__init__(study)
        self._assumed = assumed
        self._on_menus: list[object] = []

    def look(self, **chosen: object) -> None:
        """Show the smallest change that a design could show, and its curve over schools.

        Parameters
        ----------
        **chosen
            ``population``, ``estimand``, ``schools``, ``people`` (per school), ``icc``, ``r`` and
            ``attrition`` (the share not found again), as `choices` lists them. What is left out
            is what `assumptions` takes it to be; schools are those of the register.

        Raises
        ------
        InputError
            For what does not go with the choices before it.
        """
        display(*self._shown(self._settled(chosen)[1]))

    def _settled(
        self, wanted: Mapping[str, object], *, strict: bool = True
    ) -> tuple[dict[str, dict], dict[str, object]]:
        if strict:
            return super()._settled(wanted)
        if [wanted.get(kind) for kind in self.kinds[:2]] != self._on_menus:
            # another design begins with what is assumed of it, not with what the menus hold
            wanted = {kind: wanted[kind] for kind in self.kinds[:2] if kind in wanted}
        options, chosen = super()._settled(wanted, strict=False)
        self._on_menus = [chosen[kind] for kind in self.kinds[:2]]
        return options, chosen

    def _called(self, kind: str) -> str:
        if kind in LABELS["assumed"]:
            return label("assumed", kind, self._study.words)
        return super()._called(kind)

    def _offered(self, kind: str, chosen: Mapping[str, object]) -> dict:
        words, rows = self._study.words, self._rows(chosen)
        if kind in (names.POPULATION, names.ESTIMAND):
            return {value: label(kind, value, words) for value in rows[kind].unique()}
        if kind == "schools":
            return {n: words.count(n) for n in sorted({*_TRIED[kind], *self._registered()})}
        values = sorted({*_TRIED[kind], float(rows[kind].iloc[0])})
        return {value: figures.planning.told(kind, value, words) for value in values}

    def _first(
        self, kind: str, wanted: Mapping[str, object], chosen: Mapping[str, object], offered: dict
    ) -> object:
        if kind == "schools":
            return (*self._registered(), 30)[0]
        return float(self._rows(chosen)[kind].iloc[0]) if kind in _ASSUMED else next(iter(offered))

    def _registered(self) -> tuple[int, ...]:
        schools = len(self._study.description.schools)
        return (schools,) if schools >= min(_TRIED["schools"]) else ()

    def _rows(self, chosen: Mapping[str, object]) -> pd.DataFrame:
        """Return what is assumed of the designs that are left by what is chosen."""
        rows = self._assumed
        for kind in {names.POPULATION, names.ESTIMAND} & {*chosen}:
            rows = rows[rows[kind] == chosen[kind]]
        return rows

    def _shown(self, chosen: Mapping[str, object]) -> list[Shown]:
        study, effect = self._study, self._study.description.analysis.sesoi
        rows = self._rows(chosen).assign(**{kind: chosen[kind] for kind in _ASSUMED})
        sizes = sorted({*_TRIED["schools"], chosen["schools"]})
        tried = {"needed": None, "here": [chosen["schools"]], "curve": sizes}
        found = {
            name: gate(planned(rows, schools=schools, effect=effect), study)
            for name, schools in tried.items()
        }
        study.forget_said()
        return [
            study.render(found["needed"], how_many, here=found["here"], name="planning"),
            study.render(found["curve"], figures.mdes, name="planning_curve"),
            study.render(found["here"], tables.assumed, name="planning_assumed"),
        ]


def _no_answers(frame: pd.DataFrame, *, words: Words) -> str:
    return words.text(
        "The answers themselves are drawn only for everybody in one region, so that no drawing "
        "set against another tells of a few people."
    )


def _label(kind: str, value: str, population: str, words: Words) -> str:
    if kind == names.REGION:
        return words.region(value)
    if kind == names.OUTCOME:
        return words.outcome(population, value)
    if value == names.ALL:
        return words.text("both times" if kind == names.WAVE else "everybody")
    return label(kind, value, words)


def explorer(study: OpenStudy) -> Explorer:
    """Return menus of everything that the study asks, with what each choice shows.

    A menu offers only what goes with those before it; a region's results are computed once.

    Parameters
    ----------
    study : OpenStudy
        From `open_study`; the first choices are of its region.

    Returns
    -------
    Explorer
        As the last line of a cell it shows the menus. ``explorer(study).look(outcome=…)`` shows
        one choice without them, ``explorer(study).choices()`` lists the words. Neither takes or
        gives an exact frame.

    Examples
    --------
    >>> from loftet_analysis import open_study
    >>> offered = explorer(open_study("sats")).choices(outcome="effort")
    >>> offered.query("choice == 'estimand'")[["value", "label", "chosen"]]
                value                             label  chosen
    15  linked_change                     Linked change    True
    16  school_change                     School change   False
    17          level                             Level   False
    18   lowest_fifth  Lowest fifth, beyond expectation   False
    """
    return Explorer(study)
