"""Strata of documents of similar length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]


def lengths(frame: Embeddings, docs: Array) -> NDArray[np.int64]:
    """Tokens of these documents, in their order."""
    table = frame.scan_documents().select("doc", pl.col("tokens").fill_null(0)).collect()
    wanted = pl.DataFrame({"doc": docs}, schema={"doc": pl.UInt32})
    return wanted.join(table, on="doc", how="left", maintain_order="left")["tokens"].to_numpy().astype(np.int64)


def strata_of(length: Array, strata: int) -> NDArray[np.int64]:
    """Number the strata of documents, each with about as many documents.

    Parameters
    ----------
    length
        Number of tokens of each document.
    strata
        How many strata; documents of equal length share one, so there can be fewer.

    Examples
    --------
    >>> strata_of(np.array([3, 9, 4, 8, 3]), 2).tolist()
    [0, 1, 1, 1, 0]
    """
    _, place, counts = np.unique(length, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2  # of the ranks that equal lengths share
    found = np.floor(middle * strata / max(len(length), 1))[place]
    return np.asarray(np.unique(found, return_inverse=True)[1], dtype=np.int64)


def crossed(first: Array, second: Array, strata: int) -> NDArray[np.int64]:
    """Strata of two lengths together: a grid of at least `strata` cells, the second length divided within the first.

    Examples
    --------
    >>> crossed(np.array([1, 1, 2, 2]), np.array([5, 6, 7, 8]), 4).tolist()
    [0, 1, 2, 3]
    """
    each = int(np.ceil(np.sqrt(strata)))
    outer = strata_of(first, each)
    found = outer * each
    for one in np.unique(outer):
        inside = outer == one
        found[inside] += strata_of(second[inside], each)
    return np.asarray(np.unique(found, return_inverse=True)[1], dtype=np.int64)
