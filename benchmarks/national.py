"""Time and memory of the whole job at national size, command by command.

The study is the demo's fifteen regions with eighteen times its schools: more pupils, schools and
teachers than Norway has, so that of the pupils about 380,000 answer in each wave. Each command
runs in a process of its own; memory is the highest that it held together with the processes that
it started (sum of PSS: what they share counts once). CPU seconds tell what wall seconds would be
on a machine that is not busy with other work: on two cores, about half of them.

    python benchmarks/national.py                       # writes its table to README.md
    python benchmarks/national.py --scale 0.05          # a small one; nothing is written
    python benchmarks/national.py --folder study        # the study is kept there, its key beside
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from clean import HERE, write_down

STUDY, SIZE = "national", 18
SAMPLED_EVERY, SHARE = 0.2, 0.02  # seconds at least; of the time spent on looking at most
WRITE = "from loftet_analysis.demo.exports import write_demo; write_demo(study={!r}, size={})"
COMMANDS = {
    "check": ("check",),
    "clean": ("clean",),
    "run": ("run",),
    "run again, nothing changed": ("run",),
    "status": ("status",),
}
TARGET = ("clean", "run")


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name in brackets may hold anything; state and parent come after it
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found = [root]
    for process in found:
        found.extend(children.get(process, []))
    return found


def held(root: int) -> float:
    """Return the gigabytes that a process and all that descend from it hold now."""
    kilobytes = 0
    for process in tree(root):
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:  # it ended meanwhile
            continue
        pss = re.search(r"^Pss: +(\d+)", rollup, re.MULTILINE)
        kilobytes += int(pss[1]) if pss else 0
    return kilobytes / 1e6


def measured(command: Sequence[str], folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and the highest gigabytes of a command."""
    environment = {
        **os.environ,
        "LOFTET_ROOT": str(folder),
        "LOFTET_KEYS": f"{folder}.keys",
        "PYTHONPATH": str(HERE.parent),
    }
    with tempfile.TemporaryFile("w+") as output:
        began, busy, peak = time.perf_counter(), cpu(), 0.0
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            looked = time.perf_counter()
            peak = max(peak, held(process.pid))
            # the system counts every page that a process holds, which slows what is measured
            time.sleep(max(SAMPLED_EVERY, (time.perf_counter() - looked) / SHARE))
        took = time.perf_counter() - began
        if process.returncode:
            output.seek(0)
            raise SystemExit(
                f"{' '.join(command)}: exit code {process.returncode}\n{output.read()}"
            )
    return took, cpu() - busy, peak


def cpu() -> float:
    """Return the CPU seconds of all commands so far, and of what they started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sizes(folder: Path) -> str:
    """Say how large the study is."""
    raw = folder / "data_raw" / STUDY
    register = pd.read_csv(raw / "schools.csv")
    asked = register.filter(like="invited_").sum()
    megabytes = sum(file.stat().st_size for file in raw.iterdir()) / 1e6
    return (
        f"{len(register):,} schools; asked before and after: "
        f"{asked['invited_pupils_pre']:,} and {asked['invited_pupils_post']:,} pupils, "
        f"{asked['invited_teachers_pre']:,} and {asked['invited_teachers_post']:,} teachers, "
        f"{asked['invited_leaders_post']:,} leaders; exports of {megabytes:.0f} MB."
    )


def table(folder: Path, size: int) -> str:
    (folder / "data_raw").mkdir(parents=True, exist_ok=True)
    notebooks = folder / "notebooks"
    if not notebooks.exists():
        notebooks.symlink_to(HERE.parent / "notebooks")
    lines = [
        "| command | wall, s | CPU, s | peak memory of all processes, GB |",
        "|---|---|---|---|",
    ]
    found = {"(writing the exports)": measured(["-c", WRITE.format(STUDY, size)], folder)}
    for name, (command, *options) in COMMANDS.items():
        found[name] = measured(["-m", "loftet_analysis", command, STUDY, *options], folder)
        print("{}: {:.0f} s, {:.0f} s CPU, {:.2f} GB".format(name, *found[name]), flush=True)
    wall, busy, peaks = zip(*(found[name] for name in TARGET), strict=True)
    found["**clean and run together**"] = sum(wall), sum(busy), max(peaks)
    for name, (took, busy, peak) in found.items():
        lines.append(f"| {name} | {took:.0f} | {busy:.0f} | {peak:.2f} |")
    return f"{sizes(folder)}\n\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the national size")
    parser.add_argument("--folder", type=Path, help="where the study is kept; default: nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folder = (given.folder or Path(room) / "project").resolve()
        found = table(folder, max(round(SIZE * given.scale), 1))
    print(found)
    if given.scale == 1:
        write_down("national", found)


if __name__ == "__main__":
    main()
