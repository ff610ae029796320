"""Pages as Word documents, made of nothing but what the page shows."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from docx import Document
from docx.document import Document as Docx
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Emu, Pt, RGBColor
from docx.styles.styles import Styles
from lxml import etree
from lxml import html as markup
from PIL import Image

from loftet_analysis.show.languages import Words

#: The tag by which Word knows each language.
_TAGS = {"nb": "nb-NO", "nn": "nn-NO", "en": "en-GB"}
_FIXED = datetime(2000, 1, 1)
_DPI = 120  # of pictures; those of figures have more
_COLOURS = 16  # of pictures, each half a byte; twice as many where there are more areas
_GREYS = (0x26, 0x6B, 0x9A, 0xC8)  # of letters and their edges
_AREA = 30  # pixels of a colour by which it is one of an area, as of a mark
_UNLIKE = 2  # colours at least for what else there is, as thin lines
_NEAR = 40  # of 255, how much a colour may differ from that in its place
_TWIP, _INCH = 635, 914400  # in EMU
_PAGE, _MARGIN = (11906, 16838), 1276  # A4, in twips
_TALLEST = 12200  # of a picture, in twips
_SHRUNK = 1.25  # how much taller pictures are made smaller rather than cut
_FONT = "Calibri"
_KEPT = {
    "Normal", "Header", "Footer", "Subtitle", "Caption", "Quote", "Default Paragraph Font",
    "Normal Table", "No List", *(f"Heading {n}" for n in range(1, 5)),
    *(f"List {kind}{n}" for kind in ("Bullet", "Number") for n in ("", " 2", " 3")),
}  # fmt: skip
_SIZES = {"Heading 1": 18, "Heading 2": 14, "Heading 3": 12, "Heading 4": 11}
_CELL, _NOTE = "TableText", "Note"
#: What of a page is for its readers on a screen.
_ON_SCREEN = {"nav", "script", "style", "template", "button"}
_FILES = "files"
_INLINE = {
    "a", "abbr", "b", "br", "code", "em", "i", "img", "kbd", "small", "span", "strong", "sub",
    "sup", "svg", "time", "var",
}  # fmt: skip
_MARKS = {"strong": "b", "b": "b", "em": "i", "i": "i", "sub": "_", "sup": "^", "code": "c"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CHARACTER, _PADDING = 92, 130  # how wide they are in a table, in twips


def document(
    page: str,
    pictures: Mapping[str, bytes] | None = None,
    *,
    internal: bool = False,
    landscape: bool = False,
) -> bytes:
    """Return a page as a Word document.

    Its headings, paragraphs, lists, tables and figures come one by one, what is closed on the page
    too; what is for a screen alone (``nav``, links to files) is left out. Tables and figures are
    numbered and have their captions above and notes below them, as APA asks for.

    Parameters
    ----------
    page : str
        HTML with its language, its title and ``main``.
    pictures : mapping of str to bytes, optional
        PNG by the id of the figure, for those of its figures that are to be seen; see `slim`. What
        is much taller than a page is cut where nothing is drawn.
    internal : bool, default False
        Whether every sheet says that it is for the project's own people only.
    landscape : bool, default False
        Whether the paper lies on its side.

    Returns
    -------
    bytes
        The same for the same page.
    """
    root = markup.document_fromstring(page)
    words = Words(root.get("lang"))
    docx = Document(io.BytesIO(_template(words.locale)))
    section = docx.sections[0]
    size = _PAGE[::-1] if landscape else _PAGE
    section.page_width, section.page_height = (Emu(each * _TWIP) for each in size)
    if landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
    if internal:
        section.header.paragraphs[0].text = words.text(
            "Internal: for the project's own people only"
        )
    about = docx.core_properties
    about.title = _plain(root.findtext(".//title") or "")[:255]
    about.language = _TAGS[words.locale]
    writer = _Writer(docx, words, pictures or {}, size[0] - 2 * _MARGIN)
    content = "".join(writer.blocks(next(root.iter("main"))))
    body = docx.element.body
    for element in parse_xml(f"<w:body {nsdecls('w', 'r')}>{content}</w:body>"):
        body.insert_element_before(element, "w:sectPr")
    return _packed(docx)


@dataclass
class _Writer:
    """What turns a page's elements into Word's, and counts tables and figures."""

    docx: Docx
    words: Words
    pictures: Mapping[str, bytes]
    width: int
    counts: Counter = field(default_factory=Counter)

    def blocks(self, parent: etree._Element) -> Iterator[str]:
        """Yield what stands in an element; text and inline elements make paragraphs."""
        inline: list[object] = [parent.text or ""]
        for child in parent:
            if isinstance(child.tag, str) and child.tag not in _INLINE:
                yield self._paragraph(inline)
                yield from self.block(child)
                inline = []
            else:
                inline.append(child)
            inline.append(child.tail or "")
        yield self._paragraph(inline)

    def block(self, element: etree._Element) -> Iterator[str]:
        """Yield one element of the page."""
        kind, tag = {*(element.get("class") or "").split()}, element.tag
        if tag in _ON_SCREEN or {_FILES, "hint"} & kind or element.get("hidden") is not None:
            return
        if re.fullmatch(r"h[1-6]", tag):
            yield self._paragraph([element], f"Heading{min(int(tag[1]), 4)}")
        elif tag == "summary":
            heading = any(re.fullmatch(r"h[1-6]", str(each.tag)) for each in element)
            yield from self.blocks(element) if heading else [self._paragraph([element], "Heading2")]
        elif tag == "p":
            style, marks = "Subtitle" * ("place" in kind), "i" * ("asked" in kind)
            yield self._paragraph([element], style, marks=marks)
        elif tag in ("ul", "ol"):
            yield from self._list(element)
        elif tag == "dl":
            yield from self._definitions(element)
        elif tag == "table":
            yield from self._table(element)
        elif tag == "figure":
            yield from self._figure(element)
        elif tag == "blockquote":
            yield self._paragraph([element], "Quote")
        else:
            yield from self.blocks(element)

    def _paragraph(
        self, parts: Sequence[Any], style: str = "", *, marks: str = "", more: str = ""
    ) -> str:
        runs = _joined(self._runs(parts, marks))
        return _p(runs, style, more) if runs else ""

    def _runs(self, parts: Iterable[Any], marks: str) -> Iterator[tuple[str, str]]:
        """Yield pieces of text with their marks, and pieces of XML with none."""
        for part in parts:
            if isinstance(part, str):
                yield part, marks
            elif not isinstance(part.tag, str) or part.tag in _ON_SCREEN:
                continue
            elif part.tag == "br":
                yield "<w:r><w:br/></w:r>", ""
            elif part.tag in ("img", "svg"):
                yield part.get("alt") or part.get("aria-label") or "", marks
            else:
                own = marks + _MARKS.get(part.tag, "")
                inner = [part.text or ""]
                for child in part:
                    inner += [child, child.tail or ""]
                if part.tag in ("p", "div", "li", "dd") or part.get("class"):
                    yield " ", marks  # what the stylesheet keeps apart
                address = part.get("href") or ""
                if address.startswith(("http:", "https:", "mailto:")):
                    kind = RELATIONSHIP_TYPE.HYPERLINK
                    link = self.docx.part.relate_to(address, kind, is_external=True)
                    runs = _joined(self._runs(inner, own))
                    yield f'<w:hyperlink r:id="{link}">{runs}</w:hyperlink>', ""
                else:
                    yield from self._runs(inner, own)

    def _list(self, element: etree._Element, level: int = 1) -> Iterator[str]:
        numbered = element.tag == "ol"
        style = f"List{'Number' if numbered else 'Bullet'}{min(level, 3) if level > 1 else ''}"
        more = self._numbered(min(level, 3)) if numbered else ""
        for item in element.iterchildren("li"):
            inline: list[object] = [item.text or ""]
            inner: list[etree._Element] = []
            for child in item:
                nested = child.tag in ("ul", "ol", "table", "figure", "dl", "div", "details")
                (inner if nested else inline).append(child)
                inline.append(child.tail or "")
            kinds = (item.get("class") or "").split()
            if "group" in kinds:
                yield _p(_joined(self._runs(inline, "b")), "", "<w:keepNext/>")
            elif "background" in kinds:
                yield self._paragraph(inline, _NOTE)
            else:
                yield self._paragraph(inline, style, more=more)
            for child in inner:
                lists = child.tag in ("ul", "ol")
                yield from self._list(child, level + 1) if lists else self.block(child)

    def _numbered(self, level: int) -> str:
        """Begin a numbered list anew."""
        styles, numbering = self.docx.styles, self.docx.part.numbering_part.element
        style = styles["List Number" + (f" {level}" if level > 1 else "")]
        of = next(style.element.iter(qn("w:numId"))).val
        kind = numbering.num_having_numId(of).abstractNumId.val
        number = numbering.add_num(kind)
        number.add_lvlOverride(0).add_startOverride(1)
        return f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{number.numId}"/></w:numPr>'

    def _definitions(self, element: etree._Element) -> Iterator[str]:
        term = ""
        for child in element.iter("dt", "dd"):
            if child.tag == "dt":
                term = _plain(child.text_content())
            else:
                head = [(f"{term}: ", "b")] if term else []
                yield _p(_joined([*head, *self._runs([child], "")]))
                term = ""

    def _caption(self, kind: str, text: str) -> str:
        """Return the number of a table or figure, and what it is of."""
        self.counts[kind] += 1
        number = (
            f'<w:fldSimple w:instr=" SEQ {escape(kind)} \\* ARABIC ">'
            f"{_run(str(self.counts[kind]), 'b')}</w:fldSimple>"
        )
        of = "<w:r><w:br/></w:r>" + _run(text, "i") if text else ""
        return _p(_run(f"{kind} ", "b") + number + of, "Caption", "<w:keepNext/>")

    def _notes(self, notes: Sequence[str]) -> Iterator[str]:
        """Yield notes beneath a table or figure."""
        for number, note in enumerate(notes):
            first = _run(f"{self.words.text('Note.')} ", "i") if number == 0 else ""
            yield _p(first + _run(note, ""), _NOTE)

    def _figure(self, element: etree._Element) -> Iterator[str]:
        caption = element.find(".//figcaption")
        said = _plain(caption.text_content()) if caption is not None else ""
        title = element.get("aria-label") or ""
        drawn = next(element.iter("img", "svg"), None)
        alt = "" if drawn is None else drawn.get("alt") or drawn.get("aria-label") or ""
        png = self.pictures.get(element.get("id") or "")
        yield self._caption(self.words.text("Figure"), title)
        if png:
            yield from self._picture(png, alt, title, "<w:keepNext/>" if said else "")
        elif alt:
            yield _p(_run(alt, ""))
        yield from self._notes([said] if said else [])

    def _picture(self, png: bytes, alt: str, title: str, more: str) -> Iterator[str]:
        told = alt
        for piece, width, height in _pieces(png, self.width * _TWIP):
            size = (Emu(width), Emu(height))
            inline = self.docx.part.new_pic_inline(io.BytesIO(piece), *size)
            inline.docPr.set("name", title[:80] or self.words.text("Figure"))
            inline.docPr.set("descr", _CONTROL.sub("", told))
            drawing = etree.tostring(inline, encoding="unicode")
            yield _p(f"<w:r><w:drawing>{drawing}</w:drawing></w:r>", "", more)
            told = self.words.text("The figure goes on.")

    def _table(self, element: etree._Element) -> Iterator[str]:
        caption = element.find("caption")
        heads: list[list[_Cell]] = []
        lines: list[list[_Cell]] = []
        notes = []
        for row in element.iter("tr"):
            cells = [_Cell.of(cell) for cell in row.iterchildren("th", "td")]
            if row.getparent().tag == "tfoot":
                notes += [cell.text for cell in cells if cell.text]
            else:
                (heads if row.getparent().tag == "thead" else lines).append(cells)
        if not heads and not lines:
            return
        said = _plain(caption.text_content()) if caption is not None else ""
        yield self._caption(self.words.text("Table"), said)
        yield _table(heads, lines, self.width, said, noted=bool(notes))
        yield from self._notes(notes)
        yield _p("", _NOTE) if not notes else ""


@dataclass(frozen=True)
class _Cell:
    """A cell of a table: its text, how many columns and rows it takes, and how it stands."""

    text: str
    across: int = 1
    down: int = 1
    side: str = "right"
    bold: bool = False

    @classmethod
    def of(cls, element: etree._Element) -> _Cell:
        scope, kind = element.get("scope"), (element.get("class") or "").split()
        left = scope in ("row", "rowgroup") or "words" in kind
        return cls(
            _plain(element.text_content()),
            int(element.get("colspan") or 1),
            int(element.get("rowspan") or 1),
            "center" if scope == "colgroup" else "left" if left else "right",
            scope == "rowgroup",
        )


def _table(
    heads: Sequence[Sequence[_Cell]],
    lines: Sequence[Sequence[_Cell]],
    room: int,
    caption: str,
    *,
    noted: bool,
) -> str:
    rows = []
    # columns that cells above reach down into: for how many rows more, and how many columns
    held: dict[int, tuple[int, int]] = {}
    for cells in (*heads, *lines):
        placed, left, at = [], list(cells), 0
        while left or held.get(at, (0, 0))[0]:
            deeper, across = held.get(at, (0, 0))
            cell = _Cell("", across) if deeper else left.pop(0)
            merged = "<w:vMerge/>" if deeper else ""
            if deeper:
                held[at] = (deeper - 1, across)
            elif cell.down > 1:
                held[at], merged = (cell.down - 1, cell.across), '<w:vMerge w:val="restart"/>'
            placed.append((at, cell, merged))
            at += cell.across
        rows.append(placed)
    n = max(at + cell.across for placed in rows for at, cell, _ in placed)
    within = [(at, cell) for placed in rows[len(heads) :] for at, cell, _ in placed]
    told = {at for at, cell in within if cell.text and cell.across == 1}
    blank = {*range(n)} - told if within else set()  # to be filled in
    lines_within = f"{_border('insideH', 4)}{_border('insideV', 4)}" if blank else ""
    widths = _widths(rows, len(heads), room, blank)
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    xml = [
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>'
        f"{_border('top', 8)}{_border('bottom', 8)}{lines_within}</w:tblBorders>"
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="50" w:type="dxa"/>'
        '<w:right w:w="50" w:type="dxa"/></w:tblCellMar><w:tblLook w:val="0020"/>'
        f"<w:tblCaption w:val={quoteattr(_CONTROL.sub('', caption))}/></w:tblPr>"
        f"<w:tblGrid>{grid}</w:tblGrid>"
    ]
    for number, placed in enumerate(rows):
        head = number < len(heads)
        xml.append(f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if head else ''}</w:trPr>")
        for at, cell, merged in placed:
            width = sum(widths[at : at + cell.across])
            span = f'<w:gridSpan w:val="{cell.across}"/>' if cell.across > 1 else ""
            under = number == len(heads) - 1 or (head and cell.side == "center")
            line = f"<w:tcBorders>{_border('bottom', 4)}</w:tcBorders>" if head and under else ""
            last = noted and number == len(rows) - 1
            together = "<w:keepNext/>" if head or cell.bold or last else ""
            xml.append(
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{span}{merged}{line}'
                f'<w:vAlign w:val="bottom"/></w:tcPr>'
                f"{_p(_run(cell.text, 'b' if cell.bold else ''), _CELL, together, cell.side)}"
                "</w:tc>"
            )
        xml.append("</w:tr>")
    return "".join([*xml, "</w:tbl>"])


def _widths(
    rows: Sequence[Sequence[tuple[int, _Cell, str]]], heads: int, room: int, blank: set[int]
) -> list[int]:
    """Return how wide columns are, in twips: as their texts ask for, and no more than there is.

    What is left belongs to blank columns.
    """
    n = max(at + cell.across for placed in rows for at, cell, _ in placed)
    wanted, least = [3] * n, [3] * n
    for number, placed in enumerate(rows):
        for at, cell, _ in placed:
            if cell.across == 1 and cell.text:
                word = max(map(len, re.split(r"[ -]", cell.text)))
                whole = len(cell.text)
                if number < heads or cell.side == "left":  # may take several lines
                    whole = max(word, min(whole, 16 if number < heads else 34))
                    least[at] = max(least[at], min(word, 20))
                else:
                    least[at] = max(least[at], whole)
                wanted[at] = max(wanted[at], whole, least[at])
    asked = [_CHARACTER * each + _PADDING for each in wanted]
    if sum(asked) <= room:
        more = (room - sum(asked)) // len(blank) if blank else 0
        return [each + more * (at in blank) for at, each in enumerate(asked)]
    floor = [_CHARACTER * each + _PADDING for each in least]
    spare = max(0, room - sum(floor)) / max(1, sum(asked) - sum(floor))
    widths = [low + (high - low) * spare for low, high in zip(floor, asked, strict=True)]
    return [int(width * min(1, room / sum(widths))) for width in widths]


def _border(side: str, size: int) -> str:
    return f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="404040"/>'


def _p(runs: str, style: str = "", more: str = "", side: str = "") -> str:
    """Return a paragraph; Word wants its properties in this order."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    stands = f'<w:jc w:val="{side}"/>' if side else ""
    return f"<w:p><w:pPr>{named}{more}{stands}</w:pPr>{runs}</w:p>"


