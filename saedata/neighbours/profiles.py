"""Documents as sparse vectors of features, to be compared with each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saedata.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.incidence import Incidence

    Array = NDArray[Any]

Similarity = Literal["jaccard", "cosine"]


@dataclass(frozen=True, eq=False)
class Profiles:
    """What is compared of some documents.

    Parameters
    ----------
    pointers
        int64 [documents + 1].
    features
        Features of the document at position p, ascending: ``features[pointers[p]:pointers[p + 1]]``.
    values
        float32, as long as `features`: how strong each is; empty where only on and off count.
    weights
        float32 [features of the encoder]: what each counts; with 0 it counts nothing.
    similarity
        "jaccard": what two documents share / what either has, where the values of a feature share their smaller one
        (of sets with equal weights this is the Jaccard index); "cosine".
    """

    pointers: NDArray[np.int64]
    features: Array
    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    similarity: Similarity

    def __len__(self) -> int:
        return len(self.pointers) - 1

    @property
    def mode(self) -> int:
        """How a kernel adds up what two documents share: 0 marks, 1 the smaller value, 2 products."""
        if not len(self.values):
            return 0
        return 1 if self.similarity == "jaccard" else 2

    @property
    def cosine(self) -> bool:
        """Whether sums are divided by lengths, and not by what either has."""
        return self.similarity == "cosine"

    @cached_property
    def marks(self) -> NDArray[np.float32]:
        """What each feature adds where two documents have it and only on and off count."""
        return self.weights**2 if self.cosine else self.weights

    @cached_property
    def totals(self) -> NDArray[np.float32]:
        """What each document shares with itself."""
        from saedata.neighbours.kernels import own_totals

        return own_totals(self.pointers, self.features, self.values, self.marks, self.weights, self.mode)

    def only(self, chosen: NDArray[np.bool_]) -> Profiles:
        """The same documents with some of the features (bool [features of the encoder])."""
        from saedata.neighbours.kernels import narrowed

        cells = narrowed(self.pointers, self.features, self.values, chosen)
        return Profiles(*cells, self.weights, self.similarity)

    def take(self, positions: NDArray[np.integer]) -> Profiles:
        """Some of the documents."""
        from saedata.neighbours.kernels import taken

        cells = taken(self.pointers, self.features, self.values, np.asarray(positions, np.int64))
        return Profiles(*cells, self.weights, self.similarity)

    def matrix(self) -> csr_matrix:
        """Weighted values as a SciPy matrix, float32 [documents, features of the encoder]."""
        from scipy.sparse import csr_matrix

        weighted = self.weights[self.features]
        values = self.values * weighted if len(self.values) else weighted
        shape = (len(self), len(self.weights))
        return csr_matrix((values, self.features.astype(np.int32), self.pointers), shape=shape)


def read_profiles(
    incidence: Incidence, weights: NDArray[np.float64], *, similarity: Similarity = "jaccard", binary: bool = True
) -> Profiles:
    """Read what is compared of the documents that count.

    Parameters
    ----------
    incidence
        The documents, with the features that were selected in their frame.
    weights
        float64 [features of the encoder]: what each feature counts; those with 0 are left out.
    similarity
        "jaccard" or "cosine".
    binary
        Whether only on and off count; else values, each divided by the mean of its feature where that is on, as
        features have different scales.
    """
    rows = Rows.of(incidence)
    values = np.zeros(0, np.float32) if binary else _scaled(_values(incidence, len(rows.features)), rows.features)
    profiles = Profiles(rows.pointers, rows.features, values, weights.astype(np.float32), similarity)
    return profiles if (weights > 0).all() else profiles.only(weights > 0)


def _values(incidence: Incidence, size: int) -> NDArray[np.float32]:
    """Values in the order in which `Rows` has the features."""
    counts = np.zeros(int(incidence.docs.max(initial=0)) + 1, dtype=np.bool_)
    counts[incidence.docs] = True
    above = pl.lit(incidence.threshold, pl.Float32)
    values, filled = np.empty(size, np.float32), 0
    for shard in incidence.frame.shards():
        table = shard.activations(["doc", "value"]).filter(pl.col("value") > above, pl.col("doc") < len(counts))
        found = table["value"].to_numpy()[counts[table["doc"].to_numpy()]]
        values[filled : filled + len(found)] = found
        filled += len(found)
    return values


def _scaled(values: NDArray[np.float32], features: Array) -> NDArray[np.float32]:
    on = np.maximum(np.bincount(features), 1)
    mean = np.bincount(features, values) / on
    return np.asarray(values / np.where(mean > 0, mean, 1.0)[features], np.float32)
