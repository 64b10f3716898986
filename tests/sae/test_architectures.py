"""Each architecture against a forward pass in numpy; blocks of features, prefixes, devices, saving and loading."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
import sae_files as files
import torch

from saedata.errors import EncoderError
from saedata.sae import SAE, load_sae, save_sae
from saedata.sae.architectures import (
    ITDA,
    AbsTopK,
    BatchTopK,
    Gated,
    GroupMax,
    JumpReLU,
    MatchingPursuit,
    Matryoshka,
    PolyJumpReLU,
    PolyTopK,
    Standard,
    TopAFA,
    TopK,
)
from saedata.sae.model import ARCHITECTURES
from saedata.sae.normalise import NORMALISATIONS

WIDE = 5000  # more features than are computed at a time


def weights(seed: int = 0, *, d_sae: int = files.D_SAE, **more: object) -> dict:
    draw = files.draws(seed)
    rows = files.tensor(draw(d_sae, files.D_IN, scale=0.25))
    found = {
        "W_enc": files.tensor(draw(files.D_IN, d_sae, scale=0.5)),
        "b_enc": files.tensor(draw(d_sae, scale=0.3)),
        "W_dec": rows,
        "b_dec": files.tensor(draw(files.D_IN)),
        "mean": files.tensor(draw(files.D_IN)),
        "metadata": {"maker": "test"},
    }
    return found | more


def vector(seed: int, d_sae: int = files.D_SAE, *, scale: float = 0.3) -> torch.Tensor:
    return files.tensor(files.draws(seed)(d_sae, scale=scale))


def every(d_sae: int = files.D_SAE) -> list[SAE]:
    common, rows = weights(d_sae=d_sae), weights(d_sae=d_sae)["W_dec"]
    unit = rows / rows.norm(dim=1, keepdim=True)
    tied = common | {"W_dec": unit, "W_enc": unit.T, "b_enc": torch.zeros(d_sae)}
    bias = {"apply_b_dec_to_input": True}
    ranks = {"1": 6, "2": 4, "3": 3}
    poly = {f"U{i}": files.tensor(files.draws(20 + r)(d_sae, r, scale=0.2)) for i, r in ranks.items()}
    poly |= {f"C{i}": files.tensor(files.draws(30 + r)(files.D_IN, r)) for i, r in ranks.items()}
    poly |= {"lambda2": torch.tensor(-0.5), "lambda3": torch.tensor(0.25), "W_dec": poly["U1"] @ poly["C1"].T}
    level = vector(3, d_sae).abs()
    return [
        Standard(**common),
        JumpReLU(**common, threshold=level),
        BatchTopK(**common, threshold=level, apply_b_dec_to_input=True),
        Matryoshka(**common, threshold=level),
        Gated(**common | {"b_enc": torch.zeros(d_sae)}, b_gate=vector(4, d_sae), b_mag=level, r_mag=vector(5, d_sae)),
        TopK(**common, k=5),
        AbsTopK(**common, k=5, apply_b_dec_to_input=True),
        GroupMax(**common, k=8),
        TopAFA(**common),
        MatchingPursuit(**tied, steps=6, residual_threshold=1e-2, stop_on_duplicate_support=True, **bias),
        ITDA(**tied | {"b_dec": torch.zeros(files.D_IN)}, steps=6),
        PolyTopK(**common | poly, k=5),
        PolyJumpReLU(**common | poly, threshold=level),
    ]


def test_every_architecture_is_here() -> None:
    assert {sae.architecture for sae in every()} == ARCHITECTURES.keys()


@pytest.mark.parametrize("sae", every(), ids=lambda sae: sae.architecture)
def test_saved_and_loaded_it_computes_the_same(sae: SAE, tmp_path: Path) -> None:
    save_sae(sae, tmp_path)
    found, x = load_sae(tmp_path), files.tensor(files.states())
    assert type(found) is type(sae)
    assert found.metadata == {"maker": "test"}
    torch.testing.assert_close(found.encode(x), sae.encode(x), rtol=0, atol=0)
    torch.testing.assert_close(found.decode(found.encode(x)), sae.decode(sae.encode(x)), rtol=0, atol=0)
    torch.testing.assert_close(found.mean, sae.mean, rtol=0, atol=0)


@pytest.mark.parametrize("sae", every(WIDE), ids=lambda sae: sae.architecture)
@pytest.mark.parametrize("cells", [1, 10**9])
def test_in_blocks_of_features_it_computes_the_same(sae: SAE, cells: int) -> None:
    x = files.tensor(files.states()[:20])
    whole = sae.encode(x)
    on = sae.encode_entries(x, cells=cells)
    torch.testing.assert_close(on.dense(len(x), WIDE), whole, rtol=1e-5, atol=1e-6)
    assert torch.equal(on.token * WIDE + on.feature, (on.token * WIDE + on.feature).sort().values)
    assert on.value.all()
    torch.testing.assert_close(sae.decode_entries(on, x), sae.decode(whole, x), rtol=1e-4, atol=1e-4)


def test_wide_ones_never_hold_all_activations_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    whole = SAE.before

    def spy(sae: SAE, x: torch.Tensor, features: slice) -> torch.Tensor:
        before = whole(sae, x, features)
        held.append(before.numel())
        return before

    monkeypatch.setattr(SAE, "before", spy)
    wide = every(9000)
    for sae in (wide[0], wide[5], wide[8]):
        sae.encode_entries(files.tensor(files.states()), cells=50_000)
    assert len(held) > 100
    assert max(held) <= 50_000


@pytest.mark.parametrize("sae", every(), ids=lambda sae: sae.architecture)
def test_nothing_and_leading_dimensions(sae: SAE) -> None:
    x = files.tensor(files.states())
    assert sae.encode(x[:0]).shape == (0, files.D_SAE)
    assert len(sae.encode_entries(x[:0]).value) == 0
    assert torch.equal(sae.encode(x.reshape(2, -1, files.D_IN)), sae.encode(x).reshape(2, -1, files.D_SAE))
    with pytest.raises(EncoderError, match="width 16, but was given width 15"):
        sae.encode(x[:, 1:])
    with pytest.raises(EncoderError, match="width 16, but was given width 15"):
        sae.encode_entries(x[:, 1:])


def test_signs() -> None:
    x = files.tensor(files.states())
    for sae in every():
        below = bool((sae.encode(x) < 0).any())
        assert below == sae.signed == (sae.architecture in ("abstopk", "itda"))


def test_gated_by_hand() -> None:
    sae, x = every()[4], files.states()
    assert isinstance(sae, Gated)
    product = x @ sae.W_enc.double().numpy()
    gate, magnitude, factor = (v.double().numpy() for v in (sae.b_gate, sae.b_mag, sae.r_mag.double().exp()))
    files.same(sae, (product + gate > 0) * files.relu(product * factor + magnitude), x)


def test_groupmax_by_hand() -> None:
    sae, x = every()[7], files.states()
    before = files.relu(x @ sae.W_enc.double().numpy() + sae.b_enc.double().numpy()).reshape(-1, 8, 6)
    expected = np.where(before == before.max(2, keepdims=True), before, 0).reshape(-1, files.D_SAE)
    files.same(sae, expected, x)


def test_matching_pursuit_stops() -> None:
    """As two directions span the states, two rounds leave nothing."""
    rows = torch.eye(files.D_IN)
    common = weights(d_sae=files.D_IN) | {"W_dec": rows, "W_enc": rows, "b_dec": torch.zeros(files.D_IN)}
    common["b_enc"] = torch.zeros(files.D_IN)
    x = torch.zeros(3, files.D_IN)
    x[0, 2], x[0, 5], x[1, 7] = 3.0, 1.0, -2.0
    sae = MatchingPursuit(**common, steps=9, residual_threshold=1e-3, stop_on_duplicate_support=True)
    found = sae.encode(x)
    assert found.nonzero().tolist() == [[0, 2], [0, 5]]  # what points the other way is not taken
    assert torch.equal(ITDA(**common, steps=9).encode(x), x)


def test_top_afa_takes_as_many_as_the_norm_asks_for() -> None:
    rows = torch.eye(files.D_IN)
    common = weights(d_sae=files.D_IN) | {"W_dec": rows, "W_enc": rows, "b_dec": torch.zeros(files.D_IN)}
    sae = TopAFA(**common | {"b_enc": torch.zeros(files.D_IN)})
    x = torch.zeros(2, files.D_IN)
    x[0, :4] = torch.tensor([4.0, 3.0, 2.0, 1.0])
    x[1, :3] = torch.tensor([3.0, 0.5, -4.0])  # a negative part makes the norm larger than any sum: all positive ones
    assert torch.equal(sae.encode(x), x.relu())
    double = TopAFA(**common | {"b_enc": torch.zeros(files.D_IN), "W_dec": rows * 1.5})
    assert (double.encode(x)[0] > 0).sum() == 1  # 6.0 is nearer to 5.48 than 7.5


def test_polynomial_decoder_by_hand() -> None:
    sae, x = every()[-1], files.states()
    assert isinstance(sae, PolyJumpReLU)
    a = sae.encode(files.tensor(x)).double()
    u1, u2, u3, c1, c2, c3 = (getattr(sae, n).double() for n in ("U1", "U2", "U3", "C1", "C2", "C3"))
    expected = sae.b_dec + (a @ u1) @ c1.T - 0.5 * ((a @ u1)[:, :4] * (a @ u2)) @ c2.T
    expected = expected + 0.25 * ((a @ u1)[:, :3] * (a @ u2)[:, :3] * (a @ u3)) @ c3.T
    torch.testing.assert_close(sae.decode(a.float()).double(), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_normalisation(kind: str, tmp_path: Path) -> None:
    sae = TopK(**weights(), k=5, normalisation=kind, scale=0.25, apply_b_dec_to_input=True)
    x = files.states() * 30
    w, b, v, c = (getattr(sae, n).double().numpy() for n in ("W_enc", "b_enc", "W_dec", "b_dec"))
    mean, deviation = x.mean(1, keepdims=True), x.std(1, ddof=1, keepdims=True)
    norm = np.linalg.norm(x, axis=1, keepdims=True) / np.sqrt(files.D_IN)
    shift, divisor, factor = {
        "none": (0, 1, 1),
        "expected_average_only_in": (0, 4, 4),
        "constant_scalar_rescale": (0, 4, 4),
        "constant_norm_rescale": (0, norm, norm),
        "layer_norm": (mean, deviation + 1e-5, deviation),
        "centre": (mean, 1, 1),
    }[kind]
    expected = files.top(files.relu(((x - shift) / divisor - c) @ w + b), 5)
    files.same(sae, expected, x)
    activations = files.tensor(expected)
    rebuilt = (expected @ v + c) * factor + shift
    np.testing.assert_allclose(sae.decode(activations, files.tensor(x)), rebuilt, rtol=1e-4, atol=1e-3)
    save_sae(sae, tmp_path)
    files.same(load_sae(tmp_path), expected, x)
    if kind in ("constant_norm_rescale", "layer_norm", "centre"):  # the scale belongs to each token
        np.testing.assert_allclose(sae.decode(activations), expected @ v + c, rtol=1e-4, atol=1e-4)
    assert not sae.encode(torch.zeros(1, files.D_IN)).isnan().any()


def test_prefix_keeps_what_belongs_to_the_first_features() -> None:
    x = files.tensor(files.states())
    for sae in every():
        if sae.architecture in ("topafa", "groupmax", "matching_pursuit", "itda", "poly_topk", "poly_jumprelu"):
            continue
        first = sae.prefix(10)
        torch.testing.assert_close(first.encode(x), sae.encode(x)[:, :10])
        assert first.d_sae == len(first.W_dec) == 10


def test_moving_takes_every_weight_along() -> None:
    for sae in every():
        moved = sae.to("cpu", torch.float64)
        for field in fields(moved):
            value = getattr(moved, field.name)
            assert not isinstance(value, torch.Tensor) or value.dtype == torch.float64


def test_a_new_architecture_is_one_short_class(tmp_path: Path) -> None:
    try:

        @dataclass(frozen=True, eq=False, kw_only=True)
        class Capped(SAE):
            architecture = "capped"
            vectors = ("cap",)
            cap: torch.Tensor

            def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
                return before.clamp_min(0).minimum(self.cap[features])

        sae, x = Capped(**weights(), cap=vector(9).abs()), files.tensor(files.states())
        save_sae(sae, tmp_path)
        found = load_sae(tmp_path)
        assert type(found) is Capped
        assert torch.equal(found.encode(x), sae.encode(x))
        torch.testing.assert_close(found.encode_entries(x, cells=64).dense(len(x), files.D_SAE), sae.encode(x))
        assert float((sae.encode(x) - sae.cap).max()) <= 0
    finally:
        ARCHITECTURES.pop("capped", None)
