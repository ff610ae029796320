"""What a design could show, by the number of its schools."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import GREY, Drawing
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.shown import view

#: What lines of a panel may differ by, and how its values are told: the first that does.
_VARIED = ("people", "attrition", "r", "icc", "effect")
_TICKS = (8, 12, 20, 30, 50, 80, 150, 300)
_POWER = 0.80
#: Seaborn's line styles, so that the legend shows those of the lines.
_DASHES = ["-", (0, (4, 1.5)), (0, (1, 1)), (0, (3, 1.25, 1.5, 1.25)), (0, (5, 1, 1, 1))]


@view(title="Smallest changes that can be shown", drawn="mdes", nothing="Nothing can be planned.")
def mdes(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the smallest change that so many schools can show, a panel per design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `planned` over numbers of schools, and over the values of one assumption if
        lines are to be drawn apart.
    words : Words
        The reader's language.
    """
    _ = words.text
    caption = _(
        "The smallest change that would be found four times out of five, by the number of schools. "
        "The broken line: {effect} standard deviations.",
        effect=words.number(frame["effect"].iloc[0]),
    )
    alt = alt_texts.describe_planned(frame, words)
    return _curves(frame, "mdes", _("smallest change (SD)"), caption, alt, words)


@view(title="Power by the number of schools", drawn="power", nothing="Nothing can be planned.")
def power(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw how likely a change is found, by the number of schools, a panel per design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `planned` over numbers of schools, of several effects one below the other.
    words : Words
        The reader's language.
    """
    _ = words.text
    caption = _(
        "How likely a change is found, by the number of schools. The broken line: four times out "
        "of five."
    )
    alt = alt_texts.describe_power(frame, words)
    return _curves(frame, "power", _("probability that it is found"), caption, alt, words)


def varied(frame: pd.DataFrame) -> str:
    """Return the assumption whose values a plan tries, or nothing."""
    by_design = frame.groupby(["population", "estimand"])
    return next((c for c in _VARIED if (by_design[c].nunique() > 1).any()), "")


def told(column: str, value: float, words: Words) -> str:
    """Return a value of an assumption as a reader knows it.

    Examples
    --------
    >>> told("attrition", 0.3, Words("en")), told("icc", 0.05, Words("nb"))
    ('70% found again', 'ICC 0,05')
    """
    if column == "people":
        return words.plural("{n} person per school", "{n} people per school", value)
    if column == "attrition":
        return words.text("{percent} found again", percent=words.percent(1 - value))
    if column == "effect":
        return words.text("{size} SD", size=words.number(value))
    return f"{label('assumed', column, words)} {words.number(value)}"


def _curves(
    frame: pd.DataFrame,
    y: str,
    ylabel: str,
    caption: str,
    alt: Iterator[str],
    words: Words,
) -> Drawing:
    column = varied(frame)
    designs = [rows for _, rows in frame.groupby(["population", "estimand"], sort=False)]
    values = sorted(frame[column].unique()) if column else []
    colours = sns.color_palette("viridis", len(values) + 1)[:-1]

    def draw(ax: Axes, rows: pd.DataFrame) -> None:
        looks = {"color": canvas.BLUE}
        if column:
            looks = {"hue": column, "style": column, "palette": colours, "hue_order": values}
            looks |= {"style_order": values}
        sns.lineplot(rows, x="schools", y=y, ax=ax, legend=False, lw=1.8, **looks)
        level = _POWER if y == "power" else rows["effect"].iloc[0]
        ax.axhline(level, color=GREY, lw=1, ls=(0, (4, 3)), zorder=1)
        first = rows.iloc[0]
        over = label("population", first["population"], words)
        canvas.titled(ax, over, label("estimand", first["estimand"], words))
        _axes(ax, y, words)
        ax.set(xlabel="", ylabel="")

    figure, grid = canvas.multiples(designs, draw, columns=2, sharey="row")
    if column:
        drawn = [
            mpl.lines.Line2D([], [], color=c, lw=1.8, ls=ls, label=told(column, v, words))
            for c, v, ls in zip(colours, values, _DASHES, strict=False)
        ]
        canvas.legend(figure, drawn)
    for row in grid:
        row[0].set_ylabel(ylabel)
        row[0].set_ylim(0, 1.02 if y == "power" else row[0].get_ylim()[1])
    height, below = 2.1 * len(grid), words.text("schools")
    return canvas.fitted(figure, grid[:, 0], height, caption, alt, words, xlabel=below)


def _axes(ax: Axes, y: str, words: Words) -> None:
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in _TICKS if low <= tick <= high])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.count(value)))
    ax.xaxis.set_minor_locator(NullLocator())
    as_text = words.percent if y == "power" else words.number
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: as_text(value)))
    sns.despine(ax=ax)
