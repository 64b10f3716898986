"""Scores of all documents by their features, a block of documents at a time.

The postings of the features are read in the order of documents, all features side by side, so that the scores of a
block stay in the processor's cache and memory does not grow with the corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.search.characteristic import scales
from saedata.analysis.search.plan import Combined, Gate, Leaf, is_gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.search.plan import Node, Plan
    from saedata.frame import Embeddings
    from saedata.frame.postings import Postings
    from saedata.frame.view import Part

    Ranking = tuple[NDArray[np.int64], NDArray[np.float64]]
    _Places = list[NDArray[np.int64]]

BLOCK = 1 << 16
"""Documents whose scores are computed together."""

PIECES = 4
"""Threads' shares of the documents, per processor."""


@dataclass(frozen=True, eq=False)
class _Terms:
    """Features of one score or gate, with what one unit of activation is worth."""

    features: NDArray[np.int64]
    worth: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Work:
    """What is computed for each block of one frame.

    Parameters
    ----------
    postings
        Of the frame.
    above
        A feature is on above this.
    terms
        Of every leaf and gate of the trees, in the order in which `_value` meets them.
    scored, gates
        The trees.
    allowed
        bool [documents of the frame]: which count; None: all.
    documents, count
        Of the frame, and how many of the best are wanted.
    """

    postings: Postings
    above: float
    terms: list[_Terms]
    scored: tuple[Node, ...]
    gates: tuple[Node, ...]
    allowed: NDArray[np.bool_] | None
    documents: int
    count: int


def best_by_features(
    embeddings: Embeddings, plan: Plan, count: int, allowed: NDArray[np.bool_] | None, *, above: float
) -> Ranking:
    """Find the documents with the highest scores.

    Parameters
    ----------
    embeddings
        The corpus.
    plan
        What is asked; something in it gives a score.
    count
        How many documents, at most.
    allowed
        bool [extent of the view]: which documents count; None: all.
    above
        What an activation must exceed to count.

    Returns
    -------
    tuple of numpy.ndarray
        Numbers of the documents and their scores, all above 0; the highest first, equal ones by number.
    """
    found = [
        _best(_work(embeddings, part, plan.scored, plan.gates, count, allowed, above), part.offset)
        for part in embeddings.view.parts
    ]
    return joined(found, count)


def passing(
    embeddings: Embeddings, gates: Sequence[Node], allowed: NDArray[np.bool_] | None, *, above: float
) -> NDArray[np.bool_] | None:
    """Flag the allowed documents that pass all gates, bool [extent of the view]; None: all."""
    if not gates:
        return allowed
    flags = np.ones(embeddings.view.extent, np.bool_) if allowed is None else allowed.copy()
    for part in embeddings.view.parts:
        work = _work(embeddings, part, (), tuple(gates), 0, None, above)
        for first, stop, at, ends in _blocks(work, 0, work.documents):
            values = iter(_buffers(work, first, stop, at, ends))
            for gate in gates:
                flags[part.offset + first : part.offset + stop] &= _passes(gate, values)
    return flags


def joined(found: Sequence[Ranking], count: int) -> Ranking:
    """The best of several rankings of different documents."""
    docs = np.concatenate([np.zeros(0, np.int64), *(docs for docs, _ in found)])
    scores = np.concatenate([np.zeros(0), *(scores for _, scores in found)])
    order = np.lexsort((docs, -scores))[:count]
    return docs[order], scores[order]


def _work(
    embeddings: Embeddings,
    part: Part,
    scored: tuple[Node, ...],
    gates: tuple[Node, ...],
    count: int,
    allowed: NDArray[np.bool_] | None,
    above: float,
) -> _Work:
    unit = scales(embeddings)
    here = None if allowed is None else allowed[part.offset : part.stop]
    terms = [_terms(leaf, unit) for node in (*scored, *gates) for leaf in leaves(node)]
    documents = part.stop - part.offset
    return _Work(part.frame.postings, above, terms, scored, gates, here, documents, min(count, documents))


def leaves(node: Node) -> list[Leaf | Gate]:
    """Leaves and gates of a tree, from left to right."""
    if isinstance(node, Combined):
        return [leaf for part in node.parts for leaf in leaves(part)]
    return [node]


