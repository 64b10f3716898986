"""From two sides with the same documents to the table of their best pairs: what `correlate` and `audit` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.correlate.coupling import couplings
from saedata.analysis.correlate.null import Margins
from saedata.analysis.correlate.search import Adjustment, Direction, Search
from saedata.analysis.correlate.similarity import Similarity, label_text
from saedata.analysis.correlate.witness import SPAN, Pairs, evidence, touching, witnesses
from saedata.cooccur import Cooccurrence, Side
from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.incidence import Incidence
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.analysis.correlate.clusters import Clusters
    from saedata.frame import Embeddings
    from saedata.sentences import Embed

    Array = NDArray[Any]

SCHEMA = pl.Schema(
    {
        "feature_a": pl.UInt32(),
        "label_a": pl.String(),
        "feature_b": pl.UInt32(),
        "label_b": pl.String(),
        "direction": pl.String(),
        "npmi": pl.Float64(),
        "lift": pl.Float64(),
        "p_a_given_b": pl.Float64(),
        "p_b_given_a": pl.Float64(),
        "co": pl.Float64(),
        "documents": pl.UInt32(),
        "documents_a": pl.UInt32(),
        "documents_b": pl.UInt32(),
        "expected": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "tested": pl.UInt64(),
        "label_similarity": pl.Float64(),
        "touching": pl.Float64(),
        "interesting": pl.Float64(),
        "coupling": pl.Float64(),
        "evidence": SPAN,
    }
)
"""Columns of the result."""

POOL = 10_000
"""Pairs of either direction, those of most extreme NPMI, that are looked at: some are dropped, others move."""

POOL_FOR_ROW = 10
"""For long results so many for each row."""

STEP = 1_000
"""Pairs that are looked at together, at least."""

_SIDES = (pl.col("together"), ~pl.col("together"))

DROPPED_KINDS = ("syntax", "token")
"""Kinds of features that say how a text is written, not what it is about."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `correlate` and `audit` have in common; see there."""

    direction: Direction = "both"
    min_documents: int = 10
    limit: int = 1000
    level: float = 0.05
    max_touching: float | None = 0.5
    max_similarity: float | None = None
    drop_kinds: Sequence[str] = DROPPED_KINDS
    embed: Embed | None = embed_sentences
    coupled_features: int = 300
    evidence: int = 3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Candidates:
    """The features of one frame that can be tested.

    Parameters
    ----------
    side
        Where they are on.
    margins
        In how many documents of each stratum, in the order of ``side.features``.
    """

    side: Side
    margins: Margins

    @classmethod
    def of(cls, incidence: Incidence, stratum: Array, options: Options, clusters: Clusters | None = None) -> Candidates:
        """Choose features that are on in enough documents (and clusters), not in all, and not of a dropped kind."""
        documents = np.bincount(stratum)
        on = incidence.count_on(stratum, len(documents))
        total = on.sum(axis=1)
        enough = (total >= max(options.min_documents, 1)) & (total < len(incidence))
        known = incidence.frame.features.select("feature", "kind")
        kept = known.filter(~pl.col("kind").is_in(list(options.drop_kinds)).fill_null(value=False))["feature"]
        chosen = np.zeros(len(total), dtype=np.bool_)
        chosen[kept.to_numpy()] = True
        features = np.flatnonzero(enough & chosen)
        if clusters is not None:
            features = features[clusters.with_feature(incidence, features) >= options.min_documents]
        side = Side.of(incidence, features, total[features])
        return cls(side, Margins(on[side.features], documents))


def best_pairs(x: Candidates, y: Candidates | None, options: Options, clusters: Clusters | None = None) -> pl.DataFrame:
    """Find, test and describe the best pairs.

    Parameters
    ----------
    x
        Features of the one frame.
    y
        Features of the other one; None: pairs within x.
    options
        See `correlate`.
    clusters
        Clusters of documents that are not independent; None: all are.

    Returns
    -------
    polars.DataFrame
        As described in `correlate`.
    """
    counts = Cooccurrence(x.side, None if y is None else y.side)
    if counts.pairs == 0:
        return pl.DataFrame(schema=SCHEMA)
    search = Search(counts, x.margins, x.margins if y is None else y.margins, direction=options.direction)
    adjustment = search.adjustment()
    most_p = adjustment.cutoff(options.level, at_least=options.limit)
    found = search.best(adjustment, size=max(POOL, POOL_FOR_ROW * options.limit), most_p=most_p)
    del counts, search  # half a gigabyte
    if clusters is not None:
        sides = 2 if options.direction == "both" else 1
        found = clusters.retested(found, x, y or x, tested=adjustment.tested, sides=sides)
    table = _described(found, adjustment, x, y or x)
    table = _looked_at(table, x, y or x, options)
    table = _coupled(_chosen(table, options), x, options if y is None else None)
    return table.select(list(SCHEMA)).cast(SCHEMA)


