"""Which languages a corpus has, and which documents have more than one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.languages.result import MIX, SWITCHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.analysis.languages.documents import Tongues
    from saedata.frame import Embeddings
    from saedata.probing.probes import Probe

FALSE_ALARMS = 0.002
"""Share of monolingual training documents of two languages that may look mixed; ours."""

FEWEST = 2
"""Features of the other language that must be on, where it has as many."""


@dataclass(frozen=True, eq=False)
class Usual:
    """How many features of each language are on in monolingual documents.

    Attributes
    ----------
    features
        Features of each language.
    most
        int64 [languages, languages]: in documents of the first nearly never more features of the second are on.
    threshold
        Above which a feature is on.
    """

    features: list[NDArray[np.intp]]
    most: NDArray[np.int64]
    threshold: float

    @classmethod
    def of(cls, docs: Tongues, found: Sequence[NDArray[np.intp]], most: int) -> Usual:
        """Count in the training documents."""
        features = [own[:most] for own in found]
        counts = counted(docs.rows[docs.train], features, docs.threshold)
        y = docs.y[docs.train]
        every = range(len(docs.names))
        usual = [np.quantile(counts[y == one], 1 - FALSE_ALARMS, axis=0, method="higher") for one in every]
        return cls(features, np.stack(usual).astype(np.int64), docs.threshold)

    def mixed(self, rows: csr_matrix, said: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each document the other language with the largest excess (-1: none), and how many features it has on."""
        counts = counted(rows, self.features, self.threshold)
        sizes = np.array([len(own) for own in self.features])
        needed = np.maximum(self.most[said] + 1, np.minimum(FEWEST, np.maximum(sizes, 1)))
        excess = np.where(counts >= needed, counts / np.maximum(needed, 1), 0.0)
        excess[np.arange(len(said)), said] = 0
        best = excess.argmax(1)
        on = counts[np.arange(len(said)), best]
        return np.where(excess.max(1) > 0, best, -1), on


def counted(rows: csr_matrix, features: Sequence[NDArray[np.intp]], threshold: float) -> NDArray[np.int64]:
    """How many features of each language are on, [documents, languages]."""
    parts = [(rows[:, own].toarray() > np.float32(threshold)).sum(1) for own in features]
    return np.stack(parts, axis=1).astype(np.int64)


def mix_and_switching(
    frame: Embeddings,
    names: Sequence[str],
    usual: Usual,
    probe: Probe,
    labelled: NDArray[np.int64] | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predict the language of every document of a frame, shard by shard.

    Parameters
    ----------
    frame
        The corpus that is asked about.
    names
        The languages.
    usual
        What monolingual documents have on.
    probe
        Tells the language.
    labelled
        How many documents each language has by its column; None: not known.
    """
    counts = np.zeros(len(names), dtype=np.int64)
    parts = [pl.DataFrame(schema=SWITCHING)]
    for shard in frame.shards():
        texts = shard.documents(["doc", "text"]).sort("doc")
        cells = shard.activations(["doc", "feature", "value", "start", "stop"])
        rows = _matrix(texts["doc"].to_numpy(), cells, frame.n_features)
        p = probe.probabilities(rows)
        assert p is not None
        said = p.argmax(1).astype(np.int64)
        counts += np.bincount(said, minlength=len(names))
        other, on = usual.mixed(rows, said)
        parts.append(_switching(texts, cells, names, usual, (said, other, on)))
    columns: dict[str, Any] = {"language": list(names), "documents": counts, "share": counts / max(counts.sum(), 1)}
    table = pl.DataFrame(columns | {"labelled": labelled if labelled is not None else [None] * len(names)})
    switching = pl.concat(parts)
    order = (pl.col("features_on").cast(pl.Int64) - pl.col("usual").cast(pl.Int64)) * -1
    return table.cast(MIX).sort(-pl.col("share"), "language"), switching.sort(order, "doc")


def _matrix(docs: NDArray[np.uint32], cells: pl.DataFrame, features: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    where = np.searchsorted(docs, cells["doc"].to_numpy()), cells["feature"].to_numpy()
    return csr_matrix((cells["value"].to_numpy(), where), shape=(len(docs), features))


def _switching(
    texts: pl.DataFrame,
    cells: pl.DataFrame,
    names: Sequence[str],
    usual: Usual,
    told: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> pl.DataFrame:
    said, other, on = told
    rows = []
    on_cells = cells.filter(pl.col("value") > pl.lit(usual.threshold, pl.Float32))
    for at in np.flatnonzero(other >= 0).tolist():
        doc, text = texts.row(at)
        own = pl.Series(usual.features[other[at]].astype(np.uint32))
        spans = on_cells.filter(pl.col("doc") == doc, pl.col("feature").is_in(own.implode()))
        places = sorted(set(spans.select("start", "stop").iter_rows()))
        words = [(text or "")[start:stop].strip() for start, stop in places]
        starts, stops = [start for start, _ in places], [stop for _, stop in places]
        most = int(usual.most[said[at], other[at]])
        rows.append((doc, names[said[at]], names[other[at]], int(on[at]), most, words, starts, stops))
    return pl.DataFrame(rows, schema=SWITCHING, orient="row")
