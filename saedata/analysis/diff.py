"""How do corpora differ? Shares of documents where a feature is on, compared between sides.

The statistics stand in `compare`, a pure function of counts; everything else brings the counts together and
dresses the result with names and evidence.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.frame.features import feature_name_expr
from saedata.frame.layout import DOCUMENT_SCHEMA
from saedata.stats import benjamini_hochberg, newcombe_interval, two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings

    Documents = Callable[[], NDArray[np.uint32] | None]

Duplicates = Literal["once", "keep"]

SCHEMA = pl.Schema(
    {
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "target": pl.Float64(),
        "other": pl.Float64(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
        "target_on": pl.UInt32(),
        "other_on": pl.UInt32(),
        "target_documents": pl.UInt32(),
        "other_documents": pl.UInt32(),
        "other_name": pl.String(),
        "target_evidence": pl.List(pl.UInt32()),
        "other_evidence": pl.List(pl.UInt32()),
    }
)
"""Columns of the result; with `by` a column ``group`` stands before them."""

MOST_GROUPS = 50
FEWEST_DOCUMENTS = 2
REST = "the rest"


@dataclass(frozen=True, eq=False)
class Side:
    """What the statistics see of one pile of documents.

    Parameters
    ----------
    name
        What it is called in the result.
    on
        int64 [features]: in how many of its documents each feature is on.
    documents
        How many documents were counted.
    """

    name: str
    on: NDArray[np.int64]
    documents: int


@dataclass(frozen=True, eq=False)
class _Pile:
    """A side, and where its documents are; they are listed only when somebody wants evidence."""

    side: Side
    frame: Embeddings
    docs: Documents


@dataclass(frozen=True, eq=False)
class _Comparison:
    group: str | None
    target: _Pile
    others: tuple[_Pile, ...]


def diff(
    target: Embeddings,
    *others: Embeddings,
    by: str | None = None,
    duplicates: Duplicates = "once",
    threshold: float | None = None,
    level: float = 0.95,
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
    duplicates
        "once": documents of equal text weigh once a side; "keep": every document weighs.
    threshold
        What an activation must exceed to count as on; by default, and at least, the encoder's own threshold.
    level
        Confidence level of the intervals, between 0 and 1.
    evidence
        How many of the strongest documents to name for each feature and side.
    evidence_rows
        How many rows, from the top, get evidence; the lists of the others are empty.
    seed
        Every analysis takes one; nothing here is random.

    Returns
    -------
    polars.DataFrame
        A row for each feature that is on in any document, the largest absolute difference first, then by p:

        - ``feature``, ``label`` (its display name), ``kind``; with `by` preceded by ``group``
        - ``target``, ``other``: shares in [0, 1]
        - ``difference``: target - other, with its interval from ``low`` to ``high``
        - ``p``, and ``q``: p adjusted (Benjamini-Hochberg) over all rows
        - ``target_on``, ``other_on``, ``target_documents``, ``other_documents``: the counts behind the shares
        - ``other_name``: the side that `other` speaks of
        - ``target_evidence``, ``other_evidence``: numbers of the strongest documents, strongest first

    Raises
    ------
    InputError
        If there is nothing to compare, a side is empty, or an option is out of range.
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
    """
    _check(target, others, by, duplicates, threshold, evidence)
    above = target.threshold if threshold is None else threshold
    if by is None:
        comparisons = [_between_corpora((target, *others), duplicates, above)]
    else:
        comparisons = _between_groups(target, by, duplicates, above)
    tables = [
        compare(one.target.side, [pile.side for pile in one.others], level=level).select(
            pl.lit(one.group, pl.String).alias("group"), pl.all()
        )
        for one in comparisons
    ]
    table = rank(_named(pl.concat(tables), (target, *others)))
    table = _with_evidence(table, comparisons, n=evidence, rows=evidence_rows, above=above)
    return table.select(list(SCHEMA) if by is None else ["group", *SCHEMA]).cast(SCHEMA)


