"""The school register of a study, and the slugs of its regions."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem, named
from loftet_analysis.study.instrument import normalise_label
from loftet_analysis.study.yamlfile import RESEMBLES, did_you_mean, nearest, shown
from loftet_analysis.tabular import Export, headings_told, read_table
from loftet_analysis.tabular.cells import SAYS_NO, SAYS_YES, is_shortened, joined, repaired

REGION_NAME = "region_name"
PROGRAMME, COMPARISON = "programme", "comparison"
REQUIRED = ("school_id", "school", "region")
CONTACT, YES, NO = "contact", "yes", "no"
KNOWN = (*REQUIRED, "grades", "role", "municipality", "earlier", CONTACT, names.COHORT)
#: What the column of cohorts may also be called.
_ALSO_CALLED = {"pulje": names.COHORT, "kull": names.COHORT}
_COHORT = re.compile(r"(?=.*\w)[^,;=|]{1,20}")
_ROWS_TOLD = 10
_COUNT = r"\d{1,9}"
INVITED = "invited_"
LINK = "link_"
_ADDRESS = r"https?://[^\s<>\"]+"
_BARE = "0*"  # before an id without its zeros
LAST_GRADE = 10
# words of names that tell nothing, and those that tell two schools or regions of one name apart
_OF_ALL = re.compile(r"(?:grunn)?sk[ou]le[nr]?|schools?|sk|fylke(?:skommune)?|county|og|and|the")
_SIDES = "nord|sor|syd|sondre|ost|aust|vest|north|south|east|west"
_APART = re.compile(
    rf"\w*\d\w*|[a-z]|i{{2,3}}|i?vi?|(?:{_SIDES})(?:re)?|ovre|nedre|indre|ytre|store|lille|vesle|"
    r"nye?|gamle|gammel|upper|lower|new|old|primary|secondary|junior|senior|middle|high|"
    r"(?:barne|ungdom|vid[ae]reg).*"
)
_SIDE = re.compile(rf"\b(?:{_SIDES})")
#: Small letters that are no other ones with a mark, in latin ones.
LATIN = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "đ": "d", "ŋ": "n"})


def slug(name: str) -> str:
    """Return the short form of a region's name, as in paths and tables.

    The part before " - " (the first of an official name in several languages), in lower case
    ASCII, with a hyphen for everything else.

    Examples
    --------
    >>> slug("Troms - Romsa - Tromssa "), slug("Møre og Romsdal"), slug("spring 2009")
    ('troms', 'more-og-romsdal', 'spring-2009')
    """
    first = re.split(r"\s+[-–]\s+", name.strip())[0].casefold()
    latin = unicodedata.normalize("NFKD", first.translate(LATIN))
    ascii_only = latin.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def resembling(name: str, others: Iterable[str]) -> list[str]:
    """Return those of other names that are perhaps the same one in another spelling.

    Names that a number, a letter, a compass point or a level tells apart are two.

    Examples
    --------
    >>> schools = ["Fjellheim skole", "Vik skole 1", "Nordby skole", "Lia barneskole", "Åsen skole"]
    >>> [*map(resembling, ["Fjelheim skule", "Aasen skole"], [schools] * 2)]
    [['Fjellheim skole'], ['Åsen skole']]
    >>> [resembling(name, schools) for name in ("Vik skole 2", "Sørby skole", "Lia ungdomsskole")]
    [[], [], []]
    """
    word, apart, side = compared_name(name)
    found: dict[str, list[str]] = {}
    for other in others:
        its_word, its_apart, its_side = compared_name(other)
        if other != name and apart == its_apart and (side == its_side or not (side and its_side)):
            found.setdefault(its_word, []).append(other)
    # in a short word two letters that have changed places are more than the rest allows
    near = nearest(word, found, RESEMBLES) or [w for w in found if sorted(w) == sorted(word)]
    return [other for each in near for other in found[each]]


def resembling_pairs(every: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each two names that resemble each other, once."""
    every, seen = [*every], set()
    for name in every:
        for other in resembling(name, every):
            if (pair := frozenset((name, other))) not in seen:
                seen.add(pair)
                yield name, other


