"""Whether a column bears the wording of its item: of the instrument, and of the other exports.

A name such as ``Q5_1`` counts places: where a form was copied and questions changed places, it
stands for another question, though every cell can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz.fuzz import ratio

from loftet_analysis.cleaning.sheets import Sheets
from loftet_analysis.errors import Problem, named
from loftet_analysis.study import normalise_label

#: Of 100, by Indel similarity: texts that are one but for slips, and texts of two questions.
ALIKE, UNLIKE = 90, 60
_CLEARER = 10  # by how much another item's wording has to be the nearer one
_CUT = 30  # signs from which on a text may be a longer one that a tool has cut off
_SHOWN, _LONGEST = 6, 50

# what stands before or after the text of a row of a matrix
_PARTS = (
    re.compile(r"^.*?\S\s*\[([^\[\]]+)\]\s*$", re.DOTALL),
    re.compile(r"^\s*\[([^\[\]]+)\]\s*\S", re.DOTALL),
    re.compile(r"\S\s*[-–:|]\s+(\S.*)$", re.DOTALL),
    re.compile(r"^.*\S\s*[-–:|?]\s+(\S.*)$", re.DOTALL),
    re.compile(r"^(.*\S)\s+[-–|]\s+\S", re.DOTALL),
    re.compile(r"^\s*(?:[A-Za-z]{0,4}\d[\w.]*|\w)[.):]\s+(\S.*)$", re.DOTALL),
)


def told_wordings(questions: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, str]:
    """Return what an export calls each item, where that is more than the name of its column.

    Examples
    --------
    >>> told_wordings({"q1": "I like numbers", "q2": "q2"}, {"joy_1": "q1", "joy_2": "q2"})
    {'joy_1': 'I like numbers'}
    """
    told = {name: questions.get(column, column) for name, column in sources.items()}
    return {
        name: text
        for name, text in told.items()
        if len(text.split()) > 1 and normalise_label(text) != normalise_label(sources[name])
    }


def other_wordings(parts: Sequence[Sheets]) -> tuple[list[Problem], list[Problem]]:
    """Return what is said of columns that bear another wording than that of their item.

    What an export calls an item is compared with the item's wordings in the instrument, earlier
    ones included, and where it is none of them with what the exports before it call the item.
    HTML, cut ends, slips, and what a matrix puts before its rows do not count.

    Parameters
    ----------
    parts : sequence of Sheets
        Of a population, all waves in order; `wordings` as read.

    Returns
    -------
    problems, remarks : list of Problem
        A problem for each export in which columns bear the wording of another item; a warning for
        each in which a few bear a wording that is none of them. Where most do, the export is in
        another language, or its texts are short names: that is a remark.
    """
    problems: list[Problem] = []
    remarks: list[Problem] = []
    before: list[tuple[str, dict[str, Sequence[str]]]] = []
    for part in parts:
        compared = {name: text for name, text in part.wordings.items() if name in _items(part)}
        known = [("the instrument", dict[str, Sequence[str]](_items(part))), *before]
        other: dict[str, tuple[str, str]] = {}
        unlike = []
        for name, text in compared.items():
            found = _judged(name, text, known)
            if isinstance(found, tuple):
                other[name] = found
            elif found is None:
                unlike.append(name)
        if other:
            problems.append(_others(other, part.where))
        if unlike:
            remarks.append(_none_of_them(unlike, len(compared), compared, part.where))
        before.append((part.where, {name: (text,) for name, text in compared.items()}))
    return problems, remarks


def _items(part: Sheets) -> dict[str, tuple[str, ...]]:
    """Return the wordings of each item, and the headings that the instrument names for it."""
    items = part.population.instrument.items
    return {name: (*item.wordings, *item.columns) for name, (_, item) in items.items()}


def _judged(
    name: str, text: str, known: Iterable[tuple[str, Mapping[str, Sequence[str]]]]
) -> tuple[str, str] | str | None:
    """Return whose wording a text is: ``""`` its own item's, None nobody's, else item and place."""
    forms, seen = _forms(text), False
    for place, wordings in known:
        like = {other: _likeness(forms, texts) for other, texts in wordings.items()}
        own = like.pop(name, 0.0)
        nearest = max(like, key=lambda one: like[one], default=name)
        most = like.get(nearest, 0.0)
        if most == 100 > own or (most >= ALIKE and own < most - _CLEARER):
            return nearest, place
        seen = seen or own >= UNLIKE
        if own >= ALIKE:
            break
    return "" if seen else None


def _forms(text: str) -> list[str]:
    """Return a heading and the parts of it that may be the wording, as they are compared."""
    bare = normalise_label(text)
    parts = [match[1] for form in _PARTS if (match := form.search(bare))]
    return list(dict.fromkeys(part.strip(" .") for part in (bare, *parts)))


def _likeness(forms: Sequence[str], wordings: Iterable[str]) -> float:
    """Return how near any form of a heading comes to any of several wordings, of 100."""
    texts = {normalise_label(wording).strip(" .") for wording in wordings}
    if texts & {*forms}:
        return 100.0
    pairs = [(form, text) for form in forms for text in texts]
    cut = [(form, text[: len(form)]) for form, text in pairs if _CUT <= len(form) < len(text)]
    return max((ratio(*pair) for pair in (*pairs, *cut)), default=0.0)


def _others(other: Mapping[str, tuple[str, str]], where: str) -> Problem:
    told = [
        f"{name} has that of {whose}" + ("" if place == "the instrument" else f" in {place}")
        for name, (whose, place) in other.items()
    ]
    todo = "did questions change places, or was one put in between? where forms differ, take "
    todo += "`columns` out and name items otherwise than columns: then each is found by its wording"
    todo += "; what was reworded on purpose stands under `earlier` of the item"
    what, allowed = "columns with the wording of another question", "the wording of the item"
    return Problem(what, named(told, _SHOWN), allowed, where, todo)


def _none_of_them(unlike: Sequence[str], n: int, texts: Mapping[str, str], where: str) -> Problem:
    first = f"{unlike[0]} is “{' '.join(texts[unlike[0]].split())[-_LONGEST:]}”"
    found = f"{len(unlike)} of {n} items, such as {named(unlike, _SHOWN)}; {first}"
    if 2 * len(unlike) > n:
        what = "wordings that are not compared: another language, or short names"
        return Problem(what, found, where=where)
    todo = "is it the same question? then add the wording to `earlier` of the item"
    what = "warning: columns with a wording that is not that of their item"
    return Problem(what, found, "the wording of the item in the instrument", where, todo)
