"""What is planted in the outcomes of the demo study, and the latent traits that people have.

Everything is measured in SD of the latent trait before (grade and region held equal). Sizes
follow published figures: school ICC of pupils' attitudes .04-.09; fall with age about -.13 SD in
two years (Scherrer & Preckel 2019 give -.108 per 1.65 years) and with the calendar; retest
correlations .55 (pupils) and .60 (teachers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from loftet_analysis.demo.people import stream
from loftet_analysis.demo.regions import Region
from loftet_analysis.names import POST, PRE
from loftet_analysis.study import Item, ResponseSet, Scale


@dataclass(frozen=True)
class Planted:
    """What is planted in one outcome.

    Attributes
    ----------
    mean : float
        Place of the average answer before, from 0 (lowest option) to 1 (highest).
    effect, colleagues : float
        The programme's effect on pupils or participants, and on colleagues.
    age : float
        Share of the common fall with age (`AGE`).
    calendar : float
        Change in two years that is not the programme's.
    general : float
        Correlation with the person's general attitude.
    support : float
        Correlation of what is new at the school with its leaders' support.
    boys : float
        How much boys lie above girls.
    """

    mean: float
    effect: float = 0.0
    colleagues: float = 0.0
    age: float = 0.0
    calendar: float = 0.0
    general: float = 0.5
    support: float = 0.3
    boys: float = 0.0


PLANTED: Mapping[str, Mapping[str, Planted]] = {
    "pupils": {
        "intrinsic_motivation": Planted(0.70, 0.05, age=1.0, calendar=-0.18, boys=0.12),
        "instrumental_motivation": Planted(0.74, 0.05, age=0.8, calendar=-0.12),
        "persistence": Planted(0.68, 0.05, age=0.8, calendar=-0.12),
        "problem_solving": Planted(0.62, 0.05, age=0.8, calendar=-0.12, boys=0.15),
        "practical_teaching": Planted(0.42, 0.10, age=0.6, general=0.3, support=0.5),
        "exploratory_teaching": Planted(0.46, 0.10, age=0.4, general=0.3, support=0.5),
        "varied_teaching": Planted(0.50, 0.10, age=0.6, general=0.3, support=0.5),
    },
    "teachers": {
        "beliefs_inquiry": Planted(0.72, 0.30, 0.08, support=0.4),
        "beliefs_active_learning": Planted(0.70, 0.30, 0.08, support=0.4),
        "beliefs_rules": Planted(0.48, -0.20, -0.05, general=-0.4, support=-0.3),
        "beliefs_teacher_direction": Planted(0.42, -0.20, -0.05, general=-0.4, support=-0.3),
        "practice_practical": Planted(0.42, 0.40, 0.10, support=0.5),
        "practice_exploratory": Planted(0.45, 0.40, 0.10, support=0.5),
        "practice_varied": Planted(0.48, 0.40, 0.10, support=0.5),
        "practice_traditional": Planted(0.62, -0.25, -0.06, general=-0.4, support=-0.4),
        "felt_support": Planted(0.64, support=0.8),
        "prepared": Planted(0.66, support=0.6),
        "time_and_room": Planted(0.50, support=0.8),
        "reflection_together": Planted(0.55, support=0.7),
        "anchoring": Planted(0.58, support=0.8),
        "sharing_and_use": Planted(0.52, support=0.7),
    },
    "leaders": {
        "felt_support": Planted(0.72, support=0.8),
        "prepared": Planted(0.68, support=0.6),
        "time_and_room": Planted(0.58, support=0.8),
        "reflection_together": Planted(0.62, support=0.7),
        "anchoring": Planted(0.66, support=0.8),
        "sharing_and_use": Planted(0.60, support=0.7),
    },
}

# grades 3..10 (3 and 4 before are not asked)
FIRST_GRADE, _GRADES = 3, 8
# place relative to grade 5 for age = 1: about -.14 in two years
AGE = np.array([0, 0, 0, -0.04, -0.08, -0.17, -0.26, -0.34])
# share of the programme's effect that a grade has met at post, two years after the start
EXPOSURE = np.array([0, 0, 0, 0.5, 1, 1, 1, 1])
EFFECT_PER_GATHERING = 0.07


@dataclass(frozen=True)
class Variances:
    """Shares of the latent variance within grade; they sum to 1.

    Attributes
    ----------
    home : float
        Of the place a pupil comes from: it follows the pupil to the next school. For teachers
        and leaders what is lasting at a school.
    school : float
        Of the school in one wave: new in the other wave, so it makes schools' change differ.
    year_group : float
        Of the grade of a school in one wave.
    person : float
        What is lasting in a person.
    moment : float
        What is a person's only in one wave.
    """

    home: float
    school: float
    year_group: float
    person: float
    moment: float


VARIANCES = {
    "pupils": Variances(0.040, 0.035, 0.015, 0.62, 0.29),
    "teachers": Variances(0.030, 0.030, 0.0, 0.69, 0.25),
    "leaders": Variances(0.050, 0.150, 0.0, 0.55, 0.25),
}
# SD between regions of level and of effect: properties of the region, the same in every draw
REGION_LEVEL = {"pupils": 0.08, "teachers": 0.10, "leaders": 0.10}
REGION_EFFECT = {"pupils": 0.05, "teachers": 0.10, "leaders": 0.0}


@dataclass(frozen=True)
class SchoolEffects:
    """What schools add to one outcome.

    Attributes
    ----------
    home : ndarray (n_schools,)
    pre, post : ndarray (n_schools, 8)
        By grade 3..10 in the columns; teachers and leaders use the first column.
    level, effect : float
        How far the region lies from the others, before and in the programme's effect.
    """

    home: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    level: float
    effect: float


def variances_of(population: str, outcome: str) -> Variances:
    """Return the variances of an outcome: of leaders' support schools make more."""
    return VARIANCES["leaders" if outcome in PLANTED["leaders"] else population]


