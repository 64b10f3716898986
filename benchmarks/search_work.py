"""Search in a process of its own: `python -m benchmarks.search_work build|search FRAME` prints seconds and peak memory.

Texts, labels and dense vectors are simulated; queries are embedded by the real sentence encoder.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness import peak_memory
from benchmarks.simulated import Mixture, Tables

LABEL_WORDS = ("red", "early", "large", "near", "warm", "north", "old", "quiet")
QUERIES, WARM = 60, 20
"""Different queries of each kind, and how many more before them that are not counted."""

WORDS, WORDS_IN_TEXT = 30_000, 25
CENTRES, SPREAD = 200, 0.8
METHODS = ("sae", "dense", "bm25", "fusion")


def worded(mixture: Mixture) -> Callable[[int, int], Tables]:
    """Give simulated documents texts of invented words with the frequencies of Zipf, the words of labels among them."""
    names = np.array([f"w{number:x}" for number in range(WORDS)], dtype=object)
    names[50 : 50 * (len(LABEL_WORDS) + 1) : 50] = LABEL_WORDS
    share = np.cumsum(1 / np.arange(1, WORDS + 1))

    def shard(first: int, size: int) -> Tables:
        documents, activations = mixture.shard(first, size)
        drawn = np.random.default_rng((1, first)).random((size, WORDS_IN_TEXT)) * share[-1]
        texts = [" ".join(names[row]) for row in np.searchsorted(share, drawn)]
        return documents.with_columns(text=pl.Series(texts)), activations

    return shard


def simulated_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Dense vectors around some centres, the same for the same texts."""
    rng = np.random.default_rng(zlib.crc32(texts[0].encode()))
    centres = np.random.default_rng(0).standard_normal((CENTRES, 384), np.float32)
    rows = centres[rng.integers(CENTRES, size=len(texts))] + SPREAD * rng.standard_normal((len(texts), 384), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def phrases(count: int, seed: int) -> Iterator[str]:
    """Different phrases of the words of labels."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield " ".join(rng.choice(LABEL_WORDS, 3, replace=False))


def build(frame: Path) -> dict[str, float]:
    """Build the index of words, and the index of dense vectors from vectors that are there.

    Peak memory is that of the whole process; embedding texts is not a part of it.
    """
    from saedata import dense
    from saedata.dense import DenseIndex
    from saedata.frame.stored import open_stored
    from saedata.words import WordIndex

    dense.embed_documents = simulated_vectors
    stored = open_stored(frame)
    since = time.perf_counter()
    WordIndex.of(stored)
    words = time.perf_counter() - since
    since = time.perf_counter()
    DenseIndex.of(stored)
    return {"words": words, "dense": time.perf_counter() - since}


def search(frame: Path) -> dict[str, Any]:
    """Open everything, ask once cold, then many times warm."""
    import saedata
    from saedata import dense
    from saedata.analysis.search import search as find
    from saedata.analysis.search.main import _asked, _choice, _made
    from saedata.analysis.search.scores import best_by_features
    from saedata.sentences import embed_sentences

    dense.embed_documents = simulated_vectors
    embed_sentences(["the encoder is loaded"])
    loading = _seconds(lambda: [importlib.import_module(name) for name in ("bm25s", "faiss")])
    _forget(frame)
    since = time.perf_counter()
    opened = saedata.open(frame)
    found: dict[str, Any] = {"loading": loading, "open": _opening(opened) + time.perf_counter() - since}
    choice = _choice((), (), 100, 0.2, -1.0, None)

    def score(phrase: str) -> Callable[[], object]:
        plan = _made(_asked(opened, phrase, "sae", (), (), choice, None))
        return lambda: best_by_features(opened, plan, 1000, None, above=opened.threshold)

    score("red early large")
    found["cold"] = _seconds(score("old north quiet"))
    found["scoring"] = [_seconds(score(phrase)) for phrase in phrases(QUERIES + WARM, 0)][WARM:]
    for method in METHODS:
        asked = list(phrases(QUERIES + WARM, 1))
        found[method] = [_seconds(lambda p=p, m=method: find(opened, p, method=m, least=-1.0)) for p in asked][WARM:]
    often = opened.features.sort("documents", descending=True)["feature"][50 : 50 + QUERIES + WARM].to_list()
    found["top"] = [_seconds(lambda f=f: opened.top_documents(f, 100)) for f in often][WARM:]
    return found


def _opening(opened: Any) -> float:
    """Seconds to open postings, words and dense vectors."""
    from saedata.dense import DenseIndex
    from saedata.words import WordIndex

    part = opened.view.parts[0].frame
    return _seconds(lambda: (part.postings, WordIndex.of(part), DenseIndex.of(part)))


def _seconds(work: Callable[[], object]) -> float:
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def _forget(frame: Path) -> None:
    """Let the system drop the frame's files from memory, where it offers that."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in frame.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def main() -> None:
    work, frame = sys.argv[1:]
    found = {"build": build, "search": search}[work](Path(frame))
    peak = peak_memory()
    print(json.dumps(found | {"gigabytes": peak / 1e9}))


if __name__ == "__main__":
    main()
