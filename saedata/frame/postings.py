"""Postings: the activations once more, sorted by (feature, doc) and memory-mapped.

They answer "which documents is this feature on in?" by reading only that feature's part of the disk.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.disk import commit, reading, write_file
from saedata.frame.layout import partial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.frame.layout import Layout

BLOCK = 1 << 20
"""Postings looked at together when all of them are scanned."""

TOGETHER = 1 << 18
"""Activations sorted together when the postings are built."""

MAPPED = 1 << 19
"""Postings read before their pages are handed back, so that they do not add up as memory."""


@dataclass(eq=False)
class Postings:
    """The three memory-mapped arrays of one frame.

    Parameters
    ----------
    offsets
        int64 [d_sae + 1]; feature f has the postings ``offsets[f]:offsets[f + 1]``.
    docs
        uint32 [activations], ascending within a feature.
    values
        float32 [activations].
    """

    offsets: NDArray[np.int64]
    docs: NDArray[np.uint32]
    values: NDArray[np.float32]
    _read: int = field(default=0, repr=False)

    @classmethod
    def open(cls, layout: Layout, *, d_sae: int, activations: int) -> Postings:
        """Map a frame's postings into memory; nothing but the offsets is read.

        Parameters
        ----------
        layout
            Where the frame is.
        d_sae, activations
            The sizes that the manifest says they have.

        Raises
        ------
        FrameError
            A file is missing, broken, or has other sizes than the manifest says.
        """
        offsets = _load(layout.offsets, np.int64, d_sae + 1)
        docs = _load(layout.docs, np.uint32, activations)
        values = _load(layout.values, np.float32, activations)
        if offsets[0] != 0 or offsets[-1] != activations or np.any(np.diff(offsets) < 0):
            msg = f"{layout.offsets} does not fit its frame; embed the corpus again"
            raise FrameError(msg)
        return cls(np.asarray(offsets), docs, values)

    def of(self, feature: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Documents and values of one feature, by document."""
        part = slice(self.offsets[feature], self.offsets[feature + 1])
        self._note(int(part.stop - part.start))
        return self.docs[part], self.values[part]

    def count(self, *, above: float, mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Count, for every feature, the documents where it is above a value.

        Parameters
        ----------
        above
            What a value must exceed.
        mask
            bool [documents]: which documents count; None: all.

        Returns
        -------
        numpy.ndarray
            int64 [d_sae].
        """
        counts = np.zeros(len(self.offsets) - 1, dtype=np.int64)
        limit = np.float32(above)
        for begin in range(0, len(self.docs), BLOCK):
            end = min(begin + BLOCK, len(self.docs))
            self._note(end - begin)
            keep = self.values[begin:end] > limit
            if mask is not None:
                keep &= mask[self.docs[begin:end]]
            running = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))
            counts += np.diff(running[np.clip(self.offsets, begin, end) - begin])
        return counts

    def _note(self, size: int) -> None:
        self._read += size
        if self._read > MAPPED:
            _hand_back(self.docs)
            _hand_back(self.values)
            self._read = size


def _hand_back(array: NDArray[Any]) -> None:
    """Unmap pages that were read; they are read again from the system's cache where they are needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _load(path: Path, dtype: type[np.generic], size: int) -> Any:
    with reading(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype != dtype or array.shape != (size,):
            msg = f"it holds {array.dtype}{list(array.shape)}, not {np.dtype(dtype)}[{size}]"
            raise ValueError(msg)
    return array


def build_postings(layout: Layout, *, shards: int, d_sae: int) -> None:
    """Write a frame's postings, holding about a million activations at a time.

    A first pass counts each feature's postings, a second puts them in place. The files are written with
    ordinary calls: in a mapped file a full disk would kill the process, and its pages would count as memory.

    Parameters
    ----------
    layout
        Where the frame is.
    shards
        Number of its shards.
    d_sae
        Number of features.
    """
    layout.by_feature.mkdir(exist_ok=True)
    counts = np.zeros(d_sae, dtype=np.int64)
    for table in _tables(layout, shards, ["feature"]):
        counts += np.bincount(table["feature"].to_numpy(), minlength=d_sae)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    write_file(layout.offsets, lambda file: np.save(file, offsets, allow_pickle=False))
    with partial(layout.docs).open("wb") as docs, partial(layout.values).open("wb") as values:
        _fill(layout, shards, offsets, (docs, values))
    commit(layout.docs)
    commit(layout.values)


def _fill(layout: Layout, shards: int, offsets: NDArray[np.int64], files: tuple[IO[bytes], IO[bytes]]) -> None:
    dtypes = (np.dtype(np.uint32), np.dtype(np.float32))
    begins = [_write_header(file, dtype, int(offsets[-1])) for file, dtype in zip(files, dtypes, strict=True)]
    following = offsets[:-1].copy()  # where each feature's next posting goes
    for table in _tables(layout, shards, ["doc", "feature", "value"]):
        feature = table["feature"].to_numpy()
        order = np.argsort(feature, kind="stable")  # rows come by document, and stay so
        counts = np.bincount(feature, minlength=len(following))
        for file, begin, column in zip(files, begins, ("doc", "value"), strict=True):
            data = table[column].to_numpy()[order].tobytes()
            _scatter(file, data, begin + 4 * following, 4 * counts)
        following += counts


def _scatter(file: IO[bytes], data: bytes, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
    """Write the pieces of a buffer, one for each feature, to their places in a file."""
    pieces = memoryview(data)
    present = np.flatnonzero(lengths)
    ends = np.cumsum(lengths[present]).tolist()
    begin = 0
    for place, end in zip(places[present].tolist(), ends, strict=True):
        file.seek(place)
        file.write(pieces[begin:end])
        begin = end


def _write_header(file: IO[bytes], dtype: np.dtype[Any], size: int) -> int:
    """Begin a .npy file of a known size; gives the position of its first number."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _tables(layout: Layout, shards: int, columns: list[str]) -> Iterator[pl.DataFrame]:
    """Read the activations in order, small shards together."""
    waiting: list[pl.DataFrame] = []
    for index in range(shards):
        path = layout.activations(index)
        with reading(path):
            waiting.append(pl.read_parquet(path, columns=columns, glob=False))
        if sum(table.height for table in waiting) >= TOGETHER:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)
