"""The compiled loop behind `minhash`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def write_keys(
    begins: Array, sizes: Array, features: Array, table: Array, ranks: int, first: int, keys: Array, docs: Array
) -> None:
    """Write documents' keys of some bands, from the table of ranks [feature, band and rank]."""
    width = table.shape[1]
    lowest = np.empty(width, table.dtype)
    for doc in docs:
        lowest[:] = table[features[begins[doc]]]
        for at in range(begins[doc] + 1, begins[doc] + sizes[doc]):
            row = table[features[at]]
            for column in range(width):
                lowest[column] = min(lowest[column], row[column])
        for band in range(width // ranks):
            key = np.uint64(14695981039346656037)
            for column in range(band * ranks, (band + 1) * ranks):
                key = (key ^ np.uint64(lowest[column])) * np.uint64(1099511628211)
                key ^= key >> np.uint64(29)
            keys[doc, first + band] = np.uint32(key >> np.uint64(32))
