"""The same question asked otherwise, to see whether a conclusion hangs on a choice.

Every mean change of ``effects`` is estimated again with other clusters, another model, other
weights, another unit, or other answers, one choice at a time. Beside each stands what the main
analysis found, and whether both lead to the same conclusion (an increase, a decrease, or neither).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import pingouin
from scipy import special

from loftet_analysis.analysis.changes import (
    CR2,
    Case,
    Found,
    cohort_change,
    common_cells,
    found_in_cells,
    found_in_pairs,
    linked_change,
    participants_vs_colleagues,
    same_grade,
)
from loftet_analysis.analysis.effects import flags_of, rulers
from loftet_analysis.analysis.panel import (
    FEEDER,
    NETWORK,
    POST_SCHOOL,
    SCHOOL,
    Codes,
    People,
    answers,
    arrange,
    complete_pairs,
    rows_of_role,
)
from loftet_analysis.analysis.verdicts import judged
from loftet_analysis.cleaning.careless import same_answer
from loftet_analysis.cleaning.units import TOTAL, WITHIN_ROLE
from loftet_analysis.names import (
    ALL,
    COLLEAGUE,
    ESTIMAND,
    GENDER,
    GRADE,
    OUTCOME,
    PARTICIPANT,
    POPULATION,
    SENSITIVITY,
    SUBGROUP,
)
from loftet_analysis.names import SCHOOL as SCHOOL_ID
from loftet_analysis.stats import missing, mixed, ordinal
from loftet_analysis.stats.cr2 import contrast, mean, means_by, standardise
from loftet_analysis.stats.result import Floats, NotEstimableError, Result
from loftet_analysis.study import Instrument

MISSING = 0.05
SEED = 20250915
CARELESS = "careless"
NAIVE = "pingouin, naive: takes people of a school for independent"
ROLE_OF = {"participants": PARTICIPANT, "colleagues": COLLEAGUE}
Pairs = tuple[Codes, Codes]


@dataclass(frozen=True)
class Unit:
    """What a change is divided by; ``sample`` as in `standardise`, ``factor`` multiplies."""

    sd: float
    sample: Mapping[str, np.ndarray]
    factor: float = 1.0


@dataclass(frozen=True)
class Variant:
    """One other choice: how the change is found, and what it is divided by."""

    method: str
    find: Callable[[Case], Found]
    unit: Callable[[Case, Found], Unit] | None


def _study_unit(case: Case, found: Found, *, name: str = TOTAL) -> Unit:
    return Unit(case.settled(name), {})


def _own_unit(case: Case, found: Found) -> Unit:
    """Return the SD of everybody who answered before in this very frame, as a sample."""
    rows = case.people.pre & case.valid
    school, group = case.people.school[rows], found.cluster_of_school
    cluster = school if group is None else group[school]
    return Unit(case.y[rows].std(ddof=1), {"x": case.y[rows], "cluster": cluster})


def _linked_unit(case: Case, found: Found, *, exact: bool = False) -> Unit:
    """Return the SD before of the linked alone; ``exact`` takes its small-sample bias away."""
    first, _ = complete_pairs(case.people, case.y, case.valid)
    school, group = case.people.school[first], found.cluster_of_school
    cluster = school if group is None else group[school]
    df = len(first) - 1
    j = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) * np.sqrt(2 / df)
    factor = float(j) if exact and df > 1 else 1.0
    return Unit(case.y[first].std(ddof=1), {"x": case.y[first], "cluster": cluster}, factor)


def _average_unit(case: Case, found: Found) -> Unit:
    return Unit(float(np.sqrt((found.sd_pre**2 + found.sd_post**2) / 2)), {})


def _pairs(case: Case) -> Pairs:
    return complete_pairs(case.people, case.y, case.valid)


def _in_pairs(case: Case, raw: Result, pairs: Pairs) -> Found:
    first, second = pairs
    y = case.y
    return found_in_pairs(case.people, case.valid, raw, first, y[first], y[second])


def _school_means(case: Case) -> Found:
    """Mean of schools' mean changes, t with schools − 1 df."""
    pairs = first, second = _pairs(case)
    school, (change,) = means_by(case.people.school[first], case.y[second] - case.y[first])
    return _in_pairs(case, mean(change, school), pairs)


