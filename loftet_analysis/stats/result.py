"""What every estimate of the engine is: a number, its standard error, its degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loftet_analysis.errors import LoftetError
from loftet_analysis.stats.inputs import Floats, check_level


def less_known(se: Floats, df: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return the standard error and df of an estimate less a figure of another source.

    √(se² + other²), and of Welch and Satterthwaite's df what is left where the figure's are
    infinite, df (1 + other²/se²)². With a figure that is known exactly both stay as they are.

    Parameters
    ----------
    se, df : array-like
        Of the estimate.
    other : array-like
        Standard error of the figure, independent of the estimate.

    References
    ----------
    Welch 1947, Biometrika 34(1-2).

    Examples
    --------
    >>> se, df = less_known(0.03, 10.0, 0.04)
    >>> round(float(se), 3), round(float(df), 1)
    (0.05, 77.2)
    """
    return np.hypot(se, other), df * (1 + np.square(np.divide(other, se))) ** 2


class NotEstimableError(LoftetError):
    """The data cannot give this estimate; ``reason`` is a short key, such as ``one_cluster``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Result:
    """An estimate with its uncertainty, judged by t(df).

    Attributes
    ----------
    estimate : float
        In the units of what was estimated.
    se : float
        Standard error.
    df : float
        Degrees of freedom, infinite for a normal distribution.
    n_clusters : int
        Clusters that it rests on; 0 where there are none.
    scores : ndarray of shape (largest cluster code + 1,) or None
        Each cluster's adjusted contribution, zero where a code has no rows; the squared standard
        error is the sum of their squares. None where the method has no such contributions.
    clusters : ndarray or None
        The labels of `scores`; None where the clusters were given as codes.
    largest : float
        Share of the variance (0-1) that one cluster is expected to bring, the cluster that brings
        most: of a mean the share of the people. NaN where the method does not say.

    Examples
    --------
    >>> found = Result(estimate=0.2, se=0.1, df=12)
    >>> round(found.statistic, 2), round(found.p_value, 3)
    (2.0, 0.069)
    >>> low, high = found.interval(0.95)
    >>> round(low, 3), round(high, 3)
    (-0.018, 0.418)
    """

    estimate: float
    se: float
    df: float
    n_clusters: int = 0
    scores: Floats | None = None
    clusters: NDArray[Any] | None = None
    largest: float = float("nan")

    @classmethod
    def from_scores(
        cls,
        estimate: float,
        scores: Floats,
        df: float,
        n_clusters: int,
        clusters: NDArray[Any] | None = None,
        largest: float = float("nan"),
    ) -> Result:
        """Return the result whose variance is the sum of the squared scores."""
        se = float(np.sqrt(scores @ scores))
        return cls(estimate, se, df, n_clusters, scores, clusters, largest)

    @property
    def statistic(self) -> float:
        """Estimate over standard error."""
        return self.estimate / self.se

    @property
    def p_value(self) -> float:
        """Two-sided p-value of t(df)."""
        return float(2 * special.stdtr(self.df, -abs(self.statistic)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided t(df) interval of a confidence level between 0 and 1."""
        check_level(level)
        half = float(special.stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.estimate - half, self.estimate + half


@dataclass(frozen=True)
class Share(Result):
    """A share of people, whose interval stays between 0 and 1.

    The interval is symmetrical on the logit scale: logit(p) ± t(df) se / (p(1 − p)), the delta
    method. A share of 0 or 1 has no standard error; its interval is the exact one (Clopper and
    Pearson) of df + 1 independent answers, as if everybody in a cluster answered alike.

    Examples
    --------
    >>> [round(end, 3) for end in Share(estimate=0.9, se=0.05, df=12).interval(0.95)]
    [0.728, 0.968]
    >>> [round(end, 3) for end in Share(estimate=0.0, se=float("nan"), df=11).interval(0.95)]
    [0.0, 0.265]
    """

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided interval of a confidence level between 0 and 1."""
        check_level(level)
        p = self.estimate
        if p in (0, 1):
            reach = 1 - ((1 - level) / 2) ** (1 / (self.df + 1))
            return (0.0, reach) if p == 0 else (1 - reach, 1.0)
        half = special.stdtrit(self.df, (1 + level) / 2) * self.se / (p * (1 - p))
        middle = special.logit(p)
        return float(special.expit(middle - half)), float(special.expit(middle + half))
