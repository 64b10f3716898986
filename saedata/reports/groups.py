"""Groups of documents on a map: what `cluster` finds in all corpora together, and who is in which group."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.cluster import cluster
from saedata.frame import Embeddings
from saedata.reports.asked import Answer, ask
from saedata.reports.features import Feature, named
from saedata.reports.text import Snippet, snippet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.cluster import Clustering
    from saedata.reports.corpora import Counted
    from saedata.reports.model import Settings

FEWEST = 100
"""Documents from which on they are grouped unless it is said."""

DOCUMENTS = 5_000
"""Documents that are grouped at most: a random choice of all."""

SUBSAMPLES, STABLE_UP_TO = 5, 2_000
"""Subsamples that are grouped again, to see whether the same groups come out, and documents up to which."""

GROUPS = 20
"""Groups that are listed: the largest."""

DESCRIBED = 5
"""Features told of each group."""

_WINDOW = 220
_EVERYTHING = "all corpora"


@dataclass(frozen=True)
class Described:
    """A feature that is more frequent in a group than outside.

    Parameters
    ----------
    feature
        Which feature.
    inside, outside, difference, q
        As in `cluster`.
    """

    feature: Feature
    inside: float
    outside: float
    difference: float
    q: float


@dataclass(frozen=True)
class Part:
    """A corpus' part in a group.

    Parameters
    ----------
    name
        The corpus.
    documents
        How many of its documents are in the group.
    share
        Of all of its documents that were grouped.
    """

    name: str
    documents: int
    share: float


@dataclass(frozen=True)
class Typical:
    """A document in the middle of a group.

    Parameters
    ----------
    name, doc
        Its corpus, and its number there.
    beginning
        How it begins.
    """

    name: str
    doc: int
    beginning: Snippet


@dataclass(frozen=True)
class Group:
    """One group.

    Parameters
    ----------
    number, name, documents, share
        As in `cluster`.
    parts
        Where there are several corpora: the part of each.
    described
        What sets it apart.
    typical
        Documents in its middle.
    """

    number: int
    name: str
    documents: int
    share: float
    parts: tuple[Part, ...]
    described: tuple[Described, ...]
    typical: tuple[Typical, ...]


@dataclass(frozen=True)
class Groups:
    """Groups of all corpora together.

    Parameters
    ----------
    documents, of
        How many documents were looked at, of how many.
    found
        How many groups there are.
    noise
        Share of documents in none.
    agreement
        Mean adjusted Rand index with the groups of subsamples; None: not measured.
    features
        Features that were compared.
    same_features
        Whether the groups are described by the features that they were made from.
    listed
        The largest groups.
    clustering
        What `cluster` returned.
    corpora
        ``doc`` and, as ``value``, the name of the corpus of each document.
    """

    documents: int
    of: int
    found: int
    noise: float
    agreement: float | None
    features: int
    same_features: bool
    listed: tuple[Group, ...]
    clustering: Clustering = field(repr=False, compare=False)
    corpora: pl.DataFrame = field(repr=False, compare=False)


def wanted(frames: Sequence[Embeddings]) -> bool:
    """Whether documents are grouped where nobody says anything: where there are enough."""
    return sum(frame.n_documents for frame in frames) >= FEWEST


def groups(sides: Sequence[Counted], settings: Settings) -> Answer[Groups] | None:
    """Group the documents of all corpora.

    Parameters
    ----------
    sides
        The corpora.
    settings
        Options of the report.
    """
    if not settings.groups:
        return None
    frames = [side.frame for side in sides]
    whole = frames[0] if len(frames) == 1 else Embeddings.concat(frames, name=_EVERYTHING)
    frame = _some(whole, settings.seed)
    options = {
        "duplicates": settings.duplicates,
        "threshold": settings.threshold,
        "stability": SUBSAMPLES if frame.n_documents <= STABLE_UP_TO else 0,
        "seed": settings.seed,
    }
    answer = ask(whole.name, frame, cluster, options=options)
    return answer.dressed(partial(_dressed, sides=sides, whole=whole, frame=frame, settings=settings))


def _some(frame: Embeddings, seed: int) -> Embeddings:
    """A random choice of the documents, where there are more than are grouped."""
    if frame.n_documents <= DOCUMENTS:
        return frame
    chosen = np.random.default_rng(seed).choice(frame.doc_numbers, DOCUMENTS, replace=False)
    return frame.filter(pl.col("doc").is_in(pl.Series(np.sort(chosen), dtype=pl.UInt32).implode()))


def _dressed(
    found: Clustering, sides: Sequence[Counted], whole: Embeddings, frame: Embeddings, settings: Settings
) -> Groups:
    starts = np.concatenate(([0], np.cumsum([side.frame.extent for side in sides])))
    names = [side.name for side in sides]
    docs = found.documents["doc"].to_numpy()
    place = np.searchsorted(starts, docs, side="right") - 1
    corpora = pl.DataFrame({"doc": docs, "value": [names[one] for one in place.tolist()]})
    summary = found.summary.row(0, named=True)
    inside = found.clusters.filter(pl.col("cluster") >= 0).head(GROUPS)
    described = _described([side.frame for side in sides], found.descriptions, inside)
    typical = _typical(frame, inside, names, starts, settings.examples)
    members = corpora.hstack(found.documents.select("cluster"))
    return Groups(
        documents=frame.n_documents,
        of=whole.n_documents,
        found=summary["clusters"],
        noise=summary["noise"] + summary["outside"],
        agreement=summary["ari"],
        features=summary["features"],
        same_features=bool(found.descriptions["same_features"].any()),
        listed=tuple(
            Group(
                number=row["cluster"],
                name=row["name"] or "",
                documents=row["documents"],
                share=row["share"],
                parts=_parts(members, row["cluster"], names),
                described=described[row["cluster"]],
                typical=typical[row["cluster"]],
            )
            for row in inside.iter_rows(named=True)
        ),
        clustering=found,
        corpora=corpora,
    )


def _described(
    frames: Sequence[Embeddings], descriptions: pl.DataFrame, inside: pl.DataFrame
) -> dict[int, tuple[Described, ...]]:
    """The features that stand out most in each group."""
    listed = descriptions.filter(pl.col("difference") > 0, pl.col("cluster").is_in(inside["cluster"].implode()))
    first = listed.group_by("cluster", maintain_order=True).head(DESCRIBED)
    names = named(frames, first["feature"].unique().to_list())
    told: dict[int, list[Described]] = {cluster: [] for cluster in inside["cluster"]}
    for row in first.iter_rows(named=True):
        figures = {name: row[name] for name in ("inside", "outside", "difference", "q")}
        told[row["cluster"]].append(Described(names[row["feature"]], **figures))
    return {cluster: tuple(rows) for cluster, rows in told.items()}


def _typical(
    frame: Embeddings, inside: pl.DataFrame, names: Sequence[str], starts: NDArray[np.int64], most: int
) -> dict[int, tuple[Typical, ...]]:
    chosen: Mapping[int, list[int]] = {row["cluster"]: row["typical"][:most] for row in inside.iter_rows(named=True)}
    docs = pl.Series(sorted({doc for docs in chosen.values() for doc in docs}), dtype=pl.UInt32)
    rows = frame.scan_documents().filter(pl.col("doc").is_in(docs.implode()))
    texts: dict[int, Any] = dict(rows.select("doc", pl.col("text").fill_null("")).collect().iter_rows())

    def one(doc: int) -> Typical:
        place = int(np.searchsorted(starts, doc, side="right")) - 1
        return Typical(names[place], doc - int(starts[place]), snippet(texts[doc], 0, 0, window=_WINDOW))

    return {cluster: tuple(one(doc) for doc in docs) for cluster, docs in chosen.items()}


def _parts(members: pl.DataFrame, cluster: int, names: Sequence[str]) -> tuple[Part, ...]:
    """How many documents of each corpus are in a group."""
    if len(names) < 2:
        return ()
    counts = dict(members.filter(pl.col("cluster") == cluster).group_by("value").len().iter_rows())
    sizes = dict(members.group_by("value").len().iter_rows())
    return tuple(Part(name, counts.get(name, 0), counts.get(name, 0) / max(sizes.get(name, 0), 1)) for name in names)
