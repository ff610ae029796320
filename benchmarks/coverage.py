"""How often intervals cover the truth: ours beside those that one would usually compute.

Pupils and teachers of made-up schools answer before and after; many outcomes are drawn on the same
people, and the people anew for every 50 outcomes (a *structure*). What an outcome consists of is
normal with total variance 1 before: school .20, lasting person .35 (teachers .40), moment the rest,
so pre and post correlate by about .5; on top comes a change that differs between schools with
variance ρc. The truth of each estimand follows from that by arithmetic, never from our estimators:

- per pupil: E[n_j change_j] / E[n_j] over the schools that might have been drawn; per school:
  E[change_j]. They differ in the cells in which larger schools change more.
- in SD: the same, divided by the SD before over all schools that might have been drawn.
- quantiles, shares and lowest fifth: of the mixture of normals over grades.

A cell fails when its 99.9 % Monte-Carlo interval lies wholly outside 93-97 %. Outcomes of one
structure share their people, so the structure is the unit of the Monte-Carlo error.

    python benchmarks/coverage.py                          everything; rewrites README.md and plot
    python benchmarks/coverage.py --cells movers --replications 400       a look, writes nothing
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from zlib import crc32

import matplotlib as mpl
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import optimize, stats
from tqdm import tqdm

from loftet_analysis import names
from loftet_analysis.data.units import TOTAL, WITHIN_ROLE
from loftet_analysis.stats.clustered import NotEstimableError, mean
from loftet_analysis.stats.effects import effects
from loftet_analysis.stats.groups import networks
from loftet_analysis.stats.spread import NARROWEST

HERE = Path(__file__).parent
README, PLOT = HERE / "README.md", HERE.parent / "docs" / "images" / "coverage.svg"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
FULL, LOW, HIGH = 4000, 0.93, 0.97

ICC, PERSON, AGE, YEARS = 0.20, 0.35, -0.05, 2
LINKED, PUPILS, RELIABILITY, GAP = 0.70, 128, 0.80, 0.10
SIZE_SD, FEWEST, MOST = 0.7, 11, 320  # pupils of a school in one wave: 5-150 of them are linked
TEACHERS, ROLE_APART, PER_GATHERING = (3, 8), 0.10, 0.07
WITH_SIZE = 0.7  # correlation of a school's change with its log size, where they go together
PRIMARY, LOWER = range(5, 8), range(8, 11)

OURS = "this library"
TTEST, COHEN, BOOTSTRAP, CR1, MIXED = (
    "pingouin ttest", "pingouin compute_esci (d)", "bootstrap of persons", "CR1 with z",
    "mixed model, random intercept",
)  # fmt: skip
NAIVE = (TTEST, COHEN, BOOTSTRAP, CR1, MIXED)
RAW, SD = "points", "SD"
RHOS = (0.0, 0.05, 0.10)

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Interval = tuple[Floats, Floats]


# --- What is run -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One kind of study.

    Attributes
    ----------
    world : str
        ``pupils`` (nobody changes school), ``teachers`` or ``movers``.
    schools : int
        Movers: 10 (six of grades 1-7, two of 8-10, two of 1-10), 11 (a third of 8-10), or a
        multiple of 10 for as many regions.
    sizes : str
        ``equal`` or ``unequal``.
    rho, theta : float
        Variance of change between schools; same-grade change (of teachers: of participants).
    asked : tuple of str
        Estimands.
    variant : str
        What is special.
    outcomes : int
        Per structure.
    """

    world: str
    schools: int
    sizes: str
    rho: float
    theta: float
    asked: tuple[str, ...]
    variant: str = ""
    outcomes: int = 50

    @property
    def name(self) -> str:
        said = f"{self.world}, {self.schools} schools, {self.sizes}, ρc {self.rho}, θ {self.theta}"
        return said + (f", {self.variant}" if self.variant else "")


LARGER_MORE, LINKS_LOST, ACROSS = "larger schools change more", "movers' links lost", "moves across"
COMPARED, ALL_PUPILS, ONCE = "comparison schools", "all pupils", "attendance and levels"
CHANGES = ("linked_change", "same_grade", "school_change", "cohort_change")
ROLES = (
    "participants", "colleagues", "participants_vs_colleagues", "linked_change", "school_change",
)  # fmt: skip
SPREAD = ("same_grade_quantile", "share_below", "gap_change", "lowest_fifth", "spread_ratio")


