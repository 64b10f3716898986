"""Rows of the result: figures of every method, the strongest features, what languages share, and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.toxicity.figures import mean_of, measured
from saedata.analysis.toxicity.methods import DENSE, HEAD, RULE
from saedata.analysis.toxicity.result import CURVES, FEATURES, OVERLAP, TABLE
from saedata.analysis.toxicity.rule import Rule, shares
from saedata.probing.curves import curve_points
from saedata.probing.features import Columns
from saedata.probing.metrics import Prediction
from saedata.probing.probe_detector import feature_names, weights_of
from saedata.probing.probes import Probe
from saedata.stats import newcombe_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.toxicity.documents import Documents
    from saedata.analysis.toxicity.figures import Interval
    from saedata.analysis.toxicity.methods import Fitted, Material
    from saedata.analysis.toxicity.training import Training
    from saedata.frame import Embeddings
    from saedata.probing.metrics import Drawn

    Figures = dict[str, Drawn]
    Judged = tuple[Training, int, Fitted, Figures, Figures | None]

OWN, MEAN = "each its own", "mean"
TOP = 10
"""Features of a language that are listed, and whose overlap with other languages is told."""

_BOUNDS = {"f1": ("low", "high"), "macro_f1": ("macro_low", "macro_high")}
_BOUNDS |= {name: (f"{name}_low", f"{name}_high") for name in ("auc", "brier", "ece")}
_PLAIN = ("precision", "recall", "fpr")


def figure_rows(docs: Documents, made: Sequence[Training], interval: Interval) -> pl.DataFrame:
    """A row for each training set, tested language, method and k; and means over the languages."""
    judged: list[Judged] = []
    for language in range(len(docs.names)):
        judged += _judged(docs, made, language, interval.of(language))
    rows = [_row(docs, one, interval.level) for one in judged]
    if len(docs.names) > 1:
        rows += [_mean_row(group, interval.level) for group in _groups(judged, len(docs.names))]
    order = {name: place for place, name in enumerate([OWN, *(one.name for one in made)])}
    rows.sort(key=lambda row: order[row["train_language"]])
    table = pl.DataFrame([dict.fromkeys(TABLE) | row for row in rows], schema=TABLE)
    return table.with_columns(pl.selectors.float().fill_nan(None))


def _judged(docs: Documents, made: Sequence[Training], language: int, interval: Interval) -> list[Judged]:
    at = docs.evaluation(language)
    pairs = [(one, fit) for one in made if language in one.tests for fit in one.shown(language)]
    drawn = measured(docs.y[at], [fit.say(at) for _, fit in pairs], interval)
    dense = {one.name: figures for (one, fit), figures in zip(pairs, drawn, strict=True) if fit.method == DENSE}
    found: list[Judged] = []
    for (one, fit), figures in zip(pairs, drawn, strict=True):
        other = dense.get(one.name) if fit.method != DENSE else None
        found.append((one, language, fit, figures, other))
    return found


def _row(docs: Documents, judged: Judged, level: float) -> dict[str, Any]:
    one, language, fit, figures, dense = judged
    row: dict[str, Any] = {"train_language": one.name, "test_language": docs.names[language]}
    row |= {"method": fit.method, "k": fit.k, "validation": fit.validation, "chosen": fit.chosen, "best": fit.best}
    row |= {"train": len(one.train), "test": len(docs.evaluation(language))}
    gap = None if dense is None else figures["macro_f1"].less(dense["macro_f1"])
    return row | _numbers(figures, gap, level)


def _numbers(figures: Figures, gap: Drawn | None, level: float) -> dict[str, float]:
    row = {name: figures[name].value for name in (*_BOUNDS, *_PLAIN)}
    for name, (low, high) in _BOUNDS.items():
        row[low], row[high] = figures[name].interval(name, level)
    if gap is not None:
        row["difference"] = gap.value
        row["difference_low"], row["difference_high"] = gap.interval("", level)
    return row


def _groups(judged: Sequence[Judged], languages: int) -> Iterator[tuple[dict[str, Any], list[Judged]]]:
    """What is averaged over the languages: each k, the best k of each language, and those that learnt together."""
    found: dict[tuple[str, str, int | None, bool], list[Judged]] = {}
    for one in judged:
        training, language, fit = one[:3]
        if training.own is None:
            found.setdefault((training.name, fit.method, None, True), []).append(one)
        elif training.own == language:
            if fit.k is not None:
                found.setdefault((OWN, fit.method, fit.k, False), []).append(one)
            if fit.best:
                found.setdefault((OWN, fit.method, None, True), []).append(one)
    for (name, method, k, best), group in found.items():
        if len(group) == languages:
            yield {"train_language": name, "test_language": MEAN, "method": method, "k": k, "best": best}, group


def _mean_row(group: tuple[dict[str, Any], list[Judged]], level: float) -> dict[str, Any]:
    about, judged = group
    figures = {name: mean_of([one[3][name] for one in judged]) for name in judged[0][3]}
    gaps = [one[3]["macro_f1"].less(one[4]["macro_f1"]) for one in judged if one[4] is not None]
    gap = mean_of(gaps) if len(gaps) == len(judged) else None
    validation = float(np.mean([one[2].validation for one in judged]))
    return about | {"validation": validation} | _numbers(figures, gap, level)


def feature_rows(
    frame: Embeddings, docs: Documents, material: Material, own: Sequence[Training], *, evidence: int, level: float
) -> pl.DataFrame:
    """The features of each language that differ most, and those of its rule."""
    parts = [_features_of(frame, docs, material, one, evidence=evidence, level=level) for one in own]
    return pl.concat([pl.DataFrame(schema=FEATURES), *parts])


def _features_of(
    frame: Embeddings, docs: Documents, material: Material, one: Training, *, evidence: int, level: float
) -> pl.DataFrame:
    rows, y = material.sae[one.train], docs.y[one.train]
    usual = np.full(rows.shape[1], material.threshold, dtype=np.float32)
    toxic, clean = shares(rows, y, usual)
    order = np.argsort(-(toxic - clean), kind="stable")
    rule = _rule_of(one)
    top = order[:TOP][(toxic - clean)[order[:TOP]] > 0]
    chosen = np.concatenate((top, [f for f in rule.features if f not in top])).astype(np.intp)
    many, few = int((y == 1).sum()), int((y == 0).sum())
    counts = np.round(toxic[chosen] * many).astype(int), np.round(clean[chosen] * few).astype(int)
    low, high = newcombe_interval(counts[0], many, counts[1], few, level=level)
    levels = dict(zip(rule.features.tolist(), rule.levels.tolist(), strict=True))
    weights = _head_weights(one)
    rank = {int(f): place + 1 for place, f in enumerate(order.tolist())}
    names = feature_names(frame, chosen)
    table = names.rename({"name": "label"}).with_columns(
        pl.lit(one.name).alias("language"),
        pl.Series("rank", [rank[f] for f in chosen.tolist()], dtype=pl.UInt32),
        pl.Series("toxic", toxic[chosen]),
        pl.Series("clean", clean[chosen]),
        pl.Series("difference", (toxic - clean)[chosen]),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.Series("level", [levels.get(f) for f in chosen.tolist()], dtype=pl.Float64),
        pl.Series("in_rule", [f in levels for f in chosen.tolist()]),
        pl.Series("weight", [weights.get(f) for f in chosen.tolist()], dtype=pl.Float64),
        pl.Series("evidence", _evidence(rows, y, docs.found.docs[one.train], chosen, evidence)),
    )
    return table.select(list(FEATURES)).cast(FEATURES)


def _rule_of(one: Training) -> Rule:
    fit = one.best(RULE)
    assert fit is not None
    assert isinstance(fit.source, Rule)
    return fit.source


def _head_weights(one: Training) -> dict[int, float]:
    fit = one.best(HEAD)
    assert fit is not None
    assert isinstance(fit.source, Probe)
    assert isinstance(fit.source.columns, Columns)
    assert fit.source.columns.chosen is not None
    weights, _ = weights_of(fit.source)
    return dict(zip(fit.source.columns.chosen.tolist(), weights[:, 0].tolist(), strict=True))


def _evidence(
    rows: Any, y: NDArray[np.integer], docs: NDArray[np.uint32], chosen: NDArray[np.intp], most: int
) -> list[list[int]]:
    """Toxic documents where each feature is strongest; of equal ones the first."""
    toxic = np.flatnonzero(y == 1)
    values = rows[toxic][:, chosen].tocsc()
    found = []
    for column in range(len(chosen)):
        part = slice(values.indptr[column], values.indptr[column + 1])
        where, size = values.indices[part], values.data[part]
        found.append(docs[toxic[where[np.lexsort((where, -size))[:most]]]].tolist())
    return found


def overlap_rows(features: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Jaccard index of the features that differ most, for each two languages."""
    top = features.filter(pl.col("rank") <= TOP)
    sets = {name: set(top.filter(pl.col("language") == name)["feature"].to_list()) for name in names}
    rows = [
        (a, b, len(sets[a] & sets[b]) / max(len(sets[a] | sets[b]), 1), sorted(sets[a] & sets[b]))
        for at, a in enumerate(names)
        for b in names[at + 1 :]
    ]
    return pl.DataFrame(rows, schema=OVERLAP, orient="row")


def curve_rows(docs: Documents, own: Sequence[Training]) -> pl.DataFrame:
    """Points of the curves of every method on its own language."""
    parts = [pl.DataFrame(schema=CURVES)]
    for one in own:
        assert one.own is not None
        at = docs.evaluation(one.own)
        for fit in one.fits:
            if not fit.best:
                continue
            said = fit.say(at)
            prediction = Prediction(said.scores, np.stack([1 - said.p, said.p], axis=1))
            points = curve_points(docs.y[at], prediction, method=fit.method, k=fit.k)
            parts.append(points.select(pl.lit(one.name).alias("language"), pl.all()))
    return pl.concat(parts)
