"""How often 95 % intervals hold the truth: ours beside the usual ones, in simulated schools.

Every cell simulates at least 4,000 data sets whose truth is known and runs the public function
``effects`` on them; where another method is compared, it sees the same data. Change differs
between schools by rho of the variance of an answer (0, .05, .10), as it does in real schools.

    python benchmarks/coverage.py                       # all cells; writes the table and the plot
    python benchmarks/coverage.py --replications 400 --only linked
"""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import special, stats
from tqdm import tqdm

from loftet_analysis.analysis.estimates import estimates
from loftet_analysis.analysis.panel import NETWORK, arrange
from loftet_analysis.analysis.sensitivity import sensitivity
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.cleaning.units import units
from loftet_analysis.stats import mixed
from loftet_analysis.stats.cr2 import mean
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.questionnaire import Questionnaire

mpl.use("svg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
COLUMNS = 100  # replications on one set of schools
LEVEL, PERSON, NOISE = 0.20, 0.35, 0.45  # variances: schools, people, answers; their sum is 1
LOWER, UPPER = 0.93, 0.97
SELECTIVE = "selective attrition, schools weighted"
Generator = np.random.Generator


@dataclass(frozen=True)
class Data:
    """Clean rows with one outcome per replication, and what is true of each estimand."""

    clean: pd.DataFrame
    truth: float
    scale: float = 1.0  # population SD before, for standardised intervals
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One line of the table."""

    block: str
    name: str
    estimand: str
    make: Callable[[Generator], Data]
    population: str = "pupils"
    contrast: str = ""
    standardised: bool = False
    compared: tuple[str, ...] = ()


def sizes(rng: Generator, schools: int, unequal: bool, mean: int = 50) -> np.ndarray:
    """Return the number of people in each school: all alike, or very unlike."""
    if not unequal:
        return np.full(schools, mean)
    return np.clip(rng.lognormal(np.log(mean) - 0.32, 0.8, schools), 5, 3 * mean).astype(int)


def normal(rng: Generator, variance: float, n: int) -> np.ndarray:
    return rng.normal(0, np.sqrt(variance), (n, COLUMNS))


def framed(columns: dict[str, np.ndarray], y: np.ndarray) -> pd.DataFrame:
    outcomes = pd.DataFrame(y, columns=[f"y{i}" for i in range(y.shape[1])])
    return pd.concat([pd.DataFrame(columns), outcomes], axis=1)


def linked(
    rng: Generator,
    *,
    schools: int,
    unequal: bool,
    rho: float,
    theta: float,
    people: int = 50,
    informative=False,
) -> Data:
    """The same people before and after, some of them answering once only."""
    n = sizes(rng, schools, unequal, people)
    school = np.repeat(np.arange(schools), n)
    change = normal(rng, rho, schools)
    truth = theta
    if informative:  # change goes with size, .7: each person counting once and each school differ
        centre, spread, shift = informative_world()
        z = (np.log(n) - centre) / spread
        change = np.sqrt(rho) * (0.7 * z[:, None] + np.sqrt(1 - 0.49) * normal(rng, 1, schools))
        truth = theta + np.sqrt(rho) * shift
    common = normal(rng, LEVEL, schools)[school] + normal(rng, PERSON, len(school))
    pre = common + normal(rng, NOISE, len(school))
    post = theta + change[school] + common + normal(rng, NOISE, len(school))
    person = np.array([f"p{i}" for i in range(len(school))])
    columns = {
        "wave": np.repeat(["pre", "post"], len(school)),
        "school_id": np.tile(np.char.add("s", school.astype(str)), 2),
        "person_id": np.tile(person, 2),
        "grade": np.repeat([6, 8], len(school)),
    }
    kept = rng.random(2 * len(school)) < 0.85
    clean = framed(columns, np.concatenate([pre, post]))[kept].reset_index(drop=True)
    return Data(clean, truth)


@cache
def informative_world() -> tuple[float, float, float]:
    """Return mean and SD of log size, and by how much people's mean change exceeds schools'.

    From very many schools, the shift in units of the SD of change between schools.
    """
    n = sizes(np.random.default_rng(0), 1_000_000, True).astype(float)
    logs = np.log(n)
    z = (logs - logs.mean()) / logs.std()
    return float(logs.mean()), float(logs.std()), float(0.7 * (n @ z) / n.sum())


def repeated(
    rng: Generator,
    *,
    schools: int,
    unequal: bool,
    rho: float,
    theta: float,
    people: int = 50,
    grades: int = 3,
    discrete: bool = False,
    gap: float = 0.0,
) -> Data:
    """Other people of the same grades before and after."""
    n = sizes(rng, schools, unequal, people)
    waves = []
    level, change = normal(rng, LEVEL, schools), normal(rng, rho, schools)
    for wave in (0, 1):
        size = np.maximum(2, rng.poisson(n))
        school = np.repeat(np.arange(schools), size)
        grade, girl = rng.integers(5, 5 + grades, len(school)), rng.random(len(school)) < 0.5
        y = level[school] + normal(rng, 1 - LEVEL, len(school)) - 0.1 * (grade[:, None] - 5)
        y += wave * (theta + change[school] + gap * girl[:, None])
        columns = {
            "wave": np.full(len(school), ("pre", "post")[wave]),
            "school_id": np.char.add("s", school.astype(str)),
            "grade": grade,
            "gender": np.where(girl, "girl", "boy"),
        }
        waves.append(framed(columns, as_scores(y) if discrete else y))
    return Data(pd.concat(waves, ignore_index=True), theta)


def as_scores(y: np.ndarray) -> np.ndarray:
    """Return means of four answers from 1 to 4."""
    return np.clip(np.round((2.8 + 0.6 * y) * 4) / 4, 1, 4)


def population(rho: float, theta: float, wave: int, n: int = 2_000_000) -> np.ndarray:
    """Return scores of very many pupils, for what is true of percentiles and shares."""
    rng = np.random.default_rng(wave)
    spread = np.sqrt(1 + wave * rho)
    grade = rng.integers(0, 3, n)
    return as_scores(rng.normal(wave * theta, spread, n) - 0.1 * grade)


def mid_quantile(scores: np.ndarray, p: float) -> float:
    values, counts = np.unique(scores, return_counts=True)
    share = counts / counts.sum()
    return float(np.interp(p, np.cumsum(share) - share / 2, values))


def spread_data(rng: Generator, *, schools: int, rho: float, what: str) -> Data:
    """Scores with steps, for percentiles and shares; the truth from a very large draw."""
    data = repeated(rng, schools=schools, unequal=True, rho=rho, theta=0.2, discrete=True)
    if what not in TRUTHS:
        before, after = (population(rho, 0.2, wave) for wave in (0, 1))
        cut = mid_quantile(before, 0.3)
        TRUTHS["cut"] = cut
        TRUTHS["share"] = float((after < cut).mean() - (before < cut).mean())
        for p in (0.1, 0.5, 0.9):
            TRUTHS[f"p{p * 100:.0f}"] = mid_quantile(after, p) - mid_quantile(before, p)
    return Data(data.clean, TRUTHS[what], options={"low_fifth": TRUTHS["cut"]})


TRUTHS: dict[str, float] = {}


def lowest(rng: Generator, *, schools: int, rho: float) -> Data:
    """Linked pupils and what regression to the mean alone lets expect of the lowest fifth."""
    data = linked(rng, schools=schools, unequal=True, rho=rho, theta=0.2)
    cut, alpha = float(stats.norm.ppf(0.2)), 0.80
    mean_low = -stats.norm.pdf(cut) / 0.2
    r = LEVEL + PERSON
    truth = float((r - 1) * mean_low - (alpha - 1) * mean_low)
    return Data(data.clean, truth, options={"low_fifth": cut, "alpha": alpha})


def gap(rng: Generator, *, schools: int, rho: float) -> Data:
    data = repeated(rng, schools=schools, unequal=True, rho=rho, theta=0.2, gap=0.1)
    return Data(data.clean, 0.1)


def ratio(rng: Generator, *, schools: int, rho: float, part: str) -> Data:
    data = repeated(rng, schools=schools, unequal=True, rho=rho, theta=0.2)
    truth = 0.0 if part == "within" else 0.5 * float(np.log((LEVEL + rho) / LEVEL))
    return Data(data.clean, truth)


def teachers(rng: Generator, *, schools: int, rho: float, truth: str) -> Data:
    """Participants and colleagues of the same schools; change by attendance among participants."""
    counts = np.column_stack([rng.poisson(2.5, schools) + 1, rng.poisson(8, schools)])
    school = np.concatenate([np.repeat(np.arange(schools), counts[:, k]) for k in (0, 1)])
    role = np.repeat(["participant", "colleague"], counts.sum(axis=0))
    taking_part = (role == "participant")[:, None]
    gatherings = rng.integers(4, 11, len(school)).astype(float)
    common = normal(rng, 0.05, schools)[school] + normal(rng, 0.5, len(school))
    pre = common + normal(rng, NOISE, len(school))
    own = normal(rng, rho, schools)[school] + taking_part * normal(rng, rho / 2, schools)[school]
    post = common + own + 0.1 + 0.3 * taking_part + normal(rng, NOISE, len(school))
    post += 0.05 * (gatherings[:, None] - 7) * taking_part
    columns = {
        "wave": np.repeat(["pre", "post"], len(school)),
        "school_id": np.tile(np.char.add("s", school.astype(str)), 2),
        "person_id": np.tile([f"t{i}" for i in range(len(school))], 2),
        "role": np.tile(role, 2),
        "gatherings": np.tile(gatherings, 2),
    }
    truths = {"participants": 0.4, "colleagues": 0.1, "difference": 0.3, "dose": 0.05}
    return Data(framed(columns, np.concatenate([pre, post])), truths[truth])


def level(
    rng: Generator, *, schools: int, unequal: bool, people: int, icc: float, share: float | None
) -> Data:
    """Answers of one wave; what is true is their mean, or the share above the middle."""
    school = np.repeat(np.arange(schools), sizes(rng, schools, unequal, people))
    y = normal(rng, icc, schools)[school] + normal(rng, 1 - icc, len(school))
    columns = {
        "wave": np.full(len(school), "pre"),
        "school_id": np.char.add("s", school.astype(str)),
    }
    middle = 0.0 if share is None else float(stats.norm.isf(share))
    return Data(framed(columns, y), share or 0.0, options={"midpoint": middle})


def compared_schools(rng: Generator, *, schools: int, rho: float) -> Data:
    """Half of the schools in the programme; levels alike, so that few draws are refused."""
    n = sizes(rng, schools, True)
    school = np.repeat(np.arange(schools), n)
    common = normal(rng, 0.01, schools)[school] + normal(rng, 0.54, len(school))
    inside = (np.arange(schools) % 2 == 0)[school][:, None]
    pre = common + normal(rng, NOISE, len(school))
    post = common + normal(rng, rho, schools)[school] + 0.2 * inside
    post += normal(rng, NOISE, len(school))
    columns = {
        "wave": np.repeat(["pre", "post"], len(school)),
        "school_id": np.tile(np.char.add("s", school.astype(str)), 2),
        "person_id": np.tile([f"p{i}" for i in range(len(school))], 2),
    }
    comparison = [f"s{j}" for j in range(1, schools, 2)]
    clean = framed(columns, np.concatenate([pre, post]))
    return Data(clean, 0.2, options={"comparison": comparison})


def movers(rng: Generator, *, regions: int, rho: float, of_leavers: float = 0.7) -> Data:
    """Schools 1-7 that feed schools 8-10, and schools 1-10; both schools move the change."""
    kinds = ["1-7"] * 6 + ["8-10"] * 3 + ["1-10"] * 2
    schools = regions * len(kinds)
    kind = np.tile(kinds, regions)
    region = np.repeat(np.arange(regions), len(kinds))
    n = np.clip(rng.lognormal(np.log(15), 0.6, schools), 4, 60).astype(int)  # pupils of a grade
    home, grade = [], []
    for j in range(schools):
        taught = {"1-7": (5, 6, 7), "8-10": (8,), "1-10": (5, 6, 7, 8)}[kind[j]]
        for each in taught:
            home.append(np.full(n[j], j))
            grade.append(np.full(n[j], each))
    home, grade = np.concatenate(home), np.concatenate(grade)
    receiving = [np.flatnonzero((region == r) & (kind == "8-10")) for r in range(regions)]
    feeder = np.array([rng.choice(receiving[region[j]]) for j in range(schools)])
    after = home.copy()
    leaving = (kind[home] == "1-7") & (grade >= 6)
    after[leaving] = feeder[home[leaving]]
    stray = rng.random(len(home)) < np.where(leaving, 0.075, 0.03)
    strays = np.flatnonzero(stray)
    after[strays] = [rng.choice(receiving[region[home[i]]]) if grade[i] >= 6 else
                     rng.choice(np.flatnonzero((region == region[home[i]]) & (kind != "8-10")))
                     for i in strays]  # fmt: skip
    common = normal(rng, PERSON, len(home))
    level, moved = normal(rng, LEVEL, schools), [normal(rng, rho / 2, schools) for _ in range(2)]
    pre = common + level[home] + normal(rng, NOISE, len(home))
    post = 0.2 + common + level[home] + moved[0][home] + moved[1][after]
    post += normal(rng, NOISE, len(home))
    found = rng.random(len(home)) < np.where(after == home, 0.7, of_leavers)
    person = np.where(found, [f"p{i}" for i in range(len(home))], None)
    columns = {
        "wave": np.repeat(["pre", "post"], len(home)),
        "school_id": np.char.add("s", np.concatenate([home, after]).astype(str)),
        "person_id": np.tile(person, 2),
        "grade": np.concatenate([grade, grade + 2]),
    }
    return Data(framed(columns, np.concatenate([pre, post])), 0.2)


def country(rng: Generator, *, regions: int, tau: float, what: str) -> Data:
    """Regions of unequal size whose true changes differ by `tau` SD, schools within them too."""
    schools = np.clip(rng.lognormal(np.log(9), 0.45, regions), 3, 27).astype(int)
    region = np.repeat(np.arange(regions), schools)
    of_region = normal(rng, tau**2, regions)[region]
    roles = normal(rng, tau**2, regions)[region]
    if what == "linked":
        data = linked(rng, schools=len(region), unequal=True, rho=0.05, theta=0.2, people=25)
        clean, truth, change = data.clean, 0.2, of_region
    elif what == "repeated":
        data = repeated(rng, schools=len(region), unequal=True, rho=0.05, theta=0.2, people=25)
        clean, truth, change = data.clean, 0.2, of_region
    else:
        clean = teachers(rng, schools=len(region), rho=0.05, truth=what).clean
        taking_part = clean["role"].eq("participant").to_numpy()[:, None]
        truth, change = 0.3, None
    school = clean["school_id"].str[1:].astype(int).to_numpy()
    change = taking_part * roles[school] if change is None else change[school]
    columns = [c for c in clean if c.startswith("y")]
    clean[columns] += clean["wave"].eq("post").to_numpy()[:, None] * change
    names = np.char.add("r", region.astype(str))[school]
    about = clean.drop(columns=columns).assign(region=names)
    return Data(pd.concat([about, clean[columns]], axis=1), truth)


def selective(rng: Generator, *, schools: int, is_linked: bool) -> Data:
    """Schools that improve keep more of their people; the truth is everybody's change, zero.

    The log odds of being met again go up by .9 for a standard deviation of the schools' change.
    """
    n, rho = sizes(rng, schools, True), 0.05
    school, z = np.repeat(np.arange(schools), n), normal(rng, 1, schools)
    kept = rng.random((len(school), COLUMNS)) < special.expit(0.6 + 0.9 * z)[school]
    level, change = normal(rng, LEVEL, schools)[school], np.sqrt(rho) * z[school]
    if is_linked:
        common = level + normal(rng, PERSON, len(school))
        pre, post = (common + normal(rng, NOISE, len(school)) for _ in range(2))
    else:
        pre, post = (level + normal(rng, 1 - LEVEL, len(school)) for _ in range(2))
    y = np.concatenate([pre, np.where(kept, post + change, np.nan)])
    grade = rng.integers(5, 8, len(school))
    columns = {
        "wave": np.repeat(["pre", "post"], len(school)),
        "school_id": np.tile(np.char.add("s", school.astype(str)), 2),
        "grade": np.tile(grade, 2),
    }
    if is_linked:
        columns["person_id"] = np.tile([f"p{i}" for i in range(len(school))], 2)
    return Data(framed(columns, y), 0.0)


def plan_of(cell: Cell, data: Data) -> pd.DataFrame:
    """Return the plan of a cell: each replication is an outcome."""
    names = [c for c in data.clean if c.startswith("y")]
    settled = {k: v for k, v in data.options.items() if k in ("low_fifth", "midpoint", "alpha")}
    plan = pd.DataFrame({
        "population": cell.population, "region": "national", "outcome": names,
        "contrast": cell.contrast if cell.estimand == "gap_change" else "",
        "estimand": cell.estimand, "subgroup": "all", "years": 2, "sd_unit": 1.0,
        "sd_within_role": 1.0, "unit_is_sample": cell.standardised,
        "wave": "pre" if cell.estimand == "level" else "", **settled,
    })  # fmt: skip
    if cell.standardised:
        ruler = units(data.clean, names, cell.population)
        sds = ruler.pivot(index="outcome", columns="unit", values="sd_unit")
        plan["sd_unit"] = plan["outcome"].map(sds["total"])
        if "within_role" in sds:
            plan["sd_within_role"] = plan["outcome"].map(sds["within_role"])
    return plan


def ours(cell: Cell, data: Data) -> pd.DataFrame:
    """Return the rows that `estimates` gives of this cell."""
    outside = data.clean["school_id"].isin(list(data.options.get("comparison", ())))
    rows = estimates(data.clean.assign(comparison=outside), plan_of(cell, data))
    if cell.contrast:
        rows = rows[rows["contrast"] == cell.contrast]
    return rows


def by_school_weights(cell: Cell, data: Data, main: pd.DataFrame) -> np.ndarray:
    """Return (2, columns) intervals of the change that weighs schools to whom they had before."""
    plan = plan_of(cell, data)
    asked = Questionnaire(cell.population)
    rows = sensitivity(data.clean, verdicts(main), plan, asked, only=("school_weights",))
    rows = rows.set_index("outcome").loc[main["outcome"]]
    half = stats.t.ppf(0.975, rows["df"]) * rows["change_se"]
    return np.array([rows["change"] - half, rows["change"] + half])


def person_bootstrap(rng: Generator, y: np.ndarray, draws: int = 400) -> np.ndarray:
    """Return the percentile interval of each column's mean, people drawn one by one."""
    weights = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=draws) / len(y)
    return weights @ y


