"""Which features rise or fall over the ordered groups of a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from saedata.analysis.diff.check import check_column, check_options
from saedata.analysis.diff.columns import Duplicates
from saedata.analysis.diff.evidence import named
from saedata.analysis.diff.sides import Design, by_group, group_members, group_names
from saedata.analysis.diff.strata import clusters_of, one_stratum
from saedata.analysis.diff.tally import count, count_by_cluster
from saedata.errors import InputError
from saedata.stats import Trend, benjamini_hochberg, cochran_armitage, student_p, trend_cluster_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings

TREND_SCHEMA = pl.Schema(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "trend": pl.Float64(),
        "trend_low": pl.Float64(),
        "trend_high": pl.Float64(),
        "trend_p": pl.Float64(),
        "trend_q": pl.Float64(),
        "first": pl.Float64(),
        "last": pl.Float64(),
        "shares": pl.List(pl.Float64()),
        "groups": pl.List(pl.String()),
        "documents": pl.List(pl.UInt32()),
        "evidence": pl.List(pl.UInt32()),
    }
)
"""Columns of `trend`."""


def trend(
    embeddings: Embeddings,
    *,
    by: str,
    steps: Literal["rank", "value"] = "rank",
    cluster: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.95,
    evidence: int = 3,
    evidence_rows: int = 200,
    seed: int = 0,
) -> pl.DataFrame:
    """Test for each feature whether its share of documents rises or falls over ordered groups.

    Parameters
    ----------
    embeddings
        The corpus.
    by
        A column that orders its documents: numbers, dates, or words (which are taken in alphabetical order); at most
        50 different values. Documents where it is null take no part.
    steps
        "rank": each group is one step after the one before it; "value": as far as the numbers are apart.
    cluster
        A column, such as the author's name: documents of equal value are not independent of each other.
    duplicates
        "once": documents of equal text weigh once a group; "keep": every document weighs.
    threshold
        What an activation must exceed to count as on; default: the encoder's own threshold.
    level
        Confidence level of the intervals, between 0 and 1.
    evidence
        How many of the strongest documents to name, from the group at the end where the feature is more frequent.
    evidence_rows
        How many rows, from the top, get evidence.
    seed
        Every analysis takes one; nothing here is random.

    Returns
    -------
    polars.DataFrame
        A row for each feature that is on in any document, the smallest p first:

        - ``feature``, ``label``, ``kind``
        - ``trend``: change of the share for each step, with its interval ``trend_low`` to ``trend_high``
        - ``trend_p``, and ``trend_q``: adjusted (Benjamini-Hochberg) over all rows
        - ``first``, ``last``: shares of the first and the last group; ``shares``: of all
        - ``groups`` and ``documents``: their names, and how many documents each has
        - ``evidence``: numbers of documents, strongest first

    Raises
    ------
    InputError
        If the column is absent or no order of at least two groups, or an option is out of range.

    Notes
    -----
    Cochran-Armitage, see `saedata.stats.cochran_armitage`. It looks for a straight line only: what rises and
    falls again is found by `diff` with `by`, which compares each group with the rest. With `cluster`: Student's t-test
    with the variance between clusters (see `saedata.stats.trend_cluster_variance`); p is never below the one without.
    """
    check_options(embeddings, duplicates=duplicates, threshold=threshold, evidence=evidence, level=level)
    check_column(embeddings, by, "order it by")
    if cluster is not None:
        check_column(embeddings, cluster, "take clusters from")
    if steps not in ("rank", "value"):
        msg = f"steps is {steps!r}; it must be 'rank' or 'value'"
        raise InputError(msg)
    above = embeddings.threshold if threshold is None else threshold
    members = group_members(embeddings, by, duplicates)
    names = group_names(members, by)
    scores = _scores(embeddings, members, by) if steps == "value" else np.arange(len(names), dtype=np.float64)
    design = _design(embeddings, members, len(names))
    tally = count(design, one_stratum(design), above)
    on, documents = tally.on[:, 0].astype(np.int64), tally.documents[:, 0]
    tested = np.flatnonzero(on.sum(axis=0))
    found = cochran_armitage(on[:, tested], documents[:, None], scores=scores, level=level)
    if cluster is not None:
        found = _clustered(found, design, cluster, tested, scores, level, above)
    table = _table(on[:, tested] / documents[:, None], documents, tested, found, names).sort("trend_p", "feature")
    table = named(table, [embeddings])
    table = _with_q(table)
    return _with_evidence(table, embeddings, members, evidence, evidence_rows, above).select(list(TREND_SCHEMA))


def _with_q(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(trend_q=pl.Series(benjamini_hochberg(table["trend_p"].to_numpy())))


def _scores(frame: Embeddings, members: pl.DataFrame, by: str) -> NDArray[np.float64]:
    """The values themselves, by code."""
    dtype = frame.scan_documents().collect_schema()[by]
    if not dtype.is_numeric() and not dtype.is_temporal():
        msg = f"column {by!r} holds {dtype}, so its steps have no length; take steps='rank'"
        raise InputError(msg)
    firsts = members.unique("code", keep="first").sort("code").select("doc")
    values = firsts.lazy().join(frame.scan_documents().select("doc", value=pl.col(by)), on="doc", maintain_order="left")
    physical = values.collect()["value"].to_physical().cast(pl.Float64).to_numpy()
    return np.asarray(physical)


def _design(frame: Embeddings, members: pl.DataFrame, groups: int) -> Design:
    return Design((), (), (by_group(frame, members, groups),), lambda counted: counted[0])


def _clustered(
    found: Trend,
    design: Design,
    column: str,
    tested: NDArray[np.int64],
    scores: NDArray[np.float64],
    level: float,
    above: float,
) -> Trend:
    """Widen intervals and raise p by the variance between clusters."""
    from scipy.special import stdtrit

    documents, features = count_by_cluster(design, clusters_of(design, column), above)
    error, degrees = np.zeros(design.frames[0].n_features), 1.0
    for feature, on in features:
        variance, degrees = trend_cluster_variance(on, documents, scores=scores)
        error[feature] = np.sqrt(variance)
    error = error[tested]
    reach = stdtrit(degrees, 0.5 + level / 2) * error
    p = student_p(found.slope, error**2, degrees, "two-sided")
    return Trend(
        found.slope,
        np.minimum(found.low, found.slope - reach),
        np.maximum(found.high, found.slope + reach),
        np.maximum(found.p, p),
    )


def _table(
    shares: NDArray[np.float64],
    documents: NDArray[np.int64],
    tested: NDArray[np.int64],
    found: Trend,
    names: list[str],
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature": tested.astype(np.uint32),
            "trend": found.slope,
            "trend_low": found.low,
            "trend_high": found.high,
            "trend_p": found.p,
            "first": shares[0],
            "last": shares[-1],
            "shares": pl.Series(shares.T.tolist(), dtype=pl.List(pl.Float64)),
        }
    ).with_columns(groups=pl.lit(names, pl.List(pl.String)), documents=pl.lit(documents.tolist(), pl.List(pl.UInt32)))


def _with_evidence(
    table: pl.DataFrame, frame: Embeddings, members: pl.DataFrame, n: int, rows: int, above: float
) -> pl.DataFrame:
    head = table.head(rows if n else 0)
    last = int(members["code"].max())  # type: ignore[arg-type]
    lists = [pl.DataFrame(schema={"feature": pl.UInt32, "evidence": pl.List(pl.UInt32)})]
    for code, chosen in ((last, head.filter(pl.col("trend") >= 0)), (0, head.filter(pl.col("trend") < 0))):
        docs = members.filter(pl.col("code") == code)["doc"].to_numpy()
        if chosen.height:
            top = frame.strongest(chosen["feature"].to_list(), n, docs=docs, threshold=above)
            top = top.group_by("feature", maintain_order=True).agg(evidence="doc")
            lists.append(top.cast(lists[0].schema))
    table = table.join(pl.concat(lists), on="feature", how="left", maintain_order="left")
    return table.with_columns(pl.col("evidence").fill_null(pl.lit([], pl.List(pl.UInt32))))
