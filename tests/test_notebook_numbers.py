"""nbval compares the numbers of the notebooks' check cells, and a changed digit turns it red.

The notebooks' own numbers are those of the whole demo; ``make nbval`` compares them.
"""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.refresh_notebooks import compared, refresh
from tests.small_demo import HERE

NOTEBOOKS = [
    path
    for kind in ("any", "national", "planning", "region")
    for path in sorted((HERE / "notebooks" / kind).glob("*.ipynb"))
]


@pytest.fixture
def tiny(tmp_path):
    """A notebook with a check cell and another one, as git keeps it."""
    cells = [
        new_code_cell("estimate = 0.1 + 0.2", id="compute"),
        new_code_cell("estimate", id="look"),
        new_code_cell("print(round(estimate, 3))", id="check"),
    ]
    cells[2].metadata["tags"] = ["nbval-check-output", "keep_output"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "tiny.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    refresh(path)
    return path


def nbval(notebook) -> subprocess.CompletedProcess:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
            *("--nbval-lax", "--nbval-current-env", "--rootdir", str(notebook.parent)),
            str(notebook),
        ],
        cwd=notebook.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_what_is_refreshed_is_what_is_compared_and_a_changed_digit_turns_nbval_red(tiny):
    done = nbval(tiny)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    notebook = nbformat.read(tiny, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [None, None, 3]
    assert notebook.cells[2].outputs == [new_output("stream", name="stdout", text="0.3\n")]
    assert notebook.cells[1].outputs == []
    notebook.cells[2].outputs[0].text = "0.4\n"
    nbformat.write(notebook, tiny)
    done = nbval(tiny)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_a_plain_run_of_the_tests_collects_no_notebook():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "notebooks"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ".ipynb" not in done.stdout
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_notebook_compares_numbers(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if compared(cell)]
    assert cells
    for cell in cells:
        assert "nbval-check-output" in cell.metadata["tags"]
        assert cell.execution_count
        assert any(re.search(r"\d", output.get("text", "")) for output in cell.outputs)


def test_stripping_keeps_only_what_is_compared(tmp_path):
    copies = {path: tmp_path / f"{path.parent.name}-{path.name}" for path in NOTEBOOKS}
    for path, copy in copies.items():
        shutil.copy(path, copy)
    strip = ["nbstripout", "--keep-count", "--keep-id", *map(str, copies.values())]
    subprocess.run([sys.executable, "-m", *strip], check=True)
    for path, copy in copies.items():
        assert nbformat.read(copy, as_version=4) == nbformat.read(path, as_version=4)
