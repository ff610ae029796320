"""Notebooks show the analysis and are pages to read: what is shown has passed the gate."""

import ast
import re

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

from loftet_analysis.disclosure.gate import passed
from loftet_analysis.errors import DisclosureError
from loftet_analysis.show.session import OpenStudy
from tests.small_demo import HERE

NOTEBOOKS = sorted((HERE / "notebooks").glob("*/[0-9]*.ipynb"))
CLEANING = HERE / "notebooks" / "00_cleaning.ipynb"
PARAMETERS = {
    "region": {"study": "demo", "region": "nordland", "language": "nb"},
    "national": {"study": "demo", "language": "nb"},
    "any": {"study": "demo", "region": "nordland", "language": "nb"},
    "planning": {"study": "demo", "language": "nb"},
}
CHECK = {"nbval-check-output", "keep_output"}
LONGEST = 12
LIBRARIES = ("pd", "sns", "pg")


def name_of(path) -> str:
    return f"{path.parent.name}/{path.stem}"


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=map(name_of, NOTEBOOKS))
with_cleaning = pytest.mark.parametrize("path", [*NOTEBOOKS, CLEANING], ids=name_of)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def calls(node, name: str) -> list[ast.Call]:
    """Every call of a name such as ``study.show`` below a node."""
    nodes = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return [each for each in nodes if ast.unparse(each.func) == name]


def displayed(cell) -> list[ast.expr]:
    """What a cell displays by itself: bare expressions, but for what passes the gate."""
    body = ast.parse(cell.source).body
    local = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    found = []
    for node in [each for each in body if not isinstance(each, ast.FunctionDef)]:
        found += [each.value for each in ast.walk(node) if isinstance(each, ast.Expr)]
    safe = {"study.show", "study.keep", "study.about", "section", *local}
    return [
        each
        for each in found
        if ast.unparse(each) != "study"
        and not (isinstance(each, ast.Call) and ast.unparse(each.func) in safe)
    ]


