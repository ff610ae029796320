"""The school register of a study, and the slugs of its regions."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import Problem
from loftet_analysis.study.instrument import normalise_label
from loftet_analysis.study.yamlfile import did_you_mean, shown

REGION_NAME = "region_name"
PROGRAMME, COMPARISON = "programme", "comparison"
REQUIRED = ("school_id", "school", "region")
KNOWN = (*REQUIRED, "grades", "role", "municipality", "earlier")
_COUNT = r"\d{1,9}"
INVITED = "invited_"
LAST_GRADE = 10


def slug(name: str) -> str:
    """Return the short form of a region's name, as in paths and tables.

    The part before " - " (the first of an official name in several languages), in lower case
    ASCII, with a hyphen for everything else.

    Examples
    --------
    >>> slug("Troms - Romsa - Tromssa "), slug("Møre og Romsdal"), slug("spring 2009")
    ('troms', 'more-og-romsdal', 'spring-2009')
    """
    first = re.split(r"\s+[-–]\s+", name.strip())[0].casefold()
    latin = first.translate(str.maketrans({"æ": "ae", "ø": "o", "å": "a", "đ": "d", "ŋ": "n"}))
    ascii_only = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def earlier_names(cell: str) -> list[str]:
    """Return the ids and names of a cell of ``earlier``.

    Examples
    --------
    >>> earlier_names("975270920 | Stange gamle skole")
    ['975270920', 'Stange gamle skole']
    """
    return [part.strip() for part in cell.split("|") if part.strip()]


def school_lookup(schools: pd.DataFrame) -> dict[str, str]:
    """Return ``school_id`` by normalised id, unique name, and earlier id or name.

    Parameters
    ----------
    schools : DataFrame
        The register: ``school_id, school, earlier``.
    """
    ids = {normalise_label(school): school for school in schools[names.SCHOOL]}
    by_name = schools.assign(school=schools["school"].map(normalise_label))
    by_name = by_name.drop_duplicates("school", keep=False).set_index("school")[names.SCHOOL]
    earlier = {
        normalise_label(text): school
        for school, cell in zip(schools[names.SCHOOL], schools["earlier"], strict=True)
        for text in earlier_names(cell)
    }
    return earlier | {name: school for name, school in by_name.items() if name} | ids


def read_schools(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a register of schools.

    Parameters
    ----------
    path : Path
        CSV in UTF-8, comma or semicolon, with the columns ``school_id``, ``school``,
        ``region`` and, as needed, ``grades`` ("1-7"), ``role`` (programme, comparison),
        ``municipality``, ``earlier`` and whole numbers ``invited_…``.

    Returns
    -------
    schools : DataFrame
        One row per school in the order of the file: ``school_id``, ``school``, ``region``
        (slug), ``region_name`` (as the file first writes it), ``grades``, ``role`` (programme
        where the file is silent), ``municipality``, ``earlier`` (ids and names that it had
        before, or of schools that were merged into it, with ``|`` between them), ``invited_…``
        (Int64).
    problems : list of Problem
        Everything that is wrong, with lines.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if max(map(len, text.splitlines()), default=0) > csv.field_size_limit():
            raise ValueError("a line of more than 130,000 characters")
    except (OSError, ValueError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        allowed = "a CSV file in UTF-8 with " + ", ".join(REQUIRED)
        todo = "write it, or name it in study.yml (schools: …)"
        problem = Problem("school register cannot be read", found, allowed, shown(path), todo)
        return _frame([], []), [problem]
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = [column.strip() for column in next(reader, [])]
    problems = list(_check_header(header, f"{shown(path)}, line 1"))
    rows: dict[str, dict[str, str]] = {}
    for cells in reader:
        tidy = [unicodedata.normalize("NFC", " ".join(cell.split())) for cell in cells]
        where = f"{shown(path)}, line {reader.line_num}"
        if any(tidy) and len(tidy) != len(header):
            found, todo = f"{len(tidy)} cells", f"quote cells that hold a {separator}"
            problems.append(Problem("row too long or short", found, str(len(header)), where, todo))
        elif any(tidy):
            rows[where] = dict(zip(header, tidy, strict=True))
    if set(REQUIRED) <= set(header):
        problems += _check_rows(rows, shown(path))
    return _frame(list(rows.values()), header), problems


def _frame(rows: list[dict[str, str]], header: list[str]) -> pd.DataFrame:
    invited = [column for column in header if column.startswith(INVITED)]
    columns = [REGION_NAME if name == "region" else name for name in (*KNOWN, *invited)]
    frame = pd.DataFrame(rows, dtype=str).rename(columns={"region": REGION_NAME})
    frame = frame.reindex(columns=columns, fill_value="").astype(str)
    frame.insert(2, names.REGION, frame[REGION_NAME].map(slug).astype(str))
    frame[REGION_NAME] = frame.groupby(names.REGION)[REGION_NAME].transform("first")
    frame["grades"] = frame["grades"].str.replace("–", "-")
    frame["role"] = frame["role"].replace("", PROGRAMME)
    for column in invited:
        understood = frame[column].where(frame[column].str.fullmatch(_COUNT))
        frame[column] = pd.to_numeric(understood).astype("Int64")
    return frame


def _check_header(header: list[str], where: str) -> Iterator[Problem]:
    allowed = ", ".join((*KNOWN, INVITED + "…"))
    for column in REQUIRED:
        if column not in header:
            found = ", ".join(header) or "an empty file"
            yield Problem(f"missing column: {column}", found, allowed, where, f"add {column}")
    for position, column in enumerate(header):
        if column not in KNOWN and not column.startswith(INVITED):
            todo = did_you_mean(column, KNOWN) or "take the column out"
            yield Problem("unknown column", column, allowed, where, todo)
        elif column in header[:position]:
            yield Problem("column stands twice", column, "each column once", where)


def _check_rows(rows: dict[str, dict[str, str]], register: str) -> Iterator[Problem]:
    if not rows:
        yield Problem("no school in the register", "no rows", "a row per school", register)
    first: dict[str, str] = {}
    ids = {row["school_id"] for row in rows.values()}
    official: dict[str, str] = {}
    for where, row in rows.items():
        school, name, region = row["school_id"], row["region"], slug(row["region"])
        for column in REQUIRED:
            if not row[column]:
                yield Problem(f"{column} is empty", "nothing", "a text", where)
        if school and first.setdefault(school, where) != where:
            found = f"{school} (first in {first[school].rpartition(', ')[2]})"
            yield Problem("duplicate school_id", found, "each school once", where)
        if name and region in ("", names.NATIONAL):
            yield Problem("region without a usable name", name, "a name with letters", where)
        if re.search(r"\s[-–]\s", name):
            known = official.setdefault(region, name)
            if known.casefold() != name.casefold():
                what = f"two regions with the short name {region}"
                yield Problem(what, f"{known}; {name}", "names that begin differently", where)
        for earlier in earlier_names(row.get("earlier", "")):
            if earlier in ids:
                what, todo = "an earlier id that another row has", "keep one of them"
                yield Problem(what, earlier, "ids that are no longer in use", where, todo)
        yield from _check_cells(row, where)


def _check_cells(row: dict[str, str], where: str) -> Iterator[Problem]:
    grades, role = row.get("grades", ""), row.get("role", "")
    span = re.fullmatch(r"(\d{1,2})(?:[-–](\d{1,2}))?", grades)
    if grades and not (span and 1 <= int(span[1]) <= int(span[2] or span[1]) <= LAST_GRADE):
        allowed = f"first and last grade, 1 to {LAST_GRADE}, such as 1-7; or nothing"
        todo = "write it as text (spreadsheets turn 1-7 into a date)"
        yield Problem("grades not understood", grades, allowed, where, todo)
    if role not in ("", PROGRAMME, COMPARISON):
        todo = did_you_mean(role, (PROGRAMME, COMPARISON))
        yield Problem("unknown role of a school", role, f"{PROGRAMME}, {COMPARISON}", where, todo)
    for column, cell in row.items():
        if column.startswith(INVITED) and cell and not re.fullmatch(_COUNT, cell):
            yield Problem(f"{column} is not a number", cell, "a whole number, or nothing", where)
