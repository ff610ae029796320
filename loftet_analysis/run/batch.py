"""The batch: one papermill run per (region × notebook × language), several at a time."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from joblib import Parallel, delayed
from papermill.exceptions import PapermillExecutionError

from loftet_analysis import names, paths
from loftet_analysis.data import store
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.report.site import clean_notebook, page
from loftet_analysis.report.translate import translated
from loftet_analysis.run.freshness import Fingerprint, description_digest, digest, library_digest
from loftet_analysis.study import Study

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Task:
    """One notebook to run: where it lies, for which region (or the country), in which language."""

    study: str
    notebook: str
    region: str
    language: str

    @property
    def name(self) -> str:
        """The task's place among the results: ``nordland/04_pupils.nb``."""
        return f"{self.region}/{self.notebook}.{self.language}"

    @property
    def source(self) -> Path:
        """The notebook in the project."""
        kind = "national" if self.region == names.NATIONAL else "region"
        return paths.notebooks() / kind / f"{self.notebook}.ipynb"

    @property
    def target(self) -> Path:
        """The page's place without its suffix."""
        return paths.reports(self.study) / self.language / self.region / self.notebook

    @property
    def results(self) -> Path:
        """Where the notebook's exact tables are kept; the same in every language."""
        return paths.clean(self.study) / "results" / self.region / self.notebook

    @property
    def remains(self) -> Path:
        """Where the notebook and its traceback are kept if it fails, without suffix."""
        folder = paths.clean(self.study) / FAILED / self.region
        return folder / f"{self.notebook}.{self.language}"

    @property
    def parameters(self) -> dict[str, str]:
        """What papermill passes on, all of it text."""
        shared = {"study": self.study, "language": self.language}
        return shared if self.region == names.NATIONAL else {**shared, "region": self.region}

    def fingerprint(self) -> Fingerprint:
        """Return the digests of everything that the page is made from."""
        clean = paths.clean(self.study)
        region = "*" if self.region == names.NATIONAL else self.region
        return {
            "notebook": digest([self.source]),
            "library": library_digest(),
            "study description": description_digest(self.study),
            "data": digest(clean.glob(f"*/region={region}")),
            "disclosure, units and invariance": digest(
                clean / store.TABLES[name] for name in ("disclosure", "units", "invariance")
            ),
        }


@dataclass(frozen=True)
class Outcome:
    """How one task ended."""

    task: Task
    state: str
    seconds: float
    error: str = ""


def all_tasks(
    study: Study,
    *,
    regions: Sequence[str] | None = None,
    notebooks: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
) -> tuple[list[Task], list[Task]]:
    """Return the region tasks and the national tasks that a study asks for.

    Parameters
    ----------
    study : Study
        The study's description.
    regions, notebooks, languages : sequence of str, optional
        Only these; default: every region, every notebook, the study's first language. Where
        regions are named the national notebooks are left out, unless ``national`` is one of them.

    Raises
    ------
    InputError
        For every name that the study, or the folder of notebooks, does not have.
    """
    known_regions = [*study.regions[names.REGION], names.NATIONAL]
    of_region = _notebook_names("region")
    of_country = _notebook_names("national")
    _refuse_unknown(
        [
            ("region", regions, known_regions),
            ("notebook", notebooks, [*of_region, *of_country]),
            ("language", languages, list(study.languages)),
        ]
    )
    chosen_regions = list(dict.fromkeys(regions or known_regions))
    chosen_languages = list(dict.fromkeys(languages or study.languages[:1]))

    def tasks(region: str, candidates: list[str]) -> list[Task]:
        return [
            Task(study.name, notebook, region, language)
            for notebook in candidates
            for language in chosen_languages
            if notebooks is None or notebook in notebooks
        ]

    regional = [t for r in chosen_regions if r != names.NATIONAL for t in tasks(r, of_region)]
    national = tasks(names.NATIONAL, of_country) if names.NATIONAL in chosen_regions else []
    for task in {task.source: task for task in [*regional, *national]}.values():
        _refuse_unknown_parameters(task)
    return regional, national


def _notebook_names(kind: str) -> list[str]:
    return sorted(path.stem for path in (paths.notebooks() / kind).glob("[0-9]*.ipynb"))


def _refuse_unknown(choices: Iterable[tuple[str, Sequence[str] | None, list[str]]]) -> None:
    problems = [
        Problem(
            f"unknown {what}",
            found=value,
            allowed=", ".join(allowed),
            where=f"--{what}",
            todo="name one that there is, or leave the option out for all",
        )
        for what, values, allowed in choices
        for value in values or ()
        if value not in allowed
    ]
    if problems:
        raise InputError(problems)


