"""The documents that keep most of what a corpus has: a subset that covers its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.counted import counted
from saedata.errors import InputError
from saedata.progress import progress
from saedata.rows import Rows
from saedata.stats.subsets import expected_share, subset_sizes
from saedata.weights import feature_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates
    from saedata.weights import Weights

STEP = 256
"""Documents chosen before the progress bar moves."""


def select(
    frame: Embeddings,
    *,
    documents: int,
    weights: Weights = "equal",
    duplicates: Duplicates = "once",
    threshold: float | None = None,
) -> pl.DataFrame:
    """Choose the documents that together turn most of the corpus's features on.

    Each document chosen is the one that adds most to those before it; of equal ones the first. So the first n rows
    are the choice of n documents.

    Parameters
    ----------
    frame
        The corpus; with ``frame.select(...)`` only some features are to be covered.
    documents
        How many to choose, at most as many as there are.
    weights
        What covering a feature counts: "equal", "rare" (density ** -0.5), or a table with columns ``feature`` and
        ``weight`` (0 or more; features not in it count nothing).
    duplicates
        "once": of documents of equal text only the first can be chosen; "keep": each.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.

    Returns
    -------
    polars.DataFrame
        ``doc``, ``rank`` (from 1), ``gain`` (weight of the features that no earlier row turns on; with equal
        weights their number) and ``coverage`` (share of the corpus's weight that is on by this row).

    Raises
    ------
    InputError
        If there are not so many documents, no feature with a weight is on, or an option is out of range.

    Notes
    -----
    Exact greedy choice, which reaches at least 1 - 1/e = 63 % of what the best n documents cover (Nemhauser, G. L.,
    Wolsey, L. A. and Fisher, M. L. (1978), Mathematical Programming 14, 265-294).
    Once all is covered, gain is 0; from there a feature that c chosen documents have adds weight / (c + 1), so that
    further documents support first what few of them have. This too is submodular, and chosen greedily.
    """
    rows, weight, _ = _prepared(frame, documents, weights, duplicates, threshold)
    chosen, gain = _choose(rows, weight, documents)
    return pl.DataFrame(
        {
            "doc": rows.docs[chosen],
            "rank": np.arange(1, documents + 1, dtype=np.uint32),
            "gain": gain,
            "coverage": _shares(gain, weight),
        }
    )


def coverage_curve(
    frame: Embeddings,
    *,
    documents: int,
    weights: Weights = "equal",
    duplicates: Duplicates = "once",
    threshold: float | None = None,
) -> pl.DataFrame:
    """Hold the coverage of chosen documents against that of as many random ones.

    Parameters
    ----------
    frame, documents, weights, duplicates, threshold
        As for `select`.

    Returns
    -------
    polars.DataFrame
        ``documents`` (each number up to 100, then about 100 more), ``selected`` and ``random``: share of the
        weight of all features that the first so many chosen documents turn on, and that random ones turn on, in
        exact expectation over all subsets.

    Raises
    ------
    InputError
        As `select`.
    """
    rows, weight, on = _prepared(frame, documents, weights, duplicates, threshold)
    selected = _shares(_choose(rows, weight, documents)[1], weight)
    sizes = subset_sizes(documents)
    random = expected_share(on[on > 0], len(rows), sizes, weight[on > 0])
    return pl.DataFrame({"documents": sizes.astype(np.uint32), "selected": selected[sizes - 1], "random": random})


def _prepared(
    frame: Embeddings, documents: int, weights: Weights, duplicates: Duplicates, threshold: float | None
) -> tuple[Rows, NDArray[np.float64], NDArray[np.int64]]:
    """The documents to choose from, the weight of each feature that is on, and in how many documents it is."""
    incidence = counted(frame, duplicates=duplicates, threshold=threshold)
    if not 1 <= documents <= len(incidence):
        msg = f"documents is {documents}; {frame.name} has {len(incidence)} to choose from, so it must be 1 to that"
        raise InputError(msg)
    on = frame.documents_on(threshold=threshold, docs=incidence.docs)
    weight = np.where(on > 0, feature_weights(weights, on, len(incidence)), 0.0)
    if not weight.sum() > 0:
        msg = f"no feature with a weight above 0 is on in {frame.name}, so there is nothing to cover"
        raise InputError(msg)
    return Rows.of(incidence), weight, on


def _shares(gain: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.minimum(np.cumsum(gain) / weight.sum(), 1.0))


def _choose(rows: Rows, weight: NDArray[np.float64], documents: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions of the chosen documents and what each covers: first till all is covered, then again and again."""
    from saedata.analysis.greedy import choose, heapify

    chosen, gain = np.zeros(documents, dtype=np.int64), np.zeros(documents)
    times = np.zeros(len(weight), dtype=np.int64)
    picks = 0
    with progress("choosing documents", total=documents, unit="documents") as done:
        for again in (0, 1):
            if picks == documents:
                break
            worth = weight / (times + 1.0)
            bound = rows.sums(worth)
            heap = np.setdiff1d(np.arange(len(rows), dtype=np.int64), chosen[:picks])
            heapify(heap, len(heap), bound)
            looked = np.full(len(rows), picks, dtype=np.int64)
            before = -1
            while before < picks < documents:
                before = picks
                span = np.array((picks, min(picks + STEP, documents)))
                picks = choose(
                    rows.pointers, rows.features, weight, worth, times,
                    heap, bound, looked, span, chosen, gain, again,
                )  # fmt: skip
                done(picks - before)
    return chosen, gain
