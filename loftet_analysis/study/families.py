"""Which tests are adjusted together: primary families, and regions of one estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin

from loftet_analysis import names

#: Regions' p-values are adjusted over the rows that have these in common.
ADJUSTED_OVER = [names.POPULATION, names.OUTCOME, names.ESTIMAND, "contrast", names.SUBGROUP]


def tested_together(rows: pd.DataFrame, p: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return which rows' p-values are adjusted together, and which of them are a primary family.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``schema.EFFECTS``.
    p : Series
        The p-value of each row's test, missing where there is none; see `verdicts`.

    Returns
    -------
    tuple of Series
        The number of each row's group, -1 where nothing is adjusted; how many tests the group has;
        and whether it is a primary family.
    """
    flags, family = (rows[column].astype(object).fillna("") for column in ("flags", "family"))
    whole = flags.map(lambda told: names.WHOLE_STUDY in told.split(";"))
    national = rows[names.REGION].eq(names.NATIONAL) | whole
    in_family = national & family.ne("") & p.notna()
    groups = pd.Series(-1, index=rows.index)
    for of, keys in ((in_family, [names.REGION, "family"]), (~national & p.notna(), ADJUSTED_OVER)):
        number = rows[of].groupby(keys, sort=False, observed=True, dropna=False).ngroup()
        alone = ~in_family & ~number.duplicated(keep=False).reindex(rows.index, fill_value=False)
        groups = groups.mask(of & ~alone, number + groups.max() + 1)
    return groups, groups.map(groups[groups >= 0].value_counts()), in_family


def adjusted_p(p: pd.Series, groups: pd.Series, in_family: pd.Series) -> pd.Series:
    """Return adjusted p-values: Holm in a family, Benjamini and Hochberg over regions.

    `groups` and `in_family` come from `tested_together`.
    """
    adjusted = pd.Series(np.nan, index=p.index)
    for _, group in p[groups >= 0].groupby(groups, sort=False):
        method = "holm" if in_family[group.index[0]] else "fdr_bh"
        adjusted[group.index] = pingouin.multicomp(group, method=method)[1]
    return adjusted


def is_dominated(flags: pd.Series) -> pd.Series:
    """Return which rows rest on one cluster, so that their standard error is too small."""
    return (
        flags.fillna("").str.split(";").map(lambda told: names.ONE_DOMINATES in told).astype(bool)
    )


def without_direction(flags: pd.Series) -> pd.Series:
    """Return flags without the direction of a change that is negligible."""
    return flags.str.replace(r";?direction=\w+", "", regex=True)
