"""What each command does.

What a command that finds nothing to do can do without is imported where it is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import (
    CLEAN,
    KEY,
    KEY_DESTROYED,
    NEVER_RUN,
    SCHOOLS,
    read_manifest,
    record,
    why_unclean,
)
from loftet_analysis.batch.lock import log, occupied, say, shown
from loftet_analysis.batch.outputs import DAMAGED, DONE, FAILED, SITE, UNFINISHED
from loftet_analysis.batch.plan import (
    Task,
    all_tasks,
    notebooks_of,
    still_to_come,
    unsound_elsewhere,
    why_stale_each,
    why_unpublished,
)
from loftet_analysis.cleaning import pseudonyms
from loftet_analysis.errors import InputError, named, refuse_any
from loftet_analysis.study import OPEN, Study, load_study, wave_states
from loftet_analysis.study.load import GUESSED, STUDY_FILE, UNCONFIRMED, confirmed, guesses

if TYPE_CHECKING:
    from loftet_analysis.batch.runner import Outcome

WARNING = "warning: "


def demo(*, region: Sequence[str] | None = None, cohorts: bool = False, **options: Any) -> int:
    """Write the demo study's raw exports and run everything on them.

    With regions named, the study written is one of those regions alone; with `cohorts` it is
    ``demo_cohorts``, whose schools began in two years. Other options are those of `run`.
    """
    from loftet_analysis.demo.exports import COHORTS_STUDY, STUDY, write_demo

    paths.make_root()
    name = COHORTS_STUDY if cohorts else STUDY
    with occupied(name, "demo") as path:
        say(name, f"writing the raw exports into {shown(paths.raw(name))}")
        write_demo(regions=region, study=name, cohorts=cohorts)
        study = load_study(name)
        # its people do not answer any more, whatever the day is
        is_open = OPEN in wave_states(study).values()
        code = _run(study, path, **{"close": is_open, **options})
    _say_how_to_activate()
    return code


def _say_how_to_activate() -> None:
    """Say where the command lies, where a shell does not find it."""
    here = Path(sys.executable).parent
    command = next(iter(sorted(here.glob("loftet*"))), None)
    if command is None or shutil.which(command.name):
        return
    activate = here / "activate"
    todo = f"source {shown(activate)}" if activate.exists() else f"add {here} to PATH"
    print(f"the command loftet is {shown(command)}; to type loftet alone: {todo}")


def new(*, study: str, files: Sequence[Path] = (), accept: bool = False, region: str = "") -> int:
    """Draft a study's files from its exports, or templates without any."""
    from loftet_analysis.cleaning.draft import draft, with_region

    folder = paths.raw(study)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", study):
        allowed = "small letters a-z, digits, - and _"
        raise InputError("no name for a study", study, allowed, todo="choose another name")
    if (folder / STUDY_FILE).exists():
        if (accept or region) and not files:
            changed = with_region(folder, region) if region else {}
            unordered = _without_order(guesses(folder)) if accept else []
            plain, n = confirmed(folder) if accept else ({}, 0)
            changed |= plain
            paths.replace_all({path: text.encode() for path, text in changed.items()})
            if region:
                print(f"All schools are in the region {region}.", end=" " if accept else "\n")
            if accept:
                print(*unordered, f"Marks “{UNCONFIRMED}” taken away: {n}.", sep="\n", end=" ")
                print(f"Then: loftet check {study}")
            return 0
        todo = "choose another name, or move that file away"
        raise InputError("the study is there already", study, "", shown(folder / STUDY_FILE), todo)
    made, notes = draft(study, files, accept=accept, region=region)
    kept = [path for path in made if path.exists()]
    if kept:
        found = ", ".join(map(shown, kept))
        raise InputError("files in the way", found, "none", todo="move them away")
    paths.replace_all({path: text.encode() for path, text in made.items()})
    print("Written:", *map(shown, made), sep="\n  ")
    guessed = guesses(folder, GUESSED if accept else UNCONFIRMED)
    for said, lines in {"Guessed, the most important first": guessed, "Left to you": notes}.items():
        if lines:
            print(f"\n{said}:", *lines, sep="\n  ")
    print(*(["", *_without_order(guessed)] if accept else []), sep="\n")
    if guessed and not accept:
        print(f"Look at each line that ends in “{UNCONFIRMED}”, correct it or leave it, and take")
        print(f"these words away (from all at once: loftet new {study} --accept).", end=" ")
    print(f"Then: loftet check {study}")
    return 0


