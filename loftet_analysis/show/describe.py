"""What each column of a frame means."""

from __future__ import annotations

import pandas as pd

from loftet_analysis.show.glossary import column_meanings
from loftet_analysis.show.languages import Words
from loftet_analysis.study import load_study
from loftet_analysis.study.columns import MEANINGS, clean_columns


def describe(frame: pd.DataFrame, language: str | None = None) -> pd.DataFrame:
    """Return what each column of a clean frame, of pairs, or of a result means.

    Parameters
    ----------
    frame : DataFrame
        From ``study.read``, or from one of the library's verbs.
    language : {"nb", "nn", "en"}, optional
        Of what is said; without it English, and wordings in the study's first.

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
    words, about, pairs = Words(language or "en"), frame.attrs, "clustered_by" in frame
    if not pairs and {"population", "study"} <= set(about):
        columns = clean_columns(load_study(about["study"]), about["population"], language)
        columns = columns.set_index("column").reindex(frame.columns)
        said = columns.index.to_series().map(MEANINGS).map(words.text, na_action="ignore")
        return columns.assign(meaning=said.fillna(columns["meaning"]))
    meanings = column_meanings(words, pairs=pairs)
    return pd.DataFrame(
        {
            "meaning": [meanings.get(name, "") for name in frame],
            "type": [str(dtype) for dtype in frame.dtypes],
            "filled": frame.notna().mean().to_numpy() if len(frame) else 0.0,
        },
        index=pd.Index(list(frame), name="column"),
    )
