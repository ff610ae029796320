"""What figures say to those who do not see them: sentences, of which `heard` makes one text.

What is found comes first; the last sentence says what kind of figure it is, and of which
comparison.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.estimands import MAIN
from loftet_analysis.schema import Row
from loftet_analysis.show import languages
from loftet_analysis.show.languages import (
    Answers,
    Words,
    group_label,
    joined,
    label,
    linked_side,
    of_group,
    row_label,
)
from loftet_analysis.show.sentences import certainty, in_sentence

_PAIR = ["population", "outcome"]
#: Letters of an alt text that is meant to be heard at one go.
LONGEST = 300
_MORE = 40  # for how many are left out
#: Outcomes are told in this order.
_ORDER = (
    "decrease", "increase", "may decrease", "may increase", "small decrease", "small increase",
    "may small decrease", "may small increase", "negligible", "unclear",
)  # fmt: skip
_CELL = [*_PAIR, "subgroup"]


def named(population: str, outcome: str, subgroup: str, *, words: Words) -> str:
    """Return what an outcome is called, with the group unless it is everybody."""
    group = label("subgroup", subgroup, words)
    return ", ".join(filter(None, [words.outcome(population, outcome), group]))


def with_group(population: str, outcome: str, subgroup: str, *, words: Words) -> str:
    """Return what an outcome is called and whose answers to its items they are.

    Beside the population stands the subgroup, or the roles that alone were asked.
    """
    roles = words.asked.get((population, outcome), ())
    groups = [f"role={role}" for role in roles] if subgroup == names.ALL else [subgroup]
    who = joined([label("subgroup", group, words) for group in groups], words) if groups else ""
    whose = ", ".join(filter(None, [label("population", population, words), who]))
    return of_group(words.outcome(population, outcome), whose)


def heard(sentences: Iterable[str], words: Words) -> str:
    """Return sentences as one text of at most `LONGEST` letters.

    Parameters
    ----------
    sentences : iterable of str
        What is found, what matters most first; the last one says what kind of figure it is.
    words : Words
        The reader's language.

    Returns
    -------
    str
        As many sentences as there is room for beside the last one, and how many are left out.

    Examples
    --------
    >>> found = [f"Scale {i}: {'very ' * 20}high." for i in range(4)]
    >>> heard([*found, "Bars."], Words("en"))[-43:]
    'very very very very high. And 2 more. Bars.'
    >>> heard(["Joy: up.", "Bars."], Words("en"))
    'Joy: up. Bars.'
    """
    *found, kind = sentences
    kind = _cut(kind, LONGEST)
    room, said = LONGEST - len(kind) - 1, ""
    for i, sentence in enumerate(found):
        left = len(found) - i - 1
        free = room - len(said) - 1 - (_MORE if left else 0)
        if said and len(sentence) > free:
            return f"{said} {words.plural('And {n} more.', 'And {n} more.', left + 1)} {kind}"
        said = f"{said} {_cut(sentence, max(free, 0))}".strip()
    return f"{said} {kind}".strip()


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else textwrap.shorten(text, letters, placeholder="…")


def describe_change(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of changes from their gated rows, the most certain outcomes first."""
    shown = frame[frame["estimate"].notna()]
    told = []
    for pair, rows in shown.groupby(_PAIR, sort=False):
        records = rows.to_dict("records")
        records.sort(key=_stands_for)
        code = certainty(records[0])
        is_groups = rows["estimand"].nunique() == 1 and len(rows) > 2
        said = _ends(records, words) if is_groups else _each(records, words)
        order = _ORDER.index(code) if code in _ORDER else len(_ORDER)
        told.append((order, f"{words.outcome(*pair)}: {said}."))
    yield from (said for _, said in sorted(told, key=lambda each: each[0]))
    if shown["estimand"].nunique() == 1:
        of = in_sentence(label("estimand", shown["estimand"].iloc[0], words))
        yield words.text(
            "Changes in standard deviations ({comparison}), with intervals.", comparison=of
        )
    else:
        yield words.text("Changes in standard deviations, with their intervals.")


