"""LangFIR: features that are on in one language, and neither in random tokens nor in other languages (2604.03532)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product, starmap
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from saedata.probing.targets import macro_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Values = NDArray[np.float64]

Others = Literal["largest", "mean"]
"""Which share in the other languages counts: the largest, so that a feature is a language's own, or their mean, so that
closely related languages may share it."""

ALPHAS, BETAS, GAMMAS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9), (0.02, 0.1, 0.3), (0.02, 0.05, 0.1, 0.2, 0.4)
"""What `tune` chooses from."""


@dataclass(frozen=True)
class Thresholds:
    """What makes a feature one of a language; ours, as the paper's are not told.

    Attributes
    ----------
    alpha
        Least share of the language's documents where it is on.
    beta
        Largest share of the random sequences.
    gamma
        Largest share of the documents of the other languages.
    others
        What their share is.
    """

    alpha: float
    beta: float
    gamma: float
    others: Others = "largest"


@dataclass(frozen=True, eq=False)
class Shares:
    """Where features are on.

    Attributes
    ----------
    languages
        Share of each language's documents, [languages, features].
    random
        Share of the random sequences, [features]; None: there are none.
    """

    languages: Values
    random: Values | None

    def elsewhere(self, others: Others = "largest") -> Values:
        """The share in the other languages, [languages, features]; 0 where there is none."""
        count = len(self.languages)
        if count == 1:
            return np.zeros_like(self.languages)
        if others == "mean":
            return np.asarray((self.languages.sum(0) - self.languages) / (count - 1))
        ordered = np.sort(self.languages, axis=0)
        largest, second = ordered[-1], ordered[-2]
        return np.asarray(np.where(self.languages == largest, second, largest))

    def found(self, limits: Thresholds, *, filtered: bool = True) -> list[NDArray[np.intp]]:
        """Features of each language, the most selective first; `filtered`: without those of random sequences."""
        others = self.elsewhere(limits.others)
        kept = (self.languages >= limits.alpha) & (others <= limits.gamma) & (self.languages > others)
        if filtered and self.random is not None:
            kept &= self.random <= limits.beta
        worth = self.languages - others
        return [np.flatnonzero(own)[np.argsort(-gap[own], kind="stable")] for own, gap in zip(kept, worth, strict=True)]


def shares_of(rows: csr_matrix, y: NDArray[np.int64], languages: int, threshold: float) -> Values:
    """Share of the documents of each language in which each feature is on, [languages, features].

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> shares_of(csr_matrix([[2.0, 0], [1, 1], [0, 3]]), np.array([0, 0, 1]), 2, 1.0).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    on = rows.data > np.float32(threshold)
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[on]
    cells = y[row] * rows.shape[1] + rows.indices[on]
    counts = np.bincount(cells, minlength=languages * rows.shape[1]).reshape(languages, rows.shape[1])
    sizes = np.maximum(np.bincount(y, minlength=languages), 1)
    return np.asarray(counts / sizes[:, None])


def tuned(
    rows: csr_matrix,
    y: NDArray[np.int64],
    random: Values | None,
    *,
    languages: int,
    threshold: float,
    most: int,
    held: NDArray[np.bool_],
) -> Thresholds:
    """Thresholds whose features tell held-out training documents apart best, by naive Bayes on at most `most` of each.

    Parameters
    ----------
    rows, y
        Training documents.
    random
        Shares of random sequences.
    languages
        How many there are.
    threshold
        Above which a feature is on.
    most
        Features of each language, taken `in_turns`.
    held
        Which of the documents are held out.
    """
    shares = Shares(shares_of(rows[~held], y[~held], languages, threshold), random)
    counts = np.bincount(y[~held], minlength=languages)
    best, chosen = -1.0, Thresholds(ALPHAS[0], BETAS[-1], GAMMAS[-1])
    betas = BETAS if random is not None else BETAS[-1:]
    for limits in starmap(Thresholds, product(ALPHAS, betas, GAMMAS, get_args(Others))):
        columns = joined(shares.found(limits), most)
        if not len(columns):
            continue
        chances = bayes(rows[held][:, columns].toarray() > threshold, shares.languages[:, columns], counts)
        score = macro_accuracy(chances, y[held])
        if score > best:
            best, chosen = score, limits
    return chosen


def in_turns(found: Sequence[NDArray[np.intp]], most: int) -> list[NDArray[np.intp]]:
    """At most `most` features of every language, none of two languages.

    Related languages share features. They take turns: each takes its most selective one that no language before it
    took, and so on until it has `most` or none is left.

    Parameters
    ----------
    found
        Features of each language, the most selective first.
    most
        Of each language.

    Examples
    --------
    >>> [own.tolist() for own in in_turns([np.array([7, 4, 2]), np.array([7, 4, 9])], 2)]
    [[7, 2], [4, 9]]
    """
    taken: set[int] = set()
    chosen: list[list[int]] = [[] for _ in found]
    left = [iter(own.tolist()) for own in found]
    for _ in range(most):
        for own, rest in zip(chosen, left, strict=True):
            one = next((feature for feature in rest if feature not in taken), None)
            if one is not None:
                taken.add(one)
                own.append(one)
    return [np.array(own, dtype=np.intp) for own in chosen]


def joined(found: Sequence[NDArray[np.intp]], most: int) -> NDArray[np.intp]:
    """What the languages take `in_turns`, in one ascending list."""
    return np.sort(np.concatenate(in_turns(found, most)))


def smoothed(shares: Values, counts: NDArray[np.int64]) -> Values:
    """Shares of documents, half a document added on either side, so that none is 0 or 1, [languages, features]."""
    return np.asarray((shares * counts[:, None] + 0.5) / (counts[:, None] + 1.0))


def bayes(on: NDArray[np.bool_], shares: Values, counts: NDArray[np.int64]) -> Values:
    """Log likelihood of each language, of documents given by which features are on, [documents, languages].

    Parameters
    ----------
    on
        [documents, features].
    shares
        [languages, features].
    counts
        Documents that each language's shares are of; half a document is added on either side.
    """
    p = smoothed(shares, counts)
    log_on, log_off = np.log(p), np.log1p(-p)
    return np.asarray(on.astype(np.float64) @ (log_on - log_off).T + log_off.sum(1))