def cells() -> list[Cell]:
    """Every cell; a new one is a line here, a new estimand a name and its truth in the world."""
    usual = list(product((8, 12, 30), ("equal", "unequal"), RHOS))
    return [
        *(Cell("pupils", *each, 0.2, CHANGES) for each in usual),
        *(Cell("pupils", *each, 0.5, CHANGES[:2]) for each in usual),
        *(Cell("pupils", 150, "unequal", rho, 0.2, CHANGES) for rho in (0.05, 0.10)),
        *(
            Cell("pupils", schools, "unequal", 0.10, 0.2, CHANGES[:3], LARGER_MORE, outcomes=4)
            for schools in (12, 30, 150)
        ),
        *(
            Cell("pupils", schools, "unequal", rho, 0.2, ("programme_vs_comparison",), COMPARED)
            for schools, rho in product((12, 30), (0.05, 0.10))
        ),
        *(
            Cell("pupils", schools, "unequal", rho, 0.2, SPREAD, ALL_PUPILS)
            for schools, rho in ((12, 0.05), (30, 0.05), (30, 0.10), (150, 0.05))
        ),
        *(Cell("teachers", *each, 0.2, ROLES) for each in usual),
        *(Cell("teachers", *each, 0.5, ROLES[:3]) for each in usual),
        *(
            Cell("teachers", schools, "unequal", rho, 0.2, ("dose", "level"), ONCE)
            for schools, rho in product((12, 30), (0.05, 0.10))
        ),
        *(Cell("movers", 10, "unequal", rho, 0.2, CHANGES) for rho in RHOS),
        Cell("movers", 11, "unequal", 0.05, 0.2, CHANGES),
        Cell("movers", 10, "equal", 0.05, 0.2, CHANGES),
        Cell("movers", 10, "unequal", 0.05, 0.2, CHANGES, LINKS_LOST),
        *(Cell("movers", 150, "unequal", rho, 0.2, CHANGES) for rho in (0.05, 0.10)),
        Cell("movers", 150, "unequal", 0.05, 0.2, CHANGES, ACROSS),
    ]


# --- Worlds: people in schools, what their answers consist of, and what is true -------------------


@dataclass(frozen=True)
class World:
    """People in both waves, and how an outcome comes about.

    Attributes
    ----------
    frame : DataFrame
        Clean data without outcomes; all rows before, then all rows after.
    expected : ndarray of shape (n,)
        The mean of each answer.
    parts : list of (ndarray of int (n,), ndarray of float (n,))
        Who shares a standard normal number, and what each row takes of it.
    first, second : ndarray of int
        Rows of the linked.
    truth : dict of str to float
        In scale points, by estimand (and contrast, where there are several).
    sd : float
        Of all answers before.
    sd_effect : dict of str to float
        What pingouin's d divides by, of those estimands that are also computed naively.
    ruler : dict of str to float
        ``low_fifth``, ``midpoint``, ``alpha``.
    comparison : list of str
        Schools outside the programme.
    """

    frame: pd.DataFrame
    expected: Floats
    parts: list[tuple[Codes, Floats]]
    first: Codes
    second: Codes
    truth: Mapping[str, float]
    sd: float
    sd_effect: Mapping[str, float]
    ruler: Mapping[str, float] = field(default_factory=dict)
    comparison: tuple[str, ...] = ()

    @property
    def school(self) -> Codes:
        return self.frame["code"].to_numpy()

    def draw(self, outcomes: int, rng: np.random.Generator) -> Floats:
        """Return answers (n, outcomes)."""
        y = np.repeat(self.expected[:, None], outcomes, axis=1)
        for codes, share in self.parts:
            y += share[:, None] * rng.standard_normal((codes.max() + 1, outcomes))[codes]
        return y


def _frame(wave: str, school: Codes, person: Codes, **columns: object) -> pd.DataFrame:
    """Return one wave, as clean data have it."""
    ids = np.array([f"s{code:04d}" for code in range(school.max() + 1)], dtype=object)[school]
    base = {names.WAVE: wave, names.SCHOOL: ids, "code": school, names.PERSON: person}
    return pd.DataFrame(base | columns)


def pupils(cell: Cell, rng: np.random.Generator) -> World:
    """Schools of grades 1-10: who is linked stays; the others leave, and as many come."""
    z = rng.standard_normal(cell.schools)
    n = _pupils_of(z) if cell.sizes == "unequal" else np.full(cell.schools, PUPILS)
    school = np.repeat(np.arange(cell.schools), n)
    grade = rng.integers(5, 11, len(school))
    girl = rng.random(len(school)) < 0.5
    linked = (grade <= 8) & (rng.random(len(school)) < LINKED)
    person = np.arange(len(school))
    after = np.where(linked, person, len(school) + person)
    girl_after = np.where(linked, girl, rng.random(len(school)) < 0.5)
    frame = pd.concat(
        [
            _frame(names.PRE, school, person, grade=grade, girl=girl),
            _frame(
                names.POST,
                school,
                after,
                grade=np.where(grade <= 8, grade + YEARS, grade - 4),
                girl=girl_after,
            ),
        ],
        ignore_index=True,
    )
    frame[names.GENDER] = np.where(frame["girl"], "girl", "boy")
    gap = GAP if "gap_change" in cell.asked else 0.0
    with_size = WITH_SIZE if cell.variant == LARGER_MORE else 0.0
    is_post = (frame[names.WAVE] == names.POST).to_numpy(float)
    side = np.where(frame["girl"], 0.5, -0.5) * is_post
    code = frame["code"].to_numpy()
    compared = code % 2 if cell.variant == COMPARED else np.zeros(len(code), dtype=int)
    own = np.sqrt(cell.rho) * (with_size * z[code] * is_post)
    parts = [
        (code, np.full(len(code), np.sqrt(ICC))),
        (code, is_post * np.sqrt(cell.rho * (1 - with_size**2))),
        (code, 2 * np.sign(gap) * side * np.sqrt(cell.rho) / 2),
        *_of_persons(frame, PERSON),
    ]
    return World(
        frame=frame,
        expected=AGE * (frame[names.GRADE].to_numpy() - 7.5)
        + cell.theta * is_post * (1 - compared)
        + gap * side
        + own,
        parts=parts,
        first=np.flatnonzero(linked),
        second=len(school) + np.flatnonzero(linked),
        comparison=tuple(frame[names.SCHOOL][compared == 1].unique()),
        **_truth_of_pupils(cell, gap, with_size),
    )


