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
PAGES = len(REGIONS) + 1
_SCHOOLS = {"0301": REGIONS[0], "0302": REGIONS[0], "0303": REGIONS[0], "0304": REGIONS[0]}
_SCHOOLS |= {"0500": REGIONS[1], "0501": REGIONS[1], "0502": REGIONS[1], "0503": REGIONS[1]}
_WORDS = ("Helt uenig", "Uenig", "Enig", "Helt enig")


def build_quick(root: Path) -> Path:
    """Lay out the project; return the study's folder."""
    folder = build(root, study=STUDY.replace("disclosure: internal", "disclosure: open"))
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
    _write_notebook(root, "region/01_quick", regional=True)
    _write_notebook(root, "national/10_quick", regional=False)
    return folder


def _write_notebook(root: Path, name: str, *, regional: bool) -> None:
    parameters = ['study = "tiny"', 'language = "nb"']
    place = ""
    if regional:
        parameters.append('region = "nordland"')
        place = "region=region, "
    cells = [
        new_markdown_cell("# Effort", id="title"),
        new_code_cell("\n".join(parameters), id="given", metadata={"tags": ["parameters"]}),
        new_code_cell(
            "import os\n\nfrom loftet_analysis.show import open_study\n\n"
            'exec(os.environ.get("QUICK", ""))',
            id="start",
        ),
        new_code_cell(
            f"study = open_study(study, {place}language=language)\n"
            'pupils = study.read("pupils")\n'
            'effects = study.effects("pupils", pupils)\n'
            'changes = effects[effects["subgroup"] == "all"]\nstudy',
            id="read",
        ),
        new_code_cell('study.publish(changes, "effects_table", name="table")', id="table"),
        new_code_cell(
            'changes = changes[changes["estimand"].isin(["linked_change", "same_grade"])]\n'
            'study.publish(changes, "change", name="change")',
            id="figure",
        ),
    ]
    notebook = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
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


def forks_of(root: Path) -> list[int]:
    """Return the warm processes and kernels that work for a project."""
    mark = f"LOFTET_ROOT={root}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (place / "environ").read_bytes(), (place / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in environ.split(b"\0") and b"loftet_analysis.batch.forks" in command:
            found.append(int(place.name))
    return found


def gone_soon(root: Path, within: float = 10) -> bool:
    end = time.monotonic() + within
    while forks_of(root):
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
