"""Windows: cut in order, with the right spans, and sampled as asked."""

from pathlib import Path

import numpy as np
import pytest

from saedata.encode import encode_tokens
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.errors import CorpusError
from saedata.labels.windows import Window, WindowPool


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> LoadedEncoder:
    return load_encoder(tiny_encoder, device="cpu", precision="float32")


@pytest.fixture
def pool(encoder: LoadedEncoder, sentences: list[str]) -> WindowPool:
    return WindowPool.read(sentences, encoder, size=16)


def test_windows_hold_the_whole_text_in_order(pool: WindowPool, sentences: list[str]) -> None:
    for document, text in enumerate(sentences):
        own = [pool.texts[i] for i in np.flatnonzero(pool.document == document)]
        assert " ".join(own) == text
    assert pool.tokens.max() < 16 + 8
    assert pool.tokens.sum() >= sum(len(text.split()) for text in sentences)


def test_spans_and_values_equal_those_of_the_document(
    pool: WindowPool, encoder: LoadedEncoder, sentences: list[str]
) -> None:
    rows = encode_tokens(sentences[7], encoder.reader, encoder.sae)
    feature = int(rows["feature"].mode()[0])
    expected = rows.filter(feature=feature)
    shown = [pool.show(int(i), feature) for i in np.flatnonzero(pool.document == 7)]
    found = [(w.text[a:b], v) for w in shown for a, b, v in w.spans]
    assert [token for token, _ in found] == expected["token"].to_list()
    np.testing.assert_allclose([v for _, v in found], expected["value"].to_numpy(), rtol=1e-4)


def test_activating_windows_come_strongest_first(pool: WindowPool) -> None:
    feature = int(np.diff(pool.offsets).argmax())
    index, value = pool.activating(feature)
    assert (np.diff(value) <= 0).all()
    assert value[0] == pytest.approx(pool.show(int(index[0]), feature).value)
    assert len(set(index.tolist())) == len(index)


def test_positives_spread_over_the_quantiles(pool: WindowPool) -> None:
    feature = int(np.diff(pool.offsets).argmax())
    index, _ = pool.activating(feature)
    chosen = pool.positives(feature, 10, seed=0)
    tenth = [int(np.flatnonzero(index == window.index)[0] * 10 // len(index)) for window in chosen]
    assert len(set(tenth)) >= 9
    assert [w.value for w in chosen] == sorted((w.value for w in chosen), reverse=True)
    again = pool.positives(feature, 10, seed=0)
    assert [w.index for w in again] == [w.index for w in chosen]
    assert {w.index for w in pool.positives(feature, 10, seed=1)} != {w.index for w in chosen}
    fewer = pool.positives(feature, 10**6, seed=0, without=[int(index[0])])
    assert len(fewer) == len(index) - 1


def test_negatives_are_off_and_match_lengths(pool: WindowPool) -> None:
    feature = int((np.diff(pool.offsets) > 0).argmax())
    on = set(pool.activating(feature)[0].tolist())
    chosen = pool.negatives(feature, 5, seed=0, lengths=[16])
    assert len({w.index for w in chosen}) == 5
    assert not on.intersection(w.index for w in chosen)
    assert all(abs(pool.tokens[w.index] - 16) <= 4 for w in chosen)
    other = int(np.diff(pool.offsets).argmax())
    near = pool.negatives(feature, 3, seed=0, near=[other])
    assert {w.index for w in near} <= set(pool.activating(other)[0].tolist()) - on


def test_a_feature_of_one_word_is_a_token() -> None:
    def made(words: list[str]) -> WindowPool:
        n = len(words)
        index = np.arange(n, dtype=np.int32)
        texts = [f"see {word} there" for word in words]
        stop = np.array([4 + len(word) for word in words], dtype=np.int32)
        ones = np.ones(n, dtype=np.int32)
        start = np.full(n, 4, dtype=np.int32)
        value = np.linspace(2, 1, n, dtype=np.float32)
        return WindowPool(texts, index, ones, 0.0, np.array([0, n, n]), index, start, stop, value)

    same, varied = made(["Sorry", "sorry", "apology"] * 40), made([f"word{i}" for i in range(120)])
    assert same.is_token(0)
    assert same.top_words(0).most_common(1) == [("sorry", 8)]
    assert not varied.is_token(0)
    assert not same.is_token(1)


def test_the_peak_is_a_whole_word() -> None:
    assert Window(0, "I can't unbelievably go", ((8, 10, 1.0), (10, 20, 3.0))).peak == "unbelievably"
    assert Window(0, "a — b", ((2, 3, 1.0),)).peak == "—"


def test_no_tokens_is_said(encoder: LoadedEncoder) -> None:
    with pytest.raises(CorpusError, match="no tokens"):
        WindowPool.read(["", None], encoder)
