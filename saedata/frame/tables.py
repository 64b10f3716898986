"""Checks on the tables that are about to be written: a wrong frame must never reach the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.layout import ACTIVATION_SCHEMA, DOCUMENT_SCHEMA, MAX_DOCUMENTS, RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def check_columns(columns: Mapping[str, pl.DataType]) -> None:
    """Refuse a user's column with a name that the frame needs.

    Raises
    ------
    FrameError
        Names the column.
    """
    if taken := sorted(RESERVED & columns.keys()):
        msg = f"a column cannot be called {taken[0]!r} in a frame; rename it, e.g. to 'user_{taken[0]}'"
        raise FrameError(msg)


def checked_documents(documents: pl.DataFrame, *, columns: Mapping[str, pl.DataType], first: int) -> pl.DataFrame:
    """Check the documents of a shard and put their columns in order.

    Parameters
    ----------
    documents
        The table.
    columns
        The user's columns.
    first
        Number that its first document must have.

    Raises
    ------
    FrameError
        Columns, types or document numbers are not as they must be.
    """
    table = _with_schema(documents, DOCUMENT_SCHEMA | dict(columns), "documents")
    if first + table.height > MAX_DOCUMENTS:
        msg = f"a frame holds at most {MAX_DOCUMENTS} documents; split the corpus"
        raise FrameError(msg)
    numbers = np.arange(first, first + table.height, dtype=np.uint32)
    if table["doc"].null_count() or not np.array_equal(table["doc"].to_numpy(), numbers):
        msg = f"the documents of a shard must be numbered on from {first}"
        raise FrameError(msg)
    return table


def checked_activations(activations: pl.DataFrame, *, first: int, documents: int, d_sae: int) -> pl.DataFrame:
    """Check the activations of a shard.

    Parameters
    ----------
    activations
        The table.
    first, documents
        Number of the shard's first document, and how many it has.
    d_sae
        Number of features.

    Raises
    ------
    FrameError
        Columns or types are wrong, a document or feature does not exist, a value is not finite, or the rows
        are not sorted by (doc, feature) without repetition.
    """
    table = _with_schema(activations, ACTIVATION_SCHEMA, "activations")
    doc, feature = table["doc"].to_numpy(), table["feature"].to_numpy()
    problems = {
        "nulls": sum(table.null_count().row(0)) > 0,
        "documents outside the shard": _outside(doc, first, first + documents),
        f"features above {d_sae - 1}": _outside(feature, 0, d_sae),
        "values that are not finite": not np.isfinite(table["value"].to_numpy()).all(),
        "rows that are not sorted by doc and feature, or are there twice": not _ascending(doc, feature),
        "spans that stop before they start": bool((table["stop"] < table["start"]).any()),
    }
    if found := [problem for problem, there in problems.items() if there]:
        msg = f"the activations of a shard hold {found[0]}"
        raise FrameError(msg)
    return table


def _with_schema(table: pl.DataFrame, schema: Mapping[str, pl.DataType], what: str) -> pl.DataFrame:
    wrong = [name for name, kind in schema.items() if table.schema.get(name) != kind]
    if wrong := wrong + [name for name in table.columns if name not in schema]:
        name = wrong[0]
        msg = (
            f"the {what} of a shard have column {name!r} as {table.schema.get(name, 'absent')}, "
            f"not as {schema.get(name, 'absent')}"
        )
        raise FrameError(msg)
    return table.select(list(schema))


def _outside(numbers: NDArray[np.uint32], first: int, stop: int) -> bool:
    return len(numbers) > 0 and bool(numbers.min() < first or numbers.max() >= stop)


def _ascending(doc: NDArray[np.uint32], feature: NDArray[np.uint32]) -> bool:
    key = (doc.astype(np.uint64) << np.uint64(32)) | feature
    return bool(np.all(key[1:] > key[:-1]))