def compare(target: Side, others: Sequence[Side], *, level: float = 0.95) -> pl.DataFrame:
    """Compare counts of one side with those of one or several others.

    Parameters
    ----------
    target, others
        The sides, counted over the same features.
    level
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        The columns of `diff` that follow from counts (without q), a row for each feature that is on anywhere,
        by feature.

    Raises
    ------
    InputError
        If the level is out of range or a side is empty.

    Examples
    --------
    >>> mine = Side("mine", np.array([56, 0, 3]), 70)
    >>> yours = Side("yours", np.array([48, 0, 1]), 80)
    >>> compare(mine, [yours]).select("feature", pl.col("difference", "low", "high").round(4)).rows()
    [(0, 0.2, 0.0524, 0.3339), (2, 0.0304, -0.0314, 0.1068)]
    """
    if not 0 < level < 1:
        msg = f"level is {level}; it must lie between 0 and 1, for example 0.95"
        raise InputError(msg)
    every_on = np.stack([side.on for side in others])
    tested = np.flatnonzero(target.on + every_on.sum(axis=0))
    on, other_on = target.on[tested], every_on[:, tested]
    n, other_n = target.documents, np.array([[side.documents] for side in others])
    shares = other_on / other_n
    more = _more_frequent(on / n, shares)
    deciding = np.where(more, shares.argmax(axis=0), shares.argmin(axis=0))
    low, high = newcombe_interval(on, n, other_on, other_n, level=1 - (1 - level) / len(others))
    other_share = shares[deciding, np.arange(len(tested))]
    return pl.DataFrame(
        {
            "feature": tested.astype(np.uint32),
            "target": on / n,
            "other": other_share,
            "difference": on / n - other_share,
            "low": np.where(more, low.min(axis=0), low.max(axis=0)),
            "high": np.where(more, high.min(axis=0), high.max(axis=0)),
            "p": _p(on, n, other_on, other_n, more),
            "target_on": on,
            "other_on": other_on[deciding, np.arange(len(tested))],
            "target_documents": np.full(len(tested), n),
            "other_documents": other_n[deciding, 0],
            "other_name": pl.Series([side.name for side in others]).gather(deciding),
        }
    )


def rank(table: pl.DataFrame) -> pl.DataFrame:
    """Add q over all rows and put the largest absolute difference first, then the smallest p."""
    return table.with_columns(q=pl.Series(benjamini_hochberg(table["p"].to_numpy()))).sort(
        pl.col("difference").abs(), "p", "feature", descending=[True, False, False], maintain_order=True
    )


