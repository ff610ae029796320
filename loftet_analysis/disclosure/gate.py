"""The gate: an exact frame goes in, a frame that may be seen comes out.

Every row of a result rests on cells of the disclosure mask (:mod:`loftet_analysis.disclosure.mask`).
Where one of them is hidden the row loses its numbers; what is left is rounded. What each column is,
and so what becomes of it, stands in :mod:`loftet_analysis.schema`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.disclosure.mask import COMPLEMENT, LIMITS, SAME, SMALL
from loftet_analysis.errors import DisclosureError
from loftet_analysis.estimands import ESTIMANDS, names_where

_TWICE = (names.PRE, names.POST)
_ALL_THREE = (*_TWICE, names.LINKED)
#: A group of a researcher's own may be shown on internal pages only.
OWN_GROUP = "own_group"
_INTERNAL = ("open", "internal")
# the outermost percentile stands for a tenth of the people
_PERCENTILES, _TAIL = "same_grade_quantile", 10
_FOR_PERCENTILES = 60  # people, where the percentiles 10 and 90 stand for six

_PEOPLE = tuple(schema.with_role("people"))
_COUNTS = schema.of_kind("count")
_KEYS = schema.with_role("key")
_DERIVED = schema.with_role("derived")
_STAYS = schema.with_role("key", "setting")


class Gated(pd.DataFrame):
    """A frame that passed the gate: the only kind that `show` takes.

    It is a DataFrame with ``suppressed`` and ``reason``. What pandas makes of it (rows chosen,
    columns renamed, groups summed) has passed too. Numbers put into it from a frame that did not
    pass, by assignment, `concat` or `merge`, take the pass away.
    """

    _metadata = ("passed",)

    @property
    def _constructor(self) -> type[Gated]:
        return Gated

    @property
    def _constructor_sliced(self) -> type[GatedSeries]:
        return GatedSeries

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> Gated:
        super().__finalize__(other, method=method, **kwargs)
        sources = getattr(other, "objs", None) or getattr(other, "input_objs", None)
        if sources is None and hasattr(other, "left"):
            sources = [other.left, other.right]
        if sources is None:
            sources = [other]
        object.__setattr__(self, "passed", all(passed(source) for source in sources))
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        told = (
            value if isinstance(value, np.ndarray | pd.Series | pd.DataFrame | pd.Index) else None
        )
        if told is not None and not passed(told) and not _is_text(told):
            object.__setattr__(self, "passed", False)
        super().__setitem__(key, value)


class GatedSeries(pd.Series):
    """A column of a `Gated` frame."""

    _metadata = ("name", "passed")

    @property
    def _constructor(self) -> type[GatedSeries]:
        return GatedSeries

    @property
    def _constructor_expanddim(self) -> type[Gated]:
        return Gated


def passed(value: object) -> bool:
    """Whether a frame or a column comes from the gate and from nowhere else."""
    return isinstance(value, Gated | GatedSeries) and getattr(value, "passed", True) is not False


def _is_text(value: Any) -> bool:
    dtypes = value.dtypes if isinstance(value, pd.DataFrame) else [value.dtype]
    return not any(pd.api.types.is_numeric_dtype(dtype) for dtype in dtypes)


def gate(frame: pd.DataFrame, mask: pd.DataFrame, profile: str) -> Gated:
    """Return a result as it may be published.

    Every row is joined to the cells of the disclosure mask that it rests on. Where one of them
    is suppressed the row loses its numbers and everything read off them. Where a row counts nearly
    everybody of a cell, its means and SDs go, since they would tell those of the few others. What
    is left is rounded as the profile asks. A subgroup that the mask does not know is a group of the
    researcher's own, see `_own_groups`. Counts of sheets and people without an outcome are rounded
    to the limit, so that neither a count nor a difference of two tells a small number.

    Parameters
    ----------
    frame : DataFrame
        Effects, reliability, pooled effects, histograms, counts; see `cells`.
    mask : DataFrame
        The study's disclosure mask, columns `schema.MASK`.
    profile : {"open", "internal", "school", "public"}
        The study's disclosure profile. ``open`` rounds nothing; ``public`` rounds numbers of
        people to 5 and estimates to two decimals.

    Returns
    -------
    Gated
        The rows in their order, with ``suppressed`` (bool) and ``reason``.

    Raises
    ------
    DisclosureError
        Where a row with numbers rests on a cell that the mask does not hold, counts only some of
        the cell's linked people, or is a bin with fewer people than the profile asks for.

    Examples
    --------
    >>> ledger = pd.DataFrame({"reason": ["duplicate"], "n_in": [43], "n_out": [41]})
    >>> gate(ledger, pd.DataFrame(columns=schema.MASK), "internal")[["n_in", "n_out"]].values.tolist()
    [[42, 42]]
    """
    limit = LIMITS[profile]
    if not {names.OUTCOME, "scale"} & {*frame}:
        return Gated(_counts(frame, limit))
    shown = frame.reset_index(drop=True)
    shown = pd.DataFrame({name: _plain(column) for name, column in shown.items()})
    told = [c for c in shown if c not in _STAYS]
    text = {c for c in shown if shown[c].dtype == object}
    tells = np.zeros(len(shown), dtype=bool)
    for column in told:
        # that nothing was found, and how a scale measures, is said of nobody
        if column not in ("verdict", "measurement_warning"):
            values = shown[column]
            tells |= (values.to_numpy() != "") if column in text else values.notna().to_numpy()
    own = _is_own_group(shown, mask)
    why = _own_groups(shown, own & tells, mask, profile) if own.any() else None
    tells &= ~own
    telling = shown[tells].reset_index(drop=True)
    held = _held(cells(telling), mask)
    people = held.groupby(["row", names.WAVE])["n"].sum().unstack()
    people = people.reindex(index=telling.index, columns=list(_ALL_THREE))
    _refuse_parts(telling, people[names.LINKED])
    hidden = held["reason"].fillna("").where(held["suppressed"].astype(bool))
    hidden = hidden.groupby(held["row"], sort=True).first().reindex(telling.index)
    hidden = hidden.set_axis(shown.index[tells]).reindex(shown.index)
    why = hidden if why is None else hidden.where(hidden.notna(), why)
    why = why.where(why.notna(), _few(shown, limit))
    few_others = _few_others(telling, people, limit).set_axis(shown.index[tells])
    why = why.mask(why.isna() & few_others.reindex(shown.index, fill_value=False), SMALL)
    if "reason" not in shown:
        shown["reason"] = ""
    shown["suppressed"] = why.notna()
    _refuse_small_bins(shown, limit)
    near = _leaves_few(telling, people, limit).set_axis(shown.index[tells])
    near = near.reindex(shown.index, fill_value=False) | own
    if "n_pairs" in shown and limit > 1:
        # rows of pairs together would tell the levels of those who answered once
        near |= shown["n_pairs"].notna().to_numpy() & (tells | own)
    if near.any():
        levels = [c for c in shown if c in schema.with_role("level")]
        shown.loc[near, levels] = np.nan
    for column in schema.with_role("share") & {*shown}:
        of = schema.COLUMNS[column].of
        shown[column] = _without_few(shown[column], shown[of], limit)
    if limit > 1:
        if {"item", "sd"} <= set(shown):
            alike = shown["item"].ne("") & shown["sd"].eq(0)
            why = why.mask(why.isna() & alike, SAME)
        _coarsen(shown)
        why = _whole_or_none(shown, why)
        shown["suppressed"] = why.notna()
    if shown["suppressed"].any():
        hidden = shown["suppressed"]
        bare = {c: shown[c].mask(hidden, "" if c in text else None) for c in told}
        shown = shown.assign(**bare, reason=shown["reason"].mask(hidden, why))
    return Gated(_rounded(shown, told, profile))


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of the mask that each row of a result rests on.

    Parameters
    ----------
    frame : DataFrame
        Rows of effects or pooled effects (``estimand`` says which waves and roles they rest on),
        of reliability, or of anything else with a ``wave``. Without ``region`` a row is
        national, without ``school_id`` of all schools, without ``subgroup`` of everybody.

    Returns
    -------
    DataFrame
        ``row`` (position in ``frame``) and the columns of `schema.CELL`; several per row.

    Raises
    ------
    DisclosureError
        Where a row says neither its wave nor an estimand with known cells.

    Examples
    --------
    >>> row = {"population": "pupils", "region": "oslo", "outcome": "persistence"}
    >>> rests_on = cells(pd.DataFrame([{**row, "estimand": "same_grade"}]))
    >>> rests_on[["subgroup", "wave"]].to_dict("records")
    [{'subgroup': 'all', 'wave': 'pre'}, {'subgroup': 'all', 'wave': 'post'}]
    """
    rests_on = []
    about = ("scale", names.ESTIMAND, "contrast", "design", "comparison")
    known = [c for c in (*schema.CELL, *about, *_PEOPLE) if c in frame]
    for position, row in enumerate(frame[known].to_dict("records")):
        if _is_background(row):
            continue
        if "n_leaders" in frame:  # teachers and leaders who are compared after
            place = {names.SCHOOL: "", names.SUBGROUP: names.ALL, names.WAVE: names.POST}
            place |= {names.REGION: row[names.REGION], names.OUTCOME: row[names.OUTCOME]}
            rests_on += [
                {"row": position, **place, names.POPULATION: each}
                for each in ("teachers", "leaders")
            ]
            continue
        place = {
            names.POPULATION: row[names.POPULATION],
            names.REGION: _text(row.get(names.REGION)) or names.NATIONAL,
            names.SCHOOL: _text(row.get(names.SCHOOL)),
            names.OUTCOME: _text(row.get(names.OUTCOME)) or row["scale"],
        }
        rests_on += [
            {"row": position, **place, names.SUBGROUP: group, names.WAVE: wave}
            for group in _subgroups(row)
            for wave in _waves(row)
        ]
    return pd.DataFrame(rests_on, columns=["row", *schema.CELL])


