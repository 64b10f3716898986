"""Aligned corpora: the same prompt answered on every side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from saedata.analysis.diff.access import candidates
from saedata.analysis.diff.columns import FEWEST_DOCUMENTS, Duplicates
from saedata.analysis.diff.evidence import NO_EVIDENCE
from saedata.analysis.diff.matched import Compared, FlippedClusters, MatchedPairs, pair_clusters, pair_strata
from saedata.analysis.diff.sides import distinct, group_names
from saedata.analysis.diff.strata import LENGTH
from saedata.errors import InputError
from saedata.frame.top import largest
from saedata.stats import hedges_g, mcnemar_p, newcombe_paired_interval, paired_log_odds_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

RARE = 50
"""Where a feature is on in less than one of so many pairs, sorting is faster than a counter for each pair."""


@dataclass(frozen=True, eq=False)
class _Source:
    """A frame, and for each of its documents the side and the pair it belongs to (-1: none)."""

    frame: Embeddings
    side: NDArray[np.int32]
    pair: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Sides with one document each for every pair (of two sides or more).

    Parameters
    ----------
    names
        The sides.
    docs
        uint32 [sides, pairs]: document numbers in the frame of the side.
    targets
        Which sides are compared with all the others, by the group they are shown as.
    sources
        The frames; the sides of one frame share it.
    """

    names: list[str]
    docs: NDArray[np.uint32]
    targets: Mapping[str | None, int]
    sources: tuple[_Source, ...]

    @property
    def pairs(self) -> int:
        """How many there are."""
        return int(self.docs.shape[1])

    @property
    def frames(self) -> list[Embeddings]:
        """The frames that are read."""
        return [source.frame for source in self.sources]

    def frame_of(self, side: int) -> Embeddings:
        """The frame of a side."""
        return self.sources[side if len(self.sources) > 1 else 0].frame


class Measure(Protocol):
    """Something else that is counted feature by feature."""

    def add(self, feature: int, on: Flags) -> None:
        """Take in where a feature is on: bool [sides, pairs]."""


