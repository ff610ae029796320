"""Pages from executed notebooks, and the index of a study's pages."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from loftet_analysis.errors import LoftetError
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.shown import KEPT, SHOWN
from loftet_analysis.show.translate import translated

#: Cells of these tags are for those who open the notebook.
_UNSEEN = {"exact", "nbval-check-output", "notebook-only", "handover"}
_INJECTED = "injected-parameters"
ASSETS = Path(__file__).parent / "assets"
TEMPLATES = Environment(
    loader=FileSystemLoader(ASSETS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
#: What all pages look like; its place in the site.
STYLESHEET = "assets/loftet.css"
_PLACE = '<p class="place"'
_NOT_ASKED, _NOTHING = 'class="not-asked"', 'class="nothing"'
#: The tag of headings whose section, with what is beneath it, is closed until it is opened.
_APPENDIX = "appendix"
#: What a part holds that shows something.
_RESULTS = ('<figure id="', "<table", '<ul class="reading"')
_HEADING = re.compile(r'<h\d id="([^"]+)"(?: appendix)?>(.*?)</h\d>', flags=re.DOTALL)
_PNG = re.compile(r'<a href="[^"]*\.png"[^>]*>PNG</a>, ')
_SCROLLER = re.compile(r'<div class="(?:table|wide)"[^>]*>')
#: A heading's tag that says which research question its section answers.
_QUESTION = re.compile(r"Q\d+")


def page(
    notebook: NotebookNode,
    *,
    language: str,
    name: str,
    place: str = "",
    questions: Mapping[str, str],
) -> str:
    """Return the page of an executed notebook: its prose and what was shown, no code.

    Parameters
    ----------
    notebook : NotebookNode
        Executed with this language among others. Of its outputs only those that `study.show` made
        are on the page.
    language : str
        Its prose is translated, and of what was shown this language is taken.
    name : str
        The notebook's, and that of the folder beside the page in which its files lie.
    place : str
        Study and region, for the title of a notebook that does not show them itself.
    questions : mapping of str to str
        The study's research questions in this language, by the ids that headings are tagged with.

    Returns
    -------
    str
        HTML that lies in ``<language>/<region>/`` below the study's reports and needs nothing but
        the shared stylesheet and the pictures among its `files`. A section in which nothing was
        asked, or there is nothing to show, shrinks to its heading and the one line that says so.

    Raises
    ------
    LoftetError
        Where something was not shown in this language.
    """
    words = Words(language)
    sections = [[*_shrunk(section)] for section in _sections(notebook, language, name, questions)]
    parts = [part for section in sections for part in section]
    places = [part for part in parts if part.startswith(_PLACE)]
    sections = [[p for p in section if not p.startswith(_PLACE)] for section in sections]
    title = next((part for part in parts if "<h1" in part), "").partition("</h1>")[0]
    body = [*places[:1], _as_word(name, plain(title), words), *_folded(sections)]
    return filled(
        "page.html",
        language=words.locale,
        title=f"{plain(title)} – {plain(places[0].partition('</p>')[0]) if places else place}",
        stylesheet=f"../../{STYLESHEET}",
        front="../../index.html",
        words=words,
        body=with_hints(_linked("\n".join(body), words.locale, questions), words),
    )


def _linked(body: str, language: str, questions: Mapping[str, str]) -> str:
    """Return a page's body with the ids of research questions as links to where they are told."""
    front = f"../../index.{language}.html"

    def link(found: re.Match) -> str:
        linked = question_link(found[1], questions, front)
        return linked.replace("<a", '<a class="question"', 1) if linked else found[0]

    body = re.sub(r'<span class="question"[^>]*>([^<]*)</span>', link, body)
    return with_question_links(body, questions, front)


def question_link(question: str, questions: Mapping[str, str], front: str = "") -> str:
    """Return the id of a research question as a link that says what is asked; else nothing."""
    if (asked := questions.get(html.unescape(question))) is None:
        return ""
    title = html.escape(asked, quote=True)
    return f'<a href="{front}#{question}" title="{title}">{question}</a>'


def with_question_links(tables: str, questions: Mapping[str, str], front: str = "") -> str:
    """Return HTML with the ids of research questions that stand alone in a cell as links."""

    def link(found: re.Match) -> str:
        linked = question_link(found[2], questions, front)
        return f"{found[1]}{linked}{found[3]}" if linked else found[0]

    return re.sub(r"(<t[dh]\b[^>]*>)([^<]+)(</t[dh]>)", link, tables)