def _run(text: str, marks: str) -> str:
    if not text:
        return ""
    properties = '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas"/>' if "c" in marks else ""
    properties += ("<w:b/>" if "b" in marks else "") + ("<w:i/>" if "i" in marks else "")
    for mark, place in (("_", "subscript"), ("^", "superscript")):
        properties += f'<w:vertAlign w:val="{place}"/>' if mark in marks else ""
    told = escape(_CONTROL.sub("", text))
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{told}</w:t></w:r>'


def _joined(pieces: Iterable[tuple[str, str]]) -> str:
    """Return pieces as runs, with single spaces between words and none at the ends."""
    runs: list[tuple[str, str]] = []
    space = True
    for text, marks in pieces:
        if text.startswith("<w:"):
            runs.append((text, "xml"))
            space = False
            continue
        text = re.sub(r"[ \t\r\n\f]+", " ", text)
        text = text[1:] if space and text.startswith(" ") else text
        if text:
            runs.append((text, marks))
            space = text.endswith(" ")
    while runs and runs[-1][1] != "xml" and not runs[-1][0].strip(" "):
        runs.pop()
    if runs and runs[-1][1] != "xml":
        runs[-1] = (runs[-1][0].rstrip(" "), runs[-1][1])
    return "".join(text if marks == "xml" else _run(text, marks) for text, marks in runs)


