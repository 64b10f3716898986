"""Train a BatchTopK SAE (Bussmann et al., 2412.06410) on hidden states, on two cores or on a GPU.

Only about `l0` of the features are on for a token, so decoder, its gradient and the encoder's gradient are sparse
products; the dense work left is one encoder product and one back-projection. Gradients are written out for that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.errors import InputError
from saedata.reader import cpu_has_bfloat16
from saedata.sae.architectures import JumpReLU
from saedata.sae.model import SAE
from saedata.sae.sparse import csr, row_starts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

_CALIBRATION_TOKENS = 200_000
_CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class TrainOptions:
    """Options of a training run, stored with the SAE.

    Attributes
    ----------
    features
        Width of the SAE.
    l0
        Mean number of features on per token, while training and at inference.
    steps, batch
        Updates, and tokens in each.
    learning_rate
        Peak of Adam's rate: linear warm-up over 500 steps, linear decay to zero over the last third.
    dead_after
        A feature that was off for so many tokens is dead and gets the auxiliary loss (Gao et al., 2406.04093).
    aux_weight
        Weight of that loss.
    seed
        Of initial weights and token order.
    """

    features: int = 4096
    l0: int = 24
    steps: int = 4000
    batch: int = 4096
    learning_rate: float = 8e-4
    dead_after: int = 500_000
    aux_weight: float = 1 / 32
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("features", "l0", "steps", "batch"):
            if getattr(self, name) < 1:
                msg = f"{name} must be at least 1, but is {getattr(self, name)}"
                raise InputError(msg)
        if self.l0 > self.features:
            msg = f"l0 ({self.l0}) cannot exceed the number of features ({self.features})"
            raise InputError(msg)


def train_sae(
    activations: NDArray[np.float16],
    options: TrainOptions,
    *,
    device: str | torch.device = "cpu",
    checkpoint: Path | None = None,
    checkpoint_every: int = 500,
    progress: Callable[[int, float], None] = lambda _step, _loss: None,
) -> SAE:
    """Train on hidden states [tokens, d_in]; the same seed gives the same SAE.

    Parameters
    ----------
    activations
        In memory or mapped from disk; read in random order.
    options
        See `TrainOptions`.
    device
        Where to train.
    checkpoint
        Folder for a checkpoint every `checkpoint_every` steps; an interrupted run goes on from there.
    progress
        Called after each step with its number and the share of variance unexplained in its batch.

    Returns
    -------
    SAE
        JumpReLU with one threshold for all features, set so that `l0` of them are on per token, and with the
        normalisation of the input folded into its weights.
    """
    run = _Run(activations, options, device)
    if checkpoint:
        run.restore(checkpoint)
    for step in range(run.step, options.steps):
        progress(step + 1, run.update())
        if checkpoint and run.step % checkpoint_every == 0:
            run.save(checkpoint)
    return run.finished()


class _Run:
    """State of a run: weights, optimizer, and when each feature was last on."""

    def __init__(self, activations: NDArray[np.float16], options: TrainOptions, device: str | torch.device) -> None:
        import torch

        self.options, self.device, self.step = options, torch.device(device), 0
        self._source = activations
        self._mean, self._scale = self._normalisation()
        d_in = activations.shape[1]
        start = SAE.random(d_in=d_in, d_sae=options.features, seed=options.seed)
        self.W_dec = start.W_dec.to(self.device).contiguous()
        self.W_enc = self.W_dec.T.contiguous()
        self.b_enc = torch.zeros(options.features, device=self.device)
        self.b_dec = torch.zeros(d_in, device=self.device)
        self._optimizer = torch.optim.Adam(self._parameters, lr=options.learning_rate, betas=(0.9, 0.999))
        self._off_for = torch.zeros(options.features, dtype=torch.long, device=self.device)
        self._least = torch.zeros((), device=self.device)  # smallest activation kept by the last step
        self._low_precision = self.device.type != "cpu" or cpu_has_bfloat16()

    @property
    def _parameters(self) -> list[torch.Tensor]:
        return [self.W_enc, self.b_enc, self.W_dec, self.b_dec]

    def _normalisation(self) -> tuple[torch.Tensor, float]:
        """Mean of the hidden states, and the factor that gives them a mean square of 1 per dimension."""
        import torch

        rows = np.linspace(0, len(self._source) - 1, min(len(self._source), _CALIBRATION_TOKENS)).astype(np.int64)
        sample = torch.from_numpy(np.asarray(self._source[rows], dtype=np.float32))
        mean = sample.mean(0)
        scale = float((sample - mean).square().mean().rsqrt())
        return mean.to(self.device), scale

    def _rows(self, step: int) -> torch.Tensor:
        """Batch of a step: every token once in each pass, in an order that depends on seed and pass only."""
        size, tokens = self.options.batch, len(self._source)
        per_pass = max(tokens // size, 1)
        epoch, at = divmod(step, per_pass)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self.options.seed, epoch]).permutation(tokens)
        return self._normalised(np.sort(self._order[at * size : (at + 1) * size]))

    def _normalised(self, rows: NDArray[np.int64]) -> torch.Tensor:
        import torch

        x = torch.from_numpy(np.asarray(self._source[rows], dtype=np.float32)).to(self.device)
        return (x - self._mean) * self._scale

    def _product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        import torch

        if not self._low_precision:
            return a @ b
        return (a.to(torch.bfloat16) @ b.to(torch.bfloat16)).float()

    def update(self) -> float:
        """One step; returns the share of the batch's variance that was unexplained."""
        import torch

        x = self._rows(self.step)
        before = self._product(x, self.W_enc) + self.b_enc
        token, feature, value = self._select(before)
        on = _Sparse(token, feature, len(x), self.options.features)
        error = on.matrix(value) @ self.W_dec + self.b_dec - x
        slope = error * (2 / len(x))
        inner = self._product(slope, self.W_dec.T)[token, feature]
        self.W_dec.grad = on.transposed(value) @ slope
        self.W_enc.grad = (on.transposed(inner) @ x).T.contiguous()
        self.b_enc.grad = torch.zeros_like(self.b_enc).index_add_(0, feature, inner)
        self.b_dec.grad = slope.sum(0)
        self._off_for += len(x)
        self._off_for[feature] = 0
        self._revive(x, before, error)
        self._descend()
        self.step += 1
        return float(error.square().sum() / x.square().sum())

    def _select(self, before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Largest `l0 * tokens` positive activations of the whole batch: (token, feature, value)."""
        wanted = self.options.l0 * len(before)
        for bound in (0.8 * float(self._least), 0.0):  # the last step's bound spares sorting the whole batch
            token, feature = (before > bound).nonzero(as_tuple=True)
            if len(token) >= wanted:
                break
        value = before[token, feature]
        if len(value) > wanted:
            value, kept = value.topk(wanted, sorted=False)
            kept, order = kept.sort()
            token, feature, value = token[kept], feature[kept], value[order]
        self._least = value.min() if len(value) else before.new_zeros(())
        return token, feature, value

    def _revive(self, x: torch.Tensor, before: torch.Tensor, error: torch.Tensor) -> None:
        """Add the gradient of the auxiliary loss: dead features rebuild what the others left over."""
        import torch

        dead = (self._off_for > self.options.dead_after).nonzero().squeeze(1)
        if not len(dead):
            return
        value, index = before[:, dead].relu().topk(min(2 * self.options.l0, len(dead)), dim=1)
        weights = torch.zeros(len(x), len(dead), device=self.device).scatter_(1, index, value)
        rows = self.W_dec[dead]
        miss = weights @ rows + error
        share = self.options.aux_weight * x.square().sum() / error.square().sum().clamp_min(1e-9)
        slope = miss * (2 * share / len(x))
        inner = (slope @ rows.T) * (weights > 0)
        self.W_dec.grad.index_add_(0, dead, weights.T @ slope)  # type: ignore[union-attr]
        self.W_enc.grad.index_add_(1, dead, x.T @ inner)  # type: ignore[union-attr]
        self.b_enc.grad.index_add_(0, dead, inner.sum(0))  # type: ignore[union-attr]

    def _descend(self) -> None:
        """Adam step at the schedule's rate, decoder rows kept at unit length."""
        options = self.options
        warm_up, decay = min(500, options.steps // 10 + 1), max(options.steps // 3, 1)
        factor = min((self.step + 1) / warm_up, (options.steps - self.step) / decay, 1.0)
        for group in self._optimizer.param_groups:
            group["lr"] = options.learning_rate * factor
        grad = self.W_dec.grad
        assert grad is not None
        grad -= (grad * self.W_dec).sum(1, keepdim=True) * self.W_dec
        self._optimizer.step()
        self.W_dec /= self.W_dec.norm(dim=1, keepdim=True)

    def finished(self) -> SAE:
        """Inference weights: normalisation folded in, activations in units of the hidden state."""
        bias = self.b_enc / self._scale - self._mean @ self.W_enc
        threshold = self._threshold() / self._scale
        return JumpReLU(
            W_enc=self.W_enc.clone(),
            b_enc=bias,
            W_dec=self.W_dec.clone(),
            b_dec=self._mean + self.b_dec / self._scale,
            threshold=bias.new_full(bias.shape, threshold),
            mean=self._mean,
            metadata={"training": asdict(self.options) | {"tokens": len(self._source)}},
        )

    def _threshold(self) -> float:
        """Value above which `l0` features per token are on, over a sample of the training tokens."""
        import torch

        size = min(_CALIBRATION_TOKENS, len(self._source))
        rows = np.sort(np.random.default_rng(self.options.seed).choice(len(self._source), size, replace=False))
        low, kept = 0.5 * float(self._least), []
        for part in np.array_split(rows, max(size // 4096, 1)):
            before = self._normalised(part) @ self.W_enc + self.b_enc
            kept.append(before[before > low])
        values = torch.cat(kept)
        wanted = min(self.options.l0 * size, len(values))
        return float(values.kthvalue(len(values) - wanted + 1).values) if wanted else low

    def save(self, folder: Path) -> None:
        """Write a checkpoint; the old one stands until the new one is whole."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        names = ("W_enc", "b_enc", "W_dec", "b_dec")
        tensors = dict(zip(names, self._parameters, strict=True))
        for name, state in zip(names, self._optimizer.state.values(), strict=True):
            tensors |= {f"{name}.{key}": value for key, value in state.items()}
        tensors |= {"off_for": self._off_for, "least": self._least}
        partial = folder / (_CHECKPOINT + ".partial")
        save_file(
            {k: v.contiguous() for k, v in tensors.items()},
            partial,
            metadata={"step": str(self.step), "options": repr(self.options)},
        )
        partial.replace(folder / _CHECKPOINT)

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint of the same options, if there is one."""
        from safetensors import safe_open

        if not (folder / _CHECKPOINT).exists():
            return
        with safe_open(folder / _CHECKPOINT, "pt", device=str(self.device)) as file:
            about: dict[str, Any] = file.metadata()
            if about["options"] != repr(self.options):
                msg = f"{folder} holds a checkpoint of a run with other options; remove it or choose another --out"
                raise InputError(msg)
            self.step = int(about["step"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        for name, parameter in zip(("W_enc", "b_enc", "W_dec", "b_dec"), self._parameters, strict=True):
            parameter.copy_(tensors[name])
            keys = ("step", "exp_avg", "exp_avg_sq")
            self._optimizer.state[parameter] = {key: tensors[f"{name}.{key}"] for key in keys}
        self._off_for, self._least = tensors["off_for"], tensors["least"]


class _Sparse:
    """Pattern of the features on in a batch, as a CSR matrix and as its transpose."""

    def __init__(self, token: torch.Tensor, feature: torch.Tensor, tokens: int, features: int) -> None:
        self._shape = (tokens, features)
        self._rows, self._columns = row_starts(token, tokens), feature
        self._order = feature.argsort(stable=True)
        self._t_rows, self._t_columns = row_starts(feature, features), token[self._order]

    def matrix(self, values: torch.Tensor) -> torch.Tensor:
        return csr(self._rows, self._columns, values, self._shape)

    def transposed(self, values: torch.Tensor) -> torch.Tensor:
        return csr(self._t_rows, self._t_columns, values[self._order], self._shape[::-1])
