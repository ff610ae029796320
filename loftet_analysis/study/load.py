"""Load a study: study.yml, the school register and the instruments, all problems at once."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
from pydantic import ValidationError

from loftet_analysis import names, paths
from loftet_analysis.errors import InputError, Problem, named
from loftet_analysis.study.checks import check_study, uncovered, untranslated
from loftet_analysis.study.features import read_features
from loftet_analysis.study.instrument import (
    LANGUAGES,
    Instrument,
    check_named_languages,
    read_instrument,
)
from loftet_analysis.study.phases import CLOSED, TO_COME, Phases, exports_there, wave_states
from loftet_analysis.study.schools import read_schools, register_frame
from loftet_analysis.study.study import RegionFeatures, Register, Study
from loftet_analysis.study.trends import read_trend
from loftet_analysis.study.yamlfile import (
    RESEMBLES,
    Document,
    did_you_mean,
    nearest,
    read_yaml,
    shown,
    validated,
)

STUDY_FILE, REGISTER = "study.yml", "schools.csv"
#: How lines end that `loftet new` guessed.
UNCONFIRMED = "to be confirmed"
#: The same where guesses count as they are.
GUESSED = "guessed"
NOT_THERE = "no such file"  # what is found of a register that is lacking


def load_study(name: str) -> Study:
    """Read ``data_raw/<name>/``: study.yml, the school register and the instruments.

    Exports are not looked at, and the register may be lacking: a study may be described before
    they are there (see `missing_exports` and `missing_register`).

    Parameters
    ----------
    name : str
        The study's folder below ``data_raw/``.

    Raises
    ------
    InputError
        With everything that is wrong, each with file and line.

    Examples
    --------
    >>> study = load_study("sats")
    >>> study.populations["pupils"].estimands[:2]
    ('linked_change', 'school_change')
    >>> study.regions.head(2).to_dict("list")
    {'region': ['fall-2007', 'spring-2008'], 'name': ['Fall 2007', 'Spring 2008']}
    """
    there = sorted(path.parent.name for path in paths.raw().glob(f"*/{STUDY_FILE}"))
    if not there:
        found = "no folder of a study" if paths.raw().is_dir() else "no data_raw/"
        allowed = f"data_raw/{name}/{STUDY_FILE}, and the exports beside it"
        todo = "write one; `loftet demo` makes one to look at and to copy"
        raise InputError("no study is here yet", found, allowed, str(paths.root()), todo)
    if name not in there:
        todo = did_you_mean(name, there) or f"write data_raw/{name}/{STUDY_FILE}"
        raise InputError("unknown study", name, ", ".join(there), shown(paths.raw()), todo)
    folder = paths.raw(name)
    if guessed := unconfirmed(folder):
        raise InputError(guessed)
    document = read_yaml(folder / STUDY_FILE)
    content = {"schools": REGISTER, "exports": "."} | document.content
    for key in ("exports", "key"):
        if isinstance(content.get(key), str):
            content[key] = _below(folder, content[key])
    schools = register_frame(pd.DataFrame())
    others: list[Problem] = []
    remarks: list[Problem] = []
    if register := _register(content["schools"]):
        path = _below(folder, register.file)
        schools, others, remarks = read_schools(path, register.columns, register.encoding)
        others = [problem for problem in others if problem.found != NOT_THERE]
    trends = {}
    for population, path in _trend_files(folder, content).items():
        trends[population], wrong = read_trend(path)
        others += wrong
    features = pd.DataFrame()
    if declared := _features(content):
        regions = [*schools[names.REGION].unique()]
        path = _below(folder, declared.file)
        features, wrong = read_features(path, [*declared.features], regions)
        others += wrong
    given = content.get("languages")
    given = given if isinstance(given, list) else []
    languages = [each for each in given if each in LANGUAGES] or LANGUAGES
    check_named_languages(document, languages)
    if isinstance(content.get("populations"), dict):
        content["populations"], wrong = _with_instruments(document, folder, languages)
        others += wrong
    injected = {"<name>": name, "<folder>": folder, "<schools>": schools}
    injected |= {"<remarks>": tuple(remarks), "<trends>": trends, "<region_features>": features}
    study = validated(Study, content | injected, document)
    if study:
        check_study(study, document)
    problems = [*document.problems, *others]
    if study is None or problems:
        raise InputError(problems)
    return study.changed(remarks=(*study.remarks, *uncovered(study), *untranslated(study)))


def unconfirmed(folder: Path) -> list[Problem]:
    """Return the problem of guesses in a study's files that nobody confirmed; none without any."""
    listed = guesses(folder)
    if not listed:
        return []
    todo = f"look at each line, correct it or leave it, and take “{UNCONFIRMED}” away; "
    todo += f"from all that are left: loftet new {folder.name} --accept"
    counted = f"{len(listed)}, the most important first"
    told = "\n".join([counted, *listed])
    return [Problem("guesses that are not confirmed", told, "", shown(folder), todo)]


