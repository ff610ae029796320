"""Letters to schools: templates with places, filled from study.yml and the register of schools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import quote

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.show.languages import Words, label
from loftet_analysis.study import Study
from loftet_analysis.study.instrument import LANGUAGES
from loftet_analysis.study.schools import COMPARISON, CONTACT, LINK, REGION_NAME, YES, find_school
from loftet_analysis.study.yamlfile import shown

#: Places that the register fills; `links` has the addresses of a school's questionnaires.
FROM_REGISTER = ("school", names.SCHOOL, "region", "municipality", "grades", "links")
#: How templates begin that are only for schools to be visited.
CONSENT_FORM = "consent"
#: How a passage begins that Sikt's own template has to fill.
TO_BE_REPLACED = "[SIKT:"


@dataclass(frozen=True)
class Letters:
    """The letters of a study, and what is to be said of them.

    Attributes
    ----------
    contents : dict of (str, str) to str
        By template and path below the folder of letters: ``nb/103000114_information.txt``.
    told : tuple of str
        In counts only.
    """

    contents: dict[tuple[str, str], str]
    told: tuple[str, ...]


def letters(
    study: Study,
    languages: Sequence[str],
    visited: Collection[str] = (),
    only: Sequence[str] = (),
) -> Letters:
    """Fill the templates of a study's letters, school by school.

    Templates are ``<name>.<language>.txt`` of ``docs/templates/``, the project's own before those
    that came with the package. Those whose names begin with ``consent`` are for schools to be
    visited, all others for every school of the programme. A place is ``${name}``: one of
    `FROM_REGISTER`, ``title``, or a key of ``letters:`` in study.yml.

    Parameters
    ----------
    study : Study
    languages : sequence of str
    visited : collection of str
        Ids of the schools to be visited.
    only : sequence of str
        Only these schools, by id; they get the consent forms too, if they agreed to be contacted.

    Raises
    ------
    InputError
        With every place that nothing fills, templates that are lacking or cannot be read, unknown
        schools and languages.
    """
    templates, problems = _templates(languages)
    register = study.schools[study.schools["role"] != COMPARISON]
    asked_for = {each: find_school(study.school_ids, each) for each in only}
    found = set(asked_for.values())
    if unknown := [each for each, school in asked_for.items() if school is None]:
        allowed = "ids or names of the register"
        problems.append(Problem("unknown school", ", ".join(unknown), allowed))
    texts = {(name, spoken): _texts(study, spoken) for name, spoken in templates}
    for place, (name, language) in _unfilled(templates, texts):
        where = shown(paths.templates()[f"{name}.{language}"])
        todo = f"letters: {{{place}: …}} in study.yml, or {{{language}: …}} below it"
        allowed = ", ".join((*FROM_REGISTER, "title", *study.letters))
        problems.append(
            Problem("a place of a letter that nothing fills", place, allowed, where, todo)
        )
    refuse_any(problems)
    contents, without, refused = {}, 0, 0
    blank: Counter[str] = Counter()
    for school in register.to_dict("records"):
        number = school[names.SCHOOL]
        if only and number not in found:
            continue
        for (name, language), template in templates.items():
            of_school = _of_school(school, language)
            if name.startswith(CONSENT_FORM):
                asked = number in found if only else number in visited
                refused += asked and school[CONTACT] != YES
                if not asked or school[CONTACT] != YES:
                    continue
            if "links" in template.get_identifiers() and not of_school["links"]:
                without += 1
                continue
            blank.update(p for p in template.get_identifiers() if of_school.get(p, " ") == "")
            text = template.substitute({**texts[name, language], **of_school})
            contents[name, f"{language}/{quote(number, safe='')}_{name}.txt"] = text
    return Letters(contents, tuple(_told(contents, without, refused, blank, visited, only)))


def write_letters(study: Study, written: Letters, *, all_schools: bool = True) -> Path:
    """Write letters below ``data_clean/<study>/letters/``, a folder for each language.

    Parameters
    ----------
    study : Study
    written : Letters
    all_schools : bool, default True
        Whether letters in the same languages that are not among them go: of a school that is
        visited no longer.

    Returns
    -------
    Path
        The folder.
    """
    folder = paths.clean(study.name) / "letters"
    contents = {folder / name: text.encode() for (_, name), text in written.contents.items()}
    spoken = {path.parent for path in contents}
    older = [path for each in spoken for path in each.glob("*.txt") if path not in contents]
    paths.replace_all(contents, outdated=older if all_schools else ())
    return folder


def _templates(
    languages: Sequence[str],
) -> tuple[dict[tuple[str, str], Template], list[Problem]]:
    there, found, problems = paths.templates(), {}, []
    kinds = sorted({name.rpartition(".")[0] for name in there})
    if not kinds:
        problems.append(Problem("no templates of letters", "none", "docs/templates/*.nb.txt"))
    for language in languages:
        if language not in LANGUAGES:
            problems.append(Problem("unknown language", language, ", ".join(LANGUAGES)))
            continue
        for kind in kinds:
            path = there.get(f"{kind}.{language}")
            if path is None:
                what, allowed = "a letter without its template", f"{kind}.{language}.txt"
                told = ", ".join(name for name in there if name.startswith(f"{kind}."))
                problems.append(
                    Problem(what, told, allowed, todo="write it, or leave out the language")
                )
                continue
            try:
                template = Template(path.read_text(encoding="utf-8-sig"))
            except UnicodeDecodeError:
                problems.append(
                    Problem("a template that is no UTF-8", path.name, "UTF-8", shown(path))
                )
                continue
            if not template.is_valid():
                what, allowed = "a place of a letter that is not well formed", "${name}, $$ for a $"
                problems.append(Problem(what, "a $ alone", allowed, shown(path)))
                continue
            found[kind, language] = template
    return found, problems


def _texts(study: Study, language: str) -> dict[str, str]:
    """Return what fills the places that are the same for all schools."""
    own = {name: texts[language] for name, texts in study.letters.items() if language in texts}
    return {"title": study.text(study.title, language), **own}


def _unfilled(
    templates: Mapping[tuple[str, str], Template], texts: Mapping[tuple[str, str], dict[str, str]]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give each place that nothing fills, with the first template of the language that has it."""
    told = set()
    for key, template in templates.items():
        for place in template.get_identifiers():
            known = place in FROM_REGISTER or place in texts[key]
            if not known and (place, key[1]) not in told:
                told.add((place, key[1]))
                yield place, key


