"""Single items before and after: bars that spread from the middle of the scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.transforms import blended_transform_factory

from loftet_analysis import names
from loftet_analysis.show.alt_texts import (
    answers_to_items,
    beside_the_middle,
    describe_likert,
)
from loftet_analysis.show.figures.canvas import (
    EDGE,
    GREY,
    INK,
    STYLE,
    WIDTH,
    Drawing,
    blank,
    text_width,
    wrapped,
)
from loftet_analysis.show.languages import Answers, Words, subgroup_label, wave_label

# orange to blue; in grey the blue end is the darker one
_COLOURS = ("#d9801f", "#f6cd96", "#e4e4e4", "#9ec5e6", "#1f5a96")
# inches
_WORDING, _WAVES, _PERCENT = 2.75, 0.2, 0.46
_LINE, _BAR, _PITCH, _BETWEEN, _SWATCH = 0.15, 0.135, 0.165, 0.11, 0.14


@dataclass
class _Page:
    """What is to be drawn, y in inches from the top."""

    bars: dict = field(default_factory=lambda: defaultdict(list))
    swatches: dict = field(default_factory=lambda: defaultdict(list))
    # of texts in inches, and of texts at a share: x, y, text, alignment, looks
    words: list = field(default_factory=list)
    numbers: list = field(default_factory=list)
    middles: list = field(default_factory=list)
    y: float = 0.08
    turned: bool = False
    joined: bool = False
    unsplit: bool = False


def likert_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
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
    page = _Page()
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    beside = max(text_width(wave_label(wave, words)) for wave in waves)
    left = EDGE + _WORDING + _WAVES + beside
    shown = None
    keys = ["population", "outcome", "subgroup"]
    for (population, outcome, subgroup), items in frame.groupby(keys, sort=False):
        options = _options(population, outcome, words)
        if options != shown:
            _legend(page, options)
            shown = options
        group = subgroup_label(subgroup, words)
        label = words.outcome(population, outcome)
        _heading(page, f"{label}, {group}" if group else label)
        top, scale = page.y, words.answers[population, outcome]
        for item, bins in answers_to_items(items).items():
            page.turned |= (population, item) in words.reversed_items
            _item(page, _wording(population, item, words), bins, scale, waves, left, words)
        page.middles.append([(0, top - 0.02), (0, page.y - _BETWEEN + 0.02)])
        page.y += 0.08
    with mpl.rc_context({**STYLE, "hatch.linewidth": 0.7}):
        figure = blank(page.y)
        _draw(figure, page, left)
    return Drawing(figure, _caption(page, words), describe_likert(frame, words))


def _options(population: str, outcome: str, words: Words) -> list[str]:
    answers = words.answers[population, outcome]
    labels = words.options.get((population, outcome), {})
    points = range(round(answers.minimum), round(answers.maximum) + 1)
    return [labels.get(point, words.number(point, 0)) for point in points]


def _wording(population: str, item: str, words: Words) -> list[str]:
    wording = words.items.get((population, item), item)
    if (population, item) in words.reversed_items:
        # TRANSLATORS: after the wording of an item whose answers are counted the other way round
        wording = f"{wording} {words.text('(turned)')}"
    return wrapped(wording, _WORDING)


@lru_cache
def _palette(n: int) -> np.ndarray:
    low, pale_low, middle, pale_high, high = _COLOURS
    sides = [sns.blend_palette(ends, n // 2) for ends in ((low, pale_low), (high, pale_high))]
    between = [to_rgb(middle)] * (n % 2)
    return np.array([*sides[0], *between, *reversed(sides[1])])[:, :3]


def _legend(page: _Page, options: list[str]) -> None:
    """Place the options one after the other, in as many lines as they need."""
    x = EDGE
    for option, colour in zip(options, _palette(len(options)), strict=True):
        needed = _SWATCH + 0.06 + text_width(option)
        if x > EDGE and x + needed > WIDTH - EDGE:
            x, page.y = EDGE, page.y + 0.2
        page.swatches[tuple(colour)].append(_box(x, x + _SWATCH, page.y + 0.02, _SWATCH))
        page.words.append((x + _SWATCH + 0.06, page.y + 0.09, option, "left", {}))
        x += needed + 0.2
    page.y += 0.32


def _heading(page: _Page, heading: str) -> None:
    lines = wrapped(heading, WIDTH - 2 * EDGE, weight="bold", size=10)
    height = 0.17 * len(lines)
    looks = {"weight": "bold", "size": 10}
    page.words.append((EDGE, page.y + height / 2, "\n".join(lines), "left", looks))
    page.y += height + 0.1


def _item(
    page: _Page,
    wording: list[str],
    bins: Mapping[str, list],
    answers: Answers,
    waves: list[str],
    left: float,
    words: Words,
) -> None:
    height = max(_PITCH * len(waves), _LINE * len(wording))
    centre = page.y + height / 2
    page.words.append((EDGE, centre, "\n".join(wording), "left", {}))
    for i, wave in enumerate(waves):
        y = centre + _PITCH * (i - (len(waves) - 1) / 2)
        page.words.append((left - 0.06, y, wave_label(wave, words), "right", {"color": GREY}))
        if wave in bins:
            _bar(page, bins[wave], y, answers, words)
        else:
            page.numbers.append((0, 4, y, words.text("hidden"), "left", {"color": GREY}))
    page.y += height + _BETWEEN


def _bar(page: _Page, bins: list, y: float, answers: Answers, words: Words) -> None:
    middle = (answers.minimum + answers.maximum) / 2
    palette = _palette(round(answers.maximum - answers.minimum) + 1)
    # of an option or of joined ones in the middle, what lies below it
    start = x = -sum(
        share * min(max((middle - low) / (high - low), 0), 1) for low, high, share in bins
    )
    for low, high, share in bins:
        options = palette[round(low + 0.5 - answers.minimum) : round(high + 0.5 - answers.minimum)]
        joined = len(options) > 1
        page.bars[(*options.mean(axis=0), joined)].append(_box(x, x + share, y - _BAR / 2, _BAR))
        page.joined |= joined
        x += share
    shares = beside_the_middle(bins, answers)
    page.unsplit |= any(map(pd.isna, shares))
    for at, share, nudge, side in zip((start, x), shares, (-4, 4), ("right", "left"), strict=True):
        if not pd.isna(share):
            page.numbers.append((at, nudge, y, words.percent(share), side, {"color": INK}))


def _box(x0: float, x1: float, y: float, height: float) -> list[tuple[float, float]]:
    return [(x0, y), (x1, y), (x1, y + height), (x0, y + height)]


def _draw(figure: mpl.figure.Figure, page: _Page, left: float) -> None:
    room = WIDTH - left - EDGE
    ax = figure.add_axes((left / WIDTH, 0, room / WIDTH, 1))
    ax.set_axis_off()
    ends = [x for boxes in page.bars.values() for box in boxes for x, _ in box] or [-0.5, 0.5]
    per_inch = (max(ends) - min(ends)) / (room - 2 * _PERCENT)
    ax.set_xlim(min(ends) - _PERCENT * per_inch, max(ends) + _PERCENT * per_inch)
    ax.set_ylim(page.y, 0)
    inches = blended_transform_factory(figure.dpi_scale_trans, ax.transData)
    looks = {"edgecolor": "white", "linewidth": 0.6}
    for (*colour, joined), boxes in page.bars.items():
        bars = PolyCollection(boxes, facecolor=colour, hatch="////" if joined else None, **looks)
        ax.add_collection(bars, autolim=False)
    for colour, boxes in page.swatches.items():
        swatches = PolyCollection(boxes, facecolor=colour, transform=inches, clip_on=False, **looks)
        ax.add_collection(swatches, autolim=False)
    ax.add_collection(
        LineCollection(page.middles, colors=INK, linewidths=0.8, zorder=3), autolim=False
    )
    for x, y, text, side, how in page.words:
        ax.text(x, y, text, transform=inches, ha=side, va=_va(text), **how)
    for x, nudge, y, text, side, how in page.numbers:
        ax.annotate(
            text,
            (x, y),
            xytext=(nudge, 0),
            textcoords="offset points",
            ha=side,
            va="center_baseline",
            **how,
        )


def _va(text: str) -> str:
    return "center" if "\n" in text else "center_baseline"


def _caption(page: _Page, words: Words) -> str:
    said = [
        words.text(
            "Answers to each item before and after. The bars spread from the middle of the scale; "
            "the percentages are the shares of the answers on either side of it, without an option "
            "in the middle."
        )
    ]
    if page.turned:
        said.append(
            words.text(
                "The answers to items marked {mark} are counted the other way round.",
                mark=words.text("(turned)"),
            )
        )
    if page.joined:
        said.append(words.text("Hatched: options that few people chose, joined."))
    if page.unsplit:
        said.append(
            words.text(
                "Where options on both sides of the middle are joined, a percentage is left out."
            )
        )
    return " ".join(said)
