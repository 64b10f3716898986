"""What pairs share besides a prompt: clusters that they come in, and a covariate in which their documents differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from saedata.analysis.diff.strata import LENGTH, column_values, of_one_type, quantile_codes, value_codes
from saedata.errors import InputError
from saedata.stats import (
    ClusteredStrata,
    clustered_paired_interval,
    linked_clusters,
    matched_cells,
    matched_interval,
    matched_p,
    matched_shares,
    paired_cluster_variance,
    sign_flip_p,
    student_p,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.diff.pairs import Aligned

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

FEWEST, MOST, EACH = 4, 10, 20
"""A covariate of pairs is cut so that about 20 pairs have the same two values, but into 4 values to 10."""

EQUAL = 2
"""Both documents of a pair have the same value."""

MOST_STRATA = 500
"""Different pairs of values that a covariate of words may have."""


class Compared(NamedTuple):
    """A difference with its interval and p, feature by feature."""

    difference: Floats
    low: Floats
    high: Floats
    p: Floats


@dataclass(frozen=True, eq=False)
class PairStrata:
    """Pairs with the same two values of a covariate.

    Parameters
    ----------
    half
        For each pair 0 where the first side has the larger value, 1 where the second has, 2 where they are equal; -1
        where nothing can be compared.
    stratum
        For each pair; those with equal values are in the last one.
    size
        How many strata there are.
    """

    half: NDArray[np.int64]
    stratum: NDArray[np.int64]
    size: int

    @property
    def alike(self) -> bool:
        """Whether no pair differs in the covariate at all."""
        return bool((self.half == EQUAL).all())


def pair_clusters(aligned: Aligned, column: str) -> NDArray[np.int64]:
    """Clusters of pairs that share a value on any side; a null is shared with nobody."""
    values = of_one_type([_of_side(aligned, side, column) for side in range(len(aligned.names))])
    codes = pl.concat(values).cast(pl.String).rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()
    # the same word on two sides is the same author
    return linked_clusters(np.split(codes, len(values)))


def pair_strata(aligned: Aligned, column: str) -> PairStrata:
    """Strata of pairs of two sides by both values of a covariate, whichever side has which.

    Numbers are cut at their quantiles, and two of one interval are still told apart; anything else is taken value by
    value. A stratum in which the same side always has the larger value is of no use.
    """
    name = "tokens" if column == LENGTH else column
    values = pl.concat(of_one_type([_of_side(aligned, side, name) for side in range(2)]))
    everywhere = np.ones(len(values), dtype=np.bool_)
    ordered = values.dtype.is_numeric() or values.dtype.is_temporal()
    if ordered:
        numbers = values.to_physical().cast(pl.Float64)
        codes = quantile_codes(numbers, everywhere, int(np.clip(np.sqrt(aligned.pairs / EACH * 2), FEWEST, MOST)))
        one, two = np.split(numbers.fill_null(np.nan).to_numpy(), 2)
    else:
        codes = value_codes(values, everywhere, column)
        one, two = np.split(codes.astype(np.float64), 2)
    first, second = np.split(codes.astype(np.int64), 2)
    ahead = np.where(np.isnan(one) | np.isnan(two), np.sign(first - second), np.sign(one - two))
    low, high = np.minimum(first, second), np.maximum(first, second)
    half = np.select([ahead > 0, ahead < 0], [0, 1], EQUAL)
    return _usable(half, low * (codes.max() + 1) + high, column)


def _usable(half: NDArray[np.int64], key: NDArray[np.int64], column: str) -> PairStrata:
    """Leave out strata with one half only, and number the others."""
    differ = half != EQUAL
    shared = np.intersect1d(key[half == 0], key[half == 1])
    known = differ & np.isin(key, shared)
    size = len(shared) + 1
    if size > MOST_STRATA:
        msg = (
            f"column {column!r} gives {size - 1} different pairs of values, too many to compare within each (fewer "
            f"than {MOST_STRATA}); adjust for a column with fewer, or for a number, which is cut at its quantiles"
        )
        raise InputError(msg)
    stratum = np.where(known, np.searchsorted(shared, key), size - 1)
    return PairStrata(np.where(known | ~differ, half, -1), stratum, size)


def _of_side(aligned: Aligned, side: int, column: str) -> pl.Series:
    return column_values(aligned.frame_of(side), column).gather(aligned.docs[side])


class FlippedClusters:
    """Sign-flip tests of clusters of pairs, and variances between them; feature by feature, as they are counted."""

    def __init__(self, aligned: Aligned, clusters: NDArray[np.int64]) -> None:
        shape = (2, len(aligned.names), aligned.frames[0].n_features)
        self._clusters, self._targets = clusters, sorted(set(aligned.targets.values()))
        self._sizes = np.bincount(clusters)
        paired_cluster_variance(np.zeros(len(self._sizes)), self._sizes)  # refuses too few
        self._p, self._variance = np.ones(shape), np.zeros(shape)

    def add(self, feature: int, on: Flags) -> None:
        """Take in where a feature is on: bool [sides, pairs]."""
        together = on.sum(axis=0)
        for target in self._targets:
            rest = together - on[target]
            for at, (other, way) in enumerate(((rest > 0, "greater"), (rest == len(on) - 1, "less"))):
                ahead = on[target].astype(np.float64) - other
                sums = np.bincount(self._clusters, ahead, minlength=len(self._sizes))
                self._p[at, target, feature] = sign_flip_p(sums, alternative=way)  # type: ignore[arg-type]
                self._variance[at, target, feature] = paired_cluster_variance(sums, self._sizes)

    def p(self, target: int, more: Flags, tested: NDArray[np.int64]) -> Floats:
        """One-sided p in the direction of each feature."""
        return np.asarray(np.where(more, self._p[0, target, tested], self._p[1, target, tested]))

    def interval(
        self, target: int, more: Flags, tested: NDArray[np.int64], cells: tuple[NDArray[np.int64], ...], level: float
    ) -> tuple[Floats, Floats]:
        """Interval of the difference, from the table of pairs: both, only, only other, neither."""
        variance = np.where(more, self._variance[0, target, tested], self._variance[1, target, tested])
        degrees = _degrees(self._sizes)
        return clustered_paired_interval(*cells, variance=variance, degrees=degrees, level=level)


def _degrees(sizes: NDArray[np.int64]) -> float:
    """Degrees of freedom of a mean over clusters of unlike size (Satterthwaite)."""
    weight = sizes.astype(np.float64) ** 2
    return max(float(weight.sum() ** 2 / (weight**2).sum()) - 1, 1.0)


class MatchedPairs:
    """Pairs of two sides within strata of a covariate; counted feature by feature."""

    def __init__(self, aligned: Aligned, strata: PairStrata, clusters: NDArray[np.int64] | None = None) -> None:
        features = aligned.frames[0].n_features
        self._alike, self._shape = strata.alike, (3, strata.size)
        self._used = strata.half >= 0
        self._cell = strata.half[self._used] * strata.size + strata.stratum[self._used]
        self._counts = np.zeros((3, 3 * strata.size, features), dtype=np.int32)
        self._pairs = _dealt(np.bincount(self._cell, minlength=3 * strata.size).reshape(self._shape))
        self._clusters = None if clusters is None else _Halves(clusters[self._used], self._cell, strata.size)
        self._variance = np.zeros(features)

    def add(self, feature: int, on: Flags) -> None:
        """Take in where a feature is on: bool [2, pairs]."""
        one, two = on[:, self._used]
        for at, kind in enumerate((one & two, one & ~two, two & ~one)):
            self._counts[at, :, feature] = np.bincount(self._cell[kind], minlength=self._counts.shape[1])
        if self._clusters is not None:
            self._variance[feature] = self._clusters.variance(one.astype(np.float64) - two)

    def compare(self, target: int, tested: NDArray[np.int64], crude: Compared, *, level: float) -> Compared:
        """Compare a side with the other; if no pair differs in the covariate, that is the crude comparison."""
        if self._alike:
            return crude
        both, one, two = self._counts[:, :, tested].reshape(3, *self._shape, len(tested))
        if target == 1:
            both, one, two = both[[1, 0, 2]], two[[1, 0, 2]], one[[1, 0, 2]]
        pairs = self._pairs if target == 0 else self._pairs[::-1]
        found = matched_shares(_dealt(both), _dealt(one), _dealt(two), pairs)
        equal = {"equal_a": one[EQUAL].sum(axis=0), "equal_b": two[EQUAL].sum(axis=0)}
        p = matched_p(one[0], two[0], one[1], two[1], **equal)
        if self._clusters is None:
            return Compared(found.difference, *matched_interval(found, level=level), p)
        variance, degrees = np.where(found.pairs > 0, self._variance[tested], np.inf), self._clusters.degrees
        interval = clustered_paired_interval(*matched_cells(found), variance=variance, degrees=degrees, level=level)
        robust = student_p(found.difference, variance, degrees, "two-sided")
        return Compared(found.difference, *interval, np.maximum(p, robust))


def _dealt(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Counts [3 halves, strata, ...] as [2, strata, ...]: half of each pair with equal values stands on either side."""
    return np.asarray(counts[:EQUAL] + counts[EQUAL] / 2)


class _Halves:
    """Clusters of pairs in strata: the mean of both halves is half the difference between them, the second turned."""

    def __init__(self, clusters: NDArray[np.int64], cell: NDArray[np.int64], size: int) -> None:
        cells, self._place = np.unique(clusters * 3 * size + cell, return_inverse=True)
        half = cells // size % 3
        self._shares = np.stack([np.where(half == EQUAL, 0.5, half == side) for side in (0, 1)])[:, :, None]
        sizes = np.bincount(self._place)[:, None]
        own = np.unique(cells // (3 * size), return_inverse=True)[1].ravel()
        self._cells = ClusteredStrata(self._shares[0] * sizes, self._shares[1] * sizes, own, cells % size)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the variance."""
        return float(self._cells.degrees[0])

    def variance(self, ahead: Floats) -> float:
        """Variance of the adjusted difference; `ahead` is 1 or -1 where a pair is on in one side alone, else 0."""
        sums = np.bincount(self._place, ahead, minlength=self._shares.shape[1])[:, None]
        return float(self._cells.variance(self._shares[0] * sums, -self._shares[1] * sums)[0]) / 4
