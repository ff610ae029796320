"""Whether a design has the power that was planned: its formula beside what the engine finds.

Schools and people are drawn as a design says, the engine of :mod:`loftet_analysis.stats.cr2`
estimates, and its test of no change is counted: with an effect of the size that is to be found four
times out of five, and without any.

    python benchmarks/planning.py                       # all designs; writes the table
    python benchmarks/planning.py --replications 400
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from loftet_analysis.stats.cr2 import change_in_cells, contrast, mean
from loftet_analysis.stats.power import Design, degrees_of_freedom, mdes, power, standard_error
from loftet_analysis.stats.result import Result

HERE = Path(__file__).resolve().parent
SCHOOLS = (8, 12, 30, 150)
SIGMA = 0.5  # of the logarithm of the sizes of unequal schools
#: What is planned, but for schools and their sizes.
PLANNED = (
    Design("linked_change", 8, 40, 0.04, r=0.5, attrition=0.3),
    Design("same_grade", 8, 60, 0.04, icc=0.05, attrition=0.2),
    Design(
        "participants_vs_colleagues", 8, 12, 0.06, r=0.5, icc=0.1, attrition=0.3,
        participants=0.5, contrast_variance=0.06,
    ),
)  # fmt: skip


def sizes(design: Design, *, unequal: bool) -> np.ndarray:
    """Return the number of people at each school: even, so that grades and roles can be halves."""
    share = (np.arange(design.schools) + 0.5) / design.schools
    size = stats.lognorm.ppf(share, SIGMA) if unequal else np.ones(design.schools)
    return 2 * np.maximum(1, np.rint(design.people * size / size.mean() / 2)).astype(int)


def of_sizes(design: Design, size: np.ndarray) -> Design:
    """Return the design with the number of schools, their mean and their variation."""
    return replace(
        design, schools=len(size), people=float(size.mean()), cv=float(size.std() / size.mean())
    )


def two_answers(design: Design, school: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return answers before and after of the same people, of variance 1 and correlation r."""
    icc, v = design.icc, design.change_variance
    shared = [[icc, icc - v / 2], [icc - v / 2, icc]]
    own = np.array([[1.0, design.r], [design.r, 1.0]]) - shared
    level = rng.multivariate_normal([0, 0], shared, school.max() + 1, method="cholesky")
    return level[school] + rng.multivariate_normal([0, 0], own, len(school), method="cholesky")


def linked_change(design: Design, size: np.ndarray, rng: np.random.Generator) -> Result:
    """Return the mean change of those who are found again, no change being true."""
    school = np.repeat(np.arange(len(size)), size)
    before, after = two_answers(design, school, rng).T
    kept = rng.uniform(size=len(school)) >= design.attrition
    return mean((after - before)[kept], school[kept])


def participants_vs_colleagues(
    design: Design, size: np.ndarray, rng: np.random.Generator
) -> Result:
    """Return the difference of the roles' changes, none being true."""
    school = np.repeat(np.arange(len(size)), size)
    place = np.concatenate([np.arange(n) for n in size])
    role = (place < np.rint(design.participants * size)[school]).astype(float)
    before, after = two_answers(design, school, rng).T
    apart = np.sqrt(design.contrast_variance) * rng.normal(size=len(size))
    kept = rng.uniform(size=len(school)) >= design.attrition
    change, x = after - before + role * apart[school], np.column_stack([np.ones(len(role)), role])
    return contrast(change[kept], x[kept], [0, 1], school[kept])


