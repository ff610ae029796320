"""Q1-Q10 have their place: a heading that names them, with a figure, a table and a sentence."""

import re
from itertools import takewhile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from loftet_analysis.show.languages import PSEUDO
from loftet_analysis.study import load_study
from tests.long import long_but
from tests.small_demo import HERE
from tests.test_site import executed, html_of, left_over, visible

QUESTIONS = [f"Q{number}" for number in range(1, 11)]
REGION_NOTEBOOKS = sorted((HERE / "notebooks/region").glob("*.ipynb"))
OF_COUNTRY = sorted((HERE / "notebooks/national").glob("*.ipynb"))
NOTEBOOKS = [*REGION_NOTEBOOKS, *OF_COUNTRY]


def places(notebooks: list[Path]) -> dict[str, list[tuple[str, str]]]:
    """The notebook and the heading of every section that answers a question."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            for question in {*cell.metadata.get("tags", [])} & {*QUESTIONS}:
                found.setdefault(question, []).append((path.stem, cell.id))
    return found


IN_REGIONS = places(REGION_NOTEBOOKS)
PLACES = [(question, *place) for question, where in IN_REGIONS.items() for place in where]
#: What only the country's pages answer.
NATIONAL_PLACES = [
    (question, *place)
    for question, where in places(OF_COUNTRY).items()
    if question not in IN_REGIONS
    for place in where
]


def lacking(page: BeautifulSoup, question: str, heading_id: str) -> list[str]:
    """What a section lacks of heading, mark, figure and sentences, and its page of a table."""
    heading = page.find(id=heading_id)
    if heading is None:
        return ["heading"]
    section = list(
        takewhile(lambda tag: tag.name not in {"h1", "h2"}, heading.find_next_siblings())
    )
    inside = BeautifulSoup("".join(map(str, section)), "html.parser")
    mark = heading.find(class_="question")
    figures = [image for image in inside.find_all("img") if len(image.get("alt", "")) > 40]
    tables = [table for table in page.find_all("table") if re.search(r"\d", table.get_text())]
    there = {
        "mark": mark is not None and mark.get_text() == question,
        "question": inside.find(class_="asked") or heading.find_previous(class_="asked"),
        "figure": figures,
        "table": tables,
        "sentence": inside.find(class_="reading"),
    }
    return [name for name, found in there.items() if not found]


def test_every_question_points_to_a_section():
    assert {*IN_REGIONS, *(question for question, *_ in NATIONAL_PLACES)} == {*QUESTIONS}
    assert [question for question, *_ in NATIONAL_PLACES] == ["Q10"]


@pytest.mark.parametrize("region", ["nordland", "oslo"])
@pytest.mark.parametrize(("question", "notebook", "heading"), PLACES)
def test_every_section_has_its_heading_figure_table_and_sentence(
    small_demo, question, notebook, heading, region
):
    path = small_demo / "reports/demo/nb" / region / f"{notebook}.html"
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert lacking(page, question, heading) == []


@pytest.mark.parametrize(("question", "notebook", "heading"), NATIONAL_PLACES)
def test_what_takes_the_country_says_so_where_there_are_two_regions(
    small_demo, question, notebook, heading
):
    path = small_demo / "reports/demo/nb/national" / f"{notebook}.html"
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert lacking(page, question, heading) == ["figure"]  # there are no numbers to draw
    assert "minst 50 skoler" in page.find(id=heading).find_next(class_="reading").get_text()


def test_the_index_leads_to_every_section(small_demo):
    folder = small_demo / "reports/demo"
    index = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    listed = index.find(class_="questions")
    assert [term.get_text() for term in listed.find_all("dt")] == QUESTIONS
    asked = [line.get_text() for line in listed.find_all("summary")]
    assert asked == [text["nb"] for text in load_study("demo").questions.values()]
    links = {link["href"] for link in listed.find_all("a")}
    for _, notebook, heading in [*PLACES, *NATIONAL_PLACES]:
        of_country = notebook in {path.stem for path in OF_COUNTRY}
        for region in ("national",) if of_country else ("nordland", "oslo"):
            assert f"nb/{region}/{notebook}.html#{heading}" in links
            page = (folder / f"nb/{region}/{notebook}.html").read_text(encoding="utf-8")
            assert f'id="{heading}"' in page


@pytest.fixture
def demo_study(small_demo, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(small_demo))
    monkeypatch.setenv("LOFTET_KEYS", str(small_demo.parent / "keys"))
    return load_study("demo")


def pieces(study, language: str) -> list[str]:
    """Everything on a page that is no translation: names and wordings of the study itself."""
    places = [name.replace(" - ", " – ") for name in study.regions["name"]]
    known = [study.title[language], *places, *study.schools["school"]]
    for population in study.populations.values():
        instrument = population.instrument
        for scale in instrument.scales.values():
            known += [scale.label[language], *(i.text[language] for i in scale.items.values())]
        for responses in instrument.responses.values():
            known += [text[language] for text in responses.labels.values()]
    return [*known, *(each[0].lower() + each[1:] for each in known if each)]


@pytest.mark.parametrize(
    "path",
    long_but([path for path in NOTEBOOKS if path.stem == "05_leader_support"], NOTEBOOKS),
    ids=[path.stem for path in NOTEBOOKS],
)
def test_a_page_in_another_language_is_whole_and_in_that_language(demo_study, path):
    language = "nn" + PSEUDO
    place = {} if path.parent.name == "national" else {"region": "oslo"}
    asked = {name: text["nn"] for name, text in demo_study.questions.items()}
    page = html_of(executed(path, study="demo", language=language, **place), language, **asked)
    for question, of, heading in PLACES:
        if of == path.stem:
            assert lacking(page, question, heading) == []
    known = [*pieces(demo_study, "nn"), *asked.values()]
    known += re.findall(r"\b[0-9a-f]{12}\b", visible(page))
    assert left_over(visible(page), known) == ""
