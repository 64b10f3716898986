"""Signed features as pairs that are not: what is on, what is rebuilt, in any blocks."""

from dataclasses import fields
from typing import Any

import pytest
import torch

from saedata.sae import SAE
from saedata.sae.architectures import ITDA, AbsTopK
from saedata.sae.poles import Poles


def signed(kind: type[SAE], **settings: Any) -> SAE:
    plain = SAE.random(d_in=16, d_sae=24, seed=3)
    same = {f.name: getattr(plain, f.name) for f in fields(plain) if f.name != "threshold"}
    return kind(**same | {"b_dec": torch.linspace(-1, 1, 16)}, **settings)


@pytest.fixture(params=[(AbsTopK, {"k": 5}), (ITDA, {"steps": 4})], ids=["abstopk", "itda"])
def sae(request: pytest.FixtureRequest) -> SAE:
    kind, settings = request.param
    return signed(kind, **settings)


X = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))


def test_the_difference_of_the_poles_is_the_signed_value(sae: SAE) -> None:
    poles = sae.unsigned()
    both = poles.encode(X)
    assert both.shape == (40, 48)
    assert (both >= 0).all()
    assert torch.equal(both[:, :24] - both[:, 24:], sae.encode(X))
    assert not ((both[:, :24] > 0) & (both[:, 24:] > 0)).any()
    assert (both[:, 24:] > 0).any()


def test_it_rebuilds_what_the_signed_one_rebuilds(sae: SAE) -> None:
    poles = sae.unsigned()
    torch.testing.assert_close(poles.decode(poles.encode(X)), sae.decode(sae.encode(X)))
    entries = poles.encode_entries(X, cells=1)
    torch.testing.assert_close(poles.decode_entries(entries, X), sae.decode(sae.encode(X)))
    torch.testing.assert_close(entries.dense(40, 48), poles.encode(X))
    assert ((entries.token * 48 + entries.feature).diff() > 0).all()  # in the order that sparse products need


def test_it_moves_and_shortens_like_any_other() -> None:
    sae = signed(AbsTopK, k=5)
    moved = sae.unsigned().to("cpu", torch.float64)
    assert moved.signed_sae.W_enc.dtype == moved.W_dec.dtype == torch.float64
    assert sae.unsigned().prefix(8).d_sae == 16
    assert sae.unsigned().title == "abstopk, both poles"


def test_what_has_no_sign_stays_as_it_is() -> None:
    plain = SAE.random(d_in=4, d_sae=8, seed=0)
    assert plain.unsigned() is plain
    assert isinstance(signed(AbsTopK, k=2).unsigned(), Poles)
    assert not Poles.signed
