"""Files as people hand them in when something went wrong: made here, read by the tests."""

# ruff: noqa: E501

import codecs
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
from xlsxwriter import Workbook

from tests.tiny_study import sheets

GOOD = sheets(*(f"{n}|0301|5|abc{n:02}|Ja|Enig|Uenig|Enig" for n in range(10, 34)))
TEXT = GOOD.to_csv(sep=";", index=False, lineterminator="\r\n")
HEAD, *ROWS = TEXT.splitlines(keepends=True)


def text(content: str, encoding: str = "utf-8") -> bytes:
    return content.encode(encoding)


def cell(row: int, column: str, value: str) -> bytes:
    frame = GOOD.copy()
    frame.loc[row, column] = value
    return frame.to_csv(sep=";", index=False).encode()


def column(name: str, values: str | list[str]) -> bytes:
    return GOOD.assign(**{name: values}).to_csv(sep=";", index=False).encode()


def workbook(write: Callable[[Workbook], None] | None = None, frame: pd.DataFrame = GOOD) -> bytes:
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True, "nan_inf_to_errors": True}) as book:
        sheet = book.add_worksheet("Svar")
        for number, row in enumerate([list(frame), *frame.to_numpy().tolist()]):
            sheet.write_row(number, 0, row)
        if write:
            write(book)
    return buffer.getvalue()


def far_cell(book: Workbook) -> None:
    book.get_worksheet_by_name("Svar").write(1_048_575, 16_383, "her")


def error_cell(book: Workbook) -> None:
    book.get_worksheet_by_name("Svar").write_formula("G3", "=NA()", None, "#N/A")


def second_sheet(book: Workbook) -> None:
    other = book.add_worksheet("Ark2")
    other.write_column(0, 0, ["navn", "a", "b"])


def bomb() -> bytes:
    """A sheet that is small on the disk and 2 GB when unpacked."""
    whole = io.BytesIO(workbook())
    with (
        zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("xl/media/image1.bin", "w", force_zip64=True) as part,
    ):
        for _ in range(250):
            part.write(bytes(8_000_000))
    return whole.getvalue()


def sav(frame: pd.DataFrame = GOOD, **options) -> bytes:
    path = Path(options.pop("folder")) / "made.sav"
    pyreadstat.write_sav(frame, path, **options)
    return path.read_bytes()


