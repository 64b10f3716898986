"""The compiled loop behind `witness`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Csr = tuple[Array, Array]


@compiled
def sample_documents(
    first: int, x: Csr, y: Csr, partners: tuple[Array, Array, Array], wanted: Array, seen: Array, sample: Array,
    state: Array,
) -> None:  # fmt: skip
    """Keep a random sample of the documents that have both features of each pair (reservoir sampling).

    ``partners`` lists for each feature of x, by pointers, the features of y it is paired with and the numbers of
    these pairs; ``wanted`` flags the features of y that are in any pair.
    """
    pointers, others, pairs = partners
    last_seen = np.full(len(wanted), -1, np.int64)
    for doc in range(len(x[0]) - 1):
        for at in range(y[0][doc], y[0][doc + 1]):
            if wanted[y[1][at]]:
                last_seen[y[1][at]] = doc
        for at in range(x[0][doc], x[0][doc + 1]):
            for entry in range(pointers[x[1][at]], pointers[x[1][at] + 1]):
                if last_seen[others[entry]] != doc:
                    continue
                pair = pairs[entry]
                place = seen[pair]
                seen[pair] += 1
                if place >= sample.shape[1]:
                    # Knuth's linear congruential generator (MMIX); its high bits are good
                    state[0] = state[0] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
                    place = np.int64(state[0] >> np.uint64(33)) % seen[pair]
                if place < sample.shape[1]:
                    sample[pair, place] = first + doc
