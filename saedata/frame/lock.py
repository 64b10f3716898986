"""One writer per folder, without a lock file that a killed process could leave behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from saedata.errors import FrameError

if TYPE_CHECKING:
    from pathlib import Path


def lock_folder(folder: Path) -> int:
    """Lock a folder until the descriptor is closed or the process ends.

    Parameters
    ----------
    folder
        An existing folder.

    Returns
    -------
    int
        The descriptor that holds the lock; `os.close` releases it.

    Raises
    ------
    FrameError
        Another process is writing there, or the folder cannot be opened.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        msg = f"cannot write the frame {folder}: {error.strerror}; choose another --out"
        raise FrameError(msg) from error
    try:
        _lock(descriptor)
    except BlockingIOError:
        os.close(descriptor)
        msg = f"another process is writing {folder}; wait for it to end or choose another --out"
        raise FrameError(msg) from None
    return descriptor


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # no such call on this system: the user keeps the order
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks must not make embedding impossible
        return
