"""Two shares of the same subjects, where pairs come in clusters: several prompts of one author, answered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import Alternative, check_alternative, check_level, normal_p
from saedata.stats.clusters import FEWEST_CLUSTERS
from saedata.stats.paired import paired_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from saedata.stats.checks import Counts, Floats

EXACT_WORK = 2_000_000
"""Additions up to which the distribution of a sum of flipped clusters is computed exactly."""

EXACT_CLUSTERS = 40
"""Up to so many clusters it always is: there the normal distribution would not do."""


def sign_flip_p(sums: ArrayLike, *, alternative: Alternative = "two-sided") -> float:
    """P-value of the null hypothesis that either side is ahead in a cluster with the same chance.

    Parameters
    ----------
    sums
        For each cluster its pairs that are on in `a` alone, less those on in `b` alone.
    alternative
        "two-sided", "greater" (`a` is on more often) or "less".

    Returns
    -------
    float
        In [0, 1]: how often flipping the signs of whole clusters gives a sum as large; exact where there are few
        clusters or pairs, else of the normal distribution with the same variance.

    Raises
    ------
    InputError
        If the alternative is unknown.

    Notes
    -----
    Canay, I. A., Romano, J. P. and Shaikh, A. M. (2017). Randomization tests under an approximate symmetry assumption.
    Econometrica 85, 1013-1030. With clusters of one pair it is McNemar's exact test; with many clusters the test of
    Durkalski, V. L. et al. (2003). Analysis of clustered matched-pair data. Statistics in Medicine 22, 2417-2428.

    Examples
    --------
    >>> sign_flip_p([1, 1, 1, 1, 1, 0]), sign_flip_p([3, 2], alternative="greater")
    (0.0625, 0.25)
    """
    check_alternative(alternative)
    given = np.asarray(sums, dtype=np.int64).ravel()
    given = given[given != 0]
    if not len(given):
        return 1.0
    if alternative == "two-sided":
        return min(1.0, 2 * _at_least(np.abs(given), abs(int(given.sum()))))
    return _at_least(np.abs(given), int(given.sum() if alternative == "greater" else -given.sum()))


def _at_least(sizes: Counts, total: int) -> float:
    """P(sum of the sizes with random signs >= total)."""
    unit = int(np.gcd.reduce(sizes))
    sizes, total = sizes // unit, total // unit
    ahead = (int(sizes.sum()) + total) // 2  # the same of those that are positive
    if len(sizes) > EXACT_CLUSTERS and len(sizes) * int(sizes.sum()) > EXACT_WORK:
        return float(normal_p(np.array((total - 1) / np.sqrt(float((sizes**2).sum()))), "greater"))
    chances = np.ones(1)
    for size, times in zip(*np.unique(sizes, return_counts=True), strict=True):
        longer = np.zeros(len(chances) + size * times)
        for k, chance in enumerate(_fair_coins(int(times))):
            longer[k * size : k * size + len(chances)] += chance * chances
        chances = longer
    return min(1.0, float(chances[ahead:].sum()))


def _fair_coins(n: int) -> Floats:
    """P(0), ..., P(n) heads of n coins."""
    from scipy.special import gammaln

    k = np.arange(n + 1)
    return np.asarray(np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2)))


def paired_cluster_variance(sums: ArrayLike, sizes: ArrayLike) -> Floats:
    """Variance of the difference of two paired shares, by what whole clusters add to it.

    Parameters
    ----------
    sums
        For each cluster its pairs that are on in `a` alone, less those on in `b` alone: the first axis.
    sizes
        Pairs in each cluster.

    Returns
    -------
    array
        Without the first axis.

    Raises
    ------
    InputError
        If there are fewer than 4 clusters.

    Notes
    -----
    Obuchowski, N. A. (1998). On the comparison of correlated proportions for clustered data. Statistics in
    Medicine 17, 1495-1507, with the factor C / (C - 1) for C clusters.

    Examples
    --------
    >>> float(paired_cluster_variance([2, 0, -2, 0], [2, 2, 2, 2]))
    0.16666666666666666
    """
    total, n = np.asarray(sums, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    clusters = int((n > 0).sum())
    if clusters < FEWEST_CLUSTERS:
        msg = f"there are {clusters} clusters; at least {FEWEST_CLUSTERS} are needed to see how they differ"
        raise InputError(msg)
    n = n.reshape(-1, *[1] * (total.ndim - 1))
    residual = total - n * (total.sum(axis=0) / n.sum())
    return np.asarray((residual**2).sum(axis=0) / n.sum() ** 2 * clusters / (clusters - 1))


def clustered_paired_interval(
    both: ArrayLike,
    only_a: ArrayLike,
    only_b: ArrayLike,
    neither: ArrayLike,
    *,
    variance: ArrayLike,
    degrees: ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Interval of the difference of two paired shares, where pairs come in clusters.

    Parameters
    ----------
    both, only_a, only_b, neither
        Pairs by where they are on; they may be weighted, and need not be whole numbers.
    variance
        Of the difference, from `paired_cluster_variance`; infinite where it is not known.
    degrees
        Its degrees of freedom.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Newcombe's bounds for pairs fewer by the design effect (never below 1), with Student's quantile.

    Raises
    ------
    InputError
        If the level is out of range.

    Examples
    --------
    >>> low, high = clustered_paired_interval(36, 12, 2, 0, variance=0.01, degrees=9)
    >>> bool(low < 0 < high)
    True
    """
    from scipy.special import stdtrit

    check_level(level)
    cells = [np.asarray(x, dtype=np.float64) for x in (both, only_a, only_b, neither)]
    n = sum(cells)
    difference = (cells[1] - cells[2]) / n
    independent = ((cells[1] + cells[2]) / n - difference**2) / n
    effect = np.divide(variance, independent, out=np.ones(np.shape(independent)), where=independent > 0)
    known = np.isfinite(effect)
    effect = np.where(known, np.maximum(effect, 1.0), 1.0)
    z = stdtrit(np.asarray(degrees, dtype=np.float64), 0.5 + level / 2)
    e, a, b, h = (cell / effect for cell in cells)
    low, high = paired_bounds(e, a, b, h, z)
    return np.where(known, low, -1.0), np.where(known, high, 1.0)
