"""Direct against indirect links: couplings of features given all the other features.

If a goes with b and b goes with c, then a goes with c, too. The sparse inverse of the covariance matrix tells which
of the links remain when the others are held fixed: the graphical lasso (Friedman, Hastie and Tibshirani 2008), solved
by the alternating direction method of multipliers (Boyd et al. 2011, section 6.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.analysis.correlate.null import Margins
from saedata.cooccur import Cooccurrence, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.incidence import Incidence

    Array = NDArray[Any]

PENALTY = 0.02
"""On the scale of correlations; links weaker than about this vanish."""

RIDGE = 0.01
ROUNDS = 300
TOLERANCE = 1e-5


def couplings(
    incidence: Incidence, features: Array, margins: Margins, *, penalty: float = PENALTY
) -> NDArray[np.float64]:
    """Partial correlations between features, within strata of document length.

    Parameters
    ----------
    incidence
        Where the features are on.
    features
        Their numbers, at most a few hundred.
    margins
        Margins of these features, in the same order.
    penalty
        What the graphical lasso takes off; larger: fewer links remain.

    Returns
    -------
    numpy.ndarray
        float64 [features, features], in [-1, 1]; 0 where no direct link remains, 1 on the diagonal.
    """
    both = _counts(incidence, features, margins)
    rates = margins.on / np.sqrt(margins.documents)
    covariance = both - rates @ rates.T  # pooled within strata, times the number of documents
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    return partial_correlations(covariance / np.outer(spread, spread), penalty=penalty)


def partial_correlations(correlation: Array, *, penalty: float = PENALTY) -> NDArray[np.float64]:
    """Partial correlations from the sparse inverse of a correlation matrix.

    Examples
    --------
    >>> chain = np.array([[1, 0.6, 0.36], [0.6, 1, 0.6], [0.36, 0.6, 1]])
    >>> partial_correlations(chain, penalty=0.01).round(1).tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    size = len(correlation)
    target = correlation + RIDGE * np.eye(size)
    off = penalty * (1 - np.eye(size))
    sparse, dual, step = np.eye(size), np.zeros((size, size)), 1.0
    for _ in range(ROUNDS):
        values, vectors = np.linalg.eigh(step * (sparse - dual) - target)
        roots = (values + np.sqrt(values**2 + 4 * step)) / (2 * step)
        dense = (vectors * roots) @ vectors.T
        before, sparse = sparse, _shrunk(dense + dual, off / step)
        dual += dense - sparse
        primal, change = np.linalg.norm(dense - sparse), step * np.linalg.norm(sparse - before)
        if max(primal, change) < TOLERANCE * size:
            break
        if (ratio := 2.0 if primal > 10 * change else 0.5 if change > 10 * primal else 1.0) != 1.0:
            step *= ratio  # keeps both residuals of a size, so that neither lags behind (Boyd et al., section 3.4)
            dual /= ratio
    scale = np.sqrt(np.diag(sparse))
    partial = -sparse / np.outer(scale, scale)
    np.fill_diagonal(partial, 1.0)
    return np.asarray(np.clip(partial + 0.0, -1, 1), dtype=np.float64)


def _shrunk(values: Array, by: Array) -> Array:
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - by, 0))


def _counts(incidence: Incidence, features: Array, margins: Margins) -> NDArray[np.float64]:
    """Documents with both, for all pairs; on the diagonal documents with the one."""
    numbers = np.sort(features)
    side = Side.of(incidence, numbers, margins.total[np.argsort(features)])
    table = np.zeros((len(features), len(features)))
    for block in Cooccurrence(side).blocks():
        for row in range(block.first, block.stop):
            start = block.base[row - block.first]
            table[row, row + 1 :] = block.cells[start + row + 1 : start + len(features)]
    table += table.T
    place = np.argsort(side.features)[np.searchsorted(numbers, features)]
    table = table[np.ix_(place, place)]
    np.fill_diagonal(table, margins.total)
    return table
