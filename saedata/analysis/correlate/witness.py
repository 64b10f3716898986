"""Documents that have both features of a pair: where in them the features are strongest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.incidence import Block, Incidence

    Array = NDArray[Any]

SAMPLE = 64
"""Documents of a pair that are looked at."""

NEXT_TO = 1
"""Spans with at most this many characters between them (a space) are of adjacent tokens."""

SPAN = pl.List(
    pl.Struct(
        {
            "doc_a": pl.UInt32(),
            "start_a": pl.UInt32(),
            "stop_a": pl.UInt32(),
            "doc_b": pl.UInt32(),
            "start_b": pl.UInt32(),
            "stop_b": pl.UInt32(),
        }
    )
)
"""Evidence of a pair: documents with the spans of the tokens on which either feature is strongest."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a feature of `x` and a feature of `y`.

    Parameters
    ----------
    x, y
        Where the features are on; the same object for pairs within one frame.
    a, b
        Numbers of the features of each pair.
    """

    x: Incidence
    y: Incidence
    a: NDArray[np.uint32]
    b: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.a)

    @property
    def within(self) -> bool:
        """Whether both features are of one frame."""
        return self.x is self.y


def witnesses(pairs: Pairs, *, seed: int = 0) -> pl.DataFrame:
    """Find documents with both features, at most `SAMPLE` for each pair, chosen at random.

    Parameters
    ----------
    pairs
        The pairs.
    seed
        Decides which documents are chosen where there are more.

    Returns
    -------
    polars.DataFrame
        ``pair`` (position), ``doc_a``, ``start_a``, ``stop_a``, ``value_a`` and the same of b.
    """
    seen, sample = _sample(pairs, seed)
    kept = np.minimum(seen, SAMPLE)
    pair = np.repeat(np.arange(len(pairs)), kept)
    position = sample[np.arange(SAMPLE) < kept[:, None]]
    table = pl.DataFrame(
        {
            "pair": pair.astype(np.uint32),
            "doc_a": pairs.x.docs[position],
            "doc_b": pairs.y.docs[position],
            "feature_a": pairs.a[pair],
            "feature_b": pairs.b[pair],
        }
    )
    keys = {side: table.select(doc=f"doc_{side}", feature=f"feature_{side}") for side in "ab"}
    if pairs.within:  # one reading is enough
        spans = dict.fromkeys("ab", _spans(pairs.x, pl.concat(keys.values())))
    else:
        spans = {"a": _spans(pairs.x, keys["a"]), "b": _spans(pairs.y, keys["b"])}
    for side, found in spans.items():
        mine = found.rename({name: f"{name}_{side}" for name in found.columns})
        table = table.join(mine, on=[f"doc_{side}", f"feature_{side}"], how="left")
    return table.drop("feature_a", "feature_b").sort("pair", "doc_a")


def touching(found: pl.DataFrame, pairs: int) -> pl.Series:
    """Share of the documents in which both features are strongest on the same or on adjacent tokens; null: none."""
    start, stop = pl.max_horizontal("start_a", "start_b"), pl.min_horizontal("stop_a", "stop_b")
    near = start.cast(pl.Int64) - stop.cast(pl.Int64) <= NEXT_TO
    shares = found.group_by("pair").agg(touching=near.mean())
    every = pl.DataFrame({"pair": np.arange(pairs, dtype=np.uint32)})
    return every.join(shares, on="pair", how="left", maintain_order="left")["touching"].cast(pl.Float64)


def evidence(found: pl.DataFrame, pairs: Pairs, n: int) -> pl.Series:
    """List the documents in which the weaker of the two features is strongest, relative to its own maximum."""
    every = pl.DataFrame({"pair": np.arange(len(pairs), dtype=np.uint32)})
    tops = [
        pl.DataFrame({"pair": every["pair"], "feature": features}).join(
            incidence.frame.features.select("feature", pl.col("max").alias(name)), on="feature", how="left"
        )
        for incidence, features, name in ((pairs.x, pairs.a, "top_a"), (pairs.y, pairs.b, "top_b"))
    ]
    strength = pl.min_horizontal(pl.col("value_a") / pl.col("top_a"), pl.col("value_b") / pl.col("top_b"))
    lists = (
        found.join(tops[0].drop("feature"), on="pair")
        .join(tops[1].drop("feature"), on="pair")
        .sort("pair", -strength, "doc_a")
        .group_by("pair", maintain_order=True)
        .agg(evidence=pl.struct(list(SPAN.inner.to_schema())).head(n))  # type: ignore[union-attr]
    )
    empty = pl.lit([], SPAN)
    return every.join(lists, on="pair", how="left", maintain_order="left")["evidence"].cast(SPAN).fill_null(empty)


def _sample(pairs: Pairs, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from saedata.analysis.correlate.witness_kernels import sample_documents

    order = np.argsort(pairs.a, kind="stable")
    counts = np.bincount(pairs.a, minlength=pairs.x.frame.n_features)
    partners = np.concatenate(([0], np.cumsum(counts))), pairs.b[order].astype(np.int64), order
    wanted = np.zeros(pairs.y.frame.n_features, dtype=np.bool_)
    wanted[pairs.b] = True
    seen = np.zeros(len(pairs), dtype=np.int64)
    sample = np.zeros((len(pairs), SAMPLE), dtype=np.int64)
    state = np.array([seed], dtype=np.uint64)
    for mine, theirs in _documents(pairs):
        x, y = (mine.pointers, mine.features), (theirs.pointers, theirs.features)
        sample_documents(mine.first, x, y, partners, wanted, seen, sample, state)
    return seen, sample


def _documents(pairs: Pairs) -> Iterator[tuple[Block, Block]]:
    if pairs.within:
        yield from ((block, block) for block in pairs.x.blocks())
    else:
        yield from zip(pairs.x.blocks(), pairs.y.blocks(), strict=True)


def _spans(incidence: Incidence, wanted: pl.DataFrame) -> pl.DataFrame:
    keys = wanted.unique().lazy()
    return incidence.frame.scan().join(keys, on=["doc", "feature"]).collect(engine="streaming")
