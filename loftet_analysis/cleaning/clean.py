"""From text to questionnaires that can be counted: trials, schools, grades, roles, answers.

Every verb takes the :class:`~loftet_analysis.cleaning.sheets.Sheets` of one wave and returns new
ones. Nothing is judged on a questionnaire that has been set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.account import AFTER, others_not_shown, showable, tellable_texts
from loftet_analysis.cleaning.codes import times
from loftet_analysis.cleaning.lists import ROW
from loftet_analysis.cleaning.readers.qualtrics import PREVIEW
from loftet_analysis.cleaning.readers.unfinished import UNFINISHED
from loftet_analysis.cleaning.score import MANY_TEXTS, answers
from loftet_analysis.cleaning.sheets import REASON, Sheets, by_text, decisive, together
from loftet_analysis.cleaning.times import MOMENT
from loftet_analysis.errors import InputError, Problem, at_rows, refuse_any
from loftet_analysis.study import normalise_label
from loftet_analysis.study.phases import today
from loftet_analysis.study.schools import earlier_names, find_labelled, resembling
from loftet_analysis.study.study import LINK, TRIAL
from loftet_analysis.study.yamlfile import did_you_mean

# what people type as school when they try a form out
TEST_SCHOOLS = frozenset({"test", "testskole", "testskule", "test school", "testschool"})
FEWEST_JUDGED = 20  # sheets of a wave
FEWEST_ALL = 5  # of a smaller wave, that may not leave all together
MOST_TRIALS, MOST_OF_TRIALS = 5, 0.10  # sheets from before a wave; more than both are no trials
_EARLY = "many answers from before the wave's first day"
_OF_OTHER = "many answers from the days of another wave"
OUT_OF_TURN, OWN_PROGRAMME = "out_of_turn", "own_programme"
SUBMISSION = "submission"
_MOST_UNFINISHED = 1 / 3  # of a wave's questionnaires, without a warning
# what people type for an id or a code when they try a form out
_TRIED = re.compile(
    r"(?:test(?:ing|er|elev|bruker|brukar|person|user)?|prøve|prove|demo|dummy|x{3,}|asdf\w*)"
    r"[\W_]*\d{0,3}"
)
_OF_REGISTER = ("schools", "grades")
_NAMED, _TEXTS = 3, 5  # files of a wave, and texts of a column, in a message
# forms of a grade that may be told
GRADES_SEEN = ("10", "7. trinn", "10. trinn", "7A", "10A", "VG1", "7/8", "7-8")
_WHY = {
    "tests": "compare the wave's dates in study.yml with the column of submitted",
    "forms": "look whether the files of two waves have changed places",
    "schools": "correct the column of school_id, or the names in the register, or add the schools; "
    "where they are not of the study, `only` of the file names the rows that are",
    "grades": "correct the column of grade, or the grades in the register",
    "answers": "look at the export: is it of this form, and are its questionnaires filled in?",
    "duplicates": "correct the column of link: it should tell people apart",
}
_GRADE = re.compile(
    r"(?:(?:års)?(?:trinn|steg)|klasse|grade|year)?\s*(\d{1,2})(?:[.,]0+)?(?:\.|st|nd|rd|th)?"
    r"\s*(?:(?:klasse|års)?(?:trinn|steg)|klasse|grade)?[\s-]*[a-h]?"
)


def clean(sheets: Sheets) -> Sheets:
    """Turn a wave's questionnaires to values, and set aside what is no answer to this form.

    `grade` becomes a whole number, other background its clean value, and every
    item of the instrument a float column, reversed items turned; `seconds_per_item`,
    `missing_share` and `careless` are added. `reason` says why a questionnaire is set aside.

    Examples
    --------
    >>> from loftet_analysis.cleaning.chain import quarantine, read
    >>> from loftet_analysis.study import load_study
    >>> cleaned = read(load_study("sats"), "pupils", "pre").pipe(quarantine).pipe(clean)
    >>> cleaned
    sats, pupils pre: 3489 questionnaires in, 120 set aside
    >>> cleaned.ledger.groupby("reason", sort=False)["n_set_aside"].sum().tail(1).to_dict()
    {'no_answers': 120}
    """
    population = sheets.population
    if names.ROLE not in population.columns and population.roles:
        roles = {names.ROLE: population.roles[0]}
        sheets = replace(sheets, frame=sheets.frame.assign(**roles))
    return sheets.through(
        (
            refuse_early,
            set_aside_tests,
            set_aside_out_of_turn,
            set_aside_wrong_forms,
            set_aside_unknown_schools,
            remark_future,
            recode,
            read_grades,
            answers,
            remark_doubtful,
            refuse_most_set_aside,
        )
    )


@decisive
def place_schools(sheets: Sheets) -> Sheets:
    """Find each row's school in the register, by id or by a name that only one school has.

    Adds `region` (``""`` where not found) and an empty `reason`; `school_id` becomes that of the
    register where it was found, else the text stays as it stood. Earlier ids and names that were
    met are noted in `values`.

    Raises
    ------
    InputError
        Where not one row has a school of the register.
    """
    frame, schools, known = sheets.frame, sheets.study.schools, sheets.study.school_ids
    labels = sheets.labels.get(names.SCHOOL, {})

    counts = frame[names.SCHOOL].value_counts(sort=False)
    # of each distinct text: how it is compared, and the school that it means
    met = {
        text: (
            {normalise_label(text), normalise_label(labels.get(text, ""))} - {""},
            find_labelled(known, text, labels.get(text, "")),
        )
        for text in counts.index
    }
    found = by_text(frame[names.SCHOOL], lambda text: met[text][1])
    if found.isna().all():
        what = "no school of the register in the export"
        filled = counts.groupby(counts.index.str.strip()).sum().drop("", errors="ignore")
        told = showable(filled, schools[names.SCHOOL], schools["school"])
        told = told.drop("", errors="ignore")
        shown = [f"“{text}”" for text in told.index[:5]]
        if told.sum() < filled.sum():
            shown.append(f"{int(filled.sum() - told.sum())} cells that are not shown")
        found = ", ".join(shown) or "nothing but blanks"
        such = ", ".join(schools[names.SCHOOL].head(3))
        allowed = f"a school_id or the unique name of a school in the register, such as {such}"
        todo = "correct the column of school_id in study.yml, or the register"
        raise InputError(what, found, allowed, sheets.where, todo)
    regions = schools.set_index(names.SCHOOL)[names.REGION].to_dict()
    placed = frame.assign(
        **{
            names.SCHOOL: found.fillna(frame[names.SCHOOL].str.strip()).astype("str"),
            names.REGION: found.map(regions).fillna("").astype("str"),
            REASON: "",
        }
    )
    respelt = [text for text, (spelt, school) in met.items() if school and not spelt & known.keys()]
    if respelt:
        what, first = "schools found by a number that is written otherwise", respelt[0]
        told = f"{first.strip()[:20]} for {met[first][1]}"
        n_schools = len({met[text][1] for text in respelt})
        found_so = f"{counts[respelt].sum()} rows of {n_schools} schools, such as {told}"
        sheets = sheets.remarking(Problem(what, found_so, where=sheets.where))
    names_met = schools["school"].map(normalise_label)
    shared = set(names_met[names_met.duplicated() & names_met.ne("")])
    several = [text for text, (spelt, school) in met.items() if not school and spelt & shared]
    if several:
        most = counts[several].sort_values(ascending=False, kind="stable")[:5]
        told = ", ".join(f"{labels.get(text, text).strip()} ({n})" for text, n in most.items())
        what, allowed = "warning: a name that several schools of the register have", "the school_id"
        todo = "name the column of the school's number, or give the schools names of their own"
        sheets = sheets.remarking(Problem(what, told, allowed, sheets.where, todo))
    former = {normalise_label(t) for cell in schools["earlier"] for t in earlier_names(cell)}
    renamed = [text for text in met if normalise_label(labels.get(text, text)) in former]
    noted = pd.DataFrame({names.REGION: placed[names.REGION], "value": frame[names.SCHOOL]})
    noted = noted[frame[names.SCHOOL].isin(renamed)]
    noted = noted.value_counts(sort=False).rename("n").reset_index()
    return sheets.noting(noted.assign(column=names.SCHOOL, reason="earlier_school"), frame=placed)


def some_texts(column: pd.Series) -> str:
    """Return the first few distinct texts of a column for a message.

    Where most rows have a text of their own (ids, codes, free text) only their number is told, and
    so it is of what may be free text.
    """
    counts = column.str.strip().value_counts().drop("", errors="ignore").sort_index()
    if len(counts) > MANY_TEXTS and len(counts) > len(column) / 3:
        return f"{len(counts)} different texts, which are not shown"
    told, hidden = tellable_texts(counts)
    parts = [f"“{text}”" for text in [*told.index][:_TEXTS]]
    if len(told) > _TEXTS:
        parts.append(f"and {len(told) - _TEXTS} more")
    return ", ".join(parts + ([others_not_shown(hidden)] if len(hidden) else []))


def _times(frame: pd.DataFrame) -> pd.Series:
    """Return the times of submission; missing where there are none, or they were not understood."""
    nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    return frame.get(names.SUBMITTED, nothing)


def refuse_early(sheets: Sheets) -> Sheets:
    """Stop where too many answers are from before the wave: then its first day is wrong.

    Answers since `trials_from` of the wave are trials, however many. Where most of the early ones
    are from the days of another wave, the files have changed places.

    Raises
    ------
    InputError
        Where they are more than five, and more than 10 % of a file's sheets.
    """
    start, _ = sheets.days_of(sheets.wave)
    if start.isna().all():
        return sheets
    frame, placed = sheets.frame, sheets.still_in & sheets.frame[names.REGION].ne("")
    sent = _times(frame)
    early = placed & (sent < start) & ~(sent >= sheets.trials_from)
    n, of = int(early.sum()), int(placed.sum())
    if n <= max(MOST_TRIALS, MOST_OF_TRIALS * of):
        return sheets
    spans = " or ".join(f"{first} to {last}" for first, last in sheets.spans)
    days = sent.dt.normalize()
    for name in sheets.study.waves:
        there = int((early & days.between(*sheets.days_of(name))).sum())
        if name != sheets.wave and 2 * there > n:
            found = f"{there} of {of} ({there / of:.0%}) are from the days of {name}"
            raise InputError(_OF_OTHER, found, spans, sheets.where, _WHY["forms"])
    found = f"{n} of {of} ({n / of:.0%}): {_days(frame[early])}; all of them: "
    allowed = f"{spans}; earlier ones are trials, {MOST_TRIALS} or {MOST_OF_TRIALS:.0%} at most"
    todo = f"correct `from` of {sheets.wave} in study.yml; or, where they are trials, say there "
    todo += f"since when the form was tried out: trials_from: {sent[early].min().date()}"
    raise InputError(_EARLY, found + _days(frame[placed]), allowed, sheets.where, todo)


def set_aside_tests(sheets: Sheets) -> Sheets:
    """Set aside trials: from before the wave, from a school called TEST, marked, or previews."""
    frame = sheets.frame
    start, _ = sheets.days_of(sheets.wave)
    reason = "test_answer"
    called = by_text(frame[names.SCHOOL], lambda text: text.strip().casefold() in TEST_SCHOOLS)
    tests = frame[names.REGION].eq("") & called.astype(bool)
    sheets = _because(sheets, tests, reason, names.SCHOOL, "school called test")
    if start.notna().any():
        early = (_times(frame) < start) & ~tests
        sheets = _because(sheets, early, reason, names.SUBMITTED, f"{_days(frame[early])}, before")
        tests |= early
    if (marks := sheets.population.trial) and TRIAL in frame:
        meant = {*map(normalise_label, marks.texts)}
        marked = by_text(frame[TRIAL], lambda text: normalise_label(text) in meant).astype(bool)
        sheets = _because(sheets, marked & ~tests, reason, TRIAL, "marked as such")
        tests |= marked
        sheets = replace(sheets, frame=frame.drop(columns=TRIAL))
    if PREVIEW in sheets.apart:
        own = sheets.apart[PREVIEW].reindex(frame.index).fillna(False).astype(bool)
        sheets = _because(sheets, own & ~tests, reason, PREVIEW, "marked by the tool")
        tests |= own
    return sheets.set_aside(tests, step="tests", reason=reason)


def _because(
    sheets: Sheets, rows: pd.Series, reason: str, column: str, value: str | pd.Series
) -> Sheets:
    """Note what the cells say of the questionnaires that are in and leave, or are told of."""
    leaving = rows & sheets.still_in
    if not leaving.any():
        return sheets
    cells = sheets.frame.loc[leaving, [names.REGION]].assign(value=value)
    counts = cells.value_counts(sort=False).sort_index().rename("n").reset_index()
    return sheets.noting(counts.assign(column=column, reason=reason))


def _days(frame: pd.DataFrame) -> str:
    """Return the first and the last day of submission."""
    days = _times(frame).dt.strftime("%Y-%m-%d")
    return " to ".join(sorted({days.min(), days.max()})) if days.notna().any() else ""


def set_aside_wrong_forms(sheets: Sheets) -> Sheets:
    """Set aside what was sent in while another wave was open: the link to the wrong form."""
    frame, days = sheets.frame, _times(sheets.frame).dt.normalize()
    wrong = pd.Series(False, index=frame.index)
    for name in sheets.study.waves:
        if name != sheets.wave:
            there = days.between(*sheets.days_of(name))
            told = f"{_days(frame[there])} ({name})"
            sheets = _because(sheets, there, "wrong_form", names.SUBMITTED, told)
            wrong |= there
    late = (days > sheets.days_of(sheets.wave)[1]) & ~wrong
    late &= ~frame[REASON].isin([OUT_OF_TURN, OWN_PROGRAMME])
    sheets = _because(sheets, late, AFTER, names.SUBMITTED, _days(frame[late]))
    return sheets.set_aside(wrong, step="forms", reason="wrong_form")


def set_aside_out_of_turn(sheets: Sheets) -> Sheets:
    """Set aside what was sent in when the school's cohort was not asked.

    That is where the cohort has no such wave; where the school year of the wave's last day was over
    (and no other wave of the cohort was open); where dates tell the wave and there is none; and of
    a comparison school what came after the first wave of its own programme. Without cohorts, and
    without files whose waves dates tell, there is nothing of the kind.
    """
    study, frame = sheets.study, sheets.frame
    files = sheets.population.files.get(sheets.wave, ())
    by_dates = any(file.by_dates for file in files if file.file == sheets.file)
    if not (study.cohorts or by_dates):
        return sheets
    days = _times(frame).dt.normalize()
    start, end = sheets.days_of(sheets.wave)
    placed = frame[names.REGION].ne("")
    elsewhere = pd.Series(False, index=frame.index)
    for name in study.waves:
        elsewhere |= days.between(*sheets.days_of(name))
    year, last = ((each - pd.DateOffset(months=7)).dt.year for each in (days, end))
    never, undated = start.isna(), days.isna() & by_dates
    over = (year > last) & ~elsewhere
    gone = placed & (never | undated | over)
    told = {
        "the cohort has no such wave": never,
        "without a time": undated & ~never,
        _days(frame[gone & over]): over & ~never,
    }
    for text, rows in told.items():
        sheets = _because(sheets, placed & rows, OUT_OF_TURN, names.SUBMITTED, text)
    sheets = sheets.set_aside(gone, step="forms", reason=OUT_OF_TURN)
    begun = study.own_programme(sheets.population.name)
    if not begun:
        return sheets
    last = frame[names.SCHOOL].map({school: pd.Timestamp(day) for school, day in begun.items()})
    since = days > last.astype("datetime64[us]")
    sheets = _because(sheets, since, OWN_PROGRAMME, names.SUBMITTED, _days(frame[since]))
    return sheets.set_aside(since, step="cohorts", reason=OWN_PROGRAMME)


def set_aside_unknown_schools(sheets: Sheets) -> Sheets:
    """Set aside the questionnaires whose school is not in the register."""
    unknown, texts = sheets.frame[names.REGION].eq(""), sheets.frame[names.SCHOOL]
    schools, labels = sheets.study.schools, sheets.labels.get(names.SCHOOL, {})
    known, spelt = schools[names.SCHOOL], schools["school"]
    sheets = _told_texts(sheets, unknown, "unknown_school", texts, known, labels, spelt)
    sheets = sheets.remarking(*_near_schools(sheets, texts[unknown & sheets.still_in], labels))
    return sheets.set_aside(unknown, step="schools", reason="unknown_school")


def remark_future(sheets: Sheets) -> Sheets:
    """Say of how many sheets the time of submission lies after today; they are kept.

    Of a wave that begins later everything is invented, and its dates are as they should be.
    """
    now = pd.Timestamp(today(sheets.study))
    days, start = _times(sheets.frame).dt.normalize(), sheets.days_of(sheets.wave)[0]
    later = sheets.still_in & (days > now) & ~(start > now)
    if not later.any():
        return sheets
    n, of = int(later.sum()), int(sheets.still_in.sum())
    found = f"{n} of {of} questionnaires, the latest {days[later].max().date()}"
    todo = "they are kept; is the column of submitted the right one, and read in the right order "
    todo += "(submitted: {column: …, format: day first})?"
    what, allowed = "warning: answers dated after today", f"{now.date()}, today, at the latest"
    return sheets.remarking(Problem(what, found, allowed, sheets.where, todo))


def remark_doubtful(sheets: Sheets) -> Sheets:
    """Say how many questionnaires were not finished, and how many have the id of a trial."""
    is_in, apart, where = sheets.still_in, sheets.apart, sheets.where
    of = int(is_in.sum())
    if n := int((apart[UNFINISHED] & is_in).sum()) if UNFINISHED in apart else 0:
        what = "questionnaires that were not finished, whose answers are used"
        what = f"warning: {what}" if n > _MOST_UNFINISHED * of else what
        todo = "nothing where that is meant; else name the rows that count under `only` of the file"
        sheets = sheets.remarking(Problem(what, f"{n} of {of}", "", where, todo))
    if LINK in apart:
        tried = by_text(apart[LINK], lambda text: bool(_TRIED.fullmatch(normalise_label(text))))
        if n := int((tried.astype(bool) & is_in).sum()):
            what = "warning: questionnaires with an id such as “test”, whose answers are used"
            todo = "are they trials? then name these texts: trial: {column: …, texts: […]}"
            sheets = sheets.remarking(Problem(what, f"{n} of {of}", "", where, todo))
    return sheets


def _near_schools(sheets: Sheets, texts: pd.Series, labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a warning of unknown schools that resemble one of the register without answers."""
    schools = sheets.study.schools
    silent = schools[~schools[names.SCHOOL].isin(sheets.frame[names.SCHOOL])]
    spelt = [name for name in silent["school"] if name]
    counts = texts.groupby([labels.get(text, text).strip() for text in texts]).size()
    told = showable(counts, schools[names.SCHOOL], spelt)
    for text, n in told.drop("", errors="ignore").items():
        if near := resembling(text, spelt):
            what = "warning: a school that is not in the register, beside one without answers"
            found = f"“{text}” ({n} questionnaires); “{'” or “'.join(near)}” of the register has "
            todo = "are they one school? then correct its name in the register, or give this one "
            todo += "under earlier there"
            allowed = "a school_id or the name of a school in the register"
            yield Problem(what, f"{found}no answers", allowed, sheets.where, todo)


