"""Peak memory of `saedata embed` must not grow with the corpus."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.harness import Figure, data

SIZES = (2_000, 20_000)


def peak_megabytes(command: list[str]) -> float:
    """Largest resident size of a process, by the operating system's own account."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        message = f"{' '.join(command)} failed"
        raise RuntimeError(message)
    return usage.ru_maxrss / (1024 if sys.platform == "linux" else 2**20)


def measure() -> list[Figure]:
    """Real text: tweets, each corpus a random part of the same distribution."""
    tweets = pl.read_parquet(data("tweeteval.parquet")).select("text").unique(maintain_order=True)
    peaks = {}
    with tempfile.TemporaryDirectory() as place:
        for size in SIZES:
            corpus, out = Path(place, f"{size}.parquet"), Path(place, f"{size}.sae")
            tweets.sample(size, seed=size, shuffle=True).write_parquet(corpus)
            command = [str(Path(sys.executable).parent / "saedata"), "embed", str(corpus), "--out", str(out)]
            peaks[size] = peak_megabytes(command)
    few, many = SIZES
    return [
        Figure(f"peak at {few:,} documents", peaks[few], "1 run", None, " MiB"),
        Figure(f"peak at {many:,} documents", peaks[many], "1 run", None, " MiB"),
        Figure("growth", peaks[many] - peaks[few], "1 run each", ("<=", 50), " MiB"),
    ]
