"""Memory: how much is free, sizes in words, and what was freed goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_GROUP = Path("/sys/fs/cgroup")


def give_back_memory() -> None:
    """Let the C library return freed memory; glibc keeps what lies between blocks in use, and so seems to grow."""
    with contextlib.suppress(
        OSError, AttributeError, TypeError
    ):  # other C libraries have no such call, and no such habit
        ctypes.CDLL(None).malloc_trim(0)


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device; on a CPU what the machine has, or what its container may still take."""
    import psutil
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        most, taken = (int((_GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        free = min(free, max(most - taken, 0))
    return free


def in_bytes(count: float) -> str:
    """A number of bytes for people.

    Examples
    --------
    >>> in_bytes(14_200_000_000)
    '14 GB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
