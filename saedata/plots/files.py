"""Putting a finished page or picture on the disk: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

from saedata.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def check_place(path: Path, *, kind: str = "HTML file", example: str = "report.html") -> Path:
    """Refuse, before any work is done, a path that cannot become a file.

    Parameters
    ----------
    path
        Where something is to be written.
    kind, example
        What it is and how it could be called, for the message.

    Raises
    ------
    InputError
        It is a folder, or its folder does not exist or cannot be written.
    """
    msg = ""
    if path.is_dir():
        msg = f"{path} is a folder; give the name of an {kind}, e.g. {path / example}"
    elif not path.parent.is_dir():
        msg = f"cannot write {path}: there is no folder {path.parent}; create it or choose another place"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        msg = f"cannot write {path}: no permission for the folder {path.parent}; choose another place"
    if msg:
        raise InputError(msg)
    return path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write under a temporary name in the same folder, then rename.

    Raises
    ------
    InputError
        The disk is full or the folder cannot be written; what was there before is untouched.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = path.parent / file.name
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; choose another place"
        raise InputError(msg) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Temporary files are private; what is written gets the rights any new file would have."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