def _is_background(row: dict) -> bool:
    """Whether a row compares grades or genders: these are no cells, its own counts decide."""
    named = _text(row.get(names.OUTCOME))
    return bool(_text(row.get("comparison"))) and (named == names.GRADE or "=" in named)


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _waves(row: dict) -> tuple[str, ...]:
    if _text(row.get(names.WAVE)):
        return (row[names.WAVE],)
    if _text(row.get("comparison")):
        by_role = row["comparison"] == names.BY_ROLE
        return (names.PRE,) if by_role else (names.PRE, names.LINKED)
    if _text(row.get("design")):
        return _ALL_THREE if row["design"] == names.LINKED else _TWICE
    estimand = ESTIMANDS.get(_text(row.get(names.ESTIMAND)))
    if estimand is None:
        raise DisclosureError(
            "no rule says which cells of the disclosure mask "
            f"{_text(row.get(names.ESTIMAND)) or 'this row'!r} rests on"
        )
    if estimand.name == "level":
        counted = zip(_TWICE, ("n_pre", "n_post"), strict=True)
        return tuple(wave for wave, n in counted if not pd.isna(row.get(n))) or _TWICE[1:]
    counts_pairs = estimand.pairs_if_any and not pd.isna(row.get("n_pairs"))
    return (*estimand.waves, names.LINKED) if counts_pairs else estimand.waves


