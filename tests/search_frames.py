"""A small corpus to search in: labels are directions in a plane, dense vectors and words are made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saedata.frame import Embeddings

ANGLES = {"hedging": 0.0, "doubt": 0.2, "code": 1.6, "loops": 1.8, "sports": 3.2, "apology": 4.6}
"""Of labels and phrases; other phrases are numbers."""

LABELS = ["hedging", "doubt", "code", "loops", "sports", None]
KINDS = ["tone", "tone", "format", "format", "topic", None]

ROWS: list[tuple[str | None, dict[int, float]]] = [
    ("maybe the river rises", {0: 4.0, 5: 1.0}),
    ("perhaps loops help in code", {0: 2.0, 1: 2.0, 2: 1.0, 5: 1.0}),
    ("loops and code", {2: 4.0, 3: 2.0}),
    ("the match was won", {4: 3.0}),
    ("maybe we won the match", {0: 1.0, 1: 1.0, 4: 1.0}),
    (None, {}),
    ("code of the river", {2: 2.0, 5: 2.0}),
]
USER: dict[str, list[Any]] = {"model": ["a", "b", "a", "b", "a", None, "b"], "stars": [1, 2, 3, 4, 5, 6, None]}


def vectors(texts: Sequence[str]) -> Any:
    """Unit vectors of labels and phrases."""
    angles = np.array([ANGLES[text] if text in ANGLES else float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def text_vectors(texts: Sequence[str]) -> Any:
    """Unit vectors of documents and queries: which of some letters are in them."""
    rows = np.zeros((len(texts), 384), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for letter in text:
            row[ord(letter) % 384] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)


def labels() -> pl.DataFrame:
    return pl.DataFrame({"feature": np.arange(6, dtype=np.uint32), "label": LABELS, "kind": KINDS})


def corpus(make_frame: Callable[..., Embeddings], name: str = "a", **settings: Any) -> Embeddings:
    given = {"rows": ROWS, "user": USER} | settings
    rows = given.pop("rows")
    return make_frame(f"{name}.sae", rows, features=6, labels=labels(), **given)


def score(frame: Embeddings, features: Sequence[int], weights: Sequence[float], above: float = 0.0) -> Any:
    """Weighted mean of activation / q90, the slow way."""
    dense = frame.to_csr().toarray()
    total = np.zeros(len(dense))
    for feature, weight in zip(features, weights, strict=True):
        values = dense[:, feature]
        on = values[values > 0]
        total += weight * np.where(values > above, values, 0) / np.quantile(on, 0.9)
    return total


def rank_weights(count: int, temperature: float = 0.2) -> Any:
    weights = np.exp(-np.arange(count) / count / temperature)
    return weights / weights.sum()
