"""A study as data: what was collected, where the exports lie, and what is to be analysed."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from loftet_analysis import names
from loftet_analysis.errors import Problem
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.study.instrument import (
    Instrument,
    Language,
    Role,
    Text,
    WaveName,
    normalise_label,
)
from loftet_analysis.study.schools import COMPARISON, INVITED, KNOWN, REGION_NAME, school_lookup
from loftet_analysis.study.schools import LINK as SCHOOL_LINK
from loftet_analysis.study.trends import Figure, Trend, trend_between
from loftet_analysis.study.yamlfile import (
    Described,
    Line,
    Lines,
    Name,
    did_you_mean,
    name_by_key,
    wrong,
)

GRADE_BANDS = ("5-7", "8-10")
FIRST_OF_LOWER_SECONDARY = 8
LINK, CONSENT, GUARDIAN, TRIAL = "link", "consent", "guardian", "trial"
#: How study.yml may say that times are written, beside codes such as %d/%m/%Y %H:%M.
DAY_FIRST, MONTH_FIRST, EXCEL = "day first", "month first", "excel"
#: Gatherings that can be attended, where the study does not say it; three of leaders' are digital.
GATHERINGS, GATHERINGS_OF_LEADERS = 10, 7

Tool = Literal[
    "nettskjema", "surveyxact", "qualtrics", "limesurvey", "msforms", "googleforms",
    "surveymonkey", "kobo", "redcap", "spss", "stata", "sas", "excel", "table",
]  # fmt: skip
if TYPE_CHECKING:  # what is checked here is a plain text elsewhere
    Estimand = str
    PopulationName = str
    Strategy = str
else:
    Estimand = Literal[tuple(ESTIMANDS)]
    PopulationName = Literal[names.POPULATIONS]
    Strategy = Literal[names.STRATEGIES]


def _in_order(by_wave: dict) -> dict:
    return {wave: by_wave[wave] for wave in names.WAVES if wave in by_wave}


class Wave(Described):
    """A round of collection; its dates are both given or both absent.

    Attributes
    ----------
    label : dict of str to str
        Its name for readers, by language, where the study gives one.
    start, end : date or None
        First and last day (keys ``from`` and ``to``).
    trials_from : date or None
        The day since when the form was tried out before `start`: however many answers came in
        between are trials.
    """

    label: dict[Language, Line] = Field(default_factory=dict)
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")
    trials_from: date | None = None

    @model_validator(mode="after")
    def _begins_and_ends(self) -> Wave:
        found = f"from {self.start or 'nothing'} to {self.end or 'nothing'}"
        if (self.start is None) != (self.end is None):
            raise wrong("a wave with one date", found, "from and to, or neither")
        if self.start and self.end and self.start > self.end:
            raise wrong("a wave that ends before it begins", found, "from not later than to")
        if self.trials_from and not (self.start and self.trials_from < self.start):
            found = f"trials_from {self.trials_from}, {found}"
            raise wrong("trials that are not before their wave", found, "trials_from before from")
        return self


def _undated(given: Any) -> Any:
    """Let a wave be named without anything below it."""
    if not isinstance(given, dict):
        return given
    return {wave: {} if entry is None else entry for wave, entry in given.items()}


Waves = Annotated[dict[WaveName, Wave], BeforeValidator(_undated), AfterValidator(_in_order)]
#: Windows of waves by cohort: what `waves` holds where the register has cohorts.
Windows = dict[Line, Waves]
BY_DATES, _DATED = "dates", "<dates>"


def _by_cohort(given: Any) -> Any:
    """Put windows by cohort apart, and leave the waves that any cohort has, without dates."""
    waves = given.get("waves") if isinstance(given, dict) else None
    if not isinstance(waves, dict) or not waves or {*names.WAVES} & {*waves}:
        return given
    windows = [entry for entry in waves.values() if isinstance(entry, dict)]
    if not any({*names.WAVES} & {*entry} for entry in windows):
        return given
    labels: dict[str, dict] = {}
    for entry in windows:
        for wave, about in entry.items():
            own = about.get("label") if isinstance(about, dict) else None
            if wave in names.WAVES and not labels.get(wave):
                labels[wave] = {"label": own} if own else {}
    return {**given, "waves": labels, "<waves>": waves}


def _tell_by_dates(given: Any) -> Any:
    """Let files whose sheets belong to waves by their dates be read for every wave of the study."""
    populations = given.get("populations") if isinstance(given, dict) else None
    waves = given.get("waves") if isinstance(given, dict) else None
    if not isinstance(populations, dict) or not isinstance(waves, dict):
        return given
    dated = {_DATED: [wave for wave in names.WAVES if wave in waves]}

    def told(files: Any) -> Any:
        if isinstance(files, list):
            return [told(entry) for entry in files]
        by_dates = isinstance(files, dict) and files.get("wave") == BY_DATES
        return {**files, "wave": dated} if by_dates else files

    changed = {
        name: {**each, "files": told(each["files"])}
        if isinstance(each, dict) and "files" in each
        else each
        for name, each in populations.items()
    }
    return {**given, "populations": changed}


class Link(Described):
    """How a person's questionnaires of several waves are found.

    Attributes
    ----------
    by : {"id", "code", "row", "none"}
        An id that was given out, a code that respondents make themselves, the row of files in
        which the waves of a person stand beside each other, or not at all.
    column : str or None
        The export column that holds it.
    elements : tuple of int
        How many signs each element of a code has; empty where that is not known.
    near : bool
        Whether codes with one element off may be linked too.
    digits : int or None
        How many digits ids of digits have: shorter ones have lost the zeros before them.
    """

    by: Literal["id", "code", "row", "none"]
    column: Line | None = None
    elements: tuple[Annotated[int, Field(ge=1)], ...] = ()
    near: bool = True
    digits: int | None = Field(default=None, ge=1, le=20)

    @model_validator(mode="after")
    def _has_column(self) -> Link:
        if (self.by in ("row", "none")) != (self.column is None):
            found = f"by: {self.by}, column: {self.column or 'nothing'}"
            allowed = "by: id or code with a column, by: row or none without one"
            raise wrong("link and its column do not go together", found, allowed)
        return self


class Guardian(Described):
    """Active consent of a guardian, for those who are not surely old enough to decide alone.

    Attributes
    ----------
    below : int
        The age limit in years.
    column, yes
        The export column of the guardian's consent and the answers that mean yes.
    listed : str or None
        Or the file that lists those whose guardians said yes (key ``list``).
    """

    below: int = Field(default=16, ge=1, le=18)
    column: Line | None = None
    yes: Lines = ()
    listed: Line | None = Field(default=None, alias="list")

    @model_validator(mode="after")
    def _one_source(self) -> Guardian:
        if (self.column is None) != (not self.yes) or (self.column is None) == (
            self.listed is None
        ):
            found = f"column: {self.column}, yes: {', '.join(self.yes)}, list: {self.listed}"
            raise wrong("a guardian's consent has one source", found, "column with yes, or list")
        return self


class Consent(Described):
    """On what basis answers are used.

    Attributes
    ----------
    column, yes
        The export column with the respondent's own consent (a pupil's assent) and the answers
        that mean yes.
    guardian : Guardian or None
        Active consent of guardians.
    opt_out : str or None
        The file that lists those whose guardians, or who themselves, said no (passive consent).
    """

    column: Line | None = None
    yes: Lines = ()
    guardian: Guardian | None = None
    opt_out: Line | None = None

    @model_validator(mode="after")
    def _column_with_yes(self) -> Consent:
        if (self.column is None) != (not self.yes):
            found = f"column: {self.column}, yes: {', '.join(self.yes)}"
            raise wrong("consent and its answer do not go together", found, "column with yes")
        if not (self.column or self.guardian or self.opt_out):
            raise wrong("consent without a basis", "nothing", "column, guardian or opt_out")
        return self

    @property
    def lists(self) -> tuple[str, ...]:
        """The files that it names."""
        named = (self.guardian.listed if self.guardian else None, self.opt_out)
        return tuple(file for file in named if file)


def _consent_by_wave(given: Any) -> Any:
    """Write out one basis for all waves as a basis per wave."""
    if not isinstance(given, dict) or given.keys() <= {*names.WAVES}:
        return given
    return dict.fromkeys(names.WAVES, given)


class Marked(Described):
    """A column that marks trial answers, and the texts that do."""

    column: Line
    texts: Annotated[Lines, Field(min_length=1)]


def _check_pattern(given: Any) -> Any:
    if not isinstance(given, str) or given.count("{}") != 1:
        raise wrong("wrong column pattern", given, 'a text with one {}, such as "Pre.{}"')
    return given


def _check_delimiter(given: Any) -> Any:
    given = "\t" if given == "tab" else given
    plain = isinstance(given, str) and len(given) == 1 and given.isascii()
    if not plain or given.isalnum() or not (given.isprintable() or given == "\t") or given == '"':
        raise wrong("wrong delimiter", given, 'one sign such as ";" or ",", or tab')
    return given


def _check_encoding(given: Any) -> Any:
    try:
        codecs.lookup(str(given))
    except (LookupError, ValueError):
        raise wrong("unknown encoding", given, "utf-8, utf-16, cp1252, …") from None
    return given


class WithColumns(Described):
    """Columns of an export by standard name; `submitted` may say how its times are written.

    Attributes
    ----------
    time_format : str or None
        Of ``submitted: {column: …, format: …}``: ``day first``, ``month first``, ``excel``, or
        codes such as ``%d/%m/%Y %H:%M``.
    """

    time_format: Line | None = Field(default=None, alias="<time_format>")

    @model_validator(mode="before")
    @classmethod
    def _columns_and_format(cls, given: Any) -> Any:
        columns = given.get("columns") if isinstance(given, dict) else None
        columns = columns if isinstance(columns, dict) else {}
        submitted = columns.get(names.SUBMITTED)
        if not isinstance(submitted, dict):
            return given
        if not {"column"} <= submitted.keys() <= {"column", "format"}:
            allowed = "column, and format where the times are not recognised"
            raise wrong("wrong keys of submitted", ", ".join(submitted), allowed)
        columns = {**columns, names.SUBMITTED: submitted["column"]}
        return {**given, "columns": columns, "<time_format>": submitted.get("format")}


class Continuation(Described):
    """The next form of a chain: its file, and the columns by which rows belong together.

    Attributes
    ----------
    file : str
        Its name below the study's exports folder.
    reference : str
        Its column with the number of the first form's submission.
    serial : str
        The first form's column with that number.
    """

    file: Line
    reference: Line
    serial: Line = "$submission_id"


#: How columns are headed that tell the wave of a row.
WAVE_HEADING = re.compile(
    r"wave|bølge|måling|måletidspunkt|målepunkt|runde|time ?point|occasion|event(?:[ _]name)?|"
    r"redcap_event_name"
)


def row_text(text: str) -> str:
    """Return a text that tells rows apart as it is compared; a whole number is one in any form.

    Examples
    --------
    >>> row_text(" Elev "), row_text("1.0"), row_text("1,00"), row_text("1.5")
    ('elev', '1', '1', '1.5')
    """
    return re.sub(r"^(\d+)[.,]0+$", r"\1", normalise_label(text))


class Rows(Described):
    """The rows of a file that are meant: those whose cell in a column holds one of the texts.

    Attributes
    ----------
    column : str
    values : tuple of str
        Texts of the file, or their labels where the tool stores labels.
    """

    column: Line
    values: Annotated[Lines, Field(min_length=1)]


class WaveRows(Described):
    """A file with a row per person and wave: the column that tells the wave.

    Attributes
    ----------
    column : str
    values : dict of str to tuple of str
        The texts of the file (or their labels), by wave.
    """

    column: Line
    values: Annotated[dict[WaveName, Annotated[Lines, Field(min_length=1)]], Field(min_length=1)]


class ExportFile(WithColumns):
    """One wave's answers in one export file.

    Attributes
    ----------
    tool : str or None
        What wrote the file: nettskjema, surveyxact, qualtrics, limesurvey, msforms, googleforms,
        surveymonkey, kobo, redcap; spss, stata, sas, excel or table; without it the tool is
        recognised by the file.
    file : str
        Its name below the study's exports folder.
    pattern : str
        How an item's code becomes the file's column: ``{}`` is the code itself.
    delimiter, encoding : str or None
        Where they are not the tool's own.
    columns : dict of str to str
        Columns that this file calls otherwise than the population does, by standard name
        (or ``link``, ``consent``, ``guardian``, ``trial``).
    then : Continuation or None
        The form in which the same people went on, where a form leads to another one.
    wave : WaveRows or None
        The column that tells the wave, where the file has a row per person and wave.
    by_dates : bool
        Of ``wave: dates``: whether the wave of a questionnaire is told by the day on which it was
        sent in.
    only : Rows or None
        The rows that are questionnaires of this population, where the file holds others too.

    Examples
    --------
    >>> wide = ExportFile(tool="table", file="both.csv", pattern="Pre.{}")
    >>> wide.header("E1"), wide.headers("CourseID")
    ('Pre.E1', ('Pre.CourseID', 'CourseID'))
    """

    tool: Tool | None = None
    file: Line
    pattern: Annotated[str, BeforeValidator(_check_pattern)] = "{}"
    delimiter: Annotated[str, BeforeValidator(_check_delimiter)] | None = None
    encoding: Annotated[Line, BeforeValidator(_check_encoding)] | None = None
    columns: dict[Name, Line] = Field(default_factory=dict)
    then: Continuation | None = None
    wave: WaveRows | None = None
    by_dates: bool = Field(default=False, alias="<by_dates>")
    only: Rows | None = None

    @model_validator(mode="before")
    @classmethod
    def _dates_tell(cls, given: Any) -> Any:
        told = given.get("wave") if isinstance(given, dict) else None
        if not isinstance(told, dict) or _DATED not in told:
            return given
        return {**given, "wave": None, "<by_dates>": True}

    @property
    def files(self) -> tuple[str, ...]:
        """Its file, and the one that goes on."""
        return (self.file, self.then.file) if self.then else (self.file,)

    def chosen(self, wave: str) -> dict[str, set[str]]:
        """Return the texts that a row of a wave has, by the column that they stand in."""
        chosen: dict[str, set[str]] = {}
        if self.wave and (told := self.wave.values.get(wave)):
            chosen[normalise_label(self.wave.column)] = {*map(row_text, told)}
        if self.only:
            column = normalise_label(self.only.column)
            texts = {*map(row_text, self.only.values)}
            chosen[column] = chosen.get(column, texts) & texts
        return chosen

    def header(self, code: str) -> str:
        """Return the column of an item's code in this file."""
        return self.pattern.replace("{}", code)

    def headers(self, column: str) -> tuple[str, ...]:
        """Return where a background column may stand: with the pattern first, then as it is."""
        return tuple(dict.fromkeys((self.header(column), column)))


