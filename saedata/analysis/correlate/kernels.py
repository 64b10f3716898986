"""The compiled loops behind `null` and `search`: p-values of pairs, and walks over all pairs.

They stand in one module because numba's cache notices only changes in the file of the function it compiles.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    OneSide = tuple[Array, Array, Array, Array, Array]  # on, flipped, rarer, factors, part of the chance of none
    Common = tuple[Array, Array, float]  # documents in each stratum, log-factorials, sum of those of the strata
    Moments = tuple[float, float, float, float, float]  # mean, variance, third, more than binomial fourth, none

EXACT_VARIANCE = 5.0
"""Below this variance of the count its distribution is summed exactly."""

HOPELESS = -41.0
"""Logarithm of a bound on p (1e-18) below which the bound itself is given."""

NEGLIGIBLE = 1e-25
"""Terms this small are left out of a distribution."""

CELLS = 4096
"""Room for a distribution."""

LARGEST_EXCESS = 0.05
"""Where the fourth moment changes a tail by more than this (logarithm), the distribution is summed exactly."""

SETTLED_VARIANCE = 2.0
SETTLED_P = 0.2
"""From this variance on a p above this is not summed exactly: it decides nothing, and is at most 2 % off."""

SMALL_COUNT = 10
"""Lower tails up to this count are summed exactly: that is cheap, and near 0 no approximation is good."""

FAR = 1e-18
"""Except below this p, where a factor more or less decides nothing."""

LEAST_NONE = 60.0
"""Where the probability of no document with both is above exp(-60), the distribution is built up from it."""

UNSURE = 1e-4
"""An upper tail smaller than this is summed term by term, since 1 minus the rest would lose digits."""


@compiled
def bound(count: float, mean: float) -> float:
    """Logarithm of Chernoff's bound on the tail from `count` away from the mean (as for a Poisson count)."""
    if count <= 0:
        return -mean
    return count - mean - count * math.log(count / mean)


@compiled
def _log_chance(x: int, a: int, b: int, n: int, log_factorial: Array) -> float:
    """Logarithm of the hypergeometric probability of x documents with both."""
    return float(
        log_factorial[a] - log_factorial[x] - log_factorial[a - x]
        + log_factorial[n - a] - log_factorial[b - x] - log_factorial[n - a - b + x]
        - log_factorial[n] + log_factorial[b] + log_factorial[n - b]
    )  # fmt: skip


