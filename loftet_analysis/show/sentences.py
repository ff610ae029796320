"""Sentences from gated rows of results, and the alt texts of figures; they claim no cause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from loftet_analysis.analysis.changes import BASELINE_ADJUST, BASELINE_APART
from loftet_analysis.analysis.measurement import DOUBT, light
from loftet_analysis.show.languages import (
    Words,
    estimand_label,
    joined,
    percent_of,
    population_label,
    reason_label,
    subgroup_label,
    warning_label,
)


def confidence(row: Mapping[str, object], words: Words) -> str:
    """Return ``95% CI −0.16 to −0.03`` from a row of results, and say if zero is inside.

    Examples
    --------
    >>> confidence({"ci_level": 0.95, "ci_low": -0.16, "ci_high": 0.01}, Words("nb"))
    '95\N{NO-BREAK SPACE}% KI −0,16 til 0,01, null er innenfor'
    """
    low, high = row["ci_low"], row["ci_high"]
    said = _at_its_level(row, words.interval(low, high), words)
    return words.text("{interval}, zero inside", interval=said) if low < 0 < high else said


def _at_its_level(row: Mapping[str, object], interval: str, words: Words) -> str:
    return words.text(
        "{level} CI {interval}", level=words.percent(row["ci_level"]), interval=interval
    )


def reading(row: Mapping[str, object], words: Words, *, alone: bool = True) -> str:
    """Return a plain reading of one gated row of effects.

    It says which estimand the number is, gives its interval, says what can be concluded and what
    this many schools cannot show, and claims no cause.

    Parameters
    ----------
    row : mapping
        A row of ``effects`` that passed the gate.
    words : Words
        The reader's language.
    alone : bool, default True
        Whether to end with what is the same for all rows of an outcome: `background`.

    Returns
    -------
    str
        Sentences without the outcome's name, and with the group's where it is not everybody;
        what was hidden or refused is said instead of a number.

    Examples
    --------
    >>> row = {"estimand": "participants", "contrast": "post - pre", "subgroup": "all",
    ...        "population": "teachers", "suppressed": False, "reason": "", "flags": "",
    ...        "estimate": 0.45, "ci_low": 0.1, "ci_high": 0.8, "ci_level": 0.95,
    ...        "verdict": "increase", "cluster": "school"}
    >>> print(reading(row, Words("en"), alone=False))
    The participants' answers changed on average by +0.45 standard deviations (95% CI 0.10 to 0.80).
    The interval lies above zero: an increase.
    """
    _ = words.text
    label = estimand_label(row["estimand"], words, row["contrast"])
    # an estimand of one role names it
    by_role = row["subgroup"].startswith("role=")
    group = "" if by_role else subgroup_label(row["subgroup"], words)
    named = f"{label}, {group}" if group else label
    if row["suppressed"]:
        return _("{estimand}: hidden, since it would tell of few people.", estimand=named)
    if row["reason"]:
        why = reason_label(row["reason"], words)
        return _("{estimand}: not computed, since {why}.", estimand=named, why=why)
    said = _SENTENCES.get(row["estimand"], _standardised)(row, words)
    said = f"{group[0].upper()}{group[1:]}: {said}" if group else said
    parts = [said, conclusion(row, words), *_cautions(row, words)]
    return " ".join(filter(None, [*parts, background(row, words) if alone else ""]))


_CONTRASTS = frozenset(
    {"participants_vs_colleagues", "programme_vs_comparison", "gap_change", "dose"}
)


def conclusion(row: Mapping[str, object], words: Words) -> str:
    """Return what a row's verdict lets one conclude; nothing for what is no change."""
    _ = words.text
    verdict, drift = row.get("verdict") or "", row.get("drift")
    if verdict not in ("increase", "decrease", "negligible", "unclear"):
        return ""
    expected = drift is not None and not pd.isna(drift)
    start = ""
    if expected:
        start = _(
            "Without the programme {drift} was expected; measured from there it is {apart} "
            "({interval}).",
            drift=words.number(drift, signed=True),
            apart=words.number(row["estimate_vs_drift"], signed=True),
            interval=words.interval(row["ci_low"] - drift, row["ci_high"] - drift),
        )
    if row["estimand"] == "dose":
        return _of_slope(row, words)
    said = (
        _unclear(row, words, expected=expected)
        if verdict == "unclear"
        else _settled(row, verdict, words, expected=expected)
    )
    return f"{start} {said}".strip()


def _of_slope(row: Mapping[str, object], words: Words) -> str:
    """Return whether a difference by attendance is seen; no smallest change was named for it."""
    _ = words.text
    if row["ci_low"] > 0:
        return _("The interval lies above zero: a difference.")
    if row["ci_high"] < 0:
        return _("The interval lies below zero: a difference.")
    return _("No difference is shown.")


