"""Centring hidden states gives those of a model whose weights were centred, as TransformerLens centres them."""

from collections.abc import Callable
from pathlib import Path

import torch


def test_centred_states_are_those_of_centred_weights(family_reader: Callable[[str], Path]) -> None:
    import transformers

    folder = family_reader("gpt2")
    plain, centred = (transformers.GPT2Model.from_pretrained(folder).eval() for _ in range(2))
    with torch.no_grad():  # everything that is added to the residual stream: embeddings and both outputs of each block
        for embedding in (centred.wte, centred.wpe):
            embedding.weight -= embedding.weight.mean(-1, keepdim=True)
        for block in centred.h:
            for out in (block.attn.c_proj, block.mlp.c_proj):
                out.weight -= out.weight.mean(-1, keepdim=True)
                out.bias -= out.bias.mean()
    ids = torch.arange(5, 45)[None]
    with torch.inference_mode():
        states = plain(ids, output_hidden_states=True).hidden_states[2]
        theirs = centred(ids, output_hidden_states=True).hidden_states[2]
    assert states.mean(-1).abs().max() > 1e-3  # so that there is something to take away
    torch.testing.assert_close(states - states.mean(-1, keepdim=True), theirs, rtol=1e-4, atol=1e-4)