def guesses(folder: Path, mark: str = UNCONFIRMED) -> list[str]:
    """Return each guess in a study's files: its place, what the line says, and from what.

    They stand in the order of what is wrong where the guess is; questionnaires come before
    study.yml.
    """
    found = [
        (_rank(steps), f"{path.relative_to(folder).as_posix()}:{number}", steps[-2:], why)
        for path, lines in _lines(folder).items()
        for number, steps, why in _places(lines, mark)
    ]
    return [
        f"{where}  {' › '.join(said)}" + (f"  ({why})" if why else "")
        for _, where, said, why in sorted(found, key=lambda each: each[0])
    ]


def _places(lines: Sequence[str], mark: str = UNCONFIRMED) -> Iterator[tuple[int, list[str], str]]:
    """Yield of each guess its line, the keys above it with what the line says, and from what.

    Examples
    --------
    >>> [*_places(["title: A  # to be confirmed", "waves:", "  pre: {}  # 1 day; to be confirmed"])]
    [(1, ['title: A'], ''), (3, ['waves', 'pre: {}'], '1 day')]
    """
    above: list[tuple[int, str]] = []  # how far in, and the key
    for number, line in enumerate(lines, 1):
        far = len(line) - len(line.lstrip())
        if line.strip() and not line.lstrip().startswith("#"):
            above = [(other, key) for other, key in above if other < far]
            for said, why in _guesses(line, mark):
                yield number, [*(key for _, key in above), said], why
            above.append((far, line.strip().partition(":")[0]))


def _rank(steps: Sequence[str]) -> int:
    """Return how much is wrong where a guess is: 1 all results, 2 some of them, 3 a name.

    Examples
    --------
    >>> _rank(["title: A"]), _rank(["scales", "joy:"]), _rank(["scales", "joy", "label: {nb: J}"])
    (3, 2, 3)
    """
    if steps[-1].partition(":")[0] in {"title", "languages", "label"}:
        return 3
    if {"columns", "values"} & {*steps[:-1]} or (steps[0] == "scales" and len(steps) == 2):
        return 2
    return 1


def confirmed(folder: Path) -> tuple[dict[Path, str], int]:
    """Return a study's files without the words that mark guesses, and how many there were."""
    files, n = {}, 0
    for path, lines in _lines(folder).items():
        marked = [bool(_guesses(line)) for line in lines]
        if any(marked):
            plain = [
                re.sub(rf"(#|;)\s*{UNCONFIRMED}.*$", "", line).rstrip() if mark else line
                for line, mark in zip(lines, marked, strict=True)
                if mark or not re.match(rf"#.*“{UNCONFIRMED}”", line)
            ]
            files[path] = "\n".join(plain) + "\n"
            n += sum(marked)
    return files, n


def _lines(folder: Path) -> dict[Path, list[str]]:
    files = [*sorted((folder / "instruments").glob("*.yml")), folder / STUDY_FILE]
    return {p: p.read_text(encoding="utf-8", errors="replace").splitlines() for p in files}


def _guesses(line: str, mark: str = UNCONFIRMED) -> list[tuple[str, str]]:
    """Return what a line that is a guess says, and from what; nothing of any other line.

    Examples
    --------
    >>> _guesses("link: {by: none}  # one wave only; to be confirmed")
    [('link: {by: none}', 'one wave only')]
    >>> _guesses("title: {en: Joy}  # to be confirmed, ask Kari"), _guesses("title: {en: Joy}")
    ([('title: {en: Joy}', '')], [])
    """
    found = re.fullmatch(rf"\s*([^#\s].*?)\s+#\s*(.*?);?\s*{mark}.*", line)
    return [(found[1], found[2])] if found else []


