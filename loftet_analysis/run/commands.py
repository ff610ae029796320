"""What each command does: check, clean, run, status and demo."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.data import store
from loftet_analysis.data.archive import write_archive
from loftet_analysis.data.ledger import COUNTED_ONLY
from loftet_analysis.data.prepare import Prepared, prepare
from loftet_analysis.demo.exports import write_demo
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.privacy import pseudonyms
from loftet_analysis.report import site
from loftet_analysis.report.codebook import write_codebook
from loftet_analysis.report.follow_up import write_follow_up
from loftet_analysis.run import results
from loftet_analysis.run.batch import (
    DONE,
    FAILED,
    Outcome,
    Setting,
    Task,
    all_tasks,
    keep,
    run_all,
)
from loftet_analysis.run.cluster import connected, run_on
from loftet_analysis.run.freshness import (
    DESCRIPTION,
    LIBRARY,
    NEVER_RUN,
    PACKAGES,
    Fingerprint,
    Inputs,
    cleaning_fingerprint,
    description_digest,
    digest,
    library_digest,
    package_versions,
    read_manifest,
    record,
    why_stale,
)
from loftet_analysis.run.kernels import nursery
from loftet_analysis.run.outdated import remove_outdated
from loftet_analysis.run.progress import Progress
from loftet_analysis.run.warm import can_fork
from loftet_analysis.run.workroom import log, occupied
from loftet_analysis.stats.invariance import study_invariance
from loftet_analysis.study import Study, load_study

CLEAN, KEY, DESTROYED = "clean data", "pseudonym key", "destroyed"
TABLES = "tables"
TIME_LIMIT = 3600


def demo(*, region: Sequence[str] | None = None, **options: object) -> int:
    """Write the demo study's raw exports and run everything on them.

    With regions named, the study written is one of those regions alone; other options are those
    of `run`.
    """
    with occupied("demo", "demo") as path:
        _say("demo", "writing the raw exports")
        write_demo(regions=region)
        return _run(load_study("demo"), path, **options)


def check(*, study: str) -> int:
    """Read everything, change nothing, and say what a run would meet."""
    # pseudonyms of a moment: a look must not make the study's key
    prepared = _prepared(load_study(study), key=secrets.token_bytes(pseudonyms.KEY_BYTES))
    print(_account(prepared))
    print(f"\n{study}: nothing stops a run")
    return 0


def clean(*, study: str) -> int:
    """Make clean data from the exports, whatever is there already."""
    description = load_study(study)
    with occupied(study, "clean"):
        print(_account(_clean(description)))
    print(f"\n{study}: clean data in {_shown(paths.clean(study))}")
    return 0


def run(*, study: str, **options: object) -> int:
    """Run what is out of date: clean data, region and national notebooks, tables, site."""
    description = load_study(study)
    with occupied(study, "run") as path:
        return _run(description, path, **options)


def _run(
    study: Study,
    path: Path,
    *,
    region: Sequence[str] | None = None,
    notebook: Sequence[str] | None = None,
    language: Sequence[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    time_limit: float = TIME_LIMIT,
    fresh_kernels: bool = False,
    force: bool = False,
) -> int:
    tasks = all_tasks(study, regions=region, notebooks=notebook, languages=language)
    setting = Setting(
        paths.root(),
        paths.generated(),
        paths.workroom(study.name),
        time_limit,
        warm=not fresh_kernels,
    )
    unclean = force or _why_unclean(study)
    stale = {} if unclean else _stale(study, tasks)
    if setting.warm and not scheduler and (unclean or any(stale.values())):
        if can_fork():
            nursery(path)  # it gets ready while the data are cleaned
        else:
            _say(study.name, "kernels cannot be forked on this system, so each starts by itself")
    if unclean:
        _clean(study)
        stale = _stale(study, tasks)
    # the country takes longest, so no worker is to be left with it at the end
    wanted = [task for task in tasks if force or stale[task]]
    wanted.sort(key=lambda task: task.region != names.NATIONAL)
    outcomes = []
    if wanted:
        outcomes = _run_tasks(study, wanted, setting, jobs=jobs or _cores(), scheduler=scheduler)
    _gather(study)
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    print(_overview(_stale(study, tasks) if outcomes else stale))
    for outcome in failed:
        print(f"\n{outcome.task.name} failed: {outcome.error}", file=sys.stderr)
        remains = Path(f"{outcome.task.remains}.txt")
        print(f"    see {_shown(remains if remains.exists() else path)}", file=sys.stderr)
    done = (
        f"{len(outcomes) - len(failed)} run, {len(failed)} failed, "
        f"{len(tasks) - len(outcomes)} up to date"
    )
    log.info(done)
    index = _shown(paths.reports(study.name) / "index.html")
    print(f"\n{study.name}: {done}; open {index}; log in {_shown(path)}")
    return 1 if failed else 0


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(study: str, step: str) -> None:
    print(f"{study}: {step}", flush=True)
    log.info(step)


def status(*, study: str) -> int:
    """Print what is done, stale (and why) and failed."""
    description = load_study(study)
    why = _why_unclean(description)
    print(f"{CLEAN}: {f'stale, since {why}' if why not in {'', NEVER_RUN} else why or DONE}")
    tasks = all_tasks(description, languages=description.languages)
    known = read_manifest(study)
    begun = {task.language for task in tasks if task.name in known} or {description.languages[0]}
    print(f"\n{_overview(_stale(description, [t for t in tasks if t.language in begun]))}")
    return 0


def forget_key(*, study: str, yes: bool = False) -> int:
    """Destroy the pseudonym key, once somebody has said yes."""
    description = load_study(study)
    place = pseudonyms.key_path(description)
    if not yes:
        print(f"This destroys {place}: no answer can be traced or linked any more, and a later")
        print("withdrawal cannot be carried out. Copies in backups have to be deleted by hand.")
        if not sys.stdin.isatty() or input(f"Type {study} to go on: ").strip() != study:
            print("nothing was done (--yes does it without asking)", file=sys.stderr)
            return 1
    with occupied(study, "forget-key"):
        pseudonyms.forget_key(description)
        entry = read_manifest(study).get(CLEAN)
        if entry:
            record(study, {CLEAN: {**entry, "parts": {**entry["parts"], KEY: DESTROYED}}})
    print(f"{study}: pseudonym key destroyed ({place})")
    return 0


def export(*, study: str) -> int:
    """Write the labelled clean data and the codebook for archiving."""
    description = load_study(study)
    folder = paths.clean(study) / "archive"
    with occupied(study, "export"):
        written = write_archive(description, folder)
        for language in description.languages:
            written += write_codebook(description, folder, language)
    print(f"{study}: {len(written)} files in {_shown(folder)}")
    for path in written:
        print(f"    {path.name}")
    return 0


def _prepared(study: Study, key: bytes | None = None) -> Prepared:
    return prepare(study, key=key, progress=lambda step: _say(study.name, step))


def _clean(study: Study) -> Prepared:
    lost = _lost_key(study)
    # what is wrong with the exports is told first
    prepared = _prepared(study, key=secrets.token_bytes(pseudonyms.KEY_BYTES) if lost else None)
    if lost:
        raise InputError(lost)
    _say(study.name, "examine scales")
    store.write(prepared, study, invariance=study_invariance(study, prepared.clean))
    write_follow_up(study)
    removed = remove_outdated(study)
    # last, so that a run that is killed before does all of it again
    record(study.name, {CLEAN: {"state": DONE, "parts": _cleaning_parts(study)}})
    if removed:
        _say(study.name, f"{removed} pages of earlier data removed")
    return prepared


def _lost_key(study: Study) -> list[Problem]:
    """Return the problem of clean data that were made with a key that is no longer there."""
    entry = read_manifest(study.name).get(CLEAN)
    known = entry["parts"].get(KEY, "") if entry else ""
    if not known or pseudonyms.key_check(study):
        return []
    destroyed = known == DESTROYED
    return [
        Problem(
            "the pseudonym key was destroyed" if destroyed else "the pseudonym key is missing",
            found="no such file",
            where=str(pseudonyms.key_path(study)),
            todo=f"to begin anew, with new pseudonyms, remove {_shown(paths.clean(study.name))}"
            + ("" if destroyed else "; or restore the key from its backup"),
        )
    ]


def _cleaning_parts(study: Study) -> Fingerprint:
    exports = [study.export_path(file) for file in study.export_files]
    check = pseudonyms.key_check(study)
    return cleaning_fingerprint(study.name, exports) | ({KEY: check} if check else {})


def _why_unclean(study: Study) -> str:
    entry = read_manifest(study.name).get(CLEAN)
    return why_stale(entry, _cleaning_parts(study))


def _stale(study: Study, tasks: Sequence[Task]) -> dict[Task, str]:
    """Return why each task's page is not what would be made now; empty for those that are."""
    manifest, inputs = read_manifest(study.name), Inputs(study.name)

    def why(task: Task) -> str:
        entry = manifest.get(task.name)
        told = why_stale(entry, task.fingerprint(inputs, entry["reads"] if entry else ()))
        return told or ("" if _has_page(task) else "page removed")

    return {task: why(task) for task in tasks}


