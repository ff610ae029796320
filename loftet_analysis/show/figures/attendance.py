"""Attendance: how many gatherings people came to, and how many interim tasks they did."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from loftet_analysis.show.alt_texts import describe_attendance
from loftet_analysis.show.figures.canvas import (
    BLUE,
    GREY,
    PALE,
    STYLE,
    TICKS,
    Drawing,
    axes_or_new,
    multiples,
    room_for_title,
    titled,
)
from loftet_analysis.show.languages import Words, population_label, register_label


def attendance(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how often the people of one population attended, from bins that may be shown.

    Parameters
    ----------
    frame : DataFrame
        One population and column: ``population, column, low, high, n, share, most``.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw; default: new axes of report size.

    Returns
    -------
    Axes
        A bar per bin, as high as its share per gathering, its share written over it.
    """
    ax = axes_or_new(ax)
    first, most = frame.iloc[0], int(frame["most"].iloc[0])
    wide = frame["high"] - frame["low"]
    height = frame["share"] / wide
    alone = len(frame) == 1  # one bin of everybody tells nothing of how they are spread
    colour = PALE if alone else BLUE
    ax.bar(frame["low"], height, wide, align="edge", color=colour, edgecolor="white", linewidth=1)
    if alone:
        said = words.text("too few to show how they are spread")
        ax.annotate(said, (most / 2, height.max() / 2), ha="center", va="center", color=GREY)
    shown = zip(frame["low"], wide, height, frame["share"], strict=True)
    for low, width, top, share in [] if alone else shown:
        ax.annotate(
            words.percent(share),
            (low + width / 2, top),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            color=GREY,
        )
    ax.set_xlim(-0.6, most + 0.6)
    ax.set_ylim(0, 1.22 * height.max())
    step = 1 if most <= 7 else 2
    ax.set_xticks(np.arange(0, most + 1, step), [words.count(x) for x in range(0, most + 1, step)])
    ax.set_yticks([])
    sns.despine(ax=ax, left=True)
    titled(ax, *_title(first, words))
    return ax


def _title(first: pd.Series, words: Words) -> tuple[str, str]:
    most = words.count(first["most"])
    told = words.text(
        "number of {what}, of {most}", what=register_label(first["column"], words), most=most
    )
    if not pd.isna(first["mean"]):
        told = words.text("{what}: mean {mean}", what=told, mean=words.number(first["mean"], 1))
    return population_label(first["population"], words), told


def attendance_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw attendance as small multiples, a panel per population and kind.

    Parameters
    ----------
    frame : DataFrame
        As for `attendance`, of any number of populations and columns.
    """
    panels = [panel for _, panel in frame.groupby(["population", "column"], sort=False)]
    columns = min(2, len(panels))
    over = max(room_for_title(*_title(panel.iloc[0], words)) for panel in panels)
    rows = [(over, 1, TICKS + 0.1)] * -(-len(panels) // columns)
    with mpl.rc_context(STYLE):
        figure, grid = multiples(rows, columns)
        grid = grid.ravel()
        for ax, panel in zip(grid, panels, strict=False):
            attendance(panel, words=words, ax=ax)
        for ax in grid[len(panels) :]:
            ax.set_axis_off()
    caption = words.text(
        "How often those who answered after had attended, as shares. Numbers that few people "
        "have are joined with their neighbours. Of the participants only, where the data tell "
        "the roles."
    )
    return Drawing(figure, caption, describe_attendance(frame, words))
