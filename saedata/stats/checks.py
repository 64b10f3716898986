"""What every statistic refuses, and the types they share."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from saedata.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

Alternative = Literal["two-sided", "greater", "less"]


def counted(on: ArrayLike, n: ArrayLike, *, least: int = 1) -> tuple[Counts, Counts]:
    """Both as integers; refuse what cannot be a count of documents out of `n`."""
    on_, n_ = np.asarray(on, dtype=np.int64), np.asarray(n, dtype=np.int64)
    if (n_ < least).any():
        msg = "a side has no documents, so it has no share; give at least one document a side"
        raise InputError(msg)
    if (on_ < 0).any() or (on_ > n_).any():
        msg = "a count of documents that are on is negative or above the number of documents"
        raise InputError(msg)
    return on_, n_


def quantile(level: float) -> float:
    """How many standard deviations an interval of this level reaches to either side."""
    check_level(level)
    return NormalDist().inv_cdf(0.5 + level / 2)


def check_level(level: float) -> None:
    """Refuse a confidence level that is none."""
    if not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
        raise InputError(msg)


def check_alternative(alternative: str) -> None:
    """Refuse a direction that there is not."""
    if alternative not in ("two-sided", "greater", "less"):
        msg = f"alternative is {alternative!r}; it must be 'two-sided', 'greater' or 'less'"
        raise InputError(msg)


def normal_p(z: Floats, alternative: Alternative) -> Floats:
    """Tail of the normal distribution beyond a signed deviation."""
    from scipy.special import erfc

    if alternative == "two-sided":
        return np.asarray(erfc(np.abs(z) / np.sqrt(2)))
    return np.asarray(erfc((z if alternative == "greater" else -z) / np.sqrt(2)) / 2)
