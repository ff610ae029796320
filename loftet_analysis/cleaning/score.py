"""Answers to numbers, by label; items turned once; scales as the mean of what is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.cleaning.account import others_not_shown, tellable_texts
from loftet_analysis.cleaning.careless import with_flags
from loftet_analysis.cleaning.codes import (
    Coding,
    Met,
    canonical,
    label_and_number,
    number,
    one_label_twice,
    outside_scale,
    span,
    tellable,
    thousands,
    times,
)
from loftet_analysis.cleaning.lists import ROW
from loftet_analysis.cleaning.sheets import REASON, Sheets
from loftet_analysis.cleaning.times import SECONDS
from loftet_analysis.errors import Problem, at_rows, named, refuse_any
from loftet_analysis.study import Instrument, Population, ResponseSet, normalise_label
from loftet_analysis.study.columns import column_kinds, form_words
from loftet_analysis.study.instrument import Range
from loftet_analysis.study.yamlfile import did_you_mean

KINDS = ("", "declared_missing", "out_of_range", "unknown", "not_asked")
_VALID, _DECLARED, _OUTSIDE, _UNKNOWN, _NOT_ASKED = range(len(KINDS))
MANY_TEXTS = 20
_MOST_CODES = 1000  # different ones of a column that are looked at for their labels


def read_answers(
    texts: Sequence[str], responses: ResponseSet | Range, labels: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Read answers of one column by label; numbers stand for themselves where none is stored.

    Parameters
    ----------
    texts : sequence of str
        Labels or codes as exported; blanks are missing.
    responses : ResponseSet or Range
        The labels and the range of the item, or the range of a score, which may have decimals.
    labels : mapping of str to str
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
    >>> values, kinds = read_answers(["ja", "0", "", "9", "kanskje"], yes_no, {})
    >>> values
    array([ 1.,  0., nan, nan, nan])
    >>> [KINDS[kind] for kind in kinds]
    ['', '', '', 'out_of_range', 'unknown']
    >>> read_answers(["1", "2"], yes_no, {"1": "Ja", "2": "Nei"})[0]
    array([1., 0.])
    """
    lookup = responses.lookup
    scored = {number(code): lookup.get(normalise_label(t)) for code, t in labels.items()}
    as_coded = all(value in (None, code) for code, value in scored.items())
    by_code = {canonical(code): label for code, label in labels.items()}
    none = {number(text) for text, value in lookup.items() if value is None} - {None}

    def read(text: str) -> tuple[float, int]:
        if not text.strip():
            return np.nan, _VALID
        label = labels.get(text) or by_code.get(canonical(text))
        normal = normalise_label(label or text)
        if normal in lookup:
            value = lookup[normal]
            return (np.nan, _DECLARED) if value is None else (value, _VALID)
        coded = number(normal)
        if coded is None or (label is None and not as_coded):
            return np.nan, _UNKNOWN
        if coded in none:
            return np.nan, _DECLARED
        whole = isinstance(responses, Range) or coded.is_integer()
        if whole and responses.minimum <= coded <= responses.maximum:
            return coded, _VALID
        return np.nan, _OUTSIDE

    values, kinds = zip(*map(read, texts), strict=True) if len(texts) else ((), ())
    return np.array(values, dtype=float), np.array(kinds, dtype=np.int8)


