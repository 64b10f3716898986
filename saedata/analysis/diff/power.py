"""What could have been found: the smallest difference that so many documents, and tests, let one see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.diff.columns import ALPHA
from saedata.stats import minimum_detectable_difference, newcombe_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_power(table: pl.DataFrame, *, level: float, plain: bool) -> pl.DataFrame:
    """Add ``tested`` and ``detectable``.

    Parameters
    ----------
    table
        All rows that are tested.
    level
        The level that each interval has (with several others: of one of them).
    plain
        Whether documents are independent and taken as they are. If not, there are as many of them, in effect, as
        the interval is narrower or wider than it would be then.
    """
    n, m = (table[name].cast(pl.Float64).to_numpy() for name in ("target_documents", "other_documents"))
    gain = np.ones(table.height) if plain else _gain(table, level)
    sizes = (np.maximum(np.floor(size * gain), 1).astype(np.int64) for size in (n, m))
    share = np.clip(table["other"].fill_nan(0.0).fill_null(0.0).to_numpy(), 0.0, 1.0)
    least = minimum_detectable_difference(*sizes, share=share, alpha=ALPHA / max(table.height, 1))
    return table.with_columns(tested=pl.lit(table.height, pl.UInt32), detectable=pl.Series(least).fill_nan(None))


def _gain(table: pl.DataFrame, level: float) -> NDArray[np.float64]:
    counts = (table[name].to_numpy() for name in ("target_on", "target_documents", "other_on", "other_documents"))
    low, high = newcombe_interval(*counts, level=level)
    width = (table["high"] - table["low"]).to_numpy()
    return np.asarray(np.square((high - low) / np.maximum(width, 1e-12)))
