"""Pre/post effects: one row per estimate, in scale points and in SD.

The verbs here are what a notebook calls. Each takes tidy answers and the plan and gives rows of
``schema.EFFECTS``: the change in scale points with CR2 and Satterthwaite df, the same in units of
the study's SD. What cannot be estimated is a row too, with its reason and without numbers. The
verdicts are added by :func:`~loftet_analysis.analysis.verdicts.verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.analysis import changes
from loftet_analysis.analysis import equity as _equity
from loftet_analysis.analysis.changes import (
    CONTAMINATED,
    CR2,
    DESCRIPTIVE,
    QUASI_EXPERIMENTAL,
    SMALLEST_CELL,
    TOTAL,
    WITHIN_ROLE,
    Answers,
    Estimate,
    unit_sample,
)
from loftet_analysis.analysis.measurement import UNKNOWN
from loftet_analysis.analysis.panel import (
    FEEDER,
    REGION,
    SCHOOL,
    Mask,
    Panel,
    answers,
    arrange,
    roles,
    subgroup_rows,
)
from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.estimands import (
    CONTRASTS,
    ESTIMANDS,
    FEWEST_REGIONS,
    FEWEST_REGIONS_ON_A_SIDE,
    ROLE_OF,
    SPLINE,
    WHOLE,
    contrast_of_waves,
    names_where,
    waves_of,
)
from loftet_analysis.stats.cr2 import standardise
from loftet_analysis.stats.missing import BASELINE_ADJUST, BASELINE_APART
from loftet_analysis.stats.result import NotEstimableError, Result
from loftet_analysis.study.frames import checked
from loftet_analysis.study.plan import WITH_TREND
from loftet_analysis.study.trends import Trend

#: Beside the contract: how many answers of the group the rows had, by which the gate sees whether
#: they were all.
COLUMNS = (*schema.EFFECTS, "answers_pre", "answers_post")
LOW_DF = 4
FEW_CLUSTERS = 6
#: Of rows with fewer the gate may hide the interval, so that no flag may tell on which side it is.
CLUSTERS_TO_JUDGE = 8
#: Above this share of one cluster intervals are too short: simulated with answers that differ
#: between clusters they hold the truth 93 times in a hundred at .85, 88 at .95 and 74 at .995.
LARGEST = 0.85
#: What a row takes over from the plan.
_FROM_PLAN = (
    "region", "population", "outcome", "question", "estimand", "contrast", "subgroup", "family",
    "plan_role", "drift", "ci_level", "sesoi", "measurement_warning", "wave",
)  # fmt: skip
#: Columns of a clean frame that pairs carry along, as they were before.
_CARRIED = ("region", "school_id", "cohort", "grade", "gender", "role", "gatherings",
            "interim_work", "comparison")  # fmt: skip


@dataclass(frozen=True)
class Model:
    """How a row is computed and what its fixed texts say.

    Attributes
    ----------
    method : str
    find : callable
        Takes `Answers`, gives an `Estimate`; of linked people, and where regions may be the
        clusters, also takes `clusters`.
    contrast, weighting, cluster, evidence : str
        As in the table; a contrast of the plan goes before, and its waves behind a contrast of
        groups. An empty cluster is that of linked
        people: feeder groups of pupils, else schools, or what the pairs say. In the country's rows
        of many regions the estimand's own clusters go before (``Estimand.by_region``).
    unit : str
        The SD that it is standardised by; empty where scale points or shares are all there is.
    is_change : bool
        Whether zero means no change, so that it can be tested and judged.
    by_school : callable, optional
        Takes `Answers`, gives the correlation over schools of who answered again with the change;
        the flag `selected` names it where its interval excludes zero.
    selected : str
    apart, weighted : callable, optional
        Take `Answers`: by how many SD those who were followed were above the lost before, and the
        estimate by weights with which they stand for all.
    """

    method: str
    find: Callable[..., Estimate]
    contrast: str = WHOLE
    weighting: str = "person"
    cluster: str = SCHOOL
    unit: str = TOTAL
    evidence: str = DESCRIPTIVE
    is_change: bool = True
    by_school: Callable[..., Result] | None = None
    selected: str = "selective_linkage"
    apart: Callable[..., float] | None = None
    weighted: Callable[..., Estimate] | None = None


_linked = partial(Model, cluster="")


def _of_linked(role: str = "") -> Model:
    return _linked(
        f"mean of linked changes; {CR2}",
        partial(changes.linked_change, role=role),
        by_school=partial(changes.linkage_by_school, role=role),
        apart=partial(changes.lost_apart, role=role),
        weighted=partial(changes.linkage_weighted, role=role),
    )


_by_cell = partial(Model, weighting="pooled_cell_share")
_level = partial(Model, unit="", is_change=False)
_BY_PAIRS = "school_change of pairs"

#: The rows of each estimand: several where it has several contrasts.
MODELS: dict[str, tuple[Model, ...]] = {
    "linked_change": (_of_linked(),),
    "participants": (_of_linked(names.PARTICIPANT),),
    "colleagues": (_of_linked(names.COLLEAGUE),),
    "same_grade": (
        _by_cell(
            f"weighted least squares on wave + school x grade; {CR2}",
            changes.same_grade,
            by_school=changes.response_by_school,
            selected="selective_response",
        ),
    ),
    "school_change": (
        Model(
            f"mean of schools' same-grade changes (cells of {SMALLEST_CELL} or more); t(S - 1)",
            changes.school_change_by_grade,
            weighting="school",
        ),
    ),
    _BY_PAIRS: (
        Model(
            "mean of schools' mean linked changes; t(S - 1)",
            changes.school_change_by_pairs,
            weighting="school",
        ),
    ),
    "cohort_change": (
        _by_cell(
            f"weighted least squares on wave + cohort, links unused; {CR2}",
            changes.cohort_change,
            cluster=FEEDER,
        ),
    ),
    "participants_vs_colleagues": (
        _linked(
            f"least squares of linked change on role; {CR2}",
            changes.participants_vs_colleagues,
            contrast="participant - colleague",
            unit=WITHIN_ROLE,
            evidence=CONTAMINATED,
        ),
    ),
    "programme_vs_comparison": (
        _linked(
            f"least squares of linked change on the school's role; {CR2}",
            changes.programme_vs_comparison,
            contrast="programme - comparison",
            evidence=QUASI_EXPERIMENTAL,
        ),
    ),
    "level": (
        _level(f"mean; {CR2}", changes.level, contrast="mean"),
        _level(
            f"share above the middle of the answers; {CR2}, interval on the logit scale",
            partial(changes.level, above_middle=True),
            contrast="share",
        ),
    ),
    "dose": tuple(
        _linked(
            f"{curve} of linked change on attendance; {CR2}",
            partial(changes.dose, column=column, spline=bool(ends)),
            contrast=f"{each}: {ends}" if ends else f"per {each}",
        )
        for column, each in ((names.GATHERINGS, "gathering"), (names.INTERIM_WORK, "interim work"))
        for curve, ends in (
            ("least squares", ""),
            ("natural cubic spline (3 df)", SPLINE),
        )
    ),
    "same_grade_quantile": tuple(
        _by_cell(
            f"change of the mid-distribution quantile within the same grades; {CR2}",
            partial(_equity.same_grade_quantile, p=percent / 100),
            contrast=f"p{percent}",
        )
        for percent in _equity.PERCENTILES
    ),
    "share_below": (
        _by_cell(
            f"same-grade change of the share below the lowest fifth's limit before; {CR2}",
            _equity.share_below,
            unit="",
        ),
    ),
    "gap_change": (
        _by_cell(
            f"weighted least squares on wave x group + school x grade x group; {CR2}",
            _equity.gap_change,
            contrast="",
        ),
    ),
    "lowest_fifth": (
        _linked(
            f"linked change of the lowest fifth beyond Kelley's expectation; {CR2}",
            _equity.lowest_fifth,
            contrast="lowest fifth - expected",
            is_change=False,  # zero is not what to expect without a programme
        ),
    ),
    "spread_ratio": tuple(
        Model(
            f"log ratio (post/pre) of the SD {part}; analysis of variance on grade + school; "
            "jackknife over schools, t(S - 1)",
            partial(_equity.spread_ratio, part=part),
            contrast=part,
            unit="",
        )
        for part in (_equity.BETWEEN, _equity.WITHIN)
    ),
}


@partial(checked, planned=(names.POPULATION, names.OUTCOME))
def pairs(
    clean: pd.DataFrame,
    plan: pd.DataFrame,
    *,
    cluster: str | None = None,
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the answers before and after of the same people, outcome by outcome.

    Pairs are formed by person before missing answers are dropped. Where the plan asks for changes
    from or to a wave midway, these waves are paired too.

    Parameters
    ----------
    clean : DataFrame
        Clean frame, one row per person and wave: `wave`, `school_id`, `person_id` and the
        outcomes.
    plan : DataFrame
        From ``study.plan(population)``: its outcomes are paired, in its order.
    cluster : {"feeder_group", "school", "region"}, optional
        Who is not independent of whom. Pupils who share the first or the second school belong
        together (see :func:`~loftet_analysis.analysis.panel.feeder_groups`), everybody else those
        who were at the same school before; a pair across regions belongs to that before. Default:
        of the country with 8 regions or more the regions, else feeder groups for pupils and
        schools for others. A row whose pairs lie in too few regions takes `school_group` instead
        (flag ``few_regions``).
    also : sequence of str, optional
        Further columns to carry along, as they were before.

    Returns
    -------
    DataFrame
        One row per contrast, outcome and person who answered it before: `population, outcome,
        question, contrast` (``post - pre``, then ``mid - pre`` and ``post - mid`` as the plan asks
        for them: *before* and *after* are its earlier and its later wave), `person_id, region,
        school_id, grade, gender, role, gatherings, interim_work` (as far as the frame has them, as
        they were before), `school_post`, `cluster` (a label) and `clustered_by`, `school_group`
        (the feeder group, of others the school: ICC and design effect are by it), `pre, post,
        change` in scale points; `post` and `change` are missing where the same person has no
        answer after.

    Raises
    ------
    InputError
        Where the frame lacks `wave` or `school_id`, or holds a person twice in a wave.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post", "pre"], "school_id": list("aab"),
    ...                       "person_id": ["x", "x", "y"], "joy": [2.0, 3.0, 4.0]})
    >>> plan = pd.DataFrame({"population": ["teachers"], "outcome": ["joy"], "question": ["Q5"]})
    >>> pairs(clean, plan)[["outcome", "person_id", "cluster", "pre", "post", "change"]]
      outcome person_id cluster  pre  post  change
    0     joy         x       a  2.0   3.0     1.0
    1     joy         y       b  4.0   NaN     NaN
    """
    about = ["population", "outcome", "question"]
    if plan.empty:
        carried = (names.PERSON, *_CARRIED, *also, "school_post")
        columns = [*about, "contrast", *carried, "cluster", "clustered_by", "school_group"]
        columns += ["pre", "post", "change"]
        return pd.DataFrame(columns=list(dict.fromkeys(columns)))
    contrasts = _contrasts(plan)
    parts = []
    for contrast, waves in CONTRASTS.items():
        asked = plan[contrasts == contrast].reindex(columns=about).drop_duplicates("outcome")
        if len(asked):
            panel = arrange(clean, waves=waves)
            parts.append(_paired(panel, plan, asked.assign(contrast=contrast), cluster, also))
    parts = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _contrasts(plan: pd.DataFrame) -> pd.Series:
    """Return which waves a plan's rows compare; levels have those of their outcome's changes."""
    contrast = plan.get("contrast", pd.Series("", plan.index)).map(contrast_of_waves)
    if "estimand" not in plan:
        return contrast
    is_level = plan["estimand"].eq("level")
    of_outcome = contrast[~is_level].groupby(plan["outcome"]).first().to_dict()
    return contrast.where(~is_level, [of_outcome.get(each, WHOLE) for each in plan["outcome"]])


