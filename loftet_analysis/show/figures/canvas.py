"""What all figures share: size, colours, how panels are placed, and how figures are saved."""

from __future__ import annotations

import gc
import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import Formatter
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike
from PIL import Image

from loftet_analysis.schema import Row
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures.light import lightened
from loftet_analysis.show.languages import Words
from loftet_analysis.show.sentences import no_number

#: Arguments of matplotlib, by name.
Looks = dict[str, Any]
WIDTH = 6.5  # inches
#: Inches of what is drawn for a phone; there letters of 9 points are still 11 pixels high.
PHONE = 3.95
_TALL = 20  # inches of a figure
_DPI, _COLOURS = 200, 64  # of the PNG
# standard deviations: of an axis of changes, and of half an interval that is too wide to stand out
REACH, WIDEST = 0.8, 0.5
#: Labels of arrow heads at the edge of an axis, which no legend shows.
VALUE_BEYOND, LINE_BEYOND = "_value beyond the axis", "_line beyond the axis"
INK, GREY, PALE = "#262626", "#6b6b6b", "#e6e6e6"
BLUE, ORANGE, GREEN = (sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2))
COLOURS = {"blue": BLUE, "orange": ORANGE, "green": GREEN, "ink": INK, "grey": GREY}
STYLE = {
    **sns.axes_style("ticks"),
    "font.family": "sans-serif",
    # what readers have instead is as wide, or narrower
    "font.sans-serif": ["DejaVu Sans", "Bitstream Vera Sans", "Verdana"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titley": 1.0,  # a title stands on its axes, whatever is written above these
    "axes.edgecolor": GREY,
    "svg.fonttype": "none",  # text can be read, searched and copied, and takes little room
    "text.hinting": "none",  # letters of both formats are the same, and drawn faster
    "hatch.linewidth": 0.7,
}
_TITLE: Looks = {"weight": "bold", "size": 10}
_LAYOUT = ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.05, hspace=0)


@dataclass(frozen=True)
class Drawing:
    """A finished figure with its caption and its alt text.

    Of a frame of which it draws only a part, `rows` has that part, by the function's parameter;
    that of the first frame has no name. `phone` is the same with its panels one below the other.
    """

    figure: Figure
    caption: str
    alt: str
    rows: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    phone: Figure | None = None


def saved(drawing: Drawing, salt: str) -> tuple[bytes, bytes]:
    """Return a drawing as SVG and PNG, the same bytes each time.

    Parameters
    ----------
    drawing : Drawing
        Drawn once; both formats come from the same artists.
    salt : str
        Keeps the ids inside the SVG apart from those of another figure on the same page.
    """
    if drawing.figure.get_figheight() > _TALL:
        gc.collect()  # the pixels of the tall figure before it: a hundred megabytes
    svg, png = _svg(drawing.figure, drawing.caption, salt), io.BytesIO()
    with mpl.rc_context(STYLE):
        drawn = io.BytesIO()
        drawing.figure.savefig(drawn, dpi=_DPI, pil_kwargs={"compress_level": 0})
    pixels = Image.open(drawn).convert("RGB")
    # of the methods that keep a colour of which there is little, as in a legend
    method = Image.Quantize.MAXCOVERAGE
    few = pixels.quantize(_COLOURS, method=method, dither=Image.Dither.NONE)
    few.save(png, "PNG", dpi=(_DPI, _DPI), optimize=True)
    return svg, png.getvalue()


def saved_for_phone(drawing: Drawing, salt: str) -> bytes:
    """Return as SVG what a phone shows instead of a drawing; nothing where it shows the same."""
    return _svg(drawing.phone, drawing.caption, salt) if drawing.phone else b""


def _svg(figure: Figure, title: str, salt: str) -> bytes:
    drawn = io.BytesIO()
    about = {"Date": None, "Creator": None, "Title": title}
    with mpl.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure.savefig(drawn, format="svg", metadata=about)
    return lightened(drawn.getvalue().decode()).encode()


def blank(width: float = WIDTH) -> Figure:
    """Return an empty figure, of report width or another; `fitted` gives it its height."""
    figure = Figure((width, 4), layout=_LAYOUT)
    FigureCanvasAgg(figure)
    return figure


