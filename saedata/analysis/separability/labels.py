"""The concepts: a column of the user's, or a sentence that says why it cannot be used."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.probing.labelled import MOST_CLASSES, Labelled, named, read_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings

FEWEST = 10
"""Documents that a concept must have."""

_CODE = "\0code"  # no column of a user's is called so


def read_concepts(
    frame: Embeddings, label: str, *, positive: Any = None, duplicates: str = "once", stacklevel: int = 3
) -> Labelled:
    """Read the documents that belong to a concept.

    Parameters
    ----------
    frame
        The documents.
    label
        Column whose values are the concepts.
    positive
        The one that is held against all others together; None: every value is a concept.
    duplicates
        "once": of documents with equal text the first counts; "keep": each.
    stacklevel
        Of the warnings.

    Raises
    ------
    InputError
        There is no such column, it has too many values, or not two with enough documents.

    Warns
    -----
    UserWarning
        Documents without a value, or of rare concepts, are left out; some are named.
    """
    table = read_column(frame, label)
    table = _with_value(table, label, stacklevel + 1)
    if positive is not None:
        table = _against_all(table, label, positive)
    if duplicates == "once":
        table = table.filter(pl.col("doc").is_in(pl.Series(frame.unique_documents()).implode()))
    values = table[label]
    if (different := values.n_unique()) > MOST_CLASSES:
        msg = (
            f"column {label!r} has {different:,} different values, which are too many concepts (at most "
            f"{MOST_CLASSES}); give a column of groups, or say which value is the positive one"
        )
        raise InputError(msg)
    table = _common(table, label, stacklevel + 1)
    order = table.select(label).unique().sort(label).with_row_index(_CODE)
    y = table.join(order, on=label, how="left", maintain_order="left")[_CODE].cast(pl.Int64).to_numpy()
    names = tuple(order[label].cast(pl.String).to_list())
    return Labelled(label, "binary" if len(names) == 2 else "multiclass", table["doc"].to_numpy(), y, names)


def _with_value(table: pl.DataFrame, label: str, stacklevel: int) -> pl.DataFrame:
    missing = pl.col(label).is_null()
    if table[label].dtype.is_float():
        missing |= pl.col(label).is_nan()
    absent = table.filter(missing)["doc"].to_list()
    if absent:
        said = f"{len(absent):,} of {table.height:,} documents have no value in {label!r} and are left out"
        warnings.warn(f"{said}: {named(absent)}", stacklevel=stacklevel)
    return table.filter(~missing)


def _against_all(table: pl.DataFrame, label: str, positive: Any) -> pl.DataFrame:
    wanted = str(positive).lower() if isinstance(positive, bool) else str(positive)
    said = table[label].cast(pl.String)
    if wanted not in said:
        first = ", ".join(repr(str(value)[:40]) for value in said.unique().sort().head(5))
        msg = f"column {label!r} has no document with the value {wanted[:60]!r}; it has {first or 'no value at all'}"
        raise InputError(msg)
    own = pl.Series(label, said == wanted)
    return table.with_columns(
        pl.when(own).then(pl.lit(wanted)).otherwise(pl.lit(f"not {wanted}")).alias(label),
    )


def _common(table: pl.DataFrame, label: str, stacklevel: int) -> pl.DataFrame:
    """Leave out what too few documents have, and say which documents these are."""
    counts = table.group_by(label).agg(pl.len(), pl.col("doc").sort()).sort(label)
    enough, rare = counts.filter(pl.col("len") >= FEWEST), counts.filter(pl.col("len") < FEWEST)
    told = [f"{str(value)[:40]!r} ({named(docs)})" for value, _, docs in rare.head(5).iter_rows()]
    listed = ", ".join(told) + (f" and {rare.height - 5:,} more" if rare.height > 5 else "")
    if enough.height < 2:
        what = "no value in any document" if counts.is_empty() else f"{counts.height:,} different values"
        if counts.height == 1:
            what = f"only the value {str(counts[label][0])[:60]!r}"
        few = f"; fewer have {listed}" if rare.height and counts.height > 1 else ""
        msg = f"column {label!r} has {what}; at least two must have {FEWEST} documents each{few}"
        raise InputError(msg)
    if rare.height:
        said = f"values of {label!r} with fewer than {FEWEST} documents are left out"
        warnings.warn(f"{said}: {listed}", stacklevel=stacklevel)
    return table.filter(pl.col(label).is_in(enough[label].implode()))


def evenly(found: Labelled, documents: int, seed: int) -> NDArray[np.int64]:
    """Ascending positions of at most so many documents (and 10 of each concept): of each the same number, or all.

    Parameters
    ----------
    found
        Documents and their concepts.
    documents
        How many.
    seed
        Of the choice.
    """
    sizes = np.bincount(found.y)
    most = max(_level(np.sort(sizes), documents), FEWEST)
    shuffled = np.random.default_rng(seed).permutation(len(found.y))
    order = shuffled[np.argsort(found.y[shuffled], kind="stable")]
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[place < most])


def _level(sizes: NDArray[np.int64], documents: int) -> int:
    """How many of each concept fit, if smaller concepts (sizes ascend) give all they have."""
    left = documents
    for at, size in enumerate(sizes.tolist()):
        if size * (len(sizes) - at) > left:
            return left // (len(sizes) - at)
        left -= size
    return int(sizes[-1])
