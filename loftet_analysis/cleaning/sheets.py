"""The questionnaires of one wave on their way through cleaning, and the account of all of them.

An questionnaire is a row of an export with any answer in the columns of a wave. What leaves at a
step leaves with a reason, so that questionnaires in = clean + set aside + counted only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.codes import Coding
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Population, Study

F = TypeVar("F", bound=Callable)
REASON = "reason"
# of these only the count is kept, never the row
OPEN_WAVE = "open_wave"  # answered while the wave goes on
COUNTED_ONLY = ("no_consent", "opted_out", "withdrawn", OPEN_WAVE)
BLANK = "blank_row"  # a row without any answer is no sheet
COUNTS = ["n_in", "n_out", "n_set_aside"]
VALUES = ("population", "wave", "file", "region", "column", "value", "reason", "n")


def _empty(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True, repr=False)
class Raw:
    """An export as read, with whatever identifies people in it; it never leaves the memory.

    Attributes
    ----------
    export : Export
    frame : DataFrame
        Its needed columns as text, under the names that the project uses; answers to items as
        categories.
    answered : ndarray of bool
        Whether a row has anything in the columns of this wave.
    lists : mapping of str to DataFrame
        By file: the rows of lists (withdrawals, reservations, corrections) about this wave.
    time_format : str
        How `submitted` is written, where study.yml says it.
    """

    export: Export
    frame: pd.DataFrame
    answered: np.ndarray
    lists: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    time_format: str = ""


@dataclass(frozen=True, repr=False, eq=False)
class Sheets:
    """The questionnaires of one wave of a population; verbs take one and give a new one.

    Attributes
    ----------
    study : Study
    population : Population
    wave : str
        ``""`` where the questionnaires of all waves are together.
    frame : DataFrame
        A row per questionnaire: `region` (``""`` while the school is unknown), `reason` (why it was
        set aside, ``""`` while it is in), background and items. Before
        :func:`~loftet_analysis.cleaning.quarantine.quarantine` it has columns but no rows.
    ledger : DataFrame
        ``schema.LEDGER``: for every step and region the questionnaires in, out and set aside.
    values : DataFrame
        ``VALUES``: single cells that were corrected, redacted, left behind or set to missing.
    problems : tuple of Problem
        What is wrong with the input, as far as the steps have come.
    remarks : tuple of Problem
        What was guessed, repaired or looks wrong, and does not stop a run.
    halted : bool
        Whether a step failed without which the later ones mean nothing; they are passed over.
    file : str
        The export's file; ``""`` where the questionnaires of several are together.
    where : str
        Export, population and wave, for messages.
    labels : mapping of str to (mapping of str to str)
        Labels by code, by column, where the tool stores them.
    sources : mapping of str to str
        The export's own heading, by column.
    unused : mapping of str to str
        The columns that nothing is read from: what may be shown of their headings.
    wordings : mapping of str to str
        What the export calls an item, where that is more than the name of its column.
    codings : tuple of Coding
        How the columns of items write their answers, until the waves are together.
    n_sheets : int
        How many came in.
    digits : int
        How many digits ids of digits have, where some had lost zeros; else 0.
    corrected : mapping of int to int
        How many questionnaires each row of the list of corrections means.
    listed : mapping of str to Series of bool
        By list of people (withdrawals, reservations, consent): whether each of its rows means a
        questionnaire.
    raw : Raw or None
        The export, until the quarantine has been passed.
    apart : DataFrame
        By questionnaire: the id or code to `link` by, until it is a pseudonym; the `seconds` taken;
        the `moment` of submission in UTC; whether the tool marks it as a `preview`, or as
        `unfinished`; the `row` of the export, as a spreadsheet numbers it; and the `submission`, a
        text that the same submission has in every export.
    declined : DataFrame
        The questionnaires of which only the count is kept, as text; in memory only.
    linkage, response, days : DataFrame
        ``schema.LINKAGE``, ``schema.RESPONSE`` and ``schema.DAYS``, once the waves are linked.
    """

    study: Study
    population: Population
    wave: str = ""
    frame: pd.DataFrame = field(default_factory=_empty)
    ledger: pd.DataFrame = field(default_factory=lambda: _empty(*schema.LEDGER))
    values: pd.DataFrame = field(default_factory=lambda: _empty(*VALUES))
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    halted: bool = False
    file: str = ""
    where: str = ""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    wordings: Mapping[str, str] = field(default_factory=dict)
    codings: tuple[Coding, ...] = ()
    n_sheets: int = 0
    digits: int = 0
    corrected: Mapping[int, int] = field(default_factory=dict)
    listed: Mapping[str, pd.Series] = field(default_factory=dict)
    raw: Raw | None = None
    apart: pd.DataFrame = field(default_factory=_empty)
    declined: pd.DataFrame = field(default_factory=_empty)
    linkage: pd.DataFrame = field(default_factory=lambda: _empty(*schema.LINKAGE))
    response: pd.DataFrame = field(default_factory=lambda: _empty(*schema.RESPONSE))
    days: pd.DataFrame = field(default_factory=lambda: _empty(*schema.DAYS))

    def __repr__(self) -> str:
        """Say what the questionnaires are and how many; never a row of them."""
        lines = [f"{self.study.name}, {self.population.name} {self.wave or 'all waves'}"]
        if self.raw:
            export = self.raw.export
            lines[0] += f": {len(export.frame)} rows of {export.name}, read as {export.tool}"
            used = f"{len(self.sources)} of {export.frame.shape[1]} columns are used"
            lines += [used + (f"; {export.recognised}" if export.recognised else "")]
        else:
            still_in = int(self.still_in.sum())
            lines[0] += f": {still_in} questionnaires in, {len(self.frame) - still_in} set aside"
        return "\n".join([*lines, *map(str, self.problems)])

    def pipe(self, verb: Callable[..., Sheets], /, *others: object, **options: object) -> Sheets:
        """Return what a verb makes of the sheets."""
        return verb(self, *others, **options)

    def through(self, verbs: Iterable[Callable[[Sheets], Sheets]]) -> Sheets:
        """Return what one step after the other makes of the sheets.

        Faults of the input are kept in `problems`: a step that fails leaves the questionnaires as
        they were, so that all is told at once. After a :func:`decisive` one the rest is passed
        over.
        """
        sheets = self
        for verb in verbs:
            if sheets.halted:
                break
            try:
                sheets = verb(sheets)
            except InputError as error:
                problems = (*sheets.problems, *error.problems)
                sheets = replace(sheets, problems=problems, halted=hasattr(verb, "decisive"))
        return sheets

    @property
    def original(self) -> Raw:
        """The export, which is there until the quarantine has been passed."""
        if self.raw is None:
            what = "the export is not kept after the quarantine"
            raise InputError(what, where=self.where, todo="begin again with chain.read")
        return self.raw

    @property
    def still_in(self) -> pd.Series:
        """Whether a questionnaire has not been set aside."""
        return self.frame[REASON].eq("") if REASON in self.frame else pd.Series(dtype=bool)

    @property
    def spans(self) -> tuple[tuple[date, date], ...]:
        """The first and last day of the wave, of each cohort; empty where it has no dates."""
        return self.study.spans(self.population.name, self.wave)

    def days_of(self, wave: str) -> tuple[pd.Series, pd.Series]:
        """Return the first and the last day of a wave, by sheet: those of its school's cohort.

        Missing where the wave has no dates, or the school is not known.
        """
        return self._day_of(wave, "start"), self._day_of(wave, "end")

    @property
    def trials_from(self) -> pd.Series:
        """By sheet the day since when the form was tried out; missing where no key says it."""
        return self._day_of(self.wave, "trials_from")

    def _day_of(self, wave: str, which: str) -> pd.Series:
        study, who, school = self.study, self.population.name, self.frame[names.SCHOOL]
        dates = {cohort: study.wave_dates(who, cohort) for cohort in study.cohorts or ("",)}
        cohort = school.map(study.cohort_of) if study.cohorts else pd.Series("", school.index)
        days = {each: getattr(of.get(wave), which, None) for each, of in dates.items()}
        by_cohort = cohort.map({each: pd.Timestamp(day) for each, day in days.items() if day})
        return by_cohort.astype("datetime64[us]")

    def set_aside(self, rows: pd.Series, *, step: str, reason: str) -> Sheets:
        """Mark the questionnaires that leave at this step, unless they have left before."""
        leaving = rows & self.still_in
        marked = self.frame.assign(**{REASON: self.frame[REASON].mask(leaving, reason)})
        return self._counted(leaving, step, reason, frame=marked)

    def count_only(self, rows: pd.Series, *, step: str, reason: str) -> Sheets:
        """Remove rows of which only the count is kept."""
        kept = self.frame[~rows] if rows.any() else self.frame
        return self._counted(rows, step, reason, frame=kept)

    def _counted(self, leaving: pd.Series, step: str, reason: str, **changes: Any) -> Sheets:
        counts = pd.DataFrame({"n_in": self.still_in, "n_set_aside": leaving})
        counts = counts.groupby(self.frame[names.REGION], sort=True).sum().reset_index()
        counts = counts[counts["n_in"] > 0].assign(
            step=step, reason=reason, n_out=lambda table: table["n_in"] - table["n_set_aside"]
        )
        ledger = together(self.ledger, self._stamped(counts, schema.LEDGER))
        return replace(self, ledger=ledger, **changes)

    def remarking(self, *remarks: Problem) -> Sheets:
        """Return the questionnaires with more to be said that does not stop a run."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def noting(self, values: pd.DataFrame, **changes: Any) -> Sheets:
        """Return the questionnaires with changes, and cells that were altered added to `values`."""
        values = values.assign(**{names.REGION: values.get(names.REGION, "")})
        noted = together(self.values, self._stamped(values, VALUES))
        return replace(self, values=noted, **changes)

    def _stamped(self, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        stamp = {"population": self.population.name, "wave": self.wave, "file": self.file}
        return table.assign(**stamp)[list(columns)]


def together(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return tables of the same columns as one; those without a row do not change its types."""
    filled = [table for table in tables if len(table)]
    if len(filled) == 1:
        return filled[0].reset_index(drop=True)
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def decisive(verb: F) -> F:
    """Mark a step without which the later ones mean nothing."""
    vars(verb)["decisive"] = True
    return verb


def by_text(column: pd.Series, meaning: Callable[[str], object]) -> pd.Series:
    """Apply a function once to each text of a column.

    Examples
    --------
    >>> by_text(pd.Series(["a", "b", "a"]), str.upper).to_list()
    ['A', 'B', 'A']
    """
    codes, texts = pd.factorize(column)
    meanings = np.empty(len(texts), dtype=object)
    meanings[:] = [meaning(text) for text in np.asarray(texts, dtype=object)]
    return pd.Series(meanings[codes], index=column.index, dtype=object)


def sheet_counts(ledger: pd.DataFrame) -> pd.Series:
    """Return questionnaires in, set aside and counted only, as the ledger has them.

    Examples
    --------
    >>> ledger = pd.DataFrame({
    ...     "wave": "pre", "step": ["read", "consent", "schools"],
    ...     "reason": ["blank_row", "no_consent", "unknown_school"],
    ...     "n_in": [9, 8, 6], "n_out": [8, 6, 5], "n_set_aside": [1, 2, 1]})
    >>> sheet_counts(ledger).to_dict()
    {'sheets': 8, 'set_aside': 1, 'counted_only': 2}
    """
    sheets = ledger[ledger[names.WAVE] != ""]
    first = sheets["reason"] == BLANK
    counted = sheets["reason"].isin(COUNTED_ONLY)
    return pd.Series(
        {
            "sheets": sheets.loc[first, "n_out"].sum(),
            "set_aside": sheets.loc[~first & ~counted, "n_set_aside"].sum(),
            "counted_only": sheets.loc[counted, "n_set_aside"].sum(),
        }
    ).astype(int)