@dataclass(frozen=True, eq=False)
class Besides:
    """What is counted besides the pairs, as far as it is asked for.

    Parameters
    ----------
    clusters
        Clusters of pairs.
    covariate
        Strata of the column that is adjusted for.
    length
        Strata of length.
    """

    clusters: FlippedClusters | None = None
    covariate: MatchedPairs | None = None
    length: MatchedPairs | None = None

    @property
    def measures(self) -> list[Measure]:
        """Each of them once."""
        known: dict[int, Measure] = {
            id(one): one for one in (self.clusters, self.covariate, self.length) if one is not None
        }
        return list(known.values())


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Arrays [sides, features].

    Parameters
    ----------
    on
        Pairs where a side is on.
    any_on, any_both
        Pairs where any other side is on; where this one is as well.
    all_on, all_both
        Pairs where all other sides are on; where this one is as well.
    sums, squares
        Of the values where a side is on.
    """

    on: NDArray[np.int64]
    any_on: NDArray[np.int64]
    any_both: NDArray[np.int64]
    all_on: NDArray[np.int64]
    all_both: NDArray[np.int64]
    sums: Floats
    squares: Floats


def align_corpora(frames: Sequence[Embeddings], column: str, duplicates: Duplicates) -> Aligned:
    """Put rows of the same value side by side."""
    names = distinct([frame.name for frame in frames])
    tables = [_keys(frame, column).drop("group") for frame in frames]
    if len({table.schema["key"] for table in tables}) > 1:
        tables = [table.with_columns(pl.col("key").cast(pl.String)) for table in tables]
    docs = _aligned(dict(zip(names, tables, strict=True)), column, duplicates)
    sources = [_source(frame, docs[side : side + 1], first=side) for side, frame in enumerate(frames)]
    return Aligned(names, docs, {None: 0}, tuple(sources))


def align_groups(frame: Embeddings, by: str, column: str, duplicates: Duplicates) -> Aligned:
    """Put the groups of one corpus side by side."""
    members = _keys(frame, column, by).filter(pl.col("group").is_not_null())
    code = pl.col("group").cast(pl.UInt8) if members.schema["group"] == pl.Boolean else pl.col("group")
    members = members.with_columns(code=code.rank("dense"), group=pl.col("group").cast(pl.String))
    names = group_names(members, by)
    parts = members.sort("code", "doc").partition_by("code", maintain_order=True)
    tables = {name: part.drop("group", "code") for name, part in zip(names, parts, strict=True)}
    docs = _aligned(tables, column, duplicates)
    targets: dict[str | None, int] = {name: side for side, name in enumerate(names)}
    return Aligned(names, docs, targets, (_source(frame, docs, first=0),))


def _keys(frame: Embeddings, column: str, by: str | None = None) -> pl.DataFrame:
    """Documents that have a key: doc, group, key, text (as a hash)."""
    group = pl.lit(None, pl.String) if by is None else pl.col(by)
    lazy = frame.scan_documents().select(
        "doc", group=group, key=pl.col(column), text=pl.col("text").fill_null("").hash()
    )
    return lazy.collect(engine="streaming").sort("doc")


def _aligned(tables: dict[str, pl.DataFrame], column: str, duplicates: Duplicates) -> NDArray[np.uint32]:
    """Document numbers [sides, pairs] of the keys that every side has, in the order of the first side."""
    known = [_unique(table, name, column) for name, table in tables.items()]
    sides = [table.rename({"doc": f"doc_{i}", "text": f"text_{i}"}) for i, table in enumerate(known)]
    pairs = reduce(lambda one, two: one.join(two, on="key", how="inner", maintain_order="left"), sides)
    _tell_left_out(sum(table.height for table in tables.values()), pairs.height * len(tables), column)
    if pairs.height < FEWEST_DOCUMENTS:
        names = " and ".join(tables)
        msg = (
            f"{names} have {pairs.height} value(s) of {column!r} in common, and {FEWEST_DOCUMENTS} are the least that "
            "can be compared; choose another column to pair by"
        )
        raise InputError(msg)
    if duplicates == "once":
        texts = [f"text_{i}" for i in range(len(tables))]
        pairs = pairs.unique(texts, keep="first", maintain_order=True)
    return np.stack([pairs[f"doc_{i}"].to_numpy() for i in range(len(tables))])


def _unique(table: pl.DataFrame, name: str, column: str) -> pl.DataFrame:
    known = table.filter(pl.col("key").is_not_null())
    twice = known.filter(pl.col("key").is_duplicated())
    if twice.height:
        key = twice["key"][0]
        times, others = twice.filter(pl.col("key") == key).height, twice["key"].n_unique() - 1
        msg = (
            f"{column!r} is {key!r} in {times} documents of {name}, and {others} other value(s) repeat as well; "
            "a column to pair by must be different in every row of a side"
        )
        raise InputError(msg)
    return known


def _tell_left_out(rows: int, paired: int, column: str) -> None:
    if rows > paired:
        msg = f"{rows - paired} of {rows} documents have no partner by {column!r} on every side and are left out"
        warnings.warn(msg, stacklevel=6)


def _source(frame: Embeddings, docs: NDArray[np.uint32], *, first: int) -> _Source:
    side, pair = np.full((2, frame.extent), -1, dtype=np.int32)
    side[docs] = np.arange(first, first + len(docs), dtype=np.int32)[:, None]
    pair[docs] = np.arange(docs.shape[1], dtype=np.int32)
    return _Source(frame, side, pair)


def count_besides(
    aligned: Aligned, *, adjust: str | None = None, cluster: str | None = None, length: bool = True
) -> Besides:
    """Prepare to count what was asked for; what concerns a covariate, for two sides only.

    Raises
    ------
    InputError
        A covariate is to be adjusted for between more than two sides, or there are too few clusters.
    """
    if adjust is not None and len(aligned.names) > 2:
        msg = (
            f"`pair` with {len(aligned.names) - 1} others asks whether any of them is on, which has no one value of "
            f"{adjust!r} to adjust for; compare with one other at a time, or leave `adjust` out"
        )
        raise InputError(msg)
    clusters = None if cluster is None else pair_clusters(aligned, cluster)
    wanted = {adjust, LENGTH if length and len(aligned.names) == 2 else None} - {None}
    matched = {name: MatchedPairs(aligned, pair_strata(aligned, str(name)), clusters) for name in wanted}
    flipped = None if clusters is None else FlippedClusters(aligned, clusters)
    return Besides(flipped, matched.get(adjust) if adjust else None, matched.get(LENGTH))


def count_pairs(aligned: Aligned, above: float, besides: Sequence[Measure] = ()) -> PairCounts:
    """Count every feature in all pairs, in one pass over the activations."""
    features = aligned.frames[0].n_features
    sides = len(aligned.names)
    counts = np.zeros((5, sides, features), dtype=np.int64)
    moments = np.zeros((2, sides, features))
    for feature in candidates(aligned.frames, above).tolist():
        side, pair, values = _where_on(aligned, feature, above)
        counts[:, :, feature] = agreements(side, pair, sides, aligned.pairs)
        moments[0, :, feature] = np.bincount(side, values, minlength=sides)
        moments[1, :, feature] = np.bincount(side, values**2, minlength=sides)
        if besides:
            on = np.zeros((sides, aligned.pairs), dtype=np.bool_)
            on[side, pair] = True
            for measure in besides:
                measure.add(feature, on)
    return PairCounts(*counts, *moments)


def _where_on(
    aligned: Aligned, feature: int, above: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Side, pair and value of every document where a feature is on."""
    found = []
    for source in aligned.sources:
        docs, values = source.frame.postings(feature, threshold=above)
        inside = source.pair[docs] >= 0
        docs = docs[inside]
        found.append((source.side[docs], source.pair[docs], values[inside].astype(np.float64)))
    side, pair, values_ = (np.concatenate(part) for part in zip(*found, strict=True))
    return side, pair, values_


