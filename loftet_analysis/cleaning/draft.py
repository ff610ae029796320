"""Drafts of a study's files from its exports: what can be known, and guesses that are marked."""

from __future__ import annotations

import csv
import difflib
import html
import io
import json
import math
import os
import re
import string
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from loftet_analysis import names, paths
from loftet_analysis.cleaning.answer_scales import (
    HIGHEST,
    LEAST,
    LOWEST,
    NONE,
    SCALES,
    in_other_languages,
    known_scale,
)
from loftet_analysis.cleaning.codes import number
from loftet_analysis.cleaning.directions import FEWEST_PEOPLE, UNLIKE, agreement
from loftet_analysis.cleaning.headings import identifier_kind
from loftet_analysis.cleaning.identifiers import (
    holds_free_text,
    holds_identifiers,
    redact_text,
)
from loftet_analysis.cleaning.readers import read_export
from loftet_analysis.cleaning.readers.recognise import LANGUAGE
from loftet_analysis.cleaning.selection import PEOPLE, is_closed
from loftet_analysis.cleaning.times import local_times, read_moments
from loftet_analysis.errors import InputError, Problem, named, refuse_any
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.study import ExportFile
from loftet_analysis.study.instrument import INSTRUMENTS, load_instrument, normalise_label
from loftet_analysis.study.load import GUESSED, UNCONFIRMED, same_files
from loftet_analysis.study.schools import (
    LATIN,
    compared_name,
    resembling_pairs,
    written_otherwise,
)
from loftet_analysis.study.study import row_text
from loftet_analysis.study.yamlfile import RESEMBLES
from loftet_analysis.tabular.cells import form_of

#: How a file names whom it asked, as a part of a word.
_WHO = {
    "pupils": r"elev|pupil|student|barn|child",
    "teachers": r"lærer|laerer|lærar|laerar|teacher|ansatt|tilsett",
    "leaders": r"leder|leiar|leader|rektor|principal|ledelse|leiing",
}
_WHEN = {
    "pre": r"pre|før|foer|before|baseline|start|t1|w1|time1",
    "mid": r"mid|midt|midtveis|underveis|undervegs",
    "post": r"post|etter|after|slutt|end|t2|w2|time2",
}
_BACKGROUND = {
    names.SCHOOL: r"(?:\w+ )*(?:skole|skule|school)(?:n|en|ns|id| ?id| ?navn| ?name)*|courseid|"
    r"(?:hvilken|kva) (?:skole|skule)\b.*|(?:which|what) (?:is your )?school\b.*",
    names.GRADE: r"(?:klasse)?trinn(?:et)?|klasse|grade|year|årstrinn|(?:hvilket|kva) trinn\b.*|"
    r"(?:which|what) (?:grade|year)\b.*",
    names.GENDER: r"kjønn|kjoenn|kjonn|gender|sex|(?:er du|are you) .*(?:jente|girl).*|"
    r"(?:hvilket|kva) kjønn\b.*",
    names.ROLE: r"rolle|role|deltar|deltaker|deltakar|participant|(?:deltar|deltek) du\b.*|"
    r"(?:deltok du|har du (?:deltatt|delteke|vært med|vore med)|"
    r"er du (?:(?:en )?delta(?:ker|kar)|med)|"
    r"(?:do|did) you (?:take part|participate)|have you (?:taken part|participated)|"
    r"are you (?:a participant|taking part|participating))\b"
    r".*(?:kurs|løft|program|prosjekt|samling|utdanning|course|project|training|seminar).*",
}
_CONSENT = re.compile(
    r"\w*samtyk\w*|\w*consent\w*|"
    r"(?:vil|ønskj?er|ynskjer) du (?:å )?(?:(?:være|vere|bli) med|ta del|delta)\b|"
    r"(?:kan|får) (?:vi|forskerne|forskarane) bruke svar|gdpr|personvern|"
    r"\bagree to (?:take part|participate)|(?:want|willing|like) to (?:take part|participate)",
    re.IGNORECASE,
)
_YES = re.compile(
    r"(?!.*\b(?:ikke|ikkje|not|don.?t)\b)"
    r"(?:ja\b|jeg samtykker|eg samtykkjer|yes\b|i (?:agree|consent)).*",
    re.IGNORECASE,
)
_LINK = re.compile(r"kode|code|nummer|number|\bnr\b|\bid\b|id$", re.IGNORECASE)
_CODE = re.compile(r"kode|code", re.IGNORECASE)
_NUMBER_OF = re.compile(r"(?:\w+[ _-]?)?(?:nr|nummer|number|id)\.?", re.IGNORECASE)
_OF_ROLES = ("participants", "participants_vs_colleagues")  # what is asked first where roles are
_ROLES = {
    "participant": r"(?!.*\b(?:ikke|ikkje|not)\b)(?:ja\b|yes\b|.*(?:delta[krt]|delte|partic)).*",
    "colleague": r"(?:nei|no|kolleg|coll)\b.*|.*(?:kolleg|colleag|\b(?:ikke|ikkje|not)\b).*",
}
_GENDERS = {
    "girl": r"jente[rn]?|girl|female|kvinne|f|k",
    "boy": r"gutt|gut|boy|male|mann|m",
    "undisclosed": r".*(?:ikke|ikkje|not|annet|anna|other).*",
}
_REGISTER = {
    names.SCHOOL: r"school_id|org(?:anisasjons)?\.? ?n(?:umme)?r\.?|skole-?id|skule-?id|enhetsid",
    "school": r"school|skole|skule|navn|namn|skolenavn|skulenamn|name",
    names.REGION: r"region|fylke(?:snavn)?|county|term",
    "municipality": r"kommune(?:navn)?|municipality",
}
_ATTENDED = {
    "gatherings": r"(?:antall |number of )?(?:samling|gathering|oppmøte|frammøte|fremmøte|"
    r"attendance|workshop|digital)\w*(?:[ _-]?\d+)?",
    "interim_work": r"(?:antall |number of )?(?:mellomarbeid|interim)\w*(?:[ _-]\w+)?",
}
_OTHERS, _OF_SHEETS = 3, 0.5  # other columns of a register of attendance; part with a sheet
#: Names of files that are nobody's: of spreadsheets and texts that are open, and of systems.
_SYSTEM_FILE = re.compile(
    r"~\$.*|\..*|thumbs\.db|desktop\.ini|icon\r?|.*\.(?:tmp|lock|lnk|crdownload|part)|.*~",
    re.IGNORECASE,
)
_MATRIX = re.compile(r"^(.{3,}?)(?:\s*[:\[]\s*| [-–] )(.{3,}?)\]?$")
_NUMBERED = re.compile(r"^(.*?)[ ._-]?(\d+)[a-z]?$")
_ASIDE = re.compile(
    r"^(?P<wave>pre|post|before|after|før|etter|t1|t2|w1|w2)[ ._-](?P<rest>.+)$", re.IGNORECASE
)
#: Words of each language that the others do not have, or the other Norwegian only.
_NORWEGIAN = "er|det|dette|på|som|har|og|om|med|å|til|når|du|vi|seg"
_WORDS = {
    "nb": rf"\b(?:jeg|ikke|hva|hvor|hvordan|hvilken|hvilket|noe|en|et|fra|{_NORWEGIAN})\b",
    "nn": rf"\b(?:eg|ikkje|kva|kor|korleis|noko|ein|eit|frå|{_NORWEGIAN})\b",
    "en": r"\b(?:the|is|are|what|how|my|you|your|do|of|and|that|this|with|which|when|not)\b",
}
#: What a tool writes of a sheet's language; a form may be in another one than the tool was told,
#: so that it counts no more than a few words.
_SPOKEN = {
    "nb": r"(?!.*nynorsk)(?:nb|no|nor|norsk|norwegian|bokmål)\b.*",
    "nn": r"(?!.*bokmål)(?:nn|no|nor|norsk|norwegian|nynorsk)\b.*",
    "en": r"(?:en|eng|english|engelsk)\b.*",
}
_SAID = 3  # words that the tool's language counts as
_NUMBER_OF_ONE = re.compile(r"\s*(?:\d{8}|\d{6}[ -]?\d{5})\s*")
_DAY = re.compile(r"\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})")
_MOST_ANSWERS, _MOST_WORDS, _FEWEST_ROWS = 11, 7, 5
_MOST_MISSING, _CODES_OF_NONE = 0.2, (8, 9, 77, 88, 98, 99, 999)
_SOME, _ALIKE = 0.01, 3  # part of the sheets that an answer has; columns that have the same answers
_UNIQUE, _SHARED, _OWN_TEXT, _ASKED, _AGAIN = 0.9, 3.0, 1.1, 0.6, 0.1
#: What is said of answers whose order is a guess, and nothing but a guess.
NO_ORDER = "the export tells no order"
_SAME = 0.5  # agreement of a person's school or gender, by chance 0
_MOSTLY = 0.8  # part of those who are asked for consent and say yes
_ONE_SHAPE = 0.95  # part of the codes, for their elements to be told by it
_FEWEST_ELEMENTS, _LONGEST_ELEMENT = 3, 2  # elements of a code; signs of one
_AWAY = 45  # days without an answer between two waves
_OPPOSED, _CLOSE = -0.1, (0.7, 0.75, 0.8)
_LOOKED_AT, _CODE_LENGTH = 5_000, 40  # rows; signs of a code
_SOMEWHAT, _OPPOSITE = 0.6, -0.5  # likeness of wordings; of correlations with other questions


@dataclass
class _Answers:
    """The answers that some columns share: by value their labels, in the reader's language."""

    labels: dict[int, str]
    missing: list[str]
    guess: str = ""  # by what the order is told, where it has to be looked at
    also: dict[str, int] = field(default_factory=dict)  # values of answers in another language

    @property
    def compared(self) -> dict[int, str]:
        return {value: normalise_label(text) for value, text in self.labels.items()}


@dataclass
class _File:
    path: Path
    tool: str
    reason: str
    frame: pd.DataFrame = field(repr=False)
    questions: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, Mapping[str, str]] = field(repr=False)
    roles: Mapping[str, str] = field(repr=False)
    population: str = "pupils"
    why_population: str = ""
    moments: pd.Series | None = None
    submitted: str = ""
    kept_back: list[str] = field(default_factory=list)
    sides: dict[str, str] = field(default_factory=dict)  # wave → its pattern, of a wide file
    only: tuple[str, tuple[str, ...]] = ("", ())  # of several populations: a column and its texts

    def heading(self, column: str) -> str:
        return " ".join(str(self.questions.get(column, column)).split())

    def texts(self, column: str) -> pd.Series:
        """Return a column's texts, or the labels beside its codes."""
        labels = self.labels.get(column)
        cells = self.frame[column].str.strip()
        return cells.map(lambda text: labels.get(text, text)) if labels else cells


