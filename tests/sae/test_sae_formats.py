"""SAEs on disk: what is written is what is read, and what cannot be right is refused."""

from pathlib import Path

import orjson
import pytest
import torch
from safetensors.torch import load_file, save_file

from saedata.errors import EncoderError
from saedata.sae import SAE, load_sae, save_sae


@pytest.fixture
def sae() -> SAE:
    return SAE.random(d_in=8, d_sae=16, seed=0, threshold=0.5)


@pytest.fixture
def folder(sae: SAE, tmp_path: Path) -> Path:
    save_sae(sae, tmp_path / "sae")
    return tmp_path / "sae"


def edit(folder: Path, **changes: object) -> None:
    config = orjson.loads((folder / "cfg.json").read_bytes())
    (folder / "cfg.json").write_bytes(orjson.dumps(config | changes))


def test_round_trip(sae: SAE, folder: Path) -> None:
    found = load_sae(folder)
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(found.encode(x), sae.encode(x), rtol=0, atol=0)
    torch.testing.assert_close(found.decode(found.encode(x)), sae.decode(sae.encode(x)), rtol=0, atol=0)
    assert (found.d_in, found.d_sae, found.architecture) == (8, 16, "jumprelu")


def test_half_precision_on_disk_computes_in_single(sae: SAE, tmp_path: Path) -> None:
    save_sae(sae, tmp_path / "half", dtype=torch.float16)
    assert load_file(tmp_path / "half" / "sae_weights.safetensors")["W_enc"].dtype == torch.float16
    assert load_sae(tmp_path / "half").W_enc.dtype == torch.float32


def test_decoder_bias_that_belongs_to_the_input_is_folded(sae: SAE, folder: Path) -> None:
    bias = torch.linspace(-1, 1, 8)
    weights = load_file(folder / "sae_weights.safetensors")
    save_file(weights | {"b_dec": bias}, folder / "sae_weights.safetensors")
    edit(folder, apply_b_dec_to_input=True)
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(load_sae(folder).encode(x), sae.encode(x - bias), rtol=1e-5, atol=1e-5)


def test_relu(folder: Path) -> None:
    edit(folder, architecture="standard")
    weights = load_file(folder / "sae_weights.safetensors")
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(load_sae(folder).encode(x), (x @ weights["W_enc"]).relu())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "mystery"}, "architecture 'mystery' is not known here"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations = 'layer_norm' is not supported"),
    ],
)
def test_unknown_settings_are_refused(folder: Path, changes: dict, message: str) -> None:
    edit(folder, **changes)
    with pytest.raises(EncoderError, match=message):
        load_sae(folder)


def test_absent_incomplete_and_corrupt_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="there is no SAE folder"):
        load_sae(tmp_path / "nowhere")
    with pytest.raises(EncoderError, match=r"expected cfg\.json.*found sae"):
        load_sae(tmp_path)
    weights = folder / "sae_weights.safetensors"
    tensors = load_file(weights)
    save_file({k: v for k, v in tensors.items() if k != "threshold"}, weights)
    with pytest.raises(EncoderError, match="lacks threshold"):
        load_sae(folder)
    save_file(tensors | {"b_dec": torch.zeros(9)}, weights)
    with pytest.raises(EncoderError, match=r"b_dec has shape \(9,\), expected \(8,\)"):
        load_sae(folder)
    weights.write_bytes(b"not weights")
    with pytest.raises(EncoderError, match="cannot be read as safetensors"):
        load_sae(folder)
    (folder / "cfg.json").write_text("{")
    with pytest.raises(EncoderError, match="not valid JSON"):
        load_sae(folder)


def test_hidden_states_of_another_width_are_refused(sae: SAE) -> None:
    with pytest.raises(EncoderError, match="width 8, but was given width 9"):
        sae.encode(torch.zeros(2, 9))
