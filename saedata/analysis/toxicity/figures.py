"""How well methods do on evaluation documents: figures with intervals, all methods on the same resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.probing.metrics import Drawn, Prediction, f1, figures, resample_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.toxicity.methods import Said

METRICS = ("f1", "macro_f1", "auc", "precision", "recall", "fpr", "brier", "ece")
"""``f1`` is that of the toxic class, ``macro_f1`` the mean of both classes; ``fpr`` the share of clean documents said
to be toxic."""


@dataclass(frozen=True)
class Interval:
    """How intervals are made."""

    resamples: int
    level: float
    seed: int

    def of(self, language: int) -> Interval:
        """The same with draws of its own, so that those of languages do not go together."""
        return Interval(self.resamples, self.level, self.seed + 7919 * (language + 1))


def measured(y: NDArray[np.integer], said: Sequence[Said], interval: Interval) -> list[dict[str, Drawn]]:
    """Figures of several methods on the same documents.

    Parameters
    ----------
    y
        1 where a document is toxic.
    said
        What each method says of them.
    interval
        How they are drawn.
    """
    store: list[dict[str, list[NDArray[np.float64]]]] = [{name: [] for name in METRICS} for _ in said]
    for weights in resample_weights(np.arange(len(y)), interval.resamples, interval.seed):
        for own, one in zip(store, said, strict=True):
            for name, values in _figures(y, one, weights).items():
                own[name].append(values)
    joined = [{name: np.concatenate(parts) for name, parts in own.items()} for own in store]
    return [{name: Drawn(float(values[0]), values[1:]) for name, values in own.items()} for own in joined]


def _figures(y: NDArray[np.integer], said: Said, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    toxic, yes = y == 1, said.yes
    both = figures(y, Prediction(said.scores, np.stack([1 - said.p, said.p], axis=1)), weights)
    toxic_f1, clean_f1 = f1(toxic, yes, weights), f1(~toxic, ~yes, weights)
    return {
        "f1": toxic_f1,
        "macro_f1": (np.nan_to_num(toxic_f1) + np.nan_to_num(clean_f1)) / 2,
        "auc": both["auc"],
        "precision": _share(toxic & yes, yes, weights),
        "recall": _share(toxic & yes, toxic, weights),
        "fpr": _share(~toxic & yes, ~toxic, weights),
        "brier": both["brier"],
        "ece": both["ece"],
    }


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    of, there = weights @ whole.astype(np.float64), weights @ part.astype(np.float64)
    return np.asarray(np.divide(there, of, out=np.full(len(of), np.nan), where=of > 0))


def mean_of(parts: Sequence[Drawn]) -> Drawn:
    """Mean of a figure over languages, whose documents are drawn by themselves."""
    drawn = np.stack([one.resampled for one in parts])
    known = ~np.isnan(drawn)
    total = np.where(known, drawn, 0).sum(0)
    mean = np.divide(total, known.sum(0), out=np.full(drawn.shape[1], np.nan), where=known.any(0))
    values = [one.value for one in parts if not np.isnan(one.value)]
    return Drawn(float(np.mean(values)) if values else float("nan"), mean)
