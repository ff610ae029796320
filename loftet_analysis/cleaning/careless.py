"""Signs of careless answering: flags, never a reason to leave a questionnaire out by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from loftet_analysis import names
from loftet_analysis.study import Instrument

FEWEST_SAME = 6  # items with the same point, some of them reversed
FASTEST = 2.0  # seconds per item
MOST_MISSING = 0.5
SAME, FAST, UNANSWERED = "same_answer", "fast", "half_missing"


def same_answer(clean: pd.DataFrame, instrument: Instrument) -> np.ndarray:
    """Return who gave one and the same answer to every item of a response set that goes both ways.

    Parameters
    ----------
    clean : DataFrame
        Clean frame with the items, reversed already.
    instrument : Instrument

    Returns
    -------
    ndarray of bool, shape (n,)
        Flagged: of some response set at least six items were answered, some of them reversed and
        some not, and all with the same point as it was ticked.
    """
    flagged = np.zeros(len(clean), dtype=bool)
    for name, answered in instrument.responses.items():
        items = [
            (code, item.reversed)
            for code, (scale, item) in instrument.items.items()
            if scale.responses == name and code in clean
        ]
        if len({is_reversed for _, is_reversed in items}) < 2:
            continue
        y = clean[[code for code, _ in items]].to_numpy(dtype=float)
        turned = np.array([is_reversed for _, is_reversed in items])
        ticked = np.where(turned, answered.minimum + answered.maximum - y, y)
        given = np.isfinite(ticked)
        both_ways = given[:, turned].any(axis=1) & given[:, ~turned].any(axis=1)
        alike = np.fmin.reduce(ticked, axis=1) == np.fmax.reduce(ticked, axis=1)
        flagged |= alike & both_ways & (given.sum(axis=1) >= FEWEST_SAME)
    return flagged


def with_flags(
    frame: pd.DataFrame, *, instrument: Instrument, wave: str, seconds: pd.Series | None = None
) -> pd.DataFrame:
    """Add the signs of careless answering to scored sheets.

    Parameters
    ----------
    frame : DataFrame
        Scored questionnaires of one wave, with ``role`` where there is one.
    instrument : Instrument
    wave : str
        The items asked in it are the ones that could be answered.
    seconds : Series, optional
        The time taken by questionnaire, where the tool measures it.

    Returns
    -------
    DataFrame
        With ``seconds_per_item`` (per answered item; missing where it is not known),
        ``missing_share`` (of the items and scores that were asked, 0 to 1) and ``careless``: of
        *same_answer*, *fast* (under two seconds per item) and *half_missing* (more than half),
        those that apply, with ``;`` between them.
    """
    n_asked, n_answered, n_items = np.zeros((3, len(frame)), dtype=int)
    for name, (scale, _) in instrument.columns.items():
        if not scale.asks(name, wave):
            continue
        asked = np.ones(len(frame), dtype=bool)
        if scale.roles and names.ROLE in frame:
            role = frame[names.ROLE]
            asked = (role.isna() | role.isin(scale.roles)).to_numpy()
        answered = frame[name].notna().to_numpy() & asked
        n_asked += asked
        n_answered += answered
        n_items += answered if name in instrument.items else False
    missing = 1 - n_answered / np.maximum(n_asked, 1)
    taken = pd.Series(np.nan, index=frame.index) if seconds is None else seconds
    pace = (taken / np.where(n_items > 0, n_items, np.nan)).round(1)
    flags = {
        SAME: same_answer(frame, instrument),
        FAST: pace.lt(FASTEST).to_numpy(),
        UNANSWERED: missing > MOST_MISSING,
    }
    signs = [""]  # of every set of flags
    for name in flags:
        signs += [f"{sign};{name}" if sign else name for sign in signs]
    which = sum(flagged.astype(int) << place for place, flagged in enumerate(flags.values()))
    careless = pd.Series(np.array(signs, dtype=object)[which], frame.index, dtype="str")
    added = {names.SECONDS: pace, names.MISSING: np.round(missing, 3), names.CARELESS: careless}
    return frame.assign(**added)