def _stands_for(row: dict) -> tuple[bool, int]:
    """Return by what a row stands for its outcome: primary ones first, else in `MAIN`'s order."""
    of = row["estimand"]
    return row["plan_role"] != "primary", MAIN.index(of) if of in MAIN else len(MAIN)


def _each(records: list[dict], words: Words) -> str:
    """Return the estimates of one outcome, each with what it is of; of the first what it means."""
    parts = []
    for row in records:
        inside = words.interval(row["ci_low"], row["ci_high"])
        size = words.number(row["estimate"]) + (f" ({inside})" if inside else "")
        parts.append(f"{in_sentence(row_label(row, words))} {size}")
    code = certainty(records[0])
    parts[0] += f", {label('short', code, words)}" if code in _ORDER else ""
    return "; ".join(parts)


def _ends(records: list[dict], words: Words) -> str:
    """Return the lowest and the highest of many estimates of one outcome."""
    low, high = (by(records, key=lambda row: row["estimate"]) for by in (min, max))
    apart = sum(row["ci_low"] > 0 or row["ci_high"] < 0 for row in records)
    about = {"k": words.count(apart), "n": words.count(len(records))}
    about |= {"low": words.number(low["estimate"]), "high": words.number(high["estimate"])}
    if about["low"] == about["high"]:
        return words.text("{high} in every group; intervals without zero: {k} of {n}", **about)
    return words.text(
        "lowest {low} ({first}), highest {high} ({last}); intervals without zero: {k} of {n}",
        first=told_apart(low, words),
        last=told_apart(high, words),
        **about,
    )


def told_apart(row: dict, words: Words) -> str:
    """Return what tells a row apart from others of the same estimand."""
    parts = [label("contrast", row["contrast"], words), group_label(row, words)]
    return ", ".join(filter(None, parts)) or row_label(row, words)


def describe_summary(
    told: list[tuple[str, str]], comparisons: list[str], words: Words
) -> Iterator[str]:
    """Yield the alt text of all outcomes on one axis, from their names and what is said of each.

    At most `LONGEST` letters: where names would take more, outcomes are counted.
    """
    yield words.plural(
        "Changes of {n} outcome ({comparisons}).",
        "Changes of {n} outcomes ({comparisons}).",
        len(told),
        comparisons=joined([in_sentence(each) for each in comparisons], words),
    )
    by_word: dict[str, list[str]] = {}
    for outcome, word in told:
        by_word.setdefault(word, []).append(outcome)
    named = [f"{word.capitalize()}: {joined(those, words)}." for word, those in by_word.items()]
    counted = [f"{word.capitalize()}: {words.count(len(o))}." for word, o in by_word.items()]
    # the longest list is counted first
    order = sorted(range(len(named)), key=lambda i: -len(named[i]))
    for i in order:
        if sum(map(len, named)) + len(named) < LONGEST - 80:
            break
        named[i] = counted[i]
    yield from named


