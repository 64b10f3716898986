"""All methods on one training part: what each needs of the documents, and how it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from saedata.analysis.probe.result import SAE
from saedata.probing.baselines import Fitted, boosting_name, learners, prediction, tune
from saedata.probing.linear import splits
from saedata.probing.metrics import Prediction
from saedata.probing.probes import Probe, fit_dense, fit_sparse, fit_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.probing.features import Form
    from saedata.probing.linear import Split
    from saedata.probing.targets import Target

    Positions = NDArray[np.int64]

BOOSTING = "gradient boosting"

INPUTS: dict[str, str] = {
    "dense mean": "mean",
    "dense max": "max",
    "last token": "last",
    "sentence embedding": "sentence",
    "PCA": "mean",
    "kNN": "mean",
    BOOSTING: "mean",
    "MLP": "mean",
    "difference in means": "mean",
    "TF-IDF": "texts",
    "majority": "none",
}
"""What each baseline reads."""

BASELINES = tuple(INPUTS)

SHOWN = {
    "sae": "features",
    "mean": "hook layer, mean",
    "max": "hook layer, max",
    "last": "hook layer, last token",
    "sentence": "sentence embedding",
    "texts": "words",
    "none": "nothing",
}


@dataclass(frozen=True, eq=False)
class Material:
    """Documents as the methods read them, by position.

    Attributes
    ----------
    sae
        float32 [documents, features].
    inputs
        "mean", "max", "last", "sentence": float32 [documents, width]; "texts" and "none": [documents].
    groups
        int64 [documents]: rows that belong together are on one side of a fold.
    """

    sae: sparse.csr_matrix[np.float32]
    inputs: dict[str, Any]
    groups: Positions


@dataclass(frozen=True, eq=False)
class Fit:
    """A method after it was fitted, and what it says of the test documents."""

    method: str
    input: str
    k: int | None
    chosen: str
    validation: float
    prediction: Prediction
    probe: Probe | None = None


def fit_methods(
    material: Material,
    y: Target,
    parts: tuple[Positions, Positions],
    *,
    ks: Sequence[int],
    forms: Sequence[Form],
    baselines: Sequence[str],
    seed: int,
    done: Callable[[float], None],
) -> list[Fit]:
    """Fit every method to the training documents; the test documents are only predicted.

    Parameters
    ----------
    material
        All documents.
    y
        Target of the training documents.
    parts
        Positions of the training and of the test documents.
    ks, forms
        Of the sparse probes.
    baselines
        Names of `BASELINES`.
    seed
        Of what methods draw.
    done
        Called with the number of methods just fitted.
    """
    train, test = parts
    folds = splits(y, material.groups[train].tolist())
    probes = fit_sparse(material.sae[train], y, folds, ks=ks, forms=forms)
    done(1)
    found = [_sparse(k, one, material.sae[test]) for k, one in probes.items()]
    for name in baselines:
        rows = material.inputs[INPUTS[name]]
        found.append(_baseline(name, rows[train], rows[test], y, folds, seed))
        done(1)
    return found


def _sparse(k: int, one: Probe, rows: Any) -> Fit:
    said = Prediction(one.scores(rows), one.probabilities(rows))
    return Fit(SAE, SHOWN["sae"], k, f"{one.form}, {one.choice}", one.choice.score, said, one)


def _baseline(name: str, known: Any, unknown: Any, y: Target, folds: Sequence[Split], seed: int) -> Fit:
    read = INPUTS[name]
    if read == "texts" or name in ("dense mean", "dense max", "last token", "sentence embedding"):
        texts = read == "texts"
        one = fit_terms(known.tolist(), y, folds) if texts else fit_dense(known, y, folds)
        rows = unknown.tolist() if texts else unknown
        said = prediction(one.scores(rows), one.probabilities(rows))
        return Fit(name, SHOWN[read], None, str(one.choice), one.choice.score, said)
    own = boosting_name() if name == BOOSTING else name
    fitted: Fitted = tune(learners()[own], known, y, folds, seed=seed)
    return Fit(own, SHOWN[read], None, fitted.setting, fitted.score, fitted.predict(unknown))
