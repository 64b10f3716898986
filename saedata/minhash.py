"""MinHash: documents that agree in a random sample of their features are worth comparing.

This is the package's own and not a general library's because features are small numbers: a table of random orders
stands in for hashing, so that its ranks are exact, and a document's rows of it are compared many at a time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.similar import Sets

RECALL = 0.995
"""Chance that a pair that is just similar enough is found; more similar ones are found more often."""

SAMPLE = 20_000
"""Random pairs whose similarities tell how many pairs each choice of bands would look at."""

RANKS = 256
"""Random ranks of a document computed together."""


def choose_bands(sets: Sets, rng: np.random.Generator) -> tuple[int, int]:
    """How many bands of how many ranks make the least work at this recall, by a sample of random pairs.

    A pair of similarity j has the same key in a band of r ranks with chance j ** r. Work is counted in steps of the
    processor: about 1 / 16 for each feature and rank, 100 for sorting a key, 20 for looking at a pair.
    """
    from saedata.similar_kernels import jaccard

    pairs = rng.integers(0, len(sets), size=(2, SAMPLE))
    pairs = pairs[:, pairs[0] != pairs[1]]
    alike = jaccard(pairs[0], pairs[1], sets.begins, sets.sizes, sets.rows.features)
    best = (np.inf, 1, 1)
    for ranks in range(1, 33):
        chance = min(sets.similarity**ranks, 1 - 1e-9)
        bands = int(np.ceil(np.log1p(-RECALL) / np.log1p(-chance)))
        looked_at = float((1 - (1 - alike**ranks) ** bands).mean()) * len(sets) / 2
        cost = bands * (ranks * float(sets.sizes.mean()) / 16 + 100) + 20 * looked_at
        best = min(best, (cost, bands, ranks))
    return best[1], best[2]


def band_keys(sets: Sets, bands: int, ranks: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Key of each document in each band: the lowest rank that its features have in each of some random orders."""
    from saedata.compiled import cores, in_threads
    from saedata.minhash_kernels import write_keys

    features = int(sets.rows.features.max(initial=0)) + 1
    dtype = np.uint16 if features <= 1 << 16 else np.uint32
    keys = np.empty((len(sets), bands), dtype=np.uint32)
    together = max(RANKS // ranks, 1)
    parts = np.array_split(np.arange(len(sets)), 4 * cores())
    for first in range(0, bands, together):
        width = min(together, bands - first)
        table = np.empty((features, width * ranks), dtype=dtype)
        for column in range(table.shape[1]):
            table[:, column] = rng.permutation(features)
        documents = (sets.begins, sets.sizes, sets.rows.features)
        in_threads(partial(write_keys, *documents, table, ranks, first, keys), parts)
    return keys
