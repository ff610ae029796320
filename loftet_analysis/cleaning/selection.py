"""Which rows of an export are sheets of a population and wave, where a file holds several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis.cleaning.headings import Headings, identifier_kind
from loftet_analysis.cleaning.identifiers import redact_text
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study import ExportFile, Population, Study, normalise_label
from loftet_analysis.study.study import row_text

MOST_UNTOLD = 0.02  # of the rows, before it is a warning that they belong to nothing
_FEW, _SHOWN, _LONGEST = 20, 8, 40  # texts of a closed list, texts that are shown, their signs


def rows_of(
    export: Export, study: Study, population: Population, wave: str, file: ExportFile
) -> Export:
    """Return an export with the rows of one population and wave alone, as study.yml tells them.

    Rows keep their index. What is left out is told in the export's remarks by text and count:
    rows of other populations, and rows that belong to no population or no wave at all. Rows
    without anything in them are nobody's.

    Parameters
    ----------
    export : Export
        The whole file.
    study : Study
        Its other populations may claim rows of the same file.
    population : Population
    wave : str
    file : ExportFile
        Its ``only`` and ``wave``; without either the export is returned as it is.

    Raises
    ------
    InputError
        Where a column that tells rows apart is not found, and where no row is left.
    """
    if not (file.only or file.wave):
        return export
    where, name = f"{export.name} ({population.name})", population.name
    headings = Headings(export.frame.columns, export.questions, where)
    found = {rows.column: headings.find([rows.column]) for rows in (file.only, file.wave) if rows}
    problems = [headings.absent([column]) for column, columns in found.items() if not columns]
    problems += [headings.twice(columns) for columns in found.values() if len(columns) > 1]
    if problems:
        raise InputError(problems)
    kept, remarks = np.ones(len(export.frame), dtype=bool), []
    if file.only:
        mine = dict.fromkeys(map(row_text, file.only.values), name)
        owners, counts = _owners(export, found[file.only.column][0], _claims(study, file) | mine)
        kept = owners == name
        allowed = ", ".join(file.only.values)
        if not kept.any():
            raise _no_row(f"no row of {name}", file.only.column, counts, allowed, where)
        others = counts[~counts["owner"].isin(["", name])]
        if len(others):
            what = "rows of other populations are left out"
            remarks.append(Problem(what, _told(file.only.column, others), allowed, where))
        todo = "name the text in the `only` of a population, or leave these rows out knowingly"
        remarks += _of_nobody("rows of no population", file.only.column, counts, where, todo)
    if file.wave:
        waves = {row_text(t): each for each, texts in file.wave.values.items() for t in texts}
        owners, counts = _owners(export, found[file.wave.column][0], waves, kept)
        allowed = ", ".join(file.wave.values.get(wave, ()))
        kept = kept & (owners == wave)
        if not kept.any():
            raise _no_row(f"no row of {wave}", file.wave.column, counts, allowed, where)
        todo = "name the text below a wave, or leave these rows out knowingly"
        remarks += _of_nobody("rows of no wave", file.wave.column, counts, where, todo)
    frame = export.frame if kept.all() else export.frame[kept]
    return replace(export, frame=frame, remarks=(*export.remarks, *remarks))


def _claims(study: Study, file: ExportFile) -> dict[str, str]:
    """Return the populations that claim rows of the same file, by the text of the same column."""
    column = normalise_label(file.only.column)
    return {
        row_text(text): population.name
        for population in study.populations.values()
        for files in population.files.values()
        for other in files
        if other.file == file.file and other.only
        if normalise_label(other.only.column) == column
        for text in other.only.values
    }


def _owners(
    export: Export, column: str, owner_of: Mapping[str, str], within: np.ndarray | None = None
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return each row's owner by its text or label (``""`` is nobody), and the texts met.

    The texts are ``text, owner, n``, of the rows `within` that hold anything at all.
    """
    codes, texts = pd.factorize(export.frame[column])
    labels = export.labels.get(column, {})
    owners = [
        owner_of.get(row_text(text)) or owner_of.get(row_text(labels.get(text, "")), "")
        for text in texts
    ]
    counted = np.ones(len(codes), dtype=bool) if within is None else within.copy()
    blank = np.flatnonzero(np.array([not text.strip() for text in texts], dtype=bool)[codes])
    if len(blank):
        cells = export.frame.iloc[blank]
        counted[blank] &= cells.apply(lambda c: c.str.strip().ne("")).any(axis=1).to_numpy()
    n = np.bincount(codes[counted], minlength=len(texts))
    shown = [labels.get(text, text).strip() for text in texts]
    hidden = bool(identifier_kind(export, column)) or not _is_closed(shown, len(codes))
    counts = pd.DataFrame({"text": "" if hidden else shown, "owner": owners, "n": n})
    return np.array(owners, dtype=object)[codes], counts.assign(hidden=hidden)[n > 0]


def _is_closed(texts: Sequence[str], n: int) -> bool:
    """Return whether texts of `n` cells may be told: a closed list, not ids or free text."""
    own = len(texts) > 3 and len(texts) > n / 2
    return len(texts) <= _FEW and not own


def _told(column: str, counts: pd.DataFrame) -> str:
    """Return the texts of a column with their owners and counts, the most frequent first."""
    if counts["hidden"].any():
        return f"{column}: {len(counts)} different texts, which are not shown"
    counts = counts.sort_values(["n", "text"], ascending=[False, True], kind="stable")
    parts = []
    for text, owner, n in counts[["text", "owner", "n"]].head(_SHOWN).itertuples(index=False):
        named = f"“{redact_text(text)[0][:_LONGEST]}”" if text else "blank"
        parts.append(f"{named} {n}" + (f" ({owner})" if owner else ""))
    more = f", and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return f"{column}: {', '.join(parts)}{more}"


def _of_nobody(
    what: str, column: str, counts: pd.DataFrame, where: str, todo: str
) -> list[Problem]:
    nobodys, n = counts[counts["owner"].eq("")], int(counts["n"].sum())
    lost = int(nobodys["n"].sum())
    if not lost:
        return []
    found = f"{lost} of {n} rows; {_told(column, nobodys)}"
    what = f"warning: {what}" if lost > MOST_UNTOLD * n else what
    return [Problem(what, found, f"at most {MOST_UNTOLD:.0%}", where, todo)]


def _no_row(what: str, column: str, counts: pd.DataFrame, allowed: str, where: str) -> InputError:
    todo = f"correct the texts of {column} in study.yml"
    return InputError(what, _told(column, counts), allowed, where, todo)
