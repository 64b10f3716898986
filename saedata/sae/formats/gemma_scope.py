"""Gemma Scope (`params.npz`) and Gemma Scope 2 (`params.safetensors` + `config.json`): JumpReLU, transcoders too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from saedata.sae.architectures import JumpReLU

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "Gemma Scope 1 and 2 (params.npz; params.safetensors + config.json)"


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("w_enc", "threshold") or (found.path.suffix == ".npz" and found.has("W_enc", "threshold"))


def build(found: Opened) -> SAE:
    """The SAE or transcoder in such files."""
    w = "w" if found.has("w_enc") else "W"
    encoder = found.take(f"{w}_enc", None, None)
    d_in, d_sae = encoder.shape
    transcoder = _is_transcoder(found)
    decoder = found.take(f"{w}_dec", d_sae, None if transcoder else d_in)
    bias = found.take("b_dec", decoder.shape[1])
    skip = (
        found.take("affine_skip_connection", d_in, decoder.shape[1]).T if found.has("affine_skip_connection") else None
    )
    root = math.sqrt(d_in) if _is_embedding(found) else 1.0  # those were trained on embeddings times this
    return JumpReLU(
        W_enc=encoder / root,
        b_enc=found.take("b_enc", d_sae),
        W_dec=decoder * root,
        b_dec=bias,
        threshold=found.take("threshold", d_sae),
        mean=encoder.new_zeros(d_in) if transcoder else bias,
        metadata={key: value for key, value in found.config.items() if isinstance(value, str | int | float)},
        transcoder=transcoder,
        W_skip=skip,
    )


def _is_transcoder(found: Opened) -> bool:
    """Version 2 says so in its configuration; version 1 only by the name of its folder."""
    out = found.config.get("hf_hook_point_out")
    differs = out is not None and out != found.config.get("hf_hook_point_in")
    return differs or found.has("affine_skip_connection") or any("transcoder" in part for part in found.path.parts)


def _is_embedding(found: Opened) -> bool:
    return found.path.suffix == ".npz" and "embedding" in found.path.parts[-4:-1]
