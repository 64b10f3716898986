"""Each unit, one after the other: how far concepts are apart in its values, and how far they would be by chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.separability.divergence import Chances, Concepts, chance_p, corrected, divergences
from saedata.analysis.separability.intervals import distance_interval, variances
from saedata.analysis.separability.states import bins_for, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.analysis.separability.states import Spacing
    from saedata.analysis.separability.units import Column, Units

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_EQUAL = 1e-9  # divergences that differ by less are the same, but for rounding


@dataclass(frozen=True, eq=False)
class Estimator:
    """How divergences are estimated; see `separability`.

    Attributes
    ----------
    bins, spacing, permutations, seed
        As there.
    shares
        Priors of the concepts; None: equal ones.
    level
        Confidence level of the intervals.
    """

    bins: int
    spacing: Spacing
    permutations: int
    seed: int
    shares: Floats | None = None
    level: float = 0.95

    def table(self, column: Column, y: Counts, concepts: Concepts, *, sparse: bool) -> Counts:
        """Count a unit's states by concept, int64 [states, concepts]; of a sparse unit the first one is "off".

        Dense units get one bin more than a feature has beside being off, so that both have equally many states.
        """
        k = len(concepts)
        bins = bins_for(len(column.values), k, self.bins) + (not sparse)
        states = cut(column.values, bins, spacing=self.spacing) + sparse
        counts = np.bincount(states * k + y[column.positions], minlength=(bins + sparse) * k).reshape(-1, k)
        if sparse:
            counts[0] = concepts.sizes - counts.sum(axis=0)
        return counts


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found of some units, in arrays of [units, ...].

    Attributes
    ----------
    numbers
        Of the units.
    concepts
        Their sizes and priors.
    found, expected
        Squared distances, float64 [units, 1 + concepts]: between all concepts, and of each from the others; those
        expected where labels say nothing.
    p
        Of the first.
    on, means, strengths
        float32 [units, concepts]: share of a concept's documents where the unit is on, mean of its values there (0
        where it is off), and mean of their magnitudes.
    low, high
        Ends of the intervals of the corrected distances, float64 [units, 1 + concepts].
    wasserstein, spread
        Distance of the concept that is told best from the others, and standard deviation over all documents.
    documents
        int64 [units]: where it is on.
    live
        Whether the unit is on in at least one document (a dense one: has two different values).
    """

    numbers: Counts
    concepts: Concepts
    found: Floats
    expected: Floats
    p: Floats
    low: Floats
    high: Floats
    on: NDArray[np.float32]
    means: NDArray[np.float32]
    strengths: NDArray[np.float32]
    wasserstein: Floats
    spread: Floats
    documents: Counts
    live: NDArray[np.bool_]

    @cached_property
    def js(self) -> Floats:
        """Distances corrected for chance, float64 [units, 1 + concepts], in [0, 1]."""
        return np.sqrt(corrected(self.found, self.expected))

    @cached_property
    def concept(self) -> Counts:
        """The concept that a unit tells best from the others."""
        return best_concept(self.js[:, 1:], self.means)

    def rest(self, shares: NDArray[np.floating]) -> Floats:
        """Mean over the other concepts of shares or means by concept, each concept by its prior."""
        priors = self.concepts.priors
        return np.asarray(((shares @ priors)[:, None] - shares * priors) / (1 - priors), dtype=np.float64)


def best_concept(js: Floats, means: NDArray[np.floating]) -> Counts:
    """For each unit the concept with the largest distance; of equal ones, such as one of two, that of larger values.

    Examples
    --------
    >>> best_concept(np.array([[0.3, 0.3], [0.1, 0.4]]), np.array([[1.0, 2.0], [1.0, 0.0]])).tolist()
    [1, 1]
    """
    equal = js >= js.max(axis=1, keepdims=True) - _EQUAL
    return np.asarray(np.where(equal, means, -np.inf).argmax(axis=1), dtype=np.int64)


