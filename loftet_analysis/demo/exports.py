"""The demo study's raw files, in the forms in which researchers get such files."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pyreadstat
from xlsxwriter import Workbook

from loftet_analysis import paths
from loftet_analysis.demo.people import stream
from loftet_analysis.demo.regions import Region, chosen
from loftet_analysis.demo.sheets import (
    ASKED,
    OPENED,
    instrument_of,
    region_people,
    region_sheets,
    with_dirt,
)
from loftet_analysis.names import PARTICIPANT, POST, PRE
from loftet_analysis.paths import written_whole
from loftet_analysis.study import ResponseSet

# clocks go back on the last Sunday of October
_WINTER_TIME = {2025: "2025-10-26 03:00", 2027: "2027-10-31 03:00"}
_WRITTEN = datetime(2027, 11, 4, 8, tzinfo=UTC)
STUDY, COHORTS_STUDY = "demo", "demo_cohorts"
SEED = 2025
PUPILS_PRE = "data-484101-2025-11-03.txt"
PUPILS_POST = "elever_2027.sav"
TEACHERS_PRE = "data-484102-2025-11-03.txt"
TEACHERS_POST = "data-512377-2027-11-04.xlsx"
LEADERS_POST = "data-512378-2027-11-04.txt"
ATTENDANCE = "attendance.csv"
LEADERS_ATTENDANCE = "attendance_leaders.csv"
#: Of the leaders' seven gatherings three are digital.
LEADERS_GATHERINGS = (
    *(f"samling_{n}" for n in range(1, 5)),
    *(f"digital_{n}" for n in range(1, 4)),
)
#: Where the invented forms lie: a domain that is kept for examples.
FORM = "https://forms.example.org/"
REGISTER = "schools.csv"
FEATURES = "regions.csv"
COPIED = ("study.yml", "plan.md", "README.md")

#: In the demo with cohorts, whose waves are over whatever the day is: how much earlier than in the
#: other demo the sheets of each cohort came in.
COHORTS = {"2021": pd.Timedelta(weeks=208), "2023": pd.Timedelta(weeks=104)}
_WINDOWS = """\
waves:
  2021:
    pre: {from: 2021-09-20, to: 2021-11-05}
    post: {from: 2023-09-18, to: 2023-11-03}
  2023:
    pre: {from: 2023-09-18, to: 2023-11-03}
    post: {from: 2025-09-15, to: 2025-10-31}
"""
_PLAIN = """\
waves:
  pre: {from: 2025-09-15, to: 2025-10-31}
  post: {from: 2027-09-13, to: 2027-10-29}
