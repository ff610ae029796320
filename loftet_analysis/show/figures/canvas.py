"""What all figures share: size, colours, letters, axes, and how they are saved."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib import font_manager, ft2font
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path
from matplotlib.ticker import Formatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from loftet_analysis.show.languages import Words

WIDTH = 6.5
# inches: around a figure, between axes and what stands beside them, and what a legend over the
# panels, tick labels, and a label beneath these take
EDGE, BESIDE, LEGEND, TICKS, LABEL = 0.06, 6 / 72, 0.32, 0.25, 0.18
_BELOW_TICKS = 19  # points
_DPI = 200
INK, GREY, PALE = "#222222", "#6b6b6b", "#e6e6e6"
BLUE, ORANGE, GREEN = (sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2))
# colour and shape together, so that the marks differ in grey too
MARKS = {
    "linked_change": (BLUE, "o"),
    "same_grade": (ORANGE, "D"),
    "school_change": (GREEN, "s"),
    "cohort_change": (INK, "v"),
    "programme_vs_comparison": (INK, "^"),
    "lowest_fifth": (GREY, "P"),
    "participants": (BLUE, "o"),
    "colleagues": (ORANGE, "D"),
    "participants_vs_colleagues": (INK, "^"),
}
_OTHER_FONTS = "font.enable_last_resort"
STYLE = {
    **sns.axes_style("ticks"),
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": INK,
    # a title stands where it is put, so nobody looks for what it might run into
    "axes.titley": 1.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "svg.fonttype": "path",
    "text.hinting": "none",  # letters of both formats are the same, and drawn faster
    _OTHER_FONTS: False,
}


def _font(file: str, **options: object) -> ft2font.FT2Font:
    """Return a font; for figures of this style one whose letters are looked up in memory."""
    if mpl.rcParams[_OTHER_FONTS]:
        return ft2font.FT2Font(file, **options)
    return ft2font.FT2Font(io.BytesIO(Path(file).read_bytes()), **options)


# Text is a third of what a figure costs, and most of that is Python seeking and reading in the
# font's file, letter by letter. Other figures keep their files, whose names a PDF asks for. The
# letters are the same; a matplotlib that opens fonts elsewhere draws them as before.
font_manager.ft2font = SimpleNamespace(**{**vars(ft2font), "FT2Font": _font})


@dataclass(frozen=True)
class Drawing:
    """A finished figure with what is said of it."""

    figure: Figure
    caption: str
    alt: str


def saved(drawing: Drawing, *, salt: str) -> tuple[bytes, bytes]:
    """Return a drawing as SVG and PNG, the same bytes each time.

    Parameters
    ----------
    drawing : Drawing
        Drawn once; both formats come from the same artists.
    salt : str
        Keeps the ids inside the SVG apart from those of another figure on the same page.
    """
    svg = io.BytesIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": salt}):
        for ax in drawing.figure.axes:
            for axis in (ax.xaxis, ax.yaxis):
                if not axis.label.get_text():
                    # or else its place is looked for in each format
                    axis.set_label_coords(0, 0)
        about = {"Date": None, "Creator": None, "Title": drawing.caption}
        drawing.figure.savefig(svg, format="svg", metadata=about)
        drawing.figure.set_dpi(_DPI)
        drawing.figure.canvas.draw()
    return _lean(svg.getvalue()), _png(drawing.figure.canvas)


def _png(canvas: FigureCanvasAgg) -> bytes:
    """Return what is drawn as PNG, without the transparency that no figure has."""
    png = io.BytesIO()
    size, pixels = canvas.get_width_height(), canvas.buffer_rgba()
    picture = Image.frombytes("RGB", size, pixels, "raw", "RGBX", 0, 1)
    picture.save(png, format="png", compress_level=3, dpi=(_DPI, _DPI))
    return png.getvalue()


def _lean(svg: bytes) -> bytes:
    """Return the same drawing in fewer bytes: letters are placed by ``x`` and have short ids."""
    text = svg.decode("utf-8").replace("DejaVuSans-Bold-", "b").replace("DejaVuSans-", "g")
    text = re.sub(r"\n\s+", "\n", text)
    moved = r'(<use [^>]*?) transform="translate\((-?\d+(?:\.\d)?)\d* 0\)"/>'
    text = re.sub(moved, r'\1 x="\2"/>', text)
    return text.encode("utf-8")


def blank(height: float) -> Figure:
    """Return an empty figure of report width; height in inches."""
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure


def place(ax: Axes, left: float, top: float, width: float, height: float) -> Axes:
    """Put axes where they are to be: all in inches, from the figure's upper left corner."""
    whole = ax.figure.get_figheight()
    ax.set_position(
        (left / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole), which="both"
    )
    return ax


def multiples(
    rows: Sequence[tuple[float, float, float]],
    columns: int,
    *,
    left: float = EDGE,
    right: float = EDGE,
    between: float = 0.2,
    top: float = EDGE,
    bottom: float = 0,
    **sharing: bool | str,
) -> tuple[Figure, np.ndarray]:
    """Return a figure of small panels of one width and their axes, shape (rows, columns).

    Parameters
    ----------
    rows : sequence of (float, float, float)
        The room over the panels of a row, their height, and the room beneath, in inches. What is
        written beside a panel has to fit there: nothing is measured.
    columns : int
        Panels in a row.
    left, right, between, top, bottom : float, optional
        The room around all panels and between columns, in inches.
    **sharing
        Passed to `Figure.subplots`: ``sharex`` and ``sharey``.
    """
    figure = blank(top + sum(map(sum, rows)) + bottom)
    grid = figure.subplots(len(rows), columns, squeeze=False, **sharing)
    width = (WIDTH - left - right - between * (columns - 1)) / columns
    for line, (over, height, beneath) in zip(grid, rows, strict=True):
        for i, ax in enumerate(line):
            place(ax, left + i * (width + between), top + over, width, height)
        top += over + height + beneath
    return figure, grid


