"""Frames with a label that a few features tell, for the tests of probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

FEATURES = 24


def planted(make_frame: MakeFrame, documents: int = 120, *, seed: int = 0, **user: Any) -> Embeddings:
    """Features 7 (much) and 3 (a little) tell `toxic`; 5, 6, 7 tell `topic`; 9 tells the number `stars`."""
    rng = np.random.default_rng(seed)
    toxic = rng.permutation(np.arange(documents) % 2)
    topic = rng.permutation(np.arange(documents) % 3)
    stars = rng.normal(size=documents)
    x = np.maximum(rng.normal(size=(documents, FEATURES)) - 0.3, 0)
    x[:, 7] += 2 * toxic
    x[:, 3] += toxic * (rng.random(documents) < 0.5)
    x[np.arange(documents), 10 + topic] += 2
    x[:, 9] = np.maximum(stars + 2, 0)
    words = np.array(["mild", "rude"])
    rows = [
        (f"{words[t]} words, number {n}", {int(f): float(row[f]) for f in np.flatnonzero(row)})
        for n, (t, row) in enumerate(zip(toxic, x, strict=True))
    ]
    own: dict[str, Any] = {
        "toxic": toxic.astype(bool).tolist(),
        "topic": [("arts", "law", "sport")[t] for t in topic],
        "stars": stars.tolist(),
        "author": (np.arange(documents) // 3).tolist(),
        "origin": [("web", "mail")[n % 2] for n in rng.integers(0, 2, documents)],
    }
    return make_frame("a.sae", rows, features=FEATURES, shard=50, user=own | user)
