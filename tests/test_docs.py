"""The documentation names what the code can say, is up to date, and its links lead somewhere."""

import importlib.util
import inspect
import json
import re
from pathlib import Path

import pytest

import loftet_analysis as la
from loftet_analysis.analysis.verdicts import VERDICTS
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.labels import LABELS

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/guide").glob("*/*.md")]
METHODS = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=["/".join(page.parts[-2:]) for page in PAGES]
)


@pytest.mark.parametrize("name", [*ESTIMANDS, *VERDICTS, *LABELS["flag means"], *LABELS["warning"]])
def test_what_a_result_can_say_is_explained(name):
    assert f"`{name.rstrip('=')}" in METHODS


def test_every_analysis_of_the_sensitivity_table_is_explained():
    told = set(re.findall(r"`([a-z_]+)`", METHODS.partition("## 13.")[2]))
    assert len(LABELS["analysis"]) > 20
    assert set(LABELS["analysis"]) <= told


def test_the_estimands_of_the_plan_are_in_the_readme():
    assert [name for name in ESTIMANDS if f"`{name}`" not in README] == []


@every_page
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    places = re.findall(r"\]\(([^)#][^)]*)\)", text)
    for place in places:
        if not place.startswith("http"):
            assert (page.parent / place.partition("#")[0]).exists(), place
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@every_page
def test_files_commands_and_names_that_are_named_exist(page):
    if page.name == "CHANGELOG.md":
        return
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= {*targets, "api", "nbval"}
    for name in re.findall(r"\bla\.([a-z_]+)", text):
        assert name in la.__all__, name
    for path in re.findall(r"`((?:loftet_analysis|tests|notebooks|docs)/[\w./]+)`", text):
        assert (ROOT / path).exists() or "mine" in path, path


def test_every_place_that_the_list_for_reports_names_is_there():
    text = (ROOT / "docs" / "reporting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+\w? .*$", text, flags=re.MULTILINE)
    assert len(rows) > 12
    named = re.findall(r"`(\w+/\d\d_\w+)#([\w-]+)`", text)
    assert len(named) > 12
    for notebook, cell in named:
        cells = json.loads((ROOT / f"notebooks/{notebook}.ipynb").read_text("utf-8"))["cells"]
        (place,) = [each for each in cells if each["id"] == cell]
        assert place["cell_type"] == "markdown"
        assert place["source"][0].startswith("#"), cell
        assert "notebook-only" not in place["metadata"].get("tags", [])


def test_the_readmes_notebook_is_the_real_one():
    notebook = (ROOT / "notebooks" / "region" / "04_pupils.ipynb").read_text(encoding="utf-8")
    (snippet,) = [b for b in re.findall(r"```python\n(.+?)```", README, flags=re.S) if "la." in b]
    lines = [line for line in snippet.splitlines() if line and not line.startswith(("#", " "))]
    assert len(lines) > 8
    for line in lines:
        assert line.replace('"', '\\"') in notebook, line


def test_the_api_page_is_made_from_the_docstrings():
    place = ROOT / "docs" / "make_api.py"
    spec = importlib.util.spec_from_file_location("make_api", place)
    make_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_api)
    assert make_api.PAGE.read_text(encoding="utf-8") == make_api.page(), "run: make api"
    for name in la._MODULES:
        assert len(re.findall(rf"^- `la\.{name}\.", make_api.page(), flags=re.MULTILINE)) > 3


@pytest.mark.parametrize("name", la._NAMES)
def test_a_public_name_says_what_goes_in_and_comes_out_with_an_example(name):
    function = getattr(la, name)
    told = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Examples"):
        assert f"\n{section}\n---" in told, section
    assert ">>> " in told
    parameters = told.partition("Parameters\n")[2].partition("\nReturns")[0]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^[\w, *]*\b{parameter}\b", parameters, flags=re.MULTILINE), parameter


def test_there_are_about_thirty_public_names():
    assert 25 <= len(la._NAMES) <= 40
    assert set(dir(la)) >= set(la.__all__)
