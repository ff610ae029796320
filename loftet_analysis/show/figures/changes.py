"""Changes with their intervals: by outcome and estimand, by region, by school."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from loftet_analysis import names
from loftet_analysis.estimands import ESTIMANDS, MIDWAY, contrast_of_waves
from loftet_analysis.schema import Row
from loftet_analysis.show import alt_texts
from loftet_analysis.show.figures import canvas
from loftet_analysis.show.figures.answers import (
    group_and_means,
    has_shape,
    outlines,
    scale_axis,
    wave_handles,
)
from loftet_analysis.show.figures.canvas import BLUE, GREY, INK, PALE, Drawing, Looks
from loftet_analysis.show.labels import CERTAINTY_SIGNS
from loftet_analysis.show.languages import (
    Words,
    in_alphabet,
    joined,
    label,
    row_label,
)
from loftet_analysis.show.sentences import CERTAIN, certainty, in_sentence, no_number
from loftet_analysis.show.shown import view

#: What may be concluded with certainty.
SURE = (*CERTAIN, "negligible")
_SMALL = ("negligible", *(code for code in CERTAINTY_SIGNS if "small" in code))
#: A change that is smaller than the smallest of interest.
SQUARE: Looks = {"marker": "s", "ms": 5}
_PAIR = ["population", "outcome"]
_KEYS = [*_PAIR, "estimand"]
# inches: of a region, of a histogram, and of what is written around it
_LINE, _ANSWERS, _AROUND = 0.15, 0.6, 0.95
_LONG_WORD = 15  # letters that there is room for in the headings of four panels in a row
#: A line across, since hollow marks are changes that are not certain.
_RAW: Looks = {"marker": "|", "color": GREY, "lw": 1, "mec": GREY, "mew": 1.6, "ms": 7}
_SHRUNK: Looks = {"color": BLUE, "lw": 2.2, "mec": "white", "mew": 0.5, "ms": 5.5, "marker": "D"}
_ROW = 0.2  # inches


@overload
def change(frame: pd.DataFrame, *, words: Words, ax: None = None) -> Drawing: ...
@overload
def change(frame: pd.DataFrame, *, words: Words, ax: Axes) -> Axes: ...
@view(title="Changes", drawn="estimate")
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
        Outcomes are headings among the tick labels, unless each has a single row of the same kind;
        to the right stand the people and the numbers. Rows whose interval is wider than half a
        standard deviation to either side are named in the caption instead.
    """
    figure = None
    if ax is None:
        figure = canvas.blank()
        ax = figure.subplots()
    wide = canvas.is_wide(frame)
    drawn = frame if wide[frame["estimate"].notna()].all() else frame[~wide]
    lines = _lines(drawn, words)
    places = [place for place, _, row in lines if row]
    rows = [row for *_, row in lines if row]
    end = canvas.reach(drawn)
    canvas.effect_axis(ax, words, end, sesoi=frame["sesoi"].iloc[0])
    _effects(ax, rows, places, words, end)
    top = min(-0.5, places[0] - 1.5)
    ax.set_ylim(lines[-1][0] + 0.5, top)
    ax.set_yticks([place for place, *_ in lines], [text for _, text, _ in lines])
    for tick, (_, _, row) in zip(ax.get_yticklabels(), lines, strict=True):
        tick.set_fontweight("normal" if row else "bold")
    canvas.align_left(ax)
    ax.set_xlabel(axis_label(frame, words))
    if figure is None:
        return ax
    caption = " ".join([*_caption(frame, words), *_not_drawn(frame, drawn, words)])
    alt = alt_texts.describe_change(drawn, words)
    height = _ROW * (lines[-1][0] + 0.5 - top)
    return canvas.fitted(figure, [ax], height, caption, alt, words, rows={"": drawn})


