"""How far regions differ: their estimates and standard errors go through ``stats.meta``.

The country's own row, from everybody's answers with regions as clusters, is that of the verbs of
:mod:`loftet_analysis.analysis.estimates`; what is pooled here stands beside it and gives no second
verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pingouin

from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.estimands import WHOLE, contrast_of_waves, names_where
from loftet_analysis.names import (
    ALL,
    ESTIMAND,
    FEW_CLUSTERS,
    NATIONAL,
    ONE_DOMINATES,
    OUTCOME,
    POPULATION,
    REGION,
    SUBGROUP,
)
from loftet_analysis.schema import FEATURES, POOLED, table
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.meta import RandomEffects, random_effects
from loftet_analysis.stats.result import NotEstimableError, Result
from loftet_analysis.stats.shrinkage import FEWEST, shrink
from loftet_analysis.study.families import is_dominated
from loftet_analysis.study.frames import checked

METHOD = "REML, Knapp–Hartung with max(KH, model), t(k − 1)"
REFUSED = "not pooled: fewer than two regions with an estimate"
REGRESSION = "REML, Knapp–Hartung with max(KH, model), t(k − p)"
NOT_REGRESSED = "not fitted: too few regions for the moderators, or moderators that do not differ"
#: Why a region is left out of what is pooled, beside the reason that its row gives.
HIDDEN, NO_SPREAD, NO_ROW = "hidden", "no_variance", "no_row"
#: Regions that a regression takes for each feature (Cochrane Handbook, section 10.11.4).
REGIONS_PER_FEATURE = 10
#: Why changes are not regressed on features.
TOO_FEW_REGIONS, FEATURES_ALIKE = "too_few_regions", "features_alike"
#: Where an interval lies.
ABOVE, BELOW, INSIDE = "above", "below", "inside"

KEYS = (POPULATION, OUTCOME, ESTIMAND, SUBGROUP, "contrast")
HETEROGENEITY = ("tau2", "i2", "q", "q_p")
POOLED_EACH = (
    "k", "estimate", "se", "df", "ci_low", "ci_high", "pi_low", "pi_high", *HETEROGENEITY,
    "method", "left_out",
)  # fmt: skip
LEFT_OUT = ("left_out", "k", "estimate", "se", "df", "ci_low", "ci_high", "tau2", "method")
REGRESSED = (
    "feature", "k", "estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high",
    *HETEROGENEITY, "method",
)  # fmt: skip


@checked
def pool(
    effects: pd.DataFrame,
    *,
    regions: Sequence[str] = (),
    features: pd.DataFrame | None = None,
    each_region: bool = False,
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return how far regions differ, and the random-effects mean of their standardised estimates.

    As `pool_each`; mean changes of whole populations from before to after only. It tells where
    the change of one more region can be expected, and whether what is pooled hangs on a single
    region; what is concluded of the country stands in the country's own rows.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``schema.EFFECTS``. National rows and subgroups are passed over; regions without an
        estimate (refused), with a true `suppressed`, with the reason ``few_clusters`` (their
        standard error is not told) or with the flag ``one_dominates`` (it is too small) are left
        out, and told. So what comes out rests on nothing but what is told of single regions.
    regions : sequence of str, optional
        All regions of the study, so that those without any row are told too.
    features : DataFrame, optional
        Numbers that were declared beforehand, a column per feature, indexed by region: how the
        changes go along with them is returned instead.
    each_region : bool, default False
        Whether the regions' own rows are returned instead, drawn towards their mean.
    ci_level : float, default .95
        Level of all intervals.

    Returns
    -------
    DataFrame
        ``schema.POOLED``, a row per population × outcome × estimand in the order of `effects`; an
        estimand with several contrasts has as many rows, which `pool_each` tells apart. `i2` is a
        share (0–1). With fewer than two regions the numbers but `k` are empty and `method` says so;
        with two there are no prediction interval, heterogeneity (`tau2`, `i2`, `q`) and `position`.
        `left_out` names the regions that are no part of it, each with its reason, as in
        ``oslo: one_cluster; troms: hidden``. `position` is where the interval lies: ``above`` or
        ``below`` zero, or zero is ``inside``. `lowest` and `highest` are the means that remain when
        each region in turn is left out (`leave_one_out`), from three regions on; `hangs_on` names
        those without which the interval lies elsewhere, as in ``oslo: inside``.

        With `features` ``schema.FEATURES``, a row per feature: `estimate` is the difference in
        change between regions that are one SD of the feature apart, all features together
        (`meta_regression`); the SD is that between the regions of `features`. `p_adjusted` is
        Holm's over the rows of a population and feature. Below 10 regions for each feature
        the numbers are empty and `reason` is ``too_few_regions``; where features do not differ or
        depend on each other it is ``features_alike``.

        With `each_region` the regions' rows of `effects`, with `shrunk`, `shrunk_low` and
        `shrunk_high` of `stats.shrinkage.shrink`, from three regions on; empty where a region is
        left out.

    Raises
    ------
    InputError
        As `pool_each` and `meta_regression`, and where both `features` and `each_region` are asked.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool(rows)[["k", "estimate", "se", "tau2", "lowest", "highest"]].round(3).to_dict("records")
    [{'k': 3, 'estimate': 0.315, 'se': 0.141, 'tau2': 0.044, 'lowest': 0.2, 'highest': 0.429}]
    >>> pool(rows, each_region=True)[["region", "estimate", "shrunk"]].round(3)
      region  estimate  shrunk
    0      a       0.1   0.125
    1      b       0.3   0.300
    2      c       0.6   0.543
    """
    asked = effects[SUBGROUP].eq(ALL) & effects[ESTIMAND].isin(names_where(is_change=True))
    if "contrast" in effects:
        asked &= effects["contrast"].map(contrast_of_waves).eq(WHOLE)
    rows = effects[asked]
    if each_region and features is not None:
        raise InputError("two things are asked at once", "features, each_region", "one of them")
    if each_region:
        return _drawn_together(rows, ci_level)
    if features is not None:
        return _with_features(rows, features, ci_level)
    pooled = pool_each(rows, regions=regions, ci_level=ci_level)
    ends = zip(pooled["ci_low"], pooled["ci_high"], strict=True)
    pooled["position"] = [_position(*each) for each in ends]
    few = pooled["k"] < FEWEST
    pooled.loc[few, [*HETEROGENEITY, "pi_low", "pi_high"]] = np.nan
    pooled.loc[few, "position"] = ""
    keys = _keys(rows)
    stable = _without_each(leave_one_out(rows, ci_level=ci_level), pooled, keys)
    texts = dict.fromkeys(("position", "hangs_on"), object)
    return pooled.merge(stable, on=keys, how="left")[list(POOLED)].astype(texts)


