"""TransformerLens: centred states are those of its GPT-2, which SAEs such as jb's were trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import comparison
import pytest
import torch

from saedata.reader import load_reader
from saedata.sae.normalise import scaling

pytestmark = comparison.needs("transformer_lens")

IDS = torch.arange(5, 45).reshape(2, 20)


@pytest.fixture(scope="module")
def hooked(family_reader: Callable[[str], Path]) -> Any:
    """The tiny GPT-2 as TransformerLens loads it: layer norms folded, everything that is written centred."""
    import transformers
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights

    whole = transformers.GPT2LMHeadModel.from_pretrained(family_reader("gpt2")).eval()
    size = whole.config
    model = HookedTransformer(
        HookedTransformerConfig(
            n_layers=size.n_layer,
            d_model=size.n_embd,
            n_ctx=size.n_positions,
            d_head=size.n_embd // size.n_head,
            n_heads=size.n_head,
            d_mlp=size.n_inner or 4 * size.n_embd,
            d_vocab=size.vocab_size,
            act_fn="gelu_new",
            normalization_type="LN",
            eps=size.layer_norm_epsilon,
            device="cpu",
        )
    )
    model.load_and_process_state_dict(convert_gpt2_weights(whole, model.cfg))
    return model.eval()


@pytest.mark.parametrize("layer", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["resid_pre", "resid_post"])
def test_centred_states(layer: int, kind: str, hooked: Any, family_reader: Callable[[str], Path]) -> None:
    reader = load_reader(family_reader("gpt2"), layer=layer, hook=kind, precision="float32", device="cpu")
    states = reader.hidden(IDS, torch.ones_like(IDS)).flatten(0, 1)
    with torch.inference_mode():
        theirs = hooked.run_with_cache(IDS)[1][reader.hook].flatten(0, 1)
    centred = scaling("centre", states, 1.0)
    assert centred is not None
    torch.testing.assert_close(centred.into(states), theirs, rtol=1e-4, atol=1e-5)
    assert (states - theirs).abs().max() > 1e-2  # without centring they differ
