"""Exports that look right and are read wrongly, or look wrong and are right: by kind.

Every module of this package has ``KINDS``: kind → name → :class:`Case`. The folders below
``given/`` are whole small studies; other cases are made from text. A case is a study, what
``loftet check`` says of it, and the clean data that it must become.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

GIVEN = Path(__file__).parent / "given"
INSTRUMENT = (GIVEN / "att_false" / "instruments" / "mini.yml").read_text(encoding="utf-8")
SCHOOLS = (GIVEN / "att_false" / "schools.csv").read_text(encoding="utf-8")
STUDY = """\
title: {{en: Mini}}
languages: [en]
disclosure: open
waves:
  pre: {{from: 2025-09-15, to: 2025-10-31}}
  post: {{from: 2027-09-13, to: 2027-10-29}}
{top}populations:
  {population}:
    instrument: mini
    columns: {columns}
    link: {link}
{more}    files:
{files}
"""


def study(
    *files: str,
    columns: str = "{school_id: school}",
    link: str = "{by: id, column: id}",
    population: str = "pupils",
    top: str = "",
    more: str = "",
) -> str:
    """Return a study.yml; `files` are lines such as ``pre: {file: pre.csv}``."""
    lines = "\n".join(f"      {line}" for line in files or ("pre: {tool: table, file: pre.csv}",))
    top, more = (text + "\n" if text and not text.endswith("\n") else text for text in (top, more))
    return STUDY.format(
        population=population, columns=columns, link=link, top=top, more=more, files=lines
    )


@dataclass(frozen=True)
class Case:
    """One input and the truth about it.

    Attributes
    ----------
    files : mapping of str to (str or bytes)
        Below the study's folder, by name; texts are written in UTF-8.
    stops : bool
        Whether ``check`` and ``clean`` refuse it with exit code 2.
    says : tuple of str
        What ``check`` must print, in a message or in the account.
    hides : tuple of str
        What it must not print: ids, codes, free text.
    values : mapping of str to sequence
        Columns of the clean data of the one population that has any; rows as they stand there
        (by region, school and wave); None is missing.
    aside : mapping of str to int, or None
        All sheets that were set aside or only counted, by reason; not looked at where None.
    linked : int or None
        How many people have sheets in several waves.
    """

    files: Mapping[str, str | bytes]
    stops: bool = False
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)
    aside: Mapping[str, int] | None = None
    linked: int | None = None

    def but(self, **changes: str | bytes) -> Case:
        """Return the case with other files; a keyword ``pre_csv`` is the file ``pre.csv``."""
        files = {name.replace("_csv", ".csv").replace("_yml", ".yml"): text
                 for name, text in changes.items()}  # fmt: skip
        return replace(self, files={**self.files, **files})


def case(files: Mapping[str, str | bytes], **truth: object) -> Case:
    """Return a case; study.yml, register and instrument are the plain ones where not given."""
    plain = {
        "study.yml": study(),
        "schools.csv": SCHOOLS,
        "instruments/mini.yml": INSTRUMENT,
    }
    return Case({**plain, **files}, **truth)


def given(name: str, files: Mapping[str, str | bytes] | None = None, **truth: object) -> Case:
    """Return the case of a folder below ``given/``, with some files replaced."""
    folder = GIVEN / name
    there = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return Case({**there, **(files or {})}, **truth)
