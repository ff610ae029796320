"""Answers in bins that may be shown: of scales, of single items, and of attendance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.study import Instrument

MOST_BINS = 13
DISTRIBUTION = (
    "population", "region", "school_id", "outcome", "question", "item", "subgroup", "wave", "low",
    "high", "n", "share", "mean",
)  # fmt: skip

ATTENDANCE = (
    "population", "region", "wave", "column", "low", "high", "n", "share", "mean", "most",
)  # fmt: skip


def of_scales(
    clean: pd.DataFrame, instrument: Instrument, *, place: dict, by_role: bool, limit: int
) -> pd.DataFrame:
    """Bin the scores of every scale in the waves in which it is asked.

    Parameters
    ----------
    clean : DataFrame
        Clean frame.
    instrument : Instrument
    place : dict
        ``population``, ``region``.
    by_role : bool
        Whether participants and colleagues are told apart.
    limit : int
        Fewest people in a bin.

    Returns
    -------
    DataFrame
        ``DISTRIBUTION``, a row per bin, `item` empty; where too few answered, a row without
        numbers keeps the place. Edges lie between the scores that full answers can have.
    """
    rows: list[dict] = []
    for name, scale in instrument.scales.items():
        responses = instrument.responses[scale.responses]
        edges = _edges(responses.minimum, responses.maximum, 1 / len(scale.items))
        for subgroup, part in _parts(clean, by_role=by_role, roles=scale.roles):
            for wave, here in _waves(part, scale.waves):
                about = {"outcome": name, "question": scale.question or "", "item": ""}
                about |= {"subgroup": subgroup, "wave": wave}
                rows += _binned(here, name, about, edges, limit=limit)
    return _stacked(rows, place)


def of_items(
    clean: pd.DataFrame, instrument: Instrument, *, place: dict, limit: int
) -> pd.DataFrame:
    """Bin the answers to every item, a bin to an answer; what few chose is joined to a neighbour.

    Returns
    -------
    DataFrame
        As from `of_scales`, of everybody, with the `item` (reversed ones turned, as in clean
        data).
    """
    rows: list[dict] = []
    answered = dict(_waves(clean, names.WAVES))
    for name, scale in instrument.scales.items():
        responses = instrument.responses[scale.responses]
        edges = np.arange(responses.minimum, responses.maximum + 2) - 0.5
        for item in scale.items:
            for wave in scale.waves:
                about = {"outcome": name, "question": scale.question or "", "item": item}
                about |= {"subgroup": names.ALL, "wave": wave}
                rows += _binned(answered[wave], item, about, edges, limit=limit)
    return _stacked(rows, place)


def of_attendance(clean: pd.DataFrame, *, place: dict, most: int, limit: int) -> pd.DataFrame:
    """Bin how often those who answered after attended.

    Parameters
    ----------
    clean : DataFrame
        Clean frame; without `gatherings` and `interim_work` there is nothing to bin.
    place : dict
        ``population``, ``region``.
    most : int
        How many gatherings there were.
    limit : int
        Fewest people in a bin.

    Returns
    -------
    DataFrame
        ``ATTENDANCE``, of the participants where there are any. `mean` is to the nearest half, and
        missing where few differ from the usual number.
    """
    rows = [pd.DataFrame(columns=ATTENDANCE)]
    here = clean[(clean[names.WAVE] == names.POST).fillna(False)]
    if names.ROLE in here and (here[names.ROLE] == names.PARTICIPANT).any():
        here = here[here[names.ROLE] == names.PARTICIPANT]
    for column in (names.GATHERINGS, names.INTERIM_WORK):
        if column in here:
            times = here[column].dropna()
            bins = safe_bins(times, np.arange(most + 2) - 0.5, limit)
            usual = times.value_counts().max() if len(times) else 0
            # where few differ from the usual number, the mean would tell of them
            told = limit == 1 or len(times) - usual >= limit
            mean = round(2 * times.mean()) / 2 if told else np.nan
            about = {"wave": names.POST, "column": column, "most": most, "mean": mean}
            rows.append(bins.assign(**place, **about))
    return pd.concat(rows[1:] or rows, ignore_index=True)[list(ATTENDANCE)]


def _stacked(rows: list[dict], place: dict) -> pd.DataFrame:
    table = pd.DataFrame([{**row, **place, "school_id": ""} for row in rows], columns=DISTRIBUTION)
    return table.astype({"n": "float64"})


def _binned(
    here: pd.DataFrame, column: str, about: dict, edges: np.ndarray, *, limit: int
) -> list[dict]:
    """Return the bins of one column in one wave; nothing where nobody of the study was asked."""
    if here.empty or column not in here:
        return []
    values = here[column].dropna()
    bins = safe_bin_rows(values, edges, limit)
    mean = values.mean() if bins else np.nan
    if not bins or (len(bins) == 1 and limit > 1):
        # one bin of everything tells nothing
        bins = [dict.fromkeys(("low", "high", "n", "share"), np.nan)]
    return [{**each, **about, "mean": mean} for each in bins]


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


def safe_bins(values: Sequence[float], edges: Sequence[float], limit: int) -> pd.DataFrame:
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
    kinds = {"low": float, "high": float, "n": int, "share": float}
    return pd.DataFrame(safe_bin_rows(values, edges, limit), columns=list(kinds)).astype(kinds)


def safe_bin_rows(
    values: Sequence[float], edges: Sequence[float], limit: int
) -> list[dict[str, float]]:
    """Return the rows of `safe_bins`."""
    scores = np.asarray(values, dtype=float)
    scores = scores[~np.isnan(scores)]
    if len(scores) and not (edges[0] <= scores.min() and scores.max() <= edges[-1]):
        raise ValueError(f"scores from {scores.min()} to {scores.max()} outside {edges}")
    counts, edges = np.histogram(scores, bins=np.asarray(edges, dtype=float))
    bins: list[list[float]] = []
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        if bins and limit > 1 and bins[-1][2] < limit:
            bins[-1][1:] = [high, bins[-1][2] + n]
        else:
            bins.append([low, high, n])
    if limit > 1 and len(bins) > 1 and bins[-1][2] < limit:
        _, high, n = bins.pop()
        bins[-1][1:] = [high, bins[-1][2] + n]
    if len(scores) < limit:
        return []
    return [
        {"low": float(low), "high": float(high), "n": int(n), "share": n / len(scores)}
        for low, high, n in bins
    ]
