"""One result at a time: what of a study can be chosen, what a choice shows, and menus for it."""

from __future__ import annotations

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any

import pandas as pd
from IPython.display import display

import loftet_analysis as la
from loftet_analysis import names
from loftet_analysis.analysis.estimates import MODELS
from loftet_analysis.analysis.school_link import FEWEST_SCHOOLS
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError, LoftetError, Problem
from loftet_analysis.estimands import names_where
from loftet_analysis.show import figures
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, label, of_group
from loftet_analysis.show.session import OpenStudy, open_study
from loftet_analysis.show.shown import Drawn, Shown, line
from loftet_analysis.study import plan

try:
    import ipywidgets as widgets
except ImportError:
    widgets = None

#: What stands beside a scale: another one as ``population.outcome``, or nothing.
BESIDE = "beside"
#: What is chosen, in the order in which a choice narrows those after it.
CHOICES = (
    names.POPULATION, names.REGION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP, names.WAVE,
    BESIDE,
)  # fmt: skip
#: How an estimand is asked of groups that the plan does not name.
_BY = {
    "linked_change": "la.linked_change(la.pairs(people, plan, also=[{by}]), plan, by={by})",
    "participants": "la.linked_change(la.pairs(people, plan, also=[{by}]), plan, "
    'role="participant", by={by})',
    "colleagues": "la.linked_change(la.pairs(people, plan, also=[{by}]), plan, "
    'role="colleague", by={by})',
    "same_grade": "la.same_grade(people, plan, by={by})",
    "level": "la.level(people, plan, by={by})",
}
#: Columns of the register that schools can be grouped by, and the fewest schools of a group.
_OF_SCHOOLS, _FEWEST_OF_GROUP = ("municipality", "grades"), 2
#: A line of code, or what is shown: a frame, the function that draws it, and its other frames.
Step = str | tuple[str, ...]
#: Values, by kind of choice.
Chosen = Mapping[str, Any]
#: What is assumed and can be chosen, and the values that are offered beside those assumed.
_ASSUMPTIONS = "assumed = la.assumptions(study.description)"
_ASSUMED = ("people", "icc", "r", "attrition")
_TRIED = {
    "schools": (8, 12, 20, 30, 50, 80, 150),
    "people": (2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 50.0, 80.0, 120.0),
    "icc": (0.01, 0.02, 0.05, 0.1, 0.15, 0.2),
    "r": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "attrition": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
}
_OF_PLAN = (names.POPULATION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP)