def agreements(
    side: NDArray[np.integer], pair: NDArray[np.integer], sides: int, pairs: int
) -> tuple[NDArray[np.int64], ...]:
    """Count on, any_on, any_both, all_on and all_both (see `PairCounts`) of one feature, by side.

    Parameters
    ----------
    side, pair
        Where it is on; each combination once.
    sides, pairs
        How many there are.

    Examples
    --------
    >>> on = [(0, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2)]
    >>> [x.tolist() for x in agreements(*np.array(on).T, 3, 4)]
    [[2, 2, 2], [2, 3, 3], [1, 2, 2], [2, 1, 1], [1, 1, 1]]
    """
    how_many, sizes = _together(pair, sides, pairs)
    on = np.bincount(side, minlength=sides)
    any_both = np.bincount(side[how_many > 1], minlength=sides)
    any_on = pairs - sizes[0] - (on - any_both)
    all_both = np.full(sides, sizes[sides])
    all_on = sizes[sides] + sizes[sides - 1] - np.bincount(side[how_many == sides - 1], minlength=sides)
    return on, any_on, any_both, all_on, all_both


def _together(pair: NDArray[np.integer], sides: int, pairs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """On how many sides each entry's pair is on; and how many pairs are on 0, 1, 2, ... sides."""
    if RARE * len(pair) > pairs:
        together = np.bincount(pair, minlength=pairs)
        return together[pair], np.bincount(together, minlength=sides + 1)
    _, inverse, together = np.unique(pair, return_inverse=True, return_counts=True)
    sizes = np.bincount(together, minlength=sides + 1)
    sizes[0] = pairs - len(together)
    return together[inverse.ravel()], sizes


def paired_tables(
    aligned: Aligned, counts: PairCounts, *, level: float, besides: Besides | None = None
) -> list[pl.DataFrame]:
    """Compare every target with all the others."""
    return [
        compare_pairs(aligned, counts, side, level=level, besides=besides or Besides()).select(
            pl.lit(group, pl.String).alias("group"), pl.all()
        )
        for group, side in aligned.targets.items()
    ]


def compare_pairs(aligned: Aligned, counts: PairCounts, target: int, *, level: float, besides: Besides) -> pl.DataFrame:
    """The columns of `diff` that follow from counted pairs, a row for each feature that is on anywhere."""
    tested = np.flatnonzero(counts.on.sum(axis=0))
    n = aligned.pairs
    on, any_on, any_both, all_on, all_both = (
        part[target, tested] for part in (counts.on, counts.any_on, counts.any_both, counts.all_on, counts.all_both)
    )
    more = (np.abs(on - any_on) < np.abs(on - all_on)) | (on >= any_on)
    other_on, both = np.where(more, any_on, all_on), np.where(more, any_both, all_both)
    only, only_other = on - both, other_on - both
    cells = both, only, only_other, n - both - only - only_other
    crude = _crude(cells, more, target, tested, level=level, clusters=besides.clusters)
    found = besides.covariate.compare(target, tested, crude, level=level) if besides.covariate else crude
    length = besides.length.compare(target, tested, crude, level=level) if besides.length else None
    odds, odds_low, odds_high = paired_log_odds_ratio(only, only_other, level=level)
    nearest = _nearest(counts.on[:, tested], target, more)
    nothing = pl.Series([None] * len(tested), dtype=pl.Float64)
    return pl.DataFrame(
        {
            "feature": tested.astype(np.uint32),
            "target": on / n,
            "other": other_on / n,
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "target_on": on,
            "other_on": other_on,
            "target_documents": np.full(len(tested), n),
            "other_documents": np.full(len(tested), n),
            "other_name": pl.Series(aligned.names).gather(nearest),
            "log_odds_ratio": odds,
            "log_odds_low": odds_low,
            "log_odds_high": odds_high,
            "hedges_g": _effects(counts, n, target, nearest, tested),
            "length_difference": nothing if length is None else length.difference,
            "length_p": nothing if length is None else length.p,
            "crude_p": crude.p,
        }
    )


def _crude(
    cells: tuple[NDArray[np.int64], ...],
    more: Flags,
    target: int,
    tested: NDArray[np.int64],
    *,
    level: float,
    clusters: FlippedClusters | None,
) -> Compared:
    """Pairs as they are: both, only, only other, neither."""
    _, only, only_other, _ = cells
    greater, less = mcnemar_p(only, only_other, alternative="greater"), mcnemar_p(only, only_other, alternative="less")
    p = np.where(more, greater, less)
    if clusters is None:
        low, high = newcombe_paired_interval(*cells, level=level)
    else:
        p = np.maximum(p, clusters.p(target, more, tested))
        low, high = clusters.interval(target, more, tested, cells, level)
    return Compared((only - only_other) / sum(cells), low, high, np.minimum(1.0, 2 * p))


def _nearest(on: NDArray[np.int64], target: int, more: Flags) -> NDArray[np.int64]:
    """The other side with the most, or where the target has little, the least."""
    big = np.iinfo(np.int64).max
    most, least = on.copy(), on.copy()
    most[target], least[target] = -1, big
    return np.asarray(np.where(more, most.argmax(axis=0), least.argmin(axis=0)))


def _effects(counts: PairCounts, n: int, target: int, nearest: NDArray[np.int64], tested: NDArray[np.int64]) -> Floats:
    mine = counts.sums[target, tested], counts.squares[target, tested]
    return hedges_g(n, *mine, n, counts.sums[nearest, tested], counts.squares[nearest, tested])


def pair_evidence(table: pl.DataFrame, aligned: Aligned, *, n: int, rows: int, above: float) -> dict[str, pl.DataFrame]:
    """Documents of the pairs that differ most, for the first rows; equal places belong to one pair."""
    found: dict[str, list[tuple[str | None, int, list[int]]]] = {"target": [], "other": []}
    sides = {name: side for side, name in enumerate(aligned.names)}
    head = table.head(rows if n else 0)
    for group, feature, other, difference in head.select("group", "feature", "other_name", "difference").iter_rows():
        target, near = aligned.targets[group], sides[other]
        best = _telling(_where_on(aligned, feature, above), aligned, target, near, n, more=(difference or 0.0) >= 0)
        found["target"].append((group, feature, aligned.docs[target, best].tolist()))
        found["other"].append((group, feature, aligned.docs[near, best].tolist()))
    return {side: _listed(lists) for side, lists in found.items()}


def _listed(rows: Iterable[tuple[str | None, int, list[int]]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=NO_EVIDENCE.schema, orient="row")


def _telling(
    on: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]],
    aligned: Aligned,
    target: int,
    near: int,
    n: int,
    *,
    more: bool,
) -> NDArray[np.intp]:
    """Pairs where the side that has more is ahead the most: of all others, or of the target."""
    side, pair, values = on
    mine, others = np.zeros((2, aligned.pairs))
    mine[pair[side == target]] = values[side == target]
    rest = side != target if more else side == near
    np.maximum.at(others, pair[rest], values[rest])
    ahead = mine - others if more else others - mine
    differing = np.flatnonzero(ahead > 0)
    return np.asarray(differing[largest(ahead[differing].astype(np.float32), n)])
