"""Columns for a probe: which SAE features, in which form, on which scale. All of it is learnt from training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Float = NDArray[np.float32]
Rows = Float | sparse.csr_matrix[np.float32]

CANDIDATES = 512
PATH = tuple(float(c) for c in np.logspace(-2.5, -0.5, 9))


@dataclass(frozen=True)
class Form:
    """What a probe reads of a feature.

    Attributes
    ----------
    threshold
        None: the activation itself. A number: 1 where the activation is above it, else 0.
    relative
        Whether the threshold is a share of the feature's 90th percentile over its non-zero training values.
    by_path
        Whether features are ordered by when they enter an L1 path, so that each adds to those before it, and not each
        for itself by `rank`.
    """

    threshold: float | None = None
    relative: bool = False
    by_path: bool = False

    def __str__(self) -> str:
        order = ", L1 path" if self.by_path else ""
        if self.threshold is None:
            return f"value{order}"
        return f"> {self.threshold:g}{' q90' if self.relative else ''}{order}"

    @classmethod
    def parsed(cls, text: str) -> Form:
        """Read "value", an absolute threshold such as "0.5", or a share of the 90th percentile such as "0.3q"."""
        if text == "value":
            return cls()
        return cls(float(text.removesuffix("q")), relative=text.endswith("q"))

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


def rank(x: Float, y: NDArray[np.int8], most: int) -> NDArray[np.intp]:
    """The `most` columns that differ most between the classes, best first; equal ones by number.

    Every column is divided by its mean over non-zero values, then ranked by the absolute difference of its means over
    the rows of either class: the rule of sae-probes (`get_sorted_indices_new`; Kantamneni et al. 2025, 2502.16681).
    """
    scale = x.sum(0, dtype=np.float64) / ((x != 0).sum(0) + 1e-6) + 1e-6
    gap = (x[y == 1].mean(0, dtype=np.float64) - x[y == 0].mean(0, dtype=np.float64)) / scale
    return np.argsort(-np.abs(gap), kind="stable")[:most]


def path_order(x: Float, y: NDArray[np.int8], most: int) -> NDArray[np.intp]:
    """The `most` columns that enter an L1-penalised logistic regression first, as the penalty weakens.

    The candidates are the 512 best by `rank`; among those that enter at one step the larger weight comes first, and
    what never enters follows in the order of `rank`.
    """
    from sklearn.linear_model import LogisticRegression

    candidates = rank(x, y, CANDIDATES)
    kept = x[:, candidates]
    kept = (kept - kept.mean(0)) / _spread(kept)
    entered = np.full(len(candidates), len(PATH))
    weight = np.zeros(len(candidates))
    for step, c in enumerate(PATH):
        model = LogisticRegression(solver="liblinear", l1_ratio=1.0, C=c, tol=1e-2, random_state=0).fit(kept, y)
        new = (model.coef_[0] != 0) & (entered == len(PATH))
        entered[new], weight[new] = step, np.abs(model.coef_[0][new])
    return candidates[np.lexsort((np.arange(len(candidates)), -weight, entered))][:most]


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
    def features(cls, rows: Rows, y: NDArray[np.int8], form: Form, most: int) -> Columns:
        """The `most` best SAE features by `rank`."""
        x = rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
        levels = form.levels(x)
        chosen = (path_order if form.by_path else rank)(form.apply(x, levels), y, most)
        kept = form.apply(x[:, chosen], levels[chosen])
        return cls(form, chosen, levels[chosen], kept.mean(0), _spread(kept))

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
        x = rows if self.chosen is None else rows[:, self.chosen]
        x = x.toarray() if sparse.issparse(x) else np.asarray(x)
        return ((self.form.apply(x, self.levels) - self.centre) / self.spread).astype(np.float32)


def _spread(x: Float) -> Float:
    spread = x.std(0)
    return np.where(spread > 0, spread, 1).astype(np.float32)
