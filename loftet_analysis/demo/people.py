"""The people of the demo study: where they are in each wave, and who answers.

A *draw* holds one or many replicates of a region: the same schools on paper, each time with new
sizes and people. The demo is a draw of one replicate, the truth one of many.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import ndtri

from loftet_analysis.demo.regions import Region, following
from loftet_analysis.names import COLLEAGUE, LEADER, PARTICIPANT, POST, PRE

YEARS = 2
GRADES = (5, 10)


# share who answer in a wave, by grade or role; schools differ, and so do people
RESPONSE = {5: 0.84, 6: 0.83, 7: 0.82, 8: 0.80, 9: 0.78, 10: 0.76} | {
    PARTICIPANT: 0.70,
    COLLEAGUE: 0.57,
    LEADER: 0.80,
}
SCHOOL_RESPONSE_SD = 0.20
LASTING_RESPONSE = 0.35


def stream(seed: int, slug: str, *purpose: str) -> np.random.Generator:
    """Return the random numbers of one region for one purpose.

    Each is a stream of its own, so a region draws the same whichever other regions, outcomes
    or files are made.

    Examples
    --------
    >>> stream(1, "oslo", "pupils").integers(100) == stream(1, "oslo", "pupils").integers(100)
    np.True_
    """
    children = tuple(crc32(word.encode()) for word in purpose)
    return np.random.default_rng(
        np.random.SeedSequence([seed, crc32(slug.encode())], spawn_key=children)
    )


def draw_pupils(region: Region, rng: np.random.Generator, *, replicates: int = 1) -> pd.DataFrame:
    """Draw the pupils of a region who are in grades 5-10 before, after or both.

    A pupil starts in the school of grades 1-7 or 1-10 at home and goes to grades 8-10 where
    that school feeds into; some choose another school, change school, leave or come.

    Returns
    -------
    DataFrame
        One row per pupil: ``replicate``; ``home``, ``school_pre``, ``school_post`` (place of
        the school among all schools of all replicates; -1 where the pupil is not in the study
        in that wave); ``grade_pre``, ``grade_post``; ``boy``; ``answers_pre``,
        ``answers_post``.
    """
    schools = region.schools
    primary = np.array([i for i, school in enumerate(schools) if school.primary])
    lower = np.array([i for i, school in enumerate(schools) if school.lower_secondary])
    feeds = np.array([school.feeds for school in schools])
    cohorts = np.arange(GRADES[0] - YEARS, GRADES[1] + 1)

    sizes = np.tile(np.linspace(26, 42, len(primary)), (replicates, 1))
    sizes = rng.permuted(sizes, axis=1)
    counts = rng.poisson(sizes[:, :, None], (replicates, len(primary), len(cohorts)))
    replicate, place, cohort = (
        np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape)
    )
    n = len(replicate)
    home, grade_pre = primary[place], cohorts[cohort]
    grade_post = grade_pre + YEARS
    lower_chosen = np.where(rng.random(n) < 0.06, rng.choice(lower, n), feeds[home])
    before = np.where(grade_pre <= 7, home, lower_chosen)
    after = np.where(grade_post <= 7, home, lower_chosen)
    moved = rng.random(n) < 0.03
    after = np.where(
        moved, np.where(grade_post <= 7, rng.choice(primary, n), rng.choice(lower, n)), after
    )
    fate = rng.random(n)
    people = pd.DataFrame({"replicate": replicate, "boy": rng.random(n) < 0.51})
    offset = replicate * len(schools)
    people["home"] = offset + home
    in_pre = (grade_pre >= GRADES[0]) & (fate >= 0.03)
    in_post = (grade_post <= GRADES[1]) & (fate < 0.97)
    people["school_pre"] = np.where(in_pre, offset + before, -1)
    people["school_post"] = np.where(in_post, offset + after, -1)
    people["grade_pre"], people["grade_post"] = grade_pre, grade_post
    people = people[in_pre | in_post].reset_index(drop=True)
    rates = [people[f"grade_{wave}"].clip(*GRADES).map(RESPONSE).to_numpy() for wave in (PRE, POST)]
    return _with_answers(people, rates, rng, n_schools=len(schools) * replicates)


def draw_teachers(region: Region, rng: np.random.Generator, *, replicates: int = 1) -> pd.DataFrame:
    """Draw the mathematics teachers of a region: participants and their colleagues.

    Some leave or come, a few participants too, and a few change school.

    Returns
    -------
    DataFrame
        As from `draw_pupils`, without grades and ``boy``, with ``participant`` (bool),
        ``gatherings`` and ``interim_work`` (0-10; meaningful for participants).
    """
    schools = region.schools
    fewest = np.array([school.colleagues for school in schools])
    shape = (replicates, len(schools))
    participants = np.broadcast_to([school.participants for school in schools], shape)
    colleagues = fewest + rng.permuted(np.broadcast_to(np.arange(shape[1]) % 4, shape), axis=1)
    newcomers = rng.poisson(0.12 * colleagues)
    counts = np.stack([participants, colleagues, newcomers], axis=2)
    replicate, place, kind = (
        np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape)
    )
    n = len(replicate)
    offset = replicate * len(schools)
    people = pd.DataFrame({"replicate": replicate, "participant": kind == 0})
    people["home"] = offset + place
    leaves = rng.random(n) < np.where(kind == 0, 0.04, 0.12)
    moved = rng.random(n) < 0.03
    after = np.where(moved, rng.integers(len(schools), size=n), place)
    people["school_pre"] = np.where(kind < 2, offset + place, -1)
    people["school_post"] = np.where((kind < 2) & leaves, -1, offset + after)
    gatherings = np.clip(np.rint(rng.normal(8.75, 1.9, n)), 0, 10)
    people["gatherings"] = gatherings.astype(int)
    people["interim_work"] = np.clip(
        np.rint(gatherings - 0.8 + rng.normal(0, 1.3, n)), 0, 10
    ).astype(int)
    rate = np.where(people["participant"], RESPONSE[PARTICIPANT], RESPONSE[COLLEAGUE])
    return _with_answers(people, [rate, rate], rng, n_schools=len(schools) * replicates)


def draw_leaders(region: Region, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the school leaders who take part: one or two a school, asked after only."""
    n = len(region.schools)
    place = np.repeat(np.arange(n), rng.integers(1, 3, n))
    people = pd.DataFrame({"replicate": 0, "home": place, "school_pre": -1, "school_post": place})
    rate = np.full(len(place), RESPONSE[LEADER])
    return _with_answers(people, [rate, rate], rng, n_schools=n)


