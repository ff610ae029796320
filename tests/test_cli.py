"""The command line: what goes wrong outside a study's own files is one message too."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from loftet_analysis import paths
from loftet_analysis.batch import commands
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import read_manifest, record
from loftet_analysis.batch.plan import all_tasks, longest_first
from loftet_analysis.study import load_study, phases
from loftet_analysis.tabular.export import LONGEST_CELL
from tests.conftest import replace
from tests.long import long_but
from tests.quick_study import environment
from tests.small_demo import HERE, build_root
from tests.tiny_study import build, sheets, write_csv


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    root = tmp_path / "Løftet {test}"
    build_root(root)
    shutil.copytree(HERE / "data_raw/sats", root / "data_raw/sats")
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    return root


def told(capsys) -> str:
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said[0].isdigit()
    return said


def test_the_longest_notebook_comes_first_and_the_regions_keep_their_order(monkeypatch):
    # every wave is over, also where the demo's exports have not been written yet
    monkeypatch.setattr(phases, "today", lambda study: date(2028, 1, 1))
    tasks = all_tasks(load_study("demo"), regions=["oslo", "national", "agder"])
    regional = [task for task in tasks if not task.of_country]
    of_country = [task.notebook for task in tasks[len(regional) :]]
    assert of_country == ["00_summary", "08_flow", "09_baseline", "10_synthesis", "11_whole_school"]
    seconds: dict[str, float] = {}
    order = longest_first(regional, seconds)
    begun = [next(order) for _ in range(7)]
    assert [task.region for task in begun] == ["oslo"] * 7
    sizes = [task.source.stat().st_size for task in begun]
    assert sizes == sorted(sizes, reverse=True)
    # what the first region has taught so far: one notebook is not through yet
    took = {"01_fieldwork": 2.0, "02_measurement": 5.0, "03_teachers": 4.0, "04_pupils": 6.0}
    took |= {"06_baseline": 3.0, "00_summary": 1.0}
    seconds.update({f"oslo/{notebook}": each for notebook, each in took.items()})
    rest = [task.notebook for task in order]
    assert rest == ["05_leader_support", "04_pupils", "02_measurement", "03_teachers",
                    "06_baseline", "01_fieldwork", "00_summary"]  # fmt: skip
    assert {task.region for task in regional[7:]} == {"agder"}


def test_a_study_runs_the_notebooks_that_it_names_and_any_without(root, capsys):
    files = [path.stem for path in sorted((root / "notebooks/any").glob("*.ipynb"))]
    assert {task.notebook for task in all_tasks(load_study("sats"))} == set(files)
    mine = root / "notebooks/mine"
    mine.mkdir()
    shutil.copy(root / "notebooks/region/04_pupils.ipynb", mine / "01_per_region.ipynb")
    shutil.copy(root / "notebooks/national/10_synthesis.ipynb", mine / "02_once.ipynb")
    study = root / "data_raw/sats/study.yml"
    replace(study, "title:", "notebooks: [mine/*, region/01_fieldwork]\ntitle:")
    tasks = all_tasks(load_study("sats"), regions=["fall-2007", "national"])
    assert [task.name for task in tasks] == [
        "fall-2007/01_fieldwork", "fall-2007/01_per_region", "national/02_once",
    ]  # fmt: skip
    assert tasks[0].parameters == {"study": "sats", "language": "en", "region": "fall-2007"}
    assert tasks[-1].parameters == {"study": "sats", "language": "en"}
    assert main(["run", "sats", "--notebook", "03_outcomes"]) == 2
    said = told(capsys)
    assert "unknown notebook" in said
    assert "allowed: 01_fieldwork, 01_per_region, 02_once" in said


def test_what_compares_regions_alone_is_left_out_where_there_is_one(root):
    study = load_study("sats")
    one = study.model_copy(update={"schools": study.schools.assign(region="all")})
    without = {task.notebook for task in all_tasks(study)} - {t.notebook for t in all_tasks(one)}
    assert without == {"10_country"}
    in_years = one.model_copy(update={"cohorts": ("2007", "2008")})
    assert "10_country" in {task.notebook for task in all_tasks(in_years)}


def test_a_notebook_of_the_regions_and_one_of_the_country_may_have_one_name(root):
    study = root / "data_raw/sats/study.yml"
    replace(study, "title:", "notebooks: [region/00_summary, national/00_summary]\ntitle:")
    wanted = {"regions": ["fall-2007", "national"], "notebooks": ["00_summary"]}
    tasks = all_tasks(load_study("sats"), **wanted)
    assert [task.file for task in tasks] == ["region/00_summary", "national/00_summary"]
    assert len({task.name for task in tasks}) == len({task.page("en") for task in tasks}) == 2


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("[any/*, regoin/*]", r"no notebook of that name\n +where: .*study.yml, line 2\n"
                              r" +found: +regoin/\*\n +allowed: .*any/03_outcomes"),
        ("region/04_pupil", r"no notebook of that name\n(.*\n)+ +to do: +did you mean region/04"),
        ("[region/*, any/*]", r"two notebooks of one name\n.*\n +found: .*01_fieldwork"),
        ("/etc/*", "wrong name of notebooks"),
        ("../elsewhere/*", "wrong name of notebooks"),
        ("any/01_fieldwork.ipynb", "wrong name of notebooks"),
        ("[]", "notebooks"),
    ],
)  # fmt: skip
def test_notebooks_that_there_are_not(root, capsys, named, said):
    replace(root / "data_raw/sats/study.yml", "languages:", f"notebooks: {named}\nlanguages:")
    for command in ("check", "run"):
        assert main([command, "sats"]) == 2
        assert re.search(said, told(capsys))
    assert not (root / "data_clean/sats").exists()


def test_a_project_s_own_notebooks_go_before_those_of_the_package(root, monkeypatch):
    monkeypatch.setattr(paths, "PACKAGED", HERE / "notebooks")
    shutil.rmtree(root / "notebooks")
    study, packaged = load_study("sats"), HERE / "notebooks/any"
    tasks = all_tasks(study)
    assert {task.source for task in tasks} == {*packaged.glob("*.ipynb")}
    own = root / "notebooks/any/03_outcomes.ipynb"
    own.parent.mkdir(parents=True)
    shutil.copy(packaged / own.name, own)
    sources = {task.notebook: task.source for task in all_tasks(study)}
    assert sources["03_outcomes"] == own
    assert sources["01_fieldwork"] == packaged / "01_fieldwork.ipynb"
    assert [*paths.notebooks("any/0[13]*")] == ["any/01_fieldwork", "any/03_outcomes"]


@pytest.mark.parametrize("empty", [True, False])
def test_a_project_without_a_study(tmp_path, monkeypatch, capsys, empty):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    if empty:
        (tmp_path / "data_raw").mkdir()
    for command in ("check", "clean", "run", "status", "export"):
        assert main([command, "mine"]) == 2
        said = told(capsys)
        assert said.startswith("1 problem:\n\nno study is here yet\n")
        assert "`loftet demo` makes one" in said
    assert {path.name for path in tmp_path.iterdir()} <= {"data_raw"}


@pytest.mark.parametrize(
    ("region", "notebook"), [("fall-2007", "10_country"), ("national", "03_outcomes")]
)
def test_a_notebook_that_is_not_run_for_that_region(root, capsys, region, notebook):
    assert main(["run", "sats", "--region", region, "--notebook", notebook]) == 2
    assert re.search(rf"no pages asked for\n.*\n +found: +{notebook} of {region}", told(capsys))
    assert not (root / "data_clean/sats").exists()


def test_a_question_without_a_text(root, capsys):
    replace(root / "data_raw/sats/study.yml", "languages:", "questions: {Q1: {}}\nlanguages:")
    assert main(["check", "sats"]) == 2
    assert "Q1" in told(capsys)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tool: table", 'tool: table, delimiter: ";;"', "wrong delimiter"),
        ("tool: table", 'tool: table, delimiter: "\\0"', "NUL"),
        ("tool: table", "tool: table, encoding: utf-9", "unknown encoding"),
        ("file: sats_s.csv", f"file: {'x' * 300}.csv", "export is missing|cannot read or write"),
        ("title:", "exports: ~nobody-of-that-name/x\ntitle:", "export is missing"),
        ("schools: schools.csv", "schools: 'a\\0b'", "register cannot be read"),
        ("languages: [en]", f"languages: {'[' * 5000}{']' * 5000}", "nested too deeply"),
        ("languages: [en]", f"languages: {'{a: ' * 21}{'}' * 21}", "nested too deeply"),
        ("languages: [en]", f"languages: [{'en, ' * 2_500}en]", "more entries than any"),
        ("languages: [en]", f"languages: [{'en, ' * 80_000}en]", "larger than any description"),
    ],
)
def test_a_study_file_that_cannot_be_used(root, capsys, old, new, said):
    replace(root / "data_raw/sats/study.yml", old, new)
    assert main(["check", "sats"]) == 2
    assert re.search(said, told(capsys))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  interest:\n", "  reason:\n", "reason"),
        ("      interest_12", "      consent", "consent"),
        ("    7:", "    99999999999999999999:", "gap"),
    ],
)
def test_names_and_values_that_an_instrument_may_not_have(root, capsys, old, new, said):
    replace(root / "data_raw/sats/instruments/sats.yml", old, new)
    assert main(["check", "sats"]) == 2
    assert said in told(capsys)


SECRET = "Kvitterhild"
FOREIGN = {  # what a wrong path may lead to
    "passwd": f"root:x:0:0:{SECRET}:/root:/bin/bash\n{SECRET}:x:1:1:{SECRET},,,:/home:/bin/sh\n",
    "persons": f"{SECRET} Nordmann;10915596784;12\nOla {SECRET};23831383801;13\n",
    "line": SECRET,
    "yaml": f"password: {SECRET}\n{SECRET}: *{SECRET}\n",
    "binary": f"\0\1\2{SECRET}\0" * 50,
    "spss": f"$FL2@(#) {SECRET}\0" * 50,
}
LEADS = {
    "key": "key: {}\ntitle:",
    "register": "schools: {}\ntitle:",
    "withdrawn": "withdrawn: {}\ntitle:",
    "corrections": "corrections: {}\ntitle:",
}


@pytest.mark.parametrize("kind", long_but([*FOREIGN][:1], FOREIGN))
@pytest.mark.parametrize("key", long_but(["key", "export"], [*LEADS, "export", "instrument"]))
def test_a_path_to_another_file_tells_nothing_of_it(root, tmp_path, capsys, key, kind):
    secret = tmp_path / "elsewhere" / kind
    secret.parent.mkdir()
    secret.write_text(FOREIGN[kind], encoding="utf-8")
    study = root / "data_raw/sats/study.yml"
    if key == "instrument":
        (study.parent / "instruments/sats.yml").unlink()
        (study.parent / "instruments/sats.yml").symlink_to(secret)
    elif key == "export":
        replace(study, "file: sats_s.csv", f"file: {secret}")
    else:
        study.write_text(
            re.sub("(?m)^schools:.*\n", "" if key == "register" else "\\g<0>",
                   study.read_text(encoding="utf-8")).replace(
                       "title:", LEADS[key].format(secret), 1), encoding="utf-8"
        )  # fmt: skip
    codes = [main([command, "sats"]) for command in ("check", "clean")]
    codes.append(main(["forget-key", "sats", "--yes", "--keep-exports"]))
    given = capsys.readouterr()
    assert set(codes[1:]) == {2}
    assert not re.search(f"(?i){SECRET}|10915596784|/bin/|root:", given.out + given.err)
    assert secret.read_text(encoding="utf-8") == FOREIGN[kind]


def test_check_says_how_many_are_linked_between_the_waves(root, capsys):
    assert main(["check", "sats"]) == 0
    told = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert [line.split() for line in told] == [
        ["population", "wave", "clean", "linked", "to", "another", "wave", "share"],
        ["pupils", "pre", "3489", "2630", "75.4", "%"],
        ["pupils", "post", "2863", "2630", "91.9", "%"],
    ]


def test_exports_outside_the_studys_folder_are_said_once(root, tmp_path, capsys):
    (tmp_path / "disk").mkdir()
    shutil.copy(root / "data_raw/sats/sats_s.csv", tmp_path / "disk")
    replace(root / "data_raw/sats/study.yml", "title:", f"exports: {tmp_path / 'disk'}\ntitle:")
    assert main(["check", "sats"]) == 0
    assert capsys.readouterr().out.count("exports outside the study's folder") == 1


@pytest.mark.parametrize("column", ["u2", "merknad"])
def test_a_cell_that_is_too_long_is_told_by_its_place(tmp_path, monkeypatch, capsys, column):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    folder = build(tmp_path)
    rows = [f"{n}|0301|5|kode{n}|Ja|Enig|Uenig|Enig" for n in range(10, 20)]
    for wave in ("pre", "post"):
        write_csv(folder, wave, sheets(*rows, wave=wave).assign(merknad="kort"))
    frame = sheets(*rows).assign(merknad="kort")
    frame.loc[3, column] = "æ" * (LONGEST_CELL + 1)
    write_csv(folder, "pre", frame)
    assert main(["check", "tiny"]) == 2
    said = told(capsys)
    number = list(frame).index(column) + 1
    assert f"a cell that is too long\n    where:   pre.csv, column {number}, row 5\n" in said
    assert "æ" not in said


def test_a_register_with_a_number_that_no_school_has(root, capsys):
    register = root / "data_raw/sats/schools.csv"
    first, *rest = register.read_text(encoding="utf-8").splitlines()
    lines = [f"{first},invited_pupils_pre", *(f"{line},{'9' * 40}" for line in rest)]
    register.write_text("\n".join(lines), encoding="utf-8")
    assert main(["check", "sats"]) == 2
    assert "invited_pupils_pre is not a number" in told(capsys)


def test_a_file_where_a_folder_should_be(root, capsys):
    (root / "data_clean").write_text("in the way")
    assert main(["clean", "sats"]) == 2
    assert "data_clean" in told(capsys)


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", '{"clean data": {"parts": {}}}'])
def test_a_broken_manifest_counts_as_nothing_recorded(root, capsys, content):
    manifest = root / "data_clean/sats/manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(content)
    assert read_manifest("sats") == {}
    assert main(["status", "sats"]) == 0
    assert "clean data: never run" in capsys.readouterr().out
    record("sats", {"a": {"state": "done", "parts": {}}})
    assert list(json.loads(manifest.read_text())) == ["a"]
    assert read_manifest("sats")["a"]["state"] == "done"


def test_a_damaged_entry_of_the_manifest_counts_as_not_recorded_and_the_others_stay(root):
    entries = {f"åre/{i}: x": {"state": "done", "parts": {"data": "æ"}} for i in range(5)}
    manifest = root / "data_clean/sats/manifest.json"
    record("sats", entries)
    assert list(read_manifest("sats")) == list(entries)
    whole = manifest.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        manifest.write_bytes(damaged)
        left = read_manifest("sats")
        assert 3 <= len(left) <= 5
        assert all(entry["parts"] == {"data": "æ"} for entry in left.values())
        assert set(left) <= set(entries)
    record("sats", {"new": {"state": "done", "parts": {}}})
    assert len(json.loads(manifest.read_text(encoding="utf-8"))) >= 4


@pytest.mark.parametrize("content", ["{", "", '{"cells": []}'])
def test_a_notebook_that_is_none(root, capsys, content):
    (root / "notebooks/any/03_outcomes.ipynb").write_text(content)
    assert main(["run", "sats"]) == 2
    assert "notebooks/any/03_outcomes.ipynb" in told(capsys)
    assert not (root / "data_clean/sats").exists()


def test_a_notebook_without_its_parameters(root, capsys):
    path = root / "notebooks/any/03_outcomes.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"].pop("tags", None)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert main(["run", "sats"]) == 2
    assert "a notebook lacks parameters" in told(capsys)


def test_check_makes_no_key_and_writes_nothing(root, capsys):
    before = sorted(root.rglob("*"))
    assert main(["check", "sats"]) == 0
    assert sorted(root.rglob("*")) == before
    assert not list(root.parent.rglob("*.key"))


@pytest.mark.parametrize("option", ["--jobs", "--time-limit"])
@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
def test_numbers_that_are_none(root, capsys, option, given):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "sats", f"{option}={given}"])
    assert stopped.value.code == 2
    assert f"found: {given}; allowed: a whole number from 1 up" in capsys.readouterr().err


COMMANDS = ("--help", "run --help", "check", "status", "clean", "run", "export", "forget-key")


@pytest.mark.parametrize("encoding", long_but(["ascii"], ["ascii", "cp1252", "utf-8"]))
def test_every_command_can_be_read_on_a_terminal_without_the_signs(ran, monkeypatch, encoding):
    assert "  Nordlánnda→≥–…øre\n" in spoken("check Nordlánnda→≥–…øre", "utf-8", monkeypatch)[1]
    assert "  Nordlannda->>=-...ore\n" in spoken("check Nordlánnda→≥–…øre", "ascii", monkeypatch)[1]
    for command in COMMANDS if encoding != "utf-8" else ("--help", "run"):
        words = command if command.endswith("--help") else f"{command} tiny"
        code, said = spoken(words, encoding, monkeypatch)
        assert code == (1 if command == "forget-key" else 0), said
        assert "Traceback" not in said
        if command == "--help":
            assert ("→" if encoding == "utf-8" else "->") in said
        if command == "run":
            assert ("–" if encoding != "ascii" else "-") in said


def spoken(command: str, encoding: str, monkeypatch) -> tuple[int, str]:
    """Return the exit code and what a command prints on a terminal of that encoding."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        patch.setattr("sys.stderr", terminal)
        try:
            code = main(command.split())
        except SystemExit as ended:
            code = ended.code
    return code, terminal.buffer.getvalue().decode(encoding)


