"""A dashboard that runs while something looks at it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
_PATIENCE = 600.0  # on a machine that is busy with other things


@contextlib.contextmanager
def dashboard(frames: Sequence[Path], *, corpora: Sequence[Path] = (), log: Path, **variables: str) -> Iterator[str]:
    """Serve frames on a free port; yields the address. See `served`."""
    with served(frames, corpora=corpora, log=log, **variables) as one:
        yield one.address


@dataclass(frozen=True)
class Served:
    """A dashboard that runs: where it is, and the number of its process."""

    address: str
    process: int


@contextlib.contextmanager
def served(frames: Sequence[Path], *, corpora: Sequence[Path] = (), log: Path, **variables: str) -> Iterator[Served]:
    """Serve frames on a free port.

    Parameters
    ----------
    frames
        Folders of frames, or corpora.
    corpora
        Folders whose files can be embedded.
    log
        Where its output goes.
    variables
        Of its environment.
    """
    port = _free_port()
    command = [
        str(Path(sys.executable).with_name("saedata")),
        "app",
        *map(str, frames),
        "--headless",
        "--port",
        str(port),
    ]
    command += [word for folder in corpora for word in ("--corpora", str(folder))]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **variables})
    try:
        address = f"http://localhost:{port}"
        _wait(address, process, log)
        yield Served(address, process.pid)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
        else:
            return
    msg = f"the dashboard did not start:\n{log.read_text(errors='replace')}"
    raise RuntimeError(msg)