def _without_order(guessed: Iterable[str]) -> list[str]:
    """Return a warning for each answer scale that is accepted in an order that nothing tells."""
    from loftet_analysis.cleaning.draft import NO_ORDER

    wrong = "its scales are wrong where this order is"
    return [f"{WARNING}{guess}: {wrong}" for guess in guessed if NO_ORDER in guess]


def check(*, study: str) -> int:
    """Read everything, change nothing, and say what a run would meet."""
    from loftet_analysis.batch.cleaning import look

    description = load_study(study)
    problems = notebooks_of(description)[1]
    try:
        told = look(description)
        print(told)
    except InputError as error:
        print(*getattr(error, "__notes__", ()), sep="\n\n")
        problems = [*error.problems, *problems]
    refuse_any(problems)
    n = told.count(WARNING)
    lines = "line above that says" if n == 1 else f"{n} lines above that say"
    look_at = f", but look at the {lines} “{WARNING.strip()}”" if n else ""
    print(f"\n{study}: nothing stops a run{look_at}")
    return 0


def clean(*, study: str, close: bool = False) -> int:
    """Make clean data from the exports, whatever is there already."""
    from loftet_analysis.batch.cleaning import clean

    description = load_study(study)
    with occupied(study, "clean"):
        print(clean(description, close=close))
    print(f"\n{study}: clean data in {shown(paths.clean(study))}")
    return 0


def run(*, study: str, **options: Any) -> int:
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
    time_limit: int,
    fresh_kernels: bool = False,
    force: bool = False,
    close: bool = False,
    schools: bool = False,
) -> int:
    if schools:
        from loftet_analysis.batch.schools import refuse_without_people

        refuse_without_people(study)
    spoken = language or study.languages[:1]
    tasks = all_tasks(study, regions=region, notebooks=notebook, languages=spoken)
    without, elsewhere = unsound_elsewhere(study, tasks)
    # tables and country would be made without their results
    tasks += without
    unclean = force or close or why_unclean(study)
    planning = tasks and not any(task.needs_data for task in tasks) and not schools
    if planning and not read_manifest(study.name).get(CLEAN):
        unclean = ""  # planning comes before there are data
    stale = {} if unclean else why_stale_each(study, tasks)
    _say_damaged(study, [str(unclean), *stale.values()])
    outcomes: list[Outcome] = []
    # a cluster that cannot be used is told also where nothing has to run
    if unclean or force or any(stale.values()) or scheduler:
        from loftet_analysis.batch.cleaning import clean
        from loftet_analysis.batch.pages import get_ready, make_pages
        from loftet_analysis.batch.runner import Setting

        setting = Setting(
            paths.root(),
            paths.generated(),
            paths.workroom(study.name),
            time_limit,
            warm=not fresh_kernels,
            questions={
                each: {name: study.text(text, each) for name, text in study.questions.items()}
                for each in study.languages
            },
            internal=study.disclosure == "internal",
        )
        get_ready(study, setting, path, scheduler)
        if unclean:
            clean(study, close=close)
            # other notebooks may be asked for now, in the languages that there were pages in
            before = {task.name: task for task in tasks}
            tasks = all_tasks(study, regions=region, notebooks=notebook, languages=spoken)
            tasks = [before.get(task.name, task) for task in tasks] + without
        # one more, since a kernel that starts or ends leaves its core idle for a while
        jobs = jobs or _cores() + 1
        for of_country in (False, True):  # which reads what the regions' notebooks keep
            stale = why_stale_each(study, tasks)
            wanted = [t for t in tasks if t.of_country == of_country and (force or stale[t])]
            if wanted:
                outcomes += make_pages(study, wanted, setting, jobs=jobs, scheduler=scheduler)
        stale = why_stale_each(study, tasks)
    why = why_unpublished(study)
    if why:
        from loftet_analysis.batch.pages import publish

        _say_damaged(study, [why])
        publish(study)
    if schools or SCHOOLS in read_manifest(study.name):
        _school_pages(study, language or (), force=force and schools)
    print(overview(stale, still_to_come(study)))
    for why in elsewhere:
        say(study.name, f"{why}; not asked for this time")
    return _tell(study, outcomes, len(tasks), path)