def _by_wave(given: Any) -> Any:
    """Write out files that hold several waves (a pattern or texts for each) as files per wave."""
    if isinstance(given, list):
        parts = [_by_wave(entry) for entry in given]
        if not all(isinstance(part, dict) for part in parts):
            return given
        return {
            wave: [file for part in parts for file in part.get(wave, ())] for wave in names.WAVES
            if any(wave in part for part in parts)
        }  # fmt: skip
    if not isinstance(given, dict):
        return given
    if not {"file", "tool"} & given.keys():
        return {wave: _of_wave(entry, wave) for wave, entry in given.items()}
    shared = {key: entry for key, entry in given.items() if key not in names.WAVES}
    patterns = {wave: {"pattern": given[wave]} for wave in names.WAVES if wave in given}
    told = given.get("wave")
    if isinstance(told, dict) and _DATED in told and not patterns:
        patterns = {wave: {} for wave in told[_DATED]}
    texts = told.get("values") if isinstance(told, dict) else None
    if not patterns and isinstance(texts, dict):
        patterns = {wave: {} for wave in names.WAVES if wave in texts} or {names.PRE: {}}
    if not patterns:
        allowed = 'pre: {file: …}, pre: "Pre.{}", wave: {column: …, values: {pre: …, post: …}}, '
        allowed += "or wave: dates"
        found = str(given.get("file", "a tool"))
        raise wrong("a file without its wave", found, allowed)
    return {wave: [{**shared, **own}] for wave, own in patterns.items()}


