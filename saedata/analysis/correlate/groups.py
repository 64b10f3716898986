"""Groups of features that belong to one concept: communities in the graph of links between features."""

from __future__ import annotations

import random
from typing import Literal

import numpy as np
import polars as pl

from saedata.errors import InputError, SaedataError

SCHEMA = pl.Schema(
    {
        "group": pl.UInt32(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "links": pl.UInt32(),
        "strength": pl.Float64(),
        "size": pl.UInt32(),
    }
)
"""Columns of the result."""


def concept_groups(
    pairs: pl.DataFrame,
    *,
    weight: Literal["npmi", "coupling"] = "npmi",
    level: float = 0.05,
    resolution: float = 1.0,
    seed: int = 0,
) -> pl.DataFrame:
    """Collect features into concept groups: Leiden communities of the features that go together.

    Parameters
    ----------
    pairs
        What `correlate` gave for one frame; the more rows, the larger the graph.
    weight
        What a link weighs: "npmi", or "coupling", which leaves out indirect links.
    level
        Only pairs together with q below this are links.
    resolution
        Larger: more and smaller groups.
    seed
        Decides between equally good divisions.

    Returns
    -------
    polars.DataFrame
        A row for each feature: ``group`` (0 is the largest), ``feature``, ``label``, ``links`` and ``strength``
        (number and summed weight of its links within the group), ``size`` of the group; by group, strongest first.

    Raises
    ------
    InputError
        The table is not one of `correlate`, or an option is out of range.
    SaedataError
        The igraph package is not installed.

    Notes
    -----
    Traag, V. A., Waltman, L. and van Eck, N. J. (2019). From Louvain to Leiden. Scientific Reports 9, 5233.
    """
    links = _links(pairs, weight, level, resolution)
    if links.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    ends = links.select("feature_a", "feature_b").to_numpy()
    features, places = np.unique(ends, return_inverse=True)
    group = _communities(places.reshape(ends.shape), links["weight"].to_list(), resolution, seed)
    names = pl.concat([links.select(feature=f"feature_{side}", label=f"label_{side}") for side in "ab"])
    members = pl.DataFrame({"feature": features.astype(np.uint32), "community": group})
    inside = links.join(members.rename({"feature": "feature_a"}), on="feature_a").join(
        members.rename({"feature": "feature_b"}), on="feature_b", suffix="_b"
    )
    inside = inside.filter(pl.col("community") == pl.col("community_b"))
    held = pl.concat([inside.select("weight", feature=f"feature_{side}") for side in "ab"])
    table = (
        members.join(names.unique("feature"), on="feature")
        .join(held.group_by("feature").agg(links=pl.len(), strength=pl.col("weight").sum()), on="feature", how="left")
        .with_columns(pl.col("links", "strength").fill_null(0), size=pl.len().over("community"))
        .with_columns(least=pl.col("feature").min().over("community"))
        .sort(-pl.col("size").cast(pl.Int64), "least", -pl.col("strength"), "feature")
        .with_columns(group=pl.col("least").rle_id())
    )
    return table.select(list(SCHEMA)).cast(SCHEMA)


def _links(pairs: pl.DataFrame, weight: str, level: float, resolution: float) -> pl.DataFrame:
    needed = ("feature_a", "label_a", "feature_b", "label_b", "direction", "q", "npmi", "coupling")
    msg = ""
    if weight not in ("npmi", "coupling"):
        msg = f"weight is {weight!r}; it must be 'npmi' or 'coupling'"
    elif absent := [name for name in needed if name not in pairs.columns]:
        msg = f"this is not a table of pairs that `correlate` gave: it has no column {absent[0]!r}"
    elif not resolution > 0:
        msg = f"resolution is {resolution}; it must be above 0"
    if msg:
        raise InputError(msg)
    linked = (pl.col("direction") == "together") & (pl.col("q") < level) & (pl.col(weight) > 0)
    return pairs.filter(linked).with_columns(weight=pl.col(weight)).sort("feature_a", "feature_b")


def _communities(
    ends: np.ndarray[tuple[int, ...], np.dtype[np.int64]], weights: list[float], resolution: float, seed: int
) -> list[int]:
    try:
        import igraph  # type: ignore[import-untyped]
    except ImportError:
        msg = "concept groups need the igraph package; install it with `pip install 'saedata[groups]'`"
        raise SaedataError(msg) from None
    graph = igraph.Graph(n=int(ends.max()) + 1, edges=ends.tolist())
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311 - no secret depends on it
    try:
        found = graph.community_leiden(
            objective_function="modularity", weights=weights, resolution=resolution, n_iterations=-1
        )
    finally:
        igraph.set_random_number_generator(random)
    return list(found.membership)
