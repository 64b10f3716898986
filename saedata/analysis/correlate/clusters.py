"""Documents that are not independent, such as one author's: the best pairs are tested again between clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.stats.checks import normal_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.analysis.correlate.pairs import Candidates
    from saedata.frame import Embeddings
    from saedata.incidence import Incidence

    Array = NDArray[Any]

FEWEST_CLUSTERS = 10
"""With fewer no pair could be told from chance among thousands."""

KEPT = 1 << 25
"""Numbers that are kept of features, so that they need not be counted again for each pair."""


def clusters_of(frame: Embeddings, column: str, docs: Array) -> NDArray[np.int64]:
    """Number the clusters of documents with equal values; where it is null, a document is a cluster of its own.

    Raises
    ------
    InputError
        The column is absent or holds lists, or there are too few clusters.
    """
    schema = frame.scan_documents().collect_schema()
    if column not in schema or schema[column].is_nested():
        what = "holds lists or structures" if column in schema else "is not there"
        msg = f"column {column!r} of {frame.name} {what}, so it gives no clusters; choose one of single values"
        raise InputError(msg)
    table = frame.scan_documents().select("doc", value=pl.col(column)).collect()
    wanted = pl.DataFrame({"doc": docs}, schema={"doc": pl.UInt32})
    values = wanted.join(table, on="doc", how="left", maintain_order="left")["value"].cast(pl.String)
    codes = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    alone = np.flatnonzero(codes == 0)
    codes[alone] = codes.max(initial=0) + 1 + np.arange(len(alone))
    found = np.unique(codes, return_inverse=True)[1].ravel()
    if (number := int(found.max(initial=-1)) + 1) < FEWEST_CLUSTERS:
        msg = f"column {column!r} gives {number} clusters of documents; at least {FEWEST_CLUSTERS} are needed"
        raise InputError(msg)
    return np.asarray(found)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters and strata of documents, by position.

    Parameters
    ----------
    cluster, stratum
        Their numbers.
    """

    cluster: NDArray[np.int64]
    stratum: NDArray[np.int64]

    def with_feature(self, incidence: Incidence, features: Array) -> NDArray[np.int64]:
        """In how many clusters each of some features is on."""
        position = _positions(incidence)
        return np.array(
            [len(np.unique(self.cluster[_where_on(incidence, position, one)])) for one in features.tolist()], np.int64
        )

    def retested(self, found: pl.DataFrame, x: Candidates, y: Candidates, *, tested: int, sides: int) -> pl.DataFrame:
        """Raise p and q of pairs to what clusters allow.

        Parameters
        ----------
        found
            From `Search.best`.
        x, y
            The features of its rows and columns.
        tested
            Pairs that were tested.
        sides
            By how much p counts in the adjustment: 2 if both directions are looked for.

        Notes
        -----
        A score test: in every cluster, the documents with both less what the two features' shares within the strata
        lead to, given that either is on where it is in the cluster. The sum over clusters, in units of the root of
        the sum of squares, has a lighter tail than the normal distribution where either sign is as likely (Efron, B.
        (1969). Student's t-test under symmetry conditions. JASA 64, 1278-1302); so a pair whose documents are all
        one author's comes to 1 at most. p is never below that of independent documents. Pairs that are not among
        `found` only count as tested, which makes q too large at worst.
        """
        p = np.maximum(found["p"].to_numpy(), self._score_p(found, x, y))
        doubled = np.minimum(1.0, p * sides)
        order = np.argsort(-doubled, kind="stable")
        scaled = doubled[order] * (tested / np.arange(len(p), 0, -1))
        q = np.empty(len(p))
        q[order] = np.minimum.accumulate(np.minimum(scaled, 1.0)) if len(p) else scaled
        return found.with_columns(p=pl.Series(p, dtype=pl.Float64), q=pl.Series(q, dtype=pl.Float64))

    def _score_p(self, found: pl.DataFrame, x: Candidates, y: Candidates) -> NDArray[np.float64]:
        from saedata.compiled import cores, in_threads

        rows, columns = found["row"].to_numpy(), found["column"].to_numpy()
        order = np.argsort(rows, kind="stable")
        scores = np.zeros(len(rows))

        def work(part: NDArray[np.int64]) -> None:
            one, other = _Side(self, x), _Side(self, y)
            both = np.zeros(len(self._cells.cluster), dtype=np.int64)
            for at in part.tolist():
                scores[at] = self._score(one, other, int(rows[at]), int(columns[at]), both)

        in_threads(work, np.array_split(order, cores()))
        return normal_p(np.where(found["together"].to_numpy(), scores, -scores), "greater")

    def _score(self, one: _Side, other: _Side, row: int, column: int, both: NDArray[np.int64]) -> float:
        from saedata.analysis.correlate.clusters_kernels import score

        known = self._cells
        flags, mine, my_share = one.of(row)
        docs, theirs, their_share = other.where(column)
        cells = known.cluster, known.stratum, known.documents
        return float(score(flags, docs, known.cell, cells, (mine, my_share), (theirs, their_share), both))

    @cached_property
    def _cells(self) -> _Cells:
        strata = int(self.stratum.max(initial=0)) + 1
        found, cell = np.unique(self.cluster * strata + self.stratum, return_inverse=True)
        return _Cells(cell.ravel(), found // strata, found % strata, np.bincount(cell.ravel()))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Documents of one cluster in one stratum; `cell` by position, the others by cell."""

    cell: NDArray[np.int64]
    cluster: NDArray[np.int64]
    stratum: NDArray[np.int64]
    documents: NDArray[np.int64]


class _Side:
    """Where the features of one side are on; those seen last are kept."""

    def __init__(self, clusters: Clusters, candidates: Candidates) -> None:
        self._incidence, self._features = candidates.side.incidence, candidates.side.features
        self._cells = clusters._cells
        self._share = candidates.margins.on / candidates.margins.documents
        self._position = _positions(self._incidence)
        self._last: tuple[int, tuple[Array, Array, Array]] | None = None
        self.where = lru_cache(max(KEPT // max(len(self._incidence), 1), 16))(self._where)

    def of(self, place: int) -> tuple[Array, Array, Array]:
        """Flags of the documents where a feature is on, how many there are by cell, and its shares by stratum."""
        if self._last is None or self._last[0] != place:
            docs, counts, share = self._where(place)
            flags = np.zeros(len(self._incidence), dtype=np.bool_)
            flags[docs] = True
            self._last = place, (flags, counts, share)
        return self._last[1]

    def _where(self, place: int) -> tuple[Array, Array, Array]:
        """Positions of its documents, how many there are by cell, and its shares by stratum."""
        docs = _where_on(self._incidence, self._position, int(self._features[place]))
        counts = np.bincount(self._cells.cell[docs], minlength=len(self._cells.cluster))
        return docs, counts, self._share[place]


def _positions(incidence: Incidence) -> NDArray[np.int64]:
    position = np.full(incidence.frame.extent, -1, dtype=np.int64)
    position[incidence.docs] = np.arange(len(incidence))
    return position


def _where_on(incidence: Incidence, position: NDArray[np.int64], feature: int) -> NDArray[np.int64]:
    found = position[incidence.frame.postings(feature, threshold=incidence.threshold)[0]]
    return found[found >= 0]