def _subgroups(row: dict) -> tuple[str, ...]:
    subgroup = _text(row.get(names.SUBGROUP)) or names.ALL
    estimand = _text(row.get(names.ESTIMAND))
    if _text(row.get("comparison")) == names.BY_ROLE:
        return tuple(f"role={role}" for role in (names.PARTICIPANT, names.COLLEAGUE))
    if estimand == "gap_change":
        return tuple(_text(row.get("contrast")).split(" - "))
    about = ESTIMANDS[estimand].roles if estimand in ESTIMANDS else ()
    if estimand == "dose" and row[names.POPULATION] == "teachers":
        about = (names.PARTICIPANT,)
    roles = [f"role={role}" for role in about]
    if not roles or subgroup in {*roles}:
        return (subgroup,) if not roles else tuple(roles)
    if subgroup == names.ALL:
        return tuple(roles)
    return tuple(f"{subgroup},{role}" for role in roles)


def _is_own_group(shown: pd.DataFrame, mask: pd.DataFrame) -> np.ndarray:
    """Return which rows are of a group, ``column=value``, of a column that the mask does not have."""
    if names.SUBGROUP not in shown or names.ESTIMAND not in shown:
        return np.zeros(len(shown), dtype=bool)
    known = set(mask[names.SUBGROUP].str.partition("=")[0])
    column = shown[names.SUBGROUP].astype(str).str.partition("=")
    return (column[1].eq("=") & ~column[0].isin(known)).to_numpy()


