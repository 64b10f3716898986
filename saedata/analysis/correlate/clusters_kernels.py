"""The compiled loop behind `clusters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def score(
    flags: Array, docs: Array, cell: Array, cells: tuple[Array, Array, Array], x: tuple[Array, Array],
    y: tuple[Array, Array], both: Array,
) -> float:  # fmt: skip
    """Sum over clusters of what each adds to the documents with both features, over the root of the sum of squares.

    ``flags`` says by document where the one is on, ``docs`` lists the documents of the other, ``cell`` tells each
    document's cell; ``cells`` are the cluster, the stratum and the documents of each cell, by cluster. ``x`` and ``y``
    are documents on in each cell, and shares by stratum. ``both`` is all zero before and after.
    """
    cluster, stratum, documents = cells
    for doc in docs:
        if flags[doc]:
            both[cell[doc]] += 1
    total, squares, added = 0.0, 0.0, 0.0
    for k in range(len(cluster)):
        a, b = x[1][stratum[k]], y[1][stratum[k]]
        added += both[k] - x[0][k] * b - y[0][k] * a + documents[k] * (a * b)
        both[k] = 0
        if k + 1 == len(cluster) or cluster[k + 1] != cluster[k]:
            total += added
            squares += added * added
            added = 0.0
    return total / np.sqrt(squares) if squares > 0 else 0.0
