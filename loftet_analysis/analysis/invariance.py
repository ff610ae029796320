"""Whether items measure the same thing in the same way, before and after and in every grade.

A study-level step on national data: people with complete answers in both waves (*linked*, one
factor per wave, the same item's residuals correlated), and everybody by wave and grade (*groups*).
Loadings, then intercepts, then residual variances are held equal, each step judged by how much it
harms the fit: it holds where CFI falls by .010 or less and RMSEA rises by .015 or less (Cheung &
Rensvold 2002; Chen 2007). Where equal loadings or intercepts do not hold, items are released one
at a time, each time the one with the largest score test, as long as two stay equal (Byrne,
Shavelson & Muthén 1989), and the latent change under this partial invariance is given beside the
scale's own. The rule is that of large samples: with groups of a few hundred, χ² varies enough for
RMSEA alone to rise by more than .015 although nothing differs.

References
----------
Cheung & Rensvold 2002, Structural Equation Modeling 9(2), 233–255,
doi:10.1207/S15328007SEM0902_5; Chen 2007, Structural Equation Modeling 14(3), 464–504,
doi:10.1080/10705510701301834; Byrne, Shavelson & Muthén 1989, Psychological Bulletin 105(3),
456–466, doi:10.1037/0033-2909.105.3.456.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import schema
from loftet_analysis.analysis import panel
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import FEWEST_REGIONS
from loftet_analysis.names import GRADE, PERSON, POST, PRE, REGION, SCHOOL, WAVE
from loftet_analysis.stats import factor
from loftet_analysis.stats.cr2 import mean
from loftet_analysis.stats.factor import METRIC, SCALAR, FactorFit, Model, Moments
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study import Instrument, Study

LINKED, GROUPS = "linked", "groups"
LESS_CFI, MORE_RMSEA = 0.010, 0.015
FEWEST_PEOPLE, FEWEST_ITEMS, ANCHORS = 200, 3, 2
PARTIAL = {METRIC: "partial_metric", SCALAR: "partial_scalar"}


@dataclass(frozen=True)
class Design:
    """One scale in one design: complete answers by occasion, and of the linked their clusters."""

    kind: str
    items: tuple[str, ...]
    answers: list[Floats]
    cluster: np.ndarray | None = None
    clustered_by: str = ""

    @cached_property
    def samples(self) -> list[Moments]:
        """The moments of each group: of the linked, of both occasions side by side."""
        groups = [np.hstack(self.answers)] if self.kind == LINKED else self.answers
        return [factor.moments(group) for group in groups]

    def model(self, level: str, free: Sequence[int], free_loadings: Sequence[int]) -> Model:
        """Return the model of a level with some items released."""
        occasions = 2 if self.kind == LINKED else len(self.answers)
        return factor.model(
            len(self.items),
            occasions,
            level,
            linked=self.kind == LINKED,
            free=free,
            free_loadings=free_loadings,
        )


def invariance(clean: pd.DataFrame, instrument: Instrument, *, population: str) -> pd.DataFrame:
    """Return how far each scale that is asked before and after measures the same.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of the whole study: `wave`, the items (reversed already), and where there are
        any `school_id` (who has none is a cluster of their own), `person_id` and `grade`.
    instrument : Instrument
    population : str
        For the column of that name.

    Returns
    -------
    DataFrame
        ``schema.INVARIANCE``: a row per scale, `design` (linked, groups) and `model` (configural,
        metric, scalar, strict, and partial_metric or partial_scalar where one is needed), with
        `n`, `n_groups`, fit, the differences of CFI and RMSEA from the model before, `holds`, the
        released items (joined by ";"), and of linked people `latent_change` in SD of the factor
        before with the `latent_change_se` and `latent_change_df` of CR2 on its influence values;
        `latent_change_cluster` are regions from eight on, else of pupils feeder groups, and of
        others schools. Groups are waves by grade; grades below 200 in a wave are left out of `n`
        and `n_groups`, and where no grade is large enough the waves are the groups. What cannot be
        examined is a row with a `reason`: ``too_few_items`` (below 3), ``too_few_people`` (below
        200 in a wave or group),
        ``no_variance``, ``not_converged``, ``not_estimable``; models before it keep their rows.

    Raises
    ------
    InputError
        Where the frame holds a person twice in a wave.
    """
    rows: list[dict[str, Any]] = []
    for name, scale in instrument.scales.items():
        if not {PRE, POST} <= set(scale.waves):
            continue
        both = {*scale.items_in(PRE)} & {*scale.items_in(POST)}
        items = tuple(item for item in scale.items if item in clean and item in both)
        for kind, samples in ((LINKED, _linked), (GROUPS, _groups)):
            key = {"population": population, "scale": name, "design": kind}
            try:
                if len(items) < FEWEST_ITEMS:
                    raise NotEstimableError("too_few_items")
                found = _steps(Design(kind, items, *samples(clean, items, population)))
            except NotEstimableError as refusal:
                found = [{"model": "", "reason": refusal.reason}]
            rows += [{**key, **row} for row in found]
    return schema.table(rows, schema.INVARIANCE)


def study_invariance(study: Study, clean: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return `invariance` of every population of a study."""
    return pd.concat(
        [
            invariance(frame, study.populations[name].instrument, population=name)
            for name, frame in clean.items()
        ],
        ignore_index=True,
    )


