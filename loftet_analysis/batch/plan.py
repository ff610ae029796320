"""What a study's pages are made by: one task per (region × notebook), for all languages at once."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import (
    Fingerprint,
    Inputs,
    Read,
    common_fingerprint,
    digest,
    read_manifest,
    why_not_current,
    why_stale,
)
from loftet_analysis.batch.outputs import DONE, FAILED, SITE, damaged, place, why_damaged
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.study import CLOSED, Study, furthest, missing_register, wave_states
from loftet_analysis.study.load import STUDY_FILE
from loftet_analysis.study.yamlfile import did_you_mean, read_yaml, shown

#: The folder of notebooks that need no clean data: any study may ask for one of them by its name.
PLANNING = "planning"
#: What each notebook is given; the country's are given no region.
PARAMETERS = ("study", "language", "region")


@dataclass(frozen=True)
class Task:
    """One notebook to run, for a region or the country, and the languages of its pages.

    Attributes
    ----------
    study : str
    file : str
        The notebook below the project's notebooks, without suffix: ``region/04_pupils``.
    region : str
        A slug, or ``national``.
    languages : tuple of str
    """

    study: str
    file: str
    region: str
    languages: tuple[str, ...]

    @property
    def notebook(self) -> str:
        """The notebook's name: ``04_pupils``."""
        return self.file.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The task's place among the results: ``nordland/04_pupils``."""
        return f"{self.region}/{self.notebook}"

    @property
    def source(self) -> Path:
        """The notebook, in the project or the package."""
        return paths.notebook(self.file)

    @property
    def of_country(self) -> bool:
        """Whether it is run once for all regions, from what their notebooks kept."""
        return self.region == names.NATIONAL

    @property
    def needs_data(self) -> bool:
        """Whether there must be clean data before it runs."""
        return not self.file.startswith(f"{PLANNING}/")

    def page(self, language: str) -> Path:
        """Return the place of its page."""
        folder = paths.reports(self.study) / language / self.region
        return folder / f"{self.notebook}.html"

    def files(self, language: str) -> Path:
        """Return the folder of its page's files: figures, their numbers, the page as Word."""
        return self.page(language).with_suffix("")

    @property
    def executed(self) -> Path:
        """Where the executed notebook is kept, which may hold exact frames."""
        return paths.clean(self.study) / "notebooks" / self.region / f"{self.notebook}.ipynb"

    @property
    def results(self) -> Path:
        """Where the notebook's exact tables are kept."""
        return paths.clean(self.study) / "results" / self.region / self.notebook

    @property
    def remains(self) -> Path:
        """Where the traceback is kept if it fails, and beside it the notebook."""
        return paths.clean(self.study) / FAILED / self.region / f"{self.notebook}.txt"

    @property
    def parameters(self) -> dict[str, str]:
        """What papermill passes on, all of it text."""
        given = (self.study, ",".join(self.languages), self.region)
        return dict(zip(PARAMETERS[: 2 if self.of_country else 3], given, strict=False))

    def fingerprint(self, inputs: Inputs, reads: Iterable[Read]) -> Fingerprint:
        """Return the digests of everything that its pages are made from, in any language."""
        parameters = {key: given for key, given in self.parameters.items() if key != "language"}
        return inputs.page(self.source, parameters, reads)


