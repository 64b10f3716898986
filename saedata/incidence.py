"""Which features are on in which documents, block of documents by block, for counting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.frame.view import ShardView

    Array = NDArray[Any]

Duplicates = Literal["once", "keep"]

BLOCK = 1 << 16
"""Documents in a block."""

KEPT_BYTES = 640 << 20
"""What fits in this much memory is read from disk once, anything larger again for each pass."""


@dataclass(frozen=True, eq=False)
class Block:
    """The documents ``first`` and following.

    Parameters
    ----------
    first
        Position of the first document among those that count.
    pointers
        int64 [documents + 1].
    features
        Feature numbers of document d, ascending: ``features[pointers[d]:pointers[d + 1]]``.
    """

    first: int
    pointers: Array
    features: Array

    @property
    def documents(self) -> slice:
        """Positions of its documents."""
        return slice(self.first, self.first + len(self.pointers) - 1)


class Incidence:
    """Features on in the documents of a frame that count.

    Parameters
    ----------
    frame
        The frame, or a view on one.
    docs
        Numbers of the documents that count, each once; their order is the order of positions.
    threshold
        What a value must exceed.

    Attributes
    ----------
    frame, docs, threshold
        As given.
    """

    def __init__(self, frame: Embeddings, docs: Array, *, threshold: float) -> None:
        self.frame, self.docs, self.threshold = frame, np.asarray(docs, dtype=np.uint32), threshold
        self._kept: list[Block] | None = None

    def __len__(self) -> int:
        return len(self.docs)

    def blocks(self) -> Iterator[Block]:
        """Read all documents, `BLOCK` at a time; what is small is read from disk only once."""
        if self._kept is not None:
            yield from self._kept
            return
        if self.size > KEPT_BYTES:
            yield from self.read()
            return
        kept = []
        for block in self.read():
            kept.append(block)
            yield block
        self._kept = kept

    def count_on(self, stratum: Array, strata: int) -> NDArray[np.int64]:
        """Count the documents with each feature in each stratum.

        Parameters
        ----------
        stratum
            Number of the stratum of each document, by position.
        strata
            How many there are.

        Returns
        -------
        numpy.ndarray
            int64 [features of the encoder, strata].
        """
        from saedata.cooccur_kernels import count_on

        counts = np.zeros((self.frame.n_features, strata), dtype=np.int64)
        for block in self.blocks():
            count_on(block.pointers, block.features, stratum[block.documents], counts)
        return counts

    def read(self) -> Iterator[Block]:
        """Read all documents from disk, `BLOCK` at a time, without keeping them."""
        ascending = bool(np.all(self.docs[1:] > self.docs[:-1]))
        yield from self._ascending() if ascending else self._in_order()

    @property
    def dtype(self) -> type[np.unsignedinteger[Any]]:
        """Type of the feature numbers in blocks."""
        return np.uint16 if self.frame.n_features <= 1 << 16 else np.uint32

    @property
    def size(self) -> int:
        """Bytes that the feature numbers of the whole frame need."""
        on = self.frame.scan_documents().select(pl.col("features_on").cast(pl.UInt64).sum()).collect().item()
        return int(on or 0) * np.dtype(self.dtype).itemsize

    def _in_order(self) -> Iterator[Block]:
        docs, order = np.unique(self.docs, return_inverse=True)
        yield from _reordered(list(Incidence(self.frame, docs, threshold=self.threshold)._ascending()), order)

    def _ascending(self) -> Iterator[Block]:
        waiting: list[tuple[Array, Array]] = []
        first = 0
        for rows, features in self._shards():
            waiting.append((rows, features))
            while len(rows) and rows[-1] >= first + BLOCK:
                ready, waiting = _cut(waiting, first + BLOCK)
                yield _block(ready, first, BLOCK)
                first += BLOCK
        for begin in range(first, len(self.docs), BLOCK):
            size = min(BLOCK, len(self.docs) - begin)
            ready, waiting = _cut(waiting, begin + size)
            yield _block(ready, begin, size)

    def _shards(self) -> Iterator[tuple[Array, Array]]:
        """Positions and features of each shard's activations."""
        position = np.full(int(self.docs.max(initial=0)) + 1, -1, dtype=np.int32)
        position[self.docs] = np.arange(len(self.docs), dtype=np.int32)
        for table in _read_ahead(self.frame.shards()):
            docs, features = table["doc"].to_numpy(), table["feature"].to_numpy().astype(self.dtype)
            rows = position[np.minimum(docs, len(position) - 1)]
            counts = (table["value"].to_numpy() > np.float32(self.threshold)) & (rows >= 0) & (docs < len(position))
            yield (rows, features) if counts.all() else (rows[counts], features[counts])


def _read_ahead(shards: Iterator[ShardView]) -> Iterator[pl.DataFrame]:
    """Activations of each shard; the next one is read while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = None
        for shard in shards:
            following = pool.submit(shard.activations, ["doc", "feature", "value"])
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()


def _cut(pieces: list[tuple[Array, Array]], stop: int) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
    """Split pieces into what lies before a position and what remains."""
    before, after = [], []
    for rows, features in pieces:
        at = int(np.searchsorted(rows, stop))
        before.append((rows[:at], features[:at]))
        if at < len(rows):
            after.append((rows[at:], features[at:]))
    return before, after


def _block(pieces: list[tuple[Array, Array]], first: int, size: int) -> Block:
    lengths = np.zeros(size, dtype=np.int64)
    for rows, _ in pieces:
        lengths += np.bincount(rows - first, minlength=size)
    pointers = np.concatenate(([0], np.cumsum(lengths)))
    features = np.concatenate([features for _, features in pieces]) if pieces else np.zeros(0, np.uint16)
    return Block(first, pointers, features)


def _reordered(blocks: list[Block], order: Array) -> Iterator[Block]:
    from saedata.cooccur_kernels import take_rows

    starts = np.cumsum([0, *(len(block.features) for block in blocks)])
    pointers = [block.pointers[:-1] + start for block, start in zip(blocks, starts[:-1], strict=True)]
    whole = np.concatenate([*pointers, starts[-1:]])
    features = np.concatenate([block.features for block in blocks])
    for first in range(0, len(order), BLOCK):
        yield Block(first, *take_rows(whole, features, order[first : first + BLOCK]))
