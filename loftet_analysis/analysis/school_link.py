"""Which schools' answers go with which, step by step along a chain: associations of schools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from loftet_analysis import names, schema
from loftet_analysis.analysis.changes import SMALLEST_CELL, Answers, common_cells
from loftet_analysis.analysis.panel import (
    Mask,
    Panel,
    answers,
    arrange,
    complete_pairs,
    persons,
    subgroup_rows,
)
from loftet_analysis.analysis.verdicts import POWER
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import FEWEST_REGIONS, WHOLE
from loftet_analysis.stats.cr2 import contrast, correlation, mean
from loftet_analysis.stats.inputs import Floats
from loftet_analysis.stats.result import NotEstimableError
from loftet_analysis.study.frames import checked

FEWEST_SCHOOLS = 50
#: Schools of fewer people are not split in halves.
SMALLEST_SPLIT = 5
#: Fewest schools of a group whose mean stands for them.
FEWEST_IN_BIN = 8
#: Of both sides, where a correlation is computed for means without noise.
LEAST_RELIABLE = 0.5
#: Flags: a school's people were split, since the same people answer both; why there is no
#: disattenuated correlation.
HALVES, UNRELIABLE, UNKNOWN = "halves", "unreliable_means", "reliability_unknown"
_PAIR = (
    "region", "population", "subgroup", "outcome", "question", "wave", "contrast",
    "other_population", "other_subgroup", "other_outcome", "other_wave", "other_contrast",
)  # fmt: skip
COLUMNS = (
    *_PAIR, "n_schools", "n_one", "n_other", "cluster", "n_clusters", "slope", "slope_ci_low",
    "slope_ci_high", "r_schools", "ci_low", "ci_high", "ci_level", "df", "r_visible",
    "mean_reliability", "other_mean_reliability", "r_disattenuated", "r_disattenuated_low",
    "r_disattenuated_high", "flags", "reason", "suppressed",
)  # fmt: skip
BINS = (
    *_PAIR, "bin", "n_schools", "n_one", "n_other", "n_clusters", "deviation", "deviation_low",
    "deviation_high", "other_deviation", "other_deviation_low", "other_deviation_high", "ci_level",
    "mean_se", "other_mean_se", "flags", "reason", "suppressed",
)  # fmt: skip

#: Population, subgroup and outcomes of one step of a chain.
Step = tuple[str, str, Sequence[str]]


@checked
def school_link(
    people: Mapping[str, pd.DataFrame],
    plan: pd.DataFrame,
    chain: Sequence[Step],
    *,
    wave: str = "",
    shared: pd.DataFrame | None = None,
    bins: int = 0,
) -> pd.DataFrame:
    """Return how schools' means go together, between each two neighbouring steps of a chain.

    A school's value is its mean change where the outcome was asked before and after: of pupils
    with grades the mean over grades of later − earlier (grades with 5 answers in each wave, so
    that everybody counts where they were taught), of others that of linked people, at the school
    before. Else it is the mean answer of the last wave, of pupils with grades less their grade's
    mean over all schools, or else lower secondary schools would stand out in whatever falls with
    age. Every school counts once.

    Primary are the slope of the later step on the earlier and Pearson's r, both raw, with errors
    by CR2 (r on Fisher's scale, see :func:`~loftet_analysis.stats.cr2.correlation`), regions being
    the clusters from 8 on, else schools. Where the same people answer both (one population, and one
    group or everybody), what a person shares between two answers would pass for something that the
    school shares: the people of each school with 5 or more are split in halves, in the order of
    their rows, and a school stands twice, each half's mean beside the other half's.

    Parameters
    ----------
    people : mapping of str to DataFrame
        Clean frames by population: `wave`, `school_id`, `region`, the outcomes; `grade`, `role` and
        `person_id` where they are needed.
    plan : DataFrame
        From ``study.plan``, of all populations together, for `region`, `question` and `ci_level`.
    chain : sequence of (str, str, sequence of str)
        Steps: a population, a subgroup (``all``, ``role=participant`` …) and its outcomes. Each
        outcome is set beside each of the next step, or beside itself alone where both steps ask it.
    wave : {"", "pre", "mid", "post"}, default ""
        Compare levels of this wave only.
    shared : DataFrame, optional
        Rows of `variance` of all populations. Means of a scale that the people of a school do not
        share are nothing of the school: where `shared` is false in each wave that a side rests on,
        the pair is left out.
    bins : int, default 0
        Instead of a row per pair, return one per group of schools: so many groups of the same
        number of schools, in the order of their means of the earlier step.

    Returns
    -------
    DataFrame
        A row per pair. `wave` is that of a level, ``linked`` where linked people changed, empty
        where grades did; `contrast` is ``mean`` or ``post - pre``. `n_schools` have both, with
        `n_one` and `n_other` people (of grades, those of the smaller wave). `slope` in points of
        the later step per point of the earlier; `r_schools`; `r_visible`, the smallest r that would
        be found four times out of five. `mean_reliability` and `other_mean_reliability` (0–1) are
        1 − (mean sampling variance of a school's mean)/(variance of the means), which is ICC(2)
        where schools are alike in size; empty where no school has two people. Where both are .50
        or more `r_disattenuated` is r over the root of their product, at most 1, its interval's
        ends likewise (reliabilities count as known); else `flags` has ``unreliable_means`` or
        ``reliability_unknown``. ``halves``: the same people answer both.
        `reason` is ``no_outcome``, ``no_subgroup``, ``no_answers``, ``no_pairs``,
        ``no_common_cells``, ``under_50_schools``, ``no_variance``, ``not_shared`` or
        ``other_not_shared``; then all numbers are empty.

        With `bins`: `bin` (1 is the lowest), its `n_schools` with `n_one` and `n_other` people;
        `deviation` and `other_deviation`, the means of their schools' means less those of all
        schools of the pair, in scale points, the one with an interval among the people of these
        schools, the other with one over the schools (CR2); `mean_se` and `other_mean_se`, the
        typical standard error of a single school's mean. `reason` may also be ``few_schools``,
        fewer than 8 in a group.

    Raises
    ------
    InputError
        Where frames cannot be what they should be, or `bins` is no number of groups.

    Notes
    -----
    Rows are associations of schools at one time or over one period. Neither a cause nor an
    indirect effect along the chain follows from them.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> schools = pd.DataFrame({"wave": "pre", "region": "oslo",
    ...                         "school_id": [f"s{i:02}" for i in range(60)]})
    >>> does = rng.normal(size=60)
    >>> people = {"teachers": schools.assign(does=does),
    ...           "pupils": schools.assign(meets=does + rng.normal(size=60))}
    >>> plan = pd.DataFrame([{"population": "teachers", "outcome": "does", "question": "Q6",
    ...                       "estimand": "level", "subgroup": "all", "region": "national"}])
    >>> row = school_link(people, plan, [("teachers", "all", ["does"]),
    ...                                  ("pupils", "all", ["meets"])])
    >>> row[["n_schools", "slope", "r_schools", "ci_low", "ci_high"]].round(2)
       n_schools  slope  r_schools  ci_low  ci_high
    0         60   0.85       0.64     0.5     0.75
    """
    if bins < 0 or bins == 1:
        raise InputError("bins is no number of groups", str(bins), "0, or 2 and more")
    about = plan.drop_duplicates([names.POPULATION, names.OUTCOME])
    about = about.set_index([names.POPULATION, names.OUTCOME]).to_dict("index")
    arranged = {name: _Arranged.of(clean) for name, clean in people.items() if len(clean)}
    rows = []
    for (one, group, outcomes), (other, other_group, others) in pairwise(chain):
        for outcome, beside in _beside(one, outcomes, other, others):
            planned = about.get((one, outcome), {})
            row = {
                "region": planned.get(names.REGION, names.NATIONAL),
                "question": planned.get(names.QUESTION, ""), "population": one,
                "subgroup": group, "outcome": outcome, "other_population": other,
                "other_subgroup": other_group, "other_outcome": beside,
                "ci_level": planned.get("ci_level", 0.95),
            }  # fmt: skip
            same = one == other and (group == other_group or names.ALL in (group, other_group))
            try:
                sides = [
                    list(_sides(arranged, of, outcome_of, subgroup, wave, split=same))
                    for of, subgroup, outcome_of in (
                        (one, group, outcome), (other, other_group, beside),
                    )
                ]  # fmt: skip
                row |= _kind("", sides[0]) | _kind("other_", sides[1])
                if shared is not None:
                    _refuse_not_shared(row, shared)
                joined = _joined(*sides)
                if same:
                    row["flags"] = HALVES
                if bins:
                    rows += [row | each for each in _binned(joined, bins, row["ci_level"])]
                    continue
                told = _together(joined, arranged[one].regions, row["ci_level"])
                flags = [str(each["flags"]) for each in (row, told) if each.get("flags")]
                row |= told | {"flags": ";".join(flags)}
            except NotEstimableError as refusal:
                row |= {"reason": refusal.reason, "flags": ""}
            rows.append(row)
    return schema.table(rows, BINS if bins else COLUMNS)


def _refuse_not_shared(row: Mapping[str, Any], spread: pd.DataFrame) -> None:
    """Refuse a pair of which one side is not shared in any wave that it rests on."""
    for side in ("", "other_"):
        told = spread[
            spread[names.POPULATION].eq(row[f"{side}population"])
            & spread[names.OUTCOME].eq(row[f"{side}outcome"])
        ]
        if row[f"{side}contrast"] == "mean":
            told = told[told[names.WAVE] == row[f"{side}wave"]]
        if len(told) and told["shared"].eq(False).fillna(False).all():
            raise NotEstimableError(f"{side}not_shared")


def _beside(
    one: str, outcomes: Sequence[str], other: str, others: Sequence[str]
) -> list[tuple[str, str]]:
    shared = [outcome for outcome in outcomes if one == other and outcome in others]
    return [(each, each) for each in shared] or list(product(outcomes, others))


@dataclass(frozen=True)
class _Arranged:
    """A population's people, with the half of its school that each belongs to."""

    panel: Panel
    schools: pd.Index
    regions: pd.Series
    person: np.ndarray

    @classmethod
    def of(cls, clean: pd.DataFrame) -> _Arranged:
        region = pd.Series(dtype=object)
        if names.REGION in clean:
            region = clean.drop_duplicates(names.SCHOOL).set_index(names.SCHOOL)[names.REGION]
        schools = pd.factorize(clean[names.SCHOOL], sort=True)[1]
        return cls(arrange(clean), pd.Index(schools), region, persons(clean))

    def halves(self, valid: Mask) -> list[Mask]:
        """Return the valid rows of each half of the schools' people, of schools with enough."""
        told = pd.DataFrame({"person": self.person, "school": self.panel.school, "valid": valid})
        first = told.drop_duplicates("person").set_index("person")
        half = (first.groupby("school").cumcount() % 2).reindex(self.person).to_numpy()
        n = told[valid].groupby("school")["person"].nunique().reindex(told["school"]).to_numpy()
        return [valid & (n >= SMALLEST_SPLIT) & (half == each) for each in (0, 1)]


@dataclass(frozen=True)
class _Schools:
    """Schools' means of one outcome, by school: `mean`, its sampling variance `noise`, people."""

    by_school: pd.DataFrame
    wave: str
    contrast: str


def _sides(
    arranged: Mapping[str, _Arranged],
    population: str,
    outcome: str,
    subgroup: str,
    wave: str,
    *,
    split: bool,
) -> Iterator[_Schools]:
    """Yield the schools' means, or those of each half."""
    if population not in arranged:
        raise NotEstimableError("no_answers")
    of = arranged[population]
    panel, y = of.panel, answers(of.panel, outcome)
    valid = subgroup_rows(panel, subgroup) & np.isfinite(y)
    waves = [each for each in names.WAVES if (valid & panel.rows_of_wave(each)).any()]
    if wave:
        waves = [each for each in waves if each == wave]
    if not waves:
        raise NotEstimableError("no_answers")
    parts = of.halves(valid) if split else [valid]
    is_change = {names.PRE, names.POST} <= {*waves}
    if is_change and population == "pupils" and panel.n_grades:
        case = Answers(panel, y, valid)
        cells = common_cells(case, at_least=SMALLEST_CELL)[0]
        for part in parts:
            found = _changes_of_grades(panel, y, part & np.isin(panel.cell, cells), of.person)
            yield _Schools(_named(found, of.schools), "", WHOLE)
        return
    for part in parts:
        if is_change:
            first, second = complete_pairs(panel, y, part)
            found = _means(y[second] - y[first], panel.school[first])
        else:
            here = part & panel.rows_of_wave(waves[-1])
            found = _means(_from_grade(panel, y, here, population), panel.school[here])
        kind = (names.LINKED, WHOLE) if is_change else (waves[-1], "mean")
        yield _Schools(_named(found, of.schools), *kind)


def _named(found: pd.DataFrame, schools: pd.Index) -> pd.DataFrame:
    return found.set_axis(schools[found.index.to_numpy(int)])


def _from_grade(panel: Panel, y: Floats, here: Mask, population: str) -> Floats:
    """Return answers; of pupils with grades less the mean of their grade over all schools."""
    if population != "pupils" or not panel.n_grades:
        return y[here]
    answered = pd.Series(y[here])
    return (
        answered - answered.groupby(panel.grade[here], dropna=False).transform("mean")
    ).to_numpy()


def _means(values: Floats, school: np.ndarray) -> pd.DataFrame:
    """Return each school's mean, its sampling variance s²/n, s² pooled within schools, and n."""
    grouped = pd.Series(values).groupby(school)
    means = grouped.agg(["mean", "size"]).rename(columns={"size": "n"})
    spare = len(values) - len(means)
    within = ((values - means["mean"][school].to_numpy()) ** 2).sum() / spare if spare else np.nan
    return means.assign(noise=within / means["n"])


def _changes_of_grades(panel: Panel, y: Floats, rows: Mask, person: np.ndarray) -> pd.DataFrame:
    """Return each school's mean same-grade change, its sampling variance, and its people.

    A person's answers in both waves count together, as in `cr2.change_over_cells`.
    """
    rows = rows & (panel.pre | panel.post)
    told = pd.DataFrame({
        "school": panel.school[rows], "cell": panel.cell[rows], "post": panel.post[rows],
        "person": person[rows], "y": y[rows],
    })  # fmt: skip
    of_cell = told.groupby(["cell", "post"])["y"]
    told["n"] = of_cell.transform("size")
    enough = told.groupby("cell").agg(n=("n", "min"), waves=("post", "nunique"))
    kept = enough.index[enough["n"].ge(2) & enough["waves"].eq(2)]
    told = told[told["cell"].isin(kept)]
    if told.empty:
        raise NotEstimableError("no_common_cells")
    cells = told.groupby("school")["cell"].transform("nunique")
    sign = np.where(told["post"], 1, -1) / cells
    centred = told["y"] - told.groupby(["cell", "post"])["y"].transform("mean")
    part = sign * centred / np.sqrt(told["n"] * (told["n"] - 1))
    told = told.assign(value=sign * told["y"] / told["n"], part=part)
    noise = told.groupby(["school", "person"])["part"].sum() ** 2
    n = told.groupby(["school", "post"]).size().unstack().min(axis=1)
    found = {"mean": told.groupby("school")["value"].sum(), "n": n}
    return pd.DataFrame(found).assign(noise=noise.groupby("school").sum())


def _kind(side: str, means: Sequence[_Schools]) -> dict[str, str]:
    return {f"{side}wave": means[0].wave, f"{side}contrast": means[0].contrast}


def _joined(one: Sequence[_Schools], other: Sequence[_Schools]) -> pd.DataFrame:
    """Return the schools' two means side by side; of halves, each beside the other half's."""
    joined = pd.concat(
        [
            here.by_school.join(there.by_school.add_suffix("_other"), how="inner")
            for here, there in zip(one, reversed(other), strict=True)
        ]
    ).sort_index(kind="stable")
    if joined.index.nunique() < FEWEST_SCHOOLS:
        raise NotEstimableError("under_50_schools")
    return joined


def _together(joined: pd.DataFrame, regions: pd.Series, ci_level: float) -> dict[str, Any]:
    """Return the slope and the correlation."""
    region = regions.reindex(joined.index)
    by_region = region.notna().all() and region.nunique() >= FEWEST_REGIONS
    cluster = pd.factorize(region if by_region else joined.index)[0]
    x, y = joined["mean"].to_numpy(), joined["mean_other"].to_numpy()
    z = correlation(x, y, cluster)
    slope = contrast(y, np.column_stack([np.ones(len(x)), x - x.mean()]), [0, 1], cluster)
    ends = np.tanh(z.interval(ci_level))
    reach = stats.t.ppf((1 + ci_level) / 2, z.df) + stats.t.ppf(POWER, z.df)
    low, high = slope.interval(ci_level)
    row = {
        "n_schools": joined.index.nunique(), "n_one": int(joined["n"].sum()),
        "n_other": int(joined["n_other"].sum()), "cluster": "region" if by_region else "school",
        "n_clusters": z.n_clusters, "slope": slope.estimate, "slope_ci_low": low,
        "slope_ci_high": high, "r_schools": float(np.tanh(z.estimate)), "ci_low": ends[0],
        "ci_high": ends[1], "df": z.df, "r_visible": float(np.tanh(reach * z.se)),
        "mean_reliability": _reliability(x, joined["noise"]),
        "other_mean_reliability": _reliability(y, joined["noise_other"]),
    }  # fmt: skip
    both = np.array([row["mean_reliability"], row["other_mean_reliability"]])
    if np.isnan(both).any():
        return row | {"flags": UNKNOWN}
    if both.min() < LEAST_RELIABLE:
        return row | {"flags": UNRELIABLE}
    said = np.clip(np.array([row["r_schools"], *ends]) / np.sqrt(both.prod()), -1, 1)
    wanted = ("r_disattenuated", "r_disattenuated_low", "r_disattenuated_high")
    return row | dict(zip(wanted, said.tolist(), strict=True))


def _binned(joined: pd.DataFrame, bins: int, ci_level: float) -> Iterator[dict[str, Any]]:
    """Yield groups of the same number of schools, in the order of their earlier means."""
    if joined.index.nunique() < bins * FEWEST_IN_BIN:
        raise NotEstimableError("few_schools")
    noises = {"mean_se": joined["noise"], "other_mean_se": joined["noise_other"]}
    about = {column: float(np.sqrt(noise.mean())) for column, noise in noises.items()}
    sides = joined[["mean", "mean_other"]]
    joined = joined.assign(**(sides - sides.mean()))
    place = np.ceil(joined["mean"].rank(method="first") * bins / len(joined)).astype(int)
    z = stats.norm.ppf((1 + ci_level) / 2)
    for each, of_bin in joined.groupby(place.to_numpy()):
        x, reach = of_bin["mean"].mean(), z * np.sqrt(of_bin["noise"].sum()) / len(of_bin)
        y = mean(of_bin["mean_other"], pd.factorize(of_bin.index)[0])
        low, high = y.interval(ci_level)
        yield {
            **about, "bin": each, "n_schools": of_bin.index.nunique(), "n_clusters": y.n_clusters,
            "n_one": int(of_bin["n"].sum()), "n_other": int(of_bin["n_other"].sum()),
            "deviation": x, "deviation_low": x - reach, "deviation_high": x + reach,
            "other_deviation": y.estimate, "other_deviation_low": low,
            "other_deviation_high": high,
        }  # fmt: skip


def _reliability(means: Floats, noise: pd.Series) -> float:
    """Return the share of the variance of schools' means that is not chance, 0–1."""
    return float(np.clip(1 - noise.mean() / np.var(means, ddof=1), 0, 1))
