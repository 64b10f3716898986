"""Rows of texts, encoded once and kept: what an interrupted run has done is there for the next."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.probing.matrices import Matrices, encode
from saedata.encoders import LoadedEncoder
from saedata.folders import cache_folder
from saedata.reader import Device, Precision, Reader, load_reader

CHUNK = 1024
"""Texts in a file of the cache."""


@dataclass(frozen=True)
class Source:
    """Encoders that share a reader, that whole reader, and the folder where their rows are kept."""

    encoders: Sequence[LoadedEncoder]
    reader: Reader
    cache: Path

    @classmethod
    def of(
        cls,
        encoders: Sequence[LoadedEncoder],
        *,
        cache: Path | None = None,
        device: Device | str = "auto",
        precision: Precision = "auto",
    ) -> Source:
        """Load the layers that the encoders' readers were cut off from."""
        import transformers

        if len({(encoder.reader.sha256, encoder.reader.context) for encoder in encoders}) != 1:
            msg = "encoders that are compared in one run must share a reader and its context"
            raise ValueError(msg)
        spec = encoders[0].spec
        depth = transformers.AutoConfig.from_pretrained(spec.reader_folder).num_hidden_layers
        reader = load_reader(
            spec.reader_folder, layer=depth, name=spec.reader, context=spec.context, device=device, precision=precision
        )
        return cls(encoders, reader, cache or cache_folder() / "probing")

    def folder(self, encoder: LoadedEncoder) -> Path:
        """Where an encoder's rows are kept: another weight, layer, context or precision is another folder."""
        parts = (self.reader.sha256, encoder.sae_sha256, encoder.reader.layer, self.reader.context)
        key = hashlib.sha256(repr((*parts, self.reader.precision)).encode()).hexdigest()
        return self.cache / key[:24]

    def matrices(self, texts: Sequence[str]) -> list[Matrices]:
        """Rows of the texts, for each encoder."""
        distinct = list(dict.fromkeys(texts))
        chunks = list(_chunks(distinct))
        self._fill(chunks)
        place = {text: row for row, text in enumerate(text for chunk in chunks for text in chunk)}
        where = np.array([place[text] for text in texts], dtype=np.intp)
        names = [_name(chunk) for chunk in chunks]
        folders = map(self.folder, self.encoders)
        return [Matrices.joined([_load(folder / name) for name in names]).rows(where) for folder in folders]

    def _fill(self, chunks: Sequence[Sequence[str]]) -> None:
        """Encode what the cache does not hold."""
        todo = []
        for chunk in chunks:
            absent = [encoder for encoder in self.encoders if not (self.folder(encoder) / _name(chunk)).exists()]
            todo += [(chunk, absent)] if absent else []
        clock = _Clock(sum(_size(chunk) for chunk, _ in todo))
        for chunk, absent in todo:
            for encoder, rows in zip(absent, encode(chunk, absent, self.reader), strict=True):
                _save(rows, self.folder(encoder) / _name(chunk))
            clock.advance(_size(chunk))


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Longest texts first: the slowest chunks come when memory is found to suffice, and batches hold little padding."""
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    for begin in range(0, len(ordered), CHUNK):
        yield ordered[begin : begin + CHUNK]


def _size(chunk: Sequence[str]) -> int:
    return sum(map(len, chunk))


def _name(chunk: Sequence[str]) -> str:
    """File of a chunk, after the texts that are in it."""
    digest = hashlib.sha256()
    for text in chunk:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return f"{digest.hexdigest()[:32]}.npz"


def _save(rows: Matrices, path: Path) -> None:
    """Write a chunk so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    values = {part.name: getattr(rows, part.name) for part in fields(Matrices)[1:]}
    csr = rows.sae
    np.savez(draft, data=csr.data, indices=csr.indices, indptr=csr.indptr, shape=np.array(csr.shape), **values)
    draft.replace(path)


def _load(path: Path) -> Matrices:
    with np.load(path, allow_pickle=False) as file:
        rows, columns = file["shape"].tolist()
        csr = sparse.csr_matrix((file["data"], file["indices"], file["indptr"]), shape=(rows, columns))
        return Matrices(csr, *(file[part.name] for part in fields(Matrices)[1:]))


@dataclass
class _Clock:
    """Says from time to time how far the work is."""

    total: int
    done: int = 0
    since: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def advance(self, amount: int) -> None:
        self.done += amount
        now = time.monotonic()
        if now - self.last > 10 or self.done == self.total:
            self.last, spent = now, now - self.since
            left = spent * (self.total / self.done - 1)
            part = f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} M characters"
            print(f"encoding: {part}, {spent:.0f} s, {left:.0f} s left", file=sys.stderr, flush=True)