def _tell(study: Study, outcomes: Sequence[Outcome], n_tasks: int, path: Path) -> int:
    """Print what was run and what failed, and return the exit code."""
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    for outcome in failed:
        print(f"\n{outcome.task.name} failed: {outcome.error}", file=sys.stderr)
        remains = outcome.task.remains
        print(f"    see {shown(remains if remains.exists() else path)}", file=sys.stderr)
    done = (
        f"{len(outcomes) - len(failed)} run, {len(failed)} failed, "
        f"{n_tasks - len(outcomes)} up to date"
    )
    log.info(done)
    index = paths.reports(study.name) / "index.html"
    print(f"\n{study.name}: {done}; open {shown(index)}; log in {shown(path)}")
    return 1 if failed else 0


def _say_damaged(study: Study, reasons: Iterable[str]) -> None:
    """Say what was damaged, each once."""
    for why in dict.fromkeys(reasons):
        if why.startswith(DAMAGED):
            say(study.name, f"{why}; made anew")


def _school_pages(study: Study, languages: Sequence[str], *, force: bool) -> None:
    """Make the schools' pages where they are not up to date."""
    from loftet_analysis.batch.schools import folder, make, why_outdated

    why = why_outdated(study, languages)
    _say_damaged(study, [why])
    if why or force:
        n = make(study, languages)
        say(study.name, f"{n} school pages in {shown(folder(study))}")


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def status(*, study: str) -> int:
    """Print what is done, stale (and why) and failed."""
    description = load_study(study)
    states = [(CLEAN, why_unclean(description)), (SITE, why_unpublished(description))]
    if SCHOOLS in read_manifest(study):
        from loftet_analysis.batch.schools import why_outdated

        states.append((SCHOOLS, why_outdated(description)))
    for name, why in states:
        told = f"stale, since {why}"
        if why in {"", NEVER_RUN, UNFINISHED} or why.startswith(DAMAGED):
            told = why or DONE
        print(f"{name}: {told}")
    stale = why_stale_each(description, all_tasks(description))
    print(f"\n{overview(stale, still_to_come(description))}")
    return 0


def release(*, study: str, to: Path | None = None) -> int:
    """Freeze pages, tables and figures under a number, and say of which release each block is."""
    from loftet_analysis.batch.release import SUMS, release

    description = load_study(study)
    with occupied(study, "release"):
        made, left_out = release(description, to and to.absolute())
    folder = paths.releases(study) / str(made.number)
    print(made.table())
    for name, why in left_out.items():
        print(f"left out: {name}, since it {why}")
    copied = f", also in {shown(to.absolute())}" if to else ""
    print(f"\n{study}: release {made.number} in {shown(folder)}{copied}")
    print(f"    SHA-256 of its {SUMS}: {paths.sha256(folder / SUMS)}")
    return 0


def select(*, study: str) -> int:
    """Write which schools to visit for interviews, and the joint display to fill in."""
    from loftet_analysis.show.school_selection import (
        selection,
        write_joint_display,
        write_selection,
    )
    from loftet_analysis.show.session import open_study

    description = load_study(study)
    with occupied(study, "select"):
        if why := why_unclean(description):
            say(study, f"the clean data are not what would be made now: {why}")
        opened = open_study(study)
        selected = selection(opened)
        written = [write_selection(opened, selected), *write_joint_display(opened, selected)]
    for line in selected.told():
        print(line)
    print(f"\n{study}: {' and '.join(map(shown, written))}; internal, not to be passed on")
    return 0


def letters(
    *, study: str, school: Sequence[str] | None = None, language: Sequence[str] | None = None
) -> int:
    """Write letters to schools from templates; consent forms for those that are to be visited."""
    from loftet_analysis.cleaning import store
    from loftet_analysis.show.letters import letters, write_letters
    from loftet_analysis.show.school_selection import selection
    from loftet_analysis.show.session import open_study

    description = load_study(study)
    with occupied(study, "letters"):
        visited: Sequence[str] = ()
        if description.selection and store.is_there(study) and not school:
            visited = selection(open_study(study)).chosen
        spoken = language or description.languages[:1]
        found = letters(description, spoken, visited, school or ())
        folder = write_letters(description, found, all_schools=not school)
    print(*found.told, sep="\n")
    print(f"\n{study}: {len(found.contents)} letters in {shown(folder)}")
    return 0


