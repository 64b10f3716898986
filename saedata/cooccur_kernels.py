"""The compiled loops behind `cooccur`.

Everywhere `pointers`, `numbers` are a block of documents by rows: document d has the numbers
``numbers[pointers[d]:pointers[d + 1]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled, popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WORDS = 128
"""64-bit words of a bitset that are looked at together: 8 192 documents, 1 kB, so that rows stay in cache."""


@compiled
def count_on(pointers: Array, numbers: Array, stratum: Array, counts: Array) -> None:
    """Add each document's features to the counts [feature, stratum]."""
    for doc in range(len(pointers) - 1):
        for at in range(pointers[doc], pointers[doc + 1]):
            counts[numbers[at], stratum[doc]] += 1


@compiled
def arrange(pointers: Array, numbers: Array, renumber: Array, n_sparse: int) -> tuple[Array, Array, Array]:
    """Renumber features (-1 drops one), and put each document's sparse ones before its dense ones.

    Returns the new pointers, where the dense ones begin in each document, and the numbers.
    """
    documents = len(pointers) - 1
    new_pointers = np.zeros(documents + 1, np.int64)
    split = np.empty(documents, np.int64)
    arranged = np.empty_like(numbers)
    dense = np.empty(len(renumber) + 1, numbers.dtype)
    size = 0
    for doc in range(documents):
        later = 0
        for at in range(pointers[doc], pointers[doc + 1]):
            number = renumber[numbers[at]]
            # Written first and counted then: no branch for the processor to guess wrong.
            arranged[size] = dense[later] = number
            size += 0 <= number < n_sparse
            later += number >= n_sparse
        split[doc] = size
        arranged[size : size + later] = dense[:later]
        size += later
        new_pointers[doc + 1] = size
    return new_pointers, split, arranged[:size]


@compiled
def partners(
    x: tuple[Array, Array, Array], y: tuple[Array, Array, Array], rows: Array, n_sparse: int, same: int
) -> tuple[Array, Array, Array]:
    """List, for each feature of x in the rows, the stretches of y's numbers that it stands beside.

    A dense feature is counted here only against y's sparse ones; the bitsets count the rest. Within one side
    (`same`) a feature is counted against those that follow it, so that no pair counts twice.
    """
    first, stop = rows
    pointers, split, numbers = x
    where = np.zeros(stop - first + 1, np.int64)
    documents = len(pointers) - 1
    for doc in range(documents):
        end = split[doc] if same else pointers[doc + 1]
        for at in range(pointers[doc], end):
            if first <= numbers[at] < stop:
                where[numbers[at] - first + 1] += 1
    where = np.cumsum(where)
    following = where[:-1].copy()
    begins = np.empty(where[-1], np.int32)
    ends = np.empty(where[-1], np.int32)
    for doc in range(documents):
        end = split[doc] if same else pointers[doc + 1]
        for at in range(pointers[doc], end):
            row = numbers[at] - first
            if 0 <= row < stop - first:
                begins[following[row]] = at + 1 if same else y[0][doc]
                ends[following[row]] = y[0][doc + 1] if numbers[at] < n_sparse else y[1][doc]
                following[row] += 1
    return where, begins, ends


@compiled
def add_sparse(
    rows: Array, where: Array, begins: Array, ends: Array, numbers: Array, base: Array, cells: Array
) -> None:
    """Count the pairs of these rows (from the block's first) with everything they stand beside."""
    for row in rows:
        own = cells[base[row] :]
        for entry in range(where[row], where[row + 1]):
            for at in range(begins[entry], ends[entry]):
                own[numbers[at]] += 1


@compiled
def pack_bits(pointers: Array, split: Array, numbers: Array, n_sparse: int, n_dense: int) -> Array:
    """Give each dense feature one bit for each document: [groups of documents, dense feature, words]."""
    documents = len(pointers) - 1
    groups = (documents + 64 * WORDS - 1) // (64 * WORDS)
    bits = np.zeros((groups, n_dense, WORDS), np.uint64)
    for doc in range(documents):
        group, word = doc // (64 * WORDS), (doc // 64) % WORDS
        bit = np.uint64(1) << np.uint64(doc % 64)
        for at in range(split[doc], pointers[doc + 1]):
            bits[group, numbers[at] - n_sparse, word] |= bit
    return bits


@compiled
def add_dense(rows: Array, first: int, x: Array, y: Array, dense: Array, same: int, base: Array, cells: Array) -> None:
    """Count the pairs of these dense rows with y's dense features, by their common bits.

    `first` is the block's first row, `dense` holds the number of the first dense feature of x and of y.
    """
    for group in range(len(x)):
        for row in rows:
            own = cells[base[row] :]
            mine = x[group, row + first - dense[0]]
            for other in range(row + first - dense[0] + 1 if same else 0, y.shape[1]):
                theirs = y[group, other]
                both = np.uint64(0)
                for word in range(WORDS):
                    both += popcount(mine[word] & theirs[word])
                own[dense[1] + other] += np.uint32(both)


@compiled
def take_rows(pointers: Array, numbers: Array, rows: Array) -> tuple[Array, Array]:
    """Copy documents in another order."""
    lengths = pointers[rows + 1] - pointers[rows]
    new_pointers = np.zeros(len(rows) + 1, np.int64)
    new_pointers[1:] = np.cumsum(lengths)
    taken = np.empty(new_pointers[-1], numbers.dtype)
    for doc in range(len(rows)):
        begin = pointers[rows[doc]]
        taken[new_pointers[doc] : new_pointers[doc + 1]] = numbers[begin : begin + lengths[doc]]
    return new_pointers, taken


@compiled
def add_scores(pointers: Array, numbers: Array, scores: Array, sums: Array) -> None:
    """Add each document's score to the sums of its features."""
    for doc in range(len(pointers) - 1):
        for at in range(pointers[doc], pointers[doc + 1]):
            sums[numbers[at]] += scores[doc]