def answers(sheets: Sheets) -> Sheets:
    """Turn the items of a wave to numbers, the reversed ones once and for all, and flag the sheets.

    Every item of the instrument, and every score that is read as it is, becomes a float column; one
    that has no column, or is not asked in this wave or of the questionnaire's role, is missing.
    Answers of questionnaires still in that were set to missing are noted in `values`; a few codes
    outside their scale are a remark. Then come the signs of careless answering, and questionnaires
    on which nothing has a valid answer are set aside.

    Raises
    ------
    InputError
        For answers of questionnaires still in that are neither a label nor a number, for codes
        outside their scale, codes of which several have one label, numbers that double labels, and
        scores with a sign for thousands (:mod:`~loftet_analysis.cleaning.codes`); all at once.
    """
    frame, instrument, wave = sheets.frame, sheets.population.instrument, sheets.wave
    still_in = sheets.still_in.to_numpy()
    row_of = sheets.apart.get(ROW, pd.Series(dtype=float)).reindex(frame.index)
    region_codes, regions = pd.factorize(frame[names.REGION])
    scored = np.full((len(instrument.columns), len(frame)), np.nan)
    met, stored, codings, separated, unread = [], [], [], [], []
    notes = [pd.DataFrame(columns=[names.REGION, "column", "value", "reason", "n"])]
    for place, (name, (scale, item)) in enumerate(instrument.columns.items()):
        if name not in frame or not scale.asks(name, wave):
            continue
        responses, labels = instrument.response_set(scale.name), sheets.labels.get(name, {})
        codes, texts = pd.factorize(frame[name])
        of_text, kind_of_text = read_answers(texts, responses, labels)
        values, kinds = of_text[codes], kind_of_text[codes]
        asked = still_in
        if scale.roles and names.ROLE in frame:
            elsewhere = frame[names.ROLE].notna() & ~frame[names.ROLE].isin(scale.roles)
            kinds = np.where(elsewhere & ~np.isnan(values), _NOT_ASKED, kinds)
            values = np.where(elsewhere, np.nan, values)
            asked = still_in & ~elsewhere.to_numpy()
        if item.reversed:
            values = responses.minimum + responses.maximum - values
        scored[place] = values
        n = np.bincount(codes[asked], minlength=len(texts))
        outside = row_of[asked & (kind_of_text[codes] == _OUTSIDE)].dropna()
        met.append(_met(name, sheets, texts, of_text, kind_of_text, n, outside))
        stored.append((met[-1], labels, responses.lookup))
        there = texts[np.flatnonzero(n)]
        if scale.as_is:
            ends = responses.minimum, responses.maximum
            separated += thousands(met[-1].label, there, *ends, sheets.where)
        else:
            owner = instrument.name, scale.responses
            codings.append(_coding(owner, met[-1].label, there, responses, labels, sheets))
        odd = still_in & (kinds != _VALID)
        if odd.any():
            places = np.column_stack([region_codes[odd], codes[odd], kinds[odd]])
            notes.append(_lost(name, places, regions, texts))
            places = np.flatnonzero(odd & (kinds == _UNKNOWN))
            unread.append(pd.DataFrame({"column": name, "value": texts[codes[places]],
                                        ROW: row_of.iloc[places].to_numpy()}))  # fmt: skip
    lost = pd.concat(notes[1:] or notes, ignore_index=True)
    problems, remarks = outside_scale(met, sheets.where)
    doubled, told = label_and_number(met, sheets.where)
    problems, remarks = [*problems, *doubled, *separated], [*remarks, *told]
    problems += one_label_twice(stored, sheets.where)
    problems += _unknown_answers(pd.concat(unread), sheets) if unread else []
    refuse_any(problems)
    counted = lost.sort_values([names.REGION, "column", "value", "reason"])
    kept = frame.drop(columns=list(instrument.columns), errors="ignore")
    empty = pd.Series(np.isnan(scored).all(axis=0), frame.index)
    scored = pd.DataFrame(scored.T, frame.index, list(instrument.columns), copy=False)
    frame = pd.concat([kept, scored], axis=1)
    seconds = sheets.apart.get(SECONDS)
    seconds = None if seconds is None else seconds.reindex(frame.index)
    frame = with_flags(frame, instrument=instrument, wave=wave, seconds=seconds)
    remarks = [*sheets.remarks, *remarks]
    noted = sheets.noting(counted, frame=frame, remarks=tuple(remarks), codings=tuple(codings))
    return noted.set_aside(empty, step="answers", reason="no_answers")


def _lost(name: str, places: np.ndarray, regions: pd.Index, texts: pd.Index) -> pd.DataFrame:
    """Count the cells that were set to missing; a code that may be an id is not told.

    A row of `places` per cell: the places of its region, of its text, and of its kind in ``KINDS``.
    """
    keys = [names.REGION, "value", "reason"]
    cells = pd.DataFrame(places, columns=keys).value_counts(sort=False).rename("n").reset_index()
    values = [texts[place] for place in cells["value"]]
    told = [
        text if kind != _OUTSIDE or tellable(number(text) or 0) else ""
        for text, kind in zip(values, cells["reason"], strict=True)
    ]
    called = {names.REGION: [regions[place] for place in cells[names.REGION]], "value": told}
    cells = cells.assign(**called, reason=[KINDS[place] for place in cells["reason"]])
    return cells.groupby(keys, as_index=False).sum().assign(column=name)