def _pupils_of(z: Floats) -> Codes:
    typical = np.log(PUPILS) - SIZE_SD**2 / 2
    return np.clip(np.rint(np.exp(typical + SIZE_SD * z)), FEWEST, MOST).astype(int)


def _of_persons(frame: pd.DataFrame, lasting: float) -> list[tuple[Codes, Floats]]:
    """Return what is lasting in a person, and what is of the moment."""
    n, person = len(frame), pd.factorize(frame[names.PERSON])[0]
    return [
        (person, np.full(n, np.sqrt(lasting))),
        (np.arange(n), np.full(n, np.sqrt(1 - ICC - lasting))),
    ]


def _truth_of_pupils(cell: Cell, gap: float, with_size: float) -> dict[str, object]:
    """Return truth, sd, sd_effect and ruler."""
    grades, theta = AGE * (np.arange(5, 11) - 7.5), cell.theta
    aging, var_post = YEARS * AGE, 1 + cell.rho * (1 + np.sign(gap) / 4)
    per_pupil, per_school = _gain_with_size(with_size * np.sqrt(cell.rho))
    middle = np.repeat(grades, 2)
    before = _Mixture(middle, 1.0)
    after = _Mixture(middle + theta + np.tile([gap / 2, -gap / 2], 6), np.sqrt(var_post))
    cut = before.quantile(0.2)
    truth = {
        "linked_change": theta + aging + per_pupil,
        "same_grade": theta + per_pupil,
        "cohort_change": theta + aging + per_pupil,
        "school_change": theta + per_school,
        "programme_vs_comparison": theta,
        "gap_change": gap,
        "share_below": after.below(cut) - 0.2,
        "lowest_fifth": _lowest_fifth(grades[:4], cut),
        "spread_ratio, between schools": np.log1p(cell.rho / ICC) / 2,
        "spread_ratio, within schools": np.log1p((var_post - 1 - cell.rho + gap**2 / 4) / 0.8) / 2,
    }
    smooth = NARROWEST**2 / 3
    ends = _Mixture(middle, np.sqrt(1 + smooth)), _Mixture(after.means, np.sqrt(var_post + smooth))
    for p in (10, 25, 50, 75, 90):
        pre, post = (end.quantile(p / 100) for end in ends)
        truth[f"same_grade_quantile, p{p}"] = post - pre
    both = {"linked_change": grades[:4].var(), "same_grade": grades.var()}
    return {
        "truth": truth,
        "sd": float(np.sqrt(1 + grades.var())),
        "sd_effect": {name: np.sqrt((1 + var_post) / 2 + spread) for name, spread in both.items()},
        "ruler": {"low_fifth": cut, "midpoint": 0.0, "alpha": RELIABILITY},
    }


@dataclass(frozen=True)
class _Mixture:
    """Equal shares of normals with these means and one SD."""

    means: Floats
    sd: float

    def below(self, x: float) -> float:
        return float(stats.norm.cdf(x, self.means, self.sd).mean())

    def quantile(self, p: float) -> float:
        return float(optimize.brentq(lambda x: self.below(x) - p, -9, 9))


def _lowest_fifth(grades: Floats, cut: float) -> float:
    """Return E[z | low] − E[z], z = y_post − α y_pre, over the grades that are linked."""
    share = stats.norm.cdf(cut - grades)
    within = -stats.norm.pdf(cut - grades)  # E[x − m; x < cut] by grade
    low = share.sum()
    of_grades = (share @ grades) / low - grades.mean()
    return float(
        (1 - RELIABILITY) * of_grades + (ICC + PERSON - RELIABILITY) * within.sum() / low
    )


@cache
def _gain_with_size(slope: float) -> tuple[float, float]:
    """Return E[n g]/E[n] and E[g] where g = slope · z, over the schools that count.

    Per school only those count that have five pupils or more of some grade in both waves.
    """
    z = np.linspace(-8, 8, 20_001)
    density, n = stats.norm.pdf(z), _pupils_of(z)
    enough = stats.binom.sf(4, n, 1 / 6) ** 2
    counts = density * (1 - (1 - enough) ** 6)
    weight = density * n
    return float(slope * (weight @ z) / weight.sum()), float(slope * (counts @ z) / counts.sum())


