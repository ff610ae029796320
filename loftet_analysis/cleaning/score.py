"""Answers to numbers, by label; items turned once; scales as the mean of what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.careless import with_flags
from loftet_analysis.cleaning.sheets import REASON, Sheets
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Instrument, ResponseSet, normalise_label
from loftet_analysis.study.columns import column_kinds
from loftet_analysis.study.yamlfile import did_you_mean

KINDS = ("", "declared_missing", "out_of_range", "unknown", "not_asked")
_VALID, _DECLARED, _OUTSIDE, _UNKNOWN, _NOT_ASKED = range(len(KINDS))
MANY_TEXTS = 20
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?")


def number(text: str) -> float | None:
    """Return the number that a text is, with a decimal point or comma, else None.

    Examples
    --------
    >>> number("4"), number(" 4,50 "), number("fire"), number("nan")
    (4.0, 4.5, None, None)
    """
    bare = text.strip()
    return float(bare.replace(",", ".")) if _NUMBER.fullmatch(bare) else None


def read_answers(
    text: pd.Series, responses: ResponseSet, labels: Mapping[str, str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read one column of answers by label; numbers stand for themselves where none is stored.

    Parameters
    ----------
    text : Series of str
        Labels or codes as exported; blanks are missing.
    responses : ResponseSet
        The labels and the range of the item.
    labels : mapping of str to str, optional
        Label by code, as the tool stores them. A code without a label is a number only where the
        labelled codes carry the numbers that the instrument gives their labels.

    Returns
    -------
    values : ndarray of float
        The answers, unreversed; nan where there is none.
    kinds : ndarray of int
        Positions in ``KINDS``: what became of each answer.

    Examples
    --------
    >>> yes_no = ResponseSet.model_validate({"0": {"nb": "Nei"}, "1": {"nb": "Ja"}})
    >>> values, kinds = read_answers(pd.Series(["ja", "0", "", "9", "kanskje"]), yes_no)
    >>> values
    array([ 1.,  0., nan, nan, nan])
    >>> [KINDS[kind] for kind in kinds]
    ['', '', '', 'out_of_range', 'unknown']
    >>> read_answers(pd.Series(["1", "2"]), yes_no, {"1": "Ja", "2": "Nei"})[0]
    array([1., 0.])
    """
    labels = labels or {}
    scored = {number(code): responses.lookup.get(normalise_label(t)) for code, t in labels.items()}
    as_coded = all(value in (None, code) for code, value in scored.items())
    codes, texts = pd.factorize(text)
    read = [_read(t, responses, labels, as_coded=as_coded) for t in texts]
    values, kinds = zip(*read, strict=True) if read else ((), ())
    return np.array(values, dtype=float)[codes], np.array(kinds, dtype=np.int8)[codes]


def _read(
    text: str, responses: ResponseSet, labels: Mapping[str, str], *, as_coded: bool
) -> tuple[float, int]:
    if not text.strip():
        return np.nan, _VALID
    label = labels.get(text)
    normal = normalise_label(text if label is None else label)
    if normal in responses.lookup:
        value = responses.lookup[normal]
        return (np.nan, _DECLARED) if value is None else (value, _VALID)
    value = number(normal)
    if value is None or (label is None and not as_coded):
        return np.nan, _UNKNOWN
    if value.is_integer() and responses.minimum <= value <= responses.maximum:
        return value, _VALID
    return np.nan, _OUTSIDE


