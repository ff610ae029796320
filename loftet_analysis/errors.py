"""The exceptions of the project, and the one form in which a problem is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what a person gave us.

    Attributes
    ----------
    what : str
        What is wrong, in a few words.
    found : str
        What stands there now.
    allowed : str
        What may stand there.
    where : str
        File, and line, column or questionnaire where it has one.
    todo : str
        What to do about it.

    Examples
    --------
    >>> print(Problem("unknown region", "oslo2", "oslo, nordland", "study.yml, line 3"))
    unknown region
        where:   study.yml, line 3
        found:   oslo2
        allowed: oslo, nordland
    """

    what: str
    found: str = ""
    allowed: str = ""
    where: str = ""
    todo: str = ""

    def __str__(self) -> str:
        """Return the problem as an indented block, leaving out what is empty."""
        rows = {
            "where": self.where,
            "found": self.found,
            "allowed": self.allowed,
            "to do": self.todo,
        }
        lines = [f"    {label + ':':8} {text}" for label, text in rows.items() if text]
        below = "\n" + 13 * " "
        return "\n".join([self.what, *(line.replace("\n", below) for line in lines)])


class LoftetError(Exception):
    """The base of every exception that the project raises on purpose."""


class InputError(LoftetError):
    """What a person gave us cannot be used; carries all problems at once.

    Parameters
    ----------
    problems : iterable of Problem, Problem or str
        At least one; shown in the order given, each only once. Of a single one also the text of
        `what`, followed by the rest of the problem.
    *details, **named
        The rest of a single problem.

    Examples
    --------
    >>> raise InputError("empty file", where="pupils.csv")
    Traceback (most recent call last):
    loftet_analysis.errors.InputError: empty file
        where:   pupils.csv
    """

    def __init__(
        self, problems: Problem | Iterable[Problem] | str, *details: str, **named: str
    ) -> None:
        if isinstance(problems, str):
            problems = Problem(problems, *details, **named)
        given = [problems] if isinstance(problems, Problem) else problems
        self.problems: tuple[Problem, ...] = tuple(dict.fromkeys(given))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """Let the error cross from a worker process with its problems whole."""
        return type(self), (self.problems,)


def once_each(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems of which those that differ in their place alone are one, with all places.

    Examples
    --------
    >>> lacking = [Problem("no column", "Skole", where=file) for file in ("pre.csv", "post.csv")]
    >>> [problem.where for problem in once_each(lacking)]
    ['pre.csv; post.csv']
    """
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(replace(problem, where=""), []).append(problem.where)
    return [replace(same, where="; ".join(dict.fromkeys(at))) for same, at in places.items()]


def refuse_any(problems: Iterable[Problem]) -> None:
    """Raise an `InputError` of all problems, where there are any."""
    if problems := tuple(problems):
        raise InputError(problems)


class DisclosureError(LoftetError):
    """Something was about to be published that the disclosure mask does not hold."""


def at_rows(numbers: Iterable[int]) -> str:
    """Return the first of the numbers that a spreadsheet shows beside rows, for a message.

    Examples
    --------
    >>> at_rows([2, 5])
    'rows 2, 5'
    """
    return "rows " + ", ".join(map(str, islice(numbers, 5)))


def named(texts: Sequence[str], most: int = 4) -> str:
    """Return the first of some names for a message, and how many more there are.

    Examples
    --------
    >>> named(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
