"""Features that point the same way: the nearest one of each, and families of features that are all alike.

How alike two features are is the cosine of their decoder rows. It belongs to the encoder alone, so that every frame
of one encoder has the same families.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.errors import EncoderError, InputError
from saedata.frame.reencode import check_one_encoder, other_weights
from saedata.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.encoders import Encoder, LoadedEncoder
    from saedata.frame import Embeddings

    Array = NDArray[Any]

SIMILARITY = 0.5
"""Decoder cosine from which two features count as alike."""

CELLS = 1 << 24
"""Cosines held at a time, 4 bytes each: the whole matrix of 65 536 features would take 16 GiB."""

MOST_PAIRS = 2_000_000
"""Pairs of similar features that are kept: more would not fit in memory, and say that `similarity` is too low."""

_NONE = -2.0  # below every cosine
_ROUNDING = 1e-6  # by so much the float32 product of two equal rows can fall short of 1


@dataclass(frozen=True, eq=False)
class Alike:
    """What was found in the matrix of cosines.

    Parameters
    ----------
    nearest
        int64 [features]: the nearest feature of each, the smallest of equals; -1 where there is no other.
    cosine
        float32 [features]: how near it is.
    a, b, cosines
        All pairs that are similar enough, ``a`` below ``b``.
    """

    nearest: NDArray[np.int64]
    cosine: NDArray[np.float32]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    cosines: NDArray[np.float32]


def decoder_of(frame: Embeddings, encoder: str | Path | Encoder | LoadedEncoder | None = None) -> NDArray[np.float32]:
    """Find the decoder behind a frame; the reader is not loaded.

    Parameters
    ----------
    frame
        The frame.
    encoder
        Its encoder: name, folder, or loaded; None: it is found by the name that the frame gives.

    Returns
    -------
    numpy.ndarray
        float32 [features, width]: row f is what feature f adds to the hidden state.

    Raises
    ------
    EncoderError
        The encoder is not here, has other weights than the frame was made with, or there is none (merged families).
    """
    from saedata.encoders import Encoder, LoadedEncoder, find_encoder
    from saedata.sae import formats

    check_one_encoder(frame.encoder)
    if isinstance(encoder, LoadedEncoder):
        name, found = encoder.spec.name, encoder.sae_sha256
    else:
        spec = encoder if isinstance(encoder, Encoder) else find_encoder(encoder or frame.encoder.name)
        name, found = spec.name, formats.hash_sae(spec.sae)
    if found != frame.encoder.sae_sha256:
        raise EncoderError(other_weights(name))
    sae = encoder.sae if isinstance(encoder, LoadedEncoder) else formats.load_sae(spec.sae).unsigned()
    rows: NDArray[np.float32] = sae.W_dec.detach().float().cpu().numpy()
    return rows


def least_cosine(similarity: float) -> float:
    """What a computed cosine must reach: equal rows count as alike at a similarity of 1."""
    return float(np.float32(similarity - _ROUNDING))


def alike(decoder: Array, *, similarity: float = SIMILARITY, candidates: Array | None = None) -> Alike:
    """Compare the rows of a decoder, a block of the matrix of cosines at a time.

    Parameters
    ----------
    decoder
        [features, width]; its rows need not have length 1. A row of zeros is like none.
    similarity
        Least cosine of a pair that is listed, above 0 and at most 1.
    candidates
        bool [features]: which features can be the nearest of another; None: all. Pairs are of all features.

    Raises
    ------
    InputError
        `similarity` is out of range, or so low that more than two million pairs are similar enough.

    Examples
    --------
    >>> found = alike(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]]))
    >>> found.nearest.tolist(), found.a.tolist(), found.b.tolist()
    ([2, 2, 0], [0], [2])
    """
    if not 0 < similarity <= 1:
        msg = f"similarity is {similarity}; it must be above 0 and at most 1"
        raise InputError(msg)
    unit = _unit(decoder)
    size = len(unit)
    others = np.zeros(size, np.bool_) if candidates is None else ~np.asarray(candidates, np.bool_)
    nearest, cosine = np.full(size, -1, np.int64), np.full(size, _NONE, np.float32)
    pairs: list[tuple[Array, Array, Array]] = []
    step = max(CELLS // max(size, 1), 1)
    with progress("comparing decoders", total=size, unit="features") as done:
        for begin in range(0, size, step):
            end = min(begin + step, size)
            block = unit[begin:end] @ unit.T
            np.clip(block, -1, 1, out=block)
            pairs.append(_pairs(block, begin, least_cosine(similarity)))
            _check_amount(pairs, similarity)
            nearest[begin:end], cosine[begin:end] = _nearest(block, begin, others)
            done(end - begin)
    a, b, cosines = (np.concatenate(column) for column in zip(*pairs, strict=True)) if pairs else _pairs_of_none()
    return Alike(nearest, cosine, a, b, cosines)


def grouped(found: Alike) -> NDArray[np.int64]:
    """Put features into families in which any two are similar enough (complete linkage).

    The two most similar families are joined first, and none are joined of which two members are not a pair of
    `found`: a chain of features, each like the next, does not become one family.

    Parameters
    ----------
    found
        All pairs that are similar enough.

    Returns
    -------
    numpy.ndarray
        int64 [features]: the smallest feature of each one's family; -1 for a feature that is alone.

    Notes
    -----
    The result is that of cutting the complete-linkage tree of all features at `similarity`. Only the listed pairs
    matter for that, so it takes memory for these and not for the square of the number of features.

    Examples
    --------
    >>> chain = np.array([[np.cos(turn), np.sin(turn)] for turn in (0.0, 0.5, 1.1)])
    >>> grouped(alike(chain, similarity=0.8)).tolist()
    [0, 0, -1]
    """
    near, heap = _graph(found)
    members = {feature: [feature] for feature in near}
    while heap:
        negative, first, second = heapq.heappop(heap)
        if near.get(first, {}).get(second) == -negative:  # else one was joined with others since
            members[first] += members.pop(second)
            _join(near, heap, first, second)
    family = np.full(len(found.nearest), -1, np.int64)
    for first, joined in members.items():
        if len(joined) > 1:
            family[joined] = first
    return family


def _graph(found: Alike) -> tuple[dict[int, dict[int, float]], list[tuple[float, int, int]]]:
    """The pairs as neighbours with their cosines, and as a heap with the most similar on top."""
    near: dict[int, dict[int, float]] = defaultdict(dict)
    heap = []
    for a, b, cosine in zip(found.a.tolist(), found.b.tolist(), found.cosines.tolist(), strict=True):
        near[a][b] = near[b][a] = cosine
        heap.append((-cosine, a, b))
    heapq.heapify(heap)
    return near, heap


def _join(near: dict[int, dict[int, float]], heap: list[tuple[float, int, int]], first: int, second: int) -> None:
    """Let a family take over another: what is not near both is near neither, the farther member counts."""
    mine, theirs = near[first], near.pop(second)
    del mine[second], theirs[first]
    for other in list(mine):
        cosine = min(mine[other], theirs.get(other, _NONE))
        if cosine == _NONE:
            del mine[other], near[other][first]
        elif cosine != mine[other]:
            mine[other] = near[other][first] = cosine
            heapq.heappush(heap, (-cosine, min(first, other), max(first, other)))
    for other in theirs:
        del near[other][second]


def _unit(decoder: Array) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.array(decoder, dtype=np.float32)
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    np.divide(rows, length, out=rows, where=length > 0)
    return rows


def _pairs(block: Array, begin: int, least: float) -> tuple[Array, Array, Array]:
    rows, columns = np.nonzero(block >= np.float32(least))
    later = columns > rows + begin
    rows, columns = rows[later], columns[later]
    return rows + begin, columns, block[rows, columns]


def _pairs_of_none() -> tuple[Array, Array, Array]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)


def _check_amount(pairs: list[tuple[Array, Array, Array]], similarity: float) -> None:
    if sum(len(a) for a, _, _ in pairs) > MOST_PAIRS:
        msg = (
            f"more than {MOST_PAIRS:,} pairs of features have a decoder cosine of at least {similarity:g}; "
            "give a higher similarity"
        )
        raise InputError(msg)


def _nearest(block: Array, begin: int, others: Array) -> tuple[Array, Array]:
    """Nearest candidate of each row; changes the block."""
    block[:, others] = _NONE
    rows = np.arange(len(block))
    block[rows, rows + begin] = _NONE
    at = block.argmax(axis=1)
    cosine = block[rows, at]
    return np.where(cosine > _NONE, at, -1), cosine
