"""Identifiers planted everywhere in the raw files are in nothing that is generated."""

import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from docx import Document
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.conftest import loftet
from tests.insides import insides
from tests.test_identifiers import NATIONAL, numbered
from tests.tiny_study import STUDY, build, sheets, write_csv

# synthetic: months + 80, an address space for documentation, names of nobody
CANARIES = {
    "national id": "10915596784",
    "national id without its zero": "8901089974",
    "e-mail": "kvitterhild.fuglesang@skole.example.no",
    "phone": "98765432",
    "ip": "203.0.113.77",
    "coordinates": "61.12345, 11.54321",
    "name": "Kvitterhild",
    "surname": "Fuglesang",
    "code": "zq17xyw",
    "declined code": "zq99xyw",
    "withdrawn code": "zq55xyw",
}
FREE = (
    "Jeg heter Kvitterhild Fuglesang, fnr 10915596784 eller 8901089974, ring 98 76 54 32 eller "
    "98765432, kvitterhild.fuglesang@skole.example.no fra 203.0.113.77 ved 61.12345, 11.54321"
)
STUDY_WITH_CANARIES = STUDY.replace(
    "tid, serial: nr}\n    values: {serial: {}}",
    "tid, comment: fritekst}\n    values: {comment: {}}",
).replace("schools: schools.csv", "schools: schools.csv\nwithdrawn: gone.csv")


def _planted(wave: str) -> pd.DataFrame:
    grade = {"pre": "5", "post": "7"}[wave]
    rows = [f"{n}|{school}|{grade}|zq{n:02}xyw|Ja|Enig|Uenig|Enig"
            for n, school in enumerate(["0301", "0400"] * 12, start=10)]  # fmt: skip
    rows += [
        f"40|0301|{grade}|zq99xyw|Nei|Enig|Enig|Enig",
        f"41|10915596784 Kvitterhild|{grade}|zq61xyw|Ja|Enig|Enig|Enig",
        f"42|0301|{grade}|10915596784|Ja|98765432|8901089974|Enig",
        f"43|0301|{grade}|zq55xyw|Ja|Enig|Enig|Enig",
        f"44|TEST|{grade}|zq17xyw|Ja|Enig|Enig|Enig",
    ]
    frame = sheets(*rows, wave=wave)
    frame["fritekst"] = FREE
    frame["Navn"] = "Kvitterhild Fuglesang"
    frame["E-post"] = CANARIES["e-mail"]
    frame["IPAddress"] = CANARIES["ip"]
    frame["ikke nevnt"] = FREE
    return frame


def _texts(path: Path) -> Iterator[bytes]:
    """Yield every byte of a file, and what its compressed parts hold."""
    yield path.name.encode()
    yield path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield str(table.schema.metadata).encode()
        yield table.to_pandas().to_csv().encode()
    if path.suffix == ".sav":
        yield pyreadstat.read_sav(path)[0].to_csv().encode()
    yield from insides(path.read_bytes())


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "Løftet kanari"
    folder = build(root, study=STUDY_WITH_CANARIES)
    for wave in ("pre", "post"):
        _planted(wave).to_csv(folder / f"{wave}.csv", sep=";", index=False)
    (folder / "gone.csv").write_text("population,id\npupils,zq55xyw\n", encoding="utf-8")
    _give_notebook(root)
    return root


def _give_notebook(root: Path) -> None:
    source = Path(__file__).parents[1] / "notebooks" / "any" / "03_outcomes.ipynb"
    (root / "notebooks" / "any").mkdir(parents=True)
    (root / "notebooks" / "any" / source.name).write_bytes(source.read_bytes())


def _all_that_is_told(project: Path, *commands: tuple[str, ...]) -> tuple[list[Path], list[bytes]]:
    """Run commands; return what they generated, and every byte of it and of the terminal."""
    logs = []
    for name, *options in commands:
        done = loftet(name, "tiny", *options, root=project)
        logs.append((done.stdout + done.stderr).encode())
        assert "Traceback" not in done.stderr, done.stderr
    given = (project / "data_raw", project / "notebooks")
    files = [path for path in project.rglob("*") if path.is_file()]
    generated = [path for path in files if not {*given} & {*path.parents}]
    return generated, [text for path in generated for text in _texts(path)] + logs


EVERYTHING = (
    ("check",), ("clean",), ("run", "--jobs", "1"), ("export",), ("status",),
    ("forget-key", "--yes", "--keep-exports"),
)  # fmt: skip