def _stayers(case: Case) -> Case:
    """Only people whose school is the same in both waves."""
    people = case.people
    stay = people.school[people.first] == people.school[people.second]
    kept = np.zeros(len(people.frame), dtype=bool)
    kept[people.first[stay]] = kept[people.second[stay]] = True
    return replace(case, valid=case.valid & kept)


def _stayed(case: Case) -> Found:
    return linked_change(_stayers(case))


def _naive_paired(case: Case) -> Found:
    """Pingouin's paired t-test, which takes pupils of a school for independent."""
    pairs = first, second = _pairs(case)
    change = case.y[second] - case.y[first]
    if len(change) < 2 or not change.std() > 0:
        raise NotEstimableError("no_variance")
    test = pingouin.ttest(case.y[second], case.y[first], paired=True).iloc[0]
    raw = Result(change.mean(), change.mean() / test["T"], test["dof"])
    return _in_pairs(case, raw, pairs)


def _naive_welch(case: Case) -> Found:
    """Pingouin's two-sample t-test of everybody, which takes all answers for independent."""
    people, y = case.people, case.y
    before, after = y[case.valid & people.pre], y[case.valid & people.post]
    if min(len(before), len(after)) < 2 or not (before.std() + after.std()) > 0:
        raise NotEstimableError("no_variance")
    test = pingouin.ttest(after, before, correction=True).iloc[0]
    change = after.mean() - before.mean()
    raw = Result(change, change / test["T"], test["dof"])
    return Found(raw, n_pre=len(before), n_post=len(after), n_schools_dropped=0)


def _all_schools(case: Case) -> Found:
    """Y ~ wave + grade: also schools that answered in one wave only."""
    people = case.people
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = case.valid & (people.pre | people.post) & np.isfinite(people.grade)
    grade = np.unique(people.grade[rows], return_inverse=True)[1]
    wave = people.post[rows].astype(int)
    code = (people.school[rows] * people.n_grades + grade) * 2 + wave
    used, (means,) = means_by(code, case.y[rows])
    of_grade = used // 2 % people.n_grades
    x = np.column_stack([used % 2, np.eye(grade.max() + 1)[of_grade]])
    cluster = used // 2 // people.n_grades
    raw = contrast(means, x, np.eye(x.shape[1])[0], cluster, counts=np.bincount(code)[used])
    before, after = case.y[rows & people.pre], case.y[rows & people.post]
    return Found(
        raw,
        n_pre=len(before),
        n_post=len(after),
        n_schools_dropped=0,
        sd_pre=before.std(ddof=1),
        sd_post=after.std(ddof=1),
    )


