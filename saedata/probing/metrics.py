"""How well predictions fit test rows: figures with bootstrap intervals, and points of their curves.

All figures are weighted, so that one call gives those of the rows themselves and of many resamples of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.probing.targets import kind_of
from saedata.stats.resampled import centred_interval, drawn_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.probing.targets import Kind, Target

    Values = NDArray[np.float64]

METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("auc", "average precision", "f1", "accuracy", "brier", "ece"),
    "multiclass": ("macro auc", "macro f1", "accuracy", "brier", "ece"),
    "regression": ("r2", "correlation", "mae"),
}
"""Figures of each kind; the first is what choices are made by. Lower is better: brier, ece, mae."""

BINS = 10
"""Of predicted probabilities, equally wide, for the expected calibration error."""

_CELLS = 1 << 22
_CENTRED = ("ece",)
_POINTS = 200


@dataclass(frozen=True)
class Prediction:
    """What a method says of some rows.

    Attributes
    ----------
    scores
        Binary: [rows], larger where yes is likelier. Several classes: [rows, classes]. Numbers: the numbers.
    probabilities
        [rows, classes]; None for numbers.
    """

    scores: Values
    probabilities: Values | None

    @property
    def classes(self) -> NDArray[np.intp]:
        """The likeliest class of each row."""
        assert self.probabilities is not None
        return np.asarray(self.probabilities.argmax(1))


@dataclass(frozen=True)
class Drawn:
    """A figure of the test rows, and of each resample of them.

    Attributes
    ----------
    value
        Of the rows.
    resampled
        Of each resample; nan where there is none.
    """

    value: float
    resampled: Values

    def interval(self, metric: str, level: float) -> tuple[float, float]:
        """Percentile interval; that of the calibration error is moved, as any resample is worse calibrated."""
        if metric in _CENTRED:
            low, high = centred_interval(self.value, self.resampled, level=level)
            return max(low, 0.0), high
        return percentiles(self.resampled, level)

    def less(self, other: Drawn) -> Drawn:
        """Difference, resample by resample."""
        return Drawn(self.value - other.value, self.resampled - other.resampled)


def percentiles(drawn: Values, level: float) -> tuple[float, float]:
    """Middle part of what was drawn; nan where nothing was."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def evaluate(
    y: Target, predictions: Sequence[Prediction], groups: NDArray[np.int64], *, resamples: int, seed: int
) -> list[dict[str, Drawn]]:
    """Figures of several methods, all on the same resamples, so that differences are paired.

    Parameters
    ----------
    y
        Classes from 0, or floats.
    predictions
        Of each method.
    groups
        int [rows], from 0: rows of one group are drawn together.
    resamples
        How often.
    seed
        Of the draws.
    """
    found: list[dict[str, list[Values]]] = [{} for _ in predictions]
    for weights in resample_weights(groups, resamples, seed):
        for store, prediction in zip(found, predictions, strict=True):
            for name, values in figures(y, prediction, weights).items():
                store.setdefault(name, []).append(values)
    joined = [{name: np.concatenate(parts) for name, parts in store.items()} for store in found]
    return [{name: Drawn(float(values[0]), values[1:]) for name, values in one.items()} for one in joined]


