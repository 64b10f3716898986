"""Rankings by the texts themselves: dense vectors and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.search.scores import joined
from saedata.frame.lookup import documents_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.search.scores import Ranking
    from saedata.frame import Embeddings
    from saedata.frame.view import Part
    from saedata.words import WordIndex

WORDS = 20
"""Words that stand for documents whose like is looked for."""


def best_by_vectors(
    embeddings: Embeddings, text: str, like: NDArray[np.uint32], count: int, allowed: NDArray[np.bool_] | None
) -> Ranking:
    """Find the documents whose dense vectors are nearest to those of a text, of documents, or to the mean of both.

    Returns
    -------
    tuple of numpy.ndarray
        Numbers of the documents and cosines; the highest first, equal ones by number.
    """
    from saedata.dense import DenseIndex

    parts = embeddings.view.parts
    indexes = [DenseIndex.of(part.frame) for part in parts]
    vectors = [_text_vector(text)] if text else []
    for part, index in zip(parts, indexes, strict=True):
        local = _local(part, like)
        vectors += [index.vectors(local).sum(0)] if len(local) else []
    total = np.sum([vector / max(float(np.linalg.norm(vector)), 1e-12) for vector in vectors], axis=0)
    vector = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
    found = []
    for part, index in zip(parts, indexes, strict=True):
        docs, cosines = index.nearest(vector, count, _here(part, allowed))
        found.append((docs + part.offset, cosines.astype(np.float64)))
    return joined(found, count)


def best_by_words(
    embeddings: Embeddings, text: str, like: NDArray[np.uint32], count: int, allowed: NDArray[np.bool_] | None
) -> Ranking:
    """Find the documents with the highest BM25 score for the words of a text, and those that mark documents.

    Each frame of a view weighs words by its own documents.

    Returns
    -------
    tuple of numpy.ndarray
        Numbers of the documents and scores, all above 0; the highest first, equal ones by number.
    """
    from saedata.words import WordIndex

    texts = documents_at(embeddings.view, like)["text"].fill_null("").to_list() if len(like) else []
    found = []
    for part in embeddings.view.parts:
        index = WordIndex.of(part.frame)
        numbers = np.union1d(index.numbers(text), _marking(index, texts, part))
        scores = index.scores(numbers.astype(np.int64))
        here = _here(part, allowed)
        if here is not None:
            scores = scores * here
        docs, best = _best(scores, count)
        found.append((docs + part.offset, best))
    return joined(found, count)


def _text_vector(text: str) -> NDArray[np.float32]:
    from saedata.phrases import embed_phrases

    return np.asarray(embed_phrases([text])[0], np.float32)


def _marking(index: WordIndex, texts: list[str], part: Part) -> NDArray[np.int64]:
    """The words that are most frequent in some texts and rare in a frame, by tf * idf."""
    if not texts:
        return np.zeros(0, np.int64)
    numbers = [index.numbers(text) for text in texts]
    words, times = np.unique(np.concatenate(numbers), return_counts=True)
    documents = part.stop - part.offset
    worth = times * np.log((documents + 1) / index.frequencies(words))
    return words[np.argsort(-worth, kind="stable")[:WORDS]]


def _best(scores: NDArray[np.float32], count: int) -> Ranking:
    from saedata.analysis.search.kernels import keep_best

    size = min(count, len(scores))
    best, numbers = np.zeros(size, np.float32), np.zeros(size, np.int64)
    filled = keep_best(scores, 0, best, numbers, 0) if size else 0
    return numbers[:filled], best[:filled].astype(np.float64)


def _local(part: Part, docs: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Numbers of those documents that are in one frame, as the frame counts them."""
    numbers = docs.astype(np.int64)
    return numbers[(numbers >= part.offset) & (numbers < part.stop)] - part.offset


def _here(part: Part, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return None if allowed is None else allowed[part.offset : part.stop]
