"""Shares of documents that are not independent: of the same author, from the same prompt.

All documents of a cluster count as one observation, which may stand on one side or on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import Alternative, check_alternative, counted
from saedata.stats.proportions import hybrid_bounds, two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Counts, Floats

FEWEST_CLUSTERS = 4
"""With fewer there is nothing to judge the spread between clusters by."""


def cluster_variance(on_a: ArrayLike, n_a: ArrayLike, on_b: ArrayLike, n_b: ArrayLike) -> Floats:
    """Variance of the difference of two shares, by what whole clusters add to it.

    Parameters
    ----------
    on_a, on_b
        How many documents of each cluster are on, on either side: the first axis is that of the clusters.
    n_a, n_b
        How many documents each cluster has on either side; 0 is allowed.

    Returns
    -------
    array
        Variances, without the first axis.

    Raises
    ------
    InputError
        If a count is out of range, a side is empty, or there are fewer than 4 clusters.

    Notes
    -----
    Linearisation of a ratio of cluster totals (Rao, J. N. K. and Scott, A. J. (1992). A simple method for the
    analysis of clustered binary data. Biometrics 48, 577-585), with the factor C / (C - 2) for C clusters.
    A cluster on both sides adds one term, so that what it has in common cancels.

    Examples
    --------
    >>> on, n = [[4], [0], [0], [0]], [[4], [4], [0], [0]]
    >>> cluster_variance(on, n, [[0], [0], [2], [2]], [[0], [0], [4], [4]]).tolist()
    [0.25]
    """
    a, n1 = counted(on_a, n_a, least=0)
    b, n2 = counted(on_b, n_b, least=0)
    sizes, others = _side(n1), _side(n2)
    share_a, share_b = a.sum(axis=0) / sizes, b.sum(axis=0) / others
    added = (a - share_a * n1) / sizes - (b - share_b * n2) / others
    clusters = ((n1 > 0) | (n2 > 0)).sum(axis=0)
    if (clusters < FEWEST_CLUSTERS).any():
        msg = f"there are {clusters.min()} clusters; at least {FEWEST_CLUSTERS} are needed to see how they differ"
        raise InputError(msg)
    return np.asarray((added**2).sum(axis=0) * clusters / (clusters - 2))


def cluster_degrees(n_a: ArrayLike, n_b: ArrayLike) -> Floats:
    """Degrees of freedom of `cluster_variance`: few large clusters count as few.

    Parameters
    ----------
    n_a, n_b
        How many documents each cluster has on either side: the first axis is that of the clusters.

    Returns
    -------
    array
        At least 1, without the first axis; for equal clusters their number less 2.

    Notes
    -----
    Satterthwaite, F. E. (1946). Biometrics Bulletin 2, 110-114, where a cluster's share of a side is what its
    term varies with.

    Examples
    --------
    >>> round(float(cluster_degrees([50] * 10 + [0] * 10, [0] * 10 + [50] * 10)), 6)
    18.0
    """
    n1, n2 = np.asarray(n_a, dtype=np.float64), np.asarray(n_b, dtype=np.float64)
    weight = (n1 / _side(n1)) ** 2 + (n2 / _side(n2)) ** 2
    return np.asarray(np.maximum(weight.sum(axis=0) ** 2 / (weight**2).sum(axis=0) - 2, 1.0))


def clustered_p(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    variance: ArrayLike,
    degrees: ArrayLike,
    alternative: Alternative = "two-sided",
) -> Floats:
    """P-value of the null hypothesis that two shares are equal, where documents come in clusters.

    Parameters
    ----------
    on_a, on_b
        How many documents are on in all, on either side.
    n_a, n_b
        How many documents each side has, at least 1.
    variance, degrees
        From `cluster_variance` and `cluster_degrees`.
    alternative
        "two-sided", "greater" (the share of `a` is larger) or "less".

    Returns
    -------
    array
        Student's t-test of the difference; never below `two_proportion_p`, as clusters take information away.

    Raises
    ------
    InputError
        If a count is out of range or the alternative unknown.

    Examples
    --------
    >>> clustered_p([4], 8, [0], 8, variance=[0.25], degrees=2).round(3).tolist()
    [0.423]
    """
    check_alternative(alternative)
    independent = two_proportion_p(on_a, n_a, on_b, n_b, alternative=alternative)
    difference = np.asarray(on_a) / np.asarray(n_a) - np.asarray(on_b) / np.asarray(n_b)
    return np.maximum(student_p(difference, variance, degrees, alternative), independent)


def student_p(difference: ArrayLike, variance: ArrayLike, degrees: ArrayLike, alternative: Alternative) -> Floats:
    """Student's t-test of a difference; 0 where nothing varies, so that another test decides."""
    from scipy.special import stdtr

    error = np.sqrt(np.asarray(variance, dtype=np.float64))
    t = np.nan_to_num(np.asarray(difference)) / np.where(error > 0, error, np.inf)
    if alternative == "two-sided":
        tail = 2 * stdtr(degrees, -np.abs(t))
    else:
        tail = stdtr(degrees, -t if alternative == "greater" else t)
    return np.where(error > 0, tail, 0.0)


def clustered_interval(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    variance: ArrayLike,
    degrees: ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Interval of the difference of two shares, where documents come in clusters.

    Parameters
    ----------
    on_a, on_b
        How many documents are on in all, on either side.
    n_a, n_b
        How many documents each side has, at least 1.
    variance, degrees
        From `cluster_variance` and `cluster_degrees`.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Newcombe's bounds for documents fewer by the design effect (never below 1), with Student's quantile.

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Examples
    --------
    >>> low, high = clustered_interval([4], 8, [0], 8, variance=[0.25], degrees=2)
    >>> bool(low[0] < 0 < high[0])
    True
    """
    from scipy.special import stdtrit

    free = np.asarray(degrees, dtype=np.float64)
    a, n1 = counted(on_a, n_a)
    b, n2 = counted(on_b, n_b)
    if not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
        raise InputError(msg)
    share_a, share_b = a / n1, b / n2
    independent = share_a * (1 - share_a) / n1 + share_b * (1 - share_b) / n2
    effect = np.divide(variance, independent, out=np.ones(independent.shape), where=independent > 0)
    effect = np.maximum(effect, 1.0)
    return hybrid_bounds(share_a, n1 / effect, share_b, n2 / effect, stdtrit(free, 0.5 + level / 2))


def linked_clusters(keys: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Number the clusters of items that share a key, directly or by way of others.

    Parameters
    ----------
    keys
        One array or several [items], for example the author of the prompt and that of the answer: items with
        equal numbers in one of them belong together; negative: with no other.

    Returns
    -------
    array
        int64 [items], from 0.

    Examples
    --------
    >>> linked_clusters([np.array([0, 0, 1, -1, -1]), np.array([5, 6, 6, 7, -1])]).tolist()
    [0, 0, 0, 1, 2]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    items, nodes = len(keys[0]), len(keys[0])
    ends = []
    for key in keys:
        shared = np.flatnonzero(key >= 0)
        values, place = np.unique(key[shared], return_inverse=True)
        ends.append((shared, nodes + place))
        nodes += len(values)
    one, two = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    graph = coo_matrix((np.ones(len(one), dtype=np.int8), (one, two)), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1][:items]
    return np.asarray(np.unique(found, return_inverse=True)[1], dtype=np.int64)


def _side(n: Counts | Floats) -> Counts | Floats:
    total = n.sum(axis=0)
    if (total < 1).any():
        msg = "a side has no documents, so it has no share; give at least one document a side"
        raise InputError(msg)
    return np.asarray(total)
