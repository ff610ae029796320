"""Whatever is handed in: a clear message or an entry in the ledger, never a traceback."""

import time

import pytest

from loftet_analysis.batch import cli
from tests.faults import CORPUS, TEXT, cell, with_files
from tests.long import long_but
from tests.tiny_study import STUDY, build

ONE_FILE = STUDY.replace("      post: {tool: table, file: post.csv}\n", "").replace(
    "submitted: tid, serial: nr}\n    values: {serial: {}}", "submitted: tid}"
)


@pytest.fixture
def check(tmp_path, tmp_path_factory, monkeypatch, capsys):
    def run(content: bytes, suffix: str):
        name = f"fil{suffix}"
        study = ONE_FILE.replace("{tool: table, file: pre.csv}", f"{{file: {name}}}")
        folder = build(tmp_path, study=study)
        (folder / name).write_bytes(content)
        monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
        monkeypatch.setenv("LOFTET_KEYS", str(tmp_path_factory.mktemp("keys")))
        monkeypatch.chdir(tmp_path)
        code = cli.main(["clean", "tiny"])
        told = capsys.readouterr()
        return code, told.out, told.err, tmp_path / "data_clean" / "tiny"

    return run


def judge(found, said: str) -> None:
    code, out, err, clean = found
    assert "Traceback" not in out + err
    if said.startswith("ledger: "):
        reason = said.removeprefix("ledger: ")
        ledger = (clean / "ledger.csv").read_text(encoding="utf-8")
        rows = [row.split(",") for row in ledger.splitlines() if f",{reason}," in row]
        assert code == 0, err
        assert sum(int(row[-1]) for row in rows) == 1
    elif said == "read":
        assert code == 0, err
    else:
        assert code == 2, out
        assert said in err
        assert "where:" in err
        assert len(err) < 6000
        assert not clean.exists()  # nothing is half-written


@pytest.mark.parametrize("name", long_but([*CORPUS][::3], CORPUS))
def test_every_fault_is_told_or_accounted_for(check, name):
    content, suffix, said = CORPUS[name]
    began = time.monotonic()
    judge(check(content, suffix), said)
    assert time.monotonic() - began < 60, "a hang"


MADE = ("SPSS", "SPSS cut short", "SPSS with damaged bytes", "SPSS without a row", "a bomb")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, tuple[bytes, str, str]]:
    return with_files(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("name", long_but({"SPSS cut short"}, MADE))
def test_faults_of_made_files_are_told_too(check, made, name):
    content, suffix, said = made[name]
    if said:
        judge(check(content, suffix), said)
    else:
        code, out, err, _ = check(content, suffix)
        assert code in (0, 2)
        assert "Traceback" not in out + err


def test_what_is_taken_out_is_said_when_the_data_are_cleaned(check):
    code, out, err, _ = check(cell(3, "u1", "7"), ".csv")
    assert code == 0
    assert "taken out: 1 answer (out_of_range 1); loftet check tells which" in out + err
    assert "warning: a few codes that no answer has, taken out" in out
    assert "list single cells in the file of `corrections:`" in out


def test_the_last_line_of_a_check_points_to_the_warnings(check, capsys, monkeypatch):
    monkeypatch.setattr("loftet_analysis.batch.commands.notebooks_of", lambda study: ([], []))
    check(cell(3, "u1", "7"), ".csv")
    assert cli.main(["check", "tiny"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == ("tiny: nothing stops a run, but look at the 2 lines above that say “warning:”")


def test_the_corpus_is_large_and_its_base_is_sound(check):
    assert len(CORPUS) >= 60
    judge(check(TEXT.encode(), ".csv"), "read")
