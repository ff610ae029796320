"""The questionnaires of one person: pseudonyms from ids or codes, and who can be found again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from loftet_analysis import names, schema
from loftet_analysis.cleaning.clean import (
    grade_numbers,
    refuse_most_set_aside,
    set_aside_duplicates,
)
from loftet_analysis.cleaning.ids import id_length, n_padded, normal
from loftet_analysis.cleaning.pseudonyms import passing_key, pseudonym
from loftet_analysis.cleaning.response import LINKED_NEAR, by_day, response
from loftet_analysis.cleaning.sheets import REASON, Sheets, by_text, together
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.study import Link
from loftet_analysis.study.study import LINK

SHORTEST_CODE = 4  # signs; what is shorter tells too few people apart
FEW_LINKED = 0.05  # of the sheets of a wave; below, the ids of two waves may be different ones
NEAR = "near"
_MOST_MISMATCHED, _FEWEST_MISMATCHED = 0.05, 5  # share and number of ids met on wrong grades
_WHY_NOT = {
    "grade_mismatch": "do ids and answers stand in the rows that they had? is each wave's grade "
    "its own, and do the dates of the waves lie as many school years apart as grades rise?",
    "ambiguous": "several people of a wave have the same id: is it unique within a school only?",
}
_GENDERS = ("girl", "boy", "female", "male")  # any other answer goes with both
CODE = "code"  # the normalised id or code, in memory only
_COMPARED = (names.WAVE, names.REGION, names.SCHOOL, names.GRADE, names.GENDER, CODE)
_ROWS = 2_000  # of a block that are compared at a time
_STATES = (
    "absent", "code_error", "ambiguous", "grade_mismatch", "structurally_impossible", "declined",
    "set_aside", "moved", names.LINKED, LINKED_NEAR,
)  # fmt: skip


def link(sheets: Sheets, *others: Sheets, key: bytes | None = None) -> Sheets:
    """Put the waves of a population together, under pseudonyms by which people are found again.

    Parameters
    ----------
    sheets, *others : Sheets
        Cleaned, each of one file of a wave.
    key : bytes, optional
        The pseudonym key; by default the study's, or where it has none yet one of the moment.

    Returns
    -------
    Sheets
        Of all waves, those set aside included, with `person_id`, `linked_by` and `link_state` as
        :func:`link_waves` gives them, and `linkage` and `response`.

    Raises
    ------
    InputError
        For whatever is wrong with any of the waves, and where one code stands on most sheets.

    Examples
    --------
    >>> from loftet_analysis.cleaning.chain import clean, quarantine, read
    >>> from loftet_analysis.study import load_study
    >>> study, opened = load_study("sats"), {}
    >>> pre, post = (
    ...     read(study, "pupils", wave, opened=opened).pipe(quarantine).pipe(clean)
    ...     for wave in ("pre", "post")
    ... )
    >>> pupils = pre.pipe(link, post)
    >>> pupils.linkage[pupils.linkage["wave"] == "pre"].groupby("state")["n"].sum().to_dict()
    {'absent': 331, 'linked': 2630, 'set_aside': 528}
    """
    study, population = sheets.study, sheets.population
    key = passing_key(study) if key is None else key
    years = study.years(population.name)
    parts = {wave: [p for p in (sheets, *others) if p.wave == wave] for wave in study.waves}
    refuse_any(problem for part in (sheets, *others) for problem in part.problems)
    # also of those of whom only the count is kept
    tables = [table for part in (sheets, *others) for table in (part.apart, part.declined)]
    columns = [table[LINK] for table in tables if LINK in table]
    digits = id_length(columns, population.link, f"{population.name}, all waves")
    options: dict[str, Any] = {"link": population.link, "key": key, "population": population.name}
    options |= {"digits": digits, "known": {}, "cohorts": study.cohort_of}
    padded = []
    if n := sum(n_padded(column, digits) for column in columns) if digits else 0:
        found = (
            f"{n} questionnaires; ids of digits have {digits}, such as {'9'.zfill(digits)} for 9"
        )
        what = "ids that had lost the zeros before them"
        padded = [Problem(what, found, "", population.name)]
    gone: dict[str, pd.DataFrame] = {}
    for wave, files in parts.items():
        declined = []
        for place, part in enumerate(files):
            codes = {} if LINK not in part.apart else {LINK: part.apart[LINK]}
            frame = assign_persons(part.frame.assign(**codes), years=years[wave], **options)
            files[place] = replace(part, frame=frame)
            declined.append(_declined_persons(part, years=years[wave], **options))
        if files:
            gone[wave] = pd.concat(declined) if len(declined) > 1 else declined[0]
            files[:] = set_aside_duplicates(*files)
            refuse_most_set_aside(*files)
    whole_files = [part for files in parts.values() for part in files]
    ledger = together(*(part.ledger for part in whole_files))
    values = together(*(part.values for part in whole_files))
    n_sheets = sum(part.n_sheets for part in whole_files)
    # a file may be read once for several waves
    remarks = tuple(dict.fromkeys(r for part in whole_files for r in part.remarks))
    frames = [part.frame.assign(**{names.WAVE: part.wave}) for part in whole_files]
    whole = pd.concat(frames, ignore_index=True)
    # hundreds of megabytes in a national study
    del frame, frames, parts, whole_files, part, files, declined, sheets, others
    frame, linkage = _linked_by_cohort(
        whole,
        study.cohort_of,
        years=years,
        population=population.name,
        link=population.link,
        areas=study.schools.set_index(names.SCHOOL)["municipality"].to_dict(),
        declined={wave: frozenset(part[names.PERSON].dropna()) for wave, part in gone.items()},
    )
    if population.link.by == "none":
        linkage = linkage.iloc[:0]
        frame[names.LINK_STATE] = pd.Series(pd.NA, index=frame.index, dtype="str")
    answered = response(study, population.name, frame, gone)
    return Sheets(
        study, population, frame=frame, ledger=ledger, values=values, linkage=linkage,
        response=answered, days=by_day(population.name, frame), n_sheets=n_sheets, digits=digits,
        remarks=(*remarks, *padded, *_doubtful(linkage, population.name)),
    )  # fmt: skip


def _linked_by_cohort(
    whole: pd.DataFrame, cohort_of: Mapping[str, str], **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Link the waves of each cohort for itself: another cohort's sheets change nothing of it.

    Of a cohort that was asked in one wave, while others were in several, nobody can be found again
    yet (*structurally_impossible*).
    """
    if not cohort_of or whole.empty:
        return link_waves(whole, **options)
    cohort = whole[names.SCHOOL].map(cohort_of).fillna("")
    parts, tables = [], []
    for _, rows in whole.groupby(cohort, sort=False):
        part, linkage = link_waves(rows, **options)
        in_it = rows.loc[rows[REASON].eq(""), names.WAVE].nunique()
        if in_it == 1 < whole.loc[whole[REASON].eq(""), names.WAVE].nunique():
            alone = part[names.LINK_STATE].eq("absent")
            part[names.LINK_STATE] = part[names.LINK_STATE].mask(alone, "structurally_impossible")
            linkage = linkage.assign(
                state=linkage["state"].replace("absent", "structurally_impossible")
            )
        parts.append(part)
        tables.append(linkage)
    keys = [column for column in schema.LINKAGE if column != "n"]
    linkage = together(*tables).groupby(keys, sort=True)["n"].sum().reset_index()
    return pd.concat(parts).loc[whole.index], linkage[list(schema.LINKAGE)]


