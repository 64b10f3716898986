"""HypotheSAEs (`SAE_M=…_K=….pt`): TopK or BatchTopK on text embeddings, Matryoshka or not (2502.04382)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.sae.architectures import BatchTopK, TopK

if TYPE_CHECKING:
    from saedata.sae.formats.files import Opened
    from saedata.sae.model import SAE

NAME = "HypotheSAEs (.pt with config and state_dict)"


def matches(found: Opened) -> bool:
    """Whether this is such a file."""
    return found.has("input_bias", "neuron_bias", "encoder.weight")


def build(found: Opened) -> SAE:
    """The SAE in such a file."""
    options = found.values.get("config")
    options = options if isinstance(options, dict) else {}
    encoder = found.take("encoder.weight", None, None)
    d_sae, d_in = encoder.shape
    bias, prefixes = found.take("input_bias", d_in), options.get("prefix_lengths")
    weights: dict[str, Any] = {
        "W_enc": encoder.T,
        "b_enc": found.take("neuron_bias", d_sae),
        "W_dec": found.take("decoder.weight", d_in, d_sae).T.contiguous(),
        "b_dec": bias,
        "mean": bias,
        "metadata": {"file": found.path.name} | ({"prefixes": list(prefixes)} if prefixes else {}),
        "apply_b_dec_to_input": True,
    }
    if options.get("use_batch_topk"):
        return BatchTopK(**weights, threshold=found.take("threshold").expand(d_sae).contiguous())
    k = found.number(options, "k_active_neurons")
    if k is None:
        found.refuse("its config does not say k_active_neurons, the number of features on per text")
    return TopK(**weights, k=k)
