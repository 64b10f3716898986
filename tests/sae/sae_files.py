"""Writes SAE files as their makers lay them out, each with a forward pass of its own in numpy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from saedata.sae import SAE

Array = NDArray[np.float64]
Forward = Callable[[Array], Array]

D_IN, D_SAE, TOKENS = 16, 48, 200


def draws(seed: int) -> Callable[..., Array]:
    """Random weights at unit scale, exactly representable in single precision."""
    random = np.random.default_rng(seed)
    return lambda *shape, scale=1.0: (random.normal(size=shape) * scale).astype(np.float32).astype(np.float64)


def states(seed: int = 0, width: int = D_IN) -> Array:
    """Hidden states at unit scale, off centre."""
    return draws(1000 + seed)(TOKENS, width) + draws(2000 + seed)(width, scale=0.5)


def tensor(array: Array, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(np.array(array), dtype=dtype)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def top(values: Array, k: int, *, by: Array | None = None) -> Array:
    """Row by row the k values that are largest in `by`, zeros elsewhere."""
    order = np.argsort(-(values if by is None else by), axis=1, kind="stable")[:, :k]
    kept = np.zeros_like(values)
    np.put_along_axis(kept, order, np.take_along_axis(values, order, 1), 1)
    return kept


def layer_norm(x: Array) -> Array:
    centred = x - x.mean(1, keepdims=True)
    return centred / (centred.std(1, ddof=1, keepdims=True) + 1e-5)


def same(sae: SAE, expected: Array, x: Array, *, least: int = 500) -> int:
    """Compare activations in full; gives the number of features that are on in both.

    On and off must be the same, but for activations below 1e-4, of which a few may be lost to rounding.
    """
    found = sae.encode(tensor(x)).double().numpy()
    assert found.shape == expected.shape
    lost = (found != 0) != (expected != 0)
    assert lost.sum() <= 3
    assert np.all(abs(found - expected)[lost] < 1e-4)
    np.testing.assert_allclose(found[~lost], expected[~lost], rtol=1e-4, atol=1e-5)
    blocks = sae.encode_entries(tensor(x), cells=64).dense(len(x), sae.d_sae).double().numpy()
    np.testing.assert_allclose(blocks[~lost], expected[~lost], rtol=1e-4, atol=1e-5)
    on = int(((found != 0) & (expected != 0)).sum())
    assert on >= least
    return on


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def goodfire(folder: Path) -> tuple[Path, Forward, Forward]:
    draw = draws(1)
    w, b, v, c = draw(D_SAE, D_IN, scale=0.3), draw(D_SAE, scale=0.1), draw(D_IN, D_SAE), draw(D_IN)
    path = folder / "Llama-3.1-8B-Instruct-SAE-l19.pth"
    names = ("encoder_linear.weight", "encoder_linear.bias", "decoder_linear.weight", "decoder_linear.bias")
    torch.save({name: tensor(a, torch.float32) for name, a in zip(names, (w, b, v, c), strict=True)}, path)
    return path, lambda x: relu(x @ w.T + b), lambda a: a @ v.T + c


def gemma_scope(folder: Path) -> tuple[Path, Forward, Forward]:
    draw = draws(2)
    w, b, v, c, threshold = draw(D_IN, D_SAE), draw(D_SAE, scale=0.3), draw(D_SAE, D_IN), draw(D_IN), abs(draw(D_SAE))
    arrays = {"W_enc": w, "b_enc": b, "W_dec": v, "b_dec": c, "threshold": threshold}
    np.savez(folder / "params.npz", **{name: a.astype(np.float32) for name, a in arrays.items()})
    return folder, lambda x: (x @ w + b) * (x @ w + b > threshold), lambda a: a @ v + c


def gemma_scope_2(folder: Path) -> tuple[Path, Forward, Forward]:
    draw = draws(3)
    w, b, v, c, threshold = draw(D_IN, D_SAE), draw(D_SAE, scale=0.3), draw(D_SAE, D_IN), draw(D_IN), abs(draw(D_SAE))
    arrays = {"w_enc": w, "b_enc": b, "w_dec": v, "b_dec": c, "threshold": threshold}
    save_file({name: tensor(a) for name, a in arrays.items()}, folder / "params.safetensors")
    hook = "model.layers.22.output"
    about = {"architecture": "jump_relu", "model_name": "gemma-v3-1b-pt", "hf_hook_point_in": hook, "width": D_SAE}
    write_json(folder / "config.json", about)
    return folder, lambda x: (x @ w + b) * (x @ w + b > threshold), lambda a: a @ v + c


def llama_scope(folder: Path, **changes: Any) -> tuple[Path, Forward, Forward]:
    """As OpenMOSS's code of the time of the release uses it: input not scaled, everything folded into the weights."""
    draw = draws(4)
    w, b, v, c = draw(D_SAE, D_IN, scale=0.5), draw(D_SAE, scale=0.3), draw(D_IN, D_SAE), draw(D_IN)
    (folder / "checkpoints").mkdir()
    names = ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
    arrays = dict(zip(names, (w, b, v, c), strict=True))
    save_file({name: tensor(a) for name, a in arrays.items()}, folder / "checkpoints" / "final.safetensors")
    about = {
        "act_fn": "jumprelu",
        "jump_relu_threshold": 0.5,
        "norm_activation": "dataset-wise",
        "dataset_average_activation_norm": {"in": 6.3125, "out": 3.390625},
        "sparsity_include_decoder_norm": True,
        "hook_point_in": "blocks.8.hook_resid_post",
        "hook_point_out": "blocks.8.hook_resid_post",
        "d_model": D_IN,
        "d_sae": D_SAE,
        "top_k": 5,
    } | changes
    write_json(folder / "hyperparams.json", about)
    norms = about["dataset_average_activation_norm"]
    into, out = np.sqrt(D_IN) / norms["in"], np.sqrt(D_IN) / norms["out"]
    length = np.linalg.norm(v * into / out, axis=0)
    threshold = about["jump_relu_threshold"]

    def forward(x: Array) -> Array:
        before = (x @ w.T + b / into) * length
        return before * (before > threshold) if threshold else top(relu(before), about["top_k"])

    return folder, forward, lambda a: a / length @ (v * into / out).T + c / out


