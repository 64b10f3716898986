"""The architectures: what each makes of the encoder's output. See `SAE` for how to add one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from saedata.errors import InputError
from saedata.sae.model import SAE
from saedata.sae.sparse import Entries

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

K = TypeVar("K", bound="TopK")


@dataclass(frozen=True, eq=False, kw_only=True)
class Standard(SAE):
    """ReLU (Bricken et al., 2023; also what p-annealing leaves, 2408.00113)."""

    architecture = "standard"

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Positive part."""
        return before.relu_()


@dataclass(frozen=True, eq=False, kw_only=True)
class JumpReLU(SAE):
    """Zero up to a threshold per feature, the value itself above (Rajamanoharan et al., 2407.14435).

    Attributes
    ----------
    threshold
        [d_sae]; below zero it acts as zero.
    """

    architecture = "jumprelu"
    vectors = ("threshold",)
    threshold: torch.Tensor

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """What exceeds the threshold."""
        return before.mul_(before > self.threshold[features].clamp_min(0))


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchTopK(JumpReLU):
    """Trained to keep k features per token on average; used with a threshold (Bussmann et al., 2412.06410)."""

    architecture = "batchtopk"


@dataclass(frozen=True, eq=False, kw_only=True)
class Matryoshka(BatchTopK):
    """BatchTopK whose first features are an SAE of their own (Bussmann et al., 2503.17547); see `prefix`."""

    architecture = "matryoshka_batchtopk"