def forget_key(*, study: str, yes: bool = False, keep_exports: bool = False) -> int:
    """Destroy the pseudonym key, once somebody has said yes, and the exports are gone or meant."""
    description = load_study(study)
    place = pseudonyms.key_path(description)
    there = [name for name in description.export_files if description.export_path(name).exists()]
    if there:
        alone, n = _told_apart(description)
        share = f"{alone:,} of {n:,} questionnaires ({alone / n:.0%})" if n else "no questionnaire"
        print(f"{len(there)} raw exports are still there. {share} of the clean data are like no")
        print("other in school, grade, day and answers, so that each can be joined back to its row")
        print("of the exports without any key: as long as they exist, nothing is anonymous.")
        if not keep_exports:
            print(
                "nothing was done: delete them (and copies), or say --keep-exports", file=sys.stderr
            )
            return 1
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
            record(study, {CLEAN: {**entry, "parts": {**entry["parts"], KEY: KEY_DESTROYED}}})
    print(f"{study}: pseudonym key destroyed ({place})")
    return 0


def _told_apart(study: Study) -> tuple[int, int]:
    """Return how many sheets no other sheet equals in school, grade, day and answers; of how many.

    Clean data that are not there have none.
    """
    from loftet_analysis.cleaning import store

    alone = n = 0
    for name, population in study.populations.items():
        if (paths.clean(study.name) / name).is_dir():
            clean = store.read(study.name, name)
            known = [names.SCHOOL, names.WAVE, names.GRADE, names.SUBMITTED]
            known += population.instrument.columns
            same = clean.duplicated([column for column in known if column in clean], keep=False)
            alone, n = alone + int((~same).sum()), n + len(clean)
    return alone, n


def export(*, study: str) -> int:
    """Write the labelled clean data and the codebook for archiving."""
    from loftet_analysis.cleaning.archive import write_archive
    from loftet_analysis.show.codebook import write_codebook

    description = load_study(study)
    folder = paths.clean(study) / "archive"
    told: list[str] = []
    with occupied(study, "export"):
        written = write_archive(description, folder, told.append)
        for language in description.languages:
            written += write_codebook(description, folder, language)
    print(f"{study}: {len(written)} files in {shown(folder)}")
    for line in (*(path.name for path in written), *told):
        print(f"    {line}")
    return 0


def overview(stale: Mapping[Task, str], to_come: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return a table of states, the languages of the pages, and the reasons beneath.

    Parameters
    ----------
    stale : mapping of Task to str
        Why each task's pages are out of date; empty where they are not.
    to_come : mapping of str to sequence of str
        Notebooks that need waves which are not closed yet, with these waves.
    """
    by_waves: dict[str, list[str]] = {}
    for file, waves in (to_come or {}).items():
        by_waves.setdefault(" and ".join(waves), []).append(file.rpartition("/")[2])
    later = [
        f"still to come, when {waves} is closed: {', '.join(files)}"
        for waves, files in by_waves.items()
    ]
    if not stale:
        return "\n\n".join(["no pages asked for", *later])
    states = {
        why: why if why in {NEVER_RUN, FAILED, UNFINISHED} else "stale" for why in stale.values()
    }
    states |= {why: "damaged" for why in states if why.startswith(DAMAGED)}
    states[""] = DONE
    rows = pd.DataFrame(
        [(task.region, task.notebook, states[why]) for task, why in stale.items()],
        columns=["region", "notebook", "state"],
    )
    wide = rows.pivot(index="region", columns="notebook", values="state").fillna("–")
    wide = wide.loc[list(dict.fromkeys(rows["region"]))]
    spoken = ", ".join(dict.fromkeys(each for task in stale for each in task.languages))
    told = [wide.rename_axis(index=None, columns=spoken).to_string()]
    reasons: dict[str, list[str]] = {}
    for task, why in stale.items():
        if states[why] in {"stale", "damaged"}:
            reasons.setdefault(why, []).append(task.name)
    for why, pages in reasons.items():
        since = why if why.startswith(DAMAGED) else f"stale, since {why}"
        told.append(f"{since}: {named(pages, 3)}")
    return "\n\n".join([*told, *later])
