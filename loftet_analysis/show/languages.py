"""What readers see as words and numbers: catalogues, number formats, names, short sentences.

English texts are the message ids; bokmål and nynorsk are read from ``locale/*/LC_MESSAGES``.
Numbers become text here and nowhere else.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import pandas as pd
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem

LANGUAGES = ("nb", "nn", "en")
#: Ends the tag of a language in which every translation is wrapped in ⟦…⟧ (BCP 47, private use).
PSEUDO = "-x-pseudo"

_LOCALE = Path(__file__).parent / "locale"
MINUS = "\N{MINUS SIGN}"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


@cache
def catalogue(language: str) -> Mapping[str, str | tuple[str, ...]]:
    """Return a language's translations by message id; English has none.

    Fuzzy and empty entries are left out, so their English text shows.

    Examples
    --------
    >>> catalogue("nn")["Colleagues"]
    'Kollegaer'
    >>> catalogue("en")
    {}
    """
    path = _LOCALE / language / "LC_MESSAGES" / "loftet.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language)
    return {
        (entry.id[0] if entry.pluralizable else entry.id): entry.string
        for entry in entries
        if entry.id and entry.string and not entry.fuzzy
    }


@dataclass(frozen=True)
class Answers:
    """The ends of a response scale, as its readers see them.

    Attributes
    ----------
    minimum, maximum : float
        Lowest and highest point.
    low, high : str
        Their labels in the reader's language.
    step : float
        The distance between two neighbouring scores of a full answer: 1 / number of items.
    """

    minimum: float
    maximum: float
    low: str
    high: str
    step: float = 1.0


@dataclass(frozen=True)
class Words:
    """One reader's language: translations, numbers, and the names of outcomes and regions.

    Attributes
    ----------
    language : str
        ``nb``, ``nn`` or ``en``; with ``-x-pseudo`` after it every translation is wrapped in ⟦…⟧.
    outcomes : mapping of (population, outcome) to str
        The scales' labels in this language.
    regions : mapping of slug to str
        The regions' names in their display form.
    answers : mapping of (population, outcome) to Answers
        The scales' response scales.
    options : mapping of (population, outcome) to mapping of int to str
        The scales' answers, by value.
    items : mapping of (population, item) to str
        The items' wordings.
    reversed_items : frozenset of (population, item)
        Those whose answers were turned in cleaning.
    schools : mapping of school_id to str
        The schools' names.

    Raises
    ------
    InputError
        For a language that has no catalogue.

    Examples
    --------
    >>> nb = Words("nb")
    >>> nb.text("Colleagues"), nb.number(-1234.5, 2), nb.p_value(0.0001)
    ('Kolleger', '−1\u202f234,50', '< 0,001')
    """

    language: str
    outcomes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[tuple[str, str], Answers] = field(default_factory=dict)
    options: Mapping[tuple[str, str], Mapping[int, str]] = field(default_factory=dict)
    items: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reversed_items: frozenset[tuple[str, str]] = frozenset()
    schools: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.locale not in LANGUAGES:
            raise InputError(
                Problem("unknown language", found=self.language, allowed=", ".join(LANGUAGES))
            )

    @property
    def locale(self) -> str:
        """The language without the mark of a pseudo-locale."""
        return self.language.removesuffix(PSEUDO)

    def text(self, message: str, /, **values: object) -> str:
        """Return a message in this language, its placeholders filled."""
        return self._finished(catalogue(self.locale).get(message, message), values)

    def plural(self, one: str, many: str, n: float, **values: object) -> str:
        """Return the form of a message that fits ``n``, which fills ``{n}`` as a count."""
        forms = catalogue(self.locale).get(one, (one, many))
        return self._finished(forms[0 if n == 1 else 1], {"n": self.count(n), **values})

    def _finished(self, text: str, values: Mapping[str, object]) -> str:
        filled = text.format(**values) if values else text
        return f"⟦{filled}⟧" if self.language.endswith(PSEUDO) else filled

    def number(self, value: float, digits: int = 2, *, signed: bool = False) -> str:
        """Return a number with fixed decimals and true minus; empty for a missing one.

        Examples
        --------
        >>> Words("nn").number(0.125, 2, signed=True), Words("en").number(-0.001, 2)
        ('+0,13', '0.00')
        """
        if pd.isna(value):
            return ""
        if math.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        # half away from zero, as readers of a table do it; and never a negative zero
        size = math.floor(abs(float(value)) * 10**digits + 0.5 + 1e-9) / 10**digits
        text = _decimal(size, digits, self.locale)
        sign = "" if size == 0 else MINUS if value < 0 else "+" if signed else ""
        return sign + text

    def count(self, value: float) -> str:
        """Return a count, its thousands apart by a narrow space (a comma in English)."""
        return self.number(value, 0)

    def percent(self, share: float) -> str:
        """Return a share of 0–1 as whole per cent.

        Examples
        --------
        >>> Words("nb").percent(0.95), Words("en").percent(0.95)
        ('95\N{NO-BREAK SPACE}%', '95%')
        """
        gap = "" if self.locale == "en" else "\N{NO-BREAK SPACE}"
        return f"{self.number(100 * share, 0)}{gap}%"

    def p_value(self, value: float) -> str:
        """Return a p-value with three decimals, the smallest as ``< 0.001``."""
        if value < 0.001:
            return f"< {self.number(0.001, 3)}"
        return self.number(value, 3)

    def interval(self, low: float, high: float, digits: int = 2) -> str:
        """Return the two ends of an interval, or nothing where there is none.

        Examples
        --------
        >>> Words("nb").interval(-0.16, 0.005)
        '−0,16 til 0,01'
        """
        if pd.isna(low) or pd.isna(high):
            return ""
        # TRANSLATORS: between the two ends of an interval
        return f"{self.number(low, digits)} {self.text('to')} {self.number(high, digits)}"

    def date(self, value: datetime.date) -> str:
        """Return a date in words."""
        return self._finished(format_date(value, format="long", locale=self.locale), {})

    def day(self, value: datetime.date) -> str:
        """Return a day of the year, short.

        Examples
        --------
        >>> Words("nb").day(datetime.date(2025, 9, 15)), Words("en").day(datetime.date(2025, 9, 15))
        ('15. sep.', '15 Sep')
        """
        form = "d MMM" if self.locale == "en" else "d. MMM"
        return self._finished(format_date(value, form, locale=self.locale), {})

    def outcome(self, population: str, outcome: str) -> str:
        """Return a scale's label."""
        return self.outcomes[population, outcome]

    def region(self, slug: str) -> str:
        """Return a region's name in its display form; ``national`` is all of them together."""
        return self.text("All regions") if slug == names.NATIONAL else self.regions[slug]


