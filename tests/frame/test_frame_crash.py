"""Whatever moment a run dies at, the same command again gives the bytes of an undisturbed run."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saedata.errors import FrameError
from saedata.frame import open_frame
from saedata.frame.layout import PARTIAL

Parts = Callable[..., Any]
Rows = list[tuple[str | None, dict[int, float]]]

MORE: Rows = [("sorry, the cat", {0: 9.0, 1: 1.0}), ("I am sorry", {7: 1.0})]


class CrashError(BaseException):
    """Stands for the death of the process: nothing in the package catches it."""


class Disk:
    """Counts what reaches the disk, and fails at one of these calls, before or after it is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.fatal, self.after = 0, -1, False
        self.error: BaseException = CrashError()
        monkeypatch.setattr(os, "replace", self._failing(os.replace))
        monkeypatch.setattr(os, "mkdir", self._failing(os.mkdir))
        monkeypatch.setattr(os, "fsync", self._failing(os.fstat))  # real flushing would take minutes

    def arm(self, call: int, *, after: bool = False, error: BaseException | None = None) -> None:
        self.calls, self.fatal, self.after = 0, call, after
        self.error = error or CrashError()

    def _failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object, **options: object) -> object:
            fatal = self.calls == self.fatal
            self.calls += 1
            if fatal and not self.after:
                raise self.error
            try:
                return real(*args, **options)
            finally:
                if fatal:
                    raise self.error

        return call


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, quick_disk: None) -> Disk:
    return Disk(monkeypatch)


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def refusal_of(run: Callable[[], object]) -> str | None:
    try:
        run()
    except FrameError as error:
        return str(error)
    return None


def calls_of(disk: Disk, run: Callable[[], object]) -> int:
    disk.arm(-1)
    run()
    return disk.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_at_every_step_of_a_run(after: bool, disk: Disk, frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts = frame_parts(rows[:5])
    calls = calls_of(disk, lambda: parts.write(tmp_path / "whole.sae"))
    whole = tree(tmp_path / "whole.sae")
    assert calls > 30
    for step in range(calls):
        out = tmp_path / f"{step}.sae"
        disk.arm(step, after=after)
        with pytest.raises(CrashError):
            parts.write(out)
        if not out.exists() or tree(out) != whole:
            with pytest.raises(FrameError, match=r"unfinished|does not exist|is not a frame"):
                open_frame(out)
        disk.arm(-1)
        parts.write(out)
        assert tree(out) == whole, f"step {step}"


def test_crash_at_every_step_of_an_append(disk: Disk, frame_parts: Parts, rows: Rows, tmp_path: Path):
    first, second = frame_parts(rows[:2]), frame_parts(MORE)
    first.write(tmp_path / "whole.sae")
    calls = calls_of(disk, lambda: second.write(tmp_path / "whole.sae", append=True))
    whole = tree(tmp_path / "whole.sae")
    for step in range(calls - 1):
        out = tmp_path / f"{step}.sae"
        first.write(out)
        disk.arm(step)
        with pytest.raises(CrashError):
            second.write(out, append=True)
        disk.arm(-1)
        if tree(out) != whole:
            second.write(out, append=True)
        assert tree(out) == whole, f"step {step}"


def test_full_disk_at_every_step_is_one_sentence_and_leaves_nothing_half_written(
    disk: Disk, frame_parts: Parts, rows: Rows, tmp_path: Path
):
    parts = frame_parts(rows[:5])
    calls = calls_of(disk, lambda: parts.write(tmp_path / "whole.sae"))
    whole = tree(tmp_path / "whole.sae")
    refused = 0
    for step in range(calls):
        out = tmp_path / f"{step}.sae"
        disk.arm(step, error=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if refusal := refusal_of(lambda out=out: parts.write(out)):
            refused += 1
            assert "the disk is full; free some space" in refusal
            assert "\n" not in refusal
        assert not [name for name in tree(tmp_path) if name.endswith(PARTIAL)]
        assert not out.exists() or (out / "manifest.json").exists()
        disk.arm(-1)
        parts.write(out)
        assert tree(out) == whole, f"step {step}"
    assert refused >= calls - 4  # making a folder that is there already cannot fail


def test_a_crash_twice_in_a_row(disk: Disk, frame_parts: Parts, rows: Rows, tmp_path: Path):
    parts = frame_parts(rows)
    calls = calls_of(disk, lambda: parts.write(tmp_path / "whole.sae"))
    moments = random.Random(11)
    for case in range(10):
        out = tmp_path / f"{case}.sae"
        for _ in range(3):
            disk.arm(moments.randrange(calls // 3))
            with contextlib.suppress(CrashError):
                parts.write(out)
        disk.arm(-1)
        parts.write(out)
        assert tree(out) == tree(tmp_path / "whole.sae")


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from frame_parts import FrameParts
rows = [(f"document {i} says sorry {i % 7} times", {i % 60: 1.0 + i, 60 + i % 4: 2.0}) for i in range(800)]
parts = FrameParts(rows, features=64, shard=40)
print("ready", flush=True)
parts.write(Path(sys.argv[2]))
"""


def start(out: Path) -> subprocess.Popen[str]:
    tests = Path(__file__).parents[1]
    arguments = [sys.executable, "-c", CHILD, str(tests), str(out)]
    environment = os.environ | {"PYTHONPATH": str(tests.parent), "POLARS_MAX_THREADS": "2"}
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def finish(child: subprocess.Popen[str]) -> int:
    with child:
        return child.wait(60)


def test_killed_process(tmp_path: Path):
    child, since = start(tmp_path / "whole.sae"), time.perf_counter()
    assert finish(child) == 0
    duration = time.perf_counter() - since
    whole = tree(tmp_path / "whole.sae")
    moments = random.Random(5)
    killed = 0
    for case in range(4):
        out = tmp_path / f"{case}.sae"
        child = start(out)
        time.sleep(moments.uniform(0, 0.8) * duration)
        child.send_signal(signal.SIGKILL)
        killed += finish(child) == -signal.SIGKILL
        assert finish(start(out)) == 0
        assert tree(out) == whole
    assert killed
