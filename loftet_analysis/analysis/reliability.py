"""Reliability of scales, wave by wave: Cronbach's alpha and omega with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pingouin
from scipy import special, stats

from loftet_analysis.names import ALL, RELIABILITY, ROLE, ROLES, WAVE, WAVES
from loftet_analysis.stats import factor
from loftet_analysis.stats.cr2 import NotEstimableError
from loftet_analysis.study import Instrument, Scale


def reliability(
    clean: pd.DataFrame,
    instrument: Instrument,
    *,
    population: str,
    region: str,
    by: Sequence[str] = (),
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return Cronbach's alpha and omega of every scale in every wave.

    Parameters
    ----------
    clean : DataFrame
        Clean frame: `wave`, and the items, reversed already.
    instrument : Instrument
        Says which items make a scale, and in which waves it is asked.
    population, region : str
        For the columns of these names.
    by : sequence of str, optional
        Columns (``grade``, ``role``) whose groups get rows of their own.
    ci_level : float, default .95
        Level of the intervals.

    Returns
    -------
    DataFrame
        ``names.RELIABILITY``, a row per scale × wave × group in the frame. `n` counts people who
        answered every item that was asked; `n_items` is lower than the instrument's where an item
        has no answer at all in a wave or group, and the coefficients are then of the others. Roles
        that are not asked a scale have no row. Where a coefficient cannot be had (one item, fewer
        than two complete answers, no variance; below three items for omega) the row is there
        without it.

    See Also
    --------
    alpha, omega : the coefficients and their intervals.
    """
    rows = []
    frame = clean[[c for c in clean if c in {WAVE, *by, *instrument.items}]]
    answers = dict.fromkeys((c for c in frame if c in instrument.items), float)
    groups = list(parts(frame.astype(answers), by))
    for name, scale in instrument.scales.items():
        for wave, subgroup, part in groups:
            if not is_asked(scale, wave, subgroup):
                continue
            complete = _complete(part[[item for item in scale.items if item in part]])
            rows.append(
                {
                    "region": region,
                    "population": population,
                    "scale": name,
                    "wave": wave,
                    "subgroup": subgroup,
                    "n_items": complete.shape[1],
                    "n": len(complete) if complete.shape[1] else 0,
                    **alpha(complete, ci_level=ci_level),
                    **omega(complete, ci_level=ci_level),
                }
            )
    return pd.DataFrame(rows, columns=RELIABILITY).astype(
        {column: float for column in RELIABILITY if column.startswith(("alpha", "omega"))}
    )


def _complete(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without gaps, of the columns that have any answer."""
    known = answers.notna().to_numpy()
    asked = known.any(axis=0)
    return answers.loc[known[:, asked].all(axis=1), asked]


def _varying(complete: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that vary: as psych, since a constant item measures nothing."""
    values = complete.to_numpy(dtype=float)
    varies = np.ptp(values, axis=0) > 0 if len(values) else np.zeros(values.shape[1], dtype=bool)
    return complete if varies.all() else complete.loc[:, varies]


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


def omega(complete: pd.DataFrame, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return McDonald's omega (total) of one factor with an interval.

    (Σλ)² / ((Σλ)² + Σθ) from maximum likelihood on the covariances. The interval is Wald's on the
    logit of omega, its variance by the delta method from the expected information (Raykov &
    Marcoulides 2011); it takes people for independent, as Feldt's does for alpha.

    Parameters
    ----------
    complete : DataFrame
        One column per item, one row per person, nothing missing.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    dict
        `omega`, `omega_ci_low`, `omega_ci_high`; empty with fewer than three items that vary, and
        where there is no proper solution (not converged, or a negative residual variance).

    References
    ----------
    McDonald 1999, Test Theory; Raykov & Marcoulides 2011, Introduction to Psychometric Theory.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> answers = pd.DataFrame(rng.normal(size=(400, 1)) + rng.normal(size=(400, 4)))
    >>> {key: round(value, 2) for key, value in omega(answers).items()}
    {'omega': 0.78, 'omega_ci_low': 0.74, 'omega_ci_high': 0.81}
    """
    complete = _varying(complete)
    n, k = complete.shape
    if k < 3 or n <= k:
        return {}
    one_factor = factor.model(k, 1, factor.CONFIGURAL, linked=False)
    try:
        found = factor.fit(one_factor, [factor.moments(complete)], proper=True)
    except NotEstimableError:
        return {}
    unique = found.theta[one_factor.uniquenesses]
    common, rest = found.theta[one_factor.loadings].sum() ** 2, unique.sum()
    if (unique < 0).any() or not common > 0:
        return {}
    share = common / (common + rest)
    # logit(omega) = 2 log Σλ − log Σθ
    slope = np.zeros(len(found.theta))
    slope[one_factor.loadings] = 2 / found.theta[one_factor.loadings].sum()
    slope[one_factor.uniquenesses] = -1 / rest
    half = stats.norm.isf((1 - ci_level) / 2) * np.sqrt(slope @ found.vcov @ slope)
    low, high = special.expit(special.logit(share) + np.array([-half, half]))
    return {"omega": float(share), "omega_ci_low": float(low), "omega_ci_high": float(high)}


def alpha(complete: pd.DataFrame, *, ci_level: float = 0.95) -> dict[str, float]:
    """Return Cronbach's alpha with Feldt's interval.

    pingouin gives alpha. Its interval is rounded to three decimals, so Feldt's is computed here:
    1 − (1 − α) F with F the quantiles of F(n − 1, (n − 1)(k − 1)).

    Parameters
    ----------
    complete : DataFrame
        One column per item, one row per person, nothing missing.
    ci_level : float, default .95
        Level of the interval.

    Returns
    -------
    dict
        `alpha`, `alpha_ci_low`, `alpha_ci_high`; empty where alpha is not defined.

    References
    ----------
    Feldt, Woodruff & Salih 1987, Applied Psychological Measurement 11(1), 93–103.

    Examples
    --------
    >>> alpha(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4], "c": [1, 3, 3, 5]}))
    {'alpha': 0.933..., 'alpha_ci_low': 0.560..., 'alpha_ci_high': 0.995...}
    """
    complete = _varying(complete)
    n, k = complete.shape
    if k < 2 or n < 2 or np.isclose(complete.to_numpy(float).sum(axis=1).std(), 0, atol=1e-12):
        return {}
    coefficient = float(pingouin.cronbach_alpha(data=complete)[0])
    tails = stats.f.isf([(1 - ci_level) / 2, (1 + ci_level) / 2], n - 1, (n - 1) * (k - 1))
    low, high = 1 - (1 - coefficient) * np.asarray(tails)
    return {"alpha": coefficient, "alpha_ci_low": float(low), "alpha_ci_high": float(high)}