def draw_moves(origin: Region, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Draw the few who move from ``origin`` to the region after it between the waves.

    ``school_pre`` and ``home`` are places in ``origin``, ``school_post`` in the other region.
    The pair has a stream of its own, so both regions stay what they are without the other.

    Returns
    -------
    dict of DataFrame
        ``pupils`` and ``teachers``, with the columns of the other draws; all answer twice.
    """
    target = following(origin)
    n = 4
    grade_pre = rng.integers(GRADES[0], GRADES[1] - YEARS + 1, n)
    pupils = pd.DataFrame({"replicate": 0, "boy": rng.random(n) < 0.51})
    pupils["home"] = rng.choice([i for i, s in enumerate(origin.schools) if s.primary], n)
    feeds = np.array([school.feeds for school in origin.schools])
    pupils["school_pre"] = np.where(grade_pre <= 7, pupils["home"], feeds[pupils["home"]])
    pupils["school_post"] = np.where(
        grade_pre + YEARS <= 7,
        rng.choice([i for i, s in enumerate(target.schools) if s.primary], n),
        rng.choice([i for i, s in enumerate(target.schools) if s.lower_secondary], n),
    )
    pupils["grade_pre"], pupils["grade_post"] = grade_pre, grade_pre + YEARS
    teachers = pd.DataFrame({"replicate": [0], "participant": False})
    teachers["home"] = teachers["school_pre"] = rng.integers(len(origin.schools), size=1)
    teachers["school_post"] = rng.integers(len(target.schools), size=1)
    teachers["gatherings"] = teachers["interim_work"] = 0
    return {
        population: people.assign(answers_pre=True, answers_post=True)
        for population, people in (("pupils", pupils), ("teachers", teachers))
    }


def _with_answers(
    people: pd.DataFrame,
    rates: list[np.ndarray],
    rng: np.random.Generator,
    *,
    n_schools: int,
) -> pd.DataFrame:
    """Say who answers: by rate and school, independent of every trait."""
    lasting = rng.standard_normal(len(people)) * np.sqrt(LASTING_RESPONSE)
    answers = {}
    for wave, rate in zip((PRE, POST), rates, strict=True):
        at_school = rng.normal(0, SCHOOL_RESPONSE_SD, n_schools)
        school = people[f"school_{wave}"].to_numpy()
        moment = rng.standard_normal(len(people)) * np.sqrt(1 - LASTING_RESPONSE)
        spread = np.sqrt(1 + SCHOOL_RESPONSE_SD**2)
        willing = lasting + moment + at_school[school] < spread * ndtri(rate)
        answers[f"answers_{wave}"] = willing & (school >= 0)
    return people.assign(**answers)