def _of_school(school: Mapping[str, object], language: str) -> dict[str, str]:
    own = {place: str(school.get(place, "")) for place in FROM_REGISTER}
    links = [
        f"{_whose(column.removeprefix(LINK), language)}: {address}"
        for column, address in school.items()
        if str(column).startswith(LINK) and not pd.isna(address) and address
    ]
    return {**own, "region": str(school[REGION_NAME]), "links": "\n".join(links)}


def _whose(name: str, language: str) -> str:
    """Return for whom a questionnaire is: a population, and a wave where it is named."""
    words = Words(language)
    population, _, wave = name.partition("_")
    if population not in names.POPULATIONS or (wave and wave not in names.WAVES):
        return name
    who = label("population", population, words)
    return f"{who} ({label('wave', wave, words)})" if wave else who


def _told(
    contents: Mapping[tuple[str, str], str],
    without: int,
    refused: int,
    blank: Mapping[str, int],
    visited: Collection[str],
    only: Sequence[str],
) -> Iterator[str]:
    kinds = [kind for kind, _ in contents]
    counts = pd.Series(kinds, dtype=str).value_counts(sort=False)
    yield ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "no letters"
    if without:
        yield f"{without} not written, since the register has no link_… of the school"
    if refused:
        yield f"{refused} consent forms not written, since the school did not agree to be contacted"
    for place, n in blank.items():
        yield f"{n} with nothing in the place {place}, since the register does not say it"
    if not visited and not only:
        yield "no consent forms: no schools are selected yet (loftet select)"
    if n := sum(TO_BE_REPLACED in text for text in contents.values()):
        yield (
            f"{n} still hold passages {TO_BE_REPLACED} …]: copy the templates into the project's "
            "docs/templates/ and put the text of Sikt's own template there"
        )