class Chooser(ABC):
    """Choices that narrow one another, with menus or in code, and what is shown for them.

    What is shown is made by lines of Python, a list of `Step`; they are run here as they are
    given to the reader, so that both are the same.
    """

    kinds: tuple[str, ...] = ()

    def __init__(self, study: OpenStudy) -> None:
        self._study = study
        # by study and region: what the lines have made there, and the lines
        self._made: dict[tuple[str, str], tuple[dict[str, Any], list[str]]] = {}

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

    def code(self, **chosen: object) -> str:
        """Return the lines of Python that make what `look` shows, for a notebook of one's own.

        Parameters
        ----------
        **chosen
            As for `look`.

        Returns
        -------
        str
        """
        return self._code(self._settled(chosen)[1])

    def menus(self) -> widgets.VBox:
        """Return a menu for each choice, beneath them what `look` shows, and folded its code."""
        box, fill = self._menus()
        fill()
        return box

    def _menus(self) -> tuple[widgets.VBox, Callable[[], None]]:
        """Return the menus, and what fills them: they can be seen before anything is computed."""
        looks = {"style": {"description_width": "9em"}, "layout": widgets.Layout(width="30em")}
        menus = {
            kind: widgets.Dropdown(description=self._called(kind), **looks) for kind in self.kinds
        }
        output, code = widgets.Output(), widgets.HTML()

        def settle(_: object = None) -> None:
            wanted = {kind: menu.value for kind, menu in menus.items() if menu.value is not None}
            shown: list[dict] = []
            try:
                options, chosen = self._settled(wanted, strict=False)
                for kind, menu in menus.items():
                    menu.unobserve(settle, "value")  # or, being filled, it would settle anew
                    menu.options = [(said, value) for value, said in options[kind].items()]
                    menu.value = chosen[kind]
                    menu.observe(settle, "value")
                code.value = f"<pre>{html.escape(self._code(chosen))}</pre>"
                for each in self._shown(chosen):
                    data = {"text/html": each._repr_html_(), "text/plain": each.first.text}
                    shown.append({"output_type": "display_data", "metadata": {}, "data": data})
                    if each.first.svg:  # the first figure need not wait for the rest
                        output.outputs = tuple(shown)
            except LoftetError as error:  # else it would be lost in the log of the front end
                shown = [{"output_type": "stream", "name": "stderr", "text": str(error)}]
            output.outputs = tuple(shown)

        for menu in menus.values():
            menu.observe(settle, "value")
        row = widgets.Box([*menus.values()], layout=widgets.Layout(flex_flow="row wrap"))
        folded = widgets.Accordion([code], titles=(self._study.words.text("Show the code"),))
        return widgets.VBox([row, output, folded]), settle

    def _ipython_display_(self) -> None:
        if widgets is not None:
            box, fill = self._menus()
            display(box)
            fill()
            return
        no_menus = self._study.words.text(
            "No menus can be shown here. The next cells do the same in code."
        )
        print(no_menus)

    def _code(self, chosen: Chosen) -> str:
        steps = [
            step if isinstance(step, str) else f"study.show({', '.join(step)})"
            for step in self._steps(chosen)
        ]
        name, region = self._place(chosen)
        where = "" if region == names.NATIONAL else f"region={_quoted(region)}, "
        language = self._study.words.language
        opened = f"la.open_study({_quoted(name)}, {where}language={_quoted(language)})"
        imports = ["import pandas as pd", ""] * any("pd." in step for step in steps)
        imports += ["import loftet_analysis as la", ""]
        return "\n".join([*imports, f"study = {opened}", *steps])

    def _run(self, chosen: Chosen, stem: str) -> Iterator[Shown]:
        """Run the lines, but for those at the beginning that were run before, and show."""
        space, lines = self._opened(self._place(chosen))
        study, n, is_same, shown = space["study"], 0, True, 0
        for step in self._steps(chosen):
            if isinstance(step, str):
                is_same = is_same and lines[n : n + 1] == [step]
                if not is_same:
                    del lines[n:]
                    exec(step, space)
                    lines.append(step)
                n += 1
                continue
            frame, draw, *others = step
            given = dict(other.split("=") for other in others)
            yield study.render(
                space[frame], attrgetter(draw.removeprefix("la."))(la), name=f"{stem}_{shown}",
                **{key: space[name] for key, name in given.items()},
            )  # fmt: skip
            shown += 1

    def _opened(self, place: tuple[str, str]) -> tuple[dict[str, Any], list[str]]:
        """Return what the lines of a study and region have made so far, and the lines."""
        if place not in self._made:
            study = self._study  # its own region is read through it, so that `about` tells of it
            name, region = place
            if place != (study.description.name, study.region):
                slug = None if region == names.NATIONAL else region
                study = open_study(name, region=slug, language=study.words.language)
            self._made[place] = {"la": la, "pd": pd, "study": study}, []
        return self._made[place]

    def _place(self, chosen: Chosen) -> tuple[str, str]:
        """Return the study and the region that are chosen."""
        own = self._study.description.name, self._study.region
        return str(chosen.get("study", own[0])), str(chosen.get(names.REGION, own[1]))

    def _settled(
        self, wanted: Chosen, *, strict: bool = True
    ) -> tuple[dict[str, dict], dict[str, Any]]:
        """Return what each choice offers after those before it, with labels, and what is chosen."""
        options: dict[str, dict] = {}
        chosen: dict[str, Any] = {}
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

    def _first(self, kind: str, wanted: Chosen, chosen: Chosen, offered: dict) -> object:
        """Return what is chosen where nothing is wanted that goes with the rest."""
        return next(iter(offered))

    def _called(self, kind: str) -> str:
        """Return what a choice is called in the reader's language."""
        return label("column", kind, self._study.words)

    @abstractmethod
    def _offered(self, kind: str, chosen: Chosen) -> dict:
        """Return the values that go with the choices before, with the reader's labels."""

    @abstractmethod
    def _steps(self, chosen: Chosen) -> list[Step]:
        """Return the lines that make what is shown, and what is shown, in their order."""

    @abstractmethod
    def _shown(self, chosen: Chosen) -> Iterator[Shown]:
        """Give what is shown of what is chosen, one after the other."""