def _paired(
    panel: Panel, plan: pd.DataFrame, asked: pd.DataFrame, cluster: str | None, also: Sequence[str]
) -> pd.DataFrame:
    """Return the pairs of two waves, for the outcomes of `asked`."""
    clean = panel.frame
    of_pupils = plan["population"].eq("pupils").any()
    kind = cluster or (REGION if _by_regions(plan.iloc[0], panel) else _group(of_pupils))
    before = np.flatnonzero(panel.pre)
    after = np.full(len(clean), -1)
    after[panel.first] = panel.second
    there = after[before] >= 0
    ids = pd.factorize(clean[names.SCHOOL], sort=True)[1].to_numpy(dtype=object)
    labels = clean[names.REGION].to_numpy(dtype=object) if kind == REGION else None
    labels = ids[panel.clusters(kind)] if labels is None else labels
    groups = ids[panel.clusters(_group(of_pupils))]
    school_post = pd.Series(None, index=range(len(before)), dtype=object)
    school_post[there] = ids[panel.school[after[before][there]]]
    carried = [c for c in dict.fromkeys((names.PERSON, *_CARRIED, *also)) if c in clean]
    of_person = clean.iloc[before][carried]
    of_person = of_person.reset_index(drop=True).assign(
        school_post=school_post, cluster=labels[before], clustered_by=kind,
        school_group=groups[before],
    )  # fmt: skip
    parts = []
    for each in asked.to_dict("records"):
        if each["outcome"] not in clean:
            continue
        y = answers(panel, each["outcome"])
        post = np.where(there, y[after[before]], np.nan)
        answered = np.isfinite(y[before])
        part = of_person[answered].assign(**each, pre=y[before][answered], post=post[answered])
        parts.append(part)
    columns = [*asked, *of_person, "pre", "post"]
    paired = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return paired[columns].assign(change=paired["post"] - paired["pre"])


