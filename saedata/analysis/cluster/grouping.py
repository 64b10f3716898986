"""Documents into groups: by density on the map, or by cutting the graph of neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.cluster.options import DENSE_AROUND
from saedata.errors import SaedataError
from saedata.neighbours import Neighbours, coordinates, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.cluster.options import Options
    from saedata.neighbours import Profiles

    Labels = NDArray[np.int64]
    Places = NDArray[np.float32]

_KMEANS_STARTS = 10


@dataclass(frozen=True, eq=False)
class Grouping:
    """Documents with their neighbours, places and clusters.

    Parameters
    ----------
    labels
        int64 [documents]: cluster, 0 is the largest; -1: noise.
    known
        Their neighbours.
    places
        float32 [documents, 2]; None where nobody needed them.
    """

    labels: Labels
    known: Neighbours
    places: Places | None


def group(profiles: Profiles, options: Options, *, mapped: bool) -> Grouping:
    """Find neighbours, places and clusters of documents.

    Parameters
    ----------
    profiles
        The documents.
    options
        How.
    mapped
        Whether places are wanted even where the method does not need them.
    """
    method = options.chosen_method(len(profiles))
    known = nearest(profiles, options.neighbours_of(len(profiles)), seed=options.seed)
    places = None
    if mapped or method in ("hdbscan", "kmeans"):
        places = coordinates(profiles, known, seed=options.seed)
    if method == "hdbscan":
        assert places is not None
        labels = _dense(places, options.smallest_of(len(profiles)))
    elif method == "kmeans":
        assert places is not None
        labels = _centred(places, options)
    elif method == "spectral":
        labels = _spectral(known, options)
    else:
        labels = _communities(known, options)
    alone = (known.found < 0).all(axis=1)
    return Grouping(by_size(np.where(alone, -1, labels)), known, places)


def by_size(labels: Labels) -> Labels:
    """Number clusters anew, the largest first; of equal ones the one with the first document.

    Examples
    --------
    >>> by_size(np.array([5, 2, -1, 2, 7])).tolist()
    [1, 0, -1, 0, 2]
    """
    inside = labels >= 0
    names, first, counts = np.unique(labels[inside], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    number = np.full(int(names.max(initial=-1)) + 2, -1, np.int64)  # the last place is for -1
    number[names[order]] = np.arange(len(names))
    return number[labels]


def _dense(places: Places, smallest: int) -> Labels:
    """HDBSCAN on the map.

    On the graph of neighbours itself (mutual reachability, as HDBSCAN of a sparse distance matrix takes it) most of the
    news, questions and requests tried came out as noise (55 to 90 %), or nearly all of them as one group: distances
    between sparse sets of features are nearly all alike. On the map 1 to 20 % are noise, and the groups agree with
    topics and intents.
    """
    import hdbscan  # type: ignore[import-untyped]

    found = hdbscan.HDBSCAN(
        min_cluster_size=min(smallest, len(places)),
        min_samples=min(DENSE_AROUND, len(places) - 1),
        core_dist_n_jobs=1,
    )
    return np.asarray(found.fit_predict(places.astype(np.float64)), np.int64)


def _centred(places: Places, options: Options) -> Labels:
    """k-means on the map."""
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]

    found = KMeans(options.clusters, n_init=_KMEANS_STARTS, random_state=options.seed)
    return np.asarray(found.fit_predict(places.astype(np.float64)), np.int64)


def _spectral(known: Neighbours, options: Options) -> Labels:
    """Normalised cut of the graph of neighbours (Ng, Jordan and Weiss 2001).

    The eigenvectors are found by Lanczos iterations with the sparse matrix, where scikit-learn's spectral clustering
    would factorise it, which fills memory.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigsh
    from sklearn.cluster import KMeans

    graph = known.graph()
    clusters = options.clusters
    assert clusters is not None
    degree = np.asarray(graph.sum(axis=1)).ravel()
    linked = np.flatnonzero(degree > 0)
    labels = np.full(len(degree), -1, np.int64)
    if len(linked) <= clusters:
        labels[linked] = np.arange(len(linked))
        return labels
    scale = diags_array(1 / np.sqrt(degree[linked]))
    matrix = scale @ graph[linked][:, linked].astype(np.float64) @ scale
    start = np.random.default_rng(options.seed).standard_normal(len(linked))
    if clusters < len(linked) - 1:
        _, vectors = eigsh(matrix, k=clusters, which="LA", v0=start, tol=1e-4)
    else:
        vectors = np.linalg.eigh(matrix.toarray())[1][:, -clusters:]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    found = KMeans(clusters, n_init=_KMEANS_STARTS, random_state=options.seed)
    labels[linked] = found.fit_predict(vectors)
    return labels


def _communities(known: Neighbours, options: Options) -> Labels:
    """Leiden communities of the graph of neighbours (Traag, Waltman and van Eck 2019)."""
    import random

    try:
        import igraph  # type: ignore[import-untyped]
    except ImportError:
        msg = "the method 'leiden' needs the igraph package; install it with `pip install 'saedata[groups]'`"
        raise SaedataError(msg) from None
    from scipy.sparse import triu

    links = triu(known.graph()).tocoo()
    graph = igraph.Graph(n=len(known), edges=np.stack([links.row, links.col], axis=1))
    igraph.set_random_number_generator(random.Random(options.seed))  # noqa: S311 - no secret depends on it
    try:
        found = graph.community_leiden(
            objective_function="modularity",
            weights=links.data.tolist(),
            resolution=options.resolution,
            n_iterations=-1,
        )
    finally:
        igraph.set_random_number_generator(random)
    return np.asarray(found.membership, np.int64)


def assigned(known: Neighbours, labels: Labels) -> Labels:
    """Give noise to the cluster of its neighbours, from the clusters outwards till nothing changes.

    What is not linked to any cluster remains noise.
    """
    from saedata.neighbours.kernels import votes

    labels = labels.copy()
    while len(waiting := np.flatnonzero(labels < 0)):
        best, share = np.empty(len(waiting), np.int64), np.empty(len(waiting))
        votes(known.found[waiting], known.similarity[waiting], labels, best, share)
        if (best < 0).all():
            break
        labels[waiting] = best
    return labels


def follow(base: Profiles, labels: Labels, queries: Profiles, options: Options) -> Labels:
    """Cluster of documents that were not there when the clusters were made: that of their neighbours; -1: noise."""
    from saedata.neighbours.kernels import votes

    known = nearest(base, min(options.neighbours_of(len(base)), len(base)), queries=queries, seed=options.seed)
    clusters = int(labels.max(initial=-1)) + 1
    best, share = np.empty(len(queries), np.int64), np.empty(len(queries))
    votes(known.found, known.similarity, np.where(labels < 0, clusters, labels), best, share)
    return np.where(best == clusters, -1, best)
