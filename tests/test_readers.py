"""Exports come in as text, whole, or not at all."""

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from xlsxwriter import Workbook

from loftet_analysis.cleaning.headings import Headings
from loftet_analysis.cleaning.readers import Export, chained, read_export
from loftet_analysis.errors import InputError
from loftet_analysis.study import ExportFile
from loftet_analysis.study.study import Continuation

NETTSKJEMA = (
    '"$submission_id";"$created";"skole";"u1";"u1";"Jeg pr&oslash;ver &#39;alltid&#39;";"fri"\r\n'
    '"27685292";"2023-06-01T20:57:15+02:00";"0301";"1";"2";"Helt enig";"sa ""hei""; gikk\n så"\r\n'
    '"27685293";"2023-06-01T20:58:15+02:00";"0302";"";"";"";""\r\n'
)

OPEN = "quotation marks that are not closed, or close in another row"


def read(path: Path, tool: str = "table", **options: str):
    return read_export(path, ExportFile(tool=tool, file=path.name, **options))


def problem(path: Path, tool: str = "table", **options: str):
    with pytest.raises(InputError) as caught:
        read(path, tool, **options)
    (only,) = caught.value.problems
    assert path.name in (only.where + only.allowed)
    return only


@pytest.fixture
def written(tmp_path):
    def write(content: bytes | str, name: str = "æ.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def test_nettskjema_keeps_every_cell_as_it_stands(written):
    export = read(written(NETTSKJEMA, "data-1.txt", "utf-8-sig"), "nettskjema")
    assert list(export.frame)[:5] == ["$submission_id", "$created", "skole", "u1", "u1 (2)"]
    assert export.frame["skole"].to_list() == ["0301", "0302"]
    assert export.frame["fri"].to_list() == ['sa "hei"; gikk\n så', ""]
    assert export.frame["u1 (2)"].to_list() == ["2", ""]
    assert export.questions["u1 (2)"] == "u1"
    assert export.questions["fri"] == "fri"
    assert all(dtype == "str" for dtype in export.frame.dtypes)


def test_nettskjema_by_way_of_a_secure_disk_has_commas(written):
    export = read(written(NETTSKJEMA.replace('";"', '","'), "internal_1.csv"), "nettskjema")
    assert export.frame["skole"].to_list() == ["0301", "0302"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_encoding_and_delimiter_are_found_out(written, encoding, delimiter):
    text = "kode;navn\n007;Ås «øst»\nNA;null\n".replace(";", delimiter)
    frame = read(written(text, encoding=encoding)).frame
    assert frame.values.tolist() == [["007", "Ås «øst»"], ["NA", "null"]]


def test_named_encoding_and_delimiter_are_used(written):
    raw = "kode:navn\n1:æøå\n".encode("mac_roman")
    frame = read(written(raw), encoding="mac_roman", delimiter=":").frame
    assert frame.values.tolist() == [["1", "æøå"]]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty export"),
        (b"\r\n \r\n", "empty export"),
        (b"kode;u1\r\n", "empty export"),
        ("kode;u1\n1;æøå\n".encode("mac_roman"), "text that cannot be decoded"),
        ("kode;u1\n1;æøå\n".encode("utf-16-le"), "text that cannot be decoded"),
        (b"kode;u1\n1;\x00\n", "text that cannot be decoded"),
        (b'"kode";"u1"\n"1";"cut in the mid', OPEN),
        (b'"kode;u1\r\n' + b"x" * 200_000, "rows with the wrong number of fields"),
        (b"kode\n1\n", "delimiter that cannot be told"),
        (b"a;b,c\n1;2,3\n", "delimiter that cannot be told"),
    ],
)
def test_faults_of_text_are_told(written, content, what):
    assert problem(written(content)).what == what


def test_blank_lines_are_no_rows(written):
    assert read(written("\n\nkode;u1\n\n01;2\n")).frame.values.tolist() == [["01", "2"]]


def test_a_very_long_cell_is_kept(written):
    cell = "æ" * 200_000
    frame = read(written(f"kode;fri\n1;{cell}\n"), delimiter=";").frame
    assert frame["fri"].to_list() == [cell]


def test_a_wrong_encoding_is_named(written):
    found = problem(written(b"kode;u1\n1;\xe6\n"), encoding="utf-8")
    assert "utf-8" in found.allowed


