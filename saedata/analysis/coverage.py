"""How much of the features a corpus turns on, and how soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.counted import counted_documents
from saedata.errors import InputError
from saedata.stats.subsets import expected_share, mean_chance_within, subset_sizes

if TYPE_CHECKING:
    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates


def coverage(frame: Embeddings, *, duplicates: Duplicates = "once", threshold: float | None = None) -> pl.DataFrame:
    """Tell how many features n documents turn on, of those that all documents do.

    Parameters
    ----------
    frame
        The corpus, for example the questions of a benchmark.
    duplicates
        "once": documents of equal text count once; "keep": every document counts.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.

    Returns
    -------
    polars.DataFrame
        A row for each size of subset (every size up to 100, then about 100 more):

        - ``documents``: the size n
        - ``features``: how many features are on in a subset of n documents, in expectation
        - ``coverage``: their share of the features that are on in all documents
        - ``of_encoder``: their share of the features of the encoder (of those selected in this view)
        - ``redundancy``: the mean of ``coverage`` over all sizes from 1 to all documents, the same in each row; near
          1 a few documents show what all do

    Raises
    ------
    InputError
        If there are no documents, no feature is on, or an option is out of range.

    Notes
    -----
    After Qwen-Scope (arXiv 2605.11887), which draws random subsets; here the expectation over all subsets of a size
    is exact (hypergeometric). There a feature counts where it is on at a question's last token; here where it is on
    at any token of the document, so that coverage is higher and rises sooner: compare with values from here.
    """
    docs, _ = counted_documents(frame, duplicates=duplicates, threshold=threshold)
    on = frame.documents_on(threshold=threshold, docs=docs)
    on = on[on > 0]
    if not len(on):
        msg = f"no feature is on in {frame.name}, so there is nothing to cover"
        raise InputError(msg)
    sizes = subset_sizes(len(docs))
    share = expected_share(on, len(docs), sizes, np.ones(len(on)))
    return pl.DataFrame(
        {
            "documents": sizes.astype(np.uint32),
            "features": share * len(on),
            "coverage": share,
            "of_encoder": share * len(on) / frame.features.height,
            "redundancy": np.full(len(sizes), mean_chance_within(on, len(docs)).mean()),
        }
    )
