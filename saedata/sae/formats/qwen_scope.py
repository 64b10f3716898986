"""Qwen-Scope (`layerN.sae.pt`): TopK without subtracting the decoder's bias, clamped at zero (2605.11887)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from saedata.sae.architectures import TopK

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "Qwen-Scope (layerN.sae.pt)"


def matches(found: Opened) -> bool:
    """Whether this is such a file: matrices the other way round than everybody else's, or the name."""
    if not found.has("W_enc", "W_dec", "b_enc", "b_dec") or found.path.suffix != ".pt":
        return False
    encoder, bias = found.tensors["W_enc"], found.tensors["b_enc"]
    return found.path.name.endswith(".sae.pt") or (
        encoder.ndim == 2 and encoder.shape[1] != bias.numel() == encoder.shape[0]
    )


def build(found: Opened) -> SAE:
    """The SAE in such a file."""
    encoder = found.take("W_enc", None, None)
    d_sae, d_in = encoder.shape
    bias = found.take("b_dec", d_in)
    return TopK(
        k=_k(found),
        W_enc=encoder.T,
        b_enc=found.take("b_enc", d_sae),
        W_dec=found.take("W_dec", d_in, d_sae).T.contiguous(),
        b_dec=bias,
        mean=bias,
        metadata={"file": found.path.name},
    )


def _k(found: Opened) -> int:
    """From the file, from a configuration beside it, or from the repository's name, which ends in `L0_50`."""
    for source in (found.values, found.config):
        if k := found.number(source, "k", "top_k"):
            return k
    told = re.findall(r"L0_(\d+)", str(found.path.absolute()))
    if not told or int(told[-1]) < 1:
        hint = (
            'keep it in a folder named like the published one (…L0_50), or write {"k": 50} into config.json beside it'
        )
        found.refuse(f"does not say how many features are on per token: {hint}")
    return int(told[-1])
