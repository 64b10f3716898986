"""Units: what is strong for a feature, and an SAE measured in it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saedata.encode import encode
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.errors import EncoderError
from saedata.scaling import strong_values


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


def test_strong_is_the_ninetieth_percentile_of_document_maxima(encoder: LoadedEncoder, sentences: list[str]) -> None:
    found = strong_values(sentences, encoder.reader, encoder.sae)
    rows = encode(sentences, encoder.reader, encoder.sae).activations
    feature = int(rows["feature"].mode()[0])
    values = rows.filter(feature=feature)["value"].to_numpy()
    assert found[feature] == pytest.approx(np.quantile(values, 0.9), rel=1e-5)
    assert (found > 0).all()


def test_in_these_units_nine_of_ten_values_are_at_most_one(encoder: LoadedEncoder, sentences: list[str]) -> None:
    strong = torch.from_numpy(strong_values(sentences, encoder.reader, encoder.sae))
    rows = encode(sentences, encoder.reader, encoder.sae.in_units(strong)).activations
    assert 0.8 < (rows["value"] <= 1).mean() < 0.95


def test_features_that_are_never_on_get_a_usable_unit(encoder: LoadedEncoder) -> None:
    found = strong_values(["the"], encoder.reader, encoder.sae)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (strong_values([], encoder.reader, encoder.sae) == 1).all()


def test_units_must_fit_the_sae(encoder: LoadedEncoder) -> None:
    with pytest.raises(EncoderError, match="above 0"):
        encoder.sae.in_units(torch.zeros(64))
    with pytest.raises(EncoderError, match="one for each feature"):
        encoder.sae.in_units(torch.ones(3))


def test_features_on_counts_above_the_threshold(encoder: LoadedEncoder, sentences: list[str]) -> None:
    low = encode(sentences, encoder.reader, encoder.sae)
    high = encode(sentences, encoder.reader, encoder.sae, threshold=1.0)
    assert high.activations.equals(low.activations)
    above = low.activations.filter(low.activations["value"] > 1.0).height
    assert int(high.documents["features_on"].sum()) == above < low.activations.height
