"""Which rows a tool itself says were not filled in to the end."""

from __future__ import annotations

import re

import pandas as pd

from loftet_analysis.tabular.cells import SAYS_NO
from loftet_analysis.tabular.export import Export

UNFINISHED = "unfinished"
# by tool: a column, and the texts in it of a questionnaire that was not filled in to the end
_SIGNS = {
    "qualtrics": (("finished", "|".join(sorted(SAYS_NO))), ("progress", r"\d|\d\d")),
    "limesurvey": (("submitdate", ""), ("completed", "n|no|nei|0")),
    "redcap": ((r"\w+_complete|complete\\?", "0|1|incomplete|unverified"),),
    "surveyxact": (("statoverall_4", "0"),),
}


def unfinished(export: Export) -> pd.Series:
    """Return which rows the tool marks as not filled in to the end.

    Examples
    --------
    >>> rows = pd.DataFrame({"Finished": ["True", "False", "1"], "Progress": ["100", "40", "100"]})
    >>> unfinished(Export(rows, "q.csv", tool="qualtrics")).to_list()
    [False, True, False]
    """
    found = pd.Series(False, index=export.frame.index)
    for heading, texts in _SIGNS.get(export.tool, ()):
        for column in export.frame:
            bare = export.headings.get(column, column).strip()
            if re.fullmatch(heading, bare, re.IGNORECASE):
                cells = export.frame[column].str.strip().str.casefold()
                marked = cells.str.fullmatch(texts)
                # a column that marks every row says nothing
                found |= marked if not marked.all() else False
    return found
