"""All outcomes of a page on one axis, narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, PALE, Drawing, Looks
from loftet_analysis.show.figures.changes import axis_label, grey_band, looks_of, what_marks_mean
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.sentences import (
    asterisk,
    certainty_shown,
    in_short,
    no_number,
    with_doubts,
)
from loftet_analysis.show.shown import view

#: Inches; at the width of a phone its letters are still 11 pixels high.
NARROW, _SIZE = 4.2, 9.5
_LINE, _GAP, _HEAD = 0.165, 0.2, 0.23  # inches: of text, of a mark, of a heading
_UP = 0.125  # from the top of a line to its letters' feet
_COLOURS = {"negligible": INK, "unclear": GREY}


@mpl.rc_context({"font.size": _SIZE})
@view(title="The answers in short", drawn="change")
def summary(frame: pd.DataFrame, *, words: Words, pooled: pd.DataFrame | None = None) -> Drawing:
    """Draw every outcome's change on one axis, with a word on each; before there is any, levels.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects as for `sentences.summary`. Levels are drawn where there is no change,
        between the lowest and the highest possible answer.
    words : Words
        The reader's language.
    pooled : DataFrame, optional
        The changes pooled over the regions: of those that rest on a single region the mark is
        hollow, and the word has an asterisk.

    Returns
    -------
    Drawing
        Of the width of a phone. A filled mark is a change that is certain, a hollow one is not.
    """
    frame = with_doubts(frame, pooled, words)
    is_mean = frame["estimand"].eq("level") & frame["contrast"].eq("mean")
    changes = frame[~frame["estimand"].isin(["level", "dose"])]
    drawn = frame[is_mean] if changes.empty else changes
    figure = canvas.blank()
    figure.set_figwidth(NARROW)
    ax = figure.subplots()
    ax.tick_params(labelsize=_SIZE, left=False, labelleft=False)
    sns.despine(ax=ax, left=True)
    height = _levels(ax, drawn, words) if changes.empty else _changes(ax, drawn, words)
    ax.set_ylim(height, 0)
    level = words.percent(drawn["ci_level"].iloc[0])
    if changes.empty:
        caption = [
            words.text(
                "Mean answers with {level} confidence intervals, each between the lowest and the "
                "highest possible answer of its scale.",
                level=level,
            )
        ]
        alt = alt_texts.describe_levels_in_short(drawn, words)
    else:
        caption = [words.text("Change with {level} confidence intervals.", level=level)]
        caption += [grey_band(drawn, words), what_marks_mean(drawn, words)]
        if any(certainty_shown(row) == "unclear" for row in drawn.to_dict("records")):
            caption.append(words.text("Grey: we cannot tell whether anything has changed."))
        if drawn["less_certain"].ne("").any():
            caption.append(asterisk(words))
        marked = drawn[drawn["estimate"].notna()]
        compared = [label("estimand", each, words) for each in marked["estimand"].unique()]
        told = [
            (words.outcome(row["population"], row["outcome"]), in_short(row, words))
            for row in marked.to_dict("records")
        ]
        alt = alt_texts.describe_summary(told, compared, words)
    rows = {"": drawn.drop(columns="less_certain")}
    return canvas.fitted(figure, [ax], height, " ".join(caption), alt, words, rows=rows)


def _lines(
    ax: Axes, frame: pd.DataFrame, words: Words, said: Callable[[dict], str]
) -> tuple[list, float]:
    """Write what outcomes are called, those of a population beneath its name, and a word on each.

    Returns
    -------
    places : list of float
        Where the marks stand, in inches from the top.
    height : float
    """
    places, y, before = [], 0.0, ""
    looks: Looks = {"transform": ax.get_yaxis_transform(), "va": "baseline"}
    several = frame["population"].nunique() > 1
    for row in frame.to_dict("records"):
        if several and row["population"] != before:
            y += 0.1 * bool(before)
            whose = label("population", row["population"], words)
            ax.text(0, y + _UP, whose, weight="bold", **looks)
            y, before = y + _HEAD, row["population"]
        word = said(row)
        named = canvas.wrapped(words.outcome(row["population"], row["outcome"]), 50 - len(word))
        for line in named.split("\n"):
            ax.text(0, y + _UP, line, **looks)
            y += _LINE
        ax.text(1, y - named.count("\n") * _LINE - _LINE + _UP, word, ha="right", **looks)
        places.append(y + _GAP / 4)
        y += _GAP
    return places, y


def _changes(ax: Axes, frame: pd.DataFrame, words: Words) -> float:
    def said(row: dict) -> str:
        size = words.number(row["estimate"])
        return " · ".join(filter(None, [size, in_short(row, words)]))

    places, height = _lines(ax, frame, words, said)
    end = canvas.reach(frame)
    sesoi, half = frame["sesoi"].iloc[0], 0.3 * _GAP
    canvas.effect_axis(ax, words, end)
    for place, row in zip(places, frame.to_dict("records"), strict=True):
        # beside the marks only, so that words stand on white
        ax.fill_between([-sesoi, sesoi], place - half, place + half, color=PALE, lw=0, zorder=0)
        ax.vlines(0, place - half, place + half, color=GREY, lw=0.8, zorder=1)
        if not pd.isna(row["estimate"]):
            code = certainty_shown(row)
            looks = looks_of(
                f"{'may ' * bool(row['less_certain'])}{code}", _COLOURS.get(code, BLUE)
            )
            canvas.changes(ax, pd.DataFrame([row]), [place], end, **looks)
    ax.set_xlabel(axis_label(frame, words), size=_SIZE)
    return height


def _levels(ax: Axes, frame: pd.DataFrame, words: Words) -> float:
    def said(row: dict) -> str:
        if pd.isna(row["change"]):
            return no_number(row, words)
        scale = words.answers[row["population"], row["outcome"]]
        ends = f"{words.plain(scale.minimum)}–{words.plain(scale.maximum)}"
        return f"{words.number(row['change'])} ({ends})"

    places, height = _lines(ax, frame, words, said)
    columns = ("change", "change_ci_low", "change_ci_high")
    for place, row in zip(places, frame.to_dict("records"), strict=True):
        ax.plot([0, 1], [place, place], color=PALE, lw=1, zorder=0)
        if not pd.isna(row["change"]):
            scale = words.answers[row["population"], row["outcome"]]
            width = scale.maximum - scale.minimum
            part = {key: (row[key] - scale.minimum) / width for key in columns}
            part |= {key: np.clip(part[key], 0, 1) for key in columns[1:]}
            canvas.intervals(ax, pd.DataFrame([part]), [place], columns=columns, color=BLUE)
    ax.set_xlim(-0.02, 1.02)
    ends = [words.text("lowest possible"), words.text("the middle"), words.text("highest possible")]
    ax.set_xticks([0, 0.5, 1], ends)
    for tick, side in zip(ax.get_xticklabels(), ("left", "center", "right"), strict=True):
        tick.set(horizontalalignment=side)
    return height
