"""The disclosure mask: which cells of the plan may be shown, decided once for the study.

It is decided from counts and answers, never from estimates, so pages drawn early and late cannot
contradict each other. Five rules, in the order of the reasons given:

*small_n*
    Fewer people than the profile's limit.
*homogeneous*
    Everybody in the cell, or everybody but one, has the same score (or the same change), or the
    mean is near an end of the scale: the mean tells each answer.
*dominated*
    More than half of the people are of one school, and they are fewer than the limit.
*linked_wave*
    A change whose pre or post cell is hidden: together with the other it would give it away.
*complementary*
    Shown, it would let a hidden cell be computed: the national cell less the regions, a region
    less its schools, roles or grades, or any combination of these sums.

Three waves make three changes of linked people. That to the wave midway and that from it add up to
the whole one, but for people who are in two of the waves only. Where these are few, a change is
never hidden alone, and where they are few but not none the three are not shown together. What goes
is then a change to or from the wave midway: what is told from before to after is what it would be
without that wave.

Cohorts are made of schools, and so, mostly, are grades: a cohort less the grades that only its
schools have would tell of the others there. So cohorts by grade and by role are cells too, though
no page shows them by grade, and a cohort of a region is also the sum of its schools.

For what is told of shown cells the mask also holds how their people are spread over schools, and
how coarsely means of a wave are rounded where few people answered in that wave only: the means of
both waves and the change of those in both would tell theirs. Means of few people in a wave are
rounded so coarsely that they do not tell how many these are either, since that number is told
rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from loftet_analysis import names, schema
from loftet_analysis.estimands import CONTRASTS, linked_cell
from loftet_analysis.study import Study
from loftet_analysis.study.study import grade_bands

#: Those who answered in all three waves: of everybody of a place their means are told wave by wave.
IN_ALL = linked_cell(*names.WAVES)
LIMITS = {"open": 1, "internal": 6, "school": 10, "public": 20}
NEVER_BY_SCHOOL = ("leaders",)  # a school has one or two of them
SMALL, SAME, CHANGE, COMPLEMENT = "small_n", "homogeneous", "linked_wave", "complementary"
DOMINATED = "dominated"
#: Steps of rounding, from fine to coarse: numbers are multiples of one of them.
STEPS = np.array([0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1])
#: The value of a few people may be known to a tenth of the scale to either side, no closer.
NEAR = 0.1
#: A hidden cell is told where so few others (as a share of its people) can make up its sum.
_LOOSE = 0.25

_CELL = [names.REGION, names.SCHOOL, names.SUBGROUP, names.WAVE, names.OUTCOME]
_PLACE = [names.REGION, names.SCHOOL]
_ENDS = {"n": "count", "low": "min", "high": "max", "sum": "sum"}
_THREE = [linked_cell(*waves) for waves in CONTRASTS.values()]
_ALWAYS = (names.ROLE, names.GRADE)
#: Before a column, of cells of the groups of it within each cohort: ``cohort,grade=2025,7``.
_BY_COHORT = f"{names.COHORT},"


def decide(study: Study, clean: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Decide which cells may be shown.

    Parameters
    ----------
    study : Study
        Its profile, register, waves and instruments.
    clean : mapping of str to DataFrame
        Clean data of the whole study, by population.

    Returns
    -------
    DataFrame
        ``schema.MASK``, one row per cell: the study (region *national*), each region, with all,
        by role, by grade and by whatever else the study asks subgroups or gaps of, and each
        school, for every wave in which an outcome is asked and for *linked*; with a wave midway
        also for *linked:pre-mid* and *linked:mid-post*, and of everybody in a region or the study
        for *linked:pre-mid-post*. ``n`` counts people with a score; in *linked* those with one in
        all of its waves, under their first school, role and grade, in a region's cell only those
        who stayed in it. ``reason`` is empty where the cell may be shown, ``share_reason`` where
        the share of its people above the middle of the answers may be, too. `n_schools`, `smallest`
        and `largest` say of how many schools the people are, and how many there are of one;
        `few_schools` how many schools at most have fewer people than the profile asks for together;
        `minimum` and `width` are those of the response scale, and means of the cell are multiples
        of `step`.
    """
    masks = [
        _population_mask(study, name, frame).assign(**{names.POPULATION: name})
        for name, frame in clean.items()
        if study.populations[name].instrument.scales  # none before its first wave is closed
    ]
    if not masks:
        return pd.DataFrame(columns=list(schema.MASK)).astype({"n": int, "suppressed": bool})
    return pd.concat(masks, ignore_index=True)[list(schema.MASK)]


def for_schools(
    study: Study, clean: Mapping[str, pd.DataFrame], published: pd.DataFrame
) -> pd.DataFrame:
    """Decide which cells may be told to a school, beside what is published.

    The rules of `decide` for the profile ``school``, whatever the study's own is. Where the
    published mask shows a cell of an outcome that they hide, only what both show is told of it, so
    that nothing is added to what is published; else what they show holds the published cells.
    Either way all that is told was protected together. Means of schools by wave stand on no other
    page, so they are also set against grades and other groups, see `_across`.

    Parameters
    ----------
    study : Study
    clean : mapping of str to DataFrame
        Clean data of the whole study, by population.
    published : DataFrame
        The study's own mask, of these populations among others.

    Returns
    -------
    DataFrame
        ``schema.MASK`` of these populations; `step` is the coarser of both masks. Of regions and
        the country only what is published may be told.
    """
    own = published[published[names.POPULATION].isin(clean)].reset_index(drop=True)
    if study.disclosure != "school":
        own = decide(study.model_copy(update={"disclosure": "school"}), clean)
    cells = list(schema.CELL)
    there = _positions(published, own, cells)
    shown = (~published["suppressed"].astype(bool)).to_numpy()[there] & (there >= 0)
    hidden = own["suppressed"].astype(bool).to_numpy()
    outcome = [own[names.POPULATION], own[names.OUTCOME]]
    both = pd.Series(shown & hidden).groupby(outcome).transform("any").to_numpy()
    reason = own["reason"].mask(both & ~hidden & ~shown, COMPLEMENT)
    step = np.maximum(own["step"], published["step"].to_numpy()[there])
    told = own.assign(reason=reason, step=step)
    # other pages tell of schools only how they changed, and that coarsely
    told["reason"] = _across(clean, told, shown & own[names.SCHOOL].eq(""))
    only_here = told["reason"].eq("") & ~shown & told[names.SCHOOL].eq("")
    told["reason"] = told["reason"].mask(only_here, published["reason"].to_numpy()[there])
    return told.assign(suppressed=told["reason"] != "")


