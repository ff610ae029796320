"""Single items before and after: a bar per item and wave, a piece of it per answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import GREY, INK, Drawing, Looks
from loftet_analysis.show.languages import Answers, Words, label, named
from loftet_analysis.show.shown import view

# orange to blue; in grey the blue end is the darker one
_LOW, _PALE_LOW, _MIDDLE, _PALE_HIGH, _HIGH = "#d9801f", "#f6cd96", "#e4e4e4", "#9ec5e6", "#1f5a96"
#: Of options that were joined, without any hue: on one side of the middle, with it, on the other.
_JOINED = {"below": "#989898", "with": "#bebebe", "above": "#6a6a6a"}
_LINE = 0.16  # inches; the y axis counts lines
_LETTERS, _LEGEND = 46, 90  # of a wording's line, and in a line of the legend
_WAVES_APART, _FREE = 1.0, 0.35  # lines
_WAVE, _N = 38, 30  # points, of what stands before the bars and after them
_SEEN = 0.06  # of a bar, the smallest piece that its number has room in
_FEW = 20  # rounded counts; of fewer a count is more than five per cent
_BARS = ["item", "wave"]
_ITEM = ["population", "outcome", "subgroup", "item"]


@view(title="Answers to each item", drawn="share")
def likert(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw each item's answers before and after as a bar, a piece per option.

    Parameters
    ----------
    frame : DataFrame
        Gated bins of items: ``population, outcome, item, subgroup, wave, low, high, n, share,
        n_in_all``. Their edges lie half-way between the options; options that few people chose are
        joined. A wave without shares is hidden; items that are hidden in every wave are named in
        the caption.
    words : Words
        The reader's language, with the items' wordings and the labels of the options.
    """
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    known = frame["share"].notna().groupby([frame[key] for key in _ITEM]).transform("any")
    blocks = [*frame[known].groupby(["population", "outcome", "subgroup"], sort=False)]
    items = [_items(key[0], bins, len(waves), words) for key, bins in blocks]
    heights = [_LINE * each["height"].sum() for each in items]
    figure = canvas.blank()
    axes = figure.subplots(len(blocks), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    drawn = [_pieces(bins, words.answers[key[:2]]) for key, bins in blocks]
    sides, before = {side for pieces in drawn for side in pieces["joined"]}, None
    for ax, (key, _), pieces, own in zip(axes, blocks, drawn, items, strict=True):
        options = _options(*key[:2], words=words)
        entries = [*zip(options, _palette(len(options)), strict=True)]
        entries += _joined(sides, has_middle=len(options) % 2 == 1, words=words)
        beneath = _legend(ax, entries) if options != before else ""
        canvas.over_row(ax, alt_texts.with_group(*key, words=words), beneath)
        before = options
        _block(ax, pieces, own, waves, words)
    canvas.align_left(*axes, beyond=_WAVE * (len(waves) > 1))
    axes[0].set_xlim(0, 1)
    shares = np.linspace(0, 1, 5)
    axes[-1].set_xticks(shares, map(words.percent, shares))
    axes[-1].tick_params(labelbottom=True)
    caption = " ".join(_caption(frame, known, words))
    alt = alt_texts.describe_likert(frame, words)
    return canvas.fitted(figure, axes, sum(heights), caption, alt, words)


def _block(
    ax: Axes, pieces: pd.DataFrame, items: pd.DataFrame, waves: list[str], words: Words
) -> None:
    """Draw the items of one scale and subgroup."""
    rows = pd.MultiIndex.from_product([items.index, waves], names=_BARS).to_frame(index=False)
    shift = {wave: _WAVES_APART * (i - (len(waves) - 1) / 2) for i, wave in enumerate(waves)}
    rows["y"] = rows["item"].map(items["middle"]) + rows["wave"].map(shift)
    pieces = pieces.merge(rows)
    for colour, same in pieces.groupby("colour", sort=False):
        box = {"color": colour, "edgecolor": "white", "linewidth": 0.8}
        ax.barh(same["y"], same["width"], 0.86, same["left"], **box)
    looks: Looks = {"ha": "center", "va": "center_baseline", "in_layout": False}
    for piece in pieces[pieces["width"] >= _SEEN].to_dict("records"):
        light = np.dot(to_rgb(piece["colour"]), (0.299, 0.587, 0.114))
        middle = piece["left"] + piece["width"] / 2
        said = words.number(100 * piece["share"], 0)
        ax.text(middle, piece["y"], said, color="white" if light < 0.5 else INK, **looks)
    people = pieces.groupby(_BARS)["n_in_all"].first()
    _write_beside(ax, rows, people, len(waves) > 1, words)
    ax.set_ylim(items["height"].sum(), 0)
    ax.set_yticks(items["middle"], items["wording"])
    ax.tick_params(length=0, labelbottom=False)
    sns.despine(ax=ax, left=True, bottom=True)


def _options(population: str, outcome: str, *, words: Words) -> list[str]:
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
    items["height"] = lines.clip(lower=_WAVES_APART * waves) + _FREE
    items["middle"] = items["height"].cumsum() - items["height"] / 2
    return items


def _pieces(bins: pd.DataFrame, answers: Answers) -> pd.DataFrame:
    """Return the pieces of the bars: where they begin, how wide they are, and their colours."""
    pieces = bins[bins["share"].notna()].sort_values("low").reset_index(drop=True)
    bar = [pieces[column] for column in _BARS]
    # rounded shares need not add up
    width = pieces["share"] / pieces["share"].groupby(bar).transform("sum")
    first = (pieces["low"] + 0.5 - answers.minimum).round().astype(int)
    last = (pieces["high"] - 0.5 - answers.minimum).round().astype(int)
    middle = (answers.maximum - answers.minimum) / 2
    sides = np.select([last < middle, first > middle], ["below", "above"], "with")
    joined = pd.Series(sides, pieces.index).where(last > first, "")
    colours = _palette(round(answers.maximum - answers.minimum) + 1)
    own = [_JOINED.get(side, colours[at]) for side, at in zip(joined, first, strict=True)]
    left = width.groupby(bar).cumsum() - width
    return pieces.assign(left=left, width=width, joined=joined, colour=own)


def _joined(sides: Collection[str], *, has_middle: bool, words: Words) -> list[tuple[str, str]]:
    """Return the legend's entries of joined options, as far as there are any."""
    texts = {
        "below": words.text("combined below the middle"),
        "with": words.text("combined with the middle")
        if has_middle
        else words.text("combined across the middle"),
        "above": words.text("combined above the middle"),
    }
    return [(text, _JOINED[side]) for side, text in texts.items() if side in sides]


def _palette(n: int) -> list[str]:
    sides = [sns.blend_palette(s, n // 2) for s in ((_LOW, _PALE_LOW), (_HIGH, _PALE_HIGH))]
    return [*map(to_hex, sides[0]), *[_MIDDLE] * (n % 2), *map(to_hex, reversed(sides[1]))]


def _legend(ax: Axes, entries: list[tuple[str, str]]) -> str:
    """Put the options over the axes from the figure's left edge; return the lines they take."""
    # an entry takes seven letters more than its label
    longest = max(len(text) + 7 for text, _ in entries)
    across = max(1, min(len(entries), _LEGEND // longest))
    down = -(-len(entries) // across)
    handles = [Patch(facecolor=colour, label=text) for text, colour in entries]
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


def _write_beside(
    ax: Axes, bars: pd.DataFrame, people: pd.Series, several: bool, words: Words
) -> None:
    """Write before each bar its wave, where there are several, and after it how many answered."""
    looks: Looks = {"va": "center_baseline", "ha": "right", "textcoords": "offset points"}
    looks |= {"xycoords": ax.get_yaxis_transform()}
    ax.annotate("n", (1, 0), (_N, 2), color=GREY, **{**looks, "va": "bottom"})
    for bar in bars.to_dict("records"):
        if several:
            wave = label("wave", bar["wave"], words)
            ax.annotate(wave, (0, bar["y"]), (-5, 0), color=GREY, in_layout=False, **looks)
        n = people.get((bar["item"], bar["wave"]))
        if n is None:
            hidden = words.text("hidden")
            ax.text(0.01, bar["y"], hidden, va="center_baseline", color=GREY, in_layout=False)
        else:
            ax.annotate(words.count(n), (1, bar["y"]), (_N, 0), **looks)


def _caption(frame: pd.DataFrame, known: pd.Series, words: Words) -> Iterator[str]:
    waves = frame["wave"].unique()
    if len(waves) == 1:
        yield words.text("Answers to each item {wave}.", wave=label("wave", waves[0], words))
    else:
        yield words.text("Answers to each item before and after.")
    yield words.text(
        "The numbers in the bars are per cent of the answers, and n is the approximate number who "
        "answered. Options that few people chose are combined."
    )
    people = frame.loc[known, "n_in_all"]
    if words.rounding > 1 and people.lt(_FEW * words.rounding).any():
        yield words.text("Where few answered, the percentages are coarse: counts are rounded.")
    items = frame[["population", "item"]].drop_duplicates().itertuples(index=False, name=None)
    if words.reversed_items & {*items}:
        yield words.text(
            "The answers to items marked {mark} are turned round: the lowest answer is shown as "
            "the highest, and so on.",
            mark=words.text("(reverse-scored)"),
        )
    gone = frame.loc[~known, ["population", "item"]].drop_duplicates().to_dict("records")
    if gone:
        said = " ".join(named(row, "item", words) for row in gone)
        yield words.text("Not shown (confidentiality): {what}", what=said)
