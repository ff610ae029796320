"""The one gate to the outside: what is not in the disclosure mask is not published."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.analysis.response import BY_ROLE
from loftet_analysis.disclosure.mask import COMPLEMENT, LIMITS, SAME, SMALL
from loftet_analysis.errors import DisclosureError
from loftet_analysis.show import figures as plots
from loftet_analysis.show import tables
from loftet_analysis.show.languages import LIGHT_SHAPES, Words, light_label
from loftet_analysis.show.sentences import readings

#: Key in an output's metadata that says it passed the gate; pages hold nothing else.
GATED = "loftet_gated"
#: What a mask's row is found by.
CELL = (
    names.POPULATION, names.REGION, names.SCHOOL, names.SUBGROUP, names.WAVE, names.OUTCOME,
)  # fmt: skip

_TWICE = (names.PRE, names.POST)
_ALL_THREE = (*_TWICE, names.LINKED)
_WAVES_OF = {
    "linked_change": _ALL_THREE,
    "same_grade": _TWICE,
    "school_change": _TWICE,
    "cohort_change": _TWICE,
    "participants": _ALL_THREE,
    "colleagues": _ALL_THREE,
    "participants_vs_colleagues": _ALL_THREE,
    "programme_vs_comparison": _TWICE,
    "dose": _ALL_THREE,
    "same_grade_quantile": _TWICE,
    "share_below": _TWICE,
    "gap_change": _TWICE,
    "lowest_fifth": _ALL_THREE,
    "spread_ratio": _TWICE,
}
# linked people, if there are any, else everybody of each wave
_LINKED_IF_ANY = ("school_change", "programme_vs_comparison")
# a slope, or people who were chosen by their answers: not everybody of a cell, and no mean of some
_OF_SOME = ("dose", "lowest_fifth")
# the outermost percentile stands for a tenth of the people
_PERCENTILES, _TAIL = "same_grade_quantile", 10
_ROLES_OF = {
    "participants": (names.PARTICIPANT,),
    "colleagues": (names.COLLEAGUE,),
    "participants_vs_colleagues": (names.PARTICIPANT, names.COLLEAGUE),
    ("dose", "teachers"): (names.PARTICIPANT,),
}
# what comes from the plan or the instrument and says nothing about anybody's answers; whatever
# else a hidden row holds is emptied
_NAMED = {
    *CELL, "scale", "item", "design", "model", "analysis", "question", "estimand", "contrast",
    "weighting", "cluster", "family", "plan_role", "evidence", "method", "reason", "comparison",
    "sign", "state", "answered",
}  # fmt: skip
# texts that are read off numbers
_TOLD = frozenset({"verdict", "flags", "measurement_warning", "light"})
_KEPT = {*_NAMED, "ci_level", "sesoi", "n_items", "suppressed"}
_PEOPLE = (
    "n", "n_pre", "n_post", "n_pairs", "n_one", "n_other", "n_teachers", "n_leaders",
)  # fmt: skip
_COUNTS = (*_PEOPLE, "n_cells", "n_clusters", "n_schools", "n_schools_dropped", "n_items", "k")
_DECIMALS = {"open": None, "internal": 4, "school": 3, "public": 2}
_LEVELS = ("mean_pre", "mean_post", "sd_pre", "sd_post")
# means of schools beside means of people would tell of those few who share a school
_OF_SCHOOLS = ("mean_teachers", "mean_leaders")
# differences of groups' means: coarse enough to tell no few people's answers
_COARSE = {"smd": 2}
_EDGES = ("low", "high")
# shares of whom, or of which answers
_SHARES = {
    "missing_share": "n", "floor_share": "n", "ceiling_share": "n", "share_missing": "n_cells",
    "share_most": "n",
}  # fmt: skip
# of a single item: few decimals, and no SD, so that answers that were joined cannot be solved for
_ITEM_DECIMALS = {"mean": 1, "item_rest_r": 2, "alpha_if_deleted": 2, "floor_share": 2,
                  "ceiling_share": 2, "missing_share": 2}  # fmt: skip
_FOR_PERCENTILES = 60  # people, where the percentiles 10 and 90 stand for six
_ONE_MORE = ("p_value", "p_adjusted", "q_p")

_TABLES = {
    "effects_table": tables.effects_table,
    "regions_table": tables.regions_table,
    "pooled_table": tables.pooled_table,
    "reliability_table": tables.reliability_table,
    "sensitivity_table": tables.sensitivity_table,
    "visible_table": tables.visible_table,
    "spread_table": tables.spread_table,
    "agreement_table": tables.agreement_table,
    "lights_table": tables.lights_table,
    "items_table": tables.items_table,
    "invariance_table": tables.invariance_table,
    "wordings_table": tables.wordings_table,
    "response_table": tables.response_table,
    "groups_table": tables.groups_table,
    "schools_table": tables.schools_table,
    "linkage_table": tables.linkage_table,
    "careless_table": tables.careless_table,
    "missing_table": tables.missing_table,
    "differences_table": tables.differences_table,
}
_FIGURES = {
    "change": plots.change_figure,
    "distribution": plots.distribution_figure,
    "forest": plots.forest_figure,
    "estimation": plots.estimation_figure,
    "likert": plots.likert_figure,
    "dots": plots.dots_figure,
    "schools": plots.schools_figure,
    "flow": plots.flow_figure,
    "arrivals": plots.arrivals_figure,
    "attendance": plots.attendance_figure,
}
_DRAWN = {
    "change": "estimate", "distribution": "share", "forest": "estimate", "estimation": "estimate",
    "likert": "share", "dots": "share", "schools": "estimate", "flow": "n_answered",
    "arrivals": "n", "attendance": "share",
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """Something that passed the gate, as a notebook or a page shows it.

    Attributes
    ----------
    html : str
        The table, the figure with its alt text, or the sentences.
    text : str
        The same where only plain text can be shown.
    """

    html: str
    text: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None):
        # the mark by which a page tells what passed the gate from what did not
        return {"text/html": self.html, "text/plain": self.text}, {GATED: True}

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


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
        ``row`` (position in ``frame``) and the columns of `CELL`; several per row.

    Raises
    ------
    DisclosureError
        Where a row says neither its wave nor an estimand with known cells.

    Examples
    --------
    >>> row = {"population": "pupils", "region": "oslo", "outcome": "persistence"}
    >>> found = cells(pd.DataFrame([{**row, "estimand": "same_grade"}]))
    >>> found[["subgroup", "wave"]].to_dict("records")
    [{'subgroup': 'all', 'wave': 'pre'}, {'subgroup': 'all', 'wave': 'post'}]
    """
    found = []
    about = ("scale", names.ESTIMAND, "contrast", "design", "comparison")
    known = [c for c in (*CELL, *about, *_PEOPLE) if c in frame]
    for position, row in enumerate(frame[known].to_dict("records")):
        if _is_background(row):
            continue
        if "n_leaders" in frame:
            found += [{"row": position, **cell} for cell in _both_populations(row)]
            continue
        place = {
            names.POPULATION: row[names.POPULATION],
            names.REGION: _text(row.get(names.REGION)) or names.NATIONAL,
            names.SCHOOL: _text(row.get(names.SCHOOL)),
            names.OUTCOME: _text(row.get(names.OUTCOME)) or row["scale"],
        }
        subgroup = _text(row.get(names.SUBGROUP)) or names.ALL
        found += [
            {"row": position, **place, names.SUBGROUP: group, names.WAVE: wave}
            for group in _subgroups(row, subgroup)
            for wave in _waves(row)
        ]
    return pd.DataFrame(found, columns=["row", *CELL])


