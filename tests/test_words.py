"""BM25: the same scores as bm25s itself, whatever way the index came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bm25s
import numpy as np
import pytest

from saedata import derived, words
from saedata.words import WordIndex, split, word_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

POOL = ["river", "stone", "lamp", "window", "garden", "kettle", "market", "pepper", "candle", "the", "and", "of"]


def texts(seed: int, documents: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    some = [" ".join(rng.choice(POOL, rng.integers(0, 12))) for _ in range(documents)]
    return [None, *some[1:]]


def frame_of(make_frame: MakeFrame, name: str, some: list[str | None], **settings: Any) -> Embeddings:
    return make_frame(f"{name}.sae", [(text, {0: 1.0}) for text in some], **settings)


def stored(frame: Embeddings) -> Any:
    return frame.view.parts[0].frame


def expected(some: list[str | None], query: str) -> Any:
    ids, vocabulary = split([text or "" for text in some])
    index = bm25s.BM25(k1=words.K1, b=words.B)
    index.index((ids, {word: n for n, word in enumerate(vocabulary)}), show_progress=False)
    return index.get_scores([word for word in split([query])[1] if word in index.vocab_dict])


@pytest.mark.parametrize("together", [1, 40, 1 << 25])
def test_scores_are_those_of_bm25s(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, together: int):
    monkeypatch.setattr(words, "TOGETHER", together)
    monkeypatch.setattr(words, "_MERGED", 2)
    some = texts(0, 23)
    index = WordIndex.of(stored(frame_of(make_frame, "a", some)))
    for query in ("a river stone", "Lamp! lamp, the window", "garden"):
        np.testing.assert_allclose(index.scores(index.numbers(query)), expected(some, query), rtol=1e-5, atol=1e-6)


def test_words_that_are_not_there(make_frame: MakeFrame):
    index = WordIndex.of(stored(frame_of(make_frame, "a", texts(1, 9))))
    assert len(index.numbers("the of and zebra")) == 0
    assert not index.scores(index.numbers("zebra")).any()
    assert word_hash("zebra") != word_hash("zebras")


def test_a_corpus_without_words(make_frame: MakeFrame):
    index = WordIndex.of(stored(frame_of(make_frame, "a", ["", None, "the of", "!"])))
    assert index.scores(index.numbers("river")).tolist() == [0, 0, 0, 0]


def test_appending_counts_only_what_is_new(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    first, second = texts(2, 8), texts(3, 7)
    WordIndex.of(stored(frame_of(make_frame, "a", first)))
    counted: list[int] = []
    plain = words._counts
    monkeypatch.setattr(words, "_counts", lambda some: counted.append(len(some)) or plain(some))
    both = frame_of(make_frame, "a", second, append=True)
    index = WordIndex.of(stored(both))
    assert counted == [3, 3, 1]
    np.testing.assert_allclose(index.scores(index.numbers("river")), expected(first + second, "river"), rtol=1e-5)
    frequency = sum("river" in (text or "").split() for text in first + second)
    assert index.frequencies(index.numbers("river")).tolist() == [frequency]


def test_the_index_is_mapped_and_opened_without_counting(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    frame = frame_of(make_frame, "a", texts(4, 8))
    WordIndex.of(stored(frame))
    words._opened.cache_clear()
    monkeypatch.setattr(words, "_counts", None)
    index = WordIndex.of(stored(frame))
    assert isinstance(index.bm25.scores["data"].base, np.memmap)
    assert derived.INDEX in {file.name for file in (frame.path / "words").iterdir()}


def test_the_folder_holds_nothing_else(make_frame: MakeFrame):
    frame = frame_of(make_frame, "a", texts(5, 4))
    WordIndex.of(stored(frame))
    names = {file.name for file in (frame.path / "words").iterdir()}
    parts = {"part-00000.parquet", "part-00001.parquet", "parts.json", "index.json"}
    files = {"data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy", "params.index.json", "words.npy"}
    assert names == parts | files


def test_two_builds_give_the_same_bytes(make_frame: MakeFrame):
    def content(folder: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    frames = [frame_of(make_frame, name, texts(6, 8)) for name in ("a", "b")]
    for frame in frames:
        WordIndex.of(stored(frame))
    assert content(frames[0].path / "words") == content(frames[1].path / "words")
