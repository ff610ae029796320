"""The batch: contained failures, nothing lost, and one run of a study at a time."""

import compileall
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import digest, read_manifest
from loftet_analysis.batch.lock import occupied
from tests.quick_study import (
    environment,
    every_byte,
    forks_of,
    gone_soon,
    killed_at,
    run,
    started,
)
from tests.tiny_study import STUDY


def test_warm_and_fresh_kernels_give_the_same_bytes(undisturbed, quick):
    code, out, _ = run(quick, "--fresh-kernels")
    assert code == 0, out
    assert every_byte(quick) == every_byte(undisturbed)


def test_after_five_kills_the_next_run_gives_the_bytes_of_an_undisturbed_one(undisturbed, quick):
    whole = _took(undisturbed)
    moments = np.random.default_rng().uniform(0.1, 0.9, 5) * whole
    print(f"killed after {moments} s")
    for moment in sorted(moments):
        killed_at(quick, moment, "run", "tiny")
        assert gone_soon(quick)
    code, _, err = run(quick)
    assert code == 0, err
    assert every_byte(quick) == every_byte(undisturbed)
    assert not list(quick.rglob(".partial-*"))
    assert sorted(path.name for path in (quick / "data_clean/.tiny").iterdir()) == ["lock", "logs"]


def _took(quick: Path) -> float:
    """Return how long a run took, by its log."""
    (log,) = (quick / "data_clean/.tiny/logs").glob("*.log")
    stamps = re.findall(r"(?m)^\S+ (\d\d):(\d\d):(\d\d),(\d\d\d)", log.read_text(encoding="utf-8"))
    first, last = ([int(n) for n in stamp] for stamp in (stamps[0], stamps[-1]))
    hours, minutes, seconds, thousandths = (b - a for a, b in zip(first, last, strict=True))
    return (hours * 3600 + minutes * 60 + seconds + thousandths / 1000) % 86400


WRONG = {
    "raises": ("raise ValueError('first\\nsecond')", "ValueError: first"),
    "hangs": ("while True: pass", "stopped after 8 s, its limit of time"),
    "is killed": ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "its kernel died"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "its kernel died"),
    "wants too much memory": ("bytearray(1 << 60)", "MemoryError"),
    "leaves a process": ("import subprocess; subprocess.Popen(['sleep', '77']); 1 / 0", "ZeroDiv"),
}


@pytest.mark.parametrize("ways", [[*WRONG][:3], [*WRONG][3:]])
def test_what_goes_wrong_is_contained(undisturbed, quick, ways):
    places = ("nordland", "oslo", "national")
    deeds = [
        f"{'if' if n == 0 else 'elif'} globals().get('region', 'national') == {place!r}:\n"
        f"    {WRONG[way][0]}"
        for n, (place, way) in enumerate(zip(places, ways, strict=True))
    ]
    code, out, err = run(quick, "--time-limit", "8", QUICK="\n".join(deeds))
    assert code == 1
    assert "0 run, 3 failed" in out
    for place, way in zip(places, ways, strict=True):
        notebook = "10_quick" if place == "national" else "01_quick"
        assert f"{place}/{notebook}.nb failed: {WRONG[way][1]}" in err
        assert re.search(rf"{place}\s.*failed", out)
        assert (quick / f"data_clean/tiny/failed/{place}/{notebook}.nb.txt").exists()
    assert not list(quick.glob("reports/tiny/nb/*/*"))
    assert not list(quick.glob("figures/tiny/*/*"))
    code, out, _ = run(quick)
    assert code == 0
    assert "3 run, 0 failed" in out
    assert every_byte(quick) == every_byte(undisturbed)


def test_a_stopped_run_leaves_no_process_and_is_gone_on_with(undisturbed, quick):
    process = started(quick, "run", "tiny", QUICK="import time; time.sleep(60)")
    end = time.monotonic() + 60
    while len(forks_of(quick)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in err
    assert gone_soon(quick)
    assert run(quick)[0] == 0
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


def test_a_full_disk_is_contained_and_nothing_is_half_written(undisturbed, quick):
    # a limit on the size of a file stands for the disk: small files go, pages do not
    command = shlex.join([sys.executable, "-m", "loftet_analysis", "run", "tiny"])
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 16; exec {command}"],
        cwd=quick,
        env=environment(quick),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {1, 2}, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(quick.rglob(".partial-*"))
    assert run(quick)[0] == 0
    assert every_byte(quick) == every_byte(undisturbed)


def test_only_what_read_what_has_changed_is_run_again(undisturbed, quick):
    assert run(quick)[0] == 0
    export = quick / "data_raw/tiny/post.csv"
    lines = export.read_text(encoding="utf-8").splitlines()
    assert sum(";0500;" in line for line in lines) > 5
    # the sheets of a school in Oslo came in a day later; no number hangs on that
    changed = [line.replace("-20T", "-21T") if ";0500;" in line else line for line in lines]
    export.write_text("\n".join(changed), encoding="utf-8")
    assert main(["status", "tiny"]) == 0
    code, out, _ = run(quick)
    assert code == 0
    assert "oslo/01_quick.nb done" in out
    assert "nordland/01_quick.nb done" not in out
    assert "2 run, 0 failed, 1 up to date" in out


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


def test_status_says_why(undisturbed, quick, capsys):
    assert run(quick)[0] == 0
    notebook = quick / "notebooks/national/10_quick.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    content["cells"][0]["source"] = ["# More effort"]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    assert main(["status", "tiny"]) == 0
    assert "stale, since notebook changed: national/10_quick.nb" in capsys.readouterr().out
    study = quick / "data_raw/tiny/study.yml"
    study.write_text(STUDY, encoding="utf-8")
    assert main(["status", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "clean data: stale, since study description changed" in said
    assert "stale, since study description changed: " in said


def test_the_manifest_tells_what_a_page_was_made_from(undisturbed, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(undisturbed))
    entry = read_manifest("tiny")["oslo/01_quick.nb"]
    assert {"notebook", "library", "packages", "parameters", "study description"} < set(
        entry["parts"]
    )
    assert ("pupils", {"region": ["oslo"]}) in entry["reads"]
    assert not [what for what, where in entry["reads"] if where.get("region") == ["nordland"]]
    assert entry["figures"] == ["change.nb.png", "change.nb.svg"]
    assert entry["seconds"] > 0


def test_a_pipe_gets_whole_lines_and_the_log_all_of_it(undisturbed):
    (log,) = (undisturbed / "data_clean/.tiny/logs").glob("*.log")
    told = log.read_text(encoding="utf-8")
    for line in ("run of tiny", "link pupils", "oslo/01_quick.nb done", "3 run, 0 failed", "ended"):
        assert line in told