def _own_groups(
    shown: pd.DataFrame, own: np.ndarray, mask: pd.DataFrame, profile: str
) -> pd.Series:
    """Return why rows of a researcher's own groups may not be shown; empty for those that may.

    They are no cells of the mask, so the people in the frame decide: as many as the profile asks
    for, who do not all answer alike, and as many again among the rest of everybody. They stand on
    internal pages only.
    """
    why = pd.Series(None, index=shown.index, dtype=object)
    rows = shown[own]
    if profile not in _INTERNAL:
        why[rows.index] = OWN_GROUP
        return why
    limit = LIMITS[profile]
    spread = {c: rows[c].astype(float) if c in rows else np.nan for c in ("sd_pre", "sd_post")}
    r = rows["r_pre_post"].astype(float) if "r_pre_post" in rows else np.nan
    of_change = spread["sd_pre"] ** 2 + spread["sd_post"] ** 2
    of_change = of_change - 2 * r * spread["sd_pre"] * spread["sd_post"]
    alike = pd.DataFrame({**spread, "change": of_change}, index=rows.index).le(1e-9).any(axis=1)
    why[rows.index[alike & (limit > 1)]] = SAME
    counted = [c for c in ("n_pairs", "n_pre", "n_post") if c in rows]
    why[rows.index[rows[counted].astype(float).lt(limit).any(axis=1)]] = SMALL
    everybody = rows.assign(**{names.SUBGROUP: names.ALL}).reset_index(drop=True)
    held = _held(cells(everybody), mask)
    people = held.groupby(["row", names.WAVE])["n"].sum().unstack().reindex(columns=_ALL_THREE)
    people = people.reindex(everybody.index).set_axis(rows.index)
    whole = held.groupby("row")["suppressed"].any().reindex(everybody.index, fill_value=False)
    why[rows.index[whole.to_numpy(dtype=bool)]] = COMPLEMENT
    in_pairs = rows["n_pairs"].notna() if "n_pairs" in rows else pd.Series(False, rows.index)
    column = rows[names.SUBGROUP].str.partition("=")[0]
    place = [c for c in ("population", "region", "school_id", "outcome", "estimand", "contrast")
             if c in rows]  # fmt: skip
    for _, group in rows.groupby([*place, column.rename("of")], sort=False, dropna=False):
        waves = [(names.LINKED, "n_pairs")] if in_pairs[group.index].any() else []
        waves = waves or [(names.PRE, "n_pre"), (names.POST, "n_post")]
        for wave, n in waves:
            while True:
                # everybody less the groups that are shown: those hidden, and those in no group
                shows = group.index[why[group.index].isna()]
                rest = people[wave][group.index[0]] - group.loc[shows, n].astype(float).sum()
                if not (0 < rest < limit) or shows.empty:
                    break
                why[group.loc[shows, n].astype(float).idxmin()] = COMPLEMENT
    return why


def _plain(column: pd.Series) -> pd.Series:
    """Return a column as the gate reads it: texts as objects without gaps, counts as ``Int64``."""
    missing = column.isna()
    kind = pd.api.types.infer_dtype(column, skipna=True) if column.dtype == object else ""
    # numbers that came as objects are numbers; what is nowhere told may be any kind
    numeric = kind in {"floating", "integer", "mixed-integer-float"}
    if column.name not in _STAYS | _DERIVED and (numeric or missing.all()):
        column = column.astype(float)
    if column.name in _KEYS | _DERIVED or not pd.api.types.is_numeric_dtype(column):
        column = column.astype(object)
        column = column.mask(missing, "") if missing.any() else column
    return column.astype("Int64") if column.name in _COUNTS else column


def _without_few(share: pd.Series, of: pd.Series, limit: int) -> pd.Series:
    """Leave out shares that stand for a few, or for all but a few; none and all may be told."""
    share, of = share.astype(float), of.astype(float)
    inside, outside = share * of, (1 - share) * of
    few = [(part > 0.5) & (part < limit - 1e-9) for part in (inside, outside)]
    return share.mask(few[0] | few[1]) if limit > 1 else share


