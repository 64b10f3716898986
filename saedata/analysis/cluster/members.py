"""How firmly documents stand in their clusters, and which are typical of them or at their border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.neighbours import Neighbours

SHOWN = 5
"""Typical documents of a cluster, and as many at its border."""


def standing_of(known: Neighbours, labels: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Share of each document's neighbours that are in its cluster, and the other cluster most of the rest are in."""
    from saedata.neighbours.kernels import standing

    own, second = np.empty(len(labels)), np.empty(len(labels), np.int64)
    standing(known.found, known.similarity, labels, own, second)
    return own, second


def examples(
    known: Neighbours, docs: NDArray[np.uint32], labels: NDArray[np.int64], own: NDArray[np.float64]
) -> pl.DataFrame:
    """Documents to read of each cluster.

    Parameters
    ----------
    known
        Neighbours of the documents that are grouped.
    docs, labels
        Their numbers and clusters.
    own
        How firmly they stand.

    Returns
    -------
    polars.DataFrame
        ``cluster``; ``typical``: most similar in sum to the documents of the cluster that are linked to them;
        ``border``: fewest of their neighbours in it, not all of them.
    """
    links = known.graph().tocoo()
    same = labels[links.row] == labels[links.col]
    within = np.bincount(links.row[same], links.data[same], minlength=len(labels))
    table = pl.DataFrame({"doc": docs, "cluster": labels, "own": own, "within": within}).filter(pl.col("cluster") >= 0)
    typical = table.sort(-pl.col("within"), "doc").group_by("cluster").agg(pl.col("doc").head(SHOWN).alias("typical"))
    border = table.filter(pl.col("own") < 1).sort("own", "within", "doc")
    border = border.group_by("cluster").agg(pl.col("doc").head(SHOWN).alias("border"))
    return typical.join(border, on="cluster", how="left").with_columns(pl.col("border").fill_null([]))
