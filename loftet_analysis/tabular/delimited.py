"""Plain delimited text: any delimiter, any encoding, every cell kept as text.

Which quotation marks belong to the form of a file, and which to what people wrote, is settled line
by line before anything is parsed (:func:`_settled`), so that no mark can join rows.
"""

from __future__ import annotations

import codecs
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from loftet_analysis.errors import InputError, Problem
from loftet_analysis.tabular.export import Export, empty, from_columns, unreadable

DELIMITERS = (";", ",", "\t", "|")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# the first line by which a spreadsheet is told the delimiter
_NAMES_DELIMITER = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
_BLANKS, _FILLED = re.compile(rb"[\r\n ]*+"), re.compile(rb"\S")
_BLOCK = 16 * 2**20  # bytes; also the longest row that can be read
_HEAD = 2**20  # bytes in which the headings and some rows stand
_PART = 2**20  # bytes that are inspected at a time
_NEXT = 20  # rows by which it is told how headings and delimiter are meant
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
        or as cp1252 where that gives Nordic letters only; the delimiter by a first line
        ``sep=;``, else by the heading row.

    Returns
    -------
    Export
        With the rows' numbers as a spreadsheet shows them: blank lines count, a cell with line
        breaks lies in one row, and a line ``sep=;`` is none.

    Raises
    ------
    InputError
        For an empty file, an encoding or delimiter that cannot be told, rows with too many or
        too few fields, and quotation marks that can be read in two ways.
    """
    lines = _opened(path, delimiter, encoding)
    headings, _ = lines.headings
    table = _parsed(settled := _settled(lines, len(headings)), len(headings))
    if table is None:
        settled = _settled(lines, len(headings), every_line=True)
        table = _parsed(settled, len(headings))
    if table is None or table.num_rows != len(settled.numbers):
        raise unreadable(path.name, "line ends of several kinds")
    columns = [column.to_pandas() for column in table.slice(1).columns]
    return from_columns(columns, headings, path, settled.numbers[1:], settled.remarks)


def read_rows(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    most: int | None = None,
) -> list[tuple[int, list[str]]]:
    """Read the rows of a small table, which may be of different lengths, and their numbers.

    Parameters
    ----------
    path : Path
    delimiter, encoding : str, optional
        Where they are known.
    most : int, optional
        How many of the first rows to read, whatever their quotation marks.

    Raises
    ------
    InputError
        For an encoding or delimiter that cannot be told, and quotation marks that can be read in
        two ways.
    """
    lines = _opened(path, delimiter, encoding, small=True, most=None if most is None else _HEAD)
    if not lines.raw.strip():
        return []
    cells, line = lines.headings
    width, number, rows = len(cells), lines.blank + 1, [(lines.blank + 1, cells)]
    while line < len(lines.starts) and (most is None or len(rows) < most):
        row, number = lines.row(line, width), number + 1
        if row.reading == "unclear" and most is None:
            raise _unclear([line], lines)
        if not lines.is_blank(line):
            rows.append((number, row.cells))
        line = row.following
    return rows


def _opened(
    path: Path,
    delimiter: str | None,
    encoding: str | None,
    *,
    small: bool = False,
    most: int | None = None,
) -> _Lines:
    raw = decoded(path, encoding, most)
    named = _NAMES_DELIMITER.match(raw)
    above, raw = (1, raw[named.end() :]) if named else (0, raw)
    filled = next(_BLANKS.finditer(raw)).end()
    if not small and not _FILLED.search(raw):
        raise empty(path.name, f"{path.stat().st_size} bytes")
    first = raw.rfind(b"\n", 0, filled) + 1
    blank = raw.count(b"\n", 0, first)
    raw = raw[first:]
    sign = delimiter or (named[1].decode() if named else "")
    sign = sign or _delimiter(path, raw, above + blank, small=small)
    return _Lines(path, raw, sign, above + blank, blank)


@dataclass(frozen=True)
class _Row:
    """A row: its cells, the line after it, and how its quotation marks were read.

    `reading` is *plain*, *text* (a mark opens a cell and is part of it), *joined* (a cell with
    line breaks) or *unclear*.
    """

    cells: list[str]
    following: int
    reading: str = "plain"


class _Lines:
    """The lines of a text from its headings on.

    Attributes
    ----------
    path : Path
    raw : bytes
        In UTF-8.
    separator : str
    above, blank : int
        How many lines of the file stand above, and how many of these are blank.
    starts : ndarray of int
        The byte at which each line begins.
    marked, odd : ndarray of bool
        Whether each line holds a quotation mark, and whether one of its marks stands where no cell
        in quotation marks begins or ends.
    """

    def __init__(
        self, path: Path, raw: bytes, separator: str, above: int = 0, blank: int = 0
    ) -> None:
        self.path, self.raw, self.separator = path, raw, separator
        self.above, self.blank = above, blank
        self.starts, self.marked, self.odd = _inspected(raw, separator)

    def line(self, place: int) -> bytes:
        """Return a line without its end."""
        last = place + 1 >= len(self.starts)
        end = len(self.raw) if last else self.starts[place + 1]
        return self.raw[self.starts[place] : end].rstrip(b"\r\n")

    def is_blank(self, place: int) -> bool:
        return not self.line(place).strip()

    @cached_property
    def _all_in_marks(self) -> bool:
        """Whether the headings and the first row stand in quotation marks from end to end."""
        first = [self.line(place) for place in range(min(2, len(self.starts)))]
        return all(line[:1] == line[-1:] == b'"' for line in first)

    def is_complete(self, place: int, width: int) -> bool:
        """Whether a line is a row by itself, its quotation marks taken in either way."""
        line = self.line(place)
        if self._all_in_marks and not line[:1] == line[-1:] == b'"':
            return False
        fields = line.count(self.separator.encode()) + 1
        return width == fields or (b'"' in line and width == len(self._cells(line)[0]))

    def _cells(
        self, raw: bytes, begin: int = 0, end: int | None = None
    ) -> tuple[list[str], int, str]:
        """Return the cells of a row, where the next one begins, and how marks were read."""
        quoted, bare = _cell_forms(self.separator)
        end, sign = len(raw) if end is None else end, self.separator.encode()
        cells, reading = [], "plain"
        while True:
            if match := quoted.match(raw, begin, end):
                cells.append(match[1].replace(b'""', b'"').decode())
            else:
                match = next(bare.finditer(raw, begin, end))
                text = match[1].decode()
                cells.append(_without_marks(text))
                if text.lstrip()[:1] == '"' and text.count('"') % 2:
                    is_text = cells[-1] == text or reading == "text"
                    reading = "text" if is_text else "open"
            begin = match.end()
            if match[2] != sign:
                return cells, begin, reading

    def row(self, place: int, width: int | None) -> _Row:
        """Return the row that begins with a line; without a width, that of the headings."""
        single, _, reading = self._cells(self.line(place))
        alone = _Row(single, place + 1, "text" if reading == "text" else "plain")
        if reading == "plain":
            return alone
        start = int(self.starts[place])
        joined, stop, _ = self._cells(self.raw, start, min(start + _BLOCK, len(self.raw)))
        following = int(np.searchsorted(self.starts, stop))
        if following == place + 1:
            return alone
        whole = _Row(joined, following, "joined")
        if width is None:
            after = self._alike(place + 1, len(single))
            return alone if after > self._alike(following, len(joined)) else whole
        inside = [n for n in range(place, following) if not self.is_blank(n)]
        complete = sum(self.is_complete(n, width) for n in inside)
        if complete == len(inside):
            return alone if not self.quotes else _Row(single, following, "unclear")
        return whole if complete < 2 else _Row(single, following, "unclear")

    def _alike(self, place: int, width: int) -> int:
        """Return how many of the next lines are rows of this width."""
        places = range(place, min(place + _NEXT, len(self.starts)))
        return sum(self.is_complete(n, width) for n in places)

    def cells(self, place: int) -> list[str]:
        """Return the cells of a line taken by itself."""
        return self._cells(self.line(place))[0]

    def lengths(self, place: int) -> list[int]:
        """Return the numbers of cells of the next rows that are not blank."""
        found: list[int] = []
        while place < len(self.starts) and len(found) < _NEXT:
            row = self.row(place, len(self.headings[0]))
            found += [] if self.is_blank(place) else [len(row.cells)]
            place = row.following
        return found

    @cached_property
    def headings(self) -> tuple[list[str], int]:
        """The cells of the first row, and the line after it."""
        row = self.row(0, None)
        return row.cells, row.following

    @cached_property
    def quotes(self) -> bool:
        """Whether cells stand in quotation marks because they have to: the file quotes."""
        cells, line = self.headings
        if self.marked[:line].any() and (line > 1 or not self.odd[0]):
            return True
        sign, width = self.separator.encode(), len(cells)
        for place in np.flatnonzero(self.marked & ~self.odd).tolist():
            text = self.line(place)
            found = self._cells(text)[0]
            needed = text.count(sign) + 1 != width or any('"' in cell for cell in found)
            if needed and len(found) == width:
                return True
        return False


@lru_cache
def _cell_forms(separator: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the forms of a cell in quotation marks and of any other; then what ends it."""
    sign = re.escape(separator.encode())
    blanks = rb"" if separator == " " else rb"[ ]*+"
    ends = rb"(" + sign + rb"|\r?\n|\Z)"
    quoted = blanks + rb'"([^"]*+(?:""[^"]*+)*+)"' + blanks + ends
    bare = rb"((?:[^" + sign + rb"\r\n]|\r(?!\n))*+)" + ends
    return re.compile(quoted), re.compile(bare)


