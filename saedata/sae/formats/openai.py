"""OpenAI's SAEs for GPT-2 small (`.pt` state dict): TopK on layer-normed input, older ones ReLU (2406.04093)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import Standard, TopK

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "OpenAI GPT-2 SAEs (.pt with pre_bias, latent_bias)"


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("pre_bias", "latent_bias", "encoder.weight")


def build(found: Opened) -> SAE:
    """The SAE in such a file; only TopK ones normalise their input, as in the published code."""
    encoder = found.take("encoder.weight", None, None)
    d_sae, d_in = encoder.shape
    bias, activation = found.take("pre_bias", d_in), found.values.get("activation", "ReLU")
    untied = found.has("decoder.weight")
    weights: dict[str, Any] = {
        "W_enc": encoder.T,
        "b_enc": found.take("latent_bias", d_sae),
        "W_dec": found.take("decoder.weight", d_in, d_sae).T.contiguous() if untied else encoder,
        "b_dec": bias,
        "mean": bias * (activation == "ReLU"),
        "metadata": {"file": found.path.name},
        "apply_b_dec_to_input": True,
    }
    if activation == "ReLU":
        return Standard(**weights)
    options = found.values.get("activation_state_dict")
    options = options if isinstance(options, dict) else {}
    k = found.number(options, "k")
    if activation != "TopK" or k is None or options.get("postact_fn", "ReLU") != "ReLU":
        found.refuse(f"activation {activation!r} with {options} is not known here (known: ReLU, TopK with ReLU and k)")
    return TopK(**weights, normalisation="layer_norm", k=k)
