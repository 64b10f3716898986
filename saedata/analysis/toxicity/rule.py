"""The OR rule: a document is toxic where any of a few features is on (Qwen-Scope, 2605.11887)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.probing.linear import Split

    Matrix = sparse.csr_matrix[np.float32]
    Values = NDArray[np.float64]

STEPS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
"""Levels that are tried, as multiples of a feature's mean over the documents where it is on; 0 is being on at all."""

_PASSES = 3


@dataclass(frozen=True, eq=False)
class Rule:
    """Features and what each must exceed.

    Attributes
    ----------
    features
        intp [k], the largest difference of shares first.
    levels
        float32 [k].
    """

    features: NDArray[np.intp]
    levels: NDArray[np.float32]

    def fires(self, rows: Matrix) -> NDArray[np.bool_]:
        """Which features are above their level, [documents, k]."""
        return np.asarray(rows[:, self.features].toarray() > self.levels)

    def counts(self, rows: Matrix) -> Values:
        """How many of them are."""
        return np.asarray(self.fires(rows).sum(1), dtype=np.float64)


def shares(rows: Matrix, y: NDArray[np.integer], levels: NDArray[np.float32]) -> tuple[Values, Values]:
    """Share of the toxic and of the other documents in which each feature is above its level, [features] each."""
    above = rows.data > levels[rows.indices]
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[above]
    column, toxic = rows.indices[above], y[row] == 1
    each = (np.bincount(column[part], minlength=rows.shape[1]) for part in (toxic, ~toxic))
    on, off = each
    return on / max(int((y == 1).sum()), 1), off / max(int((y != 1).sum()), 1)


def differences(rows: Matrix, y: NDArray[np.integer], threshold: float) -> Values:
    """P(on | toxic) - P(on | clean) of every feature."""
    toxic, clean = shares(rows, y, np.full(rows.shape[1], threshold, dtype=np.float32))
    return toxic - clean


def usual_strength(rows: Matrix, threshold: float) -> NDArray[np.float32]:
    """Mean of each feature over the documents where it is on; the threshold where it never is."""
    on = rows.data > np.float32(threshold)
    counts = np.bincount(rows.indices[on], minlength=rows.shape[1])
    sums = np.bincount(rows.indices[on], rows.data[on].astype(np.float64), minlength=rows.shape[1])
    return np.where(counts > 0, sums / np.maximum(counts, 1), threshold).astype(np.float32)


def find_rules(rows: Matrix, y: NDArray[np.integer], ks: Sequence[int], threshold: float) -> dict[int, Rule]:
    """Rules with k features, for each k, whose F1 on these documents is best.

    At every step of `STEPS` the k features with the largest difference of shares are taken (fewer, where no more are
    on in toxic documents more often); then the level of each is moved while the F1 of the rule grows. The best step is
    kept. Qwen-Scope takes the features, at the first step only.

    Parameters
    ----------
    rows
        float32 [documents, features].
    y
        1 where a document is toxic.
    ks
        Numbers of features.
    threshold
        Above which a feature counts as on; no level is below it.
    """
    strength = usual_strength(rows, threshold)
    best: dict[int, tuple[float, Rule]] = {}
    for step in range(len(STEPS)):
        toxic, clean = shares(rows, y, _levels(strength, step, threshold))
        gaps = toxic - clean
        order = np.argsort(-gaps, kind="stable")[: max(ks)]
        order = order[: max(int((gaps[order] > 0).sum()), 1)]
        every = np.asarray(rows[:, order].toarray())
        above = np.stack([every > _levels(strength[order], one, threshold) for one in range(len(STEPS))])
        for k in ks:
            states, f1 = _climbed(above[:, :, :k], y == 1, step)
            if k not in best or f1 > best[k][0]:
                levels = [_levels(strength[order[i : i + 1]], s, threshold)[0] for i, s in enumerate(states)]
                best[k] = f1, Rule(order[:k], np.array(levels, dtype=np.float32))
    return {k: rule for k, (_, rule) in best.items()}


def _levels(strength: NDArray[np.float32], step: int, threshold: float) -> NDArray[np.float32]:
    return np.asarray(np.maximum(np.float32(threshold), np.float32(STEPS[step]) * strength))


def _climbed(above: NDArray[np.bool_], toxic: NDArray[np.bool_], step: int) -> tuple[list[int], float]:
    """Move one feature's level after the other while F1 grows; `above` is [steps, documents, features]."""
    k = above.shape[2]
    states = [step] * k
    fires = above[step].sum(1)
    best = f1_of(fires > 0, toxic)
    for _ in range(_PASSES):
        before = best
        for feature in range(k):
            others = fires - above[states[feature], :, feature]
            found = [f1_of((others > 0) | above[one, :, feature], toxic) for one in range(len(above))]
            if max(found) > best:
                best, states[feature] = max(found), int(np.argmax(found))
                fires = others + above[states[feature], :, feature]
        if best == before:
            break
    return states, best


def f1_of(said: NDArray[np.bool_], toxic: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall.

    Examples
    --------
    >>> f1_of(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    both = int((said & toxic).sum())
    return 2 * both / max(int(said.sum()) + int(toxic.sum()), 1)


def held_out_counts(
    rows: Matrix, y: NDArray[np.integer], folds: Sequence[Split], ks: Sequence[int], threshold: float
) -> tuple[dict[int, Values], NDArray[np.integer]]:
    """For each k how many features fired in documents that the rule was not made from, and whether they are toxic."""
    made = [(find_rules(rows[train], y[train], ks, threshold), held) for train, held in folds]
    counts = {k: np.concatenate([rules[k].counts(rows[held]) for rules, held in made]) for k in ks}
    return counts, np.concatenate([y[held] for _, held in made])