@checked
def linked_change(
    paired: pd.DataFrame, plan: pd.DataFrame, *, role: str | None = None, by: str | None = None
) -> pd.DataFrame:
    """Return the mean change of the people who answered both times.

    The mean of `change` with CR2 standard error over `cluster` and Satterthwaite df. Nationally,
    from 8 regions on, the clusters are the regions (`cluster` is ``region``, and `n_schools` counts
    the schools): the rows answer for regions like these, not for these very regions alone.

    Parameters
    ----------
    paired : DataFrame
        From `pairs`; `cluster` may be changed before.
    plan : DataFrame
        From ``study.plan``: rows of the estimand say for which outcomes and subgroups.
    role : {"participant", "colleague"}, optional
        Only people of this role before: the estimands ``participants`` and ``colleagues``.
    by : str, optional
        A column of `paired`, in whose groups to estimate instead of in those of the plan.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``; verdicts are still empty.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 4, "school_id": list("aabbccdd"),
    ...                       "person_id": list("11223344"), "joy": [1, 2, 2, 4, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "question": "Q1",
    ...     "estimand": "linked_change", "subgroup": "all", "sd_unit": 0.8, "region": "oslo"}])
    >>> row = linked_change(pairs(clean, plan), plan)
    >>> row[["n_pairs", "n_clusters", "change", "change_se", "df", "estimate"]].round(3)
       n_pairs  n_clusters  change  change_se   df  estimate
    0        4           4     1.0      0.408  3.0      1.25
    """
    estimand = "linked_change" if role is None else _of_role(role)
    return _from_pairs(paired, plan, (estimand,), by)