def _refuse_unknown_parameters(task: Task) -> None:
    # papermill only warns of a parameter that the notebook does not have, and runs it with the
    # notebook's own default: a page of the wrong region
    place = str(task.source.relative_to(paths.root()))
    try:
        declared = papermill.inspect_notebook(str(task.source))
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        found = str(error).partition("\n")[0]
        raise InputError(
            Problem("not a notebook", found, "an .ipynb file of version 4", place)
        ) from None
    missing = sorted(set(task.parameters) - set(declared))
    if missing:
        raise InputError(
            Problem(
                "a notebook lacks parameters",
                found=", ".join(sorted(declared)) or "none",
                allowed=", ".join(task.parameters),
                where=place,
                todo=f"add {', '.join(missing)} to its cell tagged `parameters`",
            )
        )


def run_all(tasks: Sequence[Task], *, jobs: int) -> Iterator[Outcome]:
    """Run tasks, ``jobs`` at a time, and yield each outcome as it comes.

    One task's failure is contained in its outcome.
    """
    if not tasks:
        return
    workers = Parallel(n_jobs=min(jobs, len(tasks)), return_as="generator_unordered")
    yield from workers(delayed(run_task)(task) for task in tasks)


def run_task(task: Task) -> Outcome:
    """Run one notebook through papermill and lay its page beside the executed notebook.

    Returns
    -------
    Outcome
        ``failed`` with the exception's first line where a cell raised; the failed notebook and
        its traceback then lie in ``data_clean/<study>/failed/`` and an older page is removed.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        executed, results = Path(scratch) / "out.ipynb", Path(scratch) / "results"
        try:
            _execute(task, executed, results)
            done = clean_notebook(nbformat.read(executed, as_version=4))
            html = page(done, language=task.language, study=task.study, region=task.region)
        except Exception as error:
            _keep_remains(task, executed, error)
            return Outcome(task, FAILED, time.perf_counter() - began, _first_line(error))
        _keep_results(task, results)
    with paths.written_whole(task.target.with_suffix(".ipynb")) as path:
        nbformat.write(done, path)
    with paths.written_whole(task.target.with_suffix(".html")) as path:
        path.write_text(html, encoding="utf-8")
    for suffix in (".ipynb", ".txt"):
        Path(f"{task.remains}{suffix}").unlink(missing_ok=True)
    return Outcome(task, DONE, time.perf_counter() - began)


def _execute(task: Task, executed: Path, results: Path) -> None:
    source = executed.with_name("in.ipynb")
    notebook = nbformat.read(task.source, as_version=4)
    nbformat.write(translated(notebook, task.language), source)
    with _environment(
        LOFTET_ROOT=str(paths.root()),
        LOFTET_RESULTS=str(results),
        # numbers must not hang on how many kernels run at a time
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    ):
        papermill.execute_notebook(
            str(source),
            str(executed),
            parameters=task.parameters,
            kernel_name="python3",
            cwd=str(paths.notebooks()),
            progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set what a kernel inherits, and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _keep_results(task: Task, made: Path) -> None:
    files = sorted(made.glob("*.csv"))
    for old in task.results.glob("*.csv"):
        if old.name not in {file.name for file in files}:
            old.unlink(missing_ok=True)
    for file in files:
        with paths.written_whole(task.results / file.name) as path:
            path.write_bytes(file.read_bytes())


def _keep_remains(task: Task, executed: Path, error: Exception) -> None:
    # neither an older page nor older numbers may stand for what failed
    for suffix in (".ipynb", ".html"):
        task.target.with_suffix(suffix).unlink(missing_ok=True)
    for file in task.results.glob("*.csv"):
        file.unlink(missing_ok=True)
    if executed.exists():
        with paths.written_whole(Path(f"{task.remains}.ipynb")) as path:
            path.write_bytes(executed.read_bytes())
    with paths.written_whole(Path(f"{task.remains}.txt")) as path:
        path.write_text(str(error), encoding="utf-8")


def _first_line(error: Exception) -> str:
    if isinstance(error, PapermillExecutionError):
        # a notebook's own message may span lines; its first says what is wrong
        return f"{error.ename}: {error.evalue}".strip().splitlines()[0]
    return f"{type(error).__name__}: {error}".splitlines()[0]
