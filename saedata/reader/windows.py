"""Stretches of documents that fit a reader's context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OVERLAP = 32
"""Tokens that a window repeats from the one before, as context only: every token is pooled exactly once."""

_PIECE_CHARACTERS = 200_000  # very long documents reach the tokenizer in pieces, which bounds its memory


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one document that fits the reader's context.

    Attributes
    ----------
    document
        Position of the document in the list that was given.
    ids
        Token ids, special tokens included, shape [tokens].
    starts, stops
        Character span of each token in the document, shape [tokens].
    pooled
        True where the token counts: not for special tokens, nor for context repeated from the window before.
    """

    document: int
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    pooled: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A document after the tokenizer: ids, characters from `starts` up to `stops`, and which ones may be pooled."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    counts: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every window.

    Attributes
    ----------
    before, after
        Ids put in front of the text and behind it.
    context
        Most tokens in a window, those included.
    skip_first
        Positions at the beginning of a window that are not pooled.
    """

    before: list[int]
    after: list[int]
    context: int
    skip_first: int = 0

    def windows(self, document: int, tokens: Tokens) -> Iterator[Window]:
        """Cut one document; where it is long, windows overlap."""
        room = self.context - len(self.before) - len(self.after)
        size = len(tokens.ids)
        for begin in range(0, size, room - OVERLAP):
            stop = min(begin + room, size)
            pooled = tokens.counts[begin:stop].copy()
            pooled[: OVERLAP if begin else 0] = False
            pooled = self._padded(pooled)
            pooled[: self.skip_first] = False
            yield Window(
                document,
                np.concatenate([self.before, tokens.ids[begin:stop], self.after]).astype(np.int64),
                self._padded(tokens.starts[begin:stop]),
                self._padded(tokens.stops[begin:stop]),
                pooled,
            )
            if stop == size:
                break

    def _padded(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.pad(values, (len(self.before), len(self.after)))


def tokenize(tokenizer: Any, text: str, special: NDArray[np.int64]) -> Tokens:
    """Tokens of a text of any length, without anything put around it.

    Parameters
    ----------
    tokenizer
        A fast tokenizer of transformers.
    text
        The text.
    special
        Ids that stand for no text of the user's.
    """
    ids: list[int] = []
    spans: list[tuple[int, int]] = []
    for offset, piece in _pieces(text):
        encoding = tokenizer.backend_tokenizer.encode(piece, add_special_tokens=False)
        ids += encoding.ids
        spans += [(a + offset, b + offset) for a, b in encoding.offsets] if offset else encoding.offsets
    array, found = np.array(spans, dtype=np.int64).reshape(-1, 2), np.array(ids, dtype=np.int64)
    starts, stops = array[:, 0], array[:, 1]
    return Tokens(found, starts, stops, ~np.isin(found, special) & (stops > starts))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Split very long text after white space, so that no word is cut."""
    begin = 0
    while begin < len(text):
        stop = begin + _PIECE_CHARACTERS
        if stop < len(text):
            stop = max(text.rfind(" ", begin, stop), text.rfind("\n", begin, stop)) + 1 or stop
        yield begin, text[begin:stop]
        begin = stop
