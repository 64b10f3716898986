"""What runs in a process of its own: reads a task from standard input, tells how far it is, and writes its tables.

``python -m saedata_apps.work`` is started by `jobs`; a line of JSON on standard output is a report.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import saedata
from saedata.errors import SaedataError
from saedata.progress import listening
from saedata_apps.tasks import TASKS

_OFTEN = 0.2  # seconds between two reports
NOTES = "notes.json"


def main() -> int:
    """Do the task; 2 where the library refuses it."""
    asked = json.load(sys.stdin)
    try:
        with listening(_Teller()), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            run(asked)
        (Path(asked["out"]) / NOTES).write_text(json.dumps([str(one.message) for one in caught]), encoding="utf-8")
    except SaedataError as error:
        tell(error=str(error))
        return 2
    return 0


def run(asked: dict[str, Any]) -> None:
    """Open the frames, call the task, write a file for each table."""
    logging.getLogger("saedata").addHandler(_Handler())
    frames = [saedata.open(path, name=name) for path, name in asked["frames"]]
    tables = TASKS[asked["task"]](*frames, **asked["options"])
    for name, table in tables.items():
        table.write_parquet(Path(asked["out"]) / f"{name}.parquet")


def tell(**report: Any) -> None:
    """Write a report."""
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


class _Teller:
    """Tells how far a stage is, now and then."""

    def __init__(self) -> None:
        self._last, self._stage = 0.0, ""

    def __call__(self, stage: str, done: float, total: float | None, unit: str) -> None:
        now = time.monotonic()
        if stage != self._stage or now - self._last > _OFTEN:
            self._last, self._stage = now, stage
            tell(stage=stage, done=done, total=total, unit=unit)


class _Handler(logging.Handler):
    """Passes on what the library logs."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(log=record.getMessage())


if __name__ == "__main__":
    sys.exit(main())
