"""Pairs of corpora whose difference is known, and the lists of what would be a right finding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.harness import data
from benchmarks.keywords import Keywords

LISTS = Path(__file__).parent / "lists.json"
MODELS = (
    "Mixtral-8x7B-Instruct-v0.1",
    "alpaca-7b",
    "claude-2.1",
    "gpt-3.5-turbo-1106",
    "gpt4_0613",
    "gpt4_1106_preview",
)
PROMPTS = 400
"""Documents on either side, at most."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two corpora.

    Parameters
    ----------
    name
        For the table.
    lists
        The entry of lists.json.
    first, second
        ``key``, ``text``: texts of equal key belong together.
    options
        How `diff` compares them.
    """

    name: str
    lists: str
    first: pl.DataFrame
    second: pl.DataFrame
    options: dict[str, str]


@dataclass(frozen=True, eq=False)
class Lists:
    """What is right where the first side has more, and where the second has; whether the pair counts in the mean."""

    more_in_first: Keywords
    more_in_second: Keywords
    counts: bool


def read_lists(path: Path = LISTS) -> dict[str, Lists]:
    """The committed lists."""
    entries: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["pairs"]
    return {
        name: Lists(Keywords(one["more_in_first"]), Keywords(one["more_in_second"]), one["counts"])
        for name, one in entries.items()
    }


def corpora() -> Iterator[Pair]:
    """All pairs, read one after the other."""
    answers = pl.read_parquet(data("alpaca_eval_outputs_a.parquet")).rename({"prompt_id": "key", "output": "text"})
    for model in MODELS:
        sides = [answers.filter(pl.col("model") == f"{model}_{side}") for side in ("concise", "verbose")]
        yield Pair(f"concise/verbose, {model}", "alpaca_eval", *aligned(*sides), {"adjust": "length"})
    paired = {"pair": "key"}
    answers = pl.read_parquet(data("hc3_human_vs_chatgpt.parquet"))
    yield Pair("human/ChatGPT", "hc3", *aligned(*columns(answers, "question", "human", "chatgpt")), paired)
    articles = pl.read_parquet(data("onestop_english_levels.parquet")).rename({"article": "key"})
    sides = [articles.filter(pl.col("level") == level) for level in ("Ele", "Adv")]
    yield Pair("elementary/advanced", "onestop", *aligned(*sides), paired)
    answers = pl.read_parquet(data("vibecheck_friendly_cold.parquet"))
    yield Pair("friendly/cold", "friendly_cold", *aligned(*columns(answers, "question", "friendly", "cold")), paired)


def columns(table: pl.DataFrame, key: str, first: str, second: str) -> list[pl.DataFrame]:
    """Two columns of texts as two corpora; line breaks that were stored as a backslash and an n are line breaks."""
    return [
        table.select(key=pl.col(key), text=pl.col(side).str.replace_all("\\n", "\n", literal=True))
        for side in (first, second)
    ]


def aligned(first: pl.DataFrame, second: pl.DataFrame, most: int = PROMPTS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keys that both sides have, each once, the first of them by hash."""
    sides = [
        side.filter(pl.col("text").str.strip_chars() != "").unique("key", keep="first") for side in (first, second)
    ]
    shared = set(sides[0]["key"]).intersection(sides[1]["key"])
    kept = pl.DataFrame({"key": sorted(shared, key=by_hash)[:most]}, schema={"key": sides[0].schema["key"]})
    mine, theirs = (
        kept.join(side, on="key", how="left", maintain_order="left").select("key", "text") for side in sides
    )
    return mine, theirs


def by_hash(value: object) -> str:
    """An order that has nothing to do with the content."""
    return hashlib.sha256(str(value).encode()).hexdigest()
