"""The piece of a corpus that every reader yields: some consecutive rows, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from saedata.errors import CorpusError

Column = list[Any] | pl.Series
"""Cells of a column: Python values as JSON gives them, or a typed series."""

CHUNK_ROWS = 2048
CHUNK_BYTES = 8 << 20
MAX_COLUMNS = 5000


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a corpus.

    Parameters
    ----------
    columns
        Cells by column name, each `height` long; columns may differ from chunk to chunk.
    height
        Number of rows.
    where
        Says for people where row `i` of this chunk stands: "answers.jsonl, line 17".
    untyped
        True where all cells are strings that may stand for numbers (CSV).
    """

    columns: dict[str, Column]
    height: int
    where: Callable[[int], str]
    untyped: bool = False

    def slice(self, start: int, stop: int) -> Chunk:
        """Keep rows `start` to `stop` (not included).

        Parameters
        ----------
        start, stop
            Row numbers in this chunk, from 0.

        Returns
        -------
        Chunk
            The rows asked for.
        """
        columns = {name: cells[start:stop] for name, cells in self.columns.items()}
        where = self.where
        return Chunk(columns, min(stop, self.height) - start, lambda i: where(start + i), self.untyped)


def chunk_of_rows(rows: Sequence[dict[str, Any]], where: Callable[[int], str]) -> Chunk:
    """Turn rows into columns; a key that a row lacks is null there.

    Parameters
    ----------
    rows
        One dictionary for each row.
    where
        Place of row `i`, for messages.

    Returns
    -------
    Chunk
        Columns in the order in which their names first appear.

    Raises
    ------
    CorpusError
        When there are more names than a table can sensibly have.
    """
    names: dict[str, None] = {}
    for i, row in enumerate(rows):
        if not row.keys() <= names.keys():
            names.update(dict.fromkeys(row))
            check_width(len(names), where(i))
    return Chunk({name: [row.get(name) for row in rows] for name in names}, len(rows), where)


def numbered(where: str, before: int) -> Callable[[int], str]:
    """Make the function that names places of rows which are counted from 1.

    Parameters
    ----------
    where
        What a row is called: "data.parquet, row".
    before
        How many rows came before the chunk.

    Returns
    -------
    Callable
        From row `i` of the chunk to its place.

    Examples
    --------
    >>> numbered("data.parquet, row", 10)(0)
    'data.parquet, row 11'
    """
    return lambda i: f"{where} {before + i + 1}"


def check_width(count: int, where: str) -> None:
    """Refuse a corpus whose keys are data (identifiers, say), not column names.

    Parameters
    ----------
    count
        Number of different column names so far.
    where
        Place of the row that brought the last of them.

    Raises
    ------
    CorpusError
        Above `MAX_COLUMNS`.
    """
    if count > MAX_COLUMNS:
        msg = (
            f"{where}: more than {MAX_COLUMNS} different column names; "
            "put data that is keyed by identifier into one nested column"
        )
        raise CorpusError(msg)


def check_names(names: list[str], shown: str) -> None:
    """Refuse a table whose columns cannot be told apart.

    Parameters
    ----------
    names
        Column names.
    shown
        What messages call the table.

    Raises
    ------
    CorpusError
        When a name is repeated or there are too many.
    """
    check_width(len(names), shown)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        msg = f"{shown}: the column {repeated[0]!r} appears twice; rename one"
        raise CorpusError(msg)


def first_rows(chunks: Iterable[Chunk], limit: int | None) -> Iterator[Chunk]:
    """Yield chunks up to `limit` rows in all, without reading further than needed.

    Parameters
    ----------
    chunks
        Chunks in order.
    limit
        Number of rows; None for all.

    Yields
    ------
    Chunk
        Chunks with at least one row.
    """
    left = limit
    for chunk in chunks:
        if chunk.height and left is None:
            yield chunk
        elif chunk.height and left is not None:
            yield chunk if chunk.height <= left else chunk.slice(0, left)
            left -= min(left, chunk.height)
            if not left:
                return