def _settled(row: Mapping[str, object], verdict: str, words: Words, *, expected: bool) -> str:
    _ = words.text
    if verdict == "negligible":
        said = _(
            "That is less than ±{sesoi} standard deviations, the smallest change of interest.",
            sesoi=words.number(row["sesoi"]),
        )
        if "direction=" not in (row.get("flags") or ""):
            return said
        differs = (
            _("Small as it is, it differs from what was expected.")
            if expected
            else _("Small as it is, the interval excludes zero.")
        )
        return f"{said} {differs}"
    if expected:
        return {
            "increase": _("That is more than was expected."),
            "decrease": _("That is less than was expected."),
        }[verdict]
    if row["estimand"] == "spread_ratio":
        return {
            "increase": _("The interval lies above 1: the spread has grown."),
            "decrease": _("The interval lies below 1: the spread has shrunk."),
        }[verdict]
    if row["estimand"] in _CONTRASTS:
        return {
            "increase": _("The interval lies above zero: a difference."),
            "decrease": _("The interval lies below zero: a difference."),
        }[verdict]
    return {
        "increase": _("The interval lies above zero: an increase."),
        "decrease": _("The interval lies below zero: a decrease."),
    }[verdict]


def _unclear(row: Mapping[str, object], words: Words, *, expected: bool) -> str:
    """Return why nothing can be concluded: several tests, too few schools, or neither."""
    _ = words.text
    standardised = not pd.isna(row.get("estimate"))
    ends = ("ci_low", "ci_high") if standardised else ("change_ci_low", "change_ci_high")
    low, high = (row.get(end) for end in ends)
    p = row.get("p_adjusted")
    start = row["drift"] if expected else 0
    if (low > start or high < start) and p is not None and not pd.isna(p):
        if expected:
            return _(
                "The interval excludes what was expected, but with all tests of its family taken "
                "together (p = {p}) chance cannot be ruled out.",
                p=words.p_value(p),
            )
        return _(
            "The interval excludes zero, but with all tests of its family taken together (p = {p}) "
            "chance cannot be ruled out.",
            p=words.p_value(p),
        )
    mdes, n = row.get("mdes"), row.get("n_clusters")
    if mdes is None or pd.isna(mdes) or pd.isna(n) or mdes <= row["sesoi"]:
        return _("Neither an increase nor a decrease is shown.")
    size = words.number(mdes)
    if row.get("cluster") == "feeder_group":
        return words.plural(
            "{n} group of schools is too few to see a change under {size} standard deviations.",
            "{n} groups of schools are too few to see a change under {size} standard deviations.",
            n,
            size=size,
        )
    return words.plural(
        "{n} school is too few to see a change under {size} standard deviations.",
        "{n} schools are too few to see a change under {size} standard deviations.",
        n,
        size=size,
    )


def _cautions(row: Mapping[str, object], words: Words) -> list[str]:
    """Return what a reader of this row must know, from its flags."""
    _ = words.text
    flags = dict(flag.partition("=")[::2] for flag in (row.get("flags") or "").split(";") if flag)
    said = {
        "baseline_apart": _(
            "Before, the groups were more than {limit} standard deviations apart.",
            limit=words.number(BASELINE_APART),
        ),
        "baseline_adjust": _(
            "Before, the groups were between {low} and {high} standard deviations apart.",
            low=words.number(BASELINE_ADJUST),
            high=words.number(BASELINE_APART),
        ),
        "programme_months": _(
            "The pupils of this grade can have met the programme for {months} months.",
            months=flags.get("programme_months", ""),
        ),
        "range": _range(flags.get("range", ""), words),
    }
    found = [text for flag, text in said.items() if flag in flags]
    if row["estimand"] == "lowest_fifth":
        found.append(
            _("Pupils change places over the years, so this can rise without any programme.")
        )
    few = {"low_df", "few_clusters"} & set(flags)
    if few and not pd.isna(row.get("n_clusters")) and row.get("verdict") != "unclear":
        found.append(_("The interval itself is uncertain, since it rests on so few schools."))
    return found


def _range(told: str, words: Words) -> str:
    """Return between which numbers of times the middle four fifths lie."""
    ends = [float(end) for end in told.split("-") if end]
    if len(ends) != 2:
        return ""
    low, high = (words.number(end, 0 if end.is_integer() else 1) for end in ends)
    return words.text("Four out of five lie between {low} and {high} times.", low=low, high=high)


def background(row: Mapping[str, object], words: Words) -> str:
    """Return what an outcome's rows have in common: the kind of evidence, and how it is measured.

    Parameters
    ----------
    row : mapping
        A gated row of effects; `evidence` and `measurement_warning` are read.
    words : Words
        The reader's language.
    """
    return " ".join(filter(None, [evidence(row, words), measured(row, words)]))


