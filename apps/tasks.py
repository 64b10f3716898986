"""Work that may take long: each task calls the library and gives tables by name. Nothing here knows of Streamlit."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import saedata
from saedata.corpus import read_corpus
from saedata.errors import CorpusError, InputError, SaedataError
from saedata.probing.detector import Detector
from saedata_apps import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.frame import Embeddings

    Tables = dict[str, pl.DataFrame]


def diff(*frames: Embeddings, **options: Any) -> Tables:
    """How corpora, or the groups of one, differ."""
    return {"found": saedata.diff(*frames, **options)}


def trend(*frames: Embeddings, **options: Any) -> Tables:
    """What rises and falls over ordered groups."""
    return {"found": saedata.trend(*frames, **options)}


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
    if sample is None or sample >= frame.n_documents:
        return _tables(saedata.cluster(frame, seed=seed, **options))
    part = samples.written(frame, sample, seed=seed)
    numbers = samples.chosen(frame, sample, seed=seed)
    tables = _tables(saedata.cluster(part, seed=seed, **options))
    return {name: _renumbered(table, numbers) for name, table in tables.items()}


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
    _check_unchanged(corpus, name, text, limit, sha256)
    frame = saedata.embed(Path(corpus), text=text, limit=limit, encoder=encoder)
    return {"frame": pl.DataFrame({"path": [str(frame.path)], "name": [name]})}


def classify(*, detector: str, texts: Sequence[str]) -> Tables:
    """What a saved probe says of some texts, of which nothing is kept."""
    rule = read_detector(detector)
    with tempfile.TemporaryDirectory() as folder:
        frame = saedata.embed(list(texts), encoder=rule.encoder.name, out=Path(folder) / "texts.sae")
        return _scored(frame, rule)


def classify_file(*, detector: str, corpus: str, name: str, text: str | None, sha256: str) -> Tables:
    """What a saved probe says of a file's documents."""
    rule = read_detector(detector)
    _check_unchanged(corpus, name, text, None, sha256)
    return _scored(saedata.embed(Path(corpus), text=text, encoder=rule.encoder.name), rule)


def read_detector(content: str) -> Detector:
    """Read a saved probe that is no file.

    Raises
    ------
    InputError
        It is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "detector.json"
        file.write_text(content, encoding="utf-8")
        try:
            return Detector.load(file)
        except InputError as error:
            raise InputError(str(error).replace(str(file), "the file")) from None


def _scored(frame: Embeddings, rule: Detector) -> Tables:
    read = frame.scan_documents().select("doc", "text").collect()
    return {"scored": saedata.classify(frame, rule).join(read, on="doc", how="left", maintain_order="left")}


def _check_unchanged(corpus: str, name: str, text: str | None, limit: int | None, sha256: str) -> None:
    if read_corpus(Path(corpus), text=text, limit=limit).sha256 != sha256:
        msg = f"{name} has changed since it was looked at; choose it again"
        raise CorpusError(msg)


def _renumbered(table: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """The documents of a sample under the numbers that they have in the corpus."""
    lists = [name for name in ("typical", "border") if name in table.columns]
    single = [name for name in ("doc",) if name in table.columns]
    return table.with_columns(
        *(pl.lit(numbers).gather(pl.col(name)).alias(name) for name in single),
        *(pl.col(name).list.eval(pl.lit(numbers).gather(pl.element())) for name in lists),
    )


def _tables(found: Any) -> Tables:
    """The tables of a result."""
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {name: value for name, value in values.items() if isinstance(value, pl.DataFrame)}


TASKS: dict[str, Callable[..., Tables]] = {
    "classify": classify,
    "classify_file": classify_file,
    "cluster": cluster,
    "correlate": correlate,
    "diff": diff,
    "embed": embed,
    "languages": languages,
    "probe": probe,
    "search": search,
    "separability": separability,
    "toxicity": toxicity,
    "trend": trend,
}
"""What may run outside of the page, by name."""
