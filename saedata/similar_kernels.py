"""The compiled loops behind `similar`.

Everywhere a document is the ascending features ``features[begins[d]:begins[d] + sizes[d]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.compiled import compiled, popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WORDS = 8
"""64-bit words of a sketch that are looked at together: one line of cache."""


@compiled
def sketch(begins: Array, sizes: Array, features: Array, words: int) -> Array:
    """Flip, for each feature of a document, one of its bits."""
    bits = np.zeros((len(begins), words), np.uint64)
    for doc in range(len(begins)):
        for at in range(begins[doc], begins[doc] + sizes[doc]):
            bit = np.int64(features[at]) % (64 * words)
            bits[doc, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return bits


@compiled
def common(a: int, b: int, begins: Array, sizes: Array, features: Array) -> int:
    """Count the features that two documents share."""
    at, other, both = begins[a], begins[b], 0
    stop, stop_other = at + sizes[a], other + sizes[b]
    while at < stop and other < stop_other:
        mine, theirs = features[at], features[other]
        both += mine == theirs
        at += mine <= theirs
        other += theirs <= mine
    return both


@compiled
def differ(a: int, b: int, sketches: Array, most: float) -> bool:
    """Whether the sketches of two documents differ in more than so many bits."""
    bits = np.uint64(0)
    for first in range(0, sketches.shape[1], WORDS):
        for word in range(first, first + WORDS):
            bits += popcount(sketches[a, word] ^ sketches[b, word])
        if bits > most:
            return True
    return False


@compiled
def similarity_of(a: int, b: int, begins: Array, sizes: Array, features: Array, sketches: Array, least: float) -> float:
    """Jaccard similarity of two documents, or 0 where it is less than `least`.

    It is at least that where |a xor b| <= (1 - least) / (1 + least) * (|a| + |b|).
    """
    total = sizes[a] + sizes[b]
    smaller, larger = min(sizes[a], sizes[b]), max(sizes[a], sizes[b])
    if smaller < least * larger - 1e-6 or differ(a, b, sketches, (1 - least) / (1 + least) * total + 1e-6):
        return 0.0
    both = common(a, b, begins, sizes, features)
    similarity = both / (total - both)
    return similarity if similarity >= least else 0.0


@compiled
def grown(array: Array) -> Array:
    """Copy an array to one of twice the length."""
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@compiled
def pairs_from(
    span: Array, begins: Array, sizes: Array, features: Array, sketches: Array, least: float
) -> tuple[Array, Array, Array]:
    """Similar pairs of the documents in a span with any that follow; they come by ascending size."""
    a, b, similarities = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.float64)
    count = 0
    for doc in range(span[0], span[1]):
        for other in range(doc + 1, len(begins)):
            if sizes[doc] < least * sizes[other] - 1e-6:
                break
            similarity = similarity_of(doc, other, begins, sizes, features, sketches, least)
            if similarity > 0:
                if count == len(a):
                    a, b, similarities = grown(a), grown(b), grown(similarities)
                a[count], b[count], similarities[count] = doc, other, similarity
                count += 1
    return a[:count], b[:count], similarities[:count]


@compiled
def met_before(a: int, b: int, keys: Array, band: int) -> bool:
    """Whether two documents have the same key in an earlier band."""
    met = 0
    for earlier in range(band):
        met += keys[a, earlier] == keys[b, earlier]
    return met > 0


@compiled
def pairs_within(
    order: Array, keys: Array, band: int, begins: Array, sizes: Array, features: Array, sketches: Array, least: float
) -> tuple[Array, Array, Array]:
    """Similar pairs among documents with the same key in a band, less those that met in an earlier one.

    `order` sorts the documents by their key and number.
    """
    a, b, similarities = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.float64)
    count = 0
    for place in range(len(order)):
        doc = order[place]
        for later in range(place + 1, len(order)):
            other = order[later]
            if keys[other, band] != keys[doc, band]:
                break
            similarity = similarity_of(doc, other, begins, sizes, features, sketches, least)
            if similarity > 0 and not met_before(doc, other, keys, band):
                if count == len(a):
                    a, b, similarities = grown(a), grown(b), grown(similarities)
                a[count], b[count], similarities[count] = doc, other, similarity
                count += 1
    return a[:count], b[:count], similarities[:count]


@compiled
def jaccard(a: Array, b: Array, begins: Array, sizes: Array, features: Array) -> Array:
    """Jaccard similarity of each of some pairs of documents."""
    similarity = np.empty(len(a), np.float64)
    for pair in range(len(a)):
        both = common(a[pair], b[pair], begins, sizes, features)
        similarity[pair] = both / (sizes[a[pair]] + sizes[b[pair]] - both)
    return similarity


@compiled
def hashes(begins: Array, sizes: Array, features: Array, seed: int) -> Array:
    """One 64-bit hash for each document's features."""
    found = np.empty(len(begins), np.uint64)
    for doc in range(len(begins)):
        key = np.uint64(seed)
        for at in range(begins[doc], begins[doc] + sizes[doc]):
            key = (key ^ np.uint64(features[at])) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(32)
        found[doc] = key
    return found


@compiled
def join(parent: Array, a: Array, b: Array) -> None:
    """Put the documents of each pair in one group; a group's root is the first of its documents."""
    for pair in range(len(a)):
        left, right = a[pair], b[pair]
        while parent[left] != left:
            parent[left] = parent[parent[left]]
            left = parent[left]
        while parent[right] != right:
            parent[right] = parent[parent[right]]
            right = parent[right]
        parent[max(left, right)] = min(left, right)