def _terms(leaf: Leaf | Gate, unit: NDArray[np.float64]) -> _Terms:
    features = leaf.features.astype(np.int64)
    if isinstance(leaf, Gate):
        return _Terms(features, np.ones(len(features), np.float32))
    known = np.isfinite(unit[features]) & (unit[features] > 0)
    worth = np.divide(leaf.weights, unit[features], out=np.zeros(len(features)), where=known)
    return _Terms(features[known], worth[known].astype(np.float32))


def _best(work: _Work, offset: int) -> Ranking:
    from saedata.compiled import cores, in_threads

    if not work.count:
        return np.zeros(0, np.int64), np.zeros(0)
    step = max(-(-work.documents // (PIECES * cores())), BLOCK)
    pieces = [(first, min(first + step, work.documents)) for first in range(0, work.documents, step)]
    return joined(
        [(docs + offset, scores) for docs, scores in in_threads(lambda p: _piece(work, *p), pieces)], work.count
    )


def _piece(work: _Work, first: int, stop: int) -> Ranking:
    """The best among some documents."""
    from saedata.analysis.search.kernels import keep_best

    size = min(work.count, stop - first)
    best, numbers, filled = np.zeros(size, np.float32), np.zeros(size, np.int64), 0
    for begin, end, at, ends in _blocks(work, first, stop):
        values = iter(_buffers(work, begin, end, at, ends))
        scores = _value(work.scored[0], values)
        for node in work.scored[1:]:
            scores = scores + _value(node, values)
        for gate in work.gates:
            scores *= _passes(gate, values)
        if work.allowed is not None:
            scores *= work.allowed[begin:end]
        filled = keep_best(scores, begin, best, numbers, filled)
    return numbers[:filled], best[:filled].astype(np.float64) / len(work.scored)


def _blocks(work: _Work, first: int, stop: int) -> Iterator[tuple[int, int, _Places, _Places]]:
    """Cut documents into blocks, with the places where the postings of each feature go on."""
    from saedata.analysis.search.kernels import begin_at

    offsets = work.postings.offsets
    ends = [offsets[terms.features + 1] for terms in work.terms]
    at = [np.zeros(len(terms.features), np.int64) for terms in work.terms]
    docs = np.asarray(work.postings.docs)
    for terms, places, last in zip(work.terms, at, ends, strict=True):
        begin_at(docs, offsets[terms.features], last, first, places)
    for begin in range(first, stop, BLOCK):
        yield begin, min(begin + BLOCK, stop), at, ends


def _buffers(work: _Work, first: int, stop: int, at: _Places, ends: _Places) -> list[NDArray[np.float32]]:
    """Sums of every leaf and gate for a block of documents."""
    from saedata.analysis.search.kernels import add_scores

    docs, values = np.asarray(work.postings.docs), np.asarray(work.postings.values)
    buffers = []
    for terms, places, last in zip(work.terms, at, ends, strict=True):
        scores = np.zeros(stop - first, np.float32)
        add_scores(docs, values, places, last, terms.worth, work.above, first, scores)
        buffers.append(scores)
    return buffers


def _value(node: Node, values: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Score of a tree: geometric mean where all parts are needed, else the largest."""
    if not isinstance(node, Combined):
        return next(values)
    parts: list[NDArray[np.float32]] = []
    passes: list[NDArray[np.bool_]] = []
    for part in node.parts:
        if is_gate(part):
            passes.append(_passes(part, values))
        else:
            parts.append(_value(part, values))
    root = np.float32(1 / len(parts))
    score = np.prod(parts, axis=0) ** root if node.needs_all else np.max(parts, axis=0)
    for one in passes:
        score = score * one
    return np.asarray(score, np.float32)


def _passes(node: Node, values: Iterator[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Which documents pass a tree of gates."""
    if not isinstance(node, Combined):
        return np.asarray(next(values) == 0)
    parts = [_passes(part, values) for part in node.parts]
    return np.asarray(np.all(parts, axis=0) if node.needs_all else np.any(parts, axis=0))
