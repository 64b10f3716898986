"""How well an SAE rebuilds hidden states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saedata.errors import CorpusError
from saedata.reader import batches
from saedata.reader.batches import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from saedata.reader import Document, Reader
    from saedata.reader.hooks import Tap
    from saedata.sae.model import SAE

TOKENS = 1024
"""Most tokens that are read."""


@dataclass(frozen=True)
class Fit:
    """How well an SAE rebuilds some hidden states.

    Attributes
    ----------
    variance_unexplained
        sum |x - x^|^2 / sum |x - mean|^2.
    norm_ratio
        Mean |x^ - b| / |x - b|, where b is what the SAE rebuilds from no feature at all.
    l0
        Mean number of features on per token.
    """

    variance_unexplained: float
    norm_ratio: float
    l0: float


def fit(x: torch.Tensor, sae: SAE, *, scale: float = 1.0) -> Fit:
    """Measure how well an SAE rebuilds hidden states [tokens, d_in], given to it multiplied by `scale`."""
    x = x.to(sae.W_enc.device, sae.W_enc.dtype)
    on = sae.encode_entries(x * scale)
    rebuilt = sae.decode_entries(on, x * scale) / scale
    nothing = sae.decode(x.new_zeros(1, sae.d_sae), x[:1] * scale) / scale
    spread = (x - x.mean(0)).double().square().sum()
    ratio = (rebuilt - nothing).norm(dim=1) / (x - nothing).norm(dim=1).clamp_min(1e-9)
    return Fit(
        variance_unexplained=float((rebuilt - x).double().square().sum() / spread.clamp_min(1e-12)),
        norm_ratio=float(ratio.mean()),
        l0=len(on.token) / len(x),
    )


def first_states(documents: Sequence[Document], reader: Reader, taps: Sequence[Tap]) -> list[torch.Tensor]:
    """Hidden states of the first tokens at several places, [tokens, d_model] each."""
    import torch

    parts: list[list[torch.Tensor]] = [[] for _ in taps]
    tokens = 0
    for batch in batches(list(reader.windows(documents)), token_budget=TOKENS):
        ids, mask, pooled = padded(batch, reader.context)
        for into, hidden in zip(parts, reader.states(ids, mask, taps), strict=True):
            into.append(hidden[pooled.to(hidden.device)])
        tokens += int(pooled.sum())
        if tokens >= TOKENS:
            break
    if not tokens:
        msg = "there is no text to check the encoder on"
        raise CorpusError(msg)
    return [torch.cat(into)[:TOKENS] for into in parts]
