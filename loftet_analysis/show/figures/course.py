"""The course of the answers over three waves."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, Drawing
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.shown import view

_PAIR = ["population", "outcome"]
#: Of all who answered and of the same people: where beside the wave, and how they are drawn.
_LOOKS = {
    "answered": (-0.06, {"color": GREY, "ls": "--", "marker": "s", "lw": 1.2}),
    "linked": (0.06, {"color": BLUE, "ls": "-", "marker": "o", "lw": 1.8}),
}


@view(
    title="Answers in three waves",
    drawn="mean",
    nothing="The study has not asked in three waves.",
)
def course(frame: pd.DataFrame, *, words: Words, ax: Axes | None = None) -> Drawing | Axes:
    """Draw the means of three waves with their intervals, a panel per outcome.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of ``course``: ``population, outcome, who, wave, mean, ci_low, ci_high,
        ci_level``.
    words : Words
        The reader's language.
    ax : Axes, optional
        Where to draw one outcome.

    Returns
    -------
    Drawing, or the Axes given
        A dashed line for all who answered each time, a full one for the same people every time;
        what is hidden is left out.
    """
    if ax is not None:
        return _course(ax, frame, words)
    panels = [panel for _, panel in frame.groupby(_PAIR, sort=False)]
    figure, grid = canvas.multiples(panels, lambda ax, panel: _course(ax, panel, words))
    shown = frame.loc[frame["mean"].notna(), "who"]
    handles = [
        Line2D([], [], label=label("who", who, words), **looks)
        for who, (_, looks) in _LOOKS.items()
        if shown.eq(who).any()
    ]
    canvas.legend(figure, handles)
    caption = words.text(
        "Mean answers each time with {level} confidence intervals that allow for people in the "
        "same school being alike. A part of the scale is drawn.",
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    if len(handles) > 1:
        people = words.text(
            "The same people are those who answered every time; the others also hold those who "
            "answered only once or twice."
        )
        caption = f"{caption} {people}"
    alt = alt_texts.describe_course(frame, words)
    return canvas.fitted(figure, grid[:, 0], 1.5 * len(grid), caption, alt, words)


def _course(ax: Axes, frame: pd.DataFrame, words: Words) -> Axes:
    place = {wave: x for x, wave in enumerate(names.WAVES)}
    shown = frame[frame["mean"].notna()]
    for who, rows in shown.groupby("who", sort=False):
        beside, looks = _LOOKS[who]
        x = rows["wave"].map(place) + beside
        ax.plot(x, rows["mean"], **{"ms": 5, "zorder": 3, **looks})
        ax.vlines(x, rows["ci_low"], rows["ci_high"], color=looks["color"], lw=looks["lw"])
    ax.set_xticks(range(len(place)), [label("wave", wave, words) for wave in place])
    ax.set_xlim(-0.4, len(place) - 0.6)
    ax.yaxis.set_major_locator(mpl.ticker.MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(canvas.Numbers(words))
    sns.despine(ax=ax)
    said = words.text("hidden for confidentiality") if shown.empty else ""
    canvas.titled(ax, words.outcome(*frame[_PAIR].iloc[0]), said)
    return ax