def notebooks_of(study: Study) -> tuple[dict[str, bool], list[Problem]]:
    """Return the notebooks that a study names, and what is wrong with its key ``notebooks``.

    In a study of one region, and of no cohorts, those are left out that compare regions alone: they
    say so in their metadata, ``"loftet": {"regions": "several"}``.

    Returns
    -------
    files : dict of str to bool
        Below the project's notebooks, without suffix, in the order of their names; whether each
        is run once for the country: it lies in ``national/``, or takes no region.
    problems : list of Problem
        For a pattern that no notebook fits, two notebooks of one name, and files that are no
        notebooks or lack a parameter.
    """
    document = read_yaml(study.folder / STUDY_FILE)
    there = [*paths.notebooks()]
    files: dict[str, bool] = {}
    problems = []
    for position, pattern in enumerate(study.notebooks):
        where = document.where("notebooks", position)
        found = paths.notebooks(pattern)
        if not found:
            problems.append(
                Problem(
                    "no notebook of that name",
                    found=pattern,
                    allowed=", ".join(there) or "none: notebooks/ holds no folder of notebooks",
                    where=where,
                    todo=did_you_mean(pattern, there) or "name one in study.yml, or a folder/*",
                )
            )
        for file, path in found.items():
            if file in files:
                continue
            declared, wrong = _declared(path)
            once = not wrong and "region" not in declared
            once = once or file.startswith(f"{names.NATIONAL}/")
            # one of the regions and one of the country have places of their own
            same = [f for f, other in files.items() if other == once and Path(f).name == path.stem]
            if same:
                found_twice = f"{same[0]}, {file}"
                todo = "rename one: pages of both would have the same place"
                problems.append(
                    Problem("two notebooks of one name", found_twice, where=where, todo=todo)
                )
                continue
            problems += wrong
            if not (_is_one(study) and _metadata(file).get("regions") == "several"):
                files[file] = once
    return dict(sorted(files.items(), key=lambda each: Path(each[0]).name)), problems


def _is_one(study: Study) -> bool:
    """Return whether nothing can be compared in a study: one region, and no cohorts."""
    return len(study.regions) == 1 and not study.cohorts


def _on_request(files: Mapping[str, bool]) -> dict[str, bool]:
    """Return the notebooks of planning that a study does not name, but may ask for."""
    stems = {Path(file).name for file in files}
    found = paths.notebooks(f"{PLANNING}/*")
    return {file: True for file in found if Path(file).name not in stems}


def _declared(path: Path) -> tuple[set[str], list[Problem]]:
    """Return the parameters that a notebook declares, and what is wrong with it."""
    place = shown(path)
    declared: set[str] = set()
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                for line in ast.parse("".join(cell["source"])).body:
                    targets = getattr(line, "targets", [getattr(line, "target", None)])
                    declared |= {each.id for each in targets if isinstance(each, ast.Name)}
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        found = str(error).partition("\n")[0]
        return declared, [Problem("not a notebook", found, "an .ipynb file of version 4", place)]
    # papermill only warns of a parameter that the notebook does not have, and runs it with the
    # notebook's own default: a page of the wrong study
    missing = [name for name in PARAMETERS[:2] if name not in declared]
    return declared, [
        Problem(
            "a notebook lacks parameters",
            found=", ".join(sorted(declared)) or "none",
            allowed=", ".join(PARAMETERS),
            where=place,
            todo=f"add {', '.join(missing)} to its cell tagged `parameters`",
        )
        for _ in missing[:1]
    ]


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
        Only these; default: every region, every notebook of the study and those of planning that
        have pages already, the languages that there are pages in, else the study's first. A task
        always makes the pages of the languages that it was made in before, so that none stays
        behind. Notebooks of planning can be named whatever study.yml names.
        Where regions are named the country is left out, unless ``national`` is one of them.

    Raises
    ------
    InputError
        For every name that the study does not have, where its notebooks cannot be run, and where
        none of the notebooks asked for is run for the regions asked for.
    """
    files, problems = notebooks_of(study)
    planning = _on_request(files)
    if notebooks and {*notebooks} <= {Path(file).name for file in planning}:
        problems = []  # of notebooks that are not asked for
    known_regions = [*study.regions[names.REGION], names.NATIONAL]
    stems = [Path(file).name for file in [*files, *planning]]
    problems += _unknown("region", regions, known_regions)
    problems += _unknown("notebook", notebooks, stems)
    problems += _unknown("language", languages, study.languages)
    refuse_any(problems)
    later = still_to_come(study, files)
    ready = {file: of_country for file, of_country in files.items() if file not in later}
    tasks = _tasks(study, ready, regions or known_regions, notebooks, languages)
    asked_too_early = {*(notebooks or ())} & {Path(file).name for file in later}
    if tasks or not ready or asked_too_early:
        return tasks
    if unregistered := missing_register(study):
        raise InputError(unregistered)
    once = ", ".join(Path(file).name for file, of_country in files.items() if of_country)
    raise InputError(
        "no pages asked for",
        found=f"{', '.join(notebooks or stems)} of {', '.join(regions or known_regions)}",
        allowed=f"of {names.NATIONAL}: {once or 'nothing'}; of a region: all others",
        where="--region, --notebook",
        todo="leave --region out",
    )


def known_tasks(study: Study) -> list[Task]:
    """Return every task of a study whose notebook is there, whatever else is wrong."""
    files = notebooks_of(study)[0]
    later = still_to_come(study, files)
    ready = {file: of_country for file, of_country in files.items() if file not in later}
    return _tasks(study, ready, [*study.regions[names.REGION], names.NATIONAL])


def still_to_come(study: Study, files: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Return the notebooks that need waves which are not closed, with these waves.

    A notebook says in its metadata which waves it needs, each or one of several:
    ``"loftet": {"waves": ["pre", "mid or post"]}``. A wave is closed when it is closed for
    every population that is asked in it; of cohorts, for that which is furthest.

    Parameters
    ----------
    study : Study
    files : iterable of str, optional
        Notebooks below the project's notebooks, without suffix; the study's own without it.
    """
    states = furthest(wave_states(study, by_hand=store.closed_by_hand(study.name)))
    by_wave = {wave: {s for (_, w), s in states.items() if w == wave} for wave in names.WAVES}
    closed = [wave for wave, its in by_wave.items() if its == {CLOSED}]
    found = {}
    for file in notebooks_of(study)[0] if files is None else files:
        needed = waves_needed(file)
        lacking = tuple(each for each in needed if not {*each.split(" or ")} & {*closed})
        if lacking:
            found[file] = lacking
    return found


