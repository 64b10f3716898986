"""Labels of an encoder's features, as a frame takes them: one row for a feature, each pole of a signed one its own."""

from __future__ import annotations

import polars as pl

from saedata.encoders import Encoder
from saedata.frame.layout import LABEL_SCHEMA
from saedata.sae.model import SAE
from saedata.sae.poles import Poles

POLES = {"positive pole": " (+)", "negative pole": " (−)"}
"""Kind of an unlabelled pole, and what a pole adds to the label of a signed feature."""


def encoder_labels(spec: Encoder, sae: SAE) -> pl.DataFrame | None:
    """Labels that lie beside an encoder's SAE.

    Parameters
    ----------
    spec
        The encoder.
    sae
        Its SAE, as `load_encoder` gives it.

    Returns
    -------
    polars.DataFrame or None
        Columns of a label table; None if there are none, and nothing to say.
    """
    known = pl.read_parquet(spec.labels) if spec.labels else None
    return pole_labels(known, sae.signed_sae.d_sae) if isinstance(sae, Poles) else known


def pole_labels(labels: pl.DataFrame | None, signed: int) -> pl.DataFrame:
    """Labels of both poles of signed features.

    Parameters
    ----------
    labels
        Of the poles, if it names a feature that only they have; else of the signed features, whose poles then share a
        label with a sign after it. Top tokens of a signed feature belong to neither pole, and are left out.
    signed
        Number of signed features.

    Examples
    --------
    >>> table = pole_labels(pl.DataFrame({"feature": [1], "label": ["politeness"]}), 2)
    >>> table.select("feature", "label", "kind").rows()
    [(0, None, 'positive pole'), (1, 'politeness (+)', None), (2, None, 'negative pole'), (3, 'politeness (−)', None)]
    """
    every = pl.DataFrame({"feature": pl.arange(2 * signed, eager=True, dtype=pl.UInt32)})
    known = _complete(labels)
    if not (known["feature"] >= signed).any():
        poles = enumerate(POLES.values())
        known = pl.concat(
            known.with_columns(
                feature=pl.col("feature") + number * signed,
                label=pl.col("label") + sign,
                tokens=pl.lit(None, LABEL_SCHEMA["tokens"]),
            ).select(list(LABEL_SCHEMA))
            for number, sign in poles
        )
    positive, negative = POLES
    pole = pl.when(pl.col("feature") < signed).then(pl.lit(positive)).otherwise(pl.lit(negative))
    unlabelled = pl.col("label").is_null()
    return every.join(
        known.cast(pl.Schema(LABEL_SCHEMA)), on="feature", how="left", maintain_order="left"
    ).with_columns(kind=pl.when(unlabelled).then(pole).otherwise("kind"))


def _complete(labels: pl.DataFrame | None) -> pl.DataFrame:
    if labels is None:
        return pl.DataFrame(schema=LABEL_SCHEMA)
    absent = [pl.lit(None, kind).alias(name) for name, kind in LABEL_SCHEMA.items() if name not in labels.columns]
    return labels.with_columns(absent).select(list(LABEL_SCHEMA))