def multiples(
    panels: Sequence[object],
    draw: Callable[..., object],
    *,
    columns: int = 2,
    width: float = WIDTH,
    sharex: bool = False,
    sharey: bool | Literal["row"] = False,
) -> tuple[Figure, np.ndarray]:
    """Return a figure of small panels and its axes, shape (rows, columns).

    Parameters
    ----------
    panels : sequence
        What ``draw(ax, panel)`` draws, row by row; a place stays free for None.
    draw : callable
    columns : int, default 2
        Panels in a row, if there are so many.
    width : float, optional
        Inches.
    sharex, sharey : optional
        Passed to `Figure.subplots`.
    """
    figure, columns = blank(width), min(columns, len(panels))
    lines = -(-len(panels) // columns)
    grid = figure.subplots(lines, columns, squeeze=False, sharex=sharex, sharey=sharey)
    for ax, panel in zip_longest(grid.flat, panels):
        if panel is None:
            ax.set_axis_off()
        else:
            draw(ax, panel)
    return figure, grid


def fitted(
    figure: Figure,
    column: Iterable[Axes],
    height: float | Sequence[float],
    caption: str,
    alt: Iterable[str],
    words: Words,
    *,
    xlabel: str = "",
    rows: Mapping[str, pd.DataFrame] | None = None,
    phone: Figure | None = None,
) -> Drawing:
    """Return what is drawn, placed by `fit`, with its caption and its alt text.

    Parameters
    ----------
    figure : Figure
        Its layout is settled here, so that it is not looked for again in each format.
    column : iterable of Axes
        Axes one beneath the other, from the top of the figure to the bottom.
    height : float or sequence of float
        How high these are to be together, or each, without what is written around them; in inches.
    caption : str
        What stands beneath the figure.
    alt : iterable of str
        The sentences that are read aloud instead of it, its answer first.
    words : Words
        The reader's language.
    xlabel : str, optional
        What the x axes of all panels are of.
    rows, phone : optional
        See `Drawing`.
    """
    fit(figure, column, height, xlabel=xlabel)
    caption = " ".join([caption, *_what_arrows_mean(figure, words)])
    return Drawing(figure, caption, alt_texts.heard(alt, words), rows or {}, phone)


def fit(
    figure: Figure, column: Iterable[Axes], height: float | Sequence[float], *, xlabel: str = ""
) -> Figure:
    """Place what is drawn by constrained layout, in a figure as high as its content asks for.

    The parameters are those of `fitted`.
    """
    column = list(column)
    beneath = figure.supxlabel(xlabel, size=9) if xlabel else None
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        if not axis.label.get_text():
            axis.set_label_coords(0, 0)  # or else its place is looked for, tick by tick
    room = np.sum(height) + 1.5 * len(column) + 1  # enough
    figure.set_figheight(room)
    _LAYOUT.execute(figure)
    figure.set_layout_engine(None)
    # from bottom to top what is written around the axes, and in turn with it the axes' heights
    edges = [0, *sorted(edge for ax in column for edge in ax.get_position().intervaly), 1]
    inches = room * np.diff(edges)
    # from bottom to top
    inches[1::2] = (
        height[::-1] if isinstance(height, Sequence) else height * inches[1::2] / inches[1::2].sum()
    )
    shares = np.cumsum([0, *inches]) / inches.sum()
    figure.set_figheight(round(inches.sum(), 3))
    for ax in figure.axes:
        box = ax.get_position()
        low, high = np.interp(box.intervaly, edges, shares)
        # the solver's last digits differ from time to time
        ax.set_position(Bbox.from_bounds(*np.round([box.x0, low, box.width, high - low], 6)))
    if beneath:
        ends = [x for ax in figure.axes for x in ax.get_position().intervalx]
        y = beneath.get_position()[1] * room / inches.sum()
        width = beneath.get_window_extent().width / figure.bbox.width
        beneath.set_position((min((min(ends) + max(ends)) / 2, 0.99 - width / 2), y))
    return figure


def _what_arrows_mean(figure: Figure, words: Words) -> Iterator[str]:
    """Yield what the arrow heads are that `changes` has drawn, if any."""
    there = {line.get_label() for ax in figure.axes for line in ax.lines}
    if VALUE_BEYOND in there:
        yield words.text("Arrow without a mark: the value lies beyond the axis.")
    if LINE_BEYOND in there:
        yield words.text("A line that ends in an arrow goes on beyond the axis.")


def legend(figure: Figure, handles: Sequence[Artist], *, across: int = 0) -> None:
    """Put a legend over all panels from the left, in one line or with so many entries in one."""
    looks: Looks = {"ncols": across or len(handles), "frameon": False, "borderpad": 0}
    figure.legend(handles=handles, loc="outside upper left", **looks)


def wrapped(text: str, letters: int) -> str:
    """Return a text in lines of at most so many letters; lines that it has stay apart.

    A longer word has a line of its own: no word is broken.
    """
    lines = text.split("\n")
    return "\n".join(textwrap.fill(line, letters, break_long_words=False) for line in lines)


def titled(ax: Axes, title: str, beneath: str, *, letters: int = 32) -> None:
    """Put a bold title over the axes and plain text beneath it, in lines of so many letters."""
    beneath = wrapped(beneath, letters * 9 // 8)
    pad = 7 + 12 * (beneath.count("\n") + 1)
    ax.set_title(wrapped(title, letters), loc="left", pad=pad, **_TITLE)
    _over(ax, beneath, "axes fraction", (0, 5))


def over_row(ax: Axes, title: str, beneath: str = "", *, on_phone: bool = False) -> None:
    """Put a bold title over a row of panels, from the figure's left edge.

    `beneath` is written over these axes only; on a phone from the left edge too, since it would
    be wider than they are.
    """
    title = wrapped(title, 40 if on_phone else 64)
    # blank lines keep the room: the whole title would ask the layout for its width too
    room = title.count("\n") + 1 + bool(beneath) if title else 0
    lines = beneath.count("\n") + 1 if beneath else 0
    kept = "\n" * (lines - bool(room and lines)) if on_phone else beneath
    ax.set_title("\n" * room + kept, loc="left")
    from_edge = ("figure fraction", "axes fraction")
    _over(ax, title, from_edge, (4, 9 + 10.8 * lines), **_TITLE)
    if on_phone and beneath:
        _over(ax, beneath, from_edge, (4, 5))


def _over(
    ax: Axes, text: str, where: str | tuple[str, str], above: tuple[float, float], **looks: Any
) -> None:
    looks |= {"va": "bottom", "in_layout": False}
    ax.annotate(text, (0, 1), above, where, "offset points", **looks)


def align_left(*panels: Axes, beyond: float = 0) -> None:
    """Let the labels of the y axes begin under one another; `beyond`: points left free."""
    labels = [label for ax in panels for label in ax.get_yticklabels()]
    widest = max((label.get_window_extent().width for label in labels), default=0)
    for ax in panels:
        ax.tick_params(axis="y", pad=beyond + 6 + widest * 72 / ax.figure.dpi)
    for label in labels:
        label.set(horizontalalignment="left", multialignment="left")


class Numbers(Formatter):
    """Ticks as numbers in the reader's form, with decimals as their distance asks for."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of the ticks."""
        digits = 1 if np.diff(values[:2]).sum() > 0.099 else 2
        return [self.words.number(value, digits) for value in values]


def is_wide(frame: pd.DataFrame) -> pd.Series:
    """Return which rows have a wide interval that includes zero: they are not to be seen first."""
    return _reaches_far(frame) & frame["ci_low"].le(0) & frame["ci_high"].ge(0)


def _reaches_far(frame: pd.DataFrame) -> pd.Series:
    return (frame["ci_high"] - frame["ci_low"]).astype(float).gt(2 * WIDEST + 1e-9)


def reach(frame: pd.DataFrame) -> float:
    """Return how far an axis of changes goes to either side of zero, in standard deviations.

    The same wherever an outcome stands, unless an estimate that is known well lies further out.
    """
    known = frame.loc[~_reaches_far(frame) & frame["ci_low"].notna(), "estimate"]
    furthest = np.nanmax(known.abs().to_numpy(dtype=float), initial=0)
    return REACH * max(1, np.ceil(furthest / REACH))


def effect_axis(
    ax: Axes, words: Words, end: float, *, sesoi: float = 0, narrow: bool = False
) -> None:
    """Make the x axis one of changes: from ``-end`` to ``end``, with a line at zero.

    `sesoi` is shaded: the changes that are too small to matter. Without it there is no line.
    """
    if sesoi:
        ax.axvspan(-sesoi, sesoi, color=PALE, linewidth=0, zorder=0)
        ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ticks = end * (np.array([-0.625, 0, 0.625]) if narrow else np.linspace(-1, 1, 5))
    ax.set_xticks(ticks)
    ax.xaxis.set_major_formatter(Numbers(words))
    ax.set_xlim(-1.04 * end, 1.04 * end)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


def intervals(
    ax: Axes,
    frame: pd.DataFrame,
    y: ArrayLike,
    *,
    columns: Sequence[str] = ("estimate", "ci_low", "ci_high"),
    color: str = BLUE,
    lw: float = 1.8,
    **looks: Any,
) -> None:
    """Draw estimates as marks on the lines of their intervals; `looks` are those of the marks."""
    middle, low, high = columns
    ax.hlines(y, frame[low], frame[high], color=color, lw=lw)
    looks = {"marker": "o", "ms": 6, "mec": "white", "mew": 0.6, "zorder": 3, **looks}
    looks |= {"clip_on": False}  # a mark at the end of the axis is whole
    ax.plot(frame[middle], y, ls="", color=color, **looks)


def estimates(
    ax: Axes,
    rows: Sequence[Row],
    columns: Sequence[str],
    words: Words,
    *,
    as_text: Callable[[float], str],
    looks: Callable[[Row], dict],
) -> None:
    """Draw a line per row on an axis that holds all values; to its right stand the numbers.

    `looks` are those of a row's mark; of a row without a number it is said why.
    """
    middle, low, high = columns
    for place, row in enumerate(rows):
        said, colour = no_number(row, words), GREY
        if not pd.isna(row[middle]):
            said, colour = as_text(row[middle]), "black"
            if not pd.isna(row[low]):
                said = f"{said} ({as_text(row[low])} {words.text('to')} {as_text(row[high])})"
            intervals(ax, pd.DataFrame([row]), [place], columns=columns, **looks(row))
        where: Looks = {"va": "center_baseline", "transform": ax.get_yaxis_transform()}
        ax.text(1.02, place, said, color=colour, **where)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


def changes(
    ax: Axes,
    frame: pd.DataFrame,
    y: ArrayLike,
    end: float,
    *,
    columns: Sequence[str] = ("estimate", "ci_low", "ci_high"),
    color: str = BLUE,
    **looks: Any,
) -> None:
    """Draw changes as `intervals`; arrow heads at the edge stand for what lies beyond the axis.

    An interval that goes on there ends in one; an estimate there has one instead of its mark. An
    estimate without an interval is a hollow mark. `fitted` says in the caption what arrows mean.
    """
    middle, low, high = columns
    numbers = frame[[*columns]].astype(float)
    inside, at = numbers.clip(-end, end), np.asarray(y, dtype=float)
    inside[middle] = numbers[middle].where(numbers[middle].abs().le(end))
    alone = numbers[low].isna().to_numpy()
    hollow = {"mfc": "white", "mec": color, "mew": 1.2}
    for which, own in ((~alone, looks), (alone, looks | hollow)):
        if not which.any():
            continue
        intervals(ax, inside[which], at[which], columns=columns, color=color, **own)
        for bound, side, arrow in ((low, -1, "<"), (high, 1, ">")):
            value = (side * numbers[middle]).gt(end).to_numpy()
            line = (side * numbers[bound]).gt(end).to_numpy() & ~value
            head = {"ls": "", "marker": arrow, "ms": 5, "color": color, "clip_on": False}
            for beyond, meaning, look in (
                (value, VALUE_BEYOND, {"zorder": 3, **own, **head, "ms": 6.5}),
                (line, LINE_BEYOND, head),
            ):
                if (beyond := beyond & which).any():
                    ax.plot(np.full(beyond.sum(), side * end), at[beyond], label=meaning, **look)