def _linked(
    clean: pd.DataFrame, items: Sequence[str], population: str
) -> tuple[list[Floats], np.ndarray, str]:
    """Return both waves' answers of the same people, their clusters, and what these are."""
    if PERSON not in clean:
        raise NotEstimableError("too_few_people")
    complete = _of_items(clean, items).dropna(subset=[PERSON, *items])
    waves = [complete[complete[WAVE] == wave].set_index(PERSON) for wave in (PRE, POST)]
    if not all(wave.index.is_unique for wave in waves):
        raise InputError(
            "a person more than once in a wave",
            allowed=f"one row per {PERSON} and wave",
            todo="settle duplicates in cleaning",
        )
    both = waves[0].index.intersection(waves[1].index)
    if len(both) < FEWEST_PEOPLE:
        raise NotEstimableError("too_few_people")
    before, after = (wave.loc[both] for wave in waves)
    answers = [wave[list(items)].to_numpy(dtype=float) for wave in (before, after)]
    return answers, *_clusters(before, after, population)


def _clusters(before: pd.DataFrame, after: pd.DataFrame, population: str) -> tuple[np.ndarray, str]:
    """Return the clusters of linked people, as those of the country's linked change, and the kind.

    Who has no school is a cluster of their own.
    """
    if REGION in before and before[REGION].nunique() >= FEWEST_REGIONS:
        return pd.factorize(before[REGION])[0], REGION
    of_pupils = population == "pupils"
    kind = panel.FEEDER if of_pupils else panel.SCHOOL
    if SCHOOL not in before:
        return np.arange(len(before)), kind
    school = before[SCHOOL]
    if of_pupils:
        moves = pd.DataFrame({panel.SCHOOL_PRE: school, panel.SCHOOL_POST: after[SCHOOL]})
        school = school.map(panel.feeder_groups(moves.dropna()))
    cluster = pd.factorize(school)[0]
    alone = cluster < 0
    cluster[alone] = cluster.max() + 1 + np.arange(np.count_nonzero(alone))
    return cluster, kind


def _groups(clean: pd.DataFrame, items: Sequence[str], _: str) -> tuple[list[Floats]]:
    """Return the answers by wave and grade, grades that are large enough in both waves."""
    complete = _of_items(clean, items).dropna(subset=list(items))
    complete = complete[complete[WAVE].isin((PRE, POST))]
    for keys in ([WAVE, GRADE], [WAVE]):
        if not set(keys) <= set(complete):
            continue
        parts = dict(list(complete.groupby(keys, sort=True, observed=True)))
        large = {key: part for key, part in parts.items() if len(part) >= FEWEST_PEOPLE}
        paired = sorted(rest for wave, *rest in large if wave == PRE and (POST, *rest) in large)
        if paired:
            ordered = [(wave, *rest) for wave in (PRE, POST) for rest in paired]
            return ([large[key][list(items)].to_numpy(dtype=float) for key in ordered],)
    raise NotEstimableError("too_few_people")