@checked
def participants_vs_colleagues(
    paired: pd.DataFrame, plan: pd.DataFrame, *, by: str | None = None
) -> pd.DataFrame:
    """Return how much more participants changed than colleagues; the two share schools.

    change ~ role with CR2 over `cluster`. It measures no effect, since colleagues are meant to be
    reached too. `mean_pre` and `mean_post` are the difference of the roles in each wave; SDs and r
    are taken within role; `flags` say where the groups were apart before.

    Parameters
    ----------
    paired : DataFrame
        From `pairs`, with `role`.
    plan : DataFrame
        From ``study.plan``: its rows of the estimand, with `sd_within_role`.
    by : str, optional
        A column of `paired`, in whose groups to estimate instead of in those of the plan.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 8, "school_id": list("aaaabbbbccccdddd"),
    ...                       "person_id": list("1122334455667788"),
    ...                       "role": ["participant", "participant", "colleague", "colleague"] * 4,
    ...                       "joy": [1, 3, 2, 2, 3, 4, 2, 3, 1, 2, 2, 2, 3, 3, 1, 2.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "participants_vs_colleagues", "subgroup": "all", "sd_within_role": 0.8}])
    >>> row = participants_vs_colleagues(pairs(clean, plan), plan)
    >>> row[["contrast", "n_pairs", "change", "change_se", "df"]].round(3)
                      contrast  n_pairs  change  change_se   df
    0  participant - colleague        8     0.5      0.645  3.0
    """
    return _from_pairs(paired, plan, ("participants_vs_colleagues",), by)


@checked
def dose(paired: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return how linked change goes with attendance: per unit, and many against few.

    change ~ attendance, straight, and along a natural cubic spline (3 df) from the 10th to the
    90th percentile of attendance; CR2 over `cluster`. Participants only, where there are roles.

    Parameters
    ----------
    paired : DataFrame
        From `pairs`, with `gatherings` or `interim_work`.
    plan : DataFrame
        As for `linked_change`.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``, four rows per outcome; `flags` give the percentiles (``range=4-9``).

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 8, "school_id": list("aabbccddeeffgghh"),
    ...                       "person_id": list("1122334455667788"), "role": "participant",
    ...                       "gatherings": [3, 3, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 4, 4],
    ...                       "joy": [1, 1, 2, 2, 3, 4, 2, 3, 1, 2, 2, 4, 3, 4, 1, 2.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "dose", "subgroup": "all", "sd_unit": 0.8}])
    >>> rows = dose(pairs(clean, plan), plan)
    >>> rows.loc[:1, ["contrast", "n_pairs", "change", "change_se", "df"]].round(3)
                                contrast  n_pairs  change  change_se     df
    0                      per gathering        8   0.179       0.09  3.401
    1  gathering: 90th - 10th percentile        8   1.023       0.61  2.624
    """
    return _from_pairs(paired, plan, ("dose",), None)


@checked
def same_grade(clean: pd.DataFrame, plan: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return the change between the pupils of a grade before and those of that grade after.

    y ~ wave + school × grade over the cells met in both waves, each weighted by its share of both
    waves together, Σ (n_c/N)(ȳ_post,c − ȳ_pre,c); CR2 over schools, or nationally, from 8 regions
    on, over regions.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, `grade` and the outcomes.
    plan : DataFrame
        As for `linked_change`.
    by : str, optional
        A column of `clean`, in whose groups to estimate instead of in those of the plan.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``; numbers, means and SDs are those of everybody in the cells used.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 6, "school_id": list("aabbccddeeff"),
    ...                       "grade": 7, "joy": [1, 2, 2, 4, 3, 3, 2, 3, 1, 1, 2, 4.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "question": "Q1",
    ...     "estimand": "same_grade", "subgroup": "all", "sd_unit": 0.8, "region": "oslo"}])
    >>> same_grade(clean, plan)[["n_pre", "n_post", "change", "change_se", "df"]].round(3)
       n_pre  n_post  change  change_se   df
    0      6       6     1.0      0.365  5.0
    """
    return _from_clean(clean, plan, ("same_grade",), by)


@checked
def school_change(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of the schools' changes, each school counting once.

    Of pupils with grades a school's change is its mean same-grade difference over cells of at
    least 5 in each wave, of all others its mean linked change; t with schools − 1 df.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes, and `grade` or `person_id`.
    plan : DataFrame
        From ``study.plan``: its rows of the estimand.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 6, "school_id": list("aaaabbbbcccc"),
    ...                       "person_id": list("112233445566"),
    ...                       "joy": [1, 2, 2, 4, 3, 3, 2, 3, 1, 1, 2, 4.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "school_change", "subgroup": "all", "sd_unit": 0.8}])
    >>> school_change(clean, plan)[["n_pairs", "n_clusters", "change", "change_se", "df"]].round(3)
       n_pairs  n_clusters  change  change_se   df
    0        6           3     1.0      0.289  2.0
    """
    return _from_clean(clean, plan, ("school_change",), None)


@checked
def cohort_change(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return the change of the cohorts met in both waves, without using links.

    y ~ wave + cohort, cohorts weighted by their share of both waves together; CR2 over feeder
    groups, or schools where nobody is linked, and nationally, from 8 regions on, over regions.
    `years` of the plan is how many grades a cohort has moved.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, `grade`, the outcomes, and `person_id` for the clusters.
    plan : DataFrame
        From ``study.plan``: its rows of the estimand.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 6, "school_id": list("aabbccddeeff"),
    ...                       "grade": [5, 7] * 6, "joy": [1, 2, 2, 4, 3, 3, 2, 3, 1, 1, 2, 4.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "question": "Q5",
    ...     "estimand": "cohort_change", "subgroup": "all", "sd_unit": 0.8, "years": 2}])
    >>> cohort_change(clean, plan)[["n_pre", "n_post", "change", "change_se", "df"]].round(3)
       n_pre  n_post  change  change_se   df
    0      6       6     1.0      0.365  5.0
    """
    return _from_clean(clean, plan, ("cohort_change",), None)


