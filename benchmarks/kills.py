"""Kill a run at random moments, run again, and compare every byte with an undisturbed run.

python benchmarks/kills.py --kills 50
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from clean import write_down

from tests.quick_study import build_quick, every_byte, gone_soon, kernels_of, killed_at, run

GENERATED = ("data_clean", "figures", "reports")


def once(root: Path, moment: float, undisturbed: dict[str, str]) -> tuple[bool, str]:
    """Kill a run after some seconds and run again; return whether it was at work, and the fault."""
    for name in GENERATED:
        shutil.rmtree(root / name, ignore_errors=True)
    at_work = killed_at(root, moment, "run", "tiny")
    if not gone_soon(root):
        return at_work, f"{len(kernels_of(root))} processes stayed"
    code, _, err = run(root)
    if code:
        return at_work, err
    now = every_byte(root)
    unlike = [name for name in {*now, *undisturbed} if now.get(name) != undisturbed.get(name)]
    return at_work, ", ".join(unlike)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "Løftet {test}"
        build_quick(root)
        assert run(root)[0] == 0  # the pseudonyms' key is made, bytecode compiled
        for name in GENERATED:
            shutil.rmtree(root / name)
        began = time.perf_counter()
        assert run(root)[0] == 0
        whole, undisturbed = time.perf_counter() - began, every_byte(root)
        moments = np.random.default_rng().uniform(0.02, 0.98, kills) * whole
        found = [once(root, moment, undisturbed) for moment in moments]
    at_work = sum(state for state, _ in found)
    faults = [fault for _, fault in found if fault]
    told = (
        f"{kills} runs of the quick study ({whole:.1f} s, {len(undisturbed)} files) killed at "
        f"random moments, {at_work} of them while still at work; {kills - len(faults)} gave the "
        "bytes of an undisturbed run when run again, and left no process."
    )
    print(told, *faults, sep="\n")
    if faults:
        raise SystemExit(1)
    if kills >= 50:
        write_down("kills", told)


if __name__ == "__main__":
    main()
