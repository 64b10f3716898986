"""What `probe` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from saedata.probing.detector import Detector

SAE, ARROWS, ARROWS_WITH = "SAE", "quiver", "quiver + SAE"

TABLE = pl.Schema(
    {
        "task": pl.String(),
        "kind": pl.String(),
        "regime": pl.String(),
        "setting": pl.String(),
        "amount": pl.Float64(),
        "method": pl.String(),
        "input": pl.String(),
        "k": pl.UInt32(),
        "metric": pl.String(),
        "value": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "difference": pl.Float64(),
        "difference_low": pl.Float64(),
        "difference_high": pl.Float64(),
        "validation": pl.Float64(),
        "chosen": pl.String(),
        "best": pl.Boolean(),
        "train": pl.UInt32(),
        "test": pl.UInt32(),
    }
)
FEATURES = pl.Schema(
    {
        "k": pl.UInt32(),
        "rank": pl.UInt32(),
        "class": pl.String(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "feature_kind": pl.String(),
        "weight": pl.Float64(),
        "form": pl.String(),
        "share_inside": pl.Float64(),
        "share_outside": pl.Float64(),
        "evidence": pl.List(pl.UInt32()),
    }
)
DISPUTED = pl.Schema(
    {
        "doc": pl.UInt32(),
        "part": pl.String(),
        "label": pl.String(),
        "predicted": pl.String(),
        "score": pl.Float64(),
        "p_label": pl.Float64(),
        "p_predicted": pl.Float64(),
        "issue": pl.Boolean(),
        "features": pl.List(pl.String()),
        "feature_ids": pl.List(pl.UInt32()),
        "contributions": pl.List(pl.Float64()),
    }
)


@dataclass(frozen=True, eq=False)
class Probing:
    """What predicts a label, as a few tables, and the probes themselves.

    Attributes
    ----------
    table
        A row for each method (of the sparse probe: each k) and metric, and in other regimes than "normal" for each
        setting: ``task`` (the label's column), ``kind``, ``regime``, ``setting`` and its ``amount``, ``method``
        ("SAE" is the sparse probe), ``input``, ``k``, ``metric``, ``value`` on the test documents with its interval
        ``low`` to ``high``; ``difference`` of the best sparse probe's value from this one, with the interval of the
        paired bootstrap (in the row "quiver + SAE": of that quiver from the one without); ``validation`` (the
        cross-validated figure that choices were made by), what was ``chosen``, whether it is the ``best`` sparse probe
        by validation, and the numbers of documents in ``train`` and ``test``.
    features
        Features of the sparse probes: ``k``, ``rank``, ``class`` that the weight speaks for, ``feature``, ``label``,
        ``feature_kind``, ``weight`` (on standardised columns), ``form``, share of the training documents where it is
        on, ``share_inside`` the class and ``share_outside`` (null for numbers), and as ``evidence`` its strongest
        training documents.
    disputed
        Documents whose label the best sparse probe disputes most when it has not seen it, by ``score`` (probability of
        the predicted class less that of the label; of numbers the residual in standard deviations): ``doc``, ``part``,
        ``label``, ``predicted``, ``p_label``, ``p_predicted``, ``issue`` (whether confident learning takes the label
        for wrong), and the ``features`` that say why, with their ``contributions`` to the score.
    curves
        Of yes/no questions, for each method: ``curve`` ("roc", "pr", "calibration"), ``x``, ``y``, and score (of
        calibration: number of documents) ``at`` the point.
    leaks
        Test documents that are in the training part too: ``doc``, ``train_doc``, ``similarity``, ``exact``.
    detectors
        The sparse probes by k, each of which can be saved and used by `classify`.
    best
        The k that cross-validation prefers.
    """

    table: pl.DataFrame
    features: pl.DataFrame
    disputed: pl.DataFrame
    curves: pl.DataFrame
    leaks: pl.DataFrame
    detectors: dict[int, Detector]
    best: int

    @property
    def detector(self) -> Detector:
        """The sparse probe that cross-validation prefers."""
        return self.detectors[self.best]

    def save(self, path: str | Path, *, k: int | None = None) -> None:
        """Write a sparse probe as JSON, for `classify`.

        Parameters
        ----------
        path
            Where.
        k
            Which; None: the one that cross-validation prefers.

        Raises
        ------
        InputError
            There is none with so many features, or the file cannot be written.
        """
        if k is not None and k not in self.detectors:
            msg = f"there is no probe with {k} features; there are {', '.join(map(str, self.detectors))}"
            raise InputError(msg)
        self.detectors[self.best if k is None else k].save(path)