def written_otherwise(counts: pd.DataFrame) -> Iterator[str]:
    """Yield two schools of nearly the same name of which one lacks answers where the other has.

    That is in a wave of a population in which both have answers, or where there is no such
    population. A school of which nobody answered is told of nowhere.

    Parameters
    ----------
    counts : DataFrame
        Questionnaires: ``population, wave, school`` (its name) and ``n``.

    Examples
    --------
    >>> waves = pd.DataFrame({"population": "pupils", "wave": ["pre", "post"],
    ...                       "school": ["Lia skole", "Liia skole"], "n": [30, 28]})
    >>> [*written_otherwise(waves)]
    ['“Lia skole” (pupils: 30 in pre, 0 in post), and “Liia skole” (pupils: 0 in pre, 28 in post)']
    """
    there = counts[counts["n"].gt(0) & counts["school"].ne("")]
    n = there.groupby(["school", names.POPULATION, names.WAVE])["n"].sum().to_dict()
    places = [(who, wave) for who in there[names.POPULATION].unique() for wave in names.WAVES]
    places = [place for place in places if any(key[1:] == place for key in n)]
    waves = {school: {key[1:] for key in n if key[0] == school} for school in there["school"]}

    def differ(one: str, other: str) -> bool:
        shared = {who for who, _ in waves[one]} & {who for who, _ in waves[other]}
        return not shared or any(who in shared for who, _ in waves[one] ^ waves[other])

    def told(school: str) -> str:
        by_population: dict[str, list[str]] = {}
        for who, wave in places:
            by_population.setdefault(who, []).append(f"{n.get((school, who, wave), 0)} in {wave}")
        said = "; ".join(f"{who}: {', '.join(each)}" for who, each in by_population.items())
        return f"“{school}” ({said})"

    most_first = sorted(waves, key=lambda s: (-len(waves[s]), min(map(places.index, waves[s])), s))
    for pair in resembling_pairs(most_first):
        if differ(*pair):
            yield ", and ".join(map(told, pair))


@cache
def compared_name(name: str) -> tuple[str, frozenset[str], str]:
    """Return what of a name is compared, the words that tell it apart, and its compass point.

    Letters are latin ones, and those that are written in two ways (å and aa) are one.
    """
    words = slug(re.sub(r"\s+[-–]\s+", " ", name)).replace("aa", "a").replace("oe", "o").split("-")
    apart = frozenset(word for word in words if _APART.fullmatch(word))
    said = " ".join(word for word in words if word not in apart and not _OF_ALL.fullmatch(word))
    side = _SIDE.search(said)
    return said, apart, side[0] if side else ""


def earlier_names(cell: str) -> list[str]:
    """Return the ids and names of a cell of ``earlier``.

    Examples
    --------
    >>> earlier_names("975270920 | Stange gamle skole")
    ['975270920', 'Stange gamle skole']
    """
    return [part.strip() for part in cell.split("|") if part.strip()]


