"""What random subsets of documents hold on average: exact, so that nothing has to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from saedata.stats.checks import Counts, Floats


_FEW = 16


def chance_within(on: ArrayLike, documents: int, size: ArrayLike) -> Floats:
    """Chance that a random subset holds at least one of the documents that are on.

    Parameters
    ----------
    on
        Documents that are on, of all.
    documents
        How many there are, at least 1.
    size
        How many are drawn without replacement, 0 to `documents`.

    Returns
    -------
    array
        1 - C(documents - on, size) / C(documents, size), the hypergeometric chance.

    Raises
    ------
    InputError
        If a count or a size is out of range.

    Examples
    --------
    >>> chance_within([1, 2, 4], 4, 2).round(3).tolist()
    [0.5, 0.833, 1.0]
    """
    on_, n = counted(on, documents)
    drawn, _ = counted(size, documents)
    possible = n - on_ >= drawn  # else the subset is larger than what is off
    d, m = np.where(possible, on_, 0), np.where(possible, drawn, 0)
    missed = np.where(n - d - m < _FEW, _log_missed_few(n, d, m), _log_missed(n, d, m))
    return np.asarray(np.where(possible, -np.expm1(np.minimum(missed, 0.0)), 1.0))


def _log_missed(n: Counts, d: Counts, m: Counts) -> Floats:
    """Log of C(n - d, m) / C(n, m) by Stirling's series, arranged so that nothing large cancels."""
    u = np.asarray(n + 1.0)
    rest = np.asarray(np.maximum(u - d - m, 1.0))  # smaller ones are left to `_log_missed_few`
    main = (u - 0.5) * np.log1p(d * (m / u) / rest) + d * np.log1p(-m / (u - d)) + m * np.log1p(-d / (u - m))
    return np.asarray(main + _series(u - d) - _series(u) - _series(rest) + _series(u - m))


def _series(z: Floats) -> Floats:
    return np.asarray(1 / (12 * z) - 1 / (360 * z**3) + 1 / (1260 * z**5))


def _log_missed_few(n: Counts, d: Counts, m: Counts) -> Floats:
    """The same where few documents are neither on nor drawn, so that a miss is either rare or easy to compute."""
    from scipy.special import gammaln

    return np.asarray(gammaln(n - d + 1) + gammaln(n - m + 1) - gammaln(np.maximum(n - d - m, 0) + 1) - gammaln(n + 1))


def mean_chance_within(on: ArrayLike, documents: int) -> Floats:
    """Mean of `chance_within` over the subset sizes 1 to all.

    Parameters
    ----------
    on
        Documents that are on, of all.
    documents
        How many there are, at least 1.

    Returns
    -------
    array
        1 - (documents - on) / (documents (on + 1)): in a random order the first of `on` documents is preceded
        by (documents - on) / (on + 1) others on average.

    Raises
    ------
    InputError
        If a count is out of range.

    Examples
    --------
    >>> mean_chance_within([0, 1, 4], 4).tolist()
    [0.0, 0.625, 1.0]
    """
    on_, n = counted(on, documents)
    return np.asarray(1 - (n - on_) / (n * (on_ + 1.0)))


def subset_sizes(documents: int) -> Counts:
    """Sizes at which a curve is drawn: each up to 100, then about 100 more in even ratios, and the last.

    Examples
    --------
    >>> subset_sizes(5).tolist(), len(subset_sizes(1_000_000))
    ([1, 2, 3, 4, 5], 200)
    """
    few = np.arange(1, min(documents, 100) + 1)
    more = np.geomspace(few[-1], documents, 101).round().astype(np.int64)
    return np.asarray(np.unique(np.concatenate((few, more))))


def expected_share(on: Counts, documents: int, size: Counts, weight: Floats) -> Floats:
    """Expected share of the weight of all features that random subsets turn on.

    Parameters
    ----------
    on
        Documents in which each feature is on, at least 1.
    documents
        How many there are.
    size
        Sizes of the subsets.
    weight
        Weight of each feature.

    Returns
    -------
    array
        One share for each size.

    Raises
    ------
    InputError
        If the weights sum to 0.

    Examples
    --------
    >>> expected_share(np.array([1, 4]), 4, np.array([1, 4]), np.array([1.0, 1.0])).round(6).tolist()
    [0.625, 1.0]
    """
    densities, which = np.unique(on, return_inverse=True)  # features of equal density behave alike
    total = np.bincount(which, weight)
    if not total.sum() > 0:
        msg = "no feature that is on has a weight above 0, so there is nothing to cover"
        raise InputError(msg)
    return np.asarray(np.array([chance_within(densities, documents, n) @ total for n in size]) / total.sum())
