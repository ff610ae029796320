"""Changes with their intervals: by outcome and estimand, by region, by school."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from loftet_analysis.estimands import ESTIMANDS, MIDWAY, contrast_of_waves
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.answers import group_and_means, outlines, scale_axis, wave_handles
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, PALE, STYLE, Drawing
from loftet_analysis.show.languages import Words, group_label, label, row_label
from loftet_analysis.show.shown import view

_PAIR = ["population", "outcome"]
_RAW = {"color": "#9a9a9a", "lw": 1, "mfc": "white", "mec": "#9a9a9a", "mew": 1, "ms": 4.5}
_SHRUNK = {"color": BLUE, "lw": 2.2, "mec": "white", "mew": 0.5, "ms": 5.5, "marker": "D"}


@mpl.rc_context(STYLE)
@view(drawn="estimate")
def change(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Drawing | Axes:
    """Draw standardised changes with their intervals, one line per outcome and estimand.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of one region, in the order to draw them.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Drawing, or the Axes given
        Outcomes are headings among the tick labels, the numbers stand to the right.
    """
    figure = canvas.blank() if ax is None else None
    ax = figure.subplots() if ax is None else ax
    alone = frame["estimand"].nunique() == 1
    lines: list[tuple[str, dict]] = []  # labels with their rows, which headings have not
    for pair, rows in frame.groupby(_PAIR, sort=False):
        lines += [(line, {}) for line in textwrap.wrap(words.outcome(*pair), 32)]
        for row in rows.to_dict("records"):
            lines.append((f"\N{EM SPACE}{_row_label(row, words, alone=alone)}", row))
    places = [place for place, (_, row) in enumerate(lines) if row]
    _effects(ax, [row for _, row in lines if row], places, words)
    _effect_range(ax, frame)
    canvas.effect_axis(ax, words, ticks=6)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set_yticks(range(len(lines)), [text for text, _ in lines])
    for tick, (_, row) in zip(ax.get_yticklabels(), lines, strict=True):
        tick.set_weight("normal" if row else "bold")
    canvas.align_left(ax)
    ax.set_xlabel(axis_label(frame, words))
    if figure is None:
        return ax
    alt = alt_texts.describe_change(frame, words)
    return canvas.fitted(figure, [ax], 0.25 * len(lines), _caption(frame, words), alt)


def _row_label(row: dict, words: Words, *, alone: bool = False) -> str:
    """Return what a row of effects is called among those of its outcome.

    `alone` where the figure has one estimand only: then the group, or what tells its rows apart,
    is enough.
    """
    parts = [label("contrast", row["contrast"], words), group_label(row, words)]
    return ", ".join(filter(None, parts if alone else [])) or row_label(row, words)


def _effects(
    ax: Axes, rows: list[dict], places: Sequence[float], words: Words, between: str = " "
) -> None:
    """Draw effects with their intervals, and their numbers to the right of the axes.

    A hidden row gets a word instead of numbers; `between` stands between estimate and interval.
    """
    _marks(ax, pd.DataFrame(rows), places)
    for place, row in zip(places, rows, strict=True):
        if pd.isna(row["estimate"]):
            _say_missing(ax, row, (1.03, place), words)
            continue
        inside = words.interval(row["ci_low"], row["ci_high"])
        said = words.number(row["estimate"], signed=True) + (f"{between}({inside})" * bool(inside))
        middle = "center" if "\n" in said else "center_baseline"
        ax.text(1.03, place, said, va=middle, transform=ax.get_yaxis_transform())


def _say_missing(ax: Axes, row: dict, place: tuple[float, float], words: Words) -> None:
    said = words.text("hidden") if row["suppressed"] else words.text("not computed")
    looks = {"va": "center_baseline", "color": GREY}
    ax.text(*place, said, transform=ax.get_yaxis_transform(), **looks)


def _marks(ax: Axes, frame: pd.DataFrame, places: Sequence[float]) -> None:
    for estimand, rows in frame.assign(place=places).groupby("estimand", sort=False):
        # colour and shape together, so that the marks differ in grey too
        colour, marker = ESTIMANDS[estimand].mark
        colour = canvas.COLOURS[colour]
        shown = rows[rows["estimate"].notna()]
        canvas.intervals(ax, shown, shown["place"], color=colour, marker=marker)


def _effect_range(ax: Axes, frame: pd.DataFrame) -> None:
    """Make room for all intervals, and shade the changes that are too small to matter."""
    sesoi = frame["sesoi"].iloc[0]
    ax.axvspan(-sesoi, sesoi, color=PALE, linewidth=0, zorder=0)
    shown = frame[frame["estimate"].notna()]
    low, high = min([-0.2, *shown["ci_low"].dropna()]), max([0.2, *shown["ci_high"].dropna()])
    margin = 0.04 * (high - low)
    ax.set_xlim(low - margin, high + margin)


def _any_midway(frame: pd.DataFrame) -> bool:
    """Whether a change is from or to the wave midway."""
    return frame["contrast"].map(contrast_of_waves).isin(MIDWAY).any()


def axis_label(frame: pd.DataFrame, words: Words) -> str:
    """Return what the axis of changes is of."""
    if _any_midway(frame):
        return words.text("change in standard deviations (later − earlier)")
    return words.text("change in standard deviations (after − before)")


def _caption(frame: pd.DataFrame, words: Words) -> str:
    """Return what is said under every figure of changes with their intervals."""
    estimands = set(frame["estimand"])
    numbers = {"level": words.percent(frame["ci_level"].iloc[0])}
    numbers["sesoi"] = words.number(frame["sesoi"].iloc[0])
    of_regions = {*frame.get("cluster", [])} == {"region"}
    if _any_midway(frame):
        said = words.text(
            "Change from the earlier to the later time with {level} confidence intervals. The "
            "grey band is ±{sesoi} standard deviations, the smallest change of interest.",
            **numbers,
        )
    elif of_regions:
        said = words.text(
            "Change from before to after with {level} confidence intervals that allow for people "
            "in the same region being alike. The grey band is ±{sesoi} standard deviations, the "
            "smallest change of interest.",
            **numbers,
        )
    else:
        said = words.text(
            "Change from before to after with {level} confidence intervals that allow for people "
            "in the same school being alike. The grey band is ±{sesoi} standard deviations, the "
            "smallest change of interest.",
            **numbers,
        )
    return f"{label('estimand', *estimands, words)}. {said}" if len(estimands) == 1 else said


@mpl.rc_context(STYLE)
@view(drawn="estimate")
def estimation(frame: pd.DataFrame, *, words: Words, answers: pd.DataFrame) -> Drawing:
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
    blocks = []
    for pair, rows in frame.groupby(_PAIR, sort=False):
        rows = rows.to_dict("records")
        labels = [canvas.wrapped(_row_label(row, words), 18) for row in rows]
        own = answers[(answers[_PAIR] == [*pair]).all(axis=1)]
        bins = [each for _, each in own.groupby("subgroup", sort=False)]
        # the numbers of a row have two lines, its label may have more
        tall = 0.05 + 0.155 * max(2, *(label.count("\n") + 1 for label in labels))
        cell = max(0.62 if bins else 0.4, tall * len(rows) / max(1, len(bins)))
        blocks.append((pair, rows, labels, bins or [None], cell))
    heights = [cell for *_, bins, cell in blocks for _ in bins]
    figure, left, right = canvas.blank(), [], []
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(1, 1.1))
    for pair, rows, labels, bins, _ in blocks:
        top = len(left)
        for i, each in enumerate(bins):
            left.append(figure.add_subplot(grid[top + i, 0]))
            said = _histogram(left[-1], each, words, ends=i == len(bins) - 1)
            if i:
                left[-1].set_title(said, loc="left")
            else:
                canvas.over_row(left[-1], words.outcome(*pair), said)
        ax = figure.add_subplot(grid[top : len(left), 1])
        _effects(ax, rows, range(len(rows)), words, between="\n")
        _effect_range(ax, frame)
        canvas.effect_axis(ax, words, ticks=5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), labels)
        right.append(ax)
    canvas.align_left(*right)
    right[-1].set_xlabel(axis_label(frame, words))
    canvas.legend(figure, wave_handles(words), side="left")
    caption = words.text(
        "On the left the answers of all who answered each time: equal areas are equal shares of "
        "the answers, values that few people chose are joined, and the marks below the axis are "
        "the means. On the right the changes, of those whom each is about."
    )
    caption = f"{caption} {_caption(frame, words)}"
    drawn = answers.merge(frame[_PAIR].drop_duplicates())
    alt = [*alt_texts.describe_distribution(drawn, words)] if len(drawn) else []
    alt += alt_texts.describe_change(frame, words)
    return canvas.fitted(figure, left, sum(heights), caption, alt)


def _histogram(ax: Axes, bins: pd.DataFrame | None, words: Words, *, ends: bool) -> str:
    """Draw the answers, if there are any; return whose they are, and their means."""
    if bins is None:
        ax.set_axis_off()
        return ""
    outlines(ax, bins)
    scale_axis(ax, bins.iloc[0], words=words, ends=ends, letters=14)
    return canvas.wrapped("\n".join(group_and_means(bins, words)), 28)


@mpl.rc_context(STYLE)
@view(drawn="estimate")
def forest(
    frame: pd.DataFrame,
    *,
    words: Words,
    pooled: pd.DataFrame,
    together: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Drawing | Axes:
    """Draw estimates by region and, beneath them, the country and how regions differ.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects, one per region, outcome and estimand, in the register's order.
    words : Words
        The reader's language.
    pooled : DataFrame
        The matching gated rows of pooled effects, as far as there are any.
    together : DataFrame, optional
        The matching gated rows of the country, whose interval the diamond then has; else it has
        that of the mean over the regions.
    ax : Axes, optional
        Where to draw one outcome and estimand.

    Returns
    -------
    Drawing, or the Axes given
        A row of panels per outcome and a column per estimand. One line per region; then a diamond
        as wide as the interval of the country, on top of the thin line of the prediction interval.
    """
    if together is not None:
        pooled = _with_country(pooled, together)
    if ax is not None:
        return _forest(ax, frame, pooled, words, ticks=7)
    pairs = [*frame[_PAIR].drop_duplicates().itertuples(index=False, name=None)]
    estimands = frame["estimand"].unique()
    letters = {1: 60, 2: 26}.get(len(estimands), 14)
    titles = [canvas.wrapped(label("estimand", each, words), letters) for each in estimands]
    most = max(title.count("\n") for title in titles)
    titles = [title + "\n" * (most - title.count("\n")) for title in titles]

    def draw(ax: Axes, panel: tuple[str, str, str, str]) -> None:
        *keys, title = panel
        own, together = (
            each[(each[[*_PAIR, "estimand"]] == keys).all(axis=1)] for each in (frame, pooled)
        )
        _forest(ax, own, together, words, ticks=max(2, 7 // len(estimands)))
        ax.set_title(title, loc="left")
        ax.tick_params(labelbottom=True)

    columns = [*zip(estimands, titles, strict=True)]
    panels = [(*pair, *column) for pair in pairs for column in columns]
    figure, grid = canvas.multiples(panels, draw, columns=len(columns), sharex=True, sharey="row")
    for line, pair in zip(grid, pairs, strict=True):
        canvas.over_row(line[0], words.outcome(*pair), titles[0])
    height = 0.175 * (frame["region"].nunique() + 2) * len(grid)
    canvas.legend(figure, [_band(frame["sesoi"].iloc[0], words)])
    below = words.text("change in standard deviations (after − before)")
    caption = words.text(
        "Change by region with {level} confidence intervals. The diamond is the regions together "
        "with their interval; the thin line through it shows where the change of one more "
        "region can be expected (prediction interval). The grey band is ±{sesoi} standard "
        "deviations, the smallest change of interest. Regions stand in the order of the register "
        "and are not ranked.",
        level=words.percent(frame["ci_level"].iloc[0]),
        sesoi=words.number(frame["sesoi"].iloc[0]),
    )
    alt = alt_texts.describe_forest(pooled, words)
    return canvas.fitted(figure, grid[:, 0], height, caption, alt, xlabel=below)


def _band(sesoi: float, words: Words) -> Patch:
    """Return the legend's entry of the changes that are too small to matter."""
    text = words.text("±{sesoi} SD, the smallest change of interest", sesoi=words.number(sesoi))
    return Patch(color=PALE, lw=0, label=text)