def _told_texts(
    sheets: Sheets,
    rows: pd.Series,
    reason: str,
    texts: pd.Series,
    known: Iterable[str],
    labels: Mapping[str, str],
    allowed: Iterable[str] = (),
) -> Sheets:
    """Note the texts by which questionnaires leave, as far as they may be told."""
    counts = texts[rows & sheets.still_in].value_counts()
    if counts.empty:
        return sheets
    counts = counts.groupby([labels.get(text, text) for text in counts.index]).sum()
    told = showable(counts, known, allowed).rename_axis("value").rename("n").reset_index()
    return sheets.noting(told.assign(column=texts.name, reason=reason))


def recode(sheets: Sheets) -> Sheets:
    """Turn background columns to the clean values of study.yml; blanks are missing.

    Without values for a column its text (or its label) stays.

    Raises
    ------
    InputError
        For texts of questionnaires still in that stand for none of the values, all at once.
    """
    frame, population, recoded = sheets.frame, sheets.population, {}
    problems: list[Problem] = []
    known: dict[str, Mapping[str, Sequence[str]]] = {
        names.ROLE: dict.fromkeys(names.ROLES, ()),
        **population.values,
    }
    for column in population.columns:
        if column in (names.SCHOOL, names.SUBMITTED):
            continue
        own = sheets.labels.get(column, {})
        meanings = {
            normalise_label(text): value
            for value, texts in known.get(column, {}).items()
            for text in (value, *texts)
        }

        def meaning(
            text: str, own: Mapping[str, str] = own, meanings: Mapping[str, str] = meanings
        ) -> str | None:
            label = own.get(text, text).strip()
            if not label or not meanings:
                return label or None
            return meanings.get(normalise_label(label), meanings.get(normalise_label(text), ""))

        read = by_text(frame[column], meaning).astype("str")
        unknown = frame.loc[read.eq("") & sheets.still_in, column]
        met = frame.loc[sheets.still_in, column].unique() if own and meanings else ()
        problems += _one_label_twice(column, met, own, sheets.where)
        problems += _unknown_texts(column, unknown, own, meanings, sheets)
        recoded[column] = read.where(read.ne(""))
    refuse_any(problems)
    return replace(sheets, frame=frame.assign(**recoded))