def _lines(frame: pd.DataFrame, words: Words) -> list[tuple[float, str, dict]]:
    """Return where each line stands, what it says, and its row, which headings have not.

    Half a line stays free between groups of different kinds, grades and gender.
    """
    alone = frame["estimand"].nunique() == 1
    labels = {_row_label(row, words, alone=alone) for row in frame.to_dict("records")}
    single = len(labels) == 1 and not frame.duplicated(_PAIR).any()
    lines: list[tuple[float, str, dict]] = []
    place = 0.0
    for pair, rows in frame.groupby(_PAIR, sort=False):
        first, before = rows.iloc[0].to_dict(), None
        heading = canvas.wrapped(words.outcome(*pair), 36 if single else 32).split("\n")
        for i, line in enumerate(heading):
            lines.append((place, line, first if single and i == len(heading) - 1 else {}))
            place += 1
        for row in [] if single else rows.to_dict("records"):
            kind = row["subgroup"].partition("=")[0]
            place += 0.5 * (before not in (None, kind))
            before = kind
            # an ordinary space before a word is lost in SVG
            lines.append((place, f"\N{EM SPACE}{_row_label(row, words, alone=alone)}", row))
            place += 1
        place += 0 if single else 0.25
    return lines


def _row_label(row: dict, words: Words, *, alone: bool = False) -> str:
    """Return what a row of effects is called among those of its outcome.

    `alone` where the figure has one estimand only: then what tells its rows apart is enough.
    """
    return alt_texts.told_apart(row, words) if alone else row_label(row, words)