def _across(
    clean: Mapping[str, pd.DataFrame], mask: pd.DataFrame, published: pd.Series
) -> pd.Series:
    """Hide schools whose means would tell a hidden group by who is at which school.

    The sum rules do not know that a school has certain grades only: where all others of grades 8
    to 10 are at one school, these grades less that school tell of a small one. So of each region,
    wave and outcome the cells that are told are solved for the hidden ones, over groups of people
    whom no cell tells apart. With A the told cells and t a hidden one (1 for whom it counts), t is
    told by A'w where those for whom they differ are fewer than half of its people (or of the
    limit); of the schools that take part in it most the one with fewest people is hidden.
    What `mask` hides for its own sake counts as hidden though it be among the `published` cells.
    """
    reason, limit = mask["reason"].copy(), LIMITS["school"]
    for name, frame in clean.items():
        of_name = mask[names.POPULATION].eq(name)
        groups = sorted({g.partition("=")[0] for g in mask.loc[of_name, names.SUBGROUP]} - {"all"})
        outcomes = list(mask.loc[of_name, names.OUTCOME].unique())
        keyed = _keyed(frame, outcomes, groups)
        for (region, wave), here in keyed.groupby([names.REGION, names.WAVE]):
            cells = mask[of_name & mask[names.REGION].eq(region) & mask[names.WAVE].eq(wave)]
            for outcome, rows in cells[cells["n"] > 0].groupby(names.OUTCOME, sort=False):
                secret = ~reason[rows.index].isin(["", COMPLEMENT])
                if not secret.any() or not rows[names.SCHOOL].ne("").any():
                    continue
                people = here[here[outcome].notna()].groupby([names.SCHOOL, *groups]).size()
                inside = _membership(rows, people.index.to_frame(index=False))
                weight = np.sqrt(people.to_numpy())
                while True:
                    told = (reason[rows.index] == "") | (published[rows.index] & ~secret)
                    used = _used(inside[told], inside[secret], weight, rows["n"][secret], limit)
                    able = rows[told].assign(used=used)
                    able = able[(used > 0) & able[names.SCHOOL].ne("") & (reason[able.index] == "")]
                    if able.empty:
                        break
                    most = able[able["used"] == able["used"].max()]
                    reason[most["n"].idxmin()] = COMPLEMENT
    return reason


def _membership(cells: pd.DataFrame, people: pd.DataFrame) -> np.ndarray:
    """Return for whom each cell of a region counts, as 1 and 0."""
    inside = np.zeros((len(cells), len(people)))
    pairs = cells[[names.SCHOOL, names.SUBGROUP]].itertuples(index=False)
    for row, (school, subgroup) in enumerate(pairs):
        column, _, value = subgroup.partition("=")
        at = people[names.SCHOOL].eq(school) if school else pd.Series(True, people.index)
        inside[row] = at & (people[column].eq(value) if value else True)
    return inside


def _used(
    told: np.ndarray, secret: np.ndarray, weight: np.ndarray, n: pd.Series, limit: int
) -> np.ndarray:
    """Return how much each of the told cells takes part in telling a secret one, 0 if none does."""
    if not len(told):
        return np.zeros(0)
    by = np.linalg.lstsq(told.T * weight[:, None], secret.T * weight[:, None], rcond=1e-10)[0]
    loose = (np.abs(secret - by.T @ told) * weight**2).sum(axis=1)
    known = loose < 2 * _LOOSE * np.minimum(n.to_numpy(), limit)
    return np.abs(by[:, known]).max(axis=1, initial=0).round(6)


def _population_mask(study: Study, name: str, clean: pd.DataFrame) -> pd.DataFrame:
    instrument, limit = study.populations[name].instrument, LIMITS[study.disclosure]
    scales = instrument.scales
    groups = list(dict.fromkeys((*_ALWAYS, *study.planned_groups(name), *study.gaps(name))))
    groups += [_BY_COHORT + column for column in _ALWAYS if names.COHORT in groups]
    outcomes = list(scales)
    keyed = _keyed(clean, outcomes, groups)
    years = {
        waves: study.years_between(name, waves)
        for waves in CONTRASTS.values()
        if set(waves) <= set(study.waves)
    }
    linked = [_pairs(keyed, outcomes, waves) for waves in years]
    if len(years) > 1:
        linked.append(_in_all(keyed, outcomes, years[names.PRE, names.MID]))
    options = {outcome: instrument.response_set(outcome) for outcome in scales}
    middles = {name: (each.minimum + each.maximum) / 2 for name, each in options.items()}
    counts = _counts(pd.concat([keyed, *linked]), middles, groups, limit)
    asked = [
        (wave, outcome)
        for outcome, scale in scales.items()
        for wave in _cell_waves(list(study.waves), scale.waves)
    ]
    by_school = name not in NEVER_BY_SCHOOL
    places = _places(study.schools, _subgroups(keyed, groups), by_school=by_school)
    grid = places.merge(pd.DataFrame(asked, columns=[names.WAVE, names.OUTCOME]), how="cross")
    mask = grid.merge(counts, on=_CELL, how="left")
    mask["n"] = mask["n"].fillna(0).astype(int)
    sizes = ["n_schools", "smallest", "largest", "few_schools"]
    mask[sizes] = mask[sizes].fillna(0).astype(int)
    of_outcome = mask[names.OUTCOME].map
    mask["minimum"] = of_outcome({name: each.minimum for name, each in options.items()})
    mask["width"] = of_outcome(
        {name: each.maximum - each.minimum for name, each in options.items()}
    )
    mask = mask.astype({"minimum": float, "width": float})
    of_score = of_outcome({outcome: instrument.step(outcome) for outcome in scales}).astype(float)
    mask["step"] = _steps(mask, of_score, years, limit)
    same = (_all_but_one(mask) | _at_an_end(mask, limit)) & (limit > 1)
    dominated = (mask["largest"] > mask["n"] / 2) & (mask["largest"] < limit)
    mask["reason"] = np.select([mask["n"] < limit, same, dominated], [SMALL, SAME, DOMINATED], "")
    sums = _sums(places, study.cohort_of if names.COHORT in groups else {})
    mask["reason"] = _protect(mask, places, sums, limit=limit, years=years)
    mask["share_reason"] = _protect_shares(mask, sums, limit)
    if len(years) > 1:
        mask = _with_those_in_all(mask, _alike_in_all(keyed, outcomes), limit)
    return mask.assign(suppressed=mask["reason"] != "")