def paths_beside(name: str) -> list[Path]:
    """Return the paths of a study's files of external trends and of features of regions."""
    folder = paths.raw(name)
    content = read_yaml(folder / STUDY_FILE).content
    declared = _features(content)
    features = [_below(folder, declared.file)] if declared else []
    return [*_trend_files(folder, content).values(), *features]


def _features(content: dict) -> RegionFeatures | None:
    """Return what study.yml says of features of regions, as far as it is well said."""
    try:
        return RegionFeatures.model_validate(content["analysis"]["region_features"])
    except (ValidationError, TypeError, KeyError):  # told with the other problems of study.yml
        return None


def _trend_files(folder: Path, content: dict) -> dict[str, Path]:
    """Return the files of trends by population, as far as they are well named."""
    analysis = content.get("analysis")
    named = analysis.get("trend") if isinstance(analysis, dict) else None
    named = named if isinstance(named, dict) else {}
    return {
        population: _below(folder, file)
        for population, file in named.items()
        if population in names.POPULATIONS and isinstance(file, str) and file.strip()
    }


def register_path(name: str) -> Path:
    """Return the path of a study's register of schools; that of none where it is not described."""
    folder = paths.raw(name)
    register = _register(read_yaml(folder / STUDY_FILE).content.get("schools", REGISTER))
    return _below(folder, register.file if register else REGISTER)


def _register(given: object) -> Register | None:
    try:
        return Register.model_validate(given)
    except ValidationError:  # told with the other problems of study.yml
        return None


def _below(folder: Path, path: str) -> Path:
    return folder / os.path.expanduser(path)  # noqa: PTH111 (~nobody stays)


def _with_instruments(
    document: Document, folder: Path, languages: Sequence[str]
) -> tuple[dict, list[Problem]]:
    """Return the populations with their instruments read in place of the names."""
    complete, problems = {}, []
    for name, given in document.content["populations"].items():
        complete[name] = given
        named = given.get("instrument") if isinstance(given, dict) else None
        if isinstance(named, str):
            where = document.where("populations", name, "instrument")
            instrument, found = read_instrument(named, folder, where, languages)
            problems += found
            # Without scales the checks against the instrument are left out, not failed.
            unread = Instrument.model_validate({"<name>": named, "responses": {}, "scales": {}})
            complete[name] = {**given, "instrument": instrument or unread}
    return complete, problems


def missing_exports(study: Study, states: Phases | None = None) -> list[Problem]:
    """Return a problem for each file that the exports folder lacks and that should be there.

    Those are the exports and lists of waves that are closed, and the lists of open ones; registers
    of attendance where no wave is still to come; and the files of the whole study.

    Parameters
    ----------
    study : Study
        Its ``study.yml`` is read again for the lines.
    states : mapping, optional
        The state of each wave (:func:`~loftet_analysis.study.phases.wave_states`); that of today
        without it.

    Examples
    --------
    >>> missing_exports(load_study("sats"))
    []
    """
    document = read_yaml(study.folder / STUDY_FILE)
    due = _due(study, wave_states(study) if states is None else states)
    named = {file: _place(document, file) for file in study.export_files if file in due}
    folder = study.exports
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    allowed = f"a file in {shown(folder)}: {', '.join(there) or 'nothing is there'}"
    put = f"put the export into {shown(folder)}, or correct its name"
    return [
        Problem("export is missing", file, allowed, where, did_you_mean(file, there) or put)
        for file, where in named.items()
        if not study.export_path(file).is_file()
    ]