def teachers(cell: Cell, rng: np.random.Generator) -> World:
    """Participants and colleagues; each role of a school has its own change."""
    counts = _teachers_of(cell.sizes, cell.schools, rng)
    school, role = (np.repeat(i.ravel(), counts.ravel()) for i in np.indices(counts.shape))
    n = len(school)
    linked = rng.random(n) < LINKED
    attended = np.where(role == 0, _gatherings(n, rng), np.nan)
    person = np.arange(n)
    roles = np.array([names.PARTICIPANT, names.COLLEAGUE], dtype=object)[role]
    frame = pd.concat(
        [
            _frame(names.PRE, school, person, role=roles, gatherings=attended),
            _frame(names.POST, school, np.where(linked, person, n + person), role=roles),
        ],
        ignore_index=True,
    )
    code, role = frame["code"].to_numpy(), np.tile(role, 2)
    is_post = np.repeat([0.0, 1.0], n)
    beyond = np.tile(np.nan_to_num(attended - _usual_attendance()), 2) * (cell.variant == ONCE)
    half = is_post * np.sqrt(cell.rho / 2)
    effect = np.array([cell.theta, cell.theta / 4])
    first = np.flatnonzero(linked)
    given = attended[first][role[first] == 0]
    spread = float(np.diff(np.quantile(given, [0.1, 0.9]))[0]) if len(given) else np.nan
    truth = _truth_of_teachers(cell.sizes, cell.rho, cell.theta)
    truth["truth"]["dose, gathering: 90th - 10th percentile"] = PER_GATHERING * spread
    return World(
        frame=frame,
        expected=ROLE_APART * (role == 0)
        + is_post * (effect[role] + PER_GATHERING * beyond),
        parts=[
            (code, np.full(2 * n, np.sqrt(ICC))),
            (code, half),
            (2 * code + role, half),
            (code, is_post * 0.1 * np.sqrt(cell.rho) * beyond),
            *_of_persons(frame, 0.40),
        ],
        first=first,
        second=n + first,
        **truth,
    )


def _teachers_of(sizes: str, schools: int, rng: np.random.Generator) -> Codes:
    """Return participants and colleagues (schools, 2)."""
    if sizes == "equal":
        return np.tile(TEACHERS, (schools, 1))
    participants = rng.poisson(TEACHERS[0], schools).clip(max=7)
    colleagues = rng.poisson(rng.gamma(4, TEACHERS[1] / 4, schools)).clip(max=20)
    return np.column_stack([participants, colleagues])


def _gatherings(n: int, rng: np.random.Generator) -> Floats:
    return np.clip(np.rint(rng.normal(8.0, 1.9, n)), 0, 10)


@cache
def _usual_attendance() -> float:
    return float(_gatherings(2_000_000, np.random.default_rng(0)).mean())


def _truth_of_teachers(sizes: str, rho: float, theta: float) -> dict[str, object]:
    """Return truth, sd, sd_effect and ruler."""
    pi, in_school = _share_of_participants(sizes)
    means = np.array([theta, theta / 4])
    shares = np.array([pi, 1 - pi])
    at_post = means + [ROLE_APART, 0]
    sd_post, moments = np.sqrt(1 + rho), 1 - ICC - 0.40
    return {
        "truth": {
            "participants": means[0],
            "colleagues": means[1],
            "participants_vs_colleagues": means[0] - means[1],
            "linked_change": float(shares @ means),
            "school_change": float(in_school * means[0] + (1 - in_school) * means[1]),
            "level, mean": float(shares @ at_post),
            "level, share agreeing": float(shares @ stats.norm.cdf(at_post / sd_post)),
            "dose, per gathering": PER_GATHERING,
        },
        "sd": float(np.sqrt(1 + ROLE_APART**2 * pi * (1 - pi))),
        "sd_effect": {
            "participants": np.sqrt((2 + rho) / 2),
            "participants_vs_colleagues": np.sqrt(2 * moments + rho),
        },
        "ruler": {"low_fifth": 0.0, "midpoint": 0.0, "alpha": RELIABILITY},
    }


@cache
def _share_of_participants(sizes: str) -> tuple[float, float]:
    """Return the share of participants among linked teachers, and its mean over schools."""
    rng = np.random.default_rng(0)
    there = _teachers_of(sizes, 1_000_000, rng)
    linked = rng.binomial(there, LINKED)
    some = linked[linked.sum(axis=1) > 0]
    return float(there[:, 0].sum() / there.sum()), float((some[:, 0] / some.sum(axis=1)).mean())


