"""All pairs of features: p and q of each, and the pairs worth showing. Nothing is kept for each pair.

A first walk over the counts puts every p-value in one of 400 000 bins, from which the Benjamini-Hochberg
adjustment follows; a second collects the pairs that are significant and have the highest or lowest NPMI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.analysis.correlate.null import Margins, common, expected, kernel_margins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.cooccur import Cooccurrence, Counts

    Array = NDArray[Any]

Direction = Literal["both", "together", "apart"]

WAYS: dict[str, int] = {"both": 0, "together": 1, "apart": -1}

CHUNK = 1 << 20
"""Pairs that are looked at as one piece of work."""


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Benjamini-Hochberg's adjustment from binned p-values.

    Parameters
    ----------
    tested
        Number of pairs.
    largest
        Largest p-value in each bin.
    q
        Adjusted p-value of each bin.
    cumulative
        Pairs in each bin and those before.
    """

    tested: int
    largest: NDArray[np.float64]
    q: NDArray[np.float64]
    cumulative: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64], largest: NDArray[np.float64]) -> Adjustment:
        """Adjust from the number of p-values in each bin and the largest of each."""
        cumulative = np.cumsum(counts)
        tested = int(cumulative[-1])
        scaled = np.where(counts > 0, tested * largest / np.maximum(cumulative, 1), np.inf)
        q = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
        return cls(tested, largest, q, cumulative)

    def adjusted(self, p: Array) -> NDArray[np.float64]:
        """Give q of p-values that were among the tested: never too small, and at most 1/4096 of its value too large."""
        from saedata.analysis.correlate.kernels import bin_of

        return self.q[[bin_of(value) for value in np.asarray(p).tolist()]] if len(p) else np.zeros(0)

    def cutoff(self, level: float, *, at_least: int = 0) -> float:
        """Largest p whose q is below a level, or the p of the `at_least` smallest where that is larger; -1: none."""
        bins = np.flatnonzero(self.q < level)
        last = int(bins[-1]) if len(bins) else -1
        if at_least:
            last = max(last, min(int(np.searchsorted(self.cumulative, at_least)), len(self.q) - 1))
        return float(self.largest[: last + 1].max(initial=-1.0))


