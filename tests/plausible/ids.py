"""Ids and codes that a spreadsheet has changed."""

from tests.plausible import Case, case, given, study

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


KINDS = {
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
            says=("an id that is none, or has lost digits", "9,99999E+99"),
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
