"""Columns for a probe: which SAE features, in which form, on which scale. All of it is learnt from training rows.

A matrix of features is sparse and may be wide: columns are made dense some at a time, and only those that were chosen
stay so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saedata.probing.targets import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.probing.targets import Target

    Float = NDArray[np.float32]
    Rows = Float | sparse.csr_matrix[np.float32]

Select = Literal["mean_difference", "l1", "mutual_information"]

SELECTS: tuple[Select, ...] = ("mean_difference", "l1", "mutual_information")

CANDIDATES = 512
PATH = tuple(float(c) for c in np.logspace(-2.5, -0.5, 9))

CELLS = 1 << 24
"""Numbers of a matrix that are dense at a time."""

_ALPHAS = 40
_STRATA = 10
_SHOWN = {"mean_difference": "", "l1": ", L1 path", "mutual_information": ", mutual information"}


@dataclass(frozen=True)
class Form:
    """What a probe reads of a feature.

    Attributes
    ----------
    threshold
        None: the activation itself. A number: 1 where the activation is above it, else 0.
    relative
        Whether the threshold is a share of the feature's 90th percentile over its non-zero training values.
    select
        How features are ordered. "mean_difference": each for itself, by `rank`; "l1": by when they enter an L1 path,
        so that each adds to those before it; "mutual_information": each for itself, by `information`.
    """

    threshold: float | None = None
    relative: bool = False
    select: Select = "mean_difference"

    def __str__(self) -> str:
        order = _SHOWN[self.select]
        if self.threshold is None:
            return f"value{order}"
        return f"> {self.threshold:g}{' q90' if self.relative else ''}{order}"

    @classmethod
    def parsed(cls, text: str, *, select: Select = "mean_difference") -> Form:
        """Read "value", an absolute threshold such as "0.5", or a share of the 90th percentile such as "0.3q".

        Examples
        --------
        >>> str(Form.parsed("0.3q", select="l1"))
        '> 0.3 q90, L1 path'
        """
        if text == "value":
            return cls(select=select)
        return cls(float(text.removesuffix("q")), relative=text.endswith("q"), select=select)

    def levels(self, x: Float) -> Float:
        """Threshold of each column."""
        if self.threshold is None or not self.relative:
            return np.full(x.shape[1], self.threshold or 0, dtype=np.float32)
        return np.float32(self.threshold) * quantile_of_positives(x, 0.9)

    def apply(self, x: Float, levels: Float) -> Float:
        """Activations in this form."""
        return x if self.threshold is None else (x > levels).astype(np.float32)


def quantile_of_positives(x: Float, q: float) -> Float:
    """Of each column the quantile (linear) of its positive values; 0 where there are none."""
    ordered = np.sort(np.ascontiguousarray(x.T), axis=1)
    counts = (ordered > 0).sum(1)
    at = len(x) - counts + q * np.maximum(counts - 1, 0)
    below = np.minimum(np.floor(at).astype(np.intp), len(x) - 1)
    above = np.minimum(below + 1, len(x) - 1)
    row, part = np.arange(x.shape[1]), (at - below).astype(np.float32)
    found = ordered[row, below] * (1 - part) + ordered[row, above] * part
    return np.where(counts > 0, found, 0).astype(np.float32)


def gaps(x: Float, y: Target) -> NDArray[np.float64]:
    """How far apart each column's means are, [questions, columns]; a question for each class of several.

    Every column is divided by its mean over non-zero values, then compared by the absolute difference of its means over
    the rows of either class: the rule of sae-probes (`get_sorted_indices_new`; Kantamneni et al. 2025, 2502.16681).
    Of several classes each is held against the rest. With numbers it is the absolute correlation.
    """
    kind = kind_of(y)
    if kind == "regression":
        return _correlations(x, y)[None]
    scale = x.sum(0, dtype=np.float64) / ((x != 0).sum(0) + 1e-6) + 1e-6
    asked = (1,) if kind == "binary" else range(int(y.max()) + 1)
    means = ((x[y == c].mean(0, dtype=np.float64), x[y != c].mean(0, dtype=np.float64)) for c in asked)
    return np.stack([np.abs((inside - outside) / scale) for inside, outside in means])


def _correlations(x: Float, y: Target) -> NDArray[np.float64]:
    centred = x - x.mean(0, dtype=np.float64)
    offset = y - y.mean()
    spread = np.sqrt(np.square(centred).sum(0) * np.square(offset).sum())
    return np.asarray(np.divide(np.abs(offset @ centred), spread, out=np.zeros(x.shape[1]), where=spread > 0))


def information(x: Float, y: Target) -> NDArray[np.float64]:
    """Mutual information, in bits, of the target with being off, weakly on, or strongly on; [1, columns].

    Strongly is above the median of a column's positive values. Numbers are cut into tenths.
    """
    strata = y if kind_of(y) != "regression" else np.argsort(np.argsort(y, kind="stable")) * _STRATA // len(y)
    each = np.eye(int(strata.max()) + 1)[strata.astype(np.intp)].T  # [classes, rows]
    on, strong = x > 0, x > quantile_of_positives(x, 0.5)
    counts = np.stack([each @ part.astype(np.float64) for part in (~on, on & ~strong, strong)])
    joint = counts / len(x)  # [levels, classes, columns]
    alone = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    terms = joint * np.log2(np.divide(joint, alone, out=np.ones_like(joint), where=joint > 0))
    return np.asarray(terms.sum((0, 1)))[None]


def in_turn(scores: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """The `most` best columns, best first and equal ones by number; of several questions each names one in turn.

    Examples
    --------
    >>> in_turn(np.array([[3.0, 1.0, 2.0, 0.0], [3.0, 0.0, 0.0, 2.0]]), 3).tolist()
    [0, 2, 3]
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    if len(order) == 1:
        return order[0, :most]
    place = np.argsort(order, axis=1, kind="stable")
    best = place.argmin(0)
    return np.lexsort((best, place.min(0)))[:most]


