"""From those who were asked to those in the analysis, and when their answers came."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.ticker import FuncFormatter

from loftet_analysis import names, schema
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, PALE, STYLE, Drawing
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.shown import view

_PER_BOX, _WITH_SCHOOLS = 0.42, 0.5  # inches
_CLOSE = 0.68  # from one of the last boxes to the next, where no arrow stands between


@mpl.rc_context(STYLE)
@view(drawn="n_answered")
def flow(frame: pd.DataFrame, *, words: Words, effects: pd.DataFrame | None = None) -> Drawing:
    """Draw how many were invited, answered, and were kept step by step, a column per wave.

    Parameters
    ----------
    frame : DataFrame
        One row per population and wave with the gated counts of ``schema.RESPONSE``, and
        ``n_schools`` if it is known; a count that is missing has no box. With
        ``schools_invited`` and so on each box also has the schools that are left.
    words : Words
        The reader's language.
    effects : DataFrame, optional
        Gated effects of the same people: how many are in each comparison stands beneath the
        steps, of the outcome that has most.
    """
    blocks = {}
    used = None if effects is None else alt_texts.analysed(effects)
    for population, rows in frame.groupby("population", sort=False):
        rows = rows.sort_values("wave", key=lambda wave: wave.map(names.WAVES.index))
        blocks[population] = [_column(row, used, words) for row in rows.to_dict("records")]
    steps = [
        max([1, *(len(boxes) + bool(last) + _CLOSE * len(last[1:]) for _, boxes, last in columns)])
        for columns in blocks.values()
    ]
    figure, across = canvas.blank(), max([2, *map(len, blocks.values())])
    grid = figure.subplots(len(blocks), across, squeeze=False, height_ratios=steps)
    for line, (population, columns), n in zip(grid, blocks.items(), steps, strict=True):
        for ax in line:
            ax.set_axis_off()
            ax.set(xlim=(0, 1), ylim=(n - 0.6, -0.4))
        for ax, (title, boxes, last) in zip(line, columns, strict=False):
            ax.set_title(title, loc="left")
            _boxes(ax, boxes, last, words)
        canvas.over_row(line[0], label("population", population, words), columns[0][0])
    caption = words.text(
        "From those who were invited to those whose answers were found both times. The numbers "
        "beside the arrows are those who were lost on the way."
    )
    if used is not None:
        beneath = words.text(
            "The last boxes are those who are in a comparison, of the scale that most are in."
        )
        caption = f"{caption} {beneath}"
    alt = alt_texts.describe_flow(frame, words, used)
    per_box = _WITH_SCHOOLS if {*schema.SCHOOLS_BY_STEP} <= {*frame} else _PER_BOX
    return canvas.fitted(figure, grid[:, 0], per_box * sum(steps), caption, alt)


class _Box(NamedTuple):
    """What stands in a box, and beside the arrow to it: why people were lost before it."""

    text: str
    n: float
    schools: str = ""
    why: str = ""


def _column(
    row: dict, used: pd.DataFrame | None, words: Words
) -> tuple[str, list[_Box], list[_Box]]:
    """Return a wave's title, the boxes of its steps, and of those in each comparison."""
    left = alt_texts.schools_by_step(row, words)
    counted = [step for step in schema.STEPS if not pd.isna(row.get(step))]
    above = dict(pairwise(reversed(schema.STEPS)))
    # between two steps that do not follow each other there is more than one reason
    one = [step for before, step in pairwise(counted) if above[step] == before]
    why = [label("lost", step, words) if step in one else "" for step in counted]
    steps = zip(alt_texts.steps(row, words), left, why, strict=True)
    boxes = [_Box(*step, schools, reason) for step, schools, reason in steps]
    last = []
    for each in [] if used is None else alt_texts.of_row(used, row):
        schools = each["schools_high"]
        of = "" if pd.isna(schools) else words.plural("{n} school", "{n} schools", schools)
        last.append(_Box(label("estimand", each["estimand"], words), each["n_high"], of))
    return _wave_and_schools(row, words), boxes, last


