"""Changes with their intervals: by outcome and estimand, and by region."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes

from loftet_analysis.show.alt_texts import describe_change, describe_forest
from loftet_analysis.show.figures.canvas import (
    BESIDE,
    BLUE,
    EDGE,
    GREY,
    INK,
    LABEL,
    MARKS,
    PALE,
    STYLE,
    TICKS,
    Drawing,
    align_left,
    axes_or_new,
    effect_axis,
    label_at_bottom,
    label_below,
    multiples,
    over_row,
    widest,
)
from loftet_analysis.show.languages import Words, contrast_label, estimand_label, subgroup_label


def change(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw standardised changes with their intervals, one line per outcome and estimand.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of one region, in the order to draw them.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw; default: new axes of report size.

    Returns
    -------
    Axes
        Outcomes are headings among the tick labels, the numbers stand to the right.
    """
    ax = axes_or_new(ax)
    lines = _lines(frame, words)
    for y, (_, row) in enumerate(lines):
        if row:
            effect_row(ax, row, y, words=words)
    effect_range(ax, frame)
    effect_axis(ax, words, ticks=6)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set_yticks(range(len(lines)), [label for label, _ in lines])
    for label, (_, row) in zip(ax.get_yticklabels(), lines, strict=True):
        if not row:
            label.set_weight("bold")
    align_left(ax)
    label_below(ax, words.text("change in standard deviations (after − before)"))
    return ax


def _lines(frame: pd.DataFrame, words: Words) -> list[tuple[str, dict]]:
    """Return the labels from top to bottom with their rows of effects, which headings have not."""
    alone = frame["estimand"].nunique() == 1
    lines: list[tuple[str, dict]] = []
    for (population, outcome), rows in frame.groupby(["population", "outcome"], sort=False):
        lines += [(line, {}) for line in textwrap.wrap(words.outcome(population, outcome), 32)]
        for row in rows.to_dict("records"):
            lines.append((f"   {row_label(row, words, alone=alone)}", row))
    return lines


def row_label(row: dict, words: Words, *, alone: bool = False) -> str:
    """Return what a row of effects is called among those of its outcome.

    `alone` where the figure has one estimand only: then the group, or what tells its rows apart,
    is enough.
    """
    # the estimands of teachers name the role themselves
    role = row["subgroup"].startswith("role=")
    group = "" if role else subgroup_label(row["subgroup"], words)
    detail = contrast_label(row["estimand"], row["contrast"], words)
    if alone and (group or detail):
        return ", ".join(filter(None, [detail, group]))
    label = estimand_label(row["estimand"], words, row["contrast"])
    return f"{label}, {group}" if group else label


def effect_row(ax: Axes, row: dict, y: float, *, words: Words, between: str = " ") -> None:
    """Draw an effect with its interval, and its numbers to the right of the axes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    row : dict
        A gated row of effects; a hidden one gets a word instead of numbers.
    y : float
        The row's place.
    words : Words
        The reader's language.
    between : str, optional
        What stands between the estimate and its interval: a blank, or a new line.
    """
    missing = pd.isna(row["estimate"])
    if not missing:
        _interval_mark(ax, row, y)
    said = effect_numbers(row, words, between=between)
    ax.annotate(
        said,
        (1, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center" if "\n" in said else "center_baseline",
        color=GREY if missing else INK,
    )


def effect_numbers(row: dict, words: Words, *, between: str = " ") -> str:
    """Return what is written beside an effect: its numbers, or why there are none."""
    if pd.isna(row["estimate"]):
        return words.text("hidden") if row["suppressed"] else words.text("not computed")
    inside = words.interval(row["ci_low"], row["ci_high"])
    return f"{words.number(row['estimate'], signed=True)}{between}({inside})"


def effect_range(ax: Axes, frame: pd.DataFrame) -> None:
    """Make room for all intervals, and shade the changes that are too small to matter."""
    sesoi = frame["sesoi"].iloc[0]
    ax.axvspan(-sesoi, sesoi, color=PALE, linewidth=0, zorder=0)
    shown = frame[frame["estimate"].notna()]
    low, high = min([-0.2, *shown["ci_low"].dropna()]), max([0.2, *shown["ci_high"].dropna()])
    margin = 0.04 * (high - low)
    ax.set_xlim(low - margin, high + margin)


def _interval_mark(ax: Axes, row: dict, y: float) -> None:
    colour, marker = MARKS.get(row["estimand"], (BLUE, "o"))
    ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, lw=1.8, solid_capstyle="butt")
    ax.plot([row["estimate"]], [y], marker=marker, color=colour, ms=6, mec="white", mew=0.6)


