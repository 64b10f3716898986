"""Our own SAEs on disk and SAELens folders, old and new: what is written is what is read, nonsense is refused."""

from pathlib import Path

import numpy as np
import orjson
import pytest
import sae_files as files
import torch
from safetensors.torch import load_file, save_file

from saedata.encoders import load_sae as public_load_sae
from saedata.errors import EncoderError
from saedata.sae import SAE, load_sae, save_sae
from saedata.sae.formats import hash_sae


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
    assert torch.equal(public_load_sae(folder / "sae_weights.safetensors").W_enc, found.W_enc)


def test_half_precision_on_disk_computes_in_single(sae: SAE, tmp_path: Path) -> None:
    save_sae(sae, tmp_path / "half", dtype=torch.float16)
    assert load_file(tmp_path / "half" / "sae_weights.safetensors")["W_enc"].dtype == torch.float16
    assert load_sae(tmp_path / "half").W_enc.dtype == torch.float32


def test_hash_changes_with_weights_and_settings(sae: SAE, folder: Path, tmp_path: Path) -> None:
    first = hash_sae(folder)
    save_sae(sae, tmp_path / "same")
    assert hash_sae(tmp_path / "same") == first == hash_sae(folder / "sae_weights.safetensors")
    save_sae(SAE.random(d_in=8, d_sae=16, seed=1, threshold=0.5), tmp_path / "other")
    assert hash_sae(tmp_path / "other") != first
    edit(folder, apply_b_dec_to_input=True)
    assert hash_sae(folder) != first


def test_decoder_bias_that_belongs_to_the_input_is_subtracted(sae: SAE, folder: Path) -> None:
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


def old_folder(folder: Path, **config: object) -> tuple[files.Array, ...]:
    """A folder as SAELens wrote it before version 6."""
    draw = files.draws(40)
    w, b = draw(files.D_IN, files.D_SAE, scale=0.5), draw(files.D_SAE, scale=0.3)
    v, c = draw(files.D_SAE, files.D_IN), draw(files.D_IN)
    arrays = {"W_enc": w, "b_enc": b, "W_dec": v, "b_dec": c}
    save_file({name: files.tensor(a) for name, a in arrays.items()}, folder / "sae_weights.safetensors")
    about = {"d_in": files.D_IN, "d_sae": files.D_SAE, "model_name": "gpt2-small", "hook_point_layer": 8}
    about |= {"hook_point": "blocks.8.hook_resid_pre", "dtype": "torch.float32", "normalize_activations": False}
    files.write_json(folder / "cfg.json", about | config)
    return w, b, v, c


def test_old_keys_and_their_defaults(tmp_path: Path) -> None:
    w, b, v, c = old_folder(tmp_path)
    sae, x = load_sae(tmp_path), files.states()
    expected = files.relu((x - c) @ w + b)  # the bias was subtracted, where a file does not say otherwise
    files.same(sae, expected, x)
    np.testing.assert_allclose(sae.decode(files.tensor(expected)), expected @ v + c, rtol=1e-4, atol=1e-4)
    assert sae.architecture == "standard"
    assert sae.metadata["hook_name"] == "blocks.8.hook_resid_pre"
    assert sae.metadata["hook_layer"] == 8


def test_old_topk_keys(tmp_path: Path) -> None:
    w, b, _, c = old_folder(tmp_path, activation_fn_str="topk", activation_fn_kwargs={"k": 4})
    sae, x = load_sae(tmp_path), files.states()
    assert sae.architecture == "topk"
    files.same(sae, files.top(files.relu((x - c) @ w + b), 4), x)


def test_factors_of_fine_tuning_belong_to_the_decoder(tmp_path: Path) -> None:
    w, b, v, c = old_folder(tmp_path, finetuning_scaling_factor=True)
    factors = abs(files.draws(41)(files.D_SAE)) + 0.5
    path = tmp_path / "sae_weights.safetensors"
    save_file(load_file(path) | {"scaling_factor": files.tensor(factors)}, path)
    sae, x = load_sae(tmp_path), files.states()
    expected = files.relu((x - c) @ w + b)
    files.same(sae, expected, x)
    np.testing.assert_allclose(sae.decode(files.tensor(expected)), (expected * factors) @ v + c, rtol=1e-4, atol=1e-4)


def test_topk_that_compares_with_the_decoders_norm(tmp_path: Path) -> None:
    w, b, v, c = old_folder(tmp_path, architecture="topk", k=4, rescale_acts_by_decoder_norm=True)
    sae, x = load_sae(tmp_path), files.states()
    length = np.linalg.norm(v, axis=1)
    expected = files.top(files.relu(((x - c) @ w + b) * length), 4)
    files.same(sae, expected, x)
    np.testing.assert_allclose(sae.decode(files.tensor(expected)), expected / length @ v + c, rtol=1e-4, atol=1e-4)


