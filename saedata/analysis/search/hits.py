"""What is told of the documents that were found: their texts, and the features that speak for them, with spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.search.characteristic import scales
from saedata.frame.lookup import activations_at, documents_at
from saedata.frame.top import SUFFIX

if TYPE_CHECKING:
    from saedata.frame import Embeddings

FEATURES = 10
"""Features named for a document, at most: those that add most to its score."""

NAMED = pl.List(
    pl.Struct(
        {
            "feature": pl.UInt32,
            "label": pl.String,
            "value": pl.Float32,
            "start": pl.UInt32,
            "stop": pl.UInt32,
            "weight": pl.Float64,
        }
    )
)
"""Type of the column ``features``."""


def with_texts(embeddings: Embeddings, ranked: pl.DataFrame, table: pl.DataFrame, above: float) -> pl.DataFrame:
    """Complete a ranking.

    Parameters
    ----------
    embeddings
        The corpus.
    ranked
        ``doc``, ``score`` and the ranks.
    table
        The features that were chosen, with ``weight`` and ``wanted``.
    above
        What an activation must exceed to count.

    Returns
    -------
    polars.DataFrame
        ``doc``, ``score``, ``text``, ``features``, the ranks, and the user's columns.
    """
    documents = documents_at(embeddings.view, ranked["doc"].to_numpy())
    documents = documents.drop("tokens", "features_on", "variance_unexplained")
    named = ranked.join(speaking(embeddings, ranked["doc"], table, above), on="doc", how="left", maintain_order="left")
    named = named.with_columns(pl.col("features").fill_null(pl.lit([], NAMED)))
    ranks = [name for name in ranked.columns if name not in ("doc", "score")]
    clashing = {name: name + SUFFIX for name in documents.columns if name in named.columns and name != "doc"}
    whole = named.join(documents.rename(clashing), on="doc", how="left", maintain_order="left")
    own = [name for name in whole.columns if name not in ("doc", "score", "text", "features", *ranks)]
    return whole.select("doc", "score", "text", "features", *ranks, *own)


def speaking(embeddings: Embeddings, docs: pl.Series, table: pl.DataFrame, above: float) -> pl.DataFrame:
    """The chosen features that are on in some documents.

    Returns
    -------
    polars.DataFrame
        ``doc`` and ``features``: a list of structs with number, label, value, span of the strongest token, and
        weight in the query; those that add most to the score first, ten at most. Documents without any are absent.
    """
    weights = table.filter(pl.col("wanted")).group_by("feature").agg(pl.col("label").first(), pl.col("weight").sum())
    features = weights["feature"].to_numpy()
    if not len(features):
        return pl.DataFrame(schema={"doc": pl.UInt32, "features": NAMED})
    weights = weights.with_columns(unit=pl.Series(scales(embeddings)[features.astype(np.int64)], dtype=pl.Float64))
    on = activations_at(embeddings.view, docs.to_numpy(), features).filter(pl.col("value") > pl.lit(above, pl.Float32))
    return (
        on.join(weights, on="feature")
        .sort("doc", -(pl.col("weight") * pl.col("value") / pl.col("unit")), "feature")
        .group_by("doc", maintain_order=True)
        .agg(pl.struct("feature", "label", "value", "start", "stop", "weight").head(FEATURES).alias("features"))
        .cast({"features": NAMED})
    )
