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
_NOT_YET = "[not completed]"


def adapted(export: Export) -> Export:
    """Join the rows in which a record's instruments stand, event by event.

    Raises
    ------
    InputError
        Where a record has several answers to the same question in one event: several instances of
        an instrument.
    """
    frame = export.frame.mask(export.frame.eq(_NOT_YET), "")
    key = [frame.columns[0], *events(export)]
    who = pd.Series(frame.groupby(key, sort=False).ngroup(), index=frame.index)
    if not who.duplicated().any() or frame[key[0]].eq("").any():
        return replace(export, frame=frame)
    filled = frame.mask(frame.eq(""))
    asked = [c for c in frame if c not in key and not _OWN.fullmatch(normalise_label(c))]
    several = filled[asked].groupby(who).nunique().gt(1)
    if several.any(axis=None):
        columns = several.columns[several.any()]
        rows = export.rows[frame.index[who.isin(several.index[several.any(axis=1)])]]
        what = "several instances of an instrument for one record"
        found = f"{int(several.any(axis=1).sum())} records, {at_rows(rows)}; in {len(columns)} "
        found += "columns, such as " + ", ".join(columns[:3])
        todo = "export one instrument or event at a time, or only its first instance"
        raise InputError(what, found, "one answer of a record to each question", export.name, todo)
    first = ~who.duplicated().to_numpy()
    joined = filled.groupby(who, sort=False).first().fillna("").reset_index(drop=True)
    found = f"{len(frame)} rows of {len(joined)} records"
    remark = Problem("rows of one record were joined", found, where=export.name)
    return replace(
        export,
        frame=pd.DataFrame(joined, dtype="str"),
        rows=np.asarray(export.rows)[first],
        remarks=(*export.remarks, remark),
    )


def events(export: Export) -> list[str]:
    """Return the column of a longitudinal project that tells the event, if there is one."""
    return [column for column in export.frame if normalise_label(column) in _EVENT][:1]
