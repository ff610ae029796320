"""From those who were asked to those in the analysis, and when their answers came."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.ticker import FuncFormatter

from loftet_analysis import names, schema
from loftet_analysis.analysis.response import FOR_A_SHARE, share_of
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, PALE, Drawing
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.sentences import of_enough
from loftet_analysis.show.shown import view

_STEP = 0.2  # inches
_BAR = "#cfe1f0"
_FEW = 30  # answers; of fewer, rounded counts make steps that nobody took


@view(title="From the invited to the analysed", drawn="n_answered")
def flow(frame: pd.DataFrame, *, words: Words, effects: pd.DataFrame | None = None) -> Drawing:
    """Draw how many were invited, answered, and were kept step by step, a column per wave.

    Parameters
    ----------
    frame : DataFrame
        One row per population and wave with the gated counts of ``schema.RESPONSE``, and
        ``n_schools`` if it is known; a count that is missing has no bar. With
        ``schools_invited`` and so on each bar also has the schools that are left.
    words : Words
        The reader's language.
    effects : DataFrame, optional
        Gated effects of the same people: how many are in each comparison stands beneath the
        steps, of the outcome that has most.
    """
    used = None if effects is None else alt_texts.analysed(effects)
    blocks = {}
    for population, rows in frame.groupby("population", sort=False):
        rows = rows.sort_values("wave", key=lambda wave: wave.map(names.WAVES.index))
        blocks[population] = [_column(row, used, words) for row in rows.to_dict("records")]
    lines = [
        [*dict.fromkeys(bar.text for _, bars in columns for bar in bars)]
        for columns in blocks.values()
    ]
    figure, across = canvas.blank(), max([2, *map(len, blocks.values())])
    heights = [_STEP * max(1, len(each)) for each in lines]
    grid = figure.subplots(len(blocks), across, squeeze=False, height_ratios=heights)
    for row, (population, columns), texts in zip(grid, blocks.items(), lines, strict=True):
        for ax, column in zip_longest(row, columns):
            if column is None:
                ax.set_axis_off()
                continue
            title, bars = column
            ax.set_title(title, loc="left")
            _bars(ax, bars, texts, words)
            ax.tick_params(labelleft=ax is row[0])
        canvas.over_row(row[0], label("population", population, words), columns[0][0])
    canvas.align_left(*grid[:, 0])
    caption = " ".join(_flow_caption(frame, words, is_compared=used is not None))
    alt = alt_texts.describe_flow(frame, words, used)
    return canvas.fitted(figure, grid[:, 0], sum(heights), caption, alt, words)


def _flow_caption(frame: pd.DataFrame, words: Words, *, is_compared: bool) -> Iterator[str]:
    if frame["n_linked"].isna().all():
        yield words.text("From those who were invited to those whose answers are in the analysis.")
    else:
        yield words.text(
            "From those who were invited to those whose answers were found both times."
        )
    yield words.text("Percentages are of the bar above.")
    yield of_enough(words)
    if is_compared:
        yield words.text(
            "The last bars show those included in a comparison, for the scale with the most people."
        )


class _Bar(NamedTuple):
    """A step, or a comparison, with its people and schools."""

    text: str
    n: float
    schools: str
    is_step: bool


def _column(row: dict, used: pd.DataFrame | None, words: Words) -> tuple[str, list[_Bar]]:
    """Return a wave's title, and the bars of its steps and of those in each comparison."""
    left = alt_texts.schools_by_step(row, words)
    bars = [
        _Bar(*step, of, True) for step, of in zip(alt_texts.steps(row, words), left, strict=True)
    ]
    for each in [] if used is None else alt_texts.of_row(used, row):
        schools = each["schools_high"]
        of = "" if pd.isna(schools) else words.plural("{n} school", "{n} schools", schools)
        bars.append(_Bar(label("estimand", each["estimand"], words), each["n_high"], of, False))
    return _wave_and_schools(row, words), bars


def _wave_and_schools(row: dict, words: Words) -> str:
    wave, schools = label("wave", row["wave"], words), row.get("n_schools", np.nan)
    if pd.isna(schools) or not pd.isna(row.get(schema.SCHOOLS_BY_STEP[1])):
        return wave
    return f"{wave} ({words.plural('{n} school', '{n} schools', schools)})"


