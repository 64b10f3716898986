"""EleutherAI sparsify (`cfg.json` + `sae.safetensors`), transcoders and skip transcoders too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saedata.sae.architectures import AbsTopK, GroupMax, TopK

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "EleutherAI sparsify (cfg.json + sae.safetensors)"
_ACTIVATIONS = ("topk", "groupmax")


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("encoder.weight", "W_dec")


def build(found: Opened) -> SAE:
    """The SAE in such files."""
    config = found.config
    k = found.number(config, "k")
    if k is None:
        found.refuse("there is no cfg.json beside it that says k, the number of features on per token")
    activation = config.get("activation", "topk")
    if activation not in _ACTIVATIONS:
        found.refuse(f"activation {activation!r} is not known here (known: {', '.join(_ACTIVATIONS)})")
    kind = GroupMax if activation == "groupmax" else AbsTopK if config.get("signed") else TopK
    transcoder = bool(config.get("transcode"))
    encoder = found.take("encoder.weight", None, None)
    d_sae, d_in = encoder.shape
    decoder = found.take("W_dec", d_sae, None if transcoder else d_in)
    b_dec = found.take("b_dec", decoder.shape[1])
    return kind(
        k=k,
        W_enc=encoder.T,
        b_enc=found.take("encoder.bias", d_sae),
        W_dec=decoder,
        b_dec=b_dec,
        mean=encoder.new_zeros(d_in) if transcoder else b_dec,
        metadata={"hook": found.path.parent.name},
        apply_b_dec_to_input=not transcoder,
        transcoder=transcoder,
        W_skip=found.take("W_skip", decoder.shape[1], d_in) if found.has("W_skip") else None,
    )