def school_lookup(schools: pd.DataFrame) -> dict[str, str]:
    """Return ``school_id`` by id, unique name, and earlier id or name, as they are compared.

    Ids of digits stand there without their first zeros too, marked, where only one school has them.

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
    known = earlier | {name: school for name, school in by_name.items() if name} | ids
    bare: dict[str, set[str]] = {}
    for text, school in {**earlier, **ids}.items():
        bare.setdefault(_bare_number(text), set()).add(school)
    alone = {_BARE + text: next(iter(of)) for text, of in bare.items() if text and len(of) == 1}
    return alone | known


def find_school(known: Mapping[str, str], text: str) -> str | None:
    """Return the ``school_id`` that a text names, else None.

    Ids are found as they stand, and as they were before a spreadsheet took them for numbers
    (301 for 0301, 301.0) or divided them (975 270 920), where that can be one school only.

    Parameters
    ----------
    known : mapping of str to str
        :func:`school_lookup`.
    text : str

    Examples
    --------
    >>> register = pd.DataFrame({"school_id": ["0301", "975270920", "11", "011"],
    ...                          "school": ["Bø", "Ås", "Vik", "Nes"], "earlier": ""})
    >>> known = school_lookup(register)
    >>> [find_school(known, text) for text in ("301", "301.0", "975 270 920", "bø", "011")]
    ['0301', '0301', '975270920', '0301', '011']
    >>> find_school(known, "0011") is None
    True
    """
    return known.get(normalise_label(text)) or known.get(_BARE + _bare_number(text)) or None


def find_labelled(known: Mapping[str, str], text: str, label: str = "") -> str | None:
    """Return the ``school_id`` that a code with its label, or a text without one, means."""
    if label:
        return find_school(known, label) or known.get(normalise_label(text))
    return find_school(known, text)


def _bare_number(text: str) -> str:
    """Return an id of digits without its first zeros; a text that is none is empty."""
    digits = joined(repaired(text))
    return digits.lstrip("0") if digits.isdecimal() else ""


def read_schools(
    path: Path, columns: Mapping[str, str] | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, list[Problem], list[Problem]]:
    """Read a register of schools.

    Parameters
    ----------
    path : Path
        A workbook, or text in any encoding and with any delimiter that an export may have, with
        the columns ``school_id``, ``school``, ``region`` and, as needed, ``grades`` ("1-7"),
        ``role`` (programme, comparison), ``municipality``, ``earlier`` and whole numbers
        ``invited_…``.
        It may have ``contact``, whether it agreed to be contacted for interviews, ``cohort``
        (``pulje``, ``kull``), with whom it began, and addresses ``link_…`` of its questionnaires.
    columns : mapping of str to str, optional
        What the file calls them otherwise, by these names.
    encoding : str, optional
        Of text, where it cannot be told.

    Returns
    -------
    schools : DataFrame
        One row per school in the order of the file: ``school_id`` (a number without blanks
        inside), ``school``, ``region`` (slug), ``region_name`` (as the file first writes it),
        ``grades``, ``role`` (programme where the file is silent), ``municipality``, ``earlier``
        (ids and names that it had before, or of schools that were merged into it, with ``|``
        between them), ``contact`` (yes, no, or empty where it is not known), ``cohort`` (empty
        where the file has none), ``invited_…`` (Int64) and ``link_…`` (text).
    problems : list of Problem
        Everything that is wrong, with rows.
    remarks : list of Problem
        The columns that are not used, and regions that are written in several ways.
    """
    try:
        table = read_table(path, encoding=encoding)
    except InputError as error:
        allowed = "a workbook or text with " + ", ".join(REQUIRED)
        todo = "write it, or name it in study.yml (schools: …)"
        told = unreadable(error, path, "school register cannot be read", allowed, todo)
        remedies = [problem.todo or todo for problem in error.problems]
        problems = [replace(p, todo=remedy) for p, remedy in zip(told, remedies, strict=True)]
        return register_frame(pd.DataFrame()), problems, []
    file = shown(path)
    places, problems, remarks = _columns(table, columns or {}, file)
    cells = table.frame.iloc[:, [*places.values()]].set_axis([*places], axis=1)
    cells = cells.map(lambda cell: unicodedata.normalize("NFC", " ".join(cell.split())))
    numbers = [c for c in cells if c.startswith(INVITED) or c in (names.SCHOOL, names.COHORT)]
    cells[numbers] = cells[numbers].map(repaired)
    if names.SCHOOL in cells:
        cells[names.SCHOOL] = cells[names.SCHOOL].map(joined)
    if set(REQUIRED) <= set(places):
        rows = (f"{file}, row {row}" for row in table.rows)
        problems += _check_rows(dict(zip(rows, cells.to_dict("records"), strict=True)), file)
        remarks += _respelt_regions(cells["region"], file)
    return register_frame(cells), problems, remarks


def unreadable(error: InputError, path: Path, what: str, allowed: str, todo: str) -> list[Problem]:
    """Return what is wrong with a table beside study.yml that cannot be read."""
    file = shown(path)
    return [
        Problem(what, p.found or p.what, allowed, file + p.where.removeprefix(path.name), todo)
        for p in error.problems
    ]


def wrong_columns(
    headings: Sequence[str], required: Mapping[str, str], known: Collection[str], file: str
) -> Iterator[Problem]:
    """Yield the required columns that a table lacks, and the known ones that stand twice.

    Parameters
    ----------
    headings : sequence of str
        Those of the table, as they are compared.
    required : mapping of str to str
        The heading of each column that must be there, by its name.
    known : collection of str
        All headings that it may have.
    file : str
        For messages.
    """
    there = headings_told(headings, [h for h in headings if h in known]) or "an empty file"
    for name, heading in required.items():
        if heading not in headings:
            todo = did_you_mean(heading, {*headings} - {*known}) or f"add {name}"
            yield Problem(f"missing column: {name}", there, ", ".join(known), file, todo)
    for heading in known:
        if headings.count(heading) > 1:
            yield Problem("column stands twice", heading, "each column once", file)


def _respelt_regions(regions: Iterable[str], register: str) -> Iterator[Problem]:
    """Yield a remark of each region that is written in several ways and counts as one."""
    counts = Counter(regions)
    ways: dict[str, list[str]] = {}
    for name in counts:
        ways.setdefault(slug(name), []).append(name)
    for region, spelt in ways.items():
        if region and len(spelt) > 1:
            found = ", ".join(f"“{name}” ({n_schools(counts[name])})" for name in spelt)
            what = "a region that is written in several ways"
            todo = f"it counts as one, called “{spelt[0]}”; write its name alike for all its "
            todo += "schools"
            yield Problem(what, found, "one name for each region", register, todo)


def n_schools(n: int) -> str:
    """Return how many schools."""
    return "1 school" if n == 1 else f"{n} schools"


def register_frame(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the register whose cells, under the names of its columns, are texts."""
    invited = [column for column in cells if column.startswith(INVITED)]
    links = [column for column in cells if column.startswith(LINK)]
    columns = [REGION_NAME if name == "region" else name for name in (*KNOWN, *invited, *links)]
    frame = cells.rename(columns={"region": REGION_NAME})
    frame = frame.reindex(columns=columns, fill_value="").astype(str)
    frame.insert(2, names.REGION, frame[REGION_NAME].map(slug).astype(str))
    frame[REGION_NAME] = frame.groupby(names.REGION)[REGION_NAME].transform("first")
    frame["grades"] = frame["grades"].str.replace("–", "-")
    frame["role"] = frame["role"].replace("", PROGRAMME)
    frame[CONTACT] = frame[CONTACT].map(_answer).fillna("").astype(str)
    for column in invited:
        understood = frame[column].where(frame[column].str.fullmatch(_COUNT))
        frame[column] = pd.to_numeric(understood).astype("Int64")
    return frame


