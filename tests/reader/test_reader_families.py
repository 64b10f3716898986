"""Readers of every family: blocks and hooks found by structure, later layers left out."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from tiny_models import FAMILIES, FAMILY_LAYERS

from saedata.reader import Reader, load_reader

IDS = torch.tensor([[2, 10, 50, 99, 77, 12, 45, 3], [2, 30, 64, 88, 3, 0, 0, 0]])
MASK = (IDS > 0).long()


class Whole:
    """The uncut model's hidden states, and what its modules gave."""

    def __init__(self, family: str, folder: Path) -> None:
        self.spec = FAMILIES[family]
        model = transformers.AutoModel.from_pretrained(folder).eval()
        self.blocks = model.get_submodule(self.spec.blocks)
        self.seen: dict[tuple[int, str], torch.Tensor] = {}
        for number, block in enumerate(self.blocks, 1):
            for path in ("", self.spec.attn, self.spec.mlp):
                block.get_submodule(path).register_forward_hook(self._keep(number, path))
        runs = model.get_encoder() if model.config.is_encoder_decoder else model
        with torch.no_grad():
            self.hidden = runs(input_ids=IDS, attention_mask=MASK, output_hidden_states=True).hidden_states

    def _keep(self, number: int, path: str) -> Callable[..., None]:
        def keep(_module: object, _inputs: object, output: object) -> None:
            self.seen[number, path] = output[0] if isinstance(output, tuple) else output

        return keep


@pytest.fixture(scope="module")
def whole(family_reader: Callable[[str], Path], request: pytest.FixtureRequest) -> Whole:
    return Whole(request.param, family_reader(request.param))


def close(reader: Reader, expected: torch.Tensor) -> None:
    keep = MASK.bool()
    torch.testing.assert_close(reader.hidden(IDS, MASK)[keep], expected[keep], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("family", "whole"), [(name, name) for name in FAMILIES], indirect=["whole"])
def test_hooks_equal_those_of_the_whole_model(family: str, whole: Whole, family_reader: Callable[[str], Path]) -> None:
    assert len(whole.blocks) == FAMILY_LAYERS
    for layer in range(1, FAMILY_LAYERS + 1):
        reader = load_reader(family_reader(family), layer=layer, precision="float32", device="cpu")
        close(reader, whole.hidden[layer] if layer < FAMILY_LAYERS else whole.seen[layer, ""])
        torch.testing.assert_close(whole.seen[layer, ""].shape, whole.hidden[layer].shape)
    for layer in (2, FAMILY_LAYERS):
        for hook, expected in (
            ("resid_pre", whole.hidden[layer - 1]),
            ("attn_out", whole.seen[layer, whole.spec.attn]),
            ("mlp_out", whole.seen[layer, whole.spec.mlp]),
        ):
            reader = load_reader(family_reader(family), layer=layer, hook=hook, precision="float32", device="cpu")
            assert reader.hook == f"blocks.{layer - 1}.hook_{hook}"
            close(reader, expected.reshape(whole.hidden[0].shape))
