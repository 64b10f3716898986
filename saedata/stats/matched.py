"""Pairs whose documents differ in something else as well, such as length: adjusted within the pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from saedata.stats.checks import Alternative, quantile
from saedata.stats.paired import paired_bounds
from saedata.stats.strata import mantel_haenszel_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Floats


COINS = 1 << 30
"""So many other throws of a fair coin make the number of heads hypergeometric instead of binomial, and no different."""


class Matched(NamedTuple):
    """A weighted table of pairs: shares of pairs on in both, in `a` alone, in `b` alone, and of how many pairs.

    `difference` is a's share less b's; NaN, and `pairs` 0, where nothing can be compared.
    """

    both: Floats
    only_a: Floats
    only_b: Floats
    pairs: Floats
    difference: Floats


def matched_p(
    plus_a: ArrayLike,
    plus_b: ArrayLike,
    minus_a: ArrayLike,
    minus_b: ArrayLike,
    *,
    equal_a: ArrayLike = 0,
    equal_b: ArrayLike = 0,
    alternative: Alternative = "two-sided",
) -> Floats:
    """P-value of the null hypothesis that the side matters to no pair, but the covariate may.

    In each stratum lie the pairs with the same two values of the covariate, whichever side has the larger one. If
    only the covariate matters, the document with the larger value is the one that is on equally often whether it
    is a's (plus) or b's (minus): a hypergeometric count, added up over the strata.

    Parameters
    ----------
    plus_a, plus_b
        Pairs where a's document has the larger value, on in `a` alone and in `b` alone: the first axis is that of
        the strata.
    minus_a, minus_b
        The same of pairs where b's document has it.
    equal_a, equal_b
        The same of pairs whose documents have equal values, without the axis of strata: a fair coin under the null.
    alternative
        "two-sided", "greater" (`a` is on more often) or "less".

    Returns
    -------
    array
        In [0, 1], without the first axis; 1 where the larger value is always on the same side.

    Raises
    ------
    InputError
        If a count is negative or the alternative unknown.

    Notes
    -----
    Gart, J. J. (1969). An exact test for comparing matched proportions in crossover designs. Biometrika 56, 75-80
    (there the order of two treatments is what matters besides them), stratified as by Mantel and Haenszel.

    Examples
    --------
    >>> matched_p([[8]], [[1]], [[7]], [[2]]).round(4).tolist(), matched_p([[8]], [[1]], [[0]], [[0]]).tolist()
    ([0.0152], [1.0])
    """
    a, b, c, d = (np.asarray(x, dtype=np.int64) for x in (plus_a, plus_b, minus_a, minus_b))
    e, f = (np.broadcast_to(np.asarray(x, dtype=np.int64), a.shape[1:])[None] for x in (equal_a, equal_b))
    coins = np.full(e.shape, COINS)
    counts = ((a, e), (a + b, e + f), (d, coins // 2), (c + d, coins))
    return mantel_haenszel_p(*(np.concatenate(both) for both in counts), alternative=alternative)


def matched_shares(both: ArrayLike, only_a: ArrayLike, only_b: ArrayLike, pairs: ArrayLike) -> Matched:
    """Weigh pairs so that the larger value of a covariate is as often on either side.

    Parameters
    ----------
    both, only_a, only_b
        Pairs on in both, in `a` alone, in `b` alone: first axis 2 (a's value is larger; b's is), second axis
        the strata.
    pairs
        All pairs [2, strata]. Pairs with equal values are a stratum in which half of each stands on either side.

    Returns
    -------
    Matched
        The mean over the strata, weighted as by Mantel and Haenszel, of the mean of both halves: what the larger value
        does in the one it undoes in the other. As of 1 / sum(weight^2) pairs.

    Examples
    --------
    >>> found = matched_shares([[[0]], [[0]]], [[[8]], [[2]]], [[[2]], [[8]]], [[10], [10]])
    >>> found.difference.tolist(), found.pairs.round(6).tolist()
    ([0.0], [20.0])
    """
    weight, known = matched_weights(np.asarray(pairs))
    e, a, b = (
        (weight[:, :, None] * np.asarray(cell, dtype=np.float64)).sum(axis=(0, 1)) for cell in (both, only_a, only_b)
    )
    size = 1 / (weight**2 * np.asarray(pairs)).sum() if known else 0.0
    return Matched(e, a, b, np.full(e.shape, size), a - b if known else np.full(e.shape, np.nan))


def matched_weights(pairs: NDArray[np.integer]) -> tuple[Floats, bool]:
    """Weight of one pair of each half and stratum [2, strata], and whether any stratum has both halves."""
    n, m = pairs.astype(np.float64)
    stratum = np.divide(n * m, n + m, out=np.zeros(n.shape), where=n + m > 0)
    known = bool(stratum.sum() > 0)
    half = np.divide(stratum / 2, pairs, out=np.zeros(pairs.shape), where=pairs > 0)
    return half / (stratum.sum() if known else 1.0), known


def matched_interval(found: Matched, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Newcombe's paired interval of a weighted table.

    Parameters
    ----------
    found
        From `matched_shares`.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Lower and upper bound; -1 and 1 where nothing can be compared.

    Raises
    ------
    InputError
        If the level is out of range.

    Examples
    --------
    >>> found = matched_shares([[[18]], [[18]]], [[[6]], [[6]]], [[[1]], [[1]]], [[25], [25]])
    >>> [round(float(x[0]), 4) for x in matched_interval(found)]
    [0.0569, 0.3404]
    """
    z = quantile(level)
    known = found.pairs > 0
    low, high = paired_bounds(*matched_cells(found), z)
    return np.where(known, low, -1.0), np.where(known, high, 1.0)


def matched_cells(found: Matched) -> tuple[Floats, Floats, Floats, Floats]:
    """The table as numbers of pairs: both, only_a, only_b, neither."""
    size = np.where(found.pairs > 0, found.pairs, 1.0)
    neither = np.maximum(1 - found.both - found.only_a - found.only_b, 0.0)
    return size * found.both, size * found.only_a, size * found.only_b, size * neither
