"""Documents that have nearly the same features on: all pairs with a Jaccard similarity above a bound.

Two ways lead to the same pairs. The exact one looks at every pair of documents with suitable sizes. MinHash looks only
at those that agree in one of many bands of random ranks, which misses a few. In both a pair is first held against a
bound from two short bitsets, and what remains is counted exactly, so that no similarity is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from saedata.rows import Rows

    Array = NDArray[Any]
    Pairs = tuple[Array, Array, Array]

Method = Literal["auto", "exact", "minhash"]

EXACT_DOCUMENTS = 20_000
"""With more documents, "auto" takes MinHash."""

TOGETHER = 1 << 22
"""Pairs of documents in one piece of work of the exact way."""


@dataclass(frozen=True, eq=False)
class Sets:
    """Documents, each with at least one feature on, to be compared.

    Parameters
    ----------
    rows
        Features of all documents.
    chosen
        int64, positions in `rows` of the documents to compare.
    similarity
        Least Jaccard similarity of a pair, above 0 and at most 1.
    """

    rows: Rows
    chosen: NDArray[np.int64]
    similarity: float

    def __len__(self) -> int:
        return len(self.chosen)

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """Where the features of each document begin."""
        return self.rows.pointers[self.chosen]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many features each has."""
        return self.rows.pointers[self.chosen + 1] - self.begins

    @cached_property
    def sketches(self) -> NDArray[np.uint64]:
        """A short bitset of each: bit b tells whether the number of its features congruent to b is odd.

        The bits in which two differ are at most the features in which they differ, so the sketch can only reject
        pairs that are not similar. It has about twice as many bits as a document has features.
        """
        from saedata.similar_kernels import WORDS, sketch

        words = WORDS
        while words * 64 < 1.5 * self.sizes.mean() and words * 64 < self.rows.features.max(initial=0):
            words *= 2
        return sketch(self.begins, self.sizes, self.rows.features, words)

    @property
    def compared(self) -> tuple[Array, Array, Array, Array, float]:
        """What a kernel needs to compare two of them."""
        return self.begins, self.sizes, self.rows.features, self.sketches, self.similarity


def similar_pairs(sets: Sets, *, method: Method, seed: int) -> Iterator[list[Pairs]]:
    """Find the similar pairs, some at a time.

    Parameters
    ----------
    sets
        The documents.
    method
        "exact", "minhash", or "auto": by the number of documents.
    seed
        Of the random ranks.

    Yields
    ------
    list of tuples of arrays
        Positions among the documents, the smaller first, and the similarity; no pair comes twice.
    """
    if method == "exact" or (method == "auto" and len(sets) <= EXACT_DOCUMENTS):
        yield from _exact(sets)
    else:
        yield from _minhash(sets, np.random.default_rng(seed))


def _exact(sets: Sets) -> Iterator[list[Pairs]]:
    """Hold each document against all that are not so much larger that they cannot be similar."""
    from saedata.similar_kernels import pairs_from

    order = np.argsort(sets.sizes, kind="stable")
    ordered = Sets(sets.rows, sets.chosen[order], sets.similarity)
    step = max(TOGETHER // max(len(sets), 1), 1)
    parts = [np.array((first, min(first + step, len(sets)))) for first in range(0, len(sets), step)]
    compared = ordered.compared
    for found in _worked(lambda part: pairs_from(part, *compared), parts):
        yield [_in_order(order[a], order[b], similarity) for a, b, similarity in found]


def _minhash(sets: Sets, rng: np.random.Generator) -> Iterator[list[Pairs]]:
    """Hold each document against those with the same key in any band."""
    from saedata.minhash import band_keys, choose_bands
    from saedata.similar_kernels import pairs_within

    bands, ranks = choose_bands(sets, rng)
    keys = band_keys(sets, bands, ranks, rng)
    compared = sets.compared

    def within(band: int) -> Pairs:
        order = np.argsort(keys[:, band], kind="stable")
        return pairs_within(order, keys, band, *compared)

    yield from _worked(within, list(range(bands)))


def _worked(work: Callable[[Any], Pairs], parts: list[Any]) -> Iterator[list[Pairs]]:
    """Do some pieces of work at a time, so that not all results wait in memory."""
    from saedata.compiled import cores, in_threads

    together = 4 * cores()
    with progress("comparing documents", total=len(parts), unit="parts") as done:
        for first in range(0, len(parts), together):
            yield in_threads(work, parts[first : first + together])
            done(len(parts[first : first + together]))


def _in_order(a: Array, b: Array, similarity: Array) -> Pairs:
    return np.minimum(a, b), np.maximum(a, b), similarity
