"""Documents that say nearly the same: pairs, and groups, that have nearly the same features on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.counted import counted
from saedata.errors import InputError
from saedata.linked import Linked
from saedata.rows import Rows
from saedata.similar import Sets, similar_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings
    from saedata.similar import Method

_SEEDS = (20_011, 40_009)


def near_duplicates(
    frame: Embeddings,
    *,
    similarity: float = 0.8,
    method: Method = "auto",
    limit: int = 1_000_000,
    threshold: float | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Find documents with equal texts, and pairs that have nearly the same features on.

    Parameters
    ----------
    frame
        The documents; with ``Embeddings.concat`` those of several corpora, to see what they share.
    similarity
        Least Jaccard similarity of a pair, above 0 and at most 1: features on in both / features on in either.
    method
        "exact" looks at every pair of documents. "minhash" looks only at those that agree in one of many random
        samples of their features: much faster for many documents, and it misses about 1 in 200 of the pairs that are
        just similar enough, fewer of the others. "auto": exact up to 20 000 different documents. Either way the
        similarities are exact.
    limit
        Rows of pairs that are not equal, at most; the most similar stay. Groups are of all pairs.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    seed
        Of MinHash.

    Returns
    -------
    polars.DataFrame
        By group and document: ``doc_a``, ``doc_b`` (the later one), ``similarity``, ``exact`` (their texts are
        equal) and ``group``: the number of the first of all documents that are linked by such pairs. To keep one of
        each group, drop the documents that are in a pair but not their group's number.

        Documents with equal texts or with exactly the same features on are listed with the first of them only, and
        only that one is held against others: m equal documents give m - 1 rows. Documents with no feature on are only
        compared by their texts.

    Raises
    ------
    InputError
        If there are no documents or an option is out of range.

    Warns
    -----
    UserWarning
        If pairs were left out for the limit.

    Notes
    -----
    MinHash: Broder, A. Z. (1997), On the resemblance and containment of documents; bands: Indyk, P. and Motwani, R.
    (1998). Number and width of the bands follow from a sample of the corpus.
    """
    _check(similarity, method, limit)
    rows = Rows.of(counted(frame, duplicates="keep", threshold=threshold))
    by_text = _first_with_text(frame)
    alone = np.flatnonzero((by_text == np.arange(len(rows))) & (rows.sizes > 0))
    by_features = _first_with_features(rows, alone)
    found = Linked(len(rows), limit)
    found.add_equal(by_text, exact=True)
    found.add_equal(by_features, exact=False)
    chosen = alone[by_features[alone] == alone]
    if len(chosen) > 1:
        for parts in similar_pairs(Sets(rows, chosen, similarity), method=method, seed=seed):
            found.add([(chosen[a], chosen[b], alike) for a, b, alike in parts])
    return found.table(rows.docs)


def _first_with_text(frame: Embeddings) -> NDArray[np.int64]:
    """Position of the first document with the same text as each; null and "" are one text."""
    text = pl.col("text").fill_null("")
    hashes = [
        shard.documents(["doc", "text"]).sort("doc").select(a=text.hash(_SEEDS[0]), b=text.hash(_SEEDS[1]))
        for shard in frame.shards()
    ]
    return _first_equal(pl.concat(hashes))


def _first_with_features(rows: Rows, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of the first chosen document with the same features as each; of one that is not chosen, its own."""
    from saedata.similar_kernels import hashes

    begins, sizes = rows.pointers[chosen], rows.sizes[chosen]
    keys = (hashes(begins, sizes, rows.features, seed) for seed in _SEEDS)
    first = np.arange(len(rows))
    first[chosen] = chosen[_first_equal(pl.DataFrame(dict(zip("ab", keys, strict=True))))]
    return first


def _first_equal(hashes: pl.DataFrame) -> NDArray[np.int64]:
    """Row of the first with both hashes of each; among 100 million different things a chance below 1e-22 to err."""
    return (
        hashes.with_row_index("row")
        .select(pl.col("row").first().over("a", "b"))
        .to_series()
        .to_numpy()
        .astype(np.int64)
    )


def _check(similarity: float, method: str, limit: int) -> None:
    msg = ""
    if not 0 < similarity <= 1:
        msg = f"similarity is {similarity}; it must be above 0 and at most 1, for example 0.8"
    elif method not in ("auto", "exact", "minhash"):
        msg = f"method is {method!r}; it must be 'auto', 'exact' or 'minhash'"
    elif limit < 1:
        msg = f"limit is {limit}; it must be 1 or more rows"
    if msg:
        raise InputError(msg)
