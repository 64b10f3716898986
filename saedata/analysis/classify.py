"""`classify`: a saved probe says of new documents what it was taught."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.embedding import as_embeddings
from saedata.errors import MismatchError
from saedata.frame.compare import COMPARABLE, encoder_differences
from saedata.probing.detector import Detector
from saedata.progress import progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.encoders import LoadedEncoder
    from saedata.frame.view import ShardView

REASON = pl.Struct(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "contribution": pl.Float64(),
        "value": pl.Float32(),
        "start": pl.UInt32(),
        "stop": pl.UInt32(),
    }
)


def classify(
    corpus: Any,
    detector: str | Path | Detector,
    *,
    reasons: int = 5,
    threshold: float | None = None,
    text: str | None = None,
    encoder: str | Path | LoadedEncoder | None = None,
) -> pl.DataFrame:
    """Score documents with a probe that `probe` made.

    Parameters
    ----------
    corpus
        A frame, or anything that `embed` takes, which is embedded into the cache with the detector's encoder.
    detector
        File that `Probing.save` wrote, or the detector itself.
    reasons
        Features named for each document, at most.
    threshold
        Probability from which a yes/no detector says yes; None: the detector's own.
    text
        Column with the text, where `corpus` still has to be embedded.
    encoder
        The encoder, if it is loaded already or stands elsewhere; None: it is found by its name.

    Returns
    -------
    polars.DataFrame
        A row for each document: ``doc``, ``score`` (probability of yes; of several classes that of the predicted one;
        the number), ``predicted`` (class or number) and ``features``: those that are on and speak most for it, structs
        of ``feature``, ``label``, ``contribution`` to the score, ``value``, and the span ``start`` to ``stop`` where
        it is strongest.

    Raises
    ------
    InputError
        The detector cannot be read.
    MismatchError
        The frame was made with another encoder than the detector.
    """
    rule = detector if isinstance(detector, Detector) else Detector.load(detector)
    frame = as_embeddings(corpus, encoder=encoder or rule.encoder.name, text=text)
    words = (f"in {frame.name}", "in the detector")
    if found := encoder_differences(frame.encoder, rule.encoder, only=COMPARABLE, words=words):
        msg = f"{frame.name} and the detector do not fit: {'; '.join(found)}; embed the corpus with the same encoder"
        raise MismatchError(msg)
    above = rule.threshold if threshold is None else threshold
    parts = [_schema(rule)]
    with progress("scoring", total=frame.n_documents, unit="documents") as done:
        for shard in frame.shards():
            parts.append(_scored(shard, rule, above, reasons).cast(parts[0].schema))
            done(parts[-1].height)
    return pl.concat(parts)


def _schema(rule: Detector) -> pl.DataFrame:
    predicted = pl.Float64() if rule.kind == "regression" else pl.String()
    return pl.DataFrame(
        schema={"doc": pl.UInt32(), "score": pl.Float64(), "predicted": predicted, "features": pl.List(REASON)}
    )


def _scored(shard: ShardView, rule: Detector, above: float, reasons: int) -> pl.DataFrame:
    from scipy import sparse

    docs = shard.documents(["doc"])["doc"].sort().to_numpy()
    place = pl.DataFrame({"feature": rule.features, "column": np.arange(len(rule.features))})
    rows = pl.DataFrame({"doc": docs, "row": np.arange(len(docs))})
    cells = shard.activations(["doc", "feature", "value", "start", "stop"])
    cells = cells.join(place.cast({"feature": pl.UInt32}), on="feature").join(rows, on="doc")
    where = cells["row"].to_numpy(), rule.features[cells["column"].to_numpy()]
    matrix = sparse.csr_matrix((cells["value"].to_numpy(), where), shape=(len(docs), rule.encoder.d_sae))
    columns = rule.columns(matrix)
    score, predicted, direction = _said(rule, rule.scores(columns), above)
    parts = columns * direction
    cells = cells.with_columns(contribution=parts[cells["row"].to_numpy(), cells["column"].to_numpy()])
    table = pl.DataFrame({"doc": docs, "score": score}).with_columns(predicted)
    return _with_reasons(table, cells, rule, reasons)


def _said(
    rule: Detector, scores: NDArray[np.float64], above: float
) -> tuple[NDArray[np.float64], pl.Series, NDArray[np.float64]]:
    """Score and prediction of each document, and what each column's unit counts for the prediction."""
    if rule.kind == "regression":
        return scores[:, 0], pl.Series("predicted", scores[:, 0]), rule.weights[:, 0][None]
    known = rule.probabilities(scores)
    names = np.array(rule.classes, dtype=object)
    if rule.kind == "binary":
        yes = known[:, 1] >= above
        return (
            known[:, 1],
            _series(names[yes.astype(np.intp)]),
            rule.weights[:, 0][None] * np.where(yes, 1, -1)[:, None],
        )
    best = known.argmax(1)
    weights = rule.weights - rule.weights.mean(1, keepdims=True)
    return known.max(1), _series(names[best]), weights[:, best].T


def _series(names: NDArray[np.object_]) -> pl.Series:
    return pl.Series("predicted", names, dtype=pl.String)


def _with_reasons(table: pl.DataFrame, cells: pl.DataFrame, rule: Detector, reasons: int) -> pl.DataFrame:
    """Add the features that are on and speak most for what was predicted."""
    labels = pl.DataFrame({"column": np.arange(len(rule.features)), "label": pl.Series(rule.labels, dtype=pl.String)})
    speaking = cells.filter(pl.col("contribution") > 0, pl.col("value") > _level(rule, cells))
    best = speaking.sort("doc", -pl.col("contribution"), "column").group_by("doc", maintain_order=True).head(reasons)
    named = best.join(labels, on="column", how="left", maintain_order="left")
    names = [field.name for field in REASON.fields]
    lists = named.group_by("doc", maintain_order=True).agg(features=pl.struct(names))
    found = table.join(lists, on="doc", how="left", maintain_order="left")
    return found.with_columns(pl.col("features").fill_null(pl.lit([], dtype=pl.List(REASON))))


def _level(rule: Detector, cells: pl.DataFrame) -> pl.Series:
    """What a value must exceed to count as on for this detector."""
    levels = rule.levels if rule.binary else np.full(len(rule.features), rule.encoder.threshold)
    return pl.Series(levels.astype(np.float32)[cells["column"].to_numpy()])
