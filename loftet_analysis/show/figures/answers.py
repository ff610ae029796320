"""Answers as they were given: histograms of gated bins, before and after."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.markers import TICKDOWN
from matplotlib.patches import Patch

from loftet_analysis import names
from loftet_analysis.show.alt_texts import describe_distribution
from loftet_analysis.show.figures.canvas import (
    BLUE,
    GREY,
    LEGEND,
    PALE,
    STYLE,
    Drawing,
    axes_or_new,
    legend_over,
    multiples,
    room_for_title,
    titled,
)
from loftet_analysis.show.languages import Answers, Words, subgroup_label, wave_label


def distribution(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw one outcome's answers before and after as outlines of gated bins.

    Parameters
    ----------
    frame : DataFrame
        One outcome of one subgroup: ``population, outcome, subgroup, wave, low, high, share,
        mean``; a wave without numbers is hidden and left out.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw; default: new axes of report size.

    Returns
    -------
    Axes
        The height is share per scale point, so equal areas are equal shares of answers.
    """
    ax = axes_or_new(ax)
    first = frame.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    outlines(ax, frame, words=words)
    scale_axis(
        ax,
        answers,
        words=words,
        ends=_ends(answers),
    )
    titled(ax, *_title(frame, words))
    return ax


def _title(frame: pd.DataFrame, words: Words) -> tuple[str, str]:
    first = frame.iloc[0]
    title = words.outcome(first["population"], first["outcome"])
    return title, ": ".join(group_and_means(frame, words))


def _ends(answers: Answers) -> list[str]:
    return [textwrap.fill(end, 18) for end in (answers.low, answers.high)]


def outlines(ax: Axes, frame: pd.DataFrame, *, words: Words) -> None:
    """Draw the histograms of one outcome of one subgroup, with marks at the means."""
    drawn = before_and_after(frame)
    for wave, bins in drawn.groupby("wave", sort=False):
        bins = bins.sort_values("low")
        edges = [*bins["low"], bins["high"].iloc[-1]]
        height = bins["share"] / (bins["high"] - bins["low"])
        before = wave == names.PRE
        ax.stairs(
            height,
            edges,
            fill=before,
            color=PALE if before else BLUE,
            edgecolor=GREY if before else BLUE,
            linewidth=1 if before else 1.8,
            label=wave_label(wave, words),
        )
        ax.plot(
            bins["mean"].iloc[:1],
            [0],
            transform=ax.get_xaxis_transform(),
            color=GREY if before else BLUE,
            marker=TICKDOWN,
            markersize=6.5,
            markeredgewidth=1.6 if before else 2.4,
            clip_on=False,
        )
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    sns.despine(ax=ax, left=True)


def before_and_after(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the bins that are not hidden of the first wave and the last."""
    return frame[frame["share"].notna() & frame["wave"].isin([names.PRE, names.POST])]


def scale_axis(ax: Axes, answers: Answers, *, words: Words, ends: Sequence[str]) -> None:
    """Make the x axis one of answers: a tick per scale point, and what the ends mean.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    answers : Answers
        The response scale.
    words : Words
        The reader's language.
    ends : sequence of str
        The labels of the lowest and the highest point, broken into lines; none to leave them out.
    """
    points = np.arange(answers.minimum, answers.maximum + 1)
    ax.set_xticks(points, [words.number(point, 0) for point in points])
    ax.tick_params(axis="x", pad=7)
    for point, label, side, nudge in zip(
        (answers.minimum, answers.maximum), ends, ("left", "right"), (-3, 3), strict=False
    ):
        ax.annotate(
            label,
            (point, 0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(nudge, -23),
            textcoords="offset points",
            ha=side,
            va="top",
            color=GREY,
        )
    pad = answers.step / 2 + 0.03 * (answers.maximum - answers.minimum)
    ax.set_xlim(answers.minimum - pad, answers.maximum + pad)


def room_for_ends(ends: Iterable[str]) -> float:
    """Return how many inches `scale_axis` needs beneath the axes for ticks and ends."""
    return (25 + 11.2 * max((end.count("\n") + 1 for end in ends), default=0)) / 72


def group_and_means(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return whose answers they are, unless everybody's, and their means before and after."""
    group = subgroup_label(frame["subgroup"].iloc[0], words)
    means = _means(frame, words)
    return [group, means] if group else [means]


def _waves(frame: pd.DataFrame) -> list[str]:
    return [wave for wave in (names.PRE, names.POST) if wave in {*frame["wave"]}]


def _means(frame: pd.DataFrame, words: Words) -> str:
    drawn = before_and_after(frame)
    means = drawn.drop_duplicates("wave").set_index("wave")["mean"]
    if set(means.index) != {*_waves(frame)}:
        return words.text("hidden: too few people answered")
    if len(means) == 1:
        said = {"mean": words.number(means.iloc[0]), "wave": wave_label(means.index[0], words)}
        return words.text("mean {mean} {wave}", **said)
    return words.text(
        "mean {before} before, {after} after",
        before=words.number(means[names.PRE]),
        after=words.number(means[names.POST]),
    )


def distribution_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw answers before and after as small multiples, one panel per outcome and subgroup.

    Parameters
    ----------
    frame : DataFrame
        As for `distribution`, of any number of outcomes and subgroups, and of one wave or both.
    """
    waves = _waves(frame)
    panels = [
        panel for _, panel in frame.groupby(["population", "outcome", "subgroup"], sort=False)
    ]
    columns = min(2, len(panels))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    with mpl.rc_context(STYLE):
        figure, grid = multiples(
            [_room(row, words) for row in rows], columns, between=0.25, top=LEGEND
        )
        grid = grid.ravel()
        for ax, panel in zip(grid, panels, strict=False):
            distribution(panel, words=words, ax=ax)
        for ax in grid[len(panels) :]:
            ax.set_axis_off()
        legend_over(figure, wave_handles(words, waves))
    caption = words.text(
        "Answers before and after. Equal areas are equal shares of the answers; values that few "
        "people chose are joined. The marks below the axis are the means."
    )
    if len(waves) == 1:
        caption = words.text(
            "Answers {wave}. Equal areas are equal shares of the answers; values that few people "
            "chose are joined. The mark below the axis is the mean.",
            wave=wave_label(waves[0], words),
        )
    return Drawing(figure, caption, describe_distribution(frame, words))


def _room(panels: list[pd.DataFrame], words: Words) -> tuple[float, float, float]:
    over = max(room_for_title(*_title(panel, words)) for panel in panels)
    scales = [words.answers[tuple(p[["population", "outcome"]].iloc[0])] for p in panels]
    beneath = max(room_for_ends(_ends(answers)) for answers in scales)
    return over, 1.15, beneath + 0.1


def wave_handles(words: Words, waves: Sequence[str] = (names.PRE, names.POST)) -> list[Patch]:
    """Return the legend's entries of histograms before and after, or of one of them."""
    drawn = {
        names.PRE: {"facecolor": PALE, "edgecolor": GREY},
        names.POST: {"facecolor": "none", "edgecolor": BLUE, "lw": 1.8},
    }
    return [
        Patch(label=wave_label(wave, words), **look)
        for wave, look in drawn.items()
        if wave in waves
    ]