@checked
def programme_vs_comparison(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return how much more the programme's schools changed than the comparison schools.

    Of linked people where there are any, else of same grades. Groups more than .25 SD apart before
    are not compared; between .05 and .25 the linked change is adjusted for the answer before (What
    Works Clearinghouse, Standards 5.0).

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, the outcomes, `comparison` (true at schools outside the
        programme), and `person_id` or `grade`.
    plan : DataFrame
        From ``study.plan``: its rows of the estimand.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 8, "school_id": list("aabbccddeeffgghh"),
    ...                       "person_id": list("1122334455667788"),
    ...                       "comparison": [False] * 8 + [True] * 8,
    ...                       "joy": [1, 3, 2, 3, 3, 4, 2, 3, 1, 1, 2, 2, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "programme_vs_comparison", "subgroup": "all", "sd_unit": 0.8}])
    >>> row = programme_vs_comparison(clean, plan)
    >>> row[["contrast", "n_pairs", "change", "change_se", "evidence"]].round(3)
                     contrast  n_pairs  change  change_se            evidence
    0  programme - comparison        8     1.0      0.354  quasi-experimental
    """
    return _from_clean(clean, plan, ("programme_vs_comparison",), None)


@checked
def level(clean: pd.DataFrame, plan: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Return where the answers of a wave lie: their mean, and the share of people above the middle.

    CR2 over schools, two-sided and without a test. The middle is that of the response scale
    (`midpoint` of the plan); an answer right on it is not above. The share has its interval on the
    logit scale (delta method), so that it stays between 0 and 1. At a single school, or where all
    schools are alike, the level stands alone (flag ``no_interval``).

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id` and the outcomes.
    plan : DataFrame
        From ``study.plan``: its rows of the estimand, with `wave` and `midpoint`.
    by : str, optional
        A column of `clean`, in whose groups to estimate instead of in those of the plan.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS``, two rows per outcome, `wave` and group: `change` is the mean in scale
        points, or the share (0–1); nothing is standardised. Numbers of the first wave stand in
        `n_pre`, `mean_pre` and `sd_pre`, those of a later one in `n_post` and its like.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": "post", "school_id": list("aabbccdd"),
    ...                       "joy": [4, 5, 3, 4, 2, 4, 5, 3.0]})
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "joy", "question": "Q5",
    ...     "estimand": "level", "subgroup": "all", "wave": "post", "midpoint": 3.0}])
    >>> rows = level(clean, plan)
    >>> rows[["wave", "contrast", "n_post", "change", "change_se", "df"]].round(3)
       wave contrast  n_post  change  change_se   df
    0  post     mean       8   3.750      0.323  3.0
    1  post    share       8   0.625      0.125  3.0
    """
    if len(plan) and names.WAVE not in plan:
        raise InputError(
            "the plan does not say of which waves the levels are",
            found=", ".join(map(str, plan)),
            allowed=f"a column {names.WAVE}",
            todo="take it from study.plan(population)",
        )
    return _from_clean(clean, plan, ("level",), by)


@checked
def equity(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return whether all pupils moved along, and not only their mean.

    Percentiles of the same grades, the share of low answers, gaps between groups, those who were
    lowest before, and of the country the spread between and within schools.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, `grade`, the outcomes; `person_id` for the lowest fifth.
    plan : DataFrame
        From ``study.plan``: its rows of these estimands, with `low_fifth` and `alpha`.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS`` of the estimands that the plan asks for.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 6, "school_id": list("aabbccddeeff"),
    ...                       "grade": 7, "joy": [1, 2, 2, 4, 3, 3, 1, 1, 1, 1, 2, 4.0]})
    >>> plan = pd.DataFrame([{"population": "pupils", "outcome": "joy", "question": "Q5",
    ...     "estimand": "share_below", "subgroup": "all", "low_fifth": 1.5}])
    >>> equity(clean, plan)[["estimand", "n_pre", "n_post", "change", "change_se"]].round(3)
          estimand  n_pre  n_post  change  change_se
    0  share_below      6       6  -0.167      0.167
    """
    return _from_clean(clean, plan, names_where(is_equity=True), None)


@checked
def estimates(clean: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Return every estimate that a plan asks for.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, `school_id`, `person_id`, the outcomes, and what the plan's estimands
        need of `grade`, `role`, `gatherings`, `interim_work`, `comparison` and the subgroups.
    plan : DataFrame
        From ``study.plan``.

    Returns
    -------
    DataFrame
        ``schema.EFFECTS`` in the order of the plan. An unknown estimand is a row with a reason.

    Examples
    --------
    >>> clean = pd.DataFrame({"wave": ["pre", "post"] * 4, "school_id": list("aabbccdd"),
    ...                       "person_id": list("11223344"), "joy": [1, 2, 2, 4, 3, 3, 2, 3.0]})
    >>> plan = pd.DataFrame({"population": "teachers", "outcome": "joy", "question": "Q5",
    ...                      "estimand": ["linked_change", "same_grade"], "subgroup": "all",
    ...                      "sd_unit": 0.8})
    >>> estimates(clean, plan)[["estimand", "n_pairs", "change", "reason"]].round(3)
            estimand  n_pairs  change    reason
    0  linked_change        4     1.0
    1     same_grade     <NA>     NaN  no_grade
    """
    return _from_clean(clean, plan, None, None)


