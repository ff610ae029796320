"""Registers of attendance and of schools, and dates of one population's own."""

import io

import pandas as pd
from xlsxwriter import Workbook

from tests.plausible import Case, case, given, study

AGREE = "4;4;4"
TEACHERS = "school;id;q1;q2;q3\n101;a1;4;4;4\n102;a2;4;4;4\n"
PUPILS = "school;id;q1;q2;q3\n{};a1;4;4;4\n{};a2;4;4;4\n"


def workbook(*rows: tuple) -> bytes:
    """Return a workbook of these rows; truth values, numbers and dates are cells of their kind."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "remove_timezone": True}) as book:
        sheet = book.add_worksheet()
        for place, cells in enumerate(rows):
            sheet.write_row(place, 0, cells)
    return out.getvalue()


def attended(text: str | bytes, counts: list | None = None, file: str = "att.csv", **truth) -> Case:
    """Return the case of a register of three gatherings, and what two teachers attended."""
    more = (
        f"    attendance: {{file: {file}, id: aid, columns: {{gatherings: [s1, s2, s3]}}, of: 3}}"
    )
    files = {"study.yml": study(population="teachers", more=more), "pre.csv": TEACHERS, file: text}
    return case(files, values={"gatherings": counts} if counts else {}, **truth)


def marks(one: str, other: str, counts: list | None = None, **truth: object) -> Case:
    return attended(f"aid;s1;s2;s3\na1;{one}\na2;{other}\n", counts, **truth)


def register(text: str | bytes, *, schools: str = "schools.csv", written=("101", "102"), **truth):
    """Return the case of a register of schools, and how two sheets write their schools."""
    head, _, columns = schools.partition(" ")
    described = f"schools: {{file: {head}{columns and ', ' + columns}}}"
    files = {"study.yml": study(top=described), "pre.csv": PUPILS.format(*written), head: text}
    truth = {"values": {"school_id": [*truth.pop("ids", ("101", "102"))]}, "aside": {}, **truth}
    return case(files, **truth)


NSR = "columns: {school_id: Organisasjonsnummer, school: Navn, region: Fylke}"
NORDIC = "school_id;school;region\n101;Nordbø skole;Øst\n102;Sørås skole;Øst\n"
NUMBERS = "school_id,school,region\n0301,Nordby skole,North\n1103,Sørby skole,North\n"
ORGNR = "school_id,school,region\n974552124,Nordby skole,North\n975270920,Sørby skole,North\n"
OWN_DATES = study(
    columns="{school_id: school, submitted: submitted}",
    population="teachers",
    more="    waves: {pre: {from: 2025-08-18, to: 2025-09-05}}",
)
IN_AUGUST = (
    "school;submitted;id;q1;q2;q3\n101;2025-08-20;a1;4;4;4\n101;2025-08-10;a2;4;4;4\n"
    "101;2025-09-20;a3;4;4;4\n"
)


def dated(more: str, text: str = IN_AUGUST, **truth: object) -> Case:
    yml = OWN_DATES.replace("    waves: {pre: {from: 2025-08-18, to: 2025-09-05}}", f"    {more}")
    return case({"study.yml": yml, "pre.csv": text}, **truth)


KINDS = {
    "marks of attendance": {
        "given": given("att_false", values={"gatherings": [3, 0]}),
        "norwegian truth": marks("SANN;Sann;1", "USANN;usant;0,0", [3, 0]),
        "words": marks("ja;møtt;til stede", "nei;ikke møtt;syk", [3, 0]),
        "nynorsk": marks("X;deltok;til stades", "ikkje møtt;sjuk;forfall", [3, 0]),
        "english": marks("yes;attended;Y", "absent;sick;no", [3, 0]),
        "blanks and signs": marks("x;✓;", "–;;0", [2, 0]),
        "ticks": marks("v;☑;✔", ";;", [3, 0]),
        "days": marks("12.09.2025;;2025-11-03", ";;", [2, 0]),
        "of a workbook": attended(
            workbook(("aid", "s1", "s2", "s3"), ("a1", True, 1.0, "x"), ("a2", False, 0, "")),
            [3, 0], file="att.xlsx",
        ),
        "cp1252": attended("aid;s1;s2;s3\na1;møtt;;\na2;fravær;;\n".encode("cp1252"), [1, 0]),
        "utf-16 and tabs": attended(
            "aid\ts1\ts2\ts3\na1\tmøtt\t\t\na2\tfråvær\t\t\n".encode("utf-16"), [1, 0]
        ),
        "a title above the headings": attended(
            workbook((), ("aid", "s1", "s2", "s3"), ("a1", "x", "x", ""), ("a2", "", "", "")),
            [2, 0], file="att.xlsx",
        ),
        "a word that is neither": marks(
            "kanskje;x;x", "kanskje;;", stops=True,
            says=("1 text in 2 cells, not shown", "neither yes nor no"),
        ),
        "another number": marks("2;x;x", ";;", stops=True, says=("“2”, 1 time, in s1",)),
        "what somebody told": marks(
            "mor er alvorlig syk og ringte;x;x", ";;", stops=True, hides=("mor er alvorlig",),
            says=("1 text in 1 cell, not shown",),
        ),
    },
    "rows of a register that say nothing, or of nobody": {
        "no mark": marks(
            "x;x;x", ";;", [3, 0],
            says=("1 of 2 people have no mark at all, and count as 0 gatherings",),
        ),
        "blanks alone": marks(" ; ;", "x;;", [0, 1], says=("1 of 2 people have no mark at all",)),
        "a no": marks("x;x;x", "nei;;", [3, 0], hides=("no mark at all",)),
        "one without a sheet": attended(
            "aid;s1;s2;s3\na1;x;;\na2;x;;\na7;x;;\n", [1, 1],
            says=("1 of 3 people in att.csv have no questionnaire",),
            hides=("warning: people", "a7"),
        ),
        "most without a sheet": attended(
            "aid;s1;s2;s3\na1;x;;\nb2;x;;\n", [1, None],
            says=("warning: people of the register",
                  "1 of 2 people in att.csv have no questionnaire"),
        ),
        "schools": case(
            {
                "study.yml": study(
                    population="teachers",
                    more="    attendance: {file: att.csv, school: s, columns: {gatherings: n}}",
                ),
                "pre.csv": "school;id;q1;q2;q3\n101;a1;4;4;4\n",
                "att.csv": "s;n\n101;2\n102;3\n",
            },
            values={"gatherings": [2]},
            says=("1 of 2 schools in att.csv have no questionnaire",),
        ),
    },
    "a number of a school that is written otherwise": {
        "given": given(
            "reg_lost_zero", values={"school_id": ["0301", "1103"]}, aside={},
            says=("schools found by a number that is written otherwise", "301 for 0301"),
        ),
        "a register that lost them": register(
            NUMBERS.replace("0301", "301"), written=("0301", "1103"), ids=("1103", "301")
        ),
        "decimals": register(NUMBERS, written=("301.0", "1103.0"), ids=("0301", "1103")),
        "blanks": register(
            ORGNR, written=("974 552 124", "975\u00a0270\u00a0920"), ids=("974552124", "975270920")
        ),
        "blanks in the register": register(
            ORGNR.replace("974552124", "974 552 124"), written=("974552124", "975270920"),
            ids=("974552124", "975270920"),
        ),
        "a formula": register(NUMBERS, written=('="0301"', "'1103"), ids=("0301", "1103")),
        "two that it could be": register(
            NUMBERS.replace("1103", "00301"), written=("0301", "301"), ids=("0301",),
            aside={"unknown_school": 1},
        ),
        "a number that lost digits": register(
            ORGNR.replace("974552124", '"9,74552E+08"'), stops=True, values={},
            says=("school_id that has lost digits",), written=("974552124", "975270920"),
        ),
        "a label beside a code": case(
            {"pre.csv": PUPILS.format("Nordby skole", "102")}, values={"school_id": ["101", "102"]}
        ),
    },
    "a register of schools": {
        "given": given("register_cp1252", values={"school_id": ["101"]}, aside={}),
        "utf-16": register(NORDIC.encode("utf-16"), written=("Nordbø skole", "102")),
        "cp1252 and semicolons": register(NORDIC.encode("cp1252"), written=("nordbø skole", "102")),
        "tabs": register(NORDIC.replace(";", "\t"), written=("101", "Sørås skole")),
        "a workbook with numbers": register(
            workbook(("school_id", "school", "region"), (101, "A", "Øst"), (102, "B", "Vest")),
            schools="schools.xlsx",
        ),
        "the national register": register(
            workbook(
                ("Organisasjonsnummer", "Navn", "Fylke", "Kommune", "Målform", "Elevtall"),
                (974552124, "Nordby skole", "Oslo - Oslove", "Oslo", "B", 300),
                (975270920, "Sørby skole", "Innlandet", "Stange", "B", 120),
            ),
            schools=f"nsr.xlsx {NSR}", written=("974 552 124", "Sørby skole"),
            ids=("975270920", "974552124"),
            says=("columns of the school register that are not used", "3: Kommune, Målform"),
        ),
        "foreign columns": register(
            NORDIC.replace("region\n", "region;type;eier\n").replace("Øst\n", "Øst;g;k\n"),
            says=("2: type, eier",),
        ),
        "an encoding that is named": register(
            NORDIC.encode("mac-roman"), schools="schools.csv encoding: mac-roman",
            written=("Nordbø skole", "102"),
        ),
        "a column that it lacks": register(
            NORDIC, schools="schools.csv columns: {region: Fylke}", stops=True, values={},
            says=("missing column of the register: Fylke",),
        ),
        "a file that is none": register(
            b"\x00\x01\x02", stops=True, values={}, says=("school register cannot be read",)
        ),
    },
    "dates of one population": {
        "its own": dated(
            "waves: {pre: {from: 2025-08-18, to: 2025-09-05}}",
            values={"submitted": [pd.Timestamp("2025-08-20"), pd.Timestamp("2025-09-20")]},
            aside={"test_answer": 1},
        ),
        "the study's": dated("duplicates: latest", aside={"test_answer": 2}),
        "the other wave's": dated(
            "waves: {post: {from: 2026-03-01, to: 2026-03-31}}",
            IN_AUGUST.replace("2025-08-20", "2026-03-02"),
            aside={"test_answer": 1, "wrong_form": 1},
        ),
        "a wave that the study lacks": dated(
            "waves: {mid: {from: 2026-03-01, to: 2026-03-31}}", stops=True,
            says=("dates of a wave that the study does not have",),
        ),
        "out of order": dated(
            "waves: {post: {from: 2025-03-01, to: 2025-03-31}}", stops=True,
            says=("waves out of order",),
        ),
    },
}  # fmt: skip