def usual(cell: Cell, data: Data, rng: Generator) -> dict[str, np.ndarray]:
    """Return (2, columns) intervals of the usual methods on the same data."""
    y = data.clean[[c for c in data.clean if c.startswith("y")]].to_numpy()
    people = arrange(data.clean)
    if cell.block == "the country":
        rows = ours(cell, replace(data, clean=data.clean.drop(columns="region")))
        return {"schools": rows[["change_ci_low", "change_ci_high"]].to_numpy(dtype=float).T}
    if cell.block == "movers":
        return other_clusters(people, y)
    is_linked = cell.estimand == "linked_change"
    if is_linked:
        before, after = y[people.first], y[people.second]
        d, cluster = after - before, people.school[people.first]
        centre, df = d.mean(axis=0), len(d) - 1
        se = d.std(axis=0, ddof=1) / np.sqrt(len(d))
        booted = person_bootstrap(rng, d)
        scores, n_columns, n = d - centre, 1, len(d)
    else:
        before, after = y[people.pre], y[people.post]
        parts = [x.var(axis=0, ddof=1) / len(x) for x in (before, after)]
        centre, se = after.mean(axis=0) - before.mean(axis=0), np.sqrt(sum(parts))
        df = se**4 / (parts[0] ** 2 / (len(before) - 1) + parts[1] ** 2 / (len(after) - 1))
        booted = person_bootstrap(rng, after) - person_bootstrap(rng, before)
        n, n_columns, cluster = len(y), 2, people.school
        scores = np.where(people.post[:, None], (y - after.mean(axis=0)) * n / len(after),
                          -(y - before.mean(axis=0)) * n / len(before))  # fmt: skip
    used, place = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(used), y.shape[1]))
    np.add.at(sums, place, scores / n)
    j = len(used)
    robust = np.sqrt((sums**2).sum(axis=0) * j / (j - 1) * (n - 1) / (n - n_columns))
    t = stats.t.ppf(0.975, df)
    found = {
        "pingouin": np.array([centre - t * se, centre + t * se]),
        "person bootstrap": np.quantile(booted, [0.025, 0.975], axis=0),
        "CR1, z": np.array([centre - 1.96 * robust, centre + 1.96 * robust]),
    }
    if "random intercept" in cell.compared:
        found["random intercept"] = random_intercept(people, y, is_linked)
    return {name: found[name] for name in cell.compared}


