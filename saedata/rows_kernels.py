"""Compiled loops over `Rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def row_sums(pointers: Array, features: Array, worth: Array, sums: Array) -> None:
    """Write the summed worth of each document's features, added in ascending order."""
    for doc in range(len(sums)):
        total = 0.0
        for at in range(pointers[doc], pointers[doc + 1]):
            total += worth[features[at]]
        sums[doc] = total
