"""Plain delimited text: any delimiter, any encoding, every cell kept as text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from loftet_analysis.errors import InputError
from loftet_analysis.tabular.export import Export, empty, from_columns, unreadable

DELIMITERS = (";", ",", "\t", "|")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# the first line by which a spreadsheet is told the delimiter
_NAMES_DELIMITER = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_BLOCK = 16 * 2**20  # bytes; also the longest row that can be read
# what Norwegian and Sámi text holds beyond ASCII; other bytes mean another encoding than cp1252
_WESTERN = frozenset("æøåÆØÅäöÄÖéèêëàáâóòôíìüúÉÈÁÓÜšžŠŽ«»“”‘’„–—…§°´·•×½€© \xa0")


def read_delimited(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None
) -> Export:
    """Read delimited text, each cell as the string that stands there.

    Parameters
    ----------
    path : Path
        The file.
    delimiter, encoding : str or None
        As study.yml names them, else found out: the encoding by the byte order mark, as UTF-8,
        or as cp1252 where that gives Nordic letters only; the delimiter by the heading row.

    Raises
    ------
    InputError
        For an empty file, an encoding or delimiter that cannot be told, rows with too many or
        too few fields, a quotation mark that is never closed.
    """
    text = decoded(path, encoding)
    if not text.strip():
        raise empty(path.name, f"{path.stat().st_size} bytes")
    try:
        named = _NAMES_DELIMITER.match(text)
        text = text[named.end() :] if named else text
        separator = delimiter or (named[1] if named else _delimiter(text, path))
        headings = next(filter(None, _rows(text[:_BLOCK], separator)))
        _refuse_open_quote(text, path, separator)
        table = _parsed(text, separator, len(headings))
    except (pa.ArrowInvalid, csv.Error) as error:
        raise unreadable(path.name, str(error)) from error
    if table is None:
        raise _wrong_fields(text, path, separator, len(headings))
    rows = table.slice(1)
    return from_columns([column.to_pandas() for column in rows.columns], headings, path)


def read_rows(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None
) -> list[tuple[int, list[str]]]:
    """Read the rows of a small table, which may be of different lengths, and their numbers."""
    text = decoded(path, encoding)
    named = _NAMES_DELIMITER.match(text)
    text = text[named.end() :] if named else text
    first = text.lstrip().partition("\n")[0]
    separator = delimiter or (named[1] if named else max("\t;,|", key=first.count))
    try:
        return [(row, cells) for row, cells in enumerate(_rows(text, separator), 1) if cells]
    except csv.Error as error:
        raise unreadable(path.name, str(error)) from error


def first_rows(text: str) -> list[list[str]]:
    """Return the heading row as each delimiter would split it."""
    start = text[:_BLOCK]
    try:
        return [next(filter(None, _rows(start, sign)), []) for sign in DELIMITERS]
    except csv.Error:
        return []


def _rows(text: str, separator: str, *, strict: bool = False) -> csv.reader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)


def _parsed(text: str, separator: str, width: int) -> pa.Table | None:
    """Return the rows as text, the headings first; None where some are of another width.

    Cells with line breaks are tried last, as they keep the parser to one thread. To the first
    attempt a break inside a cell makes a row that is too short, so none is read wrongly.
    """
    raw, broken = text.encode(), []

    def skip(row: pa.csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    def attempt(*, line_breaks: bool) -> pa.Table | None:
        broken.clear()
        table = pa.csv.read_csv(
            io.BytesIO(raw),
            # the headings are read as data: so they may hold line breaks and repeat
            read_options=pa.csv.ReadOptions(
                autogenerate_column_names=True, block_size=_BLOCK if line_breaks else None
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=separator, newlines_in_values=line_breaks, invalid_row_handler=skip
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={f"f{i}": pa.large_string() for i in range(width)},
                strings_can_be_null=False,
            ),
        )
        return None if broken else table

    try:
        table = attempt(line_breaks=False)
    except pa.ArrowInvalid:
        table = None
    return attempt(line_breaks=True) if table is None else table


def decoded(path: Path, encoding: str | None) -> str:
    """Return a file's text: in the encoding that is named, its mark's, UTF-8 or cp1252.

    Raises
    ------
    InputError
        Where the encoding cannot be told, or the text holds NUL.
    """
    raw = path.read_bytes()
    named = encoding or next((name for mark, name in _MARKS.items() if raw.startswith(mark)), None)
    try:
        text = raw.decode(named or "utf-8").removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        text = "" if named else raw.decode("cp1252", errors="replace")
        if not text or not set(filter(lambda sign: not sign.isascii(), set(text))) <= _WESTERN:
            raise _not_decodable(path, str(error), encoding) from error
    if "\x00" in text:
        raise _not_decodable(path, "NUL bytes", encoding)
    return text


def _not_decodable(path: Path, found: str, encoding: str | None) -> InputError:
    allowed = f"text in {encoding or 'UTF-8, UTF-16 with its mark, or cp1252'}"
    todo = "name the file's encoding in study.yml (encoding: …), or export it as UTF-8"
    return InputError("text that cannot be decoded", found, allowed, path.name, todo)


def _delimiter(text: str, path: Path) -> str:
    """Return the delimiter that splits the heading row and keeps the next rows as long."""
    widths = {}
    for candidate in DELIMITERS:
        lengths = [len(row) for row in islice(filter(None, _rows(text[:_BLOCK], candidate)), 20)]
        widths[candidate] = (lengths[0], sum(n == lengths[0] for n in lengths) / len(lengths))
    split = {candidate: rank for candidate, rank in widths.items() if rank[0] > 1}
    even = {c: rank for c, rank in split.items() if rank[1] == max(r[1] for r in split.values())}
    best = [c for c, rank in even.items() if rank[0] == max(r[0] for r in even.values())]
    if len(best) == 1:
        return best[0]
    what, found = "delimiter that cannot be told", "none splits the heading row"
    allowed = " ".join(best or DELIMITERS).replace("\t", "tab")
    todo = "name it in study.yml (delimiter: …)"
    where = f"{path.name}, line 1"
    raise InputError(what, "several fit" if best else found, allowed, where, todo)


def _refuse_open_quote(text: str, path: Path, separator: str) -> None:
    if text.count('"') % 2 == 0:
        return
    reader = _rows(text, separator, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error as error:
        found = f"{error}, in the row that begins at line {line}"
        raise unreadable(path.name, found) from error


def _wrong_fields(text: str, path: Path, separator: str, width: int) -> InputError:
    reader = _rows(text, separator)
    bad = [(reader.line_num, len(row)) for row in reader if row and len(row) != width]
    shown = ", ".join(f"line {line} has {n}" for line, n in bad[:5])
    found = shown + (f", and {len(bad) - 5} more rows" if len(bad) > 5 else "")
    what, allowed = "rows with the wrong number of fields", f"{width} fields, as in the heading row"
    todo = "export the file again; a truncated copy or an edited cell does this"
    return InputError(what, found, allowed, path.name, todo)
