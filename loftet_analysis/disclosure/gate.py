"""The gate: an exact frame goes in, a frame that may be seen comes out.

Every row of a result rests on cells of the disclosure mask, see
:mod:`loftet_analysis.disclosure.mask`. Where one of them is hidden the row loses its numbers; what
is left is rounded. What each column is, and so what becomes of it, stands in
:mod:`loftet_analysis.schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import stats

from loftet_analysis import names, schema
from loftet_analysis.disclosure.mask import (
    COMPLEMENT,
    IN_ALL,
    LIMITS,
    NEAR,
    SAME,
    SMALL,
    STEPS,
    fewest_told_alike,
    near_an_end,
    rounding_step,
)
from loftet_analysis.errors import DisclosureError
from loftet_analysis.estimands import (
    CONTRASTS,
    ESTIMANDS,
    MIDWAY,
    contrast_of_waves,
    linked_cell,
    names_where,
    waves_of,
)
from loftet_analysis.stats import power
from loftet_analysis.stats.missing import BASELINE_APART, baseline_flags
from loftet_analysis.stats.result import less_known
from loftet_analysis.study.families import (
    ADJUSTED_OVER,
    adjusted_p,
    tested_together,
    without_direction,
)

_TWICE = (names.PRE, names.POST)
_ALL_THREE = (*_TWICE, names.LINKED)
#: A row that shows how much its schools differ, though some have few people, has as many schools.
_ENOUGH_CLUSTERS = 8
_IN_WAVE = {names.PRE: "before", names.POST: "after", names.LINKED: "in both waves"}
#: A group of a researcher's own may be shown on internal pages only.
OWN_GROUP = "own_group"
_INTERNAL = ("open", "internal")
# the outermost percentile stands for a tenth of the people
_PERCENTILES, _TAIL = "same_grade_quantile", 10
#: The ends of intervals, and what else is said of an estimate in its own unit.
_ENDS = {
    "change": ("change_ci_low", "change_ci_high"),
    "estimate": (
        "ci_low",
        "ci_high",
        "estimate_vs_drift",
        "estimate_vs_trend",
        "vs_trend_ci_low",
        "vs_trend_ci_high",
    ),
    "difference": ("ci_low", "ci_high"),
    "deviation": ("deviation_low", "deviation_high"),
}
_STEPS = ("points", "sd", "share")
#: Rows in which schools count alike, or by numbers of theirs: as how many mean schools at most.
_SCHOOLS_ALIKE = {"school_change": 1, "school_means": 1, "school_weights": 2, "register_weights": 2}
#: Means in which everybody of the cells counts alike.
_PLAIN = ("level", "linked_change", "participants", "colleagues", "participants_vs_colleagues")
#: Analyses that divide the very change of the main row by the SD of the row's own people.
_OWN_UNITS = ("own_unit", "linked_unit", "average_unit", "hedges_g")
#: The one that takes the change of the main row, and people for independent.
_NAIVE = "naive"
#: What the column `cluster` says of rows whose clusters are the regions.
REGION_CLUSTER = "region"
#: What would tell of few people exactly how many they are.
_OF_FEW = ("floor_share", "ceiling_share", "missing_share")
#: What is too uncertain to be told of few, by the column that counts them; with an interval it also
#: tells how few they are.
_COEFFICIENTS = {
    "n": (
        "alpha", "alpha_ci_low", "alpha_ci_high", "omega", "omega_ci_low", "omega_ci_high",
        "item_rest_r", "alpha_if_deleted", "icc", "icc_low", "icc_high", "icc2", "rwg", "shared",
    ),
    "n_teachers": ("icc1", "icc2", "rwg"),
    "n_schools": ("r_schools",),
}  # fmt: skip
_SHRUNKEN = ["shrunk", "shrunk_low", "shrunk_high"]
_FOR_PERCENTILES = 60  # people, where the percentiles 10 and 90 stand for six

#: What says of each side of two which cells it rests on.
_BESIDE = (names.POPULATION, names.SUBGROUP, names.OUTCOME, names.WAVE)
_PEOPLE = tuple(schema.with_role("people"))
_COUNTS = schema.of_kind("count")
_KEYS = schema.with_role("key")
_DERIVED = schema.with_role("derived")
_STAYS = schema.with_role("key", "setting")


_MIXED: Any = object  # the other bases of its classes are those of pandas


class _Passing(_MIXED):
    """What frames and columns that passed the gate have in common.

    What pandas makes of them alone has passed too. Where numbers come in from elsewhere the pass is
    lost, of the frame that is changed or of the one that comes out.
    """

    passed = False
    study = ""  # whose mask and profile it went through
    _metadata: ClassVar[list[str]] = ["passed", "study"]

    @property
    def _constructor(self) -> Callable:
        return partial(_pass, Gated if isinstance(self, pd.DataFrame) else GatedSeries)

    @property
    def _constructor_sliced(self) -> Callable:
        return partial(_pass, GatedSeries)

    @property
    def _constructor_expanddim(self) -> Callable:
        return partial(_pass, Gated)

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> Any:
        so_far = self.passed
        super().__finalize__(other, method=method, **kwargs)
        if method == "concat":
            sources = list(getattr(other, "input_objs", None) or other.objs)
        elif method == "merge":
            sources = getattr(other, "input_objs", None) or [other.left, other.right]
        else:  # of an operation on two, pandas calls this with one after the other
            sources = [other] if isinstance(other, pd.DataFrame | pd.Series) else []
        all_passed = so_far and all(passed(source) for source in sources)
        object.__setattr__(self, "passed", all_passed)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        _lose(self, value)
        super().__setitem__(key, value)


class Gated(_Passing, pd.DataFrame):
    """A frame that passed the gate: the only kind that `show` takes.

    It is a DataFrame with ``suppressed`` and ``reason``. What pandas makes of it (rows chosen,
    columns renamed, groups summed) has passed too. Numbers put into it from a frame that did not
    pass, by assignment, arithmetic, `concat` or `merge`, take the pass away; so do numbers that
    are written into single cells. What a function of one's own puts in is not seen.
    """

    def reset_index(self, *args: Any, **kwargs: Any) -> Any:
        """Move the index into columns; see `pandas.DataFrame.reset_index`."""
        frame = pd.DataFrame(self).reset_index(*args, **kwargs)
        levels = [self.index.get_level_values(i) for i in range(self.index.nlevels)]
        # the numbers of rows tell nothing; a named index of numbers may come from anywhere
        plain = [
            _is_text(level) or (level.name is None and level.dtype.kind in "iu") for level in levels
        ]
        frame = _pass(Gated, frame)
        object.__setattr__(frame, "passed", passed(self) and all(plain))
        return frame


class GatedSeries(_Passing, pd.Series):
    """A column of a `Gated` frame."""

    _metadata: ClassVar[list[str]] = ["name", "passed", "study"]


def _pass(kind: type, *args: Any, **kwargs: Any) -> Any:
    """Return a frame or column that comes from one that passed, unless it is made of others."""
    made = kind(*args, **kwargs)
    parts = args[0].values() if args and isinstance(args[0], dict) else args[:1]
    exact = any(isinstance(part, pd.Series) and not passed(part) for part in parts)
    object.__setattr__(made, "passed", kind is GatedSeries or not exact)
    return made


def passed(value: object) -> bool:
    """Whether a frame or a column comes from the gate and from nowhere else."""
    return isinstance(value, _Passing) and value.passed


def _lose(frame: _Passing, value: Any) -> None:
    if _brings_numbers(value):
        object.__setattr__(frame, "passed", False)


def _brings_numbers(value: Any) -> bool:
    """Whether numbers come with it that did not pass; a single number is a constant."""
    if isinstance(value, dict):
        return any(map(_brings_numbers, value.values()))
    if pd.api.types.is_scalar(value) or callable(value) or isinstance(value, slice):
        return False
    if isinstance(value, pd.MultiIndex):
        value = value.to_frame()
    if isinstance(value, pd.DataFrame):
        return not passed(value) and not all(_is_text(value[column]) for column in value)
    return not passed(value) and not _is_text(value)


def _is_text(value: Any) -> bool:
    """Whether values are texts, and not numbers that were written as texts."""
    values = pd.Series(value)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories)
    told = values.dropna()
    if told.empty:
        return True
    kind = pd.api.types.infer_dtype(told)
    return kind == "string" and not told.str.fullmatch(_DECIMAL).any()


_DECIMAL = r"\s*[-+−]?\d*[.,]\d+\s*"
#: Methods whose result holds what they are given beside what the frame holds.
_TAKING = (
    "where", "mask", "fillna", "combine", "combine_first", "clip", "replace", "map", "dot",
    "case_when", "reindex", "set_axis", "set_index", "rename",
    *(f"__{side}{name}__" for side in ("", "r")
      for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")),
)  # fmt: skip
#: Methods that put what they are given into the frame itself.
_CHANGING = ("insert", "isetitem", "update")
#: Methods whose result pandas makes anew, from the frame alone.
_MAKING = ("describe", "value_counts")


def _watch(kind: type, name: str) -> None:
    """Let a method of pandas take the pass away, or hand it on."""
    method = getattr(kind, name)

    @wraps(method)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        brings = any(map(_brings_numbers, (*args, *kwargs.values())))
        result = method(self, *args, **kwargs)
        if name in _MAKING:
            result = _pass(Gated if isinstance(result, pd.DataFrame) else GatedSeries, result)
        for each in (self if name in _CHANGING else None, result):
            if isinstance(each, _Passing) and (brings or not passed(self)):
                object.__setattr__(each, "passed", False)
        return result

    setattr(kind, name, watched)


def _watch_cells(kind: type, name: str) -> None:
    """Let numbers that are written through `loc` and its like take the pass away."""
    indexer: Any = type(getattr(kind(dtype=float), name))

    class Watched(indexer):
        def __setitem__(self, key: Any, value: Any) -> None:
            empty = pd.api.types.is_scalar(value) and pd.isna(value)
            is_number = pd.api.types.is_number(value) and not empty
            if isinstance(self.obj, _Passing):
                _lose(self.obj, [value] if is_number else value)
            super().__setitem__(key, value)

    setattr(kind, name, property(lambda self: Watched(name, self)))


for _kind in (Gated, GatedSeries):
    for _name in (*_TAKING, *_CHANGING, *_MAKING):
        if hasattr(_kind, _name):
            _watch(_kind, _name)
    for _name in ("loc", "iloc", "at", "iat"):
        _watch_cells(_kind, _name)


def gate(frame: pd.DataFrame, mask: pd.DataFrame, profile: str) -> Gated:
    """Return a result as it may be published.

    Every row is joined to the cells of the disclosure mask that it rests on. Where one of them
    is suppressed the row loses its numbers and everything read off them. Where its schools are few
    and some have few people, it loses what tells how much they differ (``few_clusters``). What is
    left is rounded, see `_rounded`; a row of a part of its cells' people so coarsely that it does
    not tell of the others. A subgroup that the mask does not know is a group of the researcher's
    own, see `_own_groups`. Numbers of people and questionnaires are rounded to the limit, so that
    neither a count nor a difference of two tells a small number.

    Parameters
    ----------
    frame : DataFrame
        Effects, reliability, pooled effects, histograms, counts; see `cells`.
    mask : DataFrame
        The study's disclosure mask, columns `schema.MASK`.
    profile : {"open", "internal", "school", "public"}
        The study's disclosure profile. ``open`` rounds nothing.

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
    >>> shown = gate(ledger, pd.DataFrame(columns=schema.MASK), "internal")
    >>> shown[["n_in", "n_out"]].values.tolist()
    [[42, 42]]
    """
    if is_planned(frame):
        return _pass(Gated, _as_planned(frame))
    exact = frame.reset_index(drop=True)
    frame = frame.drop(columns="n_tests", errors="ignore")
    limit = LIMITS[profile]
    _refuse_unknown(frame)
    if not {names.OUTCOME, "scale"} & {*frame}:
        return _pass(Gated, _counts(frame, limit))
    shown = frame.reset_index(drop=True)
    shown = pd.DataFrame({name: _plain(column) for name, column in shown.items()})
    told = [c for c in shown if c not in _STAYS]
    text = {c for c in shown if shown[c].dtype == object}
    tells = _tells(shown, told, text)
    own = _is_own_group(shown, mask)
    why = _own_groups(shown, own & tells, mask, profile) if own.any() else None
    own_told = own & tells
    tells &= ~own
    telling = shown[tells].reset_index(drop=True)

    def of_all(said: pd.Series | pd.DataFrame, fill: object = np.nan) -> pd.Series | pd.DataFrame:
        """Return what is said of the rows that tell anything as a part of all rows."""
        return said.set_axis(shown.index[tells]).reindex(shown.index, fill_value=fill)

    held = _held(cells(telling), mask)
    people = held.groupby(["row", _stages(held, telling)])["n"].sum().unstack()
    people = people.reindex(index=telling.index, columns=list(_ALL_THREE))
    _refuse_some_of_all(telling, held)
    _refuse_parts(telling, people)
    _refuse_filtered(telling, mask)
    shown = shown.drop(columns=[c for c in _SEEN.values() if c in shown])
    told = [c for c in told if c in shown]
    hidden = of_all(_hidden_cells(telling, held))
    why = hidden if why is None else hidden.where(hidden.notna(), why)
    why = why.where(why.notna(), _few(shown, limit))
    shown = shown.assign(reason=shown.get("reason", ""), suppressed=why.notna())
    _refuse_small_bins(shown, limit)
    no_level = own.copy()
    if names.ESTIMAND in shown and limit > 1:
        # means of linked people, or of the same grades, beside everybody's would tell the others'
        no_level |= shown[names.ESTIMAND].ne("level").to_numpy()
    shown.loc[no_level, [c for c in shown if c in schema.with_role("level")]] = np.nan
    _empty_of_few(shown, limit)
    if limit == 1:
        return _pass(Gated, _emptied(shown, why, told, text))
    counted = _counted(telling, held, people, limit)
    steps = of_all(_steps(telling, held, counted, limit))
    steps = steps.fillna(_steps_of_own(shown, own, mask, limit))
    shown = _in_rounded_units(shown, steps["unit"])
    too_few = of_all(_few_clusters(telling, held, counted, mask, limit), "")
    few = too_few.ne("") & why.isna()
    if "analysis" in shown:
        # several rows that leave out the same few people narrow each other's rounding
        few_others = of_all(counted["left_out"].between(1, limit - 1), False)
        why = why.mask(why.isna() & few_others & (steps["points"] > STEPS[2]), SMALL)
    if names.ESTIMAND in shown:
        of_few = of_all(_is_of_two(telling) & (counted["n"] < limit), False)
        why = why.mask(why.isna() & of_few, SMALL)
    # schools that weigh otherwise in several rows would tell each school's mean
    weighed = ~of_all(counted["plain"], True)
    why = why.mask(few & weighed, too_few)
    if own.any() and names.ESTIMAND in shown:
        # how many people each school of a group of one's own has is not known here
        clusters = shown.get("n_clusters", pd.Series(np.nan, shown.index)).astype(float)
        of_few_schools = own_told & ~(clusters >= _ENOUGH_CLUSTERS).to_numpy() & why.isna()
        plain = shown[names.ESTIMAND].isin(_PLAIN)
        why = why.mask(of_few_schools & ~plain, names.FEW_CLUSTERS)
        few |= of_few_schools & plain
    # what rounding moves further than its interval is wide would be read as something else
    coarse = steps["hides"].astype(bool) & _too_wide(shown, steps) & why.isna()
    why = why.mask(coarse, SMALL)
    why = why.mask(why.isna() & _item_alike(shown), SAME)
    for column in schema.with_role("share") & {*shown}:
        of = schema.COLUMNS[column].of
        shown[column] = _without_few(shown[column], shown[of], limit)
    if "item" in shown and "mean" in shown:
        of_cell = of_all(held.groupby("row")[["minimum", "width"]].first())
        why = why.mask(why.isna() & _item_near_an_end(shown, of_cell, steps, limit), SAME)
    why = _as_their_means(shown, _whole_bars(shown, _whole_or_none(shown, why)))
    _coarsen(shown)
    shown = _without_spread(shown, few & why.isna(), text)
    _empty_shrunken(shown, steps)
    shown = _emptied(shown.assign(suppressed=why.notna()), why, told, text)
    rounded = _shares_of_bins(_rounded(shown, told, steps, limit))
    return _pass(Gated, _adjusted_anew(exact, rounded, steps))


def _tells(shown: pd.DataFrame, told: list[str], text: set[str]) -> np.ndarray:
    """Return which rows say something of anybody."""
    tells = np.zeros(len(shown), dtype=bool)
    for column in told:
        # that nothing was found, and how a scale measures, is said of nobody
        if column not in ("verdict", "measurement_warning"):
            values = shown[column]
            tells |= (values.to_numpy() != "") if column in text else values.notna().to_numpy()
    return tells


def _hidden_cells(telling: pd.DataFrame, held: pd.DataFrame) -> pd.Series:
    """Return the reason of the first suppressed cell that a row rests on, missing where none is."""
    hidden = held["reason"].fillna("")
    if {names.ESTIMAND, "contrast"} <= {*telling}:
        of_share = telling[names.ESTIMAND].eq("level") & telling["contrast"].eq("share")
        hidden = hidden.mask(of_share.reindex(held["row"]).to_numpy(), held["share_reason"])
    hidden = hidden.where(hidden != "")
    return hidden.groupby(held["row"], sort=True).first().reindex(telling.index)


def _empty_of_few(shown: pd.DataFrame, limit: int) -> None:
    """Take from rows of fewer than `schema.FEWEST_ANSWERS` what is not told of so few."""
    for of, coefficients in _COEFFICIENTS.items() if "low" not in shown else ():
        shares = _OF_FEW if of == "n" and limit > 1 else ()
        columns = [c for c in (*coefficients, *shares) if c in shown]
        if of in shown and columns:
            number = shown[of].astype(float)
            number = _to_limit(number, limit) if of in _PEOPLE else number
            shown[columns] = shown[columns].mask(number < schema.FEWEST_ANSWERS)


def _empty_shrunken(shown: pd.DataFrame, steps: pd.DataFrame) -> None:
    """Take shrunken changes that, rounded, could lie at an end of their own interval."""
    if _SHRUNKEN[0] in shown:
        wide = (shown["shrunk_high"] - shown["shrunk_low"]).astype(float)
        shown[_SHRUNKEN] = shown[_SHRUNKEN].mask(steps["sd"] > wide / 2)


def _as_their_means(shown: pd.DataFrame, why: pd.Series) -> pd.Series:
    """Hide shares above the middle of those whose mean is hidden, for the same reason."""
    if not {names.ESTIMAND, "contrast"} <= {*shown}:
        return why
    level = shown[names.ESTIMAND].eq("level")
    of_mean, of_share = (level & shown["contrast"].eq(each) for each in ("mean", "share"))
    keys = [shown[c] for c in schema.CELL if c in shown]
    of_them = why.where(of_mean).groupby(keys, dropna=False).transform("first")
    return why.where(~of_share | why.notna(), of_them)


def _shares_of_bins(shown: pd.DataFrame) -> pd.DataFrame:
    """Return histograms with shares of the rounded numbers; the exact ones tell exact numbers."""
    if not {"low", "high", "n", "share"} <= {*shown}:
        return shown
    n = shown["n"].astype(float)
    total = n.groupby(_bars(shown), dropna=False).transform("sum")
    return shown.assign(share=(n / total).round(2).mask(shown["share"].isna()))


def _bars(shown: pd.DataFrame) -> list[pd.Series | list[int]]:
    """Return by what the bins of a histogram belong together."""
    keys = [shown[c] for c in shown if _is_text(shown[c]) and c != "reason"]
    return keys or [[0] * len(shown)]


def _whole_bars(shown: pd.DataFrame, why: pd.Series) -> pd.Series:
    """Hide all bins of a histogram of which one is hidden, for the same reason.

    The shares of the others would be read as those of everybody.
    """
    if not {"low", "high", "n", "share"} <= {*shown}:
        return why
    return why.fillna(why.groupby(_bars(shown), dropna=False).transform("first"))


def _emptied(shown: pd.DataFrame, why: pd.Series, told: list[str], text: set[str]) -> pd.DataFrame:
    """Return rows without what hidden ones tell, and with the reason."""
    hidden = shown["suppressed"]
    if not hidden.any():
        return shown
    bare = {c: shown[c].mask(hidden, "" if c in text else None) for c in told}
    return shown.assign(**bare, reason=shown["reason"].mask(hidden, why))


def _without_spread(shown: pd.DataFrame, few: pd.Series, text: set[str]) -> pd.DataFrame:
    """Return rows of which some do not tell how much their schools differ, and say so."""
    spread = [c for c in shown if c in schema.COLUMNS and schema.COLUMNS[c].spread]
    told = [c for c in spread if c not in ("verdict", "main_verdict")]  # those may say: refused
    few = few & shown[told].notna().any(axis=1) if told else few & False
    if not few.any():
        return shown
    bare = {c: shown[c].mask(few, "" if c in text else None) for c in spread}
    reason = shown["reason"].mask(few & shown["reason"].eq(""), names.FEW_CLUSTERS)
    return shown.assign(**bare, reason=reason)


def is_planned(frame: pd.DataFrame) -> bool:
    """Whether a frame tells what designs can show: it rests on assumptions and on nobody."""
    return {*frame} - {"suppressed", "reason"} == {*schema.PLANNED}


def _as_planned(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a plan whose numbers follow from their assumptions; refuse any others."""
    results = list(power.RESULTS)
    anew = power.computed(frame[[*power.SETTINGS, "effect"]])[results].to_numpy()
    if not np.allclose(anew, frame[results].astype(float), rtol=1e-9, atol=0, equal_nan=True):
        raise DisclosureError(
            "numbers of a plan do not follow from its assumptions; gate the rows of la.planned"
        )
    return frame.assign(suppressed=False, reason="")


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
    other = [f"other_{c}" for c in (*_BESIDE, "contrast")]
    about = ("scale", names.ESTIMAND, "contrast", "design", "comparison", "who", *other)
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
        if _text(row.get("other_outcome")):  # two sides, school by school
            side = dict(zip((*_BESIDE, "contrast"), map(row.get, other), strict=True))
            beside = {**place, **{c: side[c] for c in _BESIDE if c != names.WAVE}}
            rests_on += [{"row": position, **beside, names.WAVE: w} for w in _waves_beside(side)]
    return pd.DataFrame(rests_on, columns=["row", *schema.CELL])


