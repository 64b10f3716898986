"""The names of features, and documents that show what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.frame import feature_name, names_across
from saedata.plots.text import plain, shorten
from saedata.reports.text import Snippet, snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from saedata.frame import Embeddings
    from saedata.reports.corpora import Counted

FIELDS = 3
"""How many of the user's columns stand under an example."""

LONGEST_FIELD = 160
"""Values longer than this are left out rather than cut: half a prompt tells less than none."""

BRIEF = 64
"""Characters on either side where an example has one line."""

LONGEST_TOKEN = 24
LONGEST_LABEL = 90


@dataclass(frozen=True)
class Feature:
    """How a feature is shown.

    Parameters
    ----------
    id
        Its number.
    label, kind
        Its description and kind, where it has them.
    tokens
        The tokens where it is strongest, the most frequent first.
    """

    id: int
    label: str | None
    kind: str | None
    tokens: tuple[str, ...]

    @property
    def name(self) -> str:
        """In the form used everywhere."""
        return feature_name({"feature": self.id, "label": self.label, "tokens": self.tokens})

    @property
    def short(self) -> str:
        """For a sentence: the label or its first tokens, in quotes, or the number."""
        if self.label:
            return f"“{shorten(self.label, LONGEST_LABEL)}”"
        tokens = ", ".join(f"“{shorten(token, LONGEST_TOKEN)}”" for token in self.tokens[:3])
        return tokens or f"feature {self.id}"


@dataclass(frozen=True)
class Example:
    """A document in which a feature is strong.

    Parameters
    ----------
    doc
        Its number in the corpus.
    value
        The feature's activation.
    snippet
        Its text around the strongest token.
    brief
        The same in one line.
    fields
        Short values of the user's own columns: (name, value).
    """

    doc: int
    value: float
    snippet: Snippet
    brief: Snippet
    fields: tuple[tuple[str, str], ...]


def named(frames: Iterable[Embeddings], features: Sequence[int]) -> dict[int, Feature]:
    """Look names up, where the same feature has the same name as in `diff`.

    Parameters
    ----------
    frames
        Where to look.
    features
        Feature numbers.
    """
    names = names_across([frame.features for frame in frames])
    wanted = names.filter(pl.col("feature").is_in(pl.Series(features, dtype=pl.UInt32).implode()))
    return {row["feature"]: _feature(row["feature"], row) for row in wanted.iter_rows(named=True)}


def examples(side: Counted, features: Sequence[int], n: int) -> dict[int, tuple[Example, ...]]:
    """Find the strongest documents of features on one side.

    Parameters
    ----------
    side
        The corpus, and which of its documents weigh.
    features
        Feature numbers.
    n
        Documents for each, at most.
    """
    found: dict[int, list[Example]] = {feature: [] for feature in features}
    if features and n:
        top = side.frame.top_documents(features, n, docs=side.docs, threshold=side.threshold)
        columns = top.columns[top.columns.index("text") + 1 :]
        for row in top.iter_rows(named=True):
            found[row["feature"]].append(_example(row, columns))
    return {feature: tuple(documents) for feature, documents in found.items()}


def passages(frame: Embeddings, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Example]:
    """Look up features in documents.

    Parameters
    ----------
    frame
        Where the documents are.
    pairs
        Numbers of a feature and of a document; where the one is off in the other, the document's beginning is shown.
    """
    wanted = sorted(set(pairs), key=lambda pair: pair[::-1])
    table = frame.passages([feature for feature, _ in wanted], [doc for _, doc in wanted])
    off = pl.col("value", "start", "stop").fill_null(0)
    return {(row["feature"], row["doc"]): _example(row, ()) for row in table.with_columns(off).iter_rows(named=True)}


def in_turn(table: pl.DataFrame, by: str, most: int) -> pl.DataFrame:
    """The first row of each value of a column, then the second of each, and so on; again in the order of the table.

    Examples
    --------
    >>> in_turn(pl.DataFrame({"of": ["a", "a", "b"], "row": [1, 2, 3]}), "of", 2)["row"].to_list()
    [1, 3]
    """
    turn, place = pl.int_range(pl.len()).over(by), pl.int_range(pl.len())
    return (
        table.with_columns(_turn=turn, _place=place)
        .sort("_turn", "_place")
        .head(most)
        .sort("_place")
        .drop("_turn", "_place")
    )


def _feature(number: int, row: Mapping[str, Any]) -> Feature:
    label = (row.get("label") or "").strip() or None
    return Feature(number, label, row.get("kind"), tuple(row.get("tokens") or ()))


def _example(row: Mapping[str, Any], columns: Sequence[str]) -> Example:
    text, start, stop = row["text"] or "", row["start"], row["stop"]
    wide, brief = snippet(text, start, stop), snippet(text, start, stop, window=BRIEF)
    return Example(row["doc"], row["value"], wide, brief, _fields(row, columns))


def _fields(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    values = ((column, row[column]) for column in columns)
    shown = ((column, plain(" ".join(str(value).split()))) for column, value in values if _is_simple(value))
    return tuple((column, value) for column, value in shown if 0 < len(value) <= LONGEST_FIELD)[:FIELDS]


def _is_simple(value: object) -> bool:
    return value is not None and not isinstance(value, list | dict | bytes | pl.Series)
