"""Loading readers: what is left out, what is pooled, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import FAMILIES, FAMILY_LAYERS, save_tokenizer

from saedata.encoders import custom_encoder, load_encoder
from saedata.errors import EncoderError, InputError
from saedata.reader import Reader, batches, load_reader, nearby, read, read_windows
from saedata.reader.blocks import find_blocks

Make = Callable[[str], Path]
IDS = torch.tensor([[2, 10, 50, 99, 77, 12, 45, 3]])


def load(folder: Path, layer: int = 2, **options: object) -> Reader:
    return load_reader(folder, layer=layer, device="cpu", precision="float32", **options)


def test_later_blocks_and_other_towers_are_never_loaded(family_reader: Make) -> None:
    for family in ("gemma3", "t5", "gpt2"):
        reader = load(family_reader(family), layer=1)
        assert len(find_blocks(reader.model)) == 1
        assert len(find_blocks(load(family_reader(family), layer=1, beyond=1).model)) == 2
        assert len(find_blocks(load(family_reader(family), layer=FAMILY_LAYERS, beyond=1).model)) == FAMILY_LAYERS
    whole = {name for name, _ in load(family_reader("gemma3")).model.named_parameters()}
    assert not any("vision" in name or "layers.2" in name for name in whole)


@pytest.mark.parametrize("family", ["bert", "gpt2", "gemma2", "gpt_neox", "phi", "t5", "qwen3_moe"])
def test_hooks_are_found_in_bfloat16_too(family: str, family_reader: Make) -> None:
    folder, mask = family_reader(family), torch.ones_like(IDS)
    for hook in ("attn_out", "mlp_out"):
        exact = load(folder, hook=hook).hidden(IDS, mask)
        rounded = load_reader(folder, layer=2, hook=hook, device="cpu", precision="bfloat16").hidden(IDS, mask)
        assert rounded.dtype == torch.bfloat16
        assert torch.nn.functional.cosine_similarity(exact.flatten(), rounded.float().flatten(), dim=0) > 0.99


def test_every_place_nearby_is_listed_once(family_reader: Make) -> None:
    places = nearby(load(family_reader("llama"), beyond=1))
    assert next(iter(places)) == (2, "resid_post")
    states = {(1, "resid_post"), (1, "resid_pre"), (2, "resid_post"), (3, "resid_post")}
    assert set(places) == states | {(layer, hook) for layer in (1, 2, 3) for hook in ("attn_out", "mlp_out")}


def test_context_leaves_out_positions_before_the_first(family_reader: Make) -> None:
    assert load(family_reader("bert")).context == 128
    assert load(family_reader("roberta"), context=500).context == 128 - 1  # positions count from the padding id, 0
    long = load(family_reader("roberta"))
    (first, *_) = long.windows(["water is hot " * 100])
    assert len(first.ids) == 127
    assert read(long, [first])[0].isfinite().all()


def test_first_tokens_are_left_out_of_the_pool(family_reader: Make) -> None:
    text = "water is hot and long " * 40
    everything = list(load(family_reader("gpt2")).windows([text]))
    fewer = list(load(family_reader("gpt2"), skip_first=3).windows([text]))
    assert [int(w.pooled.sum()) for w in everything] == [
        int(w.pooled.sum()) + (2 if number == 0 else 0) for number, w in enumerate(fewer)
    ]  # [CLS] is the first of the three; later windows begin with context


def test_bos_is_put_before_every_window(family_reader: Make) -> None:
    folder = family_reader("gpt2")
    with_bos = load(folder, add_bos=True)
    with_bos.tokenizer.bos_token = "sorry"
    bos = with_bos.tokenizer.bos_token_id
    for window in with_bos.windows(["water is hot " * 100]):
        assert window.ids[0] == bos
        assert not window.pooled[0]
        assert len(window.ids) <= with_bos.context


def test_tokens_of_extreme_norm_are_left_out(family_reader: Make, sentences: list[str]) -> None:
    plain = load(family_reader("bert"))
    windows = list(plain.windows(sentences[:6]))
    hidden, _ = read(plain, windows)
    norms = hidden.norm(dim=1).numpy()
    limited = replace(plain, norm_limit=1.01)
    kept, pooled = read_windows(limited, windows)
    start, expected = 0, []
    for window in windows:
        size = int(window.pooled.sum())
        own = norms[start : start + size]
        expected.append(own <= 1.01 * np.sort(own)[(size - 1) // 2])
        start += size
    assert 0 < len(kept) < len(hidden)
    torch.testing.assert_close(kept, hidden[torch.from_numpy(np.concatenate(expected))])
    assert [int(w.pooled.sum()) for w in pooled] == [int(e.sum()) for e in expected]
    for before, after in zip(windows, pooled, strict=True):
        assert not (after.pooled & ~before.pooled).any()
    alone = [read(limited, batch)[0] for batch in batches(windows, token_budget=1)]
    assert sum(map(len, alone)) == len(kept)
    assert "norm up to 1.01 medians" in limited.pooling
    assert plain.pooling == "max"


def test_wrong_options_are_one_sentence(family_reader: Make) -> None:
    folder = family_reader("bert")
    for options, message in (
        ({"hook": "resid_mid"}, "no hook 'resid_mid'; known hooks: resid_post"),
        ({"norm_limit": 0.5}, "norm_limit is 0.5"),
        ({"skip_first": -1}, "skip_first is -1"),
    ):
        with pytest.raises(InputError, match=message):
            load(folder, **options)
    for options, message in (
        ({"device": "abacus"}, "there is no device 'abacus'"),
        ({"precision": "float8"}, "there is no precision 'float8'"),
        ({"chat_template": True}, "no chat template"),
    ):
        with pytest.raises(EncoderError, match=message):
            load_reader(folder, layer=1, **options)


def test_missing_packages_are_named_with_their_extra(family_reader: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saedata.reader.strangers._is_installed", lambda _name: False)
    for options in ({"precision": "nf4"}, {"device_map": "auto"}):
        with pytest.raises(EncoderError, match=r"needs the package accelerate; .*pip install 'saedata\[big\]'"):
            load_reader(family_reader("llama"), layer=1, device="cpu", **options)


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_quantised_weights_give_nearly_the_same(precision: str, tmp_path: Path) -> None:
    import transformers

    pytest.importorskip("accelerate")
    pytest.importorskip("bitsandbytes")
    size = {"hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 2, "num_hidden_layers": 3}
    config = transformers.LlamaConfig(vocab_size=save_tokenizer(tmp_path), **size)
    transformers.LlamaModel(config).save_pretrained(tmp_path)
    mask = torch.ones_like(IDS)
    reader = load_reader(tmp_path, layer=2, device="cpu", precision=precision)
    exact = load(tmp_path).hidden(IDS, mask)
    assert reader.precision == precision
    cosine = torch.nn.functional.cosine_similarity(exact.flatten(), reader.hidden(IDS, mask).float().flatten(), dim=0)
    assert cosine > 0.95


def test_device_map_spreads_a_reader(family_reader: Make) -> None:
    pytest.importorskip("accelerate")
    mask = torch.ones_like(IDS)
    reader = load(family_reader("llama"), device_map="auto")
    torch.testing.assert_close(reader.hidden(IDS, mask).cpu(), load(family_reader("llama")).hidden(IDS, mask))


def damaged(folder: Path, to: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    """A copy of a checkpoint with other weights in its file."""
    shutil.copytree(folder, to)
    weights = load_file(to / "model.safetensors")
    change(weights)
    save_file(weights, to / "model.safetensors", metadata={"format": "pt"})
    return to


def test_damaged_checkpoints_are_one_sentence(family_reader: Make, tmp_path: Path) -> None:
    folder = family_reader("llama")
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights at all")
    none = shutil.copytree(folder, tmp_path / "none")
    (none / "model.safetensors").unlink()
    name = "model.layers.0.mlp.up_proj.weight"
    lacking = damaged(folder, tmp_path / "lacking", lambda weights: weights.pop(name))
    shapes = damaged(folder, tmp_path / "shapes", lambda weights: weights.update({name: torch.zeros(3, 3)}))
    silent = shutil.copytree(folder, tmp_path / "silent")
    for file in ("tokenizer.json", "vocab.txt"):
        (silent / file).unlink(missing_ok=True)
    for place, message in (
        (broken, "cannot be loaded"),
        (none, "cannot be loaded"),
        (lacking, "lack 1 of the weights it needs, such as layers.0.mlp.up_proj.weight"),
        (shapes, r"layers.0.mlp.up_proj.weight has shape \(3, 3\), not \(64, 32\)"),
        (silent, "has no tokenizer files, such as tokenizer.json"),
        (family_reader("modernbert").parent, "cannot be loaded"),
    ):
        with pytest.raises(EncoderError, match=message) as caught:
            load(place)
        assert "\n" not in str(caught.value)
        assert str(place) in str(caught.value)
    later = damaged(folder, tmp_path / "later", lambda weights: weights.pop("model.layers.3.mlp.up_proj.weight"))
    assert load(later, layer=2).layer == 2  # what is not needed is not missed


def test_an_sae_of_another_width(family_reader: Make, tmp_path: Path) -> None:
    from saedata.sae import SAE, save_sae

    save_sae(SAE.random(d_in=48, d_sae=64, seed=0), tmp_path / "sae")
    spec = custom_encoder(str(family_reader("qwen3")), layer=1, sae=tmp_path / "sae")
    with pytest.raises(EncoderError, match=r"reads hidden states of width 48, but the reader .* has width 32"):
        load_encoder(spec, device="cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_beyond_the_model(family: str, family_reader: Make) -> None:
    with pytest.raises(EncoderError, match=f"layer {FAMILY_LAYERS + 1} does not exist: .* has layers 1 to 4"):
        load(family_reader(family), layer=FAMILY_LAYERS + 1)


def test_blocks_that_share_weights_are_refused(tmp_path: Path) -> None:
    import transformers

    size = save_tokenizer(tmp_path)
    config = transformers.AlbertConfig(
        vocab_size=size, hidden_size=32, embedding_size=16, num_attention_heads=2, intermediate_size=64
    )
    transformers.AlbertModel(config).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="do not run once each, one after another"):
        load(tmp_path, layer=1)
