"""Failures of the disk, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from saedata.errors import FrameError
from saedata.frame.disk import write_file, write_parquet, writing
from saedata.frame.layout import Layout, is_part, partial


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied; choose another --out"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), "a file stands where a folder is needed"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error; mend that"),
        (pl.exceptions.ComputeError("parquet: No space left on device (os error 28)"), "the disk is full"),
    ],
)
def test_failures_are_one_sentence(error: Exception, said: str):
    with pytest.raises(FrameError, match=f"cannot write the frame out.sae: {said}"), writing(Path("out.sae")):
        raise error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_polars_tells_that_the_disk_is_full():
    table = pl.DataFrame({"a": np.random.default_rng(0).random(100_000)})
    with (
        pytest.raises(FrameError, match="the disk is full"),
        writing(Path("out.sae")),
        Path("/dev/full").open("wb") as file,
    ):
        table.write_parquet(file)


def test_failed_write_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "x"
    write_file(path, lambda file: file.write(b"old"))

    def fail(file: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_file(path, fail)
    assert path.read_bytes() == b"old"


def test_file_is_flushed_before_it_gets_its_name_and_the_folder_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append(("fsync", os.fstat(fd).st_ino)), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append(("replace", 0)), replace(a, b)))
    write_parquet(tmp_path / "x.parquet", pl.DataFrame({"a": [1]}))
    file, folder = (tmp_path / "x.parquet").stat().st_ino, tmp_path.stat().st_ino
    assert events == [("fsync", file), ("replace", 0), ("fsync", folder)]


def test_names_come_from_numbers():
    layout = Layout(Path("a.sae"))
    assert layout.activations(123_456).name == "part-123456.parquet"
    assert is_part(partial(layout.documents(7)).name)
    for name in ("part-1.parquet", "part-00001.parquet.bak", "x-part-00001.parquet", "part-00001.csv"):
        assert not is_part(name)
