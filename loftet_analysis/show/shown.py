"""Something that passed the gate and was drawn: as a notebook shows it and as a page takes it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable)
#: Where an output of a notebook holds what it is in every language; pages are made of it alone.
SHOWN = "application/vnd.loftet.shown+json"
#: Where the last output of a batch run holds the tables that the notebook keeps, and what it read.
KEPT = "application/vnd.loftet.kept+json"
#: That last cell.
HANDOVER = "from loftet_analysis.show.session import hand_over\n\nhand_over()"


@dataclass(frozen=True)
class Drawn:
    """What one reader sees.

    Attributes
    ----------
    html : str
        The table, the figure with its alt text, or the sentences. The picture of a figure is
        named there as the file that it is on pages, ``<name>.svg``.
    text : str
        The same where only plain text can be shown.
    svg, png : bytes
        Of a figure.
    numbers : mapping of str to str
        Of a figure: each frame that it was drawn from as CSV, by the parameter of the drawing
        function that took it; the first by the empty text.
    phone : bytes
        SVG that a phone shows instead of the figure, ``<name>.phone.svg``; empty where there is
        none.
    """

    html: str
    text: str
    svg: bytes = b""
    png: bytes = b""
    numbers: Mapping[str, str] = field(default_factory=dict)
    phone: bytes = b""


@dataclass(frozen=True)
class Shown:
    """A result in the languages of the study, as an output of a notebook.

    Attributes
    ----------
    drawn : mapping of str to Drawn
        By language; a notebook shows the first.
    name : str
        The file of its figure, the id of its table; empty for text.
    named : bool
        Whether the notebook gave the name. Others are unlike in one notebook only.
    """

    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    name: str = ""
    named: bool = True

    @property
    def first(self) -> Drawn:
        """As in the first language."""
        return next(iter(self.drawn.values()))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        pages: dict[str, dict[str, Any]] = {}
        for language, each in self.drawn.items():
            pages[language] = {"html": each.html}
            if each.svg:
                pages[language]["svg"] = each.svg.decode("utf-8")
                pages[language]["png"] = base64.b64encode(each.png).decode("ascii")
                pages[language]["numbers"] = dict(each.numbers)
            if each.phone:
                pages[language]["phone"] = each.phone.decode("utf-8")
        return {
            "text/html": self._repr_html_(),
            "text/plain": self.first.text,
            SHOWN: {"name": self.name, "named": self.named, "pages": pages},
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows, where no file lies beside it."""
        svg = base64.b64encode(self.first.svg).decode("ascii")
        inline = f'src="data:image/svg+xml;base64,{svg}"'
        shown = re.sub(r"<source[^>]*>", "", self.first.html)
        return shown.replace(f'src="{self.name}.svg"', inline, 1)

    def __repr__(self) -> str:
        return self.first.text


def line(text: str, *, kind: str) -> Drawn:
    """Return one line of text as a paragraph of a class."""
    return Drawn(f'<p class="{kind}">{html.escape(text)}</p>', text)


def bullets(lines: Sequence[str], last: str = "") -> Drawn:
    """Return lines as a list; the `last` one stands back."""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in lines)
    items += f'<li class="background">{html.escape(last)}</li>' if last else ""
    return Drawn(f'<ul class="reading">{items}</ul>', "\n".join(filter(None, [*lines, last])))


def view(
    *, title: str = "", drawn: str = "", counted: str = "", nothing: str = ""
) -> Callable[[F], F]:
    """Say of a drawing function what there is to draw, and what is said where there is nothing.

    Parameters
    ----------
    title : str
        Message id of what a figure is, without what it is of.
    drawn : str
        The column that is drawn: where it is empty in every row, a line says so instead.
    counted : str
        The column that counts: rows of nobody, or of so few that rounding leaves none, are left
        out, since a zero would tell that there is somebody.
    nothing : str
        Message id of the line for a frame without rows.
    """

    def noted(draw: F) -> F:
        vars(draw).update(title=title, drawn=drawn, counted=counted, nothing=nothing)
        return draw

    return noted
