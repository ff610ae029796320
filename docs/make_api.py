"""Write docs/api.md from the docstrings of the public names: ``make api``."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import loftet_analysis as la
from loftet_analysis import schema

PAGE = Path(__file__).with_name("api.md")
#: Methods of an open study and of the menus, which are used in notebooks as much as the names.
METHODS = {
    "open_study": (
        "read", "plan", "show", "keep", "about", "results", "table", "response",
        "response_by_school", "linkage", "invariance", "lights", "wordings",
    ),
    "explorer": ("look", "choices", "code", "planner"),
    "start": ("look",),
}  # fmt: skip
HEAD = """\
# The public names

Made from the docstrings by `make api`; do not edit. A notebook writes `import loftet_analysis as
la`, and `help(la.pairs)` says there what stands here. `schema.EFFECTS` and the like are lists of
columns; they stand [at the end](#columns-of-the-results), with what each column means.
`la.describe(frame)` says the same of a frame.
"""


def signature(name: str, function: Callable) -> str:
    """Return the parameters without their types, which stand below."""
    parameters = []
    for each in inspect.signature(function).parameters.values():
        if each.name != "self":
            parameters.append(each.replace(annotation=inspect.Parameter.empty))
    return f"{name}{inspect.Signature(parameters)}"


def markdown(docstring: str) -> str:
    """Return a numpydoc docstring as Markdown: sections, parameters as a list, examples as code."""
    text = re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"`\1`", docstring).replace("``", "`")
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    written = [parts[0].strip()]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title == "Examples":
            body = re.sub(r"((?:^.+$\n?)+)", _fenced, body, flags=re.MULTILINE)
        elif title not in ("References", "See Also", "Notes"):
            body = "\n".join(_listed(body))
        written.append(f"**{title}**\n\n{body.strip()}")
    return "\n\n".join(written)


def _fenced(block: re.Match) -> str:
    is_code = block[0].startswith(">>>")
    return f"```python\n{block[0].rstrip()}\n```\n" if is_code else block[0]


def _listed(body: str) -> Iterator[str]:
    for line in body.splitlines():
        name, colon, kind = line.partition(" : ")
        if line and not line.startswith(" "):
            yield f"- `{name}`: {kind}" if colon else f"- `{name}`"
        elif line:
            yield f"  {line.strip()}"


def entry(name: str, function: Callable, *, level: int = 3) -> str:
    """Return a public name's heading, signature and docstring."""
    title = f"{'#' * level} `{name}`"
    return "\n\n".join(
        [
            title,
            f"```python\n{signature(name, function)}\n```",
            markdown(inspect.getdoc(function) or ""),
        ]
    )


def functions(module: ModuleType) -> dict[str, Callable]:
    """Return the public functions of a module: those that it names, else those it defines."""
    named = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    found = {name: getattr(module, name) for name in named}
    return {
        name: each
        for name, each in found.items()
        if inspect.isfunction(each)
        and (hasattr(module, "__all__") or each.__module__ == module.__name__)
    }


def one_line_each(title: str, module: ModuleType) -> str:
    """Return a module's functions with the first line of each docstring."""
    lines = [
        f"- `{title}.{name}`: {markdown(inspect.getdoc(each) or '').splitlines()[0]}"
        for name, each in functions(module).items()
    ]
    return "\n".join(lines)


def columns() -> str:
    """Return which columns each table of results has, and what each column means."""
    tables = [
        f"- `schema.{name}`: {', '.join(f'`{column}`' for column in value)}"
        for name, value in vars(schema).items()
        if name.isupper() and isinstance(value, tuple) and len(value) > 4
    ]
    lines = [
        f"| `{name}` | {column.kind} | {column.meaning.replace('|', ' ')} |"
        for name, column in schema.COLUMNS.items()
    ]
    return "\n".join([*tables, "", "| column | type | meaning |", "|---|---|---|", *lines])


def page() -> str:
    """Return the whole page."""
    parts = [HEAD.rstrip(), "## `import loftet_analysis as la`"]
    for name in la._NAMES:
        parts.append(entry(f"la.{name}", getattr(la, name)))
        if name in METHODS:
            kind = inspect.get_annotations(getattr(la, name), eval_str=True)["return"]
            owner = {"open_study": "study"}.get(name, name)
            parts += [
                entry(f"{owner}.{method}", getattr(kind, method), level=4)
                for method in METHODS[name]
            ]
    for name in la._MODULES:
        module = getattr(la, name)
        about = (inspect.getdoc(module) or "").split("\n\n")[0]
        parts += [f"## `la.{name}`", markdown(about)]
        parts.append(one_line_each(f"la.{name}", module))
        for inner in getattr(module, "__all__", ()):
            if inspect.ismodule(getattr(module, inner)):
                title = f"la.{name}.{inner}"
                parts.append(one_line_each(title, getattr(module, inner)))
    parts += ["## Columns of the results", columns()]
    return "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
