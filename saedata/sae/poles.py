"""Signed features as pairs that are not: one for each pole.

An activation below zero says the opposite of one above it (AbsTopK, 2510.00404: one feature, two opposite concepts), so
that "on" would mean two things. Here feature i stands for the positive pole of signed feature i, and feature d + i, of
d signed ones, for its negative pole, on with the magnitude. Nothing is lost: the two are never on together at a token,
their difference is the signed value, and a document's maxima over its tokens keep both poles where the largest
magnitude would keep one. Everything that counts, compares or shows features works as for any other SAE.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from saedata.sae.model import SAE
from saedata.sae.sparse import Entries

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False, kw_only=True)
class Poles(SAE):
    """A signed SAE, seen as one of twice as many features that are never negative.

    `W_dec` has the rows of the signed SAE and then their opposites; the encoder's weights are those of the signed one.

    Attributes
    ----------
    signed_sae
        The SAE itself.

    Examples
    --------
    >>> import torch
    >>> from saedata.sae.architectures import AbsTopK
    >>> eye, none = torch.eye(2), torch.zeros(2)
    >>> signed = AbsTopK(W_enc=eye, b_enc=none, W_dec=eye, b_dec=none, mean=none, metadata={}, k=1)
    >>> signed.encode(torch.tensor([[1.0, -3.0]])).tolist()
    [[0.0, -3.0]]
    >>> signed.unsigned().encode(torch.tensor([[1.0, -3.0]])).tolist()
    [[0.0, 0.0, 0.0, 3.0]]
    """

    signed_sae: SAE

    @classmethod
    def of(cls, sae: SAE) -> Poles:
        """Both poles of every feature of a signed SAE."""
        import torch

        same: dict[str, Any] = {field.name: getattr(sae, field.name) for field in fields(SAE)}
        return cls(**same | {"W_dec": torch.cat([sae.W_dec, -sae.W_dec]), "signed_sae": sae})

    @property
    def title(self) -> str:
        """The architecture of the signed SAE, for people."""
        return f"{self.signed_sae.architecture}, both poles"

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Both poles of a block of signed features, side by side."""
        return _both(self.signed_sae.activate(before, features))

    def prefix(self, features: int) -> Poles:
        """Both poles of the first signed features."""
        return self.of(self.signed_sae.prefix(features))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Poles:
        """The same on another device, and in another precision if wanted."""
        return self.of(self.signed_sae.to(device, dtype))

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        return _both(self.signed_sae._dense(x))

    def _entries(self, x: torch.Tensor, size: int) -> Entries:
        found = self.signed_sae._entries(x, size)
        feature = found.feature + self.signed_sae.d_sae * (found.value < 0)
        order = (found.token * self.d_sae + feature).argsort()
        return Entries(found.token[order], feature[order], found.value.abs()[order])


def _both(value: torch.Tensor) -> torch.Tensor:
    """What is above zero, and beside it what is below, sign removed."""
    import torch

    positive = value.relu()
    return torch.cat([positive, positive - value], dim=-1)  # of -value the relu may be -0.0
