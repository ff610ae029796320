"""Build the guide as pages that need no network: ``make guide``, into ``reports/guide/``.

Sources are ``docs/guide/<language>/*.md``. What they link to comes along: other Markdown and
notebooks as pages, any other file as it is. What stands between ``<!-- messages: begin -->`` and
its end, and the like, is made from the code; the shorter of these lists (`WRITTEN`) are written
into the sources too, so that whoever reads them there finds them.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from messages import messages
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from ruamel.yaml import YAML

from loftet_analysis import paths
from loftet_analysis.show.glossary import glossary
from loftet_analysis.show.languages import Words
from loftet_analysis.show.site import ASSETS, STYLESHEET, TEMPLATES
from loftet_analysis.show.translate import translated

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
LANGUAGES = {"nb": "Bokmål", "en": "English"}
#: The pages of a language, in the order in which they are read.
PAGES = (
    "index", "first_hour", "own_study", "study_keys", "reading_results", "glossary", "own_notebook",
    "extend", "privacy", "methods", "cluster", "messages",
)  # fmt: skip
#: Parts of the library whose messages the guide lists, in the order in which people meet them.
_PARTS = {
    "study": ("study.yml, spørreskjema og register", "study.yml, questionnaire and register"),
    "tabular": ("Eksportfiler som ikke lar seg lese", "Exports that cannot be read"),
    "cleaning": ("Rensing", "Cleaning"),
    "batch": ("Kommandoene", "The commands"),
    "disclosure": ("Porten", "The gate"),
    "analysis": ("Verbene i notatbøker", "The verbs of notebooks"),
    "show": ("Sider og brev", "Pages and letters"),
    "stats": ("Statistikken", "The statistics"),
    "demo": ("Demoen", "The demo"),
    "": ("Prosjektet", "The project"),
}
_TEMPLATE = """\
{% extends "base.html" %}
{% import "navigation.html" as navigation %}
{% block kind %} class="guide"{% endblock %}
{% block header %}
{{ navigation.header(words, front, "loftet_analysis", false, menus, spoken) }}
{% endblock %}
{% block main %}{{ body | safe }}{% endblock %}
{% block footer %}{{ navigation.footer(words, before, after, links) }}{% endblock %}
"""


def keys_table(language: str) -> str:
    """Return every key of study.yml and of an instrument, part by part, with examples."""
    place = [*LANGUAGES].index(language) ^ 1  # in the file English comes first
    heads = "| nøkkel | hva |" if language == "nb" else "| key | what |"
    written = []
    for part in YAML(typ="safe").load(GUIDE / "keys.yml"):
        rows = [f"| `{key}` | {said[place]} |" for key, said in part["keys"].items()]
        examples = [f"```yaml\n{example.strip()}\n```" for example in part["examples"]]
        title = f"### {part['title'][place]}\n\n`{part['at']}`"
        written += [title, "\n".join([heads, "|---|---|", *rows]), *examples]
    return "\n\n".join(written)


def messages_table(language: str) -> str:
    """Return every message, by the part of the library that gives it."""
    words = {"nb": ("melding", "tillatt", "å gjøre"), "en": ("message", "allowed", "to do")}
    written = []
    for part, titles in _PARTS.items():
        rows = [
            "| " + " | ".join(_cell(text) for text in (m.what, m.allowed, m.todo)) + " |"
            for m in messages()
            if m.part == part
        ]
        written.append(f"## {titles[language == 'en']}")
        heads = f"| {' | '.join(words[language])} |"
        written.append("\n".join([heads, "|---|---|---|", *rows]))
    return "\n\n".join(written)


def _cell(text: str) -> str:
    """Return a text as a cell of a Markdown table that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|$~])", r"\\\1", text).replace("\\<", "&lt;")


def glossary_lists(language: str, only: str = "") -> str:
    """Return the glossary: words, signs, codes and columns; or one part of it."""
    written = []
    for part in glossary(Words(language)):
        if (part.name == "methods") != (only == "methods"):
            continue
        terms = [
            f"<dt>{'<code>' * part.codes}{html.escape(term)}{'</code>' * part.codes}</dt>"
            f"<dd>{html.escape(said)}</dd>"
            for term, said in part.terms
        ]
        written.append(f'## {part.title}\n\n<dl class="terms">\n' + "\n".join(terms) + "\n</dl>")
    return "\n\n".join(written)


def notebooks_list(language: str) -> str:
    """Return links to all notebooks, by their first heading."""
    return "\n".join(
        f"- [{_title(path, language)}](../../../{path.relative_to(ROOT).as_posix()})"
        f" (`{path.relative_to(ROOT).as_posix()}`)"
        for path in sorted((ROOT / "notebooks").rglob("[!.]*.ipynb"))
        if ".ipynb_checkpoints" not in path.parts
    )


MADE: dict[str, Callable[[str], str]] = {
    "keys": keys_table,
    "messages": messages_table,
    "glossary": glossary_lists,
    "methods": partial(glossary_lists, only="methods"),
    "notebooks": notebooks_list,
}
#: Lists that stand in the sources as well.
WRITTEN = ("keys", "methods", "notebooks")


def with_lists(text: str, language: str, names: Iterable[str] = tuple(MADE)) -> str:
    """Return a page's source with what is made from the code between the marks of its place."""
    for name in names:
        begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
        if begin in text:
            before, rest = text.split(begin)
            made = f"{begin}\n{MADE[name](language)}\n{end}"
            text = before + made + rest.partition(end)[2]
    return text