def _more_frequent(share: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether to hold the target against the largest of the others' shares; else against the smallest."""
    largest, smallest = others.max(axis=0), others.min(axis=0)
    nearer = np.abs(share - largest) < np.abs(share - smallest)
    return np.asarray(nearer | (share >= largest))


def _p(
    on: NDArray[np.int64],
    n: int,
    other_on: NDArray[np.int64],
    other_n: NDArray[np.int64],
    more: NDArray[np.bool_],
) -> NDArray[np.float64]:
    if len(other_n) == 1:
        return two_proportion_p(on, n, other_on[0], other_n[0])
    p = np.ones(len(on))
    # The other direction's p is at least one half, so the nearer direction always gives the smaller p.
    p[more] = two_proportion_p(on[more], n, other_on[:, more], other_n, alternative="greater").max(axis=0)
    p[~more] = two_proportion_p(on[~more], n, other_on[:, ~more], other_n, alternative="less").max(axis=0)
    return np.minimum(1.0, 2 * p)


def _between_corpora(frames: Sequence[Embeddings], duplicates: Duplicates, above: float) -> _Comparison:
    names = _distinct([frame.name for frame in frames])
    piles = [_counted(frame, name, duplicates, above) for frame, name in zip(frames, names, strict=True)]
    return _Comparison(None, piles[0], tuple(piles[1:]))


def _counted(frame: Embeddings, name: str, duplicates: Duplicates, above: float) -> _Pile:
    docs = frame.unique_documents() if duplicates == "once" else None
    documents = frame.n_documents if docs is None else len(docs)
    if documents == 0:
        msg = f"{name} has no documents, so there is nothing to compare; give a corpus with at least one"
        raise InputError(msg)
    if documents == frame.n_documents:
        docs = None  # everything counts: faster than asking for each document
    on = frame.documents_on(threshold=above, docs=docs)
    return _Pile(Side(name, on, documents), frame, lambda: docs)


def _distinct(names: Iterable[str]) -> list[str]:
    """Tell equal names apart: a, a (2), a (3)."""
    seen: Counter[str] = Counter()
    given: list[str] = []
    for name in names:
        seen[name] += 1
        given.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return given


def _between_groups(frame: Embeddings, by: str, duplicates: Duplicates, above: float) -> list[_Comparison]:
    members = _members(frame, by, duplicates)
    names = _group_names(members, by)
    on, first, only = _group_counts(frame, members, len(names), above)
    # A text weighs once in the rest, and it is in the rest unless this group alone has it.
    sizes = members.group_by("code").agg(pl.len(), pl.col("only").sum()).sort("code")
    texts = int(members["first"].sum())
    kept = []
    for code, size, alone in sizes.iter_rows():
        if size >= FEWEST_DOCUMENTS:
            rest = Side(REST, first - only[code], texts - alone)
            target = _Pile(Side(names[code], on[code], size), frame, partial(_docs_of, members, code))
            other = _Pile(rest, frame, partial(_docs_of_rest, members, code))
            kept.append(_Comparison(names[code], target, (other,)))
    _tell_left_out(by, [name for name in names if name not in {one.group for one in kept}])
    return kept


def _members(frame: Embeddings, by: str, duplicates: Duplicates) -> pl.DataFrame:
    """Documents that count: doc, group, code (number of the group), key (of the text), first, only.

    A text weighs once in each group. `first` marks one document for each text, `only` those texts that
    no other group has.
    """
    # 64-bit hashes instead of texts keep this small
    key = pl.col("text").fill_null("").hash() if duplicates == "once" else pl.col("doc").cast(pl.UInt64)
    documents = frame.scan_documents().select("doc", group=pl.col(by).cast(pl.String), key=key)
    return (
        documents.filter(pl.col("group").is_not_null())
        .collect(engine="streaming")
        .sort("doc")
        .unique(["group", "key"], keep="first", maintain_order=True)
        .with_columns(
            code=pl.col("group").rank("dense").cast(pl.UInt32) - 1,
            first=pl.col("key").is_first_distinct(),
            only=pl.len().over("key") == 1,
        )
    )


def _group_names(members: pl.DataFrame, by: str) -> list[str]:
    names: list[str] = members["group"].unique().sort().to_list()
    if len(names) > MOST_GROUPS:
        msg = (
            f"column {by!r} has {len(names)} different values, and at most {MOST_GROUPS} groups can be "
            "compared; choose a column with fewer, or filter the documents first"
        )
        raise InputError(msg)
    if len(names) < 2 or members["code"].value_counts()["count"].max() < FEWEST_DOCUMENTS:  # type: ignore[operator]
        msg = (
            f"column {by!r} does not split the documents into groups of at least {FEWEST_DOCUMENTS}: "
            f"{len(names)} different value(s) in {members.height} documents; choose another column"
        )
        raise InputError(msg)
    return names


def _tell_left_out(by: str, names: list[str]) -> None:
    if names:
        msg = f"groups of {by!r} with fewer than {FEWEST_DOCUMENTS} documents are only part of the rest: " + ", ".join(
            names
        )
        warnings.warn(msg, stacklevel=4)


def _group_counts(
    frame: Embeddings, members: pl.DataFrame, groups: int, above: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Documents on in one scan: of each group; of all first documents; of the texts that only a group has."""
    counts = (
        frame.scan()
        .filter(pl.col("value") > pl.lit(above, pl.Float32))
        .join(members.lazy().select("doc", "code", "first", "only"), on="doc")
        .group_by("code", "feature")
        .agg(on=pl.len(), first=pl.col("first").sum(), only=pl.col("only").sum())
        .collect(engine="streaming")
    )
    place = counts["code"].to_numpy(), counts["feature"].to_numpy()
    on, first, only = (np.zeros((groups, frame.n_features), dtype=np.int64) for _ in range(3))
    on[place], first[place], only[place] = counts["on"], counts["first"], counts["only"]
    return on, first.sum(axis=0), only


def _docs_of(members: pl.DataFrame, code: int) -> NDArray[np.uint32]:
    return members.filter(pl.col("code") == code)["doc"].to_numpy()


def _docs_of_rest(members: pl.DataFrame, code: int) -> NDArray[np.uint32]:
    rest = members.filter(pl.col("code") != code)
    return rest.unique("key", keep="first", maintain_order=True)["doc"].to_numpy()


def _named(table: pl.DataFrame, frames: Sequence[Embeddings]) -> pl.DataFrame:
    """Add label and kind, and leave out features that are not selected in every frame.

    A feature that is never on in one frame has no tokens there to be named by, but may have some in another.
    """
    known = ["label", "kind", "tokens"]
    features = frames[0].features.select("feature", *known)
    for frame in frames[1:]:
        features = features.join(frame.features.select("feature", *known), on="feature", suffix="_2")
        features = features.select("feature", *(pl.coalesce(name, f"{name}_2") for name in known))
    names = features.select("feature", "kind", label=feature_name_expr())
    return table.join(names, on="feature", how="inner", maintain_order="left")


def _with_evidence(
    table: pl.DataFrame, comparisons: Sequence[_Comparison], *, n: int, rows: int, above: float
) -> pl.DataFrame:
    """Name the strongest documents of the first rows; more would cost time that nobody reads."""
    sides = ("target", "other")
    found: dict[str, list[pl.DataFrame]] = {side: [_NO_EVIDENCE] for side in sides}
    head = table.head(rows if n else 0)
    for one in comparisons:
        mine = head.filter(pl.col("group").eq_missing(pl.lit(one.group, pl.String)))
        found["target"].append(_strongest(one.target, mine, one.group, n, above))
        for pile in one.others:
            decided = mine.filter(pl.col("other_name") == pile.side.name)
            found["other"].append(_strongest(pile, decided, one.group, n, above))
    for side in sides:
        lists = pl.concat(found[side]).rename({"doc": f"{side}_evidence"})
        table = table.join(lists, on=["group", "feature"], how="left", nulls_equal=True, maintain_order="left")
    nothing = pl.lit([], pl.List(pl.UInt32))
    return table.with_columns(pl.col(f"{side}_evidence").fill_null(nothing) for side in sides)


_NO_EVIDENCE = pl.DataFrame(
    schema={"group": pl.String, "feature": pl.UInt32, "doc": pl.List(pl.UInt32)},
)


def _strongest(pile: _Pile, rows: pl.DataFrame, group: str | None, n: int, above: float) -> pl.DataFrame:
    if rows.is_empty():
        return _NO_EVIDENCE
    top = pile.frame.top_documents(rows["feature"].to_list(), n, docs=pile.docs(), threshold=above)
    lists = top.sort("feature", "rank").group_by("feature", maintain_order=True).agg("doc")
    return lists.select(pl.lit(group, pl.String).alias("group"), "feature", "doc").cast(_NO_EVIDENCE.schema)


def _check(
    target: Embeddings,
    others: Sequence[Embeddings],
    by: str | None,
    duplicates: str,
    threshold: float | None,
    evidence: int,
) -> None:
    """Refuse what cannot be compared, before anything is counted."""
    msg = ""
    if by is None and not others:
        msg = "there is nothing to compare with: give another corpus, or `by` to split this one by a column"
    elif by is not None and others:
        msg = "`by` splits one corpus into groups, so no other corpus goes with it; leave one of the two out"
    elif duplicates not in ("once", "keep"):
        msg = f"duplicates is {duplicates!r}; it must be 'once' or 'keep'"
    elif evidence < 0:
        msg = f"evidence is {evidence}; it must be 0 or more documents"
    elif threshold is not None and not threshold >= target.threshold:
        msg = f"threshold {threshold} is below the encoder's own {target.threshold}; give at least that"
    if msg:
        raise InputError(msg)
    for other in others:
        target.check_comparable(other)
    if by is not None:
        _check_column(target, by)


def _check_column(target: Embeddings, by: str) -> None:
    columns = target.scan_documents().collect_schema()
    if by not in columns:
        names = ", ".join(repr(name) for name in columns if name not in DOCUMENT_SCHEMA) or "none of its own"
        msg = f"{target.name} has no column {by!r} to split it by; its columns are: {names}"
        raise InputError(msg)
    if columns[by].is_nested():
        msg = f"column {by!r} holds lists or structures, which cannot be groups; choose one of single values"
        raise InputError(msg)