def _answer(cell: str) -> str | None:
    """Return yes or no as a cell means it, an empty text for an empty one, else None.

    Examples
    --------
    >>> [_answer(cell) for cell in ("Ja", "USANN", "x", "", "1", "kanskje")]
    ['yes', 'no', 'yes', '', 'yes', None]
    """
    mark = normalise_label(repaired(cell)).rstrip(".")
    return YES if mark in SAYS_YES else NO if mark in SAYS_NO else None if mark else ""


def _columns(
    table: Export, given: Mapping[str, str], register: str
) -> tuple[dict[str, int], list[Problem], list[Problem]]:
    """Return the place of each column that is known, and what is to be said of the others."""
    allowed, problems = ", ".join((*KNOWN, INVITED + "…", LINK + "…")), []
    headings = list(table.questions.values())
    normal = [normalise_label(heading) for heading in headings]
    own = {normalise_label(heading): name for name, heading in given.items()}
    places: dict[str, int] = {}
    for place, heading in enumerate(normal):
        name = own.get(heading, heading if heading not in given else "")
        name = name if names.COHORT in given else _ALSO_CALLED.get(name, name)
        if name not in KNOWN and not name.startswith((INVITED, LINK)):
            continue
        if name in places:
            found, where = headings[place], f"{register}, row 1"
            problems.append(Problem("column stands twice", found, "each column once", where))
        places.setdefault(name, place)
    there = headings_told(headings, [*places]) or "an empty file"
    for name, heading in given.items():
        if name not in places:
            todo = did_you_mean(heading, headings) or "correct schools: columns: in study.yml"
            what = f"missing column of the register: {heading}"
            problems.append(Problem(what, there, where=register, todo=todo))
    for name in REQUIRED:
        if name not in places and name not in given:
            near = did_you_mean(name, headings)
            todo = near or f"add {name}, or say what it is called: schools: {{file: …, columns: …}}"
            problems.append(Problem(f"missing column: {name}", there, allowed, register, todo))
    foreign = [text for place, text in enumerate(headings) if place not in places.values()]
    hints = {did_you_mean(heading, {*KNOWN} - {*places}) for heading in foreign} - {""}
    what = "columns of the school register that are not used"
    found, todo = f"{len(foreign)}: {headings_told(foreign, [*places])}", " ".join(sorted(hints))
    remarks = [Problem(what, found, allowed, register, todo)] if foreign else []
    return places, problems, remarks


