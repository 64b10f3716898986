"""Files laid out as their makers publish them: activations and reconstructions equal a forward pass in numpy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sae_files as files
import torch
from safetensors.torch import load_file, save_file

from saedata.encoders import load_sae
from saedata.errors import EncoderError, InputError
from saedata.sae.formats import hash_sae

DICTIONARY_LEARNING = (
    "AutoEncoder",
    "AutoEncoderNew",
    "GatedAutoEncoder",
    "AutoEncoderTopK",
    "BatchTopKSAE",
    "MatryoshkaBatchTopKSAE",
    "JumpReluAutoEncoder",
)
WRITERS: dict[str, tuple[Callable[..., tuple], str]] = {
    "goodfire": (files.goodfire, "standard"),
    "gemma scope": (files.gemma_scope, "jumprelu"),
    "gemma scope 2": (files.gemma_scope_2, "jumprelu"),
    "llama scope": (files.llama_scope, "jumprelu"),
    "llama scope, top-k": (partial(files.llama_scope, act_fn="topk", jump_relu_threshold=0.0), "topk"),
    "qwen scope": (files.qwen_scope, "topk"),
    "openai": (files.openai, "topk"),
    "hypothesaes": (files.hypothesaes, "topk"),
    "hypothesaes, batch": (partial(files.hypothesaes, batch=True), "batchtopk"),
    "sparsify": (files.sparsify, "topk"),
    "sparsify, signed": (partial(files.sparsify, signed=True), "abstopk"),
    "itda": (files.itda, "itda"),
    "top-afa": (files.top_afa, "topafa"),
    "overcomplete": (files.overcomplete, "jumprelu"),
} | {
    name: (partial(files.dictionary_learning, kind=name), kind)
    for name, kind in zip(
        DICTIONARY_LEARNING,
        ("standard", "standard", "gated", "topk", "batchtopk", "matryoshka_batchtopk", "jumprelu"),
        strict=True,
    )
}


@pytest.mark.parametrize("name", WRITERS)
def test_activations_and_reconstruction_equal_the_reference(name: str, tmp_path: Path) -> None:
    write, architecture = WRITERS[name]
    path, forward, decode = write(tmp_path)
    sae, x = load_sae(path), files.states()
    assert (sae.d_in, sae.d_sae, sae.architecture) == (files.D_IN, files.D_SAE, architecture)
    on = files.same(sae, forward(x), x)
    assert on > 500
    activations = torch.relu(sae.encode(files.tensor(x)))
    expected = decode(activations.double().numpy())
    np.testing.assert_allclose(sae.decode(activations).numpy(), expected, rtol=1e-4, atol=1e-4)
    assert len(hash_sae(path)) == 64


def test_without_its_configuration_the_names_in_the_file_tell_the_class(tmp_path: Path) -> None:
    for name in ("AutoEncoder", "AutoEncoderNew", "GatedAutoEncoder", "MatryoshkaBatchTopKSAE", "JumpReluAutoEncoder"):
        home = tmp_path / name
        home.mkdir()
        _, forward, _ = files.dictionary_learning(home, name)
        (home / "config.json").unlink()
        files.same(load_sae(home / "ae.pt"), forward(files.states()), files.states())


def test_transcoders_encode_their_input_and_rebuild_another_hook(tmp_path: Path) -> None:
    path, forward, decode = files.sparsify(tmp_path, transcode=True)
    sae, x = load_sae(path), files.states()
    assert sae.transcoder
    files.same(sae, forward(x), x)
    np.testing.assert_allclose(sae.decode(sae.encode(files.tensor(x))), decode(forward(x)), rtol=1e-4, atol=1e-4)


def test_gemma_scope_transcoders_are_told_by_their_files(tmp_path: Path) -> None:
    home = tmp_path / "gemma-scope-2b-pt-transcoders" / "layer_0"
    home.mkdir(parents=True)
    files.gemma_scope(home)
    assert load_sae(home).transcoder
    (tmp_path / "two").mkdir()
    path, forward, _ = files.gemma_scope_2(tmp_path / "two")
    files.write_json(path / "config.json", {"hf_hook_point_in": "a.output", "hf_hook_point_out": "b.output"})
    skip = files.draws(50)(files.D_IN, files.D_IN)
    tensors = load_file(path / "params.safetensors") | {"affine_skip_connection": files.tensor(skip)}
    save_file(tensors, path / "params.safetensors")
    sae, x = load_sae(path), files.states()
    files.same(sae, forward(x), x)
    activations = sae.encode(files.tensor(x))
    difference = sae.decode(activations, files.tensor(x)) - sae.decode(activations)
    np.testing.assert_allclose(difference, x @ skip, rtol=1e-3, atol=1e-4)


def test_embeddings_of_gemma_scope_are_scaled(tmp_path: Path) -> None:
    home = tmp_path / "embedding" / "width_4k" / "average_l0_6"
    home.mkdir(parents=True)
    path, forward, _ = files.gemma_scope(home)
    x = files.states()
    files.same(load_sae(path), forward(x / np.sqrt(files.D_IN)), x, least=100)


def test_matryoshka_prefix(tmp_path: Path) -> None:
    path, forward, _ = files.dictionary_learning(tmp_path, "MatryoshkaBatchTopKSAE")
    sae, x = load_sae(path, prefix=16), files.states()
    assert sae.d_sae == 16
    assert sae.metadata["prefixes"] == [16, 32, 48]
    files.same(sae, forward(x)[:, :16], x, least=100)
    (tmp_path / "hypo").mkdir()
    path, forward, decode = files.hypothesaes(tmp_path / "hypo")
    first = load_sae(path, prefix=16)
    expected = forward(x)[:, :16]  # chosen among all features, as in training
    files.same(first, expected, x, least=100)
    whole = np.pad(expected, ((0, 0), (0, files.D_SAE - 16)))
    np.testing.assert_allclose(first.decode(files.tensor(expected)), decode(whole), rtol=1e-4, atol=1e-4)


def test_prefixes_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    path, _, _ = files.itda(tmp_path)
    with pytest.raises(InputError, match="'itda' is not made to be used by its first features"):
        load_sae(path, prefix=4)
    (tmp_path / "g").mkdir()
    path, _, _ = files.goodfire(tmp_path / "g")
    with pytest.raises(InputError, match="prefix is 49; this SAE has 48 features"):
        load_sae(path, prefix=49)


def test_what_a_file_leaves_open_is_asked_for(tmp_path: Path) -> None:
    path, _, _ = files.qwen_scope(tmp_path)
    bare = tmp_path / "layer3.sae.pt"
    path.rename(bare)
    with pytest.raises(EncoderError, match="does not say how many features are on per token"):
        load_sae(bare)
    files.write_json(tmp_path / "config.json", {"k": 3})
    assert load_sae(bare).k == 3
    files.write_json(tmp_path / "config.json", {"k": 49})
    with pytest.raises(EncoderError, match="k is 49, but there are 48 features"):
        load_sae(bare)
    files.write_json(tmp_path / "config.json", {"k": "many"})
    with pytest.raises(EncoderError, match="k is 'many'; a whole number"):
        load_sae(bare)


def test_overcomplete_needs_to_be_told_which_sae_it_is(tmp_path: Path) -> None:
    path, _, decode = files.overcomplete(tmp_path)
    state = torch.load(path / "jump.pt", weights_only=True)
    del state["thresholds"]
    torch.save(state, path / "jump.pt")
    with pytest.raises(EncoderError, match="must say which SAE this is"):
        load_sae(path)
    files.write_json(path / "config.json", {"architecture": "topk", "top_k": 3})
    sae, x = load_sae(path), files.states()
    w, b = (state[f"encoder.final_block.0.{n}"].double().numpy() for n in ("weight", "bias"))
    files.same(sae, files.top(files.relu(x @ w.T + b), 3), x)
    files.write_json(path / "config.json", {"architecture": "matching_pursuit", "k": 3})
    rebuilt = load_sae(path)
    np.testing.assert_allclose(
        rebuilt.decode(torch.eye(files.D_SAE)), decode(np.eye(files.D_SAE)), rtol=1e-4, atol=1e-5
    )


def test_a_batchtopk_without_threshold_is_refused(tmp_path: Path) -> None:
    path, _, _ = files.top_afa(tmp_path)
    files.write_json(path / "config.json", {"sae_type": "batchtopk", "top_k": 4})
    with pytest.raises(EncoderError, match="'batchtopk' is not known here; it was saved without the threshold"):
        load_sae(path)
    (tmp_path / "d").mkdir()
    path, _, _ = files.dictionary_learning(tmp_path / "d", "BatchTopKSAE")
    state = torch.load(path / "ae.pt", weights_only=True)
    torch.save({k: v for k, v in state.items() if k != "threshold"}, path / "ae.pt")
    with pytest.raises(EncoderError, match="holds no threshold"):
        load_sae(path)
