"""How many documents of a language are enough to find its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.languages.found import Shares, Thresholds, shares_of
from saedata.analysis.languages.result import CONVERGENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.languages.documents import Tongues

SIZES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MEAN = "mean"


def convergence_rows(
    docs: Tongues,
    random: NDArray[np.float64] | None,
    found: Sequence[NDArray[np.intp]],
    limits: Thresholds,
    *,
    repeats: int,
    seed: int,
) -> pl.DataFrame:
    """Find features again from few training documents of every language.

    Parameters
    ----------
    docs
        All documents.
    random
        Shares of random sequences.
    found
        Features from all training documents.
    limits
        The thresholds.
    repeats
        Random choices of documents of each size, whose figures are averaged.
    seed
        Of these choices.
    """
    train, y = docs.train, docs.y[docs.train]
    smallest = int(np.bincount(y, minlength=len(docs.names)).min())
    rows: list[tuple[str, int, float, float]] = []
    for size in [one for one in SIZES if one < smallest]:
        counts, alike = np.zeros(len(docs.names)), np.zeros(len(docs.names))
        for repeat in range(repeats):
            rng = np.random.default_rng((seed, size, repeat))
            part = np.concatenate([rng.choice(train[y == one], size, replace=False) for one in range(len(docs.names))])
            again = Shares(shares_of(docs.rows[part], docs.y[part], len(docs.names), docs.threshold), random)
            sets = again.found(limits)
            counts += [len(own) for own in sets]
            alike += [_jaccard(own, whole) for own, whole in zip(sets, found, strict=True)]
        rows += [(name, size, counts[one] / repeats, alike[one] / repeats) for one, name in enumerate(docs.names)]
        rows.append((MEAN, size, float(counts.mean()) / repeats, float(alike.mean()) / repeats))
    return pl.DataFrame(rows, schema=CONVERGENCE, orient="row")


def _jaccard(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    either = len(np.union1d(a, b))
    return len(np.intersect1d(a, b)) / either if either else 1.0
