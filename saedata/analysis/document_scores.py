"""A score for each document by the features that are on in it, to filter data by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.counted import counted
from saedata.rows import once
from saedata.weights import feature_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.incidence import Incidence
    from saedata.weights import Weights


def document_scores(
    frame: Embeddings, *, weights: Weights | None = None, per_token: bool = False, threshold: float | None = None
) -> pl.DataFrame:
    """Score each document by the features that are on in it.

    Parameters
    ----------
    frame
        The documents; with ``frame.select(...)`` only some features are counted.
    weights
        None: each feature that is on counts 1, so that the score is their number (L0), the baseline that any other
        score must beat. "rare": density ** -0.5. Or a table with columns ``feature`` and ``weight``, which may be
        negative; features not in it count nothing.
    per_token
        Divide the score by the document's number of tokens: longer documents turn more features on.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.

    Returns
    -------
    polars.DataFrame
        A row for each document, best first, equal ones by number: ``doc``, ``tokens``, ``features_on``, ``score``,
        ``rank`` (from 1) and ``percentile`` (0 to 100: documents with a lower score, and half of those with the
        same). With `per_token` documents without tokens have no score and no percentile, and come last.

    Raises
    ------
    InputError
        If there are no documents, or the weights or the threshold cannot be used.

    Notes
    -----
    The sum of the weights of the features that are on, as in SAE-V (arXiv 2502.17514), which keeps the documents
    with the highest sums; its weights compare text and images, here they are yours.
    """
    incidence = counted(frame, duplicates="keep", threshold=threshold)
    on = frame.documents_on(threshold=threshold, docs=incidence.docs)
    weight = feature_weights("equal" if weights is None else weights, on, len(incidence), allow_negative=True)
    features_on, score = _sums(incidence, weight)
    documents = frame.scan_documents().select("doc", "tokens").collect().sort("doc")
    table = documents.with_columns(features_on=pl.Series(features_on, dtype=pl.UInt32), score=pl.Series(score))
    if per_token:
        known = pl.col("tokens") > 0
        table = table.with_columns(score=pl.when(known).then(pl.col("score") / pl.col("tokens")))
    return _ranked(table)


def _sums(incidence: Incidence, weight: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many features are on in each document, and the sum of their weights."""
    from saedata.rows_kernels import row_sums

    features_on = np.zeros(len(incidence), dtype=np.int64)
    score = np.zeros(len(incidence))
    for block in once(incidence):
        features_on[block.documents] = np.diff(block.pointers)
        row_sums(block.pointers, block.features, weight, score[block.documents])
    return features_on, score


def _ranked(table: pl.DataFrame) -> pl.DataFrame:
    """Order by score, and say where each stands."""
    highest = pl.col("score").rank("max")  # documents with this score or a lower one
    lowest = pl.col("score").rank("min")
    percentile = 100 * (lowest - 1 + highest) / (2 * pl.col("score").count())
    return (
        table.with_columns(percentile=percentile)
        .sort("score", "doc", descending=[True, False], nulls_last=True)
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32))
        .select("doc", "tokens", "features_on", "score", "rank", "percentile")
    )
