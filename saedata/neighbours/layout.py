"""A map of documents: neighbours stand near each other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.neighbours.candidates import dense_vectors, main_directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.neighbours.graph import Neighbours
    from saedata.neighbours.profiles import Profiles

EPOCHS = 200
"""Rounds of the optimisation."""

START = 16
"""Dimensions of the space whose two main directions the map starts from."""

SIZE = 10.0


def coordinates(profiles: Profiles, known: Neighbours, *, seed: int = 0) -> NDArray[np.float32]:
    """Put documents on a plane by their neighbours (UMAP).

    Parameters
    ----------
    profiles
        The documents.
    known
        Their neighbours; none is searched for again.
    seed
        Of the optimisation, which runs in one thread so that the same seed gives the same map.

    Returns
    -------
    numpy.ndarray
        float32 [documents, 2].

    Notes
    -----
    McInnes, L., Healy, J. and Melville, J. (2018), UMAP: Uniform Manifold Approximation and Projection
    (arXiv:1802.03426), with ``min_dist`` 0. It starts from two main directions and not from eigenvectors of the graph,
    as a graph of short texts can have thousands of parts that are not linked.
    """
    start = _start(profiles, seed)
    if len(profiles) < 3:
        return start
    umap = _umap()
    random = np.random.RandomState(seed)
    indices, distances = _with_itself(known)
    neighbours = indices.shape[1]
    graph, _, _ = umap.fuzzy_simplicial_set(
        start, neighbours, random, "euclidean", knn_indices=indices, knn_dists=distances
    )
    if not graph.nnz:
        return start
    a, b = umap.find_ab_params(1.0, 0.0)
    settings: dict[str, Any] = {
        "initial_alpha": 1.0,
        "a": a,
        "b": b,
        "gamma": 1.0,
        "negative_sample_rate": 5,
        "n_epochs": EPOCHS,
        "metric": "euclidean",
        "metric_kwds": {},
        "densmap": False,
        "densmap_kwds": {},
        "output_dens": False,
        "tqdm_kwds": {"disable": True},
    }
    placed, _ = umap.simplicial_set_embedding(start, graph, 2, init=start, random_state=random, **settings)
    return np.asarray(placed, np.float32)


def _umap() -> Any:
    """Load UMAP, which warns that a network of its own, not used here, is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)
        from umap import umap_  # type: ignore[import-untyped]
    return umap_


def _with_itself(known: Neighbours) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Neighbours as UMAP wants them: each document first, distances and not similarities."""
    documents = np.arange(len(known))[:, None]
    absent = known.found < 0
    distances = np.where(absent, 1.0, 1 - known.similarity)
    indices = np.hstack([documents, known.found])
    return indices.astype(np.int64), np.hstack([np.zeros((len(known), 1)), distances]).astype(np.float32)


def _start(profiles: Profiles, seed: int) -> NDArray[np.float32]:
    """Two main directions of the documents, and a little noise, as equal documents must not stay in one place."""
    vectors = dense_vectors(profiles, main_directions(profiles, dimensions=START, seed=seed))
    covariance = np.cov(vectors.T.astype(np.float64)).reshape(vectors.shape[1], -1)
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, :2]
    directions *= np.where(directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])] < 0, -1, 1)
    flat = np.zeros((len(vectors), 2))
    flat[:, : directions.shape[1]] = vectors @ directions
    scale = np.abs(flat).max() or 1.0
    noise = np.random.default_rng(seed).normal(0, 1e-4 * SIZE, flat.shape)
    return (flat * SIZE / scale + noise).astype(np.float32)
