"""The pages of schools for their leaders, as HTML and as Word, made and recorded together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import (
    NEVER_RUN,
    RESULTS,
    SCHOOLS,
    Fingerprint,
    Inputs,
    Read,
    common_fingerprint,
    digest,
    read_manifest,
    record,
    why_not_current,
)
from loftet_analysis.batch.outputs import DONE, UNFINISHED, sums_of
from loftet_analysis.errors import InputError
from loftet_analysis.show.school_pages import asked_by_school, pages, told
from loftet_analysis.show.session import open_study
from loftet_analysis.study import Study

_TABLES = ("disclosure", "response", "units", "waves", "invariance")
_OF_COUNTRY = "results of the country"


def refuse_without_people(study: Study) -> None:
    """Refuse pages of schools where a study asks nobody of whom they could tell.

    Raises
    ------
    InputError
    """
    if not asked_by_school([*study.populations]):
        raise InputError(
            "no school pages can be made",
            found=f"a study of {', '.join(study.populations)} only",
            allowed="pupils or teachers, since of leaders nothing is told by school",
            where="--schools",
            todo="leave --schools out",
        )


def folder(study: Study) -> Path:
    """Return where the pages lie: a folder for each language, two files for each school."""
    return paths.reports(study.name) / "schools"


def data_fingerprint(study: Study, inputs: Inputs) -> Fingerprint:
    """Return the fingerprint of the data that the pages are made from."""
    asked = asked_by_school([*study.populations])
    reads: list[Read] = [(what, {}) for what in (*asked, *_TABLES)]
    reads.append((RESULTS, {"table": ["effects"], names.POPULATION: ["pupils"]}))
    of_country = paths.clean(study.name) / RESULTS / names.NATIONAL
    kept = digest(of_country.glob("*/effects.pupils.csv"))
    return {**inputs.data(reads), _OF_COUNTRY: kept}


def _fingerprint(study: Study) -> Fingerprint:
    return {**common_fingerprint(study.name), **data_fingerprint(study, Inputs(study.name))}


def why_outdated(study: Study, languages: Sequence[str] = ()) -> str:
    """Return why the pages are not what would be made now; empty when they are.

    Parameters
    ----------
    study : Study
    languages : sequence of str
        Those that pages are asked for in.
    """
    entry = read_manifest(study.name).get(SCHOOLS)
    if entry is None:
        return NEVER_RUN
    new = [each for each in languages if each not in entry["languages"]]
    told_so = why_not_current(study.name, SCHOOLS, _fingerprint(study))
    return told_so or (f"not in {', '.join(new)} yet" if new else "")


def make(study: Study, languages: Sequence[str]) -> int:
    """Make the pages of all schools from clean data and kept results, and record them.

    Parameters
    ----------
    study : Study
    languages : sequence of str
        Beside those that there are pages in.

    Returns
    -------
    int
        How many pages there are now.
    """
    made_from = _fingerprint(study)
    entry = read_manifest(study.name).get(SCHOOLS)
    before = entry or {"outputs": {}, "languages": []}
    wanted = {*languages, *before["languages"]}
    spoken = [each for each in study.languages if each in wanted] or study.languages[:1]
    opened = open_study(study.name)
    found = told(opened)
    if entry:
        # what is half replaced must not count as done
        record(study.name, {SCHOOLS: {**entry, "state": UNFINISHED}})
    outputs: dict[str, str] = {}
    for language in spoken:
        place = folder(study) / language
        contents = {place / name: page for name, page in pages(opened, found, language)}
        paths.replace_all(contents)
        outputs |= sums_of(contents)
    outdated = [paths.generated() / name for name in before["outputs"] if name not in outputs]
    paths.replace_all({}, outdated=outdated)
    done = {"state": DONE, "parts": made_from, "languages": list(spoken), "outputs": outputs}
    record(study.name, {SCHOOLS: done})
    return sum(name.endswith(".html") for name in outputs)
