"""Nothing of earlier data stays: pages, figures and results that no longer match are removed."""

from __future__ import annotations

from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import SCHOOLS, Inputs, read_manifest, record
from loftet_analysis.batch.outputs import DONE, FAILED, SITE, UNFINISHED, place
from loftet_analysis.batch.plan import known_tasks
from loftet_analysis.batch.schools import data_fingerprint
from loftet_analysis.study import Study


def remove_outdated(study: Study) -> int:
    """Remove everything that was made from other clean data than those that are there now.

    Somebody who has withdrawn, or whom a stricter disclosure profile hides, must be in nothing
    that was generated before: pages, those of schools too, executed notebooks, figures, tables,
    results and the remains of failed runs, in every language, and those of regions and notebooks
    that the study no longer has.

    Returns
    -------
    int
        Number of pages that were removed.
    """
    manifest = read_manifest(study.name)
    clean, reports = paths.clean(study.name), paths.reports(study.name)
    figures, generated = paths.figures(study.name), paths.generated()
    current: set[Path] = set()
    for of_country in (False, True):
        # the country's notebooks have read what is left of the regions' results
        inputs, older = Inputs(study.name), {}
        for task in known_tasks(study):
            entry = manifest.get(task.name)
            if task.of_country != of_country or not entry or entry["state"] == FAILED:
                continue
            now = inputs.data(entry["reads"])
            alike = all(entry["parts"].get(part) == now[part] for part in now)
            if alike and entry["state"] == DONE:
                unspoken = {*entry["languages"]} - {*study.languages}
                current |= {generated / file for file in entry["outputs"]} | {task.results}
                current -= {*map(task.page, unspoken)}
                current -= {path for each in unspoken for path in task.files(each).glob("*")}
            else:
                older[task.name] = {**entry, "state": UNFINISHED}
        record(study.name, older)  # before anything of it is removed
        results = [
            folder
            for folder in clean.glob("results/*/*/")
            if (folder.parent.name == names.NATIONAL) == of_country and folder not in current
        ]
        paths.replace_all({}, outdated=results)
    if of_schools := manifest.get(SCHOOLS):
        now = data_fingerprint(study, Inputs(study.name))
        alike = all(of_schools["parts"].get(part) == now[part] for part in now)
        if alike and of_schools["state"] == DONE:
            current |= {generated / file for file in of_schools["outputs"]}
        else:
            record(study.name, {SCHOOLS: {**of_schools, "state": UNFINISHED}})
    # earlier versions kept executed notebooks beside the pages
    made = [*reports.glob("*/*/*.html"), *reports.glob("*/*/*.ipynb"), *reports.glob("*/*/*/*")]
    made += reports.glob("schools/*/*.docx")
    made += [*clean.glob("notebooks/*/*.ipynb"), *figures.glob("*/*.*.*")]
    outdated = [path for path in made if path not in current]
    removed = sum(path.suffix == ".html" for path in outdated)
    outdated.append(clean / FAILED)
    if removed or not current:
        outdated += [*clean.glob("results/*.csv"), *(reports / "tables").glob("*")]
        # front pages have sentences and verdicts of everybody
        outdated += [*reports.glob("index*.html"), *reports.glob("*/glossary.html")]
        if site := manifest.get(SITE):
            gone = {*map(place, outdated)}
            kept = {file: total for file, total in site["outputs"].items() if file not in gone}
            record(study.name, {SITE: {**site, "state": UNFINISHED, "outputs": kept}})
    paths.replace_all({}, outdated=outdated)
    for folder in (reports, figures, clean / "results", clean / "notebooks"):
        for inner in sorted(folder.glob("**/"), reverse=True):
            if inner.is_dir() and inner != folder and not any(inner.iterdir()):
                inner.rmdir()
    return removed