def other_clusters(people, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the intervals of linked change with other clusters than feeder groups."""
    school, after = people.school[people.first], people.school[people.second]
    network = people.clusters(NETWORK)[people.first]
    change = y[people.second] - y[people.first]
    found = {}
    for name, cluster in (
        ("pre school", school), ("post school", after), ("network", network)
    ):  # fmt: skip
        ends = np.full((2, y.shape[1]), np.nan)
        for column in range(y.shape[1]):
            with contextlib.suppress(NotEstimableError):
                ends[:, column] = mean(change[:, column], cluster).interval()
        found[name] = ends
    return found


def random_intercept(people, y: np.ndarray, is_linked: bool) -> np.ndarray:
    """Return the interval of wave in y ~ wave + (1 | school), by REML."""
    rows = np.concatenate([people.first, people.second]) if is_linked else slice(None)
    wave, school = people.post[rows].astype(float), people.school[rows]
    x = np.column_stack([np.ones(len(wave)), wave])
    ends = np.full((2, y.shape[1]), np.nan)
    for column in range(y.shape[1]):
        fitted = mixed.fit(y[rows, column], x, school).contrast([0, 1])
        half = 1.96 * fitted.se
        ends[:, column] = fitted.estimate - half, fitted.estimate + half
    return ends


def simulated(cell: Cell, seed: np.random.SeedSequence) -> list[dict[str, object]]:
    """Return hits, refusals and widths of every method on one set of schools."""
    rng = np.random.default_rng(seed)
    data = cell.make(rng)
    rows = ours(cell, data)
    low, high, truth = "change_ci_low", "change_ci_high", data.truth
    if cell.standardised:
        low, high, truth = "ci_low", "ci_high", data.truth / data.scale
    ends = {"this library": rows[[low, high]].to_numpy(dtype=float).T}
    if cell.block == SELECTIVE:
        ends = {
            "this library": by_school_weights(cell, data, rows),
            "main row": ends["this library"],
        }
    elif cell.compared:
        ends |= usual(cell, data, rng)
    return [
        {
            "method": method,
            "hits": int(((at[0] <= truth) & (truth <= at[1])).sum()),
            "n": int(np.isfinite(at[0]).sum()),
            "refused": int((~np.isfinite(at[0])).sum()),
            "width": float(np.nansum(at[1] - at[0])),
        }
        for method, at in ends.items()
    ]


def cells() -> Iterator[Cell]:
    """Give every cell of the benchmark."""
    usual_ones = ("pingouin", "person bootstrap", "CR1, z")
    for schools in (8, 12, 30):
        for unequal in (False, True):
            for rho in (0.0, 0.05, 0.10):
                shape = f"{schools} {'unequal' if unequal else 'equal'} schools, rho {rho:.2f}"
                options = {"schools": schools, "unequal": unequal, "rho": rho, "theta": 0.2}
                options["people"] = 180
                others = usual_ones
                if schools == 12 and unequal and rho:
                    others = (*usual_ones, "random intercept")
                for estimand, make in (("linked_change", linked), ("same_grade", repeated)):
                    yield Cell(
                        estimand,
                        shape,
                        estimand,
                        bound(make, **options),
                        compared=others,
                        population="teachers" if estimand == "linked_change" else "pupils",
                    )
    for schools in (12, 30):
        for theta in (0.2, 0.5):
            options = {"schools": schools, "unequal": True, "rho": 0.05, "theta": theta}
            name = f"{schools} unequal schools, rho 0.05, theta {theta}, in SD of the sample"
            yield Cell(
                "standardised",
                f"linked_change, {name}",
                "linked_change",
                bound(linked, **options),
                population="teachers",
                standardised=True,
            )
            yield Cell(
                "standardised",
                f"same_grade, {name}",
                "same_grade",
                bound(repeated, **options),
                standardised=True,
            )
    options = {"schools": 30, "unequal": True, "rho": 0.10, "theta": 0.2}
    yield Cell(
        "others",
        "linked_change, 30 schools, change goes with size",
        "linked_change",
        bound(linked, informative=True, **options),
        population="teachers",
    )
    yield Cell(
        "others",
        "school_change, 30 schools, change goes with size",
        "school_change",
        bound(linked_by_school, **options),
        population="teachers",
    )
    for schools in (8, 12, 30):
        place = f"{schools} unequal schools, rho 0.05"
        options = {"schools": schools, "rho": 0.05}
        yield Cell(
            "others",
            f"school_change of grades, {place}",
            "school_change",
            bound(repeated, unequal=True, theta=0.2, **options),
        )
        for estimand, truth in (
            ("participants", "participants"),
            ("colleagues", "colleagues"),
            ("participants_vs_colleagues", "difference"),
            ("dose", "dose"),
        ):
            yield Cell(
                "others",
                f"{estimand}, {place}",
                estimand,
                bound(teachers, truth=truth, **options),
                population="teachers",
                contrast="per gathering" if estimand == "dose" else "",
            )
        yield Cell(
            "others",
            f"programme_vs_comparison, {place}",
            "programme_vs_comparison",
            bound(compared_schools, **options),
            population="teachers",
        )
        for p in ("p10", "p50", "p90"):
            yield Cell(
                "all pupils",
                f"same_grade_quantile {p}, {place}",
                "same_grade_quantile",
                bound(spread_data, what=p, **options),
                contrast=p,
            )
        yield Cell(
            "all pupils",
            f"share_below, {place}",
            "share_below",
            bound(spread_data, what="share", **options),
        )
        yield Cell(
            "all pupils",
            f"gap_change, {place}",
            "gap_change",
            bound(gap, **options),
            contrast="gender=girl - gender=boy",
        )
        yield Cell("all pupils", f"lowest_fifth, {place}", "lowest_fifth", bound(lowest, **options))
    for schools in (30, 60):
        for part in ("between", "within"):
            yield Cell(
                "all pupils",
                f"spread_ratio {part}, {schools} unequal schools, rho 0.05",
                "spread_ratio",
                bound(ratio, schools=schools, rho=0.05, part=part),
                contrast=f"{part} schools",
            )
    for population, people, icc in (("pupils", 50, 0.05), ("teachers", 12, 0.20)):
        for schools in (8, 12, 30):
            for unequal in (False, True):
                for share in (None, 0.5, 0.8):
                    what = "mean" if share is None else f"share {share:.0%}"
                    shape = f"{schools} {'unequal' if unequal else 'equal'} schools"
                    options = {"schools": schools, "unequal": unequal, "icc": icc}
                    yield Cell(
                        "levels",
                        f"{what}, {population}, {shape}, ICC {icc:.2f}",
                        "level",
                        bound(level, people=people, share=share, **options),
                        population=population,
                        contrast="mean" if share is None else "share",
                    )
    rivals = ("pre school", "post school", "network")
    for regions, where in ((1, "a region, 11 schools"), (14, "the country, 154 schools")):
        for rho in (0.0, 0.05, 0.10):
            make = bound(movers, regions=regions, rho=rho)
            for estimand in ("linked_change", "cohort_change"):
                yield Cell(
                    "movers",
                    f"{estimand}, {where}, rho {rho:.2f}",
                    estimand,
                    make,
                    compared=rivals if estimand == "linked_change" else (),
                )
        yield Cell(
            "movers",
            f"linked_change, {where}, rho 0.05, half of the leavers' links lost",
            "linked_change",
            bound(movers, regions=regions, rho=0.05, of_leavers=0.35),
            compared=rivals,
        )
    for regions in (8, 15):
        for tau in (0.0, 0.05, 0.10):
            for estimand, what, population in (
                ("linked_change", "linked", "teachers"),
                ("same_grade", "repeated", "pupils"),
                ("participants_vs_colleagues", "difference", "teachers"),
            ):
                yield Cell(
                    "the country",
                    f"{estimand}, {regions} regions, tau {tau:.2f}",
                    estimand,
                    bound(country, regions=regions, tau=tau, what=what),
                    population=population,
                    compared=("schools",),
                )

    for schools in (12, 30):
        for estimand, population in (("linked_change", "teachers"), ("same_grade", "pupils")):
            yield Cell(
                SELECTIVE,
                f"{estimand}, {schools} unequal schools, rho 0.05",
                estimand,
                bound(selective, schools=schools, is_linked=estimand == "linked_change"),
                population=population,
            )


def linked_by_school(rng: Generator, **options) -> Data:
    """The informative world without grades; the truth is that of schools."""
    data = linked(rng, informative=True, **options)
    return Data(data.clean.drop(columns="grade"), options["theta"])


def bound(make: Callable[..., Data], **options) -> Callable[[Generator], Data]:
    return lambda rng: make(rng, **options)


def run(chosen: list[Cell], replications: int, seed: int, jobs: int) -> pd.DataFrame:
    """Return a row per cell and method."""
    frames = -(-replications // COLUMNS)
    seeds = np.random.SeedSequence(seed).spawn(len(chosen))
    tasks = [(i, each) for i in range(len(chosen)) for each in seeds[i].spawn(frames)]
    # the cells are found anew by their number, since a closure does not travel
    numbers = {cell.name + cell.block: k for k, cell in enumerate(cells())}
    work = (delayed(_one)(numbers[chosen[i].name + chosen[i].block], i, each) for i, each in tasks)
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=2)
    found = [row for rows in tqdm(parallel(work), total=len(tasks)) for row in rows]
    table = pd.DataFrame(found).groupby(["cell", "method"], sort=False).sum().reset_index()
    table = table.sort_values("cell", kind="stable")
    order = {"this library": 0}
    table = table.sort_values(
        ["cell", "method"], key=lambda c: c if c.name == "cell" else c.map(order).fillna(1),
        kind="stable",
    )  # fmt: skip
    table["block"] = [chosen[i].block for i in table["cell"]]
    table["name"] = [chosen[i].name for i in table["cell"]]
    table["coverage"] = table["hits"] / table["n"].where(table["n"] > 0)
    table["error"] = np.sqrt(table["coverage"] * (1 - table["coverage"]) / table["n"])
    table["width"] = table["width"] / table["n"].where(table["n"] > 0)
    reach = stats.norm.isf(0.0005) * table["error"]
    table["judged"] = np.select(
        [table["coverage"] + reach < LOWER, table["coverage"] - reach > UPPER],
        ["low", "high"],
        "ok",
    )
    return table.reset_index(drop=True)


def _one(number: int, index: int, seed: np.random.SeedSequence) -> list[dict[str, object]]:
    cell = list(cells())[number]
    try:
        return [{"cell": index, **row} for row in simulated(cell, seed)]
    except NotEstimableError as refusal:
        raise RuntimeError(f"{cell.name}: {refusal.reason}") from refusal


def as_markdown(table: pd.DataFrame) -> str:
    """Return the table as its readers see it: ours first, the usual ones beside."""
    lines = []
    for block, part in table.groupby("block", sort=False):
        methods = list(dict.fromkeys(part["method"]))
        lines += ["", f"**{block}**", "", "| cell | " + " | ".join(methods) + " |"]
        lines += ["|---" * (len(methods) + 1) + "|"]
        for name, rows in part.groupby("name", sort=False):
            shown = rows.set_index("method")
            own = shown.loc["this library"]
            texts = []
            for method in methods:
                if method not in shown.index:
                    texts.append("")
                    continue
                row = shown.loc[method]
                text = f"{100 * row['coverage']:.1f}"
                if method == "this library":
                    text = f"**{text}** ± {100 * row['error']:.1f}"
                    text += "" if row["judged"] == "ok" else f" ({row['judged']})"
                    if row["refused"]:
                        text += f", {row['refused'] / (row['n'] + row['refused']):.1%} refused"
                elif row["n"]:
                    text += f" (× {row['width'] / own['width']:.2f})"
                else:
                    text = "always refused"
                texts.append(text)
            lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def write(table: pd.DataFrame, replications: int, seed: int) -> None:
    """Put the table between the marks in README.md, and draw the plot."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = "<!-- coverage: begin -->", "<!-- coverage: end -->"
    shown = (
        f"{begin}\n{replications:,} data sets per cell, seed {seed}. Per cent of 95 % intervals "
        "that hold the truth, ± Monte-Carlo standard error; in brackets the width relative to "
        f"this library's.\n{as_markdown(table)}\n{end}"
    )
    readme.write_text(re.sub(f"{begin}.*{end}", lambda _: shown, text, flags=re.DOTALL),
                      encoding="utf-8")  # fmt: skip
    plot(table, HERE.parent / "docs" / "images" / "coverage.svg")


def plot(table: pd.DataFrame, target: Path) -> None:
    """Draw the coverage of every method in every cell."""
    mpl.rcParams.update({"svg.hashsalt": "coverage", "svg.fonttype": "none", "font.size": 10})
    names = list(dict.fromkeys(table["block"] + ": " + table["name"]))
    figure, axes = plt.subplots(figsize=(9, 0.21 * len(names) + 1.2), layout="constrained")
    marks = {
        "this library": ("o", "#0072B2"), "pingouin": ("x", "#D55E00"),
        "person bootstrap": ("+", "#CC79A7"), "CR1, z": ("s", "#E69F00"),
        "random intercept": ("d", "#009E73"), "pre school": ("^", "#56B4E9"),
        "post school": ("v", "#999999"), "network": ("*", "#000000"),
        "schools": ("^", "#D55E00"),
        "main row": ("x", "#000000"),
    }  # fmt: skip
    axes.axvspan(93, 97, color="0.9", zorder=0)
    axes.axvline(95, color="0.6", lw=0.8, zorder=0)
    for method, rows in table.groupby("method", sort=False):
        mark, colour = marks[method]
        at = [names.index(name) for name in rows["block"] + ": " + rows["name"]]
        axes.plot(100 * rows["coverage"], at, mark, color=colour, ms=4.5, label=method, ls="")
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("95 % intervals that hold the truth (per cent); grey: 93 to 97")
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replications", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=2027)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="cells whose block or name holds this text; nothing written")
    options = parser.parse_args()
    chosen = [c for c in cells() if not options.only or options.only in f"{c.block} {c.name}"]
    table = run(chosen, options.replications, options.seed, options.jobs)
    print(as_markdown(table))
    own = table[table["method"] == "this library"]
    outside = own[own["judged"] != "ok"]
    print(f"\n{len(own)} cells, {len(outside)} wholly outside 93-97 %: {list(outside['name'])}")
    if not options.only:
        write(table, options.replications, options.seed)


if __name__ == "__main__":
    import coverage  # this very file: what travels to other processes must have a name there

    coverage.main()
