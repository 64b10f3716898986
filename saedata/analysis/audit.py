"""What in the prompt makes which habit in the response? Features of prompts against features of responses."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.correlate.clusters import Clusters, clusters_of
from saedata.analysis.correlate.pairs import (
    DROPPED_KINDS,
    SCHEMA,
    Candidates,
    Options,
    best_pairs,
    check_frame,
    check_options,
)
from saedata.analysis.correlate.strata import crossed, lengths
from saedata.concepts import label_embedder_of
from saedata.errors import InputError
from saedata.incidence import Incidence
from saedata.sentences import embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from saedata.analysis.correlate.search import Direction
    from saedata.frame import Embeddings
    from saedata.incidence import Duplicates
    from saedata.sentences import Embed

__all__ = ["SCHEMA", "audit"]


def audit(
    prompts: Embeddings,
    responses: Embeddings,
    *,
    pair: str | None = None,
    direction: Direction = "both",
    min_documents: int = 10,
    limit: int = 1000,
    strata: int = 10,
    cluster: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.05,
    max_similarity: float | None = None,
    drop_kinds: Sequence[str] = DROPPED_KINDS,
    embed: Embed | None = embed_sentences,
    evidence: int = 3,
    seed: int = 0,
) -> pl.DataFrame:
    """Find what in the prompts goes together with what in their responses.

    Parameters
    ----------
    prompts, responses
        Two frames, whose documents belong together one by one. They may be of different encoders.
    pair
        A column of both that says which response belongs to which prompt (one to one; documents without a
        partner are left out, with a warning). None: they stand in the same order.
    direction
        "together": responses have the feature more often after such prompts; "apart": less often; "both".
    min_documents
        A feature is tested if it is on in at least so many documents, and off in at least one.
    limit
        Rows of the result, at most. With "both", half of them are for pairs apart where there are as many.
    strata
        Pairs are tested within a grid of at least this many strata of documents of similar length of prompt and
        response, because long prompts and long responses go together. 1: no strata.
    cluster
        A column of the prompts (or if they have none of that name, of the responses): rows of equal value are not
        independent, such as one author's; "text": those with the same prompt. A feature is then tested if it is on in
        `min_documents` clusters, and p is never below that of a test between clusters.
    duplicates
        "once": a prompt with the same response counts once; "keep": every document counts.
    threshold
        What an activation must exceed to count as on; default: the encoders' own threshold.
    level
        Pairs with q below this come first; only they can be interesting.
    max_similarity
        Leave out pairs whose labels are more alike: a response that takes up the prompt's topic is no habit.
        None: leave out none, since the order takes care.
    drop_kinds
        Kinds of features that are not tested.
    embed
        Gives vectors of unit length for labels; None: no similarity, pairs are ordered by NPMI.
    evidence
        How many documents to name for each pair.
    seed
        Chooses the documents that stand for a pair with more than 64 documents.

    Returns
    -------
    polars.DataFrame
        The columns of `correlate`, where a is the feature of the prompt and b that of the response: so
        ``p_b_given_a`` says how often the habit follows the trigger, ``lift`` how many times as often as usual, and
        ``direction`` whether the trigger brings it ("together") or keeps it away ("apart"). In ``evidence``,
        ``doc_a`` is the prompt and ``doc_b`` the response. ``touching`` and ``coupling`` are null.

    Raises
    ------
    InputError
        The frames do not belong together, there are no documents, or an option is out of range.
    """
    options = Options(
        direction=direction,
        min_documents=min_documents,
        limit=limit,
        level=level,
        max_similarity=max_similarity,
        drop_kinds=drop_kinds,
        embed=label_embedder_of(prompts) if embed is embed_sentences else embed,
        evidence=evidence,
        seed=seed,
    )
    check_options(options, strata)
    above = [check_frame(frame, duplicates, threshold) for frame in (prompts, responses)]
    docs = _aligned(prompts, responses, pair)
    if duplicates == "once":
        docs = docs.unique(["prompt", "response"], keep="first", maintain_order=True)
    sides = [
        Incidence(frame, docs[name].to_numpy(), threshold=limit_)
        for frame, name, limit_ in zip((prompts, responses), ("doc_a", "doc_b"), above, strict=True)
    ]
    long = [lengths(side.frame, side.docs) for side in sides]
    stratum = crossed(long[0], long[1], strata)
    clusters = None if cluster is None else Clusters(_clusters(prompts, responses, cluster, docs), stratum)
    triggers, habits = (Candidates.of(side, stratum, options, clusters) for side in sides)
    return best_pairs(triggers, habits, options, clusters)


def _clusters(prompts: Embeddings, responses: Embeddings, column: str, docs: pl.DataFrame) -> NDArray[np.int64]:
    if column in prompts.scan_documents().collect_schema():
        return clusters_of(prompts, column, docs["doc_a"].to_numpy())
    return clusters_of(responses, column, docs["doc_b"].to_numpy())


def _aligned(prompts: Embeddings, responses: Embeddings, pair: str | None) -> pl.DataFrame:
    """Numbers of the documents that belong together (doc_a, doc_b), and hashes of their texts."""
    tables = [_keyed(frame, pair) for frame in (prompts, responses)]
    if pair is None:
        if prompts.n_documents != responses.n_documents:
            msg = (
                f"{prompts.name} has {prompts.n_documents} documents and {responses.name} {responses.n_documents}, so "
                "they do not stand in the same order; name a column that both have with `pair`"
            )
            raise InputError(msg)
        return pl.concat(
            [table.rename({"doc": f"doc_{s}", "text": t}) for table, s, t in zip(tables, "ab", _TEXTS, strict=True)],
            how="horizontal",
        )
    try:
        both = tables[0].join(tables[1], on="key", suffix="_b", maintain_order="left")
    except pl.exceptions.PolarsError as error:
        msg = f"column {pair!r} has different types in {prompts.name} and {responses.name}: {error}"
        raise InputError(msg) from error
    if both.is_empty():
        msg = f"no value of {pair!r} is in both {prompts.name} and {responses.name}; choose another column"
        raise InputError(msg)
    if alone := sum(table.height for table in tables) - 2 * both.height:
        msg = f"{alone} documents have no partner by {pair!r} and are left out"
        warnings.warn(msg, stacklevel=3)
    return both.select(doc_a="doc", doc_b="doc_b", prompt="text", response="text_b")


_TEXTS = ("prompt", "response")


def _keyed(frame: Embeddings, pair: str | None) -> pl.DataFrame:
    columns: dict[str, Any] = {"doc": pl.col("doc"), "text": pl.col("text").fill_null("").hash()}
    if pair is not None:
        if pair not in frame.scan_documents().collect_schema():
            msg = f"{frame.name} has no column {pair!r} to pair documents by"
            raise InputError(msg)
        columns["key"] = pl.col(pair)
    table = frame.scan_documents().select(**columns).collect().sort("doc")
    if pair is not None and table["key"].drop_nulls().is_duplicated().any():
        msg = f"column {pair!r} of {frame.name} has a value more than once, so it does not pair documents one to one"
        raise InputError(msg)
    return table
