"""Retrieval of documents that have a property, by features, dense vectors, words, and their fusions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness import Figure


def measure() -> list[Figure]:
    """See `benchmarks.retrieval.run`."""
    from benchmarks.retrieval.run import measure as run

    return run()
