"""From those who were asked to those in the analysis, and when their answers came."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.dates import date2num

from loftet_analysis import names
from loftet_analysis.show.alt_texts import (
    arrivals,
    describe_arrivals,
    describe_flow,
    stages,
)
from loftet_analysis.show.figures.canvas import (
    BESIDE,
    BLUE,
    EDGE,
    GREY,
    INK,
    PALE,
    STYLE,
    TICKS,
    WIDTH,
    Drawing,
    blank,
    multiples,
    room_for_title,
    titled,
    widest,
    wrapped,
)
from loftet_analysis.show.languages import Words, population_label, wave_label

# inches
_EDGE, _LINE, _ARROW, _BOX = 0.08, 0.155, 0.3, 2.8


def flow_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw how many were invited, answered, and were kept step by step, a column per wave.

    Parameters
    ----------
    frame : DataFrame
        One row per population and wave with the gated counts of ``names.RESPONSE``, and
        ``n_schools`` if it is known; a count that is missing has no box.
    words : Words
        The reader's language.
    """
    in_order = frame.sort_values(
        "wave", key=lambda wave: wave.map(names.WAVES.index), kind="stable"
    )
    populations = list(dict.fromkeys(frame["population"]))
    blocks = [in_order[in_order["population"] == population] for population in populations]
    across = max(len(rows) for rows in blocks)
    column = (WIDTH - 2 * _EDGE) / across
    box = min(_BOX, column - 0.2)
    columns = [[_boxes(row, box, words) for row in rows.to_dict("records")] for rows in blocks]
    tall = 0.06 + _LINE * max(
        (text.count("\n") + 1 for block in columns for boxes in block for text, _ in boxes),
        default=1,
    )
    heights = [0.75 + max(map(len, block)) * (tall + _ARROW) - _ARROW + 0.15 for block in columns]
    with mpl.rc_context(STYLE):
        figure = blank(sum(heights))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, WIDTH)
        ax.set_ylim(sum(heights), 0)
        outlines: list = []
        for top, rows, block in zip(np.cumsum([0, *heights]), blocks, columns, strict=False):
            population = population_label(rows["population"].iloc[0], words)
            ax.text(_EDGE, top + 0.15, population, weight="bold", size=10, va="center")
            for i, (row, boxes) in enumerate(zip(rows.to_dict("records"), block, strict=True)):
                left = _EDGE + i * column
                ax.text(left, top + 0.48, _heading(row, words), va="center")
                outlines += _column(ax, boxes, (left, top + 0.65), (box, tall), words)
        ax.add_collection(
            PolyCollection(outlines, facecolor="#f4f4f4", edgecolor=GREY, linewidth=0.8),
            autolim=False,
        )
    caption = words.text(
        "From those who were invited to those whose answers were found both times. The numbers "
        "beside the arrows are those who were lost on the way."
    )
    return Drawing(figure, caption, describe_flow(frame, words))


def _heading(row: dict, words: Words) -> str:
    wave = wave_label(row["wave"], words)
    schools = row.get("n_schools", np.nan)
    if pd.isna(schools):
        return wave
    return f"{wave} ({words.plural('{n} school', '{n} schools', schools)})"


def _boxes(row: dict, width: float, words: Words) -> list[tuple[str, float]]:
    return [
        ("\n".join([*wrapped(label, width - 0.16), words.count(n)]), n)
        for label, n in stages(row, words)
    ]


def _column(
    ax: Axes,
    boxes: list[tuple[str, float]],
    corner: tuple[float, float],
    size: tuple[float, float],
    words: Words,
) -> list[list[tuple[float, float]]]:
    """Write one wave's boxes with the arrows between them; return the boxes' corners."""
    (left, y), (width, tall) = corner, size
    outlines, before = [], None
    for text, n in boxes:
        if before is not None:
            middle = left + width / 2
            ax.annotate(
                "",
                (middle, y),
                (middle, y - _ARROW),
                arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0},
            )
            if n != before:  # what rounds to nothing need not be nobody
                lost = words.number(n - before, 0, signed=True)
                ax.text(middle + 0.1, y - _ARROW / 2, lost, va="center_baseline", color=GREY)
        outlines.append([(left, y), (left + width, y), (left + width, y + tall), (left, y + tall)])
        ax.text(left + width / 2, y + tall / 2, text, ha="center", va="center")
        y += tall + _ARROW
        before = n
    return outlines


def arrivals_figure(frame: pd.DataFrame, *, words: Words) -> Drawing:
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
    populations = list(dict.fromkeys(frame["population"]))
    waves = [wave for wave in names.WAVES if (frame["wave"] == wave).any()]
    inches = 5.4 / len(waves)
    panels = {
        place: (f"{population_label(place[0], words)}, {wave_label(place[1], words)}", own)
        for place, own in frame.groupby(["population", "wave"])
    }
    shares = np.linspace(0, 1, 5)
    labels = [words.percent(share) for share in shares]
    over = max(
        room_for_title(title, arrivals(_drawn(own), words), inches=inches)
        for title, own in panels.values()
    )
    with mpl.rc_context(STYLE):
        figure, grid = multiples(
            [(over, 1.3, TICKS + 0.12)] * len(populations),
            len(waves),
            left=EDGE + widest(labels) + BESIDE + STYLE["xtick.major.size"] / 72,
            right=0.25,
            between=0.35,
            sharey=True,
        )
        for line, population in zip(grid, populations, strict=True):
            for ax, wave in zip(line, waves, strict=True):
                if (population, wave) not in panels:
                    ax.set_axis_off()
                    continue
                title, own = panels[population, wave]
                _arrivals(ax, _drawn(own), words, title=title, inches=inches)
            next(ax for ax in line if ax.axison).tick_params(labelleft=True)
        grid[0, 0].set_ylim(0, 1.03)
        grid[0, 0].set_yticks(shares, labels)
    caption = words.text(
        "Answers up to each day, as a share of those who were invited or, where their number is "
        "not known, of all answers that came."
    )
    return Drawing(figure, caption, describe_arrivals(frame, words))


def _drawn(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["n"].notna()].sort_values("day")


def _arrivals(ax: Axes, drawn: pd.DataFrame, words: Words, *, title: str, inches: float) -> None:
    titled(ax, title, arrivals(drawn, words), inches=inches)
    sns.despine(ax=ax)
    if drawn.empty:
        ax.set_xticks([])
        return
    first = drawn.iloc[0]
    of = first["n_final"] if pd.isna(first["n_invited"]) else first["n_invited"]
    days = date2num(drawn["day"])
    share = drawn["n"].to_numpy(dtype=float) / of
    ax.fill_between(days, share, step="post", color=PALE, linewidth=0)
    ax.step(days, share, where="post", color=BLUE, linewidth=1.8)
    ax.plot(days[-1:], share[-1:], marker="o", color=BLUE, ms=5, clip_on=False)
    span = max(days[-1] - days[0], 1)
    ax.set_xlim(days[0] - 0.03 * span, days[0] + 1.03 * span)
    ticks = int(inches // 0.8)
    step = next(
        each for each in (1, 2, 3, 5, 7, 14, 28, 56, 91, 182, 364, 10**6) if span / each < ticks
    )
    at = np.arange(days[0], days[-1] + 0.5, step)
    ax.set_xticks(at, [_short_date(day, words) for day in at])


def _short_date(day: float, words: Words) -> str:
    return words.day(mpl.dates.num2date(day).date())