def measure(
    units: Units,
    rows: Counts,
    y: Counts,
    estimator: Estimator,
    *,
    done: Callable[[int], object] = lambda _: None,
) -> Measured:
    """Look at every unit once.

    Parameters
    ----------
    units
        Where their values come from.
    rows
        Ascending positions of the documents.
    y
        int64 [rows], their concepts, 0 and up; each has a document.
    estimator
        How distances are estimated.
    done
        Called with 1 for each unit.
    """
    concepts = Concepts.of(y, estimator.shares)
    chances = Chances(concepts, draws=estimator.permutations, seed=estimator.seed)
    size, k = len(units.numbers), len(concepts)
    found, expected, chance_variance, variance = np.zeros((4, size, 1 + k))
    on, means, strengths = np.zeros((3, size, k), dtype=np.float32)
    wasserstein, spread = np.zeros((2, size))
    documents = np.zeros(size, dtype=np.int64)
    for at, column in enumerate(units.columns(rows)):
        done(1)
        if not _varies(column, sparse=units.sparse):
            continue
        documents[at] = len(column.positions)
        table = estimator.table(column, y, concepts, sparse=units.sparse)
        chance = chances.of(table.sum(axis=1))
        found[at], variance[at] = divergences(table, concepts), variances(table, concepts)
        expected[at], chance_variance[at] = chance.mean, chance.variance
        own = y[column.positions]
        on[at] = (table[1:].sum(axis=0) if units.sparse else concepts.sizes) / concepts.sizes
        means[at] = np.bincount(own, column.values, minlength=k) / concepts.sizes
        strengths[at] = np.bincount(own, np.abs(column.values), minlength=k) / concepts.sizes
        told = best_concept(np.sqrt(corrected(found[at], expected[at]))[None, 1:], means[at][None])[0]
        wasserstein[at] = wasserstein_distance(column, own, concepts, int(told), sparse=units.sparse)
        spread[at] = _spread(column.values, len(y))
    live = documents > 0
    p = np.where(live, chance_p(found[:, 0], expected[:, 0], chance_variance[:, 0]), np.nan)
    # Chance varies where concepts are nearly equal, and the first order says nothing.
    ends = distance_interval(found, expected, variance + chance_variance, level=estimator.level)
    shares = (on, means, strengths)
    return Measured(units.numbers, concepts, found, expected, p, *ends, *shares, wasserstein, spread, documents, live)


def _varies(column: Column, *, sparse: bool) -> bool:
    return bool(len(column.values)) and (sparse or bool(np.ptp(column.values) > 0))


def _spread(values: NDArray[np.floating], documents: int) -> float:
    """Standard deviation of values and of zeros for all other documents."""
    whole = values.astype(np.float64)
    mean = whole.sum() / documents
    away = np.square(whole - mean).sum() + (documents - len(whole)) * mean**2
    return float(np.sqrt(away / documents))


def wasserstein_distance(column: Column, own: Counts, concepts: Concepts, concept: int, *, sparse: bool) -> float:
    """First Wasserstein distance between a unit's values in one concept and in the others, each by its prior.

    Parameters
    ----------
    column
        The unit.
    own
        Concepts of the documents at the column's positions.
    concepts
        Their sizes and priors.
    concept
        The one.
    sparse
        Whether all other documents have the value 0.

    Notes
    -----
    As a score of units: PolySAE (arXiv 2602.01322).
    """
    weight = -concepts.priors / (1 - concepts.priors[concept]) / concepts.sizes
    weight[concept] = 1 / concepts.sizes[concept]
    order = np.argsort(column.values, kind="stable")
    values, weights = column.values[order].astype(np.float64), weight[own[order]]
    if sparse:  # all weights together are 0, so documents that are off have what the others lack
        values, weights = np.concatenate([[0.0], values]), np.concatenate([[-weights.sum()], weights])
    return float((np.abs(np.cumsum(weights)[:-1]) * np.diff(values)).sum())