def _wave_and_schools(row: dict, words: Words) -> str:
    wave, schools = label("wave", row["wave"], words), row.get("n_schools", np.nan)
    if pd.isna(schools) or not pd.isna(row.get(schema.SCHOOLS_BY_STEP[1])):
        return wave
    return f"{wave} ({words.plural('{n} school', '{n} schools', schools)})"


def _boxes(ax: Axes, boxes: list[_Box], last: list[_Box], words: Words) -> None:
    """Draw the steps as boxes, between them arrows with those who were lost, and the last ones."""
    looks = {"edgecolor": GREY, "linewidth": 0.8}
    ax.barh(range(len(boxes)), 1, 0.56, color="#f4f4f4", **looks)
    beneath = [len(boxes) + _CLOSE * n for n in range(len(last))]
    ax.barh(beneath, 1, 0.56, color="white", **looks)
    places = [*range(len(boxes)), *beneath]
    for y, box in zip(places, [*boxes, *last], strict=True):
        ax.text(0.03, y, box.text, va="center")
        ax.text(0.97, y - 0.11 * bool(box.schools), words.count(box.n), va="center", ha="right")
        if box.schools:
            ax.text(0.97, y + 0.13, box.schools, va="center", ha="right", color=GREY, size=8)
        if not 0 < y < len(boxes):
            continue
        arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (0.5, y - 0.28), (0.5, y - 0.72), arrowprops=arrow)
        lost = box.n - boxes[y - 1].n
        if lost:  # what rounds to nothing need not be nobody
            looks = {"y": y - 0.5, "va": "center_baseline", "color": GREY}
            ax.text(0.47, s=words.number(lost, 0, signed=True), ha="right", **looks)
            ax.text(0.53, s=box.why if lost < 0 else "", **looks)


@mpl.rc_context(STYLE)
@view(drawn="n", nothing="The data have no dates of submission.")
def arrivals(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw how the answers came in day by day, a panel per population and wave.

    Parameters
    ----------
    frame : DataFrame
        ``population, wave, day, n, n_invited, n_final``: ``n`` answers up to and with a day, as a
        share of the invited; where these are missing, of all answers in the end. A panel without
        numbers is hidden.
    words : Words
        The reader's language.
    """
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    rows = dict(list(frame.groupby(["population", "wave"])))
    places = [(population, wave) for population in frame["population"].unique() for wave in waves]
    panels = [place if place in rows else None for place in places]

    def draw(ax: Axes, place: tuple[str, str]) -> None:
        drawn = rows[place][rows[place]["n"].notna()].sort_values("day")
        said = alt_texts.answers_in_the_end(drawn, words)
        letters = 66 // max(2, len(waves))
        canvas.titled(ax, alt_texts.place(*place, words), said, letters=letters)
        _arrivals(ax, drawn, words, ticks=11 // len(waves))

    figure, grid = canvas.multiples(panels, draw, columns=len(waves), sharey=True)
    for line in grid:
        next(ax for ax in line if ax.axison).tick_params(labelleft=True)
    shares = np.linspace(0, 1, 5)
    grid[0, 0].set(ylim=(0, 1.03), yticks=shares, yticklabels=map(words.percent, shares))
    caption = words.text(
        "Answers up to each day, as a share of those who were invited or, where their number is "
        "not known, of all answers that came."
    )
    alt = alt_texts.describe_arrivals(frame, words)
    return canvas.fitted(figure, grid[:, 0], 1.3 * len(grid), caption, alt)


def _arrivals(ax: Axes, drawn: pd.DataFrame, words: Words, *, ticks: int) -> None:
    sns.despine(ax=ax)
    if drawn.empty:
        ax.set_xticks([])
        return
    first, days = drawn.iloc[0], mpl.dates.date2num(drawn["day"])
    of = first["n_final"] if pd.isna(first["n_invited"]) else first["n_invited"]
    share = drawn["n"].to_numpy(dtype=float) / of
    ax.fill_between(days, share, step="post", color=PALE, linewidth=0)
    ax.step(days, share, where="post", color=BLUE, linewidth=1.8)
    ax.plot(days[-1:], share[-1:], marker="o", color=BLUE, ms=5, clip_on=False)
    span = max(days[-1] - days[0], 1)
    ax.set_xlim(days[0] - 0.03 * span, days[0] + 1.03 * span)
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda day, _: words.day(num2date(day).date())))
