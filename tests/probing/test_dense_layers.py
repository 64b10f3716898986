"""Vectors of the hook layer: those of transformers, made once, kept with the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from saedata.embedding import embed
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.errors import EncoderError
from saedata.frame import Embeddings
from saedata.probing import dense_layers
from saedata.probing.dense_layers import hidden_vectors, sentence_vectors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def loaded(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


@pytest.fixture
def frame(loaded: LoadedEncoder, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Embeddings:
    monkeypatch.setenv("SAEDATA_CACHE", str(tmp_path / "cache"))
    texts = [*sentences[:20], "", " ".join(sentences)]
    return embed(texts, encoder=loaded, out=tmp_path / "a.sae", shard_documents=8)


def by_hand(loaded: LoadedEncoder, text: str) -> Any:
    import torch

    reader = loaded.reader
    inputs = reader.tokenizer(text, return_tensors="pt")
    with torch.inference_mode():
        states = reader.model(**inputs, output_hidden_states=True).hidden_states
    return states[2][0, 1:-1].numpy()


def test_vectors_by_hand(frame: Embeddings, loaded: LoadedEncoder, sentences: list[str]):
    docs = np.array([17, 3, 20, 3], dtype=np.uint32)
    found = hidden_vectors(frame, docs, encoder=loaded)
    for row, doc in ((0, 17), (1, 3), (3, 3)):
        states = by_hand(loaded, sentences[doc])
        np.testing.assert_allclose(found["mean"][row], states.mean(0), atol=1e-5)
        np.testing.assert_allclose(found["max"][row], states.max(0), atol=1e-5)
        np.testing.assert_allclose(found["last"][row], states[-1], atol=1e-5)
    assert not any(found[name][2].any() for name in found)


def test_the_last_token_of_a_long_document(frame: Embeddings, loaded: LoadedEncoder, sentences: list[str]):
    import torch

    text = " ".join(sentences)
    windows = list(loaded.reader.windows([text]))
    assert len(windows) > 1
    ids = torch.from_numpy(windows[-1].ids)[None]
    last = loaded.reader.hidden(ids, torch.ones_like(ids))[0, -2].numpy()
    found = hidden_vectors(frame, np.array([21]), encoder=loaded)
    np.testing.assert_allclose(found["last"][0], last, atol=1e-5)


def test_they_are_made_once_and_kept(frame: Embeddings, loaded: LoadedEncoder, monkeypatch: pytest.MonkeyPatch):
    docs = np.arange(22, dtype=np.uint32)
    first = hidden_vectors(frame, docs, encoder=loaded)
    assert frame.path is not None
    assert len(list((frame.path / "hidden").glob("part-*.parquet"))) == 3
    monkeypatch.setattr(dense_layers, "pooled", lambda *_: pytest.fail("read again"))
    again = hidden_vectors(frame, docs[::-1])  # the encoder is not even loaded
    both = Embeddings.concat([frame, frame])
    moved = hidden_vectors(both, np.array([30, 2], dtype=np.uint32))
    for name in first:
        np.testing.assert_array_equal(again[name], first[name][::-1])
        np.testing.assert_array_equal(moved[name], first[name][[8, 2]])


def test_of_large_frames_only_what_is_asked_for(
    frame: Embeddings, loaded: LoadedEncoder, monkeypatch: pytest.MonkeyPatch
):
    docs = np.array([9, 0, 21], dtype=np.uint32)
    kept = hidden_vectors(frame, docs, encoder=loaded)
    monkeypatch.setattr(dense_layers, "KEPT", 10)
    monkeypatch.setattr("saedata.dense.embed_documents", lambda texts: np.array([[len(text)] for text in texts]))
    found = hidden_vectors(frame, docs, encoder=loaded)
    for name in kept:
        np.testing.assert_allclose(found[name], kept[name], atol=1e-5)
    texts = frame.documents["text"].to_list()
    assert sentence_vectors(frame, docs)[:, 0].tolist() == [len(texts[doc]) for doc in docs]


def test_an_encoder_that_is_not_the_frames(make_frame: Callable[..., Embeddings], loaded: LoadedEncoder):
    frame = make_frame("b.sae", [("a text", {1: 1.0})])
    with pytest.raises(EncoderError, match="other weights than the frame"):
        hidden_vectors(frame, np.array([0]), encoder=loaded)
    with pytest.raises(EncoderError, match="there is no encoder 'tiny'"):
        hidden_vectors(frame, np.array([0]))
