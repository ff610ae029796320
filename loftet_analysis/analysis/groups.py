"""Feeder groups: which pupils are not independent once some of them change school."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

SCHOOL_PRE = "school_pre"
SCHOOL_POST = "school_post"
LEAVING = 1 / 3  # share of leavers from which a school belongs to the school that they enter


def feeder_groups(pairs: pd.DataFrame) -> pd.Series:
    """Return the feeder group of every pre school.

    Pupils who share the first or the second school are not independent. Each pre school joins
    the post school that most of its linked leavers enter; a lower secondary school and the
    primary schools that feed it are then one cluster. Stayers do not count, since movers are
    often harder to link; but a school with fewer than half as many leavers as stayers heads a
    group of its own. Ties go to the post school that comes first in the order of its id. A pair
    that crosses a border of regions belongs where its pre school belongs.

    Parameters
    ----------
    pairs : DataFrame
        One row per linked pupil, whatever the pupil answered: `school_pre`, `school_post`.

    Returns
    -------
    Series
        Indexed by pre school in order; values are the post school that names the group.

    Examples
    --------
    >>> pairs = pd.DataFrame({
    ...     "school_pre": ["01", "01", "01", "02", "02", "09", "09", "09", "09"],
    ...     "school_post": ["09", "09", "01", "08", "09", "09", "09", "09", "08"],
    ... })
    >>> feeder_groups(pairs).to_dict()
    {'01': '09', '02': '08', '09': '09'}
    """
    left = pairs[SCHOOL_PRE] != pairs[SCHOOL_POST]
    counted = pairs[left].groupby([SCHOOL_PRE, SCHOOL_POST], observed=True).size()
    ranked = counted.rename("n").reset_index()
    ranked = ranked.sort_values([SCHOOL_PRE, "n", SCHOOL_POST], ascending=[True, False, True])
    entered = ranked.drop_duplicates(SCHOOL_PRE).set_index(SCHOOL_PRE)[SCHOOL_POST]
    share = left.groupby(pairs[SCHOOL_PRE], observed=True).mean()
    own = share.index.to_series()
    return entered.reindex(share.index).where(share >= LEAVING, own).rename(SCHOOL_POST)


def networks(before: NDArray[np.intp], after: NDArray[np.intp], n_schools: int) -> NDArray[np.intp]:
    """Return each school's network: all schools that movers join, however far.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,)
        School codes of each linked person before and after.
    n_schools : int
        Number of school codes.

    Returns
    -------
    ndarray of int, shape (n_schools,)

    Examples
    --------
    >>> networks(np.array([0, 1, 3]), np.array([1, 2, 3]), 4).tolist()
    [0, 0, 0, 1]
    """
    moves = sparse.coo_array((np.ones(len(before)), (before, after)), (n_schools, n_schools))
    return sparse.csgraph.connected_components(moves, directed=False)[1]