def qwen_scope(folder: Path) -> tuple[Path, Forward, Forward]:
    draw, k = draws(5), 5
    w, b, v, c = draw(D_SAE, D_IN), draw(D_SAE), draw(D_IN, D_SAE), draw(D_IN)
    home = folder / f"SAE-Res-Qwen3-1.7B-Base-W32K-L0_{k}"
    home.mkdir()
    arrays = {"W_enc": w, "b_enc": b, "W_dec": v, "b_dec": c}
    torch.save({name: tensor(a) for name, a in arrays.items()}, home / "layer3.sae.pt")
    return home / "layer3.sae.pt", lambda x: relu(top(x @ w.T + b, k)), lambda a: a @ v.T + c


def openai(folder: Path) -> tuple[Path, Forward, Forward]:
    draw, k = draws(6), 6
    w, b, v, c = draw(D_SAE, D_IN), draw(D_SAE), draw(D_IN, D_SAE), draw(D_IN)
    state: dict[str, Any] = {
        "pre_bias": tensor(c),
        "latent_bias": tensor(b),
        "stats_last_nonzero": torch.zeros(D_SAE, dtype=torch.long),
        "encoder.weight": tensor(w),
        "decoder.weight": tensor(v),
        "activation": "TopK",
        "activation_state_dict": {"k": k, "postact_fn": "ReLU"},
    }
    torch.save(state, folder / "autoencoder.pt")
    return folder / "autoencoder.pt", lambda x: relu(top((layer_norm(x) - c) @ w.T + b, k)), lambda a: a @ v.T + c


