"""Codes that are no answers, codes that cannot be told apart, and sheets without an answer."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
from xlsxwriter import Workbook

from tests.plausible import INSTRUMENT, case, given, study

LABELS = ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"]
BOTH = ("pre: {tool: table, file: pre.csv}", "post: {tool: table, file: post.csv}")


def sheets(cells, n: int = 40, sign: str = ";") -> str:
    """Return a table of n sheets; `cells` gives the three answers of a sheet by its number."""
    rows = [["school", "id", "q1", "q2", "q3"]]
    rows += [[str(101 + i % 4), f"a{i}", *map(str, cells(i))] for i in range(n)]
    return "\n".join(sign.join(row) for row in rows) + "\n"


def spread(i: int) -> list[int]:
    return [1 + i % 5, 1 + (i + 1) % 5, 1 + (i + 2) % 5]


def but(n: int, code: object):
    """Return answers 1–5, with a code in the first item of the first n sheets."""
    return lambda i: [code, *spread(i)[1:]] if i < n else spread(i)


def ends(second: int) -> list:
    """Return the answers of a tool that knows the labels of the ends alone."""
    return [LABELS[0], second, second + 1, second + 2, LABELS[4]]


def rare(low: int):
    """Return answers from a scale that begins elsewhere, its lowest point chosen once."""
    return lambda i: [low if i == 7 else low + 1 + (i + j) % 4 for j in range(3)]


def workbook(text: str) -> bytes:
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, line in enumerate(text.splitlines()):
            cells = line.split(";")
            sheet.write_row(place, 0, [float(c) if c.isdigit() and place else c for c in cells])
    return out.getvalue()


def sav(text: str, **options: object) -> bytes:
    frame = pd.read_csv(io.StringIO(text), sep=";", dtype={"school": str, "id": str})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sav"
        pyreadstat.write_sav(frame, path, **options)
        return path.read_bytes()


def labels(low: int = 1, **more: str) -> dict:
    stored = {low + i: label for i, label in enumerate(LABELS)}
    stored |= {int(code.strip("c")): label for code, label in more.items()}
    return {"variable_value_labels": dict.fromkeys(("q1", "q2", "q3"), stored)}


def of(name: str, tool: str = "") -> str:
    return study(f"pre: {{{f'tool: {tool}, ' if tool else ''}file: {name}}}")


def stored(*columns: str, turned: bool = True, low: int = 1) -> dict:
    """Return value labels of some columns, turned or as the instrument has them."""
    texts = dict(enumerate(LABELS[::-1] if turned else LABELS, start=low))
    return {"variable_value_labels": dict.fromkeys(columns, texts)}


def waves(second: str, content: str | bytes, *columns: str, **options: object) -> dict:
    """Return a study of pre.sav, in which some columns have labels, and of a second wave."""
    table = "tool: table, " if second.endswith("csv") else ""
    both = study("pre: {file: pre.sav}", f"post: {{{table}file: {second}}}")
    first = sheets(lambda i: [v - 1 + options.get("low", 1) for v in spread(i)])
    first = sav(first, **stored(*(columns or ("q1", "q2", "q3")), **options))
    return {"study.yml": both, "pre.sav": first, second: content}


def middle(i: int) -> list[int]:
    return [1 + i % 4, 1 + (i + 1) % 4, 1 + (i + 2) % 4]


ZERO = rare(0)
FIRST = [1 + i % 5 for i in range(40)]
BY_SCHOOL = [v for s in range(4) for v in FIRST[s::4]]  # clean data are sorted by school
WITHOUT_TWO = [None if i < 2 else FIRST[i] for i in range(40)]
LEFT_TWO = [v for s in range(4) for v in WITHOUT_TWO[s::4]]
DECLARED = INSTRUMENT.replace("[Don't know]", '[Don\'t know, "-9", "99"]')
SHIFTED = "codes that no answer has"
XACT_LABELS = "".join(
    f'"{q}";"{code}";"{label}"\n'
    for q in ("q1", "q2", "q3")
    for code, label in enumerate(["Strongly disagree", *LABELS[1:4], "Agree"], start=1)
)

KINDS = {
    "codes outside the scale": {
        "given": given(
            "qualtrics_recodes",
            stops=True,
            says=(SHIFTED, "23", "the codes run 23–27, the scale 1–5", "joy_1 (Q1_1)"),
        ),
        "from 0, which is rare": case(
            {"pre.csv": sheets(ZERO, 400)},
            stops=True,
            says=("0 (3 times) in joy_1 (q1), joy_2 (q2), joy_3 (q3)", "run 0–4, the scale 1–5"),
        ),
        "from 0, with codes of no answer": case(
            {"pre.csv": sheets(lambda i: [9, *ZERO(i)[1:]] if i < 2 else ZERO(i), 400)},
            stops=True, says=("0 (3 times), 9 (2 times)", "these numbers are not those"),
        ),
        "from 0 in a workbook": case(
            {"study.yml": of("pre.xlsx"), "pre.xlsx": workbook(sheets(ZERO))}, stops=True,
            says=("the codes run 0–4, the scale 1–5",),
        ),
        "from 0 in SPSS, labels of missing codes alone": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(ZERO), variable_value_labels={"q1": {9: "Don't know"}}),
            },
            stops=True, says=("the codes run 0–4, the scale 1–5",),
        ),
        "a wave shifted by one": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(spread), "post.csv": sheets(rare(2))},
            stops=True, says=("the codes run 2–6, the scale 1–5", "post.csv (pupils, post)"),
        ),
        "two sheets of recodes": case(
            {"pre.csv": sheets(lambda i: [23, 24, 27], 2)}, stops=True, says=("23 (2 times)",)
        ),
        "decimals": case(
            {"pre.csv": sheets(but(9, "3,5"))}, stops=True, says=("3.5 (9 times)", "score: as_is")
        ),
        "codes of no answer": case(
            {"pre.csv": sheets(but(9, -9))}, stops=True, says=("-9 (9 times)", "`missing`")
        ),
        "ids in the place of answers": case(
            {"pre.csv": sheets(lambda i: [4711 + 7 * i, *spread(i)[1:]])},
            stops=True, says=("40 codes in joy_1 (q1)", "not shown"), hides=("4711", "4718"),
        ),
        "one item from 0, the others from 1": case(
            {"pre.csv": sheets(lambda i: [ZERO(i)[0], *spread(i)[1:]], 400)},
            stops=True, says=("0 (1 time) in joy_1 (q1); the codes run 0–4",),
        ),
    },
    "codes that are let through": {
        "two slips": case(
            {"pre.csv": sheets(but(2, 7))},
            says=("a few codes that no answer has", "7 (2 times) in joy_1 (q1)", "in rows 2, 3"),
            values={"joy_1": LEFT_TWO}, aside={},
        ),
        "few of many": case({"pre.csv": sheets(but(4, 9), 500)}, says=("9 (4 times)",), aside={}),
        "two ids": case(
            {"pre.csv": sheets(but(2, 47118))}, says=("1 code in joy_1", "are not shown"),
            hides=("47118",), values={"joy_1": LEFT_TWO},
        ),
        "declared, with decimals": case(
            {"pre.csv": sheets(but(2, "-9.0")), "instruments/mini.yml": DECLARED},
            values={"joy_1": LEFT_TWO},
        ),
        "declared, in most sheets": case(
            {"pre.csv": sheets(but(30, 99)), "instruments/mini.yml": DECLARED},
            says=("declared_missing", "99 (30)", "warning", "joy_1"),
        ),
        "missing to SPSS": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(but(2, 9)), missing_ranges={"q1": [9]}, **labels()),
            },
            values={"joy_1": LEFT_TWO},
        ),
        "labelled as missing": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(but(2, 9)), **labels(c9="Don't know")),
            },
            values={"joy_1": LEFT_TWO},
        ),
        "from 0, with labels": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(lambda i: np.subtract(spread(i), 1)), **labels(0)),
            },
            values={"joy_1": BY_SCHOOL}, aside={},
        ),
        "a minus of typographers": case(
            {"pre.csv": sheets(but(2, "−9")), "instruments/mini.yml": DECLARED},
            values={"joy_1": LEFT_TWO},
        ),
    },
    "labels and numbers in one column": {
        "only the ends have labels, from 0": case(
            {"pre.csv": sheets(lambda i: [ends(1)[i % 5]] * 3)}, stops=True,
            says=("1 stands as its label and as a number in joy_1 (q1)", "4 stands nowhere"),
        ),
        "only the ends have labels, shifted upwards": case(
            {"pre.csv": sheets(lambda i: [ends(3)[i % 5]] * 3)}, stops=True,
            says=("5 stands as its label and as a number", "2 stands nowhere"),
        ),
        "ends and middle have labels, from 0": case(
            {"pre.csv": sheets(lambda i: [[LABELS[0], 1, LABELS[2], 3, LABELS[4]][i % 5]] * 3)},
            stops=True, says=("and 1 other answers so; 2 stands nowhere",),
        ),
        "ends from 0 in one item": case(
            {"pre.csv": sheets(lambda i: [ends(1)[i % 5], *spread(i)[1:]])}, stops=True,
            says=("1 stands as its label and as a number in joy_1 (q1); 4 stands nowhere",),
        ),
        "ends from 0 in a workbook": case(
            {"study.yml": of("pre.xlsx"),
             "pre.xlsx": workbook(sheets(lambda i: [ends(1)[i % 5]] * 3))},
            stops=True, says=("4 stands nowhere",),
        ),
        "two clerks, an answer that nobody gave": case(
            {"pre.csv": sheets(
                lambda i: [[LABELS[i % 3], LABELS[4], 1 + i % 3, 5][i % 4]] * 3, 60)},
            says=("look whether the numbers are those of the instrument",), aside={},
        ),
        "only the ends have labels, from 1": case(
            {"pre.csv": sheets(lambda i: [ends(2)[i % 5]] * 3)},
            hides=("answers as labels and as numbers",), values={"joy_1": BY_SCHOOL},
        ),
        "two clerks": case(
            {"pre.csv": sheets(lambda i: [LABELS[i % 5] if i % 2 else i % 5 + 1] * 3)},
            says=("1 stands as its label and as a number", "and 4 other answers so"),
            values={"joy_1": BY_SCHOOL},
        ),
        "labels that are numbers": case(
            {
                "pre.csv": sheets(spread),
                "instruments/mini.yml": INSTRUMENT.replace("{en: Neutral}", '{en: "3"}'),
            },
            hides=("answers as labels and as numbers",), values={"joy_1": BY_SCHOOL},
        ),
        "the ends of SPSS, from 0": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(
                    sheets(lambda i: [i % 5] * 3),
                    variable_value_labels={
                        q: {0: LABELS[0], 4: LABELS[4]} for q in ("q1", "q2", "q3")
                    },
                ),
            },
            stops=True, says=("unknown answer", "“2”"),
        ),
    },
    "numbers without labels beside turned labels": {
        "a table after SPSS": case(
            waves("post.csv", sheets(spread)),
            says=("warning: numbers without labels that mean something else",
                  "numbers alone in joy_1 (q1), joy_2 (q2), joy_3 (q3); in pre.sav (pupils, pre)",
                  "1 of joy_1 (q1) has the label of 5", "where: post.csv (pupils, post)"),
        ),
        "SPSS without labels after SPSS": case(
            waves("post.sav", sav(sheets(spread))), stops=True,
            says=("numbers without labels that mean something else",),
        ),
        "SPSS with labels of missing codes alone": case(
            waves("post.sav", sav(sheets(spread), variable_value_labels={
                q: {9: "Don't know"} for q in ("q1", "q2", "q3")})),
            stops=True, says=("has the label of 5",),
        ),
        "only the middle has a label": case(
            waves("post.sav", sav(sheets(spread), variable_value_labels={
                q: {3: "Neutral"} for q in ("q1", "q2", "q3")})),
            stops=True, says=("has the label of 5",),
        ),
        "within one file": case(
            {"study.yml": of("pre.sav"), "pre.sav": sav(sheets(spread), **stored("q1"))},
            stops=True,
            says=("numbers alone in joy_2 (q2), joy_3 (q3); here 1 of joy_1 (q1) has the label",),
        ),
        "another file of the wave": case(
            {
                "study.yml": study("pre: [{file: one.sav}, {tool: table, file: two.csv}]"),
                "one.sav": sav(sheets(spread), **stored("q1", "q2", "q3")),
                "two.csv": sheets(spread).replace(";a", ";b"),
            },
            stops=True, says=("where: two.csv",),
        ),
        "SurveyXact before SPSS without labels": case(
            {
                "study.yml": study(
                    "pre: {tool: surveyxact, file: dataset.csv}", "post: {file: post.sav}"),
                "dataset.csv": "respondentid;" + sheets(spread).replace("\n1", "\n1;1"),
                "labels.csv": "".join(
                    f'"{q}";"{code}";"{label}"\n' for q in ("q1", "q2", "q3")
                    for code, label in enumerate(LABELS[::-1], start=1)),
                "post.sav": sav(sheets(spread)),
            },
            says=("warning: numbers without labels", "where: post.sav"),
        ),
        "labels from 0, numbers that could be so": case(
            waves("post.csv", sheets(middle), turned=False, low=0),
            says=("warning: numbers", "0 of joy_1 (q1) has the label of 1"),
        ),
    },
    "numbers without labels that are the instrument's": {
        "labels in its direction": case(
            waves("post.csv", sheets(spread), turned=False), aside={}, linked=40
        ),
        "within one file": case(
            {"study.yml": of("pre.sav"),
             "pre.sav": sav(sheets(spread), **stored("q1", turned=False))},
            values={"joy_1": BY_SCHOOL}, aside={},
        ),
        "labels of the ends, after turned ones": case(
            waves("post.sav", sav(sheets(spread), variable_value_labels={
                q: {1: LABELS[0], 5: LABELS[4]} for q in ("q1", "q2", "q3")})),
            aside={}, linked=40,
        ),
        "labels from 0, numbers to 5": case(
            waves("post.csv", sheets(spread), turned=False, low=0), aside={}, linked=40
        ),
        "texts after turned labels": case(
            waves("post.csv", sheets(lambda i: [LABELS[v - 1] for v in spread(i)])),
            aside={}, linked=40,
        ),
    },
    "an end that one wave lacks": {
        "the highest": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(spread), "post.csv": sheets(middle)},
            says=("warning: an end answer that nobody gives in another wave",
                  "5 of agree5 (", "of people in pre, nobody in post)", "are its codes shifted?"),
        ),
        "the lowest, in the first wave": case(
            {"study.yml": study(*BOTH), "post.csv": sheets(spread),
             "pre.csv": sheets(lambda i: [v + 1 for v in middle(i)])},
            says=("1 of agree5 (", "of people in post, nobody in pre)"),
        ),
        "of an item that is reversed": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(spread), "post.csv": sheets(middle),
             "instruments/mini.yml": INSTRUMENT.replace("[q2]}", "[q2], reversed: yes}")},
            says=("5 of agree5 (", "of people in pre, nobody in post)",),
        ),
        "few answers": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(spread), "post.csv": sheets(middle, 33)},
            hides=("an end answer",), aside={},
        ),
        "chosen once": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(spread),
             "post.csv": sheets(lambda i: [5, 1, 1] if i == 9 else middle(i))},
            hides=("an end answer",), aside={},
        ),
        "in no wave": case(
            {"study.yml": study(*BOTH), "pre.csv": sheets(middle), "post.csv": sheets(middle)},
            hides=("an end answer",), aside={},
        ),
    },
    "one label for several codes": {
        "given": given(
            "spss_same_label_twice", stops=True, says=("one label for several codes", "“Agree”")
        ),
        "in another case": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(spread), **labels(c5="AGREE ")),
            },
            stops=True, says=("4 and 5 are both “Agree” in joy_1 (q1), joy_2 (q2), joy_3 (q3)",),
        ),
        "SurveyXact": case(
            {
                "study.yml": of("dataset.csv", "surveyxact"),
                "dataset.csv": "respondentid;" + sheets(spread).replace("\n1", "\n1;1"),
                "labels.csv": XACT_LABELS,
            },
            stops=True, says=("4 and 5 are both “Agree”",),
        ),
        "of a background column": case(
            {
                "study.yml": study(
                    "pre: {file: pre.sav}", columns="{school_id: school, gender: q2}",
                    more="    values: {gender: {girl: [Girl], boy: [Boy]}}",
                ),
                "instruments/mini.yml": INSTRUMENT.replace(
                    "      joy_2: {en: I like shapes, columns: [q2]}\n", ""),
                "pre.sav": sav(
                    sheets(lambda i: [spread(i)[0], 1 + i % 2, spread(i)[2]]),
                    variable_value_labels={"q2": {1: "Girl", 2: "girl"}},
                ),
            },
            stops=True, says=("1 and 2 are “Girl” in gender",),
        ),
        "of a code that nobody chose": case(
            {"study.yml": of("pre.sav"), "pre.sav": sav(sheets(spread), **labels(c6="Agree"))},
            stops=True, says=("4 and 6 are both “Agree”",),
        ),
        "neither is met": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(spread), **labels(c7="Perhaps", c8="Perhaps")),
            },
            values={"joy_1": BY_SCHOOL},
        ),
        "both mean no answer": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(but(2, 8)), **labels(c8="Don't know", c9="Don't know")),
            },
            values={"joy_1": LEFT_TWO},
        ),
    },
    "a wave without answers": {
        "all of it": case(
            {"pre.csv": sheets(lambda i: ["", "", ""])}, stops=True,
            says=("40 of 40 questionnaires as no_answers",),
        ),
        "more than half": case(
            {"pre.csv": sheets(lambda i: [""] * 3 if i < 21 else spread(i))}, stops=True,
            says=("21 of 40 questionnaires as no_answers",),
        ),
        "don't know throughout": case(
            {"pre.csv": sheets(lambda i: ["Don't know"] * 3 if i < 30 else spread(i))}, stops=True,
            says=("30 of 40 questionnaires as no_answers",),
        ),
        "missing codes throughout": case(
            {
                "study.yml": of("pre.sav"),
                "pre.sav": sav(sheets(lambda i: [9, 9, 9]), missing_ranges={
                    "q1": [9], "q2": [9], "q3": [9]}),
            },
            stops=True, says=("no_answers",),
        ),
        "all of a few": case({"pre.csv": sheets(lambda i: [""] * 3, 6)}, stops=True),
        "a third": case(
            {"pre.csv": sheets(lambda i: [""] * 3 if i < 13 else spread(i))},
            says=("13  32.5 %  warning: no_answers, nothing is answered",),
            aside={"no_answers": 13},
        ),
    },
}  # fmt: skip
