"""What cleaning makes of a study."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Prepared:
    """Everything that cleaning makes of a study.

    Attributes
    ----------
    clean : dict of str to DataFrame
        By population, one row per respondent and wave, sorted by region, school and wave:
        ``person_id`` (missing where unlinkable), ``wave, region, school_id``, ``grade``,
        ``role`` and other background where there is any, ``submitted`` (day), ``gatherings`` and
        ``interim_work`` where there is a register, ``linked_by``, ``link_state``,
        ``seconds_per_item``, ``missing_share``, ``careless``, items (reversed already), scales.
    set_aside : dict of str to DataFrame
        By population, the sheets that are not in, with ``reason`` and the same columns; answers
        that were not understood on them are missing.
    values : DataFrame
        ``population, wave, file, region, column, value, reason, n``: single cells that were set
        to missing, corrected, redacted or left behind, and earlier names of schools.
    ledger : DataFrame
        ``names.LEDGER``: the account of the sheets, step by step, by region (empty while the
        school is unknown); reason *blank_row* counts rows that are no sheets. A row without a
        wave is the account of a register.
    linkage : DataFrame
        ``names.LINKAGE``.
    response : DataFrame
        ``names.RESPONSE``.
    units : DataFrame
        ``names.UNITS``.
    mask : DataFrame
        ``names.MASK``.
    """

    clean: dict[str, pd.DataFrame]
    set_aside: dict[str, pd.DataFrame]
    values: pd.DataFrame
    ledger: pd.DataFrame
    linkage: pd.DataFrame
    response: pd.DataFrame
    units: pd.DataFrame
    mask: pd.DataFrame
