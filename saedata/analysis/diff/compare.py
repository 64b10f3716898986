"""The statistics of a comparison: a pure function of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.stats import (
    benjamini_hochberg,
    clustered_interval,
    clustered_mantel_haenszel_interval,
    clustered_mantel_haenszel_p,
    clustered_p,
    hedges_g,
    log_odds_ratio,
    mantel_haenszel_interval,
    mantel_haenszel_p,
    newcombe_interval,
    two_proportion_p,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.stats import Alternative

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Test = Callable[[Flags, Alternative], Floats]


@dataclass(frozen=True, eq=False)
class Side:
    """What the statistics see of one pile of documents.

    Parameters
    ----------
    name
        What it is called in the result.
    on
        int64 [features]: in how many of its documents each feature is on.
    documents
        How many documents were counted.
    """

    name: str
    on: NDArray[np.int64]
    documents: int


@dataclass(frozen=True, eq=False)
class Pairwise:
    """A target against each of its others.

    Parameters
    ----------
    difference, low, high
        float64 [others, features]: differences with intervals at the level that m others need.
    test
        P-values [others, chosen features] of some features and a direction.
    """

    difference: Floats
    low: Floats
    high: Floats
    test: Test


@dataclass(frozen=True, eq=False)
class Decision:
    """What a target's comparisons with all others come to.

    Parameters
    ----------
    more
        bool [features]: whether it is held against the other with the most, not the one with the least.
    deciding
        int64 [features]: which other that is.
    difference, low, high, p
        float64 [features].
    """

    more: Flags
    deciding: NDArray[np.int64]
    difference: Floats
    low: Floats
    high: Floats
    p: Floats

    def bounds(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Put pairwise intervals [others, features] of another measure together by the same rule."""
        return _bounds(self.more, low, high)

    def pick(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of [others, features] what belongs to the deciding other."""
        return np.asarray(values[self.deciding, np.arange(len(self.deciding))])


def compare(target: Side, others: Sequence[Side], *, level: float = 0.95) -> pl.DataFrame:
    """Compare counts of one side with those of one or several others.

    Parameters
    ----------
    target, others
        The sides, counted over the same features.
    level
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        The columns of `diff` that follow from counts (without q), a row for each feature that is on anywhere,
        by feature.

    Raises
    ------
    InputError
        If the level is out of range or a side is empty.

    Examples
    --------
    >>> mine = Side("mine", np.array([56, 0, 3]), 70)
    >>> yours = Side("yours", np.array([48, 0, 1]), 80)
    >>> compare(mine, [yours]).select("feature", pl.col("difference", "low", "high").round(4)).rows()
    [(0, 0.2, 0.0524, 0.3339), (2, 0.0304, -0.0314, 0.1068)]
    """
    tested = tested_features(target, others)
    return tabulate(target, others, tested, decide(crude(target, others, tested, level=level)), level=level)


def tested_features(target: Side, others: Sequence[Side]) -> NDArray[np.int64]:
    """Features that are on anywhere."""
    return np.flatnonzero(sum((side.on for side in others), start=target.on))


def tabulate(
    target: Side, others: Sequence[Side], tested: NDArray[np.int64], found: Decision, *, level: float
) -> pl.DataFrame:
    """The columns that follow from counts and a decision."""
    on, other_on = target.on[tested], np.stack([side.on[tested] for side in others])
    n, other_n = target.documents, np.array([[side.documents] for side in others])
    estimate, low, high = log_odds_ratio(on, n, other_on, other_n, level=_shared(level, len(others)))
    odds_low, odds_high = found.bounds(low, high)
    return pl.DataFrame(
        {
            "feature": tested.astype(np.uint32),
            "target": on / n,
            "other": found.pick(other_on / other_n),
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "target_on": on,
            "other_on": found.pick(other_on),
            "target_documents": np.full(len(tested), n),
            "other_documents": other_n[found.deciding, 0],
            "other_name": pl.Series([side.name for side in others]).gather(found.deciding),
            "log_odds_ratio": found.pick(estimate),
            "log_odds_low": odds_low,
            "log_odds_high": odds_high,
        }
    )


def decide(pairs: Pairwise) -> Decision:
    """Put the comparisons with all others together, as `diff` says."""
    difference = np.nan_to_num(pairs.difference, nan=0.0)
    least, most = difference.min(axis=0), difference.max(axis=0)
    more = (np.abs(least) < np.abs(most)) | (least >= 0)
    deciding = np.where(more, difference.argmin(axis=0), difference.argmax(axis=0))
    low, high = _bounds(more, pairs.low, pairs.high)
    own = pairs.difference[deciding, np.arange(len(deciding))]
    return Decision(more, deciding, own, low, high, _union_p(pairs, more))


def _bounds(more: Flags, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    return np.where(more, low.min(axis=0), low.max(axis=0)), np.where(more, high.min(axis=0), high.max(axis=0))


def _union_p(pairs: Pairwise, more: Flags) -> Floats:
    if len(pairs.difference) == 1:
        return np.asarray(pairs.test(np.ones(len(more), dtype=np.bool_), "two-sided")[0])
    p = np.ones(len(more))
    # The other direction's p is at least one half, so the nearer direction always gives the smaller p.
    p[more] = pairs.test(more, "greater").max(axis=0)
    p[~more] = pairs.test(~more, "less").max(axis=0)
    return np.minimum(1.0, 2 * p)


def _shared(level: float, others: int) -> float:
    """Level of each of several intervals (Bonferroni)."""
    if not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
        raise InputError(msg)
    return 1 - (1 - level) / others


def crude(target: Side, others: Sequence[Side], tested: NDArray[np.int64], *, level: float) -> Pairwise:
    """Shares as they are, documents independent."""
    on, other_on = target.on[tested], np.stack([side.on[tested] for side in others])
    n, other_n = target.documents, np.array([[side.documents] for side in others])
    low, high = newcombe_interval(on, n, other_on, other_n, level=_shared(level, len(others)))

    def test(rows: Flags, alternative: Alternative) -> Floats:
        return two_proportion_p(on[rows], n, other_on[:, rows], other_n, alternative=alternative)

    return Pairwise(on / n - other_on / other_n, low, high, test)


def adjusted(
    target: tuple[NDArray[np.integer], NDArray[np.integer]],
    others: Sequence[tuple[NDArray[np.integer], NDArray[np.integer]]],
    *,
    level: float,
    spread: tuple[Floats, Floats] | None = None,
) -> Pairwise:
    """Shares compared within strata (Mantel-Haenszel).

    Parameters
    ----------
    target, others
        Each int [strata, features]: documents where a feature is on, and int [strata]: documents.
    level
        Confidence level of the intervals.
    spread
        Where documents come in clusters: variance [others, features] and degrees of freedom [others].
    """
    on, n = target[0], target[1][:, None]
    own = _shared(level, len(others))
    if spread is None:
        found = [mantel_haenszel_interval(on, n, b, m[:, None], level=own) for b, m in others]
    else:
        found = [
            clustered_mantel_haenszel_interval(on, n, b, m[:, None], variance=variance, degrees=free, level=own)
            for (b, m), variance, free in zip(others, *spread, strict=True)
        ]

    def test(rows: Flags, alternative: Alternative) -> Floats:
        if spread is None:
            return np.stack(
                [mantel_haenszel_p(on[:, rows], n, b[:, rows], m[:, None], alternative=alternative) for b, m in others]
            )
        return np.stack(
            [
                clustered_mantel_haenszel_p(
                    *(on[:, rows], n, b[:, rows], m[:, None]),
                    variance=variance[rows],
                    degrees=free,
                    alternative=alternative,
                )
                for (b, m), variance, free in zip(others, *spread, strict=True)
            ]
        )

    difference, low, high = (np.stack(part) for part in zip(*found, strict=True))
    return Pairwise(difference, low, high, test)


def clustered(
    target: Side,
    others: Sequence[Side],
    tested: NDArray[np.int64],
    *,
    variance: Floats,
    degrees: Floats,
    level: float,
) -> Pairwise:
    """Shares of documents that come in clusters; variance [others, features], degrees of freedom [others]."""
    on, other_on = target.on[tested], np.stack([side.on[tested] for side in others])
    n, other_n = target.documents, np.array([[side.documents] for side in others])
    free, own = degrees[:, None], _shared(level, len(others))
    low, high = clustered_interval(on, n, other_on, other_n, variance=variance, degrees=free, level=own)

    def test(rows: Flags, alternative: Alternative) -> Floats:
        spread = variance[:, rows]
        return clustered_p(
            on[rows], n, other_on[:, rows], other_n, variance=spread, degrees=free, alternative=alternative
        )

    return Pairwise(on / n - other_on / other_n, low, high, test)


def mean_effects(
    documents: NDArray[np.integer], sums: Floats, squares: Floats, target: int, others: Sequence[int]
) -> Floats:
    """Hedges' g of the target's values against those of each other: [others, features]."""
    n = documents[list(others)][:, None]
    rest = sums[list(others)], squares[list(others)]
    return hedges_g(documents[target], sums[target], squares[target], n, *rest)


def rank(table: pl.DataFrame) -> pl.DataFrame:
    """Add q over all rows and put the largest absolute difference first, then the smallest p."""
    return table.with_columns(q=pl.Series(benjamini_hochberg(table["p"].to_numpy()))).sort(
        pl.col("difference").abs(),
        "p",
        "feature",
        descending=[True, False, False],
        nulls_last=True,
        maintain_order=True,
    )
