"""Figures from gated, tidy frames: they place marks and compute nothing.

Every function on axes takes a frame and ``*, words, ax=None`` and returns the axes. A figure of
several panels comes with its caption and its alt text. No mark stands for one person.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import AutoMinorLocator, FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from loftet_analysis import names
from loftet_analysis.report.words import (
    Words,
    describe_change,
    describe_distribution,
    describe_forest,
    estimand_label,
    subgroup_label,
    wave_label,
)

WIDTH = 6.5
_INK, _GREY, _PALE = "#222222", "#6b6b6b", "#e6e6e6"
_BLUE, _ORANGE, _GREEN = (sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2))
# colour and shape together, so that the marks differ in grey too
_MARKS = {
    "linked_change": (_BLUE, "o"),
    "same_grade": (_ORANGE, "D"),
    "school_change": (_GREEN, "s"),
    "participants": (_BLUE, "o"),
    "colleagues": (_ORANGE, "D"),
    "participants_vs_colleagues": (_INK, "^"),
}
_STYLE = {
    **sns.axes_style("ticks"),
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.edgecolor": _GREY,
    "axes.linewidth": 0.8,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.size": 3,
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class Drawing:
    """A finished figure with what is said of it."""

    figure: Figure
    caption: str
    alt: str


def saved(drawing: Drawing, *, salt: str) -> tuple[bytes, bytes]:
    """Return a drawing as SVG and PNG, the same bytes each time.

    Parameters
    ----------
    drawing : Drawing
        Drawn once; both formats come from the same artists.
    salt : str
        Keeps the ids inside the SVG apart from those of another figure on the same page.
    """
    pictures = []
    with mpl.rc_context({**_STYLE, "svg.hashsalt": salt}):
        # laid out once, or else each format would do it again
        drawing.figure.get_layout_engine().execute(drawing.figure)
        drawing.figure.set_layout_engine(None)
        for suffix, metadata in (
            ("svg", {"Date": None, "Creator": None, "Title": drawing.caption}),
            ("png", {"Software": None}),
        ):
            buffer = io.BytesIO()
            drawing.figure.savefig(buffer, format=suffix, dpi=200, metadata=metadata)
            pictures.append(buffer.getvalue())
    return _lean(pictures[0]), pictures[1]


def _lean(svg: bytes) -> bytes:
    """Return the same drawing in fewer bytes: letters are placed by ``x`` and have short ids."""
    text = svg.decode("utf-8").replace("DejaVuSans-Bold-", "b").replace("DejaVuSans-", "g")
    text = re.sub(r"\n\s+", "\n", text)
    moved = r'(<use [^>]*?) transform="translate\((-?\d+(?:\.\d)?)\d* 0\)"/>'
    text = re.sub(moved, r'\1 x="\2"/>', text)
    return text.encode("utf-8")


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _axes(ax: Axes | None) -> Axes:
    return _figure(4).subplots() if ax is None else ax


def _effect_axis(ax: Axes, words: Words, *, ticks: int) -> None:
    def label(value: float, _: int) -> str:
        step = np.diff(ax.get_xticks()[:2]).item()
        return words.number(value, 1 if step > 0.099 else 2, signed=True)

    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    ax.xaxis.set_minor_locator(AutoMinorLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(label))
    ax.axvline(0, color=_GREY, linewidth=0.8, zorder=1)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)


def distribution(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw one outcome's answers before and after as outlines of gated bins.

    Parameters
    ----------
    frame : DataFrame
        One outcome of one subgroup: ``population, outcome, subgroup, wave, low, high, share,
        mean``; a wave without numbers is hidden and left out.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw; default: new axes of report size.

    Returns
    -------
    Axes
        The height is share per scale point, so equal areas are equal shares of answers.
    """
    ax = _axes(ax)
    first = frame.iloc[0]
    answers = words.answers[first["population"], first["outcome"]]
    drawn = frame[frame["share"].notna()]
    for wave, bins in drawn.groupby("wave", sort=False):
        bins = bins.sort_values("low")
        edges = [*bins["low"], bins["high"].iloc[-1]]
        height = bins["share"] / (bins["high"] - bins["low"])
        before = wave == names.PRE
        ax.stairs(
            height,
            edges,
            fill=before,
            color=_PALE if before else _BLUE,
            edgecolor=_GREY if before else _BLUE,
            linewidth=1 if before else 1.8,
            label=wave_label(wave, words),
        )
        ax.plot(
            [bins["mean"].iloc[0]] * 2,
            [0, -0.07],
            transform=blended_transform_factory(ax.transData, ax.transAxes),
            color=_GREY if before else _BLUE,
            linewidth=1.6 if before else 2.4,
            clip_on=False,
            solid_capstyle="butt",
        )
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    points = np.arange(answers.minimum, answers.maximum + 1)
    ax.set_xticks(points, [words.number(point, 0) for point in points])
    ax.tick_params(axis="x", pad=7)
    for point, label, side, nudge in (
        (answers.minimum, answers.low, "left", -3),
        (answers.maximum, answers.high, "right", 3),
    ):
        ax.annotate(
            textwrap.fill(label, 18),
            (point, 0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(nudge, -23),
            textcoords="offset points",
            ha=side,
            va="top",
            color=_GREY,
        )
    pad = answers.step / 2 + 0.03 * (answers.maximum - answers.minimum)
    ax.set_xlim(answers.minimum - pad, answers.maximum + pad)
    group = subgroup_label(first["subgroup"], words)
    means = _means(drawn, words)
    _title(
        ax,
        words.outcome(first["population"], first["outcome"]),
        f"{group}: {means}" if group else means,
    )
    sns.despine(ax=ax, left=True)
    return ax


def _means(drawn: pd.DataFrame, words: Words) -> str:
    means = drawn.drop_duplicates("wave").set_index("wave")["mean"]
    if set(means.index) != {names.PRE, names.POST}:
        return words.text("hidden: too few people answered")
    return words.text(
        "mean {before} before, {after} after",
        before=words.number(means[names.PRE]),
        after=words.number(means[names.POST]),
    )


def _title(ax: Axes, title: str, beneath: str) -> None:
    title = textwrap.fill(title, 34)
    ax.set_title(title, loc="left", weight="bold", pad=19)
    ax.annotate(
        beneath, (0, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points"
    )


def distribution_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw answers before and after as small multiples, one panel per outcome and subgroup.

    Parameters
    ----------
    frame : DataFrame
        As for `distribution`, of any number of outcomes and subgroups.
    """
    panels = [panel for _, panel in frame.groupby(["outcome", "subgroup"], sort=False)]
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with mpl.rc_context(_STYLE):
        figure = _figure(0.35 + 2.15 * rows)
        figure.get_layout_engine().set(hspace=0.06, wspace=0.06)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, panel in zip(grid, panels, strict=False):
            distribution(panel, words=words, ax=ax)
        for ax in grid[len(panels) :]:
            ax.set_axis_off()
        figure.legend(
            handles=[
                Patch(facecolor=_PALE, edgecolor=_GREY, label=wave_label(names.PRE, words)),
                Patch(
                    facecolor="none", edgecolor=_BLUE, lw=1.8, label=wave_label(names.POST, words)
                ),
            ],
            loc="outside upper right",
            ncols=2,
            frameon=False,
        )
    caption = words.text(
        "Answers before and after. Equal areas are equal shares of the answers; values that few "
        "people chose are joined. The marks below the axis are the means."
    )
    return Drawing(figure, caption, describe_distribution(frame, words))


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
    ax = _axes(ax)
    ticks: list[str] = []
    headings: list[int] = []
    reach = [-0.2, 0.2]
    for (population, outcome), rows in frame.groupby(["population", "outcome"], sort=False):
        heading = _heading(population, outcome, words)
        headings += range(len(ticks), len(ticks) + len(heading))
        ticks += heading
        for row in rows.to_dict("records"):
            y = len(ticks)
            group = subgroup_label(row["subgroup"], words) if _adds_group(row) else ""
            label = estimand_label(row["estimand"], words)
            ticks.append(f"   {label}, {group}" if group else f"   {label}")
            if pd.isna(row["estimate"]):
                said = words.text("hidden") if row["suppressed"] else words.text("not computed")
            else:
                reach += [row["ci_low"], row["ci_high"]]
                _interval_mark(ax, row, y)
                inside = words.interval(row["ci_low"], row["ci_high"])
                said = f"{words.number(row['estimate'], signed=True)} ({inside})"
            ax.annotate(
                said,
                (1, y),
                xycoords=ax.get_yaxis_transform(),
                xytext=(6, 0),
                textcoords="offset points",
                va="center_baseline",
                color=_GREY if pd.isna(row["estimate"]) else _INK,
            )
    sesoi = frame["sesoi"].iloc[0]
    ax.axvspan(-sesoi, sesoi, color=_PALE, linewidth=0, zorder=0)
    margin = 0.04 * (np.nanmax(reach) - np.nanmin(reach))
    ax.set_xlim(np.nanmin(reach) - margin, np.nanmax(reach) + margin)
    _effect_axis(ax, words, ticks=6)
    ax.set_ylim(len(ticks) - 0.5, -0.5)
    ax.set_yticks(range(len(ticks)), ticks)
    for heading in headings:
        ax.get_yticklabels()[heading].set_weight("bold")
    _align_left(ax)
    ax.set_xlabel(words.text("change in standard deviations (after − before)"))
    return ax


def _heading(population: str, outcome: str, words: Words) -> list[str]:
    return textwrap.wrap(words.outcome(population, outcome), 32)


def _adds_group(row: dict) -> bool:
    return not row["subgroup"].startswith("role=")


def _interval_mark(ax: Axes, row: dict, y: float) -> None:
    colour, marker = _MARKS[row["estimand"]]
    ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, lw=1.8, solid_capstyle="butt")
    ax.plot([row["estimate"]], [y], marker=marker, color=colour, ms=6, mec="white", mew=0.6)


def _align_left(ax: Axes) -> None:
    """Move the tick labels of the y axis so that they begin, not end, under one another."""
    labels = ax.get_yticklabels()
    renderer = ax.figure.canvas.get_renderer()
    widest = max(label.get_window_extent(renderer).width for label in labels)
    ax.tick_params(axis="y", pad=6 + widest * 72 / ax.figure.dpi)
    for label in labels:
        label.set_horizontalalignment("left")


def change_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the changes of one region at the height that their number asks for."""
    outcomes = frame[["population", "outcome"]].drop_duplicates().itertuples(index=False)
    lines = len(frame) + sum(len(_heading(*pair, words)) for pair in outcomes)
    with mpl.rc_context(_STYLE):
        figure = _figure(0.75 + 0.25 * lines)
        change(frame, words=words, ax=figure.subplots())
    caption = words.text(
        "Change from before to after with {level} confidence intervals that allow for people in "
        "the same school being alike. The grey band is ±{sesoi} standard deviations, the smallest "
        "change of interest.",
        level=words.percent(frame["ci_level"].iloc[0]),
        sesoi=words.number(frame["sesoi"].iloc[0]),
    )
    return Drawing(figure, caption, describe_change(frame, words))


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
    ax = _axes(ax)
    labels = [words.region(region) for region in frame["region"]]
    for y, row in enumerate(frame.to_dict("records")):
        if pd.isna(row["estimate"]):
            ax.annotate("·", (0, y), ha="center", va="center", color=_GREY, annotation_clip=False)
        else:
            _interval_mark(ax, row, y)
    for row in pooled[pooled["estimate"].notna()].to_dict("records"):
        y = len(labels) + 0.3
        if not pd.isna(row["pi_low"]):
            ax.plot([row["pi_low"], row["pi_high"]], [y, y], color=_INK, lw=1)
        ax.fill(
            [row["ci_low"], row["estimate"], row["ci_high"], row["estimate"]],
            [y, y - 0.38, y, y + 0.38],
            color=_INK,
            lw=0,
            zorder=3,
        )
    spec = ax.get_subplotspec()
    _effect_axis(ax, words, ticks=max(2, 7 // (spec.get_gridspec().ncols if spec else 1)))
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
    over = max(map(len, wrapped))
    height = 0.4 + 0.15 * over + 0.175 * (frame["region"].nunique() + 2)
    with mpl.rc_context(_STYLE):
        figure = _figure(0.35 + height * len(panels))
        grid = figure.subplots(
            len(panels), len(estimands), squeeze=False, sharey="row", sharex=True
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
            # the outcome is wider than its panel, so a blank keeps its place in the layout
            for text in ("\N{NO-BREAK SPACE}", words.outcome(population, outcome)):
                line[0].annotate(
                    text,
                    (0, 1),
                    xycoords=("figure fraction", "axes fraction"),
                    xytext=(4, 7 + 12 * over),
                    textcoords="offset points",
                    weight="bold",
                    size=10,
                ).set_in_layout(not text.strip())
        figure.supxlabel(words.text("change in standard deviations (after − before)"), size=9)
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
