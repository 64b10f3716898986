"""Counting over a view, and a view as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.frame.view import View


def documents_on(view: View, *, threshold: float | None = None, docs: object = None) -> NDArray[np.int64]:
    """Count the documents in which each feature is on.

    Parameters
    ----------
    view
        The documents and features.
    threshold
        What a value must exceed; None: the encoder's threshold.
    docs
        Numbers of the documents to count in; None: all of the view.

    Returns
    -------
    numpy.ndarray
        int64 [d_sae]; 0 for features that are not selected.
    """
    mask = view.narrowed(docs)
    counts = np.zeros(view.encoder.d_sae, dtype=np.int64)
    above = view.encoder.threshold if threshold is None else threshold
    for part in view.parts:
        if mask is None and above == view.encoder.threshold:
            counts += part.frame.features["documents"].to_numpy()  # counted when the frame was finished
        else:
            here = None if mask is None else mask[part.offset : part.stop]
            counts += part.frame.postings.count(above=above, mask=here)
    if view.chosen is not None:
        counts[np.setdiff1d(np.arange(len(counts)), view.chosen)] = 0
    return counts


def to_csr(view: View) -> csr_matrix:
    """Gather the stored activations of a view, one row for each document.

    Parameters
    ----------
    view
        The documents and features.

    Returns
    -------
    scipy.sparse.csr_matrix
        float32 [documents, d_sae]; row i is the i-th document of the view.
    """
    from scipy.sparse import csr_matrix

    size = sum(shard.part.frame.manifest.shards[shard.index].activations for shard in view.shards())
    indices = np.empty(size, dtype=np.int32)
    values = np.empty(size, dtype=np.float32)
    lengths = np.zeros(view.n_documents, dtype=np.int64)
    filled = 0
    for shard in view.shards():
        table = shard.activations(["doc", "feature", "value"])
        part = slice(filled, filled + table.height)
        indices[part] = table["feature"].to_numpy()
        values[part] = table["value"].to_numpy()
        filled = part.stop
        first, rows = _rows(view, shard.first, shard.stop)
        lengths[first : first + len(rows)] = np.bincount(
            table["doc"].to_numpy() - np.uint32(shard.first), minlength=shard.stop - shard.first
        )[rows]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    shape = (view.n_documents, view.encoder.d_sae)
    return csr_matrix((values[:filled], indices[:filled], offsets), shape=shape)


def _rows(view: View, first: int, stop: int) -> tuple[int, NDArray[np.int64]]:
    """Find a shard's rows in the matrix: the first of them, and which of the shard's documents they are."""
    if view.docs is None:
        return first, np.arange(stop - first)
    begin, end = np.searchsorted(view.docs, (first, stop))
    return int(begin), view.docs[begin:end].astype(np.int64) - first
