"""Llama Scope (`hyperparams.json` + `checkpoints/final.safetensors`), as OpenMOSS's own code uses it.

Trained on hidden states scaled to a mean norm of sqrt(d); used, as published, with that factor folded into biases and
decoder, decoder rows brought to length 1, and one threshold that is compared after both. So activations are in units of
the hidden state; SAELens leaves the encoder's factor out of them, its numbers are sqrt(d) / norm times ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import JumpReLU, Standard, TopK
from saedata.sae.formats.saelens import with_unit_decoder

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "Llama Scope (hyperparams.json + final.safetensors)"
_ABOUT = ("hook_point_in", "hook_point_out", "d_model", "expansion_factor", "top_k")


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("encoder.weight", "decoder.weight") and bool(
        {"act_fn", "jump_relu_threshold"} & found.config.keys()
    )


def build(found: Opened) -> SAE:
    """The SAE or transcoder in such files."""
    config = found.config
    for key in ("use_glu_encoder", "apply_decoder_bias_to_pre_encoder"):
        if config.get(key):
            found.refuse(f"{key} is not supported")
    encoder = found.take("encoder.weight", None, None)
    d_sae, d_in = encoder.shape
    into, out = (math.sqrt(d_in) / norm for norm in _norms(found, d_in))
    transcoder = config.get("hook_point_in") != config.get("hook_point_out", config.get("hook_point_in"))
    bias = found.take("decoder.bias", d_in) / out if found.has("decoder.bias") else encoder.new_zeros(d_in)
    weights: dict[str, Any] = {
        "W_enc": encoder.T,
        "b_enc": found.take("encoder.bias", d_sae) / into,
        "W_dec": found.take("decoder.weight", d_in, d_sae).T * (into / out),
        "b_dec": bias,
        "mean": bias * (not transcoder),
        "metadata": {key: config[key] for key in _ABOUT if key in config},
        "transcoder": transcoder,
    }
    unit = with_unit_decoder if config.get("sparsity_include_decoder_norm", True) else _as_it_is
    return unit(_activation(found, weights, d_sae))


def _as_it_is(sae: SAE) -> SAE:
    return sae


def _norms(found: Opened, d_in: int) -> tuple[float, float]:
    """Mean norm of the hidden states that it reads, and of those it rebuilds."""
    norms = found.config.get("dataset_average_activation_norm")
    if found.config.get("norm_activation", "dataset-wise") == "inference" or norms is None:
        return math.sqrt(d_in), math.sqrt(d_in)
    if found.config.get("norm_activation", "dataset-wise") != "dataset-wise" or not isinstance(norms, dict):
        found.refuse(f"norm_activation = {found.config.get('norm_activation')!r} is not supported")
    into, out = norms.get("in"), norms.get("out", norms.get("in"))
    if not all(isinstance(norm, int | float) and norm > 0 for norm in (into, out)):
        found.refuse(f"dataset_average_activation_norm is {norms!r}; two positive numbers are expected")
    return float(into), float(out)  # type: ignore[arg-type]


def _activation(found: Opened, weights: dict[str, Any], d_sae: int) -> SAE:
    kind, threshold = (
        str(found.config.get("act_fn", "jumprelu")).lower(),
        found.config.get("jump_relu_threshold") or 0.0,
    )
    if not isinstance(threshold, int | float):
        found.refuse(f"jump_relu_threshold is {threshold!r}; a number is expected")
    if kind == "jumprelu" or (kind == "topk" and threshold > 0):  # their code turns the second into the first
        return JumpReLU(**weights, threshold=weights["W_enc"].new_full((d_sae,), float(threshold)))
    if kind == "relu":
        return Standard(**weights)
    k = found.number(found.config, "top_k")
    if kind != "topk" or k is None:
        found.refuse(f"act_fn {kind!r} without a threshold is not known here (known: jumprelu, relu, topk with top_k)")
    return TopK(**weights, k=k)
