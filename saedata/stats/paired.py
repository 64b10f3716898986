"""Two shares of the same subjects: the same prompt answered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import Alternative, check_alternative, quantile
from saedata.stats.proportions import score_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from saedata.stats.checks import Counts, Floats


def mcnemar_p(only_a: ArrayLike, only_b: ArrayLike, *, alternative: Alternative = "two-sided") -> Floats:
    """Exact p-value of the null hypothesis that a pair is as often on in `a` alone as in `b` alone.

    Parameters
    ----------
    only_a, only_b
        Pairs that are on in the one and off in the other; pairs that agree say nothing.
    alternative
        "two-sided", "greater" (`a` is on more often) or "less".

    Returns
    -------
    array
        P-values in [0, 1]: the binomial tail at one half, twice the smaller one where two-sided.

    Raises
    ------
    InputError
        If a count is negative or the alternative unknown.

    Notes
    -----
    McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12, 153-157; the exact form is the sign test.

    Examples
    --------
    >>> mcnemar_p([1, 5], [1, 0]).tolist()
    [1.0, 0.0625]
    """
    check_alternative(alternative)
    a, b = _pairs(only_a, only_b)
    if alternative == "two-sided":
        return np.minimum(1.0, 2 * _at_least(np.maximum(a, b), a + b))
    return _at_least(a if alternative == "greater" else b, a + b)


def newcombe_paired_interval(
    both: ArrayLike, only_a: ArrayLike, only_b: ArrayLike, neither: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Hybrid score interval of the difference of two paired shares, `(only_a - only_b) / pairs`.

    Parameters
    ----------
    both, only_a, only_b, neither
        Pairs by where they are on; at least one pair in all.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Lower and upper bound, in [-1, 1].

    Raises
    ------
    InputError
        If a count is negative, there is no pair, or the level is out of range.

    Notes
    -----
    Method 10 of Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial
    proportions based on paired data. Statistics in Medicine 17, 2635-2650: Wilson intervals of both shares,
    combined with their correlation, which is corrected for continuity where it is positive.

    Examples
    --------
    >>> low, high = newcombe_paired_interval(36, 12, 2, 0)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0569, 0.3404)
    """
    a, b = _pairs(only_a, only_b)
    e, h = _pairs(both, neither)
    n = a + b + e + h
    if (n < 1).any():
        msg = "there are no pairs, so there is no difference; give at least one pair"
        raise InputError(msg)
    return paired_bounds(e, a, b, h, quantile(level))


def paired_bounds(
    both: ArrayLike, only_a: ArrayLike, only_b: ArrayLike, neither: ArrayLike, z: ArrayLike
) -> tuple[Floats, Floats]:
    """Newcombe's bounds, `z` deviations wide, of a table that need not hold whole numbers."""
    e, a, b, h = (np.asarray(x, dtype=np.float64) for x in (both, only_a, only_b, neither))
    n = a + b + e + h
    share_a, share_b = (e + a) / n, (e + b) / n
    low_a, high_a = score_bounds(share_a, n, z)
    low_b, high_b = score_bounds(share_b, n, z)
    phi = _correlation(e, a, b, h)
    low = _correlated(share_a - low_a, high_b - share_b, phi)
    high = _correlated(high_a - share_a, share_b - low_b, phi)
    difference = (a - b) / n
    return np.maximum(difference - low, -1.0), np.minimum(difference + high, 1.0)


def _correlated(one: Floats, two: Floats, phi: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(one**2 - 2 * phi * one * two + two**2, 0.0)))


def _correlation(both: Floats, only_a: Floats, only_b: Floats, neither: Floats) -> Floats:
    """Correlation of the two answers; moved towards 0 by half a pair where it is positive."""
    e, f, g, h = np.broadcast_arrays(both, only_a, only_b, neither)
    n = e + f + g + h
    agreement = e * h - f * g
    agreement = np.where(agreement > 0, np.maximum(agreement - n / 2, 0), agreement)
    margins = np.sqrt((e + f) * (g + h)) * np.sqrt((e + g) * (f + h))
    return np.asarray(np.divide(agreement, margins, out=np.zeros_like(margins), where=margins > 0))


def _at_least(count: Counts, n: Counts) -> Floats:
    """P(X >= count) of n fair coins."""
    from scipy.special import betainc

    some = np.maximum(count, 1)
    return np.asarray(np.where(count > 0, betainc(some, np.maximum(n - some, 0) + 1, 0.5), 1.0))


def _pairs(one: ArrayLike, two: ArrayLike) -> tuple[Counts, Counts]:
    a, b = np.asarray(one, dtype=np.int64), np.asarray(two, dtype=np.int64)
    if (a < 0).any() or (b < 0).any():
        msg = "a count of pairs is negative"
        raise InputError(msg)
    return a, b
