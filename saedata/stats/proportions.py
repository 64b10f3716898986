"""Two independent shares: intervals and a test.

The test keeps its accuracy far out in the tails, because a correction over tens of thousands of features
looks at p-values near one in a million, where the usual "expected count of at least 5" promises nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.stats.checks import Alternative, check_alternative, counted, normal_p, quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Counts, Floats

SMALLEST_EXPECTED = 5.0  # the usual bound (Cochran 1954) below which no normal approximation is used
LARGEST_SKEW = 0.05  # bends the normal tail at z = 5 by a factor exp(0.05 * 5**3 / 6) = 2.8, no more
TIE = 1 + 1e-7  # tables as probable as the observed one, but for rounding, count as ties (the value R uses)
ROWS = 1024  # tables whose probability grid is held at a time


def wilson_interval(on: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Score interval of a single share.

    Parameters
    ----------
    on
        How many documents are on, 0 to `n`.
    n
        How many documents there are, at least 1.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Lower and upper bound, in [0, 1].

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Notes
    -----
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    JASA 22, 209-212.

    Examples
    --------
    >>> low, high = wilson_interval([0, 5, 10], 10)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.237, 0.722], [0.278, 0.763, 1.0])
    """
    on_, n_ = counted(on, n)
    z = quantile(level)
    low, high = score_bounds(on_ / n_, n_, z)
    # at the ends the bound is the share itself; rounding must not put it a hair inside
    return np.where(on_ == 0, 0.0, low), np.where(on_ == n_, 1.0, high)


def score_bounds(share: Floats, n: ArrayLike, z: ArrayLike) -> tuple[Floats, Floats]:
    """Wilson's bounds for a share of `n` documents, which need not be a whole number, `z` deviations wide."""
    size, wide = np.asarray(n, dtype=np.float64), np.asarray(z, dtype=np.float64)
    middle = share + wide**2 / (2 * size)
    spread = wide * np.sqrt(share * (1 - share) / size + wide**2 / (4 * size**2))
    scale = 1 + wide**2 / size
    return np.asarray((middle - spread) / scale), np.asarray((middle + spread) / scale)


def hybrid_bounds(
    share_a: Floats, n_a: ArrayLike, share_b: Floats, n_b: ArrayLike, z: ArrayLike
) -> tuple[Floats, Floats]:
    """Newcombe's bounds for the difference of two shares of effective numbers of documents."""
    low_a, high_a = score_bounds(share_a, n_a, z)
    low_b, high_b = score_bounds(share_b, n_b, z)
    difference = share_a - share_b
    low = difference - np.hypot(share_a - low_a, high_b - share_b)
    high = difference + np.hypot(high_a - share_a, share_b - low_b)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def newcombe_interval(
    on_a: ArrayLike, n_a: ArrayLike, on_b: ArrayLike, n_b: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Hybrid score interval of the difference of two independent shares, `on_a / n_a - on_b / n_b`.

    Parameters
    ----------
    on_a, on_b
        How many documents are on, on either side.
    n_a, n_b
        How many documents each side has, at least 1.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Lower and upper bound, in [-1, 1]; the observed difference lies between them.

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Notes
    -----
    Method 10 of Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions. Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> low, high = newcombe_interval(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    a, n1 = counted(on_a, n_a)
    b, n2 = counted(on_b, n_b)
    low_a, high_a = wilson_interval(a, n1, level=level)
    low_b, high_b = wilson_interval(b, n2, level=level)
    share_a, share_b = a / n1, b / n2
    difference = share_a - share_b
    low = difference - np.hypot(share_a - low_a, high_b - share_b)
    high = difference + np.hypot(high_a - share_a, share_b - low_b)
    return low, high


def two_proportion_p(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
) -> Floats:
    """P-value of the null hypothesis that two independent shares are equal.

    Fisher's exact test where the smallest expected count is below 5, or where unequal sides and a rare answer
    skew the count so much (skewness of the hypergeometric distribution above 0.05) that its far tail is not
    normal; elsewhere the N-1 chi-squared test, or its signed root. The exact two-sided p is the summed
    probability of all tables that are no more probable than the observed one.

    Parameters
    ----------
    on_a, on_b
        How many documents are on, on either side.
    n_a, n_b
        How many documents each side has, at least 1.
    alternative
        "two-sided", "greater" (the share of `a` is larger) or "less".

    Returns
    -------
    array
        P-values in [0, 1]; what is below the smallest float is 0.

    Raises
    ------
    InputError
        If a count is out of range or the alternative unknown.

    Notes
    -----
    Campbell, I. (2007). Chi-squared and Fisher-Irwin tests of two-by-two tables with small sample
    recommendations. Statistics in Medicine 26, 3661-3675.

    Examples
    --------
    >>> two_proportion_p([3, 60], [10, 100], [0, 45], [12, 100]).round(4).tolist()
    [0.0779, 0.0341]
    """
    check_alternative(alternative)
    counts = np.broadcast_arrays(*counted(on_a, n_a), *counted(on_b, n_b))
    a, n1, b, n2 = (np.ravel(values) for values in counts)
    exact = _needs_exact(a, n1, b, n2)
    p = np.empty(a.shape)
    for rows, test in ((exact, _fisher_p), (~exact, _chi_squared_p)):
        if rows.any():
            p[rows] = test(a[rows], n1[rows], b[rows], n2[rows], alternative)
    return p.reshape(counts[0].shape)


def _needs_exact(a: Counts, n1: Counts, b: Counts, n2: Counts) -> NDArray[np.bool_]:
    n, on = n1 + n2, a + b
    side, share = np.minimum(n1, n2) / n, np.minimum(on, n - on) / n
    expected = n * side * share
    # the skewness is (1 - 2 side)(1 - 2 share) / spread; the spread can be 0
    spread = np.sqrt(n * side * (1 - side) * share * (1 - share))
    skewed = (1 - 2 * side) * (1 - 2 * share) > LARGEST_SKEW * spread
    return np.asarray((expected < SMALLEST_EXPECTED) | skewed)


def _chi_squared_p(a: Counts, n1: Counts, b: Counts, n2: Counts, alternative: Alternative) -> Floats:
    n = n1 + n2
    pooled = (a + b) / n
    error = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2) * n / (n - 1))
    return normal_p((a / n1 - b / n2) / error, alternative)