def _is_background(row: dict) -> bool:
    """Whether a row compares grades or genders: these are no cells, its own counts decide."""
    named = _text(row.get(names.OUTCOME))
    return bool(_text(row.get("comparison"))) and (named == names.GRADE or "=" in named)


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _waves(row: dict) -> tuple[str, ...]:
    if _text(row.get("who")) == names.LINKED:
        return (IN_ALL,)
    if _text(row.get(names.WAVE)):
        return (row[names.WAVE],)
    if _text(row.get("comparison")):
        by_role = row["comparison"] == names.BY_ROLE
        return (names.PRE,) if by_role else (names.PRE, names.LINKED)
    if _text(row.get("design")):
        return _ALL_THREE if row["design"] == names.LINKED else _TWICE
    if _text(row.get("other_outcome")):
        return _waves_beside(row)
    estimand = ESTIMANDS.get(_text(row.get(names.ESTIMAND)))
    if estimand is None:
        raise DisclosureError(
            "no rule says which cells of the disclosure mask "
            f"{_text(row.get(names.ESTIMAND)) or 'this row'!r} rests on"
        )
    if not estimand.waves:
        raise DisclosureError(
            f"a {estimand.name} without its wave: no rule says which cells it rests on"
        )
    counts_pairs = estimand.pairs_if_any and not pd.isna(row.get("n_pairs"))
    stages = (*estimand.waves, names.LINKED) if counts_pairs else estimand.waves
    earlier, later = waves_of(_text(row.get("contrast")))
    named = {names.PRE: earlier, names.POST: later, names.LINKED: linked_cell(earlier, later)}
    return tuple(named[stage] for stage in stages)


