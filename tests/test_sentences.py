"""The bundled sentence embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from saedata.sentences import Remembered, embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_the_sentence_encoder_knows_what_is_alike():
    texts = ["apologies and regret", "saying sorry", "basketball", ""]
    vectors = embed_sentences(texts)
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors[0] @ vectors[1] > 0.4
    assert vectors[0] @ vectors[2] < 0.2
    # neither order nor company changes a vector
    np.testing.assert_allclose(embed_sentences(texts[::-1])[::-1], vectors, atol=1e-5)
    assert vectors.dtype == np.float32


def test_a_text_is_embedded_once_and_has_unit_length():
    calls: list[list[str]] = []

    def embed(texts: Sequence[str]):
        calls.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts])

    remembered = Remembered(embed)
    first = remembered(["aaa", "b", "aaa"])
    np.testing.assert_array_equal(first[0], first[2])
    assert first[0] == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    np.testing.assert_array_equal(remembered(["cc", "b"])[1], first[1])
    assert calls == [["aaa", "b"], ["cc"]]
