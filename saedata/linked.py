"""Pairs of like documents as they are found, and the groups that they link."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.similar import Pairs

    Array = NDArray[Any]


class Linked:
    """Pairs of positions found so far, and the groups that they make.

    Parameters
    ----------
    documents
        How many positions there are.
    limit
        How many pairs that are not equal are kept, the most similar ones; groups are of all.
    """

    def __init__(self, documents: int, limit: int) -> None:
        self._parent = np.arange(documents, dtype=np.int64)
        self._equal: list[pl.DataFrame] = []
        self._pairs, self._limit, self._all = _frame(*np.zeros((3, 0))), limit, 0

    def add_equal(self, first: NDArray[np.int64], *, exact: bool) -> None:
        """Add each document that equals an earlier one: `first` holds the first of those equal to each."""
        later = np.flatnonzero(first != np.arange(len(first)))
        self._join(first[later], later)
        self._equal.append(_frame(first[later], later, np.ones(len(later)), exact=exact))

    def add(self, parts: list[Pairs]) -> None:
        """Add similar pairs; from time to time drop the least similar ones that are too many."""
        for a, b, _ in parts:
            self._join(a, b)
            self._all += len(a)
        self._pairs = pl.concat([self._pairs, *(_frame(*part) for part in parts)])
        if self._pairs.height > 2 * self._limit:
            self._pairs = self._best()

    def table(self, docs: NDArray[np.uint32]) -> pl.DataFrame:
        """All that is kept, by group and document."""
        if self._all > self._limit:
            msg = f"{self._all:,} pairs are similar; the {self._limit:,} most similar are listed, groups are of all"
            warnings.warn(msg, stacklevel=3)
        table = pl.concat([*self._equal, self._best()])
        root = self._parent
        while not np.array_equal(root, root[root]):
            root = root[root]
        return table.select(
            pl.Series("doc_a", docs[table["doc_a"]]),
            pl.Series("doc_b", docs[table["doc_b"]]),
            "similarity",
            "exact",
            pl.Series("group", docs[root[table["doc_a"]]]),
        ).sort("group", "doc_a", "doc_b")

    def _best(self) -> pl.DataFrame:
        return self._pairs.sort("similarity", "doc_a", "doc_b", descending=[True, False, False]).head(self._limit)

    def _join(self, a: Array, b: Array) -> None:
        from saedata.similar_kernels import join

        join(self._parent, a, b)


def _frame(a: Array, b: Array, similarity: Array, *, exact: bool = False) -> pl.DataFrame:
    columns = {"doc_a": a.astype(np.int64), "doc_b": b.astype(np.int64), "similarity": similarity}
    return pl.DataFrame(columns).with_columns(exact=pl.lit(exact))
