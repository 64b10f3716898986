"""overcomplete: state dicts of its SAEs with the linear encoder, read here."""

import json
from pathlib import Path
from typing import Any

import comparison
import pytest
import torch

from saedata.encoders import load_sae

pytestmark = comparison.needs("overcomplete")

SIZES = (comparison.D_IN, comparison.D_SAE)


def made(name: str, **options: Any) -> Any:
    comparison.bare("overcomplete")
    from overcomplete import sae

    torch.manual_seed(0)
    found = getattr(sae, name)(*SIZES, **options)
    comparison.shake(found)
    found(torch.zeros(1, comparison.D_IN))  # brings the dictionary to unit length, as a training step does
    return found.eval()


@pytest.mark.parametrize(
    ("name", "options", "config", "architecture"),
    [
        ("JumpSAE", {}, None, "jumprelu"),
        ("TopKSAE", {"top_k": 6}, {"architecture": "topk", "k": 6}, "topk"),
        ("SAE", {}, {"architecture": "standard"}, "standard"),
        ("MpSAE", {"k": 5}, {"architecture": "matching_pursuit", "k": 5}, "matching_pursuit"),
    ],
)
@pytest.mark.parametrize("multiplied", [False, True])
def test_activations_and_reconstruction(
    name: str, options: dict, config: dict | None, architecture: str, *, multiplied: bool, tmp_path: Path
) -> None:
    if multiplied and name == "MpSAE":
        pytest.skip("a dictionary that is not of unit length makes matching pursuit diverge")
    theirs = made(name, **options, dictionary_params={"use_multiplier": multiplied})
    torch.save(theirs.state_dict(), tmp_path / "sae.pt")
    if config:
        (tmp_path / "config.json").write_text(json.dumps(config))
    ours, x = load_sae(tmp_path), comparison.states()
    assert ours.architecture == architecture
    with torch.no_grad():
        _, expected = theirs.encode(x)
        comparison.same(ours, expected, x)
        torch.testing.assert_close(ours.decode(ours.encode(x)), theirs.decode(expected), rtol=1e-3, atol=1e-4)
