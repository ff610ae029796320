"""The site around a study's pages: front page, navigation, glossary, and what can be downloaded."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import pandas as pd
from bs4 import BeautifulSoup

from loftet_analysis import names, paths, schema
from loftet_analysis.estimands import MIDWAY, contrast_of_waves
from loftet_analysis.schema import Row
from loftet_analysis.show.glossary import glossary
from loftet_analysis.show.labels import CERTAINTY_SIGNS
from loftet_analysis.show.languages import Words, alphabet, label, reader
from loftet_analysis.show.layout import ABSENT, HIDDEN, laid_out
from loftet_analysis.show.sentences import (
    asterisk,
    certainty,
    certainty_shown,
    compared,
    doubted_by_others,
    in_short,
    may_have,
    with_doubts,
)
from loftet_analysis.show.site import (
    ASSETS,
    STYLESHEET,
    TEMPLATES,
    filled,
    plain,
    with_hints,
    with_question_links,
)
from loftet_analysis.study import Study, main_changes
from loftet_analysis.study.schools import COMPARISON

#: How each page's last run ended, by region, notebook below the project's notebooks, and language.
States = Mapping[tuple[str, str, str], str]
#: A link: what it says, and where it leads.
Link = tuple[str, str]

_SPOKEN = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
_SUMMARY, _MEASUREMENT, _PUPILS = "00_summary", "02_measurement", "04_pupils"
_SYNTHESIS, _WHOLE_SCHOOL = "10_synthesis", "11_whole_school"
#: What begins with the answers of all regions, or of the only one.
_OF_EVERYBODY, _OF_REGION = (_SUMMARY, "10_country"), (_SUMMARY, "03_outcomes")
#: Notebooks that tell how good the data are.
_DATA_QUALITY = ("01_fieldwork", _MEASUREMENT, "08_flow")
_HEADER = re.compile(r'<header class="site">.*?</header>', flags=re.DOTALL)
_FOOTER = re.compile(r'<footer class="site">.*?</footer>', flags=re.DOTALL)
_TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", flags=re.DOTALL)
_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', flags=re.DOTALL)
_PAGE_LINK = re.compile(r'<a class="page"[^>]*>([^<]*)</a>(?:<span class="page">[^<]*</span>)?')
#: Where no link is put: within links, and in what is not read as text.
_NO_LINK = frozenset({"a", "svg", "title", "code", "pre"})
_MARK = re.compile(r' <(a|span) class="question"[^>]*>(.*?)</\1>')


def site_files(
    study: Study,
    states: States,
    to_come: Mapping[str, Sequence[str]] | None = None,
    *,
    folder: Path | None = None,
) -> dict[Path, bytes]:
    """Return what holds a study's pages together, and each page with its navigation.

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
    dict of Path to bytes
        The stylesheet; per language the front page ``index.<language>.html`` and
        ``<language>/glossary.html``; ``index.html``, which is the front page in the first language;
        and every page, with links to the others in its header and footer. A page that has them
        already gets them anew.
    """
    folder = folder or paths.reports(study.name)
    found = {language for _, _, language in states} or {study.languages[0]}
    first = next((each for each in study.languages if each in found), min(found))
    spoken = [each for each in _SPOKEN if each in found]
    written = {STYLESHEET: (ASSETS / "loftet.css").read_text(encoding="utf-8")}
    for language in spoken:
        site = _Site(study, states, to_come or {}, folder, language, tuple(spoken))
        written |= dict(site.files())
        if language == first:
            written["index.html"] = written[_front(language)]
    return {folder / name: text.encode() for name, text in written.items()}


def _front(language: str) -> str:
    return f"index.{language}.html"


def _stem(file: str) -> str:
    return file.rpartition("/")[2]


def _is_hidden(table: Path) -> bool:
    """Return whether a gated table has rows, and all of them are hidden."""
    rows = pd.read_csv(table, usecols=lambda column: column == "suppressed")
    return len(rows) > 0 and "suppressed" in rows and bool(rows["suppressed"].all())


def _plain(part: str) -> str:
    return plain(_MARK.sub("", part))


def _with_links(page: str, links: Mapping[str, str], spoken: Mapping[str, str]) -> str:
    """Return a page whose text names other pages as links to them.

    Where one is in another language, `spoken` says by its address in which, and so does the link.

    Examples
    --------
    >>> _with_links("<main>See page two. <a>Page two</a></main>", {"page two": "2.html"}, {})
    '<main>See <a class="page" href="2.html">page two</a>. <a>Page two</a></main>'
    """
    page = _PAGE_LINK.sub(r"\1", page)
    start, end = page.find("<main"), page.rfind("</main>")
    if not links or start < 0:
        return page
    named = re.compile("|".join(map(re.escape, links)), flags=re.IGNORECASE)
    links = {said.lower(): to for said, to in links.items()}

    def link(found: re.Match) -> str:
        to = links[found[0].lower()]
        if to not in spoken:
            return f'<a class="page" href="{to}">{found[0]}</a>'
        language = spoken[to]
        name = f'<span class="page"> ({_SPOKEN[language]})</span>'
        return f'<a class="page" href="{to}" hreflang="{language}">{found[0]}</a>{name}'

    parts, within = re.split(r"(<[^>]*>)", page[start:end]), 0
    for place, part in enumerate(parts):
        if tag := re.match(r"<(/?)(\w+)", part):
            within += (tag[2] in _NO_LINK) * (-1 if tag[1] else 1)
        elif not within:
            parts[place] = named.sub(link, part)
    return page[:start] + "".join(parts) + page[end:]


@dataclass(frozen=True)
class _Site:
    """A study's site in one language."""

    study: Study
    states: States
    to_come: Mapping[str, Sequence[str]]
    folder: Path
    language: str
    spoken: tuple[str, ...]

    @cached_property
    def words(self) -> Words:
        return reader(self.study, self.language)

    @cached_property
    def title(self) -> str:
        return self.study.text(self.study.title, self.language)

    @cached_property
    def places(self) -> dict[str, str]:
        """The country and the regions that have pages, by slug: their names, in the alphabet."""
        return {place: name for place, name in self.named.items() if place in self.pages}

    @cached_property
    def named(self) -> dict[str, str]:
        """The country and all regions, by slug: their names, in the language's alphabet."""
        named = {region: self.words.region(region) for region in self.study.regions["region"]}
        order = sorted(named.items(), key=lambda each: alphabet(each[1], self.language))
        return {names.NATIONAL: self.words.region(names.NATIONAL), **dict(order)}

    @cached_property
    def pages(self) -> dict[str, dict[str, str]]:
        """By place: the files of its pages in this language, by notebook, in their order."""
        found: dict[str, dict[str, str]] = {}
        done = [key for key, state in self.states.items() if state == "done"]
        for place, file, language in sorted(done, key=lambda key: _stem(key[1])):
            if language == self.language:
                path = f"{language}/{place}/{_stem(file)}.html"
                found.setdefault(place, {})[_stem(file)] = path
        return found

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every page as it is, by its file."""
        files = [file for pages in self.pages.values() for file in pages.values()]
        return {file: (self.folder / file).read_text(encoding="utf-8") for file in files}

    @cached_property
    def titles(self) -> dict[str, str]:
        return {file: _plain(next(_TITLE.finditer(text))[1]) for file, text in self.texts.items()}

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield every file of the site in this language, and what it holds."""
        yield _front(self.language), self.front()
        yield f"{self.language}/glossary.html", self.glossary()
        for place, pages in self.pages.items():
            along = [None, *pages.values(), None]
            for notebook, before, after in zip(pages, along, along[2:], strict=False):
                yield pages[notebook], self.page(place, notebook, before, after)

    def page(self, place: str, notebook: str, before: str | None, after: str | None) -> str:
        """Return a page with its navigation."""
        file = self.pages[place][notebook]
        text = self.texts[file]
        text = _with_links(text, *self.references(file, place))
        contents = [(_plain(inner), f"#{anchor}") for anchor, inner in _HEADING.findall(text)]
        elsewhere = {
            name: self.pages[other].get(notebook) or self.first(other)
            for other, name in self.places.items()
        }
        alike = [other for other, name in self.places.items() if name == self.places[place]]
        here = [(self.titles[each], each) for other in alike for each in self.pages[other].values()]
        menus = [
            (self.words.text("Regions"), [*elsewhere.items()]),
            (self.words.text("Pages: {place}", place=self.places[place]), here),
            (self.words.text("On this page"), contents),
        ]
        others = [(language, self.in_language(place, notebook, language)) for language in _SPOKEN]
        header = self.header(file, menus, [(language, to) for language, to in others if to])
        along = [(self.titles[each], each) if each else None for each in (before, after)]
        footer = self.footer(file, *along)
        # as functions: what is put in is no pattern
        text = _HEADER.sub(lambda _: f'<header class="site">\n{header}</header>', text, count=1)
        return _FOOTER.sub(lambda _: f'<footer class="site">\n{footer}</footer>', text, count=1)

    def references(self, file: str, place: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return where the pages are that texts name, as seen from a file.

        By what they are called their addresses, and by those in another language which that is.
        What is in no language, and the file itself, is not among them.
        """
        text, front = self.words.text, _front(self.language)
        called = {
            text("the page about measurement"): (place, _MEASUREMENT),
            text("the page about pupils"): (place, _PUPILS),
            text("the page of all regions"): (names.NATIONAL, _SYNTHESIS),
            text("the page about the whole school"): (names.NATIONAL, _WHOLE_SCHOOL),
        }
        links, spoken = {}, {}
        for said, (where, notebook) in called.items():
            found = ((self.in_language(where, notebook, each), each) for each in self.spoken)
            there = {language: page for page, language in found if page}
            language = self.language if self.language in there else next(iter(there), "")
            if language and there[language] != file:
                links[said] = _seen_from(file, there[language])
                if language != self.language:
                    spoken[links[said]] = language
        # of all regions these are lists on the front page
        if place == names.NATIONAL and any(_MEASUREMENT in of for of in self.pages.values()):
            links.setdefault(
                text("the page about measurement"), _seen_from(file, f"{front}#quality-in")
            )
        if len({*self.places} - {names.NATIONAL}) > 1:
            links[text("the pages about the regions")] = _seen_from(file, f"{front}#regions")
        return links, spoken

    def first(self, place: str) -> str:
        """Return the page of a place that tells most in short."""
        pages = self.pages[place]
        return pages.get(_SUMMARY) or next(iter(pages.values()))

    def in_language(self, place: str, notebook: str, language: str) -> str:
        """Return the same page in another language; empty where there is none."""
        done = {(at, _stem(file), of) for (at, file, of), s in self.states.items() if s == "done"}
        there = (place, notebook, language) in done
        return f"{language}/{place}/{notebook}.html" if there else ""

    def header(self, file: str, menus: Sequence, spoken: Sequence[Link]) -> str:
        """Return the inner part of a header, with addresses seen from a file of the site."""
        return vars(TEMPLATES.get_template("navigation.html").module)["header"](
            self.words,
            _seen_from(file, _front(self.language)),
            self.title,
            self.study.disclosure == "internal",
            [(name, _all_seen_from(file, links)) for name, links in menus],
            [(language, _SPOKEN[language], _seen_from(file, to)) for language, to in spoken],
        )

    def footer(self, file: str, before: Link | None = None, after: Link | None = None) -> str:
        """Return the inner part of a footer."""
        front, text = _front(self.language), self.words.text
        links = [
            (text("Front page"), front),
            (text("Glossary and methods"), f"{self.language}/glossary.html"),
            (text("All pages"), f"{front}#pages"),
        ]
        if self.downloads:
            links.append((text("Download the numbers"), f"{front}#downloads"))
        along = [link and _all_seen_from(file, [link])[0] for link in (before, after)]
        footer = vars(TEMPLATES.get_template("navigation.html").module)["footer"]
        return footer(self.words, *along, _all_seen_from(file, links))

    def around(
        self, file: str, others: Mapping[str, str], contents: Sequence[Link]
    ) -> dict[str, str]:
        """Return header and footer of a page of the site itself."""
        regions = {name: self.first(place) for place, name in self.places.items()}
        menus = [
            (self.words.text("Regions"), [*regions.items()]),
            (self.words.text("On this page"), contents),
        ]
        header = self.header(file, menus, [*others.items()])
        return {"header": header, "footer": self.footer(file)}

    def front(self) -> str:
        """Return the front page."""
        text, file = self.words.text, _front(self.language)
        whole, country = self.whole()
        regions = [(n, self.first(p)) for p, n in self.places.items() if p != names.NATIONAL]
        if len(regions) < 2:
            regions = []
        failed = sum(state == "failed" for state in self.states.values())
        told = [self.words.plural("{n} page", "{n} pages", sum(map(len, self.pages.values())))]
        if failed:
            told.append(text("{n} failed", n=self.words.count(failed)))
        if self.to_come:
            titles = sorted({_title(file, self.words).partition(":")[0] for file in self.to_come})
            told.append(text("Still to come: {what}", what=", ".join(titles)))
        about = self.study.text(self.study.about, self.language) if self.study.about else ""
        answers, questions = self.answers(country), [*self.questions()]
        quality = [*self.quality()]
        matrices = [*self.matrices()] if regions else []
        in_matrices = "".join(matrices)
        parts = {
            "country": whole if answers else "",
            "regions": text("Region by region") if regions else "",
            "questions": text("Where each research question is answered") if questions else "",
            "quality": text("How good the data are") if quality else "",
            "pages": text("All pages"),
            "downloads": text("Download the numbers") if self.downloads else "",
        }
        contents = [(title, f"#{anchor}") for anchor, title in parts.items() if title]
        # a link into a folded part opens it
        near = {"regions": "regions", "questions": "questions", "quality": "quality-in"}
        jumps = [(parts[part], f"#{anchor}") for part, anchor in near.items() if parts[part]]
        headings = dict(_HEADING.findall(self.texts[country])) if country else {}
        if "who" in headings:
            jumps.append((f"{_plain(headings['who'])}: {whole}", f"{country}#who"))
        jumps.append((text("Glossary and methods"), f"{self.language}/glossary.html"))
        return filled(
            "front.html",
            language=self.language,
            title=self.title,
            stylesheet=STYLESHEET,
            words=self.words,
            heading=self.title,
            about=[part for part in about.split("\n\n") if part],
            parts=parts,
            jumps=jumps,
            answers=answers,
            caveat=self.caveat(),
            country=country,
            more=text("More on all regions together")
            if _SUMMARY in country and f"/{names.NATIONAL}/" in country
            else self.titles.get(country),
            regions=regions,
            matrices=matrices,
            unlisted=[each for each in regions if f'"{each[1]}"' not in in_matrices],
            questions=questions,
            quality=quality,
            summary=" · ".join(told),
            failed=failed,
            all_pages=[*self.listing().items()],
            downloads=self.downloads,
            **self.around(file, {each: _front(each) for each in self.spoken}, contents),
        )

    def whole(self) -> tuple[str, str]:
        """Return what everybody is called, and the page that says most of them in short.

        In a study of one region that is the region's page, where there is none of all regions.
        """
        together, places = self.words.text("All regions together"), {names.NATIONAL: _OF_EVERYBODY}
        if len(self.study.regions) == 1:
            places |= dict.fromkeys(self.study.regions[names.REGION], _OF_REGION)
        for place, notebooks in places.items():
            pages = self.pages.get(place, {})
            if file := next((pages[each] for each in notebooks if each in pages), ""):
                return together if place == names.NATIONAL else self.named[place], file
        return together, ""

    def answers(self, page: str) -> str:
        """Return what a summary says in short; empty without one."""
        if not page:
            return ""
        found = BeautifulSoup(self.texts[page], "html.parser").find("ul", class_="reading")
        for link in found.find_all("a", href=True) if found else ():
            link["href"] = str(link["href"]).removeprefix("../../")
        return str(found or "")

    def caveat(self) -> str:
        """Return what the answers do not show on their own."""
        if self.study.schools["role"].eq(COMPARISON).any():
            return self.words.text("None of this shows on its own what caused it.")
        return self.words.text(
            "None of this shows on its own what the programme caused: there is no comparison here "
            "with schools outside it."
        )

    def listing(self) -> dict[str, list[tuple[str, str, str]]]:
        """Return the pages of each place that has one in this language, or had to, by its name."""
        failed = {p for (p, _, each), s in self.states.items() if each == self.language and s}
        there_are = failed | {*self.pages}
        found: dict[str, list[tuple[str, str, str]]] = {}
        for place, name in self.named.items():
            if place in there_are:
                found.setdefault(name, []).extend(self.listed(place))
        return found

    def listed(self, place: str) -> Iterator[tuple[str, str, str]]:
        """Yield the pages of a place: title, file (empty where it failed), and that it failed."""
        for (where, file, language), state in sorted(
            self.states.items(), key=lambda each: _stem(each[0][1])
        ):
            if (where, language) != (place, self.language) or state not in ("done", "failed"):
                continue
            page = self.pages.get(place, {}).get(_stem(file), "")
            failed = self.words.text("failed")
            yield (self.titles[page], page, "") if page else (_title(file, self.words), "", failed)

    @cached_property
    def downloads(self) -> list[tuple[str, str, str]]:
        """The tables of the study: what each holds, its file, and how large it is.

        A table of which the disclosure profile hides every row, as that of schools where the study
        is public, is not offered.
        """
        folder = self.folder / "tables"
        files = [folder / "results.xlsx", *sorted(folder.glob("*.csv"))]
        found = []
        for path in (path for path in files if path.is_file()):
            if path.suffix == ".csv" and _is_hidden(path):
                continue
            said = label("download", path.stem, self.words)
            size = f"{path.name}, {self.words.number(max(path.stat().st_size / 1e6, 0.01), 2)} MB"
            found.append((said, f"tables/{path.name}", size))
        return found

    def questions(self) -> Iterator[dict]:
        """Yield the research questions, each with the headings of the pages that answer it."""
        asked = self.words.questions
        answers: dict[str, dict[tuple[str, str], list[Link]]] = {each: {} for each in asked}
        for place, pages in self.pages.items():
            for notebook, file in pages.items():
                found = re.findall(
                    r'<h\d id="([^"]+)">(.*?)</h\d>', self.texts[file], flags=re.DOTALL
                )
                for anchor, inner in found:
                    link = (self.places[place], f"{file}#{anchor}")
                    heading = (notebook, _plain(inner))
                    marks = [mark for _, mark in _MARK.findall(inner)]
                    for question in marks or [anchor] * (anchor in asked):
                        of_heading = answers.setdefault(question, {}).setdefault(heading, [])
                        of_heading.append(link)
        undeclared = sorted(set(answers) - set(asked), key=lambda each: (len(each), each))
        names_of = {name: number for number, name in enumerate(self.places.values())}
        for question in [*asked, *undeclared]:
            places: list[tuple[str, list[Link]]] = []
            for (_, title), links in sorted(answers[question].items()):
                there = {name for name, _ in links}
                # the country's page and the regions' may have the same heading
                same = (of for t, of in places if t == title and not there & {n for n, _ in of})
                together = next(same, None)
                if together is None:
                    places.append((title, together := []))
                together += links
            for _, links in places:
                links.sort(key=lambda link: names_of[link[0]])
            if places or question in asked:
                yield {"name": question, "text": asked.get(question, ""), "places": places}

    def quality(self) -> Iterator[tuple[str, list[Link]]]:
        """Yield the pages on data quality: their title, and the places that have them."""
        for notebook in _DATA_QUALITY:
            there = [place for place in self.places if notebook in self.pages[place]]
            links = [(self.places[place], self.pages[place][notebook]) for place in there]
            if links:
                yield self.titles[links[0][1]], links

    def matrices(self) -> Iterator[str]:
        """Yield a table per population of what happened to each outcome in each region."""
        path = self.folder / "tables" / "effects.csv"
        if not path.is_file():
            return
        rows = schema.read_table(path)
        rows = main_changes(self.study, rows[rows[names.REGION].isin([*self.places])])
        order = rows[names.REGION].map([*self.places].index)
        rows = rows.iloc[order.argsort(kind="stable")]
        path = self.folder / "tables" / "pooled.csv"
        pooled = schema.read_table(path).assign(suppressed=False) if path.is_file() else None
        rows = with_doubts(rows, pooled, self.words)
        rows.loc[rows[names.REGION].ne(names.NATIONAL), "less_certain"] = ""
        path = self.folder / "tables" / "sensitivity.csv"
        others = schema.read_table(path) if path.is_file() else None
        rows["doubted"] = doubted_by_others(rows, others) if others is not None else False
        for population, of_population in rows.groupby(names.POPULATION, sort=False):
            if of_population[names.REGION].nunique() > 1:
                yield self.matrix(population, of_population)

    def matrix(self, population: str, rows: pd.DataFrame) -> str:
        """Return the table of a population."""
        words = self.words
        scales = [*self.study.populations[population].instrument.scales]
        there = rows.drop_duplicates(names.OUTCOME).set_index(names.OUTCOME)["question"]
        outcomes = [scale for scale in scales if scale in there]
        cells = {
            (row[names.REGION], row[names.OUTCOME]): self.verdict(row)
            for row in rows.to_dict("records")
        }
        lines = [
            {names.REGION: place, **{o: cells.get((place, o), ABSENT) for o in outcomes}}
            for place in rows[names.REGION].unique()
        ]
        there_are = {cell.partition(" ")[0] for cell in cells.values()}
        of_regions = rows[rows[names.REGION].ne(names.NATIONAL)].to_dict("records")
        is_any_certain = any(certainty(row) in ("increase", "decrease") for row in of_regions)
        signs = [
            f"{sign} {label('short', code, words)}"
            for code, sign in CERTAINTY_SIGNS.items()
            if sign in there_are
        ]
        columns = [
            (words.outcome(population, o), lambda row, o=o: row[o], "text", there[o])
            for o in outcomes
        ]
        of_waves = {contrast_of_waves(each) for each in rows["contrast"]}
        midway = next((each for each in MIDWAY if of_waves == {each}), "")
        when = label("contrast", midway, words) if midway else words.text("from before to after")
        caption = words.text(
            "{population}: what happened {when}, region by region",
            population=label("population", population, words),
            when=when,
        )
        notes = [
            words.text("In alphabetical order, not ranked."),
            words.text(
                "Some changes are certain here that a region's own page only says “may have” of, "
                "since only this table can allow for all regions at once."
            )
            if is_any_certain
            else "",
            asterisk(words) if rows["less_certain"].ne("").any() else "",
            words.text(
                "† Less certain than it looks: fewer than half of the other analyses of this "
                "change, on its own page, say the same."
            )
            if rows["doubted"].any()
            else "",
            may_have(rows.to_dict("records"), words),
            words.text("“Cannot tell” does not mean that nothing has changed.")
            if CERTAINTY_SIGNS["unclear"] in there_are
            else "",
            compared(rows.to_dict("records"), words),
            " · ".join(signs),
        ]
        made = laid_out(
            pd.DataFrame(lines),
            columns,
            words,
            caption,
            notes,
            line=lambda row: self.places[row[names.REGION]],
        )
        text = made.with_id(f"matrix-{population}").replace(
            'class="results"', 'class="results matrix"'
        )
        unsure = f'<td class="words">{CERTAINTY_SIGNS["unclear"]} '
        text = text.replace(unsure, unsure.replace("words", "words unsure"))
        for place, name in self.places.items():
            head, called = '<th scope="row">', html.escape(name, quote=False)
            linked = f'{head}<a href="{self.first(place)}">{called}</a></th>'
            text = text.replace(f"{head}{called}</th>", linked, 1)
        return with_hints(with_question_links(text, words.questions), words)

    def verdict(self, row: Row) -> str:
        """Return the sign and the word of a row: what happened, and how certain that is."""
        sign = CERTAINTY_SIGNS[certainty_shown(row)] if not pd.isna(row["change"]) else ABSENT
        sign = HIDDEN if row["suppressed"] else sign
        return f"{sign} {in_short(row, self.words)}{'†' * bool(row['doubted'])}"

    def glossary(self) -> str:
        """Return the page that explains words, signs, codes and columns, and names the scales."""
        words, file = self.words, f"{self.language}/glossary.html"
        others = {each: f"{each}/glossary.html" for each in self.spoken}
        parts = [*glossary(words, self.study)]
        contents = [(part.title, f"#{part.name}") for part in parts]
        return filled(
            "glossary.html",
            language=self.language,
            title=f"{words.text('Glossary and methods')} – {self.title}",
            stylesheet=f"../{STYLESHEET}",
            words=words,
            parts=parts,
            **self.around(file, others, contents),
        )


def _seen_from(file: str, target: str) -> str:
    """Return a place of the site as a file of it links to it."""
    if target.startswith("#"):
        return target
    to, mark, anchor = target.partition("#")
    folder = file.rpartition("/")[0]
    return f"{os.path.relpath(to, folder or '.')}{mark}{anchor}".replace(os.sep, "/")


def _all_seen_from(file: str, links: Sequence[Link]) -> list[Link]:
    return [(text, _seen_from(file, target)) for text, target in links]


def _title(file: str, words: Words) -> str:
    """Return a notebook's first heading in the reader's language."""
    notebook = nbformat.read(paths.notebook(file), as_version=4)
    prose = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return words.text(next(prose, _stem(file)).partition("\n")[0].lstrip("# "))
