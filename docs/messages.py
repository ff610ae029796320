"""Every message that the software can give, found in its sources.

A message is what stands in a call that makes one: ``Problem``, ``InputError``, ``report`` and the
like. What is only known when it happens is … in its text.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import loftet_analysis

PACKAGE = Path(loftet_analysis.__file__).parent
OPEN = "…"
_TEXTS = ("what", "found", "allowed", "todo")
#: Calls that make a message, and what their arguments are.
_MAKERS = {
    "Problem": ("what", "found", "allowed", "where", "todo"),
    "InputError": ("what", "found", "allowed", "where", "todo"),
    "NoRowYetError": ("what", "found", "allowed", "where", "todo"),
    "refuse": _TEXTS,
    "wrong": _TEXTS,
    "report": ("steps", *_TEXTS),
    "expect": ("steps", "what", "found", "known", "todo"),
    "LoftetError": ("what",),
    "DisclosureError": ("what",),
}
_NEAREST = "did you mean …?"
_DEEPEST = 8  # names and functions through which a text is followed


@dataclass(frozen=True, order=True)
class Message:
    """One message: the part of the library that gives it, and its texts."""

    part: str
    what: str
    allowed: str = ""
    todo: str = ""

    def fits(self, text: str) -> bool:
        """Return whether a text that was told may be this message's `what`."""
        pieces = map(re.escape, self.what.split(OPEN))
        return re.fullmatch(".*?".join(pieces), text, flags=re.DOTALL) is not None


@cache
def messages() -> list[Message]:
    """Return every message, by the part of the library that gives it."""
    return sorted(set(_Sources().messages()))


