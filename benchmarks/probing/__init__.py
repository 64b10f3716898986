"""Sparse probing: 39 yes/no questions about texts, answered from few features and from dense baselines."""

from __future__ import annotations

from benchmarks.harness import Figure


def measure() -> list[Figure]:
    """What `python -m benchmarks probing` runs."""
    from benchmarks.probing.run import measure

    return measure()
