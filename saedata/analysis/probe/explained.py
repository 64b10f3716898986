"""Which features a sparse probe reads, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.probe.result import FEATURES
from saedata.probing.probe_detector import feature_names

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.frame import Embeddings
    from saedata.probing.detector import Detector
    from saedata.probing.labelled import Labelled

    Matrix = sparse.csr_matrix[np.float32]


def feature_rows(
    frame: Embeddings,
    found: Labelled,
    detectors: dict[int, Detector],
    rows: Matrix,
    train: NDArray[np.int64],
    *,
    evidence: int,
) -> pl.DataFrame:
    """A row for each feature of each probe (of several classes: for each of them).

    Parameters
    ----------
    frame
        Where labels of features come from.
    found
        The documents and what was predicted.
    detectors
        The probes.
    rows
        Features of all documents.
    train
        Positions of the training documents.
    evidence
        Documents named for each feature.
    """
    used = np.unique(np.concatenate([one.features for one in detectors.values()]))
    values = rows[train][:, used.astype(np.intp)].tocsc()
    kinds = dict(feature_names(frame, used).select("feature", "kind").iter_rows())
    strongest = {int(f): _strongest(values, at, found.docs[train], evidence) for at, f in enumerate(used)}
    table = []
    for k, one in detectors.items():
        kept = values[:, np.searchsorted(used, one.features)]
        above = one.levels if one.binary else np.full(k, frame.threshold)
        on = np.asarray(kept.toarray() > above.astype(np.float32))
        for output in range(one.weights.shape[1]):
            inside, outside, name = _shares(on, found, train, output)
            for place, feature in enumerate(one.features.tolist()):
                row = {"k": k, "rank": place + 1, "class": name, "feature": feature, "label": one.labels[place]}
                row |= {"feature_kind": kinds[feature], "weight": one.weights[place, output]}
                row |= {"form": str(one.about["form"]), "share_inside": inside[place], "share_outside": outside[place]}
                table.append(row | {"evidence": strongest[feature]})
    return pl.DataFrame(table, schema=FEATURES)


def _shares(
    on: NDArray[np.bool_], found: Labelled, train: NDArray[np.int64], output: int
) -> tuple[list[float | None], list[float | None], str | None]:
    """Share of documents where each feature is on inside and outside of an output's class, and its name."""
    if found.kind == "regression":
        return [None] * on.shape[1], [None] * on.shape[1], None
    code = 1 if found.kind == "binary" else output
    mine = found.y[train] == code
    return on[mine].mean(0).tolist(), on[~mine].mean(0).tolist(), found.classes[code]


def _strongest(values: Any, column: int, docs: NDArray[np.uint32], most: int) -> list[int]:
    """Documents where a feature is strongest; of equal ones the first."""
    part = slice(values.indptr[column], values.indptr[column + 1])
    where, size = values.indices[part], values.data[part]
    order = np.lexsort((where, -size))[:most]
    chosen: list[int] = docs[where[order]].tolist()
    return chosen