def movers(cell: Cell, rng: np.random.Generator) -> World:
    """Regions in which most pupils go on from schools of grades 1-7 to schools of 8-10.

    At that step 7.5 % go elsewhere than their school does, and 3 % change school besides. Level
    goes with the place that a pupil comes from; half of ρc is of the school before, half of the
    school after.
    """
    shape = (6, 3, 2) if cell.schools == 11 else (6, 2, 2)
    per, regions = sum(shape), cell.schools // sum(shape)
    lower = np.arange(shape[0], per)  # schools of 8-10 and of 1-10
    both = lower[shape[1] :]
    homes = np.concatenate([np.arange(shape[0]), both])
    feeds = np.concatenate([lower[np.arange(shape[0]) % shape[1]], both])
    spread = SIZE_SD if cell.sizes == "unequal" else 0.0
    typical = rng.lognormal(np.log(22) - spread**2 / 2, spread, (regions, len(homes), 1))
    counts = rng.poisson(np.clip(typical, 3, 60), (regions, len(homes), 8))
    region, place, cohort = (np.repeat(i.ravel(), counts.ravel()) for i in np.indices(counts.shape))
    n, grade = len(region), cohort + 3  # before; grades 3 and 4 are asked only after
    away = (rng.random(n) < 0.10) & (cell.variant == ACROSS)
    to = np.where(away, rng.integers(regions, size=n), region)
    astray = rng.random(n) < 0.075
    next_school = np.where(astray, to * per + rng.choice(lower, n), region * per + feeds[place])
    home = region * per + homes[place]
    before = np.where(grade <= 7, home, next_school)
    after = np.where(grade + YEARS <= 7, home, next_school)
    other = to * per + np.where(
        grade + YEARS <= 7, rng.choice(homes, n), rng.choice(lower, n)
    )
    after = np.where(rng.random(n) < 0.03, other, after)

    answers = rng.random((2, n)) < np.sqrt(LINKED)
    in_pre, in_post = answers[0] & (grade >= 5), answers[1] & (grade + YEARS <= 10)
    lost = (cell.variant == LINKS_LOST) & (before != after) & (rng.random(n) < 0.5)
    linked = in_pre & in_post & ~lost
    person = np.arange(n)
    pre = _frame(names.PRE, before, person, grade=grade, home=home)[in_pre]
    post = _frame(
        names.POST, after, np.where(linked, person, n + person), grade=grade + YEARS, home=home
    )[in_post]
    frame = pd.concat([pre, post], ignore_index=True)
    is_post = (frame[names.WAVE] == names.POST).to_numpy(float)
    half, code = np.sqrt(cell.rho / 2), frame["code"].to_numpy()
    real = pd.concat([pd.Series(person[in_pre]), pd.Series(person[in_post])], ignore_index=True)
    place_of = np.cumsum(in_pre) - 1, len(pre) + np.cumsum(in_post) - 1
    grades = AGE * (np.arange(5, 11) - 7.5)
    return World(
        frame=frame.assign(region_code=frame["code"] // per),
        expected=AGE * (frame[names.GRADE].to_numpy() - 7.5) + cell.theta * is_post,
        parts=[
            (frame["home"].to_numpy(), np.full(len(frame), np.sqrt(ICC - cell.rho / 2))),
            (code, (1 - is_post) * half),
            (code, is_post * half),
            *_of_persons(frame.assign(person_id=real), PERSON),
        ],
        first=place_of[0][linked],
        second=place_of[1][linked],
        truth={
            "linked_change": cell.theta + YEARS * AGE,
            "same_grade": cell.theta,
            "school_change": cell.theta,
            "cohort_change": cell.theta + YEARS * AGE,
        },
        sd=float(np.sqrt(1 + grades.var())),
        sd_effect={
            "linked_change": np.sqrt(1 + grades[:4].var()),
            "same_grade": np.sqrt(1 + grades.var()),
        },
    )


WORLDS: Mapping[str, Callable[[Cell, np.random.Generator], World]] = {
    "pupils": pupils,
    "teachers": teachers,
    "movers": movers,
}


# --- Intervals -----------------------------------------------------------------------------------


def ours(world: World, y: Floats, asked: tuple[str, ...], population: str) -> pd.DataFrame:
    """Return the rows of our public function, with the key of their truth in `label`."""
    outcomes = [f"y{b}" for b in range(y.shape[1])]
    frame = world.frame.drop(columns="code").join(pd.DataFrame(y, columns=outcomes))
    plan = pd.DataFrame(
        [
            {
                "population": population,
                "outcome": outcome,
                "question": "",
                "estimand": estimand,
                "contrast": "gender=girl - gender=boy" if estimand == "gap_change" else "",
                "subgroup": names.ALL,
                "family": "",
                "plan_role": "primary",
            }
            for estimand, outcome in product(asked, outcomes)
        ]
    )
    before = (frame[names.WAVE] == names.PRE).to_numpy()
    rulers = {TOTAL: y[before].std(axis=0, ddof=1)}
    if names.ROLE in frame:
        role = pd.factorize(frame.loc[before, names.ROLE])[0]
        dummies = np.eye(role.max() + 1)[role]
        rest = y[before] - dummies @ (dummies.T @ y[before] / dummies.sum(axis=0)[:, None])
        rulers[WITHIN_ROLE] = np.sqrt((rest**2).sum(axis=0) / (len(rest) - dummies.shape[1]))
    units = pd.DataFrame(
        [
            {"population": population, "outcome": o, "unit": unit, "sd_unit": sd, **world.ruler}
            for unit, sds in rulers.items()
            for o, sd in zip(outcomes, sds, strict=True)
        ]
    )
    rows = effects(
        frame,
        plan,
        population=population,
        region=names.NATIONAL,
        units=units,
        unit_is_sample=True,
        years=YEARS if population == "pupils" else 0,
        comparison=world.comparison,
    )
    several = rows["estimand"] + ", " + rows["contrast"]
    return rows.assign(label=rows["estimand"].where(rows["estimand"].isin(world.truth), several))


@dataclass(frozen=True)
class Sample:
    """Two groups of answers (n, outcomes), or the same people twice, with their schools."""

    before: Floats
    after: Floats
    school_before: Codes
    school_after: Codes
    paired: bool


def samples(world: World, y: Floats) -> Iterator[tuple[str, Sample]]:
    """Yield what somebody would compare who computes the estimand by a usual tool."""
    code = world.school
    first, second = world.first, world.second
    if names.ROLE in world.frame:
        takes_part = (world.frame[names.ROLE] == names.PARTICIPANT).to_numpy()[first]
        one, two = first[takes_part], second[takes_part]
        yield "participants", Sample(y[one], y[two], code[one], code[one], True)
        change = y[second] - y[first]
        yield (
            "participants_vs_colleagues",
            Sample(
                change[~takes_part],
                change[takes_part],
                code[first[~takes_part]],
                code[one],
                False,
            ),
        )
        return
    yield "linked_change", Sample(y[first], y[second], code[first], code[second], True)
    pre = (world.frame[names.WAVE] == names.PRE).to_numpy()
    yield "same_grade", Sample(y[pre], y[~pre], code[pre], code[~pre], False)


def t_interval(s: Sample) -> Interval:
    """As ``pingouin.ttest`` with its defaults: paired, or Welch's where sizes differ."""
    if s.paired:
        change = s.after - s.before
        n = len(change)
        estimate, se, df = change.mean(axis=0), change.std(axis=0, ddof=1) / np.sqrt(n), n - 1
    else:
        n0, n1 = len(s.before), len(s.after)
        v0, v1 = s.before.var(axis=0, ddof=1) / n0, s.after.var(axis=0, ddof=1) / n1
        estimate = s.after.mean(axis=0) - s.before.mean(axis=0)
        if n0 == n1:
            se, df = np.sqrt(v0 + v1), n0 + n1 - 2
        else:
            df = (v0 + v1) ** 2 / (v0**2 / (n0 - 1) + v1**2 / (n1 - 1))
            se = np.sqrt(v0 + v1)
    return _around(estimate, stats.t.ppf(0.975, df) * se)


def d_interval(s: Sample) -> Interval:
    """As ``pingouin.compute_effsize`` (Cohen's d; paired: d_av) with ``compute_esci``."""
    n0, n1 = len(s.before), len(s.after)
    v0, v1 = s.before.var(axis=0, ddof=1), s.after.var(axis=0, ddof=1)
    apart = s.after.mean(axis=0) - s.before.mean(axis=0)
    if s.paired:
        d, df = apart / np.sqrt((v0 + v1) / 2), n0 - 1
        se = np.sqrt(1 / n0 + d**2 / (2 * n0))
    else:
        df = n0 + n1 - 2
        d = apart / np.sqrt(((n0 - 1) * v0 + (n1 - 1) * v1) / df)
        se = np.sqrt((n0 + n1) / (n0 * n1) + d**2 / (2 * (n0 + n1)))
    return _around(d, stats.t.ppf(0.975, df) * se)


def bootstrap_interval(s: Sample, rng: np.random.Generator, resamples: int = 999) -> Interval:
    """Percentile interval of the change over resampled persons, the same for every outcome."""
    if s.paired:
        drawn = _resampled_means(s.after - s.before, rng, resamples)
    else:
        drawn = _resampled_means(s.after, rng, resamples)
        drawn = drawn - _resampled_means(s.before, rng, resamples)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return low, high


def _resampled_means(y: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    n = len(y)
    chosen = rng.integers(0, n, (resamples, n)) + n * np.arange(resamples)[:, None]
    times = np.bincount(chosen.ravel(), minlength=resamples * n).reshape(resamples, n)
    centre = y.mean(axis=0)
    return centre + times.astype(np.float32) @ (y - centre).astype(np.float32) / n


def cr1_interval(s: Sample) -> Interval:
    """As ``statsmodels.OLS(...).fit(cov_type="cluster")`` of the change, or of y on the group."""
    if s.paired:
        change, school, k = s.after - s.before, s.school_before, 1
        estimate = change.mean(axis=0)
        residual, n = (change - estimate) / len(change), len(change)
    else:
        centre = s.before.mean(axis=0), s.after.mean(axis=0)
        estimate, k, n = centre[1] - centre[0], 2, len(s.before) + len(s.after)
        residual = np.concatenate(
            [-(s.before - centre[0]) / len(s.before), (s.after - centre[1]) / len(s.after)]
        )
        school = np.concatenate([s.school_before, s.school_after])
    scores = _sums(residual, school)
    groups = len(np.unique(school))
    variance = (scores**2).sum(axis=0) * groups / (groups - 1) * (n - 1) / (n - k)
    return _around(estimate, stats.norm.ppf(0.975) * np.sqrt(variance))


def mixed_interval(s: Sample) -> Interval:
    """As ``statsmodels.MixedLM`` (REML, z) of y on the group with a random intercept of schools.

    The likelihood is profiled over λ = school variance / residual variance by golden sections.
    """
    centre = s.before.mean(axis=0)
    schools = max(s.school_before.max(), s.school_after.max()) + 1
    counts = [np.bincount(c, minlength=schools)[:, None] for c in (s.school_before, s.school_after)]
    n, after_n = counts[0] + counts[1], counts[1]
    after_sum = _sums(s.after - centre, s.school_after, schools)
    total = _sums(s.before - centre, s.school_before, schools) + after_sum
    square = ((s.before - centre) ** 2).sum(axis=0) + ((s.after - centre) ** 2).sum(axis=0)
    people = int(n.sum())

    def fitted(log_ratio: Floats) -> tuple[Floats, Floats, Floats]:
        """Return deviance, estimate and squared SE."""
        ratio = np.exp(log_ratio)
        shrink = ratio / (1 + ratio * n)
        a = (n - shrink * n**2).sum(axis=0)
        b = (after_n - shrink * n * after_n).sum(axis=0)
        c = (after_n - shrink * after_n**2).sum(axis=0)
        u = (total - shrink * n * total).sum(axis=0)
        v = (after_sum - shrink * after_n * total).sum(axis=0)
        det = a * c - b**2
        slope, constant = (a * v - b * u) / det, (c * u - b * v) / det
        rest = square - (shrink * total**2).sum(axis=0) - constant * u - slope * v
        variance = rest / (people - 2)
        deviance = (people - 2) * np.log(variance) + np.log1p(ratio * n).sum(axis=0) + np.log(det)
        return deviance, slope, variance * a / det

    golden = (np.sqrt(5) - 1) / 2
    low = np.full(square.shape, -16.0)
    high = np.full(square.shape, 4.0)
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        better = fitted(left)[0] < fitted(right)[0]
        low, high = np.where(better, low, left), np.where(better, right, high)
    _, estimate, variance = fitted((low + high) / 2)
    return _around(estimate, stats.norm.ppf(0.975) * np.sqrt(variance))


def cr2_mean_interval(change: Floats, cluster: Codes) -> tuple[Floats, Floats, float]:
    """Return our interval of the mean with these clusters, and its df; NaN where it is refused."""
    try:
        found = [mean(column, cluster) for column in change.T]
    except NotEstimableError:
        return *np.full((2, change.shape[1]), np.nan), np.nan
    low, high = np.array([each.interval() for each in found]).T
    return low, high, found[0].df


def two_way_interval(change: Floats, one: Codes, other: Codes) -> tuple[Floats, Floats, float]:
    """Return an interval of the mean that clusters on both schools at once, and its df.

    V = V_one + V_other − V_both (Cameron, Gelbach & Miller 2011), each with CR2's factors, so that
    V is unbiased where people are independent; df = (tr Q)² / tr Q² of that quadratic form. NaN
    where V is not positive.
    """
    n = len(change)
    both, pair = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)
    size = np.bincount(pair)
    sums = _sums(change - change.mean(axis=0), pair)
    form = np.zeros((len(both), len(both)))
    for sign, group in ((1, both[:, 0]), (1, both[:, 1]), (-1, np.arange(len(both)))):
        share = np.bincount(group, size)[group] / n
        form += sign * (group[:, None] == group) / np.where(share < 1, 1 - share, np.nan)[:, None]
    variance = np.einsum("ib,ij,jb->b", sums, form, sums) / n**2
    root = np.sqrt(size)
    centred = np.eye(len(both)) - np.outer(root, root) / n
    scaled = centred @ (root[:, None] * form * root) @ centred
    df = float(n**2 / (scaled**2).sum())
    se = np.sqrt(np.where(variance > 0, variance, np.nan))
    return *_around(change.mean(axis=0), stats.t.ppf(0.975, df) * se), df


def _around(estimate: Floats, half: Floats) -> Interval:
    return estimate - half, estimate + half


def _sums(y: Floats, codes: Codes, length: int = 0) -> Floats:
    """Return the sums of y (n, outcomes) by code."""
    length = max(length, int(codes.max()) + 1)
    return np.stack([np.bincount(codes, column, length) for column in y.T], axis=1)


# --- Running -------------------------------------------------------------------------------------


def run_structure(cell: Cell, seed: int, number: int) -> pd.DataFrame:
    """Return, for one structure of a cell, how many intervals of each kind cover the truth."""
    rng = np.random.default_rng([seed, crc32(cell.name.encode()), number])
    world = WORLDS[cell.world](cell, rng)
    y = world.draw(cell.outcomes, rng)
    found = list(_our_intervals(cell, world, y))
    if set(cell.asked) & {"linked_change", "participants"} and not cell.variant == LARGER_MORE:
        found += _usual_intervals(world, y, rng)
    if cell.world == "movers":
        found += _by_clusters(world, y)
    keys = ("estimand", "method", "unit", "truth", "low", "high", "df")
    rows = []
    for each in found:
        row = dict(zip(keys, each, strict=True))
        low, high = np.asarray(row.pop("low")), np.asarray(row.pop("high"))
        there = np.isfinite(low)
        covers = (low <= row["truth"]) & (row["truth"] <= high)
        row |= {"asked": len(low), "n": there.sum(), "covered": covers[there].sum()}
        rows.append(row | {"width": (high - low)[there].sum()})
    return pd.DataFrame(rows).assign(cell=cell.name, structure=number)


def _our_intervals(cell: Cell, world: World, y: Floats) -> Iterator[tuple]:
    population = "teachers" if cell.world == "teachers" else "pupils"
    for label, rows in ours(world, y, cell.asked, population).groupby("label", sort=False):
        if label not in world.truth:
            continue
        truth, df = world.truth[label], rows["df"].median()
        yield label, OURS, RAW, truth, rows["change_ci_low"], rows["change_ci_high"], df
        if rows["ci_low"].notna().any():
            sd = 1.0 if label == "participants_vs_colleagues" else world.sd
            yield label, OURS, SD, truth / sd, rows["ci_low"], rows["ci_high"], df


def _usual_intervals(world: World, y: Floats, rng: np.random.Generator) -> Iterator[tuple]:
    for label, sample in samples(world, y):
        truth = world.truth[label]
        yield label, TTEST, RAW, truth, *t_interval(sample), np.nan
        yield label, COHEN, SD, truth / world.sd_effect[label], *d_interval(sample), np.nan
        yield label, BOOTSTRAP, RAW, truth, *bootstrap_interval(sample, rng), np.nan
        yield label, CR1, RAW, truth, *cr1_interval(sample), np.nan
        yield label, MIXED, RAW, truth, *mixed_interval(sample), np.nan


BY_PRE, BY_POST, BY_NETWORK, BY_REGION, BY_BOTH = CLUSTERS = (
    "CR2 by school before", "CR2 by school after", "CR2 by whole network", "CR2 by region",
    "CR2 by both schools (two-way)",
)  # fmt: skip


def _by_clusters(world: World, y: Floats) -> Iterator[tuple]:
    code, first, second = world.school, world.first, world.second
    change, before, after = y[second] - y[first], code[first], code[second]
    region = world.frame["region_code"].to_numpy()[first]
    groups = {
        BY_PRE: before,
        BY_POST: after,
        BY_NETWORK: networks(before, after, code.max() + 1)[before],
        BY_REGION: region,
    }
    truth = world.truth["linked_change"]
    for name, cluster in groups.items():
        low, high, df = cr2_mean_interval(change, cluster)
        yield "linked_change", name, RAW, truth, low, high, df
    low, high, df = two_way_interval(change, before, after)
    yield "linked_change", BY_BOTH, RAW, truth, low, high, df


def run(
    chosen: list[Cell], *, replications: int, seed: int, jobs: int = 1, quiet: bool = False
) -> pd.DataFrame:
    """Return one row per cell, estimand, method and unit.

    Returns
    -------
    DataFrame
        The cell's attributes, ``estimand, method, unit``; ``n`` intervals, ``refused`` (share),
        ``coverage``, ``mc_error``, ``mc_low, mc_high`` (99.9 %), ``width`` (mean), ``df``
        (median over structures), ``fails``.
    """
    tasks = [
        delayed(run_structure)(cell, seed, number)
        for cell in chosen
        for number in range(max(2, -(-replications // cell.outcomes)))
    ]
    parts = Parallel(n_jobs=jobs, return_as="generator")(tasks)
    whole = pd.concat(tqdm(parts, total=len(tasks), disable=quiet), ignore_index=True)
    keys = ["cell", "estimand", "method", "unit"]
    rows = [
        dict(zip(keys, key, strict=True)) | _coverage(group)
        for key, group in whole.groupby(keys, sort=False)
    ]
    about = pd.DataFrame([{**vars(cell), "cell": cell.name} for cell in chosen])
    return pd.DataFrame(rows).merge(about.drop(columns=["asked", "outcomes"]), on="cell")


def _coverage(group: pd.DataFrame) -> dict[str, float]:
    n, covered, k = group["n"].sum(), group["covered"].sum(), len(group)
    row = {"n": int(n), "refused": 1 - n / group["asked"].sum(), "df": group["df"].median()}
    if not n:
        return row | dict.fromkeys(("coverage", "mc_error", "mc_low", "mc_high", "width"), np.nan)
    p = covered / n
    apart = group["covered"] - p * group["n"]
    error = float(np.sqrt(k / (k - 1) * (apart**2).sum()) / n)
    reach = stats.t.ppf(0.9995, k - 1) * error
    row |= {"coverage": p, "mc_error": error, "mc_low": p - reach, "mc_high": p + reach}
    row["width"] = group["width"].sum() / n
    row["fails"] = bool(row["mc_high"] < LOW or row["mc_low"] > HIGH)
    return row
