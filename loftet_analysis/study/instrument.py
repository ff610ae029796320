"""An instrument as data: response sets, scales and items, read from a YAML codebook."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, lcm
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study.yamlfile import (
    Described,
    Document,
    Line,
    Lines,
    Name,
    did_you_mean,
    name_by_key,
    read_yaml,
    validated,
    wrong,
)

LANGUAGES = ("nb", "nn", "en")
SHIPPED = Path(__file__).parent / "instruments"
#: The library's own questionnaires, by population.
INSTRUMENTS = {"pupils": "pupil", "teachers": "teacher", "leaders": "leader"}

if TYPE_CHECKING:  # what a file is checked for here is a plain text elsewhere
    Language = str
    WaveName = str
    Role = str
else:
    Language = Literal["nb", "nn", "en"]
    WaveName = Literal["pre", "mid", "post"]
    Role = Literal["participant", "colleague", "leader"]
Text = Annotated[dict[Language, Line], Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

RESERVED = frozenset(
    {
        names.PERSON, names.WAVE, names.REGION, names.SCHOOL, names.GRADE, names.ROLE,
        names.GENDER, names.SUBMITTED, names.GATHERINGS, names.INTERIM_WORK,
        names.POPULATION, names.OUTCOME, names.SUBGROUP, "reason", "link", "consent",
        "guardian", "trial", names.LINKED_BY, names.LINK_STATE, names.CARELESS,
        names.SECONDS, names.MISSING,
    }
)  # fmt: skip

_BREAKS = re.compile(r"</?(?:br|p|div|li|ul|ol|td|tr|th|h\d)\b[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_COMMENTS = re.compile(r"<!--.*?-->", re.DOTALL)
_AMPERSANDS = re.compile(r"&(?:amp;|#0*38;|#x0*26;)+", re.IGNORECASE)  # escaped many times
_MOST_TIMES = 10  # that entities and tags stand in one another
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_APOSTROPHES = dict.fromkeys(map(ord, "‘’"), "'")


def normalise_label(text: str) -> str:
    """Return a label or header in the one form in which they are compared.

    HTML entities and tags, invisible characters and outer blanks go, blanks inside are one
    space, apostrophes are straight, letters are composed (NFC) and case-folded. Applying it
    twice changes nothing more.

    Examples
    --------
    >>> normalise_label(" <b>Helt&nbsp;enig</b> ")
    'helt enig'
    >>> normalise_label("Don&#39;t know") == normalise_label("Don’t  KNOW")
    True
    """
    for _ in range(_MOST_TIMES):
        bare = html.unescape(_AMPERSANDS.sub("&", text))
        closed = bare.rfind("-->") + 3
        if closed > 2:
            bare = _COMMENTS.sub("", bare[:closed]) + bare[closed:]
        bare = _TAGS.sub("", _BREAKS.sub(" ", bare)).translate(_UNSEEN).translate(_APOSTROPHES)
        bare = unicodedata.normalize("NFC", " ".join(bare.split()).casefold())
        if bare == text:
            break
        text = bare
    return bare


def _gather_languages(given: object) -> object:
    """Put the wordings of an entry (its keys nb, nn, en) together."""
    if not isinstance(given, dict):
        return given
    entry = {key: value for key, value in given.items() if key not in LANGUAGES}
    return {**entry, "<text>": {key: given[key] for key in LANGUAGES if key in given}}


class Option(Described):
    """One answer that can be chosen: its label by language, and other labels it has had."""

    more_keys: ClassVar = LANGUAGES
    text: Text = Field(alias="<text>")
    also: Lines = ()

    _gather = model_validator(mode="before")(_gather_languages)


class ResponseSet(Described):
    """The answers that go with a scale's items, by value.

    Attributes
    ----------
    options : dict of int to Option
        By value.
    missing : tuple of str
        Labels that count as no answer.

    Examples
    --------
    >>> yes_no = ResponseSet.model_validate(
    ...     {"0": {"nb": "Nei"}, "1": {"nb": "Ja", "also": ["Jepp"]}, "missing": ["Vet ikke"]}
    ... )
    >>> yes_no.lookup
    {'nei': 0, 'ja': 1, 'jepp': 1, 'vet ikke': None}
    """

    more_keys: ClassVar = ("the values (whole numbers)",)
    options: dict[int, Option] = Field(alias="<options>", min_length=2)
    missing: Lines = ()

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        values = [key for key in given if re.fullmatch(r"[+-]?\d+", str(key))]
        rest = {key: entry for key, entry in given.items() if key not in values}
        return {**rest, "<options>": {key: given[key] for key in values}}

    @property
    def labels(self) -> dict[int, dict[Language, str]]:
        """Label by language, by value."""
        return {value: option.text for value, option in self.options.items()}

    @property
    def minimum(self) -> int:
        """The smallest value; a smaller number is out of range."""
        return min(self.options)

    @property
    def maximum(self) -> int:
        """The largest value; a larger number is out of range."""
        return max(self.options)

    @property
    def step(self) -> float:
        """The distance between two answers."""
        return 1.0

    @cached_property
    def lookup(self) -> dict[str, int | None]:
        """Value by normalised label; None for the labels that count as no answer."""
        scored = {
            normalise_label(label): value
            for value, option in self.options.items()
            for label in (*option.text.values(), *option.also)
        }
        return scored | {normalise_label(label): None for label in self.missing}


@dataclass(frozen=True)
class Range:
    """The range of a published score, in place of a response set.

    Attributes
    ----------
    minimum, maximum : float
        Its ends, inclusive.
    missing : tuple of str
        Texts and numbers that count as no score.
    """

    minimum: float
    maximum: float
    missing: tuple[str, ...] = ()
    options: Mapping[int, Option] = field(default_factory=dict)
    labels: Mapping[int, dict[Language, str]] = field(default_factory=dict)

    @property
    def step(self) -> float:
        """The width of a bin of histograms: a twentieth of the range."""
        return (self.maximum - self.minimum) / 20

    @property
    def lookup(self) -> dict[str, None]:
        """None by normalised text, for what counts as no score."""
        return dict.fromkeys(map(normalise_label, self.missing))


class Earlier(Described):
    """A wording that an item had in some waves."""

    more_keys: ClassVar = LANGUAGES
    waves: tuple[WaveName, ...] = Field(min_length=1)
    text: Text = Field(alias="<text>")

    _gather = model_validator(mode="before")(_gather_languages)


class Item(Described):
    """One statement or question.

    Attributes
    ----------
    name : str
        Its column in clean data.
    text : dict of str to str
        Wording by language.
    reversed : bool
        Whether a high answer means little of the construct; turned once, in cleaning.
    columns : tuple of str
        Codes that it may have in exports. Its name and its wordings serve where a file has
        none of the codes of any item.
    earlier : tuple of Earlier
        Wordings of earlier waves.
    waves : tuple of str or None
        The waves in which it is asked; None is all in which its scale is.
    """

    more_keys: ClassVar = LANGUAGES
    name: str = Field(alias="<name>")
    text: Text = Field(alias="<text>")
    reversed: bool = False
    columns: Lines = ()
    earlier: tuple[Earlier, ...] = ()
    waves: Annotated[tuple[WaveName, ...], Field(min_length=1)] | None = None

    _gather = model_validator(mode="before")(_gather_languages)

    @property
    def codes(self) -> tuple[str, ...]:
        """Its name, then the codes that it may have in exports, each once."""
        return tuple(dict.fromkeys((self.name, *self.columns)))

    @property
    def wordings(self) -> tuple[str, ...]:
        """Every wording that it has or had, each once."""
        texts = (self.text, *(wording.text for wording in self.earlier))
        return tuple(dict.fromkeys(wording for text in texts for wording in text.values()))


def _read_minimum(given: object) -> object:
    if given in ("half", "two_thirds", "all") or isinstance(given, int):
        return given
    if isinstance(given, str) and re.fullmatch(r"[1-9]\d*", given):
        return int(given)
    allowed = "half, two_thirds, all, or a number of items"
    todo = did_you_mean(str(given), ("half", "two_thirds", "all"))
    raise wrong("wrong value for minimum", given, allowed, todo)


class Scale(Described):
    """Items that are averaged to one score, or a score that was published as it is.

    Attributes
    ----------
    name : str
        Its column in clean data.
    label : dict of str to str
        Its name for readers, by language.
    question : str or None
        The research question of study.yml that it answers.
    follows : str or None
        The public instrument whose structure it follows.
    family : str or None
        What it belongs with; scales of opposite families are never averaged.
    responses : str
        Name of the response set of its items; empty for a score as it is.
    score : {"mean", "as_is"}
        The mean of its items; or, without items, a number that stands in the export.
    range : tuple of two floats, or None
        Of a score as it is: lowest and highest possible.
    missing : tuple of str
        Of a score as it is: texts and numbers that count as none.
    reversed : bool
        Whether a high score as it is means little of the construct; turned once, in cleaning.
    columns : tuple of str
        Columns that a score as it is may have in exports, besides its name and its label.
    minimum : {"half", "two_thirds", "all"} or int
        How many items must be answered for a score.
    waves : tuple of str
        The waves in which it is asked, as far as the study has them.
    roles : tuple of str or None
        The roles that are asked; None is everybody.
    items : dict of str to Item
        In the order of the questionnaire; none where the score is read as it is.
    """

    name: str = Field(alias="<name>")
    label: Text
    question: Annotated[str, Field(pattern=r"^Q([1-9]|10)$")] | None = None
    follows: Line | None = None
    family: Line | None = None
    responses: str = ""
    score: Literal["mean", "as_is"] = "mean"
    range: tuple[Finite, Finite] | None = None
    missing: Lines = ()
    reversed: bool = False
    columns: Lines = ()
    minimum: Annotated[str | int, BeforeValidator(_read_minimum)] = "half"
    waves: Annotated[tuple[WaveName, ...], Field(min_length=1)] = names.WAVES
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] | None = None
    items: Annotated[dict[Name, Item], BeforeValidator(name_by_key)] = Field(default_factory=dict)

    @property
    def as_is(self) -> bool:
        """Whether its score stands in the export."""
        return self.score == "as_is"

    @property
    def codes(self) -> tuple[str, ...]:
        """Of a score as it is: its name, then the columns that it may have in exports."""
        return tuple(dict.fromkeys((self.name, *self.columns)))

    @property
    def wordings(self) -> tuple[str, ...]:
        """Its labels, each once."""
        return tuple(dict.fromkeys(self.label.values()))

    @property
    def needed(self) -> int:
        """Number of all its items that must be answered, inclusive: half of 5 is 3."""
        return self._needed_of(len(self.items))

    def asks(self, column: str, wave: str) -> bool:
        """Return whether one of its items, or the scale itself, is asked in a wave."""
        item = self.items.get(column)
        asked = item is None or item.waves is None or wave in item.waves
        return asked and wave in self.waves

    def items_in(self, wave: str) -> tuple[str, ...]:
        """Return the items that are asked in a wave."""
        return tuple(item for item in self.items if self.asks(item, wave))

    def needed_in(self, wave: str) -> int:
        """Return how many of a wave's items must be answered, inclusive."""
        return self._needed_of(len(self.items_in(wave)))

    def forms(self, waves: Iterable[str]) -> dict[tuple[str, ...], list[str]]:
        """Return the waves that ask it, by the items that they ask."""
        found: dict[tuple[str, ...], list[str]] = {}
        for wave in waves:
            if wave in self.waves:
                found.setdefault(self.items_in(wave), []).append(wave)
        return found

    def _needed_of(self, n: int) -> int:
        shares = {"half": ceil(n / 2), "two_thirds": ceil(2 * n / 3), "all": n}
        return self.minimum if isinstance(self.minimum, int) else shares[self.minimum]