def _one_label_twice(
    column: str, met: Iterable[str], labels: Mapping[str, str], where: str
) -> Iterator[Problem]:
    """Yield the codes of a background column of which several have one label."""
    same: dict[str, list[str]] = {}
    for code, label in labels.items():
        same.setdefault(normalise_label(label), []).append(code)
    for label, codes in same.items():
        if label and len(codes) > 1 and {*codes} & {*met}:
            found = f"{' and '.join(codes)} are “{labels[codes[0]][:60]}” in {column}"
            todo = "correct the labels in the survey tool and export again"
            allowed = "a label of its own for each code"
            yield Problem("one label for several codes", found, allowed, where, todo)


def _unknown_texts(
    column: str, unknown: pd.Series, labels: Mapping[str, str], meanings: Mapping, sheets: Sheets
) -> Iterator[Problem]:
    texts = by_text(unknown, lambda text: labels.get(text, text)).astype("str")
    counts = texts.value_counts().sort_index()
    what, allowed = f"unknown {column}", ", ".join(meanings)
    if len(counts) > MANY_TEXTS:
        found = f"{len(counts)} different texts in {counts.sum()} cells, which are not shown"
        todo = f"correct the column of {column} in study.yml: it seems to hold something else"
        yield Problem(what, found, allowed, sheets.where, todo)
        return
    told, hidden = tellable_texts(counts, [*meanings, *labels.values()])
    add = f"add it to `values: {column}:` in study.yml"
    for text, n in told.items():
        todo = f"{did_you_mean(text, meanings)} {add}".strip()
        yield Problem(what, f"“{text[:60]}”, {times(n)}", allowed, sheets.where, todo)
    if len(hidden):
        rows = sheets.apart.get(ROW, pd.Series(dtype=float))
        rows = rows.reindex(texts.index[texts.isin(hidden.index)]).dropna()
        at = f"; {at_rows(sorted(map(int, rows)))}" if len(rows) else ""
        found = f"{others_not_shown(hidden)}{at}"
        todo = "look at these cells; the list of `corrections:` may say what they should be"
        yield Problem(what, found, allowed, sheets.where, todo)


