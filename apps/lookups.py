"""What several pages look up in a frame, in the form in which results are kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from saedata.concepts import choose_features
from saedata.errors import SaedataError
from saedata.frame import Embeddings, feature_name_expr
from saedata.frame.lookup import documents_at
from saedata.hygiene import ALWAYS
from saedata.reports.model import Report, Settings, gather

SETTINGS = Settings(features=12, examples=1, pairs=0)
"""Of the start page: as the report has them, with fewer rows."""

LISTED = 400
"""Features in a list to choose from, which the browser is sent whole."""

SUGGESTED = 4
"""Names that are suggested before anything is searched for."""

BEGINNING = 300
"""Characters of a document that are shown where somebody points at it."""


def gathered(*frames: Embeddings) -> Report:
    """All numbers of the report."""
    return gather(frames, SETTINGS)


def named(frame: Embeddings) -> pl.DataFrame:
    """All features with their display names, the most frequent first; those on nearly everywhere tell least."""
    density = pl.col("density").fill_null(0)
    return frame.features.with_columns(name=feature_name_expr()).sort(density >= ALWAYS, -density, "feature")


def listed(features: pl.Series, wanted: int) -> list[int]:
    """Features to choose from in a list: the first ones, and the one that is wanted; others are found by searching."""
    first: list[int] = features.head(LISTED).to_list()
    return first if wanted in first else [*first, wanted]


def passages(frame: Embeddings, feature: int, docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents with the strongest token of a feature."""
    return frame.passages([feature] * len(docs), list(docs))


def pair_passages(frame: Embeddings, features: tuple[int, int], docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents with the strongest tokens of two features: two rows for each."""
    return frame.passages([feature for feature in features for _ in docs], [*docs, *docs])


def read(frame: Embeddings, docs: tuple[int, ...]) -> pl.DataFrame:
    """Documents in the order asked for, with no feature marked."""
    nothing = {
        "feature": pl.lit(None, pl.UInt32),
        "value": pl.lit(None, pl.Float32),
        "start": pl.lit(0),
        "stop": pl.lit(0),
    }
    return documents_at(frame.view, np.array(docs, np.uint32)).with_columns(**nothing)


def beginnings(frame: Embeddings) -> pl.DataFrame:
    """How every document begins."""
    return frame.scan_documents().select("doc", pl.col("text").str.slice(0, BEGINNING)).collect()


def column(frame: Embeddings, name: str) -> pl.DataFrame:
    """``doc`` and ``value`` of a column."""
    return frame.scan_documents().select("doc", value=pl.col(name)).collect()


def counts(frame: Embeddings, column: str) -> pl.DataFrame:
    """``value`` (null: none given), ``documents`` and ``share`` of each value of a column, the most frequent first."""
    given = pl.col(column).cast(pl.String).str.strip_chars().replace("", None)
    table = frame.scan_documents().group_by(value=given).agg(documents=pl.len()).collect()
    table = table.with_columns(share=pl.col("documents") / max(frame.n_documents, 1))
    return table.sort(-pl.col("documents").cast(pl.Int64), "value", nulls_last=True)


def common(frame: Embeddings) -> list[str]:
    """Names of frequent features to begin a search with, those of style, tone and topic first."""
    known = frame.features.filter(pl.col("label").is_not_null(), pl.col("density").is_between(0.01, ALWAYS))
    kinds = pl.col("kind").is_in(["style", "tone", "topic"])
    best = known.with_columns(name=feature_name_expr()).sort(
        ~kinds.fill_null(value=False), -pl.col("density"), "feature"
    )
    names: list[str] = best["name"].unique(maintain_order=True).head(SUGGESTED).to_list()
    return names


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
