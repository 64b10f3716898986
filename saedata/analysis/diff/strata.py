"""Documents put into strata of a covariate, and into clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.diff.sides import Design
    from saedata.frame.embeddings import Embeddings

LENGTH = "length"
"""The covariate that every frame has: how many tokens a document has."""

FEWEST, MOST, EACH = 10, 20, 100
"""A numeric covariate is cut into strata of about 100 documents, but into 10 at least and 20 at most."""

MOST_VALUES = 200
"""Different values that a covariate of words may have."""


@dataclass(frozen=True, eq=False)
class Strata:
    """A number for every document.

    Parameters
    ----------
    codes
        For each source of the design int32 [extent of its frame], 0 to `size` - 1.
    size
        How many strata there are.
    """

    codes: tuple[NDArray[np.int32], ...]
    size: int


def one_stratum(design: Design) -> Strata:
    """All documents together."""
    return Strata(tuple(np.zeros(frame.extent, dtype=np.int32) for frame in design.frames), 1)


def strata_of(design: Design, column: str) -> Strata:
    """Strata of a covariate over all documents that count; where it is null is a stratum of its own.

    Parameters
    ----------
    design
        The piles.
    column
        "length", or a column of the user's: numbers, dates and times are cut at their quantiles, anything else
        is taken value by value.
    """
    name = "tokens" if column == LENGTH else column
    values, counted = _values(design, name)
    every = pl.concat(values)
    if every.dtype.is_numeric() or every.dtype.is_temporal():
        codes = quantile_codes(every.to_physical().cast(pl.Float64), counted)
    else:
        codes = value_codes(every, counted, column)
    return _split(codes, values)


def clusters_of(design: Design, column: str) -> Strata:
    """Clusters of documents that share a value; a document where it is null is a cluster of its own."""
    values, counted = _values(design, column)
    every = pl.concat(values)
    alone = np.flatnonzero(every.is_null().to_numpy() & counted)
    codes = every.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
    codes[alone] = codes.max(initial=0) + 1 + np.arange(len(alone))
    codes[~counted] = codes[counted][0]
    _, codes = np.unique(codes, return_inverse=True)
    return _split(codes, values)


def crossed(one: Strata, two: Strata) -> tuple[Strata, NDArray[np.int64], NDArray[np.int64]]:
    """Cells of documents that share both numbers; and the numbers that each cell stands for."""
    joint = [a.astype(np.int64) * two.size + b for a, b in zip(one.codes, two.codes, strict=True)]
    found, place = np.unique(np.concatenate(joint), return_inverse=True)
    edges = np.cumsum([len(part) for part in joint])[:-1]
    cells = Strata(tuple(np.split(place.ravel().astype(np.int32), edges)), len(found))
    return cells, found // two.size, found % two.size


def _split(codes: NDArray[np.integer], values: Sequence[pl.Series]) -> Strata:
    edges = np.cumsum([len(part) for part in values])[:-1]
    parts = np.split(codes.astype(np.int32), edges)
    return Strata(tuple(parts), int(codes.max(initial=0)) + 1)


def _values(design: Design, column: str) -> tuple[list[pl.Series], NDArray[np.bool_]]:
    """The column by document number, for each source, and which numbers are documents that count."""
    values, counted = [], []
    for source in design.sources:
        values.append(column_values(source.frame, column))
        counted.append(source.codes >= 0)
    return of_one_type(values), np.concatenate(counted)


def column_values(frame: Embeddings, column: str) -> pl.Series:
    """A column by document number; null where there is no document."""
    table = frame.scan_documents().select("doc", value=pl.col(column)).collect(engine="streaming")
    place = np.full(frame.extent, -1, dtype=np.int64)
    place[table["doc"].to_numpy()] = np.arange(table.height)
    at = pl.Series(place, dtype=pl.Int64)
    return table["value"].gather(at.set(at < 0, None))


def of_one_type(values: list[pl.Series]) -> list[pl.Series]:
    """The same column of several frames, as words where its types differ."""
    if len({series.dtype for series in values}) > 1:
        return [series.cast(pl.String) for series in values]
    return values


def quantile_codes(values: pl.Series, counted: NDArray[np.bool_], strata: int | None = None) -> NDArray[np.int64]:
    """Cut numbers at their quantiles into as many strata as there are values for, or as given; null is its own."""
    numbers = values.to_numpy()
    known = counted & ~np.isnan(numbers)
    given = numbers[known]
    if not len(given):
        return np.zeros(len(numbers), dtype=np.int64)
    strata = strata or int(np.clip(len(given) // EACH, FEWEST, MOST))
    edges = np.unique(np.quantile(given, np.arange(1, strata) / strata, method="inverted_cdf"))
    edges = edges[edges < given.max()]
    codes = np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))
    return np.where(counted, codes, 0)


def value_codes(values: pl.Series, counted: NDArray[np.bool_], column: str) -> NDArray[np.int64]:
    """Number the values; null is one as well."""
    different = values.filter(pl.Series(counted)).n_unique()
    if different > MOST_VALUES:
        msg = (
            f"column {column!r} has {different} different values, too many to compare within each (at most "
            f"{MOST_VALUES}); adjust for a column with fewer, or for a number, which is cut at its quantiles"
        )
        raise InputError(msg)
    codes = values.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
    codes[~counted] = codes[counted][0]
    return np.asarray(np.unique(codes, return_inverse=True)[1])
