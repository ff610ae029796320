"""Sentences from gated rows of effects: what a number is and what it lets one conclude, no cause.

The texts stand in `labels`; here they are chosen and filled.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import pingouin
from scipy import stats

from loftet_analysis import schema
from loftet_analysis.analysis.measurement import CARE, DOUBT, GOOD, light
from loftet_analysis.analysis.response import FOR_A_SHARE, share_of
from loftet_analysis.analysis.synthesis import ABOVE, BELOW, INSIDE
from loftet_analysis.estimands import (
    ESTIMANDS,
    MIDWAY,
    ROLE_OF,
    SAME_YEAR,
    SPLINE,
    contrast_of_waves,
    names_where,
    waves_of,
)
from loftet_analysis.names import (
    ALL,
    COHORT,
    FEW_CLUSTERS,
    MID,
    NATIONAL,
    ONE_DOMINATES,
    PRE,
    WHOLE_STUDY,
)
from loftet_analysis.schema import Row
from loftet_analysis.show.labels import CERTAINTY_SIGNS, LABELS, LIGHT_SHAPES
from loftet_analysis.show.languages import (
    Words,
    alphabet,
    beside_zero,
    group_label,
    joined,
    label,
    linked_side,
    named,
    outcome_labels,
    quoted,
    row_label,
    too_few_regions,
)
from loftet_analysis.show.shown import Drawn, bullets, view
from loftet_analysis.stats.missing import BASELINE_ADJUST, BASELINE_APART
from loftet_analysis.stats.result import less_known
from loftet_analysis.study.schools import COMPARISON

__all__ = [
    "agreement",
    "answer",
    "cohorts",
    "hangs_on",
    "heading",
    "how_many",
    "links",
    "quality",
    "standing",
    "summary",
    "who_answered",
]

#: A step of a chain of schools' means.
STEP = ["population", "subgroup", "other_population", "other_subgroup"]
#: From here on a correlation is medium (Cohen 1988).
WEAK = 0.30
#: From so many on it is said how many would look so by chance.
MANY_PAIRS = 10
# their sentences say what is compared with what, and their verdicts are about a difference
_CONTRASTS = names_where(is_difference=True)
# so many regions and changes are named, of more it is told how many they are
_NAMED, _LISTED = 5, 12
_SMALL = ("small increase", "small decrease")
#: What is concluded with certainty.
CERTAIN = ("increase", "decrease", *_SMALL)
#: The analysis that treats the people of a school as independent.
NAIVE = "naive"
# what `dose` is by: its slope, and those of many against those of few
_ATTENDANCE = {
    "attendance": ("per gathering", f"gathering: {SPLINE}"),
    "interim work": ("per interim work", f"interim work: {SPLINE}"),
}


@view(nothing="The study has no people who can be followed and no grades to compare.")
def how_many(frame: pd.DataFrame, *, words: Words, here: pd.DataFrame | None = None) -> str:
    """Return how many schools are enough, design by design, in the reader's language.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `planned` with an effect, each with as many schools as are needed.
    words : Words
        The reader's language.
    here : DataFrame, optional
        The same designs with the schools that the study has.

    Returns
    -------
    str
        A paragraph per design, and one per population on what the schools of `here` could show.

    Examples
    --------
    >>> row = {"population": "pupils", "estimand": "linked_change", "schools": 40, "people": 60.0,
    ...        "attrition": 0.3, "participants": 0.5, "effect": 0.1}
    >>> print(how_many(pd.DataFrame([row]), words=Words("en")))
    If the same pupils are followed from before to after, 40 schools are enough to see a change of
    0.10 standard deviations. Each is taken to have 60 pupils who answer before, 70% of whom are
    found again.
    """
    told = []
    for row in frame.to_dict("records"):
        kind = f"{row['estimand']} {row['population']}"
        kind = kind if kind in LABELS["how_many"] else row["estimand"]
        values = {
            "schools": words.count(row["schools"]),
            "effect": words.number(row["effect"]),
            "people": words.count(row["people"]),
            "found": words.percent(1 - row["attrition"]),
            "share": words.percent(row["participants"]),
        }
        told.append(label("how_many", kind, words, **values))
    if here is not None:
        told += [_with_these(rows, words) for _, rows in here.groupby("population", sort=False)]
    return "\n\n".join(told)


def _with_these(rows: pd.DataFrame, words: Words) -> str:
    """Return what the schools that a study has could show of one population."""
    sizes = [
        f"{words.number(row['mdes'])} ({label('estimand', row['estimand'], words)})"
        for row in rows.to_dict("records")
    ]
    return words.text(
        "{population}: with {schools} schools a change is detected four times out of five "
        "from this size on, in standard deviations: {sizes}.",
        population=label("population", rows["population"].iloc[0], words),
        schools=words.count(rows["schools"].iloc[0]),
        sizes=", ".join(sizes),
    )


def answer(frame: pd.DataFrame, *, words: Words, pooled: pd.DataFrame | None = None) -> Drawn:
    """Return what effects say, outcome by outcome: a list of `reading`, in the reader's language.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects.
    words : Words
        The reader's language.
    pooled : DataFrame, optional
        The same changes pooled over the regions: where a single region decides, it is said.

    Returns
    -------
    Drawn
        An item per outcome: its name, the light of its scale, a reading per row, and the
        background of the rows; what is primary stands first. What is the same for all outcomes,
        or leaves open what changed, stands once, at the end; but of an outcome whose first row
        leaves it open that stands first.

    Examples
    --------
    >>> words = Words("en", outcomes={("teachers", "joy"): "Joy"})
    >>> row = {"population": "teachers", "outcome": "joy", "estimand": "participants",
    ...        "contrast": "post - pre", "subgroup": "all", "estimate": 0.45, "ci_low": 0.1,
    ...        "ci_high": 0.8, "ci_level": 0.95, "verdict": "increase", "cluster": "school",
    ...        "evidence": "descriptive", "measurement_warning": "", "flags": "",
    ...        "suppressed": False, "reason": ""}
    >>> print(answer(pd.DataFrame([row]), words=words).text)
    Joy
    - The participants' answers went up by 0.45 standard deviations on average
    (95% CI 0.10 to 0.80). The interval lies above zero: an increase.
    This is without a control group.
    """
    items, lines, outcomes, apart = [], [], [], []
    pairs = frame[["population", "outcome"]].itertuples(index=False, name=None)
    names = outcome_labels(pairs, words)
    # what all rows have in common need not be said of each
    several = "wave" in frame and frame.loc[frame["wave"] != "", "wave"].nunique() > 1
    open_rows: dict[str, dict[str, dict[tuple[str, str], list]]] = {}
    for pair, rows in frame.groupby(["population", "outcome"], sort=False):
        records = sorted(rows.to_dict("records"), key=lambda row: row.get("plan_role") != "primary")
        why_open = [_why_open(row, words) for row in records]
        apart += [in_sentence(names[pair])] if _tell_apart(records) else []
        by_why: dict[str, list] = {why: [] for why in why_open}
        for row, why in zip(records, why_open, strict=True):
            by_why[why].append(row)
        told = [
            row | {"less_certain": less_certain(row, pooled, words)} for row in by_why.pop("", [])
        ]
        headline = ""
        if told and why_open[0] and _is_any_computed(records[:1]):
            alike = by_why.pop(why_open[0])
            outcome = f"{quoted(in_sentence(names[pair]), words)} ({_which(alike, words)})"
            headline = _sentences([why_open[0].format(outcomes=outcome), *_too_few(alike, words)])
        for why, alike in by_why.items():
            which = _which(alike, words) if len(alike) < len(records) else ""
            open_rows.setdefault(why, {}).setdefault(which, {})[pair] = alike
        if not told and not (len(names) == 1 and _is_any_computed(records)):
            continue
        kinds = _sentences(dict.fromkeys(evidence(row, words) for row in told if is_computed(row)))
        weak = _sentences(dict.fromkeys(_why_weak(row, words) for row in told or records[:1]))
        conclusions = {conclusion(row, words) for row in told}
        in_common = conclusions.pop() if len(told) > 1 and len(conclusions) == 1 else ""
        concluded = "" if in_common else None
        readings = [headline] if headline else []
        for row in told:
            said = reading(row, words, timed=several, concluded=concluded)
            if where := row["less_certain"]:
                doubt = words.text(
                    "It is less certain than it looks: the interval of the mean over the regions "
                    "{where}.",
                    where=where,
                )
                said = f"{said} {doubt}"
            readings.append(said)
        readings += [in_common] if in_common else []
        warning = records[0].get("measurement_warning") or ""
        outcomes.append((names[pair], warning, told, readings, kinds, weak))
    seen = {kinds for _, _, of, _, kinds, _ in outcomes if of}
    shared = seen.pop() if len(seen) == 1 else ""
    for name, warning, _told, readings, kinds, weak in outcomes:
        code = light(warning)
        rest = _sentences(["" if kinds == shared else kinds, weak])
        inner = "".join(f"<li>{html.escape(each)}</li>" for each in readings)
        inner = f"<ul>{inner}</ul>" if inner else ""
        inner += f'<p class="background">{html.escape(rest)}</p>' if rest else ""
        items.append(f"<li><strong>{html.escape(name)}</strong> {_chip(code, words)}{inner}</li>")
        of_light = f" ({label('light', code, words)})" if code != GOOD else ""
        lines += [f"{name}{of_light}", *(f"- {each}" for each in readings), rest]
    last = []
    for why, by_which in open_rows.items():
        several = len(by_which) > 1
        what = "; ".join(
            f"{joined([in_sentence(names[pair]) for pair in of], words)}"
            f"{f' ({told})' if told else ''}"
            for which, of in by_which.items()
            for told in [which or (several and _which(next(iter(of.values())), words))]
        )
        rows = [row for of in by_which.values() for alike in of.values() for row in alike]
        last.append(_sentences([why.format(outcomes=what), *_too_few(rows, words)]))
    if apart:
        differ = joined(apart, words)
        if all(_in_same_year(row, words) for row in frame.to_dict("records")):
            said = words.text(
                "The comparisons differ for {outcomes}: one follows the pupils who could be "
                "linked, the other compares all who answered in the same grades.",
                outcomes=differ,
            )
        else:
            said = words.text(
                "The comparisons differ for {outcomes}: one follows the same pupils, who have also "
                "grown older, the other compares different pupils of the same grades.",
                outcomes=differ,
            )
        last.append(said)
    items += [f"<li>{html.escape(said)}</li>" for said in last]
    told_rows = [row for _, _, of, *_ in outcomes for row in of]
    shared = _sentences([shared, _not_certain(told_rows, words)])
    if shared:
        items.append(f'<li class="background">{html.escape(shared)}</li>')
    text = "\n".join(filter(None, [*lines, *last, shared]))
    return Drawn(f'<ul class="reading">{"".join(items)}</ul>', text)


def _is_any_computed(rows: Sequence[Row]) -> bool:
    """Whether a row has a number: then the only outcome of a list is named with its light."""
    return any(not row["suppressed"] and is_computed(row) for row in rows)


def _tell_apart(rows: Sequence[Row]) -> bool:
    """Whether the same pupils changed otherwise than the same grades did."""
    found: dict[str, set[str]] = {}
    for row in rows:
        of_pupils = row["population"] == "pupils" and row["subgroup"] == ALL
        is_told = not row["suppressed"] and is_computed(row)
        if of_pupils and is_told and row["estimand"] in ("linked_change", "same_grade"):
            code = certainty(row).removeprefix("may ")
            code = "negligible" if code in _SMALL else code
            # what cannot be told does not differ from what can
            if code in ("increase", "decrease", "negligible"):
                found.setdefault(row["contrast"], set()).add(code)
    return any(len(codes) > 1 for codes in found.values())


def _chip(code: str, words: Words) -> str:
    """Return a light as it stands beside an outcome."""
    shape = html.escape(f"{LIGHT_SHAPES[code]} {label('light', code, words)}")
    return f'<span class="light {code}">{shape}</span>'


def _which(rows: Sequence[Row], words: Words) -> str:
    """Return which rows of an outcome are meant, as in a parenthesis; an estimand is named once."""
    by_estimand: dict[str, list[str]] = {}
    for row in rows:
        estimand = label("estimand", row["estimand"], words)
        rest = row_label(row, words).removeprefix(estimand).removeprefix(", ")
        if row["estimand"] == "dose":
            estimand, rest = label("contrast", row["contrast"], words), ""
        by_estimand.setdefault(estimand, []).append(rest)
    return "; ".join(
        ", ".join([in_sentence(estimand), *filter(None, rest)])
        for estimand, rest in by_estimand.items()
    )


def _why_open(row: Row, words: Words) -> str:
    """Return why a row lets nothing be said of its outcome, with a place for it; else nothing."""
    _ = words.text
    if row["suppressed"]:
        return _hidden(row, words)
    if not is_computed(row):
        why = label("reason", row["reason"], words)
        return _("Not computed, since {why}: {outcomes}.", why=why, outcomes="{outcomes}")
    if certainty(row) != "unclear" or pd.isna(_ends(row)[0]) or _expected(row, words):
        return ""
    if row["estimand"] in names_where(has_sesoi=False):
        return _("We cannot tell whether the change is related to participation for {outcomes}.")
    if row["estimand"] in _CONTRASTS:
        return _("We cannot tell whether there is a difference for {outcomes}.")
    return _("We cannot tell whether anything has changed for {outcomes}.")


def _hidden(row: Row, words: Words) -> str:
    """Return why a row is hidden, with a place for its outcome."""
    if row.get("reason") == FEW_CLUSTERS:
        return words.text("Suppressed (too few schools): {outcomes}.", outcomes="{outcomes}")
    return words.text("Suppressed (confidentiality): {outcomes}.", outcomes="{outcomes}")


def in_sentence(name: str) -> str:
    """Return a label as it stands within a sentence."""
    return name if name[1:2].isupper() else f"{name[:1].lower()}{name[1:]}"


def standing(frame: pd.DataFrame, *, words: Words, country: pd.DataFrame | None = None) -> Drawn:
    """Return where answers lie, in a sentence per outcome.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of levels, mean and share, of one wave and of everybody.
    words : Words
        The reader's language.
    country : DataFrame, optional
        Gated ``population, outcome, wave, mean`` of the whole study.

    Returns
    -------
    Drawn
        An item per outcome, those of a population together.

    Examples
    --------
    >>> from loftet_analysis.show.languages import Answers
    >>> words = Words("en", outcomes={("teachers", "joy"): "Joy"},
    ...               answers={("teachers", "joy"): Answers(1, 5, "never", "always")})
    >>> row = {"population": "teachers", "outcome": "joy", "estimand": "level", "estimate": None,
    ...        "ci_level": 0.95, "suppressed": False, "reason": ""}
    >>> rows = pd.DataFrame([[*row.values(), "mean", 3.4, 3.2, 3.6],
    ...                      [*row.values(), "share", 0.61, 0.5, 0.7]],
    ...                     columns=[*row, "contrast", "change", "change_ci_low", "change_ci_high"])
    >>> print(standing(rows, words=words).text)
    Joy: 3.40 on the scale from 1 to 5 (95% CI 3.20 to 3.60); 61% are above the middle.
    """
    _ = words.text
    items, lines, means = [], [], {}
    several = frame["population"].nunique() > 1  # each is named before its outcomes
    if country is not None:
        means = country.set_index(["population", "outcome"])["mean"].dropna().to_dict()
    told = frame.groupby("population", sort=False)["change"].apply(lambda c: c.notna().any())
    for pair, rows in frame.groupby(["population", "outcome"], sort=False):
        by_contrast = {row["contrast"]: row for row in rows.to_dict("records")}
        said = _lies(by_contrast.get("mean"), by_contrast.get("share"), words)
        if not told[pair[0]] and len(frame) > 2:  # said once, and not of every outcome
            why = f"{label('population', pair[0], words)}: {said}"
            if why not in lines:
                items.append(f"<li>{html.escape(why)}</li>")
                lines.append(why)
            continue
        if pair in means and not pd.isna(by_contrast.get("mean", {}).get("change")):
            beside = _("The whole study: {mean}.", mean=words.number(means[pair]))
            said = f"{said} {beside}"
        whose, named_so = label("population", pair[0], words), f"{words.outcome(*pair)}:"
        if whose not in lines and several:
            items.append(f'<li class="background">{html.escape(whose)}</li>')
            lines.append(whose)
        code = light(by_contrast.get("mean", {}).get("measurement_warning") or "")
        chip = f" {_chip(code, words)}" if code != GOOD else ""
        items.append(f"<li><strong>{html.escape(named_so)}</strong> {html.escape(said)}{chip}</li>")
        lines.append(f"{named_so} {said}")
    return Drawn(f'<ul class="reading">{"".join(items)}</ul>', "\n".join(lines))


@view(nothing="There are no scales.")
def agreement(frame: pd.DataFrame, *, words: Words, compared: pd.DataFrame | None = None) -> str:
    """Return of which scales leaders gave higher ratings than teachers, or lower.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of agreement.
    words : Words
        The reader's language.
    compared : DataFrame, optional
        All gated rows of agreement on the page, whose number is allowed for (Holm); default:
        `frame`.

    Returns
    -------
    str
        Sentences on those whose interval excludes zero, which may differ unless they do after
        Holm's adjustment too; on those of which it cannot be told; and on those not shown.

    Examples
    --------
    >>> row = {"outcome": "joy", "difference": -0.77, "ci_low": -1.51, "ci_high": -0.02,
    ...        "ci_level": 0.95, "se": 0.34, "df": 10}
    >>> other = {**row, "outcome": "effort", "difference": 0.04, "ci_high": 0.66}
    >>> words = Words("en", {("teachers", "joy"): "Joy", ("teachers", "effort"): "Effort"})
    >>> print(agreement(pd.DataFrame([row, other]), words=words))
    At the same schools, leaders may have given higher ratings than teachers (not certain): joy by
    0.77 points (95% CI 0.02 to 1.51). For effort we cannot tell whether teachers and leaders
    differ. With several comparisons one may differ by chance alone.
    """
    _ = words.text
    certain = _after_holm(frame if compared is None else compared)
    found: dict[tuple[str, bool], list[str]] = {}
    unclear: list[str] = []
    for row in frame[frame["difference"].notna()].to_dict("records"):
        name = quoted(in_sentence(words.outcome("teachers", row["outcome"])), words)
        where, (low, high) = position(row), sorted((abs(row["ci_low"]), abs(row["ci_high"])))
        if where in ("", INSIDE):
            unclear.append(name)
            continue
        with_size = _(
            "{outcome} by {size} points ({level} CI {interval})",
            outcome=name,
            size=words.number(abs(row["difference"])),
            level=words.percent(row["ci_level"]),
            interval=beside_zero(low, high, words, in_brackets=True),
        )
        found.setdefault((where, row["outcome"] in certain), []).append(with_size)
    said = [
        label("agreement", f"{'' if is_certain else 'may '}{where}", words,
              outcomes="; ".join(found[where, is_certain]))
        for is_certain in (True, False) for where in (BELOW, ABOVE) if (where, is_certain) in found
    ]  # fmt: skip
    if unclear:
        what = joined(unclear, words)
        said.append(
            _("For {outcomes} we cannot tell whether teachers and leaders differ.", outcomes=what)
        )
    if any(not is_certain for _where, is_certain in found):
        said.append(_("With several comparisons one may differ by chance alone."))
    hidden = frame[frame["difference"].isna()]["outcome"].drop_duplicates()
    if said and len(hidden):
        names = [in_sentence(words.outcome("teachers", each)) for each in hidden]
        said.append(_("Not shown: {outcomes}.", outcomes=joined(names, words)))
    return _sentences(said) or _("Too few answered for teachers and leaders to be compared.")


def _after_holm(frame: pd.DataFrame) -> set[str]:
    """Return the outcomes of gated rows of agreement that differ after Holm's adjustment too."""
    told = frame.dropna(subset=["difference", "se", "df"])
    if told.empty:
        return set()
    t = (told["difference"] / told["se"]).abs().astype(float)
    p = 2 * stats.t.sf(t, told["df"].astype(float))
    adjusted = pingouin.multicomp(p, method="holm")[1]
    return {*told.loc[adjusted < 1 - told["ci_level"].astype(float), "outcome"]}