def _some(files: tuple[ExportFile, ...]) -> tuple[ExportFile, ...]:
    if not files:
        raise wrong("a wave without a file", "an empty list", "one file, or a list of files")
    return files


def _of_wave(given: Any, wave: str) -> Any:
    """Return the files of one wave as a list; the texts of a list are those of this wave."""
    if isinstance(given, list):
        return [file for entry in given for file in _of_wave(entry, wave)]
    if not isinstance(given, dict):
        return [given]
    told = given.get("wave")
    if isinstance(told, dict) and isinstance(told.get("values"), str | list):
        given = {**given, "wave": {**told, "values": {wave: told["values"]}}}
    return [given]


class Attendance(Described):
    """A register of attendance and interim work.

    Attributes
    ----------
    file : str
        Its name below the study's exports folder.
    id : str or None
        The column with the person's id.
    school : str or None
        Or the column with the school, where people have no id (leaders): then everybody of the
        school gets its counts.
    columns : dict of str to tuple of str
        Columns of ``gatherings`` and ``interim_work``: one with the count, or one for each
        gathering with a mark that means yes or no.
    of : int or None
        How many there were; by default 10, and 7 for leaders.
    """

    file: Line
    id: Line | None = None
    school: Line | None = None
    columns: Annotated[dict[Literal["gatherings", "interim_work"], Lines], Field(min_length=1)]
    of: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _by_person_or_school(self) -> Attendance:
        if (self.id is None) == (self.school is None):
            found = f"id: {self.id}, school: {self.school}"
            raise wrong("a register is by person or by school", found, "either id or school")
        return self


