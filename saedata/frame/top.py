"""The strongest documents of features, and where in their texts the features are strongest."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.lookup import activations_at, documents_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from saedata.frame.view import ShardView, View

SUFFIX = "_document"
"""What a user's column gets after its name where a result has a column of that name already."""

FEW = 4096
"""Documents up to which only the parts of the frame are read that hold them, and all of them together."""

_ORDER = "__order"

F = TypeVar("F", pl.DataFrame, pl.LazyFrame)

PAIR_SCHEMA = {"feature": pl.UInt32, "rank": pl.UInt32, "doc": pl.UInt32, "value": pl.Float32}


def largest(values: NDArray[np.float32], n: int) -> NDArray[np.intp]:
    """Positions of the n largest values, largest first; of equal ones the first come first.

    Examples
    --------
    >>> largest(np.array([1, 3, 2, 3], dtype=np.float32), 3).tolist()
    [1, 3, 2]
    """
    # The n-th largest of some is at most the n-th largest of all, so that most values need one comparison only.
    candidates = np.flatnonzero(values >= _nth(values[:FEW], n))
    some = values[candidates]
    candidates = candidates[some >= _nth(some, n)]
    return candidates[np.argsort(-values[candidates], kind="stable")][:n]


def _nth(values: NDArray[np.float32], n: int) -> float:
    """The n-th largest value, or less than any where there are not more."""
    return float(np.partition(values, len(values) - n)[len(values) - n]) if n < len(values) else -np.inf


def strongest_of(
    view: View,
    features: Iterable[int],
    n: int,
    *,
    mask: NDArray[np.bool_] | None = None,
    threshold: float | None = None,
) -> pl.DataFrame:
    """Find each feature's strongest documents from the postings.

    Parameters
    ----------
    view
        Where to look.
    features
        Feature numbers.
    n
        Documents for each, at most.
    mask
        bool [extent of the view]: which documents count; None: those of the view.
    threshold
        What a value must exceed; None: the encoder's threshold.

    Returns
    -------
    polars.DataFrame
        ``feature``, ``rank`` (from 1), ``doc``, ``value``; features in the order given.
    """
    above = view.encoder.threshold if threshold is None else threshold
    mask = view.mask if mask is None else mask
    found: list[tuple[NDArray[np.generic], ...]] = []
    for feature in features:
        docs, values = view.postings(feature, mask=mask, above=above)
        best = largest(values, n)
        rank = np.arange(1, len(best) + 1, dtype=np.uint32)
        found.append((np.full(len(best), feature, np.uint32), rank, docs[best], values[best]))
    if not found:
        return pl.DataFrame(schema=PAIR_SCHEMA)
    columns = (np.concatenate(column) for column in zip(*found, strict=True))
    return pl.DataFrame(dict(zip(PAIR_SCHEMA, columns, strict=True)), schema=PAIR_SCHEMA)


def locate(view: View, pairs: pl.DataFrame) -> Iterator[tuple[ShardView, pl.DataFrame]]:
    """Add the character spans to (feature, doc) pairs, reading each shard that is needed once.

    Parameters
    ----------
    view
        Where the documents are.
    pairs
        Table with at least the columns ``feature`` and ``doc``.

    Yields
    ------
    tuple
        A shard and its pairs with ``start`` and ``stop``.
    """
    wanted = pairs.sort("doc")
    docs = wanted["doc"].to_numpy()
    for shard in view.shards_with(docs):
        begin, end = np.searchsorted(docs, (shard.first, shard.stop))
        here = wanted[int(begin) : int(end)]
        spans = shard.activations(["doc", "feature", "start", "stop"])
        yield shard, here.join(spans, on=["doc", "feature"], how="inner")


def top_documents(view: View, pairs: pl.DataFrame) -> pl.DataFrame:
    """Give pairs from `strongest_of` their spans, texts and the user's columns, in the order of the pairs."""
    docs = pairs["doc"].unique().to_numpy()
    if len(docs) <= FEW:
        spans = activations_at(view, docs, pairs["feature"].unique().to_numpy(), columns=("start", "stop"))
        located = pairs.with_row_index(_ORDER).join(spans, on=["doc", "feature"], how="inner")
        texts = _with_texts(documents_at(view, docs))
        return located.join(texts, on="doc", how="left", suffix=SUFFIX).sort(_ORDER).drop(_ORDER)
    found = [
        spans.join(_with_texts(shard.documents()), on="doc", how="left", suffix=SUFFIX)
        for shard, spans in locate(view, pairs.with_row_index(_ORDER))
    ]
    return pl.concat(found, how="diagonal_relaxed").sort(_ORDER).drop(_ORDER)


def passages(view: View, features: Sequence[int], docs: Sequence[int]) -> pl.DataFrame:
    """Look up features in documents, pair by pair; see `Embeddings.passages`."""
    wanted = pl.DataFrame({"feature": features, "doc": docs}, schema={"feature": pl.UInt32, "doc": pl.UInt32})
    wanted = wanted.with_row_index(_ORDER)
    numbers = wanted["doc"].unique().to_numpy()
    if len(numbers) <= FEW:
        spans = activations_at(view, numbers, wanted["feature"].unique().to_numpy())
        texts = documents_at(view, numbers).select("doc", "text")
        table = wanted.join(spans, on=["doc", "feature"], how="left").join(texts, on="doc").sort(_ORDER)
    else:
        table = _passages_by_shard(view, wanted)
    if table.height < wanted.height:
        absent = wanted.join(table, on="doc", how="anti")["doc"][0]
        msg = f"document {absent} is not in this view"
        raise FrameError(msg)
    return table.drop(_ORDER)


def _passages_by_shard(view: View, wanted: pl.DataFrame) -> pl.DataFrame:
    none = {"value": pl.Float32, "start": pl.UInt32, "stop": pl.UInt32, "text": pl.String}
    found = [wanted.clear().with_columns(pl.lit(None, kind).alias(name) for name, kind in none.items())]
    for shard in view.shards_with(wanted["doc"].unique().sort().to_numpy()):
        here = wanted.filter(pl.col("doc").is_between(shard.first, shard.stop - 1))
        spans = shard.activations(["doc", "feature", "value", "start", "stop"])
        texts = shard.documents(["doc", "text"])
        found.append(here.join(spans, on=["doc", "feature"], how="left").join(texts, on="doc"))
    return pl.concat(found).sort(_ORDER)


def _with_texts(documents: F) -> F:
    return documents.drop("tokens", "features_on", "variance_unexplained")
