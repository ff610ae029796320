"""Answers as they were given, before and after: histograms, dots, and attendance."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.markers import TICKDOWN
from matplotlib.patches import Patch

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, PALE, STYLE, Drawing
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.shown import view

_WAVES = (names.PRE, names.POST)
_CELL = ["population", "outcome", "subgroup"]
_LOOKS = {
    names.PRE: {"facecolor": PALE, "edgecolor": GREY, "linewidth": 1},
    names.POST: {"facecolor": "none", "edgecolor": BLUE, "linewidth": 1.8},
}
# dots, dots, and people that each has at least; dots side by side, inches from dot to dot
_TICKS = 5  # on the axis of a published score
_MOST, _FEWEST, _PEOPLE, _ACROSS, _DOT = 20, 5, 6, 13, 0.19


@mpl.rc_context(STYLE)
@view(drawn="share")
def distribution(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Drawing | Axes:
    """Draw answers before and after as outlines of bins, a panel per outcome and subgroup.

    Parameters
    ----------
    frame : DataFrame
        Gated bins: ``population, outcome, subgroup, wave, low, high, share, mean``, of one wave or
        both; a wave without numbers is hidden and left out.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw one outcome of one subgroup.

    Returns
    -------
    Drawing, or the Axes given
        The height is share per scale point, so equal areas are equal shares of the answers.
    """
    if ax is not None:
        return _distribution(ax, frame, words)
    panels = [panel for _, panel in frame.groupby(_CELL, sort=False)]
    figure, grid = canvas.multiples(panels, lambda ax, panel: _distribution(ax, panel, words))
    waves = [wave for wave in _WAVES if wave in {*frame["wave"]}]
    canvas.legend(figure, wave_handles(words, waves))
    caption = words.text(
        "Answers before and after. Equal areas are equal shares of the answers; values that few "
        "people chose are joined. The marks below the axis are the means."
    )
    if len(waves) == 1:
        caption = words.text(
            "Answers {wave}. Equal areas are equal shares of the answers; values that few people "
            "chose are joined. The mark below the axis is the mean.",
            wave=label("wave", waves[0], words),
        )
    alt = alt_texts.describe_distribution(frame, words)
    return canvas.fitted(figure, grid[:, 0], 1.15 * len(grid), caption, alt)


def _distribution(ax: Axes, frame: pd.DataFrame, words: Words) -> Axes:
    first = frame.iloc[0]
    outlines(ax, frame)
    scale_axis(ax, first, words=words)
    title = words.outcome(first["population"], first["outcome"])
    canvas.titled(ax, title, ": ".join(group_and_means(frame, words)))
    return ax


def outlines(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the histograms of one outcome of one subgroup, with marks at the means."""
    for wave, bins in _shown(frame).groupby("wave", sort=False):
        looks, edges = _LOOKS[wave], [*bins["low"], bins["high"].iloc[-1]]
        height = bins["share"] / (bins["high"] - bins["low"])
        ax.stairs(height, edges, fill=wave == names.PRE, **looks)
        tick = {"marker": TICKDOWN, "ms": 6.5, "mew": looks["linewidth"] + 0.6, "clip_on": False}
        at_foot = {"color": looks["edgecolor"], "transform": ax.get_xaxis_transform()}
        ax.plot(bins["mean"].iloc[:1], [0], **tick, **at_foot)
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    sns.despine(ax=ax, left=True)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the bins that are not hidden: those before, then those after, from low to high."""
    shown = frame[frame["share"].notna()].sort_values("low")
    return pd.concat([shown[shown["wave"] == wave] for wave in _WAVES])


def scale_axis(
    ax: Axes, row: pd.Series, *, words: Words, ends: bool = True, letters: int = 18
) -> None:
    """Make the x axis one of a row's answers: a tick per scale point, and what the ends mean."""
    answers = words.answers[row["population"], row["outcome"]]
    points = np.arange(answers.minimum, answers.maximum + 1)
    if answers.is_score:
        points = np.linspace(answers.minimum, answers.maximum, _TICKS)
    ax.set_xticks(points, [words.plain(point) for point in points])
    ax.tick_params(axis="x", pad=7)
    low = (answers.minimum, answers.low, "left", -3)
    high = (answers.maximum, answers.high, "right", 3)
    for point, text, side, nudge in (low, high) if ends else ():
        below = {"xytext": (nudge, -23), "textcoords": "offset points", "va": "top"}
        where = {"xycoords": ax.get_xaxis_transform(), "ha": side, **below}
        ax.annotate(canvas.wrapped(text, letters), (point, 0), color=GREY, **where)
    pad = answers.step / 2 + 0.03 * (answers.maximum - answers.minimum)
    ax.set_xlim(answers.minimum - pad, answers.maximum + pad)


