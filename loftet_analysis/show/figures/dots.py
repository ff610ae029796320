"""Answers as dots: each stands for an equal share of them, never for a person."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from loftet_analysis import names
from loftet_analysis.show.alt_texts import describe_dots
from loftet_analysis.show.figures.answers import (
    before_and_after,
    group_and_means,
    room_for_ends,
    scale_axis,
)
from loftet_analysis.show.figures.canvas import (
    BESIDE,
    BLUE,
    EDGE,
    GREY,
    PALE,
    STYLE,
    Drawing,
    multiples,
    room_for_title,
    text_width,
    titled,
    widest,
    wrapped,
)
from loftet_analysis.show.languages import Words, wave_label

MOST, FEWEST, PEOPLE = 20, 5, 6  # dots, dots, and people that each has at least
_COLUMNS, _DOT, _WIDE = 13, 0.19, 2.5  # inches from dot to dot, and across a panel


def dots_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw answers as dots of equal shares: after above a line, before beneath it.

    Parameters
    ----------
    frame : DataFrame
        Gated bins as for `distribution`, with ``n``, of any number of outcomes and subgroups. Each
        dot stands at a quantile of its bins, within which the answers count as evenly spread.
    words : Words
        The reader's language.
    """
    panels = [
        panel for _, panel in frame.groupby(["population", "outcome", "subgroup"], sort=False)
    ]
    numbers = [_how_many(panel) for panel in panels]
    # the same in all panels, so that all dots of a figure stand for the same share
    k = min((number for number in numbers if number >= FEWEST), default=FEWEST)
    stacks = [
        _stacks(panel, k, words) if number >= FEWEST else {}
        for panel, number in zip(panels, numbers, strict=True)
    ]
    above, below = (
        max([2, *(stack[wave][1].max() for stack in stacks if wave in stack)]) + 0.6
        for wave in (names.POST, names.PRE)
    )
    columns = min(2, len(panels))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    waves = [wave_label(wave, words) for wave in (names.POST, names.PRE)]
    beside = widest(waves) + BESIDE
    with mpl.rc_context(STYLE):
        figure, grid = multiples(
            [_room(row, _DOT * (above + below), words) for row in rows],
            columns,
            left=EDGE + beside,
            between=0.2 + beside,
        )
        grid = grid.ravel()
        for ax, panel, stack in zip(grid, panels, stacks, strict=False):
            _dots(ax, panel, stack, words=words)
            ax.set_ylim(-below, above)
            ax.set_yticks([above / 2, -below / 2], waves)
        for ax in grid[len(panels) :]:
            ax.set_axis_off()
    caption = words.text(
        "The answers after (above the line) and before (beneath it), each as {k} dots: a dot "
        "stands for {percent} of the answers, never for one person. Within values that are joined "
        "since few people chose them, the dots are evenly spread.",
        k=words.count(k),
        percent=words.percent(1 / k),
    )
    return Drawing(figure, caption, describe_dots(frame, words))


def _how_many(panel: pd.DataFrame) -> int:
    people = before_and_after(panel).groupby("wave")["n"].sum().min()
    return 0 if pd.isna(people) else int(min(MOST, people // PEOPLE))


def _span(panel: pd.DataFrame, words: Words) -> tuple[float, float]:
    first = panel.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    return answers.minimum - answers.step / 2, answers.maximum + answers.step / 2


def _stacks(panel: pd.DataFrame, k: int, words: Words) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each wave's dots: the middle of the column they fall into, and their place in it."""
    low, high = _span(panel, words)
    width = (high - low) / _COLUMNS
    stacks = {}
    for wave, bins in before_and_after(panel).groupby("wave"):
        bins = bins.sort_values("low")
        reached = np.concatenate([[0], bins["share"].cumsum() / bins["share"].sum()])
        edges = [*bins["low"], bins["high"].iloc[-1]]
        at = np.interp((np.arange(k) + 0.5) / k, reached, edges)
        column = np.clip((at - low) // width, 0, _COLUMNS - 1)
        # sorted, so a dot's place in its column is how far it is from the column's first
        place = np.arange(k) - np.searchsorted(column, column)
        stacks[wave] = (low + (column + 0.5) * width, place + 0.8)
    return stacks


def _room(panels: list[pd.DataFrame], height: float, words: Words) -> tuple[float, float, float]:
    over = max(room_for_title(*_title(panel, words), inches=_WIDE) for panel in panels)
    beneath = max(room_for_ends(_ends(panel, words)) for panel in panels)
    return over, height, beneath + 0.1


def _title(panel: pd.DataFrame, words: Words) -> tuple[str, str]:
    first = panel.iloc[0]
    return words.outcome(first["population"], first["outcome"]), _beneath(panel, words)


def _beneath(panel: pd.DataFrame, words: Words) -> str:
    parts = group_and_means(panel, words)
    line = ": ".join(parts)
    return line if text_width(line) <= _WIDE else "\n".join(parts)


def _ends(panel: pd.DataFrame, words: Words) -> list[str]:
    first = panel.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    return ["\n".join(wrapped(label, 1.1)) for label in (answers.low, answers.high)]


def _dots(
    ax: Axes,
    panel: pd.DataFrame,
    stacks: dict[str, tuple[np.ndarray, np.ndarray]],
    *,
    words: Words,
) -> None:
    for wave, (x, y) in stacks.items():
        before = wave == names.PRE
        ax.scatter(
            x,
            -y if before else y,
            s=(72 * _DOT - 2) ** 2,
            facecolor=PALE if before else BLUE,
            edgecolor=GREY if before else BLUE,
            linewidth=1,
        )
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    first = panel.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    scale_axis(ax, answers, words=words, ends=_ends(panel, words))
    drawn = panel if stacks else panel.assign(share=np.nan)
    titled(ax, *_title(drawn, words), inches=_WIDE)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)