def _waves_beside(side: Mapping[str, object]) -> tuple[str, ...]:
    """Return the waves of one side of two: its own, or those whose grades are compared."""
    wave = _text(side.get(names.WAVE))
    return (wave,) if wave else waves_of(_text(side.get("contrast")))


def _stages(held: pd.DataFrame, telling: pd.DataFrame) -> pd.Series:
    """Return what the wave of each cell is in its row: that before, that after, or both."""
    stage = held[names.WAVE].copy()
    if "contrast" not in telling:
        return stage.replace(names.MID, names.POST)
    contrast = telling["contrast"].astype(str).map(contrast_of_waves).reindex(held["row"])
    for each in MIDWAY:
        earlier, later = CONTRASTS[each]
        named = {earlier: names.PRE, later: names.POST, linked_cell(earlier, later): names.LINKED}
        stage = stage.mask(contrast.eq(each).to_numpy(), stage.map(named))
    return stage.replace(names.MID, names.POST)  # of a level midway


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
    column, _, group = subgroup.partition("=")
    if column == names.COHORT:
        return tuple(f"{column},{names.ROLE}={group},{each}" for each in about)
    return tuple(f"{subgroup},{role}" for role in roles)


def _is_own_group(shown: pd.DataFrame, mask: pd.DataFrame) -> np.ndarray:
    """Return which rows are of a group, ``column=value``, whose column the mask does not have."""
    if names.SUBGROUP not in shown or names.ESTIMAND not in shown or shown.empty:
        return np.zeros(len(shown), dtype=bool)
    known = set(mask[names.SUBGROUP].str.partition("=")[0])
    column = shown[names.SUBGROUP].astype(str).str.partition("=")
    return (column[1].eq("=") & ~column[0].isin(known)).to_numpy()


