"""One pass over the activations, feature by feature, that counts everything the statistics need.

Memory: a few bytes for each document, and one number for each pile, stratum and feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.analysis.diff.access import candidates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from saedata.analysis.diff.sides import Design, Source
    from saedata.analysis.diff.strata import Strata


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of all piles.

    Parameters
    ----------
    documents
        int64 [piles, strata].
    on
        int32 [piles, strata, features]: documents where each feature is on.
    sums, squares
        float64 [piles, features]: of the values where it is on.
    """

    documents: NDArray[np.int64]
    on: NDArray[np.int32]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


def count(design: Design, strata: Strata, above: float) -> Tally:
    """Count every feature in every pile, stratum by stratum.

    Parameters
    ----------
    design
        The piles.
    strata
        A stratum for every document.
    above
        What a value must exceed to count.
    """
    cells = [_cells(source, codes, strata.size) for source, codes in zip(design.sources, strata.codes, strict=True)]
    documents = _documents(design, cells, strata.size)
    features = design.frames[0].n_features
    on = np.zeros((len(documents), strata.size, features), dtype=np.int32)
    sums, squares = np.zeros((2, len(documents), features))
    for feature in candidates(design.frames, above).tolist():
        counted = list(_counted(design, cells, strata.size, feature, above))
        on[:, :, feature] = design.arrange([one[0] for one in counted])
        sums[:, feature] = design.arrange([one[1] for one in counted])
        squares[:, feature] = design.arrange([one[2] for one in counted])
    return Tally(documents, on, sums, squares)


def count_by_cluster(
    design: Design, clusters: Strata, above: float
) -> tuple[NDArray[np.int64], Iterator[tuple[int, NDArray[np.int64]]]]:
    """Count in clusters, of which there may be many.

    Returns
    -------
    tuple
        int64 [piles, clusters]: documents; and an iterator over features with their counts [piles, clusters].
    """
    cells = [_cells(source, codes, clusters.size) for source, codes in zip(design.sources, clusters.codes, strict=True)]

    def features() -> Iterator[tuple[int, NDArray[np.int64]]]:
        for feature in candidates(design.frames, above).tolist():
            counted = _counted(design, cells, clusters.size, feature, above, moments=False)
            yield feature, np.asarray(design.arrange([one[0] for one in counted]))

    return _documents(design, cells, clusters.size), features()


def _cells(source: Source, codes: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """Box and stratum of each document in one number; one cell more holds what does not count."""
    return np.where(source.codes < 0, source.boxes * size, source.codes.astype(np.int64) * size + codes)


def _documents(design: Design, cells: list[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    counted = [_boxed(codes, source.boxes, size) for source, codes in zip(design.sources, cells, strict=True)]
    return np.asarray(design.arrange(counted))


def _counted(
    design: Design, cells: list[NDArray[np.int64]], size: int, feature: int, above: float, *, moments: bool = True
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Counts [boxes, size], sums and squares [boxes] of each source."""
    for source, codes in zip(design.sources, cells, strict=True):
        docs, values = source.frame.postings(feature, threshold=above)
        cell = codes[docs]
        counts = _boxed(cell, source.boxes, size)
        if moments:
            exact = values.astype(np.float64)
            powers = (_boxed(cell, source.boxes, size, power).sum(axis=1) for power in (exact, exact * exact))
            yield counts, *powers
        else:
            yield (counts,)


def _boxed(cell: NDArray[np.int64], boxes: int, size: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """Count, or add up weights, in each cell; setting nothing aside first is what makes it fast."""
    return np.bincount(cell, weights, minlength=boxes * size + 1)[:-1].reshape(boxes, size)
