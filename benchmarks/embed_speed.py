"""Tokens per second of the bundled encoder, tokenising and SAE included, and what the precision gains."""

from __future__ import annotations

import statistics
import time

import polars as pl

from benchmarks.harness import Figure, data
from saedata.encode import encode
from saedata.encoders import load_encoder

RUNS, DOCUMENTS = 5, 150


def measure() -> list[Figure]:
    """Chat answers; both precisions in turn, medians."""
    texts = pl.read_parquet(data("alpaca_eval_outputs_a.parquet"))["output"].head(DOCUMENTS).to_list()
    encoders = {p: load_encoder("minilm", device="cpu", precision=p) for p in ("float32", "bfloat16")}
    rates: dict[str, list[float]] = {p: [] for p in encoders}
    for run in range(RUNS + 1):
        for precision, encoder in encoders.items():
            since = time.perf_counter()
            tokens = int(encode(texts, encoder.reader, encoder.sae).documents["tokens"].sum())
            if run:  # the first warms up
                rates[precision].append(tokens / (time.perf_counter() - since))
    median = {p: statistics.median(found) for p, found in rates.items()}
    n = f"{RUNS} runs, {tokens:,} tokens"
    return [
        Figure("tokens per second, float32", median["float32"], n),
        Figure("tokens per second, bfloat16", median["bfloat16"], n),
        Figure("bfloat16 / float32", median["bfloat16"] / median["float32"], n),
    ]