def _of_role(role: str) -> str:
    for name, its_role in ROLE_OF.items():
        if role == its_role:
            return name
    raise InputError("unknown role", found=role, allowed=", ".join(ROLE_OF.values()))


def _asked(
    plan: pd.DataFrame, estimands: Sequence[str] | None, by: str | None, frame: pd.DataFrame
) -> list[dict]:
    """Return the plan's rows of these estimands, or the same for each group of a column."""
    rows = plan if estimands is None else plan[plan["estimand"].isin(estimands)]
    if by is None:
        return rows.to_dict("records")
    if by not in frame:
        raise InputError(f"no column {by} to group by", found=", ".join(map(str, frame.columns)))
    told = frame[by].dropna()
    numeric = pd.api.types.is_numeric_dtype(told)
    values = (
        [f"{v:.15g}" for v in sorted(told.unique())] if numeric else sorted(set(map(str, told)))
    )
    whole = rows[rows["subgroup"] == names.ALL].to_dict("records")
    about: dict[str, Any] = {"plan_role": "exploratory", "family": "", "flags": ""}
    about |= {} if by in WITH_TREND else {"trend": None}
    return [{**row, **about, "subgroup": f"{by}={v}"} for row in whole for v in values]


def _from_clean(
    clean: pd.DataFrame, plan: pd.DataFrame, estimands: Sequence[str] | None, by: str | None
) -> pd.DataFrame:
    asked = _asked(plan, estimands, by, clean)
    if not asked:
        return schema.table([], COLUMNS)
    _refuse_others(clean, plan)
    years = {_contrast(row): int(row.get("years", 0)) for row in asked}
    panels = {each: arrange(clean, years=n, waves=waves_of(each)) for each, n in years.items()}
    rows = []
    for row in asked:
        panel = panels[_contrast(row)]
        estimand, of_pupils = row["estimand"], row["population"] == "pupils"
        regional = _of_regions(estimand) and _by_regions(row, panel)
        kind = REGION if regional else _group(of_pupils)
        if estimand == "school_change" and not (of_pupils and names.GRADE in clean):
            estimand = _BY_PAIRS
        rows += [_row(row, panel, model, kind) for model in MODELS.get(estimand, ())]
        if estimand not in MODELS:
            rows.append({**_named(row), "flags": "", "reason": "unknown_estimand"})
    return schema.table(rows, COLUMNS)


def _group(of_pupils: bool) -> str:
    """Return what stands for schools where people are linked: feeder groups, of pupils."""
    return FEEDER if of_pupils else SCHOOL


def _of_regions(estimand: str) -> bool:
    return estimand in ESTIMANDS and ESTIMANDS[estimand].by_region


def _by_regions(plan: Mapping[str, Any], panel: Panel) -> bool:
    """Whether a row is the country's, of so many regions that they may be the clusters."""
    return plan.get(names.REGION) == names.NATIONAL and panel.n_regions >= FEWEST_REGIONS


def _refuse_others(frame: pd.DataFrame, plan: pd.DataFrame) -> None:
    """Refuse answers of other regions than the plan's, and people who stand twice in pairs."""
    problems = []
    region = plan["region"].iloc[0] if "region" in plan and len(plan) else names.NATIONAL
    others = set(frame.get(names.REGION, pd.Series(dtype=object)).dropna()) - {region}
    if others and region != names.NATIONAL:
        problems.append(
            Problem(
                "answers of another region than the plan is of",
                found=", ".join(sorted(others)),
                allowed=region,
                todo="read both from one open study",
            )
        )
    if "change" in frame and names.PERSON in frame:
        keys = [names.POPULATION, names.OUTCOME, "contrast", names.PERSON]
        twice = frame.duplicated([key for key in keys if key in frame])
        twice &= frame[names.PERSON].notna()
        if twice.any():
            problems.append(
                Problem(
                    "people more than once in the pairs of an outcome",
                    found=f"{int(twice.sum())} rows too many",
                    allowed="one row per outcome and person",
                    todo="pair each population once: la.pairs(clean, plan)",
                )
            )
    refuse_any(problems)


def _contrast(row: Mapping[str, Any]) -> str:
    """Return which waves a row of the plan compares."""
    return contrast_of_waves(str(row.get("contrast") or ""))


