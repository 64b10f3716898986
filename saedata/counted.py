"""Which documents of a frame an analysis counts, and with which threshold: checked once, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.errors import InputError
from saedata.incidence import Incidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from saedata.frame import Embeddings


def counted(frame: Embeddings, *, duplicates: str, threshold: float | None) -> Incidence:
    """Features on in the documents that count.

    Parameters
    ----------
    frame
        The documents.
    duplicates
        "once": documents of equal text count once, the first of them; "keep": every document counts.
    threshold
        What a value must exceed; None: the encoder's threshold.

    Raises
    ------
    InputError
        There are no documents, or an option is out of range.
    """
    docs, above = counted_documents(frame, duplicates=duplicates, threshold=threshold)
    return Incidence(frame, docs, threshold=above)


def counted_documents(
    frame: Embeddings, *, duplicates: str, threshold: float | None
) -> tuple[NDArray[np.uint32], float]:
    """Numbers of the documents that count, ascending, and what a value must exceed; as in `counted`."""
    msg = ""
    if frame.n_documents == 0:
        msg = f"{frame.name} has no documents, so there is nothing to count"
    elif duplicates not in ("once", "keep"):
        msg = f"duplicates is {duplicates!r}; it must be 'once' or 'keep'"
    elif threshold is not None and not threshold >= 0:
        msg = f"threshold is {threshold}; it must be 0 or more"
    if msg:
        raise InputError(msg)
    docs = frame.unique_documents() if duplicates == "once" else every_document(frame)
    return docs, frame.threshold if threshold is None else threshold


def every_document(frame: Embeddings) -> NDArray[np.uint32]:
    """Numbers of all documents, ascending."""
    return frame.scan_documents().select("doc").collect()["doc"].sort().to_numpy()
