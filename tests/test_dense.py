"""Dense vectors of documents and the index that finds the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
import pytest

from saedata import dense
from saedata.dense import DenseIndex
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

embed_documents = dense.embed_documents  # the fixture puts another in its place


def vector(text: str) -> Any:
    """A direction that depends on the text alone."""
    if not text:
        return np.zeros(dense.WIDTH, np.float32)
    drawn = np.random.default_rng([ord(letter) for letter in text]).normal(size=dense.WIDTH)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were embedded; no model is loaded."""
    texts: list[str] = []

    def embed(some: Sequence[str]) -> Any:
        texts.extend(some)
        return np.stack([vector(text) for text in some])

    monkeypatch.setattr(dense, "embed_documents", embed)
    return texts


def frame_of(make_frame: MakeFrame, some: Sequence[str | None], name: str = "a", **settings: Any) -> Any:
    frame = make_frame(f"{name}.sae", [(text, {0: 1.0}) for text in some], **settings)
    return frame.view.parts[0].frame


TEXTS = [f"text {n}" for n in range(40)]


def test_the_nearest_first(make_frame: MakeFrame):
    index = DenseIndex.of(frame_of(make_frame, ["one", "two", None, "three", "two"]))
    docs, cosines = index.nearest(vector("two"), 4, None)
    assert docs.tolist()[:2] == [1, 4]
    np.testing.assert_allclose(cosines[:2], 1, atol=1e-3)
    exact = np.stack([vector("one"), vector("three")]) @ vector("two")
    np.testing.assert_allclose(np.sort(cosines[2:]), np.sort([*exact, 0])[-2:], atol=1e-3)
    np.testing.assert_array_equal(index.vectors(np.array([4, 0, 2])), [vector("two"), vector("one"), vector("")])


@pytest.mark.parametrize("exact", [0, 1000])
def test_only_what_is_allowed(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, exact: int):
    monkeypatch.setattr(dense, "EXACT", exact)
    monkeypatch.setattr(dense, "_SAMPLES", 100)
    monkeypatch.setattr(dense, "cells", lambda _documents: 1)
    index = DenseIndex.of(frame_of(make_frame, TEXTS, shard=16))
    allowed = np.zeros(40, bool)
    allowed[[3, 7, 30]] = True
    docs, _ = index.nearest(vector("text 5"), 10, allowed)
    assert sorted(docs.tolist()) == [3, 7, 30]
    docs, _ = index.nearest(vector("text 30"), 1, allowed)
    assert docs.tolist() == [30]
    assert len(index.nearest(vector("text 5"), 10, np.zeros(40, bool))[0]) == 0
    assert isinstance(index.index, faiss.IndexIVF) == (exact == 0)


def test_appending_embeds_and_adds_only_what_is_new(make_frame: MakeFrame, embedded: list[str]):
    DenseIndex.of(frame_of(make_frame, TEXTS[:5]))
    embedded.clear()
    longer = frame_of(make_frame, TEXTS[5:9], append=True)
    index = DenseIndex.of(longer)
    assert embedded == TEXTS[5:9]
    assert [int(index.nearest(vector(text), 1, None)[0][0]) for text in TEXTS[:9]] == list(range(9))


def test_an_index_that_outgrows_its_kind(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch, embedded: list[str]):
    monkeypatch.setattr(dense, "EXACT", 6)
    monkeypatch.setattr(dense, "_SAMPLES", 100)
    assert not isinstance(DenseIndex.of(frame_of(make_frame, TEXTS[:5])).index, faiss.IndexIVF)
    monkeypatch.setattr(dense, "cells", lambda _documents: 1)
    embedded.clear()
    index = DenseIndex.of(frame_of(make_frame, TEXTS[5:9], append=True))
    assert embedded == TEXTS[5:9]  # the others are read again, not embedded again
    assert isinstance(index.index, faiss.IndexIVF)
    assert index.index.ntotal == 9


def test_cells_are_looked_into_as_far_as_is_needed():
    class Index:
        nlist, ntotal = 64, 64_000

    index = DenseIndex(None, None, Index())  # type: ignore[arg-type]
    assert index._probed(10, 1.0) == 4
    assert index._probed(10, 0.25) == 16
    assert index._probed(5000, 1.0) == 20
    assert index._probed(64_000, 1.0) == 64


def test_recall_of_the_inverted_file(make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(30, dense.WIDTH))
    rows = (centres[rng.integers(30, size=4000)] + rng.normal(size=(4000, dense.WIDTH))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    monkeypatch.setattr(dense, "embed_documents", lambda some: rows[[int(text) for text in some]])
    monkeypatch.setattr(dense, "EXACT", 1000)
    index = DenseIndex.of(frame_of(make_frame, [str(n) for n in range(4000)], shard=1000))
    found = [len(np.intersect1d(index.nearest(row, 10, None)[0], np.argsort(-(rows @ row))[:10])) for row in rows[:50]]
    assert np.mean(found) / 10 >= 0.9


def test_a_document_of_one_window_has_the_vector_of_a_sentence():
    texts = ["Sorry, I cannot help with that.", "", "The kettle stands on the stove."]
    found = embed_documents(texts)
    assert not found[1].any()
    expected = embed_sentences([texts[0], texts[2]])
    assert (found[[0, 2]] * expected).sum(axis=1) == pytest.approx(1, abs=0.01)


def test_the_end_of_a_long_document_counts():
    cooking, law = "Stir the soup and add some salt. ", "The court dismissed the appeal. "
    long = embed_documents([cooking * 60 + law * 60])[0]
    sides = embed_documents([cooking, law])
    only_first = embed_sentences([cooking * 60 + law * 60])[0]
    assert sides[1] @ long > sides[1] @ only_first + 0.15