def draw_support(region: Region, rng: np.random.Generator, *, replicates: int = 1) -> np.ndarray:
    """Draw how well leaders support the programme, per school (standard normal)."""
    return rng.standard_normal(len(region.schools) * replicates)


def draw_school_effects(
    region: Region,
    population: str,
    outcome: str,
    support: np.ndarray,
    rng: np.random.Generator,
) -> SchoolEffects:
    """Draw what the schools of a region add to an outcome in each wave.

    Parameters
    ----------
    support : ndarray (n_schools,)
        From `draw_support`; what is new at a school after is correlated with it.
    """
    variances = variances_of(population, outcome)
    weight = PLANTED[population][outcome].support
    n = len(support)
    own = rng.standard_normal((3, n))
    after = weight * support + np.sqrt(1 - weight**2) * own[2]
    groups = rng.standard_normal((2, n, _GRADES)) * np.sqrt(variances.year_group)
    fixed = stream(0, region.slug, "fixed", population, outcome).standard_normal(2)
    return SchoolEffects(
        home=own[0] * np.sqrt(variances.home),
        pre=own[1][:, None] * np.sqrt(variances.school) + groups[0],
        post=after[:, None] * np.sqrt(variances.school) + groups[1],
        level=fixed[0] * REGION_LEVEL[population],
        effect=fixed[1] * REGION_EFFECT[population],
    )