def _with_country(pooled: pd.DataFrame, together: pd.DataFrame) -> pd.DataFrame:
    """Return pooled rows with the estimate and the interval of the country's own rows."""
    keys, numbers = [*_PAIR, "estimand"], ["estimate", "ci_low", "ci_high"]
    own = together.drop_duplicates(keys)[[*keys, *numbers]]
    return pooled.drop(columns=numbers).merge(own, on=keys, how="left")


def _forest(
    ax: Axes, frame: pd.DataFrame, pooled: pd.DataFrame, words: Words, *, ticks: int
) -> Axes:
    if len(frame):
        sesoi = frame["sesoi"].iloc[0]
        ax.axvspan(-sesoi, sesoi, color=PALE, linewidth=0, zorder=0)
    _marks(ax, frame, range(len(frame)))
    for place, row in enumerate(frame.to_dict("records")):
        if pd.isna(row["estimate"]):
            _say_missing(ax, row, (0.05, place), words)
    y = len(frame) + 0.3
    for row in pooled[pooled["estimate"].notna()].to_dict("records"):
        ax.hlines(y, row["pi_low"], row["pi_high"], color=INK, lw=1)
        middle, low, high = row["estimate"], row["ci_low"], row["ci_high"]
        diamond = [low, middle, high, middle], [y, y - 0.38, y, y + 0.38]
        ax.fill(*diamond, color=INK, lw=0, zorder=3)
    canvas.effect_axis(ax, words, ticks=ticks)
    ax.set_ylim(len(frame) + 1, -0.6)
    labels = [*map(words.region, frame["region"]), words.text("Regions together")]
    ax.set_yticks([*range(len(frame)), y], labels)
    ax.yaxis.get_major_ticks()[-1].label1.set_weight("bold")
    return ax