def change_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the changes of one region at the height that their number asks for."""
    lines = _lines(frame, words)
    headings = widest((label for label, row in lines if not row), weight="bold")
    left = max(headings, widest(label for label, row in lines if row))
    right = widest(effect_numbers(row, words) for _, row in lines if row)
    with mpl.rc_context(STYLE):
        figure, ((ax,),) = multiples(
            [(0, 0.25 * len(lines), TICKS)],
            1,
            left=EDGE + left + BESIDE,
            right=EDGE + right + BESIDE,
            bottom=LABEL,
        )
        change(frame, words=words, ax=ax)
    return Drawing(figure, change_caption(frame, words), describe_change(frame, words))


def change_caption(frame: pd.DataFrame, words: Words) -> str:
    """Return what is said under every figure of changes with their intervals."""
    estimands = set(frame["estimand"])
    said = words.text(
        "Change from before to after with {level} confidence intervals that allow for people in "
        "the same school being alike. The grey band is ±{sesoi} standard deviations, the smallest "
        "change of interest.",
        level=words.percent(frame["ci_level"].iloc[0]),
        sesoi=words.number(frame["sesoi"].iloc[0]),
    )
    return f"{estimand_label(*estimands, words)}. {said}" if len(estimands) == 1 else said


def forest(
    frame: pd.DataFrame, pooled: pd.DataFrame, *, words: Words, ax: Axes | None = None
) -> Axes:
    """Draw one outcome's estimates by region, and the regions together beneath them.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects, one per region, of one outcome and estimand, in register order.
    pooled : DataFrame
        The matching gated row of pooled effects, or none.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw; default: new axes of report size.

    Returns
    -------
    Axes
        One line per region; then a diamond as wide as the pooled interval, on top of the thin
        line of the prediction interval.
    """
    ax = axes_or_new(ax)
    labels = [words.region(region) for region in frame["region"]]
    for y, row in enumerate(frame.to_dict("records")):
        if pd.isna(row["estimate"]):
            ax.annotate("·", (0, y), ha="center", va="center", color=GREY, annotation_clip=False)
        else:
            _interval_mark(ax, row, y)
    for row in pooled[pooled["estimate"].notna()].to_dict("records"):
        y = len(labels) + 0.3
        if not pd.isna(row["pi_low"]):
            ax.plot([row["pi_low"], row["pi_high"]], [y, y], color=INK, lw=1)
        ax.fill(
            [row["ci_low"], row["estimate"], row["ci_high"], row["estimate"]],
            [y, y - 0.38, y, y + 0.38],
            color=INK,
            lw=0,
            zorder=3,
        )
    spec = ax.get_subplotspec()
    effect_axis(ax, words, ticks=max(2, 7 // (spec.get_gridspec().ncols if spec else 1)))
    ax.set_ylim(len(labels) + 1, -0.6)
    ax.set_yticks(
        [*range(len(labels)), len(labels) + 0.3], [*labels, words.text("Regions together")]
    )
    for label in ax.get_yticklabels()[-1:]:
        label.set_weight("bold")
    return ax


def forest_figure(frame: pd.DataFrame, *, words: Words, pooled: pd.DataFrame) -> Drawing:
    """Draw forest plots, a row of panels per outcome and a column per estimand.

    Parameters
    ----------
    frame, pooled : DataFrame
        As for `forest`, of any number of outcomes and estimands.
    """
    outcomes = frame[["population", "outcome"]].drop_duplicates().itertuples(index=False)
    panels = [(pair.population, pair.outcome) for pair in outcomes]
    estimands = list(dict.fromkeys(frame["estimand"]))
    letters = {1: 60, 2: 26}.get(len(estimands), 14)
    wrapped = [
        textwrap.wrap(estimand_label(estimand, words), letters, break_long_words=False)
        for estimand in estimands
    ]
    over = 12 * max(map(len, wrapped)) + 7  # points
    left = max(
        widest(words.region(region) for region in frame["region"].unique()),
        widest([words.text("Regions together")], weight="bold"),
    )
    height = 0.175 * (frame["region"].nunique() + 2)
    with mpl.rc_context(STYLE):
        figure, grid = multiples(
            [((over + 14) / 72, height, TICKS + 0.05)] * len(panels),
            len(estimands),
            left=EDGE + left + BESIDE,
            right=0.2,
            between=0.3,
            bottom=LABEL,
            sharey="row",
            sharex=True,
        )
        for line, (population, outcome) in zip(grid, panels, strict=True):
            for ax, estimand, lines in zip(line, estimands, wrapped, strict=True):
                forest(
                    _matching(frame, population, outcome, estimand),
                    _matching(pooled, population, outcome, estimand),
                    words=words,
                    ax=ax,
                )
                ax.set_title("\n".join(lines), loc="left", size=9)
                ax.tick_params(labelbottom=True)
            over_row(line[0], words.outcome(population, outcome), above=over)
        label_at_bottom(figure, words.text("change in standard deviations (after − before)"))
    caption = words.text(
        "Change by region with {level} confidence intervals. The diamond is the mean over the "
        "regions with its interval; the thin line through it shows where the change of one more "
        "region can be expected (prediction interval). Regions stand in the order of the "
        "register and are not ranked.",
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    return Drawing(figure, caption, describe_forest(pooled, words))


def _matching(frame: pd.DataFrame, population: str, outcome: str, estimand: str) -> pd.DataFrame:
    keys: Sequence[str] = ("population", "outcome", "estimand")
    return frame[(frame[[*keys]] == [population, outcome, estimand]).all(axis=1)]