def _run_tasks(
    study: Study, tasks: Sequence[Task], setting: Setting, *, jobs: int, scheduler: str | None
) -> list[Outcome]:
    """Run tasks here or on a cluster, and keep and record what each made as it comes."""
    manifest, inputs = read_manifest(study.name), Inputs(study.name)
    seconds = {name: entry["seconds"] for name, entry in manifest.items() if entry["seconds"]}
    outcomes = []
    with ExitStack() as stack:
        if scheduler:
            client = stack.enter_context(connected(scheduler, setting))
            found = run_on(client, tasks, setting)
        else:
            found = run_all(tasks, setting, jobs=jobs)
        progress = stack.enter_context(Progress(study.name, tasks, seconds))
        for made in found:
            outcome = _kept(made, manifest.get(made.task.name))
            outcomes.append(outcome)
            entry = {
                "state": outcome.state,
                "parts": outcome.task.fingerprint(inputs, outcome.reads),
                "reads": outcome.reads,
                "figures": sorted(outcome.figures),
                "seconds": round(outcome.seconds, 1),
            }
            record(study.name, {outcome.task.name: entry})
            progress.tell(outcome)
    return outcomes


def _kept(outcome: Outcome, entry: dict | None) -> Outcome:
    """Keep what a task made; where that cannot be written, the task has failed."""
    before = entry["figures"] if entry else []
    try:
        keep(outcome, before)
    except OSError as error:
        said = f"cannot be written: {error.strerror or error}"
        outcome = Outcome(outcome.task, FAILED, outcome.seconds, said, reads=outcome.reads)
        keep(outcome, before)
    return outcome