def _fisher_p(a: Counts, n1: Counts, b: Counts, n2: Counts, alternative: Alternative) -> Floats:
    """Exact p, computed once for each distinct table.

    Every table is first turned so that side `a` is the smaller and "on" the rarer answer. The count of `a`
    then starts at 0, has a small mean, and its distribution needs few cells.
    """
    n = n1 + n2
    fewer_on = 2 * (a + b) <= n
    a_smaller = n1 <= n2
    observed = np.where(a_smaller, a, b)
    small = np.minimum(n1, n2)
    observed = np.where(fewer_on, observed, small - observed)
    on = np.minimum(a + b, n - a - b)
    tables, inverse = np.unique(np.stack([observed, on, small, n], axis=1), axis=0, return_inverse=True)
    tails = _tails(tables)
    if alternative == "two-sided":
        return np.asarray(tails[inverse.ravel(), 2])
    turned = (fewer_on != a_smaller) ^ (alternative == "less")
    return np.asarray(tails[inverse.ravel(), turned.astype(np.int64)])


def _tails(tables: Counts) -> Floats:
    """P(count >= observed), P(count <= observed) and the two-sided p of each row (observed, on, small, n)."""
    observed, on, small, n = tables.T
    mean = on * small / n
    # beyond it the probability is below the smallest float (Chernoff, means up to 400); nothing is lost
    observed = np.minimum(observed, np.ceil(mean + 40 * np.sqrt(mean) + 300).astype(np.int64))
    reach = np.maximum(observed, np.ceil(mean + 12 * np.sqrt(mean)).astype(np.int64)) + 40
    width = np.minimum(reach, np.minimum(on, small)) + 1
    tails = np.empty((len(tables), 3))
    by_width = np.argsort(width, kind="stable")
    for start in range(0, len(tables), ROWS):
        rows = by_width[start : start + ROWS]
        tails[rows] = _tails_of_rows(observed[rows], on[rows], small[rows], n[rows], int(width[rows[-1]]))
    return np.minimum(tails, 1.0)


def _tails_of_rows(observed: Counts, on: Counts, small: Counts, n: Counts, width: int) -> Floats:
    on_, small_, n_ = (column[:, None].astype(np.float64) for column in (on, small, n))
    k = np.arange(width - 1, dtype=np.float64)
    # P(k + 1) / P(k), 0 from the end of the support on; its products cannot overflow, as P(0) > exp(-600)
    ratio = np.maximum(on_ - k, 0) * np.maximum(small_ - k, 0) / ((k + 1) * (n_ - on_ - small_ + k + 1))
    weight = np.ones((len(on), width))
    np.cumprod(ratio, axis=1, out=weight[:, 1:])
    cells, here = np.arange(width), observed[:, None]
    more = np.where(cells >= here, weight, 0).sum(axis=1)
    fewer = np.where(cells <= here, weight, 0).sum(axis=1)
    as_rare = weight <= np.take_along_axis(weight, here, axis=1) * TIE
    both = np.where(as_rare, weight, 0).sum(axis=1)
    return np.asarray(np.stack([more, fewer, both], axis=1) / weight.sum(axis=1, keepdims=True))