def _met(
    name: str,
    sheets: Sheets,
    texts: pd.Index,
    values: np.ndarray,
    kinds: np.ndarray,
    n: np.ndarray,
    at: Iterable[int],
) -> Met:
    """Return the codes of one column.

    `n` is the number of sheets on which each text counts; the rows `at` have one that is outside.
    """
    scale, _ = sheets.population.instrument.columns[name]
    responses = sheets.population.instrument.response_set(scale.name)
    inside: Counter[float] = Counter()
    outside: Counter[float] = Counter()
    for place in np.flatnonzero(n):
        if kinds[place] == _OUTSIDE:
            label = sheets.labels.get(name, {}).get(texts[place], texts[place])
            outside[number(normalise_label(label)) or 0] += int(n[place])
        elif kinds[place] == _VALID and not np.isnan(values[place]):
            inside[float(values[place])] += int(n[place])
    lookup, there = responses.lookup, texts[np.flatnonzero(n)]
    said = {lookup.get(normalise_label(text)) for text in there if number(text) is None}
    filled = [place for place in np.flatnonzero(n) if texts[place].strip()]
    ends = responses.minimum, responses.maximum
    return Met(
        name, sheets.sources.get(name, name), scale.responses or name, *ends,
        whole=not scale.as_is, inside=inside, outside=outside,
        n=int(n[filled].sum()), met=frozenset(map(canonical, texts[filled[:_MOST_CODES]])),
        by_label=frozenset(value for value in said if value is not None), rows=tuple(map(int, at)),
    )  # fmt: skip


def _coding(
    owner: tuple[str, str],
    column: str,
    texts: Iterable[str],
    responses: ResponseSet | Range,
    labels: Mapping[str, str],
    sheets: Sheets,
) -> Coding:
    """Return the labels that a tool stores for a column, else the numbers that have none.

    Labels that have the instrument's numbers say what the numbers beside them mean; that of the
    middle of a scale does not say which way it runs.
    """
    form = PurePath(sheets.file).suffix.lower()
    place = (sheets.where, form, f"{sheets.population.name}, {sheets.wave}")
    lookup = responses.lookup
    coded = {number(code): lookup.get(normalise_label(text)) for code, text in labels.items()}
    stored = {c: v for c, v in coded.items() if c is not None and v is not None}
    turned = responses.minimum + responses.maximum
    if any(code != value or 2 * value != turned for code, value in stored.items()):
        return Coding(owner, column, *place, stored)
    labelled = {number(code) for code, text in labels.items() if text.strip()}
    values = {number(text) for text in texts if normalise_label(text) not in lookup}
    low, high = responses.minimum, responses.maximum
    inside = {v for v in values if v is not None and low <= v <= high}
    return Coding(owner, column, *place, bare=frozenset(inside - labelled))