class Explorer(Chooser):
    """The results of a study one at a time: with menus, or in code.

    In a notebook it shows itself as menus. `look` shows the same in code, and `choices` says what
    can be written there. Everything shown has passed the gate.
    """

    kinds = CHOICES

    def __init__(self, study: OpenStudy) -> None:
        super().__init__(study)
        self._plan = plan(study.description)

    def look(self, **chosen: str) -> None:
        """Show one result of the plan: sentence, figure, table, and the answers themselves.

        What is not in standard deviations has no figure of its change. Answers are drawn of
        everybody in one region only.

        Parameters
        ----------
        **chosen : str
            ``population``, ``region`` (a slug or ``national``), ``outcome``, ``estimand``,
            ``subgroup``, ``wave`` whose answers are drawn (``pre``, ``post``, or ``all``), and
            ``beside``, a scale of which schools' means are set against those of `outcome`
            (``teachers.practice_varied``; of 50 schools or more). A subgroup is ``all``, a group
            (``gender=girl``), or a column for all its groups; groups may be by background that
            study.yml names values of, and by the register's municipality and grades, which are
            groups of one's own for the gate. What is left out is the first that goes with the
            others; the region is the study's.

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
        return Planner(self._study, assumed)

    def _first(self, kind: str, wanted: Chosen, chosen: Chosen, offered: dict) -> str:
        if kind == names.REGION:
            return self._study.region
        if kind not in _OF_PLAN:
            return next(iter(offered))
        # the first that goes with what is wanted after it
        others = {key: each for key, each in wanted.items() if key != kind}
        return next(iter([*self._asked({**others, **chosen})[kind], *offered]))

    def _called(self, kind: str) -> str:
        words = self._study.words
        if kind == BESIDE:
            return words.text("Together with")
        return words.text("Answers drawn") if kind == names.WAVE else label("column", kind, words)

    def _offered(self, kind: str, chosen: Chosen) -> dict[str, str]:
        """Return the values that go with the choices before, with the reader's labels."""
        values: Iterable[str]
        if kind == names.REGION:
            values = self._study.description.places
        elif kind == names.WAVE:
            about = self._study.description.populations[chosen[names.POPULATION]]
            asked = about.instrument.scales[chosen[names.OUTCOME]].waves
            waves = [wave for wave in (names.PRE, names.POST)
                     if wave in asked and wave in self._study.description.waves]  # fmt: skip
            values = [names.ALL, *waves] if len(waves) > 1 else waves
        elif kind == BESIDE:
            values = ["", *self._others(chosen)]
        else:
            values = self._asked(chosen)[kind].unique()
        if kind == names.SUBGROUP:
            groups = self._groups(chosen)
            columns = [column for column, its in groups.items() if len(its) > 1]
            values = dict.fromkeys([*values, *columns, *chain.from_iterable(groups.values())])
        population = chosen.get(names.POPULATION, "")
        return {value: _label(kind, value, population, self._study.words) for value in values}

    def _asked(self, chosen: Chosen) -> pd.DataFrame:
        """Return the rows of the plan that are left by what is chosen."""
        rows = self._plan
        if self._place(chosen)[1] != names.NATIONAL:
            rows = rows[~rows[names.ESTIMAND].isin(names_where(national_only=True))]
        for kind in set(_OF_PLAN) & set(chosen):
            rows = rows[rows[kind] == chosen[kind]]
        return rows

    def _groups(self, chosen: Chosen) -> dict[str, list[str]]:
        """Return the groups of each column: those of the plan, and then of one's own."""
        before = (names.POPULATION, names.REGION, names.OUTCOME, names.ESTIMAND)
        planned = self._asked({kind: chosen[kind] for kind in before})[names.SUBGROUP]
        found: dict[str, list[str]] = {}
        for group in planned[planned != names.ALL].unique():
            found.setdefault(group.partition("=")[0], []).append(group)
        if chosen[names.ESTIMAND] in _BY:
            found |= self._own(chosen[names.POPULATION], self._place(chosen)[1])
        return found

    def _own(self, population: str, region: str) -> dict[str, list[str]]:
        """Return the groups that no plan names: of background with values, and of schools."""
        study = self._study.description
        known = {*study.planned_groups(population), *study.gaps(population), names.ROLE}
        background = study.populations[population].values
        found = {column: list(background[column]) for column in background if column not in known}
        schools = study.schools
        if region != names.NATIONAL:
            schools = schools[schools[names.REGION] == region]
        for column in (each for each in _OF_SCHOOLS if each in schools):
            n = schools[column].replace("", None).value_counts()
            found[column] = sorted(n.index[n >= _FEWEST_OF_GROUP])
        return {
            column: [f"{column}={group}" for group in groups]
            for column, groups in found.items() if groups
        }  # fmt: skip

    def _others(self, chosen: Chosen) -> list[str]:
        """Return the scales whose school means can be set beside these, where schools are many."""
        schools, region = self._study.description.schools, self._place(chosen)[1]
        n = len(schools) if region == names.NATIONAL else schools[names.REGION].eq(region).sum()
        if n < FEWEST_SCHOOLS or chosen[names.SUBGROUP] != names.ALL:
            return []
        scales = self._plan[[names.POPULATION, names.OUTCOME]].drop_duplicates()
        this = f"{chosen[names.POPULATION]}.{chosen[names.OUTCOME]}"
        return [each for each in (".".join(row) for row in scales.to_numpy()) if each != this]

    def _steps(self, chosen: Chosen) -> list[Step]:
        population, outcome, estimand, subgroup, wave = (
            chosen[kind] for kind in CHOICES if kind not in (names.REGION, BESIDE)
        )
        if chosen[BESIDE]:
            return _of_two(population, outcome, chosen[BESIDE], "" if wave == names.ALL else wave)
        in_wave = "" if wave == names.ALL else f" and wave == {wave!r}"
        column = subgroup.partition("=")[0]
        own = self._own(population, self._place(chosen)[1])
        read = f"study.read({_quoted(population)}, items=False)"
        if column not in own:
            of_plan = f"outcome == {outcome!r} or family != ''"  # a family is adjusted as a whole
            found = "la.estimates(people, plan)"
        else:
            of_plan = f"outcome == {outcome!r}"
            found = _BY[estimand].format(by=_quoted(column))
        steps: list[Step] = [f"people = {read}"]
        if column in own and column in _OF_SCHOOLS:
            schools = f"study.description.schools.set_index({_quoted(names.SCHOOL)})"
            steps = [
                f"clean = {read}",
                f"schools = {schools}[{_quoted(column)}]",
                f"people = clean.assign({column}=clean[{_quoted(names.SCHOOL)}].map(schools))",
            ]
        groups = self._groups(chosen).get(subgroup, [subgroup])
        rows = f"outcome == {outcome!r} and estimand == {estimand!r} and subgroup in {groups}"
        rows += in_wave if estimand == "level" else ""
        steps += [
            f"plan = study.plan({_quoted(population)}).query({_quoted(of_plan)})",
            f"effects = la.gate(la.verdicts({found}), study)",
            f"shown = effects.query({_quoted(rows)})",
            ("shown", "la.answer"),
        ]
        if estimand == "level":
            steps += [("shown", "la.figures.levels"), ("shown", "la.tables.levels")]
        else:  # a share is nothing in standard deviations to draw
            drawn = [("shown", "la.figures.change")] * any(m.unit for m in MODELS[estimand])
            steps += [*drawn, ("shown", "la.tables.effects")]
        if self._is_open(chosen):
            rows = f"outcome == {outcome!r}{in_wave}"
            steps += [
                f"bins = la.gate(la.histogram(people, study[{_quoted(population)}]), study)",
                f"answers = bins.query({_quoted(rows)})",
                ("answers", "la.figures.distribution"),
            ]
        return steps

    def _is_open(self, chosen: Chosen) -> bool:
        """Whether the answers themselves are drawn."""
        of_all = self._place(chosen)[1] != names.NATIONAL
        of_all |= LIMITS[self._study.description.disclosure] == 1
        return chosen[names.SUBGROUP] == names.ALL and of_all

    def _shown(self, chosen: Chosen) -> Iterator[Shown]:
        study = self._opened(self._place(chosen))[0]["study"]
        study.forget_said()
        kinds = [kind for kind in CHOICES if kind != names.WAVE and chosen[kind]]
        place = {
            words.language: line(
                " · ".join(_label(k, chosen[k], chosen[names.POPULATION], words) for k in kinds),
                kind="place",
            )
            for words in study.readers
        }
        yield Shown(place)
        stem = re.sub(r"[^a-z0-9]+", "_", "_".join(filter(None, chosen.values())).lower())
        yield from self._run(chosen, stem.strip("_"))
        if not chosen[BESIDE] and not self._is_open(chosen):
            yield Shown({words.language: _no_answers(words) for words in study.readers})


