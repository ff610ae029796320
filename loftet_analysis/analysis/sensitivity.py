"""The same question asked otherwise, to see whether a conclusion hangs on a choice.

Every mean change of ``effects`` is estimated again with other clusters, another model, other
weights, another unit, or other answers, one choice at a time. Beside each stands what the main
analysis found, and whether both lead to the same conclusion (an increase, a decrease, or neither).

One function per choice, entered in `ANALYSES` by :func:`analysis` in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pingouin
from scipy import special

from loftet_analysis import names, schema
from loftet_analysis.analysis.changes import (
    CR2,
    TOTAL,
    WITHIN_ROLE,
    Answers,
    Estimate,
    background,
    cohort_change,
    common_cells,
    found_in_pairs,
    is_linked,
    linkage_by_school,
    linkage_weighted,
    linked_change,
    over_schools,
    participants_vs_colleagues,
    programme_vs_comparison,
    response_by_school,
    same_grade,
    unit_sample,
    weighted_change,
)
from loftet_analysis.analysis.estimates import flags_of
from loftet_analysis.analysis.invariance import failing_items
from loftet_analysis.analysis.panel import (
    FEEDER,
    NETWORK,
    POST_SCHOOL,
    REGION,
    SCHOOL,
    Codes,
    Mask,
    answers,
    arrange,
    complete_pairs,
    could_be_found,
    rows_of_role,
)
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.cleaning.careless import same_answer
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import ROLE_OF, WHOLE, contrast_of_waves, names_where
from loftet_analysis.stats import missing, mixed, ordinal
from loftet_analysis.stats.cr2 import change_in_cells, contrast, mean, means_by, standardise
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.result import NotEstimableError, Result
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

#: Below this share of missing answers nothing is imputed.
MISSING = 0.05
SEED = 20250915
LINKED = ("linked_change", *ROLE_OF)
GRADES, ROLES = ("same_grade",), ("participants_vs_colleagues",)
_OF_MAIN = ("region", "population", "outcome", "question", "estimand", "subgroup", "contrast",
            "ci_level", "sesoi", "drift", "trend", "trend_se")  # fmt: skip
_NAIVE = "pingouin, naive: takes people of a school for independent"
_INVITED = f"schools weigh as many as were invited; {CR2}"
_BY_SCHOOL = "correlation over schools, Fisher's z by CR2"
#: Analyses that say whether the main row is of some schools more than of others.
_CORRELATIONS = ("linkage_by_school", "response_by_school")


@dataclass(frozen=True)
class Case(Answers):
    """A row of the main analysis that is asked again: its answers, and what else is known.

    Attributes
    ----------
    main : mapping
        The row.
    clusters : str
        Those of the main row.
    invited : mapping of str to float
        How many were invited at each school.
    careless : ndarray of bool, or None
        Rows with the same answer to items that go both ways.
    others : tuple of str
        The scale's items, where some others measure another thing after; those are `failing`.
    failing : tuple of str
    latent : mapping
        Row of ``schema.INVARIANCE`` with the latent change; empty where there is none.
    """

    main: Mapping[str, Any] = field(default_factory=dict)
    clusters: str = SCHOOL
    invited: Mapping[str, float] = field(default_factory=dict)
    careless: Mask | None = None
    others: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    latent: Mapping[str, Any] = field(default_factory=dict)

    @property
    def estimand(self) -> str:
        """The estimand of the main row."""
        return str(self.main[names.ESTIMAND])

    @property
    def at_schools_or_above(self) -> str:
        """Clusters of what is counted by schools: regions where the main row rests on them."""
        return REGION if self.clusters == REGION else SCHOOL

    @property
    def role(self) -> str:
        """The only role that counts; empty for all."""
        return ROLE_OF.get(self.estimand, "")

    @property
    def without(self) -> str:
        """The failing items, as a row names them."""
        return ", ".join(self.failing)

    @property
    def pairs(self) -> tuple[Codes, Codes]:
        """The rows before and after of those with both answers."""
        return complete_pairs(self.people, self.y, self.valid)

    def of(self, y: Floats) -> Case:
        """Return the case with these answers, of the role that counts."""
        valid = np.isfinite(y)
        if self.role:
            valid &= rows_of_role(self.people, self.role)
        return replace(self, y=y, valid=valid)

    def main_analysis(self) -> Estimate:
        """Return what the main analysis gives of these answers."""
        found = participants_vs_colleagues
        if self.estimand not in ROLES:
            found = linked_change if self.estimand in LINKED else same_grade
        return found(self, clusters=self.clusters)


@dataclass(frozen=True)
class Unit:
    """What a change is divided by; ``sample`` as in `standardise`, ``factor`` multiplies."""

    sd: float
    sample: Mapping[str, np.ndarray] = field(default_factory=dict)
    factor: float = 1.0


@dataclass(frozen=True)
class Analysis:
    """One other choice; see `analysis`."""

    name: str
    method: str
    of: tuple[str, ...]
    find: Callable[[Case], Estimate]
    unit: Callable[[Case, Estimate], Unit] | None
    when: Callable[[Case], object]


ANALYSES: list[Analysis] = []


def _study_unit(case: Case, found: Estimate) -> Unit:
    return Unit(case.known(WITHIN_ROLE if case.estimand in ROLES else TOTAL))


def analysis(
    name: str,
    method: str,
    of: tuple[str, ...],
    *,
    unit: Callable[[Case, Estimate], Unit] | None = _study_unit,
    when: Callable[[Case], object] = lambda case: True,
) -> Callable:
    """Enter a function that estimates a case again into the table.

    Parameters
    ----------
    name : str
        Of the column `analysis`.
    method : str
        Of the column `method`; ``{case}`` in it is the case.
    of : tuple of str
        Estimands that it is asked of.
    unit : callable, optional
        What the change is divided by; None where its unit is not that of the scale.
    when : callable, optional
        Whether a case gets a row; default: always.
    """

    def enter(find: Callable[[Case], Estimate]) -> Callable[[Case], Estimate]:
        ANALYSES.append(Analysis(name, method, of, find, unit, when))
        return find

    return enter


@checked
def sensitivity(
    clean: pd.DataFrame,
    effects: pd.DataFrame,
    plan: pd.DataFrame,
    asked: Questionnaire,
    examined: pd.DataFrame | None = None,
    *,
    only: Sequence[str] = (),
) -> pd.DataFrame:
    """Return every mean change again under other choices, one at a time.

    Parameters
    ----------
    clean : DataFrame
        The clean frame that `effects` were computed from.
    effects : DataFrame
        ``schema.EFFECTS`` of the main analysis with verdicts; rows of everybody (subgroup ``all``)
        from before to after of ``linked_change``, ``same_grade``, ``participants``,
        ``colleagues`` and ``participants_vs_colleagues`` are asked again, and of the country's
        rows by regions all are asked with schools as clusters (``these_regions``).
    plan : DataFrame
        From ``study.plan``: the unit of each outcome.
    asked : Questionnaire
        From ``study[population]``: items that go both ways, and how many were invited.
    examined : DataFrame, optional
        Rows of ``schema.INVARIANCE`` of this population: items that do not measure the same in
        both waves, and for national rows the latent change under the invariance that held.
    only : sequence of str, optional
        These analyses alone, by the names in column `analysis`; all by default.

    Returns
    -------
    DataFrame
        ``schema.SENSITIVITY``: a row per main row and `analysis`. `main_estimate` and
        `main_verdict` are those of the main analysis; `agrees` says whether both conclude alike
        (an increase, a decrease, or neither). Ordinal analyses have no `estimate` in SD: their
        `change` is a probability less ½, or a log odds ratio. Tipping points have no interval:
        `estimate` is how much more the non-linked must have changed, in SD. Correlations over
        schools (``linkage_by_school``, ``response_by_school``; from 20 schools on, clusters regions
        where there are 8) stand in `estimate` with their interval. What cannot be computed is a row
        with its `reason`.

    Raises
    ------
    InputError
        For an unknown name in `only`.

    Examples
    --------
    >>> from loftet_analysis.analysis.estimates import linked_change, pairs
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("teachers", "oslo", load_instrument("teacher"))
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 5, "school_id": list("aabbccddee"),
    ...                       "person_id": list("1122334455"), "region": "oslo",
    ...                       "beliefs_inquiry": [1, 2, 2, 4, 3, 3, 2, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "beliefs_inquiry",
    ...     "question": "Q5", "estimand": "linked_change", "subgroup": "all", "sd_unit": 0.8,
    ...     "region": "oslo"}])
    >>> effects = verdicts(linked_change(pairs(clean, plan), plan))
    >>> rows = sensitivity(clean, effects, plan, asked)
    >>> computed = rows[rows["reason"] == ""].head(3)
    >>> computed[["analysis", "change", "estimate", "se", "agrees"]].round(3)
           analysis  change  estimate     se  agrees
    0  school_means     1.0      1.25  0.395    True
    1    reml_slope     1.0      1.25  0.395    True
    2       stayers     1.0      1.25  0.395    True
    """
    unknown = set(only) - {each.name for each in ANALYSES}
    if unknown:
        allowed = ", ".join(dict.fromkeys(each.name for each in ANALYSES))
        raise InputError("unknown analysis", ", ".join(sorted(unknown)), allowed)
    chosen = [each for each in ANALYSES if not only or each.name in only]
    instrument = asked.instrument
    failing = {} if examined is None else failing_items(examined)
    careless = None if instrument is None else same_answer(clean, instrument)
    years = int(plan["years"].iloc[0]) if "years" in plan and len(plan) else 0
    panel = arrange(clean, years=years)
    settled = {row[names.OUTCOME]: row for row in plan.to_dict("records")}
    national = examined is not None and asked.region == names.NATIONAL
    nothing, none = np.empty(0), np.empty(0, dtype=bool)
    rows = []
    # what a row says by itself: in its family it would tell of the other outcomes' tests
    alone = verdicts(effects.assign(family="", place=range(len(effects))))
    alone = alone.set_index("place")["verdict"]
    effects = effects.assign(alone=alone.reindex(range(len(effects))).to_numpy())
    again = effects[names.SUBGROUP].eq(names.ALL)
    again &= effects["contrast"].map(contrast_of_waves).eq(WHOLE)
    for main in effects[again].to_dict("records"):
        outcome = main[names.OUTCOME]
        out = failing.get((main[names.POPULATION], outcome), ())
        items = asked.scales[outcome].items if out else ()
        case = Case(
            panel, nothing, none, settled.get(outcome, {}), main=main,
            schools=FEEDER if main[names.POPULATION] == "pupils" else SCHOOL,
            clusters=main["cluster"],
            invited=asked.invited, careless=careless, failing=out,
            others=tuple(item for item in items if item not in out),
            latent=_latent(examined, outcome) if national else {},
        )  # fmt: skip
        asked_again = [each for each in chosen if case.estimand in each.of and each.when(case)]
        rows += [_row(case, each) for each in asked_again]
    judged = ("drift", "trend", "trend_se", "family", "main_direction")
    columns = (*schema.SENSITIVITY, *judged)
    table = verdicts(schema.table(rows, columns))
    direction = np.sign(table["change"]).where(table["p_value"] < 1 - table["ci_level"], 0)
    tested = table["p_value"].notna() & table["main_direction"].notna()
    agrees = direction.eq(table["main_direction"]).astype("boolean").where(tested)
    return table.assign(agrees=agrees)[list(schema.SENSITIVITY)]


def _row(case: Case, each: Analysis) -> dict[str, Any]:
    """Return one row: what was asked, what the main analysis says, and what was found."""
    main = case.main
    low, high = float(main["ci_low"]), float(main["ci_high"])
    row = {key: main[key] for key in _OF_MAIN}
    if each.unit is None:  # drift and trend are in SD
        row |= dict.fromkeys(("drift", "trend", "trend_se"))
    row |= {"analysis": each.name, "method": each.method.format(case=case)}
    row |= {"main_estimate": main["estimate"], "main_verdict": main["alone"]}
    # where the main interval lies: above 0, below, or around it
    row["main_direction"] = np.nan if np.isnan(low) else float(low > 0) - float(high < 0)
    try:
        case = case.of(answers(case.people, str(main[names.OUTCOME])))
        found = each.find(case)
        raw = found.raw
        numbers = {key: getattr(found, key) for key in ("n_pre", "n_post", "n_pairs")}
        numbers |= {"n_clusters": raw.n_clusters or None, "change": raw.estimate}
        if each.name in _CORRELATIONS:
            low, high = map(np.tanh, raw.interval(float(main["ci_level"])))
            ends = {"ci_low": low, "ci_high": high}
            return row | numbers | {"change": None, "estimate": np.tanh(raw.estimate), **ends}
        flags = flags_of(found, np.nan) if raw.n_clusters else found.flags
        has_interval = np.isfinite(raw.se)
        if has_interval:
            numbers |= {"change_se": raw.se, "df": raw.df, "p_value": raw.p_value}
        if each.unit is not None:
            unit = each.unit(case, found)
            if not unit.sd > 0:
                raise NotEstimableError("no_unit")
            scaled = standardise(raw, unit.sd, **unit.sample)
            numbers |= {"sd_unit": unit.sd, "estimate": unit.factor * scaled.estimate}
            if has_interval:
                low, high = (unit.factor * end for end in scaled.interval(float(main["ci_level"])))
                numbers |= {"se": unit.factor * scaled.se, "ci_low": low, "ci_high": high}
    except NotEstimableError as refusal:
        return {**row, "reason": refusal.reason}
    return {**row, **numbers, "flags": ";".join(flags)}


def _latent(examined: pd.DataFrame, outcome: str) -> Mapping[str, Any]:
    """Return the latent change of the linked, under the most equal model that held."""
    rows = examined[(examined["scale"] == outcome) & examined["latent_change"].notna()]
    rows = rows[rows["model"].ne("strict")]
    holding = rows[rows["holds"].fillna(False)]
    rows = holding if len(holding) else rows
    return {} if rows.empty else rows.iloc[-1].to_dict()


def _in_pairs(case: Case, raw: Result) -> Estimate:
    first, second = case.pairs
    y = case.y
    return found_in_pairs(case.people, case.valid, raw, first, y[first], y[second])


def _in_rows(case: Case, raw: Result, rows: Mask) -> Estimate:
    people = case.people
    counts = {"n_pre": (rows & people.pre).sum(), "n_post": (rows & people.post).sum()}
    return Estimate(raw, **counts)


def _waves(case: Case) -> Mask:
    """Return the rows with an answer before or after."""
    return case.valid & (case.people.pre | case.people.post)


def _stayers(case: Case) -> Case:
    """Only people whose school is the same in both waves."""
    people = case.people
    stay = people.school[people.first] == people.school[people.second]
    kept = np.zeros(len(people.frame), dtype=bool)
    kept[people.first[stay]] = kept[people.second[stay]] = True
    return replace(case, valid=case.valid & kept)


# models and people


@analysis("school_means", "every school counts once; t(S - 1)", LINKED)
def _school_means(case: Case) -> Estimate:
    first, second = case.pairs
    school, (change,) = means_by(case.people.school[first], case.y[second] - case.y[first])
    return _in_pairs(case, mean(change, school))


@analysis("all_schools", f"y ~ wave + grade, also schools of one wave; {CR2}", GRADES)
def _all_schools(case: Case) -> Estimate:
    people = case.people
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = _waves(case) & np.isfinite(people.grade)
    if not rows.any():
        raise NotEstimableError("no_answers")
    grade = np.unique(people.grade[rows], return_inverse=True)[1]
    wave = people.post[rows].astype(int)
    code = (people.school[rows] * people.n_grades + grade) * 2 + wave
    used, (means,) = means_by(code, case.y[rows])
    x = np.column_stack([used % 2, np.eye(grade.max() + 1)[used // 2 % people.n_grades]])
    cluster = people.cluster_of_school(case.at_schools_or_above)[used // 2 // people.n_grades]
    raw = contrast(means, x, np.eye(x.shape[1])[0], cluster, counts=np.bincount(code)[used])
    return _in_rows(case, raw, rows)


@analysis("equal_grades", f"every grade counts alike; {CR2}", GRADES)
def _equal_grades(case: Case) -> Estimate:
    """Every grade counts alike, its schools by their share of the grade."""
    cells, n, means = common_cells(case, at_least=1)
    both, grade = n.sum(axis=1), cells % case.people.n_grades
    share = both / np.bincount(grade, both)[grade] / len(np.unique(grade))
    cluster = case.people.cluster_of_school(case.at_schools_or_above)
    raw = change_in_cells(means, n, share, cluster[cells // case.people.n_grades])
    return _in_rows(case, raw, _waves(case) & np.isin(case.people.cell, cells))


@analysis(
    "reml_slope",
    "REML, school intercept and wave slope, person intercept, stayers; Satterthwaite df",
    LINKED,
)
def _reml_of_pairs(case: Case) -> Estimate:
    case = _stayers(case)
    first, rows = case.pairs[0], np.concatenate(case.pairs)
    wave = np.repeat([0.0, 1.0], len(first))
    fitted = mixed.fit(
        case.y[rows],
        np.column_stack([np.ones(len(rows)), wave]),
        np.tile(case.people.school[first], 2),
        slope=wave,
        person=np.tile(np.arange(len(first)), 2),
    )
    return _in_pairs(case, fitted.contrast([0, 1]))


@analysis(
    "reml_slope",
    "REML of wave and grade, school intercept and wave slope; Satterthwaite df",
    GRADES,
)
def _reml_of_everybody(case: Case) -> Estimate:
    people = case.people
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = _waves(case) & np.isfinite(people.grade)
    wave = people.post[rows].astype(float)
    grades, grade = np.unique(people.grade[rows], return_inverse=True)
    if len(np.unique(wave)) < 2:
        raise NotEstimableError("no_pairs")
    x = np.column_stack([wave, np.eye(len(grades))[grade]])
    fitted = mixed.fit(case.y[rows], x, people.school[rows], slope=wave)
    return _in_rows(case, fitted.contrast(np.eye(x.shape[1])[0]), rows)


@analysis(
    "stayers",
    f"people who stayed at their school, clusters {{case.at_schools_or_above}}s; {CR2}",
    LINKED,
)
def _stayed(case: Case) -> Estimate:
    return linked_change(_stayers(case), clusters=case.at_schools_or_above)


# weights and missing people


@analysis("linkage_weights", f"inverse probability of being linked; {CR2}", LINKED)
def _linkage_weights(case: Case) -> Estimate:
    """Everybody who answered before and could be found again, by weights of those who were."""
    return linkage_weighted(case, clusters=case.clusters)


def _to_numbers(case: Case, numbers: Floats) -> Estimate:
    """Weighted mean linked change in which each school, by its code, counts as many people."""
    first, _ = case.pairs
    found = missing.register_weights(case.people.school[first], numbers)
    weight = np.zeros(len(case.y))
    weight[first] = found.weights
    weighted = weighted_change(case, weight, clusters=case.clusters)
    return replace(weighted, flags=(*weighted.flags, f"uncovered={found.uncovered:.2f}"))


def _cells_to_numbers(case: Case, of_school: Floats | None = None) -> Estimate:
    """Same-grade change in which cells count the answers before, or share a school's number.

    With effects of cells, answers of unlike weight leave CR2 short (where a third answer again by a
    sixth), as its G has no inverse. The cells' differences d with variances in proportion to
    φ = 1/n_pre + 1/n_post are the same model without them: d/√φ on 1/√φ with the weights share × φ.
    """
    people = case.people
    cells, n, means = common_cells(case, at_least=1)
    school, share = cells // people.n_grades, n[:, 0].astype(float)
    if of_school is not None:
        share *= of_school[school] / np.bincount(school, share)[school]
    after = n[:, 1]
    share = np.minimum(share / after, np.quantile(share / after, missing.TRIM)) * after
    spread = np.sqrt((1 / n).sum(axis=1))
    change = (means[:, 1] - means[:, 0]) / spread
    raw = contrast(change, 1 / spread[:, None], [1], school, weights=share * spread**2)
    return _in_rows(case, raw, _waves(case) & np.isin(people.cell, cells))


def _invited(case: Case, schools: Codes) -> Floats:
    """Return how many were invited at each school, by its code; of those without answers last.

    These schools must be known.
    """
    people = case.people
    ids = np.full(people.school.max() + 1, "", dtype=object)
    ids[people.school] = people.frame[names.SCHOOL].to_numpy(dtype=object)
    invited = np.array([case.invited.get(each, np.nan) for each in ids])
    if not np.isfinite(invited[schools]).all():
        raise NotEstimableError("no_register")
    silent = [n for each, n in case.invited.items() if each not in set(ids)]
    return np.concatenate([np.nan_to_num(invited), silent])


def _answered(case: Case, rows: Mask) -> Floats:
    """Return how many rows each school has, by its code."""
    school = case.people.school
    return np.bincount(school[rows], minlength=school.max() + 1).astype(float)


@analysis(
    "school_weights",
    f"schools weigh as many as answered before and could be found again; {CR2}",
    LINKED,
)
def _school_weights(case: Case) -> Estimate:
    """Every school counts all whom it had before, however many of them were linked."""
    return _to_numbers(case, _answered(case, could_be_found(case.people, case.y, case.valid)))


@analysis("school_weights", f"schools and grades weigh as many as answered before; {CR2}", GRADES)
def _school_weights_by_grade(case: Case) -> Estimate:
    """Every cell counts all whom it had before, however many answered after."""
    return _cells_to_numbers(case)


@analysis("register_weights", _INVITED, LINKED)
def _register_weights(case: Case) -> Estimate:
    """Every school counts its invited; of some grades, or a role, their share of its answers."""
    people = case.people
    invited = _invited(case, people.school[case.pairs[0]])
    before = _answered(case, people.pre & np.isfinite(case.y))
    found = _answered(case, could_be_found(people, case.y, case.valid))
    share = np.full(len(invited), found.sum() / before.sum())
    share[: len(before)] = found / np.maximum(before, 1)
    return _to_numbers(case, invited * share)


@analysis("register_weights", _INVITED, GRADES)
def _register_weights_by_grade(case: Case) -> Estimate:
    """Same-grade change in which a school's cells share the number of its invited."""
    cells = common_cells(case, at_least=1)[0]
    return _cells_to_numbers(case, _invited(case, cells // case.people.n_grades))


@analysis(
    "linkage_by_school",
    f"schools' share of people linked, and their change; {_BY_SCHOOL}",
    LINKED,
    unit=None,
)
def _linkage_by_school(case: Case) -> Estimate:
    return _in_pairs(case, linkage_by_school(case, clusters=case.clusters))


@analysis(
    "response_by_school",
    f"schools' share of answers that were given after, and their change; {_BY_SCHOOL}",
    GRADES,
    unit=None,
)
def _response_by_school(case: Case) -> Estimate:
    cells = common_cells(case, at_least=1)[0]
    rows = _waves(case) & np.isin(case.people.cell, cells)
    return _in_rows(case, response_by_school(case), rows)


@analysis(
    "response_by_school",
    f"schools' share of the invited who answered before, and their change; {_BY_SCHOOL}",
    LINKED,
    unit=None,
)
def _response_by_school_before(case: Case) -> Estimate:
    people, (first, second) = case.people, case.pairs
    school, (change,) = means_by(people.school[first], case.y[second] - case.y[first])
    invited = _invited(case, school)[school]
    if not (invited > 0).all():
        raise NotEstimableError("no_register")
    share = _answered(case, people.pre & np.isfinite(case.y))[school] / invited
    cluster = people.clusters(case.clusters)
    return _in_pairs(case, over_schools(people, first, cluster, school, share, change))


@analysis(
    "imputation", "multiple imputation, two-level, 20 times; Rubin, Barnard and Rubin", LINKED
)
def _imputed_pairs(case: Case) -> Estimate:
    """Linked people whose score is missing in a wave, imputed from the other wave."""
    people, y = case.people, case.y
    of_role = people.role[people.first] == case.role if case.role else slice(None)
    first, second = people.first[of_role], people.second[of_role]
    both = np.column_stack([y[first], y[second]])
    asked = np.isfinite(both).any(axis=1)
    first, both = first[asked], both[asked]
    if not len(first):
        raise NotEstimableError("no_pairs")
    if np.isnan(both).mean() <= MISSING:
        raise NotEstimableError("little_missing")
    cluster = people.clusters(case.clusters)[first]
    raw = missing.imputed(
        both,
        np.column_stack([np.ones(len(first)), *background(people, first)]),
        people.school[first],
        lambda whole: mean(whole[:, 1] - whole[:, 0], cluster),
        rng=np.random.default_rng(SEED),
    )
    n = len(first)
    return Estimate(raw, n_pre=n, n_post=n, n_pairs=n)


@analysis(
    "linked_and_unlinked",
    f"all answers of the cohorts met in both waves, linked or not; {CR2}",
    LINKED,
)
def _linked_and_unlinked(case: Case) -> Estimate:
    """All answers of each wave; where there are no feeder groups people enter by their school."""
    if case.schools == FEEDER:
        return cohort_change(case, clusters=case.clusters)
    rows = _waves(case)
    people = case.people
    cluster = people.clusters(case.clusters)[rows]
    raw = missing.linked_and_unlinked(case.y[rows], people.post[rows], cluster)
    return _in_rows(case, raw, rows)


# units


def _unit_of(case: Case, found: Estimate, rows: np.ndarray) -> Unit:
    """Return the SD of some rows, as a sample."""
    cluster = (case.people.school if found.cluster is None else found.cluster)[rows]
    return Unit(case.y[rows].std(ddof=1), {"x": case.y[rows], "cluster": cluster})


def _own_unit(case: Case, found: Estimate) -> Unit:
    """Return the SD of everybody who answered before in this very frame."""
    return _unit_of(case, found, case.people.pre & case.valid)


def _linked_unit(case: Case, found: Estimate) -> Unit:
    """Return the SD before of the linked alone."""
    return _unit_of(case, found, case.pairs[0])


def _hedges_unit(case: Case, found: Estimate) -> Unit:
    """Return the SD before of the linked, with the exact factor against its small-sample bias."""
    df = len(case.pairs[0]) - 1
    j = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) * np.sqrt(2 / df)
    return replace(_linked_unit(case, found), factor=float(j) if df > 1 else 1.0)


def _average_unit(case: Case, found: Estimate) -> Unit:
    return Unit(float(np.sqrt((found.sd_pre**2 + found.sd_post**2) / 2)))


for _name, _method, _of, _unit in (
    ("own_unit", "SD of this region's answers before", (*LINKED, *GRADES), _own_unit),
    ("linked_unit", "SD before of the linked", LINKED, _linked_unit),
    ("average_unit", "mean of both waves' SDs", LINKED, _average_unit),
    ("hedges_g", "SD before of the linked, exact J(n - 1)", LINKED, _hedges_unit),
):
    analysis(_name, f"{_method}; {CR2}", _of, unit=_unit)(Case.main_analysis)


# ordinal analyses


@analysis("superiority", f"P(post > pre) + 1/2 P(equal) - 1/2; {CR2}", LINKED, unit=None)
def _superiority_of_pairs(case: Case) -> Estimate:
    first, second = case.pairs
    cluster = case.people.clusters(case.clusters)[first]
    return _in_pairs(case, ordinal.superiority_of_pairs(case.y[first], case.y[second], cluster))


@analysis(
    "superiority", f"P(post > pre) + 1/2 P(equal) - 1/2 (Mann-Whitney); {CR2}", GRADES, unit=None
)
def _superiority(case: Case) -> Estimate:
    """Mann–Whitney of everybody in grades of schools met in both waves."""
    people = case.people
    rows = _waves(case) & np.isin(people.cell, common_cells(case, at_least=1)[0])
    before, after = rows & people.pre, rows & people.post
    cluster = people.clusters(case.at_schools_or_above)
    raw = ordinal.superiority(case.y[before], case.y[after], cluster[before], cluster[after])
    return _in_rows(case, raw, rows)


@analysis(
    "ordered_logit",
    "log odds ratio of wave, ordered logit with grades; jackknife over schools, t(S - 1)",
    GRADES,
    unit=None,
)
def _ordered_logit(case: Case) -> Estimate:
    """Ordered logit of the rounded score on wave and grade."""
    people = case.people
    rows = _waves(case) & np.isin(people.cell, common_cells(case, at_least=1)[0])
    points = np.floor(case.y[rows] + 0.5)
    raw = ordinal.ordered_logit(points, people.post[rows], people.school[rows], people.grade[rows])
    return _in_rows(case, raw, rows)


# roles


def _of_roles(case: Case) -> tuple[Case, Mask]:
    """Return the participants and colleagues, and which linked ones take part."""
    takes_part = rows_of_role(case.people, names.PARTICIPANT)
    either = takes_part | rows_of_role(case.people, names.COLLEAGUE)
    case = replace(case, valid=case.valid & either)
    return case, takes_part[case.pairs[0]]


@analysis("ancova", f"post ~ role + pre; {CR2}", ROLES)
def _ancova(case: Case) -> Estimate:
    case, role = _of_roles(case)
    first, second = case.pairs
    before = case.y[first]
    x = np.column_stack([np.ones(len(role)), role.astype(float), before - before.mean()])
    cluster = case.people.clusters(case.clusters)[first]
    return _in_pairs(case, contrast(case.y[second], x, [0, 1, 0], cluster))


@analysis("school_effects", f"change ~ role + school, within schools; {CR2}", ROLES)
def _school_effects(case: Case) -> Estimate:
    case, role = _of_roles(case)
    first, second = case.pairs
    change, school = case.y[second] - case.y[first], case.people.school[first]
    cluster, x = case.people.clusters(case.clusters)[first], role[:, None].astype(float)
    return _in_pairs(case, contrast(change, x, [1], cluster, cells=school))


# what ignores schools


def _ttest(x: Floats, y: Floats | float, **options: bool) -> Result:
    """Return pingouin's t-test of x less y."""
    if min(len(x), np.size(y) if np.ndim(y) else 2) < 2 or not (x.std() + np.std(y)) > 0:
        raise NotEstimableError("no_variance")
    test = pingouin.ttest(x, y, **options).iloc[0]
    # not the change divided by T, as both may be 0
    of_y = np.var(y, ddof=1) / np.size(y) if np.ndim(y) else 0.0
    se = np.sqrt(x.var(ddof=1) / len(x) + of_y)
    return Result(x.mean() - np.mean(y), se, test["dof"])


@analysis("naive", _NAIVE, LINKED)
def _naive_paired(case: Case) -> Estimate:
    first, second = case.pairs
    return _in_pairs(case, _ttest(case.y[second] - case.y[first], 0.0))


@analysis("naive", _NAIVE, GRADES)
def _naive_welch(case: Case) -> Estimate:
    before, after = (case.y[case.valid & wave] for wave in (case.people.pre, case.people.post))
    return _in_rows(case, _ttest(after, before, correction=True), _waves(case))


@analysis("naive", _NAIVE, ROLES)
def _naive_roles(case: Case) -> Estimate:
    case, role = _of_roles(case)
    first, second = case.pairs
    change = case.y[second] - case.y[first]
    return _in_pairs(case, _ttest(change[role], change[~role], correction=True))


# other clusters, the non-linked, other answers


for _clusters in (SCHOOL, POST_SCHOOL, NETWORK):
    analysis(
        f"cluster_{_clusters}",
        f"clusters: {_clusters}; {CR2}",
        LINKED,
        when=lambda case: case.clusters == FEEDER,
    )(partial(linked_change, clusters=_clusters))


def _main_unit(case: Case, found: Estimate) -> Unit:
    """Return the unit of the main row, as uncertain as it is there."""
    named = WITHIN_ROLE if case.estimand in ROLES else TOTAL
    is_sample = case.settled.get("unit_is_sample", False)
    return Unit(
        case.known(named), unit_sample(case.people, case.y, found, named) if is_sample else {}
    )


def _these_regions(case: Case) -> Estimate:
    """Cluster the country's row by schools: what happened in these very regions."""
    found = {
        "same_grade": same_grade,
        "cohort_change": cohort_change,
        "participants_vs_colleagues": participants_vs_colleagues,
        "programme_vs_comparison": programme_vs_comparison,
    }.get(case.estimand, linked_change)
    return found(case, clusters=SCHOOL if case.estimand in GRADES else case.schools)


analysis(
    "these_regions",
    f"clusters: schools, or feeder groups, so of these very regions; {CR2}",
    names_where(by_region=True),
    unit=_main_unit,
    when=lambda case: case.clusters == REGION,
)(_these_regions)


def _tipping(case: Case, *, mark: str) -> Estimate:
    """How far the non-linked must differ, in scale points, for the conclusion to turn."""
    found = case.main_analysis()
    rows = could_be_found(case.people, case.y, case.valid)
    linked = is_linked(replace(case, valid=case.valid & (rows | case.people.post)))
    share = linked.sum() / rows.sum()
    sd = case.known(TOTAL)
    if not sd > 0:
        raise NotEstimableError("no_unit")
    raw, main = found.raw, case.main
    points = missing.tipping_points(
        raw.estimate / sd, raw.se / sd, raw.df, share, main["sesoi"], main["ci_level"]
    )
    delta = Result(points[mark] * sd, np.nan, np.nan, raw.n_clusters)
    return replace(found, raw=delta, flags=(f"share_linked={share:.2f}",))


for _mark in ("increase", "decrease", "beyond +SESOI", "beyond -SESOI"):
    analysis(
        f"tipping_point: {_mark}",
        f"how much more the non-linked must have changed for: {_mark}",
        LINKED,
    )(partial(_tipping, mark=_mark))


@analysis(
    "without_careless",
    f"without people who gave the same answer to items that go both ways; {CR2}",
    (*LINKED, *GRADES, *ROLES),
)
def _without_careless(case: Case) -> Estimate:
    if case.careless is None:
        raise NotEstimableError("no_careless_flags")
    if not (case.careless & case.valid).any():
        raise NotEstimableError("nobody_careless")
    return replace(case, valid=case.valid & ~case.careless).main_analysis()


@analysis(
    "without_failing_items",
    f"the scale without {{case.without}}; {CR2}",
    (*LINKED, *GRADES, *ROLES),
    when=lambda case: case.failing,
)
def _without_failing(case: Case) -> Estimate:
    """Leave out the items that changed their meaning."""
    score = case.people.frame[list(case.others)].astype(float)
    enough = score.notna().sum(axis=1) >= len(case.others) / 2
    return case.of(score.mean(axis=1).where(enough).to_numpy()).main_analysis()


@analysis(
    "latent_change",
    "latent mean, {case.latent[model]} invariance; CR2 by {case.latent[latent_change_cluster]} on "
    "influence values, Satterthwaite df",
    ("linked_change",),
    unit=lambda case, found: Unit(1.0),
    when=lambda case: case.latent,
)
def _latent_change(case: Case) -> Estimate:
    found = case.latent
    se, df = (found[f"latent_change_{each}"] for each in ("se", "df"))
    if pd.isna(se):
        raise NotEstimableError("one_cluster")
    n_clusters = int(found["latent_change_clusters"])
    raw = Result(float(found["latent_change"]), float(se), float(df), n_clusters)
    return Estimate(raw, n_pairs=found["n"])
