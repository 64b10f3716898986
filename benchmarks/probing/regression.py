"""Logistic regression along a grid of penalties, the choice by cross-validation, and the area under the ROC curve."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Penalty = Literal["l2", "l1"]
Split = tuple[NDArray[np.intp], NDArray[np.intp]]
Fold = tuple[Any, NDArray[np.int8], Any, NDArray[np.int8]]
"""Columns and labels to train on, columns and labels to judge by."""

PENALTIES: tuple[Penalty, ...] = ("l2", "l1")
CS = tuple(float(c) for c in np.logspace(-5, 5, 10))
"""The grid of sae-probes: scikit-learn's C, so small is strong."""

FOLDS, SEED = 5, 0
PATIENCE = 2
"""An L1 path, from strong to weak penalty, ends after this many values of C worse than the best so far: the weak end
takes nine tenths of the time and was never chosen where the whole path was run."""

_ITERATIONS = 1000
_TOLERANCE = {"l2": 1e-4, "l1": 1e-2}


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose: penalty, C, and the mean AUC over the folds that it reached there."""

    penalty: Penalty
    c: float
    auc: float


def auc(scores: NDArray[np.float64], y: NDArray[np.int8]) -> float:
    """Area under the ROC curve; equal scores count half.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    positive = int((y == 1).sum())
    excess = rankdata(scores)[y == 1].sum() - positive * (positive + 1) / 2
    return float(excess / (positive * (len(y) - positive)))


def splits(y: NDArray[np.int8], groups: Sequence[str], *, seed: int = SEED) -> list[Split]:
    """Stratified folds as (train, held out) row numbers; rows of one group stay together."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    shared = len(set(groups)) < len(groups)
    kind = StratifiedGroupKFold if shared else StratifiedKFold
    folds = min(FOLDS, int(np.bincount(y).min()))
    return list(kind(folds, shuffle=True, random_state=seed).split(y, y, groups if shared else None))


def fit(x: Any, y: NDArray[np.int8], penalty: Penalty, c: float) -> Any:
    """One logistic regression."""
    return next(path(x, y, penalty, (c,)))


def path(x: Any, y: NDArray[np.int8], penalty: Penalty, cs: Sequence[float] = CS) -> Iterator[Any]:
    """A fitted model for every C in turn; it is the same object, so use it before the next.

    L2: lbfgs, each C from the solution before. L1: liblinear, with its intercept under the penalty, which matters
    little where columns are standardised and classes balanced.
    """
    from sklearn.linear_model import LogisticRegression

    settings = {"l2": {"solver": "lbfgs", "warm_start": True}, "l1": {"solver": "liblinear", "l1_ratio": 1.0}}[penalty]
    model = LogisticRegression(max_iter=_ITERATIONS, tol=_TOLERANCE[penalty], random_state=SEED, **settings)
    for c in cs:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*failed to converge")  # weak penalties on separable rows
            yield model.set_params(C=c).fit(x, y)


def choose(folds: Sequence[Fold], cs: Sequence[float] = CS) -> Choice:
    """The penalty and C with the best mean AUC over the folds; of equals the first, so L2 and the stronger penalty."""
    return max((_best(folds, penalty, cs) for penalty in PENALTIES), key=lambda choice: choice.auc)


def _best(folds: Sequence[Fold], penalty: Penalty, cs: Sequence[float]) -> Choice:
    paths = [path(x, y, penalty, cs) for x, y, _, _ in folds]
    best, worse = Choice(penalty, cs[0], -1.0), 0
    for c, models in zip(cs, zip(*paths, strict=True), strict=False):
        found = float(np.mean([auc(m.decision_function(f[2]), f[3]) for m, f in zip(models, folds, strict=True)]))
        if found > best.auc:
            best, worse = Choice(penalty, c, found), 0
        elif found < best.auc:
            worse += 1
            if worse == PATIENCE and penalty == "l1":
                break
    return best