def _described(found: pl.DataFrame, adjustment: Adjustment, x: Candidates, y: Candidates) -> pl.DataFrame:
    """Names and what follows from the counts; within one frame the smaller feature number is a."""
    rows, columns = found["row"].to_numpy(), found["column"].to_numpy()
    table = found.with_columns(
        feature_a=pl.Series(x.side.features[rows]),
        feature_b=pl.Series(y.side.features[columns]),
        documents_a=pl.Series(x.margins.total[rows]),
        documents_b=pl.Series(y.margins.total[columns]),
    )
    if x is y:
        swap = pl.col("feature_a") > pl.col("feature_b")
        pairs = (("feature_a", "feature_b"), ("documents_a", "documents_b"))
        table = table.with_columns(
            pl.when(swap).then(other).otherwise(one).alias(one) for two in pairs for one, other in (two, two[::-1])
        )
    both, a, b = pl.col("documents"), pl.col("documents_a"), pl.col("documents_b")
    table = table.with_columns(
        direction=pl.when("together").then(pl.lit("together")).otherwise(pl.lit("apart")),
        lift=both * float(len(x.side.incidence)) / (a * b),
        p_a_given_b=both / b,
        p_b_given_a=both / a,
        co=both / pl.min_horizontal(a, b),
        tested=pl.lit(adjustment.tested, pl.UInt64),
    )
    for letter, candidates in (("a", x), ("b", y)):
        known = candidates.side.incidence.frame.features.select(
            pl.col("feature").alias(f"feature_{letter}"),
            feature_name_expr().alias(f"label_{letter}"),
            label_text().alias(f"text_{letter}"),
        )
        table = table.join(known, on=f"feature_{letter}", how="left", maintain_order="left")
    return table


def _looked_at(table: pl.DataFrame, x: Candidates, y: Candidates, options: Options) -> pl.DataFrame:
    """Drop what cannot be shown anyway; add the places in the texts, similarity and interest to the rest."""
    significant = pl.col("q") < options.level
    extreme = ("npmi", "p", "feature_a", "feature_b")
    apart = table.filter(~pl.col("together"), significant).sort(extreme).head(options.limit)
    others = [table.filter(side, ~significant).sort(extreme[1:]).head(options.limit) for side in _SIDES]
    table = pl.concat([table.filter("together", significant), apart, *others])
    pairs = Pairs(x.side.incidence, y.side.incidence, table["feature_a"].to_numpy(), table["feature_b"].to_numpy())
    found = witnesses(pairs, seed=options.seed)
    near = touching(found, len(pairs)) if pairs.within else pl.Series([None] * len(pairs), dtype=pl.Float64)
    table = table.with_columns(touching=near, evidence=evidence(found, pairs, options.evidence))
    if options.max_touching is not None:
        table = table.filter(~(pl.col("touching") > options.max_touching).fill_null(value=False))
    return _compared(table, options)


