"""From text to sheets that can be counted: consent, tests, schools, grades, roles, duplicates.

Every verb takes a working frame (see :mod:`loftet_analysis.data.ledger`) and returns a new one,
with the ledger of what left where sheets can leave. Nothing is judged on a sheet that has left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.data.ledger import REASON, count_only, set_aside
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import normalise_label
from loftet_analysis.study.study import CONSENT
from loftet_analysis.study.yamlfile import did_you_mean

Framed = tuple[pd.DataFrame, pd.DataFrame]

# what people type as school when they try a form out
TEST_SCHOOLS = frozenset({"test", "testskole", "testskule", "test school", "testschool"})
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


def place_schools(
    frame: pd.DataFrame,
    *,
    schools: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    where: str = "",
) -> pd.DataFrame:
    """Find each row's school in the register, by id or by a name that only one school has.

    Parameters
    ----------
    frame : DataFrame
        With ``school_id`` as text.
    schools : DataFrame
        The register: ``school_id, school, region``.
    labels : mapping of str to str, optional
        School by code, where the tool stores labels.

    Returns
    -------
    DataFrame
        ``school_id`` as in the register where it was found, else the text as it stood;
        ``region`` (``""`` where not found); an empty ``reason``.

    Raises
    ------
    InputError
        Where not one row has a school of the register.
    """
    labels = labels or {}
    ids = {normalise_label(school): school for school in schools[names.SCHOOL]}
    by_name = schools.assign(school=schools["school"].map(normalise_label))
    by_name = by_name.drop_duplicates("school", keep=False).set_index("school")[names.SCHOOL]
    known = {name: school for name, school in by_name.items() if name} | ids

    def find(text: str) -> str:
        return known.get(normalise_label(text)) or known.get(normalise_label(labels.get(text, "")))

    found = by_text(frame[names.SCHOOL], find)
    if found.isna().all():
        seen = sorted({text for text in frame[names.SCHOOL] if text.strip()})
        raise InputError(
            Problem(
                "no school of the register in the export",
                found=", ".join(seen[:5]) or "nothing but blanks",
                allowed="a school_id or the unique name of a school in the register, such as "
                + ", ".join(schools[names.SCHOOL].head(3)),
                where=where,
                todo="correct the column of school_id in study.yml, or the register",
            )
        )
    regions = schools.set_index(names.SCHOOL)[names.REGION].to_dict()
    return frame.assign(
        **{
            names.SCHOOL: found.fillna(frame[names.SCHOOL].str.strip()).astype("str"),
            names.REGION: found.map(regions).fillna("").astype("str"),
            REASON: "",
        }
    )


def keep_consenting(
    frame: pd.DataFrame,
    *,
    yes: Sequence[str],
    labels: Mapping[str, str] | None = None,
    where: str = "",
) -> Framed:
    """Keep the rows whose consent is one of the answers that mean yes; only count the others.

    Raises
    ------
    InputError
        Where nobody's answer means yes.
    """
    labels = labels or {}
    meant = {normalise_label(text) for text in yes}
    consents = by_text(
        frame[CONSENT],
        lambda text: bool({normalise_label(text), normalise_label(labels.get(text, ""))} & meant),
    ).astype(bool)
    if len(frame) and not consents.any():
        seen = sorted({labels.get(text, text)[:40] for text in frame[CONSENT]})
        raise InputError(
            Problem(
                "nobody consents",
                found=", ".join(f"“{text}”" for text in seen[:5]),
                allowed=", ".join(yes),
                where=where,
                todo="correct `consent: yes` in study.yml",
            )
        )
    kept, ledger = count_only(frame, ~consents, step="consent", reason="no_consent")
    return kept.drop(columns=CONSENT), ledger


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


def set_aside_tests(frame: pd.DataFrame, *, start: date | None) -> Framed:
    """Set aside what was sent in before the wave began, or from a school called TEST."""
    tests = frame[names.SCHOOL].str.strip().str.casefold().isin(TEST_SCHOOLS)
    tests &= frame[names.REGION].eq("")
    if start and names.SUBMITTED in frame:
        tests |= frame[names.SUBMITTED] < pd.Timestamp(start)
    return set_aside(frame, tests, step="tests", reason="test_answer")


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
        for text, n in frame.loc[unknown, column].value_counts().sort_index().items():
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

    def grade(cell: str) -> float:
        match = _GRADE.fullmatch(normalise_label(cell))
        return float(match[1]) if match else np.nan

    grades = by_text(text, grade).astype(float)
    given = text.str.strip().ne("")
    judged = given & frame[REASON].eq("")
    if judged.any() and grades[judged].isna().all():
        raise InputError(
            Problem(
                "no grade is understood",
                found=", ".join(f"“{t[:40]}”" for t in sorted(set(text[judged]))[:5]),
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
