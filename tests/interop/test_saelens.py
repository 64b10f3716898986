"""SAELens: our SAEs load there, theirs load here, and both give the same activations."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comparison
import numpy as np
import polars as pl
import pytest
import torch

from saedata.encoders import LoadedEncoder, load_encoder, load_sae
from saedata.errors import EncoderError
from saedata.reader import read
from saedata.sae import save_sae
from saedata.sae.formats import hash_sae, registry

pytestmark = comparison.needs("sae_lens")

SAMPLE = Path(__file__).parents[2] / "samples" / "willow.jsonl"
COMMON = {"d_in": comparison.D_IN, "d_sae": comparison.D_SAE}
NORMALISATIONS = ("none", "expected_average_only_in", "constant_norm_rescale", "layer_norm")


@pytest.fixture(scope="module")
def encoder() -> LoadedEncoder:
    return load_encoder("minilm", device="cpu", precision="float32")


@pytest.fixture(scope="module")
def hidden(encoder: LoadedEncoder) -> torch.Tensor:
    """1 000 hidden states of real text."""
    texts = pl.read_ndjson(SAMPLE)["response"][:12].to_list()
    found = torch.cat([read(encoder.reader, [window])[0] for window in encoder.reader.windows(texts)])
    return found[:1000]


def test_activations_equal_those_of_saelens(encoder: LoadedEncoder, hidden: torch.Tensor) -> None:
    from sae_lens import SAE

    theirs = SAE.load_from_disk(str(encoder.spec.sae), device="cpu")
    assert theirs.cfg.architecture() == "jumprelu"
    expected = theirs.encode(hidden.clone())
    found = encoder.sae.encode(hidden)
    assert len(hidden) == 1000
    assert torch.equal(found > 0, expected > 0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder.sae.decode(found), theirs.decode(expected), rtol=1e-4, atol=1e-4)


def theirs_of(architecture: str, **options: Any) -> Any:
    """An SAE of SAELens with random weights."""
    from sae_lens.registry import get_sae_class

    kind, config = get_sae_class(architecture)
    transcoder = {"d_out": comparison.D_IN, "apply_b_dec_to_input": False} if "transcoder" in architecture else {}
    sae = kind(config(**COMMON, **transcoder, **options))
    comparison.shake(sae)
    return sae


@pytest.mark.parametrize("subtracted", [True, False])
@pytest.mark.parametrize("kind", NORMALISATIONS)
@pytest.mark.parametrize("name", ["standard", "jumprelu", "gated", "topk", "abstopk"])
def test_every_architecture_and_normalisation(name: str, kind: str, *, subtracted: bool, tmp_path: Path) -> None:
    k = {"k": 6} if "topk" in name else {}
    theirs = theirs_of(name, normalize_activations=kind, apply_b_dec_to_input=subtracted, **k)
    theirs.save_model(tmp_path)
    ours, x = load_sae(tmp_path), comparison.states(scale=3.0)
    assert ours.architecture == name
    expected = theirs.encode(x.clone())
    comparison.same(ours, expected, x)
    torch.testing.assert_close(ours.decode(ours.encode(x), x), theirs.decode(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["topk", "abstopk"])
def test_selection_by_decoder_norm(name: str, tmp_path: Path) -> None:
    theirs = theirs_of(name, k=6, rescale_acts_by_decoder_norm=True)
    theirs.save_model(tmp_path)
    ours, x = load_sae(tmp_path), comparison.states()
    comparison.same(ours, theirs.encode(x.clone()), x)
    torch.testing.assert_close(ours.decode(ours.encode(x)), theirs.decode(theirs.encode(x)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"])
def test_transcoders_both_ways(name: str, tmp_path: Path) -> None:
    from sae_lens import SAE

    theirs = theirs_of(name)
    theirs.save_model(tmp_path)
    ours, x = load_sae(tmp_path), comparison.states()
    comparison.same(ours, theirs.encode(x.clone()), x)
    torch.testing.assert_close(ours.decode(ours.encode(x), x), theirs(x.clone()), rtol=1e-3, atol=1e-3)
    save_sae(ours, tmp_path / "again")
    back = SAE.load_from_disk(str(tmp_path / "again"), device="cpu")
    torch.testing.assert_close(back(x.clone()), theirs(x.clone()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"max_iterations": 5, "residual_threshold": 0.5}])
def test_matching_pursuit(options: dict, tmp_path: Path) -> None:
    theirs = theirs_of("matching_pursuit", **options)
    with torch.no_grad():
        theirs.W_dec /= theirs.W_dec.norm(dim=1, keepdim=True)
    theirs.save_model(tmp_path)
    ours, x = load_sae(tmp_path), comparison.states()
    expected = theirs.encode(x.clone())
    comparison.same(ours, expected, x, near=(expected != 0) & (expected.abs() < 1e-4))
    torch.testing.assert_close(ours.decode(ours.encode(x)), theirs.decode(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["batchtopk", "matryoshka_batchtopk"])
def test_trained_with_batchtopk_and_saved_for_inference(name: str, tmp_path: Path) -> None:
    from sae_lens import SAE
    from sae_lens.registry import get_sae_training_class

    kind, config = get_sae_training_class(name)
    matryoshka = {"matryoshka_widths": [32, 128]} if name.startswith("matryoshka") else {}
    trained = kind(config(**COMMON, k=6, **matryoshka))
    comparison.shake(trained)
    trained.topk_threshold = torch.tensor(1.5, dtype=torch.double)
    trained.save_inference_model(tmp_path)
    theirs, x = SAE.load_from_disk(str(tmp_path), device="cpu"), comparison.states()
    comparison.same(load_sae(tmp_path), theirs.encode(x.clone()), x)
    comparison.same(load_sae(tmp_path, prefix=32), theirs.encode(x.clone())[:, :32], x)


def test_ours_load_there(tmp_path: Path) -> None:
    from sae_lens import SAE

    x = comparison.states()
    for name, k in (("gated", {}), ("topk", {"k": 6}), ("abstopk", {"k": 6}), ("standard", {})):
        theirs_of(name, **k, normalize_activations="layer_norm").save_model(tmp_path / name)
        ours = load_sae(tmp_path / name)
        save_sae(ours, tmp_path / f"{name}-ours")
        comparison.same(ours, SAE.load_from_disk(str(tmp_path / f"{name}-ours"), device="cpu").encode(x.clone()), x)


def test_folders_of_before_version_6(tmp_path: Path) -> None:
    from sae_lens import SAE

    theirs_of("standard").save_model(tmp_path)
    config = {"d_in": comparison.D_IN, "d_sae": comparison.D_SAE, "dtype": "float32", "device": "cpu"}
    config |= {"hook_point": "blocks.3.hook_resid_pre", "model_name": "gpt2-small", "normalize_activations": True}
    x = comparison.states()
    for extra in ({}, {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 7}}, {"apply_b_dec_to_input": False}):
        (tmp_path / "cfg.json").write_text(json.dumps(config | extra))
        theirs = SAE.load_from_disk(str(tmp_path), device="cpu")
        comparison.same(load_sae(tmp_path), theirs.encode(x.clone()), x)


def test_through_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    import sae_lens

    theirs, x = theirs_of("jumprelu", normalize_activations="layer_norm"), comparison.states()
    asked = []

    def given(release: str, sae_id: str, **_: Any) -> Any:
        asked.append((release, sae_id))
        return theirs

    monkeypatch.setattr(sae_lens.SAE, "from_pretrained", given)
    name = "saelens:gpt2-small-res-jb/blocks.8.hook_resid_pre"
    comparison.same(load_sae(name), theirs.encode(x.clone()), x)
    load_sae("saelens:someone/their-saes/layer_3/small")
    assert asked == [("gpt2-small-res-jb", "blocks.8.hook_resid_pre"), ("someone/their-saes", "layer_3/small")]
    first = hash_sae(name)
    with torch.no_grad():
        theirs.b_enc += 1
    assert hash_sae(name) != first


def test_what_the_registry_does_not_list() -> None:
    with pytest.raises(EncoderError, match="SAELens could not give saelens:no-such-release/x: Release no-such-release"):
        load_sae("saelens:no-such-release/x")
    with pytest.raises(EncoderError, match="ID nope not found in release gpt2-small-res-jb"):
        load_sae("saelens:gpt2-small-res-jb/nope")


def test_order_of_tokens_is_not_there(tmp_path: Path) -> None:
    stub = SimpleNamespace(cfg=SimpleNamespace(to_dict=lambda: {"architecture": "temporal"}), state_dict=dict)
    with pytest.raises(EncoderError, match="architecture 'temporal' is not known here; it reads"):
        registry.convert(stub, "saelens:temporal/x")


def hub(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """SAELens's loaders of others' files find them in a folder instead of on the hub."""
    from huggingface_hub.errors import EntryNotFoundError
    from sae_lens.loading import pretrained_sae_loaders as loaders

    def download(repo_id: str, filename: str, subfolder: str | None = None, **_: Any) -> str:
        path = folder / (subfolder or "") / filename
        if not path.exists():
            raise EntryNotFoundError(filename)
        return str(path)

    def shapes(_: str, filename: str) -> dict[str, list[int]]:
        from safetensors.torch import load_file

        return {name: list(tensor.shape) for name, tensor in load_file(folder / filename).items()}

    monkeypatch.setattr(loaders, "hf_hub_download", download)
    monkeypatch.setattr(loaders, "get_safetensors_tensor_shapes", shapes)


def loaded(loader: str, repository: str, name: str, **options: Any) -> Any:
    """An SAE of SAELens from the files of somebody else, through SAELens's own loader for them."""
    from sae_lens import SAE
    from sae_lens.loading import pretrained_sae_loaders as loaders

    overrides = {"d_in": comparison.D_IN, "d_sae": comparison.D_SAE, "dtype": "float32", "device": "cpu"} | options
    function = loaders.NAMED_PRETRAINED_SAE_LOADERS[loader]
    config, state, _ = function(repository, name, device="cpu", force_download=False, cfg_overrides=overrides)
    sae = SAE.from_dict(loaders.handle_config_defaulting(config))
    sae.load_state_dict({key: value for key, value in state.items() if key in sae.state_dict()})
    return sae


