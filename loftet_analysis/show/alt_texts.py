"""What figures say to those who do not see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from loftet_analysis import names
from loftet_analysis.show.languages import (
    Answers,
    Words,
    estimand_label,
    joined,
    population_label,
    register_label,
    step_label,
    subgroup_label,
    wave_label,
)


def describe_estimation(frame: pd.DataFrame, answers: pd.DataFrame, words: Words) -> str:
    """Return the alt text of an estimation plot from its gated effects and bins."""
    pairs = frame[["population", "outcome"]].drop_duplicates()
    shown = answers.merge(pairs)
    changes = describe_change(frame, words)
    return changes if shown.empty else f"{describe_distribution(shown, words)} {changes}"


def describe_dots(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of answers as dots from their gated bins."""
    _ = words.text
    said = [_("The answers as stacks of dots, those after above a line and those before beneath.")]
    for (population, outcome, subgroup), rows in frame.groupby(
        ["population", "outcome", "subgroup"], sort=False
    ):
        means = rows[rows["mean"].notna()].drop_duplicates("wave").set_index("wave")["mean"]
        if {names.PRE, names.POST} <= set(means.index):
            said.append(
                _(
                    "{outcome}: mean {before} before and {after} after.",
                    outcome=_named(population, outcome, subgroup, words),
                    before=words.number(means[names.PRE]),
                    after=words.number(means[names.POST]),
                )
            )
    return " ".join(said)


def _named(population: str, outcome: str, subgroup: str, words: Words) -> str:
    label, group = words.outcome(population, outcome), subgroup_label(subgroup, words)
    return f"{label}, {group}" if group else label


def beside_the_middle(
    bins: Iterable[tuple[float, float, float]], answers: Answers
) -> tuple[float, float]:
    """Return the shares of one item's answers below and above the middle of its scale.

    Parameters
    ----------
    bins : iterable of (float, float, float)
        One item's gated bins of one wave: low and high edge, half-way between options, and share.
    answers : Answers
        The response scale. An option right in the middle counts on neither side.

    Returns
    -------
    tuple of float
        Below and above; missing where options of a side are joined with others across the middle.

    Examples
    --------
    >>> bins = [(0.5, 2.5, 0.2), (2.5, 3.5, 0.3), (3.5, 5.5, 0.5)]
    >>> beside_the_middle(bins, Answers(1, 5, "", ""))
    (0.2, 0.5)
    """
    middle = (answers.minimum + answers.maximum) / 2
    # with an even number of options nothing lies in the middle
    half = 0.5 if middle == round(middle) else 0.0
    below = above = 0.0
    for low, high, share in bins:
        if high <= middle - half:
            below += share
        elif low >= middle + half:
            above += share
        else:  # across the middle
            below += float("nan") if low < middle - half else 0
            above += float("nan") if high > middle + half else 0
    return below, above


def answers_to_items(items: pd.DataFrame) -> dict[str, dict[str, list]]:
    """Return each item's bins that are not hidden, by wave: low, high, share, in order."""
    found: dict[str, dict[str, list]] = {item: {} for item in items["item"]}
    columns = ["item", "wave", "low", "high", "share"]
    for item, wave, *bin_ in zip(*(items[column].tolist() for column in columns), strict=True):
        if not pd.isna(bin_[-1]):
            found[item].setdefault(wave, []).append(bin_)
    return {
        item: {wave: sorted(bins) for wave, bins in by_wave.items()}
        for item, by_wave in found.items()
    }