def with_hints(body: str, words: Words) -> str:
    """Return HTML with a line in what may scroll that says so; seen where there is more beside."""
    hint = f'<p class="hint" aria-hidden="true">{words.text("scroll sideways")} →</p>'
    return _SCROLLER.sub(lambda found: found[0] + hint, body)


def _folded(sections: Sequence[list[str]]) -> Iterator[str]:
    """Yield the parts of sections; an appendix, with the sections beneath it, in one that opens."""
    level = 0  # of the appendix that is open, as headings count
    for section in sections:
        found = _HEADING.match(section[0]) if section else None
        depth = int(section[0][2]) if found else 0
        if level and 0 < depth <= level:
            yield "</details>"
            level = 0
        if found and not level and f" {_APPENDIX}" in section[0]:
            level = depth
            head, _, after = section[0].replace(f" {_APPENDIX}", "", 1).partition(f"</h{depth}>")
            yield f'<details class="{_APPENDIX}"><summary>{head}</h{depth}></summary>{after}'
            section = section[1:]
        # of its figures the picture that stays sharp is enough, and PNG are half of all pictures
        yield from (_PNG.sub("", part) for part in section) if level else section
    if level:
        yield "</details>"


def _sections(
    notebook: NotebookNode, language: str, name: str, questions: Mapping[str, str]
) -> Iterator[list[str]]:
    """Yield the visible parts of a notebook, heading by heading; a question is asked once."""
    section: list[str] = []
    asked_before: set[str] = set()
    for cell, results in _cells(notebook):
        for shown in results:
            if language not in shown["pages"]:
                raise LoftetError(
                    f"what the notebook shows is not in {language}: let it open the study with its "
                    "parameter, la.open_study(study, language=language)"
                )
            part = shown["pages"][language]["html"]
            if _HEADING.match(part):
                yield section
                section = []
            if "svg" in shown["pages"][language]:
                part = _figure_on_page(shown, language, name)
            section.append(part)
        if cell.cell_type != "markdown" or _UNSEEN & {*cell.metadata.get("tags", [])}:
            continue
        if cell.source.startswith("#"):
            yield section
            section = []
        # a heading stands alone, so that a section can shrink to it
        first, *rest = map(_as_html, translated(cell.source, language).split("\n\n", 1))
        tags = cell.metadata.get("tags", [])
        folded = f" {_APPENDIX}" if _APPENDIX in tags else ""
        first = re.sub(r"<(h\d)>", rf'<\1 id="{cell.id}"{folded}>', first, count=1)
        tagged = [tag for tag in tags if tag in questions or _QUESTION.fullmatch(tag)]
        marks = "".join(f' <span class="question">{each}</span>' for each in tagged)
        asked = "".join(
            f'\n<p class="asked">{html.escape(questions[each])}</p>'
            for each in tagged
            if each in questions and each not in asked_before
        )
        asked_before |= {*tagged}

        def around(end: re.Match[str], marks: str = marks, asked: str = asked) -> str:
            return marks + end[0] + asked

        first = re.sub(r"</h\d>", around, first, count=1)
        section += [first, *rest]
    yield section


def _shown(cell: NotebookNode) -> list[dict]:
    """Return what a cell shows on the page: a name, and by language what is seen."""
    if _UNSEEN & {*cell.metadata.get("tags", [])}:
        return []
    outputs = cell.get("outputs", [])
    return [output["data"][SHOWN] for output in outputs if SHOWN in output.get("data", {})]


def _cells(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, list[dict]]]:
    """Yield each cell and what it shows, no two figures or tables of a notebook under one name."""
    taken: set[str] = set()
    for cell in notebook.cells:
        yield cell, [_renamed(shown, taken) for shown in _shown(cell)]


def _renamed(shown: dict, taken: set[str]) -> dict:
    name = unique = shown["name"]
    if not any(f' id="{name}"' in drawn["html"] for drawn in shown["pages"].values()):
        return shown
    for number in count(2):
        if unique not in taken:
            break
        unique = f"{name}_{number}"
    taken.add(unique)
    pages = {language: {**drawn} for language, drawn in shown["pages"].items()}
    for drawn in pages.values():
        for of in ('id="{}"', 'src="{}.svg"', 'srcset="{}.phone.svg"'):
            drawn["html"] = drawn["html"].replace(of.format(name), of.format(unique), 1)
    return {**shown, "name": unique, "pages": pages}