def weights(*, transposed: bool = False, seed: int = 5) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    d_in, d_sae = comparison.D_IN, comparison.D_SAE
    w, v = torch.randn(d_in, d_sae, generator=random) * 0.3, torch.randn(d_sae, d_in, generator=random)
    b, c = torch.randn(d_sae, generator=random) * 0.3, torch.randn(d_in, generator=random)
    return [w.T.contiguous(), b, v.T.contiguous(), c] if transposed else [w, b, v, c]


def agree(ours: Any, theirs: Any) -> None:
    x = comparison.states()
    expected = theirs.encode(x.clone())
    comparison.same(ours, expected, x)
    torch.testing.assert_close(ours.decode(ours.encode(x), x), theirs(x.clone()), rtol=1e-3, atol=1e-3)


def test_gemma_scope_as_saelens_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = dict(zip(("W_enc", "b_enc", "W_dec", "b_dec"), (t.numpy() for t in weights()), strict=True))
    home = tmp_path / "layer_20" / "width_16k" / "average_l0_71"
    home.mkdir(parents=True)
    np.savez(home / "params.npz", **arrays, threshold=np.full(comparison.D_SAE, 0.75, dtype=np.float32))
    hub(monkeypatch, tmp_path)
    agree(load_sae(home), loaded("gemma_2", "google/gemma-scope-2b-pt-res", "layer_20/width_16k/average_l0_71"))