def rank(x: Float, y: Target, most: int) -> NDArray[np.intp]:
    """The `most` columns that differ most between the classes by `gaps`, best first; equal ones by number."""
    return in_turn(gaps(x, y), most)


def path_order(x: Float, y: Target, most: int) -> NDArray[np.intp]:
    """The `most` columns that enter an L1-penalised regression first, as the penalty weakens.

    The candidates are the 512 best by `rank`; among those that enter at one step the larger weight comes first, and
    what never enters follows in the order of `rank`. Of several classes each has a path against the rest.
    """
    candidates = rank(x, y, max(CANDIDATES, most))
    return candidates[_path_places(x[:, candidates], y)][:most]


def _path_places(kept: Float, y: Target) -> NDArray[np.intp]:
    """Order in which columns enter the path."""
    kind = kind_of(y)
    kept = (kept - kept.mean(0)) / _spread(kept)
    if kind == "multiclass":
        orders = [_entered(*_logistic_path(kept, (y == c).astype(np.int8))) for c in range(int(y.max()) + 1)]
        place = np.argsort(np.stack(orders), axis=1, kind="stable")
        return np.lexsort((np.arange(kept.shape[1]), place.argmin(0), place.min(0)))
    return _entered(*(_lasso_path(kept, y) if kind == "regression" else _logistic_path(kept, y)))


