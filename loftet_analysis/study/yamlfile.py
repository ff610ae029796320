"""Read YAML with every scalar as text, keep the line numbers, and say what is wrong where."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from loftet_analysis import paths
from loftet_analysis.errors import InputError, Problem

# Keys that the reader puts in (a name, a loaded table) begin with it: no file holds such a key.
INJECTED = "<"
#: Bytes of a file, entries of one list or mapping of it, and lists and mappings in one another.
LARGEST, LONGEST, DEEPEST = 300_000, 2_000, 20

# more than a sign of the file, which may be any
_QUOTED = re.compile(r"(['\"]).{2,}?\1")
_ALLOWED = {
    "bool": "yes or no",
    "date": "a date such as 2025-09-15",
    "dict": "keys with values below them",
    "float": "a number, with a decimal point",
    "int": "a whole number",
    "model": "keys with values below them",
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "letters a-z, digits and _, beginning with a letter",
    "tuple": "a list",
}


class Described(BaseModel):
    """Base of everything that a YAML file describes: frozen, and no unknown key passes."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    more_keys: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the keys that may be written in the file for this part."""
        own = (field.alias or name for name, field in cls.model_fields.items())
        return (*cls.more_keys, *(key for key in own if not key.startswith(INJECTED)))

    def changed(self, **changes: object) -> Self:
        """Return a copy with other values, which are not checked."""
        copy = self.model_copy(update=changes)
        for name in {*vars(copy)} - {*type(self).model_fields}:  # what was computed from the old
            vars(copy).pop(name)
        return copy


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Lines = Annotated[
    tuple[Line, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
]
AnyModel = TypeVar("AnyModel", bound=Described)
Steps = Iterable[str | int]


def name_by_key(given: object) -> object:
    """Hand each entry of a mapping the key that it stands under, as its name."""
    if not isinstance(given, dict):
        return given
    return {k: {**v, "<name>": k} if isinstance(v, dict) else v for k, v in given.items()}


def wrong(what: str, found: object, allowed: str, todo: str = "") -> PydanticCustomError:
    """Return the error that a validator raises; it comes out as a Problem with its line."""
    context = {"what": what, "found": str(found), "allowed": allowed, "todo": todo}
    return PydanticCustomError("described", "{what}", context)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return the question that names the nearest choices, or nothing where none is near.

    Examples
    --------
    >>> did_you_mean("colums", ["columns", "link"])
    'did you mean columns?'
    >>> did_you_mean("svært uenig", ["helt uenig", "litt uenig", "helt enig"])
    'did you mean helt uenig or litt uenig?'
    >>> did_you_mean("zebra", ["columns", "link"])
    ''
    """
    near = nearest(word, choices)
    return f"did you mean {' or '.join(near)}?" if near else ""


#: Of the signs of two names, for them to be perhaps one.
RESEMBLES = 0.85


def nearest(word: str, choices: Iterable[str], least: float = 0.6) -> list[str]:
    """Return the choices that resemble a word most: several where they do so equally, or none.

    `least` is the share of signs that they have in common (difflib's ratio).

    Examples
    --------
    >>> nearest("Vikene skole", ["Viken skole", "Vik skole"])
    ['Viken skole']
    """
    spellings = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(word.casefold(), spellings, max(len(spellings), 1), least)
    alike = difflib.SequenceMatcher(b=word.casefold())

    def likeness(text: str) -> float:
        alike.set_seq1(text)
        return alike.ratio()

    best = likeness(close[0]) if close else 0
    return [spelt for text, spelt in spellings.items() if text in close and likeness(text) == best]


def shown(path: Path) -> str:
    """Return a path as messages show it: from the project's root where it lies below it."""
    try:
        return path.relative_to(paths.root()).as_posix()
    except (InputError, ValueError):
        return str(path)


@dataclass(frozen=True)
class Document:
    """A YAML file as read.

    Attributes
    ----------
    path : Path
        The file.
    content : dict
        Mappings, lists and texts; an empty value or ``~`` is None; no other type is guessed.
    lines : dict of tuple to int
        The line (from 1) of each key or entry, by the steps that lead to it.
    problems : list of Problem
        What is wrong: keys that stand twice (the first of each is the one in ``content``), and
        whatever validation and checks report.
    """

    path: Path
    content: dict = field(default_factory=dict)
    lines: dict[tuple[str | int, ...], int] = field(default_factory=lambda: {(): 1})
    problems: list[Problem] = field(default_factory=list)

    def nearest(self, steps: Steps) -> tuple[str | int, ...]:
        """Return the steps to the nearest node on the way that the given steps describe.

        Steps that the file does not hold are passed over; a step may also stand beside the
        node reached (one wide file is described once for all waves). What the reader took from
        under a key (``<waves>``) stands there.
        """
        known: tuple[str | int, ...] = ()
        for given in steps:
            step = given.strip("<>") if isinstance(given, str) else given
            ways = ((*known, step), (*known[:-1], step))
            known = next((way for way in ways if way in self.lines), known)
        return known

    def where(self, *steps: str | int) -> str:
        """Return file and line of the nearest node on the way that the steps describe."""
        return self.at(self.lines[self.nearest(steps)])

    def at(self, line: int) -> str:
        """Return file and line as messages show them."""
        return f"{shown(self.path)}, line {line}"

    def report(
        self, steps: Steps, what: str, found: str = "", allowed: str = "", todo: str = ""
    ) -> None:
        """Add a problem of what the steps lead to."""
        self.problems.append(Problem(what, found, allowed, self.where(*steps), todo))

    def expect(
        self, steps: Steps, what: str, found: str, known: Iterable[str], todo: str = ""
    ) -> None:
        """Report a name that is none of those known; the nearest one is its remedy."""
        known = tuple(known)
        if found not in known:
            allowed = ", ".join(known) or "none"
            self.report(steps, what, found, allowed, did_you_mean(found, known) or todo)


def read_yaml(path: Path) -> Document:
    r"""Read a YAML file whose top is a mapping.

    Parameters
    ----------
    path : Path
        A UTF-8 file.

    Raises
    ------
    InputError
        Where the file is missing, not UTF-8, not YAML, not a mapping, larger than `LARGEST`, or
        nested more deeply than `DEEPEST`.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.yml"
    >>> _ = file.write_text("school: 0301\nlanguages:\n  - No\n")
    >>> document = read_yaml(file)
    >>> document.content, document.lines["languages", 0]
    ({'school': '0301', 'languages': ['No']}, 3)
    """
    document = Document(path)
    try:
        if (size := path.stat().st_size) > LARGEST:
            allowed, todo = f"at most {LARGEST:,} bytes", "look whether this is the file"
            found = f"{size:,} bytes"
            raise InputError("larger than any description", found, allowed, shown(path), todo)
        node = _compose(path.read_text(encoding="utf-8-sig"))
    except _TooDeep as error:
        where, allowed = document.at(error.problem_mark.line + 1), f"at most {DEEPEST} levels"
        found, todo = "more levels", "look whether this is the file"
        raise InputError("nested too deeply", found, allowed, where, todo) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found, where = str(error.problem or error.context), document.at(mark.line + 1)
        found = _QUOTED.sub("…", found)
        todo = "look at the indentation, colons and quotes of this line and the one above"
        allowed = "key: value, indented by spaces"
        raise InputError("not valid YAML", found, allowed, where, todo) from None
    except (YAMLError, ValueError) as error:
        found, allowed = str(error).splitlines()[0], "a text file in UTF-8"
        raise InputError("not readable as text", found, allowed, shown(path)) from None
    except OSError as error:
        raise InputError("cannot be read", str(error.strerror), where=shown(path)) from None
    if not isinstance(node, MappingNode):
        found = "an empty file" if node is None else "no keys at the top"
        raise InputError("nothing described", found, _ALLOWED["dict"], document.where())
    document.content.update(_plain(node, (), document, set()))
    return document


class _TooDeep(MarkedYAMLError):
    """Lists and mappings stand in one another beyond any description."""


class _Composer(Composer):
    """ruamel's composer, which calls itself once for each level, but not for ever."""

    _levels = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        if self._levels > DEEPEST:
            raise _TooDeep(problem_mark=self.parser.peek_event().start_mark)
        self._levels += 1
        node = super().compose_node(parent, index)
        self._levels -= 1
        return node


@lru_cache(maxsize=8)  # a study and its instruments are read by every page of it
def _compose(text: str) -> Node | None:
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer = _Composer
    return yaml.compose(text)


def _plain(node: Node, steps: tuple, document: Document, seen: set[int]) -> Any:
    """Return a node as mappings, lists and texts; the document's lines and problems grow."""
    if isinstance(node, ScalarNode):
        if "\0" in node.value:
            where = document.at(node.start_mark.line + 1)
            document.problems.append(Problem("a text with a NUL", repr(node.value), where=where))
            return node.value.replace("\0", "")
        return None if node.style is None and node.value in ("", "~") else node.value
    if id(node) in seen:
        document.report(steps, "a part repeated by *", todo="write it out")
        return None
    seen.add(id(node))
    if len(node.value) > LONGEST:
        found, allowed = f"{len(node.value):,} entries", f"at most {LONGEST:,}"
        document.report(steps, "more entries than any description has", found, allowed)
        return {} if isinstance(node, MappingNode) else []
    if not isinstance(node, MappingNode):
        for index, entry in enumerate(node.value):
            document.lines[*steps, index] = entry.start_mark.line + 1
        return [_plain(e, (*steps, i), document, seen) for i, e in enumerate(node.value)]
    mapping: dict[str, object] = {}
    for key_node, entry in node.value:
        line, key = key_node.start_mark.line + 1, key_node.value
        if not isinstance(key_node, ScalarNode):
            where = document.at(line)
            document.problems.append(Problem("a key that is not a text", where=where))
        elif key in mapping:
            found, where = f"{key} (first in line {document.lines[*steps, key]})", document.at(line)
            document.problems.append(Problem("duplicate key", found, "each key once", where))
        else:
            document.lines[*steps, key] = line
            mapping[key] = _plain(entry, (*steps, key), document, seen)
    return mapping


def validated(model: type[AnyModel], content: dict, document: Document) -> AnyModel | None:
    """Return the model that the content describes; what is wrong with it is reported.

    Where misspelt keys and choices are all that is wrong the model is returned too, as it was
    probably meant, so that the checks after this one can tell their problems in one message.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        errors = sorted(error.errors(), key=lambda e: document.lines[document.nearest(e["loc"])])
    refused = {e["loc"][:-1] for e in errors if e["loc"][-1:] == ("[key]",)}
    for details in errors:
        if details["loc"] not in refused:
            _report(details, model, document)
    try:
        return model.model_validate(_as_meant(content, errors, model, document))
    except ValidationError:
        return None


def _as_meant(
    content: dict, errors: list[ErrorDetails], model: type[Described], document: Document
) -> dict:
    """Return the content with the nearest known key or choice in place of an unknown one."""
    meant = deepcopy(content)
    for details in errors:
        *way, last = document.nearest(details["loc"]) or ("",)
        choices = _choices(details, model)
        if not choices or last != details["loc"][-1]:
            continue
        part = reduce(getitem, way, meant)
        if details["type"] == "literal_error":
            part[last] = next(iter(nearest(str(part[last]), choices)), choices[0])
        elif last in part:
            near, value = nearest(str(last), choices), part.pop(last)
            if near:
                part.setdefault(near[0], value)
    return meant


def _choices(details: ErrorDetails, model: type[Described]) -> Sequence[str]:
    """Return the keys that a part may have, or the values that a choice may be, else nothing."""
    if details["type"] == "extra_forbidden":
        return _model_at(model, details["loc"][:-1]).keys()
    # pydantic's words: "'a', 'b' or 'c'"
    literal = details["type"] == "literal_error"
    return re.findall(r"'([^']*)'", details["ctx"]["expected"]) if literal else ()


def _report(details: ErrorDetails, model: type[Described], document: Document) -> None:
    """Report what pydantic found: what is allowed, and the nearest match."""
    kind, loc = details["type"], details["loc"]
    path = ".".join(map(str, document.nearest(loc)))
    if kind == "described":
        return document.report(loc, **details["ctx"])
    if kind == "missing":
        key = f"{path}.{loc[-1]}".removeprefix(".")
        return document.report(loc, f"missing key: {key}", todo=f"add {loc[-1]}")
    if kind == "extra_forbidden":
        return document.expect(loc, f"unknown key: {path}", str(loc[-1]), _choices(details, model))
    what, found = f"wrong value for {path}", _seen(details["input"])
    if kind == "literal_error":
        return document.expect(loc, what, found, _choices(details, model))
    told = details["msg"].removeprefix("Input should be ")
    allowed = _ALLOWED.get(kind) or _ALLOWED.get(kind.split("_")[0]) or told
    if kind == "too_short":
        allowed = f"at least {details['ctx']['min_length']}"
    return document.report(loc, what, found, allowed)


def _seen(value: object) -> str:
    if isinstance(value, dict):
        keys = [str(key) for key in value if not str(key).startswith(INJECTED)]
        return "keys: " + ", ".join(keys)
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "nothing" if value is None or value == "" else str(value)


def _model_at(model: object, loc: Sequence[str | int]) -> type[Described]:
    """Return the model that stands at the end of a location."""
    for step in loc:
        kind = _bare(model)
        if isinstance(kind, type) and issubclass(kind, Described):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            model = fields[str(step)].annotation
        else:
            model = get_args(kind)[-1 if get_origin(kind) is dict else 0]
    return _bare(model)


def _bare(kind: Any) -> Any:
    """Return a type without Annotated and without the None that it may also be."""
    while get_origin(kind) in (Annotated, Union, types.UnionType):
        kind = next(arg for arg in get_args(kind) if arg is not type(None))
    return kind