def _equal_grades(case: Case) -> Found:
    """Every grade counts alike, its schools by their share of the grade."""
    people = case.people
    cells, n, means = common_cells(case, at_least=1)
    both, grade = n.sum(axis=1), cells % people.n_grades
    share = both / np.bincount(grade, both)[grade] / len(np.unique(grade))
    raw = contrast(
        means.ravel(),
        np.tile([[0.0], [1.0]], (len(cells), 1)),
        [1],
        np.repeat(cells // people.n_grades, 2),
        cells=np.repeat(cells, 2),
        weights=(share[:, None] / n).ravel(),
        counts=n.ravel(),
    )
    return found_in_cells(case, raw, cells, share @ means)


def _contrast_of_roles(case: Case, *, adjust: bool) -> Found:
    """Participants less colleagues: adjusted for the answer before, or within schools."""
    people, y = case.people, case.y
    takes_part = rows_of_role(people, PARTICIPANT)
    case = replace(case, valid=case.valid & (takes_part | rows_of_role(people, COLLEAGUE)))
    pairs = first, second = _pairs(case)
    role, school = takes_part[first].astype(float), people.school[first]
    if adjust:
        x = np.column_stack([np.ones(len(role)), role, y[first] - y[first].mean()])
        raw = contrast(y[second], x, [0, 1, 0], school)
    else:
        raw = contrast(y[second] - y[first], role[:, None], [1], school, cells=school)
    return _in_pairs(case, raw, pairs)


def _naive_roles(case: Case) -> Found:
    """Pingouin's two-sample t-test of the roles' changes."""
    people, y = case.people, case.y
    takes_part = rows_of_role(people, PARTICIPANT)
    case = replace(case, valid=case.valid & (takes_part | rows_of_role(people, COLLEAGUE)))
    pairs = first, second = _pairs(case)
    change, role = y[second] - y[first], takes_part[first]
    if min(role.sum(), (~role).sum()) < 2 or not change.std() > 0:
        raise NotEstimableError("no_variance")
    test = pingouin.ttest(change[role], change[~role], correction=True).iloc[0]
    apart = change[role].mean() - change[~role].mean()
    return _in_pairs(case, Result(apart, apart / test["T"], test["dof"]), pairs)


def _weighted(case: Case, weight: Floats, clusters: str) -> Found:
    """Weighted mean linked change; `weight` of every row, those of pre rows count."""
    people = case.people
    pairs = first, second = _pairs(case)
    group, cluster = people.clusters(clusters), people.school[first]
    cluster = cluster if group is None else group[cluster]
    w = weight[first]
    raw = contrast(
        case.y[second] - case.y[first], np.ones((len(first), 1)), [1], cluster, weights=w
    )
    found = replace(_in_pairs(case, raw, pairs), cluster_of_school=group)
    return replace(found, flags=(f"effective_n={missing.effective_size(w):.0f}",))


def _to_be_found(case: Case) -> np.ndarray:
    """Return the pre rows of people whose cohort is met again."""
    people = case.people
    rows = case.valid & people.pre
    if people.n_grades and people.years:
        rows &= np.isin(people.grade + people.years, np.unique(people.grade[people.post]))
    return rows


def _is_linked(case: Case) -> np.ndarray:
    """Return which rows before belong to people with an answer after."""
    linked = np.zeros(len(case.y), dtype=bool)
    first, _ = _pairs(case)
    linked[first] = True
    return linked


def _linkage_weights(case: Case, *, clusters: str) -> Found:
    """Everybody who answered before and could be found again, by weights of those who were."""
    people, rows = case.people, _to_be_found(case)
    case = replace(case, valid=case.valid & (rows | people.post))
    y, school = case.y[rows], people.school[rows]
    centre = np.bincount(school, y) / np.maximum(np.bincount(school), 1)
    covariates = [y, centre[school], *_dummies(case, rows)]
    weight = np.zeros(len(case.y))
    weight[rows] = missing.inverse_probability(_is_linked(case)[rows], np.column_stack(covariates))
    return _weighted(case, weight, clusters)


def _dummies(case: Case, rows: np.ndarray) -> list[Floats]:
    """Return 0/1 columns of grade and gender, each but its first value; missing is a value."""
    frame, found = case.people.frame, []
    for column in (GRADE, GENDER):
        if column in frame:
            code = pd.factorize(frame.loc[rows, column].astype("str").fillna(""), sort=True)[0]
            found += [(code == each).astype(float) for each in range(1, code.max() + 1)]
    return found


def _register_weights(case: Case, *, invited: Mapping[str, float], clusters: str) -> Found:
    """Every school counts by its invited, however many of them were linked."""
    people = case.people
    first, _ = _pairs(case)
    code = pd.Index(invited).get_indexer(people.frame[SCHOOL_ID].to_numpy()[first])
    if (code < 0).any():
        raise NotEstimableError("no_register")
    found = missing.register_weights([code], [list(invited.values())])
    weight = np.zeros(len(case.y))
    weight[first] = found.weights
    weighted = _weighted(case, weight, clusters)
    return replace(weighted, flags=(*weighted.flags, f"uncovered={found.uncovered[0]:.2f}"))


def _invited_of_schools(case: Case, invited: Mapping[str, float]) -> Floats:
    people = case.people
    labels = pd.Series(people.frame[SCHOOL_ID].to_numpy()).groupby(people.school).first()
    asked = labels.map(dict(invited)).to_numpy(dtype=float)
    if not np.isfinite(asked[people.school]).all():
        raise NotEstimableError("no_register")
    return asked


def _register_weights_by_grade(case: Case, *, invited: Mapping[str, float]) -> Found:
    """Same-grade change in which a school's cells share the number of its invited."""
    people = case.people
    cells, n, means = common_cells(case, at_least=1)
    asked = _invited_of_schools(case, invited)
    school, both = cells // people.n_grades, n.sum(axis=1)
    share = asked[school] * both / np.bincount(school, both)[school]
    share = np.minimum(share / both, np.quantile(share / both, missing.TRIM)) * both
    share = share / share.sum()
    raw = contrast(
        means.ravel(),
        np.tile([[0.0], [1.0]], (len(cells), 1)),
        [1],
        np.repeat(school, 2),
        cells=np.repeat(cells, 2),
        weights=(share[:, None] / n).ravel(),
        counts=n.ravel(),
    )
    return found_in_cells(case, raw, cells, share @ means)


def _imputed_pairs(case: Case, *, clusters: str, role: str = "") -> Found:
    """Linked people whose score is missing in a wave, imputed from the other wave."""
    people, y = case.people, case.y
    rows = people.role[people.first] == role if role else slice(None)
    first, second = people.first[rows], people.second[rows]
    asked = np.isfinite(y[first]) | np.isfinite(y[second])
    first, second = first[asked], second[asked]
    both = np.column_stack([y[first], y[second]])
    if np.isnan(both).mean() <= MISSING:
        raise NotEstimableError("little_missing")
    group, cluster = people.clusters(clusters), people.school[first]
    cluster = cluster if group is None else group[cluster]
    at = np.zeros(len(y), dtype=bool)
    at[first] = True
    x = np.column_stack([np.ones(len(first)), *_dummies(case, at)])[_order_in(at, first)]
    raw = missing.imputed(
        both,
        x,
        people.school[first],
        lambda whole: mean(whole[:, 1] - whole[:, 0], cluster),
        rng=np.random.default_rng(SEED),
    )
    return Found(raw, n_pre=len(first), n_post=len(first), n_schools_dropped=0, n_pairs=len(first))


def _order_in(at: np.ndarray, rows: Codes) -> Codes:
    """Return where each row stands among the rows that are set."""
    return np.cumsum(at)[rows] - 1


def _tipping(case: Case, *, clusters: str, mark: str, sesoi: float, level: float) -> Found:
    """How far the non-linked must differ, in scale points, for the conclusion to turn."""
    found = linked_change(case, clusters=clusters)
    rows = _to_be_found(case)
    share = _is_linked(replace(case, valid=case.valid & (rows | case.people.post))).sum()
    sd = case.settled(TOTAL)
    points = missing.tipping_points(
        found.raw.estimate / sd, found.raw.se / sd, found.raw.df, share / rows.sum(), sesoi, level
    )
    delta = Result(points[mark] * sd, np.nan, np.nan, found.raw.n_clusters)
    return replace(found, raw=delta, flags=(f"share_linked={share / rows.sum():.2f}",))


def _everybody(case: Case) -> Found:
    """All answers of each wave, linked or not; people enter through their school."""
    people = case.people
    rows = case.valid & (people.pre | people.post)
    raw = missing.linked_and_unlinked(case.y[rows], people.post[rows], people.school[rows])
    before, after = case.y[rows & people.pre], case.y[rows & people.post]
    return Found(raw, n_pre=len(before), n_post=len(after), n_schools_dropped=0)


def _reml_of_pairs(case: Case) -> Found:
    """REML with random intercept and wave slope by school and a person intercept; stayers."""
    case = _stayers(case)
    pairs = _pairs(case)
    first, rows = pairs[0], np.concatenate(pairs)
    wave = np.repeat([0.0, 1.0], len(first))
    fitted = mixed.fit(
        case.y[rows],
        np.column_stack([np.ones(len(rows)), wave]),
        np.tile(case.people.school[first], 2),
        slope=wave,
        person=np.tile(np.arange(len(first)), 2),
    )
    return _in_pairs(case, fitted.contrast([0, 1]), pairs)


def _reml_of_everybody(case: Case) -> Found:
    """REML of wave and grade with random intercept and wave slope by school."""
    people = case.people
    if not people.n_grades:
        raise NotEstimableError("no_grade")
    rows = case.valid & (people.pre | people.post) & np.isfinite(people.grade)
    wave = people.post[rows].astype(float)
    grades, grade = np.unique(people.grade[rows], return_inverse=True)
    if len(np.unique(wave)) < 2:
        raise NotEstimableError("no_pairs")
    x = np.column_stack([wave, np.eye(len(grades))[grade]])
    fitted = mixed.fit(case.y[rows], x, people.school[rows], slope=wave)
    raw = fitted.contrast(np.eye(x.shape[1])[0])
    n_post = int(wave.sum())
    return Found(raw, n_pre=len(wave) - n_post, n_post=n_post, n_schools_dropped=0)


def _superiority_of_pairs(case: Case, *, clusters: str) -> Found:
    pairs = first, second = _pairs(case)
    group, cluster = case.people.clusters(clusters), case.people.school[first]
    cluster = cluster if group is None else group[cluster]
    raw = ordinal.superiority_of_pairs(case.y[first], case.y[second], cluster)
    return _in_pairs(case, raw, pairs)


def _superiority(case: Case) -> Found:
    """Mann–Whitney of everybody in grades of schools met in both waves."""
    people = case.people
    cells, *_ = common_cells(case, at_least=1)
    used = np.zeros(people.cell.max() + 2, dtype=bool)
    used[cells] = True
    before, after = (case.valid & used[people.cell] & wave for wave in (people.pre, people.post))
    raw = ordinal.superiority(
        case.y[before], case.y[after], people.school[before], people.school[after]
    )
    return Found(raw, n_pre=before.sum(), n_post=after.sum(), n_schools_dropped=0)


def _ordered_logit(case: Case) -> Found:
    """Ordered logit of the rounded score on wave and grade, jackknife over schools."""
    people = case.people
    cells, *_ = common_cells(case, at_least=1)
    used = np.zeros(people.cell.max() + 2, dtype=bool)
    used[cells] = True
    rows = case.valid & used[people.cell] & (people.pre | people.post)
    points = np.floor(case.y[rows] + 0.5)
    raw = ordinal.ordered_logit(points, people.post[rows], people.school[rows], people.grade[rows])
    n_post = int(people.post[rows].sum())
    return Found(raw, n_pre=rows.sum() - n_post, n_post=n_post, n_schools_dropped=0)


def _variants(population: str, estimand: str, options: Mapping[str, object]) -> dict[str, Variant]:
    """Return the other choices for an estimand by their names."""
    group = FEEDER if population == "pupils" else SCHOOL
    if estimand == "same_grade":
        return _of_same_grade(options)
    if estimand == "participants_vs_colleagues":
        return _of_roles(options)
    if estimand in ("linked_change", *ROLE_OF):
        return _of_linked(group, estimand, options)
    return {}


def _of_linked(group: str, estimand: str, options: Mapping[str, object]) -> dict[str, Variant]:
    by = partial(Variant, unit=_study_unit)
    linked = partial(linked_change, clusters=group)
    found = {
        "school_means": by("every school counts once; t(S - 1)", _school_means),
        "reml_slope": by(
            "REML, school intercept and wave slope, person intercept, stayers; Satterthwaite df",
            _reml_of_pairs,
        ),
        "stayers": by(f"people who stayed at their school, clusters schools; {CR2}", _stayed),
        "linkage_weights": by(
            f"inverse probability of being linked; {CR2}", partial(_linkage_weights, clusters=group)
        ),
        "register_weights": by(
            f"schools weigh as many as were invited; {CR2}",
            partial(_register_weights, invited=options["invited"], clusters=group),
        ),
        "imputation": by(
            "multiple imputation, two-level, 20 times; Rubin, Barnard and Rubin",
            partial(_imputed_pairs, clusters=group, role=ROLE_OF.get(estimand, "")),
        ),
        "linked_and_unlinked": by(
            f"all answers of the cohorts met in both waves, linked or not; {CR2}",
            cohort_change if group == FEEDER else _everybody,
        ),
        "own_unit": Variant(f"SD of this region's answers before; {CR2}", linked, _own_unit),
        "linked_unit": Variant(f"SD before of the linked; {CR2}", linked, _linked_unit),
        "average_unit": Variant(f"mean of both waves' SDs; {CR2}", linked, _average_unit),
        "hedges_g": Variant(
            f"SD before of the linked, exact J(n - 1); {CR2}",
            linked,
            partial(_linked_unit, exact=True),
        ),
        "superiority": Variant(
            f"P(post > pre) + 1/2 P(equal) - 1/2; {CR2}",
            partial(_superiority_of_pairs, clusters=group),
            None,
        ),
        "naive": by(NAIVE, _naive_paired),
    }
    if group == FEEDER:
        for clusters in (SCHOOL, POST_SCHOOL, NETWORK):
            method = f"clusters: {clusters}; {CR2}"
            found[f"cluster_{clusters}"] = by(method, partial(linked_change, clusters=clusters))
    for mark in ("increase", "decrease", "beyond +SESOI", "beyond -SESOI"):
        tipping = partial(
            _tipping, clusters=group, mark=mark, sesoi=options["sesoi"], level=options["ci_level"]
        )
        method = f"how much more the non-linked must have changed for: {mark}"
        found[f"tipping_point: {mark}"] = by(method, tipping)
    return found | _on_other_answers(linked, options)


def _of_same_grade(options: Mapping[str, object]) -> dict[str, Variant]:
    by = partial(Variant, unit=_study_unit)
    return {
        "all_schools": by(f"y ~ wave + grade, also schools of one wave; {CR2}", _all_schools),
        "equal_grades": by(f"every grade counts alike; {CR2}", _equal_grades),
        "reml_slope": by(
            "REML of wave and grade, school intercept and wave slope; Satterthwaite df",
            _reml_of_everybody,
        ),
        "register_weights": by(
            f"schools weigh as many as were invited; {CR2}",
            partial(_register_weights_by_grade, invited=options["invited"]),
        ),
        "own_unit": Variant(f"SD of this region's answers before; {CR2}", same_grade, _own_unit),
        "superiority": Variant(
            f"P(post > pre) + 1/2 P(equal) - 1/2 (Mann-Whitney); {CR2}", _superiority, None
        ),
        "ordered_logit": Variant(
            "log odds ratio of wave, ordered logit with grades; jackknife over schools, t(S - 1)",
            _ordered_logit,
            None,
        ),
        "naive": by(NAIVE, _naive_welch),
        **_on_other_answers(same_grade, options),
    }


def _of_roles(options: Mapping[str, object]) -> dict[str, Variant]:
    by = partial(Variant, unit=partial(_study_unit, name=WITHIN_ROLE))
    return {
        "ancova": by(f"post ~ role + pre; {CR2}", partial(_contrast_of_roles, adjust=True)),
        "school_effects": by(
            f"change ~ role + school, within schools; {CR2}",
            partial(_contrast_of_roles, adjust=False),
        ),
        "naive": by(NAIVE, _naive_roles),
        **_on_other_answers(participants_vs_colleagues, options, WITHIN_ROLE),
    }


def _on_other_answers(
    find: Callable[[Case], Found], options: Mapping[str, object], unit: str = TOTAL
) -> dict[str, Variant]:
    """Return the main analysis without careless answers."""
    return {
        "without_careless": Variant(
            f"without people who gave the same answer to items that go both ways; {CR2}",
            partial(_without_careless, find=find),
            partial(_study_unit, name=unit),
        )
    }


def _without_careless(case: Case, *, find: Callable[[Case], Found]) -> Found:
    if CARELESS not in case.people.frame:
        raise NotEstimableError("no_careless_flags")
    flagged = case.people.frame[CARELESS].to_numpy(dtype=bool)
    if not (flagged & case.valid).any():
        raise NotEstimableError("nobody_careless")
    return find(replace(case, valid=case.valid & ~flagged))


def sensitivity(
    clean: pd.DataFrame,
    effects: pd.DataFrame,
    *,
    population: str,
    region: str,
    units: pd.DataFrame,
    instrument: Instrument | None = None,
    invited: Mapping[str, float] | None = None,
    failing: Mapping[str, Collection[str]] | None = None,
    latent: pd.DataFrame | None = None,
    years: int = 0,
) -> pd.DataFrame:
    """Return every mean change again under other choices, one at a time.

    Parameters
    ----------
    clean : DataFrame
        The clean frame that `effects` were computed from.
    effects : DataFrame
        ``names.EFFECTS`` of the main analysis; rows of everybody (subgroup ``all``) of
        ``linked_change``, ``same_grade``, ``participants``, ``colleagues`` and
        ``participants_vs_colleagues`` are asked again.
    population, region : str
        For the columns of these names.
    units : DataFrame
        ``names.UNITS``.
    instrument : Instrument, optional
        For careless answers, and for scales without the items that fail.
    invited : mapping of school_id to float, optional
        How many were invited at each school.
    failing : mapping of scale to items, optional
        Items that do not measure the same in both waves.
    latent : DataFrame, optional
        Rows of ``names.INVARIANCE`` of this population, for national rows: the latent change
        under the invariance that held.
    years : int, default 0
        School years from pre to post.

    Returns
    -------
    DataFrame
        ``names.SENSITIVITY``: a row per main row and `analysis`. `main_estimate` and
        `main_verdict` are those of the main analysis; `agrees` says whether both conclude alike
        (an increase, a decrease, or neither). Ordinal analyses have no `estimate` in SD: their
        `change` is a probability less ½, or a log odds ratio. Tipping points have no interval:
        `estimate` is how much more the non-linked must have changed, in SD. What cannot be
        computed is a row with its `reason`.
    """
    if instrument is not None:
        clean = clean.assign(**{CARELESS: same_answer(clean, instrument)})
    people, settled = arrange(clean, years=years), rulers(units, population)
    rows = []
    for main in effects[(effects[POPULATION] == population) & (effects[SUBGROUP] == ALL)].to_dict(
        "records"
    ):
        options = {"invited": invited or {}, "sesoi": main["sesoi"], "ci_level": main["ci_level"]}
        ruler = settled.get(main[OUTCOME], {})
        for name, variant in _variants(population, main[ESTIMAND], options).items():
            rows.append(_row(main, name, variant, people, ruler))
        rows += _without_failing(main, clean, ruler, instrument, failing, population, years)
        rows += _latent(main, latent)
    table = judged(pd.DataFrame(rows).reindex(columns=[*_JUDGED])) if rows else pd.DataFrame()
    return _finished(table)


_JUDGED = (*SENSITIVITY, "drift", "family", "main_direction")
_COUNTS = ("n_pre", "n_post", "n_pairs", "n_clusters")
_TEXTS = (
    "region", "population", "outcome", "question", "estimand", "subgroup", "analysis", "contrast",
    "verdict", "main_verdict", "flags", "method", "reason",
)  # fmt: skip


def _row(
    main: Mapping[str, object],
    name: str,
    variant: Variant,
    people: People,
    ruler: Mapping[str, float],
) -> dict[str, object]:
    shared = ("region", "population", "outcome", "question", "estimand", "subgroup", "contrast")
    row = {key: main[key] for key in (*shared, "ci_level", "sesoi", "drift")}
    row |= {"analysis": name, "method": variant.method, "family": "", "flags": ""}
    row |= _of_main(main)
    try:
        y = answers(people, str(main[OUTCOME]))
        valid = np.isfinite(y)
        if main[ESTIMAND] in ROLE_OF:
            valid &= rows_of_role(people, ROLE_OF[main[ESTIMAND]])
        case = Case(people, y, valid, ruler)
        found = variant.find(case)
        return row | _numbers(case, found, variant, float(main["ci_level"]))
    except NotEstimableError as refusal:
        return {**row, "drift": np.nan, "reason": refusal.reason}


def _of_main(main: Mapping[str, object]) -> dict[str, object]:
    """Return what the main analysis found, and where its interval lies: above 0, below, around."""
    low, high = float(main["ci_low"]), float(main["ci_high"])
    direction = np.nan if np.isnan(low) else float(low > 0) - float(high < 0)
    return {
        "main_estimate": main["estimate"],
        "main_verdict": main["verdict"],
        "main_direction": direction,
    }


def _numbers(case: Case, found: Found, variant: Variant, level: float) -> dict[str, object]:
    raw = found.raw
    row: dict[str, object] = {key: getattr(found, key) for key in ("n_pre", "n_post", "n_pairs")}
    row |= {"n_clusters": raw.n_clusters or None, "change": raw.estimate}
    row["flags"] = ";".join(flags_of(found, np.nan) if raw.n_clusters else found.flags)
    has_interval = np.isfinite(raw.se)
    if has_interval:
        row |= {"change_se": raw.se, "df": raw.df, "p_value": raw.p_value}
    if variant.unit is not None:
        unit = variant.unit(case, found)
        if not unit.sd > 0:
            raise NotEstimableError("no_unit")
        scaled = standardise(raw, unit.sd, **unit.sample)
        row |= {"sd_unit": unit.sd, "estimate": unit.factor * scaled.estimate}
        if has_interval:
            low, high = (unit.factor * end for end in scaled.interval(level))
            row |= {"se": unit.factor * scaled.se, "ci_low": low, "ci_high": high}
    return row


def _without_failing(
    main: Mapping[str, object],
    clean: pd.DataFrame,
    ruler: Mapping[str, float],
    instrument: Instrument | None,
    failing: Mapping[str, Collection[str]] | None,
    population: str,
    years: int,
) -> list[dict[str, object]]:
    """Return the main analysis of the scale without the items that changed their meaning."""
    out = (failing or {}).get(str(main[OUTCOME]), ())
    if not out or instrument is None or main[ESTIMAND] not in FINDS:
        return []
    kept = [item for item in instrument.scales[str(main[OUTCOME])].items if item not in out]
    score = clean[kept].astype(float)
    enough = score.notna().sum(axis=1) >= len(kept) / 2
    shorter = clean.assign(**{str(main[OUTCOME]): score.mean(axis=1).where(enough)})
    find = partial(FINDS[main[ESTIMAND]], **_clustering(population, str(main[ESTIMAND])))
    method = f"the scale without {', '.join(sorted(out))}; {CR2}"
    unit = WITHIN_ROLE if main[ESTIMAND] == "participants_vs_colleagues" else TOTAL
    variant = Variant(method, find, partial(_study_unit, name=unit))
    return [_row(main, "without_failing_items", variant, arrange(shorter, years=years), ruler)]


FINDS = {
    "linked_change": linked_change,
    "participants": linked_change,
    "colleagues": linked_change,
    "same_grade": same_grade,
    "participants_vs_colleagues": participants_vs_colleagues,
}


def _clustering(population: str, estimand: str) -> dict[str, str]:
    if FINDS[estimand] is not linked_change:
        return {}
    return {"clusters": FEEDER if population == "pupils" else SCHOOL}


def _latent(main: Mapping[str, object], latent: pd.DataFrame | None) -> list[dict[str, object]]:
    """Return the latent change of the linked, under the most equal model that held."""
    if latent is None or main[ESTIMAND] != "linked_change":
        return []
    rows = latent[(latent["scale"] == main[OUTCOME]) & latent["latent_change"].notna()]
    rows = rows[rows["model"].ne("strict")]
    holding = rows[rows["holds"].fillna(False)]
    if rows.empty:
        return []
    model = (holding if len(holding) else rows).iloc[-1]
    shared = ("region", "population", "outcome", "question", "estimand", "subgroup", "contrast")
    row = {key: main[key] for key in (*shared, "ci_level", "sesoi", "drift")}
    change, se = float(model["latent_change"]), float(model["latent_change_se"])
    low, high = Result(change, se, np.inf).interval(float(main["ci_level"]))
    return [
        row
        | {
            "analysis": "latent_change",
            "method": f"latent mean, {model['model']} invariance; cluster-robust by school, normal",
            "family": "",
            "flags": "",
            **_of_main(main),
            "n_pairs": model["n"],
            "change": change,
            "change_se": se,
            "df": np.inf,
            "p_value": Result(change, se, np.inf).p_value,
            "sd_unit": 1.0,
            "estimate": change,
            "se": se,
            "ci_low": low,
            "ci_high": high,
        }
    ]


def _finished(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the contract, with whether the conclusions agree."""
    main_direction = table.get("main_direction", pd.Series(dtype=float)).astype(float)
    table = table.reindex(columns=[*SENSITIVITY])
    no_test = table["change"].notna() & table["p_value"].isna()
    table.loc[no_test, "verdict"] = ""
    found = np.sign(table["change"]).where(table["p_value"] < 1 - table["ci_level"], 0)
    tested = table["p_value"].notna() & main_direction.notna()
    table["agrees"] = (found == main_direction).astype("boolean").where(tested)
    for column in _TEXTS:
        table[column] = table[column].astype(object).fillna("").astype("str")
    table = table.astype(dict.fromkeys(_COUNTS, "Int64") | {"suppressed": "boolean"})
    others = [c for c in SENSITIVITY if c not in (*_TEXTS, *_COUNTS, "agrees", "suppressed")]
    return table.astype(dict.fromkeys(others, float))
