"""EleutherAI sparsify: SAEs, transcoders and skip transcoders, written by the library, read here."""

from pathlib import Path

import comparison
import pytest
import torch

from saedata.encoders import load_sae

pytestmark = comparison.needs("sparsify")


@pytest.mark.parametrize("activation", ["topk", "groupmax"])
@pytest.mark.parametrize("options", [{}, {"transcode": True}, {"transcode": True, "skip_connection": True}])
def test_activations_and_reconstruction(options: dict, activation: str, tmp_path: Path) -> None:
    from sparsify import SparseCoder, SparseCoderConfig

    config = SparseCoderConfig(num_latents=comparison.D_SAE, k=8, activation=activation, **options)
    theirs = SparseCoder(comparison.D_IN, config)
    comparison.shake(theirs)
    theirs.save_to_disk(tmp_path / "layers.3")
    ours, x = load_sae(tmp_path / "layers.3"), comparison.states()
    assert (ours.architecture, ours.transcoder) == (activation, "transcode" in options)
    found = theirs.encode(x)
    expected = torch.zeros(len(x), comparison.D_SAE).scatter_(1, found.top_indices, found.top_acts)
    comparison.same(ours, expected, x)
    rebuilt = theirs.decode(found.top_acts, found.top_indices)
    torch.testing.assert_close(ours.decode(ours.encode(x)), rebuilt, rtol=1e-3, atol=1e-4)
    skipped = rebuilt + x @ theirs.W_skip.mT if theirs.W_skip is not None else rebuilt
    torch.testing.assert_close(ours.decode(ours.encode(x), x), skipped, rtol=1e-3, atol=1e-4)