"""
_TITLES = {
    "2025–2027 (demo med oppdiktede data)": "2021–2025 (demo med to puljer og oppdiktede data)",
    "2025–2027 (demo med oppdikta data)": "2021–2025 (demo med to puljer og oppdikta data)",
    "2025–2027 (demo with invented data)": "2021–2025 (demo with two cohorts, invented data)",
}

DONT_KNOW = 0.20
IMPOSSIBLE = 0.02
CARELESS_LABELS = 0.01
TESTS = 3

NUMBER, CREATED, DURATION = "$submission_id", "$created", "$answer_time_ms"
_FIRST_NUMBER = {PRE: 30_000_000, POST: 400_000_000}
_GENDERS = {1: "Jente", 2: "Gutt", 3: "Vil ikke svare"}
_CONSENT = {True: "Jeg samtykker", False: "Nei"}
_REMARKS = ("Takk!", "Fint at noen spør.", "Litt langt skjema.", "Ingen kommentar.")
# SPSS codes of this response set run against its values: there 1 is "most like me"
_BACKWARDS = "like_me5"
_DONT_KNOW_CODE = 98
# headings where a form was exported without its codebook: the questions, twice where asked twice
_QUESTIONS = {
    "skole": "Hvilken skole arbeider du ved?",
    "deltar": "Deltar du på samlingene i <b>Matematikkløftet</b>?",
    "ansattnummer": "Hva er ansattnummeret ditt?&nbsp;",
    "samtykke": "Samtykker du til å delta i studien? ",
    "kommentar_1": "Kommentar:",
    "kommentar_2": "Kommentar:",
}


def write_demo(
    regions: Sequence[str] | None = None,
    seed: int = SEED,
    *,
    study: str = STUDY,
    size: int = 1,
    cohorts: bool = False,
) -> None:
    """Write the demo study to ``data_raw/demo/``: its description, register and exports.

    Parameters
    ----------
    regions : sequence of str, optional
        Slugs of the regions to write; all fifteen where none are named. A region's answers are
        the same in a demo of two regions and of fifteen.
    seed : int
        Of the people and their answers; the regions, their schools on paper and what is planted
        stay the same.
    study : str
        The folder in ``data_raw/``.
    size : int
        How many times as many schools in every region; for trying what a large study takes.
    cohorts : bool
        Whether the schools of one municipality in each region form a second cohort, which begins
        when the first one ends. The people, their answers and what is planted are the same: also
        what moves with the calendar moves in each cohort from its own first wave on.

    Raises
    ------
    InputError
        For slugs that are no region of the demo.
    """
    wanted = chosen(regions, size)
    folder = paths.raw(study)
    for name in COPIED:
        source = (files("loftet_analysis.demo") / "files" / name).read_text(encoding="utf-8")
        with written_whole(folder / name) as temporary:
            text = _with_cohorts(source) if cohorts and name == COPIED[0] else source
            temporary.write_bytes(text.encode())
    registers = [
        _register(region, seed).assign(**{"cohort": _cohorts(region)} if cohorts else {})
        for region in wanted
    ]
    travel = {"region": [r.name for r in wanted], "travel_hours": [r.travel for r in wanted]}
    tables = {
        REGISTER: pd.concat(registers),
        FEATURES: pd.DataFrame(travel),
        ATTENDANCE: pd.concat(_attendance(region, seed) for region in wanted),
        LEADERS_ATTENDANCE: pd.concat(_attendance_of_leaders(region, seed) for region in wanted),
    }
    for name, table in tables.items():
        with written_whole(folder / name) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")

    drawn = {region: region_sheets(region, seed) for region in wanted}
    earlier = COHORTS if cohorts else {"": pd.Timedelta(0)}

    def gathered(
        population: str, wave: str, school: str, answers: Callable[..., dict[str, np.ndarray]]
    ) -> pd.DataFrame:
        """Fill in one form for all regions, in the order in which the answers came in."""
        form = partial(_filled_in, population=population, school=school, answers=answers)
        tests = _test_answers(population, wave, next(iter(earlier.values())))
        parts = [form(tests, chosen(None)[0], stream(0, "test", population, wave))]
        for region in wanted:
            rng = stream(seed, region.slug, "form", population, wave)
            sheet = _received(drawn[region][population, wave], population, wave, region, rng)
            shift = np.array([earlier[cohort] for cohort in _cohorts(region, of=earlier)])
            sheet["submitted"] -= pd.to_timedelta(shift[sheet["school"]])
            parts.append(form(sheet, region, rng))
        return pd.concat(parts, ignore_index=True).sort_values(NUMBER, ignore_index=True)

    answers = gathered("pupils", PRE, "name", _in_codes)
    write_nettskjema(answers, _codebook(answers, "pupils"), folder / PUPILS_PRE)
    answers = gathered("pupils", POST, "school_id", _in_numbers)
    _write_pupils_sav(answers, folder / PUPILS_POST)
    answers = gathered("teachers", PRE, "name", _in_labels)
    write_nettskjema(answers, _questions(answers), folder / TEACHERS_PRE)
    answers = gathered("teachers", POST, "school_id", _in_labels)
    _write_teachers_xlsx(answers, folder / TEACHERS_POST)
    answers = gathered("leaders", POST, "school_id", _in_codes)
    write_nettskjema(answers, _codebook(answers, "leaders"), folder / LEADERS_POST)


def _with_cohorts(study: str) -> str:
    """Return the demo's study.yml with windows by cohort."""
    for plain, with_cohorts in {_PLAIN: _WINDOWS, **_TITLES}.items():
        study = study.replace(plain, with_cohorts)
    return study


def _cohorts(region: Region, of: Collection[str] = COHORTS) -> list[str]:
    """Return each school's cohort: of the later one are a school of grades 8-10 and its feeders."""
    first, later = next(iter(of)), list(of)[-1]
    joins = next(school.municipality for school in region.schools if school.grades == "8-10")
    return [later if school.municipality == joins else first for school in region.schools]


def _contact(school_id: str) -> str:
    """Return whether a school agreed to be contacted: most did, some did not, some have not said.

    By its id alone, so that nothing else of the region depends on it.
    """
    draw = crc32(school_id.encode()) % 20
    return "ja" if draw < 14 else "nei" if draw < 17 else ""


