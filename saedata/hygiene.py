"""Which features of a frame carry no news: never on, always on, twins of another, parts of one concept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.counted import counted
from saedata.errors import InputError
from saedata.families import SIMILARITY, alike, decoder_of, grouped, least_cosine
from saedata.frame import feature_name_expr

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from saedata.encoders import Encoder, LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.incidence import Incidence

    Array = NDArray[Any]

ALWAYS = 0.95
"""Share of the documents from which a feature counts as always on."""

TOGETHER = 0.5
"""Jaccard similarity from which two features that point the same way are one twice, not parts of a concept."""


def feature_hygiene(
    frame: Embeddings,
    *,
    similarity: float = SIMILARITY,
    always: float = ALWAYS,
    threshold: float | None = None,
    encoder: str | Path | Encoder | LoadedEncoder | None = None,
) -> pl.DataFrame:
    """Mark features that are never or always on, near-duplicates, and families of features for one concept.

    Parameters
    ----------
    frame
        The documents; of a frame with features selected, these alone are held against each other.
    similarity
        Decoder cosine from which two features count as alike, above 0 and at most 1.
    always
        Share of the documents from which a feature is always on, above 0 and at most 1.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    encoder
        The frame's encoder (name, folder, or loaded); default: it is found by its name. Only the SAE is read.

    Returns
    -------
    polars.DataFrame
        By feature:

        ``feature``, ``label`` (the name it is shown under), ``density`` (share of all documents where it is on);
        ``state``: "live", "never on" or "always on";
        ``twin``: the nearest feature by decoder cosine among those that are on in any document, with its ``cosine``
        and ``together``: documents where both are on / documents where either is (null where neither is);
        ``relation``: "duplicate" where the twin is alike and together is at least 0.5; "split" where it is alike and
        they are less often together, so that each stands for a part of one concept; null where the twin is not alike
        or the feature is never on;
        ``family``: smallest feature of the family (null where alone). Any two features of a family are alike. Families
        follow from the decoder, not from the documents: frames of one encoder have the same.

    Raises
    ------
    InputError
        If there are no documents, or an option is out of range.
    EncoderError
        If the encoder is not here, or has other weights than the frame was made with.
    """
    if not 0 < always <= 1:
        msg = f"always is {always}; it must be above 0 and at most 1, e.g. {ALWAYS:g}"
        raise InputError(msg)
    where = counted(frame, duplicates="keep", threshold=threshold)
    features = frame.features["feature"].to_numpy()
    on = frame.documents_on(threshold=where.threshold)[features]
    found = alike(decoder_of(frame, encoder)[features], similarity=similarity, candidates=on > 0)
    return pl.DataFrame(
        {
            "feature": features,
            "label": frame.features.select(feature_name_expr())[:, 0],
            "density": on / len(where),
            "state": _state(on, always * len(where)),
            "twin": _numbers(found.nearest, features),
            "cosine": _known(found.cosine.astype(np.float64), found.nearest >= 0),
            "together": _together(where, features, found.nearest, on),
            "family": _numbers(grouped(found), features),
        }
    ).select(
        *("feature", "label", "density", "state", "twin", "cosine", "together"),
        relation=_relation(similarity),
        family="family",
    )


def _state(on: Array, least: float) -> pl.Series:
    number = np.where(on == 0, 0, np.where(on >= least - 1e-9, 2, 1))  # 0.95 * 20 is 19, whatever floats say
    return pl.Series(np.array(["never on", "live", "always on"])[number].tolist(), dtype=pl.String)


def _together(where: Incidence, features: Array, nearest: Array, on: Array) -> pl.Series:
    """Jaccard similarity of each feature with its twin; null where neither is on."""
    twin = np.full(where.frame.n_features, -1, np.int64)
    twin[features] = np.where(nearest >= 0, features.astype(np.int64)[nearest], -1)
    both = _beside(where, twin)[features]
    either = on + on[nearest] - both
    share = both / np.maximum(either, 1)
    return _known(share, (nearest >= 0) & (either > 0))


def _beside(where: Incidence, twin: Array) -> NDArray[np.int64]:
    from saedata.hygiene_kernels import count_beside

    both, seen = np.zeros(len(twin), np.int64), np.empty(len(twin), np.int64)
    for block in where.blocks():
        count_beside(block.pointers, block.features, twin, seen, both)
    return both


def _relation(similarity: float) -> pl.Expr:
    is_alike = (pl.col("cosine") >= least_cosine(similarity)) & (pl.col("state") != "never on")
    kind = pl.when(pl.col("together") >= TOGETHER).then(pl.lit("duplicate")).otherwise(pl.lit("split"))
    return pl.when(is_alike).then(kind)


def _numbers(places: Array, features: Array) -> pl.Series:
    """Feature numbers of places in the table; null for -1."""
    return _known(features[places].astype(np.uint32), places >= 0)


def _known(values: Array, known: Array) -> pl.Series:
    """Values as a column, null where they are not known."""
    return pl.Series("values", values).to_frame().select(pl.when(pl.Series(known)).then("values"))[:, 0]