def _is_background(row: dict) -> bool:
    """Whether a row compares grades or genders: these are no cells, its own counts decide."""
    named = _text(row.get(names.OUTCOME))
    return bool(_text(row.get("comparison"))) and (named == names.GRADE or "=" in named)


def _both_populations(row: dict) -> list[dict[str, str]]:
    """Return the cells of teachers and leaders who are compared after."""
    place = {names.SCHOOL: "", names.SUBGROUP: names.ALL, names.WAVE: names.POST}
    place |= {names.REGION: row[names.REGION], names.OUTCOME: row[names.OUTCOME]}
    return [{**place, names.POPULATION: each} for each in ("teachers", "leaders")]


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _waves(row: dict) -> tuple[str, ...]:
    if _text(row.get(names.WAVE)):
        return (row[names.WAVE],)
    if _text(row.get("comparison")):
        return (names.PRE,) if row["comparison"] == BY_ROLE else (names.PRE, names.LINKED)
    if _text(row.get("design")):
        return _ALL_THREE if row["design"] == names.LINKED else _TWICE
    estimand = _text(row.get(names.ESTIMAND))
    if estimand == "level":
        counted = zip(_TWICE, ("n_pre", "n_post"), strict=True)
        return tuple(wave for wave, n in counted if not pd.isna(row.get(n))) or _TWICE[1:]
    if estimand not in _WAVES_OF:
        raise DisclosureError(
            f"no rule says which cells of the disclosure mask {estimand or 'this row'!r} rests on"
        )
    waves = _WAVES_OF[estimand]
    counts_pairs = estimand in _LINKED_IF_ANY and not pd.isna(row.get("n_pairs"))
    return (*waves, names.LINKED) if counts_pairs else waves


