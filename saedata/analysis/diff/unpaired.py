"""From counted piles to the rows of `diff`: one table for each comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.diff.compare import (
    Decision,
    Pairwise,
    Side,
    adjusted,
    clustered,
    crude,
    decide,
    mean_effects,
    tabulate,
    tested_features,
)
from saedata.analysis.diff.strata import LENGTH, clusters_of, crossed, one_stratum, strata_of
from saedata.analysis.diff.tally import Tally, count, count_by_cluster
from saedata.stats import ClusteredStrata, cluster_degrees, cluster_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.diff.sides import Comparison, Design
    from saedata.analysis.diff.strata import Strata


@dataclass(frozen=True)
class Settings:
    """What `diff` was asked for; see there."""

    above: float
    level: float
    adjust: str | None = None
    cluster: str | None = None
    effects: bool = True


@dataclass(frozen=True, eq=False)
class _Spread:
    """Cluster variances [pairs, features] and degrees of freedom [pairs] of (target, other) piles."""

    pairs: list[tuple[int, int]]
    variance: NDArray[np.float64]
    degrees: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Counted:
    """Everything that was counted; `length` and `covariate` are None where nobody needs them.

    `spreads` holds the variances between clusters, if asked for: of the plain differences (None), and of those within
    strata of length or of another column.
    """

    documents: NDArray[np.int64]
    on: NDArray[np.int64]
    length: Tally | None
    covariate: Tally | None
    spreads: dict[str | None, _Spread]


def tables(design: Design, settings: Settings) -> list[pl.DataFrame]:
    """Count, and compare.

    Returns
    -------
    list of polars.DataFrame
        One for each comparison, with its ``group`` first; besides the columns of `diff` that are known by then,
        ``crude_p`` is the p without adjustment.
    """
    counted = _count(design, settings)
    return [_table(design, one, counted, settings) for one in design.comparisons]


def _count(design: Design, settings: Settings) -> _Counted:
    needs_length = settings.effects or settings.adjust == LENGTH
    covariates = {column for column in (settings.adjust, LENGTH if needs_length else None) if column is not None}
    strata = {column: strata_of(design, column) for column in sorted(covariates)}
    tallies = {column: count(design, within, settings.above) for column, within in strata.items()}
    length, covariate = tallies.get(LENGTH), tallies.get(settings.adjust or "")
    known = length or covariate
    documents, on = _plain(design, settings.above) if known is None else (known.documents, known.on)
    spreads = _spreads(design, settings.cluster, strata, settings.above) if settings.cluster else {}
    return _Counted(documents.sum(axis=1), on.sum(axis=1, dtype=np.int64), length, covariate, spreads)


def _plain(design: Design, above: float) -> tuple[NDArray[np.int64], NDArray[np.integer]]:
    """Counts alone, from what is stored wherever a pile is a whole frame."""
    if any(source.boxes > 1 for source in design.sources):
        documents, features = count_by_cluster(design, one_stratum(design), above)
        counts = np.zeros((*documents.shape, design.frames[0].n_features), dtype=np.int64)
        for feature, on in features:
            counts[:, :, feature] = on
        return documents, counts
    docs = [pile.docs() for pile in design.piles]
    sizes = [pile.frame.n_documents if own is None else len(own) for pile, own in zip(design.piles, docs, strict=True)]
    stored = [pile.frame.documents_on(threshold=above, docs=own) for pile, own in zip(design.piles, docs, strict=True)]
    return np.array(sizes)[:, None], np.stack(stored)[:, None]


def _spreads(design: Design, column: str, strata: dict[str, Strata], above: float) -> dict[str | None, _Spread]:
    clusters = clusters_of(design, column)
    pairs = [(one.target, other) for one in design.comparisons for other in one.others]
    plain = _spread(design, clusters, one_stratum(design), pairs, above)
    return {None: plain} | {name: _spread(design, clusters, own, pairs, above) for name, own in strata.items()}


def _spread(design: Design, clusters: Strata, strata: Strata, pairs: list[tuple[int, int]], above: float) -> _Spread:
    cells, cluster, stratum = crossed(clusters, strata)
    documents, features = count_by_cluster(design, cells, above)
    mine, theirs = (list(piles) for piles in zip(*pairs, strict=True))
    n, m = documents[mine].T, documents[theirs].T
    variance = np.zeros((len(pairs), design.frames[0].n_features))
    if strata.size == 1:
        for feature, on in features:
            variance[:, feature] = cluster_variance(on[mine].T, n, on[theirs].T, m)
        return _Spread(pairs, variance, cluster_degrees(n, m))
    within = ClusteredStrata(n, m, cluster, stratum)
    for feature, on in features:
        variance[:, feature] = within.variance(on[mine].T, on[theirs].T)
    return _Spread(pairs, variance, within.degrees)


def _table(design: Design, one: Comparison, counted: _Counted, settings: Settings) -> pl.DataFrame:
    target, *others = (
        Side(design.piles[pile].name, counted.on[pile], int(counted.documents[pile]))
        for pile in (one.target, *one.others)
    )
    tested = tested_features(target, others)
    level = settings.level
    plain = crude(target, others, tested, level=level)
    if counted.spreads:
        variance, degrees = _of(counted.spreads[None], one, tested)
        plain = clustered(target, others, tested, variance=variance, degrees=degrees, level=level)
    unadjusted = decide(plain)
    found = unadjusted
    if counted.covariate is not None:
        spread = counted.spreads.get(settings.adjust)
        found = _within(counted.covariate, spread, one, tested, plain, level)
    table = tabulate(target, others, tested, found, level=level)
    extra = _extra(counted, one, tested, found, plain, level)
    return table.select(pl.lit(one.group, pl.String).alias("group"), pl.all()).with_columns(
        **extra, crude_p=pl.Series(unadjusted.p)
    )


def _within(
    tally: Tally,
    spread: _Spread | None,
    one: Comparison,
    tested: NDArray[np.int64],
    plain: Pairwise,
    level: float,
) -> Decision:
    """Compare within strata; where there is one only, that is the plain comparison."""
    if tally.documents.shape[1] == 1:
        return decide(plain)
    target, *others = ((tally.on[pile][:, tested], tally.documents[pile]) for pile in (one.target, *one.others))
    own = None if spread is None else _of(spread, one, tested)
    return decide(adjusted(target, others, level=level, spread=own))


def _extra(
    counted: _Counted,
    one: Comparison,
    tested: NDArray[np.int64],
    found: Decision,
    plain: Pairwise,
    level: float,
) -> dict[str, pl.Series]:
    """What needs every activation."""
    if counted.length is None:
        nothing = pl.Series([None] * len(tested), dtype=pl.Float64)
        return dict.fromkeys(("hedges_g", "length_difference", "length_p"), nothing)
    tally = counted.length
    effect = mean_effects(
        counted.documents, tally.sums[:, tested], tally.squares[:, tested], one.target, list(one.others)
    )
    spread = counted.spreads.get(LENGTH)
    length = found if counted.covariate is tally else _within(tally, spread, one, tested, plain, level)
    return {
        "hedges_g": pl.Series(found.pick(effect)),
        "length_difference": pl.Series(length.difference),
        "length_p": pl.Series(length.p),
    }


def _of(spread: _Spread, one: Comparison, tested: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variances [others, features] and degrees of freedom [others] of one comparison."""
    rows = [spread.pairs.index((one.target, other)) for other in one.others]
    return spread.variance[rows][:, tested], spread.degrees[rows]
