"""Seconds until the dashboard shows a page, and answers, on a million documents, in a headless Chromium.

The frames are those of `dashboard_frames`: a million documents, and a hundred thousand to compare them with, 300 of
4 096 features on. They take 6 GB of disk; set `SAEDATA_BENCH_SCRATCH` to a folder that shall keep them. The clock is
the browser's. Every page is opened five times in a tab of its own, after the scan at the start and the work that pages
do in the background; every act is another one each time (another feature, query, rectangle), so that no answer is kept.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import saedata
from benchmarks.dashboard_frames import Source, make
from benchmarks.dashboard_visits import PATIENCE, Look, act, arrive, looks, prepare
from benchmarks.harness import Figure, Skipped
from tests_browser import chromium
from tests_browser.server import served
from tests_browser.visitor import Visitor

DOCUMENTS, OTHER = 1_000_000, 100_000
VISITS = 5
FIRST, ANSWER, MEMORY, MESSAGE = 3.0, 1.0, 4.0, 10.0
"""Targets: seconds to the first chart, seconds to an answer, GB of the server, MB of the largest message."""

READY = re.compile(rb"read in advance: (\d+) s")


@dataclass
class Seen:
    """What was measured of one page."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    acts: dict[str, list[float]] = field(default_factory=dict)
    work: float = 0.0
    largest: int = 0


def measure(documents: int = DOCUMENTS, other: int = OTHER, only: str = "") -> list[Figure]:
    """Make the frames, start the dashboard, visit it."""
    if importlib.util.find_spec("playwright") is None:
        msg = "playwright is not installed; `make test-browser` installs it, and a Chromium"
        raise Skipped(msg)
    given = os.environ.get("SAEDATA_BENCH_SCRATCH")
    place = Path(given or tempfile.mkdtemp())
    try:
        source = Source.of_samples()
        frames = [make(place / f"dashboard_{size}.sae", size, source) for size in (documents, other)]
        return visited(frames, only)
    finally:
        if not given:
            shutil.rmtree(place)


def visited(frames: list[Path], only: str) -> list[Figure]:
    """Serve the frames, with nothing kept from earlier, and look at every page."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        log, corpora = Path(folder) / "log", Path(folder) / "corpora"
        corpora.mkdir()
        browser = playwright.chromium.launch(
            executable_path=str(chromium.installed()),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            env=dict(chromium.environment()),
        )
        context = browser.new_context(viewport={"width": 1440, "height": 1000})
        context.set_default_timeout(1e3 * PATIENCE)
        with served(frames, corpora=[corpora], log=log, SAEDATA_CACHE=f"{folder}/cache") as server:
            scan = wait(log)
            process = psutil.Process(server.process)
            seen: dict[str, Seen] = {}
            for look in looks(saedata.open(frames[0]), corpora):
                if only and only not in look.name:
                    continue
                seen[look.name] = one = Seen()
                since = time.perf_counter()
                if look.starts:
                    prepare(look, Visitor(context.new_page(), server.address))
                one.work = time.perf_counter() - since
                for number in range(VISITS):
                    visit(look, Visitor(context.new_page(), server.address), one, number)
                print(look.name, one, f"{process.memory_info().rss / 1e9:.2f} GB", file=sys.stderr, flush=True)
            memory = held(server.process)
        browser.close()
    return figures(seen, scan, memory)


def wait(log: Path, patience: float = 7_200) -> float:
    """Wait for the scan at the start; gives its seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := READY.search(log.read_bytes()):
            return float(found[1])
        time.sleep(1)
    msg = f"the dashboard was not ready after {patience:.0f} s"
    raise RuntimeError(msg)


def visit(look: Look, visitor: Visitor, seen: Seen, number: int) -> None:
    """Open a page, and do on it what there is to do."""
    first, whole = arrive(look, visitor)
    seen.first.append(first)
    seen.whole.append(whole)
    for what, how, changes in look.acts:
        seen.acts.setdefault(what, []).append(act(visitor, how, number, changes))
    seen.largest = max(seen.largest, visitor.largest)
    visitor.page.close()
    if visitor.wrong:
        msg = f"{look.name}: {visitor.wrong}"
        raise RuntimeError(msg)


def held(process: int) -> dict[str, float]:
    """Gigabytes that a process held at most, files that it maps included, and what it holds now without them."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    names = {"most": "VmHWM", "own": "RssAnon"}
    return {name: int(status[key].split()[0]) * 1024 / 1e9 for name, key in names.items()}


def figures(seen: dict[str, Seen], scan: float, memory: dict[str, float]) -> list[Figure]:
    """Medians, with their targets."""
    found = []
    n = f"{DOCUMENTS:,} documents, median of {VISITS} visits"
    for name, one in seen.items():
        worst = f"{n}, at most {max(one.first):.2f} s"
        found.append(Figure(f"{name}: first element", statistics.median(one.first), worst, ("<=", FIRST), " s"))
        found.append(Figure(f"{name}: all of it", statistics.median(one.whole), n, None, " s"))
        for what, times in one.acts.items():
            worst = f"{n}, at most {max(times):.2f} s"
            found.append(Figure(f"{name}: {what}", statistics.median(times), worst, ("<=", ANSWER), " s"))
        if one.work > 1:
            found.append(Figure(f"{name}: its work in the background", one.work, "1 run", None, " s"))
    largest = max(one.largest for one in seen.values()) / 1e6
    found.append(Figure("largest message to the browser", largest, f"{len(seen)} pages", ("<=", MESSAGE), " MB"))
    found.append(Figure("server: most memory, mapped files included", memory["most"], "1 run", ("<=", MEMORY), " GB"))
    found.append(Figure("server: memory of its own in the end", memory["own"], "1 run", None, " GB"))
    return [*found, Figure("scan at the start", scan, f"{DOCUMENTS:,} and {OTHER:,} documents, 1 run", None, " s")]
