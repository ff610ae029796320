"""A study whose pages are made in a moment: two regions, one question, notebooks of a few cells.

A notebook runs what the environment variable ``QUICK`` holds, so that a test can let it go wrong.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.tiny_study import STUDY, build, sheets, write_csv

REGIONS = ("nordland", "oslo")
STUDY_OPEN = STUDY.replace("disclosure: internal", "disclosure: open")
PAGES = len(REGIONS) + 1
_SCHOOLS = {"0301": REGIONS[0], "0302": REGIONS[0], "0303": REGIONS[0], "0304": REGIONS[0]}
_SCHOOLS |= {"0500": REGIONS[1], "0501": REGIONS[1], "0502": REGIONS[1], "0503": REGIONS[1]}
_WORDS = ("Helt uenig", "Uenig", "Enig", "Helt enig")


REGION = """\
pupils = study.read("pupils")
plan = study.plan("pupils")
linked = la.linked_change(la.pairs(pupils, plan), plan)
effects = la.verdicts(linked)
study.keep(effects=effects)
changes = la.gate(effects[effects["subgroup"] == "all"], study)"""
COUNTRY = """\
effects = study.results("effects", "pupils")
changes = la.gate(effects[effects["subgroup"] == "all"], study)"""


def build_quick(root: Path) -> Path:
    """Lay out the project; return the study's folder."""
    folder = build(root, study=f"{STUDY_OPEN}notebooks: [mine/*, national/10_quick]\n")
    register = [f"{number},Skole {number},{region},1-10" for number, region in _SCHOOLS.items()]
    lines = ["school_id,school,region,grades", *register]
    (folder / "schools.csv").write_text("\n".join(lines), encoding="utf-8")
    rng = np.random.default_rng(7)
    for wave, older in (("pre", 0), ("post", 2)):
        rows = []
        for school in _SCHOOLS:
            for pupil in range(14):
                answers, code = rng.choice(_WORDS, 3), f"k{school}{pupil:02}"
                about = (str(len(rows) % 60), school, str(5 + pupil % 2 + older), code, "Ja")
                rows.append("|".join([*about, *answers]))
        write_csv(folder, wave, sheets(*rows, wave=wave))
    _write_notebook(root, "mine/01_quick")
    _write_notebook(root, "national/10_quick")
    return folder


def _write_notebook(root: Path, name: str) -> None:
    parameters = ['study = "tiny"', 'language = "nb"']
    of_country = name.startswith("national/")
    place = ""
    if not of_country:
        parameters.append('region = "nordland"')
        place = "region=region, "
    cells = [
        new_markdown_cell("# Effort", id="title"),
        new_code_cell("\n".join(parameters), id="given", metadata={"tags": ["parameters"]}),
        new_code_cell(
            'import os\n\nimport loftet_analysis as la\n\nexec(os.environ.get("QUICK", ""))',
            id="start",
        ),
        new_code_cell(f"study = la.open_study(study, {place}language=language)\nstudy", id="open"),
        new_code_cell(COUNTRY if of_country else REGION, id="read"),
        new_code_cell("study.show(changes)", id="table"),
        new_code_cell('study.show(changes, la.figures.change, name="change")', id="figure"),
    ]
    # editors save the kernel's name in a notebook, and need not
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel} if of_country else {}
    notebook = new_notebook(cells=cells, metadata=metadata)
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def environment(root: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "LOFTET_ROOT": str(root),
        "LOFTET_KEYS": str(root.parent / "keys"),
        "PYTHONUTF8": "1",
        **more,
    }


def started(root: Path, *arguments: str, **more: str) -> subprocess.Popen:
    """Start the command line as the leader of its own group of processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "loftet_analysis", *arguments],
        cwd=root,
        env=environment(root, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def killed_at(root: Path, seconds: float, *arguments: str) -> bool:
    """Kill a run after some seconds; return whether it was still at work."""
    process = started(root, *arguments)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


def every_byte(root: Path) -> dict[str, str]:
    """Return the digest of everything generated; of the manifest all but the times."""
    found = {}
    for top in ("data_clean/tiny", "figures", "reports"):
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and path.name != "manifest.json":
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(root))] = digest
    return found


def kernels_of(root: Path) -> list[int]:
    """Return the warm processes and kernels that work for a project."""
    mark = f"LOFTET_ROOT={root}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (place / "environ").read_bytes(), (place / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in environ.split(b"\0") and b"loftet_analysis.batch.kernels" in command:
            found.append(int(place.name))
    return found


def gone_soon(root: Path, within: float = 10) -> bool:
    end = time.monotonic() + within
    while kernels_of(root):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def run(root: Path, *more: str, **variables: str) -> tuple[int, str, str]:
    process = started(root, "run", "tiny", *more, **variables)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    assert gone_soon(root)
    return process.returncode, out, err
