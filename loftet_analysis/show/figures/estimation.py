"""Estimation plots: the answers before and after, and beside them how much they changed."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loftet_analysis.show.alt_texts import describe_estimation
from loftet_analysis.show.figures.answers import (
    group_and_means,
    outlines,
    room_for_ends,
    scale_axis,
    wave_handles,
)
from loftet_analysis.show.figures.canvas import (
    BESIDE,
    EDGE,
    LABEL,
    LEGEND,
    STYLE,
    TICKS,
    WIDTH,
    Drawing,
    align_left,
    blank,
    effect_axis,
    label_below,
    legend_over,
    over_row,
    place,
    widest,
    wrapped,
)
from loftet_analysis.show.figures.changes import (
    change_caption,
    effect_numbers,
    effect_range,
    effect_row,
    row_label,
)
from loftet_analysis.show.languages import Words

# inches
_LINE, _HISTOGRAM, _NO_HISTOGRAM = 0.155, 0.62, 0.4
_ANSWERS = 0.3  # answers on an axis, beneath it
_LABEL, _END, _MEANS, _GAP = 1.2, 0.84, 1.95, 0.17


@dataclass(frozen=True)
class _Block:
    """One outcome: its rows of effects, and its bins by subgroup."""

    title: str
    rows: pd.DataFrame
    labels: list[str]
    bins: list[pd.DataFrame]

    @property
    def cells(self) -> int:
        return max(1, len(self.bins))

    @property
    def cell(self) -> float:
        """The height of each histogram."""
        least = _HISTOGRAM if self.bins else _NO_HISTOGRAM
        # the numbers of a row have two lines, its label may have more
        lines = max(2, *(label.count("\n") + 1 for label in self.labels))
        return max(least, (0.05 + _LINE * lines) * len(self.labels) / self.cells)


def estimation_figure(frame: pd.DataFrame, *, words: Words, answers: pd.DataFrame) -> Drawing:
    """Draw per outcome the answers before and after, and beside them the changes.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of one region, in the order to draw them.
    words : Words
        The reader's language.
    answers : DataFrame
        Gated bins as for `distribution`; an outcome may have none, or those of several subgroups.
    """
    blocks = [
        _block(rows, answers, words)
        for _, rows in frame.groupby(["population", "outcome"], sort=False)
    ]
    left = EDGE + _MEANS + _GAP + widest(label for block in blocks for label in block.labels)
    numbers = [effect_numbers(row, words, between="\n") for row in frame.to_dict("records")]
    right = widest(numbers) + EDGE + BESIDE
    across = WIDTH - left - BESIDE - right
    height = LEGEND + sum(sum(_room(block, words)) for block in blocks) + LABEL
    with mpl.rc_context(STYLE):
        figure = blank(height)
        y, changes = LEGEND, []
        for block in blocks:
            over, tall, beneath = _room(block, words)
            y += over
            changes.append(place(figure.add_subplot(), left + BESIDE, y, across, tall))
            _changes(changes[-1], block, words)
            effect_range(changes[-1], frame)
            lines = _answers(figure, y, block, words)
            over_row(changes[-1], block.title, above=8 + 12 * lines)
            y += tall + beneath
        align_left(*changes)
        label_below(changes[-1], words.text("change in standard deviations (after − before)"))
        legend_over(figure, wave_handles(words))
    caption = words.text(
        "On the left the answers of all who answered each time: equal areas are equal shares of "
        "the answers, values that few people chose are joined, and the marks below the axis are "
        "the means. On the right the changes, of those whom each is about."
    )
    return Drawing(
        figure,
        f"{caption} {change_caption(frame, words)}",
        describe_estimation(frame, answers, words),
    )


def _block(rows: pd.DataFrame, answers: pd.DataFrame, words: Words) -> _Block:
    population, outcome = rows[["population", "outcome"]].iloc[0]
    own = (answers["population"] == population) & (answers["outcome"] == outcome)
    return _Block(
        "\n".join(wrapped(words.outcome(population, outcome), 6.1, weight="bold", size=10)),
        rows,
        ["\n".join(wrapped(row_label(row, words), _LABEL)) for row in rows.to_dict("records")],
        [bins for _, bins in answers[own].groupby("subgroup", sort=False)],
    )


def _room(block: _Block, words: Words) -> tuple[float, float, float]:
    """Return the room over a block's panels, their height with what is between, and beneath."""
    over = 0.17 * (1 + block.title.count("\n")) + 8 / 72
    if not block.bins:
        return over, block.cell, TICKS + 0.05
    first, *others = (_LINE * len(_means(bins, words)) for bins in block.bins)
    between = sum(others) + (_ANSWERS + 0.1) * len(others)
    beneath = room_for_ends(_ends(block, words)) + 0.06
    return over + first, block.cell * block.cells + between, beneath


def _means(bins: pd.DataFrame, words: Words) -> list[str]:
    return [line for text in group_and_means(bins, words) for line in wrapped(text, _MEANS)]


def _ends(block: _Block, words: Words) -> list[str]:
    first = block.rows.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    return ["\n".join(wrapped(label, _END)) for label in (answers.low, answers.high)]


def _answers(figure: Figure, y: float, block: _Block, words: Words) -> int:
    """Draw a block's histograms from y on; return how many lines of text stand over the first."""
    if not block.bins:
        return 0
    first = block.rows.iloc[0]
    scale = words.answers[first["population"], first["outcome"]]
    over = [_means(bins, words) for bins in block.bins]
    for i, (bins, lines) in enumerate(zip(block.bins, over, strict=True)):
        y += (_LINE * len(lines) + _ANSWERS + 0.1) * (i > 0)
        ax = place(figure.add_subplot(), EDGE, y, _MEANS, block.cell)
        y += block.cell
        outlines(ax, bins, words=words)
        ends = _ends(block, words) if i == len(over) - 1 else []
        scale_axis(ax, scale, words=words, ends=ends)
        ax.annotate(
            "\n".join(lines),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            va="bottom",
        )
    return len(over[0])


def _changes(ax: Axes, block: _Block, words: Words) -> None:
    for y, row in enumerate(block.rows.to_dict("records")):
        effect_row(ax, row, y, words=words, between="\n")
    effect_axis(ax, words, ticks=5)
    ax.set_ylim(len(block.labels) - 0.5, -0.5)
    ax.set_yticks(range(len(block.labels)), block.labels)
