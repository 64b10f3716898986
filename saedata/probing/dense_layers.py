"""Dense vectors of documents for baselines: the hook layer that the features are read from, and whole sentences.

For frames that are not large they are made of every document once and kept with the frame; of larger ones only the
documents that are asked for are read, each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.derived import Recipe, derived_folder, part_file
from saedata.frame.disk import reading
from saedata.frame.reencode import check_one_encoder
from saedata.probing.frame_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.frame.stored import StoredFrame
    from saedata.reader import Reader

    Float = NDArray[np.float32]

KEPT = 20_000
"""Vectors are made and kept of all documents of frames up to this size."""

HIDDEN = ("mean", "max", "last")
"""Over a document's tokens; of the last token."""

_AT_A_TIME = 1024


@dataclass(frozen=True)
class _Pools:
    """What the hook layer reaches in each document."""

    mean: NDArray[np.float64]
    max: Float
    last: Float
    tokens: NDArray[np.float64]
    latest: NDArray[np.int64]

    @classmethod
    def empty(cls, documents: int, width: int) -> _Pools:
        high = np.full((documents, width), -np.inf, dtype=np.float32)
        zero = np.zeros((documents, width))
        return cls(zero, high, zero.astype(np.float32), np.zeros(documents), np.full(documents, -1, dtype=np.int64))

    def add(self, document: int, states: Float, start: int) -> None:
        """Add the tokens of a window whose last one begins at this character."""
        self.mean[document] += states.sum(0, dtype=np.float64)
        self.tokens[document] += len(states)
        np.maximum(self.max[document], states.max(0), out=self.max[document])
        if start > self.latest[document]:
            self.latest[document] = start
            self.last[document] = states[-1]

    def vectors(self) -> dict[str, Float]:
        """By name; zeros for a document without tokens."""
        mean = (self.mean / np.maximum(self.tokens, 1)[:, None]).astype(np.float32)
        return {"mean": mean, "max": np.where(np.isfinite(self.max), self.max, 0), "last": self.last}


def hidden_vectors(
    frame: Embeddings, docs: NDArray[np.integer], *, encoder: LoadedEncoder | None = None
) -> dict[str, Float]:
    """Mean, maximum and last token of the hook layer, over the tokens that features are pooled over.

    Parameters
    ----------
    frame
        Where the documents are.
    docs
        Their numbers.
    encoder
        The frame's encoder, if it is loaded already.

    Returns
    -------
    dict
        "mean", "max" and "last": float32 [docs, width of the reader].

    Raises
    ------
    EncoderError
        The encoder cannot be had here, or has other weights than the frame was made with.
    """

    def make(texts: list[str]) -> pl.DataFrame:
        vectors = pooled(texts, encoder_of(frame, encoder).reader)
        width = frame.encoder.d_in
        return pl.DataFrame([pl.Series(name, vectors[name], dtype=pl.Array(pl.Float32, width)) for name in HIDDEN])

    check_one_encoder(frame.encoder)
    info = frame.encoder
    made_with = {"reader": info.reader_sha256, "layer": info.layer, "precision": info.precision, "pools": list(HIDDEN)}
    recipe = Recipe("hidden", "reading hidden states", made_with, make, lambda *_: None)
    table = _rows(frame, docs, recipe, make)
    return {name: table[name].to_numpy().astype(np.float32, copy=False) for name in HIDDEN}


def sentence_vectors(frame: Embeddings, docs: NDArray[np.integer]) -> Float:
    """Embeddings of whole documents by the bundled sentence encoder, float32 [docs, 384]."""
    from saedata import dense

    if frame.extent > KEPT:
        return _by_text(frame, docs, lambda texts: dense.embed_documents(texts))
    rows = np.zeros((len(docs), dense.WIDTH), dtype=np.float32)
    for part in frame.view.parts:
        mine = (docs >= part.offset) & (docs < part.stop)
        if mine.any():
            rows[mine] = dense.DenseIndex.of(part.frame).vectors(docs[mine] - part.offset)
    return rows


def pooled(texts: Sequence[str], reader: Reader) -> dict[str, Float]:
    """Read texts, and pool the hidden states of each one's tokens."""
    from saedata.encode import default_token_budget
    from saedata.reader import batches, read

    pools = _Pools.empty(len(texts), reader.d_model)
    for batch in batches(list(reader.windows(texts)), token_budget=default_token_budget(reader)):
        states, counts = read(reader, batch)
        ends = np.cumsum(counts)
        values = states.float().cpu().numpy()
        for window, end, count in zip(batch, ends, counts, strict=True):
            if count:
                pools.add(window.document, values[end - count : end], int(window.starts[window.pooled][-1]))
    return pools.vectors()


def _rows(
    frame: Embeddings, docs: NDArray[np.integer], recipe: Recipe, make: Callable[[list[str]], pl.DataFrame]
) -> pl.DataFrame:
    """Vectors of documents, from what is kept with their frames or made now."""
    if frame.extent > KEPT:
        texts = _texts(frame, docs)
        return pl.concat([make(texts[at : at + _AT_A_TIME]) for at in range(0, len(texts), _AT_A_TIME)])
    places, tables = [], []
    for part in frame.view.parts:
        mine = np.flatnonzero((docs >= part.offset) & (docs < part.stop))
        if len(mine):
            places.append(mine)
            tables.append(_kept(part.frame, derived_folder(part.frame, recipe), docs[mine] - part.offset))
    order = np.argsort(np.concatenate(places), kind="stable")
    return pl.concat(tables).select(pl.all().gather(order))


def _kept(stored: StoredFrame, folder: Path, docs: NDArray[np.integer]) -> pl.DataFrame:
    shard = np.searchsorted(stored.starts, docs, side="right") - 1
    tables: list[pl.DataFrame] = []
    places = []
    for number in np.unique(shard).tolist():
        mine = np.flatnonzero(shard == number)
        with reading(part_file(folder, number)):
            tables.append(pl.read_parquet(part_file(folder, number), glob=False)[docs[mine] - stored.starts[number]])
        places.append(mine)
    return pl.concat(tables).select(pl.all().gather(np.argsort(np.concatenate(places), kind="stable")))


def _by_text(frame: Embeddings, docs: NDArray[np.integer], embed: Callable[[list[str]], Any]) -> Float:
    texts = _texts(frame, docs)
    parts = [embed(texts[at : at + _AT_A_TIME]) for at in range(0, len(texts), _AT_A_TIME)]
    return np.concatenate(parts).astype(np.float32, copy=False)


def _texts(frame: Embeddings, docs: NDArray[np.integer]) -> list[str]:
    wanted = pl.DataFrame({"doc": np.asarray(docs, dtype=np.uint32)})
    table = frame.scan_documents().select("doc", pl.col("text").fill_null("")).join(wanted.lazy(), on="doc", how="semi")
    texts: list[str] = wanted.join(table.collect(), on="doc", how="left", maintain_order="left")["text"].to_list()
    return texts
