"""Rescaling of hidden states before an SAE reads them, under the names that SAELens gave them ("centre" is ours)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    import torch

Normalisation = Literal[
    "none", "expected_average_only_in", "constant_norm_rescale", "layer_norm", "constant_scalar_rescale", "centre"
]
NORMALISATIONS: tuple[str, ...] = get_args(Normalisation)

_EPSILON = 1e-5
_TINY = 1e-30  # keeps a hidden state of zeros at zero


class Scaling(NamedTuple):
    """How some hidden states are brought to the SAE's scale, and back.

    Attributes
    ----------
    shift
        Subtracted before; added after.
    divisor
        Divides what the SAE reads.
    factor
        Multiplies what the SAE rebuilds.
    """

    shift: torch.Tensor | float
    divisor: torch.Tensor | float
    factor: torch.Tensor | float

    def into(self, x: torch.Tensor) -> torch.Tensor:
        """Hidden states as the SAE wants them."""
        return (x - self.shift) / self.divisor

    def out_of(self, rebuilt: torch.Tensor) -> torch.Tensor:
        """What the SAE rebuilt, on the scale of the hidden states."""
        return rebuilt * self.factor + self.shift


def scaling(kind: Normalisation, x: torch.Tensor, scale: float) -> Scaling | None:
    """Rescaling of hidden states; None where there is nothing to do.

    Parameters
    ----------
    kind
        "none"; "constant_norm_rescale": to a norm of sqrt(d_in); "layer_norm": to mean 0 and standard deviation 1 (the
        unbiased one, plus 1e-5); "centre": to mean 0; per token all three; "constant_scalar_rescale": times `scale`;
        and "expected_average_only_in": times `scale` too, one number measured while training, 1 where the files do
        not tell, as SAELens has it.
    x
        [tokens, d_in].
    scale
        Factor of the last two.
    """
    if kind == "layer_norm":
        mean = x.mean(dim=-1, keepdim=True)
        deviation = (x - mean).std(dim=-1, keepdim=True)
        return Scaling(mean, deviation + _EPSILON, deviation)
    if kind == "centre":  # what TransformerLens's center_writing_weights makes of a residual stream
        return Scaling(x.mean(dim=-1, keepdim=True), 1.0, 1.0)
    if kind == "constant_norm_rescale":
        norm = x.norm(dim=-1, keepdim=True).clamp_min(_TINY) / math.sqrt(x.shape[-1])
        return Scaling(0.0, norm, norm)
    return None if kind == "none" or scale == 1 else Scaling(0.0, 1 / scale, 1 / scale)
