"""Where to begin: menus of studies, regions and phases, and what there is of each."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from IPython.display import display

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.show.explore import Chooser, Chosen, Step
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.session import OpenStudy
from loftet_analysis.show.shown import Drawn, Shown, line
from loftet_analysis.study import CLOSED, Study
from loftet_analysis.study.load import STUDY_FILE

#: Before there are data.
PLAN = "plan"
#: A study's state in one place: whether the clean data are those of now, and its notebooks.
State = Callable[[Study, str, str], tuple[bool, pd.DataFrame]]


class Start(Chooser):
    """A study's state at a glance, and the way to its questions: with menus, or in code.

    In a notebook it shows itself as menus. `look` shows the same in code, and `choices` says what
    can be written there.
    """

    kinds = ("study", names.REGION, "phase")

    def __init__(self, study: OpenStudy, state: State) -> None:
        super().__init__(study)
        self._state = state

    def look(self, **chosen: str) -> None:
        """Show who answered, how the scales measure, and where each question is answered.

        Parameters
        ----------
        **chosen : str
            ``study``, ``region`` (a slug or ``national``) and ``phase``: ``plan``, before there
            are data, or a wave. What is left out is the study's own, and its last closed wave.

        Raises
        ------
        InputError
            For what does not go with the choices before it.
        """
        display(*self._shown(self._settled(chosen)[1]))

    def _called(self, kind: str) -> str:
        text = self._study.words.text
        if kind == names.REGION:
            return label("column", kind, self._study.words)
        return text("Study") if kind == "study" else text("Phase")

    def _there(self, chosen: Chosen) -> OpenStudy:
        return self._opened(self._place(chosen))[0]["study"]

    def _offered(self, kind: str, chosen: Chosen) -> dict[str, str]:
        words = self._study.words
        if kind == "study":
            found = sorted(path.parent.name for path in paths.raw().glob(f"*/{STUDY_FILE}"))
            return {name: name for name in found}
        if kind == names.REGION:
            own = str(chosen["study"]) == self._study.description.name
            there = self._study if own else self._there({**chosen, names.REGION: names.NATIONAL})
            return {place: there.words.region(place) for place in there.description.places}
        waves = [wave for wave in names.WAVES if wave in self._there(chosen).description.waves]
        said: dict[str, str] = {wave: label("wave", wave, words) for wave in waves}
        return {PLAN: words.text("before there are data"), **said}

    def _first(self, kind: str, wanted: Chosen, chosen: Chosen, offered: dict) -> object:
        own = {"study": self._study.description.name, names.REGION: self._study.region}
        if kind == "phase":
            return [PLAN, *self._there(chosen)._in_state(CLOSED)][-1]
        return own[kind] if own[kind] in offered else next(iter(offered))

    def _steps(self, chosen: Chosen) -> list[Step]:
        name, phase = str(chosen["study"]), chosen["phase"]
        if phase == PLAN or not store.is_there(name):
            return []
        return [
            "response = study.response()",
            "totals = la.gate(response.query(\"subgroup == 'all'\"), study)",
            f'answered = totals.query("wave == {phase!r}")',
            "lights = la.gate(study.lights(), study)",
            ("answered", "la.tables.response"),
            ("lights", "la.sentences.quality"),
            ("lights", "la.tables.lights"),
        ]

    def _shown(self, chosen: Chosen) -> Iterator[Shown]:
        there, phase = self._there(chosen), str(chosen["phase"])
        there.forget_said()
        yield there.place()
        language = there.words.language
        is_clean, pages = self._state(there.description, there.region, language)
        waves = {*names.WAVES[: names.WAVES.index(phase) + 1]} if phase != PLAN else set()
        fits = [
            planning == (phase == PLAN) and all({*each.split(" or ")} & waves for each in needed)
            for planning, needed in zip(pages["planning"], pages["waves"], strict=True)
        ]
        pages = pages[fits]
        yield Shown({each.language: self._told(chosen, is_clean, pages, each)
                     for each in there.readers})  # fmt: skip
        yield from self._run(chosen, "start")
        yield Shown({each.language: _links(pages, each) for each in there.readers})

    def _told(self, chosen: Chosen, is_clean: bool, pages: pd.DataFrame, words: Words) -> Drawn:
        """Return what `loftet status` says of the place, in two sentences."""
        name = str(chosen["study"])
        said = words.text("The clean data are those of the exports and study.yml as they are now.")
        if not store.is_there(name):
            command = f"loftet clean {name}"
            said = words.text("There are no clean data yet; run: {command}", command=command)
        elif not is_clean:
            said = words.text(
                "The clean data are not those of the exports and study.yml as they are now; run: "
                "{command}",
                command=f"loftet run {name}",
            )
        done, n = int(pages["why"].eq("").sum()), len(pages)
        made = words.text("Pages up to date: {done} of {n}.", done=done, n=n)
        return line(f"{made} {said}", kind="state")


def _links(pages: pd.DataFrame, words: Words) -> Drawn:
    """Return where each research question is answered: the notebooks, and pages that are made."""
    places: dict[str, list[str]] = {question: [] for question in words.questions}
    for row in pages.to_dict("records"):
        name = row["file"].rpartition("/")[2]
        for question, anchor in (row["questions"] or {"": ""}).items():
            found = places.setdefault(question, [])
            found.append(_link(row["path"], name))
            if row["page"].exists():
                found.append(_link(row["page"], f"{name}.html", anchor))
    lines, text = [], []
    for question, found in places.items():
        asked = words.questions.get(question, "" if question else words.text("Other notebooks"))
        if found:
            text.append(f"{question} {asked}".strip())
            lines.append(f"<li>{html.escape(text[-1])}<br>{' · '.join(found)}</li>")
    return Drawn(f'<ul class="start">{"".join(lines)}</ul>', "\n".join(text))


def _link(path: Path, called: str, anchor: str = "") -> str:
    """Return a link as JupyterLab follows it, from a notebook of the project's folder."""
    to = quote(Path(os.path.relpath(path, paths.root() / "notebooks")).as_posix())
    to += f"#{anchor}" if anchor else ""
    return f'<a href="{html.escape(to, quote=True)}">{html.escape(called)}</a>'
