"""Answers to numbers, by label; items turned once; scales as the mean of what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.ledger import REASON
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import Instrument, ResponseSet, normalise_label
from loftet_analysis.study.yamlfile import did_you_mean

VALUES = ("population", "wave", "file", "region", "column", "value", "reason", "n")
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


def score_items(
    frame: pd.DataFrame,
    *,
    instrument: Instrument,
    wave: str,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    sources: Mapping[str, str] | None = None,
    where: str = "",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the items of a wave to numbers, the reversed ones once and for all.

    Parameters
    ----------
    frame : DataFrame
        Sheets with ``region``, ``reason``, ``role`` where there is one, and items as text; an
        item that has no column, or is not asked in this wave or of this role, is missing.
    instrument : Instrument
        Response sets, reversal, waves and roles.
    wave : str
        The wave of the sheets.
    labels, sources, where
        As in :class:`~loftet_analysis.cleaning.columns.Matched`.

    Returns
    -------
    frame : DataFrame
        The same sheets, every item of the instrument a float column.
    values : DataFrame
        ``region, column, value, reason, n``: answers of sheets still in that were set to missing.

    Raises
    ------
    InputError
        For answers of sheets still in that are neither a label nor a number; all at once.
    """
    labels, sources = labels or {}, sources or {}
    still_in = frame[REASON].eq("").to_numpy()
    scored = {}
    notes = [pd.DataFrame(columns=[names.REGION, "column", "value", "reason"])]
    for name, (scale, item) in instrument.items.items():
        responses = instrument.responses[scale.responses]
        if name not in frame or wave not in scale.waves:
            scored[name] = np.full(len(frame), np.nan)
            continue
        values, kinds = read_answers(frame[name], responses, labels.get(name))
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
    unknown = lost["reason"] == "unknown"
    if unknown.any():
        raise InputError(_unknown_answers(lost[unknown], instrument, labels, sources, where))
    counted = lost.groupby(list(lost), sort=True).size().rename("n").reset_index()
    kept = frame.drop(columns=list(instrument.items), errors="ignore")
    return pd.concat([kept, pd.DataFrame(scored, index=frame.index)], axis=1), counted


def _unknown_answers(
    unknown: pd.DataFrame,
    instrument: Instrument,
    labels: Mapping[str, Mapping[str, str]],
    sources: Mapping[str, str],
    where: str,
) -> list[Problem]:
    answers = zip(unknown["column"], unknown["value"], strict=True)
    shown = [labels.get(column, {}).get(text, text) for column, text in answers]
    sets = [instrument.items[column][0].responses for column in unknown["column"]]
    problems = _of_columns_with_many(unknown, sources, where)
    told = unknown["column"].isin(_with_many(unknown)).to_numpy()
    unknown, sets, shown = (
        unknown[~told],
        [name for name, is_told in zip(sets, told, strict=True) if not is_told],
        [text for text, is_told in zip(shown, told, strict=True) if not is_told],
    )
    for (name, label), rows in unknown.groupby([sets, shown], sort=True):
        lookup = instrument.responses[name].lookup
        columns = [sources.get(column, column) for column in dict.fromkeys(rows["column"])]
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        add = f"add it to `also` or `missing` of {name} in the instrument"
        problems.append(
            Problem(
                "unknown answer",
                found=f"“{label[:60]}”, {len(rows)} times, in {', '.join(columns[:3])}{more}",
                allowed=", ".join(lookup),
                where=where,
                todo=" ".join(filter(None, (did_you_mean(normalise_label(label), lookup), add))),
            )
        )
    return problems


def _with_many(unknown: pd.DataFrame) -> list[str]:
    """Return the columns with so many unknown texts that they seem to hold something else."""
    texts = unknown.groupby("column")["value"].nunique()
    return list(texts.index[texts > MANY_TEXTS])


def _of_columns_with_many(
    unknown: pd.DataFrame, sources: Mapping[str, str], where: str
) -> list[Problem]:
    return [
        Problem(
            "unknown answers",
            found=f"{rows['value'].nunique()} different texts in {len(rows)} cells of "
            f"{sources.get(column, column)}, which are not shown",
            allowed="the labels or values of its response set",
            where=where,
            todo="look whether the column is the item's",
        )
        for column, rows in unknown.groupby("column")
        if column in _with_many(unknown)
    ]


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