def _subgroups(row: dict, subgroup: str) -> tuple[str, ...]:
    estimand = _text(row.get(names.ESTIMAND))
    if _text(row.get("comparison")) == BY_ROLE:
        return tuple(f"role={role}" for role in (names.PARTICIPANT, names.COLLEAGUE))
    if estimand == "gap_change":
        return tuple(_text(row.get("contrast")).split(" - "))
    about = _ROLES_OF.get(estimand) or _ROLES_OF.get((estimand, row[names.POPULATION]), ())
    roles = [f"role={role}" for role in about]
    if not roles or subgroup in {*roles}:
        return (subgroup,) if not roles else tuple(roles)
    if subgroup == names.ALL:
        return tuple(roles)
    return tuple(f"{subgroup},{role}" for role in roles)


def gated(frame: pd.DataFrame, mask: pd.DataFrame, profile: str) -> pd.DataFrame:
    """Return a result as it may be published.

    Every row is joined to the cells of the disclosure mask that it rests on. Where one of them
    is suppressed the row loses its numbers and everything read off them. Where a row counts nearly
    everybody of a cell, its means and SDs go, since they would tell those of the few others. What
    is left is rounded as the profile asks.

    Parameters
    ----------
    frame : DataFrame
        Effects, reliability, pooled effects, binned distributions; see `cells`.
    mask : DataFrame
        The study's disclosure mask, columns `names.MASK`.
    profile : {"open", "internal", "school", "public"}
        The study's disclosure profile. ``open`` rounds nothing; ``public`` rounds numbers of
        people to 5 and estimates to two decimals.

    Returns
    -------
    DataFrame
        The rows in their order, with ``suppressed`` (bool) and ``reason``.

    Raises
    ------
    DisclosureError
        Where a row with numbers rests on a cell that the mask does not hold, counts only some of
        the cell's linked people, or is a bin with fewer people than the profile asks for.
    """
    if not {names.OUTCOME, "scale"} & {*frame}:
        return gated_counts(frame, profile)
    shown = frame.reset_index(drop=True)
    shown = pd.DataFrame({name: _plain(column) for name, column in shown.items()})
    told = [c for c in shown if c not in _KEPT]
    text = {c for c in shown if shown[c].dtype == object}
    tells = np.zeros(len(shown), dtype=bool)
    for column in told:
        # that nothing was found, and how a scale measures, is said of nobody
        if column not in ("verdict", "measurement_warning"):
            values = shown[column]
            tells |= (values.to_numpy() != "") if column in text else values.notna().to_numpy()
    telling = shown[tells].reset_index(drop=True)
    held = _held(cells(telling), mask)
    people = held.groupby(["row", names.WAVE])["n"].sum().unstack()
    people = people.reindex(index=telling.index, columns=list(_ALL_THREE))
    _refuse_parts(telling, people[names.LINKED])
    hidden = held["reason"].fillna("").where(held["suppressed"].astype(bool))
    hidden = hidden.groupby(held["row"], sort=True).first().reindex(telling.index)
    why = hidden.set_axis(shown.index[tells]).reindex(shown.index)
    why = why.where(why.notna(), _few(shown, LIMITS[profile]))
    few_others = _few_others(telling, people, LIMITS[profile]).set_axis(shown.index[tells])
    why = why.mask(why.isna() & few_others.reindex(shown.index, fill_value=False), SMALL)
    if "reason" not in shown:
        shown["reason"] = ""
    shown["suppressed"] = why.notna()
    _refuse_small_bins(shown, LIMITS[profile])
    near = _leaves_few(telling, people, LIMITS[profile]).set_axis(shown.index[tells])
    if "n_pairs" in telling and LIMITS[profile] > 1:
        # rows of pairs together would tell the levels of those who answered once
        near |= telling["n_pairs"].notna().to_numpy()
    if near.any():
        levels = [c for c in _LEVELS if c in shown]
        shown.loc[near.reindex(shown.index, fill_value=False), levels] = np.nan
    for column, of in _SHARES.items():
        if column in shown:
            shown[column] = _without_few(shown[column], shown[of], LIMITS[profile])
    if LIMITS[profile] > 1:
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
    return _rounded(shown, told, profile)