def draft(
    study: str, files: Sequence[Path], *, accept: bool = False, region: str = ""
) -> tuple[dict[Path, str], list[str]]:
    """Return the files of a new study, drafted from its exports.

    Parameters
    ----------
    study : str
        The name of its folder below ``data_raw/``.
    files : sequence of Path
        Exports of any tool, and a register of schools where there is one; none gives templates.
    accept : bool, default False
        Whether guesses count as they are: each line with one ends in ``guessed``. Otherwise it
        ends in ``to be confirmed``, and the study is not loaded as long as a line does.
    region : str, optional
        In which region all schools are, where no file lists them.

    Returns
    -------
    files : dict of Path to str
        What each file is to hold: ``study.yml``, ``instruments/<population>.yml`` and
        ``schools.csv``. Of columns that look like identifiers, and of those in which nearly
        everybody has a text of their own, no value is in them.
    notes : list of str
        What is left to the reader and stands in no line that was guessed.

    Raises
    ------
    InputError
        For each file that cannot be read, where exports lie in several folders, and where a
        region is named beside a register or without exports.
    """
    folder = paths.raw(study)
    read = []
    problems: list[Problem] = []
    files, left_out = _without_system_files(files)
    files, notes = _once_each(files)
    notes = [*left_out, *notes]
    for path in files:
        try:
            read.append(_read(path))
        except InputError as error:
            problems += map(_before_a_study, error.problems)
    refuse_any(problems)
    registers = [file for file in read if _is_register(file)]
    attendance = [file for file in read if file not in registers and _attended(file)]
    exports = [file for file in read if file not in (*registers, *attendance)]
    folders = {file.path.resolve().parent for file in (*exports, *attendance)}
    if len(folders) > 1:
        found = ", ".join(sorted(str(each) for each in folders))
        todo = "put the exports of a study into one folder; a register may lie elsewhere"
        raise InputError("exports in several folders", found, "one folder", todo=todo)
    parts = [part for file in exports for part in _parts(file)]
    if region and (registers or not exports):
        found = f"{region}, and {registers[0].path.name if registers else 'no export'}"
        allowed, todo = "exports without a register", "write the region of each school in it"
        raise InputError("a region of all schools", found, allowed, todo=todo)
    writer = _Writer(study, folder, parts, registers[:1], attendance, accept, region)
    made = writer.files()
    return made, [*notes, *writer.notes]


