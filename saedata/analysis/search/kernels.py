"""Compiled loops over postings: scores of a block of documents, and the best of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def add_scores(
    docs: Array, values: Array, at: Array, ends: Array, worth: Array, above: float, first: int, scores: Array
) -> None:
    """Add the worth of each posting to the score of its document, for one block of documents.

    `at` is where each feature's postings go on; it is moved behind the block.
    """
    stop = first + len(scores)
    for f in range(len(at)):
        i, end, weight = at[f], ends[f], worth[f]
        while i < end and docs[i] < stop:
            if values[i] > above:
                scores[docs[i] - first] += weight * values[i]
            i += 1
        at[f] = i


@compiled
def begin_at(docs: Array, begins: Array, ends: Array, first: int, at: Array) -> None:
    """Find, for each feature, its first posting from document `first` on."""
    for f in range(len(at)):
        low, high = begins[f], ends[f]
        while low < high:
            middle = (low + high) // 2
            if docs[middle] < first:
                low = middle + 1
            else:
                high = middle
        at[f] = low


@compiled
def keep_best(scores: Array, first: int, best: Array, numbers: Array, filled: int) -> int:
    """Put a block of scores into a heap of the best so far, with the worst on top; gives how many are in it.

    Only scores above 0 count. Documents come in ascending order, so that of equal scores the first remain: a later
    one must be better than the worst, and of equal ones the last is on top.
    """
    size = len(best)
    for i in range(len(scores)):
        score = scores[i]
        if score <= 0.0 or (filled == size and score <= best[0]):
            continue
        number = first + i
        if filled < size:
            child = filled
            filled += 1
            while child > 0:
                parent = (child - 1) // 2
                if best[parent] < score or (best[parent] == score and numbers[parent] > number):
                    break
                best[child], numbers[child] = best[parent], numbers[parent]
                child = parent
            best[child], numbers[child] = score, number
        else:
            parent = 0
            while True:
                child = 2 * parent + 1
                if child >= size:
                    break
                other = child + 1
                if other < size and (
                    best[other] < best[child] or (best[other] == best[child] and numbers[other] > numbers[child])
                ):
                    child = other
                if score < best[child] or (score == best[child] and number > numbers[child]):
                    break
                best[parent], numbers[parent] = best[child], numbers[child]
                parent = child
            best[parent], numbers[parent] = score, number
    return filled