def _plain(text: str) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text).strip(" ")


def slim(png: bytes) -> bytes:
    """Return a picture with as many points and colours as print asks for, and as large on paper."""
    with Image.open(io.BytesIO(png)) as image:
        dpi = _dpi(image)
        # paper is white, also where fewer colours have made it nearly so
        drawn = image.convert("RGB").point(lambda level: 255 if level > 249 else level)
    if dpi > _DPI:
        width, height = (max(1, round(each * _DPI / dpi)) for each in drawn.size)
        # finer methods draw borders of their own beside lines, which take colours
        drawn = drawn.resize((width, height), Image.Resampling.BOX)
    few = drawn.quantize(palette=_palette(drawn), dither=Image.Dither.NONE)
    return _saved(few, min(dpi, _DPI))


def _palette(drawn: Image.Image) -> Image.Image:
    """Return the colours of areas as they are, those of letters, and a few unlike all of these."""
    pixels = np.asarray(drawn)
    codes = pixels @ np.array([1 << 16, 1 << 8, 1])
    corner = codes[1:, 1:]
    flat = (corner == codes[:-1, 1:]) & (corner == codes[1:, :-1]) & (corner == codes[:-1, :-1])
    shades, n = np.unique(corner[flat], return_counts=True)
    shades = shades[np.argsort(-n, kind="stable")][: (n >= _AREA).sum()]
    beside = len(_GREYS) + _UNLIKE
    room = _COLOURS if len(shades) + beside <= _COLOURS else 2 * _COLOURS
    shades = shades[: room - beside]
    taken = [*((shades[:, None] >> (16, 8, 0)) & 255).ravel(), *np.repeat(_GREYS, 3)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(taken)
    near = drawn.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")
    far = pixels[np.abs(np.asarray(near, dtype=int) - pixels).max(axis=2) > _NEAR]
    if len(far):
        left = room - len(taken) // 3
        unlike = Image.fromarray(far[None]).quantize(left, Image.Quantize.MAXCOVERAGE)
        palette.putpalette([*taken, *(unlike.getpalette() or ())])
    return palette


def _dpi(image: Image.Image) -> float:
    return image.info.get("dpi", (96, 96))[0]


def _saved(image: Image.Image, dpi: float) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(dpi, dpi), compress_level=9)
    return content.getvalue()


