"""Identifiers planted everywhere in the raw files are in nothing that is generated."""

import io
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from tests.conftest import loftet
from tests.tiny_study import STUDY, build, sheets

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
    "columns: {school_id: skole, grade: trinn, submitted: tid, serial: nr}",
    "columns: {school_id: skole, grade: trinn, submitted: tid, comment: fritekst}",
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


def _texts(path: Path):
    """Every byte of a file, and what its compressed parts hold."""
    yield path.name.encode()
    yield path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield str(table.schema.metadata).encode()
        yield table.to_pandas().to_csv().encode()
    if path.suffix == ".sav":
        yield pyreadstat.read_sav(path)[0].to_csv().encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            yield from map(archive.read, archive.namelist())


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "Løftet kanari"
    folder = build(root, study=STUDY_WITH_CANARIES)
    for wave in ("pre", "post"):
        _planted(wave).to_csv(folder / f"{wave}.csv", sep=";", index=False)
    (folder / "gone.csv").write_text("population,id\npupils,zq55xyw\n", encoding="utf-8")
    here = Path(__file__).parents[1]
    (root / "notebooks" / "any").mkdir(parents=True)
    source = here / "notebooks" / "any" / "03_outcomes.ipynb"
    (root / "notebooks" / "any" / source.name).write_bytes(source.read_bytes())
    return root


def test_no_planted_identifier_is_in_any_output_page_or_log(project):
    logs = []
    for command in (["check"], ["clean"], ["run", "--jobs", "1"], ["export"], ["status"]):
        done = loftet(command[0], "tiny", *command[1:], root=project)
        logs.append((done.stdout + done.stderr).encode())
        assert done.returncode in (0, 1), done.stderr
    given = (project / "data_raw", project / "notebooks")
    files = [path for path in project.rglob("*") if path.is_file()]
    generated = [path for path in files if not {*given} & {*path.parents}]
    assert {path.suffix for path in generated} >= {".csv", ".parquet", ".html", ".sav", ".xlsx"}
    executed = project / "data_clean" / "tiny" / "notebooks" / "oslo" / "03_outcomes.ipynb"
    assert executed in generated
    everything = [text for path in generated for text in _texts(path)] + logs
    found = {
        name
        for name, canary in CANARIES.items()
        for text in everything
        for form in (canary, canary.casefold(), canary.upper())
        if form.encode() in text or form.encode("utf-16-le") in text
    }
    assert found == set()


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