def describe_likert(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of bars of single items from their gated bins."""
    _ = words.text
    said = [_("Bars of the answers to single items before and after.")]
    keys = ["population", "outcome", "subgroup"]
    shown = frame[frame["share"].notna()]
    for (population, outcome, subgroup), items in shown.groupby(keys, sort=False):
        answers = words.answers[population, outcome]
        above: dict[str, list[float]] = {}
        for by_wave in answers_to_items(items).values():
            for wave, bins in by_wave.items():
                above.setdefault(wave, []).append(beside_the_middle(bins, answers)[1])
        if {names.PRE, names.POST} <= set(above):
            said.append(
                _(
                    "{outcome}: above the middle {before} before and {after} after, item by item.",
                    outcome=_named(population, outcome, subgroup, words),
                    before=_from_to(above[names.PRE], words),
                    after=_from_to(above[names.POST], words),
                )
            )
    return " ".join(said)


def _from_to(shares: Sequence[float], words: Words) -> str:
    known = [share for share in shares if not pd.isna(share)]
    if not known:
        return words.text("hidden")
    low, high = words.percent(min(known)), words.percent(max(known))
    return low if low == high else f"{low} {words.text('to')} {high}"


def describe_schools(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of changes by school from the gated rows that are drawn."""
    _ = words.text
    said = [_("Changes by school with their intervals.")]
    shown = frame[frame["shrunk"].notna()]
    for (population, outcome), rows in shown.groupby(["population", "outcome"], sort=False):
        said.append(
            words.plural(
                "{outcome}: {n} school, drawn towards all schools {low} standard deviations.",
                "{outcome}: {n} schools, drawn towards all schools between {low} and {high} "
                "standard deviations.",
                len(rows),
                outcome=words.outcome(population, outcome),
                low=words.number(rows["shrunk"].min(), signed=True),
                high=words.number(rows["shrunk"].max(), signed=True),
            )
        )
    return " ".join(said)


def stages(row: dict, words: Words) -> list[tuple[str, float]]:
    """Return the steps from invited to found again that have a number, with their numbers."""
    return [
        (step_label(step, words), row[step]) for step in names.STEPS if not pd.isna(row.get(step))
    ]


def describe_flow(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of a flow of people from its gated counts."""
    _ = words.text
    said = [_("Boxes from those who were invited to those who were found both times.")]
    for row in frame.to_dict("records"):
        steps = [f"{label.lower()} {words.count(n)}" for label, n in stages(row, words)]
        if steps:
            said.append(f"{_place(row, words)}: {', '.join(steps)}.")
    return " ".join(said)


def _place(row: dict, words: Words) -> str:
    return f"{population_label(row['population'], words)}, {wave_label(row['wave'], words)}"


def arrivals(rows: pd.DataFrame, words: Words) -> str:
    """Return how many answers came in the end, and out of how many, if that is known."""
    if rows.empty:
        return words.text("hidden: too few people answered")
    last = rows.sort_values("day").iloc[-1]
    if pd.isna(last["n_invited"]):
        return words.plural("{n} answer", "{n} answers", last["n_final"])
    return words.plural(
        "{n} answer, {percent} of the invited",
        "{n} answers, {percent} of the invited",
        last["n_final"],
        percent=words.percent(last["n_final"] / last["n_invited"]),
    )


def describe_arrivals(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of how answers came in, from their gated counts."""
    _ = words.text
    said = [_("How the answers came in day by day.")]
    shown = frame[frame["n"].notna()]
    for __, rows in shown.groupby(["population", "wave"], sort=False):
        place = _place(rows.iloc[0].to_dict(), words)
        said.append(
            _(
                "{place}: {answers}.",
                place=place,
                answers=arrivals(rows, words),
            )
        )
    return " ".join(said)


def _outcomes_in(frame: pd.DataFrame, words: Words) -> str:
    pairs = frame[["population", "outcome"]].drop_duplicates().itertuples(index=False)
    return joined([words.outcome(*pair) for pair in pairs], words)


def describe_change(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of a change plot from its gated rows."""
    _ = words.text
    shown = frame[frame["estimate"].notna()]
    said = [_("Changes with their intervals for {outcomes}.", outcomes=_outcomes_in(frame, words))]
    if len(shown):
        said.append(
            _(
                "The estimates lie between {low} and {high} standard deviations; {k} of {n} "
                "intervals include no change.",
                low=words.number(shown["estimate"].min()),
                high=words.number(shown["estimate"].max()),
                k=words.count(((shown["ci_low"] < 0) & (shown["ci_high"] > 0)).sum()),
                n=words.count(len(shown)),
            )
        )
    return " ".join(said)


def describe_distribution(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of distributions from their gated bins."""
    _ = words.text
    waves = [wave for wave in (names.PRE, names.POST) if wave in {*frame["wave"]}]
    said = [_("Histograms of the answers before and after.")]
    if len(waves) == 1:
        said = [_("Histogram of the answers {wave}.", wave=wave_label(waves[0], words))]
    for (population, outcome, subgroup), rows in frame.groupby(
        ["population", "outcome", "subgroup"], sort=False
    ):
        means = rows[rows["mean"].notna()].drop_duplicates("wave").set_index("wave")["mean"]
        label, group = words.outcome(population, outcome), subgroup_label(subgroup, words)
        named = f"{label}, {group}" if group else label
        if len(waves) == 1 and len(means):
            said.append(
                _(
                    "{outcome}: mean {mean} {wave}.",
                    outcome=named,
                    mean=words.number(means.iloc[0]),
                    wave=wave_label(waves[0], words),
                )
            )
        if {names.PRE, names.POST} <= set(means.index):
            said.append(
                _(
                    "{outcome}: mean {before} before and {after} after.",
                    outcome=named,
                    before=words.number(means[names.PRE]),
                    after=words.number(means[names.POST]),
                )
            )
    return " ".join(said)


def describe_forest(pooled: pd.DataFrame, words: Words) -> str:
    """Return the alt text of forest plots from the gated pooled effects."""
    _ = words.text
    said = [_("Changes by region with their intervals.")]
    for row in pooled[pooled["estimate"].notna()].to_dict("records"):
        said.append(
            _(
                "{outcome}, {estimand}: over {k} regions {estimate} standard deviations, interval "
                "{interval}.",
                outcome=words.outcome(row["population"], row["outcome"]),
                estimand=estimand_label(row["estimand"], words),
                k=words.count(row["k"]),
                estimate=words.number(row["estimate"], signed=True),
                interval=words.interval(row["ci_low"], row["ci_high"]),
            )
        )
    return " ".join(said)


def describe_attendance(frame: pd.DataFrame, words: Words) -> str:
    """Return the alt text of attendance from its gated bins."""
    _ = words.text
    said = [_("Bars of how often people attended.")]
    for (population, column), rows in frame.groupby(["population", "column"], sort=False):
        most = rows.sort_values("share").iloc[-1]
        said.append(
            _(
                "{population}: most had {low} to {high} {what}, {share} of them.",
                population=population_label(population, words),
                what=register_label(column, words),
                low=words.count(most["low"] + 0.5),
                high=words.count(most["high"] - 0.5),
                share=words.percent(most["share"]),
            )
        )
    return " ".join(said)
