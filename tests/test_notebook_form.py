"""Notebooks are pages to read: short cells, prose around results, parameters first."""

import ast
import re
from itertools import pairwise

import nbformat
import pytest

from loftet_analysis.show.publish import VIEWS
from loftet_analysis.study import load_instrument
from tests.small_demo import HERE

NOTEBOOKS = sorted((HERE / "notebooks").rglob("[0-9]*.ipynb"))
EXPECTED = {
    "region": {"study": "demo", "region": "nordland", "language": "nb"},
    "national": {"study": "demo", "language": "nb"},
}
CHECK = {"nbval-check-output", "keep_output"}
LONGEST = 8

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def shows_something(cell) -> bool:
    last = ast.parse(cell.source).body[-1]
    return isinstance(last, ast.Expr)


def test_the_notebooks_of_this_floor_are_there():
    assert {path.stem for path in NOTEBOOKS} >= {"03_teachers", "04_pupils", "10_synthesis"}
    assert {path.parent.name for path in NOTEBOOKS} == set(EXPECTED)


@every_notebook
def test_a_notebook_is_valid_and_runs_anywhere(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec"}
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in notebook.cells:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", cell.id)
        assert not re.search(r"/(home|root|work|tmp|Users)/|[A-Z]:\\", cell.source)


@every_notebook
def test_it_begins_with_a_title_and_a_question(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert first.source.rstrip().endswith("?")


@every_notebook
def test_the_first_code_cell_holds_typed_and_commented_parameters(path):
    first = code_cells(path)[0]
    assert tags(first) == {"parameters"}
    assert sum("parameters" in tags(cell) for cell in code_cells(path)) == 1
    found = {}
    for line, node in zip(first.source.splitlines(), ast.parse(first.source).body, strict=True):
        assert isinstance(node, ast.AnnAssign)
        assert node.annotation.id == "str"
        assert re.search(r"  # \w.*", line)
        found[node.target.id] = node.value.value
    assert found == EXPECTED[path.parent.name]


@every_notebook
def test_imports_stand_in_one_cell(path):
    importing = [
        cell
        for cell in code_cells(path)
        if any(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(ast.parse(cell.source)))
    ]
    assert importing == [code_cells(path)[1]]


@every_notebook
def test_cells_are_short_and_hold_no_machinery(path):
    forbidden = (
        ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.With,
        ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
    )  # fmt: skip
    for cell in code_cells(path):
        lines = cell.source.splitlines()
        assert len(lines) <= LONGEST, cell.source
        assert max(map(len, lines)) <= 100, cell.source
        assert not cell.source.rstrip().endswith(";")
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, forbidden), cell.source


@every_notebook
def test_no_scale_is_named(path):
    scales = {
        name for each in ("pupil", "teacher", "leader") for name in load_instrument(each).scales
    }
    for cell in code_cells(path):
        held = {n.value for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Constant)}
        # a section may be called persistence; no code may select the scale by that name
        assert not {value for value in held if isinstance(value, str)} & scales, cell.source


@every_notebook
def test_prose_stands_before_every_result(path):
    cells = read(path).cells
    for before, cell in pairwise(cells):
        if cell.cell_type == "code" and shows_something(cell) and "study.publish" in cell.source:
            assert before.cell_type == "markdown" or not shows_something(before), cell.source
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    lines = sum(len(cell.source.splitlines()) for cell in code_cells(path))
    assert words / lines > 8


@every_notebook
def test_prose_stands_after_every_result_but_the_last(path):
    cells = read(path).cells
    for cell, after in pairwise(cells):
        if cell.cell_type == "code" and "study.publish" in cell.source:
            assert after.cell_type == "markdown", cell.source


@every_notebook
def test_results_are_shown_through_the_gate_alone(path):
    names = []
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "publish":
                assert node.args[1].value in VIEWS
                names += [k.value.value for k in node.keywords if k.arg == "name"]
        if shows_something(cell):
            shown = ast.unparse(tree.body[-1])
            assert re.match(r"study\.(publish|about)\(|study$|print\(study\.gated\(", shown), shown
    assert len(names) == len(set(names)) > 3


@every_notebook
def test_it_ends_with_what_it_was_made_from(path):
    last = code_cells(path)[-1]
    assert last.source == "study.about()"
    assert read(path).cells[-1] == last


@every_notebook
def test_key_numbers_are_checked_and_only_they_are_kept(path):
    checks = [cell for cell in code_cells(path) if tags(cell) & CHECK]
    assert checks
    for cell in checks:
        assert tags(cell) == CHECK
        assert ".round(" in cell.source
        assert "index=False" in cell.source
    for cell in code_cells(path):
        if cell not in checks:
            assert cell.outputs == []
            assert cell.execution_count is None