def _without_system_files(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return files without those that systems and open programs leave, and a note on these."""
    left = [path.name for path in files if _SYSTEM_FILE.fullmatch(path.name)]
    said = f"not used: {named(left)}, since the system or a program keeps it there"
    kept = [path for path in files if path.name not in left]
    return kept, [said] if left else []


def _before_a_study(problem: Problem) -> Problem:
    """Return a problem of a file with what to do where there is no study.yml to write it into."""
    if "study.yml" not in f"{problem.todo} {problem.allowed}":
        return problem
    todo = "if it is an export, get it again from the survey tool as CSV or a workbook; else leave "
    todo += "it out, or keep it in another folder"
    return replace(problem, allowed="an export, or a register", todo=todo)


def _once_each(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return files of which none holds the same as another beside it, and a note on the others."""
    shortest = sorted(dict.fromkeys(files), key=lambda path: len(path.name))
    others = {
        path: first
        for path, first in same_files(shortest).items()
        if path.resolve().parent == first.resolve().parent
    }
    notes = [
        f"{path.name}: not used, since it holds the same as {first.name}"
        for path, first in others.items()
    ]
    return [path for path in dict.fromkeys(files) if path not in others], notes


def with_region(folder: Path, region: str) -> dict[Path, str]:
    """Return a drafted register of schools with a name for the region that all of them are in.

    Raises
    ------
    InputError
        Where the register is none that was drafted, or the region of a school has been written.
    """
    path = folder / "schools.csv"
    text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    rows = [*csv.reader(io.StringIO(text))]
    place = rows[0].index(names.REGION) if rows and names.REGION in rows[0] else None
    met = {row[place] for row in rows[1:] if len(row) > place} if place is not None else set()
    if len(met) != 1 or not met <= {*EVERYBODY.values()}:
        found = ", ".join(sorted(met)) or "no region"
        drafted = " or ".join(EVERYBODY.values())
        allowed = f"a drafted register in which all schools are in {drafted}"
        todo = "write the region of each school in the register"
        raise InputError("regions that are no draft's", found, allowed, path.name, todo)
    for row in rows[1:]:
        row[place] = region
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return {path: written.getvalue()}


def _read(path: Path) -> _File:
    export = read_export(path, ExportFile(file=path.name))
    frame, roles = export.frame, dict(export.roles)
    told = (export.tool, export.recognised, frame, export.questions, export.labels, roles)
    file = _File(path, *told)
    kinds = {column: identifier_kind(export, column) for column in frame}
    file.population, file.why_population = _population(file)
    submitted = [column for column, role in roles.items() if role == "submitted"]
    submitted += [
        column
        for column in frame
        if column not in roles
        and not kinds[column]
        and _DAY.match(next((text for text in frame[column] if text.strip()), ""))
    ]
    for column in submitted:
        zone = ZoneInfo("Europe/Oslo")
        moments, problem = read_moments(frame[column], zone=zone, written_in=export.zone(column))
        if problem is None and moments.notna().mean() > 0.5:
            file.submitted, file.moments = column, local_times(moments, zone)
            break
    file.kept_back = [
        c for c, kind in kinds.items() if kind and holds_identifiers(file.texts(c), kind)
    ]
    file.sides = _sides(frame.columns)
    return file


def _parts(file: _File) -> list[_File]:
    """Return a file by population, where a column tells them apart; else the file alone."""
    for column in file.frame if not file.sides else ():
        texts = file.texts(column)
        met = [text for text in texts.unique() if text]
        if len(met) < 2 or len(met) > _MOST_ANSWERS or not is_closed(met, len(texts)):
            continue
        kinds = {
            text: [w for w, form in PEOPLE.items() if re.fullmatch(form, row_text(text))]
            for text in met
        }
        if any(len(kind) != 1 for kind in kinds.values()):
            continue
        texts_of: dict[str, list[str]] = defaultdict(list)
        for text, (who,) in kinds.items():
            texts_of[who].append(text)
        if len(texts_of) > 1:
            return [_part(file, column, who, of) for who, of in texts_of.items()]
    return [file]


def _part(file: _File, column: str, population: str, texts: Sequence[str]) -> _File:
    """Return the rows of a file that are of a population, with the columns that these fill."""
    frame = file.frame[file.texts(column).isin(texts)]
    filled = [each for each in frame if frame[each].str.strip().ne("").any()]
    return replace(
        file,
        frame=frame[filled],
        roles={**file.roles, column: names.POPULATION},
        population=population,
        why_population=f"by the column {column}",
        moments=None if file.moments is None else file.moments.loc[frame.index],
        kept_back=[each for each in file.kept_back if each in filled],
        only=(column, tuple(texts)),
    )


def _population(file: _File) -> tuple[str, str]:
    """Return whom a file asked, and how that is known: by its name, else by its questions."""
    for population, words in _WHO.items():
        if re.search(words, file.path.stem, re.IGNORECASE):
            return population, "by the file's name"
    headings = [file.heading(column) for column in file.frame]
    found = {who: 2 * _share_asked(who, headings) for who in _WHO}
    said = " ".join(headings)
    for who, words in _WHO.items():
        found[who] += min(len(re.findall(words, said, re.I)), 10) / 20
    for who, name in (("pupils", names.GRADE), ("teachers", names.ROLE)):
        found[who] += any(re.fullmatch(_BACKGROUND[name], h.strip(" ?:.*"), re.I) for h in headings)
    best = max(found, key=found.__getitem__)
    return (best, "by its questions") if found[best] else ("pupils", "nothing tells otherwise")


def _share_asked(population: str, headings: Iterable[str]) -> float:
    """Return which part of the library's own questionnaire of a population is asked."""
    there = {normalise_label(heading) for heading in headings}
    items = [item for _, item in load_instrument(INSTRUMENTS[population]).items.values()]
    found = [
        bool(there & {normalise_label(text) for text in (*item.columns, *item.text.values())})
        for item in items
    ]
    return sum(found) / len(items)


def _is_register(file: _File) -> bool:
    """Whether a file lists schools: it has a region or a municipality, and no answers."""
    found = _register_columns(file)
    placed = "school" in found and not found.keys().isdisjoint({names.REGION, "municipality"})
    many = placed and file.frame[found["school"]].nunique() > 0.8 * len(file.frame)
    return many and not file.submitted


def _attended(file: _File) -> dict[str, list[str]]:
    """Return the columns of a register of attendance by what they count; of other files none.

    It has a row for each person or school, and hardly anything but counts or marks.
    """
    if file.submitted or not len(file.frame):
        return {}
    counts = [column for column in file.frame if column != _owner(file)]
    found = {
        name: [c for c in counts if re.fullmatch(pattern, file.heading(c), re.IGNORECASE)]
        for name, pattern in _ATTENDED.items()
    }
    found = {name: columns for name, columns in found.items() if columns}
    others = len(counts) - sum(map(len, found.values()))
    once = file.frame[_owner(file)].nunique() >= _UNIQUE * len(file.frame)
    return found if found and once and others <= _OTHERS else {}


def _owner(file: _File) -> str:
    """Return the column that tells whose a row of a register is: its first id or school."""
    told = (
        column
        for column in file.frame
        if _LINK.search(file.heading(column))
        or re.fullmatch(_BACKGROUND[names.SCHOOL], file.heading(column), re.IGNORECASE)
    )
    return next(told, next(iter(file.frame)))


def _register_columns(file: _File) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, pattern in _REGISTER.items():
        for column in file.frame:
            if re.fullmatch(pattern, file.heading(column), re.I) and column not in found.values():
                found.setdefault(name, column)
    return found


def _sides(columns: Iterable[str]) -> dict[str, str]:
    """Return the patterns of a file with both waves beside each other: ``{"pre": "Pre.{}"}``."""
    rests: dict[tuple[str, str], set[str]] = defaultdict(set)
    for column in columns:
        if told := _ASIDE.match(column):
            rests[column[: told.start("rest")], told["wave"].casefold()].add(told["rest"])
    if len(rests) < 2 or len(set.intersection(*rests.values())) < 3:
        return {}
    sides = {
        next((w for w, words in _WHEN.items() if re.fullmatch(words, wave)), ""): before + "{}"
        for before, wave in rests
    }
    return sides if "" not in sides else {}


@dataclass(eq=False)
class _Column:
    """A column of a population, in whatever files it stands."""

    names: dict[str, str]  # file → its column there
    heading: str
    texts: pd.Series = field(repr=False)  # by questionnaire, of all files
    places: dict[str, int]  # file → where it stands there
    back: bool = False  # whether it names people
    once: bool = False  # whether a file with both waves in a row has it for neither
    own: _Answers | None = None  # where other columns have them too, and no list does
    stored: list[Mapping[str, str]] = field(default_factory=list)  # labels by code, of its files
    joined: str = ""  # why columns of other headings are this one in other files
    sides: set[str] = field(default_factory=set)  # waves that a wide file asks it in

    @property
    def name(self) -> str:
        return next(iter(self.names.values()))

    @property
    def filled(self) -> pd.Series:
        return self.texts[self.texts.ne("")]

    @property
    def distinct(self) -> list[str]:
        return [*self.filled.unique()]

    @property
    def written(self) -> list[str]:
        """Texts that may be written into a file: those of three sheets in each file, by number.

        Those that mean no answer may always be.
        """
        sheets = self.filled.value_counts()
        least = _SHARED * len(self.names)
        met = [t for t, n in sheets.items() if n >= least or normalise_label(t) in NONE]
        return [text for text in met if _names_nobody(text)]

    def join(self, other: _Column) -> None:
        """Add what the column is in other files."""
        self.names |= other.names
        self.places |= other.places
        self.sides |= other.sides
        self.stored += other.stored
        self.texts = pd.concat([self.texts, other.texts])


def _spelling(of: Counter[str]) -> str:
    """Return how a school is mostly written; not in small or large letters alone if it need not."""
    return max(of, key=lambda text: (not (text.islower() or text.isupper()), of[text], text))


def _as_one_school(
    schools: Sequence[str], sheets: Mapping[str, int]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return schools, those of one name but for words that all have together, and their others.

    The name that most questionnaires have stands for the others.
    """
    alike: dict[object, list[str]] = defaultdict(list)
    for school in schools:
        compared = compared_name(school)
        alike[compared if compared[0] else school].append(school)
    earlier = {}
    for each in alike.values():
        first, *others = sorted(each, key=sheets.__getitem__, reverse=True)
        if others:
            earlier[first] = others
    taken = {school for each in earlier.values() for school in each}
    return [school for school in schools if school not in taken], earlier


@dataclass
class _Writer:
    """Writes the files of a study, marks what it guessed, and keeps what it left out."""

    study: str
    folder: Path
    exports: Sequence[_File]
    registers: Sequence[_File]
    attendance: list[_File]
    accept: bool
    region: str

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.linked: set[str] = set()  # populations
        self.scales: dict[str, list[str]] = defaultdict(list)
        self.language, self.why_language = _language(self.exports)
        self.populations: dict[str, list[_File]] = {} if self.exports else {"pupils": []}
        for file in self.exports:
            self.populations.setdefault(file.population, []).append(file)
        self.seasons = _seasons(self.exports)
        self.columns = {who: _columns(files) for who, files in self.populations.items()}

    def mark(self, why: str = "") -> str:
        """Return the end of a line that was guessed."""
        mark = GUESSED if self.accept else UNCONFIRMED
        return f"  # {why}; {mark}" if why else f"  # {mark}"

    def files(self) -> dict[Path, str]:
        """Return what each file is to hold."""
        made = {}
        # an order of answers that nothing tells has to be looked at
        kinds = {
            who: _kinds(columns, guess_order=not self.accept)
            for who, columns in self.columns.items()
        }
        texts = {
            who: [text for c in columns for text in (c.heading, *c.names.values())]
            for who, columns in self.columns.items()
        }
        self.own = {
            who: INSTRUMENTS[who] for who, of in texts.items() if _share_asked(who, of) > _ASKED
        }
        for who, of in kinds.items():
            if unordered := [column.name for column in of.get("unordered", ())]:
                what = f"{NO_ORDER} of their answers, so that they are not used: "
                todo = "draft without --accept, and put the answers in order"
                self.notes.append(f"warning: {who}: {what}{named(unordered)}: {todo}")
        for who in self.populations.keys() - self.own.keys():
            path = self.folder / "instruments" / f"{who}.yml"
            made[path] = "\n".join(self.instrument(who, kinds[who].get("item", []))) + "\n"
        made[self.folder / "study.yml"] = "\n".join(self.described(kinds)) + "\n"
        if not self.registers:
            made[self.folder / "schools.csv"] = self.register(kinds)
        return made

    def described(self, kinds: Mapping[str, Mapping[str, list[_Column]]]) -> Iterator[str]:
        """Yield the lines of study.yml."""
        yield "# Drafted by `loftet new`. data_raw/demo/study.yml explains every key."
        if not self.accept:
            yield f"# Look at each line that ends in “{UNCONFIRMED}”, then take these words away."
        yield f"title: {_flow({self.language: self.study})}" + self.mark()
        if self.exports:
            yield f"exports: {_quoted(self.beside(self.exports[0].path.parent))}"
        yield f"languages: [{self.language}]" + self.mark(self.why_language)
        yield "# who may see a number: open (public data), internal (6 people or more),"
        yield "# school (10), public (20)"
        yield "disclosure: internal"
        waves = {who: self.waves(files) for who, files in self.populations.items()}
        yield from self.windows(waves)
        yield from self.schools()
        yield "populations:"
        for who, files in self.populations.items():
            why = files[0].why_population if files else ""
            yield f"  {who}:" + (self.mark(why) if files else "")
            own = self.own.get(who)
            why = "the programme's own questionnaire, by its questions"
            yield f"    instrument: {own or who}" + (self.mark(why) if own else "")
            yield from self.population(who, kinds[who], waves[who])
        for file in self.attendance:
            yield f"# not used: {_quoted(file.path.name)}, a register of attendance of nobody here"
        yield from self.analysis(kinds)

    def analysis(self, kinds: Mapping[str, Mapping[str, list[_Column]]]) -> Iterator[str]:
        """Yield an analysis plan to fill in."""
        yield "# The analysis plan: declare it before you look at answers. Outcomes have the names"
        yield "# of the scales in the instrument; what is primary is told first and most surely."
        yield "# analysis:"
        yield "#   sesoi: 0.10  # the smallest change of interest, in standard deviations"
        yield "#   primary:"
        for who in self.populations:
            scales = self.scales.get(who) or [*load_instrument(INSTRUMENTS[who]).scales]
            asked, others = self.estimands(who, kinds.get(who, {}))
            outcomes = ", ".join(scales[:3])
            yield f"#     {who}: {{outcomes: [{outcomes}], estimands: [{', '.join(asked)}]}}"
            if others:
                yield f"#     # {who} can also be asked: {', '.join(others)}"

    def estimands(
        self, who: str, kinds: Mapping[str, list[_Column]]
    ) -> tuple[list[str], list[str]]:
        """Return the changes that a plan should ask of a population, and others that it can ask."""
        linked, graded = who in self.linked, bool(kinds.get(names.GRADE))
        roles = _sorted_into(kinds[names.ROLE][0].written, _ROLES) if kinds.get(names.ROLE) else {}
        both = linked and len(roles) == len(_ROLES)
        there = {"": True, "links": linked, "grades": graded, "roles": both}
        there["links or grades"] = linked or graded
        every = ESTIMANDS if len(self.waves(self.populations[who])) != 1 else {}
        possible = [
            name
            for name, each in every.items()
            if each.is_change and not each.needs_also and there[each.needs]
        ]
        of_roles = [name for name in _OF_ROLES if name in possible]
        asked = of_roles or possible[:1] or ["level"]
        return asked, [name for name in possible if name not in asked]

    def beside(self, folder: Path) -> str:
        """Return the folder of the exports as study.yml names it."""
        if folder.resolve() == self.folder.resolve():
            return "."
        if folder.resolve().is_relative_to(paths.raw().resolve()):
            return os.path.relpath(folder.resolve(), self.folder.resolve())
        return str(folder.resolve())

    def waves(self, files: Sequence[_File]) -> dict[str, list[_File]]:
        """Return a population's files by wave: by days of answers, else by their names."""
        if len(files) == 1 and files[0].sides:
            return {wave: [*files] for wave in files[0].sides}
        told: dict[str, list[_File]] = {}
        for number_, file in enumerate(files):
            words = re.split(r"[^a-zæøå0-9]+", file.path.stem.casefold())
            said = [w for w, form in _WHEN.items() if any(re.fullmatch(form, s) for s in words)]
            wave = self.seasons.get(id(file)) or (said[0] if said else f"file {number_}")
            told.setdefault(wave, []).append(file)
        if set(told) <= set(names.WAVES):
            return {wave: told[wave] for wave in names.WAVES if wave in told}
        called = _CALLED.get(len(told))
        if called is None:
            raise _too_many(len(told), files)
        return dict(zip(called, told.values(), strict=True))

    def windows(self, waves: Mapping[str, Mapping[str, list[_File]]]) -> Iterator[str]:
        """Yield when each wave's forms were open."""
        yield "# first and last day of each wave"
        yield "waves:"
        met = [w for w in names.WAVES if any(w in of for of in waves.values())] or ["pre"]
        found = {}
        for wave in met:
            files = [file for of in waves.values() for file in of.get(wave, ()) if not file.sides]
            moments = [file.moments for file in files if file.moments is not None]
            found[wave] = pd.concat(moments).dropna() if moments else pd.Series(dtype=object)
        dated = all(len(each) for each in found.values())  # dates for all, or for none
        for wave, every in found.items():
            if not dated:
                label = _BEFORE_AND_AFTER[self.language][wave]
                why = "not every file tells the day of an answer"
                if any(file.sides for file in self.exports):
                    why = "they stand beside each other; write `from` and `to` where they are known"
                yield f"  {wave}: {_flow({'label': {self.language: label}})}{self.mark(why)}"
                continue
            first, last = every.min().date(), every.max().date()
            most = [every.quantile(share).date() for share in (0.005, 0.995)]
            why = f"first and last of {len(every)} answers"
            if most != [first, last]:
                why += f"; 99% came from {most[0]} to {most[1]}, earlier ones may be trials"
            yield f"  {wave}: {{from: {first}, to: {last}}}" + self.mark(why)

    def schools(self) -> Iterator[str]:
        """Yield where the register is."""
        if self.registers:
            file = self.registers[0]
            found = _register_columns(file)
            path = os.path.relpath(file.path.resolve(), self.folder.resolve())
            yield "schools:" + self.mark("by its headings")
            yield f"  file: {_quoted(path)}"
            yield f"  columns: {_flow({names.SCHOOL: found['school'], **found})}"
            return
        yield "# a row per school: its region, and as far as known grades, municipality and how"
        yield "# many were invited"
        yield "schools: schools.csv" + self.mark(
            "those met in the exports, all in one region; complete the file"
        )
        if self.exports and not self.region:
            self.notes.append(
                f"schools.csv: all schools are in one region that is called {self.everybody}; "
                f"`loftet new {self.study} --region NAME` names it; of several regions write that "
                "of each school"
            )

    @property
    def everybody(self) -> str:
        return EVERYBODY["en" if self.language == "en" else "nb"]

    def register(self, kinds: Mapping[str, Mapping[str, list[_Column]]]) -> str:
        """Return the draft of a register: the schools that were met."""
        columns = [column for of in kinds.values() for column in of.get(names.SCHOOL, ())]
        spellings: dict[str, Counter[str]] = defaultdict(Counter)
        for text, n in Counter(text for column in columns for text in column.filled).items():
            if _names_nobody(text):
                spellings[normalise_label(text)][" ".join(text.split())] += n
        least = _SHARED * sum(len(column.names) for column in columns)
        sheets = {_spelling(of): of.total() for of in spellings.values()}
        met = sorted(text for text, n in sheets.items() if n >= least)
        few = len(sheets) - len(met)
        if few:
            what = f"{few} schools of few questionnaires, or like identifiers, are not written"
            self.notes.append(f"schools.csv: {what}: add them")
        typed = any(len(of) > 1 for of in spellings.values())
        met, earlier = _as_one_school(met, sheets) if typed else (met, {})
        ids = [text for text in met if re.fullmatch(r"[\w-]*\d[\w-]*", text)]
        called = [text for text in met if text not in ids]
        if ids and called:
            what = "some exports name schools by id and others by name"
            todo = "write the name beside its id, and take the other row out"
            self.notes.append(f"schools.csv: {what}: {todo}")
        todo = "if they are one school, write the wrong name into a column `earlier` of the right "
        todo += "one, and take the row of the wrong one out"
        told = [*written_otherwise(self.sheets(kinds, called))]
        if typed:
            begun = [(one, other) for one in called for other in called
                     if other.casefold().startswith(f"{one.casefold()} ")]  # fmt: skip
            told += [
                f"“{one}” ({sheets[one]} questionnaires), and “{other}” ({sheets[other]})"
                for one, other in dict.fromkeys((*resembling_pairs(called), *begun))
                if not any(f"“{one}”" in each and f"“{other}”" in each for each in told)
            ]
        for found in told:
            self.notes.append(f"schools.csv: names that resemble each other: {found}: {todo}")
        region = self.region or self.everybody
        rows = [(each, f"School {each}", region) for each in ids]
        rows += [(f"s{position:03}", each, region) for position, each in enumerate(called, 1)]
        required = ["school_id", "school", "region"]
        others = ["municipality", "grades", *(f"invited_{who}" for who in self.populations)]
        others += ["earlier"] * bool(earlier)
        table = pd.DataFrame(rows, columns=required).reindex(columns=[*required, *others])
        if earlier:
            table["earlier"] = table["school"].map(lambda name: " | ".join(earlier.get(name, ())))
            named_so = "; ".join(f"{school}: {', '.join(of)}" for school, of in earlier.items())
            self.notes.append(
                f"schools.csv: names that differ in words such as “school” only are one school "
                f"(column earlier): {named_so}; give another one a row of its own"
            )
        return table.to_csv(index=False, lineterminator="\n")

    def sheets(
        self, kinds: Mapping[str, Mapping[str, list[_Column]]], schools: Collection[str]
    ) -> pd.DataFrame:
        """Return how many questionnaires of each population and wave name a school."""
        rows: Counter[tuple[str, str, str]] = Counter()
        known = {normalise_label(school): school for school in schools}
        for who, of in kinds.items():
            for wave, files in self.waves(self.populations[who]).items():
                for file in files:
                    for column in of.get(names.SCHOOL, ()):
                        if name := column.names.get(file.path.name):
                            texts = file.texts(name).map(normalise_label)
                            rows.update((who, wave, known[t]) for t in texts if t in known)
        columns = [names.POPULATION, names.WAVE, "school", "n"]
        return pd.DataFrame([(*place, n) for place, n in rows.items()], columns=columns)

    def population(
        self,
        who: str,
        kinds: Mapping[str, list[_Column]],
        waves: Mapping[str, list[_File]],
    ) -> Iterator[str]:
        """Yield what study.yml says of a population."""
        if who == "leaders" and not kinds.get(names.ROLE):
            yield "    role: leader"
        found = {name: kinds[name][0] for name in _BACKGROUND if kinds.get(name)}
        files = self.populations[who]
        submitted = next((f.submitted for f in files if f.submitted), "")
        if files and files[0].sides and (told := _ASIDE.match(submitted)):
            submitted = told["rest"]
        yield "    columns:"
        if names.SCHOOL not in found:
            yield f"      {names.SCHOOL}: school" + self.mark("no column tells the school")
        for name, column in found.items():
            yield f"      {name}: {_quoted(column.name)}" + self.mark()
        if submitted:
            of_the_tool = all(f.roles.get(f.submitted) == "submitted" for f in files if f.submitted)
            mark = "" if of_the_tool else self.mark("its texts are times")
            yield f"      submitted: {_quoted(submitted)}{mark}"
        yield from self.values(found)
        also = {name: kinds[name][0] for name in ("consent",) if kinds.get(name)}
        facts = [found[name] for name in (names.SCHOOL, names.GENDER) if name in found]
        linked, why = self.best_link(kinds.get("link", []), waves, facts)
        if linked:
            also["link"] = linked
        if (linked and len(waves) > 1) or any(file.sides for file in files):
            self.linked.add(who)
        yield self.link(linked, why, waves)
        yield from self.attended(who, linked, found.get(names.SCHOOL))
        unused = [c for c in kinds.get("other", ()) if who not in self.own]
        yield from self.consent(who, kinds.get("consent", ()), unused)
        for kind, what in (("left", "their own words, or nearly each a text of its own"),
                           ("back", "what names people")):  # fmt: skip
            for column in kinds.get(kind, ()):
                called = column.name
                if called == submitted:
                    continue
                named = _quoted(called) if _names_nobody(called) else "with a number in it"
                yield f"    # not read: column {named} ({what})"
        if unused:
            named = ", ".join(_quoted(column.name) for column in unused)
            yield f"    # not used: {named}; a background column gets a name under `columns`"
        yield "    files:"
        yield from self.sources(who, waves, {**found, **also}, submitted)

    def consent(
        self, who: str, asked: Sequence[_Column], unused: Sequence[_Column]
    ) -> Iterator[str]:
        """Yield who has consented; where no question of it was found, what that means."""
        for column in asked:
            if yes := [text for text in column.written if _YES.fullmatch(text)]:
                told = _flow({"column": column.name, "yes": yes[0]})
                share = column.filled.eq(yes[0]).mean()
                yield f"    consent: {told}" + self.mark(f"{share:.0%} say so")
                return
        said = "no question of consent was found"
        if asked:
            said = f"{_quoted(asked[0].name)} may be the consent, but no answer is a known yes"
        for column in unused if not asked else ():
            share = column.filled.str.fullmatch(_YES.pattern, flags=re.IGNORECASE).mean()
            if share >= _MOSTLY and len(column.distinct) <= 2:
                said += f"; is {_quoted(column.name)} the consent? {share:.0%} say yes"
        yield f"    # {said}"
        yield "    # where there is one: consent: {column: …, yes: …}"
        yield "    # without `consent` every questionnaire is used"
        where = f"study.yml, {who}: {said}"
        todo = "if there was one, write `consent`; without it every questionnaire is used"
        self.notes.append(f"{where}; {todo}")

    def sources(
        self,
        who: str,
        waves: Mapping[str, list[_File]],
        columns: Mapping[str, _Column],
        submitted: str,
    ) -> Iterator[str]:
        """Yield which file is of which wave."""
        files = self.populations[who]
        if not waves:
            yield "      pre: {file: export.csv}" + self.mark("the export of the first wave")
        if files and files[0].sides:
            mark = self.mark("it holds both waves beside each other")
            yield f"      tool: {files[0].tool}" + self.mark(f"since {files[0].reason}")
            yield f"      file: {_quoted(files[0].path.name)}{mark}"
            yield from (f'      {w}: "{p}"' for w, p in files[0].sides.items())
            return
        for wave, of in waves.items():
            entries = [self.file(file, columns, submitted) for file in of]
            why = "by the days of the answers" if of[0].moments is not None else "by its name"
            if len(entries) == 1:
                mark = self.mark(f"the wave {why}; the tool, since {of[0].reason}")
                yield f"      {wave}: {entries[0]}{mark}"
            else:
                known = "; ".join(dict.fromkeys(file.reason for file in of))
                mark = self.mark(f"the wave {why}; the tools, since {known}")
                yield f"      {wave}:{mark}"
                yield from (f"        - {entry}" for entry in entries)

    def file(self, file: _File, columns: Mapping[str, _Column], submitted: str) -> str:
        """Return the entry of one export."""
        other = {
            name: column.names[file.path.name]
            for name, column in columns.items()
            if column.names.get(file.path.name, column.name) != column.name
        }
        if file.submitted and file.submitted != submitted:
            other["submitted"] = file.submitted
        column, texts = file.only
        only = {"only": {"column": column, "values": texts}} if column else {}
        others = {"columns": other} if other else {}
        return _flow({"tool": file.tool, "file": file.path.name, **only, **others})

    def values(self, found: Mapping[str, _Column]) -> Iterator[str]:
        """Yield what the texts of a role or gender mean, as far as they can be told."""
        told = {}
        if names.GENDER in found:
            told[names.GENDER] = _sorted_into(found[names.GENDER].written, _GENDERS)
        if names.ROLE in found:
            told[names.ROLE] = _sorted_into(found[names.ROLE].written, _ROLES)
        if any(told.values()):
            yield "    values:"
        yield from (f"      {name}: {_flow(of)}{self.mark()}" for name, of in told.items() if of)

    def best_link(
        self,
        candidates: Sequence[_Column],
        waves: Mapping[str, list[_File]],
        facts: Sequence[_Column],
    ) -> tuple[_Column | None, str]:
        """Return the candidate that finds most people again, and what speaks for it.

        A column is none that numbers the rows, or finds people of other schools or genders
        (``facts``) as often as by chance.
        """
        tried, refused = [], []
        for column in candidates:
            by_wave = []
            for of in waves.values():
                parts = [
                    pd.DataFrame({
                        place: file.texts(each.names[file.path.name]).str.casefold()
                        for place, each in enumerate((column, *facts))
                        if file.path.name in each.names
                    })
                    for file in of
                    if file.path.name in column.names
                ]  # fmt: skip
                every = pd.concat(parts or [pd.DataFrame({0: pd.Series(dtype=str)})])
                by_wave.append(every[every[0].ne("")])
            once = 1 - np.mean([rows[0].duplicated(keep=False).mean() for rows in by_wave])
            again = by_wave[-1][0].isin(set(by_wave[0][0])).mean() if len(by_wave) > 1 else 0.0
            of_facts = _agreements(by_wave[0], by_wave[-1])
            unlike = any(each < UNLIKE for each in of_facts)
            counted = len(by_wave) > 1 and all(_numbers_rows(rows[0]) for rows in by_wave)
            if unlike or (counted and not any(each > _SAME for each in of_facts)):
                why = "numbers the rows" if counted else "finds other people"
                refused.append(f"not {column.name}, which {why}")
            else:
                tried.append((np.nan_to_num(again), np.nan_to_num(once), column))
        if not tried:
            return None, ", ".join(refused) or "no column has a text of its own for most"
        again, once, column = max(tried, key=lambda each: each[:2])
        why = f"{once:.0%} of its texts stand once"
        if len(waves) > 1:
            why += f", {again:.0%} of the last wave's stood there the first time"
        others = [f"else {each.name}" for *_, each in tried if each is not column]
        return column, "; ".join([why, *others, *refused])

    def link(self, column: _Column | None, why: str, waves: Mapping[str, list[_File]]) -> str:
        """Return how a person's sheets are found."""
        if column is None and any(file.sides for of in waves.values() for file in of):
            why = f"{why}; the waves of a person stand in one row"
            return "    link: {by: row}" + self.mark(why)
        if column is None or len(waves) < 2:
            why = "one wave only" if column else why
            return "    link: {by: none}" + self.mark(why)
        told: dict[str, object] = {"by": self.by(column), "column": column.name}
        if told["by"] == "code" and (found := _elements(column.filled)):
            told["elements"], form, share = found
            why += f"; {share:.0%} are written as {form}"
        elif told["by"] == "code":
            self.notes.append(
                "study.yml: no elements of the codes: three or more parts of at most two signs "
                "could not be told; a code with one wrong sign is linked all the same, one with "
                "a whole wrong part is not"
            )
        return f"    link: {_flow(told)}" + self.mark(why)

    def attended(self, who: str, linked: _Column | None, school: _Column | None) -> Iterator[str]:
        """Yield the register of attendance of a population: that which has most of its people."""
        owners = {"id": linked if linked and self.by(linked) == "id" else None}
        if who == "leaders":  # who have no id: everybody of a school has its counts
            owners["school"] = school
        for file in self.attendance:
            rows = file.frame[_owner(file)].str.strip().str.casefold()
            for by, column in owners.items():
                found = rows.isin({*column.filled.str.casefold()}).mean() if column else 0
                if found < _OF_SHEETS:
                    continue
                self.attendance.remove(file)
                mark = self.mark(f"{found:.0%} of its rows have a questionnaire")
                yield f"    attendance:{mark}"
                yield f"      file: {_quoted(file.path.name)}"
                yield f"      {by}: {_quoted(_owner(file))}"
                yield f"      columns: {_flow(_attended(file))}"
                return

    @staticmethod
    def by(column: _Column) -> str:
        """Return whether a column holds ids that were given out, or codes made by people."""
        return "code" if _CODE.search(f"{column.name} {column.heading}") else "id"

    def instrument(self, who: str, columns: Sequence[_Column]) -> Iterator[str]:
        """Yield the lines of an instrument: answer scales, and scales with their items."""
        yield "# The questionnaire: answer scales with their values, scales with their questions."
        if not columns:
            yield from _example(self.language).splitlines()
            self.notes.append(f"instruments/{who}.yml: an example; write the questionnaire there")
            return
        blocks = [[*_by_correlation(block)] for block in _blocks(columns)]
        groups = [group for parts in blocks for group in parts]
        parted = {id(group) for parts in blocks if len(parts) > 1 for group in parts}
        sets, responses = _response_sets(groups)
        yield from self.responses(sets)
        yield ""
        yield "# `question: Q1` below a scale says which research question of study.yml it answers"
        yield "# (`questions:` there); it is no column of an export. Rename a scale here, and in"
        yield "# `analysis:` of study.yml where that names it."
        yield "scales:"
        waves = [*self.waves(self.populations[who])]
        owners = Counter(name for column in columns for name in {*column.names.values()})
        called = _scale_names(groups)
        taken = {name.casefold() for name in called}
        for group, of, name in zip(groups, responses, called, strict=True):
            self.scales[who].append(name)
            why = _why_together(group, is_part=id(group) in parted)
            yield f"  {name}:" + self.mark(why)
            text = name.replace("_", " ").capitalize()
            yield f"    label: {_flow({self.language: text})}" + self.mark()
            yield f"    responses: {of}"
            asked = [self.asked(who, column) for column in group]
            met = [wave for wave in names.WAVES if any(wave in each for each in asked)]
            if met != waves:
                yield "    waves: " + self.met_only(met)
            elif met not in asked:
                yield f"    waves: [{', '.join(met)}]"
            yield "    items:"
            against = _against(group, sets[of])
            for position, column in enumerate(group, 1):
                code = column.name if _CODED.fullmatch(column.name) else f"{name}_{position}"
                while code.casefold() in taken:
                    code += "_"
                taken.add(code.casefold())
                yield f"      {code}:"
                if position - 1 in against:
                    r = against[position - 1]
                    yield "        reversed: true" + self.mark(f"r = {r:.2f} with the others")
                yield f"        {self.language}: {_quoted(_wording(column))}"
                # a code that is another question's in another wave is none of either
                others = [*dict.fromkeys(
                    name if owners[name] == 1 else column.heading for name in column.names.values()
                )]  # fmt: skip
                mark = self.mark(column.joined) if column.joined else ""
                yield f"        columns: {_flow(others)}{mark}"
                if asked[position - 1] != met:
                    yield "        waves: " + self.met_only(asked[position - 1])

    def responses(self, sets: Mapping[str, _Answers]) -> Iterator[str]:
        """Yield the lines of the answer scales."""
        yield "responses:"
        for name, answers in sets.items():
            yield f"  {name}:" + (self.mark(answers.guess) if answers.guess else "")
            for value, text in answers.labels.items():
                other = [each for each, of in answers.also.items() if of == value]
                shown = {self.language: text, **({"also": other} if other else {})}
                yield f"    {value}: {_flow(shown)}"
            if answers.missing:
                yield f"    missing: {_flow(answers.missing)}"

    def asked(self, who: str, column: _Column) -> list[str]:
        """Return the waves of which a file, or its side, has a column."""
        waves = self.waves(self.populations[who])
        return [
            wave
            for wave, of in waves.items()
            if any(file.path.name in column.names for file in of)
            and (not column.sides or wave in column.sides)
        ]

    def met_only(self, waves: Sequence[str]) -> str:
        """Return the waves of a question or scale that others of the study do not ask."""
        return f"[{', '.join(waves)}]" + self.mark("no export of another wave has it")


#: What a region of all schools is called until somebody names it.
EVERYBODY = {"nb": "Alle", "en": "All"}
_BEFORE_AND_AFTER = {
    "nb": {"pre": "Før", "mid": "Underveis", "post": "Etter"},
    "nn": {"pre": "Før", "mid": "Undervegs", "post": "Etter"},
    "en": {"pre": "Before", "mid": "Midway", "post": "After"},
}
#: What so many waves are called.
_CALLED = {0: (), 1: ("pre",), 2: ("pre", "post"), 3: names.WAVES}


def _language(files: Sequence[_File]) -> tuple[str, str]:
    """Return the language of the questions, and how it is known.

    Words are counted in the whole questionnaire, what headings of a matrix share only once.
    """
    asked = [file.heading(c) for file in files for c in file.frame if c not in file.roles]
    told = [(_MATRIX.match(heading), heading) for heading in asked]
    parts = dict.fromkeys(
        part for matrix, heading in told for part in (matrix.groups() if matrix else (heading,))
    )
    text = " ".join(parts).casefold()
    found = {each: len(re.findall(words, text)) for each, words in _WORDS.items()}
    by_words = any(found.values())
    spoken = [
        file.texts(column).str.casefold()
        for file in files
        for column, role in file.roles.items()
        if role == LANGUAGE and column in file.frame
    ]
    cells = pd.concat(spoken) if spoken else pd.Series(dtype=str)
    said = next(iter(cells[cells.ne("")].value_counts().index), "")
    fits = [each for each, form in _SPOKEN.items() if re.fullmatch(form, said)]
    found |= {each: found[each] + _SAID for each in fits}
    if not any(found.values()):
        return "nb", "nothing tells it"
    best = max(found, key=found.__getitem__)
    why = ["the questions"] if by_words else []
    why += ["the tool's column of languages"] if best in fits else []
    return best, "by " + " and ".join(why)


def _seasons(files: Sequence[_File]) -> dict[int, str]:
    """Return the wave of each file with dates, by its id: weeks without an answer part them."""
    dated = [(f.moments.median(), f) for f in files if f.moments is not None]
    groups: list[list[tuple[pd.Timestamp, _File]]] = []
    for middle, file in sorted(dated, key=itemgetter(0)):
        if groups and (middle - groups[-1][-1][0]).days <= _AWAY:
            groups[-1].append((middle, file))
        else:
            groups.append([(middle, file)])
    called = _CALLED.get(len(groups))
    if called is None:
        raise _too_many(len(groups), files)
    return {id(f): wave for wave, of in zip(called, groups, strict=True) for _, f in of}


def _too_many(n: int, files: Iterable[_File]) -> InputError:
    what, allowed = "more waves than a study has", "three at most: pre, mid, post"
    found = f"{n} that lie more than {_AWAY} days apart, or have no dates"
    where = ", ".join(file.path.name for file in files)
    return InputError(what, found, allowed, where, "name the exports of fewer waves")


_EXAMPLE = {
    "nb": ("Vet ikke", "Glede", "Jeg liker matematikk.", "Matematikk er kjedelig."),
    "nn": ("Veit ikkje", "Glede", "Eg likar matematikk.", "Matematikk er keisamt."),
    "en": ("Don't know", "Joy", "I like mathematics.", "Mathematics is dull."),
}


def _example(language: str) -> str:
    """Return an instrument to look at and to write over."""
    unknown, joy, liked, dull = _EXAMPLE[language]
    answers = "\n".join(
        f"    {value}: {_flow({language: texts.partition('|')[0]})}"
        for value, texts in enumerate(SCALES["agree5", language], 1)
    )
    return f"""\
responses:
  agree5:
{answers}
    missing: [{unknown}]

scales:
  joy:
    label: {{{language}: {joy}}}
    responses: agree5
    items:
      joy_1:
        {language}: {liked}
        columns: [joy_1]
      joy_2:
        reversed: true
        {language}: {dull}
        columns: [joy_2]"""


_CODED = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _columns(files: Sequence[_File]) -> list[_Column]:
    """Return the columns of a population that may hold answers, those of one question together."""
    found: dict[str, _Column] = {}
    rows: dict[tuple[int, str], int] = {}  # the first of a file, or of a side of it
    most = max((len(file.frame) for file in files), default=0)
    for number_, file in enumerate(files):
        for place, column in enumerate(file.frame):
            if column in file.roles or column == file.submitted:
                continue
            told = _ASIDE.match(column) if file.sides else None
            name = told["rest"] if told else column
            before = column[: told.start("rest")] if told else ""
            asked = {wave for wave, pattern in file.sides.items() if pattern == before + "{}"}
            side = (number_, before)
            first = rows.setdefault(side, len(rows) * most)
            heading = file.heading(column)
            key = normalise_label(name if told or heading == column else heading)
            texts = file.texts(column)
            texts = texts.set_axis(range(first, first + len(texts)))
            stored = [file.labels[column]] if file.labels.get(column) else []
            known = found.get(key) or found.get(normalise_label(name))
            if known is None:
                of, at = {file.path.name: name}, {file.path.name: place}
                once, shown = bool(file.sides) and not told, name if told else heading
                found[key] = _Column(of, shown, texts, at, once=once, stored=stored, sides=asked)
                continue
            known.names.setdefault(file.path.name, name)
            known.places.setdefault(file.path.name, place)
            known.texts = pd.concat([known.texts, texts])
            known.sides |= asked
            known.stored += stored
            if known.heading == known.name and heading != column:
                known.heading = heading
    back = {normalise_label(file.heading(column)) for file in files for column in file.kept_back}
    for key, column in found.items():
        column.back = key in back or normalise_label(column.heading) in back
    return [*found.values()]


def _names_nobody(text: str) -> bool:
    """Whether a text holds no address and is no phone number or national id."""
    return not redact_text(text, bare_numbers=False)[1] and not _NUMBER_OF_ONE.fullmatch(text)


def _kinds(columns: Sequence[_Column], *, guess_order: bool) -> dict[str, list[_Column]]:
    """Return columns by what they seem to be.

    ``item``; a background column by its standard name; ``link``, ``consent``; ``back`` (names
    people), ``left`` (texts of people's own), ``other``, and those of the others that would be
    items if the order of their answers were guessed (``unordered``).
    """
    found: dict[str, list[_Column]] = defaultdict(list)
    for column in columns:
        found[_kind(column)].append(column)
    for name in (*_BACKGROUND, "consent"):  # one column in each file; others are not used
        for column in found[name][1:]:
            if found[name][0].names.keys() & column.names.keys():
                found["other"].append(column)
            else:
                found[name][0].join(column)
        del found[name][1:]
    found["link"] = _same_people(found["link"])
    others = [column for column in found["other"] if not column.once]
    _share_coded(others)
    _share_words([column for column in others if not column.own])
    if not guess_order:
        found["unordered"] = [c for c in found["other"] if c.own and c.own.guess == _no_order()]
        for column in found["unordered"]:
            column.own = None
    found["item"] = [column for column in columns if column in found["item"] or column.own]
    found["other"] = [column for column in found["other"] if not column.own]
    found["item"] = _in_order(_joined_by_wording(_joined_by_place(found["item"])))
    return found


def _agreements(before: pd.DataFrame, after: pd.DataFrame) -> list[float]:
    """Return how well the facts (columns 1, 2, …) of those found again by column 0 agree."""
    once = [rows.drop_duplicates(0, keep=False) for rows in (before, after)]
    found = once[0].merge(once[1], on=0, suffixes=(None, "'"))
    if len(found) < FEWEST_PEOPLE:
        return []
    told = [
        agreement(found[name].replace("", None), found[f"{name}'"].replace("", None))
        for name in before.columns[1:]
        if f"{name}'" in found
    ]
    return [each for each in told if not np.isnan(each)]


def _numbers_rows(texts: pd.Series) -> bool:
    """Whether a column counts the rows of its file: each number is one more than the last."""
    numbers = pd.to_numeric(texts, errors="coerce")
    return len(numbers) > 1 and bool(numbers.diff().iloc[1:].eq(1).all())


def _elements(codes: pd.Series) -> tuple[tuple[int, ...], str, float] | None:
    """Return the elements of codes that have one shape, their form, and how many have it.

    Letters, digits and what stands between signs that divide them are elements, three or more. A
    longer one may be several of them, or a number that counts people.

    Examples
    --------
    >>> _elements(pd.Series(["AN12T", "be-07-s", "CE 31 k"]))
    ((2, 2, 1), 'aa99a', 1.0)
    >>> _elements(pd.Series(["AN12T", "12AN", "123456"])), _elements(pd.Series(["A0001B"] * 9))
    (None, None)
    """
    parts = codes.map(form_of).map(lambda form: tuple(re.findall("a+|9+", form)))
    shapes = parts.value_counts(normalize=True)
    if shapes.empty or shapes.iloc[0] < _ONE_SHAPE:
        return None
    shape = shapes.index[0]
    sizes = tuple(map(len, shape))
    if len(sizes) < _FEWEST_ELEMENTS or max(sizes) > _LONGEST_ELEMENT:
        return None
    return sizes, "".join(shape), float(shapes.iloc[0])


def _same_people(columns: Sequence[_Column]) -> list[_Column]:
    """Return candidates of a link, those joined that different files call otherwise.

    They hold the same texts, or codes of one form, or their headings resemble each other.
    """
    joined: list[_Column] = []
    for column in columns:
        for other in joined:
            again = column.filled.isin(set(other.filled)).mean()
            forms = [(_elements(c.filled) or ())[:2] for c in (column, other)]
            one_form = forms[0] == forms[1] != () or _likeness(column, other) >= RESEMBLES
            if not other.names.keys() & column.names.keys() and (again > _AGAIN or one_form):
                other.join(column)
                break
        else:
            joined.append(column)
    return joined


def _kind(column: _Column) -> str:
    filled, distinct = column.filled, column.distinct
    if not distinct:
        return "other"
    said = [column.name, column.heading]
    shared = len(filled) / len(distinct)
    if not all(map(_names_nobody, said)):
        return "back"
    if column.back:
        return "link" if _LINK.search(column.name) and shared < 1 / _UNIQUE else "back"
    if any(_CONSENT.search(text) for text in said):
        return "consent" if len(distinct) <= _MOST_ANSWERS else "other"
    for name, pattern in _BACKGROUND.items():
        named = any(re.fullmatch(pattern, text.strip(" ?:.*"), re.IGNORECASE) for text in said)
        if named and (name == names.SCHOOL or len(distinct) <= _MOST_ANSWERS + 2):
            return name
    if any(_LINK.search(text) for text in said) and shared < _OWN_TEXT * max(2, len(column.names)):
        return "link"
    if holds_free_text(column.texts) or shared < _SHARED:
        return "left"
    if any(_NUMBER_OF.fullmatch(text.strip(" ?:*")) for text in said):
        return "other"
    return "item" if not column.once and _read_answers([column]) else "other"


def _namings(column: _Column) -> tuple[str, ...]:
    """Return what columns of one scale share: a matrix's title, and a prefix in each file."""
    shown = column.heading if column.heading != column.name else column.name
    told = _MATRIX.match(shown)
    found = [f"matrix {told[1]}"] if told else []
    numbered = [_NUMBERED.match(name) for name in column.names.values() if name != shown]
    if not told:
        numbered += [_NUMBERED.match(shown)] if len(shown) <= _CODE_LENGTH else []
    return (*found, *dict.fromkeys(f"prefix {told[1]}" for told in numbered if told))


def _naming(column: _Column) -> str:
    """Return a column's matrix, else its longest prefix; empty where it has none."""
    found = _namings(column)
    return max(found, key=lambda told: (told.startswith("matrix"), len(told)), default="")


def _blocks(columns: Sequence[_Column]) -> Iterator[list[_Column]]:
    """Yield columns that are named alike, else those beside each other with the same answers."""
    named: dict[tuple[str, ...], list[_Column]] = defaultdict(list)
    for column in columns:
        named[_namings(column)].append(column)
    alone: list[_Column] = []
    for naming, of in named.items():
        if naming and len(of) > 1:
            yield from _alike(of)
        else:
            alone += of
    yield from _alike([column for column in columns if column in alone])


def _alike(columns: Sequence[_Column]) -> Iterator[list[_Column]]:
    """Yield runs of columns whose answers are of one answer scale."""
    run: list[_Column] = []
    for column in columns:
        if run and not (_read_answers([*run, column]) and _read_answers([run[-1], column])):
            yield run
            run = []
        run.append(column)
    if run:
        yield run


def _read_answers(group: Sequence[_Column]) -> tuple[_Answers, str] | None:
    """Return the answers that columns share, and what their scale is called, if they share any.

    Known answers, or whole numbers from 0 to 10, are nearly all that there is; beside answers that
    are none, and a few that are something else.
    """
    if any(column.own for column in group):
        own = group[0].own
        return (own, "answers") if own and all(each.own == own for each in group) else None
    sheets = Counter(text for column in group for text in column.filled)
    missing = [text for text in sheets if normalise_label(text) in NONE]
    words = Counter({t: n for t, n in sheets.items() if number(t) is None and t not in missing})
    values: Counter[int] = Counter()
    for text, n in sheets.items():
        value = number(text)
        if value is not None and value == int(value) and value >= 0:
            values[int(value)] += n
    total = sheets.total() - sum(sheets[text] for text in missing)
    usual, codes = _usual_numbers(values, total)
    missing += map(str, codes)
    total -= sum(values[code] for code in codes)
    if usual and usual[-1] >= _MOST_ANSWERS:
        return None
    counted = sum(values[value] for value in usual)
    if words.total() < (1 - LEAST) * total:
        if len(usual) < 2 or counted < LEAST * total or _coded(group):
            return None  # labels of some codes count as `_share_coded` finds them
        low, high = min(usual[0], 1), usual[-1]
        labels = {value: str(value) for value in range(low, high + 1)}
        return _Answers(labels, missing, _no_order(low)), f"from_{low}_to_{high}"
    known = known_scale(words)
    if known is None or words.total() + counted < LEAST * total:
        return None
    name, language, labels = known
    met = {normalise_label(text): n for text, n in words.items()}
    spelled = {normalise_label(text): text for text in reversed(words)}
    others = in_other_languages(name, language, met).items()
    also = {spelled[text]: value for text, value in others}
    if counted >= (1 - LEAST) * total and not {*usual} <= {*labels}:
        return None
    coded = _coded(group)
    return (_Answers(labels, missing, also=also) if coded is None else coded), name


def _usual_numbers(values: Counter[int], total: int) -> tuple[list[int], list[int]]:
    """Return the numbers that are answers, and codes such as 9 or 99, of few, that are none."""
    usual = [value for value in sorted(values) if values[value] >= _SOME * total]
    for way in (1, -1):  # an end that few chose
        while usual and values[end := (usual[-1] if way > 0 else usual[0]) + way] >= _SHARED:
            usual = sorted([*usual, end])
    codes: list[int] = []
    while len(usual) > 2 and usual[-1] - usual[-2] > 1 and usual[-1] in _CODES_OF_NONE:
        if values[usual[-1]] > _MOST_MISSING * total:
            break
        codes.append(usual.pop())
        total -= values[codes[-1]]
    return usual, codes


def _answers(group: Sequence[_Column]) -> tuple[_Answers, str]:
    read = _read_answers(group)
    if read is None:
        raise AssertionError(f"no answers shared by {[column.name for column in group]}")
    return read


def _response_sets(groups: Sequence[list[_Column]]) -> tuple[dict[str, _Answers], list[str]]:
    """Return the answer scales by name, and the name of each group's."""
    sets: dict[str, _Answers] = {}
    of_groups = []
    for group in groups:
        answers, name = _answers(group)
        while name in sets and sets[name].compared != answers.compared:
            name += "_"
        if name in sets:
            answers.labels = sets[name].labels
            answers.missing = [*dict.fromkeys([*sets[name].missing, *answers.missing])]
            answers.also = sets[name].also | answers.also
        sets[name] = answers
        of_groups.append(name)
    return sets, of_groups


def _share_words(columns: Sequence[_Column]) -> None:
    """Give columns whose few answers other columns have too these answers, in no known order."""
    met: dict[frozenset[str], list[_Column]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for column in columns:
        texts = column.filled.value_counts()
        texts = texts[texts >= max(_SOME * len(column.filled), _SHARED * len(column.names))]
        texts = texts[[_names_nobody(text) for text in texts.index]]
        words = {normalise_label(t): t for t in reversed(texts.index) if number(t) is None}
        words = {key: text for key, text in words.items() if key not in NONE}
        if 2 < len(words) <= _MOST_WORDS and texts.sum() >= LEAST * len(column.filled):
            met[frozenset(words)].append(column)
            spelled |= words
    for answers in sorted(met, key=len, reverse=True):
        alike = [column for part, of in met.items() if part <= answers for column in of]
        alike = [column for column in alike if not column.own]
        if len(alike) >= _ALIKE:
            labels = dict(enumerate((spelled[key] for key in sorted(answers)), 1))
            for column in alike:
                column.own = _Answers(labels, [], _no_order())


def _no_order(low: int = 1) -> str:
    return f"{NO_ORDER}; {low} is the lowest"


def _share_coded(columns: Sequence[_Column]) -> None:
    """Give columns the answers that their files store by code, where other columns have them too.

    Files may leave out answers that nobody gave.
    """
    met: list[tuple[_Column, _Answers]] = []
    for column in columns:
        answers = _coded([column])
        if answers and 2 < len(answers.labels) <= _MOST_ANSWERS:
            met.append((column, answers))
    for _, answers in sorted(met, key=lambda each: -len(each[1].labels)):
        alike = [
            c for c, of in met if not c.own and of.compared.items() <= answers.compared.items()
        ]
        if len(alike) >= _ALIKE:
            every = dict.fromkeys(text for c, of in met if c in alike for text in of.missing)
            for column in alike:
                column.own = replace(answers, missing=[*every])


def _coded(group: Sequence[_Column]) -> _Answers | None:
    """Return the answers that the files of some columns store by code, in the order of the codes.

    Where words that are known run the other way, they tell the order. Codes of files that differ
    count as in the first. Without stored labels, or where much stands there that has none, it is
    nothing.
    """
    labels: dict[int, str] = {}
    for stored in (each for column in group for each in column.stored):
        told = [(number(code), " ".join(text.split())) for code, text in stored.items()]
        known = {normalise_label(text) for text in labels.values()} | {""}
        whole = [(int(code), text) for code, text in told if code is not None and not code % 1]
        new = {code: text for code, text in whole if normalise_label(text) not in known}
        if labels.keys() & new.keys():
            return None  # one code, two answers
        labels |= new
    sheets = Counter(text for column in group for text in column.filled)
    known = {normalise_label(text) for text in labels.values()} | NONE
    bare: Counter[int] = Counter()
    odd = 0
    for text, n in sheets.items():
        value = number(text)
        if value is not None and value == int(value):
            bare[int(value)] += n
        else:
            odd += n * (normalise_label(text) not in known)
    met = {value for value, n in bare.items() if n >= _SHARED}
    none = _codes_of_none(labels, met)
    codes = sorted(labels.keys() - none)
    if len(codes) < 2 or len({normalise_label(labels[code]) for code in codes}) < len(codes):
        return None
    inside = {value for value in met if codes[0] <= value <= codes[-1]}
    odd += sum(n for value, n in bare.items() if value not in labels and value not in inside)
    if odd > (1 - LEAST) * sheets.total():
        return None
    if inside - labels.keys():  # only some of the answers have labels
        codes = [*range(codes[0], codes[-1] + 1)]
    answers = [labels.get(code, str(code)) for code in codes]
    values = (
        codes
        if -_MOST_ANSWERS < codes[0] <= 1 and codes[-1] < _MOST_ANSWERS
        else range(1, len(codes) + 1)
    )
    guess, order = "the order of the codes in the file", _known_order(answers)
    if order == answers:
        guess = ""
    elif order:
        turned = codes[answers.index(order[0])]
        guess = f"the words run against the codes of the file, where {turned} is “{order[0]}”"
        answers = order
    missing = [labels[code] for code in sorted(none)]
    missing += [
        str(v) for v in sorted(met - labels.keys()) if v not in inside and v in _CODES_OF_NONE
    ]
    return _Answers(dict(zip(values, answers, strict=True)), missing, guess)


def _codes_of_none(labels: Mapping[int, str], met: Collection[int]) -> set[int]:
    """Return the codes of labels that are no answers: by their words, or far from the others."""
    none = {code for code, text in labels.items() if normalise_label(text) in NONE}
    rest = sorted(labels.keys() - none)
    if rest and rest[0] != -rest[-1]:  # else a scale with 0 in the middle
        none |= {code for code in rest if code < 0}
    rest = sorted((labels.keys() | {*met}) - none)
    while len(rest) > 2 and rest[-1] - rest[-2] > 1 and rest[-1] in _CODES_OF_NONE:
        none.add(rest.pop())
    return none & labels.keys()


def _known_order(answers: Sequence[str]) -> list[str]:
    """Return answers from low to high as far as known words tell it, else nothing."""
    known = known_scale(answers)
    place = {normalise_label(text): value for value, text in known[2].items()} if known else {}
    if all(normalise_label(text) in place for text in answers):
        return sorted(answers, key=lambda text: place[normalise_label(text)])
    ends = {normalise_label(answers[0]): 1, normalise_label(answers[-1]): -1}
    against = sum(way * ((text in HIGHEST) - (text in LOWEST)) for text, way in ends.items())
    return [*reversed(answers)] if against > 0 else []


def _joined_by_place(columns: list[_Column]) -> list[_Column]:
    """Return questions, joined where two files name none alike and ask them in one order.

    The answers of each file's questions, one after the other, lie in one place only in those of
    the other file.
    """
    by_file: dict[str, list[_Column]] = defaultdict(list)
    for column in columns:
        if len(column.names) == 1:
            by_file[next(iter(column.names))].append(column)
    if len(by_file) != 2:
        return columns
    few, many = sorted(by_file.values(), key=len)
    kinds = [[_answers([column]) for column in of] for of in (few, many)]

    def alike(one: tuple[_Answers, str], two: tuple[_Answers, str]) -> bool:
        if not (one[0].guess or two[0].guess):
            return one[1] == two[1]
        return len(one[0].labels) == len(two[0].labels)

    starts = range(len(many) - len(few) + 1)
    places = [place for place in starts if all(map(alike, kinds[0], kinds[1][place:]))]
    # without questions in one of them, and with questions in the other
    coded = [
        all(c.heading == c.name and _CODED.fullmatch(c.name) for c in of) for of in (few, many)
    ]
    if len(few) < _ALIKE or len(places) != 1 or coded[0] == coded[1]:
        return columns
    joined = many[places[0] : places[0] + len(few)]
    for one, two in zip(few, joined, strict=True):
        one.join(two)
        one.heading = two.heading if one.heading == one.name else one.heading
        one.joined = "one question, by their order"
    return [column for column in columns if column not in joined]


def _joined_by_wording(columns: Sequence[_Column]) -> list[_Column]:
    """Return questions, joined where files that have the one have the other in other words.

    They have the same answers, and their wordings resemble each other: somewhat where they stand
    between the same questions, else nearly, and more than any other two of one file.
    """
    joined: list[_Column] = []
    every = {file for column in columns for file in column.names}
    for two in columns:
        partly = [one for one in joined if not one.names.keys() & two.names.keys()]
        if two.names.keys() == every or _CODED.fullmatch(two.heading):
            partly = []
        near = [(_likeness(one, two), one) for one in partly if _may_be_one(one, two)]
        for likeness, one in sorted(near, key=lambda each: -each[0]):
            in_place = _place_between(one, two, columns) == _place_between(two, one, columns)
            others = (
                _likeness(each, other)
                for each in (one, two)
                for other in columns
                if other not in (one, two) and other.names.keys() & each.names.keys()
            )
            is_one = likeness >= (_SOMEWHAT if in_place else RESEMBLES)
            is_one = is_one and (in_place or likeness > max(others, default=0))
            if is_one and not _opposed(one, two, columns):
                one.join(two)
                how = "they stand at the same place" if in_place else "they resemble each other"
                one.joined = f"one question in other words: {how}"
                break
        else:
            joined.append(two)
    return joined


def _likeness(one: _Column, two: _Column) -> float:
    """Return which part of two wordings is the same, from 0 to 1."""
    texts = (normalise_label(_wording(one)), normalise_label(_wording(two)))
    return difflib.SequenceMatcher(None, *texts).ratio()


def _may_be_one(one: _Column, two: _Column) -> bool:
    """Whether two columns may be one question: words, of the same numbers and answers."""
    numbers = [re.findall(r"\d+", column.heading) for column in (one, two)]
    coded = _CODED.fullmatch(one.heading)
    return not coded and numbers[0] == numbers[1] and _read_answers([one, two]) is not None


def _place_between(one: _Column, two: _Column, columns: Sequence[_Column]) -> tuple[object, ...]:
    """Return between which questions that both have files ask one stands, and at what place there.

    Where files share no question it is the place among all of them, if these resemble each other
    one by one; else nothing that is equal to anything.
    """
    mine, other = next(iter(one.places)), next(iter(two.places))
    there = sorted((c for c in columns if mine in c.places), key=lambda c: c.places[mine])
    shared = [column for column in there if other in column.places]
    at = one.places[mine]
    before = max((c.places[mine] for c in shared if c.places[mine] < at), default=-1)
    after = min((c.places[mine] for c in shared if c.places[mine] > at), default=math.inf)
    between = [c for c in there if before < c.places[mine] < after]
    at_ends: dict[float, int] = {c.places[mine]: id(c) for c in shared}
    ends = (at_ends.get(before), at_ends.get(after))
    place = (*ends, between.index(one), len(between))
    if any(ends):
        return place
    its = sorted((c for c in columns if other in c.places), key=lambda c: c.places[other])
    alike = [_likeness(*pair) for pair in zip(there, its, strict=False)]
    return place if len(there) == len(its) and np.mean(alike) >= _SOMEWHAT else (object(),)


def _opposed(one: _Column, two: _Column, columns: Sequence[_Column]) -> bool:
    """Whether answers to two questions go with those to others the opposite way."""
    files = {*one.names} | {*two.names}
    group = [c for c in columns if files <= c.names.keys() and _read_answers([c, one, two])]
    if not group:
        return False
    r = _correlations([*group, one, two]).to_numpy()
    mine, its = r[-2, :-2], r[-1, :-2]
    size = np.sqrt(np.nansum(mine**2) * np.nansum(its**2))
    return bool(size) and np.nansum(mine * its) / size < _OPPOSITE


def _in_order(columns: Sequence[_Column]) -> list[_Column]:
    """Return questions in the order of the first file, others after those before them in theirs."""
    ordered: list[_Column] = []
    for file in dict.fromkeys(file for column in columns for file in column.places):
        own = sorted((c for c in columns if file in c.places), key=lambda c: c.places[file])
        at = 0 if any(column in ordered for column in own) else len(ordered)
        for column in own:
            if column not in ordered:
                ordered.insert(at, column)
            at = ordered.index(column) + 1
    return ordered


def _scores(group: Sequence[_Column], answers: _Answers) -> pd.DataFrame:
    values = {normalise_label(text): value for value, text in answers.labels.items()}

    def score(text: str) -> float:
        value = values.get(normalise_label(text), number(text))
        return np.nan if value is None or not text else float(value)

    texts = pd.DataFrame({
        i: column.texts[~column.texts.index.duplicated()] for i, column in enumerate(group)
    }).fillna("")  # fmt: skip
    return texts.iloc[:: max(1, len(texts) // _LOOKED_AT)].map(score)


def _correlations(group: Sequence[_Column]) -> pd.DataFrame:
    """Return correlations of what was answered together; missing where hardly anything was."""
    return _scores(group, _answers(group)[0]).corr(min_periods=_FEWEST_ROWS)


def _by_correlation(block: list[_Column]) -> Iterator[list[_Column]]:
    """Yield the parts of a block that answers tell apart; else the block.

    Columns that are named alike are parted where each part has three or more.
    """
    naming = _naming(block[0])
    if len(block) < 2 * _ALIKE:
        yield block
        return
    r = _correlations(block).abs().to_numpy()
    # two that nobody was asked together are as close as they are both to a third
    through = np.nan_to_num(np.minimum(r[:, :, None], r[None]), nan=-1).max(axis=1)
    r = np.where(np.isnan(r), through, r)
    if (r < 0).any():
        yield block
        return
    apart = squareform(np.clip(1 - r, 0, None), checks=False)
    tree = hierarchy.average(apart)
    cuts = [hierarchy.fcluster(tree, height, criterion="distance") for height in _CLOSE]
    # the closest in which no part has fewer than a scale should have
    whole = (parts for parts in cuts if min(np.bincount(parts)[1:]) >= _ALIKE)
    parts = next(whole, np.ones(len(block)) if naming else cuts[0])
    for part in dict.fromkeys(parts):
        yield [column for column, of in zip(block, parts, strict=True) if of == part]


def _against(group: Sequence[_Column], answers: _Answers) -> dict[int, float]:
    """Return the places of items that go against most others, with their correlation."""
    scores = _scores(group, answers)
    if len(group) < 3 or len(scores) < 3 * _FEWEST_ROWS:
        return {}
    r = scores.corr(min_periods=_FEWEST_ROWS).fillna(0).to_numpy()
    signs = np.sign(np.linalg.eigh(r)[1][:, -1])
    most = 1 if (signs > 0).sum() >= (signs < 0).sum() else -1
    against = {}
    for place in np.flatnonzero(signs == -most):
        others = [i for i in range(len(group)) if i != place]
        mean = float(np.mean([r[place, i] * signs[i] * most for i in others]))
        if mean < _OPPOSED:
            against[int(place)] = mean
    return against


def _why_together(group: Sequence[_Column], *, is_part: bool) -> str:
    naming = _naming(group[0])
    if len(group) == 1:
        return "nothing goes with it"
    if is_part:
        return "their answers correlate more with one another than with the others beside them"
    if naming.startswith("matrix"):
        return "they stand in one matrix"
    if naming:
        return "they are numbered together"
    return "they have the same answers and stand together"


def _scale_names(groups: Sequence[Sequence[_Column]]) -> list[str]:
    """Return a name for each scale: its matrix's title or prefix, else a word of its questions.

    A title that several scales have, or that is a question, names none, and neither does a prefix
    of one or two letters. A word that more than half of the scale's questions have,
    and no question of the others, does so then.
    """
    namings = [_naming(group[0]) for group in groups]
    words = [[_content_words(_wording(column)) for column in group] for group in groups]
    found, taken = [], set()
    for place, (group, naming) in enumerate(zip(groups, namings, strict=True)):
        kind, _, title = naming.partition(" ")
        several = namings.count(naming) > 1
        vague = several or "?" in title if kind == "matrix" else several and len(title) < 3
        shared = Counter(word for of in words[place] for word in dict.fromkeys(of))
        elsewhere = {
            word for i, of in enumerate(words) if i != place for each in of for word in each
        }
        if vague:
            common = (word for word, n in shared.most_common() if 2 * n > len(group) > 1)
            said = [word for word in common if word not in elsewhere][:1]
        else:
            said = _LATIN_WORD.findall(normalise_label(title).translate(LATIN))[:3]
        name = "_".join(said)
        own = [name] if len(name) >= 3 else []
        more = (f"{own[0] if own else 'scale'}_{sign}" for sign in string.ascii_lowercase)
        candidates = [*own, *more, *(f"{name}_{k}" for k in range(len(groups)))]
        full = next(each for each in candidates if each.casefold() not in taken)
        taken.add(full.casefold())
        found.append(full)
    return found


def _content_words(text: str) -> list[str]:
    """Return the words of a question that may name its scale: long ones, in small latin letters."""
    words = _LATIN_WORD.findall(normalise_label(text).translate(LATIN))
    return [word for word in words if len(word) >= _LONG_WORD]


_LATIN_WORD, _LONG_WORD = re.compile(r"[a-z]+"), 7


def _wording(column: _Column) -> str:
    told = _MATRIX.match(column.heading)
    return told[2] if told else column.heading


def _sorted_into(texts: Iterable[str], patterns: Mapping[str, str]) -> dict[str, list[str]]:
    """Return texts by the first value whose pattern they fit."""
    found: dict[str, list[str]] = {}
    for text in texts:
        if fits := [v for v, p in patterns.items() if re.fullmatch(p, text.strip(), re.I)]:
            found.setdefault(fits[0], []).append(text)
    return found


def _flow(given: object) -> str:
    """Return a text, a number, or a list or mapping of these as YAML writes it in one line."""
    if isinstance(given, dict):
        return "{" + ", ".join(f"{key}: {_flow(of)}" for key, of in given.items()) + "}"
    if isinstance(given, list | tuple):
        return "[" + ", ".join(map(_flow, given)) + "]"
    return _quoted(given) if isinstance(given, str) else str(given)


def _quoted(text: str) -> str:
    """Return a text as YAML writes it in one line, with quotation marks where they are needed."""
    text = " ".join(html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", text)).split())
    plain = re.fullmatch(r"[^\W\d_][\w .()/æøåÆØÅ–-]*[\w.)]|[^\W\d_]", text)
    word = text.casefold() in {"yes", "no", "true", "false", "null", "on", "off", "y", "n", "~"}
    return text if plain and not word and ": " not in text else json.dumps(text, ensure_ascii=False)
