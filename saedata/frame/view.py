"""A selection of documents and features over one or several frames.

Everything that reads data goes through a view, one shard at a time, so that memory depends on the shard size
and not on the corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import FrameError, MismatchError
from saedata.frame.disk import reading
from saedata.frame.layout import MAX_DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.frame.manifest import EncoderInfo, Shard
    from saedata.frame.stored import StoredFrame

    Postings = tuple[NDArray[np.uint32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Part:
    """One frame inside a view; its document numbers are moved up by `offset`."""

    frame: StoredFrame
    offset: int

    @property
    def stop(self) -> int:
        """The number after its last document's."""
        return self.offset + int(self.frame.starts[-1])


@dataclass(frozen=True, eq=False)
class ShardView:
    """One shard inside a view: the documents ``first`` to ``stop - 1``."""

    view: View
    part: Part
    index: int
    first: int
    stop: int

    @property
    def stored(self) -> Shard:
        """What the manifest says of it, documents outside the view included."""
        return self.part.frame.manifest.shards[self.index]

    def documents(self, columns: list[str] | None = None) -> pl.DataFrame:
        """Read the shard's documents that are in the view."""
        return self._read(self.part.frame.layout.documents(self.index), columns, by_feature=False)

    def activations(self, columns: list[str] | None = None) -> pl.DataFrame:
        """Read the shard's activations that are in the view, by (doc, feature)."""
        return self._read(self.part.frame.layout.activations(self.index), columns, by_feature=True)

    def _read(self, path: Path, columns: list[str] | None, *, by_feature: bool) -> pl.DataFrame:
        with reading(path):
            lazy = self.view.restrict(pl.scan_parquet(path, glob=False), self.part, by_feature=by_feature)
            return (lazy.select(columns) if columns else lazy).collect()