@mpl.rc_context(STYLE)
@view(
    drawn="estimate",
    nothing="The study asks for no change that can be told school by school.",
)
def schools(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the schools' changes, by themselves and drawn towards the mean of all schools.

    Parameters
    ----------
    frame : DataFrame
        Gated rows by school of one estimand, in the register's order. Schools that are hidden or
        have no estimate of any outcome are left out.
    words : Words
        The reader's language, with the schools' names.
    """
    drawn = frame[frame["estimate"].notna()]
    shown = [school for school in frame["school_id"].unique() if school in {*drawn["school_id"]}]
    names = {school: _short_name(school, words) for school in shown}
    themselves = words.text("the school by itself"), words.text("drawn towards all schools")
    caption = words.text(
        "Change by school with {level} intervals: hollow marks rest on the school alone, "
        "filled ones are drawn towards the mean of the schools, the more so the less the "
        "school's own answers tell. Schools stand in the order of the register; schools are "
        "not ranked.",
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    if left_out := frame["school_id"].nunique() - len(shown):
        few = words.plural(
            "{n} school is left out, as too few people answered there.",
            "{n} schools are left out, as too few people answered there.",
            left_out,
        )
        caption = f"{caption} {few}"
    alt = alt_texts.describe_schools(drawn, words)
    return _drawn_together(frame, "school_id", names, themselves, words, caption, alt)


@mpl.rc_context(STYLE)
@view(drawn="shrunk", nothing="The study names no primary change that is told region by region.")
def regions(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the regions' changes, by themselves and drawn towards their mean.

    Parameters
    ----------
    frame : DataFrame
        Gated rows by region of one estimand, in the register's order. Regions that are hidden or
        have no estimate of any outcome are left out.
    words : Words
        The reader's language, with the regions' names.
    """
    drawn = frame[frame["estimate"].notna()]
    shown = [each for each in frame["region"].unique() if each in {*drawn["region"]}]
    names = {each: words.region(each) for each in shown}
    themselves = words.text("the region by itself"), words.text("drawn towards all regions")
    caption = words.text(
        "{estimand} by region with {level} intervals: hollow marks rest on the region alone, "
        "filled ones are drawn towards the mean over the regions, the more so the less the "
        "region's own answers tell. Regions stand in the order of the register and are not ranked.",
        estimand=label("estimand", frame["estimand"].iloc[0], words),
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    if alone := drawn.loc[drawn["shrunk"].isna(), "region"].nunique():
        without = words.plural(
            "{n} region has no interval, since it would tell of single schools, and is not drawn "
            "towards the others.",
            "{n} regions have no interval, since it would tell of single schools, and are not "
            "drawn towards the others.",
            alone,
        )
        caption = f"{caption} {without}"
    alt = alt_texts.describe_regions(drawn, words)
    return _drawn_together(frame, "region", names, themselves, words, caption, alt)


def _drawn_together(
    frame: pd.DataFrame,
    by: str,
    names: Mapping[str, str],
    themselves: tuple[str, str],
    words: Words,
    caption: str,
    alt: Iterable[str],
) -> Drawing:
    """Draw a panel per outcome: a line for each of `names`, by itself and drawn towards the mean.

    `themselves` is what the two kinds of marks are called.
    """
    drawn, shown = frame[frame["estimate"].notna()], [*names]
    panels = [*frame[_PAIR].drop_duplicates().itertuples(index=False, name=None)]
    letters = {1: 50, 2: 26}.get(len(panels), 17)
    raw, towards = ({**looks, "label": each} for looks, each in
                    zip((_RAW, _SHRUNK), themselves, strict=True))  # fmt: skip

    def draw(ax: Axes, pair: tuple[str, str]) -> None:
        own = drawn[(drawn[_PAIR] == [*pair]).all(axis=1)]
        places = np.array([shown.index(each) for each in own[by]], dtype=float)
        if own.empty:
            said = canvas.wrapped(words.text("hidden: too few people answered"), letters)
            ax.annotate(said, (0, 1), xycoords="axes fraction", va="top", color=GREY)
        canvas.intervals(ax, own, places - 0.17, **raw)
        shrunk = ("shrunk", "shrunk_low", "shrunk_high")
        canvas.intervals(ax, own, places + 0.17, columns=shrunk, **towards)
        canvas.effect_axis(ax, words, ticks=4)
        ax.set_title(canvas.wrapped(words.outcome(*pair), letters), loc="left", weight="bold")
        ax.tick_params(labelbottom=True)

    figure, grid = canvas.multiples(panels, draw, columns=3, sharex=True, sharey=True)
    grid[0, 0].set_ylim(max(1, len(shown)) - 0.5, -0.5)
    grid[0, 0].set_yticks(range(len(shown)), names.values())
    canvas.align_left(*grid[:, 0])
    canvas.legend(figure, grid[0, 0].get_legend_handles_labels()[0])
    below = words.text("change in standard deviations (after − before)")
    height = 0.25 * max(2, len(shown)) * len(grid)
    return canvas.fitted(figure, grid[:, 0], height, caption, alt, xlabel=below)


def _short_name(school: str, words: Words) -> str:
    name = words.schools.get(school, school)
    short = textwrap.shorten(name, 28, placeholder="…")
    # a single long word would leave nothing but the dots
    return short if len(short) > 1 else f"{name[:27]}…"