def answers(sheets: Sheets) -> Sheets:
    """Turn the items of a wave to numbers, the reversed ones once and for all, and flag the sheets.

    Every item of the instrument becomes a float column; one that has no column, or is not asked in
    this wave or of the sheet's role, is missing. Answers of sheets still in that were set to
    missing are noted in `values`. Then come the signs of careless answering, and sheets on which
    no item has a valid answer are set aside.

    Raises
    ------
    InputError
        For answers of sheets still in that are neither a label nor a number; all at once.
    """
    frame, instrument, wave = sheets.frame, sheets.population.instrument, sheets.wave
    still_in = sheets.still_in.to_numpy()
    scored = {}
    notes = [pd.DataFrame(columns=[names.REGION, "column", "value", "reason"])]
    for name, (scale, item) in instrument.items.items():
        if name not in frame or wave not in scale.waves:
            scored[name] = np.full(len(frame), np.nan)
            continue
        responses = instrument.responses[scale.responses]
        values, kinds = read_answers(frame[name], responses, sheets.labels.get(name))
        if scale.roles and names.ROLE in frame:
            elsewhere = frame[names.ROLE].notna() & ~frame[names.ROLE].isin(scale.roles)
            kinds = np.where(elsewhere & ~np.isnan(values), _NOT_ASKED, kinds)
            values = np.where(elsewhere, np.nan, values)
        turned = responses.minimum + responses.maximum - values
        scored[name] = turned if item.reversed else values
        odd = still_in & (kinds != _VALID)
        if odd.any():
            note = frame.loc[odd, [names.REGION]].assign(column=name, value=frame.loc[odd, name])
            notes.append(note.assign(reason=np.array(KINDS, dtype=object)[kinds[odd]]))
    lost = pd.concat(notes[1:] or notes)
    unknown = lost[lost["reason"] == "unknown"]
    if len(unknown):
        raise InputError(_unknown_answers(unknown, sheets))
    counted = lost.groupby(list(lost), sort=True).size().rename("n").reset_index()
    kept = frame.drop(columns=list(instrument.items), errors="ignore")
    frame = pd.concat([kept, pd.DataFrame(scored, index=frame.index)], axis=1)
    seconds = sheets.apart.get("seconds")
    seconds = None if seconds is None else seconds.reindex(frame.index)
    frame = with_flags(frame, instrument=instrument, wave=wave, seconds=seconds)
    empty = frame[list(instrument.items)].isna().all(axis=1)
    scored_sheets = sheets.noting(counted, frame=frame)
    return scored_sheets.set_aside(empty, step="answers", reason="no_answers")


def _unknown_answers(unknown: pd.DataFrame, sheets: Sheets) -> list[Problem]:
    """Return a problem per label that is unknown, or per column that holds something else."""
    instrument, problems = sheets.population.instrument, []
    by_label: dict[tuple[str, str], list[str]] = {}  # columns by response set and label
    for column, texts in unknown.groupby("column", sort=False)["value"]:
        source, labels = sheets.sources.get(column, column), sheets.labels.get(column, {})
        if texts.nunique() > MANY_TEXTS:
            cells = f"{len(texts)} cells of {source}, which are not shown"
            found = f"{texts.nunique()} different texts in {cells}"
            allowed = "the labels or values of its response set"
            todo = "look whether the column is the item's"
            problems.append(Problem("unknown answers", found, allowed, sheets.where, todo))
            continue
        responses = instrument.items[column][0].responses
        for text in texts:
            by_label.setdefault((responses, labels.get(text, text)), []).append(source)
    for (responses, label), sources in sorted(by_label.items()):
        lookup, columns = instrument.responses[responses].lookup, list(dict.fromkeys(sources))
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        found = f"“{label[:60]}”, {len(sources)} times, in {', '.join(columns[:3])}{more}"
        add = f"add it to `also` or `missing` of {responses} in the instrument"
        todo = f"{did_you_mean(normalise_label(label), lookup)} {add}".strip()
        problems.append(Problem("unknown answer", found, ", ".join(lookup), sheets.where, todo))
    return problems


def score(sheets: Sheets) -> Sheets:
    """Add the scales, and put columns and rows in the order of clean data.

    A scale is the mean of its answered items, where enough of them are answered. Rows are sorted
    by region, school and wave; of `submitted` the day stays. What every column means is said by
    :func:`~loftet_analysis.study.columns.clean_columns`.
    """
    frame = score_scales(sheets.frame, instrument=sheets.population.instrument)
    if names.SUBMITTED in frame:
        days = frame[names.SUBMITTED].dt.normalize().astype("datetime64[ms]")
        frame = frame.assign(**{names.SUBMITTED: days})
    frame = frame.sort_values([names.REGION, names.SCHOOL], kind="stable", ignore_index=True)
    columns = [column for column in column_kinds(sheets.population) if column in frame]
    return replace(sheets, frame=frame[[REASON, *columns]])


def score_scales(frame: pd.DataFrame, *, instrument: Instrument) -> pd.DataFrame:
    """Add each scale: the mean of its answered items, where enough of them are answered.

    Parameters
    ----------
    frame : DataFrame
        Items as numbers, reversed already.
    instrument : Instrument
        Its scales, and how many items each needs (``Scale.needed``, inclusive).

    Returns
    -------
    DataFrame
        The frame and one float column per scale, in the unit of its items.
    """
    scores = {}
    for name, scale in instrument.scales.items():
        items = frame[list(scale.items)].to_numpy(dtype=float)
        answered = np.isfinite(items).sum(axis=1)
        total = np.nansum(items, axis=1)
        enough = answered >= scale.needed
        scores[name] = np.divide(total, answered, out=np.full(len(frame), np.nan), where=enough)
    return pd.concat([frame, pd.DataFrame(scores, index=frame.index)], axis=1)
