"""The best unit of each concept, chosen on one half of the documents and scored on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.separability.measure import measure
from saedata.analysis.separability.result import HELD_OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from saedata.analysis.separability.measure import Estimator, Measured
    from saedata.analysis.separability.units import Units

    Positions = NDArray[np.int64]


def halves_of(y: Positions, *, seed: int) -> tuple[Positions, Positions]:
    """Two halves of the documents, each with half of every concept; ascending positions.

    Parameters
    ----------
    y
        Concepts of the documents.
    seed
        Of the choice.

    Examples
    --------
    >>> first, second = halves_of(np.array([0, 0, 1, 1, 1, 1]), seed=0)
    >>> len(first), len(second), sorted([*first.tolist(), *second.tolist()])
    (3, 3, [0, 1, 2, 3, 4, 5])
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def held_out(
    units: Units,
    y: Positions,
    halves: tuple[Positions, Positions],
    estimator: Estimator,
    names: tuple[str, ...],
    *,
    done: Callable[[int], object] = lambda _: None,
) -> pl.DataFrame:
    """Choose the unit that tells each concept best from the others on either half, and score it on the other.

    Parameters
    ----------
    units, y, estimator
        As for `measure`.
    halves
        Positions of the documents of either half.
    names
        Of the concepts.
    done
        Called with 1 for each unit and half.

    Returns
    -------
    polars.DataFrame
        The columns `HELD_OUT`, without labels.
    """
    both = [measure(units, rows, y[rows], estimator, done=done) for rows in halves]
    tables = [
        _scored(units.name, both[1 - half], both[half], half=half + 1, documents=len(halves[half]), names=names)
        for half in (0, 1)
    ]
    return pl.concat(tables)


def _scored(
    name: str, chosen: Measured, scored: Measured, *, half: int, documents: int, names: tuple[str, ...]
) -> pl.DataFrame:
    best = chosen.js[:, 1:].argmax(axis=0)
    place = np.arange(1, 1 + len(names))
    return pl.DataFrame(
        {
            "units": [name] * len(names),
            "concept": list(names),
            "half": [half] * len(names),
            "unit": chosen.numbers[best],
            "label": [None] * len(names),
            "js_chosen": chosen.js[best, place],
            "js": scored.js[best, place],
            "low": scored.low[best, place],
            "high": scored.high[best, place],
            "documents": [documents] * len(names),
        },
        schema=HELD_OUT,
        strict=False,
    )
