"""Corpora that are Python objects: frames of polars, pandas and Arrow, Hugging Face datasets, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from saedata.corpus.arrow import BATCH_ROWS, chunks_of_batches, read_parquet
from saedata.corpus.chunks import CHUNK_ROWS, Chunk, Column, check_names, numbered
from saedata.corpus.jsonfiles import TEXT, chunks_of_items
from saedata.corpus.lines import TextFile
from saedata.corpus.spool import Spool
from saedata.corpus.values import plain
from saedata.errors import CorpusError

_NAME = "frame"
_ROW = "row"


@dataclass(frozen=True)
class ObjectSource:
    """A corpus in memory (or in a data set that can be read again and again).

    Parameters
    ----------
    read
        Reads all rows from the start.
    name
        Name for people.
    warnings
        What was left aside.
    """

    read: Callable[[], Iterator[Chunk]]
    name: str = _NAME
    warnings: tuple[str, ...] = ()

    def chunks(self) -> Iterator[Chunk]:
        """Read all rows from the start.

        Returns
        -------
        Iterator of Chunk
            Rows in order.
        """
        return self.read()


def object_source(source: Any) -> ObjectSource:
    """Make a source of a Python object.

    Parameters
    ----------
    source
        polars or pandas frame or series, LazyFrame, pyarrow table, Hugging Face `Dataset`, or a list of
        strings or dictionaries.

    Returns
    -------
    ObjectSource
        The source.

    Raises
    ------
    CorpusError
        When it is something else.
    """
    if isinstance(source, list | tuple):
        return ObjectSource(lambda: _chunks_of_list(source))
    if isinstance(source, pl.LazyFrame):
        return _lazy_source(source)
    if hasattr(source, "to_frame"):  # a series
        source = source.to_frame(source.name or TEXT)
    return ObjectSource(_reader_of(source))


def _reader_of(source: Any) -> Callable[[], Iterator[Chunk]]:
    if isinstance(source, pl.DataFrame):
        return lambda: _chunks_of_polars(source)
    if hasattr(source, "iloc"):  # pandas
        names = [str(name) for name in source.columns]
        check_names(names, "the pandas frame")
        return lambda: _chunks_of_pandas(source, names)
    if hasattr(source, "to_batches"):  # pyarrow
        check_names(source.schema.names, "the table")
        return lambda: chunks_of_batches(source.to_batches(max_chunksize=BATCH_ROWS), _ROW)
    if hasattr(source, "with_format") and hasattr(source, "iter"):  # Hugging Face datasets
        return lambda: chunks_of_batches(source.with_format("arrow").iter(batch_size=BATCH_ROWS), _ROW)
    parts = f"one of its parts: {', '.join(map(str, source))}" if isinstance(source, dict) else "a path or a frame"
    msg = f"a corpus cannot be read from {type(source).__name__}; give {parts}"
    raise CorpusError(msg)


def _lazy_source(source: pl.LazyFrame) -> ObjectSource:
    """Run a query once, into a temporary file: it is read twice, and its row order may differ each time."""
    spool = Spool()
    source.sink_parquet(spool.path)
    return ObjectSource(lambda: read_parquet(TextFile(spool.path, "the lazy frame")))


def _chunks_of_list(items: Sequence[Any]) -> Iterator[Chunk]:
    for start in range(0, len(items), CHUNK_ROWS):
        piece = [_document(item) for item in items[start : start + CHUNK_ROWS]]
        yield from chunks_of_items(piece, "document", start)


def _document(item: Any) -> Any:
    simple = plain(item)
    # What became a string only by being written out is no document.
    return item if isinstance(simple, str) and not isinstance(item, str) else simple


def _chunks_of_polars(frame: pl.DataFrame) -> Iterator[Chunk]:
    for start in range(0, frame.height, CHUNK_ROWS):
        piece = frame.slice(start, CHUNK_ROWS)
        columns: dict[str, Column] = {
            series.name: [plain(cell) for cell in series] if series.dtype == pl.Object else series for series in piece
        }
        yield Chunk(columns, piece.height, numbered(_ROW, start))


def _chunks_of_pandas(frame: Any, names: list[str]) -> Iterator[Chunk]:
    for start in range(0, len(frame), CHUNK_ROWS):
        piece = frame.iloc[start : start + CHUNK_ROWS]
        columns = {name: _pandas_column(piece.iloc[:, i]) for i, name in enumerate(names)}
        yield Chunk(columns, len(piece), numbered(_ROW, start))


def _pandas_column(series: Any) -> Column:
    if series.dtype.kind in "biufM":
        converted: pl.Series = pl.from_pandas(series.reset_index(drop=True), nan_to_null=True)
        return converted
    return [plain(cell) for cell in series.tolist()]  # objects, strings, categories, periods: cell by cell
