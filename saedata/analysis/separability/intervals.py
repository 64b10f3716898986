"""How sure an estimated divergence is, by the delta method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.separability.divergence import corrected, sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.separability.divergence import Concepts

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]


def variances(counts: Counts, concepts: Concepts) -> Floats:
    """Variance of what `divergences` gives, to the first order, where each concept's documents are a random sample.

    Parameters
    ----------
    counts
        int [states, concepts].
    concepts
        Their sizes and weights.

    Returns
    -------
    numpy.ndarray
        float64 [1 + concepts]; 0 where the concepts are equal, as there only the second order counts.

    Notes
    -----
    The derivative of a divergence by a concept's share of a state is its weight times the logarithm of that share over
    the mixture's.

    Examples
    --------
    >>> from saedata.analysis.separability.divergence import Concepts
    >>> concepts = Concepts.of(np.repeat([0, 1], 100))
    >>> variances(np.array([[90, 10], [10, 90]]), concepts).round(5).tolist()
    [0.00452, 0.00452, 0.00452]
    """
    shares, both, others, mixed = sides(counts, concepts)
    sizes, priors, against = concepts.sizes, concepts.priors, concepts.against
    away = _log_ratio(shares, both[:, None])
    between = (priors**2 / sizes * _variance(away, shares)).sum() / np.log2(len(concepts)) ** 2
    own = against**2 / sizes * _variance(_log_ratio(shares, mixed), shares)
    rest = _log_ratio(others, mixed)
    spread = np.square(rest).T @ shares - np.square(rest.T @ shares)  # [concept against the others, one of these]
    weight = (1 - against)[:, None] * priors / (1 - priors)[:, None]
    np.fill_diagonal(weight, 0)
    return np.concatenate([[between], own + (weight**2 / sizes * np.maximum(spread, 0)).sum(axis=1)])


def _log_ratio(shares: Floats, mixture: Floats) -> Floats:
    """In bits; 0 where there is no share."""
    ratio = np.divide(shares, mixture, out=np.ones_like(shares), where=shares > 0)
    return np.asarray(np.log2(ratio))


def _variance(values: Floats, shares: Floats) -> Floats:
    """Variance of values over states, for each concept with its own shares."""
    mean = (values * shares).sum(axis=0)
    return np.asarray(np.maximum((np.square(values) * shares).sum(axis=0) - mean**2, 0))


def distance_interval(found: Floats, expected: Floats, variance: Floats, *, level: float) -> tuple[Floats, Floats]:
    """Interval of a corrected distance.

    Parameters
    ----------
    found, expected
        Divergences, and those expected by chance.
    variance
        Of the former.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of numpy.ndarray
        Low and high, in [0, 1], on the scale of the distance (the root of the corrected divergence).

    Examples
    --------
    >>> low, high = distance_interval(np.array([0.3]), np.array([0.01]), np.array([0.0001]), level=0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.523], [0.559])
    """
    from scipy.special import ndtri

    half = float(ndtri((1 + level) / 2)) * np.sqrt(variance)
    return np.sqrt(corrected(found - half, expected)), np.sqrt(np.minimum(corrected(found + half, expected), 1))
