"""Two shares compared within strata, and put together again: Mantel-Haenszel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.stats.checks import Alternative, check_alternative, counted, normal_p, quantile
from saedata.stats.proportions import LARGEST_SKEW, SMALLEST_EXPECTED, TIE, hybrid_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from saedata.stats.checks import Counts, Floats

    _Test = Callable[["_Null", Alternative], Floats]

ROWS = 512
"""Features whose probabilities are held at a time where they are added up exactly."""


def mantel_haenszel_interval(
    on_a: ArrayLike, n_a: ArrayLike, on_b: ArrayLike, n_b: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Weighted mean of the differences within strata, with its interval.

    Parameters
    ----------
    on_a, on_b
        How many documents are on, on either side: the first axis is that of the strata.
    n_a, n_b
        How many documents each side has; a stratum where one side has none takes no part.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of arrays
        Difference, lower and upper bound, without the first axis. Where no stratum has both sides: NaN, -1, 1.

    Raises
    ------
    InputError
        If a count or the level is out of range.

    Notes
    -----
    Weights n_a n_b / (n_a + n_b) (Mantel, N. and Haenszel, W. (1959). J. National Cancer Institute 22,
    719-748; Greenland, S. and Robins, J. M. (1985). Biometrics 41, 55-68). The interval is Newcombe's hybrid
    of the weighted shares, each as of 1 / sum(weight^2 / n) documents, as in Yan, X. and Su, X. G. (2010),
    Statistics in Biopharmaceutical Research 2, 329-335; with one stratum it is Newcombe's.

    Examples
    --------
    >>> difference, low, high = mantel_haenszel_interval([[8], [9]], [[10], [30]], [[21], [3]], [[30], [20]])
    >>> [round(float(x[0]), 4) for x in (difference, low, high)]
    [0.1308, -0.0849, 0.3319]
    """
    z = quantile(level)
    shares, sizes, none = weighted_shares(on_a, n_a, on_b, n_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = hybrid_bounds(shares[0], sizes[0], shares[1], sizes[1], z)
    difference = np.where(none, np.nan, shares[0] - shares[1])
    return difference, np.where(none, -1.0, low), np.where(none, 1.0, high)


def weighted_shares(
    on_a: ArrayLike, n_a: ArrayLike, on_b: ArrayLike, n_b: ArrayLike
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats], NDArray[np.bool_]]:
    """Shares of both sides weighted over the strata, of how many documents each is, and where no stratum has both."""
    a, n1, b, n2 = np.broadcast_arrays(*counted(on_a, n_a, least=0), *counted(on_b, n_b, least=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(n1 + n2 > 0, n1 * (n2 / (n1 + n2)), 0.0)
        weight = weight / weight.sum(axis=0)
        share_a, share_b = (np.nansum(weight * (on / n), axis=0) for on, n in ((a, n1), (b, n2)))
        size_a, size_b = (1 / np.nansum(weight**2 / n, axis=0) for n in (n1, n2))
    return (share_a, share_b), (size_a, size_b), ~(n1 * n2 > 0).any(axis=0)


def mantel_haenszel_p(
    on_a: ArrayLike,
    n_a: ArrayLike,
    on_b: ArrayLike,
    n_b: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
) -> Floats:
    """P-value of the null hypothesis that two shares are equal in every stratum.

    Given the margins of every stratum, the count on side `a` is a sum of hypergeometric counts. Where it is
    nearly normal the Mantel-Haenszel chi-squared test is used (without continuity correction); where it is
    skewed but nearly binomial, the binomial distribution of the same mean and variance; elsewhere, above all
    where fewer than 5 are expected, its exact distribution, added up stratum by stratum.

    Parameters
    ----------
    on_a, on_b
        How many documents are on, on either side: the first axis is that of the strata.
    n_a, n_b
        How many documents each side has.
    alternative
        "two-sided", "greater" (the shares of `a` are larger) or "less".

    Returns
    -------
    array
        P-values in [0, 1], without the first axis; 1 where no stratum can say anything.

    Raises
    ------
    InputError
        If a count is out of range or the alternative unknown.

    Notes
    -----
    Mantel, N. and Haenszel, W. (1959). J. National Cancer Institute 22, 719-748. With one stratum the normal
    and the exact branch are those of `two_proportion_p`.

    Examples
    --------
    >>> p = mantel_haenszel_p([[80, 3], [90, 0]], [[100], [300]], [[210, 0], [30, 0]], [[300], [200]])
    >>> p.round(5).tolist()
    [3e-05, 0.01527]
    """
    check_alternative(alternative)
    counts = np.broadcast_arrays(*counted(on_a, n_a, least=0), *counted(on_b, n_b, least=0))
    shape = counts[0].shape[1:]
    a, n1, b, n2 = (values.reshape(len(values), -1) for values in counts)
    null = _null(a, n1, b, n2)
    p = np.ones(null.observed.shape)
    for rows, test in _branches(null):
        if rows.any():
            p[rows] = test(null.of(rows), alternative)
    return p.reshape(shape)


@dataclass(frozen=True, eq=False)
class _Null:
    """The count of the smaller side, stratum by stratum turned so that it is the rarer answer.

    `observed` counts it over all strata; `flipped` says where a larger count means fewer on in `a`.
    """

    observed: Counts
    mean: Floats
    variance: Floats
    third: Floats
    flipped: NDArray[np.bool_]
    on: Counts
    small: Counts
    n: Counts

    def of(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> _Null:
        """Keep some features."""
        return _Null(
            self.observed[rows],
            self.mean[rows],
            self.variance[rows],
            self.third[rows],
            self.flipped[rows],
            self.on[:, rows],
            self.small[:, rows],
            self.n[:, rows],
        )


def _null(a: Counts, n1: Counts, b: Counts, n2: Counts) -> _Null:
    """Turn all strata alike, so that their counts can be added; moments of the sum."""
    both = (n1 > 0) & (n2 > 0)
    a, n1, b, n2 = (np.where(both, x, 0) for x in (a, n1, b, n2))
    n, on = n1 + n2, a + b
    b_smaller = n2.sum(axis=0) < n1.sum(axis=0)
    fewer_off = 2 * on.sum(axis=0) > n.sum(axis=0)
    small = np.where(b_smaller, n2, n1)
    observed = np.where(b_smaller, b, a)
    observed = np.where(fewer_off, small - observed, observed)
    on = np.where(fewer_off, n - on, on)
    mean, variance, third = _moments(on, small, n)
    return _Null(observed.sum(axis=0), mean, variance, third, b_smaller ^ fewer_off, on, small, n)


def _moments(on: Counts, small: Counts, n: Counts) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and third central moment of a sum of hypergeometric counts."""
    size = np.maximum(n, 1).astype(np.float64)
    side, share = small / size, on / size
    variance = small * share * (1 - share) * (1 - side) * size / np.maximum(size - 1, 1)
    third = variance * (1 - 2 * share) * (1 - 2 * side) * size / np.maximum(size - 2, 1)
    return (small * share).sum(axis=0), variance.sum(axis=0), third.sum(axis=0)


def _branches(null: _Null) -> tuple[tuple[NDArray[np.bool_], _Test], ...]:
    some = null.variance > 1e-12
    spread = np.sqrt(np.where(some, null.variance, 1.0))
    skewness = null.third / spread**3
    # a binomial count of this mean and variance has the chance 1 - variance / mean, and so this skewness
    binomial = (2 * null.variance / np.where(some, null.mean, 1.0) - 1) / spread
    counts = null.mean >= SMALLEST_EXPECTED
    normal = some & counts & (np.abs(skewness) <= LARGEST_SKEW)
    matched = some & counts & ~normal & (np.abs(skewness - binomial) <= LARGEST_SKEW)
    return (normal, _normal), (matched, _binomial), (some & ~normal & ~matched, _exact)


def _turned(null: _Null, alternative: Alternative) -> NDArray[np.bool_]:
    """Whether the upper tail of the turned count answers the question."""
    return np.asarray(null.flipped == (alternative == "less"))


def _normal(null: _Null, alternative: Alternative) -> Floats:
    z = (null.observed - null.mean) / np.sqrt(null.variance)
    return normal_p(np.where(null.flipped, -z, z), alternative)


def _binomial(null: _Null, alternative: Alternative) -> Floats:
    chance = 1 - null.variance / null.mean
    trials = null.mean / chance
    observed = null.observed.astype(np.float64)
    if alternative == "two-sided":
        return _as_rare(observed, trials, chance)
    upper = _turned(null, alternative)
    return np.where(upper, _at_least(observed, trials, chance), _at_most(observed, trials, chance))


def _at_least(k: Floats, trials: Floats, chance: Floats) -> Floats:
    """P(X >= k) of a binomial count, also where the number of trials is not whole."""
    from scipy.special import betainc

    inside = (k > 0) & (k < trials + 1)
    some = np.where(inside, k, 1.0)
    return np.asarray(np.where(inside, betainc(some, trials - some + 1, chance), np.where(k > 0, 0.0, 1.0)))


def _at_most(k: Floats, trials: Floats, chance: Floats) -> Floats:
    """P(X <= k), accurate where it is tiny."""
    from scipy.special import betainc

    inside = (k >= 0) & (k < trials)
    some = np.where(inside, k, 0.0)
    return np.asarray(np.where(inside, betainc(trials - some, some + 1, 1 - chance), np.where(k < 0, 0.0, 1.0)))


def _as_rare(k: Floats, trials: Floats, chance: Floats) -> Floats:
    """Two-sided p: the probability of all counts that are no more probable than `k`."""
    mode = np.floor((trials + 1) * chance)
    bound = _log_chance(k, trials, chance) + np.log(TIE)
    above = k > mode
    # on the other side of the mode: `far` is as rare as k, or outside; `near` is not
    near, far = mode, np.where(above, -1.0, np.floor(trials) + 1)
    for _ in range(int(np.log2(np.abs(far - near).max())) + 2):
        middle = near + np.trunc((far - near) / 2)
        rare = _log_chance(middle, trials, chance) <= bound
        near, far = np.where(rare, near, middle), np.where(rare, middle, far)
    lower, upper = np.where(above, far, k), np.where(above, k, far)
    p = _at_most(lower, trials, chance) + _at_least(upper, trials, chance)
    return np.where(k == mode, 1.0, np.minimum(p, 1.0))


def _log_chance(k: Floats, trials: Floats, chance: Floats) -> Floats:
    from scipy.special import gammaln

    inside = (k >= 0) & (k <= trials)
    some = np.where(inside, k, 0.0)
    ways = gammaln(trials + 1) - gammaln(some + 1) - gammaln(trials - some + 1)
    return np.asarray(np.where(inside, ways + some * np.log(chance) + (trials - some) * np.log1p(-chance), -np.inf))


def _exact(null: _Null, alternative: Alternative) -> Floats:
    """Exact tails, once for each distinct set of tables, those of similar width together."""
    key = np.concatenate([null.observed[None], null.on, null.small, null.n]).T
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    tables = null.of(first)
    least = np.maximum(tables.on + tables.small - tables.n, 0)
    beyond = tables.mean - least.sum(axis=0)
    # further out the probability is below the smallest float (Chernoff); nothing is lost
    observed = np.minimum(tables.observed - least.sum(axis=0), np.ceil(beyond + 40 * np.sqrt(beyond) + 300))
    reach = np.maximum(observed, np.ceil(beyond + 12 * np.sqrt(beyond))) + 40
    width = np.minimum(reach, (np.minimum(tables.on, tables.small) - least).sum(axis=0)).astype(np.int64) + 1
    tails = np.empty((len(width), 3))
    order = np.argsort(width, kind="stable")
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS]
        weight = _summed(tables.of(rows), least[:, rows], int(width[rows[-1]]))
        tails[rows] = _tails(weight, observed[rows].astype(np.int64))
    tails = np.minimum(tails[inverse.ravel()], 1.0)
    if alternative == "two-sided":
        return np.asarray(tails[:, 2])
    return np.asarray(np.where(_turned(null, alternative), tails[:, 0], tails[:, 1]))


def _summed(tables: _Null, least: Counts, width: int) -> Floats:
    """Probabilities [tables, width] of how far the sum of the counts lies above the least that is possible."""
    total = np.zeros((least.shape[1], width))
    total[:, 0] = 1.0
    for on, small, n, low in zip(tables.on, tables.small, tables.n, least, strict=True):
        most = min(int((np.minimum(on, small) - low).max()), width - 1)
        one = _hypergeometric(on, small, n, low, most)
        longer = one[:, :1] * total
        for k in range(1, most + 1):
            longer[:, k:] += one[:, k : k + 1] * total[:, : width - k]
        total = longer
    return total


def _hypergeometric(on: Counts, small: Counts, n: Counts, low: Counts, most: int) -> Floats:
    """Probabilities of `low`, `low` + 1, ..., `low` + `most`."""
    k = low[:, None] + np.arange(most, dtype=np.float64)
    up = np.maximum(on[:, None] - k, 0) * np.maximum(small[:, None] - k, 0)
    down = (k + 1) * ((n - on - small + 1)[:, None] + k)
    weight = np.ones((len(on), most + 1))
    np.cumprod(up / down, axis=1, out=weight[:, 1:])
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _tails(weight: Floats, observed: Counts) -> Floats:
    """P(count >= observed), P(count <= observed) and the two-sided p of each row."""
    cells, here = np.arange(weight.shape[1]), observed[:, None]
    more = np.where(cells >= here, weight, 0).sum(axis=1)
    fewer = np.where(cells <= here, weight, 0).sum(axis=1)
    as_rare = weight <= np.take_along_axis(weight, here, axis=1) * TIE
    both = np.where(as_rare, weight, 0).sum(axis=1)
    return np.stack([more, fewer, both], axis=1)
