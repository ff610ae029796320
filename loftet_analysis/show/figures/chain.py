"""Which schools' answers go with which, along a chain: correlations, and groups of schools."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, MultipleLocator

from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, Drawing
from loftet_analysis.show.languages import Words, linked_group, linked_side
from loftet_analysis.show.sentences import STEP
from loftet_analysis.show.shown import view

_LINE = 0.42  # inches
_HIGH = 1.7  # inches of a panel
_COLUMNS = ("r_schools", "ci_low", "ci_high")


@view(title="Correlations between schools' means", drawn="r_schools")
def chain(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the correlations of schools' means, a panel per link of the chain, in its order.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `school_link`.
    words : Words
        The reader's language.

    Returns
    -------
    Drawing
        A mark and its interval per pair, between −1 and +1; beside them the numbers. The grey band
        holds the correlations that these schools could hardly show.
    """
    blocks = [rows for _, rows in frame.groupby(STEP, sort=False)]
    figure = canvas.blank()
    heights = [_LINE * len(rows) for rows in blocks]
    axes = figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, rows in zip(axes, blocks, strict=True):
        records = rows.to_dict("records")
        _link(ax, records, words)
        names = [linked_group(records[0], words, side) for side in ("", "other_")]
        canvas.over_row(ax, " → ".join(names))
    canvas.align_left(*axes)
    caption = words.text(
        "How schools' means go together, step by step: correlations with {level} confidence "
        "intervals. Grey: correlations too small to be found four times out of five.",
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    alt = alt_texts.describe_chain(frame, words)
    below = words.text("correlation of the schools' means")
    return canvas.fitted(figure, axes, sum(heights), caption, alt, words, xlabel=below)


def _link(ax: Axes, records: list[dict], words: Words) -> None:
    for place, row in enumerate(records):
        if not pd.isna(row["r_schools"]):
            seen, y = row["r_visible"], [place - 0.42, place + 0.42]
            ax.fill_betweenx(y, -seen, seen, color=canvas.PALE, lw=0, zorder=0)
    looks = {"color": BLUE}
    canvas.estimates(ax, records, _COLUMNS, words, as_text=words.number, looks=lambda _: looks)
    sides = [_sides(row, words) for row in records]
    lines = [canvas.wrapped(f"{one} →\n{other}", 44) for one, other in sides]
    ax.set_yticks(range(len(records)), lines)
    ax.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    ax.set_xlim(-1, 1)
    ax.xaxis.set_major_locator(MultipleLocator(0.5))
    ax.xaxis.set_major_formatter(canvas.Numbers(words))


def _sides(row: dict, words: Words) -> list[str]:
    """Return both sides without whose answers they are, which stands over the panel."""
    return [linked_side(row, words, side, with_group=False) for side in ("", "other_")]


@view(title="Schools' means in groups of schools", drawn="deviation")
def binned_scatter(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw groups of schools on two scales, a small panel per pair.

    Single schools are not drawn: their means would tell of few people.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `school_link` with `bins`.
    words : Words
        The reader's language.

    Returns
    -------
    Drawing
        A mark per group of schools, in the order of their means of the earlier step, with the
        intervals of both means; above it how uncertain one school's mean is on both axes.
    """
    pair = [*STEP, "outcome", "other_outcome"]
    drawn = frame[frame["deviation"].notna()]
    panels = [rows for _, rows in drawn.groupby(pair, sort=False)]
    figure, grid = canvas.multiples(panels, lambda ax, rows: _groups(ax, rows, words))
    few, many = drawn["n_schools"].min(), drawn["n_schools"].max()
    caption = words.text(
        "Groups of {few} to {many} schools, from those with the lowest means of the first to those "
        "with the highest: how far both means lie from those of all schools, in points, with "
        "{level} confidence intervals. In part it is chance which schools lie at an end. Single "
        "schools are not shown.",
        few=words.count(few),
        many=words.count(many),
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    alt = alt_texts.describe_bins(drawn, words)
    return canvas.fitted(
        figure, grid[:, 0], _HIGH * len(grid), caption, alt, words, rows={"": drawn}
    )


def _groups(ax: Axes, rows: pd.DataFrame, words: Words) -> None:
    first = rows.iloc[0].to_dict()
    names = [linked_group(first, words, side) for side in ("", "other_")]
    beneath = ""
    if not pd.isna(first["mean_se"]) and not pd.isna(first["other_mean_se"]):
        beneath = words.text(
            "SE of one school: {one} (horizontal), {other} (vertical)",
            one=words.number(first["mean_se"]),
            other=words.number(first["other_mean_se"]),
        )
    canvas.titled(ax, " → ".join(names), beneath)
    ends = [f"deviation_{end}" for end in ("low", "high")]
    ax.hlines(rows["other_deviation"], *(rows[end] for end in ends), color=BLUE, lw=1.2)
    ax.vlines(rows["deviation"], *(rows[f"other_{end}"] for end in ends), color=BLUE, lw=1.8)
    ax.plot(rows["deviation"], rows["other_deviation"], "o", color=BLUE, ms=6, mec="white", mew=0.6)
    for line in (ax.axhline, ax.axvline):
        line(0, color=GREY, linewidth=0.8, zorder=1)
    sides = _sides(first, words)
    if sides[0] == sides[1]:  # then only whose answers they are tells them apart
        sides = [linked_side(first, words, side) for side in ("", "other_")]
    ax.set_xlabel(canvas.wrapped(sides[0], 34))
    ax.set_ylabel(canvas.wrapped(sides[1], 26))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(canvas.Numbers(words))
    sns.despine(ax=ax)
