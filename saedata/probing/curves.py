"""Points of the curves of yes/no methods, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from saedata.probing.metrics import curves

if TYPE_CHECKING:
    from saedata.probing.metrics import Prediction
    from saedata.probing.targets import Target

CURVES = pl.Schema(
    {
        "method": pl.String(),
        "k": pl.UInt32(),
        "curve": pl.String(),
        "x": pl.Float64(),
        "y": pl.Float64(),
        "at": pl.Float64(),
    }
)


def curve_points(y: Target, prediction: Prediction, *, method: str, k: int | None) -> pl.DataFrame:
    """Points of the three curves of one method, as `saedata.probing.metrics.curves` tells them.

    Parameters
    ----------
    y, prediction
        As there.
    method, k
        What the points are of.

    Returns
    -------
    polars.DataFrame
        With the columns of `CURVES`.
    """
    parts = [pl.DataFrame(schema=CURVES)]
    for name, (x, height, at) in curves(y, prediction).items():
        columns = {"method": [method] * len(x), "k": [k] * len(x), "curve": [name] * len(x)}
        parts.append(pl.DataFrame(columns | {"x": x, "y": height, "at": at}, schema=CURVES))
    return pl.concat(parts)
