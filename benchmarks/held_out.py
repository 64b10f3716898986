"""The held-out text and the bundled encoder with its labels: what the benchmarks of labels have in common."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from benchmarks.harness import Skipped
from saedata.encoders import LoadedEncoder, load_encoder
from saedata.labels.windows import WindowPool

SEED = 0


def held_out() -> pl.DataFrame:
    """Text and source of documents that no SAE and no label was made from, in random order."""
    folder = os.environ.get("SAEDATA_BENCH_MIX")
    path = Path(folder or ".", "held_out.parquet")
    if not folder or not path.exists():
        msg = "no held_out.parquet: set SAEDATA_BENCH_MIX to the folder that `python -m benchmarks.minilm_mix` wrote"
        raise Skipped(msg)
    return pl.read_parquet(path, columns=["text", "source"]).sample(fraction=1.0, seed=SEED, shuffle=True)


def labelled_encoder(name: str) -> tuple[LoadedEncoder, pl.DataFrame]:
    """Load an encoder and the table of its labels: feature, label, kind, tokens."""
    encoder = load_encoder(name)
    if encoder.spec.labels is None:
        msg = f"the encoder {name!r} has no labels yet"
        raise Skipped(msg)
    return encoder, pl.read_parquet(encoder.spec.labels, columns=["feature", "label", "kind", "tokens"])


def read_pool(encoder: LoadedEncoder, documents: pl.DataFrame, *, tokens: int) -> WindowPool:
    """Windows of the first documents, with what every feature does on them."""
    return WindowPool.read(documents["text"], encoder, tokens=tokens)
