"""Arrow record batches and Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.corpus.chunks import Chunk, Column, check_names, numbered
from saedata.corpus.lines import TextFile
from saedata.corpus.values import plain
from saedata.errors import CorpusError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1024


def read_parquet(file: TextFile) -> Iterator[Chunk]:
    """Read a Parquet file batch by batch.

    Parameters
    ----------
    file
        What to read.

    Yields
    ------
    Chunk
        Rows in file order.

    Raises
    ------
    CorpusError
        When the file is not Parquet, is damaged or encrypted, or repeats a column name.
    """
    import pyarrow.parquet as pq

    with _readable(file), pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 20) as parquet:
        names = parquet.schema_arrow.names
        check_names(names, file.shown)
        yield from chunks_of_batches(parquet.iter_batches(BATCH_ROWS), f"{file.shown}, row")


@contextmanager
def _readable(file: TextFile) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        msg = f"{file.shown} is not readable as Parquet ({reason}); check that it was copied whole"
        raise CorpusError(msg) from error


def chunks_of_batches(batches: Iterable[pa.RecordBatch | pa.Table], where: str) -> Iterator[Chunk]:
    """Turn Arrow record batches into chunks.

    Parameters
    ----------
    batches
        Record batches or tables.
    where
        What a row is called in messages; its number from 1 is added.

    Yields
    ------
    Chunk
        One for each batch.

    Raises
    ------
    pyarrow.ArrowInvalid
        When a batch is damaged.
    """
    first = 0
    for batch in batches:
        batch.validate(full=True)  # Arrow itself does not look whether strings are UTF-8
        names = batch.schema.names
        columns = {name: _column(batch.column(i)) for i, name in enumerate(names)}
        yield Chunk(columns, batch.num_rows, numbered(where, first))
        first += batch.num_rows


def _column(array: Any) -> Column:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    kind = array.type
    if pa.types.is_union(kind) or pa.types.is_interval(kind) or isinstance(kind, pa.BaseExtensionType):
        return [plain(value) for value in array.to_pylist()]
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series
