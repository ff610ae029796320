"""The batch: contained failures, nothing lost, and one run of a study at a time."""

import compileall
import json
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell

from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import digest, read_manifest
from loftet_analysis.batch.lock import occupied
from tests.long import long_but
from tests.quick_study import (
    environment,
    every_byte,
    gone_soon,
    kernels_of,
    killed_at,
    run,
    started,
)


@pytest.mark.long
def test_warm_and_fresh_kernels_give_the_same_bytes(undisturbed, quick):
    code, out, _ = run(quick, "--fresh-kernels")
    assert code == 0, out
    assert every_byte(quick) == every_byte(undisturbed)


@pytest.mark.long
def test_after_two_kills_the_next_run_gives_the_bytes_of_an_undisturbed_one(undisturbed, quick):
    # benchmarks/kills.py kills fifty
    whole = _took(undisturbed)
    moments = np.random.default_rng().uniform(0.1, 0.9, 2) * whole
    print(f"killed after {moments} s")
    for moment in sorted(moments):
        killed_at(quick, moment, "run", "tiny")
        assert gone_soon(quick)
    code, _, err = run(quick)
    assert code == 0, err
    assert every_byte(quick) == every_byte(undisturbed)
    assert not list(quick.rglob(".partial-*"))
    in_workroom = sorted(path.name for path in (quick / "data_clean/.tiny").iterdir())
    assert in_workroom == ["analysis_plan.json", "lock", "logs"]


def _took(quick: Path) -> float:
    """Return how long a run took, by its log."""
    (log,) = (quick / "data_clean/.tiny/logs").glob("*.log")
    stamps = re.findall(r"(?m)^\S+ (\d\d):(\d\d):(\d\d),(\d\d\d)", log.read_text(encoding="utf-8"))
    first, last = ([int(n) for n in stamp] for stamp in (stamps[0], stamps[-1]))
    hours, minutes, seconds, thousandths = (b - a for a, b in zip(first, last, strict=True))
    return (hours * 3600 + minutes * 60 + seconds + thousandths / 1000) % 86400


WRONG = {
    "raises": ("raise ValueError('first\\nsecond')", "ValueError: first"),
    "hangs": ("while True: pass", "stopped after 5 s, its limit of time"),
    "is killed": ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "its kernel died"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "its kernel died"),
    "wants too much memory": ("bytearray(1 << 60)", "MemoryError"),
    "leaves a process": ("import subprocess; subprocess.Popen(['sleep', '77']); 1 / 0", "ZeroDiv"),
}
WAYS = [[*WRONG][:3], [*WRONG][3:]]  # one for each of three places


@pytest.mark.parametrize("ways", long_but([WAYS[0]], WAYS), ids=["first", "rest"])
def test_what_goes_wrong_is_contained(quick, ways):
    places = ("nordland", "oslo", "national")
    deeds = [
        f"{'if' if n == 0 else 'elif'} globals().get('region', 'national') == {place!r}:\n"
        f"    {WRONG[way][0]}"
        for n, (place, way) in enumerate(zip(places, ways, strict=True))
    ]
    code, out, err = run(quick, "--time-limit", "5", QUICK="\n".join(deeds))
    assert code == 1
    assert "0 run, 3 failed" in out
    for place, way in zip(places, ways, strict=True):
        notebook = "10_quick" if place == "national" else "01_quick"
        assert f"{place}/{notebook} failed: {WRONG[way][1]}" in err
        assert re.search(rf"{place}\s.*failed", out)
        assert (quick / f"data_clean/tiny/failed/{place}/{notebook}.txt").exists()
    assert not list(quick.glob("reports/tiny/nb/*/*"))
    assert not list(quick.glob("figures/tiny/*/*"))


@pytest.mark.long
def test_what_went_wrong_is_made_good_by_the_next_run(undisturbed, quick):
    assert run(quick, QUICK="1 / 0")[0] == 1
    code, out, _ = run(quick)
    assert code == 0
    assert "3 run, 0 failed" in out
    assert every_byte(quick) == every_byte(undisturbed)