def _bars(ax: Axes, bars: list[_Bar], texts: list[str], words: Words) -> None:
    """Draw bars as long as their numbers, with the numbers and the shares of the bar above."""
    first = bars[0].n if bars else 1
    for bar, above in zip(bars, [None, *bars], strict=False):
        place = texts.index(bar.text)
        # without an outline, which would run through the numbers of short bars
        ax.barh(place, bar.n / first, 0.8, color=_BAR if bar.is_step else PALE)
        said = [words.count(bar.n), bar.schools]
        share = share_of(bar.n, above.n) if bar.is_step and above is not None else None
        if share is not None:
            said.insert(1, words.percent(share))
        ax.text(0.02, place, " · ".join(filter(None, said)), va="center_baseline")
    ax.set(xlim=(0, 1.02), ylim=(max(1, len(texts)) - 0.5, -0.5), xticks=[])
    ax.set_yticks(range(len(texts)), texts)
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, bottom=True)


@view(title="Answers day by day", drawn="n", nothing="The data have no dates of submission.")
def arrivals(frame: pd.DataFrame, *, words: Words) -> Drawing | str:
    """Draw how the answers came in day by day, a panel per population and wave.

    Parameters
    ----------
    frame : DataFrame
        ``population, wave, day, n, n_invited, n_final``: ``n`` answers up to and with a day, as a
        share of the invited; where these are missing, of all answers in the end. A panel without
        numbers is hidden.
    words : Words
        The reader's language.

    Returns
    -------
    Drawing, or a text
        Of few answers only how many came is told, in the caption; a text where all are few.
    """
    few = frame["n_final"].lt(_FEW).fillna(False).astype(bool) & frame["n"].notna()
    said = _too_few(frame[few], words)
    if few.all():
        return said
    frame = frame[~few]
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    rows = dict(list(frame.groupby(["population", "wave"])))
    places = [(population, wave) for population in frame["population"].unique() for wave in waves]
    panels = [place if place in rows else None for place in places]

    def draw(ax: Axes, place: tuple[str, str]) -> None:
        drawn = rows[place][rows[place]["n"].notna()].sort_values("day")
        said = alt_texts.answers_in_the_end(drawn, words)
        if len(drawn) and drawn["n_invited"].isna().all():
            said = f"{said} = {words.percent(1)}"
        ends = drawn["day"].iloc[[0, -1]] if len(drawn) else ()
        years = "–".join(dict.fromkeys(f"{day:%Y}" for day in ends))
        title = ", ".join(filter(None, [alt_texts.place(*place, words=words), years]))
        canvas.titled(ax, title, said, letters=66 // max(2, len(waves)))
        _arrivals(ax, drawn, words, ticks=11 // len(waves))

    figure, grid = canvas.multiples(panels, draw, columns=len(waves), sharey=True)
    for line in grid:
        next(ax for ax in line if ax.axison).tick_params(labelleft=True)
    shares = np.linspace(0, 1, 5)
    grid[0, 0].set(ylim=(0, 1.03), yticks=shares, yticklabels=map(words.percent, shares))
    caption = words.text(
        "Answers up to each day, as a share of those who were invited or, where fewer than {n} "
        "were invited or their number is not known, of all answers that came.",
        n=words.count(FOR_A_SHARE),
    )
    caption = " ".join(filter(None, [caption, said]))
    alt = alt_texts.describe_arrivals(frame, words)
    return canvas.fitted(figure, grid[:, 0], 1.1 * len(grid), caption, alt, words, rows={"": frame})


def _too_few(frame: pd.DataFrame, words: Words) -> str:
    """Return whose answers are not drawn day by day, since they are few, and how many they are."""
    named = [
        f"{alt_texts.place(*whose, words=words)} ({alt_texts.answers_in_the_end(rows, words)})"
        for whose, rows in frame.groupby(["population", "wave"], sort=False)
    ]
    if not named:
        return ""
    return words.text("Too few answers to draw day by day: {what}.", what="; ".join(named))


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
