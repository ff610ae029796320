"""Whether schools' associations are found: bias, and coverage of the intervals of `la.school_link`.

Schools in 15 regions of unequal size have a true value on two axes, of which a part is the
region's, with a known correlation; people answer around them. What the raw correlation and slope
estimate is theirs times what the means' noise leaves of it, which follows from the numbers of
people; what the disattenuated correlation estimates is the true one.

    python benchmarks/whole_school.py                    # all cells; writes the table
    python benchmarks/whole_school.py --replications 200
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from loftet_analysis.analysis.school_link import school_link

HERE = Path(__file__).resolve().parent
REGIONS, REGION_SHARE = 15, 0.15
RELATIVE = np.linspace(0.5, 1.5, REGIONS)
WITHIN = 1.0  # variance of a person's answer, or change
PLAN = pd.DataFrame(
    [
        {"population": population, "outcome": outcome, "question": "", "estimand": "level",
         "subgroup": "all"}
        for population, outcome in (
            ("leaders", "x"), ("teachers", "x"), ("teachers", "y"), ("pupils", "x"), ("pupils", "y")
        )
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """One axis: whose, `kind` level, change (of linked people) or grades, and how many people.

    `people` at a school are drawn evenly from those; of grades it is the one number of each of two
    grades in each wave. `variance` is that of the true school values.
    """

    population: str
    kind: str
    people: tuple[int, ...]
    variance: float

    @property
    def noise(self) -> float:
        """Mean sampling variance of a school's mean; of grades two waves double and halve it."""
        return WITHIN * np.mean([1 / n for n in self.people])

    @property
    def reliability(self) -> float:
        """Share of the variance of means that is not chance."""
        return self.variance / (self.variance + self.noise)


LEADERS = Axis("leaders", "level", (1, 2), 0.30)
PARTICIPANTS = Axis("teachers", "change", (1, 2), 0.15)
COLLEAGUES = Axis("teachers", "change", (1, 2, 3, 4), 0.15)
STAFF = Axis("teachers", "level", (5, 10, 15), 0.15)
TEACHING = Axis("pupils", "grades", (25,), 0.10)
PUPILS = Axis("pupils", "level", (40, 80, 120), 0.06)
CELLS = [
    (name, schools, one, other, rho)
    for name, one, other in (
        ("leaders' level → participants' change", LEADERS, PARTICIPANTS),
        ("colleagues' change → pupils' change", COLLEAGUES, TEACHING),
        ("teachers' level → pupils' level", STAFF, PUPILS),
        ("pupils' change → the same pupils' change", TEACHING, TEACHING),
    )
    for schools in (60, 150)
    for rho in (0.0, 0.5)
]


def halved(axis: Axis) -> Axis:
    """Return the axis as half of its people see it."""
    return Axis(axis.population, axis.kind, tuple(n / 2 for n in axis.people), axis.variance)