class Planner(Chooser):
    """Which change a study could show: with menus, or in code. It takes no clean data.

    In a notebook it shows itself as menus. `look` shows the same in code, and `choices` says what
    can be written there.
    """

    kinds = (names.POPULATION, names.ESTIMAND, "schools", *_ASSUMED)

    def __init__(self, study: OpenStudy, assumed: pd.DataFrame | None) -> None:
        super().__init__(study)
        space, lines = self._opened(self._place({}))
        # of one's own they are a frame of the notebook, with the same name
        self._first_line = [] if assumed is not None else [_ASSUMPTIONS]
        lines += self._first_line
        space["assumed"] = la.assumptions(study.description) if assumed is None else assumed
        self._assumed = space["assumed"]
        self._on_menus: list[Any] = []

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
        self, wanted: Chosen, *, strict: bool = True
    ) -> tuple[dict[str, dict], dict[str, Any]]:
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

    def _offered(self, kind: str, chosen: Chosen) -> dict:
        words, rows = self._study.words, self._rows(chosen)
        if kind in (names.POPULATION, names.ESTIMAND):
            return {value: label(kind, value, words) for value in rows[kind].unique()}
        if kind == "schools":
            return {n: words.count(n) for n in sorted({*_TRIED[kind], *self._registered()})}
        values = sorted({*_TRIED[kind], float(rows[kind].iloc[0])})
        return {value: figures.planning.told(kind, value, words) for value in values}

    def _first(self, kind: str, wanted: Chosen, chosen: Chosen, offered: dict) -> object:
        if kind == "schools":
            return (*self._registered(), 30)[0]
        return float(self._rows(chosen)[kind].iloc[0]) if kind in _ASSUMED else next(iter(offered))

    def _registered(self) -> tuple[int, ...]:
        schools = len(self._study.description.schools)
        return (schools,) if schools >= min(_TRIED["schools"]) else ()

    def _rows(self, chosen: Chosen) -> pd.DataFrame:
        """Return what is assumed of the designs that are left by what is chosen."""
        rows = self._assumed
        for kind in {names.POPULATION, names.ESTIMAND} & {*chosen}:
            rows = rows[rows[kind] == chosen[kind]]
        return rows

    def _steps(self, chosen: Chosen) -> list[Step]:
        rows = " and ".join(f"{kind} == {chosen[kind]!r}" for kind in self.kinds[:2])
        given = ", ".join(f"{kind}={chosen[kind]!r}" for kind in _ASSUMED)
        sizes = sorted({*_TRIED["schools"], chosen["schools"]})
        tried = {"needed": None, "curve": sizes, "here": [chosen["schools"]]}
        effect = self._study.description.analysis.sesoi
        return [
            *self._first_line,
            f"rows = assumed.query({_quoted(rows)}).assign({given})",
            *(
                f"{name} = la.gate(la.planned(rows, schools={schools}, effect={effect}), study)"
                for name, schools in tried.items()
            ),
            ("needed", "la.sentences.how_many", "here=here"),
            ("curve", "la.figures.mdes"),
            ("here", "la.tables.assumed"),
        ]

    def _shown(self, chosen: Chosen) -> Iterator[Shown]:
        self._study.forget_said()
        yield from self._run(chosen, "planning")


