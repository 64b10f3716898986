"""How much of what one corpus has another has too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.counted import counted
from saedata.errors import InputError
from saedata.stats.resampled import centred_interval, drawn_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates, Incidence

    Array = NDArray[Any]

SCHEMA: dict[str, pl.DataType] = {
    "corpus": pl.String(),
    "other": pl.String(),
    "documents": pl.UInt32(),
    "features": pl.UInt32(),
    "shared": pl.UInt32(),
    "overlap": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}

GROUPS = 512
"""Documents are drawn anew one by one up to this number; more are drawn in so many random groups."""

DRAWN_TOGETHER = 50
"""Resamples held at a time: 4 bytes each for every feature."""


def overlap(
    a: Embeddings,
    b: Embeddings,
    *,
    min_documents: int = 1,
    min_share: float = 0.0,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """Tell which share of the features of one corpus the other has too, in both directions.

    Parameters
    ----------
    a, b
        The corpora, of one encoder.
    min_documents
        A corpus has a feature that is on in at least so many of its documents.
    min_share
        And in at least this share of its documents: unlike a number it means the same for corpora of unlike size.
    duplicates
        "once": documents of equal text count once in a corpus; "keep": every document counts.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    level
        Confidence level of the interval.
    resamples
        How many times documents are drawn anew for the interval.
    seed
        Of these draws.

    Returns
    -------
    polars.DataFrame
        Two rows, a in b and b in a: ``corpus``, ``other``, ``documents`` and ``features`` of the corpus, ``shared``
        (features of both), ``overlap`` (shared / features) and its interval ``low``, ``high``.

    Raises
    ------
    InputError
        If a corpus has no documents or no features, or an option is out of range.
    MismatchError
        If the corpora are of different encoders.

    Notes
    -----
    |F(a) and F(b)| / |F(a)| of Qwen-Scope (arXiv 2605.11887), with any token of a document instead of the last. The
    larger corpus covers more of the smaller one than the other way round, by its size alone.
    The interval is for other documents of the same kind and number: percentiles of a bootstrap of documents (of 512
    random groups of them in large corpora), moved to centre on what was found, since documents that are drawn twice
    have fewer features than as many different ones.
    """
    _check(min_documents, min_share, level, resamples)
    a.check_comparable(b)
    rng = np.random.default_rng(seed)
    rows, found, drawn = [], [], []
    for frame in (a, b):
        incidence = counted(frame, duplicates=duplicates, threshold=threshold)
        has, has_drawn = _features_of(incidence, (min_documents, min_share), resamples, rng)
        if not has.any():
            msg = f"{frame.name} has no feature that is on in so many documents; lower min_documents or min_share"
            raise InputError(msg)
        rows.append({"corpus": frame.name, "documents": len(incidence), "features": int(has.sum())})
        found.append(has)
        drawn.append(has_drawn)
    for mine, other in ((0, 1), (1, 0)):
        share = _share(found[mine], found[other])
        low, high = centred_interval(float(share), _share(drawn[mine], drawn[other]), level=level)
        rows[mine] |= {"other": rows[other]["corpus"], "shared": int((found[0] & found[1]).sum())}
        rows[mine] |= {"overlap": float(share), "low": max(low, 0.0), "high": min(high, 1.0)}
    return pl.DataFrame(rows, schema=SCHEMA)


def _features_of(
    incidence: Incidence, least: tuple[int, float], resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which features a corpus has, and which it has in each resample: bool [features], [resamples, features]."""
    groups = min(len(incidence), GROUPS)
    group = rng.permutation(len(incidence)) % groups
    on = incidence.count_on(group, groups).astype(np.float32)  # exact up to 16 million documents
    sizes = np.bincount(group, minlength=groups)
    drawn = np.empty((resamples, len(on)), dtype=np.bool_)
    for first in range(0, resamples, DRAWN_TOGETHER):
        part = drawn[first : first + DRAWN_TOGETHER]
        weights = drawn_weights(groups, len(part), rng)
        part[:] = weights.astype(np.float32) @ on.T >= _least(least, weights @ sizes)[:, None]
    return on.sum(axis=1, dtype=np.float64) >= _least(least, np.array(len(incidence))), drawn


def _least(least: tuple[int, float], documents: Array) -> Array:
    """In how many of so many documents a feature must be on."""
    return np.asarray(np.maximum(least[0], least[1] * documents))


def _share(mine: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of my features that the other has too; nan where I have none."""
    size = mine.sum(axis=-1)
    share = np.divide((mine & other).sum(axis=-1), size, out=np.full(np.shape(size), np.nan), where=size > 0)
    return np.asarray(share)


def _check(min_documents: int, min_share: float, level: float, resamples: int) -> None:
    msg = ""
    if min_documents < 1:
        msg = f"min_documents is {min_documents}; it must be 1 or more"
    elif not 0 <= min_share <= 1:
        msg = f"min_share is {min_share}; it must lie between 0 and 1"
    elif not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
    elif resamples < 100:
        msg = f"resamples is {resamples}; an interval needs 100 or more"
    if msg:
        raise InputError(msg)