@dataclass(frozen=True, eq=False)
class View:
    """Selected documents and features of one or several frames of the same encoder.

    Parameters
    ----------
    parts
        The frames, by offset.
    docs
        Ascending numbers of the selected documents; None: all.
    chosen
        Ascending numbers of the selected features; None: all.
    """

    parts: tuple[Part, ...]
    docs: NDArray[np.uint32] | None = None
    chosen: NDArray[np.uint32] | None = None

    @property
    def encoder(self) -> EncoderInfo:
        """The encoder that all parts share."""
        return self.parts[0].frame.manifest.encoder

    @property
    def is_whole(self) -> bool:
        """Whether it is one frame with nothing left out."""
        return len(self.parts) == 1 and self.docs is None and self.chosen is None

    @property
    def extent(self) -> int:
        """One more than the largest document number there can be."""
        return self.parts[-1].stop

    @property
    def n_documents(self) -> int:
        """Number of selected documents."""
        return self.extent if self.docs is None else len(self.docs)

    @cached_property
    def mask(self) -> NDArray[np.bool_] | None:
        """Which documents are selected, by number; None: all."""
        return None if self.docs is None else self.mask_of(self.docs)

    def mask_of(self, docs: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Turn document numbers into one flag for each document."""
        mask = np.zeros(self.extent, dtype=np.bool_)
        mask[docs] = True
        return mask

    def narrowed(self, docs: object) -> NDArray[np.bool_] | None:
        """Flag the documents that are in the view and among `docs` (None: no further limit).

        Raises
        ------
        FrameError
            A number in `docs` is not one of a document.
        """
        if docs is None:
            return self.mask
        numbers = np.asarray(docs)
        if numbers.size == 0:
            return np.zeros(self.extent, dtype=np.bool_)
        if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= self.extent:
            msg = f"docs must be document numbers from 0 to {self.extent - 1}"
            raise FrameError(msg)
        mask = self.mask_of(numbers)
        return mask if self.mask is None else mask & self.mask

    @cached_property
    def _selected(self) -> frozenset[int] | None:
        return None if self.chosen is None else frozenset(self.chosen.tolist())

    def check_features(self, features: Sequence[Any], name: str) -> None:
        """Refuse features that do not exist or are not selected.

        Raises
        ------
        FrameError
            There is one.
        """
        for feature in features:
            if not isinstance(feature, int | np.integer) or not 0 <= feature < self.encoder.d_sae:
                msg = f"feature {feature} does not exist: this encoder has features 0 to {self.encoder.d_sae - 1}"
                raise FrameError(msg)
        if self._selected is not None and (absent := set(features) - self._selected):
            msg = f"feature {min(absent)} is not among the selected features of {name}"
            raise FrameError(msg)

    def shards(self) -> Iterator[ShardView]:
        """All shards that hold a selected document, in order."""
        for part in self.parts:
            for index in self._touched(part):
                first, stop = part.frame.starts[index : index + 2] + part.offset
                yield ShardView(self, part, index, int(first), int(stop))

    def shards_with(self, docs: NDArray[np.uint32]) -> Iterator[ShardView]:
        """Skip the shards that do not hold at least one of these documents (ascending numbers)."""
        for shard in self.shards():
            if np.searchsorted(docs, shard.first) < np.searchsorted(docs, shard.stop):
                yield shard

    @cached_property
    def no_documents(self) -> pl.DataFrame:
        """The documents' columns, with no row; of many shards, one of each frame is looked at."""
        first = [pl.scan_parquet(part.frame.layout.documents(0), glob=False) for part in self.parts]
        return pl.concat([lazy.clear().collect() for lazy in first], how="diagonal_relaxed")

    def scan_documents(self) -> pl.LazyFrame:
        """Documents of the view, lazily."""
        frames = [self._scan(part, activations=False) for part in self.parts]
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")

    def scan_activations(self) -> pl.LazyFrame:
        """Activations of the view by (doc, feature), lazily."""
        frames = [self._scan(part, activations=True) for part in self.parts]
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def postings(self, feature: int, *, mask: NDArray[np.bool_] | None, above: float) -> Postings:
        """Documents and values where a feature is above a value, by document."""
        found = [self._postings(part, feature, mask, above) for part in self.parts]
        return np.concatenate([docs for docs, _ in found]), np.concatenate([values for _, values in found])

    def restrict(self, lazy: pl.LazyFrame, part: Part, *, by_feature: bool) -> pl.LazyFrame:
        """Renumber the documents of a part and leave out what is not selected."""
        if part.offset:
            lazy = lazy.with_columns(pl.col("doc") + pl.lit(part.offset, pl.UInt32))
        if self.mask is not None:
            lazy = lazy.filter(_flagged("doc", self.mask))
        if by_feature and self.chosen is not None:
            flags = np.zeros(self.encoder.d_sae, dtype=np.bool_)
            flags[self.chosen] = True
            lazy = lazy.filter(_flagged("feature", flags))
        return lazy

    def _postings(
        self, part: Part, feature: int, mask: NDArray[np.bool_] | None, above: float
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        docs, values = part.frame.postings.of(feature)
        keep = values > np.float32(above)
        if mask is not None:
            keep &= mask[part.offset : part.stop][docs]
        return docs[keep] + np.uint32(part.offset), values[keep]

    def _touched(self, part: Part) -> list[int]:
        if self.docs is None:
            return list(range(len(part.frame.manifest.shards)))
        edges = np.searchsorted(self.docs, part.frame.starts + part.offset)
        return np.flatnonzero(np.diff(edges)).tolist()

    def _scan(self, part: Part, *, activations: bool) -> pl.LazyFrame:
        layout = part.frame.layout
        path = layout.activations if activations else layout.documents
        # With nothing selected the first shard still gives the columns.
        lazy = pl.scan_parquet([path(index) for index in self._touched(part) or [0]], glob=False)
        return self.restrict(lazy, part, by_feature=activations)


def _flagged(column: str, flags: NDArray[np.bool_]) -> pl.Expr:
    """Look numbers up in an array of flags: unlike `is_in`, as fast for millions of them as for a few."""
    return pl.col(column).map_batches(
        lambda numbers: pl.Series(flags[numbers.to_numpy()]), return_dtype=pl.Boolean, is_elementwise=True
    )


def joined(views: list[View]) -> View:
    """Put views of one encoder behind each other: the document numbers of later ones move up.

    Raises
    ------
    MismatchError
        They have different features selected.
    FrameError
        There are more documents than can be numbered.
    """
    if any(not np.array_equal(_chosen(view), _chosen(views[0])) for view in views[1:]):
        msg = "cannot put together frames with different features selected; select after concat"
        raise MismatchError(msg)
    moves = np.concatenate(([0], np.cumsum([view.extent for view in views]))).tolist()
    if moves[-1] > MAX_DOCUMENTS:
        msg = f"cannot number {moves[-1]} documents; at most {MAX_DOCUMENTS} fit in one frame"
        raise FrameError(msg)
    parts = tuple(
        Part(part.frame, part.offset + move)
        for view, move in zip(views, moves[:-1], strict=True)
        for part in view.parts
    )
    return View(parts, _moved_docs(views, moves), views[0].chosen)


def _chosen(view: View) -> NDArray[np.uint32]:
    return np.arange(view.encoder.d_sae, dtype=np.uint32) if view.chosen is None else view.chosen


def _moved_docs(views: list[View], moves: list[int]) -> NDArray[np.uint32] | None:
    if all(view.docs is None for view in views):
        return None
    every = (np.arange(view.extent, dtype=np.uint32) if view.docs is None else view.docs for view in views)
    return np.concatenate([docs + np.uint32(move) for docs, move in zip(every, moves[:-1], strict=True)])