class Instrument(Described):
    """A questionnaire: response sets and scales.

    Attributes
    ----------
    name : str
        The file's name without ``.yml``.
    responses : dict of str to ResponseSet
    scales : dict of str to Scale
        In the order of the questionnaire.

    Examples
    --------
    >>> pupil = load_instrument("pupil")
    >>> pupil.scales["persistence"].label["nn"], pupil.scales["persistence"].needed
    ('Uthald', 3)
    >>> scale, item = pupil.items["persist_2"]
    >>> scale.name, item.reversed
    ('persistence', True)
    """

    name: str = Field(alias="<name>")
    responses: dict[Name, ResponseSet]
    scales: Annotated[dict[Name, Scale], BeforeValidator(name_by_key)]

    @cached_property
    def items(self) -> dict[str, tuple[Scale, Item]]:
        """Each item with its scale, by the item's name."""
        return {
            name: (scale, item)
            for scale in self.scales.values()
            for name, item in scale.items.items()
        }

    @cached_property
    def columns(self) -> dict[str, tuple[Scale, Item | Scale]]:
        """What is read from exports: each item, and each score as it is, with its scale."""
        published = {name: (s, s) for name, s in self.scales.items() if s.as_is}
        return {**self.items, **published}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that scales and items are worded in."""
        texts = [scale.label for scale in self.scales.values()]
        texts += [item.text for _, item in self.items.values()]
        return tuple(language for language in LANGUAGES if any(language in t for t in texts))

    def response_set(self, scale: str) -> ResponseSet | Range:
        """Return the response set of a scale, or the range of a score as it is."""
        asked = self.scales[scale]
        if asked.range is not None:
            return Range(*asked.range, asked.missing)
        return self.responses[asked.responses]

    def step(self, scale: str) -> float:
        """Return the distance between two neighbouring scores of full answers, in any wave."""
        asked = self.scales[scale]
        numbers = {len(asked.items_in(wave)) for wave in asked.waves} - {0}
        return self.response_set(scale).step / lcm(*numbers)


def load_instrument(name: str, folder: Path | None = None) -> Instrument:
    """Read an instrument: the study's own (``<folder>/instruments/``), else the shipped one.

    Parameters
    ----------
    name : str
        The file's name without ``.yml``.
    folder : Path, optional
        The study's folder.

    Raises
    ------
    InputError
        With everything that is wrong, each with file and line.

    Examples
    --------
    >>> list(load_instrument("leader").scales)[:3]
    ['felt_support', 'prepared', 'time_and_room']
    """
    instrument, problems = read_instrument(name, folder)
    if instrument is None or problems:
        raise InputError(problems)
    return instrument


def read_instrument(
    name: str, folder: Path | None = None, where: str = "", languages: Sequence[str] = LANGUAGES
) -> tuple[Instrument | None, list[Problem]]:
    """Return an instrument, where it has a shape at all, and everything that is wrong with it.

    ``where`` is the place that names the instrument, for the case that there is none; ``languages``
    are those that the study names.
    """
    places = [SHIPPED] if folder is None else [folder / "instruments", SHIPPED]
    found = {path.stem: path for place in reversed(places) for path in place.glob("*.yml")}
    if name not in found:
        todo = did_you_mean(name, found) or "write it in the study's folder instruments/"
        there = ", ".join(sorted(found))
        return None, [Problem("instrument not found", name, there, where, todo)]
    try:
        document = read_yaml(found[name])
    except InputError as error:
        return None, list(error.problems)
    if not {"responses", "scales"} & {*document.content}:
        todo = "look whether this is the file"
        document.report((), "no instrument", "other keys", "responses, scales", todo)
        return None, document.problems
    instrument = validated(Instrument, {**document.content, "<name>": name}, document)
    if instrument:
        check_instrument(instrument, document, languages)
    return instrument, document.problems


def check_instrument(
    instrument: Instrument, document: Document, languages: Sequence[str] = LANGUAGES
) -> None:
    """Report what is wrong between the parts of an instrument whose parts are well formed."""
    for name, responses in instrument.responses.items():
        _check_responses(name, responses, document)
    if document.content.get("scales") == {}:
        document.report(["scales"], "no scale in the instrument", "none", "one or more")
    for name, scale in instrument.scales.items():
        steps = ("scales", name)
        _check_kind(scale, document, steps)
        if scale.responses:
            what = f"unknown response set of scale {name}"
            document.expect((*steps, "responses"), what, scale.responses, instrument.responses)
        if scale.items and scale.needed > len(scale.items):
            what = f"minimum of scale {name} is more than its items"
            allowed = f"1 to {len(scale.items)}"
            document.report((*steps, "minimum"), what, str(scale.minimum), allowed)
        elif scale.items:
            _check_item_waves(scale, document, steps)
    _check_languages(instrument, document, languages)
    check_named_languages(document, languages)
    _check_unique(instrument, document)


def _check_item_waves(scale: Scale, document: Document, steps: tuple[str, ...]) -> None:
    for name, item in scale.items.items():
        beyond = [wave for wave in item.waves or () if wave not in scale.waves]
        if beyond:
            what = f"an item asked in waves without its scale {scale.name}"
            found = ", ".join(beyond)
            document.report((*steps, "items", name, "waves"), what, found, ", ".join(scale.waves))
    for wave in scale.waves:
        n = len(scale.items_in(wave))
        if not n:
            what = f"scale {scale.name} without an item in a wave"
            todo = f"take {wave} out of waves"
            document.report((*steps, "waves"), what, wave, "one item at least", todo)
        elif scale.needed_in(wave) > n:
            what = f"minimum of scale {scale.name} is more than its items in {wave}"
            document.report((*steps, "minimum"), what, str(scale.minimum), f"1 to {n}")


def _check_kind(scale: Scale, document: Document, steps: tuple[str, ...]) -> None:
    """Report keys that a scale of its kind lacks, or has in vain."""
    of_items, of_score = ("responses", "items"), ("range", "columns", "missing", "reversed")
    needed, idle = (("range",), (*of_items, "minimum")) if scale.as_is else (of_items, of_score)
    there = document.content["scales"][scale.name]
    for key in needed:
        if key not in there:
            what = f"missing key: {'.'.join(steps)}.{key}"
            document.report((*steps, key), what, todo=f"add {key}")
        elif not getattr(scale, key):
            what = f"wrong value for {'.'.join(steps)}.{key}"
            document.report((*steps, key), what, "nothing", "at least 1")
    for key in idle:
        if key in there:
            kind = "a score as it is" if scale.as_is else "a scale of items"
            allowed = ", ".join(("label", *needed)) + " and what else such a scale may have"
            todo = f"take {key} out, or write score: {'mean' if scale.as_is else 'as_is'}"
            document.report((*steps, key), f"{key} of {kind}", scale.name, allowed, todo)
    if scale.as_is and scale.range and not scale.range[0] < scale.range[1]:
        found = ", ".join(map(str, scale.range))
        what, allowed = f"range of {scale.name} is empty", "the lowest score, then the highest"
        document.report((*steps, "range"), what, found, allowed)


def _check_responses(name: str, responses: ResponseSet, document: Document) -> None:
    steps, values = ("responses", name), sorted(responses.options)
    if len(values) != values[-1] - values[0] + 1:
        found = ", ".join(map(str, values))
        allowed = f"every whole number from {values[0]} to {values[-1]}"
        document.report(steps, f"values of response set {name} have a gap", found, allowed)
    entries = [("missing", label) for label in responses.missing]
    for value, option in responses.options.items():
        entries += [(str(value), label) for label in (*option.text.values(), *option.also)]
    taken = {str(value): str(value) for value in values}
    for key, label in entries:
        other = taken.setdefault(normalise_label(label), key)
        if other != key:
            what = f"one label for two answers in response set {name}"
            found = f"{label} ({other}; {key})"
            allowed = "labels that differ in more than case and blanks"
            document.report((*steps, key), what, found, allowed)


def check_named_languages(document: Document, languages: Sequence[str]) -> None:
    """Report the texts of a file that stand only under languages that the study does not name."""
    told: dict[tuple[str | int, ...], dict[str, int]] = {}
    for (*above, key), line in ((steps, n) for steps, n in document.lines.items() if steps):
        # below these keys a column or a value may be called as a language is
        if key in LANGUAGES and not {"columns", "values"} & {*above}:
            told.setdefault((*above,), {})[str(key)] = line
    foreign = {steps: of for steps, of in told.items() if not {*of} & {*languages}}
    if not foreign:
        return
    met = [each for each in LANGUAGES if any(each in of for of in foreign.values())]
    steps = min(foreign, key=lambda each: min(foreign[each].values()))
    n, first = len(foreign), min(foreign[steps].values())
    found = f"{n} {'text' if n == 1 else 'texts'}, the first in line {first}"
    also = ", ".join(met)
    what = f"texts under {also} only, which `languages` of study.yml does not name"
    todo = f"rename {met[0]}: to {languages[0]}: if they are in that language, else translate "
    todo += f"them, or add {also} to languages"
    steps = (*steps, next(iter(foreign[steps])))
    document.report(steps, what, found, ", ".join(languages), todo)


def _check_languages(instrument: Instrument, document: Document, languages: Sequence[str]) -> None:
    spoken = [each for each in instrument.languages if each in languages]
    texts: dict[tuple[str, ...], dict[Language, str]] = {}
    for name, responses in instrument.responses.items():
        texts |= {("responses", name, str(v)): text for v, text in responses.labels.items()}
    for name, scale in instrument.scales.items():
        texts["scales", name, "label"] = scale.label
        texts |= {("scales", name, "items", i): item.text for i, item in scale.items.items()}
    for steps, text in texts.items():
        absent = ", ".join(each for each in spoken if each not in text)
        if absent and {*text} & {*languages}:  # all others are told at once
            what, allowed = f"language missing: {'.'.join(steps)}", ", ".join(spoken)
            document.report(steps, what, ", ".join(text), allowed, f"add {absent}")


def _check_unique(instrument: Instrument, document: Document) -> None:
    """Report what would be ambiguous: names, export columns and wordings that stand twice."""
    named = dict.fromkeys(RESERVED, "a column of clean data")
    headers: dict[str, str] = {}

    def take(owners: dict[str, str], name: str, owner: str, steps: tuple[str, ...]) -> bool:
        other = owners.setdefault(name, owner)
        if other != owner:
            what = "one name, column or wording for two things"
            found, allowed = f"{name} ({other}; {owner})", "each name, column and wording once"
            document.report(steps, what, found, allowed)
        return other == owner

    for name in instrument.scales:
        take(named, name, f"scale {name}", ("scales", name))
    for scale in instrument.scales.values():
        if scale.as_is:
            for header in dict.fromkeys(map(normalise_label, (*scale.codes, *scale.wordings))):
                take(headers, header, f"scale {scale.name}", ("scales", scale.name))
        for item in scale.items.values():
            owner = f"item {scale.name}.{item.name}"
            steps = ("scales", scale.name, "items", item.name)
            if take(named, item.name, owner, steps):
                for header in dict.fromkeys(map(normalise_label, (*item.codes, *item.wordings))):
                    take(headers, header, owner, steps)
