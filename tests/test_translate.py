"""Notebooks in three languages: all prose is translated, nothing else is touched."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from loftet_analysis.show.languages import PSEUDO
from loftet_analysis.show.translate import messages, translated
from tests.small_demo import HERE

NOTEBOOKS = sorted((HERE / "notebooks").rglob("[0-9]*.ipynb"))
PROSE = """\
## Other outcomes

**Participants** took part
in the gatherings.

- **Participants** took part in the gatherings.
- Nobody has translated this."""


@pytest.fixture
def notebook():
    cells = [new_markdown_cell(PROSE), new_code_cell("# Teachers\nprint('Teachers')")]
    return new_notebook(cells=cells)


def test_a_message_is_a_heading_a_paragraph_or_an_item():
    assert messages(PROSE) == [
        "Other outcomes",
        "**Participants** took part in the gatherings.",
        "**Participants** took part in the gatherings.",
        "Nobody has translated this.",
    ]
    assert messages("1. one\n   goes on\n2. two\n\n> said") == ["one goes on", "two", "said"]


def test_markdown_is_translated_and_keeps_its_form(notebook):
    done = translated(notebook, "nn")
    assert done.cells[0].source == (
        "## Andre utfall\n\n"
        "**Deltakarar** har vore med på samlingane.\n\n"
        "- **Deltakarar** har vore med på samlingane.\n"
        "- Nobody has translated this."
    )


def test_code_and_the_original_are_left_alone(notebook):
    before = nbformat.writes(notebook)
    done = translated(notebook, "nb")
    assert done.cells[1] == notebook.cells[1]
    assert nbformat.writes(notebook) == before


def test_english_stays_and_the_pseudo_locale_wraps(notebook):
    assert translated(notebook, "en").cells[0].source.startswith("## Other outcomes\n\n**Part")
    pseudo = translated(notebook, "nb" + PSEUDO).cells[0].source
    assert pseudo.splitlines()[0] == "## ⟦Andre utfall⟧"
    assert pseudo.count("⟦") == pseudo.count("⟧") == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
@pytest.mark.parametrize("language", ["nb", "nn"])
def test_no_paragraph_of_a_notebook_stays_english(path, language):
    source = nbformat.read(path, as_version=4)
    done = translated(source, language)
    english = re.compile(r"\b(the|of|is|and|are|what|which|their|was|did|how)\b", re.IGNORECASE)
    cells = [cell for cell in done.cells if cell.cell_type == "markdown"]
    assert len(cells) > 10
    for cell in cells:
        assert not english.search(cell.source), cell.source
    assert [cell.id for cell in done.cells] == [cell.id for cell in source.cells]
