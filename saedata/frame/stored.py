"""One frame directory, opened for reading. Opening checks that everything is there and reads no data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.frame.disk import reading
from saedata.frame.layout import FEATURE_SCHEMA, Layout
from saedata.frame.parsing import read_manifest
from saedata.frame.postings import Postings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.manifest import Manifest


@dataclass(frozen=True, eq=False)
class StoredFrame:
    """A frame directory and what its manifest says.

    Parameters
    ----------
    layout
        Where it is.
    manifest
        What it holds.
    """

    layout: Layout
    manifest: Manifest

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First document of each shard, and at the end the number of documents."""
        sizes = [shard.documents for shard in self.manifest.shards]
        return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))

    @cached_property
    def postings(self) -> Postings:
        """The feature-sorted index."""
        return Postings.open(self.layout, d_sae=self.manifest.encoder.d_sae, activations=self.manifest.activations)

    @cached_property
    def features(self) -> pl.DataFrame:
        """Content of ``features.parquet``."""
        with reading(self.layout.features):
            table = pl.read_parquet(self.layout.features, glob=False)
            if table.schema != FEATURE_SCHEMA or table.height != self.manifest.encoder.d_sae:
                msg = "it does not have one row per feature with the columns of a frame"
                raise ValueError(msg)
        return table


def is_frame(path: object) -> bool:
    """Whether something is the path of a frame, finished or not.

    Examples
    --------
    >>> is_frame("no/such/folder"), is_frame(["a text"])
    (False, False)
    """
    if not isinstance(path, str | Path):
        return False
    try:
        return Layout(Path(path)).manifest.is_file()
    except (OSError, ValueError):  # a text that no path can be
        return False


def open_stored(path: Path) -> StoredFrame:
    """Open a complete frame.

    Parameters
    ----------
    path
        Its folder.

    Raises
    ------
    FrameError
        There is no frame, it is unfinished, or a file is missing or has another size than was written.
    """
    layout = Layout(path)
    if not layout.manifest.is_file():
        what = "is not a frame: it has no manifest.json" if path.exists() else "does not exist"
        msg = f"{path} {what}; make one with `saedata embed CORPUS --out {path}`"
        raise FrameError(msg)
    frame = StoredFrame(layout, read_manifest(layout.manifest))
    if not frame.manifest.complete:
        msg = (
            f"{path} is unfinished ({frame.manifest.documents} documents so far); "
            "run the same embed command again, it continues where it stopped"
        )
        raise FrameError(msg)
    _check_files(frame)
    return frame


def expected_files(frame: StoredFrame) -> dict[str, tuple[int, str]]:
    """Size and hash of every file of a frame, by its name inside the folder.

    Names come from the layout; what else a manifest might list is not looked at.
    """
    expected = {}
    for shard in frame.manifest.shards:
        documents, activations = frame.layout.documents(shard.index), frame.layout.activations(shard.index)
        expected[_name(frame, documents)] = (shard.documents_bytes, shard.documents_sha256)
        expected[_name(frame, activations)] = (shard.activations_bytes, shard.activations_sha256)
    for name in frame.layout.derived():
        if info := frame.manifest.derived.get(name):
            expected[name] = (info.bytes, info.sha256)
    return expected


def _name(frame: StoredFrame, path: Path) -> str:
    return path.relative_to(frame.layout.root).as_posix()


def _check_files(frame: StoredFrame) -> None:
    """Compare sizes: it finds missing and cut files without reading any."""
    if lacking := frame.layout.derived().keys() - frame.manifest.derived.keys():
        msg = f"{frame.layout.manifest} does not list {min(lacking)}; embed the corpus again"
        raise FrameError(msg)
    for name, (size, _) in expected_files(frame).items():
        try:
            found = os.stat(frame.layout.root / name).st_size  # noqa: PTH116  (twice as fast, for many shards)
        except OSError:
            msg = f"{frame.layout.root} is damaged: {name} is missing; embed the corpus again"
            raise FrameError(msg) from None
        if found != size:
            msg = f"{frame.layout.root} is damaged: {name} has {found} bytes instead of {size}; embed the corpus again"
            raise FrameError(msg)
