"""SAELens folders (`cfg.json` + `sae_weights.safetensors`), old and new keys; our own SAEs are stored like this too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from saedata.errors import EncoderError
from saedata.sae.architectures import BatchTopK, Gated, MatchingPursuit
from saedata.sae.formats.files import Opened, read_safetensors
from saedata.sae.model import ARCHITECTURES, SAE
from saedata.sae.normalise import NORMALISATIONS

if TYPE_CHECKING:
    from pathlib import Path

    import torch

NAME = "SAELens (cfg.json + sae_weights.safetensors)"
CONFIG, WEIGHTS, STATISTICS = "cfg.json", "sae_weights.safetensors", "statistics.safetensors"

_DEFAULT_K = 100
_OLD_NAMES = {"activation_fn_str": "activation_fn", "hook_point": "hook_name", "hook_point_layer": "hook_layer"}
_ABOUT = (
    "model_name",
    "hook_name",
    "hook_layer",
    "hook_head_index",
    "context_size",
    "prepend_bos",
    "dataset_path",
    "neuronpedia_id",
    "sae_lens_training_version",
)


def matches(found: Opened) -> bool:
    """Whether these are such files."""
    return found.path.name == WEIGHTS and "encoder.weight" not in found.tensors


def build(found: Opened) -> SAE:
    """The SAE in such files."""
    if not found.config:
        found.refuse(f"there is no {CONFIG} beside it")
    config = _defaulted(found.config)
    base, transcoder = _parsed(str(config["architecture"]))
    kind = ARCHITECTURES.get(str(config.get("saedata_architecture", base)))
    _check_supported(found, config, kind)
    assert kind is not None
    weights = _weights(found, config, kind, transcoder=transcoder)
    plain = not transcoder and config["normalize_activations"] in ("none", "expected_average_only_in")
    sae = kind(
        **weights,
        **_settings(found, config, kind, weights["W_enc"]),
        mean=_mean(found) if (found.path.parent / STATISTICS).exists() else weights["b_dec"] * plain,
        metadata=_metadata(config),
        apply_b_dec_to_input=bool(config["apply_b_dec_to_input"]) and not transcoder,
        normalisation=config["normalize_activations"],
        scale=float(config.get("activation_normalization_factor", 1.0)),
        transcoder=transcoder,
    )
    return with_unit_decoder(sae) if config.get("rescale_acts_by_decoder_norm") else sae


def with_unit_decoder(sae: SAE) -> SAE:
    """The same SAE with decoder rows of length 1, and its activations and their comparison scaled accordingly."""
    norm = sae.W_dec.norm(dim=1)
    inverse = (1 / norm).nan_to_num(posinf=0)
    rows = {n: getattr(sae, n) * inverse[:, None] for n in ("W_dec", "U1", "U2", "U3") if hasattr(sae, n)}
    return replace(sae, W_enc=sae.W_enc * norm, b_enc=sae.b_enc * norm, **rows)


def _parsed(name: str) -> tuple[str, bool]:
    """Architecture, and whether it is a transcoder: "jumprelu_skip_transcoder" is ("jumprelu", True)."""
    if not name.endswith("transcoder"):
        return name, False
    return name.removesuffix("transcoder").removesuffix("skip_").removesuffix("_") or "standard", True


def _defaulted(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration under the names, and with the defaults, of version 6."""
    config = {_OLD_NAMES.get(key, key): value for key, value in config.items()}
    defaults = {"architecture": "standard", "apply_b_dec_to_input": True, "reshape_activations": "none"}
    config = defaults | config
    normalised = config.get("normalize_activations")
    if not isinstance(normalised, str):
        config["normalize_activations"] = "expected_average_only_in" if normalised else "none"
    options = config.get("activation_fn_kwargs")
    if config.get("activation_fn") == "topk" and isinstance(options, dict) and "k" in options:
        config |= {"architecture": "topk", "k": options["k"]}
    return config


def _check_supported(found: Opened, config: dict[str, Any], kind: type[SAE] | None) -> None:
    """Refuse what would give wrong numbers silently."""
    name = config["architecture"]
    if kind is None:
        why = "; it reads a text's tokens in order" if name == "temporal" else f" (known: {', '.join(ARCHITECTURES)})"
        msg = f"{found.config_path}: architecture {name!r} is not known here{why}"
        raise EncoderError(msg)
    allowed = {
        "normalize_activations": NORMALISATIONS,
        "reshape_activations": ("none", "hook_z"),
        "activation_fn": ("relu", "topk"),
    }
    for key, values in allowed.items():
        if config.get(key, values[0]) not in values:
            msg = f"{found.config_path}: {key} = {config[key]!r} is not supported (supported: {', '.join(values)})"
            raise EncoderError(msg)


