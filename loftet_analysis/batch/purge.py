"""Nothing of earlier data stays: pages, figures and results that no longer match are removed."""

from __future__ import annotations

import shutil
from pathlib import Path

from loftet_analysis import paths
from loftet_analysis.batch.fingerprints import Inputs, read_manifest
from loftet_analysis.batch.plan import FAILED, Task, all_tasks
from loftet_analysis.study import Study


def remove_outdated(study: Study) -> int:
    """Remove everything that was made from other clean data than those that are there now.

    Somebody who has withdrawn, or whom a stricter disclosure profile hides, must be in nothing
    that was generated before: pages with their executed notebooks, figures, tables, results and
    the remains of failed runs, in every language, and those of regions that the study no longer
    has.

    Returns
    -------
    int
        Number of pages that were removed.
    """
    manifest, inputs = read_manifest(study.name), Inputs(study.name)
    tasks = all_tasks(study, languages=study.languages)
    current = {task for task in tasks if _matches(task, manifest, inputs)}
    kept = {task.target for task in current}
    reports, figures = paths.reports(study.name), paths.figures(study.name)
    removed = 0
    for page in [*reports.glob("*/*/*.html"), *reports.glob("*/*/*.ipynb")]:
        if page.with_suffix("") not in kept:
            removed += page.suffix == ".html"
            page.unlink()
    places = {(task.region, task.language) for task in current}
    for figure in figures.glob("*/*.*.*"):
        if (figure.parent.name, figure.name.split(".")[-2]) not in places:
            figure.unlink()
    regions = {region for region, _ in places}
    clean = paths.clean(study.name)
    for folder in [*(clean / "results").glob("*/"), *(clean / FAILED).glob("*/")]:
        if folder.is_dir() and folder.name not in regions:
            shutil.rmtree(folder)
    if removed or not current:
        for table in [*(clean / "results").glob("*.csv"), *(reports / "tables").glob("*")]:
            table.unlink()
        (reports / "index.html").unlink(missing_ok=True)
    _remove_empty(reports, figures)
    return removed


def _matches(task: Task, manifest: dict[str, dict], inputs: Inputs) -> bool:
    entry = manifest.get(task.name)
    if entry is None:
        return False
    now = inputs.data(entry["reads"])
    return all(entry["parts"].get(part) == now[part] for part in now)


def _remove_empty(*folders: Path) -> None:
    for folder in folders:
        for inner in sorted(folder.glob("**/"), reverse=True):
            if inner.is_dir() and inner != folder and not any(inner.iterdir()):
                inner.rmdir()
