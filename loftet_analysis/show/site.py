"""Pages from executed notebooks, and the index of a study's pages."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product
from pathlib import Path
from string import Template

import nbformat
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from loftet_analysis import names, paths
from loftet_analysis.errors import LoftetError
from loftet_analysis.show.languages import Words
from loftet_analysis.show.shown import KEPT, SHOWN
from loftet_analysis.show.translate import translated
from loftet_analysis.study import Study

#: Cells of these tags are for those who open the notebook.
_UNSEEN = {"exact", "nbval-check-output", "notebook-only", "handover"}
_INJECTED = "injected-parameters"
_ASSETS = Path(__file__).parent / "assets"
_STYLESHEET = "assets/loftet.css"
_NAMES = {"nb": "bokmål", "nn": "nynorsk", "en": "English"}
_PLACE = '<p class="place"'
_NOT_ASKED = 'class="not-asked"'
#: What a part holds that shows something.
_RESULTS = ('<figure id="', "<table", '<ul class="reading"')
_HEADING = re.compile(r'<h\d id="([^"]+)">(.*?)</h\d>', flags=re.DOTALL)
_MARK = re.compile(r' <span class="question">(.*?)</span>')
#: A heading's tag that says which research question its section answers.
_QUESTION = re.compile(r"Q\d+")
#: How each page's last run ended, by region, notebook below the project's notebooks, and language.
States = Mapping[tuple[str, str, str], str]


def page(
    notebook: NotebookNode, *, language: str, place: str = "", questions: Mapping[str, str]
) -> str:
    """Return the page of an executed notebook: its prose and what was shown, no code.

    Parameters
    ----------
    notebook : NotebookNode
        Executed with this language among others. Of its outputs only those that `study.show` made
        are on the page.
    language : str
        Its prose is translated, and of what was shown this language is taken.
    place : str
        Study and region, for the title of a notebook that does not show them itself.
    questions : mapping of str to str
        The study's research questions in this language, by the ids that headings are tagged with.

    Returns
    -------
    str
        HTML that lies in ``<language>/<region>/`` below the study's reports and needs nothing but
        the shared stylesheet. A section in which nothing was asked shrinks to its heading and the
        one line that says so.

    Raises
    ------
    LoftetError
        Where something was not shown in this language.
    """
    words = Words(language)
    sections = _sections(notebook, language, questions)
    parts = [part for section in sections for part in _shrunk(section)]
    places = [part for part in parts if part.startswith(_PLACE)]
    rest = [part for part in parts if not part.startswith(_PLACE)]
    title = next((part for part in rest if "<h1" in part), "").partition("</h1>")[0]
    return _filled(
        "page.html",
        language=words.locale,
        title=f"{_plain(title)} – {_plain(places[0].partition('</p>')[0]) if places else place}",
        stylesheet=f"../../{_STYLESHEET}",
        index="../../index.html",
        all_pages=words.text("All pages"),
        body="\n".join([*places[:1], *rest]),
    )


def _sections(
    notebook: NotebookNode, language: str, questions: Mapping[str, str]
) -> Iterator[list[str]]:
    """Yield the visible parts of a notebook, heading by heading."""
    section: list[str] = []
    for cell in notebook.cells:
        for shown in _shown(cell):
            if language not in shown["pages"]:
                raise LoftetError(
                    f"what the notebook shows is not in {language}: let it open the study with its "
                    "parameter, la.open_study(study, language=language)"
                )
            part = shown["pages"][language]["html"]
            if _HEADING.match(part):
                yield section
                section = []
            section.append(part)
        if cell.cell_type != "markdown" or _UNSEEN & {*cell.metadata.get("tags", [])}:
            continue
        if cell.source.startswith("#"):
            yield section
            section = []
        # a heading stands alone, so that a section can shrink to it
        first, *rest = map(_as_html, translated(cell.source, language).split("\n\n", 1))
        first = re.sub(r"<(h\d)>", rf'<\1 id="{cell.id}">', first, count=1)
        tags = cell.metadata.get("tags", [])
        tagged = [tag for tag in tags if tag in questions or _QUESTION.fullmatch(tag)]
        marks = "".join(f' <span class="question">{each}</span>' for each in tagged)
        asked = "".join(
            f'\n<p class="asked">{html.escape(questions[each])}</p>'
            for each in tagged
            if each in questions
        )
        first = re.sub(r"</h\d>", lambda end, m=marks, a=asked: m + end[0] + a, first, count=1)
        section += [first, *rest]
    yield section


def _shown(cell: NotebookNode) -> list[dict]:
    """Return what a cell shows on the page: a name, and by language what is seen."""
    if _UNSEEN & {*cell.metadata.get("tags", [])}:
        return []
    outputs = cell.get("outputs", [])
    return [output["data"][SHOWN] for output in outputs if SHOWN in output.get("data", {})]


def _as_html(markdown: str) -> str:
    """Return markdown as HTML; headings are found by their cell's id, the same in any language."""
    text = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(markdown))
    return re.sub(r'<(h\d) id="[^"]*">', r"<\1>", text)


