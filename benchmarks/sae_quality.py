"""The bundled SAE on held-out text, through the saved and reloaded file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

import saedata
from benchmarks import minilm_mix
from benchmarks.harness import Figure, data


def measure() -> list[Figure]:
    """Variance unexplained, mean L0 and dead features on at least a million tokens."""
    folder = data("alpaca_eval_outputs_b.parquet").parent
    with tempfile.TemporaryDirectory() as place:
        minilm_mix.write(folder, Path(place))
        texts = pl.read_parquet(Path(place) / "held_out.parquet")
    quality = saedata.evaluate_sae(texts, text="text", precision="float32", tokens=1_300_000)
    n = f"{quality.tokens:,} tokens"
    return [
        Figure("tokens measured", quality.tokens, n, (">=", 1e6)),
        Figure("variance unexplained, layer 4", quality.variance_unexplained, n, ("<=", 0.20)),
        Figure("mean L0", quality.l0, n, ("<=", 32)),
        Figure("dead features (never on)", 100 * quality.dead, n, ("<=", 2), " %"),
        Figure("norm ratio of reconstruction", quality.norm_ratio, n),
    ]
