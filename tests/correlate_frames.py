"""What the tests of co-occurrence share: frames from matrices, and the statistics computed the slow way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import hypergeom

from saedata.incidence import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]


class Matrix:
    """Stands for an `Incidence`: a boolean matrix [documents, features] in memory."""

    def __init__(self, on: Array, *, block: int = 1 << 16) -> None:
        self.on, self.block = on, block
        self.frame = SimpleNamespace(n_features=on.shape[1])

    def __len__(self) -> int:
        return len(self.on)

    def blocks(self) -> Iterator[Block]:
        for first in range(0, len(self.on), self.block):
            part = self.on[first : first + self.block]
            pointers = np.concatenate(([0], np.cumsum(part.sum(axis=1))))
            yield Block(first, pointers, np.nonzero(part)[1].astype(np.uint16))


def frame_of(make_frame: Callable[..., Embeddings], name: str, on: Array, **settings: Any) -> Embeddings:
    """Write a frame whose documents are rows of a boolean matrix; row i has words[i] words (default 10)."""
    words = settings.pop("words", np.full(len(on), 10))
    texts = settings.pop("texts", [f"{i} " + " ".join(["word"] * (n - 1)) for i, n in enumerate(words)])
    rows = [(text, {int(f): 1.0 + f / 8 for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
    return make_frame(f"{name}.sae", rows, features=on.shape[1], shard=50, **settings)


def random_matrix(seed: int, documents: int, features: int, *, high: float = 0.6) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    return rng.random((documents, features)) < np.linspace(0.02, high, features)


def null_distribution(a: Array, b: Array, n: Array) -> NDArray[np.float64]:
    """Chances of 0, 1, ... documents with both: one hypergeometric count for each stratum, convolved."""
    total = np.ones(1)
    for x, y, m in zip(a, b, n, strict=True):
        total = np.convolve(total, hypergeom.pmf(np.arange(min(x, y) + 1), m, x, y))
    return total