def read_grades(sheets: Sheets) -> Sheets:
    """Turn `grade` to whole numbers ("7", "7.0", "7. trinn", "7A"); set aside what cannot be.

    A school has the grades of the register ("1-7"), or where it says none 1 to 13.

    Raises
    ------
    InputError
        Where no text of a questionnaire still in is a grade.
    """
    frame, schools = sheets.frame, sheets.study.schools
    if names.GRADE not in sheets.population.columns:
        return sheets
    text = frame[names.GRADE].fillna("")
    grades = grade_numbers(text)
    given = text.str.strip().ne("")
    judged = given & sheets.still_in
    if judged.any() and grades[judged].isna().all():
        found, allowed = some_texts(text[judged]), "7, 7.0, 7. trinn, 7A"
        todo = "correct the column of grade in study.yml, or give `values: grade:`"
        raise InputError("no grade is understood", found, allowed, sheets.where, todo)
    span = schools["grades"].str.extract(r"(\d+)\D*(\d+)?").astype(float)
    first = dict(zip(schools[names.SCHOOL], span[0].fillna(1), strict=True))
    last = dict(zip(schools[names.SCHOOL], span[1].fillna(span[0]).fillna(13), strict=True))
    low, high = (by_text(frame[names.SCHOOL], end.get).astype(float) for end in (first, last))
    impossible = given & ~grades.between(low, high)
    sheets = _told_texts(sheets, impossible, "impossible_grade", text, GRADES_SEEN, {})
    others = grades[judged & ~impossible & ~grades.isin(names.GRADES)].value_counts().sort_index()
    if len(others):
        found = ", ".join(f"{grade:.0f} ({n} questionnaires)" for grade, n in others.items())
        allowed = f"{min(names.GRADES)} to {max(names.GRADES)}"
        what = f"warning: grades other than {allowed}"
        todo = "are they numbers of answers? then give `values: grade:` in study.yml"
        sheets = sheets.remarking(Problem(what, found, allowed, sheets.where, todo))
    read = replace(sheets, frame=frame.assign(**{names.GRADE: grades.astype("Int64")}))
    return read.set_aside(impossible, step="grades", reason="impossible_grade")


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


