"""Jensen-Shannon divergence of a unit's states between concepts, and what chance alone makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

Priors = Literal["uniform", "empirical"]

_NOTHING = 1e-12  # a share that rounding leaves of none

PRIORS: tuple[Priors, ...] = ("uniform", "empirical")


@dataclass(frozen=True, eq=False)
class Concepts:
    """How many documents each concept has, and how much it weighs.

    Attributes
    ----------
    sizes
        int64 [concepts], each at least 1.
    priors
        float64 [concepts], adding up to 1.
    against
        float64 [concepts]: weight of a concept where it is held against all others, which have the rest.
    """

    sizes: Counts
    priors: Floats
    against: Floats

    @classmethod
    def of(cls, y: Counts, shares: Floats | None = None) -> Concepts:
        """Count the labels, 0 and up.

        Parameters
        ----------
        y
            Concepts of the documents; each has one.
        shares
            Priors of the concepts; None: equal ones, and also of two sides that are held against each other.

        Examples
        --------
        >>> Concepts.of(np.array([0, 1, 1, 1])).priors.tolist()
        [0.5, 0.5]
        """
        sizes = np.bincount(y)
        if shares is None:
            return cls(sizes, np.full(len(sizes), 1 / len(sizes)), np.full(len(sizes), 0.5))
        return cls(sizes, shares, shares)

    def __len__(self) -> int:
        return len(self.sizes)


def divergences(counts: Counts, concepts: Concepts) -> Floats:
    """Jensen-Shannon divergence between all concepts, and of each concept from the others together.

    Parameters
    ----------
    counts
        int [..., states, concepts]: documents of a concept in a state; they add up to the sizes of the concepts.
    concepts
        Their sizes and weights.

    Returns
    -------
    numpy.ndarray
        float64 [..., 1 + concepts], in [0, 1]: that between all concepts as a share of log2 of their number, which is
        the largest there can be with uniform priors; then that of each concept from the others, in bits.

    Notes
    -----
    Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Transactions on Information Theory 37,
    145-151. As a score of units, with uniform priors and the root taken: Fereidouni et al. (arXiv 2508.15094).

    Examples
    --------
    >>> concepts = Concepts.of(np.array([0, 0, 1, 1]))
    >>> divergences(np.array([[2, 0], [0, 2]]), concepts).tolist(), divergences(np.ones((2, 2)), concepts).tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    shares, both, others, mixed = sides(counts, concepts)
    own = _entropy(shares, axis=-2)
    between = (_entropy(both, axis=-1) - own @ concepts.priors) / np.log2(len(concepts))
    apart = _entropy(mixed, axis=-2) - concepts.against * own - (1 - concepts.against) * _entropy(others, axis=-2)
    return np.asarray(np.clip(np.concatenate([between[..., None], apart], axis=-1), 0, 1))


def sides(counts: Counts, concepts: Concepts) -> tuple[Floats, Floats, Floats, Floats]:
    """What is compared: shares of the states, float64 [..., states, concepts] but for the second.

    Parameters
    ----------
    counts, concepts
        As for `divergences`.

    Returns
    -------
    tuple of numpy.ndarray
        Shares in each concept; in all together, [..., states]; in the others of each concept; and in the mixture of a
        concept and its others.
    """
    shares = counts / concepts.sizes
    both = shares @ concepts.priors
    others = (both[..., None] - concepts.priors * shares) / (1 - concepts.priors)
    others = np.where(others > _NOTHING, others, 0)
    return shares, both, others, concepts.against * shares + (1 - concepts.against) * others


def _entropy(shares: Floats, *, axis: int) -> Floats:
    """In bits."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(axis=axis))


@dataclass(frozen=True, eq=False)
class Chance:
    """Divergences under permutations of the labels: float64 [1 + concepts] each."""

    mean: Floats
    variance: Floats


class Chances:
    """What the divergences are where labels say nothing, found by drawing tables with the margins of a unit's.

    Permuting the labels leaves the sizes of states and concepts as they are, and every unit whose states have the same
    sizes, to within a hundredth, has the same chances; so they are drawn once. Tables with given margins are drawn by
    Patefield's algorithm (AS 159, 1981), which takes no longer for a million documents than for a thousand.

    Parameters
    ----------
    concepts
        Sizes and weights.
    draws
        Permutations, at least 2.
    seed
        Of the draws.
    """

    def __init__(self, concepts: Concepts, *, draws: int, seed: int) -> None:
        self._concepts, self._draws, self._seed = concepts, draws, seed
        self._known: dict[bytes, Chance] = {}

    def of(self, states: Counts) -> Chance:
        """Chances of a unit with these documents in its states (int64 [states], adding up to all documents)."""
        from scipy.stats import random_table

        sizes = _alike(np.sort(states[states > 0])[::-1])
        key = sizes.tobytes()
        if key not in self._known:
            rng = np.random.default_rng([self._seed, *sizes.tolist()])
            tables = random_table.rvs(sizes, self._concepts.sizes, size=self._draws, random_state=rng)
            found = divergences(tables.astype(np.int64), self._concepts)
            self._known[key] = Chance(found.mean(axis=0), found.var(axis=0, ddof=1))
        return self._known[key]


def _alike(sizes: Counts) -> Counts:
    """Round sizes (descending) from 128 on to seven bits, so that many units share them; the first takes the rest."""
    step = 1 << np.maximum(np.log2(sizes).astype(np.int64) - 6, 0)
    rounded = (sizes + step // 2) // step * step
    rounded[0] += sizes.sum() - rounded.sum()
    return np.sort(rounded)[::-1] if rounded[0] > 0 else sizes


def corrected(found: Floats, expected: Floats) -> Floats:
    """Take out what chance would give, so that chance is 0 and complete separation still 1; never below 0.

    Notes
    -----
    The adjustment for chance of Vinh, N. X., Epps, J. and Bailey, J. (2010), Information theoretic measures for
    clusterings comparison, JMLR 11, 2837-2854, here for divergences.

    Examples
    --------
    >>> corrected(np.array([0.1, 0.55, 1.0]), np.array([0.1, 0.1, 0.1])).round(9).tolist()
    [0.0, 0.5, 1.0]
    """
    room = 1 - expected
    adjusted = np.divide(found - expected, room, out=np.zeros_like(found), where=room > 0)
    return np.maximum(adjusted, 0)


def chance_p(found: Floats, mean: Floats, variance: Floats) -> Floats:
    """P that labels which say nothing reach a divergence: the tail of the gamma distribution with those moments.

    Twice N ln 2 times the divergence is, with empirical priors, the likelihood ratio statistic G, which goes to a
    chi-squared distribution, a gamma one; matching the moments of permutations keeps that right for few documents.

    Examples
    --------
    >>> chance_p(np.array([0.0, 0.1]), np.full(2, 0.01), np.full(2, 1e-4)).round(6).tolist()
    [1.0, 4.5e-05]
    """
    from scipy.special import gammaincc

    varies = (variance > 0) & (mean > 0)
    scale = np.divide(variance, mean, out=np.ones_like(mean), where=varies)
    shape = np.where(varies, mean / scale, 1.0)
    return np.where(varies, gammaincc(shape, found / scale), 1.0)