def write_lists() -> None:
    """Write the shorter lists into the sources."""
    for path in GUIDE.glob("*/*.md"):
        text = path.read_text(encoding="utf-8")
        path.write_text(with_lists(text, path.parent.name, WRITTEN), encoding="utf-8")


@cache
def _cells(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def _title(path: Path, language: str) -> str:
    """Return the first heading of a page's source."""
    if path.suffix == ".ipynb":
        prose = (cell.source for cell in _cells(path).cells if cell.cell_type == "markdown")
        return translated(next(prose).partition("\n")[0], language).lstrip("# ")
    return re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]


def _address(path: Path, language: str) -> str:
    """Return where a file of the repository lies in the guide."""
    place = path.relative_to(GUIDE if path.is_relative_to(GUIDE) else ROOT).as_posix()
    if path.suffix == ".ipynb":
        return f"{language}/{place.removesuffix('.ipynb')}.html"
    return f"{place.removesuffix('.md')}.html" if path.suffix == ".md" else f"files/{place}"


def _source(path: Path, language: str) -> BeautifulSoup:
    """Return the body of a page: Markdown, or a notebook, as HTML."""
    if path.suffix == ".ipynb":
        notebook = nbformat.from_dict(_cells(path))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = translated(cell.source, language)
        text = HTMLExporter(template_name="basic").from_notebook_node(notebook)[0]
    else:
        text = markdown2html(with_lists(path.read_text(encoding="utf-8"), language))
    soup = BeautifulSoup(text, "html.parser")
    for gone in soup.select("a.anchor-link, style, script, link"):
        gone.decompose()
    for heading in soup.select("h1, h2, h3, h4"):
        # as GitHub names them, so that one link leads there in both places
        said = re.sub(r"[^\w -]", "", heading.get_text().lower()).strip()
        heading["id"] = said.replace(" ", "-")
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "table"}))
    for wide in soup.select("pre, div.table"):  # the keyboard can scroll them
        wide["tabindex"] = "0"
    return soup


def _links(
    soup: BeautifulSoup, source: Path, address: str, language: str
) -> Iterator[tuple[Path, str]]:
    """Let links lead to places of the guide, and yield the files that they lead to."""
    for tag in soup.select("a[href], img[src]"):
        name = "href" if tag.name == "a" else "src"
        to, mark, anchor = tag[name].partition("#")
        if re.match(r"[a-z]+:", to) or not to:
            continue
        path = (source.parent / to).resolve()
        if path.is_file():
            spoken = "en" if path.suffix == ".md" else language
            spoken = path.relative_to(GUIDE).parts[0] if path.is_relative_to(GUIDE) else spoken
            tag[name] = _seen_from(address, _address(path, spoken)) + mark + anchor
            yield path, spoken
        else:
            tag.unwrap()


def _seen_from(address: str, target: str) -> str:
    return os.path.relpath(target, Path(address).parent).replace(os.sep, "/")


def _page(path: Path, address: str, language: str) -> tuple[str, list[tuple[Path, str]]]:
    """Return a page, and the files that it leads to."""
    words, soup = Words(language), _source(path, language)
    found = [*_links(soup, path, address, language)]
    pages = [GUIDE / language / f"{name}.md" for name in PAGES]
    listed = [(_title(p, language), _seen_from(address, _address(p, language))) for p in pages]
    contents = [(h.get_text(), f"#{h['id']}") for h in soup.select("h2")]
    spoken = [
        (each, name, _seen_from(address, _address(GUIDE / each / path.name, each)))
        for each, name in LANGUAGES.items()
        if path.is_relative_to(GUIDE)
    ]
    at = pages.index(path) if path in pages else None
    around = [
        listed[i] if at is not None and 0 <= i < len(pages) else None
        for i in ((at or 0) - 1, (at or 0) + 1)
    ]
    title = _title(path, language)
    text = TEMPLATES.from_string(_TEMPLATE).render(
        language=language,
        title=f"{title} – loftet_analysis",
        stylesheet=_seen_from(address, STYLESHEET),
        words=words,
        front=listed[0][1],
        menus=[(words.text("Pages"), listed), (words.text("On this page"), contents)],
        spoken=spoken,
        body=str(soup),
        before=around[0],
        after=around[1],
        links=[listed[0], listed[PAGES.index("glossary")]],
    )
    return text, found


def files() -> dict[str, bytes]:
    """Return every file of the guide by its place in it."""
    first = GUIDE / "nb" / "index.md"
    written = {STYLESHEET: (ASSETS / "loftet.css").read_bytes()}
    written["index.html"] = _page(first, "index.html", "nb")[0].encode()
    to_do = [(GUIDE / each / f"{name}.md", each) for each in LANGUAGES for name in PAGES]
    while to_do:
        path, language = to_do.pop()
        address = _address(path, language)
        if address in written:
            continue
        if path.suffix in (".md", ".ipynb"):
            text, found = _page(path, address, language)
            written[address] = text.encode()
            to_do += found
        else:
            written[address] = path.read_bytes()
    return written


if __name__ == "__main__":
    write_lists()
    folder = paths.reports("guide")
    for place, content in files().items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)
    print(f"open {folder / 'index.html'}")