def _own_groups(
    shown: pd.DataFrame, own: np.ndarray, mask: pd.DataFrame, profile: str
) -> pd.Series:
    """Return why rows of a researcher's own groups may not be shown; empty for those that may.

    They are no cells of the mask, so the people in the frame decide: as many as the profile asks
    for, who do not all answer alike, in a place whose own cell is shown. Neither the rest of
    everybody, whom the groups of a column that are shown leave out, may be few, nor may a group or
    the rest count as many people as a cell that is hidden for others' sake, since it may be that
    cell under another name. They stand on internal pages only. What compares groups (of whom the
    row counts only the sum) and what the mask knows by another column are not judged here.

    What is not seen: that groups of two columns, or of two frames that are gated one by one, differ
    by a few people. So all groups of a column belong into one frame.
    """
    why = pd.Series(None, index=shown.index, dtype=object)
    rows, limit = shown[own], LIMITS[profile]
    if profile not in _INTERNAL:
        why[rows.index] = OWN_GROUP
    if limit == 1 or profile not in _INTERNAL or rows.empty:
        return why
    counts = [f"n_{each}" for each in ("pairs", *_TWICE)]
    lacking = {*counts, "sd_pre", "sd_post", "r_pre_post"} - {*rows}
    if lacking:
        raise DisclosureError(
            "whether a group of one's own may be shown cannot be judged without "
            f"{', '.join(sorted(lacking))}; give the gate the rows as the verb returned them"
        )
    column = rows[names.SUBGROUP].str.partition("=")[0]
    of_mask = column.isin((*schema.CELL, names.PERSON))
    n = rows[counts].astype(float)
    before, after, r = (rows[c].astype(float) for c in ("sd_pre", "sd_post", "r_pre_post"))
    of_change = before**2 + after**2 - 2 * r * before * after
    alike = pd.concat([before, after, of_change], axis=1).le(1e-9).any(axis=1)
    why[rows.index[alike]] = SAME
    few = _few(rows, limit).notna() | n.isna().all(axis=1)
    why[rows.index[few]] = SMALL
    everybody = rows.assign(**{names.SUBGROUP: names.ALL}).reset_index(drop=True)
    held = _held(cells(everybody), mask)
    hidden = held.groupby("row")["suppressed"].any().reindex(everybody.index, fill_value=False)
    why[rows.index[hidden.to_numpy(dtype=bool)]] = COMPLEMENT
    is_difference = rows[names.ESTIMAND].isin(names_where(is_difference=True))
    why[rows.index[of_mask | is_difference]] = OWN_GROUP
    place = [c for c in (*schema.CELL, names.ESTIMAND, "contrast")
             if c in rows and c != names.SUBGROUP]  # fmt: skip
    position = pd.Series(range(len(rows)), index=rows.index)
    for _, block in rows.groupby([*place, column.rename("of")], sort=False, dropna=False):
        of_few = few[block.index] & ~n.loc[block.index].lt(limit).any(axis=1)
        if of_few.any():  # a share of few is what the other groups' shares leave of everybody's
            why[block.index[why[block.index].isna()]] = COMPLEMENT
        in_pairs = n.loc[block.index, "n_pairs"].notna().any()
        between = waves_of(_text(block["contrast"].iloc[0]) if "contrast" in block else "")
        counted = dict(zip(between, ("n_pre", "n_post"), strict=True))
        if in_pairs:
            counted = {linked_cell(*between): "n_pairs"}
        cell = held[held["row"] == position[block.index[0]]]
        own_wave = _text(block[names.WAVE].iloc[0]) if names.WAVE in block else ""
        if own_wave:  # of a level
            counted = {own_wave: "n_pre" if own_wave == names.PRE else "n_post"}
        for wave, column in counted.items():
            sizes = n.loc[block.index, column]
            parent = cell[cell[names.WAVE] == wave]
            if len(parent) and sizes.notna().any():
                _hide_rests(why, block[names.SUBGROUP], sizes, parent, mask, limit)
    return why


def _hide_rests(
    why: pd.Series,
    group: pd.Series,
    sizes: pd.Series,
    parent: pd.DataFrame,
    mask: pd.DataFrame,
    limit: int,
) -> None:
    """Hide groups of a column until nobody can be told from everybody less those that are shown.

    `parent` are the cells of everybody in the wave, of both roles where they are two.
    """
    key = [c for c in schema.CELL if c != names.SUBGROUP]
    there = (mask[key] == parent[key].iloc[0]).all(axis=1) & mask["suppressed"].astype(bool)
    # fewer than the limit are no group that is shown; the others are hidden for others' sake
    hidden = mask.loc[there & mask["n"].ge(limit), "n"].to_numpy(float)
    # of the same grades a row counts those alone who are met in both waves
    near = 0 if parent[names.WAVE].str.startswith(names.LINKED).all() else limit - 1
    everybody = float(parent["n"].sum())
    size = sizes.groupby(group).max()  # a group may have a row for each kind of clusters
    secret = {n for n in size if (np.abs(hidden - n) <= near).any()}

    def is_few_or_hidden(rest: float) -> bool:
        return rest != 0 and (rest < limit or rest in secret or rest in hidden)

    while True:
        shows = [each for each in size.index if why[group.index[group == each]].isna().any()]
        bad = [
            each
            for each in shows
            if size[each] in secret or is_few_or_hidden(everybody - size[each])
        ]
        if not bad and shows and is_few_or_hidden(everybody - size[shows].sum()):
            bad = [size[shows].idxmin()]
        if not bad:
            return
        rows = group.index[group.isin(bad)]
        why[rows[why[rows].isna()]] = COMPLEMENT


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
    if {"rwg", "rwg_schools"} <= {*shown}:
        enough = shown["rwg_schools"].ge(_ENOUGH_CLUSTERS).fillna(False).to_numpy(dtype=bool)
        shown["rwg"] = shown["rwg"].where(enough)
    if {"item", "sd"} <= set(shown):
        single = shown["item"].ne("")
        shown["sd"] = shown["sd"].mask(single)
    if "flags" in shown and "n_pairs" in shown:
        few = shown["n_pairs"].astype(float) < _FOR_PERCENTILES
        bare = shown["flags"].str.replace(r"(^|;)range=[^;]*", "", regex=True).str.lstrip(";")
        shown["flags"] = shown["flags"].mask(few, bare)


def _whole_or_none(shown: pd.DataFrame, why: pd.Series) -> pd.Series:
    """Hide every school's row of an outcome where one of them is hidden.

    The region's change of schools less the shown ones would tell the hidden one.
    """
    if "shrunk" not in shown or names.SCHOOL not in shown:
        return why
    of_school = shown[names.SCHOOL].ne("")
    keys = [shown[c] for c in (names.POPULATION, names.REGION, names.OUTCOME)]
    counted = why.notna() | shown["reason"].isin(("no_pairs", "no_variance"))
    any_hidden = counted.groupby(keys).transform("any")
    hidden = why.isna() & any_hidden & of_school & shown["reason"].eq("")
    return why.mask(hidden, COMPLEMENT)


def _refuse_unknown(frame: pd.DataFrame) -> None:
    """Refuse columns of which no rule says what they tell, and numbers without their people.

    Such are single answers in a clean frame or in pairs, and numbers of a researcher's own.
    """
    known = {name: schema.COLUMNS[name] for name in frame if name in schema.COLUMNS}
    unknown = [name for name in frame if name not in known]
    if {names.OUTCOME, "scale"} & {*frame}:
        # a text of one's own is hidden with its row
        unknown = [name for name in unknown if not _is_text(frame[name])]
        people = {*_PEOPLE} & {*frame}
        tells = {
            name for name, each in known.items() if each.role in ("estimate", "level", "share")
        }
        if names.ESTIMAND in frame and "k" not in frame:
            people = people if {"n_pre", "n_post", "n_pairs"} <= people else set()
        if tells and not people and "k" not in frame and len(frame):
            raise DisclosureError(
                f"{', '.join(sorted(tells))} come without the people that they are of; keep the "
                "columns n, or n_pre, n_post and n_pairs, up to the gate"
            )
    else:
        of_bins = ("share", "mean", "most") if {"low", "high", "n"} <= {*frame} else ()
        counts = ("n_", "day", *of_bins)
        unknown += [
            name
            for name, each in known.items()
            if each.role in ("estimate", "level", "share", "school_mean")
            and not name.startswith(counts)
        ]
    if unknown:
        raise DisclosureError(
            f"no rule says whom these columns tell of: {', '.join(map(str, unknown))}; gate the "
            "rows of the library's verbs, and compute from them what you like afterwards"
        )


