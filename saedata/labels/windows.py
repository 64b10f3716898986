"""Short windows of text and what every feature does on them: labels are written from them and judged on them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.encode import encode_windows
from saedata.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.reader import Window as ReaderWindow

SIZE = 32
"""Tokens in a window, as in delphi (2410.13928)."""

QUANTILES = 10
TOKEN_FORMS, TOKEN_SHARE = 3, 0.8
_SHORTEST = 8  # a last piece of fewer tokens joins the one before
_DOCUMENTS_AT_ONCE = 256
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class Window:
    """A stretch of a document, and one feature's activations in it.

    Attributes
    ----------
    index
        Its number in the pool.
    text
        As it stands in the document.
    spans
        (start, stop, activation) of every token where the feature is on; positions in `text`.
    """

    index: int
    text: str
    spans: tuple[tuple[int, int, float], ...] = ()

    @property
    def value(self) -> float:
        """Largest activation; 0 where the feature is off."""
        return max((value for _, _, value in self.spans), default=0.0)

    @property
    def peak(self) -> str:
        """The word, in lower case, on which the feature is strongest; a token that is no word stays as it is."""
        start, stop, _ = max(self.spans, key=lambda span: span[2])
        return next(
            (found[0].lower() for found in _WORD.finditer(self.text) if found.start() <= start < found.end()),
            self.text[start:stop].strip().lower(),
        )

    @property
    def sha256(self) -> str:
        """Hash of the text: what a table of examples stores instead of somebody else's words."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class WindowPool:
    """Windows of a corpus with every feature's token-level activations, in memory: some 0.5 GB per million tokens.

    Attributes
    ----------
    texts
        The windows, in reading order.
    document
        Number of the document that each window is from.
    tokens
        Tokens in each window.
    threshold
        A feature is on where its activation exceeds it.
    offsets
        Where each feature's entries begin, shape [d_sae + 1].
    window, start, stop, value
        The entries, sorted by feature and window: one for each token where the activation is above 0.
    """

    texts: list[str]
    document: NDArray[np.int32]
    tokens: NDArray[np.int32]
    threshold: float
    offsets: NDArray[np.int64]
    window: NDArray[np.int32]
    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    value: NDArray[np.float32]

    @classmethod
    def read(
        cls,
        texts: Iterable[str | None],
        encoder: LoadedEncoder,
        *,
        tokens: int = 1_000_000,
        size: int = SIZE,
        threshold: float | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> WindowPool:
        """Read documents, in full context, and cut them into windows.

        Parameters
        ----------
        texts
            Documents; reading ends after `tokens` tokens.
        encoder
            Reader and SAE.
        size
            Tokens per window.
        threshold
            What an activation must exceed; None: the encoder's own.
        progress
            Called with the number of tokens just read.

        Raises
        ------
        CorpusError
            If there is no token at all.
        """
        above = encoder.spec.threshold if threshold is None else threshold
        building, source = _Building(size), iter(texts)
        while building.read < tokens and (chunk := list(islice(source, _DOCUMENTS_AT_ONCE))):
            before = building.read
            building.add(chunk, encoder)
            progress(building.read - before)
        if not building.read:
            msg = "the text to read has no tokens"
            raise CorpusError(msg)
        return building.finished(encoder.sae.d_sae, above)

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return len(self.offsets) - 1

    def activating(self, feature: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Windows where a feature is on and its largest value in each, strongest first (ties in reading order)."""
        index, largest = self._strongest(feature)
        on = largest > self.threshold
        return index[on], largest[on]

    def _strongest(self, feature: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The same with every window where the activation is above 0."""
        low, high = self.offsets[feature : feature + 2]
        window, value = self.window[low:high], self.value[low:high]
        index, first = np.unique(window, return_index=True)
        if not len(index):
            return index.astype(np.int64), value
        largest = np.maximum.reduceat(value, first)
        order = np.lexsort((index, -largest))
        return index[order].astype(np.int64), largest[order]

    def show(self, window: int, feature: int) -> Window:
        """One window with the spans of a feature."""
        spans = tuple(span for span in self._spans(window, feature) if span[2] > self.threshold)
        return Window(int(window), self.texts[window], spans)

    def _spans(self, window: int, feature: int) -> list[tuple[int, int, float]]:
        """Every token of a window where a feature's activation is above 0."""
        low, high = self.offsets[feature : feature + 2]
        at = low + np.searchsorted(self.window[low:high], [window, window + 1])
        rows = slice(*at)
        return list(zip(self.start[rows].tolist(), self.stop[rows].tolist(), self.value[rows].tolist(), strict=True))

    def positives(
        self, feature: int, n: int, *, seed: int, quantiles: int = QUANTILES, without: Collection[int] = ()
    ) -> list[Window]:
        """Sample windows where a feature is on, as evenly as can be from its activation quantiles, strongest first.

        Parameters
        ----------
        feature, n
            How many of which; fewer where the feature is on in fewer windows.
        seed
            Of the choice.
        quantiles
            Equal-count groups of the windows by their value.
        without
            Windows that must not be chosen.
        """
        index, _ = self.activating(feature)
        index = index[~np.isin(index, list(without))]
        rng = np.random.default_rng([seed, feature])
        groups = [rng.permutation(part).tolist() for part in np.array_split(index, quantiles)]
        turns = [group.pop() for _ in range(n) for group in groups if group][:n] if len(index) > n else index.tolist()
        place = {window: rank for rank, window in enumerate(index.tolist())}
        return [self.show(window, feature) for window in sorted(turns, key=place.__getitem__)]

    def negatives(
        self,
        feature: int,
        n: int,
        *,
        seed: int,
        near: Sequence[int] = (),
        lengths: Sequence[int] = (),
        without: Collection[int] = (),
    ) -> list[Window]:
        """Sample windows where a feature is off.

        Parameters
        ----------
        feature, n, seed, without
            As in `positives`.
        near
            Features whose windows are preferred: negatives of related features are harder (contrastive).
        lengths
            Tokens that the chosen windows should have, one after the other in turn (matched length).
        """
        rng = np.random.default_rng([seed, feature, 1])
        off = np.ones(len(self.texts), dtype=bool)
        off[self.activating(feature)[0]] = False
        off[list(without)] = False
        if near:
            close = np.zeros_like(off)
            close[np.concatenate([self.activating(other)[0] for other in near])] = True
            off &= close
        candidates = rng.permutation(np.flatnonzero(off))[: max(50 * n, 1000)]
        chosen: list[int] = []
        for turn in range(min(n, len(candidates))):
            if lengths:
                gap = np.abs(self.tokens[candidates] - lengths[turn % len(lengths)])
                at = int(gap.argmin())
            else:
                at = 0
            chosen.append(int(candidates[at]))
            candidates = np.delete(candidates, at)
        return [Window(window, self.texts[window]) for window in chosen]

    def top_words(self, feature: int) -> Counter[str]:
        """Words on which a feature peaks in its top activation decile: of all windows where it is above 0.

        The threshold has no part in it, so that what a feature is does not depend on when it counts as on.
        """
        index, _ = self._strongest(feature)
        top = index[: -(-len(index) // 10)].tolist()
        return Counter(Window(i, self.texts[i], tuple(self._spans(i, feature))).peak for i in top)

    def is_token(self, feature: int) -> bool:
        """Whether a feature stands for a word or two: 80 % of its top decile peaks on at most three word forms."""
        words = self.top_words(feature)
        top = sum(count for _, count in words.most_common(TOKEN_FORMS))
        return bool(words) and top >= TOKEN_SHARE * words.total()


class _Building:
    """Windows and entries while a corpus is being read."""

    def __init__(self, size: int) -> None:
        self.size, self.documents, self.read = size, 0, 0
        self.texts: list[str] = []
        self.document: list[NDArray[np.int64]] = []
        self.tokens: list[NDArray[np.int64]] = []
        self.entries: list[list[NDArray[Any]]] = []

    def add(self, texts: Sequence[str | None], encoder: LoadedEncoder) -> None:
        """Read some documents, cut them, and keep what was on."""
        windows = list(encoder.reader.windows(texts))
        doc, start, stop = _tokens(windows)
        if not len(doc):
            self.documents += len(texts)
            return
        piece = _pieces(doc, self.size)
        _, first, own = np.unique(np.stack([doc, piece]), axis=1, return_index=True, return_inverse=True)
        last = np.append(first[1:], len(doc)) - 1
        cuts = zip(doc[first].tolist(), start[first].tolist(), stop[last].tolist(), strict=True)
        rows = encode_windows(windows, encoder.reader, encoder.sae)
        at = own.ravel()[np.searchsorted(_key(doc, start), _key(rows.doc, rows.start))]
        begin = start[first][at]
        self.entries.append([rows.feature, at + len(self.texts), rows.start - begin, rows.stop - begin, rows.value])
        self.texts += [(texts[d] or "")[a:b] for d, a, b in cuts]
        self.document.append(doc[first] + self.documents)
        self.tokens.append(np.diff(np.append(first, len(doc))))
        self.documents += len(texts)
        self.read += len(doc)

    def finished(self, d_sae: int, above: float) -> WindowPool:
        """Sort the entries by feature and window."""
        feature, window, start, stop, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        order = np.lexsort((start, window, feature))
        return WindowPool(
            self.texts,
            np.concatenate(self.document).astype(np.int32),
            np.concatenate(self.tokens).astype(np.int32),
            above,
            np.concatenate([[0], np.bincount(feature, minlength=d_sae).cumsum()]),
            window[order].astype(np.int32),
            start[order].astype(np.int32),
            stop[order].astype(np.int32),
            value[order],
        )


def _tokens(windows: Sequence[ReaderWindow]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Document, start and stop of every token that counts, in reading order."""
    empty = np.empty(0, dtype=np.int64)
    doc = np.concatenate([empty, *(np.full(w.pooled.sum(), w.document) for w in windows)])
    start = np.concatenate([empty, *(w.starts[w.pooled] for w in windows)])
    return doc, start, np.concatenate([empty, *(w.stops[w.pooled] for w in windows)])


def _pieces(doc: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Which piece of its document each token falls in; a short last piece joins the one before."""
    _, first, counts = np.unique(doc, return_index=True, return_counts=True)
    piece = (np.arange(len(doc)) - np.repeat(first, counts)) // size
    most = np.where((counts % size > 0) & (counts % size < _SHORTEST), counts // size - 1, counts // size)
    kept: NDArray[np.int64] = np.minimum(piece, np.repeat(np.maximum(most, 0), counts))
    return kept


def _key(doc: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
    key: NDArray[np.int64] = doc * 2**40 + start
    return key
