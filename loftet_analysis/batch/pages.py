"""The pages of a study made, kept and recorded one by one, and what is made of all of them."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from loftet_analysis import paths
from loftet_analysis.batch import interrupted, results
from loftet_analysis.batch.cluster import connected, is_unencrypted, run_on
from loftet_analysis.batch.fingerprints import Inputs, read_manifest, record
from loftet_analysis.batch.kernels import can_fork, nursery
from loftet_analysis.batch.lock import log, say
from loftet_analysis.batch.outputs import DONE, FAILED, SITE, UNFINISHED, place, sums, sums_of
from loftet_analysis.batch.plan import (
    Task,
    longest_first,
    site_fingerprint,
    states,
    still_to_come,
    usual_seconds,
)
from loftet_analysis.batch.runner import Outcome, Setting, keep, run_all
from loftet_analysis.cleaning import store
from loftet_analysis.show.front import site_files
from loftet_analysis.study import Study

_UNKNOWN = 5.0  # seconds that a page takes of which nothing is known
#: Pages after which cycles are looked for: a client of a kernel and its notebook are in one, and
#: among so many objects that live long Python by itself seldom looks.
_COLLECTED = 8
_UNENCRYPTED = (
    "warning: the cluster is reached without encryption, so notebooks with exact frames and single "
    "answers can be read on the way; give it TLS (tls://…), see docs/guide/en/cluster.md"
)


def get_ready(study: Study, setting: Setting, log: Path, scheduler: str | None) -> None:
    """Refuse a cluster that cannot be used, or let the warm process begin its imports.

    Raises
    ------
    InputError
        Where the cluster cannot be used.
    """
    if scheduler:
        with connected(scheduler, setting):
            if is_unencrypted(scheduler):
                say(study.name, _UNENCRYPTED)
            return
    if setting.warm and can_fork():
        nursery(log, study.name)
    elif setting.warm:
        say(study.name, "kernels cannot be forked on this system, so each starts by itself")


def make_pages(
    study: Study, tasks: Sequence[Task], setting: Setting, *, jobs: int, scheduler: str | None
) -> list[Outcome]:
    """Run tasks here or on a cluster, and keep and record what each made as it comes.

    What is returned of each tells how it ended; what it made is on the disk.

    Parameters
    ----------
    study : Study
    tasks : sequence of Task
    setting : Setting
    jobs : int
        How many run at a time here.
    scheduler : str or None
        The address of a Dask cluster that is to run them instead.

    Raises
    ------
    InputError
        Where the cluster cannot be used.
    """
    manifest, inputs = read_manifest(study.name), Inputs(study.name)
    seconds = {name: entry["seconds"] for name, entry in manifest.items() if entry["seconds"]}
    outcomes = []
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, _stop))
        if scheduler:
            client = stack.enter_context(connected(scheduler, setting))
            found = run_on(client, [*longest_first(tasks, seconds)], setting)
        else:
            jobs = min(jobs, max(1, len(tasks)))
            found = run_all(longest_first(tasks, seconds), setting, jobs=jobs)
        progress = Progress(study.name, tasks, seconds)
        stack.callback(progress.close)
        for made in found:
            entry = manifest.get(made.task.name)
            if entry:
                # what is half replaced must not count as done
                record(study.name, {made.task.name: {**entry, "state": UNFINISHED}})
            outcome, outputs = _kept(made, entry)
            # what it made is on the disk; all of it together may not fit into memory
            outcomes.append(
                replace(outcome, notebook=b"", pages={}, files={}, results={}, figures={})
            )
            if len(outcomes) % _COLLECTED == 0:
                gc.collect()
            seconds[outcome.task.name] = outcome.seconds
            entry = {
                "state": outcome.state,
                "parts": outcome.task.fingerprint(inputs, outcome.reads),
                "reads": outcome.reads,
                "languages": outcome.task.languages,
                "outputs": outputs,
                "seconds": round(outcome.seconds, 1),
            }
            anew = {outcome.task.name: entry}
            if site := manifest.get(SITE):  # its page with navigation is of earlier numbers
                kept = {f: total for f, total in site["outputs"].items() if f not in outputs}
                manifest[SITE] = anew[SITE] = {**site, "state": UNFINISHED, "outputs": kept}
            record(study.name, anew)
            progress.tell(outcome)
    # every region's run of a notebook says the same
    told = [said for outcome in outcomes for said in outcome.left_out]
    for said in dict.fromkeys([*told, *_same_figures(study, tasks)]):
        say(study.name, said)
    return outcomes


def _same_figures(study: Study, tasks: Sequence[Task]) -> list[str]:
    """Name figures that two notebooks of a region draw: one file would hold either of them."""
    drawn_by: dict[tuple[str, str], str] = {}
    told = []
    for name, entry in read_manifest(study.name).items():
        region, _, notebook = name.partition("/")
        folder = f"{place(paths.figures(study.name))}/{region}/"
        drawn = [file for file in entry["outputs"] if file.startswith(folder)]
        for figure in (file.removeprefix(folder) for file in drawn):
            other = drawn_by.setdefault((region, figure.partition(".")[0]), notebook)
            if other != notebook and region in {task.region for task in tasks}:
                told.append(
                    f"{other} and {notebook} both draw a figure {figure.partition('.')[0]}, so "
                    "only one of them is kept as a file; give one another name="
                )
    return told


def _stop(number: int, frame: object) -> None:
    """End at once on Ctrl-C, as safe as being killed: threads that wait for kernels would wait."""
    log.error("interrupted")
    os._exit(interrupted())


def _kept(outcome: Outcome, entry: dict | None) -> tuple[Outcome, dict[str, str]]:
    """Keep what a task made; where that cannot be written, the task has failed."""
    before = entry["outputs"] if entry else {}
    try:
        return outcome, keep(outcome, before)
    except OSError as error:
        said = f"cannot be written: {error.strerror or error}"
        outcome = Outcome(outcome.task, FAILED, outcome.seconds, said)
        return outcome, keep(outcome, before)


def publish(study: Study) -> None:
    """Make the study's tables, where it has clean data, and its site, and record them.

    Pages are recorded twice: as their notebook made them, and here with their navigation.
    """
    made_from = site_fingerprint(study)
    entry = read_manifest(study.name).get(SITE)
    if entry:
        record(study.name, {SITE: {**entry, "state": UNFINISHED}})
    tables = []
    if store.is_there(study.name):
        say(study.name, "tables")
        tables = results.gather(study)
    files = site_files(study, states(study), still_to_come(study))
    outputs = {**sums(tables), **sums_of(files)}
    manifest = read_manifest(study.name)
    others = {file for name, each in manifest.items() if name != SITE for file in each["outputs"]}
    before = entry["outputs"] if entry else {}
    outdated = [name for name in before if name not in outputs and name not in others]
    made = {"parts": made_from, "outputs": outputs}
    # pages with their navigation are sound from here on
    record(study.name, {SITE: {"state": UNFINISHED, **made}})
    paths.replace_all(files, outdated=[paths.generated() / name for name in outdated])
    record(study.name, {SITE: {"state": DONE, **made}})


class Progress:
    """One line that moves and one for the regions on a terminal; elsewhere a line for each page.

    Parameters
    ----------
    study : str
        Named at the beginning of each line.
    tasks : sequence of Task
        What is to be done.
    seconds : mapping of str to float
        How long tasks took last time, by name.
    """

    def __init__(self, study: str, tasks: Sequence[Task], seconds: Mapping[str, float]) -> None:
        self._study, self._total = study, len(tasks)
        self._left = {task: usual_seconds(task, seconds) or _UNKNOWN for task in tasks}
        self._expected_done = 0.0
        self._began = time.monotonic()
        self._regions = Counter(task.region for task in tasks)
        self._done: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        moving = sys.stderr.isatty() and bool(tasks)
        form = "{desc} {bar} {n_fmt}/{total_fmt} pages, {elapsed}{postfix}"
        self._bar = tqdm(total=self._total, desc=study, bar_format=form, disable=not moving)
        self._beneath = tqdm(bar_format="{desc}", position=1, leave=False, disable=not moving)

    def close(self) -> None:
        """Leave the lines as they are."""
        self._beneath.close()
        self._bar.close()

    def tell(self, outcome: Outcome) -> None:
        """Count a task that has ended, and say so."""
        task = outcome.task
        self._expected_done += self._left.pop(task)
        self._done[task.region] += 1
        self._failed[task.region] += outcome.state == FAILED
        told = f"{task.name} {outcome.state} ({outcome.seconds:.1f} s)"
        log.info("%s%s", told, f": {outcome.error}" if outcome.error else "")
        left = f"{_clock(self.remaining())} left" if self._left else "all done"
        if self._bar.disable:
            number = self._total - len(self._left)
            print(f"{self._study}: {number}/{self._total} {told}, {left}", flush=True)
            return
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.update()
        self._beneath.set_description_str(self.regions(self._beneath.ncols or 100))

    def remaining(self) -> float:
        """Return the seconds that are left: what the rest takes at the pace of what is done."""
        if not self._expected_done:
            return sum(self._left.values())
        pace = (time.monotonic() - self._began) / self._expected_done
        return pace * sum(self._left.values())

    def regions(self, width: int) -> str:
        """Return the state of the regions that have begun and are not through, or have failed."""
        told = [
            f"{region} {self._done[region]}/{total}"
            + (f" ({self._failed[region]} failed)" if self._failed[region] else "")
            for region, total in self._regions.items()
            if 0 < self._done[region] < total or self._failed[region]
        ]
        through = sum(self._done[region] == total for region, total in self._regions.items())
        text = " · ".join([f"{through} of {len(self._regions)} regions through", *told])
        return text if len(text) <= width else f"{text[: width - 1]}…"


def _clock(seconds: float) -> str:
    """Return a length of time for people.

    Examples
    --------
    >>> _clock(8.2), _clock(75), _clock(3700)
    ('8 s', '1 min 15 s', '1 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