def test_a_folder_whose_name_is_no_text(ran, monkeypatch, capsys):
    broken = ran.parent / os.fsdecode(b"l\xf8ftet")  # as an old archive unpacks it
    shutil.copytree(ran, broken)
    monkeypatch.setenv("LOFTET_ROOT", str(broken))
    assert main(["clean", "tiny"]) == 2
    assert "a name that is no text" in told(capsys)


def test_names_of_files_in_another_encoding(ran, monkeypatch, capsys):
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso-8859-1")
    assert main(["status", "tiny"]) == 2
    assert "set PYTHONUTF8=1" in told(capsys)


def test_what_goes_wrong_in_throwing_away_is_no_traceback(tmp_path):
    code = (
        "import sys\n"
        "from loftet_analysis.batch.cli import main\n"
        "class Loop:\n    def __del__(self): raise ValueError('Invalid file descriptor: -1')\n"
        "main(['check', 'nothing'])\n"
        "Loop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    assert "no study is here yet" in done.stderr


@pytest.mark.parametrize("on_path", [False, True])
def test_the_demo_says_where_the_command_lies_unless_the_shell_finds_it(
    tmp_path, monkeypatch, capsys, on_path
):
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "activate", "loftet"):
        (folder / name).touch(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder if on_path else tmp_path))
    monkeypatch.setattr(commands, "shown", lambda path: path.relative_to(tmp_path).as_posix())
    commands._say_how_to_activate()
    said = (
        "the command loftet is .venv/bin/loftet; to type loftet alone: source .venv/bin/activate\n"
    )
    assert capsys.readouterr().out == ("" if on_path else said)