def test_rows_with_too_many_or_too_few_fields_are_named_by_line(written):
    text = 'kode;u1\n1;"two\nlines"\n2\n3;4\n\n5;6;7\n'
    found = problem(written(text))
    assert found.what == "rows with the wrong number of fields"
    assert found.found == "line 4 has 1, line 7 has 3"
    assert found.allowed.startswith("2 fields")


def test_a_missing_file_names_what_lies_there(written):
    path = written("a;b\n1;2\n")
    found = problem(path.with_name("b.csv"))
    assert found.what == "export is missing"
    assert path.name in found.found


@pytest.fixture
def sav(tmp_path):
    frame = pd.DataFrame(
        {
            "u1": [1.0, 2.0, None],
            "kode": ["0301", "æøå", ""],
            "vekt": [4.5, 1e10, 3.0],
            "tid": pd.to_datetime(["2025-09-15 10:11:12", None, "2025-09-16 00:00:00"]),
        }
    )
    path = tmp_path / "pupils.sav"
    pyreadstat.write_sav(
        frame,
        path,
        column_labels={"u1": "Jeg prøver"},
        variable_value_labels={"u1": {1: "Helt enig", 2: "Helt uenig"}},
    )
    return path


def test_spss_keeps_codes_as_text_and_labels_beside_them(sav):
    export = read(sav, "spss")
    assert export.frame["u1"].to_list() == ["1", "2", ""]
    assert export.frame["kode"].to_list() == ["0301", "æøå", ""]
    assert export.frame["vekt"].to_list() == ["4.5", "10000000000", "3"]
    assert export.frame["tid"].to_list() == ["2025-09-15T10:11:12", "", "2025-09-16T00:00:00"]
    assert export.labels == {"u1": {"1": "Helt enig", "2": "Helt uenig"}}
    assert export.questions["u1"] == "Jeg prøver"


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_truncated_sav_is_told(sav, share):
    raw = sav.read_bytes()
    sav.write_bytes(raw[: int(len(raw) * share)])
    assert problem(sav, "spss").what == ("unreadable export" if share else "empty export")


def test_a_sav_without_rows_is_told(tmp_path):
    path = tmp_path / "none.sav"
    pyreadstat.write_sav(pd.DataFrame({"u1": pd.Series([], dtype=float)}), path)
    assert problem(path, "spss").what == "empty export"


@pytest.fixture
def xlsx(tmp_path):
    path = tmp_path / "pupils.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("empty")
        sheet = book.add_worksheet("svar")
        for number, row in enumerate((["kode", "u1", "u1"], ["0301", 3, 2.5], ["", "", "æ"])):
            sheet.write_row(number, 0, row)
    return path


@pytest.mark.parametrize("tool", ["excel", "nettskjema"])
def test_excel_reads_the_first_sheet_with_anything(xlsx, tool):
    export = read(xlsx, tool)
    assert list(export.frame) == ["kode", "u1", "u1 (2)"]
    assert export.frame.values.tolist() == [["0301", "3", "2.5"], ["", "", "æ"]]


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_truncated_workbook_is_told(xlsx, share):
    raw = xlsx.read_bytes()
    xlsx.write_bytes(raw[: int(len(raw) * share)])
    assert problem(xlsx, "excel").what == ("unreadable export" if share else "empty export")


def test_a_workbook_without_rows_is_told(tmp_path):
    path = tmp_path / "none.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("svar").write_row(0, 0, ["kode", "u1"])
    assert problem(path, "excel").what == "empty export"


def test_a_heading_of_both_forms_of_a_chain_stands_twice():
    first = Export(pd.DataFrame({"nr": ["1", "2"], "u1": ["4", "5"]}, dtype="str"), "a.csv")
    second = Export(pd.DataFrame({"ref": ["1", "3"], "u1": ["2", "1"]}, dtype="str"), "b.csv")
    whole = chained(first, second, Continuation(file="b.csv", reference="ref", serial="nr"))
    headings = Headings(whole.frame.columns, whole.questions, twice=whole.headings)
    assert headings.find(["u1"]) == ["u1", "u1 (2)"]
    assert whole.rows.tolist() == [2, 3, 0]