@checked
def pool_each(
    effects: pd.DataFrame, *, regions: Sequence[str] = (), ci_level: float = 0.95
) -> pd.DataFrame:
    """Return the random-effects mean over regions, subgroups each for themselves.

    The prediction interval is μ ± t(k − 1) sqrt(SE² + τ²), as in metafor; it is short with few
    regions (methods, section 11). I² = τ²/(τ² + s²), s² the typical variance of Higgins and
    Thompson.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``schema.EFFECTS``; national rows and rows without an estimate are left out.
    regions : sequence of str, optional
        As for `pool`.
    ci_level : float, default .95
        Level of all intervals.

    Returns
    -------
    DataFrame
        A row per population × outcome × estimand × subgroup × contrast: these, and
        ``POOLED_EACH``.

    Raises
    ------
    InputError
        Where a region has several rows for one synthesis.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "grade=7",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool_each(rows)[["subgroup", "k", "estimate", "tau2"]].round(3)
      subgroup  k  estimate   tau2
    0  grade=7  3     0.315  0.044
    """
    rows = []
    for key, group, others in _groups(effects):
        left_out = _left_out(group, others, regions)
        rows.append({**key, **_pooled(*_numbers(group), ci_level), "left_out": left_out})
    return table(rows, [*_keys(effects), *POOLED_EACH])


