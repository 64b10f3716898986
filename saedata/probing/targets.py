"""What a probe predicts: yes or no, one of several classes, or a number; and how well it does, as one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Target = NDArray[Any]
    Scores = NDArray[np.float64]

Kind = Literal["binary", "multiclass", "regression"]


def kind_of(y: Target) -> Kind:
    """Kind of a target: numbers of classes from 0 are integers (two of them: binary), quantities are floats.

    Examples
    --------
    >>> kind_of(np.array([0, 1, 1])), kind_of(np.array([0, 2, 1])), kind_of(np.array([0.5, 1.0]))
    ('binary', 'multiclass', 'regression')
    """
    if y.dtype.kind == "f":
        return "regression"
    return "binary" if int(y.max(initial=1)) < 2 else "multiclass"


def auc(scores: Scores, y: Target) -> float:
    """Area under the ROC curve; equal scores count half.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    from scipy.stats import rankdata

    positive = int((y == 1).sum())
    excess = rankdata(scores)[y == 1].sum() - positive * (positive + 1) / 2
    return float(excess / (positive * (len(y) - positive)))


def macro_auc(scores: Scores, y: Target) -> float:
    """Mean over the classes, each against the rest; classes without a row, or with all of them, are left out.

    Examples
    --------
    >>> macro_auc(np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]]), np.array([0, 1, 2]))
    1.0
    """
    known = [c for c in range(scores.shape[1]) if 0 < int((y == c).sum()) < len(y)]
    return float(np.mean([auc(scores[:, c], (y == c).astype(np.int8)) for c in known]))


def macro_accuracy(scores: Scores, y: Target) -> float:
    """Mean over the classes there are of the share of their rows that is told right.

    Parameters
    ----------
    scores
        [rows, classes], or [rows], positive where class 1 is likelier.
    y
        Classes from 0.

    Examples
    --------
    >>> macro_accuracy(np.array([[2.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1]))
    0.75
    """
    said = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(1)
    return float(np.mean([(said[y == c] == c).mean() for c in np.unique(y)]))


def r_squared(scores: Scores, y: Target) -> float:
    """Share of the variance of y that predictions explain; below 0 where its mean would do better.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    spread = float(np.square(y - y.mean()).sum())
    return 1 - float(np.square(y - scores).sum()) / spread if spread > 0 else 0.0


def quality(scores: Scores, y: Target) -> float:
    """Figure that choices are made by: AUC, its mean over classes, or R squared."""
    if y.dtype.kind == "f":
        return r_squared(scores, y)
    return auc(scores, y) if scores.ndim == 1 else macro_auc(scores, y)
