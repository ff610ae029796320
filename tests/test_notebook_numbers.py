"""nbval compares the numbers of the notebooks' check cells, and a changed digit turns it red."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.small_demo import HERE

NOTEBOOKS = sorted((HERE / "notebooks").rglob("[0-9]*.ipynb"))


def nbval(*notebooks: Path, root: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--nbval-lax", "--nbval-current-env", "--rootdir", str(root), "-c", os.devnull),
            *map(str, notebooks),
        ],
        cwd=root,
        env={**os.environ, "LOFTET_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_notebooks_give_the_numbers_they_hold(small_demo):
    assert NOTEBOOKS
    done = nbval(*(small_demo / path.relative_to(HERE) for path in NOTEBOOKS), root=small_demo)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)


def test_a_changed_digit_turns_nbval_red(small_demo, tmp_path):
    source = HERE / "notebooks/region/01_fieldwork.ipynb"
    notebook = nbformat.read(source, as_version=4)
    compared = [
        cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", [])
    ]
    output = compared[-1].outputs[0]
    output["text"] = re.sub(
        r"\d(?=\D*$)", lambda found: str((int(found[0]) + 1) % 10), output["text"]
    )
    altered = tmp_path / "01_fieldwork.ipynb"
    nbformat.write(notebook, altered)
    done = nbval(altered, root=small_demo)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_notebook_compares_numbers(path):
    cells = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if "nbval-check-output" in cell.metadata.get("tags", [])
    ]
    assert cells
    for cell in cells:
        assert "keep_output" in cell.metadata["tags"]
        assert cell.execution_count
        assert any(re.search(r"\d", output.get("text", "")) for output in cell.outputs)


def test_stripping_keeps_only_what_is_compared(tmp_path):
    for path in NOTEBOOKS:
        copy = tmp_path / path.name
        shutil.copy(path, copy)
        subprocess.run(
            [sys.executable, "-m", "nbstripout", "--keep-count", "--keep-id", str(copy)], check=True
        )
        assert nbformat.read(copy, as_version=4) == nbformat.read(path, as_version=4)
