"""Which features of the compared frames there is anything to count of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings


def candidates(frames: list[Embeddings], above: float) -> NDArray[np.int64]:
    """Features that are on in any document of any frame, and selected in all of them."""
    on = np.flatnonzero(sum(frame.documents_on(threshold=above) for frame in frames))
    for frame in frames:
        on = np.intersect1d(on, frame.features["feature"].to_numpy(), assume_unique=True)
    return on
