"""The batch: one papermill run per (region × notebook), several at a time.

Where a notebook runs, nothing is kept: what it made comes back as bytes (`run_task`), and only the
process that has the study's lock puts it in its place (`keep`).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
from joblib import Parallel, delayed
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.log import logger

from loftet_analysis import paths
from loftet_analysis.batch.fingerprints import Read
from loftet_analysis.batch.kernels import PROVISIONER, can_fork
from loftet_analysis.batch.lock import RUNNING
from loftet_analysis.batch.outputs import DONE, FAILED, sums_of
from loftet_analysis.batch.plan import Task
from loftet_analysis.batch.process import ONE_THREAD
from loftet_analysis.show import site, word
from loftet_analysis.show.shown import HANDOVER

_ENGINE = "loftet"
_LONGEST_SOCKET = 103  # bytes of its path: some systems have room for no more


@dataclass(frozen=True)
class Setting:
    """What all tasks of a run share, wherever they run.

    Attributes
    ----------
    root, data : Path
        The folder of notebooks and descriptions, and the one of generated data.
    workroom : Path
        Where papermill writes until what a notebook made comes back.
    time_limit : float
        Seconds for each notebook.
    warm : bool
        Whether kernels are forked from a warm process where that is possible.
    questions : mapping of str to mapping of str to str
        The study's research questions by language and id.
    internal : bool
        Whether what is made is for the project's own people only, which Word documents say.
    """

    root: Path
    data: Path
    workroom: Path
    time_limit: float
    warm: bool
    questions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    internal: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one task ended, and what it made: pages and their files by language, what it read."""

    task: Task
    state: str
    seconds: float
    error: str = ""
    traceback: str = ""
    notebook: bytes = b""
    pages: dict[str, bytes] = field(default_factory=dict, repr=False)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict, repr=False)
    results: dict[str, bytes] = field(default_factory=dict, repr=False)
    figures: dict[str, bytes] = field(default_factory=dict, repr=False)
    reads: list[Read] = field(default_factory=list, repr=False)
    left_out: list[str] = field(default_factory=list, repr=False)


class Engine(NBClientEngine):
    """papermill's engine with a kernel of our choice, its environment, and one limit of time."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> None:
        """Run a notebook's cells; the cell that is at work when the time is up is stopped."""
        setting: Setting = given["setting"]
        end = time.monotonic() + setting.time_limit
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            timeout_func=lambda cell: max(1, end - time.monotonic()),
            startup_timeout=120,
            shutdown_kernel="immediate",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            log=logger,
        )
        client.create_kernel_manager()
        # where it goes with the rest of a run, also of a killed one
        client.km.connection_file = str(given["connection_file"])
        if setting.warm and can_fork():
            client.km.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
        client.owns_km = True
        places = {"LOFTET_ROOT": str(setting.root), "LOFTET_DATA": str(setting.data)}
        folder = setting.root / "notebooks"
        with _private_sockets(given["connection_file"].parent) as sockets:
            if sockets:
                client.km.transport, client.km.ip = "ipc", sockets
            client.execute(
                env={**os.environ, **ONE_THREAD, **places},
                cwd=str(folder if folder.is_dir() else setting.root),
            )


@contextmanager
def _private_sockets(scratch: Path) -> Iterator[str]:
    """Give the beginning of the names of a kernel's sockets, in a folder of their owner alone.

    Nobody else on this computer can reach them, as they could a port. Empty where a system knows no
    such sockets: then the kernel listens on ports of this computer alone.
    """
    if os.name == "nt":
        yield ""
    elif len(os.fsencode(scratch / "kernel-1")) <= _LONGEST_SOCKET:
        yield str(scratch / "kernel")
    else:
        with tempfile.TemporaryDirectory(prefix="loftet-") as folder:
            fits = len(os.fsencode(f"{folder}/kernel-1")) <= _LONGEST_SOCKET
            yield f"{folder}/kernel" if fits else ""


