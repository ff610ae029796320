"""From latent traits to answers on items, and from answers to scale scores."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from loftet_analysis.study import Item, ResponseSet, Scale


@dataclass(frozen=True)
class Thresholds:
    """How the items of a scale turn a latent trait into options.

    Attributes
    ----------
    loadings : ndarray (n_items,)
        Correlation of the latent response with the trait, .55-.85.
    cuts : ndarray (n_items, n_options - 1)
        Places on the latent response (SD) at which the next option begins.
    missing : ndarray (n_items,)
        Share left out, .03-.08, independent of the trait.
    lowest : int
        Value of the lowest option.
    """

    loadings: np.ndarray
    cuts: np.ndarray
    missing: np.ndarray
    lowest: int


def thresholds(scale: Scale, responses: ResponseSet, mean: float) -> Thresholds:
    """Return the response process of a scale: a property of its items, the same in every draw.

    Parameters
    ----------
    mean : float
        Place of the average answer, from 0 (lowest option) to 1 (highest).
    """
    rng = np.random.default_rng(crc32(scale.name.encode()))
    n, steps = len(scale.items), responses.maximum - responses.minimum
    turned = np.array([item.reversed for item in scale.items.values()])
    loadings = rng.permutation(np.linspace(0.70, 0.85, n)) - 0.10 * turned
    spread = 0.27 * steps
    means = mean * steps + rng.permutation(np.linspace(-0.35, 0.35, n)) * spread
    cuts = (np.arange(steps) + 0.5 - means[:, None]) / spread
    return Thresholds(loadings, cuts, rng.uniform(0.03, 0.08, n), responses.minimum)


def draw_answers(trait: np.ndarray, process: Thresholds, rng: np.random.Generator) -> np.ndarray:
    """Draw answers in the direction of the construct.

    Parameters
    ----------
    trait : ndarray (n_people,)

    Returns
    -------
    ndarray of float32 (n_items, n_people)
        Values of the options; NaN where the item is left out.
    """
    answers = np.empty((len(process.loadings), len(trait)), dtype=np.float32)
    trait = trait.astype(np.float32)
    for row, loading, cuts, missing in zip(
        answers, process.loadings, process.cuts, process.missing, strict=True
    ):
        response = rng.standard_normal(len(trait), dtype=np.float32)
        response *= np.float32(np.sqrt(1 - loading**2))
        response += np.float32(loading) * trait
        row[:] = process.lowest
        for cut in cuts.astype(np.float32):
            row += response > cut
        row[rng.random(len(trait), dtype=np.float32) < missing] = np.nan
    return answers


def mean_scores(answers: np.ndarray, needed: int) -> np.ndarray:
    """Return the mean of the answered items where at least ``needed`` are answered.

    Examples
    --------
    >>> mean_scores(np.array([[1, 4], [2, np.nan], [3, np.nan]]), needed=2)
    array([ 2., nan])
    """
    answered = ~np.isnan(answers)
    n = answered.sum(axis=0)
    total = np.where(answered, answers, 0).sum(axis=0, dtype=float)
    return np.where(n >= needed, total / np.maximum(n, 1), np.nan)


def as_worded(answers: np.ndarray, items: list[Item], responses: ResponseSet) -> np.ndarray:
    """Turn the answers of reversed items back into what people ticked."""
    turned = np.array([item.reversed for item in items])
    return np.where(turned[:, None], responses.minimum + responses.maximum - answers, answers)
