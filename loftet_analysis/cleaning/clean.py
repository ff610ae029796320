"""From text to sheets that can be counted: consent, tests, schools, grades, roles, duplicates.

Every verb takes a working frame (see :mod:`loftet_analysis.cleaning.ledger`) and returns a new one,
with the ledger of what left where sheets can leave. Nothing is judged on a sheet that has left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.ledger import REASON, set_aside
from loftet_analysis.cleaning.score import MANY_TEXTS
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import normalise_label
from loftet_analysis.study.schools import earlier_names
from loftet_analysis.study.study import TRIAL
from loftet_analysis.study.yamlfile import did_you_mean

Framed = tuple[pd.DataFrame, pd.DataFrame]

# what people type as school when they try a form out
TEST_SCHOOLS = frozenset({"test", "testskole", "testskule", "test school", "testschool"})
FEWEST_JUDGED = 20  # sheets of a wave
_WHY = {
    "tests": "compare the wave's dates in study.yml with the column of submitted",
    "forms": "look whether the files of two waves have changed places",
    "schools": "correct the column of school_id, or add the schools to the register",
    "grades": "correct the column of grade, or the grades in the register",
    "duplicates": "correct the column of link: it should tell people apart",
}
_GRADE = re.compile(
    r"(?:(?:års)?(?:trinn|steg)|klasse|grade|year)?\s*(\d{1,2})(?:[.,]0+)?(?:\.|st|nd|rd|th)?"
    r"\s*(?:(?:klasse|års)?(?:trinn|steg)|klasse|grade)?\s*[a-h]?"
)
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


def by_text(column: pd.Series, meaning: Callable[[str], object]) -> pd.Series:
    """Apply a function once to each text of a column.

    Examples
    --------
    >>> by_text(pd.Series(["a", "b", "a"]), str.upper).to_list()
    ['A', 'B', 'A']
    """
    codes, texts = pd.factorize(column)
    meanings = np.empty(len(texts), dtype=object)
    meanings[:] = [meaning(text) for text in texts]
    return pd.Series(meanings[codes], index=column.index, dtype=object)


def school_lookup(schools: pd.DataFrame) -> dict[str, str]:
    """Return ``school_id`` by normalised id, unique name, and earlier id or name.

    Parameters
    ----------
    schools : DataFrame
        The register: ``school_id, school, earlier``.
    """
    ids = {normalise_label(school): school for school in schools[names.SCHOOL]}
    by_name = schools.assign(school=schools["school"].map(normalise_label))
    by_name = by_name.drop_duplicates("school", keep=False).set_index("school")[names.SCHOOL]
    earlier = {
        normalise_label(text): school
        for school, cell in zip(schools[names.SCHOOL], schools["earlier"], strict=True)
        for text in earlier_names(cell)
    }
    return earlier | {name: school for name, school in by_name.items() if name} | ids


def place_schools(
    frame: pd.DataFrame,
    *,
    schools: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    where: str = "",
) -> Framed:
    """Find each row's school in the register, by id or by a name that only one school has.

    Parameters
    ----------
    frame : DataFrame
        With ``school_id`` as text.
    schools : DataFrame
        The register: ``school_id, school, region, earlier``.
    labels : mapping of str to str, optional
        School by code, where the tool stores labels.

    Returns
    -------
    frame : DataFrame
        ``school_id`` as in the register where it was found, else the text as it stood;
        ``region`` (``""`` where not found); an empty ``reason``.
    values : DataFrame
        ``region, column, value, reason, n``: the earlier ids and names that were met.

    Raises
    ------
    InputError
        Where not one row has a school of the register.
    """
    labels, known = labels or {}, school_lookup(schools)

    def find(text: str) -> str:
        return known.get(normalise_label(text)) or known.get(normalise_label(labels.get(text, "")))

    found = by_text(frame[names.SCHOOL], find)
    if found.isna().all():
        raise InputError(
            Problem(
                "no school of the register in the export",
                found=some_texts(frame[names.SCHOOL]) or "nothing but blanks",
                allowed="a school_id or the unique name of a school in the register, such as "
                + ", ".join(schools[names.SCHOOL].head(3)),
                where=where,
                todo="correct the column of school_id in study.yml, or the register",
            )
        )
    regions = schools.set_index(names.SCHOOL)[names.REGION].to_dict()
    placed = frame.assign(
        **{
            names.SCHOOL: found.fillna(frame[names.SCHOOL].str.strip()).astype("str"),
            names.REGION: found.map(regions).fillna("").astype("str"),
            REASON: "",
        }
    )
    former = {normalise_label(t) for cell in schools["earlier"] for t in earlier_names(cell)}
    met = by_text(frame[names.SCHOOL], lambda t: normalise_label(labels.get(t, t)) in former)
    renamed = pd.DataFrame({names.REGION: placed[names.REGION], "value": frame[names.SCHOOL]})
    renamed = renamed[met.astype(bool)].value_counts(sort=False).rename("n").reset_index()
    return placed, renamed.assign(column=names.SCHOOL, reason="earlier_school")


def some_texts(column: pd.Series, *, most: int = 5) -> str:
    """Return the first few distinct texts of a column for a message.

    Where most rows have a text of their own (ids, codes, free text) only their number is told.
    """
    texts = sorted({text.strip()[:40] for text in column.unique()} - {""})
    if len(texts) > MANY_TEXTS and len(texts) > len(column) / 3:
        return f"{len(texts)} different texts, which are not shown"
    more = f", and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(f"“{text}”" for text in texts[:most]) + more


def read_submitted(frame: pd.DataFrame, *, where: str = "") -> pd.DataFrame:
    """Turn ``submitted`` into local times: ISO 8601 (an offset is left out) or day.month.year.

    Raises
    ------
    InputError
        Where some sheets say a time that is not understood.
    """
    text = frame[names.SUBMITTED].str.strip()
    bare = text.str.replace(_OFFSET, "", regex=True)
    times = pd.to_datetime(bare, format="ISO8601", errors="coerce").astype("datetime64[us]")
    rest = times.isna() & text.ne("")
    if rest.any():
        dotted = bare[rest].str.extract(r"(\d{1,2})[.](\d{1,2})[.](\d{4})[ T,]*([\d:]*)$")
        again = dotted[2] + "-" + dotted[1].str.zfill(2) + "-" + dotted[0].str.zfill(2)
        again = (again + " " + dotted[3].fillna("")).str.strip()
        times[rest] = pd.to_datetime(again, format="ISO8601", errors="coerce")
    odd = times.isna() & text.ne("")
    if odd.any():
        raise InputError(
            Problem(
                "time of submission not understood",
                found=f"“{text[odd].iloc[0][:40]}”, {odd.sum()} such cells",
                allowed="2025-09-15T10:30:00+02:00 or 15.09.2025 10:30",
                where=where,
                todo="correct the column of submitted in study.yml, or export the form again",
            )
        )
    return frame.assign(**{names.SUBMITTED: times})


def set_aside_tests(
    frame: pd.DataFrame, *, start: date | None, marks: Sequence[str] = ()
) -> Framed:
    """Set aside what was sent in before the wave began, from a school called TEST, or as a trial.

    Parameters
    ----------
    frame : DataFrame
        With ``school_id``, and ``submitted`` and ``trial`` (text) where there are such.
    start : date or None
        The first day of the wave.
    marks : sequence of str
        The texts of ``trial`` that mark a trial answer.
    """
    tests = frame[names.SCHOOL].str.strip().str.casefold().isin(TEST_SCHOOLS)
    tests &= frame[names.REGION].eq("")
    if start and names.SUBMITTED in frame:
        tests |= frame[names.SUBMITTED] < pd.Timestamp(start)
    if TRIAL in frame:
        meant = {normalise_label(text) for text in marks}
        tests |= by_text(frame[TRIAL], lambda text: normalise_label(text) in meant).astype(bool)
        frame = frame.drop(columns=TRIAL)
    return set_aside(frame, tests, step="tests", reason="test_answer")


def set_aside_wrong_forms(
    frame: pd.DataFrame, *, wave: str, windows: Mapping[str, tuple[date, date]]
) -> Framed:
    """Set aside what was sent in while another wave was open: the link to the wrong form.

    Parameters
    ----------
    frame : DataFrame
        With ``submitted`` where there is such a column.
    wave : str
        The wave of the form.
    windows : mapping of str to tuple of date
        First and last day, by wave.
    """
    wrong = pd.Series(False, index=frame.index)
    if names.SUBMITTED in frame:
        days = frame[names.SUBMITTED].dt.normalize()
        for other, (first, last) in windows.items():
            if other != wave:
                wrong |= days.between(pd.Timestamp(first), pd.Timestamp(last))
    return set_aside(frame, wrong, step="forms", reason="wrong_form")


def refuse_most_set_aside(ledger: Sequence[pd.DataFrame], *, n: int, where: str) -> None:
    """Stop where one step sets most of a wave aside: then the description is wrong, not the data.

    Raises
    ------
    InputError
        Where a step other than that of empty sheets takes more than half of twenty or more sheets.
    """
    taken = pd.concat(ledger).groupby(["step", "reason"])["n_set_aside"].sum()
    problems = [
        Problem(
            "most of a wave would be set aside",
            found=f"{count} of {n} sheets as {reason}",
            allowed="at most half",
            where=where,
            todo=_WHY[step],
        )
        for (step, reason), count in taken.items()
        if step in _WHY and n >= FEWEST_JUDGED and count > n / 2
    ]
    if problems:
        raise InputError(problems)


def set_aside_unknown_schools(frame: pd.DataFrame) -> Framed:
    """Set aside the sheets whose school is not in the register."""
    return set_aside(frame, frame[names.REGION].eq(""), step="schools", reason="unknown_school")


def recode(
    frame: pd.DataFrame,
    *,
    values: Mapping[str, Mapping[str, Sequence[str]]],
    labels: Mapping[str, Mapping[str, str]] | None = None,
    columns: Sequence[str],
    where: str = "",
) -> pd.DataFrame:
    """Turn background columns to clean values; blanks are missing.

    Parameters
    ----------
    frame : DataFrame
        The columns as text.
    values : mapping
        Column → clean value → texts of the export; without one the text (or its label) stays.
    labels : mapping of str to (mapping of str to str), optional
        Labels by code, by column.
    columns : sequence of str
        The columns to recode.

    Raises
    ------
    InputError
        For texts of sheets still in that stand for none of the values, all at once.
    """
    problems, recoded = [], {}
    for column in columns:
        own = (labels or {}).get(column, {})
        meanings = {
            normalise_label(text): value
            for value, texts in values.get(column, {}).items()
            for text in (value, *texts)
        }

        def meaning(text: str, own=own, meanings=meanings) -> str | None:
            label = own.get(text, text).strip()
            if not label:
                return None
            if not meanings:
                return label
            return meanings.get(normalise_label(label), meanings.get(normalise_label(text), ""))

        read = by_text(frame[column], meaning).astype("str")
        unknown = read.eq("") & frame[REASON].eq("")
        counts = frame.loc[unknown, column].value_counts().sort_index()
        if len(counts) > MANY_TEXTS:
            problems.append(_many_unknown(column, counts, meanings, where))
            counts = counts[:0]
        for text, n in counts.items():
            label = own.get(text, text)
            add = f"add it to `values: {column}:` in study.yml"
            problems.append(
                Problem(
                    f"unknown {column}",
                    found=f"“{label[:60]}”, {n} times",
                    allowed=", ".join(meanings),
                    where=where,
                    todo=" ".join(filter(None, (did_you_mean(label, meanings), add))),
                )
            )
        recoded[column] = read.where(read.ne(""))
    if problems:
        raise InputError(problems)
    return frame.assign(**recoded)


def _many_unknown(
    column: str, counts: pd.Series, meanings: Mapping[str, str], where: str
) -> Problem:
    return Problem(
        f"unknown {column}",
        found=f"{len(counts)} different texts in {counts.sum()} cells, which are not shown",
        allowed=", ".join(meanings),
        where=where,
        todo=f"correct the column of {column} in study.yml: it seems to hold something else",
    )


def read_grades(frame: pd.DataFrame, *, schools: pd.DataFrame, where: str = "") -> Framed:
    """Turn ``grade`` to whole numbers; set aside what the school cannot have.

    Parameters
    ----------
    frame : DataFrame
        ``grade`` as text: "7", "7.0", "7. trinn", "7A"; missing stays missing.
    schools : DataFrame
        The register: ``school_id``, ``grades`` ("1-7", or empty: then 1 to 13).

    Raises
    ------
    InputError
        Where no text of a sheet still in is a grade.
    """
    text = frame[names.GRADE].fillna("")
    grades = grade_numbers(text)
    given = text.str.strip().ne("")
    judged = given & frame[REASON].eq("")
    if judged.any() and grades[judged].isna().all():
        raise InputError(
            Problem(
                "no grade is understood",
                found=some_texts(text[judged]),
                allowed="7, 7.0, 7. trinn, 7A",
                where=where,
                todo="correct the column of grade in study.yml, or give `values: grade:`",
            )
        )
    span = schools["grades"].str.extract(r"(\d+)\D*(\d+)?").astype(float)
    first = dict(zip(schools[names.SCHOOL], span[0].fillna(1), strict=True))
    last = dict(zip(schools[names.SCHOOL], span[1].fillna(span[0]).fillna(13), strict=True))
    low, high = (frame[names.SCHOOL].map(end).astype(float) for end in (first, last))
    impossible = given & ~grades.between(low, high)
    marked, ledger = set_aside(frame, impossible, step="grades", reason="impossible_grade")
    return marked.assign(**{names.GRADE: grades.astype("Int64")}), ledger


def grade_numbers(text: pd.Series) -> pd.Series:
    """Return the grades that texts name, as float; missing where they name none.

    Examples
    --------
    >>> grade_numbers(pd.Series(["7. trinn", "10", "5A", "ungdom"])).to_list()
    [7.0, 10.0, 5.0, nan]
    """

    def grade(cell: str) -> float:
        match = _GRADE.fullmatch(normalise_label(cell))
        return float(match[1]) if match else np.nan

    return by_text(text, grade).astype(float)


def set_aside_empty(frame: pd.DataFrame, *, items: Sequence[str]) -> Framed:
    """Set aside the sheets on which no item has a valid answer."""
    empty = frame[list(items)].isna().all(axis=1)
    return set_aside(frame, empty, step="answers", reason="no_answers")


def set_aside_duplicates(frame: pd.DataFrame, *, rule: str, items: Sequence[str]) -> Framed:
    """Keep one of the sheets of one wave that share person, school and grade.

    Parameters
    ----------
    frame : DataFrame
        Sheets of one wave in the order of the file, with ``person_id`` (missing: nobody's
        duplicate) and, where there are such, ``submitted`` and ``grade``.
    rule : {"latest", "most_complete", "first"}
        Which one counts: by time of submission, then by place in the file; the most complete is
        the one with most items answered, and the latest of those.
    items : sequence of str
        The items to count.
    """
    place = np.arange(len(frame))
    time = np.zeros(len(frame))
    if names.SUBMITTED in frame:
        time = frame[names.SUBMITTED].astype("int64").to_numpy()  # missing is earliest
    answered = frame[list(items)].notna().sum(axis=1).to_numpy()
    by = (place, time, answered) if rule == "most_complete" else (place, time)
    same = [names.PERSON, names.SCHOOL, *([names.GRADE] if names.GRADE in frame else [])]
    candidates = frame.iloc[np.lexsort(by)]
    candidates = candidates[candidates[REASON].eq("") & candidates[names.PERSON].notna()]
    extra = candidates.duplicated(same, keep="first" if rule == "first" else "last")
    rows = pd.Series(frame.index.isin(extra.index[extra]), index=frame.index)
    return set_aside(frame, rows, step="duplicates", reason="duplicate")