@pytest.mark.long
def test_a_stopped_run_leaves_no_process_and_is_gone_on_with(undisturbed, quick, monkeypatch):
    of_jupyter = quick.parent / "runtime"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(of_jupyter))
    process = started(quick, "run", "tiny", QUICK="import time; time.sleep(60)")
    end = time.monotonic() + 60
    while len(kernels_of(quick)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in err
    assert gone_soon(quick)
    assert run(quick)[0] == 0
    assert not [*quick.rglob("kernel*.json"), *of_jupyter.glob("*.json")]
    assert every_byte(quick) == every_byte(undisturbed)


def test_the_second_run_of_a_study_says_who_is_at_work(quick, capsys):
    with occupied("tiny", "run"):
        assert main(["run", "tiny"]) == 2
        said = capsys.readouterr().err
        assert "tiny is being worked on" in said
        assert re.search(r"found: +loftet run, process \d+ on \S+, since \d{4}-", said)
        assert main(["clean", "tiny"]) == 2
        assert main(["status", "tiny"]) == 0


@pytest.mark.parametrize("command", ["clean", "run"])
def test_a_folder_that_cannot_be_written(quick, monkeypatch, capsys, command):
    monkeypatch.setenv("LOFTET_DATA", "/proc/loftet")
    assert main([command, "tiny"]) == 2
    assert "cannot read or write" in capsys.readouterr().err


@pytest.mark.long
def test_a_full_disk_is_contained_and_nothing_is_half_written(undisturbed, quick):
    # a limit on the size of a file stands for the disk: small files go, pages do not
    done = limited(quick, "ulimit -f 16", "run", "tiny")
    assert done.returncode in {1, 2}, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(quick.rglob(".partial-*"))
    assert run(quick)[0] == 0
    assert every_byte(quick) == every_byte(undisturbed)


def limited(quick: Path, limit: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command line under a limit of the shell."""
    command = shlex.join([sys.executable, "-m", "loftet_analysis", *arguments])
    return subprocess.run(
        ["bash", "-c", f"{limit}; exec {command}"],
        cwd=quick,
        env=environment(quick),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("limit", ["ulimit -v 400000", "ulimit -v 2600000", "ulimit -d 600000"])
def test_a_limit_of_memory_that_is_too_low_is_one_message(quick, limit):
    done = limited(quick, limit, "run", "tiny")
    assert done.returncode == 2
    assert done.stderr.startswith("1 problem:\n\ntoo little memory is allowed\n")
    assert limit[:9] in done.stderr
    assert not (quick / "data_clean/tiny").exists()


def test_memory_that_is_used_up_is_one_message(quick, monkeypatch, capsys):
    def hungry(study: object) -> None:
        bytearray(1 << 60)

    monkeypatch.setattr("loftet_analysis.batch.cleaning.look", hungry)
    assert main(["check", "tiny"]) == 2
    assert capsys.readouterr().err.startswith("1 problem:\n\ntoo little memory\n")


def altered(quick: Path, old: str, new: str) -> None:
    """Alter the sheets of a school in Oslo after."""
    export = quick / "data_raw/tiny/post.csv"
    lines = export.read_text(encoding="utf-8").splitlines()
    changed = [line.replace(old, new) if ";0500;" in line else line for line in lines]
    assert sum(a != b for a, b in zip(lines, changed, strict=True)) > 5
    export.write_text("\n".join(changed), encoding="utf-8")


@pytest.mark.long
def test_only_what_read_what_has_changed_is_run_again(ran):
    altered(ran, "-20T", "-21T")  # they came in a day later; no number hangs on that
    code, out, _ = run(ran)
    assert code == 0
    # the country is made from what Oslo's page keeps, which went with the earlier data
    assert "nordland/01_quick done" not in out
    assert "2 run, 0 failed, 1 up to date" in out
    notebook = ran / "notebooks/mine/01_quick.ipynb"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("# Effort", "# More effort"), encoding="utf-8")
    code, out, _ = run(ran)
    assert code == 0
    # the regions keep what they kept before
    assert "national/10_quick done" not in out
    assert "2 run, 0 failed, 1 up to date" in out


def test_the_country_is_stale_when_a_region_keeps_other_results(ran, capsys):
    (kept,) = ran.glob("data_clean/tiny/results/oslo/01_quick/*.csv")
    kept.write_bytes(kept.read_bytes().replace(b"oslo", b"oslo "))
    assert main(["status", "tiny"]) == 0
    assert "stale, since results changed: national/10_quick" in capsys.readouterr().out


@pytest.mark.long
def test_a_region_that_failed_is_left_out_of_the_country(undisturbed, quick):
    code, out, _ = run(quick, QUICK="1 / (globals().get('region') != 'oslo')")
    assert code == 1
    assert "2 run, 1 failed" in out
    page = (quick / "reports/tiny/nb/national/10_quick.html").read_text(encoding="utf-8")
    whole = (undisturbed / "reports/tiny/nb/national/10_quick.html").read_text(encoding="utf-8")
    assert "<table" in page
    assert page.count("<tr") < whole.count("<tr")


def test_nothing_of_earlier_data_stays(ran, capsys):
    # earlier versions kept executed notebooks beside the pages
    (ran / "reports/tiny/nb/nordland/01_quick.ipynb").write_text("{}", encoding="utf-8")
    altered(ran, "-20T", "-21T")
    assert main(["clean", "tiny"]) == 0
    assert "2 pages of earlier data removed" in capsys.readouterr().out
    made = [
        p for top in ("figures", "reports", "data_clean/tiny") for p in ran.rglob(f"{top}/**/*")
    ]
    left = {str(p.relative_to(ran)) for p in made if p.is_file() and "quick" in str(p.name)}
    assert left == {
        "reports/tiny/nb/nordland/01_quick.html",
        "reports/tiny/nb/nordland/01_quick/01_quick.docx",
        "data_clean/tiny/notebooks/nordland/01_quick.ipynb",
    }
    assert {p.parent.name for p in (ran / "figures").rglob("*.svg")} == {"nordland"}
    assert {p.parts[-3] for p in (ran / "reports").rglob("change.*")} == {"nordland"}
    assert {p.parts[-3] for p in ran.glob("data_clean/tiny/results/*/*/*")} == {"nordland"}
    assert not list(ran.glob("data_clean/tiny/results/*.csv"))


@pytest.mark.long
def test_one_run_makes_the_pages_of_all_languages(undisturbed, ran):
    code, out, _ = run(ran, "--language", "en", "--region", "oslo")
    assert code == 0
    assert "1 run, 0 failed, 0 up to date" in out
    for language in ("nb", "en"):
        page = ran / f"reports/tiny/{language}/oslo/01_quick.html"
        assert f'lang="{language}"' in page.read_text(encoding="utf-8")
        assert (ran / f"figures/tiny/oslo/change.{language}.svg").exists()
    before, after = every_byte(undisturbed), every_byte(ran)
    assert {name for name in before if before[name] != after[name]} == {
        *(f"reports/tiny/{name}" for name in ("index.html", "index.nb.html", "nb/glossary.html")),
        "reports/tiny/nb/oslo/01_quick.html",  # which links to the other language
        "data_clean/tiny/notebooks/oslo/01_quick.ipynb",  # its parameters
    }
    code, out, _ = run(ran, "--language", "en")
    assert "2 run, 0 failed, 1 up to date" in out


LEFT_OUT = """\
import pandas as pd, seaborn as sns
print(3)
display(pd.DataFrame({"a": [1]}))
sns.lineplot(x=[1, 2], y=[1, 2])
"""


@pytest.mark.long
def test_what_more_notebooks_show_and_draw(quick, capsys):
    folder = quick / "notebooks/mine"
    text = (folder / "01_quick.ipynb").read_text(encoding="utf-8")
    unnamed = text.replace(', name=\\"change\\"', "")
    assert unnamed != text
    for name, content in {"02_again": text, "03_unnamed": unnamed, "04_unnamed": unnamed}.items():
        (folder / f"{name}.ipynb").write_text(content, encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    of_researcher = new_code_cell('display("for me")', metadata={"tags": ["exact"]})
    notebook.cells[2:2] = [of_researcher, new_code_cell(LEFT_OUT.rstrip())]
    nbformat.write(notebook, folder / "01_quick.ipynb")
    code, out, err = run(quick, "--region", "oslo")
    assert code == 0, err
    # what is on no page is named once
    told = [line for line in out.splitlines() if "through the gate" in line]
    ending = "that did not go through the gate is not on the page; use study.show(...)"
    assert told == [
        f"tiny: 01_quick, cell 3: {what} {ending}"
        for what in ("printed text", "a table", "a figure")
    ]
    (log,) = (quick / "data_clean/.tiny/logs").glob("*.log")
    assert "01_quick, cell 3: a table that" in log.read_text(encoding="utf-8")
    page = (quick / "reports/tiny/nb/oslo/01_quick.html").read_text(encoding="utf-8")
    assert "for me" not in page
    # a name that the notebook did not give is its own among the region's figures
    drawn = sorted(path.name for path in (quick / "figures/tiny/oslo").glob("*.svg"))
    names = [name.partition("_change")[0] for name in drawn]
    assert names == ["03_unnamed", "04_unnamed", "change.nb.svg"]
    # and one that two of them gave is said
    (told,) = [line for line in out.splitlines() if "both draw" in line]
    assert told.startswith("tiny: 01_quick and 02_again both draw a figure ")
    (quick / "notebooks/mine/01_quick.ipynb").unlink()
    capsys.readouterr()
    assert main(["run", "tiny", "--region", "oslo"]) == 0
    assert "both draw" not in capsys.readouterr().out


def test_executed_notebooks_are_no_pages(undisturbed):
    kept = sorted((undisturbed / "data_clean/tiny/notebooks").glob("*/*.ipynb"))
    assert [f"{p.parent.name}/{p.stem}" for p in kept] == [
        "national/10_quick", "nordland/01_quick", "oslo/01_quick",
    ]  # fmt: skip
    for path in kept:
        assert "vnd.loftet" not in path.read_text(encoding="utf-8")
        assert '<table id="table"' in path.read_text(encoding="utf-8").replace('\\"', '"')
    assert not list((undisturbed / "reports").rglob("*.ipynb"))


def test_all_below_data_clean_is_for_its_owner_alone_and_pages_are_not(quick):
    # folders as an earlier version made them, and a user who lets everybody read everything
    (quick / "data_clean/tiny/notebooks").mkdir(parents=True)
    open_to_all = f"umask 0; exec {shlex.quote(sys.executable)} -m loftet_analysis"
    for command in ("run tiny --notebook 01_quick", "export tiny"):
        done = subprocess.run(
            ["sh", "-c", f"{open_to_all} {command}"], cwd=quick, env=environment(quick),
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for top in ("data_clean", "reports", "figures")
        for path in (quick / top).rglob("*")
    }
    inside = {path: mode for path, mode in modes.items() if quick / "data_clean" in path.parents}
    assert {path.name for path in inside} >= {
        "part.parquet", "manifest.json", "follow_up.xlsx", "response.csv", "set_aside", "logs",
        "pupils.sav", "effects.csv", "01_quick.ipynb",
    }  # fmt: skip
    assert {path: oct(mode) for path, mode in inside.items() if mode & 0o077} == {}
    published = {(path.is_dir(), mode) for path, mode in modes.items() if path not in inside}
    assert published == {(True, 0o777), (False, 0o666)}
    assert stat.S_IMODE((quick.parent / "keys/tiny.key").stat().st_mode) == 0o600


LISTENING = """\
import psutil
own = psutil.Process()
for process in (own, *own.parents()[:2]):  # the warm process, and the batch
    for each in process.net_connections("inet"):
        assert each.status != "LISTEN", each
assert any("kernel-" in str(each.laddr) for each in own.net_connections("unix"))
"""


@pytest.mark.long
def test_a_local_run_listens_on_no_port(quick):
    code, _, err = run(quick, QUICK=LISTENING)
    assert code == 0, err


def test_bytecode_is_no_source(tmp_path):
    source = tmp_path / "floor/part/module.py"
    source.parent.mkdir(parents=True)
    source.write_text("first = 1\n", encoding="utf-8")
    before = digest([tmp_path])
    compileall.compile_dir(tmp_path, quiet=1)
    assert list(tmp_path.rglob("*.pyc"))
    assert digest([tmp_path]) == before
    source.write_text("first = 2\n", encoding="utf-8")
    assert digest([tmp_path]) != before


def test_status_says_why(ran, capsys):
    notebook = ran / "notebooks/national/10_quick.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    content["cells"][0]["source"] = ["# More effort"]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    assert main(["status", "tiny"]) == 0
    assert "stale, since notebook changed: national/10_quick" in capsys.readouterr().out
    content["cells"][0]["source"] = ["# Effort"]
    content["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    assert main(["status", "tiny"]) == 0
    assert "stale" not in capsys.readouterr().out  # it was only run by hand
    study = ran / "data_raw/tiny/study.yml"
    study.write_text(study.read_text(encoding="utf-8").replace("open", "internal"))
    assert main(["status", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "clean data: stale, since study description changed" in said
    assert "stale, since study description changed: " in said


def test_the_manifest_tells_what_a_page_was_made_from(undisturbed, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(undisturbed))
    entry = read_manifest("tiny")["oslo/01_quick"]
    assert {"notebook", "library", "packages", "parameters", "study description"} < set(
        entry["parts"]
    )
    assert ["pupils", {"region": ["oslo"]}] in entry["reads"]
    assert not [what for what, where in entry["reads"] if where.get("region") == ["nordland"]]
    assert sorted(entry["outputs"]) == [
        "data_clean/tiny/notebooks/oslo/01_quick.ipynb",
        "data_clean/tiny/results/oslo/01_quick/effects.pupils.csv",
        "figures/tiny/oslo/change.nb.png",
        "figures/tiny/oslo/change.nb.svg",
        "reports/tiny/nb/oslo/01_quick.html",
        "reports/tiny/nb/oslo/01_quick/01_quick.docx",
        "reports/tiny/nb/oslo/01_quick/change.csv",
        "reports/tiny/nb/oslo/01_quick/change.png",
        "reports/tiny/nb/oslo/01_quick/change.svg",
    ]
    assert entry["languages"] == ["nb"]
    assert entry["seconds"] > 0
    reads = read_manifest("tiny")["national/10_quick"]["reads"]
    assert ["results", {"table": ["effects"], "population": ["pupils"]}] in reads


def test_a_pipe_gets_whole_lines_and_the_log_all_of_it(undisturbed):
    (log,) = (undisturbed / "data_clean/.tiny/logs").glob("*.log")
    told = log.read_text(encoding="utf-8")
    for line in ("run of tiny", "link pupils", "oslo/01_quick done", "3 run, 0 failed", "ended"):
        assert line in told