class Population(WithColumns):
    """Those who answer one questionnaire.

    Attributes
    ----------
    name : {"pupils", "teachers", "leaders"}
    instrument : Instrument
    columns : dict of str to str
        Export column by standard name (``school_id``, ``grade``, ``role``, ``gender``,
        ``submitted``) or by the name of another background column.
    waves : dict of str to Wave
        Its own dates, in waves in which it was asked at another time than others.
    windows : dict of str to dict
        The same by cohort, where the study has cohorts.
    values : dict of str to dict
        By standard column: the texts of the export, by clean value.
    role : str or None
        The role of everybody, where there is no column for it.
    link : Link
    consent : dict of str to Consent
        By wave; empty where nobody was asked.
    trial : Marked or None
        How trial answers are marked.
    duplicates : {"latest", "most_complete", "first"}
        Which of several questionnaires of one person and wave counts.
    files : dict of str to (tuple of ExportFile)
        By wave, in order; mostly one file each. Empty while nobody has been asked.
    attendance : Attendance or None
    declared : tuple of str or None
        The estimands that the study asks for (key ``estimands``); None is all possible ones.
    """

    name: str = Field(alias="<name>")
    instrument: Instrument
    columns: dict[Name, Line]
    waves: Annotated[dict[WaveName, Wave], BeforeValidator(_undated)] = Field(default_factory=dict)
    windows: Windows = Field(default_factory=dict, alias="<waves>")
    values: dict[Name, dict[Line, Lines]] = Field(default_factory=dict)
    role: Role | None = None
    link: Link = Link(by="none")
    consent: Annotated[dict[WaveName, Consent], BeforeValidator(_consent_by_wave)] = Field(
        default_factory=dict
    )
    trial: Marked | None = None
    duplicates: Literal["latest", "most_complete", "first"] = "latest"
    files: Annotated[
        dict[WaveName, Annotated[tuple[ExportFile, ...], AfterValidator(_some)]],
        BeforeValidator(_by_wave),
        AfterValidator(_in_order),
    ] = Field(default_factory=dict)
    attendance: Attendance | None = None
    declared: tuple[Estimand, ...] | None = Field(default=None, alias="estimands")

    _windows_apart = model_validator(mode="before")(_by_cohort)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that its people can have, in order; empty where roles are not known."""
        if names.ROLE in self.columns:
            known = self.values.get(names.ROLE, names.ROLES)
            return tuple(role for role in names.ROLES if role in known)
        constant = self.role or (names.LEADER if self.name == "leaders" else None)
        return (constant,) if constant else ()

    @property
    def gatherings(self) -> int:
        """How many gatherings there were: as its register says, else 10, and 7 for leaders."""
        told = self.attendance.of if self.attendance else None
        return told or (GATHERINGS_OF_LEADERS if self.name == "leaders" else GATHERINGS)

    @property
    def possible_estimands(self) -> tuple[str, ...]:
        """What its columns allow to be estimated."""
        linked, graded = self.link.by != "none", names.GRADE in self.columns
        both = linked and {names.PARTICIPANT, names.COLLEAGUE} <= set(self.roles)
        there = {"": True, "links": linked, "grades": graded, "roles": both}
        there["links or grades"] = linked or graded
        return tuple(
            name
            for name, each in ESTIMANDS.items()
            if there[each.needs] and self.name in each.populations
        )

    @property
    def estimands(self) -> tuple[str, ...]:
        """What is estimated: as the study says, else all that its columns allow."""
        wanted = self.possible_estimands if self.declared is None else self.declared
        return tuple(name for name in ESTIMANDS if name in wanted)

    @property
    def groupings(self) -> tuple[str, ...]:
        """The columns whose groups are known beforehand."""
        fixed = (names.GRADE, names.ROLE)
        known = [c for c in self.columns if c in fixed or self.values.get(c)]
        return (*known, names.GRADE_BAND) if names.GRADE in self.columns else tuple(known)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every background column, and those of link, consent and trial answers."""
        return (*self.columns, LINK, CONSENT, GUARDIAN, TRIAL)

    def headers(self, column: str, wave: str, file: ExportFile | None = None) -> tuple[str, ...]:
        """Return where a file may hold a background column, best first.

        Parameters
        ----------
        column : str
            One of ``column_names``.
        wave : str
            A key of ``files``.
        file : ExportFile, optional
            One of the wave's; the first without it.

        Returns
        -------
        tuple of str
            Empty where the population has no such column in that wave.
        """
        file, consent = file or self.files[wave][0], self.consent.get(wave)
        guardian = consent.guardian if consent else None
        own = {
            LINK: self.link.column,
            CONSENT: consent.column if consent else None,
            GUARDIAN: guardian.column if guardian else None,
            TRIAL: self.trial.column if self.trial else None,
        }
        source = {**self.columns, **own}.get(column)
        return file.headers(file.columns.get(column, source)) if source else ()

    def time_format_in(self, file: ExportFile) -> str:
        """Return how the times of `submitted` are written in a file, where study.yml says it."""
        own = file.time_format if names.SUBMITTED in file.columns else self.time_format
        return own or ""

    @property
    def export_files(self) -> tuple[str, ...]:
        """Every file that it is made from: exports, lists and its register."""
        files = [name for wave in self.files.values() for file in wave for name in file.files]
        files += [name for consent in self.consent.values() for name in consent.lists]
        files += [self.attendance.file] if self.attendance else []
        return tuple(dict.fromkeys(files))