def _register(region: Region, seed: int) -> pd.DataFrame:
    """Return the region's rows of the school register, with how many were invited."""
    schools = pd.DataFrame(
        {
            "school_id": school.school_id,
            "school": school.name,
            "region": region.name,
            "grades": school.grades,
            "role": "programme",
            "municipality": school.municipality,
            "contact": _contact(school.school_id),
            "link_teachers": f"{FORM}teachers/{school.school_id}",
            "link_pupils": f"{FORM}pupils/{school.school_id}",
        }
        for school in region.schools
    )
    for population, waves in ASKED.items():
        people = region_people(region, seed, population)
        for wave in waves:
            invited = people[f"school_{wave}"].value_counts()
            schools[f"invited_{population}_{wave}"] = invited.reindex(schools.index, fill_value=0)
    return schools


def _attendance(region: Region, seed: int) -> pd.DataFrame:
    """Return the register of attendance: the participants, whether they answer or not."""
    people = region_people(region, seed, "teachers")
    headings = {"id_pre": "ansattnummer", "gatherings": "samlinger", "interim_work": "mellomarbeid"}
    return people.loc[people["participant"], [*headings]].rename(columns=headings)


def _attendance_of_leaders(region: Region, seed: int) -> pd.DataFrame:
    """Return the gatherings at which each school had a leader, marked by ``x``."""
    rng = stream(seed, region.slug, "attendance", "leaders")
    willing = rng.beta(9, 2, len(region.schools))
    came = rng.random((len(region.schools), len(LEADERS_GATHERINGS))) < willing[:, None]
    marks = pd.DataFrame(np.where(came, "x", ""), columns=list(LEADERS_GATHERINGS))
    marks.insert(0, "skole", [school.school_id for school in region.schools])
    return marks


