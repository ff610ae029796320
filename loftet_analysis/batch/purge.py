"""Nothing of earlier data stays: pages, figures and results that no longer match are removed."""

from __future__ import annotations

import shutil
from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import Inputs, read_manifest
from loftet_analysis.batch.plan import DONE, FAILED, known_tasks
from loftet_analysis.study import Study


def remove_outdated(study: Study) -> int:
    """Remove everything that was made from other clean data than those that are there now.

    Somebody who has withdrawn, or whom a stricter disclosure profile hides, must be in nothing
    that was generated before: pages, executed notebooks, figures, tables, results and the remains
    of failed runs, in every language, and those of regions and notebooks that the study no longer
    has.

    Returns
    -------
    int
        Number of pages that were removed.
    """
    manifest = read_manifest(study.name)
    clean, reports = paths.clean(study.name), paths.reports(study.name)
    figures = paths.figures(study.name)
    current: set[Path] = set()
    for of_country in (False, True):
        # the country's notebooks have read what is left of the regions' results
        inputs = Inputs(study.name)
        for task in known_tasks(study):
            entry = manifest.get(task.name)
            if task.of_country == of_country and entry and entry["state"] == DONE:
                now = inputs.data(entry["reads"])
                spoken = set(entry["languages"]) & set(study.languages)
                if all(entry["parts"].get(part) == now[part] for part in now):
                    current |= {task.executed, *map(task.page, spoken)}
                    current |= {figures / task.region / name for name in entry["figures"]}
                    current |= {task.results}
        for results in clean.glob("results/*/*/"):
            if (results.parent.name == names.NATIONAL) == of_country and results not in current:
                shutil.rmtree(results)
    # earlier versions kept executed notebooks beside the pages
    made = [*reports.glob("*/*/*.html"), *reports.glob("*/*/*.ipynb")]
    made += [*clean.glob("notebooks/*/*.ipynb"), *figures.glob("*/*.*.*")]
    outdated = [path for path in made if path not in current]
    for path in outdated:
        path.unlink()
    shutil.rmtree(clean / FAILED, ignore_errors=True)
    removed = sum(path.suffix == ".html" for path in outdated)
    if removed or not current:
        for table in [*clean.glob("results/*.csv"), *(reports / "tables").glob("*")]:
            table.unlink()
        (reports / "index.html").unlink(missing_ok=True)
    for folder in (reports, figures, clean / "results", clean / "notebooks"):
        for inner in sorted(folder.glob("**/"), reverse=True):
            if inner.is_dir() and inner != folder and not any(inner.iterdir()):
                inner.rmdir()
    return removed