@lru_cache(maxsize=4096)  # the same few numbers come again and again
def _decimal(size: float, digits: int, locale: str) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    text = format_decimal(size, format=pattern, locale=locale)
    return text if locale == "en" else text.replace("\N{NO-BREAK SPACE}", _NARROW_SPACE)


def joined(parts: list[str], words: Words) -> str:
    """Return a list in running text: ``a, b and c``.

    Examples
    --------
    >>> joined(["a", "b", "c"], Words("nb"))
    'a, b og c'
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {words.text('and')} {parts[-1]}"


def estimand_label(estimand: str, words: Words, contrast: str = "") -> str:
    """Return what an estimand is called in tables and figures.

    Parameters
    ----------
    estimand : str
        One of ``names.ESTIMANDS``.
    words : Words
        The reader's language.
    contrast : str, optional
        The row's contrast, which tells apart the rows of an estimand that has several.

    Examples
    --------
    >>> estimand_label("level", Words("nb")), estimand_label("level", Words("nb"), "mean")
    ('Nivå', 'Nivå, gjennomsnitt')
    """
    _ = words.text
    label = {
        "linked_change": _("Linked change"),
        "same_grade": _("Same-grade change"),
        "school_change": _("School change"),
        "cohort_change": _("Cohort change"),
        "participants": _("Participants"),
        "colleagues": _("Colleagues"),
        "participants_vs_colleagues": _("Participants − colleagues"),
        "programme_vs_comparison": _("Programme − comparison"),
        "level": _("Level"),
        "dose": _("Change by attendance"),
        "same_grade_quantile": _("Percentiles of the same grades"),
        "share_below": _("Share of low answers"),
        "gap_change": _("Change of the gap"),
        "lowest_fifth": _("Lowest fifth − expected"),
        "spread_ratio": _("Change of the spread"),
    }[estimand]
    detail = contrast_label(estimand, contrast, words) if contrast else ""
    return f"{label}, {detail}" if detail else label


def contrast_label(estimand: str, contrast: str, words: Words) -> str:
    """Return what sets a row apart from the others of its estimand; nothing where it is alone."""
    _ = words.text
    if estimand == "same_grade_quantile":
        return _("{number}th percentile", number=words.count(percent_of(contrast)))
    if estimand == "gap_change":
        one, other = (subgroup_label(group, words) for group in contrast.split(" - "))
        return f"{one} {MINUS} {other}"
    return {
        ("level", "mean"): _("mean"),
        ("level", "share agreeing"): _("share above the middle"),
        ("dose", "per gathering"): _("per gathering"),
        ("dose", "per interim work"): _("per interim task"),
        ("dose", "gathering: 90th - 10th percentile"): _("many − few gatherings"),
        ("dose", "interim work: 90th - 10th percentile"): _("many − few interim tasks"),
        ("spread_ratio", "between schools"): _("between schools"),
        ("spread_ratio", "within schools"): _("within schools"),
    }.get((estimand, contrast), "")


def percent_of(contrast: str) -> int:
    """Return the per cent of a percentile's contrast, ``p10``."""
    return int(contrast.removeprefix("p"))


