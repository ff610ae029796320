"""Run every notebook on the small demo and keep the numbers of its check cells.

``make notebooks`` runs this after a change that is meant to change numbers; the diff of the
notebooks then shows which.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.small_demo import HERE, SMALL, build_root


def refresh(notebook: Path, root: Path) -> None:
    """Execute a notebook and keep in it the outputs and counts of its check cells only."""
    content = nbformat.read(notebook, as_version=4)
    NotebookClient(
        content,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(root / "notebooks")}},
    ).execute()
    for cell in content.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code" and "keep_output" not in cell.metadata.get("tags", []):
            cell.outputs, cell.execution_count = [], None
    content.metadata.pop("language_info", None)
    nbformat.write(content, notebook)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "Løftet test"
        build_root(root)
        os.environ.update(LOFTET_ROOT=str(root), LOFTET_KEYS=str(Path(scratch) / "keys"))
        subprocess.run(
            [sys.executable, "-m", "loftet_analysis", "demo", *SMALL],
            cwd=root,
            check=True,
        )
        for notebook in sorted((HERE / "notebooks").rglob("[0-9]*.ipynb")):
            refresh(notebook, root)
            print(f"refreshed {notebook.relative_to(HERE)}")


if __name__ == "__main__":
    main()