def _coarsen(shown: pd.DataFrame) -> None:
    """Take from rows what would let joined answers, or single people, be computed."""
    shown[[c for c in shown if c in schema.with_role("school_mean")]] = np.nan
    if {"item", "sd"} <= set(shown):
        single = shown["item"].ne("")
        shown["sd"] = shown["sd"].mask(single)
        for column in shown:
            about = schema.COLUMNS.get(column)
            if about is not None and about.item_decimals is not None:
                coarse = shown[column].astype(float).round(about.item_decimals)
                shown[column] = shown[column].mask(single, coarse)
    if "flags" in shown and "n_pairs" in shown:
        few = shown["n_pairs"].astype(float) < _FOR_PERCENTILES
        bare = shown["flags"].str.replace(r"(^|;)range=[^;]*", "", regex=True).str.lstrip(";")
        shown["flags"] = shown["flags"].mask(few, bare)


def _whole_or_none(shown: pd.DataFrame, why: pd.Series) -> pd.Series:
    """Hide every school's row of an outcome where one of them is hidden.

    The region's change of schools less the shown ones would tell the hidden one.
    """
    if "shrunk" not in shown:
        return why
    keys = [shown[c] for c in (names.POPULATION, names.REGION, names.OUTCOME)]
    counted = why.notna() | shown["reason"].isin(("no_pairs", "no_variance"))
    any_hidden = counted.groupby(keys).transform("any")
    return why.mask(why.isna() & any_hidden & shown["reason"].eq(""), COMPLEMENT)