def _has_page(task: Task) -> bool:
    return task.target.with_suffix(".html").exists()


def _gather(study: Study) -> None:
    """Make the study's tables and its index, unless they were made from the same results."""
    folder = paths.clean(study.name)
    made_from = [*folder.glob("results/*/"), *(folder / name for name in store.TABLES.values())]
    parts = {
        "results": digest(made_from),
        DESCRIPTION: description_digest(study.name),
        LIBRARY: library_digest(),
        PACKAGES: package_versions(),
    }
    tables = results.places(study)
    fresh = not why_stale(read_manifest(study.name).get(TABLES), parts)
    if not (fresh and all(path.exists() for path in tables)):
        _say(study.name, "tables")
        results.gather(study)
        record(study.name, {TABLES: {"state": DONE, "parts": parts}})
    site.index(study, _states(study))


def _states(study: Study) -> dict[tuple[str, str, str], str]:
    """Return how the last run of every page ended, by (region, notebook, language)."""
    manifest = read_manifest(study.name)
    tasks = all_tasks(study, languages=study.languages)
    return {
        (task.region, task.notebook, task.language): manifest[task.name]["state"]
        for task in sorted(tasks, key=lambda task: task.region != names.NATIONAL)
        if task.name in manifest and (manifest[task.name]["state"] == FAILED or _has_page(task))
    }


def _overview(stale: Mapping[Task, str]) -> str:
    """Return a table of states for each language, and the reasons beneath."""
    if not stale:
        return "no pages asked for"
    states = {why: why if why in {NEVER_RUN, FAILED} else "stale" for why in stale.values()}
    states[""] = DONE
    rows = pd.DataFrame(
        [(t.language, t.region, t.notebook, states[why]) for t, why in stale.items()],
        columns=["language", "region", "notebook", "state"],
    )
    told = []
    for language, of in rows.groupby("language", sort=False):
        wide = of.pivot(index="region", columns="notebook", values="state").fillna("–")
        wide = wide.loc[list(dict.fromkeys(of["region"]))].rename_axis(index=language, columns=None)
        told.append(wide.rename_axis(index=None, columns=language).to_string())
    reasons: dict[str, list[str]] = {}
    for task, why in stale.items():
        if states[why] == "stale":
            reasons.setdefault(why, []).append(task.name)
    for why, pages in reasons.items():
        more = f" and {len(pages) - 3} more" if len(pages) > 3 else ""
        told.append(f"stale, since {why}: {', '.join(pages[:3])}{more}")
    return "\n\n".join(told)


def _account(prepared: Prepared) -> str:
    """Return sheets in, clean, set aside and counted only, by population and wave."""
    place = [names.POPULATION, names.WAVE]

    def sheets(frames: Mapping[str, pd.DataFrame]) -> pd.Series:
        stamped = [frame.assign(population=name)[place] for name, frame in frames.items()]
        return pd.concat(stamped).value_counts(sort=False)

    rejected = prepared.ledger[prepared.ledger["reason"].isin(COUNTED_ONLY)]
    account = pd.DataFrame(
        {
            "clean": sheets(prepared.clean),
            "set aside": sheets(prepared.set_aside),
            "counted only": rejected.groupby(place)["n_set_aside"].sum(),
        }
    )
    account = account.fillna(0).astype(int)
    account.insert(0, "sheets", account.sum(axis=1))
    return account.reset_index().to_string(index=False)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