def hypothesaes(folder: Path, *, batch: bool = False) -> tuple[Path, Forward, Forward]:
    draw, k, threshold = draws(7), 7, 1.25
    w, b, v, c = draw(D_SAE, D_IN), draw(D_SAE), draw(D_IN, D_SAE), draw(D_IN)
    state = {"encoder.weight": w, "decoder.weight": v, "input_bias": c, "neuron_bias": b}
    tensors = {name: tensor(a) for name, a in state.items()} | {"threshold": torch.tensor(threshold)}
    tensors["steps_since_activation"] = torch.zeros(D_SAE, dtype=torch.long)
    options = {"input_dim": D_IN, "m_total_neurons": D_SAE, "k_active_neurons": k, "aux_k": None, "multi_k": None}
    options |= {"prefix_lengths": [16, D_SAE], "use_batch_topk": batch, "dead_neuron_threshold_steps": 256}
    path = folder / f"SAE_matryoshka_M={D_SAE}_K={k}_prefixes=16-{D_SAE}.pt"
    torch.save({"config": options, "state_dict": tensors}, path)

    def forward(x: Array) -> Array:
        before = relu((x - c) @ w.T + b)
        return before * (before > threshold) if batch else top(before, k)

    return path, forward, lambda a: a @ v.T + c


def sparsify(folder: Path, **options: Any) -> tuple[Path, Forward, Forward]:
    draw, k = draws(8), 4
    w, b, v, c = draw(D_SAE, D_IN), draw(D_SAE, scale=0.3), draw(D_SAE, D_IN), draw(D_IN)
    arrays = {"encoder.weight": w, "encoder.bias": b, "W_dec": v, "b_dec": c}
    save_file({name: tensor(a) for name, a in arrays.items()}, folder / "sae.safetensors")
    write_json(folder / "cfg.json", {"d_in": D_IN, "k": k, "num_latents": D_SAE, "expansion_factor": 32} | options)

    def forward(x: Array) -> Array:
        before = (x - c * (not options.get("transcode", False))) @ w.T + b
        return top(before, k, by=abs(before)) if options.get("signed") else top(relu(before), k)

    return folder, forward, lambda a: a @ v + c


def itda(folder: Path) -> tuple[Path, Forward, Forward]:
    atoms, k = draws(9)(D_SAE, D_IN), 6
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    torch.save(tensor(atoms), folder / "atoms.pt")
    torch.save(torch.zeros(D_SAE, 2, dtype=torch.long), folder / "atom_indices.pt")
    (folder / "metadata.yaml").write_text(f"k: {k}\nlm_name: gpt2\nlayer: 8\n")
    atoms = atoms.astype(np.float32).astype(np.float64)

    def forward(x: Array) -> Array:
        found, left = np.zeros((len(x), D_SAE)), x.copy()
        for row in range(len(x)):
            for _ in range(k):
                near = atoms @ left[row]
                best = np.argmax(abs(near))
                found[row, best] += near[best]
                left[row] -= near[best] * atoms[best]
        return found

    return folder, forward, lambda a: a @ atoms


def top_afa(folder: Path) -> tuple[Path, Forward, Forward]:
    draw = draws(10)
    w, v, c = draw(D_IN, D_SAE, scale=0.25), draw(D_SAE, D_IN, scale=0.25), draw(D_IN)
    state = {"W_enc": w, "W_dec": v, "b_dec": c, "b_enc": draw(D_SAE)}
    torch.save({name: tensor(a) for name, a in state.items()}, folder / "sae.pt")
    write_json(folder / "config.json", {"sae_type": "topafa", "input_unit_norm": True, "top_k": 32, "layer": 8})
    length = np.linalg.norm(v, axis=1)

    def forward(x: Array) -> Array:
        centred, found = layer_norm(x) - c, np.zeros((len(x), D_SAE))
        for row, values in enumerate(relu(centred @ w)):
            order = np.argsort(-((values * length) ** 2), kind="stable")
            norms = np.sqrt(np.cumsum((values[order] * length[order]) ** 2))
            kept = order[: np.argmin(abs(norms - np.linalg.norm(centred[row]))) + 1]
            found[row, kept] = values[kept]
        return found

    return folder, forward, lambda a: a @ v + c