@pytest.mark.parametrize("affine", [None, "transcoder", "skip"])
def test_gemma_scope_2_as_saelens_reads_it(affine: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    tensors = dict(zip(("w_enc", "b_enc", "w_dec", "b_dec"), weights(), strict=True))
    tensors["threshold"] = torch.full((comparison.D_SAE,), 0.75)
    config = {
        "architecture": "jump_relu",
        "model_name": "gemma-v3-270m-pt",
        "hf_hook_point_in": "model.layers.9.output",
    }
    folder = "resid_post/layer_9_width_16k_l0_medium"
    if affine:
        folder = "transcoder/layer_9_width_16k_l0_medium"
        config |= {"hf_hook_point_out": "model.layers.9.post_feedforward_layernorm.output"}
    if affine == "skip":
        config["affine_connection"] = True
        tensors["affine_skip_connection"] = weights(seed=6)[0][:, : comparison.D_IN].contiguous()
    (tmp_path / folder).mkdir(parents=True)
    save_file(tensors, tmp_path / folder / "params.safetensors")
    (tmp_path / folder / "config.json").write_text(json.dumps(config))
    hub(monkeypatch, tmp_path)
    agree(load_sae(tmp_path / folder), loaded("gemma_3", "google/gemma-scope-2-270m-pt", folder))


def test_goodfire_as_saelens_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("encoder_linear.weight", "encoder_linear.bias", "decoder_linear.weight", "decoder_linear.bias")
    path = tmp_path / "Llama-3.1-8B-Instruct-SAE-l19.pth"
    torch.save(dict(zip(names, weights(transposed=True), strict=True)), path)
    hub(monkeypatch, tmp_path)
    agree(load_sae(path), loaded("goodfire", "Goodfire/Llama-3.1-8B-Instruct-SAE-l19", path.name))


def test_qwen_scope_as_saelens_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "SAE-Res-Qwen3-1.7B-Base-W32K-L0_50"
    home.mkdir()
    torch.save(
        dict(zip(("W_enc", "b_enc", "W_dec", "b_dec"), weights(transposed=True), strict=True)), home / "layer6.sae.pt"
    )
    hub(monkeypatch, home)
    agree(load_sae(home / "layer6.sae.pt"), loaded("qwen_scope", f"Qwen/{home.name}", "layer6.sae.pt"))


def test_llama_scope_as_saelens_reads_it_but_for_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenMOSS's own code, which we follow, has activations in units of the hidden state, SAELens in scaled ones."""
    from safetensors.torch import save_file

    w, b, v, c = weights(transposed=True)
    v /= v.norm(dim=0)  # as published: SAELens does not look at the decoder's norms
    home, norm = tmp_path / "Llama3_1-8B-Base-L8R-8x", 6.3125
    (home / "checkpoints").mkdir(parents=True)
    names = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
    save_file(dict(zip(names, (w, b, v, c), strict=True)), home / "checkpoints" / "final.safetensors")
    config = {"d_model": comparison.D_IN, "d_sae": comparison.D_SAE, "act_fn": "jumprelu", "jump_relu_threshold": 0.5}
    config |= {"dataset_average_activation_norm": {"in": norm, "out": norm}, "norm_activation": "dataset-wise"}
    config |= {"hook_point_in": "blocks.8.hook_resid_post", "hook_point_out": "blocks.8.hook_resid_post"}
    (home / "hyperparams.json").write_text(json.dumps(config))
    hub(monkeypatch, tmp_path)
    theirs, x = loaded("llama_scope", "fnlp/Llama3_1-8B-Base-LXR-8x", home.name), comparison.states()
    factor = comparison.D_IN**0.5 / norm
    theirs.fold_activation_norm_scaling_factor(factor)
    ours = load_sae(home)
    comparison.same(ours, theirs.encode(x.clone()) / factor, x)
    torch.testing.assert_close(ours.decode(ours.encode(x)), theirs(x.clone()), rtol=1e-3, atol=1e-3)
