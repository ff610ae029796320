"""The gateway of the verbs: frames that come in are looked at once, before anything is computed.

A verb is marked with :func:`checked`; what its parameters are called says what they must be. What
cannot be right (words among answers, a plan without outcomes, no frame at all) is an `InputError`
with every problem; what merely gives no estimate is left to the verb.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.study.trends import Trend

P = ParamSpec("P")
R = TypeVar("R")
_COUNTED = (names.GRADE, names.GATHERINGS, names.INTERIM_WORK, names.SECONDS)
_LABELS = (
    names.WAVE, names.SCHOOL, names.PERSON, names.REGION, names.GENDER, names.ROLE,
    names.LINK_STATE, names.CARELESS,
)  # fmt: skip
_TEXTS = (names.WAVE, names.REGION, names.LINK_STATE, names.CARELESS)
#: What a plan must say, and its numbers with the values between which they lie (ends excluded).
_PLANNED = (names.POPULATION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP)
_OF_SCALES = ("sd_unit", "sd_within_role", "low_fifth", "midpoint", "alpha", "drift")
_SETTLED: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(_OF_SCALES, (-np.inf, np.inf)),
    "ci_level": (0, 1),
    "sesoi": (-1e-12, np.inf),
    "years": (-1, 100),
}
_ALWAYS = ("ci_level", "sesoi", "years")
_ESTIMATED = ("change", "change_se", "df", "p_value", "sd_unit", "estimate", "se")
_CLEAN, _SEVERAL, _PAIRED = ("clean", "teachers", "leaders"), "people", "paired"
_NEEDED = {
    "effects": (names.REGION, names.POPULATION, names.OUTCOME, names.ESTIMAND, names.SUBGROUP),
    "items": (names.REGION, names.POPULATION, "scale", "item", names.WAVE, names.SUBGROUP, "n",
              "missing_share"),
    _PAIRED: (names.OUTCOME, names.SCHOOL, "school_post", "cluster", "clustered_by", "pre", "post"),
}  # fmt: skip


def checked(verb: Callable[P, R], *, planned: Collection[str] = _PLANNED) -> Callable[P, R]:
    """Let a verb see its frames only when they can be what its docstring says.

    ``clean`` (also ``teachers``, ``leaders``, and ``people``: several by population), ``paired``,
    ``plan``, ``effects`` and ``items`` are looked at; numbers of a plan come in as floats, what is
    not said as NaN.

    Parameters
    ----------
    verb : callable
    planned : collection of str
        The columns that its plan must have.

    Raises
    ------
    InputError
        Of every call, with all problems at once; no value of a cell is told.

    Examples
    --------
    >>> @checked
    ... def mean(clean, plan):
    ...     return clean[plan["outcome"].iloc[0]].mean()
    >>> plan = pd.DataFrame({"population": ["pupils"], "outcome": ["joy"],
    ...                      "estimand": ["level"], "subgroup": ["all"]})
    >>> mean(pd.DataFrame({"wave": ["pre", "pre"], "joy": [3, "often"]}), plan)
    Traceback (most recent call last):
    loftet_analysis.errors.InputError: not numbers: column joy
        where:   clean
        found:   text in 1 of 2 rows, the first in row 2
        allowed: finite numbers, or NaN where missing
    """
    signature = inspect.signature(verb)
    by_name: Callable[..., R] = verb

    @wraps(verb)
    def gateway(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        refuse_any(
            problem
            for name, value in _frames(given)
            if name in (*_CLEAN, "plan", *_NEEDED) or name.startswith(_SEVERAL)
            for problem in _frame_problems(name, value, given, planned)
        )
        if (plan := given.get("plan")) is not None:  # its numbers as floats, None as NaN
            floats = dict.fromkeys((c for c in _SETTLED if c in plan), float)
            given["plan"] = plan.astype(floats)
        return by_name(**given)

    return gateway


def _frames(given: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Give the arguments, each of several frames by itself."""
    for name, value in given.items():
        if name == _SEVERAL and isinstance(value, Mapping):
            yield from ((f"{name}[{of!r}]", frame) for of, frame in value.items())
        else:
            yield name, value


def _frame_problems(
    name: str, frame: Any, given: Mapping[str, object], planned: Collection[str]
) -> Iterator[Problem]:
    """Give what is wrong with one frame."""
    if not isinstance(frame, pd.DataFrame):
        todo = "open_study(…).read and .plan give them"
        yield Problem(f"{name} is no DataFrame", type(frame).__name__, "a DataFrame", todo=todo)
        return
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        found = ", ".join(map(str, twice))
        yield Problem("a column stands twice", found, "each column once", name)
        return
    if name == "plan":
        yield from _plan_problems(frame, planned)
    elif name in _CLEAN or name.startswith(_SEVERAL):
        yield from _clean_problems(name, frame, given)
    else:
        if len(frame) or name != _PAIRED:
            yield from _lacking(name, frame, _NEEDED[name])
        wanted = ("pre", "post", *_COUNTED) if name == _PAIRED else (*_ESTIMATED, *_SETTLED, "n")
        if "df" in frame:  # infinite where a normal distribution is meant
            frame = frame.assign(df=frame["df"].replace(np.inf, np.nan))
        yield from _not_numbers(name, frame, [c for c in wanted if c in frame])
        if name == _PAIRED:
            yield from _not_labels(name, frame)