def unnamed_exports(study: Study) -> list[Problem]:
    """Return what is said of files beside the exports that study.yml does not name.

    Those are files of the same kinds (``.csv``, ``.sav``); where one has nearly the name of a file
    that is not there, it is a warning.

    Examples
    --------
    >>> unnamed_exports(load_study("sats"))
    []
    """
    waves = [wave for people in study.populations.values() for wave in people.files.values()]
    kinds = {PurePath(part).suffix.lower() for w in waves for file in w for part in file.files}
    mentioned = _texts(read_yaml(study.folder / STUDY_FILE).content)
    known = {study.export_path(name).resolve() for name in study.export_files}
    known |= {path.resolve() for path in (register_path(study.name), *paths_beside(study.name))}
    absent = [name for name in study.export_files if not study.export_path(name).is_file()]
    folders = [f for f in dict.fromkeys((study.exports, study.folder)) if f.is_dir()]
    unnamed = [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in kinds and path.is_file() and not path.name.startswith((".", "~"))
        if path.resolve() not in known and path.name not in mentioned
    ]
    near = {path: nearest(path.name, absent, RESEMBLES) for path in unnamed}
    others, remarks = [path for path in unnamed if not near[path]], []
    for path in (path for path in unnamed if near[path]):
        what = "warning: a file that study.yml does not name, and one that is not there"
        found = f"{path.name} lies there, study.yml names {' or '.join(near[path])}"
        todo = "are they one file? then correct the name in study.yml, or that of the file"
        remarks.append(Problem(what, found, where=shown(path.parent), todo=todo))
    if others:
        alike = same_files([*sorted(known), *(path.resolve() for path in others)])
        told = [
            path.name + (f" (the same as {of.name})" if (of := alike.get(path.resolve())) else "")
            for path in others
        ]
        found = f"{len(others)}: {named(told, 5)}"
        todo = "nothing, if they are no exports of the study, or belong to one; else name them"
        what = "files beside the exports that study.yml does not name"
        remarks.append(Problem(what, found, where=shown(others[0].parent), todo=todo))
    return remarks


def same_files(files: Iterable[Path]) -> dict[Path, Path]:
    """Return files that hold the same as an earlier one, byte for byte, with this one.

    Examples
    --------
    >>> same_files([paths.raw("sats") / "sats_s.csv", paths.raw("sats") / "study.yml"])
    {}
    """
    sizes = {path: path.stat().st_size for path in files if path.is_file()}
    several = Counter(sizes.values())
    totals = {path: paths.sha256(path) for path, size in sizes.items() if several[size] > 1}
    first = {total: path for path, total in reversed(totals.items())}
    return {path: first[total] for path, total in totals.items() if first[total] != path}


def repeated_exports(study: Study) -> list[Problem]:
    """Return a problem for each export that holds the same as another one of its population.

    Examples
    --------
    >>> repeated_exports(load_study("sats"))
    []
    """
    document, problems = None, []
    for population in study.populations.values():
        files = [name for wave in population.files.values() for file in wave for name in file.files]
        by_path = {study.export_path(name): name for name in files}
        for path, first in same_files(by_path).items():
            document = document or read_yaml(study.folder / STUDY_FILE)
            what, found = "two exports that hold the same", f"{path.name} and {first.name}"
            where, todo = _place(document, by_path[path]), "name one of them only"
            problems.append(Problem(what, found, "files that differ", where, todo))
    return problems


def _texts(content: object) -> set[str]:
    """Return every text that stands in a description."""
    if isinstance(content, dict | list):
        parts = content.values() if isinstance(content, dict) else content
        return set().union(*map(_texts, parts))
    return {content} if isinstance(content, str) else set()


def _due(study: Study, states: Phases) -> set[str | None]:
    """Return the files that have to be there."""
    due = {study.withdrawn, study.corrections}
    for name, population in study.populations.items():
        own: dict[str, set[str]] = {}
        for (whose, wave, *_), state in states.items():
            if whose == name:
                own.setdefault(wave, set()).add(state)
        for wave, its in own.items():
            # of several files some may be of cohorts that are still to come
            some = CLOSED in its and not exports_there(study, population, wave)
            if its == {CLOSED} or some:
                due |= {part for file in population.files.get(wave, ()) for part in file.files}
            if its != {TO_COME} and wave in population.consent:
                due |= {*population.consent[wave].lists}
        if population.attendance and all(its <= {CLOSED} for its in own.values()):
            due.add(population.attendance.file)
    return due


def missing_register(study: Study) -> list[Problem]:
    """Return the problem of a register of schools that is not there yet.

    Examples
    --------
    >>> missing_register(load_study("sats"))
    []
    """
    found = read_schools(register_path(study.name))[1]
    return [problem for problem in found if problem.found == NOT_THERE]


def _place(document: Document, file: str) -> str:
    """Return where a file is first named."""
    content: Any = document.content
    steps = (s for s in document.lines if reduce(getitem, s, content) == file)
    return document.where(*next(steps, ()))
