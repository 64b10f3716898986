"""The nearest documents of each document: exact for some thousands, by candidates for millions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from saedata.neighbours.candidates import candidates, dense_vectors, main_directions
from saedata.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.neighbours.profiles import Profiles

    Array = NDArray[Any]

Search = Literal["auto", "exact", "approximate"]

EXACT_DOCUMENTS = 10_000
"""With more documents to look among, "auto" takes the approximate search."""

CANDIDATES = 60_000_000
FEWEST, MOST = 300, 1000
"""Candidates of each document: as many as make so many pairs in all, but never fewer or more than these."""

ROUNDS = 2
"""Times that neighbours of neighbours are looked at."""

REVERSE = 15
"""Of the documents that have one among their neighbours, so many are looked at."""

PARTS = 64
"""Pieces of work; the progress bar moves after each few."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest documents of each document.

    Parameters
    ----------
    found
        int32 [documents, neighbours], nearest first; -1 where no more documents share anything.
    similarity
        float32 [documents, neighbours]: from 1 (the same) to 0.
    """

    found: NDArray[np.int32]
    similarity: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.found)

    def graph(self) -> csr_matrix:
        """Similarities as a symmetric matrix: a link where either is among the other's neighbours."""
        from scipy.sparse import csr_matrix

        rows, places = np.nonzero(self.found >= 0)
        cells = (self.similarity[rows, places], (rows, self.found[rows, places]))
        one_way = csr_matrix(cells, shape=(len(self), len(self)))
        return csr_matrix(one_way.maximum(one_way.T))


def nearest(
    base: Profiles,
    count: int,
    *,
    queries: Profiles | None = None,
    search: Search = "auto",
    seed: int = 0,
) -> Neighbours:
    """Find the nearest documents of each document.

    Parameters
    ----------
    base
        The documents to look among.
    count
        Neighbours for each.
    queries
        The documents to look for, of the same kind; None: those of `base`, none of which is its own neighbour.
    search
        "exact" counts all pairs. "approximate" compares only candidates, and then neighbours of neighbours; in
        documents with little in common it misses some. "auto": exact up to 10 000 documents. Similarities are exact
        either way, and of equally similar documents the first come first.
    seed
        Of the approximate search.

    Notes
    -----
    Neighbours of neighbours: Dong, W., Moses, C. and Li, K. (2011), Efficient k-nearest neighbor graph construction
    for generic similarity measures.
    """
    mine = base if queries is None else queries
    itself = np.arange(len(base)) if queries is None else np.full(len(mine), -1)
    known = Neighbours(np.full((len(mine), count), -1, np.int32), np.zeros((len(mine), count), np.float32))
    if not len(base) or not len(mine):
        return known
    if search == "exact" or (search == "auto" and len(base) <= EXACT_DOCUMENTS):
        _all_pairs(base, mine, itself, known)
        return known
    _among_candidates(base, mine, itself, known, seed)
    if queries is None:
        for _ in range(ROUNDS):
            known = _refined(base, known)
    return known


def _all_pairs(base: Profiles, mine: Profiles, itself: Array, known: Neighbours) -> None:
    from saedata.neighbours.kernels import nearest_of_all

    columns = base.matrix().tocsc()
    postings = columns.indptr.astype(np.int64), columns.indices, columns.data
    arguments = itself, _kernel(mine), _kernel(base), postings, known.found, known.similarity
    _in_parts(lambda span: nearest_of_all(span, *arguments), len(mine))


def _among_candidates(base: Profiles, mine: Profiles, itself: Array, known: Neighbours, seed: int) -> None:
    from saedata.compiled import cores, in_threads
    from saedata.neighbours.kernels import nearest_among

    basis = main_directions(base, seed=seed)
    vectors = dense_vectors(base, basis)
    wanted = vectors if mine is base else dense_vectors(mine, basis)
    count = int(np.clip(CANDIDATES // len(mine), FEWEST, MOST))

    def compare(first: int, found: NDArray[np.int32], rows: Array) -> None:
        if len(rows):
            span = np.array((first + rows[0], first + rows[-1] + 1))
            part = found[rows[0] : rows[-1] + 1]
            nearest_among(span, part, itself, _kernel(mine), _kernel(base), known.found, known.similarity)

    for first, found in candidates(vectors, wanted, count, seed=seed):
        in_threads(partial(compare, first, found), np.array_split(np.arange(len(found)), cores()))


def _refined(base: Profiles, known: Neighbours) -> Neighbours:
    from saedata.neighbours.kernels import nearer_neighbours, turned

    better = Neighbours(known.found.copy(), known.similarity.copy())
    reverse = turned(known.found, REVERSE)
    arguments = known.found, reverse, _kernel(base), better.found, better.similarity
    _in_parts(lambda span: nearer_neighbours(span, *arguments), len(base))
    return better


def _kernel(profiles: Profiles) -> tuple[Any, ...]:
    """What a kernel needs of some documents."""
    cells = profiles.pointers, profiles.features, profiles.values
    return (*cells, profiles.totals, profiles.marks, profiles.weights, profiles.mode, profiles.cosine)


def _in_parts(work: Callable[[Array], None], documents: int) -> None:
    """Share documents between threads, some at a time."""
    from saedata.compiled import cores, in_threads

    edges = np.unique(np.linspace(0, documents, PARTS + 1).astype(np.int64))
    spans = np.stack([edges[:-1], edges[1:]], axis=1)
    together = 2 * cores()
    with progress("comparing documents", total=documents, unit="documents") as done:
        for first in range(0, len(spans), together):
            some = spans[first : first + together]
            in_threads(work, some)
            done(int(some[-1, 1] - some[0, 0]))
