"""Milliseconds of search on up to a million documents: features, dense vectors, words, and all of them fused.

Documents are simulated from the density profile of real chat answers, 300 of 16 384 features on; their texts are 25
invented words, their dense vectors random around 200 centres. Queries are embedded by the real sentence encoder. The
million takes about 8 GB of disk; set `SAEDATA_BENCH_SCRATCH` to a folder that shall keep the frames.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chat_answers import chat_answers
from benchmarks.harness import Figure
from benchmarks.search_work import METHODS, QUERIES, worded
from benchmarks.simulated import Mixture, Profile, labels, write

FEATURES, MEAN_ON, TOKENS = 16_384, 300, 30
SIZES = (10_000, 100_000, 1_000_000)
STEEPEST = 1.1

LIMITS = {
    "scoring": {50: 10.0, 95: 25.0},
    "sae": {50: 50.0, 99: 200.0},
    "dense": {50: 150.0},
    "bm25": {50: 150.0},
    "fusion": {50: 150.0},
    "top": {50: 50.0},
}
"""Milliseconds, by percentile, at the largest size."""

NAMES = {
    "scoring": "scores by 100 features, best 1,000",
    "sae": "search by features, query encoding and evidence included",
    "dense": "search by dense vectors",
    "bm25": "search by words",
    "fusion": "search by all three",
    "top": "100 strongest documents of a feature",
}


def measure(sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Make the frames, build the indexes, and ask."""
    given = os.environ.get("SAEDATA_BENCH_SCRATCH")
    place = Path(given or tempfile.mkdtemp())
    try:
        costs = {size: cost(make_frame(place, size)) for size in sizes}
    finally:
        if not given:
            shutil.rmtree(place)
    return figures(costs)


def make_frame(place: Path, size: int) -> Path:
    """Write a frame that is not there yet."""
    out = place / f"search_{size}.sae"
    if not (out / "features.parquet").exists():
        profile = Profile.of(chat_answers())
        mixture = Mixture.of(profile, features=FEATURES, mean_on=MEAN_ON, tokens=TOKENS, seed=size)
        write(out, documents=size, encoder=mixture.encoder, shard=worded(mixture), labels=labels(FEATURES))
    return out


def cost(frame: Path) -> dict[str, Any]:
    """Build the indexes anew, the dense one from vectors that are there; then search."""
    run("build", frame)
    shutil.rmtree(frame / "words")
    (frame / "dense" / "index.json").unlink()
    (frame / "dense" / "vectors.faiss").unlink()
    return {"build": run("build", frame), "search": run("search", frame)}


def run(work: str, frame: Path) -> dict[str, Any]:
    """Start a process for it."""
    command = [sys.executable, "-m", "benchmarks.search_work", work, str(frame)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = dict(json.loads(done.stdout.splitlines()[-1]))
    print(work, frame.name, {name: np.round(np.median(value), 4) for name, value in found.items()}, file=sys.stderr)
    return found


def figures(costs: dict[int, dict[str, Any]]) -> list[Figure]:
    """Percentiles and growth, with targets at the largest size."""
    found = []
    for size, one in costs.items():
        last = size == SIZES[-1]
        n = f"{size:,} documents"
        for name, limits in LIMITS.items():
            for percentile in limits:
                value = 1e3 * float(np.percentile(one["search"][name], percentile))
                target = ("<=", limits[percentile]) if last else None
                found.append(Figure(f"{NAMES[name]}, p{percentile}", value, f"{n}, {QUERIES} queries", target, " ms"))
        build, search = one["build"], one["search"]
        rest = (
            ("scores by features, first time, files not in memory", search["cold"], 2, " s"),
            ("opening frame and indexes", search["open"], 0.2, " s"),
            ("loading the libraries of the indexes, once", search["loading"], None, " s"),
            ("building the indexes of words and dense vectors", build["words"] + build["dense"], 90, " s"),
            ("building the indexes: peak memory", build["gigabytes"], 1, " GB"),
            ("searching: peak memory", search["gigabytes"], None, " GB"),
        )
        for name, value, limit, unit in rest:
            found.append(Figure(name, value, n, ("<=", limit) if last and limit else None, unit))
    return [*found, *growth(costs)]


def growth(costs: dict[int, dict[str, Any]]) -> list[Figure]:
    """Slope of log median seconds over log documents, for each kind of search."""
    if len(costs) < 2:
        return []
    sizes = np.log(list(costs))
    n = f"{min(costs):,} to {max(costs):,} documents"
    return [
        Figure(
            f"{NAMES[name]}: log-log slope",
            float(np.polyfit(sizes, np.log([np.median(one["search"][name]) for one in costs.values()]), 1)[0]),
            n,
            ("<=", STEEPEST),
        )
        for name in ("scoring", *METHODS)
    ]