def _figure_on_page(shown: dict, language: str, folder: str) -> str:
    """Return a figure whose picture is a file, above links to its pictures and numbers."""
    drawn, words = shown["pages"][language], Words(language)
    at = f"{folder}/{shown['name']}"
    figure = drawn["html"].replace(f'src="{shown["name"]}.', f'src="{at}.', 1)
    figure = figure.replace(f'srcset="{shown["name"]}.', f'srcset="{at}.', 1)
    title = html.unescape(figure.partition(' aria-label="')[2].partition('"')[0])
    links = [("PNG", ".png"), ("SVG", ".svg")]
    for of in drawn["numbers"]:
        beside = label("beside", of, words) if of in LABELS["beside"] else of
        said = words.text("numbers, {of}", of=beside) if of else words.text("numbers")
        links.append((f"{said} (CSV)", _csv_suffix(of)))
    anchors = [
        f'<a href="{at}{suffix}" download aria-label="{html.escape(f"{text}, {title}")}">'
        f"{html.escape(text)}</a>"
        for text, suffix in links
    ]
    said = html.escape(words.text("Download:"))
    below = f'<p class="files">{said} {", ".join(anchors)}</p>'
    return figure.replace("</figure>", f"{below}</figure>", 1)


def _as_word(name: str, title: str, words: Words) -> str:
    """Return the line that links to the page as a Word document."""
    called = html.escape(f"Word, {title}")
    link = f'<a href="{name}/{name}.docx" download aria-label="{called}">Word</a>'
    return f'<p class="files">{html.escape(words.text("Download the page:"))} {link}</p>'


def _csv_suffix(of: str) -> str:
    return f".{of}.csv" if of else ".csv"


def files(notebook: NotebookNode, language: str) -> dict[str, bytes]:
    """Return the files of figures in one language by name; a page links to some of the pictures.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    language : str

    Returns
    -------
    dict of str to bytes
        ``<figure>.svg``, ``<figure>.png``, for some ``<figure>.phone.svg``, and the frames that it
        was drawn from: ``<figure>.csv``, and ``<figure>.<parameter>.csv`` of further ones.
    """
    found: dict[str, bytes] = {}
    for shown, of_language, drawn in _drawings(notebook):
        if of_language == language:
            found |= _pictures(shown["name"], drawn)
            if "phone" in drawn:
                found[f"{shown['name']}.phone.svg"] = drawn["phone"].encode()
            for of, text in drawn["numbers"].items():
                found[f"{shown['name']}{_csv_suffix(of)}"] = text.encode()
    return found


def _as_html(markdown: str) -> str:
    """Return markdown as HTML; headings are found by their cell's id, the same in any language."""
    text = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(markdown))
    return re.sub(r'<(h\d) id="[^"]*">', r"<\1>", text)


def _shrunk(section: list[str]) -> list[str]:
    # at the top of a page what follows is about the whole page
    marks = (_NOT_ASKED,) if section and section[0].startswith("<h1") else (_NOT_ASKED, _NOTHING)
    lines = [part for part in section if any(mark in part for mark in marks)]
    if not lines or any(mark in part for part in section for mark in _RESULTS):
        return section
    return [section[0], lines[0]]


def plain(part: str) -> str:
    """Return the text of a piece of HTML, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split())


def filled(template: str, **values: object) -> str:
    """Return a template of the site with its places filled; texts are escaped, `Markup` is not."""
    return TEMPLATES.get_template(template).render(values)


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
    found: dict[str, bytes] = {}
    for shown, language, drawn in _drawings(notebook):
        stem = shown["name"] if shown.get("named", True) else f"{prefix}_{shown['name']}"
        found |= _pictures(f"{stem}.{language}", drawn)
    return found


def _drawings(notebook: NotebookNode) -> Iterator[tuple[dict, str, dict]]:
    """Yield what was shown as a figure, with each language and what was drawn in it."""
    for shown in (shown for _, results in _cells(notebook) for shown in results):
        for language, drawn in shown["pages"].items():
            if "svg" in drawn:
                yield shown, language, drawn


def _pictures(stem: str, drawn: Mapping[str, str]) -> dict[str, bytes]:
    return {
        f"{stem}.svg": drawn["svg"].encode(),
        f"{stem}.png": base64.b64decode(drawn["png"]),
    }


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
