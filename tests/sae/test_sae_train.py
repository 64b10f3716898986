"""Training: gradients are right, known directions are found, runs repeat and resume."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saedata.errors import InputError
from saedata.sae.train import TrainOptions, _Run, train_sae


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, torch.Tensor]:
    """Hidden states that are sums of 3 of 40 known directions in 32 dimensions, off centre."""
    random = np.random.default_rng(0)
    directions = random.normal(size=(40, 32))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    picks = np.argsort(random.random((20_000, 40)), axis=1)[:, :3]
    sizes = random.uniform(2, 4, size=(20_000, 3, 1))
    states = (directions[picks] * sizes).sum(1) + np.linspace(-3, 3, 32)
    return states.astype(np.float16), torch.tensor(directions, dtype=torch.float32)


OPTIONS = TrainOptions(features=48, l0=3, steps=600, batch=512, learning_rate=5e-3, dead_after=5_000)


def test_planted_directions_are_found(planted: tuple[np.ndarray, torch.Tensor]) -> None:
    states, directions = planted
    sae = train_sae(states, OPTIONS)
    best = (directions @ sae.W_dec.T).max(dim=1).values
    assert (best > 0.95).float().mean() > 0.8
    x = torch.from_numpy(states[:5000].astype(np.float32))
    activations = sae.encode(x)
    unexplained = (sae.decode(activations) - x).square().sum() / (x - x.mean(0)).square().sum()
    assert unexplained < 0.15
    assert 2 < (activations > 0).sum(1).float().mean() < 4
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(48))


def test_written_out_gradients_equal_autograd(planted: tuple[np.ndarray, torch.Tensor]) -> None:
    run = _Run(planted[0], OPTIONS, "cpu")
    run._low_precision = False
    run._descend = lambda: None  # keep the gradients, change nothing
    leaves = [p.clone().requires_grad_() for p in run._parameters]
    x = run._rows(0)
    run.update()
    enc, b_enc, dec, b_dec = leaves
    before = x @ enc + b_enc
    token, feature, _ = run._select(before.detach())
    mask = torch.zeros_like(before).index_put_((token, feature), torch.tensor(1.0))
    (((before * mask) @ dec + b_dec - x).square().sum() / len(x)).backward()
    for leaf, parameter in zip(leaves, run._parameters, strict=True):
        torch.testing.assert_close(parameter.grad, leaf.grad, rtol=1e-4, atol=1e-5)


def test_the_auxiliary_gradient_equals_autograd(planted: tuple[np.ndarray, torch.Tensor]) -> None:
    run = _Run(planted[0], OPTIONS, "cpu")
    dead = torch.arange(10)
    run._off_for[dead] = 10**9
    x = run._rows(0)
    leaves = [p.clone().requires_grad_() for p in run._parameters]
    for parameter in run._parameters:
        parameter.grad = torch.zeros_like(parameter)
    error = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    run._revive(x, x @ run.W_enc + run.b_enc, error)
    enc, b_enc, dec, _ = leaves
    before = (x @ enc + b_enc)[:, dead].relu()
    value, index = before.topk(2 * OPTIONS.l0, dim=1)
    kept = torch.zeros_like(before).scatter(1, index, value)
    miss = (kept @ dec[dead] + error).square().sum() / error.square().sum()
    (OPTIONS.aux_weight * miss * x.square().sum() / len(x)).backward()
    for leaf, parameter in zip((enc, b_enc, dec), run._parameters[:3], strict=True):
        torch.testing.assert_close(parameter.grad, leaf.grad, rtol=1e-4, atol=1e-5)


def test_the_same_seed_gives_the_same_sae_and_another_seed_another(planted: tuple[np.ndarray, torch.Tensor]) -> None:
    few = TrainOptions(features=48, l0=3, steps=20, batch=256)
    one, two = train_sae(planted[0], few), train_sae(planted[0], few)
    assert torch.equal(one.W_enc, two.W_enc)
    other = train_sae(planted[0], TrainOptions(features=48, l0=3, steps=20, batch=256, seed=1))
    assert not torch.equal(one.W_enc, other.W_enc)


def test_an_interrupted_run_goes_on_where_it_was(planted: tuple[np.ndarray, torch.Tensor], tmp_path: Path) -> None:
    options = TrainOptions(features=48, l0=3, steps=30, batch=256)
    whole = train_sae(planted[0], options)

    def stop(step: int, _loss: float) -> None:
        if step == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sae(planted[0], options, checkpoint=tmp_path, checkpoint_every=10, progress=stop)
    steps = []
    resumed = train_sae(
        planted[0], options, checkpoint=tmp_path, checkpoint_every=10, progress=lambda s, _: steps.append(s)
    )
    assert steps[0] == 21
    torch.testing.assert_close(resumed.W_enc, whole.W_enc, rtol=0, atol=0)
    with pytest.raises(InputError, match="other options"):
        train_sae(planted[0], TrainOptions(features=48, l0=4, steps=30, batch=256), checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"), [({"l0": 0}, "l0 must be"), ({"features": 2, "l0": 3}, "cannot exceed")]
)
def test_impossible_options(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainOptions(**change)