@lru_cache(maxsize=4096)
def text_width(text: str, *, weight: str = "normal", size: float = 9) -> float:
    """Return how wide a line of text is, in inches."""
    font = FontProperties(family=STYLE["font.family"], weight=weight, size=size)
    # letters may be a little wider where they are fitted to pixels
    return 1.03 * text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def wrapped(text: str, inches: float, *, weight: str = "normal", size: float = 9) -> list[str]:
    """Return the lines of a text that is to be no wider than so many inches."""

    def width(text: str) -> float:
        return text_width(text, weight=weight, size=size)

    def fits(line: str) -> bool:
        # word by word, since words come again and lines do not
        words = line.split(" ")
        return sum(map(width, words)) + blank_width * (len(words) - 1) <= inches

    blank_width = width("a a") - 2 * width("a")
    lines = [""]
    for word in text.split(" "):
        line = f"{lines[-1]} {word}".lstrip(" ")
        if fits(line):
            lines[-1] = line
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and not fits(lines[-1] + letter):
                lines.append("")
            lines[-1] += letter
    return lines


def over_row(ax: Axes, title: str, *, above: float) -> None:
    """Put a bold title over a row of panels, from the figure's left edge; above in points."""
    ax.annotate(
        title,
        (0, 1),
        xycoords=("figure fraction", "axes fraction"),
        xytext=(72 * EDGE, above),
        textcoords="offset points",
        va="bottom",
        weight="bold",
        size=10,
    )


def legend_over(figure: Figure, handles: Iterable[Artist]) -> Legend:
    """Put a legend in one line into the figure's upper right corner; it needs `LEGEND` inches."""
    handles = list(handles)
    return figure.legend(handles=handles, loc="upper right", ncols=len(handles), frameon=False)


def label_below(ax: Axes, label: str) -> None:
    """Write what the x axis is of beneath its tick labels; it needs `LABEL` inches."""
    ax.set_xlabel(label)
    down = ScaledTranslation(0, -_BELOW_TICKS / 72, ax.figure.dpi_scale_trans)
    ax.xaxis.set_label_coords(0.5, 0, transform=ax.transAxes + down)


def label_at_bottom(figure: Figure, label: str) -> None:
    """Write what the x axes of all panels are of at the figure's lower edge; needs `LABEL`."""
    places = [ax.get_position() for ax in figure.axes]
    middle = (min(place.x0 for place in places) + max(place.x1 for place in places)) / 2
    figure.supxlabel(label, size=9, x=middle, y=0.04 / figure.get_figheight())


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes given, or new ones of report size."""
    if ax is None:
        figure = blank(4)
        figure.set_layout_engine("constrained")
        ax = figure.subplots()
    return ax


class _Signed(Formatter):
    """Ticks as signed numbers in the reader's form, with decimals as their distance asks for."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        step = np.diff(values[:2]).item()
        digits = 1 if step > 0.099 else 2
        return [self.words.number(value, digits, signed=True) for value in values]


def effect_axis(ax: Axes, words: Words, *, ticks: int) -> None:
    """Make the x axis one of changes: signed numbers in the reader's form, a line at zero."""
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(_Signed(words))
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


def titled(ax: Axes, title: str, beneath: str, *, inches: float = 2.9) -> None:
    """Put a bold title over the axes, and plain text beneath it, no wider than so many inches."""
    title, beneath, _ = _title_lines(title, beneath, inches)
    lines = beneath.count("\n") + 1
    ax.set_title(title, loc="left", weight="bold", pad=7 + 12 * lines)
    ax.annotate(
        beneath,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 5),
        textcoords="offset points",
        va="baseline" if lines == 1 else "bottom",
    )


def room_for_title(title: str, beneath: str, *, inches: float = 2.9) -> float:
    """Return how many inches `titled` needs over the axes."""
    return _title_lines(title, beneath, inches)[2]


def _title_lines(title: str, beneath: str, inches: float) -> tuple[str, str, float]:
    titles = wrapped(title, inches, weight="bold", size=10)
    lines = [line for part in beneath.split("\n") for line in wrapped(part, inches)]
    room = (7 + 12 * len(lines) + 13 * len(titles)) / 72
    return "\n".join(titles), "\n".join(lines), room


def widest(texts: Iterable[str], **looks: object) -> float:
    """Return how wide the widest line of some texts is, in inches."""
    lines = [line for text in texts for line in text.split("\n")]
    return max((text_width(line, **looks) for line in lines), default=0)


def align_left(*panels: Axes) -> None:
    """Move the tick labels of the y axes so that they begin, not end, under one another."""
    labels = [label for ax in panels for label in ax.get_yticklabels()]
    inches = max(widest([label.get_text()], weight=label.get_weight()) for label in labels)
    for ax in panels:
        ax.tick_params(axis="y", pad=72 * (BESIDE + inches))
    for label in labels:
        label.set_horizontalalignment("left")