def evidence(row: Mapping[str, object], words: Words) -> str:
    """Return what kind of evidence a row is; contrasts say so in their own sentences."""
    if row["estimand"] == "dose" and not row["suppressed"]:
        return words.text(
            "Those who take part often may differ in other ways too: this measures no effect."
        )
    if not (row.get("evidence") or "").startswith("descriptive") or row["suppressed"]:
        return ""
    if row["estimand"] in _CONTRASTS:
        return ""
    return words.text("It describes one group; there is no other group to compare it with.")


def measured(row: Mapping[str, object], words: Words) -> str:
    """Return what weakens the scale behind a row; nothing where nothing does."""
    codes = [code for code in (row.get("measurement_warning") or "").split(";") if code]
    if not codes:
        return ""
    _ = words.text
    reasons = joined([warning_label(code, words) for code in codes], words)
    if light(";".join(codes)) == DOUBT:
        return _("Measurement in doubt: {reasons}.", reasons=reasons)
    return _("Read with care: {reasons}.", reasons=reasons)


def _in_units(row: Mapping[str, object], words: Words) -> dict[str, str]:
    return {
        "estimate": words.number(row["estimate"], signed=True),
        "interval": confidence(row, words),
    }


def _standardised(row: Mapping[str, object], words: Words) -> str:
    """Return the sentence of an estimand that has one row, in standard deviations."""
    _ = words.text
    found = _in_units(row, words)
    sentences = {
        "linked_change": _(
            "The answers of the same people changed on average by {estimate} standard deviations "
            "({interval}).",
            **found,
        ),
        "same_grade": _(
            "Between the pupils of the same grades before and after, who are not the same people, "
            "the difference is {estimate} standard deviations ({interval}).",
            **found,
        ),
        "school_change": _(
            "In the typical school, where every school counts once, the change is {estimate} "
            "standard deviations ({interval}).",
            **found,
        ),
        "cohort_change": _(
            "In the same cohorts, whose pupils have also grown older and are not followed one by "
            "one, the mean changed by {estimate} standard deviations ({interval}).",
            **found,
        ),
        "participants": _(
            "The participants' answers changed on average by {estimate} standard deviations "
            "({interval}).",
            **found,
        ),
        "colleagues": _(
            "The colleagues' answers changed on average by {estimate} standard deviations "
            "({interval}).",
            **found,
        ),
        "participants_vs_colleagues": _(
            "The participants' change minus the colleagues' change is {estimate} standard "
            "deviations ({interval}); the colleagues are meant to be reached too, so this measures "
            "no effect.",
            **found,
        ),
        "programme_vs_comparison": _(
            "The change at the programme's schools minus the change at the comparison schools is "
            "{estimate} standard deviations ({interval}); the schools were not drawn by lot and "
            "may differ in other ways too.",
            **found,
        ),
        "lowest_fifth": _(
            "The change of those in the lowest fifth before, minus what everybody's change and "
            "regression to the mean let one expect, is {estimate} standard deviations "
            "({interval}).",
            **found,
        ),
        ("linked_change", "pupils"): _(
            "The answers of the same pupils, who have also grown older, changed on average by "
            "{estimate} standard deviations ({interval}).",
            **found,
        ),
    }
    estimand = row["estimand"]
    said = sentences.get((estimand, row["population"]), sentences[estimand])
    if "adjusted_for_pre" in (row["flags"] or "").split(";"):
        return f"{said} {_('It is adjusted for the answers before.')}"
    return said


def _of_level(row: Mapping[str, object], words: Words) -> str:
    """Return the sentence of a mean, or of a share of 0–1."""
    _ = words.text
    low, high = row["change_ci_low"], row["change_ci_high"]
    if row["contrast"] == "share agreeing":
        low, high = max(low, 0.0), min(high, 1.0)  # t does not know where shares end
        interval = f"{words.percent(low)} {_('to')} {words.percent(high)}"
        return _(
            "Of those who answered, {share} are above the middle of the scale ({interval}).",
            share=words.percent(row["change"]),
            interval=_at_its_level(row, interval, words),
        )
    ends = words.answers[row["population"], row["outcome"]]
    low, high = max(low, ends.minimum), min(high, ends.maximum)
    return _(
        "The mean answer is {mean} ({interval}), where {minimum} is “{low}” and {maximum} is "
        "“{high}”.",
        mean=words.number(row["change"]),
        interval=_at_its_level(row, words.interval(low, high), words),
        minimum=words.count(ends.minimum),
        low=ends.low,
        maximum=words.count(ends.maximum),
        high=ends.high,
    )