def resample_weights(groups: NDArray[np.int64], resamples: int, seed: int) -> list[Values]:
    """Weights of the rows: once each, then of each resample; in blocks that fit in memory.

    Parameters
    ----------
    groups, resamples, seed
        As for `evaluate`.
    """
    rng = np.random.default_rng(seed)
    step = max(_CELLS // max(len(groups), 1), 1)
    blocks = [np.ones((1, len(groups)))]
    items = int(groups.max(initial=0)) + 1
    for first in range(0, resamples, step):
        drawn = drawn_weights(items, min(step, resamples - first), rng)
        blocks.append(drawn[:, groups].astype(np.float64))
    return blocks


def figures(y: Target, prediction: Prediction, weights: Values) -> dict[str, Values]:
    """Every figure under each row of weights.

    Parameters
    ----------
    y
        Classes from 0, or floats, [rows].
    prediction
        Of the same rows.
    weights
        [draws, rows].
    """
    kind = kind_of(y) if prediction.probabilities is not None else "regression"
    if kind == "regression":
        return _of_numbers(y, prediction.scores, weights)
    return (_of_two if prediction.scores.ndim == 1 else _of_classes)(y, prediction, weights)


def _of_two(y: Target, prediction: Prediction, weights: Values) -> dict[str, Values]:
    assert prediction.probabilities is not None
    yes, p = y == 1, prediction.probabilities[:, 1]
    said = p >= 0.5
    area, precision = ranked(prediction.scores, yes, weights)
    return {
        "auc": area,
        "average precision": precision,
        "f1": f1(yes, said, weights),
        "accuracy": _mean(said == yes, weights),
        "brier": _mean(np.square(p - yes), weights),
        "ece": _calibration(p, yes, weights),
    }


def _of_classes(y: Target, prediction: Prediction, weights: Values) -> dict[str, Values]:
    p = prediction.probabilities
    assert p is not None
    said, truth = prediction.classes, np.eye(p.shape[1])[y]
    asked = [c for c in range(p.shape[1]) if 0 < int((y == c).sum()) < len(y)]
    areas = [ranked(prediction.scores[:, c], y == c, weights)[0] for c in asked]
    return {
        "macro auc": _mean_known(areas),
        "macro f1": _mean_known([f1(y == c, said == c, weights) for c in np.unique(y).tolist()]),
        "accuracy": _mean(said == y, weights),
        "brier": _mean(np.square(p - truth).sum(1), weights),
        "ece": _calibration(p.max(1), said == y, weights),
    }


def _of_numbers(y: Target, scores: Values, weights: Values) -> dict[str, Values]:
    total = weights.sum(1)
    mean, predicted = weights @ y / total, weights @ scores / total
    spread = weights @ np.square(y) / total - mean**2
    varied = weights @ np.square(scores) / total - predicted**2
    together = weights @ (y * scores) / total - mean * predicted
    error = weights @ np.square(y - scores) / total
    known = (spread > 1e-12) & (varied > 1e-12)
    unknown = np.full(len(total), np.nan)
    return {
        "r2": np.divide(spread - error, spread, out=unknown.copy(), where=spread > 1e-12),
        "correlation": np.divide(together, np.sqrt(np.abs(spread * varied)), out=unknown, where=known),
        "mae": _mean(np.abs(y - scores), weights),
    }


def ranked(scores: Values, yes: NDArray[np.bool_], weights: Values) -> tuple[Values, Values]:
    """Area under the ROC curve (equal scores count half) and average precision; nan where a class is absent.

    Examples
    --------
    >>> area, _ = ranked(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]), np.ones((1, 4)))
    >>> area.tolist()
    [0.875]
    """
    order = np.argsort(-scores, kind="stable")
    ordered = weights[:, order]
    first = np.flatnonzero(np.concatenate(([True], np.diff(scores[order]) < 0)))
    right = np.add.reduceat(ordered * yes[order], first, axis=1)
    wrong = np.add.reduceat(ordered * ~yes[order], first, axis=1)
    hits, misses = right.sum(1), wrong.sum(1)
    below = misses[:, None] - np.cumsum(wrong, axis=1) + wrong / 2
    so_far = np.cumsum(right, axis=1)
    said = so_far + np.cumsum(wrong, axis=1)
    precision = np.divide(so_far, said, out=np.zeros_like(said), where=said > 0)
    unknown = np.full(len(hits), np.nan)
    area = np.divide((right * below).sum(1), hits * misses, out=unknown.copy(), where=hits * misses > 0)
    return area, np.divide((right * precision).sum(1), hits, out=unknown, where=hits > 0)


def f1(yes: NDArray[np.bool_], said: NDArray[np.bool_], weights: Values) -> Values:
    """Harmonic mean of precision and recall; 0 where nothing is right, nan where nothing is there or said."""
    both, either = weights @ (yes & said).astype(np.float64), weights @ (yes.astype(np.float64) + said)
    return np.asarray(np.divide(2 * both, either, out=np.full(len(weights), np.nan), where=either > 0))


def _mean(values: NDArray[np.number] | NDArray[np.bool_], weights: Values) -> Values:
    return np.asarray(weights @ values.astype(np.float64) / weights.sum(1))


def _mean_known(parts: list[Values]) -> Values:
    """Mean of what is known in each draw."""
    values = np.stack(parts)
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(0)
    return np.asarray(np.divide(total, known.sum(0), out=np.full(values.shape[1], np.nan), where=known.any(0)))


def _calibration(p: Values, happened: NDArray[np.bool_], weights: Values) -> Values:
    """Expected calibration error: in each bin the mean probability less the share, weighted by the bin's rows."""
    bins = np.eye(BINS)[np.minimum((p * BINS).astype(np.intp), BINS - 1)]
    apart = weights @ (bins * (p - happened)[:, None])
    return np.asarray(np.abs(apart).sum(1) / weights.sum(1))


def curves(y: Target, prediction: Prediction) -> Mapping[str, tuple[Values, Values, Values]]:
    """Points of the curves of a yes/no method: x, y and the score (of calibration: the documents) there.

    Parameters
    ----------
    y
        0 or 1.
    prediction
        Of the same rows.

    Returns
    -------
    dict
        "roc": share of the others found, share of the right ones found. "pr": recall, precision. "calibration": mean
        predicted probability, share that is yes. At most 200 points each.
    """
    assert prediction.probabilities is not None
    yes = y == 1
    order = np.argsort(-prediction.scores, kind="stable")
    scores = prediction.scores[order]
    last = np.flatnonzero(np.concatenate((np.diff(scores) < 0, [True])))
    right, wrong = np.cumsum(yes[order])[last], np.cumsum(~yes[order])[last]
    thin = np.unique(np.linspace(0, len(last) - 1, _POINTS).astype(np.intp))
    recall, false = right / yes.sum(), wrong / max(int((~yes).sum()), 1)
    precision, at = right / (right + wrong), scores[last].astype(np.float64)
    start = np.array([0.0]), np.array([0.0]), np.array([np.inf])
    roc = [np.concatenate((a, b[thin])) for a, b in zip(start, (false, recall, at), strict=True)]
    return {
        "roc": (roc[0], roc[1], roc[2]),
        "pr": (recall[thin], precision[thin], at[thin]),
        "calibration": _reliability(prediction.probabilities[:, 1], yes),
    }


def _reliability(p: Values, yes: NDArray[np.bool_]) -> tuple[Values, Values, Values]:
    which = np.minimum((p * BINS).astype(np.intp), BINS - 1)
    sums = (np.bincount(which, values, minlength=BINS) for values in (np.ones(len(p)), p, yes.astype(np.float64)))
    counts, predicted, happened = (np.asarray(one, dtype=np.float64) for one in sums)
    on = counts > 0
    return predicted[on] / counts[on], happened[on] / counts[on], counts[on]