@compiled
def _first_count(a: int, b: int, n: int, log_factorial: Array) -> tuple[int, float]:
    """Smallest count of a stratum that is not negligible, and its probability."""
    low = max(0, a + b - n)
    chance = math.exp(_log_chance(low, a, b, n, log_factorial))
    if chance > NEGLIGIBLE:
        return low, chance
    first = min(max((a + 1) * (b + 1) // (n + 2), low), min(a, b))
    chance = math.exp(_log_chance(first, a, b, n, log_factorial))
    while first > low:
        less = chance * first * float(n - a - b + first) / (float(a - first + 1) * (b - first + 1))
        if less < NEGLIGIBLE:
            break
        first, chance = first - 1, less
    return first, chance


@compiled
def _stratum(a: int, b: int, n: int, log_factorial: Array, most: int, out: Array) -> tuple[int, int]:
    """Write the hypergeometric distribution up to a count; gives its first count and its length (0: no room)."""
    first, chance = _first_count(a, b, n, log_factorial)
    high = min(a, b, most)
    top = (a + 1) * (b + 1) // (n + 2)
    x = first
    while True:
        if x - first >= len(out):
            return first, 0
        out[x - first] = chance
        chance *= float(a - x) * (b - x) / ((x + 1) * float(n - a - b + x + 1))
        x += 1
        if x > high or (chance < NEGLIGIBLE and x > top):
            return first, x - first


@compiled
def distribution(a: Array, b: Array, n: Array, log_factorial: Array, most: int, room: Array) -> tuple[int, int]:
    """Write the distribution of the sum of counts up to `most` into room[0]; gives its first count and length.

    Length 0: there is no room for it, or all of it lies above `most`.
    """
    total, one, sums = room[0], room[1], room[2]
    total[0] = 1.0
    length, start = 1, 0
    for s in range(len(n)):
        if a[s] == 0 or b[s] == 0:
            continue
        first, size = _stratum(a[s], b[s], n[s], log_factorial, max(most - start, 0), one)
        start += first
        wanted = min(length + size - 1, most - start + 1)
        if size == 0 or wanted <= 0 or wanted > CELLS:
            return start, 0
        for at in range(wanted):
            value = 0.0
            for x in range(max(0, at - length + 1), min(at, size - 1) + 1):
                value += one[x] * total[at - x]
            sums[at] = value
        total[:wanted] = sums[:wanted]
        length = wanted
    return start, length


@compiled
def _log_none(a: Array, b: Array, n: Array, log_factorial: Array, total: float) -> float:
    """Logarithm of the probability that no document has both; -inf where some must.

    `total` is the part that is a sum of the features' own parts: the logarithms of (n - a)! (n - b)! / n!.
    """
    for s in range(len(n)):
        rest = n[s] - a[s] - b[s]
        if rest < 0:
            return -math.inf
        total -= log_factorial[rest]
    return min(total, 0.0)


@compiled
def _from_none(a: Array, b: Array, n: Array, none: float, most: int, room: Array) -> int:
    """Write the distribution up to `most` into room[0], given the probability of none; gives its length."""
    total = room[0]
    total[0] = none
    length = 1
    for s in range(len(n)):
        high = min(a[s], b[s], most)
        if high == 0:
            continue
        # the stratum's probabilities, relative to that of none
        one = room[1]
        chance, size = 1.0, 1
        for x in range(high):
            chance *= float(a[s] - x) * (b[s] - x) / ((x + 1) * float(n[s] - a[s] - b[s] + x + 1))
            if chance < NEGLIGIBLE:
                break
            one[size] = chance
            size += 1
        new = min(length + size - 1, most + 1)
        for at in range(new - 1, -1, -1):  # from the end, so that what is needed is still there
            value = total[at] if at < length else 0.0
            for x in range(max(1, at - length + 1), min(at, size - 1) + 1):
                value += one[x] * total[at - x]
            total[at] = value
        length = new
    return length


@compiled
def _up_to(most: int, a: Array, b: Array, common: Common, none: float, room: Array) -> tuple[int, int]:
    """Write the distribution up to `most` into room[0], as `distribution` does, but more quickly where it can."""
    n, log_factorial, _ = common
    if none > -LEAST_NONE and most < CELLS:
        return 0, _from_none(a, b, n, math.exp(none), most, room)
    return distribution(a, b, n, log_factorial, most, room)


@compiled
def _exact(count: int, upper: int, a: Array, b: Array, common: Common, moments: Moments, room: Array) -> float:
    """Tail of the sum, or -1 where there is no room for it."""
    last = count - 1 if upper else count  # of the lower tail
    if last < 0:
        return 1.0
    none = _log_none(a, b, common[0], common[1], moments[4])
    start, length = _up_to(last, a, b, common, none, room)
    if length == 0 and start <= last:
        return -1.0
    below = 0.0
    for at in range(length):
        below += room[0, at]
    if not upper:
        return min(below, 1.0)
    if below < 1 - UNSURE:
        return 1 - below
    most, term = count, 1.0
    while term > 1e-9 and most < count + CELLS:
        most += 1
        term *= max(moments[0], 0.5) / most
    start, length = _up_to(most, a, b, common, none, room)
    above = 0.0
    for at in range(count - start, length):
        above += room[0, at]
    return above


@compiled
def _approximate(count: int, upper: int, moments: Moments) -> tuple[float, float]:
    """Tail of a shifted binomial count with the same three moments, by Lugannani and Rice's formula.

    Also gives the logarithm of the factor by which the fourth moment, which differs, changes this tail.
    """
    mean, variance, third, fourth, _ = moments
    share = min(max((1 - third / variance) / 2, 1e-9), 1 - 1e-9)
    trials = variance / (share * (1 - share))
    x = count - mean + trials * share + (-0.5 if upper else 0.5)
    z = (x - trials * share) / math.sqrt(variance)
    excess = (fourth - third * third / variance * 1.5) / variance * z * z * z * z / (24 * variance)
    # Nearer than this to an end the formula loses its meaning; the end itself bounds what is left.
    edge = 0.25
    if x < edge or x > trials - edge:
        below = x < edge
        if below == upper:
            return 1.0, 0.0
        return math.exp(trials * math.log(1 - share if below else share)), math.inf
    got = x / trials
    entropy = got * math.log(got / share) + (1 - got) * math.log((1 - got) / (1 - share))
    w = math.sqrt(2 * trials * max(entropy, 0.0))
    if got < share:
        w = -w
    if abs(w) < 1e-4:
        correction = -(1 - 2 * share) / (6 * math.sqrt(variance))
    else:
        odds = got * (1 - share) / (share * (1 - got))  # of the tilted distribution; its logarithm is the saddlepoint
        correction = math.sqrt(odds) / ((odds - 1) * math.sqrt(trials * got * (1 - got))) - 1 / w
    sign = 1.0 if upper else -1.0
    tail = math.erfc(sign * w / math.sqrt(2.0)) / 2 + sign * math.exp(-w * w / 2) * correction / math.sqrt(2 * math.pi)
    return min(max(tail, 0.0), 1.0), excess if sign * w > 0 else 0.0


@compiled
def tail(count: int, upper: int, a: Array, b: Array, common: Common, moments: Moments, room: Array) -> float:
    """Probability of a sum of counts at least (`upper` 1) or at most (0) as large as `count`."""
    mean, variance = moments[0], moments[1]
    if variance <= 1e-12:
        return 1.0
    if (count > mean) == upper:
        limit = bound(count, mean)
        if limit < HOPELESS:
            return math.exp(limit)
    p, excess = 1.0, math.inf
    if variance >= SETTLED_VARIANCE:
        p, excess = _approximate(count, upper, moments)
        unsure = variance < EXACT_VARIANCE or (count <= SMALL_COUNT and not upper)
        if unsure and not (excess < LARGEST_EXCESS and p > SETTLED_P):
            p, excess = 1.0, math.inf
    if excess < LARGEST_EXCESS or p < FAR:
        return min(p * math.exp(min(excess, LARGEST_EXCESS)), 1.0)
    summed = _exact(count, upper, a, b, common, moments, room)
    return summed if summed >= 0 else min(_approximate(count, upper, moments)[0], 1.0)


@compiled
def row_moments(x: Array, y: Array, out: Array) -> None:
    """Moments of one feature with features of y: [5, features].

    Mean, variance, third moment, and two parts of what the fourth is more than that of a binomial count; x
    [5, strata] and y [5, strata, features] are what `null.factors` gives.
    """
    out[:, : y.shape[2]] = 0.0
    for moment in range(5):
        for s in range(x.shape[1]):
            factor = x[moment, s]
            sums, theirs = out[moment], y[moment, s]
            for j in range(y.shape[2]):
                sums[j] += factor * theirs[j]


@compiled
def pair_p(
    both: int, way: int, totals: tuple[int, int, int], flipped: tuple[bool, bool], a: Array, b: Array,
    found: Moments, common: Common, room: Array,
) -> tuple[float, bool]:  # fmt: skip
    """One-sided p of a pair, and whether it is on together more often than expected.

    `totals` are documents with the one, the other, and all; features on in most documents are `flipped`: they are
    described by where they are off. `way` is 1 (more often), -1 (less often) or 0 (whichever was seen). `found` are
    the moments of the count (see `_found`).
    """
    count = both
    if flipped[0] and flipped[1]:
        count = totals[2] - totals[0] - totals[1] + both
    elif flipped[0]:
        count = totals[1] - both
    elif flipped[1]:
        count = totals[0] - both
    mirrored = flipped[0] != flipped[1]
    surplus = (found[0] - count) if mirrored else (count - found[0])
    together = surplus > 1e-9 * (1 + found[0])
    asked = together if way == 0 else way > 0
    return tail(count, asked != mirrored, a, b, common, found, room), together


SMALLEST_P = 1e-30
"""Smaller p-values share the first bin."""

_SHIFT = 40  # leaves 12 bits of a double's fraction: bins are 1/4096 wide, relative to p
_ONE = int(np.float64(1.0).view(np.int64))
FIRST_BIN = int(np.float64(SMALLEST_P).view(np.int64)) >> _SHIFT
BINS = (_ONE >> _SHIFT) - FIRST_BIN + 1

TILE = 256
"""Columns whose moments are computed together, so that what they need stays in the cache."""


@compiled
def bin_of(p: float) -> int:
    """Bin of a p-value."""
    if p < SMALLEST_P:
        return 0
    return int(np.float64(p).view(np.int64) >> _SHIFT) - FIRST_BIN


@compiled
def npmi_of(both: int, on_x: int, on_y: int, documents: int) -> float:
    """Normalised pointwise mutual information; -1 where the two are never on together."""
    if both == 0:
        return -1.0
    return math.log(both * float(documents) / (float(on_x) * on_y)) / math.log(documents / both)


@compiled
def mark_of(p: float) -> int:
    """Coarse rank of a p-value in one byte: 0 for 1, 8 more for each halving, 255 for all below 2**-32."""
    if p < 2.0**-32:
        return 255
    return min(255, (_ONE >> 49) - int(np.float64(p).view(np.int64) >> 49))


@compiled
def _found(sums: Array, none: float, j: int) -> Moments:
    return sums[0, j], sums[1, j], sums[2, j], 1.5 * sums[3, j] + 6 * sums[4, j], none


@compiled
def p_of_pairs(
    both: Array, way: int, x: OneSide, y: OneSide, common: Common, p: Array, together: Array
) -> None:  # fmt: skip
    """Fill in p and direction of the pairs (row r of x with row r of y)."""
    room, sums = np.empty((3, CELLS)), np.empty((5, 1))
    documents = common[0].sum()
    for row in range(len(both)):
        row_moments(x[3][:, :, row], y[3][:, :, row : row + 1], sums)
        p[row], together[row] = pair_p(
            both[row], way, (x[0][row], y[0][row], documents), (x[1][row], y[1][row]), x[2][row], y[2][row],
            _found(sums, x[4][row] + y[4][row] - common[2], 0), common, room,
        )  # fmt: skip


@compiled
def histogram(
    rows: Array, first: int, same: int, base: Array, cells: Array, way: int, x: OneSide, y: OneSide,
    common: Common, counts: Array, largest: Array, marks: Array,
) -> None:  # fmt: skip
    """Add the p-values of these rows (from the block's first) to the bins, and keep the largest p of each bin.

    Where `marks` is not empty, it gets the mark of each p, in the place of the pair's count.
    """
    room, sums = np.empty((3, CELLS)), np.empty((5, TILE))
    documents = common[0].sum()
    for tile in range(0, len(y[0]), TILE):
        stop = min(tile + TILE, len(y[0]))
        for row in rows:
            i = first + row
            begin = max(tile, i + 1) if same else tile
            if begin >= stop:
                continue
            row_moments(x[3][:, :, i], y[3][:, :, begin:stop], sums)
            for j in range(begin, stop):
                p, _ = pair_p(
                    int(cells[base[row] + j]), way, (x[0][i], y[0][j], documents), (x[1][i], y[1][j]), x[2][i], y[2][j],
                    _found(sums, x[4][i] + y[4][j] - common[2], j - begin), common, room,
                )  # fmt: skip
                p = min(1.0, 2 * p) if way == 0 else p
                place = bin_of(p)
                counts[place] += 1
                largest[place] = max(largest[place], p)
                if len(marks):
                    marks[base[row] + j] = mark_of(p)


@compiled
def best_pairs(
    rows: Array, first: int, same: int, base: Array, cells: Array, way: int, x: OneSide, y: OneSide,
    common: Common, most_p: float, marks: Array, floors: Array, found: tuple[Array, ...],
) -> int:  # fmt: skip
    """List pairs whose p is at most `most_p`, and which are as good as the floors (score, p), in both directions.

    floors[0] is for pairs more often together, floors[1] for the others; the score is NPMI, or its negative.
    Where `marks` is not empty it holds what `histogram` put there. Gives the number of pairs found.
    """
    room, sums = np.empty((3, CELLS)), np.empty((5, 1))
    documents = common[0].sum()
    least = mark_of(min(1.0, 2 * most_p) if way == 0 else most_p)
    size = 0
    for row in rows:
        i = first + row
        for j in range(i + 1 if same else 0, len(y[0])):
            if len(marks) and marks[base[row] + j] < least:
                continue
            both = int(cells[base[row] + j])
            npmi = npmi_of(both, x[0][i], y[0][j], documents)
            # The direction of a stratified expectation can differ from NPMI's sign, so both floors must allow it.
            if npmi < floors[0, 0] and -npmi < floors[1, 0]:
                continue
            row_moments(x[3][:, :, i], y[3][:, :, j : j + 1], sums)
            p, together = pair_p(
                both, way, (x[0][i], y[0][j], documents), (x[1][i], y[1][j]), x[2][i], y[2][j],
                _found(sums, x[4][i] + y[4][j] - common[2], 0), common, room,
            )  # fmt: skip
            if p > most_p or (way != 0 and together != (way > 0)):
                continue
            side = 0 if together else 1
            score = npmi if together else -npmi
            if score < floors[side, 0] or (score == floors[side, 0] and p > floors[side, 1]):
                continue
            found[0][size], found[1][size], found[2][size] = i, j, both
            found[3][size], found[4][size], found[5][size] = p, npmi, together
            size += 1
    return size
