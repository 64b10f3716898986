"""A random choice of a large corpus's documents, written as a frame of its own: a page looks it through at once.

It lies in the cache, is written by the first work in the background that needs it, and is found again by content.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import FrameError
from saedata.folders import cache_folder
from saedata.frame import CorpusInfo, Embeddings, FrameWriter, open_frame
from saedata.frame.layout import DOCUMENT_SCHEMA, LABEL_SCHEMA
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SHARD = 1024
"""Documents in a shard of the sample."""


def chosen(frame: Embeddings, documents: int, *, seed: int = 0) -> pl.Series:
    """Numbers of the documents in the sample, ascending; there each has its place among them as its number."""
    numbers = frame.doc_numbers
    drawn = np.random.default_rng(seed).choice(numbers, min(documents, len(numbers)), replace=False)
    return pl.Series(np.sort(drawn), dtype=pl.UInt32)


def there(frame: Embeddings, documents: int, *, seed: int = 0) -> Embeddings | None:
    """The sample, if it was written before."""
    try:
        return _opened(_place(frame, documents, seed), frame.name)
    except FrameError:
        return None


@functools.lru_cache(maxsize=16)
def _opened(place: Path, name: str) -> Embeddings:
    return open_frame(place, name=name)


def written(frame: Embeddings, documents: int, *, seed: int = 0) -> Embeddings:
    """The sample; written where it is not there yet, going on where that was stopped.

    Parameters
    ----------
    frame
        The whole corpus.
    documents
        How many to choose; at least two.
    seed
        Of the choice.
    """
    found = there(frame, documents, seed=seed)
    if found is not None:
        return found
    docs = chosen(frame, documents, seed=seed).to_numpy()
    place = _place(frame, documents, seed)
    place.parent.mkdir(parents=True, exist_ok=True)
    schema = frame.scan_documents().collect_schema()
    with FrameWriter.open(
        place,
        encoder=frame.encoder,
        corpus=CorpusInfo(_key(frame, documents, seed), len(docs), 0, frame.manifest.corpora[0].text_column),
        options=dict(frame.manifest.options),
        columns={name: kind for name, kind in schema.items() if name not in DOCUMENT_SCHEMA},
    ) as writer:
        if not writer.complete:
            for part in _parts(frame, docs, writer.documents_done):
                writer.write_shard(*part)
        made = writer.finish(frame.features.select(list(LABEL_SCHEMA)))
    made.name = frame.name
    return made


def _parts(frame: Embeddings, docs: NDArray[np.uint32], done: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Documents and activations, some shards of the corpus together, numbered by their places in the sample."""
    part = frame.filter(pl.col("doc").is_in(pl.Series(docs, dtype=pl.UInt32).implode()))
    waiting: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    with progress(f"choosing documents of {frame.name}", total=len(docs), unit="documents") as tell:
        tell(done)
        for shard in part.shards():
            if shard.stop <= docs[min(done, len(docs) - 1)]:
                continue
            waiting.append((shard.documents(), shard.activations()))
            if shard.stop > docs[-1] or sum(documents.height for documents, _ in waiting) >= SHARD:
                documents, activations = (_numbered(pl.concat(tables), docs) for tables in zip(*waiting, strict=True))
                yield documents, activations
                tell(documents.height)
                waiting = []


def _numbered(table: pl.DataFrame, docs: NDArray[np.uint32]) -> pl.DataFrame:
    place = np.searchsorted(docs, table["doc"].to_numpy()).astype(np.uint32)
    return table.with_columns(doc=pl.Series(place))


def _place(frame: Embeddings, documents: int, seed: int) -> Path:
    return cache_folder() / "samples" / f"{_key(frame, documents, seed)[:24]}.sae"


def _key(frame: Embeddings, documents: int, seed: int) -> str:
    content = hashlib.sha256(frame.manifest.to_json())
    content.update(f"{documents} {seed}".encode())
    return content.hexdigest()
