"""The batch: one papermill run per (region × notebook × language), several at a time.

Where a notebook runs, nothing is kept: what it made comes back as bytes (`run_task`), and only the
process that has the study's lock puts it in its place (`keep`).
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
from joblib import Parallel, delayed
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from loftet_analysis import paths
from loftet_analysis.batch.fingerprints import Read
from loftet_analysis.batch.kernels import executed
from loftet_analysis.batch.lock import RUNNING
from loftet_analysis.batch.plan import DONE, FAILED, Task
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.show.site import clean_notebook, page
from loftet_analysis.show.translate import translated


@dataclass(frozen=True)
class Setting:
    """What all tasks of a run share, wherever they run.

    Attributes
    ----------
    root, data : Path
        The folder of notebooks and descriptions, and the one of generated data.
    workroom : Path
        Where notebooks keep what they make until it comes back.
    time_limit : float
        Seconds for each notebook.
    warm : bool
        Whether kernels are forked from a warm process where that is possible.
    """

    root: Path
    data: Path
    workroom: Path
    time_limit: float
    warm: bool


@dataclass(frozen=True)
class Outcome:
    """How one task ended, and what it made: files by name, and what it read."""

    task: Task
    state: str
    seconds: float
    error: str = ""
    traceback: str = ""
    notebook: bytes = b""
    page: bytes = b""
    results: dict[str, bytes] = field(default_factory=dict, repr=False)
    figures: dict[str, bytes] = field(default_factory=dict, repr=False)
    reads: list[Read] = field(default_factory=list, repr=False)


def refuse_unknown_parameters(tasks: Iterable[Task]) -> None:
    """Refuse notebooks that lack a parameter which they are to be given.

    Raises
    ------
    InputError
        For each of them, and for each file that is no notebook.
    """
    problems = []
    for task in {task.source: task for task in tasks}.values():
        problems += _missing_parameters(task)
    if problems:
        raise InputError(problems)


def _missing_parameters(task: Task) -> list[Problem]:
    # papermill only warns of a parameter that the notebook does not have, and runs it with the
    # notebook's own default: a page of the wrong region
    place = str(task.source.relative_to(paths.root()))
    try:
        declared = papermill.inspect_notebook(str(task.source))
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        found = str(error).partition("\n")[0]
        return [Problem("not a notebook", found, "an .ipynb file of version 4", place)]
    missing = sorted(set(task.parameters) - set(declared))
    return [
        Problem(
            "a notebook lacks parameters",
            found=", ".join(sorted(declared)) or "none",
            allowed=", ".join(task.parameters),
            where=place,
            todo=f"add {', '.join(missing)} to its cell tagged `parameters`",
        )
        for _ in missing[:1]
    ]


def run_all(tasks: Iterable[Task], setting: Setting, *, jobs: int) -> Iterator[Outcome]:
    """Run tasks here, ``jobs`` at a time, and yield each outcome as it comes.

    A task is asked for when there is a place for it. One task's failure is contained in its
    outcome. The work is done in the kernels, which are processes; here a thread waits for each.
    """
    workers = Parallel(
        n_jobs=jobs, backend="threading", return_as="generator_unordered", pre_dispatch="n_jobs"
    )
    yield from workers(delayed(run_task)(task, setting) for task in tasks)


def run_task(task: Task, setting: Setting) -> Outcome:
    """Run one notebook through papermill and make its page.

    Returns
    -------
    Outcome
        ``failed`` where a cell raised, the time was up or the kernel died.
    """
    began = time.perf_counter()
    folder = setting.root / "notebooks"
    with tempfile.TemporaryDirectory(dir=setting.workroom, prefix=RUNNING) as scratch:
        target, made = Path(scratch) / "out.ipynb", Path(scratch) / "made"
        try:
            raw = executed(
                translated(nbformat.read(folder / task.file, as_version=4), task.language),
                target,
                parameters=task.parameters,
                folder=folder,
                environment={
                    "LOFTET_ROOT": str(setting.root),
                    "LOFTET_DATA": str(setting.data),
                    "LOFTET_RESULTS": str(made),
                },
                time_limit=setting.time_limit,
                warm=setting.warm,
            )
            done = clean_notebook(raw)
            html = page(done, language=task.language, study=task.study, region=task.region)
        except Exception as error:
            return Outcome(
                task,
                FAILED,
                time.perf_counter() - began,
                error=_first_line(error, setting),
                traceback=str(error),
                notebook=target.read_bytes() if target.exists() else b"",
                reads=_reads(made),
            )
        return Outcome(
            task,
            DONE,
            time.perf_counter() - began,
            notebook=nbformat.writes(done).encode() + b"\n",
            page=html.encode(),
            results={path.name: path.read_bytes() for path in sorted(made.glob("*.csv"))},
            figures={path.name: path.read_bytes() for path in sorted(made.glob("figures/*"))},
            reads=_reads(made),
        )


def _reads(made: Path) -> list[Read]:
    notes = made / store.READS
    if not notes.exists():
        return []
    lines = dict.fromkeys(notes.read_text(encoding="utf-8").splitlines())
    return [(what, where) for what, where in map(json.loads, sorted(lines))]


def _first_line(error: Exception, setting: Setting) -> str:
    if isinstance(error, PapermillExecutionError):
        # a notebook's own message may span lines; its first says what is wrong
        return f"{error.ename}: {error.evalue}".rstrip(": ").splitlines()[0]
    if isinstance(error, CellTimeoutError):
        return f"stopped after {setting.time_limit:g} s, its limit of time (--time-limit)"
    if isinstance(error, DeadKernelError):
        return "its kernel died; was there too little memory?"
    return f"{type(error).__name__}: {error}".splitlines()[0]


def keep(outcome: Outcome, before: Sequence[str]) -> None:
    """Put what a task made in its place, and remove what it no longer makes.

    Of a failed one nothing is published, also nothing older: its notebook and traceback go to
    ``data_clean/<study>/failed/``.

    Parameters
    ----------
    outcome : Outcome
        From `run_task`.
    before : sequence of str
        The names of the figures that the task made last time.
    """
    task = outcome.task
    figures, results = paths.figures(task.study) / task.region, task.results
    made = {figures / name: content for name, content in outcome.figures.items()}
    made |= {results / name: content for name, content in outcome.results.items()}
    places = {
        DONE: (task.target.with_suffix(".ipynb"), task.target.with_suffix(".html")),
        FAILED: (Path(f"{task.remains}.ipynb"), Path(f"{task.remains}.txt")),
    }
    notebook, text = places[outcome.state]
    made |= {notebook: outcome.notebook, text: outcome.page or outcome.traceback.encode()}
    older = {*results.glob("*.csv"), *(figures / name for name in before)}
    for path in {*older, *places[DONE], *places[FAILED]} - {p for p in made if made[p]}:
        path.unlink(missing_ok=True)
    for target, content in made.items():
        if content:
            with paths.written_whole(target) as path:
                path.write_bytes(content)
