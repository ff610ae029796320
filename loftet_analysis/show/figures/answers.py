"""Answers as they were given, before and after: histograms, dots, and attendance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.markers import TICKDOWN
from matplotlib.patches import Patch

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, PALE, Drawing, Looks
from loftet_analysis.show.languages import Words, joined, label
from loftet_analysis.show.shown import view

_WAVES = (names.PRE, names.POST)
_CELL = ["population", "outcome", "subgroup"]
_LOOKS: dict[str, Looks] = {
    names.PRE: {"facecolor": PALE, "edgecolor": GREY, "linewidth": 1},
    names.POST: {"facecolor": "none", "edgecolor": BLUE, "linewidth": 1.8},
}
_SEEN = 0.085  # of a bar of attendance, the smallest piece that has room for text
_TICKS = 5  # on the axis of a published score
_PALE_BLUE, _DARK_BLUE, _BAR = "#dbe9f4", "#1f5a96", 0.5  # the last in inches
_BINS = 4  # fewer do not tell how answers are spread
_PANEL = 0.68  # inches
# dots, dots, and people that each has at least; dots side by side, inches from dot to dot
_MOST, _FEWEST, _PEOPLE, _ACROSS, _DOT = 20, 5, 6, 13, 0.19


@view(title="How the answers are spread", drawn="share")
def distribution(
    frame: pd.DataFrame, *, words: Words, ax: Axes | None = None
) -> Drawing | Axes | str:
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
        The height is share per scale point, so equal areas are equal shares of the answers. Answers
        in too few bins to have a shape are named in the caption; a text where all are.
    """
    if ax is not None:
        return _distribution(ax, frame, words)
    shape = has_shape(frame, words)
    few = _too_few(frame[~shape], words)
    if not shape.any():
        return few
    panels = [panel for _, panel in frame[shape].groupby(_CELL, sort=False)]
    is_many = len(panels) > 4

    def draw(ax: Axes, panel: pd.DataFrame) -> None:
        _distribution(ax, panel, words, letters=20 if is_many else 32)

    figure, grid = canvas.multiples(panels, draw, columns=3 if is_many else 2)
    waves = [wave for wave in _WAVES if wave in {*frame["wave"]}]
    canvas.legend(figure, wave_handles(words, waves))
    caption = words.text(
        "Answers before and after. Equal areas are equal shares of the answers; values that few "
        "people chose are combined. The marks below the axis are the means."
    )
    if len(waves) == 1:
        caption = words.text(
            "Answers {wave}. Equal areas are equal shares of the answers; values that few people "
            "chose are combined. The mark below the axis is the mean.",
            wave=label("wave", waves[0], words),
        )
    caption = f"{caption} {few}".strip()
    alt, rows = alt_texts.describe_distribution(frame[shape], words), {"": frame[shape]}
    return canvas.fitted(figure, grid[:, 0], _PANEL * len(grid), caption, alt, words, rows=rows)