def _cell_waves(waves: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the waves of an outcome, and what its cells of linked people are called."""
    shown = [wave for wave in waves if wave in asked]
    linked = [linked_cell(*pair) for pair in CONTRASTS.values() if set(pair) <= set(shown)]
    return [*shown, *linked, *([IN_ALL] if len(linked) > 1 else [])]


def _keyed(clean: pd.DataFrame, outcomes: Sequence[str], groups: Sequence[str]) -> pd.DataFrame:
    """Return the scores with the keys of their cells as text, ``""`` where there is none."""
    keyed = clean.reindex(columns=[names.PERSON, *_PLACE, *groups, names.WAVE, *outcomes])
    if names.GRADE_BAND in groups:
        keyed[names.GRADE_BAND] = grade_bands(keyed[names.GRADE])
    for column in (each for each in groups if not each.startswith(_BY_COHORT)):
        keyed[column] = keyed[column].astype("str").fillna("")
    return keyed.assign(**within_cohorts(keyed, groups))


def within_cohorts(clean: pd.DataFrame, groups: Sequence[str]) -> dict[str, pd.Series]:
    """Return the groups within each cohort, by the columns of the mask that are of such.

    Examples
    --------
    >>> clean = pd.DataFrame({"cohort": ["2025", "2026"], "role": ["participant", None]})
    >>> within_cohorts(clean, ["role", "cohort", "cohort,role"])["cohort,role"].to_list()
    ['2025,participant', '']
    """
    found = {}
    for column in (each for each in groups if each.startswith(_BY_COHORT)):
        cohort, group = (
            clean[each].astype("str").fillna("")
            for each in (names.COHORT, column.removeprefix(_BY_COHORT))
        )
        found[column] = (cohort + "," + group).where(group.ne(""), "")
    return found


def _linked(keyed: pd.DataFrame, waves: Sequence[str]) -> list[pd.DataFrame]:
    """Return the rows of those who are in all of these waves, wave by wave and person by person."""
    person = pd.Index(pd.factorize(keyed[names.PERSON])[0], name=names.PERSON)
    known = keyed.drop(columns=names.PERSON).set_index(person)
    first, *others = (
        known[(known[names.WAVE] == wave).to_numpy(bool) & (person >= 0)] for wave in waves
    )
    for other in others:
        first = first[first.index.isin(other.index)]
    return [first, *(other.loc[first.index] for other in others)]


def _pairs(keyed: pd.DataFrame, outcomes: Sequence[str], waves: tuple[str, str]) -> pd.DataFrame:
    """Return people's changes under their first keys; without a region where they have moved."""
    pre, post = _linked(keyed, waves)
    pairs = pre.assign(**{name: post[name] - pre[name] for name in outcomes})
    stayed = pre[names.REGION] == post[names.REGION]
    pairs[names.REGION] = pre[names.REGION].where(stayed, "")
    return pairs.assign(**{names.WAVE: linked_cell(*waves)}).reset_index()


def _in_all(keyed: pd.DataFrame, outcomes: Sequence[str], years: int) -> pd.DataFrame:
    """Return those who are in all three waves, under the keys that all their changes are under.

    A key is empty where it was another midway, `years` school years later. The scores are
    anything: only their number counts.
    """
    pre, mid, post = _linked(keyed, names.WAVES)
    rows = pre.assign(**{name: pre[name] + mid[name] + post[name] for name in outcomes})
    for column in (c for c in pre if c not in (names.WAVE, *outcomes)):
        then = pre[column]
        if column in (names.GRADE, _BY_COHORT + names.GRADE):
            cohort = then.str.extract(r"^(.*,)?")[0].fillna("")
            grade = pd.to_numeric(then.str.extract(r"(\d+)$")[0], errors="coerce") + years
            later = grade.map("{:.0f}".format, na_action="ignore")
            # as objects: of nobody, pandas makes numbers of both
            then = (cohort.astype(object) + later.astype(object)).fillna("")
        stayed = then == mid[column]
        if column == names.REGION:
            stayed &= pre[column] == post[column]
        # of no school there is a cell: that of the region
        rows[column] = pre[column].where(stayed, "-" if column == names.SCHOOL else "")
    return rows.assign(**{names.WAVE: IN_ALL}).reset_index()


def _alike_in_all(keyed: pd.DataFrame, outcomes: Sequence[str]) -> set[tuple[str, str]]:
    """Return the places and outcomes whose people in all waves answer or change alike, but one."""
    pre, mid, post = _linked(keyed, names.WAVES)
    stayed = (pre[names.REGION] == mid[names.REGION]) & (pre[names.REGION] == post[names.REGION])
    region, alike = pre[names.REGION].where(stayed, ""), set()
    for outcome in outcomes:
        y = [part[outcome].astype(float) for part in (pre, mid, post)]
        told = pd.concat([*y, y[1] - y[0], y[2] - y[1], y[2] - y[0]], axis=1, keys=range(6))
        told = told.dropna()
        for place in (region.loc[told.index], pd.Series(names.NATIONAL, told.index)):
            ends = [told[column].groupby(place).agg(**_ENDS) for column in told]
            same = np.any([_all_but_one(each) for each in ends], axis=0)
            alike |= {(name, outcome) for name in ends[0].index[same]}
    return alike


def _counts(
    keyed: pd.DataFrame, middles: Mapping[str, float], groups: Sequence[str], limit: int
) -> pd.DataFrame:
    """Return n, lowest, highest and summed score of every cell that holds anybody.

    And how many are `above` the middle of each outcome's answers, and of how many schools they are,
    with how many in the smallest and the largest, and the most that have fewer people than the
    limit together.
    """
    by = [*_PLACE, *groups, names.WAVE]
    keyed = keyed.assign(**{f">{name}": keyed[name] > middle for name, middle in middles.items()})
    grouped = keyed.groupby(by, sort=True)
    base = pd.concat(
        [
            grouped[name].agg(**_ENDS).assign(above=grouped[f">{name}"].sum(), outcome=name)
            for name in middles
        ]
    ).reset_index()
    base = base[base["n"] > 0]
    keys = [*_PLACE, *groups, names.WAVE, names.OUTCOME]
    base = base.astype(dict.fromkeys(keys, "category"))
    regional = base[base[names.REGION] != ""]
    cells = []
    for rows, place in ((base, []), (regional, [names.REGION]), (regional, _PLACE)):
        for column in ("", *(groups if place != _PLACE else ())):
            known = rows[rows[column] != ""] if column else rows
            by = [*place, *([column] if column else []), names.WAVE, names.OUTCOME]
            cell = known.groupby(by, sort=True, observed=True).agg(
                n=("n", "sum"), low=("low", "min"), high=("high", "max"), sum=("sum", "sum"),
                above=("above", "sum"),
            )  # fmt: skip
            apart = [*by, *(key for key in _PLACE if key not in place)]
            of_school = known.groupby(apart, sort=True, observed=True)
            of_school = of_school["n"].sum().sort_values(kind="stable")
            schools = of_school.groupby(by, sort=True, observed=True)
            sizes = {"n_schools": "count", "smallest": "min", "largest": "max"}
            few = (schools.cumsum() < limit).groupby(by, sort=True, observed=True).sum()
            cell = (
                cell.join(schools.agg(**sizes))
                .join(few.rename("few_schools"))
                .reset_index()
                .astype(dict.fromkeys(by, "str"))
            )
            whole = {names.REGION: names.NATIONAL, names.SCHOOL: ""}
            cell = cell.assign(**{key: text for key, text in whole.items() if key not in place})
            cells.append(cell.assign(subgroup=f"{column}=" + cell[column] if column else names.ALL))
    return pd.concat(cells, ignore_index=True).drop(columns=groups, errors="ignore")


def _all_but_one(told: pd.DataFrame) -> pd.Series:
    """Return where all values but one at most are the same, from their n, sum, low and high."""
    spread, eps = told["high"] - told["low"], 1e-9
    above, below = told["sum"] - told["n"] * told["low"], told["n"] * told["high"] - told["sum"]
    return (above <= spread + eps) | (below <= spread + eps)


def near_an_end(
    above: pd.Series,
    below: pd.Series,
    n: pd.Series,
    step: pd.Series,
    width: pd.Series,
    limit: int,
) -> pd.Series:
    """Return where a mean is so near an end of what it can be that it tells a part of its people.

    Parameters
    ----------
    above, below : Series
        How far the mean is above the lowest, and below the highest that it can be.
    n, step, width : Series
        People, how coarsely the mean is told, and width of the response scale.
    limit : int
        Fewer are a few, unless they are more than four in five of the people.

    Notes
    -----
    With the mean known up to d from an end, that of k of n people is known to lie
    within d · n / k of it, which may be no less than a fifth of the scale, and a quarter more since
    others narrow it. n is the fewest people whose number is rounded to the same, so that what is
    hidden does not tell it.

    Examples
    --------
    >>> mean, n, width = pd.Series([0.1, 0.1]), pd.Series([10, 100]), pd.Series([4.0, 4.0])
    >>> near_an_end(mean, 4 - mean, n, pd.Series([0.01, 0.01]), width, 6).tolist()
    [True, False]
    """
    fewest = fewest_told_alike(n, limit)
    few = np.minimum(limit - 1, 0.8 * fewest)
    near = pd.Series(False, n.index)
    for distance in (above, below):
        told = (distance / step).round() * step + step / 2
        near |= (n > 0) & (told * fewest < 1.25 * 2 * NEAR * width * few)
    return near


def _at_an_end(mask: pd.DataFrame, limit: int) -> pd.Series:
    """Return the cells whose mean is near the lowest or the highest answer, or change."""
    linked = mask[names.WAVE].str.startswith(names.LINKED)
    low = mask["minimum"].mask(linked, -mask["width"])
    high = mask["minimum"].mask(linked, 0) + mask["width"]
    mean = mask["sum"] / mask["n"].where(mask["n"] > 0)
    mean = (mean / mask["step"]).round() * mask["step"]  # as it is told
    return near_an_end(mean - low, high - mean, mask["n"], mask["step"], mask["width"], limit)


def _protect_shares(mask: pd.DataFrame, sums: sparse.csr_array, limit: int) -> np.ndarray:
    """Return why the share of people above the middle may not be told, empty where it may.

    As few people may not be above the middle, or not above it, as may not be a cell; nor may the
    mean be at one of the ends that the share leaves it.
    """
    reason = mask["reason"].to_numpy(dtype=object).copy()
    if limit == 1:
        return reason
    n, above, width = mask["n"], mask["above"].fillna(0), mask["width"]
    of_wave = ~mask[names.WAVE].str.startswith(names.LINKED)
    few = of_wave & (np.minimum(above, n - above) < limit)
    share = above / n.where(n > 0)
    mean = mask["sum"] / n.where(n > 0) - mask["minimum"]
    least, most = share * width / 2, width / 2 + share * width / 2
    ends = near_an_end(mean - least, most - mean, n, mask["step"], width, limit)
    reason = np.where(reason != "", reason, np.select([few, of_wave & ends], [SMALL, SAME], ""))
    n_places = sums.shape[1]
    shape = (n_places, len(mask) // n_places)
    n, reason = n.to_numpy().reshape(shape), reason.astype(object).reshape(shape)
    told = np.zeros(n_places, dtype=bool)
    for column in np.flatnonzero(of_wave.to_numpy()[: shape[1]]):
        about = (n[:, column], reason[:, column], told, sums)
        while found := _nearly_known(*about, limit) or _solvable(*about):
            reason[found, column] = COMPLEMENT
    return reason.ravel()


def _steps(
    mask: pd.DataFrame, of_score: pd.Series, years: Mapping[tuple[str, str], int], limit: int
) -> np.ndarray:
    """Return how coarsely the means of each cell are rounded.

    With n people the sum of their values is known to n · step / 2 to either side. Where some
    answered in one wave only, the means of both waves and the change of those who answered in both
    tell their sum; where they are few, the sums of the waves have to hide it, in every cell of the
    outcome alike. Nor may a mean of scores, multiples of `of_score`, tell how many they are.
    """
    least = NEAR * mask["width"].to_numpy() * (limit - 1)
    n = np.maximum(mask["n"].to_numpy(), 1)
    need = np.zeros(len(mask))
    for waves, older in years.items():
        linked, *parts = _changes(mask, waves, older)
        both = [np.where(part >= 0, n[part] - mask["n"].to_numpy()[linked], 0) for part in parts]
        once = np.sum(both, axis=0)
        few = np.any([(each > 0) & (each < limit) for each in both], axis=0)
        # of single schools no means of a wave are told
        few &= ((mask["n"] > 0) & mask[names.SCHOOL].eq("")).to_numpy()[linked]
        most = pd.Series(np.where(few, np.minimum(once, limit - 1), 0))
        most = most.groupby(mask[names.OUTCOME].to_numpy()[linked]).max()
        of_waves = mask[names.WAVE].isin(waves).to_numpy()
        need[of_waves] = np.maximum(
            need[of_waves], mask.loc[of_waves, names.OUTCOME].map(most).fillna(0)
        )
    # the sums of two waves hide it together; a quarter more, since others narrow it
    coarse = 1.25 * NEAR * mask["width"].to_numpy() * need / n
    coarse = np.where(2 * least / n <= STEPS[0], coarse, np.maximum(coarse, STEPS[1]))
    if limit > 1:
        by_number = of_score / fewest_told_alike(mask["n"], limit)
        # a change is not: its interval, test and verdict would be those of the coarser one
        coarse = np.where(mask[names.WAVE].isin(_THREE), coarse, np.maximum(coarse, by_number))
    return rounding_step(coarse)


def fewest_told_alike(n: pd.Series, limit: int) -> pd.Series:
    """Return the fewest people (not below the limit) whose number is rounded to the same.

    A mean of m values, or a share of m people, is a multiple of u / m, with u the distance between
    two values (1 of a share). Rounded to a step of u / m or more it can be that of any number of
    people from m on, so it does not tell which of those that are rounded to the same number.

    Examples
    --------
    >>> fewest_told_alike(pd.Series([7, 12, 14, 50]), 6).tolist()
    [6.0, 9.0, 9.0, 45.0]
    """
    return ((n / limit).round() * limit - limit / 2).clip(lower=float(limit))


def rounding_step(at_least: np.ndarray) -> np.ndarray:
    """Return the finest of `STEPS` that is at least as coarse as asked, or the coarsest.

    Examples
    --------
    >>> rounding_step(np.array([0, 0.004, 0.03])).tolist()
    [0.001, 0.01, 0.05]
    """
    place = np.searchsorted(STEPS, np.asarray(at_least) - 1e-12)
    return STEPS[np.minimum(place, len(STEPS) - 1)]


def _subgroups(keyed: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    found = [names.ALL]
    for column in groups:
        there = set(keyed[column].unique()) - {""}
        if column == names.ROLE:
            levels = [role for role in names.ROLES if role in there]
            levels = levels if levels != [names.LEADER] else []  # leaders have one role
        elif column.startswith(_BY_COHORT):
            group = column.removeprefix(_BY_COHORT)
            levels = sorted(there) if any(each.startswith(f"{group}=") for each in found) else []
        else:
            levels = sorted(there, key=int if column == names.GRADE else None)
        found += [f"{column}={level}" for level in levels]
    return found


def _places(schools: pd.DataFrame, subgroups: Sequence[str], *, by_school: bool) -> pd.DataFrame:
    """Return the cells of a population but for wave and outcome, each after what it is part of."""
    regions = [names.NATIONAL, *schools[names.REGION].drop_duplicates()]
    rows = [(region, "", subgroup) for region in regions for subgroup in subgroups]
    if by_school:
        pairs = schools[[names.REGION, names.SCHOOL]].itertuples(index=False)
        rows += [(region, school, names.ALL) for region, school in pairs]
    return pd.DataFrame(rows, columns=_CELL[:3])


def _protect(
    mask: pd.DataFrame,
    places: pd.DataFrame,
    sums: sparse.csr_array,
    *,
    limit: int,
    years: Mapping[tuple[str, str], int],
) -> np.ndarray:
    """Hide what would give hidden cells away, until nothing more has to be hidden."""
    shape = (len(places), len(mask) // len(places))  # places × (wave, outcome)
    flat_n, flat = mask["n"].to_numpy(), mask["reason"].to_numpy(dtype=object)
    n, reason = flat_n.reshape(shape), flat.reshape(shape)
    changes = [_changes(mask, waves, older) for waves, older in years.items()]
    asked = mask[[names.OUTCOME, names.WAVE]].head(shape[1]).to_records(index=False).tolist()
    columns = [column for column, (_, wave) in enumerate(asked) if wave != IN_ALL]
    in_all = [outcome for outcome, wave in asked if wave == IN_ALL]
    three = [[asked.index((outcome, wave)) for wave in (*_THREE, IN_ALL)] for outcome in in_all]
    if three:
        midway = _positions(places, _older(places, years[names.PRE, names.MID]), _CELL[:3])
    told = np.zeros(len(mask), dtype=bool)
    national = places[names.REGION].eq(names.NATIONAL).to_numpy()
    over_regions = (sums < 0) @ ~national & ((sums > 0) @ national)
    while True:
        before = reason.copy()
        for linked, *parts in changes:
            for part in parts:
                gives_away = (part >= 0) & (flat[part] != "") & (flat_n[part] > 0)
                flat[linked[gives_away & (flat[linked] == "")]] = CHANGE
            # where everybody answered both times the levels tell the change
            everybody = np.all(
                [(part >= 0) & (flat_n[part] == flat_n[linked]) for part in parts], 0
            )
            told[linked] = everybody & np.all([flat[part] == "" for part in parts], axis=0)
        for column in columns:
            about = (n[:, column], reason[:, column], told.reshape(shape)[:, column], sums)
            moved = over_regions & asked[column][1].startswith(names.LINKED)
            near = _nearly_known(*about, limit, moved)
            reason[near or _solvable(*about), column] = COMPLEMENT
        for cells in three:
            of = (n[:, cells], reason[:, cells], told.reshape(shape)[:, cells])
            for place, column in _add_up(*of, sums, midway, limit):
                reason[place, cells[column]] = COMPLEMENT
        if (reason == before).all():
            return flat


def _sums(places: pd.DataFrame, cohort_of: Mapping[str, str]) -> sparse.csr_array:
    """Return the sum rules: a row per whole, with 1 for it and −1 for each of its parts.

    `cohort_of` is the cohort of each school, where cohorts are cells.
    """
    region, school, subgroup = (places[column] for column in _CELL[:3])
    regions = school.eq("") & region.ne(names.NATIONAL)
    divisions = [(regions, {names.REGION: names.NATIONAL}), (school.ne(""), {names.SCHOOL: ""})]
    columns = dict.fromkeys(g.partition("=")[0] for g in subgroup if g != names.ALL)
    divisions += [(subgroup.str.startswith(c + "="), {names.SUBGROUP: names.ALL}) for c in columns]
    if names.GRADE_BAND in columns:
        band = grade_bands(subgroup.str.extract(rf"^{names.GRADE}=(\d+)$")[0].astype(float))
        divisions += [
            (band.eq(one), {names.SUBGROUP: f"{names.GRADE_BAND}={one}"})
            for one in sorted(set(band.dropna()))
        ]
    if cohort_of:
        answered = {each.partition("=")[2] for each in subgroup if each.startswith("cohort=")}
        of_school = school.map(cohort_of).where(lambda cohort: cohort.isin(answered))
        divisions += [
            (of_school.eq(one), {names.SCHOOL: "", names.SUBGROUP: f"{names.COHORT}={one}"})
            for one in sorted({*of_school.dropna()})
        ]
        for column in (c for c in columns if c.startswith(_BY_COHORT)):
            pair = subgroup.str.extract(rf"^{column}=(?P<cohort>.*),(?P<group>.*)$")
            group = column.removeprefix(_BY_COHORT)
            divisions += [
                (pair["cohort"].eq(one), {names.SUBGROUP: f"{names.COHORT}={one}"})
                for one in sorted({*pair["cohort"].dropna()})
            ]
            divisions += [
                (pair["group"].eq(one), {names.SUBGROUP: f"{group}={one}"})
                for one in sorted({*pair["group"].dropna()})
            ]
    rules = [np.zeros((0, len(places)))]
    for parts, whole in divisions:
        wholes = _positions(places, places[parts].assign(**whole), _CELL[:3])
        rule = np.zeros((len(places), len(places)))
        rule[wholes, np.flatnonzero(parts)] = -1
        rule[wholes, wholes] = 1
        rules.append(rule[np.unique(wholes)])
    return sparse.csr_array(np.concatenate(rules))


def _nearly_known(
    n: np.ndarray,
    reason: np.ndarray,
    told: np.ndarray,
    sums: sparse.csr_array,
    limit: int,
    moved: np.ndarray | bool = False,
) -> list[int]:
    """Return the next cells to hide where a sum rule tells a hidden cell, or a few, too closely.

    In each rule, whole = parts + people of no part (no role known, moved to another region), the
    sum of one member is known but for the others' sums. `loose` counts the people whose answers
    can still make up a member's sum: nobody in a shown cell; in a hidden one its own people, or
    those for whom its rules are loose, over as many rules as it takes. A hidden cell is told where
    these are fewer than a quarter of its people (or of the limit, where it has more); so are few
    people together, hidden parts and people of no part, who are left of a rule.
    """
    outside = np.maximum(sums @ n, 0)
    sums = sums.tocoo()
    rule, cell = sums.coords
    hidden = (reason != "") & ~told & (n > 0)
    loose = np.where(hidden, n, 0.0)

    def loose_by_rule() -> np.ndarray:
        unknown = np.where(moved, 0, outside)
        return unknown + np.bincount(rule, loose[cell], minlength=len(outside))

    while True:
        closer = loose.copy()
        np.minimum.at(closer, cell, loose_by_rule()[rule] - loose[cell])
        if (closer == loose).all():
            break
        loose = closer
    unknown = hidden & (loose >= _LOOSE * np.minimum(n, limit))
    exposed = hidden & ~unknown & (reason != COMPLEMENT)
    others = loose_by_rule()[rule] - loose[cell]
    rules = [*rule[exposed[cell] & (others <= loose[cell])]]
    # few people together
    left = (sums.data < 0) & unknown[cell]
    rest = outside + np.bincount(rule[left], n[cell[left]], minlength=len(outside))
    by_others = np.bincount(rule[~left], loose[cell[~left]], minlength=len(outside))
    rules += [*np.flatnonzero((rest > 0) & (rest < limit) & (by_others < _LOOSE * rest))]
    shown = (reason == "") & (n > 0)
    known, is_part = hidden & ~unknown, sums.data < 0
    chosen = []
    for start in dict.fromkeys(rules):
        seen = rule == start
        while not (seen & is_part & shown[cell]).any():
            # where no part of it is shown, the rules that its members are known by
            further = np.isin(rule, rule[np.isin(cell, cell[seen & known[cell]])])
            if (further <= seen).all():
                break
            seen |= further
        able = seen & shown[cell]
        able = cell[able & is_part] if (able & is_part).any() else cell[able]
        if len(able):
            chosen.append(_smallest(n, np.isin(np.arange(len(n)), able)))
    return list(dict.fromkeys(chosen))


def _solvable(
    n: np.ndarray, reason: np.ndarray, told: np.ndarray, sums: sparse.csr_array
) -> list[int]:
    """Return the next cells to hide where the sum rules can be solved for hidden ones.

    The unknowns are the hidden cells that hold anybody; a rule with people outside its parts
    binds nothing. With A the rules and A⁺ its pseudo-inverse, unknown i is determined where
    (A⁺A)ᵢᵢ = 1, and row i of A⁺ says by which rules. Where several are, those are met at once whose
    rules are not the same.
    """
    unknown = np.flatnonzero((reason != "") & ~told & (n > 0))
    binding = sums[sums @ n == 0].toarray()
    binding = binding[(binding[:, unknown] != 0).any(axis=1)]
    if not len(binding):
        return []
    open_to = (reason == "") & (n > 0)
    alone = (binding[:, unknown] != 0).sum(axis=1) == 1
    alone &= ((binding != 0) & (reason != COMPLEMENT) & ~open_to & (n > 0) & ~told).any(axis=1)
    each = (binding[alone] != 0) & open_to
    if each.any():  # a rule with a single unknown needs no solving
        return list(dict.fromkeys(_smallest(n, able) for able in each if able.any()))
    of_unknown = binding[:, unknown]
    square = of_unknown @ of_unknown.T  # there are fewer rules than unknowns
    inverse = of_unknown.T @ np.linalg.pinv(square, rcond=1e-10, hermitian=True)
    solved = np.einsum("ij,ji->i", inverse, of_unknown) > 1 - 1e-8
    solved &= reason[unknown] != COMPLEMENT
    if not solved.any():
        return []
    chosen: list[int] = []
    used = np.zeros(len(binding), dtype=bool)
    for cell in np.flatnonzero(solved):
        rules = np.abs(inverse[cell]) > 1e-6
        if (rules & used).any():
            continue
        used |= rules
        able = (binding[rules] != 0).any(axis=0) & open_to
        chosen += [_smallest(n, able)] if able.any() else []
    return chosen


def _add_up(
    n: np.ndarray,
    reason: np.ndarray,
    told: np.ndarray,
    sums: sparse.csr_array,
    midway: np.ndarray,
    limit: int,
) -> set[tuple[int, int]]:
    """Return the next changes to or from the wave midway to hide, as place and column.

    Parameters
    ----------
    n : ndarray of int, shape (places, 4)
        People in the change from before to after, to midway and from midway, and in all three.
    reason : ndarray of object, shape (places, 4)
    told : ndarray of bool, shape (places, 4)
        Known whether it is hidden or not.
    sums : csr_array, shape (rules, places)
    midway : ndarray of int, shape (places,)
        The place of the same people midway, which is another for grades; -1 where there is none.
    limit : int
    """
    there = midway >= 0
    place = np.column_stack([np.arange(len(n))] * 2 + [np.where(there, midway, 0)])
    size, hidden = n[place, range(3)], (reason[place, range(3)] != "")
    hidden &= (size > 0) & ~told[place, range(3)]
    twice = np.where(there, (size - n[:, 3:]).clip(min=0).sum(axis=1), 0)
    count, few = hidden.sum(axis=1), twice < limit
    bad = there & few & ((count == 1) | (count == 0) & (twice > 0))
    if not bad.any():
        unknown = np.where(count > 0, SMALL, "").astype(object)
        bad[_nearly_known(twice, unknown, np.zeros_like(bad), sums, limit)] = True
    able = (reason[place, range(3)] == "") & (size > 0)
    able[:, 0] = False  # from before to after
    chosen = {
        (row, _fewest(size[row], able[row])) for row in np.flatnonzero(bad & able.any(axis=1))
    }
    if chosen:
        return {(int(place[row, column]), column) for row, column in chosen}
    return _solvable_together(n, reason, told, sums, place[there & few])


def _fewest(size: np.ndarray, able: np.ndarray) -> int:
    return int(np.argmin(np.where(able, size, np.iinfo(int).max)))


def _solvable_together(
    n: np.ndarray, reason: np.ndarray, told: np.ndarray, sums: sparse.csr_array, bound: np.ndarray
) -> set[tuple[int, int]]:
    """Return changes to or from midway to hide where sums over places and waves give one away.

    As `_solvable`, of all three changes at once; `bound` are the places, shape (k, 3), where they
    add up.
    """
    size, why = n[:, :3].T.ravel(), reason[:, :3].T.ravel()
    unknown = np.flatnonzero((why != "") & ~told[:, :3].T.ravel() & (size > 0))
    first, to, since = bound.T + len(n) * np.arange(3)[:, None]
    row = np.tile(np.arange(len(bound)), 3)
    sign = np.repeat([-1.0, 1.0, 1.0], len(bound))
    shape = (len(bound), len(size))
    added = sparse.csr_array((sign, (row, np.concatenate([first, to, since]))), shape)
    over_places = [sums[sums @ n[:, column] == 0] for column in range(3)]
    rules = sparse.vstack([sparse.block_diag(over_places), added]).tocsr()
    of_unknown = rules[:, unknown]
    told = np.diff(of_unknown.indptr) > 0
    if not told[-len(bound) :].any():
        return set()  # each change for itself: `_solvable`
    rules, of_unknown = rules[told], of_unknown[told]
    part = connected_components(abs(of_unknown).T @ abs(of_unknown), directed=False)[1]
    of_rule = part[of_unknown.indices[of_unknown.indptr[:-1]]]
    able = (why == "") & (size > 0)
    able[: len(n)] = False  # from before to after
    chosen = set()
    for each in np.unique(of_rule):
        inside, cells = np.flatnonzero(of_rule == each), np.flatnonzero(part == each)
        block = of_unknown[inside][:, cells].toarray()
        inverse = np.linalg.pinv(block)
        solved = np.einsum("ij,ji->i", inverse, block) > 1 - 1e-9
        solved &= why[unknown[cells]] != COMPLEMENT
        for cell in np.flatnonzero(solved):
            used = abs(rules[inside[np.abs(inverse[cell]) > 1e-9]]).sum(axis=0) > 0
            if (used & able).any():
                column, place = divmod(_smallest(size, used & able), len(n))
                chosen.add((place, column))
                break
    return chosen


def _with_those_in_all(mask: pd.DataFrame, alike: set[tuple[str, str]], limit: int) -> pd.DataFrame:
    """Decide of whom the means in all three waves may be told, and keep these cells only.

    Their means are levels, so neither may those of a wave, nor those of two waves, who are not
    among them be few.
    """
    everybody = mask[names.SUBGROUP].eq(names.ALL) & mask[names.SCHOOL].eq("")
    mask = mask[everybody | mask[names.WAVE].ne(IN_ALL)].reset_index(drop=True)
    everybody = mask[mask[names.SUBGROUP].eq(names.ALL) & mask[names.SCHOOL].eq("")]
    for outcome, rows in everybody.groupby(names.OUTCOME, sort=False):
        if not rows[names.WAVE].eq(IN_ALL).any():
            continue
        row, n, why = (
            rows.reset_index().pivot(index=names.REGION, columns=names.WAVE, values=column)
            for column in ("index", "n", "reason")
        )
        same = pd.Series([(place, outcome) in alike for place in n.index], n.index) & (limit > 1)
        mask.loc[row[IN_ALL], "reason"] = _in_all_reasons(n, why, same, limit).to_numpy()
    return mask


def _in_all_reasons(n: pd.DataFrame, why: pd.DataFrame, same: pd.Series, limit: int) -> pd.Series:
    """Return why the means of those in all three waves may not be told, by region and country."""
    waves, total = list(names.WAVES), n[IN_ALL]
    hidden = why.ne("") & n.gt(0)
    rest = n.drop(columns=IN_ALL).sub(total, axis=0)
    few = (rest.gt(0) & rest.lt(limit)) | (hidden[rest.columns] & rest.lt(limit))
    conditions = [total < limit, same, hidden[waves].any(axis=1), few.any(axis=1)]
    reason = pd.Series(np.select(conditions, [SMALL, SAME, CHANGE, COMPLEMENT], ""), n.index)
    regions = n.index != names.NATIONAL
    moved = total[names.NATIONAL] - total[regions].sum()
    while reason[names.NATIONAL] == "":
        # where nobody else answered in a wave, that wave tells of them
        known = reason.eq("") | (rest[waves].eq(0) & ~hidden[waves]).any(axis=1)
        unknown = regions & ~known & total.gt(0)
        left = rest.loc[names.NATIONAL] - rest[regions & known].sum()
        left[IN_ALL] = total[names.NATIONAL] - total[regions & known].sum()
        alone = unknown.sum() == 1 and moved < limit
        if not alone and not (left.gt(0) & left.lt(limit)).any():
            break
        able = total[regions & reason.eq("") & total.gt(0)]
        reason[names.NATIONAL if able.empty else able.idxmin()] = COMPLEMENT
    return reason


def _smallest(n: np.ndarray, able: np.ndarray) -> int:
    """Return the cell with fewest people; of equals the last, which is the smaller place."""
    cells = np.flatnonzero(able)[::-1]
    return int(cells[np.argmin(n[cells])])


def _changes(mask: pd.DataFrame, waves: tuple[str, str], years: int) -> list[np.ndarray]:
    """Return positions of the linked cells, and of the pre and post cells of the same people."""
    linked = mask[mask[names.WAVE] == linked_cell(*waves)]
    pre, post = (linked.assign(**{names.WAVE: wave}) for wave in waves)
    return [_positions(mask, cells, _CELL) for cells in (linked, pre, _older(post, years))]


def _older(cells: pd.DataFrame, years: int) -> pd.DataFrame:
    """Return cells with their grades so many years later."""
    form = rf"^((?:{_BY_COHORT})?{names.GRADE}=(?:.*,)?)(\d+)$"
    found = cells[names.SUBGROUP].str.extract(form).dropna()
    older = cells.copy()
    later = (found[1].astype(int) + years).astype("str")
    older.loc[found.index, names.SUBGROUP] = found[0] + later
    return older


def _positions(table: pd.DataFrame, cells: pd.DataFrame, keys: Sequence[str]) -> np.ndarray:
    index = pd.MultiIndex.from_frame(table[keys])
    return index.get_indexer(pd.MultiIndex.from_frame(cells[keys]))
