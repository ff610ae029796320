"""Clean data made from the exports, and the account of what became of every questionnaire."""

from __future__ import annotations

import secrets
from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.analysis.invariance import study_invariance
from loftet_analysis.batch.fingerprints import (
    CLEAN,
    KEY,
    KEY_DESTROYED,
    SCHOOLS,
    Inputs,
    cleaning_fingerprint,
    read_manifest,
    record,
)
from loftet_analysis.batch.lock import say, shown
from loftet_analysis.batch.outputs import DONE, FAILED, SITE, UNFINISHED, place, sums
from loftet_analysis.batch.plan import known_tasks
from loftet_analysis.batch.schools import data_fingerprint
from loftet_analysis.cleaning import plan_record, pseudonyms, store
from loftet_analysis.cleaning.account import account, left_out
from loftet_analysis.cleaning.prepare import first_cohort, prepare
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.show.follow_up import FOLLOW_UP, answered_so_far, write_follow_up
from loftet_analysis.study import Study, closed_part
from loftet_analysis.study.declared import PlanRecord


def look(study: Study) -> str:
    """Read everything and change nothing; return the account of the sheets.

    Raises
    ------
    InputError
        With everything that stops a run; its notes hold the account as far as it got.
    """
    # pseudonyms of a moment: a look must not make the study's key
    prepared = _prepared(study, key=secrets.token_bytes(pseudonyms.KEY_BYTES))
    return _account(study, prepared, plan_record.renewed(study, prepared.waves, prepared.days))


def clean(study: Study, *, close: bool = False) -> str:
    """Make clean data and remove what was made from others; return the account of the sheets.

    With `close` waves that are open are closed, and stay so.

    Raises
    ------
    InputError
        With everything that is wrong with the exports, and where the pseudonyms' key is lost.
    """
    lost = _lost_key(study)
    # what is wrong with the exports is told first
    key = secrets.token_bytes(pseudonyms.KEY_BYTES) if lost else None
    prepared = _prepared(study, key=key, close=close)
    refuse_any(lost)
    say(study.name, "examine scales")
    last = answered_so_far(study) if _follow_up_is_sound(study) else None
    asked = closed_part(study, prepared.waves)
    invariance = study_invariance(asked, first_cohort(study, prepared.clean))
    if entry := read_manifest(study.name).get(CLEAN):
        # what is half replaced must not count as done
        record(study.name, {CLEAN: {**entry, "state": UNFINISHED}})
    # before there are clean data, which say that it was there
    record_of_plan = plan_record.renewed(study, prepared.waves, prepared.days)
    kept = [plan_record.keep(study.name, record_of_plan)] if record_of_plan else []
    folder = store.write(prepared, study, invariance=invariance)
    outputs = {place(folder / name): total for name, total in store.sums_of(folder).items()}
    outputs |= sums([folder / store.SUMS, write_follow_up(study, last), *kept])
    removed = remove_outdated(study)
    # last, so that a run that is killed before does all of it again
    done = {"state": DONE, "parts": cleaning_fingerprint(study), "outputs": outputs}
    record(study.name, {CLEAN: done})
    items = {name: people.instrument.columns for name, people in study.populations.items()}
    if told := left_out(prepared.ledger, prepared.values, items):
        say(study.name, f"{told}; loftet check tells which")
    if removed:
        say(study.name, f"{removed} pages of earlier data removed")
    if record_of_plan and record_of_plan.deviations:
        told = plan_record.counted(study, record_of_plan)
        say(study.name, f"{told} of {record_of_plan.recorded}; loftet check lists them")
    return _account(study, prepared, record_of_plan)


def _prepared(study: Study, key: bytes | None = None, *, close: bool = False) -> Prepared:
    return prepare(study, key=key, progress=lambda step: say(study.name, step), close=close)


def _follow_up_is_sound(study: Study) -> bool:
    """Return whether the list of schools is the one that was recorded, or the next one's."""
    target = paths.clean(study.name) / FOLLOW_UP
    entry = read_manifest(study.name).get(CLEAN)
    if entry is None or not target.is_file():
        return False
    # a run that was killed has perhaps written the next one already, whole
    return entry["state"] == UNFINISHED or sums([target]).items() <= entry["outputs"].items()


def _account(study: Study, prepared: Prepared, declared: PlanRecord | None) -> str:
    of_sheets = account(
        prepared.ledger, prepared.values, prepared.remarks, prepared.clean, prepared.linkage
    )
    return "\n\n".join(filter(None, [of_sheets, plan_record.told(study, declared)]))


def _lost_key(study: Study) -> list[Problem]:
    """Return the problem of clean data that were made with a key that is no longer there."""
    entry = read_manifest(study.name).get(CLEAN)
    known = entry["parts"].get(KEY, "") if entry else ""
    if not known or pseudonyms.key_check(study):
        return []
    destroyed = known == KEY_DESTROYED
    return [
        Problem(
            "the pseudonym key was destroyed" if destroyed else "the pseudonym key is missing",
            found="no such file",
            where=str(pseudonyms.key_path(study)),
            todo=f"to begin anew, with new pseudonyms, remove {shown(paths.clean(study.name))}"
            + ("" if destroyed else "; or restore the key from its backup"),
        )
    ]


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
