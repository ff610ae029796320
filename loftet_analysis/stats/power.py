"""Planning: which change could be seen, with how many schools and people.

Everything is in units of the SD of the answers before (of pupils, or of teachers within role), and
the answers after are taken to vary as much. A design's squared standard error has two parts,

    SE² = [ B (1 + CV²) + W ] / S,

B the variance between schools of what is estimated, W a school's own sampling variance with the
average number of people, and S the number of schools. With V the variance of change between
schools, r the correlation of a person's two answers, n people per school, p the share of
participants among them and a the share lost:

=============================  ===================  ===============================
estimand                       B                    W
=============================  ===================  ===============================
``linked_change``              V                    (2(1 − r) − V) / (n(1 − a))
``same_grade``                 V                    (1 − ICC)(1/n + 1/(n(1 − a)))
``participants_vs_colleagues`` variance of the      (2(1 − r) − (1 − a)V)
                               roles' difference    / (p(1 − p)n(1 − a))
=============================  ===================  ===============================

``same_grade`` is PowerUp!'s two-level blocked individual assignment with random effects, BIRA2_1r
(model 2.3, ``bira2r1`` in PowerUpR): schools are the blocks, the waves the arms, n(2 − a) people
per block, V = ρ₂ω₂. The others are the same design with other variances: in
``participants_vs_colleagues`` the roles are the arms and changes the outcome; in ``linked_change``
each person is their own control, so that with the waves as arms
1 − R²_1 = (2(1 − r) − V) / (2(1 − ICC)). A single group before and after is not among PowerUp!'s
designs; with one person per school ``linked_change`` is the paired t-test.

Larger schools weigh more, so that S schools of unequal size are worth S_e = S/(1 + CV²) of equal
size. Satterthwaite's df of CR2 under the working model, with school j holding the share
π_j, are 1/[Σ π_j² + Σ_{j≠k} π_j²π_k²/((1 − π_j)(1 − π_k))]; to second order in the shares this is
S_e − 1: exact for equal schools, never above them in any sizes tried, and clearly below them only
where one of few schools holds most people. Losing people at random makes schools more unequal, by
a/(n(1 − a)) in CV² where people are linked (of participants alone by a/(pn(1 − a))), and shares of
participants unlike.

The MDES is M · SE with the multiplier M = t(1 − α/2, df) + t(power, df) (Bloom 1995; Dong &
Maynard 2013); power is that of the noncentral t, as in PowerUpR.

No Python library that was looked at has these: ``statsmodels.stats.power`` has independent people
only, and pyPowerUp 0.1 repeats PowerUp!'s formulas, in which schools are of equal size.

References
----------
Dong & Maynard 2013, Journal of Research on Educational Effectiveness 6(1), 24–67,
doi:10.1080/19345747.2012.673143. Bloom 1995, Evaluation Review 19(5), 547–556.
Eldridge, Ashby & Kerry 2006, International Journal of Epidemiology 35(5), 1292–1300 (CV).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from scipy import stats

from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.stats.inputs import number, refuse

LINKED_CHANGE, SAME_GRADE = "linked_change", "same_grade"
PARTICIPANTS_VS_COLLEAGUES = "participants_vs_colleagues"
DESIGNS = (LINKED_CHANGE, SAME_GRADE, PARTICIPANTS_VS_COLLEAGUES)


@dataclass(frozen=True)
class Design:
    """What is planned and what is known beforehand.

    Attributes
    ----------
    estimand : str
        ``linked_change``, ``same_grade`` or ``participants_vs_colleagues``.
    schools : int
        Schools, or where pupils change school their feeder groups.
    people : float
        People per school on average who answer before; with ``same_grade`` in all grades, with
        ``participants_vs_colleagues`` in both roles.
    change_variance : float
        V, the variance of change between schools; icc_change × 2(1 − r) of a table of effects.
    r : float, default .6
        Correlation of a person's answers before and after; not used by ``same_grade``.
    icc : float, default .05
        Share of the variance before that lies between schools; used by ``same_grade`` only.
    attrition : float, default 0
        Share of people lost at random: not linked, or missing after.
    cv : float, default 0
        SD of the schools' numbers of people over their mean, at most √(schools − 1).
    participants : float, default .5
        Share of the people who are participants, the same in every school.
    contrast_variance : float, default 0
        Variance between schools of the roles' difference in change.
    ci_level : float, default .95
        Of the two-sided interval that is to lie on one side of zero.

    Raises
    ------
    InputError
        Where a number is outside its range, or no degrees of freedom are left.
    """

    estimand: str
    schools: int
    people: float
    change_variance: float
    r: float = 0.6
    icc: float = 0.05
    attrition: float = 0.0
    cv: float = 0.0
    participants: float = 0.5
    contrast_variance: float = 0.0
    ci_level: float = 0.95

    def __post_init__(self) -> None:
        most = 2.0 if self.estimand == SAME_GRADE else 2 * (1 - self.r)
        ranges = {
            "estimand": (self.estimand in DESIGNS, ", ".join(DESIGNS)),
            "schools": (self.schools >= 2, "2 or more"),
            "people": (self.people > 0, "more than 0"),
            "r": (-1 <= self.r < 1, "from -1 to less than 1"),
            "change_variance": (0 <= self.change_variance <= most, f"from 0 to {most:.3g}"),
            "icc": (0 <= self.icc < 1, "from 0 to less than 1"),
            "attrition": (0 <= self.attrition < 1, "from 0 to less than 1"),
            "cv": (0 <= self.cv**2 <= self.schools - 1, "from 0 to √(schools - 1)"),
            "participants": (0 < self.participants < 1, "between 0 and 1"),
            "contrast_variance": (self.contrast_variance >= 0, "0 or more"),
            "ci_level": (0 < self.ci_level < 1, "between 0 and 1"),
        }
        problems = [
            Problem(f"{name} is out of range", found=str(getattr(self, name)), allowed=allowed)
            for name, (fits, allowed) in ranges.items()
            if not fits
        ]
        refuse_any(problems)
        if degrees_of_freedom(self) <= 0:
            raise refuse(
                "no degrees of freedom are left",
                f"{self.schools} schools, CV {self.cv}",
                "schools / (1 + CV²) above 1",
                "plan more schools",
            )


SETTINGS = tuple(field.name for field in fields(Design))
RESULTS = ("se", "df", "mdes", "power")


def standard_error(design: Design) -> float:
    """Return the standard error that the design would give, in SD.

    Examples
    --------
    Seven linked participants, each in a school of their own:

    >>> round(standard_error(Design("linked_change", 7, 1, 0.0, r=0.65)), 3)
    0.316
    """
    kept = design.people * (1 - design.attrition)
    between, variation = design.change_variance, _size_variation(design)
    within = (2 * (1 - design.r) - design.change_variance) / kept
    if design.estimand == SAME_GRADE:
        within = (1 - design.icc) * (1 / design.people + 1 / kept)
    if design.estimand == PARTICIPANTS_VS_COLLEAGUES:
        p, lost = design.participants, design.attrition
        between, variation = design.contrast_variance, design.cv**2 + lost / (kept * p)
        # where losses leave unlike shares of participants, schools' changes do not cancel
        within = (2 * (1 - design.r) - (1 - lost) * design.change_variance) / (kept * p * (1 - p))
    return float(np.sqrt((between * (1 + variation) + within) / design.schools))


def degrees_of_freedom(design: Design) -> float:
    """Return Satterthwaite's df as planned, S/(1 + CV²) − 1.

    Examples
    --------
    >>> degrees_of_freedom(Design("same_grade", 10, 100, 0.04, cv=0.5))
    7.0
    """
    return design.schools / (1 + _size_variation(design)) - 1


def mdes(design: Design, power: float = 0.80) -> float:
    """Return the minimum detectable effect size, M · SE, in SD.

    Examples
    --------
    PowerUpR's ``mdes.bira2r1(rho2 = .17, omega2 = .50, n = 15, J = 20)`` gives 0.366:

    >>> round(mdes(Design("same_grade", 20, 7.5, 0.17 * 0.50, icc=0.17)), 3)
    0.366
    """
    number("power", power, above=0, below=1)
    df = degrees_of_freedom(design)
    multiplier = stats.t.ppf((1 + design.ci_level) / 2, df) + stats.t.ppf(power, df)
    return float(multiplier * standard_error(design))


def power(design: Design, effect: float) -> float:
    """Return the probability that a true effect (in SD) gives an interval without zero.

    Examples
    --------
    >>> round(power(Design("linked_change", 10, 100, 0.04), 0.2), 2)
    0.73
    """
    df, shift = degrees_of_freedom(design), abs(effect) / standard_error(design)
    limit = stats.t.ppf((1 + design.ci_level) / 2, df)
    # the wrong side holds less than Φ(−shift), and scipy's value for it is NaN from about 7.5 on
    wrong_side = 0.0 if shift > 7 else stats.nct.cdf(-limit, df, shift)
    return float(stats.nct.sf(limit, df, shift) + wrong_side)


def schools_needed(design: Design, effect: float, power: float = 0.80) -> int:
    """Return the least number of schools whose MDES is not above an effect (in SD).

    Parameters
    ----------
    design : Design
        Its own number of schools does not matter.
    effect : float
        Not zero.
    power : float, default .80

    Returns
    -------
    int

    Raises
    ------
    InputError
        Where the effect is zero.

    Examples
    --------
    >>> schools_needed(Design("linked_change", 10, 100, 0.04), 0.10)
    40
    """
    if not 0 < abs(effect) < np.inf:
        raise refuse("no number of schools can show no effect", effect)
    number("power", power, above=0, below=1)
    fewest = int(np.floor(1 + _size_variation(design))) + 1

    def is_enough(schools: int) -> bool:
        return mdes(replace(design, schools=schools), power) <= abs(effect)

    most = fewest
    while not is_enough(most):
        most *= 2
    return fewest + bisect_left(range(fewest, most), True, key=is_enough)


def computed(designs: pd.DataFrame) -> pd.DataFrame:
    """Return what designs can show, each in a row.

    Parameters
    ----------
    designs : DataFrame
        The fields of `Design` as columns, and `effect` (in SD, or missing); others stay.

    Returns
    -------
    DataFrame
        The rows with `se`, `df`, `mdes` (with power .80) and `power`.

    Examples
    --------
    >>> design = Design("linked_change", 2, 1, change_variance=0.04)
    >>> designs = [vars(replace(design, schools=n)) | {"effect": 0.2} for n in (10, 50)]
    >>> computed(pd.DataFrame(designs))[["schools", "mdes", "power"]].round(2)
       schools  mdes  power
    0       10  0.89   0.10
    1       50  0.36   0.34
    """
    found = []
    for row in designs[[*SETTINGS, "effect"]].to_dict("records"):
        effect = row.pop("effect")
        each = Design(**row)
        numbers = standard_error(each), degrees_of_freedom(each), mdes(each), power(each, effect)
        found.append(numbers)
    results = pd.DataFrame(found, columns=list(RESULTS), index=designs.index, dtype=float)
    return designs.assign(**{column: results[column] for column in RESULTS})


def _size_variation(design: Design) -> float:
    """Return CV² of the numbers analysed per school, random losses included."""
    lost, kept = design.attrition, 1 - design.attrition
    if design.estimand == SAME_GRADE:  # both waves are counted, people are lost in the second
        return design.cv**2 + lost * kept / (design.people * (1 + kept) ** 2)
    return design.cv**2 + lost / (design.people * kept)
