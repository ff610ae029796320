"""What the estimands really are in the demo: their values on the observed scale.

Rounding to a few options, ceilings and weighting move them away from the planted latent shifts,
so they are taken from a very large draw of the same region (new sizes, people and school effects
each time) through the same response process. The few who move to another region are left out:
where they are, they answer as everybody does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loftet_analysis.demo.answers import draw_answers, mean_scores, thresholds
from loftet_analysis.demo.people import draw_pupils, draw_teachers, stream
from loftet_analysis.demo.regions import Region, chosen
from loftet_analysis.demo.traits import PLANTED, draw_school_effects, draw_support, draw_traits
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
