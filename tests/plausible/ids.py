"""Ids and codes that a spreadsheet has changed."""

import io
from dataclasses import replace

import pandas as pd

from tests.plausible import Case, case, given, study
from tests.plausible.registers import workbook

BOTH = ("pre: {tool: table, file: pre.csv}", "post: {tool: table, file: post.csv}")
TWO_WAVES = study(*BOTH)
CODES = study(*BOTH, columns="{school_id: school, grade: grade}", link="{by: code, column: id}")
AGREE = "4;4;4"


def wave(ids: tuple[str, ...], head: str = "school;id;q1;q2;q3") -> str:
    rows = [f"101;{one};{AGREE}" for one in ids]
    return "\n".join([head, *rows, ""])


def waves(pre: tuple[str, ...], post: tuple[str, ...], linked: int = 0, **truth: object) -> Case:
    """Return the case of the ids of two waves, and how many people are in both."""
    files = {"study.yml": TWO_WAVES, "pre.csv": wave(pre), "post.csv": wave(post)}
    truth = {"linked": linked, "hides": pre[:1], **truth}
    return case({**files, **truth.pop("files", {})}, **truth)


def stops(pre: tuple[str, ...], post: tuple[str, ...], *says: str, **truth: object) -> Case:
    return waves(pre, post, stops=True, says=says, **truth)


def coded(pre: tuple[str, ...], post: tuple[str, ...], linked: int) -> Case:
    """Return the case of codes that pupils make themselves."""
    head, tail = "school;grade;id;q1;q2;q3", f";{AGREE}"
    files = {
        name: "\n".join([head, *(f"101;{grade};{one}{tail}" for one in ids), ""])
        for name, grade, ids in (("pre.csv", 5, pre), ("post.csv", 7, post))
    }
    return case({"study.yml": CODES, **files}, linked=linked)


def listed(ids: tuple[str, ...], withdrawn: str, n: int, **truth: object) -> Case:
    """Return the case of a list of withdrawals, and how many sheets it means."""
    files = {
        "study.yml": study(top="withdrawn: gone.csv"),
        "pre.csv": wave(ids),
        "gone.csv": f"id;note\n{withdrawn};\n",
    }
    return case(files, aside={"withdrawn": n} if n else {}, **truth)


def attended(ids: tuple[str, ...], register: tuple[str, ...], counts: list, **truth) -> Case:
    """Return the case of a register of attendance whose ids are written otherwise."""
    more = "    attendance: {file: att.csv, id: aid, columns: {gatherings: n}}"
    rows = [f"{one};{place + 1}" for place, one in enumerate(register)]
    files = {
        "study.yml": study(population="teachers", more=more),
        "pre.csv": wave(ids),
        "att.csv": "\n".join(["aid;n", *rows, ""]),
    }
    return case(files, values={"gatherings": counts} if counts else {}, **truth)


def tabled(ids: tuple, **truth: object) -> Case:
    """Return the case of two waves in workbooks, whose ids are cells of numbers."""
    rows = [(101, one, 4, 4, 4) for one in ids]
    book = workbook(("school", "id", "q1", "q2", "q3"), *rows)
    yml = study("pre: {tool: excel, file: pre.xlsx}", "post: {tool: excel, file: post.xlsx}")
    return case({"study.yml": yml, "pre.xlsx": book, "post.xlsx": book}, **truth)


def stata(ids: tuple[float, ...]) -> bytes:
    """Return a file of Stata whose ids are numbers."""
    out = io.BytesIO()
    frame = pd.DataFrame({"school": 101, "id": ids, "q1": 4, "q2": 4, "q3": 4})
    frame.to_stata(out, write_index=False)
    return out.getvalue()


def rows_of_lists(lists: dict[str, str], *says: str, more: str = "", **truth: object) -> Case:
    """Return the case of lists about two sheets of one wave."""
    top = "withdrawn: gone.csv" if "gone.csv" in lists else ""
    files = {"study.yml": study(top=top, more=more), "pre.csv": wave(("a1", "a2"))}
    return case({**files, **lists}, says=says, hides=("nobody7",), **truth)


OPT_OUT = "    consent: {pre: {opt_out: no.csv}}"
GUARDIANS = "    consent: {pre: {guardian: {list: yes.csv, below: 15}}}"
LONG = ("1234567890123450", "2234567890123450", "3234567890123450")
WHOLE = "1234567890123457"
MAY_BE = "they may be thousands or decimals"
DIGITS_LOST = "of the form 9.99999999999999E+99: digits are lost"

