"""Known differences between real corpora, and whether the first findings of `diff` name them."""

from __future__ import annotations

from benchmarks.harness import Figure


def measure() -> list[Figure]:
    """What `python -m benchmarks ground_truth` runs."""
    from benchmarks.ground_truth.run import measure

    return measure()
