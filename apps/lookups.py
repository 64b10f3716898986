"""What several pages look up in a frame, in the form in which results are kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from saedata.concepts import choose_features
from saedata.errors import SaedataError
from saedata.frame import Embeddings, feature_name_expr
from saedata.hygiene import ALWAYS
from saedata.reports.model import Report, Settings, gather

SETTINGS = Settings(features=12, examples=1, pairs=0)
"""Of the start page: as the report has them, with fewer rows."""

BEGINNING = 300
"""Characters of a document that are shown where somebody points at it."""


def gathered(*frames: Embeddings) -> Report:
    """All numbers of the report."""
    return gather(frames, SETTINGS)


def named(frame: Embeddings) -> pl.DataFrame:
    """All features with their display names, the most frequent first; those on nearly everywhere tell least."""
    density = pl.col("density").fill_null(0)
    return frame.features.with_columns(name=feature_name_expr()).sort(density >= ALWAYS, -density, "feature")


def passages(frame: Embeddings, feature: int, docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents with the strongest token of a feature."""
    return frame.passages([feature] * len(docs), list(docs))


def pair_passages(frame: Embeddings, features: tuple[int, int], docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents with the strongest tokens of two features: two rows for each."""
    return frame.passages([feature for feature in features for _ in docs], [*docs, *docs])


def read(frame: Embeddings, docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents in the order asked for, with no feature marked."""
    chosen = pl.col("doc").is_in(pl.Series(docs, dtype=pl.UInt32).implode())
    order = {doc: place for place, doc in enumerate(docs)}
    nothing = {
        "feature": pl.lit(None, pl.UInt32),
        "value": pl.lit(None, pl.Float32),
        "start": pl.lit(0),
        "stop": pl.lit(0),
    }
    table = frame.scan_documents().filter(chosen).collect()
    return table.sort(pl.col("doc").replace_strict(order, return_dtype=pl.UInt32)).with_columns(**nothing)


def beginnings(frame: Embeddings) -> pl.DataFrame:
    """How every document begins."""
    return frame.scan_documents().select("doc", pl.col("text").str.slice(0, BEGINNING)).collect()


def column(frame: Embeddings, name: str) -> pl.DataFrame:
    """``doc`` and ``value`` of a column."""
    return frame.scan_documents().select("doc", value=pl.col(name)).collect()


def activations(frame: Embeddings, feature: int) -> pl.DataFrame:
    """``doc`` and ``value`` where a feature is on."""
    docs, values = frame.postings(feature)
    return pl.DataFrame({"doc": docs, "value": values})


def alike(frame: Embeddings, feature: int, limit: int) -> pl.DataFrame | None:
    """Features whose labels mean something like the feature's; None: it has no label."""
    label = frame.features.filter(pl.col("feature") == feature)["label"][0]
    if not label:
        return None
    try:
        near = choose_features(frame, label, per_phrase=limit + 1)
    except SaedataError:  # no label of a feature that is on is near
        return None
    near = near.filter(pl.col("feature") != feature).head(limit)
    return near.join(frame.features.select("feature", "density"), on="feature", how="left", maintain_order="left")


def densities(frame: Embeddings) -> tuple[list[float], list[float]]:
    """Histogram of the densities of all features, over bins that are equally wide on a logarithmic axis."""
    shares = frame.features["density"].drop_nulls().to_numpy()
    shares = shares[shares > 0]
    decades = max(int(np.ceil(-np.log10(shares.min()) - 1e-9)), 1) if len(shares) else 1
    edges = np.logspace(-decades, 0, decades * 5 + 1)
    edges[-1] = 1.0
    return edges.tolist(), np.histogram(np.clip(shares, edges[0], 1.0), edges)[0].astype(float).tolist()
