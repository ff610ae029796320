"""One renderer for all tables: lines and columns are declared, and come out as accessible HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd

from loftet_analysis import names
from loftet_analysis.schema import Row
from loftet_analysis.show.languages import Words, beside_zero, named, outcome_labels

HIDDEN = "·"
ABSENT = "–"

#: How a column's values become text: `Words` and one value, or the two ends of an interval.
FORMATS: dict[str, Callable[..., str]] = {
    "number": Words.number,
    "number3": lambda words, value: words.number(value, 3),
    "count": Words.count,
    "counts": Words.counts,
    "percent": Words.percent,
    "p_value": Words.p_value,
    "interval": Words.interval,
    "beside_zero": lambda words, low, high: beside_zero(low, high, words),
    "date": Words.date,
    "plain": lambda _words, text: text,
}
_ORDER = {names.POPULATION: names.POPULATIONS, names.WAVE: (*names.WAVES, names.LINKED)}


@dataclass(frozen=True)
class Table:
    """A finished table as HTML, its caption, and its notes.

    Examples
    --------
    >>> Table("<table><caption>Who answered</caption></table>", "Who answered").with_id("response")
    '<table id="response"><caption>Who answered</caption></table>'
    """

    html: str
    caption: str
    notes: tuple[str, ...] = ()

    def with_id(self, name: str) -> str:
        """Return the HTML with the table's id on its page."""
        return self.html.replace("<table", f'<table id="{name}"', 1)

    def without(self, notes: Collection[str]) -> Table:
        """Return the table without some of its notes, which stand elsewhere on its page."""
        kept = self.html
        for note in notes:
            row = rf'<tr>\n<td colspan="\d+"><span>{re.escape(_safe(note))}</span></td>\n</tr>\n'
            kept = re.sub(row, "", kept, count=1)
        kept = kept.replace("<tfoot>\n</tfoot>\n", "")
        return replace(self, html=kept, notes=tuple(n for n in self.notes if n not in notes))


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    heading : str
        In the reader's language.
    of : str, tuple of str, or callable
        The field that it shows, the two ends of an interval, or a function of the row that returns
        the text; None is shown as hidden or absent, an empty text stays empty.
    form : str
        One of `FORMATS`, or ``text``: words, which stand to the left and may take several lines; a
        field's value as `languages.named` names it.
    over : str
        The heading above it, which it shares with its neighbours.
    at : tuple
        Which of the line's rows it reads, where lines are spread over several rows.
    """

    heading: str
    of: str | tuple[str, str] | Callable[[Row], str | None]
    form: str = "number"
    over: str = ""
    at: tuple = ()

    def text(self, row: Row | None, words: Words) -> str:
        """Return a cell: its text, or the mark of what is hidden or not there."""
        if row is None:
            return ABSENT
        if callable(self.of):
            text = self.of(row)
        else:
            fields = (self.of,) if isinstance(self.of, str) else self.of
            values = [row.get(field) for field in fields]
            if any(map(pd.isna, values)):
                text = None
            elif self.form == "text":
                text = named(row, fields[0], words)
            else:
                text = FORMATS[self.form](words, *values)
        if text is not None:
            return text
        return HIDDEN if row.get("suppressed") else ABSENT

    @property
    def kind(self) -> str:
        """The attribute by which the stylesheet tells words from numbers."""
        return ' class="words"' if self.form == "text" else ""


def _why_hidden(records: list[Row], words: Words) -> str:
    """Return the note on the mark of what is hidden."""
    few = {row.get("reason") == names.FEW_CLUSTERS for row in records if row.get("suppressed")}
    if few == {True}:
        return words.text("{mark} suppressed (too few schools)", mark=HIDDEN)
    if True in few:
        return words.text("{mark} suppressed (confidentiality, or too few schools)", mark=HIDDEN)
    return words.text("{mark} suppressed (confidentiality)", mark=HIDDEN)


def laid_out(
    rows: pd.DataFrame | Iterable[Row],
    columns: Iterable[tuple],
    words: Words,
    caption: str = "",
    notes: Sequence[str] = (),
    *,
    line: str | Callable[[Row], str],
    group: str | Callable[[Row], str] = "",
    across: str | Sequence[str] = (),
    last: Sequence[str] = (),
    corner: str = "",
) -> Table:
    """Return declared columns of a result's rows as a table.

    Columns in which there is nothing are left out, and so are notes that begin with their heading.

    Parameters
    ----------
    rows : DataFrame or iterable of mappings
        Gated rows.
    columns : iterable of tuple
        ``(heading, of, form, over)`` of each `Column`, from left to right; the last two may be
        left out.
    words : Words
        The reader's language.
    caption : str
        What the table is of; read aloud before it.
    notes, last : sequence of str
        Notes before and after the one on hidden numbers, which comes by itself.
    line, group : str or callable
        What a line, and the group of lines that it belongs to, is called: a field, whose value is
        named by `languages.named`, or a function of the line's first row. Lines of a group stand
        together, in the order in which the groups appear. Where lines are spread, rows with the
        same of both, and of the same population where it is not in `across`, make one.
    across : str or sequence of str
        Fields by whose values a line is spread over several rows, such as its waves. The columns
        are repeated for each value, beneath its name; a column without a heading has that name.
    corner : str
        The heading of the lines' names.
    """
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    across = (across,) if isinstance(across, str) else tuple(across)
    by = [f for f in (names.POPULATION, group, line) if callable(f) or f not in across]
    lines: dict[tuple | int, dict[tuple, Row]] = {}
    places: dict[tuple, Row] = {}
    for number, row in enumerate(records):
        place = tuple(row[field] for field in across)
        places[place] = row
        own = tuple(of(row) if callable(of) else row.get(of) for of in by)
        key = own if across else number
        if place in lines.get(key, {}):
            key = number  # a second row for the same cells is a line of its own
        lines.setdefault(key, {})[place] = row
    shown = [Column(*column) for column in columns]
    if across:
        shown = _spread(shown, places, across, words)
    cells = [[column.text(row.get(column.at), words) for column in shown] for row in lines.values()]
    told = [texts for texts in cells if set(texts) != {HIDDEN}]
    empty = {n for n in range(len(shown)) if all(texts[n] in ("", ABSENT) for texts in told)}
    if told and 0 < len(empty) < len(shown):
        without = {shown[n].heading for n in empty}
        kept = [n for n in range(len(shown)) if n not in empty]
        shown = [shown[n] for n in kept]
        cells = [[texts[n] for n in kept] for texts in cells]
        without -= {column.heading for column in shown}
        notes = [note for note in notes if note.partition(":")[0] not in without]

    outcomes = {}
    if group in (names.OUTCOME, "scale"):
        outcomes = outcome_labels([(row[names.POPULATION], row[group]) for row in records], words)

    def name(row: Row, of: str | Callable[[Row], str]) -> str:
        if callable(of):
            return of(row)
        if of == group and outcomes:
            return outcomes[row[names.POPULATION], row[of]]
        return named(row, of, words) if of else ""

    groups: dict[str, list[str]] = {}
    for spread, texts in zip(lines.values(), cells, strict=True):
        row = next(iter(spread.values()))
        tds = [f"<td{c.kind}>{_safe(text)}</td>" for c, text in zip(shown, texts, strict=True)]
        head = f'<th scope="row">{_safe(name(row, line))}</th>'
        groups.setdefault(name(row, group), []).append(_tr([head, *tds]))
    hidden = any(HIDDEN in text for texts in cells for text in texts)
    note = _why_hidden(records, words) if hidden else ""
    notes = [each for each in (*notes, note, *last) if each]

    span = f'colspan="{len(shown) + 1}"'
    parts = [f"<caption>{_safe(caption)}</caption>"] if caption else []
    parts += ["<thead>", *_heads(shown, corner), "</thead>"]
    for text, trs in groups.items():
        above = f'<th scope="rowgroup" {span}><span>{_safe(text)}</span></th>'
        parts += ["<tbody>", *([_tr([above])] if group else []), *trs, "</tbody>"]
    if notes:
        trs = [_tr([f"<td {span}><span>{_safe(note)}</span></td>"]) for note in notes]
        parts += ["<tfoot>", *trs, "</tfoot>"]
    body = "\n".join(parts)
    # it can be wider than its page, and is then scrolled, also from the keyboard
    called = f' role="group" aria-label="{html.escape(caption)}"' if caption else ""
    scroller = f'<div class="table" tabindex="0"{called}>'
    whole = f'{scroller}<table class="results">\n{body}\n</table></div>'
    return Table(whole, caption, tuple(notes))


def _spread(
    columns: list[Column], places: dict[tuple, Row], across: Sequence[str], words: Words
) -> list[Column]:
    """Return the columns once per place, in the order of populations and waves."""

    def order(place: tuple) -> list[int]:
        pairs = zip(across, place, strict=True)
        return [_ORDER[field].index(value) if field in _ORDER else 0 for field, value in pairs]

    spread = []
    for place in sorted(places, key=order):
        over = [named(places[place], field, words) for field in across]
        for column in columns:
            above = over if column.heading else over[:-1]
            heading = column.heading or over[-1]
            spread.append(replace(column, heading=heading, over=", ".join(above), at=place))
    return spread


def _safe(text: str) -> str:
    return html.escape(text, quote=False)


def _tr(cells: Iterable[str]) -> str:
    return "<tr>\n{}\n</tr>".format("\n".join(cells))


def _heads(columns: Sequence[Column], corner: str) -> list[str]:
    """Return one line of headings, or two where some columns share a heading above them."""
    deep = ' rowspan="2"' if any(column.over for column in columns) else ""
    head = f'<th scope="col"{deep} class="words">{_safe(corner)}</th>'
    above = [head if corner else f"<td{deep}></td>"]
    below: list[str] = []
    for over, of in groupby(columns, key=lambda column: column.over):
        rows = "" if over else deep
        heads = [f'<th scope="col"{rows}{c.kind}>{_safe(c.heading)}</th>' for c in of]
        (below if over else above).extend(heads)
        if over:
            above.append(f'<th scope="colgroup" colspan="{len(heads)}">{_safe(over)}</th>')
    return [_tr(above), _tr(below)] if deep else [_tr(above)]