#: The waves of whose answers an estimate says how many it had.
_SEEN = {names.PRE: "answers_pre", names.POST: "answers_post"}


def _refuse_filtered(telling: pd.DataFrame, mask: pd.DataFrame) -> None:
    """Refuse estimates from a part of a group's answers that are told as the group's."""
    if _SEEN[names.PRE] not in telling:
        return
    keys = list(schema.CELL)
    place = telling.reindex(columns=[c for c in keys if c != names.WAVE]).fillna("")
    none = pd.Series("", telling.index)
    contrast = telling.get("contrast", none).astype(str)
    own = telling.get(names.WAVE, none).fillna("")  # of a level
    for stage, (wave, column) in enumerate(_SEEN.items()):
        between = contrast.map(lambda each, stage=stage: waves_of(each)[stage])
        place[names.WAVE] = own.where(own != "", between)
        near = mask.loc[mask[names.WAVE].isin(place[names.WAVE].unique()), [*keys, "n"]]
        n = place.merge(near, on=keys, how="left")["n"].to_numpy(dtype=float)
        seen = telling[column].astype(float).to_numpy()
        parts = np.flatnonzero(np.isfinite(seen) & np.isfinite(n) & (seen != n))
        if len(parts):
            first = parts[0]
            raise DisclosureError(
                f"{len(parts)} results are of a part of their group's answers (the first had "
                f"{seen[first]:.0f} {_IN_WAVE[wave]}, the group {n[first]:.0f}); compute them from "
                "the whole clean frame, and ask for groups with `by`"
            )


def _refuse_some_of_all(telling: pd.DataFrame, held: pd.DataFrame) -> None:
    """Refuse means over the waves that are not of everybody in their cell."""
    if "who" not in telling or telling.empty:
        return
    n = held.groupby("row")["n"].sum().reindex(telling.index)
    parts = telling.index[telling["n"].astype(float).ne(n) & telling["who"].ne("")]
    if len(parts):
        raise DisclosureError(
            f"{len(parts)} means are not of everybody in their cell (the first is of "
            f"{telling['n'][parts[0]]:.0f} people, its cell of {n[parts[0]]:.0f}); compute them "
            "from the whole clean frame"
        )


