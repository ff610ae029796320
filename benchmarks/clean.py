"""Time and memory of cleaning a national export, beside merely parsing the same file.

One wide file would hide the work of linking, so there are two exports, one per wave, of 380,000
pupils each: 760,000 rows of 45 columns (school, grade, gender, code, consent, time, a comment, 38
items as labels), from 2,500 schools. Every task runs in a process of its own on the same cores,
all of them in turns; the median of the turns is told. Memory is the highest that the process ever
held.

    python benchmarks/clean.py                  # writes its table to README.md
    python benchmarks/clean.py --people 20000   # a small one; nothing is written
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
ITEMS, SCHOOLS = 38, 2500
TURNS = 5
LABELS = np.array(["Helt uenig", "Uenig", "Enig", "Helt enig", "Vet ikke", ""], dtype=object)


def write_study(
    root: Path, people: int, *, schools: int | None = None, regions: int = 15
) -> list[Path]:
    """Write a study of two waves; return its exports."""
    rng = np.random.default_rng(3)
    folder = root / "data_raw" / "national"
    (folder / "instruments").mkdir(parents=True)
    schools = schools or max(30, SCHOOLS * people // 380_000)
    rows = [
        f"{900_000_000 + s},Skole {s},R{s * regions // schools:03},1-10,M{s // 7}"
        for s in range(schools)
    ]
    register = "\n".join(["school_id,school,region,grades,municipality", *rows])
    (folder / "schools.csv").write_text(register, encoding="utf-8")
    (folder / "study.yml").write_text(STUDY, encoding="utf-8")
    scales = ["responses:", "  agree4:"]
    scales += [f"    {v + 1}: {{nb: {LABELS[v]}}}" for v in range(4)] + [
        "    missing: [Vet ikke]",
        "scales:",
    ]
    for item in range(ITEMS):
        if item % 5 == 0:
            scales += [f"  scale_{item // 5}:", f"    label: {{nb: Skala {item // 5}}}",
                       "    responses: agree4", "    items:"]  # fmt: skip
        turned = ", reversed: true" if item % 5 == 2 else ""
        scales.append(
            f"      item_{item}: {{nb: Utsagn nummer {item}., columns: [u{item}]{turned}}}"
        )
    (folder / "instruments" / "pupil.yml").write_text("\n".join(scales) + "\n", encoding="utf-8")
    school = np.sort(rng.integers(0, schools, people))
    grade, boy = rng.integers(5, 9, people), rng.random(people) < 0.5
    letters = np.array(list("ABDEFGHIJKLMNORSTUVØ"))
    code = ["".join(row) for row in letters[rng.integers(0, 20, (people, 6))]]
    written = []
    for wave, year in (("pre", 2025), ("post", 2027)):
        day = rng.integers(0, 30, people)
        frame = pd.DataFrame(
            {
                "$submission_id": 30_000_000 + np.arange(people),
                "$created": pd.Series(pd.Timestamp(f"{year}-09-15T09:00") + pd.to_timedelta(
                    day * 1440 + rng.integers(0, 400, people), unit="min")
                ).dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"),
                "skole": (900_000_000 + school).astype(str),
                "trinn": pd.Series(grade + (0 if wave == "pre" else 2)).astype(str) + ". trinn",
                "kjonn": np.where(boy, "Gutt", "Jente"),
                "kode": np.where(rng.random(people) < 0.3, "", code),
                "samtykke": np.where(rng.random(people) < 0.99, "Jeg samtykker", "Nei"),
            }
        )  # fmt: skip
        answers = LABELS[rng.choice(6, (people, ITEMS), p=[0.1, 0.25, 0.35, 0.22, 0.03, 0.05])]
        frame = pd.concat(
            [frame, pd.DataFrame(answers, columns=[f"u{i}" for i in range(ITEMS)])], axis=1
        )
        written.append(folder / f"{wave}.csv")
        frame.to_csv(written[-1], sep=";", index=False, quoting=1)
    return written


STUDY = """\
title: {nb: Nasjonal}
languages: [nb]
disclosure: public
waves:
  pre: {from: 2025-09-15, to: 2025-10-31}
  post: {from: 2027-09-13, to: 2027-10-29}
populations:
  pupils:
    instrument: pupil
    columns: {school_id: skole, grade: trinn, gender: kjonn, submitted: $created}
    values: {gender: {girl: [Jente], boy: [Gutt]}}
    link: {by: code, column: kode, elements: [1, 1, 1, 1, 1, 1]}
    consent: {column: samtykke, yes: Jeg samtykker}
    files:
      pre: {tool: nettskjema, file: pre.csv}
      post: {tool: nettskjema, file: post.csv}
"""
ARROW = """\
import pyarrow.csv as c
for f in files: c.read_csv(f, parse_options=c.ParseOptions(delimiter=';'))
"""
PANDAS = """\
import pandas as pd
for f in files: pd.read_csv(f, sep=';', dtype=str, keep_default_na=False)
"""
OURS = """\
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.study import load_study
study = load_study('national')
store.write(prepare(study), study)
"""
TASKS = {
    "parsed by pyarrow": ARROW,
    "parsed by pandas, as text": PANDAS,
    "**cleaned, linked, scored and written by us**": OURS,
}
FRAME = """\
import json, resource, sys, time
files = {files!r}
{warm}
began = time.perf_counter()
{task}
took = time.perf_counter() - began
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))
"""


def measured(task: str, files: list[Path], root: Path) -> tuple[float, float]:
    """Return seconds and gigabytes of one task, its imports done before."""
    warm = "\n".join(line for line in task.splitlines() if line.startswith(("import", "from")))
    script = FRAME.format(files=[str(file) for file in files], warm=warm, task=task)
    environment = {**os.environ, "LOFTET_ROOT": str(root), "LOFTET_KEYS": str(root.parent / "keys")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def table(people: int) -> str:
    lines = [
        "| task | wall, s | × pyarrow | × pandas | peak memory, GB | × pandas |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "project"
        files = write_study(root, people)
        size = sum(file.stat().st_size for file in files) / 1e6
        turns = [
            {name: measured(task, files, root) for name, task in TASKS.items()}
            for _ in range(TURNS)
        ]
        found = {name: np.median([turn[name] for turn in turns], axis=0) for name in TASKS}
        (arrow, _), (pandas, memory), _ = found.values()
        for name, (seconds, peak) in found.items():
            ratios = f"{seconds / arrow:.1f} | {seconds / pandas:.1f}"
            lines.append(
                f"| {name} | {seconds:.2f} | {ratios} | {peak:.2f} | {peak / memory:.1f} |"
            )
        half = write_study(Path(room) / "half", people // 2)
        seconds, peak = measured(list(TASKS.values())[-1], half, Path(room) / "half")
        lines.append(f"| the same with half the rows | {seconds:.2f} | | | {peak:.2f} | |")
    about = f"{2 * people:,} rows in two files of together {size:.0f} MB; medians of {TURNS} turns."
    return about + "\n\n" + "\n".join(lines)


def write_down(name: str, found: str) -> None:
    """Put what was found today between the marks of this name in the README."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    shown = f"{begin}\n({time.strftime('%Y-%m-%d')}) {found}\n{end}"
    place = re.compile(f"{begin}.*{end}", re.DOTALL)
    readme.write_text(place.sub(lambda _: shown, text), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=380_000)
    people = parser.parse_args().people
    found = table(people)
    print(found)
    if people == 380_000:
        write_down("clean", found)


if __name__ == "__main__":
    main()