def _distribution(ax: Axes, frame: pd.DataFrame, words: Words, *, letters: int = 32) -> Axes:
    first = frame.iloc[0]
    outlines(ax, frame)
    scale_axis(ax, first, words=words, letters=14 if letters < 32 else 18)
    title = words.outcome(first["population"], first["outcome"])
    said = group_and_means(frame, words)
    beneath = (": " if sum(map(len, said)) < letters * 4 // 3 else "\n").join(said)
    canvas.titled(ax, title, beneath, letters=letters)
    return ax


def has_shape(frame: pd.DataFrame, words: Words) -> pd.Series:
    """Return which bins are of answers that are told finely enough to have a shape.

    That is at least four bins in every wave that is shown, or one for each possible answer.
    """
    fewest = frame[frame["share"].notna()].groupby([*_CELL, "wave"]).size().groupby(_CELL).min()
    enough = {}
    for cell, n in fewest.items():
        answers = words.answers[cell[:2]]
        possible = round((answers.maximum - answers.minimum) / answers.step) + 1
        enough[cell] = n >= min(_BINS, possible)
    cells = frame[_CELL].itertuples(index=False, name=None)
    return pd.Series([enough.get(cell, False) for cell in cells], frame.index, dtype=bool)


def _too_few(frame: pd.DataFrame, words: Words) -> str:
    """Return whose answers of what are not drawn, since few bins do not tell their shape."""
    if frame.empty:
        return ""
    by_group: dict[str, list[str]] = {}
    for population, outcome, subgroup in frame[_CELL].drop_duplicates().itertuples(index=False):
        group = label("subgroup", subgroup, words) or label("population", population, words)
        by_group.setdefault(group.lower(), []).append(words.outcome(population, outcome))
    named = [f"{joined(those, words)} ({group})" for group, those in by_group.items()]
    return words.text(
        "Not drawn, since most of the values were chosen by few people: {what}.",
        what="; ".join(named),
    )


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
        looks: Looks = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
        looks |= {"ha": side, "va": "top", "color": GREY}
        ax.annotate(canvas.wrapped(text, letters), (point, 0), (nudge, -23), **looks)
    pad = answers.step / 2 + 0.03 * (answers.maximum - answers.minimum)
    ax.set_xlim(answers.minimum - pad, answers.maximum + pad)


def group_and_means(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return whose answers they are, unless everybody's, and their means before and after."""
    means = _shown(frame).drop_duplicates("wave").set_index("wave")["mean"]
    shown = {wave: words.number(mean) for wave, mean in means.items()}
    if {*shown} != {*frame["wave"]} & {*_WAVES}:
        said = words.text("hidden for confidentiality")
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


@view(title="The answers as dots", drawn="share")
def dots(frame: pd.DataFrame, *, words: Words, low: pd.DataFrame | None = None) -> Drawing:
    """Draw answers as dots of equal shares, never persons: after above a line, before beneath it.

    Parameters
    ----------
    frame : DataFrame
        Gated bins as for `distribution`, with ``n_in_all``, of any number of outcomes and
        subgroups. Each dot stands at a quantile of its bins, within which the answers count as
        evenly spread.
    words : Words
        The reader's language.
    low : DataFrame, optional
        Gated ``population, outcome, low_fifth``: a line stands where low answers end, and it is
        said how many dots are below it. Neither where a bin holds answers of both kinds: nothing
        is known of how many are low.
    """
    cells = [*frame.groupby(_CELL, sort=False)]
    fifths = {} if low is None else low.set_index(_CELL[:2])["low_fifth"].dropna().to_dict()
    numbers = [_number_of_dots(panel) for _, panel in cells]
    # the same in all panels, so that all dots of a figure stand for the same share
    k = min((number for number in numbers if number >= _FEWEST), default=_FEWEST)
    panels, told = [], {}
    unknown: dict[str, None] = {}
    for (cell, panel), number in zip(cells, numbers, strict=True):
        fifth = fifths.get(cell[:2])
        end = None if fifth is None else _end_of_low(panel, fifth, words)
        own = _stacks(panel, k, words, end) if number >= _FEWEST else {}
        few = {} if end is None else {wave: int((x < end).sum()) for wave, (x, _) in own.items()}
        panels.append((panel, own, few, end))
        told[cell] = few
        if own and end is None and fifth is not None:
            unknown[words.outcome(*cell[:2])] = None
    below, above = (
        max([2, *(own[wave][1].max() for _, own, *_ in panels if wave in own)]) + 0.6
        for wave in _WAVES
    )

    def draw(ax: Axes, panel: tuple[pd.DataFrame, dict, dict, float | None]) -> None:
        rows, own, few, end = panel
        _dots(ax, rows, own, words=words)
        if few and end is not None:
            ax.axvline(end, color=INK, lw=1, ls=(0, (1, 2)), zorder=1)
        ax.set_ylim(-below, above)
        named = {wave: label("wave", wave, words) for wave in _WAVES}
        for wave, n in few.items():
            of = words.text("{n} of {k} low", n=words.count(n), k=words.count(k))
            named[wave] = f"{named[wave]}\n{of}"
        ax.set_yticks([-below / 2, above / 2], [*named.values()])

    figure, grid = canvas.multiples(panels, draw)
    caption = words.text(
        "The answers after (above the line) and before (beneath it), each as {k} dots: a dot "
        "stands for {percent} of the answers, never for one person. Within values that are "
        "combined since few people chose them, the dots are evenly spread.",
        k=words.count(k),
        percent=words.percent(1 / k),
    )
    if any(told.values()):
        beneath = words.text(
            "Low answers are left of the dotted line, which is where the lowest fifth of all "
            "answers in the study ended before."
        )
        caption = f"{caption} {beneath}"
    if unknown:
        without = words.text(
            "How many are low is not told where a low answer and the one after it are combined: "
            "{what}.",
            what=joined([*unknown], words),
        )
        caption = f"{caption} {without}"
    drawn = [panel for panel, own, *_ in panels if own]
    rows = pd.concat(drawn) if drawn else frame[:0]
    height = _DOT * (below + above) * len(grid)
    alt = alt_texts.describe_dots(rows, words, told, k)
    return canvas.fitted(figure, grid[:, 0], height, caption, alt, words, rows={"": rows})


def _end_of_low(panel: pd.DataFrame, fifth: float, words: Words) -> float | None:
    """Return the edge of bins between the scores strictly below a limit and the others.

    None where in any wave a bin reaches across it, or nothing lies below it.
    """
    answers = words.answers[tuple(panel[_CELL[:2]].iloc[0])]
    # the limit itself is rounded by the gate
    above = np.ceil((fifth - answers.minimum) / answers.step - 0.1)
    end = answers.minimum + (above - 0.5) * answers.step
    inner = [
        np.isclose(bins["low"].iloc[1:], end).any() for _, bins in _shown(panel).groupby("wave")
    ]
    return end if inner and all(inner) else None


def _number_of_dots(panel: pd.DataFrame) -> int:
    people = _shown(panel)["n_in_all"].min()
    return 0 if pd.isna(people) else int(min(_MOST, people // _PEOPLE))


def _stacks(
    panel: pd.DataFrame, k: int, words: Words, low_end: float | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each wave's dots: the middle of the column they fall into, and their place in it.

    Low answers end between two columns, so that none has dots of both kinds.
    """
    answers = words.answers[panel["population"].iloc[0], panel["outcome"].iloc[0]]
    low, high = answers.minimum - answers.step / 2, answers.maximum + answers.step / 2
    columns = np.linspace(low, high, _ACROSS + 1)
    if low_end is not None:
        beneath = np.clip(round((low_end - low) / (high - low) * _ACROSS), 1, _ACROSS - 1)
        columns = np.interp(range(_ACROSS + 1), [0, beneath, _ACROSS], [low, low_end, high])
    stacks = {}
    for wave, bins in _shown(panel).groupby("wave"):
        reached = np.concatenate([[0], bins["share"].cumsum() / bins["share"].sum()])
        edges = [*bins["low"], bins["high"].iloc[-1]]
        at = np.interp((np.arange(k) + 0.5) / k, reached, edges)
        column = np.searchsorted(columns[1:-1], at, side="right")
        # sorted, so a dot's place in its column is how far it is from the column's first
        place = np.arange(k) - np.searchsorted(column, column)
        stacks[wave] = ((columns[column] + columns[column + 1]) / 2, place + 0.8)
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


@view(
    title="Attendance",
    drawn="share",
    nothing="There is no register of attendance that can be joined to the answers.",
)
def attendance(
    frame: pd.DataFrame, *, words: Words, ax: Axes | None = None
) -> Drawing | Axes | str:
    """Draw how often people attended, a bar per population and kind.

    Parameters
    ----------
    frame : DataFrame
        Gated bins: ``population, column, low, high, n, share, most, mean``.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Drawing, or the Axes given
        A bar is everybody, each of its pieces the share of those who attended so often. What is one
        piece only is named in the caption; a text where all are.
    """
    bars: list[tuple[str, pd.DataFrame]] = []
    few: list[tuple[str, pd.DataFrame]] = []
    narrow = []
    for (population, column), bins in frame.groupby(["population", "column"], sort=False):
        first, bins = bins.iloc[0], bins.sort_values("low")
        named = f"{label('population', population, words)}, {label('register', column, words)}"
        without = bins[bins["share"] / bins["share"].sum() < _SEEN].to_dict("records")
        if without and len(bins) > 1:
            said = [
                f"{words.counts(*alt_texts.times(row))} ({words.percent(row['share'])})"
                for row in without
            ]
            narrow.append(f"{named}: {', '.join(said)}")
        if not pd.isna(first["mean"]):
            numbers = {"mean": words.number(first["mean"], 1), "most": words.count(first["most"])}
            named = f"{named}\n{words.text('mean {mean} of {most}', **numbers)}"
        (bars if len(bins) > 1 else few).append((named, bins))
    caption = words.text(
        "How often those who answered after the programme had attended, as shares of people. "
        "Numbers of times that few people attended are combined with neighbouring ones. "
        "Participants only, where the data give roles."
    )
    if few:
        what = "; ".join(named.replace("\n", ", ") for named, _ in few)
        too_few = words.text("Too few to show how they are spread: {what}.", what=what)
        if not bars:
            return too_few
        caption = f"{caption} {too_few}"
    if narrow:
        unwritten = words.text("Too narrow for text: {what}.", what="; ".join(narrow))
        caption = f"{caption} {unwritten}"
    figure = None
    if ax is None:
        figure = canvas.blank()
        ax = figure.subplots()
    for place, (_, bins) in enumerate(bars):
        _attendance(ax, place, bins, words)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(bars) - 0.5, -0.5)
    ax.set_yticks(range(len(bars)), [named for named, _ in bars])
    ax.tick_params(axis="y", length=0)
    ax.set_xticks(np.linspace(0, 1, 5), map(words.percent, np.linspace(0, 1, 5)))
    ax.set_xlabel(words.text("share of people, from those who attended least"))
    sns.despine(ax=ax, left=True)
    canvas.align_left(ax)
    if figure is None:
        return ax
    alt = alt_texts.describe_attendance(frame, words)
    return canvas.fitted(figure, [ax], _BAR * len(bars), caption, alt, words)


def _attendance(ax: Axes, place: int, bins: pd.DataFrame, words: Words) -> None:
    """Draw one bar; its pieces are the darker the more often people attended."""
    colours = sns.blend_palette((_PALE_BLUE, _DARK_BLUE), int(bins["most"].iloc[0]) + 1)
    ends = bins["share"].cumsum() / bins["share"].sum()
    for row, right in zip(bins.to_dict("records"), ends, strict=True):
        low, high = alt_texts.times(row)
        at = (low + high) / 2 / row["most"]
        width = row["share"] / bins["share"].sum()
        ax.barh(place, width, 0.72, right - width, color=colours[round((low + high) / 2)],
                edgecolor="white")  # fmt: skip
        if width >= _SEEN:
            said = f"{words.counts(low, high)}\n{words.percent(row['share'])}"
            colour = "white" if at > 0.6 else INK
            ax.text(right - width / 2, place, said, ha="center", va="center", color=colour)
