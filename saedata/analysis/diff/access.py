"""The one place that looks behind `Embeddings`: a feature's documents and values, read from the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings


def extent(frame: Embeddings) -> int:
    """One more than the largest document number there can be."""
    return frame._view.extent


def postings(frame: Embeddings, feature: int, above: float) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Documents and values where a feature exceeds a value, by document."""
    return frame._view.postings(feature, mask=frame._view.mask, above=above)


def numbers(frame: Embeddings) -> NDArray[np.uint32]:
    """Numbers of the frame's documents, ascending."""
    docs = frame._view.docs
    return np.arange(extent(frame), dtype=np.uint32) if docs is None else docs


def candidates(frames: list[Embeddings], above: float) -> NDArray[np.int64]:
    """Features that are on in any document of any frame."""
    return np.flatnonzero(sum(frame.documents_on(threshold=above) for frame in frames))