def _pieces(png: bytes, width: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield a picture's parts, each no taller than a page, with their size on paper in EMU.

    Parameters
    ----------
    png : bytes
    width : int
        Of the text, in EMU.
    """
    with Image.open(io.BytesIO(png)) as image:
        image.load()
    dpi, (across, down) = _dpi(image), image.size
    unit = min(_INCH / dpi, width / across)
    room = int(_TALLEST * _TWIP / unit)
    if down <= room * _SHRUNK:
        unit *= min(1, room / down)
        yield png, int(across * unit), int(down * unit)
        return
    blank = np.asarray(image.convert("L")).min(axis=1) == 255
    top = 0
    while top < down:
        end = min(top + room, down)
        if end < down:  # between two lines, where there are some
            rows = np.flatnonzero(blank[top + room // 2 : end])
            end = top + room // 2 + int(rows[-1]) if len(rows) else end
        piece = image.crop((0, top, across, end))
        yield _saved(piece, dpi), int(across * unit), int((end - top) * unit)
        top = end


@cache
def _template(language: str) -> bytes:
    """Return an empty document in a language with the styles that pages need and no others."""
    docx = Document()
    _set_styles(docx.styles, language)
    settings = docx.settings.element
    for theme in settings.iter(qn("w:themeFontLang")):
        theme.set(qn("w:val"), _TAGS[language])
    compat = settings.find(qn("w:compat"))
    if compat is not None:
        compat.append(
            parse_xml(
                f'<w:compatSetting {nsdecls("w")} w:name="compatibilityMode" '
                'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
            )
        )
    section = docx.sections[0]
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Emu(_MARGIN * _TWIP))
    number = section.footer.paragraphs[0]._p
    number.append(parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr=" PAGE "><w:r/></w:fldSimple>'))
    section.footer.paragraphs[0].alignment = 1
    about = docx.core_properties
    about.author = about.last_modified_by = "loftet_analysis"
    about.comments = ""
    about.revision, about.created, about.modified = 1, _FIXED, _FIXED
    unused = ("thumbnail", "customXml", "stylesWithEffects", "webSettings")
    for relations in (docx.part.package.rels, docx.part.rels):
        for key, each in [*relations.items()]:
            if each.reltype.rpartition("/")[2] in unused:
                del relations[key]
    return _packed(docx)


def _set_styles(styles: Styles, language: str) -> None:
    """Keep the styles that pages need, and set their fonts, spaces and language."""
    for style in [*styles.element.findall(qn("w:style"))]:
        name = style.find(qn("w:name")).get(qn("w:val"))
        if name.lower() not in {each.lower() for each in _KEPT}:
            styles.element.remove(style)
        for link in style.findall(qn("w:link")):
            style.remove(link)
    for latent in styles.element.findall(qn("w:latentStyles")):
        styles.element.remove(latent)
    for spacing in styles["Subtitle"].element.rPr.findall(qn("w:spacing")):
        styles["Subtitle"].element.rPr.remove(spacing)
    for name, size in {"Normal": 10.5, "Subtitle": 11, "Caption": 10, **_SIZES}.items():
        font = styles[name].font
        font.name, font.size, font.color.rgb = _FONT, Pt(size), RGBColor(0x22, 0x22, 0x22)
        font.italic = False
        font.bold = name in _SIZES
        fonts = styles[name].element.rPr.rFonts
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    styles["Caption"].paragraph_format.space_before = Pt(12)
    styles["Caption"].paragraph_format.space_after = Pt(3)
    for name, called, size in ((_CELL, "Table Text", 8.5), (_NOTE, "Note", 8.5)):
        style = styles.add_style(called, WD_STYLE_TYPE.PARAGRAPH)
        style.element.set(qn("w:styleId"), name)
        style.base_style, style.font.size = styles["Normal"], Pt(size)
        style.paragraph_format.space_after = Pt(0 if name == _CELL else 2)
        style.paragraph_format.space_before = Pt(2 if name == _NOTE else 0)
        style.paragraph_format.line_spacing = 1
    spoken = styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    spoken.set(qn("w:val"), _TAGS[language])


def _packed(docx: Docx) -> bytes:
    """Return a document as a file that tells no time."""
    saved, content = io.BytesIO(), io.BytesIO()
    docx.save(saved)
    with (
        zipfile.ZipFile(saved) as parts,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as whole,
    ):
        # the list of parts comes first
        for name in sorted(parts.namelist(), key=lambda name: (not name.startswith("["), name)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            stored = name.endswith(".png")
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            whole.writestr(entry, parts.read(name))
    return content.getvalue()