def draw_traits(
    people: pd.DataFrame,
    population: str,
    outcome: str,
    general: np.ndarray,
    before: SchoolEffects,
    after: SchoolEffects,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw the latent trait of every person in both waves.

    Parameters
    ----------
    people : DataFrame
        From one of the draws.
    general : ndarray (n_people,)
        The person's general attitude (standard normal), common to all outcomes.
    before, after : SchoolEffects
        Of the region in which ``school_pre`` and ``school_post`` lie: the same one, but for
        those who move to another region.

    Returns
    -------
    dict of ndarray (n_people,)
        ``pre`` and ``post``; meaningless where the person is not in the study in that wave.
    """
    planted, variances = PLANTED[population][outcome], variances_of(population, outcome)
    n = len(people)
    own = rng.standard_normal((3, n))
    lasting = planted.general * general + np.sqrt(1 - planted.general**2) * own[0]
    common = np.sqrt(variances.person) * lasting + before.home[people["home"].to_numpy()]
    if population == "pupils":
        common = common + planted.boys * (people["boy"].to_numpy() - 0.5)

    traits = {}
    for wave, effects, moment in ((PRE, before, own[1]), (POST, after, own[2])):
        school = people[f"school_{wave}"].to_numpy()
        at_school = effects.pre if wave == PRE else effects.post
        trait = common + np.sqrt(variances.moment) * moment + effects.level
        if population == "pupils":
            grade = _place_of(people[f"grade_{wave}"])
            trait += at_school[school, grade] + planted.age * AGE[grade]
        else:
            trait += at_school[school, 0]
        if wave == POST:
            trait += planted.calendar + _programme(people, population, planted, effects.effect)
        traits[wave] = trait
    return traits


def _place_of(grade: pd.Series) -> np.ndarray:
    """Return the place of grades in the tables; those beyond them are nowhere in that wave."""
    return (grade.to_numpy() - FIRST_GRADE).clip(0, _GRADES - 1)


def _programme(
    people: pd.DataFrame, population: str, planted: Planted, region: float
) -> np.ndarray | float:
    """Return each person's share of the programme's effect."""
    if population == "pupils":
        return (planted.effect + region) * EXPOSURE[_place_of(people["grade_post"])]
    if planted.effect == 0:  # as of everything that leaders are asked
        return 0.0
    attended = people["gatherings"].to_numpy() - 8.5
    met = (planted.effect + region) + np.sign(planted.effect) * EFFECT_PER_GATHERING * attended
    return np.where(people["participant"], met, planted.colleagues + region / 2)


@dataclass(frozen=True)
class Thresholds:
    """How the items of a scale turn a latent trait into options.

    Attributes
    ----------
    loadings : ndarray (n_items,)
        Correlation of the latent response with the trait, .55-.85.
    cuts : ndarray (n_items, n_options - 1)
        Places on the latent response (SD) at which the next option begins.
    missing : ndarray (n_items,)
        Share left out, .03-.08, independent of the trait.
    lowest : int
        Value of the lowest option.
    """

    loadings: np.ndarray
    cuts: np.ndarray
    missing: np.ndarray
    lowest: int


def thresholds(scale: Scale, responses: ResponseSet, mean: float) -> Thresholds:
    """Return the response process of a scale: a property of its items, the same in every draw.

    Parameters
    ----------
    mean : float
        Place of the average answer, from 0 (lowest option) to 1 (highest).
    """
    rng = np.random.default_rng(crc32(scale.name.encode()))
    n, steps = len(scale.items), responses.maximum - responses.minimum
    turned = np.array([item.reversed for item in scale.items.values()])
    loadings = rng.permutation(np.linspace(0.70, 0.85, n)) - 0.10 * turned
    spread = 0.27 * steps
    means = mean * steps + rng.permutation(np.linspace(-0.35, 0.35, n)) * spread
    cuts = (np.arange(steps) + 0.5 - means[:, None]) / spread
    return Thresholds(loadings, cuts, rng.uniform(0.03, 0.08, n), responses.minimum)


def draw_answers(trait: np.ndarray, process: Thresholds, rng: np.random.Generator) -> np.ndarray:
    """Draw answers in the direction of the construct.

    Parameters
    ----------
    trait : ndarray (n_people,)

    Returns
    -------
    ndarray of float32 (n_items, n_people)
        Values of the options; NaN where the item is left out.
    """
    answers = np.empty((len(process.loadings), len(trait)), dtype=np.float32)
    trait = trait.astype(np.float32)
    for row, loading, cuts, missing in zip(
        answers, process.loadings, process.cuts, process.missing, strict=True
    ):
        response = rng.standard_normal(len(trait), dtype=np.float32)
        response *= np.float32(np.sqrt(1 - loading**2))
        response += np.float32(loading) * trait
        row[:] = process.lowest
        for cut in cuts.astype(np.float32):
            row += response > cut
        row[rng.random(len(trait), dtype=np.float32) < missing] = np.nan
    return answers


def as_worded(answers: np.ndarray, items: list[Item], responses: ResponseSet) -> np.ndarray:
    """Turn the answers of reversed items back into what people ticked."""
    turned = np.array([item.reversed for item in items])
    return np.where(turned[:, None], responses.minimum + responses.maximum - answers, answers)
