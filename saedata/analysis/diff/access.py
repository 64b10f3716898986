"""Which features of the compared frames there is anything to count of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.frame.layout import LABEL_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings


def candidates(frames: list[Embeddings], above: float) -> NDArray[np.int64]:
    """Features that are on in any document of any frame, and selected in all of them."""
    on = np.flatnonzero(sum(frame.documents_on(threshold=above) for frame in frames))
    for frame in frames:
        if frame.view.chosen is not None:
            on = np.intersect1d(on, frame.view.chosen, assume_unique=True)
    return on


def described(frame: Embeddings) -> pl.DataFrame:
    """Labels, tokens and densities of the selected features.

    `Embeddings.features` has them too; but for a part of a frame it looks at every value, of which nothing is needed.
    """
    if frame.is_whole:
        return frame.features
    table = frame.view.parts[0].frame.features.select(list(LABEL_SCHEMA))
    table = table.with_columns(density=pl.Series(frame.documents_on() / max(frame.n_documents, 1)))
    return table if frame.view.chosen is None else table[frame.view.chosen]
