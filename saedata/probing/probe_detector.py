"""A fitted probe becomes a detector: the names of its features, and its weights as sums of log odds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.frame.features import feature_name_expr
from saedata.probing.detector import Detector
from saedata.probing.features import Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.probing.labelled import Labelled
    from saedata.probing.probes import Probe


def feature_names(frame: Embeddings, features: NDArray[np.integer]) -> pl.DataFrame:
    """``feature``, ``name`` as it is shown, and ``kind`` of some features."""
    stored = frame.view.parts[0].frame.features
    table = stored.select("feature", feature_name_expr().alias("name"), "kind")
    wanted = pl.DataFrame({"feature": np.asarray(features, dtype=np.uint32)})
    return wanted.join(table, on="feature", how="left", maintain_order="left")


def weights_of(one: Probe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights [k, outputs] and intercepts [outputs] of a probe, calibrated: sums of them are log odds."""
    weights = np.asarray(np.atleast_2d(one.model.coef_).T, dtype=np.float64)
    if not hasattr(one.model, "classes_"):
        return weights, np.atleast_1d(np.asarray(one.model.intercept_, dtype=np.float64))
    return weights * one.calibration.slope, one.calibration.offset


def detector_of(
    frame: Embeddings, found: Labelled, one: Probe, about: dict[str, Any], *, threshold: float = 0.5
) -> Detector:
    """The probe with all that is needed to score documents of the same encoder.

    Parameters
    ----------
    frame
        Where labels of features come from.
    found
        What was predicted.
    one
        The probe, on features.
    about
        Figures and choices, for people.
    threshold
        Probability from which a yes/no probe says yes.
    """
    columns = one.columns
    assert isinstance(columns, Columns)
    assert columns.chosen is not None
    weights, intercepts = weights_of(one)
    return Detector(
        kind=found.kind,
        label=found.name,
        classes=found.classes,
        features=columns.chosen.astype(np.uint32),
        labels=tuple(feature_names(frame, columns.chosen)["name"].to_list()),
        binary=columns.form.threshold is not None,
        levels=columns.levels.astype(np.float64),
        centre=columns.centre.astype(np.float64),
        spread=columns.spread.astype(np.float64),
        weights=weights,
        intercepts=intercepts,
        threshold=threshold,
        encoder=frame.encoder,
        about=about,
    )
