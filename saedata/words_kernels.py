"""Compiled loop over the words of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@compiled
def place(
    words: Array, docs: Array, counts: Array, following: Array, inverse: Array, shortening: Array,
    data: Array, indices: Array,
) -> None:  # fmt: skip
    """Write the BM25 weights of one part to their places; words below 0 or beyond the stretch are left out."""
    for i in range(len(words)):
        word = words[i]
        if 0 <= word < len(following):
            at = following[word]
            following[word] += 1
            indices[at] = docs[i]
            data[at] = inverse[word] * counts[i] / (shortening[docs[i]] + counts[i])
