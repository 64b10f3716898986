"""The bundled SAE on held-out text, through the saved and reloaded file."""

from __future__ import annotations

import saedata
from benchmarks.harness import Figure
from benchmarks.held_out import held_out


def measure() -> list[Figure]:
    """Variance unexplained, mean L0 and dead features on at least a million tokens."""
    quality = saedata.evaluate_sae(held_out(), text="text", precision="float32", tokens=1_300_000)
    n = f"{quality.tokens:,} tokens"
    return [
        Figure("tokens measured", quality.tokens, n, (">=", 1e6)),
        Figure("variance unexplained, layer 5", quality.variance_unexplained, n, ("<=", 0.20)),
        Figure("mean L0", quality.l0, n, ("<=", 32)),
        Figure("dead features (never on)", 100 * quality.dead, n, ("<=", 2), " %"),
        Figure("norm ratio of reconstruction", quality.norm_ratio, n),
    ]