class _Module:
    """A module, and what stands around each of its nodes."""

    def __init__(self, path: Path) -> None:
        folders = path.relative_to(PACKAGE).parts[:-1]
        self.part = folders[0] if folders else ""
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        #: By scope and name: the statements that give it a value, and the values.
        self.values: dict[tuple[ast.AST, str], dict[ast.AST, list[ast.AST | None]]] = {}
        for statement, name, value in _written(self.tree):
            scope = self.function_of(statement)
            self.values.setdefault((scope, name), {}).setdefault(statement, []).append(value)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield a node and what it stands in, from the inside."""
        while node in self.parents:
            yield node
            node = self.parents[node]
        yield self.tree

    def function_of(self, node: ast.AST) -> ast.AST:
        """Return the function around a node, or the module."""
        scopes = ast.FunctionDef | ast.Module
        return next(each for each in self.around(self.parents[node]) if isinstance(each, scopes))

    def returned(self, name: str) -> list[ast.AST]:
        """Return what a function of the module can return."""
        functions = [each for each in ast.walk(self.tree) if getattr(each, "name", "") == name]
        inside = [node for each in functions for node in ast.walk(each)]
        return [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]


@dataclass(frozen=True)
class Placed:
    """An expression, the module in which it stands, and what is handed to its function."""

    node: ast.AST
    module: _Module
    handed: Mapping[str, Placed] = field(default_factory=dict)
    depth: int = 0


class _Sources:
    def __init__(self) -> None:
        self.modules = [_Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
        self.calls: dict[str, list[tuple[ast.Call, _Module]]] = {}
        for module in self.modules:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call):
                    self.calls.setdefault(_called(node), []).append((node, module))

    def messages(self) -> Iterator[Message]:
        for maker, parts in _MAKERS.items():
            for call, module in self.calls.get(maker, []):
                if getattr(module.function_of(call), "name", "") in _MAKERS:
                    continue
                given = dict(zip(parts, call.args, strict=False))
                given |= {k.arg: k.value for k in call.keywords}
                placed = {p: Placed(given[p], module) for p in _TEXTS if p in given}
                for texts in self._by_caller(placed):
                    told = {part: [*_told(self.texts(each))] for part, each in texts.items()}
                    rest = {p: " / ".join(told[p]) for p in ("allowed", "todo") if p in told}
                    for what in told.get("what", ()):
                        yield Message(module.part, what, **rest)

    def _by_caller(self, given: Mapping[str, Placed], depth: int = 0) -> Iterator[dict]:
        """Yield the texts of a message; once for each caller where these hand them in."""
        what = given.get("what")
        function = what.module.function_of(what.node) if what else None
        names = {n.id for n in ast.walk(what.node) if isinstance(n, ast.Name)} if what else set()
        own = [name for name in _parameters(function) if name in names]
        if not own or depth > _DEEPEST or any(_told(self.texts(what))):
            yield dict(given)
            return
        for call, caller in self.calls.get(function.name, []):
            if function.name.startswith("_") and caller is not what.module:
                continue
            named = [name for name in _parameters(function) if name not in ("self", "cls")]
            handed = dict(zip(named, call.args, strict=False))
            handed |= {k.arg: k.value for k in call.keywords}
            placed = {name: Placed(node, caller) for name, node in handed.items()}
            inside = {part: replace(each, handed=placed) for part, each in given.items()}
            bare = getattr(what.node, "id", "")
            if bare in placed:  # what is handed in may be handed to the caller too
                inside = {
                    part: placed.get(getattr(each.node, "id", ""), inside[part])
                    for part, each in given.items()
                }
                yield from self._by_caller(inside, depth + 1)
            else:
                yield inside

    def texts(self, given: Placed) -> Iterator[str]:
        """Yield the texts that an expression can come to."""
        several: list[ast.AST | None] = []
        match given.node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=values):
                yield from self._joined(values, given)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._joined([left, right], given)
            case ast.FormattedValue(value=value):
                several = [value]
            case ast.IfExp(body=body, orelse=other):
                several = [body, other]
            case ast.BoolOp(values=values) | ast.Subscript(value=ast.Dict(values=values)):
                several = values
            case ast.Call() as call if _called(call) == "did_you_mean":
                yield _NEAREST
            case ast.Call(func=ast.Name(id=name)) if name.startswith("_"):
                several = given.module.returned(name) or [None]
            case ast.Name(id=name) if name in given.handed:
                yield from self.texts(given.handed[name])
            case ast.Name(id=name):
                several = [*_assigned(name, given.node, given.module)] or [None]
            case _:
                several = [None]
        for node in several:
            if node is None or given.depth > _DEEPEST:
                yield OPEN
            else:
                yield from self.texts(replace(given, node=node, depth=given.depth + 1))

    def _joined(self, nodes: list[ast.AST], given: Placed) -> Iterator[str]:
        """Yield the texts of parts in a row; a part that may be one of many is left open."""
        written = [""]
        for node in nodes:
            some = [*dict.fromkeys(self.texts(replace(given, node=node)))]
            some = some if len(some) <= 3 else [OPEN]
            written = [start + each for start in written for each in some]
        yield from written


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _parameters(function: ast.AST | None) -> list[str]:
    given = getattr(function, "args", None)
    return [a.arg for a in (*given.args, *given.kwonlyargs)] if given else []


def _assigned(name: str, node: ast.AST, module: _Module) -> Iterator[ast.AST | None]:
    """Yield the values that a name may have at a node; None for one that cannot be read."""
    function, around = module.function_of(node), [*module.around(node)]
    scopes = [each for each in around if (each, name) in module.values]
    if name in _parameters(function):
        yield None
        scopes = [each for each in scopes if each is function]
    found = module.values[scopes[0], name] if scopes else {}
    for statement in sorted(found, key=lambda each: -getattr(each, "lineno", 0)):
        loop = hasattr(statement, "iter")
        # a value is not made of itself, nor of what comes later
        is_later = scopes[0] is function and not loop and statement.lineno > node.lineno
        if is_later or (statement in around and not loop):
            continue
        if any(_excluded(each, statement, {*around}, module) for each in around):
            continue
        yield from found[statement]
        if any(statement in block and {*around} & {*block} for block in _blocks(module, statement)):
            return  # whatever stood before is gone


def _written(tree: ast.AST) -> Iterator[tuple[ast.AST, str, ast.AST | None]]:
    """Yield every statement that gives a name a value, the name, and the value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets, values = getattr(node, "targets", None) or [node.target], [node.value]
        elif isinstance(node, ast.AugAssign):  # what it was, and what is added
            targets, values = [node.target], [ast.BinOp(node.target, node.op, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            targets, values = [node.target], [*_taken(node.iter, tree)]
        else:
            continue
        for target, value in itertools.product(targets, values):
            for one, its in _pairs(target, value):
                if isinstance(one, ast.Name):
                    yield node, one.id, its


def _taken(given: ast.AST, tree: ast.AST) -> Iterator[ast.AST | None]:
    """Yield the values that a loop takes: of a list, or of a mapping that the module writes."""
    match given:
        case ast.Tuple(elts=values) | ast.List(elts=values):
            yield from values
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="items")):
            for node in ast.walk(tree):
                match node:
                    case ast.Assign(targets=[ast.Name(id=its)], value=ast.Dict() as written):
                        entries = zip(written.keys, written.values, strict=True)
                    case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=its), slice=key)]):
                        entries = [(key, node.value)]
                    case _:
                        continue
                if its == name:
                    yield from (ast.Tuple([*entry]) for entry in entries)
        case _:
            yield None


def _pairs(target: ast.AST, value: ast.AST | None) -> Iterator[tuple]:
    """Yield each name of a target with its value."""
    if isinstance(value, ast.IfExp):
        yield from _pairs(target, value.body)
        yield from _pairs(target, value.orelse)
    elif isinstance(target, ast.Tuple):
        parts = getattr(value, "elts", [None] * len(target.elts))
        for one, its in zip(target.elts, parts, strict=False):
            yield from _pairs(one, its)
    else:
        yield target, value


def _blocks(module: _Module, statement: ast.AST) -> Iterator[list[ast.AST]]:
    parent = module.parents.get(statement)
    for name in ("body", "orelse", "finalbody", "generators"):
        block = getattr(parent, name, None)
        if isinstance(block, list):
            yield block


def _excluded(branching: ast.AST, statement: ast.AST, around: set, module: _Module) -> bool:
    """Return whether a statement stands in another branch of an `if` than a node does."""
    if not isinstance(branching, ast.If):
        return False
    its = {*module.around(statement)}
    ways = (branching.body, branching.orelse)
    here = [bool(around & {*way}) for way in ways]
    there = [bool(its & {*way}) for way in ways]
    return any(here) and any(there) and here != there


def _told(texts: Iterator[str]) -> Iterator[str]:
    """Yield texts that say something, each once and in one form."""
    for text in dict.fromkeys(re.sub(rf"{OPEN}(?:,? ?{OPEN})+", OPEN, each) for each in texts):
        if re.search(r"\w{2}", text):
            yield " ".join(text.split())
