"""Frames from matrices, for the tests of what looks at documents one by one; and greedy choice the slow way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]


def frame_of(make_frame: Callable[..., Embeddings], on: Array, *, name: str = "a", **settings: Any) -> Embeddings:
    """Write a frame whose documents are the rows of a boolean matrix."""
    texts = settings.pop("texts", [f"text {i}" for i in range(len(on))])
    rows = [(text, {int(f): 1.0 + f for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
    return make_frame(f"{name}.sae", rows, features=on.shape[1], shard=40, **settings)


def slow_greedy(on: Array, weight: Array, documents: int) -> tuple[list[int], list[float]]:
    """Look at every document each time: until all is covered by what is new, from then on by weight / (c + 1)."""
    times = np.zeros(on.shape[1], dtype=int)
    chosen: list[int] = []
    gains = []
    while len(chosen) < documents:
        open_ = weight * ((times == 0) & on.any(axis=0))
        worth = open_ if open_.sum() > 0 else weight / (times + 1.0)
        best, best_value = -1, -1.0
        for doc in range(len(on)):
            value = 0.0
            for feature in np.flatnonzero(on[doc]):
                value += worth[feature]
            if doc not in chosen and value > best_value:
                best, best_value = doc, value
        gains.append(float((weight * ((times == 0) & on[best])).sum()))
        times += on[best]
        chosen.append(best)
    return chosen, gains


def jaccard_pairs(on: Array, similarity: float) -> dict[tuple[int, int], float]:
    """All pairs of rows at least so similar, by counting."""
    both = (on.astype(np.float32) @ on.astype(np.float32).T).astype(int)
    either = on.sum(axis=1)[:, None] + on.sum(axis=1)[None, :] - both
    alike = both / np.maximum(either, 1)
    a, b = np.nonzero(np.triu(alike >= similarity, 1) & (either > 0))
    return {(int(x), int(y)): float(alike[x, y]) for x, y in zip(a, b, strict=True)}
