"""Quality figures against a plain computation."""

from pathlib import Path

import pytest
import torch

from saedata.encoders import load_encoder
from saedata.errors import CorpusError
from saedata.reader import read
from saedata.sae.quality import measure


def test_figures_equal_a_plain_computation(tiny_encoder: Path, sentences: list[str]) -> None:
    encoder = load_encoder(tiny_encoder, device="cpu", precision="float32")
    x = torch.cat([read(encoder.reader, [w])[0] for w in encoder.reader.windows(sentences)])
    activations = encoder.sae.encode(x)
    rebuilt = encoder.sae.decode(activations)
    found = measure(sentences, encoder.reader, encoder.sae)
    expected = (rebuilt - x).square().sum() / (x - x.mean(0)).square().sum()
    assert found.tokens == len(x)
    assert found.variance_unexplained == pytest.approx(float(expected), rel=1e-4)
    assert found.l0 == pytest.approx(float((activations > 0).sum(1).float().mean()))
    assert found.dead == pytest.approx(float((activations == 0).all(0).float().mean()))
    assert found.density_histogram()["features"].sum() == 64


def test_it_stops_at_the_wanted_number_of_tokens(tiny_encoder: Path, sentences: list[str]) -> None:
    encoder = load_encoder(tiny_encoder, device="cpu")
    assert measure(sentences, encoder.reader, encoder.sae, tokens=100).tokens == 100


def test_no_text_is_an_error(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder, device="cpu")
    with pytest.raises(CorpusError, match="no text"):
        measure([None, ""], encoder.reader, encoder.sae)