def refuse_most_set_aside(sheets: Sheets, *others: Sheets) -> Sheets:
    """Stop where one step sets most of a wave aside: then the description is wrong, not the data.

    Of schools that are unknown and grades that a school does not have, which are few where the
    register is right, more than five questionnaires and 10 % are enough.

    Parameters
    ----------
    sheets, *others : Sheets
        Of a file, or of all files of a wave.

    Raises
    ------
    InputError
        Where a step takes more than half of twenty or more questionnaires, or all of five or more;
        or of schools or grades more than five and 10 %.
    """
    parts, problems = (sheets, *others), []
    early = any(problem.what in (_EARLY, _OF_OTHER) for part in parts for problem in part.problems)
    taken = together(*(part.ledger for part in parts))
    for (step, reason), count in taken.groupby(["step", "reason"])["n_set_aside"].sum().items():
        # whose pseudonyms are compared are those of whom more than the count is kept
        n = sum(len(part.frame) if step == "duplicates" else part.n_sheets for part in parts)
        most = n >= FEWEST_JUDGED and count > n / 2
        is_told = early and step == "tests"
        many = step in _OF_REGISTER and count > max(MOST_TRIALS, MOST_OF_TRIALS * n)
        if step in _WHY and not is_told and (most or many or count == n >= FEWEST_ALL):
            what = f"{'most' if most or not many else 'many'} of a wave would be set aside"
            found, allowed = f"{count} of {n} questionnaires as {reason}", "at most half"
            if step in _OF_REGISTER:
                allowed = f"{MOST_TRIALS}, or {MOST_OF_TRIALS:.0%}"
            problems.append(Problem(what, found, allowed, _files(parts), _WHY[step]))
    refuse_any(problems)
    return sheets


