"""Work outside of the pages: started once for all visitors, with progress, cancelled by whoever asks, kept on disk."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from saedata.folders import cache_folder
from saedata_apps import opened
from saedata_apps.work import NOTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from saedata.frame import Embeddings

State = Literal["waiting", "running", "done", "failed", "cancelled"]

KEPT = 200
"""Results that stay on disk; the oldest go first."""

READ = 16
"""Results that stay in memory."""

FORMAT = 1
_PARTIAL = ".partial"
_KILLED_AFTER = 3.0  # seconds that a process has to stop by itself


@dataclass
class Job:
    """One piece of work."""

    key: str
    folder: Path
    request: dict[str, Any]
    state: State = "waiting"
    stage: str = ""
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    error: str = ""
    log: list[str] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    process: subprocess.Popen[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state in ("waiting", "running")

    @property
    def share(self) -> float | None:
        """How far its stage is, from 0 to 1; None: not known."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody stopped it, in whatever thread."""
        return self.state == "cancelled"

    def cancel(self) -> None:
        """Stop it."""
        if self.is_open:
            self.state = "cancelled"
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            threading.Timer(_KILLED_AFTER, self.process.kill).start()


_jobs: dict[str, Job] = {}
_guard = threading.Lock()
_one_at_a_time = threading.Semaphore(1)


def key_of(task: str, frames: Sequence[Embeddings], options: dict[str, Any]) -> str:
    """What a result is kept under: the content of the frames, the task and its options."""
    asked = json.dumps([FORMAT, task, [opened.key(frame) for frame in frames], sorted(options.items())], default=str)
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def result(
    task: str, frames: Sequence[Embeddings], options: dict[str, Any]
) -> tuple[dict[str, pl.DataFrame], list[str]] | None:
    """Tables and warnings of finished work; None where it was not done yet."""
    folder = _folder() / key_of(task, frames, options)
    try:
        written = (folder / NOTES).stat().st_mtime_ns
    except OSError:
        return None
    try:
        return _read(folder, written)
    except (OSError, ValueError, pl.exceptions.PolarsError):  # damaged: it is done again
        shutil.rmtree(folder, ignore_errors=True)
        return None


@functools.lru_cache(maxsize=READ)
def _read(folder: Path, _written: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    tables = {file.stem: pl.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}
    return tables, json.loads((folder / NOTES).read_text(encoding="utf-8"))


def forget(task: str, frames: Sequence[Embeddings], options: dict[str, Any]) -> None:
    """Do away with a result that is of no use any more."""
    key = key_of(task, frames, options)
    shutil.rmtree(_folder() / key, ignore_errors=True)
    _jobs.pop(key, None)


def job(task: str, frames: Sequence[Embeddings], options: dict[str, Any]) -> Job | None:
    """The work that was asked for, if it was."""
    return _jobs.get(key_of(task, frames, options))


def start(task: str, frames: Sequence[Embeddings], options: dict[str, Any]) -> Job:
    """Ask for work; what is under way already is not started twice."""
    key = key_of(task, frames, options)
    with _guard:
        known = _jobs.get(key)
        if known is not None and known.is_open:
            return known
        request = {"task": task, "frames": [(str(frame.path), frame.name) for frame in frames], "options": options}
        mine = _jobs[key] = Job(key, _folder() / key, request)
    threading.Thread(target=_work, args=(mine,), daemon=True).start()
    return mine


def _work(mine: Job) -> None:
    with _one_at_a_time:
        if mine.is_cancelled:
            return
        mine.state = "running"
        partial = mine.folder.with_name(mine.folder.name + _PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        code = _run(mine, partial)
        if mine.is_cancelled or code:
            shutil.rmtree(partial, ignore_errors=True)
            if not mine.is_cancelled:
                mine.error = mine.error or "the work stopped unexpectedly; there may not have been enough memory"
                mine.state = "failed"
            return
        shutil.rmtree(mine.folder, ignore_errors=True)
        partial.rename(mine.folder)
        mine.state = "done"
        _forget_the_oldest()


def _run(mine: Job, partial: Path) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "saedata_apps.work"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    mine.process = process
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        json.dump(mine.request | {"out": str(partial)}, process.stdin)
        process.stdin.close()
    for line in process.stdout:
        _hear(mine, line)
    return process.wait()


def _hear(mine: Job, line: str) -> None:
    try:
        report = json.loads(line)
    except ValueError:
        return
    for name in ("stage", "done", "total", "unit", "error"):
        if name in report:
            setattr(mine, name, report[name])
    if "log" in report:
        mine.log.append(report["log"])


def _folder() -> Path:
    return cache_folder() / "dashboard"


def _forget_the_oldest() -> None:
    """Keep the newest results only."""
    kept = sorted((one for one in _folder().iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
    for old in kept[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


@atexit.register
def _stop_all() -> None:
    """Leave no process behind."""
    for one in _jobs.values():
        one.cancel()