def _shrunk(section: list[str]) -> list[str]:
    lines = [part for part in section if _NOT_ASKED in part]
    if not lines or any(mark in part for part in section for mark in _RESULTS):
        return section
    return [section[0], lines[0]]


def _plain(part: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split())


def _filled(template: str, *, body: str, **values: str) -> str:
    escaped = {key: html.escape(value, quote=True) for key, value in values.items()}
    source = (_ASSETS / template).read_text(encoding="utf-8")
    return Template(source).substitute(escaped, body=body)


def clean_notebook(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook as it is kept, the same bytes each run.

    Run times, papermill's notes and its random cell id go, and what pages were made of but is not
    seen in the notebook: other languages, and the tables that were handed over.
    """
    copy = deepcopy(notebook)
    copy.metadata = NotebookNode({"kernelspec": copy.metadata.get("kernelspec", {})})
    copy.cells = [cell for cell in copy.cells if "handover" not in cell.metadata.get("tags", [])]
    for position, cell in enumerate(copy.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if _INJECTED in tags:
            cell.id = f"injected-{position}"
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(SHOWN, None)
    return copy


def handed_over(notebook: NotebookNode) -> dict:
    """Return what a notebook handed over: ``kept`` (CSV by name) and ``reads``."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return next(output["data"][KEPT] for output in outputs if KEPT in output.get("data", {}))


def figures(notebook: NotebookNode, prefix: str) -> dict[str, bytes]:
    """Return a notebook's figures by file name, as SVG and PNG in each language.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    prefix : str
        Stands before the names that the notebook did not give itself.
    """
    files = {}
    for shown in (shown for cell in notebook.cells for shown in _shown(cell)):
        stem = shown["name"] if shown.get("named", True) else f"{prefix}_{shown['name']}"
        for language, drawn in shown["pages"].items():
            if "svg" in drawn:
                files[f"{stem}.{language}.svg"] = drawn["svg"].encode()
                files[f"{stem}.{language}.png"] = base64.b64decode(drawn["png"])
    return files


def left_out(notebook: NotebookNode) -> list[str]:
    """Return what of a notebook's outputs is on no page though no tag says so, cell by cell.

    Code cells are counted as JupyterLab counts them when it runs them all.
    """
    said = []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [cell for cell in cells if _INJECTED not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(cells, start=1):
        if _UNSEEN & {*cell.metadata.get("tags", [])}:
            continue
        kinds = dict.fromkeys(map(_kind, cell.outputs))
        if "a figure" in kinds:
            kinds.pop("a value", None)  # the axes that a plotting function returns
        said += [
            f"cell {number}: {kind} that did not go through the gate is not on the page; "
            "use study.show(...)"
            for kind in kinds
            if kind
        ]
    return said


def _kind(output: NotebookNode) -> str:
    data = output.get("data", {})
    if SHOWN in data:
        return ""
    if output.output_type == "stream":
        return "printed text"
    if any(kind.startswith("image/") for kind in data):
        return "a figure"
    return "a table" if "<table" in data.get("text/html", "") else "a value"


def index(
    study: Study,
    states: States,
    to_come: Mapping[str, Sequence[str]] | None = None,
    *,
    folder: Path | None = None,
) -> list[Path]:
    """Write the index of a study's pages and the stylesheet that they share.

    Parameters
    ----------
    study : Study
        The study's description.
    states : mapping of (region, notebook, language) to str
        How each page's last run ended, ``done`` or ``failed``; others are not listed. A notebook
        is named from the project's notebooks on: ``region/04_pupils``.
    to_come : mapping of str to sequence of str
        Notebooks whose pages are still to come, with the waves that are not closed yet.
    folder : Path, optional
        Where the pages lie; default: ``reports/<study>/``.

    Returns
    -------
    list of Path
        The stylesheet, and ``index.html`` in that folder: the country first, then the regions in
        register order; a line per notebook with a link per language; then the research questions,
        each with the sections that answer it.
    """
    words, folder = Words(study.languages[0]), folder or paths.reports(study.name)
    names_of = dict(zip(study.regions["region"], study.regions["name"], strict=True))
    regions = {names.NATIONAL: words.text("All regions"), **names_of}
    failed = sum(state == "failed" for state in states.values())
    summary = words.plural("{n} page", "{n} pages", len(states))
    if failed:
        summary += f" · {words.text('{n} failed', n=words.count(failed))}"
    if to_come:
        titles = ", ".join(sorted({_title(file, words).partition(":")[0] for file in to_come}))
        summary += f" · {words.text('Still to come: {what}', what=titles)}"
    cards = [_card(name, region, states, words) for region, name in regions.items()]
    body = (
        f'<p class="summary">{html.escape(summary)}</p>'
        f'<div class="cards">{"".join(cards)}</div>'
        f"{_where_answered(study, regions, states, words, folder)}"
    )
    title = study.text(study.title, words.locale)
    written = {
        _STYLESHEET: (_ASSETS / "loftet.css").read_text(encoding="utf-8"),
        "index.html": _filled(
            "index.html", language=words.locale, title=title, stylesheet=_STYLESHEET, body=body
        ),
    }
    contents = {folder / name: text.encode() for name, text in written.items()}
    paths.replace_all(contents)
    return [*contents]


def _stem(file: str) -> str:
    return file.rpartition("/")[2]


def _title(file: str, words: Words) -> str:
    """Return a notebook's first heading in the reader's language."""
    notebook = nbformat.read(paths.notebook(file), as_version=4)
    prose = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return words.text(next(prose, _stem(file)).partition("\n")[0].lstrip("# "))


def _card(name: str, region: str, states: States, words: Words) -> str:
    """Return one region's pages, or nothing where it has none."""
    lines = ""
    for file in sorted({file for place, file, _ in states if place == region}, key=_stem):
        links = []
        for language, spoken in _NAMES.items():
            state = states.get((region, file, language))
            if state == "done":
                target = f"{language}/{region}/{_stem(file)}.html"
                at = f'href="{target}" hreflang="{language}" lang="{language}"'
                links.append(f"<a {at}>{spoken}</a>")
            elif state is not None:
                said = html.escape(words.text("{language}: failed", language=spoken))
                links.append(f'<span class="failed">{said}</span>')
        title = html.escape(_title(file, words))
        lines += f"<li><span>{title}</span> <span>{' '.join(links)}</span></li>"
    return f"<section><h2>{html.escape(name)}</h2><ul>{lines}</ul></section>" if lines else ""


def _where_answered(
    study: Study, regions: Mapping[str, str], states: States, words: Words, folder: Path
) -> str:
    """Return the research questions, each with the headings of the pages that answer it."""
    language = words.locale
    texts = {name: study.text(text, language) for name, text in study.questions.items()}
    answers: dict[str, dict[tuple[str, str], list[str]]] = {question: {} for question in texts}
    for file, region in product(sorted({file for _, file, _ in states}, key=_stem), regions):
        if states.get((region, file, language)) != "done":
            continue
        page = f"{language}/{region}/{_stem(file)}.html"
        for anchor, inner in _HEADING.findall((folder / page).read_text(encoding="utf-8")):
            heading = (file, html.unescape(_MARK.sub("", inner)))
            name = html.escape(regions[region])
            link = f'<a href="{page}#{anchor}" hreflang="{language}">{name}</a>'
            for question in _MARK.findall(inner) or [anchor] * (anchor in texts):
                answers.setdefault(question, {}).setdefault(heading, []).append(link)
    lines = ""
    undeclared = sorted(set(answers) - set(texts), key=lambda question: (len(question), question))
    for question in [*texts, *undeclared]:
        text = texts.get(question, "")
        places = ""
        for (_, title), links in answers[question].items():
            said = f"<strong>{html.escape(title)}</strong> " if title != text else ""
            places += f'<dd>{said}<span class="places">{" ".join(links)}</span></dd>'
        if places:
            asked = f'<dd class="asked">{html.escape(text)}</dd>' if text else ""
            lines += f"<dt>{html.escape(question)}</dt>{asked}{places}"
    heading = html.escape(words.text("Where each research question is answered"))
    return f'<h2>{heading}</h2><dl class="questions">{lines}</dl>' if lines else ""