def _of_two(population: str, outcome: str, beside: str, wave: str) -> list[Step]:
    """Return the lines that set schools' means of two scales beside each other."""
    other, _, scale = beside.partition(".")
    given = f"wave={_quoted(wave)}, shared=spread"
    link = f"la.school_link(people, plan, steps, {given}"
    who = ", ".join(map(_quoted, dict.fromkeys([population, other])))
    sides = ((population, outcome), (other, scale))
    steps = ", ".join(f'({_quoted(who)}, "all", [{_quoted(of)}])' for who, of in sides)
    return [
        f"people = {{name: study.read(name, items=False) for name in [{who}]}}",
        "plan = pd.concat([study.plan(name) for name in people])",
        "spread = pd.concat([la.variance(each, study[name]) for name, each in people.items()])",
        f"steps = [{steps}]",
        f"links = la.gate({link}), study)",
        ("links", "la.sentences.links"),
        ("links", "la.figures.chain"),
        ("links", "la.tables.school_link"),
        f"groups = la.gate({link}, bins=5), study)",
        ("groups", "la.figures.binned_scatter"),
    ]


def _quoted(text: str) -> str:
    """Return a text as Python writes it, in double quotes where that needs no backslash."""
    return repr(text) if '"' in text or repr(text)[0] == '"' else f'"{repr(text)[1:-1]}"'


