"""Estimation plots: the answers before and after, and beside them how much they changed."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes

from loftet_analysis.report.alt_texts import describe_estimation
from loftet_analysis.report.plots.answers import (
    group_and_means,
    outlines,
    scale_axis,
    wave_handles,
)
from loftet_analysis.report.plots.canvas import (
    STYLE,
    Drawing,
    align_left,
    blank,
    effect_axis,
    legend_over,
    over_row,
    wrapped,
)
from loftet_analysis.report.plots.changes import (
    change_caption,
    effect_range,
    effect_row,
    row_label,
)
from loftet_analysis.report.words import Words

# inches
_LINE, _HISTOGRAM, _NO_HISTOGRAM = 0.155, 0.62, 0.4
_LABEL, _END, _MEANS = 1.2, 0.84, 1.95


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
    heights = [block.cell for block in blocks for _ in range(block.cells)]
    with mpl.rc_context(STYLE):
        figure = blank(0.55 + sum(heights) + sum(_around(block, words) for block in blocks))
        figure.get_layout_engine().set(hspace=0.03, wspace=0.04)
        grid = figure.add_gridspec(len(heights), 2, width_ratios=(5, 6), height_ratios=heights)
        above, changes = 0, []
        for block in blocks:
            beneath = above + block.cells
            ax = figure.add_subplot(grid[above:beneath, 1], sharex=(changes or [None])[0])
            changes.append(ax)
            _changes(ax, block, words)
            effect_range(ax, frame)
            panels = [figure.add_subplot(grid[cell, 0]) for cell in range(above, beneath)]
            lines = _answers(panels, block, words)
            over_row(panels[0], block.title, above=8 + 12 * lines)
            above = beneath
        align_left(*changes)
        changes[-1].set_xlabel(words.text("change in standard deviations (after − before)"))
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


def _around(block: _Block, words: Words) -> float:
    """Return the height of what stands over a block's panels, between them and beneath them."""
    title = 0.2 * (1 + block.title.count("\n")) + 0.15
    if not block.bins:
        return title + 0.3
    lines = sum(len(_means(bins, words)) for bins in block.bins)
    ends = max(end.count("\n") + 1 for end in _ends(block, words))
    return title + _LINE * (lines + ends) + 0.32 * block.cells + 0.1


def _means(bins: pd.DataFrame, words: Words) -> list[str]:
    return [line for text in group_and_means(bins, words) for line in wrapped(text, _MEANS)]


def _ends(block: _Block, words: Words) -> list[str]:
    first = block.rows.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    return ["\n".join(wrapped(label, _END)) for label in (answers.low, answers.high)]


def _answers(panels: list[Axes], block: _Block, words: Words) -> int:
    """Draw a block's histograms; return how many lines of text stand over the first."""
    first = block.rows.iloc[0]
    over = [_means(bins, words) for bins in block.bins]
    for ax, bins, lines in zip(panels, block.bins, over, strict=False):
        outlines(ax, bins, words=words)
        ends = _ends(block, words) if ax is panels[-1] else []
        scale = words.answers[first["population"], first["outcome"]]
        scale_axis(ax, scale, words=words, ends=ends)
        ax.annotate(
            "\n".join(lines),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            va="bottom",
        )
    if not over:
        panels[0].set_axis_off()
        return 0
    return len(over[0])


def _changes(ax: Axes, block: _Block, words: Words) -> None:
    for y, row in enumerate(block.rows.to_dict("records")):
        effect_row(ax, row, y, words=words, between="\n")
    effect_axis(ax, words, ticks=5)
    ax.set_ylim(len(block.labels) - 0.5, -0.5)
    ax.set_yticks(range(len(block.labels)), block.labels)
