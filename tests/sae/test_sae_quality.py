"""Quality figures against a plain computation."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from saedata.encoders import load_encoder
from saedata.errors import CorpusError, EncoderError
from saedata.reader import read
from saedata.sae.architectures import AbsTopK
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


def test_normalised_and_signed_ones(tiny_encoder: Path, sentences: list[str]) -> None:
    encoder = load_encoder(tiny_encoder, device="cpu", precision="float32")
    plain = {f.name: getattr(encoder.sae, f.name) for f in fields(encoder.sae) if f.name != "threshold"}
    sae = AbsTopK(**plain | {"normalisation": "layer_norm"}, k=5)
    x = torch.cat([read(encoder.reader, [w])[0] for w in encoder.reader.windows(sentences)])
    found = measure(sentences, encoder.reader, sae)
    missed = sae.decode(sae.encode(x), x) - x
    assert found.variance_unexplained == pytest.approx(
        float(missed.square().sum() / (x - x.mean(0)).square().sum()), 1e-4
    )
    assert found.l0 == 5
    nothing = x.mean(1, keepdim=True)  # what a layer-normed SAE without bias rebuilds from nothing
    ratio = (missed + x - nothing).norm(dim=1) / (x - nothing).norm(dim=1)
    assert found.norm_ratio == pytest.approx(float(ratio.mean()), rel=1e-4)


def test_transcoders_are_refused(tiny_encoder: Path, sentences: list[str]) -> None:
    encoder = load_encoder(tiny_encoder, device="cpu")
    with pytest.raises(EncoderError, match="a transcoder rebuilds the states of another hook"):
        measure(sentences, encoder.reader, replace(encoder.sae, transcoder=True))