def cohorts(frame: pd.DataFrame, *, words: Words) -> Drawn:
    """Return where schools that have begun stand in a year beside those that have not.

    Parameters
    ----------
    frame : DataFrame
        Gated levels of cohorts with their `year` (``study.by_year``).
    words : Words
        The reader's language.

    Returns
    -------
    Drawn
        An item per outcome and year in which both were asked, and what it does not show; where
        there is no such year, a sentence that says so.

    Examples
    --------
    >>> row = {"population": "pupils", "outcome": "joy", "contrast": "mean", "year": "2027"}
    >>> rows = pd.DataFrame([{**row, "subgroup": "cohort=2025", "wave": "post", "change": 3.4},
    ...                      {**row, "subgroup": "cohort=2027", "wave": "pre", "change": 3.2}])
    >>> words = Words("en", outcomes={("pupils", "joy"): "Joy"})
    >>> cohorts(rows, words=words).text.splitlines()[0]
    'Joy, 2027: at schools that had not begun the mean was 3.20 (cohort 2027), at schools that had
    3.40 (cohort 2025).'
    """
    _ = words.text
    told = frame[frame["change"].notna() & frame["contrast"].eq("mean")]
    lines, keys = [], ["population", "outcome", "year"]
    labels = outcome_labels(zip(frame["population"], frame["outcome"], strict=True), words)
    means = [
        f"{words.number(row['change'])} ({label('subgroup', row['subgroup'], words)})"
        for row in told.to_dict("records")
    ]
    for (*pair, year), rows in told.assign(said=means).groupby(keys, sort=False):
        before = rows["wave"].eq(PRE) | rows["subgroup"].eq(f"{COHORT}={COMPARISON}")
        if before.any() and not before.all():
            said = _(
                "{outcome}, {year}: at schools that had not begun the mean was {before}, at "
                "schools that had {after}.",
                outcome=labels[tuple(pair)],
                year=year,
                before=joined([*rows.loc[before, "said"]], words),
                after=joined([*rows.loc[~before, "said"]], words),
            )
            lines.append(said)
    if not lines:
        said = _(
            "In no year were both schools that had begun and schools that had not begun "
            "asked, so their levels are given year by year."
        )
        return Drawn(f"<p>{html.escape(said)}</p>", said)
    last = _(
        "The schools are not the same and were not drawn by lot, so the difference does not show "
        "what the programme did."
    )
    listed = bullets(lines)
    return Drawn(f"{listed.html}<p>{html.escape(last)}</p>", f"{listed.text}\n{last}")


