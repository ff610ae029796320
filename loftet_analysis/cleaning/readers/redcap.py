"""REDCap: a record's instruments and their repeats in rows of their own."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from loftet_analysis.errors import InputError, Problem, at_rows
from loftet_analysis.study import normalise_label
from loftet_analysis.tabular.export import Export

_EVENT = frozenset({"redcap_event_name", "event name"})  # of codes, of labels
_OWN = re.compile(r"redcap_\w+|(?:event|arm) name|repeat instrument|repeat instance|complete\??|"
                  r"survey timestamp|\w+_complete", re.IGNORECASE)  # fmt: skip
_INSTRUMENT = frozenset({"redcap_repeat_instrument", "repeat instrument"})
_NOT_YET = "[not completed]"


def adapted(export: Export) -> Export:
    """Leave the times of forms blank that were not completed."""
    return replace(export, frame=export.frame.mask(export.frame.eq(_NOT_YET), ""))


def joined(export: Export) -> Export:
    """Join the rows in which a record's instruments stand.

    Raises
    ------
    InputError
        Where a record has rows of several events, or several answers to the same question.
    """
    frame, key = export.frame, export.frame.columns[0]
    # of a longitudinal project
    column = next((c for c in frame if normalise_label(c) in _EVENT), None)
    texts = [text for text in frame[column].unique() if text.strip()] if column else []
    if len(texts) > 1:
        what, allowed = "several events of REDCap in one export", "the rows of one wave"
        todo = f"say which event is which wave: wave: {{column: {column}, values: {{pre: […]}}}}"
        raise InputError(what, ", ".join(texts[:8]), allowed, export.name, todo)
    who = pd.Series(frame.groupby(key, sort=False).ngroup(), index=frame.index)
    if not who.duplicated().any() or frame[key].eq("").any():
        return export
    filled = frame.mask(frame.eq(""))
    asked = [c for c in frame if c != key and not _OWN.fullmatch(normalise_label(c))]
    several = filled[asked].groupby(who).nunique().gt(1).any(axis=1)
    instrument = next((c for c in frame if normalise_label(c) in _INSTRUMENT), None)
    if several.any() and instrument:
        counts = frame[instrument].str.strip().replace("", "blank").value_counts()
        found = ", ".join(f"{text} {n}" for text, n in counts.head(8).items())
        rows = at_rows(export.rows[who.isin(several.index[several])])
        found = f"{instrument}: {found}; {int(several.sum())} records, such as {rows}"
        todo = f"name the rows of one: only: {{column: {instrument}, values: [blank]}}"
        what, allowed = "a row for each instrument of a person", "a row a person"
        raise InputError(what, found, allowed, export.name, todo)
    if several.any():
        return export
    first = ~who.duplicated().to_numpy()
    whole = filled.groupby(who, sort=False).first().fillna("").reset_index(drop=True)
    found = f"{len(frame)} rows of {len(whole)} records"
    remark = Problem("rows of one record were joined", found, where=export.name)
    return replace(
        export,
        frame=pd.DataFrame(whole, dtype="str"),
        rows=np.asarray(export.rows)[first],
        remarks=(*export.remarks, remark),
    )
