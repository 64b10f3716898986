"""The compiled loop behind `hygiene`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def count_beside(pointers: Array, features: Array, twin: Array, seen: Array, both: Array) -> None:
    """Add to each feature's count the documents of a block in which its twin (-1: none) is on too.

    `seen` holds one number for each feature, all below zero at first; it is written over.
    """
    seen[:] = -1
    for doc in range(len(pointers) - 1):
        for at in range(pointers[doc], pointers[doc + 1]):
            seen[features[at]] = doc
        for at in range(pointers[doc], pointers[doc + 1]):
            other = twin[features[at]]
            if other >= 0 and seen[other] == doc:
                both[features[at]] += 1
