"""The tables that `cluster` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.cluster.members import examples
from saedata.analysis.cluster.naming import ask_names, name_of, standing_out
from saedata.analysis.cluster.nested import joined
from saedata.analysis.cluster.result import CLUSTERS, DOCUMENTS, NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.cluster.found import Found
    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings
    from saedata.neighbours import Profiles

_SEEDS = (20_011, 40_009)


def documents_table(frame: Embeddings, docs: NDArray[np.uint32], found: Found) -> pl.DataFrame:
    """A row for each document; those that do not count stand where the first of equal text stands."""
    own, second = found.standing
    inside = found.grouping.labels >= 0
    places = found.grouping.places
    assert places is not None
    columns: dict[str, Any] = {
        "doc": docs[found.placed],
        "x": places[:, 0],
        "y": places[:, 1],
        "strength": np.where(inside, own, np.nan),
        "second": second,
        "assigned": found.given,
    }
    placed = pl.DataFrame(columns).with_columns(
        pl.col("strength").fill_nan(None), pl.when((pl.col("second") >= 0) & pl.Series(inside)).then("second")
    )
    rows = pl.DataFrame({"doc": docs, "cluster": found.labels}).join(placed, on="doc", how="left")
    rows = rows.with_columns(pl.col("assigned").fill_null(value=False))
    if len(docs) < frame.n_documents:
        rows = _firsts(frame).join(rows.rename({"doc": "first"}), on="first", how="left").drop("first")
    return rows.sort("doc").select(list(DOCUMENTS)).cast(DOCUMENTS)


def _firsts(frame: Embeddings) -> pl.DataFrame:
    """For each document the first one with the same text; null and "" are one text."""
    text = pl.col("text").fill_null("")
    hashes = [
        shard.documents(["doc", "text"]).select("doc", a=text.hash(_SEEDS[0]), b=text.hash(_SEEDS[1]))
        for shard in frame.shards()
    ]
    return pl.concat(hashes).sort("doc").select("doc", pl.col("doc").first().over("a", "b").alias("first"))


def tree_of(profiles: Profiles, labels: NDArray[np.int64], clusters: int) -> pl.DataFrame:
    """Join clusters by the features that they were made from."""
    from saedata.cooccur_kernels import count_on

    counts = np.zeros((len(profiles.weights), clusters + 1), np.int64)
    count_on(profiles.pointers, profiles.features, np.where(labels < 0, clusters, labels), counts)
    sizes = np.bincount(labels[labels >= 0], minlength=clusters)
    used = counts.any(axis=1)
    return joined((counts[used, :-1] / np.maximum(sizes, 1)).T, sizes)


def clusters_table(
    frame: Embeddings,
    rows: pl.DataFrame,
    found: Found,
    descriptions: pl.DataFrame,
    tree: pl.DataFrame,
    steady: NDArray[np.float64] | None,
    model: LanguageModel | None,
    *,
    preferred: Sequence[int] | None,
) -> pl.DataFrame:
    """A row for each cluster, and for the groups that are none."""
    table = rows.group_by("cluster").agg(pl.len().alias("documents"), pl.col("strength").mean())
    table = table.with_columns(share=pl.col("documents") / rows.height)
    own, _ = found.standing
    shown = examples(found.grouping.known, found.docs, found.grouping.labels, own)
    parts = [
        tree.select("parent", pl.col("node").alias("cluster")),
        standing_out(descriptions, preferred),
        shown,
        pl.DataFrame({"cluster": range(found.clusters), "stability": _measured(steady, found.clusters)}),
    ]
    for part in parts:
        table = table.join(part.with_columns(pl.col("cluster").cast(pl.Int32)), on="cluster", how="left")
    for name in ("features", "feature_ids", "differences", "q", "typical", "border"):
        table = table.with_columns(pl.col(name).fill_null(pl.lit([], dtype=CLUSTERS[name])))
    table = table.sort(pl.col("cluster") < 0, pl.col("cluster").abs())
    return _named(frame, table, model).select(list(CLUSTERS)).cast(CLUSTERS)


def _measured(steady: NDArray[np.float64] | None, clusters: int) -> pl.Series:
    values = np.full(clusters, np.nan) if steady is None else steady
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)


def _named(frame: Embeddings, table: pl.DataFrame, model: LanguageModel | None) -> pl.DataFrame:
    names = {
        number: NAMES.get(number) or name_of(features)
        for number, features in table.select("cluster", "features").rows()
    }
    source: dict[int, str | None] = {number: "labels" if number >= 0 else None for number in names}
    if model is not None:
        asked = ask_names(model, *_material(frame, table.filter(pl.col("cluster") >= 0)))
        names |= asked
        source |= dict.fromkeys(asked, model.name)
    return table.with_columns(
        pl.Series("name", list(names.values()), dtype=pl.String),
        pl.Series("named_by", list(source.values()), dtype=pl.String),
    )


def _material(frame: Embeddings, table: pl.DataFrame) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Features and typical texts of each cluster."""
    wanted = table["typical"].explode().drop_nulls().unique()
    documents = frame.scan_documents().filter(pl.col("doc").is_in(wanted.implode())).select("doc", "text").collect()
    text = dict(documents.rows())
    features = dict(table.select("cluster", "features").rows())
    return features, {
        number: [text[doc] or "" for doc in docs] for number, docs in table.select("cluster", "typical").rows()
    }
