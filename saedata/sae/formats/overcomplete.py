"""`overcomplete` (KempnerInstitute): a saved `state_dict()` with the linear encoder; JumpReLU, TopK, matching pursuit.

A state dict has the thresholds of a JumpSAE, but neither the class nor the k of the others: those are read from
`config.json` beside it, `{"architecture": "topk", "k": 32}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import JumpReLU, MatchingPursuit, Standard, TopK

if TYPE_CHECKING:
    import torch

    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "overcomplete (.pt state_dict with dictionary._weights)"
_KNOWN = ("standard", "topk", "matching_pursuit")


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("dictionary._weights")


def build(found: Opened) -> SAE:
    """The SAE in such a file."""
    decoder = _decoder(found)
    d_sae, d_in = decoder.shape
    architecture = "jumprelu" if found.has("thresholds") else str(found.config.get("architecture"))
    weights: dict[str, Any] = {
        "W_dec": decoder,
        "b_dec": decoder.new_zeros(d_in),
        "mean": decoder.new_zeros(d_in),
        "metadata": {"file": found.path.name},
    }
    weights |= (
        _encoder(found, decoder)
        if architecture != "matching_pursuit"
        else {"W_enc": decoder.T, "b_enc": decoder.new_zeros(d_sae)}
    )
    if architecture == "jumprelu":
        return JumpReLU(**weights, threshold=found.take("thresholds", d_sae).exp())
    if architecture == "standard":
        return Standard(**weights)
    k = found.number(found.config, "k", "top_k")
    if architecture not in _KNOWN or k is None:
        hint = f'{{"architecture": "topk", "k": 32}} (known: {", ".join(_KNOWN)})'
        found.refuse(f"config.json beside it must say which SAE this is, as {hint}")
    return TopK(**weights, k=k) if architecture == "topk" else MatchingPursuit(**weights, steps=k)


def _decoder(found: Opened) -> torch.Tensor:
    """The dictionary as used: rows of length 1, times exp(multiplier)."""
    rows = found.take("dictionary._weights", None, None)
    unit: torch.Tensor = rows / (rows.norm(dim=1, keepdim=True) + 1e-8)
    return unit * found.take("dictionary.multiplier").exp() if found.has("dictionary.multiplier") else unit


def _encoder(found: Opened, decoder: torch.Tensor) -> dict[str, torch.Tensor]:
    d_sae, d_in = decoder.shape
    names = [n for n in found.tensors if n.startswith("encoder.")]
    weight = next((n for n in ("encoder.final_block.0.weight", "encoder.weight") if n in names), None)
    if weight is None and names:
        found.refuse(f"its encoder is not the linear one (found {', '.join(names[:4])})")
    bias = weight.replace("weight", "bias") if weight else None
    if len(names) > sum(name in names for name in (weight, bias)):
        found.refuse(f"its encoder is more than the linear one (found {', '.join(names[:4])})")
    rows = found.take(weight, d_sae, d_in) if weight else decoder  # tied: the dictionary itself
    return {
        "W_enc": rows.T.contiguous(),
        "b_enc": found.take(bias, d_sae) if bias and found.has(bias) else decoder.new_zeros(d_sae),
    }
