"""A sparse autoencoder for inference: dense activations out of hidden states, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from saedata.errors import EncoderError

if TYPE_CHECKING:
    import torch

Architecture = Literal["standard", "jumprelu"]


@dataclass(frozen=True)
class SAE:
    """A sparse autoencoder with its weights.

    Attributes
    ----------
    architecture
        "standard" (ReLU) or "jumprelu" (zero up to a threshold per feature; Rajamanoharan et al., 2407.14435).
    W_enc, b_enc
        Encoder, [d_in, d_sae] and [d_sae].
    W_dec, b_dec
        Decoder, [d_sae, d_in] and [d_in].
    threshold
        [d_sae]; zeros for "standard".
    mean
        [d_in], mean hidden state of the training text: the baseline of "variance unexplained". Decoder bias where a
        foreign SAE does not tell.
    metadata
        What its maker wrote about it: reader, layer, training options. JSON values only.

    Examples
    --------
    >>> import torch
    >>> sae = SAE.random(d_in=8, d_sae=32, seed=0)
    >>> sae.encode(torch.zeros(3, 8)).shape
    torch.Size([3, 32])
    """

    architecture: Architecture
    W_enc: torch.Tensor
    b_enc: torch.Tensor
    W_dec: torch.Tensor
    b_dec: torch.Tensor
    threshold: torch.Tensor
    mean: torch.Tensor
    metadata: dict[str, Any]

    @property
    def d_in(self) -> int:
        """Width of the hidden states it reads."""
        return int(self.W_enc.shape[0])

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.W_enc.shape[1])

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Feature activations of hidden states.

        Parameters
        ----------
        x
            Hidden states [tokens, d_in]; computed in the precision of the weights.

        Returns
        -------
        torch.Tensor
            [tokens, d_sae], zero where a feature is off.
        """
        if x.shape[-1] != self.d_in:
            msg = f"this SAE reads hidden states of width {self.d_in}, but was given width {x.shape[-1]}"
            raise EncoderError(msg)
        before = (x.to(self.W_enc.dtype) @ self.W_enc).add_(self.b_enc)
        return before.mul_(before > self.threshold)

    def decode(self, activations: torch.Tensor) -> torch.Tensor:
        """Hidden states rebuilt from activations [tokens, d_sae], as [tokens, d_in]."""
        return activations @ self.W_dec + self.b_dec

    def to(self, device: torch.device | str) -> SAE:
        """The same SAE on another device."""
        names = ("W_enc", "b_enc", "W_dec", "b_dec", "threshold", "mean")
        moved: dict[str, Any] = {name: getattr(self, name).to(device) for name in names}
        return replace(self, **moved)

    @classmethod
    def random(cls, *, d_in: int, d_sae: int, seed: int, threshold: float = 0.0) -> SAE:
        """An SAE with random unit directions: the floor that a trained one has to beat, and a stand-in for tests."""
        import torch

        rows = torch.randn(d_sae, d_in, generator=torch.Generator().manual_seed(seed))
        rows /= rows.norm(dim=1, keepdim=True)
        return cls(
            architecture="jumprelu",
            W_enc=rows.T.contiguous(),
            b_enc=torch.zeros(d_sae),
            W_dec=rows,
            b_dec=torch.zeros(d_in),
            threshold=torch.full((d_sae,), threshold),
            mean=torch.zeros(d_in),
            metadata={},
        )