def analysis_label(analysis: str, words: Words) -> str:
    """Return what an analysis of the sensitivity table is called."""
    _ = words.text
    return {
        "school_means": _("schools count alike"),
        "reml_slope": _("multilevel model"),
        "stayers": _("only those who stayed at their school"),
        "linkage_weights": _("weights for those who were not linked"),
        "register_weights": _("weights to the register"),
        "imputation": _("missing answers imputed"),
        "linked_and_unlinked": _("linked and unlinked"),
        "own_unit": _("the region's own standard deviation"),
        "linked_unit": _("standard deviation of the linked"),
        "average_unit": _("mean standard deviation of both times"),
        "hedges_g": _("Hedges' g"),
        "superiority": _("only the order of the answers"),
        "ordered_logit": _("ordered logit"),
        "naive": _("naive: schools ignored"),
        "cluster_school": _("clusters: school before"),
        "cluster_post_school": _("clusters: school after"),
        "cluster_network": _("clusters: networks of schools"),
        "without_careless": _("without careless answers"),
        "without_failing_items": _("without items that changed by themselves"),
        "latent_change": _("latent change"),
        "all_schools": _("all schools"),
        "equal_grades": _("grades count alike"),
        "ancova": _("adjusted for the answer before"),
        "school_effects": _("within schools"),
    }[analysis]


def subgroup_label(subgroup: str, words: Words) -> str:
    """Return what a subgroup is called; nothing for everybody, and the value where it has no name.

    Examples
    --------
    >>> [subgroup_label(f"gender={each}", Words("nb")) for each in ("girl", "boy")]
    ['jenter', 'gutter']
    """
    _ = words.text
    if subgroup.startswith("grade="):
        return _("grade {grade}", grade=subgroup.removeprefix("grade="))
    named = {
        names.ALL: "",
        "role=participant": _("participants"),
        "role=colleague": _("colleagues"),
        "role=leader": _("leaders"),
        "gender=girl": _("girls"),
        "gender=boy": _("boys"),
        "gender=undisclosed": _("those who do not state their gender"),
        "grade_band=5-7": _("grades 5–7"),
        "grade_band=8-10": _("grades 8–10"),
    }
    return named.get(subgroup, subgroup.partition("=")[2])


def wave_label(wave: str, words: Words) -> str:
    """Return what a wave is called."""
    _ = words.text
    return {
        names.PRE: _("before"),
        names.MID: _("midway"),
        names.POST: _("after"),
        names.LINKED: _("both times"),
    }[wave]


