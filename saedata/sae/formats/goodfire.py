"""Goodfire's SAEs for Llama (one `.pth` or `.pt` file with `encoder_linear` and `decoder_linear`): ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.sae.architectures import Standard

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "Goodfire (.pth or .pt with encoder_linear, decoder_linear)"


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("encoder_linear.weight")


def build(found: Opened) -> SAE:
    """The SAE in such a file."""
    encoder = found.take("encoder_linear.weight", None, None)
    d_sae, d_in = encoder.shape
    bias = found.take("decoder_linear.bias", d_in)
    return Standard(
        W_enc=encoder.T,
        b_enc=found.take("encoder_linear.bias", d_sae),
        W_dec=found.take("decoder_linear.weight", d_in, d_sae).T.contiguous(),
        b_dec=bias,
        mean=bias,
        metadata={"file": found.path.name},
    )