def _doubtful(linkage: pd.DataFrame, population: str) -> Iterator[Problem]:
    """Say where next to nobody of those who could be is found again, or many on wrong grades."""
    counts = linkage.groupby([names.WAVE, "state"])["n"].sum().unstack(fill_value=0)
    counts = counts.reindex(columns=list(_STATES), fill_value=0)
    linked = counts[names.LINKED] + counts[LINKED_NEAR]
    could = counts.sum(axis=1) - counts["structurally_impossible"] - counts["code_error"]
    if len(counts) > 1 and not (linked >= FEW_LINKED * could).any():
        wave = could.idxmin()
        others = counts.loc[wave].drop([names.LINKED, LINKED_NEAR, "structurally_impossible"])
        why, n = others.idxmax(), others.max()
        found = (
            f"{linked[wave]} of {could[wave]} questionnaires of {wave} are linked to another wave"
        )
        found += f"; {n} are {why}" if n else ""
        todo = _WHY_NOT.get(why, "do both waves hold the same ids? look at `link` and its column")
        yield Problem("warning: hardly anybody is found again", found, "", population, todo)
        return
    met = linked + counts["grade_mismatch"]
    share = (counts["grade_mismatch"] / met.where(met > 0)).max()
    if share > _MOST_MISMATCHED and counts["grade_mismatch"].max() >= _FEWEST_MISMATCHED:
        n = counts["grade_mismatch"].max()
        found = (
            f"{n} questionnaires of a wave ({share:.0%} of those whose id or code was met again)"
        )
        what = "warning: ids or codes met again on grades that cannot follow each other"
        todo = _WHY_NOT["grade_mismatch"]
        yield Problem(what, found, f"up to {_MOST_MISMATCHED:.0%}", population, todo)