def _edges(raw: bytes) -> list[int]:
    """Return where the parts of a text begin that are inspected one by one, and its end.

    They begin with lines; a line that is longer than a part is one by itself.
    """
    edges = [0]
    while edges[-1] < len(raw):
        last = raw.rfind(b"\n", edges[-1], edges[-1] + _PART)
        last = raw.find(b"\n", edges[-1]) if last < 0 else last
        edges.append(last + 1 or len(raw))
    return edges


def _inspected(raw: bytes, separator: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where lines begin, which hold a quotation mark, and in which one stands oddly.

    In a line that is no part of a larger row, marks open and close cells in turn: the first, third,
    … stands at the beginning of a cell or after a mark, the second, fourth, … at its end or before
    a mark.
    """
    quote, newline = b'"\n'
    opens, closes = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
    opens[[quote, newline, ord(separator)]] = True
    closes[[quote, newline, ord("\r"), ord(separator)]] = True
    raw = raw if raw.endswith(b"\n") else raw + b"\n"

    def inspected(begin: int, end: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        signs = np.frombuffer(raw, np.uint8, end - begin, begin)
        ends = np.flatnonzero(signs == newline)
        marks = np.flatnonzero(signs == quote)
        before = np.searchsorted(marks, ends)
        counts = np.diff(before, prepend=0)
        is_odd = (counts & 1).astype(bool)
        if is_odd.any():
            closes_cell = ((np.arange(len(marks)) ^ np.repeat(before - counts, counts)) & 1) == 1
            opening, closing = marks[~closes_cell], marks[closes_cell]
        else:
            opening, closing = marks[::2], marks[1::2]
        # the sign before the very first one is the newline at the end of the block
        for wrong in (opening[~opens[signs[opening - 1]]], closing[~closes[signs[closing + 1]]]):
            is_odd[np.searchsorted(ends, wrong)] = True
        returns, paired = signs == ord("\r"), signs[ends - 1] == ord("\r")
        if np.count_nonzero(returns) > np.count_nonzero(paired):
            text = raw[begin:end]
            lone = [match.start() for match in re.finditer(rb"\r(?!\r*\n)", text)]
            is_odd[np.searchsorted(ends, lone)] = True
        return np.concatenate([[begin], ends[:-1] + 1 + begin]), counts > 0, is_odd

    edges = _edges(raw)
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(inspected, edges[:-1], edges[1:]))
    starts, marked, odd = map(np.concatenate, zip(*parts, strict=True))
    return starts, marked, odd


@dataclass(frozen=True)
class _Settled:
    """A text whose quotation marks all belong to its form.

    Attributes
    ----------
    raw : bytes
    separator : str
    line_breaks : bool
        Whether cells hold any.
    numbers : ndarray of int
        The spreadsheet's number of each row, the headings first.
    remarks : tuple of Problem
    """

    raw: bytes
    separator: str
    line_breaks: bool
    numbers: np.ndarray
    remarks: tuple[Problem, ...] = ()


def _settled(lines: _Lines, width: int, *, every_line: bool = False) -> _Settled:
    """Put cells in which a quotation mark is text into marks of their own, and number the rows.

    Parameters
    ----------
    lines : _Lines
    width : int
        Number of headings.
    every_line : bool
        Whether to look at all lines, not only at those whose marks stand oddly.

    Raises
    ------
    InputError
        Where a mark is never closed although the file puts cells in marks, and where rows would
        be whole both with and without the line breaks in a cell.
    """
    n_lines, sign = len(lines.starts), lines.separator.encode()
    sizes = np.diff(lines.starts, append=len(lines.raw))
    suspect = np.ones(n_lines, dtype=bool) if every_line else lines.odd
    inside = np.zeros(n_lines, dtype=bool)  # lines of a row that has begun above
    blank = np.zeros(n_lines, dtype=bool)
    seen = np.flatnonzero(suspect | (sizes <= width + 1))
    blank[seen] = [lines.is_blank(place) for place in seen.tolist()]
    anew: dict[int, bytes] = {}
    as_text, unclear, wrong, after = [], [], [], 0
    for place in np.flatnonzero(suspect & ~blank).tolist():
        if place < after:
            continue
        row = lines.row(place, width if place else None)
        after = row.following
        if row.reading == "unclear" or (row.reading == "text" and lines.quotes):
            unclear.append(place)
            continue
        if row.reading == "joined" and len(row.cells) == width:
            inside[place + 1 : after] = True
            continue
        after, line = place + 1, lines.line(place)
        cells = lines.cells(place)
        if len(cells) != width and b'"' in line:
            cells = [_without_marks(cell.decode()) for cell in line.split(sign)]
        if len(cells) != width:
            wrong.append(place)
        elif b'"' in line or b"\r" in line:
            anew[place] = sign.join(_quoted(cell, sign) for cell in cells)
            as_text += [place] if row.reading == "text" else []
    if unclear:
        raise _unclear(unclear, lines)
    if wrong:
        raise _wrong_fields(lines, width)
    blank &= ~inside
    anew |= dict.fromkeys(np.flatnonzero(blank).tolist(), b"")
    begins = ~blank & ~inside
    numbers = (np.arange(1, n_lines + 1) - np.cumsum(inside) + lines.blank)[begins]
    what = "quotation marks that open a cell and are never closed: read as part of the text"
    remark = Problem(what, _at_lines(as_text, lines), "", lines.path.name)
    remarks = (remark,) if as_text else ()
    return _Settled(_with(lines, anew), lines.separator, bool(inside.any()), numbers, remarks)


def _with(lines: _Lines, anew: dict[int, bytes]) -> bytes:
    """Return the text with some lines replaced."""
    parts, end = [], 0
    for place in sorted(anew):
        begin = int(lines.starts[place])
        parts += [lines.raw[end:begin], anew[place]]
        end = begin + len(lines.line(place))
    return b"".join([*parts, lines.raw[end:]])


def _without_marks(text: str) -> str:
    """Return what stands between the quotation marks around a text, or the text."""
    bare = text.strip()
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] == '"' else text


def _quoted(cell: str, sign: bytes) -> bytes:
    raw = cell.encode()
    needed = any(mark in raw for mark in (b'"', sign, b"\r", b"\n"))
    return b'"' + raw.replace(b'"', b'""') + b'"' if needed else raw


def _parsed(settled: _Settled, width: int) -> pa.Table | None:
    """Return the rows as text, the headings first; None where some are of another width."""
    broken = []

    def skip(row: pa.csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    table = pa.csv.read_csv(
        pa.BufferReader(settled.raw),
        # the headings are read as data: so they may hold line breaks and repeat
        read_options=pa.csv.ReadOptions(autogenerate_column_names=True, block_size=_BLOCK),
        parse_options=pa.csv.ParseOptions(
            delimiter=settled.separator,
            newlines_in_values=settled.line_breaks,  # these keep the parser to one thread
            invalid_row_handler=skip,
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types={f"f{i}": pa.large_string() for i in range(width)},
            strings_can_be_null=False,
            check_utf8=False,  # done by `decoded`
        ),
    )
    return None if broken else table


def decoded(path: Path, encoding: str | None, most: int | None = None) -> bytes:
    """Return a file's text in UTF-8, decoded from what is named, its mark's, UTF-8 or cp1252.

    Parameters
    ----------
    path : Path
    encoding : str or None
    most : int, optional
        Of how many bytes at its beginning; up to the last whole line of these.

    Raises
    ------
    InputError
        Where the encoding cannot be told, or the text holds NUL.
    """
    with path.open("rb") as file:
        raw = file.read(most)
    cut = most is not None and len(raw) == most
    named = encoding or next((name for mark, name in _MARKS.items() if raw.startswith(mark)), None)
    try:
        plain = not cut and named in (None, "utf-8", "utf-8-sig") and _is_utf8(raw)
        decoder = codecs.getincrementaldecoder(named or "utf-8")()
        text = "" if plain else decoder.decode(raw, final=not cut)
    except (UnicodeDecodeError, LookupError) as error:
        text = "" if named else raw.decode("cp1252", errors="replace")
        if not text or not set(filter(lambda sign: not sign.isascii(), set(text))) <= _WESTERN:
            raise _not_decodable(path, str(error), encoding) from error
        named = "cp1252"
    if cut or codecs.lookup(named or "utf-8").name not in ("utf-8", "utf-8-sig"):
        raw = text.encode()
    del text
    if b"\x00" in raw:
        raise _not_decodable(path, "NUL bytes", encoding)
    if b"\n" not in raw[:_HEAD]:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # lines end in CR alone
    whole = raw.rfind(b"\n") + 1 if cut else 0
    return raw[: whole or None].removeprefix(codecs.BOM_UTF8)


def _is_utf8(raw: bytes) -> bool:
    """Whether bytes are text in UTF-8, without making a text of them."""
    edges, buffer = _edges(raw), pa.py_buffer(raw)

    def is_valid(*ends: int) -> bool:
        buffers = [None, pa.py_buffer(np.array(ends)), buffer]
        try:
            pa.Array.from_buffers(pa.large_string(), 1, buffers).validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        return all(pool.map(is_valid, edges[:-1], edges[1:]))


def _not_decodable(path: Path, found: str, encoding: str | None) -> InputError:
    allowed = f"text in {encoding or 'UTF-8, UTF-16 with its mark, or cp1252'}"
    todo = "name the file's encoding in study.yml (encoding: …), or export it as UTF-8"
    return InputError("text that cannot be decoded", found, allowed, path.name, todo)


def _delimiter(path: Path, raw: bytes, above: int, *, small: bool) -> str:
    """Return the delimiter that splits the heading row and keeps the next rows as long."""
    head = raw if len(raw) <= _HEAD else raw[: raw.rfind(b"\n", 0, _HEAD) + 1 or None]
    widths = {}
    for candidate in DELIMITERS:
        lines = _Lines(path, head, candidate)
        lengths = [len(lines.headings[0]), *lines.lengths(lines.headings[1])]
        widths[candidate] = (lengths[0], sum(n == lengths[0] for n in lengths) / len(lengths))
    split = {candidate: rank for candidate, rank in widths.items() if rank[0] > 1}
    even = {c: rank for c, rank in split.items() if rank[1] == max(r[1] for r in split.values())}
    best = [c for c, rank in even.items() if rank[0] == max(r[0] for r in even.values())]
    if len(best) == 1:
        return best[0]
    if small and not best:
        return DELIMITERS[0]  # one column
    what, found = "delimiter that cannot be told", "none splits the heading row"
    allowed = " ".join(best or DELIMITERS).replace("\t", "tab")
    todo = "name it in study.yml (delimiter: …)"
    where = f"{path.name}, line {above + 1}"
    (cell,) = lines.headings[0] if not best else [""]
    if any(sign in cell for sign in DELIMITERS):
        found = "each row stands in quotation marks, as in one cell"
        todo = "export the form again, and do not save it in a spreadsheet"
    raise InputError(what, "several fit" if best else found, allowed, where, todo)


def _at_lines(places: list[int], lines: _Lines) -> str:
    shown = ", ".join(f"line {lines.above + place + 1}" for place in places[:5])
    return shown + (f", and {len(places) - 5} more" if len(places) > 5 else "")


def _unclear(places: list[int], lines: _Lines) -> InputError:
    what = "quotation marks that are not closed, or close in another row"
    allowed = "around a whole cell, and doubled inside it; or none at the beginning of a cell"
    todo = "export the form again, as a workbook where that is possible; or correct these lines"
    return InputError(what, _at_lines(places, lines), allowed, lines.path.name, todo)


def _wrong_fields(lines: _Lines, width: int) -> InputError:
    bad, line = [], lines.headings[1]
    while line < len(lines.starts):
        row = lines.row(line, width)
        if len(row.cells) != width and not lines.is_blank(line):
            bad.append((lines.above + line + 1, len(row.cells)))
        line = row.following
    shown = ", ".join(f"line {line} has {n}" for line, n in bad[:5])
    found = shown + (f", and {len(bad) - 5} more rows" if len(bad) > 5 else "")
    what, allowed = "rows with the wrong number of fields", f"{width} fields, as in the heading row"
    todo = "export the file again; a truncated copy or an edited cell does this"
    return InputError(what, found, allowed, lines.path.name, todo)