class Family(Described):
    """Outcomes and estimands that were declared primary together (one Holm family)."""

    outcomes: Annotated[Lines, Field(min_length=1)]
    estimands: Annotated[tuple[Estimand, ...], Field(min_length=1)]


class Drift(Described):
    """How far an outcome moves per grade without the programme, from a source outside the study.

    Attributes
    ----------
    per_grade : float
        In SD per school year.
    source : str
        Where the figure is from.
    date : str
        When it was published.
    """

    per_grade: float = Field(allow_inf_nan=False)
    source: Line
    date: Line


def _in_each_language(given: Any) -> Any:
    """Let a text stand for all languages."""
    return dict.fromkeys(get_args(Language), given) if isinstance(given, str) else given


class RegionFeatures(Described):
    """What regions are, and how much they changed may go along with.

    Attributes
    ----------
    file : str
        Its numbers by region (:func:`~loftet_analysis.study.features.read_features`).
    features : dict of str to dict of str to str
        By column of the file, what readers see, by language.
    """

    file: Line
    features: dict[Name, Annotated[Text, BeforeValidator(_in_each_language)]] = Field(min_length=1)


class Analysis(Described):
    """What was decided before the analysis.

    Attributes
    ----------
    sesoi : float
        Smallest effect size of interest, in SD.
    ci_level : float
        Level of the confidence intervals, above .5 and below 1.
    primary : dict of str to Family
        By population.
    subgroups : dict of str to tuple of str
        By population, the columns whose groups get rows of their own; without it grade and gender
        of pupils, where there are such columns.
    gaps : dict of str to tuple of str
        By population, the columns whose groups are compared in their change; without it gender
        of pupils.
    drift : dict of str to dict of str to Drift
        By population and outcome.
    trend : dict of str to str
        By population, the file of external trends beside which its same-grade changes are set
        (:func:`~loftet_analysis.study.trends.read_trend`).
    region_features : RegionFeatures or None
        What the regions' changes are regressed on.
    """

    sesoi: float = Field(default=0.10, gt=0, allow_inf_nan=False)
    ci_level: float = Field(default=0.95, gt=0.5, lt=1)
    primary: dict[PopulationName, Family] = Field(default_factory=dict)
    subgroups: dict[PopulationName, Lines] = Field(default_factory=dict)
    gaps: dict[PopulationName, Lines] = Field(default_factory=dict)
    drift: dict[PopulationName, dict[Name, Drift]] = Field(default_factory=dict)
    trend: dict[PopulationName, Line] = Field(default_factory=dict)
    region_features: RegionFeatures | None = None


class Selection(Described):
    """How schools are selected for interviews.

    Attributes
    ----------
    seed : int
        Of all that is left to chance.
    practice : str
        The teachers' outcome by whose change schools differ; by its level, before there is change.
    support : str or None
        An outcome of the teachers, or else of the leaders, for the support by leaders.
    schools : dict of str to int
        How many each strategy is to find: maximum_variation, typical, extreme, paired.
    substitutes : int
        How many each list of schools names beyond its places.
    """

    seed: int = Field(ge=0)
    practice: Line
    support: Line | None = None
    schools: dict[Strategy, Annotated[int, Field(ge=0)]] = Field(min_length=1)
    substitutes: int = Field(default=2, ge=0)

    @model_validator(mode="after")
    def _pairs_are_two(self) -> Selection:
        if (paired := self.schools.get(names.STRATEGIES[-1], 0)) % 2:
            raise wrong("an odd number of paired schools", paired, "an even number")
        return self


