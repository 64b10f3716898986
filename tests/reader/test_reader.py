"""The reader: cutting, windows, batches, precision."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from saedata.errors import EncoderError
from saedata.reader import OVERLAP, Reader, batches, load_reader, read


@pytest.fixture(scope="module")
def reader(tiny_reader: Path) -> Reader:
    return load_reader(tiny_reader, layer=2, precision="float32", device="cpu")


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_hidden_states_equal_those_of_the_whole_model(tiny_reader: Path, layer: int) -> None:
    whole = transformers.AutoModel.from_pretrained(tiny_reader).eval()
    cut = load_reader(tiny_reader, layer=layer, precision="float32", device="cpu")
    ids = torch.tensor([[2, 10, 50, 99, 3], [2, 30, 3, 0, 0]])
    mask = (ids > 0).long()
    with torch.no_grad():
        expected = whole(ids, mask, output_hidden_states=True).hidden_states[layer]
    keep = mask.bool()
    torch.testing.assert_close(cut.hidden(ids, mask)[keep], expected[keep], rtol=1e-5, atol=1e-5)


def test_later_layers_are_never_loaded(reader: Reader) -> None:
    assert len(reader.model.encoder.layer) == 2
    assert reader.hook == "blocks.1.hook_resid_post"


def test_spans_point_at_the_tokens(reader: Reader) -> None:
    text = "Sorry, the  water is\nhot"
    (window,) = reader.windows([text])
    words = [text[a:b].lower() for a, b in zip(window.starts, window.stops, strict=True)]
    assert [w for w, pooled in zip(words, window.pooled, strict=True) if pooled] == [
        "sorry", ",", "the", "water", "is", "hot",
    ]  # fmt: skip


def test_special_tokens_are_never_pooled_even_when_a_document_spells_them(reader: Reader) -> None:
    (window,) = reader.windows(["water [SEP] [CLS] hot"])
    kept = window.ids[window.pooled]
    assert not set(kept.tolist()) & {0, 2, 3, 4}
    assert not window.pooled[0]
    assert not window.pooled[-1]


def test_unknown_characters_are_text(reader: Reader) -> None:
    (window,) = reader.windows(["water ☃ hot"])
    assert window.pooled.sum() == 3


@pytest.mark.parametrize("size", [1, 126, 127, 200, 500])
def test_windows_pool_every_token_of_a_long_document_exactly_once(reader: Reader, size: int) -> None:
    text = " ".join(["water", "hot", "sound"][i % 3] for i in range(size))
    windows = list(reader.windows([text]))
    spans = [s for w in windows for s in w.starts[w.pooled].tolist()]
    assert len(spans) == size
    assert len(set(spans)) == size
    assert max(len(w.ids) for w in windows) <= reader.context == 128
    for window in windows[1:]:
        assert not window.pooled[1 : 1 + OVERLAP].any()


def test_empty_and_null_documents_have_no_windows(reader: Reader) -> None:
    assert list(reader.windows(["", None, "   "])) == []


def test_very_long_text_is_tokenized_in_pieces_without_a_seam(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "water hot sound " * 40
    whole = list(reader.windows([text]))
    monkeypatch.setattr("saedata.reader.windows._PIECE_CHARACTERS", 50)
    for expected, found in zip(whole, reader.windows([text]), strict=True):
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.starts, expected.starts)


def test_batches_keep_to_the_budget_and_lose_nothing(reader: Reader, sentences: list[str]) -> None:
    windows = list(reader.windows(sentences))
    found = list(batches(windows, token_budget=100))
    assert sorted(w.document for b in found for w in b) == sorted(w.document for w in windows)
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(len(w.ids) for w in batch) <= 100


def test_read_gives_the_tokens_that_count_window_after_window(reader: Reader, sentences: list[str]) -> None:
    windows = list(reader.windows(sentences[:5]))
    hidden, counts = read(reader, windows)
    assert counts.tolist() == [int(w.pooled.sum()) for w in windows]
    alone, _ = read(reader, windows[2:3])
    start = counts[:2].sum()
    torch.testing.assert_close(hidden[start : start + counts[2]], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 4}, "layer 4 does not exist.*layers 1 to 3"),
        ({"layer": 0}, "layer 0 does not exist"),
        ({"layer": 1, "device": "cuda"}, "torch sees no CUDA device"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_sentence(tiny_reader: Path, arguments: dict, message: str) -> None:
    if torch.cuda.is_available() and "device" in arguments:
        pytest.skip("this machine has a GPU")
    with pytest.raises(EncoderError, match=message):
        load_reader(tiny_reader, **arguments)


def test_a_reader_that_is_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderError, match="neither a folder nor a model"):
        load_reader("nobody/has-this-model", layer=1)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_reader(tmp_path, layer=1)


def test_hash_depends_on_weights_not_on_the_folder(tiny_reader: Path, tmp_path: Path, reader: Reader) -> None:
    import shutil

    copy = shutil.copytree(tiny_reader, tmp_path / "copy")
    assert load_reader(copy, layer=2, device="cpu").sha256 == reader.sha256
    config = (copy / "config.json").read_text()
    (copy / "config.json").write_text(config.replace("1e-12", "1e-11"))
    assert load_reader(copy, layer=2, device="cpu").sha256 != reader.sha256
