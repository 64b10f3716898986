"""How long a person waits: import, --help, and the report on the samples."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure

ROOT = Path(__file__).parents[1]
RUNS = 5


def seconds(command: list[str], **env: str) -> float:
    """Median time of a whole process."""
    times = []
    for _ in range(RUNS):
        since = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=os.environ | env)
        times.append(time.perf_counter() - since)
    return statistics.median(times)


def measure() -> list[Figure]:
    """Medians of whole processes; the report embeds both corpora anew each time (empty cache)."""
    saedata = str(Path(sys.executable).parent / "saedata")
    n = f"median of {RUNS}"
    figures = [
        Figure("import saedata", seconds([sys.executable, "-c", "import saedata"]), n, ("<=", 0.5), " s"),
        Figure("saedata --help", seconds([saedata, "--help"]), n, ("<=", 1), " s"),
    ]
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as place:
            since = time.perf_counter()
            command = [saedata, "report", "samples/willow.jsonl", "samples/flint.jsonl", "--out", f"{place}/r.html"]
            subprocess.run(
                command, check=True, capture_output=True, cwd=ROOT, env=os.environ | {"SAEDATA_CACHE": place}
            )
            times.append(time.perf_counter() - since)
    figures.append(Figure("report on the samples", statistics.median(times), "median of 3", ("<=", 30), " s"))
    return figures