def school_year(day: date | None) -> int:
    """Return the year in which the school year of a day began, on 1 August; 0 without a day.

    Examples
    --------
    >>> school_year(date(2026, 7, 31)), school_year(date(2026, 8, 1)), school_year(None)
    (2025, 2026, 0)
    """
    return day.year - (day.month < 8) if day else 0


def _check_zone(given: Any) -> Any:
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        allowed, known = "a name such as Europe/Oslo", available_timezones()
        raise wrong("unknown time zone", given, allowed, did_you_mean(str(given), known)) from None
    return given


def _check_register_columns(given: dict[str, str]) -> dict[str, str]:
    own = (INVITED, SCHOOL_LINK)
    unknown = [name for name in given if name not in KNOWN and not name.startswith(own)]
    if unknown:
        allowed = ", ".join((*KNOWN, *(f"{start}…" for start in own)))
        todo = did_you_mean(unknown[0], KNOWN)
        raise wrong("unknown column of the school register", ", ".join(unknown), allowed, todo)
    return given


def _check_notebooks(given: Any) -> Any:
    whole = isinstance(given, str) and re.fullmatch(r"[^/\\.:]+(/[^/\\.:]+)*", given)
    if not whole:
        allowed = "names or patterns below notebooks/, without .ipynb, such as any/* or mine/01_us"
        raise wrong("wrong name of notebooks", given, allowed)
    return given


class Explained(Described):
    """A deviation from the declared analysis, and why.

    Attributes
    ----------
    day : date
        When it was decided (key ``date``).
    what : dict of str to str
        What deviates, by language: its place as ``loftet check`` tells it (``analysis.sesoi``),
        or in words.
    why : dict of str to str
        By language.
    """

    day: date = Field(alias="date")
    what: Annotated[Text, BeforeValidator(_in_each_language)]
    why: Annotated[Text, BeforeValidator(_in_each_language)]

    @property
    def places(self) -> tuple[str, ...]:
        """What may be the place that it is about."""
        return tuple(self.what.values())


class Register(Described):
    """The register of schools: its file, and what it calls its columns.

    Attributes
    ----------
    file : str
        A workbook, or text.
    columns : dict of str to str
        Its headings by the name that the project uses, where they are not the same:
        ``{school_id: Organisasjonsnummer, school: Navn, region: Fylke}``.
    encoding : str or None
        Of text, where it cannot be told.
    """

    file: Line
    columns: Annotated[dict[Name, Line], AfterValidator(_check_register_columns)] = Field(
        default_factory=dict
    )
    encoding: Annotated[Line, BeforeValidator(_check_encoding)] | None = None

    _a_file_alone = model_validator(mode="before")(
        lambda given: {"file": given} if isinstance(given, str) else given
    )


