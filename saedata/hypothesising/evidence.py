"""The findings that hypotheses are made of, and where in documents they are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.analysis.diff import findings
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from saedata.frame import Embeddings

WIDTH = 120
"""Characters shown before and after the token where a feature is strongest."""

_NEEDED = ("feature", "label", "target", "other", "difference", "q", "other_name", "finding")


@dataclass(frozen=True)
class Finding:
    """A difference as the model sees it.

    Attributes
    ----------
    group
        Which group is the target, where a corpus was split.
    feature, label
        Its number and name.
    target, other
        Shares of documents where it is on.
    by_length
        Whether documents of similar length do not differ.
    target_excerpts, other_excerpts
        Pieces of documents, with marks around the strongest token.
    """

    group: str | None
    feature: int
    label: str
    target: float
    other: float
    by_length: bool
    target_excerpts: tuple[str, ...] = ()
    other_excerpts: tuple[str, ...] = ()


def choose(table: pl.DataFrame, *, alpha: float, effect: float, most: int) -> pl.DataFrame:
    """Take the rows of `diff` that stand out, one for each finding, in each group the first `most`.

    Raises
    ------
    InputError
        The table is no result of `diff`.
    """
    if missing := [name for name in _NEEDED if name not in table.columns]:
        msg = f"differences has no column {missing[0]!r}; give the result of diff, or some of its rows"
        raise InputError(msg)
    if "group" not in table.columns:
        table = table.with_columns(group=pl.lit(None, pl.String))
    nothing = pl.lit([], pl.List(pl.UInt32))
    absent = [name for name in ("target_evidence", "other_evidence") if name not in table.columns]
    table = table.with_columns(nothing.alias(name) for name in absent)
    if "length_explains" not in table.columns:
        table = table.with_columns(length_explains=pl.lit(None, pl.Boolean))
    stands_out = (pl.col("q") < alpha) & (pl.col("difference").abs() >= effect)
    folded = findings(table.filter(stands_out))
    return folded.filter(pl.int_range(pl.len()).over("group") < most)


def show(rows: pl.DataFrame, target: Embeddings, other: Callable[[str], Embeddings], *, evidence: int) -> list[Finding]:
    """Add excerpts of the documents that `diff` names as evidence.

    Parameters
    ----------
    rows
        From `choose`.
    target
        The frame of the target's documents.
    other
        Gives the frame of the side with a name.
    evidence
        Documents for each finding and side, at most.
    """
    lists = {side: pl.col(f"{side}_evidence").list.head(evidence) for side in ("target", "other")}
    rows = rows.with_columns(**{f"{side}_evidence": docs for side, docs in lists.items()})
    mine = excerpts(target, rows.select("feature", "target_evidence").iter_rows())
    theirs = {
        name: excerpts(other(name), part.select("feature", "other_evidence").iter_rows())
        for (name,), part in rows.partition_by("other_name", as_dict=True).items()
    }
    return [_finding(row, mine, theirs[row["other_name"]]) for row in rows.iter_rows(named=True)]


def _finding(row: dict[str, Any], mine: dict[tuple[int, int], str], theirs: dict[tuple[int, int], str]) -> Finding:
    feature = row["feature"]
    return Finding(
        row["group"],
        feature,
        row["label"],
        row["target"],
        row["other"],
        bool(row["length_explains"]),
        tuple(mine[feature, doc] for doc in row["target_evidence"]),
        tuple(theirs[feature, doc] for doc in row["other_evidence"]),
    )


def excerpts(frame: Embeddings, lists: Iterable[tuple[int, list[int]]]) -> dict[tuple[int, int], str]:
    """Pieces of documents around the strongest token of features, by feature and document.

    Where a feature is off, the piece is the beginning of the document, without marks.
    """
    wanted = [(feature, doc) for feature, docs in lists for doc in docs]
    table = frame.passages([feature for feature, _ in wanted], [doc for _, doc in wanted])
    rows = table.select("feature", "doc", pl.col("text").fill_null(""), pl.col("start", "stop").fill_null(0))
    return {(feature, doc): marked(text, start, stop) for feature, doc, text, start, stop in rows.iter_rows()}


def marked(text: str, start: int, stop: int) -> str:
    """A span of a text with what is around it, on one line.

    Examples
    --------
    >>> marked("I am so <<very>> sorry.", 17, 22)
    'I am so ‹‹very›› <<sorry>>.'
    """
    before = text[max(start - WIDTH, 0) : start]
    after = text[stop : stop + (WIDTH if stop else 2 * WIDTH)]
    parts = [line(before), f"<<{line(text[start:stop])}>>" if stop > start else "", line(after)]
    return "".join(parts).strip()


def line(text: str) -> str:
    """Text on one line that cannot be taken for marks."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("<<", "‹‹").replace(">>", "››")
