"""Clusters of clusters: joined step by step, the most alike first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.cluster.result import TREE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def joined(shares: NDArray[np.float64], sizes: NDArray[np.int64]) -> pl.DataFrame:
    """Join clusters by how alike they are in what sets them apart from the whole.

    Parameters
    ----------
    shares
        float64 [clusters, features]: share of each cluster's documents where each feature is on.
    sizes
        Documents of each cluster.

    Returns
    -------
    polars.DataFrame
        See `Clustering.tree`. Average linkage over 1 - cosine of the shares less those of all clusters together.

    Examples
    --------
    >>> shares = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.1], [0.0, 0.1, 1.0]])
    >>> joined(shares, np.array([5, 4, 3])).select("node", "parent", "clusters").rows()
    [(0, 3, [0]), (1, 3, [1]), (2, 4, [2]), (3, 4, [0, 1]), (4, None, [0, 1, 2])]
    """
    from scipy.cluster.hierarchy import linkage

    count = len(sizes)
    if not count:
        return pl.DataFrame(schema=TREE)
    steps = linkage(_distances(shares, sizes), "average") if count > 1 else np.zeros((0, 4))
    members = [[number] for number in range(count)]
    parent: list[int | None] = [None] * (count + len(steps))
    documents = [int(size) for size in sizes]
    for step, (left, right, *_) in enumerate(steps):
        a, b = int(left), int(right)
        parent[a] = parent[b] = count + step
        members.append(sorted(members[a] + members[b]))
        documents.append(documents[a] + documents[b])
    distance = [0.0] * count + [max(float(step[2]), 0.0) for step in steps]
    columns = {"parent": parent, "distance": distance, "documents": documents, "clusters": members}
    return pl.DataFrame({"node": range(len(members)), **columns}, schema=TREE)


def _distances(shares: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distances between rows, as SciPy wants them: the upper triangle."""
    apart = shares - np.average(shares, axis=0, weights=np.maximum(sizes, 1))
    apart /= np.linalg.norm(apart, axis=1, keepdims=True).clip(1e-12)
    distance = np.clip(1 - apart @ apart.T, 0, 2)
    return np.asarray(distance[np.triu_indices(len(shares), 1)])
