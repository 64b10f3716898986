"""Phrases are embedded once, in one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from saedata.phrases import embed_phrases
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_each_is_embedded_once_in_one_thread(monkeypatch: pytest.MonkeyPatch):
    calls: list[tuple[list[str], int]] = []

    def embed(texts: Sequence[str]) -> Any:
        calls.append((list(texts), torch.get_num_threads()))
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    monkeypatch.setattr("saedata.sentences.embed_sentences", embed)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert embed_phrases(["a", "bb", "a"]).tolist() == [[1, 1], [2, 1], [1, 1]]
        assert torch.get_num_threads() == 2
        embed_phrases(["bb"])
        assert calls == [(["a"], 1), (["bb"], 1)]
        embed_phrases([str(n) for n in range(30)])
        assert calls[-1] == ([str(n) for n in range(30)], 2)
    finally:
        torch.set_num_threads(before)


def test_the_bundled_encoder():
    found = embed_phrases(["saying sorry"])
    np.testing.assert_allclose(found, embed_sentences(["saying sorry"]), atol=1e-5)
