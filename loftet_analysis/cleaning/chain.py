"""The chain of cleaning: read → quarantine → clean → link → score, each a verb on `Sheets`.

A wave is read, put through the quarantine and cleaned by itself, file by file; then the waves of a
population are linked, and scales are scored. Every step gives new `Sheets`, with the account of
every questionnaire so far::

    pre, post = (
        read(study, "pupils", wave).pipe(quarantine).pipe(clean) for wave in ("pre", "post")
    )
    pupils = pre.pipe(link, post).pipe(attend).pipe(score)
    pupils.frame, pupils.ledger, pupils.values

Nothing is written, and without a pseudonym key of its own a study gets one of the moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loftet_analysis import names
from loftet_analysis.cleaning.clean import clean
from loftet_analysis.cleaning.headings import match_columns
from loftet_analysis.cleaning.link import link
from loftet_analysis.cleaning.lists import CORRECTION, read_list, rows_about
from loftet_analysis.cleaning.quarantine import quarantine
from loftet_analysis.cleaning.readers import Export, chained, read_export
from loftet_analysis.cleaning.registers import attend
from loftet_analysis.cleaning.score import score
from loftet_analysis.cleaning.selection import refuse_mixed, rows_of
from loftet_analysis.cleaning.sheets import Sheets
from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.study import ExportFile, Study, missing_exports

__all__ = ["Sheets", "attend", "clean", "link", "quarantine", "read", "score"]


def read(
    study: Study,
    population: str,
    wave: str,
    place: int = 0,
    *,
    opened: dict[tuple[str, ...], Export] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Sheets:
    """Read the export of a wave as text, find the columns that the study names, and its lists.

    Parameters
    ----------
    study : Study
        As loaded (:func:`~loftet_analysis.study.load_study`).
    population, wave : str
        ``"pupils"``, ``"pre"``.
    place : int
        Which of the wave's files, where there are several.
    opened : dict, optional
        Exports that have been read already, by their files; those read here are added.
    progress : callable, optional
        Told by what a tool was recognised that study.yml does not name.

    Returns
    -------
    Sheets
        What is to be seen of it are tool, headings and counts: its rows hold direct identifiers
        until they have been through :func:`quarantine`.

    Raises
    ------
    InputError
        For an unknown population, wave or file, where the export is missing or cannot be read, and
        where columns are not found in it. Faults of the lists are kept in `problems`.

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> sheets = read(load_study("sats"), "pupils", "pre")
    >>> sheets
    sats, pupils pre: 3730 rows of sats_s.csv, read as table
    39 of 123 columns are used
    >>> len(sheets.frame), sheets.sources["effort_14"]
    (0, 'Pre.E14')
    """
    if population not in study.populations:
        raise InputError("unknown population", population, ", ".join(study.populations))
    people, opened = study.populations[population], {} if opened is None else opened
    if wave not in people.files:
        raise InputError(f"no export of this wave of {population}", wave, ", ".join(people.files))
    if not 0 <= place < len(people.files[wave]):
        allowed = f"0 to {len(people.files[wave]) - 1}"
        raise InputError(f"no such file of this wave of {population}", str(place), allowed)
    file = people.files[wave][place]
    missing = {problem.found: problem for problem in missing_exports(study)}
    refuse_any(missing[name] for name in file.files if name in missing)
    if file.files not in opened:
        forms = [read_export(study.export_path(name), file) for name in file.files]
        export = chained(forms[0], forms[1], file.then) if file.then else forms[0]
        opened[file.files] = export
        if export.recognised and progress:
            progress(f"{export.name} is read as {export.tool}: {export.recognised}")
    export = rows_of(opened[file.files], study, people, wave, file)
    raw, found = match_columns(export, people, wave=wave, file=file)
    sheets = Sheets(study, people, wave, raw.frame.iloc[:0], file=file.file, **found)
    _refuse_one_grade(sheets, file)
    everybody = tuple(study.populations.values())
    wanted = {study.withdrawn: (everybody, ()), study.corrections: (everybody, CORRECTION)}
    consent = people.consent.get(wave)
    wanted |= dict.fromkeys(consent.lists if consent else (), ((people,), ()))
    lists = {}
    problems: list[Problem] = []
    for name, (populations, also) in wanted.items():
        if not name:
            continue
        try:
            if name in missing:
                raise InputError(missing[name])
            rows = read_list(study, name, populations, also)
            lists[name] = rows_about(rows, population, wave, file.file)
        except InputError as error:
            problems += error.problems
    sheets = replace(sheets, raw=replace(raw, lists=lists), remarks=raw.export.remarks)
    return replace(sheets, problems=tuple(problems)).through((refuse_mixed,))


def _refuse_one_grade(sheets: Sheets, file: ExportFile) -> None:
    """Stop where waves of several school years stand beside each other with one grade for all."""
    column = sheets.sources.get(names.GRADE)
    years = sheets.study.years(sheets.population.name)[sheets.wave]
    wanted = sheets.population.headers(names.GRADE, sheets.wave, file)
    if column and years and len(wanted) > 1 and column != wanted[0]:
        found = f"{column}, of waves {years} school year{'s' if years > 1 else ''} apart"
        todo = "give each wave a column with the grade that its people were in then"
        raise InputError(
            "one column of grade for several waves", found, wanted[0], sheets.where, todo
        )