@pytest.mark.parametrize("place", ["runs", "core", "picture", "cell"])
def test_what_is_planted_inside_a_file_is_found(place, tmp_path):
    name, path = CANARIES["e-mail"], tmp_path / "planted.docx"
    if place == "cell":
        path = path.with_suffix(".xlsx")
        pd.DataFrame({"a": [name]}).to_excel(path, engine="xlsxwriter")
    else:
        document, about, drawn = Document(), PngInfo(), io.BytesIO()
        about.add_text("Comment", name if place == "picture" else "", zip=True)
        Image.new("1", (9, 9)).save(drawn, "PNG", pnginfo=about)
        document.add_picture(drawn)
        paragraph = document.add_paragraph()
        for part in (name[:5], name[5:]) if place == "runs" else ():
            paragraph.add_run(part)
        document.core_properties.subject = name if place == "core" else ""
        document.save(path)
    assert name.encode() not in path.read_bytes()
    assert any(name.encode() in text for text in _texts(path))


def test_no_planted_identifier_is_in_any_output_page_or_log(project):
    generated, everything = _all_that_is_told(project, *EVERYTHING)
    kinds = {".csv", ".parquet", ".html", ".sav", ".xlsx", ".docx"}
    assert {path.suffix for path in generated} >= kinds
    executed = project / "data_clean" / "tiny" / "notebooks" / "oslo" / "03_outcomes.ipynb"
    assert executed in generated
    found = {
        name
        for name, canary in CANARIES.items()
        for text in everything
        for form in (canary, canary.casefold(), canary.upper())
        if form.encode() in text or form.encode("utf-16-le") in text
    }
    assert found == set()


# 30 written forms of different numbers, which can be told apart in what is found
FORMS = [form for form in NATIONAL if "{" in form and form != "2025 {n}"][:30]
IDS = [numbered(f"{1 + n:02}9155") for n in range(len(FORMS))]
WRITTEN = [
    form.format(n=number, a=number[:6], b=number[6:])
    for form, number in zip(FORMS, IDS, strict=True)
]
PHONES = [
    "91827364", "918 27 365", "91 82 73 66", "+4791827367", "+47 918 27 368", "0047 91827369",
    "tlf.91827370", "9 1 8 2 7 3 7 1", "918.27.372", "(+47) 918-27-373",
]  # fmt: skip
EMAILS = [
    "kvitra@skole.no", "kvitrb @ skole.no", "kvitrc(at)skole.no", "kvitrd [at] skole [dot] no",
    "kvitre at skole dot no", "kvitrf＠skole．no", "kvitrg@skole,no", "KVITRH@SKOLE.NO",
    "kvitri krøllalfa skole punktum no", "kvitrj@skole.co.uk",
]  # fmt: skip
STUDY_WITH_FORMS = STUDY.replace(
    "serial: nr}\n    values: {serial: {}}",
    "comment: fritekst, note: merknad}\n    values: {comment: {}, note: {a: A, b: B}}",
).replace("schools: schools.csv", "schools: schools.csv\nfree_text: keep")


def _left(everything: list[bytes]) -> set[str]:
    """Return the planted forms that any part of them can be read in."""
    found = set()
    for raw in everything:
        text = unicodedata.normalize("NFKC", raw.decode("utf-8", errors="replace")).casefold()
        digits = re.sub(r"\D", "", text)
        found |= {form for form, number in zip(WRITTEN, IDS, strict=True) if number in digits}
        for form in (*PHONES, *EMAILS):
            bare = unicodedata.normalize("NFKC", form).casefold()
            seen = {bare, re.sub(r"\D", "", bare)[-8:]} - {""}
            if any(each in text for each in seen) or (bare[:6].isalpha() and bare[:6] in text):
                found.add(form)
    return found


def _with_forms(wave: str) -> pd.DataFrame:
    """Return sheets with every form in free text, in cells that hold codes, and in headings."""
    grade, forms = {"pre": "5", "post": "7"}[wave], [*WRITTEN, *PHONES, *EMAILS]
    rows = [
        f"{n}|{('0301', '0400')[n % 2]}|{grade}|zq{n:03}xyw|Ja|Enig|Uenig|Enig"
        for n in range(10, 10 + len(forms))
    ]
    frame = sheets(*rows, wave=wave).assign(fritekst=[f"Hei, {form} er meg" for form in forms])
    frame["merknad"] = [("a", "b")[n % 2] for n in range(len(forms))]
    for place, (column, form) in enumerate(
        (column, form) for form in forms for column in ("skole", "trinn", "samtykke", "u2")
        if column != "u2" or form in forms[::16]
    ):  # fmt: skip
        if place % 5 < 2:
            frame.loc[place % len(frame), column] = form
    lines = [form for form in forms if "\n" not in form]
    more = {f"Svar fra {form}" if n % 2 else form: form for n, form in enumerate(lines)}
    return pd.concat([frame, pd.DataFrame(more, index=frame.index)], axis=1)


