"""Whether concepts share their strongest units: a sign that these stand for more than one thing."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.separability.result import OVERLAP

if TYPE_CHECKING:
    from saedata.analysis.separability.measure import Measured


def shared_units(found: Measured, names: tuple[str, ...], *, units: str, top: int) -> pl.DataFrame:
    """Share of the strongest units that two concepts have in common, for each pair of concepts.

    Parameters
    ----------
    found
        Units and their mean magnitude in each concept.
    names
        Of the concepts.
    units
        What the units are called.
    top
        How many of each concept, those of the largest mean magnitude; fewer where fewer are live.

    Returns
    -------
    polars.DataFrame
        The columns `OVERLAP`; as ``chance`` the share that random choices of as many live units have in common.

    Notes
    -----
    Fereidouni et al. (arXiv 2508.15094) look at the 50 strongest units before anything else.
    """
    live = np.flatnonzero(found.live)
    size = min(top, len(live))
    order = np.argsort(-found.strengths[live], axis=0, kind="stable")[:size]
    strongest = [frozenset(order[:, concept].tolist()) for concept in range(len(names))]
    rows = [
        (units, names[a], names[b], size, shared, shared / size, size / len(live))
        for a, b in combinations(range(len(names)), 2)
        for shared in [len(strongest[a] & strongest[b])]
        if size
    ]
    return pl.DataFrame(rows, schema=OVERLAP, orient="row")