def set_aside_duplicates(sheets: Sheets, *others: Sheets) -> list[Sheets]:
    """Keep one of the questionnaires of one wave that share person, school and grade.

    So it is with those that are one submission, which stands in several exports or twice in one;
    how many they are is said. The population says which one counts (``duplicates: latest,
    most_complete`` or ``first``): by the moment of submission, then by place in the file; the most
    complete is the one with most items answered, and the latest of those. A questionnaire without
    a time is the earliest, and a questionnaire without a pseudonym is nobody's duplicate.

    Parameters
    ----------
    sheets, *others : Sheets
        All files of a wave, in the order of study.yml.

    Raises
    ------
    InputError
        Where there are such questionnaires, the rule goes by time, and one of them is of a file
        that has no time that is understood.
    """
    parts: Sequence[Sheets] = (sheets, *others)
    rule = sheets.population.duplicates
    sizes = [len(part.frame) for part in parts]
    same = [names.PERSON, names.SCHOOL, *([names.GRADE] if names.GRADE in sheets.frame else [])]
    frame = pd.concat([part.frame[[*same, REASON]] for part in parts], ignore_index=True)
    untimed = np.repeat([MOMENT not in part.apart for part in parts], sizes)
    keys = pd.DataFrame({"moment": np.concatenate([_moments(part) for part in parts])})
    if rule == "most_complete":
        items = list(sheets.population.instrument.columns)
        answered = [part.frame[items].notna().sum(axis=1) for part in parts]
        keys.insert(0, "answered", np.concatenate(answered))
    order = keys.sort_values([*keys], kind="stable").index
    again = _same_submission(parts, frame, order)
    candidates = frame.iloc[order]
    candidates = candidates[candidates[REASON].eq("") & candidates[names.PERSON].notna()]
    candidates = candidates.loc[~again[candidates.index]]
    several = candidates[candidates.duplicated(same, keep=False)]
    if rule != "most_complete" and untimed[several.index].any():
        what = f"no time to tell the {rule} questionnaire by"
        n, n_untimed = len(several), untimed[several.index].sum()
        found = f"{n} questionnaires of people with several, {n_untimed} of them without a time"
        allowed = "times of submission that are understood, where a person has several "
        allowed += "questionnaires"
        todo = "name their column in study.yml (submitted: …, or submitted: {column: …, format: "
        todo += "…}), or write duplicates: most_complete"
        raise InputError(what, found, allowed, sheets.where, todo)
    counts = ~several.duplicated(same, keep="first" if rule == "first" else "last")
    extra = again | np.isin(np.arange(len(frame)), several.index[~counts])
    parts = _telling_ties(parts, several[same], keys.loc[several.index], counts)
    if again.any():
        what = "submissions that stand twice in the exports of a wave, and count once"
        todo = "nothing where one export is a later one of the same form; else look at the files"
        told = Problem(
            what, f"{again.sum()} of {len(frame)} questionnaires", "", _files(parts), todo
        )
        parts = (parts[0].remarking(told), *parts[1:])
    return [
        part.set_aside(pd.Series(own, part.frame.index), step="duplicates", reason="duplicate")
        for part, own in zip(parts, np.split(extra, np.cumsum(sizes)[:-1]), strict=True)
    ]