def _counts(counts: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return counts of sheets or people, which say nothing of their answers, rounded to the limit.

    They are no cells of the mask; columns `n` and `n_…` count.
    """
    _refuse_small_bins(counts.assign(suppressed=False), limit)
    columns = [c for c in counts if (c == "n" or c.startswith("n_")) and c != "n_schools"]
    rounded = {
        column: _to_limit(counts[column].astype("Float64"), limit).astype("Int64")
        for column in columns
    }
    shown = counts.assign(**rounded, suppressed=False, reason=counts.get("reason", ""))
    if limit > 1 and {names.SCHOOL, names.SUBGROUP, *schema.STEPS} <= {*shown}:
        shown = _without_few_of_schools(shown)
    shown = _shares_of_bins(shown) if limit > 1 else shown
    if limit > 1 and {*schema.SCHOOLS_BY_STEP} <= {*shown}:
        last = shown[schema.SCHOOLS_BY_STEP[0]]
        for column in schema.SCHOOLS_BY_STEP[1:]:
            # where a few schools are lost, a few people may be, such as their leaders
            few = (last - shown[column]).between(1, limit - 1).fillna(False)
            shown[column] = shown[column].mask(few)
            last = shown[column].fillna(last)
        shown["n_schools"] = shown[schema.SCHOOLS_BY_STEP[1]]
    if "file" in shown:
        shown["file"] = _numbers_of_files(shown)
    if "state" in shown and limit > 1:
        # a state that nobody is in has no row, so a row of zero would tell that somebody is
        shown = shown[shown["n"] > 0].reset_index(drop=True)
    if "day" in shown and limit > 1:
        # only days on which the rounded number rises; on the others single people answered
        shown = shown.drop_duplicates([names.POPULATION, names.WAVE, "n"], ignore_index=True)
    return shown


def _without_few_of_schools(shown: pd.DataFrame) -> pd.DataFrame:
    """Return the response without the numbers of schools, and groups in them, that invited few.

    Its steps, and the grades and roles that add up to it, would narrow what the class of those who
    answered (`answered`) tells. Where nobody knows how many were invited, there is no class, and
    how many answered stands alone.
    """
    of = shown["n_invited"].fillna(shown["n_answered"]).fillna(0)
    few = shown[names.SCHOOL].fillna("").ne("") & of.lt(schema.FEWEST_ANSWERS)
    alone = few & shown["n_invited"].isna() & shown[names.SUBGROUP].eq(names.ALL)
    bare = shown[[*schema.STEPS]].mask(few)
    bare["n_answered"] = bare["n_answered"].mask(alone, shown["n_answered"])
    return shown.assign(**bare)


def _numbers_of_files(rows: pd.DataFrame) -> pd.Series:
    """Return 1, 2, … in place of the files of a population and wave: a name may tell of people."""
    place = pd.DataFrame({c: rows.get(c, "") for c in (names.POPULATION, names.WAVE)}, rows.index)
    files = rows["file"].groupby([place[column].fillna("") for column in place], sort=False)
    return files.transform(lambda each: pd.factorize(each)[0] + 1).astype(str)


def _held(rests_on: pd.DataFrame, mask: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with what the mask says of each; refuse those that it does not hold."""
    keys = list(schema.CELL)
    # before the last wave, whoever is found again is found midway
    last = mask.loc[mask[names.WAVE] == names.LINKED, names.POPULATION].unique()
    early = rests_on[names.WAVE].eq(names.LINKED) & ~rests_on[names.POPULATION].isin(last)
    midway = rests_on[names.WAVE].mask(early, linked_cell(names.PRE, names.MID))
    near = mask[mask[names.OUTCOME].isin(rests_on[names.OUTCOME].unique())]
    if early.any() and midway[early].isin(near[names.WAVE]).all():
        rests_on = rests_on.assign(**{names.WAVE: midway})
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
    said = [column for column in schema.MASK if column not in keys]
    return rests_on.assign(**{column: near[column].to_numpy()[place] for column in said})


def _lists(frame: pd.DataFrame) -> list[list]:
    return [frame[column].tolist() for column in frame]


def _refuse_parts(telling: pd.DataFrame, people: pd.DataFrame) -> None:
    """Refuse a result of a part of a cell's people: less the whole, it would give away the rest.

    That is linked change, and levels; of the same grades only those are compared who are met in
    both waves.
    """
    if "analysis" in telling:
        return  # other choices of people; see `_few_others`
    estimand = telling.get(names.ESTIMAND, pd.Series("", telling.index))
    is_level = estimand.eq("level")
    of_some = estimand.isin(names_where(of_some=True))
    for wave, column in ((names.LINKED, "n_pairs"), (names.PRE, "n_pre"), (names.POST, "n_post")):
        if column not in telling:
            continue
        asked = ~of_some & (is_level if wave != names.LINKED else ~is_level)
        counted = telling.loc[asked & people[wave].notna(), column].dropna().astype(int)
        parts = counted[counted != people.loc[counted.index, wave]]
        if len(parts):
            raise DisclosureError(
                f"{len(parts)} results are not of everybody in their cell (the first counts "
                f"{parts.iloc[0]} people {_IN_WAVE[wave]}, its cell "
                f"{people.loc[parts.index[0], wave]:.0f}); compute them from the whole clean "
                "frame, and ask for groups with `by`"
            )


def _few(shown: pd.DataFrame, limit: int) -> pd.Series:
    """Return a reason where a row's own counts are too low, whatever the mask says of its cell.

    A row can rest on fewer people than its cell holds: complete cases, cells of the same grade.
    A share also counts those whom it is the share of, and a percentile those beyond it; a share
    of few would tell exactly how many they are.
    """
    people = shown[[c for c in _PEOPLE if c in shown and "low" not in shown]].astype(float)
    fewest = people.min(axis=1)
    if names.ESTIMAND in shown and limit > 1:
        fewest = fewest.where(shown[names.ESTIMAND] != _PERCENTILES, fewest / _TAIL)
        is_share = _is_share(shown)
        few_of_share = is_share & (_to_limit(fewest, limit) < schema.FEWEST_ANSWERS)
        fewest = fewest.mask(few_of_share, 0)
        for wave in _TWICE if is_share.any() else ():
            share = shown.get(f"mean_{wave}", pd.Series(np.nan, index=shown.index)).astype(float)
            inside = share.clip(upper=1 - share) * people.get(f"n_{wave}", np.nan)
            fewest = fewest.mask(is_share & (inside < fewest), inside)
    return (fewest < limit - 1e-9).map({True: SMALL}).astype(object)


def _is_share(rows: pd.DataFrame) -> pd.Series:
    """Return which rows are shares of people: above the middle, or below a low score."""
    none = pd.Series("", rows.index)
    estimand, contrast = rows.get(names.ESTIMAND, none), rows.get("contrast", none)
    return estimand.eq("share_below") | (estimand.eq("level") & contrast.eq("share"))


def _is_of_two(rows: pd.DataFrame) -> pd.Series:
    """Return which rows compare two groups: with the change of one they tell that of the other."""
    return rows[names.ESTIMAND].isin(names_where(is_difference=True, of_some=False))


def _counted(
    telling: pd.DataFrame, held: pd.DataFrame, people: pd.DataFrame, limit: int
) -> pd.DataFrame:
    """Return of each row how many people it counts and leaves out, and how it weighs them.

    Columns `n` (the fewest of its waves; where two groups are compared, of the smaller one),
    `left_out` of its cells' people, `few` (the most that fewer people than the limit weigh in the
    row, of one), and `plain`: whether it is a mean in which everybody counts alike. Of a difference
    that does not say how many the smaller group has, all who are left out may be of that group.
    """
    columns = {names.LINKED: "n_pairs", names.PRE: "n_pre", names.POST: "n_post"}
    found = {}
    for wave, column in columns.items():
        own = telling.get(column, telling.get("n"))
        if own is not None and "low" in telling:  # people in a bin
            keys = [c for c in (*schema.ROW, "who") if c in telling]
            own = own.groupby([telling[key] for key in keys], dropna=False).transform("sum")
        if own is not None:
            found[wave] = own.astype(float)
    own = pd.DataFrame(found, index=telling.index, columns=list(columns), dtype=float)
    # of pairs fewer answered in a wave than there are in its cell
    in_pairs = own[names.LINKED].notna() & people[names.LINKED].notna()
    compared = people.where(~in_pairs, people[[names.LINKED]].reindex(columns=people.columns))
    left_out = compared - own
    of_item = telling.get("item", pd.Series("", telling.index)).ne("")
    # an item may also count people who have no score
    left_out = left_out.where(~of_item, left_out.abs()).clip(lower=0).max(axis=1).fillna(0)
    there = held[held["n"] > 0].groupby("row")
    smallest = there["n"].min().reindex(telling.index)
    fewest = own.assign(cell=smallest).where(lambda n: n > 0).min(axis=1)
    plain = pd.Series(True, telling.index)
    if "analysis" in telling:
        plain = telling["analysis"].isin((*_OWN_UNITS, _NAIVE))
    if names.ESTIMAND in telling:
        plain &= telling[names.ESTIMAND].isin(_PLAIN)
    own_n = own.where(own > 0).min(axis=1).fillna(fewest)
    if names.ESTIMAND in telling:
        of_two = _is_of_two(telling)
        smaller = telling.get("n_smaller", own_n * np.nan).astype(float)
        smaller = smaller.fillna(smallest - left_out)
        own_n = own_n.mask(of_two, np.fmin(own_n, smaller))
        fewest = fewest.mask(of_two, np.fmin(fewest, smaller.clip(lower=1)))
    few = ((limit - 1) / fewest).fillna(limit - 1)
    # of schools that count alike, fewer people than the limit are so many
    small = there["few_schools"].max().reindex(telling.index)
    schools = telling.get("n_clusters", there["n_schools"].min().reindex(telling.index))
    for each, times in _SCHOOLS_ALIKE.items():
        alike = telling.get(names.ESTIMAND, "") == each
        alike |= telling.get("analysis", "") == each
        share = times * small / schools.astype(float).where(lambda k: k > 0)
        few = few.mask(alike & (share > few), share)
    if "bin" in telling:  # some of the schools, which count alike
        own_n = telling[["n_one", "n_other"]].astype(float).min(axis=1)
        few = np.maximum((limit - 1) / own_n, small / schools.astype(float))
        plain &= False
    found = {"n": own_n, "left_out": left_out, "few": few, "plain": plain}
    return pd.DataFrame(found)


def _steps(
    telling: pd.DataFrame, held: pd.DataFrame, counted: pd.DataFrame, limit: int
) -> pd.DataFrame:
    """Return how coarsely each row is rounded, in scale points, in SD, and in parts of one.

    And in what steps the SD of the row's own people is told, in which it is a unit (`unit`), and
    whether all this hides people (`hides`).

    A mean of everybody in its cells as coarsely as these. In a row of a part of them, or in which
    they weigh otherwise, the sum over its people stays unknown by a tenth of the scale for as many
    as may not be told of, so that nothing that is added to it or taken from it can tell of fewer.
    (In any sum of rows that gives a group alone, the rows' coefficients are at least one together,
    since it is counted once.) A mean of one item's answers, or a share, is of whole numbers, so it
    is also rounded so coarsely that it does not tell how many people these are.
    """
    width = held.groupby("row")["width"].max().reindex(telling.index).fillna(1).astype(float)
    # a change of linked people rests on theirs, not on the levels of the waves
    linked = held[names.WAVE].str.startswith(names.LINKED)
    of_all = held.groupby("row")["step"].max().reindex(telling.index).astype(float)
    step = held[linked].groupby("row")["step"].max().reindex(telling.index)
    step = step.fillna(of_all).astype(float)
    least = 2 * NEAR * counted["few"]  # of a scale that is one wide
    part = (counted["left_out"] > 0) | ~counted["plain"]
    whole = telling.get("item", pd.Series("", telling.index)).ne("")
    if "contrast" in telling:
        of_share = _is_share(telling)
        coarse = of_share & (step > STEPS[1])
        step = step.mask(coarse, pd.Series(rounding_step(step / width), step.index))
        width = width.mask(of_share, 1.0)
        whole |= of_share
    unit = telling["sd_unit"].astype(float) if "sd_unit" in telling else width * np.nan
    points = pd.Series(rounding_step(least * width), telling.index)
    points = points.where(part, step.fillna(STEPS[1]))
    points = np.where(part, np.maximum(points, STEPS[0]), points)
    if "smd" in telling:  # of levels: two decimals, however finely changes are told
        points = np.maximum(points, STEPS[1])
    by_number = rounding_step(1 / fewest_told_alike(counted["n"], limit))
    points = np.where(whole, np.maximum(points, by_number), points)
    if "low" in telling:  # a bin's share is of its own people
        least = least * counted["n"] / telling["n"].astype(float)
    share = rounding_step(np.where(part, least, least.where(least <= STEPS[0], STEPS[1])))
    sd = rounding_step(points / unit.where(unit > 0).fillna(width / 4))
    sd = np.where(points <= STEPS[1], points, sd)
    # half of a step would do: other roundings of the same number narrow it no further than that
    hides = (part & (least * width > STEPS[1] / 2)) | (points > STEPS[1])
    found = {"points": points, "sd": sd, "share": share}
    found["unit"] = np.nan
    if "analysis" in telling:
        # with the SD of more people it would tell of the others, as a mean would
        own_unit = telling["analysis"].isin(_OWN_UNITS)
        found["unit"] = of_all.clip(lower=STEPS[1]).where(own_unit)
        hides |= own_unit & (of_all > STEPS[1])
    return pd.DataFrame({**found, "hides": hides.astype(float)}, index=telling.index)


def _in_rounded_units(shown: pd.DataFrame, step: pd.Series) -> pd.DataFrame:
    """Return changes in SD of a row's own people as those in the SD that is told, which is rounded.

    What stands in that unit is computed from it, since it would tell the exact SD beside the change
    in scale points.
    """
    if not step.notna().any():
        return shown
    exact = shown["sd_unit"].astype(float)
    told = to_step(exact, step)
    ratio = (exact / told.where(told > 0)).where(step.notna(), 1.0)
    in_it = {c: shown[c].astype(float) * ratio for c in ("estimate", "se", "ci_low", "ci_high")}
    return shown.assign(sd_unit=told.where(step.notna(), exact), **in_it)


def _too_wide(shown: pd.DataFrame, steps: pd.DataFrame) -> pd.Series:
    """Return which rows are rounded in steps that leave little of what they say.

    Those are wider than half of the interval or, of a standardised difference, than what two groups
    may be apart.
    """
    wider = pd.Series(False, shown.index)
    if "smd" in shown:
        wider |= steps["sd"] > BASELINE_APART
    for low, high in (("change_ci_low", "change_ci_high"), ("ci_low", "ci_high")):
        if {low, high} <= {*shown}:
            step = steps["points"]
            if low == "ci_low":  # in SD, as the change that is rounded
                step = step / shown["sd_unit"].astype(float) if "sd_unit" in shown else steps["sd"]
            wider |= step > (shown[high].astype(float) - shown[low].astype(float)) / 2
    return wider


def _steps_of_own(
    shown: pd.DataFrame, own: np.ndarray, mask: pd.DataFrame, limit: int
) -> pd.DataFrame:
    """Return the steps of groups of a researcher's own, which are always a part of a cell."""
    steps = pd.DataFrame(STEPS[1], index=shown.index, columns=[*_STEPS]).assign(hides=own * 1.0)
    if not own.any():
        return steps
    widths = mask.groupby([names.POPULATION, names.OUTCOME])["width"].max()
    rows = shown[own]
    width = widths.reindex(pd.MultiIndex.from_frame(rows[[*widths.index.names]])).to_numpy()
    n = rows[[c for c in _PEOPLE if c in rows]].astype(float).min(axis=1).to_numpy()
    least = 2 * NEAR * (limit - 1) / np.maximum(np.nan_to_num(n, nan=1), 1)
    unit = rows["sd_unit"].astype(float).to_numpy() if "sd_unit" in rows else width / 4
    points = rounding_step(least * width)
    steps.loc[rows.index, [*_STEPS]] = np.column_stack(
        [points, rounding_step(points / unit), rounding_step(least)]
    )
    if "analysis" in rows:
        steps.loc[rows.index, "unit"] = steps["points"].where(rows["analysis"].isin(_OWN_UNITS))
    return steps


def _few_clusters(
    telling: pd.DataFrame,
    held: pd.DataFrame,
    counted: pd.DataFrame,
    mask: pd.DataFrame,
    limit: int,
) -> pd.Series:
    """Return why rows may not tell how much their clusters differ, empty where they may.

    They may where every school has as many people as the profile asks for, or where there are 8
    clusters or more, none has more than half of the people, and these are one and a half times the
    limit. Else the clusters are too few, or, of 8 or more, the people in them. What compares
    regions that were pooled, factor models, and the people of one school, tells of no clusters.
    """
    exempt = pd.Series("k" in telling, telling.index)
    for column in ("design", names.SCHOOL):
        if column in telling:
            exempt |= telling[column].fillna("").ne("")
    sizes = held[["row", "n", "n_schools", "smallest", "largest"]].copy()
    if "cluster" in telling and telling["cluster"].eq(REGION_CLUSTER).any():
        by_region = telling["cluster"].eq(REGION_CLUSTER).reindex(sizes["row"]).to_numpy()
        sizes.loc[by_region, ["n_schools", "smallest", "largest"]] = _region_sizes(
            held[by_region], mask
        )
    row = counted.reindex(sizes["row"]).set_axis(sizes.index)
    clusters = sizes["n_schools"]
    if "n_clusters" in telling:
        own = telling["n_clusters"].astype(float).reindex(sizes["row"]).to_numpy()
        clusters = np.fmin(clusters, own)
    if names.ESTIMAND in telling:
        of_two = _is_of_two(telling).reindex(sizes["row"]).to_numpy()
        side = telling.get("n_on_a_side", pd.Series(np.nan, telling.index)).astype(float)
        side = side.reindex(sizes["row"]).set_axis(sizes.index)
        side = side.fillna(clusters - row["left_out"])
        clusters = clusters.mask(of_two, np.fmin(clusters, side))
    all_large = sizes["smallest"] - row["left_out"] >= limit
    people = np.minimum(sizes["n"], row["n"]) >= 1.5 * limit
    of = row["n"] if "bin" in telling else sizes["n"]
    many = people & (clusters >= _ENOUGH_CLUSTERS) & (sizes["largest"] <= of / 2)
    told = all_large | many
    few_clusters = ~told & (clusters < _ENOUGH_CLUSTERS)
    why = pd.Series(np.select([few_clusters, ~told], [names.FEW_CLUSTERS, SMALL], ""), told.index)
    # of several cells the fewest clusters; "" < few_clusters < small_n
    why = why.groupby(sizes["row"]).agg(lambda of: min(filter(None, of), default=""))
    return why.reindex(telling.index, fill_value="").mask(exempt, "")


def _region_sizes(held: pd.DataFrame, mask: pd.DataFrame) -> np.ndarray:
    """Return of how many regions a cell of the country is, with the fewest and most people."""
    place = [c for c in schema.CELL if c not in (names.REGION, names.SCHOOL)]
    regions = mask[mask[names.SCHOOL].eq("") & mask[names.REGION].ne(names.NATIONAL)]
    sizes = regions[regions["n"] > 0].groupby(place)["n"].agg(["count", "min", "max"])
    return sizes.reindex(pd.MultiIndex.from_frame(held[place])).fillna(0).to_numpy(dtype=int)


def _item_alike(shown: pd.DataFrame) -> pd.Series:
    """Return which rows of single items are of people who answer alike, but one at most."""
    alike = pd.Series(False, index=shown.index)
    if not {"item", "sd", "n", "floor_share", "ceiling_share"} <= {*shown}:
        return alike
    most = shown[["floor_share", "ceiling_share"]].astype(float).max(axis=1)
    few = (1 - most) * shown["n"].astype(float) <= 1 + 1e-9
    return shown["item"].ne("") & (shown["sd"].eq(0) | few)


def _item_near_an_end(
    shown: pd.DataFrame, of_cell: pd.DataFrame, steps: pd.DataFrame, limit: int
) -> pd.Series:
    """Return which means of items, as they are rounded, lie so near an end that they tell it."""
    mean, n = to_step(shown["mean"].astype(float), steps["points"]), shown["n"].astype(float)
    above = mean - of_cell["minimum"]
    about = (n, steps["points"], of_cell["width"], limit)
    # where it is told that nobody chose an end, the mean may be near the answer beside it
    none = [shown.get(f"{end}_share", n).eq(0).fillna(False) for end in ("floor", "ceiling")]
    near = near_an_end(above - none[0], of_cell["width"] - above - none[1], *about)
    return shown["item"].ne("") & near


def _refuse_small_bins(shown: pd.DataFrame, limit: int) -> None:
    if limit <= 1 or not {"low", "high", "n"} <= set(shown.columns):
        return
    small = shown[~shown["suppressed"] & (shown["n"] < limit)]
    if len(small):
        raise DisclosureError(
            f"{len(small)} bins hold fewer than {limit} people; join them before publishing"
        )


def _rounded(shown: pd.DataFrame, told: list[str], steps: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return what is told, rounded by what each column is (`schema.Rounding`).

    Where rounding hides people, what a row says of its interval, its test and its verdict is said
    of the rounded change, which they would tell more closely.
    """
    hides = steps["hides"].astype(bool) & ~shown["suppressed"].astype(bool)
    rounded = dict(shown.items())
    rounded |= {column: _rounded_column(shown, column, steps, limit) for column in told}
    floats = [column for column in told if pd.api.types.is_float_dtype(shown[column])]
    in_steps = [c for c in floats if c in schema.COLUMNS and schema.COLUMNS[c].rounding in _STEPS]
    moved = {column: rounded[column] - shown[column] for column in in_steps}
    if "n_cells" in rounded:  # people times items: rounded itself it would tell how many people
        rounded["n_cells"] = rounded["n"] * (shown["n_cells"] / shown["n"]).round()
    if hides.any():
        rounded |= _of_rounded(shown, rounded, moved, hides)
        if {"main_estimate", "sd_unit", names.ESTIMAND} <= {*shown}:
            # as in its own row
            unit = shown["sd_unit"].astype(float)
            change = to_step(shown["main_estimate"].astype(float) * unit, steps["points"])
            weighed = hides & ~shown[names.ESTIMAND].isin(_PLAIN)
            rounded["main_estimate"] = rounded["main_estimate"].mask(
                weighed, (change / unit).round(2)
            )
    if "analysis" in shown and "df" in rounded:
        # of people who are taken for independent it would tell how many they are
        rounded["df"] = rounded["df"].mask(shown["analysis"].eq(_NAIVE))
    if "flags" in rounded:
        rounded["flags"] = _numbers_in_flags(shown, rounded["flags"], limit)
    # a zero with a sign would tell on which side the exact number lies
    rounded = {c: v + 0.0 if pd.api.types.is_float_dtype(v) else v for c, v in rounded.items()}
    # all at once: column by column takes ten times as long
    return pd.DataFrame(rounded, columns=shown.columns, index=shown.index)


def _rounded_column(shown: pd.DataFrame, column: str, steps: pd.DataFrame, limit: int) -> pd.Series:
    values, about = shown[column], schema.COLUMNS.get(column)
    kind = about.rounding if about is not None else ""
    if about is not None and about.role == "people":
        return _to_limit(values, limit)
    if not pd.api.types.is_float_dtype(values) or (
        about is not None and about.role in ("edge", "setting")
    ):
        return values
    if about is not None and about.of:
        n = shown["n"].astype(float)
        per_person = shown[about.of].astype(float) / n.where(n > 0)
        by_number = 1 / (per_person * fewest_told_alike(n, limit))
        return to_step(values, np.maximum(steps[kind], rounding_step(by_number)))
    if kind in _STEPS:
        return to_step(values, steps[kind])
    if kind == "standard_error":
        return values.round(2).mask(steps["points"] <= STEPS[0], values.round(3))
    return values.round({"": 2, "tenth": 1, "thousandth": 3, "whole": 0}[kind])


def _numbers_in_flags(shown: pd.DataFrame, flags: pd.Series, limit: int) -> pd.Series:
    """Return flags with their numbers rounded: of people to the limit, of shares to tenths.

    A share of people who were linked is left out where those who were not are fewer than the limit.
    """
    pairs = shown.get("n_pairs", pd.Series(np.nan, shown.index)).astype(float)

    def told(flag: str, n: float) -> str:
        name, _, value = flag.partition("=")
        if name == "effective_n":
            return f"{name}={limit * round(float(value) / limit)}"
        if name == "share_linked" and n * (1 - float(value)) < limit * float(value):
            return ""
        return f"{name}={float(value):.1f}" if name in ("share_linked", "uncovered") else flag

    of_rows = zip(flags.fillna(""), pairs, strict=True)
    rounded = [";".join(filter(None, (told(f, n) for f in row.split(";")))) for row, n in of_rows]
    return pd.Series(rounded, flags.index).where(flags.notna(), flags)


def _to_limit(numbers: pd.Series, limit: int) -> pd.Series:
    return (numbers / limit).round() * limit


def _adjusted_anew(exact: pd.DataFrame, shown: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose adjusted p-values are of p-values that are shown.

    An adjusted p-value is one of several tests, and would tell the p-values of rows that are
    hidden. So these count as tests with p = 1, whether they had one or not, and where rounding
    hides people, p is that of the rounded change. What no longer is below 1 - `ci_level` in its
    family has no direction. Where the frame lacks some of the tests (`n_tests` of `verdicts`),
    there is no adjusted p-value, and no direction of what is in a family.
    """
    needed = {names.REGION, *ADJUSTED_OVER, "family", "flags", "change", "change_se", "df"}
    if not {"p_value", "p_adjusted", "verdict", "ci_level", *needed} <= {*exact}:
        return shown
    p = _p_beyond(exact)
    _, there, _ = tested_together(exact, p)
    whole = there.eq(exact.get("n_tests", there * np.nan))
    seen = shown["p_value"].notna()
    moved = {c: shown[c] for c in ("estimate_vs_drift", "estimate_vs_trend") if c in shown}
    t = shown["change"] / exact["change_se"].astype(float)
    moved["p_value"] = pd.Series(2 * stats.t.sf(t.abs(), exact["df"].astype(float)), t.index)
    of_rounded = seen & steps["hides"].astype(bool)
    p = p.mask(of_rounded, _p_beyond(exact.assign(**moved))).where(seen | p.isna(), 1.0)
    p = p.mask(p.isna() & shown["suppressed"].astype(bool), 1.0)
    together, _, in_family = tested_together(exact, p)
    adjusted = adjusted_p(p, together, in_family)
    told = adjusted.where(whole & shown["p_adjusted"].notna())
    directed = shown["verdict"].isin(("increase", "decrease")) & in_family
    lost = directed & ~(told < 1 - exact["ci_level"].astype(float))
    return shown.assign(
        p_adjusted=told.round(3) + 0.0, verdict=shown["verdict"].mask(lost, "unclear")
    )


def _p_beyond(rows: pd.DataFrame) -> pd.Series:
    """Return the p-value of a row's test: of the estimate less its drift or trend, if any."""
    p = rows["p_value"].astype(float)
    if not {"estimate_vs_drift", "estimate_vs_trend", "trend_se", "se", "df"} <= {*rows}:
        return p
    apart = rows["estimate_vs_trend"].fillna(rows["estimate_vs_drift"]).astype(float)
    se, df = (rows[c].astype(float) for c in ("se", "df"))
    se, df = less_known(se, df, rows["trend_se"].astype(float).fillna(0))
    return pd.Series(2 * stats.t.sf((apart / se).abs(), df), rows.index).fillna(p)


def to_step(values: pd.Series, step: pd.Series) -> pd.Series:
    """Return values as the nearest multiples of a step.

    Examples
    --------
    >>> to_step(pd.Series([3.4267, 3.4267]), pd.Series([0.01, 0.2])).tolist()
    [3.43, 3.4]
    """
    # twelve digits: the multiple itself is no binary number
    return ((values / step).round() * step).round(12)


def _of_rounded(
    shown: pd.DataFrame,
    rounded: dict[str, pd.Series],
    moved: Mapping[str, pd.Series],
    rows: pd.Series,
) -> dict[str, pd.Series]:
    """Return the columns that are said of rounded estimates, in these rows."""
    told = {}

    def tell(column: str, values: pd.Series) -> None:
        told[column] = rounded[column].mask(rows & values.notna(), values)

    by_estimate = dict(moved)
    if {"change", "estimate"} <= {*moved} and "sd_unit" in shown:
        # one rounding: the standardised change is that of the rounded change
        change = shown["change"].astype(float)
        ratio = (shown["estimate"].astype(float) / change).where(
            change.abs() > 1e-9, 1 / shown["sd_unit"].astype(float)
        )
        by = moved["change"] * ratio
        by_estimate["estimate"] = by.where(by.notna(), moved["estimate"])
        tell("estimate", (shown["estimate"] + by_estimate["estimate"]).round(2))
    for estimate, ends in _ENDS.items():
        for end in (end for end in ends if end in shown and estimate in by_estimate):
            tell(end, (shown[end] + by_estimate[estimate]).round(2))
    if "change" in moved and {"change_se", "df", "p_value"} <= {*shown}:
        t = rounded["change"] / shown["change_se"].astype(float).where(shown["p_value"].notna())
        p = pd.Series(2 * stats.t.sf(t.abs(), shown["df"].astype(float)), shown.index)
        tell("p_value", p.round(3))
        if "statistic" in shown:
            tell("statistic", t.round(1))
    if "smd" in moved:
        told["flags"] = shown["flags"].mask(rows, baseline_flags(rounded["smd"]))
    if {"verdict", "ci_low", "ci_high"} <= {*told, *shown}:
        low, high = (told.get(end, shown[end]).astype(float) for end in ("ci_low", "ci_high"))
        null = shown.get("drift", low * np.nan).astype(float).fillna(0)
        ends = ("vs_trend_ci_low", "vs_trend_ci_high")
        beyond = [told.get(end, shown.get(end, low * np.nan)).astype(float) for end in ends]
        low, high = beyond[0].fillna(low - null), beyond[1].fillna(high - null)
        zero_inside = (low <= 0) & (high >= 0)
        directed = shown["verdict"].isin(("increase", "decrease"))
        told["verdict"] = shown["verdict"].mask(rows & zero_inside & directed, "unclear")
        if "flags" in shown:  # a direction of what is negligible
            plain = without_direction(shown["flags"].fillna(""))
            told["flags"] = shown["flags"].mask(rows & zero_inside, plain)
    return told
