"""For each feature the windows that a label is written from, and the first question about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.labels.prompts import explaining, show_positives
from saedata.labels.windows import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from saedata.endpoint import Prompt
    from saedata.labels.windows import Window, WindowPool

FEWEST_WINDOWS = 3
"""A feature that is on in fewer different windows gets no label."""

EXAMPLE_SCHEMA: dict[str, pl.DataType] = {
    "feature": pl.UInt32(),
    "role": pl.String(),
    "decile": pl.UInt8(),
    "value": pl.Float32(),
    "sha256": pl.String(),
}
"""`decile` is 10 for the strongest tenth of the windows where the feature is on, null where it is off."""

_NEIGHBOURS = 5
_SHOWN_AS_TWIN = 8
_TOP_WORDS = 6
_BLOCK = 512


@dataclass(frozen=True)
class Task:
    """A feature to be labelled.

    Attributes
    ----------
    feature
        Its number.
    prompt
        The first question about it; None: it is on in too few windows, and nothing is asked.
    windows
        In how many windows of the pool it is on.
    is_token
        Whether it stands for a word or two, as computed.
    words
        Words on which it peaks, the most frequent first.
    shown
        Some of its windows, for telling it apart from another feature.
    examples
        Rows of ``EXAMPLE_SCHEMA``: every window that the question shows.
    """

    feature: int
    prompt: Prompt | None
    windows: int
    is_token: bool
    words: list[str]
    shown: str
    examples: list[tuple[int, str, int | None, float, str]]


def make_tasks(
    pool: WindowPool,
    features: Sequence[int],
    decoder: torch.Tensor,
    *,
    positives: int,
    negatives: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Task]:
    """Choose windows for each feature.

    Parameters
    ----------
    pool
        Where the windows are from.
    features
        Which features.
    decoder
        Directions of all features, [d_sae, d_in]: negatives are taken where features of a similar direction are on.
    positives, negatives
        How many windows where the feature is on and off. Half of the latter are contrastive.
    seed
        Of the choice.
    progress
        Called with 1 after each feature.
    """
    near = neighbours(decoder, features)
    for place, feature in enumerate(features):
        yield _task(pool, feature, near[place].tolist(), positives, negatives, seed)
        progress(1)


def neighbours(decoder: torch.Tensor, features: Sequence[int], *, n: int = _NEIGHBOURS) -> NDArray[np.int64]:
    """Features whose decoder directions have the largest cosine with those of some features, shape [features, n]."""
    import torch

    unit = torch.nn.functional.normalize(decoder.detach().float(), dim=1)
    n = min(n, len(unit) - 1)
    found = [np.empty((0, n), dtype=np.int64)]
    for first in range(0, len(features), _BLOCK):
        own = torch.as_tensor(list(features[first : first + _BLOCK]), device=unit.device)
        cosine = unit[own] @ unit.T
        cosine[torch.arange(len(own)), own] = -torch.inf
        found.append(cosine.topk(n, dim=1).indices.cpu().numpy())
    return np.concatenate(found)


def _task(pool: WindowPool, feature: int, near: list[int], positives: int, negatives: int, seed: int) -> Task:
    index, values = pool.activating(feature)
    on = _different(pool, feature, positives, seed)
    if len(on) < FEWEST_WINDOWS:
        return Task(feature, None, len(index), is_token=False, words=_words(pool, feature), shown="", examples=[])
    off = _off(pool, feature, near, negatives, seed)
    largest, is_token = float(values[0]), pool.is_token(feature)
    prompt = explaining(feature, on, off, largest=largest, is_token=is_token)
    rank = {window: place for place, window in enumerate(index.tolist())}
    rows: list[tuple[int, str, int | None, float, str]] = [
        (feature, "positive", QUANTILES - rank[w.index] * QUANTILES // len(index), w.value, w.sha256) for w in on
    ]
    rows += [(feature, "negative", None, 0.0, w.sha256) for w in off]
    twin = on[:: max(len(on) // _SHOWN_AS_TWIN, 1)][:_SHOWN_AS_TWIN]
    shown = show_positives(twin, largest=largest)
    return Task(feature, prompt, len(index), is_token, _words(pool, feature), shown, rows)


def _words(pool: WindowPool, feature: int) -> list[str]:
    return [word for word, _ in pool.top_words(feature).most_common() if word][:_TOP_WORDS]


def _different(pool: WindowPool, feature: int, n: int, seed: int) -> list[Window]:
    """Windows where it is on, from all quantiles, no text twice; those of equal text make room for others."""
    kept: dict[str, Window] = {}
    seen: set[int] = set()
    while open_ := n - len(kept):
        more = pool.positives(feature, open_, seed=seed, quantiles=min(open_, QUANTILES), without=seen)
        if not more:
            break
        seen |= {window.index for window in more}
        for window in more:
            kept.setdefault(window.text, window)
    return sorted(kept.values(), key=lambda window: (-window.value, window.index))


def _off(pool: WindowPool, feature: int, near: list[int], n: int, seed: int) -> list[Window]:
    """Windows where it is off: half where related features are on, the others at random."""
    hard = pool.negatives(feature, n // 2, seed=seed, near=near) if near else []
    easy = pool.negatives(feature, n - len(hard), seed=seed, without=[window.index for window in hard])
    mixed = sorted(hard + easy, key=lambda window: window.sha256)  # in no telling order
    return list({window.text: window for window in mixed}.values())
