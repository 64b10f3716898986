"""What the tests of corpora share: writing rows down, and looking at what was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import polars as pl

from saedata.corpus import Corpus

Put = Callable[[str, str | bytes], Path]
"""Write a file, packed as its name says: ``put("a.jsonl.gz", '{"text": "hello"}')``."""


def jsonl(*rows: object) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def frame(corpus: Corpus, size: int = 4096, skip: int = 0) -> pl.DataFrame:
    return pl.concat(corpus.batches(size, skip=skip))


def texts(corpus: Corpus) -> list[str | None]:
    found: list[str | None] = frame(corpus)["text"].to_list()
    return found
