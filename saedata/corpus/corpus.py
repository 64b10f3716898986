"""A corpus after its first reading: what it holds, and its documents again as often as wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from saedata.corpus.chat import TURNS, Conversation
from saedata.corpus.chunks import Chunk, first_rows
from saedata.corpus.columns import convert
from saedata.corpus.texts import TextReader
from saedata.errors import CorpusError

TEXT = "text"


class Source(Protocol):
    """Where rows come from; can be read any number of times."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left aside."""

    def chunks(self) -> Iterator[Chunk]:
        """Read all rows from the start."""


@dataclass(frozen=True)
class Layout:
    """How chunks become documents.

    Parameters
    ----------
    text
        Reads the text.
    names
        Final name of each of the user's columns.
    types
        Type of each, by its final name.
    """

    text: TextReader
    names: dict[str, str]
    types: dict[str, pl.DataType]

    def documents(self, chunk: Chunk) -> pl.DataFrame:
        """Make documents of a chunk.

        Parameters
        ----------
        chunk
            Some rows.

        Returns
        -------
        polars.DataFrame
            `text` and the user's columns.
        """
        read = self.text.read(chunk)
        series = [pl.Series(name, cells, dtype=pl.String) for name, cells in read.items()]
        return pl.DataFrame(series + [self._column(chunk, name) for name in self.names])

    def _column(self, chunk: Chunk, name: str) -> pl.Series:
        cells = chunk.columns.get(name)
        final = self.names[name]
        if cells is None:
            return pl.Series(final, [None] * chunk.height, dtype=self.types[final])
        return convert(final, cells, self.types[final], untyped=chunk.untyped)


@dataclass(frozen=True)
class Corpus:
    """Documents and the columns that travel with them; made by `read_corpus`.

    Parameters
    ----------
    name
        For people only: a file's stem, "stdin", "frame".
    sha256
        Hash, in hexadecimal, of the content as read (texts, columns, order, and which text was chosen); of no
        path, file name or time.
    documents
        Number of documents, empty ones included.
    characters
        Length of all texts together.
    text_column
        What is read as text: "response", "messages[assistant]".
    columns
        Types of the user's other columns, in order, under their final names.
    warnings
        Sentences for the summary.
    """

    name: str
    sha256: str
    documents: int
    characters: int
    text_column: str
    columns: dict[str, pl.DataType]
    warnings: tuple[str, ...]
    _source: Source = field(repr=False, compare=False)
    _layout: Layout = field(repr=False, compare=False)

    def batches(self, size: int = 4096, *, skip: int = 0) -> Iterator[pl.DataFrame]:
        """Read the documents again, in order.

        Parameters
        ----------
        size
            Rows in each batch, at least 1; the last may have fewer. Memory is bounded by it.
        skip
            Documents to leave out at the start.

        Yields
        ------
        polars.DataFrame
            Column `text` (null stays null) and then `columns`.

        Raises
        ------
        CorpusError
            When the corpus was changed since it was first read, or `size` is below 1.

        Examples
        --------
        >>> from saedata.corpus import read_corpus
        >>> [batch["text"].to_list() for batch in read_corpus(["a", "b", "c"]).batches(2)]
        [['a', 'b'], ['c']]
        """
        if size < 1:
            msg = f"a batch of {size} documents cannot be made; size must be at least 1"
            raise CorpusError(msg)
        yield from _regroup(self._frames(skip), size)

    def _frames(self, skip: int) -> Iterator[pl.DataFrame]:
        rows = 0
        for chunk in first_rows(self._source.chunks(), self.documents):
            rows += chunk.height
            if rows > skip:
                kept = chunk.slice(max(0, skip - (rows - chunk.height)), chunk.height)
                yield self._documents(kept)
        if rows < self.documents:
            raise CorpusError(self._changed())

    def _documents(self, chunk: Chunk) -> pl.DataFrame:
        try:
            return self._layout.documents(chunk)
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            if isinstance(error, CorpusError):
                raise
            raise CorpusError(self._changed()) from error

    def _changed(self) -> str:
        return f"the corpus {self.name} was changed while it was being read; run the command again"


def documents_of(batch: pl.DataFrame, *, turns: bool) -> list[str | Conversation | None]:
    """Take the documents out of a batch.

    Parameters
    ----------
    batch
        What `Corpus.batches` gave.
    turns
        Whether the corpus was read with its conversations, so that these are wanted.

    Returns
    -------
    list
        A text or a conversation for each row, None where there is no text.
    """
    if not turns:
        return batch[TEXT].to_list()
    return [None if line is None else Conversation.from_json(line) for line in batch[TURNS]]


def _regroup(frames: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Cut frames of any heights into frames of one height."""
    waiting: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        waiting.append(frame)
        rows += frame.height
        if rows >= size:
            together = pl.concat(waiting)
            whole = rows - rows % size
            for start in range(0, whole, size):
                yield together.slice(start, size).rechunk()
            waiting, rows = [together.slice(whole)], rows % size
    if rows:
        yield pl.concat(waiting).rechunk()
