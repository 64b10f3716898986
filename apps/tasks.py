"""Work that may take long: each task calls the library and gives tables by name. Nothing here knows of Streamlit."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

import saedata
from saedata.corpus import read_corpus
from saedata.errors import CorpusError, SaedataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    Tables = dict[str, pl.DataFrame]


def correlate(frame: Embeddings, **options: Any) -> Tables:
    """Pairs of features, and the concept groups that they form."""
    pairs = saedata.correlate(frame, **options)
    try:
        groups = saedata.concept_groups(pairs)
    except SaedataError:  # igraph is not installed
        groups = pl.DataFrame()
    return {"pairs": pairs, "groups": groups}


def cluster(frame: Embeddings, *, sample: int | None = None, seed: int = 0, **options: Any) -> Tables:
    """Clusters of all documents, or of a random choice of so many."""
    return _tables(saedata.cluster(sampled(frame, sample, seed), seed=seed, **options))


def separability(frame: Embeddings, **options: Any) -> Tables:
    """How well single features tell concepts apart."""
    return _tables(saedata.separability(frame, **options))


def toxicity(frame: Embeddings, **options: Any) -> Tables:
    """What is toxic, in each language."""
    return _tables(saedata.toxicity(frame, **options))


def languages(frame: Embeddings, **options: Any) -> Tables:
    """Features of each language."""
    return _tables(saedata.languages(frame, **options))


def probe(frame: Embeddings, **options: Any) -> Tables:
    """What predicts a label, and the best sparse probe as JSON."""
    found = saedata.probe(frame, **options)
    tables = {name: getattr(found, name) for name in ("table", "features", "disputed", "curves", "leaks")}
    if not found.detectors:
        return tables
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "detector.json"
        found.save(file)
        detector = file.read_text(encoding="utf-8")
    return tables | {"detector": pl.DataFrame({"k": [found.best], "json": [detector]})}


def search(frame: Embeddings, **options: Any) -> Tables:
    """Documents that were found; dense vectors and counts of words are made where they are missing."""
    return {"found": saedata.search(frame, **options)}


def embed(*, corpus: str, name: str, text: str | None, limit: int | None, encoder: str, sha256: str) -> Tables:
    """Where the frame of a file is; made in the cache, and continued there where it was stopped."""
    read = read_corpus(Path(corpus), text=text, limit=limit)
    if read.sha256 != sha256:
        msg = f"{name} has changed since it was looked at; choose it again"
        raise CorpusError(msg)
    frame = saedata.embed(Path(corpus), text=text, limit=limit, encoder=encoder)
    return {"frame": pl.DataFrame({"path": [str(frame.path)], "name": [name]})}


def sampled(frame: Embeddings, documents: int | None, seed: int) -> Embeddings:
    """A random choice of the documents; all where there are not more."""
    if documents is None or documents >= frame.n_documents:
        return frame
    numbers = frame.doc_numbers
    chosen = np.sort(np.random.default_rng(seed).choice(numbers, documents, replace=False))
    return frame.filter(pl.col("doc").is_in(pl.Series(chosen, dtype=pl.UInt32).implode()))


def _tables(found: Any) -> Tables:
    """The tables of a result."""
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {name: value for name, value in values.items() if isinstance(value, pl.DataFrame)}


TASKS: dict[str, Callable[..., Tables]] = {
    "cluster": cluster,
    "correlate": correlate,
    "embed": embed,
    "languages": languages,
    "probe": probe,
    "search": search,
    "separability": separability,
    "toxicity": toxicity,
}
"""What may run outside of the page, by name."""
