"""The pools of documents, and which of them are relevant to which query."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.ground_truth.corpora import by_hash
from benchmarks.harness import data

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = Path(__file__).parent / "queries.json"
MOST = {"answers": 1500}
"""Documents of a pool at most, where they are long."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Documents, and the value that each has.

    Attributes
    ----------
    name
        For the table.
    documents
        ``text``, ``value``; a value of null is relevant to no query.
    queries
        For each value its query and the kind of property.
    """

    name: str
    documents: pl.DataFrame
    queries: dict[str, tuple[str, str]]


def pools() -> Iterator[Pool]:
    """The pooled statements, then every labelled corpus."""
    given = json.loads(QUERIES.read_text(encoding="utf-8"))
    statements = pl.read_parquet(data("persona_property_statements.parquet"))
    matching = pl.when(pl.col("matches") == 1).then("property")
    yield Pool(
        "persona",
        statements.select(text="statement", value=matching),
        {name: (query, "persona") for name, query in given["persona"].items()},
    )
    for name, table in labelled():
        asked = {one["value"]: (one["query"], one["kind"]) for one in given["labelled"] if one["corpus"] == name}
        yield Pool(name, first_by_hash(table, MOST.get(name)), asked)


def labelled() -> Iterator[tuple[str, pl.DataFrame]]:
    """Corpora in which each document has one known value."""
    answers = pl.read_parquet(data("alpaca_eval_outputs_a.parquet"))
    style = pl.col("model").str.extract("_(concise|verbose)$")
    yield "answers", answers.select(text="output", value=style).drop_nulls("value")
    levels = pl.read_parquet(data("onestop_english_levels.parquet"))
    yield "reading level", levels.select("text", value="level")
    tweets = pl.read_parquet(data("tweeteval.parquet")).filter(pl.col("split") == "test")
    for task in ("emotion", "irony"):
        yield task, tweets.filter(pl.col("task") == task).select("text", value="label_name")
    toxic = pl.read_parquet(data("textdetox_toxicity.parquet")).filter(pl.col("lang") == "en")
    yield "toxicity", toxic.select("text", value=_named("toxic", {1: "toxic", 0: "neutral"}))
    films = pl.read_parquet(data("subjectivity.parquet"))
    yield "subjectivity", films.select("text", value=_named("label", {0: "subjective", 1: "objective"}))
    reviews = pl.read_parquet(data("sst2_sentences.parquet")).filter(pl.col("split") == "test")
    yield "sentiment", reviews.select("text", value=_named("label", {1: "positive", 0: "negative"}))
    questions = pl.read_parquet(data("trec6.parquet"))
    yield "question type", questions.select("text", value="label_name")


def _named(column: str, names: dict[int, str]) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).replace_strict(names, return_dtype=pl.String)


def first_by_hash(table: pl.DataFrame, most: int | None) -> pl.DataFrame:
    """Distinct texts in an order that has nothing to do with the content."""
    table = table.filter(pl.col("text").str.strip_chars() != "").unique("text", keep="first", maintain_order=True)
    return table.sort(pl.col("text").map_elements(by_hash, return_dtype=pl.String)).head(most or table.height)


def for_choosing(query: str) -> bool:
    """Whether a query belongs to the half by which options are chosen."""
    return int(by_hash(query)[:8], 16) % 2 == 0