def _plain(column: pd.Series) -> pd.Series:
    """Return a column as the gate reads it: texts as objects without gaps, counts as ``Int64``."""
    missing = column.isna()
    kind = pd.api.types.infer_dtype(column, skipna=True) if column.dtype == object else ""
    # numbers that came as objects are numbers; what is nowhere told may be any kind
    numeric = kind in {"floating", "integer", "mixed-integer-float"}
    if column.name not in _KEPT | _TOLD and (numeric or missing.all()):
        column = column.astype(float)
    if column.name in _NAMED | _TOLD or not pd.api.types.is_numeric_dtype(column):
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
    shown[[c for c in _OF_SCHOOLS if c in shown]] = np.nan
    if {"item", "sd"} <= set(shown):
        single = shown["item"].ne("")
        shown["sd"] = shown["sd"].mask(single)
        for column, digits in _ITEM_DECIMALS.items():
            shown[column] = shown[column].mask(single, shown[column].astype(float).round(digits))
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


def gated_counts(counts: pd.DataFrame, profile: str) -> pd.DataFrame:
    """Return counts of sheets or people, which say nothing of their answers, as may be published.

    They are no cells of the mask. They are rounded to the nearest multiple of the profile's limit,
    so that neither a count nor a difference of two tells a small number.

    Parameters
    ----------
    counts : DataFrame
        The ledger, the response, the linkage; columns `n` and `n_…` count.
    profile : {"open", "internal", "school", "public"}
        The study's disclosure profile; ``open`` rounds nothing.

    Examples
    --------
    >>> ledger = pd.DataFrame({"reason": ["duplicate"], "n_in": [43], "n_out": [41]})
    >>> gated_counts(ledger, "internal")[["n_in", "n_out"]].values.tolist()
    [[42, 42]]
    """
    limit = LIMITS[profile]
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
    keys = list(CELL)
    near = mask[mask[names.OUTCOME].isin(rests_on[names.OUTCOME].unique())]
    # looked up one by one: a merge would sort the whole mask for a few cells
    rows = {cell: row for row, cell in enumerate(zip(*_lists(near[keys]), strict=True))}
    if len(rows) < len(near):
        raise DisclosureError("the disclosure mask says of some cells twice what may be told")
    asked = zip(*_lists(rests_on[keys]), strict=True)
    found = np.array([rows.get(cell, -1) for cell in asked], dtype=int)
    unknown = found < 0
    if unknown.any():
        places = rests_on.loc[unknown, keys].drop_duplicates()
        listed = "; ".join(
            ", ".join(f"{k}={v}" for k, v in zip(keys, place, strict=True) if v)
            for place in places.head(3).itertuples(index=False)
        )
        raise DisclosureError(
            f"{len(places)} cells are not in the disclosure mask, so nothing of this is "
            f"published: {listed}"
        )
    said = ("n", "suppressed", "reason")
    return rests_on.assign(**{column: near[column].to_numpy()[found] for column in said})


