"""Notebooks in three languages: all prose is translated, nothing else is touched."""

import re

import nbformat
import pytest

from loftet_analysis.show.languages import PSEUDO
from loftet_analysis.show.translate import messages, translated
from tests.small_demo import HERE

NOTEBOOKS = sorted((HERE / "notebooks").glob("*/[0-9]*.ipynb"))
PROSE = """\
## The numbers

**Participants** took part
in the seminars.

- **Participants** took part in the seminars.
- Nobody has translated this."""


def test_a_message_is_a_heading_a_paragraph_or_an_item():
    assert messages(PROSE) == [
        "The numbers",
        "**Participants** took part in the seminars.",
        "**Participants** took part in the seminars.",
        "Nobody has translated this.",
    ]
    assert messages("1. one\n   goes on\n2. two\n\n> said") == ["one goes on", "two", "said"]


def test_markdown_is_translated_and_keeps_its_form():
    assert translated(PROSE, "nn") == (
        "## Tala\n\n"
        "**Deltakarar** har vore med på samlingane.\n\n"
        "- **Deltakarar** har vore med på samlingane.\n"
        "- Nobody has translated this."
    )


def test_english_stays_and_the_pseudo_locale_wraps():
    assert translated(PROSE, "en").startswith("## The numbers\n\n**Part")
    pseudo = translated(PROSE, "nb" + PSEUDO)
    assert pseudo.splitlines()[0] == "## ⟦Tallene⟧"
    assert pseudo.count("⟦") == pseudo.count("⟧") == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=["/".join(p.parts[-2:]) for p in NOTEBOOKS])
@pytest.mark.parametrize("language", ["nb", "nn"])
def test_no_paragraph_of_a_page_stays_english(path, language):
    english = re.compile(r"\b(the|of|is|and|are|what|which|their|was|did|how)\b", re.IGNORECASE)
    cells = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown" and "notebook-only" not in cell.metadata.get("tags", [])
    ]
    assert len(cells) >= 4
    for cell in cells:
        said = translated(cell.source, language)
        assert not english.search(said), said
