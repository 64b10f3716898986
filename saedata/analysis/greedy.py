"""Lazy greedy choice of documents that cover features: exact, and mostly without looking at a document twice.

What a document adds can only fall as others are chosen, so an old value is an upper bound: only the document with
the highest bound must be looked at again (Minoux, M. (1978), Accelerated greedy algorithms; Leskovec, J. et al.
(2007), Cost-effective outbreak detection in networks, where it is called CELF). The documents wait in a heap,
highest bound first and of equal ones the first document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def sift_down(heap: Array, size: int, bound: Array, at: int) -> None:
    """Move a document down until nothing that stands below it goes before it."""
    doc = heap[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            bound[heap[right]] > bound[heap[child]]
            or (bound[heap[right]] == bound[heap[child]] and heap[right] < heap[child])
        ):
            child = right
        below = heap[child]
        if bound[below] < bound[doc] or (bound[below] == bound[doc] and below > doc):
            break
        heap[at] = below
        at = child
    heap[at] = doc


@compiled
def heapify(heap: Array, size: int, bound: Array) -> None:
    """Put documents in the order of a heap."""
    for at in range(size // 2 - 1, -1, -1):
        sift_down(heap, size, bound, at)


@compiled
def choose(
    pointers: Array, features: Array, weight: Array, worth: Array, times: Array,
    heap: Array, bound: Array, looked: Array, span: Array, chosen: Array, gain: Array, again: int,
) -> int:  # fmt: skip
    """Choose documents one by one; gives how many are chosen by then.

    Parameters
    ----------
    pointers, features
        The documents (see `Rows`).
    weight
        What covering a feature for the first time counts.
    worth
        What one more document with a feature adds now; changed in place.
    times
        Chosen documents with each feature; changed in place.
    heap, bound
        The documents not yet chosen, and for each document the most it can add.
    looked
        For each document, how many were chosen when its bound was computed.
    span
        How many are chosen already, and how many shall be.
    chosen, gain
        Positions of the chosen documents, and the weight each covers for the first time; filled here.
    again
        0: stop when nothing is left to cover; 1: a feature on in c chosen documents is worth weight / (c + 1).
    """
    picks, stop = span
    left = len(bound) - picks
    while picks < stop:
        doc = heap[0]
        if looked[doc] != picks:
            total = 0.0
            for at in range(pointers[doc], pointers[doc + 1]):
                total += worth[features[at]]
            bound[doc], looked[doc] = total, picks
            sift_down(heap, left, bound, 0)
            continue
        if not again and bound[doc] <= 0:
            break
        new = 0.0
        for at in range(pointers[doc], pointers[doc + 1]):
            feature = features[at]
            new += weight[feature] if times[feature] == 0 else 0.0
            times[feature] += 1
            worth[feature] = weight[feature] / (times[feature] + 1) if again else 0.0
        chosen[picks], gain[picks] = doc, new
        picks += 1
        left -= 1
        heap[0] = heap[left]
        sift_down(heap, left, bound, 0)
    return int(picks)