def _check_rows(rows: dict[str, dict[str, str]], register: str) -> Iterator[Problem]:
    if not rows:
        yield Problem("no school in the register", "no rows", "a row per school", register)
    first: dict[str, str] = {}
    ids = {row["school_id"] for row in rows.values()}
    former: dict[str, str] = {}
    official: dict[str, str] = {}
    for where, row in rows.items():
        school, name, region = row["school_id"], row["region"], slug(row["region"])
        for column in REQUIRED:
            if not row[column]:
                yield Problem(f"{column} is empty", "nothing", "a text", where)
        if is_shortened(school):
            what, allowed = "school_id that has lost digits", "the whole number, as text"
            yield Problem(what, school, allowed, where, "format the column as text and save again")
        if school and first.setdefault(school, where) != where:
            found = f"{school} (first in {first[school].rpartition(', ')[2]})"
            yield Problem("duplicate school_id", found, "each school once", where)
        if name and region in ("", names.NATIONAL):
            yield Problem("region without a usable name", name, "a name with letters", where)
        known = official.setdefault(region, name) if re.search(r"\s[-–]\s", name) else name
        if known.casefold() != name.casefold():
            what = f"two regions with the short name {region}"
            yield Problem(what, f"{known}; {name}", "names that begin differently", where)
        for earlier in earlier_names(row.get("earlier", "")):
            owner = former.setdefault(normalise_label(earlier), school)
            if owner != school:
                what = "an earlier id or name of two schools"
                found = f"{earlier} ({owner}; {school})"
                yield Problem(what, found, "each once", where, "keep it with one of them")
            if earlier in ids:
                what, todo = "an earlier id that another row has", "keep one of them"
                yield Problem(what, earlier, "ids that are no longer in use", where, todo)
        yield from _check_cells(row, where)
    yield from _check_cohorts(rows, register)


def _check_cohorts(rows: dict[str, dict[str, str]], register: str) -> Iterator[Problem]:
    """Give the rows without a cohort where others have one, and texts that can be none."""
    cohorts = {where: row.get(names.COHORT, "") for where, row in rows.items()}
    without = [where for where, cohort in cohorts.items() if not cohort]
    if 0 < len(without) < len(rows):
        told = named([where.rpartition(", row ")[2] for where in without], _ROWS_TOLD)
        found = f"{len(without)} of {len(rows)} schools: row {told}"
        what, allowed = "schools without a cohort", "a cohort for every school, or for none"
        todo = f"comparison schools too: when they will begin, or {COMPARISON}"
        yield Problem(what, found, allowed, register, todo)
    odd = [where for where, cohort in cohorts.items() if cohort and not _COHORT.fullmatch(cohort)]
    if odd:
        found = f"{len(odd)} rows, the first with {len(cohorts[odd[0]])} signs"
        allowed = "a short text without , ; = |, such as 2025 or pulje 2"
        yield Problem("cohort not understood", found, allowed, odd[0])


def _check_cells(row: dict[str, str], where: str) -> Iterator[Problem]:
    grades, role = row.get("grades", ""), row.get("role", "")
    span = re.fullmatch(r"(\d{1,2})(?:[-–](\d{1,2}))?", grades)
    if grades and not (span and 1 <= int(span[1]) <= int(span[2] or span[1]) <= LAST_GRADE):
        allowed = f"first and last grade, 1 to {LAST_GRADE}, such as 1-7; or nothing"
        todo = "write it as text (spreadsheets turn 1-7 into a date)"
        yield Problem("grades not understood", grades, allowed, where, todo)
    if role not in ("", PROGRAMME, COMPARISON):
        todo = did_you_mean(role, (PROGRAMME, COMPARISON))
        yield Problem("unknown role of a school", role, f"{PROGRAMME}, {COMPARISON}", where, todo)
    for column, cell in row.items():
        if column.startswith(INVITED) and cell and not re.fullmatch(_COUNT, cell):
            yield Problem(f"{column} is not a number", cell, "a whole number, or nothing", where)
        if column.startswith(LINK) and cell and not re.fullmatch(_ADDRESS, cell):
            yield Problem(f"{column} is no address", cell, "https://…, or nothing", where)
    if _answer(row.get(CONTACT, "")) is None:
        allowed = "ja, x, 1, TRUE …; nei, 0, FALSE …; or nothing, where nobody has asked"
        found = "a text that is neither yes nor no (not shown)"
        yield Problem(f"{CONTACT} not understood", found, allowed, where)
