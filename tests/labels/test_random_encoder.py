"""The floor encoder: random directions, equal L0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from saedata.encoders import load_encoder
from saedata.errors import CorpusError
from saedata.labels.random_encoder import random_encoder
from saedata.labels.windows import WindowPool

if TYPE_CHECKING:
    from pathlib import Path


def test_the_random_encoder_is_on_as_often(tiny_encoder: Path, sentences: list[str], tmp_path: Path):
    trained = load_encoder(tiny_encoder, precision="float32")
    spec = random_encoder(trained, sentences, tmp_path / "floor", seed=7)
    floor = load_encoder(tmp_path / "floor", precision="float32")
    assert (spec.name, spec.labels) == ("tiny-random", None)
    assert floor.sae.d_sae == trained.sae.d_sae
    assert floor.sae_sha256 != trained.sae_sha256
    ours, theirs = (WindowPool.read(sentences, encoder) for encoder in (trained, floor))
    assert len(theirs.value) == pytest.approx(len(ours.value), rel=0.01)
    random_encoder(trained, sentences, tmp_path / "again", seed=7)
    assert load_encoder(tmp_path / "again").sae_sha256 == floor.sae_sha256


def test_text_without_tokens_is_refused(tiny_encoder: Path, tmp_path: Path):
    with pytest.raises(CorpusError, match="no tokens"):
        random_encoder(load_encoder(tiny_encoder), ["", None], tmp_path / "floor")
    assert not (tmp_path / "floor").exists()
