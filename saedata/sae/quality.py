"""How well an SAE fits its reader: variance unexplained, mean L0, dead features, token densities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import CorpusError, EncoderError
from saedata.progress import progress
from saedata.reader import batches, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import torch
    from numpy.typing import NDArray

    from saedata.reader import Document, Reader
    from saedata.sae.model import SAE

_DOCUMENTS_AT_ONCE = 256


@dataclass(frozen=True)
class Quality:
    """Figures of an SAE on some text.

    Attributes
    ----------
    tokens
        Tokens measured on, special tokens excluded.
    variance_unexplained
        sum |x - x^|^2 / sum |x - mean|^2 over those tokens, with their own mean.
    l0
        Mean number of features on per token.
    dead
        Share of features that were never on.
    norm_ratio
        Mean |x^ - b| / |x - b|, where b is what the SAE rebuilds from no feature at all; far from 1 when reader, layer
        or scale do not fit the SAE.
    token_density
        Share of tokens on which each feature is on, shape [d_sae].
    """

    tokens: int
    variance_unexplained: float
    l0: float
    dead: float
    norm_ratio: float
    token_density: NDArray[np.float64]

    def density_histogram(self) -> pl.DataFrame:
        """Number of features by decade of token density: from, to, features; the first row counts the dead."""
        edges = np.array([0, *10.0 ** np.arange(-6, 1)])
        counts = [int((self.token_density == 0).sum())]
        counts += np.histogram(self.token_density[self.token_density > 0], bins=edges)[0].tolist()
        return pl.DataFrame(
            {"from": [0.0, *edges[:-1]], "to": [0.0, *edges[1:]], "features": counts},
            schema={"from": pl.Float64, "to": pl.Float64, "features": pl.UInt32},
        )

    def figures(self) -> dict[str, Any]:
        """The single numbers, ready for JSON."""
        return {
            "tokens": self.tokens,
            "variance_unexplained": round(self.variance_unexplained, 4),
            "l0": round(self.l0, 2),
            "dead": round(self.dead, 4),
            "norm_ratio": round(self.norm_ratio, 4),
        }

    def table(self) -> pl.DataFrame:
        """The single numbers as columns metric, value."""
        figures = self.figures()
        return pl.DataFrame({"metric": list(figures), "value": [float(v) for v in figures.values()]})


def measure(texts: Iterable[Document], reader: Reader, sae: SAE, *, tokens: int = 1_000_000) -> Quality:
    """Measure an SAE on the first `tokens` tokens of some documents.

    Parameters
    ----------
    texts
        Documents that the SAE was not trained on, if its quality is to be claimed.
    reader, sae
        The pair.
    tokens
        Where to stop.

    Raises
    ------
    CorpusError
        If there is no token at all.
    EncoderError
        If it is a transcoder: that rebuilds the states of a hook that is not read.
    """
    import torch

    if sae.transcoder:
        msg = "a transcoder rebuilds the states of another hook than it reads, so that its fit cannot be measured here"
        raise EncoderError(msg)
    sums = _Sums(sae)
    with progress("measuring", total=tokens, unit="tokens") as done, torch.inference_mode():
        for hidden in _hidden(texts, reader):
            x = hidden[: tokens - sums.tokens].to(sae.W_enc.device, sae.W_enc.dtype)
            sums.add(x)
            done(len(x))
            if sums.tokens >= tokens:
                break
    if not sums.tokens:
        msg = "there is no text to measure the SAE on"
        raise CorpusError(msg)
    return sums.quality()


def _hidden(texts: Iterable[Document], reader: Reader) -> Iterator[torch.Tensor]:
    from itertools import islice

    source = iter(texts)
    while chunk := list(islice(source, _DOCUMENTS_AT_ONCE)):
        for batch in batches(list(reader.windows(chunk)), token_budget=1024):
            yield read(reader, batch)[0]


class _Sums:
    """Running sums in double precision."""

    def __init__(self, sae: SAE) -> None:
        self._sae = sae
        self.tokens = 0
        self._error = self._square = self._ratio = 0.0
        self._sum = np.zeros(sae.d_in)
        self._on = np.zeros(sae.d_sae, dtype=np.int64)

    def add(self, x: torch.Tensor) -> None:
        on = self._sae.encode_entries(x)
        rebuilt = self._sae.decode_entries(on, x)
        bias = self._sae.decode(x.new_zeros(1, self._sae.d_sae), x)
        self.tokens += len(x)
        self._error += float((rebuilt - x).double().square().sum())
        self._square += float(x.double().square().sum())
        self._sum += x.double().sum(0).cpu().numpy()
        self._ratio += float(((rebuilt - bias).norm(dim=1) / (x - bias).norm(dim=1).clamp_min(1e-9)).sum())
        self._on += np.bincount(on.feature.cpu().numpy(), minlength=self._sae.d_sae)

    def quality(self) -> Quality:
        spread = self._square - float(self._sum @ self._sum) / self.tokens
        return Quality(
            tokens=self.tokens,
            variance_unexplained=self._error / max(spread, 1e-12),
            l0=float(self._on.sum()) / self.tokens,
            dead=float((self._on == 0).mean()),
            norm_ratio=self._ratio / self.tokens,
            token_density=self._on / self.tokens,
        )