def overcomplete(folder: Path) -> tuple[Path, Forward, Forward]:
    draw = draws(11)
    w, b, v, thresholds = draw(D_SAE, D_IN), draw(D_SAE, scale=0.3), draw(D_SAE, D_IN), draw(D_SAE, scale=0.5) - 1
    state = {"encoder.final_block.0.weight": w, "encoder.final_block.0.bias": b, "dictionary._weights": v}
    tensors = {name: tensor(a) for name, a in state.items()} | {"thresholds": tensor(thresholds)}
    torch.save(tensors | {"dictionary.multiplier": torch.tensor(0.25)}, folder / "jump.pt")
    rows = v / np.linalg.norm(v, axis=1, keepdims=True) * np.exp(0.25)
    return folder, lambda x: (x @ w.T + b) * (x @ w.T + b > np.exp(thresholds)), lambda a: a @ rows


def dictionary_learning(folder: Path, kind: str) -> tuple[Path, Forward, Forward]:
    """One of the library's classes with their state dicts; the classes themselves are compared in tests/interop."""
    draw, k, threshold = draws(12), 5, 0.75
    w, b, v, c = draw(D_SAE, D_IN), draw(D_SAE, scale=0.3), draw(D_IN, D_SAE), draw(D_IN)
    r, gate, magnitude = draw(D_SAE, scale=0.2), draw(D_SAE, scale=0.3), draw(D_SAE, scale=0.3)
    linear, plain = {"encoder.weight": w, "encoder.bias": b, "decoder.weight": v}, {"W_enc": w.T, "W_dec": v.T}
    length = np.linalg.norm(v, axis=0)
    several: dict[str, tuple[dict[str, Any], Forward]] = {
        "AutoEncoder": (linear | {"bias": c}, lambda x: relu((x - c) @ w.T + b) * length),
        "AutoEncoderNew": (linear | {"decoder.bias": c}, lambda x: relu(x @ w.T + b)),
        "GatedAutoEncoder": (
            {"encoder.weight": w, "decoder.weight": v, "decoder_bias": c, "r_mag": r, "gate_bias": gate}
            | {"mag_bias": magnitude},
            lambda x: ((x - c) @ w.T + gate > 0) * relu(np.exp(r) * ((x - c) @ w.T) + magnitude),
        ),
        "AutoEncoderTopK": (
            linear | {"b_dec": c, "k": np.array(k), "threshold": np.array(-1.0)},
            lambda x: top(relu((x - c) @ w.T + b), k),
        ),
        "BatchTopKSAE": (
            linear | {"b_dec": c, "k": np.array(k), "threshold": np.array(threshold)},
            lambda x: ((x - c) @ w.T + b) * ((x - c) @ w.T + b > threshold),
        ),
        "MatryoshkaBatchTopKSAE": (
            plain
            | {"b_enc": b, "b_dec": c, "k": np.array(k), "threshold": np.array(threshold)}
            | {"group_sizes": np.array([16, 16, 16])},
            lambda x: ((x - c) @ w.T + b) * ((x - c) @ w.T + b > threshold),
        ),
        "JumpReluAutoEncoder": (
            plain | {"b_enc": b, "b_dec": c, "threshold": np.full(D_SAE, threshold)},
            lambda x: (x @ w.T + b) * (x @ w.T + b > threshold),
        ),
    }
    state, forward = several[kind]
    whole = {"k": torch.int, "group_sizes": torch.long}
    torch.save({n: tensor(np.asarray(a), whole.get(n, torch.float32)) for n, a in state.items()}, folder / "ae.pt")
    trainer = {"dict_class": kind, "k": k, "lm_name": "EleutherAI/pythia-70m", "layer": 3, "dict_size": D_SAE}
    write_json(folder / "config.json", {"trainer": trainer, "buffer": {"ctx_len": 128}})
    rows = v / length if kind == "AutoEncoder" else v
    return folder, forward, lambda a: a @ rows.T + c
