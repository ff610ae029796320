"""The pages of a study made, kept and recorded one by one, and what is made of all of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from loftet_analysis.batch import results
from loftet_analysis.batch.cli import interrupted
from loftet_analysis.batch.cluster import connected, run_on
from loftet_analysis.batch.fingerprints import Inputs, read_manifest, record
from loftet_analysis.batch.kernels import nursery
from loftet_analysis.batch.lock import log, say
from loftet_analysis.batch.plan import FAILED, Task, longest_first, states
from loftet_analysis.batch.progress import Progress
from loftet_analysis.batch.runner import (
    Outcome,
    Setting,
    keep,
    refuse_unknown_parameters,
    run_all,
)
from loftet_analysis.batch.warm import can_fork
from loftet_analysis.show import site
from loftet_analysis.study import Study


def get_ready(
    study: Study, tasks: Sequence[Task], setting: Setting, log: Path, scheduler: str | None
) -> None:
    """Refuse what cannot be run before anything is, and let the warm process begin its imports.

    Raises
    ------
    InputError
        For notebooks that lack parameters, and a cluster that cannot be used.
    """
    refuse_unknown_parameters(tasks)
    if scheduler:
        with connected(scheduler, setting):
            return
    if setting.warm and can_fork():
        nursery(log, study.name)
    elif setting.warm:
        say(study.name, "kernels cannot be forked on this system, so each starts by itself")


def make_pages(
    study: Study, tasks: Sequence[Task], setting: Setting, *, jobs: int, scheduler: str | None
) -> list[Outcome]:
    """Run tasks here or on a cluster, and keep and record what each made as it comes.

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
        progress = stack.enter_context(Progress(study.name, tasks, seconds))
        for made in found:
            outcome = _kept(made, manifest.get(made.task.name))
            outcomes.append(outcome)
            seconds[outcome.task.name] = outcome.seconds
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


def _stop(number: int, frame: object) -> None:
    """End at once on Ctrl-C, as safe as being killed: threads that wait for kernels would wait."""
    log.error("interrupted")
    os._exit(interrupted())


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


def publish(study: Study) -> None:
    """Make the study's tables, and the index of its pages."""
    say(study.name, "tables")
    results.gather(study)
    site.index(study, states(study))
