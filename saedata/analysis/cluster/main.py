"""`cluster`: documents in groups, by all their features or by those that matter to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.cluster.agreement import STABILITY_DOCUMENTS, SUBSAMPLES, agreement, check_columns, stability
from saedata.analysis.cluster.chosen import Chosen, Wanted, choose
from saedata.analysis.cluster.describe import describe
from saedata.analysis.cluster.found import Found, find
from saedata.analysis.cluster.options import Method, Noise, Options
from saedata.analysis.cluster.result import NOISE, OUTSIDE, STABILITY, SUMMARY, Clustering
from saedata.analysis.cluster.tables import clusters_table, documents_table, tree_of
from saedata.concepts import LEAST, PER_PHRASE
from saedata.counted import counted
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from saedata.analysis.cluster.chosen import ClusterWeights
    from saedata.endpoint import LanguageModel
    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates
    from saedata.neighbours import Similarity
    from saedata.sentences import Embed


def cluster(
    embeddings: Embeddings,
    *,
    about: str | Sequence[str] = (),
    without: str | Sequence[str] = (),
    features: Sequence[int] = (),
    kinds: str | Sequence[str] = (),
    per_phrase: int = PER_PHRASE,
    least: float = LEAST,
    clusters: int | None = None,
    method: Method = "auto",
    smallest: int | None = None,
    resolution: float = 1.0,
    noise: Noise = "keep",
    similarity: Similarity = "jaccard",
    binary: bool = True,
    weights: ClusterWeights | None = None,
    neighbours: int | None = None,
    held_out: bool = False,
    columns: Sequence[str] = (),
    stability: int | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    embed: Embed | None = None,
    model: LanguageModel | None = None,
    seed: int = 0,
) -> Clustering:
    """Group documents by the features that are on in them.

    Parameters
    ----------
    embeddings
        The corpus.
    about
        Phrases that say in what the groups shall differ, e.g. "sentiment": only features with labels and kinds near
        them are compared; the name of a kind, e.g. "style", stands for all features of the kind. Nothing: all
        features that are neither always nor never on.
    without
        Phrases: features whose labels are nearer to these are left out of what `about` chooses.
    features, kinds
        Features by number; features of a kind, e.g. "style".
    per_phrase
        Features for each phrase of `about`, at most.
    least
        Cosine that the label nearest to a phrase must reach for the phrase to count as known.
    clusters
        How many; None: as many as there are (HDBSCAN).
    method
        "hdbscan" finds dense groups on the map of documents, and leaves the rest as noise; "spectral" cuts the graph
        of neighbours into a number of groups (the paper's method); "kmeans" cuts the map; "leiden" finds
        communities in the graph. "auto": hdbscan, or with `clusters` spectral up to 20 000 documents and kmeans above.
    smallest
        Documents of the smallest group (hdbscan); None: 1 % of the documents, but 10 at least.
    resolution
        Of leiden; larger: more and smaller groups.
    noise
        "keep", or "assign": to the group of its neighbours.
    similarity
        "jaccard": features that two documents share / features that either has; "cosine".
    binary
        Whether only on and off count; else activations, each divided by the mean of its feature.
    weights
        What a feature counts: "equal"; "rare" (density ** -0.5); "near": exp(-(r / k) / 0.5) with r its rank among the
        k features of its phrase, and 1 where the phrase is the name of a kind; or a table with columns ``feature`` and
        ``weight``. None: "near" with `about`, else "equal".
    neighbours
        Of each document, that the map and the graph are made of; None: 15.
    held_out
        Whether clusters are made from half of the documents, the others follow their neighbours, and descriptions are
        tested in those, each feature in clusters in which it had no say: q can then be taken at its word.
    columns
        Columns of the user's to compare the clusters with.
    stability
        Subsamples of 80 % of the documents to group again, each of which takes about as long as all of them; None:
        20 for up to 2 000 documents, else none.
    duplicates
        "once": documents of equal text count once, and the others are put where the first of them is; "keep": each
        counts.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    embed
        Gives vectors for phrases and labels; None: the bundled sentence encoder.
    model
        A language model that names the clusters, and helps to choose features; None: labels name them.
    seed
        Of everything random; the same seed gives the same clusters.

    Returns
    -------
    Clustering
        Tables ``documents``, ``clusters``, ``descriptions``, ``tree``, ``features``, ``agreement``, ``stability``,
        ``summary``. Every document is in ``documents``: those with none of the chosen features form group -2, those
        in no cluster group -1.

    Raises
    ------
    InputError
        No feature is chosen or a phrase is unknown; there are fewer documents than clusters or neighbours; all
        documents are the same; an option is out of range or does not go with another.

    Notes
    -----
    Jiang, N. et al. (2025), Interpretable Embeddings with Sparse Autoencoders (arXiv:2512.10092), section on targeted
    clustering. Campello, R., Moulavi, D. and Sander, J. (2013), Density-based clustering based on hierarchical density
    estimates. Held-out tests: Gao, L., Bien, J. and Witten, D. (2022), Selective inference for hierarchical
    clustering, on why halving the documents alone is not enough.

    Examples
    --------
    >>> found = cluster(frame, about="tone of voice")  # doctest: +SKIP
    >>> found.clusters.select("cluster", "name", "documents")  # doctest: +SKIP
    """
    options = Options(method, clusters, smallest, resolution, noise, neighbours, similarity, seed)
    options.check()
    if stability is not None and stability < 0:
        msg = f"stability is {stability}; it must be 0 or more subsamples"
        raise InputError(msg)
    check_columns(embeddings, columns)
    wanted = Wanted(about, without, features, kinds, per_phrase, least, embed, model)
    incidence = counted(embeddings, duplicates=duplicates, threshold=threshold)
    chosen = choose(incidence, wanted, weights=weights, similarity=similarity, binary=binary)
    found = find(chosen, options, embeddings.name, held_out=held_out)
    steady = _stability(found, options, stability)
    descriptions = describe(found.trials, found.clusters, circular=found.circular(chosen, held_out=held_out))
    docs = incidence.docs
    tree = tree_of(chosen.profiles, found.labels, found.clusters)
    rows = documents_table(embeddings, docs, found)
    table = clusters_table(
        embeddings, rows, found, descriptions, tree, steady[1], model,
        preferred=None if wanted.everything else chosen.used.tolist(),
    )  # fmt: skip
    agrees = agreement(embeddings, docs, found.labels, columns)
    summary = _summary(found, options, rows, chosen, steady[0], held_out=held_out)
    return Clustering(rows, table, descriptions, tree, chosen.table, agrees, steady[0], summary)


def _stability(
    found: Found, options: Options, subsamples: int | None
) -> tuple[pl.DataFrame, NDArray[np.float64] | None]:
    if subsamples is None:
        subsamples = SUBSAMPLES if len(found.placed) <= STABILITY_DOCUMENTS else 0
    if not subsamples:
        return pl.DataFrame(schema=STABILITY), None
    return stability(found.profiles, found.grouping.labels, options, subsamples)


def _summary(
    found: Found, options: Options, rows: pl.DataFrame, chosen: Chosen, steady: pl.DataFrame, *, held_out: bool
) -> pl.DataFrame:
    documents = len(found.placed)
    method = options.chosen_method(documents)
    row: dict[str, Any] = {
        "method": method,
        "clusters": found.clusters,
        "documents": rows.height,
        "counted": len(found.labels),
        "noise": float((rows["cluster"] == NOISE).to_numpy().mean()),
        "outside": float((rows["cluster"] == OUTSIDE).to_numpy().mean()),
        "features": len(chosen.used),
        "neighbours": options.neighbours_of(documents),
        "smallest": options.smallest_of(documents) if method == "hdbscan" else None,
        "held_out": held_out,
        "ari": steady["ari"].mean(),
    }
    return pl.DataFrame([row], schema=SUMMARY)
