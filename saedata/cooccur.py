"""How often features are on together: exact counts for all pairs of thousands of features.

Pairs with a sparse feature are counted by walking through the documents of that feature; pairs of two dense ones
by the common bits of their bitsets. Documents come in blocks, and so do the rows of the table of counts, so that
memory does not grow with the corpus and not with the square of the number of features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.incidence import Block, Incidence

    Array = NDArray[Any]

CELLS = 140_000_000
"""Counts held at a time, 4 bytes each: all pairs of 16 384 features are one block."""

BIT_COST = 0.0007
"""Time for one bit of two bitsets, relative to the time for one pair that is on in one document (measured)."""

TASKS = 8
"""Pieces of work for each processor and block."""


@dataclass(frozen=True, eq=False)
class Side:
    """The features of one frame that are counted, sparse ones before dense ones.

    Parameters
    ----------
    incidence
        Where they are on.
    features
        Their numbers; the first `n_sparse` of them are the sparse ones.
    n_sparse
        How many are sparse.
    """

    incidence: Incidence
    features: NDArray[np.uint32]
    n_sparse: int

    @classmethod
    def of(cls, incidence: Incidence, features: Array, on: Array) -> Side:
        """Divide features into sparse and dense ones so that counting is quick.

        Parameters
        ----------
        incidence
            Where they are on.
        features
            Their numbers, ascending.
        on
            In how many documents each is on.
        """
        order = np.argsort(on, kind="stable")
        n_sparse = _cheapest_split(on[order] / max(len(incidence), 1))
        sparse = np.zeros(len(features), dtype=np.bool_)
        sparse[order[:n_sparse]] = True
        numbers = np.concatenate((features[sparse], features[~sparse])).astype(np.uint32)
        return cls(incidence, numbers, n_sparse)

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def renumber(self) -> Array:
        """Position of each feature of the encoder among these, or -1."""
        positions = np.full(self.incidence.frame.n_features, -1, dtype=np.int32)
        positions[self.features] = np.arange(len(self.features))
        return positions


@dataclass(frozen=True, eq=False)
class Counts:
    """Some rows of a table of counts.

    Parameters
    ----------
    first, stop
        The rows: positions of features of the one side.
    base
        The pair of row ``first + r`` and column c is ``cells[base[r] + c]``.
    cells
        uint32, documents in which both are on.
    """

    first: int
    stop: int
    base: NDArray[np.int64]
    cells: NDArray[np.uint32]


class Cooccurrence:
    """Counts of all pairs within one side, or between two sides with the same documents.

    Parameters
    ----------
    x
        The side of the rows.
    y
        The side of the columns; None: pairs within `x`, each once (column behind row).
    """

    def __init__(self, x: Side, y: Side | None = None) -> None:
        self.x, self.y, self.same = x, x if y is None else y, y is None
        self._kept: Counts | None = None

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.x) * (len(self.x) - 1) // 2 if self.same else len(self.x) * len(self.y)

    def blocks(self) -> Iterator[Counts]:
        """Count, as many rows at a time as fit in memory; a single block is counted only once."""
        if self._kept is not None:
            yield self._kept
            return
        edges = self._edges()
        for first, stop in pairwise(edges):
            counts = self._count(first, stop)
            if len(edges) == 2:
                self._kept = counts
            yield counts

    def _edges(self) -> list[int]:
        """Where to divide the rows."""
        widths = len(self.y) - np.arange(len(self.x)) if self.same else np.full(len(self.x), len(self.y))
        total = np.cumsum(widths)
        edges = [0]
        while edges[-1] < len(self.x):
            done = total[edges[-1] - 1] if edges[-1] else 0
            edges.append(max(int(np.searchsorted(total, done + CELLS, side="right")), edges[-1] + 1))
        return edges

    def _count(self, first: int, stop: int) -> Counts:
        rows = np.arange(first, stop)
        widths = len(self.y) - rows if self.same else np.full(len(rows), len(self.y))
        ends = np.cumsum(widths)
        base = ends - widths - (rows if self.same else 0)
        # A row's slice begins at column 0, though its first cell is on the diagonal; so none may begin before 0.
        shift = -int(base.min(initial=0))
        counts = Counts(first, stop, base + shift, np.zeros(int(ends[-1]) + shift if len(ends) else 0, np.uint32))
        documents = len(self.x.incidence)
        with progress("counting pairs", total=documents, unit="documents") as done:
            for mine, theirs in self._documents():
                self._add(counts, mine, theirs)
                done(len(mine.pointers) - 1)
        return counts

    def _documents(self) -> Iterator[tuple[Block, Block]]:
        if self.same:
            yield from ((block, block) for block in self.x.incidence.blocks())
        else:
            yield from zip(self.x.incidence.blocks(), self.y.incidence.blocks(), strict=True)

    def _add(self, counts: Counts, mine: Block, theirs: Block) -> None:
        from saedata.compiled import cores, in_threads
        from saedata.cooccur_kernels import add_dense, add_sparse, arrange, pack_bits, partners

        x = arrange(mine.pointers, mine.features, self.x.renumber, self.x.n_sparse)
        y = x if self.same else arrange(theirs.pointers, theirs.features, self.y.renumber, self.y.n_sparse)
        span = np.array((counts.first, counts.stop))
        stretches = partners(x, y, span, self.x.n_sparse, self.same)
        rows = np.arange(counts.stop - counts.first)
        last = max(min(self.x.n_sparse, counts.stop) - counts.first, 0) if self.same else len(rows)
        tasks = TASKS * cores()
        work = partial(add_sparse, where=stretches[0], begins=stretches[1], ends=stretches[2])
        in_threads(
            lambda part: work(part, numbers=y[2], base=counts.base, cells=counts.cells),
            [rows[:last][task::tasks] for task in range(tasks)],
        )
        dense = rows[max(self.x.n_sparse - counts.first, 0) :]
        if len(dense) and len(self.y) > self.y.n_sparse:
            bits = pack_bits(*x, self.x.n_sparse, len(self.x) - self.x.n_sparse)
            others = bits if self.same else pack_bits(*y, self.y.n_sparse, len(self.y) - self.y.n_sparse)
            split = np.array((self.x.n_sparse, self.y.n_sparse))
            in_threads(
                lambda part: add_dense(part, counts.first, bits, others, split, self.same, counts.base, counts.cells),
                [dense[task::tasks] for task in range(tasks)],
            )


def _cheapest_split(density: Array) -> int:
    """How many of the features, sparsest first, to count through their documents.

    With D dense features of summed density P, and all features of summed density A, walking takes A**2 - P**2 and
    the bitsets D**2 * BIT_COST, in the same unit.
    """
    total = np.concatenate(([0.0], np.cumsum(density)))
    dense = total[-1] - total
    cost = total[-1] ** 2 - dense**2 + BIT_COST * np.arange(len(density), -1, -1) ** 2
    return int(np.argmin(cost))
