"""HypotheSAEs: trained and saved by the library, read here."""

from pathlib import Path

import comparison
import pytest
import torch

from saedata.encoders import load_sae

pytestmark = comparison.needs("hypothesaes")


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("prefixes", [None, [32, 128]])
def test_activations_and_reconstruction(prefixes: list | None, *, batch: bool, tmp_path: Path) -> None:
    comparison.bare("hypothesaes")
    from hypothesaes.sae import SparseAutoencoder

    theirs = SparseAutoencoder(
        comparison.D_IN, comparison.D_SAE, 6, prefix_lengths=prefixes, use_batch_topk=batch, device="cpu"
    )
    x = comparison.states()
    theirs.fit(x, save_dir=str(tmp_path), n_epochs=3, batch_size=64, show_progress=False)
    ours = load_sae(next(tmp_path.glob("*.pt")))
    assert ours.architecture == ("batchtopk" if batch else "topk")
    expected = torch.from_numpy(theirs.get_activations(x, show_progress=False))
    comparison.same(ours, expected, x)
    with torch.no_grad():
        torch.testing.assert_close(ours.decode(ours.encode(x)), theirs(x)[0], rtol=1e-3, atol=1e-4)
