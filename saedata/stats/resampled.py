"""Intervals by drawing documents anew (the bootstrap), for statistics that have no formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from saedata.stats.checks import Counts, Floats


def drawn_weights(items: int, resamples: int, rng: np.random.Generator) -> Counts:
    """How often each item is drawn when as many are drawn as there are, with replacement.

    Parameters
    ----------
    items
        Documents, or groups of documents, at least 1.
    resamples
        How many times all are drawn.
    rng
        Source of chance.

    Returns
    -------
    array
        int64 [resamples, items]; each row sums to `items`.

    Examples
    --------
    >>> drawn_weights(5, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [5, 5]
    """
    return np.asarray(rng.multinomial(items, np.full(items, 1 / items), size=resamples), dtype=np.int64)


def centred_interval(found: float, drawn: Floats, *, level: float) -> tuple[float, float]:
    """Percentiles of a bootstrap, moved so that its mean is where the statistic was found.

    A resample holds fewer different documents than the sample, so a statistic such as a number of features is lower
    in all of them; its spread is still right.

    Parameters
    ----------
    found
        The statistic.
    drawn
        The statistic of each resample; nan where it has none.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of floats
        Low and high; nan if there is no resample with a value.

    Examples
    --------
    >>> low, high = centred_interval(0.5, np.array([0.2, 0.3, 0.4]), level=0.5)
    >>> round(low, 3), round(high, 3)
    (0.45, 0.55)
    """
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]) - known.mean()
    return float(found + low), float(found + high)
