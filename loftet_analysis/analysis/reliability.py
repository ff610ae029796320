"""Reliability of scales, wave by wave: Cronbach's alpha and omega with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from loftet_analysis import schema
from loftet_analysis.names import ALL, ROLE, ROLES, WAVE, WAVES
from loftet_analysis.stats.reliability import alpha, omega
from loftet_analysis.study import Scale
from loftet_analysis.study.frames import checked
from loftet_analysis.study.questionnaire import Questionnaire


@checked
def reliability(
    clean: pd.DataFrame, asked: Questionnaire, *, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return Cronbach's alpha and omega of every scale in every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, and the items, reversed already.
    asked : Questionnaire
        From ``study[population]``: which items make a scale, in which waves it is asked, and
        columns (``grade``, ``role``) whose groups get rows of their own.
    ci_level : float, default .95
        Level of the intervals.

    Returns
    -------
    DataFrame
        ``schema.RELIABILITY``, a row per scale × wave × group in the frame. `n` counts people who
        answered every item that was asked; `n_items` is lower than the instrument's where an item
        has no answer at all in a wave or group, and the coefficients are then of the others. Roles
        that are not asked a scale have no row. Where a coefficient cannot be had (one item, fewer
        than two complete answers, no variance; below three items for omega) the row is there
        without it.

    See Also
    --------
    loftet_analysis.stats.reliability : the coefficients and their intervals.

    Examples
    --------
    >>> from loftet_analysis.study import load_instrument
    >>> asked = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    >>> clean = pd.DataFrame({"wave": "pre", "persist_1": [3, 4, 1, 3, 4],
    ...                       "persist_2": [2, 4, 2, 3, 3], "persist_3": [3, 4, 2, 2, 4]})
    >>> row = reliability(clean, asked).query("scale == 'persistence'")
    >>> row[["wave", "subgroup", "n_items", "n", "alpha", "omega"]].round(2)
      wave subgroup  n_items  n  alpha  omega
    2  pre      all        3  5   0.88   0.91
    """
    rows = []
    single = [c for c in clean if any(c in scale.items for scale in asked.scales.values())]
    frame = clean[[c for c in clean if c in {WAVE, *asked.by, *single}]]
    groups = list(parts(frame.astype(dict.fromkeys(single, float)), asked.by))
    for name, scale in asked.scales.items():
        for wave, subgroup, part in groups:
            if not is_asked(scale, wave, subgroup):
                continue
            complete = _complete(part[[item for item in scale.items_in(wave) if item in part]])
            rows.append(
                {
                    **asked.place,
                    "scale": name,
                    "wave": wave,
                    "subgroup": subgroup,
                    "n_items": complete.shape[1],
                    "n": len(complete) if complete.shape[1] else 0,
                    **alpha(complete, ci_level=ci_level),
                    **omega(complete, ci_level=ci_level),
                }
            )
    return schema.table(rows, schema.RELIABILITY)


def _complete(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without gaps, of the columns that have any answer."""
    known = answers.notna().to_numpy()
    asked = known.any(axis=0)
    return answers.loc[known[:, asked].all(axis=1), asked]


def parts(clean: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Give everybody of each wave, and the groups of each column."""
    for wave in WAVES:
        here = clean[(clean[WAVE] == wave).fillna(False)]
        if here.empty:
            continue
        yield wave, ALL, here
        for column in by:
            if column in here:
                groups = list(here.groupby(column, sort=True, observed=True))
                if column == ROLE:
                    groups.sort(key=lambda pair: [*ROLES, pair[0]].index(pair[0]))
                for group, part in groups:
                    is_whole = isinstance(group, float) and group.is_integer()
                    yield wave, f"{column}={int(group) if is_whole else group}", part


def is_asked(scale: Scale, wave: str, subgroup: str) -> bool:
    """Return whether a scale is asked of a group of `parts`."""
    column, _, role = subgroup.partition("=")
    others = column == ROLE and scale.roles is not None and role not in scale.roles
    return wave in scale.waves and not others
