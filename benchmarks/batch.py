"""The batch beside plain papermill: the same notebooks, the same clean data, the same cores.

`loftet run` does more than the loops do: it also cleans the exports, makes pages, tables and the
index. A machine's speed drifts, so the three ways are measured in turns: a quarter of each loop, a
whole run, the next quarter, and so on. The floor is what nothing can beat that runs these cells:
the seconds inside them, without the cell of imports, as papermill noted them one notebook at a
time, divided by the cores.

    python benchmarks/batch.py                # the whole demo; writes its tables to README.md
    python benchmarks/batch.py --regions 2    # a quick look; nothing is written
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from clean import HERE, write_down
from national import measured

from loftet_analysis.demo.regions import chosen

STUDY, CORES, TURNS = "demo", 2, 4
Measure = tuple[float, float, float]  # seconds, seconds of CPU, GB
API = """\
import json, sys, papermill
for source, target, parameters in json.load(open(sys.argv[1])):
    papermill.execute_notebook(source, target, parameters, progress_bar=False)
"""
CLI = """\
import json, subprocess, sys
for source, target, parameters in json.load(open(sys.argv[1])):
    given = [word for pair in parameters.items() for word in ("-p", *pair)]
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", source, target, *given]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
"""


def loops(root: Path, regions: list[str]) -> list[tuple[str, str, dict[str, str]]]:
    """Return what a loop over regions and notebooks runs: source, target and parameters."""
    found = []
    folder, results = root / "notebooks", root / "loop"
    results.mkdir(exist_ok=True)
    for region in regions:
        for source in sorted(folder.glob("region/*.ipynb")):
            target = results / f"{region}.{source.name}"
            found.append((str(source), str(target), {"study": STUDY, "region": region}))
    # last, since it reads what the regions of a run have kept
    for source in sorted(folder.glob("national/*.ipynb")):
        found.append((str(source), str(results / source.name), {"study": STUDY}))
    return found


def cell_seconds(targets: list[str]) -> float:
    """Return the seconds inside the cells of executed notebooks, without those of imports."""
    total = 0.0
    for target in targets:
        for cell in json.loads(Path(target).read_text(encoding="utf-8"))["cells"]:
            imports = "import loftet_analysis" in "".join(cell["source"])
            if cell["cell_type"] == "code" and not imports:
                total += cell["metadata"]["papermill"]["duration"] or 0
    return total


def in_turns(
    root: Path, regions: list[str], ways: dict[str, str | list[str]]
) -> tuple[dict[str, list[Measure]], list[str]]:
    """Measure parts of each loop, and the whole of a command, by turns.

    Returns the measures of each way, and the notebooks that the loops over them left.
    """
    todo = loops(root, regions)
    found: dict[str, list[Measure]] = {name: [] for name in ways}
    targets = []
    for turn in range(TURNS):
        job = root / f"loop{turn}.json"
        part = todo[turn::TURNS]
        job.write_text(json.dumps(part), encoding="utf-8")
        for name, way in ways.items():
            command = way if isinstance(way, list) else ["-c", way, str(job)]
            found[name].append(measured(command, root))
            print(f"{name}: {found[name][-1][0]:.1f} s", flush=True)
        targets += [target for _, target, _ in part]
    return found, targets


def in_all(parts: list[Measure], *, mean: bool) -> Measure:
    """Return the sum of the parts, or their mean, and the highest peak."""
    walls, cpus, peaks = zip(*parts, strict=True)
    share = len(parts) if mean else 1
    return sum(walls) / share, sum(cpus) / share, max(peaks)


def table(root: Path, regions: list[str]) -> str:
    (root / "data_raw").mkdir(parents=True)
    shutil.copytree(HERE.parent / "notebooks", root / "notebooks")
    os.environ["PYTHONUTF8"] = "1"
    write = f"from loftet_analysis.demo.exports import write_demo; write_demo({regions!r})"
    measured(["-c", write], root)
    loftet = ["-m", "loftet_analysis"]
    found = {"clean alone": measured([*loftet, "clean", STUDY], root)}
    whole = "**loftet run: clean, pages, tables, index**"
    ways = {
        "papermill, API, one after another": API,
        "papermill, command line, one after another": CLI,
        whole: [*loftet, "run", STUDY, "--force"],
    }
    turns, targets = in_turns(root, regions, ways)
    inside = cell_seconds(targets)
    found |= {name: in_all(parts, mean=name == whole) for name, parts in turns.items()}
    found["loftet run again, nothing changed"] = measured([*loftet, "run", STUDY], root)
    languages = [word for language in ("nb", "nn", "en") for word in ("--language", language)]
    found["loftet run in three languages"] = measured(
        [*loftet, "run", STUDY, "--force", *languages], root
    )
    shutil.rmtree(root / "data_clean")  # which languages there were is forgotten
    fresh = [*loftet, "run", STUDY, "--force", "--fresh-kernels"]
    found["loftet run with fresh kernels"] = measured(fresh, root)
    ours = found[whole][0]
    lines = ["| way | wall, s | × ours | CPU, s | peak memory, GB |", "|---|---|---|---|---|"]
    for name, (wall, cpu, peak) in found.items():
        lines.append(f"| {name} | {wall:.1f} | {wall / ours:.2f} | {cpu:.0f} | {peak:.2f} |")
    floor = inside / CORES
    lines.append(
        f"| (the floor: {inside:.0f} s in cells ÷ {CORES}) | {floor:.1f} | ",
    )
    lines[-1] += f"{floor / ours:.2f} | | |"
    each = ", ".join(f"{wall:.1f}" for wall, *_ in turns[whole])
    lines += ["", f"The runs between the parts of the loops took {each} s."]
    lines += ["", "Runs over regions (no country), start and tables included, seconds a page:", ""]
    lines += ["| regions | pages | 1 worker | 2 workers | gain |", "|---|---|---|---|---|"]
    pages = len(list((root / "notebooks/region").glob("*.ipynb")))
    for count in [n for n in (1, 2, 4, 8, 15) if n <= len(regions)]:
        chosen = [word for region in regions[:count] for word in ("--region", region)]
        walls = []
        for jobs in (1, CORES):
            # new clean data are no part of this: what was made is forgotten, not the exports
            shutil.rmtree(root / "reports")
            command = [*loftet, "run", STUDY, *chosen, "--jobs", str(jobs)]
            walls.append(measured(command, root)[0])
        each = [wall / (count * pages) for wall in walls]
        lines.append(
            f"| {count} | {count * pages} | {each[0]:.2f} | {each[1]:.2f} | "
            f"{walls[0] / walls[1]:.2f} × |"
        )
    return f"{len(targets)} pages of {len(regions)} regions.\n\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--regions", type=int, default=15)
    count = parser.parse_args().regions
    regions = [region.slug for region in chosen(None)][:count]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as room:
        found = table(Path(room) / "project", regions)
    print(found, f"\n(all of it: {time.perf_counter() - began:.0f} s)", file=sys.stdout)
    if count == 15:
        write_down("batch", found)


if __name__ == "__main__":
    main()