@pytest.mark.long
@pytest.mark.parametrize("tool", ["table", "spss"])
def test_no_written_form_is_in_any_output(tmp_path, tool):
    root = tmp_path / "Løftet kanari"
    study = STUDY_WITH_FORMS
    if tool == "spss":
        study = study.replace("{tool: table, file: post.csv}", "{tool: spss, file: post.sav}")
    folder = build(root, study=study)
    _give_notebook(root)
    write_csv(folder, "pre", _with_forms("pre"))
    post = _with_forms("post")
    if tool == "spss":
        _write_labelled(folder / "post.sav", post)
    else:
        write_csv(folder, "post", post)
    assert _left([(folder / "pre.csv").read_bytes()]) == {*WRITTEN, *PHONES, *EMAILS}
    generated, everything = _all_that_is_told(root, *EVERYTHING)
    clean = pd.concat(pd.read_parquet(path) for path in generated if path.name == "part.parquet")
    assert len(clean) > 20
    assert clean["comment"].str.contains("[national_id]", regex=False).any()
    assert _left(everything) == set()


def _write_labelled(path: Path, frame: pd.DataFrame) -> None:
    """Write forms as labels: of columns, of codes nobody uses, and of codes of an answer."""
    forms = [*WRITTEN, *PHONES, *EMAILS]
    known = ["nr", "tid", "skole", "trinn", "kode", "samtykke", "u1", "u2", "u3", "u4", "fritekst"]
    narrow = frame[[*known, "merknad"]].copy()
    labels = {1: "Helt uenig", 2: "Uenig", 3: "Enig", 4: "Helt enig"}
    codes = {text: code for code, text in labels.items()}
    for item in ("u1", "u2", "u3", "u4"):
        narrow[item] = frame[item].map(codes).fillna(2)
    narrow["ukjent"] = [float(1 + n) for n in range(len(narrow))]
    about = dict(zip(range(1, 1 + len(forms)), forms, strict=True))
    unused = {100 + code: text for code, text in about.items()}
    pyreadstat.write_sav(
        narrow, path, column_labels=[*narrow.columns[:-1], forms[0]],
        variable_value_labels={
            "ukjent": about, **dict.fromkeys(("u1", "u2", "u3", "u4"), labels | unused),
        },
    )  # fmt: skip


@pytest.mark.long
def test_no_written_form_is_in_a_message(tmp_path):
    root = tmp_path / "Løftet kanari"
    folder = build(root, study=STUDY_WITH_FORMS.replace("comment: fritekst", f"comment: {IDS[0]}"))
    frame = _with_forms("pre")
    for column in ("tid", "skole", "trinn", "samtykke", "u1", "u3", "merknad"):
        frame[column] = [*WRITTEN, *PHONES, *EMAILS]
    frame = frame.rename(columns={"u2": WRITTEN[1]})
    write_csv(folder, "pre", frame)
    write_csv(folder, "post", _with_forms("post"))
    told = [(loftet(each, "tiny", root=root)) for each in ("check", "clean")]
    assert [done.returncode for done in told] == [2, 2]
    texts = [(done.stdout + done.stderr).replace(IDS[0], "").encode() for done in told]
    assert _left(texts) == set()


def test_what_left_is_counted_by_kind(project):
    assert loftet("clean", "tiny", root=project).returncode == 0
    values = pd.read_csv(project / "data_clean" / "tiny" / "values.csv", keep_default_na=False)
    pre = values[values["wave"] == "pre"].set_index(["column", "value"])
    assert pre.loc[("comment", "[email]"), "n"] == 29
    assert pre.loc[("Navn", "[name]"), ["reason", "n"]].to_list() == ["left_behind", 29]
    assert pre.loc[("effort_1", "[phone]"), "reason"] == "redacted"


def test_a_study_that_asks_for_a_column_of_names_is_stopped(project):
    folder = project / "data_raw" / "tiny"
    text = (folder / "study.yml").read_text(encoding="utf-8")
    study = text.replace("comment: fritekst", "comment: Navn")
    (folder / "study.yml").write_text(study, encoding="utf-8")
    done = loftet("check", "tiny", root=project)
    assert done.returncode == 2
    assert "a background column that holds direct identifiers" in done.stderr
    assert "Kvitterhild" not in done.stderr
