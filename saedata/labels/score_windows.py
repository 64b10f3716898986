"""Which windows a label is judged on: some where its feature is on, some where it is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.labels.windows import WindowPool

    Indices = NDArray[np.int64]

Deciles = Literal["all", "top"]

DECILES = 10

SHARED = 4000
"""Windows drawn first, for every feature to choose from: what many features share is embedded once."""

LEAST = 10
"""Windows that each side must have for a score to be given."""

_IN_COMMON, _TAKEN, _NEW = 0, 1, 2


@dataclass(frozen=True)
class Sample:
    """Windows of one feature, as numbers in the pool.

    Attributes
    ----------
    feature
        Whose.
    positives
        Windows where it is on, in the order of its activation deciles round and round, strongest decile first.
    negatives
        Windows where it is off.
    """

    feature: int
    positives: Indices
    negatives: Indices


def draw(
    pool: WindowPool,
    features: Sequence[int],
    *,
    windows: int = 50,
    deciles: Deciles = "all",
    seed: int = 0,
    shared: int = SHARED,
) -> list[Sample]:
    """Draw windows for features, so that the features share many of them.

    Inside each activation decile, windows of a common random part of the pool are preferred, then those that another
    feature took already (rare features choose first), then any. Which windows a decile has never depends on that.

    Parameters
    ----------
    pool
        Windows of a corpus.
    features
        Whose windows; every feature once.
    windows
        Positives, and as many negatives; fewer where there are fewer.
    deciles
        "all": positives in equal numbers from the ten deciles of the feature's windows by activation; "top": from the
        strongest decile alone, where ten are enough if the common part has no more: a tenth of the windows leaves too
        little choice to share them.
    seed
        Of the choice; the same choice for the same pool, features and options.
    shared
        Size of the common part.
    """
    common = np.random.default_rng([seed, 0]).permutation(len(pool.texts))[:shared]
    tier = np.full(len(pool.texts), _NEW, dtype=np.int8)
    tier[common] = _IN_COMMON
    samples = {}
    for feature in sorted(features, key=lambda f: (pool.offsets[f + 1] - pool.offsets[f], f)):
        rng = np.random.default_rng([seed, 1, feature])
        index, _ = pool.activating(feature)
        groups = _groups(index, deciles)
        wanted = windows if deciles == "all" else np.clip((tier[groups[0]] == _IN_COMMON).sum(), LEAST, windows)
        positives = _spread(groups, tier, int(wanted), rng)
        tier[positives] = np.minimum(tier[positives], _TAKEN)
        off = np.ones(len(tier), dtype=bool)
        off[index] = False
        samples[feature] = Sample(feature, positives, _any(common, off, windows, rng))
    return [samples[feature] for feature in features]


def _groups(index: Indices, deciles: Deciles) -> list[Indices]:
    parts = np.array_split(index, DECILES)
    return parts if deciles == "all" else parts[:1]


def _spread(groups: Sequence[Indices], tier: NDArray[np.int8], n: int, rng: np.random.Generator) -> Indices:
    """Take n windows in turn from the groups; in each group lower tiers first, at random inside a tier."""
    ordered = [group[np.lexsort((rng.random(len(group)), tier[group]))] for group in groups]
    turn = np.concatenate([np.arange(len(group)) for group in ordered])
    return np.concatenate(ordered)[np.argsort(turn, kind="stable")][:n]


def _any(common: Indices, off: NDArray[np.bool_], n: int, rng: np.random.Generator) -> Indices:
    """Take n windows where a feature is off, from the common part if it has as many."""
    candidates = common[off[common]]
    if len(candidates) < n:
        candidates = np.flatnonzero(off)
    return rng.permutation(candidates)[:n]
