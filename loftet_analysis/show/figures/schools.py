"""Changes school by school: each by itself, and drawn towards the mean of all."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from loftet_analysis.show.alt_texts import describe_schools
from loftet_analysis.show.figures.canvas import (
    BESIDE,
    BLUE,
    EDGE,
    GREY,
    LABEL,
    LEGEND,
    STYLE,
    TICKS,
    Drawing,
    align_left,
    effect_axis,
    label_at_bottom,
    legend_over,
    multiples,
    widest,
    wrapped,
)
from loftet_analysis.show.languages import Words

_LETTERS, _ROW, _ACROSS = 28, 0.25, 3
_RAW = {"color": "#9a9a9a", "lw": 1, "mfc": "white", "mew": 1, "ms": 4.5, "marker": "o"}
_SHRUNK = {"color": BLUE, "lw": 2.2, "mec": "white", "mew": 0.5, "ms": 5.5, "marker": "D"}


def schools_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the schools' changes, a panel per outcome and a line per school.

    Parameters
    ----------
    frame : DataFrame
        Gated rows by school of one estimand, in the register's order. Schools that are hidden or
        have no estimate of any outcome are left out.
    words : Words
        The reader's language, with the schools' names.
    """
    drawn = frame[frame["estimate"].notna()]
    found = set(drawn["school_id"])
    schools = [school for school in frame["school_id"].unique() if school in found]
    left_out = frame["school_id"].nunique() - len(schools)
    outcomes = frame[["population", "outcome"]].drop_duplicates().itertuples(index=False)
    panels = [(pair.population, pair.outcome) for pair in outcomes]
    across = min(_ACROSS, len(panels))
    down = -(-len(panels) // across)
    inches = {1: 4.0, 2: 2.1}.get(across, 1.4)
    titles = [wrapped(words.outcome(*pair), inches, weight="bold") for pair in panels]
    over = 0.1 + 0.155 * max(map(len, titles))
    labels = [_name(each, words) for each in schools]
    with mpl.rc_context(STYLE):
        figure, grid = multiples(
            [(over, _ROW * max(2, len(schools)), TICKS + 0.05)] * down,
            across,
            left=EDGE + widest(labels) + BESIDE,
            right=0.2,
            between=0.25,
            top=LEGEND,
            bottom=LABEL,
            sharex=True,
            sharey=True,
        )
        for ax, pair, title in zip(grid.ravel(), panels, titles, strict=False):
            own = (drawn["population"] == pair[0]) & (drawn["outcome"] == pair[1])
            _panel(ax, drawn[own], schools, inches, words)
            ax.set_title("\n".join(title), loc="left", weight="bold", size=9)
            ax.tick_params(labelbottom=True)
        for ax in grid.ravel()[len(panels) :]:
            ax.set_axis_off()
        grid[0, 0].set_ylim(max(1, len(schools)) - 0.5, -0.5)
        grid[0, 0].set_yticks(range(len(schools)), labels)
        if schools:
            align_left(*grid[:, 0])
        label_at_bottom(figure, words.text("change in standard deviations (after − before)"))
        legend_over(figure, _handles(words))
    return Drawing(figure, _caption(frame, left_out, words), describe_schools(drawn, words))


def _name(school: str, words: Words) -> str:
    name = words.schools.get(school, school)
    short = textwrap.shorten(name, _LETTERS, placeholder="…")
    # a single long word would leave nothing but the dots
    return short if len(short) > 1 else f"{name[: _LETTERS - 1]}…"


def _panel(ax: Axes, rows: pd.DataFrame, schools: list[str], inches: float, words: Words) -> None:
    if rows.empty:
        said = "\n".join(wrapped(words.text("hidden: too few people answered"), inches))
        ax.annotate(
            said,
            (0, 1),
            (0, -4),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            color=GREY,
        )
    place = np.array([schools.index(school) for school in rows["school_id"]], dtype=float)
    for middle, low, high, looks, nudge in (
        ("estimate", "ci_low", "ci_high", _RAW, -0.17),
        ("shrunk", "shrunk_low", "shrunk_high", _SHRUNK, 0.17),
    ):
        y = place + nudge
        ax.hlines(y, rows[low], rows[high], color=looks["color"], lw=looks["lw"])
        ax.plot(rows[middle], y, zorder=3, **{**looks, "ls": ""})
    effect_axis(ax, words, ticks=4)


def _handles(words: Words) -> list[Line2D]:
    return [
        Line2D([], [], label=words.text("the school by itself"), **_RAW),
        Line2D([], [], label=words.text("drawn towards all schools"), **_SHRUNK),
    ]


def _caption(frame: pd.DataFrame, left_out: int, words: Words) -> str:
    said = [
        words.text(
            "Change by school with {level} intervals: hollow marks rest on the school alone, "
            "filled ones are drawn towards the mean of the schools, the more so the less the "
            "school's own answers tell. Schools stand in the order of the register; schools are "
            "not ranked.",
            level=words.percent(frame["ci_level"].iloc[0]),
        )
    ]
    if left_out:
        said.append(
            words.plural(
                "{n} school is left out, as too few people answered there.",
                "{n} schools are left out, as too few people answered there.",
                left_out,
            )
        )
    return " ".join(said)
