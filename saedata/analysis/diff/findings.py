"""Features that say the same thing, folded into one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.frame.embeddings import Embeddings

SIMILARITY = 0.5
"""Features belong together from this Jaccard index and this correlation on."""

WORDS = 1 << 11
"""64 documents each: how many are compared at a time, so that they stay in the processor's cache."""


def findings(table: pl.DataFrame, *, unfold: bool = False) -> pl.DataFrame:
    """Fold the rows of `diff` that say the same thing into one, or list them together.

    Parameters
    ----------
    table
        A result of `diff`, or some of its rows.
    unfold
        False: one row for each finding, its representative's; True: all rows, those of one finding together.

    Returns
    -------
    polars.DataFrame
        The columns of `table`, and ``similar`` (how many more features the finding has in `table`) and
        ``members`` (their numbers, the representative's first). Findings stand in the order of their first row.

    Raises
    ------
    InputError
        If the table has no column ``finding``.

    Examples
    --------
    >>> table = pl.DataFrame({"feature": [4, 7, 2, 9], "finding": [4, 7, 4, 7], "q": [0.0, 0.1, 0.2, 0.3]})
    >>> findings(table).select("feature", "similar", "members").rows()
    [(4, 1, [4, 2]), (7, 1, [7, 9])]
    >>> findings(table, unfold=True)["feature"].to_list()
    [4, 2, 7, 9]
    """
    if "finding" not in table.columns:
        msg = "the table has no column 'finding'; give the result of diff, or some of its rows"
        raise InputError(msg)
    keys = ["group", "finding"] if "group" in table.columns else ["finding"]
    listed = table.with_columns(
        similar=(pl.len().over(keys) - 1).cast(pl.UInt32),
        members=pl.col("feature").over(keys, mapping_strategy="join"),
    )
    if not unfold:
        return listed.unique(keys, keep="first", maintain_order=True)
    place = pl.int_range(pl.len()).alias("__place")
    return listed.with_columns(place).sort(pl.col("__place").min().over(keys), "__place").drop("__place")


def with_findings(
    table: pl.DataFrame, sides: Sequence[tuple[Embeddings, NDArray[np.integer]]], *, rows: int, above: float
) -> pl.DataFrame:
    """Add the column ``finding``.

    In the order of the rows, a feature joins the first one before it that differs in the same direction and is on
    in the same documents of a side, or has the same label; if there is none, it starts a finding. Rows beyond the
    first ones are findings of their own.

    Parameters
    ----------
    table
        Rows in order, with ``group``, ``feature``, ``difference`` and ``label``.
    sides
        The frames, and for each the group of every document number, below zero where it does not count.
    rows
        How many rows are looked at.
    above
        What a value must exceed to count as on.
    """
    head = table.head(rows)
    features = head["feature"].unique().sort().to_numpy()
    alike = _alike(cofiring(sides, features, above=above))
    place = {feature: at for at, feature in enumerate(features.tolist())}
    started: dict[tuple[str | None, bool], list[tuple[int, str]]] = {}
    found = []
    for group, feature, difference, label in head.select("group", "feature", "difference", "label").iter_rows():
        before = started.setdefault((group, (difference or 0.0) >= 0), [])
        first = next((one for one, name in before if name == label or alike[place[one], place[feature]]), None)
        if first is None:
            before.append((feature, label))
        found.append(feature if first is None else first)
    rest = table["feature"][len(found) :].to_list()
    return table.with_columns(finding=pl.Series(found + rest, dtype=pl.UInt32))


def cofiring(
    sides: Sequence[tuple[Embeddings, NDArray[np.integer]]], features: NDArray[np.integer], *, above: float
) -> list[tuple[NDArray[np.int64], int]]:
    """In how many documents of each group each pair of features is on.

    Returns
    -------
    list
        For each group of each side: int64 [features, features], on the diagonal each feature's own count; and how
        many documents there are.
    """
    found = []
    for frame, groups in sides:
        flags = _flags(frame, features, above, len(groups))
        for group in np.unique(groups[groups >= 0]):
            members = _packed(groups == group)
            together = np.zeros((len(features), len(features)), dtype=np.int64)
            for begin in range(0, flags.shape[1], WORDS):
                part = slice(begin, begin + WORDS)
                together += _common(flags[:, part] & members[part])
            found.append((together, int((groups == group).sum())))
    return found


def _flags(frame: Embeddings, features: NDArray[np.integer], above: float, documents: int) -> NDArray[np.uint64]:
    """One bit for each feature and document, 64 in a word."""
    flags = np.zeros((len(features), -(-documents // 64)), dtype=np.uint64)
    for at, feature in enumerate(features.tolist()):
        on = np.zeros(documents, dtype=np.bool_)
        on[frame.postings(feature, threshold=above)[0]] = True
        flags[at] = _packed(on)
    return flags


def _packed(on: NDArray[np.bool_]) -> NDArray[np.uint64]:
    packed = np.zeros(-(-len(on) // 64) * 8, dtype=np.uint8)
    bits = np.packbits(on)
    packed[: len(bits)] = bits
    return packed.view(np.uint64)


def _common(flags: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How many bits each pair of rows has in common."""
    common = np.zeros((len(flags), len(flags)), dtype=np.int64)
    for at, row in enumerate(flags):
        common[at, at:] = common[at:, at] = _ones(flags[at:] & row)
    return common


def _ones(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
    return np.asarray(np.unpackbits(words.view(np.uint8), axis=1).sum(axis=1, dtype=np.int64))


def _alike(counted: Sequence[tuple[NDArray[np.int64], int]]) -> NDArray[np.bool_]:
    """Jaccard index and correlation both high: the first alone would join features that are nearly always on.

    The correlation is the one within groups: features that merely stand for the same side of the comparison, as
    all that differ do, are not alike for that.
    """
    size = counted[0][0].shape if counted else (0, 0)
    together, union, shared, spread = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size[:1])
    for common, documents in counted:
        own = np.diagonal(common).astype(np.float64)
        together += common
        union += own[:, None] + own - common
        shared += common - own[:, None] * own / documents
        spread += own - own * own / documents
    jaccard = np.divide(together, union, out=np.zeros(size), where=union > 0)
    margins = np.sqrt(spread[:, None] * spread)
    correlation = np.divide(shared, margins, out=np.zeros(size), where=margins > 0)
    return np.asarray((jaccard >= SIMILARITY) & (correlation >= SIMILARITY))
