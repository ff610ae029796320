"""Run the paged notebooks on the whole demo and keep the numbers of their check cells.

``make notebooks`` runs this, after the demo, when a change is meant to change numbers; the diff of
the notebooks then shows which.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.small_demo import HERE


def compared(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell's output is kept and compared."""
    return cell.cell_type == "code" and "keep_output" in cell.metadata.get("tags", [])


def refresh(notebook: Path) -> None:
    """Execute a notebook and keep in it the outputs and counts of its check cells only."""
    content = nbformat.read(notebook, as_version=4)
    NotebookClient(
        content,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(notebook.parent)}},
    ).execute()
    for cell in content.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code" and not compared(cell):
            cell.outputs, cell.execution_count = [], None
    content.metadata.pop("language_info", None)
    nbformat.write(content, notebook)


def main() -> None:
    for notebook in sorted((HERE / "notebooks").glob("*/*.ipynb")):
        if any(map(compared, nbformat.read(notebook, as_version=4).cells)):
            refresh(notebook)
            print(f"refreshed {notebook.relative_to(HERE)}", flush=True)


if __name__ == "__main__":
    main()
