"""From values to a few states, so that the distributions of a unit in several concepts can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Spacing = Literal["quantile", "width"]

SPACINGS: tuple[Spacing, ...] = ("quantile", "width")

EXPECTED = 5
"""Documents of each concept that a bin holds on average, at least; a unit with fewer values gets fewer bins."""


def bins_for(values: int, concepts: int, bins: int) -> int:
    """Bins of a unit that is on in so many documents, of `bins` at most.

    Ten documents in ten bins tell nothing about the height of their values, and the noise of estimates grows with the
    number of bins.

    Examples
    --------
    >>> bins_for(1000, 4, 10), bins_for(100, 4, 10), bins_for(3, 4, 10)
    (10, 5, 1)
    """
    return max(1, min(bins, values // (concepts * EXPECTED)))


def cut(values: NDArray[np.floating], bins: int, *, spacing: Spacing) -> NDArray[np.int64]:
    """Put values into bins.

    Parameters
    ----------
    values
        Of one unit, in any order.
    bins
        How many, at least 1.
    spacing
        "quantile": equally many values in each, as far as equal values, which share a bin, allow; "width": bins of
        equal width from the smallest to the largest value.

    Returns
    -------
    numpy.ndarray
        int64 [values], from 0; larger values are never in a lower bin.

    Examples
    --------
    >>> values = np.array([1.0, 9.0, 2.0, 2.0])
    >>> cut(values, 2, spacing="quantile").tolist(), cut(values, 2, spacing="width").tolist()
    ([0, 1, 1, 1], [0, 1, 0, 0])
    """
    return states_of(values, edges_of(values, bins, spacing=spacing))


def edges_of(values: NDArray[np.floating], bins: int, *, spacing: Spacing) -> NDArray[np.floating]:
    """Where the second bin begins, the third, and so on.

    Examples
    --------
    >>> edges_of(np.array([4.0, 1.0, 3.0, 2.0]), 2, spacing="quantile").tolist()
    [3.0]
    """
    if spacing == "width":
        return np.linspace(values.min(initial=np.inf), values.max(initial=-np.inf), bins + 1)[1:-1]
    begins = -(-np.arange(1, bins) * len(values) // bins)  # fewer values than bins have one each
    return np.sort(values)[np.unique(begins[begins < len(values)])]


def states_of(values: NDArray[np.floating], edges: NDArray[np.floating]) -> NDArray[np.int64]:
    """Bins of values, from 0; a value belongs to the bin of the last edge that it reaches."""
    return np.searchsorted(edges, values, side="right").astype(np.int64)