def _weights(found: Opened, config: dict[str, Any], kind: type[SAE], *, transcoder: bool) -> dict[str, torch.Tensor]:
    stored = _stored(kind)
    d_in, d_sae = _sizes(found, config, stored)
    shapes: dict[str, tuple[int | None, ...]] = {
        "W_enc": (d_in, d_sae),
        "W_dec": (d_sae, None if transcoder else d_in),
        "b_enc": (d_sae,),
        **dict.fromkeys(kind.vectors, (d_sae,)),
    }
    taken = {
        name: found.take(name, *shapes[name]) for name in ("W_enc", "W_dec", "b_enc", *kind.vectors) if name in stored
    }
    taken["b_dec"] = found.take("b_dec", taken["W_dec"].shape[1])
    taken |= _polynomial(found) if kind.tensors else {}
    if transcoder and "skip" in config["architecture"]:
        taken["W_skip"] = found.take("W_skip", taken["W_dec"].shape[1], d_in)
    if issubclass(kind, MatchingPursuit):  # its encoder is its decoder, and an unused bias is added nowhere
        taken["W_enc"] = taken["W_dec"].T
        taken["b_dec"] = taken["b_dec"] * bool(config["apply_b_dec_to_input"])
    taken.setdefault("b_enc", taken["W_dec"].new_zeros(d_sae))
    if found.has("scaling_factor"):  # of the activations, when decoding: from fine-tuning against shrinkage
        taken["W_dec"] = taken["W_dec"] * found.take("scaling_factor", d_sae)[:, None]
    return taken


def _sizes(found: Opened, config: dict[str, Any], stored: list[str]) -> tuple[int, int]:
    """(d_in, d_sae) of the weights, which must be those that the configuration tells."""
    name = "W_enc" if "W_enc" in stored else "W_dec"
    shape = found.take(name, None, None).shape
    sizes = (int(shape[0]), int(shape[1])) if name == "W_enc" else (int(shape[1]), int(shape[0]))
    for key, size in zip(("d_in", "d_sae"), sizes, strict=True):
        told = found.number(config, key)
        if told not in (None, size):
            msg = f"{found.config_path} says {key} = {told}, but {found.path.name} holds {name} of shape {tuple(shape)}"
            raise EncoderError(msg)
    return sizes


def _polynomial(found: Opened) -> dict[str, torch.Tensor]:
    """Parts of a polynomial decoder; one U may serve for all three terms."""
    parts = {name: found.take(name, None, None) for name in ("C1", "C2", "C3")}
    for order in "123":
        u = found.take("U_shared" if found.has("U_shared") else f"U{order}", None, None)
        parts[f"U{order}"] = u[:, : parts[f"C{order}"].shape[1]]
    return parts | {name: found.take(name) for name in ("lambda2", "lambda3")}


def _settings(found: Opened, config: dict[str, Any], kind: type[SAE], encoder: torch.Tensor) -> dict[str, Any]:
    if issubclass(kind, MatchingPursuit):
        return {
            "steps": found.number(config, "max_iterations") or int(encoder.shape[0]),
            "residual_threshold": float(config.get("residual_threshold", 1e-2)),
            "stop_on_duplicate_support": bool(config.get("stop_on_duplicate_support", True)),
        }
    return {"k": found.number(config, "k") or _DEFAULT_K} if "k" in kind.settings else {}


def _mean(found: Opened) -> torch.Tensor:
    path = found.path.parent / STATISTICS
    return Opened(path, read_safetensors(path)).take("mean", None)


def _metadata(config: dict[str, Any]) -> dict[str, Any]:
    metadata = config.get("metadata")
    return metadata if isinstance(metadata, dict) else {key: config[key] for key in _ABOUT if key in config}


def save_sae(sae: SAE, folder: Path, *, dtype: torch.dtype | None = None) -> None:
    """Write an SAE in the SAELens layout, so that SAELens itself can load it where it knows the architecture.

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
    names = _stored(type(sae)) + ["W_skip"] * (sae.W_skip is not None)
    tensors = {n: getattr(sae, n).detach().cpu().to(dtype or sae.W_enc.dtype).contiguous() for n in names}
    save_file(tensors, folder / WEIGHTS)
    save_file({"mean": sae.mean.detach().cpu().float().contiguous()}, folder / STATISTICS)
    config = {
        "architecture": _their_name(sae),
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": sae.apply_b_dec_to_input,
        "normalize_activations": sae.normalisation,
        "reshape_activations": "none",
        "metadata": sae.metadata,
    }
    config |= {{"steps": "max_iterations"}.get(name, name): getattr(sae, name) for name in sae.settings}
    config |= {"d_out": sae.d_out} if sae.transcoder else {}
    config |= {"activation_normalization_factor": sae.scale} if sae.scale != 1 else {}
    config |= {"saedata_architecture": sae.architecture} if isinstance(sae, BatchTopK) else {}
    (folder / CONFIG).write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2) + b"\n")


def _their_name(sae: SAE) -> str:
    name = "jumprelu" if isinstance(sae, BatchTopK) else sae.architecture
    if not sae.transcoder:
        return name
    return ("" if name == "standard" else f"{name}_") + ("skip_" if sae.W_skip is not None else "") + "transcoder"


def _stored(kind: type[SAE]) -> list[str]:
    """Tensors of an architecture, as SAELens stores them."""
    unused = (
        {"b_enc"} if issubclass(kind, Gated) else {"W_enc", "b_enc"} if issubclass(kind, MatchingPursuit) else set()
    )
    return [n for n in ("W_enc", "b_enc", "W_dec", "b_dec", *kind.vectors, *kind.tensors) if n not in unused]
