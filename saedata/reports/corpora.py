"""What each corpus is like on its own: counts, lengths, data quality, and how its numbers are distributed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.frame.layout import RESERVED
from saedata.hygiene import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.diff import Duplicates
    from saedata.frame import Embeddings

BINS = 30
LAST_QUANTILE = 0.995  # so that one huge document does not squeeze all others into a single bar
BINS_PER_DECADE = 5

FEWEST_DOCUMENTS = 20
"""In fewer documents a feature that is on in all of them need not be on nearly everywhere."""


@dataclass(frozen=True, eq=False)
class Counted:
    """A frame, and which of its documents weigh.

    Parameters
    ----------
    frame
        The corpus.
    name
        What it is called in the report.
    docs
        Numbers of the documents that weigh; None: all.
    unique
        How many different texts there are.
    threshold
        What a value must exceed to count as on.
    on
        int64 [features]: in how many of the documents that weigh each feature is on.
    """

    frame: Embeddings
    name: str
    docs: NDArray[np.uint32] | None
    unique: int
    threshold: float
    on: NDArray[np.int64]

    @property
    def documents(self) -> int:
        """How many documents weigh."""
        return self.frame.n_documents if self.docs is None else len(self.docs)

    @classmethod
    def of(cls, frame: Embeddings, name: str, *, duplicates: Duplicates, threshold: float | None) -> Counted:
        """Count a frame the way `diff` does."""
        unique = frame.unique_documents()
        docs = unique if duplicates == "once" and len(unique) < frame.n_documents else None
        above = frame.threshold if threshold is None else threshold
        return cls(frame, name, docs, len(unique), above, frame.documents_on(threshold=above, docs=docs))


@dataclass(frozen=True)
class Corpus:
    """Facts about one corpus.

    Parameters
    ----------
    name
        What it is called.
    documents, counted, tokens
        Documents, those that weigh in shares, and tokens read.
    empty, duplicates, windowed
        Documents without text; documents whose text occurred before; documents read in windows (None:
        unknown, because only a part of the frame is looked at).
    renamed
        Columns whose names were taken: (name in the file, name here).
    seen
        Features on in at least one document that weighs.
    median_tokens, median_on, median_unexplained
        Medians over documents with text; None without any.
    unexplained_reach
        0.1 and 0.9 quantile of the variance unexplained.
    """

    name: str
    documents: int
    counted: int
    tokens: int
    empty: int
    duplicates: int
    windowed: int | None
    renamed: tuple[tuple[str, str], ...]
    seen: int
    median_tokens: float | None
    median_on: float | None
    median_unexplained: float | None
    unexplained_reach: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Idle:
    """Features that tell nothing about these corpora, because they do not vary.

    Parameters
    ----------
    always
        Numbers of those on in nearly every document of every corpus, ascending: no table shows them.
    never
        How many are on in no document of any corpus.
    """

    always: NDArray[np.intp]
    never: int


@dataclass(frozen=True)
class Histogram:
    """One quantity, binned alike for every corpus.

    Parameters
    ----------
    key
        Which quantity: features_on, density, tokens or variance_unexplained.
    edges
        Bounds of the bins.
    heights
        For each corpus the share of its documents in each bin (of densities: the number of features).
    log
        Whether the bins are equally wide on a logarithmic axis.
    folded
        Whether the last bin also holds everything above it.
    """

    key: str
    edges: tuple[float, ...]
    heights: tuple[tuple[float, ...], ...]
    log: bool = False
    folded: bool = False


def distinct_names(names: Iterable[str]) -> list[str]:
    """Tell equal names apart, as `diff` does.

    Examples
    --------
    >>> distinct_names(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: Counter[str] = Counter()
    given = []
    for name in names:
        seen[name] += 1
        given.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return given


def idle(sides: Sequence[Counted]) -> Idle:
    """Find the features that are always on, and count those that are never on.

    Parameters
    ----------
    sides
        The corpora; where one has few documents, none counts as always on.
    """
    among = sides[0].frame.features["feature"].to_numpy()
    # The small number: 0.95 * 20 is 19, whatever floats say.
    everywhere = np.all([side.on[among] >= ALWAYS * side.documents - 1e-9 for side in sides], axis=0)
    if min(side.documents for side in sides) < FEWEST_DOCUMENTS:
        everywhere[:] = False
    nowhere = np.all([side.on[among] == 0 for side in sides], axis=0)
    return Idle(among[everywhere].astype(np.intp), int(nowhere.sum()))


def describe(side: Counted) -> Corpus:
    """Gather the facts about one corpus."""
    frame = side.frame
    text = pl.col("text").fill_null("").str.strip_chars() != ""
    with_text = pl.col("tokens", "features_on", "variance_unexplained").filter(text)
    unexplained = pl.col("variance_unexplained").filter(text)
    facts = (
        frame.scan_documents()
        .select(
            with_text.median().name.prefix("median_"),
            tokens=pl.col("tokens").cast(pl.UInt64).sum(),
            empty=(~text).sum(),
            low=unexplained.quantile(0.1, "linear"),
            high=unexplained.quantile(0.9, "linear"),
        )
        .collect()
        .row(0, named=True)
    )
    return Corpus(
        name=side.name,
        documents=frame.n_documents,
        counted=side.documents,
        tokens=facts["tokens"],
        empty=facts["empty"],
        duplicates=frame.n_documents - side.unique,
        windowed=_windowed(frame),
        renamed=_renamed(frame),
        seen=int((side.on > 0).sum()),
        median_tokens=facts["median_tokens"],
        median_on=facts["median_features_on"],
        median_unexplained=facts["median_variance_unexplained"],
        unexplained_reach=None if facts["low"] is None else (facts["low"], facts["high"]),
    )


def histograms(sides: Sequence[Counted]) -> tuple[Histogram, ...]:
    """Bin the quantities of all corpora over common bounds; those without any value are left out."""
    columns = ["features_on", "tokens", "variance_unexplained"]
    tables = [side.frame.scan_documents().select(columns).collect() for side in sides]
    on, tokens, unexplained = (
        _binned(name, [table[name].drop_nulls().to_numpy() for table in tables]) for name in columns
    )
    return tuple(one for one in (on, _densities(sides), tokens, unexplained) if one is not None)


def _binned(key: str, values: Sequence[NDArray[np.generic]]) -> Histogram | None:
    together = np.concatenate(values).astype(np.float64)
    if together.size == 0:
        return None
    top = float(np.quantile(together, LAST_QUANTILE))
    whole = key != "variance_unexplained"
    width = _nice(max(top, 1e-9) / BINS, whole=whole)
    edges = width * np.arange(int(top / width) + 2)
    inside = [np.histogram(np.minimum(one, edges[-1]), edges)[0] / max(len(one), 1) for one in values]
    heights = tuple(tuple(counts.tolist()) for counts in inside)
    return Histogram(key, tuple(edges.tolist()), heights, folded=bool(together.max() > edges[-1]))


def _densities(sides: Sequence[Counted]) -> Histogram | None:
    shares = [side.on[side.on > 0] / side.documents for side in sides]
    together = np.concatenate(shares)
    if together.size == 0:
        return None
    decades = int(np.ceil(-np.log10(together.min()) - 1e-9)) or 1
    edges = np.logspace(-decades, 0, decades * BINS_PER_DECADE + 1)
    edges[-1] = 1.0
    heights = tuple(tuple(np.histogram(np.clip(one, edges[0], 1.0), edges)[0].astype(float).tolist()) for one in shares)
    return Histogram("density", tuple(edges.tolist()), heights, log=True)


def _nice(width: float, *, whole: bool) -> float:
    """Round up to the next width of the form 1, 2 or 5 times a power of ten."""
    scale = 10.0 ** np.floor(np.log10(width))
    nice = next(scale * step for step in (1, 2, 5, 10) if scale * step >= width * (1 - 1e-9))
    return max(1.0, nice) if whole else float(nice)


def _windowed(frame: Embeddings) -> int | None:
    """Ask the manifest, which knows it for a whole frame only."""
    manifest = frame.manifest
    if frame.path is None or frame.n_documents != manifest.documents:
        return None
    return sum(shard.windowed for shard in manifest.shards)


def _renamed(frame: Embeddings) -> tuple[tuple[str, str], ...]:
    """Columns named like our own get "user_" before their name when a corpus is read."""
    columns = frame.scan_documents().collect_schema().names()
    return tuple((name, column) for column in columns for name in sorted(RESERVED) if column == f"user_{name}")
