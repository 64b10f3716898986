"""What `cluster` returns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

NOISE, OUTSIDE = -1, -2
"""Numbers of two groups that are no clusters: in no dense group; with none of the chosen features."""

NAMES = {NOISE: "in no cluster", OUTSIDE: "none of the chosen features"}

DOCUMENTS = pl.Schema(
    {
        "doc": pl.UInt32(),
        "cluster": pl.Int32(),
        "x": pl.Float32(),
        "y": pl.Float32(),
        "strength": pl.Float64(),
        "second": pl.Int32(),
        "assigned": pl.Boolean(),
    }
)
CLUSTERS = pl.Schema(
    {
        "cluster": pl.Int32(),
        "name": pl.String(),
        "documents": pl.UInt32(),
        "share": pl.Float64(),
        "parent": pl.Int32(),
        "features": pl.List(pl.String()),
        "feature_ids": pl.List(pl.UInt32()),
        "differences": pl.List(pl.Float64()),
        "q": pl.List(pl.Float64()),
        "same_features": pl.Boolean(),
        "typical": pl.List(pl.UInt32()),
        "border": pl.List(pl.UInt32()),
        "strength": pl.Float64(),
        "stability": pl.Float64(),
        "named_by": pl.String(),
    }
)
DESCRIPTIONS = pl.Schema(
    {
        "cluster": pl.Int32(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "inside": pl.Float64(),
        "outside": pl.Float64(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "inside_on": pl.UInt32(),
        "outside_on": pl.UInt32(),
        "inside_documents": pl.UInt32(),
        "outside_documents": pl.UInt32(),
        "same_features": pl.Boolean(),
    }
)
TREE = pl.Schema(
    {
        "node": pl.Int32(),
        "parent": pl.Int32(),
        "distance": pl.Float64(),
        "documents": pl.UInt32(),
        "clusters": pl.List(pl.Int32()),
    }
)
AGREEMENT = pl.Schema(
    {
        "column": pl.String(),
        "values": pl.UInt32(),
        "documents": pl.UInt32(),
        "ari": pl.Float64(),
        "ami": pl.Float64(),
        "clustered": pl.UInt32(),
        "ari_clustered": pl.Float64(),
        "ami_clustered": pl.Float64(),
    }
)
STABILITY = pl.Schema({"subsample": pl.UInt32(), "documents": pl.UInt32(), "ari": pl.Float64(), "noise": pl.Float64()})
FEATURES = pl.Schema(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "phrase": pl.String(),
        "similarity": pl.Float64(),
        "rank": pl.UInt32(),
        "density": pl.Float64(),
        "used": pl.Boolean(),
    }
)
SUMMARY = pl.Schema(
    {
        "method": pl.String(),
        "clusters": pl.UInt32(),
        "documents": pl.UInt32(),
        "counted": pl.UInt32(),
        "noise": pl.Float64(),
        "outside": pl.Float64(),
        "features": pl.UInt32(),
        "neighbours": pl.UInt32(),
        "smallest": pl.UInt32(),
        "held_out": pl.Boolean(),
        "ari": pl.Float64(),
    }
)


@dataclass(frozen=True, eq=False)
class Clustering:
    """Clusters of documents, as a few tables.

    Attributes
    ----------
    documents
        A row for each document: ``doc``; ``cluster`` (0 is the largest; -1: in no cluster, as its surroundings are not
        dense enough or it shares nothing with others; -2: none of the chosen features is on in it); ``x`` and ``y``,
        its place on the map (null in -2); ``strength``, the share of its nearest neighbours, weighted by similarity,
        that are in its own cluster (null outside of clusters); ``second``, the other cluster that most of the rest
        are in (null: none); ``assigned``, whether it was noise that was given to the cluster of its neighbours.
    clusters
        A row for each cluster, and for -1 and -2 where there are such: ``cluster``, ``name``, ``documents``, ``share``
        of all documents, ``parent`` (its node in `tree`), ``features`` (labels of those that stand out most),
        ``feature_ids``, ``differences`` (share inside less share outside), ``q``, ``same_features`` (see
        `descriptions`), ``typical`` and ``border`` documents, mean ``strength``, ``stability`` (mean over the
        subsamples of the Jaccard index with the cluster that is most like it; null where not measured), ``named_by``.
    descriptions
        The features that differ most between the inside and the outside of each cluster: ``cluster``, ``feature``,
        ``label``, ``kind``, the shares ``inside`` and ``outside``, their ``difference`` with 95 % interval ``low`` to
        ``high``, ``p``, ``q`` (over all features and clusters that were tested), counts, and ``same_features``: the
        clusters were made from this feature in these documents, so that q describes but proves nothing.
    tree
        Clusters joined step by step, the most alike first: ``node`` (clusters are their own numbers, joined ones go
        on from there), ``parent`` (null at the top), ``distance``, ``documents``, ``clusters``.
    features
        Features that were chosen: ``feature``, ``label``, ``kind``, ``phrase``, ``similarity``, ``rank``, ``density``,
        ``used`` (false: always or never on).
    agreement
        For each column asked for: ``column``, number of ``values`` and ``documents``, ``ari`` and ``ami`` with noise
        as one more group, and of the documents that are in clusters (``clustered``) ``ari_clustered`` and
        ``ami_clustered``.
    stability
        A row for each subsample of 80 %: ``subsample``, ``documents``, ``ari`` with the clusters of all documents,
        share of ``noise``.
    summary
        One row: ``method``, number of ``clusters``, ``documents``, those ``counted`` (without exact duplicates), share
        of ``noise`` and of those ``outside``, number of ``features`` used and of ``neighbours``, ``smallest`` cluster
        asked for (null where the method has no such bound), ``held_out``, and the mean ``ari`` of the subsamples
        (null where not measured).
    """

    documents: pl.DataFrame
    clusters: pl.DataFrame
    descriptions: pl.DataFrame
    tree: pl.DataFrame
    features: pl.DataFrame
    agreement: pl.DataFrame
    stability: pl.DataFrame
    summary: pl.DataFrame