@view(nothing="No two of these were asked at the same schools.")
def links(frame: pd.DataFrame, *, words: Words) -> Drawn:
    """Return whether schools' means go together along a chain: the answer, then what it is not.

    Two go together where the interval of r excludes 0. They do so weakly or not at all where it
    includes 0 and that of r corrected for unreliability lies between −.30 and +.30 (from .30 on a
    correlation is medium, Cohen 1988): that is said of what the schools are, not of their means,
    which chance pulls towards 0. Of means that are too rough for the latter it cannot be told.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `school_link`.
    words : Words
        The reader's language.

    Returns
    -------
    Drawn
        Over all pairs: which go together; of how many it cannot be told, and why; which do so
        weakly or not at all; what is left out with its reason; what associations do not show.

    Examples
    --------
    >>> row = {"population": "teachers", "subgroup": "role=participant", "outcome": "does",
    ...        "wave": "linked", "contrast": "post - pre", "other_population": "pupils",
    ...        "other_subgroup": "all", "other_outcome": "meets", "other_wave": "",
    ...        "other_contrast": "post - pre", "r_schools": 0.31, "ci_low": 0.12, "ci_high": 0.48,
    ...        "ci_level": 0.95, "r_visible": 0.24, "r_disattenuated_low": 0.16,
    ...        "r_disattenuated_high": 0.61, "flags": "", "reason": "", "suppressed": False}
    >>> words = Words("en", outcomes={("teachers", "does"): "Does", ("pupils", "meets"): "Meets"})
    >>> print(links(pd.DataFrame([row]), words=words).text.splitlines()[0])
    For 1 of 1 pairs, schools that are higher on the one are also higher on the other: Does
    (participants), change → Meets (pupils), change (r = 0.31, 95% CI 0.12 to 0.48).
    """
    _ = words.text
    told = frame[frame["r_schools"].notna()]
    lines = [*_together(frame, told, words)] if len(told) else []
    why_not = " ".join(left_out(frame, words))
    lines += [why_not] if why_not else []
    last = _(
        "These are associations between schools: they show neither that the one leads to the "
        "other, nor an effect from the first step to the last."
    )
    return bullets(lines, last)


@view(nothing="No changes are given region by region.")
def hangs_on(
    frame: pd.DataFrame,
    *,
    words: Words,
    together: pd.DataFrame,
    features: pd.DataFrame | None = None,
) -> Drawn:
    """Return what the country's answer hangs on, in a few sentences over all changes.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of pooled effects.
    words : Words
        The reader's language.
    together : DataFrame
        The matching gated rows of the country.
    features : DataFrame, optional
        Gated rows of features of regions.

    Returns
    -------
    Drawn
        A list: whether the country's estimate and the mean over the regions say the same; without
        which single region that mean would say something else; what can be expected of one more
        region; what goes along with the changes.

    Examples
    --------
    >>> row = {"population": "pupils", "outcome": "joy", "estimand": "same_grade", "k": 9,
    ...        "position": "above", "hangs_on": "oslo: inside", "lowest": 0.05, "pi_low": -0.1,
    ...        "pi_high": 0.3, "suppressed": False}
    >>> country = row | {"estimate": 0.1, "ci_low": 0.02, "ci_high": 0.2, "ci_level": 0.95}
    >>> words = Words("en", outcomes={("pupils", "joy"): "Joy"}, regions={"oslo": "Oslo"})
    >>> frame, country = pd.DataFrame([row]), pd.DataFrame([country])
    >>> print(hangs_on(frame, words=words, together=country).text.splitlines()[1])
    For the only change a single region decides where the interval of the mean over the regions
    lies: Joy, same-grade change (includes zero without Oslo).
    """
    shown = frame[~frame["suppressed"].astype(bool)]
    told = [*_two_ways(shown, together, words), *_without_a_region(shown, words)]
    told += _one_more_region(shown, words)
    if told and shown["pi_low"].isna().any():
        told.append(too_few_regions(words))
    if features is not None and len(features):
        told += _along_with(features, words)
    if not told:
        told = [words.text("Too few regions have numbers for this.")]
    return bullets(told)


def position(row: Row) -> str:
    """Return where the interval of a gated row lies; an empty text where it has none.

    An end that is rounded to zero lies where the test puts it.
    """
    low, high = row["ci_low"], row["ci_high"]
    if pd.isna(low) or pd.isna(high):
        return ""
    return _side(row, low, high)


def _changed(row: Row, words: Words) -> str:
    """Return which change a row is of."""
    name = quoted(named(row, "outcome", words), words)
    return f"{name}, {in_sentence(label('estimand', row['estimand'], words))}"