def _counts(counts: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return counts of sheets or people, which say nothing of their answers, rounded to the limit.

    They are no cells of the mask; columns `n` and `n_…` count.
    """
    _refuse_small_bins(counts.assign(suppressed=False), limit)
    columns = [c for c in counts if (c == "n" or c.startswith("n_")) and c != "n_schools"]
    rounded = {
        column: (counts[column].astype("Float64") / limit).round().astype("Int64") * limit
        for column in columns
    }
    shown = counts.assign(**rounded, suppressed=False, reason=counts.get("reason", ""))
    if "state" in shown and limit > 1:
        # a state that nobody is in has no row, so a row of zero would tell that somebody is
        shown = shown[shown["n"] > 0].reset_index(drop=True)
    if "day" in shown and limit > 1:
        # only days on which the rounded number rises; on the others single people answered
        shown = shown.drop_duplicates([names.POPULATION, names.WAVE, "n"], ignore_index=True)
    return shown


def _held(rests_on: pd.DataFrame, mask: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with what the mask says of each; refuse those that it does not hold."""
    keys = list(schema.CELL)
    near = mask[mask[names.OUTCOME].isin(rests_on[names.OUTCOME].unique())]
    # looked up one by one: a merge would sort the whole mask for a few cells
    rows = {cell: row for row, cell in enumerate(zip(*_lists(near[keys]), strict=True))}
    if len(rows) < len(near):
        raise DisclosureError("the disclosure mask says of some cells twice what may be told")
    asked = zip(*_lists(rests_on[keys]), strict=True)
    place = np.array([rows.get(cell, -1) for cell in asked], dtype=int)
    unknown = place < 0
    if unknown.any():
        places = rests_on.loc[unknown, keys].drop_duplicates()
        listed = "; ".join(
            ", ".join(f"{k}={v}" for k, v in zip(keys, cell, strict=True) if v)
            for cell in places.head(3).itertuples(index=False)
        )
        raise DisclosureError(
            f"{len(places)} cells are not in the disclosure mask, so nothing of this is "
            f"published: {listed}"
        )
    said = ("n", "suppressed", "reason")
    return rests_on.assign(**{column: near[column].to_numpy()[place] for column in said})


def _lists(frame: pd.DataFrame) -> list[list]:
    return [frame[column].tolist() for column in frame]


def _refuse_parts(telling: pd.DataFrame, linked: pd.Series) -> None:
    """Refuse a change of a part of a cell's people: less the whole, it would give away the rest."""
    if "n_pairs" not in telling or "analysis" in telling:
        return  # other choices of people; see `_few_others`
    counted = telling.loc[linked.notna(), "n_pairs"].dropna().astype(int)
    if names.ESTIMAND in telling:
        of_some = telling.loc[counted.index, names.ESTIMAND].isin(names_where(of_some=True))
        counted = counted[~of_some]
    parts = counted[counted != linked[counted.index]]
    if len(parts):
        raise DisclosureError(
            f"{len(parts)} results are not of everybody in their cell (the first counts "
            f"{parts.iloc[0]} people in both waves, its cell {linked[parts.index[0]]:.0f}); "
            "compute them from the whole clean frame, and ask for groups with `by`"
        )


def _leaves_few(telling: pd.DataFrame, people: pd.DataFrame, limit: int) -> pd.Series:
    """Return which rows count nearly everybody of a cell: all but 1 to `limit` - 1 people.

    The level of those few would be the cell's level, told elsewhere, less the row's. The row's
    change gives nothing away, so only the levels go.
    """
    near = pd.Series(False, index=telling.index)
    for wave, column in ((names.PRE, "n_pre"), (names.POST, "n_post")):
        if column in telling:
            rest = people[wave] - telling[column].astype(float)
            near |= (rest > 0) & (rest < limit)
    return near


def _few(shown: pd.DataFrame, limit: int) -> pd.Series:
    """Return a reason where a row's own counts are too low, whatever the mask says of its cell.

    A row can rest on fewer people than its cell holds: complete cases, cells of the same grade.
    A share also counts those whom it is the share of, and a percentile those beyond it.
    """
    people = shown[[c for c in _PEOPLE if c in shown and "low" not in shown]].astype(float)
    fewest = people.min(axis=1)
    if names.ESTIMAND in shown and limit > 1:
        fewest = fewest.where(shown[names.ESTIMAND] != _PERCENTILES, fewest / _TAIL)
        is_share = shown[names.ESTIMAND].eq("share_below")
        if "contrast" in shown:
            is_share |= shown["contrast"].eq("share agreeing")
        for wave in _TWICE if is_share.any() else ():
            share = shown.get(f"mean_{wave}", pd.Series(np.nan, index=shown.index)).astype(float)
            inside = share.clip(upper=1 - share) * people.get(f"n_{wave}", np.nan)
            fewest = fewest.mask(is_share & (inside < fewest), inside)
    return (fewest < limit - 1e-9).map({True: SMALL}).astype(object)


def _few_others(telling: pd.DataFrame, people: pd.DataFrame, limit: int) -> pd.Series:
    """Return which rows leave out only a few of their cell's people, whom they would tell."""
    few = pd.Series(False, index=telling.index)
    if names.ESTIMAND not in telling or "n_pairs" not in telling:
        return few
    counted = {names.LINKED: "n_pairs"}
    chosen = telling[names.ESTIMAND].eq("lowest_fifth")
    if "analysis" in telling:
        counted |= {names.PRE: "n_pre", names.POST: "n_post"}
        chosen = pd.Series(True, index=telling.index)
    for wave, column in counted.items():
        rest = people[wave] - telling[column].astype(float)
        unlike = (rest > 0) & (rest < limit)
        if wave != names.LINKED:  # of the linked fewer answered in a wave than in its cell
            unlike &= telling["n_pairs"].isna()
        few |= unlike
    return few & chosen


def _refuse_small_bins(shown: pd.DataFrame, limit: int) -> None:
    if limit <= 1 or not {"low", "high", "n"} <= set(shown.columns):
        return
    small = shown[~shown["suppressed"] & (shown["n"] < limit)]
    if len(small):
        raise DisclosureError(
            f"{len(small)} bins hold fewer than {limit} people; join them before publishing"
        )


def _rounded(shown: pd.DataFrame, told: list[str], profile: str) -> pd.DataFrame:
    decimals = schema.DECIMALS[profile]
    if decimals is None:
        return shown
    rounded = dict(shown.items())
    for column in told:
        values, about = rounded[column], schema.COLUMNS.get(column)
        if about is not None and about.role == "edge":
            continue
        if about is not None and about.role == "people":
            if profile == "public":
                rounded[column] = (values / 5).round() * 5
        elif pd.api.types.is_float_dtype(values):
            fewest = decimals if about is None or about.decimals is None else about.decimals
            more = about.more if about is not None else 0
            rounded[column] = values.round(min(decimals, fewest) + more)
    # all at once: column by column takes ten times as long
    return pd.DataFrame(rounded, columns=shown.columns, index=shown.index)
