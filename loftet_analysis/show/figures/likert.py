"""Single items before and after: bars that spread from the middle of the scale."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import GREY, INK, STYLE, Drawing
from loftet_analysis.show.languages import Answers, Words, label, named
from loftet_analysis.show.shown import view

# orange to blue; in grey the blue end is the darker one
_LOW, _PALE_LOW, _MIDDLE, _PALE_HIGH, _HIGH = "#d9801f", "#f6cd96", "#e4e4e4", "#9ec5e6", "#1f5a96"
_LINE = 0.155  # inches; the y axis counts lines
_LETTERS, _LEGEND = 42, 90  # of a wording's line, and in a line of the legend
_WAVES_APART = 1.06  # lines
_WAVE = 38  # points between the wordings and the bars
_PERCENT = 0.25  # of the bars' reach, for the percentages at either end
_BARS = ["item", "wave"]


@mpl.rc_context(STYLE)
@view(drawn="share")
def likert(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw each item's answers before and after as bars that spread from the scale's middle.

    Parameters
    ----------
    frame : DataFrame
        Gated bins of items: ``population, outcome, item, subgroup, wave, low, high, share``. Their
        edges lie half-way between the options; options that few people chose are joined. A wave
        without shares is hidden.
    words : Words
        The reader's language, with the items' wordings and the labels of the options.
    """
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    blocks = [*frame.groupby(["population", "outcome", "subgroup"], sort=False)]
    items = [_items(key[0], bins, len(waves), words) for key, bins in blocks]
    heights = [_LINE * each["height"].sum() for each in items]
    figure = canvas.blank()
    axes = figure.subplots(len(blocks), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    drawn, before = [], None
    for ax, (key, bins), own in zip(axes, blocks, items, strict=True):
        options = _options(*key[:2], words)
        beneath = _legend(ax, options) if options != before else ""
        canvas.over_row(ax, alt_texts.named(*key, words), beneath)
        before = options
        drawn.append(_block(ax, bins, own, waves, words))
    canvas.align_left(*axes, beyond=_WAVE)
    pieces = pd.concat(drawn)
    low, high = min([-0.1, *pieces["left"]]), max([0.1, *pieces["right"]])
    margin = _PERCENT * (high - low)
    axes[0].set_xlim(low - margin, high + margin)
    caption = " ".join(_caption(frame, pieces, words))
    alt = alt_texts.describe_likert(frame, words)
    return canvas.fitted(figure, axes, sum(heights), caption, alt)


def _block(
    ax: Axes, bins: pd.DataFrame, items: pd.DataFrame, waves: list[str], words: Words
) -> pd.DataFrame:
    """Draw the items of one scale and subgroup; return the pieces of their bars."""
    first = bins.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    rows = pd.MultiIndex.from_product([items.index, waves], names=_BARS).to_frame(index=False)
    shift = {wave: _WAVES_APART * (i - (len(waves) - 1) / 2) for i, wave in enumerate(waves)}
    rows["y"] = rows["item"].map(items["middle"]) + rows["wave"].map(shift)
    pieces = _pieces(bins, answers).merge(rows)
    colours = _palette(round(answers.maximum - answers.minimum) + 1)
    for (first, last), same in pieces.groupby(["first", "last"]):
        left, right, y = (same[end].to_numpy() for end in ("left", "right", "y"))
        corners = [(left, y - 0.43), (right, y - 0.43), (right, y + 0.43), (left, y + 0.43)]
        boxes = PolyCollection(
            np.moveaxis(np.array(corners), -1, 0),
            facecolor=colours[first : last + 1].mean(axis=0),
            hatch="////" if last > first else None,
            edgecolor="white",
            linewidth=0.6,
        )
        ax.add_collection(boxes, autolim=False)
    ends = {"left": "min", "right": "max", "below": "first", "above": "first"}
    _write_beside(ax, rows.merge(pieces.groupby(_BARS, as_index=False).agg(ends), "left"), words)
    ax.axvline(0, color=INK, linewidth=0.8, zorder=3)
    ax.set_ylim(items["height"].sum(), 0)
    ax.set_yticks(items["middle"], items["wording"])
    ax.tick_params(length=0, labelbottom=False)
    sns.despine(ax=ax, left=True, bottom=True)
    return pieces


def _options(population: str, outcome: str, words: Words) -> list[str]:
    answers = words.answers[population, outcome]
    labels = words.options.get((population, outcome), {})
    points = range(round(answers.minimum), round(answers.maximum) + 1)
    return [labels.get(point, words.number(point, 0)) for point in points]


def _items(population: str, bins: pd.DataFrame, waves: int, words: Words) -> pd.DataFrame:
    """Return by item its wording in lines, and the height and the middle of its place in lines."""
    wordings = {}
    for item in bins["item"].unique():
        wording = named({"population": population, "item": item}, "item", words)
        wordings[item] = canvas.wrapped(wording, _LETTERS)
    items = pd.DataFrame({"wording": wordings})
    lines = items["wording"].str.count("\n") + 1
    items["height"] = lines.clip(lower=_WAVES_APART * waves) + 0.65
    items["middle"] = items["height"].cumsum() - items["height"] / 2
    return items


def _pieces(bins: pd.DataFrame, answers: Answers) -> pd.DataFrame:
    """Return the pieces of the bars: their ends, their options, and the shares of their bar."""
    pieces = bins[bins["share"].notna()].sort_values("low")
    low, high, bar = pieces["low"], pieces["high"], [pieces[column] for column in _BARS]
    # of an option or of joined ones in the middle, what lies below it
    middle = (answers.minimum + answers.maximum) / 2
    below = pieces["share"] * ((middle - low) / (high - low)).clip(0, 1)
    right = pieces["share"].groupby(bar).cumsum() - below.groupby(bar).transform("sum")
    return pieces.assign(
        left=right - pieces["share"],
        right=right,
        first=(low + 0.5 - answers.minimum).round().astype(int),
        last=(high - 0.5 - answers.minimum).round().astype(int),
    ).join(alt_texts.beside_the_middle(pieces, answers), on=_BARS)


def _palette(n: int) -> np.ndarray:
    sides = [sns.blend_palette(s, n // 2) for s in ((_LOW, _PALE_LOW), (_HIGH, _PALE_HIGH))]
    return np.array([*sides[0], *[to_rgb(_MIDDLE)] * (n % 2), *reversed(sides[1])])[:, :3]


def _legend(ax: Axes, options: list[str]) -> str:
    """Put the options over the axes from the figure's left edge; return the lines they take."""
    # an entry takes seven letters more than its label
    down = -(-sum(len(option) + 7 for option in options) // _LEGEND)
    across = -(-len(options) // down)
    handles = [
        Patch(facecolor=colour, label=option)
        for option, colour in zip(options, _palette(len(options)), strict=True)
    ]
    from_edge = blended_transform_factory(ax.figure.transFigure, ax.transAxes)
    legend = ax.legend(
        # a legend is filled column by column, the options are read line by line
        handles=[handle for i in range(across) for handle in handles[i::across]],
        ncols=across,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=from_edge,
        frameon=False,
        handlelength=1.1,
        handleheight=1.1,
        borderpad=0.3,
        labelspacing=0.35,
    )
    legend.set_in_layout(False)
    return "\n" * down


def _write_beside(ax: Axes, bars: pd.DataFrame, words: Words) -> None:
    """Write before each bar its wave, and the shares on either side of the middle at its ends."""
    looks = {"va": "center_baseline", "in_layout": False}
    at_edge = ax.get_yaxis_transform()
    for bar in bars.to_dict("records"):
        y, wave = bar["y"], label("wave", bar["wave"], words)
        ax.text(0, y, wave, ha="right", color=GREY, transform=at_edge, **looks)
        if pd.isna(bar["left"]):
            ax.text(0, y, f" {words.text('hidden')}", color=GREY, **looks)
            continue
        for end, beside, align in (("left", "below", "right"), ("right", "above", "left")):
            if not pd.isna(bar[beside]):
                ax.text(bar[end], y, f" {words.percent(bar[beside])} ", ha=align, **looks)


def _caption(frame: pd.DataFrame, pieces: pd.DataFrame, words: Words) -> Iterator[str]:
    waves = frame["wave"].unique()
    if len(waves) == 1:
        yield words.text("Answers to each item {wave}.", wave=label("wave", waves[0], words))
    else:
        yield words.text("Answers to each item before and after.")
    yield words.text(
        "The bars spread from the middle of the scale; the percentages are the shares of the "
        "answers on either side of it, without an option in the middle."
    )
    items = frame[["population", "item"]].drop_duplicates().itertuples(index=False, name=None)
    if words.reversed_items & {*items}:
        yield words.text(
            "The answers to items marked {mark} are counted the other way round.",
            mark=words.text("(reverse-scored)"),
        )
    if (pieces["last"] > pieces["first"]).any():
        yield words.text("Hatched: options that few people chose, joined.")
    if pieces[["below", "above"]].isna().any(axis=None):
        yield words.text(
            "Where options on both sides of the middle are joined, a percentage is left out."
        )
