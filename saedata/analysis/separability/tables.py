"""Arrays of what was measured become tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.separability.result import CONCEPTS, SUMMARY, TABLE, UNITS
from saedata.frame.features import feature_name_expr
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.separability.measure import Measured
    from saedata.frame import Embeddings
    from saedata.probing.labelled import Labelled

    Floats = NDArray[np.float64]

LEVEL = 0.05
_QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


def feature_table(found: Measured, frame: Embeddings, names: tuple[str, ...]) -> pl.DataFrame:
    """A row for each live feature, the best first; columns `TABLE`."""
    every, told = np.arange(len(found.numbers)), found.concept
    units = unit_rows(found, names).drop("units")
    shares, rest = found.on.astype(np.float64), found.rest(found.on)
    means, others = found.means.astype(np.float64), found.rest(found.means)
    more = pl.DataFrame(
        {
            "js_concept": found.js[every, 1 + told],
            "share_inside": shares[every, told],
            "share_outside": rest[every, told],
            "mean_inside": means[every, told],
            "mean_outside": others[every, told],
            "documents": found.documents,
        }
    ).filter(pl.Series(found.live))
    rows = units.rename({"unit": "feature"}).hstack(more)
    return _labelled(rows, frame).sort(-pl.col("js"), "feature").select(TABLE.names()).cast(TABLE)


def unit_rows(found: Measured, names: tuple[str, ...], *, units: str = "SAE") -> pl.DataFrame:
    """A row for each live unit, by number; columns `UNITS`."""
    live = found.live
    scaled = np.divide(found.wasserstein, found.spread, out=np.zeros_like(found.spread), where=found.spread > 0)
    columns = {
        "units": np.full(int(live.sum()), units),
        "unit": found.numbers[live],
        "concept": np.array(names)[found.concept[live]],
        "js": found.js[live, 0],
        "low": found.low[live, 0],
        "high": found.high[live, 0],
        "baseline": np.sqrt(found.expected[live, 0]),
        "raw": np.sqrt(found.found[live, 0]),
        "p": found.p[live],
        "q": benjamini_hochberg(found.p[live]),
        "wasserstein": found.wasserstein[live],
        "wasserstein_scaled": scaled[live],
    }
    return pl.DataFrame(columns, schema=UNITS, strict=False)


def concept_table(
    found: Measured, frame: Embeddings, labelled: Labelled, *, top: int, evidence: int, threshold: float
) -> pl.DataFrame:
    """The features that tell each concept best from the others; columns `CONCEPTS`."""
    q = np.ones(len(found.numbers))
    q[found.live] = benjamini_hochberg(found.p[found.live])
    rest, others = found.rest(found.on), found.rest(found.means)
    tables = []
    for concept, name in enumerate(labelled.classes):
        js = np.where(found.live, found.js[:, 1 + concept], 0.0)
        best = np.argsort(-js, kind="stable")[:top]
        best = best[js[best] > 0]
        more = found.means[best, concept] >= others[best, concept]
        inside = labelled.y == concept
        shown = _evidence(frame, labelled, found.numbers[best], more, inside, evidence, threshold)
        columns = {
            "concept": [name] * len(best),
            "documents": [int(inside.sum())] * len(best),
            "rank": np.arange(1, len(best) + 1),
            "feature": found.numbers[best],
            "js": js[best],
            "low": found.low[best, 1 + concept],
            "high": found.high[best, 1 + concept],
            "baseline": np.sqrt(found.expected[best, 1 + concept]),
            "direction": np.where(more, "more", "less"),
            "share_inside": found.on[best, concept],
            "share_outside": rest[best, concept],
            "q": q[best],
            "evidence": shown,
        }
        own = pl.DataFrame(columns, schema={key: CONCEPTS[key] for key in columns}, strict=False)
        tables.append(_labelled(own, frame))
    return pl.concat(tables).select(CONCEPTS.names())


def _evidence(
    frame: Embeddings,
    labelled: Labelled,
    features: NDArray[np.int64],
    more: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    evidence: int,
    threshold: float,
) -> list[list[int]]:
    """Strongest documents of each feature, on the side where its values are larger."""
    shown: dict[int, list[int]] = {int(feature): [] for feature in features}
    for side, docs in ((more, labelled.docs[inside]), (~more, labelled.docs[~inside])):
        wanted = features[side].tolist()
        if wanted and evidence:
            pairs = frame.top_documents(wanted, evidence, docs=docs, threshold=threshold).select("feature", "doc")
            for feature, doc in pairs.iter_rows():
                shown[feature].append(doc)
    return [shown[int(feature)] for feature in features]


def summary_row(
    name: str, found: Measured, rows: pl.DataFrame, held_out: pl.DataFrame, overlap: pl.DataFrame
) -> pl.DataFrame:
    """One row of the comparison; columns `SUMMARY`."""
    js = rows["js"].to_numpy()
    values: dict[str, object] = {name: _quantile(js, at) for name, at in _QUANTILES.items()}
    values |= {name: rows[name].mean() for name in ("raw", "baseline", "wasserstein_scaled")}
    values |= {"mean": rows["js"].mean(), "max": rows["js"].max(), "separating": (rows["q"] < LEVEL).mean()}
    values |= {"held_out": held_out["js"].mean(), "overlap": overlap["overlap"].mean()}
    counts: dict[str, object] = {
        "units": name,
        "total": len(found.numbers),
        "live": len(js),
        "dead": len(found.numbers) - len(js),
    }
    counts |= {"documents": int(found.concepts.sizes.sum()), "concepts": len(found.concepts)}
    return pl.DataFrame([counts | values], schema=SUMMARY)


def _quantile(js: Floats, at: float) -> float | None:
    return float(np.quantile(js, at)) if len(js) else None


def with_labels(rows: pl.DataFrame, frame: Embeddings, *, sparse: str) -> pl.DataFrame:
    """Labels of the features among some units."""
    names = frame.features.select(unit="feature", name=feature_name_expr())
    known = rows.drop("label").join(names, on="unit", how="left", maintain_order="left")
    label = pl.when(pl.col("units") == sparse).then("name").alias("label")
    return known.with_columns(label).select(rows.columns)


def _labelled(rows: pl.DataFrame, frame: Embeddings) -> pl.DataFrame:
    names = frame.features.select("feature", "kind", label=feature_name_expr())
    return rows.join(names, on="feature", how="left", maintain_order="left")
