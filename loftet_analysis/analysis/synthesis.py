"""Regions together: in two stages from their estimates, and in one stage from their people.

Two stages: the regions' estimates and their standard errors go through ``stats.meta``. One stage:
all people are pooled, and the regions are the clusters of CR2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from loftet_analysis.analysis.changes import Answers, common_cells, contrast_of_cells
from loftet_analysis.analysis.estimates import REASONS
from loftet_analysis.analysis.panel import Codes, answers, arrange, complete_pairs
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.estimands import names_where
from loftet_analysis.names import (
    ALL,
    ESTIMAND,
    NATIONAL,
    OUTCOME,
    POPULATION,
    REGION,
    SUBGROUP,
)
from loftet_analysis.schema import POOLED
from loftet_analysis.stats.cr2 import mean, standardise
from loftet_analysis.stats.meta import RandomEffects, random_effects
from loftet_analysis.stats.result import Floats, NotEstimableError, Result

METHOD = "REML, Knapp–Hartung with max(KH, model), t(k − 1)"
REFUSED = "not pooled: fewer than two regions with an estimate"
REGRESSION = "REML, Knapp–Hartung with max(KH, model), t(k − p)"
UNGUARDED = "REML, Knapp–Hartung, t(k − p)"
NOT_REGRESSED = "not fitted: too few regions for the moderators, or moderators that do not differ"
ONE_STAGE = "one stage: all people, CR2 over regions, Satterthwaite df"
NOT_IN_ONE_STAGE = "one stage, not estimated: {}"

KEYS = (POPULATION, OUTCOME, ESTIMAND, SUBGROUP, "contrast")
HETEROGENEITY = ("tau2", "tau2_ci_low", "tau2_ci_high", "i2", "q", "q_p")
POOLED_EACH = (
    "k", "estimate", "se", "df", "ci_low", "ci_high", "pi_low", "pi_high", *HETEROGENEITY,
    "method",
)  # fmt: skip
LEFT_OUT = ("left_out", "k", "estimate", "se", "df", "ci_low", "ci_high", "tau2", "method")
REGRESSED = (
    "term", "k", "estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high", "f", "f_p",
    *HETEROGENEITY, "method",
)  # fmt: skip
NOT_NUMBERS = {*KEYS, "left_out", "term", "k", "method"}


def pool(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean of the regions' standardised estimates.

    As `pool_each`; mean changes of whole populations only.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``schema.EFFECTS``. National rows, subgroups, and rows without an estimate (refused
        or suppressed) are left out.
    ci_level : float, default .95
        Level of both intervals.

    Returns
    -------
    DataFrame
        ``schema.POOLED``, a row per population × outcome × estimand in the order of `effects`; an
        estimand with several contrasts has as many rows, which `pool_each` tells apart. `i2` is a
        share (0–1). With fewer than two regions the numbers but `k` are empty and `method` says so.

    Raises
    ------
    InputError
        As `pool_each`.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "all",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool(rows)[["k", "estimate", "se", "tau2", "i2"]].round(3).to_dict("records")
    [{'k': 3, 'estimate': 0.315, 'se': 0.141, 'tau2': 0.044, 'i2': 0.771}]
    """
    pooled = effects[SUBGROUP].eq(ALL) & effects[ESTIMAND].isin(names_where(is_change=True))
    return pool_each(effects[pooled], ci_level=ci_level)[list(POOLED)]


