"""Seconds and memory of `cluster`, and how many of the nearest neighbours it finds.

On documents simulated as for `scale_analyses` (300 of 16 384 features on in a short text, 1 100 in a chat answer),
each run in a fresh process that may use two processors; once with `clusters`, as that takes another way. The frames
take 2 GB of disk; `SAEDATA_BENCH_SCRATCH` names a folder that shall keep them, `SAEDATA_BENCH_LARGEST` the number of
documents of the largest one (default: 300 000; a million takes 5 GB more).

Simulated documents of one topic are as like each other as chance makes them, which is the worst case for approximate
neighbours: real ones are found more often.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import psutil

from benchmarks.chat_answers import chat_answers
from benchmarks.harness import RESULTS, Figure, peak_memory
from benchmarks.scale_analyses import CHAT, FEATURES, SHORT, Kind
from benchmarks.simulated import Mixture, Profile, labels, write

if TYPE_CHECKING:
    from saedata.neighbours import Profiles

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CHATS = 20_000
LARGEST = 300_000
WARM_UP = 1_000
RECALLED = 5_000
"""Documents on which recall is measured against counting all pairs."""

NEIGHBOURS, CLUSTERS, CORES, RUNS = 15, 20, 2, 1
LIMITS: dict[tuple[str, int], tuple[float, float]] = {(SHORT.name, 100_000): (180, 6), (CHAT.name, CHATS): (180, 6)}
"""Seconds and gigabytes."""

RECALL = 0.90
PLOT = "cluster_speed.svg"
WAYS: dict[str, dict[str, Any]] = {"hdbscan": {}, f"{CLUSTERS} clusters": {"clusters": CLUSTERS}}


@dataclass(frozen=True)
class Cost:
    """What one way takes on one frame, and how busy the processors were just before (%)."""

    way: str
    kind: str
    documents: int
    seconds: float
    gigabytes: float
    busy: float = 0.0


def measure() -> list[Figure]:
    """Make the frames, measure, and draw the growth."""
    given = os.environ.get("SAEDATA_BENCH_SCRATCH")
    place = Path(given or tempfile.mkdtemp())
    try:
        frames = make_frames(place, largest=int(os.environ.get("SAEDATA_BENCH_LARGEST", LARGEST)))
        recalls = [(kind, recall(frames[kind, RECALLED])) for kind in (SHORT, CHAT)]
        costs = measured(frames)
    finally:
        if not given:
            shutil.rmtree(place)
    RESULTS.mkdir(exist_ok=True)
    plot(costs).save(RESULTS / PLOT)
    return [*recall_figures(recalls), *figures(costs)]


def make_frames(place: Path, *, largest: int) -> dict[tuple[Kind, int], Path]:
    """Write the frames that are not there yet."""
    profile = Profile.of(chat_answers())
    sizes = [(SHORT, WARM_UP), (SHORT, RECALLED), (CHAT, RECALLED)]
    sizes += [(SHORT, size) for size in SIZES if size <= largest]
    sizes += [(CHAT, CHATS)] if largest >= CHATS else []
    frames = {}
    for kind, size in sizes:
        out = place / f"{kind.name.replace(' ', '_')}_{size}.sae"
        mixture = Mixture.of(profile, features=FEATURES, mean_on=kind.on, tokens=kind.tokens, seed=size)
        write(out, documents=size, encoder=mixture.encoder, shard=mixture.shard, labels=labels(FEATURES))
        frames[kind, size] = out
    return frames


def recall(frame: Path) -> float:
    """Share of the nearest neighbours, by counting all pairs, that the approximate search finds as near."""
    from saedata.neighbours import nearest

    profiles = _profiles(frame)
    exact = nearest(profiles, NEIGHBOURS, search="exact").similarity
    found = nearest(profiles, NEIGHBOURS, search="approximate").similarity
    return float((found >= exact[:, -1:] - 1e-6).mean())


def _profiles(frame: Path) -> Profiles:
    import saedata
    from saedata.counted import counted
    from saedata.hygiene import ALWAYS
    from saedata.neighbours import read_profiles

    opened = saedata.open(frame)
    incidence = counted(opened, duplicates="once", threshold=None)
    telling = opened.documents_on() < ALWAYS * len(incidence)
    return read_profiles(incidence, telling.astype(np.float64))


def measured(frames: dict[tuple[Kind, int], Path]) -> list[Cost]:
    """Every way on every frame, after one on few documents that compiles what is not compiled yet."""
    for way in WAYS:
        run(way, frames[SHORT, WARM_UP])
    timed = {key: frame for key, frame in frames.items() if key[1] not in (WARM_UP, RECALLED)}
    return [cost(way, kind, size, frame) for (kind, size), frame in timed.items() for way in WAYS]


def cost(way: str, kind: Kind, documents: int, frame: Path) -> Cost:
    busy = psutil.cpu_percent(interval=2)
    runs = [run(way, frame) for _ in range(RUNS)]
    seconds, gigabytes = (statistics.median(one[what] for one in runs) for what in ("seconds", "gigabytes"))
    print(f"{way}, {documents:,} {kind.name}: {runs}", file=sys.stderr, flush=True)
    return Cost(way, kind.name, documents, seconds, gigabytes, busy)


def run(way: str, frame: Path) -> dict[str, float]:
    """Start a process for it."""
    command = [sys.executable, "-m", "benchmarks.cluster_speed", way, str(frame)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def work(way: str, path: str) -> None:
    """Cluster a frame in this process; prints seconds, seconds of processor time and peak memory."""
    import saedata
    from saedata.analysis.cluster import cluster

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    since, used = time.perf_counter(), time.process_time()
    found = cluster(saedata.open(path), stability=0, **WAYS[way])
    seconds, processor = time.perf_counter() - since, time.process_time() - used
    peak = peak_memory()
    counts = {"clusters": found.summary["clusters"][0], "noise": found.summary["noise"][0]}
    print(json.dumps({"seconds": seconds, "gigabytes": peak / 1e9, "processor": processor} | counts))


def recall_figures(recalls: list[tuple[Kind, float]]) -> list[Figure]:
    return [
        Figure(
            f"recall@{NEIGHBOURS} of the approximate neighbours, {kind.name}", value, f"{RECALLED:,}", (">=", RECALL)
        )
        for kind, value in recalls
    ]


def figures(costs: list[Cost]) -> list[Figure]:
    """Seconds and memory, with targets for the frames that the targets speak of."""
    found = []
    for one in costs:
        limits = LIMITS.get((one.kind, one.documents))
        n = f"{one.documents:,} {one.kind}, {CORES} processors"
        most, largest = (("<=", limits[0]), ("<=", limits[1])) if limits else (None, None)
        found.append(Figure(f"cluster, {one.way}", one.seconds, n, most, " s"))
        found.append(Figure(f"cluster, {one.way}: peak memory", one.gigabytes, n, largest, " GB"))
    found += [
        Figure(f"cluster, {way}: log-log slope", slope(costs, way), f"{len(costs)} runs")
        for way in WAYS
        if sum(one.way == way and one.kind == SHORT.name for one in costs) > 1
    ]
    busy = [one.busy for one in costs]
    looks = f"{len(busy)} looks between the runs, at most {max(busy, default=0):.0f} %"
    return [*found, Figure("processors in use by something else", statistics.median(busy or [0]), looks, None, " %")]


def slope(costs: list[Cost], way: str) -> float:
    """Least-squares slope of log seconds over log documents.

    Examples
    --------
    >>> slope([Cost("a", "short texts", n, n**1.5, 1.0) for n in (100, 300, 1000)], "a")
    1.5
    """
    points = [(one.documents, one.seconds) for one in costs if one.way == way and one.kind == SHORT.name]
    documents, seconds = np.log(np.array(points, dtype=np.float64)).T
    return round(float(np.polyfit(documents, seconds, 1)[0]), 6)


def plot(costs: list[Cost]) -> Any:
    """Seconds over documents, both logarithmic; short texts as lines, chat answers as points."""
    import altair as alt

    table = pl.DataFrame([vars(one) for one in costs])
    base = alt.Chart(table).encode(
        x=alt.X("documents:Q", scale=alt.Scale(type="log"), title="documents", axis=alt.Axis(format="~s")),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"),
        color=alt.Color("way:N", title=None, sort=list(WAYS)),
    )
    lines = base.transform_filter(alt.datum.kind == SHORT.name).mark_line()
    points = base.mark_point(filled=True, size=60).encode(shape=alt.Shape("kind:N", title=None))
    return (lines + points).properties(width=420, height=300)


if __name__ == "__main__":
    work(*sys.argv[1:])
