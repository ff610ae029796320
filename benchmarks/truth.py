"""What the estimands really are in the demo: their values on the observed scale.

Rounding to a few options, ceilings and weighting move them away from the planted latent shifts,
so they are taken from a very large draw of the same region (new sizes, people and school effects
each time) through the same response process. The few who move to another region are left out:
where they are, they answer as everybody does.

Schools' associations come from one source: in every school what is new after goes with its leaders'
support. Their values are those of the schools' own means, which people's answers are drawn around.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loftet_analysis.demo.people import GRADES, draw_pupils, draw_teachers, stream
from loftet_analysis.demo.regions import Region, chosen, regions
from loftet_analysis.demo.traits import (
    EXPOSURE,
    FIRST_GRADE,
    PLANTED,
    SchoolEffects,
    draw_answers,
    draw_school_effects,
    draw_support,
    draw_traits,
    thresholds,
)
from loftet_analysis.names import POST, PRE
from loftet_analysis.study import load_instrument

TRUTH_SEED = 0
_PER_REPLICATE = {"pupils": 2_000, "teachers": 110}
CELL_MINIMUM = 5


def true_changes(slug: str, *, people: int = 1_000_000, seed: int = TRUTH_SEED) -> pd.DataFrame:
    """Return the estimands' true values in one region of the demo.

    Parameters
    ----------
    slug : str
        The region.
    people : int
        About how many people to draw in each population.
    seed : int
        Of the large draw; what is planted does not hang on it.

    Returns
    -------
    DataFrame
        One row per population, outcome and estimand: ``region``, ``population``, ``outcome``,
        ``estimand``, ``change`` (scale points, later minus earlier), ``sd_pre`` (of all scores
        before in the region), ``mc_se`` (Monte-Carlo standard error of ``change``).

    Raises
    ------
    InputError
        For a slug that is no region of the demo.
    """
    (region,) = chosen([slug])
    rows = [
        {"region": slug, "population": population, "outcome": outcome, **row}
        for population, instrument in (("pupils", "pupil"), ("teachers", "teacher"))
        for outcome, scores in _scores(region, population, instrument, people, seed)
        for row in _estimands(scores, population)
    ]
    return pd.DataFrame(rows)


def _scores(
    region: Region, population: str, instrument_name: str, people: int, seed: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each outcome asked in both waves with the scores of everybody who answers."""
    instrument = load_instrument(instrument_name)
    replicates = max(people // _PER_REPLICATE[population], 2)
    draw = {"pupils": draw_pupils, "teachers": draw_teachers}[population]
    rng = stream(seed, region.slug, "truth", population)
    drawn = draw(region, rng, replicates=replicates)
    drawn = drawn[drawn["answers_pre"] | drawn["answers_post"]].reset_index(drop=True)
    support = draw_support(region, rng, replicates=replicates)
    general = rng.standard_normal(len(drawn))
    for outcome, scale in instrument.scales.items():
        if not {PRE, POST} <= set(scale.waves):
            continue
        process = thresholds(
            scale, instrument.responses[scale.responses], PLANTED[population][outcome].mean
        )
        own = stream(seed, region.slug, "truth", population, outcome)
        effects = draw_school_effects(region, population, outcome, support, own)
        traits = draw_traits(drawn, population, outcome, general, effects, effects, own)
        scores = drawn.copy(deep=False)
        for wave in (PRE, POST):
            score = mean_scores(draw_answers(traits[wave], process, own), scale.needed)
            scores[wave] = np.where(drawn[f"answers_{wave}"], score, np.nan)
        yield outcome, scores


@dataclass(frozen=True)
class _Ratio:
    """A weighted mean: per replicate the sum of weighted values and of weights."""

    total: np.ndarray
    weight: np.ndarray

    @property
    def value(self) -> float:
        return self.total.sum() / self.weight.sum()

    @property
    def influence(self) -> np.ndarray:
        return (self.total - self.value * self.weight) / self.weight.sum()


def _estimands(scores: pd.DataFrame, population: str) -> list[dict]:
    change = (scores[POST] - scores[PRE]).to_numpy()
    pairs = {"linked_change": ~np.isnan(change)}
    found = {}
    if population == "pupils":
        found["same_grade"], found["school_change"] = _same_grade(scores)
    else:
        participant = scores["participant"].to_numpy()
        pairs["participants"] = pairs["linked_change"] & participant
        pairs["colleagues"] = pairs["linked_change"] & ~participant
        found["school_change"] = _mean_of_schools(scores, change)
    found |= {name: _mean_of(scores[who], change[who], scores) for name, who in pairs.items()}
    results = {name: (ratio.value, ratio.influence) for name, ratio in found.items()}
    if population == "teachers":
        results["participants_vs_colleagues"] = tuple(
            a - b for a, b in zip(results["participants"], results["colleagues"], strict=True)
        )
    n = scores["replicate"].max() + 1
    return [
        {
            "estimand": name,
            "change": value,
            "sd_pre": scores[PRE].std(),
            "mc_se": np.sqrt(n / (n - 1) * (influence**2).sum()),
        }
        for name, (value, influence) in results.items()
    ]


def _mean_of(rows: pd.DataFrame, change: np.ndarray, scores: pd.DataFrame) -> _Ratio:
    """Everybody counts once."""
    n = scores["replicate"].max() + 1
    replicate = rows["replicate"].to_numpy()
    return _Ratio(np.bincount(replicate, change, n), np.bincount(replicate, minlength=n))


def _mean_of_schools(scores: pd.DataFrame, change: np.ndarray) -> _Ratio:
    """Every school with a linked teacher counts once, at the school before."""
    linked = scores[~np.isnan(change)].assign(change=change[~np.isnan(change)])
    schools = linked.groupby("school_pre").agg(
        replicate=("replicate", "first"), change=("change", "mean")
    )
    return _mean_of(schools, schools["change"].to_numpy(), scores)


def _same_grade(scores: pd.DataFrame) -> tuple[_Ratio, _Ratio]:
    """Differences within grades of schools: weighted by answers, and with equal schools."""
    waves = [
        scores.groupby([f"school_{wave}", f"grade_{wave}"])[wave]
        .agg(["mean", "count"])
        .rename_axis(["school", "grade"])
        .add_suffix(f"_{wave}")
        for wave in (PRE, POST)
    ]
    cells = waves[0].join(waves[1], how="inner").reset_index()
    cells = cells[(cells["count_pre"] > 0) & (cells["count_post"] > 0)]
    n = scores["replicate"].max() + 1
    n_schools = (scores[["school_pre", "school_post"]].max().max() + 1) // n
    cells["replicate"] = cells["school"] // n_schools
    change = (cells["mean_post"] - cells["mean_pre"]).to_numpy()
    share = (cells["count_pre"] + cells["count_post"]).to_numpy()
    replicate = cells["replicate"].to_numpy()
    weighted = _Ratio(np.bincount(replicate, share * change, n), np.bincount(replicate, share, n))
    enough = (cells[["count_pre", "count_post"]] >= CELL_MINIMUM).all(axis=1)
    schools = (
        cells.assign(change=change)[enough]
        .groupby("school")
        .agg(replicate=("replicate", "first"), change=("change", "mean"))
    )
    return weighted, _mean_of(schools, schools["change"].to_numpy(), scores)


def true_links(links: pd.DataFrame, *, schools: int = 200_000, seed: int = TRUTH_SEED) -> pd.Series:
    """Return how the schools' true values go together in the whole demo.

    Parameters
    ----------
    links : DataFrame
        Rows as of ``la.school_link``: `population`, `subgroup`, `outcome` and `contrast` of both
        sides. A ``mean`` is the level after of teachers or leaders, all else a change.
    schools : int
        About how many schools to draw.
    seed : int
        Of the large draw; what is planted does not hang on it.

    Returns
    -------
    Series
        Pearson's r of the two true values over the schools of all regions, by the index of `links`.
        Raw correlations of means of few people lie nearer to zero: by the root of the product of
        both means' reliabilities.

    Notes
    -----
    On the latent scale: the response process turns the schools' means nearly linearly into those
    of the answers.
    """
    sides = {
        side: list(links[[f"{side}{c}" for c in ("population", "subgroup", "outcome", "contrast")]]
                   .itertuples(index=False, name=None))
        for side in ("", "other_")
    }  # fmt: skip
    asked = dict.fromkeys(side for both in sides.values() for side in both)
    values: dict[tuple, list[np.ndarray]] = {side: [] for side in asked}
    every = regions()
    replicates = max(schools // sum(len(region.schools) for region in every), 2)
    for region in every:
        support = draw_support(region, stream(seed, region.slug, "links"), replicates=replicates)
        drawn: dict[tuple[str, str], SchoolEffects] = {}
        for population, subgroup, outcome, contrast in asked:
            if (population, outcome) not in drawn:
                rng = stream(seed, region.slug, "links", population, outcome)
                effects = draw_school_effects(region, population, outcome, support, rng)
                drawn[population, outcome] = effects
            value = _of_schools(region, drawn[population, outcome], population, subgroup, contrast)
            values[population, subgroup, outcome, contrast].append(value)
    joined = {side: np.concatenate(parts) for side, parts in values.items()}
    r = [
        np.corrcoef(joined[one], joined[other])[0, 1]
        for one, other in zip(sides[""], sides["other_"], strict=True)
    ]
    return pd.Series(r, links.index, name="r")


def _of_schools(
    region: Region, effects: SchoolEffects, population: str, subgroup: str, contrast: str
) -> np.ndarray:
    """Return the true value of every school; what is the same at all of a region stays in."""
    if population != "pupils":
        if contrast == "mean":
            return effects.home + effects.post[:, 0] + effects.level
        share = {"role=participant": 1.0, "role=colleague": 0.5}.get(subgroup, 0.0)
        return effects.post[:, 0] - effects.pre[:, 0] + share * effects.effect
    first, last = (grade - FIRST_GRADE for grade in GRADES)
    change = effects.post - effects.pre + EXPOSURE * effects.effect
    grade = np.arange(change.shape[1])
    taught = {
        "1-7": (grade >= first) & (grade <= 7 - FIRST_GRADE),
        "8-10": (grade >= 8 - FIRST_GRADE) & (grade <= last),
        "1-10": (grade >= first) & (grade <= last),
    }
    own = np.array([taught[school.grades] for school in region.schools])
    own = np.tile(own, (len(change) // len(own), 1))
    return np.where(own, change, 0).sum(axis=1) / own.sum(axis=1)


def mean_scores(answers: np.ndarray, needed: int) -> np.ndarray:
    """Return the mean of the answered items where at least ``needed`` are answered.

    Examples
    --------
    >>> mean_scores(np.array([[1, 4], [2, np.nan], [3, np.nan]]), needed=2)
    array([ 2., nan])
    """
    answered = ~np.isnan(answers)
    n = answered.sum(axis=0)
    total = np.where(answered, answers, 0).sum(axis=0, dtype=float)
    return np.where(n >= needed, total / np.maximum(n, 1), np.nan)
