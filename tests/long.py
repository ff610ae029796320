"""What is left to ``make verify``: parameters that are like others which ``make test`` runs."""

from collections.abc import Collection, Iterable

import pytest


def long_but(kept: Collection, every: Iterable) -> list:
    """Return parameters of a test, those that are not kept with the marker ``long``."""
    every = list(every)
    assert all(one in every for one in kept)
    assert len(kept) < len(every)
    return [pytest.param(one, marks=[] if one in kept else [pytest.mark.long]) for one in every]