def _received(
    sheet: pd.DataFrame, population: str, wave: str, region: Region, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the sheets as they came in: dirt, one trial before the launch, running numbers."""
    items = [item for item in instrument_of(population).items if item in sheet]
    sheet = with_dirt(sheet, items, rng)
    launch = pd.Timestamp(OPENED[wave]) - pd.Timedelta("3D") + pd.Timedelta("14h")
    trial = sheet.iloc[[0]].assign(id="", submitted=launch)
    return _numbered(pd.concat([trial, sheet], ignore_index=True), population, wave, region.county)


def _test_answers(population: str, wave: str, earlier: pd.Timedelta) -> pd.DataFrame:
    """Return what was sent in from a school called TEST: the same in every demo."""
    blank = {"school": -1, "id": "TEST", "grade": 7, "boy": True, "participant": True}
    sheet = pd.DataFrame([blank] * TESTS).assign(consent=True)
    instrument = instrument_of(population)
    for name, (scale, _) in instrument.items.items():
        if wave in scale.waves:
            sheet[name] = float(instrument.responses[scale.responses].minimum)
    days = pd.to_timedelta(np.linspace(-6, 3, TESTS), unit="D").round("s")
    sheet["submitted"] = pd.Timestamp(OPENED[wave]) + days + pd.Timedelta("9h")
    sheet = _numbered(sheet, population, wave, "99")
    return sheet.assign(submitted=sheet["submitted"] - earlier)


def _numbered(sheet: pd.DataFrame, population: str, wave: str, county: str) -> pd.DataFrame:
    """Give sheets in order of time running numbers; those of two forms or regions never meet."""
    since = sheet["submitted"] - (pd.Timestamp(OPENED[wave]) - pd.Timedelta("14D"))
    seconds, places = (since // pd.Timedelta("1s")).to_numpy(), np.arange(len(sheet))
    ticks = np.maximum.accumulate(seconds - places) + places
    counties = [*(region.county for region in chosen(None)), "99"]
    own = [*ASKED].index(population) * len(counties) + counties.index(county)
    step = len(ASKED) * len(counties)
    return sheet.assign(**{NUMBER: _FIRST_NUMBER[wave] + step * ticks + own})


def _filled_in(
    sheet: pd.DataFrame,
    region: Region,
    rng: np.random.Generator,
    *,
    population: str,
    school: str,
    answers: Callable[..., dict[str, np.ndarray]],
) -> pd.DataFrame:
    """Fill in a population's form, its columns in the order of the tool.

    Parameters
    ----------
    school : str
        Whether schools are chosen by their ``name``, or by ``school_id``.
    answers : callable
        How answers are exported; where that is in SPSS (`_in_numbers`), so is the background.
    """
    columns = {NUMBER: sheet[NUMBER], CREATED: local_time(sheet["submitted"])}
    columns["skole"] = _schools(sheet, region, school)
    in_numbers, consent, remarks = answers is _in_numbers, sheet["consent"], {}
    if population == "pupils":
        grade, gender = sheet["grade"], _gender(sheet, rng)
        columns["trinn"] = grade.astype(float) if in_numbers else grade.astype(str) + ". trinn"
        columns["kjonn"] = gender.astype(float) if in_numbers else gender.map(_GENDERS)
        columns["kode"] = sheet["id"]
    elif population == "teachers":
        columns["deltar"] = np.where(sheet["participant"], "Ja", "Nei")
        columns["ansattnummer"] = sheet["id"]
        remarks = {
            name: np.where(rng.random(len(sheet)) < 0.02, rng.choice(_REMARKS, len(sheet)), "")
            for name in ("kommentar_1", "kommentar_2")
        }
    columns["samtykke"] = consent.astype(float) if in_numbers else consent.map(_CONSENT)
    columns |= answers(sheet, population, rng) | remarks
    minutes = rng.lognormal(np.log(6), 0.4, len(sheet))
    return pd.DataFrame({**columns, DURATION: (minutes * 60_000).astype(int)})


def _schools(sheet: pd.DataFrame, region: Region, attribute: str) -> np.ndarray:
    """Return the schools' names or ids; the last is the one that tests are sent from."""
    texts = [*(getattr(school, attribute) for school in region.schools), "TEST"]
    return np.array(texts, dtype=object)[sheet["school"]]


def _gender(sheet: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    genders = pd.Series(np.where(sheet["boy"], 2, 1), index=sheet.index)
    return genders.where(rng.random(len(sheet)) >= 0.02, 3)


def _asked_items(
    sheet: pd.DataFrame, population: str
) -> Iterator[tuple[str, np.ndarray, ResponseSet, np.ndarray]]:
    """Yield each item of the questionnaires: its name, answers, options, and who left it out."""
    instrument = instrument_of(population)
    asked = [name for name in instrument.items if name in sheet]
    started = sheet[asked].notna().any(axis=1).to_numpy()
    for name in asked:
        scale, _ = instrument.items[name]
        answers = sheet[name].to_numpy()
        silent = np.isnan(answers) & started
        if population == "teachers" and scale.roles == (PARTICIPANT,):
            silent &= sheet["participant"].to_numpy()
        yield name, answers, instrument.responses[scale.responses], silent


def _in_codes(
    sheet: pd.DataFrame, population: str, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return answers as codebook values, a few of them impossible; "don't know" is a text."""
    cells = {}
    for name, answers, responses, silent in _asked_items(sheet, population):
        values = {value: str(value) for value in responses.labels}
        texts = _texts(answers, values, _unsure(silent, responses, rng), responses)
        texts[_slips(answers, rng)] = "9"
        cells[name] = texts
    return cells


def _in_labels(
    sheet: pd.DataFrame, population: str, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return answers as the texts of the options, some retyped carelessly."""
    cells = {}
    for name, answers, responses, silent in _asked_items(sheet, population):
        labels = {value: label["nb"] for value, label in responses.labels.items()}
        texts = _texts(answers, labels, _unsure(silent, responses, rng), responses)
        careless = np.where(np.isnan(answers), 0.5, rng.random(len(texts)))
        padded, shouted = careless < CARELESS_LABELS, careless > 1 - CARELESS_LABELS
        texts[padded] = [f"{text} " for text in texts[padded]]
        texts[shouted] = [text.upper() for text in texts[shouted]]
        cells[name] = texts
    return cells


def _in_numbers(
    sheet: pd.DataFrame, population: str, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return answers as SPSS codes; impossible ones only where codes are the values."""
    cells = {}
    for name, answers, responses, silent in _asked_items(sheet, population):
        numbers = answers.astype(float)
        if _runs_backwards(population, name):
            numbers = responses.minimum + responses.maximum - numbers
        else:
            numbers[_slips(answers, rng)] = 55
        numbers[_unsure(silent, responses, rng)] = _DONT_KNOW_CODE
        cells[name] = numbers
    return cells


def _unsure(silent: np.ndarray, responses: ResponseSet, rng: np.random.Generator) -> np.ndarray:
    """Return where somebody who leaves an item out says so."""
    return silent & (rng.random(len(silent)) < DONT_KNOW) & bool(responses.missing)


def _slips(answers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return where a left-out item holds a number that is no option."""
    return np.isnan(answers) & (rng.random(len(answers)) < IMPOSSIBLE)


def _texts(
    answers: np.ndarray, texts: Mapping[int, str], unsure: np.ndarray, responses: ResponseSet
) -> np.ndarray:
    choices = np.array([*texts.values(), "", *responses.missing[:1]], dtype=object)
    place = np.where(np.isnan(answers), len(texts), answers - responses.minimum).astype(int)
    place[unsure] = len(texts) + 1
    return choices[place]


def _runs_backwards(population: str, item: str) -> bool:
    scale, _ = instrument_of(population).items[item]
    return scale.responses == _BACKWARDS


def _codebook(answers: pd.DataFrame, population: str) -> list[str]:
    """Return the headings of an export with codebook: the items' codes."""
    items = instrument_of(population).items
    return [items[name][1].codes[-1] if name in items else name for name in answers]


def _questions(answers: pd.DataFrame) -> list[str]:
    """Return the headings of an export without codebook: question texts as the form holds them."""
    items = instrument_of("teachers").items
    headings = []
    for place, name in enumerate(answers):
        text = items[name][1].text["nb"] if name in items else _QUESTIONS.get(name, name)
        headings.append(_as_html(text, place) if name in items else text)
    return headings


def _as_html(text: str, place: int) -> str:
    """Return a question text with the marks that the form's editor leaves in it."""
    text = html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    if place % 5 == 0:
        first, _, rest = text.partition(" ")
        return f"<b>{first}</b> {rest}"
    return {1: f"{text} ", 2: text.replace(" ", "&nbsp;", 1)}.get(place % 5, text)


def _write_pupils_sav(answers: pd.DataFrame, path: Path) -> None:
    """Write an SPSS file with variable and value labels."""
    instrument = instrument_of("pupils")
    frame = answers.rename(columns={NUMBER: "lopenummer", CREATED: "levert", DURATION: "tid_ms"})
    frame["lopenummer"] = frame["lopenummer"].astype(float)
    frame["levert"] = pd.to_datetime(frame["levert"].str[:19])
    questions = {name: item.text["nb"] for name, (_, item) in instrument.items.items()}
    labels: dict[str, dict[Any, str]] = {"kjonn": {**_GENDERS}}
    labels["samtykke"] = {1: _CONSENT[True], 0: _CONSENT[False]}
    for name, (scale, _) in instrument.items.items():
        responses = instrument.responses[scale.responses]
        ends = responses.minimum + responses.maximum
        labels[name] = {
            ends - value if _runs_backwards("pupils", name) else value: label["nb"]
            for value, label in responses.labels.items()
        } | dict(zip([_DONT_KNOW_CODE], responses.missing, strict=False))
    with written_whole(path) as temporary:
        pyreadstat.write_sav(
            frame,
            temporary,
            column_labels=[questions.get(column, column) for column in frame],
            variable_value_labels=labels,
            row_compress=True,
        )
        # the header's date and time (9 and 8 bytes from byte 92) are those of writing
        raw = bytearray(temporary.read_bytes())
        raw[92:109] = b"04 Nov 2708:00:00"
        temporary.write_bytes(raw)


def _write_teachers_xlsx(answers: pd.DataFrame, path: Path) -> None:
    """Write the workbook, with blank rows here and there as people leave them."""
    rows: list[list[object]] = [list(answers)]
    for place, row in enumerate(answers.itertuples(index=False)):
        rows.append([None if cell == "" else cell for cell in row])
        if place % 400 == 399:
            rows.append([])
    with (
        written_whole(path) as temporary,
        Workbook(temporary, {"strings_to_formulas": False, "strings_to_urls": False}) as book,
    ):
        book.set_properties({"created": _WRITTEN})
        sheet = book.add_worksheet("Svar")
        for number, row in enumerate([*rows, [" "], [" "]]):
            sheet.write_row(number, 0, row)


def local_time(moments: pd.Series) -> pd.Series:
    """Return local times as Nettskjema writes them: ISO 8601 with the offset to UTC.

    Examples
    --------
    >>> local_time(pd.Series(pd.to_datetime(["2025-09-15 08:30:05", "2025-10-30 12:00:00"])))[1]
    '2025-10-30T12:00:00+01:00'
    """
    switch = moments.dt.year.map(_WINTER_TIME)
    offset = np.where(moments < pd.to_datetime(switch), "+02:00", "+01:00")
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S") + offset


def write_nettskjema(frame: pd.DataFrame, headings: list[str], path: Path) -> None:
    """Write text as Nettskjema does: every field quoted, ``;``, CRLF, UTF-8 with its mark.

    Parameters
    ----------
    frame : DataFrame
        Text, in the order of the file.
    headings : list of str
        One per column; they may repeat.
    """
    form = {"sep": ";", "quoting": csv.QUOTE_ALL, "lineterminator": "\r\n"}
    with written_whole(path) as temporary:
        frame.to_csv(temporary, header=headings, index=False, encoding="utf-8-sig", **form)
