"""Where the answers of a wave lie on their scale: means with intervals, by group."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from loftet_analysis import names
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.answers import scale_axis
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, Drawing, Looks
from loftet_analysis.show.languages import Words, in_alphabet, label
from loftet_analysis.show.shown import view

_PAIR = ["population", "outcome"]
_LINE = 0.17  # inches
_LOOKS: dict[str, Looks] = {
    names.PRE: {"color": GREY, "marker": "o"},
    names.MID: {"color": INK, "marker": "s"},
    names.POST: {"color": BLUE, "marker": "D"},
}
_COLUMNS = ("change", "change_ci_low", "change_ci_high")


@view(title="Where the answers lie", drawn="change")
def levels(frame: pd.DataFrame, *, words: Words, country: pd.DataFrame | None = None) -> Drawing:
    """Draw where answers lie on their scale, a panel per outcome and a line per group and wave.

    Of several regions a line is a region.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of levels; the means are drawn, or the shares where there are no means. Groups
        that nobody answered of are left out. A column `year` stands before the group.
    words : Words
        The reader's language.
    country : DataFrame, optional
        Gated ``population, outcome, wave, mean`` of the whole study, drawn as a dotted line.

    Returns
    -------
    Drawing
        The numbers stand to the right; the axis reaches over the whole scale.
    """
    frame = in_alphabet(frame, words)
    kind = "mean" if frame["contrast"].eq("mean").any() else "share"
    drawn = frame[frame["contrast"].eq(kind) & (frame["suppressed"] | frame["change"].notna())]
    waves = [wave for wave in names.WAVES if wave in {*drawn["wave"]}]
    by = names.REGION if drawn[names.REGION].nunique() > 1 else names.SUBGROUP
    blocks = [*drawn.groupby(_PAIR, sort=False)]
    figure = canvas.blank()
    heights = [_LINE * len(rows) for _, rows in blocks]
    axes = figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (pair, rows) in zip(axes, blocks, strict=True):
        records = rows.to_dict("records")
        _levels(ax, records, words, share=kind == "share")
        named = [alt_texts.of_level(r, by, words, timed=len(waves) > 1) for r in records]
        ax.set_yticks(range(len(rows)), named)
        canvas.over_row(ax, words.outcome(*pair))
        if country is not None:
            for mean in country.loc[(country[_PAIR] == [*pair]).all(axis=1), "mean"].dropna():
                ax.axvline(mean, color=INK, lw=1, ls=(0, (1, 2)), zorder=1)
    canvas.align_left(*axes)
    if len(waves) > 1:
        handles = [
            Line2D([], [], label=label("wave", w, words), ls="", ms=6, **_LOOKS[w]) for w in waves
        ]
        canvas.legend(figure, handles)
    caption = _caption(frame, words, kind, is_beside=country is not None)
    alt = alt_texts.describe_levels(drawn, by, words)
    return canvas.fitted(figure, axes, sum(heights), caption, alt, words, rows={"": drawn})


def _levels(ax: Axes, records: list[dict], words: Words, *, share: bool) -> None:
    looks = {"as_text": words.percent if share else words.number}
    canvas.estimates(ax, records, _COLUMNS, words, looks=lambda row: _LOOKS[row["wave"]], **looks)
    if share:
        ax.set_xlim(-0.02, 1.02)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.percent(value)))
    else:
        scale_axis(ax, pd.Series(records[0]), words=words)


def _caption(frame: pd.DataFrame, words: Words, kind: str, *, is_beside: bool) -> str:
    level = words.percent(frame["ci_level"].iloc[0])
    if kind == "share":
        said = words.text(
            "Share of the answers above the middle of the scale, with {level} confidence intervals "
            "that allow for people in the same school being alike.",
            level=level,
        )
    else:
        said = words.text(
            "Mean answers with {level} confidence intervals that allow for people in the same "
            "school being alike.",
            level=level,
        )
    beside = words.text("The dotted line is the mean of the whole study.") if is_beside else ""
    return f"{said} {beside}".strip()
