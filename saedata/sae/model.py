"""A sparse autoencoder for inference: feature activations out of hidden states, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from saedata.errors import EncoderError, InputError
from saedata.sae.normalise import Normalisation, scaling
from saedata.sae.sparse import Entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from saedata.sae.architectures import JumpReLU

CELLS = 1 << 21
"""Most activations that are held dense at a time, 4 bytes each."""

_FEATURES_AT_ONCE = 4096  # fewer make the product with the encoder slow

S = TypeVar("S", bound="SAE")


@dataclass(frozen=True, eq=False, kw_only=True)
class SAE(ABC):
    """A sparse autoencoder with its weights: linear in, something sparse, linear out.

    **A new architecture is one short subclass** in `saedata.sae.architectures`: give `architecture` its name, name the
    weights it adds in `vectors` (one number per feature) and `settings` (single numbers), and say in `activate` what
    becomes of the encoder's output. Loading, saving, checks, blocks and devices follow from that::

        @dataclass(frozen=True, eq=False, kw_only=True)
        class JumpReLU(SAE):
            architecture = "jumprelu"
            vectors = ("threshold",)
            threshold: torch.Tensor

            def activate(self, before, features):
                return before * (before > self.threshold[features].clamp_min(0))

    One that compares features with each other derives from `TopK`, and says what is compared and how many are kept.

    Attributes
    ----------
    W_enc, b_enc
        Encoder, [d_in, d_sae] and [d_sae].
    W_dec, b_dec
        Decoder, [d_sae, d_out] and [d_out]; d_out is d_in but for transcoders.
    mean
        [d_in], mean hidden state of the training text: the baseline of "variance unexplained". Decoder bias where a
        foreign SAE does not tell, zeros where its decoder bias is on another scale.
    metadata
        What its maker wrote about it: reader, layer, training options. JSON values only.
    apply_b_dec_to_input
        Whether the decoder's bias is subtracted before encoding.
    normalisation, scale
        What is done to hidden states first; see `saedata.sae.normalise.scaling`.
    transcoder
        Whether it rebuilds the states of another hook than it reads.
    W_skip
        [d_out, d_in]: linear part of a skip transcoder.

    Examples
    --------
    >>> import torch
    >>> sae = SAE.random(d_in=8, d_sae=32, seed=0)
    >>> sae.encode(torch.zeros(3, 8)).shape
    torch.Size([3, 32])
    """

    architecture: ClassVar[str] = ""
    signed: ClassVar[bool] = False
    """Whether activations below zero mean something: then a feature is on where |value| exceeds the threshold."""
    vectors: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    tensors: ClassVar[tuple[str, ...]] = ()
    """Further weights of shapes of their own, checked by `problem`."""

    W_enc: torch.Tensor
    b_enc: torch.Tensor
    W_dec: torch.Tensor
    b_dec: torch.Tensor
    mean: torch.Tensor
    metadata: dict[str, Any]
    apply_b_dec_to_input: bool = False
    normalisation: Normalisation = "none"
    scale: float = 1.0
    transcoder: bool = False
    W_skip: torch.Tensor | None = None

    def __init_subclass__(cls) -> None:
        if "architecture" in vars(cls):
            ARCHITECTURES[cls.architecture] = cls

    @property
    def d_in(self) -> int:
        """Width of the hidden states it reads."""
        return int(self.W_enc.shape[0])

    @property
    def d_out(self) -> int:
        """Width of what it rebuilds."""
        return int(self.W_dec.shape[1])

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.W_dec.shape[0])

    @property
    def title(self) -> str:
        """Its architecture, for people."""
        return self.architecture

    @property
    def granule(self) -> int:
        """Features that must be computed together."""
        return 1

    def problem(self) -> str | None:
        """What does not fit in settings and `tensors`, in words; None if nothing."""
        return None

    @abstractmethod
    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Activations of a block of features from the encoder's output [tokens, features], which may be overwritten."""

    def before(self, x: torch.Tensor, features: slice = slice(None)) -> torch.Tensor:
        """The encoder's output [tokens, features] for what `inputs` gave."""
        return (x @ self.W_enc[:, features]).add_(self.b_enc[features])

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Hidden states [tokens, d_in] as the encoder wants them."""
        x = self._checked(x)
        found = scaling(self.normalisation, x, self.scale)
        x = found.into(x) if found else x
        return x - self.b_dec if self.apply_b_dec_to_input else x

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Feature activations of hidden states, all of them; `encode_entries` holds only those that are on.

        Parameters
        ----------
        x
            Hidden states [tokens, d_in]; computed in the precision of the weights.

        Returns
        -------
        torch.Tensor
            [tokens, d_sae], zero where a feature is off.
        """
        flat = self.inputs(x).reshape(-1, self.d_in)
        return self._dense(flat).reshape(*x.shape[:-1], self.d_sae)

    def encode_entries(self, x: torch.Tensor, *, cells: int = CELLS) -> Entries:
        """What is on, and nothing else.

        Parameters
        ----------
        x
            Hidden states [tokens, d_in].
        cells
            Most activations held dense at a time: tokens and, in a wide SAE, features are taken in blocks of that
            size. The result does not depend on it beyond rounding.
        """
        features = max(cells // max(len(x), 1), _FEATURES_AT_ONCE)
        features = min(-(-features // self.granule) * self.granule, self.W_enc.shape[1])
        step = max(cells // features, 1)
        starts = range(0, max(len(x), 1), step)
        return Entries.joined(
            [self._entries(self.inputs(x[at : at + step]), features).shifted(tokens=at) for at in starts]
        )

    def decode(self, activations: torch.Tensor, x: torch.Tensor | None = None) -> torch.Tensor:
        """Hidden states rebuilt from activations.

        Parameters
        ----------
        activations
            [tokens, d_sae].
        x
            The hidden states they come from. Needed for the scale where the SAE normalises each token, and for the
            skip connection of a transcoder; without it those are left out.

        Returns
        -------
        torch.Tensor
            [tokens, d_out]: hidden states of the same hook, or of the output hook of a transcoder.
        """
        return self._finished(self.combine(lambda matrix: activations @ matrix), x)

    def decode_entries(self, entries: Entries, x: torch.Tensor) -> torch.Tensor:
        """The same from what `encode_entries` gave for hidden states `x`."""
        sparse = entries.matrix(len(x), self.d_sae)
        return self._finished(self.combine(lambda matrix: sparse @ matrix), x)

    def combine(self, times: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """The decoder, given the product of the activations with a matrix [d_sae, ...]."""
        return times(self.W_dec) + self.b_dec

    def prefix(self: S, features: int) -> S:
        """The SAE of the first features alone, as Matryoshka SAEs are trained to be used (2503.17547)."""
        self._check_prefix(features)
        kept: dict[str, Any] = {name: getattr(self, name)[:features] for name in ("b_enc", "W_dec", *self.vectors)}
        return replace(self, W_enc=self.W_enc[:, :features], **kept)

    def to(self: S, device: torch.device | str, dtype: torch.dtype | None = None) -> S:
        """The same SAE on another device, and in another precision if wanted."""
        import torch

        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {k: v.to(device, dtype) for k, v in values.items() if isinstance(v, torch.Tensor)}
        return replace(self, **moved)

    def unsigned(self) -> SAE:
        """The same SAE with two features for each signed one, none of them negative; see `saedata.sae.poles`."""
        if not self.signed:
            return self
        from saedata.sae.poles import Poles

        return Poles.of(self)

    @classmethod
    def random(cls, *, d_in: int, d_sae: int, seed: int, threshold: float = 0.0) -> JumpReLU:
        """An SAE with random unit directions: the floor that a trained one has to beat, and a stand-in for tests."""
        import torch

        from saedata.sae.architectures import JumpReLU

        rows = torch.randn(d_sae, d_in, generator=torch.Generator().manual_seed(seed))
        rows /= rows.norm(dim=1, keepdim=True)
        return JumpReLU(
            W_enc=rows.T.contiguous(),
            b_enc=torch.zeros(d_sae),
            W_dec=rows,
            b_dec=torch.zeros(d_in),
            threshold=torch.full((d_sae,), threshold),
            mean=torch.zeros(d_in),
            metadata={},
        )

    def _check_prefix(self, features: int) -> None:
        if not 1 <= features <= self.d_sae:
            msg = f"prefix is {features}; this SAE has {self.d_sae} features"
            raise InputError(msg)

    def _checked(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != self.d_in:
            msg = f"this SAE reads hidden states of width {self.d_in}, but was given width {x.shape[-1]}"
            raise EncoderError(msg)
        return x.to(self.W_enc.dtype)

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        return self.activate(self.before(x), slice(None))

    def _blocks(self, size: int) -> Iterator[slice]:
        width = int(self.W_enc.shape[1])
        return (slice(at, min(at + size, width)) for at in range(0, width, size))

    def _entries(self, x: torch.Tensor, size: int) -> Entries:
        """What is on for tokens that `inputs` prepared, in blocks of `size` features."""
        parts = []
        for features in self._blocks(size):
            dense = self.activate(self.before(x, features), features)
            token, feature = dense.nonzero(as_tuple=True)
            parts.append(Entries(token, feature + features.start, dense[token, feature]))
        return parts[0] if len(parts) == 1 else Entries.joined(parts).ordered()

    def _finished(self, rebuilt: torch.Tensor, x: torch.Tensor | None) -> torch.Tensor:
        """Undo the normalisation, add the skip connection."""
        if self.transcoder:
            return rebuilt if self.W_skip is None or x is None else rebuilt + self._checked(x) @ self.W_skip.T
        per_token = self.normalisation in ("layer_norm", "constant_norm_rescale", "centre")
        if per_token and x is None:
            return rebuilt
        found = scaling(self.normalisation, rebuilt if x is None else self._checked(x), self.scale)
        return found.out_of(rebuilt) if found else rebuilt


ARCHITECTURES: dict[str, type[SAE]] = {}
"""Every architecture by name; subclasses of `SAE` enter themselves."""