def _from_pairs(
    paired: pd.DataFrame, plan: pd.DataFrame, estimands: Sequence[str], by: str | None
) -> pd.DataFrame:
    asked = _asked(plan, estimands, by, paired)
    _refuse_others(paired, plan)
    contrast = paired.get("contrast", pd.Series(WHOLE, paired.index))
    kinds = paired["clustered_by"].groupby(contrast, sort=False, observed=True).first()
    keys = [contrast.rename("contrast"), paired["outcome"]]
    panels = {
        key: _panel_of_pairs(part) for key, part in paired.groupby(keys, sort=False, observed=True)
    }
    rows = []
    for row in asked:
        kind = rests_on = kinds.get(_contrast(row), SCHOOL)
        if kind == REGION and not _of_regions(row["estimand"]):
            rests_on = _group(row["population"] == "pupils")
        rows += [
            _row(row, panels.get((_contrast(row), row["outcome"])), model, rests_on)
            for model in MODELS[row["estimand"]]
        ]
    return schema.table(rows, COLUMNS)


def _panel_of_pairs(paired: pd.DataFrame) -> Panel:
    """Return one outcome's pairs as a panel: the rows before, and beneath them those after."""
    n = len(paired)
    twice = paired.iloc[np.tile(np.arange(n), 2)].reset_index(drop=True)
    post = paired["school_post"].where(paired["school_post"].notna(), paired[names.SCHOOL])
    school = pd.factorize(pd.concat([paired[names.SCHOOL], post]).astype(object), sort=True)[0]
    of_pupils = paired[names.POPULATION].eq("pupils").any()
    named = {_group(of_pupils): paired.get("school_group", paired["cluster"])}
    named |= {paired["clustered_by"].iloc[0]: paired["cluster"]}
    given = {
        kind: np.tile(pd.factorize(labels.astype(object), sort=True)[0], 2)
        for kind, labels in named.items()
    }
    before = np.arange(2 * n) < n
    y = np.concatenate([paired["pre"], paired["post"]]).astype(float)
    outcome = {str(name): y for name in paired["outcome"].iloc[:1]}
    return Panel(
        frame=twice.assign(**outcome),
        pre=before,
        post=~before & np.isfinite(y),
        school=school,
        first=np.arange(n),
        second=n + np.arange(n),
        feeder=np.arange(school.max() + 1),
        grade=np.full(2 * n, np.nan),
        n_grades=0,
        cell=np.full(2 * n, -1),
        role=roles(twice),
        compared=np.zeros(2 * n, dtype=bool),
        years=0,
        given=given,
    )


def _named(plan: Mapping[str, Any], model: Model | None = None, kind: str = "") -> dict:
    """Return what a row is about, from the model and the plan."""
    about = ("contrast", "weighting", "evidence", "method")
    row = {} if model is None else {key: getattr(model, key) for key in about}
    asked = {key: plan[key] for key in _FROM_PLAN if key in plan}
    if asked.get("contrast") in CONTRASTS and row.get("contrast", WHOLE) != WHOLE:
        asked["contrast"] = f"{row['contrast']}: {asked['contrast']}"  # of groups
    row |= {key: value for key, value in asked.items() if key != "contrast" or value}
    unsaid = {"ci_level": 0.95, "sesoi": 0.10, "measurement_warning": UNKNOWN}
    return {**unsaid, "cluster": _rests_on(model, kind), **row}


def _rests_on(model: Model | None, kind: str) -> str:
    """Return the clusters of a row: the model's, or those of linked people; regions go before."""
    if model is None:
        return ""
    return kind if kind == REGION else model.cluster or kind


def _row(plan: Mapping[str, Any], panel: Panel | None, model: Model, kind: str) -> dict[str, Any]:
    """Return one row: what was asked, and what was found or why not."""
    row = _named(plan, model, kind)
    ci_level = float(row["ci_level"])
    try:
        if panel is None:
            raise NotEstimableError("no_pairs")
        y = answers(panel, str(plan["outcome"]))
        valid = subgroup_rows(panel, str(plan["subgroup"])) & np.isfinite(y)
        group = _group(plan["population"] == "pupils")
        case = Answers(panel, y, valid, plan, str(row["contrast"]), group)
        sd = case.known(model.unit) if model.unit else np.nan
        estimate = _over_regions(model, case) if kind == REGION else None
        few_regions = kind == REGION and estimate is None
        if few_regions:
            kind = group
            row["cluster"] = _rests_on(model, kind)
        if estimate is None:
            own = row["cluster"] == model.cluster
            estimate = model.find(case) if own else model.find(case, clusters=row["cluster"])
        if model.unit and not sd > 0:
            raise NotEstimableError("no_unit")
        raw = estimate.raw
        numbers = {key: value for key, value in vars(estimate).items() if key in schema.EFFECTS}
        numbers.pop("cluster", None)
        if not panel.given:
            numbers |= _numbers_of_answers(panel, valid, row)
        low, high = raw.interval(ci_level)
        numbers |= {"n_clusters": raw.n_clusters, "change": raw.estimate, "change_se": raw.se}
        numbers |= {"change_ci_low": low, "change_ci_high": high, "df": raw.df}
        if model.is_change:
            numbers |= {"statistic": raw.statistic, "p_value": raw.p_value}
        if model.unit:
            numbers |= _standardised(estimate, model.unit, sd, case, ci_level)
    except NotEstimableError as refusal:
        return {**row, "flags": "", "drift": None, "reason": refusal.reason}
    flags = flags_of(estimate, sd if sd > 0 else plan.get(TOTAL, np.nan))
    if plan["subgroup"] == names.ALL:
        flags += _selected(model, case, kind, ci_level)
        flags += _lost(model, case, estimate, row["cluster"], ci_level)
    if few_regions:
        flags.append("few_regions")
    told = [flag for flag in (str(plan.get("flags") or ""), *flags) if flag]
    return row | numbers | {"flags": ";".join(told)}