def _same_submission(parts: Sequence[Sheets], frame: pd.DataFrame, order: pd.Index) -> np.ndarray:
    """Return which questionnaires still in are a submission that counts elsewhere, the last one."""
    nothing = pd.Series("", dtype="str")
    texts = [part.apart.get(SUBMISSION, nothing).reindex(part.frame.index) for part in parts]
    submission = pd.concat(texts, ignore_index=True).fillna("").iloc[order]
    submission = submission[frame[REASON].iloc[order].eq("") & submission.ne("")]
    return np.isin(np.arange(len(frame)), submission.index[submission.duplicated(keep="last")])


def _files(parts: Sequence[Sheets]) -> str:
    return ", ".join(part.where for part in parts[:_NAMED])


def _moments(sheets: Sheets) -> np.ndarray:
    """Return the moments as whole numbers; a missing one is the earliest."""
    if MOMENT not in sheets.apart:
        return np.zeros(len(sheets.frame), dtype="int64")
    return sheets.apart[MOMENT].reindex(sheets.frame.index).astype("int64").to_numpy()


def _telling_ties(
    parts: Sequence[Sheets], several: pd.DataFrame, keys: pd.DataFrame, counts: pd.Series
) -> Sequence[Sheets]:
    """Say of how many people the sheet that counts is told from the next by its place alone."""
    first = parts[0].population.duplicates == "first"
    runner_up = keys.groupby([several[c] for c in several]).shift(-1 if first else 1)
    tied = int((counts & runner_up.eq(keys).all(axis=1)).sum())
    if not tied:
        return parts
    what, found = "questionnaires of one person that no time tells apart", f"{tied} people"
    which = "first" if first else "last"
    todo = f"the one that stands {which} in the file counts; look whether it should"
    return (parts[0].remarking(Problem(what, found, where=parts[0].where, todo=todo)), *parts[1:])
