"""Correction for testing many features at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from saedata.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from saedata.stats.checks import Floats


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Adjust p-values so that a bound on them bounds the false discovery rate.

    Parameters
    ----------
    p
        P-values of everything that was tested, in [0, 1]. NaN means "not tested": it stays NaN and does not
        count.

    Returns
    -------
    array
        q-values in the shape of `p`, never below `p`, and in the same order.

    Raises
    ------
    InputError
        If a p-value is outside [0, 1].

    Notes
    -----
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    values = np.asarray(p, dtype=np.float64)
    if (values < 0).any() or (values > 1).any():
        msg = "a p-value lies outside 0 to 1"
        raise InputError(msg)
    q = values.copy()
    tested = ~np.isnan(values)
    given = values[tested]
    order = np.argsort(given, kind="stable")[::-1]
    scaled = given[order] * (given.size / np.arange(given.size, 0, -1))
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum.accumulate(np.minimum(scaled, 1.0))
    q[tested] = adjusted
    return q
