"""Features that are characteristic of some documents: strong in them, and rare or weak in the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.concepts import SCHEMA, known_features
from saedata.errors import InputError
from saedata.frame.lookup import activations_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings


def scales(embeddings: Embeddings) -> NDArray[np.float64]:
    """What each feature's activations are divided by: their 0.9 quantile where it is on (nan: never on).

    For several frames together it is the mean of theirs, by documents.
    """
    parts = [(part.frame.features, part.stop - part.offset) for part in embeddings.view.parts]
    quantiles = np.stack([table["q90"].to_numpy() for table, _ in parts]).astype(np.float64)
    sizes = np.array([size for _, size in parts], dtype=np.float64)[:, None] * np.isfinite(quantiles)
    total = np.where(np.isfinite(quantiles), quantiles, 0.0) * sizes
    return np.asarray(
        np.divide(total.sum(0), sizes.sum(0), out=np.full(quantiles.shape[1], np.nan), where=sizes.sum(0) > 0)
    )


def characteristic(
    embeddings: Embeddings, docs: NDArray[np.uint32], count: int, kinds: Sequence[str] = ()
) -> pl.DataFrame:
    """Find the features that are strong in some documents and rare in others.

    Parameters
    ----------
    embeddings
        The corpus.
    docs
        The documents.
    count
        How many features, at most.
    kinds
        Only of these kinds.

    Returns
    -------
    polars.DataFrame
        As `choose_features`, ordered by the mean of activation / q90 over the documents times log(documents /
        documents where it is on).

    Raises
    ------
    InputError
        No feature is on in the documents.
    """
    worth = _strength(embeddings, docs) * _rarity(embeddings)
    found = _best(embeddings, worth, count, kinds)
    if found.is_empty():
        msg = "no feature sets these documents apart from the others, so none like them can be found by features"
        raise InputError(msg)
    return _named(found)


def learned(embeddings: Embeddings, docs: NDArray[np.uint32], count: int, kinds: Sequence[str] = ()) -> pl.DataFrame:
    """Find the features that are stronger in some documents than in the corpus, and say how much they count.

    Parameters
    ----------
    embeddings, docs, count, kinds
        As for `characteristic`.

    Returns
    -------
    polars.DataFrame
        As `choose_features`, with ``weight``: the mean of activation / q90 over the documents minus that over the
        corpus, times log(documents / documents where it is on); they sum to 1. Empty where there is no such feature.
    """
    worth = np.maximum(_strength(embeddings, docs) - _usual(embeddings), 0) * _rarity(embeddings)
    found = _best(embeddings, worth, count, kinds)
    return _named(found).with_columns(weight=found["worth"] / found["worth"].sum())


def _strength(embeddings: Embeddings, docs: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Mean of activation / q90 over some documents, float64 [features]."""
    on = activations_at(embeddings.view, docs).filter(pl.col("value") > pl.lit(embeddings.threshold, pl.Float32))
    feature = on["feature"].to_numpy()
    values = on["value"].to_numpy() / scales(embeddings)[feature]
    return np.bincount(feature, values, minlength=embeddings.n_features) / max(len(docs), 1)


def _usual(embeddings: Embeddings) -> NDArray[np.float64]:
    """Mean of activation / q90 over all documents of the frames, float64 [features]."""
    tables = [part.frame.features for part in embeddings.view.parts]
    sums = [table["mean"].fill_null(0).to_numpy() * table["documents"].to_numpy() for table in tables]
    unit = scales(embeddings)
    mean = np.sum(sums, axis=0, dtype=np.float64) / _documents(embeddings)
    return np.divide(mean, unit, out=np.zeros(len(unit)), where=np.isfinite(unit) & (unit > 0))


def _rarity(embeddings: Embeddings) -> NDArray[np.float64]:
    on = np.sum([part.frame.features["documents"].to_numpy() for part in embeddings.view.parts], axis=0)
    return np.asarray(np.log(_documents(embeddings) / np.maximum(on, 1)))


def _documents(embeddings: Embeddings) -> int:
    return max(sum(part.stop - part.offset for part in embeddings.view.parts), 1)


def _best(embeddings: Embeddings, worth: NDArray[np.float64], count: int, kinds: Sequence[str]) -> pl.DataFrame:
    """The features of most worth, with their names."""
    table = known_features(embeddings)
    if kinds:
        table = table.filter(pl.col("kind").is_in(list(kinds)))
    worthy = table.with_columns(worth=pl.Series(worth[table["feature"].to_numpy()])).filter(pl.col("worth") > 0)
    return worthy.sort(-pl.col("worth"), "feature").head(count)


def _named(found: pl.DataFrame) -> pl.DataFrame:
    named = found.select("feature", label="name", kind="kind", phrase=pl.lit(None), similarity=pl.lit(None))
    return named.with_row_index("rank").select(list(SCHEMA)).cast(pl.Schema(SCHEMA))
