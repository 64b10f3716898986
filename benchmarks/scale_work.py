"""One analysis in a process of its own: `python -m benchmarks.scale_work NAME FRAME...` prints seconds and peak memory.

Seconds are those from opening the frames to the finished table, with whatever libraries the analysis loads on the way;
memory is the largest resident size of the whole process, by the operating system's account.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import polars as pl

import saedata
from benchmarks.harness import peak_memory
from saedata.frame import Embeddings

DENSE = 0.001
"""Density from which on a feature is one of the denser ones."""


def _denser(frame: Embeddings) -> pl.DataFrame:
    return saedata.correlate(frame, min_documents=int(DENSE * frame.n_documents) + 1)


WORK: dict[str, Callable[..., pl.DataFrame]] = {
    "diff of two frames, stored counts": lambda a, b: saedata.diff(a, b, effects=False),
    "diff of two frames, mean values": lambda a, b: saedata.diff(a, b),
    "diff by a column, counts": lambda frame: saedata.diff(frame, by="side", effects=False),
    "diff by a column, mean values": lambda frame: saedata.diff(frame, by="side"),
    "correlate, all features": lambda frame: saedata.correlate(frame),
    "correlate, above 0.1 % density": _denser,
}
"""All with default options otherwise: evidence, findings, similarity of labels and couplings are in."""


def main() -> None:
    name, *paths = sys.argv[1:]
    since = time.perf_counter()
    table = WORK[name](*map(saedata.open, paths))
    seconds = time.perf_counter() - since
    print(json.dumps({"seconds": seconds, "gigabytes": peak_memory() / 1e9, "rows": table.height}))


if __name__ == "__main__":
    main()
