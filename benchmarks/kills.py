"""Disturb a run, run again, and compare every byte with an undisturbed run.

Runs are killed at random moments; the power is cut at random steps of others, so that of the disk
only that is left which was waited for; and every file that a run made is deleted, emptied, cut in
half and changed by one bit, each by itself.

python benchmarks/kills.py --kills 50 --cuts 24
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from clean import write_down

from loftet_analysis.batch.cli import main as command
from tests.damage import DAMAGE, Disk, PowerCut
from tests.quick_study import (
    build_quick,
    environment,
    every_byte,
    gone_soon,
    kernels_of,
    killed_at,
    run,
)

GENERATED = ("data_clean", "figures", "reports")


def unlike(root: Path, undisturbed: dict[str, str]) -> str:
    """Run again; return which files are not those of an undisturbed run."""
    code, _, err = run(root)
    if code:
        return err
    now = every_byte(root)
    names = sorted(name for name in {*now, *undisturbed} if now.get(name) != undisturbed.get(name))
    return ", ".join(names)


def emptied(root: Path) -> None:
    """Remove everything that was generated."""
    for name in GENERATED:
        shutil.rmtree(root / name, ignore_errors=True)


def killed(root: Path, moment: float, undisturbed: dict[str, str]) -> tuple[bool, str]:
    """Kill a run after some seconds and run again; return whether it was at work, and the fault."""
    emptied(root)
    at_work = killed_at(root, moment, "run", "tiny")
    if not gone_soon(root):
        return at_work, f"{len(kernels_of(root))} processes stayed"
    return at_work, unlike(root, undisturbed)


def watched(root: Path, last: int = -1) -> Disk:
    """Run in a process of its own whose disk is watched; return the disk when the power is gone."""
    os.environ.update(environment(root))
    disk = Disk(root)
    try:
        with disk.watched(last):
            command(["run", "tiny"])
    except PowerCut:
        pass
    return disk


def in_a_process(do: Callable[[], None]) -> None:
    """Do something in a forked process, so that it leaves nothing behind in this one."""
    child = os.fork()
    if not child:
        code = 1
        try:
            do()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def cut(root: Path, moment: float, undisturbed: dict[str, str]) -> str:
    """Cut the power at a part of a run's steps and run again on what is left; return the fault."""
    emptied(root)
    count, after = root.parent / "steps", root.parent / "after"

    def steps() -> None:
        count.write_text(str(watched(root).steps))

    if not count.exists():
        in_a_process(steps)
        emptied(root)
    last = int(moment * int(count.read_text()))
    in_a_process(lambda: watched(root, last).left(np.random.default_rng(), after))
    gone_soon(root)
    emptied(root)
    for name in GENERATED:
        if (after / name).exists():
            shutil.copytree(after / name, root / name)
    shutil.rmtree(after)
    return unlike(root, undisturbed)


def deeds(path: Path) -> list[str]:
    """Return what may happen to a file; one that is empty can only be deleted."""
    return [deed for deed in DAMAGE if path.exists() and (deed == "deleted" or path.stat().st_size)]


def damaged(root: Path, name: str, deed: str, undisturbed: dict[str, str]) -> str:
    """Damage a file and run again; return the fault."""
    if deed not in deeds(root / name):
        return f"{name} {deed}: it is empty already"
    DAMAGE[deed](root / name)
    if not (fault := unlike(root, undisturbed)):
        return ""
    print(f"{name} {deed}: {fault}", flush=True)
    return f"{name} {deed}: {fault}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--damage", type=int, help="files at most; default: all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "Løftet {test}"
        build_quick(root)
        assert run(root)[0] == 0  # the pseudonyms' key is made, bytecode compiled
        emptied(root)
        began = time.perf_counter()
        assert run(root)[0] == 0
        whole, undisturbed = time.perf_counter() - began, every_byte(root)
        rng = np.random.default_rng()
        moments = rng.uniform(0.02, 0.98, given.kills) * whole
        kills = [killed(root, moment, undisturbed) for moment in moments]
        print(f"{len(kills)} killed", *(fault for _, fault in kills if fault), sep="\n", flush=True)
        cuts = [cut(root, moment, undisturbed) for moment in rng.uniform(0, 1, given.cuts)]
        print(f"{len(cuts)} cut", *filter(None, cuts), sep="\n", flush=True)
        assert unlike(root, undisturbed) == ""
        files = [*undisturbed, "data_clean/tiny/manifest.json"]
        chosen = sorted(rng.choice(files, min(given.damage or len(files), len(files)), False))
        damage = [
            damaged(root, name, deed, undisturbed) for name in chosen for deed in deeds(root / name)
        ]
    faults = [fault for fault in (*(fault for _, fault in kills), *cuts, *damage) if fault]
    told = (
        f"The quick study ({whole:.1f} s, {len(undisturbed)} files). {len(kills)} runs killed at "
        f"random moments, {sum(state for state, _ in kills)} of them while still at work; "
        f"{sum(not fault for _, fault in kills)} gave the bytes of an undisturbed run when run "
        f"again, and left no process. {len(cuts)} runs during which the power was cut (only what "
        f"was waited for is left): {sum(not fault for fault in cuts)} gave those bytes. "
        f"{len(chosen)} files deleted and, unless empty, emptied, cut in half and changed by one "
        f"bit, each by itself, "
        f"{len(damage)} in all: {sum(not fault for fault in damage)} gave those bytes."
    )
    print(told, *faults, sep="\n")
    if faults:
        raise SystemExit(1)
    if given.kills >= 50 and given.cuts >= 24 and not given.damage:
        write_down("kills", told)


if __name__ == "__main__":
    main()