def _lists(frame: pd.DataFrame) -> list[list]:
    return [frame[column].tolist() for column in frame]


def _refuse_parts(telling: pd.DataFrame, linked: pd.Series) -> None:
    """Refuse a change of a part of a cell's people: less the whole, it would give away the rest."""
    if "n_pairs" not in telling or "analysis" in telling:
        return  # other choices of people; see `_few_others`
    counted = telling.loc[linked.notna(), "n_pairs"].dropna().astype(int)
    if names.ESTIMAND in telling:
        counted = counted[~telling.loc[counted.index, names.ESTIMAND].isin(_OF_SOME)]
    parts = counted[counted != linked[counted.index]]
    if len(parts):
        raise DisclosureError(
            f"{len(parts)} results are not of everybody in their cell (the first counts "
            f"{parts.iloc[0]} people in both waves, its cell {linked[parts.index[0]]:.0f}); "
            "compute them from the whole clean frame"
        )


def _leaves_few(telling: pd.DataFrame, people: pd.DataFrame, limit: int) -> pd.Series:
    """Return which rows count nearly everybody of a cell: all but 1 to `limit` − 1 people.

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
    decimals = _DECIMALS[profile]
    if decimals is None:
        return shown
    rounded = dict(shown.items())
    for column in told:
        values = rounded[column]
        if column in _EDGES:
            continue
        if column in _PEOPLE:
            if profile == "public":
                rounded[column] = (values / 5).round() * 5
        elif pd.api.types.is_float_dtype(values):
            digits = min(decimals, _COARSE.get(column, decimals)) + (column in _ONE_MORE)
            rounded[column] = values.round(digits)
    # all at once: column by column takes ten times as long
    return pd.DataFrame(rounded, columns=shown.columns, index=shown.index)


def publish(
    frame: pd.DataFrame,
    view: str,
    *,
    name: str,
    mask: pd.DataFrame,
    profile: str,
    words: Words,
    folder: Path | None,
    **others: pd.DataFrame,
) -> Published:
    """Gate a result and render it through a named view.

    Parameters
    ----------
    frame : DataFrame
        Exact rows; an empty frame gives one line that says so.
    view : str
        One of `VIEWS`.
    name : str
        Lower-case letters, digits and ``_``: the figure's file, the table's id.
    mask, profile
        As in `gated`.
    words : Words
        The reader's language.
    folder : Path or None
        Where figures are saved, as ``<name>.<language>.svg`` and ``.png``; None saves nothing.
    **others : DataFrame
        Further results that a view joins to the first; they are gated in the same way.

    Returns
    -------
    Published

    Raises
    ------
    DisclosureError
        As in `gated`.
    ValueError
        For an unknown view or a name that no file should have.
    """
    if view not in VIEWS:
        raise ValueError(f"unknown view {view!r}; there are: {', '.join(VIEWS)}")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"a name has lower-case letters, digits and _ only, not {name!r}")
    shown = gated(frame, mask, profile)
    others = {key: gated(other, mask, profile) for key, other in others.items()}
    suffixes = ("svg", "png") if folder else ()
    targets = [folder / f"{name}.{words.language}.{suffix}" for suffix in suffixes]
    if shown.empty:
        _remove(targets)
        return _nothing(view, words)
    if view in _TEXTS:
        return _TEXTS[view](shown, words)
    if view in _TABLES:
        table = _TABLES[view](shown, words=words, name=name, **others)
        return Published(table.html, table.caption)
    if shown[_DRAWN[view]].isna().all():
        _remove(targets)
        said = words.text("Nothing is drawn here: every number is hidden or cannot be computed.")
        return _line(said, kind="hidden")
    drawn = _FIGURES[view](shown, words=words, **others)
    pictures = plots.saved(drawn, salt=name)
    for target, picture in zip(targets, pictures, strict=False):
        with paths.written_whole(target) as path:
            path.write_bytes(picture)
    source = base64.b64encode(pictures[0]).decode("ascii")
    alt, caption = html.escape(drawn.alt, quote=True), html.escape(drawn.caption)
    return Published(
        f'<figure id="{name}"><img src="data:image/svg+xml;base64,{source}" alt="{alt}">'
        f"<figcaption>{caption}</figcaption></figure>",
        drawn.alt,
    )


def _as_list(shown: pd.DataFrame, words: Words) -> Published:
    """Return the readings of effects, outcome by outcome, with the light of each scale."""
    items, texts = [], []
    said = readings(shown, words=words)
    kinds = {each.evidence for each in said if each.light}
    shared = kinds.pop() if len(kinds) == 1 else ""
    for each in said:
        background = " ".join(
            filter(None, ["" if each.evidence == shared else each.evidence, each.measured])
        )
        chip = ""
        if each.light:
            shape = html.escape(f"{LIGHT_SHAPES[each.light]} {light_label(each.light, words)}")
            chip = f' <span class="light {each.light}">{shape}</span>'
        rows = "".join(f"<li>{html.escape(row)}</li>" for row in each.rows)
        behind = f'<p class="background">{html.escape(background)}</p>'
        items.append(
            f"<li><strong>{html.escape(each.outcome)}</strong>{chip}<ul>{rows}</ul>"
            f"{behind if background else ''}</li>"
        )
        texts += [each.outcome, *(f"- {row}" for row in each.rows), background]
    if shared:
        items.append(f'<li class="background">{html.escape(shared)}</li>')
        texts.append(shared)
    return Published(f'<ul class="reading">{"".join(items)}</ul>', "\n".join(filter(None, texts)))


_TEXTS = {"reading": _as_list}
VIEWS = (*_TABLES, *_FIGURES, *_TEXTS)


def _nothing(view: str, words: Words) -> Published:
    _ = words.text
    said = {
        "wordings_table": _("No question was worded otherwise one of the times."),
        "arrivals": _("The data have no dates of submission."),
        "linkage_table": _("Nobody's answers before and after are linked in this study."),
        "careless_table": _("The data have no signs of careless answering."),
        "differences_table": _("There are no two groups to compare before."),
        "attendance": _("There is no register of attendance that can be joined to the answers."),
        "groups_table": _("The answers tell no grades or roles apart."),
        "schools_table": _("The register of schools does not say how many were invited."),
        "schools": _("The study asks for no change that can be told school by school."),
    }
    if view in said:
        return _line(said[view], kind="nothing")
    return _line(_("This was not asked about in this study."), kind="not-asked")


def _remove(targets: list[Path]) -> None:
    # an older run may have drawn what is hidden now
    for target in targets:
        target.unlink(missing_ok=True)


def _line(text: str, *, kind: str) -> Published:
    return Published(f'<p class="{kind}">{html.escape(text)}</p>', text)
