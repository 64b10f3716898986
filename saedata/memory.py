"""Memory that was freed goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes


def give_back_memory() -> None:
    """Let the C library return freed memory; glibc keeps what lies between blocks in use, and so seems to grow."""
    with contextlib.suppress(
        OSError, AttributeError, TypeError
    ):  # other C libraries have no such call, and no such habit
        ctypes.CDLL(None).malloc_trim(0)
