"""FAISS indexes as files, written whole or not at all and opened by memory map; and asking them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.errors import FrameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_index(path: Path, index: Any) -> None:
    """Write an index under a temporary name, flush it to the disk, and give it its name.

    Parameters
    ----------
    path
        Its file; the folder is made where it is missing.
    index
        Any FAISS index.

    Raises
    ------
    FrameError
        The disk is full or the folder cannot be written.
    """
    import faiss

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
        with os.fdopen(descriptor, "rb+") as file:
            faiss.write_index(index, temporary)
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except (OSError, RuntimeError) as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        msg = f"cannot write the index {path}: {getattr(error, 'strerror', None) or _first_line(error)}"
        raise FrameError(msg) from error


def read_index(path: Path) -> Any | None:
    """Open an index; what it holds is read where it is needed.

    Parameters
    ----------
    path
        Its file.

    Returns
    -------
    faiss.Index or None
        None where there is no such file, or it is broken: the caller makes it again.
    """
    import faiss

    if not path.is_file():
        return None
    # The newer way of mapping serves every kind of index; the older one only inverted files, and these slower.
    mapped = getattr(faiss, "IO_FLAG_MMAP_IFC", faiss.IO_FLAG_MMAP)
    try:
        return faiss.read_index(str(path), mapped | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError:
        return None


def ask_index(index: Any, vector: NDArray[np.float32], count: int, **options: Any) -> tuple[Any, Any]:
    """Find the nearest vectors in this thread alone: for one question, several would mostly wait for each other.

    Parameters
    ----------
    index
        The index.
    vector
        float32 [dimensions].
    count
        How many, at most.
    options
        Of FAISS: ``params``.

    Returns
    -------
    tuple of numpy.ndarray
        Inner products and positions of those that were found.
    """
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        products, positions = index.search(vector[None], count, **options)
    finally:
        faiss.omp_set_num_threads(threads)
    found = positions[0] >= 0
    return products[0][found], positions[0][found]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
