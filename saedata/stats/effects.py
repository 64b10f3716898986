"""How large a difference is, and how large it must be to be found."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError
from saedata.stats.checks import counted, quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Counts, Floats

HALVINGS = 60
"""Steps in which a difference is narrowed down: to the last digit of a float."""


def log_odds_ratio(
    on_a: ArrayLike, n_a: ArrayLike, on_b: ArrayLike, n_b: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Log odds ratio of two independent shares, with its interval.

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
        Estimate, lower and upper bound (natural logarithm); positive where `a` has the larger odds.

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Notes
    -----
    One half is added to each of the four cells, so that the estimate is finite and nearly unbiased: Haldane,
    J. B. S. (1956). Annals of Human Genetics 20, 309-311; Anscombe, F. J. (1956). Biometrika 43, 461-464.
    The interval is the one of Woolf, B. (1955). Annals of Human Genetics 19, 251-253, on the same cells.

    Examples
    --------
    >>> [round(float(x), 4) for x in log_odds_ratio(10, 20, 5, 20)]
    [1.0361, -0.2593, 2.3315]
    """
    a, n1 = counted(on_a, n_a)
    b, n2 = counted(on_b, n_b)
    cells = [a + 0.5, n1 - a + 0.5, b + 0.5, n2 - b + 0.5]
    estimate = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    reach = quantile(level) * np.sqrt(sum(1 / cell for cell in cells))
    return np.asarray(estimate), np.asarray(estimate - reach), np.asarray(estimate + reach)


def paired_log_odds_ratio(
    only_a: ArrayLike, only_b: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Log odds ratio within pairs, with its interval.

    Parameters
    ----------
    only_a, only_b
        Pairs that are on in the one and off in the other.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Estimate, lower and upper bound (natural logarithm).

    Raises
    ------
    InputError
        If a count is negative or the level out of range.

    Notes
    -----
    The conditional estimate for matched pairs (Breslow, N. E. and Day, N. E. (1980). Statistical Methods in
    Cancer Research I, IARC, chapter 5), with one half added to both counts.

    Examples
    --------
    >>> [round(float(x), 4) for x in paired_log_odds_ratio(12, 2)]
    [1.6094, 0.2515, 2.9673]
    """
    counted(only_a, np.maximum(only_a, 1))
    counted(only_b, np.maximum(only_b, 1))
    a, b = np.asarray(only_a) + 0.5, np.asarray(only_b) + 0.5
    estimate = np.log(a / b)
    reach = quantile(level) * np.sqrt(1 / a + 1 / b)
    return np.asarray(estimate), np.asarray(estimate - reach), np.asarray(estimate + reach)


def hedges_g(
    n_a: ArrayLike,
    sum_a: ArrayLike,
    squares_a: ArrayLike,
    n_b: ArrayLike,
    sum_b: ArrayLike,
    squares_b: ArrayLike,
) -> Floats:
    """Difference of two means in units of the pooled standard deviation.

    Parameters
    ----------
    n_a, n_b
        How many values each side has, zeros included.
    sum_a, sum_b
        Their sums.
    squares_a, squares_b
        The sums of their squares.

    Returns
    -------
    array
        Hedges' g: Cohen's d without its bias in small samples. NaN where nothing varies or there are fewer
        than 4 values in all.

    Notes
    -----
    Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size. Journal of Educational
    Statistics 6, 107-128; with the approximate correction 1 - 3 / (4 (n_a + n_b) - 9).

    Examples
    --------
    >>> round(float(hedges_g(3, 6, 14, 3, 3, 5)), 4)
    0.8
    """
    n1, n2, *sums = (np.asarray(x, dtype=np.float64) for x in (n_a, n_b, sum_a, squares_a, sum_b, squares_b))
    total_a, square_a, total_b, square_b = sums
    within = (square_a - total_a**2 / n1) + (square_b - total_b**2 / n2)
    free = n1 + n2 - 2
    rounding = 1e-12 * (square_a + square_b)
    known = (free > 1) & (within > rounding)
    spread = np.sqrt(np.where(known, within, 1.0) / np.where(free > 0, free, 1.0))
    correction = 1 - 3 / np.where(free > 1, 4 * free - 1, 4)
    return np.where(known, correction * (total_a / n1 - total_b / n2) / spread, np.nan)


def minimum_detectable_difference(
    n_a: ArrayLike, n_b: ArrayLike, *, share: ArrayLike, alpha: float = 0.05, power: float = 0.8
) -> Floats:
    """Smallest difference of two shares that a study of this size finds with a given chance.

    Parameters
    ----------
    n_a, n_b
        How many documents each side has, at least 1.
    share
        Share on side `b`, in [0, 1]; `a` is taken to have more.
    alpha
        Bound on the two-sided p, between 0 and 1; for the first of m findings at q < 0.05 it is 0.05 / m.
    power
        Chance to find it, above alpha and below 1.

    Returns
    -------
    array
        The difference; NaN where even a share of 1 on side `a` would not be found.

    Raises
    ------
    InputError
        If a share, alpha or power is out of range, or a side has no documents.

    Notes
    -----
    Solves the usual formula for two shares without continuity correction (Fleiss, J. L., Levin, B. and Paik,
    M. C. (2003). Statistical Methods for Rates and Proportions, 3rd ed., chapter 4) for the difference.

    Examples
    --------
    >>> float(minimum_detectable_difference(1000, 1000, share=0.05).round(4))
    0.031
    """
    _check_design(share, alpha, power)
    base, n1, n2 = np.broadcast_arrays(np.asarray(share, np.float64), counted(0, n_a)[1], counted(0, n_b)[1])
    z = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    low, high = np.zeros(base.shape), 1 - base
    reachable = _found(base, high, n1, n2, z)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = _found(base, middle, n1, n2, z)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(reachable, high, np.nan)


def _found(base: Floats, difference: Floats, n1: Counts, n2: Counts, z: tuple[float, float]) -> NDArray[np.bool_]:
    larger = base + difference
    pooled = (n1 * larger + n2 * base) / (n1 + n2)
    null = np.sqrt(np.maximum(pooled * (1 - pooled), 0) * (1 / n1 + 1 / n2))
    own = np.sqrt(np.maximum(larger * (1 - larger), 0) / n1 + base * (1 - base) / n2)
    return np.asarray((difference >= z[0] * null + z[1] * own) & (difference > 0))


def _check_design(share: ArrayLike, alpha: float, power: float) -> None:
    if not 0 < alpha < power < 1:
        msg = f"alpha is {alpha} and power {power}; both must lie between 0 and 1, and power above alpha"
        raise InputError(msg)
    if not ((np.asarray(share) >= 0) & (np.asarray(share) <= 1)).all():
        msg = f"share is {np.asarray(share).tolist()}; it must lie in 0 to 1"
        raise InputError(msg)
