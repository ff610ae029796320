"""What each column of a frame means."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import schema
from loftet_analysis.study import load_study
from loftet_analysis.study.columns import clean_columns

#: What `pairs` adds to the columns of a clean frame.
_OF_PAIRS = {
    "pre": "the person's score before, in scale points",
    "post": "the person's score after; missing where the person has none",
    "change": "post - pre",
    "school_post": "the person's school after",
    "cluster": "who is not independent of whom: a label of a group of people",
    "clustered_by": "feeder_group, school or region",
    "school_group": "the person's feeder group, or school; ICC and design effect are by it",
}


def describe(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what each column of a clean frame, of pairs, or of a result means.

    Parameters
    ----------
    frame : DataFrame
        From ``study.read``, or from one of the library's verbs.

    Returns
    -------
    DataFrame
        Indexed by column, in the frame's order. Of a clean frame what
        :func:`~loftet_analysis.study.columns.clean_columns` says (wording,
        reversed, scale, range, waves, roles), else `meaning`, `type` and `filled` (the share of
        rows with a value, 0-1). A column of one's own has no meaning.

    Examples
    --------
    >>> result = pd.DataFrame({"outcome": ["joy"], "n": [20], "mine": [1]})
    >>> describe(result)[["meaning", "filled"]]
                             meaning  filled
    column
    outcome  scale of the instrument     1.0
    n                         people     1.0
    mine                                 1.0
    """
    meanings = {name: column.meaning for name, column in schema.COLUMNS.items()}
    about = frame.attrs
    if "clustered_by" in frame:
        meanings |= _OF_PAIRS
    elif {"population", "study"} <= set(about):
        columns = clean_columns(load_study(about["study"]), about["population"])
        return columns.set_index("column").reindex(frame.columns)
    return pd.DataFrame(
        {
            "meaning": [meanings.get(name, "") for name in frame],
            "type": [str(dtype) for dtype in frame.dtypes],
            "filled": frame.notna().mean().to_numpy() if len(frame) else 0.0,
        },
        index=pd.Index(list(frame), name="column"),
    )
