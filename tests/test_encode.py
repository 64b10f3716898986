"""The hot path against a plain loop over tokens."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from saedata.encode import encode, encode_tokens
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.reader import read
from saedata.sae.architectures import AbsTopK


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


LONG = " ".join(["water", "hot", "sound", "people"][i % 4] for i in range(300))


def test_values_and_spans_equal_a_plain_loop(encoder: LoadedEncoder, sentences: list[str]) -> None:
    texts: list[str | None] = [*sentences[:12], None, LONG, ""]
    found = encode(texts, encoder.reader, encoder.sae).activations
    expected: dict[tuple[int, int], tuple[float, int, int]] = {}
    for window in encoder.reader.windows(texts):
        hidden, _ = read(encoder.reader, [window])
        for position, activations in zip(np.flatnonzero(window.pooled), encoder.sae.encode(hidden), strict=True):
            for feature in activations.nonzero().flatten().tolist():
                value = float(activations[feature])
                key = (window.document, feature)
                if key not in expected or value > expected[key][0]:
                    expected[key] = (value, int(window.starts[position]), int(window.stops[position]))
    rows = {(d, f): (v, a, b) for d, f, v, a, b in found.iter_rows()}
    assert rows.keys() == expected.keys()
    for key, (value, start, stop) in expected.items():
        assert rows[key][0] == pytest.approx(value, abs=1e-4)
        if abs(rows[key][1] - start) > 0:  # another token with the same value
            assert rows[key][0] == pytest.approx(value, abs=1e-5)
        else:
            assert rows[key][1:] == (start, stop)


def test_document_columns(encoder: LoadedEncoder) -> None:
    documents = encode(["water is hot", None, "", LONG], encoder.reader, encoder.sae).documents
    assert documents["tokens"].to_list() == [3, 0, 0, 300]
    assert documents["windows"].to_list() == [1, 0, 0, 3]
    assert documents["features_on"].to_list()[1:3] == [0, 0]
    assert documents["variance_unexplained"].null_count() == 2


def test_variance_unexplained_of_a_document(encoder: LoadedEncoder) -> None:
    text = "people find water"
    (window,) = encoder.reader.windows([text])
    x, _ = read(encoder.reader, [window])
    missed = (encoder.sae.decode(encoder.sae.encode(x)) - x).square().sum()
    expected = float(missed / (x - encoder.sae.mean).square().sum())
    found = encode([text], encoder.reader, encoder.sae).documents["variance_unexplained"][0]
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("budget", [1, 200, 100_000])
def test_the_token_budget_and_the_order_do_not_matter(
    encoder: LoadedEncoder, sentences: list[str], budget: int
) -> None:
    base = encode(sentences, encoder.reader, encoder.sae)
    order = np.random.default_rng(1).permutation(len(sentences))
    moved = encode([sentences[i] for i in order], encoder.reader, encoder.sae, token_budget=budget)
    original = {(int(d), f): v for d, f, v, *_ in base.activations.iter_rows()}
    shuffled = {(int(order[d]), f): v for d, f, v, *_ in moved.activations.iter_rows()}
    both = original.keys() & shuffled.keys()
    assert len(both) / len(original.keys() | shuffled.keys()) >= 0.9999
    assert max(abs(original[key] - shuffled[key]) for key in both) <= 1e-4


def test_tokens_of_one_document_explain_its_maxima(encoder: LoadedEncoder) -> None:
    text = "water is hot and people find water"
    tokens = encode_tokens(text, encoder.reader, encoder.sae)
    rows = encode([text], encoder.reader, encoder.sae).activations
    best = tokens.group_by("feature").agg(best=pl.col("value").max())
    joined = rows.join(best, on="feature")
    assert joined.height == rows.height
    np.testing.assert_allclose(joined["value"], joined["best"], atol=1e-5)
    assert set(tokens["token"].unique()) <= set(text.split())


def test_nothing_gives_empty_tables(encoder: LoadedEncoder) -> None:
    found = encode([], encoder.reader, encoder.sae)
    assert found.documents.height == found.activations.height == 0
    assert encode_tokens("", encoder.reader, encoder.sae).height == 0


def test_only_one_batch_of_tokens_by_features_is_held(
    encoder: LoadedEncoder, sentences: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    whole = type(encoder.sae).before

    def spy(sae: object, x: torch.Tensor, features: slice) -> torch.Tensor:
        sizes.append(len(x))
        return whole(sae, x, features)

    monkeypatch.setattr(type(encoder.sae), "before", spy)
    encode(sentences, encoder.reader, encoder.sae, token_budget=120)
    assert len(sizes) > 5
    assert max(sizes) <= 120


def test_a_document_of_special_tokens_only_has_no_features(encoder: LoadedEncoder) -> None:
    found = encode(["[SEP] [CLS]", "[MASK]"], encoder.reader, encoder.sae)
    assert found.documents["tokens"].to_list() == [0, 0]
    assert found.activations.height == 0


def test_features_on_counts_above_the_threshold(encoder: LoadedEncoder, sentences: list[str]) -> None:
    low = encode(sentences, encoder.reader, encoder.sae)
    high = encode(sentences, encoder.reader, encoder.sae, threshold=1.0)
    assert high.activations.equals(low.activations)
    above = low.activations.filter(low.activations["value"] > 1.0).height
    assert int(high.documents["features_on"].sum()) == above < low.activations.height


def test_signed_features_are_pooled_by_magnitude_and_keep_their_sign(
    encoder: LoadedEncoder, sentences: list[str]
) -> None:
    plain = {f.name: getattr(encoder.sae, f.name) for f in fields(encoder.sae) if f.name != "threshold"}
    sae = AbsTopK(**plain, k=9)
    middle = float(encode(sentences, encoder.reader, sae).activations["value"].abs().median())
    found = encode(sentences, encoder.reader, sae, threshold=middle)
    tokens = encode_tokens(sentences[0], encoder.reader, sae)
    strongest = tokens.sort(pl.col("value").abs(), descending=True).unique("feature", keep="first").sort("feature")
    first = found.activations.filter(doc=0)
    assert first["feature"].equals(strongest["feature"])
    np.testing.assert_allclose(first["value"], strongest["value"], atol=1e-4)
    assert (found.activations["value"] < 0).any()
    assert (found.activations["value"] > 0).any()
    above = found.activations.filter(pl.col("value").abs() > middle)
    assert int(found.documents["features_on"].sum()) == above.height < found.activations.height


def test_a_transcoder_says_nothing_of_variance(encoder: LoadedEncoder, sentences: list[str]) -> None:
    sae = replace(encoder.sae, transcoder=True)
    found = encode(sentences, encoder.reader, sae)
    assert found.documents["variance_unexplained"].null_count() == len(sentences)
    assert found.activations.equals(encode(sentences, encoder.reader, encoder.sae).activations)
