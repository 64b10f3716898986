"""sae-probes: the same features chosen, and the same areas from its protocol."""

from __future__ import annotations

import comparison
import numpy as np
import pytest
from scipy import sparse

from benchmarks import sae_probes
from benchmarks.sae_probes import Sides

pytestmark = comparison.needs("sae_probes")

FEATURES, TEST = 600, 200


def planted(train: int, *, seed: int, scale: float) -> Sides:
    """Sparse activations, each feature on a scale of its own; one in ten tells the label, some never are on."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(train + TEST) % 2)
    on = random.random((len(y), FEATURES)) < random.uniform(0, 0.4, FEATURES)
    on[:, ::10] |= (random.random((len(y), FEATURES // 10)) < 0.15) & (y[:, None] == 1)
    x = on * random.lognormal(0, 0.5, on.shape) * random.lognormal(0, scale, FEATURES)
    x[:, 5::50] = 0
    rows = sparse.csr_matrix(x.astype(np.float32))
    return Sides(rows[:train], y[:train].astype(np.int64), rows[train:], y[train:].astype(np.int64))


@pytest.mark.parametrize("seed", [0, 1])
def test_same_features(seed: int) -> None:
    """Scales from a hundredth to a hundred."""
    sides = planted(400, seed=seed, scale=2)
    theirs, ours = sae_probes.their_features(sides), sae_probes.our_features(sides)
    for k in (1, 4, 16, 64, 128, 256):
        one, other = theirs[:k], ours[:k]
        assert set(one.tolist()) == set(other.tolist()) or sae_probes.tied(sides, one, other)


@pytest.mark.parametrize("train", [60, 400, 1024])
def test_same_areas(train: int) -> None:
    """60 rows: six folds; more: the last hundred, or fifth, is held out. Scales that its solver can converge with."""
    sides = planted(train, seed=0, scale=0.3)
    theirs, ours = sae_probes.their_features(sides), sae_probes.our_features(sides)
    for k in (1, 4, 16):
        expected = sae_probes.theirs(sides, theirs[:k], "l2")
        assert expected.converged
        assert sae_probes.our_auc(sides, ours[:k], "l2") == pytest.approx(expected.auc, abs=sae_probes.NEAR)


def test_other_features_are_not_called_tied() -> None:
    sides = planted(400, seed=0, scale=0.3)
    ours = sae_probes.our_features(sides)
    assert not sae_probes.tied(sides, ours[:16], ours[1:17])
    assert sae_probes.tied(sides, ours[:16], ours[:16][::-1])