@checked
def leave_one_out(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return what is pooled when each region in turn is left out.

    Parameters
    ----------
    effects : DataFrame
        As for `pool_each`.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        The keys of `pool_each` and ``LEFT_OUT``: a row per region that has an estimate, named in
        `left_out`; `k` counts the regions that remain.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> leave_one_out(rows)[["left_out", "k", "estimate", "se", "tau2"]].round(3)
      left_out  k  estimate     se   tau2
    0        a  2     0.429  0.149  0.029
    1        b  2     0.337  0.250  0.109
    2        c  2     0.200  0.100  0.010
    """
    rows = []
    for key, group, _ in _groups(effects):
        for region in group[REGION]:
            y, v = _numbers(group[group[REGION] != region])
            rows.append({**key, "left_out": region, **_pooled(y, v, ci_level)})
    return table(rows, [*_keys(effects), *LEFT_OUT])


def meta_regression(
    effects: pd.DataFrame, moderators: pd.DataFrame, *, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return how the regions' estimates go with moderators that were declared beforehand.

    Parameters
    ----------
    effects : DataFrame
        As for `pool_each`.
    moderators : DataFrame
        Numbers, a column per moderator, indexed by region.
    ci_level : float, default .95
        Level of all intervals.

    Returns
    -------
    DataFrame
        The keys of `pool_each` and ``REGRESSED``, a row per term, ``intercept`` first; τ², I² and
        Q are what remains between regions. Where the regions are too few, or the moderators do not
        differ or depend on each other, the numbers are empty and `method` says so.

    Raises
    ------
    InputError
        Where a moderator is not numeric, or is missing for a region that has an estimate.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abcd"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6, 0.2], "se": [0.1, 0.1, 0.15, 0.1]})
    >>> urban = pd.DataFrame({"urban": [0, 1, 1, 0]}, index=list("abcd"))
    >>> meta_regression(rows, urban)[["feature", "estimate", "se", "df", "p_value"]].round(3)
         feature  estimate     se   df  p_value
    0  intercept     0.150  0.097  2.0    0.262
    1      urban     0.259  0.146  2.0    0.219
    """
    terms = ["intercept", *map(str, moderators.columns)]
    rows = []
    for key, group, _ in _groups(effects):
        y, v = _numbers(group)
        x = np.column_stack([np.ones(len(y)), _moderators_of(group[REGION], moderators)])
        try:
            fit = random_effects(y, v, x)
        except NotEstimableError:
            found = [{"k": len(y), "method": NOT_REGRESSED}] * len(terms)
        else:
            whole = {**_heterogeneity(fit), "method": REGRESSION}
            found = [{**_of_term(term, ci_level), **whole} for term in fit.terms]
        rows += [{**key, "feature": term, **row} for term, row in zip(terms, found, strict=True)]
    return table(rows, [*_keys(effects), *REGRESSED])


def _drawn_together(rows: pd.DataFrame, ci_level: float) -> pd.DataFrame:
    """Return the regions' rows with their estimates drawn towards the mean of all."""
    rows = rows[rows[REGION] != NATIONAL].reset_index(drop=True)
    columns = ["shrunk", "shrunk_low", "shrunk_high"]
    drawn = rows.assign(**dict.fromkeys(columns, np.nan))
    for _, group, _ in _groups(rows):
        if len(group) >= FEWEST:
            shrunk = shrink(*_numbers(group), ci_level=ci_level)
            drawn.loc[group.index, columns] = shrunk[columns].to_numpy()
    return drawn


def _with_features(rows: pd.DataFrame, features: pd.DataFrame, ci_level: float) -> pd.DataFrame:
    """Return how changes go along with features, each feature in its SD between regions."""
    sd = features.std()
    scaled = features / sd.where(sd > 0, 1)
    fewest = REGIONS_PER_FEATURE * features.shape[1]
    found = []
    for key, group, _ in _groups(rows) if features.shape[1] else ():
        regressed, reason = {}, TOO_FEW_REGIONS
        if len(group) >= fewest:
            fit = meta_regression(group, scaled, ci_level=ci_level).set_index("feature")
            regressed = fit.to_dict("index")
            reason = "" if fit["estimate"].notna().all() else FEATURES_ALIKE
        for name in map(str, features.columns):
            row = {**regressed.get(name, {}), **key, "feature": name, "reason": reason}
            found.append({**row, "k": len(group)})
    told = table(found, [each for each in FEATURES if each != "p_adjusted"])
    adjusted = pd.Series(np.nan, told.index)
    for _, family in told[told["p_value"].notna()].groupby([POPULATION, "feature"], sort=False):
        adjusted[family.index] = pingouin.multicomp(family["p_value"], method="holm")[1]
    return told.assign(p_adjusted=adjusted)[list(FEATURES)]


def _without_each(left: pd.DataFrame, pooled: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return per synthesis how far its mean moves without a region, and which ones it hangs on."""
    ends = zip(left["ci_low"], left["ci_high"], strict=True)
    moved = left[[*keys, "left_out", "estimate"]].assign(to=[_position(*each) for each in ends])
    moved = moved.merge(pooled[[*keys, "position"]], on=keys)
    told = [
        f"{region}: {to}" if to not in ("", position) else ""
        for region, to, position in moved[["left_out", "to", "position"]].to_numpy()
    ]
    by_key = moved.assign(told=told).groupby(keys, sort=False, dropna=False)
    return by_key.agg(
        lowest=("estimate", "min"),
        highest=("estimate", "max"),
        hangs_on=("told", lambda each: "; ".join(filter(None, each))),
    ).reset_index()


def _position(low: float, high: float) -> str:
    """Return where an interval lies; an empty text where there is none."""
    if np.isnan(low):
        return ""
    return ABOVE if low > 0 else BELOW if high < 0 else INSIDE


def _pooled(y: Floats, v: Floats, ci_level: float) -> dict[str, Any]:
    """Return the numbers of one pooled row."""
    if len(y) < 2:
        return {"k": len(y), "method": REFUSED}
    fit = random_effects(y, v)
    low, high = fit.prediction_interval(ci_level)
    numbers = {**_of_term(fit.terms[0], ci_level), **_heterogeneity(fit)}
    return {**numbers, "pi_low": low, "pi_high": high, "method": METHOD}


def _of_term(term: Result, ci_level: float) -> dict[str, Any]:
    """Return the numbers of a coefficient."""
    low, high = term.interval(ci_level)
    numbers = {name: getattr(term, name) for name in ("estimate", "se", "statistic", "p_value")}
    return {"k": term.n_clusters, "df": term.df, "ci_low": low, "ci_high": high, **numbers}


def _heterogeneity(fit: RandomEffects) -> dict[str, float]:
    """Return what lies between regions."""
    return {name: getattr(fit, name) for name in HETEROGENEITY}


def _keys(effects: pd.DataFrame) -> list[str]:
    """Return the columns that tell one synthesis from another, as far as they are there."""
    return [key for key in KEYS if key in effects]


def _groups(
    effects: pd.DataFrame,
) -> Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]:
    """Yield each synthesis' keys, its rows that have an estimate, and those that are left out."""
    keys, rows = _keys(effects), effects[effects[REGION] != NATIONAL]
    for key, group in rows.groupby(keys, sort=False, observed=True, dropna=False):
        kept = np.isfinite(group["estimate"]) & (group["se"] > 0)
        if "suppressed" in group:
            kept &= ~group["suppressed"].astype("boolean").fillna(False).to_numpy(bool)
        if "reason" in group:
            kept &= group["reason"].ne(FEW_CLUSTERS)
        if "flags" in group:
            kept &= ~is_dominated(group["flags"])
        given = group[kept]
        twice = given[REGION][given[REGION].duplicated()].unique()
        if len(twice):
            raise InputError(
                f"regions more than once in what is pooled: {', '.join(map(str, key))}",
                found=", ".join(map(str, twice)),
                allowed="one row per region",
                todo="choose one weighting and one kind of clusters",
            )
        yield dict(zip(keys, key, strict=True)), given, group[~kept]


def _left_out(given: pd.DataFrame, others: pd.DataFrame, regions: Sequence[str]) -> str:
    """Return the regions that are not pooled, each with why not."""
    why: dict[str, str] = {}
    for row in others.to_dict("records"):
        hidden, reason = row.get("suppressed"), str(row.get("reason") or "")
        if not pd.isna(hidden) and bool(hidden):
            reason = HIDDEN
        elif ONE_DOMINATES in str(row.get("flags") or "").split(";"):
            reason = ONE_DOMINATES
        why.setdefault(str(row[REGION]), reason or NO_SPREAD)
    told = [*map(str, regions), *why]
    pooled = set(given[REGION].astype(str))
    left = [region for region in dict.fromkeys(told) if region not in pooled]
    return "; ".join(f"{region}: {why.get(region, NO_ROW)}" for region in left)


def _numbers(group: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return estimates and their variances."""
    return group["estimate"].to_numpy(float), group["se"].to_numpy(float) ** 2


def _moderators_of(regions: pd.Series, moderators: pd.DataFrame) -> Floats:
    """Return a row of moderators per region, all finite."""
    values = moderators.reindex(regions)
    problems = [
        Problem(
            f"the moderator {name} cannot be used",
            found=", ".join(map(str, values.index[~np.isfinite(column)])),
            allowed="a number for every region that has an estimate",
            todo="complete the table of moderators, or leave these regions out",
        )
        for name in values
        if not np.isfinite(column := pd.to_numeric(values[name], errors="coerce")).all()
    ]
    refuse_any(problems)
    return values.to_numpy(float)