def waves_needed(file: str) -> list[str]:
    """Return the waves that a notebook says it needs, each or one of several (``mid or post``)."""
    return [str(wave) for wave in _metadata(file).get("waves", ())]


def _metadata(file: str) -> dict:
    """Return what a notebook's metadata say to the programme; nothing of what is no notebook."""
    try:
        content = json.loads(paths.notebooks(file)[file].read_text(encoding="utf-8"))
        return dict(content["metadata"]["loftet"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _tasks(
    study: Study,
    files: Mapping[str, bool],
    regions: Sequence[str],
    notebooks: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
) -> list[Task]:
    manifest = read_manifest(study.name)
    planning = _on_request(files)
    tasks = []
    for region in sorted(dict.fromkeys(regions), key=lambda region: region == names.NATIONAL):
        for file, of_country in {**files, **planning}.items():
            task = Task(study.name, file, region, ())
            wanted_anyway = file in files or task.name in manifest
            chosen = task.notebook in notebooks if notebooks else wanted_anyway
            if chosen and of_country == task.of_country:
                # where the entry is lost, pages tell what there was
                there = [each for each in study.languages if task.page(each).exists()]
                before = manifest.get(task.name, {}).get("languages", there)
                wanted = {*(languages or ()), *before}
                spoken = tuple(each for each in study.languages if each in wanted)
                spoken = spoken or study.languages[:1]
                tasks.append(Task(study.name, file, region, spoken))
    return tasks


def _unknown(what: str, given: Sequence[str] | None, allowed: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            f"unknown {what}",
            found=value,
            allowed=", ".join(allowed),
            where=f"--{what}",
            todo="name one that there is, or leave the option out for all",
        )
        for value in given or ()
        if value not in allowed
    ]


def longest_first(tasks: Sequence[Task], seconds: Mapping[str, float]) -> Iterator[Task]:
    """Yield tasks so that no worker is left with a long one at the end.

    The regions come in their order; of each the longest notebook first.

    Parameters
    ----------
    tasks : sequence of Task
    seconds : mapping of str to float
        How long tasks took, by name; it may grow meanwhile, and is looked at region by region. A
        notebook that it does not know counts as long, the larger file first.
    """

    def length(task: Task) -> tuple[float, int]:
        return usual_seconds(task, seconds) or math.inf, task.source.stat().st_size

    for region in dict.fromkeys(task.region for task in tasks):
        here = [task for task in tasks if task.region == region]
        yield from sorted(here, key=length, reverse=True)


def usual_seconds(task: Task, seconds: Mapping[str, float]) -> float:
    """Return what a task took last time, else what the same notebook takes elsewhere, else 0."""
    same = [s for name, s in seconds.items() if name.rpartition("/")[2] == task.notebook]
    return seconds.get(task.name) or (sum(same) / len(same) if same else 0)


def why_stale_each(study: Study, tasks: Sequence[Task]) -> dict[Task, str]:
    """Return why each task's pages are not what would be made now; empty for those that are.

    Files that are missing, or not as they were written, are named.
    """
    manifest, inputs = read_manifest(study.name), Inputs(study.name)
    unsound = damaged(manifest)

    def why(task: Task) -> str:
        entry = manifest.get(task.name)
        told = why_stale(entry, task.fingerprint(inputs, entry["reads"] if entry else ()))
        new = [each for each in task.languages if entry and each not in entry["languages"]]
        unlike = why_damaged(unsound.get(task.name, {}))
        return told or unlike or (f"not yet in {', '.join(new)}" if new else "")

    return {task: why(task) for task in tasks}


def unsound_elsewhere(study: Study, tasks: Sequence[Task]) -> tuple[list[Task], list[str]]:
    """Return what other tasks have made that is missing or not as it was written.

    Parameters
    ----------
    study : Study
    tasks : sequence of Task
        Those that were asked for.

    Returns
    -------
    without : list of Task
        Others whose results are not whole: tables and the country would be made without them.
    named : list of str
        What files of the rest, which nobody asked for, are not whole.
    """
    manifest = read_manifest(study.name)
    asked, unsound = {task.name for task in tasks}, damaged(manifest)
    others = [t for t in known_tasks(study) if t.name not in asked and t.name in unsound]
    without = [
        task
        for task in others
        if any(file.startswith(f"{place(task.results)}/") for file in unsound[task.name])
    ]
    return without, [why_damaged(unsound[task.name]) for task in others if task not in without]


def states(study: Study) -> dict[tuple[str, str, str], str]:
    """Return how the last run of every page ended, by (region, notebook's file, language).

    Pages that are missing, or not as they were written, are left out.
    """
    manifest = read_manifest(study.name)
    unsound = {file for files in damaged(manifest).values() for file in files}
    return {
        (task.region, task.file, language): manifest[task.name]["state"]
        for task in sorted(known_tasks(study), key=lambda task: not task.of_country)
        if manifest.get(task.name, {}).get("state") in {DONE, FAILED}
        for language in manifest[task.name]["languages"]
        if manifest[task.name]["state"] == FAILED or place(task.page(language)) not in unsound
    }


def site_fingerprint(study: Study) -> Fingerprint:
    """Return the fingerprint of what tables and index are made from."""
    folder = paths.clean(study.name)
    made_from = [*folder.glob("results/*/*/"), *(folder / name for name in store.TABLES.values())]
    return {
        "results": digest(made_from),
        "pages": json.dumps([[*page, state] for page, state in states(study).items()]),
        "still to come": json.dumps(still_to_come(study)),
        **common_fingerprint(study.name),
    }


def why_unpublished(study: Study) -> str:
    """Return why tables and index are not what would be made now; empty when they are."""
    return why_not_current(study.name, SITE, site_fingerprint(study))