def _no_answers(words: Words) -> Drawn:
    text = words.text(
        "The answers themselves are drawn only for everybody in one region, so that no drawing "
        "set against another tells of a few people."
    )
    return line(text, kind="nothing")


def _label(kind: str, value: str, population: str, words: Words) -> str:
    if kind == names.REGION:
        return words.region(value)
    if kind == names.OUTCOME:
        return words.outcome(population, value)
    if value == names.ALL:
        return words.text("both times" if kind == names.WAVE else "everybody")
    if kind == BESIDE:
        who, _, outcome = value.partition(".")
        if not value:
            return words.text("no other scale")
        return of_group(words.outcome(who, outcome), label("population", who, words))
    if kind == names.SUBGROUP:
        column, _, group = value.partition("=")
        called = label("column", column, words) if column in LABELS["column"] else column
        if not group:
            return words.text("{column}: each group", column=called)
    return label(kind, value, words)


def explorer(study: OpenStudy) -> Explorer:
    """Return menus of everything that the study asks, with what each choice shows.

    A menu offers only what goes with those before it; of a region only what a choice needs is read
    and computed, and nothing twice.

    Parameters
    ----------
    study : OpenStudy
        From `open_study`; the first choices are of its region.

    Returns
    -------
    Explorer
        As the last line of a cell it shows the menus. ``explorer(study).look(outcome=…)`` shows
        one choice without them, ``explorer(study).choices()`` lists the words, and
        ``explorer(study).code(outcome=…)`` gives the lines that make what is shown. None of them
        takes or gives an exact frame.

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
