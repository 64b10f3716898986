"""Comparing every byte of a frame with the hashes in its manifest."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from saedata.frame.disk import reading, sha256_file
from saedata.frame.layout import Layout
from saedata.frame.parsing import read_manifest
from saedata.frame.stored import StoredFrame, expected_files

_SCHEMA = {"check": pl.String, "value": pl.String, "expected": pl.String, "verdict": pl.String}


def verify(path: str | Path) -> pl.DataFrame:
    """Check that a frame is complete and every file is as it was written.

    Parameters
    ----------
    path
        The frame's folder.

    Returns
    -------
    polars.DataFrame
        One row for each check, in order: ``check`` (``complete``, then the files), ``value`` found,
        ``expected``, and ``verdict``: ``ok``, ``differs``, ``missing`` or ``unfinished``.

    Raises
    ------
    FrameError
        There is no readable manifest.
    """
    layout = Layout(Path(path))
    frame = StoredFrame(layout, read_manifest(layout.manifest))
    complete = frame.manifest.complete
    verdict = "ok" if complete else "unfinished"
    rows: list[tuple[str, str | None, str, str]] = [("complete", str(complete).lower(), "true", verdict)]
    for name, (_, sha256) in expected_files(frame).items():
        rows.append((name, *_compare(layout.root / name, sha256)))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _compare(path: Path, expected: str) -> tuple[str | None, str, str]:
    if not path.is_file():
        return None, expected, "missing"
    with reading(path):
        found = sha256_file(path)
    return found, expected, "ok" if found == expected else "differs"