def describe_levels_in_short(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of means on one axis: how many, the lowest and the highest."""
    shown = frame[frame["change"].notna()]
    yield words.plural("Means of {n} outcome.", "Means of {n} outcomes.", len(shown))
    parts = []
    for row in shown.to_dict("records"):
        scale = words.answers[row["population"], row["outcome"]]
        share = (row["change"] - scale.minimum) / (scale.maximum - scale.minimum)
        ends = f"{words.plain(scale.minimum)}–{words.plain(scale.maximum)}"
        name = words.outcome(row["population"], row["outcome"])
        parts.append((share, f"{name} ({words.number(row['change'])}, {ends})"))
    if len(parts) > 1:
        yield words.text(
            "Lowest on its scale: {low}. Highest: {high}.", low=min(parts)[1], high=max(parts)[1]
        )


def describe_chain(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of schools' correlations along a chain, the strongest first."""
    shown = frame[frame["r_schools"].notna()]
    for row in shown.sort_values("r_schools", key=abs, ascending=False).to_dict("records"):
        yield words.text(
            "{one} and {other}: {r} ({low} to {high}).",
            one=linked_side(row, words),
            other=linked_side(row, words, "other_"),
            r=words.number(row["r_schools"]),
            low=words.number(row["ci_low"]),
            high=words.number(row["ci_high"]),
        )
    yield words.text("Correlations of schools' means with their intervals, step by step.")


def describe_bins(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of groups of schools in the order of their means, from gated rows."""
    pair = [*_CELL, "other_population", "other_outcome", "other_subgroup"]
    for _pair, rows in frame[frame["deviation"].notna()].groupby(pair, sort=False):
        ends = rows.sort_values("bin").iloc[[0, -1]].to_dict("records")
        yield words.text(
            "{one} and {other}: the second is {low} in the lowest group and {high} in the highest.",
            one=linked_side(ends[0], words),
            other=linked_side(ends[0], words, "other_"),
            low=words.number(ends[0]["other_deviation"]),
            high=words.number(ends[1]["other_deviation"]),
        )
    yield words.text("Means of groups of schools, with intervals.")


def describe_levels(frame: pd.DataFrame, by: str, words: Words) -> Iterator[str]:
    """Yield the alt text of means, or shares, from the rows drawn; `by` is what lines are of."""
    shown = frame[frame["change"].notna()]
    is_share = shown["contrast"].eq("share").all()
    form = words.percent if is_share else words.number
    several = shown["wave"].nunique() > 1
    for pair, rows in shown.groupby(_PAIR, sort=False):
        records = rows.to_dict("records")
        low, high = (end(records, key=lambda row: row["change"]) for end in (min, max))
        about = {"outcome": words.outcome(*pair), "high": form(high["change"])}
        if len(records) == 1:
            yield words.text("{outcome}: {high}.", **about)
        elif form(low["change"]) != about["high"]:
            yield words.text(
                "{outcome}: lowest {low} ({first}), highest {high} ({last}).",
                low=form(low["change"]),
                first=of_level(low, by, words, timed=several),
                last=of_level(high, by, words, timed=several),
                **about,
            )
        elif by == names.REGION:
            yield words.text("{outcome}: {high} in every region.", **about)
        else:
            yield words.text("{outcome}: {high} in every group.", **about)
    if is_share:
        yield words.text("Shares above the middle, with their intervals.")
    else:
        yield words.text("Means with their intervals.")


def of_level(row: Row, by: str, words: Words, *, timed: bool) -> str:
    """Return of whom, and of when, a level is: `by` is what lines are of, groups or regions."""
    when = f", {label('wave', row['wave'], words)}" if timed else ""
    year = f"{row['year']}: " if "year" in row else ""
    return f"{year}{languages.named(row, by, words)}{when}"


def describe_planned(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of the smallest changes that designs can show."""
    for values in _at_the_ends(frame, "mdes", words.number, words):
        yield words.text(
            "{population}, {design}: minimum detectable {at_few} SD with {few} schools, {at_many} "
            "with {many}.",
            **values,
        )
    yield words.text("Curves that fall with the number of schools.")


def describe_power(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of how likely changes are found."""
    for values in _at_the_ends(frame, "power", words.percent, words):
        yield words.text(
            "{population}, {design}: with {few} schools the probability is {at_few}, with {many} "
            "schools {at_many}.",
            **values,
        )
    yield words.text("Curves that rise with the number of schools.")


def _at_the_ends(
    frame: pd.DataFrame, column: str, as_text: Callable[[float], str], words: Words
) -> Iterator[dict[str, str]]:
    """Yield for each design the range of a column at the fewest and at the most schools."""
    for (population, design), rows in frame.groupby(["population", "estimand"], sort=False):
        told = {
            "population": label("population", population, words),
            "design": label("estimand", design, words),
        }
        ends = {"few": rows["schools"].min(), "many": rows["schools"].max()}
        told |= {key: words.count(schools) for key, schools in ends.items()}
        for key, schools in ends.items():
            at = rows.loc[rows["schools"] == schools, column]
            span = dict.fromkeys((as_text(at.min()), as_text(at.max())))
            told[f"at_{key}"] = f" {words.text('to')} ".join(span)
        yield told


def describe_course(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of means over the waves from their gated rows."""
    shown = frame[frame["mean"].notna()]
    for (population, outcome, who), rows in shown.groupby([*_PAIR, "who"], sort=False):
        means = [
            f"{words.number(row['mean'])} {label('wave', row['wave'], words)}"
            for row in rows.to_dict("records")
        ]
        yield words.text(
            "{outcome}, {people}: {means}.",
            outcome=words.outcome(population, outcome),
            people=label("who", who, words),
            means=joined(means, words),
        )
    yield words.text("Lines of the means over the waves, with their intervals.")


def describe_distribution(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of distributions from their gated bins."""
    shown = frame[frame["share"].notna()]
    waves = [wave for wave in (names.PRE, names.POST) if wave in {*shown["wave"]}]
    yield from _means(shown, words)
    if len(waves) == 1:
        yield words.text("Histogram of the answers {wave}.", wave=label("wave", waves[0], words))
    else:
        yield words.text("Histograms of the answers before and after.")


def describe_dots(
    frame: pd.DataFrame, words: Words, low: Mapping[tuple, Mapping[str, int]], k: int
) -> Iterator[str]:
    """Yield the alt text of answers as dots from their gated bins.

    `low` is how many of `k` dots are low, by cell and wave.
    """
    told = set()
    for cell, few in low.items():
        of = {wave: words.count(n) for wave, n in few.items()}
        about = {"outcome": named(*cell, words=words), "k": words.count(k)}
        if {*of} == {names.PRE, names.POST}:
            about |= {"before": of[names.PRE], "after": of[names.POST]}
            yield words.text("{outcome}: {before} of {k} low before and {after} after.", **about)
            told.add(tuple(cell))
    yield from _means(frame[frame["share"].notna()], words, but=told)
    yield words.text(
        "The answers as stacks of dots, those after above a line and those before beneath."
    )


def _means(frame: pd.DataFrame, words: Words, but: Collection[tuple] = ()) -> Iterator[str]:
    """Yield the means of each outcome and subgroup, before and after or of one wave alone."""
    for cell, rows in frame.groupby(_CELL, sort=False):
        if cell in but:
            continue
        means = rows[rows["mean"].notna()].drop_duplicates("wave").set_index("wave")["mean"]
        shown = {w: words.number(means[w]) for w in (names.PRE, names.POST) if w in means}
        about = {"outcome": named(*cell, words=words)}
        if {names.PRE, names.POST} <= {*shown}:
            about |= {"before": shown[names.PRE], "after": shown[names.POST]}
            yield words.text("{outcome}: mean {before} before and {after} after.", **about)
            continue
        for wave, mean in shown.items():
            about |= {"mean": mean, "wave": label("wave", wave, words)}
            yield words.text("{outcome}: mean {mean} {wave}.", **about)


def above_the_middle(bins: pd.DataFrame, answers: Answers) -> pd.Series:
    """Return the share of the answers to items above the middle of their scale.

    Parameters
    ----------
    bins : DataFrame
        Gated bins of items: ``item, wave, low, high, n``, their edges half-way between options.
    answers : Answers
        The response scale. An option right in the middle does not count.

    Returns
    -------
    Series
        By item and wave, 0-1; missing where options above the middle are joined with others. It is
        of the numbers of people, not a sum of shares that are rounded each.

    Examples
    --------
    >>> bins = pd.DataFrame({"low": [0.5, 2.5, 3.5, 4.5], "high": [2.5, 3.5, 4.5, 5.5]})
    >>> bins = bins.assign(item="a", wave="pre", n=[6, 0, 6, 6])
    >>> above_the_middle(bins, Answers(1, 5, "", "")).round(2).loc["a", "pre"]
    np.float64(0.67)
    """
    middle = (answers.minimum + answers.maximum) / 2
    # with an even number of options nothing lies in the middle
    half = 0.5 if middle == round(middle) else 0.0
    low, high, n = bins["low"], bins["high"], bins["n"].astype(float)
    above = np.select([low >= middle + half, high > middle + half], [n, np.nan], 0.0)
    sums = bins[["item", "wave"]].assign(above=above, n=n)
    sums = sums.groupby(["item", "wave"], sort=False).sum(skipna=False)
    return sums["above"] / sums["n"]


def describe_likert(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of bars of single items from their gated bins."""
    shown = frame[frame["share"].notna()]
    waves = shown["wave"].unique()
    for cell, bins in shown.groupby(_CELL, sort=False):
        last = bins["wave"].iloc[-1]
        above = above_the_middle(bins, words.answers[cell[:2]]).unstack()[last].dropna()
        every = len(above) == bins.loc[bins["wave"] == last, "item"].nunique()
        about = {"outcome": with_group(*cell, words=words), "wave": label("wave", last, words)}
        if above.empty:
            yield f"{about['outcome']}."
            continue
        about |= {"high": words.percent(above.max()), "most": _item(cell[0], above.idxmax(), words)}
        about["low"] = words.percent(above.min())
        if about["low"] != about["high"]:
            yield words.text(
                "{outcome}, {wave}: most above the middle at {most} ({high}), fewest at {least} "
                "({low}).",
                least=_item(cell[0], above.idxmin(), words),
                **about,
            )
        elif every and len(above) > 1:
            yield words.text("{outcome}, {wave}: {high} above the middle at every item.", **about)
        else:
            yield words.text("{outcome}, {wave}: {high} above the middle at {most}.", **about)
    if len(waves) == 1:
        wave = label("wave", waves[0], words)
        yield words.text("Bars of the answers to single items {wave}.", wave=wave)
    else:
        yield words.text("Bars of the answers to single items before and after.")


def _item(population: str, item: str, words: Words) -> str:
    """Return the beginning of an item's wording, in quotation marks, and whether it is reversed."""
    wording = words.items.get((population, item), item).rstrip(".")
    said = words.text("“{wording}”", wording=_cut(wording, 40))
    turned = (population, item) in words.reversed_items
    return f"{said} {words.text('(reverse-scored)')}" if turned else said


def describe_drawn_together(frame: pd.DataFrame, by: str, words: Words) -> Iterator[str]:
    """Yield the alt text of changes by school or region, drawn towards their mean."""
    shown = frame[frame["shrunk"].notna() & frame["estimate"].notna()]
    of_regions = by == names.REGION
    for pair, rows in shown.groupby(_PAIR, sort=False):
        about = {"outcome": words.outcome(*pair)}
        about["span"] = _lowest_and_highest(rows["shrunk"], words)
        if of_regions:
            yield words.plural(
                "{outcome}: {n} region, {span} standard deviations, shrunk towards the mean of all "
                "regions.",
                "{outcome}: {n} regions, {span} standard deviations, shrunk towards their mean.",
                len(rows),
                **about,
            )
        else:
            yield words.plural(
                "{outcome}: {n} school, {span} standard deviations, shrunk towards the mean of all "
                "schools.",
                "{outcome}: {n} schools, {span} standard deviations, shrunk towards the mean of "
                "all schools.",
                len(rows),
                **about,
            )
    compared = {"comparison": in_sentence(label("estimand", frame["estimand"].iloc[0], words))}
    if of_regions:
        yield words.text("Changes by region ({comparison}), with intervals.", **compared)
    else:
        yield words.text("Changes by school ({comparison}), with intervals.", **compared)


def _lowest_and_highest(values: pd.Series, words: Words) -> str:
    """Return the lowest and the highest of several numbers; one where both look the same."""
    low, high = words.number(values.min()), words.number(values.max())
    return low if low == high else words.text("lowest {low} and highest {high}", low=low, high=high)


def describe_forest(frame: pd.DataFrame, pooled: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of changes by region, and of the regions together, from gated rows."""
    keys = [*_PAIR, "estimand"]
    together = pooled[pooled["estimate"].notna()].drop_duplicates(keys).set_index(keys)
    shown = frame[frame["estimate"].notna()]
    several = shown.drop_duplicates(keys).groupby(_PAIR).size().gt(1).any()
    told = []
    for key, rows in shown.groupby(keys, sort=False):
        named = words.outcome(*key[:2])
        if several:
            named = f"{named}, {in_sentence(label('estimand', key[2], words))}"
        about = {"outcome": named, "span": _lowest_and_highest(rows["estimate"], words)}
        if key not in together.index:
            told.append((2, words.text("{outcome}: {span} in the regions.", **about)))
            continue
        row = together.loc[key]
        numbers = {
            "estimate": words.number(row["estimate"]),
            "interval": words.interval(row["ci_low"], row["ci_high"]) or words.text("no interval"),
        }
        said = words.text(
            "{outcome}: together {estimate} ({interval}), regions {span}.",
            **about,
            **numbers,
        )
        told.append((0 if row["ci_low"] > 0 or row["ci_high"] < 0 else 1, said))
    yield from (said for _, said in sorted(told, key=lambda each: each[0]))
    if shown["estimand"].nunique() == 1:
        of = in_sentence(label("estimand", shown["estimand"].iloc[0], words))
        yield words.text(
            "Changes by region in standard deviations ({comparison}), with intervals.",
            comparison=of,
        )
    else:
        yield words.text("Changes by region in standard deviations, with their intervals.")


def steps(row: dict, words: Words) -> list[tuple[str, float]]:
    """Return the steps from invited to found again that have a number, with their numbers."""
    numbers = {step: row.get(step, math.nan) for step in schema.STEPS}
    return [(label("step", step, words), n) for step, n in numbers.items() if not pd.isna(n)]


def schools_by_step(row: dict, words: Words) -> list[str]:
    """Return how many schools are left at each of `steps`; empty texts where nobody counted."""
    left = zip(schema.STEPS, schema.SCHOOLS_BY_STEP, strict=True)
    numbers = [row.get(column, math.nan) for step, column in left if not pd.isna(row.get(step))]
    return ["" if pd.isna(n) else words.plural("{n} school", "{n} schools", n) for n in numbers]


def analysed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many people and schools each comparison rests on, over its outcomes.

    Parameters
    ----------
    frame : DataFrame
        Gated effects.

    Returns
    -------
    DataFrame
        ``population, estimand, wave`` (of people who answered both times two rows of the same
        people); ``n_low, n_high`` people and ``schools_low, schools_high`` of the outcomes with
        the fewest and the most; missing where every outcome's is hidden.
    """
    rows, keys = [], [names.POPULATION, names.ESTIMAND]
    numbers = ["n_pre", "n_post", "n_pairs", "n_schools", "n_clusters"]
    plain = pd.DataFrame(frame).astype(dict.fromkeys(numbers, float))
    of_schools = plain["n_clusters"].where(plain["cluster"].eq("school"))
    plain = plain.assign(schools=plain["n_schools"].fillna(of_schools))
    for key, of in plain.groupby(keys, sort=False):
        for wave, column in ((names.PRE, "n_pre"), (names.POST, "n_post")):
            n = of["n_pairs"].fillna(of[column])
            told, schools = n.notna(), of.loc[n.notna(), "schools"]
            ends = (n.min(), n.max(), schools.min(), schools.max())
            if told.any() or not of[column].isna().all():
                rows.append((*key, wave, *ends))
    columns = [*keys, names.WAVE, "n_low", "n_high", "schools_low", "schools_high"]
    return pd.DataFrame(rows, columns=columns)


def describe_flow(
    frame: pd.DataFrame, words: Words, used: pd.DataFrame | None = None
) -> Iterator[str]:
    """Yield the alt text of a flow of people from its gated counts, and what `analysed` says."""
    for row in frame.to_dict("records"):
        # the steps that the text counts too
        named = {label("step", each, words) for each in ("n_invited", "n_answered", "n_linked")}
        told = [each for each in steps(row, words) if each[0] in named]
        counts = [f"{step.lower()} {words.count(n)}" for step, n in told]
        for each in [] if used is None else of_row(used, row)[:1]:
            counts.append(f"{in_sentence(label('estimand', each['estimand'], words))} "
                          f"{words.count(each['n_high'])}")  # fmt: skip
        if counts:
            yield f"{place(row['population'], row['wave'], words=words)}: {', '.join(counts)}."
    yield words.text("Bars from those who were invited to those who were found both times.")


def people(row: Row, words: Words, between: str = "/") -> str:
    """Return how many people a row rests on: both numbers where they are not the same people."""
    if not pd.isna(row.get("n_pairs")):
        return words.count(row["n_pairs"])
    both = [row.get("n_pre", math.nan), row.get("n_post", math.nan)]
    return "" if any(map(pd.isna, both)) else between.join(map(words.count, both))


def of_row(used: pd.DataFrame, row: dict) -> list[dict]:
    """Return what `analysed` says of a population and wave, as far as it may be told."""
    here = used[names.POPULATION].eq(row["population"]) & used[names.WAVE].eq(row["wave"])
    return used[here & used["n_high"].notna()].to_dict("records")


def place(population: str, wave: str, *, words: Words) -> str:
    """Return whose answers of which time they are."""
    return ", ".join([label("population", population, words), label("wave", wave, words)])


def answers_in_the_end(rows: pd.DataFrame, words: Words) -> str:
    """Return how many answers came in the end, and out of how many, if that is known."""
    if rows.empty:
        return words.text("hidden for confidentiality")
    last = rows.sort_values("day").iloc[-1]
    if pd.isna(last["n_invited"]):
        return words.plural("{n} answer", "{n} answers", last["n_final"])
    return words.plural(
        "{n} answer used, {percent} of the invited",
        "{n} answers used, {percent} of the invited",
        last["n_final"],
        percent=words.percent(last["n_final"] / last["n_invited"]),
    )


def describe_arrivals(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of how answers came in, from their gated counts."""
    shown = frame[frame["n"].notna()]
    for whose, rows in shown.groupby(["population", "wave"], sort=False):
        said = answers_in_the_end(rows, words)
        yield words.text("{place}: {answers}.", place=place(*whose, words=words), answers=said)
    yield words.text("How the answers came in day by day.")


def describe_attendance(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield the alt text of attendance from its gated bins."""
    for (population, column), rows in frame.groupby(["population", "column"], sort=False):
        if len(rows) == 1:  # is no bar
            continue
        first, told = rows.iloc[0], []
        whose = f"{label('population', population, words)}, {label('register', column, words)}"
        if not pd.isna(first["mean"]):
            mean, most = words.number(first["mean"], 1), words.count(first["most"])
            told.append(words.text("mean {mean} of {most}", mean=mean, most=most))
        bins = rows.sort_values("low").to_dict("records")
        shares = [f"{words.counts(*times(row))}: {words.percent(row['share'])}" for row in bins]
        told.append(", ".join(shares))
        yield f"{whose}: {'; '.join(told)}."
    yield words.text("Bars of how often people attended.")


def times(row: Mapping[str, float]) -> tuple[int, int]:
    """Return the fewest and the most times of a bin of attendance."""
    return round(row["low"] + 0.5), round(row["high"] - 0.5)