papermill_engines.register(_ENGINE, Engine)


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
    """Run one notebook through papermill and make its page in each language.

    Returns
    -------
    Outcome
        ``failed`` where a cell raised, the time was up or the kernel died.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=setting.workroom, prefix=RUNNING) as scratch:
        target = Path(scratch) / "out.ipynb"
        try:
            made = _made(task, setting, target)
        except Exception as error:
            return Outcome(
                task,
                FAILED,
                time.perf_counter() - began,
                error=_first_line(error, setting),
                traceback=str(error),
                notebook=target.read_bytes() if target.exists() else b"",
            )
    return Outcome(task, DONE, time.perf_counter() - began, **made)


def _made(task: Task, setting: Setting, target: Path) -> dict[str, Any]:
    """Return what a notebook makes, by the names that `Outcome` has for it."""
    notebook = nbformat.read(paths.notebook(task.file, setting.root), as_version=4)
    notebook.cells.append(new_code_cell(HANDOVER, id="handover", metadata={"tags": ["handover"]}))
    raw = papermill.execute_notebook(
        notebook,
        # papermill puts parameters in place of what stands in braces
        str(target).replace("{", "{{").replace("}", "}}"),
        parameters=task.parameters,
        engine_name=_ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        # each cell would write the whole notebook
        request_save_on_cell_execute=False,
        setting=setting,
        connection_file=target.with_name("kernel.json"),
    )
    handed = site.handed_over(raw)
    place = f"{task.study}, {task.region}"
    pages = {
        language: site.page(
            raw,
            language=language,
            name=task.notebook,
            place=place,
            questions=setting.questions.get(language, {}),
        )
        for language in task.languages
    }
    return {
        "notebook": nbformat.writes(site.clean_notebook(raw)).encode() + b"\n",
        "pages": {language: page.encode() for language, page in pages.items()},
        "files": {
            language: _files(raw, task.notebook, language, page, internal=setting.internal)
            for language, page in pages.items()
        },
        "results": {f"{name}.csv": text.encode() for name, text in handed["kept"].items()},
        "figures": site.figures(raw, task.notebook),
        "reads": [(what, where) for what, where in handed["reads"]],
        "left_out": [f"{task.notebook}, {said}" for said in site.left_out(raw)],
    }


def _files(
    notebook: NotebookNode, name: str, language: str, page: str, *, internal: bool
) -> dict[str, bytes]:
    """Return the files of a page by name, the page as Word among them."""
    found = site.files(notebook, language)
    found |= {file: word.slim(each) for file, each in found.items() if file.endswith(".png")}
    pictures = {file.removesuffix(".png"): found[file] for file in found if file.endswith(".png")}
    linked = {
        file: content
        for file, content in found.items()
        if not file.endswith(".png") or f'"{name}/{file}"' in page
    }
    return {**linked, f"{name}.docx": word.document(page, pictures, internal=internal)}


def _first_line(error: Exception, setting: Setting) -> str:
    if isinstance(error, PapermillExecutionError):
        # a notebook's own message may span lines; its first says what is wrong
        return f"{error.ename}: {error.evalue}".rstrip(": ").splitlines()[0]
    if isinstance(error, CellTimeoutError):
        return f"stopped after {setting.time_limit:g} s, its limit of time (--time-limit)"
    if isinstance(error, DeadKernelError):
        return "its kernel died; was there too little memory?"
    return f"{type(error).__name__}: {error}".splitlines()[0]


def keep(outcome: Outcome, before: Iterable[str]) -> dict[str, str]:
    """Put what a task made in its place, and remove what it no longer makes.

    Of a failed one nothing is published, also nothing older: its notebook and traceback go to
    ``data_clean/<study>/failed/``.

    Parameters
    ----------
    outcome : Outcome
        From `run_task`.
    before : iterable of str
        The places of the files that the task made last time.

    Returns
    -------
    dict of str to str
        The SHA-256 of every file by its place; empty for a failed one. All of it is on the disk.
    """
    task = outcome.task
    figures = paths.figures(task.study) / task.region
    if outcome.state == FAILED:
        made = {task.remains.with_suffix(".ipynb"): outcome.notebook}
        made |= {task.remains: outcome.traceback.encode()}
    else:
        made = {task.executed: outcome.notebook}
        made |= {task.page(language): page for language, page in outcome.pages.items()}
        for language, files in outcome.files.items():
            made |= {task.files(language) / name: content for name, content in files.items()}
        made |= {figures / name: content for name, content in outcome.figures.items()}
        made |= {task.results / name: content for name, content in outcome.results.items()}
    made = {path: content for path, content in made.items() if content}
    older = {task.executed, task.remains, task.remains.with_suffix(".ipynb")}
    older |= {*map(task.page, task.languages), *task.results.glob("*.csv")}
    older |= {path for each in task.languages for path in task.files(each).glob("*")}
    older |= {paths.generated() / name for name in before}
    paths.replace_all(made, outdated=older - set(made))
    return {} if outcome.state == FAILED else sums_of(made)