def reason_label(reason: str, words: Words) -> str:
    """Return why a row of results has no numbers, as the end of a sentence with *since*."""
    _ = words.text
    return {
        "no_outcome": _("the data have no such scale"),
        "no_subgroup": _("the data do not say who belongs to the group"),
        "no_grade": _("the data have no grades"),
        "no_role": _("nobody in the data has this role"),
        "no_answers": _("nobody has a valid answer"),
        "no_pairs": _("nobody, or nobody of one role, has a valid answer both times"),
        "no_common_cells": _("no grade of any school has enough answers both times"),
        "no_cohort": _("no cohort was asked both times, or the dates are missing"),
        "no_comparison": _("there are no comparison schools, or no others"),
        "baseline_differs": _(
            "the groups were more than a quarter of a standard deviation apart before"
        ),
        "groups_overlap": _("some belong to both groups"),
        "nobody_low": _("nobody, or everybody, is below the limit of the lowest fifth"),
        "no_reliability": _("the reliability of the scale is not known"),
        "no_attendance": _("attendance cannot be joined to the answers"),
        "no_range": _("almost everybody attended equally often"),
        "no_register": _("the register does not say how many were asked at each school"),
        "little_missing": _("hardly any answers are missing"),
        "nobody_missing": _("nobody is missing"),
        "separated": _("those found again differ wholly from the others"),
        "no_careless_flags": _("the data do not say who gave the same answer throughout"),
        "nobody_careless": _("nobody gave the same answer throughout"),
        "too_few_items": _("the scale has too few items"),
        "too_few_people": _("too few people answered"),
        "one_cluster": _("it would rest on a single school or group of schools"),
        "few_schools": _("there are too few schools for it"),
        "no_variance": _("the schools do not differ, so chance cannot be judged"),
        "not_estimable": _("the data cannot tell the comparison from differences between schools"),
        "not_nested": _("some belong to more than one school or region"),
        "not_converged": _("the computation came to no stable result"),
        "at_the_end_of_the_scale": _("too many answers lie at the end of the scale"),
        "no_unique_quantile": _("no answers lie near this percentile"),
        "no_unit": _("there is no standard deviation to measure it by"),
        "unknown_estimand": _("this comparison is not known"),
    }[reason]


def warning_label(code: str, words: Words) -> str:
    """Return what weakens a scale, in the middle of a sentence."""
    _ = words.text
    return {
        "no_metric_invariance": _("its items do not go together alike before and after"),
        "metric_invariance_unsure": _(
            "whether its items go together alike before and after is not certain"
        ),
        "no_scalar_invariance": _("some of its items moved by themselves"),
        "invariance_not_examined": _(
            "whether it measures alike before and after could not be examined"
        ),
        "low_reliability": _("its reliability is low"),
        "modest_reliability": _("its reliability is modest"),
        "wording_changed": _("a question was worded otherwise one of the times"),
        "floor_effect": _("many have the lowest possible score"),
        "ceiling_effect": _("many have the highest possible score"),
    }[code]


def light_label(light: str, words: Words) -> str:
    """Return what a scale's light means: good, care or doubt."""
    _ = words.text
    return {
        "good": _("measures well"),
        "care": _("read with care"),
        "doubt": _("in doubt"),
    }[light]


#: A shape for each light, so that it can be told without its colour.
LIGHT_SHAPES = {"good": "●", "care": "▲", "doubt": "■"}


def population_label(population: str, words: Words) -> str:
    """Return what a population is called."""
    _ = words.text
    return {"pupils": _("Pupils"), "teachers": _("Teachers"), "leaders": _("Leaders")}[population]


def step_label(step: str, words: Words) -> str:
    """Return what the people at a step from the invited to the linked are called."""
    _ = words.text
    return {
        "n_invited": _("Invited"),
        "n_answered": _("Answered"),
        "n_consented": _("Consented"),
        "n_kept": _("Kept in the analysis"),
        "n_linkable": _("Could be found again"),
        "n_linked": _("Found both times"),
    }[step]


def state_label(state: str, words: Words) -> str:
    """Return what became of a sheet's link to another wave."""
    _ = words.text
    return {
        "linked": _("linked"),
        "linked_near": _("linked by a code with one element off"),
        "structurally_impossible": _("too old or too young to be asked both times"),
        "code_error": _("no usable code or number"),
        "ambiguous": _("code shared by several"),
        "grade_mismatch": _("grades that cannot follow each other"),
        "declined": _("the other answer may not be used"),
        "set_aside": _("the other answer was set aside"),
        "moved": _("met in another region"),
        "absent": _("no answer the other time"),
    }[state]


def sign_label(sign: str, words: Words) -> str:
    """Return what a sign of careless answering is called."""
    _ = words.text
    return {
        "same_answer": _("the same answer throughout, to questions that go both ways"),
        "fast": _("less than two seconds per question"),
        "half_missing": _("more than half left blank"),
    }[sign]


def register_label(column: str, words: Words) -> str:
    """Return what is counted in a register of attendance."""
    _ = words.text
    return {"gatherings": _("gatherings"), "interim_work": _("interim tasks")}[column]
