"""Seconds and memory of `diff` and `correlate` on up to a million documents, each run in a fresh process.

Documents are simulated from the density profile of real chat answers: 300 of 16 384 features on in a short text, 1 100
in a chat answer. A finished frame always has its feature-sorted index, so `diff` never counts in Parquet: between two
frames it takes the stored counts, by a column it counts in the index. The million takes 5 GB of disk, all frames 10;
set `SAEDATA_BENCH_SCRATCH` to a folder that shall keep them, or they are made anew and removed. The vectors of their
labels are in the cache before anything is timed, as those of the bundled encoder are in its folder.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from benchmarks.chat_answers import chat_answers
from benchmarks.harness import RESULTS, Figure
from benchmarks.scale_work import WORK
from benchmarks.simulated import Mixture, Profile, labels, write
from saedata.concepts import choose_features
from saedata.frame import open_frame

FEATURES, RUNS = 16_384, 3
LONG = 15.0
"""Seconds from which on one run must do."""

SIZES = (100_000, 300_000, 1_000_000)
WARM_UP = 2_000
PLOT = "scale_analyses.svg"

STORED, MEANS, BY, BY_MEANS, ALL, DENSER = WORK
LIMITS = {STORED: (1, 1), MEANS: (20, 1), BY: (10, 1), BY_MEANS: (20, 1), ALL: (120, 2.5), DENSER: (60, 2.5)}
"""Seconds and gigabytes."""

STEEPEST = 1.1


@dataclass(frozen=True)
class Kind:
    """A kind of text: features on and tokens in the mean document."""

    name: str
    on: int
    tokens: int


SHORT, CHAT = Kind("short texts", 300, 30), Kind("chat answers", 1100, 500)


@dataclass(frozen=True)
class Cost:
    """What one analysis takes, the median of some runs, and how busy the processors were just before them (%)."""

    work: str
    kind: str
    documents: int
    seconds: float
    gigabytes: float
    busy: float = 0.0
    runs: int = 1


def measure() -> list[Figure]:
    """Make the frames, measure, and draw the plot."""
    given = os.environ.get("SAEDATA_BENCH_SCRATCH")
    place = Path(given or tempfile.mkdtemp())
    try:
        frames = make_frames(place)
        costs = measured(frames)
    finally:
        if not given:
            shutil.rmtree(place)
    plot(costs).save(RESULTS / PLOT)
    return figures(costs)


def make_frames(place: Path) -> dict[tuple[Kind, int], Path]:
    """Write the frames that are not there yet."""
    profile = Profile.of(chat_answers())
    sizes = [(SHORT, WARM_UP), *((SHORT, size) for size in SIZES), (CHAT, SIZES[0])]
    frames = {}
    for kind, size in sizes:
        out = place / f"{kind.name.replace(' ', '_')}_{size}.sae"
        mixture = Mixture.of(profile, features=FEATURES, mean_on=kind.on, tokens=kind.tokens, seed=size)
        write(out, documents=size, encoder=mixture.encoder, shard=mixture.shard, labels=labels(FEATURES))
        frames[kind, size] = out
    return frames


def measured(frames: dict[tuple[Kind, int], Path]) -> list[Cost]:
    """Every analysis on every frame, after one on few documents that compiles what is not compiled yet."""
    small = frames[SHORT, WARM_UP]
    choose_features(open_frame(small), "red large", least=-1)  # keeps the labels' vectors, the same in all frames
    for work in WORK:
        run(work, [small] * parameters(work))
    costs = []
    for (kind, size), frame in frames.items():
        if size == WARM_UP:
            continue
        other = frames[SHORT if kind is CHAT else CHAT, SIZES[0]]
        costs += [cost(work, kind, size, [frame, other][: parameters(work)]) for work in WORK]
    return costs


def parameters(work: str) -> int:
    """How many frames it takes."""
    return 2 if work in (STORED, MEANS) else 1


def cost(work: str, kind: Kind, documents: int, frames: list[Path]) -> Cost:
    busy = psutil.cpu_percent(interval=2)
    runs = [run(work, frames)]
    while len(runs) < RUNS and runs[0]["seconds"] < LONG:
        runs.append(run(work, frames))
    seconds, gigabytes = (statistics.median(one[what] for one in runs) for what in ("seconds", "gigabytes"))
    print(f"{work}, {documents:,} {kind.name}: {runs}", file=sys.stderr, flush=True)
    return Cost(work, kind.name, documents, seconds, gigabytes, busy, len(runs))


def run(work: str, frames: list[Path]) -> dict[str, float]:
    """Start a process for it."""
    command = [sys.executable, "-m", "benchmarks.scale_work", work, *map(str, frames)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def figures(costs: list[Cost]) -> list[Figure]:
    """Seconds, memory and slopes, with targets where there are as many documents as the targets speak of."""
    found = []
    largest = {SHORT.name: SIZES[-1], CHAT.name: SIZES[0]}
    for one in costs:
        seconds, gigabytes = LIMITS[one.work] if one.documents == largest[one.kind] else (None, None)
        runs = f"median of {one.runs} runs" if one.runs > 1 else "1 run"
        n = f"{one.documents:,} {one.kind}, {runs}"
        found.append(Figure(one.work, one.seconds, n, seconds and ("<=", seconds), " s"))
        found.append(Figure(f"{one.work}: peak memory", one.gigabytes, n, gigabytes and ("<=", gigabytes), " GB"))
    for work in WORK:
        n = f"{SIZES[0]:,} to {SIZES[-1]:,} {SHORT.name}"
        found.append(Figure(f"{work}: log-log slope", slope(costs, work), n, ("<=", STEEPEST)))
    busy = [one.busy for one in costs]
    most = f"{len(busy)} looks between the runs, at most {max(busy):.0f} %"
    return [*found, Figure("processors in use by something else", statistics.median(busy), most, None, " %")]


def slope(costs: list[Cost], work: str) -> float:
    """Least-squares slope of log seconds over log documents.

    Examples
    --------
    >>> costs = [Cost("work", "short texts", n, n**1.5, 1.0) for n in (100, 300, 1000)]
    >>> round(slope(costs, "work"), 6)
    1.5
    """
    points = [(one.documents, one.seconds) for one in costs if one.work == work and one.kind == SHORT.name]
    documents, seconds = np.log(np.array(points, dtype=np.float64)).T
    return float(np.polyfit(documents, seconds, 1)[0])


def plot(costs: list[Cost]) -> object:
    """Seconds over documents, both logarithmic; short texts as lines, chat answers as single points."""
    import altair as alt

    table = pl.DataFrame([vars(one) for one in costs])
    base = alt.Chart(table).encode(
        x=alt.X("documents:Q", scale=alt.Scale(type="log"), title="documents", axis=alt.Axis(format="~s")),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"),
        color=alt.Color("work:N", title=None, sort=list(WORK), legend=alt.Legend(labelLimit=300)),
    )
    lines = base.transform_filter(alt.datum.kind == SHORT.name).mark_line()
    points = base.mark_point(filled=True, size=60).encode(shape=alt.Shape("kind:N", title=None))
    return (lines + points).properties(width=420, height=300)
