"""Answers of 32 models to the same 64 prompts, embedded once: the real frame of several benchmarks."""

from __future__ import annotations

import polars as pl

import saedata
from benchmarks.harness import data
from saedata.frame import Embeddings

PROMPTS, SEED = 64, 0


def chat_answers() -> Embeddings:
    """Frame of the answers with the columns model, prompt_id and pair; embedded once, then found in the cache."""
    table = pl.read_parquet(data("alpaca_eval_outputs_b.parquet"))
    return saedata.embed(paired(table, prompts=PROMPTS), text="output")


def paired(table: pl.DataFrame, *, prompts: int) -> pl.DataFrame:
    """Take prompts that every model answered, and put the answers to each of them into pairs.

    Parameters
    ----------
    table
        ``model``, ``prompt_id``, ``output``.
    prompts
        How many, chosen at random.

    Returns
    -------
    polars.DataFrame
        The same columns and ``pair``: two answers to one prompt have the same number, in random order.
    """
    answered = table.filter(pl.col("output").str.strip_chars() != "")
    models = answered["model"].n_unique()
    known = answered.group_by("prompt_id").agg(pl.col("model").n_unique()).filter(pl.col("model") == models)
    chosen = known["prompt_id"].sort().sample(prompts, seed=SEED)
    answers = answered.filter(pl.col("prompt_id").is_in(chosen.implode())).sort("prompt_id", "model")
    shuffled = answers.sample(fraction=1.0, shuffle=True, seed=SEED).sort("prompt_id", maintain_order=True)
    whole = shuffled.filter(pl.int_range(pl.len()).over("prompt_id") < models // 2 * 2)
    return whole.with_columns(pair=pl.int_range(pl.len()) // 2)
