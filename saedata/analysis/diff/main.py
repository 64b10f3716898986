"""`diff` itself: checks, counts, statistics, names and evidence, in this order."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.analysis.diff import pairs
from saedata.analysis.diff.check import check_columns, check_options, check_sides
from saedata.analysis.diff.columns import ALPHA, FEWEST_DOCUMENTS, SCHEMA, Duplicates
from saedata.analysis.diff.compare import rank
from saedata.analysis.diff.evidence import joined, named, with_evidence
from saedata.analysis.diff.findings import with_findings
from saedata.analysis.diff.power import with_power
from saedata.analysis.diff.sides import Design, between_corpora, between_groups
from saedata.analysis.diff.unpaired import Settings, tables
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings


def diff(
    target: Embeddings,
    *others: Embeddings,
    by: str | None = None,
    pair: str | None = None,
    adjust: str | None = None,
    cluster: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.95,
    effects: bool = True,
    evidence: int = 3,
    evidence_rows: int = 200,
    seed: int = 0,
) -> pl.DataFrame:
    """Compare the shares of documents where each feature is on.

    Parameters
    ----------
    target
        The corpus of interest, or with `by` the one corpus whose groups are compared.
    others
        One or more corpora to compare it with, embedded by the same encoder.
    by
        A column of the target: each of its groups is compared with the rest of the documents. Documents where
        it is null take no part; a warning names groups with fewer than 2 documents, which are only part of
        the rest.
    pair
        A column that says which documents belong together, such as a prompt's number: different in every row of
        a side. Rows without a partner on every side are left out, and a warning says how many. With `by` the
        groups are paired with each other.
    adjust
        "length" (in tokens; always there), or a column: shares are compared only among documents of similar length
        (or equal value, for a column that is not of numbers or dates), and the differences averaged. With `pair`
        what the difference in length does within pairs is taken out; of two sides only.
    cluster
        A column, such as the author's name: documents of equal value are not independent of each other. With `pair`
        it is pairs that are not, if they share a value on any side. Goes with everything else.
    duplicates
        "once": documents of equal text weigh once a side (pairs, once if their texts are equal on every side);
        "keep": every document weighs.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    level
        Confidence level of the intervals, between 0 and 1.
    effects
        False: leave ``hedges_g`` and the columns of length empty, which need every activation and not only the
        counts that a frame already holds.
    evidence
        How many of the strongest documents to name for each feature and side.
    evidence_rows
        How many rows, from the top, get evidence and are folded into findings; the lists of the others are empty.
    seed
        Every analysis takes one; nothing here is random.

    Returns
    -------
    polars.DataFrame
        A row for each feature that is on in any document, the largest absolute difference first, then by p:

        - ``feature``, ``label`` (its display name), ``kind``; with `by` preceded by ``group``
        - ``target``, ``other``: shares in [0, 1]
        - ``difference``: target - other, with its interval from ``low`` to ``high``; with `adjust` the adjusted one
        - ``p``, and ``q``: p adjusted (Benjamini-Hochberg) over all rows
        - ``target_on``, ``other_on``, ``target_documents``, ``other_documents``: the counts behind the shares
        - ``other_name``: the side that `other` speaks of
        - ``target_evidence``, ``other_evidence``: numbers of the strongest documents, strongest first; with `pair`
          of the pairs that differ most, equal places belonging to one pair
        - ``log_odds_ratio``, from ``log_odds_low`` to ``log_odds_high``: of the shares, or within pairs
        - ``hedges_g``: difference of the mean activations (0 where off) in standard deviations
        - ``length_difference``, ``length_p``, ``length_q``: what remains among documents of similar length;
          ``length_explains``: true where the plain difference has q < 0.05 and this one has not (null with `pair`
          and several others)
        - ``finding``: the feature that represents this one; see `findings`
        - ``tested``: how many rows, and so tests, q is adjusted for; ``detectable``: by how much more often than in
          ``other`` a feature would have to be on for a chance of 80 % to be found alone at q < 0.05 (null: even
          always would not do)

    Raises
    ------
    InputError
        If there is nothing to compare, a side is empty, a column to pair by repeats, or an option is out of range.
    MismatchError
        If the corpora were not embedded alike.

    Notes
    -----
    With one other: Newcombe's hybrid score interval (1998, method 10); two-sided, Fisher's exact test where
    counts are small or skewed, else the N-1 chi-squared test (see `saedata.stats.two_proportion_p`).

    With several others a feature stands out only if it does against every one of them. More frequent than in
    all of them: ``other`` is the largest share among them, the interval runs from the smallest of the lower
    bounds to the smallest of the upper ones, each at level 1 - (1 - level) / number of others, and p is twice
    the largest of the one-sided p-values (intersection-union test, Berger 1982; doubled because both
    directions are looked at). Less frequent than in all of them: the mirror image. In between: whichever of
    the two is nearer, with p = 1.

    With `pair`: McNemar's exact test and Newcombe's interval for paired shares (1998, Statistics in Medicine
    17, 2635). With several others ``other`` is the share of pairs where the feature is on in any of them, for
    a feature that the target has more often than that; the share where it is on in all of them, for one that
    it has less often; else the nearer of the two. ``other_name`` is then the one of them nearest to the target;
    ``other_evidence`` and ``hedges_g`` speak of that one.

    With `adjust`: Mantel-Haenszel over strata: numbers are cut at quantiles of all documents into 10 to 20 strata
    (see `saedata.stats.mantel_haenszel_interval` and `mantel_haenszel_p`). ``log_odds_ratio`` and ``hedges_g``
    stay unadjusted. With `cluster`: the variance between clusters (see `saedata.stats.cluster_variance`), and within
    strata the jackknife over clusters (see `saedata.stats.ClusteredStrata`).

    With `pair` and `cluster`: which side is ahead is flipped for whole clusters (see `saedata.stats.sign_flip_p`).
    With `pair` and `adjust`: strata of pairs with the same two values, such as a short and a long document; what
    the longer document does on either side is length's, the rest is the side's (see `saedata.stats.matched_p`).
    Where one side always has the longer one, the two cannot be told apart, and p is 1. With all three: the same with
    the jackknife over clusters.

    ``detectable`` is from `saedata.stats.minimum_detectable_difference`; with `pair`, `adjust` or `cluster` documents
    are as many as make the plain interval as wide as the one that is given.
    """
    check_options(target, duplicates=duplicates, threshold=threshold, evidence=evidence, level=level)
    check_sides(target, others, by)
    check_columns((target, *others), pair=pair, adjust=adjust, cluster=cluster)
    above = target.threshold if threshold is None else threshold
    frames = (target, *others)
    settings = Settings(above, level, adjust, cluster, effects)
    if pair is not None:
        table = _paired(frames, by, pair, duplicates, settings, evidence, evidence_rows)
    else:
        table = _unpaired(frames, by, duplicates, settings, evidence, evidence_rows)
    plain = pair is None and adjust is None and cluster is None
    own = level if pair is not None else 1 - (1 - level) / max(len(others), 1)
    table = with_power(table, level=own, plain=plain)
    return table.select(list(SCHEMA) if by is None else ["group", *SCHEMA]).cast(SCHEMA)


def _unpaired(
    frames: tuple[Embeddings, ...],
    by: str | None,
    duplicates: Duplicates,
    settings: Settings,
    evidence: int,
    rows: int,
) -> pl.DataFrame:
    if by is None:
        design = between_corpora(frames, duplicates)
    else:
        design, left_out = between_groups(frames[0], by, duplicates)
        _tell_left_out(by, left_out)
    table = rank(named(pl.concat(tables(design, settings)), frames))
    table = _with_length(table)
    table = with_findings(table, _documents(design), rows=rows, above=settings.above)
    return with_evidence(table, design, n=evidence, rows=rows, above=settings.above)


def _documents(design: Design) -> list[tuple[Embeddings, NDArray[np.integer]]]:
    return [(source.frame, source.groups) for source in design.sources]


def _with_length(table: pl.DataFrame) -> pl.DataFrame:
    """Say where a difference is gone among documents of similar length."""
    crude = pl.Series(benjamini_hochberg(table["crude_p"].to_numpy()))
    length = pl.Series(benjamini_hochberg(table["length_p"].to_numpy())).fill_nan(None)
    explains = pl.when(length.is_not_null()).then((crude < ALPHA) & (length >= ALPHA))
    return table.with_columns(
        pl.col("difference", "length_difference", "hedges_g").fill_nan(None), length_q=length, length_explains=explains
    )


def _paired(
    frames: tuple[Embeddings, ...],
    by: str | None,
    pair: str,
    duplicates: Duplicates,
    settings: Settings,
    evidence: int,
    rows: int,
) -> pl.DataFrame:
    if by is None:
        aligned = pairs.align_corpora(frames, pair, duplicates)
    else:
        aligned = pairs.align_groups(frames[0], by, pair, duplicates)
    besides = pairs.count_besides(aligned, adjust=settings.adjust, cluster=settings.cluster, length=settings.effects)
    counted = pairs.count_pairs(aligned, settings.above, besides.measures)
    tables = pairs.paired_tables(aligned, counted, level=settings.level, besides=besides)
    table = _with_length(rank(named(pl.concat(tables), frames)))
    sides = [(source.frame, np.where(source.pair >= 0, 0, -1)) for source in aligned.sources]
    table = with_findings(table, sides, rows=rows, above=settings.above)
    return joined(table, pairs.pair_evidence(table, aligned, n=evidence, rows=rows, above=settings.above))


def _tell_left_out(by: str, names: list[str]) -> None:
    if names:
        msg = f"groups of {by!r} with fewer than {FEWEST_DOCUMENTS} documents are only part of the rest: " + ", ".join(
            names
        )
        warnings.warn(msg, stacklevel=4)