def _declined_persons(part: Sheets, *, years: int, **options: Any) -> pd.DataFrame:
    """Return the questionnaires of which only the count is kept, with their pseudonyms."""
    declined = part.declined
    if names.GRADE in declined:
        grades = grade_numbers(declined[names.GRADE].fillna("")).astype("Int64")
        declined = declined.assign(**{names.GRADE: grades})
    return assign_persons(declined, years=years, **options)


def assign_persons(
    frame: pd.DataFrame,
    *,
    link: Link,
    key: bytes,
    population: str,
    years: int = 0,
    digits: int = 0,
    known: dict[str, str] | None = None,
    cohorts: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Give each questionnaire the pseudonym that its id or code stands for.

    Parameters
    ----------
    frame : DataFrame
        Questionnaires of one wave with ``region``, ``link`` as text where the study has one, and
        ``grade`` where the population has one.
    link : Link
        By id: the same id is the same person everywhere. By code: within a region and a cohort
        (``grade`` minus ``years``), so that only grades that can follow each other meet.
    key : bytes
        The study's key.
    population : str
        Ids of two populations are two people.
    years : int
        School years from the first wave to this one.
    digits : int
        How many digits ids of digits have, where some have lost zeros.
    known : dict of str to str, optional
        Pseudonyms of other questionnaires by what they stand for; those given here are added.
    cohorts : mapping of str to str, optional
        The cohort of each school: whoever answers in two is two people.

    Returns
    -------
    DataFrame
        ``person_id`` and, until :func:`link_waves` takes it out, the normalised ``code`` in
        place of ``link``; both missing where the cell is blank, a code has fewer than four
        signs, or its grade is not known.
    """
    if link.by == "none":
        blank = pd.Series(pd.NA, index=frame.index, dtype="str")
        return frame.assign(**{names.PERSON: blank, CODE: blank})
    codes = by_text(frame[LINK], normal(link, digits)).astype("str")
    usable = codes.str.len() >= (SHORTEST_CODE if link.by == "code" else 1)
    block = pd.Series("", index=frame.index, dtype="str")
    if link.by == "code":
        block = frame[names.REGION] + "\x1f"
        if names.GRADE in frame:
            usable &= frame[names.GRADE].notna()
            block = block + (frame[names.GRADE] - years).astype("str").fillna("") + "\x1f"
    if cohorts:
        block = frame[names.SCHOOL].map(cohorts).fillna("").astype("str") + "\x1f" + block
    whole = (block + codes).where(usable)
    known = {} if known is None else known

    def person(text: str) -> str:
        if text not in known:
            known[text] = pseudonym(key, population, link.by, text)
        return known[text]

    persons = by_text(whole.fillna(""), person)
    return frame.drop(columns=LINK).assign(
        **{names.PERSON: persons.where(usable).astype("str"), CODE: codes.where(usable)}
    )


def link_waves(
    frame: pd.DataFrame,
    *,
    years: Mapping[str, int],
    population: str,
    link: Link | None = None,
    areas: Mapping[str, str] | None = None,
    declined: Mapping[str, frozenset[str]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the pseudonyms that stand for one person beyond doubt, and say why others are unlinked.

    Parameters
    ----------
    frame : DataFrame
        The questionnaires of all waves with ``person_id``, ``wave``, ``region`` and, where there
        are such, ``reason`` (``""`` while in), ``code``, ``grade``, ``gender`` and ``school_id``.
    years : mapping of str to int
        School years from the first wave, by wave.
    population : str
        For the summary.
    link : Link, optional
        With codes, also those with one element off are linked (:func:`near_pairs`).
    areas : mapping of str to str, optional
        Municipality by school: near codes are looked for in the same school, then in the same
        municipality.
    declined : mapping of str to frozenset of str, optional
        By wave, the pseudonyms of those of whom only the count is kept.

    Returns
    -------
    frame : DataFrame
        The questionnaires; of those that are in, ``person_id`` is missing where it stood on two
        questionnaires of one wave (*ambiguous*), or on grades that cannot follow each other
        (*grade_mismatch*); ``linked_by`` is *id*, *code*, *near* or *row*, and missing where the
        questionnaire is unlinked; ``link_state`` is the state by which it is counted in the
        summary.
    linkage : DataFrame
        ``population, region, wave, state, n``: *linked* (to any other wave), *linked_near*,
        *structurally_impossible* (no other wave has the cohort's grade), *code_error* (no id, or
        a code that is none), *ambiguous*, *grade_mismatch*, *declined* (the other questionnaire was
        only counted), *set_aside* (the other questionnaire was set aside), *moved* (the code is met
        in another region), *absent* (nothing of the person in any other wave).
    """
    whole = frame
    still_in = whole[REASON].eq("") if REASON in whole else pd.Series(True, index=whole.index)
    # people and waves as whole numbers, -1 where there is none: quicker to compare than texts
    every_person, people = pd.factorize(whole[names.PERSON])
    every_wave, waves = pd.factorize(whole[names.WAVE])
    frame = whole.loc[still_in, [column for column in whole if column in _COMPARED]]
    person, wave = every_person[still_in], every_wave[still_in]
    state = np.where(person < 0, _STATES.index("code_error"), _STATES.index("absent"))

    def mark(name: str, rows: np.ndarray) -> None:
        state[rows & (state == _STATES.index("absent"))] = _STATES.index(name)

    met = pd.DataFrame({"person": person, "wave": wave})
    twice = met.duplicated(keep=False).to_numpy() & (person >= 0)
    mark("ambiguous", _of_these(person, person[twice]))
    cohort = _cohort(frame, years)
    if cohort is not None:
        spread = cohort.groupby(person).agg(["min", "max"])
        torn = spread.index[spread["min"] < spread["max"]]
        mark("grade_mismatch", _of_these(person, torn))
    given = person
    person = np.where(state == _STATES.index("absent"), person, -1)
    exact = _in_several_waves(person, wave)
    near = np.zeros(len(frame), dtype=bool)
    if link is not None and link.by == "code" and link.near:
        person, unsure = _with_near(frame, person, wave, cohort, link, areas or {})
        near = _in_several_waves(person, wave) & ~exact
        mark("ambiguous", unsure)
    if cohort is not None:
        unfindable = _unfindable(cohort, frame[names.WAVE]).to_numpy() & ~(exact | near)
        state[unfindable] = _STATES.index("structurally_impossible")
    place = {name: number for number, name in enumerate(waves)}
    aside = ~still_in.to_numpy()
    left = {name: every_person[aside & (every_wave == number)] for name, number in place.items()}
    number_of = pd.Index(people)
    gone = {name: number_of.get_indexer(list(part)) for name, part in (declined or {}).items()}
    for name, others in {"declined": gone, "set_aside": left}.items():
        for other, some in others.items():
            mark(name, (wave != place.get(other, -1)) & _of_these(given, some))
    mark("moved", _met_in_another_region(frame, cohort).to_numpy())
    state[exact], state[near] = _STATES.index(names.LINKED), _STATES.index(LINKED_NEAR)
    by = np.where(near, NEAR, link.by if link is not None else "id")
    persons = every_person.copy()
    persons[still_in] = person
    linked_by = pd.Series(by, frame.index, dtype="str").where(exact | near)
    states = pd.Series(np.array(_STATES, dtype=object)[state], frame.index, "str")
    out = whole.drop(columns=CODE, errors="ignore").assign(
        **{
            names.PERSON: pd.Series(people, dtype="str").reindex(persons).set_axis(whole.index),
            names.LINKED_BY: linked_by.reindex(whole.index),
            names.LINK_STATE: states.reindex(whole.index),
        }
    )
    keys = [frame[names.REGION], frame[names.WAVE], states.rename("state")]
    linkage = frame.groupby(keys, sort=True).size().rename("n").reset_index()
    linkage[names.POPULATION] = population
    return out, linkage[list(schema.LINKAGE)]


def _of_these(person: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return whose number is among some; nobody's number is -1."""
    some = np.asarray(some, dtype=int)
    there = np.zeros(max(person.max(initial=-1), some.max(initial=-1)) + 2, dtype=bool)
    there[some] = True
    there[-1] = False
    return there[person]


def _cohort(frame: pd.DataFrame, years: Mapping[str, int]) -> pd.Series | None:
    """Return the grade that a questionnaire's person had, or would have had, in the first wave."""
    if names.GRADE not in frame:
        return None
    years_since = by_text(frame[names.WAVE], years.get).astype(float)
    return frame[names.GRADE].astype("Float64").astype(float) - years_since


def _in_several_waves(person: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Return whose person has questionnaires in two waves or more."""
    met = pd.DataFrame({"person": person, "wave": wave})[person >= 0].drop_duplicates()
    return _of_these(person, np.flatnonzero(np.bincount(met["person"]) > 1))


def _unfindable(cohort: pd.Series, wave: pd.Series) -> pd.Series:
    """Whether the cohort of a questionnaire lies outside the cohorts of every other wave."""
    spans = cohort.groupby(wave).agg(["min", "max"])
    unfindable = cohort.notna() & (len(spans) > 1)
    for name, (low, high) in spans.iterrows():
        unfindable &= wave.eq(name) | ~cohort.between(low, high)
    return unfindable


def _met_in_another_region(frame: pd.DataFrame, cohort: pd.Series | None) -> pd.Series:
    if cohort is None or CODE not in frame:
        return pd.Series(False, index=frame.index)
    met = pd.DataFrame({"cohort": cohort, "code": pd.factorize(frame[CODE])[0]})
    known = met["code"].ge(0) & met["cohort"].notna()
    met["one"] = met.groupby(["code", "cohort"]).ngroup().where(known, -1)
    several = _in_several_waves(met["one"].to_numpy(int), pd.factorize(frame[names.WAVE])[0])
    return pd.Series(several, index=frame.index)


def _with_near(
    frame: pd.DataFrame,
    person: np.ndarray,
    wave: np.ndarray,
    cohort: pd.Series | None,
    link: Link,
    areas: Mapping[str, str],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the people with near codes joined, and who has a near code but not beyond doubt.

    A pair of waves at a time; only people who are in no wave together can be one person.
    """
    unsure = np.zeros(len(frame), dtype=bool)
    school = frame.get(names.SCHOOL, pd.Series("", index=frame.index))
    of_school = school.map(areas).astype("str").fillna("")
    # a municipality that is not known is no common one
    unknown = of_school.str.strip().isin(["", "nan"])
    of_school = of_school.mask(unknown, "\x1e" + school.astype("str"))
    area = frame[names.REGION] + "\x1f" + of_school
    able = frame[CODE].notna().to_numpy() & (person >= 0)
    whole = pd.DataFrame(
        {
            "code": frame[CODE],
            "gender": frame.get(names.GENDER, pd.Series(pd.NA, index=frame.index)),
            "school": pd.factorize(school)[0],
            "area": pd.factorize(area)[0],
            "cohort": 0.0 if cohort is None else cohort,
            "row": np.arange(len(frame)),
        }
    )
    for block in ("school", "area"):
        for first, second in combinations(range(wave.max(initial=-1) + 1), 2):
            left, right = (
                whole[able & (wave == one) & ~_of_these(person, person[wave == other])]
                for one, other in ((first, second), (second, first))
            )
            pairs, doubtful = near_pairs(left, right, by=[block, "cohort"], elements=link.elements)
            person = _joined(person, wave, pairs)
            if block == "area":
                unsure[doubtful] = True
    return person, unsure


def _joined(person: np.ndarray, wave: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Give those who were paired the number of the earlier sheet, unless a wave has both."""
    before, after = person[pairs[:, 0]], person[pairs[:, 1]]
    among = _of_these(person, np.concatenate([before, after]))
    waves_of = pd.Series(wave[among]).groupby(person[among]).agg(frozenset)
    new = np.arange(person.max(initial=-1) + 2)  # the last stays where it is: that of nobody
    for one, other in zip(before, after, strict=True):
        if not waves_of[one] & waves_of[other]:
            new[other] = one
    new[-1] = -1
    return new[person]


def near_pairs(
    left: pd.DataFrame, right: pd.DataFrame, *, by: Sequence[str], elements: Sequence[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Find the codes of two waves that are one element off, each other's only such code.

    A code is one element off where one of its elements differs, or one sign: changed, left out,
    too many, or two neighbours exchanged (optimal string alignment distance 1).

    Parameters
    ----------
    left, right : DataFrame
        One row per person: ``code``, ``gender`` (girl or boy; anything else goes with both),
        ``row``, and the columns of ``by``.
    by : sequence of str
        Columns that must agree.
    elements : sequence of int
        Signs of each element; empty where that is not known.

    Returns
    -------
    pairs : ndarray of int, shape (n, 2)
        ``row`` of both sides, where each is the other's only candidate.
    doubtful : ndarray of int
        ``row`` of those, on both sides, that have candidates but not one such pair.

    Examples
    --------
    >>> one = pd.DataFrame({"code": ["an12t", "bo03k"], "gender": "", "row": [0, 1], "s": "a"})
    >>> two = pd.DataFrame({"code": ["an13t", "li20m"], "gender": "", "row": [2, 3], "s": "a"})
    >>> near_pairs(one, two, by=["s"], elements=[2, 2, 1])[0].tolist()
    [[0, 2]]
    """
    codes, elsewhere = (side["code"].to_numpy(dtype=object) for side in (left, right))
    both = pd.concat([left, right], ignore_index=True)
    block = both.groupby(list(by)).ngroup().to_numpy()
    gender = pd.Index(_GENDERS).get_indexer(both["gender"])  # -1 goes with both
    spelt = _spelt(both["code"], elements)
    n = len(left)
    ours, theirs = (np.argsort(side, kind="stable") for side in (block[:n], block[n:]))
    blocks = np.intersect1d(block[:n], block[n:])
    pairs, doubtful = [np.zeros((0, 2), dtype=int)], [np.zeros(0, dtype=int)]
    one, other = left["row"].to_numpy(), right["row"].to_numpy()
    edges = (
        np.searchsorted(side, blocks, side=end)
        for side in (block[:n][ours], block[n:][theirs])
        for end in ("left", "right")
    )
    for here_from, here_to, there_from, there_to in zip(*edges, strict=True):
        here, there = ours[here_from:here_to], theirs[there_from:there_to]
        found = []
        for start in range(0, len(here), _ROWS):
            part = here[start : start + _ROWS]
            off = cdist(codes[part], elsewhere[there], scorer=OSA.distance, score_cutoff=1) <= 1
            if elements:
                apart = spelt[part][:, None] != spelt[n + there][None]
                off |= apart.sum(axis=2) <= 1
            own, its = gender[part][:, None], gender[n + there]
            off &= (own == its) | (own < 0) | (its < 0)
            found.append(off)
        rows, columns = np.nonzero(np.concatenate(found))
        if not len(rows):
            continue
        n_here = np.bincount(rows, minlength=len(here))
        n_there = np.bincount(columns, minlength=len(there))
        sure = (n_here[rows] == 1) & (n_there[columns] == 1)
        rows, columns = one[here[rows]], other[there[columns]]
        pairs.append(np.column_stack([rows[sure], columns[sure]]))
        doubtful += [np.unique(rows[~sure]), np.unique(columns[~sure])]
    return np.concatenate(pairs), np.concatenate(doubtful)


def _spelt(codes: pd.Series, elements: Sequence[int]) -> np.ndarray:
    """Return a number per element of each code, equal where the elements are.

    Codes of another length than that of the elements agree with no other code in any.
    """
    whole = codes.str.len().eq(sum(elements)).to_numpy(dtype=bool)
    ends = np.cumsum(elements, dtype=int).tolist()
    spelt = np.empty((len(codes), len(ends)), dtype=int)
    for place, (size, end) in enumerate(zip(elements, ends, strict=True)):
        spelt[:, place] = pd.factorize(codes.str.slice(end - size, end))[0]
    # distinct negative numbers
    spelt[~whole] = -1 - np.flatnonzero(~whole)[:, None]
    return spelt