def _of_dose(row: Mapping[str, object], words: Words) -> str:
    _ = words.text
    found = _in_units(row, words)
    return {
        "per gathering": _(
            "For one gathering more, the difference in change is {estimate} standard deviations "
            "({interval}).",
            **found,
        ),
        "per interim work": _(
            "For one interim task more, the difference in change is {estimate} standard "
            "deviations ({interval}).",
            **found,
        ),
        "gathering: 90th - 10th percentile": _(
            "The change of those with many gatherings (90th percentile) minus the change of those "
            "with few (10th percentile) is {estimate} standard deviations ({interval}).",
            **found,
        ),
        "interim work: 90th - 10th percentile": _(
            "The change of those with many interim tasks (90th percentile) minus the change of "
            "those with few (10th percentile) is {estimate} standard deviations ({interval}).",
            **found,
        ),
    }[row["contrast"]]


def _of_percentile(row: Mapping[str, object], words: Words) -> str:
    return words.text(
        "In the same grades, the value that {percent} of the pupils are below changed by "
        "{estimate} standard deviations ({interval}).",
        percent=words.percent(percent_of(row["contrast"]) / 100),
        **_in_units(row, words),
    )


def _of_share(row: Mapping[str, object], words: Words) -> str:
    """Return the sentence of a change of a share, in percentage points."""
    low, high = 100 * row["change_ci_low"], 100 * row["change_ci_high"]
    interval = _at_its_level(row, words.interval(low, high, 1), words)
    if low < 0 < high:
        interval = words.text("{interval}, zero inside", interval=interval)
    return words.text(
        "In the same grades, the share of pupils below what was the limit of the lowest fifth "
        "before changed by {points} percentage points ({interval}).",
        points=words.number(100 * row["change"], 1, signed=True),
        interval=interval,
    )


def _of_gap(row: Mapping[str, object], words: Words) -> str:
    one, other = (subgroup_label(group, words) for group in row["contrast"].split(" - "))
    return words.text(
        "In the same grades, the change for {one} minus the change for {other} is {estimate} "
        "standard deviations ({interval}).",
        one=one,
        other=other,
        **_in_units(row, words),
    )


def _of_spread(row: Mapping[str, object], words: Words) -> str:
    """Return the sentence of a log ratio: how many times, and how many per cent."""
    _ = words.text
    ratio, low, high = (math.exp(row[key]) for key in ("change", "change_ci_low", "change_ci_high"))
    interval = _at_its_level(row, words.interval(low, high), words)
    if low < 1 < high:
        interval = _("{interval}, 1 inside", interval=interval)
    apart = round(ratio, 2) - 1  # of the ratio that is shown
    percent = words.percent(abs(apart))
    size = _("equally large")
    if apart:
        size = (
            _("{percent} larger", percent=percent)
            if apart > 0
            else _("{percent} smaller", percent=percent)
        )
    found = {"ratio": words.number(ratio), "interval": interval, "size": size}
    return {
        "between schools": _(
            "The spread between the schools is {ratio} times as large after as before "
            "({interval}), that is {size}.",
            **found,
        ),
        "within schools": _(
            "The spread between the pupils within the schools is {ratio} times as large after as "
            "before ({interval}), that is {size}.",
            **found,
        ),
    }[row["contrast"]]


# all others stand in one row, in standard deviations
_SENTENCES = {
    "level": _of_level,
    "dose": _of_dose,
    "same_grade_quantile": _of_percentile,
    "share_below": _of_share,
    "gap_change": _of_gap,
    "spread_ratio": _of_spread,
}


@dataclass(frozen=True)
class Reading:
    """What is said of one outcome: its name, a sentence or more per row, and what they share."""

    outcome: str
    light: str
    rows: tuple[str, ...]
    evidence: str
    measured: str


def readings(frame: pd.DataFrame, *, words: Words) -> list[Reading]:
    """Return the plain readings of gated effects, outcome by outcome.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects.
    words : Words
        The reader's language.
    """
    found = []
    pairs = frame[["population", "outcome"]].drop_duplicates().itertuples(index=False)
    labels = [words.outcome(*pair) for pair in pairs]
    for pair, rows in frame.groupby(["population", "outcome"], sort=False):
        label = words.outcome(*pair)
        if labels.count(label) > 1:
            label = f"{population_label(pair[0], words)}: {label}"
        records = rows.to_dict("records")
        shown = [row for row in records if not row["suppressed"]]
        kinds = dict.fromkeys(evidence(row, words) for row in shown if not row["reason"])
        weaknesses = dict.fromkeys(measured(row, words) for row in shown)
        found.append(
            Reading(
                label,
                light(shown[0].get("measurement_warning") or "") if shown else "",
                tuple(reading(row, words, alone=False) for row in records),
                " ".join(filter(None, kinds)),
                " ".join(filter(None, weaknesses)),
            )
        )
    return found
