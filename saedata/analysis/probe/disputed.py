"""Documents whose label a probe disputes that has not seen it: likely mistakes, or hard cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.probe.result import DISPUTED
from saedata.probing.features import Columns
from saedata.probing.linear import splits
from saedata.probing.probe_detector import feature_names, weights_of
from saedata.probing.probes import refit_sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.probe.methods import Material
    from saedata.frame import Embeddings
    from saedata.probing.labelled import Labelled
    from saedata.probing.probes import Probe

    Values = NDArray[np.float64]

_REASONS = 3


@dataclass(frozen=True)
class _Held:
    """What held-out probes say: of each document its fold's probe, and the probabilities (or the number)."""

    fold: NDArray[np.int64]
    probes: list[Probe]
    said: Values


def disputed(
    frame: Embeddings, found: Labelled, material: Material, like: Probe, test: NDArray[np.int64], *, most: int
) -> pl.DataFrame:
    """Predict every document by probes of five folds that were fitted without it, and list the sharpest disputes.

    Parameters
    ----------
    frame
        Where labels of features come from.
    found, material
        The documents.
    like
        The probe whose form, number of features, penalty and C are used.
    test
        Positions of the test documents.
    most
        Rows, at most.

    Notes
    -----
    ``issue``: confident learning (Northcutt, C., Jiang, L. and Chuang, I. (2021), J. Artif. Intell. Res. 70): another
    class is at least as probable as it is on average for documents with that label, and more probable than the label.
    """
    held = _held_out(found, material, like)
    table = _of_numbers(found, held.said[:, 0]) if found.kind == "regression" else _of_classes(found, held.said)
    parts = np.full(len(found.y), "train", dtype=object)
    parts[test] = "test"
    table = table.with_columns(pl.Series("part", parts, dtype=pl.String))
    chosen = table.filter(pl.col("score") > 0).sort(-pl.col("score"), "doc").head(most)
    reasons = [
        _reasons(found, material, held, *row) for row in chosen.select("position", "code", "against").iter_rows()
    ]
    return _explained(frame, chosen, reasons)


def _held_out(found: Labelled, material: Material, like: Probe) -> _Held:
    outputs = max(len(found.classes), 1)
    fold, said = np.zeros(len(found.y), dtype=np.int64), np.full((len(found.y), outputs), np.nan)
    probes = []
    for number, (train, held) in enumerate(splits(found.y, material.groups.tolist(), every=True)):
        one = refit_sparse(material.sae[train], found.y[train], like)
        known = one.probabilities(material.sae[held])
        said[held] = one.scores(material.sae[held])[:, None] if known is None else known
        fold[held] = number
        probes.append(one)
    return _Held(fold, probes, said)


def _of_classes(found: Labelled, said: Values) -> pl.DataFrame:
    """Margins of the predicted class over the label; nothing is said of documents that no fold held out."""
    y, every = found.y, np.arange(len(found.y))
    known = ~np.isnan(said[:, 0])
    filled = np.where(known[:, None], said, 0)
    predicted, own = filled.argmax(1), filled[every, y]
    usual = np.array([filled[known & (y == c), c].mean() for c in range(said.shape[1])])
    confident = np.where(filled >= usual, filled, -1.0)
    other = confident.argmax(1)
    names = np.array(found.classes, dtype=object)
    return pl.DataFrame(
        {
            "position": every,
            "code": predicted,
            "against": y,
            "doc": found.docs,
            "label": pl.Series(names[y], dtype=pl.String),
            "predicted": pl.Series(names[predicted], dtype=pl.String),
            "score": filled[every, predicted] - own,
            "p_label": own,
            "p_predicted": filled[every, predicted],
            "issue": known & (confident.max(1) > own) & (other != y),
        }
    )


def _of_numbers(found: Labelled, said: Values) -> pl.DataFrame:
    residual = np.nan_to_num(said - found.y)
    spread = residual.std() or 1.0
    direction = np.where(residual > 0, 1, -1)
    return pl.DataFrame(
        {
            "position": np.arange(len(residual)),
            "code": direction,
            "against": direction,
            "doc": found.docs,
            "label": pl.Series([f"{value:.6g}" for value in found.y]),
            "predicted": pl.Series([f"{value:.6g}" for value in said]),
            "score": np.abs(residual) / spread,
            "p_label": pl.Series([None] * len(residual), dtype=pl.Float64),
            "p_predicted": pl.Series([None] * len(residual), dtype=pl.Float64),
            "issue": np.abs(residual) / spread > 3,
        }
    )


def _reasons(
    found: Labelled, material: Material, held: _Held, position: int, code: int, against: int
) -> tuple[list[int], list[float]]:
    """Features that speak most for the predicted class and against the label."""
    one = held.probes[held.fold[position]]
    assert isinstance(one.columns, Columns)
    assert one.columns.chosen is not None
    weights, _ = weights_of(one)
    if found.kind == "regression":
        direction = code * weights[:, 0]
    elif weights.shape[1] == 1:
        direction = weights[:, 0] * (1 if code == 1 else -1)
    else:
        direction = weights[:, code] - weights[:, against]
    parts = one.columns.of(material.sae[position])[0] * direction
    order = np.argsort(-parts, kind="stable")[:_REASONS]
    order = order[parts[order] > 0]
    return one.columns.chosen[order].tolist(), [float(value) for value in parts[order]]


def _explained(frame: Embeddings, chosen: pl.DataFrame, reasons: list[tuple[list[int], list[float]]]) -> pl.DataFrame:
    numbers = sorted({feature for features, _ in reasons for feature in features})
    names: dict[int, str] = dict(feature_names(frame, np.array(numbers)).select("feature", "name").iter_rows())
    columns: dict[str, Any] = {
        "features": [[names[feature] for feature in features] for features, _ in reasons],
        "feature_ids": [features for features, _ in reasons],
        "contributions": [parts for _, parts in reasons],
    }
    lists = pl.DataFrame(columns, schema={name: DISPUTED[name] for name in columns})
    return chosen.hstack(lists).select(list(DISPUTED)).cast(DISPUTED)
