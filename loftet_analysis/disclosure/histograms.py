"""Answers in bins that may be shown: of scales, of single items, and of attendance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from loftet_analysis import names, schema
from loftet_analysis.errors import InputError
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire

MOST_BINS = 13


@checked
def histogram(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return how the scores of every scale are distributed, in bins that may be shown.

    Participants and colleagues have bins of their own wherever the study compares them: bins of
    everybody beside theirs would give away, by subtraction, what was joined.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave` and the scales, and `role` where roles are compared.
    asked : Questionnaire
        From ``study[population]``: the scales, and the fewest people in a bin.

    Returns
    -------
    DataFrame
        ``schema.HISTOGRAM``, a row per bin, `item` empty; where too few answered, a row without
        numbers keeps the place. `n_in_all` is rounded by itself where it is shown: it need not be
        the sum of the rounded bins. Edges lie between the scores that full answers can have.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"), limit=3)
    >>> clean = pd.DataFrame({"wave": "pre", "persistence": [1.5, 2, 2, 3, 3.25, 3.5, 4, 4.5, 5]})
    >>> histogram(clean, asked)[["outcome", "wave", "low", "high", "n", "share"]].round(2)
           outcome wave  low  high    n  share
    0  persistence  pre  0.9   2.1  3.0   0.33
    1  persistence  pre  2.1   3.7  3.0   0.33
    2  persistence  pre  3.7   5.1  3.0   0.33
    """
    rows: list[dict] = []
    for name, scale in asked.scales.items():
        responses = asked.own.response_set(name)
        edges = _edges(responses.minimum, responses.maximum, asked.own.step(name))
        for subgroup, part in _parts(clean, by_role=asked.roles_apart, roles=scale.roles):
            for wave, here in _waves(part, scale.waves):
                about = {"outcome": name, "question": scale.question or "", "item": ""}
                about |= {"subgroup": subgroup, "wave": wave}
                rows += _binned(here, name, about, edges, limit=asked.limit)
    return _stacked(rows, asked.place)


