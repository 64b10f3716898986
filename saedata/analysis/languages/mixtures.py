"""Two languages against one: which explains better what is on in a document, and where.

With p the share of a language's documents in which a feature is on, it is on in a part c of one with probability
1 - (1 - p)^c. A document whose first part is in one language and whose rest is in another has a feature on in its
first part with probability a, in the rest with b, and nowhere with (1 - a)(1 - b); where it is on in both, its
strongest token is in either with equal chance. Features count as independent (naive Bayes), as where `found` chooses
thresholds. Ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.languages.found import smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.analysis.languages.documents import Tongues
    from saedata.analysis.languages.found import Shares
    from saedata.frame import Embeddings

    Values = NDArray[np.float64]

CUTS = (0.25, 0.5, 0.75)
"""Where the first part may end, as a share of the document."""

LIKELIEST = 3
"""One of the two languages is among so many that explain the whole document best."""

FALSE_ALARMS = 0.01
"""Share of the training documents that score as mixed; of others about twice as many do, as these were counted from
the training documents themselves. Ours."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The two languages that explain each document best.

    Attributes
    ----------
    score
        Log likelihood ratio against the best single language.
    first, second
        int64, the languages in their order.
    cut
        The share of the document that the first one has.
    """

    score: Values
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cut: Values


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Tell documents of two languages from those of one.

    Attributes
    ----------
    features
        All features found, of whichever language; ascending.
    shares
        Of each language's training documents where they are on, smoothed, [languages, features].
    threshold
        Above which a feature is on.
    usual
        Monolingual documents score seldom more.
    """

    features: NDArray[np.intp]
    shares: Values
    threshold: float
    usual: float = 0.0

    @classmethod
    def of(cls, frame: Embeddings, docs: Tongues, shares: Shares, found: Sequence[NDArray[np.intp]]) -> Mixtures:
        """Count and score the training documents."""
        features = np.unique(np.concatenate(found)).astype(np.intp)
        counts = np.bincount(docs.y[docs.train], minlength=len(docs.names))
        raw = cls(features, smoothed(shares.languages[:, features], counts), docs.threshold)
        scores = []
        asked = frame.filter(pl.col("doc").is_in(pl.Series(docs.docs[docs.train]).implode()))
        for shard in asked.shards():
            own = shard.documents(["doc"])["doc"].sort().to_numpy()
            cells = shard.activations(["doc", "feature", "value", "start", "stop"])
            scores.append(raw.best(placed(own, cells, features, docs.threshold)).score)
        usual = float(np.quantile(np.concatenate(scores), 1 - FALSE_ALARMS, method="higher"))
        return cls(raw.features, raw.shares, raw.threshold, max(usual, 0.0))

    def best(self, places: csr_matrix) -> Pairs:
        """The best pair of languages for each document.

        Parameters
        ----------
        places
            As `placed` gives them.
        """
        count, languages = places.shape[0], len(self.shares)
        nothing = np.zeros(count, dtype=np.int64)
        best = Pairs(np.full(count, -np.inf), nothing, nothing.copy(), np.zeros(count))
        for cut in CUTS:
            first, second = _parts(places, cut)
            early, late = 1 - (1 - self.shares) ** cut, 1 - (1 - self.shares) ** (1 - cut)
            alone = _likelihood(first, second, early, late)
            likely = np.argsort(-alone, axis=1, kind="stable")[:, :LIKELIEST]
            for one in range(languages):
                rows = np.flatnonzero((likely == one).any(1))
                for turned in (False, True):
                    a, b = (early, late[[one]]) if turned else (early[[one]], late)
                    gain = _likelihood(first[rows], second[rows], a, b) - alone[rows].max(1)[:, None]
                    gain[:, one] = -np.inf
                    other = gain.argmax(1)
                    gain = gain.max(1)
                    better = gain > best.score[rows]
                    at, other = rows[better], other[better]
                    best.score[at], best.cut[at] = gain[better], cut
                    best.first[at], best.second[at] = (other, one) if turned else (one, other)
        return best


def placed(docs: NDArray[np.uint32], cells: pl.DataFrame, features: NDArray[np.intp], threshold: float) -> csr_matrix:
    """Where in each document a feature is strongest, 0 to 1, of those that are on, [documents, features].

    Parameters
    ----------
    docs
        Ascending.
    cells
        Their activations: ``doc``, ``feature``, ``value``, ``start``, ``stop``.
    features
        Ascending; of others nothing is said.
    threshold
        Above which a feature is on.
    """
    from scipy.sparse import csr_matrix

    on = with_places(cells, threshold).filter(pl.col("feature").is_in(pl.Series(features.astype(np.uint32)).implode()))
    where = np.searchsorted(docs, on["doc"].to_numpy()), np.searchsorted(features, on["feature"].to_numpy())
    return csr_matrix((on["place"].to_numpy(), where), shape=(len(docs), len(features)))


def with_places(cells: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Those of some activations that are on, with ``place``: where in its document each is strongest, 0 to 1."""
    on = cells.filter(pl.col("value") > pl.lit(threshold, pl.Float32))
    centre = (pl.col("start").cast(pl.Int64) + pl.col("stop")) / 2
    return on.with_columns((centre / pl.col("stop").max().over("doc")).fill_nan(0).alias("place"))


def _parts(places: csr_matrix, cut: float) -> tuple[csr_matrix, csr_matrix]:
    """Ones where a feature is strongest before the cut, and where it is strongest after it."""
    from scipy.sparse import csr_matrix

    before = places.data < cut
    made = (
        csr_matrix((side.astype(np.float64), places.indices, places.indptr), shape=places.shape)
        for side in (before, ~before)
    )
    first, second = made
    return first, second


def _likelihood(first: csr_matrix, second: csr_matrix, a: Values, b: Values) -> Values:
    """Log likelihood of documents, [documents, pairs]; a, b: shares of the parts, [pairs or 1, features]."""
    a, b = np.broadcast_arrays(a, b)
    nowhere = np.log1p(-a) + np.log1p(-b)
    early, late = np.log(a * (1 - b / 2)) - nowhere, np.log(b * (1 - a / 2)) - nowhere
    return np.asarray(first @ early.T + second @ late.T + nowhere.sum(1))