@dataclass(frozen=True, eq=False, kw_only=True)
class Gated(SAE):
    """One bias says whether a feature is on, another how strongly (Rajamanoharan et al., 2404.16014).

    Attributes
    ----------
    b_gate, b_mag, r_mag
        [d_sae]: bias of the gate, bias of the magnitude, logarithm of the magnitude's factor.
    """

    architecture = "gated"
    vectors = ("b_gate", "b_mag", "r_mag")
    b_gate: torch.Tensor
    b_mag: torch.Tensor
    r_mag: torch.Tensor

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Positive magnitudes where the gate is open."""
        magnitude = (before * self.r_mag[features].exp()).add_(self.b_mag[features]).relu_()
        return magnitude.mul_(before + self.b_gate[features] > 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupMax(SAE):
    """Of every group of neighbouring features the largest, where positive.

    Attributes
    ----------
    k
        Number of groups.
    """

    architecture = "groupmax"
    settings = ("k",)
    k: int

    @property
    def granule(self) -> int:
        """Features of a group."""
        return int(self.W_enc.shape[1]) // self.k

    def problem(self) -> str | None:
        """Groups must be equal."""
        return f"{self.d_sae} features do not divide into {self.k} groups" if self.d_sae % self.k else None

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Largest of each group."""
        groups = before.relu_().reshape(len(before), before.shape[1] // self.granule, self.granule)
        value, place = groups.max(dim=-1, keepdim=True)
        kept: torch.Tensor = groups.new_zeros(groups.shape).scatter_(-1, place, value).flatten(-2)
        return kept

    def prefix(self, features: int) -> GroupMax:
        """Refused."""
        raise InputError(_no_prefix(self))


class _Best(NamedTuple):
    """Best features of each token so far, best first; all [tokens, kept]."""

    score: torch.Tensor
    value: torch.Tensor
    feature: torch.Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class TopK(SAE):
    """The k largest positive values of each token (Gao et al., 2406.04093).

    Attributes
    ----------
    k
        Most features on per token.
    """

    architecture = "topk"
    settings: ClassVar[tuple[str, ...]] = ("k",)
    k: int

    def problem(self) -> str | None:
        """There must be k features."""
        width = int(self.W_enc.shape[1])
        return None if 1 <= self.k <= width else f"k is {self.k}, but there are {width} features"

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Values that can be kept."""
        return before.relu_()

    def score(self, value: torch.Tensor, features: slice) -> torch.Tensor:
        """What is compared; the largest are kept."""
        return value

    def narrow(self, best: _Best, x: torch.Tensor, *, last: bool) -> _Best:
        """Of some candidates those that can still be kept; when `last`, those that are."""
        score, place = best.score.topk(min(self.k, best.score.shape[1]), dim=1)
        return _Best(score, best.value.gather(1, place), best.feature.gather(1, place))

    def prefix(self: K, features: int) -> K:
        """The first features, chosen among all, as in training."""
        self._check_prefix(features)
        return replace(self, W_dec=self.W_dec[:features])

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        return self._entries(x, int(self.W_enc.shape[1])).dense(len(x), self.d_sae)

    def _entries(self, x: torch.Tensor, size: int) -> Entries:
        import torch

        best, width = None, int(self.W_enc.shape[1])
        for features in self._blocks(size):
            value = self.activate(self.before(x, features), features)
            feature = torch.arange(features.start, features.stop, device=x.device).expand_as(value)
            found = _Best(self.score(value, features), value, feature)
            if best is not None:
                found = _Best(*(torch.cat(columns, dim=1) for columns in zip(best, found, strict=True)))
            best = self.narrow(found, x, last=features.stop == width)
        assert best is not None
        feature, order = best.feature.sort(dim=1)
        value = best.value.gather(1, order)
        token, place = ((value != 0) & (feature < self.d_sae)).nonzero(as_tuple=True)
        return Entries(token, feature[token, place], value[token, place])


@dataclass(frozen=True, eq=False, kw_only=True)
class AbsTopK(TopK):
    """The k values of largest magnitude, with their sign: one feature, two opposite concepts (2510.00404)."""

    architecture = "abstopk"
    signed = True

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Every value can be kept."""
        return before

    def score(self, value: torch.Tensor, features: slice) -> torch.Tensor:
        """Magnitude."""
        return value.abs()


@dataclass(frozen=True, eq=False, kw_only=True)
class TopAFA(TopK):
    """As many of the largest as bring the norm of the sum nearest to that of the input (2503.24277): no k to choose.

    Compared is (activation times decoder norm) squared. With the sums c_1 <= c_2 <= ... of the largest 1, 2, ...,
    that k is taken whose root of c_k is nearest to |x - b_dec|, the first of equals.
    """

    architecture = "topafa"
    settings = ()
    k: int = 0

    def problem(self) -> str | None:
        """Nothing to check."""
        return None

    def score(self, value: torch.Tensor, features: slice) -> torch.Tensor:
        """Squared norm of a feature's part of the sum, were the features orthogonal."""
        length: torch.Tensor = self.W_dec[features].norm(dim=1)
        return (value * length).square()

    def narrow(self, best: _Best, x: torch.Tensor, *, last: bool) -> _Best:
        """Candidates up to the first that reaches the norm: later ones cannot count, whatever comes."""
        import torch

        score, order = best.score.sort(dim=1, descending=True)
        total, wanted = score.cumsum(dim=1).sqrt(), x.norm(dim=1, keepdim=True)
        kept = (total - wanted).abs().argmin(dim=1) if last else (total < wanted).sum(dim=1)
        most = min(int(kept.max()) + 1, score.shape[1]) if len(x) else 0
        within = torch.arange(most, device=x.device) <= kept[:, None]
        order = order[:, :most]
        return _Best(score[:, :most] * within, best.value.gather(1, order) * within, best.feature.gather(1, order))

    def prefix(self: K, features: int) -> K:
        """Refused."""
        raise InputError(_no_prefix(self))


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchingPursuit(SAE):
    """Takes the feature nearest to what is left, subtracts its part, and goes on (2506.03093).

    The encoder is the decoder turned round; `b_dec` is subtracted first and added in the end.

    Attributes
    ----------
    steps
        Most rounds.
    residual_threshold
        A token is done when the norm of what is left is below it.
    stop_on_duplicate_support
        Whether a token is done when a round adds no new feature.
    """

    architecture = "matching_pursuit"
    settings = ("steps", "residual_threshold", "stop_on_duplicate_support")
    steps: int
    residual_threshold: float = 0.0
    stop_on_duplicate_support: bool = False

    def problem(self) -> str | None:
        """There must be a round."""
        return None if self.steps >= 1 else f"{self.steps} rounds of matching pursuit"

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Correlations that can be taken."""
        return before.relu_()

    def prefix(self, features: int) -> MatchingPursuit:
        """Refused."""
        raise InputError(_no_prefix(self))

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        return self._entries(x, int(self.W_enc.shape[1])).dense(len(x), self.d_sae)

    def _entries(self, x: torch.Tensor, size: int) -> Entries:
        import torch

        left, steps = x.clone(), []
        going = torch.ones(len(x), dtype=torch.bool, device=x.device)
        taken = torch.full((len(x), self.steps), -1, dtype=torch.long, device=x.device)
        for step in range(self.steps):
            feature, value = self._nearest(left, size)
            value = value * going
            left -= value[:, None] * self.W_dec[feature]
            steps.append((feature, value))
            if self.stop_on_duplicate_support:
                going &= (value != 0) & (taken != feature[:, None]).all(dim=1)
                taken[:, step] = feature
            if self.residual_threshold > 0:
                going &= left.norm(dim=1) >= self.residual_threshold
            if not bool(going.any()):
                break
        features, values = (torch.stack(column, dim=1) for column in zip(*steps, strict=True))
        return _summed(features, values, self.d_sae)

    def _nearest(self, left: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Feature of largest correlation with what is left, the first of equals, and that correlation."""
        import torch

        best = torch.full((len(left),), -1.0, device=left.device, dtype=left.dtype)
        value, feature = torch.zeros_like(best), torch.zeros(len(left), dtype=torch.long, device=left.device)
        for features in self._blocks(size):
            found = self.activate(left @ self.W_dec[features].T, features)
            score, place = found.abs().max(dim=1)
            better = score > best
            best = torch.where(better, score, best)
            value = torch.where(better, found.gather(1, place[:, None])[:, 0], value)
            feature = torch.where(better, place + features.start, feature)
        return feature, value


@dataclass(frozen=True, eq=False, kw_only=True)
class ITDA(MatchingPursuit):
    """Matching pursuit over hidden states that were met, `steps` rounds, coefficients of either sign (2505.17769)."""

    architecture = "itda"
    signed = True

    def activate(self, before: torch.Tensor, features: slice) -> torch.Tensor:
        """Correlations of either sign."""
        return before


@dataclass(frozen=True, eq=False, kw_only=True)
class _Polynomial(SAE):
    """A decoder with products of features: y = b + z1 C1' + l2 (z1 z2) C2' + l3 (z1 z2 z3) C3', zi = a Ui (2602.01322).

    The encoder is an ordinary one. `W_dec` is the linear part, U1 C1'.

    Attributes
    ----------
    U1, U2, U3
        [d_sae, rank], ranks falling.
    C1, C2, C3
        [d_out, rank].
    lambda2, lambda3
        Weights of the quadratic and the cubic term, each [].
    """

    tensors = ("U1", "U2", "U3", "C1", "C2", "C3", "lambda2", "lambda3")
    U1: torch.Tensor
    U2: torch.Tensor
    U3: torch.Tensor
    C1: torch.Tensor
    C2: torch.Tensor
    C3: torch.Tensor
    lambda2: torch.Tensor
    lambda3: torch.Tensor

    def problem(self) -> str | None:
        """Ranks must fit."""
        ranks = [int(u.shape[-1]) for u in (self.U1, self.U2, self.U3)]
        fits = all(tuple(u.shape) == (self.d_sae, r) for u, r in zip((self.U1, self.U2, self.U3), ranks, strict=True))
        fits &= all(tuple(c.shape) == (self.d_out, r) for c, r in zip((self.C1, self.C2, self.C3), ranks, strict=True))
        fits &= ranks == sorted(ranks, reverse=True) and self.lambda2.numel() == self.lambda3.numel() == 1
        return super().problem() if fits else "the polynomial decoder's U and C do not fit together"

    def combine(self, times: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """The three terms."""
        z1, z2, z3 = times(self.U1), times(self.U2), times(self.U3)
        two, three = z2.shape[1], z3.shape[1]
        quadratic = (z1[:, :two] * z2) @ self.C2.T
        cubic = (z1[:, :three] * z2[:, :three] * z3) @ self.C3.T
        return self.b_dec + z1 @ self.C1.T + self.lambda2 * quadratic + self.lambda3 * cubic

    def prefix(self, features: int) -> _Polynomial:
        """Refused."""
        raise InputError(_no_prefix(self))


@dataclass(frozen=True, eq=False, kw_only=True)
class PolyTopK(_Polynomial, TopK):
    """PolySAE with a TopK encoder."""

    architecture = "poly_topk"

    def prefix(self, features: int) -> PolyTopK:
        """Refused."""
        raise InputError(_no_prefix(self))


@dataclass(frozen=True, eq=False, kw_only=True)
class PolyJumpReLU(_Polynomial, JumpReLU):
    """PolySAE with a JumpReLU encoder; also what its BatchTopK and Matryoshka variants are at inference."""

    architecture = "poly_jumprelu"


def _no_prefix(sae: SAE) -> str:
    return f"an SAE of architecture {sae.architecture!r} is not made to be used by its first features alone"


def _summed(features: torch.Tensor, values: torch.Tensor, width: int) -> Entries:
    """Entries of [tokens, steps] choices; what was chosen twice is added up."""
    import torch

    token = torch.arange(len(features), device=features.device)[:, None].expand_as(features)
    cell, place = torch.unique((token * width + features).flatten(), return_inverse=True)
    value = values.new_zeros(len(cell)).index_add_(0, place, values.flatten())
    on = value != 0
    return Entries(cell[on] // width, cell[on] % width, value[on])
