"""Scores become probabilities: a line through the log odds, fitted to scores of rows that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from saedata.probing.targets import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.probing.targets import Target

    Values = NDArray[np.float64]

CutBy = Literal["f1", "macro_f1"]

_STEEPEST = 1e6


@dataclass(frozen=True, eq=False)
class Calibration:
    """Log odds are ``slope * score + offset``, with an offset for each of several classes.

    Which settings rank best says nothing of how steep their scores are: a strong penalty leaves all of them near 0,
    while intercepts move with the classes' shares. So the scores of linear models come here without intercepts.

    Attributes
    ----------
    slope, offset
        Of the line; float64 [] and [1], or of several classes [classes].
    """

    slope: float
    offset: Values

    @classmethod
    def of(cls, scores: Values, y: Target) -> Calibration:
        """Fit it to scores of rows that the method had not seen.

        Parameters
        ----------
        scores
            [rows], or of several classes [rows, classes].
        y
            Their classes.

        Notes
        -----
        Two classes: Platt, J. (1999), Probabilistic outputs for support vector machines, with his smoothed targets, so
        that scores that separate the classes do not become certainties; a slope below 0 is not allowed. More: one
        temperature (Guo, C. et al. (2017), On Calibration of Modern Neural Networks) and offsets, smoothed likewise.
        """
        if kind_of(y) == "regression":
            return cls(1.0, np.zeros(1))
        scale = float(scores.std()) or 1.0
        loss = (_line if scores.ndim == 1 else _softened)(scores / scale, y)
        slope, *offset = _minimum(loss, 1 + (1 if scores.ndim == 1 else scores.shape[1]))
        return cls(slope / scale, np.array(offset))

    def odds(self, scores: Values) -> Values:
        """Log odds, or what a softmax takes."""
        return scores * self.slope + self.offset

    def probabilities(self, scores: Values) -> Values:
        """Of each class, [rows, classes].

        Examples
        --------
        >>> Calibration(2.0, np.zeros(1)).probabilities(np.array([0.0])).tolist()
        [[0.5, 0.5]]
        """
        from scipy.special import expit, softmax

        if scores.ndim > 1:
            return np.asarray(softmax(self.odds(scores), axis=1))
        yes = expit(self.odds(scores))
        return np.stack([1 - yes, yes], axis=1)


def best_cut(p: Values, y: Target, *, by: CutBy = "f1") -> float:
    """The probability from which "yes" is said with the best F1.

    Parameters
    ----------
    p
        [rows], of rows that were held out.
    y
        0 or 1.
    by
        "f1": that of "yes"; "macro_f1": the mean of that of "yes" and that of "no", which does not favour saying "yes"
        of everything where a method tells little.

    Returns
    -------
    float
        Halfway between two probabilities that were seen; of equally good ones the one nearest to one half.

    Examples
    --------
    >>> round(best_cut(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1])), 3)
    0.25
    >>> p, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 1, 0, 1])
    >>> [round(best_cut(p, y, by=by), 3) for by in ("f1", "macro_f1")]
    [0.05, 0.35]
    """
    order = np.argsort(-p, kind="stable")
    ranked, right = p[order], np.cumsum(y[order] == 1)
    last = np.flatnonzero(np.concatenate((np.diff(ranked) < 0, [True])))
    said, yes, n = last + 1, right[-1], len(y)
    f1 = 2 * right[last] / (said + yes)
    if by == "macro_f1":
        f1 = (f1 + 2 * (n - yes - said + right[last]) / (2 * n - said - yes)) / 2
    below = np.concatenate((ranked[last[1:]], [0.0]))
    cuts = (ranked[last] + below) / 2
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])


def _line(scores: Values, y: Target) -> Callable[[Values], tuple[float, Values]]:
    """Loss of slope and offset, with its gradient."""
    from scipy.special import expit

    yes = int((y == 1).sum())
    wanted = np.where(y == 1, (yes + 1) / (yes + 2), 1 / (len(y) - yes + 2))

    def loss(line: Values) -> tuple[float, Values]:
        odds = line[0] * scores + line[1]
        wrong = expit(odds) - wanted
        value = float((np.logaddexp(0, odds) - wanted * odds).mean())
        return value, np.array([(wrong * scores).mean(), wrong.mean()])

    return loss


def _softened(scores: Values, y: Target) -> Callable[[Values], tuple[float, Values]]:
    from scipy.special import logsumexp, softmax

    classes = scores.shape[1]
    counts = np.bincount(y, minlength=classes)
    own = (counts[y] + 1) / (counts[y] + classes)
    wanted = np.tile(((1 - own) / (classes - 1))[:, None], (1, classes))
    wanted[np.arange(len(y)), y] = own

    def loss(line: Values) -> tuple[float, Values]:
        odds = line[0] * scores + line[1:]
        value = float((logsumexp(odds, axis=1) - (wanted * odds).sum(1)).mean())
        wrong = softmax(odds, axis=1) - wanted
        return value, np.concatenate(([(wrong * scores).sum(1).mean()], wrong.mean(0)))

    return loss


def _minimum(loss: Callable[[Values], tuple[float, Values]], size: int) -> list[float]:
    """Where the loss, which is convex, is least; the first of its arguments is not negative."""
    from scipy.optimize import minimize

    bounds = [(0.0, _STEEPEST), *[(None, None)] * (size - 1)]
    found = minimize(loss, np.eye(size)[0], jac=True, bounds=bounds, method="L-BFGS-B")
    return [float(value) for value in found.x]
