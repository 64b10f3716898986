"""Frames for other programs: a documents table that Embedding Atlas can filter by feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.frame.features import feature_name_expr

if TYPE_CHECKING:
    from saedata.frame.view import ShardView, View

FEATURES = "features"


def to_atlas(view: View, features: pl.DataFrame, *, n: int) -> pl.DataFrame:
    """Give each document the list of its strongest features.

    Parameters
    ----------
    view
        The documents.
    features
        ``Embeddings.features``, for the names.
    n
        Features for each document, at most.

    Returns
    -------
    polars.DataFrame
        The documents with a column ``features``, a list of structs ``feature`` (name), ``source`` (encoder)
        and ``index`` (feature number), strongest first; a user's column of that name becomes
        ``user_features``.
    """
    names = features.select("feature", name=feature_name_expr())
    schema = view.scan_documents().collect_schema()
    tables = [_shard(shard, names, n) for shard in view.shards()]
    if not tables:
        empty = pl.lit(None, pl.List(_struct_type()))
        return _renamed(pl.DataFrame(schema=schema)).with_columns(empty.alias(FEATURES))
    return pl.concat(tables, how="diagonal_relaxed")


def _shard(shard: ShardView, names: pl.DataFrame, n: int) -> pl.DataFrame:
    source = pl.lit(shard.view.encoder.name, pl.String)
    lists = (
        shard.activations(["doc", "feature", "value"])
        .sort("doc", -pl.col("value"), "feature")
        .group_by("doc", maintain_order=True)
        .head(n)
        .join(names, on="feature", how="left", maintain_order="left")
        .group_by("doc", maintain_order=True)
        .agg(pl.struct(feature="name", source=source, index="feature").alias(FEATURES))
    )
    documents = _renamed(shard.documents())
    joined = documents.join(lists, on="doc", how="left", maintain_order="left")
    return joined.with_columns(pl.col(FEATURES).fill_null([]))


def _renamed(documents: pl.DataFrame) -> pl.DataFrame:
    return documents.rename({FEATURES: f"user_{FEATURES}"}) if FEATURES in documents.columns else documents


def _struct_type() -> pl.Struct:
    return pl.Struct({"feature": pl.String, "source": pl.String, "index": pl.UInt32})
