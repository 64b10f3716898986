"""Giving the features of a finished frame other labels."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from saedata.frame import disk
from saedata.frame.embeddings import Embeddings, open_frame
from saedata.frame.features import checked_labels
from saedata.frame.layout import FEATURE_SCHEMA, LABEL_SCHEMA, Layout, partial
from saedata.frame.lock import lock_folder
from saedata.frame.manifest import FileInfo, Manifest
from saedata.frame.parsing import read_manifest
from saedata.frame.stored import StoredFrame

if TYPE_CHECKING:
    from collections.abc import Sequence


def relabel_frame(path: str | Path, labels: pl.DataFrame) -> Embeddings:
    """Put labels into a finished frame: `features.parquet` and its hash in the manifest.

    The frame is marked unfinished between the two. After a crash at that moment the same call mends it, and so does
    the `embed` command that made it, with the encoder's labels.

    Parameters
    ----------
    path
        The frame's folder.
    labels
        ``feature``, ``label``, and where known ``kind``, ``label_source``, ``label_score``, ``tokens``. A feature
        that is not in it, or has no label in it, keeps what it has.

    Raises
    ------
    FrameError
        There is no finished frame, the labels are not for its encoder, or it cannot be written.
    """
    layout = Layout(Path(path))
    if not layout.manifest.is_file():
        return open_frame(layout.root)  # says what is wrong
    lock = lock_folder(layout.root)
    try:
        manifest = read_manifest(layout.manifest)
        if not (manifest.complete or _between(layout, manifest)):
            return open_frame(layout.root)
        table = merged_labels(StoredFrame(layout, manifest).features, labels).select(list(FEATURE_SCHEMA))
        with disk.writing(layout.root):
            _exchange(layout, manifest, table)
    finally:
        os.close(lock)
    return open_frame(layout.root)


def merged_labels(there: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Replace the labels of those features that have one in `labels`.

    Parameters
    ----------
    there
        A table with one row for each feature and at least the columns of ``LABEL_SCHEMA``.
    labels
        As in `relabel_frame`.

    Raises
    ------
    FrameError
        `labels` has a column of another type, or a feature that does not exist or stands in it twice.
    """
    columns: Sequence[str] = [name for name in LABEL_SCHEMA if name != "feature"]
    given = checked_labels(labels, there.height).filter(pl.col("label").is_not_null())
    both = there.join(given, on="feature", how="left", suffix="_new", maintain_order="left", coalesce=True)
    is_new = pl.col("label_new").is_not_null()
    chosen = [
        pl.when(is_new & ((pl.lit(name != "tokens")) | pl.col("tokens_new").is_not_null()))
        .then(f"{name}_new")
        .otherwise(name)
        .alias(name)
        for name in columns
    ]
    return both.with_columns(chosen).select(there.columns)


def _between(layout: Layout, manifest: Manifest) -> bool:
    """Whether an earlier call was interrupted: all documents are in, and the derived files are still listed."""
    documents = sum(corpus.documents for corpus in manifest.corpora)
    return manifest.documents == documents and layout.derived().keys() == manifest.derived.keys()


def _exchange(layout: Layout, manifest: Manifest, table: pl.DataFrame) -> None:
    """Swap the table: all that can fail for lack of space happens before the manifest is touched."""
    buffer = io.BytesIO()
    table.rechunk().write_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    written = partial(layout.features)
    try:
        written.write_bytes(content)
        disk.sync(written)
    except OSError:
        written.unlink(missing_ok=True)
        raise
    info = FileInfo(len(content), hashlib.sha256(content).hexdigest())
    _list(layout, dataclasses.replace(manifest, complete=False))
    disk.commit(layout.features)
    derived = manifest.derived | {"features.parquet": info}
    _list(layout, dataclasses.replace(manifest, complete=True, derived=derived))


def _list(layout: Layout, manifest: Manifest) -> None:
    disk.write_file(layout.manifest, lambda file: file.write(manifest.to_json()))