def _two_ways(shown: pd.DataFrame, together: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield whether everybody at once and region by region say the same."""
    country = {_change_of(row): row for row in together.to_dict("records")}
    both = [(row, country.get(_change_of(row))) for row in shown.to_dict("records")]
    pairs = [(row, position(own)) for row, own in both if own is not None and row["position"]]
    pairs = [(row, own) for row, own in pairs if own]
    unlike = [
        words.text(
            "{change} (interval of everybody's answers at once {country}, of the mean {regions})",
            change=_changed(row, words),
            country=label("position", own, words),
            regions=label("position", row["position"], words),
        )
        for row, own in pairs
        if own != row["position"]
    ]
    if unlike:
        yield words.plural(
            "The estimate from everybody's answers at once and the mean over the regions differ "
            "for the only change: {changes}.",
            "The estimate from everybody's answers at once and the mean over the regions differ "
            "for {n} of {all} changes: {changes}.",
            len(pairs),
            n=words.count(len(unlike)),
            all=words.count(len(pairs)),
            changes=_listed(unlike, words),
        )
    elif pairs:
        yield words.plural(
            "The estimate from everybody's answers at once and the mean over the regions agree "
            "for the only change.",
            "The estimate from everybody's answers at once and the mean over the regions agree "
            "for all {all} changes.",
            len(pairs),
            all=words.count(len(pairs)),
        )


def _without_a_region(shown: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which single regions decide where the mean over the regions lies."""
    rows = shown[shown["lowest"].notna()].to_dict("records")
    turning = [
        f"{_changed(row, words)} ({_without(row, words)})" for row in rows if row["hangs_on"]
    ]
    if turning:
        yield words.plural(
            "For the only change a single region decides where the interval of the mean over the "
            "regions lies: {changes}.",
            "For {n} of {all} changes a single region decides where the interval of the mean "
            "over the regions lies: {changes}.",
            len(rows),
            n=words.count(len(turning)),
            all=words.count(len(rows)),
            changes=_listed(turning, words),
        )
    elif rows:
        yield words.plural(
            "The only change does not depend on a single region: whichever is left out, the "
            "interval of the mean over the others stays on the same side of zero, or still "
            "includes it.",
            "None of {all} changes depends on a single region: whichever is left out, the "
            "interval of the mean over the others stays on the same side of zero, or still "
            "includes it.",
            len(rows),
            all=words.count(len(rows)),
        )


def _without(row: Row, words: Words) -> str:
    """Return where the interval of a pooled row would lie without which region."""
    by_position: dict[str, list[str]] = {}
    for each in row["hangs_on"].split("; "):
        region, where = each.rsplit(": ", 1)
        by_position.setdefault(where, []).append(words.region(region))
    return ", ".join(
        _left_out_alone(label("position", where, words), regions, words)
        for where, regions in by_position.items()
    )


def less_certain(row: Row, pooled: pd.DataFrame | None, words: Words) -> str:
    """Return where the mean over the regions lies if not where a certain change does.

    Or where it would lie without a single region; nothing where neither says anything else.
    """
    if pooled is None or row["subgroup"] != ALL or certainty(row) not in CERTAIN:
        return ""
    of_row = [each for each in pooled.to_dict("records") if _change_of(each) == _change_of(row)]
    for each in of_row:
        if each["suppressed"] or not each["position"]:
            continue
        if each["position"] != position(row):
            return label("position", each["position"], words)
        if each["hangs_on"] and not pd.isna(each["lowest"]):
            return _without(each, words)
    return ""


def with_doubts(frame: pd.DataFrame, pooled: pd.DataFrame | None, words: Words) -> pd.DataFrame:
    """Return rows of effects with `less_certain`, see there."""
    doubts = [less_certain(row, pooled, words) for row in frame.to_dict("records")]
    return frame.assign(less_certain=np.array(doubts, dtype=object))


def asterisk(words: Words) -> str:
    """Return what an asterisk beside a change says."""
    return words.text(
        "* Less certain than it looks: with one region left out, or as a mean over the regions, "
        "the interval includes zero."
    )


def doubted_by_others(frame: pd.DataFrame, others: pd.DataFrame) -> list[bool]:
    """Return of rows of effects whether fewer than half of the other analyses agree with them.

    `others` are gated rows of sensitivity; the naive analysis is not counted.
    """
    keys = ["region", "population", "outcome", "estimand"]
    told = others["agrees"].notna() & ~others["suppressed"].astype(bool)
    counted = others[told & others["analysis"].ne(NAIVE)]
    share = counted["agrees"].astype(float).groupby([counted[key] for key in keys]).mean()
    return [
        certainty(row) in CERTAIN and share.get(tuple(row[key] for key in keys), 1.0) < 0.5
        for row in frame.to_dict("records")
    ]


def _change_of(row: Row) -> tuple[object, ...]:
    """Return which change a row of effects or a pooled row is of."""
    return tuple(row[column] for column in ("population", "outcome", "estimand"))


def _listed(changes: list[str], words: Words) -> str:
    """Return a list of changes; of many the first, and how many more there are."""
    if more := len(changes[_LISTED:]):
        changes = [*changes[:_LISTED], words.text("and {n} more", n=words.count(more))]
    return "; ".join(changes)


def _left_out_alone(position: str, regions: list[str], words: Words) -> str:
    """Return where an interval lies when one of some regions is left out; many are counted."""
    if len(regions) > _NAMED:
        return words.text(
            "{position} if any one of {n} particular regions is left out",
            position=position,
            n=words.count(len(regions)),
        )
    if len(regions) == 1:
        return words.text("{position} without {region}", position=position, region=regions[0])
    regions = sorted(regions, key=lambda name: alphabet(name, words.locale))
    return words.text(
        "{position} if any one of {regions} is left out",
        position=position,
        regions=joined(regions, words),
    )


def _one_more_region(shown: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which changes can be expected of one more region."""
    rows = shown[shown["pi_low"].notna()]
    clear = [
        f"{_changed(row, words)} "
        f"({beside_zero(row['pi_low'], row['pi_high'], words, in_brackets=True)})"
        for row in rows[(rows["pi_low"] > 0) | (rows["pi_high"] < 0)].to_dict("records")
    ]
    if clear:
        yield words.plural(
            "In a new region like these, the only change is expected to be on one side of zero "
            "(prediction interval in standard deviations): {changes}.",
            "In a new region like these, {n} of {all} changes are expected to be on one side of "
            "zero (prediction interval in standard deviations): {changes}.",
            len(rows),
            n=words.count(len(clear)),
            all=words.count(len(rows)),
            changes=_listed(clear, words),
        )
    elif len(rows):
        yield words.plural(
            "In a new region like these, the only change may go either way: the prediction "
            "interval includes zero.",
            "In a new region like these, each of {all} changes may go either way: the prediction "
            "intervals include zero.",
            len(rows),
            all=words.count(len(rows)),
        )


def _along_with(features: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield what goes along with the changes, feature by feature."""
    for feature, rows in features.groupby("feature", sort=False):
        name = words.features[feature]
        shown = rows[~rows["suppressed"].astype(bool)]
        computed = shown[shown["estimate"].notna()]
        for why in dict.fromkeys(shown["reason"]) if computed.empty else ():
            yield words.text(
                "The association of the changes with {feature} is not computed: {why}.",
                feature=name,
                why=label("reason", why, words),
            )
        clear = computed[computed["p_adjusted"] < 0.05].to_dict("records")
        said = [
            words.text(
                "{change}: where {feature} is one standard deviation higher, the change differs by "
                "{estimate} standard deviations ({level} CI {interval}). Other differences between "
                "the regions may be the reason.",
                change=_changed(row, words),
                feature=name,
                estimate=words.number(row["estimate"]),
                level=words.percent(0.95),
                interval=beside_zero(row["ci_low"], row["ci_high"], words, in_brackets=True),
            )
            for row in clear
        ]
        if rest := len(computed) - len(clear):
            chance = words.plural(
                "For {n} change, the association with {feature} cannot be distinguished from "
                "chance.",
                "For {n} changes, the association with {feature} cannot be distinguished from "
                "chance.",
                rest,
                feature=name,
            )
            said.append(chance)
        if said:
            yield " ".join(said)


def _together(frame: pd.DataFrame, told: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which pairs go together, of how many it cannot be told, and which hardly do."""
    _ = words.text
    low, high = told["ci_low"].astype(float), told["ci_high"].astype(float)
    alike, against = low > 0, high < 0
    ends = told[["r_disattenuated_low", "r_disattenuated_high"]].astype(float)
    weak = ~alike & ~against & ends.abs().lt(WEAK).all(axis=1)
    unclear = told[~alike & ~against & ~weak]
    n = words.count(len(frame))

    def pairs(which: pd.Series) -> str:
        return "; ".join(_pair(row, words) for row in told[which].to_dict("records"))

    if alike.any():
        said = _(
            "For {k} of {n} pairs, schools that are higher on the one are also higher on the "
            "other: {pairs}.",
            k=words.count(alike.sum()),
            n=n,
            pairs=pairs(alike),
        )
    else:
        said = _(
            "For none of {n} pairs is there clear evidence that schools that are higher on the one "
            "are also higher on the other.",
            n=n,
        )
    answer = [said]
    if against.any():
        answer.append(_("Higher on the one and lower on the other: {pairs}.", pairs=pairs(against)))
    if (alike | against).any() and len(told) >= MANY_PAIRS:
        by_chance = _(
            "By chance alone, about 1 of {n} pairs would show an association in one direction or "
            "the other.",
            n=words.count(round(1 / (1 - float(told["ci_level"].iloc[0])))),
        )
        answer.append(by_chance)
    yield " ".join(answer)
    if len(unclear):
        yield _not_told(unclear, len(frame), words)
    if weak.any():
        names = (
            _(
                "{one} → {other} ({level} CI of the corrected r {interval})",
                one=linked_side(row, words),
                other=linked_side(row, words, "other_"),
                level=words.percent(row["ci_level"]),
                interval=words.interval(row["r_disattenuated_low"], row["r_disattenuated_high"]),
            )
            for row in told[weak].to_dict("records")
        )
        yield _("Associated weakly or not at all: {pairs}.", pairs="; ".join(names))


def _not_told(unclear: pd.DataFrame, n: int, words: Words) -> str:
    """Return of how many pairs it cannot be told, and why."""
    _ = words.text
    seen = unclear["r_visible"].astype(float)
    rough = unclear["flags"].fillna("").str.contains("unreliable_means|reliability_unknown")
    values = {"k": len(unclear), "n": n, "rough": rough.sum()}
    values = {key: words.count(number) for key, number in values.items()}
    values["least"] = words.span(seen.min(), seen.max())
    if rough.all():
        return _(
            "For {k} of {n} pairs we cannot tell whether they go together: a correlation weaker "
            "than {least} would often be missed, and so few answered at each school that even a "
            "strong association would look weak.",
            **values,
        )
    if rough.any():
        return _(
            "For {k} of {n} pairs we cannot tell whether they go together: a correlation weaker "
            "than {least} would often be missed, and in {rough} of them so few answered at each "
            "school that even a strong association would look weak.",
            **values,
        )
    return _(
        "For {k} of {n} pairs we cannot tell whether they go together: a correlation weaker than "
        "{least} would often be missed.",
        **values,
    )


def left_out(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield why pairs of `school_link` have no numbers, each reason once."""
    _ = words.text
    refused = frame[frame["r_schools"].isna()]
    n, hidden = words.count(len(frame)), refused["suppressed"].astype(bool)
    of_school = refused["reason"].isin(("not_shared", "other_not_shared"))
    if (of_school & ~hidden).any():
        scales = dict.fromkeys(
            linked_side(row, words, row["reason"].removesuffix("not_shared"))
            for row in refused[of_school & ~hidden].to_dict("records")
        )
        yield _(
            "Left out, since it is not shared within schools: {scales}.",
            scales=joined([*scales], words),
        )
    for reason, rows in refused[~of_school & ~hidden].groupby("reason", sort=False):
        why = label("reason", reason, words)
        if len(rows) == len(frame):
            yield _("Not computed, since {why}.", why=why)
        else:
            k = words.count(len(rows))
            yield _("{k} of {n} pairs are not computed, since {why}.", k=k, n=n, why=why)
    if hidden.all() and len(refused) == len(frame):
        yield _("Suppressed (confidentiality).")
    elif hidden.any():
        k = words.count(hidden.sum())
        yield _("{k} of {n} pairs are suppressed (confidentiality).", k=k, n=n)


def _pair(row: Row, words: Words) -> str:
    """Return a pair with its correlation."""
    return words.text(
        "{one} → {other} (r = {r}, {level} CI {interval})",
        one=linked_side(row, words),
        other=linked_side(row, words, "other_"),
        r=words.number(row["r_schools"]),
        level=words.percent(row["ci_level"]),
        interval=beside_zero(row["ci_low"], row["ci_high"], words, in_brackets=True),
    )


def _lies(mean: Row | None, share: Row | None, words: Words) -> str:
    """Return where the answers of an outcome lie, or why that is not told."""
    if mean is None:
        return _untold({**(share or {}), "suppressed": True}, words)
    if why := _untold(mean, words):
        return why
    told = _values(mean, words)
    if share is None or _untold(share, words):
        return words.text("{mean} on the scale from {minimum} to {maximum} ({interval}).", **told)
    return words.text(
        "{mean} on the scale from {minimum} to {maximum} ({interval}); {share} are above the "
        "middle.",
        **told,
        share=_values(share, words)["share"],
    )


def _untold(row: Row, words: Words) -> str:
    """Return why a row has no number, as it is said after what it is of; nothing where it has."""
    if row["suppressed"] and row.get("reason") == FEW_CLUSTERS:
        return words.text("suppressed (too few schools).")
    if row["suppressed"]:
        return words.text("suppressed (confidentiality).")
    if not is_computed(row):
        return words.text("not computed, since {why}.", why=label("reason", row["reason"], words))
    return ""


def heading(frame: pd.DataFrame, *, words: Words) -> Drawn:
    """Return the heading of a section: the question that the rows answer, else their scales.

    Parameters
    ----------
    frame : DataFrame
        Gated rows with `population, outcome` and `question`.
    words : Words
        The reader's language.

    Returns
    -------
    Drawn
        An ``h2`` whose id is the question, or the scales' names. Means over the waves, of
        `course`, and of cohorts by year have headings of their own.

    Examples
    --------
    >>> words = Words("en", outcomes={("teachers", "joy"): "Joy"}, questions={"Q5": "Any joy?"})
    >>> rows = pd.DataFrame({"population": ["teachers"], "outcome": ["joy"], "question": ["Q5"]})
    >>> heading(rows, words=words).text
    'Any joy?'
    """
    if "who" in frame:
        key, said = "course", words.text("The course over three waves")
    elif "year" in frame:
        key, said = "cohorts", words.text("Schools that have begun beside schools that have not")
    else:
        question = next(iter(frame.get("question", [])), "")
        pairs = dict.fromkeys(zip(frame["population"], frame["outcome"], strict=True))
        named = ", ".join(outcome_labels(pairs, words).values())
        said = words.questions.get(question) or named
        key = question or "-".join(pair[1] for pair in pairs)
    return Drawn(f'<h2 id="{html.escape(key, quote=True)}">{html.escape(said)}</h2>', said)


def reading(
    row: Row,
    words: Words,
    *,
    timed: bool = True,
    concluded: str | None = None,
) -> str:
    """Return a plain reading of one gated row of effects.

    It says which estimand the number is, gives its interval, says what can be concluded and what
    this many schools cannot show, and claims no cause.

    Parameters
    ----------
    row : mapping
        A row of ``effects`` that passed the gate.
    words : Words
        The reader's language.
    timed : bool, default True
        Whether to say of which wave a level is.
    concluded : str, optional
        What is said of what can be concluded; default: `conclusion`.

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
    >>> print(reading(row, Words("en")))
    The participants' answers went up by 0.45 standard deviations on average (95% CI 0.10 to 0.80).
    The interval lies above zero: an increase.
    """
    if why := _untold(row, words):
        return f"{row_label(row, words)}: {why}"
    message = ESTIMANDS[row["estimand"]].sentence_of(
        row["contrast"], row["population"], same_year=_in_same_year(row, words)
    )
    sentence = words.text(message, **_values(row, words))
    if "adjusted_for_pre" in _flags(row):
        adjusted = words.text("It is adjusted for the answers before.")
        sentence = f"{sentence} {adjusted}"
    start = [group_label(row, words)]
    if timed and row.get("wave"):
        start.append(label("wave", row["wave"], words))
    if row["contrast"] not in ESTIMANDS[row["estimand"]].sentences and _is_midway(row):
        start.append(label("contrast", row["contrast"], words))
    about = ", ".join(filter(None, start))
    sentence = f"{about[0].upper()}{about[1:]}: {sentence}" if about else sentence
    if concluded is None:
        concluded = conclusion(row, words)
    return _sentences([sentence, concluded, *_cautions(row, words)])


def _not_certain(rows: Iterable[Row], words: Words) -> str:
    """Return what is said where intervals would tell of single schools."""
    if all(row["reason"] != FEW_CLUSTERS for row in rows):
        return ""
    return words.text(
        "“Without an interval”: with so few schools, an interval could identify single schools."
    )


def is_computed(row: Row) -> bool:
    """Whether a row has an estimate, be it without what tells of the schools."""
    return row["reason"] in ("", FEW_CLUSTERS)


def _is_midway(row: Row) -> bool:
    """Whether a row's change is from or to the wave midway, which its sentence then says."""
    return contrast_of_waves(row["contrast"]) in MIDWAY


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(filter(None, parts))


def _ends(row: Row) -> tuple[float, float]:
    """Return the ends of a row's interval, in standard deviations where its estimate is."""
    of = "change_ci" if pd.isna(row.get("estimate")) else "ci"
    return row.get(f"{of}_low", math.nan), row.get(f"{of}_high", math.nan)


def _values(row: Row, words: Words) -> dict[str, str]:
    """Return what fills a row's sentence: standard deviations, or the units of its estimand."""
    _ = words.text
    estimand, contrast = row["estimand"], row["contrast"]
    low, high = _ends(row)
    # beside what was expected, a change is told as it is
    code = "" if is_expected(row) else certainty(row)
    values: dict[str, str] = {}
    no_change: float | None = 0
    form: Callable[[float], str] = words.number
    if not pd.isna(row["estimate"]):
        values["estimate"] = words.number(row["estimate"])
        values["moved"] = _moved(row["estimate"], words, code)
        values["differs"] = _differs(row["estimate"], words)
        if estimand == "gap_change":
            groups = (label("subgroup", group, words) for group in contrast.split(" - "))
            values["one"], values["other"] = groups
        if estimand == "same_grade_quantile":
            values["percent"] = words.percent(int(contrast.removeprefix("p")) / 100)
    elif estimand == "share_below":  # percentage points
        low, high, form = 100 * low, 100 * high, partial(words.number, digits=1)
        values["moved"] = _moved(100 * row["change"], words, code, points=True)
    elif estimand == "spread_ratio":  # a log ratio
        ratio, low, high, no_change = math.exp(row["change"]), math.exp(low), math.exp(high), 1
        difference = round(ratio, 2) - 1  # of the ratio that is shown
        percent = words.percent(abs(difference))
        values |= {"ratio": words.number(ratio), "size": _("equally large")}
        if difference > 0:
            values["size"] = _("{percent} larger", percent=percent)
        elif difference < 0:
            values["size"] = _("{percent} smaller", percent=percent)
    elif contrast == "share":
        no_change, form = None, words.percent
        values["share"] = words.percent(row["change"])
    else:  # t does not know where scales end
        scale = words.answers[row["population"], row["outcome"]]
        low, high, no_change = max(low, scale.minimum), min(high, scale.maximum), None
        values |= {"mean": words.number(row["change"]), "low": scale.low, "high": scale.high}
        values |= {"minimum": words.plain(scale.minimum), "maximum": words.plain(scale.maximum)}
    if pd.isna(low) or (pd.isna(row.get("change_ci_low")) and estimand == "level"):
        return {**values, "interval": _("without an interval")}
    interval = f"{form(low)} {_('to')} {form(high)}"
    interval = _("{level} CI {interval}", level=words.percent(row["ci_level"]), interval=interval)
    if no_change is not None:
        where = _side(row, low, high, no_change)
        if where == INSIDE or form(no_change) in (form(low), form(high)):
            kind = "beside zero" if no_change == 0 else "beside 1"
            beyond = low > no_change or high < no_change
            where = "rounded" if where == INSIDE and beyond else where
            interval = f"{interval}, {label(kind, where, words)}"
    return {**values, "interval": interval}


def shown_interval(row: Row, words: Words) -> str:
    """Return a row's interval as a table shows it, in standard deviations.

    Of an end that is rounded to zero words say on which side of zero it lies, and of an interval
    that only rounding moved off zero that it includes zero.
    """
    low, high = row["ci_low"], row["ci_high"]
    interval = words.interval(low, high)
    where = _side(row, low, high) if interval else ""
    if where == INSIDE and (low > 0 or high < 0):
        return f"{interval} ({label('beside zero', 'rounded', words)})"
    return beside_zero(low, high, words, where=where)


def _side(row: Row, low: float, high: float, null: float = 0.0) -> str:
    """Return where an interval lies; an end that is rounded to the null where the test puts it.

    Where people are few the change is rounded and its interval moves with it: where that alone
    moves it off the null, the verdict is of the interval before.
    """
    in_family = row.get("family") or is_expected(row)
    if certainty(row) == "unclear" and not in_family:
        return INSIDE
    if low > null:
        return ABOVE
    if high < null:
        return BELOW
    p, alpha = row.get("p_value"), 1 - row["ci_level"]
    if low < null < high or p is None or pd.isna(p):
        return INSIDE
    excludes = p < alpha
    if round(p - alpha, 3) == 0:  # p is rounded too: on which side it lies only the verdict knows
        told = (row.get("verdict") or "", "direction" in _flags(row))
        excludes = told[0] in ("increase", "decrease") or told[1]
    if not excludes:
        return INSIDE
    return ABOVE if low + high > 2 * null else BELOW


def _moved(change: float, words: Words, code: str, *, points: bool = False) -> str:
    """Return which way something went and how far, in standard deviations or percentage points.

    `code` is its certainty: what may have moved is said to, and what includes zero changed by so
    much.
    """
    digits = 1 if points else 2
    is_still = round(change, digits) == 0 or code in ("negligible", "unclear")
    size = words.number(change if is_still else abs(change), digits)
    if points:
        size = words.text("{points} percentage points", points=size)
    else:
        size = words.text("{size} standard deviations", size=size)
    if is_still:
        return words.text("changed by {size}", size=size)
    may, way = "may " * code.startswith("may"), "increase" if change > 0 else "decrease"
    return words.text("{moved} by {size}", moved=label("short", f"{may}{way}", words), size=size)


def _differs(difference: float, words: Words) -> str:
    """Return how much higher or lower one change is than another, in standard deviations."""
    size = words.number(abs(difference))
    if round(difference, 2) == 0:
        return words.text("no different")
    if difference > 0:
        return words.text("{size} standard deviations higher", size=size)
    return words.text("{size} standard deviations lower", size=size)


def conclusion(row: Row, words: Words) -> str:
    """Return what a row's verdict lets one conclude; nothing for what is no change.

    Certain words are for what was declared primary and excludes zero after adjustment too; what
    is secondary, or does not hold among all tests of its kind, may have changed.

    Parameters
    ----------
    row : mapping
        A gated row of effects.
    words : Words
        The reader's language.

    Examples
    --------
    >>> row = {"estimand": "same_grade", "verdict": "increase", "region": "national",
    ...        "plan_role": "secondary", "estimate": 0.2, "ci_low": 0.1, "ci_high": 0.3,
    ...        "ci_level": 0.95, "flags": ""}
    >>> print(conclusion(row, Words("en")))
    The increase is not certain: this was not declared in advance as a primary comparison.
    >>> print(conclusion({**row, "plan_role": "primary", "p_adjusted": 0.01}, Words("en")))
    The increase is certain: this is one of the primary comparisons, and it holds when all tests
    that belong together are allowed for.
    """
    code = certainty(row)
    if not code:
        return _expected(row, words) if row.get("reason") == FEW_CLUSTERS else ""
    if code == "dominated":
        return label("conclusion", code, words)
    is_slope = row["estimand"] in names_where(has_sesoi=False)
    start = "" if is_slope else _expected(row, words)
    beyond = " beyond drift" if start else ""
    if code == "unclear":
        too_few = "" if is_slope else _sentences(_too_few([row], words))
        told = "unclear slope" if is_slope else "unclear"
        sentence = too_few or label("conclusion", told, words)
    elif code.endswith(("negligible", *_SMALL)):
        told = f"{code}{beyond or _kind(row)}"
        sentence = _negligible(row, told, words)
        if code == "negligible" and "direction" in _flags(row):
            sentence = f"{sentence} {label('conclusion', f'small{beyond}', words)}"
    else:
        told = f"{code}{beyond or _kind(row)}"
        planned = f"{told} as planned"
        is_sure = row.get("plan_role") == "primary" and not row.get("less_certain")
        told = planned if is_sure and planned in LABELS["conclusion"] else told
        sentence = label("conclusion", told, words, why=_doubt(row, words))
    return f"{start} {sentence}".strip()


def certainty(row: Row) -> str:
    """Return what may be concluded from a gated row, and how certain it is.

    Every sentence and figure that concludes something takes it from here.

    Parameters
    ----------
    row : mapping
        A gated row of effects.

    Returns
    -------
    str
        ``increase``, ``decrease`` (excludes zero, primary, after adjustment too, with four degrees
        of freedom or more); ``may increase``, ``may decrease`` (excludes zero, but one of these
        does not hold); ``negligible``, and of a change that excludes zero although it is negligible
        ``small increase``, ``may small increase`` and so on; ``unclear``; ``dominated`` (nearly
        everybody in one cluster); empty where nothing is told. Where a drift or a trend is expected
        it is of the difference.

    Examples
    --------
    >>> row = {"estimand": "same_grade", "verdict": "decrease", "region": "national",
    ...        "plan_role": "primary", "p_adjusted": 0.08, "estimate": -0.2, "ci_low": -0.3,
    ...        "ci_high": -0.1, "ci_level": 0.95, "flags": ""}
    >>> certainty(row), certainty({**row, "p_adjusted": 0.01})
    ('may decrease', 'decrease')
    """
    verdict = row.get("verdict") or ""
    if verdict not in ("increase", "decrease", "negligible", "unclear"):
        return ""
    if ONE_DOMINATES in _flags(row):
        return "dominated"
    is_slope = row["estimand"] in names_where(has_sesoi=False)
    if is_slope and verdict == "unclear":  # only rounding moved its interval off zero
        return verdict
    if verdict in ("increase", "decrease") and not is_slope:
        direction = verdict
    elif verdict == "negligible":
        if not (direction := _small(row)):
            return verdict
    else:
        low, high = (row["ci_low"], row["ci_high"]) if is_slope else _beyond(row)
        if not (low > 0 or high < 0) or not (is_slope or _is_told(row, "p_adjusted")):
            return "unclear"
        direction = "increase" if low > 0 else "decrease"
    return f"may {direction}" if _why_not_certain(row) else direction


def _small(row: Row) -> str:
    """Return which way a negligible change went whose interval excludes zero; else nothing.

    Differences, and changes beside what was expected, are not said to have gone up or down.
    """
    direction = _flags(row).get("direction")
    if direction is None or is_expected(row) or row["estimand"] in _CONTRASTS:
        return ""
    return f"small {direction}"


def _flags(row: Row) -> dict[str, str]:
    """Return the flags of a row, by name what follows them."""
    flags = (row.get("flags") or "").split(";")
    return dict(flag.partition("=")[::2] for flag in flags if flag)


def _is_told(row: Row, column: str) -> bool:
    value = row.get(column)
    return value is not None and not pd.isna(value)


def is_expected(row: Row) -> bool:
    """Whether a change was expected without the programme: a drift, or a trend outside."""
    return _is_told(row, "drift") or _is_told(row, "trend")


def _expected(row: Row, words: Words) -> str:
    """Return what was expected without the programme, and the change measured from there."""
    if not is_expected(row):
        return ""
    low, high = _beyond(row)
    without = words.text("without an interval")
    interval = beside_zero(low, high, words, in_brackets=True) or without
    if _is_told(row, "drift"):
        return words.text(
            "Without the programme {drift} was expected; measured from there it is {apart} "
            "({interval}).",
            drift=words.number(row["drift"]),
            apart=words.number(row["estimate_vs_drift"]),
            interval=interval,
        )
    said = words.text(
        "Without the programme {trend} was expected, as outside the study in the same years "
        "({source}); measured from there it is {apart} ({interval}).",
        trend=words.number(row["trend"]),
        source=row["trend_source"],
        apart=words.number(row["estimate_vs_trend"]),
        interval=interval,
    )
    if _is_told(row, "trend_se") or interval == without:
        return said
    conditional = words.text(
        "The source gives no standard error, so this is conditional on the trend: the interval "
        "takes it as known."
    )
    return f"{said} {conditional}"


def _beyond(row: Row) -> tuple[float, float]:
    """Return the ends of a row's interval, measured from drift or trend where it has one."""
    if _is_told(row, "trend"):
        return row["vs_trend_ci_low"], row["vs_trend_ci_high"]
    low, high = _ends(row)
    null = row["drift"] if _is_told(row, "drift") else 0.0
    return low - null, high - null


def _kind(row: Row) -> str:
    """Return what has a direction, as conclusions name it: a change, a difference, a spread."""
    of = {"spread_ratio": " of the spread"} | dict.fromkeys(_CONTRASTS, " of a contrast")
    return of.get(row["estimand"], "")


def _doubt(row: Row, words: Words) -> str:
    """Return in words why a direction is not certain although the interval excludes zero."""
    code = _why_not_certain(row)
    return label("doubt", code, words) if code else ""


def _why_not_certain(row: Row) -> str:
    """Return why a direction is not certain although the interval excludes zero; else nothing.

    Of a region that is one of several the tests are adjusted over the regions, which only the
    tables of all regions know. With fewer than four degrees of freedom nothing is certain, nor on
    a scale of which it is in doubt what it measures.
    """
    if light(row.get("measurement_warning") or "") == DOUBT:
        return "measurement"
    p, role = row.get("p_adjusted"), row.get("plan_role") or ""
    unknown = p is None or pd.isna(p)
    whole = {NATIONAL} & {row.get("region")} or WHOLE_STUDY in _flags(row)
    if not unknown and p >= 1 - row["ci_level"]:
        return "family" if whole else "regions"
    few = "low_df" in _flags(row)
    if role == "primary" and unknown and not few:
        return "family" if whole else "one region"
    if role and role != "primary":
        return "many"
    if few:
        return "few regions" if row.get("cluster") == "region" else "few"
    return ""


def _negligible(row: Row, told: str, words: Words) -> str:
    """Return that a change is negligible, with the 1 − 2α interval which that rests on."""
    level, (low, high), df = row["ci_level"], _beyond(row), row["df"]
    middle, half = (low + high) / 2, (high - low) / 2
    if _is_told(row, "trend_se") and row["se"] > 0:
        df = less_known(row["se"], df, row["trend_se"])[1]
    half *= stats.t.isf(1 - level, df) / stats.t.isf((1 - level) / 2, df)
    # it lies within; only the rounding of the ends that are shown may say otherwise
    low, high = max(middle - half, -row["sesoi"]), min(middle + half, row["sesoi"])
    return label(
        "conclusion",
        told,
        words,
        sesoi=words.number(row["sesoi"]),
        level=words.percent(2 * level - 1),
        interval=words.interval(low, high),
        why=_doubt(row, words),
    )


def _too_few(rows: Iterable[Row], words: Words) -> list[str]:
    """Return which changes so few schools, groups of schools or regions cannot show.

    Of unclear rows, where that is more than the smallest change of interest for one of them; a
    sentence for changes and one for differences, with the range of the numbers of each kind of
    clusters, and of the sizes.
    """
    known: dict[bool, dict[str, list[tuple[float, float, float]]]] = {False: {}, True: {}}
    for row in rows:
        has = all(_is_told(row, column) for column in ("mdes", "n_clusters"))
        is_unclear = row.get("verdict") == "unclear" and not row["suppressed"] and is_computed(row)
        if has and is_unclear:
            of_kind = known[row["estimand"] in _CONTRASTS].setdefault(row.get("cluster") or "", [])
            of_kind.append((row["n_clusters"], row["mdes"], row["sesoi"]))
    said = []
    for is_difference, by_cluster in known.items():
        counted: list[str] = []
        size: list[float] = []
        for cluster, found in by_cluster.items():
            numbers, sizes, sesoi = zip(*found, strict=True)
            if max(sizes) > max(sesoi):
                counted.append(_clusters(cluster, min(numbers), max(numbers), words))
                size += sizes
        if not counted:
            continue
        smallest = words.text("the smallest change")
        if is_difference:
            smallest = words.text("the smallest difference")
        low, high = (words.number(end) for end in (min(size), max(size)))
        between = words.text("between {low} and {high}", low=low, high=high)
        one = words.text(
            "With {clusters}, {smallest} that can be detected is {size}.",
            clusters=f" {words.text('or')} ".join(counted),
            smallest=smallest,
            size=words.text("{size} standard deviations", size=low if low == high else between),
        )
        said.append(one)
    return said


def _clusters(kind: str, least: float, most: float, words: Words) -> str:
    """Return how many clusters of a kind there are, as a range."""
    n = words.counts(least, most)
    if kind == "feeder_group":
        return words.plural("{n} group of schools", "{n} groups of schools", most, n=n)
    if kind == "region":
        return words.plural("{n} region", "{n} regions", most, n=n)
    return words.plural("{n} school", "{n} schools", most, n=n)


def _cautions(row: Row, words: Words) -> list[str]:
    """Return what a reader of this row must know, from its flags."""
    _ = words.text
    flags = _flags(row)
    values = {
        "limit": words.number(BASELINE_APART),
        "low": words.number(BASELINE_ADJUST),
        "high": words.number(BASELINE_APART),
        "months": flags.get("programme_months", ""),
    }
    raised = {*flags, *(f"{flag}={value}" for flag, value in flags.items())}
    went = row["estimate"] if _is_told(row, "estimate") else row["change"]
    kinds = ["flag of a decrease"] if went is not None and went < 0 else []
    kinds += ["flag after midway"] if waves_of(row["contrast"])[0] == MID else []
    kind_of = {flag: kind for kind in ("flag", *kinds) for flag in LABELS[kind]}
    cautions = [label(kind_of[flag], flag, words, **values) for flag in kind_of if flag in raised]
    if {"selective_linkage", "selective_response"} & set(flags) and not _is_midway(row):
        cautions.append(_("The sensitivity analyses include everybody."))
    ends = [float(end) for end in flags.get("range", "").split("-") if end]
    if len(ends) == 2:
        low, high = (words.number(end, 0 if end.is_integer() else 1) for end in ends)
        of_gatherings = row["contrast"].startswith(("gathering", "per gathering"))
        kind = "gatherings" if of_gatherings else "interim_work"
        cautions.append(label("attended", kind, words, low=low, high=high))
    if row["estimand"] == "lowest_fifth":
        rises = _(
            "This is no sign of an effect on those who answered lowest: pupils' positions shift, "
            "and their answers vary more from one time to another than alpha allows for. That "
            "alone makes it rise."
        )
        cautions.append(rises)
    few = {"low_df", "few_clusters"} & set(flags) and row["reason"] != FEW_CLUSTERS
    few = few and not _why_not_certain(row).startswith("few")  # which the conclusion says
    if few and not pd.isna(row.get("n_clusters")) and row.get("verdict") != "unclear":
        cautions.append(label("few", row.get("cluster") or "school", words))
    return cautions


def evidence(row: Row, words: Words) -> str:
    """Return what kind of evidence a row is.

    Contrasts say so in their own sentences, and a level claims nothing.
    """
    if row["suppressed"]:
        return ""
    if row["estimand"] == "dose":
        return words.text(
            "Those who take part often may differ in other ways too, so this does not "
            "measure an effect."
        )
    descriptive = (row.get("evidence") or "").startswith("descriptive")
    if not descriptive or row["estimand"] in (*_CONTRASTS, "level"):
        return ""
    return words.text("This is without a control group.")


def _why_weak(row: Row, words: Words) -> str:
    """Return what weakens the scale behind a row; its light stands beside it already."""
    reasons = weaknesses(row.get("measurement_warning") or "", words)
    return words.text("Measurement: {reasons}.", reasons=reasons) if reasons else ""


def weaknesses(warning: str, words: Words) -> str:
    """Return what weakens a scale, from its codes; nothing where nothing does."""
    reasons = [label("warning", code, words) for code in warning.split(";") if code]
    return joined(reasons, words, clauses=True)


def summary(
    frame: pd.DataFrame,
    *,
    words: Words,
    linked: pd.DataFrame | None = None,
    pooled: pd.DataFrame | None = None,
    answered: pd.DataFrame | None = None,
) -> Drawn:
    """Return what each research question comes to, in a sentence or two: `certainty` in words.

    Outcomes of a question that went the same way, as certainly, share a sentence, those declared
    primary first; what nothing can be said of is gathered in one. What is hidden, or was not
    computed, stands once at the end.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of everybody: one change per outcome, levels of one wave where there
        is no change, and changes by attendance (`dose`).
    words : Words
        The reader's language.
    linked : DataFrame, optional
        Gated changes of the same pupils, told where they went another way than the same grades,
        or where nothing can be said of these.
    pooled : DataFrame, optional
        The changes pooled over the regions: which that are certain rest on a single region.
    answered : DataFrame, optional
        Gated rows of ``study.response()``: of how many the same people are.

    Returns
    -------
    Drawn
        An item per population and question, with the question's id.

    Examples
    --------
    >>> from loftet_analysis.show.languages import Answers
    >>> outcomes = {("pupils", "joy"): "Joy", ("pupils", "effort"): "Effort"}
    >>> words = Words("en", outcomes, answers=dict.fromkeys(outcomes, Answers(1, 4, "no", "yes")))
    >>> row = {"population": "pupils", "question": "Q1", "estimand": "same_grade",
    ...        "contrast": "post - pre", "region": "national", "plan_role": "primary",
    ...        "ci_level": 0.95, "sesoi": 0.1, "flags": "", "reason": "", "suppressed": False}
    >>> told = {"outcome": "joy", "change": 0.12, "estimate": 0.2, "ci_low": 0.1, "ci_high": 0.3,
    ...         "p_adjusted": 0.01, "verdict": "increase"}
    >>> other = {"outcome": "effort", "change": 0.02, "estimate": 0.03, "ci_low": -0.2,
    ...          "ci_high": 0.26, "p_adjusted": 0.8, "verdict": "unclear"}
    >>> print(summary(pd.DataFrame([row | told, row | other]), words=words).text)
    Q1: Joy went up by 0.12 points (scale 1–4; 0.20 standard deviations). For effort we cannot tell
    whether anything has changed.
    Changes compare the same grades before and after (different pupils).
    In bold: certain changes.
    “Cannot tell” does not mean that nothing has changed.
    """
    items, lines = [], []
    several = frame["population"].nunique() > 1
    frame = with_doubts(frame, pooled, words)

    def told(said: str, mark: str = "", kind: str = "") -> None:
        plain = said.replace(_BEGIN, "").replace(_END, "")
        rich = html.escape(said).replace(_BEGIN, "<strong>").replace(_END, "</strong>")
        title = html.escape(words.questions.get(mark, ""), quote=True)
        chip = f'<span class="question" title="{title}">{html.escape(mark)}</span> ' if mark else ""
        items.append(f"<li{kind}>{chip}{rich}</li>")
        lines.append(f"{mark}: {plain}" if mark else plain)

    quiet, heading = ' class="background"', ' class="background group"'
    for contrast in dict.fromkeys(map(contrast_of_waves, frame["contrast"])):
        if contrast in MIDWAY:
            told(f"{label('contrast', contrast, words).capitalize()}:", kind=heading)
    same = _told_of_the_same(frame, linked)
    for population, of_population in frame.groupby("population", sort=False):
        found = [
            (question, _sentences([_in_short(rows, words), _of_the_same(rows, same, words)]))
            for question, rows in of_population.groupby("question", sort=False)
        ]
        if several and any(said for _, said in found):
            told(label("population", population, words), kind=heading)
        for question, said in found:
            if said:
                told(said, question)
    doubtful = _less_certain_outcomes(frame, words)
    for said in (*doubtful, *_meaning(frame, same, words, answered), *_left_out(frame, words)):
        told(said, kind=quiet)
    return Drawn(f'<ul class="reading">{"".join(items)}</ul>', "\n".join(lines))


# names of outcomes that have certainly changed are set off; what is between is escaped before
_BEGIN, _END = "\x02", "\x03"


def _set_off(row: Row, words: Words, *, first: bool = False) -> str:
    """Return an outcome's name, as it stands first in a sentence or inside it.

    It is set off where its change is certain, and no less so by the mean over the regions.
    """
    name = words.outcome(row["population"], row["outcome"])
    name = quoted(name if first else in_sentence(name), words)
    return f"{_BEGIN}{name}{_END}" if _is_set_off(row) else name


def _is_set_off(row: Row) -> bool:
    return certainty(row) in ("increase", "decrease") and not row.get("less_certain")


def _with_size(row: Row, words: Words, first: bool) -> str:
    """Return an outcome's name with what is about zero: its change, or from what was expected."""
    from_expected = [c for c in ("trend", "drift") if _is_told(row, c)]
    size = row[f"estimate_vs_{from_expected[0]}"] if from_expected else row["estimate"]
    of = words.text("{size} standard deviations", size=words.number(size))
    return f"{_set_off(row, words, first=first)} ({of})"


def _in_short(frame: pd.DataFrame, words: Words) -> str:
    """Return the sentences on a question of one population; nothing where all is left out."""
    records = [row for row in frame.to_dict("records") if not row["suppressed"]]
    records = [row for row in records if is_computed(row)]
    records.sort(key=lambda row: row.get("plan_role") != "primary")
    levels = [row for row in records if row["estimand"] == "level" and row["contrast"] == "mean"]
    doses = [row for row in records if row["estimand"] == "dose"]
    changes = [row for row in records if row["estimand"] not in ("level", "dose")]
    said = [*_changes_in_short(changes, words), *_doses_in_short(doses, words)]
    return _sentences([*said, *_levels_in_short(levels, words)])


def _told_of_the_same(frame: pd.DataFrame, linked: pd.DataFrame | None) -> list[Row]:
    """Return changes of the same pupils that are not what is said of the same grades."""
    if linked is None:
        return []
    main = {(row["population"], row["outcome"]): row for row in frame.to_dict("records")}
    rows = []
    for row in linked.to_dict("records"):
        beside = main.get((row["population"], row["outcome"]), {"estimand": ""})
        if beside["estimand"] != "same_grade" or row["contrast"] != beside["contrast"]:
            continue
        way, other = (certainty(each).removeprefix("may ") for each in (row, beside))
        is_told = not row["suppressed"] and is_computed(row)
        if is_told and way in ("increase", "decrease") and not other.endswith(way):
            rows.append(row)
    return rows


def _of_the_same(frame: pd.DataFrame, same: Sequence[Row], words: Words) -> str:
    """Return what is told of the same pupils on the outcomes of a question."""
    outcomes = {*zip(frame["population"], frame["outcome"], strict=True)}
    rows = [row for row in same if (row["population"], row["outcome"]) in outcomes]
    if not rows:
        return ""
    clauses = " ".join(_changes_in_short(rows, words))
    return words.text("The same pupils, who have also grown older: {changes}", changes=clauses)


def _less_certain_outcomes(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which changes that are told as certain are less so by the mean over the regions."""
    for row in frame[frame["less_certain"] != ""].to_dict("records"):
        yield words.text(
            "For {outcome} the answer is less certain than it looks: the interval of the mean "
            "over the regions {where}.",
            outcome=_set_off(row, words),
            where=row["less_certain"],
        )


def in_short(row: Row, words: Words) -> str:
    """Return the word on a row of effects `with_doubts`, as tables and figures have it."""
    if row["suppressed"] or pd.isna(row["change"]):
        return no_number(row, words)
    code = f"{certainty_shown(row)}{' beyond drift' * is_expected(row)}"
    return f"{label('short', code, words)}{'*' * bool(row['less_certain'])}"


def no_number(row: Row, words: Words) -> str:
    """Return the word that stands instead of a number."""
    return words.text("hidden") if row["suppressed"] else words.text("not computed")


def certainty_shown(row: Row) -> str:
    """Return the certainty of a row that has a sign of its own; else *unclear*."""
    code = certainty(row)
    return code if code in CERTAINTY_SIGNS else "unclear"


def _by_certainty(
    rows: Iterable[Row],
) -> dict[str, list[Row]]:
    """Return rows by what may be concluded; nothing can of what has no verdict, or no interval."""
    found: dict[str, list] = {code: [] for code in CERTAINTY_SIGNS}
    for row in rows:
        code = certainty(row)
        found[code if code in found else "unclear"].append(row)
    return {code: rows for code, rows in found.items() if rows}


def _changes_in_short(rows: Sequence[Row], words: Words) -> Iterator[str]:
    scales: list[str] = []  # that a question's sentences have named so far
    for kind, those in (
        ("", [row for row in rows if not is_expected(row)]),
        (" beyond drift", [row for row in rows if is_expected(row)]),
    ):
        for code, alike in _by_certainty(those).items():
            text = f"{code}{kind}"
            if code == "negligible":
                named = joined([_with_size(row, words, row is alike[0]) for row in alike], words)
                sesoi = words.number(alike[0]["sesoi"])
                yield f"{label('summary', text, words, outcomes=named, sesoi=sesoi)}."
            elif code == "unclear":
                named = joined([_set_off(row, words) for row in alike], words)
                yield f"{label('summary', text, words, outcomes=named)}."
            else:
                yield f"{joined(_moves(alike, text, words, scales), words, clauses=True)}."


def _moves(rows: Sequence[Row], text: str, words: Words, scales: list[str]) -> list[str]:
    """Return a clause per row on how far it went; what they have in common is said once."""
    clauses: list[str] = []
    for row in rows:
        size = _size(row, words, scales)
        name = _set_off(row, words, first=not clauses)
        if text.endswith("drift"):
            low, high = _ends(row)
            went = "went up" if row["change"] > 0 else "went down"
            moved = label("moved", went if low > 0 or high < 0 else "unsure", words, size=size)
            clauses.append(label("summary", text, words, outcome=name, moved=moved))
        else:
            text_of = "further" if clauses else text
            clauses.append(label("summary", text_of, words, outcome=name, size=size))
    return clauses


def _size(row: Row, words: Words, scales: list[str]) -> str:
    """Return how large a change is, in points of its scale and in standard deviations."""
    said = words.text("{points} points", points=words.number(abs(row["change"])))
    size = "" if pd.isna(row["estimate"]) else words.number(abs(row["estimate"]))
    if size and not scales:
        size = words.text("{size} standard deviations", size=size)
    doubt = words.text("less certain, see below") if row.get("less_certain") else ""
    inside = "; ".join(filter(None, [_scale(row, words, scales), size, doubt]))
    return f"{said} ({inside})" if inside else said


def _scale(row: Row, words: Words, scales: list[str]) -> str:
    """Return from where to where an outcome's scale goes, unless that was the last one named."""
    scale = words.answers[row["population"], row["outcome"]]
    ends = f"{words.plain(scale.minimum)}\N{EN DASH}{words.plain(scale.maximum)}"
    if scales[-1:] == [ends]:
        return ""
    scales.append(ends)
    return words.text("scale {ends}", ends=ends)


def _levels_in_short(rows: Sequence[Row], words: Words) -> Iterator[str]:
    """Yield the means of a question's outcomes, wave by wave, with what their scales mean."""
    for wave in dict.fromkeys(row["wave"] for row in rows):
        scales: list[str] = []
        named, of_wave = [], [row for row in rows if row["wave"] == wave]
        for row in of_wave:
            scale = _scale(row, words, scales)
            middle = _middle(row, words) if scale else ""
            scale = "; ".join(filter(None, [scale, middle]))
            said = f"{_set_off(row, words)} {words.number(row['change'])}"
            named.append(f"{said} ({scale})" if scale else said)
        told = {"wave": label("wave", wave, words), "levels": joined(named, words)}
        asked = {words.asked.get((row["population"], row["outcome"]), ()) for row in of_wave}
        if len(asked) == 1 and (roles := asked.pop()):
            who = joined([label("subgroup", f"role={role}", words) for role in roles], words)
            told["wave"] = words.text("{wave}, {roles}", wave=told["wave"], roles=who)
        if few := _few_answers(of_wave):
            n = words.counts(*few)
            wave = told["wave"]
            told["wave"] = words.plural(
                "{wave} ({n} answer)", "{wave} ({n} answers)", few[-1], n=n, wave=wave
            )
        yield words.text("Mean {wave}: {levels}.", **told)


def _few_answers(rows: Iterable[Row]) -> tuple[float, ...]:
    """Return how many answered a wave, of the outcomes with the fewest and the most, where few."""
    numbers = {row[n] for row in rows for n in ("n_pre", "n_post") if _is_told(row, n)}
    few = min(numbers, default=schema.FEWEST_ANSWERS) < schema.FEWEST_ANSWERS
    return (min(numbers), max(numbers)) if few else ()


def _middle(row: Row, words: Words) -> str:
    """Return what the middle of a scale means; nothing where it has no answer in the middle."""
    pair = row["population"], row["outcome"]
    middle = (words.answers[pair].minimum + words.answers[pair].maximum) / 2
    meant = words.options.get(pair, {}).get(middle)
    return f"{words.plain(middle)} = {in_sentence(meant)}" if meant else ""


def _doses_in_short(rows: Sequence[Row], words: Words) -> Iterator[str]:
    """Yield whether changes go with attendance; what cannot be told is said once."""
    cannot_be_told, any_told = [], False
    for kind, (told, left_open) in _by_attendance(rows).items():
        what, found = label("attendance", kind, words), _by_certainty(told)
        for how, prefix in (("goes", ""), ("may go", "may ")):
            clauses = [
                label("attendance", code, words,
                      outcomes=_by_slope_or_many(found[f"{prefix}{code}"], words))
                for code in ("increase", "decrease") if f"{prefix}{code}" in found
            ]  # fmt: skip
            if clauses:
                any_told = True
                values = {"what": what, "clauses": joined(clauses, words)}
                yield f"{label('attendance', how, words, **values)}."
        cannot_be_told += [what] if left_open else []
    if cannot_be_told:
        what = f" {words.text('or')} ".join(cannot_be_told)
        code = "unclear otherwise" if any_told else "unclear"
        yield f"{label('attendance', code, words, what=what)}."


def _by_slope_or_many(rows: Sequence[Row], words: Words) -> str:
    """Return the names of outcomes, with a word on those told of many against few alone."""
    slopes = [slope for slope, _ in _ATTENDANCE.values()]
    named = [
        _set_off(row, words)
        if row["contrast"] in slopes
        else words.text("{outcome} (many against few)", outcome=_set_off(row, words))
        for row in rows
    ]
    return joined(named, words)


def _by_attendance(
    rows: Sequence[Row],
) -> dict[str, tuple[list[Row], list[Row]]]:
    """Return rows of `dose`, by what they are by: those told of, and those of other outcomes.

    Of many against few it is told where the slope does not go that way.
    """
    found = {}
    for kind, contrasts in _ATTENDANCE.items():
        of_kind = [row for contrast in contrasts for row in rows if row["contrast"] == contrast]
        ways: dict[tuple[object, object], str] = {}
        told = []
        for row in of_kind:
            pair, way = (row["population"], row["outcome"]), certainty(row).removeprefix("may ")
            if way in ("increase", "decrease") and ways.get(pair) != way:
                ways[pair] = way
                told.append(row)
        left_open = [row for row in of_kind if (row["population"], row["outcome"]) not in ways]
        found[kind] = (told, left_open)
    return found


def may_have(
    rows: Iterable[Row],
    words: Words,
    others: Iterable[Row] = (),
) -> str:
    """Return what “may have” means of some rows; nothing where it is said of none.

    The front page shows the changes of `rows` for all regions, and not those of `others`.
    """

    def doubts_of(those: Iterable[Row]) -> set[str]:
        return {_why_not_certain(row) for row in those if certainty(row).startswith("may")}

    there, elsewhere = doubts_of(rows), doubts_of(others)
    doubts = there | elsewhere
    whys = [label("doubt", code, words) for code in LABELS["doubt"] if code in doubts]
    why = f", {words.text('or')} ".join(whys)
    said = words.text("“May have”: the interval excludes zero, but {why}.", why=why)
    if "one region" in there:
        front = words.text(
            "The table on the front page allows for them, so a change may be certain there."
        )
        said = f"{said} {front}"
    return said if whys else ""


def _meaning(
    frame: pd.DataFrame, same: Sequence[Row], words: Words, answered: pd.DataFrame | None
) -> Iterator[str]:
    """Yield what words of doubt mean, as far as they were used, of the `same` pupils too."""
    shown = frame[~frame["suppressed"].astype(bool) & (frame["estimand"] != "level")]
    records = shown.to_dict("records")
    doses = [row for row in records if row["estimand"] == "dose"]
    records = [row for row in records if row["estimand"] != "dose"]
    records += [row for found in _by_attendance(doses).values() for of in found for row in of]
    codes = {certainty(row) for row in records}
    computed = [row for row in records if is_computed(row)]
    if said := compared(computed, words, counted=True, answered=answered):
        yield said
    if any(_is_set_off(row) for row in records):
        yield words.text("In bold: certain changes.")
    if said := may_have(records, words, others=same):
        yield said
    if any(code.endswith(_SMALL) for code in codes):
        yield words.text(
            "“Very little”: less than the smallest change of interest (±{sesoi} standard "
            "deviations).",
            sesoi=words.number(records[0]["sesoi"]),
        )
    if "unclear" in codes:
        yield words.text("“Cannot tell” does not mean that nothing has changed.")
    is_mean = frame["estimand"].eq("level") & frame["contrast"].eq("mean")
    told = frame[is_mean & ~frame["suppressed"].astype(bool)]
    by_wave = told.groupby(["population", "question", "wave"]) if len(told) else ()
    if any(_few_answers(rows.to_dict("records")) for _, rows in by_wave):
        yield words.text(
            "The number of answers is given where it is below {n}.",
            n=words.count(schema.FEWEST_ANSWERS),
        )


def compared(
    rows: Iterable[Row],
    words: Words,
    *,
    counted: bool = False,
    answered: pd.DataFrame | None = None,
) -> str:
    """Return what changes in short compare, in a sentence; empty where there are none.

    `counted`: of those who are the same before and after, with how many they are, and of how many
    who `answered` (gated rows of response); of rows of one region.
    """
    there: dict[str, list[float]] = {}
    before: dict[str, str] = {}
    for row in rows:
        pairs = there.setdefault(_compared(row, words), [])
        if counted and _is_told(row, "n_pairs"):
            pairs.append(row["n_pairs"])
            before[_compared(row, words)] = _who_answered_before(row, answered, words)
    kinds = []
    for each in LABELS["compared"]:
        if each not in there:
            continue
        kind, pairs = label("compared", each, words), there[each]
        if pairs:
            n = words.counts(min(pairs), max(pairs))
            if words.rounding > 1:
                n = words.text("about {n}", n=n)
            if before[each]:
                n = words.text("{n} of {all}", n=n, all=before[each])
            kind = f"{kind}, {n}"
        kinds.append(kind)
    return words.text("Changes compare {what}.", what=joined(kinds, words)) if kinds else ""


def _who_answered_before(row: Row, answered: pd.DataFrame | None, words: Words) -> str:
    """Return how many whose answers are kept a change of the same people could have been of."""
    wave = waves_of(row["contrast"])[0]
    if answered is None or row["estimand"] not in ("linked_change", *ROLE_OF):
        return ""
    role = ROLE_OF.get(row["estimand"])
    group = f"role={role}" if role else ALL
    of_group = answered["population"].eq(row["population"]) & answered["subgroup"].eq(group)
    kept = answered.loc[of_group & answered["wave"].eq(wave), "n_kept"].dropna()
    if len(kept) != 1:
        return ""
    when = label("wave", wave, words)
    return words.text("the {n} {wave}", n=words.count(kept.iloc[0]), wave=when)


def _compared(row: Row, words: Words) -> str:
    """Return what a change compares, as a key of its texts."""
    by_year = row["estimand"] == "same_grade" and _in_same_year(row, words)
    return f"{row['estimand']}{SAME_YEAR if by_year else ''}"


def _in_same_year(row: Row, words: Words) -> bool:
    """Return whether no school year is known to lie between the waves that a row compares."""
    return (row["population"], contrast_of_waves(row["contrast"])) in words.same_year


def _left_out(frame: pd.DataFrame, words: Words) -> Iterator[str]:
    """Yield which outcomes are hidden, were not computed, or are measured in doubt: each once."""
    of_outcomes = frame[frame["estimand"] != "dose"]
    keys = ["population", "outcome"]
    labels = outcome_labels(of_outcomes[keys].itertuples(index=False, name=None), words)

    def named(rows: pd.DataFrame) -> str:
        pairs = dict.fromkeys(rows[keys].itertuples(index=False, name=None))
        return joined([quoted(in_sentence(labels[pair]), words) for pair in pairs], words)

    hidden = of_outcomes["suppressed"].astype(bool)
    of_few_schools = of_outcomes["reason"].eq(FEW_CLUSTERS)
    for _, rows in of_outcomes[hidden].groupby(of_few_schools[hidden]):
        yield _hidden(rows.iloc[0], words).format(outcomes=named(rows))
    refused = of_outcomes[~hidden & ~of_outcomes["reason"].isin(["", FEW_CLUSTERS])]
    for reason, rows in refused.groupby("reason", sort=False):
        why = label("reason", reason, words)
        yield words.text("Not computed, since {why}: {outcomes}.", why=why, outcomes=named(rows))
    doses = frame[frame["estimand"] == "dose"].to_dict("records")
    if doses and all(row["suppressed"] or not is_computed(row) for row in doses):
        link = words.text("how the change is associated with attendance")
        row = next((row for row in doses if row["suppressed"]), doses[0])
        yield _why_open(row, words).format(outcomes=link)
    if "measurement_warning" in of_outcomes:
        warnings = of_outcomes["measurement_warning"].fillna("")
        lights = warnings.map(light)
        doubtful, with_care = (of_outcomes[~hidden & (lights == code)] for code in (DOUBT, CARE))
        if len(doubtful):
            yield words.text("Measurement in doubt: {reasons}.", reasons=named(doubtful))
        n = len(with_care[keys].drop_duplicates())
        told = {"mark": LIGHT_SHAPES[CARE], "n": words.count(n), "outcomes": named(with_care)}
        if n > _NAMED:
            yield words.text(
                "{mark} Read with care, as they are measured less well: {n} scales.", **told
            )
        elif n:
            yield words.text(
                "{mark} Read with care, as it is measured less well: {outcomes}.", **told
            )


@view(nothing="There are no scales.")
def quality(frame: pd.DataFrame, *, words: Words) -> Drawn:
    """Return how well the scales measure: a sentence per light, with what weakens a scale.

    Parameters
    ----------
    frame : DataFrame
        Gated lights.
    words : Words
        The reader's language.

    Returns
    -------
    Drawn
        An item per light, from the good ones, which are counted only, to those in doubt; hidden
        scales are not counted.

    Examples
    --------
    >>> outcomes = {("pupils", "joy"): "Joy", ("pupils", "effort"): "Effort"}
    >>> rows = [("pupils", "joy", "good", ""), ("pupils", "effort", "care", "modest_reliability")]
    >>> columns = ["population", "outcome", "light", "measurement_warning"]
    >>> print(quality(pd.DataFrame(rows, columns=columns), words=Words("en", outcomes)).text)
    ● Good measurement: 1 of 2 scales.
    ▲ Read with care: 1 of 2 scales. Effort – its reliability is modest.
    """
    told = frame[frame["light"].ne("")]
    names_of = outcome_labels(
        told[["population", "outcome"]].itertuples(index=False, name=None), words
    )
    lines = []
    for code, shape in LIGHT_SHAPES.items():
        rows = told[told["light"] == code].to_dict("records")
        if not rows:
            continue
        alike: dict[str, list[str]] = {}
        for row in rows:
            why = weaknesses(row["measurement_warning"], words)
            alike.setdefault(why, []).append(names_of[row["population"], row["outcome"]])
        light_of = label("light", code, words)
        k = words.count(len(rows))
        said = words.plural("{k} of {n} scale", "{k} of {n} scales", len(told), k=k)
        parts = [f"{shape} {light_of[:1].upper()}{light_of[1:]}: {said}."]
        if code != GOOD:
            named_so = {why: joined(of, words) for why, of in alike.items()}
            parts += [f"{of} – {why}." if why else f"{of}." for why, of in named_so.items()]
        lines.append(" ".join(parts))
    return bullets(lines)


@view(nothing="Nobody has answered so far.")
def who_answered(frame: pd.DataFrame, *, words: Words) -> str:
    """Return who answered: a sentence per population.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of ``schema.RESPONSE`` with `n_schools`, of everybody, by population and wave.
    words : Words
        The reader's language.

    Returns
    -------
    str
        A paragraph per population, and one on how numbers are rounded. A share is told of
        `FOR_A_SHARE` invited or more; without any it is said why.

    Examples
    --------
    >>> rows = pd.DataFrame({"population": "pupils", "wave": ["pre", "post"],
    ...                      "n_invited": [200, 180], "n_answered": [180, 144],
    ...                      "n_linked": [90, 90], "n_schools": [9, 9], "suppressed": False})
    >>> print(who_answered(rows, words=Words("en")))
    Pupils: 180 answered before (90% of those invited) and 144 after (80%), at 9 schools; 90 were
    found both times.
    """
    said = [
        _those_who_answered(population, rows.to_dict("records"), words)
        for population, rows in frame.groupby("population", sort=False)
    ]
    return "\n\n".join(filter(None, [*said, rounded(words)]))


def of_enough(words: Words) -> str:
    """Return of how many people a share is told."""
    return words.text(
        "Shares are given only for groups of {n} people or more.", n=words.count(FOR_A_SHARE)
    )


def rounded(words: Words) -> str:
    """Return how numbers of people are rounded; nothing where they are not."""
    if words.rounding == 1:
        return ""
    return words.text(
        "Numbers of people are rounded to the nearest multiple of {n}; means and changes of few "
        "people are rounded too, and intervals move with them.",
        n=words.rounding,
    )


def _those_who_answered(population: str, rows: Sequence[Row], words: Words) -> str:
    _ = words.text
    who = label("population", population, words)
    told: list[str] = []
    shares: list[str] = []
    answered = [row for row in rows if _is_told(row, "n_answered")]
    for row in answered:
        n, wave = words.count(row["n_answered"]), label("wave", row["wave"], words)
        of_invited = share_of(row["n_answered"], row.get("n_invited", math.nan))
        share = "" if of_invited is None else words.percent(of_invited)
        if told:
            told.append(f"{n} {wave} ({share})" if share else f"{n} {wave}")
        elif share:
            told.append(
                _("{n} answered {wave} ({share} of those invited)", n=n, wave=wave, share=share)
            )
        else:
            told.append(_("{n} answered {wave}", n=n, wave=wave))
        shares += [share] if share else []
    if not told:
        return f"{who}: {_('suppressed (confidentiality).')}"
    said = f"{who}: {joined(told, words)}"
    schools = max((row["n_schools"] for row in rows if _is_told(row, "n_schools")), default=0)
    if schools:
        said = words.plural("{said}, at {n} school", "{said}, at {n} schools", schools, said=said)
    linked = max((row["n_linked"] for row in rows if _is_told(row, "n_linked")), default=0)
    if linked:
        n = words.count(linked)
        said = _("{said}; {n} were found both times", said=said, n=n)
    if shares:
        return f"{said}."
    known = any(_is_told(row, "n_invited") for row in answered)
    why = _("so few were invited that no share is given")
    return f"{said}; {why if known else _('how many were invited is not known')}."