class Study(Described):
    """A study, whole and checked.

    Attributes
    ----------
    name : str
        Its folder's name.
    folder : Path
    title : dict of str to str
        By language.
    about : dict of str to str or None
        What the front page says of the study, by language.
    exports : Path
        The folder with its exports.
    languages : tuple of str
        The languages of its pages; the first is the default.
    disclosure : {"open", "internal", "school", "public"}
        The profile that decides which numbers may be shown.
    waves : dict of str to Wave
        In the order pre, mid, post; without dates where the study has cohorts.
    windows : dict of str to dict
        By cohort, as study.yml names them: its waves with their dates. Empty where the register
        has no cohorts.
    populations : dict of str to Population
    school_register : Register
        The file of its register of schools (key ``schools``).
    schools : DataFrame
        The register: ``school_id, school, region, region_name, grades, role, municipality,
        contact, cohort``, ``invited_…`` and ``link_…``.
    trends : dict of str to tuple of Figure
        By population, what its file of external trends holds.
    region_features : DataFrame
        The features that are declared of regions, a column for each, indexed by region.
    remarks : tuple of Problem
        What is to be said of its description, and does not stop a run.
    analysis : Analysis
    key : Path or None
        The file of the pseudonym key, where the study keeps it elsewhere.
    withdrawn : str or None
        The file, below the exports folder, that lists those who have withdrawn.
    corrections : str or None
        The file, below the exports folder, with corrections of single cells.
    timezone : str
        Where its clocks stand; a time that an export writes with another offset is converted.
    free_text : {"drop", "keep"}
        Whether background columns in which people wrote in their own words are kept.
    notebooks : tuple of str
        The notebooks that it runs: names or patterns below ``notebooks/``.
    questions : dict of str to dict of str to str
        Its research questions: their texts, by id (as instruments and headings name them) and
        language.
    labels : dict of str to dict of str to str
        What background columns of its own (``column``) and their groups (``column=value``) are
        called on pages, by language.
    selection : Selection or None
        How schools are selected for interviews.
    letters : dict of str to dict of str to str
        What fills places of letters to schools, by place and language.
    deviations : tuple of Explained
        Deviations from what was declared with the first answers, with their reasons.
    """

    name: str = Field(alias="<name>")
    folder: Path = Field(alias="<folder>")
    title: Text
    about: Text | None = None
    exports: Path
    languages: tuple[Language, ...] = Field(min_length=1)
    disclosure: Literal["open", "internal", "school", "public"]
    waves: Waves
    windows: Windows = Field(default_factory=dict, alias="<waves>")
    populations: Annotated[
        dict[PopulationName, Population], Field(min_length=1), BeforeValidator(name_by_key)
    ]
    school_register: Register = Field(alias="schools")
    schools: pd.DataFrame = Field(alias="<schools>")
    trends: dict[PopulationName, tuple[Figure, ...]] = Field({}, alias="<trends>")
    region_features: pd.DataFrame = Field(default_factory=pd.DataFrame, alias="<region_features>")
    remarks: tuple[Problem, ...] = Field(default=(), alias="<remarks>")
    analysis: Analysis = Analysis()
    key: Path | None = None
    withdrawn: Line | None = None
    corrections: Line | None = None
    timezone: Annotated[str, BeforeValidator(_check_zone)] = "Europe/Oslo"
    free_text: Literal["drop", "keep"] = "drop"
    notebooks: Annotated[
        tuple[Annotated[Line, BeforeValidator(_check_notebooks)], ...],
        Field(min_length=1),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    ] = ("any/*",)
    questions: dict[Name, Text] = Field(default_factory=dict)
    labels: dict[Line, Text] = Field(default_factory=dict)
    selection: Selection | None = None
    letters: dict[Name, Annotated[Text, BeforeValidator(_in_each_language)]] = Field(
        default_factory=dict
    )
    deviations: tuple[Explained, ...] = ()

    _windows_apart = model_validator(mode="before")(lambda given: _tell_by_dates(_by_cohort(given)))

    @property
    def export_files(self) -> tuple[str, ...]:
        """Every file below the exports folder that its clean data are made from."""
        own = [file for file in (self.withdrawn, self.corrections) if file]
        files = [name for p in self.populations.values() for name in p.export_files]
        return tuple(dict.fromkeys([*files, *own]))

    @property
    def regions(self) -> pd.DataFrame:
        """``region`` (slug) and ``name`` (for readers), in the order of the register."""
        regions = self.schools[[names.REGION, REGION_NAME]].drop_duplicates(names.REGION)
        return regions.set_axis([names.REGION, "name"], axis=1).reset_index(drop=True)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def cohorts(self) -> tuple[str, ...]:
        """The cohorts of its schools in the order in which they begin, comparison schools last.

        Empty where the register has no cohorts.
        """
        there = {*self.cohort_of.values()}
        return tuple(name for name in (*self._begun, COMPARISON) if name in there)

    @property
    def _begun(self) -> list[str]:
        def first(cohort: str) -> date:
            starts = [wave.start for wave in self.windows[cohort].values() if wave.start]
            return min(starts, default=date.max)

        return sorted((name for name in self.windows if name != COMPARISON), key=first)

    @cached_property
    def cohort_of(self) -> dict[str, str]:
        """The cohort of each school by its id; ``comparison`` while it is outside the programme."""
        if not self.windows:
            return {}
        spelt = {normalise_label(name): name for name in self._begun}
        register = self.schools[[names.SCHOOL, "role", names.COHORT]].itertuples(index=False)
        return {
            school: COMPARISON if role == COMPARISON else spelt.get(normalise_label(cohort), cohort)
            for school, role, cohort in register
        }

    def wave_dates(self, population: str, cohort: str = "") -> dict[str, Wave]:
        """Return the waves with the dates of a population: its own, else those of the study.

        Parameters
        ----------
        population : str
        cohort : str, optional
            Whose, where the study has cohorts: the waves that it has. Comparison schools have
            windows of their own, or those of the first cohort.
        """
        people, shared = self.populations[population], self.waves
        own = people.waves
        if self.windows and cohort:
            like = cohort if cohort in self.windows else self._begun[0] if self._begun else ""
            shared, own = self.windows.get(like, {}), people.windows.get(like, {})
        dated = {name: wave for name, wave in own.items() if wave.start}
        return {name: dated.get(name, wave) for name, wave in shared.items()}

    def spans(self, population: str, wave: str = "") -> tuple[tuple[date, date], ...]:
        """Return first and last days of a wave, of each cohort; of all waves without one."""
        found = [
            (dates.start, dates.end)
            for cohort in self.cohorts or ("",)
            for name, dates in self.wave_dates(population, cohort).items()
            if dates.start and dates.end and wave in ("", name)
        ]
        return tuple(dict.fromkeys(found))

    def own_programme(self, population: str) -> dict[str, date]:
        """Return the last day before its own programme of each comparison school that has one.

        That is the last day of the first wave of the cohort that the register has it in.
        """
        spelt = {normalise_label(name): name for name in self._begun}
        found: dict[str, date] = {}
        for school in self.comparison if self.windows else ():
            row = self.schools.loc[self.schools[names.SCHOOL] == school, names.COHORT]
            cohort = spelt.get(normalise_label(row.iloc[0]))
            before = self.wave_dates(population, cohort).get(names.PRE) if cohort else None
            found |= {school: before.end} if before and before.end else {}
        return found

    def years(self, population: str) -> dict[str, int]:
        """Return the school years (from 1 August) from a population's first wave to each.

        0 where there are no dates. Cohorts are alike in this.
        """
        found = dict.fromkeys(self.waves, 0)
        for cohort in self.cohorts or ("",):
            dates = self.wave_dates(population, cohort).items()
            begun = {name: school_year(wave.start) for name, wave in dates}
            first = next(iter(begun.values()), 0)
            found |= {name: year - first for name, year in begun.items() if not found[name]}
        return found

    def years_between(
        self, population: str, waves: tuple[str, str] = (names.PRE, names.POST)
    ) -> int:
        """Return the school years from a wave to a later one; 0 where waves have no dates."""
        years = self.years(population)
        return years[waves[1]] - years[waves[0]] if set(waves) <= set(years) else 0

    def trend(
        self, population: str, outcome: str, waves: tuple[str, str], cohort: str = ""
    ) -> Trend | None:
        """Return the external trend of an outcome between the calendar years of two waves.

        A wave's year is that of its first day. None where there is no file, or no figure of a
        year; and where no cohort is named and these waves of the cohorts are of different years.
        """
        all_years = set()
        for each in (cohort,) if cohort else self.cohorts or ("",):
            dates = self.wave_dates(population, each)
            begun = [own.start for wave in waves if (own := dates.get(wave)) and own.start]
            if len(begun) == 2:
                all_years.add((begun[0].year, begun[1].year))
        if len(all_years) != 1:
            return None
        return trend_between(self.trends.get(population, ()), outcome, *all_years)

    @cached_property
    def comparison(self) -> tuple[str, ...]:
        """Ids of the schools outside the programme, in the order of the register."""
        outside = self.schools["role"] == COMPARISON
        return tuple(self.schools.loc[outside, names.SCHOOL])

    @property
    def places(self) -> tuple[str, ...]:
        """Its regions, and before several of them all together."""
        regions = tuple(self.regions[names.REGION])
        return (names.NATIONAL, *regions) if len(regions) > 1 else regions

    @property
    def has_programme(self) -> bool:
        """Whether it declares a programme: who took part, who attended, or comparison schools."""
        people = self.populations.values()
        took_part = any(each.attendance or names.PARTICIPANT in each.roles for each in people)
        return took_part or bool(self.comparison)

    @cached_property
    def school_ids(self) -> dict[str, str]:
        """``school_id`` by normalised id, unique name, and earlier id or name."""
        return school_lookup(self.schools)

    def invited_by_school(self, population: str, wave: str, group: str = "") -> pd.Series:
        """Return how many of a population, or of a grade or role of it, were invited to a wave.

        Parameters
        ----------
        population, wave : str
        group : str, optional
            A grade or a role.

        Returns
        -------
        Series of Int64
            By school_id, from the register's column ``invited_<population>_<wave>[_<group>]``,
            else ``invited_<population>[_<group>]``; missing where there is neither.
        """
        ending = f"_{group}" if group else ""
        wanted = (f"{INVITED}{population}_{wave}{ending}", f"{INVITED}{population}{ending}")
        found = next((c for c in wanted if c in self.schools), None)
        counts = self.schools[found] if found else pd.Series(pd.NA, self.schools.index, "Int64")
        return counts.set_axis(self.schools[names.SCHOOL])

    @property
    def grades(self) -> tuple[int, ...]:
        """The programme's grades that the register's schools have; all where it says none."""
        spans = [text.split("-") for text in self.schools["grades"].unique() if text]
        taught = {g for span in spans for g in range(int(span[0]), int(span[-1]) + 1)}
        return tuple(g for g in names.GRADES if g in taught or not taught)

    def subgroups(self, population: str) -> tuple[str, ...]:
        """Return the columns whose groups get rows of their own."""
        return self._groupings(population, "subgroups", (names.GRADE, names.GENDER))

    def planned_groups(self, population: str) -> tuple[str, ...]:
        """Return the columns of `subgroups`, and `cohort` where there are several cohorts."""
        declared = self.subgroups(population)
        return (*declared, names.COHORT) if len(self.cohorts) > 1 else declared

    def gaps(self, population: str) -> tuple[str, ...]:
        """Return the columns whose groups are compared in their change."""
        return self._groupings(population, "gaps", (names.GENDER,))

    def groups(self, population: str, column: str) -> tuple[str, ...]:
        """Return the groups of a column, as in ``column=group``; empty where they are not known."""
        if column == names.COHORT:
            return self.cohorts
        if column == names.GRADE_BAND:
            return GRADE_BANDS
        if column == names.GRADE:
            return tuple(map(str, self.grades))
        if column == names.ROLE:
            return self.populations[population].roles
        return tuple(self.populations[population].values.get(column, ()))

    def _groupings(self, population: str, key: str, default: Sequence[str]) -> tuple[str, ...]:
        possible = self.populations[population].groupings if population == "pupils" else ()
        usual = tuple(column for column in default if column in possible)
        return getattr(self.analysis, key).get(population, usual)

    def text(self, mapping: Mapping[Language, str], language: str) -> str:
        """Return a text in a language, else in the study's first, else in any."""
        for wanted in (language, self.languages[0]):
            if wanted in mapping:
                return mapping[wanted]
        return next(iter(mapping.values()), "")

    def export_path(self, file: str) -> Path:
        """Return the path of an export; accented letters match however the disk composes them."""
        path = self.exports / file
        if path.exists() or not path.parent.is_dir():
            return path
        wanted = unicodedata.normalize("NFC", path.name)
        there = sorted(path.parent.iterdir())
        return next((p for p in there if unicodedata.normalize("NFC", p.name) == wanted), path)


def grade_bands(grades: pd.Series) -> pd.Series:
    """Return ``5-7`` or ``8-10``, the two stages of school; missing where the grade is.

    Examples
    --------
    >>> grade_bands(pd.Series([5, 8, None])).tolist()
    ['5-7', '8-10', nan]
    """
    upper = grades.astype("Float64").ge(FIRST_OF_LOWER_SECONDARY)
    return upper.map({True: GRADE_BANDS[1], False: GRADE_BANDS[0]}).astype("str")
