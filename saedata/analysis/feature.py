"""One feature: in which documents it is on, how strongly, and what is on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.frame.top import largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings

Which = Literal["strongest", "median", "weakest", "random"]

BINS = 30
_LAST_QUANTILE = 0.999  # so that one extreme value does not squeeze all others into one bar


def feature_documents(
    embeddings: Embeddings, feature: int, *, which: Which = "strongest", limit: int = 1000, seed: int = 0
) -> pl.DataFrame:
    """Choose documents in which a feature is on.

    Parameters
    ----------
    embeddings
        The corpus.
    feature
        Number of the feature.
    which
        "strongest" or "weakest" first; "median": nearest to the median of the values where it is on; "random".
    limit
        Documents, at most.
    seed
        Of the random choice.

    Returns
    -------
    polars.DataFrame
        ``rank`` (from 1), ``doc``, ``value``; equal values by document.

    Raises
    ------
    InputError
        An option is unknown or out of range.
    FrameError
        There is no such feature.

    Examples
    --------
    >>> feature_documents(saedata.open("willow.sae"), 1653, which="weakest")  # doctest: +SKIP
    """
    if which not in get_args(Which):
        msg = f"which is {which!r}; it must be one of {', '.join(get_args(Which))}"
        raise InputError(msg)
    if limit < 1:
        msg = f"limit is {limit}; at least one document must be asked for"
        raise InputError(msg)
    docs, values = embeddings.postings(feature)
    chosen = _order(values, which, min(limit, len(docs)), seed)
    columns = {"rank": np.arange(1, len(chosen) + 1), "doc": docs[chosen], "value": values[chosen]}
    return pl.DataFrame(columns, schema={"rank": pl.UInt32, "doc": pl.UInt32, "value": pl.Float32})


def cofiring(embeddings: Embeddings, feature: int, *, limit: int = 20, min_documents: int = 3) -> pl.DataFrame:
    """Find the features that are on in the same documents.

    Parameters
    ----------
    embeddings
        The corpus.
    feature
        Number of the feature.
    limit
        Rows, at most.
    min_documents
        Fewest documents with both.

    Returns
    -------
    polars.DataFrame
        The most alike first: ``feature``, ``name``, ``kind``, ``jaccard`` (documents with both, of those with
        either), ``documents`` (with both), ``share`` (of the documents with `feature` that have this one too),
        ``density`` (of this one).

    Raises
    ------
    FrameError
        There is no such feature.

    Examples
    --------
    >>> cofiring(saedata.open("willow.sae"), 1653).select("name", "jaccard")  # doctest: +SKIP
    """
    docs, _ = embeddings.postings(feature)
    table = embeddings.features.select("feature", "kind", "density", on="documents", name=feature_name_expr())
    both = embeddings.documents_on(docs=docs)[table["feature"].to_numpy()]
    table = table.with_columns(documents=pl.Series(both, dtype=pl.UInt32)).filter(
        pl.col("feature") != feature, pl.col("documents") >= min_documents
    )
    either = pl.col("on").cast(pl.Float64) + len(docs) - pl.col("documents")
    return (
        table.with_columns(jaccard=pl.col("documents") / either, share=pl.col("documents") / max(len(docs), 1))
        .sort(-pl.col("jaccard"), "feature")
        .head(limit)
        .select("feature", "name", "kind", "jaccard", "documents", "share", "density")
    )


def activation_histogram(embeddings: Embeddings, feature: int, *, bins: int = BINS) -> tuple[list[float], list[float]]:
    """Count the values of a feature where it is on.

    Parameters
    ----------
    embeddings
        The corpus.
    feature
        Number of the feature.
    bins
        How many, of equal width; the last one also holds the thousandth of largest values.

    Returns
    -------
    tuple of list
        Bounds of the bins (one more than bins), and documents in each; empty lists where it is never on.

    Raises
    ------
    FrameError
        There is no such feature.
    """
    _, values = embeddings.postings(feature)
    if not len(values):
        return [], []
    low, high = float(values.min()), float(np.quantile(values, _LAST_QUANTILE))
    edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return edges.tolist(), counts.astype(float).tolist()


def _order(values: NDArray[np.float32], which: Which, limit: int, seed: int) -> NDArray[np.intp]:
    if which == "random":
        return np.random.default_rng(seed).permutation(len(values))[:limit]
    if which == "median":
        distance = -np.abs(values - np.median(values)) if len(values) else values
        return largest(distance, limit)
    return largest(values if which == "strongest" else -values, limit)