KINDS = {
    "thousands that may be decimals": {
        "english": stops(("1,000", "a1"), ("1", "a1"), f"1 of the form 9,999: {MAY_BE}"),
        "german": stops(("1.000", "a1"), ("1", "a1"), f"1 of the form 9.999: {MAY_BE}"),
        "no zeros": stops(("1,234", "77"), ("1234", "77"), f"1 of the form 9,999: {MAY_BE}"),
        "two signs": stops(("1.234.567", "77"), ("77",), MAY_BE),
        "three decimals": stops(("1204.000", "77"), ("1204", "77"), MAY_BE),
        "in the last wave": stops(("1", "1000"), ("1,000",), MAY_BE, hides=("1,000",)),
        "two decimals": waves(("1,00", "77,0"), ("1", "77"), 2),
        "a list": listed(("1", "2"), '"1,000"', 0, stops=True, says=("an id that is none",)),
        "codes without their signs": coded(("12.345", "ab12"), ("12345", "ab12"), 2),
    },
    "long ids that have lost digits": {
        "a workbook": tabled((12345678901234567, 77), stops=True, says=(DIGITS_LOST,)),
        "just too long": tabled((2**53, 77), stops=True, says=("digits are lost",)),
        "just short enough": tabled((900719925474099, 77), linked=2),
        "stata": case(
            {
                "study.yml": study("pre: {tool: stata, file: pre.dta}"),
                "pre.dta": stata((1.2345678901234568e16, 2.0)),
            },
            stops=True, says=(DIGITS_LOST,),
        ),
        "text": stops(LONG, ("77",), "3 of the form 9999999999999999: digits are lost"),
        "longer text": stops(tuple(f"{one}00" for one in LONG), ("77",), "digits are lost"),
        "two of them": waves(LONG[:2], LONG[:2], 2),
        "one that is whole": waves((*LONG, WHOLE), (*LONG[:2], WHOLE), 3),
    },
    "ids that look alike": {
        "wide": waves(("\uff41\uff11", "b2"), ("a1", "b2"), 2),
        "nothing to be seen": waves(
            ("a\u200b1", "b\ufeff2", "c\u00ad3"), ("a1", "b2", "c3\u2060"), 3
        ),
        "dashes": waves(
            ("11\u20131004", "11\u20111005", "11\u22121006"), ("11-1004", "11-1005", "11-1006"), 3
        ),
        "blanks": waves(("a\u00a01", "b\u202f 2"), ("a 1", "b 2"), 2),
        "a national identity number": waves(("010190 12345", "a1"), ("01019012345", "a1"), 2),
        "and its hyphen": waves(("010190-12345", "a1"), ("010190\u00a012345", "a1"), 2),
        "without its zero": waves(("89010 89974", "a1"), ("089010 89974", "a1"), 2),
        "zeros": waves(("0042\u200b", "1234"), ("42", "1234"), 2),
        "codes": coded(("\uff41n12", "be\u201307"), ("an12", "be07"), 2),
        "a list": listed(("11-1004", "a1"), "11\u20131004", 1),
    },
    "rows of lists that mean nobody": {
        "withdrawn": rows_of_lists(
            {"gone.csv": "id;note\na1;\nnobody7;\n"},
            "warning: withdrawals that mean no questionnaire",
            "1 of 2 rows of gone.csv mean no questionnaire: rows 3", aside={"withdrawn": 1},
        ),
        "opted out": rows_of_lists(
            {"no.csv": "id;note\nnobody7;\na2;\n"}, "rows of a list that mean no questionnaire",
            "1 of 2 rows of no.csv mean no questionnaire: rows 2",
            more=OPT_OUT, aside={"opted_out": 1},
        ),
        "guardians": rows_of_lists(
            {"yes.csv": "id;note\na1;\nnobody7;\n"},
            "1 of 2 rows of yes.csv mean no questionnaire: rows 3",
            more=GUARDIANS, aside={"no_consent": 1},
        ),
        "two lists": rows_of_lists(
            {"gone.csv": "id;note\na1;\n", "no.csv": "id;note\na1;\nnobody7;\n"},
            "1 of 2 rows of no.csv mean no questionnaire: rows 3",
            more=OPT_OUT, aside={"withdrawn": 1},
        ),
        "two waves": case(
            {
                "study.yml": TWO_WAVES.replace("populations:", "withdrawn: gone.csv\npopulations:"),
                "pre.csv": wave(("a1", "a2")), "post.csv": wave(("a2", "a3")),
                "gone.csv": "id;wave\na1;\na3;\na1;post\n",
            },
            says=("1 of 3 rows of gone.csv mean no questionnaire: rows 4",), aside={"withdrawn": 2},
        ),
    },
    "waves that hold other ids": {
        "nobody": waves(
            ("a1", "a2", "a3"), ("b1", "b2"), 0, hides=(),
            says=("warning: hardly anybody is found again",
                  "0 of 2 questionnaires of post are linked"),
        ),
        "one of many": waves(
            tuple(f"a{n}" for n in range(40)), ("a1", *(f"b{n}" for n in range(39))), 1,
            says=("1 of 40 questionnaires of",), hides=(),
        ),
        "a small wave": waves(
            tuple(f"a{n}" for n in range(40)), ("a1",), 1, hides=("hardly anybody",)
        ),
        "codes": replace(
            coded(("an12", "be07"), ("xx33", "yy44"), 0), says=("do both waves hold the same",)
        ),
        "one wave": case({"pre.csv": wave(("a1",))}, hides=("hardly anybody",)),
    },
    "ids with decimals or a sign before them": {
        "thousands": waves(
            ("1 234", "12\u00a0345", "1 236,00"),
            ("1234", "12345", "1236"),
            3,
            says=("were repaired",),
        ),
        "given": given("csv_id_float", linked=2, aside={}, says=("that were repaired",)),
        "commas": waves(("1234,0", "77,00"), ("1234", "77"), 2),
        "an apostrophe": waves(("'0042", "'1234"), ("0042", "1234"), 2),
        "a formula": waves(('="0043"', '="1234"'), ("0043", "1234"), 2),
        "a quoted formula": waves(('"=""0043"""', "1234"), ("0043", "1234"), 2),
        "codes": coded(("1204.0", "3105.0"), ("1204", "3105"), 2),
        "letters": waves(("'a1", "b2"), ("a1", "b2"), 2),
    },
    "ids without the zeros before them": {
        "one wave": waves(("0042", "1234"), ("42", "1234"), 2, says=("had lost the zeros",)),
        "decimals too": waves(("00042", "12345"), ("42.0", "12345.0"), 2),
        "both waves": waves(("42", "1234"), ("42", "1234"), 2),
        "codes of digits": coded(("0512", "3105"), ("512", "3105"), 2),
        "both in one wave": stops(
            ("0042", "42", "1234"), ("0042", "1234"), "ids that may have lost their zeros",
        ),
        "ids of several lengths": stops(
            ("0042", "12345"), ("42", "12345"), "ids that may have lost their zeros", "digits: 5"
        ),
        "lengths that differ without a doubt": waves(("0042", "12345"), ("0042", "777"), 1),
        "declared": waves(
            ("00042", "0042", "12345"), ("42", "12345"), 2,
            files={"study.yml": TWO_WAVES.replace("column: id}", "column: id, digits: 5}")},
            hides=(), aside={"duplicate": 1}, stops=True, says=("no time to tell",),
        ),
        "a list": listed(("0042", "1234"), "42", 1),
        "a list with them": listed(("42", "1234"), "0042", 1),
        "a register": attended(("0042", "1234"), ("42", "1234"), [1, 2]),
        "a register with more": attended(
            ("042", "123"), ("0042", "0123"), [1, 2], says=("ids of the register",)
        ),
        "a register with them": attended(
            ("42", "1234"), ("0042", "1234"), [1, 2], says=("ids of the register",)
        ),
    },
    "ids that have lost digits": {
        "a comma": stops(("1,23457E+11", "77"), ("77",), "1 of the form 9,99999E+99"),
        "a point": stops(("1.23457E+11", "77"), ("77",), "digits are lost"),
        "small letters": stops(("1.2e+05", "77"), ("77",), "1 of the form 9.9E+99"),
        "all digits there": waves(("1.23456789012E+11", "77"), ("123456789012", "77"), 2),
        "too narrow": stops(
            ("########", "77"), ("77",), "that a spreadsheet has changed", hides=()
        ),
        "a code": coded(("12E05ab", "3105"), ("12E05ab", "3105"), 2),
        "dates": stops(
            ("nov.04", "11-1005", "12-1006"), ("11-1004",), "1 of the form aaa.99", "become dates"
        ),
        "a list": listed(
            ("123457000001", "77"), "1,23457E+11", 0, stops=True,
            says=("an id that is none, or has lost digits", "rows 2, such as 9,99999E+99"),
        ),
        "a register": attended(
            ("123457000001", "77"), ("1,23457E+11", "77"), [], stops=True,
            says=("id that is blank, unknown or stands twice",), hides=("1,23457E+11",),
        ),
    },
    "cells that name nobody": {
        "na": waves(
            ("NA", "NA", "a1"), ("NA", "a1"), 1, aside={}, says=("that name nobody",), hides=()
        ),
        "errors": waves(
            ("#I/T", "#I/T", "a1"), ("#N/A", "a1"), 1, says=("that name nobody",), hides=()
        ),
        "null": waves(("NULL", "null", "a1"), ("", "a1"), 1, aside={}, hides=()),
        "a word": waves(("vet ikke", "Vet ikke", "a1"), ("-", "a1"), 1, aside={}, hides=()),
        "codes": coded(("nan", "null", "ab12"), ("nan", "null", "ab12"), 1),
        "a list of nobody": listed(
            ("a1", ""), "-", 0, stops=True, says=("an id that is none",)
        ),
    },
}  # fmt: skip
