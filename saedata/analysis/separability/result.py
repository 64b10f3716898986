"""What `separability` returns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

TABLE = pl.Schema(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "concept": pl.String(),
        "js": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "baseline": pl.Float64(),
        "raw": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "js_concept": pl.Float64(),
        "share_inside": pl.Float64(),
        "share_outside": pl.Float64(),
        "mean_inside": pl.Float64(),
        "mean_outside": pl.Float64(),
        "wasserstein": pl.Float64(),
        "wasserstein_scaled": pl.Float64(),
        "documents": pl.UInt32(),
    }
)
CONCEPTS = pl.Schema(
    {
        "concept": pl.String(),
        "documents": pl.UInt32(),
        "rank": pl.UInt32(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "js": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "baseline": pl.Float64(),
        "direction": pl.String(),
        "share_inside": pl.Float64(),
        "share_outside": pl.Float64(),
        "q": pl.Float64(),
        "evidence": pl.List(pl.UInt32()),
    }
)
SUMMARY = pl.Schema(
    {
        "units": pl.String(),
        "total": pl.UInt32(),
        "live": pl.UInt32(),
        "dead": pl.UInt32(),
        "mean": pl.Float64(),
        "raw": pl.Float64(),
        "baseline": pl.Float64(),
        "q10": pl.Float64(),
        "q50": pl.Float64(),
        "q90": pl.Float64(),
        "q99": pl.Float64(),
        "max": pl.Float64(),
        "separating": pl.Float64(),
        "wasserstein_scaled": pl.Float64(),
        "held_out": pl.Float64(),
        "overlap": pl.Float64(),
        "documents": pl.UInt32(),
        "concepts": pl.UInt32(),
    }
)
UNITS = pl.Schema(
    {
        "units": pl.String(),
        "unit": pl.UInt32(),
        "concept": pl.String(),
        "js": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "baseline": pl.Float64(),
        "raw": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "wasserstein": pl.Float64(),
        "wasserstein_scaled": pl.Float64(),
    }
)
HELD_OUT = pl.Schema(
    {
        "units": pl.String(),
        "concept": pl.String(),
        "half": pl.UInt32(),
        "unit": pl.UInt32(),
        "label": pl.String(),
        "js_chosen": pl.Float64(),
        "js": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "documents": pl.UInt32(),
    }
)
OVERLAP = pl.Schema(
    {
        "units": pl.String(),
        "concept_a": pl.String(),
        "concept_b": pl.String(),
        "top": pl.UInt32(),
        "shared": pl.UInt32(),
        "overlap": pl.Float64(),
        "chance": pl.Float64(),
    }
)


@dataclass(frozen=True, eq=False)
class Separability:
    """How well single units tell concepts apart.

    Attributes
    ----------
    table
        A row for each live feature, the best first: ``feature``, ``label``, ``kind``; ``concept`` that it tells best
        from the others; ``js``, the Jensen-Shannon distance between all concepts, corrected for chance (0 to 1), with
        its interval ``low`` to ``high``; ``baseline``, the distance that permuted labels have, and ``raw``, the
        distance before the correction; ``p`` and, over all live features, ``q``; ``js_concept``, the corrected
        distance of that concept from the others; ``share_inside`` and ``share_outside`` of it, where the feature is
        on, and the means of its values there (0 where it is off); ``wasserstein``, the first Wasserstein distance of
        that concept's values from the others' (in the feature's own unit, not corrected), and ``wasserstein_scaled``,
        the same in standard deviations of all documents; ``documents`` where it is on.
    concepts
        The features that tell each concept best from the others: ``concept``, its ``documents``, ``rank``,
        ``feature``, ``label``, ``kind``, corrected distance ``js`` with its interval, ``baseline``, ``direction``
        ("more" where its values are larger inside), shares, ``q`` of the feature between all concepts, and as
        ``evidence`` its strongest documents, of the concept for "more", of the others for "less".
    summary
        A row for the SAE's features and one for each pooling of the dense layer, from the same documents with the same
        number of states: ``units``, how many in ``total``, ``live``, ``dead``; ``mean``, quantiles and ``max`` of the
        corrected distance over live units, means of ``raw`` and ``baseline``, share ``separating`` (q below 0.05),
        mean ``wasserstein_scaled``; ``held_out``, the mean over concepts of the best unit chosen on one half and scored
        on the other; ``overlap``, the mean over pairs of concepts; numbers of ``documents`` and ``concepts``.
    units
        What the summary summarises, a row for each live unit.
    held_out
        Best units: ``units``, ``concept``, ``half`` that it was scored on, ``unit``, ``label``, distance from the
        other concepts on the half where it was chosen (``js_chosen``, which flatters) and on the other (``js``, with
        its interval ``low`` to ``high``).
    overlap
        For each pair of concepts, of the ``top`` units by mean magnitude in each: how many are ``shared``, their share
        ``overlap``, and what random units would share by ``chance``.
    """

    table: pl.DataFrame
    concepts: pl.DataFrame
    summary: pl.DataFrame
    units: pl.DataFrame
    held_out: pl.DataFrame
    overlap: pl.DataFrame
