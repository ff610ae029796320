"""Spelling of catalogues and pages, by hunspell and lists of the programme's own words."""

import csv
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from loftet_analysis.study.instrument import LANGUAGES
from tests.browser.test_pages import told
from tests.small_demo import HERE

DICTIONARIES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}
CATALOGUE = "loftet_analysis/show/locale/{}/LC_MESSAGES/loftet.po"
#: Code, markup, places of values, addresses, fingerprints, names of files, and what others wrote.
NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\{[^{}]*\}|<[^<>]*>|\]\([^)]*\)|\S*://\S+|\bdoi:\S+|\b[0-9a-f]{12}\b"
    r"|«[^«»]*»|“[^“”]*”|\S+\.(?:csv|html|ipynb|md|sav|txt|xlsx|yml)\b",
    flags=re.DOTALL,
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def listed(language: str) -> list[str]:
    """Return the words that the dictionary lacks and the programme uses."""
    path = Path(__file__).parent / f"words.{language}.txt"
    return path.read_text(encoding="utf-8").splitlines()


def misspelt(texts: dict[str, list[str]], language: str) -> list[str]:
    """Return words that neither dictionary nor list knows, each with a place."""
    places: dict[str, str] = {}
    for place, some in texts.items():
        for text in some:
            for word in WORD.findall(NO_PROSE.sub(" ", text.replace("\N{SOFT HYPHEN}", ""))):
                places.setdefault(word, place)
    done = subprocess.run(
        ["hunspell", "-i", "utf-8", "-d", DICTIONARIES[language], "-l"],
        input="\n".join(places), capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    own = {word.casefold() for word in listed(language)}
    unknown = {
        word
        for word in done.stdout.split()
        if word.casefold() not in own and len(word) > 2 and not word.isupper()
    }
    found = defaultdict(set)
    for word, place in places.items():
        # of a word with a hyphen, hunspell names the part that it does not know
        for part in {word, *re.split(r"['’-]", word)} & unknown:
            found[part].add(place)
    return [f"{word}: {min(found[word], default='')}" for word in sorted(unknown)]


def of_catalogue(language: str) -> Iterator[str]:
    source = CATALOGUE.format("nb" if language == "en" else language)
    with (HERE / source).open("rb") as file:
        for message in read_po(file):
            if message.id:
                said = message.id if language == "en" else message.string
                yield from [said] if isinstance(said, str) else said


def of_page(page: Path, language: str) -> Iterator[str]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for tag in soup.find_all(["style", "script", "code"]):
        tag.decompose()
    for tag in soup.find_all("a", download=True):
        tag.decompose()  # names of files
    for tag in soup.body.find_all(lang=True):
        if tag["lang"] != language:
            tag.extract()
    yield soup.title.get_text()
    yield from soup.body.stripped_strings
    for attribute in ("alt", "title", "aria-label"):
        yield from (tag[attribute] for tag in soup.find_all(attrs={attribute: True}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_spelt_as_the_dictionary_does(language):
    unknown = misspelt({"catalogue": [*of_catalogue(language)]}, language)
    assert not unknown, told(unknown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_spelt_as_the_dictionary_does(project, site, pages, language):
    with (project / "data_raw/demo/schools.csv").open(encoding="utf-8", newline="") as file:
        schools = re.compile("|".join(re.escape(row["school"]) for row in csv.DictReader(file)))
    texts = {}
    for page in pages:
        parts = page.relative_to(site).parts
        if language in parts or page.name.endswith(f".{language}.html"):
            texts["/".join(parts)] = [schools.sub(" ", text) for text in of_page(page, language)]
    assert len(texts) > 20
    unknown = misspelt(texts, language)
    assert not unknown, told(unknown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_of_words_are_in_order(language):
    words = listed(language)
    assert words == sorted(set(words), key=lambda word: (word.casefold(), word))
    assert len({word.casefold() for word in words}) == len(words)
