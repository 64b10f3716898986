"""From judgements on documents to verdicts on hypotheses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from saedata.analysis.diff import Side, compare
from saedata.stats import benjamini_hochberg, mcnemar_p, newcombe_interval, newcombe_paired_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int8]
    Flags = NDArray[np.bool_]

NO, YES, UNSURE, UNANSWERED = 0, 1, 2, -1
"""What is known of a document and a statement."""

CONFIRMED, NOT_CONFIRMED, REFUTED, NOT_JUDGED = "confirmed", "not confirmed", "refuted", "not judged"


def weigh(codes: Sequence[Codes], names: Sequence[str], *, more: bool, paired: bool, level: float) -> dict[str, Any]:
    """Compare the sides' answers to one statement.

    Parameters
    ----------
    codes
        For each side, the target first, what is known of its documents; where `paired`, equal places belong together.
    names
        Of the sides.
    more
        Whether the hypothesis says that the target has it more often.
    paired
        Whether documents belong together.
    level
        Confidence level.

    Returns
    -------
    dict
        Shares, difference with interval and p, and counts: first with "unsure" as no, then among those documents
        (pairs) without it, with names that begin with ``decided_``. None where a side has no answers.
    """
    once = partial(_paired, more=more) if paired else _unpaired
    whole = once(codes, names, YES, NO, UNSURE, level=level)
    decided = once(codes, names, YES, NO, level=level)
    counts = _counts(codes, names, whole["other_name"], paired=paired)
    few = ("difference", "low", "high")
    return whole | counts | {f"decided_{name}": decided[name] for name in few}


def _counts(codes: Sequence[Codes], names: Sequence[str], deciding: str | None, *, paired: bool) -> dict[str, int]:
    """Documents without a sure answer, or without any, of the target and of what it was held against."""
    one = codes[names.index(deciding) if deciding in names else 1][None]
    other = np.stack(codes[1:]) if paired else one
    return {
        "target_unsure": int((codes[0] == UNSURE).sum()),
        "other_unsure": int((other == UNSURE).any(axis=0).sum()),
        "target_unanswered": int((codes[0] == UNANSWERED).sum()),
        "other_unanswered": int((other == UNANSWERED).any(axis=0).sum()),
    }


def _unpaired(codes: Sequence[Codes], names: Sequence[str], *counted: int, level: float) -> dict[str, Any]:
    """The rules of `diff`: several others must all be exceeded, or all undercut."""
    sides = [
        Side(name, np.array([(own == YES).sum()]), int(np.isin(own, counted).sum()))
        for name, own in zip(names, codes, strict=True)
    ]
    if not all(side.documents for side in sides):
        return _nothing()
    found = compare(sides[0], sides[1:], level=level)
    if found.height:
        row = found.row(0, named=True)
        return _row(row, row["target_on"], row["other_on"], row["target_documents"], row["other_documents"])
    # nowhere on: nothing to test, but the interval tells how large a difference may be
    n, m = sides[0].documents, min(side.documents for side in sides[1:])
    low, high = newcombe_interval(0, n, 0, m, level=1 - (1 - level) / (len(sides) - 1))
    name = next(side.name for side in sides[1:] if side.documents == m)
    row = {"difference": 0.0, "low": float(low), "high": float(high), "p": 1.0, "other_name": name}
    return _row(row, 0, 0, n, m)


def _paired(codes: Sequence[Codes], names: Sequence[str], *counted: int, more: bool, level: float) -> dict[str, Any]:
    """Held against pairs where any other has it, or for a hypothesis of less, where all others have it."""
    together = np.stack(codes)
    together = together[:, np.isin(together, counted).all(axis=0)] == YES
    pairs = together.shape[1]
    if not pairs:
        return _nothing()
    mine, others = together[0], together[1:]
    other = others.any(axis=0) if more else others.all(axis=0)
    nearest = int(others.sum(axis=1).argmax() if more else others.sum(axis=1).argmin())
    both, only, only_other = (int(x.sum()) for x in (mine & other, mine & ~other, ~mine & other))
    low, high = newcombe_paired_interval(both, only, only_other, pairs - both - only - only_other, level=level)
    row = {
        "difference": (only - only_other) / pairs,
        "low": float(low),
        "high": float(high),
        "p": float(mcnemar_p(only, only_other)),
        "other_name": names[1 + nearest],
    }
    return _row(row, both + only, both + only_other, pairs, pairs)


def _row(row: dict[str, Any], yes: int, other_yes: int, documents: int, other_documents: int) -> dict[str, Any]:
    return {name: row[name] for name in ("difference", "low", "high", "p", "other_name")} | {
        "target": yes / documents,
        "other": other_yes / other_documents,
        "target_yes": yes,
        "other_yes": other_yes,
        "target_documents": documents,
        "other_documents": other_documents,
    }


def _nothing() -> dict[str, Any]:
    empty = dict.fromkeys(("difference", "low", "high", "p", "other_name", "target", "other"))
    counts = ("target_yes", "other_yes", "target_documents", "other_documents")
    return empty | dict.fromkeys(counts, 0)


def judged(rows: pl.DataFrame, *, alpha: float) -> pl.DataFrame:
    """Add q over all hypotheses, and the verdict.

    Parameters
    ----------
    rows
        With ``difference``, ``p`` and ``more``.
    alpha
        A difference counts where q is below this.
    """
    p = rows["p"].to_numpy().astype(np.float64) if rows.height else np.zeros(0)
    q = pl.Series("q", benjamini_hochberg(p), dtype=pl.Float64).fill_nan(None)
    as_said = (pl.col("difference") > 0) == pl.col("more")
    verdict = (
        pl.when(pl.col("q").is_null())
        .then(pl.lit(NOT_JUDGED))
        .when(pl.col("q") >= alpha)
        .then(pl.lit(NOT_CONFIRMED))
        .when(as_said)
        .then(pl.lit(CONFIRMED))
        .otherwise(pl.lit(REFUTED))
    )
    return rows.with_columns(q).with_columns(verdict=verdict)
