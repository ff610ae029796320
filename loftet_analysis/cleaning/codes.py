"""Codes that no answer has, and codes that cannot be told apart: what stops, and what is said.

A code outside a scale stands for no answer, and one that is shifted for another answer. It stops
in more than two cells and more than one per cent of an item, and in any number of cells where the
codes look shifted: then those inside the scale are wrong as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from loftet_analysis.errors import Problem, at_rows, named
from loftet_analysis.study import normalise_label

MOST_CELLS, MOST_SHARE = 2, 0.01
FEWEST_ANSWERS = 20  # for one column to look shifted by itself
FEWEST_CODES = 3
_SHOWN, _MOST_DIFFERENT = 8, 40
_LONGEST = 40  # signs of a number
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?", re.IGNORECASE)


def number(text: str) -> float | None:
    """Return the number that a text is, with a decimal point or comma, else None.

    Examples
    --------
    >>> number("4"), number(" 4,50 "), number("−9"), number("fire"), number("nan")
    (4.0, 4.5, -9.0, None, None)
    """
    bare = text.strip().replace("\N{MINUS SIGN}", "-")
    is_one = len(bare) <= _LONGEST and _NUMBER.fullmatch(bare)
    return float(bare.replace(",", ".")) if is_one else None


@dataclass(frozen=True)
class Met:
    """The codes of one column, as the questionnaires still in have them.

    Attributes
    ----------
    name : str
        The item's or the score's.
    heading : str
        The export's.
    answers : str
        The name of its response set; of a published score its own.
    low, high : float
        The ends of the scale.
    whole : bool
        Whether answers are whole numbers.
    inside, outside : mapping of float to int
        Cells by code, as exported.
    n : int
        Cells that are not blank.
    met : frozenset of str
        What stands in them, whole numbers in one form.
    by_label : frozenset of float
        The answers that stand there as labels of the instrument.
    rows : tuple of int
        Where the codes outside the scale stand, as a spreadsheet numbers rows.
    """

    name: str
    heading: str
    answers: str
    low: float
    high: float
    whole: bool = True
    inside: Mapping[float, int] = field(default_factory=dict)
    outside: Mapping[float, int] = field(default_factory=dict)
    n: int = 0
    met: frozenset[str] = frozenset()
    by_label: frozenset[float] = frozenset()
    rows: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """The item, with its heading where that is another."""
        return self.name if self.heading == self.name else f"{self.name} ({self.heading[:40]})"

    @property
    def stops(self) -> bool:
        """Whether so many of its cells are outside the scale that they are no slips."""
        n = sum(self.outside.values())
        return n > MOST_CELLS and n > MOST_SHARE * self.n


def shifted(inside: Iterable[float], outside: Iterable[float], low: float, high: float) -> bool:
    """Return whether codes look like those of a scale that begins elsewhere.

    They reach beyond one end as far as they stay away from the other (codes further off, such as
    99, may stand beside them), or none is inside and they are no further apart than the scale is
    long; from three codes on (or as many as a shorter scale has).

    Examples
    --------
    >>> shifted([1, 2, 3, 4], [0], 1, 5), shifted([1, 2, 5], [0], 1, 5), shifted([4], [9], 1, 5)
    (True, False, False)
    >>> shifted([1, 2, 3, 4], [0, 9], 1, 5), shifted([], [23, 24, 27], 1, 5)
    (True, True)
    """
    answers, beyond = {*inside}, {code for code in outside if not code % 1}
    length, fewest = high - low, min(FEWEST_CODES, high - low + 1)
    if not answers:
        return len(beyond) >= fewest and max(beyond) - min(beyond) <= length
    for code in beyond:
        by = low - code if code < low else code - high
        empty = {high - step if code < low else low + step for step in range(int(min(by, length)))}
        alike = {
            other for other in beyond if (other < low) == (code < low) and abs(other - code) < by
        }
        if by <= length and not answers & empty and len(answers | alike) >= fewest:
            return True
    return False


def outside_scale(columns: Sequence[Met], where: str) -> tuple[list[Problem], list[Problem]]:
    """Return the problems and the remarks of codes outside their scales.

    Parameters
    ----------
    columns : sequence of Met
    where : str
        For messages.

    Returns
    -------
    problems, remarks : list of Problem
        At most one of each for a response set.

    Examples
    --------
    >>> met = Met("joy_1", "q1", "agree5", 1, 5, inside={1: 9, 4: 9}, outside={0: 1}, n=19)
    >>> problems, remarks = outside_scale([met], "pre.csv")
    >>> problems[0].found
    '0 (1 time) in joy_1 (q1); the codes run 0–4, the scale 1–5'
    """
    problems, remarks = [], []
    for _, same in groupby(sorted(columns, key=_key), _key):
        group = [met for met in same if met.n]
        met = [each for each in group if each.outside]
        if not met:
            continue
        all_shifted = met[0].whole and shifted(*_codes(group), met[0].low, met[0].high)
        stops: list[Met] = []
        slips: list[Met] = []
        for each in met:
            alone = each.n >= FEWEST_ANSWERS and each.whole
            is_shifted = all_shifted or (
                alone and shifted(each.inside, each.outside, each.low, each.high)
            )
            (stops if is_shifted or each.stops else slips).append(each)
        if stops:
            problems.append(_problem(stops, where))
        if slips:
            remarks.append(_problem(slips, where, stops=False))
    return problems, remarks


def _key(met: Met) -> tuple[str, float, float]:
    return met.answers, met.low, met.high


def _codes(columns: Sequence[Met]) -> tuple[list[float], list[float]]:
    """Return the codes inside the scale and those outside that any of the columns holds."""
    inside = [code for met in columns for code in met.inside]
    return inside, [code for met in columns for code in met.outside]


def _problem(columns: Sequence[Met], where: str, *, stops: bool = True) -> Problem:
    cells: Counter[float] = Counter()
    for met in columns:
        cells.update(met.outside)
    inside, outside = _codes(columns)
    first, codes = columns[0], [*inside, *outside]
    scale, all_told = span(first.low, first.high), len(cells) <= _MOST_DIFFERENT
    told = {code: n for code, n in sorted(cells.items()) if all_told and tellable(code)}
    counted = [f"{plain(code)} ({times(n)})" for code, n in [*told.items()][:_SHOWN]]
    others = len(cells) - len(counted)
    if others:
        counted.append(f"{others} {'other ' if counted else ''}code{'s' if others > 1 else ''}")
    runs = f"the codes run {span(min(codes), max(codes))}, the scale {scale}"
    if len(told) < len(cells):
        runs = f"codes that may tell who somebody is are not shown; the scale is {scale}"
    found = f"{', '.join(counted)} in {named([met.label for met in columns])}; {runs}"
    where_missing = first.answers + (" in the instrument" if first.whole else "")
    if rows := sorted({row for met in columns for row in met.rows} if not stops else ()):
        found = f"{found}; in {at_rows(rows)}"
    declare = f"a code that means no answer belongs under `missing` of {where_missing}"
    if shifted(inside, outside, first.low, first.high):
        todo = "export the labels of the answers: these numbers are not those of the instrument"
    elif first.whole and any(code % 1 for code in outside):
        todo = f"a published score is declared by `score: as_is`; {declare}"
    else:
        todo = f"{declare}; else export the labels of the answers, or list single cells "
        todo += "in the file of `corrections:` of study.yml"
    what = "codes that no answer has"
    what = what if stops else f"warning: a few {what}, taken out"
    allowed = f"{scale} ({first.answers}), or a label of it" if first.whole else scale
    return Problem(what, found, allowed, where, todo)


def one_label_twice(
    columns: Iterable[tuple[Met, Mapping[str, str], Mapping[str, object]]], where: str
) -> list[Problem]:
    """Return a problem for each set of codes that a tool stores one label for.

    Parameters
    ----------
    columns : iterable of (Met, mapping of str to str, mapping of str to object)
        Each with the tool's labels by code, and the answers by normalised label; a label that
        counts as no answer (None) may stand for several codes.
    where : str

    Returns
    -------
    list of Problem
        Of codes of which at least one was met.

    Examples
    --------
    >>> met = Met("joy_1", "q1", "agree5", 1, 5, n=9, met=frozenset({"4"}))
    >>> stored = {"4": "Agree", "5": "Agree"}
    >>> one_label_twice([(met, stored, {"agree": 4})], "pre.sav")[0].found
    '4 and 5 are both “Agree” in joy_1 (q1)'
    """
    columns_by_fault: dict[tuple[str, ...], list[str]] = {}
    for met, labels, answers in columns:
        codes: dict[str, dict[str, str]] = {}
        for code, label in labels.items():
            normal = normalise_label(label)
            if normal and (normal not in answers or answers[normal] is not None):
                codes.setdefault(normal, {}).setdefault(canonical(code), label)
        for same in codes.values():
            if len(same) > 1 and met.met & same.keys():
                key = (next(iter(same.values())), *sorted(same))
                columns_by_fault.setdefault(key, []).append(met.label)
    problems, allowed = [], "a label of its own for each code"
    todo = (
        "correct the labels in the survey tool and export again: the answers cannot be told apart"
    )
    for (label, *alike), found in columns_by_fault.items():
        all_of = f"{' and '.join(alike)} are {'both' if len(alike) == 2 else 'all'}"
        told = f"{all_of} “{label[:60]}” in {named(found)}"
        problems.append(Problem("one label for several codes", told, allowed, where, todo))
    return problems


def label_and_number(columns: Iterable[Met], where: str) -> tuple[list[Problem], list[Problem]]:
    """Return problems and remarks of answers that stand both as a label and as a number.

    A tool that names the ends of a scale alone writes the others as codes of its own; where these
    begin at 0 the first of them is the number of an answer that has a label, and the number of
    another answer stands nowhere. That stops where all the numbers, moved by one, would be answers
    without labels.

    Examples
    --------
    >>> cells = frozenset({"Strongly disagree", "1", "2", "3", "Strongly agree"})
    >>> met = Met("joy_1", "q1", "agree5", 1, 5, inside=dict.fromkeys([1, 2, 3, 5], 9), met=cells,
    ...           by_label=frozenset({1, 5}))
    >>> label_and_number([met], "pre.csv")[0][0].found
    '1 stands as its label and as a number in joy_1 (q1); 4 stands nowhere'
    """
    told: tuple[dict[tuple[float, ...], list[str]], ...] = ({}, {})
    for met in columns:
        twice = sorted(value for value in met.by_label if plain(value) in met.met)
        if not twice:
            continue
        scale = [met.low + step for step in range(int(met.high - met.low) + 1)]
        never = [value for value in scale if value not in met.inside]
        numbers = [value for value in scale if plain(value) in met.met]
        others = {*scale} - met.by_label
        certain = bool(never) and any(others.issuperset(v + by for v in numbers) for by in (-1, 1))
        key = (twice[0], len(twice), *(never[:1] if certain else ()))
        told[not certain].setdefault(key, []).append(met.label)
    what = "answers as labels and as numbers in one column"
    allowed = "labels alone, or numbers alone"
    todo = "export labels alone: the numbers seem to begin elsewhere than the instrument's"
    asks = "look whether the numbers are those of the instrument; else export labels alone"

    def problem(key: tuple[float, ...], same: list[str], todo: str) -> Problem:
        value, n, *never = key
        found = f"{plain(value)} stands as its label and as a number in {named(same)}"
        found += f", and {n - 1} other answers so" if n > 1 else ""
        found += "".join(f"; {plain(other)} stands nowhere" for other in never)
        return Problem(what, found, allowed, where, todo)

    stops, remarks = told
    return (
        [problem(*each, todo) for each in stops.items()],
        [problem(*each, asks) for each in remarks.items()][:1],
    )


@dataclass(frozen=True)
class Coding:
    """How one column of an export writes its answers.

    Attributes
    ----------
    answers : tuple of str
        Instrument and response set.
    label : str
        The column, for messages.
    where : str
        Export, population and wave.
    form : str
        The kind of file, by which tools are told apart.
    wave : str
        Population and wave.
    stored : mapping of float to int
        The instrument's number of each answer, by the code that the tool stores its label for.
    bare : frozenset of float
        Numbers that are read as the instrument's, where no label says what they mean.
    """

    answers: tuple[str, str]
    label: str
    where: str
    form: str = ""
    wave: str = ""
    stored: Mapping[float, int] = field(default_factory=dict)
    bare: frozenset[float] = frozenset()


def bare_beside_labels(codings: Sequence[Coding]) -> tuple[list[Problem], list[Problem]]:
    """Return what is said of numbers without labels, where labels elsewhere give them other senses.

    Labels of any column, file or wave that go against the instrument's numbers (turned, or from
    0) make the numbers of columns without labels uncertain, as far as they could be such codes.
    That stops in the same wave, and between files of one kind; a tool of another kind may number
    its answers as the instrument does, so there it is a warning.

    Returns
    -------
    problems, remarks : list of Problem

    Examples
    --------
    >>> turned = Coding(("mini", "agree3"), "q1", "pre.sav", stored={1: 3, 2: 2, 3: 1})
    >>> bare = Coding(("mini", "agree3"), "q1", "post.csv", bare=frozenset({1, 2, 3}))
    >>> print(bare_beside_labels([turned, bare])[0][0])
    numbers without labels that mean something else where they have labels
        where:   post.csv
        found:   numbers alone in q1; in pre.sav 1 of q1 has the label of 3
        allowed: numbers that have one meaning in all columns, files and waves
        to do:   export the labels of the answers here too
    """
    alone: dict[tuple[tuple[str, str], str], list[Coding]] = {}
    for each in codings:
        if each.bare:
            alone.setdefault((each.answers, each.where), []).append(each)
    problems, remarks = [], []
    for (answers, where), columns in alone.items():
        met = frozenset().union(*(column.bare for column in columns))
        first = columns[0]
        against = [
            (other.wave != first.wave and other.form != first.form, other, code, value)
            for other in codings
            if other.answers == answers
            and other.stored
            and min(other.stored) <= min(met) <= max(met) <= max(other.stored)
            for code, value in sorted(other.stored.items())
            if code != value
        ]
        against.sort(key=itemgetter(0))
        for of_another_tool, other, code, value in against[:1]:
            there = "here" if other.where == where else f"in {other.where}"
            found = f"numbers alone in {named([column.label for column in columns])}; {there} "
            found += f"{plain(code)} of {other.label} has the label of {value}"
            what = "numbers without labels that mean something else where they have labels"
            allowed = "numbers that have one meaning in all columns, files and waves"
            todo = "export the labels of the answers here too"
            if of_another_tool:
                todo += ", or make sure that these numbers are those of the instrument"
                remarks.append(Problem(f"warning: {what}", found, allowed, where, todo))
            else:
                problems.append(Problem(what, found, allowed, where, todo))
    return problems, remarks


def thousands(
    column: str, texts: Iterable[str], low: float, high: float, where: str
) -> list[Problem]:
    """Return a problem where scores seem to have a sign for thousands, which is read as decimal.

    They have up to three digits, the sign and three digits; others of the column are whole numbers
    from 100 on, and none has the sign before more or fewer decimals.

    Examples
    --------
    >>> thousands("score", ["950", "1,234"], 0, 2000, "pre.csv")[0].found
    '1 different numbers of the form 1,234 beside whole numbers from 100 on in score'
    >>> thousands("score", ["950", "1.234", "987.5"], 0, 2000, "pre.csv")
    []
    """
    bare = [text.strip().lstrip("+-\N{MINUS SIGN}") for text in texts if number(text)]
    if not any(text.isdecimal() and int(text) >= 100 for text in bare):
        return []
    problems = []
    for sign in ".,":
        others = [text for text in bare if sign in text]
        values = [float(text.replace(sign, "")) for text in others if _THOUSANDS.fullmatch(text)]
        if not values or len(values) < len(others):
            continue
        if min(values) >= 100_000 and not any(low <= value <= high for value in values):
            continue  # 512.125 beside 498, on a scale to 800
        found = f"{len(values)} different numbers of the form 1{sign}234 beside whole numbers from "
        what, found = "scores with a sign for thousands", f"{found}100 on in {column}"
        todo = f"write 1234 for 1{sign}234; where the sign begins decimals, write them in every "
        allowed = "numbers without a sign for thousands"
        problems.append(Problem(what, found, allowed, where, f"{todo}cell"))
    return problems


def tellable(code: float) -> bool:
    """Return whether a code may be shown: of few digits, or of one digit again and again.

    Examples
    --------
    >>> [tellable(code) for code in (27, -99, 9999, 4711, 3.25, 3.14159)]
    [True, True, True, False, True, False]
    """
    digits = re.sub(r"[^0-9]", "", f"{code:.15g}")
    return len(digits) <= 3 or len({*digits}) == 1


def canonical(code: str) -> str:
    """Return a code as whole numbers are written: without decimals and leading zeros.

    Examples
    --------
    >>> canonical("4.0"), canonical(" 04"), canonical("A1")
    ('4', '4', 'A1')
    """
    value = number(code)
    return code.strip() if value is None else plain(value)


def plain(value: float) -> str:
    """Return a number without needless decimals."""
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def span(low: float, high: float) -> str:
    """Return the two ends of a range.

    Examples
    --------
    >>> span(0, 4), span(-9, 5)
    ('0–4', '-9 to 5')
    """
    return f"{plain(low)}{' to ' if low < 0 else '–'}{plain(high)}"


def times(n: int) -> str:
    """Return how often."""
    return f"{n} time" if n == 1 else f"{n} times"