class Search:
    """Looks through all pairs of a table of counts.

    Parameters
    ----------
    counts
        The table.
    x, y
        Margins of its rows and its columns.
    direction
        Whether pairs on together more often than expected are looked for, less often, or both. With both a pair
        counts in the adjustment with twice its one-sided p.
    """

    def __init__(self, counts: Cooccurrence, x: Margins, y: Margins, *, direction: Direction = "both") -> None:
        self._counts, self._margins, self._way = counts, (x, y), WAYS[direction]
        self._sides = kernel_margins(x), kernel_margins(y)
        self._common = common(x)
        self._marks = np.zeros(0, np.uint8)  # a coarse p of each pair, where all pairs are one block

    def adjustment(self) -> Adjustment:
        """Test all pairs."""
        from saedata.analysis.correlate.kernels import BINS, histogram
        from saedata.compiled import cores, in_threads

        bins = [(np.zeros(BINS, np.int64), np.zeros(BINS)) for _ in range(cores())]

        def work(part: tuple[Counts, list[Array], tuple[Array, Array]]) -> None:
            block, pieces, (counts, largest) = part
            for rows in pieces:
                histogram(
                    rows, *self._table(block), self._way, *self._sides, self._common, counts, largest, self._marks
                )

        for block in self._counts.blocks():
            pieces = list(self._pieces(block))
            if block.stop - block.first == len(self._counts.x):
                self._marks = np.zeros(len(block.cells), np.uint8)
            in_threads(work, [(block, pieces[at :: len(bins)], mine) for at, mine in enumerate(bins)])
        return Adjustment.of(np.sum([one for one, _ in bins], axis=0), np.max([one for _, one in bins], axis=0))

    def best(self, adjustment: Adjustment, *, size: int, most_p: float) -> pl.DataFrame:
        """Collect pairs, in either direction at most `size`: highest (together) or lowest (apart) NPMI, then p.

        Parameters
        ----------
        adjustment
            What `adjustment` gave.
        size
            Pairs of each direction.
        most_p
            Largest p, as it counts in the adjustment.

        Returns
        -------
        polars.DataFrame
            ``row``, ``column`` (positions), ``documents`` (with both), ``expected``, ``p`` (one-sided), ``q``,
            ``together``, ``npmi``; by (row, column).
        """
        pool = _Pool(size)
        for block in self._counts.blocks():
            for found in self._candidates(block, most_p / 2 if self._way == 0 and most_p < 1 else most_p, pool):
                pool.add(found)
        return self._described(pool.pairs, adjustment)

    def _table(self, block: Counts) -> tuple[int, bool, Array, Array]:
        return block.first, self._counts.same, block.base, block.cells

    def _candidates(self, block: Counts, most_p: float, pool: _Pool) -> Iterator[pl.DataFrame]:
        from saedata.analysis.correlate.kernels import best_pairs
        from saedata.compiled import cores, in_threads

        def work(rows: Array) -> pl.DataFrame:
            room = len(rows) * len(self._counts.y)
            found = [np.empty(room, kind) for kind in (np.int32, np.int32, np.int64, np.float64, np.float64)]
            found.append(np.empty(room, np.bool_))
            size = best_pairs(
                rows,
                *self._table(block),
                self._way,
                *self._sides,
                self._common,
                most_p,
                self._marks,
                pool.floors,
                tuple(found),
            )
            names = ("row", "column", "documents", "p", "npmi", "together")
            return pl.DataFrame({name: part[:size] for name, part in zip(names, found, strict=True)})

        pieces = list(self._pieces(block))
        for begin in range(0, len(pieces), cores()):
            yield from in_threads(work, pieces[begin : begin + cores()])

    def _pieces(self, block: Counts) -> Iterator[Array]:
        """Divide the rows of a block so that every piece holds a like mix of early and late rows."""
        rows = np.arange(block.stop - block.first)
        number = max(-(-len(rows) * len(self._counts.y) // CHUNK), 1)
        yield from (rows[at::number] for at in range(number))

    def _described(self, pairs: pl.DataFrame, adjustment: Adjustment) -> pl.DataFrame:
        x, y = self._margins
        doubled = np.minimum(1.0, pairs["p"].to_numpy() * (2 if self._way == 0 else 1))
        return pairs.with_columns(
            q=pl.Series(adjustment.adjusted(doubled), dtype=pl.Float64),
            expected=pl.Series(expected(x.take(pairs["row"].to_numpy()), y.take(pairs["column"].to_numpy()))),
        ).sort("row", "column")


class _Pool:
    """The best pairs so far in either direction, and what a pair must reach to be among them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sides: list[pl.DataFrame | None] = [None, None]
        # (score, p) of the last pair of a full pool
        self.floors = np.array([[-np.inf, np.inf], [-np.inf, np.inf]])

    @property
    def pairs(self) -> pl.DataFrame:
        return pl.concat([side for side in self._sides if side is not None])

    def add(self, found: pl.DataFrame) -> None:
        for at, mine in enumerate((found.filter(pl.col("together")), found.filter(~pl.col("together")))):
            held = self._sides[at]
            pairs = mine if held is None else pl.concat([held, mine])
            if pairs.height > self._size:
                pairs = pairs.sort(pl.col("npmi") * (1 if at else -1), "p", "row", "column").head(self._size)
            if pairs.height == self._size and self._size:
                score = pairs["npmi"] * (-1 if at else 1)
                least = float(score.min())  # type: ignore[arg-type]
                last = pairs.filter(score == least)["p"].max()
                self.floors[at] = least, last
            self._sides[at] = pairs


def npmi(both: Array, on_x: Array, on_y: Array, documents: int) -> NDArray[np.float64]:
    """Normalised pointwise mutual information of pairs.

    Parameters
    ----------
    both, on_x, on_y
        Documents with both features, with the one, with the other.
    documents
        Documents at all, more than `both`.

    Returns
    -------
    numpy.ndarray
        1: always together; 0: as often as by chance; -1: never together.

    Notes
    -----
    Bouma, G. (2009). Normalized (pointwise) mutual information in collocation extraction.

    Examples
    --------
    >>> npmi(np.array([10, 1, 0]), np.array([10, 10, 10]), np.array([10, 10, 10]), 100).round(3).tolist()
    [1.0, 0.0, -1.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(both * float(documents) / (on_x.astype(np.float64) * on_y)) / np.log(documents / both)
    return np.where(both > 0, value, -1.0)