def _numbers_of_answers(panel: Panel, valid: Mask, row: Mapping[str, Any]) -> dict[str, int]:
    """Return how many answers the waves of a row hold; of a level those of its own wave."""
    before, after = waves_of(str(row["contrast"]))
    of_waves = {"answers_pre": before, "answers_post": after}
    if wave := row.get(names.WAVE):
        of_waves = {"answers_pre" if wave == names.PRE else "answers_post": str(wave)}
    return {side: int((valid & panel.rows_of_wave(wave)).sum()) for side, wave in of_waves.items()}


def _standardised(
    estimate: Estimate, unit: str, sd: float, case: Answers, ci_level: float
) -> dict[str, Any]:
    """Return a change in SD with its interval, and the trend that is set beside it."""
    # in national rows the SD is that of these very answers, and as uncertain as they are
    is_sample = case.settled.get("unit_is_sample", False) and case.settled["subgroup"] == names.ALL
    is_sample &= waves_of(case.contrast)[0] == names.PRE  # the SD is of these
    sample = unit_sample(case.people, case.y, estimate, unit) if is_sample else {}
    scaled = standardise(estimate.raw, sd, **sample)
    low, high = scaled.interval(ci_level)
    numbers: dict[str, Any] = {"sd_unit": sd, "estimate": scaled.estimate, "se": scaled.se}
    numbers |= {"ci_low": low, "ci_high": high}
    trend = case.settled.get("trend")
    if isinstance(trend, Trend) and estimate.grades:
        beside = ("trend", "trend_se", "trend_source")
        numbers |= dict(zip(beside, trend.over(estimate.grades), strict=True))
    return numbers


def _over_regions(model: Model, case: Answers) -> Estimate | None:
    """Return the estimate with regions as clusters, or nothing where it rests on too few.

    What counts are the regions of the people or cells that it is made of, and on each side where
    groups are compared.
    """
    try:
        found = model.find(case, clusters=REGION)
    except NotEstimableError as refusal:
        if refusal.reason == "one_cluster":
            return None
        raise
    n, side = found.n_in_both_waves, found.n_on_a_side
    enough = (found.raw.n_clusters if n is None else n) >= FEWEST_REGIONS
    return found if enough and (side is None or side >= FEWEST_REGIONS_ON_A_SIDE) else None


def _selected(model: Model, case: Answers, kind: str, ci_level: float) -> list[str]:
    """Return the flag of an attrition that goes with the schools' change, if there is one."""
    if model.by_school is None:
        return []
    try:
        z = model.by_school(case) if model.cluster else model.by_school(case, clusters=kind)
    except NotEstimableError:
        return []
    low, high = z.interval(ci_level)
    return [f"{model.selected}={'more' if low > 0 else 'less'}"] if low > 0 or high < 0 else []


def _lost(
    model: Model, case: Answers, estimate: Estimate, clusters: str, ci_level: float
) -> list[str]:
    """Return what the losses may do to a change: `lost_apart` and `lost_matter`.

    Where the lost were lower before, those who were followed go down by regression to the mean
    alone. The losses matter where the interval excludes zero and that of the weighted does not.
    """
    if model.apart is None or model.weighted is None:
        return []
    flags, smd = [], model.apart(case)
    if abs(smd) > BASELINE_APART:
        flags.append(f"lost_apart={'lower' if smd > 0 else 'higher'}")
    side = _side(estimate.raw, ci_level)
    if side == 0 or estimate.raw.n_clusters < CLUSTERS_TO_JUDGE:
        return flags
    try:
        weighted = _side(model.weighted(case, clusters=clusters).raw, ci_level)
    except NotEstimableError:
        return flags
    if weighted != side:
        flags.append(f"lost_matter={'opposite' if weighted else 'zero'}")
    return flags


def _side(raw: Result, ci_level: float) -> int:
    """Return on which side of zero an interval lies; 0 where it includes it."""
    low, high = raw.interval(ci_level)
    return int(low > 0) - int(high < 0)


def flags_of(estimate: Estimate, sd: float) -> list[str]:
    """Return what a reader of the row must know: few clusters, low df, groups apart before."""
    apart = abs(estimate.baseline) / sd if sd > 0 else np.nan
    raw = estimate.raw
    raised = {
        "low_df": raw.df < LOW_DF * (1 - 1e-9),  # five equal clusters have 4 but for rounding
        "few_clusters": raw.n_clusters < FEW_CLUSTERS,
        names.ONE_DOMINATES: raw.largest > LARGEST,
        "baseline_adjust": BASELINE_ADJUST < apart <= BASELINE_APART,
        "baseline_apart": apart > BASELINE_APART,
    }
    return [*(flag for flag, is_raised in raised.items() if is_raised), *estimate.flags]