def answers(
    rng: np.random.Generator, axis: Axis, value: np.ndarray, shared: np.ndarray | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows of everybody with `answer`, and the noise in it, of which `shared` is a part."""
    n = rng.choice(axis.people, len(value))
    waves = ("post",) if axis.kind == "level" else ("pre", "post")
    cells = (5, 6) if axis.kind == "grades" else (5,)
    # so that a person's change has the variance WITHIN, as a single answer has otherwise
    sd = np.sqrt(WITHIN / (2 if axis.kind == "change" else 1))
    frames = []
    for wave in waves:
        for grade in cells:
            school = np.repeat(np.arange(len(value)), n)
            person = [f"{grade}{i}" for i in range(len(school))]
            if axis.kind == "grades":
                person = [f"{wave}{each}" for each in person]
            frames.append(pd.DataFrame({
                "school": school, "wave": wave, "grade": float(grade), "person_id": person,
                "true": value[school] * (wave == "post"),
            }))  # fmt: skip
    rows = pd.concat(frames, ignore_index=True)
    noise = rng.normal(0, sd, len(rows))
    if shared is not None:
        noise = 0.6 * shared + 0.8 * noise
    return rows.assign(answer=rows["true"] + noise), noise


def drawn(rng: np.random.Generator, schools: int, one: Axis, other: Axis, rho: float):
    """Return clean frames and the chain of one replication."""
    region = rng.choice(REGIONS, schools, p=RELATIVE / RELATIVE.sum())
    both = np.linalg.cholesky([[1, rho], [rho, 1]])
    of_region = rng.normal(size=(REGIONS, 2)) @ both.T * np.sqrt(REGION_SHARE)
    own = rng.normal(size=(schools, 2)) @ both.T * np.sqrt(1 - REGION_SHARE)
    true = (of_region[region] + own) * np.sqrt([one.variance, other.variance])
    first, noise = answers(rng, one, true[:, 0])
    same = one == other
    second, _ = answers(rng, other, true[:, 1], noise if same else None)
    people = {}
    for axis, rows, outcome in ((one, first, "x"), (other, second, "y")):
        frame = rows.assign(
            school_id=np.array([f"s{i:03}" for i in range(schools)])[rows["school"]],
            region=np.array([f"r{i:02}" for i in range(REGIONS)])[region[rows["school"]]],
        )
        frame[outcome] = frame.pop("answer")
        if axis.population != "pupils" or axis.kind == "level":
            frame = frame.drop(columns="grade")
        if axis.population in people:
            frame = people[axis.population].assign(**{outcome: frame[outcome]})
        people[axis.population] = frame.drop(columns=["school", "true"], errors="ignore")
    return people, [(one.population, "all", ["x"]), (other.population, "all", ["y"])]


def truth(one: Axis, other: Axis, rho: float) -> tuple[float, float]:
    """Return the correlation of the noisy means and the slope of the second on the first."""
    if one == other:
        one = other = halved(one)
    slope = rho * np.sqrt(other.variance / one.variance) * one.reliability
    return rho * np.sqrt(one.reliability * other.reliability), slope


def replicate(seed: int, cell: int) -> dict[str, float]:
    """Return one row of the verb."""
    _, schools, one, other, rho = CELLS[cell]
    rng = np.random.default_rng([seed, cell])
    people, chain = drawn(rng, schools, one, other, rho)
    row = school_link(people, PLAN, chain).iloc[0]
    assert row["reason"] == ""
    wanted = ("slope", "slope_ci_low", "slope_ci_high", "r_schools", "ci_low", "ci_high", "df",
              "r_visible", "mean_reliability", "r_disattenuated", "r_disattenuated_low",
              "r_disattenuated_high")  # fmt: skip
    return {column: float(row[column]) for column in wanted}


def measured(replications: int, jobs: int) -> pd.DataFrame:
    """Return a row per cell: truth, bias, and coverage."""
    rows = []
    for cell, (name, schools, one, other, rho) in enumerate(CELLS):
        told = Parallel(n_jobs=jobs)(delayed(replicate)(s, cell) for s in range(replications))
        told = pd.DataFrame(told)
        r, slope = truth(one, other, rho)
        given = told[told["r_disattenuated"].notna()]
        inside = {
            "r": told["ci_low"].le(r) & told["ci_high"].ge(r),
            "slope": told["slope_ci_low"].le(slope) & told["slope_ci_high"].ge(slope),
            "true": given["r_disattenuated_low"].le(rho) & given["r_disattenuated_high"].ge(rho),
        }
        rows.append({
            "cell": name, "schools": schools, "rho": rho, "r": r,
            "mean_r": told["r_schools"].mean(), "coverage_r": inside["r"].mean(),
            "slope": slope, "mean_slope": told["slope"].mean(),
            "coverage_slope": inside["slope"].mean(), "visible": told["r_visible"].median(),
            "df": told["df"].median(), "given": len(given) / len(told),
            "mean_true": given["r_disattenuated"].mean(), "coverage_true": inside["true"].mean(),
        })  # fmt: skip
        print(f"{name}, {schools} schools, rho {rho}: {rows[-1]}", flush=True)
    return pd.DataFrame(rows)


def as_markdown(rows: pd.DataFrame, replications: int) -> str:
    """Return the table as the README shows it."""
    error = 100 * np.sqrt(0.95 * 0.05 / replications)
    lines = [
        f"{replications} replications a cell; Monte-Carlo error of a coverage {error:.1f}.", "",
        "| cell | schools | true r | raw r: its truth | mean | coverage | raw slope: its truth | "
        "mean | coverage | visible from | median df | disattenuated: given | mean | coverage |",
        "|" + "---|" * 14,
    ]  # fmt: skip
    for row in rows.to_dict("records"):
        true = "–", "–"
        if row["given"] > 0.01:
            true = f"{row['mean_true']:.3f}", f"{100 * row['coverage_true']:.1f}"
        lines.append(
            f"| {row['cell']} | {row['schools']} | {row['rho']:.1f} | {row['r']:.3f} | "
            f"{row['mean_r']:.3f} | **{100 * row['coverage_r']:.1f}** | {row['slope']:.3f} | "
            f"{row['mean_slope']:.3f} | **{100 * row['coverage_slope']:.1f}** | "
            f"{row['visible']:.2f} | {row['df']:.0f} | {100 * row['given']:.0f} % | {true[0]} | "
            f"{true[1]} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run all cells and write the table into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=-1)
    given = parser.parse_args()
    table = as_markdown(measured(given.replications, given.jobs), given.replications)
    print(table)
    if given.replications < 1000:
        return
    readme = HERE / "README.md"
    begin, end = "<!-- whole school: begin -->", "<!-- whole school: end -->"
    text = readme.read_text(encoding="utf-8")
    said = f"{begin}\n{table}\n{end}"
    new = re.sub(f"{begin}.*{end}", lambda _: said, text, flags=re.DOTALL)
    readme.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