def _unknown_answers(unknown: pd.DataFrame, sheets: Sheets) -> list[Problem]:
    """Return a problem per label that is unknown, or per column that holds something else.

    What may be free text is told by its rows; a row of `unknown` per cell: column, value and row.
    """
    instrument, problems = sheets.population.instrument, []
    by_label: dict[tuple[str, str], Counter[str]] = {}  # cells by column, by scale and label
    rows_of: dict[tuple[str, str], list[float]] = {}
    for column, cells in unknown.groupby("column", sort=False):
        source, labels = sheets.sources.get(column, column), sheets.labels.get(column, {})
        scale, _ = instrument.columns[column]
        if cells["value"].nunique() > MANY_TEXTS:
            hidden = f"{len(cells)} cells of {source}, which are not shown"
            found = f"{cells['value'].nunique()} different texts in {hidden}"
            allowed = "the labels or values of its response set"
            todo = "look whether the column is the item's"
            problems.append(Problem("unknown answers", found, allowed, sheets.where, todo))
            continue
        for text, own in cells.groupby("value")[ROW]:
            key = (scale.responses or column, labels.get(text, text))
            by_label.setdefault(key, Counter())[source] += len(own)
            rows_of.setdefault(key, []).extend(own.dropna())
    for owner in sorted({owner for owner, _ in by_label}):
        same = {label: sources for (of, label), sources in by_label.items() if of == owner}
        counts = pd.Series({label: n.total() for label, n in sorted(same.items())})
        stored = {text for labels in sheets.labels.values() for text in labels.values()}
        lookup: Mapping[str, int | None] = {}
        if owner in instrument.responses:
            lookup = instrument.responses[owner].lookup
            allowed, add = ", ".join(lookup), f"add it to `also` or `missing` of {owner}"
            add += " in the instrument, or list the cell in the file of `corrections:`"
        else:
            responses = instrument.response_set(owner)
            allowed = f"a number, {span(responses.minimum, responses.maximum)}"
            add = f"where it means that there is no score, add it to `missing` of {owner}"
        told, hidden = tellable_texts(counts, [*lookup, *stored])
        for label, n in told.items():
            found = f"“{label[:60]}”, {times(n)}, in {named([*same[label]], 3)}"
            todo = f"{did_you_mean(normalise_label(label), lookup)} {add}".strip()
            problems.append(Problem("unknown answer", found, allowed, sheets.where, todo))
        if len(hidden):
            columns = named([*dict.fromkeys(c for label in hidden.index for c in same[label])], 3)
            rows = sorted({int(row) for label in hidden.index for row in rows_of[owner, label]})
            found = f"{others_not_shown(hidden)}, in {columns}" + (
                f"; {at_rows(rows)}" if rows else ""
            )
            problems.append(
                Problem(
                    "unknown answer", found, allowed, sheets.where, f"look at these cells; {add}"
                )
            )
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
    columns = [column for column in column_kinds(sheets.population) if column in frame]
    frame = frame[[REASON, *columns]]
    frame = frame.sort_values([names.REGION, names.SCHOOL], kind="stable", ignore_index=True)
    return replace(sheets, frame=frame).remarking(*_other_items(sheets.population))


def _other_items(population: Population) -> Iterator[Problem]:
    """Yield what is told of the scales whose items differ between waves."""
    for scale in population.instrument.scales.values():
        forms = scale.forms(population.files)
        if len(forms) > 1:
            parts = [form_words(scale, *form) for form in forms.items()]
            what = f"scale {scale.name} has other items in one wave than in another"
            todo = "compare its waves with care: part of a difference may be the items'"
            where = f"instrument {population.instrument.name} ({population.name})"
            yield Problem(what, "; ".join(parts), where=where, todo=todo)


def score_scales(frame: pd.DataFrame, *, instrument: Instrument) -> pd.DataFrame:
    """Add each scale: the mean of its answered items, where enough of them are answered.

    Parameters
    ----------
    frame : DataFrame
        Items and scores that are read as they are, as numbers, reversed already; `wave` where
        the items of a scale differ between waves.
    instrument : Instrument
        Its scales, and how many of a wave's items each needs (``Scale.needed_in``, inclusive).

    Returns
    -------
    DataFrame
        The frame and one float column per scale, in the unit of its items.
    """
    scores = {}
    for name, scale in instrument.scales.items():
        if scale.as_is:
            continue
        items = frame[list(scale.items)].to_numpy(dtype=float)
        answered = np.isfinite(items).sum(axis=1)
        total = np.nansum(items, axis=1)
        needed = scale.needed
        if len(scale.forms(scale.waves)) > 1:
            by_wave = {wave: scale.needed_in(wave) for wave in scale.waves}
            needed = frame[names.WAVE].map(by_wave).fillna(np.inf).to_numpy(dtype=float)
        enough = answered >= needed
        scores[name] = np.divide(total, answered, out=np.full(len(frame), np.nan), where=enough)
    return pd.concat([frame, pd.DataFrame(scores, index=frame.index)], axis=1)
