"""Pages from executed notebooks, and the index of a study's pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from string import Template

import nbformat
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from loftet_analysis import names, paths
from loftet_analysis.show.languages import Words
from loftet_analysis.show.publish import GATED
from loftet_analysis.study import Study

# cells of these tags are for those who open the notebook
_UNSEEN = {"nbval-check-output", "notebook-only"}
_ASSETS = Path(__file__).parent / "assets"
_STYLESHEET = "assets/loftet.css"
_NAMES = {"nb": "bokmål", "nn": "nynorsk", "en": "English"}
_PLACE = '<p class="place"'
_NOT_ASKED = 'class="not-asked"'
#: What a part holds that shows something.
_RESULTS = ('<figure id="', "<table", '<ul class="reading"')
#: A heading's tag that says which research question its section answers.
_QUESTION = re.compile(r"Q([1-9]|10)")


def clean_notebook(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook as it may lie beside its page, the same bytes each run.

    Only outputs that passed the gate stay; run times, papermill's notes and its random cell id go.
    """
    copy = deepcopy(notebook)
    copy.metadata = NotebookNode({"kernelspec": copy.metadata.get("kernelspec", {})})
    for position, cell in enumerate(copy.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if "injected-parameters" in tags:
            cell.id = f"injected-{position}"
        if cell.cell_type == "code":
            cell.outputs = _gated_outputs(cell)
    return copy


def _gated_outputs(cell: NotebookNode) -> list[NotebookNode]:
    outputs = cell.get("outputs", [])
    return [output for output in outputs if output.get("metadata", {}).get(GATED)]


def page(notebook: NotebookNode, *, language: str, study: str, region: str) -> str:
    """Return the page of an executed notebook: its prose and what passed the gate, no code.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, its markdown translated already.
    language : str
        The language of its prose.
    study, region : str
        Where it belongs; named in the title if the notebook does not say it better.

    Returns
    -------
    str
        HTML that lies in ``<language>/<region>/`` below the study's reports and needs nothing but
        the shared stylesheet. A section in which nothing was asked shrinks to its heading and the
        one line that says so.
    """
    parts = [part for section in _sections(notebook) for part in _shrunk(section)]
    places = [part for part in parts if part.startswith(_PLACE)]
    rest = [part for part in parts if not part.startswith(_PLACE)]
    heading = next((_plain(part) for part in rest if "<h1" in part), "")
    place = _plain(places[0]) if places else f"{study}, {region}"
    return _filled(
        "page.html",
        language=Words(language).locale,
        title=f"{heading} – {place}",
        stylesheet=f"../../{_STYLESHEET}",
        index="../../index.html",
        all_pages=Words(language).text("All pages"),
        body="\n".join([*places[:1], *rest]),
    )


def questions(cell: NotebookNode) -> list[str]:
    """Return the research questions that a heading's section answers, from its tags."""
    return [tag for tag in cell.metadata.get("tags", []) if _QUESTION.fullmatch(tag)]


def _sections(notebook: NotebookNode) -> Iterator[list[str]]:
    """Yield the visible parts of a notebook, heading by heading."""
    section: list[str] = []
    for cell in notebook.cells:
        if _UNSEEN & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            if cell.source.startswith("#"):
                yield section
                section = []
            # a heading stands alone, so that a section can shrink to it
            first, *rest = map(_as_html, cell.source.split("\n\n", 1))
            first = re.sub(r"<(h\d)>", rf'<\1 id="{cell.id}">', first, count=1)
            marks = "".join(f' <span class="question">{each}</span>' for each in questions(cell))
            section += [re.sub(r"(</h\d>)", rf"{marks}\1", first, count=1), *rest]
        elif cell.cell_type == "code":
            section += [
                _without_style(output["data"]["text/html"]) for output in _gated_outputs(cell)
            ]
    yield section


def _as_html(markdown: str) -> str:
    """Return markdown as HTML; headings are found by their cell's id, the same in any language."""
    text = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(markdown))
    return re.sub(r'<(h\d) id="[^"]*">', r"<\1>", text)


def _shrunk(section: list[str]) -> list[str]:
    lines = [part for part in section if _NOT_ASKED in part]
    if not lines or any(mark in part for part in section for mark in _RESULTS):
        return section
    return [section[0], lines[0]]


def _without_style(part: str) -> str:
    # every table brings the same rules, which the shared stylesheet holds once
    return re.sub(r"<style>.*?</style>\s*", "", part, flags=re.DOTALL)


def _plain(part: str) -> str:
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", part, flags=re.DOTALL)
    text = heading.group(1) if heading else part
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def _filled(template: str, *, body: str, **values: str) -> str:
    escaped = {key: html.escape(value, quote=True) for key, value in values.items()}
    source = (_ASSETS / template).read_text(encoding="utf-8")
    return Template(source).substitute(escaped, body=body)


