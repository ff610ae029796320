"""The two stages of school that grades belong to."""

from __future__ import annotations

import pandas as pd

GRADE_BANDS = ("5-7", "8-10")
FIRST_OF_LOWER_SECONDARY = 8


def grade_bands(grades: pd.Series) -> pd.Series:
    """Return ``5-7`` or ``8-10``, the two stages of school; missing where the grade is.

    Examples
    --------
    >>> grade_bands(pd.Series([5, 8, None])).tolist()
    ['5-7', '8-10', nan]
    """
    upper = grades.astype("Float64").ge(FIRST_OF_LOWER_SECONDARY)
    return upper.map({True: GRADE_BANDS[1], False: GRADE_BANDS[0]}).astype("str")
