"""What goes together in each corpus: the most interesting pairs of `correlate`, dressed with names and examples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.correlate import concept_groups, correlate
from saedata.concepts import label_embedder_of
from saedata.reports.compared import ALPHA
from saedata.reports.features import Feature, named
from saedata.reports.text import Snippet, snippet
from saedata.sentences import Remembered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

ROWS = 200
"""Pairs that are looked at, and drawn."""

MOST_FEATURES = 4096
"""Features that are paired with each other, at most: each has a label to be compared."""

WORK = 2e13
"""Documents times squared features of a corpus; counting that many takes some seconds."""

CORPORA = 3
"""Corpora that are looked at: the first ones."""

CONCEPTS, MEMBERS = 6, 5
"""Concept groups that are listed, as many as there are colours, and features of each."""

SMALLEST_CONCEPT = 3
"""Two features that go together are a pair."""

_WINDOW = 90


@dataclass(frozen=True)
class Witness:
    """A document with both features of a pair.

    Parameters
    ----------
    doc
        Its number.
    first, second
        Its text around the token where the one and the other is strongest.
    """

    doc: int
    first: Snippet
    second: Snippet


@dataclass(frozen=True)
class Pair:
    """One row of `correlate`.

    Parameters
    ----------
    first, second
        The two features.
    npmi, lift, documents, expected, q, similarity
        As in `correlate`; the similarity is that of the labels.
    documents_first, documents_second
        Documents with the one and with the other.
    witnesses
        Documents with both.
    """

    first: Feature
    second: Feature
    npmi: float
    lift: float
    documents: int
    documents_first: int
    documents_second: int
    expected: float
    q: float
    similarity: float
    witnesses: tuple[Witness, ...]


@dataclass(frozen=True)
class Concept:
    """Features of which each goes together with others.

    Parameters
    ----------
    features
        The strongest of them.
    size
        How many they are in all.
    """

    features: tuple[Feature, ...]
    size: int


@dataclass(frozen=True)
class Together:
    """What goes together in one corpus.

    Parameters
    ----------
    name
        The corpus.
    tested
        Pairs tested.
    found
        Pairs that go together more than chance explains, among the `ROWS` that are looked at.
    limited
        How many of its features were paired, if not all: the most frequent ones.
    pairs
        Those that are shown.
    concepts
        The largest groups of three features and more that go together.
    table, groups
        What `correlate` returned, and what `concept_groups` made of it.
    """

    name: str
    tested: int
    found: int
    limited: int | None
    pairs: tuple[Pair, ...]
    concepts: tuple[Concept, ...]
    table: pl.DataFrame = field(repr=False, compare=False)
    groups: pl.DataFrame = field(repr=False, compare=False)


def together(sides: Sequence[Counted], settings: Settings, *, without: NDArray[np.intp]) -> tuple[Together, ...]:
    """Find the most interesting pairs of features in each corpus.

    Parameters
    ----------
    sides
        The corpora; only the first `CORPORA` are looked at.
    settings
        Options of the report.
    without
        Numbers of features that are not paired.
    """
    if not settings.pairs:
        return ()
    sides = sides[:CORPORA]
    embed = Remembered(label_embedder_of(sides[0].frame))  # the corpora share most labels
    return tuple(_together(side, settings, without, embed) for side in sides)


def most_features(documents: int) -> int:
    """Tell how many features can be paired in a few seconds.

    Examples
    --------
    >>> most_features(160), most_features(1_000_000), most_features(100_000_000)
    (4096, 4096, 447)
    """
    return min(MOST_FEATURES, max(int(math.sqrt(WORK / max(documents, 1))), 2))


def _together(side: Counted, settings: Settings, without: NDArray[np.intp], embed: Remembered) -> Together:
    present = np.setdiff1d(np.flatnonzero(side.on), without)
    most = most_features(side.documents)
    limited = len(present) > most
    if limited:
        present = np.sort(present[np.argsort(-side.on[present], kind="stable")][:most])
    table = correlate(
        side.frame.select(present.tolist()),
        direction="together",
        limit=ROWS,
        duplicates=settings.duplicates,
        threshold=settings.threshold,
        level=ALPHA,
        embed=embed,
        coupled_features=0,
        evidence=min(settings.examples, 2),
        seed=settings.seed,
    )
    out = table.filter(pl.col("q") < ALPHA, pl.col("interesting").is_not_null())
    tested = int(table["tested"][0]) if table.height else 0
    pairs = _dressed(side, _distinct(out, settings.pairs))
    groups = _groups(table)
    concepts = _concepts(side, groups)
    return Together(side.name, tested, out.height, most if limited else None, pairs, concepts, table, groups)


def _groups(table: pl.DataFrame) -> pl.DataFrame:
    """Concept groups of three features and more; none where the package that finds them is not installed."""
    if table.is_empty() or find_spec("igraph") is None:
        return pl.DataFrame(schema={"group": pl.UInt32, "feature": pl.UInt32})
    return concept_groups(table).filter(pl.col("size") >= SMALLEST_CONCEPT)


def _concepts(side: Counted, groups: pl.DataFrame) -> tuple[Concept, ...]:
    """The strongest features of the largest groups."""
    first = groups.filter(pl.col("group") < CONCEPTS).group_by("group", maintain_order=True).head(MEMBERS)
    names = named([side.frame], first["feature"].to_list())
    parts = first.partition_by("group", maintain_order=True)
    return tuple(Concept(tuple(names[one] for one in part["feature"]), part["size"][0]) for part in parts)


def _distinct(table: pl.DataFrame, n: int) -> list[dict[str, Any]]:
    """Choose the first pairs without a name seen before: one odd document may tie a feature to many others."""
    seen: set[str] = set()
    chosen: list[dict[str, Any]] = []
    for row in table.iter_rows(named=True):
        names = {row["label_a"], row["label_b"]}
        if not names & seen:
            chosen.append(row)
            seen |= names
        if len(chosen) == n:
            break
    return chosen


def _dressed(side: Counted, rows: Sequence[Mapping[str, Any]]) -> tuple[Pair, ...]:
    names = named([side.frame], sorted({row[f"feature_{s}"] for row in rows for s in "ab"}))
    docs = pl.Series(sorted({one["doc_a"] for row in rows for one in row["evidence"]}), dtype=pl.UInt32)
    documents = side.frame.scan_documents().filter(pl.col("doc").is_in(docs.implode()))
    texts = dict(documents.select("doc", pl.col("text").fill_null("")).collect().iter_rows())
    return tuple(
        Pair(
            first=names[row["feature_a"]],
            second=names[row["feature_b"]],
            documents_first=row["documents_a"],
            documents_second=row["documents_b"],
            similarity=row["label_similarity"],
            witnesses=tuple(_witness(one, texts[one["doc_a"]]) for one in row["evidence"]),
            **{name: row[name] for name in ("npmi", "lift", "documents", "expected", "q")},
        )
        for row in rows
    )


def _witness(one: Mapping[str, Any], text: str) -> Witness:
    first, second = (snippet(text, one[f"start_{s}"], one[f"stop_{s}"], window=_WINDOW) for s in "ab")
    return Witness(one["doc_a"], first, second)
