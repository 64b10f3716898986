"""The sparse frame on disk: names of its files and columns, declared once.

A frame is a folder of plain Parquet, NumPy and JSON files::

    answers.sae/
      manifest.json
      documents/part-00000.parquet
      activations/part-00000.parquet
      by_feature/{offsets,docs,values}.npy
      features.parquet

File names follow from the number of a shard; none is ever read from a file's content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT_SCHEMA: dict[str, pl.DataType] = {
    "doc": pl.UInt32(),
    "text": pl.String(),
    "tokens": pl.UInt32(),
    "features_on": pl.UInt32(),
    "variance_unexplained": pl.Float32(),
}
"""The columns that every document has; the user's own columns follow them."""

ACTIVATION_SCHEMA: dict[str, pl.DataType] = {
    "doc": pl.UInt32(),
    "feature": pl.UInt32(),
    "value": pl.Float32(),
    "start": pl.UInt32(),
    "stop": pl.UInt32(),
}

LABEL_SCHEMA: dict[str, pl.DataType] = {
    "feature": pl.UInt32(),
    "label": pl.String(),
    "kind": pl.String(),
    "label_source": pl.String(),
    "label_score": pl.Float32(),
    "tokens": pl.List(pl.String()),
}

STATISTICS_SCHEMA: dict[str, pl.DataType] = {
    "documents": pl.UInt32(),
    "density": pl.Float64(),
    "mean": pl.Float32(),
    "max": pl.Float32(),
    "q90": pl.Float32(),
}

FEATURE_SCHEMA: dict[str, pl.DataType] = LABEL_SCHEMA | STATISTICS_SCHEMA

RESERVED = frozenset(DOCUMENT_SCHEMA)
"""Names that a user's own column cannot have."""

MAX_DOCUMENTS = 2**32
"""Document numbers are 32-bit."""

PARTIAL = ".partial"
"""Suffix of a file that is being written; a finished file never has it."""

_PART = re.compile(r"part-\d{5,}\.parquet(\.partial)?")


@dataclass(frozen=True)
class Layout:
    """Paths of everything inside one frame.

    Parameters
    ----------
    root
        The frame's folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> Layout(Path("answers.sae")).documents(3).as_posix()
    'answers.sae/documents/part-00003.parquet'
    """

    root: Path

    @property
    def manifest(self) -> Path:
        """The list of what is complete."""
        return self.root / "manifest.json"

    @property
    def documents_folder(self) -> Path:
        """The folder of all document shards."""
        return self.root / "documents"

    @property
    def activations_folder(self) -> Path:
        """The folder of all activation shards."""
        return self.root / "activations"

    @property
    def by_feature(self) -> Path:
        """The folder of the postings."""
        return self.root / "by_feature"

    @property
    def offsets(self) -> Path:
        """Where each feature's postings begin: int64, one more than there are features."""
        return self.by_feature / "offsets.npy"

    @property
    def docs(self) -> Path:
        """Document numbers sorted by (feature, doc): uint32."""
        return self.by_feature / "docs.npy"

    @property
    def values(self) -> Path:
        """Activations in the order of `docs`: float32."""
        return self.by_feature / "values.npy"

    @property
    def features(self) -> Path:
        """One row for each feature."""
        return self.root / "features.parquet"

    def documents(self, shard: int) -> Path:
        """Documents of one shard."""
        return self.documents_folder / f"part-{shard:05d}.parquet"

    def activations(self, shard: int) -> Path:
        """Activations of one shard."""
        return self.activations_folder / f"part-{shard:05d}.parquet"

    def derived(self) -> dict[str, Path]:
        """Files that are built from the shards at the end, by the name the manifest gives them."""
        return {
            "by_feature/offsets.npy": self.offsets,
            "by_feature/docs.npy": self.docs,
            "by_feature/values.npy": self.values,
            "features.parquet": self.features,
        }


def partial(path: Path) -> Path:
    """Name that a file has until it is complete."""
    return path.with_name(path.name + PARTIAL)


def is_part(name: str) -> bool:
    """Whether a file name is one that the writer gives to shards, finished or not.

    Examples
    --------
    >>> is_part("part-00012.parquet.partial"), is_part("notes.parquet")
    (True, False)
    """
    return _PART.fullmatch(name) is not None