def _clean_problems(name: str, clean: pd.DataFrame, given: Mapping) -> Iterator[Problem]:
    if len(clean) or name == "clean":  # there may be no leaders, but never no study
        yield from _lacking(name, clean, (names.WAVE,))
    plan, asked = given.get("plan"), given.get("asked")
    outcomes = set(_COUNTED)
    if isinstance(plan, pd.DataFrame) and names.OUTCOME in plan:
        outcomes |= set(plan[names.OUTCOME].dropna().astype(str))
    for scale, about in getattr(asked, "scales", {}).items():
        outcomes |= {scale, *about.items}
    yield from _not_numbers(name, clean, [c for c in clean if c in outcomes])
    yield from _not_labels(name, clean)
    outside = clean.get("comparison", pd.Series(dtype=bool)).dropna()
    if not outside.map(lambda value: value in (True, False)).all():
        what, allowed = "not truth values: column comparison", "True or False"
        yield Problem(what, str(outside.dtype), allowed, name)
    submitted = clean.get(names.SUBMITTED)
    is_date = submitted is None or pd.api.types.is_datetime64_any_dtype(submitted)
    if not is_date and submitted.notna().any():
        found = str(submitted.dtype)
        yield Problem(f"not dates: column {names.SUBMITTED}", found, "datetime64", name)


def _plan_problems(plan: pd.DataFrame, planned: Collection[str]) -> Iterator[Problem]:
    lacking = [column for column in planned if column not in plan]
    if lacking:
        what, found = "the plan lacks columns", ", ".join(map(str, plan)) or "none"
        allowed, todo = "those of study.plan(population)", f"add {', '.join(lacking)}"
        yield Problem(what, found, allowed, todo=todo)
    trends = plan["trend"].dropna() if "trend" in plan else pd.Series(dtype=object)
    if not trends.map(lambda value: isinstance(value, Trend)).all():
        what, allowed = "not trends: column trend", "those of study.plan(population), or nothing"
        yield Problem(what, str(trends.map(type).iloc[0].__name__), allowed, "plan")
    settled = [column for column in _SETTLED if column in plan]
    wrong = list(_not_numbers("plan", plan, settled))
    yield from wrong
    for column in settled if not wrong else ():
        values = pd.to_numeric(plan[column])
        low, high = _SETTLED[column]
        outside = ~((values > low) & (values < high))
        if column not in _ALWAYS:
            outside &= values.notna()
        if column == "years":
            outside |= values % 1 != 0
        if outside.any():
            what, found = f"out of range: column {column}", str(values[outside].iloc[0])
            yield Problem(what, found, f"a number between {max(low, 0):g} and {high:g}", "plan")


def _lacking(name: str, frame: pd.DataFrame, needed: Collection[str]) -> Iterator[Problem]:
    for column in needed:
        if column not in frame:
            found = ", ".join(map(str, frame.columns)) or "no columns"
            yield Problem(f"no column {column}", found, where=name)


def _not_numbers(name: str, frame: pd.DataFrame, columns: Collection[str]) -> Iterator[Problem]:
    """Give the columns that hold anything but finite numbers, or a gap."""
    for column in columns:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values):
            wrong, what = np.isinf(values.to_numpy(dtype=float, na_value=np.nan)), "infinity"
        else:
            kinds = values.map(_kind_of, na_action="ignore")
            wrong = (kinds.notna() & kinds.ne("number")).to_numpy(bool)
            what = kinds[wrong].iloc[0] if wrong.any() else ""
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0]) + 1
            found = f"{what} in {int(wrong.sum())} of {len(frame)} rows, the first in row {first}"
            allowed = "finite numbers, or NaN where missing"
            yield Problem(f"not numbers: column {column}", found, allowed, name)


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if pd.api.types.is_number(value) or isinstance(value, bool | np.bool_):
        return "number" if np.isfinite(value) else "infinity"
    return type(value).__name__


def _not_labels(name: str, frame: pd.DataFrame) -> Iterator[Problem]:
    """Give the columns of labels that hold lists, dates, or texts and numbers side by side."""
    for column in (each for each in _LABELS if each in frame):
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = pd.Series(values.cat.categories)
        if isinstance(values.dtype, pd.StringDtype):
            continue
        kinds = set(values.map(_kind_of, na_action="ignore").dropna())
        allowed = {"text"} if column in _TEXTS else {"text", "number"}
        if len(kinds) > 1 or kinds - allowed:
            found = " and ".join(sorted(kinds))
            yield Problem(f"not labels: column {column}", found, "or ".join(sorted(allowed)), name)
