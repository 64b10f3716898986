"""Which languages a corpus has, and which documents have more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.languages.mixtures import placed, with_places
from saedata.analysis.languages.result import MIX, SWITCHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from saedata.analysis.languages.mixtures import Mixtures, Pairs
    from saedata.frame import Embeddings
    from saedata.probing.probes import Probe

CLEARLY = 2.0
"""A feature speaks for a language where it is on in so many times the share of the other's documents; ours."""


def mix_and_switching(
    frame: Embeddings,
    names: Sequence[str],
    mixtures: Mixtures,
    probe: Probe,
    labelled: NDArray[np.int64] | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predict the language of every document of a frame, and whether it has a second one, shard by shard.

    Parameters
    ----------
    frame
        The corpus that is asked about.
    names
        The languages.
    mixtures
        Tell two languages from one.
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
        docs = texts["doc"].to_numpy()
        p = probe.probabilities(_matrix(docs, cells, frame.n_features))
        assert p is not None
        counts += np.bincount(p.argmax(1), minlength=len(names))
        pairs = mixtures.best(placed(docs, cells, mixtures.features, mixtures.threshold))
        parts.append(_switching(texts, cells, names, mixtures, pairs, p))
    columns: dict[str, Any] = {"language": list(names), "documents": counts, "share": counts / max(counts.sum(), 1)}
    table = pl.DataFrame(columns | {"labelled": labelled if labelled is not None else [None] * len(names)})
    order = pl.col("score") * -1
    return table.cast(MIX).sort(-pl.col("share"), "language"), pl.concat(parts).sort(order, "doc")


def _matrix(docs: NDArray[np.uint32], cells: pl.DataFrame, features: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    where = np.searchsorted(docs, cells["doc"].to_numpy()), cells["feature"].to_numpy()
    return csr_matrix((cells["value"].to_numpy(), where), shape=(len(docs), features))


def _switching(
    texts: pl.DataFrame,
    cells: pl.DataFrame,
    names: Sequence[str],
    mixtures: Mixtures,
    pairs: Pairs,
    p: NDArray[np.float64],
) -> pl.DataFrame:
    """Those documents whose score is unusual and that have words to show for it."""
    rows = []
    every = np.arange(len(p))
    turned = p[every, pairs.second] > p[every, pairs.first]
    for at in np.flatnonzero(pairs.score > mixtures.usual).tolist():
        language, other = (int(side[at]) for side in (pairs.first, pairs.second))
        if turned[at]:
            language, other = other, language
        doc, text = texts.row(at)
        own = with_places(cells.filter(pl.col("doc") == doc), mixtures.threshold)
        speaking = mixtures.features[mixtures.shares[other] >= CLEARLY * mixtures.shares[language]]
        before = pl.col("place") < float(pairs.cut[at])
        side = before if other == pairs.first[at] else ~before
        spans = own.filter(side, pl.col("feature").is_in(pl.Series(speaking.astype(np.uint32)).implode()))
        if spans.is_empty():
            continue
        places = sorted(set(spans.select("start", "stop").iter_rows()))
        words = [(text or "")[start:stop].strip() for start, stop in places]
        starts, stops = [start for start, _ in places], [stop for _, stop in places]
        score = float(pairs.score[at])
        rows.append((doc, names[language], names[other], score, mixtures.usual, words, starts, stops))
    return pl.DataFrame(rows, schema=SWITCHING, orient="row")