def group_and_means(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return whose answers they are, unless everybody's, and their means before and after."""
    means = _shown(frame).drop_duplicates("wave").set_index("wave")["mean"]
    shown = {wave: words.number(mean) for wave, mean in means.items()}
    if {*shown} != {*frame["wave"]} & {*_WAVES}:
        said = words.text("hidden: too few people answered")
    elif len(shown) == 1:
        (wave, mean), *_ = shown.items()
        said = words.text("mean {mean} {wave}", mean=mean, wave=label("wave", wave, words))
    else:
        before, after = shown.values()
        said = words.text("mean {before} before, {after} after", before=before, after=after)
    return [*filter(None, [label("subgroup", frame["subgroup"].iloc[0], words), said])]


def wave_handles(words: Words, waves: Sequence[str] = _WAVES) -> list[Patch]:
    """Return the legend's entries of histograms before and after, or of one of them."""
    return [Patch(label=label("wave", wave, words), **_LOOKS[wave]) for wave in waves]


@mpl.rc_context(STYLE)
@view(drawn="share")
def dots(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw answers as dots of equal shares, never persons: after above a line, before beneath it.

    Parameters
    ----------
    frame : DataFrame
        Gated bins as for `distribution`, with ``n``, of any number of outcomes and subgroups. Each
        dot stands at a quantile of its bins, within which the answers count as evenly spread.
    words : Words
        The reader's language.
    """
    panels = [panel for _, panel in frame.groupby(_CELL, sort=False)]
    numbers = [_number_of_dots(panel) for panel in panels]
    # the same in all panels, so that all dots of a figure stand for the same share
    k = min((number for number in numbers if number >= _FEWEST), default=_FEWEST)
    stacks = [
        _stacks(panel, k, words) if number >= _FEWEST else {}
        for panel, number in zip(panels, numbers, strict=True)
    ]
    below, above = (
        max([2, *(y.max() for each in stacks for of, (_, y) in each.items() if of == wave)]) + 0.6
        for wave in _WAVES
    )

    def draw(ax: Axes, panel: tuple[pd.DataFrame, dict]) -> None:
        _dots(ax, *panel, words=words)
        ax.set_ylim(-below, above)
        ax.set_yticks([-below / 2, above / 2], [label("wave", wave, words) for wave in _WAVES])

    figure, grid = canvas.multiples([*zip(panels, stacks, strict=True)], draw)
    caption = words.text(
        "The answers after (above the line) and before (beneath it), each as {k} dots: a dot "
        "stands for {percent} of the answers, never for one person. Within values that are joined "
        "since few people chose them, the dots are evenly spread.",
        k=words.count(k),
        percent=words.percent(1 / k),
    )
    height, alt = _DOT * (below + above) * len(grid), alt_texts.describe_dots(frame, words)
    return canvas.fitted(figure, grid[:, 0], height, caption, alt)


def _number_of_dots(panel: pd.DataFrame) -> int:
    people = _shown(panel).groupby("wave")["n"].sum().min()
    return 0 if pd.isna(people) else int(min(_MOST, people // _PEOPLE))


def _stacks(panel: pd.DataFrame, k: int, words: Words) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each wave's dots: the middle of the column they fall into, and their place in it."""
    answers = words.answers[panel["population"].iloc[0], panel["outcome"].iloc[0]]
    low, high = answers.minimum - answers.step / 2, answers.maximum + answers.step / 2
    width = (high - low) / _ACROSS
    stacks = {}
    for wave, bins in _shown(panel).groupby("wave"):
        reached = np.concatenate([[0], bins["share"].cumsum() / bins["share"].sum()])
        edges = [*bins["low"], bins["high"].iloc[-1]]
        at = np.interp((np.arange(k) + 0.5) / k, reached, edges)
        column = np.clip((at - low) // width, 0, _ACROSS - 1)
        # sorted, so a dot's place in its column is how far it is from the column's first
        place = np.arange(k) - np.searchsorted(column, column)
        stacks[wave] = (low + (column + 0.5) * width, place + 0.8)
    return stacks


def _dots(ax: Axes, panel: pd.DataFrame, stacks: dict, *, words: Words) -> None:
    for wave, (x, y) in stacks.items():
        before, edge = wave == names.PRE, _LOOKS[wave]["edgecolor"]
        looks = {"facecolor": PALE if before else BLUE, "edgecolor": edge, "linewidth": 1}
        ax.scatter(x, -y if before else y, s=(72 * _DOT - 2) ** 2, **looks)
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    first = panel.iloc[0]
    scale_axis(ax, first, words=words)
    said = group_and_means(panel if stacks else panel.assign(share=np.nan), words)
    beneath = ": ".join(said) if sum(map(len, said)) < 36 else "\n".join(said)
    title = words.outcome(first["population"], first["outcome"])
    canvas.titled(ax, title, beneath, letters=29)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


@mpl.rc_context(STYLE)
@view(
    drawn="share",
    nothing="There is no register of attendance that can be joined to the answers.",
)
def attendance(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Drawing | Axes:
    """Draw how often people attended, a panel per population and kind.

    Parameters
    ----------
    frame : DataFrame
        Gated bins: ``population, column, low, high, n, share, most, mean``.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw one kind of one population.

    Returns
    -------
    Drawing, or the Axes given
        A bar per bin, as high as its share per gathering, its share written over it.
    """
    if ax is not None:
        return _attendance(ax, frame, words)
    panels = [panel for _, panel in frame.groupby(["population", "column"], sort=False)]
    figure, grid = canvas.multiples(panels, lambda ax, panel: _attendance(ax, panel, words))
    caption = words.text(
        "How often those who answered after had attended, as shares. Numbers that few people "
        "have are joined with their neighbours. Of the participants only, where the data tell "
        "the roles."
    )
    alt = alt_texts.describe_attendance(frame, words)
    return canvas.fitted(figure, grid[:, 0], len(grid), caption, alt)


def _attendance(ax: Axes, frame: pd.DataFrame, words: Words) -> Axes:
    first, most = frame.iloc[0], int(frame["most"].iloc[0])
    width = frame["high"] - frame["low"]
    height = frame["share"] / width
    alone = len(frame) == 1  # one bin of everybody tells nothing of how they are spread
    colour = PALE if alone else BLUE
    bars = ax.bar(frame["low"], height, width, align="edge", color=colour, edgecolor="white")
    said = [words.percent(share) for share in frame["share"]]
    if alone:
        said = [words.text("too few to show how they are spread")]
    place = {"label_type": "center"} if alone else {"padding": 1}
    ax.bar_label(bars, said, color=GREY, **place)
    ticks = range(0, most + 1, 1 if most <= 7 else 2)
    ax.set_xticks(ticks, [words.count(tick) for tick in ticks])
    ax.set(xlim=(-0.6, most + 0.6), ylim=(0, 1.22 * height.max()), yticks=[])
    sns.despine(ax=ax, left=True)
    what = {"what": label("register", first["column"], words), "most": words.count(most)}
    beneath = words.text("number of {what}, of {most}", **what)
    if not pd.isna(first["mean"]):
        mean = words.number(first["mean"], 1)
        beneath = words.text("{what}: mean {mean}", what=beneath, mean=mean)
    canvas.titled(ax, label("population", first["population"], words), beneath)
    return ax
