"""What each command does: check, clean, run, status and demo."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

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
from loftet_analysis.run.batch import DONE, FAILED, Outcome, Task, all_tasks, run_all
from loftet_analysis.run.freshness import (
    NEVER_RUN,
    Fingerprint,
    cleaning_fingerprint,
    read_manifest,
    record,
    why_stale,
)
from loftet_analysis.run.outdated import remove_outdated
from loftet_analysis.stats.invariance import study_invariance
from loftet_analysis.study import Study, load_study

CLEAN, KEY, DESTROYED = "clean data", "pseudonym key", "destroyed"


def demo(
    *,
    region: Sequence[str] | None = None,
    notebook: Sequence[str] | None = None,
    language: Sequence[str] | None = None,
    jobs: int | None = None,
    force: bool = False,
) -> int:
    """Write the demo study's raw exports and run everything on them.

    With regions named, the study written is one of those regions alone.
    """
    print("demo: writing the raw exports", flush=True)
    write_demo(regions=region)
    return run(study="demo", notebook=notebook, language=language, jobs=jobs, force=force)


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
    print(_account(_clean(description)))
    print(f"\n{study}: clean data in {_shown(paths.clean(study))}")
    return 0


def run(
    *,
    study: str,
    region: Sequence[str] | None = None,
    notebook: Sequence[str] | None = None,
    language: Sequence[str] | None = None,
    jobs: int | None = None,
    force: bool = False,
) -> int:
    """Run what is out of date: clean data, region notebooks, national notebooks, site."""
    description = load_study(study)
    regional, national = all_tasks(
        description, regions=region, notebooks=notebook, languages=language
    )
    if force or _why_unclean(description):
        _clean(description)
    jobs = jobs or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0])
    outcomes = [
        *_run_stale(study, regional, jobs=jobs, force=force),
        *_run_stale(study, national, jobs=jobs, force=force),
    ]
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    results.gather(description)
    site.index(description, _states(description))
    print(_table(_status_rows(description, [*regional, *national])))
    for outcome in failed:
        print(f"\n{outcome.task.name} failed: {outcome.error}", file=sys.stderr)
        print(f"    see {_shown(Path(f'{outcome.task.remains}.txt'))}", file=sys.stderr)
    print(
        f"\n{study}: {len(outcomes) - len(failed)} run, {len(failed)} failed, "
        f"{len(regional) + len(national) - len(outcomes)} up to date; "
        f"open {_shown(paths.reports(study) / 'index.html')}"
    )
    return 1 if failed else 0


def status(*, study: str) -> int:
    """Print what is done, stale (and why) and failed."""
    description = load_study(study)
    print(f"{CLEAN}: {_shown_state(_why_unclean(description))}\n")
    regional, national = all_tasks(description, languages=description.languages)
    print(_table(_status_rows(description, [*regional, *national])))
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
    written = write_archive(description, folder)
    for language in description.languages:
        written += write_codebook(description, folder, language)
    print(f"{study}: {len(written)} files in {_shown(folder)}")
    for path in written:
        print(f"    {path.name}")
    return 0


def _prepared(study: Study, key: bytes | None = None) -> Prepared:
    return prepare(study, key=key, progress=lambda step: print(f"{study.name}: {step}", flush=True))


def _clean(study: Study) -> Prepared:
    lost = _lost_key(study)
    # what is wrong with the exports is told first
    prepared = _prepared(study, key=secrets.token_bytes(pseudonyms.KEY_BYTES) if lost else None)
    if lost:
        raise InputError(lost)
    print(f"{study.name}: examine scales", flush=True)
    store.write(prepared, study, invariance=study_invariance(study, prepared.clean))
    write_follow_up(study)
    record(study.name, {CLEAN: {"state": DONE, "parts": _cleaning_parts(study)}})
    removed = remove_outdated(study)
    if removed:
        print(f"{study.name}: {removed} pages of earlier data removed", flush=True)
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


def _run_stale(study: str, tasks: Sequence[Task], *, jobs: int, force: bool) -> list[Outcome]:
    manifest = read_manifest(study)
    parts = {task: task.fingerprint() for task in tasks}
    stale = [
        task
        for task in tasks
        if force or why_stale(manifest.get(task.name), parts[task]) or not _has_page(task)
    ]
    outcomes = []
    # on a terminal one line that moves, elsewhere one line for each page
    moving = sys.stderr.isatty()
    with tqdm(total=len(stale), desc=f"{study}: notebooks", unit="page", disable=not moving) as bar:
        for outcome in run_all(stale, jobs=jobs):
            outcomes.append(outcome)
            record(
                study,
                {outcome.task.name: {"state": outcome.state, "parts": parts[outcome.task]}},
            )
            told = f"{outcome.task.name} {outcome.state} ({outcome.seconds:.1f} s)"
            bar.set_postfix_str(told)
            bar.update()
            if not moving:
                print(f"{study}: {len(outcomes)}/{len(stale)} {told}", flush=True)
    return outcomes


def _has_page(task: Task) -> bool:
    return task.target.with_suffix(".html").exists()


def _states(study: Study) -> dict[tuple[str, str, str], str]:
    """Return how the last run of every page ended, by (region, notebook, language)."""
    manifest = read_manifest(study.name)
    regional, national = all_tasks(study, languages=study.languages)
    return {
        (task.region, task.notebook, task.language): manifest[task.name]["state"]
        for task in [*national, *regional]
        if task.name in manifest and (manifest[task.name]["state"] == FAILED or _has_page(task))
    }


def _status_rows(study: Study, tasks: Sequence[Task]) -> pd.DataFrame:
    manifest = read_manifest(study.name)

    def state(task: Task) -> str:
        return _shown_state(why_stale(manifest.get(task.name), task.fingerprint()))

    return pd.DataFrame(
        [(task.region, f"{task.notebook}.{task.language}", state(task)) for task in tasks],
        columns=["region", "page", "state"],
    )


def _shown_state(stale: str) -> str:
    if stale in {"", NEVER_RUN, FAILED}:
        return stale or DONE
    return f"stale ({stale})"


def _table(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "no pages asked for"
    wide = rows.pivot(index="region", columns="page", values="state").fillna("–")
    order = list(dict.fromkeys(rows["region"]))
    return wide.loc[order].rename_axis(index=None, columns=None).to_string()


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