@checked
def item_histogram(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return everybody's answers to every item; what few chose is joined to a neighbour.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave` and the items.
    asked : Questionnaire
        From ``study[population]``: the items, and the fewest people in a bin.

    Returns
    -------
    DataFrame
        ``schema.HISTOGRAM``, a bin to an answer (reversed items turned, as in clean data).

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"), limit=2)
    >>> clean = pd.DataFrame({"wave": "pre", "persist_1": [1, 2, 2, 3, 3, 4, 4, 4, 5]})
    >>> bins = item_histogram(clean, asked).query("item == 'persist_1'")
    >>> bins[["item", "low", "high", "n", "share"]].round(2)
            item  low  high    n  share
    0  persist_1  0.5   2.5  3.0   0.33
    1  persist_1  2.5   3.5  2.0   0.22
    2  persist_1  3.5   5.5  4.0   0.44
    """
    rows: list[dict] = []
    answered = dict(_waves(clean, names.WAVES))
    for name, scale in asked.scales.items():
        if scale.as_is:
            continue
        responses = asked.own.response_set(name)
        edges = np.arange(responses.minimum, responses.maximum + 2) - 0.5
        for item in scale.items:
            for wave in (each for each in scale.waves if scale.asks(item, each)):
                about = {"outcome": name, "question": scale.question or "", "item": item}
                about |= {"subgroup": names.ALL, "wave": wave}
                rows += _binned(answered[wave], item, about, edges, limit=asked.limit)
    return _stacked(rows, asked.place)


@checked
def attendance_histogram(clean: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return how often those who answered after attended, in bins that may be shown.

    Parameters
    ----------
    clean : DataFrame
        Clean frame; without `gatherings` and `interim_work` there is nothing to bin.
    asked : Questionnaire
        From ``study[population]``: how many gatherings there were.

    Returns
    -------
    DataFrame
        ``schema.ATTENDANCE``, of the participants where there are any. `mean` is to the nearest
        half, and missing where few differ from the usual number.

    Examples
    --------
    >>> asked = Questionnaire("leaders", "oslo", most=7, limit=2)
    >>> clean = pd.DataFrame({"wave": "post", "gatherings": [7, 7, 6, 6, 5, 4]})
    >>> attendance_histogram(clean, asked)[["column", "low", "high", "n", "mean"]]
           column  low  high  n  mean
    0  gatherings -0.5   5.5  2   6.0
    1  gatherings  5.5   6.5  2   6.0
    2  gatherings  6.5   7.5  2   6.0
    """
    rows = [pd.DataFrame(columns=schema.ATTENDANCE)]
    here = clean[(clean[names.WAVE] == names.POST).fillna(False)]
    if names.ROLE in here and (here[names.ROLE] == names.PARTICIPANT).any():
        here = here[here[names.ROLE] == names.PARTICIPANT]
    limit = asked.limit
    for column in (names.GATHERINGS, names.INTERIM_WORK):
        if column in here:
            times, edges = here[column].dropna().astype(float), np.arange(asked.most + 2) - 0.5
            _refuse_outside(column, times, edges)
            bins = safe_bins(times, edges, limit)
            usual = times.value_counts().max() if len(times) else 0
            # where few differ from the usual number, the mean would tell of them
            told = limit == 1 or len(times) - usual >= limit
            mean = round(2 * times.mean()) / 2 if told and len(times) else np.nan
            about = {"wave": names.POST, "column": column, "most": asked.most, "mean": mean}
            rows.append(bins.assign(**asked.place, **about))
    return pd.concat(rows[1:] or rows, ignore_index=True)[list(schema.ATTENDANCE)]


def _stacked(rows: list[dict], place: dict) -> pd.DataFrame:
    whole = [{**row, **place, "school_id": ""} for row in rows]
    table = pd.DataFrame(whole, columns=schema.HISTOGRAM)
    return table.astype({"n": "float64", "n_in_all": "float64"})


def _binned(
    here: pd.DataFrame, column: str, about: dict, edges: np.ndarray, *, limit: int
) -> list[dict]:
    """Return the bins of one column in one wave; nothing where nobody of the study was asked."""
    if here.empty or column not in here:
        return []
    values = here[column].dropna().astype(float)
    _refuse_outside(column, values, edges)
    bins = safe_bins(values, edges, limit).to_dict("records")
    mean, n = (values.mean(), len(values)) if bins else (np.nan, np.nan)
    if not bins or (len(bins) == 1 and limit > 1):
        # one bin of everything tells nothing
        bins = [dict.fromkeys(("low", "high", "n", "share"), np.nan)]
    return [{**each, **about, "mean": mean, "n_in_all": n} for each in bins]


def _refuse_outside(column: str, values: pd.Series, edges: np.ndarray) -> None:
    outside = ~values.between(edges[0], edges[-1])
    if outside.any():
        found = f"{int(outside.sum())} of {len(values)}, such as {values[outside].iloc[0]:g}"
        allowed = f"{edges[0]:g} to {edges[-1]:g}"
        raise InputError(f"outside the scale: column {column}", found, allowed, "clean")


def _waves(part: pd.DataFrame, waves: Iterable[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    for wave in waves:
        yield wave, part[(part[names.WAVE] == wave).fillna(False)]


def _parts(
    clean: pd.DataFrame, *, by_role: bool, roles: Sequence[str] | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give everybody, or the two roles as far as they are asked."""
    if not by_role or names.ROLE not in clean:
        yield names.ALL, clean
        return
    for role in (names.PARTICIPANT, names.COLLEAGUE):
        if roles is None or role in roles:
            yield f"role={role}", clean[(clean[names.ROLE] == role).fillna(False)]


def _edges(minimum: float, maximum: float, step: float) -> np.ndarray:
    """Return edges half-way between scores, a whole number of scores to a bin, ends exact."""
    scores = round((maximum - minimum) / step) + 1
    per_bin = -(-scores // MOST_BINS)
    steps = np.append(np.arange(0, scores, per_bin), scores)
    return minimum + (steps - 0.5) * step


def safe_bins(values: ArrayLike, edges: ArrayLike, limit: int) -> pd.DataFrame:
    """Count values in bins and join neighbours until each holds enough people.

    Parameters
    ----------
    values : sequence of float
        Scores; missing ones are left out.
    edges : sequence of float
        Increasing; the last bin includes its upper edge.
    limit : int
        Fewest people in a bin; with 1 the bins stay as they are.

    Returns
    -------
    DataFrame
        ``low, high, n, share`` (of those counted), from low to high; no row where fewer than
        ``limit`` people have a score.

    Raises
    ------
    ValueError
        Where a score lies outside the edges.

    Examples
    --------
    >>> safe_bins([1, 1, 1, 2, 3, 3, 3, 4], [0.5, 1.5, 2.5, 3.5, 4.5], limit=3)
       low  high  n  share
    0  0.5   1.5  3  0.375
    1  1.5   4.5  5  0.625
    """
    scores = np.asarray(values, dtype=float)
    scores, edges = scores[~np.isnan(scores)], np.asarray(edges, dtype=float)
    if len(scores) and not (edges[0] <= scores.min() and scores.max() <= edges[-1]):
        raise ValueError(f"scores from {scores.min()} to {scores.max()} outside {edges}")
    counts, edges = np.histogram(scores, bins=edges)
    bins: list[list[float]] = []
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        if bins and limit > 1 and bins[-1][2] < limit:
            bins[-1][1:] = [high, bins[-1][2] + n]
        else:
            bins.append([low, high, n])
    if limit > 1 and len(bins) > 1 and bins[-1][2] < limit:
        _, high, n = bins.pop()
        bins[-1][1:] = [high, bins[-1][2] + n]
    kept = pd.DataFrame(bins if len(scores) >= limit else [], columns=["low", "high", "n"])
    kept = kept.astype({"low": float, "high": float, "n": int})
    return kept.assign(share=kept["n"] / len(scores))