def _of_items(clean: pd.DataFrame, items: Sequence[str]) -> pd.DataFrame:
    """Return what is needed of a clean frame: whoever copies rows copies no other column."""
    keys = [column for column in (WAVE, PERSON, SCHOOL, REGION, GRADE) if column in clean]
    return clean[[*keys, *items]]


def _steps(design: Design) -> list[dict[str, Any]]:
    """Return a row for each model, more and more equal; released items stay released.

    The first model that cannot be fitted is the last row, with its reason.
    """
    rows: list[dict[str, Any]] = []
    free: list[int] = []
    free_loadings: list[int] = []
    before: FactorFit | None = None
    for level in factor.LEVELS:
        name = level
        try:
            described = design.model(level, free, free_loadings)
            found = factor.fit(described, design.samples)
            freed = [*free, *free_loadings]
            rows.append(_described(design, name, described, found, before, freed))
            if level in PARTIAL and not rows[-1]["holds"] and before is not None:
                name = PARTIAL[level]
                described, found = _release(
                    design, level, free, free_loadings, described, found, before
                )
                freed = [*free, *free_loadings]
                rows.append(_described(design, name, described, found, before, freed))
        except NotEstimableError as refusal:
            return [*rows, {"model": name, "reason": refusal.reason}]
        before = found
    return rows


def _release(
    design: Design,
    level: str,
    free: list[int],
    free_loadings: list[int],
    described: Model,
    found: FactorFit,
    before: FactorFit,
) -> tuple[Model, FactorFit]:
    """Release items, each time the one with the largest score test, until the step holds."""
    released = free_loadings if level == METRIC else free

    def test(item: int) -> float:
        more = [[*kept, item] if kept is released else kept for kept in (free, free_loadings)]
        return factor.score_test(described, found, design.model(level, *more), design.samples)

    while not _holds(found, before):
        able = set(range(len(design.items))) - {*free, *free_loadings}
        if len(able) <= ANCHORS:
            break
        released.append(max(sorted(able), key=test))
        described = design.model(level, free, free_loadings)
        found = factor.fit(described, design.samples)
    return described, found


def _holds(found: FactorFit, before: FactorFit) -> bool:
    return before.cfi - found.cfi <= LESS_CFI and found.rmsea - before.rmsea <= MORE_RMSEA


def _described(
    design: Design,
    name: str,
    described: Model,
    found: FactorFit,
    before: FactorFit | None,
    freed: Sequence[int],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": name,
        "n": sum(sample.n for sample in design.samples),
        "n_groups": len(design.samples),
        "chisq": found.chisq,
        "df": found.df,
        "p_value": found.p_value,
        "cfi": found.cfi,
        "tli": found.tli,
        "rmsea": found.rmsea,
        "srmr": found.srmr,
        "freed": ";".join(design.items[i] for i in sorted(freed)),
    }
    if before is not None:
        row["delta_cfi"] = found.cfi - before.cfi
        row["delta_rmsea"] = found.rmsea - before.rmsea
        row["holds"] = _holds(found, before)
    if design.cluster is not None and described.latent_mean >= 0:
        answers, element = [np.hstack(design.answers)], described.latent_mean
        row["latent_change"] = found.theta[element]
        row["latent_change_cluster"] = design.clustered_by
        try:
            values = row["n"] * factor.influence(described, found, answers, element)
            error = mean(values, design.cluster)
        except NotEstimableError:  # one cluster has no error
            return row
        row["latent_change_se"], row["latent_change_df"] = error.se, error.df
        row["latent_change_clusters"] = error.n_clusters
    return row


def failing_items(invariance_rows: pd.DataFrame) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the items that had to be released, by (population, scale), of either design."""
    found: dict[tuple[str, str], set[str]] = {}
    partial = invariance_rows[invariance_rows["model"].isin(PARTIAL.values())]
    partial = partial[partial["freed"].ne("")]
    for row in partial.to_dict("records"):
        found.setdefault((row["population"], row["scale"]), set()).update(row["freed"].split(";"))
    return {key: tuple(sorted(items)) for key, items in found.items()}