def _not_drawn(frame: pd.DataFrame, drawn: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which rows are not drawn, since nearly nothing is known of them."""
    gone = frame.drop(drawn.index)
    if gone.empty:
        return
    alone = frame["estimand"].nunique() == 1
    named = []
    for pair, rows in gone.groupby(_PAIR, sort=False):
        labels = [
            in_sentence(_row_label(row, words, alone=alone)) for row in rows.to_dict("records")
        ]
        named.append(f"{words.outcome(*pair)} ({joined(labels, words)})")
    yield words.text(
        "Not drawn, since the interval includes zero and reaches more than {widest} standard "
        "deviations to either side of the estimate: {rows}.",
        widest=words.number(canvas.WIDEST),
        rows="; ".join(named),
    )


def _said(row: Row, words: Words, between: str = " ") -> str:
    """Return a row's estimate and interval; a word where there is none."""
    if pd.isna(row["estimate"]):
        if row["estimand"] == "share_below" and not pd.isna(row.get("change")):
            # on no axis of standard deviations
            points = words.number(100 * row["change"], 1)
            return words.text("{points} percentage points", points=points)
        return no_number(row, words)
    inside = words.interval(row["ci_low"], row["ci_high"])
    said = words.number(row["estimate"])
    return f"{said}{between}({inside})" if inside else said


def _effects(ax: Axes, rows: list[dict], places: Sequence[float], words: Words, end: float) -> None:
    """Draw effects with their intervals; to the right of the axes their people and numbers."""
    _marks(ax, pd.DataFrame(rows), places, end)
    people = [alt_texts.people(row, words) for row in rows]
    room = 6 + 6 * max(map(len, people))
    if any(people):
        _beside(ax, places[0] - 1, room, "n", ha="right", color=GREY)
    for place, row, n in zip(places, rows, people, strict=True):
        if n:
            _beside(ax, place, room, n, ha="right")
        looks = {"color": GREY} if pd.isna(row["estimate"]) else {}
        _beside(ax, place, room + 10 if any(people) else 8, _said(row, words), **looks)


def _beside(ax: Axes, place: float, points: float, text: str, **looks: Any) -> None:
    """Write beside the axes, so many points from their right edge."""
    looks = {"va": "center" if "\n" in text else "center_baseline", **looks}
    ax.annotate(text, (1, place), (points, 0), ax.get_yaxis_transform(), "offset points", **looks)


def _marks(
    ax: Axes,
    frame: pd.DataFrame,
    places: ArrayLike,
    end: float,
    *,
    pale: pd.Series | None = None,
) -> None:
    """Draw changes in the looks of their estimands, hollow where it is not certain which way.

    `pale` ones are drawn so that others are seen first.
    """
    records = frame.to_dict("records")
    codes = ["" if pd.isna(row["estimate"]) else certainty(row) for row in records]
    sure, small = ([code in kind for code in codes] for kind in (SURE, _SMALL))
    frame = frame.assign(place=places, code=codes, sure=sure, small=small)
    if pale is not None:
        canvas.changes(ax, frame[pale], frame.loc[pale, "place"], end, **_RAW)
        frame = frame[~pale]
    kinds = ["estimand", "sure", "small"]
    for (estimand, *_), rows in frame.groupby(kinds, sort=False):
        # colour and shape together, so that the marks differ in grey too
        colour, marker = ESTIMANDS[estimand].mark
        shown = rows[rows["estimate"].notna()]
        looks = {"marker": marker, **looks_of(rows["code"].iloc[0], canvas.COLOURS[colour])}
        canvas.changes(ax, shown, shown["place"], end, **looks)


def looks_of(code: str, colour: str) -> Looks:
    """Return a mark's looks: a square for what is small, and hollow where it is not certain."""
    looks = {"color": colour, **(SQUARE if code in _SMALL else {})}
    return looks if code in SURE else looks | {"mfc": "white", "mec": colour, "mew": 1.4}


def _any_midway(frame: pd.DataFrame) -> bool:
    """Whether a change is from or to the wave midway."""
    return "contrast" in frame and frame["contrast"].map(contrast_of_waves).isin(MIDWAY).any()


def axis_label(frame: pd.DataFrame, words: Words) -> str:
    """Return what the axis of changes is of."""
    if _any_midway(frame):
        return words.text("change in standard deviations (later − earlier)")
    return words.text("change in standard deviations (after − before)")


def what_marks_mean(frame: pd.DataFrame, words: Words) -> str:
    """Return what filled and hollow marks are, and squares where there are any."""
    said = words.text("Filled marks are certain, hollow ones are not.")
    codes = {certainty(row) for row in frame[frame["estimate"].notna()].to_dict("records")}
    if codes & {*_SMALL}:
        squares = words.text("Squares are changes smaller than the smallest of interest.")
        return f"{said} {squares}"
    return said


def _caption(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield what is said under every figure of changes with their intervals."""
    if frame["estimand"].nunique() == 1:
        yield f"{label('estimand', frame['estimand'].iloc[0], words)}."
    level = words.percent(frame["ci_level"].iloc[0])
    if _any_midway(frame):
        yield words.text(
            "Change from the earlier to the later time with {level} confidence intervals.",
            level=level,
        )
    elif {*frame.get("cluster", [])} == {"region"}:
        yield words.text(
            "Change from before to after with {level} confidence intervals that allow for people "
            "in the same region being alike.",
            level=level,
        )
    else:
        yield words.text(
            "Change from before to after with {level} confidence intervals that allow for people "
            "in the same school being alike.",
            level=level,
        )
    yield grey_band(frame, words)
    yield what_marks_mean(frame, words)
    if any(alt_texts.people(row, words) for row in frame.to_dict("records")):
        yield words.text("n: people, before/after where they are not the same.")


def grey_band(frame: pd.DataFrame, words: Words) -> str:
    """Return what the band around zero is."""
    return words.text(
        "The grey band is ±{sesoi} standard deviations, the smallest change of interest.",
        sesoi=words.number(frame["sesoi"].iloc[0]),
    )


@view(title="Answers and changes", drawn="estimate")
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
    shapes = answers[has_shape(answers, words)].merge(frame[_PAIR].drop_duplicates())
    if shapes.empty:
        alone = change(frame, words=words)
        return replace(alone, rows={**alone.rows, "answers": shapes})
    blocks = []
    for pair, rows in frame.groupby(_PAIR, sort=False):
        rows = rows.to_dict("records")
        labels = [_row_label(row, words) for row in rows]
        own = shapes[(shapes[_PAIR] == [*pair]).all(axis=1)]
        bins = [each for _, each in own.groupby("subgroup", sort=False)]
        blocks.append((pair, rows, labels, bins))
    end = canvas.reach(frame)
    figure, column, height = _estimation(blocks, words, end)
    phone = canvas.fit(*_estimation(blocks, words, end, on_phone=True))
    caption = " ".join(_estimation_caption(frame, answers, shapes, words))
    alt = alt_texts.describe_change(frame, words)
    rows = {"answers": shapes}
    return canvas.fitted(figure, column, height, caption, alt, words, rows=rows, phone=phone)


def _estimation_caption(
    frame: pd.DataFrame, answers: pd.DataFrame, shapes: pd.DataFrame, words: Words
) -> Iterator[str]:
    if shapes["subgroup"].eq(names.ALL).all():
        yield words.text("The histograms are the answers of all who answered each time:")
    else:
        yield words.text(
            "The histograms are the answers of all who answered each time, of the group named "
            "above each panel if there is one:"
        )
    yield words.text(
        "equal areas are equal shares of the answers, values that few people chose are combined, "
        "and the marks below the axis are the means. The lines with marks are the changes, each "
        "for the people it is about."
    )
    if not has_shape(answers.merge(frame[_PAIR].drop_duplicates()), words).all():
        yield words.text("Where few answered, the answers are not drawn.")
    yield from _caption(frame, words)
    yield from _in_grey(frame, words)


def _estimation(
    blocks: list[tuple], words: Words, end: float, *, on_phone: bool = False
) -> tuple[Figure, list[Axes], list[float]]:
    """Return a figure of answers and changes side by side, a column of its axes, their heights.

    On a phone the changes stand above the answers.
    """
    column: list[Axes] = []
    heights: list[float] = []
    right = []
    wrapped = [
        [canvas.wrapped(each, 14 if on_phone else 18) for each in of] for _, _, of, _ in blocks
    ]
    for (_, rows, _, bins), labels in zip(blocks, wrapped, strict=True):
        high = _tall(labels) * len(rows)
        if on_phone:
            heights += [high, *[_ANSWERS] * len(bins)]
        else:
            n = max(1, len(bins))
            heights += [max(_ANSWERS if bins else 0.4, high / n)] * n
    if on_phone:
        figure = canvas.blank(canvas.PHONE)
        # a grid in a grid has what is written around its axes inside it
        rows = [high + _AROUND for high in heights]
        grid = figure.add_gridspec(len(heights), 1, height_ratios=rows)
    else:
        figure = canvas.blank()
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(1.1, 1))
    for (pair, rows, _, bins), labels in zip(blocks, wrapped, strict=True):
        top, over = len(column), words.outcome(*pair)
        if on_phone:
            right.append(figure.add_subplot(grid[top, 0]))
            column.append(right[-1])
            canvas.over_row(right[-1], over, on_phone=True)
        for i, each in enumerate(bins if on_phone else bins or [None]):
            place = grid[len(column), 0]
            # in a grid of its own the answers are as wide as the phone
            ax = figure.add_subplot(place.subgridspec(1, 1)[0] if on_phone else place)
            column.append(ax)
            said = _histogram(ax, each, words, ends=i >= len(bins) - 1)
            if i or on_phone:
                ax.set_title(said, loc="left")
            else:
                canvas.over_row(ax, over, said)
        if not on_phone:
            right.append(figure.add_subplot(grid[top : len(column), 1]))
        _of_outcome(right[-1], rows, labels, words, end, on_phone=on_phone)
    canvas.align_left(*right)
    for ax in right if on_phone else right[-1:]:
        ax.set_xlabel(axis_label(pd.DataFrame(blocks[-1][1]), words))
    canvas.legend(figure, wave_handles(words))
    return figure, column, heights


def _tall(labels: Sequence[str]) -> float:
    """Return the inches of a row: its numbers have two lines, its label may have more."""
    return 0.05 + 0.155 * max(2, *(label.count("\n") + 1 for label in labels))


def _of_outcome(
    ax: Axes, rows: list[dict], labels: list[str], words: Words, end: float, *, on_phone: bool
) -> None:
    """Draw the changes of one outcome with their numbers in two lines."""
    canvas.effect_axis(ax, words, end, sesoi=rows[0]["sesoi"], narrow=on_phone)
    own, places = pd.DataFrame(rows), range(len(rows))
    wide = canvas.is_wide(own)
    _marks(ax, own, places, end, pale=wide)
    for place, row, is_grey in zip(places, rows, wide, strict=True):
        looks = {"color": GREY} if is_grey or pd.isna(row["estimate"]) else {}
        people = alt_texts.people(row, words)
        n = f", n\N{NO-BREAK SPACE}= {people}" if people and not pd.isna(row["estimate"]) else ""
        _beside(ax, place, 8, _said(row, words, between=f"{n}\n"), **looks)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(places, labels)


def _in_grey(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield what is drawn in grey, if anything is."""
    if canvas.is_wide(frame).any():
        yield words.text(
            "In grey: intervals that include zero and reach more than {widest} standard deviations "
            "to either side of the estimate.",
            widest=words.number(canvas.WIDEST),
        )


def _histogram(ax: Axes, bins: pd.DataFrame | None, words: Words, *, ends: bool) -> str:
    """Draw the answers, if there are any; return whose they are, and their means."""
    if bins is None:
        ax.set_axis_off()
        return ""
    outlines(ax, bins)
    scale_axis(ax, bins.iloc[0], words=words, ends=ends, letters=14)
    return canvas.wrapped("\n".join(group_and_means(bins, words)), 28)


@view(title="Changes", drawn="estimate")
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
        Gated rows of effects, one per region, outcome and estimand.
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
    frame = in_alphabet(frame, words)
    end = max(map(canvas.reach, (frame, pooled)))
    if ax is not None:
        return _forest(ax, frame, pooled, words, end)
    pooled = pooled.merge(frame[_KEYS].drop_duplicates())
    figure, column, height = _forests(frame, pooled, words, end)
    below = axis_label(frame, words)
    phone = canvas.fit(*_forests(frame, pooled, words, end, on_phone=True), xlabel=below)
    caption = " ".join(_forest_caption(frame, pooled, words))
    alt = alt_texts.describe_forest(frame, pooled, words)
    rows = {"pooled": pooled}
    return canvas.fitted(
        figure, column, height, caption, alt, words, xlabel=below, rows=rows, phone=phone
    )


def _forest_caption(frame: pd.DataFrame, pooled: pd.DataFrame, words: Words) -> Iterator[str]:
    yield words.text(
        "Change by region with {level} confidence intervals.",
        level=words.percent(frame["ci_level"].iloc[0]),
    )
    if pooled["pi_low"].notna().any():
        yield words.text(
            "The black diamond is all regions together with their interval, and always filled; the "
            "thin line through it shows where the change of one more region can be expected "
            "(prediction interval)."
        )
    else:
        yield words.text(
            "The black diamond is all regions together with their interval, and always filled."
        )
    yield grey_band(frame, words)
    yield words.text("Regions are listed alphabetically and are not ranked.")
    yield what_marks_mean(frame[~canvas.is_wide(frame)], words)
    certain = frame[frame["estimate"].notna()].to_dict("records")
    if {"increase", "decrease"} & {certainty(row) for row in certain}:
        yield words.text(
            "Here all regions are allowed for at once; a region's own page cannot do that, and "
            "says “may have” of changes that are certain here."
        )
    if frame["ci_low"].isna().any():
        yield words.text(
            "A mark without an interval is of a region with so few schools that the interval "
            "could identify them."
        )
    yield from _in_grey(frame, words)


def _forests(
    frame: pd.DataFrame, pooled: pd.DataFrame, words: Words, end: float, *, on_phone: bool = False
) -> tuple[Figure, list[Axes], float]:
    """Return a figure of a panel per outcome and estimand, its left column and their height.

    The estimands of an outcome stand side by side, on a phone one below the other.
    """
    pairs = [*frame[_PAIR].drop_duplicates().itertuples(index=False, name=None)]
    estimands = frame["estimand"].unique()
    letters = 48 if on_phone else {1: 60, 2: 30}.get(len(estimands), 15)
    is_narrow = on_phone or len(estimands) > 1

    def draw(ax: Axes, keys: tuple[str, str, str]) -> None:
        own, together = (each[(each[_KEYS] == [*keys]).all(axis=1)] for each in (frame, pooled))
        _forest(ax, own, together, words, end, narrow=is_narrow)
        title = canvas.wrapped(label("estimand", keys[-1], words), letters)
        for row in together[together["estimate"].notna()].to_dict("records"):
            between = " " if on_phone or len(estimands) == 2 else "\n"
            numbers = _said(row, words, between=between)
            title = f"{title}\n{words.text('together {numbers}', numbers=numbers)}"
        ax.set_title(title if is_narrow else "", loc="left")
        ax.tick_params(labelbottom=True)

    panels = [(*pair, estimand) for pair in pairs for estimand in estimands]
    columns, width = (1, canvas.PHONE) if on_phone else (len(estimands), canvas.WIDTH)
    figure, grid = canvas.multiples(panels, draw, sharey="row", columns=columns, width=width)
    for line, (*pair, estimand) in zip(grid, panels[::columns], strict=True):
        titles = [ax.get_title(loc="left") for ax in line]
        most = max(title.count("\n") for title in titles)
        for ax, title in zip(line, titles, strict=True):
            ax.set_title(title + "\n" * (most - title.count("\n")), loc="left")
        over = words.outcome(*pair) if estimand == estimands[0] else ""
        if not is_narrow:
            over = f"{over}: {label('estimand', estimand, words)}"
        canvas.over_row(line[0], over, line[0].get_title(loc="left"), on_phone=on_phone)
    handles = _forest_handles(frame["sesoi"].iloc[0], words)
    one_more = pooled["pi_low"].notna().any()
    across = 1 if on_phone else 2
    canvas.legend(figure, handles if one_more else handles[:-1], across=across)
    height = _LINE * (frame["region"].nunique() + 1.8) * len(grid)
    return figure, [*grid[:, 0]], height


def _forest_handles(sesoi: float, words: Words) -> list[Artist]:
    """Return the legend's entries: what is too small to matter, the country, one more region."""
    text = words.text("±{sesoi} SD, the smallest change of interest", sesoi=words.number(sesoi))
    together = words.text("all regions together")
    more = words.text("one more region (prediction interval)")
    return [
        Patch(color=PALE, lw=0, label=text),
        Line2D([], [], ls="", marker="d", ms=7, color=INK, label=together),
        Line2D([], [], color=INK, lw=1, label=more),
    ]


def _with_country(pooled: pd.DataFrame, together: pd.DataFrame) -> pd.DataFrame:
    """Return pooled rows with the estimate and the interval of the country's own rows."""
    numbers = ["estimate", "ci_low", "ci_high"]
    own = together.drop_duplicates(_KEYS)[[*_KEYS, *numbers]]
    return pooled.drop(columns=numbers).merge(own, on=_KEYS, how="left")


def _forest(
    ax: Axes,
    frame: pd.DataFrame,
    pooled: pd.DataFrame,
    words: Words,
    end: float,
    *,
    narrow: bool = False,
) -> Axes:
    """Draw a line per region and the country; of a `narrow` panel only estimates are written."""
    sesoi = frame["sesoi"].iloc[0] if len(frame) else 0
    canvas.effect_axis(ax, words, end, sesoi=sesoi, narrow=narrow)
    wide, places = canvas.is_wide(frame), np.arange(len(frame))
    _marks(ax, frame, places, end, pale=wide)
    rows = frame.to_dict("records")
    people = [] if narrow else [alt_texts.people(row, words) for row in rows]
    room = 6 + 6 * max(map(len, people)) if any(people) else 0
    for place, (row, is_grey) in enumerate(zip(rows, wide, strict=True)):
        looks = {"color": GREY} if is_grey or pd.isna(row["estimate"]) else {}
        short = words.number(row["estimate"]) if narrow else ""
        if room:
            _beside(ax, place, room, people[place], ha="right")
        where = (35, {"ha": "right"}) if short else (room + 8, {})
        _beside(ax, place, where[0], short or _said(row, words), **where[1], **looks)
    if room:
        _beside(ax, -1, room, "n", ha="right", color=GREY)
    y = len(frame) + 0.3
    for row in pooled[pooled["estimate"].notna()].to_dict("records"):
        ends = ("ci_low", "ci_high") if pd.isna(row["pi_low"]) else ("pi_low", "pi_high")
        own, columns = pd.DataFrame([row]), ("estimate", *ends)
        canvas.changes(ax, own, [y], end, columns=columns, color=INK, lw=1, marker="")
        low, middle, high = np.clip([row[c] for c in ("ci_low", "estimate", "ci_high")], -end, end)
        if middle == row["estimate"]:
            diamond = [low, middle, high, middle], [y, y - 0.38, y, y + 0.38]
            ax.fill(*diamond, color=INK, lw=0, zorder=3)
        if not narrow:
            said = _said({**row, "suppressed": False}, words)
            _beside(ax, y, room + 8, said, weight="bold")
    ax.set_ylim(len(frame) + 0.8, -1.4 if room else -0.6)
    labels = [*map(words.region, frame["region"]), words.text("All regions together")]
    ax.set_yticks([*range(len(frame)), y], labels)
    ax.yaxis.get_major_ticks()[-1].label1.set_fontweight("bold")
    return ax


@view(
    title="Changes",
    drawn="estimate",
    nothing="The study asks for no change that can be told school by school.",
)
def schools(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the schools' changes, by themselves and drawn towards the mean of all schools.

    Parameters
    ----------
    frame : DataFrame
        Gated rows by school of one estimand. Schools that are hidden or have no estimate of any
        outcome are left out.
    words : Words
        The reader's language, with the schools' names.
    """
    themselves = (
        words.text("the school by itself"),
        words.text("shrunk towards the mean of all schools"),
    )
    caption = [
        words.text(
            "Change by school with {level} intervals: strokes are estimates from the school alone, "
            "diamonds are shrunk towards the mean of the schools, more so where the school's own "
            "answers tell less. Numbers of schools with few answers are rounded coarsely. Schools "
            "are listed alphabetically and are not ranked.",
            level=words.percent(frame["ci_level"].iloc[0]),
        ),
        *_band_and_n(frame, words),
    ]
    there = frame.loc[frame["estimate"].notna(), "school_id"]
    if left_out := frame["school_id"].nunique() - there.nunique():
        few = words.plural(
            "{n} school is left out, as too few people answered there.",
            "{n} schools are left out, as too few people answered there.",
            left_out,
        )
        caption.append(few)
    alone = frame["estimate"].notna() & frame["shrunk"].isna()
    if frame["shrunk"].notna().any() and (n := frame.loc[alone, "school_id"].nunique()):
        bare = words.plural(
            "Where {n} school lacks a diamond, it would be rounded more coarsely than its interval "
            "is wide.",
            "Where {n} schools lack a diamond, it would be rounded more coarsely than its interval "
            "is wide.",
            n,
        )
        caption.append(bare)
    return _drawn_together(frame, "school_id", themselves, words, " ".join(caption))


@view(
    title="Changes drawn towards the mean",
    drawn="shrunk",
    nothing="The study names no primary change that is told region by region.",
)
def regions(frame: pd.DataFrame, *, words: Words) -> Drawing:
    """Draw the regions' changes, by themselves and drawn towards their mean.

    Parameters
    ----------
    frame : DataFrame
        Gated rows by region of one estimand. Regions that are hidden or have no estimate of any
        outcome are left out.
    words : Words
        The reader's language, with the regions' names.
    """
    themselves = (
        words.text("the region by itself"),
        words.text("shrunk towards the mean of all regions"),
    )
    caption = [
        words.text(
            "{estimand} by region with {level} intervals: strokes are estimates from the region "
            "alone, diamonds are shrunk towards the mean over the regions, more so where the "
            "region's own answers tell less. Regions are listed alphabetically and are not ranked.",
            estimand=label("estimand", frame["estimand"].iloc[0], words),
            level=words.percent(frame["ci_level"].iloc[0]),
        ),
        *_band_and_n(frame, words),
    ]
    alone = frame["estimate"].notna() & frame["shrunk"].isna()
    if alone.any():
        without = words.plural(
            "{n} region has no interval, since it would tell of single schools, and is not shrunk "
            "towards the others.",
            "{n} regions have no interval, since it would tell of single schools, and are not "
            "shrunk towards the others.",
            frame.loc[alone, "region"].nunique(),
        )
        caption.append(without)
    return _drawn_together(frame, "region", themselves, words, " ".join(caption))


def _drawn_together(
    frame: pd.DataFrame, by: str, themselves: tuple[str, str], words: Words, caption: str
) -> Drawing:
    """Draw a panel per outcome: a line per school or region, by itself and drawn towards the mean.

    `by` is the column that tells them apart; `themselves` is what the two kinds of marks are
    called.
    """
    drawn = frame[frame["estimate"].notna()]
    shown = [*in_alphabet(drawn[[by]], words, by=by)[by].unique()]
    named = [_named_with_n(by, each, frame, words) for each in shown]
    panels = [*frame[_PAIR].drop_duplicates().itertuples(index=False, name=None)]
    longest = max(len(word) for pair in panels for word in words.outcome(*pair).split())
    columns = 4 if len(panels) > 6 and longest <= _LONG_WORD else 3
    letters = {1: 50, 2: 26}.get(len(panels), 17 if columns == 3 else 13)
    # a heading with a word that is longer than its line is smaller
    size = 9 * max(0.75, min(1, letters / longest))
    shrunk, end = ("shrunk", "shrunk_low", "shrunk_high"), canvas.reach(drawn)
    sesoi = frame["sesoi"].iloc[0] if "sesoi" in frame and frame["sesoi"].notna().any() else 0

    def draw(ax: Axes, pair: tuple[str, str]) -> None:
        canvas.effect_axis(ax, words, end, sesoi=sesoi, narrow=len(panels) > 1)
        own = drawn[(drawn[_PAIR] == [*pair]).all(axis=1)]
        places = np.array([shown.index(each) for each in own[by]], dtype=float)
        if own.empty:
            hidden = canvas.wrapped(words.text("hidden for confidentiality"), letters)
            ax.annotate(hidden, (0, 1), xycoords="axes fraction", va="top", color=GREY)
        wide, towards = canvas.is_wide(own), own["shrunk"].notna()
        canvas.changes(ax, own[~wide], places[~wide] - 0.17, end, **_RAW)
        canvas.changes(ax, own[towards], places[towards] + 0.17, end, columns=shrunk, **_SHRUNK)
        numbers = own[["estimate", *shrunk]].astype(float)
        numbers["estimate"] = numbers["estimate"].mask(wide)
        for place, row in zip(places, numbers.to_dict("records"), strict=True):
            # what no mark shows, and of a single outcome all that is drawn towards the mean
            said = [words.number(row["estimate"])] if abs(row["estimate"]) > end else []
            if len(panels) == 1 and not pd.isna(row["shrunk"]):
                ends = zip(("estimate", "ci_low", "ci_high"), map(row.get, shrunk), strict=True)
                said.append(_said(dict(ends), words))
            elif abs(row["shrunk"]) > end:
                said.append(words.number(row["shrunk"]))
            if said:
                _beside(ax, place, 8, " / ".join(said))
        title = canvas.wrapped(words.outcome(*pair), letters)
        ax.set_title(title, loc="left", weight="bold", size=size)
        ax.tick_params(labelbottom=True)

    figure, grid = canvas.multiples(panels, draw, columns=columns, sharex=True, sharey=True)
    grid[0, 0].set_ylim(max(1, len(shown)) - 0.5, -0.5)
    grid[0, 0].set_yticks(range(len(shown)), named)
    canvas.align_left(*grid[:, 0])
    handles = [
        Line2D([], [], label=text, **looks)
        for text, looks in zip(themselves, (_RAW, _SHRUNK), strict=True)
    ]
    canvas.legend(figure, handles)
    below = axis_label(frame, words)
    lines = max((name.count("\n") for name in named), default=0)
    height = (0.23 + 0.09 * lines) * max(2, len(shown)) * len(grid)
    rows, alt = {"": drawn}, alt_texts.describe_drawn_together(frame, by, words)
    return canvas.fitted(figure, grid[:, 0], height, caption, alt, words, xlabel=below, rows=rows)


def _band_and_n(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield what the grey band is, and the numbers behind names."""
    if "sesoi" in frame and frame["sesoi"].notna().any():
        yield grey_band(frame, words)
    if canvas.is_wide(frame).any():
        yield words.text(
            "No stroke is drawn where its interval includes zero and reaches more than {widest} "
            "standard deviations to either side of the estimate.",
            widest=words.number(canvas.WIDEST),
        )
    if any(alt_texts.people(row, words) for row in frame.to_dict("records")):
        yield words.text(
            "In brackets: about how many people answered, at the time when they were fewest."
        )


def _named_with_n(by: str, key: str, frame: pd.DataFrame, words: Words) -> str:
    """Return a whole name, in lines, with the most people of any outcome in the smaller wave."""
    name = words.region(key) if by == "region" else words.schools.get(key, key)
    rows = frame[frame[by].eq(key)]
    numbers = rows[["n_pre", "n_post", "n_pairs"]].astype(float)
    n = numbers["n_pairs"].fillna(numbers[["n_pre", "n_post"]].min(axis=1, skipna=False))
    named = name if n.isna().all() else f"{name} ({words.count(n.max())})"
    return canvas.wrapped(named, 30)