def index(study: Study, states: Mapping[tuple[str, str, str], str]) -> Path:
    """Write the index of a study's pages and the stylesheet that they share.

    Parameters
    ----------
    study : Study
        The study's description.
    states : mapping of (region, notebook, language) to str
        How each page's last run ended, ``done`` or ``failed``; others are not listed.

    Returns
    -------
    Path
        ``reports/<study>/index.html``: the country first, then the regions in register order;
        a line per notebook with a link per language.
    """
    words = Words(study.languages[0])
    folder = paths.reports(study.name)
    regions = dict(zip(study.regions["region"], study.regions["name"], strict=True))
    cards = [
        _card(words.text("All regions"), names.NATIONAL, states, words),
        *(_card(name, region, states, words) for region, name in regions.items()),
    ]
    failed = sum(state == "failed" for state in states.values())
    summary = words.plural("{n} page", "{n} pages", len(states))
    if failed:
        summary += f" · {words.text('{n} failed', n=words.count(failed))}"
    body = (
        f'<p class="summary">{html.escape(summary)}</p>'
        f'<div class="cards">{"".join(filter(None, cards))}</div>'
        f"{_where_answered(study, states, words)}"
    )
    written = {
        folder / "index.html": _filled(
            "index.html",
            language=words.locale,
            title=study.text(study.title, words.locale),
            stylesheet=_STYLESHEET,
            body=body,
        ),
        folder / _STYLESHEET: (_ASSETS / "loftet.css").read_text(encoding="utf-8"),
    }
    for target, text in written.items():
        with paths.written_whole(target) as path:
            path.write_text(text, encoding="utf-8")
    return folder / "index.html"


def _card(name: str, region: str, states: Mapping[tuple[str, str, str], str], words: Words) -> str:
    """Return one region's pages, or nothing where it has none."""
    notebooks = sorted({notebook for place, notebook, _ in states if place == region})
    if not notebooks:
        return ""
    lines = "".join(
        f"<li><span>{html.escape(_heading(region, notebook, words))}</span> "
        f"<span>{' '.join(_links(region, notebook, states, words))}</span></li>"
        for notebook in notebooks
    )
    return f"<section><h2>{html.escape(name)}</h2><ul>{lines}</ul></section>"


def _links(
    region: str, notebook: str, states: Mapping[tuple[str, str, str], str], words: Words
) -> Iterator[str]:
    for language, name in _NAMES.items():
        state = states.get((region, notebook, language))
        if state == "done":
            target = f"{language}/{region}/{notebook}.html"
            yield f'<a href="{target}" hreflang="{language}" lang="{language}">{name}</a>'
        elif state is not None:
            said = words.text("{language}: failed", language=name)
            yield f'<span class="failed">{html.escape(said)}</span>'


def _where_answered(study: Study, states: Mapping[tuple[str, str, str], str], words: Words) -> str:
    """Return the research questions, each with the regions' sections that answer it."""
    done = [key for key, state in states.items() if state == "done" and key[0] != names.NATIONAL]
    regions = dict(zip(study.regions["region"], study.regions["name"], strict=True))
    found: dict[str, list[str]] = {}
    for notebook in sorted({notebook for _, notebook, _ in done}):
        for cell in _source("region", notebook).cells:
            for question in questions(cell):
                title, _, asked = cell.source.partition("\n\n")
                said = f"<strong>{html.escape(words.text(title.lstrip('# ')))}</strong>"
                said += f" {html.escape(words.text(' '.join(asked.split())))}"
                links = " ".join(
                    f'<a href="{language}/{region}/{notebook}.html#{cell.id}" '
                    f'hreflang="{language}">{html.escape(regions[region])}</a>'
                    for region, of, language in done
                    if of == notebook and language == words.locale
                )
                if links:
                    place = f'{said} <span class="places">{links}</span>'
                    found.setdefault(question, []).append(place)
    if not found:
        return ""
    lines = "".join(
        f"<dt>{question}</dt><dd>{'</dd><dd>'.join(found[question])}</dd>"
        for question in sorted(found, key=lambda q: int(q[1:]))
    )
    heading = html.escape(words.text("Where each research question is answered"))
    return f'<h2>{heading}</h2><dl class="questions">{lines}</dl>'


def _source(kind: str, notebook: str) -> NotebookNode:
    return nbformat.read(paths.notebooks() / kind / f"{notebook}.ipynb", as_version=4)


def _heading(region: str, notebook: str, words: Words) -> str:
    """Return a notebook's first heading in the reader's language."""
    kind = "national" if region == names.NATIONAL else "region"
    cells = _source(kind, notebook).cells
    first = next(cell.source for cell in cells if cell.cell_type == "markdown")
    return words.text(first.splitlines()[0].lstrip("# "))
