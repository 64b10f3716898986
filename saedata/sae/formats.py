"""SAEs on disk: the SAELens folder layout (`cfg.json` + `sae_weights.safetensors`)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from saedata.errors import EncoderError
from saedata.sae.model import SAE

if TYPE_CHECKING:
    from pathlib import Path

    import torch

CONFIG, WEIGHTS, STATISTICS = "cfg.json", "sae_weights.safetensors", "statistics.safetensors"


def load_sae(folder: Path) -> SAE:
    """Load an SAE from a folder in the SAELens layout.

    Parameters
    ----------
    folder
        Holds `cfg.json` and `sae_weights.safetensors`.

    Raises
    ------
    EncoderError
        If the folder is absent, incomplete, corrupt, or of an architecture that is not known here.
    """
    config = _read_config(folder)
    weights = _read_tensors(folder / WEIGHTS)
    _check(folder, config, weights)
    if config.get("apply_b_dec_to_input", False):
        weights["b_enc"] = weights["b_enc"] - weights["b_dec"] @ weights["W_enc"]
    statistics = _read_tensors(folder / STATISTICS) if (folder / STATISTICS).exists() else {}
    return SAE(
        architecture=config["architecture"],
        **{key: weights[key] for key in ("W_enc", "b_enc", "W_dec", "b_dec")},
        threshold=_threshold(config["architecture"], weights),
        mean=statistics.get("mean", weights["b_dec"]),
        metadata=config.get("metadata", {}),
    )


def save_sae(sae: SAE, folder: Path, *, dtype: torch.dtype | None = None) -> None:
    """Write an SAE in the SAELens layout, so that SAELens itself can load it.

    Parameters
    ----------
    sae
        What to write.
    folder
        Made if absent; files of the same names are replaced.
    dtype
        Number format of the weights on disk; default: as they are.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    names = ["W_enc", "b_enc", "W_dec", "b_dec"] + ["threshold"] * (sae.architecture == "jumprelu")
    tensors = {n: getattr(sae, n).detach().cpu().to(dtype or sae.W_enc.dtype).contiguous() for n in names}
    save_file(tensors, folder / WEIGHTS)
    save_file({"mean": sae.mean.detach().cpu().float().contiguous()}, folder / STATISTICS)
    config = {
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": sae.metadata,
    }
    (folder / CONFIG).write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2) + b"\n")


def hash_sae(folder: Path) -> str:
    """One sha256 over the weights and the configuration of a saved SAE."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _threshold(architecture: str, weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Zeros for ReLU; a JumpReLU threshold below zero acts as zero, since what passes it is rectified."""
    zeros = weights["b_enc"].new_zeros(weights["b_enc"].shape)
    return weights["threshold"].clamp_min(0) if architecture == "jumprelu" else zeros


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        msg = f"there is no SAE folder {str(folder)!r}"
        raise EncoderError(msg)
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        found = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
        msg = f"{folder} is not an SAE folder: expected {CONFIG} and {WEIGHTS} (SAELens layout), found {found}"
        raise EncoderError(msg)
    try:
        config = orjson.loads((folder / CONFIG).read_bytes())
    except orjson.JSONDecodeError as error:
        msg = f"{folder / CONFIG} is not valid JSON: {error}"
        raise EncoderError(msg) from error
    if not isinstance(config, dict):
        msg = f"{folder / CONFIG} does not hold a JSON object"
        raise EncoderError(msg)
    return config


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        msg = f"{path} cannot be read as safetensors: {error}"
        raise EncoderError(msg) from error
    return {name: tensor.float() for name, tensor in tensors.items()}


def _check(folder: Path, config: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
    """Refuse what would give wrong numbers silently."""
    architecture = config.get("architecture")
    if architecture not in ("standard", "jumprelu"):
        msg = f"{folder}: architecture {architecture!r} is not known here (known: standard, jumprelu)"
        raise EncoderError(msg)
    for key in ("normalize_activations", "reshape_activations"):
        if config.get(key, "none") != "none":
            msg = f"{folder}: {key} = {config[key]!r} is not supported; fold it into the weights first"
            raise EncoderError(msg)
    needed = {"W_enc", "b_enc", "W_dec", "b_dec"} | ({"threshold"} if architecture == "jumprelu" else set())
    if missing := sorted(needed - weights.keys()):
        msg = f"{folder / WEIGHTS} lacks {', '.join(missing)}"
        raise EncoderError(msg)
    d_in, d_sae = weights["W_enc"].shape if weights["W_enc"].ndim == 2 else (-1, -1)
    shapes = {"b_enc": (d_sae,), "W_dec": (d_sae, d_in), "b_dec": (d_in,), "threshold": (d_sae,)}
    for name in sorted(needed - {"W_enc"}):
        if tuple(weights[name].shape) != shapes[name]:
            msg = f"{folder / WEIGHTS}: {name} has shape {tuple(weights[name].shape)}, expected {shapes[name]}"
            raise EncoderError(msg)
