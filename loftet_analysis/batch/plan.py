"""The pages of a study: one task per (region × notebook × language)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import Fingerprint, Inputs, Read, read_manifest, why_stale
from loftet_analysis.errors import InputError, Problem
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
    def file(self) -> str:
        """The notebook below the project's notebooks."""
        kind = "national" if self.region == names.NATIONAL else "region"
        return f"{kind}/{self.notebook}.ipynb"

    @property
    def source(self) -> Path:
        """The notebook in the project."""
        return paths.notebooks() / self.file

    @property
    def target(self) -> Path:
        """The page's place without its suffix."""
        return paths.reports(self.study) / self.language / self.region / self.notebook

    @property
    def has_page(self) -> bool:
        """Whether its page is there."""
        return self.target.with_suffix(".html").exists()

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

    def fingerprint(self, inputs: Inputs, reads: Iterable[Read]) -> Fingerprint:
        """Return the digests of everything that the page is made from."""
        return inputs.page(self.source, self.parameters, reads)


def all_tasks(
    study: Study,
    *,
    regions: Sequence[str] | None = None,
    notebooks: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
) -> list[Task]:
    """Return the tasks that a study asks for, in register order and the country last.

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
    return [*regional, *national]


def longest_first(tasks: Sequence[Task], seconds: Mapping[str, float]) -> Iterator[Task]:
    """Yield tasks so that no worker is left with a long one at the end.

    The country comes first, then the regions in their order; of each the longest notebook first.

    Parameters
    ----------
    tasks : sequence of Task
    seconds : mapping of str to float
        How long tasks took, by name; it may grow meanwhile, and is looked at region by region. A
        notebook that it does not know counts as long, the larger file first.
    """
    places = {task.region: place for place, task in reversed([*enumerate(tasks)])}
    places[names.NATIONAL] = -1

    def length(task: Task) -> tuple[float, int]:
        return usual_seconds(task, seconds) or math.inf, task.source.stat().st_size

    for region in sorted({task.region for task in tasks}, key=places.__getitem__):
        here = [task for task in tasks if task.region == region]
        yield from sorted(here, key=length, reverse=True)


def usual_seconds(task: Task, seconds: Mapping[str, float]) -> float:
    """Return what a task took last time, else what the same notebook takes elsewhere, else 0."""
    same = [s for name, s in seconds.items() if name.split("/")[-1].startswith(task.notebook)]
    return seconds.get(task.name) or (sum(same) / len(same) if same else 0)


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


def why_stale_each(study: Study, tasks: Sequence[Task]) -> dict[Task, str]:
    """Return why each task's page is not what would be made now; empty for those that are."""
    manifest, inputs = read_manifest(study.name), Inputs(study.name)

    def why(task: Task) -> str:
        entry = manifest.get(task.name)
        told = why_stale(entry, task.fingerprint(inputs, entry["reads"] if entry else ()))
        return told or ("" if task.has_page else "page removed")

    return {task: why(task) for task in tasks}


def states(study: Study) -> dict[tuple[str, str, str], str]:
    """Return how the last run of every page ended, by (region, notebook, language)."""
    manifest = read_manifest(study.name)
    tasks = all_tasks(study, languages=study.languages)
    return {
        (task.region, task.notebook, task.language): manifest[task.name]["state"]
        for task in sorted(tasks, key=lambda task: task.region != names.NATIONAL)
        if task.name in manifest and (manifest[task.name]["state"] == FAILED or task.has_page)
    }