def pool_each(effects: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean over regions, subgroups each for themselves.

    The prediction interval is μ ± t(k − 1) sqrt(SE² + τ²), as in metafor; it is a little short
    where τ is small. I² = τ²/(τ² + s²), s² the typical variance of Higgins and Thompson.

    Parameters
    ----------
    effects : DataFrame
        Rows of ``schema.EFFECTS``; national rows and rows without an estimate are left out.
    ci_level : float, default .95
        Level of all intervals.

    Returns
    -------
    DataFrame
        A row per population × outcome × estimand × subgroup × contrast: these, and
        ``POOLED_EACH``. The interval of τ² is (0, 0) where even τ² = 0 leaves less difference
        between regions than chance does with probability (1 − ci_level)/2, as in metafor.

    Raises
    ------
    InputError
        Where a region has several rows for one synthesis.

    Examples
    --------
    >>> rows = pd.DataFrame({"region": list("abc"), "population": "pupils", "subgroup": "grade=7",
    ...                      "outcome": "persistence", "estimand": "same_grade",
    ...                      "estimate": [0.1, 0.3, 0.6], "se": [0.1, 0.1, 0.15]})
    >>> pool_each(rows)[["subgroup", "k", "tau2", "tau2_ci_low", "tau2_ci_high"]].round(3)
      subgroup  k   tau2  tau2_ci_low  tau2_ci_high
    0  grade=7  3  0.044        0.001         2.485
    """
    rows = [{**key, **_pooled(*_numbers(group), ci_level)} for key, group in _groups(effects)]
    return _table(rows, [*_keys(effects), *POOLED_EACH])


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
    for key, group in _groups(effects):
        for region in group[REGION]:
            y, v = _numbers(group[group[REGION] != region])
            rows.append({**key, "left_out": region, **_pooled(y, v, ci_level)})
    return _table(rows, [*_keys(effects), *LEFT_OUT])


def meta_regression(
    effects: pd.DataFrame, moderators: pd.DataFrame, *, ci_level: float = 0.95, guard: bool = True
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
    guard : bool, default True
        Whether Knapp and Hartung's factor is at least one.

    Returns
    -------
    DataFrame
        The keys of `pool_each` and ``REGRESSED``, a row per term, ``intercept`` first. `f` and
        `f_p` test all moderators together, F(p − 1, k − p); τ², I² and Q are what remains between
        regions. Where the regions are too few, or the moderators do not differ or depend on each
        other, the numbers are empty and `method` says so.

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
    >>> meta_regression(rows, urban)[["term", "estimate", "se", "df", "p_value"]].round(3)
            term  estimate     se   df  p_value
    0  intercept     0.150  0.097  2.0    0.262
    1      urban     0.259  0.146  2.0    0.219
    """
    terms = ["intercept", *map(str, moderators.columns)]
    rows = []
    for key, group in _groups(effects):
        y, v = _numbers(group)
        x = np.column_stack([np.ones(len(y)), _moderators_of(group[REGION], moderators)])
        try:
            fit = random_effects(y, v, x, guard=guard)
        except NotEstimableError:
            found = [{"k": len(y), "method": NOT_REGRESSED}] * len(terms)
        else:
            f, f_p = fit.moderator_test()
            whole = {"f": f, "f_p": f_p, **_heterogeneity(fit, ci_level)}
            whole["method"] = REGRESSION if guard else UNGUARDED
            found = [{**_of_term(term, ci_level), **whole} for term in fit.terms]
        rows += [{**key, "term": term, **row} for term, row in zip(terms, found, strict=True)]
    return _table(rows, [*_keys(effects), *REGRESSED])


def one_stage(clean: pd.DataFrame, plan: pd.DataFrame, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the mean over all people, with the regions as clusters.

    It stands beside `pool`: there every region's estimate is weighed by its precision, here every
    person counts once. Linked change and same-grade change are those of
    the plan's rows; only the clusters differ. A pair that crosses regions counts where it was
    before. The uncertainty of the unit is part of `se`, since `clean` holds the answers behind it.

    Parameters
    ----------
    clean : DataFrame
        Clean frame of all regions that may take part: `region`, `wave`, `school_id`, the
        outcomes, and `person_id` or `grade`.
    plan : DataFrame
        From ``study.plan``; rows of subgroups and of estimands other than ``linked_change`` and
        ``same_grade`` are passed over.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    DataFrame
        ``schema.POOLED``; `k` counts the regions that contribute. Prediction interval, τ², I² and
        Q belong to the two stages and stay empty. What cannot be estimated has `k` 0, no numbers,
        and the reason in `method`.

    Raises
    ------
    InputError
        Where a region is missing or a school's grade lies in two regions, and as
        ``panel.arrange``.

    Examples
    --------
    >>> clean = pd.DataFrame({"region": list("aabbccdd"), "wave": ["pre", "post"] * 4,
    ...                       "school_id": list("ssttuuvv"), "person_id": list("11223344"),
    ...                       "joy": [1, 2, 2, 4, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "subgroup": "all",
    ...                       "estimand": "linked_change", "sd_unit": 0.8}])
    >>> found = one_stage(clean, plan)
    >>> found[["k", "estimate", "se", "df"]].round(3).to_dict("records")
    [{'k': 4, 'estimate': 1.25, 'se': 0.737, 'df': 3.0}]
    """
    panel, region = arrange(clean), _regions(clean)
    finds = {"linked_change": _linked_change, "same_grade": _same_grade}
    asked = plan[(plan[SUBGROUP] == ALL) & plan[ESTIMAND].isin(finds)]
    rows = []
    for each in asked.to_dict("records"):
        row = {key: each[key] for key in (POPULATION, OUTCOME, ESTIMAND)}
        try:
            y = answers(panel, each[OUTCOME])
            raw = finds[each[ESTIMAND]](Answers(panel, y, np.isfinite(y)), region)
            sd = each["sd_unit"]
            if not sd > 0:
                raise NotEstimableError("no_unit")
            before = panel.pre & np.isfinite(y)
            found = standardise(raw, sd, y[before], region[before])
        except NotEstimableError as refusal:
            said = REASONS.get(refusal.reason, refusal.reason)
            rows.append({**row, "k": 0, "method": NOT_IN_ONE_STAGE.format(said)})
            continue
        low, high = found.interval(ci_level)
        numbers = {"estimate": found.estimate, "se": found.se, "df": found.df}
        ends = {"ci_low": low, "ci_high": high}
        rows.append({**row, "k": found.n_clusters, **numbers, **ends, "method": ONE_STAGE})
    return _table(rows, list(POOLED))


def _pooled(y: Floats, v: Floats, ci_level: float) -> dict[str, object]:
    """Return the numbers of one pooled row."""
    if len(y) < 2:
        return {"k": len(y), "method": REFUSED}
    fit = random_effects(y, v)
    numbers, low_and_high = _heterogeneity(fit, ci_level), fit.prediction_interval(ci_level)
    numbers |= dict(zip(("pi_low", "pi_high"), low_and_high, strict=True))
    return {**_of_term(fit.terms[0], ci_level), **numbers, "method": METHOD}


def _of_term(term: Result, ci_level: float) -> dict[str, object]:
    """Return the numbers of a coefficient."""
    low, high = term.interval(ci_level)
    numbers = {name: getattr(term, name) for name in ("estimate", "se", "statistic", "p_value")}
    return {"k": term.n_clusters, "df": term.df, "ci_low": low, "ci_high": high, **numbers}


def _heterogeneity(fit: RandomEffects, ci_level: float) -> dict[str, float]:
    """Return what lies between regions."""
    low, high = fit.tau2_interval(ci_level)
    numbers = {name: getattr(fit, name) for name in ("tau2", "i2", "q", "q_p")}
    return {**numbers, "tau2_ci_low": low, "tau2_ci_high": high}


def _keys(effects: pd.DataFrame) -> list[str]:
    """Return the columns that tell one synthesis from another, as far as they are there."""
    return [key for key in KEYS if key in effects]


def _groups(effects: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Yield each synthesis' keys and its regions' rows that have an estimate."""
    keys, rows = _keys(effects), effects[effects[REGION] != NATIONAL]
    for key, group in rows.groupby(keys, sort=False, observed=True, dropna=False):
        given = group[np.isfinite(group["estimate"]) & (group["se"] > 0)]
        if "suppressed" in given:
            given = given[~given["suppressed"].astype("boolean").fillna(False)]
        twice = given[REGION][given[REGION].duplicated()].unique()
        if len(twice):
            raise InputError(
                Problem(
                    f"regions more than once in what is pooled: {', '.join(map(str, key))}",
                    found=", ".join(map(str, twice)),
                    allowed="one row per region",
                    todo="choose one weighting and one kind of clusters",
                )
            )
        yield dict(zip(keys, key, strict=True)), given


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
    if problems:
        raise InputError(problems)
    return values.to_numpy(float)


def _regions(clean: pd.DataFrame) -> Codes:
    """Return a code per row for its region."""
    lacking = len(clean) if REGION not in clean else int(clean[REGION].isna().sum())
    if lacking:
        raise InputError(
            Problem(
                "answers without a region",
                found=f"{lacking} rows",
                allowed=f"a {REGION} in every row of clean data",
                todo="set them aside in cleaning",
            )
        )
    return pd.factorize(clean[REGION], sort=True)[0]


def _linked_change(case: Answers, region: Codes) -> Result:
    """Mean linked change, clusters the regions before."""
    first, second = complete_pairs(case.people, case.y, case.valid)
    return mean(case.y[second] - case.y[first], region[first])


def _same_grade(case: Answers, region: Codes) -> Result:
    """Same-grade change over the cells present in both waves, clusters the regions."""
    cells, n, means = common_cells(case, at_least=1)
    of_row = case.people.cell
    rows = np.flatnonzero(case.valid & np.isin(of_row, cells))
    home = np.zeros(of_row.max() + 1, dtype=int)
    home[of_row[rows]] = region[rows]
    astray = np.unique(of_row[rows][home[of_row[rows]] != region[rows]])
    if len(astray):
        raise InputError(
            Problem(
                "a school's grade lies in two regions",
                found=f"{len(astray)} of {len(cells)} grades of schools",
                allowed="every school in one region in both waves",
                todo="settle the schools' regions in cleaning",
            )
        )
    return contrast_of_cells(cells, n, means, n.sum(axis=1), home[cells])


def _table(rows: list[dict[str, object]], columns: list[str]) -> pd.DataFrame:
    """Return the rows with these columns, numbers as floats."""
    numbers = [name for name in columns if name not in NOT_NUMBERS]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float))
