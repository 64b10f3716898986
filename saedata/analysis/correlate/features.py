"""What goes together? Pairs of features that are on in the same documents, more or less often than length explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saedata.analysis.correlate.clusters import Clusters, clusters_of
from saedata.analysis.correlate.pairs import DROPPED_KINDS, Candidates, Options, best_pairs, check_frame, check_options
from saedata.analysis.correlate.strata import lengths, strata_of
from saedata.concepts import label_embedder_of
from saedata.incidence import Incidence
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from saedata.analysis.correlate.search import Direction
    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates
    from saedata.sentences import Embed


def correlate(
    frame: Embeddings,
    *,
    direction: Direction = "both",
    min_documents: int = 10,
    limit: int = 1000,
    strata: int = 10,
    cluster: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.05,
    max_touching: float | None = 0.5,
    max_similarity: float | None = None,
    drop_kinds: Sequence[str] = DROPPED_KINDS,
    embed: Embed | None = embed_sentences,
    coupled_features: int = 300,
    evidence: int = 3,
    seed: int = 0,
) -> pl.DataFrame:
    """Find features that are on in the same documents, or avoid each other, more than chance explains.

    Every pair of features is counted and tested; the result holds the pairs that are most interesting.

    Parameters
    ----------
    frame
        The documents; with ``frame.select(...)`` only some features.
    direction
        "together": pairs on together more often than expected; "apart": less often, down to never; "both".
    min_documents
        A feature is tested if it is on in at least so many documents, and off in at least one.
    limit
        Rows of the result, at most. With "both", half of them are for pairs apart where there are as many.
    strata
        Longer documents turn more features on, which alone would tie features together; so pairs are tested
        within this many strata of documents with similar numbers of tokens. 1: no strata.
    cluster
        A column: documents of equal value are not independent, such as one author's. A feature is then tested if it
        is on in `min_documents` clusters, and p is never below that of a test between clusters.
    duplicates
        "once": documents of equal text count once; "keep": every document counts.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    level
        Pairs with q below this come first, those with the most extreme NPMI; only they can be interesting. Other
        pairs, by p, only fill up the rows.
    max_touching
        Leave out pairs that are on the same or adjacent tokens in a larger share of the documents with both:
        these are mostly two names for one thing. None: leave out none.
    max_similarity
        Leave out pairs whose labels are more alike. None: leave out none, since the order takes care.
    drop_kinds
        Kinds of features that are not tested (the paper leaves out syntactic ones).
    embed
        Gives vectors of unit length for labels; None: no similarity, pairs are ordered by NPMI.
    coupled_features
        Couplings are found among this many features of the result, from its top; 0: not at all.
    evidence
        How many documents to name for each pair.
    seed
        Chooses the documents that stand for a pair with more than 64 documents.

    Returns
    -------
    polars.DataFrame
        A row for each pair: first the significant pairs together, most interesting first, then those apart, never
        together first.

        - ``feature_a``, ``label_a``, ``feature_b``, ``label_b``: a is the smaller number
        - ``direction``: "together" or "apart", held against ``expected``
        - ``npmi``: normalised pointwise mutual information, 1 always together, 0 by chance, -1 never
        - ``lift``: P(both) / (P(a) P(b)); ``p_a_given_b``, ``p_b_given_a``, and their larger one ``co``
        - ``documents`` with both, ``documents_a``, ``documents_b``; ``expected``: documents with both that the
          lengths explain
        - ``p``: one-sided in this direction; ``q``: adjusted (Benjamini-Hochberg) over all pairs ``tested``, with
          direction "both" for twice as many tests
        - ``label_similarity``: cosine between the labels, or null
        - ``touching``: share of the documents with both (64 of them at most) where they are strongest on the same
          or on adjacent tokens
        - ``interesting``: NPMI times 1 - similarity of the labels, for significant pairs together
        - ``coupling``: partial correlation given the other features of the result; 0: an indirect link; null: not
          among the features looked at
        - ``evidence``: documents with both, and in them the spans where a and b are strongest

    Raises
    ------
    InputError
        If there are no documents or an option is out of range.

    Notes
    -----
    The null distribution of the count is a sum of hypergeometric distributions, one for each stratum (the exact
    form of Mantel and Haenszel's test); see `saedata.analysis.correlate.null` for where it is approximated.
    Jiang et al. (2025), Interpretable embeddings with sparse autoencoders, describe the use of NPMI and label
    similarity; the tests are not in the paper. With `cluster` those pairs that have the most extreme NPMI are tested
    again; see `saedata.analysis.correlate.clusters`.
    """
    options = Options(
        direction=direction,
        min_documents=min_documents,
        limit=limit,
        level=level,
        max_touching=max_touching,
        max_similarity=max_similarity,
        drop_kinds=drop_kinds,
        embed=label_embedder_of(frame) if embed is embed_sentences else embed,
        coupled_features=coupled_features,
        evidence=evidence,
        seed=seed,
    )
    check_options(options, strata)
    above = check_frame(frame, duplicates, threshold)
    docs = documents(frame, duplicates)
    stratum = strata_of(lengths(frame, docs), strata)
    clusters = None if cluster is None else Clusters(clusters_of(frame, cluster, docs), stratum)
    candidates = Candidates.of(Incidence(frame, docs, threshold=above), stratum, options, clusters)
    return best_pairs(candidates, None, options, clusters)


def documents(frame: Embeddings, duplicates: Duplicates) -> NDArray[Any]:
    """Numbers of the documents that count."""
    if duplicates == "once":
        return frame.unique_documents()
    return frame.scan_documents().select("doc").collect()["doc"].sort().to_numpy()