def same_grade(design: Design, size: np.ndarray, rng: np.random.Generator) -> Result:
    """Return the change of two grades per school with other people in each wave, none being true.

    Of the answers in a cell only their mean counts.
    """
    school = np.repeat(np.arange(len(size)), 2)
    before = np.repeat(size // 2, 2)
    n = np.column_stack([before, np.maximum(1, rng.binomial(before, 1 - design.attrition))])
    change = np.sqrt(design.change_variance) * rng.normal(size=len(size))
    means = np.sqrt((1 - design.icc) / n) * rng.normal(size=n.shape)
    means += rng.normal(size=(len(n), 1))  # whatever the grade's level is, it leaves the change
    means[:, 1] += change[school]
    return change_in_cells(means, n, n.sum(axis=1), school)


SIMULATED: dict[str, Callable[..., Result]] = {
    each.__name__: each for each in (linked_change, same_grade, participants_vs_colleagues)
}


def compared(design: Design, size: np.ndarray, replications: int, seed: int) -> dict[str, float]:
    """Return what was planned and what the engine finds.

    Returns
    -------
    dict
        ``mdes``; ``planned`` power at it and ``found``, the share of draws whose test finds it;
        ``error``, the Monte-Carlo standard error of that share; ``false``, the share whose test
        finds something where nothing is; ``se_ratio``, the planned standard error over the spread
        of the estimates, and ``df_ratio``, the planned df over the engine's mean df.
    """
    rng = np.random.default_rng(seed)
    simulate = SIMULATED[design.estimand]
    found = [simulate(design, size, rng) for _ in range(replications)]
    estimate, se, df = np.array([(each.estimate, each.se, each.df) for each in found]).T
    effect, limit = mdes(design), stats.t.ppf((1 + design.ci_level) / 2, df)
    planned = power(design, effect)
    return {
        "mdes": effect,
        "planned": planned,
        "found": np.mean(np.abs(estimate + effect) > limit * se),
        "error": np.sqrt(planned * (1 - planned) / replications),
        "false": np.mean(np.abs(estimate) > limit * se),
        "se_ratio": standard_error(design) / estimate.std(),
        "df_ratio": degrees_of_freedom(design) / df.mean(),
    }


def cells() -> Iterator[tuple[Design, np.ndarray, bool]]:
    """Yield every design with its schools' sizes, and whether these are unequal."""
    for design in PLANNED:
        for schools in SCHOOLS:
            for unequal in (False, True):
                size = sizes(replace(design, schools=schools), unequal=unequal)
                yield of_sizes(design, size), size, unequal


def table(replications: int, seed: int) -> pd.DataFrame:
    """Return `compared` of every cell, with `design`, `schools` and `sizes`."""
    every = list(cells())
    found = Parallel(n_jobs=-1)(
        delayed(compared)(design, size, replications, seed + place)
        for place, (design, size, _) in enumerate(every)
    )
    about = [
        {"design": d.estimand, "schools": d.schools, "sizes": "unequal" if unequal else "equal"}
        for d, _, unequal in every
    ]
    return pd.DataFrame([a | f for a, f in zip(about, found, strict=True)])


def as_markdown(rows: pd.DataFrame) -> str:
    """Return the table as the README shows it."""
    lines = [
        "| design | schools | sizes | MDES | planned power | found | ± | found where nothing is | "
        "planned SE / spread | planned df / df |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['design']} | {r['schools']} | {r['sizes']} | {r['mdes']:.2f} | {r['planned']:.1%} | "
        f"{r['found']:.1%} | {r['error']:.1%} | {r['false']:.1%} | {r['se_ratio']:.2f} | "
        f"{r['df_ratio']:.2f} |".replace("%", " %")
        for r in rows.to_dict("records")
    ]
    return "\n".join(lines)


def main() -> None:
    """Run all cells and write the table into the README."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replications", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=2032)
    chosen = parser.parse_args()
    told = as_markdown(table(chosen.replications, chosen.seed))
    print(told)
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = "<!-- planning: begin -->", "<!-- planning: end -->"
    shown = f"{begin}\n{chosen.replications:,} draws per cell, seed {chosen.seed}.\n\n{told}\n{end}"
    between = re.compile(f"{begin}.*{end}", re.DOTALL)
    readme.write_text(between.sub(lambda _: shown, text), encoding="utf-8")


if __name__ == "__main__":
    main()