SHORT = "".join([HEAD, *ROWS[:3], "40;2025-09-20T10:40:00+02:00;0301\r\n"])
# name → (content, suffix, what is said); what is said may be a part of the message, or
# "ledger: reason" where the file is read and the sheets leave with that reason, or "read"
CORPUS: dict[str, tuple[bytes, str, str]] = {
    "0 bytes": (b"", ".csv", "empty export"),
    "blanks alone": (b" \r\n\t\r\n", ".csv", "empty export"),
    "headings alone": (text(HEAD), ".csv", "empty export"),
    "one row": (text(HEAD + ROWS[0]), ".csv", "read"),
    "no newline at the end": (text(TEXT.rstrip()), ".csv", "read"),
    "a mark": (text(TEXT, "utf-8-sig"), ".csv", "read"),
    "two marks": (codecs.BOM_UTF8 + text(TEXT, "utf-8-sig"), ".csv", "read"),
    "utf-16 with its mark": (text(TEXT, "utf-16"), ".csv", "read"),
    "utf-16 big endian with its mark": (codecs.BOM_UTF16_BE + text(TEXT, "utf-16-be"), ".csv", "read"),
    "utf-16 without a mark": (text(TEXT, "utf-16-le"), ".csv", "cannot be decoded"),
    "utf-16 cut in half a sign": (text(TEXT, "utf-16")[:-1], ".csv", "cannot be decoded"),
    "utf-32": (text(TEXT, "utf-32"), ".csv", "cannot be decoded"),
    "cp1252": (text(TEXT.replace("abc10", "æbc10"), "cp1252"), ".csv", "read"),
    "mac roman": (text(TEXT.replace("abc10", "æøå10"), "mac_roman"), ".csv", "cannot be decoded"),
    "shift-jis": (text(TEXT.replace("abc10", "日本語"), "shift_jis"), ".csv", "cannot be decoded"),
    "NUL bytes": (text(TEXT.replace("abc10", "ab\x0010")), ".csv", "NUL"),
    "random bytes": (bytes(range(256)) * 40, ".csv", "cannot be decoded"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), ".csv", "a file that is no export"),
    "a web page": (b"<!DOCTYPE html><html><body>Logg inn</body></html>", ".csv", "a file that is no export"),
    "json": (b'{"answers": [1, 2, 3], "form": 7}\n', ".csv", ""),
    "comma": (text(TEXT.replace(";", ",")), ".csv", "read"),
    "tab": (text(TEXT.replace(";", "\t")), ".csv", "read"),
    "bar": (text(TEXT.replace(";", "|")), ".csv", "read"),
    "colon": (text(TEXT.replace(";", "^")), ".csv", "delimiter"),
    "a row too short": (text(SHORT), ".csv", "wrong number of fields"),
    "a row too long": (text(TEXT + "40;" * 14 + "\r\n"), ".csv", "wrong number of fields"),
    "cut in the middle of a row": (text(TEXT)[:-30], ".csv", "wrong number of fields"),
    "an open quotation mark": (text(TEXT.replace("abc10", '"abc10')), ".csv", "read"),
    "a quotation mark in a cell": (text(TEXT.replace("abc10", '"ab""10"')), ".csv", "read"),
    "line breaks in a cell": (text(TEXT.replace("abc10", '"ab\r\nc10"')), ".csv", "read"),
    "old Mac line ends": (text(TEXT.replace("\r\n", "\r")), ".csv", "read"),
    "mixed line ends": (text(TEXT.replace("\r\n", "\n", 5)), ".csv", "read"),
    "blank rows between": (text(TEXT.replace("\r\n", "\r\n;;;;;;;;\r\n", 4)), ".csv", "read"),
    "headings that repeat": (text(TEXT.replace("u2;u3", "u2;u2")), ".csv", "item not found"),
    "the heading row again further down": (text(TEXT + HEAD), ".csv", "the headings stand again"),
    "headings in capitals": (text(HEAD.upper() + "".join(ROWS)), ".csv", "read"),
    "headings with blanks": (text(HEAD.replace(";", " ; ") + "".join(ROWS)), ".csv", "read"),
    "no heading row": (text("".join(ROWS)), ".csv", "column not found"),
    "an item that is missing": (GOOD.drop(columns="u2").to_csv(sep=";", index=False).encode(), ".csv", "item not found"),
    "no school column": (GOOD.drop(columns="skole").to_csv(sep=";", index=False).encode(), ".csv", "column not found"),
    "school and grade have changed places": (
        GOOD.rename(columns={"skole": "trinn", "trinn": "skole"}).to_csv(sep=";", index=False).encode(),
        ".csv", "no school of the register"),
    "code and answer have changed places": (
        GOOD.rename(columns={"u1": "kode", "kode": "u1"}).to_csv(sep=";", index=False).encode(),
        ".csv", "24 different texts in 24 cells of u1, which are not shown"),
    "consent that nobody gave": (column("samtykke", "Nei"), ".csv", "nobody consents"),
    "schools that nobody knows": (column("skole", ["0301", *["9999"] * 23]), ".csv", "most of a wave"),
    "a year late": (column("tid", "2024-09-20T10:00:00"), ".csv", "many answers from before"),
    "the other wave's file": (column("tid", "2027-09-20T10:00:00"), ".csv", "most of a wave"),
    "one code for all": (column("kode", "aaaaaa"), ".csv", "most of a wave"),
    "times of another kind": (column("tid", "uke 38"), ".csv", "time of submission not understood"),
    "an impossible day": (cell(3, "tid", "2025-02-30"), ".csv", "time of submission not understood"),
    "grades of another country": (column("trinn", "sophomore"), ".csv", "no grade is understood"),
    "one grade that is none": (cell(3, "trinn", "ungdom"), ".csv", "ledger: impossible_grade"),
    "a grade that the school lacks": (cell(3, "trinn", "10"), ".csv", "ledger: impossible_grade"),
    "one unknown school": (cell(3, "skole", "Nes"), ".csv", "ledger: unknown_school"),
    "a trial": (cell(3, "skole", "TEST"), ".csv", "ledger: test_answer"),
    "before the wave": (cell(3, "tid", "2025-08-30T10:00:00"), ".csv", "ledger: test_answer"),
    "in the other wave": (cell(3, "tid", "2027-09-20T10:00:00"), ".csv", "ledger: wrong_form"),
    "twice the same person": (cell(3, "kode", "abc10"), ".csv", "ledger: duplicate"),
    "an answer that is none": (cell(3, "u1", "Kanskje"), ".csv", "1 text in 1 cell, not shown"),
    "a number out of range": (cell(3, "u1", "77"), ".csv", "read"),
    "a formula": (cell(3, "kode", "=1+1"), ".csv", "read"),
    "a formula as an answer": (cell(3, "u1", '=HYPERLINK("x")'), ".csv", "unknown answer"),
    "10,000 signs in a cell": (cell(3, "kode", "æ" * 10_000), ".csv", "read"),
    "10,000 signs as an answer": (cell(3, "u1", "æ" * 10_000), ".csv", "unknown answer"),
    "1,000 columns more": (
        pd.concat([GOOD, pd.DataFrame("", GOOD.index, [f"x{i}" for i in range(1000)])], axis=1)
        .to_csv(sep=";", index=False).encode(), ".csv", "read"),
    "a workbook": (workbook(), ".xlsx", "read"),
    "a workbook cut short": (workbook()[:3000], ".xlsx", "unreadable export"),
    "a workbook of 0 bytes": (b"", ".xlsx", "empty export"),
    "text with the name of a workbook": (text(TEXT), ".xlsx", "unreadable export"),
    "a web page with the name of a workbook": (b"<html><table></table></html>", ".xlsx", "a file that is no export"),
    "a workbook with a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), ".xlsx", "password"),
    "an empty archive": (b"PK\x05\x06" + bytes(18), ".xlsx", "unreadable export"),
    "a workbook with headings alone": (workbook(frame=GOOD.iloc[:0]), ".xlsx", "empty export"),
    "a cell in the last corner": (workbook(far_cell), ".xlsx", "larger than any survey"),
    "an error value": (workbook(error_cell), ".xlsx", "#N/A in u1"),
    "a second sheet": (workbook(second_sheet), ".xlsx", "more than one sheet with answers"),
    "not SPSS": (text(TEXT), ".sav", "unreadable export"),
    "SPSS of 0 bytes": (b"", ".sav", "empty export"),
    "an SPSS header alone": (b"$FL2@(#) SPSS DATA FILE" + bytes(150), ".sav", "unreadable export"),
}  # fmt: skip


def with_files(folder: Path) -> dict[str, tuple[bytes, str, str]]:
    """Those that need a disk to be made."""
    whole = sav(folder=folder)
    return {
        "SPSS": (whole, ".sav", "read"),
        "SPSS cut short": (whole[: len(whole) // 2], ".sav", "unreadable export"),
        "SPSS with damaged bytes": (whole[:200] + b"\xff" * 300 + whole[500:], ".sav", ""),
        "SPSS without a row": (sav(GOOD.iloc[:0], folder=folder), ".sav", "empty export"),
        "a bomb": (bomb(), ".xlsx", "larger than any survey"),
    }
