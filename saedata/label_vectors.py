"""Vectors of feature labels, to find the features whose labels are near some words.

They depend on the labels and the sentence encoder alone, so that all frames with the same labels share one file: it
is looked for beside the encoder, and else kept in the cache, under the hash of the labels. Up to `EXACT` labels every
one is compared; above it FAISS walks an HNSW graph.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import polars as pl

from saedata.errors import EncoderError
from saedata.faiss_files import ask_index, read_index, write_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.sentences import Embed

EXACT = 100_000
"""Labels up to which each is compared with the words: 10 ms for 65 536 of them."""

SENTENCES = "all-MiniLM-L6-v2"
"""What `embed_sentences` embeds with: part of the hash."""

_NEIGHBOURS, _EFFORT = 32, 200  # edges of the HNSW graph, and how many candidates building and searching it keep
_KEPT = 4  # indexes that stay open


@dataclass(frozen=True, eq=False)
class LabelVectors:
    """Labels of features as an index of unit vectors.

    Parameters
    ----------
    features
        uint32 [labels], ascending: whose label each is.
    index
        FAISS index of their vectors, by inner product.
    """

    features: NDArray[np.uint32]
    index: Any

    def nearest(self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Positions of the labels nearest to a vector, the nearest first.

        Parameters
        ----------
        vector
            float32 [dimensions], of unit length.
        count
            How many, at most.
        allowed
            bool [labels]: which may be found.
        """
        import faiss

        bits = np.packbits(allowed, bitorder="little")
        selected = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
        if isinstance(self.index, faiss.IndexHNSW):
            effort = max(_EFFORT, 2 * count)
            options = faiss.SearchParametersHNSW(sel=selected, efSearch=effort)  # type: ignore[attr-defined]
        else:
            options = faiss.SearchParameters(sel=selected)  # type: ignore[call-arg]
        _, rows = ask_index(self.index, vector, min(count, int(allowed.sum())), params=options)
        found = np.sort(rows)  # FAISS leaves the order of equal ones to chance
        return np.asarray(found[np.argsort(-self.similarity(found, vector[None])[:, 0], kind="stable")], np.int64)

    def similarity(self, positions: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cosines of labels with vectors, float64 [positions, vectors]."""
        if not len(positions):
            return np.zeros((0, len(vectors)))
        labels = self.index.reconstruct_batch(positions).astype(np.float64)
        return np.asarray(labels @ vectors.T.astype(np.float64))


def label_vectors(labels: pl.DataFrame, *, encoder: str, embed: Embed | None = None) -> LabelVectors:
    """Find the vectors of labels: those that are kept, or new ones.

    Parameters
    ----------
    labels
        ``feature``, ascending, and ``label``, without nulls.
    encoder
        Name of the encoder, whose folder may hold their vectors.
    embed
        Gives unit vectors for texts; None: the bundled sentence encoder. Only its vectors are kept.
    """
    features, texts = labels["feature"].to_numpy(), labels["label"].to_list()
    if embed is not None:
        return LabelVectors(features, _built(np.asarray(embed(texts), dtype=np.float32)))
    return LabelVectors(features, _kept(tuple(texts), encoder))


def label_embedder(labels: pl.DataFrame, *, encoder: str) -> Embed:
    """Embed as the bundled sentence encoder does, and take vectors that are kept instead of embedding again.

    Parameters
    ----------
    labels
        ``label``, without nulls: all labels of a frame, by feature.
    encoder
        Name of the encoder, whose folder may hold their vectors.

    Returns
    -------
    callable
        Gives unit vectors for texts; those of labels in half precision if they are kept.
    """
    texts = tuple(labels["label"].to_list())
    index = _found(texts, encoder)
    return _embedder(encoder) if index is None else _taking(texts, index)


def save_label_vectors(folder: Path) -> Path:
    """Write the vectors of an encoder's labels beside them, and remove those of earlier labels.

    Parameters
    ----------
    folder
        The encoder's folder, with its ``features.parquet``.

    Returns
    -------
    pathlib.Path
        The file.
    """
    from saedata.sentences import embed_sentences

    table = pl.read_parquet(folder / "features.parquet").sort("feature")
    texts = tuple(with_label(table)["label"].to_list())
    place = folder / file_name(texts)
    write_index(place, _built(embed_sentences(texts)))
    for other in folder.glob("labels-*.faiss"):
        if other != place:
            other.unlink()
    return place


def with_label(table: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table that have a label; it loses white space around it."""
    return table.with_columns(pl.col("label").str.strip_chars()).filter(pl.col("label").fill_null("") != "")


def file_name(texts: Sequence[str]) -> str:
    """Name of the file with the vectors of these labels."""
    content = hashlib.sha256(orjson.dumps([SENTENCES, *texts])).hexdigest()
    return f"labels-{content[:24]}.faiss"


@lru_cache(maxsize=_KEPT)
def _kept(texts: tuple[str, ...], encoder: str) -> Any:
    index = _found(texts, encoder)
    if index is None:
        index = _built(_embedder(encoder)(texts))
        write_index(_in_cache(file_name(texts)), index)
    return index


def _embedder(encoder: str) -> Embed:
    """Embed, but take the vectors of the encoder's own labels, where it has them: people change only a few of them."""
    from saedata.sentences import embed_sentences

    for place in _beside(encoder, "features.parquet"):
        if place.is_file():
            own = with_label(pl.read_parquet(place, columns=["feature", "label"]).sort("feature"))["label"].to_list()
            index = _found(tuple(own), encoder)
            return embed_sentences if index is None else _taking(own, index)
    return embed_sentences


def _taking(texts: Sequence[str], index: Any) -> Embed:
    """Embed, but take the vectors of these texts from an index."""
    from saedata.sentences import embed_sentences

    rows = {text: row for row, text in enumerate(texts)}

    def embed(wanted: Sequence[str]) -> NDArray[np.float32]:
        places = np.array([rows.get(text, -1) for text in wanted], dtype=np.int64)
        vectors = np.empty((len(places), index.d), dtype=np.float32)
        vectors[places >= 0] = index.reconstruct_batch(places[places >= 0])
        if new := np.flatnonzero(places < 0).tolist():
            vectors[new] = embed_sentences([wanted[at] for at in new])
        return vectors

    return embed


def _found(texts: tuple[str, ...], encoder: str) -> Any | None:
    name = file_name(texts)
    for place in (*_beside(encoder, name), _in_cache(name)):
        index = read_index(place)
        if index is not None and index.ntotal == len(texts):
            return index
    return None


def _in_cache(name: str) -> Path:
    from saedata.folders import cache_folder

    return cache_folder() / "labels" / name


def _beside(encoder: str, name: str) -> list[Path]:
    from saedata.encoders import find_encoder

    try:
        return [find_encoder(encoder).folder / name]
    except EncoderError:  # a frame can be searched where its encoder is not
        return []


def _built(vectors: NDArray[np.float32]) -> Any:
    """Half precision moves a cosine by less than 0.001, and halves the file."""
    import faiss

    index: Any
    size, kind = vectors.shape[1], faiss.ScalarQuantizer.QT_fp16
    if len(vectors) <= EXACT:
        index = faiss.IndexScalarQuantizer(size, kind, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexHNSWSQ(size, kind, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)  # type: ignore[arg-type]
        index.hnsw.efConstruction = _EFFORT
    index.train(vectors)
    index.add(vectors)
    return index