def _compared(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    """Add similarity and interest, and look at no more labels than it takes to know the most interesting pairs.

    No pair is more interesting than its NPMI, so once there are enough pairs above the next NPMI, none can follow.
    """
    similarity = Similarity(options.embed)
    first = pl.col("together") & (pl.col("q") < options.level)
    ranked = table.filter(first).sort(-pl.col("npmi"), "p", "feature_a", "feature_b")
    done = [_scored(ranked.clear(), similarity, options)]
    step = max(options.limit, STEP)
    for begin in range(0, ranked.height, step):
        done.append(_scored(ranked.slice(begin, step), similarity, options))
        best = pl.concat(done)["interesting"].drop_nulls().top_k(options.limit)
        following = ranked["npmi"].slice(begin + step, 1)
        if len(following) and len(best) == options.limit and best[-1] >= following[0]:
            break
    rest = _scored(table.filter(~first), similarity, options).with_columns(interesting=pl.lit(None, pl.Float64))
    return pl.concat([*done, rest])


def _scored(table: pl.DataFrame, similarity: Similarity, options: Options) -> pl.DataFrame:
    table = table.with_columns(label_similarity=similarity.of(table["text_a"], table["text_b"]))
    table = table.with_columns(interesting=pl.col("npmi") * (1 - pl.col("label_similarity").clip(0, 1)))
    if options.max_similarity is None:
        return table
    return table.filter(~(pl.col("label_similarity") > options.max_similarity).fill_null(value=False))


def _chosen(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    """Order the pairs, and share the rows between the directions where both have enough."""
    significant = pl.col("q") < options.level
    order = [
        (~significant),
        pl.when(significant).then(-pl.col("interesting")).fill_null(1.0),
        pl.when(significant).then(pl.col("npmi") * pl.when("together").then(-1).otherwise(1)).fill_null(0.0),
        pl.col("p"),
        pl.col("feature_a"),
        pl.col("feature_b"),
    ]
    together, apart = (table.filter(side).sort(order) for side in _SIDES)
    # insignificant pairs only fill what significant ones leave free
    halves = [side.filter(significant).height for side in (together, apart)]
    share = max(options.limit - min(halves[1], options.limit // 2), 0)
    first = together.head(min(halves[0], share))
    second = apart.head(min(halves[1], options.limit - first.height))
    rest = pl.concat([together.slice(first.height), apart.slice(second.height)]).sort(order)
    return pl.concat([first, second, rest.head(options.limit - first.height - second.height)])


def _coupled(table: pl.DataFrame, x: Candidates, options: Options | None) -> pl.DataFrame:
    """Add the coupling of pairs among the features that come first in the table."""
    nothing = table.with_columns(coupling=pl.lit(None, pl.Float64))
    if options is None or options.coupled_features < 2 or table.is_empty():
        return nothing
    met = np.stack([table["feature_a"].to_numpy(), table["feature_b"].to_numpy()], axis=1).ravel()
    _, seen = np.unique(met, return_index=True)
    features = met[np.sort(seen)][: options.coupled_features]
    place = x.side.renumber[features]
    values = couplings(x.side.incidence, features, x.margins.take(place))
    position = np.full(x.side.incidence.frame.n_features, -1)
    position[features] = np.arange(len(features))
    a, b = position[table["feature_a"].to_numpy()], position[table["feature_b"].to_numpy()]
    known = (a >= 0) & (b >= 0)
    coupling = np.where(known, values[a, b], np.nan)
    return table.with_columns(coupling=pl.Series(coupling).fill_nan(None))


def check_options(options: Options, strata: int) -> None:
    """Refuse options that are out of range."""
    msg = ""
    if options.direction not in ("both", "together", "apart"):
        msg = f"direction is {options.direction!r}; it must be 'both', 'together' or 'apart'"
    elif options.min_documents < 1:
        msg = f"min_documents is {options.min_documents}; it must be 1 or more"
    elif options.limit < 1:
        msg = f"limit is {options.limit}; it must be 1 row or more"
    elif strata < 1:
        msg = f"strata is {strata}; it must be 1 (no strata) or more"
    elif not 0 < options.level < 1:
        msg = f"level is {options.level}; it must lie between 0 and 1, for example 0.05"
    elif options.evidence < 0:
        msg = f"evidence is {options.evidence}; it must be 0 or more documents"
    elif options.coupled_features < 0:
        msg = f"coupled_features is {options.coupled_features}; it must be 0 (none) or more"
    if msg:
        raise InputError(msg)


def check_frame(frame: Embeddings, duplicates: str, threshold: float | None) -> float:
    """Refuse what cannot be counted; gives what a value must exceed."""
    msg = ""
    if frame.n_documents == 0:
        msg = f"{frame.name} has no documents, so nothing goes together in it"
    elif duplicates not in ("once", "keep"):
        msg = f"duplicates is {duplicates!r}; it must be 'once' or 'keep'"
    elif threshold is not None and not threshold >= 0:
        msg = f"threshold is {threshold}; it must be 0 or more"
    if msg:
        raise InputError(msg)
    return frame.threshold if threshold is None else threshold
