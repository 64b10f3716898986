"""The features of any document, for work that jumps between documents instead of reading them in order."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.errors import FrameError
from saedata.incidence import BLOCK, KEPT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.incidence import Block, Incidence

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """Documents with the features that are on in them.

    Parameters
    ----------
    docs
        uint32, numbers of the documents, by position.
    pointers
        int64 [documents + 1].
    features
        Features of the document at position p, ascending: ``features[pointers[p]:pointers[p + 1]]``.
    """

    docs: NDArray[np.uint32]
    pointers: NDArray[np.int64]
    features: Array

    @classmethod
    def of(cls, incidence: Incidence) -> Rows:
        """Read all documents: into memory or, where they need more than 640 MiB, into a temporary file.

        The pages of that file are the system's to keep or to drop.

        Raises
        ------
        FrameError
            The temporary file does not fit on its disk.
        """
        dtype = incidence.dtype
        lengths = np.zeros(len(incidence), dtype=np.int64)
        fill = _in_memory if incidence.size <= KEPT_BYTES else _in_file
        features = fill(_read(incidence, lengths), _most(incidence), dtype)
        return cls(incidence.docs, np.concatenate(([0], np.cumsum(lengths))), features)

    def __len__(self) -> int:
        return len(self.docs)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many features are on in each document."""
        return np.diff(self.pointers)

    def sums(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum, for each document, what its features are worth (float64 [features of the encoder])."""
        from saedata.compiled import in_threads
        from saedata.rows_kernels import row_sums

        total = np.zeros(len(self))
        parts = [slice(first, first + BLOCK) for first in range(0, len(self), BLOCK)]
        in_threads(
            lambda part: row_sums(self.pointers[part.start : part.stop + 1], self.features, worth, total[part]), parts
        )
        return total


def once(incidence: Incidence) -> Iterator[Block]:
    """Read documents block by block without keeping them, as `Incidence.blocks` would."""
    return incidence.read()


def _most(incidence: Incidence) -> int:
    """Activations in the shards to be read; memory for those that are left out is asked for, but never touched."""
    return sum(shard.stored.activations for shard in incidence.frame.shards())


def _read(incidence: Incidence, lengths: NDArray[np.int64]) -> Iterator[Array]:
    """Read the features block by block, and note how many each document has."""
    for block in once(incidence):
        lengths[block.documents] = np.diff(block.pointers)
        yield block.features


def _in_memory(blocks: Iterator[Array], size: int, dtype: type[np.unsignedinteger[Any]]) -> Array:
    features = np.empty(size, dtype)
    filled = 0
    for block in blocks:
        features[filled : filled + len(block)] = block
        filled += len(block)
    return features[:filled]


def _in_file(blocks: Iterator[Array], size: int, dtype: type[np.unsignedinteger[Any]]) -> Array:
    """Write with ordinary calls, as a full disk kills a process that writes to a mapped file."""
    filled = 0
    with tempfile.TemporaryFile() as file:
        try:
            for block in blocks:
                file.write(np.ascontiguousarray(block, dtype).data)
                filled += len(block)
            file.flush()
        except OSError as error:
            gigabytes = size * np.dtype(dtype).itemsize / 1e9
            msg = (
                f"no room for up to {gigabytes:.1f} GB in {tempfile.gettempdir()}: {error.strerror}; "
                "set TMPDIR to a folder on a larger disk"
            )
            raise FrameError(msg) from error
        if not filled:
            return np.empty(0, dtype)
        # Copy on write, so that compiled code takes it for an ordinary array.
        return np.asarray(np.memmap(file, dtype, mode="c", shape=(filled,)))