def _entered(entered: NDArray[np.intp], weight: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.lexsort((np.arange(len(entered)), -weight, entered))


def _logistic_path(kept: Float, y: Target) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Step at which each column enters, and its weight there."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    entered = np.full(kept.shape[1], len(PATH))
    weight = np.zeros(kept.shape[1])
    for step, c in enumerate(PATH):
        model = LogisticRegression(solver="liblinear", l1_ratio=1.0, C=c, tol=1e-2, random_state=0).fit(kept, y)
        new = (model.coef_[0] != 0) & (entered == len(PATH))
        entered[new], weight[new] = step, np.abs(model.coef_[0][new])
    return entered, weight


def _lasso_path(kept: Float, y: Target) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    from sklearn.linear_model import lasso_path

    _, weights, _ = lasso_path(kept.astype(np.float64), y - y.mean(), alphas=_ALPHAS, eps=1e-2, tol=1e-2)
    on = weights != 0
    entered = np.where(on.any(1), on.argmax(1), weights.shape[1])
    first = np.minimum(entered, weights.shape[1] - 1)
    return entered, np.abs(weights[np.arange(len(weights)), first])


@dataclass(frozen=True)
class Columns:
    """Columns learnt from training rows, to be made of any rows.

    Attributes
    ----------
    form
        How activations are read.
    chosen
        Columns of the matrix, best first; None: all of them.
    levels, centre, spread
        Threshold, mean and standard deviation of each chosen column over the training rows.
    """

    form: Form
    chosen: NDArray[np.intp] | None
    levels: Float
    centre: Float
    spread: Float

    @classmethod
    def features(cls, rows: Rows, y: Target, form: Form, most: int) -> Columns:
        """The `most` best SAE features in the form's order."""
        by_path = form.select == "l1"
        measure = information if form.select == "mutual_information" else gaps
        levels = np.empty(rows.shape[1], dtype=np.float32)
        scores = []
        for part, x in _blocks(rows):
            levels[part] = form.levels(x)
            scores.append(measure(form.apply(x, levels[part]), y))
        chosen = in_turn(np.concatenate(scores, axis=1), max(CANDIDATES, most) if by_path else most)
        kept = form.apply(np.asfortranarray(_dense(rows, chosen)), levels[chosen])  # sums down columns lose least so
        if by_path:
            order = _path_places(kept, y)[:most]
            chosen, kept = chosen[order], kept[:, order]
        return cls(form, chosen, levels[chosen], kept.mean(0), _spread(kept))

    @classmethod
    def given(cls, rows: Rows, chosen: NDArray[np.intp]) -> Columns:
        """Activations of some features, standardised."""
        kept = _dense(rows, chosen)
        return cls(Form(), chosen, np.zeros(len(chosen), dtype=np.float32), kept.mean(0), _spread(kept))

    def first(self, k: int) -> Columns:
        """The best k of them."""
        assert self.chosen is not None
        return Columns(self.form, self.chosen[:k], self.levels[:k], self.centre[:k], self.spread[:k])

    @classmethod
    def dense(cls, rows: Float) -> Columns:
        """Every column, standardised."""
        return cls(Form(), None, np.zeros(rows.shape[1], dtype=np.float32), rows.mean(0), _spread(rows))

    def of(self, rows: Rows) -> Float:
        """Standardised columns of some rows."""
        x = np.asarray(rows) if self.chosen is None else _dense(rows, self.chosen)
        return ((self.form.apply(x, self.levels) - self.centre) / self.spread).astype(np.float32)


def _blocks(rows: Rows) -> Iterator[tuple[slice, Float]]:
    """Dense columns, some at a time."""
    columns: Any = rows if isinstance(rows, np.ndarray) else rows.tocsc()
    step = max(CELLS // max(rows.shape[0], 1), 1)
    for first in range(0, rows.shape[1], step):
        part = slice(first, min(first + step, rows.shape[1]))
        x = columns[:, part]
        yield part, (x if isinstance(x, np.ndarray) else x.toarray())


def _dense(rows: Rows, chosen: NDArray[np.intp]) -> Float:
    x: Any = rows[:, chosen]
    return x if isinstance(x, np.ndarray) else np.asarray(x.toarray())


def _spread(x: Float) -> Float:
    spread = x.std(0)
    return np.where(spread > 0, spread, 1).astype(np.float32)
