"""What readers see as words and numbers: catalogues, number formats, names.

English texts are the message ids; bokmål and nynorsk are read from ``locale/*/LC_MESSAGES``.
Numbers become text here and nowhere else.
"""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import pandas as pd
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from loftet_analysis import names
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import CONTRASTS, ESTIMANDS, MIDWAY, contrast_of_waves
from loftet_analysis.schema import Row
from loftet_analysis.show.labels import LABELS
from loftet_analysis.stats.shrinkage import FEWEST
from loftet_analysis.study import Study
from loftet_analysis.study.instrument import LANGUAGES

#: Ends the tag of a language in which every translation is wrapped in ⟦…⟧ (BCP 47, private use).
PSEUDO = "-x-pseudo"

_LOCALE = Path(__file__).parent / "locale"
MINUS = "\N{MINUS SIGN}"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


@cache
def catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    """Return a language's translations by message id, in all their forms; English has none.

    Fuzzy and empty entries are left out, so their English text shows.

    Examples
    --------
    >>> catalogue("nn")["Colleagues"]
    ('Kollegaer',)
    >>> catalogue("en")
    {}
    """
    path = _LOCALE / language / "LC_MESSAGES" / "loftet.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language)
    return {
        entry.id if isinstance(entry.id, str) else entry.id[0]: (
            (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)
        )
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
        The distance between two neighbouring scores of a full answer: 1 / number of items; of a
        published score the width of a bin.
    is_score : bool
        Whether it is a published score, whose points have no labels.
    needed, n_items : int
        How many items must be answered for a score, and how many there are.
    """

    minimum: float
    maximum: float
    low: str
    high: str
    step: float = 1.0
    is_score: bool = False
    needed: int = 1
    n_items: int = 1


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
        The regions' names in their display form, and that of all together where it is one of them.
    answers : mapping of (population, outcome) to Answers
        The scales' response scales.
    options : mapping of (population, outcome) to mapping of float to str
        The scales' answers, by value.
    asked : mapping of (population, outcome) to tuple of str
        The roles that were asked, of scales that not all of the population were.
    items : mapping of (population, item) to str
        The items' wordings.
    reversed_items : frozenset of (population, item)
        Those whose answers were turned in cleaning.
    schools : mapping of school_id to str
        The schools' names.
    wordings : mapping of (population, item, wave) to str
        How items were worded in a wave in which they were worded otherwise.
    questions : mapping of id to str
        The study's research questions.
    features : mapping of str to str
        What the features of regions are called.
    same_year : frozenset of (population, contrast)
        Waves between which no school year lies, as far as is known.
    rounding : int
        Numbers of people are rounded to multiples of it.
    labels : mapping of str to str
        What background columns of the study's own, and their groups, are called.

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
    options: Mapping[tuple[str, str], Mapping[float, str]] = field(default_factory=dict)
    items: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reversed_items: frozenset[tuple[str, str]] = frozenset()
    schools: Mapping[str, str] = field(default_factory=dict)
    wordings: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=dict)
    rounding: int = 1
    same_year: frozenset[tuple[str, str]] = frozenset()
    asked: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.locale not in LANGUAGES:
            raise InputError("unknown language", found=self.language, allowed=", ".join(LANGUAGES))

    @property
    def locale(self) -> str:
        """The language without the mark of a pseudo-locale."""
        return self.language.removesuffix(PSEUDO)

    def text(self, message: str, /, **values: object) -> str:
        """Return a message in this language, its placeholders filled."""
        return self._finished(catalogue(self.locale).get(message, (message,))[0], values)

    def plural(self, one: str, many: str, n: float, /, **values: object) -> str:
        """Return the form of a message that fits ``n``, which fills ``{n}`` unless `values` do."""
        forms = catalogue(self.locale).get(one, (one, many))
        return self._finished(forms[0 if n == 1 else 1], {"n": self.count(n), **values})

    def _finished(self, text: str, values: Mapping[str, object]) -> str:
        filled = text.format(**values) if values else text
        return f"⟦{filled}⟧" if self.language.endswith(PSEUDO) else filled

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number with fixed decimals and true minus; empty for a missing one.

        There is one system of signs: what is negative has a minus, and nothing has a plus.

        Examples
        --------
        >>> Words("nn").number(0.125), Words("nn").number(-0.125), Words("en").number(-0.001)
        ('0,13', '−0,13', '0.00')
        """
        if pd.isna(value):
            return ""
        if math.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        # half away from zero, as readers of a table do it; and never a negative zero
        size = math.floor(abs(float(value)) * 10**digits + 0.5 + 1e-9) / 10**digits
        text = _decimal(size, digits, self.locale)
        sign = MINUS if size and value < 0 else ""
        return sign + text

    def count(self, value: float) -> str:
        """Return a count, its thousands apart by a narrow space (a comma in English)."""
        return self.number(value, 0)

    def counts(self, low: float, high: float) -> str:
        """Return between which counts something lies; one count where both are the same.

        Examples
        --------
        >>> Words("nb").counts(2, 1200), Words("nb").counts(2, 2)
        ('2–1\u202f200', '2')
        """
        return "\N{EN DASH}".join(dict.fromkeys((self.count(low), self.count(high))))

    def plain(self, value: float) -> str:
        """Return a point of a scale: whole, or with two decimals where it is not."""
        return self.number(value, 0 if float(value).is_integer() else 2)

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share of 0–1 as per cent; none and all are said of nothing but 0 and 1.

        Examples
        --------
        >>> Words("nb").percent(0.95), Words("en").percent(0.95), Words("en").percent(0.997)
        ('95\N{NO-BREAK SPACE}%', '95%', '>99%')
        """
        gap = "" if self.locale == "en" else "\N{NO-BREAK SPACE}"
        least = 10.0**-digits  # of what is shown
        size, sign = 100 * share, ""
        if 0 < size < least / 2:
            size, sign = least, "<"
        elif 100 - least / 2 <= size < 100 - 1e-9:
            size, sign = 100 - least, ">"
        return f"{sign}{self.number(size, digits)}{gap}%"

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

    def span(self, low: float, high: float) -> str:
        """Return from where to where numbers go; one number where both look the same.

        Examples
        --------
        >>> Words("nb").span(0.1, 0.25), Words("nb").span(0.101, 0.099), Words("nb").span(1, None)
        ('0,10 til 0,25', '0,10', '')
        """
        told = self.interval(low, high)
        return self.number(low) if told and self.number(low) == self.number(high) else told

    def date(self, value: datetime.date) -> str:
        """Return a date in words."""
        # of English the order of day and month that this study's readers are used to
        locale = "en_GB" if self.locale == "en" else self.locale
        return self._finished(format_date(value, format="long", locale=locale), {})

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
        """Return a region's name as it is displayed; ``national`` is all of them together.

        The only region of a study is all of them, so they have one name there.

        Double names take a dash, as in running text, where registers have a hyphen between spaces.
        """
        if slug == names.NATIONAL and slug not in self.regions:
            return self.text("All regions")
        return self.regions[slug].replace(" - ", " \N{EN DASH} ")


@lru_cache(maxsize=4096)  # the same few numbers come again and again
def _decimal(size: float, digits: int, locale: str) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    text = format_decimal(size, format=pattern, locale=locale)
    return text if locale == "en" else text.replace("\N{NO-BREAK SPACE}", _NARROW_SPACE)


def joined(parts: list[str], words: Words, *, clauses: bool = False) -> str:
    """Return a list in running text: ``a, b and c``.

    Parts are `quoted`. Where one of the last two still has an *and* of its own the last is set
    apart from it, unless they are `clauses`.

    Examples
    --------
    >>> joined(["a", "b", "c"], Words("nb"))
    'a, b og c'
    >>> joined(["a", "b and c"], Words("en"))
    'a as well as b and c'
    >>> words = Words("en", outcomes={("teachers", "room"): "Time and room"})
    >>> joined(["support", "time and room (participants)"], words)
    'support and “time and room” (participants)'
    """
    parts = [quoted(part, words) for part in parts]
    if len(parts) < 2:
        return "".join(parts)
    link = words.text("and")
    unquoted = [re.sub("“[^”]*”|«[^»]*»", "", part) for part in parts[-2:]]
    if not clauses and any(f" {link} " in part for part in unquoted):
        link = words.text("as well as")
    return f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def quoted(part: str, words: Words) -> str:
    """Return a text that begins with the name of a scale; a name with an *and* is quoted.

    In running text every such name is, wherever it stands.

    Examples
    --------
    >>> words = Words("en", outcomes={("teachers", "room"): "Time and room"})
    >>> quoted("time and room (0.46)", words)
    '“time and room” (0.46)'
    """
    link = words.text("and")
    for name in words.outcomes.values():
        if f" {link} " in name and part.casefold().startswith(name.casefold()):
            return words.text("“{name}”", name=part[: len(name)]) + part[len(name) :]
    return part


def alphabet(name: str, language: str) -> str:
    """Return what names are sorted by: æ, ø and å come last, in this order; in English as a and o.

    Examples
    --------
    >>> sorted(["Ås", "Østfold", "Troms", "Oslo"], key=lambda name: alphabet(name, "nb"))
    ['Oslo', 'Troms', 'Østfold', 'Ås']
    >>> sorted(["Ås", "Østfold", "Troms", "Oslo"], key=lambda name: alphabet(name, "en"))
    ['Ås', 'Oslo', 'Østfold', 'Troms']
    """
    if language == "en":
        return name.casefold().replace("æ", "ae").replace("ø", "o").replace("å", "a")
    return name.casefold().replace("å", "\N{LATIN SMALL LETTER O WITH STROKE}\uffff")


def in_alphabet(frame: pd.DataFrame, words: Words, *, by: str = names.REGION) -> pd.DataFrame:
    """Return the rows of each outcome in the alphabet of their places' names.

    Parameters
    ----------
    frame : DataFrame
        Rows of one or several regions, or schools; of outcomes where there is such a column.
    words : Words
        The reader's language, with the names.
    by : {"region", "school_id"}
        What the places are. All regions together come last.

    Examples
    --------
    >>> words = Words("nb", regions={"aas": "Ås", "oslo": "Oslo"})
    >>> frame = pd.DataFrame({"region": ["national", "aas", "oslo"]})
    >>> in_alphabet(frame, words)["region"].tolist()
    ['oslo', 'aas', 'national']
    """
    called = words.region if by == names.REGION else lambda place: words.schools.get(place, place)
    places = [
        (place == names.NATIONAL, alphabet(called(place), words.locale)) for place in frame[by]
    ]
    blocks = [0] * len(frame)
    if names.OUTCOME in frame:
        of = frame.groupby([names.POPULATION, names.OUTCOME], sort=False, dropna=False)
        blocks = of.ngroup().tolist()
    order = sorted(range(len(frame)), key=lambda at: (blocks[at], places[at]))
    return frame.iloc[order]


def beside_zero(
    low: float,
    high: float,
    words: Words,
    digits: int = 2,
    *,
    in_brackets: bool = False,
    where: str = "",
) -> str:
    """Return an interval of a difference or a correlation as a table shows it, or brackets.

    Of an end that is rounded to zero words say on which side of zero it lies: `where`, or where its
    exact ends are.

    Examples
    --------
    >>> en = Words("en")
    >>> beside_zero(-0.38, 0.004, en), beside_zero(-0.38, -0.004, en), beside_zero(0.1, 0.2, en)
    ('−0.38 to 0.00 (includes zero)', '−0.38 to 0.00 (just below zero)', '0.10 to 0.20')
    """
    told = words.interval(low, high, digits)
    ends = (words.number(low, digits), words.number(high, digits))
    if not told or words.number(0, digits) not in ends:
        return told
    where = where or ("above" if low > 0 else "below" if high < 0 else "inside")
    said = label("beside zero", where, words)
    return f"{told}, {said}" if in_brackets else f"{told} ({said})"


def label(kind: str, code: str, words: Words, **values: object) -> str:
    """Return what a code of the results is called in the reader's language.

    Parameters
    ----------
    kind : str
        ``estimand`` or a key of `LABELS`: contrast, analysis, subgroup, wave, reason, warning,
        light, population, step, state and so on.
    code : str
        The code as it stands in the results. A subgroup without a name is shown as its value;
        the text of ``all``, and of a contrast without a name, is empty.
    words : Words
        The reader's language.
    **values
        What fills the placeholders of the text.

    Raises
    ------
    KeyError
        For an unknown kind, and for an unknown code of any kind but contrast and subgroup.

    Examples
    --------
    >>> nb = Words("nb")
    >>> label("wave", "pre", nb), label("subgroup", "gender=girl", nb)
    ('før', 'jenter')
    >>> label("subgroup", "cohort=2026", nb), label("subgroup", "cohort=Pulje 2", nb)
    ('pulje 2026', 'Pulje 2')
    >>> label("subgroup", "spoken_at=home", nb), label("contrast", "at=work - at=home", nb)
    ('spoken at: home', 'at: work − home')
    >>> own = Words("nb", labels={"spoken_at": "språk", "spoken_at=home": "norsk"})
    >>> label("subgroup", "spoken_at=home", own)
    'språk: norsk'
    >>> label("contrast", "p10", nb), label("contrast", "gender=girl - gender=boy", nb)
    ('10. persentil', 'jenter − gutter')
    """
    if kind == "estimand":
        return words.text(ESTIMANDS[code].label, **values)
    if code in LABELS[kind]:
        return words.text(LABELS[kind][code], **values)
    if kind == "contrast":
        if contrast_of_waves(code) in MIDWAY:  # of groups
            return words.text(LABELS[kind][contrast_of_waves(code)])
        if code == "p50":
            return words.text("50th percentile (median)")
        if percentile := re.fullmatch(r"p(\d+)", code):
            return words.text("{number}th percentile", number=percentile[1])
        groups = [label("subgroup", g, words) for g in code.split(" - ")] if "=" in code else []
        own = _background(code.partition("=")[0], words)  # stands once
        groups[1:] = [group.removeprefix(own) for group in groups[1:]]
        return " − ".join(groups)
    if kind == "subgroup":
        column, _, value = code.partition("=")
        if column == names.COHORT and value.isdecimal():
            return words.text("cohort {cohort}", cohort=value)
        if column == names.GRADE:
            return words.text("grade {grade}", grade=value)
        is_known = column in LABELS["grouped by"] or not value
        value = words.labels.get(code, value)
        return value if is_known else f"{_background(column, words)}{value}"
    raise KeyError(f"{kind} {code!r} has no label")


def _background(column: str, words: Words) -> str:
    """Return what stands before a group of a background of the study's own."""
    known = LABELS["column"].get(column)
    called = words.text(known).lower() if known else column.replace("_", " ")
    return f"{words.labels.get(column, called)}: "


def row_label(row: Row, words: Words) -> str:
    """Return what tells a row of effects apart within its outcome.

    That is estimand, contrast, the wave of a level, and subgroup; a subgroup that is a role is left
    out where the estimand is of one role and names it.

    Examples
    --------
    >>> row = {"estimand": "level", "contrast": "mean", "subgroup": "grade=7"}
    >>> row_label(row, Words("nb"))
    'Nivå, gjennomsnitt, 7. trinn'
    """
    parts = [label(kind, row[kind], words) for kind in ("estimand", "contrast")]
    wave = label("wave", row["wave"], words) if row.get("wave") else ""
    return ", ".join(filter(None, [*parts, wave, group_label(row, words)]))


def group_label(row: Row, words: Words) -> str:
    """Return the group of a row of effects: nothing for everybody.

    And nothing for a role where the estimand is of one role, since it names it.
    """
    subgroup = row["subgroup"]
    is_named = subgroup.startswith("role=") and ESTIMANDS[row["estimand"]].roles
    return "" if is_named else label("subgroup", subgroup, words)


def of_group(outcome: str, group: str) -> str:
    """Return an outcome's label with whose answers it is about, also where others are asked it."""
    return f"{outcome} ({group.lower()})"


def linked_side(row: Row, words: Words, side: str = "", *, with_group: bool = True) -> str:
    """Return what one side of a row of `school_link` is called: which outcome, who, and when.

    Parameters
    ----------
    row : mapping
    words : Words
    side : {"", "other_"}
        Which side.
    with_group : bool
        Whether it says whose answers they are.

    Examples
    --------
    >>> row = {"population": "pupils", "subgroup": "all", "outcome": "joy", "wave": "post",
    ...        "contrast": "mean"}
    >>> linked_side(row, Words("en", outcomes={("pupils", "joy"): "Joy"}))
    'Joy (pupils), after'
    """
    outcome = words.outcome(row[f"{side}population"], row[f"{side}outcome"])
    if with_group:
        outcome = of_group(outcome, linked_group(row, words, side))
    return ", ".join(filter(None, [outcome, linked_time(row, words, side)]))


def linked_time(row: Row, words: Words, side: str = "") -> str:
    """Return when one side of a row of `school_link` was answered, or that it is a change."""
    kind = row[f"{side}contrast"]
    if kind == "mean":
        return label("wave", row[f"{side}wave"], words)
    return words.text("change") if kind else ""


def linked_group(row: Row, words: Words, side: str = "") -> str:
    """Return whose answers one side of a row of `school_link` is of: a population, or a role."""
    group = label("subgroup", row[f"{side}subgroup"], words)
    return group.capitalize() or label("population", row[f"{side}population"], words)


def outcome_labels(pairs: Iterable[tuple[str, str]], words: Words) -> dict[tuple[str, str], str]:
    """Return the labels of pairs of population and outcome, or scale.

    Where two populations are asked the same, the label ends with the population.
    """
    labels = {pair: words.outcome(*pair) for pair in pairs}
    counts = Counter(labels.values())
    return {
        pair: text if counts[text] < 2 else of_group(text, label("population", pair[0], words))
        for pair, text in labels.items()
    }


def named(row: Row, column: str, words: Words) -> str:
    """Return what the value of a row's key column is called in the reader's language.

    Parameters
    ----------
    row : mapping
        A row of results; the name of an outcome, scale or item also depends on its population.
    column : str
        A key of the results: population, region, school_id, outcome, scale, item, or a kind of
        `label`. The value of any other column is its own name.
    words : Words
        The reader's language.

    Examples
    --------
    >>> named({"subgroup": "all"}, "subgroup", Words("nb"))
    'alle'
    """
    value, population = row[column], row.get(names.POPULATION, "")
    if column in (names.OUTCOME, "scale"):
        return words.outcome(population, value) if population else value
    if column == "item":
        text = words.items.get((population, value), "") or words.text("The whole scale")
        turned = (population, value) in words.reversed_items
        # TRANSLATORS: after the wording of an item whose answers are counted the other way round
        return f"{text} {words.text('(reverse-scored)')}" if turned else text
    if column == names.REGION:
        return words.region(value)
    if column == names.SCHOOL:
        return words.schools[value]
    if column == "feature":
        return words.features[value]
    if column == names.SUBGROUP and value == names.ALL:
        return words.text("everybody")
    if column == names.ESTIMAND or column in LABELS:
        return label(column, value, words)
    return str(value)


def named_or_own(row: Row, column: str, words: Words) -> str:
    """Return what a value is called; a researcher's own is called as it is."""
    try:
        return named(row, column, words)
    except KeyError:
        return str(row[column])


def too_few_regions(words: Words) -> str:
    """Return what is not told of fewer than `FEWEST` regions."""
    return words.text(
        "How far regions differ, and what can be expected of one more, is told from {n} regions "
        "on; fewer tell next to nothing about it.",
        n=words.count(FEWEST),
    )


def reader(study: Study, language: str) -> Words:
    """Return a reader of a language, who knows what a study calls its scales, items and places."""
    locale = Words(language).locale
    # what the ends of a published score are called, which has no labels
    own = Words(language)
    least, most = own.text("lowest possible"), own.text("highest possible")
    outcomes, answers, options, items, turned, asked = {}, {}, {}, {}, set(), {}
    wordings: dict[tuple[str, str, str], str] = {}
    for population in study.populations.values():
        for scale in population.instrument.scales.values():
            key = (population.name, scale.name)
            responses = population.instrument.response_set(scale.name)
            labels: dict[float, str] = {
                v: study.text(label, locale) for v, label in responses.labels.items()
            }
            outcomes[key], options[key] = study.text(scale.label, locale), labels
            low, high, n_items = responses.minimum, responses.maximum, len(scale.items)
            answers[key] = Answers(
                low,
                high,
                labels.get(low, least),
                labels.get(high, most),
                population.instrument.step(scale.name),
                scale.as_is,
                scale.needed,
                n_items,
            )
            if scale.roles and {*scale.roles} != {*population.roles}:
                asked[key] = tuple(scale.roles)
            for item in scale.items.values():
                items[population.name, item.name] = study.text(item.text, locale)
                turned |= {(population.name, item.name)} if item.reversed else set()
                for earlier in item.earlier:
                    for wave in earlier.waves:
                        worded = study.text(earlier.text, locale)
                        wordings[population.name, item.name, wave] = worded
    regions = dict(zip(study.regions["region"], study.regions["name"], strict=True))
    if len(regions) == 1:
        regions[names.NATIONAL] = next(iter(regions.values()))
    schools = dict(zip(study.schools["school_id"], study.schools["school"], strict=True))
    questions = {each: study.text(text, locale) for each, text in study.questions.items()}
    declared = study.analysis.region_features
    texts = declared.features if declared else {}
    features = {name: study.text(text, locale) for name, text in texts.items()}
    called = {name: study.text(text, locale) for name, text in study.labels.items()}
    same_year = {
        (population, contrast)
        for population in study.populations
        for contrast, waves in CONTRASTS.items()
        if not study.years_between(population, waves)
    }
    return Words(
        language, outcomes, regions, answers, options, items, frozenset(turned), schools, wordings,
        questions, features, LIMITS[study.disclosure], frozenset(same_year), asked, called,
    )  # fmt: skip
