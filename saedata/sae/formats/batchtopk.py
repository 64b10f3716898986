"""BatchTopK's research code and what derives from it, top-AFA among them (`sae.pt` + `config.json` with `sae_type`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import JumpReLU, Standard, TopAFA, TopK

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "top-AFA and BatchTopK research code (sae.pt + config.json with sae_type)"
_KNOWN = ("topk", "topafa", "vanilla", "jumprelu")


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return "sae_type" in found.config and found.has("W_enc", "W_dec", "b_dec")


def build(found: Opened) -> SAE:
    """The SAE in such files."""
    name = found.config["sae_type"]
    if name not in _KNOWN:
        why = "; it was saved without the threshold that single texts need" if name == "batchtopk" else ""
        found.refuse(f"sae_type {name!r} is not known here{why} (known: {', '.join(_KNOWN)})")
    encoder = found.take("W_enc", None, None)
    d_in, d_sae = encoder.shape
    bias, normed = found.take("b_dec", d_in), bool(found.config.get("input_unit_norm", False))
    weights: dict[str, Any] = {
        "W_enc": encoder,
        # the TopK family of this code has a bias among its weights, and does not use it
        "b_enc": found.take("b_enc", d_sae) if name in ("vanilla", "jumprelu") else encoder.new_zeros(d_sae),
        "W_dec": found.take("W_dec", d_sae, d_in),
        "b_dec": bias,
        "mean": bias * (not normed),
        "metadata": {key: found.config[key] for key in ("model_name", "hook_point", "layer") if key in found.config},
        "apply_b_dec_to_input": name != "jumprelu",
        "normalisation": "layer_norm" if normed else "none",
    }
    if name == "jumprelu":
        return JumpReLU(**weights, threshold=found.take("jumprelu.log_threshold", d_sae).exp())
    if name != "topk":
        return TopAFA(**weights) if name == "topafa" else Standard(**weights)
    k = found.number(found.config, "top_k")
    if k is None:
        found.refuse("config.json does not say top_k")
    return TopK(**weights, k=k)