def test_transcoders_with_and_without_skip(tmp_path: Path) -> None:
    draw, wide = files.draws(42), 24
    w, b, v = draw(files.D_IN, files.D_SAE), draw(files.D_SAE, scale=0.3), draw(files.D_SAE, wide)
    c, skip = draw(wide), draw(wide, files.D_IN)
    arrays = {"W_enc": w, "b_enc": b, "W_dec": v, "b_dec": c, "W_skip": skip}
    save_file({name: files.tensor(a) for name, a in arrays.items()}, tmp_path / "sae_weights.safetensors")
    x = files.states()
    for name in ("transcoder", "skip_transcoder"):
        about = {"architecture": name, "d_in": files.D_IN, "d_sae": files.D_SAE, "d_out": wide}
        files.write_json(tmp_path / "cfg.json", about | {"apply_b_dec_to_input": False})
        sae = load_sae(tmp_path)
        files.same(sae, files.relu(x @ w + b), x)
        assert (sae.transcoder, sae.d_out, sae.architecture) == (True, wide, "standard")
        expected = files.relu(x @ w + b) @ v + c + (x @ skip.T if name.startswith("skip") else 0)
        rebuilt = sae.decode(sae.encode(files.tensor(x)), files.tensor(x))
        np.testing.assert_allclose(rebuilt, expected, rtol=1e-3, atol=1e-3)
        save_sae(sae, tmp_path / name)
        again = load_sae(tmp_path / name)
        assert torch.equal(again.decode(again.encode(files.tensor(x)), files.tensor(x)), rebuilt)
        assert orjson.loads((tmp_path / name / "cfg.json").read_bytes())["architecture"] == name


def test_polynomial_with_one_matrix_for_all_terms(tmp_path: Path) -> None:
    w, b, _, c = old_folder(tmp_path, architecture="poly_topk", k=4, apply_b_dec_to_input=True, shared_u=True)
    draw, path = files.draws(43), tmp_path / "sae_weights.safetensors"
    u, ranks = draw(files.D_SAE, 6, scale=0.3), (6, 4, 3)
    cs = [draw(files.D_IN, rank) for rank in ranks]
    extra = {"U_shared": u, "C1": cs[0], "C2": cs[1], "C3": cs[2]}
    extra |= {"lambda2": np.array(-0.5), "lambda3": np.array(0.5)}
    save_file(load_file(path) | {name: files.tensor(a) for name, a in extra.items()}, path)
    sae, x = load_sae(tmp_path), files.states()
    expected = files.top(files.relu((x - c) @ w + b), 4)
    files.same(sae, expected, x)
    z = expected @ u
    rebuilt = c + z @ cs[0].T - 0.5 * z[:, :4] ** 2 @ cs[1].T + 0.5 * z[:, :3] ** 3 @ cs[2].T
    np.testing.assert_allclose(sae.decode(files.tensor(expected)), rebuilt, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "mystery"}, r"architecture 'mystery' is not known here \(known: standard, jumprelu"),
        ({"architecture": "temporal"}, "architecture 'temporal' is not known here; it reads a text's tokens in order"),
        ({"normalize_activations": "covariance_whitening"}, "normalize_activations = 'covariance_whitening' is not"),
        ({"reshape_activations": "folded"}, "reshape_activations = 'folded' is not supported"),
        ({"activation_fn": "tanh-relu"}, "activation_fn = 'tanh-relu' is not supported"),
        ({"architecture": "topk", "k": 17}, "k is 17, but there are 16 features"),
        ({"architecture": "groupmax", "k": 5}, "16 features do not divide into 5 groups"),
        ({"architecture": "gated"}, "lacks b_gate"),
    ],
)
def test_unknown_settings_are_refused(folder: Path, changes: dict, message: str) -> None:
    edit(folder, **changes)
    with pytest.raises(EncoderError, match=message):
        load_sae(folder)


def test_absent_incomplete_and_corrupt_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="there is no SAE file or folder"):
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


def test_registry_names_without_saelens_or_without_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sae_lens", None)
    with pytest.raises(EncoderError, match=r"pip install 'saedata\[saelens\]'"):
        public_load_sae("saelens:gpt2-small-res-jb/blocks.8.hook_resid_pre")
    with pytest.raises(EncoderError, match="should read saelens:RELEASE/ID"):
        public_load_sae("saelens:gpt2-small-res-jb")


def test_weights_without_their_configuration(folder: Path) -> None:
    (folder / "cfg.json").unlink()
    with pytest.raises(EncoderError, match=r"there is no cfg\.json beside it"):
        load_sae(folder)
