"""Inference for people in few, unequal clusters: arrays in, an estimate with its uncertainty out.

This folder knows of no study, no questionnaire and no language, and needs nothing beside it but
``errors``. Whatever is estimated comes back as one :class:`Result` (estimate, standard error,
degrees of freedom, statistic, p-value, interval, each cluster's contribution). What the data cannot
give raises :class:`NotEstimableError` with a short reason; what cannot be right in the first place
(lengths, gaps, negative weights) raises ``InputError`` and says what was found. Clusters are codes
from 0 or labels of any kind.

=============  ====================================================================================
module         what it does
=============  ====================================================================================
`cr2`          means and weighted least squares with CR2 and Satterthwaite df; standardised effects
`mixed`        nested random effects by REML, Satterthwaite df
`meta`         random effects over studies, moderators, prediction intervals
`shrinkage`    estimates drawn towards their mean, the spread of the true ones being unknown
`quantiles`    quantiles of coarse scores with influences, spread between and within clusters
`ordinal`      probability of superiority, ordered logit with a jackknife over clusters
`factor`       one factor over waves or groups: invariance, latent change, cluster-robust errors
`reliability`  alpha, omega, intraclass correlation
`missing`      weights, two-level imputation, tipping points
`power`        which effect how many schools can show
=============  ====================================================================================

Examples
--------
Forty pupils of five schools, before and after: the change with the schools as clusters, in units
of the SD before, and by a mixed model in which schools differ in their change.

>>> import numpy as np
>>> from loftet_analysis.stats import cr2, mixed, standardise
>>> rng = np.random.default_rng(3)
>>> school = np.repeat(["Ask", "Bø", "Dal", "Ek", "Fjord"], [14, 10, 8, 5, 3])
>>> before = rng.normal(3, 1, 40)
>>> after = before + 0.3 + rng.normal(0, 0.5, 40)
>>> change = cr2.mean(after - before, school)
>>> effect = standardise(change, before.std(ddof=1), before, school)
>>> [round(number, 3) for number in (effect.estimate, effect.se, effect.df, effect.p_value)]
[0.192, 0.06, 3.12, 0.047]
>>> [round(end, 3) for end in effect.interval(level=0.95)]
[0.005, 0.379]
>>> y, wave, pupil = np.r_[before, after], np.repeat([0, 1], 40), np.tile(np.arange(40), 2)
>>> x = np.column_stack([np.ones(80), wave])
>>> model = mixed.fit(y, x, np.tile(school, 2), slope=wave, person=pupil)
>>> round(model.contrast([0, 1]).estimate, 2), round(model.contrast([0, 1]).se, 2)
(0.22, 0.09)
"""

from loftet_analysis.stats import (
    cr2,
    factor,
    meta,
    missing,
    mixed,
    ordinal,
    power,
    quantiles,
    reliability,
    shrinkage,
)
from loftet_analysis.stats.cr2 import standardise
from loftet_analysis.stats.result import NotEstimableError, Result

__all__ = [
    "NotEstimableError",
    "Result",
    "cr2",
    "factor",
    "meta",
    "missing",
    "mixed",
    "ordinal",
    "power",
    "quantiles",
    "reliability",
    "shrinkage",
    "standardise",
]
