"""Rows of the result: figures of every method with intervals, and curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.probe.result import ARROWS, ARROWS_WITH, SAE, TABLE
from saedata.probing.curves import CURVES, curve_points
from saedata.probing.metrics import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.probe.methods import Fit
    from saedata.analysis.probe.regimes import Setting
    from saedata.probing.labelled import Labelled
    from saedata.probing.metrics import Drawn


@dataclass(frozen=True)
class Interval:
    """How intervals are made."""

    resamples: int
    level: float
    seed: int


def with_arrows(fits: Sequence[Fit]) -> list[Fit]:
    """Add what one gets who takes the method that does best in validation, without and with sparse probes."""
    plain = [fit for fit in fits if fit.method != SAE]
    made = []
    for name, choices in ((ARROWS, plain), (ARROWS_WITH, fits)):
        best = max(choices, key=lambda fit: fit.validation)
        shown = f"{best.method} k={best.k}" if best.k else best.method
        made.append(replace(best, method=name, input="", k=None, chosen=shown, probe=None))
    return [*fits, *made]


def best_sparse(fits: Sequence[Fit]) -> Fit:
    """The sparse probe with the best figure in validation; of equals the one with fewest features."""
    return max((fit for fit in fits if fit.method == SAE), key=lambda fit: (fit.validation, -(fit.k or 0)))


def figure_rows(
    found: Labelled,
    regime: str,
    setting: Setting,
    fits: Sequence[Fit],
    groups: NDArray[np.int64],
    interval: Interval,
) -> pl.DataFrame:
    """A row for each method and metric.

    Parameters
    ----------
    found
        All documents and their labels.
    regime, setting
        What was varied.
    fits
        The methods.
    groups
        Of all documents: those of one group are drawn together.
    interval
        How intervals are made.
    """
    y = found.y[setting.test]
    codes = np.unique(groups[setting.test], return_inverse=True)[1].astype(np.int64)
    drawn = evaluate(y, [fit.prediction for fit in fits], codes, resamples=interval.resamples, seed=interval.seed)
    best = best_sparse(fits)
    place = {fit.method: at for at, fit in enumerate(fits) if fit.method in (ARROWS, ARROWS_WITH)}
    about: dict[str, Any] = {"task": found.name, "kind": found.kind, "regime": regime, "setting": setting.name}
    about |= {"amount": setting.amount, "train": len(setting.train), "test": len(setting.test)}
    rows = []
    for fit, figures in zip(fits, drawn, strict=True):
        pair = (drawn[fits.index(best)], figures) if fit is not best else None
        if fit.method == ARROWS_WITH:
            pair = figures, drawn[place[ARROWS]]
        own: dict[str, Any] = {
            "method": fit.method,
            "input": fit.input,
            "k": fit.k,
            "chosen": fit.chosen,
            "best": fit is best,
        }
        own["validation"] = fit.validation
        for metric, one in figures.items():
            rows.append(about | own | {"metric": metric} | _figures(metric, one, pair, interval.level))
    return pl.DataFrame(rows, schema=TABLE).with_columns(pl.selectors.float().fill_nan(None))


def _figures(
    metric: str, one: Drawn, pair: tuple[dict[str, Drawn], dict[str, Drawn]] | None, level: float
) -> dict[str, Any]:
    low, high = one.interval(metric, level)
    row: dict[str, Any] = {"value": one.value, "low": low, "high": high}
    if pair is not None:
        gap = pair[0][metric].less(pair[1][metric])
        below, above = gap.interval("", level)
        row |= {"difference": gap.value, "difference_low": below, "difference_high": above}
    return row


def curve_rows(y: NDArray[Any], fits: Sequence[Fit]) -> pl.DataFrame:
    """Points of the curves of every method for the test documents of a yes/no question."""
    parts = [pl.DataFrame(schema=CURVES)]
    for fit in fits:
        if (
            fit.method in (ARROWS, ARROWS_WITH)
            or fit.prediction.scores.ndim > 1
            or fit.prediction.probabilities is None
        ):
            continue
        parts.append(curve_points(y, fit.prediction, method=fit.method, k=fit.k))
    return pl.concat(parts)
