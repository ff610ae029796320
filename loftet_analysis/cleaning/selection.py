"""Which rows of an export are a population's questionnaires of a wave, where it holds several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.headings import Headings, any_answer, identifier_kind
from loftet_analysis.cleaning.identifiers import redact_text
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.sheets import Sheets, by_text
from loftet_analysis.cleaning.times import local_times, read_moments
from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.study import ExportFile, Population, Study, normalise_label
from loftet_analysis.study.schools import find_labelled
from loftet_analysis.study.study import LINK, WAVE_HEADING, row_text

BLANK = "blank"  # what stands for an empty cell among the texts that tell rows apart
MOST_UNTOLD = 0.02  # of the rows, before it is a warning that they belong to nothing
_FEW, _SHOWN, _LONGEST = 20, 8, 40  # texts of a closed list, texts that are shown, their signs


class NoRowYetError(InputError):
    """All rows of a file are those of others: of a wave that is open the first has not come."""


def rows_of(
    export: Export, study: Study, population: Population, wave: str, file: ExportFile
) -> Export:
    """Return an export with the rows of one population and wave alone, as study.yml tells them.

    Rows keep their index. What is left out is told in the export's remarks by text and count:
    rows of other populations, and rows that belong to no population or no wave at all. Rows
    without anything in them are nobody's.

    Parameters
    ----------
    export : Export
        The whole file.
    study : Study
        Its other populations may claim rows of the same file.
    population : Population
    wave : str
    file : ExportFile
        Its ``only`` and ``wave``; without either the export is returned as it is. With
        ``wave: dates`` a row is of the last wave of its school's cohort that had begun when it was
        sent in; of the first where none had, and where there is no time.

    Raises
    ------
    InputError
        Where a column that tells rows apart is not found, and where no row is left
        (:class:`NoRowYetError` where all of them are others').
    """
    if file.by_dates:
        export = _rows_by_dates(export, study, population, wave, file)
    if not (file.only or file.wave):
        return export
    where, name = f"{export.name} ({population.name})", population.name
    headings = Headings(export.frame.columns, export.questions, where, export.headings)
    wanted = dict.fromkeys(rows.column for rows in (file.only, file.wave) if rows)
    columns = dict(zip(wanted, headings.one_each([name] for name in wanted), strict=True))
    kept = np.ones(len(export.frame), dtype=bool)
    remarks: list[Problem] = []
    if file.only:
        mine = dict.fromkeys(map(row_text, file.only.values), name)
        others = _claims(study, population, file, file.only.column)
        told = _owners(export, columns[file.only.column], others | mine)
        kept = told.of(name, where, file.only.values)
        remarks += told.others(name, where, file.only.values)
        remarks += told.nobodys("population", export.name)
    if file.wave:
        owner_of = {row_text(t): each for each, texts in file.wave.values.items() for t in texts}
        told = _owners(export, columns[file.wave.column], owner_of, kept & any_answer(export.frame))
        kept = kept & told.of(wave, where, file.wave.values[wave])
        remarks += told.nobodys("wave", where)
    export = replace(export, remarks=(*export.remarks, *remarks))
    if kept.all():
        return export
    return replace(export, frame=export.frame[kept], rows=export.rows[kept])


def _rows_by_dates(
    export: Export, study: Study, population: Population, wave: str, file: ExportFile
) -> Export:
    """Return an export with the rows that were sent in after a wave had begun, before the next."""
    where = f"{export.name} ({population.name})"
    headings = Headings(export.frame.columns, export.questions, where, export.headings)
    wanted = [population.headers(name, wave, file) for name in (names.SCHOOL, names.SUBMITTED)]
    school, submitted = headings.one_each(wanted)
    moments, problem = read_moments(
        export.frame[submitted],
        zone=study.zone,
        written_in=export.zone(submitted),
        form=population.time_format_in(file),
        spans=study.spans(population.name),
    )
    if problem:
        raise InputError(replace(problem, where=f"{where}, {submitted}"))
    days, labels = local_times(moments, study.zone), export.labels.get(school, {})
    ids = study.school_ids
    schools = by_text(
        export.frame[school], lambda text: find_labelled(ids, text, labels.get(text, ""))
    )
    first = study.cohorts[0] if study.cohorts else ""  # also of a school that is not known
    cohort = schools.map(study.cohort_of).fillna(first) if first else schools.map(lambda _: "")
    own = pd.Series(names.PRE, index=export.frame.index)
    for each in study.cohorts or ("",):
        for name, dates in study.wave_dates(population.name, each).items():
            own[cohort.eq(each) & (days >= pd.Timestamp(dates.start))] = name
    kept = own.eq(wave).to_numpy()
    if not (kept & any_answer(export.frame)).any():
        counts = own[any_answer(export.frame)].value_counts()
        found = ", ".join(f"{name} ({n} rows)" for name, n in counts.items())
        allowed = "rows that were sent in while it was open"
        raise NoRowYetError(f"no row of {wave}", found, allowed, where)
    # rows without anything in them are told with the first wave
    return replace(export, frame=export.frame[kept], rows=export.rows[kept])


@dataclass(frozen=True)
class _Owners:
    """Whose the rows of a file are, as one of its columns tells.

    Attributes
    ----------
    column : str
    rows : ndarray of str
        By row; ``""`` is nobody's.
    texts : DataFrame
        The texts that were met: ``text, owner, n``.
    hidden : bool
        Whether the column seems to hold ids or free text, which no message shows.
    """

    column: str
    rows: np.ndarray
    texts: pd.DataFrame
    hidden: bool

    def of(self, owner: str, where: str, allowed: Sequence[str]) -> np.ndarray:
        """Return whether each row is an owner's; one who has none is a fault."""
        mine = self.rows == owner
        if not mine.any():
            todo = f"correct the texts of {self.column} in study.yml"
            found = self._told(self.texts)
            fault = NoRowYetError if self.texts["owner"].ne("").all() else InputError
            raise fault(f"no row of {owner}", found, ", ".join(allowed), where, todo)
        return mine

    def others(self, owner: str, where: str, allowed: Sequence[str]) -> Iterator[Problem]:
        """Yield what is told of the rows that are somebody else's."""
        others = self.texts[~self.texts["owner"].isin(["", owner])]
        if len(others):
            what, found = "rows of others are left out", self._told(others)
            yield Problem(what, found, ", ".join(allowed), where)

    def nobodys(self, kind: str, where: str) -> Iterator[Problem]:
        """Yield what is told of the rows that are nobody's."""
        left = self.texts[self.texts["owner"].eq("")]
        n, n_left = int(self.texts["n"].sum()), int(left["n"].sum())
        if n_left:
            what = f"rows of no {kind}"
            what = f"warning: {what}" if n_left > MOST_UNTOLD * n else what
            found = f"{n_left} of {n} rows; {self._told(left)}"
            allowed = f"at most {MOST_UNTOLD:.0%}"
            todo = f"name the text in study.yml, or leave it out where it is of no {kind}"
            yield Problem(what, found, allowed, where, todo)

    def _told(self, texts: pd.DataFrame) -> str:
        """Return texts with their owners and counts, the most frequent first."""
        return f"{self.column}: {counted_texts(texts, hidden=self.hidden)}"


def _claims(study: Study, population: Population, file: ExportFile, column: str) -> dict[str, str]:
    """Return who else claims rows of the same file, by the text of the same column.

    That is another population, or another wave of this one.
    """
    column = normalise_label(column)
    return {
        row_text(text): wave if each.name == population.name else each.name
        for each in study.populations.values()
        for wave, files in each.files.items()
        for other in files
        if other.file == file.file and other.only
        if normalise_label(other.only.column) == column
        for text in other.only.values
    }


def _owners(
    export: Export, column: str, owner_of: Mapping[str, str], within: np.ndarray | None = None
) -> _Owners:
    """Return whose each row is by its text or label, counted within some rows.

    Without these every row counts that holds anything at all.
    """
    codes, texts = pd.factorize(export.frame[column])
    labels = export.labels.get(column, {})
    owners = [
        owner_of.get(row_text(text) or BLANK) or owner_of.get(row_text(labels.get(text, "")), "")
        for text in texts
    ]
    counted = any_answer(export.frame) if within is None else within
    n = np.bincount(codes[counted], minlength=len(texts))
    shown = [labels.get(text, text).strip() for text in texts]
    met = pd.DataFrame({"text": shown, "owner": owners, "n": n})[n > 0]
    hidden = bool(identifier_kind(export, column)) or not is_closed(shown, len(codes))
    return _Owners(column, np.array(owners, dtype=object)[codes], met, hidden)


def counted_texts(texts: pd.DataFrame, *, hidden: bool = False) -> str:
    """Return texts (`text, owner, n`) with their owners and counts, the most frequent first.

    Examples
    --------
    >>> counted_texts(pd.DataFrame({"text": ["", "head"], "owner": ["", "leaders"], "n": [1, 3]}))
    '“head” 3 (leaders), blank 1'
    """
    if hidden:
        return f"{len(texts)} different texts, which are not shown"
    texts, parts = texts.sort_values(["n", "text"], ascending=[False, True]), []
    for text, owner, n in texts[["text", "owner", "n"]].head(_SHOWN).itertuples(index=False):
        named = f"“{redact_text(text)[0][:_LONGEST]}”" if text else BLANK
        parts.append(f"{named} {n}" + (f" ({owner})" if owner else ""))
    more = f", and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(parts) + more


def is_closed(texts: Sequence[str], n: int) -> bool:
    """Return whether the texts of `n` cells may be told: a closed list, not ids or free text.

    Examples
    --------
    >>> is_closed(["pupil", "teacher"], 2), is_closed(["a1", "a2", "a3", "a4"], 6)
    (True, False)
    """
    n_texts = len([text for text in texts if text])
    return n_texts <= _FEW and (n_texts <= 3 or n_texts <= n / 2)


# how the columns of files call populations and waves, and how such columns are headed
PEOPLE = {
    "pupils": r"pupils?|elev(?:er|ar)?|students?|learners?",
    "teachers": r"teachers?|lærer(?:e|ar)?|lærar(?:ar)?|laerere?",
    "leaders": r"(?:school ?)?leaders?|(?:skole|skule)?(?:leder|leiar)(?:e|ar)?|rektor(?:er|ar)?|"
    r"principals?|head ?(?:teachers?|master)?",
}
_WAVES = (
    r"pre|mid|post|(?:pre|post)[-_ ]?(?:test|survey|måling)|before|during|after|før|etter|under\w*|"
    r"baseline|follow[-_ ]?up|oppfølging|oppfølgjing|(?:t|wave|time|round|måling|runde|bølge|"
    r"tidspunkt)[-_ ]?\d|(?:første|andre|tredje|first|second|third) (?:gang|måling|time|wave)"
)
_LOOKED_AT = 2_000  # rows, before a column is counted whole
_FILLED = 0.9  # of the rows, for a column to tell every row


def refuse_mixed(sheets: Sheets) -> Sheets:
    """Stop where a column that nothing is read from tells that rows are of several kinds.

    That is where all its texts name populations, or waves, and of these several; where its heading
    says wave and people have rows of several. Where only some of its texts do so it is a remark.

    Raises
    ------
    InputError
        With what to write in study.yml.
    """
    export = sheets.original.export
    problems: list[Problem] = []
    remarks: list[Problem] = []
    filled = any_answer(export.frame)
    for column in sheets.unused:
        if export.frame[column].iloc[:_LOOKED_AT].nunique() > _SHOWN:
            continue
        told = _owners(export, column, {}, filled)
        texts = told.texts[told.texts["text"].ne("")]
        if told.hidden or texts.empty or len(texts) > _SHOWN:
            continue
        heading = normalise_label(export.questions.get(column, column))
        for certain, what, allowed, todo in _mixed(sheets, column, heading, texts):
            found = f"{column}: {counted_texts(told.texts)}"
            fault = Problem(what, found, allowed, sheets.where, todo)
            (problems if certain else remarks).append(fault)
    refuse_any(problems)
    return sheets.remarking(*remarks)


def _mixed(
    sheets: Sheets, column: str, heading: str, texts: pd.DataFrame
) -> Iterator[tuple[bool, str, str, str]]:
    """Yield what a column tells apart: whether that is certain, and a problem's words."""
    population, wave = sheets.population, sheets.wave
    file = next(each for each in population.files[wave] if each.file == sheets.file)
    whole = texts["n"].sum() >= _FILLED * len(sheets.original.frame)
    words = [*map(row_text, texts["text"])]
    if len(words) < 2:
        return
    kinds = [{who for who, form in PEOPLE.items() if re.fullmatch(form, w)} for w in words]
    if len(set().union(*kinds)) > 1:
        mine = ", ".join(
            t for t, kind in zip(texts["text"], kinds, strict=True) if population.name in kind
        )
        what = "a column that tells populations apart, and is not used"
        todo = f"write only: {{column: {column}, values: [{mine or '…'}]}} with the file; where "
        todo += f"all rows are {population.name}, name all its texts there"
        allowed = f"rows of {population.name} alone"
        yield whole and all(kinds) and file.only is None, what, allowed, todo
        return
    named = {row_text(text) for each in sheets.study.waves.values() for text in each.label.values()}
    timed = [w in named or bool(re.fullmatch(_WAVES, w)) for w in words]
    headed = bool(WAVE_HEADING.fullmatch(heading))
    if file.by_dates:
        return
    if (headed or sum(timed) > 1) and file.wave is None and file.pattern == "{}":
        what = "a column that tells waves apart, and is not used"
        todo = f"write files: {{file: {file.file}, wave: {{column: {column}, values: {{pre: […], "
        todo += f"post: […]}}}}}}; where all rows are of {wave}, name all its texts below {wave}"
        repeated = headed and _rows_of_several(sheets, column)
        yield (whole and all(timed)) or repeated, what, f"rows of {wave} alone", todo


def _rows_of_several(sheets: Sheets, column: str) -> bool:
    """Return whether most people have rows with several texts of a column."""
    raw = sheets.original
    if LINK not in raw.frame:
        return False
    rows = pd.DataFrame({"id": raw.frame[LINK], "text": raw.export.frame[column]})
    texts = rows[rows["id"].str.strip().ne("")].groupby("id")["text"].nunique()
    return len(texts) > 0 and float((texts > 1).mean()) > 0.5
