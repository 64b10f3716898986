"""What small hand-made sparse frames are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from saedata.frame import Embeddings, EncoderInfo, FrameWriter
from saedata.frame.layout import ACTIVATION_SCHEMA, DOCUMENT_SCHEMA

Row = tuple[str | None, Mapping[int, float]]


@dataclass
class FrameParts:
    """What a frame is written from: rows of (text, {feature: value}), cut into shards."""

    rows: Sequence[Row]
    features: int = 8
    shard: int = 3
    user: dict[str, list[Any]] = field(default_factory=dict)
    encoder: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=lambda: {"shard_documents": 3, "overlap": 32})
    labels: pl.DataFrame | None = None
    tables: Mapping[str, pl.DataType] | None = None

    @property
    def info(self) -> EncoderInfo:
        plain = EncoderInfo(
            name="tiny",
            reader="tiny-reader",
            layer=4,
            hook="resid_post",
            d_in=16,
            d_sae=self.features,
            architecture="jumprelu",
            reader_sha256=sha256(b"reader").hexdigest(),
            sae_sha256=sha256(b"sae").hexdigest(),
        )
        return replace(plain, **self.encoder)

    @property
    def corpus(self) -> dict[str, Any]:
        texts = [text or "" for text, _ in self.rows]
        content = sha256(repr((list(self.rows), self.user)).encode()).hexdigest()
        characters = sum(map(len, texts))
        return {"sha256": content, "documents": len(texts), "characters": characters, "text_column": "text"}

    @property
    def columns(self) -> dict[str, pl.DataType]:
        return dict(self.tables or pl.DataFrame(self.user).schema)

    def documents(self, begin: int, first: int) -> pl.DataFrame:
        rows = self.rows[begin : begin + self.shard]
        own = {
            "doc": range(first, first + len(rows)),
            "text": [text for text, _ in rows],
            "tokens": [len((text or "").split()) for text, _ in rows],
            "features_on": [len(values) for _, values in rows],
            "variance_unexplained": [0.25 if text else None for text, _ in rows],
        }
        user = {name: values[begin : begin + self.shard] for name, values in self.user.items()}
        return pl.DataFrame(own | user, schema=DOCUMENT_SCHEMA | self.columns)

    def activations(self, begin: int, first: int) -> pl.DataFrame:
        """Feature f is strongest on the text's word number f (counted round and round)."""
        rows = []
        for doc, (text, values) in enumerate(self.rows[begin : begin + self.shard], start=first):
            spans = word_spans(text or "") or [(0, 0)]
            rows += [(doc, f, values[f], *spans[f % len(spans)]) for f in sorted(values)]
        return pl.DataFrame(rows, schema=ACTIVATION_SCHEMA, orient="row")

    def open(self, out: Path, *, append: bool = False) -> FrameWriter:
        return FrameWriter.open(
            out,
            encoder=self.info,
            corpus=self.corpus,
            options=self.options,
            columns=self.columns,
            append=append,
        )

    def write(self, out: Path, *, append: bool = False) -> Embeddings:
        """Do what `embed` does: write what is not there yet."""
        with self.open(out, append=append) as writer:
            while not writer.complete and (begin := writer.corpus_documents_done) < len(self.rows):
                first = writer.documents_done
                writer.write_shard(self.documents(begin, first), self.activations(begin, first), windowed=1)
            return writer.finish(self.labels)


def word_spans(text: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        spans.append((start, at))
    return spans