class Gates:
    """Follows which names of a notebook hold what has passed the gate.

    A frame has passed where it comes from `la.gate`, or where pandas made it of nothing else.
    """

    def __init__(self) -> None:
        self.names: dict[str, bool] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.shown: list[tuple[str, bool]] = []

    def run(self, body: list[ast.stmt]) -> bool:
        """Follow statements; return whether what they return has passed."""
        returned = False
        for node in body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self.bind(target, node.value)
            elif isinstance(node, ast.For):
                self.bind_each(node.target, node.iter)
                self.run(node.body)
            elif isinstance(node, ast.If):
                self.run([*node.body, *node.orelse])
            elif isinstance(node, ast.Return):
                returned = self.passed(node.value)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self.follow(node.value)
        return returned

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, one in zip(target.elts, value.elts, strict=True):
                self.bind(each, one)
            return
        whole = self.passed(value)
        for each in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(each, ast.Name):
                self.names[each.id] = whole
            elif isinstance(each, ast.Subscript) and not whole:
                self.names[ast.unparse(each.value)] = False  # numbers put in after the gate

    def bind_each(self, target: ast.expr, iterated: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(iterated, ast.Tuple):
            for place, each in enumerate(target.elts):
                column = [row.elts[place] for row in iterated.elts]
                self.names[each.id] = all(self.passed(one) for one in column)
        else:
            self.bind(target, iterated)

    def follow(self, call: ast.Call) -> None:
        function = ast.unparse(call.func)
        if function == "study.show":
            others = [k.value for k in call.keywords if k.arg not in ("name", "caption", "alt")]
            for frame in [call.args[0], *others]:
                self.shown.append((ast.unparse(frame), self.passed(frame)))
        elif function in self.functions:
            self.call(function, [self.passed(each) for each in call.args])

    def call(self, function: str, given: list[bool]) -> bool:
        node, outside = self.functions[function], dict(self.names)
        self.names |= dict(zip([each.arg for each in node.args.args], given, strict=True))
        result = self.run(node.body)
        self.names = outside
        return result

    def passed(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return self.names.get(node.id, False)
        if isinstance(node, ast.Subscript | ast.Attribute | ast.Starred):
            return self.passed(node.value)
        if isinstance(node, ast.List | ast.Tuple):
            return bool(node.elts) and all(self.passed(each) for each in node.elts)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            outside = dict(self.names)
            self.bind_each(node.generators[0].target, node.generators[0].iter)
            result = self.passed(node.elt)
            self.names = outside
            return result
        if not isinstance(node, ast.Call):
            return False
        function = ast.unparse(node.func)
        if function in ("la.gate", "pd.concat", "study.main_changes"):
            return function == "la.gate" or self.passed(node.args[0])
        if function == "map":
            return self.passed(node.args[1]) and self.call(ast.unparse(node.args[0]), [True])
        if function in self.functions:
            return self.call(function, [self.passed(each) for each in node.args])
        return isinstance(node.func, ast.Attribute) and self.passed(node.func.value)


def test_the_notebooks_of_this_floor_are_there():
    assert {name_of(path) for path in NOTEBOOKS} >= {
        "region/03_teachers", "region/04_pupils", "national/10_synthesis", "any/03_outcomes",
    }  # fmt: skip
    assert {path.parent.name for path in NOTEBOOKS} == set(PARAMETERS)


@with_cleaning
def test_a_notebook_is_valid_and_runs_anywhere(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert {*notebook.metadata} - {"loftet"} == {"kernelspec"}
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in notebook.cells:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", cell.id)
        assert not re.search(r"/(home|root|work|tmp|Users)/|[A-Z]:\\", cell.source)


@with_cleaning
def test_it_begins_with_a_title_and_a_question(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "?" in first.source


@with_cleaning
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
    if path == CLEANING:
        assert [*found] == ["study", "region", "population", "wave"]
    else:
        wanted = PARAMETERS[path.parent.name]
        assert found == {key: wanted[key] for key in found}
        assert set(wanted) - set(found) <= {"region"}


@with_cleaning
def test_imports_stand_in_one_cell(path):
    importing = [
        cell
        for cell in code_cells(path)
        if any(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(ast.parse(cell.source)))
    ]
    assert importing == [code_cells(path)[1]]


@with_cleaning
def test_cells_are_short(path):
    for cell in code_cells(path):
        lines = cell.source.splitlines()
        assert len(lines) <= LONGEST, cell.source
        assert max(map(len, lines)) <= 100, cell.source
        assert not cell.source.rstrip().endswith(";")  # nbval would ignore it


@every_notebook
def test_the_fields_libraries_are_used_and_ours_by_one_name(path):
    uses = {
        ast.unparse(node.value)
        for cell in code_cells(path)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Attribute)
    }
    assert uses >= {*LIBRARIES, "la"}
    imported = ast.parse(code_cells(path)[1].source).body
    assert all(isinstance(node, ast.Import) for node in imported)
    assert {each.asname for node in imported for each in node.names} == {*LIBRARIES, "la"}


@every_notebook
def test_what_is_shown_has_passed_the_gate(path):
    gates = Gates()
    for cell in code_cells(path):
        gates.run(ast.parse(cell.source).body)
    written = sum(len(calls(ast.parse(cell.source), "study.show")) for cell in code_cells(path))
    assert len(gates.shown) >= written >= 3
    assert [frame for frame, has_passed in gates.shown if not has_passed] == []


@pytest.mark.parametrize("folder", ["region", "national"])
def test_no_two_notebooks_give_a_figure_the_same_name(folder):
    by_name: dict[str, set[str]] = {}
    for path in sorted((HERE / "notebooks" / folder).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for name in re.findall(r'la\.figures\.[^#]*?name=f?"(\w+)', cell.source):
                by_name.setdefault(name, set()).add(path.name)
    assert {name: where for name, where in by_name.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    ("source", "is_shown"),
    [
        ("shown = la.gate(effects, study)\nstudy.show(shown[shown['a'] > 0].head(3))", 1),
        ("both = pd.concat([la.gate(a, study), la.gate(b, study)])\nstudy.show(both)", 1),
        ("def of(frame):\n    return frame[frame['a'] > 0]\nstudy.show(of(la.gate(a, study)))", 1),
        ("effects = la.linked_change(pairs, plan)\nstudy.show(effects, la.answer)", 0),
        ("shown = la.gate(effects, study)\nshown = effects\nstudy.show(shown, la.answer)", 0),
        ("shown = la.gate(effects, study)\nshown['a'] = effects['a']\nstudy.show(shown)", 0),
        ("study.show(pd.concat([la.gate(a, study), b]))", 0),
        ("def of(frame):\n    return effects\nstudy.show(of(la.gate(a, study)))", 0),
        ("shown = la.gate(effects, study)\nstudy.show(shown, la.figures.forest, pooled=pooled)", 0),
    ],
)
def test_an_exact_frame_is_found(source, is_shown):
    gates = Gates()
    gates.run(ast.parse(source).body)
    assert all(has_passed for _, has_passed in gates.shown) == bool(is_shown)


@every_notebook
def test_no_string_names_a_view(path):
    names = []
    for cell in code_cells(path):
        for call in calls(ast.parse(cell.source), "study.show"):
            assert len(call.args) == 2, cell.source
            assert isinstance(call.args[1], ast.Name | ast.Attribute), cell.source
            names += [k.value.value for k in call.keywords if k.arg == "name"]
    assert len(names) == len(set(names))


@every_notebook
def test_what_is_for_the_researchers_eyes_is_tagged_and_nothing_else(path):
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        if "exact" in tags(cell):
            assert tags(cell) == {"exact"}
            assert displayed(cell), cell.source
            assert not [*calls(tree, "study.show"), *calls(tree, "study.keep")], cell.source
        elif not tags(cell) & CHECK:
            assert displayed(cell) == [], cell.source
            outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
            assert "sns." not in "\n".join(map(ast.unparse, outside)), cell.source


@every_notebook
def test_prose_stands_before_and_after_what_is_shown(path):
    cells = read(path).cells
    for before, cell, after in zip(cells, cells[1:], cells[2:], strict=False):
        if cell.cell_type == "code" and calls(ast.parse(cell.source), "study.show"):
            assert before.cell_type == "markdown" or not displayed(before), cell.source
            assert after.cell_type == "markdown" or "section(" in after.source, cell.source
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    lines = sum(len(cell.source.splitlines()) for cell in code_cells(path))
    assert words / lines > 6


@every_notebook
def test_tags_are_known_and_questions_stand_at_headings(path):
    for cell in read(path).cells:
        allowed = {"parameters", "exact", *CHECK}
        if cell.cell_type == "markdown":
            is_heading = cell.source.startswith("#")
            question = {tag for tag in tags(cell) if re.fullmatch(r"Q\d+", tag)}
            assert len(question) <= is_heading
            allowed = {"notebook-only", *question}
            if cell.source.startswith("## "):
                allowed |= {"appendix"}
        assert tags(cell) <= allowed


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


@pytest.mark.parametrize("name", ["01_fieldwork", "02_measurement", "03_outcomes"])
def test_an_exact_frame_in_the_place_of_what_is_shown_is_refused(sats, name, monkeypatch):
    """The notebook is run; each time it shows something, the same frame is tried without a gate."""
    shown = []

    def showing(self, frame, draw, **options):
        others = {key: each for key, each in options.items() if key != "name"}
        assert all(passed(each) for each in (frame, *others.values()))
        with pytest.raises(DisclosureError, match="exact"):
            self.render(pd.DataFrame(frame), draw, **options)
        for key, each in others.items():
            with pytest.raises(DisclosureError, match="exact"):
                self.render(frame, draw, **{**options, key: pd.DataFrame(each)})
        shown.append(draw)

    monkeypatch.setattr(OpenStudy, "show", showing)
    monkeypatch.setattr(OpenStudy, "about", lambda self: None)
    space = {}
    for cell in code_cells(HERE / "notebooks" / "any" / f"{name}.ipynb"):
        exec(compile(cell.source, cell.id, "exec"), space)
        if "parameters" in tags(cell):
            space |= {"study": "sats", "region": "fall-2007", "language": "en"}
    plt.close("all")
    assert len(shown) > 5
