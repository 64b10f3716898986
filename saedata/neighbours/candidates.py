"""Which documents are worth comparing: those that are near in a dense space of fewer dimensions.

The space is spanned by the main directions of a sample of the documents. Each document is projected, the mean taken
off and the length made 1; FAISS finds the nearest. What it finds is only where to look: similarities are counted
exactly afterwards.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.neighbours.profiles import Profiles

    Dense = NDArray[np.float32]

DIMENSIONS = 256
SAMPLE = 10_000
"""Documents that the main directions are taken from."""

FLAT = 30_000
"""Up to so many documents FAISS looks at all of them, above it at the nearest cells of its index."""

LOOKED_AT = 0.025
"""Share of the cells of the index that are looked at, at least 32 of them."""

TOGETHER = 4096
"""Documents searched for at a time."""


def dense_vectors(profiles: Profiles, basis: tuple[Dense, Dense]) -> Dense:
    """Project documents into the dense space.

    Parameters
    ----------
    profiles
        The documents.
    basis
        From `main_directions`.

    Returns
    -------
    numpy.ndarray
        float32 [documents, dimensions], of length 1 (0 where a document has nothing).
    """
    from saedata.compiled import cores, in_threads
    from saedata.neighbours.kernels import project

    directions, mean = basis
    vectors = np.empty((len(profiles), directions.shape[1]), np.float32)
    work = partial(_project, project, profiles, directions, vectors)
    in_threads(work, np.array_split(np.arange(len(profiles)), 4 * cores()))
    vectors -= mean
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, length, out=vectors, where=length > 0)
    return vectors


def _project(kernel: Any, profiles: Profiles, directions: Dense, vectors: Dense, part: NDArray[np.int64]) -> None:
    if len(part):
        span = np.array((part[0], part[-1] + 1))
        cells = profiles.pointers, profiles.features, profiles.values
        kernel(span, *cells, profiles.weights, directions, vectors)


def main_directions(profiles: Profiles, *, seed: int, dimensions: int = DIMENSIONS) -> tuple[Dense, Dense]:
    """Find the main directions of a sample of documents, and their mean in this space.

    Parameters
    ----------
    profiles
        The documents.
    seed
        Of the sample, and of the randomised decomposition.
    dimensions
        How many directions, at most.

    Returns
    -------
    tuple
        float32 [features of the encoder, dimensions] and float32 [dimensions].

    Notes
    -----
    Halko, N., Martinsson, P. G. and Tropp, J. A. (2011), Finding structure with randomness, SIAM Review 53, 217-288.
    """
    from sklearn.utils.extmath import randomized_svd  # type: ignore[import-untyped]

    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(profiles), min(SAMPLE, len(profiles)), replace=False))
    matrix = profiles.take(rows).matrix()
    used = np.flatnonzero(profiles.weights[: matrix.shape[1]] * np.asarray(matrix.sum(axis=0)).ravel())
    if len(used) <= dimensions:
        directions = np.zeros((matrix.shape[1], len(used)), np.float32)
        directions[used, np.arange(len(used))] = 1
    else:
        size = min(dimensions, len(rows))
        _, _, right = randomized_svd(matrix[:, used], size, n_iter=2, random_state=seed)
        directions = np.zeros((matrix.shape[1], size), np.float32)
        directions[used] = right.T
    mean = np.asarray(matrix.mean(axis=0)).ravel() @ directions
    return directions, np.asarray(mean, np.float32)


def candidates(base: Dense, queries: Dense, count: int, *, seed: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Find documents that are near in the dense space.

    Parameters
    ----------
    base, queries
        Unit vectors.
    count
        How many for each query.
    seed
        Of the cells of the index.

    Yields
    ------
    tuple
        Position of the first of some queries, and int32 [queries, count]: positions in `base`, -1: no more.
    """
    index = _index(base, seed)
    with progress("finding neighbours", total=len(queries), unit="documents") as done:
        for first in range(0, len(queries), TOGETHER):
            _, found = index.search(queries[first : first + TOGETHER], min(count, len(base)))
            yield first, found.astype(np.int32)
            done(len(found))


def _index(base: Dense, seed: int) -> Any:
    import faiss

    size, dimensions = base.shape
    if size <= FLAT:
        index: Any = faiss.IndexFlatIP(dimensions)
    else:
        cells = int(4 * np.sqrt(size))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = seed + 1, 10, 64
        index.nprobe = max(32, int(LOOKED_AT * cells))
        index.train(base)
    index.add(base)
    return index
