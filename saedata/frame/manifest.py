"""The manifest: what a frame was made from, with which encoder, and which shards are complete.

It holds no time, duration, host or path, so that equal input gives equal bytes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

FORMAT = "saedata-frame"
SCHEMA_VERSION = 1

FAMILY_POOLING = "max over tokens, summed over families"
"""`EncoderInfo.pooling` of a frame in which families of features were merged."""


@dataclass(frozen=True)
class EncoderInfo:
    """The encoder of a frame: everything that decides the numbers in it.

    Parameters
    ----------
    name
        Short name, for people.
    reader
        Name of the reader.
    layer, hook
        Where its hidden states are taken from.
    d_in, d_sae
        Width of the hidden states and number of features.
    architecture
        Kind of the SAE, e.g. ``"jumprelu"``.
    reader_sha256, sae_sha256, labels_sha256
        Hashes of the weights and of the feature labels (None: it has no labels).
    threshold
        A feature is on in a document where its value is above this.
    pooling
        How token activations become a document's.
    precision
        ``"float32"`` or ``"bfloat16"``.
    """

    name: str
    reader: str
    layer: int
    hook: str
    d_in: int
    d_sae: int
    architecture: str
    reader_sha256: str
    sae_sha256: str
    labels_sha256: str | None = None
    threshold: float = 0.0
    pooling: str = "max"
    precision: str = "float32"


@dataclass(frozen=True)
class CorpusInfo:
    """One corpus inside a frame.

    Parameters
    ----------
    sha256
        Hash of its content and of the options that change what is read.
    documents, characters
        Its size.
    text_column
        What was embedded.
    """

    sha256: str
    documents: int
    characters: int
    text_column: str


@dataclass(frozen=True)
class FileInfo:
    """Size and hash of a file that was built from the shards."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """One complete pair of files.

    Parameters
    ----------
    index
        Number in the file names.
    corpus
        Which of the manifest's corpora it belongs to.
    documents, activations, tokens
        Rows in either file, and tokens read.
    empty
        Documents without text (null, or only white space).
    windowed
        Documents longer than the reader's context, read in windows.
    documents_bytes, documents_sha256, activations_bytes, activations_sha256
        Size and hash of its files.
    """

    index: int
    corpus: int
    documents: int
    activations: int
    tokens: int
    empty: int
    windowed: int
    documents_bytes: int
    documents_sha256: str
    activations_bytes: int
    activations_sha256: str


@dataclass(frozen=True)
class Manifest:
    """Content of ``manifest.json``.

    Parameters
    ----------
    encoder
        The encoder of every document in the frame.
    corpora
        The corpora in the order they were added; one unless documents were appended.
    options
        Settings of the run that made it (shard size, context, overlap, ...): plain JSON values.
    columns
        The user's columns and their types, in order.
    shards
        The complete shards, in order.
    complete
        Whether every document of every corpus is in, and the files derived from the shards are built.
    duplicates
        Documents whose text occurred before (set when complete).
    derived
        The files built at the end, by name (set when complete).
    schema_version, format
        What kind of file this is.
    """

    encoder: EncoderInfo
    corpora: tuple[CorpusInfo, ...]
    options: dict[str, Any] = field(default_factory=dict)
    columns: tuple[tuple[str, str], ...] = ()
    shards: tuple[Shard, ...] = ()
    complete: bool = False
    duplicates: int | None = None
    derived: dict[str, FileInfo] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    format: str = FORMAT

    @property
    def documents(self) -> int:
        """Documents in the listed shards."""
        return sum(shard.documents for shard in self.shards)

    @property
    def activations(self) -> int:
        """Activations in the listed shards."""
        return sum(shard.activations for shard in self.shards)

    def to_json(self) -> bytes:
        """Serialise with sorted keys: equal manifests have equal bytes."""
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(asdict(self), option=options)
