"""How much each feature counts, for analyses that add features up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Weights = Literal["equal", "rare"] | pl.DataFrame | str | Path
"""Equal, by density, a table with the columns feature and weight, or the file of such a table."""

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".json": pl.read_json,
}


def feature_weights(
    weights: Weights, on: NDArray[np.int64], documents: int, *, allow_negative: bool = False
) -> NDArray[np.float64]:
    """Give each feature its weight.

    Parameters
    ----------
    weights
        "equal": 1 each; "rare": density ** -0.5, so that a feature on in 1 % of the documents counts ten times
        as much as one on in all; or a table with columns ``feature`` and ``weight`` (or the name of a Parquet,
        CSV or JSON file with one), where features that are not in it weigh nothing.
    on
        int64 [features], documents in which each is on.
    documents
        How many documents there are, at least 1.
    allow_negative
        Whether a table may hold weights below 0.

    Returns
    -------
    numpy.ndarray
        float64 [features].

    Raises
    ------
    InputError
        The table cannot be read, lacks a column, names a feature that does not exist or twice, or holds a weight
        that is not a number or must not be negative.

    Examples
    --------
    >>> feature_weights("rare", np.array([4, 1, 0]), 4).tolist()
    [1.0, 2.0, 0.0]
    """
    if isinstance(weights, str) and weights == "equal":
        return np.ones(len(on))
    if isinstance(weights, str) and weights == "rare":
        return np.sqrt(np.divide(documents, on, out=np.zeros(len(on)), where=on > 0))
    table = weights if isinstance(weights, pl.DataFrame) else _read(Path(weights))
    _check_columns(table)
    feature, weight = table["feature"].to_numpy(), table["weight"].cast(pl.Float64).to_numpy()
    _check_values(feature, weight, len(on), allow_negative=allow_negative)
    given = np.zeros(len(on))
    given[feature] = weight
    return given


def _read(path: Path) -> pl.DataFrame:
    try:
        return _READERS[path.suffix](path)
    except KeyError:
        msg = f"weights are {str(path)!r}; they must be 'equal', 'rare', or a table in a .parquet, .csv or .json file"
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"cannot read weights from {path}: {' '.join(str(error).split())}"
    raise InputError(msg)


def _check_columns(table: pl.DataFrame) -> None:
    for name in ("feature", "weight"):
        if name not in table.columns:
            msg = f"a table of weights needs the columns feature and weight; this one has {', '.join(table.columns)}"
            raise InputError(msg)
        if table[name].null_count() or not (
            table[name].dtype.is_integer() or (name == "weight" and table[name].dtype.is_numeric())
        ):
            what = "whole numbers" if name == "feature" else "numbers"
            msg = f"column {name!r} of the weights must hold {what} and no nulls; it holds {table[name].dtype}"
            raise InputError(msg)


def _check_values(
    feature: NDArray[np.integer], weight: NDArray[np.float64], features: int, *, allow_negative: bool
) -> None:
    msg = ""
    if ((feature < 0) | (feature >= features)).any():
        wrong = feature[(feature < 0) | (feature >= features)][0]
        msg = f"the weights name feature {wrong}, but this encoder has features 0 to {features - 1}"
    elif len(np.unique(feature)) < len(feature):
        numbers, times = np.unique(feature, return_counts=True)
        msg = f"the weights name feature {numbers[times > 1][0]} more than once; give each feature one weight"
    elif not np.isfinite(weight).all():
        msg = f"the weight of feature {feature[~np.isfinite(weight)][0]} is not a finite number"
    elif not allow_negative and (weight < 0).any():
        msg = f"the weight of feature {feature[weight < 0][0]} is negative; here weights must be 0 or more"
    if msg:
        raise InputError(msg)
